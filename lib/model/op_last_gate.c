/* SPDX-License-Identifier: MIT */
/* Gates of attention over images with channels last, and the way into that layout and out
 * of it. Gates and what they are made from are small and keep N, C, lines, columns. */
#include <math.h>
#include <string.h>

#include "model/op_last.h"

/* Positions that are gone through at a time. */
enum { PIECE = 1024 };

/* --- moving ------------------------------------------------------------------------ */

static void turned_dims(const mx_tensor *in, bool to_last, int64_t *dims)
{
    const int last = in->rank - 1;
    dims[0] = in->dims[0];
    for (int i = 1; i < last; i++)
        dims[to_last ? i : i + 1] = in->dims[to_last ? i + 1 : i];
    dims[to_last ? last : 1] = in->dims[to_last ? 1 : last];
}

static mexpr_status infer_turned(mx_infer *infer, bool to_last)
{
    int64_t dims[MEXPR_MAX_RANK];
    turned_dims(infer->inputs[0], to_last, dims);
    mx_infer_shape(infer, 0, infer->inputs[0]->rank, dims);
    return MEXPR_OK;
}

static mexpr_status infer_to_last(mx_infer *infer)
{
    return infer_turned(infer, true);
}

static mexpr_status infer_to_first(mx_infer *infer)
{
    return infer_turned(infer, false);
}

static void turn(const mx_run *run, bool to_last)
{
    const mx_tensor *in = run->inputs[0];
    const int64_t channels = in->dims[to_last ? 1 : in->rank - 1];
    if (mx_tensor_count(in) == 0)
        return;
    const size_t n = (size_t)(mx_tensor_count(in) / in->dims[0]);
    const size_t rows = to_last ? (size_t)channels : n / (size_t)channels;
    for (int64_t i = 0; i < in->dims[0]; i++)
        run->machine->nn.transpose(rows, n / rows,
            (const float *)in->data + (size_t)i * n, n / rows,
            (float *)run->outputs[0]->data + (size_t)i * n, rows);
}

static mexpr_status to_last(const mx_run *run)
{
    turn(run, true);
    return MEXPR_OK;
}

static mexpr_status to_first(const mx_run *run)
{
    turn(run, false);
    return MEXPR_OK;
}

/* One channel, or one position: nothing moves. */
static mexpr_status same(const mx_run *run)
{
    const mx_tensor *in = run->inputs[0], *out = run->outputs[0];
    if (out->data != in->data)
        memcpy(out->data, in->data, mx_tensor_bytes(in));
    return MEXPR_OK;
}

/* --- MeanMax ----------------------------------------------------------------------- */

/* As the operator of that name in op_fused.c. */
static mexpr_status infer_mean_max(mx_infer *infer)
{
    const mx_tensor *x = infer->inputs[0];
    const mx_fusion *f = infer->node->fusion;
    const int64_t first[4] = {x->dims[0], x->dims[3], x->dims[1], x->dims[2]};
    int64_t dims[4];
    int64_t n = 1;
    for (int i = 0; i < 4; i++) {
        dims[i] = first[f->perm[i]];
        n = i == f->axis ? n : dims[i] < 0 || n < 0 ? -1 : n * dims[i];
    }
    dims[f->axis] = 2;
    mx_infer_shape(infer, 0, 4, dims);
    if (n >= 0)
        infer->workspace = 2 * (size_t)n * sizeof(float);
    return MEXPR_OK;
}

/* Over lines (outer images, rows of whole lines) or columns (outer lines). */
static void reduce_rows(const mx_nn_kernels *nn, int64_t outer, int64_t size,
    int64_t inner, const float *x, float *mean, float *max)
{
    const size_t n = (size_t)inner;
    for (int64_t i = 0; i < outer; i++, mean += inner, max += inner) {
        memcpy(mean, x, n * sizeof *x);
        memcpy(max, x, n * sizeof *x);
        x += inner;
        nn->sum_cols((size_t)(size - 1), n, x, mean);
        nn->max_cols((size_t)(size - 1), n, x, max);
        x += (size - 1) * inner;
        nn->div_scalar(n, mean, (float)size, mean);
    }
}

/* A piece of the positions of one image. */
typedef struct piece {
    int64_t image, first, n; /* from the first position of all images on */
} piece;

