/* SPDX-License-Identifier: MIT */
#include "microexpr/flow.h"

#include <math.h>
#include <string.h>

#include "flow/dualtvl1.h"
#include "flow/farneback.h"
#include "flow/field.h"
#include "flow/flow_estimator.h"
#include "flow/flow_method.h"
#include "image/picture.h"

/* --- methods ----------------------------------------------------------------------- */

static mx_flow_settings settings_of(const mexpr_flow *flow)
{
    const double *params = flow->params;
    const bool is_fast = params[MEXPR_FLOW_METHOD] == MEXPR_FLOW_METHOD_TVL1_FAST;
    /* A shorter primal step goes with a longer dual one. */
    const double tau = is_fast ? params[MEXPR_FLOW_TAU] / (double)MX_TVL1_SHORTER
                               : params[MEXPR_FLOW_TAU];
    return (mx_flow_settings){
        .tau = (float)tau,
        .lambda = (float)params[MEXPR_FLOW_LAMBDA],
        .theta = (float)params[MEXPR_FLOW_THETA],
        .zoom = (float)params[MEXPR_FLOW_ZOOM],
        .epsilon = (float)params[MEXPR_FLOW_EPSILON],
        .max_levels = (int)params[MEXPR_FLOW_SCALES],
        .n_warps = (int)params[MEXPR_FLOW_WARPS],
        .max_iterations = (int)params[MEXPR_FLOW_ITERATIONS],
        .is_fast = is_fast,
    };
}

static mexpr_status prepare_tvl1(mexpr_flow *flow, int width, int height)
{
    const mx_flow_settings settings = settings_of(flow);
    return mx_flow_prepare(flow, &settings, width, height);
}

static void release_tvl1(mexpr_flow *flow)
{
    mx_flow_work_destroy(flow->scope.context, &flow->work);
}

static const mx_flow_method methods[MX_FLOW_N_METHODS] = {
    [MEXPR_FLOW_METHOD_TVL1] = {prepare_tvl1, mx_flow_input, mx_flow_solve, release_tvl1},
    [MEXPR_FLOW_METHOD_TVL1_FAST] = {prepare_tvl1, mx_flow_input, mx_flow_solve,
        release_tvl1},
    [MEXPR_FLOW_METHOD_TVL1_OPENCV] = {mx_dualtvl1_prepare, mx_dualtvl1_input,
        mx_dualtvl1_solve, mx_dualtvl1_release},
    [MEXPR_FLOW_METHOD_FARNEBACK] = {mx_farneback_prepare, mx_farneback_input,
        mx_farneback_solve, mx_farneback_release},
};

/* --- parameters -------------------------------------------------------------------- */

typedef struct param_bounds {
    const char *name;
    double minimum;
    double maximum;
    double standard;
    bool is_integer;
} param_bounds;

/* Those without a name are not the method's. Where a bound is open in the paper the
 * smallest value stands that single precision can work with. */
