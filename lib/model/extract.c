/* SPDX-License-Identifier: MIT */
/* A part of a model as a model of its own. Its weights stay with the model it was taken
 * from, which it keeps alive. */
#include <string.h>

#include "model/extract.h"
#include "model/operator.h"
#include "model/panels.h"

/* What is being taken out of `from`. */
typedef struct extract {
    mx_scope *scope;
    const mx_graph *from;
    mx_graph *to;
    bool *is_cut;    /* by value of `from`: an input of the part */
    bool *is_needed; /* by value */
    bool *is_live;   /* by node: makes something that is needed */
} extract;

/* --- what is needed ---------------------------------------------------------------- */

static mexpr_status find_value(extract *e, const char *name, int *value)
{
    *value = name ? mx_graph_find(e->from, name) : -1;
    if (*value >= 0)
        return MEXPR_OK;
    return mx_fail(e->scope, MEXPR_E_NOT_FOUND, "the model has no tensor '%.200s'",
        name ? name : "(NULL)");
}

static mexpr_status mark(extract *e, const char *const *names, size_t n, bool *is_marked)
{
    for (size_t i = 0; i < n; i++) {
        int value;
        const mexpr_status status = find_value(e, names[i], &value);
        if (status != MEXPR_OK)
            return status;
        is_marked[value] = true;
    }
    return MEXPR_OK;
}

/* Backwards from the outputs up to where it is cut. */
static void find_live(extract *e)
{
    const mx_graph *from = e->from;
    for (int i = from->n_file_nodes - 1; i >= 0; i--) {
        const int index = from->order ? from->order[i] : i;
        const mx_node *node = &from->nodes[index];
        for (int k = 0; k < node->n_outputs; k++) {
            const int value = node->outputs[k];
            e->is_live[index] = e->is_live[index] ||
                                (value >= 0 && e->is_needed[value] && !e->is_cut[value]);
        }
        for (int k = 0; e->is_live[index] && k < node->n_inputs; k++) {
            if (node->inputs[k] >= 0)
                e->is_needed[node->inputs[k]] = true;
        }
    }
}

/* --- making it --------------------------------------------------------------------- */

static mexpr_status add_inputs(extract *e, const char *const *names, size_t n, bool all)
{
    for (size_t i = 0; i < n; i++) {
        const int value = mx_graph_find(e->from, names[i]);
        mx_tensor declared = e->from->values[value].tensor;
        if (!all && !e->is_needed[value])
            continue;
        if (!declared.dtype)
            return mx_fail(e->scope, MEXPR_E_TYPE,
                "the type of '%.200s' is not known before running, so that it cannot be "
                "an input",
                names[i]);
        declared.data = NULL;
        const mexpr_status status =
            mx_graph_add_input(e->scope, e->to, names[i], &declared);
        if (status != MEXPR_OK)
            return status;
    }
    return MEXPR_OK;
}

/* Initializers, with the data of the model; where those are in panels, with a copy. */
static mexpr_status add_constants(extract *e)
{
    for (int i = 0; i < e->from->n_file_values; i++) {
        const mx_value *source = &e->from->values[i];
        int value;
        if (!e->is_needed[i] || e->is_cut[i] || source->producer >= 0)
            continue;
        if (source->is_input)
            return mx_fail(e->scope, MEXPR_E_MODEL,
                "the outputs need the model's input '%.200s', which is not among the "
                "inputs",
                source->name);
        const mexpr_status status = mx_graph_value(e->scope, e->to, source->name, &value);
        if (status != MEXPR_OK)
            return status;
        e->to->values[value].tensor = source->tensor;
        e->to->values[value].is_trainable = source->is_trainable;
        e->to->n_parameters += (uint64_t)mx_tensor_count(&source->tensor);
        if (source->tensor.data || !mx_value_has_numbers(source))
            continue;
        void *numbers = mx_alloc(e->scope, mx_tensor_bytes(&source->tensor), 1);
        if (!numbers)
            return MEXPR_E_NOMEM;
        mx_value_numbers(e->from, source, numbers);
        e->to->values[value].tensor.data = e->to->values[value].block = numbers;
    }
    return MEXPR_OK;
}

static const char *name_of(const extract *e, int value)
{
    return value < 0 ? "" : e->from->values[value].name;
}

