/* SPDX-License-Identifier: MIT */
/* Pools of images with channels last. */
#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "model/op_last.h"

/* Inputs of a pool: a pixel that does not matter, factors, pointers. */
static size_t pixel_floats(const mx_last_params *p)
{
    return mx_round_up((size_t)p->c_in, MX_ALIGNMENT / sizeof(float));
}

static mexpr_status infer_pool(mx_infer *infer)
{
    mx_last_params *p = infer->params;
    const mexpr_status status = mx_last_infer(infer, false, NULL, p);
    if (status != MEXPR_OK)
        return status;
    p->counts_padding = mx_attr_int(infer->node, "count_include_pad", 0) != 0;
    if (p->n_in >= 0 && p->n_out >= 0)
        infer->workspace = (pixel_floats(p) + MX_CONV_LANES) * sizeof(float) +
                           (size_t)(p->taps * MX_TILE_ROWS) * sizeof(float *);
    mx_last_shape(infer, 0, p, p->c_in);
    return MEXPR_OK;
}

/* Elements that count under window o along one dimension, at least 1: those inside the
 * input or, when padding counts, inside input and padding, but nothing beyond that. */
static int64_t counted(const mx_last_params *p, int d, int64_t o)
{
    const mx_window *w = &p->window;
    const int64_t start = o * w->stride[d] - w->before[d];
    int64_t n = 0;
    for (int64_t k = 0; k < w->kernel[d]; k++) {
        const int64_t i = start + k * w->dilation[d];
        const int64_t past = w->in[d] + w->after[d];
        n += p->counts_padding ? i < past : i >= 0 && i < w->in[d];
    }
    return n > 1 ? n : 1;
}

static void count(const mx_last_params *p, int64_t first, int rows, float *factors)
{
    const int64_t *out = p->window.out;
    for (int r = 0; r < rows; r++) {
        const int64_t i = first + r;
        factors[r] = 1.0f / (float)(counted(p, 0, i / out[2] / out[1]) *
                                    counted(p, 1, i / out[2] % out[1]) *
                                    counted(p, 2, i % out[2]));
    }
}

static void pool_image(const mx_run *run, int64_t image, bool is_max)
{
    const mx_last_params *p = run->params;
    float *outside = run->workspace, *factors = outside + pixel_floats(p);
    const float **x = (const float **)(void *)(factors + MX_CONV_LANES);
    const mx_last_source from = mx_last_source_of(p, run->inputs[0]->data, image, outside);
    mx_depth_tile t = {.channels = (size_t)p->c_in,
        .taps = (size_t)p->taps,
        .x = x,
        .is_max = is_max,
        .factors = factors,
        .y_row = (ptrdiff_t)p->c_in};
    for (int64_t i = 0; i < p->n_out; i += t.rows) {
        t.rows = (int)(p->n_out - i < MX_TILE_ROWS ? p->n_out - i : MX_TILE_ROWS);
        mx_last_point(&p->window, &from, i, t.rows, x);
        if (!is_max)
            count(p, i, t.rows, factors);
        t.y = (float *)run->outputs[0]->data + (image * p->n_out + i) * p->c_in;
        run->machine->conv.pool(&t);
    }
}

static void pool(const mx_run *run, bool is_max)
{
    const mx_last_params *p = run->params;
    float *outside = run->workspace;
    if (mx_tensor_count(run->outputs[0]) == 0)
        return;
    for (int64_t c = 0; c < p->c_in; c++)
        outside[c] = is_max ? -INFINITY : 0;
    for (int64_t i = 0; i < p->batch; i++)
        pool_image(run, i, is_max);
}

static mexpr_status max_pool(const mx_run *run)
{
    pool(run, true);
    return MEXPR_OK;
}

static mexpr_status average_pool(const mx_run *run)
{
    pool(run, false);
    return MEXPR_OK;
}

/* --- over everything ---------------------------------------------------------------- */

/* Outputs 0, the mean, and 1, the maximum, are N, C and ones: the same in both layouts. */
static mexpr_status infer_global(mx_infer *infer)
{
    const mx_tensor *x = infer->inputs[0];
    int64_t dims[MEXPR_MAX_RANK] = {x->dims[0], x->dims[x->rank - 1], 1, 1, 1};
    for (int k = 0; k < infer->n_outputs; k++) {
        infer->outputs[k]->dtype = MEXPR_DTYPE_F32;
        mx_infer_shape(infer, k, x->rank, dims);
    }
    return MEXPR_OK;
}

static mexpr_status global(const mx_run *run)
{
    const mx_tensor *in = run->inputs[0];
    const mx_nn_kernels *nn = &run->machine->nn;
    const int64_t channels = in->dims[in->rank - 1];
    const int64_t n = mx_dims_product(in->dims, 1, in->rank - 1);
    for (int64_t i = 0; i < in->dims[0] && channels > 0; i++) {
        const float *x = (const float *)in->data + i * n * channels;
        for (int k = 0; k < run->n_outputs; k++) {
            if (!run->outputs[k])
                continue;
            float *y = (float *)run->outputs[k]->data + i * channels;
            for (int64_t c = 0; c < channels; c++)
                y[c] = k ? -INFINITY : 0;
            if (k)
                nn->max_cols((size_t)n, (size_t)channels, x, y);
            else
                nn->sum_cols((size_t)n, (size_t)channels, x, y);
            if (!k)
                nn->div_scalar((size_t)channels, y, (float)n, y);
        }
    }
    return MEXPR_OK;
}

#define POOL(op, n_out, size, attribute_list, infer_fn, forward_fn)                      \
    {                                                                                    \
        .name = op, .domain = "mexpr", .since = 1, .min_inputs = 1, .max_inputs = 1,     \
        .min_outputs = 1, .max_outputs = n_out, .types = MX_T_F32,                       \
        .attributes = attribute_list, .params_size = size, .infer = infer_fn,            \
        .forward = forward_fn                                                            \
    }

const mx_operator mx_operators_last_pool[] = {
    POOL("AveragePoolLast", 1, sizeof(mx_last_params), "", infer_pool, average_pool),
    POOL("MaxPoolLast", 1, sizeof(mx_last_params), "", infer_pool, max_pool),
    POOL("GlobalMeanMaxLast", 2, 0, "", infer_global, global),
    {.name = NULL},
};
