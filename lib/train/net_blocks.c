/* SPDX-License-Identifier: MIT */
/* Finds the convolutions that train as blocks (block.h) and puts these in the place of
 * their nodes. */
#include <string.h>

#include "base/checked.h"
#include "train/block.h"
#include "train/net_parts.h"

/* Weights of an output, and outputs, up to which products by blocks are not slower than
 * one large product. */
enum { MAX_TAPS = 1200, MAX_OUTPUTS = 64, PICTURE_RANK = 4 };

typedef struct search {
    mx_scope *scope;
    mx_net *net;
    const mx_graph *graph;
    mx_arena arena;   /* scratch */
    int *n_readers;   /* by value */
    int *reader;      /* by value: of the net's nodes, the last one */
    mx_block **begun; /* by node of the net: the block that it begins */
    int *place;       /* by node of the graph: among those of the net */
    bool *is_taken;   /* by node of the net */
} search;

static bool is_op(const mx_node *node, const char *name)
{
    return !node->domain[0] && strcmp(node->op_type, name) == 0;
}

static bool is_initializer(const search *s, int value)
{
    return value >= 0 && s->graph->values[value].producer < 0 &&
           !s->graph->values[value].is_input;
}

/* The node that alone reads what `node` makes, if it is called `name`; else NULL. */
static const mx_node *next(const search *s, const mx_node *node, const char *name)
{
    const int value = node->outputs[0];
    for (int k = 1; k < node->n_outputs; k++) {
        if (node->outputs[k] >= 0)
            return NULL;
    }
    if (s->n_readers[value] != 1 || s->graph->values[value].is_output)
        return NULL;
    const mx_node *reader = s->net->nodes[s->reader[value]];
    return is_op(reader, name) && reader->inputs[0] == value ? reader : NULL;
}

static int64_t listed(const mx_node *node, const char *name, size_t k, int64_t standard)
{
    const mx_attribute *a = mx_attr(node, name);
    return a && k < a->n ? a->ints[k] : standard;
}

static bool is_plain_window(const mx_node *node)
{
    return strcmp(mx_attr_string(node, "auto_pad", "NOTSET"), "NOTSET") == 0 &&
           mx_attr_int(node, "ceil_mode", 0) == 0;
}

/* Every window reaches into the picture; where that has a gradient the strides are 1. */
static bool fits_conv(const search *s, const mx_node *node)
{
    if (!is_op(node, "Conv") || !is_initializer(s, node->inputs[1]) ||
        (node->n_inputs > 2 && node->inputs[2] >= 0 &&
            !is_initializer(s, node->inputs[2])))
        return false;
    const mx_tensor *weights = &s->graph->values[node->inputs[1]].tensor;
    const int64_t *dims = weights->dims;
    if (weights->rank != PICTURE_RANK || mx_attr_int(node, "group", 1) != 1 ||
        !is_plain_window(node) || dims[0] < 1 || dims[0] > MAX_OUTPUTS ||
        dims[2] * dims[3] < 2 || dims[1] < 1 || dims[1] * dims[2] * dims[3] > MAX_TAPS)
        return false;
    for (size_t d = 0; d < 2; d++) {
        const int64_t reach = (dims[2 + d] - 1) * listed(node, "dilations", d, 1);
        if (listed(node, "pads", d, 0) > reach ||
            listed(node, "pads", d + 2, 0) > reach ||
            (s->net->has_gradient[node->inputs[0]] && listed(node, "strides", d, 1) != 1))
            return false;
    }
    return true;
}

/* Every window has something inside the picture. */
static bool fits_pool(const mx_node *node)
{
    const mx_attribute *kernel = mx_attr(node, "kernel_shape");
    if (!is_plain_window(node) || !kernel || kernel->n != 2)
        return false;
    for (size_t d = 0; d < 2; d++) {
        if (listed(node, "dilations", d, 1) != 1 ||
            listed(node, "pads", d, 0) >= kernel->ints[d] ||
            listed(node, "pads", d + 2, 0) >= kernel->ints[d])
            return false;
    }
    return true;
}

static bool fits_norm(const search *s, const mx_node *node)
{
    for (int k = 1; k < 5; k++) {
        if (!is_initializer(s, node->inputs[k]))
            return false;
    }
    return true;
}

/* --- chains ------------------------------------------------------------------------- */

