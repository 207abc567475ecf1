/* SPDX-License-Identifier: MIT */
/* One number in, one out. */
#include <math.h>
#include <string.h>

#include "model/op_tables.h"

/* Loops of the kernel table. */
#define KERNEL(name, slot)                                                               \
    static mexpr_status name(const mx_run *run)                                          \
    {                                                                                    \
        const size_t n = (size_t)mx_tensor_count(run->inputs[0]);                        \
        if (n > 0)                                                                       \
            run->machine->nn.slot(n, run->inputs[0]->data, run->outputs[0]->data);       \
        return MEXPR_OK;                                                                 \
    }

KERNEL(relu, relu)
KERNEL(sigmoid, sigmoid)
KERNEL(tanh_forward, tanh)
KERNEL(exp_forward, exp)
KERNEL(erf_forward, erf)
KERNEL(sqrt_forward, sqrt)
KERNEL(reciprocal, reciprocal)
KERNEL(hard_swish, hard_swish)
KERNEL(log_forward, log)
KERNEL(floor_forward, floor)
KERNEL(ceil_forward, ceil)
KERNEL(round_forward, round)
KERNEL(softsign, softsign)
KERNEL(neg_f32, neg)
KERNEL(abs_f32, abs)
KERNEL(sign_f32, sign)

/* Loops of libm or a short expression of x. */
#define PLAIN(name, expression)                                                          \
    static mexpr_status name(const mx_run *run)                                          \
    {                                                                                    \
        const int64_t n = mx_tensor_count(run->inputs[0]);                               \
        const float *in = run->inputs[0]->data;                                          \
        float *out = run->outputs[0]->data;                                              \
        for (int64_t i = 0; i < n; i++) {                                                \
            const float x = in[i];                                                       \
            out[i] = (expression);                                                       \
        }                                                                                \
        return MEXPR_OK;                                                                 \
    }

PLAIN(sin_forward, sinf(x))
PLAIN(cos_forward, cosf(x))

/* The same for every number type; `zero` is 0 of the type. */
#define LOOP(type, expression)                                                           \
    do {                                                                                 \
        const type *in = run->inputs[0]->data;                                           \
        type *out = run->outputs[0]->data;                                               \
        for (int64_t i = 0; i < n; i++) {                                                \
            const type x = in[i];                                                        \
            out[i] = (type)(expression);                                                 \
        }                                                                                \
    } while (0)

static mexpr_status neg(const mx_run *run)
{
    const int64_t n = mx_tensor_count(run->inputs[0]);
    if (run->inputs[0]->dtype == MEXPR_DTYPE_F32)
        return neg_f32(run);
    if (run->inputs[0]->dtype == MEXPR_DTYPE_I32)
        LOOP(int32_t, 0u - (uint32_t)x);
    else
        LOOP(int64_t, (uint64_t)0 - (uint64_t)x);
    return MEXPR_OK;
}

static mexpr_status abs_forward(const mx_run *run)
{
    const int64_t n = mx_tensor_count(run->inputs[0]);
    if (run->inputs[0]->dtype == MEXPR_DTYPE_F32)
        return abs_f32(run);
    if (run->inputs[0]->dtype == MEXPR_DTYPE_U8)
        LOOP(uint8_t, x);
    else if (run->inputs[0]->dtype == MEXPR_DTYPE_I32)
        LOOP(int32_t, x < 0 ? 0u - (uint32_t)x : (uint32_t)x);
    else
        LOOP(int64_t, x < 0 ? (uint64_t)0 - (uint64_t)x : (uint64_t)x);
    return MEXPR_OK;
}

static mexpr_status sign(const mx_run *run)
{
    const int64_t n = mx_tensor_count(run->inputs[0]);
    if (run->inputs[0]->dtype == MEXPR_DTYPE_F32)
        return sign_f32(run);
    if (run->inputs[0]->dtype == MEXPR_DTYPE_U8)
        LOOP(uint8_t, x > 0);
    else if (run->inputs[0]->dtype == MEXPR_DTYPE_I32)
        LOOP(int32_t, (x > 0) - (x < 0));
    else
        LOOP(int64_t, (x > 0) - (x < 0));
    return MEXPR_OK;
}

static mexpr_status relu_forward(const mx_run *run)
{
    const int64_t n = mx_tensor_count(run->inputs[0]);
    if (run->inputs[0]->dtype == MEXPR_DTYPE_F32)
        return relu(run);
    if (run->inputs[0]->dtype == MEXPR_DTYPE_I32)
        LOOP(int32_t, x > 0 ? x : 0);
    else
        LOOP(int64_t, x > 0 ? x : 0);
    return MEXPR_OK;
}

