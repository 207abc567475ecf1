/* SPDX-License-Identifier: MIT */
/* One number in, one out: dx = dy f'(x), by x or by y = f(x). At points without a
 * derivative these are PyTorch's choices. */
#include <math.h>
#include <string.h>

#include "train/back_tables.h"

enum { PIECE = 256 };

static void give(const mx_back_run *run, size_t n, size_t at, const float *slopes)
{
    const float *g = run->output_gradients[0] + at;
    float *out = run->gradients[0] + at;
    if (run->adds & 1)
        run->machine->nn.mul_add(n, g, slopes, out);
    else
        run->machine->nn.mul(n, g, slopes, out);
}

/* Slopes of elements at..at+n-1. */
typedef void slope_fn(const mx_back_run *run, size_t n, size_t at, float *slopes);

static mexpr_status by_pieces(const mx_back_run *run, slope_fn *fn)
{
    const size_t n = (size_t)mx_tensor_count(run->outputs[0]);
    float slopes[PIECE];
    for (size_t at = 0; at < n; at += PIECE) {
        const size_t left = n - at, size = left < PIECE ? left : PIECE;
        fn(run, size, at, slopes);
        give(run, size, at, slopes);
    }
    return MEXPR_OK;
}

/* Backward with a slope by x or y and two numbers a, b of the node. */
#define SLOPE(name, tensors, variable, first, second, expression)                        \
    static void name##_slopes(                                                           \
        const mx_back_run *run, size_t n, size_t at, float *slopes)                      \
    {                                                                                    \
        const float *in = (const float *)run->tensors[0]->data + at;                     \
        const float a = first, b = second;                                               \
        (void)a;                                                                         \
        (void)b;                                                                         \
        for (size_t i = 0; i < n; i++) {                                                 \
            const float variable = in[i];                                                \
            slopes[i] = (expression);                                                    \
        }                                                                                \
    }                                                                                    \
    static mexpr_status name(const mx_back_run *run)                                     \
    {                                                                                    \
        return by_pieces(run, name##_slopes);                                            \
    }
#define BY_X(name, first, second, expression)                                            \
    SLOPE(name, inputs, x, first, second, expression)
#define BY_Y(name, expression) SLOPE(name, outputs, y, 0, 0, expression)
#define ATTR(name, standard) mx_attr_float(run->node, name, standard)

BY_X(abs_backward, 0, 0, x > 0 ? 1.f : x < 0 ? -1.f : 0.f)
BY_X(cos_backward, 0, 0, -sinf(x))
BY_X(sin_backward, 0, 0, cosf(x))
BY_X(log_backward, 0, 0, 1 / x)
BY_X(softsign_backward, 0, 0, 1 / ((1 + fabsf(x)) * (1 + fabsf(x))))
BY_X(leaky_relu_backward, ATTR("alpha", 0.01f), 0, x > 0 ? 1 : a)
BY_X(hard_sigmoid_backward, ATTR("alpha", 0.2f), ATTR("beta", 0.5f),
    a *x + b > 0 && a * x + b < 1 ? a : 0)
BY_X(hard_swish_backward, 0, 0, x <= -3 ? 0 : x < 3 ? x / 3 + 0.5f : 1)
BY_X(threshold_backward, ATTR("alpha", 1), 0, x > a ? 1.f : 0.f)
BY_X(shrink_backward, ATTR("lambd", 0.5f), 0, x<-a || x> a ? 1.f : 0.f)
BY_Y(sigmoid_backward, y *(1 - y))
BY_Y(tanh_backward, 1 - y * y)
BY_Y(exp_backward, y)
BY_Y(sqrt_backward, 0.5f / y)
BY_Y(reciprocal_backward, -y *y)

static mexpr_status relu_backward(const mx_back_run *run)
{
    const size_t n = (size_t)mx_tensor_count(run->outputs[0]);
    const float *y = run->outputs[0]->data, *g = run->output_gradients[0];
    float *out = run->gradients[0], part[PIECE];
    if (!(run->adds & 1)) {
        run->machine->train.gate(n, y, g, out);
        return MEXPR_OK;
    }
    for (size_t at = 0; at < n; at += PIECE) {
        const size_t size = n - at < PIECE ? n - at : PIECE;
        run->machine->train.gate(size, y + at, g + at, part);
        run->machine->nn.add(size, out + at, part, out + at);
    }
    return MEXPR_OK;
}

/* --- with exp inside --------------------------------------------------------------- */

static const float *input_at(const mx_back_run *run, size_t at)
{
    return (const float *)run->inputs[0]->data + at;
}

static void erf_slopes(const mx_back_run *run, size_t n, size_t at, float *slopes)
{
    const float *x = input_at(run, at);
    for (size_t i = 0; i < n; i++)
        slopes[i] = -x[i] * x[i];
    run->machine->nn.exp(n, slopes, slopes);
    run->machine->nn.mul_scalar(n, slopes, 1.12837916709551257390f, slopes);
}

static void softplus_slopes(const mx_back_run *run, size_t n, size_t at, float *slopes)
{
    run->machine->nn.sigmoid(n, input_at(run, at), slopes);
}

/* alpha exp(x / c) scale below 0, `scale` above. */
static void bent_slopes(const mx_back_run *run, size_t n, size_t at, float alpha,
    float scale, float c, float *slopes)
{
    const float *x = input_at(run, at);
    run->machine->nn.div_scalar(n, x, c, slopes);
    run->machine->nn.min_scalar(n, slopes, 0, slopes);
    run->machine->nn.exp(n, slopes, slopes);
    for (size_t i = 0; i < n; i++)
        slopes[i] = x[i] > 0 ? scale : scale * alpha * slopes[i];
}

static void elu_slopes(const mx_back_run *run, size_t n, size_t at, float *slopes)
{
    bent_slopes(run, n, at, ATTR("alpha", 1), 1, 1, slopes);
}

static void celu_slopes(const mx_back_run *run, size_t n, size_t at, float *slopes)
{
    bent_slopes(run, n, at, 1, 1, ATTR("alpha", 1), slopes);
}

static void selu_slopes(const mx_back_run *run, size_t n, size_t at, float *slopes)
{
    bent_slopes(run, n, at, ATTR("alpha", 1.67326319217681884765625f),
        ATTR("gamma", 1.05070102214813232421875f), 1, slopes);
}

/* y = x t(x), t = tanh(log(1 + e)) = n / (n + 2), n = e (e + 2): dy = t + x e (1 - t²) /
 * (1 + e). */
static void mish_slopes(const mx_back_run *run, size_t n, size_t at, float *slopes)
{
    const float *x = input_at(run, at);
    run->machine->nn.min_scalar(n, x, 20, slopes);
    run->machine->nn.exp(n, slopes, slopes);
    for (size_t i = 0; i < n; i++) {
        const float e = slopes[i], part = e * (e + 2), t = part / (part + 2);
        slopes[i] = t + x[i] * (e / (1 + e)) * (1 - t * t);
    }
}

/* dy = F(x) + x f(x) with the normal distribution F and its density f. */
static void gelu_slopes(const mx_back_run *run, size_t n, size_t at, float *slopes)
{
    const mx_nn_kernels *nn = &run->machine->nn;
    const float *x = input_at(run, at);
    float bell[PIECE];
    nn->mul(n, x, x, bell);
    nn->mul_scalar(n, bell, -0.5f, bell);
    nn->exp(n, bell, bell);
    nn->mul_scalar(n, x, 0.70710678118654752440f, slopes);
    nn->erf(n, slopes, slopes);
    for (size_t i = 0; i < n; i++)
        slopes[i] = 0.5f * (1 + slopes[i]) + 0.39894228040143267794f * x[i] * bell[i];
}

/* y = x/2 (1 + t), t = tanh(c (x + d x³)). */
static void gelu_tanh_slopes(const mx_back_run *run, size_t n, size_t at, float *slopes)
{
    static const float c = 0.79788456080286535588f, d = 0.044715f;
    const float *x = input_at(run, at);
    for (size_t i = 0; i < n; i++)
        slopes[i] = c * (x[i] + d * x[i] * x[i] * x[i]);
    run->machine->nn.tanh(n, slopes, slopes);
    for (size_t i = 0; i < n; i++) {
        const float t = slopes[i], inner = c * (1 + 3 * d * x[i] * x[i]);
        slopes[i] = 0.5f * (1 + t) + 0.5f * x[i] * (1 - t * t) * inner;
    }
}

#define PIECES(name)                                                                     \
    static mexpr_status name##_backward(const mx_back_run *run)                          \
    {                                                                                    \
        return by_pieces(run, name##_slopes);                                            \
    }

PIECES(erf)
PIECES(softplus)
PIECES(elu)
PIECES(celu)
PIECES(selu)
PIECES(mish)

static mexpr_status gelu_backward(const mx_back_run *run)
{
    const bool is_tanh =
        strcmp(mx_attr_string(run->node, "approximate", "none"), "tanh") == 0;
    return by_pieces(run, is_tanh ? gelu_tanh_slopes : gelu_slopes);
}

/* --- the rest ---------------------------------------------------------------------- */

static float bound(const mx_back_run *run, int k, float standard)
{
    return k < run->n_inputs && run->inputs[k] ? *(const float *)run->inputs[k]->data
                                               : standard;
}

BY_X(clip_backward, bound(run, 1, -INFINITY), bound(run, 2, INFINITY),
    x >= a && x <= b ? 1.f : 0.f)

static void neg_slopes(const mx_back_run *run, size_t n, size_t at, float *slopes)
{
    (void)run;
    (void)at;
    for (size_t i = 0; i < n; i++)
        slopes[i] = -1;
}

PIECES(neg)

/* Steps: flat everywhere. */
static mexpr_status step_backward(const mx_back_run *run)
{
    if (!(run->adds & 1))
        memset(run->gradients[0], 0, mx_tensor_bytes(run->outputs[0]));
    return MEXPR_OK;
}

#define ROW(op, fn, in, out)                                                             \
    {                                                                                    \
        .name = op, .backward = fn, .reads_inputs = in, .reads_outputs = out,            \
        .flags = MX_BACK_IN_PLACE                                                        \
    }
#define ROW_X(op, fn) ROW(op, fn, MX_INPUT_BIT(0), 0)
#define ROW_Y(op, fn) ROW(op, fn, 0, MX_INPUT_BIT(0))

const mx_back_op mx_back_activation_ops[] = {
    ROW_X("Abs", abs_backward),
    ROW("Ceil", step_backward, 0, 0),
    ROW_X("Celu", celu_backward),
    {.name = "Clip",
        .backward = clip_backward,
        .reads_inputs = MX_INPUT_BIT(0) | MX_INPUT_BIT(1) | MX_INPUT_BIT(2),
        .no_gradient = MX_INPUT_BIT(1) | MX_INPUT_BIT(2),
        .flags = MX_BACK_IN_PLACE},
    ROW_X("Cos", cos_backward),
    ROW_X("Elu", elu_backward),
    ROW_X("Erf", erf_backward),
    ROW_Y("Exp", exp_backward),
    ROW("Floor", step_backward, 0, 0),
    ROW_X("Gelu", gelu_backward),
    ROW_X("HardSigmoid", hard_sigmoid_backward),
    ROW_X("HardSwish", hard_swish_backward),
    ROW_X("LeakyRelu", leaky_relu_backward),
    ROW_X("Log", log_backward),
    ROW_X("Mish", mish_backward),
    ROW("Neg", neg_backward, 0, 0),
    ROW_Y("Reciprocal", reciprocal_backward),
    ROW_Y("Relu", relu_backward),
    ROW("Round", step_backward, 0, 0),
    ROW_X("Selu", selu_backward),
    ROW_X("Shrink", shrink_backward),
    ROW_Y("Sigmoid", sigmoid_backward),
    ROW("Sign", step_backward, 0, 0),
    ROW_X("Sin", sin_backward),
    ROW_X("Softplus", softplus_backward),
    ROW_X("Softsign", softsign_backward),
    ROW_Y("Sqrt", sqrt_backward),
    ROW_Y("Tanh", tanh_backward),
    ROW_X("ThresholdedRelu", threshold_backward),
    {.name = NULL},
};
