/* SPDX-License-Identifier: MIT */
#include "model/reader.h"

#include <stdio.h>
#include <string.h>

#include "base/comma_list.h"
#include "model/operator.h"
#include "model/reader_parts.h"

enum { IR_FIRST = 3, IR_LAST = 10, OPSET_LAST = 21, ML_LAST = 5 };

static const char ml_domain[] = "ai.onnx.ml";

/* --- header ------------------------------------------------------------------------ */

static bool is_onnx_domain(const char *domain)
{
    return domain[0] == '\0' || strcmp(domain, "ai.onnx") == 0;
}

static mexpr_status read_versions(mx_reader *r)
{
    const Mx__Onnx__Model *model = r->wire.model;
    if (model->ir_version < IR_FIRST || model->ir_version > IR_LAST)
        return mx_fail(r->scope, MEXPR_E_OPSET,
            "the file is of IR version %lld; %d to %d can be read",
            (long long)model->ir_version, IR_FIRST, IR_LAST);
    int64_t opset = 0;
    for (size_t i = 0; i < model->n_opset_import; i++) {
        if (is_onnx_domain(model->opset_import[i]->domain))
            opset = model->opset_import[i]->version;
        else if (strcmp(model->opset_import[i]->domain, ml_domain) == 0)
            r->ml_opset = model->opset_import[i]->version;
    }
    if (r->ml_opset < 0 || r->ml_opset > ML_LAST)
        return mx_fail(r->scope, MEXPR_E_OPSET,
            "the model is of opset %lld of the domain %s; 1 to %d are supported",
            (long long)r->ml_opset, ml_domain, ML_LAST);
    if (opset == 0 && r->ml_opset > 0) /* nothing of the ONNX domain */
        opset = MX_UPGRADE_OPSET;
    if (opset < 1 || opset > OPSET_LAST)
        return mx_fail(r->scope, MEXPR_E_OPSET,
            "the model is of opset %lld; 1 to %d are supported: convert or export it "
            "anew",
            (long long)opset, OPSET_LAST);
    if (opset < MX_UPGRADE_OPSET)
        r->upgrade = (mx_upgrade){r->scope, r->graph, &r->arena, (int)opset, 0};
    r->graph->opset = opset < MX_UPGRADE_OPSET ? MX_UPGRADE_OPSET : (int)opset;
    r->graph->ir_version = model->ir_version;
    if (r->wire.has_functions)
        return mx_fail(r->scope, MEXPR_E_OPERATOR,
            "the model defines functions of its own, which is not supported: export it "
            "with "
            "them inlined");
    if (r->wire.has_sparse)
        return mx_fail(r->scope, MEXPR_E_TYPE,
            "the model has sparse initializers, which are not supported");
    return MEXPR_OK;
}

static mexpr_status read_imports(mx_reader *r)
{
    const Mx__Onnx__Model *model = r->wire.model;
    mx_graph *graph = r->graph;
    graph->imports = mx_arena_alloc(
        r->scope, &graph->arena, model->n_opset_import, sizeof *graph->imports);
    if (!graph->imports)
        return MEXPR_E_NOMEM;
    graph->n_imports = model->n_opset_import;
    for (size_t i = 0; i < graph->n_imports; i++) {
        graph->imports[i].version = is_onnx_domain(model->opset_import[i]->domain)
                                        ? graph->opset
                                        : model->opset_import[i]->version;
        graph->imports[i].domain =
            mx_arena_strdup(r->scope, &graph->arena, model->opset_import[i]->domain);
        if (!graph->imports[i].domain)
            return MEXPR_E_NOMEM;
    }
    return MEXPR_OK;
}

static mexpr_status read_texts(mx_reader *r)
{
    const Mx__Onnx__Model *model = r->wire.model;
    mx_graph *graph = r->graph;
    graph->name = mx_arena_strdup(r->scope, &graph->arena, r->wire.graph->name);
    graph->producer = mx_arena_strdup(r->scope, &graph->arena, model->producer_name);
    graph->metadata = mx_arena_alloc(
        r->scope, &graph->arena, model->n_metadata_props, sizeof *graph->metadata);
    if (!graph->name || !graph->producer || !graph->metadata)
        return MEXPR_E_NOMEM;
    graph->n_metadata = model->n_metadata_props;
    for (size_t i = 0; i < graph->n_metadata; i++) {
        mx_metadata *m = &graph->metadata[i];
        m->key = mx_arena_strdup(r->scope, &graph->arena, model->metadata_props[i]->key);
        m->text =
            mx_arena_strdup(r->scope, &graph->arena, model->metadata_props[i]->value);
        if (!m->key || !m->text)
            return MEXPR_E_NOMEM;
    }
    return MEXPR_OK;
}

