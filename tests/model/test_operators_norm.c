/* SPDX-License-Identifier: MIT */
/* Normalisations, softmax and activations against numbers worked out by hand and against
 * their definitions in double precision, and what they refuse. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "operator_check.h"

enum { MAX_NUMBERS = 4096 };

static float x_data[MAX_NUMBERS], scale_data[64], shift_data[64], want[MAX_NUMBERS];

static void fill(mx_rng *rng, float *x, size_t n, double offset)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (float)(mx_rng_normal(rng) * 2 + offset);
}

/* Mean and 1 / sqrt(variance + epsilon) of n numbers that lie `step` apart. */
static void moments(
    const float *x, int n, int step, double epsilon, double *mean, double *inverse)
{
    double sum = 0, squares = 0;
    for (int i = 0; i < n; i++)
        sum += (double)x[i * step];
    *mean = sum / n;
    for (int i = 0; i < n; i++)
        squares += pow((double)x[i * step] - *mean, 2);
    *inverse = 1 / sqrt(squares / n + epsilon);
}

/* 2 × 6 × 5 × 3 in three groups of two channels. */
static void group_normalisation(void **state)
{
    (void)state;
    enum { BATCH = 2, CHANNELS = 6, GROUPS = 3, PLANE = 15 };
    mx_rng rng;
    mx_rng_seed(&rng, 1, 0);
    fill(&rng, x_data, BATCH * CHANNELS * PLANE, 1);
    fill(&rng, scale_data, CHANNELS, 0);
    fill(&rng, shift_data, CHANNELS, 0);
    for (int opset = 18; opset <= 21; opset += 3) {
        for (int i = 0; i < BATCH * CHANNELS * PLANE; i++) {
            const int size = CHANNELS / GROUPS * PLANE, channel = i / PLANE % CHANNELS;
            const int k = opset < 21 ? channel / (CHANNELS / GROUPS) : channel;
            double mean, inverse;
            moments(x_data + i / size * size, size, 1, 1e-3, &mean, &inverse);
            want[i] =
                (float)(((double)x_data[i] - mean) * inverse * (double)scale_data[k] +
                        (double)shift_data[k]);
        }
        onnx_message node = plain("GroupNormalization", "a b c");
        onnx_attr_int(&node, "num_groups", GROUPS);
        onnx_attr_float(&node, "epsilon", 1e-3f);
        if (opset == 21)
            onnx_attr_int(&node, "stash_type", 1);
        const char *dims = opset < 21 ? "3" : "6";
        check(opset, node,
            INPUTS({F32, "2 6 5 3", x_data, 0}, {F32, dims, scale_data, 0},
                {F32, dims, shift_data, 0}),
            3, F32, "2 6 5 3", want);
    }
}

static void layer_normalisation(void **state)
{
    (void)state;
    const input x = {F32, "2 2 2", FLOATS(1, 3, -5, 5, 0, 2, 8, 10), 0};
    const input one = {F32, "", FLOATS(1), 0};
    /* Mean and inverse deviation, with epsilon 0: of 1 and 3 they are 2 and 1. */
    onnx_message node = onnx_node("LayerNormalization", "", "a b", "rest y");
    onnx_attr_float(&node, "epsilon", 0);
    check(17, node, INPUTS(x, one), 2, F32, "2 2 1", FLOATS(2, 0, 1, 9));
    node = onnx_node("LayerNormalization", "", "a b", "rest - y");
    onnx_attr_float(&node, "epsilon", 0);
    check(17, node, INPUTS(x, one), 2, F32, "2 2 1", FLOATS(1, 0.2f, 1, 1));
    node = onnx_node("LayerNormalization", "", "a b", "rest y");
    onnx_attr_int(&node, "axis", 1);
    check(17, node, INPUTS(x, one), 2, F32, "2 1 1", FLOATS(1, 5));
    /* Rows of nothing: statistics of their own all the same. */
    const input nothing = {F32, "3 0", NULL, 0};
    check(17, onnx_node("LayerNormalization", "", "a b", "rest y"), INPUTS(nothing, one),
        2, F32, "3 1", FLOATS(NAN, NAN, NAN));
    check(17, onnx_node("LayerNormalization", "", "a b", "rest - y"),
        INPUTS(nothing, one), 2, F32, "3 1", FLOATS(NAN, NAN, NAN));
    /* Weights along another axis than the one that is normalised. */
    node = plain("LayerNormalization", "a b c");
    onnx_attr_float(&node, "epsilon", 0);
    check(17, node,
        INPUTS(x, {F32, "2 1", FLOATS(1, 10), 0}, {F32, "2 1 2", FLOATS(0, 1, 2, 3), 0}),
        3, F32, "2 2 2", FLOATS(-1, 2, -10, 11, 1, 4, -8, 13));
    node = plain("LayerNormalization", "a b c");
    onnx_attr_float(&node, "epsilon", 0);
    check(17, node, INPUTS(x, {F32, "2", FLOATS(1, 10), 0}, {F32, "1", FLOATS(100), 0}),
        3, F32, "2 2 2", FLOATS(99, 110, 99, 110, 99, 110, 99, 110));
}

