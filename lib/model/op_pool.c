/* SPDX-License-Identifier: MIT */
/* Pools over windows and over everything. */
#include <math.h>
#include <string.h>

#include "model/op_tables.h"
#include "model/op_window.h"

typedef struct pool_params {
    mx_window window;
    int64_t n_channels; /* batch × channels */
    int64_t n_in, n_out;
    bool counts_padding;
    bool column_major; /* storage_order of MaxPool's indices */
} pool_params;

static mexpr_status infer_pool(mx_infer *infer)
{
    const mx_tensor *x = infer->inputs[0];
    pool_params *p = infer->params;
    const int n = x->rank - 2;
    if (n < 1 || n > MX_SPATIAL)
        return mx_fail(infer->scope, MEXPR_E_SHAPE,
            "a tensor of %d dimensions cannot be pooled: 3 to 5 are needed", x->rank);
    const mexpr_status status = mx_window_infer(infer, x->dims + 2, n, NULL, &p->window);
    if (status != MEXPR_OK)
        return status;
    p->counts_padding = mx_attr_int(infer->node, "count_include_pad", 0) != 0;
    p->column_major = mx_attr_int(infer->node, "storage_order", 0) != 0;
    p->n_channels = mx_dims_product(x->dims, 0, 2);
    p->n_in = mx_dims_product(p->window.in, 0, MX_SPATIAL);
    p->n_out = mx_dims_product(p->window.out, 0, MX_SPATIAL);
    int64_t dims[2 + MX_SPATIAL] = {x->dims[0], x->dims[1]};
    memcpy(dims + 2, p->window.out + MX_SPATIAL - n, (size_t)n * sizeof *dims);
    mx_infer_shape(infer, 0, x->rank, dims);
    mx_infer_shape(infer, 1, x->rank, dims);
    if (infer->n_outputs > 1)
        infer->outputs[1]->dtype = MEXPR_DTYPE_I64;
    return MEXPR_OK;
}

/* Window elements of output o along dimension d that lie inside the input: lo..hi-1. */
static void inside(const mx_window *w, int d, int64_t o, int64_t *lo, int64_t *hi)
{
    const int64_t start = o * w->stride[d] - w->before[d], step = w->dilation[d];
    const int64_t past = w->in[d] - start <= 0 ? 0 : (w->in[d] - start + step - 1) / step;
    *lo = start < 0 ? (-start + step - 1) / step : 0;
    *hi = past < w->kernel[d] ? past : w->kernel[d];
}

/* The inputs under one window: positions at[d] + i * step[d], i < n[d]. */
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

typedef void pool_fn(
    const mx_run *run, const mx_window *w, const patch *p, int64_t channel, int64_t out);

/* Calls `pool` for every window of every channel. */
static void for_windows(const mx_run *run, pool_fn *pool)
{
    const pool_params *p = run->params;
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
                    pool(run, w, &at, c, out++);
                }
            }
        }
    }
}

/* --- maximum ----------------------------------------------------------------------- */

static int64_t index_of(const pool_params *p, int64_t channel, int64_t position)
{
    const mx_window *w = &p->window;
    if (!p->column_major)
        return channel * p->n_in + position;
    const int64_t x = position % w->in[2], h = position / w->in[2] % w->in[1];
    const int64_t d = position / w->in[2] / w->in[1];
    return channel * p->n_in + d + w->in[0] * (h + w->in[1] * x);
}

/* The first of the largest; NaN counts as largest. */
#define MAX_POOL(name, type, lowest)                                                     \
    static void name(const mx_run *run, const mx_window *w, const patch *a,              \
        int64_t channel, int64_t out)                                                    \
    {                                                                                    \
        const pool_params *p = run->params;                                              \
        const type *in = (const type *)run->inputs[0]->data + channel * p->n_in;         \
        type best = (lowest);                                                            \
        int64_t where = -1;                                                              \
        for (int64_t d = 0; d < a->n[0]; d++) {                                          \
            for (int64_t h = 0; h < a->n[1]; h++) {                                      \
                const int64_t line = (a->at[0] + d * w->dilation[0]) * w->in[1] +        \
                                     a->at[1] + h * w->dilation[1];                      \
                int64_t i = line * w->in[2] + a->at[2];                                  \
                for (int64_t x = 0; x < a->n[2]; x++, i += w->dilation[2]) {             \
                    if (where < 0 || in[i] > best || in[i] != in[i]) {                   \
                        where = best != best ? where : i;                                \
                        best = best != best ? best : in[i];                              \
                    }                                                                    \
                }                                                                        \
            }                                                                            \
        }                                                                                \
        ((type *)run->outputs[0]->data)[out] = best;                                     \
        if (mx_run_output(run, 1))                                                       \
            ((int64_t *)run->outputs[1]->data)[out] =                                    \
                where < 0 ? 0 : index_of(p, channel, where);                             \
    }

MAX_POOL(max_f32, float, -INFINITY)
MAX_POOL(max_u8, uint8_t, 0)

static mexpr_status max_pool(const mx_run *run)
{
    for_windows(run, run->inputs[0]->dtype == MEXPR_DTYPE_F32 ? max_f32 : max_u8);
    return MEXPR_OK;
}

