/* SPDX-License-Identifier: MIT */
/* Operators that change or tell the shape and leave the elements alone. */
#include <string.h>

#include "base/checked.h"
#include "model/op_tables.h"

/* Output 0 usually lies where input 0 does (MX_OP_ALIAS); then there is nothing to do. */
static mexpr_status copy(const mx_run *run)
{
    const mx_tensor *in = run->inputs[0];
    if (run->outputs[0]->data != in->data)
        memcpy(run->outputs[0]->data, in->data, mx_tensor_bytes(in));
    return MEXPR_OK;
}

/* --- Reshape ----------------------------------------------------------------------- */

static mexpr_status fail_reshape(mx_infer *infer, const int64_t *dims, int rank)
{
    mx_tensor wanted = {.rank = rank};
    char a[MX_SHAPE_TEXT], b[MX_SHAPE_TEXT];
    memcpy(wanted.dims, dims, sizeof wanted.dims);
    return mx_fail(infer->scope, MEXPR_E_SHAPE, "%s cannot become %s",
        mx_shape_text(infer->inputs[0], a), mx_shape_text(&wanted, b));
}

/* Fills in the one dimension that is to be found out, number `free` (-1: none), from the
 * others. Dimensions taken over as they are (`kept`) cancel out, open or empty as they
 * may be. */
static mexpr_status solve(
    mx_infer *infer, int64_t *dims, int rank, int free, uint32_t kept)
{
    const mx_tensor *in = infer->inputs[0];
    int64_t count = 1, rest = 1;
    for (int i = 0; i < in->rank; i++) {
        if (kept & 1u << i)
            continue;
        if (in->dims[i] < 0)
            return MEXPR_OK;
        if (!mx_mul_i64(count, in->dims[i], &count))
            return fail_reshape(infer, dims, rank);
    }
    for (int i = 0; i < rank; i++) {
        if (i != free && !(kept & 1u << i) && !mx_mul_i64(rest, dims[i], &rest))
            return fail_reshape(infer, dims, rank);
    }
    if (free >= 0 ? rest == 0 || count % rest != 0 : count != rest)
        return fail_reshape(infer, dims, rank);
    if (free >= 0)
        dims[free] = count / rest;
    return MEXPR_OK;
}

static mexpr_status infer_reshape(mx_infer *infer)
{
    const mx_tensor *in = infer->inputs[0];
    const bool zero_is_zero = mx_attr_int(infer->node, "allowzero", 0) != 0;
    int64_t dims[MEXPR_MAX_RANK] = {0};
    int rank, free = -1;
    uint32_t kept = 0;
    if (!infer->inputs[1]->data)
        return mx_infer_type(infer, 1, MX_T_INTS);
    mexpr_status status = mx_infer_ints(infer, 1, dims, MEXPR_MAX_RANK, &rank);
    if (status != MEXPR_OK)
        return status;
    for (int i = 0; i < rank; i++) {
        const bool keeps = dims[i] == 0 && !zero_is_zero;
        if (dims[i] < -1 || (dims[i] == -1 && free >= 0) || (keeps && i >= in->rank))
            return fail_reshape(infer, dims, rank);
        if (dims[i] == -1)
            free = i;
        if (!keeps)
            continue;
        dims[i] = in->dims[i];
        kept |= 1u << i;
    }
    status = solve(infer, dims, rank, free, kept);
    mx_infer_shape(infer, 0, rank, dims);
    return status;
}

static mexpr_status infer_flatten(mx_infer *infer)
{
    const mx_tensor *in = infer->inputs[0];
    int64_t axis = mx_attr_int(infer->node, "axis", 1);
    if (axis != in->rank) {
        const mexpr_status status = mx_infer_axis(infer, &axis, in->rank);
        if (status != MEXPR_OK)
            return status;
    }
    const int64_t dims[2] = {mx_dims_product(in->dims, 0, (int)axis),
        mx_dims_product(in->dims, (int)axis, in->rank)};
    mx_infer_shape(infer, 0, 2, dims);
    return MEXPR_OK;
}

/* --- Squeeze, Unsqueeze ------------------------------------------------------------ */

