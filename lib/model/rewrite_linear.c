/* SPDX-License-Identifier: MIT */
/* Linear layers: what leads from one to the next without changing the elements goes,
 * outputs that nobody needs are not computed, two with nothing between become one, and
 * convolutions of one position become plain products. */
#include <string.h>

#include "model/rewrite.h"

/* --- elements that stay in their order --------------------------------------------- */

mexpr_status mx_rule_turn(mx_rewriter *r, int place)
{
    const mx_node *node = mx_rw_node(r, place);
    mx_fusion f = {0};
    if (!mx_rw_is(node, "Transpose") || !mx_rw_perm(r, node, &f.rank, f.perm))
        return MEXPR_OK;
    const int in = mx_rw_input(r, node, 0);
    const mx_tensor *t = mx_rw_tensor(r, in);
    int last = -1;
    for (int i = 0; i < f.rank; i++) {
        if (t->dims[f.perm[i]] == 1)
            continue;
        if (f.perm[i] < last)
            return MEXPR_OK;
        last = f.perm[i];
    }
    if (t->dtype != MEXPR_DTYPE_F32)
        return MEXPR_OK;
    const mx_rw_new new = {
        mx_fused_operator("Turn"), 1, {in}, 1, {node->outputs[0]}, 0, NULL, &f};
    mx_rw_count(r, MEXPR_REWRITE_NO_OP);
    return mx_rw_replace(r, place, &new);
}

/* One open dimension at most, which the number of elements fixes. */
static bool ends_alike(const mx_tensor *a, const mx_tensor *b)
{
    int n_open = 0;
    if (a->rank < 0 || a->rank != b->rank || a->dtype != b->dtype)
        return false;
    for (int i = 0; i < a->rank; i++) {
        if (a->dims[i] != b->dims[i] || a->dims[i] == 0)
            return false;
        n_open += a->dims[i] < 0;
    }
    return n_open <= 1;
}

/* The node that makes a value, if it leaves the elements as they are. */
static const mx_node *alias_of(const mx_rewriter *r, int value)
{
    const int place = value >= 0 ? r->maker[value] : -1;
    if (place < 0 || r->order[place] < 0)
        return NULL;
    const mx_node *node = mx_rw_node(r, place);
    return node->op->flags & MX_OP_ALIAS && node->outputs[0] == value ? node : NULL;
}

mexpr_status mx_rule_alias(mx_rewriter *r, int place)
{
    const mx_node *node = mx_rw_node(r, place);
    if (!(node->op->flags & MX_OP_ALIAS) || node->outputs[0] < 0)
        return MEXPR_OK;
    const mx_tensor *out = mx_rw_tensor(r, node->outputs[0]);
    int value = mx_rw_input(r, node, 0), found = -1;
    for (;;) {
        if (value >= 0 && ends_alike(mx_rw_tensor(r, value), out))
            found = value;
        const mx_node *before = alias_of(r, value);
        if (!before)
            break;
        value = mx_rw_input(r, before, 0);
    }
    if (found >= 0 && mx_rw_forward(r, place, found))
        mx_rw_count(r, MEXPR_REWRITE_NO_OP);
    return MEXPR_OK;
}

/* A product of numbers with one 1 each. */
mexpr_status mx_rule_ones(mx_rewriter *r, int place)
{
    const mx_node *node = mx_rw_node(r, place);
    if (!mx_rw_is(node, "MatMul"))
        return MEXPR_OK;
    for (int k = 0; k < 2; k++) {
        const int ones = mx_rw_input(r, node, k), other = mx_rw_input(r, node, 1 - k);
        const mx_tensor *t = mx_rw_tensor(r, ones);
        if (!mx_rw_maker(r, ones, "Ones") || t->rank < 2 || t->dims[t->rank - 1] != 1 ||
            t->dims[t->rank - 2] != 1 || !mx_rw_same_shape(r, other, node->outputs[0]))
            continue;
        if (mx_rw_forward(r, place, other))
            mx_rw_count(r, MEXPR_REWRITE_SOFTMAX_ONE);
        break;
    }
    return MEXPR_OK;
}

/* --- layers ------------------------------------------------------------------------ */

