/* SPDX-License-Identifier: MIT */
/* Functions of one tensor that exporters write out in parts. */
#include "model/rewrite.h"

/* --- parts ------------------------------------------------------------------------- */

/* The other operand where one of an inner Mul's, Add's, ... is near `number`, -1: none.
 */
static int other_than(const mx_rewriter *r, int value, const char *op, double number)
{
    const mx_node *node = value >= 0 ? mx_rw_inner(r, value, op) : NULL;
    for (int k = 0; node && k < 2; k++) {
        if (mx_rw_near(r, mx_rw_input(r, node, k), number))
            return mx_rw_input(r, node, 1 - k);
    }
    return -1;
}

/* x of value = x * number, however it is written. */
static int times(const mx_rewriter *r, int value, double number)
{
    const mx_node *div = value >= 0 ? mx_rw_inner(r, value, "Div") : NULL;
    if (div && mx_rw_near(r, mx_rw_input(r, div, 1), 1 / number))
        return mx_rw_input(r, div, 0);
    return other_than(r, value, "Mul", number);
}

/* Input 0 of an inner node of that kind, -1: it is another. */
static int argument(const mx_rewriter *r, int value, const char *op)
{
    const mx_node *node = value >= 0 ? mx_rw_inner(r, value, op) : NULL;
    return node ? mx_rw_input(r, node, 0) : -1;
}

/* A product taken apart: factors that are no constants, and the constants' product. */
typedef struct product {
    int n;
    int factors[3];
    double constant;
} product;

static void add_factor(const mx_rewriter *r, product *p, int value, int depth);

static void add_factors(const mx_rewriter *r, product *p, const mx_node *node, int depth)
{
    float number;
    if (mx_rw_is(node, "Mul")) {
        add_factor(r, p, mx_rw_input(r, node, 0), depth);
        add_factor(r, p, mx_rw_input(r, node, 1), depth);
    } else if (mx_rw_number(r, mx_rw_input(r, node, 1), &number)) {
        add_factor(r, p, mx_rw_input(r, node, 0), depth);
        p->constant /= (double)number;
    } else {
        p->n = 3;
    }
}

static void add_factor(const mx_rewriter *r, product *p, int value, int depth)
{
    float number;
    const mx_node *mul = mx_rw_inner(r, value, "Mul");
    const mx_node *div = mx_rw_inner(r, value, "Div");
    const bool is_scaled = div && mx_rw_number(r, mx_rw_input(r, div, 1), &number);
    if (mx_rw_number(r, value, &number))
        p->constant *= (double)number;
    else if (depth > 0 && (mul || is_scaled))
        add_factors(r, p, mul ? mul : div, depth - 1);
    else if (p->n < 3)
        p->factors[p->n++] = value;
}

static bool is_near(double a, double b)
{
    return a > b * (1 - 1e-6) && a < b * (1 + 1e-6);
}

/* --- functions --------------------------------------------------------------------- */

/* 1 + erf(x / sqrt 2). */
static bool is_erf_part(const mx_rewriter *r, int value, int x)
{
    const int erf = other_than(r, value, "Add", 1);
    return times(r, argument(r, erf, "Erf"), 0.70710678118654752) == x;
}

static bool is_cube(const mx_rewriter *r, int value, int x)
{
    const mx_node *pow = value >= 0 ? mx_rw_inner(r, value, "Pow") : NULL;
    const mx_node *mul = value >= 0 ? mx_rw_inner(r, value, "Mul") : NULL;
    if (pow)
        return mx_rw_input(r, pow, 0) == x && mx_rw_near(r, mx_rw_input(r, pow, 1), 3);
    for (int k = 0; mul && k < 2; k++) {
        const mx_node *square = mx_rw_inner(r, mx_rw_input(r, mul, k), "Mul");
        if (mx_rw_input(r, mul, 1 - k) == x && square && mx_rw_input(r, square, 0) == x &&
            mx_rw_input(r, square, 1) == x)
            return true;
    }
    return false;
}

/* 1 + tanh(sqrt(2/pi) * (x + 0.044715 x^3)). */
static bool is_tanh_part(const mx_rewriter *r, int value, int x)
{
    const int tanh = other_than(r, value, "Add", 1);
    const int sum = times(r, argument(r, tanh, "Tanh"), 0.79788456080286536);
    const mx_node *add = sum >= 0 ? mx_rw_inner(r, sum, "Add") : NULL;
    for (int k = 0; add && k < 2; k++) {
        if (mx_rw_input(r, add, k) == x &&
            is_cube(r, times(r, mx_rw_input(r, add, 1 - k), 0.044715), x))
            return true;
    }
    return false;
}

