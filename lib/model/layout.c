/* SPDX-License-Identifier: MIT */
/* The layout pass, after all rewrites. Convolutions run on images with channels last
 * (N, lines, columns, C), and what follows them follows into that layout as long as it
 * can: such nodes get the operators of op_last*.c, or keep their own where that works on
 * either layout, on values of their own that have the dimensions in the new order. So
 * shapes mean what they say everywhere, and planner and operators need not know of this.
 * Between the layouts stand nodes that turn a value; each value is turned at most once.
 *
 * Weights are laid out for the loops here, once for all sessions. */
#include "model/layout.h"

#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "model/op_last.h"
#include "model/panels.h"

/* Largest transformed weights of Winograd's convolution, and least outputs: beyond, they
 * leave the cache, or there are too few tiles to use them for. */
enum { WINOGRAD_BYTES = 3 << 20, WINOGRAD_SIDE = 6, PLANES = 4, MAX_INPUTS = 64 };

typedef struct pass {
    mx_scope *scope;
    mx_graph *graph;
    mx_arena *arena;
    int64_t cols;    /* outputs of a panel of weights */
    int n_values;    /* of the graph before */
    int *last;       /* by value: the one with channels last that stands for it, -1 */
    bool *has_first; /* by value: it is there in its own layout */
    int *n_uses;     /* by value: nodes and outputs that read it in its own layout */
    int n_out;
    int *out; /* the new order */
} pass;

static const mx_tensor *tensor_of(const pass *p, int value)
{
    return &p->graph->values[value].tensor;
}

static int input_of(const mx_node *node, int k)
{
    return k < node->n_inputs ? node->inputs[k] : -1;
}

static bool is_last(const pass *p, int value)
{
    return value >= 0 && p->last[value] >= 0;
}

/* --- emitting ---------------------------------------------------------------------- */

static mexpr_status emit(pass *p, const mx_node *node)
{
    int index;
    const mexpr_status status = mx_graph_own_node(p->scope, p->graph, node, &index);
    if (status == MEXPR_OK)
        p->out[p->n_out++] = index;
    return status;
}

static int *list_of(pass *p, const int *list, int n)
{
    int *copy = mx_arena_raw(p->scope, &p->graph->arena, (size_t)n + 1, sizeof *copy);
    if (copy && n > 0)
        memcpy(copy, list, (size_t)n * sizeof *copy);
    return copy;
}

/* The value with channels last for `value`, for a node to make. */
static mexpr_status new_last(pass *p, int value)
{
    mx_tensor t = *tensor_of(p, value);
    const int last = t.rank - 1;
    const int64_t channels = t.dims[1];
    memmove(t.dims + 1, t.dims + 2, (size_t)(last - 1) * sizeof *t.dims);
    t.dims[last] = channels;
    t.data = NULL;
    return mx_graph_own_value(p->scope, p->graph, &t, &p->last[value]);
}

/* Nothing moves when there is one channel, or one position. */
static bool keeps_order(const mx_tensor *t)
{
    return t->dims[1] == 1 || mx_dims_product(t->dims, 2, t->rank) == 1;
}

static mexpr_status turn(pass *p, int from, int to, const char *name)
{
    mx_node node = {.name = "", .gate = -1, .n_inputs = 1, .n_outputs = 1};
    node.op = mx_fused_operator(name);
    node.op_type = node.op->name;
    node.domain = node.op->domain;
    node.inputs = list_of(p, &from, 1);
    node.outputs = list_of(p, &to, 1);
    return node.inputs && node.outputs ? emit(p, &node) : MEXPR_E_NOMEM;
}

static mexpr_status need_first(pass *p, int value)
{
    if (value < 0 || value >= p->n_values || p->has_first[value])
        return MEXPR_OK;
    p->has_first[value] = true;
    return turn(p, p->last[value], value,
        keeps_order(tensor_of(p, value)) ? "AsFirst" : "ToFirst");
}

static mexpr_status need_last(pass *p, int value)
{
    if (p->last[value] >= 0)
        return MEXPR_OK;
    const mexpr_status status = new_last(p, value);
    return status == MEXPR_OK
               ? turn(p, value, p->last[value],
                     keeps_order(tensor_of(p, value)) ? "AsLast" : "ToLast")
               : status;
}

