/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/checked.h"
#include "model/operator.h"

/* --- frames ------------------------------------------------------------------------ */

void mx_machine_init(mx_machine *machine, uint32_t cpu)
{
    mx_gemm_init(&machine->gemm, cpu);
    mx_nn_kernels_init(&machine->nn, cpu);
    mx_conv_kernels_init(&machine->conv, cpu);
    mx_train_kernels_init(&machine->train, cpu);
}

mexpr_status mx_frame_init(mx_scope *scope, mx_arena *arena, const mx_graph *graph,
    const mx_machine *machine, mx_tensor *tensors, mx_frame *frame)
{
    int n_inputs = 0, n_outputs = 0;
    for (int i = 0; i < graph->n_nodes; i++) {
        const mx_node *node = &graph->nodes[i];
        n_inputs = node->n_inputs > n_inputs ? node->n_inputs : n_inputs;
        n_outputs = node->n_outputs > n_outputs ? node->n_outputs : n_outputs;
    }
    frame->scope = scope;
    frame->machine = machine;
    frame->tensors = tensors;
    frame->inputs = mx_arena_alloc(scope, arena, (size_t)n_inputs, sizeof *frame->inputs);
    frame->outputs =
        mx_arena_alloc(scope, arena, (size_t)n_outputs, sizeof *frame->outputs);
    frame->spare = mx_arena_alloc(scope, arena, (size_t)n_outputs, sizeof *frame->spare);
    return frame->inputs && frame->outputs && frame->spare ? MEXPR_OK : MEXPR_E_NOMEM;
}

/* --- checks before an operator's own ----------------------------------------------- */

static uint32_t type_bit(int32_t dtype)
{
    switch (dtype) {
    case MEXPR_DTYPE_F32:
        return MX_T_F32;
    case MEXPR_DTYPE_U8:
        return MX_T_U8;
    case MEXPR_DTYPE_I32:
        return MX_T_I32;
    case MEXPR_DTYPE_I64:
        return MX_T_I64;
    case MEXPR_DTYPE_BOOL:
        return MX_T_BOOL;
    default:
        return 0;
    }
}

mexpr_status mx_infer_type(mx_infer *infer, int k, uint32_t types)
{
    const mx_tensor *in = mx_infer_input(infer, k);
    if (!in || type_bit(in->dtype) & types)
        return MEXPR_OK;
    return mx_fail(infer->scope, MEXPR_E_TYPE,
        "its input %d is %s, which it does not take", k,
        mexpr_dtype_name((mexpr_dtype)in->dtype));
}

/* Inputs that the entry's type list speaks of: of these types, and all of one. */
static mexpr_status check_types(mx_infer *infer)
{
    const mx_operator *op = infer->node->op;
    int first = -1;
    for (int k = 0; k < infer->n_inputs; k++) {
        const bool other = k < 32 && op->other_inputs & MX_INPUT_BIT(k);
        if (!infer->inputs[k] || other)
            continue;
        const mexpr_status status = mx_infer_type(infer, k, op->types);
        if (status != MEXPR_OK)
            return status;
        if (first < 0)
            first = k;
        if (infer->inputs[k]->dtype != infer->inputs[first]->dtype)
            return mx_fail(infer->scope, MEXPR_E_TYPE,
                "its input %d is %s, but its input %d is %s", k,
                mexpr_dtype_name((mexpr_dtype)infer->inputs[k]->dtype), first,
                mexpr_dtype_name((mexpr_dtype)infer->inputs[first]->dtype));
    }
    return MEXPR_OK;
}

static mexpr_status check_outputs(const mx_infer *infer)
{
    for (int k = 0; k < infer->n_outputs; k++) {
        if (infer->outputs[k]->rank < 0)
            continue;
        const mexpr_status status = mx_tensor_check(infer->scope, infer->outputs[k]);
        if (status != MEXPR_OK)
            return status;
    }
    const uint64_t limit = mx_context_limits(infer->scope->context)->tensor_bytes;
    const size_t most =
        infer->workspace > infer->part_space ? infer->workspace : infer->part_space;
    if (most > limit)
        return mx_fail(infer->scope, MEXPR_E_LIMIT,
            "it needs %zu bytes to work in, more than the limit max_tensor_bytes of %llu",
            most, (unsigned long long)limit);
    for (int k = 0; infer->is_bounded && k < infer->n_outputs; k++) {
        if (infer->capacity[k] > limit)
            return mx_fail(infer->scope, MEXPR_E_LIMIT,
                "its output %d may need %zu bytes, more than the limit max_tensor_bytes "
                "of %llu",
                k, infer->capacity[k], (unsigned long long)limit);
    }
    return MEXPR_OK;
}