/* clip(x + 3, 0, 6). */
static bool is_clip_part(const mx_rewriter *r, int value, int x)
{
    const mx_node *clip = mx_rw_inner(r, value, "Clip");
    float low, high;
    return clip && mx_rw_number(r, mx_rw_input(r, clip, 1), &low) && low == 0 &&
           mx_rw_number(r, mx_rw_input(r, clip, 2), &high) && high == 6 &&
           other_than(r, mx_rw_input(r, clip, 0), "Add", 3) == x;
}

static bool is_hard_sigmoid(const mx_rewriter *r, int value, int x)
{
    const mx_node *node = mx_rw_inner(r, value, "HardSigmoid");
    return node && mx_rw_input(r, node, 0) == x &&
           is_near((double)mx_attr_float(node, "alpha", 0.2f), 1.0 / 6) &&
           mx_attr_float(node, "beta", 0.5f) == 0.5f;
}

/* The function that x times `factor` times the constant is. */
static const mx_operator *recognise(
    const mx_rewriter *r, double constant, int x, int factor, bool *is_tanh)
{
    const mx_operator *op = NULL;
    *is_tanh = is_near(constant, 0.5) && is_tanh_part(r, factor, x);
    if (is_near(constant, 1) && argument(r, factor, "Sigmoid") == x)
        return mx_fused_operator("SiLU");
    if (*is_tanh || (is_near(constant, 0.5) && is_erf_part(r, factor, x)))
        (void)!mx_operator_find(r->scope, "", "Gelu", 20, &op);
    else if ((is_near(constant, 1.0 / 6) && is_clip_part(r, factor, x)) ||
             (is_near(constant, 1) && is_hard_sigmoid(r, factor, x)))
        (void)!mx_operator_find(r->scope, "", "HardSwish", 14, &op);
    return op;
}

mexpr_status mx_rule_function(mx_rewriter *r, int place)
{
    const mx_node *node = mx_rw_node(r, place);
    product p = {0, {-1, -1, -1}, 1};
    bool is_tanh = false;
    if (!mx_rw_is(node, "Mul") && !mx_rw_is(node, "Div"))
        return MEXPR_OK;
    if (mx_rw_tensor(r, node->outputs[0])->dtype != MEXPR_DTYPE_F32)
        return MEXPR_OK;
    add_factors(r, &p, node, 2);
    for (int k = 0; p.n == 2 && k < 2; k++) {
        const int x = p.factors[k];
        const mx_operator *op = recognise(r, p.constant, x, p.factors[1 - k], &is_tanh);
        if (!op)
            continue;
        const mx_attribute form = {
            .name = "approximate", .kind = MX_ATTRIBUTE_STRING, .s = "tanh"};
        const mx_rw_new new = {
            op, 1, {x}, 1, {node->outputs[0]}, is_tanh ? 1 : 0, &form, NULL};
        mx_rw_count(r, MEXPR_REWRITE_FUNCTION);
        return mx_rw_replace(r, place, &new);
    }
    return MEXPR_OK;
}

/* --- normalisation over an axis ---------------------------------------------------- */

/* x of value = x - mean(x) over one axis, -1: it is something else. */
static int centred(const mx_rewriter *r, int value, int *axis)
{
    const mx_node *sub = value >= 0 ? mx_rw_maker(r, value, "Sub") : NULL;
    if (!sub)
        return -1;
    const int x = mx_rw_input(r, sub, 0);
    const mx_node *mean = mx_rw_maker(r, mx_rw_input(r, sub, 1), "ReduceMean");
    if (!mean || mx_rw_input(r, mean, 0) != x)
        return -1;
    *axis = mx_rw_axis(r, mean);
    return *axis >= 0 ? x : -1;
}

