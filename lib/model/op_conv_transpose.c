/* SPDX-License-Identifier: MIT */
/* Transposed convolution: one matrix product per tile of input positions gives what each
 * position adds under the window, which is then added up where it belongs. Zeiler et al.:
 * Deconvolutional networks, 2010; as the gradient of a convolution to its input. */
#include <limits.h>
#include <string.h>

#include "model/fused.h"
#include "model/op_tables.h"
#include "model/op_window.h"

/* Floats of one tile of columns: about half of a second-level cache. Rows of the columns
 * that are computed together, at least. */
enum { TILE_FLOATS = 1 << 17, MIN_TILE = 48, ROWS = 64 };

typedef struct transposed_params {
    mx_window window; /* of the convolution from the result to the input */
    int64_t batch, c_in, c_out, groups;
    int64_t n_in, n_out; /* elements of one channel */
    int64_t kernel;      /* elements of the window */
    int64_t channels;    /* outputs of one group at a time */
    int64_t tile;        /* input positions at a time */
} transposed_params;

static mexpr_status check_channels(mx_infer *infer, transposed_params *p)
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
    if (p->groups < 1 || p->groups > INT_MAX ||
        (w->dims[0] >= 0 && w->dims[0] % p->groups))
        return mx_fail(infer->scope, MEXPR_E_SHAPE,
            "%lld groups do not divide the weights %s", (long long)p->groups,
            mx_shape_text(w, b));
    if (p->c_in >= 0 && w->dims[0] >= 0 && p->c_in != w->dims[0])
        return mx_fail(infer->scope, MEXPR_E_SHAPE,
            "the input %s has %lld channels, but the weights %s are for %lld",
            mx_shape_text(x, a), (long long)p->c_in, mx_shape_text(w, b),
            (long long)w->dims[0]);
    if (w->dims[1] > INT_MAX)
        return mx_fail(infer->scope, MEXPR_E_LIMIT, "its weights %s are too large",
            mx_shape_text(w, b));
    p->c_out = w->dims[1] < 0 ? -1 : w->dims[1] * p->groups;
    if (bias && (bias->rank != 1 ||
                    (bias->dims[0] >= 0 && p->c_out >= 0 && bias->dims[0] != p->c_out)))
        return mx_fail(infer->scope, MEXPR_E_SHAPE, "its bias is not of %lld numbers",
            (long long)p->c_out);
    return MEXPR_OK;
}

/* Sizes of the products, once everything is known. */
static mexpr_status choose_tile(mx_infer *infer, transposed_params *p)
{
    const mx_window *w = &p->window;
    const int64_t kernel = mx_dims_product(w->kernel, 0, MX_SPATIAL);
    p->n_out = mx_dims_product(w->in, 0, MX_SPATIAL);
    p->n_in = mx_dims_product(w->out, 0, MX_SPATIAL);
    if (kernel < 0 || p->n_in < 0 || p->n_out < 0 || p->c_in < 0 || p->c_out < 0)
        return MEXPR_OK;
    const int64_t group_out = p->c_out / p->groups;
    if (kernel > INT_MAX || group_out * kernel > INT_MAX || p->n_in > INT_MAX ||
        p->c_in > INT_MAX)
        return mx_fail(
            infer->scope, MEXPR_E_LIMIT, "it is too large for one matrix product");
    p->kernel = kernel;
    p->channels = kernel > 0 && kernel < ROWS ? (ROWS + kernel - 1) / kernel : 1;
    if (p->channels > group_out)
        p->channels = group_out;
    const int64_t rows = p->channels * kernel;
    const int64_t tile = rows > 0 ? TILE_FLOATS / rows : p->n_in;
    p->tile = tile < MIN_TILE ? MIN_TILE : tile;
    if (p->tile > p->n_in)
        p->tile = p->n_in;
    infer->part_space = (size_t)(rows * p->tile) * sizeof(float);
    infer->multiply_adds = (double)p->batch * (double)p->n_in * (double)p->c_in *
                           (double)group_out * (double)kernel;
    return MEXPR_OK;
}

