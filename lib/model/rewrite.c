/* SPDX-License-Identifier: MIT */
#include "model/rewrite.h"

#include <math.h>
#include <string.h>

#include "microexpr/model.h"

/* --- looking ----------------------------------------------------------------------- */

const mx_node *mx_rw_node(const mx_rewriter *r, int place)
{
    return &r->graph->nodes[r->order[place]];
}

static int resolved(const mx_rewriter *r, int value)
{
    while (value >= 0 && r->same[value] != value)
        value = r->same[value];
    return value;
}

int mx_rw_input(const mx_rewriter *r, const mx_node *node, int k)
{
    return k < node->n_inputs ? resolved(r, node->inputs[k]) : -1;
}

const mx_tensor *mx_rw_tensor(const mx_rewriter *r, int value)
{
    return &r->graph->values[value].tensor;
}

bool mx_rw_is(const mx_node *node, const char *op)
{
    return strcmp(node->op->name, op) == 0;
}

const mx_node *mx_rw_maker(const mx_rewriter *r, int value, const char *op)
{
    const int place = value >= 0 ? r->maker[value] : -1;
    if (place < 0 || r->order[place] < 0)
        return NULL;
    const mx_node *node = mx_rw_node(r, place);
    return mx_rw_is(node, op) ? node : NULL;
}

const mx_node *mx_rw_inner(const mx_rewriter *r, int value, const char *op)
{
    const mx_node *node = mx_rw_maker(r, value, op);
    return node && r->uses[value] == 1 ? node : NULL;
}

bool mx_rw_number(const mx_rewriter *r, int value, float *number)
{
    if (value < 0)
        return false;
    const mx_tensor *t = mx_rw_tensor(r, value);
    if (!t->data || t->dtype != MEXPR_DTYPE_F32 || mx_tensor_count(t) != 1)
        return false;
    *number = *(const float *)t->data;
    return true;
}

bool mx_rw_near(const mx_rewriter *r, int value, double number)
{
    float found;
    return mx_rw_number(r, value, &found) &&
           fabs((double)found - number) <= 1e-6 * fabs(number);
}

bool mx_rw_same_shape(const mx_rewriter *r, int a, int b)
{
    const mx_tensor *s = mx_rw_tensor(r, a), *t = mx_rw_tensor(r, b);
    if (s->rank < 0 || s->rank != t->rank || s->dtype != t->dtype)
        return false;
    for (int i = 0; i < s->rank; i++) {
        const bool free_alike = i == 0 && s->dims[0] < 0 && r->source[a] >= 0 &&
                                r->source[a] == r->source[b] &&
                                r->multiple[a] == r->multiple[b];
        if (s->dims[i] != t->dims[i] || (s->dims[i] < 0 && !free_alike))
            return false;
    }
    return true;
}

int mx_rw_axis(const mx_rewriter *r, const mx_node *node)
{
    const int in = mx_rw_input(r, node, 0), list = mx_rw_input(r, node, 1);
    const mx_attribute *a = mx_attr(node, "axes");
    const int rank = mx_rw_tensor(r, in)->rank;
    int64_t axis;
    if (mx_attr_int(node, "keepdims", 1) == 0 || rank < 1)
        return -1;
    if (list >= 0) {
        const mx_tensor *t = mx_rw_tensor(r, list);
        if (!t->data || t->dtype != MEXPR_DTYPE_I64 || mx_tensor_count(t) != 1)
            return -1;
        axis = *(const int64_t *)t->data;
    } else {
        if (!a || a->n != 1)
            return -1;
        axis = a->ints[0];
    }
    return (int)(axis < 0 ? axis + rank : axis);
}

/* --- changing ---------------------------------------------------------------------- */

void mx_rw_count(mx_rewriter *r, uint32_t rewrite)
{
    mx_graph_count(r->graph, rewrite);
}

static void count_inputs(mx_rewriter *r, const mx_node *node, int change)
{
    for (int k = 0; k < node->n_inputs; k++) {
        const int value = mx_rw_input(r, node, k);
        if (value >= 0)
            r->uses[value] += change;
    }
}