/* --- inputs, outputs, initializers ------------------------------------------------- */

/* A name of this graph's own. */
const char *mx_reader_own_name(mx_reader *r, const mx_names *n, const char *name)
{
    if (!n->outer || !name[0])
        return name;
    const size_t size = strlen(n->prefix) + strlen(name) + 1;
    char *text = mx_arena_raw(r->scope, &r->arena, size, 1);
    if (text)
        snprintf(text, size, "%s%s", n->prefix, name);
    return text;
}

/* The name of what a node refers to: the innermost of that name that there is. */
const char *mx_reader_find_name(mx_reader *r, const mx_names *n, const char *name)
{
    for (; n->outer && name[0]; n = n->outer) {
        const char *own = mx_reader_own_name(r, n, name);
        if (!own || mx_graph_find(r->graph, own) >= 0)
            return own;
    }
    return name;
}

mexpr_status mx_reader_initializers(
    mx_reader *r, const mx_names *n, const mx_wire_model *wire, mx_weights *weights)
{
    for (size_t i = 0; i < wire->n_initializers; i++) {
        const mx_wire_tensor *from = &wire->initializers[i];
        const char *name = mx_reader_own_name(r, n, from->proto->name);
        mx_tensor tensor;
        mexpr_status status =
            name ? mx_weights_read(r->scope, weights, from, NULL, &tensor)
                 : MEXPR_E_NOMEM;
        if (status == MEXPR_OK)
            status = mx_graph_add_constant(r->scope, r->graph, name, &tensor);
        if (status != MEXPR_OK)
            return status;
    }
    return MEXPR_OK;
}

static mexpr_status read_dims(
    mx_reader *r, const char *name, const Mx__Onnx__Shape *shape, mx_tensor *tensor)
{
    if (shape->n_dim > MEXPR_MAX_RANK)
        return mx_fail(r->scope, MEXPR_E_SHAPE,
            "'%.200s' has %zu dimensions; %d are possible", name, shape->n_dim,
            MEXPR_MAX_RANK);
    tensor->rank = (int32_t)shape->n_dim;
    for (size_t i = 0; i < shape->n_dim; i++) {
        const Mx__Onnx__Dimension *dim = shape->dim[i];
        const bool fixed = dim->value_case == MX__ONNX__DIMENSION__VALUE_DIM_VALUE;
        tensor->dims[i] = fixed ? dim->dim_value : -1;
        if (fixed && dim->dim_value < 0)
            return mx_fail(r->scope, MEXPR_E_SHAPE,
                "'%.200s' has a dimension of %lld, which is not possible", name,
                (long long)dim->dim_value);
    }
    const mexpr_status status = mx_tensor_check(r->scope, tensor);
    return status == MEXPR_OK ? MEXPR_OK : mx_fail_prefix(r->scope, status, name);
}

/* What an input or output says of its type; an output need not say anything. */
static mexpr_status read_declaration(
    mx_reader *r, const Mx__Onnx__ValueInfo *info, bool is_input, mx_tensor *declared)
{
    *declared = (mx_tensor)MX_TENSOR_UNKNOWN;
    const Mx__Onnx__TensorType *type = info->type ? info->type->tensor_type : NULL;
    if (!type && (is_input || info->type))
        return mx_fail(r->scope, MEXPR_E_TYPE,
            "'%.200s' is not a tensor; sequences, maps and optional values are not "
            "supported",
            info->name);
    if (!type)
        return MEXPR_OK;
    declared->dtype = mx_dtype_from_onnx(type->elem_type);
    if (declared->dtype == 0 && (is_input || type->elem_type != 0))
        return mx_fail(r->scope, MEXPR_E_TYPE,
            "the element type of '%.200s', %s, is not supported", info->name,
            mx_onnx_type_name(type->elem_type));
    return type->shape ? read_dims(r, info->name, type->shape, declared) : MEXPR_OK;
}

