/* SPDX-License-Identifier: MIT */
/* Along one axis: positions of extremes, the largest elements, running sums. */
#include <string.h>

#include "base/checked.h"
#include "model/op_tables.h"

/* A tensor seen as outer × n × inner around an axis. */
typedef struct lines {
    int64_t outer, n, inner;
} lines;

static lines lines_of(const mx_tensor *t, int64_t axis)
{
    return (lines){mx_dims_product(t->dims, 0, (int)axis), t->dims[axis],
        mx_dims_product(t->dims, (int)axis + 1, t->rank)};
}

typedef struct axis_params {
    int64_t axis;
    bool keeps, last, largest, exclusive, reverse;
} axis_params;

/* --- ArgMax, ArgMin ---------------------------------------------------------------- */

static mexpr_status infer_arg(mx_infer *infer)
{
    const mx_tensor *in = infer->inputs[0];
    axis_params *p = infer->params;
    p->axis = mx_attr_int(infer->node, "axis", 0);
    p->keeps = mx_attr_int(infer->node, "keepdims", 1) != 0;
    p->last = mx_attr_int(infer->node, "select_last_index", 0) != 0;
    p->largest = strcmp(infer->node->op->name, "ArgMax") == 0;
    const mexpr_status status = mx_infer_axis(infer, &p->axis, in->rank);
    if (status != MEXPR_OK)
        return status;
    int64_t dims[MEXPR_MAX_RANK];
    int rank = 0;
    for (int i = 0; i < in->rank; i++) {
        if (i != p->axis)
            dims[rank++] = in->dims[i];
        else if (p->keeps)
            dims[rank++] = 1;
    }
    if (in->dims[p->axis] == 0)
        return mx_fail(infer->scope, MEXPR_E_SHAPE,
            "there is no extreme of nothing: axis %lld is empty", (long long)p->axis);
    infer->outputs[0]->dtype = MEXPR_DTYPE_I64;
    mx_infer_shape(infer, 0, rank, dims);
    return MEXPR_OK;
}

/* The first or last of equals; NaN counts as the extreme, as in numpy. */
#define ARG(type)                                                                        \
    do {                                                                                 \
        const type *x = (const type *)in->data + o * l.n * l.inner + k;                  \
        type best = x[0];                                                                \
        for (int64_t i = 1; i < l.n; i++) {                                              \
            const type v = x[i * l.inner];                                               \
            const bool beats = p->largest ? v > best : v < best;                         \
            if ((best == best && (beats || v != v)) || (p->last && v == best)) {         \
                best = v;                                                                \
                at = i;                                                                  \
            }                                                                            \
        }                                                                                \
    } while (0)

static mexpr_status arg(const mx_run *run)
{
    const axis_params *p = run->params;
    const mx_tensor *in = run->inputs[0];
    const lines l = lines_of(in, p->axis);
    int64_t *out = run->outputs[0]->data;
    for (int64_t o = 0; o < l.outer; o++) {
        for (int64_t k = 0; k < l.inner; k++) {
            int64_t at = 0;
            if (in->dtype == MEXPR_DTYPE_F32)
                ARG(float);
            else if (in->dtype == MEXPR_DTYPE_U8)
                ARG(uint8_t);
            else if (in->dtype == MEXPR_DTYPE_I32)
                ARG(int32_t);
            else
                ARG(int64_t);
            *out++ = at;
        }
    }
    return MEXPR_OK;
}

/* --- TopK -------------------------------------------------------------------------- */

static mexpr_status infer_top(mx_infer *infer)
{
    const mx_tensor *in = infer->inputs[0], *k = infer->inputs[1];
    axis_params *p = infer->params;
    int64_t count[1], dims[MEXPR_MAX_RANK];
    int n = 1;
    p->axis = mx_attr_int(infer->node, "axis", -1);
    p->largest = mx_attr_int(infer->node, "largest", 1) != 0;
    mexpr_status status = mx_infer_axis(infer, &p->axis, in->rank);
    if (status == MEXPR_OK)
        status = mx_infer_type(infer, 1, MX_T_I64);
    if (status != MEXPR_OK)
        return status;
    memcpy(dims, in->dims, sizeof dims);
    dims[p->axis] = -1;
    if (k->data) {
        status = mx_infer_ints(infer, 1, count, 1, &n);
        if (status != MEXPR_OK)
            return status;
        dims[p->axis] = n == 1 ? count[0] : -1;
        const int64_t most = in->dims[p->axis];
        if (n != 1 || count[0] < 0 || (most >= 0 && count[0] > most))
            return mx_fail(infer->scope, MEXPR_E_SHAPE,
                "it takes %lld elements of %lld along axis %lld",
                n == 1 ? (long long)count[0] : 0LL, (long long)most, (long long)p->axis);
        if (!mx_mul_size((size_t)count[0], sizeof(int64_t), &infer->workspace))
            return mx_fail(infer->scope, MEXPR_E_LIMIT, "it takes too many elements");
    }
    if (infer->n_outputs > 1)
        infer->outputs[1]->dtype = MEXPR_DTYPE_I64;
    mx_infer_shape(infer, 0, in->rank, dims);
    mx_infer_shape(infer, 1, in->rank, dims);
    return MEXPR_OK;
}