static mexpr_status infer_squeeze(mx_infer *infer)
{
    const mx_tensor *in = infer->inputs[0];
    uint32_t mask;
    int n_axes;
    bool known;
    const mexpr_status status = mx_infer_axes(infer, 1, in->rank, &mask, &n_axes, &known);
    if (status != MEXPR_OK || !known)
        return status;
    int64_t dims[MEXPR_MAX_RANK];
    int rank = 0;
    for (int i = 0; i < in->rank; i++) {
        const bool named = mask & 1u << i;
        if (n_axes == 0 && in->dims[i] < 0)
            return MEXPR_OK;
        if (named && in->dims[i] >= 0 && in->dims[i] != 1)
            return mx_fail(infer->scope, MEXPR_E_SHAPE,
                "dimension %d of size %lld cannot be left out", i,
                (long long)in->dims[i]);
        if (!named && !(n_axes == 0 && in->dims[i] == 1))
            dims[rank++] = in->dims[i];
    }
    mx_infer_shape(infer, 0, rank, dims);
    return MEXPR_OK;
}

/* The axes count in the output, whose rank depends on how many there are. */
static mexpr_status infer_unsqueeze(mx_infer *infer)
{
    const mx_tensor *in = infer->inputs[0];
    const mx_attribute *a = mx_attr(infer->node, "axes");
    const mx_tensor *list = mx_infer_input(infer, 1);
    if (!list && !a)
        return mx_fail(infer->scope, MEXPR_E_MODEL, "it has no axes");
    if (list && !list->data)
        return mx_infer_type(infer, 1, MX_T_INTS);
    const int64_t more = list ? mx_tensor_count(list) : (int64_t)a->n;
    if (more + in->rank > MEXPR_MAX_RANK)
        return mx_fail(infer->scope, MEXPR_E_SHAPE,
            "its output would have more than %d dimensions", MEXPR_MAX_RANK);
    const int rank = in->rank + (int)more;
    uint32_t mask;
    int n_axes;
    bool known;
    const mexpr_status status = mx_infer_axes(infer, 1, rank, &mask, &n_axes, &known);
    if (status != MEXPR_OK)
        return status;
    int64_t dims[MEXPR_MAX_RANK];
    for (int i = 0, from = 0; i < rank; i++)
        dims[i] = mask & 1u << i ? 1 : in->dims[from++];
    mx_infer_shape(infer, 0, rank, dims);
    return MEXPR_OK;
}

/* --- Dropout ----------------------------------------------------------------------- */

/* Whether elements would really be dropped, as far as that is known. */
static bool drops(const mx_tensor *ratio, const mx_tensor *training)
{
    if (!training || !training->data || mx_tensor_count(training) == 0 ||
        !*(const uint8_t *)training->data)
        return false;
    return !ratio || !ratio->data || mx_tensor_count(ratio) == 0 ||
           *(const float *)ratio->data != 0;
}

/* Srivastava et al.: Dropout, 2014; outside of training it does nothing. */
static mexpr_status infer_dropout(mx_infer *infer)
{
    mexpr_status status = mx_infer_type(infer, 1, MX_T_F32);
    if (status == MEXPR_OK)
        status = mx_infer_type(infer, 2, MX_T_BOOL);
    if (status != MEXPR_OK)
        return status;
    if (drops(mx_infer_input(infer, 1), mx_infer_input(infer, 2)))
        return mx_fail(infer->scope, MEXPR_E_OPERATOR,
            "its training form is not known; export the model in evaluation mode");
    mx_infer_shape(infer, 1, infer->inputs[0]->rank, infer->inputs[0]->dims);
    if (infer->n_outputs > 1)
        infer->outputs[1]->dtype = MEXPR_DTYPE_BOOL;
    return mx_infer_same(infer);
}

static mexpr_status dropout(const mx_run *run)
{
    if (mx_run_output(run, 1))
        memset(run->outputs[1]->data, 1, mx_tensor_bytes(run->outputs[1]));
    return copy(run);
}

/* --- Shape, Size ------------------------------------------------------------------- */

/* Where Python's slice of `n` begins or ends. */
static int64_t slice_bound(int64_t at, int64_t n)
{
    at = at < 0 ? at + n : at;
    return at < 0 ? 0 : at > n ? n : at;
}

