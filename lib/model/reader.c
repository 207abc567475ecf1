/* SPDX-License-Identifier: MIT */
#include "model/reader.h"

#include <stdio.h>
#include <string.h>

#include "model/operator.h"
#include "model/upgrade.h"
#include "model/weights.h"

enum { IR_FIRST = 3, IR_LAST = 10, OPSET_LAST = 21, ML_LAST = 5 };

static const char ml_domain[] = "ai.onnx.ml";

typedef struct reader {
    mx_scope *scope;
    mx_graph *graph;
    mx_arena arena; /* of what is unpacked */
    mx_wire_model wire;
    mx_weights weights;
    int64_t ml_opset;   /* of the domain ai.onnx.ml, 0: not used */
    int n_scopes;       /* graphs inside nodes so far */
    mx_upgrade upgrade; /* opset 0: the file needs none */
} reader;

/* Where names are looked up: in a graph inside a node, then around it. Everything becomes
 * part of one graph, so that inner names get a prefix. */
typedef struct names {
    const struct names *outer; /* NULL: the model's own graph */
    char prefix[24];
    int gate; /* as in mx_node_source */
    int depth;
} names;

enum { MAX_DEPTH = 8 };

/* --- header ------------------------------------------------------------------------ */

static bool is_onnx_domain(const char *domain)
{
    return domain[0] == '\0' || strcmp(domain, "ai.onnx") == 0;
}

static mexpr_status read_versions(reader *r)
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

static mexpr_status read_imports(reader *r)
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

static mexpr_status read_texts(reader *r)
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
static const char *own_name(reader *r, const names *n, const char *name)
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
static const char *find_name(reader *r, const names *n, const char *name)
{
    for (; n->outer && name[0]; n = n->outer) {
        const char *own = own_name(r, n, name);
        if (!own || mx_graph_find(r->graph, own) >= 0)
            return own;
    }
    return name;
}

static mexpr_status read_initializers(
    reader *r, const names *n, const mx_wire_model *wire, mx_weights *weights)
{
    for (size_t i = 0; i < wire->n_initializers; i++) {
        const mx_wire_tensor *from = &wire->initializers[i];
        const char *name = own_name(r, n, from->proto->name);
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
    reader *r, const char *name, const Mx__Onnx__Shape *shape, mx_tensor *tensor)
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
    reader *r, const Mx__Onnx__ValueInfo *info, bool is_input, mx_tensor *declared)
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
    reader *r, const Mx__Onnx__ValueInfo *info, mx_port *port)
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

static mexpr_status read_inputs(reader *r)
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

static mexpr_status read_outputs(reader *r)
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
static char *text_of(reader *r, const ProtobufCBinaryData *bytes)
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
    reader *r, const Mx__Onnx__Attribute *from, mx_attribute *to)
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
    reader *r, const Mx__Onnx__Attribute *from, mx_attribute *to)
{
    if (!from->t)
        return mx_fail(
            r->scope, MEXPR_E_MODEL, "the attribute '%.100s' has no tensor", from->name);
    const mx_wire_tensor tensor = {from->t, false, {0, 0}};
    return mx_weights_read(r->scope, &r->weights, &tensor, &r->graph->arena, &to->t);
}

static mexpr_status read_attribute(
    reader *r, const Mx__Onnx__Attribute *from, mx_attribute *to)
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
    reader *r, const Mx__Onnx__Node *node, mx_node_source *source)
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
static mexpr_status add_node(reader *r, const Mx__Onnx__Node *node, const names *n,
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
        inputs[i] = is_input ? find_name(r, n, node->input[i])
                             : own_name(r, n, node->output[i - node->n_input]);
        if (!inputs[i])
            return MEXPR_E_NOMEM;
    }
    return MEXPR_OK;
}

static mexpr_status read_flow(
    reader *r, const Mx__Onnx__Node *node, const names *n, const char *label);

static mexpr_status read_node(reader *r, const Mx__Onnx__Node *node, const names *n)
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
        return read_flow(r, node, n, mx_node_label(&named, label));
    if (status == MEXPR_OK)
        status = add_node(r, node, n, is_known, &source);
    if (status == MEXPR_OK && r->upgrade.opset && is_known && !source.domain[0])
        status = mx_upgrade_node(&r->upgrade, &source);
    if (status != MEXPR_OK)
        return mx_fail_prefix(r->scope, status, mx_node_label(&named, label));
    return mx_graph_add_node(r->scope, r->graph, &source);
}

