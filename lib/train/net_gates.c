/* SPDX-License-Identifier: MIT */
/* Finds attention over one axis and puts the nodes of gate.h in the place of its parts:
 * ReduceMax and ReduceMean over the channels of x, or of x with another axis in their
 * place, side by side; and Mul of the same x, then exchanged back. */
#include <string.h>

#include "train/gate.h"
#include "train/net_parts.h"

enum { PICTURE_RANK = 4, CHANNELS = 1 };

typedef struct search {
    mx_scope *scope;
    mx_net *net;
    const mx_graph *graph;
    mx_arena arena;         /* scratch */
    int *n_readers;         /* by value */
    const mx_node **makers; /* by value */
    bool *is_taken;         /* by node of the graph */
} search;

static bool is_op(const mx_node *node, const char *name)
{
    return node && !node->domain[0] && strcmp(node->op_type, name) == 0;
}

static const mx_tensor *tensor_of(const search *s, int value)
{
    return &s->graph->values[value].tensor;
}

/* Read by one node and nobody else. */
static bool is_inner(const search *s, int value, int n_readers)
{
    return s->n_readers[value] == n_readers && !s->graph->values[value].is_output;
}

/* Over the channels alone, which stay as a dimension. */
static bool reduces_channels(const search *s, const mx_node *node)
{
    const mx_attribute *a = mx_attr(node, "axes");
    if (mx_attr_int(node, "keepdims", 1) == 0)
        return false;
    if (a)
        return a->n == 1 && a->ints[0] == CHANNELS;
    const mx_tensor *list =
        node->n_inputs > 1 && node->inputs[1] >= 0 ? tensor_of(s, node->inputs[1]) : NULL;
    return list && list->data && list->dtype == MEXPR_DTYPE_I64 &&
           mx_tensor_count(list) == 1 && *(const int64_t *)list->data == CHANNELS;
}

/* The axis that changes places with the channels, 0: this is something else. */
static int exchanged(const mx_node *node)
{
    const mx_attribute *perm = is_op(node, "Transpose") ? mx_attr(node, "perm") : NULL;
    if (!perm || perm->n != PICTURE_RANK || perm->ints[0] != 0)
        return 0;
    if (perm->ints[1] == 2 && perm->ints[2] == 1)
        return 2;
    return perm->ints[1] == 3 && perm->ints[2] == 2 ? 3 : 0;
}

static const mx_node *maker_of(const search *s, int value)
{
    return value >= 0 ? s->makers[value] : NULL;
}

/* The node that reads a value and is called `name`, NULL: none or several. */
static const mx_node *reader_of(const search *s, int value, const char *name)
{
    const mx_node *found = NULL;
    int n = 0;
    for (int i = 0; i < s->net->n_nodes; i++) {
        const mx_node *node = s->net->nodes[i];
        for (int k = 0; k < node->n_inputs && is_op(node, name); k++) {
            if (node->inputs[k] == value) {
                found = node;
                n++;
            }
        }
    }
    return n == 1 ? found : NULL;
}

/* --- one gate ----------------------------------------------------------------------- */

typedef struct parts {
    const mx_node *most, *mean, *concat, *turn, *mul, *back; /* NULL: not there */
    int x, axis;
    bool is_mean_first;
} parts;

/* ReduceMax and ReduceMean of one value into Concat. */
static bool find_stats(const search *s, const mx_node *concat, parts *p)
{
    if (!is_op(concat, "Concat") || concat->n_inputs != 2 ||
        mx_attr_int(concat, "axis", 0) != CHANNELS)
        return false;
    const mx_node *pair[2];
    for (int k = 0; k < 2; k++)
        pair[k] = maker_of(s, concat->inputs[k]);
    p->concat = concat;
    p->is_mean_first = is_op(pair[0], "ReduceMean");
    p->mean = pair[!p->is_mean_first];
    p->most = pair[p->is_mean_first];
    return is_op(p->mean, "ReduceMean") && is_op(p->most, "ReduceMax") &&
           p->mean->inputs[0] == p->most->inputs[0] && reduces_channels(s, p->mean) &&
           reduces_channels(s, p->most) && is_inner(s, concat->inputs[0], 1) &&
           is_inner(s, concat->inputs[1], 1) &&
           tensor_of(s, p->mean->inputs[0])->rank == PICTURE_RANK;
}

/* Whether `mul` is a product of `value` with one factor for all its channels. */
static bool is_gated(const search *s, const mx_node *mul, int value)
{
    if (!mul)
        return false;
    const int factor = mul->inputs[mul->inputs[0] == value];
    const mx_tensor *a = tensor_of(s, value), *b = tensor_of(s, factor);
    return factor != value && b->rank == PICTURE_RANK && b->dims[1] == 1 &&
           a->dims[0] == b->dims[0] && a->dims[2] > 0 && a->dims[2] == b->dims[2] &&
           a->dims[3] > 0 && a->dims[3] == b->dims[3] && s->makers[factor];
}