void mx_rw_drop_unused(mx_rewriter *r, int place)
{
    if (place < 0 || r->order[place] < 0)
        return;
    const mx_node *node = mx_rw_node(r, place);
    for (int k = 0; k < node->n_outputs; k++) {
        const int value = node->outputs[k];
        if (value >= 0 && r->maker[value] == place && r->uses[value] > 0)
            return;
    }
    count_inputs(r, node, -1);
    r->order[place] = -1;
}

/* From the last to the first, so that whole chains go. */
static void drop_all_unused(mx_rewriter *r)
{
    for (int place = r->n - 1; place >= 0; place--)
        mx_rw_drop_unused(r, place);
}

void mx_rw_stand_in(mx_rewriter *r, int output, int value)
{
    mx_value *values = r->graph->values;
    r->uses[value] += r->uses[output];
    r->uses[output] = 0;
    values[value].decides_shape |= values[output].decides_shape;
    r->same[output] = value;
}

bool mx_rw_forward(mx_rewriter *r, int place, int value)
{
    const mx_node *node = mx_rw_node(r, place);
    const int output = node->outputs[0];
    if (r->graph->values[output].is_output || value == output)
        return false;
    mx_rw_stand_in(r, output, value);
    mx_rw_drop_unused(r, place);
    return true;
}

static mexpr_status copy_list(mx_rewriter *r, const int *list, int n, int **copy)
{
    *copy = mx_arena_raw(r->scope, &r->graph->arena, (size_t)n, sizeof **copy);
    if (!*copy)
        return MEXPR_E_NOMEM;
    if (n > 0)
        memcpy(*copy, list, (size_t)n * sizeof **copy);
    return MEXPR_OK;
}

/* Puts a node with its own list of inputs at `place`, and counts anew. */
static mexpr_status put(mx_rewriter *r, int place, mx_node *node)
{
    int index;
    const mexpr_status status = mx_graph_own_node(r->scope, r->graph, node, &index);
    if (status != MEXPR_OK)
        return status;
    count_inputs(r, &r->graph->nodes[index], 1);
    count_inputs(r, mx_rw_node(r, place), -1);
    r->order[place] = index;
    for (int k = 0; k < node->n_outputs; k++) {
        if (node->outputs[k] >= 0)
            r->maker[node->outputs[k]] = place;
    }
    return MEXPR_OK;
}

/* Attributes move to the graph's arena; they are of integers, floats and text. */
static mexpr_status copy_attributes(mx_rewriter *r, const mx_rw_new *new, mx_node *node)
{
    mx_attribute *list =
        mx_arena_raw(r->scope, &r->graph->arena, new->n_attributes, sizeof *list);
    if (!list)
        return MEXPR_E_NOMEM;
    for (size_t i = 0; i < new->n_attributes; i++) {
        list[i] = new->attributes[i];
        if (list[i].kind != MX_ATTRIBUTE_INTS)
            continue;
        int64_t *ints = mx_arena_raw(r->scope, &r->graph->arena, list[i].n, sizeof *ints);
        if (!ints)
            return MEXPR_E_NOMEM;
        if (list[i].n > 0)
            memcpy(ints, new->attributes[i].ints, list[i].n * sizeof *ints);
        list[i].ints = ints;
    }
    node->attributes = list;
    node->n_attributes = new->n_attributes;
    return MEXPR_OK;
}

mexpr_status mx_rw_replace(mx_rewriter *r, int place, const mx_rw_new *new)
{
    mx_node node = *mx_rw_node(r, place);
    mx_fusion *fusion = NULL;
    node.op = new->op;
    node.op_type = new->op->name;
    node.domain = new->op->domain;
    node.n_inputs = new->n_inputs;
    node.n_outputs = new->n_outputs;
    mexpr_status status = copy_list(r, new->inputs, new->n_inputs, &node.inputs);
    if (status == MEXPR_OK)
        status = copy_list(r, new->outputs, new->n_outputs, &node.outputs);
    if (status == MEXPR_OK)
        status = copy_attributes(r, new, &node);
    if (status != MEXPR_OK)
        return status;
    if (new->fusion) {
        fusion = mx_arena_raw(r->scope, &r->graph->arena, 1, sizeof *fusion);
        if (!fusion)
            return MEXPR_E_NOMEM;
        *fusion = *new->fusion;
    }
    node.fusion = fusion;
    return put(r, place, &node);
}

