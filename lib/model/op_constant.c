/* SPDX-License-Identifier: MIT */
/* Tensors out of nothing, and changes of type. */
#include <math.h>
#include <string.h>

#include "model/op_tables.h"

/* --- Constant ---------------------------------------------------------------------- */

static mexpr_status infer_constant(mx_infer *infer)
{
    const mx_node *node = infer->node;
    if (node->n_attributes != 1)
        return mx_fail(infer->scope, MEXPR_E_MODEL, "it must have exactly one value");
    const mx_attribute *a = &node->attributes[0];
    const bool is_float = a->kind == MX_ATTRIBUTE_FLOAT || a->kind == MX_ATTRIBUTE_FLOATS;
    const bool is_list = a->kind == MX_ATTRIBUTE_FLOATS || a->kind == MX_ATTRIBUTE_INTS;
    const int64_t n = (int64_t)a->n;
    if (a->kind == MX_ATTRIBUTE_TENSOR) {
        infer->outputs[0]->dtype = a->t.dtype;
        mx_infer_shape(infer, 0, a->t.rank, a->t.dims);
        return MEXPR_OK;
    }
    infer->outputs[0]->dtype = is_float ? MEXPR_DTYPE_F32 : MEXPR_DTYPE_I64;
    mx_infer_shape(infer, 0, is_list, &n);
    return MEXPR_OK;
}

static mexpr_status constant(const mx_run *run)
{
    const mx_attribute *a = &run->node->attributes[0];
    const void *from = a->kind == MX_ATTRIBUTE_TENSOR   ? a->t.data
                       : a->kind == MX_ATTRIBUTE_FLOAT  ? (const void *)&a->f
                       : a->kind == MX_ATTRIBUTE_INT    ? (const void *)&a->i
                       : a->kind == MX_ATTRIBUTE_FLOATS ? (const void *)a->floats
                                                        : (const void *)a->ints;
    memcpy(run->outputs[0]->data, from, mx_tensor_bytes(run->outputs[0]));
    return MEXPR_OK;
}

/* --- ConstantOfShape --------------------------------------------------------------- */

static mexpr_status infer_constant_of_shape(mx_infer *infer)
{
    const mx_attribute *a = mx_attr(infer->node, "value");
    int64_t dims[MEXPR_MAX_RANK];
    int rank;
    infer->outputs[0]->dtype = a ? a->t.dtype : MEXPR_DTYPE_F32;
    if (a && mx_tensor_count(&a->t) != 1)
        return mx_fail(infer->scope, MEXPR_E_SHAPE, "its value must be one number");
    if (!infer->inputs[0]->data)
        return MEXPR_OK;
    const mexpr_status status = mx_infer_ints(infer, 0, dims, MEXPR_MAX_RANK, &rank);
    for (int i = 0; status == MEXPR_OK && i < rank; i++) {
        if (dims[i] < 0)
            return mx_fail(infer->scope, MEXPR_E_SHAPE,
                "a dimension of %lld is not possible", (long long)dims[i]);
    }
    if (status == MEXPR_OK)
        mx_infer_shape(infer, 0, rank, dims);
    return status;
}

static mexpr_status constant_of_shape(const mx_run *run)
{
    const mx_attribute *a = mx_attr(run->node, "value");
    const mx_tensor *out = run->outputs[0];
    const size_t size = mexpr_dtype_bytes((mexpr_dtype)out->dtype);
    const size_t n = (size_t)mx_tensor_count(out);
    uint8_t *to = out->data;
    if (!a)
        memset(to, 0, n * size);
    for (size_t i = 0; a && i < n; i++)
        memcpy(to + i * size, a->t.data, size);
    return MEXPR_OK;
}

/* --- Range ------------------------------------------------------------------------- */

/* ceil((limit - start) / delta) elements. */
static int64_t int_range(int64_t start, int64_t limit, int64_t delta)
{
    if (delta > 0)
        return limit > start
                   ? (int64_t)(((uint64_t)limit - (uint64_t)start - 1) / (uint64_t)delta +
                               1)
                   : 0;
    return limit < start ? (int64_t)(((uint64_t)start - (uint64_t)limit - 1) /
                                         ((uint64_t)0 - (uint64_t)delta) +
                                     1)
                         : 0;
}

static int64_t int_of(const mx_tensor *t)
{
    return t->dtype == MEXPR_DTYPE_I64 ? *(const int64_t *)t->data
                                       : *(const int32_t *)t->data;
}

