/* SPDX-License-Identifier: MIT */
/* Operators that only rewrites make. */
#include <math.h>
#include <string.h>

#include "model/op_last.h"
#include "model/op_product.h"

/* Columns that are gone through together: their partial results stay in the first-level
 * cache. */
enum { BLOCK = 1024, TURNED_ROWS = 32, TURNED_SIZE = 64 };

static mexpr_status silu(const mx_run *run)
{
    const size_t n = (size_t)mx_tensor_count(run->inputs[0]);
    if (n > 0)
        run->machine->conv.silu(n, run->inputs[0]->data, run->outputs[0]->data);
    return MEXPR_OK;
}

static mexpr_status ones(const mx_run *run)
{
    const int64_t n = mx_tensor_count(run->outputs[0]);
    float *y = run->outputs[0]->data;
    for (int64_t i = 0; i < n; i++)
        y[i] = 1;
    return MEXPR_OK;
}

/* A transposition that leaves the elements in their order. */
static mexpr_status infer_turn(mx_infer *infer)
{
    const mx_tensor *x = infer->inputs[0];
    int64_t dims[MEXPR_MAX_RANK];
    for (int i = 0; i < x->rank; i++)
        dims[i] = x->dims[infer->node->fusion->perm[i]];
    mx_infer_shape(infer, 0, x->rank, dims);
    return MEXPR_OK;
}

static mexpr_status turn(const mx_run *run)
{
    const mx_tensor *in = run->inputs[0];
    if (run->outputs[0]->data != in->data)
        memcpy(run->outputs[0]->data, in->data, mx_tensor_bytes(in));
    return MEXPR_OK;
}

/* --- AxisNorm ---------------------------------------------------------------------- */

/* (x - mean) / sqrt(variance + epsilon) over one axis, times the scale, plus the shift.
 */
typedef struct axis_params {
    int64_t outer, size, inner;
} axis_params;

static void divide(const mx_tensor *x, int axis, axis_params *p)
{
    p->outer = mx_dims_product(x->dims, 0, axis);
    p->size = x->dims[axis];
    p->inner = mx_dims_product(x->dims, axis + 1, x->rank);
}

static mexpr_status infer_axis_norm(mx_infer *infer)
{
    divide(infer->inputs[0], infer->node->fusion->axis, infer->params);
    return mx_infer_same(infer);
}

/* What a deviation from the mean is multiplied with. */
static float inverse_of(const mx_fusion *f, float variance)
{
    return f->epsilon_outside ? 1 / (sqrtf(variance) + f->a) : 1 / sqrtf(variance + f->a);
}

static void norm_row(const mx_run *run, size_t n, const float *x, const float *scale,
    const float *shift, float *y)
{
    const mx_nn_kernels *nn = &run->machine->nn;
    const float mean = nn->sum(n, x) / (float)n;
    const float variance = nn->sum_square_diff(n, x, mean) / (float)n;
    nn->add_scalar(n, x, -mean, y);
    nn->mul_scalar(n, y, inverse_of(run->node->fusion, variance), y);
    if (scale)
        nn->mul(n, y, scale, y);
    if (shift)
        nn->add(n, y, shift, y);
}

/* n neighbouring columns of `size` elements each, `stride` apart. */
static void norm_columns(const mx_run *run, size_t n, int64_t size, int64_t stride,
    const float *x, const float *scale, const float *shift, float *y)
{
    const mx_nn_kernels *nn = &run->machine->nn;
    float mean[BLOCK], variance[BLOCK];
    memset(mean, 0, n * sizeof *mean);
    memset(variance, 0, n * sizeof *variance);
    for (int64_t i = 0; i < size; i++)
        nn->add(n, mean, x + i * stride, mean);
    nn->div_scalar(n, mean, (float)size, mean);
    for (int64_t i = 0; i < size; i++) {
        nn->sub(n, x + i * stride, mean, y + i * stride);
        nn->mul_add(n, y + i * stride, y + i * stride, variance);
    }
    for (size_t i = 0; i < n; i++)
        variance[i] = inverse_of(run->node->fusion, variance[i] / (float)size);
    for (int64_t i = 0; i < size; i++) {
        nn->mul(n, y + i * stride, variance, y + i * stride);
        if (scale || shift)
            nn->scale_shift(n, y + i * stride, scale ? scale[i] : 1, shift ? shift[i] : 0,
                y + i * stride);
    }
}

