/* SPDX-License-Identifier: MIT */
#include "model/graph.h"

#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "model/operator.h"

/* --- life -------------------------------------------------------------------------- */

void mx_graph_init(mx_graph *graph, mexpr_context *context)
{
    memset(graph, 0, sizeof *graph);
    graph->context = context;
    graph->name = "";
    graph->producer = "";
    graph->rewrites = MEXPR_REWRITE_ALL;
    graph->keeps_source = true;
    mx_arena_init(&graph->arena, context);
}

void mx_graph_release(mx_graph *graph)
{
    for (int i = 0; i < graph->n_values; i++)
        mx_free(graph->context, graph->values[i].block);
    mx_arena_release(&graph->arena);
    memset(graph, 0, sizeof *graph);
}

bool mx_graph_keeps(const mx_graph *graph, int value)
{
    const mx_value *v = &graph->values[value];
    return graph->keeps_source && value < graph->n_file_values && v->producer < 0 &&
           !v->panels;
}

void mx_graph_weight_bytes(const mx_graph *graph, uint64_t *all, uint64_t *spare)
{
    *all = *spare = 0;
    for (int i = 0; i < graph->n_values; i++) {
        const mx_value *value = &graph->values[i];
        const size_t bytes = value->block ? mx_tensor_bytes(&value->tensor) : 0;
        *all += bytes;
        *spare += value->is_spare ? bytes : 0;
    }
}

/* Makes room for one more element. What the array outgrows stays in the arena: no more
 * than the array itself in the end. */
static mexpr_status grow(
    mx_scope *scope, mx_graph *graph, void *array, int n, int *capacity, size_t size)
{
    void *old, *new;
    if (n < *capacity)
        return MEXPR_OK;
    if (n > INT32_MAX / 4)
        return mx_fail(scope, MEXPR_E_LIMIT, "the graph is too large");
    const int wanted = n < 8 ? 16 : 2 * n;
    new = mx_arena_alloc(scope, &graph->arena, (size_t)wanted, size);
    if (!new)
        return MEXPR_E_NOMEM;
    memcpy(&old, array, sizeof old);
    if (n > 0)
        memcpy(new, old, (size_t)n * size);
    memcpy(array, &new, sizeof new);
    *capacity = wanted;
    return MEXPR_OK;
}

const char *mx_node_label(const mx_node *node, char *text)
{
    if (node->name[0])
        snprintf(text, MX_LABEL_SIZE, "node '%.80s' (%.40s)", node->name, node->op_type);
    else
        snprintf(text, MX_LABEL_SIZE, "node %d (%.40s)", node->index, node->op_type);
    return text;
}

/* --- values by name ---------------------------------------------------------------- */

/* FNV-1a. */
static size_t hash(const char *text)
{
    uint64_t h = 14695981039346656037u;
    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * 1099511628211u;
    return (size_t)(h ^ h >> 32);
}

/* The slot where the name is, or would be. */
static size_t slot_of(const mx_graph *graph, const char *name)
{
    size_t slot = hash(name) & (graph->table_size - 1);
    while (graph->table[slot] &&
           strcmp(graph->values[graph->table[slot] - 1].name, name) != 0)
        slot = (slot + 1) & (graph->table_size - 1);
    return slot;
}

static mexpr_status grow_table(mx_scope *scope, mx_graph *graph)
{
    const size_t size = graph->table_size ? graph->table_size * 2 : 64;
    int *table = mx_arena_alloc(scope, &graph->arena, size, sizeof *table);
    if (!table)
        return MEXPR_E_NOMEM;
    graph->table = table;
    graph->table_size = size;
    for (int i = 0; i < graph->n_values; i++) {
        if (graph->values[i].name[0])
            table[slot_of(graph, graph->values[i].name)] = i + 1;
    }
    return MEXPR_OK;
}

int mx_graph_find(const mx_graph *graph, const char *name)
{
    return graph->table_size ? graph->table[slot_of(graph, name)] - 1 : -1;
}

/* A value without a name cannot be found again: the graph's own. */
static mexpr_status new_value(
    mx_scope *scope, mx_graph *graph, const char *name, int *value)
{
    mexpr_status status = grow(scope, graph, &graph->values, graph->n_values,
        &graph->values_capacity, sizeof *graph->values);
    if (status == MEXPR_OK && (size_t)graph->n_values * 2 >= graph->table_size)
        status = grow_table(scope, graph);
    if (status != MEXPR_OK)
        return status;
    char *copy = mx_arena_strdup(scope, &graph->arena, name);
    if (!copy)
        return MEXPR_E_NOMEM;
    *value = graph->n_values;
    if (name[0])
        graph->table[slot_of(graph, name)] = *value + 1;
    graph->values[graph->n_values++] =
        (mx_value){.name = copy, .producer = -1, .tensor = MX_TENSOR_UNKNOWN};
    return MEXPR_OK;
}