/* One line: its first k elements in order, through a heap with the worst of those chosen
 * on top. Equal elements stay in the order of their positions; NaN is above everything.
 */
#define TOP(suffix, type)                                                                \
    static bool is_worse_##suffix(                                                       \
        const type *x, int64_t step, int64_t a, int64_t b, bool largest)                 \
    {                                                                                    \
        const type p = x[a * step], q = x[b * step];                                     \
        const bool p_nan = p != p, q_nan = q != q;                                       \
        if (p_nan != q_nan)                                                              \
            return p_nan != largest;                                                     \
        if (p == q || p_nan)                                                             \
            return a > b;                                                                \
        return (p < q) == largest;                                                       \
    }                                                                                    \
    static void sink_##suffix(                                                           \
        const type *x, int64_t step, int64_t *heap, int64_t n, int64_t i, bool largest)  \
    {                                                                                    \
        for (int64_t child; (child = 2 * i + 1) < n; i = child) {                        \
            if (child + 1 < n &&                                                         \
                is_worse_##suffix(x, step, heap[child + 1], heap[child], largest))       \
                child++;                                                                 \
            if (!is_worse_##suffix(x, step, heap[child], heap[i], largest))              \
                return;                                                                  \
            const int64_t swap = heap[i];                                                \
            heap[i] = heap[child];                                                       \
            heap[child] = swap;                                                          \
        }                                                                                \
    }                                                                                    \
    static void top_##suffix(                                                            \
        const type *x, lines l, int64_t k, bool largest, int64_t *heap)                  \
    {                                                                                    \
        for (int64_t i = 0; i < k; i++)                                                  \
            heap[i] = i;                                                                 \
        for (int64_t i = k / 2 - 1; i >= 0; i--)                                         \
            sink_##suffix(x, l.inner, heap, k, i, largest);                              \
        for (int64_t i = k; i < l.n; i++) {                                              \
            if (is_worse_##suffix(x, l.inner, i, heap[0], largest))                      \
                continue;                                                                \
            heap[0] = i;                                                                 \
            sink_##suffix(x, l.inner, heap, k, 0, largest);                              \
        }                                                                                \
        for (int64_t i = k - 1; i > 0; i--) {                                            \
            const int64_t worst = heap[0];                                               \
            heap[0] = heap[i];                                                           \
            heap[i] = worst;                                                             \
            sink_##suffix(x, l.inner, heap, i, 0, largest);                              \
        }                                                                                \
    }

TOP(f32, float)
TOP(u8, uint8_t)
TOP(i32, int32_t)
TOP(i64, int64_t)

static void top_line(const mx_tensor *in, int64_t first, lines l, int64_t k, bool largest,
    int64_t *positions)
{
    if (in->dtype == MEXPR_DTYPE_F32)
        top_f32((const float *)in->data + first, l, k, largest, positions);
    else if (in->dtype == MEXPR_DTYPE_U8)
        top_u8((const uint8_t *)in->data + first, l, k, largest, positions);
    else if (in->dtype == MEXPR_DTYPE_I32)
        top_i32((const int32_t *)in->data + first, l, k, largest, positions);
    else
        top_i64((const int64_t *)in->data + first, l, k, largest, positions);
}

static mexpr_status top(const mx_run *run)
{
    const axis_params *p = run->params;
    const mx_tensor *in = run->inputs[0];
    const lines l = lines_of(in, p->axis);
    mx_tensor *values = mx_run_output(run, 0), *indices = mx_run_output(run, 1);
    const int64_t k = (values ? values : indices)->dims[p->axis];
    const size_t size = mexpr_dtype_bytes((mexpr_dtype)in->dtype);
    int64_t *positions = run->workspace;
    if (k == 0)
        return MEXPR_OK;
    for (int64_t o = 0; o < l.outer; o++) {
        for (int64_t j = 0; j < l.inner; j++) {
            const int64_t first = o * l.n * l.inner + j, to = o * k * l.inner + j;
            top_line(in, first, l, k, p->largest, positions);
            for (int64_t i = 0; i < k; i++) {
                const size_t at = (size_t)(to + i * l.inner);
                if (values)
                    memcpy((uint8_t *)values->data + at * size,
                        (const uint8_t *)in->data +
                            (size_t)(first + positions[i] * l.inner) * size,
                        size);
                if (indices)
                    ((int64_t *)indices->data)[at] = positions[i];
            }
        }
    }
    return MEXPR_OK;
}

/* --- CumSum ------------------------------------------------------------------------ */

static mexpr_status infer_cumsum(mx_infer *infer)
{
    const mx_tensor *axis = infer->inputs[1];
    axis_params *p = infer->params;
    const mexpr_status status = mx_infer_type(infer, 1, MX_T_INTS);
    if (status != MEXPR_OK)
        return status;
    const int64_t n = mx_dims_product(axis->dims, 0, axis->rank);
    if (n >= 0 && n != 1)
        return mx_fail(infer->scope, MEXPR_E_SHAPE, "its axis must be one number");
    p->exclusive = mx_attr_int(infer->node, "exclusive", 0) != 0;
    p->reverse = mx_attr_int(infer->node, "reverse", 0) != 0;
    return mx_infer_same(infer);
}

#define CUMSUM(type, wide)                                                               \
    do {                                                                                 \
        const type *x = (const type *)in->data + first;                                  \
        type *y = (type *)run->outputs[0]->data + first;                                 \
        wide sum = 0;                                                                    \
        for (int64_t i = 0; i < l.n; i++) {                                              \
            const int64_t at = (p->reverse ? l.n - 1 - i : i) * l.inner;                 \
            const wide before = sum;                                                     \
            sum += (wide)x[at];                                                          \
            y[at] = (type)(p->exclusive ? before : sum);                                 \
        }                                                                                \
    } while (0)

static mexpr_status cumsum(const mx_run *run)
{
    const axis_params *p = run->params;
    const mx_tensor *in = run->inputs[0], *number = run->inputs[1];
    int64_t axis = number->dtype == MEXPR_DTYPE_I64 ? *(const int64_t *)number->data
                                                    : *(const int32_t *)number->data;
    if (axis < -in->rank || axis >= in->rank)
        return mx_fail(run->scope, MEXPR_E_SHAPE,
            "the axis %lld does not exist in a tensor of %d dimensions", (long long)axis,
            in->rank);
    axis += axis < 0 ? in->rank : 0;
    const lines l = lines_of(in, axis);
    for (int64_t o = 0; o < l.outer; o++) {
        for (int64_t k = 0; k < l.inner; k++) {
            const int64_t first = o * l.n * l.inner + k;
            if (in->dtype == MEXPR_DTYPE_F32)
                CUMSUM(float, float);
            else if (in->dtype == MEXPR_DTYPE_I32)
                CUMSUM(int32_t, uint32_t);
            else
                CUMSUM(int64_t, uint64_t);
        }
    }
    return MEXPR_OK;
}

#define ARG_OPERATOR(op)                                                                 \
    {                                                                                    \
        .name = op, .domain = "", .since = 1, .min_inputs = 1, .max_inputs = 1,          \
        .min_outputs = 1, .max_outputs = 1, .types = MX_T_NUMBERS,                       \
        .attributes = "axis:i keepdims:i select_last_index:i",                           \
        .params_size = sizeof(axis_params), .infer = infer_arg, .forward = arg           \
    }

const mx_operator mx_operators_rank[] = {
    ARG_OPERATOR("ArgMax"),
    ARG_OPERATOR("ArgMin"),
    {.name = "CumSum",
        .domain = "",
        .since = 11,
        .min_inputs = 2,
        .max_inputs = 2,
        .min_outputs = 1,
        .max_outputs = 1,
        .types = MX_T_F32 | MX_T_INTS,
        .other_inputs = MX_INPUT_BIT(1),
        .attributes = "exclusive:i reverse:i",
        .params_size = sizeof(axis_params),
        .infer = infer_cumsum,
        .forward = cumsum},
    {.name = "TopK",
        .domain = "",
        .since = 10,
        .min_inputs = 2,
        .max_inputs = 2,
        .min_outputs = 1,
        .max_outputs = 2,
        .types = MX_T_NUMBERS,
        .other_inputs = MX_INPUT_BIT(1),
        .value_inputs = MX_INPUT_BIT(1),
        .attributes = "axis:i largest:i sorted:i",
        .params_size = sizeof(axis_params),
        .infer = infer_top,
        .forward = top,
        .note = "always sorted; of equal elements the first ones"},
    {.name = NULL},
};