/* y = W x + b for every row or position. */
typedef struct layer {
    const mx_node *node;
    int x, weights, bias; /* values; bias -1: none */
    const float *w, *b;   /* their data */
    int64_t out, in;      /* of one position, window included */
    bool is_conv,
        is_pointwise; /* pointwise: a window of one element, or no convolution */
    bool out_first;   /* weights are stored [out][in] */
} layer;

static bool read_conv(layer *l, const mx_tensor *w)
{
    const char *pad = mx_attr_string(l->node, "auto_pad", "NOTSET");
    if (w->rank < 3 || mx_attr_int(l->node, "group", 1) != 1)
        return false;
    l->is_conv = l->out_first = true;
    l->out = w->dims[0];
    l->in = mx_dims_product(w->dims, 1, w->rank);
    l->is_pointwise = l->in == w->dims[1] && mx_attr_all(l->node, "strides", 1) &&
                      mx_attr_all(l->node, "pads", 0) &&
                      (strcmp(pad, "NOTSET") == 0 || strcmp(pad, "VALID") == 0);
    return true;
}

static bool read_gemm(layer *l, const mx_tensor *w)
{
    if (w->rank != 2 || mx_attr_int(l->node, "transA", 0) != 0 ||
        mx_attr_float(l->node, "alpha", 1) != 1 || mx_attr_float(l->node, "beta", 1) != 1)
        return false;
    l->out_first = mx_attr_int(l->node, "transB", 0) != 0;
    l->out = w->dims[!l->out_first];
    l->in = w->dims[l->out_first];
    l->is_pointwise = true;
    return true;
}

/* Whether a node is a layer with constant weights and nothing joined to it yet. */
static bool read_layer(const mx_rewriter *r, const mx_node *node, layer *l)
{
    const bool is_matmul = mx_rw_is(node, "MatMul");
    *l = (layer){.node = node};
    if (!is_matmul && !mx_rw_is(node, "Conv") && !mx_rw_is(node, "Gemm"))
        return false;
    l->x = mx_rw_input(r, node, 0);
    l->weights = mx_rw_input(r, node, 1);
    l->bias = is_matmul ? -1 : mx_rw_input(r, node, 2);
    const mx_tensor *w = mx_rw_tensor(r, l->weights);
    const mx_tensor *b = l->bias >= 0 ? mx_rw_tensor(r, l->bias) : NULL;
    if (node->fusion || node->n_inputs > 3 || !w->data || w->dtype != MEXPR_DTYPE_F32 ||
        mx_tensor_count(w) == 0)
        return false;
    if (!(mx_rw_is(node, "Conv") ? read_conv(l, w) : read_gemm(l, w)))
        return false;
    if (b && (!b->data || b->rank != 1 || b->dims[0] != l->out))
        return false;
    l->w = w->data;
    l->b = b ? b->data : NULL;
    return true;
}

/* The same layer with other weights and bias. */
static mexpr_status replace_layer(
    mx_rewriter *r, int place, const layer *l, int x, int weights, int bias, int output)
{
    const mx_rw_new new = {l->node->op, bias >= 0 ? 3 : 2, {x, weights, bias}, 1,
        {output}, l->node->n_attributes, l->node->attributes, NULL};
    mx_rw_count(r, MEXPR_REWRITE_LINEAR);
    return mx_rw_replace(r, place, &new);
}

/* --- outputs that are cut out ------------------------------------------------------ */

static bool read_int(const mx_rewriter *r, const mx_node *node, int k, int64_t *number)
{
    const int value = mx_rw_input(r, node, k);
    const mx_tensor *t = value >= 0 ? mx_rw_tensor(r, value) : NULL;
    if (!t || !t->data || t->dtype != MEXPR_DTYPE_I64 || mx_tensor_count(t) != 1)
        return false;
    *number = *(const int64_t *)t->data;
    return true;
}

/* Where a Slice of that axis begins, -1: it is another kind. */
static int64_t slice_start(
    const mx_rewriter *r, const mx_node *node, const mx_tensor *in, int axis)
{
    int64_t start, own, step = 1;
    if (!read_int(r, node, 1, &start) || !read_int(r, node, 3, &own) ||
        (mx_rw_input(r, node, 4) >= 0 && !read_int(r, node, 4, &step)))
        return -1;
    start += start < 0 ? in->dims[axis] : 0;
    own += own < 0 ? in->rank : 0;
    return step == 1 && own == axis && start < in->dims[axis] ? start : -1;
}

