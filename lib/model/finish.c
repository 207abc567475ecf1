/* SPDX-License-Identifier: MIT */
/* mx_graph_finish(): from a heap of nodes to something that can be planned. */
#include <stdio.h>

#include "base/checked.h"
#include "model/fold.h"
#include "model/layout.h"
#include "model/operator.h"
#include "model/rewrite.h"

/* What folding may make: one value (unless it grows little), one that shapes follow from,
 * and all of a model beside FOLD_GROWTH times its weights; and about how many steps it
 * may take in all, beside those. A small file must not fill the memory, nor take long to
 * load: what is more than that stays a node to run. */
enum { FOLD_BYTES = 1 << 24, FOLD_DECIDES_BYTES = 1 << 20, FOLD_ALL_BYTES = 1 << 26 };
enum { FOLD_GROWTH = 2, FOLD_WORK = 1 << 30, FOLD_DECIDES_WORK = 1 << 26 };

typedef struct finish {
    mx_scope *scope;
    mx_graph *graph;
    mx_arena arena;       /* scratch */
    uint64_t fold_budget; /* bytes that may still be folded */
    double fold_work;     /* steps that folding may still take */
    mx_machine machine;
    int n_order;
    int *order;    /* nodes, each behind what it needs */
    bool *is_live; /* nodes that an output needs */
    bool *is_shut; /* nodes whose gate is shut */
    bool *decides; /* values that decide a shape */
    int *n_uses;   /* by value: how many nodes that are not folded yet need it */
    mx_tensor *tensors;
    mx_frame frame;
} finish;

/* --- completeness ------------------------------------------------------------------ */

static bool is_made(const mx_value *value)
{
    return value->producer >= 0 || value->is_input || value->tensor.data != NULL;
}

static mexpr_status check_links(mx_scope *scope, const mx_graph *graph)
{
    char label[MX_LABEL_SIZE];
    for (int i = 0; i < graph->n_nodes; i++) {
        const mx_node *node = &graph->nodes[i];
        for (int k = 0; k < node->n_inputs; k++) {
            const int value = node->inputs[k];
            if (value >= 0 && !is_made(&graph->values[value]))
                return mx_fail(scope, MEXPR_E_MODEL,
                    "%s: its input '%.200s' is made by no node, and is neither an input "
                    "of "
                    "the model nor an initializer",
                    mx_node_label(node, label), graph->values[value].name);
        }
    }
    for (int i = 0; i < graph->n_outputs; i++) {
        if (!is_made(&graph->values[graph->outputs[i].value]))
            return mx_fail(scope, MEXPR_E_MODEL,
                "the model's output '%.200s' is made by no node", graph->outputs[i].name);
    }
    if (graph->n_outputs == 0)
        return mx_fail(scope, MEXPR_E_MODEL, "the model has no outputs");
    return MEXPR_OK;
}

/* An output that is an input of the model gets a copy: its data are the session's. */
static mexpr_status copy_through(mx_scope *scope, mx_graph *graph)
{
    for (int i = 0; i < graph->n_outputs; i++) {
        mx_port *port = &graph->outputs[i];
        if (!graph->values[port->value].is_input)
            continue;
        const char *input = port->name;
        const char *output = "mexpr:copy";
        char name[64];
        for (int n = 0; mx_graph_find(graph, output) >= 0; n++) {
            snprintf(name, sizeof name, "mexpr:copy%d", n);
            output = name;
        }
        const mx_node_source node = {
            "", "Identity", "", graph->opset, 0, 1, 1, 0, &input, &output, NULL};
        const mexpr_status status = mx_graph_add_node(scope, graph, &node);
        if (status != MEXPR_OK)
            return status;
        port->value = graph->nodes[graph->n_nodes - 1].outputs[0];
        graph->values[port->value].is_output = true;
    }
    return MEXPR_OK;
}

/* --- order ------------------------------------------------------------------------- */

