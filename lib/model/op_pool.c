/* SPDX-License-Identifier: MIT */
/* Pools over windows and over everything. */
#include <math.h>
#include <string.h>

#include "model/op_pool.h"
#include "model/op_tables.h"

typedef mx_pool_params pool_params;

static mexpr_status read_power(mx_infer *infer, int64_t *power)
{
    *power = mx_attr_int(infer->node, "p", 2);
    if (*power < 1)
        return mx_fail(infer->scope, MEXPR_E_MODEL,
            "a norm with p = %lld is not possible; 1 and more are", (long long)*power);
    return MEXPR_OK;
}

/* Places along a line that windows reach, padding included; 0 while it is open. */
static int64_t line_span(const mx_window *w)
{
    return w->out[2] > 0
               ? (w->out[2] - 1) * w->stride[2] + (w->kernel[2] - 1) * w->dilation[2] + 1
               : 0;
}

static mexpr_status infer_pool(mx_infer *infer)
{
    const mx_tensor *x = infer->inputs[0];
    pool_params *p = infer->params;
    const int n = x->rank - 2;
    if (n < 1 || n > MX_SPATIAL)
        return mx_fail(infer->scope, MEXPR_E_SHAPE,
            "a tensor of %d dimensions cannot be pooled: 3 to 5 are needed", x->rank);
    mexpr_status status = mx_window_infer(infer, x->dims + 2, n, NULL, &p->window);
    if (status == MEXPR_OK)
        status = read_power(infer, &p->power);
    if (status != MEXPR_OK)
        return status;
    const int64_t span = line_span(&p->window);
    if (span > 0)
        infer->workspace = 3 * (size_t)span * sizeof(float);
    p->counts_padding = mx_attr_int(infer->node, "count_include_pad", 0) != 0;
    p->column_major = mx_attr_int(infer->node, "storage_order", 0) != 0;
    p->n_channels = mx_dims_product(x->dims, 0, 2);
    p->n_in = mx_dims_product(p->window.in, 0, MX_SPATIAL);
    p->n_out = mx_dims_product(p->window.out, 0, MX_SPATIAL);
    mx_window_shape(infer, 0, x->dims[0], x->dims[1], p->window.out, n);
    mx_window_shape(infer, 1, x->dims[0], x->dims[1], p->window.out, n);
    if (infer->n_outputs > 1)
        infer->outputs[1]->dtype = MEXPR_DTYPE_I64;
    return MEXPR_OK;
}

/* The inputs under one window: positions at[d] + i * step[d], i < n[d]. */
typedef struct patch {
    int64_t at[MX_SPATIAL], n[MX_SPATIAL];
} patch;