static mexpr_status read_nodes(reader *r, const Mx__Onnx__Graph *graph, const names *n)
{
    for (size_t i = 0; i < graph->n_node; i++) {
        const mexpr_status status = read_node(r, graph->node[i], n);
        if (status != MEXPR_OK)
            return status;
    }
    return MEXPR_OK;
}

/* --- If and Loop ------------------------------------------------------------------- */

/* A node of the reader's own. */
static mexpr_status put_node(reader *r, const char *op, int gate, const char *label,
    const char *const *inputs, size_t n_inputs, const char *output)
{
    const mx_attribute axis = {.name = "axis", .kind = MX_ATTRIBUTE_INT, .i = 0};
    const mx_node_source source = {.name = label,
        .op_type = op,
        .domain = "",
        .opset = r->graph->opset,
        .gate = gate,
        .n_inputs = n_inputs,
        .n_outputs = 1,
        .n_attributes = strcmp(op, "Concat") == 0,
        .inputs = inputs,
        .outputs = &output,
        .attributes = &axis};
    return mx_graph_add_node(r->scope, r->graph, &source);
}

/* Unpacks the graph of an attribute. */
static mexpr_status unpack_graph(reader *r, const Mx__Onnx__Node *node, const char *name,
    const char *label, mx_source **source, mx_wire_model *wire)
{
    const Mx__Onnx__Attribute *a = NULL;
    for (size_t i = 0; i < node->n_attribute; i++) {
        if (strcmp(node->attribute[i]->name, name) == 0)
            a = node->attribute[i];
    }
    if (!a || a->g.len == 0)
        return mx_fail(r->scope, MEXPR_E_MODEL, "%s: it has no graph '%s'", label, name);
    *source = mx_arena_alloc(r->scope, &r->arena, 1, sizeof **source);
    if (!*source)
        return MEXPR_E_NOMEM;
    mx_source_from_memory(*source, a->g.data, a->g.len);
    const mexpr_status status = mx_wire_read_graph(r->scope, *source, &r->arena, wire);
    if (status != MEXPR_OK)
        return mx_fail_prefix(r->scope, status, label);
    if (wire->has_sparse)
        return mx_fail(r->scope, MEXPR_E_TYPE,
            "%s: it has sparse initializers, which are not supported", label);
    return MEXPR_OK;
}

/* Names for what is inside of `outer`, under a new gate. */
static mexpr_status enter(reader *r, const names *outer, const char *condition,
    bool wanted, const char *label, names *inner)
{
    mx_gate gate = {.wanted = wanted, .label = label};
    inner->outer = outer;
    inner->depth = outer->depth + 1;
    if (inner->depth > MAX_DEPTH)
        return mx_fail(r->scope, MEXPR_E_LIMIT,
            "%s: more than %d graphs inside each other are not supported", label,
            MAX_DEPTH);
    snprintf(inner->prefix, sizeof inner->prefix, "mexpr:%d:", r->n_scopes++);
    /* A copy under the gate outside: so one gate says all. */
    const char *copy = own_name(r, inner, "mexpr:gate");
    if (!copy)
        return MEXPR_E_NOMEM;
    mexpr_status status = put_node(r, "Identity", outer->gate, "", &condition, 1, copy);
    if (status == MEXPR_OK)
        status = mx_graph_value(r->scope, r->graph, copy, &gate.condition);
    return status == MEXPR_OK ? mx_graph_add_gate(r->scope, r->graph, &gate, &inner->gate)
                              : status;
}

/* The initializers of a graph inside a node. */
static mexpr_status read_constants(
    reader *r, const names *n, const mx_wire_model *wire, const mx_source *source)
{
    mx_weights *weights = mx_arena_alloc(r->scope, &r->arena, 1, sizeof *weights);
    if (!weights)
        return MEXPR_E_NOMEM;
    mx_weights_init(weights, source);
    const mexpr_status status = read_initializers(r, n, wire, weights);
    mx_weights_release(weights);
    return status;
}

