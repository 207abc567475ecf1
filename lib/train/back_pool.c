/* SPDX-License-Identifier: MIT */
/* Pools. MaxPool keeps which input won, the first of equals, as PyTorch does. */
#include <math.h>
#include <string.h>

#include "model/op_pool.h"
#include "train/back_tables.h"

/* Window elements of output o along dimension d that lie inside the input: lo..hi-1. */
static void inside(const mx_window *w, int d, int64_t o, int64_t *lo, int64_t *hi)
{
    const int64_t start = o * w->stride[d] - w->before[d], step = w->dilation[d];
    const int64_t past = w->in[d] - start <= 0 ? 0 : (w->in[d] - start + step - 1) / step;
    *lo = start < 0 ? (-start + step - 1) / step : 0;
    *hi = past < w->kernel[d] ? past : w->kernel[d];
}

/* The inputs under one window: positions at[d] + i * dilation[d], i < n[d]. */
typedef struct patch {
    int64_t at[MX_SPATIAL], n[MX_SPATIAL];
} patch;

static void patch_along(const mx_window *w, int d, int64_t o, patch *p)
{
    int64_t lo, hi;
    inside(w, d, o, &lo, &hi);
    p->at[d] = o * w->stride[d] - w->before[d] + lo * w->dilation[d];
    p->n[d] = hi > lo ? hi - lo : 0;
}

/* Calls `fn` for every window of a channel: `at` is its place, `out` its number. */
typedef void window_fn(
    const mx_back_run *run, const patch *at, int64_t channel, int64_t out);

static void for_windows(const mx_back_run *run, window_fn *fn)
{
    const mx_pool_params *p = run->params;
    const mx_window *w = &p->window;
    patch at;
    for (int64_t c = 0; c < p->n_channels; c++) {
        int64_t out = c * p->n_out;
        for (int64_t d = 0; d < w->out[0]; d++) {
            patch_along(w, 0, d, &at);
            for (int64_t h = 0; h < w->out[1]; h++) {
                patch_along(w, 1, h, &at);
                for (int64_t x = 0; x < w->out[2]; x++) {
                    patch_along(w, 2, x, &at);
                    fn(run, &at, c, out++);
                }
            }
        }
    }
}

static void clear(const mx_back_run *run)
{
    if (!(run->adds & 1))
        memset(run->gradients[0], 0, mx_tensor_bytes(run->inputs[0]));
}

/* --- MaxPool ----------------------------------------------------------------------- */

static mexpr_status plan_max_pool(mx_back_plan *plan)
{
    if (plan->n_outputs > 1 && plan->outputs[1])
        return mx_fail(
            plan->scope, MEXPR_E_OPERATOR, "its indices are not made while training");
    plan->kept = (size_t)mx_tensor_count(plan->outputs[0]) * sizeof(int32_t);
    return MEXPR_OK;
}

/* A window that sees nothing but padding keeps -1. */
static void find_max(
    const mx_back_run *run, const patch *at, int64_t channel, int64_t out)
{
    const mx_pool_params *p = run->params;
    const mx_window *w = &p->window;
    const float *x = (const float *)run->inputs[0]->data + channel * p->n_in;
    float most = -INFINITY;
    int32_t found = -1;
    for (int64_t d = 0; d < at->n[0]; d++) {
        for (int64_t h = 0; h < at->n[1]; h++) {
            const int64_t line = ((at->at[0] + d * w->dilation[0]) * w->in[1] +
                                     at->at[1] + h * w->dilation[1]) *
                                     w->in[2] +
                                 at->at[2];
            for (int64_t i = 0; i < at->n[2]; i++) {
                const int64_t k = line + i * w->dilation[2];
                if (found < 0 || x[k] > most || isnan(x[k])) {
                    most = x[k];
                    found = (int32_t)k;
                }
            }
        }
    }
    ((float *)run->outputs[0]->data)[out] = most;
    ((int32_t *)run->kept)[out] = found;
}

static mexpr_status max_pool_forward(const mx_back_run *run)
{
    for_windows(run, find_max);
    return MEXPR_OK;
}