/* The names of open dimensions, for writing. */
static mexpr_status read_dim_names(
    mx_reader *r, const Mx__Onnx__ValueInfo *info, mx_port *port)
{
    const Mx__Onnx__Shape *shape =
        info->type && info->type->tensor_type ? info->type->tensor_type->shape : NULL;
    for (size_t i = 0; shape && i < shape->n_dim; i++) {
        const Mx__Onnx__Dimension *dim = shape->dim[i];
        if (dim->value_case != MX__ONNX__DIMENSION__VALUE_DIM_PARAM)
            continue;
        port->dim_names[i] = mx_arena_strdup(r->scope, &r->graph->arena, dim->dim_param);
        if (!port->dim_names[i])
            return MEXPR_E_NOMEM;
    }
    return MEXPR_OK;
}

/* Up to IR 3 every initializer is an input too, with a value that stands in for the
 * caller's; such inputs are constants here. */
static bool is_initializer(const mx_graph *graph, const char *name)
{
    const int value = mx_graph_find(graph, name);
    return value >= 0 && graph->values[value].tensor.data != NULL;
}

static mexpr_status read_inputs(mx_reader *r)
{
    const Mx__Onnx__Graph *graph = r->wire.graph;
    for (size_t i = 0; i < graph->n_input; i++) {
        mx_tensor declared;
        if (is_initializer(r->graph, graph->input[i]->name))
            continue;
        mexpr_status status = read_declaration(r, graph->input[i], true, &declared);
        if (status == MEXPR_OK)
            status =
                mx_graph_add_input(r->scope, r->graph, graph->input[i]->name, &declared);
        if (status == MEXPR_OK)
            status = read_dim_names(
                r, graph->input[i], &r->graph->inputs[r->graph->n_inputs - 1]);
        if (status != MEXPR_OK)
            return status;
    }
    return MEXPR_OK;
}

static mexpr_status read_outputs(mx_reader *r)
{
    const Mx__Onnx__Graph *graph = r->wire.graph;
    for (size_t i = 0; i < graph->n_output; i++) {
        mx_tensor declared;
        mexpr_status status = read_declaration(r, graph->output[i], false, &declared);
        if (status == MEXPR_OK)
            status = mx_graph_add_output(
                r->scope, r->graph, graph->output[i]->name, &declared);
        if (status == MEXPR_OK)
            status = read_dim_names(
                r, graph->output[i], &r->graph->outputs[r->graph->n_outputs - 1]);
        if (status != MEXPR_OK)
            return status;
    }
    return MEXPR_OK;
}

/* --- nodes ------------------------------------------------------------------------- */

/* AttributeProto.AttributeType by number, 0 for kinds that are not supported. */
static mx_attribute_kind kind_of(const Mx__Onnx__Attribute *a)
{
    static const char kinds[] = {0, 'f', 'i', 's', 't', 0, 'F', 'I', 'S'};
    return a->type >= 0 && a->type < (int32_t)sizeof kinds
               ? (mx_attribute_kind)kinds[a->type]
               : (mx_attribute_kind)0;
}

/* Bytes of the file as a string of C. */
static char *text_of(mx_reader *r, const ProtobufCBinaryData *bytes)
{
    char *text = mx_arena_raw(r->scope, &r->arena, bytes->len + 1, 1);
    if (text) {
        if (bytes->len > 0)
            memcpy(text, bytes->data, bytes->len);
        text[bytes->len] = '\0';
    }
    return text;
}

static mexpr_status read_strings(
    mx_reader *r, const Mx__Onnx__Attribute *from, mx_attribute *to)
{
    const char **strings =
        mx_arena_alloc(r->scope, &r->arena, from->n_strings, sizeof *strings);
    if (!strings)
        return MEXPR_E_NOMEM;
    for (size_t i = 0; i < from->n_strings; i++) {
        strings[i] = text_of(r, &from->strings[i]);
        if (!strings[i])
            return MEXPR_E_NOMEM;
    }
    to->strings = strings;
    to->n = from->n_strings;
    return MEXPR_OK;
}

static mexpr_status read_attribute_tensor(
    mx_reader *r, const Mx__Onnx__Attribute *from, mx_attribute *to)
{
    if (!from->t)
        return mx_fail(
            r->scope, MEXPR_E_MODEL, "the attribute '%.100s' has no tensor", from->name);
    const mx_wire_tensor tensor = {from->t, false, {0, 0}};
    return mx_weights_read(r->scope, &r->weights, &tensor, &r->graph->arena, &to->t);
}