static mexpr_status infer_range(mx_infer *infer)
{
    const mx_tensor *const *in = infer->inputs;
    bool known = true;
    for (int k = 0; k < 3; k++) {
        const int64_t count = mx_dims_product(in[k]->dims, 0, in[k]->rank);
        if (count >= 0 && count != 1)
            return mx_fail(
                infer->scope, MEXPR_E_SHAPE, "its inputs must be single numbers");
        known = known && in[k]->data;
    }
    int64_t n = -1;
    if (known && in[0]->dtype == MEXPR_DTYPE_F32) {
        const double start = (double)*(const float *)in[0]->data;
        const double limit = (double)*(const float *)in[1]->data;
        const double delta = (double)*(const float *)in[2]->data;
        const double count = ceil((limit - start) / delta);
        if (!(count < 1e15))
            return mx_fail(infer->scope, MEXPR_E_SHAPE, "its range has no end");
        n = count > 0 ? (int64_t)count : 0;
    } else if (known) {
        if (int_of(in[2]) == 0)
            return mx_fail(infer->scope, MEXPR_E_SHAPE, "its range has no end");
        n = int_range(int_of(in[0]), int_of(in[1]), int_of(in[2]));
        if (n < 0)
            return mx_fail(infer->scope, MEXPR_E_SHAPE, "its range is too long");
    }
    mx_infer_shape(infer, 0, 1, &n);
    return MEXPR_OK;
}

static mexpr_status range(const mx_run *run)
{
    const mx_tensor *const *in = run->inputs;
    const mx_tensor *out = run->outputs[0];
    const int64_t n = out->dims[0];
    for (int64_t i = 0; i < n; i++) {
        if (out->dtype == MEXPR_DTYPE_F32)
            ((float *)out->data)[i] =
                *(const float *)in[0]->data + (float)i * *(const float *)in[2]->data;
        else if (out->dtype == MEXPR_DTYPE_I32)
            ((int32_t *)out->data)[i] = (int32_t)(int_of(in[0]) + i * int_of(in[2]));
        else
            ((int64_t *)out->data)[i] = (int64_t)((uint64_t)int_of(in[0]) +
                                                  (uint64_t)i * (uint64_t)int_of(in[2]));
    }
    return MEXPR_OK;
}

/* --- Cast -------------------------------------------------------------------------- */

/* ONNX's numbers of the types that become float32 here. */
enum { ONNX_FLOAT16 = 10, ONNX_DOUBLE = 11, ONNX_BFLOAT16 = 16 };

typedef struct cast_params {
    int64_t to;
} cast_params;

static mexpr_status infer_cast(mx_infer *infer)
{
    cast_params *p = infer->params;
    p->to = mx_attr_int(infer->node, "to", 0);
    const bool is_float =
        p->to == ONNX_FLOAT16 || p->to == ONNX_DOUBLE || p->to == ONNX_BFLOAT16;
    const bool fits = p->to > 0 && p->to <= ONNX_BFLOAT16 &&
                      (is_float || mexpr_dtype_bytes((mexpr_dtype)p->to) > 0);
    if (!fits)
        return mx_fail(infer->scope, MEXPR_E_TYPE,
            "it casts to the element type %lld, which is not supported",
            (long long)p->to);
    infer->outputs[0]->dtype = is_float ? MEXPR_DTYPE_F32 : (int32_t)p->to;
    return mx_infer_same(infer);
}

static mexpr_status infer_cast_like(mx_infer *infer)
{
    cast_params *p = infer->params;
    p->to = infer->inputs[1]->dtype;
    infer->outputs[0]->dtype = (int32_t)p->to;
    return mx_infer_same(infer);
}

/* What does not fit becomes the nearest number that does; NaN becomes 0. */
static int64_t int_from_float(float x, int64_t low, int64_t high)
{
    if (x != x)
        return 0;
    if (x <= (float)low)
        return low;
    return x >= (float)high ? high : (int64_t)x;
}

#define FLOAT_TO(type, low, high) (type) int_from_float(x, low, high)
#define EACH(from_type, to_type, expression)                                             \
    do {                                                                                 \
        const from_type *in = run->inputs[0]->data;                                      \
        to_type *out = run->outputs[0]->data;                                            \
        for (int64_t i = 0; i < n; i++) {                                                \
            const from_type x = in[i];                                                   \
            out[i] = (to_type)(expression);                                              \
        }                                                                                \
    } while (0)