/* Lists of the nodes that use a node's outputs. */
typedef struct uses {
    int *first; /* of node i: users[first[i]..first[i + 1]-1] */
    int *users;
    int *waiting; /* inputs of a node that are not made yet */
} uses;

static int producer_of(const mx_graph *graph, int value)
{
    return value >= 0 ? graph->values[value].producer : -1;
}

/* What input k of a node waits for, behind the inputs its gate; -2 behind that. */
static int needed_by(const mx_graph *graph, const mx_node *node, int k)
{
    if (k < node->n_inputs)
        return producer_of(graph, node->inputs[k]);
    return k == node->n_inputs && node->gate >= 0
               ? producer_of(graph, graph->gates[node->gate].condition)
               : -2;
}

static mexpr_status list_uses(finish *f, uses *u)
{
    const mx_graph *graph = f->graph;
    const size_t n = (size_t)graph->n_nodes;
    u->first = mx_arena_alloc(f->scope, &f->arena, n + 2, sizeof(int));
    u->waiting = mx_arena_alloc(f->scope, &f->arena, n, sizeof(int));
    if (!u->first || !u->waiting)
        return MEXPR_E_NOMEM;
    for (int i = 0; i < graph->n_nodes; i++) {
        int producer;
        for (int k = 0; (producer = needed_by(graph, &graph->nodes[i], k)) >= -1; k++) {
            if (producer >= 0) {
                u->first[producer + 2]++;
                u->waiting[i]++;
            }
        }
    }
    for (size_t i = 1; i < n + 2; i++)
        u->first[i] += u->first[i - 1];
    u->users = mx_arena_alloc(f->scope, &f->arena, (size_t)u->first[n + 1], sizeof(int));
    if (!u->users)
        return MEXPR_E_NOMEM;
    /* first[p + 1] moves from the start of p's list to its end, the start of the next. */
    for (int i = 0; i < graph->n_nodes; i++) {
        int producer;
        for (int k = 0; (producer = needed_by(graph, &graph->nodes[i], k)) >= -1; k++) {
            if (producer >= 0)
                u->users[u->first[producer + 1]++] = i;
        }
    }
    return MEXPR_OK;
}

/* Kahn's algorithm: take what waits for nothing, in the order of the file. */
static mexpr_status sort_nodes(finish *f)
{
    const mx_graph *graph = f->graph;
    uses u;
    const mexpr_status status = list_uses(f, &u);
    if (status != MEXPR_OK)
        return status;
    f->order = mx_arena_alloc(f->scope, &f->arena, (size_t)graph->n_nodes, sizeof(int));
    if (!f->order)
        return MEXPR_E_NOMEM;
    int n_ready = 0;
    for (int i = 0; i < graph->n_nodes; i++) {
        if (u.waiting[i] == 0)
            f->order[n_ready++] = i;
    }
    for (int done = 0; done < n_ready; done++) {
        const int node = f->order[done];
        for (int k = u.first[node]; k < u.first[node + 1]; k++) {
            if (--u.waiting[u.users[k]] == 0)
                f->order[n_ready++] = u.users[k];
        }
    }
    char label[MX_LABEL_SIZE];
    for (int i = 0; n_ready < graph->n_nodes && i < graph->n_nodes; i++) {
        if (u.waiting[i] > 0)
            return mx_fail(f->scope, MEXPR_E_MODEL,
                "%s: the graph has a cycle: this node waits for its own output",
                mx_node_label(&graph->nodes[i], label));
    }
    f->n_order = n_ready;
    return MEXPR_OK;
}

/* --- what is needed ---------------------------------------------------------------- */

static mexpr_status find_live(finish *f)
{
    const mx_graph *graph = f->graph;
    f->is_live =
        mx_arena_alloc(f->scope, &f->arena, (size_t)graph->n_nodes, sizeof(bool));
    if (!f->is_live)
        return MEXPR_E_NOMEM;
    for (int i = 0; i < graph->n_outputs; i++) {
        const int producer = producer_of(graph, graph->outputs[i].value);
        if (producer >= 0)
            f->is_live[producer] = true;
    }
    for (int i = graph->n_nodes - 1; i >= 0; i--) {
        const mx_node *node = &graph->nodes[f->order[i]];
        int producer;
        if (!f->is_live[node->index])
            continue;
        for (int k = 0; (producer = needed_by(graph, node, k)) >= -1; k++) {
            if (producer >= 0)
                f->is_live[producer] = true;
        }
    }
    return MEXPR_OK;
}

