/* SPDX-License-Identifier: MIT */
/* Arithmetic of two or more tensors with numpy's broadcasting. */
#include <math.h>
#include <string.h>

#include "model/op_tables.h"

/* A row: y[i] = a[i * sa] op b[i * sb]. Strides are 0 or 1, not both 0 unless n is 1. */
typedef void row_fn(const mx_nn_kernels *nn, int64_t n, const void *a, int64_t sa,
    const void *b, int64_t sb, void *y);

typedef struct rows {
    row_fn *f32, *u8, *i32, *i64;
} rows;

/* float32 through the kernel table: both rows, a number on the left, on the right. */
#define FLOAT_ROW(name, both, left, right)                                               \
    static void name##_f32(const mx_nn_kernels *nn, int64_t n, const void *a,            \
        int64_t sa, const void *b, int64_t sb, void *y)                                  \
    {                                                                                    \
        const float p = *(const float *)a, q = *(const float *)b;                        \
        const size_t m = (size_t)n;                                                      \
        (void)p;                                                                         \
        (void)q;                                                                         \
        if (sa && sb)                                                                    \
            both;                                                                        \
        else if (sb)                                                                     \
            left;                                                                        \
        else                                                                             \
            right;                                                                       \
    }

FLOAT_ROW(
    add, nn->add(m, a, b, y), nn->add_scalar(m, b, p, y), nn->add_scalar(m, a, q, y))
FLOAT_ROW(
    sub, nn->sub(m, a, b, y), nn->rsub_scalar(m, b, p, y), nn->add_scalar(m, a, -q, y))
FLOAT_ROW(
    mul, nn->mul(m, a, b, y), nn->mul_scalar(m, b, p, y), nn->mul_scalar(m, a, q, y))
FLOAT_ROW(
    div, nn->div(m, a, b, y), nn->rdiv_scalar(m, b, p, y), nn->div_scalar(m, a, q, y))
FLOAT_ROW(
    max, nn->max(m, a, b, y), nn->max_scalar(m, b, p, y), nn->max_scalar(m, a, q, y))
FLOAT_ROW(
    min, nn->min(m, a, b, y), nn->min_scalar(m, b, p, y), nn->min_scalar(m, a, q, y))

/* Integers, computed in the unsigned type: they wrap around. */
#define INT_ROW(name, suffix, type, unsigned_type, expression)                           \
    static void name##_##suffix(const mx_nn_kernels *nn, int64_t n, const void *a,       \
        int64_t sa, const void *b, int64_t sb, void *y)                                  \
    {                                                                                    \
        (void)nn;                                                                        \
        for (int64_t i = 0; i < n; i++) {                                                \
            const type p = ((const type *)a)[i * sa], q = ((const type *)b)[i * sb];     \
            const unsigned_type u = (unsigned_type)p, v = (unsigned_type)q;              \
            (void)u;                                                                     \
            (void)v;                                                                     \
            ((type *)y)[i] = (type)(expression);                                         \
        }                                                                                \
    }
#define INT_ROWS(name, expression)                                                       \
    INT_ROW(name, u8, uint8_t, uint32_t, expression)                                     \
    INT_ROW(name, i32, int32_t, uint32_t, expression)                                    \
    INT_ROW(name, i64, int64_t, uint64_t, expression)                                    \
    static const rows name##_rows = {name##_f32, name##_u8, name##_i32, name##_i64};

INT_ROWS(add, u + v)
INT_ROWS(sub, u - v)
INT_ROWS(mul, u *v)
INT_ROWS(max, p > q ? p : q)
INT_ROWS(min, p < q ? p : q)

/* Towards 0; x / 0 is 0, and the smallest number / -1 is itself. */
INT_ROW(div, u8, uint8_t, uint32_t, v == 0 ? 0 : u / v)
INT_ROW(div, i32, int32_t, uint32_t, q == 0 ? 0 : q == -1 ? (int32_t)(0u - u) : p / q)
INT_ROW(div, i64, int64_t, uint64_t,
    q == 0    ? 0
    : q == -1 ? (int64_t)((uint64_t)0 - u)
              : p / q)