/* The rows of one index of the dimensions before the axis, or a block of its columns. */
static void axis_norm_part(const mx_run *run, const void *arg, int64_t part, void *space)
{
    const axis_params *p = run->params;
    const mx_tensor *s = mx_run_input(run, 1), *t = mx_run_input(run, 2);
    const float *scale = s ? s->data : NULL, *shift = t ? t->data : NULL;
    const int64_t blocks = (p->inner + BLOCK - 1) / BLOCK;
    const int64_t at = part % blocks * BLOCK, left = p->inner - at;
    const int64_t from = part / blocks * p->size * p->inner + at;
    const float *x = (const float *)run->inputs[0]->data + from;
    float *y = (float *)run->outputs[0]->data + from;
    (void)arg;
    (void)space;
    if (p->inner == 1)
        norm_row(run, (size_t)p->size, x, scale, shift, y);
    else
        norm_columns(run, (size_t)(left < BLOCK ? left : BLOCK), p->size, p->inner, x,
            scale, shift, y);
}

static mexpr_status axis_norm(const mx_run *run)
{
    const axis_params *p = run->params;
    if (mx_tensor_count(run->inputs[0]) > 0)
        mx_run_parts(
            run, p->outer * ((p->inner + BLOCK - 1) / BLOCK), axis_norm_part, NULL);
    return MEXPR_OK;
}

/* --- MeanMax ----------------------------------------------------------------------- */

/* Mean and maximum of x (times a number for each element of the axis, input 1) over one
 * axis, side by side on that axis, seen through a transposition. */
static mexpr_status infer_mean_max(mx_infer *infer)
{
    const mx_tensor *x = infer->inputs[0];
    const mx_fusion *f = infer->node->fusion;
    axis_params *p = infer->params;
    int64_t dims[MEXPR_MAX_RANK];
    for (int i = 0; i < x->rank; i++)
        dims[i] = x->dims[f->perm[i]];
    dims[f->axis] = 2;
    mx_infer_shape(infer, 0, x->rank, dims);
    divide(x, f->perm[f->axis], p);
    if (p->outer >= 0 && p->inner >= 0)
        infer->workspace = 2 * (size_t)(p->outer * p->inner) * sizeof(float);
    return MEXPR_OK;
}

static void reduce_columns(const mx_nn_kernels *nn, const axis_params *p, size_t n,
    const float *x, const float *factors, float *mean, float *max)
{
    float scaled[BLOCK];
    for (size_t i = 0; i < n; i++) {
        mean[i] = 0;
        max[i] = -INFINITY;
    }
    for (int64_t k = 0; k < p->size; k++, x += p->inner) {
        const float *row = x;
        if (factors) {
            nn->mul_scalar(n, x, factors[k], scaled);
            row = scaled;
        }
        nn->add(n, mean, row, mean);
        nn->max(n, max, row, max);
    }
    nn->div_scalar(n, mean, (float)p->size, mean);
}

/* Short rows: turned, so that many go side by side. */
static void reduce_rows(const mx_nn_kernels *nn, size_t rows, size_t size, const float *x,
    float *mean, float *max)
{
    float turned[TURNED_ROWS * TURNED_SIZE];
    const axis_params p = {1, (int64_t)size, (int64_t)rows};
    nn->transpose(rows, size, x, size, turned, rows);
    reduce_columns(nn, &p, rows, turned, NULL, mean, max);
}

static void reduce_all_rows(const mx_run *run, float *mean, float *max)
{
    const axis_params *p = run->params;
    const mx_nn_kernels *nn = &run->machine->nn;
    const float *x = run->inputs[0]->data;
    const int64_t step = p->size <= TURNED_SIZE ? TURNED_ROWS : 1;
    for (int64_t o = 0; o < p->outer; o += step) {
        const int64_t rows = p->outer - o < step ? p->outer - o : step;
        if (step > 1) {
            reduce_rows(
                nn, (size_t)rows, (size_t)p->size, x + o * p->size, mean + o, max + o);
            continue;
        }
        mean[o] = nn->sum((size_t)p->size, x + o * p->size) / (float)p->size;
        max[o] = nn->max_reduce((size_t)p->size, x + o * p->size);
    }
}

