/* SPDX-License-Identifier: MIT */
#include "model/graph_copy.h"

#include <stdio.h>
#include <string.h>

#include "model/operator.h"
#include "model/panels.h"

/* A name, and room for it when it is put together here. */
typedef struct name_room {
    char text[MX_COPY_NAME];
} name_room;

void mx_copy_rename(mx_copy_names *names, const char *from, const char *to)
{
    names->pairs[names->n].from = from;
    snprintf(names->pairs[names->n++].to, MX_COPY_NAME, "%s", to);
}

/* Names too long for the prefix are told apart by `number`. */
static const char *renamed(
    const mx_copy_names *names, const char *name, int number, name_room *room)
{
    for (int k = 0; k < names->n; k++)
        if (strcmp(names->pairs[k].from, name) == 0)
            return names->pairs[k].to;
    if (!names->prefix || !*name)
        return name;
    const int size = snprintf(room->text, MX_COPY_NAME, "%s%s", names->prefix, name);
    if (size >= MX_COPY_NAME)
        snprintf(room->text, MX_COPY_NAME, "%.40s#%d", names->prefix, number);
    return room->text;
}

static void add_tensor(
    mexpr_builder *b, const char *name, const mx_tensor *tensor, const bool *is_trainable)
{
    mexpr_tensor_view view = MEXPR_TENSOR_VIEW_INIT;
    view.dtype = tensor->dtype;
    view.rank = tensor->rank;
    for (int k = 0; k < tensor->rank; k++)
        view.dims[k] = tensor->dims[k];
    view.data = tensor->data;
    if (is_trainable)
        mexpr_builder_initializer(
            b, name, &view, *is_trainable ? MEXPR_ROLE_PARAMETER : MEXPR_ROLE_CONSTANT);
    else
        mexpr_builder_tensor(b, name, &view);
}

static void add_attribute(mexpr_builder *b, const mx_attribute *a)
{
    switch (a->kind) {
    case MX_ATTRIBUTE_INT:
        mexpr_builder_int(b, a->name, a->i);
        break;
    case MX_ATTRIBUTE_FLOAT:
        mexpr_builder_float(b, a->name, a->f);
        break;
    case MX_ATTRIBUTE_STRING:
        mexpr_builder_string(b, a->name, a->s);
        break;
    case MX_ATTRIBUTE_TENSOR:
        add_tensor(b, a->name, &a->t, NULL);
        break;
    case MX_ATTRIBUTE_INTS:
        mexpr_builder_ints(b, a->name, a->ints, a->n);
        break;
    case MX_ATTRIBUTE_FLOATS:
        mexpr_builder_floats(b, a->name, a->floats, a->n);
        break;
    case MX_ATTRIBUTE_STRINGS:
        mexpr_builder_strings(b, a->name, a->strings, a->n);
        break;
    }
}

static mexpr_status add_node(mx_scope *scope, mexpr_builder *b, const mx_graph *graph,
    const mx_node *node, const mx_copy_names *names)
{
    const size_t n_inputs = (size_t)node->n_inputs, n_outputs = (size_t)node->n_outputs;
    const size_t n = n_inputs + n_outputs;
    name_room own, *rooms = mx_alloc(scope, n, sizeof *rooms);
    const char **list = mx_alloc(scope, n, sizeof *list);
    for (size_t k = 0; rooms && list && k < n; k++) {
        const int value = k < n_inputs ? node->inputs[k] : node->outputs[k - n_inputs];
        list[k] =
            value < 0 ? "" : renamed(names, graph->values[value].name, value, &rooms[k]);
    }
    if (rooms && list) {
        for (size_t k = 0; k < node->n_attributes; k++)
            add_attribute(b, &node->attributes[k]);
        mexpr_builder_node(b, node->op->name, node->domain, list, n_inputs,
            list + n_inputs, n_outputs, renamed(names, node->name, node->index, &own));
    }
    const mexpr_status status = rooms && list ? MEXPR_OK : MEXPR_E_NOMEM;
    mx_free(scope->context, list);
    mx_free(scope->context, rooms);
    return status;
}

static mexpr_status add_weights(
    mx_scope *scope, mexpr_builder *b, const mx_graph *graph, const mx_copy_names *names)
{
    name_room room;
    for (int k = 0; k < graph->n_file_values; k++) {
        const mx_value *value = &graph->values[k];
        if (value->producer >= 0 || value->is_input)
            continue;
        if (!value->tensor.data)
            return mx_fail(scope, MEXPR_E_STATE,
                "the initializer '%.200s' is gone: the model was loaded to be run only",
                value->name);
        add_tensor(b, renamed(names, value->name, k, &room), &value->tensor,
            &value->is_trainable);
    }
    return MEXPR_OK;
}

static mexpr_status add_graph(
    mx_scope *scope, mexpr_builder *b, const mx_graph *graph, const mx_copy_names *names)
{
    mexpr_status status = add_weights(scope, b, graph, names);
    for (int k = 0; k < graph->n_file_nodes && status == MEXPR_OK; k++) {
        const mx_node *node = &graph->nodes[graph->order ? graph->order[k] : k];
        if (!node->is_shut)
            status = add_node(scope, b, graph, node, names);
    }
    return status;
}

mexpr_status mx_graph_copy(mx_scope *scope, mexpr_builder *builder,
    const mexpr_model *model, const mx_copy_names *names)
{
    mx_arena arena;
    mx_graph graph;
    mx_arena_init(&arena, scope->context);
    mexpr_status status = mx_graph_unpacked(scope, &model->graph, &arena, &graph);
    if (status == MEXPR_OK)
        status = add_graph(scope, builder, &graph, names);
    mx_arena_release(&arena);
    return status;
}