static mexpr_status read_if(
    reader *r, const Mx__Onnx__Node *node, const names *n, const char *label)
{
    static const char *const branches[] = {"else_branch", "then_branch"};
    mx_wire_model wire[2];
    names inside[2];
    if (node->n_input != 1)
        return mx_fail(r->scope, MEXPR_E_MODEL, "%s: it must have one condition", label);
    const char *condition = find_name(r, n, node->input[0]);
    for (int i = 0; i < 2; i++) {
        mx_source *source = NULL;
        mexpr_status status =
            condition ? unpack_graph(r, node, branches[i], label, &source, &wire[i])
                      : MEXPR_E_NOMEM;
        if (status == MEXPR_OK && wire[i].graph->n_output != node->n_output)
            status = mx_fail(r->scope, MEXPR_E_MODEL,
                "%s: its branches must have %zu outputs", label, node->n_output);
        if (status == MEXPR_OK)
            status = enter(r, n, condition, i == 1, label, &inside[i]);
        if (status == MEXPR_OK)
            status = read_constants(r, &inside[i], &wire[i], source);
        if (status == MEXPR_OK)
            status = read_nodes(r, wire[i].graph, &inside[i]);
        if (status != MEXPR_OK)
            return status;
    }
    for (size_t k = 0; k < node->n_output; k++) {
        const char *inputs[3] = {condition,
            find_name(r, &inside[1], wire[1].graph->output[k]->name),
            find_name(r, &inside[0], wire[0].graph->output[k]->name)};
        const char *output = own_name(r, n, node->output[k]);
        if (!inputs[1] || !inputs[2] || !output)
            return MEXPR_E_NOMEM;
        const mexpr_status status =
            put_node(r, "If", n->gate, node->name, inputs, 3, output);
        if (status != MEXPR_OK)
            return status;
    }
    return MEXPR_OK;
}

/* A number that the reader makes: an int64 scalar or list of one, or a truth value. */
static mexpr_status put_number(
    reader *r, const char *name, int32_t dtype, int rank, int64_t number)
{
    mx_tensor tensor = {dtype, rank, {1}, NULL};
    tensor.data = mx_alloc(r->scope, sizeof number, 1);
    if (!tensor.data)
        return MEXPR_E_NOMEM;
    if (dtype == MEXPR_DTYPE_BOOL)
        *(uint8_t *)tensor.data = number != 0;
    else
        *(int64_t *)tensor.data = number;
    return mx_graph_add_constant(r->scope, r->graph, name, &tensor);
}

/* The number of iterations, from an initializer or a Constant. */
static mexpr_status read_trips(reader *r, const Mx__Onnx__Node *node, const names *n,
    const char *label, int64_t *trips)
{
    const char *name = node->n_input > 0 ? find_name(r, n, node->input[0]) : "";
    const int value = name && name[0] ? mx_graph_find(r->graph, name) : -1;
    const mx_tensor *t = value >= 0 ? &r->graph->values[value].tensor : NULL;
    const mx_node *maker = value >= 0 && r->graph->values[value].producer >= 0
                               ? &r->graph->nodes[r->graph->values[value].producer]
                               : NULL;
    const mx_attribute *a = NULL;
    if (maker && strcmp(maker->op_type, "Constant") == 0 && maker->n_attributes == 1)
        a = &maker->attributes[0];
    if (a && a->kind == MX_ATTRIBUTE_TENSOR)
        t = &a->t;
    const bool is_number =
        t && t->data && t->dtype == MEXPR_DTYPE_I64 && mx_tensor_count(t) == 1;
    if (!is_number && !(a && a->kind == MX_ATTRIBUTE_INT))
        return mx_fail(r->scope, MEXPR_E_OPERATOR,
            "%s: how often it runs is not a constant of the file, which is not supported",
            label);
    *trips = is_number ? *(const int64_t *)t->data : a->i;
    *trips = *trips < 0 ? 0 : *trips;
    if ((uint64_t)*trips > mx_context_limits(r->scope->context)->nodes)
        return mx_fail(r->scope, MEXPR_E_LIMIT,
            "%s: it would be unrolled %lld times, more than the limit max_nodes", label,
            (long long)*trips);
    return MEXPR_OK;
}

/* A loop being unrolled. */
typedef struct unrolled {
    const Mx__Onnx__Node *node;
    const names *around;
    const char *label;
    mx_wire_model wire;
    names body; /* of what all iterations share */
    size_t n_carried, n_scans;
    const char *one;     /* the axis of Unsqueeze: 0 */
    names *inside;       /* by iteration */
    const char **states; /* by iteration: condition, then carried values; one more */
    const char **scans;  /* by output, then iteration */
} unrolled;