/* Whether value = mean((x - mean(x))^2) over that axis. */
static bool is_variance(const mx_rewriter *r, int value, int x, int axis)
{
    const mx_node *mean = value >= 0 ? mx_rw_inner(r, value, "ReduceMean") : NULL;
    if (!mean || mx_rw_axis(r, mean) != axis)
        return false;
    const int square = mx_rw_input(r, mean, 0);
    const mx_node *pow = mx_rw_inner(r, square, "Pow");
    const mx_node *mul = mx_rw_inner(r, square, "Mul");
    const mx_node *node = pow ? pow : mul;
    int other = -1;
    if (!node || (pow && !mx_rw_near(r, mx_rw_input(r, pow, 1), 2)) ||
        (mul && mx_rw_input(r, mul, 0) != mx_rw_input(r, mul, 1)))
        return false;
    return centred(r, mx_rw_input(r, node, 0), &other) == x && other == axis;
}

/* The number added in value = number + rest. */
static bool sum_with(const mx_rewriter *r, int value, float *number, int *rest)
{
    const mx_node *add = value >= 0 ? mx_rw_inner(r, value, "Add") : NULL;
    for (int k = 0; add && k < 2; k++) {
        *rest = mx_rw_input(r, add, 1 - k);
        if (mx_rw_number(r, mx_rw_input(r, add, k), number))
            return true;
    }
    return false;
}

/* sqrt(variance + epsilon), or sqrt(variance) + epsilon. */
static bool is_deviation(
    const mx_rewriter *r, int value, int x, int axis, mx_fusion *fusion)
{
    int rest = -1;
    fusion->epsilon_outside = sum_with(r, value, &fusion->a, &rest);
    if (fusion->epsilon_outside)
        return is_variance(r, argument(r, rest, "Sqrt"), x, axis);
    return sum_with(r, argument(r, value, "Sqrt"), &fusion->a, &rest) &&
           is_variance(r, rest, x, axis);
}

static mexpr_status find_norm(mx_rewriter *r, int place, const mx_node *node)
{
    mx_fusion fusion = {0};
    const int x = centred(r, mx_rw_input(r, node, 0), &fusion.axis);
    if (x < 0 || mx_rw_tensor(r, x)->dtype != MEXPR_DTYPE_F32 ||
        !is_deviation(r, mx_rw_input(r, node, 1), x, fusion.axis, &fusion))
        return MEXPR_OK;
    const mx_rw_new new = {mx_fused_operator("AxisNorm"), 3, {x, -1, -1}, 1,
        {node->outputs[0]}, 0, NULL, &fusion};
    mx_rw_count(r, MEXPR_REWRITE_FUNCTION);
    return mx_rw_replace(r, place, &new);
}

/* A constant with one number for each element of the axis, and nothing else. */
static bool is_along(const mx_rewriter *r, int value, const mx_tensor *x, int axis)
{
    const mx_tensor *t = mx_rw_tensor(r, value);
    const int shift = x->rank - t->rank;
    if (!t->data || t->dtype != MEXPR_DTYPE_F32 || shift < 0 || axis < shift ||
        t->dims[axis - shift] != x->dims[axis])
        return false;
    return mx_tensor_count(t) == x->dims[axis];
}

/* A scale or shift behind the normalisation becomes its input. */
static mexpr_status join_norm(mx_rewriter *r, int place, const mx_node *node, int input)
{
    for (int k = 0; k < 2; k++) {
        const mx_node *norm = mx_rw_inner(r, mx_rw_input(r, node, k), "AxisNorm");
        const int vector = mx_rw_input(r, node, 1 - k);
        if (!norm || norm->inputs[2] >= 0 || norm->inputs[input] >= 0 ||
            !is_along(r, vector, mx_rw_tensor(r, norm->outputs[0]), norm->fusion->axis))
            continue;
        mx_rw_new new = {norm->op, 3, {mx_rw_input(r, norm, 0), norm->inputs[1], -1}, 1,
            {node->outputs[0]}, 0, NULL, norm->fusion};
        new.inputs[input] = vector;
        const int before = r->maker[norm->outputs[0]];
        const mexpr_status status = mx_rw_replace(r, place, &new);
        mx_rw_drop_unused(r, before);
        return status;
    }
    return MEXPR_OK;
}

mexpr_status mx_rule_norm(mx_rewriter *r, int place)
{
    const mx_node *node = mx_rw_node(r, place);
    if (mx_rw_is(node, "Div"))
        return find_norm(r, place, node);
    if (mx_rw_is(node, "Mul"))
        return join_norm(r, place, node, 1);
    if (mx_rw_is(node, "Add"))
        return join_norm(r, place, node, 2);
    return MEXPR_OK;
}
