/* SPDX-License-Identifier: MIT */
#include "model/plan.h"

#include <limits.h>
#include <string.h>

#include "base/checked.h"

/* Inputs whose values decide shapes are shapes, indices, sizes: small. */
enum { VALUE_INPUT_BYTES = 1 << 20, FOLD_BYTES = 1 << 20 };

typedef struct step {
    const mx_node *node;
    const mx_tensor **inputs;
    mx_tensor **outputs;
    void *params;
    size_t workspace_bytes;
    size_t workspace_offset; /* in the plan's block */
    void *workspace;
} step;

struct mx_plan {
    mexpr_context *context;
    const mx_graph *graph;
    mx_arena arena;
    mx_tensor *tensors; /* by value */
    void **blocks;      /* by value: data computed or copied for this plan alone */
    int n_steps;
    step *steps;
    uint8_t *memory; /* one block for all results and scratch memory */
};

/* --- memory ------------------------------------------------------------------------ */

/* Best fit over the time of the steps: a list of free pieces in the order of their
 * offsets, behind which the block grows. */
typedef struct piece {
    size_t offset;
    size_t size;
} piece;

typedef struct layout {
    piece *pieces;
    int n_pieces;
    size_t end;
} layout;

static void remove_piece(layout *l, int at)
{
    l->n_pieces--;
    memmove(&l->pieces[at], &l->pieces[at + 1],
        (size_t)(l->n_pieces - at) * sizeof *l->pieces);
}

/* The smallest free piece that is large enough, or a new one at the end. */
static size_t layout_take(layout *l, size_t size)
{
    int best = -1;
    for (int i = 0; i < l->n_pieces; i++) {
        if (l->pieces[i].size >= size &&
            (best < 0 || l->pieces[i].size < l->pieces[best].size))
            best = i;
    }
    if (best >= 0) {
        const size_t offset = l->pieces[best].offset;
        l->pieces[best].offset += size;
        l->pieces[best].size -= size;
        if (l->pieces[best].size == 0)
            remove_piece(l, best);
        return offset;
    }
    const piece *last = l->n_pieces ? &l->pieces[l->n_pieces - 1] : NULL;
    const bool extends = last && last->offset + last->size == l->end;
    const size_t offset = extends ? last->offset : l->end;
    if (extends)
        l->n_pieces--;
    l->end = offset + size;
    return offset;
}

static void layout_give(layout *l, size_t offset, size_t size)
{
    int at = 0;
    while (at < l->n_pieces && l->pieces[at].offset < offset)
        at++;
    const bool joins_left =
        at > 0 && l->pieces[at - 1].offset + l->pieces[at - 1].size == offset;
    const bool joins_right = at < l->n_pieces && offset + size == l->pieces[at].offset;
    if (joins_left && joins_right) {
        l->pieces[at - 1].size += size + l->pieces[at].size;
        remove_piece(l, at);
    } else if (joins_left) {
        l->pieces[at - 1].size += size;
    } else if (joins_right) {
        l->pieces[at].offset = offset;
        l->pieces[at].size += size;
    } else {
        memmove(&l->pieces[at + 1], &l->pieces[at],
            (size_t)(l->n_pieces - at) * sizeof *l->pieces);
        l->pieces[at] = (piece){offset, size};
        l->n_pieces++;
    }
}

/* --- values ------------------------------------------------------------------------ */

/* What building a plan needs beside it. */
typedef struct build {
    mx_scope *scope;
    mx_plan *plan;
    const mx_graph *graph;
    mx_arena arena; /* scratch */
    mx_frame frame;
    int *root;     /* by value: the value whose memory it lies in, -1: not in the block */
    int *last_use; /* by root: the last step that reads or writes it */
    size_t *offset; /* by root */
    layout layout;
} build;

static size_t padded_bytes(size_t bytes)
{
    return mx_round_up(bytes ? bytes : 1, MX_ALIGNMENT);
}

static mexpr_status copy_value_input(build *b, const mx_port *port, const mx_tensor *in)
{
    const size_t bytes = mx_tensor_bytes(in);
    if (bytes > VALUE_INPUT_BYTES)
        return mx_fail(b->scope, MEXPR_E_LIMIT,
            "the input '%.200s' decides shapes inside the model; more than %d bytes are "
            "not "
            "possible then",
            port->name, VALUE_INPUT_BYTES);
    void *copy = mx_alloc(b->scope, bytes, 1);
    if (!copy)
        return MEXPR_E_NOMEM;
    memcpy(copy, in->data, bytes);
    b->plan->blocks[port->value] = copy;
    b->plan->tensors[port->value].data = copy;
    return MEXPR_OK;
}