/* Emits a changed copy of a node: another operator (NULL: its own), other inputs; its
 * outputs with channels last, or as they are. */
typedef struct change {
    const char *op;
    int n_inputs;
    int inputs[MAX_INPUTS];
    bool keeps_outputs;
    const mx_fusion *fusion;
} change;

static mexpr_status emit_changed(pass *p, const mx_node *old, const change *c)
{
    mx_node node = *old;
    node.op = c->op ? mx_fused_operator(c->op) : node.op;
    node.op_type = node.op->name;
    node.domain = node.op->domain;
    node.n_inputs = c->n_inputs;
    node.inputs = list_of(p, c->inputs, c->n_inputs);
    node.outputs = list_of(p, old->outputs, old->n_outputs);
    if (!node.inputs || !node.outputs)
        return MEXPR_E_NOMEM;
    for (int k = 0; k < node.n_outputs && !c->keeps_outputs; k++) {
        const int value = node.outputs[k];
        if (value < 0)
            continue;
        const mexpr_status status = new_last(p, value);
        if (status != MEXPR_OK)
            return status;
        node.outputs[k] = p->last[value];
        p->has_first[value] = false;
    }
    if (c->fusion) {
        mx_fusion *fusion = mx_arena_raw(p->scope, &p->graph->arena, 1, sizeof *fusion);
        if (!fusion)
            return MEXPR_E_NOMEM;
        *fusion = *c->fusion;
        node.fusion = fusion;
    }
    mx_graph_count(p->graph, MEXPR_REWRITE_LAYOUT);
    return emit(p, &node);
}

/* --- weights ----------------------------------------------------------------------- */

/* A constant for the loops. */
static mexpr_status new_constant(
    pass *p, const mx_tensor *shape, float **data, int *value)
{
    mx_tensor t = *shape;
    const mexpr_status status = mx_tensor_check(p->scope, &t);
    if (status != MEXPR_OK)
        return status;
    *data = mx_alloc(p->scope, (size_t)mx_tensor_count(&t), sizeof **data);
    if (!*data)
        return MEXPR_E_NOMEM;
    t.data = *data;
    return mx_graph_own_value(p->scope, p->graph, &t, value);
}

/* What is known of a convolution. */
typedef struct conv {
    const mx_node *node;
    const mx_tensor *w;
    int spatial;
    int64_t c_in, c_out, taps;
    bool is_depthwise, from_planes;
} conv;

static int64_t padded_channels(int64_t n)
{
    return (n + MX_TILE_COLS - 1) / MX_TILE_COLS * MX_TILE_COLS;
}

/* Panels of some outputs: for images by tap and channel, for planes as they are; all
 * outputs in one where each channel goes for itself. */
static mexpr_status pack_panels(pass *p, const conv *c, int *value)
{
    const int at = c->is_depthwise ? 0 : c->from_planes ? 2 : 1;
    mx_panels panels = {c->c_out, c->c_in, c->taps, p->cols, c->from_planes};
    mx_tensor shape = {MEXPR_DTYPE_F32, c->spatial + 3, {0}, NULL};
    if (c->is_depthwise) {
        panels.channels = 1;
        panels.cols = padded_channels(c->c_out);
        shape.rank = c->spatial + 1;
    } else {
        shape.dims[0] = (c->c_out + p->cols - 1) / p->cols;
        shape.dims[c->from_planes ? 1 : c->spatial + 1] = c->c_in;
    }
    memcpy(shape.dims + at, c->w->dims + 2, (size_t)c->spatial * sizeof *shape.dims);
    shape.dims[shape.rank - 1] = panels.cols;
    float *to;
    const mexpr_status status = new_constant(p, &shape, &to, value);
    if (status != MEXPR_OK)
        return status;
    mx_panels_pack(&panels, c->w->data, to);
    return MEXPR_OK;
}