/* Fills in what follows a convolution; the last node of the chain. */
static const mx_node *follow(const search *s, const mx_node *conv, mx_block *block)
{
    const mx_node *last = conv, *more = next(s, conv, "Relu");
    if (more) {
        block->is_gated_first = true;
        last = more;
    }
    more = next(s, last, "BatchNormalization");
    if (more && fits_norm(s, more)) {
        block->norms[0] = more;
        last = more;
    }
    /* Without normalisation a Relu behind the pool does what one before it would. */
    bool *gate = block->norms[0] ? &block->is_gated_last : &block->is_gated_first;
    for (int turn = 0; turn < 2; turn++) {
        more = *gate ? NULL : next(s, last, "Relu");
        if (more) {
            *gate = true;
            last = more;
        }
        more = block->pool ? NULL : next(s, last, "MaxPool");
        if (more && fits_pool(more)) {
            block->pool = more;
            last = more;
        }
    }
    return last;
}

static mexpr_status begin(search *s, int i)
{
    const mx_node *conv = s->net->nodes[i];
    mx_block *block = mx_arena_alloc(s->scope, &s->net->arena, 1, sizeof *block);
    int *values = mx_arena_alloc(s->scope, &s->net->arena,
        1 + MX_BLOCK_CHAINS * (MX_BLOCK_INPUTS + 1), sizeof *values);
    if (!block || !values)
        return MEXPR_E_NOMEM;
    *block = (mx_block){.node = *conv, .n_chains = 1, .convs = {conv}};
    block->node.op = &mx_block_operator;
    block->node.n_attributes = 0;
    block->node.inputs = values;
    block->node.outputs = values + 1 + MX_BLOCK_CHAINS * MX_BLOCK_INPUTS;
    block->node.n_outputs = 1;
    block->node.outputs[0] = follow(s, conv, block)->outputs[0];
    s->begun[i] = block;
    return MEXPR_OK;
}

/* --- side by side ------------------------------------------------------------------- */

static bool same_attributes(const mx_node *a, const mx_node *b)
{
    if (!a || !b || a->n_attributes != b->n_attributes)
        return a == b;
    for (size_t k = 0; k < a->n_attributes; k++) {
        const mx_attribute *own = &a->attributes[k], *other = mx_attr(b, own->name);
        if (!other || own->i != other->i || own->n != other->n ||
            (own->n > 0 &&
                (own->kind != MX_ATTRIBUTE_INTS ||
                    memcmp(own->ints, other->ints, own->n * sizeof *own->ints) != 0)))
            return false;
    }
    return true;
}

static bool fits_beside(const search *s, const mx_block *a, const mx_block *b)
{
    const mx_tensor *own = &s->graph->values[a->convs[0]->inputs[1]].tensor;
    const mx_tensor *other = &s->graph->values[b->convs[0]->inputs[1]].tensor;
    return a->n_chains < MX_BLOCK_CHAINS &&
           a->convs[0]->inputs[0] == b->convs[0]->inputs[0] &&
           a->is_gated_first == b->is_gated_first &&
           a->is_gated_last == b->is_gated_last && !a->norms[0] == !b->norms[0] &&
           own->dims[2] == other->dims[2] && own->dims[3] == other->dims[3] &&
           same_attributes(a->convs[0], b->convs[0]) && same_attributes(a->pool, b->pool);
}

/* Chains of the same picture become one block, in the place of the first. */
static void gather(search *s)
{
    for (int i = 0; i < s->net->n_nodes; i++) {
        mx_block *block = s->begun[i];
        for (int j = i + 1; block && j < s->net->n_nodes; j++) {
            const mx_block *other = s->begun[j];
            if (!other || !fits_beside(s, block, other))
                continue;
            block->convs[block->n_chains] = other->convs[0];
            block->norms[block->n_chains] = other->norms[0];
            block->node.outputs[block->n_chains++] = other->node.outputs[0];
            s->begun[j] = NULL;
        }
    }
}

/* Channels are padded to whole rows: whether not too much is computed for nothing. */
static bool fills_rows(int64_t n)
{
    return 4 * n >= 3 * (int64_t)mx_round_up((size_t)n, MX_TRAIN_ROW);
}

/* Small maps of many channels (back_conv_rows.h). */
static bool is_faster_by_rows(const search *s, const mx_node *conv)
{
    enum { MAX_PLACES = 256, MIN_CHANNELS = 32 };
    const int64_t *in = s->graph->values[conv->inputs[0]].tensor.dims;
    return s->graph->values[conv->inputs[1]].tensor.dims[0] >= MIN_CHANNELS &&
           in[1] >= MIN_CHANNELS && in[2] > 0 && in[3] > 0 && in[2] * in[3] <= MAX_PLACES;
}

