/* SPDX-License-Identifier: MIT */
/* A batch of one size laid out in memory. Time has two ticks for each step, one of the
 * forward pass and, in turned order, one of the backward pass. Values live from the step
 * that makes them to the last that reads them, forward or backward; gradients from the
 * first step that adds to them to the one that makes the value. What does not live at the
 * same time may lie in the same place. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "train/net_parts.h"

/* Something that needs memory from tick `first` to tick `last`. */
typedef struct life {
    size_t bytes;
    int first, last;
    size_t offset;
    int changed_by; /* of a gradient that values share: the step that reads it last and */
} life;             /* alone may change it; -1: it is not shared */

typedef struct build {
    mx_scope *scope;
    const mx_net *net;
    const mx_graph *graph;
    mx_pass *pass;
    mx_arena arena; /* scratch */
    mx_frame frame;
    int n_lives;
    life *lives;
    int *value_life;    /* by value, -1: none */
    int *gradient_life; /* by value, -1: none */
    int *kept_life;     /* by step, -1: none */
    int *last_use;      /* by value: tick */
    int *last_reader;   /* by value: the last step that gives it a gradient */
    int *n_shares;      /* by value: of how many parts its gradient is the sum */
    int *maker;         /* by value: the step that makes it, -1: none */
} build;

/* --- shapes ------------------------------------------------------------------------ */

static void set_known(build *b, const mx_tensor *inputs)
{
    const mx_net *net = b->net;
    mx_tensor *tensors = b->pass->tensors;
    for (int i = 0; i < b->graph->n_values; i++) {
        tensors[i] = b->graph->values[i].tensor;
        if (net->weight_at[i])
            tensors[i].data = NULL;
    }
    for (int i = 0; i < net->n_nodes; i++) {
        for (int k = 0; k < net->nodes[i]->n_outputs; k++) {
            if (net->nodes[i]->outputs[k] >= 0)
                tensors[net->nodes[i]->outputs[k]].data = NULL;
        }
    }
    for (int i = 0; i < b->graph->n_inputs; i++) {
        mx_tensor *tensor = &tensors[b->graph->inputs[i].value];
        *tensor = inputs[i];
        tensor->data = NULL;
    }
}

static void *copy_params(build *b, const mx_node *node)
{
    void *params = mx_arena_alloc(b->scope, &b->pass->arena, node->op->params_size, 1);
    if (params)
        memcpy(params, b->frame.params.bytes, node->op->params_size);
    return params;
}

/* What a node is called with, as the frame has it. */
static mexpr_status make_call(build *b, const mx_node *node, mx_net_call *call)
{
    mx_arena *arena = &b->pass->arena;
    mx_tensor *tensors = b->pass->tensors;
    call->inputs =
        mx_arena_alloc(b->scope, arena, (size_t)node->n_inputs, sizeof *call->inputs);
    call->outputs =
        mx_arena_alloc(b->scope, arena, (size_t)node->n_outputs, sizeof *call->outputs);
    call->params = copy_params(b, node);
    if (!call->inputs || !call->outputs || !call->params)
        return MEXPR_E_NOMEM;
    for (int k = 0; k < node->n_inputs; k++)
        call->inputs[k] = node->inputs[k] >= 0 ? &tensors[node->inputs[k]] : NULL;
    for (int k = 0; k < node->n_outputs; k++)
        call->outputs[k] = node->outputs[k] >= 0 ? &tensors[node->outputs[k]] : NULL;
    call->own_space = mx_round_up(b->frame.workspace, MX_ALIGNMENT);
    call->part_space = mx_round_up(b->frame.part_space, MX_ALIGNMENT);
    call->workspace = call->own_space + call->part_space;
    return MEXPR_OK;
}

