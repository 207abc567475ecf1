/* SPDX-License-Identifier: MIT */
/* Old files: nodes of opset 1 to 10 are written as opset 11 has them, after the change
 * log of ONNX (https://onnx.ai/onnx/operators/). What was an attribute becomes an input,
 * what only training or an old memory planner wanted goes, and the broadcasting of before
 * opset 7, along an axis, is spelled out in nodes that are folded when the model is
 * loaded. */
#include "model/upgrade.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* --- parts of a node --------------------------------------------------------------- */

static const mx_attribute *attribute_of(const mx_node_source *node, const char *name)
{
    for (size_t i = 0; i < node->n_attributes; i++) {
        if (strcmp(node->attributes[i].name, name) == 0)
            return &node->attributes[i];
    }
    return NULL;
}

static int64_t int_of(const mx_node_source *node, const char *name, int64_t standard)
{
    const mx_attribute *a = attribute_of(node, name);
    return a && a->kind == MX_ATTRIBUTE_INT ? a->i : standard;
}

/* Room for `extra` more attributes behind those that there are. */
static mx_attribute *own_attributes(mx_upgrade *u, mx_node_source *node, size_t extra)
{
    mx_attribute *list =
        mx_arena_alloc(u->scope, u->arena, node->n_attributes + extra, sizeof *list);
    for (size_t i = 0; list && i < node->n_attributes; i++)
        list[i] = node->attributes[i];
    if (list)
        node->attributes = list;
    return list;
}

/* Leaves attributes out; names are separated by blanks. */
static mexpr_status drop(mx_upgrade *u, mx_node_source *node, const char *names)
{
    size_t kept = 0;
    mx_attribute *list = own_attributes(u, node, 0);
    if (!list)
        return MEXPR_E_NOMEM;
    for (size_t i = 0; i < node->n_attributes; i++) {
        const char *found = strstr(names, list[i].name);
        const size_t length = strlen(list[i].name);
        const bool goes = found && (found == names || found[-1] == ' ') &&
                          (found[length] == ' ' || found[length] == '\0');
        if (!goes)
            list[kept++] = list[i];
    }
    node->n_attributes = kept;
    return MEXPR_OK;
}

static mexpr_status add_attribute(
    mx_upgrade *u, mx_node_source *node, const mx_attribute *a)
{
    mx_attribute *list = own_attributes(u, node, 1);
    if (!list)
        return MEXPR_E_NOMEM;
    list[node->n_attributes++] = *a;
    return MEXPR_OK;
}

static mexpr_status add_int(
    mx_upgrade *u, mx_node_source *node, const char *name, int64_t i)
{
    const mx_attribute a = {.name = name, .kind = MX_ATTRIBUTE_INT, .i = i};
    return add_attribute(u, node, &a);
}

static mexpr_status add_text(
    mx_upgrade *u, mx_node_source *node, const char *name, const char *s)
{
    const mx_attribute a = {.name = name, .kind = MX_ATTRIBUTE_STRING, .s = s};
    return add_attribute(u, node, &a);
}

/* Makes input k the tensor `name`; those between are left out. */
static mexpr_status set_input(
    mx_upgrade *u, mx_node_source *node, size_t k, const char *name)
{
    const size_t n = node->n_inputs > k + 1 ? node->n_inputs : k + 1;
    const char **inputs = mx_arena_alloc(u->scope, u->arena, n, sizeof *inputs);
    if (!inputs)
        return MEXPR_E_NOMEM;
    for (size_t i = 0; i < n; i++)
        inputs[i] = i < node->n_inputs ? node->inputs[i] : "";
    inputs[k] = name;
    node->inputs = inputs;
    node->n_inputs = n;
    return MEXPR_OK;
}

/* --- nodes beside it --------------------------------------------------------------- */

static const char *fresh_name(mx_upgrade *u)
{
    char text[32];
    do
        snprintf(text, sizeof text, "mexpr:upgrade%d", u->n_made++);
    while (mx_graph_find(u->graph, text) >= 0);
    return mx_arena_strdup(u->scope, u->arena, text);
}