/* Lines of planes by F(2, 3): four numbers for each three. */
static mexpr_status pack_pairs(pass *p, const conv *c, int *value)
{
    const int64_t lines = c->c_in * c->taps / 3,
                  panels = (c->c_out + p->cols - 1) / p->cols;
    mx_tensor shape = {MEXPR_DTYPE_F32, c->spatial + 3, {panels, c->c_in}, NULL};
    memcpy(shape.dims + 2, c->w->dims + 2, (size_t)c->spatial * sizeof *shape.dims);
    shape.dims[c->spatial + 1] = 4;
    shape.dims[c->spatial + 2] = p->cols;
    float *to;
    const mexpr_status status = new_constant(p, &shape, &to, value);
    const float *g = c->w->data;
    if (status == MEXPR_OK && c->c_out % p->cols != 0)
        memset(to, 0, (size_t)mx_tensor_count(&shape) * sizeof *to);
    for (int64_t o = 0; status == MEXPR_OK && o < c->c_out; o++) {
        float *u = to + o / p->cols * lines * 4 * p->cols + o % p->cols;
        for (int64_t i = 0; i < lines; i++, g += 3, u += 4 * p->cols) {
            const double sum = (double)g[0] + (double)g[2];
            u[0] = g[0];
            u[p->cols] = (float)((sum + (double)g[1]) / 2);
            u[2 * p->cols] = (float)((sum - (double)g[1]) / 2);
            u[3 * p->cols] = g[2];
        }
    }
    return status;
}

/* G g G^T of F(4x4, 3x3). */
static void transform_weights(const float *g, float *u)
{
    static const double rows[6][3] = {{1.0 / 4, 0, 0}, {-1.0 / 6, -1.0 / 6, -1.0 / 6},
        {-1.0 / 6, 1.0 / 6, -1.0 / 6}, {1.0 / 24, 1.0 / 12, 1.0 / 6},
        {1.0 / 24, -1.0 / 12, 1.0 / 6}, {0, 0, 1}};
    for (int i = 0; i < 6; i++) {
        double half[3];
        for (int k = 0; k < 3; k++)
            half[k] = rows[i][0] * (double)g[k] + rows[i][1] * (double)g[3 + k] +
                      rows[i][2] * (double)g[6 + k];
        for (int j = 0; j < 6; j++)
            u[i * 6 + j] = (float)(rows[j][0] * half[0] + rows[j][1] * half[1] +
                                   rows[j][2] * half[2]);
    }
}

/* By number, panel, slice, channel, output. */
static mexpr_status pack_winograd(pass *p, const conv *c, int *value)
{
    const int64_t slices = c->taps / 9, panels = (c->c_out + p->cols - 1) / p->cols;
    const mx_tensor shape = {
        MEXPR_DTYPE_F32, 5, {MX_WINOGRAD_IN, panels, slices, c->c_in, p->cols}, NULL};
    float *to, u[MX_WINOGRAD_IN];
    const mexpr_status status = new_constant(p, &shape, &to, value);
    const float *from = c->w->data;
    if (status == MEXPR_OK && c->c_out % p->cols != 0)
        memset(to, 0, (size_t)mx_tensor_count(&shape) * sizeof *to);
    for (int64_t o = 0; status == MEXPR_OK && o < c->c_out; o++) {
        for (int64_t i = 0; i < c->c_in; i++) {
            for (int64_t s = 0; s < slices; s++, from += 9) {
                transform_weights(from, u);
                for (int64_t k = 0; k < MX_WINOGRAD_IN; k++) {
                    const int64_t panel = k * panels + o / p->cols;
                    to[((panel * slices + s) * c->c_in + i) * p->cols + o % p->cols] =
                        u[k];
                }
            }
        }
    }
    return status;
}

/* A vector with one number for each output, with room for whole panels. */
static mexpr_status pad_vector(pass *p, int64_t n, int *value)
{
    if (*value < 0)
        return MEXPR_OK;
    const mx_tensor *old = tensor_of(p, *value);
    const mx_tensor shape = {MEXPR_DTYPE_F32, 1, {padded_channels(n)}, NULL};
    const float *from = old->data;
    float *to;
    const mexpr_status status = new_constant(p, &shape, &to, value);
    for (int64_t i = 0; status == MEXPR_OK && i < padded_channels(n); i++)
        to[i] = i < n ? from[i] : 0;
    return status;
}

/* --- convolution ------------------------------------------------------------------- */