static const param_bounds bounds[MX_FLOW_N_METHODS][MX_FLOW_N_PARAMS + 1] =
    {
        [MEXPR_FLOW_METHOD_TVL1] =
            {
                [MEXPR_FLOW_TAU] = {"tau", 1e-4, 0.25, 0.25, false},
                [MEXPR_FLOW_LAMBDA] = {"lambda", 1e-6, 1e4, 0.15, false},
                [MEXPR_FLOW_THETA] = {"theta", 1e-4, 10, 0.3, false},
                [MEXPR_FLOW_SCALES] = {"scales", 1, MX_PYRAMID_MAX_LEVELS, 100, true},
                [MEXPR_FLOW_ZOOM] = {"zoom", 0.1, 0.95, 0.5, false},
                [MEXPR_FLOW_WARPS] = {"warps", 1, 1000, 5, true},
                [MEXPR_FLOW_EPSILON] = {"epsilon", 0, 1, 0.01, false},
                [MEXPR_FLOW_ITERATIONS] = {"iterations", 1, 100000, 300, true},
                [MEXPR_FLOW_METHOD] = {"method", 0, MEXPR_FLOW_METHOD_FARNEBACK, 0, true},
            },
        [MEXPR_FLOW_METHOD_TVL1_FAST] =
            {
                [MEXPR_FLOW_TAU] = {"tau", 1e-4, 0.25, 0.25, false},
                [MEXPR_FLOW_LAMBDA] = {"lambda", 1e-6, 1e4, 0.15, false},
                [MEXPR_FLOW_THETA] = {"theta", 1e-4, 10, 0.3, false},
                [MEXPR_FLOW_SCALES] = {"scales", 1, MX_PYRAMID_MAX_LEVELS, 100, true},
                [MEXPR_FLOW_ZOOM] = {"zoom", 0.1, 0.95, 0.5, false},
                [MEXPR_FLOW_WARPS] = {"warps", 1, 1000, 3, true},
                [MEXPR_FLOW_EPSILON] = {"epsilon", 0, 1, 0.017, false},
                [MEXPR_FLOW_ITERATIONS] = {"iterations", 1, 100000, 300, true},
                [MEXPR_FLOW_METHOD] = {"method", 0, MEXPR_FLOW_METHOD_FARNEBACK, 0, true},
            },
        [MEXPR_FLOW_METHOD_TVL1_OPENCV] =
            {
                [MEXPR_FLOW_TAU] = {"tau", 1e-4, 0.25, 0.25, false},
                [MEXPR_FLOW_LAMBDA] = {"lambda", 1e-6, 1e4, 0.15, false},
                [MEXPR_FLOW_THETA] = {"theta", 1e-4, 10, 0.3, false},
                [MEXPR_FLOW_SCALES] = {"scales", 1, MX_PYRAMID_MAX_LEVELS, 5, true},
                [MEXPR_FLOW_ZOOM] = {"zoom", 0.1, 0.95, 0.8, false},
                [MEXPR_FLOW_WARPS] = {"warps", 1, 1000, 5, true},
                [MEXPR_FLOW_EPSILON] = {"epsilon", 0, 1, 0.01, false},
                [MEXPR_FLOW_ITERATIONS] = {"iterations", 1, 100000, 30, true},
                [MEXPR_FLOW_METHOD] = {"method", 0, MEXPR_FLOW_METHOD_FARNEBACK, 0, true},
                [MEXPR_FLOW_OUTER_ITERATIONS] = {"outer iterations", 1, 1000, 10, true},
                [MEXPR_FLOW_MEDIAN] = {"median", 1, 5, 5, true},
            },
        [MEXPR_FLOW_METHOD_FARNEBACK] =
            {
                [MEXPR_FLOW_SCALES] = {"scales", 0, MX_PYRAMID_MAX_LEVELS, 3, true},
                [MEXPR_FLOW_ZOOM] = {"zoom", 0.1, 0.95, 0.5, false},
                [MEXPR_FLOW_ITERATIONS] = {"iterations", 1, 1000, 3, true},
                [MEXPR_FLOW_METHOD] = {"method", 0, MEXPR_FLOW_METHOD_FARNEBACK, 0, true},
                [MEXPR_FLOW_WINDOW] = {"window", 2, 255, 15, true},
                [MEXPR_FLOW_POLY_N] = {"poly n", 1, MX_FARNEBACK_MAX_N, 5, true},
                [MEXPR_FLOW_POLY_SIGMA] = {"poly sigma", 0.5, 100, 1.2, false},
                [MEXPR_FLOW_GAUSSIAN] = {"gaussian", 0, 1, 0, true},
            },
};

static const char *const method_names[MX_FLOW_N_METHODS] = {
    [MEXPR_FLOW_METHOD_TVL1] = "TV-L1",
    [MEXPR_FLOW_METHOD_TVL1_FAST] = "fast TV-L1",
    [MEXPR_FLOW_METHOD_TVL1_OPENCV] = "OpenCV's TV-L1",
    [MEXPR_FLOW_METHOD_FARNEBACK] = "Farnebäck's",
};

