/* SPDX-License-Identifier: MIT */
/* Convolution: im2col by tiles of output positions and one matrix product per tile; a
 * kernel of one element multiplies the input itself; few channels per group go directly.
 * Chellapilla, Puri, Simard: High performance convolutional neural networks for document
 * processing, 2006. */
#include <limits.h>
#include <string.h>

#include "model/op_conv.h"
#include "model/op_tables.h"

/* Floats of one tile of columns: about half of a second-level cache. */
enum { TILE_FLOATS = 1 << 17, MIN_TILE = 48 };

static mexpr_status check_channels(mx_infer *infer, mx_conv_params *p)
{
    const mx_tensor *x = infer->inputs[0], *w = infer->inputs[1];
    const mx_tensor *bias = mx_infer_input(infer, 2);
    char a[MX_SHAPE_TEXT], b[MX_SHAPE_TEXT];
    if (x->rank < 3 || x->rank > 2 + MX_SPATIAL || w->rank != x->rank)
        return mx_fail(infer->scope, MEXPR_E_SHAPE,
            "an input of %s with weights of %s is not a convolution in one to three "
            "dimensions",
            mx_shape_text(x, a), mx_shape_text(w, b));
    p->groups = mx_attr_int(infer->node, "group", 1);
    p->batch = x->dims[0];
    p->c_in = x->dims[1];
    p->c_out = w->dims[0];
    if (p->groups < 1 || p->groups > INT_MAX ||
        (p->c_out >= 0 && p->c_out % p->groups != 0))
        return mx_fail(infer->scope, MEXPR_E_SHAPE,
            "%lld groups do not divide %lld outputs", (long long)p->groups,
            (long long)p->c_out);
    if (p->c_in >= 0 && w->dims[1] >= 0 &&
        (p->c_in % p->groups != 0 || p->c_in / p->groups != w->dims[1]))
        return mx_fail(infer->scope, MEXPR_E_SHAPE,
            "the input %s has %lld channels, but the weights %s are for %lld",
            mx_shape_text(x, a), (long long)p->c_in, mx_shape_text(w, b),
            (long long)(w->dims[1] > INT_MAX ? w->dims[1] : w->dims[1] * p->groups));
    if (bias && (bias->rank != 1 ||
                    (bias->dims[0] >= 0 && p->c_out >= 0 && bias->dims[0] != p->c_out)))
        return mx_fail(infer->scope, MEXPR_E_SHAPE, "its bias is not of %lld numbers",
            (long long)p->c_out);
    return MEXPR_OK;
}

static bool is_pointwise(const mx_window *w)
{
    for (int d = 0; d < MX_SPATIAL; d++) {
        if (w->kernel[d] != 1 || w->stride[d] != 1 || w->before[d] != 0 ||
            w->after[d] != 0)
            return false;
    }
    return true;
}

size_t mx_conv_plan(mx_conv_params *p, int rank)
{
    p->method = is_pointwise(&p->window)       ? MX_CONV_POINTWISE
                : mx_conv_direct_fits(p, rank) ? MX_CONV_DIRECT
                                               : MX_CONV_COLUMNS;
    const int64_t longer = p->k > p->c_out / p->groups ? p->k : p->c_out / p->groups;
    const int64_t tile = longer > 0 ? TILE_FLOATS / longer / 16 * 16 : p->n_out;
    p->tile = tile < MIN_TILE ? MIN_TILE : tile;
    if (p->tile > p->n_out)
        p->tile = p->n_out;
    if (p->method == MX_CONV_DIRECT)
        return mx_conv_direct_plan(p);
    return p->method == MX_CONV_COLUMNS ? (size_t)(p->k * p->tile) * sizeof(float) : 0;
}

/* Sizes, method and workspace, once everything is known. */
static mexpr_status choose_method(mx_infer *infer, mx_conv_params *p)
{
    const mx_window *w = &p->window;
    const int64_t kernel = mx_dims_product(w->kernel, 0, MX_SPATIAL);
    p->n_in = mx_dims_product(w->in, 0, MX_SPATIAL);
    p->n_out = mx_dims_product(w->out, 0, MX_SPATIAL);
    const int64_t group_in = infer->inputs[1]->dims[1];
    if (kernel < 0 || p->n_in < 0 || p->n_out < 0 || p->c_in < 0 || p->c_out < 0 ||
        group_in < 0)
        return MEXPR_OK;
    if (kernel > INT_MAX || group_in > INT_MAX || kernel * group_in > INT_MAX ||
        p->n_out > INT_MAX || p->c_out > INT_MAX || p->n_in > INT_MAX)
        return mx_fail(
            infer->scope, MEXPR_E_LIMIT, "it is too large for one matrix product");
    p->k = kernel * group_in;
    infer->multiply_adds =
        (double)p->batch * (double)p->c_out * (double)p->n_out * (double)p->k;
    infer->workspace = mx_conv_plan(p, infer->inputs[0]->rank);
    return MEXPR_OK;
}

static mexpr_status infer_conv(mx_infer *infer)
{
    const mx_tensor *x = infer->inputs[0], *w = infer->inputs[1];
    mx_conv_params *p = infer->params;
    mexpr_status status = check_channels(infer, p);
    if (status == MEXPR_OK)
        status =
            mx_window_infer(infer, x->dims + 2, x->rank - 2, w->dims + 2, &p->window);
    if (status == MEXPR_OK)
        status = choose_method(infer, p);
    if (status != MEXPR_OK)
        return status;
    mx_window_shape(infer, 0, p->batch, p->c_out, p->window.out, x->rank - 2);
    return MEXPR_OK;
}

/* --- columns ----------------------------------------------------------------------- */

