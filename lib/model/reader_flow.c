/* SPDX-License-Identifier: MIT */
/* If, Loop and Scan: a branch or an iteration becomes so many nodes of the one graph. */
#include <stdio.h>
#include <string.h>

#include "model/operator.h"
#include "model/reader_parts.h"

/* --- If and Loop ------------------------------------------------------------------- */

mexpr_status mx_reader_put(mx_reader *r, const char *op, int gate, const char *label,
    const char *const *inputs, size_t n_inputs, const mx_attribute *attribute,
    const char *output)
{
    const mx_node_source source = {.name = label,
        .op_type = op,
        .domain = "",
        .opset = r->graph->opset,
        .gate = gate,
        .n_inputs = n_inputs,
        .n_outputs = 1,
        .n_attributes = attribute != NULL,
        .inputs = inputs,
        .outputs = &output,
        .attributes = attribute};
    return mx_graph_add_node(r->scope, r->graph, &source);
}

/* The same without an attribute. */
static mexpr_status put_node(mx_reader *r, const char *op, int gate, const char *label,
    const char *const *inputs, size_t n_inputs, const char *output)
{
    return mx_reader_put(r, op, gate, label, inputs, n_inputs, NULL, output);
}

mexpr_status mx_reader_put_along(mx_reader *r, const char *op, int gate,
    const char *label, const char *const *inputs, size_t n_inputs, int64_t axis,
    const char *output)
{
    const mx_attribute a = {.name = "axis", .kind = MX_ATTRIBUTE_INT, .i = axis};
    return mx_reader_put(r, op, gate, label, inputs, n_inputs, &a, output);
}

/* Opset 13 made the axes of Unsqueeze an input. */
mexpr_status mx_reader_put_unsqueeze(
    mx_reader *r, const mx_names *n, const char *input, int64_t axis, const char *output)
{
    const mx_attribute axes = {
        .name = "axes", .kind = MX_ATTRIBUTE_INTS, .n = 1, .ints = &axis};
    char text[40];
    if (r->graph->opset < 13)
        return mx_reader_put(r, "Unsqueeze", n->gate, "", &input, 1, &axes, output);
    snprintf(text, sizeof text, "mexpr:axis%d", r->n_axes++);
    const char *inputs[2] = {input, mx_reader_own_name(r, n, text)};
    const mexpr_status status =
        inputs[1] ? mx_reader_put_number(r, inputs[1], MEXPR_DTYPE_I64, 1, axis)
                  : MEXPR_E_NOMEM;
    return status == MEXPR_OK ? put_node(r, "Unsqueeze", n->gate, "", inputs, 2, output)
                              : status;
}