static bool is_vector(const pass *p, int value, int64_t n)
{
    if (value < 0)
        return true;
    const mx_tensor *t = tensor_of(p, value);
    return t->data && t->dtype == MEXPR_DTYPE_F32 && mx_tensor_count(t) == n;
}

/* Whether a convolution goes with channels last, and how. */
static bool read_conv(const pass *p, const mx_node *node, conv *c)
{
    const mx_tensor *x = tensor_of(p, node->inputs[0]),
                    *w = tensor_of(p, node->inputs[1]);
    if (!w->data || w->dtype != MEXPR_DTYPE_F32 || w->rank != x->rank || w->rank < 4 ||
        w->rank > 5 || mx_tensor_count(w) == 0)
        return false;
    const int64_t groups = mx_attr_int(node, "group", 1);
    *c = (conv){.node = node, .w = w, .spatial = w->rank - 2};
    c->c_out = w->dims[0];
    c->c_in = w->dims[1] * groups;
    c->taps = mx_dims_product(w->dims, 2, w->rank);
    c->is_depthwise = groups > 1 && groups == c->c_in && groups == c->c_out;
    c->from_planes = !c->is_depthwise && c->c_in <= PLANES &&
                     !is_last(p, node->inputs[0]) && mx_attr_all(node, "dilations", 1);
    if ((groups != 1 && !c->is_depthwise) || (c->c_in < PLANES && c->c_out < PLANES) ||
        mx_dims_product(x->dims, 2, x->rank) == 1 ||
        (node->fusion && node->fusion->activation == MX_ACTIVATION_TANH))
        return false;
    for (int k = 2; k < MX_EPILOGUE_INPUTS; k++) {
        if (k != MX_EPILOGUE_RESIDUAL && !is_vector(p, input_of(node, k), c->c_out))
            return false;
    }
    return true;
}

/* Windows of 3 x 3 that Winograd's way makes faster. */
static bool takes_winograd(const pass *p, const conv *c)
{
    const mx_tensor *y = tensor_of(p, c->node->outputs[0]), *w = c->w;
    const int64_t bytes = MX_WINOGRAD_IN * c->c_in * c->c_out * (c->taps / 9) * 4;
    return p->graph->rewrites & MEXPR_REWRITE_WINOGRAD && !c->is_depthwise &&
           !c->from_planes && w->dims[w->rank - 1] == 3 && w->dims[w->rank - 2] == 3 &&
           c->taps / 9 <= MX_WINOGRAD_SLICES && c->c_in % MX_CONV_LANES == 0 &&
           c->c_out % MX_CONV_LANES == 0 && mx_attr_all(c->node, "strides", 1) &&
           mx_attr_all(c->node, "dilations", 1) && bytes <= WINOGRAD_BYTES &&
           y->dims[y->rank - 1] >= WINOGRAD_SIDE && y->dims[y->rank - 2] >= WINOGRAD_SIDE;
}

/* Windows that are 3 wide, on planes: by F(2, 3) along the lines. */
static bool takes_pairs(const pass *p, const conv *c)
{
    const mx_tensor *y = tensor_of(p, c->node->outputs[0]);
    return p->graph->rewrites & MEXPR_REWRITE_WINOGRAD && c->from_planes &&
           c->w->dims[c->w->rank - 1] == 3 && mx_attr_all(c->node, "strides", 1) &&
           y->dims[y->rank - 1] >= WINOGRAD_SIDE;
}

static mexpr_status pack_vectors(pass *p, const conv *c, change *to)
{
    mexpr_status status = MEXPR_OK;
    for (int k = 2; k < MX_EPILOGUE_INPUTS; k++)
        to->inputs[k] = input_of(c->node, k);
    if (to->inputs[MX_EPILOGUE_SHIFT] < 0)
        to->inputs[MX_EPILOGUE_SHIFT] = to->inputs[2];
    to->inputs[2] = -1;
    for (int k = MX_EPILOGUE_SCALE; status == MEXPR_OK && k < MX_EPILOGUE_INPUTS; k++)
        status = pad_vector(p, c->c_out, &to->inputs[k]);
    return status;
}