static mexpr_status infer_conv_transpose(mx_infer *infer)
{
    const mx_tensor *x = infer->inputs[0], *w = infer->inputs[1];
    transposed_params *p = infer->params;
    mexpr_status status = check_channels(infer, p);
    if (status == MEXPR_OK)
        status = mx_window_infer_transposed(
            infer, x->dims + 2, x->rank - 2, w->dims + 2, &p->window);
    if (status == MEXPR_OK)
        status = choose_tile(infer, p);
    if (status != MEXPR_OK)
        return status;
    mx_window_shape(infer, 0, p->batch, p->c_out, p->window.in, x->rank - 2);
    return MEXPR_OK;
}

/* --- forward ----------------------------------------------------------------------- */

/* One column of the window: its inputs lo..hi - 1 meet results, at i * stride + at. */
typedef struct window_column {
    int64_t lo, hi, at;
} window_column;

static window_column column_of(const mx_window *w, int64_t k)
{
    window_column c = {.at = k * w->dilation[2] - w->before[2]};
    mx_window_inside(w, 2, k, &c.lo, &c.hi);
    return c;
}

/* `n` inputs, where there are any. */
static void add_strided(const mx_window *w, const mx_machine *machine, int64_t n,
    const float *from, float *to)
{
    const int64_t stride = w->stride[2];
    if (stride == 1 && n > 0)
        machine->nn.add((size_t)n, to, from, to);
    for (int64_t i = 0; stride != 1 && i < n; i++)
        to[i * stride] += from[i];
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Adds one run of the rows of one column of the window, or of two that are neighbours, to
 * a line of results; `from` are their numbers of input s->x0. Where inputs are two apart,
 * the results of two lie side by side, but for those at the ends that one has alone. */
static void add_run(const mx_window *w, const mx_machine *machine, const mx_span *s,
    const window_column *c, int n, const float *const *from, float *line)
{
    const int64_t stride = w->stride[2];
    int64_t first = s->x1, end = s->x1;
    if (n == 2) {
        const int64_t lo = larger(larger(c[0].lo, c[1].lo), s->x0);
        const int64_t hi = smaller(smaller(c[0].hi, c[1].hi), s->x1);
        first = hi > lo ? lo : first;
        end = hi > lo ? hi : end;
    }
    if (end > first)
        machine->conv.add_pairs((size_t)(end - first), from[0] + (first - s->x0),
            from[1] + (first - s->x0), line + c[0].at + 2 * first);
    for (int i = 0; i < n; i++) {
        const int64_t lo = larger(c[i].lo, s->x0), hi = smaller(c[i].hi, s->x1);
        const int64_t rest = larger(lo, end);
        if (lo >= hi)
            continue;
        add_strided(w, machine, smaller(hi, first) - lo, from[i] + (lo - s->x0),
            line + (c[i].at + lo * stride));
        if (rest < hi)
            add_strided(w, machine, hi - rest, from[i] + (rest - s->x0),
                line + (c[i].at + rest * stride));
    }
}

/* One row of the columns, or two: a line of the window at `k` and columns k[2] and on,
 * for the inputs first..first+n-1 of one channel. */
static void add_rows(const mx_window *w, const mx_machine *machine, const int64_t *k,
    int rows, int64_t first, int64_t n, const float *columns, float *channel)
{
    const window_column c[2] = {column_of(w, k[2]), column_of(w, k[2] + rows - 1)};
    int64_t done = 0;
    for (mx_span s = mx_span_first(w, first, n); done < n;
         mx_span_next(w, &s, n - done)) {
        const int64_t d = s.d * w->stride[0] - w->before[0] + k[0] * w->dilation[0];
        const int64_t h = s.h * w->stride[1] - w->before[1] + k[1] * w->dilation[1];
        const float *const from[2] = {columns + done, columns + (rows - 1) * n + done};
        if (d >= 0 && d < w->in[0] && h >= 0 && h < w->in[1])
            add_run(
                w, machine, &s, c, rows, from, channel + (d * w->in[1] + h) * w->in[2]);
        done += s.x1 - s.x0;
    }
}

static void add_columns(const transposed_params *p, const mx_machine *machine,
    int64_t channels, int64_t first, int64_t n, const float *columns, float *y)
{
    const mx_window *w = &p->window;
    const bool by_two = w->stride[2] == 2 && w->dilation[2] == 1;
    int64_t k[MX_SPATIAL];
    for (int64_t c = 0; c < channels; c++, y += p->n_out) {
        for (k[0] = 0; k[0] < w->kernel[0]; k[0]++) {
            for (k[1] = 0; k[1] < w->kernel[1]; k[1]++) {
                for (int64_t rows, i = 0; i < w->kernel[2]; i += rows) {
                    rows = by_two && i + 1 < w->kernel[2] ? 2 : 1;
                    k[2] = i;
                    add_rows(w, machine, k, (int)rows, first, n, columns, y);
                    columns += rows * n;
                }
            }
        }
    }
}

static void fill(int64_t n, float number, float *y)
{
    for (int64_t i = 0; i < n; i++)
        y[i] = number;
}

static int64_t parts_of_group(const transposed_params *p)
{
    return (p->c_out / p->groups + p->channels - 1) / p->channels;
}

/* Whether something has been joined to the node: the bias then belongs to that. */
static bool has_epilogue(const mx_node *node)
{
    return node->fusion || node->n_inputs > MX_EPILOGUE_RESIDUAL;
}

static const float *residual_of(const mx_run *run, int64_t offset)
{
    const mx_tensor *residual = mx_run_input(run, MX_EPILOGUE_RESIDUAL);
    return residual ? (const float *)residual->data + offset : NULL;
}

/* Some outputs of one group: weights [k][rows] turned round times x [k][n_in]. */
static void convolve(const mx_run *run, const void *arg, int64_t part, void *space)
{
    const transposed_params *p = run->params;
    const mx_tensor *bias = mx_run_input(run, 2);
    const int64_t group_in = p->c_in / p->groups, group_out = p->c_out / p->groups;
    const int64_t group = part / parts_of_group(p); /* of all samples */
    const int64_t c = part % parts_of_group(p) * p->channels, left = group_out - c;
    const int64_t channels = left < p->channels ? left : p->channels;
    const int64_t own = group % p->groups;
    const float *x = (const float *)run->inputs[0]->data + group * group_in * p->n_in;
    const float *weights = (const float *)run->inputs[1]->data +
                           (own * group_in * group_out + c) * p->kernel;
    float *y = (float *)run->outputs[0]->data + (group * group_out + c) * p->n_out;
    float *columns = space;
    (void)arg;
    const float *numbers = bias && !has_epilogue(run->node) ? bias->data : NULL;
    for (int64_t i = 0; i < channels; i++)
        fill(p->n_out, numbers ? numbers[own * group_out + c + i] : 0, y + i * p->n_out);
    for (int64_t first = 0; first < p->n_in; first += p->tile) {
        const int64_t rest = p->n_in - first, width = rest < p->tile ? rest : p->tile;
        mx_sgemm(&run->machine->gemm, true, false, (int)(channels * p->kernel),
            (int)width, (int)group_in, 1, weights, (int)(group_out * p->kernel),
            x + first, (int)p->n_in, 0, columns, (int)width);
        add_columns(p, run->machine, channels, first, width, columns, y);
    }
    if (has_epilogue(run->node))
        mx_epilogue_rows(run, own * group_out + c, channels, p->n_out, p->n_out, bias,
            residual_of(run, (group * group_out + c) * p->n_out), y);
}

static mexpr_status conv_transpose(const mx_run *run)
{
    const transposed_params *p = run->params;
    if (mx_tensor_count(run->outputs[0]) > 0)
        mx_run_parts(run, p->batch * p->groups * parts_of_group(p), convolve, NULL);
    return MEXPR_OK;
}

const mx_operator mx_operators_transposed[] = {
    {.name = "ConvTranspose",
        .domain = "",
        .since = 11,
        .min_inputs = 2,
        .max_inputs = 3,
        .min_outputs = 1,
        .max_outputs = 1,
        .types = MX_T_F32,
        .attributes = "auto_pad:s dilations:I group:i kernel_shape:I output_padding:I "
                      "output_shape:I pads:I strides:I",
        .flags = MX_OP_PARTS,
        .params_size = sizeof(transposed_params),
        .infer = infer_conv_transpose,
        .forward = conv_transpose,
        .note = "one to three dimensions"},
    {.name = NULL},
};