mexpr_status mx_reader_unpack(mx_reader *r, const Mx__Onnx__Node *node, const char *name,
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
static mexpr_status enter(mx_reader *r, const mx_names *outer, const char *condition,
    bool wanted, const char *label, mx_names *inner)
{
    mx_gate gate = {.wanted = wanted, .label = label};
    inner->outer = outer;
    inner->depth = outer->depth + 1;
    if (inner->depth > MX_READER_DEPTH)
        return mx_fail(r->scope, MEXPR_E_LIMIT,
            "%s: more than %d graphs inside each other are not supported", label,
            MX_READER_DEPTH);
    snprintf(inner->prefix, sizeof inner->prefix, "mexpr:%d:", r->n_scopes++);
    /* A copy under the gate outside: so one gate says all. */
    const char *copy = mx_reader_own_name(r, inner, "mexpr:gate");
    if (!copy)
        return MEXPR_E_NOMEM;
    mexpr_status status = put_node(r, "Identity", outer->gate, "", &condition, 1, copy);
    if (status == MEXPR_OK)
        status = mx_graph_value(r->scope, r->graph, copy, &gate.condition);
    return status == MEXPR_OK ? mx_graph_add_gate(r->scope, r->graph, &gate, &inner->gate)
                              : status;
}

mexpr_status mx_reader_constants(
    mx_reader *r, const mx_names *n, const mx_wire_model *wire, const mx_source *source)
{
    mx_weights *weights = mx_arena_alloc(r->scope, &r->arena, 1, sizeof *weights);
    if (!weights)
        return MEXPR_E_NOMEM;
    mx_weights_init(weights, source);
    const mexpr_status status = mx_reader_initializers(r, n, wire, weights);
    mx_weights_release(weights);
    return status;
}

static mexpr_status read_if(
    mx_reader *r, const Mx__Onnx__Node *node, const mx_names *n, const char *label)
{
    static const char *const branches[] = {"else_branch", "then_branch"};
    mx_wire_model wire[2];
    mx_names inside[2];
    if (node->n_input != 1)
        return mx_fail(r->scope, MEXPR_E_MODEL, "%s: it must have one condition", label);
    const char *condition = mx_reader_find_name(r, n, node->input[0]);
    for (int i = 0; i < 2; i++) {
        mx_source *source = NULL;
        mexpr_status status =
            condition ? mx_reader_unpack(r, node, branches[i], label, &source, &wire[i])
                      : MEXPR_E_NOMEM;
        if (status == MEXPR_OK && wire[i].graph->n_output != node->n_output)
            status = mx_fail(r->scope, MEXPR_E_MODEL,
                "%s: its branches must have %zu outputs", label, node->n_output);
        if (status == MEXPR_OK)
            status = enter(r, n, condition, i == 1, label, &inside[i]);
        if (status == MEXPR_OK)
            status = mx_reader_constants(r, &inside[i], &wire[i], source);
        if (status == MEXPR_OK)
            status = mx_reader_nodes(r, wire[i].graph, &inside[i]);
        if (status != MEXPR_OK)
            return status;
    }
    for (size_t k = 0; k < node->n_output; k++) {
        const char *inputs[3] = {condition,
            mx_reader_find_name(r, &inside[1], wire[1].graph->output[k]->name),
            mx_reader_find_name(r, &inside[0], wire[0].graph->output[k]->name)};
        const char *output = mx_reader_own_name(r, n, node->output[k]);
        if (!inputs[1] || !inputs[2] || !output)
            return MEXPR_E_NOMEM;
        const mexpr_status status =
            put_node(r, "If", n->gate, node->name, inputs, 3, output);
        if (status != MEXPR_OK)
            return status;
    }
    return MEXPR_OK;
}

mexpr_status mx_reader_put_number(
    mx_reader *r, const char *name, int32_t dtype, int rank, int64_t number)
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
static mexpr_status read_trips(mx_reader *r, const Mx__Onnx__Node *node,
    const mx_names *n, const char *label, int64_t *trips)
{
    const char *name = node->n_input > 0 ? mx_reader_find_name(r, n, node->input[0]) : "";
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
    const mx_names *around;
    const char *label;
    mx_wire_model wire;
    mx_names body; /* of what all iterations share */
    size_t n_carried, n_scans;
    mx_names *inside;    /* by iteration */
    const char **states; /* by iteration: condition, then carried values; one more */
    const char **scans;  /* by output, then iteration */
} unrolled;

/* Inputs of the body: number of the iteration, condition, carried values. */
static mexpr_status bind_body(mx_reader *r, unrolled *u, int64_t trip)
{
    const mx_names *n = &u->inside[trip];
    const Mx__Onnx__Graph *body = u->wire.graph;
    const char **states = u->states + (size_t)trip * (u->n_carried + 1);
    for (size_t k = 0; k < body->n_input; k++) {
        const char *name = mx_reader_own_name(r, n, body->input[k]->name);
        const mexpr_status status =
            !name    ? MEXPR_E_NOMEM
            : k == 0 ? mx_reader_put_number(r, name, MEXPR_DTYPE_I64, 0, trip)
                     : put_node(r, "Identity", n->gate, "", &states[k - 1], 1, name);
        if (status != MEXPR_OK)
            return status;
    }
    return MEXPR_OK;
}

static mexpr_status run_trip(mx_reader *r, unrolled *u, int64_t trip, int64_t trips)
{
    const size_t n_states = u->n_carried + 1;
    const char **states = u->states + (size_t)trip * n_states;
    const mx_names *outer = trip > 0 ? &u->inside[trip - 1] : u->around;
    mx_names *n = &u->inside[trip];
    mexpr_status status = enter(r, outer, states[0], true, u->label, n);
    n->outer = &u->body;
    n->depth = u->body.depth;
    if (status == MEXPR_OK)
        status = bind_body(r, u, trip);
    if (status == MEXPR_OK)
        status = mx_reader_nodes(r, u->wire.graph, n);
    for (size_t k = 0; status == MEXPR_OK && k < n_states + u->n_scans; k++) {
        const char *name = mx_reader_find_name(r, n, u->wire.graph->output[k]->name);
        if (!name)
            return MEXPR_E_NOMEM;
        if (k < n_states) {
            states[n_states + k] = name;
            continue;
        }
        const char **scan = &u->scans[(k - n_states) * (size_t)trips + (size_t)trip];
        char text[32];
        snprintf(text, sizeof text, "mexpr:scan%zu", k);
        *scan = mx_reader_own_name(r, n, text);
        status = *scan ? mx_reader_put_unsqueeze(r, n, name, 0, *scan) : MEXPR_E_NOMEM;
    }
    return status;
}

/* What the loop leaves: each carried value of the last iteration that ran, and all
 * results of an output in one. */
static mexpr_status leave_loop(mx_reader *r, unrolled *u, int64_t trips)
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
            now = i > 0 ? mx_reader_own_name(r, &u->inside[i], text)
                        : mx_reader_own_name(r, u->around, u->node->output[k - 1]);
            if (!now)
                return MEXPR_E_NOMEM;
            const int gate = i > 0 ? u->inside[i - 1].gate : u->around->gate;
            if (now[0])
                status = put_node(r, "If", gate, u->node->name, inputs, 3, now);
        }
        if (trips == 0)
            status = put_node(r, "Identity", u->around->gate, u->node->name, &now, 1,
                mx_reader_own_name(r, u->around, u->node->output[k - 1]));
    }
    for (size_t k = 0; status == MEXPR_OK && k < u->n_scans; k++) {
        const char *output =
            mx_reader_own_name(r, u->around, u->node->output[u->n_carried + k]);
        if (!output)
            return MEXPR_E_NOMEM;
        if (output[0])
            status = mx_reader_put_along(r, "Concat", u->around->gate, u->node->name,
                u->scans + k * (size_t)trips, (size_t)trips, 0, output);
    }
    return status;
}