/* --- with parameters --------------------------------------------------------------- */

typedef struct slope {
    float a, b;
} slope;

static mexpr_status infer_slope(mx_infer *infer, float a, float b)
{
    slope *p = infer->params;
    p->a = mx_attr_float(infer->node, "alpha", a);
    p->b = mx_attr_float(infer->node, "beta", b);
    return mx_infer_same(infer);
}

/* Loops of the kernel table with one slope, and what it is unless stated. */
#define SLOPED(name, standard)                                                           \
    static mexpr_status infer_##name(mx_infer *infer)                                    \
    {                                                                                    \
        return infer_slope(infer, standard, 0);                                          \
    }                                                                                    \
    static mexpr_status name(const mx_run *run)                                          \
    {                                                                                    \
        const slope *p = run->params;                                                    \
        const size_t n = (size_t)mx_tensor_count(run->inputs[0]);                        \
        if (n > 0)                                                                       \
            run->machine->nn.name(n, run->inputs[0]->data, p->a, run->outputs[0]->data); \
        return MEXPR_OK;                                                                 \
    }

SLOPED(leaky_relu, 0.01f)
SLOPED(elu, 1)

static mexpr_status infer_hard_sigmoid(mx_infer *infer)
{
    return infer_slope(infer, 0.2f, 0.5f);
}

static mexpr_status hard_sigmoid(const mx_run *run)
{
    const slope *p = run->params;
    const size_t n = (size_t)mx_tensor_count(run->inputs[0]);
    if (n > 0)
        run->machine->nn.hard_sigmoid(
            n, run->inputs[0]->data, p->a, p->b, run->outputs[0]->data);
    return MEXPR_OK;
}

/* Klambauer et al.: Self-normalizing neural networks, 2017. */
static mexpr_status infer_selu(mx_infer *infer)
{
    slope *p = infer->params;
    p->a = mx_attr_float(infer->node, "alpha", 1.67326319217681884765625f);
    p->b = mx_attr_float(infer->node, "gamma", 1.05070102214813232421875f);
    return mx_infer_same(infer);
}

static mexpr_status selu(const mx_run *run)
{
    const slope *p = run->params;
    const mx_nn_kernels *nn = &run->machine->nn;
    const size_t n = (size_t)mx_tensor_count(run->inputs[0]);
    float *y = run->outputs[0]->data;
    if (n == 0)
        return MEXPR_OK;
    nn->elu(n, run->inputs[0]->data, p->a, y);
    nn->mul_scalar(n, y, p->b, y);
    return MEXPR_OK;
}

/* Barron: Continuously differentiable exponential linear units, 2017. */
static mexpr_status infer_celu(mx_infer *infer)
{
    if (mx_attr_float(infer->node, "alpha", 1) == 0)
        return mx_fail(infer->scope, MEXPR_E_MODEL, "an alpha of 0 is not possible");
    return infer_slope(infer, 1, 0);
}

static mexpr_status celu(const mx_run *run)
{
    const slope *p = run->params;
    const mx_nn_kernels *nn = &run->machine->nn;
    const size_t n = (size_t)mx_tensor_count(run->inputs[0]);
    float *y = run->outputs[0]->data;
    if (n == 0)
        return MEXPR_OK;
    nn->div_scalar(n, run->inputs[0]->data, p->a, y);
    nn->elu(n, y, 1, y);
    nn->mul_scalar(n, y, p->a, y);
    return MEXPR_OK;
}

static mexpr_status infer_thresholded_relu(mx_infer *infer)
{
    return infer_slope(infer, 1, 0);
}

static mexpr_status thresholded_relu(const mx_run *run)
{
    const slope *p = run->params;
    const size_t n = (size_t)mx_tensor_count(run->inputs[0]);
    if (n > 0)
        run->machine->nn.threshold(n, run->inputs[0]->data, p->a, run->outputs[0]->data);
    return MEXPR_OK;
}

/* Misra: Mish, 2019: x tanh(log(1 + e)) with e = exp(x) is x n / (n + 2), n = e (e + 2).
 * From 20 on that is x, and e stays finite. */
