/* SPDX-License-Identifier: MIT */
/* Comparisons, truth values, and choosing by them. */
#include <string.h>

#include "model/op_tables.h"

static mexpr_status infer_truth(mx_infer *infer)
{
    infer->outputs[0]->dtype = MEXPR_DTYPE_BOOL;
    return mx_infer_broadcast(infer);
}

#define ROW(type, expression)                                                            \
    do {                                                                                 \
        const type *a = (const type *)run->inputs[0]->data + walk.offset[1];             \
        const type *b = (const type *)run->inputs[1]->data + walk.offset[2];             \
        for (int64_t i = 0; i < walk.dims[last]; i++) {                                  \
            const type p = a[i * sa], q = b[i * sb];                                     \
            y[i] = (expression);                                                         \
        }                                                                                \
    } while (0)

#define COMPARISON(name, expression)                                                     \
    static mexpr_status name(const mx_run *run)                                          \
    {                                                                                    \
        mx_walk walk;                                                                    \
        mx_walk_broadcast(&walk, run->outputs[0], run->inputs, 2);                       \
        if (mx_walk_is_empty(&walk))                                                     \
            return MEXPR_OK;                                                             \
        const int last = walk.rank - 1;                                                  \
        const int64_t sa = walk.strides[1][last], sb = walk.strides[2][last];            \
        do {                                                                             \
            uint8_t *y = (uint8_t *)run->outputs[0]->data + walk.offset[0];              \
            if (run->inputs[0]->dtype == MEXPR_DTYPE_F32)                                \
                ROW(float, expression);                                                  \
            else if (run->inputs[0]->dtype == MEXPR_DTYPE_I32)                           \
                ROW(int32_t, expression);                                                \
            else if (run->inputs[0]->dtype == MEXPR_DTYPE_I64)                           \
                ROW(int64_t, expression);                                                \
            else                                                                         \
                ROW(uint8_t, expression);                                                \
        } while (mx_walk_next(&walk));                                                   \
        return MEXPR_OK;                                                                 \
    }

COMPARISON(equal, p == q)
COMPARISON(less, p < q)
COMPARISON(less_or_equal, p <= q)
COMPARISON(greater, p > q)
COMPARISON(greater_or_equal, p >= q)
COMPARISON(and_forward, (p != 0) & (q != 0))
COMPARISON(or_forward, (p != 0) | (q != 0))
COMPARISON(xor_forward, (p != 0) ^ (q != 0))

static mexpr_status not_forward(const mx_run *run)
{
    const int64_t n = mx_tensor_count(run->inputs[0]);
    const uint8_t *x = run->inputs[0]->data;
    uint8_t *y = run->outputs[0]->data;
    for (int64_t i = 0; i < n; i++)
        y[i] = !x[i];
    return MEXPR_OK;
}

/* --- Where ------------------------------------------------------------------------- */

static mexpr_status infer_where(mx_infer *infer)
{
    infer->outputs[0]->dtype = infer->inputs[1]->dtype;
    const mexpr_status status = mx_infer_type(infer, 0, MX_T_BOOL);
    return status == MEXPR_OK ? mx_infer_broadcast(infer) : status;
}

static mexpr_status where(const mx_run *run)
{
    const size_t size = mexpr_dtype_bytes((mexpr_dtype)run->outputs[0]->dtype);
    mx_walk walk;
    mx_walk_broadcast(&walk, run->outputs[0], run->inputs, 3);
    if (mx_walk_is_empty(&walk))
        return MEXPR_OK;
    const int last = walk.rank - 1;
    const int64_t sc = walk.strides[1][last];
    const size_t sa = (size_t)walk.strides[2][last], sb = (size_t)walk.strides[3][last];
    do {
        const uint8_t *c = (const uint8_t *)run->inputs[0]->data + walk.offset[1];
        const uint8_t *a =
            (const uint8_t *)run->inputs[1]->data + (size_t)walk.offset[2] * size;
        const uint8_t *b =
            (const uint8_t *)run->inputs[2]->data + (size_t)walk.offset[3] * size;
        uint8_t *y = (uint8_t *)run->outputs[0]->data + (size_t)walk.offset[0] * size;
        for (int64_t i = 0; i < walk.dims[last]; i++) {
            const size_t k = (size_t)i;
            memcpy(y + k * size, c[i * sc] ? a + k * sa * size : b + k * sb * size, size);
        }
    } while (mx_walk_next(&walk));
    return MEXPR_OK;
}

#define COMPARE(op, first, type_set, forward_fn)                                         \
    {                                                                                    \
        .name = op, .domain = "", .since = first, .min_inputs = 2, .max_inputs = 2,      \
        .min_outputs = 1, .max_outputs = 1, .types = type_set, .attributes = "",         \
        .infer = infer_truth, .forward = forward_fn                                      \
    }

const mx_operator mx_operators_logic[] = {
    COMPARE("And", 1, MX_T_BOOL, and_forward),
    COMPARE("Equal", 1, MX_T_ALL, equal),
    COMPARE("Greater", 1, MX_T_NUMBERS, greater),
    COMPARE("GreaterOrEqual", 12, MX_T_NUMBERS, greater_or_equal),
    COMPARE("Less", 1, MX_T_NUMBERS, less),
    COMPARE("LessOrEqual", 12, MX_T_NUMBERS, less_or_equal),
    {.name = "Not",
        .domain = "",
        .since = 1,
        .min_inputs = 1,
        .max_inputs = 1,
        .min_outputs = 1,
        .max_outputs = 1,
        .types = MX_T_BOOL,
        .attributes = "",
        .infer = mx_infer_same,
        .forward = not_forward},
    COMPARE("Or", 1, MX_T_BOOL, or_forward),
    {.name = "Where",
        .domain = "",
        .since = 9,
        .min_inputs = 3,
        .max_inputs = 3,
        .min_outputs = 1,
        .max_outputs = 1,
        .types = MX_T_ALL,
        .other_inputs = MX_INPUT_BIT(0),
        .attributes = "",
        .infer = infer_where,
        .forward = where},
    COMPARE("Xor", 1, MX_T_BOOL, xor_forward),
    {.name = NULL},
};