/* --- average ----------------------------------------------------------------------- */

/* Elements of a window with the padding it covers, but nothing beyond that. */
static double padded_count(const mx_window *w, int64_t out)
{
    const int64_t o[MX_SPATIAL] = {
        out / w->out[2] / w->out[1], out / w->out[2] % w->out[1], out % w->out[2]};
    double count = 1;
    for (int d = 0; d < MX_SPATIAL; d++) {
        const int64_t room = w->in[d] + w->before[d] + w->after[d] - o[d] * w->stride[d];
        const int64_t n = (room + w->dilation[d] - 1) / w->dilation[d];
        count *= (double)(n < w->kernel[d] ? n : w->kernel[d]);
    }
    return count;
}

static void average(
    const mx_run *run, const mx_window *w, const patch *a, int64_t channel, int64_t out)
{
    const pool_params *p = run->params;
    const float *in = (const float *)run->inputs[0]->data + channel * p->n_in;
    float sum = 0;
    for (int64_t d = 0; d < a->n[0]; d++) {
        for (int64_t h = 0; h < a->n[1]; h++) {
            const int64_t line = (a->at[0] + d * w->dilation[0]) * w->in[1] + a->at[1] +
                                 h * w->dilation[1];
            const float *row = in + line * w->in[2] + a->at[2];
            for (int64_t x = 0; x < a->n[2]; x++)
                sum += row[x * w->dilation[2]];
        }
    }
    const double count = p->counts_padding ? padded_count(w, out - channel * p->n_out)
                                           : (double)(a->n[0] * a->n[1] * a->n[2]);
    ((float *)run->outputs[0]->data)[out] = count > 0 ? sum / (float)count : 0;
}

static mexpr_status average_pool(const mx_run *run)
{
    for_windows(run, average);
    return MEXPR_OK;
}

/* --- everything -------------------------------------------------------------------- */

static mexpr_status infer_global(mx_infer *infer)
{
    const mx_tensor *x = infer->inputs[0];
    if (x->rank < 3)
        return mx_fail(infer->scope, MEXPR_E_SHAPE,
            "a tensor of %d dimensions cannot be pooled: 3 or more are needed", x->rank);
    int64_t dims[MEXPR_MAX_RANK] = {x->dims[0], x->dims[1], 1, 1, 1, 1, 1, 1};
    if (mx_dims_product(x->dims, 2, x->rank) == 0)
        return mx_fail(infer->scope, MEXPR_E_SHAPE, "there is nothing to pool");
    mx_infer_shape(infer, 0, x->rank, dims);
    return MEXPR_OK;
}

static void pool_all(const mx_run *run, mx_nn_reduction *reduction, bool is_mean)
{
    const mx_tensor *x = run->inputs[0];
    const int64_t n = mx_tensor_count(run->outputs[0]);
    const size_t size = (size_t)mx_dims_product(x->dims, 2, x->rank);
    const float *in = x->data;
    float *out = run->outputs[0]->data;
    for (int64_t i = 0; i < n; i++) {
        const float r = reduction(size, in + (size_t)i * size);
        out[i] = is_mean ? r / (float)size : r;
    }
}

static mexpr_status global_average(const mx_run *run)
{
    pool_all(run, run->machine->nn.sum, true);
    return MEXPR_OK;
}

static mexpr_status global_max(const mx_run *run)
{
    pool_all(run, run->machine->nn.max_reduce, false);
    return MEXPR_OK;
}

const mx_operator mx_operators_pool[] = {
    {.name = "AveragePool",
        .domain = "",
        .since = 11,
        .min_inputs = 1,
        .max_inputs = 1,
        .min_outputs = 1,
        .max_outputs = 1,
        .types = MX_T_F32,
        .attributes = "auto_pad:s ceil_mode:i count_include_pad:i dilations:I "
                      "kernel_shape:I pads:I strides:I",
        .params_size = sizeof(pool_params),
        .infer = infer_pool,
        .forward = average_pool,
        .note = "one to three dimensions"},
    {.name = "GlobalAveragePool",
        .domain = "",
        .since = 1,
        .min_inputs = 1,
        .max_inputs = 1,
        .min_outputs = 1,
        .max_outputs = 1,
        .types = MX_T_F32,
        .attributes = "",
        .infer = infer_global,
        .forward = global_average},
    {.name = "GlobalMaxPool",
        .domain = "",
        .since = 1,
        .min_inputs = 1,
        .max_inputs = 1,
        .min_outputs = 1,
        .max_outputs = 1,
        .types = MX_T_F32,
        .attributes = "",
        .infer = infer_global,
        .forward = global_max},
    {.name = "MaxPool",
        .domain = "",
        .since = 11,
        .min_inputs = 1,
        .max_inputs = 1,
        .min_outputs = 1,
        .max_outputs = 2,
        .types = MX_T_F32 | MX_T_U8,
        .attributes = "auto_pad:s ceil_mode:i dilations:I kernel_shape:I pads:I "
                      "storage_order:i strides:I",
        .params_size = sizeof(pool_params),
        .infer = infer_pool,
        .forward = max_pool,
        .note = "one to three dimensions"},
    {.name = NULL},
};