/* Points the frame at the node's tensors; false when a type or rank is still open. */
static bool bind(mx_frame *frame, const mx_node *node)
{
    bool known = true;
    for (int k = 0; k < node->n_inputs; k++) {
        const int value = node->inputs[k];
        frame->inputs[k] = value >= 0 ? &frame->tensors[value] : NULL;
        known = known &&
                (value < 0 || (frame->inputs[k]->rank >= 0 && frame->inputs[k]->dtype));
    }
    for (int k = 0; k < node->n_outputs; k++) {
        const int value = node->outputs[k];
        frame->outputs[k] = value >= 0 ? &frame->tensors[value] : &frame->spare[k];
        *frame->outputs[k] = (mx_tensor)MX_TENSOR_UNKNOWN;
    }
    return known;
}

mexpr_status mx_node_infer(mx_frame *frame, const mx_node *node)
{
    frame->workspace = frame->part_space = 0;
    frame->multiply_adds = 0;
    frame->is_bounded = false;
    if (!bind(frame, node))
        return MEXPR_OK;
    memset(&frame->params, 0, sizeof frame->params);
    mx_infer infer = {.scope = frame->scope,
        .node = node,
        .n_inputs = node->n_inputs,
        .inputs = frame->inputs,
        .n_outputs = node->n_outputs,
        .outputs = frame->outputs,
        .params = frame->params.bytes};
    for (int k = 0; k < node->n_outputs; k++)
        frame->outputs[k]->dtype =
            node->n_inputs > 0 && frame->inputs[0] ? frame->inputs[0]->dtype : 0;
    mexpr_status status = check_types(&infer);
    if (status == MEXPR_OK)
        status = node->op->infer(&infer);
    if (status == MEXPR_OK)
        status = check_outputs(&infer);
    frame->workspace = infer.workspace;
    frame->part_space = infer.part_space;
    frame->multiply_adds = infer.multiply_adds;
    frame->is_bounded = infer.is_bounded;
    memcpy(frame->capacity, infer.capacity, sizeof frame->capacity);
    char label[MX_LABEL_SIZE];
    if (status != MEXPR_OK)
        mx_fail_prefix(frame->scope, status, mx_node_label(node, label));
    return status;
}

bool mx_node_is_whole(const mx_frame *frame, const mx_node *node)
{
    if (node->op->flags & MX_OP_DYNAMIC)
        return frame->is_bounded;
    for (int k = 0; k < node->n_outputs; k++) {
        const int value = node->outputs[k];
        if (value >= 0 && (!mx_tensor_has_shape(&frame->tensors[value]) ||
                              !frame->tensors[value].dtype))
            return false;
    }
    return true;
}

size_t mx_node_bytes(const mx_frame *frame, const mx_node *node, int k)
{
    return node->op->flags & MX_OP_DYNAMIC
               ? frame->capacity[k]
               : mx_tensor_bytes(&frame->tensors[node->outputs[k]]);
}

bool mx_node_is_constant(const mx_frame *frame, const mx_node *node)
{
    const bool from_shape = node->op->flags & MX_OP_FROM_SHAPE;
    for (int k = 0; k < node->n_inputs; k++) {
        const mx_tensor *in =
            node->inputs[k] >= 0 ? &frame->tensors[node->inputs[k]] : NULL;
        if (in && !in->data && !(from_shape && mx_tensor_has_shape(in)))
            return false;
    }
    return mx_node_is_whole(frame, node);
}

static mexpr_status allocate_outputs(mx_frame *frame, const mx_node *node)
{
    for (int k = 0; k < node->n_outputs; k++) {
        if (node->outputs[k] < 0) {
            frame->outputs[k] = NULL;
            continue;
        }
        mx_tensor *out = frame->outputs[k];
        out->data = mx_alloc(frame->scope, mx_node_bytes(frame, node, k), 1);
        if (!out->data)
            return MEXPR_E_NOMEM;
    }
    return MEXPR_OK;
}