static uint32_t wanted_gradients(
    const mx_net *net, const mx_node *node, const mx_back_op *back)
{
    uint32_t wanted = 0;
    bool flows = false;
    for (int k = 0; k < node->n_outputs; k++)
        flows = flows || (node->outputs[k] >= 0 && net->has_gradient[node->outputs[k]]);
    for (int k = 0; flows && k < node->n_inputs && k < 32; k++) {
        if (node->inputs[k] >= 0 && net->has_gradient[node->inputs[k]])
            wanted |= MX_INPUT_BIT(k);
    }
    return back ? wanted & ~back->no_gradient : 0;
}

static mexpr_status plan_back(build *b, mx_net_step *step, mx_net_call *call)
{
    const mx_node *node = step->node;
    if (!step->back || !step->back->plan)
        return MEXPR_OK;
    mx_back_plan plan = {.scope = b->scope,
        .node = node,
        .n_inputs = node->n_inputs,
        .inputs = call->inputs,
        .n_outputs = node->n_outputs,
        .outputs = (const mx_tensor *const *)call->outputs,
        .params = call->params,
        .wanted = step->wanted,
        .workspace = call->workspace};
    const mexpr_status status = step->back->plan(&plan);
    char label[MX_LABEL_SIZE];
    if (status != MEXPR_OK)
        return mx_fail_prefix(b->scope, status, mx_node_label(node, label));
    call->kept = plan.kept;
    if (plan.workspace > call->workspace)
        call->workspace = plan.workspace;
    return MEXPR_OK;
}

static mexpr_status add_step(build *b, const mx_node *node)
{
    mx_pass *pass = b->pass;
    mx_net_step *step = &pass->steps[pass->n_steps++];
    step->node = node;
    step->back = mx_back_find(node);
    step->wanted = wanted_gradients(b->net, node, step->back);
    return make_call(b, node, &step->call);
}

static mexpr_status place_node(build *b, const mx_node *node)
{
    char label[MX_LABEL_SIZE];
    mexpr_status status = mx_node_infer(&b->frame, node);
    if (status != MEXPR_OK)
        return status;
    if (!mx_node_is_whole(&b->frame, node) || node->op->flags & MX_OP_DYNAMIC)
        return mx_fail(b->scope, MEXPR_E_OPERATOR,
            "%s: the shape of its output follows from computed values; such a network "
            "cannot be trained",
            mx_node_label(node, label));
    if (!mx_node_is_constant(&b->frame, node))
        return add_step(b, node);
    status = mx_node_fold(&b->frame, node);
    for (int k = 0; status == MEXPR_OK && k < node->n_outputs; k++) {
        if (node->outputs[k] >= 0)
            b->pass->folded[node->outputs[k]] = b->pass->tensors[node->outputs[k]].data;
    }
    return status;
}

static bool makes_ones(const build *b, const mx_node *node)
{
    return node->outputs[0] >= 0 && b->net->is_ones[node->outputs[0]];
}

/* Steps whose results only went into what is constant by now are dropped. */
static void drop_unused(build *b, bool *is_used)
{
    mx_pass *pass = b->pass;
    for (int i = 0; i < b->graph->n_outputs; i++)
        is_used[b->graph->outputs[i].value] = true;
    int kept = pass->n_steps;
    for (int i = pass->n_steps - 1; i >= 0; i--) {
        const mx_node *node = pass->steps[i].node;
        bool wanted = false;
        for (int k = 0; k < node->n_outputs; k++)
            wanted = wanted || (node->outputs[k] >= 0 && is_used[node->outputs[k]]);
        if (!wanted)
            continue;
        pass->steps[--kept] = pass->steps[i];
        for (int k = 0; k < node->n_inputs && !makes_ones(b, node); k++) {
            if (node->inputs[k] >= 0)
                is_used[node->inputs[k]] = true;
        }
    }
    pass->n_steps -= kept;
    memmove(pass->steps, pass->steps + kept, (size_t)pass->n_steps * sizeof *pass->steps);
}

