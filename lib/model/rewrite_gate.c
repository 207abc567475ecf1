/* SPDX-License-Identifier: MIT */
/* Gates of attention: SE (Hu et al. 2018), CBAM (Woo et al. 2018), triplet (Misra et al.
 * 2021). Their reductions and products go over the large tensor as few times as possible,
 * and it is never transposed. */
#include "model/rewrite.h"

/* --- mean and maximum over one axis, side by side ---------------------------------- */

static bool is_reduction(const mx_node *node, bool *is_max)
{
    *is_max = node && mx_rw_is(node, "ReduceMax");
    return *is_max || (node && mx_rw_is(node, "ReduceMean"));
}

mexpr_status mx_rule_mean_max(mx_rewriter *r, int place)
{
    const mx_node *node = mx_rw_node(r, place), *part[2];
    bool is_max[2];
    if (!mx_rw_is(node, "Concat") || node->n_inputs != 2)
        return MEXPR_OK;
    for (int k = 0; k < 2; k++) {
        const int value = mx_rw_input(r, node, k);
        part[k] = mx_rw_inner(r, value, "ReduceMax");
        part[k] = part[k] ? part[k] : mx_rw_inner(r, value, "ReduceMean");
        if (!part[k] || !is_reduction(part[k], &is_max[k]))
            return MEXPR_OK;
    }
    int x = mx_rw_input(r, part[0], 0);
    const int rank = mx_rw_tensor(r, x)->rank;
    mx_fusion f = {.axis = mx_rw_axis(r, part[0]), .rank = rank, .max_first = is_max[0]};
    int64_t axis = mx_attr_int(node, "axis", 0);
    axis += axis < 0 ? rank : 0;
    if (is_max[0] == is_max[1] || mx_rw_input(r, part[1], 0) != x || f.axis != axis ||
        mx_rw_axis(r, part[1]) != axis || mx_rw_tensor(r, x)->dtype != MEXPR_DTYPE_F32)
        return MEXPR_OK;
    for (int i = 0; i < rank; i++)
        f.perm[i] = i;
    const mx_node *transpose = mx_rw_maker(r, x, "Transpose");
    int same;
    if (transpose && mx_rw_perm(r, transpose, &same, f.perm))
        x = mx_rw_input(r, transpose, 0);
    const mx_rw_new new = {
        mx_fused_operator("MeanMax"), 2, {x, -1}, 1, {node->outputs[0]}, 0, NULL, &f};
    mx_rw_count(r, MEXPR_REWRITE_GATE);
    return mx_rw_replace(r, place, &new);
}

/* --- a gate between two transpositions --------------------------------------------- */

/* transpose(transpose(x) * gate) is x * transpose(gate). */
mexpr_status mx_rule_gate_transpose(mx_rewriter *r, int place)
{
    const mx_node *node = mx_rw_node(r, place);
    if (!mx_rw_is(node, "Transpose"))
        return MEXPR_OK;
    const int product = mx_rw_input(r, node, 0);
    const mx_node *mul = mx_rw_inner(r, product, "Mul");
    int rank, p[MEXPR_MAX_RANK], q[MEXPR_MAX_RANK];
    if (!mul || !mx_rw_perm(r, node, &rank, q))
        return MEXPR_OK;
    const mx_node *first = mx_rw_maker(r, mx_rw_input(r, mul, 0), "Transpose");
    const int gate = mx_rw_input(r, mul, 1);
    if (!first || !mx_rw_perm(r, first, &rank, p) ||
        mx_rw_tensor(r, gate)->rank != rank || !mx_rw_maker(r, gate, "Sigmoid") ||
        mx_rw_tensor(r, gate)->dtype != MEXPR_DTYPE_F32)
        return MEXPR_OK;
    mx_tensor turned = *mx_rw_tensor(r, gate);
    int64_t perm[MEXPR_MAX_RANK];
    for (int i = 0; i < rank; i++) {
        if (p[q[i]] != i)
            return MEXPR_OK;
        perm[i] = q[i];
        turned.dims[i] = mx_rw_tensor(r, gate)->dims[q[i]];
    }
    int value;
    mexpr_status status = mx_rw_value(r, &turned, &value);
    if (status != MEXPR_OK || value < 0)
        return status;
    if (q[0] == 0)
        r->source[value] = r->source[gate];
    const mx_attribute a = {
        .name = "perm", .kind = MX_ATTRIBUTE_INTS, .n = (size_t)rank, .ints = perm};
    const mx_rw_new turn = {node->op, 1, {gate}, 1, {value}, 1, &a, NULL};
    const mx_rw_new times = {mul->op, 2, {mx_rw_input(r, first, 0), value}, 1,
        {node->outputs[0]}, 0, NULL, NULL};
    const int before = r->maker[product];
    status = mx_rw_replace(r, place, &times);
    if (status == MEXPR_OK)
        status = mx_rw_replace(r, before, &turn);
    mx_rw_count(r, MEXPR_REWRITE_GATE);
    return status;
}

