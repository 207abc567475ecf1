/* SPDX-License-Identifier: MIT */
/* Sums, means, extremes and norms over axes. */
#include <math.h>
#include <string.h>

#include "model/op_tables.h"

typedef struct reduce_params {
    int64_t kept[MEXPR_MAX_RANK]; /* the input's dimensions, 1 where reduced */
    int64_t count;                /* elements that make one result */
} reduce_params;

/* The shape of the result, and where the elements of a result lie. */
static mexpr_status infer_reduce(mx_infer *infer)
{
    const mx_tensor *in = infer->inputs[0];
    reduce_params *p = infer->params;
    uint32_t mask;
    int n_axes;
    bool known;
    const mexpr_status status = mx_infer_axes(infer, 1, in->rank, &mask, &n_axes, &known);
    if (status != MEXPR_OK || !known)
        return status;
    if (n_axes == 0 && !mx_attr_int(infer->node, "noop_with_empty_axes", 0))
        mask = (1u << in->rank) - 1;
    const bool keep = mx_attr_int(infer->node, "keepdims", 1) != 0;
    int64_t dims[MEXPR_MAX_RANK];
    int rank = 0;
    p->count = 1;
    for (int i = 0; i < in->rank; i++) {
        const bool reduced = mask & 1u << i;
        p->kept[i] = reduced ? 1 : in->dims[i];
        if (reduced)
            p->count *= in->dims[i] < 0 ? 0 : in->dims[i];
        if (!reduced || keep)
            dims[rank++] = p->kept[i];
    }
    mx_infer_shape(infer, 0, rank, dims);
    return MEXPR_OK;
}

/* A walk over the input with the place of each element's result. The result's row stride
 * is 0 where the innermost dimension is reduced, 1 where it is kept. */
static void walk_input(const mx_run *run, mx_walk *walk)
{
    const mx_tensor *in = run->inputs[0];
    const reduce_params *p = run->params;
    int64_t strides[2][MEXPR_MAX_RANK];
    mx_contiguous_strides(in->rank, p->kept, strides[0]);
    mx_contiguous_strides(in->rank, in->dims, strides[1]);
    for (int i = 0; i < in->rank; i++) {
        if (p->kept[i] == 1 && in->dims[i] != 1)
            strides[0][i] = 0;
    }
    mx_walk_init(walk, in->rank, in->dims, 2, (const int64_t(*)[MEXPR_MAX_RANK])strides);
}

/* --- float32 ----------------------------------------------------------------------- */

typedef struct float_reduction {
    float start;
    void (*fold)(
        const mx_nn_kernels *nn, size_t n, const float *x, float *y);         /* to one */
    void (*add)(const mx_nn_kernels *nn, size_t n, const float *x, float *y); /* to n */
} float_reduction;

static void reduce_f32(const mx_run *run, const float_reduction *r)
{
    const int64_t n_out = mx_tensor_count(run->outputs[0]);
    float *out = run->outputs[0]->data;
    for (int64_t i = 0; i < n_out; i++)
        out[i] = r->start;
    mx_walk walk;
    walk_input(run, &walk);
    if (mx_walk_is_empty(&walk))
        return;
    const int last = walk.rank - 1;
    const size_t n = (size_t)walk.dims[last];
    do {
        const float *x = (const float *)run->inputs[0]->data + walk.offset[1];
        float *y = out + walk.offset[0];
        (walk.strides[0][last] ? r->add : r->fold)(&run->machine->nn, n, x, y);
    } while (mx_walk_next(&walk));
}

static void fold_sum(const mx_nn_kernels *nn, size_t n, const float *x, float *y)
{
    *y += nn->sum(n, x);
}

static void add_sum(const mx_nn_kernels *nn, size_t n, const float *x, float *y)
{
    nn->add(n, y, x, y);
}

static void fold_squares(const mx_nn_kernels *nn, size_t n, const float *x, float *y)
{
    *y += nn->sum_squares(n, x);
}

static void add_squares(const mx_nn_kernels *nn, size_t n, const float *x, float *y)
{
    nn->mul_add(n, x, x, y);
}