/* A node before this one; *output is what it makes. */
static mexpr_status put_node(mx_upgrade *u, const mx_node_source *beside, const char *op,
    const char *const *inputs, size_t n_inputs, const mx_attribute *attribute,
    const char **output)
{
    *output = fresh_name(u);
    if (!*output)
        return MEXPR_E_NOMEM;
    const mx_node_source node = {.name = "",
        .op_type = op,
        .domain = "",
        .opset = MX_UPGRADE_OPSET,
        .gate = beside->gate,
        .n_inputs = n_inputs,
        .n_outputs = 1,
        .n_attributes = attribute != NULL,
        .inputs = inputs,
        .outputs = output,
        .attributes = attribute};
    return mx_graph_add_node(u->scope, u->graph, &node);
}

static mexpr_status put_constant(mx_upgrade *u, const mx_node_source *beside,
    int32_t dtype, int32_t rank, const void *numbers, size_t n, const char **output)
{
    mx_attribute a = {.name = "value", .kind = MX_ATTRIBUTE_TENSOR};
    a.t = (mx_tensor){dtype, rank, {(int64_t)n}, NULL};
    const size_t size = mexpr_dtype_bytes((mexpr_dtype)dtype);
    void *data = mx_arena_alloc(u->scope, &u->graph->arena, n, size);
    if (!data)
        return MEXPR_E_NOMEM;
    if (n > 0)
        memcpy(data, numbers, n * size);
    a.t.data = data;
    return put_node(u, beside, "Constant", NULL, 0, &a, output);
}

/* Attribute -> input k, for the kinds that lists of numbers and single floats have. */
static mexpr_status move_attribute(
    mx_upgrade *u, mx_node_source *node, const char *name, size_t k)
{
    const mx_attribute *a = attribute_of(node, name);
    const char *constant = NULL;
    mexpr_status status = MEXPR_OK;
    if (!a)
        return MEXPR_OK;
    if (a->kind == MX_ATTRIBUTE_INTS)
        status = put_constant(u, node, MEXPR_DTYPE_I64, 1, a->ints, a->n, &constant);
    else if (a->kind == MX_ATTRIBUTE_INT)
        status = put_constant(u, node, MEXPR_DTYPE_I64, 1, &a->i, 1, &constant);
    else if (a->kind == MX_ATTRIBUTE_FLOATS)
        status = put_constant(u, node, MEXPR_DTYPE_F32, 1, a->floats, a->n, &constant);
    else if (a->kind == MX_ATTRIBUTE_FLOAT)
        status = put_constant(u, node, MEXPR_DTYPE_F32, 0, &a->f, 1, &constant);
    if (status == MEXPR_OK && constant)
        status = set_input(u, node, k, constant);
    return status == MEXPR_OK ? drop(u, node, name) : status;
}

/* --- operators --------------------------------------------------------------------- */

/* Input 1 gets dimensions of 1 behind, so that its first one meets dimension `axis` of
 * input 0: Reshape(b, shape(b) ++ ones(rank(a) - axis - rank(b))). */
static mexpr_status align(mx_upgrade *u, mx_node_source *node, int64_t axis)
{
    const char *const a = node->inputs[0], *const b = node->inputs[1];
    const mx_attribute first = {.name = "axis", .kind = MX_ATTRIBUTE_INT, .i = 0};
    const int64_t one = 1;
    mx_attribute ones = {.name = "value", .kind = MX_ATTRIBUTE_TENSOR};
    const char *dims[2], *ranks[2], *at, *gap, *rest, *list[2], *shape, *aligned;
    ones.t = (mx_tensor){MEXPR_DTYPE_I64, 1, {1}, NULL};
    ones.t.data = mx_arena_alloc(u->scope, &u->graph->arena, 1, sizeof one);
    if (!ones.t.data)
        return MEXPR_E_NOMEM;
    memcpy(ones.t.data, &one, sizeof one);
    mexpr_status status = MEXPR_OK;
    for (int i = 0; i < 2 && status == MEXPR_OK; i++) {
        status = put_node(u, node, "Shape", i ? &b : &a, 1, NULL, &dims[i]);
        if (status == MEXPR_OK)
            status = put_node(u, node, "Shape", &dims[i], 1, NULL, &ranks[i]);
    }
    if (status == MEXPR_OK)
        status = put_constant(u, node, MEXPR_DTYPE_I64, 1, &axis, 1, &at);
    if (status == MEXPR_OK)
        status = put_node(u, node, "Sub", (const char *[]){ranks[0], at}, 2, NULL, &gap);
    if (status == MEXPR_OK)
        status =
            put_node(u, node, "Sub", (const char *[]){gap, ranks[1]}, 2, NULL, &rest);
    if (status == MEXPR_OK)
        status = put_node(u, node, "ConstantOfShape", &rest, 1, &ones, &list[1]);
    list[0] = dims[1];
    if (status == MEXPR_OK)
        status = put_node(u, node, "Concat", list, 2, &first, &shape);
    if (status == MEXPR_OK)
        status =
            put_node(u, node, "Reshape", (const char *[]){b, shape}, 2, NULL, &aligned);
    return status == MEXPR_OK ? set_input(u, node, 1, aligned) : status;
}