static mexpr_status max_pool_backward(const mx_back_run *run)
{
    const mx_pool_params *p = run->params;
    const int32_t *found = run->kept;
    const float *g = run->output_gradients[0];
    float *out = run->gradients[0];
    clear(run);
    for (int64_t c = 0; c < p->n_channels; c++) {
        for (int64_t i = 0; i < p->n_out; i++) {
            if (found[i] >= 0)
                out[found[i]] += g[i];
        }
        found += p->n_out;
        g += p->n_out;
        out += p->n_in;
    }
    return MEXPR_OK;
}

/* --- AveragePool ------------------------------------------------------------------- */

/* Elements that count under a window along one dimension: those inside the input or, when
 * padding counts, inside input and padding. */
static int64_t counted(const mx_pool_params *p, int d, int64_t o)
{
    const mx_window *w = &p->window;
    int64_t n, lo, hi;
    if (p->counts_padding) {
        const int64_t room = w->in[d] + w->before[d] + w->after[d] - o * w->stride[d];
        const int64_t most = (room + w->dilation[d] - 1) / w->dilation[d];
        n = most < w->kernel[d] ? most : w->kernel[d];
    } else {
        inside(w, d, o, &lo, &hi);
        n = hi - lo;
    }
    return n > 1 ? n : 1;
}

static void spread(const mx_back_run *run, const patch *at, int64_t channel, int64_t out)
{
    const mx_pool_params *p = run->params;
    const mx_window *w = &p->window;
    float *to = run->gradients[0] + channel * p->n_in;
    const int64_t o = out - channel * p->n_out, plane = w->out[1] * w->out[2];
    const float share =
        run->output_gradients[0][out] /
        (float)(counted(p, 0, o / plane) * counted(p, 1, o % plane / w->out[2]) *
                counted(p, 2, o % w->out[2]));
    for (int64_t d = 0; d < at->n[0]; d++) {
        for (int64_t h = 0; h < at->n[1]; h++) {
            float *line = to +
                          ((at->at[0] + d * w->dilation[0]) * w->in[1] + at->at[1] +
                              h * w->dilation[1]) *
                              w->in[2] +
                          at->at[2];
            for (int64_t i = 0; i < at->n[2]; i++)
                line[i * w->dilation[2]] += share;
        }
    }
}

static mexpr_status average_pool_backward(const mx_back_run *run)
{
    clear(run);
    for_windows(run, spread);
    return MEXPR_OK;
}

/* --- over everything --------------------------------------------------------------- */

static mexpr_status global_average_backward(const mx_back_run *run)
{
    const mx_tensor *x = run->inputs[0];
    const int64_t n = mx_tensor_count(run->outputs[0]);
    const int64_t size = mx_dims_product(x->dims, 2, x->rank);
    float *out = run->gradients[0];
    clear(run);
    for (int64_t i = 0; i < n; i++, out += size)
        run->machine->nn.add_scalar(
            (size_t)size, out, run->output_gradients[0][i] / (float)size, out);
    return MEXPR_OK;
}

static mexpr_status global_max_backward(const mx_back_run *run)
{
    const mx_tensor *x = run->inputs[0];
    const int64_t n = mx_tensor_count(run->outputs[0]);
    const int64_t size = mx_dims_product(x->dims, 2, x->rank);
    const float *in = x->data;
    clear(run);
    for (int64_t i = 0; i < n; i++, in += size) {
        int64_t found = 0;
        for (int64_t k = 1; k < size; k++)
            found = in[k] > in[found] ? k : found;
        run->gradients[0][i * size + found] += run->output_gradients[0][i];
    }
    return MEXPR_OK;
}

const mx_back_op mx_back_pool_ops[] = {
    {.name = "AveragePool", .backward = average_pool_backward},
    {.name = "GlobalAveragePool", .backward = global_average_backward},
    {.name = "GlobalMaxPool",
        .backward = global_max_backward,
        .reads_inputs = MX_INPUT_BIT(0)},
    {.name = "MaxPool",
        .plan = plan_max_pool,
        .forward = max_pool_forward,
        .backward = max_pool_backward},
    {.name = NULL},
};