static void fold_max(const mx_nn_kernels *nn, size_t n, const float *x, float *y)
{
    const float m = nn->max_reduce(n, x);
    nn->max(1, y, &m, y);
}

static void add_max(const mx_nn_kernels *nn, size_t n, const float *x, float *y)
{
    nn->max(n, y, x, y);
}

static void fold_min(const mx_nn_kernels *nn, size_t n, const float *x, float *y)
{
    const float m = nn->min_reduce(n, x);
    nn->min(1, y, &m, y);
}

static void add_min(const mx_nn_kernels *nn, size_t n, const float *x, float *y)
{
    nn->min(n, y, x, y);
}

static void fold_product(const mx_nn_kernels *nn, size_t n, const float *x, float *y)
{
    (void)nn;
    for (size_t i = 0; i < n; i++)
        *y *= x[i];
}

static void add_product(const mx_nn_kernels *nn, size_t n, const float *x, float *y)
{
    nn->mul(n, y, x, y);
}

static void fold_abs(const mx_nn_kernels *nn, size_t n, const float *x, float *y)
{
    (void)nn;
    for (size_t i = 0; i < n; i++)
        *y += fabsf(x[i]);
}

static void add_abs(const mx_nn_kernels *nn, size_t n, const float *x, float *y)
{
    (void)nn;
    for (size_t i = 0; i < n; i++)
        y[i] += fabsf(x[i]);
}

static const float_reduction sum_f32 = {0, fold_sum, add_sum};
static const float_reduction squares_f32 = {0, fold_squares, add_squares};
static const float_reduction abs_f32 = {0, fold_abs, add_abs};
static const float_reduction product_f32 = {1, fold_product, add_product};
static const float_reduction max_f32 = {-INFINITY, fold_max, add_max};
static const float_reduction min_f32 = {INFINITY, fold_min, add_min};

/* --- integers ---------------------------------------------------------------------- */

#define INT_REDUCTION(name, type, start, expression)                                     \
    static void name(const mx_run *run)                                                  \
    {                                                                                    \
        const int64_t n_out = mx_tensor_count(run->outputs[0]);                          \
        type *out = run->outputs[0]->data;                                               \
        for (int64_t i = 0; i < n_out; i++)                                              \
            out[i] = (start);                                                            \
        mx_walk walk;                                                                    \
        walk_input(run, &walk);                                                          \
        if (mx_walk_is_empty(&walk))                                                     \
            return;                                                                      \
        const int last = walk.rank - 1;                                                  \
        do {                                                                             \
            const type *in = (const type *)run->inputs[0]->data + walk.offset[1];        \
            for (int64_t i = 0; i < walk.dims[last]; i++) {                              \
                type *y = out + walk.offset[0] + i * walk.strides[0][last];              \
                const type x = in[i];                                                    \
                *y = (type)(expression);                                                 \
            }                                                                            \
        } while (mx_walk_next(&walk));                                                   \
    }

INT_REDUCTION(sum_i32, int32_t, 0, (uint32_t)*y + (uint32_t)x)
INT_REDUCTION(sum_i64, int64_t, 0, (uint64_t)*y + (uint64_t)x)
INT_REDUCTION(product_i32, int32_t, 1, (uint32_t)*y *(uint32_t)x)
INT_REDUCTION(product_i64, int64_t, 1, (uint64_t)*y *(uint64_t)x)
INT_REDUCTION(max_i32, int32_t, INT32_MIN, x > *y ? x : *y)
INT_REDUCTION(max_i64, int64_t, INT64_MIN, x > *y ? x : *y)
INT_REDUCTION(min_i32, int32_t, INT32_MAX, x < *y ? x : *y)
INT_REDUCTION(min_i64, int64_t, INT64_MAX, x < *y ? x : *y)
INT_REDUCTION(max_u8, uint8_t, 0, x > *y ? x : *y)
INT_REDUCTION(min_u8, uint8_t, UINT8_MAX, x < *y ? x : *y)