/* A node less reads weights as they are. Those in panels can be had back from there. */
static void drop_weights(pass *p, const conv *c, bool is_panels, int packed)
{
    mx_graph *graph = p->graph;
    const int index = c->node->inputs[1];
    mx_value *value = &graph->values[index];
    if (is_panels && mx_graph_keeps(graph, index))
        mx_panels_stand_for(graph, index, packed, c->from_planes);
    if (--p->n_uses[index] > 0 || !value->block || value->is_shared ||
        mx_graph_keeps(graph, index))
        return;
    mx_free(graph->context, value->block);
    value->block = value->tensor.data = NULL;
}

static mexpr_status move_conv(pass *p, const conv *c)
{
    const bool winograd = takes_winograd(p, c), pairs = takes_pairs(p, c);
    mx_fusion fusion = c->node->fusion ? *c->node->fusion : (mx_fusion){0};
    fusion.channels = c->c_out;
    fusion.from_planes = c->from_planes;
    fusion.in_pairs = pairs;
    change to = {.op = winograd          ? "WinogradLast"
                       : c->is_depthwise ? "DepthwiseLast"
                                         : "ConvLast",
        .n_inputs = MX_EPILOGUE_INPUTS,
        .fusion = &fusion};
    mexpr_status status = pack_vectors(p, c, &to);
    const int x = c->node->inputs[0], residual = to.inputs[MX_EPILOGUE_RESIDUAL];
    if (status == MEXPR_OK)
        status = winograd ? pack_winograd(p, c, &to.inputs[1])
                 : pairs  ? pack_pairs(p, c, &to.inputs[1])
                          : pack_panels(p, c, &to.inputs[1]);
    if (status == MEXPR_OK)
        drop_weights(p, c, !winograd && !pairs, to.inputs[1]);
    if (status == MEXPR_OK)
        status = c->from_planes ? need_first(p, x) : need_last(p, x);
    if (status == MEXPR_OK && residual >= 0)
        status = need_last(p, residual);
    if (status != MEXPR_OK)
        return status;
    if (winograd || pairs)
        mx_graph_count(p->graph, MEXPR_REWRITE_WINOGRAD);
    to.inputs[0] = c->from_planes ? x : p->last[x];
    if (residual >= 0)
        to.inputs[MX_EPILOGUE_RESIDUAL] = p->last[residual];
    return emit_changed(p, c->node, &to);
}

/* --- what follows ------------------------------------------------------------------ */

typedef enum follower {
    FOLLOWER_NONE,
    FOLLOWER_UNARY,  /* element by element; inputs behind the first are single numbers */
    FOLLOWER_BINARY, /* of tensors of one rank, or single numbers */
    FOLLOWER_CONCAT,
    FOLLOWER_POOL, /* name of the operator with "Last" */
    FOLLOWER_GLOBAL,
    FOLLOWER_MEAN_MAX,
    FOLLOWER_GATE_SUM,
    FOLLOWER_GATE_PRODUCT
} follower;

static follower kind_of(const mx_node *node)
{
    static const struct {
        const char *name;
        follower kind;
    } kinds[] = {{"Relu", FOLLOWER_UNARY}, {"LeakyRelu", FOLLOWER_UNARY},
        {"Clip", FOLLOWER_UNARY}, {"Sigmoid", FOLLOWER_UNARY}, {"Tanh", FOLLOWER_UNARY},
        {"SiLU", FOLLOWER_UNARY}, {"HardSwish", FOLLOWER_UNARY}, {"Elu", FOLLOWER_UNARY},
        {"HardSigmoid", FOLLOWER_UNARY}, {"Exp", FOLLOWER_UNARY},
        {"Sqrt", FOLLOWER_UNARY}, {"Abs", FOLLOWER_UNARY}, {"Neg", FOLLOWER_UNARY},
        {"Gelu", FOLLOWER_UNARY}, {"Add", FOLLOWER_BINARY}, {"Sub", FOLLOWER_BINARY},
        {"Mul", FOLLOWER_BINARY}, {"Div", FOLLOWER_BINARY}, {"Concat", FOLLOWER_CONCAT},
        {"MaxPool", FOLLOWER_POOL}, {"AveragePool", FOLLOWER_POOL},
        {"GlobalAveragePool", FOLLOWER_GLOBAL}, {"GlobalMaxPool", FOLLOWER_GLOBAL},
        {"GlobalMeanMax", FOLLOWER_GLOBAL}, {"MeanMax", FOLLOWER_MEAN_MAX},
        {"GateSum", FOLLOWER_GATE_SUM}, {"GateProduct", FOLLOWER_GATE_PRODUCT}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(node->op->name, kinds[i].name) == 0)
            return kinds[i].kind;
    }
    return FOLLOWER_NONE;
}

