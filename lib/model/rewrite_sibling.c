/* SPDX-License-Identifier: MIT */
/* Convolutions of one input that only differ in their weights and end side by side become
 * one, also with pools of one kind between them and their joining. */
#include <string.h>

#include "model/rewrite.h"

enum { MAX_SIBLINGS = 16 };

/* What is joined: one convolution for each input of the Concat. */
typedef struct siblings {
    int n;
    const mx_node *convs[MAX_SIBLINGS];
    const mx_node *pool; /* of the first, NULL: none */
    int64_t channels;    /* of all together */
} siblings;

static bool same_attribute(const mx_attribute *a, const mx_attribute *b)
{
    if (!b || a->kind != b->kind || a->n != b->n)
        return false;
    if (a->kind == MX_ATTRIBUTE_INTS)
        return a->n == 0 || memcmp(a->ints, b->ints, a->n * sizeof *a->ints) == 0;
    return a->kind == MX_ATTRIBUTE_INT      ? a->i == b->i
           : a->kind == MX_ATTRIBUTE_STRING ? strcmp(a->s, b->s) == 0
                                            : false;
}

static bool same_attributes(const mx_node *a, const mx_node *b)
{
    for (size_t i = 0; i < a->n_attributes; i++) {
        if (!same_attribute(&a->attributes[i], mx_attr(b, a->attributes[i].name)))
            return false;
    }
    return a->n_attributes == b->n_attributes;
}

static bool same_activation(const mx_fusion *a, const mx_fusion *b)
{
    static const mx_fusion none = {0};
    a = a ? a : &none;
    b = b ? b : &none;
    return a->activation == b->activation && !(a->a < b->a) && !(a->a > b->a) &&
           !(a->b < b->b) && !(a->b > b->b);
}

/* A constant of as many numbers as there are outputs; or nothing, as in the first. */
static bool fits_vector(
    const mx_rewriter *r, const mx_node *conv, const mx_node *first, int k, int64_t n)
{
    const int value = mx_rw_input(r, conv, k);
    if ((value >= 0) != (mx_rw_input(r, first, k) >= 0))
        return false;
    const mx_tensor *t = value >= 0 ? mx_rw_tensor(r, value) : NULL;
    return !t || (t->data && t->dtype == MEXPR_DTYPE_F32 && mx_tensor_count(t) == n);
}

static bool is_sibling(const mx_rewriter *r, const mx_node *conv, const mx_node *first)
{
    const mx_tensor *w = mx_rw_tensor(r, mx_rw_input(r, conv, 1));
    const mx_tensor *v = mx_rw_tensor(r, mx_rw_input(r, first, 1));
    if (!w->data || !v->data || w->dtype != MEXPR_DTYPE_F32 || w->rank != v->rank ||
        w->rank < 3 || mx_attr_int(conv, "group", 1) != 1 ||
        mx_rw_input(r, conv, 0) != mx_rw_input(r, first, 0) ||
        mx_rw_input(r, conv, MX_EPILOGUE_RESIDUAL) >= 0)
        return false;
    for (int i = 1; i < w->rank; i++) {
        if (w->dims[i] != v->dims[i])
            return false;
    }
    for (int k = 2; k < MX_EPILOGUE_INPUTS; k++) {
        if (!fits_vector(r, conv, first, k, w->dims[0]))
            return false;
    }
    return same_attributes(conv, first) && same_activation(conv->fusion, first->fusion);
}

static const mx_node *pool_of(const mx_rewriter *r, int value)
{
    const mx_node *max = mx_rw_inner(r, value, "MaxPool");
    const mx_node *pool = max ? max : mx_rw_inner(r, value, "AveragePool");
    return pool && pool->n_outputs == 1 ? pool : NULL;
}