mexpr_status mx_rw_set_input(mx_rewriter *r, int place, int k, int value)
{
    mx_node node = *mx_rw_node(r, place);
    const mexpr_status status = copy_list(r, node.inputs, node.n_inputs, &node.inputs);
    if (status != MEXPR_OK)
        return status;
    node.inputs[k] = value;
    return put(r, place, &node);
}

mexpr_status mx_rw_value(mx_rewriter *r, const mx_tensor *like, int *value)
{
    *value = -1;
    if (r->graph->n_values >= r->capacity) {
        mx_free(r->graph->context, like->data);
        return MEXPR_OK;
    }
    const mexpr_status status = mx_graph_own_value(r->scope, r->graph, like, value);
    if (status != MEXPR_OK)
        return status;
    r->maker[*value] = r->source[*value] = -1;
    r->uses[*value] = 0;
    r->same[*value] = *value;
    return MEXPR_OK;
}

mexpr_status mx_rw_view(mx_rewriter *r, const mx_tensor *part, int owner, int *value)
{
    mx_tensor t = *part;
    t.data = NULL;
    const mexpr_status status = mx_rw_value(r, &t, value);
    if (status != MEXPR_OK || *value < 0)
        return status;
    r->graph->values[*value].tensor.data = part->data;
    r->graph->values[owner].is_shared = true;
    return MEXPR_OK;
}

mexpr_status mx_rw_vector(mx_rewriter *r, int64_t n, float **data, int *value)
{
    mx_tensor vector = {MEXPR_DTYPE_F32, 1, {n}, NULL};
    *data = mx_alloc(r->scope, (size_t)n, sizeof **data);
    if (!*data)
        return MEXPR_E_NOMEM;
    vector.data = *data;
    return mx_rw_value(r, &vector, value);
}

/* --- where a free batch comes from ------------------------------------------------- */

/* Whether a Slice leaves dimension 0 alone. */
static bool slices_behind(const mx_rewriter *r, const mx_node *node)
{
    const int list = mx_rw_input(r, node, 3);
    const mx_tensor *t = list >= 0 ? mx_rw_tensor(r, list) : NULL;
    if (!t || !t->data || t->dtype != MEXPR_DTYPE_I64)
        return false;
    for (int64_t i = 0; i < mx_tensor_count(t); i++) {
        if (((const int64_t *)t->data)[i] <= 0) /* or counted from behind */
            return false;
    }
    return true;
}

/* Operators whose output has dimension 0 of those inputs that have the output's rank. */
static bool keeps_batch(const mx_rewriter *r, const mx_node *node)
{
    static const char *const names[] = {"Add", "AveragePool", "BatchNormalization",
        "Clip", "Conv", "ConvTranspose", "Div", "Dropout", "Elu", "Erf", "Exp",
        "GlobalAveragePool", "GlobalMaxPool", "HardSigmoid", "HardSwish", "Identity",
        "InstanceNormalization", "LayerNormalization", "LeakyRelu", "MatMul", "MaxPool",
        "Mul", "Pow", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceSum", "Relu",
        "Sigmoid", "Softmax", "Sqrt", "Sub", "Tanh"};
    const mx_attribute *perm = mx_attr(node, "perm");
    if (mx_rw_is(node, "Slice"))
        return slices_behind(r, node);
    if (mx_rw_is(node, "Transpose"))
        return perm && perm->n > 0 && perm->ints[0] == 0;
    if (mx_rw_is(node, "Concat") || mx_rw_is(node, "Split"))
        return mx_attr_int(node, "axis", 0) > 0;
    if (mx_rw_is(node, "Gemm"))
        return mx_attr_int(node, "transA", 0) == 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (mx_rw_is(node, names[i]))
            return true;
    }
    return false;
}