static mexpr_status set_values(build *b, const mx_tensor *inputs)
{
    const mx_graph *graph = b->graph;
    for (int i = 0; i < graph->n_values; i++)
        b->plan->tensors[i] = graph->values[i].tensor;
    for (int i = 0; i < graph->n_inputs; i++) {
        const mx_port *port = &graph->inputs[i];
        mx_tensor *tensor = &b->plan->tensors[port->value];
        *tensor = inputs[i];
        tensor->data = NULL;
        if (!graph->values[port->value].decides_shape)
            continue;
        const mexpr_status status = copy_value_input(b, port, &inputs[i]);
        if (status != MEXPR_OK)
            return status;
    }
    return MEXPR_OK;
}

/* --- steps ------------------------------------------------------------------------- */

static bool decides_shape(const mx_graph *graph, const mx_node *node)
{
    for (int k = 0; k < node->n_outputs; k++) {
        if (node->outputs[k] >= 0 && graph->values[node->outputs[k]].decides_shape)
            return true;
    }
    return false;
}

static mexpr_status check_whole(build *b, const mx_node *node, size_t *bytes)
{
    char label[MX_LABEL_SIZE];
    *bytes = 0;
    for (int k = 0; k < node->n_outputs; k++) {
        if (node->outputs[k] < 0)
            continue;
        const mx_tensor *out = &b->plan->tensors[node->outputs[k]];
        if (!mx_tensor_has_shape(out) || !out->dtype)
            return mx_fail(b->scope, MEXPR_E_SHAPE,
                "%s: the shape of its output depends on values that are not known before "
                "running",
                mx_node_label(node, label));
        *bytes += mx_tensor_bytes(out);
    }
    return MEXPR_OK;
}

static mexpr_status add_step(build *b, const mx_node *node)
{
    mx_plan *plan = b->plan;
    step *s = &plan->steps[plan->n_steps];
    s->node = node;
    s->workspace_bytes = b->frame.workspace;
    s->inputs =
        mx_arena_alloc(b->scope, &plan->arena, (size_t)node->n_inputs, sizeof *s->inputs);
    s->outputs = mx_arena_alloc(
        b->scope, &plan->arena, (size_t)node->n_outputs, sizeof *s->outputs);
    s->params = mx_arena_alloc(b->scope, &plan->arena, node->op->params_size, 1);
    if (!s->inputs || !s->outputs || !s->params)
        return MEXPR_E_NOMEM;
    memcpy(s->params, b->frame.params.bytes, node->op->params_size);
    for (int k = 0; k < node->n_inputs; k++)
        s->inputs[k] = node->inputs[k] >= 0 ? &plan->tensors[node->inputs[k]] : NULL;
    for (int k = 0; k < node->n_outputs; k++)
        s->outputs[k] = node->outputs[k] >= 0 ? &plan->tensors[node->outputs[k]] : NULL;
    plan->n_steps++;
    return MEXPR_OK;
}

/* Infers a node for the shapes at hand; it is computed now, or becomes a step. */
static mexpr_status place_node(build *b, const mx_node *node)
{
    size_t bytes;
    mexpr_status status = mx_node_infer(&b->frame, node);
    if (status == MEXPR_OK)
        status = check_whole(b, node, &bytes);
    if (status != MEXPR_OK)
        return status;
    const bool fold = mx_node_is_constant(&b->frame, node) &&
                      (decides_shape(b->graph, node) || bytes <= FOLD_BYTES);
    if (!fold)
        return add_step(b, node);
    status = mx_node_fold(&b->frame, node);
    for (int k = 0; status == MEXPR_OK && k < node->n_outputs; k++) {
        if (node->outputs[k] >= 0)
            b->plan->blocks[node->outputs[k]] = b->plan->tensors[node->outputs[k]].data;
    }
    return status;
}