mexpr_status mx_graph_value(
    mx_scope *scope, mx_graph *graph, const char *name, int *value)
{
    *value = mx_graph_find(graph, name);
    return *value >= 0 ? MEXPR_OK : new_value(scope, graph, name, value);
}

/* A value that something is about to make; nothing else may. */
static mexpr_status claim(mx_scope *scope, mx_graph *graph, const char *name, int *value)
{
    if (!name[0])
        return mx_fail(scope, MEXPR_E_MODEL, "an input or initializer has no name");
    const mexpr_status status = mx_graph_value(scope, graph, name, value);
    if (status != MEXPR_OK)
        return status;
    const mx_value *v = &graph->values[*value];
    if (v->producer >= 0 || v->is_input || v->tensor.data)
        return mx_fail(scope, MEXPR_E_MODEL, "the tensor '%.200s' is made twice", name);
    return MEXPR_OK;
}

/* --- building ---------------------------------------------------------------------- */

mexpr_status mx_graph_add_input(
    mx_scope *scope, mx_graph *graph, const char *name, const mx_tensor *declared)
{
    int value;
    mexpr_status status = claim(scope, graph, name, &value);
    if (status == MEXPR_OK)
        status = grow(scope, graph, &graph->inputs, graph->n_inputs,
            &graph->inputs_capacity, sizeof *graph->inputs);
    if (status != MEXPR_OK)
        return status;
    mx_value *v = &graph->values[value];
    v->is_input = true;
    v->tensor = *declared;
    v->tensor.data = NULL;
    graph->inputs[graph->n_inputs++] =
        (mx_port){.name = v->name, .value = value, .declared = v->tensor};
    return MEXPR_OK;
}

mexpr_status mx_graph_add_output(
    mx_scope *scope, mx_graph *graph, const char *name, const mx_tensor *declared)
{
    int value;
    if (!name[0])
        return mx_fail(scope, MEXPR_E_MODEL, "an output of the model has no name");
    mexpr_status status = mx_graph_value(scope, graph, name, &value);
    if (status == MEXPR_OK && graph->values[value].is_output)
        return mx_fail(scope, MEXPR_E_MODEL, "the output '%.200s' is there twice", name);
    if (status == MEXPR_OK)
        status = grow(scope, graph, &graph->outputs, graph->n_outputs,
            &graph->outputs_capacity, sizeof *graph->outputs);
    if (status != MEXPR_OK)
        return status;
    mx_port *port = &graph->outputs[graph->n_outputs++];
    *port = (mx_port){
        .name = graph->values[value].name, .value = value, .declared = *declared};
    port->declared.data = NULL;
    graph->values[value].is_output = true;
    return MEXPR_OK;
}

mexpr_status mx_graph_add_constant(
    mx_scope *scope, mx_graph *graph, const char *name, const mx_tensor *tensor)
{
    int value;
    const mexpr_status status = claim(scope, graph, name, &value);
    if (status != MEXPR_OK) {
        mx_free(graph->context, tensor->data);
        return status;
    }
    mx_value *v = &graph->values[value];
    v->tensor = *tensor;
    v->block = tensor->data;
    graph->n_parameters += (uint64_t)mx_tensor_count(tensor);
    return MEXPR_OK;
}

mexpr_status mx_graph_own_value(
    mx_scope *scope, mx_graph *graph, const mx_tensor *tensor, int *value)
{
    const mexpr_status status = new_value(scope, graph, "", value);
    if (status != MEXPR_OK) {
        mx_free(graph->context, tensor->data);
        return status;
    }
    graph->values[*value].tensor = *tensor;
    graph->values[*value].block = tensor->data;
    return MEXPR_OK;
}

mexpr_status mx_graph_own_node(
    mx_scope *scope, mx_graph *graph, const mx_node *node, int *index)
{
    const mexpr_status status = grow(scope, graph, &graph->nodes, graph->n_nodes,
        &graph->nodes_capacity, sizeof *graph->nodes);
    if (status != MEXPR_OK)
        return status;
    *index = graph->n_nodes++;
    graph->nodes[*index] = *node;
    return MEXPR_OK;
}