static void reduce_all(const mx_run *run, float *mean, float *max)
{
    const axis_params *p = run->params;
    const mx_nn_kernels *nn = &run->machine->nn;
    const mx_tensor *gate = mx_run_input(run, 1);
    for (int64_t o = 0; o < p->outer; o++) {
        const float *x = (const float *)run->inputs[0]->data + o * p->size * p->inner;
        const float *factors = gate ? (const float *)gate->data + o * p->size : NULL;
        for (int64_t at = 0; at < p->inner; at += BLOCK) {
            const int64_t left = p->inner - at;
            reduce_columns(nn, p, (size_t)(left < BLOCK ? left : BLOCK), x + at, factors,
                mean + o * p->inner + at, max + o * p->inner + at);
        }
    }
}

/* Results lie in the order of the input's dimensions; they go into half `k` of the
 * output in the order seen. */
static void place_half(const mx_run *run, const float *from, int k)
{
    const mx_fusion *f = run->node->fusion;
    const mx_tensor *x = run->inputs[0], *out = run->outputs[0];
    int64_t dims[MEXPR_MAX_RANK], own[MEXPR_MAX_RANK], seen[MEXPR_MAX_RANK];
    int64_t strides[2][MEXPR_MAX_RANK];
    memcpy(dims, x->dims, sizeof dims);
    dims[f->perm[f->axis]] = 1;
    mx_contiguous_strides(x->rank, dims, own);
    mx_contiguous_strides(out->rank, out->dims, strides[0]);
    for (int i = 0; i < x->rank; i++) {
        seen[i] = dims[f->perm[i]];
        strides[1][i] = own[f->perm[i]];
    }
    mx_walk walk;
    mx_walk_init(&walk, x->rank, seen, 2, (const int64_t(*)[MEXPR_MAX_RANK])strides);
    mx_walk_copy(
        &walk, sizeof(float), (float *)out->data + k * strides[0][f->axis], from);
}

static mexpr_status mean_max(const mx_run *run)
{
    const axis_params *p = run->params;
    const bool max_first = run->node->fusion->max_first;
    float *mean = run->workspace, *max = mean + p->outer * p->inner;
    if (mx_tensor_count(run->outputs[0]) == 0)
        return MEXPR_OK;
    if (p->size > 0 && p->inner == 1 && !mx_run_input(run, 1)) {
        reduce_all_rows(run, mean, max);
    } else if (p->size > 0) {
        reduce_all(run, mean, max);
    } else {
        for (int64_t i = 0; i < p->outer * p->inner; i++) {
            mean[i] = NAN; /* as ReduceMean and ReduceMax of nothing */
            max[i] = -INFINITY;
        }
    }
    place_half(run, mean, max_first);
    place_half(run, max, !max_first);
    return MEXPR_OK;
}

/* --- GlobalMeanMax ----------------------------------------------------------------- */

static mexpr_status infer_global(mx_infer *infer)
{
    const mx_tensor *x = infer->inputs[0];
    int64_t dims[MEXPR_MAX_RANK];
    for (int i = 0; i < x->rank; i++)
        dims[i] = i < 2 ? x->dims[i] : 1;
    mx_infer_shape(infer, 0, x->rank, dims);
    mx_infer_shape(infer, 1, x->rank, dims);
    infer->outputs[1]->dtype = MEXPR_DTYPE_F32;
    return MEXPR_OK;
}

static mexpr_status global_mean_max(const mx_run *run)
{
    const mx_tensor *in = run->inputs[0], *mean = mx_run_output(run, 0);
    const mx_tensor *max = mx_run_output(run, 1);
    const int64_t n = mx_dims_product(in->dims, 2, in->rank);
    const int64_t planes = mx_dims_product(in->dims, 0, 2);
    const mx_nn_kernels *nn = &run->machine->nn;
    for (int64_t c = 0; c < planes; c++) {
        const float *x = (const float *)in->data + c * n;
        if (mean)
            ((float *)mean->data)[c] = n > 0 ? nn->sum((size_t)n, x) / (float)n : NAN;
        if (max)
            ((float *)max->data)[c] = n > 0 ? nn->max_reduce((size_t)n, x) : -INFINITY;
    }
    return MEXPR_OK;
}

/* --- gates ------------------------------------------------------------------------- */

/* A gate's row for row (b, c, h) of x, and its stride along the row. */
typedef struct gate {
    const float *data;
    int64_t strides[4];
} gate;

static gate gate_of(const mx_tensor *t)
{
    static const float zero = 0;
    gate g = {&zero, {0, 0, 0, 0}};
    if (!t)
        return g;
    g.data = t->data;
    mx_contiguous_strides(4, t->dims, g.strides);
    for (int i = 0; i < 4; i++)
        g.strides[i] = t->dims[i] == 1 ? 0 : g.strides[i];
    return g;
}