/* A frame has room for the nodes of the graph; blocks have more inputs. */
static mexpr_status begin_frame(build *b)
{
    mx_frame *frame = &b->frame;
    const size_t n_in = (size_t)b->net->max_inputs, n_out = (size_t)b->net->max_outputs;
    const mexpr_status status = mx_frame_init(
        b->scope, &b->arena, b->graph, &b->net->machine, b->pass->tensors, frame);
    if (status != MEXPR_OK)
        return status;
    frame->inputs = mx_arena_alloc(b->scope, &b->arena, n_in, sizeof *frame->inputs);
    frame->outputs = mx_arena_alloc(b->scope, &b->arena, n_out, sizeof *frame->outputs);
    frame->spare = mx_arena_alloc(b->scope, &b->arena, n_out, sizeof *frame->spare);
    return frame->inputs && frame->outputs && frame->spare ? MEXPR_OK : MEXPR_E_NOMEM;
}

static mexpr_status place_nodes(build *b, const mx_tensor *inputs)
{
    mx_pass *pass = b->pass;
    const size_t n_values = (size_t)b->graph->n_values;
    pass->tensors =
        mx_arena_alloc(b->scope, &pass->arena, n_values, sizeof *pass->tensors);
    pass->folded = mx_arena_alloc(b->scope, &pass->arena, n_values, sizeof *pass->folded);
    pass->steps = mx_arena_alloc(
        b->scope, &pass->arena, (size_t)b->net->n_nodes, sizeof *pass->steps);
    bool *is_used = mx_arena_alloc(b->scope, &b->arena, n_values, sizeof *is_used);
    if (!pass->tensors || !pass->folded || !pass->steps || !is_used)
        return MEXPR_E_NOMEM;
    set_known(b, inputs);
    mexpr_status status = begin_frame(b);
    for (int i = 0; i < b->net->n_nodes && status == MEXPR_OK; i++)
        status = place_node(b, b->net->nodes[i]);
    if (status != MEXPR_OK)
        return status;
    drop_unused(b, is_used);
    for (int i = 0; i < pass->n_steps && status == MEXPR_OK; i++)
        status = plan_back(b, &pass->steps[i], &pass->steps[i].call);
    return status;
}

/* --- lives ------------------------------------------------------------------------- */

static int backward_tick(const build *b, int step)
{
    return 2 * b->pass->n_steps - 1 - step;
}

static int add_life(build *b, size_t bytes, int first, int last)
{
    b->lives[b->n_lives] =
        (life){mx_round_up(bytes ? bytes : 1, MX_ALIGNMENT), first, last, 0, -1};
    return b->n_lives++;
}

static void use(build *b, int value, int tick)
{
    if (value >= 0 && b->last_use[value] < tick)
        b->last_use[value] = tick;
}

/* Who reads a value last, and which step first gives it a gradient. */
static void find_uses(build *b)
{
    const mx_pass *pass = b->pass;
    for (int i = 0; i < b->graph->n_values; i++)
        b->last_use[i] = b->last_reader[i] = b->maker[i] = -1;
    for (int i = 0; i < pass->n_steps; i++) {
        const mx_net_step *step = &pass->steps[i];
        const uint32_t in = step->wanted ? step->back->reads_inputs : 0;
        const uint32_t out = step->wanted ? step->back->reads_outputs : 0;
        for (int k = 0; k < step->node->n_inputs; k++) {
            const int value = step->node->inputs[k];
            const uint32_t bit = k < 32 ? MX_INPUT_BIT(k) : 0;
            use(b, value, in & bit ? backward_tick(b, i) : i);
            if (!(step->wanted & bit))
                continue;
            b->last_reader[value] = i;
            b->n_shares[value]++;
        }
        for (int k = 0; k < step->node->n_outputs; k++) {
            const uint32_t bit = k < 32 ? MX_INPUT_BIT(k) : 0;
            use(b, step->node->outputs[k], out & bit ? backward_tick(b, i) : i);
            if (step->node->outputs[k] >= 0)
                b->maker[step->node->outputs[k]] = i;
        }
    }
    for (int i = 0; i < b->graph->n_outputs; i++)
        use(b, b->graph->outputs[i].value, 2 * pass->n_steps);
}