/* Reshaping leaves the elements as many as they were: open dimensions are to each other
 * as what is behind them. */
static void find_reshaped(mx_rewriter *r, const mx_node *node, int output)
{
    const int in = node->inputs[0];
    const mx_tensor *x = mx_rw_tensor(r, in), *y = mx_rw_tensor(r, output);
    const int64_t of_x = x->rank > 0 ? mx_dims_product(x->dims, 1, x->rank) : -1;
    const int64_t of_y = mx_dims_product(y->dims, 1, y->rank);
    if (r->source[in] < 0 || of_x < 1 || of_y < 1)
        return;
    r->source[output] = r->source[in];
    r->multiple[output] = r->multiple[in] * (double)of_x / (double)of_y;
}

static void find_source(mx_rewriter *r, const mx_node *node, int output)
{
    const mx_tensor *out = mx_rw_tensor(r, output);
    int source = -1;
    r->source[output] = -1;
    if (out->rank < 1 || out->dims[0] >= 0)
        return;
    if (node->op->flags & MX_OP_ALIAS) {
        find_reshaped(r, node, output);
        return;
    }
    if (!keeps_batch(r, node))
        return;
    for (int k = 0; k < node->n_inputs; k++) {
        const int value = node->inputs[k];
        const mx_tensor *in = value >= 0 ? mx_rw_tensor(r, value) : NULL;
        if (in && in->rank < 0)
            return;
        if (!in || in->rank != out->rank || in->dims[0] >= 0)
            continue;
        if (r->source[value] < 0 ||
            (source >= 0 && (r->source[source] != r->source[value] ||
                                r->multiple[source] != r->multiple[value])))
            return;
        source = value;
    }
    if (source < 0)
        return;
    r->source[output] = r->source[source];
    r->multiple[output] = r->multiple[source];
}

static void find_sources(mx_rewriter *r)
{
    const mx_graph *graph = r->graph;
    for (int i = 0; i < graph->n_inputs; i++) {
        const int value = graph->inputs[i].value;
        const mx_tensor *t = &graph->values[value].tensor;
        r->multiple[value] = 1;
        if (t->rank > 0 && t->dims[0] < 0)
            r->source[value] = value;
    }
    for (int place = 0; place < r->n; place++) {
        const mx_node *node = mx_rw_node(r, place);
        for (int k = 0; k < node->n_outputs; k++) {
            if (node->outputs[k] >= 0)
                find_source(r, node, node->outputs[k]);
        }
    }
}

/* --- all of them ------------------------------------------------------------------- */

/* In this order: what makes others possible comes first. */
static const struct {
    uint32_t rewrite;
    mx_rule *rule;
} rules[] = {
    {MEXPR_REWRITE_NO_OP, mx_rule_no_op},
    {MEXPR_REWRITE_COMMON, mx_rule_common},
    {MEXPR_REWRITE_NO_OP, mx_rule_transpose},
    {MEXPR_REWRITE_PAD, mx_rule_pad},
    {MEXPR_REWRITE_FUNCTION, mx_rule_function},
    {MEXPR_REWRITE_FUNCTION, mx_rule_norm},
    {MEXPR_REWRITE_SOFTMAX_ONE, mx_rule_softmax_one},
    {MEXPR_REWRITE_GATE, mx_rule_mean_max},
    {MEXPR_REWRITE_GATE, mx_rule_gate_transpose},
    {MEXPR_REWRITE_GATE, mx_rule_gate_sum},
    {MEXPR_REWRITE_GATE, mx_rule_cbam},
    {MEXPR_REWRITE_GATE, mx_rule_global},
    {MEXPR_REWRITE_NO_OP, mx_rule_turn},
    {MEXPR_REWRITE_SOFTMAX_ONE, mx_rule_ones},
    {MEXPR_REWRITE_NO_OP, mx_rule_alias},
    {MEXPR_REWRITE_LINEAR, mx_rule_slice},
    {MEXPR_REWRITE_LINEAR, mx_rule_compose},
    {MEXPR_REWRITE_LINEAR, mx_rule_dense},
    {MEXPR_REWRITE_BATCH_NORM | MEXPR_REWRITE_EPILOGUE, mx_rule_epilogue},
    {MEXPR_REWRITE_LAYOUT, mx_rule_sibling},
    {MEXPR_REWRITE_PAD, mx_rule_unread},
};