#define CAST_FROM(name, type, to_u8, to_i32, to_i64)                                     \
    static void name(const mx_run *run, int64_t n)                                       \
    {                                                                                    \
        switch (run->outputs[0]->dtype) {                                                \
        case MEXPR_DTYPE_F32:                                                            \
            EACH(type, float, x);                                                        \
            break;                                                                       \
        case MEXPR_DTYPE_U8:                                                             \
            EACH(type, uint8_t, to_u8);                                                  \
            break;                                                                       \
        case MEXPR_DTYPE_I32:                                                            \
            EACH(type, int32_t, to_i32);                                                 \
            break;                                                                       \
        case MEXPR_DTYPE_I64:                                                            \
            EACH(type, int64_t, to_i64);                                                 \
            break;                                                                       \
        default:                                                                         \
            EACH(type, uint8_t, x != 0);                                                 \
        }                                                                                \
    }

CAST_FROM(cast_f32, float, FLOAT_TO(uint8_t, 0, UINT8_MAX),
    FLOAT_TO(int32_t, INT32_MIN, INT32_MAX), FLOAT_TO(int64_t, INT64_MIN, INT64_MAX))
CAST_FROM(cast_u8, uint8_t, x, x, x)
CAST_FROM(cast_i32, int32_t, x, x, x)
CAST_FROM(cast_i64, int64_t, x, x, x)

/* To the precision of a shorter type. */
static void round_to(const cast_params *p, float *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        x[i] = p->to == ONNX_FLOAT16 ? mx_f32_from_f16(mx_f16_from_f32(x[i]))
                                     : mx_f32_from_bf16(mx_bf16_from_f32(x[i]));
}

static mexpr_status cast(const mx_run *run)
{
    const cast_params *p = run->params;
    const int64_t n = mx_tensor_count(run->inputs[0]);
    switch (run->inputs[0]->dtype) {
    case MEXPR_DTYPE_F32:
        cast_f32(run, n);
        break;
    case MEXPR_DTYPE_I32:
        cast_i32(run, n);
        break;
    case MEXPR_DTYPE_I64:
        cast_i64(run, n);
        break;
    default:
        cast_u8(run, n);
    }
    if (p->to == ONNX_FLOAT16 || p->to == ONNX_BFLOAT16)
        round_to(p, run->outputs[0]->data, n);
    return MEXPR_OK;
}

const mx_operator mx_operators_constant[] = {
    {.name = "Cast",
        .domain = "",
        .since = 6,
        .min_inputs = 1,
        .max_inputs = 1,
        .min_outputs = 1,
        .max_outputs = 1,
        .types = MX_T_ALL,
        .attributes = "saturate:i to:i",
        .params_size = sizeof(cast_params),
        .infer = infer_cast,
        .forward = cast,
        .note = "float16 and bfloat16 round, and stay float32 like float64"},
    {.name = "CastLike",
        .domain = "",
        .since = 15,
        .min_inputs = 2,
        .max_inputs = 2,
        .min_outputs = 1,
        .max_outputs = 1,
        .types = MX_T_ALL,
        .other_inputs = MX_INPUT_BIT(1),
        .attributes = "saturate:i",
        .params_size = sizeof(cast_params),
        .infer = infer_cast_like,
        .forward = cast},
    {.name = "Constant",
        .domain = "",
        .since = 1,
        .min_inputs = 0,
        .max_inputs = 0,
        .min_outputs = 1,
        .max_outputs = 1,
        .types = MX_T_ALL,
        .attributes = "value:t value_float:f value_floats:F value_int:i value_ints:I",
        .infer = infer_constant,
        .forward = constant},
    {.name = "ConstantOfShape",
        .domain = "",
        .since = 9,
        .min_inputs = 1,
        .max_inputs = 1,
        .min_outputs = 1,
        .max_outputs = 1,
        .types = MX_T_INTS,
        .value_inputs = MX_INPUT_BIT(0),
        .attributes = "value:t",
        .infer = infer_constant_of_shape,
        .forward = constant_of_shape},
    {.name = "Range",
        .domain = "",
        .since = 11,
        .min_inputs = 3,
        .max_inputs = 3,
        .min_outputs = 1,
        .max_outputs = 1,
        .types = MX_T_F32 | MX_T_INTS,
        .value_inputs = 7,
        .attributes = "",
        .infer = infer_range,
        .forward = range},
    {.name = NULL},
};