static bool is_output(const build *b, int value)
{
    return b->graph->values[value].is_output;
}

static size_t bytes_of(const build *b, int value)
{
    return mx_tensor_bytes(&b->pass->tensors[value]);
}

/* Whether output 0 may lie where input 0 does. */
static bool joins_input(const build *b, int i)
{
    const mx_net_step *step = &b->pass->steps[i];
    const mx_node *node = step->node;
    const int in = node->n_inputs > 0 ? node->inputs[0] : -1;
    const int out = node->outputs[0];
    if (in < 0 || out < 0 || b->value_life[in] < 0 || makes_ones(b, node) ||
        bytes_of(b, in) != bytes_of(b, out))
        return false;
    const bool is_own = step->back && step->back->forward;
    if (!is_own && node->op->flags & MX_OP_ALIAS)
        return true;
    const bool by_element =
        is_own ? step->back->flags & MX_BACK_IN_PLACE : node->op->flags & MX_OP_SPLIT;
    for (int k = 1; k < node->n_inputs; k++) {
        if (node->inputs[k] == in)
            return false;
    }
    return by_element && b->lives[b->value_life[in]].last == i;
}

static void find_value_lives(build *b)
{
    for (int i = 0; i < b->graph->n_values; i++)
        b->value_life[i] = -1;
    for (int i = 0; i < b->pass->n_steps; i++) {
        const mx_net_step *step = &b->pass->steps[i];
        const bool joins = joins_input(b, i);
        for (int k = 0; k < step->node->n_outputs; k++) {
            const int value = step->node->outputs[k];
            if (value < 0)
                continue;
            if (k > 0 || !joins) {
                b->value_life[value] =
                    add_life(b, bytes_of(b, value), i, b->last_use[value]);
                continue;
            }
            life *shared = &b->lives[b->value_life[step->node->inputs[0]]];
            b->value_life[value] = b->value_life[step->node->inputs[0]];
            if (shared->last < b->last_use[value])
                shared->last = b->last_use[value];
        }
        const size_t kept = step->call.kept;
        b->kept_life[i] =
            kept ? add_life(b, kept, i, step->wanted ? backward_tick(b, i) : i) : -1;
    }
}

/* Whether the gradient of input k may lie where that of output 0 does: its first part
 * comes from here, and only once. */
static bool may_join(const build *b, int i, int k)
{
    const mx_net_step *step = &b->pass->steps[i];
    const int in = k < step->node->n_inputs ? step->node->inputs[k] : -1;
    const int out = step->node->outputs[0];
    return step->wanted & MX_INPUT_BIT(k) && !b->net->gradient_at[in] &&
           b->last_reader[in] == i && !is_output(b, in) && out >= 0 &&
           b->net->has_gradient[out] && bytes_of(b, in) == bytes_of(b, out);
}

static bool joins_gradient(const build *b, int i)
{
    const mx_net_step *step = &b->pass->steps[i];
    const mx_node *node = step->node;
    if (!may_join(b, i, 0) || !(step->back->flags & MX_BACK_IN_PLACE))
        return false;
    for (int k = 1; k < node->n_inputs; k++) {
        if (node->inputs[k] == node->inputs[0])
            return false;
    }
    const int owner = b->lives[b->gradient_life[node->outputs[0]]].changed_by;
    return owner < 0 || owner == i;
}

/* Sums: where neither input gets anything from elsewhere, all three gradients are one,
 * which only the maker that comes last may change. */
static void share_gradient(build *b, int i)
{
    const mx_net_step *step = &b->pass->steps[i];
    const int *inputs = step->node->inputs;
    if (!step->wanted || !(step->back->flags & MX_BACK_SHARES) || !may_join(b, i, 0) ||
        !may_join(b, i, 1) || b->n_shares[inputs[0]] > 1 || b->n_shares[inputs[1]] > 1)
        return;
    const int both = b->gradient_life[step->node->outputs[0]];
    const int first = b->maker[inputs[0]], second = b->maker[inputs[1]];
    const int last = first < second ? first : second, owner = b->lives[both].changed_by;
    if (owner >= 0 && owner < last)
        return;
    b->lives[both].changed_by = last;
    b->gradient_life[inputs[0]] = b->gradient_life[inputs[1]] = both;
}