static bool is_known(mexpr_flow_param param)
{
    return (int)param >= 1 && (int)param <= MX_FLOW_N_PARAMS;
}

static int method_of(const mexpr_flow *flow)
{
    return (int)flow->params[MEXPR_FLOW_METHOD];
}

mexpr_status mexpr_flow_param_bounds(
    mexpr_flow_param param, double *minimum, double *maximum, double *standard)
{
    return mexpr_flow_method_bounds(
        MEXPR_FLOW_METHOD_TVL1, param, minimum, maximum, standard);
}

mexpr_status mexpr_flow_method_bounds(mexpr_flow_method method, mexpr_flow_param param,
    double *minimum, double *maximum, double *standard)
{
    if ((int)method < 0 || (int)method >= MX_FLOW_N_METHODS || !is_known(param) ||
        !bounds[method][param].name)
        return MEXPR_E_ARG;
    const param_bounds *b = &bounds[method][param];
    if (minimum)
        *minimum = b->minimum;
    if (maximum)
        *maximum = b->maximum;
    if (standard)
        *standard = b->standard;
    return MEXPR_OK;
}

/* Takes up a method with its defaults. What another one had laid out is released. */
static void choose_method(mexpr_flow *flow, int method)
{
    if (method != method_of(flow))
        methods[method_of(flow)].release(flow);
    for (int i = 1; i <= MX_FLOW_N_PARAMS; i++)
        flow->params[i] = bounds[method][i].standard;
    flow->params[MEXPR_FLOW_METHOD] = method;
    mx_tvl1_kernels_init(&flow->kernels, mexpr_context_cpu(flow->scope.context));
    if (method == MEXPR_FLOW_METHOD_TVL1_FAST)
        mx_tvl1_kernels_project(&flow->kernels);
}

static mexpr_status check_param(mexpr_flow *flow, mexpr_flow_param param, double value)
{
    if (!is_known(param))
        return mx_fail(&flow->scope, MEXPR_E_ARG,
            "there is no flow parameter %d; see mexpr_flow_param", (int)param);
    const param_bounds *b = &bounds[method_of(flow)][param];
    if (!b->name)
        return mx_fail(&flow->scope, MEXPR_E_ARG,
            "%s method has no parameter %d; see mexpr_flow_param",
            method_names[method_of(flow)], (int)param);
    if (!(value >= b->minimum && value <= b->maximum))
        return mx_fail(&flow->scope, MEXPR_E_RANGE, "%s is %g; it must be in %g..%g",
            b->name, value, b->minimum, b->maximum);
    if (b->is_integer && value != floor(value))
        return mx_fail(&flow->scope, MEXPR_E_RANGE, "%s is %g; it must be a whole number",
            b->name, value);
    if (param == MEXPR_FLOW_METHOD && !methods[(int)value].solve)
        return mx_fail(&flow->scope, MEXPR_E_RANGE,
            "there is no flow method %g; see mexpr_flow_method", value);
    if (param == MEXPR_FLOW_MEDIAN && fmod(value, 2) == 0)
        return mx_fail(
            &flow->scope, MEXPR_E_RANGE, "median is %g; it must be 1, 3 or 5", value);
    return MEXPR_OK;
}

mexpr_status mexpr_flow_set(mexpr_flow *flow, mexpr_flow_param param, double value)
{
    if (!flow)
        return MEXPR_E_ARG;
    const mexpr_status status = check_param(flow, param, value);
    if (status != MEXPR_OK)
        return status;
    if (param == MEXPR_FLOW_METHOD)
        choose_method(flow, (int)value);
    else
        flow->params[param] = value;
    return MEXPR_OK;
}