static int64_t pieces_of(const mx_tensor *x)
{
    return (mx_dims_product(x->dims, 1, x->rank - 1) + PIECE - 1) / PIECE;
}

static piece piece_of(const mx_tensor *x, int64_t part)
{
    const int64_t n = mx_dims_product(x->dims, 1, x->rank - 1), pieces = pieces_of(x);
    const int64_t image = part / pieces, at = part % pieces * PIECE;
    return (piece){image, image * n + at, n - at < PIECE ? n - at : PIECE};
}

static void reduce_channels(const mx_run *run, const void *arg, int64_t part, void *space)
{
    const mx_tensor *x = run->inputs[0], *a = mx_run_input(run, 1);
    const piece at = piece_of(x, part);
    const int64_t channels = x->dims[3];
    float *mean = run->workspace, *max = mean + mx_tensor_count(run->outputs[0]) / 2;
    (void)arg;
    (void)space;
    run->machine->conv.row_stats((size_t)at.n, (size_t)channels,
        (const float *)x->data + at.first * channels,
        a ? (const float *)a->data + (a->dims[0] > 1 ? at.image * channels : 0) : NULL,
        mean + at.first, max + at.first);
    run->machine->nn.div_scalar(
        (size_t)at.n, mean + at.first, (float)channels, mean + at.first);
}

/* Results lie in the order N, lines, columns, C; they go into half `k` of the output in
 * the order in which N, C, lines, columns are seen. */
static void place_half(const mx_run *run, const float *from, int k)
{
    const mx_fusion *f = run->node->fusion;
    const mx_tensor *x = run->inputs[0], *out = run->outputs[0];
    int64_t dims[4] = {x->dims[0], x->dims[3], x->dims[1], x->dims[2]}, own[4], seen[4];
    int64_t strides[2][MEXPR_MAX_RANK];
    dims[f->perm[f->axis]] = 1;
    own[1] = 1;
    own[3] = dims[1];
    own[2] = own[3] * dims[3];
    own[0] = own[2] * dims[2];
    mx_contiguous_strides(4, out->dims, strides[0]);
    for (int i = 0; i < 4; i++) {
        seen[i] = dims[f->perm[i]];
        strides[1][i] = own[f->perm[i]];
    }
    mx_walk walk;
    mx_walk_init(&walk, 4, seen, 2, (const int64_t(*)[MEXPR_MAX_RANK])strides);
    mx_walk_copy(
        &walk, sizeof(float), (float *)out->data + k * strides[0][f->axis], from);
}

static mexpr_status mean_max(const mx_run *run)
{
    const mx_tensor *x = run->inputs[0];
    const mx_nn_kernels *nn = &run->machine->nn;
    const mx_fusion *f = run->node->fusion;
    const int64_t *d = x->dims, count = mx_tensor_count(run->outputs[0]) / 2;
    const int dim = f->perm[f->axis];
    float *mean = run->workspace, *max = mean + count;
    if (count == 0)
        return MEXPR_OK;
    if (mx_tensor_count(x) == 0) {
        for (int64_t i = 0; i < count; i++) {
            mean[i] = NAN; /* as ReduceMean and ReduceMax of nothing */
            max[i] = -INFINITY;
        }
    } else if (dim == 1) {
        mx_run_parts(run, d[0] * pieces_of(x), reduce_channels, NULL);
    } else if (dim == 2) {
        reduce_rows(nn, d[0], d[1], d[2] * d[3], x->data, mean, max);
    } else if (dim == 3) {
        reduce_rows(nn, d[0] * d[1], d[2], d[3], x->data, mean, max);
    } else {
        reduce_rows(nn, 1, d[0], d[1] * d[2] * d[3], x->data, mean, max);
    }
    place_half(run, mean, f->max_first);
    place_half(run, max, !f->max_first);
    return MEXPR_OK;
}

/* --- products ---------------------------------------------------------------------- */

/* y = x * a * b: a for each channel, b for each position; either may be left out. */
static void multiply_piece(const mx_run *run, const void *arg, int64_t part, void *space)
{
    const mx_tensor *in = run->inputs[0], *a = mx_run_input(run, 1);
    const mx_tensor *b = mx_run_input(run, 2);
    const piece at = piece_of(in, part);
    const int64_t channels = in->dims[in->rank - 1];
    const int64_t n = mx_dims_product(in->dims, 1, in->rank - 1);
    const int64_t own = b && b->dims[0] > 1 ? at.first : at.first - at.image * n;
    (void)arg;
    (void)space;
    run->machine->conv.row_gate((size_t)at.n, (size_t)channels,
        (const float *)in->data + at.first * channels,
        a ? (const float *)a->data + (a->dims[0] > 1 ? at.image * channels : 0) : NULL,
        b ? (const float *)b->data + own : NULL,
        (float *)run->outputs[0]->data + at.first * channels);
}