static bool output_decides(const finish *f, const mx_node *node)
{
    for (int k = 0; k < node->n_outputs; k++) {
        if (node->outputs[k] >= 0 && f->decides[node->outputs[k]])
            return true;
    }
    return false;
}

/* Backwards from inputs like the shape of Reshape: what it is computed from is folded,
 * however large. */
static mexpr_status find_deciding(finish *f)
{
    mx_graph *graph = f->graph;
    f->decides =
        mx_arena_alloc(f->scope, &f->arena, (size_t)graph->n_values, sizeof(bool));
    if (!f->decides)
        return MEXPR_E_NOMEM;
    for (int i = graph->n_nodes - 1; i >= 0; i--) {
        const mx_node *node = &graph->nodes[f->order[i]];
        const bool all = output_decides(f, node) && !(node->op->flags & MX_OP_FROM_SHAPE);
        for (int k = 0; k < node->n_inputs; k++) {
            const bool own = k < 32 && node->op->value_inputs & MX_INPUT_BIT(k);
            if ((all || own) && node->inputs[k] >= 0)
                f->decides[node->inputs[k]] = true;
            if (own && node->inputs[k] >= 0)
                graph->values[node->inputs[k]].decides_shape = true;
        }
    }
    return MEXPR_OK;
}

/* --- inference and folding --------------------------------------------------------- */

static uint64_t known_bytes(const finish *f, const int *values, int n)
{
    uint64_t bytes = 0;
    for (int k = 0; k < n; k++) {
        if (values[k] >= 0 && mx_tensor_has_shape(&f->tensors[values[k]]))
            bytes += mx_tensor_bytes(&f->tensors[values[k]]);
    }
    return bytes;
}

static uint64_t fold_budget(const finish *f)
{
    uint64_t bytes = FOLD_ALL_BYTES;
    for (int i = 0; i < f->graph->n_values; i++) {
        if (f->graph->values[i].producer < 0 && f->tensors[i].data)
            bytes += FOLD_GROWTH * mx_tensor_bytes(&f->tensors[i]);
    }
    return bytes;
}

static bool is_worth_folding(finish *f, const mx_node *node)
{
    if (node->n_inputs == 0)
        return true; /* its value stands in the file */
    const uint64_t in = known_bytes(f, node->inputs, node->n_inputs);
    const uint64_t out = known_bytes(f, node->outputs, node->n_outputs);
    const double work = mx_fold_work(node, f->tensors);
    if (output_decides(f, node) && out <= FOLD_DECIDES_BYTES && work <= FOLD_DECIDES_WORK)
        return true;
    if (work > f->fold_work || (out > FOLD_BYTES && out > FOLD_GROWTH * in) ||
        out > f->fold_budget)
        return false;
    f->fold_budget -= out;
    f->fold_work -= work;
    return true;
}

/* How many live nodes and outputs of the model need a value. */
static mexpr_status count_uses(finish *f)
{
    const mx_graph *graph = f->graph;
    f->n_uses =
        mx_arena_alloc(f->scope, &f->arena, (size_t)graph->n_values, sizeof *f->n_uses);
    if (!f->n_uses)
        return MEXPR_E_NOMEM;
    for (int i = 0; i < graph->n_outputs; i++)
        f->n_uses[graph->outputs[i].value]++;
    for (int i = 0; i < graph->n_gates; i++)
        f->n_uses[graph->gates[i].condition]++;
    for (int i = 0; i < graph->n_nodes; i++) {
        const mx_node *node = &graph->nodes[i];
        for (int k = 0; f->is_live[i] && k < node->n_inputs; k++) {
            if (node->inputs[k] >= 0)
                f->n_uses[node->inputs[k]]++;
        }
    }
    return MEXPR_OK;
}