static bool pays(const search *s, const mx_block *block)
{
    const mx_tensor *weights = &s->graph->values[block->convs[0]->inputs[1]].tensor;
    int64_t outputs = 0;
    if (is_faster_by_rows(s, block->convs[0]))
        return false;
    for (int k = 0; k < block->n_chains; k++)
        outputs += s->graph->values[block->convs[k]->inputs[1]].tensor.dims[0];
    return fills_rows(outputs) && (!s->net->has_gradient[block->convs[0]->inputs[0]] ||
                                      fills_rows(weights->dims[1]));
}

static void take_nodes(search *s, const mx_block *block)
{
    for (int k = 0; k < block->n_chains; k++) {
        const int last = block->node.outputs[k];
        int value = block->convs[k]->outputs[0];
        s->is_taken[s->place[block->convs[k]->index]] = true;
        while (value != last) {
            s->is_taken[s->reader[value]] = true;
            value = s->net->nodes[s->reader[value]]->outputs[0];
        }
    }
}

static void choose(search *s)
{
    for (int i = 0; i < s->net->n_nodes; i++) {
        if (s->begun[i] && pays(s, s->begun[i]))
            take_nodes(s, s->begun[i]);
        else
            s->begun[i] = NULL;
    }
}

static void list_inputs(mx_net *net, mx_block *block)
{
    int *to = block->node.inputs;
    *to++ = block->convs[0]->inputs[0];
    for (int k = 0; k < block->n_chains; k++) {
        const mx_node *conv = block->convs[k], *norm = block->norms[k];
        *to++ = conv->inputs[1];
        *to++ = conv->n_inputs > 2 ? conv->inputs[2] : -1;
        for (int j = 1; j < 5; j++)
            *to++ = norm ? norm->inputs[j] : -1;
    }
    block->node.n_inputs = 1 + block->n_chains * MX_BLOCK_INPUTS;
    block->node.n_outputs = block->n_chains;
    if (net->max_inputs < block->node.n_inputs)
        net->max_inputs = block->node.n_inputs;
    if (net->max_outputs < block->node.n_outputs)
        net->max_outputs = block->node.n_outputs;
}

static void replace(search *s)
{
    mx_net *net = s->net;
    int n = 0;
    for (int i = 0; i < net->n_nodes; i++) {
        if (s->begun[i]) {
            list_inputs(net, s->begun[i]);
            net->nodes[n++] = &s->begun[i]->node;
        } else if (!s->is_taken[i]) {
            net->nodes[n++] = net->nodes[i];
        }
    }
    net->n_nodes = n;
}

/* --- all ---------------------------------------------------------------------------- */

static void count_readers(search *s)
{
    for (int i = 0; i < s->net->n_nodes; i++) {
        const mx_node *node = s->net->nodes[i];
        s->place[node->index] = i;
        for (int k = 0; k < node->n_inputs; k++) {
            if (node->inputs[k] >= 0) {
                s->n_readers[node->inputs[k]]++;
                s->reader[node->inputs[k]] = i;
            }
        }
    }
}

static mexpr_status search_in(search *s)
{
    const size_t n_values = (size_t)s->graph->n_values, n = (size_t)s->net->n_nodes;
    s->n_readers = mx_arena_alloc(s->scope, &s->arena, n_values, sizeof *s->n_readers);
    s->reader = mx_arena_alloc(s->scope, &s->arena, n_values, sizeof *s->reader);
    s->begun = mx_arena_alloc(s->scope, &s->arena, n, sizeof(mx_block *));
    s->is_taken = mx_arena_alloc(s->scope, &s->arena, n, sizeof *s->is_taken);
    s->place =
        mx_arena_alloc(s->scope, &s->arena, (size_t)s->graph->n_nodes, sizeof *s->place);
    if (!s->n_readers || !s->reader || !s->begun || !s->is_taken || !s->place)
        return MEXPR_E_NOMEM;
    count_readers(s);
    for (int i = 0; i < s->net->n_nodes; i++) {
        const mexpr_status status =
            fits_conv(s, s->net->nodes[i]) ? begin(s, i) : MEXPR_OK;
        if (status != MEXPR_OK)
            return status;
    }
    gather(s);
    choose(s);
    replace(s);
    return MEXPR_OK;
}

mexpr_status mx_net_find_blocks(mx_scope *scope, mx_net *net)
{
    search s = {.scope = scope, .net = net, .graph = &net->model->graph};
    mx_arena_init(&s.arena, scope->context);
    const mexpr_status status = search_in(&s);
    mx_arena_release(&s.arena);
    return status;
}