static mexpr_status copy_attribute(
    mx_scope *scope, mx_arena *arena, const mx_attribute *from, mx_attribute *to)
{
    *to = *from;
    to->name = mx_arena_strdup(scope, arena, from->name);
    to->s = mx_arena_strdup(scope, arena, from->s ? from->s : "");
    int64_t *ints = mx_arena_raw(scope, arena, from->n, sizeof *ints);
    float *floats = mx_arena_raw(scope, arena, from->n, sizeof *floats);
    const char **strings = mx_arena_raw(scope, arena, from->n, sizeof *strings);
    if (!to->name || !to->s || !ints || !floats || !strings)
        return MEXPR_E_NOMEM;
    for (size_t i = 0; i < from->n; i++) {
        if (from->kind == MX_ATTRIBUTE_INTS)
            ints[i] = from->ints[i];
        else if (from->kind == MX_ATTRIBUTE_FLOATS)
            floats[i] = from->floats[i];
        else if (!(strings[i] = mx_arena_strdup(scope, arena, from->strings[i])))
            return MEXPR_E_NOMEM;
    }
    to->ints = ints;
    to->floats = floats;
    to->strings = strings;
    return MEXPR_OK;
}

static mexpr_status copy_attributes(
    mx_scope *scope, mx_graph *graph, const mx_node_source *source, mx_node *node)
{
    node->n_attributes = source->n_attributes;
    node->attributes = mx_arena_alloc(
        scope, &graph->arena, source->n_attributes, sizeof *node->attributes);
    if (!node->attributes)
        return MEXPR_E_NOMEM;
    for (size_t i = 0; i < source->n_attributes; i++) {
        const mexpr_status status = copy_attribute(
            scope, &graph->arena, &source->attributes[i], &node->attributes[i]);
        if (status != MEXPR_OK)
            return status;
    }
    return MEXPR_OK;
}

static mexpr_status link_inputs(
    mx_scope *scope, mx_graph *graph, const mx_node_source *source, mx_node *node)
{
    node->n_inputs = (int)source->n_inputs;
    node->inputs = mx_arena_raw(scope, &graph->arena, source->n_inputs, sizeof(int));
    if (!node->inputs)
        return MEXPR_E_NOMEM;
    for (size_t i = 0; i < source->n_inputs; i++) {
        node->inputs[i] = -1;
        if (!source->inputs[i][0])
            continue;
        const mexpr_status status =
            mx_graph_value(scope, graph, source->inputs[i], &node->inputs[i]);
        if (status != MEXPR_OK)
            return status;
    }
    return MEXPR_OK;
}

static mexpr_status link_outputs(
    mx_scope *scope, mx_graph *graph, const mx_node_source *source, mx_node *node)
{
    node->n_outputs = (int)source->n_outputs;
    node->outputs = mx_arena_raw(scope, &graph->arena, source->n_outputs, sizeof(int));
    if (!node->outputs)
        return MEXPR_E_NOMEM;
    for (size_t i = 0; i < source->n_outputs; i++) {
        node->outputs[i] = -1;
        if (!source->outputs[i][0])
            continue;
        const mexpr_status status =
            claim(scope, graph, source->outputs[i], &node->outputs[i]);
        if (status != MEXPR_OK)
            return status;
        graph->values[node->outputs[i]].producer = node->index;
    }
    return MEXPR_OK;
}

/* --- checks of one node ------------------------------------------------------------ */

/* The kind that the operator's entry gives an attribute, 0: none of that name. */
static char kind_in(const char *list, const char *name)
{
    const size_t length = strlen(name);
    for (const char *at = list; at && *at;) {
        if (strncmp(at, name, length) == 0 && at[length] == ':')
            return at[length + 1];
        at = strchr(at, ' ');
        at = at ? at + 1 : NULL;
    }
    return 0;
}

static const char *kind_name(char kind)
{
    switch (kind) {
    case MX_ATTRIBUTE_INT:
        return "an integer";
    case MX_ATTRIBUTE_FLOAT:
        return "a float";
    case MX_ATTRIBUTE_STRING:
        return "a string";
    case MX_ATTRIBUTE_TENSOR:
        return "a tensor";
    case MX_ATTRIBUTE_INTS:
        return "a list of integers";
    case MX_ATTRIBUTE_FLOATS:
        return "a list of floats";
    default:
        return "a list of strings";
    }
}

static mexpr_status check_attributes(mx_scope *scope, const mx_node *node)
{
    for (size_t i = 0; i < node->n_attributes; i++) {
        const mx_attribute *a = &node->attributes[i];
        const char kind = kind_in(node->op->attributes, a->name);
        if (!kind)
            return mx_fail(scope, MEXPR_E_OPERATOR,
                "the attribute '%.100s' is not one of this operator's", a->name);
        if (kind != (char)a->kind)
            return mx_fail(scope, MEXPR_E_MODEL,
                "the attribute '%.100s' must be %s, but is %s", a->name, kind_name(kind),
                kind_name((char)a->kind));
        for (size_t k = 0; k < i; k++) {
            if (strcmp(node->attributes[k].name, a->name) == 0)
                return mx_fail(scope, MEXPR_E_MODEL,
                    "the attribute '%.100s' is there twice", a->name);
        }
    }
    return MEXPR_OK;
}