/* Up to opset 6: nothing is broadcast, or input 1 is, at its end or from an axis on. */
static mexpr_status broadcast(mx_upgrade *u, mx_node_source *node)
{
    const bool by_axis = int_of(node, "broadcast", 0) != 0 && attribute_of(node, "axis");
    const int64_t axis = int_of(node, "axis", 0);
    const mexpr_status status = drop(u, node, "axis broadcast");
    return status == MEXPR_OK && by_axis && node->n_inputs == 2 && u->opset < 7
               ? align(u, node, axis)
               : status;
}

/* Up to opset 6 the slopes are those of the channels. */
static mexpr_status prelu(mx_upgrade *u, mx_node_source *node)
{
    const int value = node->n_inputs == 2 ? mx_graph_find(u->graph, node->inputs[1]) : -1;
    const mx_tensor *slope = value >= 0 ? &u->graph->values[value].tensor : NULL;
    const bool is_single = slope && slope->data && mx_tensor_count(slope) == 1;
    return u->opset < 7 && node->n_inputs == 2 && !is_single ? align(u, node, 1)
                                                             : MEXPR_OK;
}

static mexpr_status clip(mx_upgrade *u, mx_node_source *node)
{
    mexpr_status status = move_attribute(u, node, "min", 1);
    return status == MEXPR_OK ? move_attribute(u, node, "max", 2) : status;
}

static mexpr_status pad(mx_upgrade *u, mx_node_source *node)
{
    mexpr_status status = move_attribute(u, node, "pads", 1);
    if (status == MEXPR_OK)
        status = move_attribute(u, node, "paddings", 1);
    return status == MEXPR_OK ? move_attribute(u, node, "value", 2) : status;
}

static mexpr_status slice(mx_upgrade *u, mx_node_source *node)
{
    mexpr_status status = move_attribute(u, node, "starts", 1);
    if (status == MEXPR_OK)
        status = move_attribute(u, node, "ends", 2);
    return status == MEXPR_OK ? move_attribute(u, node, "axes", 3) : status;
}

static mexpr_status reshape(mx_upgrade *u, mx_node_source *node)
{
    return move_attribute(u, node, "shape", 1);
}

static mexpr_status top_k(mx_upgrade *u, mx_node_source *node)
{
    return move_attribute(u, node, "k", 1);
}

/* is_test (up to opset 6) is how inference was asked for; spatial (up to opset 8) is 1 in
 * all later ones. */
static mexpr_status batch_norm(mx_upgrade *u, mx_node_source *node)
{
    if (int_of(node, "spatial", 1) == 0)
        return mx_fail(u->scope, MEXPR_E_OPERATOR,
            "the node '%.100s' (BatchNormalization) normalises each position by itself "
            "(spatial = 0), which is not supported",
            node->name);
    return drop(u, node, "is_test spatial");
}

static mexpr_status dropout(mx_upgrade *u, mx_node_source *node)
{
    return drop(u, node, "is_test");
}

static mexpr_status recurrent(mx_upgrade *u, mx_node_source *node)
{
    return drop(u, node, "output_sequence");
}

static mexpr_status concat(mx_upgrade *u, mx_node_source *node)
{
    return u->opset < 4 && !attribute_of(node, "axis") ? add_int(u, node, "axis", 1)
                                                       : MEXPR_OK;
}

