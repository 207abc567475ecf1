/* SPDX-License-Identifier: MIT */
/* Nodes that change nothing, transpositions one behind the other, padding on its own, and
 * softmax over one element. */
#include <string.h>

#include "model/rewrite.h"

/* --- nothing ----------------------------------------------------------------------- */

/* At most one dimension is open; the rest fixes it where the elements are the same. */
static bool is_same_shape(const mx_tensor *a, const mx_tensor *b)
{
    int n_open = 0;
    if (a->rank < 0 || a->rank != b->rank)
        return false;
    for (int i = 0; i < a->rank; i++) {
        if (a->dims[i] != b->dims[i])
            return false;
        n_open += a->dims[i] < 0;
    }
    return n_open <= 1;
}

/* Constant padding as 2 × rank amounts; NULL when open or of another kind. */
static const int64_t *pad_amounts(const mx_rewriter *r, const mx_node *node)
{
    const int rank = mx_rw_tensor(r, mx_rw_input(r, node, 0))->rank;
    const int list = mx_rw_input(r, node, 1);
    if (list < 0 || rank < 0 || mx_rw_input(r, node, 3) >= 0)
        return NULL;
    const mx_tensor *t = mx_rw_tensor(r, list);
    const bool fits =
        t->data && t->dtype == MEXPR_DTYPE_I64 && mx_tensor_count(t) == 2 * rank;
    return fits ? t->data : NULL;
}

static bool pads_nothing(const mx_rewriter *r, const mx_node *node)
{
    const int64_t *amounts = pad_amounts(r, node);
    const int rank = mx_rw_tensor(r, mx_rw_input(r, node, 0))->rank;
    for (int i = 0; amounts && i < 2 * rank; i++) {
        if (amounts[i] != 0)
            return false;
    }
    return amounts != NULL;
}

static bool changes_nothing(const mx_rewriter *r, const mx_node *node)
{
    const int in = mx_rw_input(r, node, 0);
    if (in < 0 || mx_rw_tensor(r, in)->data)
        return false;
    if (mx_rw_is(node, "Identity"))
        return true;
    if (mx_rw_is(node, "Dropout"))
        return node->n_outputs < 2 || node->outputs[1] < 0 ||
               r->uses[node->outputs[1]] == 0;
    if (mx_rw_is(node, "Cast")) /* to a narrower float it rounds */
        return mx_attr_int(node, "to", 0) == mx_rw_tensor(r, in)->dtype;
    if (mx_rw_is(node, "Pad"))
        return pads_nothing(r, node);
    if (mx_rw_is(node, "Concat") || mx_rw_is(node, "Sum"))
        return node->n_inputs == 1;
    return node->op->flags & MX_OP_ALIAS &&
           mx_rw_tensor(r, in)->dtype == mx_rw_tensor(r, node->outputs[0])->dtype &&
           is_same_shape(mx_rw_tensor(r, in), mx_rw_tensor(r, node->outputs[0]));
}

mexpr_status mx_rule_no_op(mx_rewriter *r, int place)
{
    const mx_node *node = mx_rw_node(r, place);
    if (node->n_outputs > 0 && node->outputs[0] >= 0 && changes_nothing(r, node) &&
        mx_rw_forward(r, place, mx_rw_input(r, node, 0)))
        mx_rw_count(r, MEXPR_REWRITE_NO_OP);
    return MEXPR_OK;
}

/* --- Transpose --------------------------------------------------------------------- */

bool mx_rw_perm(const mx_rewriter *r, const mx_node *node, int *rank, int *perm)
{
    const mx_attribute *a = mx_attr(node, "perm");
    *rank = mx_rw_tensor(r, mx_rw_input(r, node, 0))->rank;
    if (*rank < 0 || (a && a->n != (size_t)*rank))
        return false;
    for (int i = 0; i < *rank; i++)
        perm[i] = a ? (int)a->ints[i] : *rank - 1 - i;
    return true;
}

mexpr_status mx_rule_transpose(mx_rewriter *r, int place)
{
    const mx_node *node = mx_rw_node(r, place);
    int rank, outer[MEXPR_MAX_RANK], inner[MEXPR_MAX_RANK];
    if (!mx_rw_is(node, "Transpose") || !mx_rw_perm(r, node, &rank, outer))
        return MEXPR_OK;
    int in = mx_rw_input(r, node, 0);
    const mx_node *first = mx_rw_maker(r, in, "Transpose");
    int64_t perm[MEXPR_MAX_RANK];
    bool same = true;
    const bool pair = first && mx_rw_perm(r, first, &rank, inner);
    for (int i = 0; i < rank; i++) {
        perm[i] = pair ? inner[outer[i]] : outer[i];
        same = same && perm[i] == i;
    }
    if (pair)
        in = mx_rw_input(r, first, 0);
    if (same) {
        if (mx_rw_forward(r, place, in))
            mx_rw_count(r, MEXPR_REWRITE_NO_OP);
        return MEXPR_OK;
    }
    if (!pair)
        return MEXPR_OK;
    const mx_attribute a = {
        .name = "perm", .kind = MX_ATTRIBUTE_INTS, .n = (size_t)rank, .ints = perm};
    const mx_rw_new new = {node->op, 1, {in}, 1, {node->outputs[0]}, 1, &a, NULL};
    mx_rw_count(r, MEXPR_REWRITE_NO_OP);
    return mx_rw_replace(r, place, &new);
}