static void free_outputs(mx_frame *frame, const mx_node *node)
{
    for (int k = 0; k < node->n_outputs; k++) {
        if (node->outputs[k] < 0)
            continue;
        mx_tensor *out = &frame->tensors[node->outputs[k]];
        mx_free(frame->scope->context, out->data);
        out->data = NULL;
    }
}

mexpr_status mx_node_fold(mx_frame *frame, const mx_node *node)
{
    const size_t own = mx_round_up(frame->workspace, MX_ALIGNMENT);
    uint8_t *workspace = mx_alloc(frame->scope, own + frame->part_space, 1);
    if (!workspace)
        return MEXPR_E_NOMEM;
    mexpr_status status = allocate_outputs(frame, node);
    const mx_run run = {.scope = frame->scope,
        .machine = frame->machine,
        .node = node,
        .n_inputs = node->n_inputs,
        .inputs = frame->inputs,
        .n_outputs = node->n_outputs,
        .outputs = frame->outputs,
        .params = frame->params.bytes,
        .workspace = workspace,
        .n_workers = 1,
        .part_spaces = workspace + own,
        .part_space = frame->part_space};
    if (status == MEXPR_OK)
        status = mx_run_forward(&run);
    mx_free(frame->scope->context, workspace);
    char label[MX_LABEL_SIZE];
    if (status != MEXPR_OK) {
        free_outputs(frame, node);
        mx_fail_prefix(frame->scope, status, mx_node_label(node, label));
    }
    return status;
}

/* --- attributes and inputs --------------------------------------------------------- */

const mx_attribute *mx_attr(const mx_node *node, const char *name)
{
    for (size_t i = 0; i < node->n_attributes; i++) {
        if (strcmp(node->attributes[i].name, name) == 0)
            return &node->attributes[i];
    }
    return NULL;
}

int64_t mx_attr_int(const mx_node *node, const char *name, int64_t standard)
{
    const mx_attribute *a = mx_attr(node, name);
    return a ? a->i : standard;
}

float mx_attr_float(const mx_node *node, const char *name, float standard)
{
    const mx_attribute *a = mx_attr(node, name);
    return a ? a->f : standard;
}

bool mx_attr_all(const mx_node *node, const char *name, int64_t number)
{
    const mx_attribute *a = mx_attr(node, name);
    for (size_t i = 0; a && i < a->n; i++) {
        if (a->ints[i] != number)
            return false;
    }
    return true;
}

const char *mx_attr_string(const mx_node *node, const char *name, const char *standard)
{
    const mx_attribute *a = mx_attr(node, name);
    return a ? a->s : standard;
}

const mx_tensor *mx_infer_input(const mx_infer *infer, int k)
{
    return k < infer->n_inputs ? infer->inputs[k] : NULL;
}

const mx_tensor *mx_run_input(const mx_run *run, int k)
{
    return k < run->n_inputs ? run->inputs[k] : NULL;
}

mx_tensor *mx_run_output(const mx_run *run, int k)
{
    return k < run->n_outputs ? run->outputs[k] : NULL;
}

/* --- shapes ------------------------------------------------------------------------ */

void mx_infer_shape(mx_infer *infer, int k, int rank, const int64_t *dims)
{
    if (k >= infer->n_outputs)
        return;
    infer->outputs[k]->rank = rank; /* too large a one is refused afterwards */
    for (int i = 0; i < rank && i < MEXPR_MAX_RANK; i++)
        infer->outputs[k]->dims[i] = dims[i];
}

mexpr_status mx_infer_same(mx_infer *infer)
{
    mx_infer_shape(infer, 0, infer->inputs[0]->rank, infer->inputs[0]->dims);
    return MEXPR_OK;
}

/* One dimension of a broadcast; an open one takes the other's size unless that is 1. */
static bool broadcast_dim(int64_t a, int64_t b, int64_t *out)
{
    if (a == b || b == 1)
        *out = a;
    else if (a == 1)
        *out = b;
    else if (a < 0)
        *out = b;
    else if (b < 0)
        *out = a;
    else
        return false;
    return true;
}