/* From the last step to the first, as they are made. */
static void find_gradient_lives(build *b)
{
    const mx_net *net = b->net;
    for (int i = 0; i < b->graph->n_values; i++)
        b->gradient_life[i] = -1;
    for (int i = b->pass->n_steps - 1; i >= 0; i--) {
        const mx_node *node = b->pass->steps[i].node;
        for (int k = 0; k < node->n_outputs; k++) {
            const int value = node->outputs[k];
            if (value < 0 || !net->has_gradient[value])
                continue;
            /* Made by others as from where it was first added to, or not at all. */
            if (b->gradient_life[value] < 0) {
                const int first = is_output(b, value) || b->last_reader[value] < 0
                                      ? b->pass->n_steps
                                      : backward_tick(b, b->last_reader[value]);
                b->gradient_life[value] =
                    add_life(b, bytes_of(b, value), first, backward_tick(b, i));
            } else {
                b->lives[b->gradient_life[value]].last = backward_tick(b, i);
            }
        }
        if (joins_gradient(b, i)) {
            b->gradient_life[node->inputs[0]] = b->gradient_life[node->outputs[0]];
            b->lives[b->gradient_life[node->outputs[0]]].changed_by = -1;
        }
        share_gradient(b, i);
    }
}

/* --- places ------------------------------------------------------------------------ */

static int by_size(const void *a, const void *b)
{
    const life *x = *(const life *const *)a, *y = *(const life *const *)b;
    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? 1 : -1;
    return x < y ? -1 : x > y;
}

/* The lowest place among those that are there, sorted by offset, where it meets none. */
static int find_place(life *const *placed, int n, life *at)
{
    int after = 0;
    at->offset = 0;
    for (int i = 0; i < n; i++) {
        const life *other = placed[i];
        if (other->last < at->first || at->last < other->first)
            continue;
        if (other->offset >= at->offset + at->bytes)
            break;
        if (other->offset + other->bytes > at->offset)
            at->offset = other->offset + other->bytes;
    }
    while (after < n && placed[after]->offset < at->offset)
        after++;
    return after;
}

/* Greedy, the largest first. Pisarchyk, Lee: Efficient memory management for deep neural
 * net inference, 2020, section 5.2. */
static mexpr_status lay_out(build *b)
{
    const size_t n = (size_t)b->n_lives;
    life **sorted = mx_arena_alloc(b->scope, &b->arena, n, sizeof *sorted);
    life **placed = mx_arena_alloc(b->scope, &b->arena, n, sizeof *placed);
    if (!sorted || !placed)
        return MEXPR_E_NOMEM;
    for (size_t i = 0; i < n; i++)
        sorted[i] = &b->lives[i];
    qsort(sorted, n, sizeof *sorted, by_size);
    size_t end = 0;
    for (int i = 0; i < b->n_lives; i++) {
        const int at = find_place(placed, i, sorted[i]);
        memmove(placed + at + 1, placed + at, (size_t)(i - at) * sizeof *placed);
        placed[at] = sorted[i];
        if (!mx_add_size(sorted[i]->offset, sorted[i]->bytes, &sorted[i]->offset))
            return mx_fail(b->scope, MEXPR_E_LIMIT, "a batch of %lld is too large",
                (long long)b->pass->batch);
        end = sorted[i]->offset > end ? sorted[i]->offset : end;
        sorted[i]->offset -= sorted[i]->bytes;
    }
    b->pass->workspace_offset = end;
    return MEXPR_OK;
}