/* Steps whose results only went into what is computed by now are dropped. */
static mexpr_status drop_unused(build *b)
{
    mx_plan *plan = b->plan;
    bool *is_used =
        mx_arena_alloc(b->scope, &b->arena, (size_t)b->graph->n_values, sizeof *is_used);
    if (!is_used)
        return MEXPR_E_NOMEM;
    for (int i = 0; i < b->graph->n_outputs; i++)
        is_used[b->graph->outputs[i].value] = true;
    int kept = plan->n_steps;
    for (int i = plan->n_steps - 1; i >= 0; i--) {
        const mx_node *node = plan->steps[i].node;
        bool wanted = false;
        for (int k = 0; k < node->n_outputs; k++)
            wanted = wanted || (node->outputs[k] >= 0 && is_used[node->outputs[k]]);
        if (!wanted)
            continue;
        plan->steps[--kept] = plan->steps[i];
        for (int k = 0; k < node->n_inputs; k++) {
            if (node->inputs[k] >= 0)
                is_used[node->inputs[k]] = true;
        }
    }
    plan->n_steps -= kept;
    memmove(plan->steps, plan->steps + kept, (size_t)plan->n_steps * sizeof *plan->steps);
    return MEXPR_OK;
}

/* --- lifetimes --------------------------------------------------------------------- */

static void touch(build *b, int value, int at)
{
    if (value >= 0 && b->root[value] >= 0 && b->last_use[b->root[value]] < at)
        b->last_use[b->root[value]] = at;
}

/* Who lies where: an alias with its input, when that is in the block, everything else on
 * its own; and until when. */
static void find_lifetimes(build *b)
{
    const mx_plan *plan = b->plan;
    for (int i = 0; i < b->graph->n_values; i++)
        b->root[i] = -1;
    for (int i = 0; i < plan->n_steps; i++) {
        const mx_node *node = plan->steps[i].node;
        for (int k = 0; k < node->n_inputs; k++)
            touch(b, node->inputs[k], i);
        for (int k = 0; k < node->n_outputs; k++) {
            const int value = node->outputs[k];
            if (value < 0)
                continue;
            const bool alias =
                k == 0 && node->op->flags & MX_OP_ALIAS && b->root[node->inputs[0]] >= 0;
            b->root[value] = alias ? b->root[node->inputs[0]] : value;
            touch(b, value, i);
        }
    }
    for (int i = 0; i < b->graph->n_outputs; i++)
        touch(b, b->graph->outputs[i].value, INT_MAX);
}

/* Gives back what step `at` used for the last time, each once. */
static void give_back(build *b, const int *values, int n, int at)
{
    for (int k = 0; k < n; k++) {
        const int root = values[k] >= 0 ? b->root[values[k]] : -1;
        if (root < 0 || b->last_use[root] != at)
            continue;
        b->last_use[root] = INT_MAX;
        layout_give(&b->layout, b->offset[root],
            padded_bytes(mx_tensor_bytes(&b->plan->tensors[root])));
    }
}

static mexpr_status lay_out(build *b)
{
    mx_plan *plan = b->plan;
    const size_t n = (size_t)b->graph->n_values;
    b->root = mx_arena_alloc(b->scope, &b->arena, n, sizeof *b->root);
    b->last_use = mx_arena_alloc(b->scope, &b->arena, n, sizeof *b->last_use);
    b->offset = mx_arena_alloc(b->scope, &b->arena, n, sizeof *b->offset);
    b->layout.pieces = mx_arena_alloc(
        b->scope, &b->arena, n + (size_t)plan->n_steps + 2, sizeof *b->layout.pieces);
    if (!b->root || !b->last_use || !b->offset || !b->layout.pieces)
        return MEXPR_E_NOMEM;
    find_lifetimes(b);
    for (int i = 0; i < plan->n_steps; i++) {
        step *s = &plan->steps[i];
        for (int k = 0; k < s->node->n_outputs; k++) {
            const int value = s->node->outputs[k];
            if (value >= 0 && b->root[value] == value)
                b->offset[value] = layout_take(
                    &b->layout, padded_bytes(mx_tensor_bytes(&plan->tensors[value])));
        }
        const size_t size = padded_bytes(s->workspace_bytes);
        s->workspace_offset = layout_take(&b->layout, size);
        layout_give(&b->layout, s->workspace_offset, size);
        give_back(b, s->node->inputs, s->node->n_inputs, i);
        give_back(b, s->node->outputs, s->node->n_outputs, i);
    }
    return MEXPR_OK;
}

static mexpr_status allocate(build *b)
{
    mx_plan *plan = b->plan;
    plan->memory = mx_alloc(b->scope, b->layout.end, 1);
    if (!plan->memory)
        return MEXPR_E_NOMEM;
    for (int i = 0; i < b->graph->n_values; i++) {
        if (b->root[i] >= 0)
            plan->tensors[i].data = plan->memory + b->offset[b->root[i]];
    }
    for (int i = 0; i < plan->n_steps; i++)
        plan->steps[i].workspace = plan->memory + plan->steps[i].workspace_offset;
    return MEXPR_OK;
}

