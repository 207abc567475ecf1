/* SPDX-License-Identifier: MIT */
#include "saliency/probe.h"

#include <math.h>
#include <string.h>

#include "base/checked.h"

/* Variants at once take no more than this. */
enum { VARIANTS_BYTES = 1 << 26 };

static size_t count_of(const mexpr_tensor_view *view)
{
    size_t n = 1;
    for (int32_t d = 0; d < view->rank; d++)
        n *= (size_t)view->dims[d];
    return n;
}

static mexpr_status fail_session(const mx_probe *p, mexpr_status status)
{
    return mx_fail(p->scope, status, "%s", mexpr_session_last_error(p->session));
}

/* --- running ----------------------------------------------------------------------- */

static mexpr_status set_inputs(mx_probe *p, int32_t n)
{
    for (int32_t i = 0; i < p->n_inputs; i++) {
        mexpr_tensor_info info = MEXPR_TENSOR_INFO_INIT;
        mexpr_tensor_view view = p->inputs[i];
        mexpr_status status = mexpr_model_input(p->model, i, &info);
        if (n > 1)
            view.dims[0] = n;
        if (i == p->varied)
            view.data = p->variants;
        else if (n > 1)
            view.data = p->tiled[i];
        if (status == MEXPR_OK)
            status = mexpr_session_set_input(p->session, info.name, &view);
        if (status != MEXPR_OK)
            return fail_session(p, status);
    }
    return MEXPR_OK;
}

static mexpr_status take_output(mx_probe *p, mexpr_tensor_view *view)
{
    mexpr_tensor_info info = MEXPR_TENSOR_INFO_INIT;
    mexpr_status status = mexpr_model_output(p->model, p->output, &info);
    if (status == MEXPR_OK)
        status = mexpr_session_output(p->session, info.name, view);
    return status == MEXPR_OK ? MEXPR_OK : fail_session(p, status);
}

static mexpr_status run(mx_probe *p, int32_t n, mexpr_tensor_view *view)
{
    mexpr_status status = set_inputs(p, n);
    if (status != MEXPR_OK)
        return status;
    status = mexpr_session_run(p->session);
    return status == MEXPR_OK ? take_output(p, view) : fail_session(p, status);
}

static mexpr_status check_scores(const mx_probe *p, const float *scores, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(scores[i]))
            return mx_fail(p->scope, MEXPR_E_MODEL,
                "the network's output for class %zu is not a finite number",
                i % (size_t)p->n_classes);
    }
    return MEXPR_OK;
}

mexpr_status mx_probe_run(mx_probe *probe, int32_t n, const float **scores)
{
    mexpr_tensor_view view = MEXPR_TENSOR_VIEW_INIT;
    const mexpr_status status = run(probe, n, &view);
    if (status != MEXPR_OK)
        return status;
    *scores = view.data;
    return check_scores(probe, *scores, (size_t)n * (size_t)probe->n_classes);
}

/* --- setting up -------------------------------------------------------------------- */

/* Whether all inputs have a free batch and are given one sample. */
static bool may_batch(const mx_probe *p)
{
    for (int32_t i = 0; i < p->n_inputs; i++) {
        mexpr_tensor_info info = MEXPR_TENSOR_INFO_INIT;
        if (mexpr_model_input(p->model, i, &info) != MEXPR_OK || info.rank < 1 ||
            info.dims[0] >= 0 || p->inputs[i].dims[0] != 1)
            return false;
    }
    return true;
}

static mexpr_status tile(mx_probe *p, int32_t i)
{
    const mexpr_tensor_view *view = &p->inputs[i];
    const size_t bytes = count_of(view) * mexpr_dtype_bytes((mexpr_dtype)view->dtype);
    uint8_t *copies = mx_alloc(p->scope, bytes, (size_t)p->capacity);
    if (!copies)
        return MEXPR_E_NOMEM;
    for (int32_t k = 0; bytes > 0 && k < p->capacity; k++)
        memcpy(copies + (size_t)k * bytes, view->data, bytes);
    p->tiled[i] = copies;
    return MEXPR_OK;
}