/* The node has been computed: what nothing else needs goes, so that large weights are not
 * there twice for longer than it takes. */
static void drop_inputs(finish *f, const mx_node *node)
{
    mx_graph *graph = f->graph;
    for (int k = 0; k < node->n_inputs; k++) {
        const int i = node->inputs[k];
        mx_value *value = i >= 0 ? &graph->values[i] : NULL;
        if (!value || --f->n_uses[i] > 0 || !value->block || mx_graph_keeps(graph, i))
            continue;
        mx_free(graph->context, value->block);
        value->block = value->tensor.data = f->tensors[i].data = NULL;
    }
}

/* Whether a gate is shut. Its condition must be a constant. */
static mexpr_status ask_gate(finish *f, int number, bool *is_shut)
{
    *is_shut = false;
    if (number < 0)
        return MEXPR_OK;
    const mx_gate *gate = &f->graph->gates[number];
    const int producer = producer_of(f->graph, gate->condition);
    const mx_tensor *condition = &f->tensors[gate->condition];
    *is_shut = producer >= 0 && f->is_shut[producer];
    if (*is_shut)
        return MEXPR_OK;
    if (!condition->data)
        return mx_fail(f->scope, MEXPR_E_OPERATOR,
            "%s: its condition depends on the model's inputs or their sizes, which is "
            "not "
            "supported: only conditions that are constant when the model is loaded are",
            gate->label);
    if (condition->dtype != MEXPR_DTYPE_BOOL || mx_tensor_count(condition) != 1)
        return mx_fail(f->scope, MEXPR_E_TYPE,
            "%s: its condition must be one truth value", gate->label);
    *is_shut = (*(const uint8_t *)condition->data != 0) != gate->wanted;
    return MEXPR_OK;
}

/* Outcome of an If: node with inputs condition, then, else becomes what passes one on. */
static mexpr_status choose_branch(finish *f, mx_node *node)
{
    const mx_tensor *condition = &f->tensors[node->inputs[0]];
    char label[MX_LABEL_SIZE];
    if (!condition->data || condition->dtype != MEXPR_DTYPE_BOOL)
        return mx_fail(f->scope, MEXPR_E_OPERATOR,
            "%s: its condition is not a constant truth value",
            mx_node_label(node, label));
    node->inputs[0] = node->inputs[*(const uint8_t *)condition->data ? 1 : 2];
    node->n_inputs = 1;
    return mx_operator_find(f->scope, "", "Identity", node->opset, &node->op);
}

/* *skips: the node stands under a condition that does not hold. */
static mexpr_status pass_gate(finish *f, mx_node *node, bool *skips)
{
    char label[MX_LABEL_SIZE];
    mexpr_status status = ask_gate(f, node->gate, skips);
    f->is_shut[node->index] = node->is_shut = *skips;
    if (status != MEXPR_OK || *skips)
        return status;
    if (node->op == &mx_unknown_operator) {
        status = mx_operator_find(
            f->scope, node->domain, node->op_type, node->opset, &node->op);
        return mx_fail_prefix(f->scope, status, mx_node_label(node, label));
    }
    if (node->op->flags & MX_OP_BRANCH)
        status = choose_branch(f, node);
    for (int k = 0; status == MEXPR_OK && k < node->n_inputs; k++) {
        const int producer = producer_of(f->graph, node->inputs[k]);
        if (producer >= 0 && f->is_shut[producer])
            return mx_fail(f->scope, MEXPR_E_OPERATOR,
                "%s: it needs the result of an iteration that does not run, which is not "
                "supported",
                mx_node_label(node, label));
    }
    return status;
}