static bool find_siblings(const mx_rewriter *r, const mx_node *concat, siblings *s)
{
    *s = (siblings){.n = concat->n_inputs};
    if (s->n < 2 || s->n > MAX_SIBLINGS)
        return false;
    for (int i = 0; i < s->n; i++) {
        const int value = mx_rw_input(r, concat, i);
        const mx_node *pool = pool_of(r, value);
        s->convs[i] = mx_rw_inner(r, pool ? mx_rw_input(r, pool, 0) : value, "Conv");
        if (i == 0)
            s->pool = pool;
        if (!s->convs[i] || !pool != !s->pool || !is_sibling(r, s->convs[i], s->convs[0]))
            return false;
        if (pool && (pool->op != s->pool->op || !same_attributes(pool, s->pool)))
            return false;
        s->channels += mx_rw_tensor(r, mx_rw_input(r, s->convs[i], 1))->dims[0];
    }
    return true;
}

/* Input k of all convolutions, one behind the other. */
static mexpr_status join_input(mx_rewriter *r, const siblings *s, int k, int *value)
{
    const int first = mx_rw_input(r, s->convs[0], k);
    *value = -1;
    if (first < 0)
        return MEXPR_OK;
    mx_tensor joined = *mx_rw_tensor(r, first);
    joined.dims[0] = s->channels;
    uint8_t *to = mx_alloc(r->scope, (size_t)mx_tensor_count(&joined), sizeof(float));
    if (!to)
        return MEXPR_E_NOMEM;
    joined.data = to;
    for (int i = 0; i < s->n; i++) {
        const mx_tensor *part = mx_rw_tensor(r, mx_rw_input(r, s->convs[i], k));
        memcpy(to, part->data, mx_tensor_bytes(part));
        to += mx_tensor_bytes(part);
    }
    return mx_rw_value(r, &joined, value);
}

/* A value like that of a node, with all channels. */
static mexpr_status joined_value(mx_rewriter *r, const siblings *s, int *value)
{
    const int like = s->convs[0]->outputs[0];
    mx_tensor t = *mx_rw_tensor(r, like);
    t.dims[1] = s->channels;
    const mexpr_status status = mx_rw_value(r, &t, value);
    if (status == MEXPR_OK && *value >= 0)
        r->source[*value] = r->source[like];
    return status;
}

mexpr_status mx_rule_sibling(mx_rewriter *r, int place)
{
    const mx_node *node = mx_rw_node(r, place);
    siblings s;
    if (!mx_rw_is(node, "Concat") || mx_attr_int(node, "axis", 0) != 1 ||
        !find_siblings(r, node, &s))
        return MEXPR_OK;
    const int output = node->outputs[0];
    mx_rw_new conv = {s.convs[0]->op, MX_EPILOGUE_INPUTS, {0}, 1, {output},
        s.convs[0]->n_attributes, s.convs[0]->attributes, s.convs[0]->fusion};
    conv.inputs[0] = mx_rw_input(r, s.convs[0], 0);
    mexpr_status status = MEXPR_OK;
    for (int k = 1; status == MEXPR_OK && k < MX_EPILOGUE_INPUTS; k++) {
        status = join_input(r, &s, k, &conv.inputs[k]);
        if (status == MEXPR_OK && conv.inputs[k] < 0 &&
            mx_rw_input(r, s.convs[0], k) >= 0)
            return MEXPR_OK;
    }
    if (status != MEXPR_OK || !s.pool)
        return status == MEXPR_OK ? mx_rw_replace(r, place, &conv) : status;
    status = joined_value(r, &s, &conv.outputs[0]);
    if (status != MEXPR_OK || conv.outputs[0] < 0)
        return status;
    const mx_rw_new pool = {s.pool->op, 1, {conv.outputs[0]}, 1, {output},
        s.pool->n_attributes, s.pool->attributes, NULL};
    /* The pool of the last branch makes room for the convolution, behind all of their
     * input. */
    const int before = r->maker[mx_rw_input(r, node, s.n - 1)];
    status = mx_rw_replace(r, place, &pool);
    return status == MEXPR_OK ? mx_rw_replace(r, before, &conv) : status;
}
