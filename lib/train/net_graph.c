/* SPDX-License-Identifier: MIT */
/* Which nodes a network needs to learn, and where gradients flow. A graph computes what
 * depends on constants alone once, when it is made; weights are no constants here, so the
 * nodes are chosen anew from those of the source. */
#include <string.h>

#include "model/operator.h"
#include "train/net_parts.h"

typedef struct survey {
    mx_scope *scope;
    mx_net *net;
    const mx_graph *graph;
    mx_arena arena;   /* scratch */
    bool *is_weight;  /* by value */
    bool *is_state;   /* by value */
    bool *is_varying; /* by value: it follows from weights, states or inputs */
    bool *is_used;    /* by value: a node that runs, or an output, needs it */
    bool *is_read;    /* by value: its numbers too, not the shape alone */
    int n_order;
    const mx_node **order; /* all nodes, each behind what it needs */
} survey;

static bool is_initializer(const survey *s, int value)
{
    return value >= 0 && s->graph->values[value].producer < 0 &&
           !s->graph->values[value].is_input;
}

static bool has_bit(uint32_t bits, int k)
{
    return k < 32 && bits & MX_INPUT_BIT(k);
}

/* The graph's own nodes behind those of the source stand in for some of these, but for
 * copies of inputs that are outputs. */
static bool is_copy(const mx_graph *graph, const mx_node *node)
{
    return strcmp(node->op_type, "Identity") == 0 && node->n_inputs == 1 &&
           node->inputs[0] >= 0 && graph->values[node->inputs[0]].is_input &&
           node->outputs[0] >= 0 && graph->values[node->outputs[0]].is_output;
}

static void list_nodes(survey *s)
{
    const mx_graph *graph = s->graph;
    for (int i = 0; i < graph->n_nodes; i++) {
        const bool in_file = i < graph->n_file_nodes;
        const mx_node *node =
            &graph->nodes[in_file && graph->order ? graph->order[i] : i];
        if (!node->is_shut && (in_file || is_copy(graph, node)))
            s->order[s->n_order++] = node;
    }
}

/* Weights are the trainable initializers that some node has a derivative by. */
static mexpr_status find_weights(survey *s, const mx_node *node)
{
    const mx_back_op *back = mx_back_find(node);
    char label[MX_LABEL_SIZE];
    for (int k = 0; k < node->n_inputs; k++) {
        const int value = node->inputs[k];
        const bool is_state = back && has_bit(back->states, k);
        if (is_state && !is_initializer(s, value))
            return mx_fail(s->scope, MEXPR_E_OPERATOR,
                "%s: its input %d changes while training, so it must be an initializer",
                mx_node_label(node, label), k);
        if (!is_initializer(s, value))
            continue;
        if (is_state)
            s->is_state[value] = true;
        else if (s->graph->values[value].is_trainable &&
                 !(back && has_bit(back->no_gradient, k)))
            s->is_weight[value] = true;
    }
    return MEXPR_OK;
}

static void find_varying(survey *s)
{
    for (int i = 0; i < s->graph->n_values; i++)
        s->is_varying[i] =
            s->is_weight[i] || s->is_state[i] || s->graph->values[i].is_input;
    for (int i = 0; i < s->n_order; i++) {
        const mx_node *node = s->order[i];
        bool is_varying = false;
        for (int k = 0; k < node->n_inputs; k++)
            is_varying =
                is_varying || (node->inputs[k] >= 0 && s->is_varying[node->inputs[k]]);
        for (int k = 0; k < node->n_outputs; k++) {
            if (node->outputs[k] >= 0)
                s->is_varying[node->outputs[k]] = is_varying;
        }
    }
}

/* Whether running the node makes a value that is needed and not there as a constant. */
static bool is_wanted(const survey *s, const mx_node *node)
{
    for (int k = 0; k < node->n_outputs; k++) {
        const int value = node->outputs[k];
        if (value >= 0 && s->is_used[value] &&
            (s->is_varying[value] || !s->graph->values[value].tensor.data))
            return true;
    }
    return false;
}

/* Softmax along an axis of one element is 1 with a slope of 0: what it is made from, as
 * queries and keys where attention has one token, is neither computed nor trained. */