/* --- several gates of one tensor --------------------------------------------------- */

static bool is_gate_value(const mx_rewriter *r, int value)
{
    const mx_node *turned = mx_rw_maker(r, value, "Transpose");
    return mx_rw_maker(r, turned ? mx_rw_input(r, turned, 0) : value, "Sigmoid") != NULL;
}

/* Whether a gate only repeats along dimensions of x. */
static bool is_gate_of(const mx_rewriter *r, int gate, int x)
{
    const mx_tensor *g = mx_rw_tensor(r, gate), *t = mx_rw_tensor(r, x);
    if (t->rank != 4 || g->rank != 4 || t->dtype != MEXPR_DTYPE_F32)
        return false;
    for (int i = 0; i < 4; i++) {
        const bool free_alike =
            i == 0 && r->source[gate] >= 0 && r->source[gate] == r->source[x];
        if (g->dims[i] != 1 &&
            (g->dims[i] != t->dims[i] || (g->dims[i] < 0 && !free_alike)))
            return false;
    }
    return is_gate_value(r, gate);
}

/* x and the gates of x * gate, or of a sum of such that is one node by now. */
static int gates_of(const mx_rewriter *r, int value, int *x, int *gates)
{
    const mx_node *sum = mx_rw_inner(r, value, "GateSum");
    const mx_node *mul = mx_rw_inner(r, value, "Mul");
    if (sum && sum->fusion->factor == 1) {
        *x = mx_rw_input(r, sum, 0);
        gates[0] = mx_rw_input(r, sum, 1);
        gates[1] = mx_rw_input(r, sum, 2);
        gates[2] = mx_rw_input(r, sum, 3);
        return gates[2] < 0 ? 2 : 3;
    }
    for (int k = 0; mul && k < 2; k++) {
        *x = mx_rw_input(r, mul, k);
        gates[0] = mx_rw_input(r, mul, 1 - k);
        if (is_gate_of(r, gates[0], *x))
            return 1;
    }
    return 0;
}

/* Two sums over the same x become one. */
static mexpr_status add_gates(mx_rewriter *r, int place, const mx_node *node)
{
    int x[2], gates[2][3], n[2];
    for (int k = 0; k < 2; k++)
        n[k] = gates_of(r, mx_rw_input(r, node, k), &x[k], gates[k]);
    if (!n[0] || !n[1] || n[0] + n[1] > 3 || x[0] != x[1])
        return MEXPR_OK;
    const mx_fusion f = {.factor = 1};
    mx_rw_new new = {mx_fused_operator("GateSum"), 4, {x[0], -1, -1, -1}, 1,
        {node->outputs[0]}, 0, NULL, &f};
    for (int i = 0; i < n[0]; i++)
        new.inputs[1 + i] = gates[0][i];
    for (int i = 0; i < n[1]; i++)
        new.inputs[1 + n[0] + i] = gates[1][i];
    const int before[2] = {
        r->maker[mx_rw_input(r, node, 0)], r->maker[mx_rw_input(r, node, 1)]};
    const mexpr_status status = mx_rw_replace(r, place, &new);
    mx_rw_drop_unused(r, before[0]);
    mx_rw_drop_unused(r, before[1]);
    mx_rw_count(r, MEXPR_REWRITE_GATE);
    return status;
}