/* --- Pad --------------------------------------------------------------------------- */

/* Zeros around the spatial dimensions alone. */
static const int64_t *spatial_zeros(const mx_rewriter *r, const mx_node *pad, int rank)
{
    const int64_t *amounts = pad_amounts(r, pad);
    const int value = mx_rw_input(r, pad, 2);
    float number = 0;
    if (strcmp(mx_attr_string(pad, "mode", "constant"), "constant") != 0 || !amounts)
        return NULL;
    if (value >= 0 && (!mx_rw_number(r, value, &number) || number != 0))
        return NULL;
    for (int i = 0; i < 2 * rank; i++) {
        if (amounts[i] < 0 || (i % rank < 2 && amounts[i] != 0))
            return NULL;
    }
    return amounts;
}

/* Whether a window takes padding over: its own must be stated, and an average must have
 * none, for then all of the padding counts. */
static bool takes_padding(const mx_node *node)
{
    const mx_attribute *own = mx_attr(node, "pads");
    if (strcmp(mx_attr_string(node, "auto_pad", "NOTSET"), "NOTSET") != 0)
        return false;
    if (mx_rw_is(node, "Conv"))
        return true;
    for (size_t i = 0; own && i < own->n; i++) {
        if (own->ints[i] != 0)
            return false;
    }
    return mx_rw_is(node, "AveragePool") && mx_attr_int(node, "ceil_mode", 0) == 0;
}

enum { MAX_WINDOW_ATTRIBUTES = 12 };

mexpr_status mx_rule_pad(mx_rewriter *r, int place)
{
    const mx_node *node = mx_rw_node(r, place);
    const int in = mx_rw_input(r, node, 0);
    const mx_node *pad = in >= 0 ? mx_rw_inner(r, in, "Pad") : NULL;
    const int rank = pad ? mx_rw_tensor(r, in)->rank : 0;
    if (!pad || rank < 3 || rank > 5 || !takes_padding(node) ||
        node->n_attributes + 2 > MAX_WINDOW_ATTRIBUTES ||
        node->n_inputs > MX_EPILOGUE_INPUTS)
        return MEXPR_OK;
    const int64_t *amounts = spatial_zeros(r, pad, rank);
    if (!amounts)
        return MEXPR_OK;
    const mx_attribute *own = mx_attr(node, "pads");
    const int n = rank - 2;
    int64_t pads[6];
    for (int i = 0; i < 2 * n; i++)
        pads[i] = amounts[i < n ? 2 + i : rank + 2 + (i - n)] + (own ? own->ints[i] : 0);
    mx_attribute list[MAX_WINDOW_ATTRIBUTES];
    mx_rw_new new = {node->op, node->n_inputs, {0}, 1, {node->outputs[0]}, 0, list, NULL};
    for (size_t i = 0; i < node->n_attributes; i++) {
        const mx_attribute *a = &node->attributes[i];
        if (strcmp(a->name, "pads") != 0 && strcmp(a->name, "count_include_pad") != 0)
            list[new.n_attributes++] = *a;
    }
    list[new.n_attributes++] = (mx_attribute){
        .name = "pads", .kind = MX_ATTRIBUTE_INTS, .n = 2 * (size_t)n, .ints = pads};
    if (mx_rw_is(node, "AveragePool"))
        list[new.n_attributes++] =
            (mx_attribute){.name = "count_include_pad", .kind = MX_ATTRIBUTE_INT, .i = 1};
    for (int k = 0; k < node->n_inputs; k++)
        new.inputs[k] = mx_rw_input(r, node, k);
    new.inputs[0] = mx_rw_input(r, pad, 0);
    mx_rw_count(r, MEXPR_REWRITE_PAD);
    return mx_rw_replace(r, place, &new);
}

/* --- Softmax ----------------------------------------------------------------------- */

/* What it was computed from is dropped when a plan is made: only its shape counts. */
mexpr_status mx_rule_softmax_one(mx_rewriter *r, int place)
{
    const mx_node *node = mx_rw_node(r, place);
    if (!mx_rw_is(node, "Softmax"))
        return MEXPR_OK;
    const int in = mx_rw_input(r, node, 0);
    const mx_tensor *t = mx_rw_tensor(r, in);
    const bool flat = node->opset < 13; /* from the axis on is one */
    int64_t axis = mx_attr_int(node, "axis", flat ? 1 : -1);
    axis += axis < 0 ? t->rank : 0;
    if (axis < 0 || axis >= t->rank)
        return MEXPR_OK;
    for (int i = (int)axis; i < (flat ? t->rank : (int)axis + 1); i++) {
        if (t->dims[i] != 1)
            return MEXPR_OK;
    }
    const mx_rw_new new = {
        mx_fused_operator("Ones"), 1, {in}, 1, {node->outputs[0]}, 0, NULL, NULL};
    mx_rw_count(r, MEXPR_REWRITE_SOFTMAX_ONE);
    return mx_rw_replace(r, place, &new);
}