static bool is_number(const pass *p, int value)
{
    const mx_tensor *t = tensor_of(p, value);
    return mx_tensor_has_shape(t) && mx_tensor_count(t) == 1;
}

/* --- element by element ------------------------------------------------------------ */

/* A gate of x: N or 1, C, and ones; or N or 1, one channel, and the positions. */
static bool is_channel_gate(const mx_tensor *g, const mx_tensor *x)
{
    return g->rank == x->rank && g->rank == 4 && g->dims[1] == x->dims[1] &&
           g->dims[1] > 0 && g->dims[2] == 1 && g->dims[3] == 1 &&
           (g->dims[0] == 1 || g->dims[0] == x->dims[0]);
}

static bool is_position_gate(const mx_tensor *g, const mx_tensor *x)
{
    return g->rank == x->rank && g->rank == 4 && g->dims[1] == 1 && g->dims[2] > 0 &&
           g->dims[3] > 0 && g->dims[2] == x->dims[2] && g->dims[3] == x->dims[3] &&
           (g->dims[0] == 1 || g->dims[0] == x->dims[0]);
}

static mexpr_status follow_gate(
    pass *p, const mx_node *node, int x, int a, int b, bool *done)
{
    change c = {.op = "GateProductLast", .n_inputs = 3, .inputs = {p->last[x], a, b}};
    mexpr_status status = need_first(p, a);
    if (status == MEXPR_OK)
        status = need_first(p, b);
    *done = true;
    return status == MEXPR_OK ? emit_changed(p, node, &c) : status;
}

static mexpr_status follow_binary(pass *p, const mx_node *node, bool *done)
{
    const int rank = tensor_of(p, node->outputs[0])->rank;
    change c = {.n_inputs = node->n_inputs};
    if (node->n_inputs != 2 || node->inputs[0] == node->inputs[1])
        return MEXPR_OK;
    for (int k = 0; k < 2 && strcmp(node->op->name, "Mul") == 0; k++) {
        const int x = node->inputs[k], gate = node->inputs[1 - k];
        if (!is_last(p, x) || is_last(p, gate))
            continue;
        if (is_channel_gate(tensor_of(p, gate), tensor_of(p, x)))
            return follow_gate(p, node, x, gate, -1, done);
        if (is_position_gate(tensor_of(p, gate), tensor_of(p, x)))
            return follow_gate(p, node, x, -1, gate, done);
    }
    for (int k = 0; k < 2; k++) {
        if (tensor_of(p, node->inputs[k])->rank != rank && !is_number(p, node->inputs[k]))
            return MEXPR_OK;
    }
    *done = true;
    for (int k = 0; k < 2; k++) {
        const int value = node->inputs[k];
        c.inputs[k] = value;
        if (is_number(p, value) && !is_last(p, value))
            continue;
        const mexpr_status status = need_last(p, value);
        if (status != MEXPR_OK)
            return status;
        c.inputs[k] = p->last[value];
    }
    return emit_changed(p, node, &c);
}

static mexpr_status follow_unary(pass *p, const mx_node *node, bool *done)
{
    change c = {.n_inputs = node->n_inputs};
    for (int k = 1; k < node->n_inputs && k < MAX_INPUTS; k++)
        c.inputs[k] = node->inputs[k];
    c.inputs[0] = p->last[node->inputs[0]];
    *done = true;
    return emit_changed(p, node, &c);
}