mexpr_status mx_infer_broadcast(mx_infer *infer)
{
    int64_t dims[MEXPR_MAX_RANK];
    int rank = 0;
    for (int k = 0; k < infer->n_inputs; k++) {
        const mx_tensor *in = infer->inputs[k];
        rank = in->rank > rank ? in->rank : rank;
    }
    for (int i = 0; i < rank; i++)
        dims[i] = 1;
    for (int k = 0; k < infer->n_inputs; k++) {
        const mx_tensor *in = infer->inputs[k];
        const int shift = rank - in->rank;
        char text[MX_SHAPE_TEXT], other[MX_SHAPE_TEXT];
        for (int i = 0; i < in->rank; i++) {
            if (!broadcast_dim(dims[shift + i], in->dims[i], &dims[shift + i]))
                return mx_fail(infer->scope, MEXPR_E_SHAPE,
                    "its inputs of %s and %s cannot be broadcast together",
                    mx_shape_text(infer->inputs[0], text), mx_shape_text(in, other));
        }
    }
    mx_infer_shape(infer, 0, rank, dims);
    return MEXPR_OK;
}

mexpr_status mx_infer_axis(mx_infer *infer, int64_t *axis, int rank)
{
    if (*axis < -rank || *axis >= rank)
        return mx_fail(infer->scope, MEXPR_E_SHAPE,
            "the axis %lld does not exist in a tensor of %d dimensions", (long long)*axis,
            rank);
    if (*axis < 0)
        *axis += rank;
    return MEXPR_OK;
}

mexpr_status mx_infer_ints(
    mx_infer *infer, int k, int64_t *numbers, int capacity, int *n_numbers)
{
    const mx_tensor *in = infer->inputs[k];
    const int64_t count = mx_tensor_count(in);
    const mexpr_status status = mx_infer_type(infer, k, MX_T_INTS);
    if (status != MEXPR_OK)
        return status;
    if (in->rank > 1 || count > capacity)
        return mx_fail(infer->scope, MEXPR_E_SHAPE,
            "its input %d must be a list of at most %d numbers", k, capacity);
    for (int64_t i = 0; i < count; i++)
        numbers[i] = in->dtype == MEXPR_DTYPE_I64 ? ((const int64_t *)in->data)[i]
                                                  : ((const int32_t *)in->data)[i];
    *n_numbers = (int)count;
    return MEXPR_OK;
}

/* The list of axes from attribute or input; *known is false while it is open. */
static mexpr_status list_axes(
    mx_infer *infer, int k, int64_t *axes, int *n_axes, bool *known)
{
    const mx_attribute *a = mx_attr(infer->node, "axes");
    const mx_tensor *in = mx_infer_input(infer, k);
    *n_axes = 0;
    *known = !in || in->data != NULL;
    if (in)
        return *known ? mx_infer_ints(infer, k, axes, MEXPR_MAX_RANK, n_axes) : MEXPR_OK;
    if (a && a->n > MEXPR_MAX_RANK)
        return mx_fail(
            infer->scope, MEXPR_E_SHAPE, "it has more than %d axes", MEXPR_MAX_RANK);
    for (size_t i = 0; a && i < a->n; i++)
        axes[(*n_axes)++] = a->ints[i];
    return MEXPR_OK;
}

mexpr_status mx_infer_axes(
    mx_infer *infer, int k, int rank, uint32_t *mask, int *n_axes, bool *known)
{
    int64_t axes[MEXPR_MAX_RANK];
    *mask = 0;
    mexpr_status status = list_axes(infer, k, axes, n_axes, known);
    for (int i = 0; status == MEXPR_OK && i < *n_axes; i++) {
        status = mx_infer_axis(infer, &axes[i], rank);
        if (status == MEXPR_OK && *mask & 1u << axes[i])
            return mx_fail(infer->scope, MEXPR_E_SHAPE, "the axis %lld is there twice",
                (long long)axes[i]);
        if (status == MEXPR_OK)
            *mask |= 1u << axes[i];
    }
    return status;
}

mexpr_status mx_infer_choice(mx_infer *infer, const char *name, const char *standard,
    const char *const *choices, int n, int *choice)
{
    const char *text = mx_attr_string(infer->node, name, standard);
    for (int i = 0; i < n; i++) {
        if (strcmp(text, choices[i]) == 0) {
            *choice = i;
            return MEXPR_OK;
        }
    }
    return mx_fail(
        infer->scope, MEXPR_E_MODEL, "its %s '%.40s' does not exist", name, text);
}
