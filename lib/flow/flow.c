/* SPDX-License-Identifier: MIT */
#include "microexpr/flow.h"

#include <math.h>
#include <string.h>

#include "flow/flow_estimator.h"
#include "flow/field.h"
#include "image/picture.h"

/* --- parameters -------------------------------------------------------------------- */

typedef struct param_bounds {
    const char *name;
    double minimum;
    double maximum;
    double standard;
    bool is_integer;
} param_bounds;

/* Where a bound is open in the paper the smallest value stands that single precision can
 * work with. */
static const param_bounds bounds[MX_FLOW_N_PARAMS + 1] = {
    [MEXPR_FLOW_TAU] = {"tau", 1e-4, 0.25, 0.25, false},
    [MEXPR_FLOW_LAMBDA] = {"lambda", 1e-6, 1e4, 0.15, false},
    [MEXPR_FLOW_THETA] = {"theta", 1e-4, 10, 0.3, false},
    [MEXPR_FLOW_SCALES] = {"scales", 1, MX_PYRAMID_MAX_LEVELS, 100, true},
    [MEXPR_FLOW_ZOOM] = {"zoom", 0.1, 0.95, 0.5, false},
    [MEXPR_FLOW_WARPS] = {"warps", 1, 1000, 5, true},
    [MEXPR_FLOW_EPSILON] = {"epsilon", 0, 1, 0.01, false},
    [MEXPR_FLOW_ITERATIONS] = {"iterations", 1, 100000, 300, true},
};

static bool is_known(mexpr_flow_param param)
{
    return (int)param >= 1 && (int)param <= MX_FLOW_N_PARAMS;
}

mexpr_status mexpr_flow_param_bounds(
    mexpr_flow_param param, double *minimum, double *maximum, double *standard)
{
    if (!is_known(param))
        return MEXPR_E_ARG;
    if (minimum)
        *minimum = bounds[param].minimum;
    if (maximum)
        *maximum = bounds[param].maximum;
    if (standard)
        *standard = bounds[param].standard;
    return MEXPR_OK;
}

mexpr_status mexpr_flow_set(mexpr_flow *flow, mexpr_flow_param param, double value)
{
    if (!flow)
        return MEXPR_E_ARG;
    if (!is_known(param))
        return mx_fail(&flow->scope, MEXPR_E_ARG,
            "there is no flow parameter %d; see mexpr_flow_param", (int)param);
    const param_bounds *b = &bounds[param];
    if (!(value >= b->minimum && value <= b->maximum))
        return mx_fail(&flow->scope, MEXPR_E_RANGE, "%s is %g; it must be in %g..%g",
            b->name, value, b->minimum, b->maximum);
    if (b->is_integer && value != floor(value))
        return mx_fail(&flow->scope, MEXPR_E_RANGE, "%s is %g; it must be a whole number",
            b->name, value);
    flow->params[param] = value;
    return MEXPR_OK;
}

mexpr_status mexpr_flow_get(const mexpr_flow *flow, mexpr_flow_param param, double *value)
{
    if (!flow || !value || !is_known(param))
        return MEXPR_E_ARG;
    *value = flow->params[param];
    return MEXPR_OK;
}

static mx_flow_settings settings_of(const mexpr_flow *flow)
{
    const double *params = flow->params;
    return (mx_flow_settings){
        .tau = (float)params[MEXPR_FLOW_TAU],
        .lambda = (float)params[MEXPR_FLOW_LAMBDA],
        .theta = (float)params[MEXPR_FLOW_THETA],
        .zoom = (float)params[MEXPR_FLOW_ZOOM],
        .epsilon = (float)params[MEXPR_FLOW_EPSILON],
        .max_levels = (int)params[MEXPR_FLOW_SCALES],
        .n_warps = (int)params[MEXPR_FLOW_WARPS],
        .max_iterations = (int)params[MEXPR_FLOW_ITERATIONS],
    };
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
    for (int i = 1; i <= MX_FLOW_N_PARAMS; i++)
        flow->params[i] = bounds[i].standard;
    mx_tvl1_kernels_init(&flow->kernels, mexpr_context_cpu(context));
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
    return MEXPR_OK;
}

mexpr_status mx_flow_reserve(mexpr_flow *flow, int32_t width, int32_t height)
{
    const mx_flow_settings settings = settings_of(flow);
    return mx_flow_prepare(flow, &settings, width, height);
}

void mexpr_flow_destroy(mexpr_flow **flow)
{
    if (!flow || !*flow)
        return;
    mexpr_context *context = (*flow)->scope.context;
    mx_flow_work_destroy(context, &(*flow)->work);
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
    const mx_flow_settings settings = settings_of(flow);
    const mexpr_status status = mx_flow_prepare(flow, &settings, width, height);
    if (status != MEXPR_OK)
        return status;
    mx_image_to_grey_f32(first, mx_flow_input(flow, 0));
    mx_image_to_grey_f32(second, mx_flow_input(flow, 1));
    return mx_flow_solve(flow, field->u, field->v);
}