static const rows div_rows = {div_f32, div_u8, div_i32, div_i64};

static row_fn *row_of(const rows *r, int32_t dtype)
{
    switch (dtype) {
    case MEXPR_DTYPE_F32:
        return r->f32;
    case MEXPR_DTYPE_U8:
        return r->u8;
    case MEXPR_DTYPE_I32:
        return r->i32;
    default:
        return r->i64;
    }
}

typedef struct combination {
    row_fn *row;
    const mx_tensor *a, *b;
} combination;

static void combine_row(const mx_run *run, const void *arg, const mx_walk *at)
{
    const combination *c = arg;
    const mx_tensor *out = run->outputs[0];
    const int64_t size = (int64_t)mexpr_dtype_bytes((mexpr_dtype)out->dtype);
    const int last = at->rank - 1;
    c->row(&run->machine->nn, at->dims[last],
        (const uint8_t *)c->a->data + at->offset[1] * size, at->strides[1][last],
        (const uint8_t *)c->b->data + at->offset[2] * size, at->strides[2][last],
        (uint8_t *)out->data + at->offset[0] * size);
}

static void combine(
    const mx_run *run, const rows *r, const mx_tensor *a, const mx_tensor *b)
{
    const mx_tensor *const inputs[] = {a, b};
    const combination c = {row_of(r, run->outputs[0]->dtype), a, b};
    mx_walk walk;
    mx_walk_broadcast(&walk, run->outputs[0], inputs, 2);
    if (!mx_walk_is_empty(&walk))
        mx_run_rows(run, &walk, combine_row, &c);
}

/* All inputs, from the left. */
static mexpr_status combine_all(const mx_run *run, const rows *r)
{
    if (run->n_inputs == 1) {
        memcpy(
            run->outputs[0]->data, run->inputs[0]->data, mx_tensor_bytes(run->inputs[0]));
        return MEXPR_OK;
    }
    combine(run, r, run->inputs[0], run->inputs[1]);
    for (int k = 2; k < run->n_inputs; k++)
        combine(run, r, run->outputs[0], run->inputs[k]);
    return MEXPR_OK;
}