static void shape_range(const mx_node *node, int64_t rank, int64_t *start, int64_t *end)
{
    *start = slice_bound(mx_attr_int(node, "start", 0), rank);
    *end = slice_bound(mx_attr_int(node, "end", rank), rank);
}

static mexpr_status infer_shape(mx_infer *infer)
{
    int64_t start, end;
    shape_range(infer->node, infer->inputs[0]->rank, &start, &end);
    const int64_t n = end > start ? end - start : 0;
    infer->outputs[0]->dtype = MEXPR_DTYPE_I64;
    mx_infer_shape(infer, 0, 1, &n);
    return MEXPR_OK;
}

static mexpr_status shape(const mx_run *run)
{
    int64_t start, end;
    shape_range(run->node, run->inputs[0]->rank, &start, &end);
    for (int64_t i = start; i < end; i++)
        ((int64_t *)run->outputs[0]->data)[i - start] = run->inputs[0]->dims[i];
    return MEXPR_OK;
}

static mexpr_status infer_size(mx_infer *infer)
{
    infer->outputs[0]->dtype = MEXPR_DTYPE_I64;
    mx_infer_shape(infer, 0, 0, NULL);
    return MEXPR_OK;
}

static mexpr_status size(const mx_run *run)
{
    *(int64_t *)run->outputs[0]->data = mx_tensor_count(run->inputs[0]);
    return MEXPR_OK;
}

#define ALIAS(op, attribute_list, n_in, infer_fn)                                        \
    {                                                                                    \
        .name = op, .domain = "", .since = 1, .min_inputs = 1, .max_inputs = n_in,       \
        .min_outputs = 1, .max_outputs = 1, .types = MX_T_ALL,                           \
        .other_inputs = MX_INPUT_BIT(1), .value_inputs = MX_INPUT_BIT(1),                \
        .flags = MX_OP_ALIAS, .attributes = attribute_list, .infer = infer_fn,           \
        .forward = copy                                                                  \
    }
#define FROM_SHAPE(op, attribute_list, infer_fn, forward_fn)                             \
    {                                                                                    \
        .name = op, .domain = "", .since = 1, .min_inputs = 1, .max_inputs = 1,          \
        .min_outputs = 1, .max_outputs = 1, .types = MX_T_ALL,                           \
        .flags = MX_OP_FROM_SHAPE, .attributes = attribute_list, .infer = infer_fn,      \
        .forward = forward_fn                                                            \
    }

const mx_operator mx_operators_shape[] = {
    {.name = "Dropout",
        .domain = "",
        .since = 1,
        .min_inputs = 1,
        .max_inputs = 3,
        .min_outputs = 1,
        .max_outputs = 2,
        .types = MX_T_F32,
        .other_inputs = MX_INPUT_BIT(1) | MX_INPUT_BIT(2),
        .value_inputs = MX_INPUT_BIT(1) | MX_INPUT_BIT(2),
        .flags = MX_OP_ALIAS,
        .attributes = "ratio:f seed:i",
        .infer = infer_dropout,
        .forward = dropout,
        .note = "inference form"},
    ALIAS("Flatten", "axis:i", 1, infer_flatten),
    ALIAS("Identity", "", 1, mx_infer_same),
    {.name = "Reshape",
        .domain = "",
        .since = 5,
        .min_inputs = 2,
        .max_inputs = 2,
        .min_outputs = 1,
        .max_outputs = 1,
        .types = MX_T_ALL,
        .other_inputs = MX_INPUT_BIT(1),
        .value_inputs = MX_INPUT_BIT(1),
        .flags = MX_OP_ALIAS,
        .attributes = "allowzero:i",
        .infer = infer_reshape,
        .forward = copy},
    FROM_SHAPE("Shape", "start:i end:i", infer_shape, shape),
    FROM_SHAPE("Size", "", infer_size, size),
    ALIAS("Squeeze", "axes:I", 2, infer_squeeze),
    ALIAS("Unsqueeze", "axes:I", 2, infer_unsqueeze),
    {.name = NULL},
};