static mexpr_status read_attribute(
    mx_reader *r, const Mx__Onnx__Attribute *from, mx_attribute *to)
{
    to->name = from->name;
    to->kind = kind_of(from);
    switch (to->kind) {
    case MX_ATTRIBUTE_INT:
        to->i = from->i;
        return MEXPR_OK;
    case MX_ATTRIBUTE_FLOAT:
        to->f = from->f;
        return MEXPR_OK;
    case MX_ATTRIBUTE_STRING:
        to->s = text_of(r, &from->s);
        return to->s ? MEXPR_OK : MEXPR_E_NOMEM;
    case MX_ATTRIBUTE_INTS:
        to->ints = from->ints;
        to->n = from->n_ints;
        return MEXPR_OK;
    case MX_ATTRIBUTE_FLOATS:
        to->floats = from->floats;
        to->n = from->n_floats;
        return MEXPR_OK;
    case MX_ATTRIBUTE_STRINGS:
        return read_strings(r, from, to);
    case MX_ATTRIBUTE_TENSOR:
        return read_attribute_tensor(r, from, to);
    }
    return mx_fail(r->scope, MEXPR_E_OPERATOR,
        "the attribute '%.100s' is of a kind that is not supported (graphs inside nodes, "
        "sparse tensors and types are not)",
        from->name);
}

static mexpr_status read_attributes(
    mx_reader *r, const Mx__Onnx__Node *node, mx_node_source *source)
{
    mx_attribute *attributes =
        mx_arena_alloc(r->scope, &r->arena, node->n_attribute, sizeof *attributes);
    if (!attributes)
        return MEXPR_E_NOMEM;
    source->attributes = attributes;
    source->n_attributes = node->n_attribute;
    for (size_t i = 0; i < node->n_attribute; i++) {
        const mexpr_status status = read_attribute(r, node->attribute[i], &attributes[i]);
        if (status != MEXPR_OK)
            return status;
    }
    return MEXPR_OK;
}

/* Attributes of an operator that is not known may be of any kind: they are left out. */
static mexpr_status add_node(mx_reader *r, const Mx__Onnx__Node *node, const mx_names *n,
    bool is_known, mx_node_source *source)
{
    const mexpr_status status = is_known ? read_attributes(r, node, source) : MEXPR_OK;
    const char **inputs = mx_arena_alloc(
        r->scope, &r->arena, node->n_input + node->n_output, sizeof *inputs);
    if (status != MEXPR_OK || !inputs)
        return status != MEXPR_OK ? status : MEXPR_E_NOMEM;
    source->n_inputs = node->n_input;
    source->n_outputs = node->n_output;
    source->inputs = inputs;
    source->outputs = inputs + node->n_input;
    for (size_t i = 0; i < node->n_input + node->n_output; i++) {
        const bool is_input = i < node->n_input;
        inputs[i] = is_input ? mx_reader_find_name(r, n, node->input[i])
                             : mx_reader_own_name(r, n, node->output[i - node->n_input]);
        if (!inputs[i])
            return MEXPR_E_NOMEM;
    }
    return MEXPR_OK;
}

mexpr_status mx_reader_flow(
    mx_reader *r, const Mx__Onnx__Node *node, const mx_names *n, const char *label);

static mexpr_status read_node(mx_reader *r, const Mx__Onnx__Node *node, const mx_names *n)
{
    const mx_operator *op;
    mx_node_source source = {.name = node->name,
        .op_type = r->upgrade.opset && is_onnx_domain(node->domain)
                       ? mx_upgrade_operator(node->op_type)
                       : node->op_type,
        .domain = is_onnx_domain(node->domain) ? "" : node->domain,
        .gate = n->gate,
        .opset =
            strcmp(node->domain, ml_domain) == 0 ? (int)r->ml_opset : r->graph->opset};
    const mx_node named = {
        .name = node->name, .op_type = node->op_type, .index = r->graph->n_nodes};
    char label[MX_LABEL_SIZE];
    /* The operator first: what an unknown one's attributes are made of does not matter.
     * Under a gate that stays shut it does not matter either. */
    const bool is_known =
        mx_operator_is_known(source.domain, source.op_type, source.opset);
    mexpr_status status = MEXPR_OK;
    if (is_known || n->gate == 0)
        status =
            mx_operator_find(r->scope, source.domain, source.op_type, source.opset, &op);
    if (status == MEXPR_OK && is_known && op->flags & MX_OP_BRANCH)
        return mx_reader_flow(r, node, n, mx_node_label(&named, label));
    if (status == MEXPR_OK)
        status = add_node(r, node, n, is_known, &source);
    if (status == MEXPR_OK && r->upgrade.opset && is_known && !source.domain[0])
        status = mx_upgrade_node(&r->upgrade, &source);
    if (status != MEXPR_OK)
        return mx_fail_prefix(r->scope, status, mx_node_label(&named, label));
    return mx_graph_add_node(r->scope, r->graph, &source);
}