static bool gives_ones(const survey *s, const mx_node *node)
{
    if (strcmp(node->op_type, "Softmax") != 0 || node->domain[0] || node->opset < 13)
        return false;
    const mx_tensor *out = &s->graph->values[node->outputs[0]].tensor;
    const int64_t axis = mx_attr_int(node, "axis", -1);
    return out->rank > 0 && out->dims[axis < 0 ? axis + out->rank : axis] == 1;
}

static void mark_inputs(survey *s, const mx_node *node)
{
    bool is_read = false;
    for (int k = 0; k < node->n_outputs; k++)
        is_read = is_read || (node->outputs[k] >= 0 && s->is_read[node->outputs[k]]);
    if (gives_ones(s, node)) {
        s->net->is_ones[node->outputs[0]] = true;
        is_read = false;
    }
    for (int k = 0; k < node->n_inputs; k++) {
        if (node->inputs[k] < 0)
            continue;
        s->is_used[node->inputs[k]] = true;
        s->is_read[node->inputs[k]] |= is_read;
    }
}

/* Backwards from the outputs. */
static void choose_nodes(survey *s)
{
    mx_net *net = s->net;
    for (int i = 0; i < s->graph->n_outputs; i++) {
        s->is_used[s->graph->outputs[i].value] = true;
        s->is_read[s->graph->outputs[i].value] = true;
    }
    int at = s->n_order;
    for (int i = s->n_order - 1; i >= 0; i--) {
        const mx_node *node = s->order[i];
        if (!is_wanted(s, node))
            continue;
        net->nodes[--at] = node;
        mark_inputs(s, node);
        net->max_inputs =
            node->n_inputs > net->max_inputs ? node->n_inputs : net->max_inputs;
        net->max_outputs =
            node->n_outputs > net->max_outputs ? node->n_outputs : net->max_outputs;
    }
    net->n_nodes = s->n_order - at;
    memmove(net->nodes, net->nodes + at, (size_t)net->n_nodes * sizeof *net->nodes);
}

/* A gradient goes through a node from its outputs of floats to its inputs that have one.
 */
static mexpr_status spread_gradient(survey *s, const mx_node *node)
{
    const mx_back_op *back = mx_back_find(node);
    bool *has_gradient = s->net->has_gradient;
    bool any_in = false, any_out = false;
    for (int k = 0; k < node->n_inputs; k++)
        any_in = any_in || (node->inputs[k] >= 0 && has_gradient[node->inputs[k]] &&
                               !(back && has_bit(back->no_gradient, k)));
    for (int k = 0; k < node->n_outputs; k++) {
        const int value = node->outputs[k];
        const int32_t dtype = value >= 0 ? s->graph->values[value].tensor.dtype : -1;
        if (!any_in || node->op->flags & MX_OP_FROM_SHAPE ||
            (value >= 0 && s->net->is_ones[value]) ||
            (dtype && dtype != MEXPR_DTYPE_F32))
            continue;
        has_gradient[value] = any_out = true;
    }
    char label[MX_LABEL_SIZE];
    if (any_out && (!back || !back->backward))
        return mx_fail(s->scope, MEXPR_E_OPERATOR,
            "%s: this operator cannot be trained through", mx_node_label(node, label));
    return MEXPR_OK;
}

/* --- the vector of weights --------------------------------------------------------- */

static mexpr_status check_data(const survey *s, int value)
{
    if (s->graph->values[value].tensor.data)
        return MEXPR_OK;
    return mx_fail(s->scope, MEXPR_E_STATE,
        "the initializer '%.200s' is gone: load the model with its source kept to train "
        "it",
        s->graph->values[value].name);
}

/* Counts what is needed of weights and states, and lists the parts. */
static mexpr_status list_parts(survey *s)
{
    mx_net *net = s->net;
    for (int i = 0; i < s->graph->n_values; i++) {
        const mx_tensor *tensor = &s->graph->values[i].tensor;
        s->is_weight[i] = s->is_weight[i] && s->is_read[i];
        s->is_state[i] = s->is_state[i] && s->is_read[i];
        if (!s->is_weight[i] && !s->is_state[i])
            continue;
        const mexpr_status status = check_data(s, i);
        if (status != MEXPR_OK)
            return status;
        const size_t count = (size_t)mx_tensor_count(tensor);
        if (s->is_state[i]) {
            net->n_states += count;
            continue;
        }
        net->part_values[net->n_parts] = i;
        net->parts[net->n_parts++] =
            (mx_net_part){s->graph->values[i].name, net->n_weights, count};
        net->n_weights += count;
    }
    return MEXPR_OK;
}