/* --- plans ------------------------------------------------------------------------- */

static mexpr_status build_plan(
    build *b, const mx_machine *machine, const mx_tensor *inputs)
{
    mx_plan *plan = b->plan;
    const mx_graph *graph = b->graph;
    plan->tensors = mx_arena_alloc(
        b->scope, &plan->arena, (size_t)graph->n_values, sizeof *plan->tensors);
    plan->blocks = mx_arena_alloc(
        b->scope, &plan->arena, (size_t)graph->n_values, sizeof *plan->blocks);
    plan->steps = mx_arena_alloc(
        b->scope, &plan->arena, (size_t)graph->n_steps, sizeof *plan->steps);
    if (!plan->tensors || !plan->blocks || !plan->steps)
        return MEXPR_E_NOMEM;
    mexpr_status status =
        mx_frame_init(b->scope, &b->arena, graph, machine, plan->tensors, &b->frame);
    if (status == MEXPR_OK)
        status = set_values(b, inputs);
    for (int i = 0; status == MEXPR_OK && i < graph->n_steps; i++)
        status = place_node(b, &graph->nodes[graph->steps[i]]);
    if (status == MEXPR_OK)
        status = drop_unused(b);
    if (status == MEXPR_OK)
        status = lay_out(b);
    return status == MEXPR_OK ? allocate(b) : status;
}

mexpr_status mx_plan_create(mx_scope *scope, const mx_graph *graph,
    const mx_machine *machine, const mx_tensor *inputs, mx_plan **out)
{
    *out = NULL;
    mx_plan *plan = mx_calloc(scope, 1, sizeof *plan);
    if (!plan)
        return MEXPR_E_NOMEM;
    plan->context = scope->context;
    plan->graph = graph;
    mx_arena_init(&plan->arena, scope->context);
    build b = {.scope = scope, .plan = plan, .graph = graph};
    mx_arena_init(&b.arena, scope->context);
    const mexpr_status status = build_plan(&b, machine, inputs);
    mx_arena_release(&b.arena);
    if (status == MEXPR_OK)
        *out = plan;
    else
        mx_plan_destroy(plan);
    return status;
}

void mx_plan_destroy(mx_plan *plan)
{
    if (!plan)
        return;
    for (int i = 0; plan->blocks && i < plan->graph->n_values; i++)
        mx_free(plan->context, plan->blocks[i]);
    mx_free(plan->context, plan->memory);
    mx_arena_release(&plan->arena);
    mx_free(plan->context, plan);
}

bool mx_plan_fits(const mx_plan *plan, const mx_tensor *inputs)
{
    const mx_graph *graph = plan->graph;
    for (int i = 0; i < graph->n_inputs; i++) {
        const int value = graph->inputs[i].value;
        const mx_tensor *planned = &plan->tensors[value];
        if (!mx_same_shape(planned, &inputs[i]))
            return false;
        if (graph->values[value].decides_shape &&
            memcmp(planned->data, inputs[i].data, mx_tensor_bytes(planned)) != 0)
            return false;
    }
    return true;
}

static mexpr_status run_step(mx_scope *scope, const mx_machine *machine, const step *s)
{
    const mx_run run = {scope, machine, s->node, s->node->n_inputs, s->inputs,
        s->node->n_outputs, s->outputs, s->params, s->workspace};
    const mexpr_status status = s->node->op->forward(&run);
    char label[MX_LABEL_SIZE];
    if (status != MEXPR_OK)
        mx_fail_prefix(scope, status, mx_node_label(s->node, label));
    return status;
}

mexpr_status mx_plan_run(
    mx_scope *scope, const mx_machine *machine, mx_plan *plan, const mx_tensor *inputs)
{
    const mx_graph *graph = plan->graph;
    for (int i = 0; i < graph->n_inputs; i++) {
        const int value = graph->inputs[i].value;
        if (!graph->values[value].decides_shape)
            plan->tensors[value].data = inputs[i].data;
    }
    for (int i = 0; i < plan->n_steps; i++) {
        const mexpr_status status = run_step(scope, machine, &plan->steps[i]);
        if (status != MEXPR_OK)
            return status;
    }
    return MEXPR_OK;
}

const mx_tensor *mx_plan_output(const mx_plan *plan, int index)
{
    return &plan->tensors[plan->graph->outputs[index].value];
}
