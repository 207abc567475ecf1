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
    size_t own_space, part_space; /* as infer gave them, rounded up */
    double multiply_adds;
    double nanoseconds; /* a guess: on one thread */
    int n_workers;
    size_t workspace_offset; /* in the stage's block */
    uint8_t *workspace;
    size_t result_bytes;
    uint64_t n_runs; /* timed ones */
    double milliseconds, min_milliseconds;
} step;

/* A plan is one stage unless shapes depend on computed values. Then a stage ends where
 * the next shape has to wait for values (the shape given to a Reshape) or has come out of
 * running (NonZero), and the next is planned when these are there. It stays while they
 * come out the same again: those are its keys. */
typedef struct stage {
    int first, end; /* of the graph's steps */
    mx_arena arena;
    mx_tensor *tensors; /* by value, as this stage knows them */
    bool *is_computed;  /* by value: its data are made by a step or given to each run */
    void **blocks;      /* by value: data computed or copied for this stage alone */
    int n_keys;
    int *keys; /* values; their shapes are fixed here, and the data of those copied */
    int n_steps;
    step *steps;
    uint8_t *memory; /* one block for all results and scratch memory */
    size_t memory_bytes;
} stage;

struct mx_plan {
    mexpr_context *context;
    const mx_graph *graph;
    mx_arena arena;
    int n_stages;
    stage **stages;
    bool is_timed;
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

/* What building a stage needs beside it. */
typedef struct build {
    mx_scope *scope;
    stage *stage;
    const stage *before; /* NULL for the first */
    const mx_graph *graph;
    mx_arena arena; /* scratch */
    mx_frame frame;
    int *root;     /* by value: the value whose memory it lies in, -1: not in the block */
    int *last_use; /* by root: the last step that reads or writes it */
    size_t *offset; /* by root */
    size_t *bytes;  /* by value */
    layout layout;
} build;

static size_t padded_bytes(size_t bytes)
{
    return mx_round_up(bytes ? bytes : 1, MX_ALIGNMENT);
}

/* Fixes the data of a value for this stage. */
static mexpr_status copy_value(build *b, int value, const mx_tensor *from)
{
    const size_t bytes = mx_tensor_bytes(from);
    if (bytes > VALUE_INPUT_BYTES)
        return mx_fail(b->scope, MEXPR_E_LIMIT,
            "the tensor '%.200s' decides shapes inside the model; more than %d bytes are "
            "not possible then",
            b->graph->values[value].name, VALUE_INPUT_BYTES);
    void *copy = mx_alloc(b->scope, bytes, 1);
    if (!copy)
        return MEXPR_E_NOMEM;
    memcpy(copy, from->data, bytes);
    b->stage->blocks[value] = copy;
    b->stage->tensors[value].data = copy;
    b->stage->is_computed[value] = false;
    return MEXPR_OK;
}

static mexpr_status set_inputs(build *b, const mx_tensor *inputs)
{
    const mx_graph *graph = b->graph;
    for (int i = 0; i < graph->n_values; i++)
        b->stage->tensors[i] = graph->values[i].tensor;
    for (int i = 0; i < graph->n_inputs; i++) {
        const int value = graph->inputs[i].value;
        mx_tensor *tensor = &b->stage->tensors[value];
        *tensor = inputs[i];
        tensor->data = NULL;
        b->stage->is_computed[value] = true;
        if (!graph->values[value].decides_shape)
            continue;
        const mexpr_status status = copy_value(b, value, &inputs[i]);
        if (status != MEXPR_OK)
            return status;
    }
    return MEXPR_OK;
}

/* What the stage before has computed: shapes, and the values that its first node needs.
 */
static mexpr_status take_over(build *b)
{
    stage *s = b->stage;
    const mx_node *last = &b->graph->nodes[b->graph->steps[s->first - 1]];
    const mx_node *next = &b->graph->nodes[b->graph->steps[s->first]];
    s->keys = mx_arena_alloc(b->scope, &s->arena,
        (size_t)last->n_outputs + (size_t)next->n_inputs, sizeof *s->keys);
    if (!s->keys)
        return MEXPR_E_NOMEM;
    for (int i = 0; i < b->graph->n_values; i++) {
        s->tensors[i] = b->before->tensors[i];
        s->is_computed[i] = b->before->is_computed[i];
        if (s->is_computed[i])
            s->tensors[i].data = NULL;
    }
    for (int k = 0; last->op->flags & MX_OP_DYNAMIC && k < last->n_outputs; k++) {
        if (last->outputs[k] >= 0)
            s->keys[s->n_keys++] = last->outputs[k];
    }
    for (int k = 0; k < next->n_inputs; k++) {
        const int value = next->inputs[k];
        if (value < 0 || !s->is_computed[value] ||
            !(k < 32 && next->op->value_inputs & MX_INPUT_BIT(k)))
            continue;
        const mexpr_status status = copy_value(b, value, &b->before->tensors[value]);
        if (status != MEXPR_OK)
            return status;
        s->keys[s->n_keys++] = value;
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

/* Multiply-adds at 100 GFLOP/s, data at 10 GB/s. */
static double guess_time(const build *b, const step *s)
{
    double bytes = 0;
    for (int k = 0; k < s->node->n_inputs; k++)
        bytes += s->inputs[k] ? (double)mx_tensor_bytes(s->inputs[k]) : 0;
    for (int k = 0; k < s->node->n_outputs; k++)
        bytes += s->outputs[k] ? (double)b->bytes[s->node->outputs[k]] : 0;
    return s->multiply_adds / 50 + bytes / 10;
}

static mexpr_status add_step(build *b, const mx_node *node)
{
    stage *plan = b->stage;
    step *s = &plan->steps[plan->n_steps];
    s->node = node;
    s->own_space = mx_round_up(b->frame.workspace, MX_ALIGNMENT);
    s->part_space = mx_round_up(b->frame.part_space, MX_ALIGNMENT);
    s->multiply_adds = b->frame.multiply_adds;
    s->n_workers = 1;
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
    for (int k = 0; k < node->n_outputs; k++) {
        const int value = node->outputs[k];
        s->outputs[k] = value >= 0 ? &plan->tensors[value] : NULL;
        if (value < 0)
            continue;
        plan->is_computed[value] = true;
        b->bytes[value] = mx_node_bytes(&b->frame, node, k);
        s->result_bytes += b->bytes[value];
    }
    s->nanoseconds = guess_time(b, s);
    plan->n_steps++;
    return MEXPR_OK;
}

/* A value that the node's shape follows from is computed in this stage. */
static bool waits(const build *b, const mx_node *node)
{
    for (int k = 0; k < node->n_inputs && k < 32; k++) {
        if (node->op->value_inputs & MX_INPUT_BIT(k) && node->inputs[k] >= 0 &&
            b->stage->is_computed[node->inputs[k]])
            return true;
    }
    return false;
}

/* Infers a node for the shapes at hand; it is computed now, or becomes a step. *ends: it
 * has to be left to the next stage. */
static mexpr_status place_node(build *b, const mx_node *node, bool *ends)
{
    stage *s = b->stage;
    mexpr_status status = mx_node_infer(&b->frame, node);
    if (status != MEXPR_OK)
        return status;
    char label[MX_LABEL_SIZE];
    *ends = !mx_node_is_whole(&b->frame, node);
    if (*ends)
        return waits(b, node)
                   ? MEXPR_OK
                   : mx_fail(b->scope, MEXPR_E_SHAPE,
                         "%s: the shape of its output is not known before running",
                         mx_node_label(node, label));
    size_t bytes = 0;
    for (int k = 0; k < node->n_outputs; k++)
        bytes += node->outputs[k] >= 0 ? mx_node_bytes(&b->frame, node, k) : 0;
    const bool fold = mx_node_is_constant(&b->frame, node) &&
                      (decides_shape(b->graph, node) || bytes <= FOLD_BYTES);
    if (!fold)
        return add_step(b, node);
    status = mx_node_fold(&b->frame, node);
    for (int k = 0; status == MEXPR_OK && k < node->n_outputs; k++) {
        if (node->outputs[k] >= 0)
            s->blocks[node->outputs[k]] = s->tensors[node->outputs[k]].data;
    }
    return status;
}

/* Nodes from s->first on, up to what has to wait, or to what others have to wait for. */
static mexpr_status place_nodes(build *b)
{
    const mx_graph *graph = b->graph;
    stage *s = b->stage;
    for (s->end = s->first; s->end < graph->n_steps;) {
        const mx_node *node = &graph->nodes[graph->steps[s->end]];
        const int n_steps = s->n_steps;
        bool ends;
        const mexpr_status status = place_node(b, node, &ends);
        if (status != MEXPR_OK || ends)
            return status;
        s->end++;
        if (s->n_steps > n_steps && node->op->flags & MX_OP_DYNAMIC)
            break;
    }
    return MEXPR_OK;
}

/* Steps whose results only went into what is computed by now are dropped. */
static mexpr_status drop_unused(build *b)
{
    stage *plan = b->stage;
    bool *is_used =
        mx_arena_alloc(b->scope, &b->arena, (size_t)b->graph->n_values, sizeof *is_used);
    if (!is_used)
        return MEXPR_E_NOMEM;
    for (int i = 0; i < b->graph->n_outputs; i++)
        is_used[b->graph->outputs[i].value] = true;
    for (int i = plan->end; i < b->graph->n_steps; i++) {
        const mx_node *node = &b->graph->nodes[b->graph->steps[i]];
        for (int k = 0; k < node->n_inputs; k++) {
            if (node->inputs[k] >= 0)
                is_used[node->inputs[k]] = true;
        }
    }
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

/* --- threads ----------------------------------------------------------------------- */

/* Below this a network stays on one thread: waking others takes its share of the time,
 * and so small a network is often one of many side by side. */
enum { MIN_STAGE_NANOSECONDS = 500000 };

static size_t space_of(const step *s)
{
    return s->own_space + (size_t)s->n_workers * s->part_space;
}

static void give_threads(const build *b)
{
    const stage *plan = b->stage;
    const int n_threads = mexpr_context_threads(b->scope->context);
    double nanoseconds = 0;
    for (int i = 0; i < plan->n_steps; i++)
        nanoseconds += plan->steps[i].nanoseconds;
    for (int i = 0; i < plan->n_steps && nanoseconds >= MIN_STAGE_NANOSECONDS; i++) {
        step *s = &plan->steps[i];
        s->n_workers = mx_node_workers(s->node, s->nanoseconds, n_threads);
    }
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
    const stage *plan = b->stage;
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
    for (int i = plan->end; i < b->graph->n_steps; i++) {
        const mx_node *node = &b->graph->nodes[b->graph->steps[i]];
        for (int k = 0; k < node->n_inputs; k++)
            touch(b, node->inputs[k], INT_MAX);
    }
}

/* Gives back what step `at` used for the last time, each once. */
static void give_back(build *b, const int *values, int n, int at)
{
    for (int k = 0; k < n; k++) {
        const int root = values[k] >= 0 ? b->root[values[k]] : -1;
        if (root < 0 || b->last_use[root] != at)
            continue;
        b->last_use[root] = INT_MAX;
        layout_give(&b->layout, b->offset[root], padded_bytes(b->bytes[root]));
    }
}

static mexpr_status lay_out(build *b)
{
    const stage *plan = b->stage;
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
                b->offset[value] = layout_take(&b->layout, padded_bytes(b->bytes[value]));
        }
        const size_t size = padded_bytes(space_of(s));
        s->workspace_offset = layout_take(&b->layout, size);
        layout_give(&b->layout, s->workspace_offset, size);
        give_back(b, s->node->inputs, s->node->n_inputs, i);
        give_back(b, s->node->outputs, s->node->n_outputs, i);
    }
    return MEXPR_OK;
}

static mexpr_status allocate(build *b)
{
    stage *s = b->stage;
    s->memory = mx_alloc(b->scope, b->layout.end, 1);
    s->memory_bytes = b->layout.end;
    if (!s->memory)
        return MEXPR_E_NOMEM;
    for (int i = 0; i < b->graph->n_values; i++) {
        if (b->root[i] >= 0)
            s->tensors[i].data = s->memory + b->offset[b->root[i]];
        else if (b->before && s->is_computed[i])
            s->tensors[i].data = b->before->tensors[i].data;
    }
    for (int i = 0; i < s->n_steps; i++)
        s->steps[i].workspace = s->memory + s->steps[i].workspace_offset;
    return MEXPR_OK;
}

/* --- stages ------------------------------------------------------------------------ */

static void destroy_stage(const mx_plan *plan, stage *s)
{
    for (int i = 0; s->blocks && i < plan->graph->n_values; i++)
        mx_free(plan->context, s->blocks[i]);
    mx_free(plan->context, s->memory);
    mx_arena_release(&s->arena);
    mx_free(plan->context, s);
}

static void drop_stages(mx_plan *plan, int n_left)
{
    while (plan->n_stages > n_left)
        destroy_stage(plan, plan->stages[--plan->n_stages]);
}

static mexpr_status fill_stage(
    build *b, const mx_machine *machine, const mx_tensor *inputs)
{
    const mx_graph *graph = b->graph;
    const size_t n = (size_t)graph->n_values;
    stage *s = b->stage;
    s->tensors = mx_arena_alloc(b->scope, &s->arena, n, sizeof *s->tensors);
    s->is_computed = mx_arena_alloc(b->scope, &s->arena, n, sizeof *s->is_computed);
    s->blocks = mx_arena_alloc(b->scope, &s->arena, n, sizeof *s->blocks);
    s->steps = mx_arena_alloc(
        b->scope, &s->arena, (size_t)(graph->n_steps - s->first), sizeof *s->steps);
    b->bytes = mx_arena_alloc(b->scope, &b->arena, n, sizeof *b->bytes);
    if (!s->tensors || !s->is_computed || !s->blocks || !s->steps || !b->bytes)
        return MEXPR_E_NOMEM;
    mexpr_status status =
        mx_frame_init(b->scope, &b->arena, graph, machine, s->tensors, &b->frame);
    if (status == MEXPR_OK)
        status = b->before ? take_over(b) : set_inputs(b, inputs);
    if (status == MEXPR_OK)
        status = place_nodes(b);
    if (status == MEXPR_OK)
        status = drop_unused(b);
    if (status == MEXPR_OK) {
        give_threads(b);
        status = lay_out(b);
    }
    return status == MEXPR_OK ? allocate(b) : status;
}

/* Plans what follows the stages there are. */
static mexpr_status add_stage(
    mx_scope *scope, const mx_machine *machine, mx_plan *plan, const mx_tensor *inputs)
{
    stage *s = mx_calloc(scope, 1, sizeof *s);
    if (!s)
        return MEXPR_E_NOMEM;
    const stage *before = plan->n_stages ? plan->stages[plan->n_stages - 1] : NULL;
    s->first = before ? before->end : 0;
    mx_arena_init(&s->arena, plan->context);
    build b = {.scope = scope, .stage = s, .before = before, .graph = plan->graph};
    mx_arena_init(&b.arena, plan->context);
    const mexpr_status status = fill_stage(&b, machine, inputs);
    mx_arena_release(&b.arena);
    if (status == MEXPR_OK)
        plan->stages[plan->n_stages++] = s;
    else
        destroy_stage(plan, s);
    return status;
}

/* Whether the keys of a stage have come out of the one before as when it was planned. */
static bool stage_fits(const stage *s, const stage *before)
{
    for (int i = 0; i < s->n_keys; i++) {
        const int value = s->keys[i];
        const mx_tensor *now = &before->tensors[value], *then = &s->tensors[value];
        if (!mx_same_shape(now, then))
            return false;
        if (s->blocks[value] &&
            memcmp(now->data, s->blocks[value], mx_tensor_bytes(now)) != 0)
            return false;
    }
    return true;
}

/* --- plans ------------------------------------------------------------------------- */

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
    plan->stages = mx_arena_alloc(
        scope, &plan->arena, (size_t)graph->n_steps + 1, sizeof *plan->stages);
    const mexpr_status status =
        plan->stages ? add_stage(scope, machine, plan, inputs) : MEXPR_E_NOMEM;
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
    drop_stages(plan, 0);
    mx_arena_release(&plan->arena);
    mx_free(plan->context, plan);
}

bool mx_plan_fits(const mx_plan *plan, const mx_tensor *inputs)
{
    const mx_graph *graph = plan->graph;
    const stage *first = plan->stages[0];
    for (int i = 0; i < graph->n_inputs; i++) {
        const int value = graph->inputs[i].value;
        const mx_tensor *planned = &first->tensors[value];
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
    const mx_run run = {.scope = scope,
        .machine = machine,
        .node = s->node,
        .n_inputs = s->node->n_inputs,
        .inputs = s->inputs,
        .n_outputs = s->node->n_outputs,
        .outputs = s->outputs,
        .params = s->params,
        .workspace = s->workspace,
        .n_workers = s->n_workers,
        .part_spaces = s->workspace + s->own_space,
        .part_space = s->part_space};
    const mexpr_status status = mx_run_forward(&run);
    char label[MX_LABEL_SIZE];
    if (status != MEXPR_OK)
        mx_fail_prefix(scope, status, mx_node_label(s->node, label));
    return status;
}

static mexpr_status time_step(mx_scope *scope, const mx_machine *machine, step *s)
{
    const double start = mx_now_ms();
    const mexpr_status status = run_step(scope, machine, s);
    const double taken = mx_now_ms() - start;
    s->milliseconds += taken;
    if (s->n_runs++ == 0 || taken < s->min_milliseconds)
        s->min_milliseconds = taken;
    return status;
}

static void point_at_inputs(mx_plan *plan, const mx_tensor *inputs)
{
    const mx_graph *graph = plan->graph;
    for (int i = 0; i < graph->n_inputs; i++) {
        const int value = graph->inputs[i].value;
        for (int k = 0; k < plan->n_stages; k++) {
            if (plan->stages[k]->is_computed[value])
                plan->stages[k]->tensors[value].data = inputs[i].data;
        }
    }
}

mexpr_status mx_plan_run(
    mx_scope *scope, const mx_machine *machine, mx_plan *plan, const mx_tensor *inputs)
{
    mexpr_status status = MEXPR_OK;
    point_at_inputs(plan, inputs);
    for (int k = 0;; k++) {
        if (k > 0 && k < plan->n_stages &&
            !stage_fits(plan->stages[k], plan->stages[k - 1]))
            drop_stages(plan, k);
        if (k == plan->n_stages)
            status = add_stage(scope, machine, plan, inputs);
        if (status != MEXPR_OK)
            return status;
        const stage *s = plan->stages[k];
        for (int i = 0; i < s->n_steps; i++) {
            status = plan->is_timed ? time_step(scope, machine, &s->steps[i])
                                    : run_step(scope, machine, &s->steps[i]);
            if (status != MEXPR_OK)
                return status;
        }
        if (s->end == plan->graph->n_steps)
            return MEXPR_OK;
    }
}

const mx_tensor *mx_plan_output(const mx_plan *plan, int index)
{
    return &plan->stages[plan->n_stages - 1]->tensors[plan->graph->outputs[index].value];
}

/* --- looking at it ----------------------------------------------------------------- */

void mx_plan_profile(mx_plan *plan, bool on)
{
    plan->is_timed = on;
    for (int k = 0; on && k < plan->n_stages; k++) {
        const stage *s = plan->stages[k];
        for (int i = 0; i < s->n_steps; i++) {
            s->steps[i].n_runs = 0;
            s->steps[i].milliseconds = s->steps[i].min_milliseconds = 0;
        }
    }
}

int mx_plan_n_steps(const mx_plan *plan)
{
    int n = 0;
    for (int k = 0; k < plan->n_stages; k++)
        n += plan->stages[k]->n_steps;
    return n;
}

void mx_plan_step(const mx_plan *plan, int index, mexpr_step_info *info)
{
    int k = 0;
    for (; index >= plan->stages[k]->n_steps; k++)
        index -= plan->stages[k]->n_steps;
    const step *s = &plan->stages[k]->steps[index];
    const mx_tensor *out = s->node->n_outputs > 0 ? s->outputs[0] : NULL;
    info->name = s->node->name;
    info->op = s->node->op->name;
    info->n_threads = s->n_workers;
    info->rank = out ? out->rank : -1;
    for (int i = 0; i < info->rank; i++)
        info->dims[i] = out->dims[i];
    info->multiply_adds = s->multiply_adds;
    info->result_bytes = s->result_bytes;
    info->scratch_bytes = space_of(s);
    info->n_runs = s->n_runs;
    info->milliseconds = s->milliseconds;
    info->min_milliseconds = s->min_milliseconds;
}

void mx_plan_memory(const mx_plan *plan, mexpr_memory_info *info)
{
    for (int k = 0; k < plan->n_stages; k++) {
        const stage *s = plan->stages[k];
        info->block_bytes += s->memory_bytes;
        for (int i = 0; i < s->n_steps; i++) {
            const size_t scratch = space_of(&s->steps[i]);
            info->result_bytes += s->steps[i].result_bytes;
            if (scratch > info->scratch_bytes)
                info->scratch_bytes = scratch;
        }
    }
}