/* Inputs of the body: number of the iteration, condition, carried values. */
static mexpr_status bind_body(reader *r, unrolled *u, int64_t trip)
{
    const names *n = &u->inside[trip];
    const Mx__Onnx__Graph *body = u->wire.graph;
    const char **states = u->states + (size_t)trip * (u->n_carried + 1);
    for (size_t k = 0; k < body->n_input; k++) {
        const char *name = own_name(r, n, body->input[k]->name);
        const mexpr_status status =
            !name    ? MEXPR_E_NOMEM
            : k == 0 ? put_number(r, name, MEXPR_DTYPE_I64, 0, trip)
                     : put_node(r, "Identity", n->gate, "", &states[k - 1], 1, name);
        if (status != MEXPR_OK)
            return status;
    }
    return MEXPR_OK;
}

static mexpr_status run_trip(reader *r, unrolled *u, int64_t trip, int64_t trips)
{
    const size_t n_states = u->n_carried + 1;
    const char **states = u->states + (size_t)trip * n_states;
    const names *outer = trip > 0 ? &u->inside[trip - 1] : u->around;
    names *n = &u->inside[trip];
    mexpr_status status = enter(r, outer, states[0], true, u->label, n);
    n->outer = &u->body;
    n->depth = u->body.depth;
    if (status == MEXPR_OK)
        status = bind_body(r, u, trip);
    if (status == MEXPR_OK)
        status = read_nodes(r, u->wire.graph, n);
    for (size_t k = 0; status == MEXPR_OK && k < n_states + u->n_scans; k++) {
        const char *name = find_name(r, n, u->wire.graph->output[k]->name);
        if (!name)
            return MEXPR_E_NOMEM;
        if (k < n_states) {
            states[n_states + k] = name;
            continue;
        }
        const char *inputs[2] = {name, u->one};
        const char **scan = &u->scans[(k - n_states) * (size_t)trips + (size_t)trip];
        char text[32];
        snprintf(text, sizeof text, "mexpr:scan%zu", k);
        *scan = own_name(r, n, text);
        status = *scan ? put_node(r, "Unsqueeze", n->gate, "", inputs, 2, *scan)
                       : MEXPR_E_NOMEM;
    }
    return status;
}

/* What the loop leaves: each carried value of the last iteration that ran, and all
 * results of an output in one. */
static mexpr_status leave_loop(reader *r, unrolled *u, int64_t trips)
{
    const size_t n_states = u->n_carried + 1;
    mexpr_status status = MEXPR_OK;
    for (size_t k = 1; status == MEXPR_OK && k < n_states; k++) {
        const char *now = u->states[(size_t)trips * n_states + k];
        for (int64_t i = trips - 1; status == MEXPR_OK && i >= 0; i--) {
            const char **states = u->states + (size_t)i * n_states;
            const char *inputs[3] = {states[0], now, states[k]};
            char text[32];
            snprintf(text, sizeof text, "mexpr:left%zu", k);
            now = i > 0 ? own_name(r, &u->inside[i], text)
                        : own_name(r, u->around, u->node->output[k - 1]);
            if (!now)
                return MEXPR_E_NOMEM;
            const int gate = i > 0 ? u->inside[i - 1].gate : u->around->gate;
            if (now[0])
                status = put_node(r, "If", gate, u->node->name, inputs, 3, now);
        }
        if (trips == 0)
            status = put_node(r, "Identity", u->around->gate, u->node->name, &now, 1,
                own_name(r, u->around, u->node->output[k - 1]));
    }
    for (size_t k = 0; status == MEXPR_OK && k < u->n_scans; k++) {
        const char *output = own_name(r, u->around, u->node->output[u->n_carried + k]);
        if (!output)
            return MEXPR_E_NOMEM;
        if (output[0])
            status = put_node(r, "Concat", u->around->gate, u->node->name,
                u->scans + k * (size_t)trips, (size_t)trips, output);
    }
    return status;
}