static mexpr_status infer_and_fold(finish *f)
{
    mx_graph *graph = f->graph;
    f->is_shut =
        mx_arena_alloc(f->scope, &f->arena, (size_t)graph->n_nodes, sizeof(bool));
    if (!f->is_shut)
        return MEXPR_E_NOMEM;
    f->fold_budget = fold_budget(f);
    f->fold_work = FOLD_WORK + (double)f->fold_budget;
    const mexpr_status counted = count_uses(f);
    if (counted != MEXPR_OK)
        return counted;
    for (int i = 0; i < graph->n_nodes; i++) {
        mx_node *node = &graph->nodes[f->order[i]];
        bool skips;
        mexpr_status status = pass_gate(f, node, &skips);
        if (status == MEXPR_OK && skips)
            continue;
        if (status == MEXPR_OK)
            status = mx_node_infer(&f->frame, node);
        if (status == MEXPR_OK && f->is_live[node->index] &&
            mx_node_is_constant(&f->frame, node) && is_worth_folding(f, node))
            status = mx_node_fold(&f->frame, node);
        if (status != MEXPR_OK)
            return status;
        bool is_folded = f->is_live[node->index];
        for (int k = 0; k < node->n_outputs; k++) {
            const int value = node->outputs[k];
            if (value < 0)
                continue;
            graph->values[value].tensor = f->tensors[value];
            graph->values[value].block = f->tensors[value].data;
            is_folded = is_folded && f->tensors[value].data;
        }
        if (is_folded)
            drop_inputs(f, node);
    }
    return MEXPR_OK;
}

/* --- the result -------------------------------------------------------------------- */

static bool has_work(const mx_graph *graph, const mx_node *node)
{
    for (int k = 0; k < node->n_outputs; k++) {
        if (node->outputs[k] >= 0 && !graph->values[node->outputs[k]].tensor.data)
            return true;
    }
    return false;
}

/* Data that no step needs go, but for those that are to be written again. */
static void drop_unused(mx_graph *graph, bool *is_used)
{
    for (int i = 0; i < graph->n_file_values; i++) {
        if (graph->values[i].panels)
            is_used[graph->values[i].panels - 1] = true;
    }
    for (int i = 0; i < graph->n_values; i++) {
        mx_value *value = &graph->values[i];
        value->is_spare = !is_used[i] && !value->is_shared;
        if (is_used[i] || !value->block || value->is_shared || mx_graph_keeps(graph, i))
            continue;
        mx_free(graph->context, value->block);
        value->block = value->tensor.data = NULL;
    }
}

/* Nodes can have become superfluous by folding what they led to, or by rewriting, so once
 * more backwards. */
static mexpr_status choose_steps(finish *f)
{
    mx_graph *graph = f->graph;
    bool *is_used =
        mx_arena_alloc(f->scope, &f->arena, (size_t)graph->n_values, sizeof *is_used);
    graph->steps =
        mx_arena_alloc(f->scope, &graph->arena, (size_t)f->n_order, sizeof *graph->steps);
    if (!is_used || !graph->steps)
        return MEXPR_E_NOMEM;
    for (int i = 0; i < graph->n_outputs; i++)
        is_used[graph->outputs[i].value] = true;
    int n = 0;
    for (int i = f->n_order - 1; i >= 0; i--) {
        const mx_node *node = &graph->nodes[f->order[i]];
        bool wanted = false;
        for (int k = 0; k < node->n_outputs; k++)
            wanted = wanted || (node->outputs[k] >= 0 && is_used[node->outputs[k]]);
        if (!wanted || !has_work(graph, node))
            continue;
        graph->steps[n++] = f->order[i];
        for (int k = 0; k < node->n_inputs; k++) {
            if (node->inputs[k] >= 0)
                is_used[node->inputs[k]] = true;
        }
    }
    graph->n_steps = n;
    for (int i = 0; i < n / 2; i++) {
        const int step = graph->steps[i];
        graph->steps[i] = graph->steps[n - 1 - i];
        graph->steps[n - 1 - i] = step;
    }
    drop_unused(graph, is_used);
    return MEXPR_OK;
}