static void set_places(build *b)
{
    mx_pass *pass = b->pass;
    size_t workspace = 0;
    for (int i = 0; i < pass->n_values; i++) {
        if (b->value_life[i] >= 0)
            pass->values[i] =
                (mx_net_block){MX_NET_HERE, b->lives[b->value_life[i]].offset};
        if (b->gradient_life[i] >= 0)
            pass->gradients[i] =
                (mx_net_block){MX_NET_HERE, b->lives[b->gradient_life[i]].offset};
    }
    for (int i = 0; i < pass->n_steps; i++) {
        mx_net_step *step = &pass->steps[i];
        if (b->kept_life[i] >= 0)
            step->kept_offset = b->lives[b->kept_life[i]].offset;
        if (step->call.workspace > workspace)
            workspace = step->call.workspace;
    }
    pass->memory_bytes = pass->workspace_offset + mx_round_up(workspace, MX_ALIGNMENT);
}

static mexpr_status find_places(build *b)
{
    mx_pass *pass = b->pass;
    const size_t n = (size_t)pass->n_values, n_steps = (size_t)pass->n_steps;
    int **by_value[] = {&b->value_life, &b->gradient_life, &b->last_use, &b->last_reader,
        &b->n_shares, &b->maker};
    for (size_t i = 0; i < sizeof by_value / sizeof by_value[0]; i++) {
        *by_value[i] = mx_arena_alloc(b->scope, &b->arena, n, sizeof(int));
        if (!*by_value[i])
            return MEXPR_E_NOMEM;
    }
    b->kept_life = mx_arena_alloc(b->scope, &b->arena, n_steps, sizeof(int));
    b->lives = mx_arena_alloc(b->scope, &b->arena, 2 * n + n_steps, sizeof *b->lives);
    pass->values = mx_arena_alloc(b->scope, &pass->arena, n, sizeof *pass->values);
    pass->gradients = mx_arena_alloc(b->scope, &pass->arena, n, sizeof *pass->gradients);
    if (!b->kept_life || !b->lives || !pass->values || !pass->gradients)
        return MEXPR_E_NOMEM;
    find_uses(b);
    find_value_lives(b);
    find_gradient_lives(b);
    const mexpr_status status = lay_out(b);
    if (status == MEXPR_OK)
        set_places(b);
    return status;
}

/* --- passes ------------------------------------------------------------------------ */

static mexpr_status build_pass(
    mx_scope *scope, const mx_net *net, const mx_tensor *inputs, mx_pass *pass)
{
    build b = {.scope = scope, .net = net, .graph = &net->graph, .pass = pass};
    mx_arena_init(&b.arena, pass->context);
    mexpr_status status = place_nodes(&b, inputs);
    if (status == MEXPR_OK)
        status = find_places(&b);
    mx_arena_release(&b.arena);
    return status;
}

mexpr_status mx_pass_create(
    mx_scope *scope, const mx_net *net, const mx_tensor *inputs, mx_pass **out)
{
    *out = NULL;
    mx_pass *pass = mx_calloc(scope, 1, sizeof *pass);
    if (!pass)
        return MEXPR_E_NOMEM;
    pass->context = net->context;
    pass->n_values = net->graph.n_values;
    pass->batch = inputs[0].dims[0];
    mx_arena_init(&pass->arena, pass->context);
    const mexpr_status status = build_pass(scope, net, inputs, pass);
    if (status == MEXPR_OK)
        *out = pass;
    else
        mx_pass_destroy(pass);
    return status;
}

void mx_pass_destroy(mx_pass *pass)
{
    if (!pass)
        return;
    for (int i = 0; pass->folded && i < pass->n_values; i++)
        mx_free(pass->context, pass->folded[i]);
    mx_arena_release(&pass->arena);
    mx_free(pass->context, pass);
}

bool mx_pass_fits(const mx_net *net, const mx_pass *pass, const mx_tensor *inputs)
{
    const mx_graph *graph = &net->graph;
    for (int i = 0; i < graph->n_inputs; i++) {
        const int value = graph->inputs[i].value;
        if (!mx_same_shape(&pass->tensors[value], &inputs[i]))
            return false;
    }
    return true;
}