static mexpr_status mish(const mx_run *run)
{
    const mx_nn_kernels *nn = &run->machine->nn;
    const size_t n = (size_t)mx_tensor_count(run->inputs[0]);
    const float *x = run->inputs[0]->data;
    float *y = run->outputs[0]->data;
    if (n == 0)
        return MEXPR_OK;
    nn->min_scalar(n, x, 20, y);
    nn->exp(n, y, y);
    for (size_t i = 0; i < n; i++) {
        const float e = y[i], part = e * (e + 2);
        y[i] = x[i] * (part / (part + 2));
    }
    return MEXPR_OK;
}

/* log(1 + t) for t in 0..1: 2 atanh(z) with z = t / (2 + t), at most 1/3; what is left
 * out of the series is below 2e-8 of it. */
static float log_1_plus(float t)
{
    static const float odd[] = {
        1, 1 / 3.f, 1 / 5.f, 1 / 7.f, 1 / 9.f, 1 / 11.f, 1 / 13.f};
    const float z = t / (2 + t), zz = z * z;
    float sum = odd[6];
    for (int i = 5; i >= 0; i--)
        sum = sum * zz + odd[i];
    return 2 * z * sum;
}

/* log(1 + exp(x)) = max(x, 0) + log(1 + exp(-|x|)). */
static mexpr_status softplus(const mx_run *run)
{
    const mx_nn_kernels *nn = &run->machine->nn;
    const size_t n = (size_t)mx_tensor_count(run->inputs[0]);
    const float *x = run->inputs[0]->data;
    float *y = run->outputs[0]->data;
    if (n == 0)
        return MEXPR_OK;
    nn->abs(n, x, y);
    nn->neg(n, y, y);
    nn->exp(n, y, y);
    for (size_t i = 0; i < n; i++)
        y[i] = (x[i] > 0 ? x[i] : 0) + log_1_plus(y[i]);
    return MEXPR_OK;
}

static mexpr_status infer_shrink(mx_infer *infer)
{
    slope *p = infer->params;
    p->a = mx_attr_float(infer->node, "lambd", 0.5f);
    p->b = mx_attr_float(infer->node, "bias", 0);
    return mx_infer_same(infer);
}

static mexpr_status shrink(const mx_run *run)
{
    const slope *p = run->params;
    const int64_t n = mx_tensor_count(run->inputs[0]);
    LOOP(float, x<-p->a ? x + p->b : x> p->a ? x - p->b : 0);
    return MEXPR_OK;
}

typedef struct gelu_params {
    bool is_tanh;
} gelu_params;

/* Hendrycks, Gimpel: Gaussian error linear units, 2016. */
static mexpr_status infer_gelu(mx_infer *infer)
{
    gelu_params *p = infer->params;
    const char *form = mx_attr_string(infer->node, "approximate", "none");
    p->is_tanh = strcmp(form, "tanh") == 0;
    if (!p->is_tanh && strcmp(form, "none") != 0)
        return mx_fail(infer->scope, MEXPR_E_MODEL,
            "the approximation '%.40s' does not exist", form);
    return mx_infer_same(infer);
}

static mexpr_status gelu(const mx_run *run)
{
    const gelu_params *p = run->params;
    const mx_nn_kernels *nn = &run->machine->nn;
    const size_t n = (size_t)mx_tensor_count(run->inputs[0]);
    if (n > 0)
        (p->is_tanh ? nn->gelu_tanh : nn->gelu)(
            n, run->inputs[0]->data, run->outputs[0]->data);
    return MEXPR_OK;
}

/* --- Clip -------------------------------------------------------------------------- */

static mexpr_status infer_clip(mx_infer *infer)
{
    for (int k = 1; k < infer->n_inputs; k++) {
        const mx_tensor *bound = infer->inputs[k];
        if (bound && mx_dims_product(bound->dims, 0, bound->rank) > 1)
            return mx_fail(
                infer->scope, MEXPR_E_SHAPE, "its bounds must be single numbers");
        if (bound && mx_dims_product(bound->dims, 0, bound->rank) == 0)
            return mx_fail(
                infer->scope, MEXPR_E_SHAPE, "its bounds must be single numbers");
    }
    return mx_infer_same(infer);
}

/* A lower bound above the upper one gives the upper one. */
#define CLIP(type, lowest, highest)                                                      \
    do {                                                                                 \
        const type low = min ? *(const type *)min->data : (lowest);                      \
        const type high = max ? *(const type *)max->data : (highest);                    \
        LOOP(type, x > high || low > high ? high : x < low ? low : x);                   \
    } while (0)