/* Up to opset 5 the type was written out. */
static mexpr_status cast(mx_upgrade *u, mx_node_source *node)
{
    static const char *const types[] = {"", "FLOAT", "UINT8", "INT8", "UINT16", "INT16",
        "INT32", "INT64", "STRING", "BOOL", "FLOAT16", "DOUBLE"};
    const mx_attribute *to = attribute_of(node, "to");
    if (!to || to->kind != MX_ATTRIBUTE_STRING)
        return MEXPR_OK;
    for (int i = 1; i < (int)(sizeof types / sizeof *types); i++) {
        if (strcmp(types[i], to->s) != 0)
            continue;
        const mexpr_status status = drop(u, node, "to");
        return status == MEXPR_OK ? add_int(u, node, "to", i) : status;
    }
    return MEXPR_OK;
}

/* What opset 1 took for standard, to fewer digits. */
static mexpr_status selu(mx_upgrade *u, mx_node_source *node)
{
    const mx_attribute alpha = {
        .name = "alpha", .kind = MX_ATTRIBUTE_FLOAT, .f = 1.6732f};
    const mx_attribute gamma = {
        .name = "gamma", .kind = MX_ATTRIBUTE_FLOAT, .f = 1.0507f};
    mexpr_status status = MEXPR_OK;
    if (u->opset < 6 && !attribute_of(node, "alpha"))
        status = add_attribute(u, node, &alpha);
    if (status == MEXPR_OK && u->opset < 6 && !attribute_of(node, "gamma"))
        status = add_attribute(u, node, &gamma);
    return status;
}

/* Upsample, and Resize of opset 10: scales from corner to corner, rounded down. */
static mexpr_status resize(mx_upgrade *u, mx_node_source *node)
{
    const mx_attribute *mode = attribute_of(node, "mode");
    const bool is_bilinear =
        mode && mode->kind == MX_ATTRIBUTE_STRING && strcmp(mode->s, "bilinear") == 0;
    mexpr_status status = move_attribute(u, node, "scales", 1);
    if (status == MEXPR_OK && node->n_inputs == 2) {
        const char *scales = node->inputs[1], *region;
        status = put_constant(u, node, MEXPR_DTYPE_F32, 1, NULL, 0, &region);
        if (status == MEXPR_OK)
            status = set_input(u, node, 2, scales);
        if (status == MEXPR_OK)
            status = set_input(u, node, 1, region);
    }
    if (status == MEXPR_OK && is_bilinear)
        status = drop(u, node, "mode");
    if (status == MEXPR_OK && is_bilinear)
        status = add_text(u, node, "mode", "linear");
    if (status == MEXPR_OK)
        status = add_text(u, node, "coordinate_transformation_mode", "asymmetric");
    return status == MEXPR_OK ? add_text(u, node, "nearest_mode", "floor") : status;
}

/* --- all --------------------------------------------------------------------------- */

const char *mx_upgrade_operator(const char *op_type)
{
    return strcmp(op_type, "Upsample") == 0 ? "Resize" : op_type;
}

static const struct {
    const char *op;
    mexpr_status (*change)(mx_upgrade *u, mx_node_source *node);
} changes[] = {
    {"Add", broadcast},
    {"And", broadcast},
    {"BatchNormalization", batch_norm},
    {"Cast", cast},
    {"Clip", clip},
    {"Concat", concat},
    {"Div", broadcast},
    {"Dropout", dropout},
    {"Equal", broadcast},
    {"GRU", recurrent},
    {"Gemm", broadcast},
    {"Greater", broadcast},
    {"LSTM", recurrent},
    {"Less", broadcast},
    {"Mul", broadcast},
    {"Or", broadcast},
    {"PRelu", prelu},
    {"Pad", pad},
    {"Pow", broadcast},
    {"RNN", recurrent},
    {"Reshape", reshape},
    {"Resize", resize},
    {"Selu", selu},
    {"Slice", slice},
    {"Sub", broadcast},
    {"TopK", top_k},
    {"Xor", broadcast},
};

mexpr_status mx_upgrade_node(mx_upgrade *u, mx_node_source *node)
{
    mexpr_status status = drop(u, node, "consumed_inputs");
    for (size_t i = 0; status == MEXPR_OK && i < sizeof changes / sizeof *changes; i++) {
        if (strcmp(changes[i].op, node->op_type) == 0)
            return changes[i].change(u, node);
    }
    return status;
}