static mexpr_status follow_concat(pass *p, const mx_node *node, bool *done)
{
    const int rank = tensor_of(p, node->outputs[0])->rank;
    int64_t axis = mx_attr_int(node, "axis", 0);
    axis += axis < 0 ? rank : 0;
    change c = {.n_inputs = node->n_inputs};
    if (axis != 1 || node->n_inputs > MAX_INPUTS)
        return MEXPR_OK;
    mx_attribute *a = mx_arena_raw(p->scope, &p->graph->arena, 1, sizeof *a);
    if (!a)
        return MEXPR_E_NOMEM;
    *a = *mx_attr(node, "axis");
    a->i = rank - 1;
    for (int k = 0; k < node->n_inputs; k++) {
        const mexpr_status status = need_last(p, node->inputs[k]);
        if (status != MEXPR_OK)
            return status;
        c.inputs[k] = p->last[node->inputs[k]];
    }
    mx_node moved = *node;
    moved.n_attributes = 1;
    moved.attributes = a;
    *done = true;
    return emit_changed(p, &moved, &c);
}

/* --- pools and gates --------------------------------------------------------------- */

static mexpr_status follow_pool(pass *p, const mx_node *node, bool *done)
{
    const bool is_max = node->op->name[0] == 'M';
    const change c = {.op = is_max ? "MaxPoolLast" : "AveragePoolLast",
        .n_inputs = 1,
        .inputs = {p->last[node->inputs[0]]}};
    if (node->n_outputs != 1)
        return MEXPR_OK;
    *done = true;
    return emit_changed(p, node, &c);
}

static mexpr_status follow_global(pass *p, const mx_node *node, bool *done)
{
    const change c = {.op = "GlobalMeanMaxLast",
        .n_inputs = 1,
        .inputs = {p->last[node->inputs[0]]},
        .keeps_outputs = true};
    mx_node moved = *node;
    int outputs[2] = {-1, node->outputs[0]};
    if (strcmp(node->op->name, "GlobalMaxPool") == 0) {
        moved.n_outputs = 2;
        moved.outputs = outputs;
    }
    *done = true;
    return emit_changed(p, &moved, &c);
}

static mexpr_status follow_mean_max(pass *p, const mx_node *node, bool *done)
{
    const int gate = input_of(node, 1);
    const change c = {.op = "MeanMaxLast",
        .n_inputs = 2,
        .inputs = {p->last[node->inputs[0]], gate},
        .keeps_outputs = true};
    if (tensor_of(p, node->inputs[0])->rank != 4)
        return MEXPR_OK;
    *done = true;
    const mexpr_status status = need_first(p, gate);
    return status == MEXPR_OK ? emit_changed(p, node, &c) : status;
}

static mexpr_status follow_product(pass *p, const mx_node *node, bool *done)
{
    return follow_gate(
        p, node, node->inputs[0], input_of(node, 1), input_of(node, 2), done);
}

/* Gates by what they are for: channels and columns, channels and lines, positions. */
static mexpr_status follow_sum(pass *p, const mx_node *node, bool *done)
{
    const mx_tensor *x = tensor_of(p, node->inputs[0]);
    change c = {.op = "GateSumLast", .n_inputs = 4, .inputs = {-1, -1, -1, -1}};
    for (int k = 1; k < node->n_inputs; k++) {
        const int value = node->inputs[k];
        if (value < 0)
            continue;
        const mx_tensor *g = tensor_of(p, value);
        const bool channels = g->dims[1] == x->dims[1];
        const bool lines = g->dims[2] == x->dims[2], columns = g->dims[3] == x->dims[3];
        const int at = channels && columns && g->dims[2] == 1             ? 1
                       : channels && lines && g->dims[3] == 1             ? 2
                       : g->dims[1] == 1 && lines && columns && !channels ? 3
                                                                          : 0;
        if (at == 0 || c.inputs[at] >= 0)
            return MEXPR_OK;
        c.inputs[at] = value;
    }
    *done = true;
    for (int at = 1; at < 4; at++) {
        const mexpr_status status = need_first(p, c.inputs[at]);
        if (status != MEXPR_OK)
            return status;
    }
    c.inputs[0] = p->last[node->inputs[0]];
    return emit_changed(p, node, &c);
}

/* --- all nodes --------------------------------------------------------------------- */