static mexpr_status copy_weights(survey *s)
{
    mx_net *net = s->net;
    net->weights = mx_alloc(s->scope, net->n_weights, sizeof(float));
    net->gradients = mx_calloc(s->scope, net->n_weights, sizeof(float));
    net->states = mx_alloc(s->scope, net->n_states, sizeof(float));
    if (!net->weights || !net->gradients || !net->states)
        return MEXPR_E_NOMEM;
    float *weights = net->weights, *gradients = net->gradients, *states = net->states;
    for (int i = 0; i < s->graph->n_values; i++) {
        const mx_tensor *tensor = &s->graph->values[i].tensor;
        if (!s->is_weight[i] && !s->is_state[i])
            continue;
        float **at = s->is_weight[i] ? &weights : &states;
        const size_t count = (size_t)mx_tensor_count(tensor);
        memcpy(*at, tensor->data, count * sizeof(float));
        net->weight_at[i] = *at;
        *at += count;
        if (s->is_weight[i]) {
            net->gradient_at[i] = gradients;
            gradients += count;
        }
    }
    return MEXPR_OK;
}

/* --- all --------------------------------------------------------------------------- */

static mexpr_status allocate(survey *s)
{
    mx_net *net = s->net;
    const size_t n_values = (size_t)s->graph->n_values,
                 n_nodes = (size_t)s->graph->n_nodes;
    bool **scratch[] = {
        &s->is_weight, &s->is_state, &s->is_varying, &s->is_used, &s->is_read};
    for (size_t i = 0; i < sizeof scratch / sizeof scratch[0]; i++) {
        *scratch[i] = mx_arena_alloc(s->scope, &s->arena, n_values, sizeof(bool));
        if (!*scratch[i])
            return MEXPR_E_NOMEM;
    }
    s->order = mx_arena_alloc(s->scope, &s->arena, n_nodes, sizeof *s->order);
    net->nodes = mx_arena_alloc(s->scope, &net->arena, n_nodes, sizeof *net->nodes);
    net->parts = mx_arena_alloc(s->scope, &net->arena, n_values, sizeof *net->parts);
    net->part_values = mx_arena_alloc(s->scope, &net->arena, n_values, sizeof(int));
    net->has_gradient = mx_arena_alloc(s->scope, &net->arena, n_values, sizeof(bool));
    net->is_ones = mx_arena_alloc(s->scope, &net->arena, n_values, sizeof(bool));
    net->is_written = mx_arena_alloc(s->scope, &net->arena, n_values, sizeof(bool));
    net->weight_at = mx_arena_alloc(s->scope, &net->arena, n_values, sizeof(float *));
    net->gradient_at = mx_arena_alloc(s->scope, &net->arena, n_values, sizeof(float *));
    return s->order && net->nodes && net->parts && net->part_values &&
                   net->has_gradient && net->is_ones && net->is_written &&
                   net->weight_at && net->gradient_at
               ? MEXPR_OK
               : MEXPR_E_NOMEM;
}

static mexpr_status survey_in(survey *s)
{
    mexpr_status status = allocate(s);
    if (status != MEXPR_OK)
        return status;
    list_nodes(s);
    for (int i = 0; i < s->n_order && status == MEXPR_OK; i++)
        status = find_weights(s, s->order[i]);
    if (status != MEXPR_OK)
        return status;
    find_varying(s);
    choose_nodes(s);
    for (int i = 0; i < s->graph->n_values; i++)
        s->net->has_gradient[i] = s->is_weight[i] && s->is_read[i];
    for (int i = 0; i < s->net->n_nodes && status == MEXPR_OK; i++)
        status = spread_gradient(s, s->net->nodes[i]);
    if (status == MEXPR_OK)
        status = list_parts(s);
    return status == MEXPR_OK ? copy_weights(s) : status;
}

mexpr_status mx_net_survey(mx_scope *scope, mx_net *net)
{
    survey s = {.scope = scope, .net = net, .graph = &net->graph};
    mx_arena_init(&s.arena, scope->context);
    mexpr_status status = survey_in(&s);
    mx_arena_release(&s.arena);
    if (status == MEXPR_OK && net->n_parts == 0)
        status = mx_fail(scope, MEXPR_E_MODEL, "the model has no weights to train");
    return status;
}