static mexpr_status gate_product(const mx_run *run)
{
    const mx_tensor *in = run->inputs[0];
    if (mx_tensor_count(in) > 0)
        mx_run_parts(run, in->dims[0] * pieces_of(in), multiply_piece, NULL);
    return MEXPR_OK;
}

/* y = x * (g + h + b) * factor: input 1, g, is for channels and columns, 2, h, for
 * channels and lines, 3, b, for positions; any may be left out. */
static mexpr_status infer_gate_sum(mx_infer *infer)
{
    const int64_t *d = infer->inputs[0]->dims;
    if (d[1] >= 0 && d[2] >= 0 && d[3] >= 0)
        infer->workspace = (size_t)(d[3] * (d[1] + d[2] + 1) + d[2]) * sizeof(float);
    return mx_infer_same(infer);
}

/* A gate of channels by n of image i, turned; zeros of one row where there is none. */
static const float *turned_gate(
    const mx_run *run, int k, int64_t image, int64_t channels, int64_t n, float *space)
{
    const mx_tensor *t = mx_run_input(run, k);
    if (!t)
        return NULL;
    const float *from = t->data;
    from += t->dims[0] > 1 ? image * channels * n : 0;
    run->machine->nn.transpose(
        (size_t)channels, (size_t)n, from, (size_t)n, space, (size_t)channels);
    return space;
}

static void gate_sum_image(const mx_run *run, int64_t image)
{
    const mx_tensor *in = run->inputs[0], *b = mx_run_input(run, 3);
    const int64_t lines = in->dims[1], cols = in->dims[2], channels = in->dims[3];
    float *zeros = run->workspace, *space = zeros + channels + cols;
    memset(zeros, 0, (size_t)(channels + cols) * sizeof *zeros);
    const float *g = turned_gate(run, 1, image, channels, cols, space);
    const float *h = turned_gate(run, 2, image, channels, lines, space + cols * channels);
    for (int64_t i = 0; i < lines; i++) {
        const int64_t at = (image * lines + i) * cols;
        const float *add =
            b ? (const float *)b->data + (b->dims[0] > 1 ? at : i * cols) : zeros;
        run->machine->conv.row_gates((size_t)cols, (size_t)channels,
            (const float *)in->data + at * channels, g ? g : zeros, g ? channels : 0,
            h ? h + i * channels : zeros, 0, add, run->node->fusion->factor,
            (float *)run->outputs[0]->data + at * channels);
    }
}

static mexpr_status gate_sum(const mx_run *run)
{
    if (mx_tensor_count(run->inputs[0]) == 0)
        return MEXPR_OK;
    for (int64_t i = 0; i < run->inputs[0]->dims[0]; i++)
        gate_sum_image(run, i);
    return MEXPR_OK;
}

#define LAST(op, n_in, bits, infer_fn, forward_fn)                                       \
    {                                                                                    \
        .name = op, .domain = "mexpr", .attributes = "", .since = 1, .min_inputs = 1,    \
        .max_inputs = n_in, .min_outputs = 1, .max_outputs = 1, .types = MX_T_F32,       \
        .flags = bits, .infer = infer_fn, .forward = forward_fn                          \
    }

const mx_operator mx_operators_last_gate[] = {
    LAST("ToLast", 1, 0, infer_to_last, to_last),
    LAST("ToFirst", 1, 0, infer_to_first, to_first),
    LAST("AsLast", 1, MX_OP_ALIAS, infer_to_last, same),
    LAST("AsFirst", 1, MX_OP_ALIAS, infer_to_first, same),
    LAST("MeanMaxLast", 2, MX_OP_PARTS, infer_mean_max, mean_max),
    LAST("GateProductLast", 3, MX_OP_PARTS, mx_infer_same, gate_product),
    LAST("GateSumLast", 4, 0, infer_gate_sum, gate_sum),
    {.name = NULL},
};
