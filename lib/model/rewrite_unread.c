/* SPDX-License-Identifier: MIT */
/* Lines and columns at the end of a convolution's outputs that no window of the pool
 * behind it comes to: padding less makes none of them. */
#include <string.h>

#include "model/rewrite.h"

enum { MAX_SPATIAL = 3, MAX_ATTRIBUTES = 12 };

static int64_t number_at(const mx_node *node, const char *name, int i, int64_t standard)
{
    const mx_attribute *a = mx_attr(node, name);
    return a && (size_t)i < a->n ? a->ints[i] : standard;
}

/* How many along dimension d of n, as far as padding makes them; `in` and `out` are what
 * the pool reads and makes. */
static int64_t unread(
    const mx_node *conv, const mx_node *pool, int d, int n, int64_t in, int64_t out)
{
    const int64_t most =
        number_at(conv, "pads", n + d, 0) / number_at(conv, "strides", d, 1);
    const int64_t window =
        (number_at(pool, "kernel_shape", d, 1) - 1) * number_at(pool, "dilations", d, 1) +
        1 - number_at(pool, "pads", d, 0);
    const int64_t past = in - (out - 1) * number_at(pool, "strides", d, 1) - window;
    if (in < 1 || out < 1 || most < 1 || past < 1 || past >= in)
        return 0;
    return past < most ? past : most;
}

static bool states_padding(const mx_node *node)
{
    return strcmp(mx_attr_string(node, "auto_pad", "NOTSET"), "NOTSET") == 0;
}

mexpr_status mx_rule_unread(mx_rewriter *r, int place)
{
    const mx_node *pool = mx_rw_node(r, place);
    const int in = mx_rw_input(r, pool, 0);
    const mx_node *conv = in >= 0 ? mx_rw_inner(r, in, "Conv") : NULL;
    if (!mx_rw_is(pool, "MaxPool") || pool->n_outputs != 1 || !conv ||
        !states_padding(conv) || !states_padding(pool) || !mx_attr(conv, "pads") ||
        mx_attr_int(pool, "ceil_mode", 0) != 0 ||
        mx_rw_input(r, conv, MX_EPILOGUE_RESIDUAL) >= 0 ||
        conv->n_attributes > MAX_ATTRIBUTES || conv->n_inputs > MX_EPILOGUE_INPUTS)
        return MEXPR_OK;
    mx_tensor read = *mx_rw_tensor(r, in);
    const mx_tensor *made = mx_rw_tensor(r, pool->outputs[0]);
    const int n = read.rank - 2;
    if (n < 1 || n > MAX_SPATIAL || made->rank != read.rank)
        return MEXPR_OK;
    int64_t pads[2 * MAX_SPATIAL], all = 0;
    for (int d = 0; d < n; d++) {
        const int64_t less =
            unread(conv, pool, d, n, read.dims[2 + d], made->dims[2 + d]);
        read.dims[2 + d] -= less;
        pads[d] = number_at(conv, "pads", d, 0);
        pads[n + d] =
            number_at(conv, "pads", n + d, 0) - less * number_at(conv, "strides", d, 1);
        all += less;
    }
    int value = -1;
    const mexpr_status status = all > 0 ? mx_rw_value(r, &read, &value) : MEXPR_OK;
    if (status != MEXPR_OK || value < 0)
        return status;
    mx_attribute list[MAX_ATTRIBUTES];
    mx_rw_new new = {conv->op, conv->n_inputs, {0}, 1, {value}, conv->n_attributes, list,
        conv->fusion};
    for (size_t i = 0; i < conv->n_attributes; i++) {
        list[i] = conv->attributes[i];
        if (strcmp(list[i].name, "pads") == 0)
            list[i].ints = pads;
    }
    for (int k = 0; k < conv->n_inputs; k++)
        new.inputs[k] = mx_rw_input(r, conv, k);
    r->source[value] = r->source[in];
    r->multiple[value] = r->multiple[in];
    mx_rw_count(r, MEXPR_REWRITE_PAD);
    const int before = r->maker[in];
    const mexpr_status set = mx_rw_set_input(r, place, 0, value);
    return set == MEXPR_OK ? mx_rw_replace(r, before, &new) : set;
}