/* A number behind the sum: the mean of gates. */
static mexpr_status scale_gates(mx_rewriter *r, int place, const mx_node *node)
{
    const bool is_div = mx_rw_is(node, "Div");
    for (int k = 0; k < (is_div ? 1 : 2); k++) {
        const mx_node *sum = mx_rw_inner(r, mx_rw_input(r, node, k), "GateSum");
        float number;
        if (!sum || sum->fusion->factor != 1 ||
            !mx_rw_number(r, mx_rw_input(r, node, 1 - k), &number))
            continue;
        const mx_fusion f = {.factor = is_div ? 1 / number : number};
        mx_rw_new new = {sum->op, 4, {0}, 1, {node->outputs[0]}, 0, NULL, &f};
        for (int i = 0; i < 4; i++)
            new.inputs[i] = mx_rw_input(r, sum, i);
        const int before = r->maker[sum->outputs[0]];
        const mexpr_status status = mx_rw_replace(r, place, &new);
        mx_rw_drop_unused(r, before);
        return status;
    }
    return MEXPR_OK;
}

mexpr_status mx_rule_gate_sum(mx_rewriter *r, int place)
{
    const mx_node *node = mx_rw_node(r, place);
    if (mx_rw_is(node, "Add"))
        return add_gates(r, place, node);
    if (mx_rw_is(node, "Mul") || mx_rw_is(node, "Div"))
        return scale_gates(r, place, node);
    return MEXPR_OK;
}

/* --- CBAM -------------------------------------------------------------------------- */

/* x * a for channels a, its mean and maximum over channels, and the product with a gate b
 * made from these: x * a is not kept, for making it twice is cheaper than storing it. */
mexpr_status mx_rule_cbam(mx_rewriter *r, int place)
{
    const mx_node *node = mx_rw_node(r, place);
    if (!mx_rw_is(node, "Mul"))
        return MEXPR_OK;
    for (int k = 0; k < 2; k++) {
        const int scaled = mx_rw_input(r, node, k), b = mx_rw_input(r, node, 1 - k);
        const mx_node *mul = mx_rw_maker(r, scaled, "Mul");
        const mx_node *sigmoid = mx_rw_maker(r, b, "Sigmoid");
        const mx_node *conv =
            sigmoid ? mx_rw_maker(r, mx_rw_input(r, sigmoid, 0), "Conv") : NULL;
        const int stats = conv ? mx_rw_input(r, conv, 0) : -1;
        const mx_node *mean_max = mx_rw_inner(r, stats, "MeanMax");
        if (!mul || r->uses[scaled] != 2 || !mean_max || mean_max->fusion->axis != 1 ||
            mx_rw_input(r, mean_max, 0) != scaled || mx_rw_input(r, mean_max, 1) >= 0 ||
            mean_max->fusion->perm[1] != 1 || !is_gate_of(r, b, scaled))
            continue;
        const int swap = is_gate_of(r, mx_rw_input(r, mul, 0), mx_rw_input(r, mul, 1));
        const int x = mx_rw_input(r, mul, swap), a = mx_rw_input(r, mul, 1 - swap);
        const mx_tensor *s = mx_rw_tensor(r, a), *t = mx_rw_tensor(r, b);
        if (!is_gate_of(r, a, x) || s->dims[2] != 1 || s->dims[3] != 1 ||
            s->dims[1] != mx_rw_tensor(r, x)->dims[1] || t->dims[1] != 1 ||
            s->dims[0] != mx_rw_tensor(r, x)->dims[0] || t->dims[0] != s->dims[0] ||
            t->dims[2] != mx_rw_tensor(r, x)->dims[2] ||
            t->dims[3] != mx_rw_tensor(r, x)->dims[3])
            continue;
        const int before = r->maker[stats];
        const mx_rw_new first = {
            mean_max->op, 2, {x, a}, 1, {stats}, 0, NULL, mean_max->fusion};
        const mx_rw_new second = {mx_fused_operator("GateProduct"), 3, {x, a, b}, 1,
            {node->outputs[0]}, 0, NULL, NULL};
        mexpr_status status = mx_rw_replace(r, before, &first);
        if (status == MEXPR_OK)
            status = mx_rw_replace(r, place, &second);
        mx_rw_count(r, MEXPR_REWRITE_GATE);
        return status;
    }
    return MEXPR_OK;
}