static mexpr_status check_arity(mx_scope *scope, const mx_node *node)
{
    const mx_operator *op = node->op;
    const bool too_many =
        !(op->flags & MX_OP_VARIADIC) && node->n_inputs > op->max_inputs;
    if (node->n_inputs < op->min_inputs || too_many)
        return mx_fail(scope, MEXPR_E_MODEL,
            "it has %d inputs, but the operator takes %d%s", node->n_inputs,
            too_many ? op->max_inputs : op->min_inputs,
            too_many ? " at most" : " or more");
    for (int i = 0; i < node->n_inputs; i++) {
        const bool required = i < op->min_inputs || op->flags & MX_OP_VARIADIC;
        if (required && node->inputs[i] < 0)
            return mx_fail(scope, MEXPR_E_MODEL, "its input %d is left out", i);
    }
    if (node->n_outputs < op->min_outputs || node->n_outputs > op->max_outputs)
        return mx_fail(scope, MEXPR_E_MODEL,
            "it has %d outputs, but the operator has %d to %d", node->n_outputs,
            op->min_outputs, op->max_outputs);
    for (int i = 0; i < op->min_outputs; i++) {
        if (node->outputs[i] < 0)
            return mx_fail(scope, MEXPR_E_MODEL, "its output %d is left out", i);
    }
    return MEXPR_OK;
}

static mexpr_status check_node(mx_scope *scope, mx_node *node)
{
    char label[MX_LABEL_SIZE];
    mexpr_status status =
        mx_operator_find(scope, node->domain, node->op_type, node->opset, &node->op);
    if (status == MEXPR_OK)
        status = check_arity(scope, node);
    if (status == MEXPR_OK)
        status = check_attributes(scope, node);
    if (status != MEXPR_OK)
        mx_fail_prefix(scope, status, mx_node_label(node, label));
    return status;
}

mexpr_status mx_graph_add_node(
    mx_scope *scope, mx_graph *graph, const mx_node_source *source)
{
    const uint64_t limit = mx_context_limits(scope->context)->nodes;
    if ((uint64_t)graph->n_nodes >= limit)
        return mx_fail(scope, MEXPR_E_LIMIT,
            "the model has more nodes than the limit max_nodes of %llu; raise it in the "
            "context options",
            (unsigned long long)limit);
    mexpr_status status = grow(scope, graph, &graph->nodes, graph->n_nodes,
        &graph->nodes_capacity, sizeof *graph->nodes);
    if (status != MEXPR_OK)
        return status;
    const bool is_known =
        mx_operator_is_known(source->domain, source->op_type, source->opset);
    mx_node node = {
        .index = graph->n_nodes, .opset = source->opset, .gate = source->gate - 1};
    node.name = mx_arena_strdup(scope, &graph->arena, source->name);
    node.op_type = mx_arena_strdup(scope, &graph->arena, source->op_type);
    node.domain = mx_arena_strdup(scope, &graph->arena, source->domain);
    if (!node.name || !node.op_type || !node.domain)
        return MEXPR_E_NOMEM;
    status = copy_attributes(scope, graph, source, &node);
    if (status == MEXPR_OK)
        status = link_inputs(scope, graph, source, &node);
    if (status == MEXPR_OK)
        status = link_outputs(scope, graph, source, &node);
    if (status == MEXPR_OK && source->gate > 0 && !is_known)
        node.op = &mx_unknown_operator;
    else if (status == MEXPR_OK)
        status = check_node(scope, &node);
    if (status == MEXPR_OK)
        graph->nodes[graph->n_nodes++] = node;
    return status;
}

mexpr_status mx_graph_add_gate(
    mx_scope *scope, mx_graph *graph, const mx_gate *gate, int *number)
{
    const mexpr_status status = grow(scope, graph, &graph->gates, graph->n_gates,
        &graph->gates_capacity, sizeof *graph->gates);
    char *label = mx_arena_strdup(scope, &graph->arena, gate->label);
    if (status != MEXPR_OK || !label)
        return MEXPR_E_NOMEM;
    graph->gates[graph->n_gates] = *gate;
    graph->gates[graph->n_gates++].label = label;
    *number = graph->n_gates;
    return MEXPR_OK;
}

void mx_graph_count(mx_graph *graph, uint32_t rewrite)
{
    for (int bit = 0; bit < MX_N_REWRITES; bit++) {
        if (rewrite == 1u << bit)
            graph->n_rewrites[bit]++;
    }
}