static void mean_variance(void **state)
{
    (void)state;
    enum { N = 3, C = 4, HW = 6 };
    mx_rng rng;
    mx_rng_seed(&rng, 2, 0);
    fill(&rng, x_data, N * C * HW, -3);
    for (int i = 0; i < N * C * HW; i++) {
        /* By channel, over the batch and the plane. */
        float channel[N * HW];
        double mean, inverse;
        for (int k = 0; k < N * HW; k++)
            channel[k] = x_data[(k / HW * C + i / HW % C) * HW + k % HW];
        moments(channel, N * HW, 1, 0, &mean, &inverse);
        want[i] = (float)(((double)x_data[i] - mean) * inverse);
    }
    check(13, plain("MeanVarianceNormalization", "a"),
        INPUTS({F32, "3 4 2 3", x_data, 0}), 1, F32, "3 4 2 3", want);
    onnx_message node = plain("MeanVarianceNormalization", "a");
    onnx_attr_ints(&node, "axes", "-1");
    check(13, node, INPUTS({F32, "2 2", FLOATS(1, 3, -5, 5), 0}), 1, F32, "2 2",
        FLOATS(-1, 1, -1, 1));
    node = plain("MeanVarianceNormalization", "a");
    onnx_attr_ints(&node, "axes", "0");
    check(9 + 2, node, INPUTS({F32, "2 2", FLOATS(1, 7, 3, 7), 0}), 1, F32, "2 2",
        FLOATS(-1, 0, 1, 0));
}

static void norms(void **state)
{
    (void)state;
    const input x = {F32, "2 2", FLOATS(3, -4, 0, 0), 0};
    check(11, plain("LpNormalization", "a"), INPUTS(x), 1, F32, "2 2",
        FLOATS(0.6f, -0.8f, 0, 0));
    onnx_message node = plain("LpNormalization", "a");
    onnx_attr_int(&node, "p", 1);
    check(11, node, INPUTS(x), 1, F32, "2 2", FLOATS(3 / 7.f, -4 / 7.f, 0, 0));
    node = plain("LpNormalization", "a");
    onnx_attr_int(&node, "axis", 0);
    check(11, node, INPUTS({F32, "2 2", FLOATS(3, 1, 4, 0), 0}), 1, F32, "2 2",
        FLOATS(0.6f, 1, 0.8f, 0));
}

static void local_response(void **state)
{
    (void)state;
    enum { C = 5, PLANE = 4 };
    static const float betas[] = {0.75f, 0.5f};
    mx_rng rng;
    mx_rng_seed(&rng, 3, 0);
    fill(&rng, x_data, 2 * C * PLANE, 0);
    for (int form = 0; form < 4; form++) {
        const int size = form < 2 ? 3 : 4, before = (size - 1) / 2, after = size / 2;
        const double alpha = 0.5, bias = 2, beta = (double)betas[form % 2];
        for (int i = 0; i < 2 * C * PLANE; i++) {
            const int c = i / PLANE % C;
            double sum = 0;
            for (int k = c - before; k <= c + after; k++)
                sum += k < 0 || k >= C ? 0 : pow((double)x_data[i + (k - c) * PLANE], 2);
            want[i] = (float)((double)x_data[i] / pow(bias + alpha / size * sum, beta));
        }
        onnx_message node = plain("LRN", "a");
        onnx_attr_int(&node, "size", size);
        onnx_attr_float(&node, "alpha", (float)alpha);
        onnx_attr_float(&node, "beta", (float)beta);
        onnx_attr_float(&node, "bias", (float)bias);
        check(13, node, INPUTS({F32, "2 5 2 2", x_data, 0}), 1, F32, "2 5 2 2", want);
    }
    onnx_message node = plain("LRN", "a");
    onnx_attr_int(&node, "size", 1);
    check(13, node, INPUTS({F32, "1 1 1", FLOATS(100), 0}), 1, F32, "1 1 1",
        FLOATS(59.46035575f)); /* 100 / 2^0.75 */
}