static mexpr_status clip(const mx_run *run)
{
    const mx_tensor *min = mx_run_input(run, 1), *max = mx_run_input(run, 2);
    const int64_t n = mx_tensor_count(run->inputs[0]);
    const int32_t dtype = run->inputs[0]->dtype;
    if (n == 0)
        return MEXPR_OK;
    if (dtype == MEXPR_DTYPE_F32)
        run->machine->nn.clip((size_t)n, run->inputs[0]->data,
            min ? *(const float *)min->data : -INFINITY,
            max ? *(const float *)max->data : INFINITY, run->outputs[0]->data);
    else if (dtype == MEXPR_DTYPE_U8)
        CLIP(uint8_t, 0, UINT8_MAX);
    else if (dtype == MEXPR_DTYPE_I32)
        CLIP(int32_t, INT32_MIN, INT32_MAX);
    else
        CLIP(int64_t, INT64_MIN, INT64_MAX);
    return MEXPR_OK;
}

#define UNARY(op, first, type_set, attribute_list, size, infer_fn, forward_fn)           \
    {                                                                                    \
        .name = op, .domain = "", .since = first, .min_inputs = 1, .max_inputs = 1,      \
        .min_outputs = 1, .max_outputs = 1, .types = type_set,                           \
        .attributes = attribute_list, .flags = MX_OP_SPLIT, .params_size = size,         \
        .infer = infer_fn, .forward = forward_fn                                         \
    }
#define FLOAT(op, forward_fn) UNARY(op, 1, MX_T_F32, "", 0, mx_infer_same, forward_fn)

const mx_operator mx_operators_activation[] = {
    UNARY("Abs", 1, MX_T_NUMBERS, "", 0, mx_infer_same, abs_forward),
    FLOAT("Ceil", ceil_forward),
    UNARY("Celu", 12, MX_T_F32, "alpha:f", sizeof(slope), infer_celu, celu),
    {.name = "Clip",
        .domain = "",
        .since = 11,
        .min_inputs = 1,
        .max_inputs = 3,
        .min_outputs = 1,
        .max_outputs = 1,
        .types = MX_T_NUMBERS,
        .attributes = "",
        .flags = MX_OP_SPLIT,
        .infer = infer_clip,
        .forward = clip},
    FLOAT("Cos", cos_forward),
    UNARY("Elu", 1, MX_T_F32, "alpha:f", sizeof(slope), infer_elu, elu),
    FLOAT("Erf", erf_forward),
    FLOAT("Exp", exp_forward),
    FLOAT("Floor", floor_forward),
    UNARY("Gelu", 20, MX_T_F32, "approximate:s", sizeof(gelu_params), infer_gelu, gelu),
    UNARY("HardSigmoid", 1, MX_T_F32, "alpha:f beta:f", sizeof(slope), infer_hard_sigmoid,
        hard_sigmoid),
    UNARY("HardSwish", 14, MX_T_F32, "", 0, mx_infer_same, hard_swish),
    UNARY(
        "LeakyRelu", 1, MX_T_F32, "alpha:f", sizeof(slope), infer_leaky_relu, leaky_relu),
    FLOAT("Log", log_forward),
    UNARY("Mish", 18, MX_T_F32, "", 0, mx_infer_same, mish),
    UNARY("Neg", 1, MX_T_F32 | MX_T_INTS, "", 0, mx_infer_same, neg),
    FLOAT("Reciprocal", reciprocal),
    UNARY("Relu", 1, MX_T_F32 | MX_T_INTS, "", 0, mx_infer_same, relu_forward),
    FLOAT("Round", round_forward),
    UNARY("Selu", 6, MX_T_F32, "alpha:f gamma:f", sizeof(slope), infer_selu, selu),
    UNARY("Shrink", 9, MX_T_F32, "bias:f lambd:f", sizeof(slope), infer_shrink, shrink),
    FLOAT("Sigmoid", sigmoid),
    UNARY("Sign", 9, MX_T_NUMBERS, "", 0, mx_infer_same, sign),
    FLOAT("Sin", sin_forward),
    FLOAT("Softplus", softplus),
    FLOAT("Softsign", softsign),
    FLOAT("Sqrt", sqrt_forward),
    FLOAT("Tanh", tanh_forward),
    UNARY("ThresholdedRelu", 10, MX_T_F32, "alpha:f", sizeof(slope),
        infer_thresholded_relu, thresholded_relu),
    {.name = NULL},
};