mexpr_status mexpr_flow_get(const mexpr_flow *flow, mexpr_flow_param param, double *value)
{
    if (!flow || !value || !is_known(param) || !bounds[method_of(flow)][param].name)
        return MEXPR_E_ARG;
    *value = flow->params[param];
    return MEXPR_OK;
}

/* --- life -------------------------------------------------------------------------- */

mexpr_status mexpr_flow_create(mexpr_context *context, mexpr_flow **out)
{
    if (!out)
        return MEXPR_E_ARG;
    *out = NULL;
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    mexpr_flow *flow = mx_calloc(scope, 1, sizeof *flow);
    if (!flow)
        return MEXPR_E_NOMEM;
    mx_scope_init(&flow->scope, mx_context_retain(context));
    choose_method(flow, MEXPR_FLOW_METHOD_TVL1);
    flow->cached_bytes = MX_FLOW_CACHED_BYTES;
    flow->divided_bytes = MX_FLOW_DIVIDED_BYTES;
    *out = flow;
    return MEXPR_OK;
}

mexpr_status mx_flow_clone(mx_scope *scope, const mexpr_flow *flow, mexpr_flow **out)
{
    mexpr_flow *clone = mx_calloc(scope, 1, sizeof *clone);
    *out = clone;
    if (!clone)
        return MEXPR_E_NOMEM;
    mx_scope_init(&clone->scope, mx_context_retain(scope->context));
    memcpy(clone->params, flow->params, sizeof clone->params);
    clone->kernels = flow->kernels;
    clone->cached_bytes = flow->cached_bytes;
    return MEXPR_OK;
}

mexpr_status mx_flow_reserve(mexpr_flow *flow, int32_t width, int32_t height)
{
    return methods[method_of(flow)].prepare(flow, width, height);
}

void mexpr_flow_destroy(mexpr_flow **flow)
{
    if (!flow || !*flow)
        return;
    mexpr_context *context = (*flow)->scope.context;
    mx_flow_window_destroy(*flow);
    methods[method_of(*flow)].release(*flow);
    mx_free(context, *flow);
    mx_context_release(context);
    *flow = NULL;
}

const char *mexpr_flow_last_error(const mexpr_flow *flow)
{
    return flow ? flow->scope.error : "";
}

/* --- flow -------------------------------------------------------------------------- */

/* Beyond this, neighbouring pixels would be one place in single precision. */
enum { MAX_SIDE = 1 << 23 };

mexpr_status mexpr_flow_compute(mexpr_flow *flow, const mexpr_image *first,
    const mexpr_image *second, mexpr_field *field)
{
    if (!flow)
        return MEXPR_E_ARG;
    if (!first || !second || !field)
        return mx_fail(&flow->scope, MEXPR_E_ARG, "%s is NULL",
            !first    ? "the first picture"
            : !second ? "the second picture"
                      : "the field");
    const int width = first->width, height = first->height;
    if (second->width != width || second->height != height)
        return mx_fail(&flow->scope, MEXPR_E_SHAPE,
            "the pictures differ in size: %d×%d and %d×%d", width, height, second->width,
            second->height);
    if (field->width != width || field->height != height)
        return mx_fail(&flow->scope, MEXPR_E_SHAPE,
            "the field is %d×%d, but the pictures are %d×%d", field->width, field->height,
            width, height);
    if (width > MAX_SIDE || height > MAX_SIDE)
        return mx_fail(&flow->scope, MEXPR_E_LIMIT,
            "the pictures are %d×%d; no side may be longer than %d pixels", width, height,
            MAX_SIDE);
    const mx_flow_method *method = &methods[method_of(flow)];
    const mexpr_status status = method->prepare(flow, width, height);
    if (status != MEXPR_OK)
        return status;
    mx_image_to_grey_f32(first, method->input(flow, 0));
    mx_image_to_grey_f32(second, method->input(flow, 1));
    return method->solve(flow, field->u, field->v);
}