static const float *row_of(const gate *g, int64_t b, int64_t c, int64_t h)
{
    return g->data + b * g->strides[0] + c * g->strides[1] + h * g->strides[2];
}

/* y = x * (g1 + g2 + g3) * factor. */
static mexpr_status gate_sum(const mx_run *run)
{
    const mx_tensor *in = run->inputs[0];
    const float *x = in->data, factor = run->node->fusion->factor;
    float *y = run->outputs[0]->data;
    const int64_t n = in->dims[3];
    const gate g[3] = {
        gate_of(run->inputs[1]), gate_of(run->inputs[2]), gate_of(mx_run_input(run, 3))};
    const int64_t s0 = g[0].strides[3], s1 = g[1].strides[3], s2 = g[2].strides[3];
    for (int64_t b = 0; b < in->dims[0]; b++) {
        for (int64_t c = 0; c < in->dims[1]; c++) {
            for (int64_t h = 0; h < in->dims[2]; h++, x += n, y += n) {
                const float *p = row_of(&g[0], b, c, h), *q = row_of(&g[1], b, c, h);
                const float *r = row_of(&g[2], b, c, h);
                for (int64_t i = 0; i < n; i++)
                    y[i] = x[i] * ((p[i * s0] + q[i * s1] + r[i * s2]) * factor);
            }
        }
    }
    return MEXPR_OK;
}

/* y = x * a * b: a for each channel, b for each position. */
static mexpr_status gate_product(const mx_run *run)
{
    const mx_tensor *in = run->inputs[0];
    const mx_nn_kernels *nn = &run->machine->nn;
    const float *x = in->data, *a = run->inputs[1]->data;
    float *y = run->outputs[0]->data;
    const int64_t n = in->dims[2] * in->dims[3];
    for (int64_t b = 0; b < in->dims[0] && n > 0; b++) {
        const float *gates = (const float *)run->inputs[2]->data + b * n;
        for (int64_t c = 0; c < in->dims[1]; c++, x += n, y += n, a++) {
            for (int64_t at = 0; at < n; at += BLOCK) {
                const size_t part = (size_t)(n - at < BLOCK ? n - at : BLOCK);
                nn->mul_scalar(part, x + at, *a, y + at);
                nn->mul(part, y + at, gates + at, y + at);
            }
        }
    }
    return MEXPR_OK;
}

#define FUSED(op, n_in, n_out, bits, size, infer_fn, forward_fn)                         \
    {                                                                                    \
        .name = op, .domain = "mexpr", .attributes = "", .since = 1, .min_inputs = 1,    \
        .max_inputs = n_in, .min_outputs = 1, .max_outputs = n_out, .types = MX_T_F32,   \
        .flags = bits, .params_size = size, .infer = infer_fn, .forward = forward_fn     \
    }

static const mx_operator operators[] = {
    FUSED("SiLU", 1, 1, MX_OP_SPLIT, 0, mx_infer_same, silu),
    FUSED("Ones", 1, 1, MX_OP_FROM_SHAPE, 0, mx_infer_same, ones),
    FUSED("Turn", 1, 1, MX_OP_ALIAS, 0, infer_turn, turn),
    FUSED("Dense", MX_EPILOGUE_INPUTS, 1, MX_OP_PARTS, sizeof(mx_dense_params),
        mx_dense_infer, mx_dense),
    FUSED("Linear", MX_EPILOGUE_INPUTS, 1, MX_OP_PARTS, sizeof(mx_dense_params),
        mx_linear_infer, mx_dense),
    FUSED("AxisNorm", 3, 1, MX_OP_PARTS, sizeof(axis_params), infer_axis_norm, axis_norm),
    FUSED("MeanMax", 2, 1, 0, sizeof(axis_params), infer_mean_max, mean_max),
    FUSED("GlobalMeanMax", 1, 2, 0, 0, infer_global, global_mean_max),
    FUSED("GateSum", 4, 1, 0, 0, mx_infer_same, gate_sum),
    FUSED("GateProduct", 3, 1, 0, 0, mx_infer_same, gate_product),
    {.name = NULL},
};

const mx_operator *mx_fused_operator(const char *name)
{
    static const mx_operator *const tables[] = {operators, mx_operators_last_conv,
        mx_operators_last_pool, mx_operators_last_gate};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        for (const mx_operator *op = tables[i]; op->name; op++) {
            if (strcmp(op->name, name) == 0)
                return op;
        }
    }
    return NULL; /* names are those of the tables */
}
