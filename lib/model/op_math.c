/* SPDX-License-Identifier: MIT */
/* Functions of one number from libm, tests of numbers, remainders and bits. */
#include <math.h>
#include <string.h>

#include "model/op_tables.h"

/* --- one number in, one out -------------------------------------------------------- */

#define FUNCTION(name)                                                                   \
    static mexpr_status name##_forward(const mx_run *run)                                \
    {                                                                                    \
        const int64_t n = mx_tensor_count(run->inputs[0]);                               \
        const float *x = run->inputs[0]->data;                                           \
        float *y = run->outputs[0]->data;                                                \
        for (int64_t i = 0; i < n; i++)                                                  \
            y[i] = name##f(x[i]);                                                        \
        return MEXPR_OK;                                                                 \
    }

FUNCTION(acos)
FUNCTION(acosh)
FUNCTION(asin)
FUNCTION(asinh)
FUNCTION(atan)
FUNCTION(atanh)
FUNCTION(cosh)
FUNCTION(sinh)
FUNCTION(tan)

static mexpr_status infer_test(mx_infer *infer)
{
    infer->outputs[0]->dtype = MEXPR_DTYPE_BOOL;
    return mx_infer_same(infer);
}

static mexpr_status is_nan(const mx_run *run)
{
    const int64_t n = mx_tensor_count(run->inputs[0]);
    const float *x = run->inputs[0]->data;
    uint8_t *y = run->outputs[0]->data;
    for (int64_t i = 0; i < n; i++)
        y[i] = x[i] != x[i];
    return MEXPR_OK;
}

static mexpr_status is_inf(const mx_run *run)
{
    const int64_t n = mx_tensor_count(run->inputs[0]);
    const bool negative = mx_attr_int(run->node, "detect_negative", 1) != 0;
    const bool positive = mx_attr_int(run->node, "detect_positive", 1) != 0;
    const float *x = run->inputs[0]->data;
    uint8_t *y = run->outputs[0]->data;
    for (int64_t i = 0; i < n; i++)
        y[i] = (positive && x[i] == INFINITY) || (negative && x[i] == -INFINITY);
    return MEXPR_OK;
}

/* --- two integers in, one out ------------------------------------------------------ */

/* Python's remainder, with the divisor's sign, or C's, with the dividend's. As for Div,
 * what has no answer gives 0: x mod 0. */
static int64_t remainder_of(int64_t p, int64_t q, bool as_c)
{
    if (q == 0 || q == -1)
        return 0;
    const int64_t r = p % q;
    return as_c || r == 0 || (r < 0) == (q < 0) ? r : r + q;
}

typedef struct bit_params {
    bool fmod; /* of Mod */
    bool left; /* of BitShift */
} bit_params;

#define BIT_ROW(type, unsigned_type, expression)                                         \
    do {                                                                                 \
        const type *a = (const type *)run->inputs[0]->data + walk.offset[1];             \
        const type *b = (const type *)run->inputs[1]->data + walk.offset[2];             \
        type *y = (type *)run->outputs[0]->data + walk.offset[0];                        \
        for (int64_t i = 0; i < walk.dims[last]; i++) {                                  \
            const unsigned_type p = (unsigned_type)a[i * sa];                            \
            const unsigned_type q = (unsigned_type)b[i * sb];                            \
            y[i] = (type)(expression);                                                   \
        }                                                                                \
    } while (0)

#define BIT_OPERATION(name, expression)                                                  \
    static mexpr_status name(const mx_run *run)                                          \
    {                                                                                    \
        mx_walk walk;                                                                    \
        mx_walk_broadcast(&walk, run->outputs[0], run->inputs, 2);                       \
        if (mx_walk_is_empty(&walk))                                                     \
            return MEXPR_OK;                                                             \
        const int last = walk.rank - 1;                                                  \
        const int64_t sa = walk.strides[1][last], sb = walk.strides[2][last];            \
        do {                                                                             \
            if (run->inputs[0]->dtype == MEXPR_DTYPE_U8)                                 \
                BIT_ROW(uint8_t, uint8_t, expression);                                   \
            else if (run->inputs[0]->dtype == MEXPR_DTYPE_I32)                           \
                BIT_ROW(int32_t, uint32_t, expression);                                  \
            else                                                                         \
                BIT_ROW(int64_t, uint64_t, expression);                                  \
        } while (mx_walk_next(&walk));                                                   \
        return MEXPR_OK;                                                                 \
    }

BIT_OPERATION(bitwise_and, p &q)
BIT_OPERATION(bitwise_or, p | q)
BIT_OPERATION(bitwise_xor, p ^ q)

static mexpr_status bitwise_not(const mx_run *run)
{
    const size_t n = mx_tensor_bytes(run->inputs[0]);
    const uint8_t *x = run->inputs[0]->data;
    uint8_t *y = run->outputs[0]->data;
    for (size_t i = 0; i < n; i++)
        y[i] = (uint8_t)~x[i];
    return MEXPR_OK;
}

static mexpr_status infer_shift(mx_infer *infer)
{
    bit_params *p = infer->params;
    const char *direction = mx_attr_string(infer->node, "direction", "");
    p->left = strcmp(direction, "LEFT") == 0;
    if (!p->left && strcmp(direction, "RIGHT") != 0)
        return mx_fail(infer->scope, MEXPR_E_MODEL,
            "its direction must be LEFT or RIGHT, not '%.40s'", direction);
    return mx_infer_broadcast(infer);
}

