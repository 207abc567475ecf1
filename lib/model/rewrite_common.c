/* SPDX-License-Identifier: MIT */
/* Common subexpressions (Cocke 1970): of nodes that compute the same, the first does.
 * They are found in a hash table of operator, inputs and attributes. */
#include <string.h>

#include "model/rewrite.h"

/* Constants up to this size are the same when their numbers are. */
enum { SMALL_CONSTANT = 64 };

static bool is_small(const mx_tensor *t)
{
    return t->data && mx_tensor_bytes(t) <= SMALL_CONSTANT;
}

static bool is_same_tensor(const mx_tensor *a, const mx_tensor *b)
{
    return a->dtype == b->dtype && mx_same_shape(a, b) &&
           memcmp(a->data, b->data, mx_tensor_bytes(a)) == 0;
}

static bool is_same_input(const mx_rewriter *r, int a, int b)
{
    if (a == b || a < 0 || b < 0)
        return a == b;
    const mx_tensor *s = mx_rw_tensor(r, a), *t = mx_rw_tensor(r, b);
    return is_small(s) && is_small(t) && is_same_tensor(s, t);
}

static bool is_same_attribute(const mx_attribute *a, const mx_attribute *b)
{
    if (strcmp(a->name, b->name) != 0 || a->kind != b->kind)
        return false;
    switch (a->kind) {
    case MX_ATTRIBUTE_INT:
        return a->i == b->i;
    case MX_ATTRIBUTE_FLOAT:
        return memcmp(&a->f, &b->f, sizeof a->f) == 0;
    case MX_ATTRIBUTE_STRING:
        return strcmp(a->s, b->s) == 0;
    case MX_ATTRIBUTE_TENSOR:
        return is_same_tensor(&a->t, &b->t);
    case MX_ATTRIBUTE_INTS:
        return a->n == b->n && memcmp(a->ints, b->ints, a->n * sizeof *a->ints) == 0;
    case MX_ATTRIBUTE_FLOATS:
        return a->n == b->n &&
               memcmp(a->floats, b->floats, a->n * sizeof *a->floats) == 0;
    case MX_ATTRIBUTE_STRINGS:
        break;
    }
    return false;
}

static bool is_same_node(const mx_rewriter *r, const mx_node *a, const mx_node *b)
{
    if (a->op != b->op || a->opset != b->opset || a->fusion || b->fusion ||
        a->n_inputs != b->n_inputs || a->n_outputs != b->n_outputs ||
        a->n_attributes != b->n_attributes)
        return false;
    for (int k = 0; k < a->n_inputs; k++) {
        if (!is_same_input(r, mx_rw_input(r, a, k), mx_rw_input(r, b, k)))
            return false;
    }
    for (size_t i = 0; i < a->n_attributes; i++) {
        if (!is_same_attribute(&a->attributes[i], &b->attributes[i]))
            return false;
    }
    return true;
}

/* FNV-1a. */
static uint64_t hash_bytes(uint64_t h, const void *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        h = (h ^ ((const unsigned char *)bytes)[i]) * 1099511628211u;
    return h;
}

static uint64_t hash_node(const mx_rewriter *r, const mx_node *node)
{
    uint64_t h =
        hash_bytes(14695981039346656037u, node->op->name, strlen(node->op->name));
    for (int k = 0; k < node->n_inputs; k++) {
        const int value = mx_rw_input(r, node, k);
        const mx_tensor *t = value >= 0 ? mx_rw_tensor(r, value) : NULL;
        h = t && is_small(t) ? hash_bytes(h, t->data, mx_tensor_bytes(t))
                             : hash_bytes(h, &value, sizeof value);
    }
    return h;
}

/* Every output that the later one makes is made by the first, and none is the model's. */
static bool can_stand_in(const mx_rewriter *r, const mx_node *first, const mx_node *later)
{
    for (int k = 0; k < later->n_outputs; k++) {
        const int value = later->outputs[k];
        if (value >= 0 && (first->outputs[k] < 0 || r->graph->values[value].is_output))
            return false;
    }
    return true;
}

mexpr_status mx_rule_common(mx_rewriter *r, int place)
{
    const mx_node *node = mx_rw_node(r, place);
    if (node->n_inputs == 0 || node->op->flags & MX_OP_DYNAMIC)
        return MEXPR_OK;
    size_t slot = (size_t)hash_node(r, node) & (r->seen_size - 1);
    for (; r->seen[slot] != 0; slot = (slot + 1) & (r->seen_size - 1)) {
        const int first = r->seen[slot] - 1;
        if (r->order[first] < 0 || !is_same_node(r, mx_rw_node(r, first), node))
            continue;
        if (!can_stand_in(r, mx_rw_node(r, first), node))
            return MEXPR_OK;
        for (int k = 0; k < node->n_outputs; k++) {
            if (node->outputs[k] >= 0)
                mx_rw_stand_in(r, node->outputs[k], mx_rw_node(r, first)->outputs[k]);
        }
        mx_rw_drop_unused(r, place);
        mx_rw_count(r, MEXPR_REWRITE_COMMON);
        return MEXPR_OK;
    }
    r->seen[slot] = place + 1;
    return MEXPR_OK;
}