/* --- global mean and maximum ------------------------------------------------------- */

enum { MAX_DISTANCE = 64 };

/* A window over all of a plane, without padding: one result for each plane. */
static bool covers_plane(const mx_rewriter *r, const mx_node *node)
{
    const mx_tensor *in = mx_rw_tensor(r, mx_rw_input(r, node, 0));
    const mx_attribute *kernel = mx_attr(node, "kernel_shape");
    const mx_attribute *pads = mx_attr(node, "pads"),
                       *dilations = mx_attr(node, "dilations");
    const mx_tensor *out = mx_rw_tensor(r, node->outputs[0]);
    if (node->n_outputs != 1 || !kernel || kernel->n != 2 || in->rank != 4 ||
        out->rank != 4 || mx_attr(node, "auto_pad"))
        return false;
    for (int i = 0; i < 2; i++) {
        if (kernel->ints[i] != in->dims[2 + i] || out->dims[2 + i] != 1 ||
            (dilations && dilations->ints[i] != 1))
            return false;
    }
    for (size_t i = 0; pads && i < pads->n; i++) {
        if (pads->ints[i] != 0)
            return false;
    }
    return true;
}

static bool is_global(const mx_rewriter *r, const mx_node *node, bool max)
{
    if (node->n_inputs < 1 || node->n_outputs < 1 || mx_rw_input(r, node, 0) < 0 ||
        mx_rw_tensor(r, mx_rw_input(r, node, 0))->dtype != MEXPR_DTYPE_F32)
        return false;
    if (max)
        return mx_rw_is(node, "GlobalMaxPool") ||
               (mx_rw_is(node, "MaxPool") && covers_plane(r, node));
    return mx_rw_is(node, "GlobalAveragePool");
}

mexpr_status mx_rule_global(mx_rewriter *r, int place)
{
    const mx_node *node = mx_rw_node(r, place);
    const bool max = is_global(r, node, true);
    if (!max && !is_global(r, node, false))
        return MEXPR_OK;
    const int x = mx_rw_input(r, node, 0);
    for (int at = place - 1; at >= 0 && at >= place - MAX_DISTANCE; at--) {
        const mx_node *other = r->order[at] >= 0 ? mx_rw_node(r, at) : NULL;
        if (!other || !is_global(r, other, !max) || mx_rw_input(r, other, 0) != x)
            continue;
        const mx_node *mean = max ? other : node, *maximum = max ? node : other;
        const mx_rw_new new = {mx_fused_operator("GlobalMeanMax"), 1, {x}, 2,
            {mean->outputs[0], maximum->outputs[0]}, 0, NULL, NULL};
        const mexpr_status status = mx_rw_replace(r, at, &new);
        mx_rw_drop_unused(r, place);
        mx_rw_count(r, MEXPR_REWRITE_GATE);
        return status;
    }
    return MEXPR_OK;
}