/* The same for the only output of a Split that is needed; *output is which. */
static int64_t split_start(
    const mx_rewriter *r, const mx_node *node, const mx_tensor *in, int axis, int *output)
{
    int64_t own = mx_attr_int(node, "axis", 0), at = 0, start = -1;
    own += own < 0 ? in->rank : 0;
    for (int k = 0; own == axis && k < node->n_outputs; k++) {
        const int value = node->outputs[k];
        const mx_tensor *part = value >= 0 ? mx_rw_tensor(r, value) : NULL;
        if (!part || part->rank != in->rank || part->dims[axis] < 0)
            return -1;
        if (r->uses[value] > 0 && start >= 0)
            return -1;
        if (r->uses[value] > 0) {
            start = at;
            *output = value;
        }
        at += part->dims[axis];
    }
    return start;
}

/* Rows start..start + n - 1 of weights or a bias, in place. */
static mexpr_status cut_rows(
    mx_rewriter *r, int value, int64_t start, int64_t n, int *part)
{
    mx_tensor t = *mx_rw_tensor(r, value);
    const int64_t row = mx_dims_product(t.dims, 1, t.rank);
    t.dims[0] = n;
    t.data = (float *)t.data + start * row;
    return mx_rw_view(r, &t, value, part);
}

/* Only some outputs of a layer are needed: it makes only these. */
mexpr_status mx_rule_slice(mx_rewriter *r, int place)
{
    const mx_node *node = mx_rw_node(r, place);
    const bool is_split = mx_rw_is(node, "Split");
    if (!is_split && !mx_rw_is(node, "Slice"))
        return MEXPR_OK;
    const int in = mx_rw_input(r, node, 0);
    const mx_node *maker = mx_rw_inner(r, in, "Conv");
    maker = maker ? maker : mx_rw_inner(r, in, "Gemm");
    layer l;
    if (!maker || !read_layer(r, maker, &l) || !l.out_first)
        return MEXPR_OK;
    int output = node->outputs[0], weights, bias = -1;
    const mx_tensor *t = mx_rw_tensor(r, in);
    const int64_t start =
        is_split ? split_start(r, node, t, 1, &output) : slice_start(r, node, t, 1);
    const int64_t n = mx_rw_tensor(r, output)->dims[1];
    if (start < 0 || n < 1 || start + n > l.out || r->graph->values[output].is_output)
        return MEXPR_OK;
    mexpr_status status = cut_rows(r, l.weights, start, n, &weights);
    if (status == MEXPR_OK && weights >= 0 && l.bias >= 0)
        status = cut_rows(r, l.bias, start, n, &bias);
    if (status != MEXPR_OK || weights < 0 || (l.bias >= 0 && bias < 0))
        return status;
    const int before = r->maker[in];
    status = replace_layer(r, place, &l, l.x, weights, bias, output);
    mx_rw_drop_unused(r, before);
    return status;
}

/* --- two layers -------------------------------------------------------------------- */

/* Weights of second after first, [out][in], or [in][out] for MatMul. */
static mexpr_status multiply_weights(
    mx_rewriter *r, const layer *first, const layer *second, int *value)
{
    const int out = (int)second->out, in = (int)first->in, mid = (int)first->out;
    const bool turned = mx_rw_is(first->node, "MatMul");
    mx_tensor t = *mx_rw_tensor(r, second->weights);
    t.dims[turned] = out;
    t.dims[!turned] = in;
    t.data = mx_alloc(r->scope, (size_t)mx_tensor_count(&t), sizeof(float));
    if (!t.data)
        return MEXPR_E_NOMEM;
    if (turned)
        mx_sgemm(&r->machine->gemm, false, false, in, out, mid, 1, first->w, mid,
            second->w, out, 0, t.data, out);
    else
        mx_sgemm(&r->machine->gemm, !second->out_first, !first->out_first, out, in, mid,
            1, second->w, second->out_first ? mid : out, first->w,
            first->out_first ? in : mid, 0, t.data, in);
    return mx_rw_value(r, &t, value);
}