static mexpr_status prepare_loop(mx_reader *r, unrolled *u, int64_t trips)
{
    const Mx__Onnx__Graph *body = u->wire.graph;
    const size_t n_states = body->n_input - 1, n = (size_t)trips + 1;
    u->n_carried = n_states - 1;
    u->n_scans = body->n_output - n_states;
    u->inside = mx_arena_alloc(r->scope, &r->arena, n, sizeof *u->inside);
    u->states = mx_arena_alloc(r->scope, &r->arena, n * n_states, sizeof *u->states);
    u->scans = mx_arena_alloc(r->scope, &r->arena, n * u->n_scans, sizeof *u->scans);
    const char *condition = mx_reader_own_name(r, &u->body, "mexpr:true");
    if (!u->inside || !u->states || !u->scans || !condition)
        return MEXPR_E_NOMEM;
    mexpr_status status = mx_reader_put_number(r, condition, MEXPR_DTYPE_BOOL, 0, 1);
    u->states[0] = condition;
    for (size_t k = 1; status == MEXPR_OK && k < u->node->n_input; k++) {
        const char *name = mx_reader_find_name(r, u->around, u->node->input[k]);
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
    mx_reader *r, const Mx__Onnx__Node *node, const mx_names *n, const char *label)
{
    unrolled u = {.node = node, .around = n, .label = label};
    mx_source *source;
    int64_t trips = 0;
    mexpr_status status = read_trips(r, node, n, label, &trips);
    if (status == MEXPR_OK)
        status = mx_reader_unpack(r, node, "body", label, &source, &u.wire);
    if (status != MEXPR_OK)
        return status;
    const Mx__Onnx__Graph *body = u.wire.graph;
    if (node->n_input < 2 || body->n_input != node->n_input ||
        body->n_output < body->n_input - 1 || node->n_output != body->n_output - 1)
        return mx_fail(r->scope, MEXPR_E_MODEL,
            "%s: its inputs and outputs do not fit to those of its body", label);
    if (trips == 0 && body->n_output > body->n_input - 1)
        return mx_fail(r->scope, MEXPR_E_OPERATOR,
            "%s: results of no iterations are not supported", label);
    u.body = (mx_names){.outer = n, .gate = n->gate, .depth = n->depth + 1};
    snprintf(u.body.prefix, sizeof u.body.prefix, "mexpr:%d:", r->n_scopes++);
    status = mx_reader_constants(r, &u.body, &u.wire, source);
    if (status == MEXPR_OK)
        status = prepare_loop(r, &u, trips);
    for (int64_t i = 0; status == MEXPR_OK && i < trips; i++)
        status = run_trip(r, &u, i, trips);
    return status == MEXPR_OK ? leave_loop(r, &u, trips) : status;
}

mexpr_status mx_reader_flow(
    mx_reader *r, const Mx__Onnx__Node *node, const mx_names *n, const char *label)
{
    if (strcmp(node->op_type, "If") == 0)
        return read_if(r, node, n, label);
    return strcmp(node->op_type, "Scan") == 0 ? mx_reader_scan(r, node, n, label)
                                              : read_loop(r, node, n, label);
}
