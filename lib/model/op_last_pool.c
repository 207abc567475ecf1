/* SPDX-License-Identifier: MIT */
/* Pools of images with channels last. */
#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "model/op_last.h"

static mexpr_status infer_pool(mx_infer *infer)
{
    mx_last_params *p = infer->params;
    const mexpr_status status = mx_last_infer(infer, false, NULL, p);
    if (status != MEXPR_OK)
        return status;
    p->counts_padding = mx_attr_int(infer->node, "count_include_pad", 0) != 0;
    mx_last_shape(infer, 0, p, p->c_in);
    return MEXPR_OK;
}

/* Along dimension d under window o: the first input and how many there are; how many
 * count, at least 1: those inside the input or, when padding counts, inside input and
 * padding, but nothing beyond that. */
typedef struct span {
    int64_t at, n, counted;
} span;

static span span_of(const mx_last_params *p, int d, int64_t o)
{
    const mx_window *w = &p->window;
    const int64_t start = o * w->stride[d] - w->before[d], step = w->dilation[d];
    const int64_t lo = start < 0 ? (-start + step - 1) / step : 0;
    const int64_t room = w->in[d] - start,
                  past = room <= 0 ? 0 : (room + step - 1) / step;
    const int64_t hi = past < w->kernel[d] ? past : w->kernel[d];
    const int64_t most = (room + w->after[d] + step - 1) / step;
    span s = {start + lo * step, hi > lo ? hi - lo : 0, 0};
    s.counted = !p->counts_padding ? s.n : most < w->kernel[d] ? most : w->kernel[d];
    s.counted = s.counted > 1 ? s.counted : 1;
    return s;
}

/* The span of output o along a line; n outputs from there on have all of the window, or
 * it is 1. */
static span spans_from(const mx_last_params *p, int64_t o, size_t *n)
{
    const mx_window *w = &p->window;
    const int64_t start = o * w->stride[2] - w->before[2];
    const int64_t room = w->in[2] - 1 - (w->kernel[2] - 1) * w->dilation[2] - start;
    *n = 1;
    if (start < 0 || room < 0)
        return span_of(p, 2, o);
    const int64_t whole = room / w->stride[2] + 1, left = w->out[2] - o;
    *n = (size_t)(whole < left ? whole : left);
    return (span){start, w->kernel[2], w->kernel[2]};
}

/* One line of outputs of one image. */
static void pool_line(const mx_run *run, const void *arg, int64_t part, void *space)
{
    const mx_last_params *p = run->params;
    const mx_window *w = &p->window;
    const bool is_max = arg != NULL;
    const int64_t lines = w->out[0] * w->out[1], image = part / lines,
                  line = part % lines;
    (void)space;
    const mx_last_source from = mx_last_source_of(p, run->inputs[0]->data, image, NULL);
    const span d = span_of(p, 0, line / w->out[1]), h = span_of(p, 1, line % w->out[1]);
    const float *x = from.image + d.at * from.steps[0] + h.at * from.steps[1];
    mx_pool_window t = {.channels = (size_t)p->c_in,
        .is_max = is_max,
        .n = {d.n, h.n, 0},
        .x_step = from.steps[2] * (ptrdiff_t)w->stride[2],
        .y = (float *)run->outputs[0]->data +
             (image * p->n_out + line * w->out[2]) * p->c_in};
    for (int i = 0; i < MX_SPATIAL; i++)
        t.steps[i] = from.steps[i] * (ptrdiff_t)w->dilation[i];
    for (int64_t o = 0; o < w->out[2]; o += (int64_t)t.outputs) {
        const span v = spans_from(p, o, &t.outputs);
        t.n[2] = v.n;
        t.x = x + v.at * from.steps[2];
        t.factor = 1.0f / (float)(d.counted * h.counted * v.counted);
        run->machine->conv.pool(&t);
        t.y += (int64_t)t.outputs * p->c_in;
    }
}

static mexpr_status max_pool(const mx_run *run)
{
    const mx_last_params *p = run->params;
    if (mx_tensor_count(run->outputs[0]) > 0)
        mx_run_parts(
            run, p->batch * p->window.out[0] * p->window.out[1], pool_line, run->params);
    return MEXPR_OK;
}

static mexpr_status average_pool(const mx_run *run)
{
    const mx_last_params *p = run->params;
    if (mx_tensor_count(run->outputs[0]) > 0)
        mx_run_parts(
            run, p->batch * p->window.out[0] * p->window.out[1], pool_line, NULL);
    return MEXPR_OK;
}

/* --- over everything ---------------------------------------------------------------- */

/* Outputs 0, the mean, and 1, the maximum, are N, C and ones: the same in both layouts.
 */
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

/* Both go over as many numbers at a time as stay in the first-level cache. */
enum { CACHED = 4096 };

static mexpr_status global(const mx_run *run)
{
    const mx_tensor *in = run->inputs[0];
    const mx_nn_kernels *nn = &run->machine->nn;
    const int64_t channels = in->dims[in->rank - 1];
    const int64_t n = mx_dims_product(in->dims, 1, in->rank - 1);
    const int64_t rows = channels > 0 && channels < CACHED ? CACHED / channels : 1;
    const mx_tensor *mean = mx_run_output(run, 0), *max = mx_run_output(run, 1);
    for (int64_t i = 0; i < in->dims[0] && channels > 0; i++) {
        const float *x = (const float *)in->data + i * n * channels;
        for (int k = 0; k < run->n_outputs; k++) {
            if (!run->outputs[k])
                continue;
            float *y = (float *)run->outputs[k]->data + i * channels;
            for (int64_t c = 0; c < channels; c++)
                y[c] = k ? -INFINITY : 0;
        }
        for (int64_t first = 0; first < n; first += rows) {
            const size_t some = (size_t)(n - first < rows ? n - first : rows);
            if (mean)
                nn->sum_cols(some, (size_t)channels, x + first * channels,
                    (float *)mean->data + i * channels);
            if (max)
                nn->max_cols(some, (size_t)channels, x + first * channels,
                    (float *)max->data + i * channels);
        }
        if (mean)
            nn->div_scalar((size_t)channels, (float *)mean->data + i * channels, (float)n,
                (float *)mean->data + i * channels);
    }
    return MEXPR_OK;
}

#define POOL(op, n_out, size, attribute_list, bits, infer_fn, forward_fn)                \
    {                                                                                    \
        .name = op, .domain = "mexpr", .since = 1, .min_inputs = 1, .max_inputs = 1,     \
        .min_outputs = 1, .max_outputs = n_out, .types = MX_T_F32,                       \
        .attributes = attribute_list, .flags = bits, .params_size = size,                \
        .infer = infer_fn, .forward = forward_fn                                         \
    }

const mx_operator mx_operators_last_pool[] = {
    POOL("AveragePoolLast", 1, sizeof(mx_last_params), "", MX_OP_PARTS, infer_pool,
        average_pool),
    POOL("MaxPoolLast", 1, sizeof(mx_last_params), "", MX_OP_PARTS, infer_pool, max_pool),
    POOL("GlobalMeanMaxLast", 2, 0, "", 0, infer_global, global),
    {.name = NULL},
};