static void hardmax(void **state)
{
    (void)state;
    const input x = {F32, "2 2 2", FLOATS(1, 5, 5, 2, 0, 0, 9, 0), 0};
    check(13, plain("Hardmax", "a"), INPUTS(x), 1, F32, "2 2 2",
        FLOATS(0, 1, 1, 0, 1, 0, 1, 0));
    onnx_message node = plain("Hardmax", "a");
    onnx_attr_int(&node, "axis", 1);
    check(13, node, INPUTS(x), 1, F32, "2 2 2", FLOATS(0, 1, 1, 0, 0, 1, 1, 0));
    /* Before opset 13 everything from axis 1 on is one. */
    check(11, plain("Hardmax", "a"), INPUTS(x), 1, F32, "2 2 2",
        FLOATS(0, 1, 0, 0, 0, 0, 1, 0));
}

/* --- activations ------------------------------------------------------------------- */

static onnx_message with(
    const char *op, const char *name, float a, const char *other, float b)
{
    onnx_message node = plain(op, "a");
    if (name)
        onnx_attr_float(&node, name, a);
    if (other)
        onnx_attr_float(&node, other, b);
    return node;
}

static void activations(void **state)
{
    (void)state;
    const input x = {F32, "5", FLOATS(-30, -1, 0, 0.5f, 25), 0};
    check(11, with("Selu", NULL, 0, NULL, 0), INPUTS(x), 1, F32, "5",
        FLOATS(-1.758099341f, -1.111330738f, 0, 0.525350511f, 26.26752554f));
    check(11, with("Selu", "alpha", 2, "gamma", 3), INPUTS(x), 1, F32, "5",
        FLOATS(-6, -3.792723353f, 0, 1.5f, 75));
    check(12, with("Celu", NULL, 0, NULL, 0), INPUTS(x), 1, F32, "5",
        FLOATS(-1, -0.632120559f, 0, 0.5f, 25));
    check(12, with("Celu", "alpha", 2, NULL, 0), INPUTS(x), 1, F32, "5",
        FLOATS(-1.999999388f, -0.786938681f, 0, 0.5f, 25));
    check(11, with("ThresholdedRelu", NULL, 0, NULL, 0), INPUTS(x), 1, F32, "5",
        FLOATS(0, 0, 0, 0, 25));
    check(11, with("ThresholdedRelu", "alpha", 0.25f, NULL, 0), INPUTS(x), 1, F32, "5",
        FLOATS(0, 0, 0, 0.5f, 25));
    check(18, with("Mish", NULL, 0, NULL, 0), INPUTS(x), 1, F32, "5",
        FLOATS(-2.807287e-12f, -0.303401461f, 0, 0.375245208f, 25));
    check(18, with("Mish", NULL, 0, NULL, 0), INPUTS({F32, "2", FLOATS(NAN, 200), 0}), 1,
        F32, "2", FLOATS(NAN, 200));
    check(11, with("Shrink", NULL, 0, NULL, 0), INPUTS(x), 1, F32, "5",
        FLOATS(-30, -1, 0, 0, 25));
    check(11, with("Shrink", "lambd", 0.25f, "bias", 0.25f), INPUTS(x), 1, F32, "5",
        FLOATS(-29.75f, -0.75f, 0, 0.25f, 24.75f));
    onnx_message node = plain("Gelu", "a");
    onnx_attr_text(&node, "approximate", "tanh");
    check(
        20, node, INPUTS(x), 1, F32, "5", FLOATS(0, -0.158808009f, 0, 0.345714010f, 25));
    check(14, plain("Relu", "a"), INPUTS({I32, "3", SHORTS(-2, 0, 7), 0}), 1, I32, "3",
        SHORTS(0, 0, 7));
    check(14, plain("Relu", "a"), INPUTS({I64, "3", INTS(INT64_MIN, 0, 7), 0}), 1, I64,
        "3", INTS(0, 0, 7));
    check(16, plain("PRelu", "a b"),
        INPUTS({I32, "2 2", SHORTS(-2, 3, INT32_MIN, 0), 0}, {I32, "2", SHORTS(4, 9), 0}),
        2, I32, "2 2", SHORTS(-8, 3, 0, 0));
    check(16, plain("PRelu", "a b"),
        INPUTS({I64, "2", INTS(-2, 3), 0}, {I64, "1", INTS(-5), 0}), 2, I64, "2",
        INTS(10, 3));
}