#define FORWARD(name)                                                                    \
    static mexpr_status name(const mx_run *run)                                          \
    {                                                                                    \
        return combine_all(run, &name##_rows);                                           \
    }

FORWARD(add)
FORWARD(sub)
FORWARD(mul)
FORWARD(div)
FORWARD(max)
FORWARD(min)

static mexpr_status mean(const mx_run *run)
{
    const size_t n = (size_t)mx_tensor_count(run->outputs[0]);
    combine_all(run, &add_rows);
    if (n > 0)
        run->machine->nn.div_scalar(
            n, run->outputs[0]->data, (float)run->n_inputs, run->outputs[0]->data);
    return MEXPR_OK;
}

/* --- Pow --------------------------------------------------------------------------- */

static double number_at(const mx_tensor *t, int64_t i)
{
    switch (t->dtype) {
    case MEXPR_DTYPE_F32:
        return (double)((const float *)t->data)[i];
    case MEXPR_DTYPE_U8:
        return ((const uint8_t *)t->data)[i];
    case MEXPR_DTYPE_I32:
        return ((const int32_t *)t->data)[i];
    default:
        return (double)((const int64_t *)t->data)[i];
    }
}

/* By squaring, wrapping around; a negative exponent gives the integer part of 1 / b^e. */
static int64_t int_power(int64_t base, int64_t exponent)
{
    if (exponent < 0)
        return base == 1 || (base == -1 && exponent % 2 == 0) ? 1 : base == -1 ? -1 : 0;
    uint64_t result = 1;
    for (uint64_t b = (uint64_t)base; exponent > 0; exponent >>= 1, b *= b) {
        if (exponent & 1)
            result *= b;
    }
    return (int64_t)result;
}

static int64_t saturated(double x)
{
    if (!(x > -9.2e18))
        return x < 0 ? INT64_MIN : 0; /* NaN gives 0 */
    return x < 9.2e18 ? (int64_t)x : INT64_MAX;
}

static int64_t int_at(const mx_tensor *t, int64_t i)
{
    return t->dtype == MEXPR_DTYPE_I64 ? ((const int64_t *)t->data)[i]
                                       : (int64_t)number_at(t, i);
}

static void power_one(const mx_tensor *a, int64_t i, const mx_tensor *b, int64_t j,
    mx_tensor *out, int64_t k)
{
    if (a->dtype == MEXPR_DTYPE_F32) {
        const float x = ((const float *)a->data)[i];
        const float e = (float)number_at(b, j);
        ((float *)out->data)[k] = e == 2 ? x * x : e == 0.5f ? sqrtf(x) : powf(x, e);
        return;
    }
    const int64_t power = b->dtype == MEXPR_DTYPE_F32
                              ? saturated(pow(number_at(a, i), number_at(b, j)))
                              : int_power(int_at(a, i), int_at(b, j));
    if (a->dtype == MEXPR_DTYPE_I64)
        ((int64_t *)out->data)[k] = power;
    else
        ((int32_t *)out->data)[k] = (int32_t)(uint32_t)(uint64_t)power;
}

static mexpr_status infer_pow(mx_infer *infer)
{
    const mexpr_status status = mx_infer_type(infer, 1, MX_T_NUMBERS);
    return status == MEXPR_OK ? mx_infer_broadcast(infer) : status;
}

/* A row of floats to one of the usual powers; false: it is another. */
static bool usual_power(const mx_run *run, const mx_walk *at)
{
    const mx_nn_kernels *nn = &run->machine->nn;
    const int last = at->rank - 1;
    const size_t n = (size_t)at->dims[last];
    const float *x = (const float *)run->inputs[0]->data + at->offset[1];
    float *y = (float *)run->outputs[0]->data + at->offset[0];
    if (run->inputs[0]->dtype != MEXPR_DTYPE_F32 || at->strides[1][last] != 1 ||
        (at->strides[2][last] != 0 && n > 1))
        return false;
    const double e = number_at(run->inputs[1], at->offset[2]);
    if (e == 0.5) {
        nn->sqrt(n, x, y);
        return true;
    }
    if (e != 2 && e != 3)
        return false;
    nn->mul(n, x, x, y);
    if (e == 3)
        nn->mul(n, y, x, y);
    return true;
}

static void power_row(const mx_run *run, const void *arg, const mx_walk *at)
{
    const int last = at->rank - 1;
    (void)arg;
    if (usual_power(run, at))
        return;
    for (int64_t i = 0; i < at->dims[last]; i++)
        power_one(run->inputs[0], at->offset[1] + i * at->strides[1][last],
            run->inputs[1], at->offset[2] + i * at->strides[2][last], run->outputs[0],
            at->offset[0] + i);
}

static mexpr_status for_rows(const mx_run *run, mx_row_fn *row)
{
    mx_walk walk;
    mx_walk_broadcast(&walk, run->outputs[0], run->inputs, 2);
    if (!mx_walk_is_empty(&walk))
        mx_run_rows(run, &walk, row, NULL);
    return MEXPR_OK;
}

static mexpr_status power(const mx_run *run)
{
    return for_rows(run, power_row);
}

/* --- PRelu ------------------------------------------------------------------------- */

/* The slope is broadcast to the input, not the other way round. An open extent may turn
 * out to be 1. */
static mexpr_status infer_prelu(mx_infer *infer)
{
    const mx_tensor *in = infer->inputs[0], *slope = infer->inputs[1];
    const int shift = in->rank - slope->rank;
    if (shift < 0)
        return mx_fail(
            infer->scope, MEXPR_E_SHAPE, "its slope has more dimensions than its input");
    for (int i = shift; i < in->rank; i++) {
        if (in->dims[i] == 1 && slope->dims[i - shift] > 1)
            return mx_fail(
                infer->scope, MEXPR_E_SHAPE, "its slope is larger than its input");
    }
    const mexpr_status status = mx_infer_broadcast(infer);
    for (int i = 0; status == MEXPR_OK && i < in->rank; i++) {
        if (in->dims[i] == 1)
            infer->outputs[0]->dims[i] = 1;
    }
    return status;
}

/* Integers, computed in the unsigned type: they wrap around. */
#define PRELU_ROW(type, unsigned_type)                                                   \
    do {                                                                                 \
        const type *x = (const type *)run->inputs[0]->data + walk->offset[1];            \
        const type *slope = (const type *)run->inputs[1]->data + walk->offset[2];        \
        type *y = (type *)run->outputs[0]->data + walk->offset[0];                       \
        for (int64_t i = 0; i < walk->dims[last]; i++)                                   \
            y[i] = x[i] < 0                                                              \
                       ? (type)((unsigned_type)x[i] * (unsigned_type)slope[i * stride])  \
                       : x[i];                                                           \
    } while (0)

static void prelu_row(const mx_run *run, const void *arg, const mx_walk *walk)
{
    (void)arg;
    const int last = walk->rank - 1;
    const int64_t stride = walk->strides[2][last];
    if (run->inputs[0]->dtype == MEXPR_DTYPE_F32 && stride == 0)
        run->machine->nn.leaky_relu((size_t)walk->dims[last],
            (const float *)run->inputs[0]->data + walk->offset[1],
            ((const float *)run->inputs[1]->data)[walk->offset[2]],
            (float *)run->outputs[0]->data + walk->offset[0]);
    else if (run->inputs[0]->dtype == MEXPR_DTYPE_F32)
        PRELU_ROW(float, float);
    else if (run->inputs[0]->dtype == MEXPR_DTYPE_I32)
        PRELU_ROW(int32_t, uint32_t);
    else
        PRELU_ROW(int64_t, uint64_t);
}

static mexpr_status prelu(const mx_run *run)
{
    return for_rows(run, prelu_row);
}

#define BINARY(op, type_set, forward_fn)                                                 \
    {                                                                                    \
        .name = op, .domain = "", .since = 1, .min_inputs = 2, .max_inputs = 2,          \
        .min_outputs = 1, .max_outputs = 1, .types = type_set, .attributes = "",         \
        .flags = MX_OP_PARTS, .infer = mx_infer_broadcast, .forward = forward_fn         \
    }
#define MANY(op, type_set, forward_fn)                                                   \
    {                                                                                    \
        .name = op, .domain = "", .since = 1, .min_inputs = 1, .max_inputs = 1,          \
        .min_outputs = 1, .max_outputs = 1, .types = type_set, .attributes = "",         \
        .flags = MX_OP_VARIADIC | MX_OP_PARTS, .infer = mx_infer_broadcast,              \
        .forward = forward_fn                                                            \
    }

const mx_operator mx_operators_elementwise[] = {
    BINARY("Add", MX_T_NUMBERS, add),
    BINARY("Div", MX_T_NUMBERS, div),
    MANY("Max", MX_T_NUMBERS, max),
    MANY("Mean", MX_T_F32, mean),
    MANY("Min", MX_T_NUMBERS, min),
    BINARY("Mul", MX_T_NUMBERS, mul),
    {.name = "PRelu",
        .domain = "",
        .since = 1,
        .min_inputs = 2,
        .max_inputs = 2,
        .min_outputs = 1,
        .max_outputs = 1,
        .types = MX_T_F32 | MX_T_INTS,
        .flags = MX_OP_PARTS,
        .attributes = "",
        .infer = infer_prelu,
        .forward = prelu},
    {.name = "Pow",
        .domain = "",
        .since = 1,
        .min_inputs = 2,
        .max_inputs = 2,
        .min_outputs = 1,
        .max_outputs = 1,
        .types = MX_T_F32 | MX_T_INTS,
        .other_inputs = MX_INPUT_BIT(1),
        .flags = MX_OP_PARTS,
        .attributes = "",
        .infer = infer_pow,
        .forward = power},
    BINARY("Sub", MX_T_NUMBERS, sub),
    MANY("Sum", MX_T_F32, add),
    {.name = NULL},
};