static mexpr_status make_room(mx_probe *p)
{
    mx_free(p->scope->context, p->variants);
    p->variants =
        mx_alloc(p->scope, p->sample, (size_t)p->capacity * sizeof *p->variants);
    if (!p->variants)
        return MEXPR_E_NOMEM;
    for (int32_t k = 0; k < p->capacity; k++)
        memcpy(p->variants + (size_t)k * p->sample, p->inputs[p->varied].data,
            p->sample * sizeof *p->variants);
    return MEXPR_OK;
}

/* Makes room for a batch and tries it; a network that gives no row for each sample then
 * goes one by one. */
static mexpr_status try_batch(mx_probe *p, int32_t capacity)
{
    const size_t most = VARIANTS_BYTES / sizeof(float) / (p->sample ? p->sample : 1);
    mexpr_tensor_view view = MEXPR_TENSOR_VIEW_INIT;
    p->capacity = (size_t)capacity < most ? capacity : most < 1 ? 1 : (int32_t)most;
    if (p->capacity == 1 || !may_batch(p)) {
        p->capacity = 1;
        return MEXPR_OK;
    }
    mexpr_status status = make_room(p);
    for (int32_t i = 0; status == MEXPR_OK && i < p->n_inputs; i++) {
        if (i != p->varied)
            status = tile(p, i);
    }
    if (status != MEXPR_OK)
        return status;
    status = run(p, p->capacity, &view);
    const bool fits = status == MEXPR_OK && view.dtype == MEXPR_DTYPE_F32 &&
                      view.rank > 1 && view.dims[0] == p->capacity &&
                      count_of(&view) == (size_t)p->capacity * (size_t)p->n_classes;
    if (!fits)
        p->capacity = 1;
    return status == MEXPR_E_NOMEM ? status : MEXPR_OK;
}

/* The sample as it is: it has to give one row of classes. */
static mexpr_status run_once(mx_probe *p)
{
    mexpr_tensor_view view = MEXPR_TENSOR_VIEW_INIT;
    p->capacity = 1;
    mexpr_status status = make_room(p);
    if (status == MEXPR_OK)
        status = run(p, 1, &view);
    if (status != MEXPR_OK)
        return status;
    const size_t n = count_of(&view);
    if (view.dtype != MEXPR_DTYPE_F32 || n == 0 || n > INT32_MAX ||
        (view.rank > 1 && (view.dims[0] != 1 || (size_t)view.dims[1] != n)))
        return mx_fail(p->scope, MEXPR_E_SHAPE,
            "the network's output %d is not float32 of 1×classes", (int)p->output);
    p->n_classes = (int64_t)n;
    return check_scores(p, view.data, n);
}

mexpr_status mx_probe_init(mx_scope *scope, mexpr_model *model,
    const mexpr_tensor_view *inputs, int32_t varied, int32_t output, int32_t capacity,
    mx_probe *probe)
{
    *probe = (mx_probe){.scope = scope, .varied = varied, .output = output};
    probe->model = mexpr_model_retain(model);
    probe->n_inputs = mexpr_model_n_inputs(model);
    const size_t n = (size_t)probe->n_inputs;
    probe->inputs = mx_alloc(scope, n, sizeof *probe->inputs);
    probe->tiled = mx_calloc(scope, n, sizeof *probe->tiled);
    if (!probe->inputs || !probe->tiled)
        return MEXPR_E_NOMEM;
    memcpy(probe->inputs, inputs, n * sizeof *inputs);
    probe->sample = count_of(&inputs[varied]);
    mexpr_status status = mexpr_session_create(model, &probe->session);
    if (status != MEXPR_OK)
        return mx_fail(scope, status, "no session for the network: %s",
            mexpr_status_message(status));
    status = run_once(probe);
    return status == MEXPR_OK ? try_batch(probe, capacity) : status;
}

void mx_probe_release(mx_probe *probe)
{
    mexpr_context *context = probe->scope ? probe->scope->context : NULL;
    if (!context)
        return;
    for (int32_t i = 0; probe->tiled && i < probe->n_inputs; i++)
        mx_free(context, probe->tiled[i]);
    mx_free(context, probe->variants);
    mx_free(context, probe->tiled);
    mx_free(context, probe->inputs);
    mexpr_session_destroy(&probe->session);
    mexpr_model_destroy(&probe->model);
}