/* --- what is refused --------------------------------------------------------------- */

static void refusals(void **state)
{
    (void)state;
    static const float zeros[64];
    const input x = {F32, "1 4 2", zeros, false}, four = {F32, "4", zeros, true};
    const input three = {F32, "3", zeros, true};
    onnx_message node = onnx_node("BatchNormalization", "bn", "a b b b b", "y");
    onnx_attr_int(&node, "training_mode", 1);
    check_refused(15, node, INPUTS(x, four), 2, MEXPR_E_OPERATOR,
        "node 'bn' (BatchNormalization): its training form is not known");
    check_refused(15, plain("BatchNormalization", "a b b b b"), INPUTS(x, three), 2,
        MEXPR_E_SHAPE, "must be a list of 4 numbers");
    for (int groups = 0; groups < 4; groups += 3) {
        node = onnx_node("GroupNormalization", "gn", "a b b", "y");
        onnx_attr_int(&node, "num_groups", groups);
        check_refused(21, node, INPUTS(x, four), 2, MEXPR_E_SHAPE,
            "node 'gn' (GroupNormalization):");
    }
    node = plain("GroupNormalization", "a b b");
    onnx_attr_int(&node, "num_groups", 2);
    check_refused(18, node, INPUTS(x, four), 2, MEXPR_E_SHAPE, "a list of 2 numbers");
    check_refused(17, plain("GroupNormalization", "a b b"), INPUTS(x, four), 2,
        MEXPR_E_OPERATOR, "does not exist in the model's opset 17");
    check_refused(17, plain("LayerNormalization", "a b"), INPUTS(x, three), 2,
        MEXPR_E_SHAPE, "its input 1 of 3 cannot be broadcast");
    node = plain("LayerNormalization", "a b");
    onnx_attr_int(&node, "axis", 3);
    check_refused(
        17, node, INPUTS(x, four), 2, MEXPR_E_SHAPE, "the axis 3 does not exist");
    check_refused(13, plain("MeanVarianceNormalization", "a"), INPUTS(x), 1,
        MEXPR_E_SHAPE, "the axis 3 does not exist");
    node = plain("LpNormalization", "a");
    onnx_attr_int(&node, "p", 3);
    check_refused(13, node, INPUTS(x), 1, MEXPR_E_MODEL, "a norm with p = 3");
    check_refused(13, onnx_node("LRN", "lrn", "a", "y"), INPUTS(x), 1, MEXPR_E_MODEL,
        "node 'lrn' (LRN): its attribute size is 0");
    check_refused(13, plain("LRN", "a"), INPUTS({I64, "1 1 1", zeros, false}), 1,
        MEXPR_E_TYPE, "its input 0 is int64");
    check_refused(12, with("Celu", "alpha", 0, NULL, 0), INPUTS(x), 1, MEXPR_E_MODEL,
        "an alpha of 0");
    node = plain("Gelu", "a");
    onnx_attr_text(&node, "approximate", "much");
    check_refused(
        20, node, INPUTS(x), 1, MEXPR_E_MODEL, "the approximation 'much' does not exist");
    check_refused(
        13, with("Selu", "slope", 1, NULL, 0), INPUTS(x), 1, MEXPR_E_OPERATOR, "slope");
    node = plain("Hardmax", "a");
    onnx_attr_int(&node, "axis", -4);
    check_refused(13, node, INPUTS(x), 1, MEXPR_E_SHAPE, "the axis -4 does not exist");
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(group_normalisation),
        TEST(layer_normalisation), TEST(mean_variance), TEST(norms), TEST(local_response),
        TEST(hardmax), TEST(activations), TEST(refusals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