/* What the statistics are of, and the product; false: not a gate in whole. */
static bool find_product(const search *s, parts *p)
{
    const int value = p->mean->inputs[0];
    p->turn = maker_of(s, value);
    p->axis = exchanged(p->turn);
    p->mul = reader_of(s, value, "Mul");
    if (!is_gated(s, p->mul, value))
        p->mul = NULL;
    if (!p->axis) {
        p->turn = NULL;
        p->axis = CHANNELS;
        p->x = value;
        return true;
    }
    p->x = p->turn->inputs[0];
    if (!p->mul || !is_inner(s, value, 3) || !is_inner(s, p->mul->outputs[0], 1))
        return false;
    p->back = reader_of(s, p->mul->outputs[0], "Transpose");
    return exchanged(p->back) == p->axis;
}

static mx_axis_gate *make_gate(const search *s, const mx_node *like,
    const mx_operator *op, int axis, int n_inputs, const int *inputs)
{
    mx_axis_gate *gate = mx_arena_alloc(s->scope, &s->net->arena, 1, sizeof *gate);
    int *own = mx_arena_alloc(s->scope, &s->net->arena, 2, sizeof *own);
    if (!gate || !own)
        return NULL;
    memcpy(own, inputs, (size_t)n_inputs * sizeof *own);
    *gate = (mx_axis_gate){.node = *like, .axis = axis};
    gate->node.op = op;
    gate->node.n_attributes = 0;
    gate->node.inputs = own;
    gate->node.n_inputs = n_inputs;
    return gate;
}

static void put_node(const search *s, const mx_node *instead_of, const mx_node *node)
{
    for (int i = 0; i < s->net->n_nodes; i++) {
        if (s->net->nodes[i] == instead_of)
            s->net->nodes[i] = node;
    }
}

static void take(const search *s, const mx_node *node)
{
    if (node)
        s->is_taken[node->index] = true;
}

static mexpr_status replace(const search *s, const parts *p)
{
    mx_axis_gate *stats =
        make_gate(s, p->concat, &mx_gate_stats_operator, p->axis, 1, &p->x);
    if (!stats)
        return MEXPR_E_NOMEM;
    stats->is_mean_first = p->is_mean_first;
    put_node(s, p->concat, &stats->node);
    take(s, p->most);
    take(s, p->mean);
    if (!p->mul)
        return MEXPR_OK;
    const int factor = p->mul->inputs[p->mul->inputs[0] == p->mean->inputs[0]];
    const int inputs[2] = {p->x, factor};
    const mx_node *last = p->back ? p->back : p->mul;
    mx_axis_gate *product =
        make_gate(s, last, &mx_gate_product_operator, p->axis, 2, inputs);
    if (!product)
        return MEXPR_E_NOMEM;
    put_node(s, last, &product->node);
    if (p->back) {
        take(s, p->turn);
        take(s, p->mul);
    }
    return MEXPR_OK;
}

/* --- all ---------------------------------------------------------------------------- */

static mexpr_status begin(search *s)
{
    const size_t n_values = (size_t)s->graph->n_values;
    s->n_readers = mx_arena_alloc(s->scope, &s->arena, n_values, sizeof *s->n_readers);
    s->makers = mx_arena_alloc(s->scope, &s->arena, n_values, sizeof *s->makers);
    s->is_taken = mx_arena_alloc(
        s->scope, &s->arena, (size_t)s->graph->n_nodes, sizeof *s->is_taken);
    if (!s->n_readers || !s->makers || !s->is_taken)
        return MEXPR_E_NOMEM;
    for (int i = 0; i < s->net->n_nodes; i++) {
        const mx_node *node = s->net->nodes[i];
        for (int k = 0; k < node->n_inputs; k++) {
            if (node->inputs[k] >= 0)
                s->n_readers[node->inputs[k]]++;
        }
        for (int k = 0; k < node->n_outputs; k++) {
            if (node->outputs[k] >= 0)
                s->makers[node->outputs[k]] = node;
        }
    }
    return MEXPR_OK;
}

static mexpr_status search_in(search *s)
{
    mexpr_status status = begin(s);
    for (int i = 0; i < s->net->n_nodes && status == MEXPR_OK; i++) {
        parts p = {0};
        if (find_stats(s, s->net->nodes[i], &p) && find_product(s, &p))
            status = replace(s, &p);
    }
    int n = 0;
    for (int i = 0; i < s->net->n_nodes && status == MEXPR_OK; i++) {
        const mx_node *node = s->net->nodes[i];
        const bool is_gate =
            node->op == &mx_gate_stats_operator || node->op == &mx_gate_product_operator;
        if (is_gate || !s->is_taken[node->index])
            s->net->nodes[n++] = node;
    }
    if (status == MEXPR_OK)
        s->net->n_nodes = n;
    return status;
}

mexpr_status mx_net_find_gates(mx_scope *scope, mx_net *net)
{
    search s = {.scope = scope, .net = net, .graph = &net->model->graph};
    mx_arena_init(&s.arena, scope->context);
    const mexpr_status status = search_in(&s);
    mx_arena_release(&s.arena);
    return status;
}