static mexpr_status add_node(extract *e, const mx_node *node)
{
    const size_t n_inputs = (size_t)node->n_inputs, n_outputs = (size_t)node->n_outputs;
    const char **names =
        mx_arena_alloc(e->scope, &e->to->arena, n_inputs + n_outputs, sizeof *names);
    if (!names)
        return MEXPR_E_NOMEM;
    for (int k = 0; k < node->n_inputs; k++)
        names[k] = name_of(e, node->inputs[k]);
    for (int k = 0; k < node->n_outputs; k++)
        names[node->n_inputs + k] = name_of(e, node->outputs[k]);
    /* The branch that was taken of an If is an Identity. */
    const mx_node_source source = {node->name, node->op->name, node->domain, node->opset,
        0, n_inputs, n_outputs, node->n_attributes, names, names + n_inputs,
        node->attributes};
    return mx_graph_add_node(e->scope, e->to, &source);
}

static mexpr_status add_nodes(extract *e)
{
    const mx_graph *from = e->from;
    for (int i = 0; i < from->n_file_nodes; i++) {
        const int index = from->order ? from->order[i] : i;
        const mexpr_status status =
            e->is_live[index] ? add_node(e, &from->nodes[index]) : MEXPR_OK;
        if (status != MEXPR_OK)
            return status;
    }
    return MEXPR_OK;
}

static mexpr_status add_outputs(extract *e, const char *const *names, size_t n)
{
    static const mx_tensor declared = MX_TENSOR_UNKNOWN;
    for (size_t i = 0; i < n; i++) {
        const mexpr_status status =
            mx_graph_add_output(e->scope, e->to, names[i], &declared);
        if (status != MEXPR_OK)
            return status;
    }
    return MEXPR_OK;
}

/* The texts are the model's. */
static void copy_header(const mx_graph *from, mx_graph *to)
{
    to->name = from->name;
    to->producer = from->producer;
    to->opset = from->opset;
    to->ir_version = from->ir_version;
    to->n_imports = from->n_imports;
    to->imports = from->imports;
    to->n_metadata = from->n_metadata;
    to->metadata = from->metadata;
    to->rewrites = from->rewrites;
}

static mexpr_status fill(extract *e, const mx_part *part)
{
    const size_t n_values = (size_t)e->from->n_values;
    e->is_cut = mx_arena_alloc(e->scope, &e->to->arena, n_values, sizeof *e->is_cut);
    e->is_needed =
        mx_arena_alloc(e->scope, &e->to->arena, n_values, sizeof *e->is_needed);
    e->is_live = mx_arena_alloc(
        e->scope, &e->to->arena, (size_t)e->from->n_nodes, sizeof *e->is_live);
    if (!e->is_cut || !e->is_needed || !e->is_live)
        return MEXPR_E_NOMEM;
    mexpr_status status = mark(e, part->inputs, part->n_inputs, e->is_cut);
    if (status == MEXPR_OK)
        status = mark(e, part->outputs, part->n_outputs, e->is_needed);
    if (status != MEXPR_OK)
        return status;
    find_live(e);
    status = add_inputs(e, part->inputs, part->n_inputs, !part->drops_unused);
    if (status == MEXPR_OK)
        status = add_constants(e);
    if (status == MEXPR_OK)
        status = add_nodes(e);
    if (status == MEXPR_OK)
        status = add_outputs(e, part->outputs, part->n_outputs);
    return status == MEXPR_OK ? mx_graph_finish(e->scope, e->to) : status;
}

mexpr_status mx_model_extract(
    mx_scope *scope, mexpr_model *model, const mx_part *part, mexpr_model **out)
{
    mexpr_model *made;
    mexpr_status status = mx_model_create(scope, &made);
    if (status != MEXPR_OK)
        return status;
    made->owner = mexpr_model_retain(model);
    copy_header(&model->graph, &made->graph);
    extract e = {.scope = scope, .from = &model->graph, .to = &made->graph};
    status = fill(&e, part);
    if (status == MEXPR_OK)
        *out = made;
    else
        mexpr_model_destroy(&made);
    return status;
}

mexpr_status mexpr_model_extract(mexpr_context *context, mexpr_model *model,
    const char *const *inputs, size_t n_inputs, const char *const *outputs,
    size_t n_outputs, mexpr_model **out)
{
    if (out)
        *out = NULL;
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!model || !out || (!inputs && n_inputs > 0) || !outputs)
        return mx_fail(scope, MEXPR_E_ARG, "mexpr_model_extract() was given NULL");
    const mx_part part = {inputs, n_inputs, outputs, n_outputs, false};
    return mx_model_extract(scope, model, &part, out);
}
