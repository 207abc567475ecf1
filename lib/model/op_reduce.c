/* SPDX-License-Identifier: MIT */
/* Sums, means, extremes and norms over axes. */
#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "model/op_tables.h"

typedef struct reduce_params {
    int64_t kept[MEXPR_MAX_RANK]; /* the input's dimensions, 1 where reduced */
    int64_t count;                /* elements that make one result */
    bool is_copy;                 /* nothing is reduced: noop_with_empty_axes */
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
    p->is_copy = n_axes == 0 && mx_attr_int(infer->node, "noop_with_empty_axes", 0) != 0;
    if (n_axes == 0 && !p->is_copy)
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
    /* Rows to one each, what is in y does not matter; NULL: by fold. */
    void (*rows)(
        const mx_nn_kernels *nn, size_t rows, size_t n, const float *x, float *y);
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
    /* Rows that make one result each. */
    if (walk.rank == 2 && walk.strides[0][0] == 1 && walk.strides[0][1] == 0) {
        const float *x = run->inputs[0]->data;
        if (r->rows) {
            r->rows(&run->machine->nn, (size_t)walk.dims[0], n, x, out);
            return;
        }
        for (int64_t i = 0; i < walk.dims[0]; i++)
            r->fold(&run->machine->nn, n, x + i * walk.strides[1][0], out + i);
        return;
    }
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

static void sum_rows(
    const mx_nn_kernels *nn, size_t rows, size_t n, const float *x, float *y)
{
    nn->sum_rows(rows, n, x, y);
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
    *y = *y > m || *y != *y ? *y : m;
}

static void max_rows(
    const mx_nn_kernels *nn, size_t rows, size_t n, const float *x, float *y)
{
    nn->max_rows(rows, n, x, y);
}

static void add_max(const mx_nn_kernels *nn, size_t n, const float *x, float *y)
{
    nn->max(n, y, x, y);
}

static void fold_min(const mx_nn_kernels *nn, size_t n, const float *x, float *y)
{
    const float m = nn->min_reduce(n, x);
    *y = *y < m || *y != *y ? *y : m;
}

static void min_rows(
    const mx_nn_kernels *nn, size_t rows, size_t n, const float *x, float *y)
{
    nn->min_rows(rows, n, x, y);
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

static const float_reduction sum_f32 = {0, fold_sum, add_sum, sum_rows};
static const float_reduction squares_f32 = {0, fold_squares, add_squares, NULL};
static const float_reduction abs_f32 = {0, fold_abs, add_abs, NULL};
static const float_reduction product_f32 = {1, fold_product, add_product, NULL};
static const float_reduction max_f32 = {-INFINITY, fold_max, add_max, max_rows};
static const float_reduction min_f32 = {INFINITY, fold_min, add_min, min_rows};

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

/* Sums and products wrap around. */
#define BOTH(name, start, expression)                                                    \
    INT_REDUCTION(name##_i32, int32_t, start, expression)                                \
    INT_REDUCTION(name##_i64, int64_t, start, expression)

BOTH(sum, 0, (uint64_t)*y + (uint64_t)x)
BOTH(product, 1, (uint64_t)*y *(uint64_t)x)
BOTH(abs, 0, x < 0 ? (uint64_t)*y - (uint64_t)x : (uint64_t)*y + (uint64_t)x)
BOTH(squares, 0, (uint64_t)*y + (uint64_t)x * (uint64_t)x)
INT_REDUCTION(max_i32, int32_t, INT32_MIN, x > *y ? x : *y)
INT_REDUCTION(max_i64, int64_t, INT64_MIN, x > *y ? x : *y)
INT_REDUCTION(min_i32, int32_t, INT32_MAX, x < *y ? x : *y)
INT_REDUCTION(min_i64, int64_t, INT64_MAX, x < *y ? x : *y)
INT_REDUCTION(max_u8, uint8_t, 0, x > *y ? x : *y)
INT_REDUCTION(min_u8, uint8_t, UINT8_MAX, x < *y ? x : *y)
INT_REDUCTION(min_bool, uint8_t, 1, x < *y ? x : *y)

typedef void reduce_fn(const mx_run *run);

typedef struct reduction {
    const float_reduction *f32;
    reduce_fn *i32, *i64, *u8, *boolean;
} reduction;

static mexpr_status reduce(const mx_run *run, const reduction *r)
{
    const reduce_params *p = run->params;
    if (p->is_copy) {
        memcpy(
            run->outputs[0]->data, run->inputs[0]->data, mx_tensor_bytes(run->inputs[0]));
        return MEXPR_OK;
    }
    switch (run->inputs[0]->dtype) {
    case MEXPR_DTYPE_F32:
        reduce_f32(run, r->f32);
        break;
    case MEXPR_DTYPE_I32:
        r->i32(run);
        break;
    case MEXPR_DTYPE_I64:
        r->i64(run);
        break;
    case MEXPR_DTYPE_U8:
        r->u8(run);
        break;
    default:
        r->boolean(run);
    }
    return MEXPR_OK;
}

static const reduction sums = {&sum_f32, sum_i32, sum_i64, NULL, NULL};
static const reduction products = {&product_f32, product_i32, product_i64, NULL, NULL};
static const reduction sums_of_abs = {&abs_f32, abs_i32, abs_i64, NULL, NULL};
static const reduction sums_of_squares = {
    &squares_f32, squares_i32, squares_i64, NULL, NULL};
static const reduction maxima = {&max_f32, max_i32, max_i64, max_u8, max_u8};
static const reduction minima = {&min_f32, min_i32, min_i64, min_u8, min_bool};

#define PLAIN(name, which)                                                               \
    static mexpr_status name(const mx_run *run)                                          \
    {                                                                                    \
        return reduce(run, &which);                                                      \
    }

PLAIN(reduce_sum, sums)
PLAIN(reduce_prod, products)
PLAIN(reduce_max, maxima)
PLAIN(reduce_min, minima)
PLAIN(reduce_l1, sums_of_abs)
PLAIN(reduce_sum_square, sums_of_squares)

/* --- what follows a sum ------------------------------------------------------------ */

/* The whole part, or the nearest end of the range. */
static int64_t whole(double x)
{
    if (!(x > -9.2e18))
        return x < 0 ? INT64_MIN : 0;
    return x < 9.2e18 ? (int64_t)x : INT64_MAX;
}

static int32_t whole_i32(double x)
{
    const int64_t y = whole(x);
    return y < INT32_MIN ? INT32_MIN : y > INT32_MAX ? INT32_MAX : (int32_t)y;
}

/* Integers: through double, and the whole part of the result. */
static void finish_ints(const mx_run *run, double (*f)(double))
{
    const int64_t n = mx_tensor_count(run->outputs[0]);
    if (run->inputs[0]->dtype == MEXPR_DTYPE_I64) {
        int64_t *out = run->outputs[0]->data;
        for (int64_t i = 0; i < n; i++)
            out[i] = whole(f((double)out[i]));
    } else {
        int32_t *out = run->outputs[0]->data;
        for (int64_t i = 0; i < n; i++)
            out[i] = whole_i32(f(out[i]));
    }
}

static bool is_float(const mx_run *run)
{
    return run->inputs[0]->dtype == MEXPR_DTYPE_F32;
}

static bool is_copy(const mx_run *run)
{
    return ((const reduce_params *)run->params)->is_copy;
}

/* The mean of nothing is NaN, of no integers 0; integers are divided towards 0. */
static mexpr_status reduce_mean(const mx_run *run)
{
    const reduce_params *p = run->params;
    const int64_t n = mx_tensor_count(run->outputs[0]);
    const mexpr_status status = reduce(run, &sums);
    if (status != MEXPR_OK || p->is_copy || n == 0)
        return status;
    if (is_float(run)) {
        float *out = run->outputs[0]->data;
        run->machine->nn.div_scalar((size_t)n, out, (float)p->count, out);
        return MEXPR_OK;
    }
    for (int64_t i = 0; p->count > 0 && i < n; i++) {
        if (run->inputs[0]->dtype == MEXPR_DTYPE_I64)
            ((int64_t *)run->outputs[0]->data)[i] /= p->count;
        else
            ((int32_t *)run->outputs[0]->data)[i] =
                (int32_t)(((int32_t *)run->outputs[0]->data)[i] / p->count);
    }
    return MEXPR_OK;
}

static mexpr_status reduce_l2(const mx_run *run)
{
    const size_t n = (size_t)mx_tensor_count(run->outputs[0]);
    const mexpr_status status = reduce(run, &sums_of_squares);
    if (status != MEXPR_OK || is_copy(run) || n == 0)
        return status;
    if (is_float(run))
        run->machine->nn.sqrt(n, run->outputs[0]->data, run->outputs[0]->data);
    else
        finish_ints(run, sqrt);
    return MEXPR_OK;
}

static mexpr_status reduce_log_sum(const mx_run *run)
{
    const int64_t n = mx_tensor_count(run->outputs[0]);
    float *out = run->outputs[0]->data;
    const mexpr_status status = reduce(run, &sums);
    if (status != MEXPR_OK || is_copy(run))
        return status;
    for (int64_t i = 0; is_float(run) && i < n; i++)
        out[i] = logf(out[i]);
    if (!is_float(run))
        finish_ints(run, log);
    return MEXPR_OK;
}

/* --- LogSumExp --------------------------------------------------------------------- */

static mexpr_status infer_log_sum_exp(mx_infer *infer)
{
    const mexpr_status status = infer_reduce(infer);
    const mx_tensor *in = infer->inputs[0];
    const mx_tensor *out = infer->outputs[0];
    size_t n = 1;
    if (status != MEXPR_OK || !mx_tensor_has_shape(out) || !mx_tensor_has_shape(in))
        return status;
    for (int i = 0; i < out->rank; i++) {
        if (!mx_mul_size(n, (size_t)out->dims[i], &n))
            return mx_fail(infer->scope, MEXPR_E_LIMIT, "its result is too large");
    }
    if (!mx_mul_size(n, 2 * sizeof(double), &infer->workspace))
        return mx_fail(infer->scope, MEXPR_E_LIMIT, "its result is too large");
    return MEXPR_OK;
}

static double number_at(const mx_tensor *t, int64_t i)
{
    return t->dtype == MEXPR_DTYPE_F32   ? (double)((const float *)t->data)[i]
           : t->dtype == MEXPR_DTYPE_I32 ? (double)((const int32_t *)t->data)[i]
                                         : (double)((const int64_t *)t->data)[i];
}

/* max + log(sum of exp(x - max)): nothing overflows. */
static mexpr_status reduce_log_sum_exp(const mx_run *run)
{
    const int64_t n = mx_tensor_count(run->outputs[0]);
    double *max = run->workspace, *sum = max + n;
    mx_walk walk;
    if (is_copy(run))
        return reduce(run, &sums);
    for (int64_t i = 0; i < n; i++) {
        max[i] = -INFINITY;
        sum[i] = 0;
    }
    for (int pass = 0; pass < 2; pass++) {
        walk_input(run, &walk);
        const int last = walk.rank - 1;
        if (mx_walk_is_empty(&walk))
            break;
        do {
            for (int64_t i = 0; i < walk.dims[last]; i++) {
                const int64_t at = walk.offset[0] + i * walk.strides[0][last];
                const double x = number_at(run->inputs[0], walk.offset[1] + i);
                if (pass == 0)
                    max[at] = x > max[at] || x != x ? x : max[at];
                else
                    sum[at] += exp(x - (isinf(max[at]) ? 0 : max[at]));
            }
        } while (mx_walk_next(&walk));
    }
    for (int64_t i = 0; i < n; i++) {
        const double y = log(sum[i]) + (isinf(max[i]) ? 0 : max[i]);
        if (is_float(run))
            ((float *)run->outputs[0]->data)[i] = (float)y;
        else if (run->inputs[0]->dtype == MEXPR_DTYPE_I64)
            ((int64_t *)run->outputs[0]->data)[i] = whole(y);
        else
            ((int32_t *)run->outputs[0]->data)[i] = whole_i32(y);
    }
    return MEXPR_OK;
}

#define REDUCE(op, type_set, infer_fn, forward_fn)                                       \
    {                                                                                    \
        .name = op, .domain = "", .since = 1, .min_inputs = 1, .max_inputs = 2,          \
        .min_outputs = 1, .max_outputs = 1, .types = type_set,                           \
        .other_inputs = MX_INPUT_BIT(1), .value_inputs = MX_INPUT_BIT(1),                \
        .attributes = "axes:I keepdims:i noop_with_empty_axes:i",                        \
        .params_size = sizeof(reduce_params), .infer = infer_fn, .forward = forward_fn   \
    }

enum { REAL = MX_T_F32 | MX_T_INTS };

const mx_operator mx_operators_reduce[] = {
    REDUCE("ReduceL1", REAL, infer_reduce, reduce_l1),
    REDUCE("ReduceL2", REAL, infer_reduce, reduce_l2),
    REDUCE("ReduceLogSum", REAL, infer_reduce, reduce_log_sum),
    REDUCE("ReduceLogSumExp", REAL, infer_log_sum_exp, reduce_log_sum_exp),
    REDUCE("ReduceMax", MX_T_ALL, infer_reduce, reduce_max),
    REDUCE("ReduceMean", REAL, infer_reduce, reduce_mean),
    REDUCE("ReduceMin", MX_T_ALL, infer_reduce, reduce_min),
    REDUCE("ReduceProd", REAL, infer_reduce, reduce_prod),
    REDUCE("ReduceSum", REAL, infer_reduce, reduce_sum),
    REDUCE("ReduceSumSquare", REAL, infer_reduce, reduce_sum_square),
    {.name = NULL},
};