static mexpr_status multiply_bias(
    mx_rewriter *r, const layer *first, const layer *second, int *value)
{
    float *b;
    const int64_t by_out = second->out_first ? first->out : 1;
    const int64_t by_mid = second->out_first ? 1 : second->out;
    const mexpr_status status = mx_rw_vector(r, second->out, &b, value);
    for (int64_t i = 0; status == MEXPR_OK && *value >= 0 && i < second->out; i++) {
        double sum = second->b ? (double)second->b[i] : 0;
        for (int64_t k = 0; first->b && k < first->out; k++)
            sum += (double)second->w[i * by_out + k * by_mid] * (double)first->b[k];
        b[i] = (float)sum;
    }
    return status;
}

static double compose_work(const layer *first, const layer *second)
{
    return (double)first->in * (double)first->out * (double)second->out;
}

/* Weights are fewer then, and their product does not take longer than reading them. */
static bool is_worth_it(const mx_rewriter *r, const layer *first, const layer *second)
{
    enum { MOST = 1 << 14 };
    const int64_t mid = first->out;
    return compose_work(first, second) <= r->compose_work && first->in <= MOST &&
           second->out <= MOST && mid <= MOST &&
           first->in * second->out < mid * (first->in + second->out);
}

mexpr_status mx_rule_compose(mx_rewriter *r, int place)
{
    layer first, second;
    const mx_node *node = mx_rw_node(r, place);
    if (!read_layer(r, node, &second) || !second.is_pointwise)
        return MEXPR_OK;
    const mx_node *before = mx_rw_inner(r, second.x, node->op->name);
    if (!before || !read_layer(r, before, &first) || !first.is_pointwise ||
        first.out != second.in || !is_worth_it(r, &first, &second))
        return MEXPR_OK;
    int weights, bias = -1;
    r->compose_work -= compose_work(&first, &second);
    mexpr_status status = multiply_weights(r, &first, &second, &weights);
    if (status == MEXPR_OK && weights >= 0 && (first.b || second.b))
        status = multiply_bias(r, &first, &second, &bias);
    if (status != MEXPR_OK || weights < 0 || ((first.b || second.b) && bias < 0))
        return status;
    layer whole = second;
    static const mx_attribute transposed = {
        .name = "transB", .kind = MX_ATTRIBUTE_INT, .i = 1};
    mx_node changed = *second.node;
    if (mx_rw_is(node, "Gemm")) {
        changed.n_attributes = 1;
        changed.attributes = (mx_attribute *)(uintptr_t)&transposed;
        whole.node = &changed;
    }
    const int value = second.x;
    const int maker = r->maker[value];
    status =
        replace_layer(r, place, &whole, first.x, weights, bias, second.node->outputs[0]);
    mx_rw_drop_unused(r, maker);
    return status;
}

/* --- plain products ---------------------------------------------------------------- */

/* Whether the window is the whole input. */
static bool sees_all(const mx_rewriter *r, const layer *l)
{
    const mx_tensor *x = mx_rw_tensor(r, l->x), *w = mx_rw_tensor(r, l->weights);
    const char *pad = mx_attr_string(l->node, "auto_pad", "NOTSET");
    if (x->rank != w->rank || !mx_attr_all(l->node, "pads", 0) ||
        (strcmp(pad, "NOTSET") != 0 && strcmp(pad, "VALID") != 0))
        return false;
    for (int i = 2; i < x->rank; i++) {
        if (x->dims[i] != w->dims[i] ||
            (w->dims[i] > 1 && !mx_attr_all(l->node, "dilations", 1)))
            return false;
    }
    return true;
}

/* A convolution of one position, and a matrix product with constant weights, take
 * everything that may be joined to a Gemm. */
mexpr_status mx_rule_dense(mx_rewriter *r, int place)
{
    layer l;
    const mx_node *node = mx_rw_node(r, place);
    if (mx_rw_is(node, "Gemm") || !read_layer(r, node, &l) ||
        (l.is_conv ? !sees_all(r, &l) : mx_rw_tensor(r, l.x)->rank < 2))
        return MEXPR_OK;
    const mx_rw_new new = {mx_fused_operator(l.is_conv ? "Dense" : "Linear"), 3,
        {l.x, l.weights, l.bias}, 1, {node->outputs[0]}, 0, NULL, NULL};
    mx_rw_count(r, MEXPR_REWRITE_LINEAR);
    return mx_rw_replace(r, place, &new);
}