/* One run of one row of the column matrix: the inputs that window element k sees, 0 where
 * they are outside; along the line they are inside for outputs inside[0]..inside[1]-1. */
static void fill_run(const mx_window *w, const float *channel, const int64_t *k,
    const int64_t *inside, const mx_span *s, float *out)
{
    const int64_t d = s->d * w->stride[0] - w->before[0] + k[0] * w->dilation[0];
    const int64_t h = s->h * w->stride[1] - w->before[1] + k[1] * w->dilation[1];
    const int64_t n = s->x1 - s->x0;
    int64_t lo = inside[0] < s->x0 ? s->x0 : inside[0] > s->x1 ? s->x1 : inside[0];
    int64_t hi = inside[1] > s->x1 ? s->x1 : inside[1] < lo ? lo : inside[1];
    if (d < 0 || d >= w->in[0] || h < 0 || h >= w->in[1])
        hi = lo = s->x0;
    memset(out, 0, (size_t)(lo - s->x0) * sizeof *out);
    memset(out + (hi - s->x0), 0, (size_t)(n - (hi - s->x0)) * sizeof *out);
    if (lo == hi)
        return;
    const int64_t stride = w->stride[2];
    const float *in = channel + (d * w->in[1] + h) * w->in[2] + lo * stride -
                      w->before[2] + k[2] * w->dilation[2];
    out += lo - s->x0;
    if (stride == 1) {
        memcpy(out, in, (size_t)(hi - lo) * sizeof *out);
        return;
    }
    for (int64_t i = 0; i < hi - lo; i++)
        out[i] = in[i * stride];
}

/* One row: window element k of one channel for the outputs first..first+n-1. */
static void fill_row(const mx_window *w, const float *channel, const int64_t *k,
    int64_t first, int64_t n, float *out)
{
    int64_t inside[2];
    mx_window_inside(w, 2, k[2], &inside[0], &inside[1]);
    for (mx_span s = mx_span_first(w, first, n); n > 0; mx_span_next(w, &s, n)) {
        fill_run(w, channel, k, inside, &s, out);
        out += s.x1 - s.x0;
        n -= s.x1 - s.x0;
    }
}

void mx_conv_columns(
    const mx_conv_params *p, const float *group, int64_t first, int64_t n, float *columns)
{
    const mx_window *w = &p->window;
    const int64_t channels = p->c_in / p->groups;
    int64_t k[MX_SPATIAL];
    for (int64_t c = 0; c < channels; c++) {
        for (k[0] = 0; k[0] < w->kernel[0]; k[0]++) {
            for (k[1] = 0; k[1] < w->kernel[1]; k[1]++) {
                for (k[2] = 0; k[2] < w->kernel[2]; k[2]++) {
                    fill_row(w, group + c * p->n_in, k, first, n, columns);
                    columns += n;
                }
            }
        }
    }
}

/* A tile of one group's outputs: weights [m][k] times columns [k][width]. */
static void multiply_tile(const mx_run *run, const mx_conv_params *p, const float *x,
    const float *weights, int64_t first, int width, float *y)
{
    const int m = (int)(p->c_out / p->groups), k = (int)p->k, n = (int)p->n_out;
    const float *columns = x + first;
    int row = n;
    if (p->method == MX_CONV_COLUMNS) {
        mx_conv_columns(p, x, first, width, run->workspace);
        columns = run->workspace;
        row = width;
    }
    mx_sgemm(&run->machine->gemm, false, false, m, width, k, 1, weights, k, columns, row,
        0, y + first, n);
}

static void multiply_group(
    const mx_run *run, const mx_conv_params *p, const mx_conv_place *at)
{
    const int64_t m = p->c_out / p->groups;
    for (int64_t first = 0; first < p->n_out; first += p->tile) {
        const int64_t left = p->n_out - first;
        const int64_t width = left < p->tile ? left : p->tile;
        multiply_tile(run, p, at->x, at->weights, first, (int)width, at->y);
        mx_epilogue_rows(run, at->channel, m, width, p->n_out, mx_run_input(run, 2),
            at->residual ? at->residual + first : NULL, at->y + first);
    }
}

/* --- forward ----------------------------------------------------------------------- */

mexpr_status mx_conv(const mx_run *run)
{
    const mx_conv_params *p = run->params;
    const int64_t group_in = p->c_in / p->groups, group_out = p->c_out / p->groups;
    const mx_tensor *residual = mx_run_input(run, MX_EPILOGUE_RESIDUAL);
    if (mx_tensor_count(run->outputs[0]) == 0)
        return MEXPR_OK;
    if (p->method == MX_CONV_DIRECT)
        mx_conv_direct_begin(run);
    for (int64_t i = 0; i < p->batch * p->groups; i++) {
        const int64_t g = i % p->groups, to = i * group_out * p->n_out;
        const mx_conv_place at = {
            (const float *)run->inputs[0]->data + i * group_in * p->n_in,
            (const float *)run->inputs[1]->data + g * group_out * p->k,
            residual ? (const float *)residual->data + to : NULL,
            (float *)run->outputs[0]->data + to, g * group_out};
        if (p->method == MX_CONV_DIRECT)
            mx_conv_direct(run, &at);
        else
            multiply_group(run, p, &at);
    }
    return MEXPR_OK;
}

const mx_operator mx_operators_conv[] = {
    {.name = "Conv",
        .domain = "",
        .since = 11,
        .min_inputs = 2,
        .max_inputs = 3,
        .min_outputs = 1,
        .max_outputs = 1,
        .types = MX_T_F32,
        .attributes = "auto_pad:s dilations:I group:i kernel_shape:I pads:I strides:I",
        .params_size = sizeof(mx_conv_params),
        .infer = infer_conv,
        .forward = mx_conv,
        .note = "one to three dimensions"},
    {.name = NULL},
};