static void patch_along(const mx_window *w, int d, int64_t o, patch *p)
{
    int64_t lo, hi;
    mx_window_elements(w, d, o, &lo, &hi);
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

/* How a pool works on lines: of a line of inputs into running results, of running results
 * into others, and at the end for the line (d, h) of outputs. */
typedef struct line_pool {
    float start;
    void (*add)(const mx_run *run, size_t n, const float *x, float *y);
    mx_nn_binary *combine;
    void (*finish)(const mx_run *run, int64_t d, int64_t h, float *y); /* NULL: nothing */
} line_pool;

/* One line of outputs: down the window first, over whole lines of inputs with their
 * padding, then along it. */
static void pool_line(
    const mx_run *run, const line_pool *pool, const patch *at, const float *in, float *y)
{
    const mx_window *w = &((const pool_params *)run->params)->window;
    const int64_t span = line_span(w), stride = w->stride[2];
    const int64_t n = (w->out[2] - 1) * stride + 1, room = span - w->before[2];
    const int64_t width = room < w->in[2] ? room : w->in[2];
    float *line = (float *)run->workspace + span;
    float *along = stride == 1 ? y : line + span;
    for (int64_t i = 0; i < span; i++)
        line[i] = pool->start;
    for (int64_t d = 0; d < at->n[0] && width > 0; d++) {
        for (int64_t h = 0; h < at->n[1]; h++) {
            const int64_t from = (at->at[0] + d * w->dilation[0]) * w->in[1] + at->at[1] +
                                 h * w->dilation[1];
            pool->add(run, (size_t)width, in + from * w->in[2], line + w->before[2]);
        }
    }
    memcpy(along, line, (size_t)n * sizeof *along);
    for (int64_t k = 1; k < w->kernel[2]; k++)
        pool->combine((size_t)n, along, line + k * w->dilation[2], along);
    for (int64_t i = 0; i < w->out[2] && stride != 1; i++)
        y[i] = along[i * stride];
}

static void for_lines(const mx_run *run, const line_pool *pool)
{
    const pool_params *p = run->params;
    const mx_window *w = &p->window;
    float *y = run->outputs[0]->data;
    patch at;
    if (mx_tensor_count(run->outputs[0]) == 0)
        return;
    for (int64_t c = 0; c < p->n_channels; c++) {
        const float *in = (const float *)run->inputs[0]->data + c * p->n_in;
        for (int64_t d = 0; d < w->out[0]; d++) {
            patch_along(w, 0, d, &at);
            for (int64_t h = 0; h < w->out[1]; h++, y += w->out[2]) {
                patch_along(w, 1, h, &at);
                pool_line(run, pool, &at, in, y);
                if (pool->finish)
                    pool->finish(run, d, h, y);
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

static void add_max(const mx_run *run, size_t n, const float *x, float *y)
{
    run->machine->nn.max(n, y, x, y);
}

static mexpr_status max_pool(const mx_run *run)
{
    const line_pool pool = {-INFINITY, add_max, run->machine->nn.max, NULL};
    if (run->inputs[0]->dtype != MEXPR_DTYPE_F32)
        for_windows(run, max_u8);
    else if (mx_run_output(run, 1))
        for_windows(run, max_f32);
    else
        for_lines(run, &pool);
    return MEXPR_OK;
}

/* --- average ----------------------------------------------------------------------- */

int64_t mx_pool_counted(const mx_pool_params *p, int d, int64_t o)
{
    const mx_window *w = &p->window;
    int64_t n, lo, hi;
    if (p->counts_padding) {
        const int64_t room = w->in[d] + w->before[d] + w->after[d] - o * w->stride[d];
        const int64_t most = (room + w->dilation[d] - 1) / w->dilation[d];
        n = most < w->kernel[d] ? most : w->kernel[d];
    } else {
        mx_window_elements(w, d, o, &lo, &hi);
        n = hi - lo;
    }
    return n > 1 ? n : 1;
}

static void add_sum(const mx_run *run, size_t n, const float *x, float *y)
{
    run->machine->nn.add(n, y, x, y);
}

/* The workspace begins with the counts along the line. */
static void finish_average(const mx_run *run, int64_t d, int64_t h, float *y)
{
    const pool_params *p = run->params;
    const mx_nn_kernels *nn = &run->machine->nn;
    const size_t n = (size_t)p->window.out[2];
    nn->div_scalar(n, y, (float)(mx_pool_counted(p, 0, d) * mx_pool_counted(p, 1, h)), y);
    nn->div(n, y, run->workspace, y);
}

static mexpr_status average_pool(const mx_run *run)
{
    const pool_params *p = run->params;
    const line_pool pool = {0, add_sum, run->machine->nn.add, finish_average};
    float *counts = run->workspace;
    for (int64_t i = 0; i < p->window.out[2]; i++)
        counts[i] = (float)mx_pool_counted(p, 2, i);
    for_lines(run, &pool);
    return MEXPR_OK;
}

/* --- norm -------------------------------------------------------------------------- */

static float powered(int64_t power, float x)
{
    const float a = fabsf(x);
    return power == 1 ? a : power == 2 ? a * a : powf(a, (float)power);
}

static float rooted(int64_t power, float sum)
{
    return power == 1 ? sum : power == 2 ? sqrtf(sum) : powf(sum, 1 / (float)power);
}

static void add_power(const mx_run *run, size_t n, const float *x, float *y)
{
    const int64_t power = ((const pool_params *)run->params)->power;
    if (power == 2) {
        run->machine->nn.mul_add(n, x, x, y);
        return;
    }
    for (size_t i = 0; i < n; i++)
        y[i] += powered(power, x[i]);
}

static void finish_norm(const mx_run *run, int64_t d, int64_t h, float *y)
{
    const pool_params *p = run->params;
    (void)d;
    (void)h;
    for (int64_t i = 0; i < p->window.out[2]; i++)
        y[i] = rooted(p->power, y[i]);
}

static mexpr_status lp_pool(const mx_run *run)
{
    const line_pool pool = {0, add_power, run->machine->nn.add, finish_norm};
    for_lines(run, &pool);
    return MEXPR_OK;
}

/* --- everything -------------------------------------------------------------------- */

typedef struct global_params {
    int64_t power; /* of the norm */
} global_params;

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
    return read_power(infer, &((global_params *)infer->params)->power);
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

static mexpr_status global_lp(const mx_run *run)
{
    const mx_tensor *x = run->inputs[0];
    const int64_t power = ((const global_params *)run->params)->power;
    const int64_t n = mx_tensor_count(run->outputs[0]);
    const int64_t size = mx_dims_product(x->dims, 2, x->rank);
    const float *in = x->data;
    for (int64_t i = 0; i < n; i++, in += size) {
        double sum = 0;
        for (int64_t k = 0; k < size; k++)
            sum += (double)powered(power, in[k]);
        ((float *)run->outputs[0]->data)[i] = rooted(power, (float)sum);
    }
    return MEXPR_OK;
}

#define GLOBAL(op, attribute_list, forward_fn)                                           \
    {                                                                                    \
        .name = op, .domain = "", .since = 1, .min_inputs = 1, .max_inputs = 1,          \
        .min_outputs = 1, .max_outputs = 1, .types = MX_T_F32,                           \
        .attributes = attribute_list, .params_size = sizeof(global_params),              \
        .infer = infer_global, .forward = forward_fn                                     \
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
    GLOBAL("GlobalAveragePool", "", global_average),
    GLOBAL("GlobalLpPool", "p:i", global_lp),
    GLOBAL("GlobalMaxPool", "", global_max),
    {.name = "LpPool",
        .domain = "",
        .since = 11,
        .min_inputs = 1,
        .max_inputs = 1,
        .min_outputs = 1,
        .max_outputs = 1,
        .types = MX_T_F32,
        .attributes = "auto_pad:s ceil_mode:i dilations:I kernel_shape:I p:i pads:I "
                      "strides:I",
        .params_size = sizeof(pool_params),
        .infer = infer_pool,
        .forward = lp_pool,
        .note = "one to three dimensions"},
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