static mexpr_status prepare_loop(reader *r, unrolled *u, int64_t trips)
{
    const Mx__Onnx__Graph *body = u->wire.graph;
    const size_t n_states = body->n_input - 1, n = (size_t)trips + 1;
    u->n_carried = n_states - 1;
    u->n_scans = body->n_output - n_states;
    u->inside = mx_arena_alloc(r->scope, &r->arena, n, sizeof *u->inside);
    u->states = mx_arena_alloc(r->scope, &r->arena, n * n_states, sizeof *u->states);
    u->scans = mx_arena_alloc(r->scope, &r->arena, n * u->n_scans, sizeof *u->scans);
    const char *condition = own_name(r, &u->body, "mexpr:true");
    u->one = own_name(r, &u->body, "mexpr:axis");
    if (!u->inside || !u->states || !u->scans || !condition || !u->one)
        return MEXPR_E_NOMEM;
    mexpr_status status = put_number(r, condition, MEXPR_DTYPE_BOOL, 0, 1);
    if (status == MEXPR_OK)
        status = put_number(r, u->one, MEXPR_DTYPE_I64, 1, 0);
    u->states[0] = condition;
    for (size_t k = 1; status == MEXPR_OK && k < u->node->n_input; k++) {
        const char *name = find_name(r, u->around, u->node->input[k]);
        if (!name)
            return MEXPR_E_NOMEM;
        if (name[0])
            u->states[k - 1] = name;
        else if (k > 1)
            return mx_fail(
                r->scope, MEXPR_E_MODEL, "%s: its input %zu is left out", u->label, k);
    }
    return status;
}

static mexpr_status read_loop(
    reader *r, const Mx__Onnx__Node *node, const names *n, const char *label)
{
    unrolled u = {.node = node, .around = n, .label = label};
    mx_source *source;
    int64_t trips;
    mexpr_status status = read_trips(r, node, n, label, &trips);
    if (status == MEXPR_OK)
        status = unpack_graph(r, node, "body", label, &source, &u.wire);
    if (status != MEXPR_OK)
        return status;
    const Mx__Onnx__Graph *body = u.wire.graph;
    if (node->n_input < 2 || body->n_input != node->n_input ||
        body->n_output < body->n_input - 1 || node->n_output != body->n_output - 1)
        return mx_fail(r->scope, MEXPR_E_MODEL,
            "%s: its inputs and outputs do not fit to those of its body", label);
    if (r->graph->opset < 13 && body->n_output > body->n_input - 1)
        return mx_fail(r->scope, MEXPR_E_OPERATOR,
            "%s: results of all iterations are not supported before opset 13", label);
    if (trips == 0 && body->n_output > body->n_input - 1)
        return mx_fail(r->scope, MEXPR_E_OPERATOR,
            "%s: results of no iterations are not supported", label);
    u.body = (names){.outer = n, .gate = n->gate, .depth = n->depth + 1};
    snprintf(u.body.prefix, sizeof u.body.prefix, "mexpr:%d:", r->n_scopes++);
    status = read_constants(r, &u.body, &u.wire, source);
    if (status == MEXPR_OK)
        status = prepare_loop(r, &u, trips);
    for (int64_t i = 0; status == MEXPR_OK && i < trips; i++)
        status = run_trip(r, &u, i, trips);
    return status == MEXPR_OK ? leave_loop(r, &u, trips) : status;
}

static mexpr_status read_flow(
    reader *r, const Mx__Onnx__Node *node, const names *n, const char *label)
{
    return strcmp(node->op_type, "If") == 0 ? read_if(r, node, n, label)
                                            : read_loop(r, node, n, label);
}

/* A file does not say what training changes: taken to be all float initializers but the
 * running statistics of BatchNormalization. */
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
}

/* --- all --------------------------------------------------------------------------- */

static mexpr_status read_all(reader *r, mx_source *source)
{
    mexpr_status status = mx_wire_read_model(r->scope, source, &r->arena, &r->wire);
    if (status == MEXPR_OK)
        status = read_versions(r);
    if (status == MEXPR_OK)
        status = read_imports(r);
    if (status == MEXPR_OK)
        status = read_texts(r);
    const names own = {.outer = NULL};
    if (status == MEXPR_OK)
        status = read_initializers(r, &own, &r->wire, &r->weights);
    if (status == MEXPR_OK)
        status = read_inputs(r);
    if (status == MEXPR_OK)
        status = read_nodes(r, r->wire.graph, &own);
    if (status == MEXPR_OK)
        status = read_outputs(r);
    if (status == MEXPR_OK)
        mark_trainable(r->graph);
    return status;
}

mexpr_status mx_onnx_read(mx_scope *scope, mx_source *source, mx_graph *graph)
{
    reader *r = mx_calloc(scope, 1, sizeof *r);
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