mexpr_status mx_reader_nodes(
    mx_reader *r, const Mx__Onnx__Graph *graph, const mx_names *n)
{
    for (size_t i = 0; i < graph->n_node; i++) {
        const mexpr_status status = read_node(r, graph->node[i], n);
        if (status != MEXPR_OK)
            return status;
    }
    return MEXPR_OK;
}

/* What the metadata microexpr.fixed lists, training leaves alone. */
static void mark_fixed(mx_graph *graph, const char *list)
{
    char name[256];
    while (list) {
        const mx_comma_name next = mx_comma_list_next(&list);
        if (next.length >= sizeof name)
            continue;
        snprintf(name, sizeof name, "%.*s", (int)next.length, next.start);
        const int value = mx_graph_find(graph, name);
        if (value >= 0)
            graph->values[value].is_trainable = false;
    }
}

/* A file does not say what training changes: taken to be all float initializers but the
 * running statistics of BatchNormalization and what is marked as fixed. */
static void mark_trainable(mx_graph *graph)
{
    enum { MEAN = 3, VARIANCE = 4 };
    for (int i = 0; i < graph->n_values; i++) {
        mx_value *value = &graph->values[i];
        value->is_trainable =
            value->tensor.data && value->tensor.dtype == MEXPR_DTYPE_F32;
    }
    for (int i = 0; i < graph->n_nodes; i++) {
        const mx_node *node = &graph->nodes[i];
        if (strcmp(node->op_type, "BatchNormalization") != 0)
            continue;
        for (int k = MEAN; k <= VARIANCE && k < node->n_inputs; k++) {
            if (node->inputs[k] >= 0)
                graph->values[node->inputs[k]].is_trainable = false;
        }
    }
    for (size_t i = 0; i < graph->n_metadata; i++)
        if (strcmp(graph->metadata[i].key, "microexpr.fixed") == 0)
            mark_fixed(graph, graph->metadata[i].text);
}

/* --- all --------------------------------------------------------------------------- */

static mexpr_status read_all(mx_reader *r, mx_source *source)
{
    mexpr_status status = mx_wire_read_model(r->scope, source, &r->arena, &r->wire);
    if (status == MEXPR_OK)
        status = read_versions(r);
    if (status == MEXPR_OK)
        status = read_imports(r);
    if (status == MEXPR_OK)
        status = read_texts(r);
    const mx_names own = {.outer = NULL};
    if (status == MEXPR_OK)
        status = mx_reader_initializers(r, &own, &r->wire, &r->weights);
    if (status == MEXPR_OK)
        status = read_inputs(r);
    if (status == MEXPR_OK)
        status = mx_reader_nodes(r, r->wire.graph, &own);
    if (status == MEXPR_OK)
        status = read_outputs(r);
    if (status == MEXPR_OK)
        mark_trainable(r->graph);
    return status;
}

mexpr_status mx_onnx_read(mx_scope *scope, mx_source *source, mx_graph *graph)
{
    mx_reader *r = mx_calloc(scope, 1, sizeof *r);
    if (!r)
        return MEXPR_E_NOMEM;
    r->scope = scope;
    r->graph = graph;
    mx_arena_init(&r->arena, scope->context);
    mx_weights_init(&r->weights, source);
    mexpr_status status = read_all(r, source);
    mx_weights_release(&r->weights);
    mx_arena_release(&r->arena);
    mx_free(scope->context, r);
    return status == MEXPR_OK ? mx_graph_finish(scope, graph) : status;
}