typedef void reduce_fn(const mx_run *run);

static mexpr_status reduce(const mx_run *run, const float_reduction *f32, reduce_fn *i32,
    reduce_fn *i64, reduce_fn *u8)
{
    if (run->inputs[0]->dtype == MEXPR_DTYPE_F32)
        reduce_f32(run, f32);
    else if (run->inputs[0]->dtype == MEXPR_DTYPE_I32)
        i32(run);
    else if (run->inputs[0]->dtype == MEXPR_DTYPE_I64)
        i64(run);
    else
        u8(run);
    return MEXPR_OK;
}

static mexpr_status reduce_sum(const mx_run *run)
{
    return reduce(run, &sum_f32, sum_i32, sum_i64, NULL);
}

static mexpr_status reduce_prod(const mx_run *run)
{
    return reduce(run, &product_f32, product_i32, product_i64, NULL);
}

static mexpr_status reduce_max(const mx_run *run)
{
    return reduce(run, &max_f32, max_i32, max_i64, max_u8);
}

static mexpr_status reduce_min(const mx_run *run)
{
    return reduce(run, &min_f32, min_i32, min_i64, min_u8);
}

/* The mean of nothing is NaN. */
static mexpr_status reduce_mean(const mx_run *run)
{
    const reduce_params *p = run->params;
    const size_t n = (size_t)mx_tensor_count(run->outputs[0]);
    float *out = run->outputs[0]->data;
    reduce_f32(run, &sum_f32);
    if (n > 0)
        run->machine->nn.div_scalar(n, out, (float)p->count, out);
    return MEXPR_OK;
}

static mexpr_status reduce_l1(const mx_run *run)
{
    reduce_f32(run, &abs_f32);
    return MEXPR_OK;
}

static mexpr_status reduce_l2(const mx_run *run)
{
    const size_t n = (size_t)mx_tensor_count(run->outputs[0]);
    float *out = run->outputs[0]->data;
    reduce_f32(run, &squares_f32);
    if (n > 0)
        run->machine->nn.sqrt(n, out, out);
    return MEXPR_OK;
}

static mexpr_status reduce_sum_square(const mx_run *run)
{
    reduce_f32(run, &squares_f32);
    return MEXPR_OK;
}

static mexpr_status reduce_log_sum(const mx_run *run)
{
    const int64_t n = mx_tensor_count(run->outputs[0]);
    float *out = run->outputs[0]->data;
    reduce_f32(run, &sum_f32);
    for (int64_t i = 0; i < n; i++)
        out[i] = logf(out[i]);
    return MEXPR_OK;
}

#define REDUCE(op, type_set, forward_fn)                                                 \
    {                                                                                    \
        .name = op, .domain = "", .since = 1, .min_inputs = 1, .max_inputs = 2,          \
        .min_outputs = 1, .max_outputs = 1, .types = type_set,                           \
        .other_inputs = MX_INPUT_BIT(1), .value_inputs = MX_INPUT_BIT(1),                \
        .attributes = "axes:I keepdims:i noop_with_empty_axes:i",                        \
        .params_size = sizeof(reduce_params), .infer = infer_reduce,                     \
        .forward = forward_fn                                                            \
    }

const mx_operator mx_operators_reduce[] = {
    REDUCE("ReduceL1", MX_T_F32, reduce_l1),
    REDUCE("ReduceL2", MX_T_F32, reduce_l2),
    REDUCE("ReduceLogSum", MX_T_F32, reduce_log_sum),
    REDUCE("ReduceMax", MX_T_NUMBERS, reduce_max),
    REDUCE("ReduceMean", MX_T_F32, reduce_mean),
    REDUCE("ReduceMin", MX_T_NUMBERS, reduce_min),
    REDUCE("ReduceProd", MX_T_F32 | MX_T_INTS, reduce_prod),
    REDUCE("ReduceSum", MX_T_F32 | MX_T_INTS, reduce_sum),
    REDUCE("ReduceSumSquare", MX_T_F32, reduce_sum_square),
    {.name = NULL},
};