static mexpr_status start(mx_rewriter *r)
{
    const mx_graph *graph = r->graph;
    r->capacity = graph->n_values + 4 * r->n;
    r->compose_work = 1e9 + 100 * (double)graph->n_parameters;
    const size_t n = (size_t)r->capacity;
    r->maker = mx_arena_raw(r->scope, r->arena, n, sizeof *r->maker);
    r->uses = mx_arena_alloc(r->scope, r->arena, n, sizeof *r->uses);
    r->same = mx_arena_raw(r->scope, r->arena, n, sizeof *r->same);
    r->source = mx_arena_raw(r->scope, r->arena, n, sizeof *r->source);
    for (r->seen_size = 16; r->seen_size < 2 * (size_t)r->n;)
        r->seen_size *= 2;
    r->seen = mx_arena_alloc(r->scope, r->arena, r->seen_size, sizeof *r->seen);
    r->multiple = mx_arena_raw(r->scope, r->arena, n, sizeof *r->multiple);
    if (!r->maker || !r->uses || !r->same || !r->source || !r->multiple || !r->seen)
        return MEXPR_E_NOMEM;
    for (int i = 0; i < graph->n_values; i++) {
        r->maker[i] = r->source[i] = -1;
        r->same[i] = i;
    }
    for (int i = 0; i < graph->n_outputs; i++)
        r->uses[graph->outputs[i].value]++;
    for (int place = 0; place < r->n; place++) {
        const mx_node *node = mx_rw_node(r, place);
        count_inputs(r, node, 1);
        for (int k = 0; k < node->n_outputs; k++) {
            if (node->outputs[k] >= 0 && !mx_rw_tensor(r, node->outputs[k])->data)
                r->maker[node->outputs[k]] = place;
        }
    }
    return MEXPR_OK;
}

/* Inputs for which others stand in are put in place, and the order closes up. */
static mexpr_status settle(mx_rewriter *r, int *n)
{
    int kept = 0;
    for (int place = 0; place < r->n; place++) {
        if (r->order[place] < 0)
            continue;
        const int n_inputs = mx_rw_node(r, place)->n_inputs;
        for (int k = 0; k < n_inputs; k++) {
            const int value = mx_rw_node(r, place)->inputs[k];
            if (value < 0 || r->same[value] == value)
                continue;
            const mexpr_status status = mx_rw_set_input(r, place, k, resolved(r, value));
            if (status != MEXPR_OK)
                return status;
        }
        r->order[kept++] = r->order[place];
    }
    *n = kept;
    return MEXPR_OK;
}

mexpr_status mx_rewrite(mx_scope *scope, mx_graph *graph, const mx_machine *machine,
    mx_arena *arena, int *order, int *n)
{
    mx_rewriter r = {.scope = scope,
        .graph = graph,
        .arena = arena,
        .machine = machine,
        .n = *n,
        .order = order};
    mexpr_status status = start(&r);
    if (status != MEXPR_OK || graph->rewrites == 0)
        return status;
    find_sources(&r);
    drop_all_unused(&r);
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (!(graph->rewrites & rules[i].rewrite))
            continue;
        for (int place = 0; place < r.n; place++) {
            if (r.order[place] < 0)
                continue;
            status = rules[i].rule(&r, place);
            if (status != MEXPR_OK)
                return status;
        }
        drop_all_unused(&r);
    }
    return settle(&r, n);
}