/* *done: the node has been emitted with channels last. */
static mexpr_status follow(pass *p, const mx_node *node, bool *done)
{
    const follower kind = kind_of(node);
    bool any = false;
    for (int k = 0; k < node->n_inputs; k++)
        any = any || is_last(p, node->inputs[k]);
    const bool several = kind == FOLLOWER_BINARY || kind == FOLLOWER_CONCAT;
    if (!any || kind == FOLLOWER_NONE || (!several && !is_last(p, node->inputs[0])))
        return MEXPR_OK;
    switch (kind) {
    case FOLLOWER_UNARY:
        return follow_unary(p, node, done);
    case FOLLOWER_BINARY:
        return follow_binary(p, node, done);
    case FOLLOWER_CONCAT:
        return follow_concat(p, node, done);
    case FOLLOWER_POOL:
        return follow_pool(p, node, done);
    case FOLLOWER_GLOBAL:
        return follow_global(p, node, done);
    case FOLLOWER_MEAN_MAX:
        return follow_mean_max(p, node, done);
    case FOLLOWER_GATE_SUM:
        return follow_sum(p, node, done);
    case FOLLOWER_GATE_PRODUCT:
        return follow_product(p, node, done);
    default:
        return MEXPR_OK;
    }
}

static mexpr_status move_node(pass *p, int index)
{
    /* A copy: the graph's array of nodes moves when it grows. */
    const mx_node node = p->graph->nodes[index];
    bool done = false;
    conv c;
    const bool has_work = node.n_outputs > 0 && node.outputs[0] >= 0 &&
                          !tensor_of(p, node.outputs[0])->data;
    if (has_work && strcmp(node.op->name, "Conv") == 0 && read_conv(p, &node, &c))
        return move_conv(p, &c);
    mexpr_status status = has_work ? follow(p, &node, &done) : MEXPR_OK;
    for (int k = 0; status == MEXPR_OK && !done && k < node.n_inputs; k++)
        status = need_first(p, node.inputs[k]);
    if (status == MEXPR_OK && !done)
        p->out[p->n_out++] = index;
    return status;
}

/* As many as each node and output of the model can ask for. */
static size_t room_for(const mx_graph *graph, const int *order, int n)
{
    size_t room = (size_t)n + (size_t)graph->n_outputs;
    for (int i = 0; i < n; i++)
        room += (size_t)graph->nodes[order[i]].n_inputs;
    return room;
}

static void count_uses(pass *p, const int *order, int n)
{
    const mx_graph *graph = p->graph;
    for (int i = 0; i < graph->n_outputs; i++)
        p->n_uses[graph->outputs[i].value]++;
    for (int i = 0; i < n; i++) {
        const mx_node *node = &graph->nodes[order[i]];
        for (int k = 0; k < node->n_inputs; k++) {
            if (node->inputs[k] >= 0)
                p->n_uses[node->inputs[k]]++;
        }
    }
}

mexpr_status mx_layout(
    mx_scope *scope, mx_graph *graph, mx_arena *arena, int **order, int *n)
{
    pass p = {
        .scope = scope, .graph = graph, .arena = arena, .n_values = graph->n_values};
    if (!(graph->rewrites & MEXPR_REWRITE_LAYOUT))
        return MEXPR_OK;
    mx_machine machine;
    mx_machine_init(&machine, mexpr_context_cpu(graph->context));
    p.cols = machine.conv.cols;
    p.last = mx_arena_raw(scope, arena, (size_t)graph->n_values, sizeof *p.last);
    p.has_first =
        mx_arena_raw(scope, arena, (size_t)graph->n_values, sizeof *p.has_first);
    p.n_uses = mx_arena_alloc(scope, arena, (size_t)graph->n_values, sizeof *p.n_uses);
    p.out = mx_arena_raw(scope, arena, room_for(graph, *order, *n), sizeof *p.out);
    if (!p.last || !p.has_first || !p.n_uses || !p.out)
        return MEXPR_E_NOMEM;
    count_uses(&p, *order, *n);
    for (int i = 0; i < graph->n_values; i++) {
        p.last[i] = -1;
        p.has_first[i] = true;
    }
    mexpr_status status = MEXPR_OK;
    for (int i = 0; status == MEXPR_OK && i < *n; i++)
        status = move_node(&p, (*order)[i]);
    for (int i = 0; status == MEXPR_OK && i < graph->n_outputs; i++)
        status = need_first(&p, graph->outputs[i].value);
    *order = p.out;
    *n = p.n_out;
    return status;
}