/* What the model says of an output, made exact by what was inferred. */
static mexpr_status settle_outputs(finish *f)
{
    for (int i = 0; i < f->graph->n_outputs; i++) {
        mx_port *port = &f->graph->outputs[i];
        const mx_tensor *found = &f->graph->values[port->value].tensor;
        if (!found->dtype)
            continue;
        if (port->declared.dtype && port->declared.dtype != found->dtype)
            return mx_fail(f->scope, MEXPR_E_TYPE,
                "the output '%.200s' is declared as %s, but is %s", port->name,
                mexpr_dtype_name((mexpr_dtype)port->declared.dtype),
                mexpr_dtype_name((mexpr_dtype)found->dtype));
        port->declared.dtype = found->dtype;
        if (found->rank < 0)
            continue;
        const bool same_rank = port->declared.rank == found->rank;
        for (int d = 0; d < found->rank; d++) {
            if (!same_rank || found->dims[d] >= 0)
                port->declared.dims[d] = found->dims[d];
        }
        port->declared.rank = found->rank;
    }
    return MEXPR_OK;
}

/* Files must have each node behind what it needs: another order is kept for writing. */
static mexpr_status keep_order(finish *f)
{
    mx_graph *graph = f->graph;
    bool is_sorted = true;
    for (int i = 0; i < graph->n_file_nodes; i++) {
        const mx_node *node = &graph->nodes[i];
        for (int k = 0; k < node->n_inputs; k++)
            is_sorted = is_sorted && producer_of(graph, node->inputs[k]) < i;
    }
    if (is_sorted)
        return MEXPR_OK;
    graph->order = mx_arena_raw(
        f->scope, &graph->arena, (size_t)graph->n_file_nodes, sizeof *graph->order);
    if (!graph->order)
        return MEXPR_E_NOMEM;
    for (int i = 0, n = 0; i < graph->n_nodes; i++) {
        if (f->order[i] < graph->n_file_nodes)
            graph->order[n++] = f->order[i];
    }
    return MEXPR_OK;
}

static mexpr_status finish_in(finish *f)
{
    mx_graph *graph = f->graph;
    mexpr_status status = sort_nodes(f);
    if (status == MEXPR_OK)
        status = keep_order(f);
    if (status == MEXPR_OK)
        status = find_live(f);
    if (status == MEXPR_OK)
        status = find_deciding(f);
    if (status != MEXPR_OK)
        return status;
    f->tensors =
        mx_arena_alloc(f->scope, &f->arena, (size_t)graph->n_values, sizeof *f->tensors);
    if (!f->tensors)
        return MEXPR_E_NOMEM;
    for (int i = 0; i < graph->n_values; i++)
        f->tensors[i] = graph->values[i].tensor;
    status =
        mx_frame_init(f->scope, &f->arena, graph, &f->machine, f->tensors, &f->frame);
    if (status == MEXPR_OK)
        status = infer_and_fold(f);
    if (status == MEXPR_OK)
        status = settle_outputs(f);
    if (status == MEXPR_OK)
        status =
            mx_rewrite(f->scope, graph, &f->machine, &f->arena, f->order, &f->n_order);
    if (status == MEXPR_OK)
        status = mx_layout(f->scope, graph, &f->arena, &f->order, &f->n_order);
    return status == MEXPR_OK ? choose_steps(f) : status;
}

mexpr_status mx_graph_finish(mx_scope *scope, mx_graph *graph)
{
    graph->n_file_nodes = graph->n_nodes;
    graph->n_file_values = graph->n_values;
    for (int i = 0; i < graph->n_values; i++) {
        if (graph->values[i].is_trainable)
            graph->n_trainable += (uint64_t)mx_tensor_count(&graph->values[i].tensor);
    }
    mexpr_status status = check_links(scope, graph);
    if (status == MEXPR_OK)
        status = copy_through(scope, graph);
    if (status != MEXPR_OK)
        return status;
    finish f = {.scope = scope, .graph = graph};
    mx_arena_init(&f.arena, graph->context);
    mx_machine_init(&f.machine, mexpr_context_cpu(graph->context));
    status = finish_in(&f);
    mx_arena_release(&f.arena);
    return status;
}