/* All bits are gone after 8. */
static mexpr_status shift(const mx_run *run)
{
    const bool left = ((const bit_params *)run->params)->left;
    mx_walk walk;
    mx_walk_broadcast(&walk, run->outputs[0], run->inputs, 2);
    if (mx_walk_is_empty(&walk))
        return MEXPR_OK;
    const int last = walk.rank - 1;
    const int64_t sa = walk.strides[1][last], sb = walk.strides[2][last];
    do {
        BIT_ROW(uint8_t, unsigned, q > 7 ? 0 : left ? p << q : p >> q);
    } while (mx_walk_next(&walk));
    return MEXPR_OK;
}

static mexpr_status infer_mod(mx_infer *infer)
{
    bit_params *p = infer->params;
    p->fmod = mx_attr_int(infer->node, "fmod", 0) != 0;
    if (!p->fmod && infer->inputs[0]->dtype == MEXPR_DTYPE_F32)
        return mx_fail(infer->scope, MEXPR_E_MODEL,
            "the attribute fmod must be 1 for floating-point numbers");
    return mx_infer_broadcast(infer);
}

#define MOD_ROW(type, expression)                                                        \
    do {                                                                                 \
        const type *a = (const type *)run->inputs[0]->data + walk.offset[1];             \
        const type *b = (const type *)run->inputs[1]->data + walk.offset[2];             \
        type *y = (type *)run->outputs[0]->data + walk.offset[0];                        \
        for (int64_t i = 0; i < walk.dims[last]; i++) {                                  \
            const type p = a[i * sa], q = b[i * sb];                                     \
            y[i] = (type)(expression);                                                   \
        }                                                                                \
    } while (0)

static mexpr_status mod(const mx_run *run)
{
    const bool as_c = ((const bit_params *)run->params)->fmod;
    mx_walk walk;
    mx_walk_broadcast(&walk, run->outputs[0], run->inputs, 2);
    if (mx_walk_is_empty(&walk))
        return MEXPR_OK;
    const int last = walk.rank - 1;
    const int64_t sa = walk.strides[1][last], sb = walk.strides[2][last];
    do {
        if (run->inputs[0]->dtype == MEXPR_DTYPE_F32)
            MOD_ROW(float, fmodf(p, q));
        else if (run->inputs[0]->dtype == MEXPR_DTYPE_U8)
            MOD_ROW(uint8_t, q == 0 ? 0 : p % q);
        else if (run->inputs[0]->dtype == MEXPR_DTYPE_I32)
            MOD_ROW(int32_t, remainder_of(p, q, as_c));
        else
            MOD_ROW(int64_t, remainder_of(p, q, as_c));
    } while (mx_walk_next(&walk));
    return MEXPR_OK;
}

#define UNARY(op, first, type_set, attribute_list, infer_fn, forward_fn)                 \
    {                                                                                    \
        .name = op, .domain = "", .since = first, .min_inputs = 1, .max_inputs = 1,      \
        .min_outputs = 1, .max_outputs = 1, .types = type_set,                           \
        .attributes = attribute_list, .infer = infer_fn, .forward = forward_fn           \
    }
#define FLOAT(op, forward_fn) UNARY(op, 7, MX_T_F32, "", mx_infer_same, forward_fn)
#define BINARY(op, first, type_set, attribute_list, infer_fn, forward_fn)                \
    {                                                                                    \
        .name = op, .domain = "", .since = first, .min_inputs = 2, .max_inputs = 2,      \
        .min_outputs = 1, .max_outputs = 1, .types = type_set,                           \
        .attributes = attribute_list, .params_size = sizeof(bit_params),                 \
        .infer = infer_fn, .forward = forward_fn                                         \
    }

enum { BITS = MX_T_U8 | MX_T_INTS };

const mx_operator mx_operators_math[] = {
    FLOAT("Acos", acos_forward),
    FLOAT("Acosh", acosh_forward),
    FLOAT("Asin", asin_forward),
    FLOAT("Asinh", asinh_forward),
    FLOAT("Atan", atan_forward),
    FLOAT("Atanh", atanh_forward),
    BINARY("BitShift", 11, MX_T_U8, "direction:s", infer_shift, shift),
    BINARY("BitwiseAnd", 18, BITS, "", mx_infer_broadcast, bitwise_and),
    UNARY("BitwiseNot", 18, BITS, "", mx_infer_same, bitwise_not),
    BINARY("BitwiseOr", 18, BITS, "", mx_infer_broadcast, bitwise_or),
    BINARY("BitwiseXor", 18, BITS, "", mx_infer_broadcast, bitwise_xor),
    FLOAT("Cosh", cosh_forward),
    UNARY(
        "IsInf", 10, MX_T_F32, "detect_negative:i detect_positive:i", infer_test, is_inf),
    UNARY("IsNaN", 9, MX_T_F32, "", infer_test, is_nan),
    BINARY("Mod", 10, MX_T_NUMBERS, "fmod:i", infer_mod, mod),
    FLOAT("Sinh", sinh_forward),
    FLOAT("Tan", tan_forward),
    {.name = NULL},
};
