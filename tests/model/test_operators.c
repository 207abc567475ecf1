/* SPDX-License-Identifier: MIT */
/* Operators against numbers worked out by hand and plain loops. The ONNX suite has many
 * more cases (test_conformance.c); these run everywhere. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/operator.h"
#include "operator_check.h"

static void activations(void **state)
{
    (void)state;
    static const struct {
        const char *op;
        int64_t opset;
        float want[4];
    } cases[] = {
        {"Relu", 13, {0, 0, 0.5f, 2}},
        {"Sigmoid", 13, {0.268941421f, 0.5f, 0.622459331f, 0.880797078f}},
        {"Tanh", 13, {-0.761594156f, 0, 0.462117157f, 0.96402758f}},
        {"Exp", 13, {0.367879441f, 1, 1.648721271f, 7.389056099f}},
        {"Erf", 13, {-0.842700793f, 0, 0.520499878f, 0.995322265f}},
        {"Neg", 13, {1, -0.0f, -0.5f, -2}},
        {"Abs", 13, {1, 0, 0.5f, 2}},
        {"Sign", 13, {-1, 0, 1, 1}},
        {"Floor", 13, {-1, 0, 0, 2}},
        {"Ceil", 13, {-1, 0, 1, 2}},
        {"Round", 13, {-1, 0, 0, 2}},
        {"Sqrt", 13, {NAN, 0, 0.707106781f, 1.414213562f}},
        {"Log", 13, {NAN, -INFINITY, -0.693147181f, 0.693147181f}},
        {"Reciprocal", 13, {-1, INFINITY, 2, 0.5f}},
        {"LeakyRelu", 13, {-0.01f, 0, 0.5f, 2}},
        {"Elu", 13, {-0.632120559f, 0, 0.5f, 2}},
        {"HardSigmoid", 13, {0.3f, 0.5f, 0.6f, 0.9f}},
        {"HardSwish", 14, {-0.333333333f, 0, 0.291666667f, 1.666666667f}},
        {"Softplus", 13, {0.313261688f, 0.693147181f, 0.974076984f, 2.126928011f}},
        {"Softsign", 13, {-0.5f, 0, 0.333333333f, 0.666666667f}},
        {"Sin", 13, {-0.841470985f, 0, 0.479425539f, 0.909297427f}},
        {"Cos", 13, {0.540302306f, 1, 0.877582562f, -0.416146837f}},
        {"Gelu", 20, {-0.158655254f, 0, 0.345731231f, 1.954499736f}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check(cases[i].opset, plain(cases[i].op, "a"),
            INPUTS({F32, "4", FLOATS(-1, 0, 0.5f, 2), 0}), 1, F32, "4", cases[i].want);
    check(13, plain("Clip", "a b c"),
        INPUTS({F32, "4", FLOATS(-1, 0, 0.5f, 2), 0}, {F32, "", FLOATS(-0.5f), 0},
            {F32, "", FLOATS(1), 0}),
        3, F32, "4", FLOATS(-0.5f, 0, 0.5f, 1));
    check(13, plain("Clip", "a - b"),
        INPUTS({I64, "3", INTS(-9, 0, 9), 0}, {I64, "", INTS(3), 0}), 2, I64, "3",
        INTS(-9, 0, 3));
}

static void broadcasting(void **state)
{
    (void)state;
    const input x = {F32, "2 3", FLOATS(1, 2, 3, 4, 5, 6), 0};
    check(13, plain("Sub", "a b"), INPUTS(x, {F32, "3", FLOATS(1, 1, 2), 0}), 2, F32,
        "2 3", FLOATS(0, 1, 1, 3, 4, 4));
    check(13, plain("Sub", "b a"), INPUTS(x, {F32, "2 1", FLOATS(1, 10), 0}), 2, F32,
        "2 3", FLOATS(0, -1, -2, 6, 5, 4));
    check(13, plain("Div", "a b"), INPUTS(x, {F32, "", FLOATS(2), 0}), 2, F32, "2 3",
        FLOATS(0.5f, 1, 1.5f, 2, 2.5f, 3));
    check(13, plain("Mul", "a b"), INPUTS(x, {F32, "2 1 1", FLOATS(1, -1), 0}), 2, F32,
        "2 2 3", FLOATS(1, 2, 3, 4, 5, 6, -1, -2, -3, -4, -5, -6));
    check(13, plain("Add", "a b"),
        INPUTS({F32, "2 1", FLOATS(1, 2), 0}, {F32, "1 2", FLOATS(10, 20), 0}), 2, F32,
        "2 2", FLOATS(11, 21, 12, 22));
    check(13, plain("Max", "a b c"),
        INPUTS(x, {F32, "1", FLOATS(3), 0}, {F32, "3", FLOATS(0, 9, 0), 0}), 3, F32,
        "2 3", FLOATS(3, 9, 3, 4, 9, 6));
    check(13, plain("Mean", "a b"), INPUTS(x, {F32, "1", FLOATS(3), 0}), 2, F32, "2 3",
        FLOATS(2, 2.5f, 3, 3.5f, 4, 4.5f));
    check(13, plain("PRelu", "a b"),
        INPUTS({F32, "2 2", FLOATS(-1, 2, -3, 4), 0}, {F32, "2 1", FLOATS(2, 3), 0}), 2,
        F32, "2 2", FLOATS(-2, 2, -9, 4));
    check(13, plain("Pow", "a b"), INPUTS(x, {I64, "", INTS(2), 0}), 2, F32, "2 3",
        FLOATS(1, 4, 9, 16, 25, 36));
    check(13, plain("Add", "a b"),
        INPUTS({F32, "0 3", NULL, 0}, {F32, "3", FLOATS(1, 2, 3), 0}), 2, F32, "0 3",
        NULL);
}

/* What would be undefined in C is defined here. */
static void integers(void **state)
{
    (void)state;
    check(13, plain("Div", "a b"),
        INPUTS({I32, "5", SHORTS(7, -7, 7, INT32_MIN, 5), 0},
            {I32, "5", SHORTS(2, 2, 0, -1, -1), 0}),
        2, I32, "5", SHORTS(3, -3, 0, INT32_MIN, -5));
    check(13, plain("Div", "a b"),
        INPUTS({I64, "2", INTS(INT64_MIN, 9), 0}, {I64, "2", INTS(-1, 0), 0}), 2, I64,
        "2", INTS(INT64_MIN, 0));
    check(14, plain("Div", "a b"),
        INPUTS({U8, "2", BYTES(255, 9), 0}, {U8, "2", BYTES(255, 0), 0}), 2, U8, "2",
        BYTES(1, 0));
    check(13, plain("Add", "a b"),
        INPUTS({I64, "1", INTS(INT64_MAX), 0}, {I64, "1", INTS(1), 0}), 2, I64, "1",
        INTS(INT64_MIN));
    check(13, plain("Mul", "a b"),
        INPUTS({I32, "1", SHORTS(65536), 0}, {I32, "1", SHORTS(65537), 0}), 2, I32, "1",
        SHORTS(65536));
    check(13, plain("Neg", "a"), INPUTS({I64, "2", INTS(INT64_MIN, 4), 0}), 1, I64, "2",
        INTS(INT64_MIN, -4));
    check(13, plain("Pow", "a b"),
        INPUTS({I64, "4", INTS(-2, 3, -1, 5), 0}, {I64, "4", INTS(3, 4, -3, -1), 0}), 2,
        I64, "4", INTS(-8, 81, -1, 0));
}

static void logic(void **state)
{
    (void)state;
    const input x = {F32, "3", FLOATS(1, 2, NAN), 0}, y = {F32, "", FLOATS(2), 0};
    check(13, plain("Less", "a b"), INPUTS(x, y), 2, BOOL, "3", BYTES(1, 0, 0));
    check(13, plain("LessOrEqual", "a b"), INPUTS(x, y), 2, BOOL, "3", BYTES(1, 1, 0));
    check(13, plain("Greater", "b a"), INPUTS(x, y), 2, BOOL, "3", BYTES(1, 0, 0));
    check(13, plain("Equal", "a b"), INPUTS(x, y), 2, BOOL, "3", BYTES(0, 1, 0));
    const input p = {BOOL, "4", BYTES(0, 0, 1, 1), 0},
                q = {BOOL, "4", BYTES(0, 1, 0, 1), 0};
    check(13, plain("And", "a b"), INPUTS(p, q), 2, BOOL, "4", BYTES(0, 0, 0, 1));
    check(13, plain("Or", "a b"), INPUTS(p, q), 2, BOOL, "4", BYTES(0, 1, 1, 1));
    check(13, plain("Xor", "a b"), INPUTS(p, q), 2, BOOL, "4", BYTES(0, 1, 1, 0));
    check(13, plain("Not", "a"), INPUTS(p), 1, BOOL, "4", BYTES(1, 1, 0, 0));
    check(13, plain("Where", "a b c"),
        INPUTS({BOOL, "2 1", BYTES(1, 0), 0}, {I64, "2", INTS(1, 2), 0},
            {I64, "", INTS(9), 0}),
        3, I64, "2 2", INTS(1, 2, 9, 9));
}

static onnx_message reduce(const char *op, const char *axes, int64_t keep)
{
    onnx_message node = plain(op, "a");
    if (axes)
        onnx_attr_ints(&node, "axes", axes);
    onnx_attr_int(&node, "keepdims", keep);
    return node;
}

static void reductions(void **state)
{
    (void)state;
    const input x = {F32, "2 2 3", FLOATS(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12), 0};
    check(13, reduce("ReduceMean", "1", 1), INPUTS(x), 1, F32, "2 1 3",
        FLOATS(2.5f, 3.5f, 4.5f, 8.5f, 9.5f, 10.5f));
    check(
        13, reduce("ReduceMax", "-1", 0), INPUTS(x), 1, F32, "2 2", FLOATS(3, 6, 9, 12));
    check(13, reduce("ReduceMin", "0 2", 0), INPUTS(x), 1, F32, "2", FLOATS(1, 4));
    check(13, reduce("ReduceProd", "0", 0), INPUTS(x), 1, F32, "2 3",
        FLOATS(7, 16, 27, 40, 55, 72));
    check(13, reduce("ReduceMean", NULL, 0), INPUTS(x), 1, F32, "", FLOATS(6.5f));
    check(13, reduce("ReduceL1", "0 1", 0), INPUTS(x), 1, F32, "3", FLOATS(22, 26, 30));
    check(13, reduce("ReduceL2", "2", 0), INPUTS(x), 1, F32, "2 2",
        FLOATS(3.741657387f, 8.774964387f, 13.92838828f, 19.10497317f));
    check(13, reduce("ReduceSumSquare", "2", 0), INPUTS(x), 1, F32, "2 2",
        FLOATS(14, 77, 194, 365));
    check(13, plain("ReduceSum", "a b"), INPUTS(x, {I64, "2", INTS(0, -1), 0}), 2, F32,
        "1 2 1", FLOATS(30, 48));
    check(18, plain("ReduceMax", "a b"),
        INPUTS({I64, "2 2", INTS(1, -5, 7, 2), 0}, {I64, "1", INTS(0), 0}), 2, I64, "1 2",
        INTS(7, 2));
    onnx_message node = plain("ReduceSum", "a");
    onnx_attr_int(&node, "noop_with_empty_axes", 1);
    check(13, node, INPUTS({F32, "2", FLOATS(3, 4), 0}), 1, F32, "2", FLOATS(3, 4));
}

static void softmaxes(void **state)
{
    (void)state;
    const input x = {
        F32, "1 2 2", FLOATS(0, 0.693147181f, 1.098612289f, 1.791759469f), 0};
    onnx_message node = plain("Softmax", "a");
    onnx_attr_int(&node, "axis", 1);
    check(13, node, INPUTS(x), 1, F32, "1 2 2", FLOATS(0.25f, 0.25f, 0.75f, 0.75f));
    node = plain("Softmax", "a");
    onnx_attr_int(&node, "axis", 1);
    check(11, node, INPUTS(x), 1, F32, "1 2 2",
        FLOATS(1 / 12.f, 2 / 12.f, 3 / 12.f, 6 / 12.f));
    check(13, plain("Softmax", "a"), INPUTS(x), 1, F32, "1 2 2",
        FLOATS(1 / 3.f, 2 / 3.f, 1 / 3.f, 2 / 3.f));
    check(13, plain("LogSoftmax", "a"), INPUTS({F32, "2", FLOATS(1000, 1000), 0}), 1, F32,
        "2", FLOATS(-0.693147181f, -0.693147181f));
}

static void normalisations(void **state)
{
    (void)state;
    onnx_message node = plain("BatchNormalization", "a b c d e");
    onnx_attr_float(&node, "epsilon", 0);
    check(13, node,
        INPUTS({F32, "1 2 2", FLOATS(1, 2, 3, 4), 0}, {F32, "2", FLOATS(2, 1), 0},
            {F32, "2", FLOATS(0, 5), 0}, {F32, "2", FLOATS(1, 3), 0},
            {F32, "2", FLOATS(4, 0.25f), 0}),
        5, F32, "1 2 2", FLOATS(0, 1, 5, 7));
    node = plain("LayerNormalization", "a b c");
    onnx_attr_float(&node, "epsilon", 0);
    check(17, node,
        INPUTS({F32, "2 2", FLOATS(1, 3, -5, 5), 0}, {F32, "2", FLOATS(1, 2), 0},
            {F32, "2", FLOATS(0, 1), 0}),
        3, F32, "2 2", FLOATS(-1, 3, -1, 3));
    node = plain("InstanceNormalization", "a b c");
    onnx_attr_float(&node, "epsilon", 0);
    check(13, node,
        INPUTS({F32, "1 2 2", FLOATS(1, 3, -5, 5), 0}, {F32, "2", FLOATS(1, 2), 0},
            {F32, "2", FLOATS(0, 1), 0}),
        3, F32, "1 2 2", FLOATS(-1, 1, -1, 3));
}

static void shapes(void **state)
{
    (void)state;
    const input x = {I64, "2 3", INTS(1, 2, 3, 4, 5, 6), 0};
    check(13, plain("Shape", "a"), INPUTS(x), 1, I64, "2", INTS(2, 3));
    check(13, plain("Size", "a"), INPUTS(x), 1, I64, "", INTS(6));
    onnx_message node = plain("Shape", "a");
    onnx_attr_int(&node, "start", -1);
    check(15, node, INPUTS(x), 1, I64, "1", INTS(3));
    check(13, plain("Reshape", "a b"), INPUTS(x, {I64, "2", INTS(-1, 2), 0}), 2, I64,
        "3 2", x.data);
    check(13, plain("Reshape", "a b"), INPUTS(x, {I64, "3", INTS(0, 1, -1), 0}), 2, I64,
        "2 1 3", x.data);
    check(13, plain("Unsqueeze", "a b"), INPUTS(x, {I64, "2", INTS(0, -1), 0}), 2, I64,
        "1 2 3 1", x.data);
    check(13, plain("Squeeze", "a"), INPUTS({I64, "1 2 1", INTS(8, 9), 0}), 1, I64, "2",
        INTS(8, 9));
    node = plain("Squeeze", "a");
    onnx_attr_ints(&node, "axes", "-1");
    check(11, node, INPUTS({I64, "1 2 1", INTS(8, 9), 0}), 1, I64, "1 2", INTS(8, 9));
    check(13, plain("Flatten", "a"), INPUTS({U8, "2 1 2", BYTES(1, 2, 3, 4), 0}), 1, U8,
        "2 2", BYTES(1, 2, 3, 4));
}

static void moves(void **state)
{
    (void)state;
    const input x = {I32, "2 3", SHORTS(1, 2, 3, 4, 5, 6), 0};
    check(
        13, plain("Transpose", "a"), INPUTS(x), 1, I32, "3 2", SHORTS(1, 4, 2, 5, 3, 6));
    onnx_message node = plain("Transpose", "a");
    onnx_attr_ints(&node, "perm", "1 2 0");
    check(13, node, INPUTS({U8, "2 1 3", BYTES(1, 2, 3, 4, 5, 6), 0}), 1, U8, "1 3 2",
        BYTES(1, 4, 2, 5, 3, 6));
    node = plain("Concat", "a b a");
    onnx_attr_int(&node, "axis", 1);
    check(13, node, INPUTS(x, {I32, "2 1", SHORTS(8, 9), 0}), 2, I32, "2 7",
        SHORTS(1, 2, 3, 8, 1, 2, 3, 4, 5, 6, 9, 4, 5, 6));
    check(13, plain("Slice", "a b c d e"),
        INPUTS(x, {I64, "2", INTS(-1, 5), 0}, {I64, "2", INTS(-9, INT64_MIN), 0},
            {I64, "2", INTS(0, 1), 0}, {I64, "2", INTS(-1, -2), 0}),
        5, I32, "2 2", SHORTS(6, 4, 3, 1));
    check(13, plain("Slice", "a b c"),
        INPUTS(x, {I64, "1", INTS(1), 0}, {I64, "1", INTS(INT64_MAX), 0}), 3, I32, "1 3",
        SHORTS(4, 5, 6));
    check(13, plain("Expand", "a b"),
        INPUTS({I32, "2 1", SHORTS(1, 2), 0}, {I64, "3", INTS(2, 1, 2), 0}), 2, I32,
        "2 2 2", SHORTS(1, 1, 2, 2, 1, 1, 2, 2));
    check(13, plain("Tile", "a b"),
        INPUTS({I32, "1 2", SHORTS(1, 2), 0}, {I64, "2", INTS(2, 2), 0}), 2, I32, "2 4",
        SHORTS(1, 2, 1, 2, 1, 2, 1, 2));
    node = plain("Gather", "a b");
    onnx_attr_int(&node, "axis", 1);
    check(13, node, INPUTS(x, {I64, "1 2", INTS(-1, 0), 0}), 2, I32, "2 1 2",
        SHORTS(3, 1, 6, 4));
    node = onnx_node("Split", "", "a b", "rest y");
    onnx_attr_int(&node, "axis", 1);
    check(13, node, INPUTS(x, {I64, "2", INTS(1, 2), 0}), 2, I32, "2 2",
        SHORTS(2, 3, 5, 6));
    node = onnx_node("Split", "", "a", "rest y");
    onnx_attr_int(&node, "axis", 1);
    onnx_attr_ints(&node, "split", "2 1");
    check(11, node, INPUTS(x), 1, I32, "2 1", SHORTS(3, 6));
    check(13, plain("Range", "a b c"),
        INPUTS({I64, "", INTS(5), 0}, {I64, "", INTS(0), 0}, {I64, "", INTS(-2), 0}), 3,
        I64, "3", INTS(5, 3, 1));
}

static void pads(void **state)
{
    (void)state;
    static const struct {
        const char *mode;
        int64_t before, after;
        const char *dims;
        float want[9];
    } cases[] = {
        {"constant", 1, 2, "6", {7, 1, 2, 3, 7, 7}},
        {"constant", -1, 1, "3", {2, 3, 7}},
        {"constant", 4, -4, "3", {7, 7, 7}},
        {"edge", 2, 1, "6", {1, 1, 1, 2, 3, 3}},
        {"reflect", 2, 3, "8", {3, 2, 1, 2, 3, 2, 1, 2}},
        {"wrap", 2, 1, "6", {2, 3, 1, 2, 3, 1}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        onnx_message node = plain("Pad", "a b c");
        onnx_attr_text(&node, "mode", cases[i].mode);
        check(19, node,
            INPUTS({F32, "3", FLOATS(1, 2, 3), 0},
                {I64, "2", INTS(cases[i].before, cases[i].after), 0},
                {F32, "", FLOATS(7), 0}),
            3, F32, cases[i].dims, cases[i].want);
    }
    check(18, plain("Pad", "a b - c"),
        INPUTS({U8, "1 2", BYTES(5, 6), 0}, {I64, "2", INTS(1, 0), 0},
            {I64, "1", INTS(-1), 0}),
        3, U8, "1 3", BYTES(0, 5, 6));
}

static onnx_message cast_to(int type)
{
    onnx_message node = plain("Cast", "a");
    onnx_attr_int(&node, "to", type);
    return node;
}

static void casts(void **state)
{
    (void)state;
    const input x = {F32, "6", FLOATS(-1.7f, 0, 2.9f, 1e20f, -INFINITY, NAN), 0};
    check(13, cast_to(I32), INPUTS(x), 1, I32, "6",
        SHORTS(-1, 0, 2, INT32_MAX, INT32_MIN, 0));
    check(13, cast_to(I64), INPUTS(x), 1, I64, "6",
        INTS(-1, 0, 2, INT64_MAX, INT64_MIN, 0));
    check(13, cast_to(BOOL), INPUTS(x), 1, BOOL, "6", BYTES(1, 0, 1, 1, 1, 1));
    check(13, cast_to(F32), INPUTS({U8, "2", BYTES(0, 255), 0}), 1, F32, "2",
        FLOATS(0, 255));
    check(13, cast_to(10), INPUTS({F32, "2", FLOATS(1.0001f, 1e9f), 0}), 1, F32, "2",
        FLOATS(1, INFINITY));
    onnx_message node = plain("ConstantOfShape", "a");
    check(13, node, INPUTS({I64, "2", INTS(1, 2), 0}), 1, F32, "1 2", FLOATS(0, 0));
}

static void products(void **state)
{
    (void)state;
    const input a = {F32, "2 3", FLOATS(1, 2, 3, 4, 5, 6), 0};
    check(13, plain("MatMul", "a b"), INPUTS(a, {F32, "3", FLOATS(1, 0, -1), 0}), 2, F32,
        "2", FLOATS(-2, -2));
    check(13, plain("MatMul", "b a"), INPUTS(a, {F32, "2", FLOATS(1, -1), 0}), 2, F32,
        "3", FLOATS(-3, -3, -3));
    check(13, plain("MatMul", "a b"),
        INPUTS(
            {F32, "2 1 2", FLOATS(1, 2, 3, 4), 0}, {F32, "2 2 1", FLOATS(1, 1, 2, 0), 0}),
        2, F32, "2 1 1", FLOATS(3, 6));
    check(13, plain("MatMul", "a b"),
        INPUTS({F32, "2 1 1 2", FLOATS(1, 2, 3, 4), 0},
            {F32, "2 2 1", FLOATS(1, 1, 2, 0), 0}),
        2, F32, "2 2 1 1", FLOATS(3, 2, 7, 6));
    onnx_message node = plain("Gemm", "a b c");
    onnx_attr_int(&node, "transB", 1);
    onnx_attr_float(&node, "alpha", 2);
    onnx_attr_float(&node, "beta", -1);
    check(13, node,
        INPUTS(a, {F32, "1 3", FLOATS(1, 1, 1), 0}, {F32, "2 1", FLOATS(1, 2), 0}), 3,
        F32, "2 1", FLOATS(11, 28));
    node = plain("Gemm", "a b c");
    onnx_attr_int(&node, "transB", 1);
    check(13, node,
        INPUTS({F32, "1 2", FLOATS(1, 2), 0}, {F32, "2 2", FLOATS(1, 0, 3, 4), 0},
            {F32, "", FLOATS(100), 0}),
        3, F32, "1 2", FLOATS(101, 111));
    node = plain("Gemm", "a b");
    onnx_attr_int(&node, "transA", 1);
    check(13, node,
        INPUTS({F32, "2 1", FLOATS(1, 2), 0}, {F32, "2 2", FLOATS(1, 0, 3, 4), 0}), 2,
        F32, "1 2", FLOATS(7, 8));
}

static onnx_message pool(const char *op, const char *kernel, const char *strides,
    const char *pad, const char *name, int64_t value)
{
    onnx_message node = plain(op, "a");
    onnx_attr_ints(&node, "kernel_shape", kernel);
    if (strides)
        onnx_attr_ints(&node, "strides", strides);
    if (pad)
        onnx_attr_ints(&node, "pads", pad);
    if (name)
        onnx_attr_int(&node, name, value);
    return node;
}

static void pools(void **state)
{
    (void)state;
    const input x = {F32, "1 1 5", FLOATS(1, 5, 2, 4, 3), 0};
    check(13, pool("MaxPool", "2", "2", NULL, NULL, 0), INPUTS(x), 1, F32, "1 1 2",
        FLOATS(5, 4));
    check(13, pool("MaxPool", "2", "2", NULL, "ceil_mode", 1), INPUTS(x), 1, F32, "1 1 3",
        FLOATS(5, 4, 3));
    check(13, pool("MaxPool", "3", "1", "1 1", NULL, 0), INPUTS(x), 1, F32, "1 1 5",
        FLOATS(5, 5, 5, 4, 4));
    check(13, pool("AveragePool", "3", "1", "1 1", NULL, 0), INPUTS(x), 1, F32, "1 1 5",
        FLOATS(3, 8 / 3.f, 11 / 3.f, 3, 3.5f));
    check(13, pool("AveragePool", "3", "1", "1 1", "count_include_pad", 1), INPUTS(x), 1,
        F32, "1 1 5", FLOATS(2, 8 / 3.f, 11 / 3.f, 3, 7 / 3.f));
    /* The last window of ceil_mode leaves the padded input; only what is inside counts.
     */
    onnx_message node = pool("AveragePool", "3", "2", "1 0", "count_include_pad", 1);
    onnx_attr_int(&node, "ceil_mode", 1);
    check(13, node, INPUTS({F32, "1 1 3", FLOATS(1, 2, 3), 0}), 1, F32, "1 1 2",
        FLOATS(1, 2.5f));
    check(13, plain("GlobalMaxPool", "a"), INPUTS(x), 1, F32, "1 1 1", FLOATS(5));
    check(13, plain("GlobalAveragePool", "a"), INPUTS(x), 1, F32, "1 1 1", FLOATS(3));
    node = onnx_node("MaxPool", "", "a", "rest y");
    onnx_attr_ints(&node, "kernel_shape", "2 2");
    check(13, node, INPUTS({F32, "1 1 2 3", FLOATS(1, 2, 3, 4, 9, 5), 0}), 1, I64,
        "1 1 1 2", INTS(4, 4));
    check(13, pool("MaxPool", "2", NULL, NULL, NULL, 0),
        INPUTS({F32, "1 1 3", FLOATS(1, NAN, 3), 0}), 1, F32, "1 1 2", FLOATS(NAN, NAN));
}

/* --- convolution against plain loops ----------------------------------------------- */

typedef struct conv_case {
    int rank; /* spatial */
    int64_t in[3], kernel[3], stride[3], dilation[3], before[3], after[3];
    int64_t batch, groups, group_in, group_out;
} conv_case;

/* One output, in double. The spatial arrays are filled up to three dimensions at the end
 * of which unused ones are 1. */
static double conv_at(const conv_case *c, const float *x, const float *w, int64_t b,
    int64_t oc, const int64_t *o)
{
    const int64_t group = oc / c->group_out;
    double sum = 0;
    for (int64_t ic = 0; ic < c->group_in; ic++) {
        int64_t k[3];
        for (k[0] = 0; k[0] < c->kernel[0]; k[0]++)
            for (k[1] = 0; k[1] < c->kernel[1]; k[1]++)
                for (k[2] = 0; k[2] < c->kernel[2]; k[2]++) {
                    int64_t at = b * c->groups * c->group_in + group * c->group_in + ic;
                    int64_t wt = oc * c->group_in + ic;
                    bool inside = true;
                    for (int d = 0; d < 3; d++) {
                        const int64_t i =
                            o[d] * c->stride[d] - c->before[d] + k[d] * c->dilation[d];
                        inside = inside && i >= 0 && i < c->in[d];
                        at = at * c->in[d] + i;
                        wt = wt * c->kernel[d] + k[d];
                    }
                    if (inside)
                        sum += (double)x[at] * (double)w[wt];
                }
    }
    return sum;
}

static void check_conv(mx_rng *rng, const conv_case *c)
{
    const int64_t c_in = c->groups * c->group_in, c_out = c->groups * c->group_out;
    int64_t n_in = c->batch * c_in, n_w = c_out * c->group_in, out[3];
    for (int d = 0; d < 3; d++) {
        n_in *= c->in[d];
        n_w *= c->kernel[d];
        out[d] = (c->in[d] + c->before[d] + c->after[d] -
                     (c->kernel[d] - 1) * c->dilation[d] - 1) /
                     c->stride[d] +
                 1;
    }
    float *x = randoms(rng, (size_t)n_in), *w = randoms(rng, (size_t)n_w),
          *bias = randoms(rng, (size_t)c_out);
    char x_dims[64], w_dims[64], b_dims[16], text[64];
    snprintf(x_dims, sizeof x_dims, "%lld %lld ", (long long)c->batch, (long long)c_in);
    list(x_dims + strlen(x_dims), 40, c->in, c->rank);
    snprintf(
        w_dims, sizeof w_dims, "%lld %lld ", (long long)c_out, (long long)c->group_in);
    list(w_dims + strlen(w_dims), 40, c->kernel, c->rank);
    snprintf(b_dims, sizeof b_dims, "%lld", (long long)c_out);
    onnx_message node = plain("Conv", "a b c");
    int64_t both[6];
    for (int d = 0; d < c->rank; d++) {
        both[d] = c->before[d];
        both[c->rank + d] = c->after[d];
    }
    list(text, sizeof text, both, 2 * c->rank);
    onnx_attr_ints(&node, "pads", text);
    list(text, sizeof text, c->stride, c->rank);
    onnx_attr_ints(&node, "strides", text);
    list(text, sizeof text, c->dilation, c->rank);
    onnx_attr_ints(&node, "dilations", text);
    onnx_attr_int(&node, "group", c->groups);
    result r = run(13, &node,
        INPUTS(
            {F32, x_dims, x, false}, {F32, w_dims, w, true}, {F32, b_dims, bias, true}),
        3);
    const float *y = r.view.data;
    int64_t o[3];
    for (int64_t b = 0; b < c->batch; b++)
        for (int64_t oc = 0; oc < c_out; oc++)
            for (o[0] = 0; o[0] < out[0]; o[0]++)
                for (o[1] = 0; o[1] < out[1]; o[1]++)
                    for (o[2] = 0; o[2] < out[2]; o[2]++) {
                        const double want = conv_at(c, x, w, b, oc, o) + (double)bias[oc];
                        if (fabs((double)*y - want) > 2e-5 * fmax(1, fabs(want)))
                            fail_msg("%s with %s: %.7g, not %.7g", x_dims, w_dims,
                                (double)*y, want);
                        y++;
                    }
    assert_ptr_equal(y, (const float *)r.view.data + bytes_of(&r.view) / sizeof *y);
    done(&r);
    free(x);
    free(w);
    free(bias);
}

static void convolutions(void **state)
{
    (void)state;
    mx_rng rng;
    mx_rng_seed(&rng, 11, 0);
    for (int i = 0; i < 300; i++) {
        conv_case c = {.rank = 1 + (int)below(&rng, 3)};
        const bool depthwise = below(&rng, 4) == 0;
        c.batch = 1 + below(&rng, 2);
        c.groups = depthwise ? 1 + below(&rng, 5) : 1 + below(&rng, 2);
        c.group_in = depthwise ? 1 : 1 + below(&rng, 4);
        c.group_out = depthwise ? 1 + below(&rng, 2) : 1 + below(&rng, 5);
        for (int d = 0; d < 3; d++) {
            const bool used = d < c.rank;
            c.kernel[d] = used ? 1 + below(&rng, 3) : 1;
            c.stride[d] = used ? 1 + below(&rng, 3) : 1;
            c.dilation[d] = used ? 1 + below(&rng, 2) : 1;
            c.before[d] = used ? below(&rng, 4) : 0;
            c.after[d] = used ? below(&rng, 4) : 0;
            c.in[d] = used ? 5 + below(&rng, 6) : 1;
        }
        check_conv(&rng, &c);
    }
    /* More than one tile of columns, in the middle of a line. */
    const conv_case large = {2, {70, 67, 1}, {3, 3, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 0},
        {1, 1, 0}, 1, 1, 16, 3};
    check_conv(&rng, &large);
}

/* What every row of the registry has to keep to. */
static void registry(void **state)
{
    (void)state;
    const mx_operator *op;
    int n = 0;
    for (; (op = mx_operator_at(n)); n++) {
        const mx_operator *found = NULL;
        assert_true(op->params_size <= MX_MAX_PARAMS);
        assert_non_null(op->infer);
        assert_true(op->forward || op->flags & MX_OP_BRANCH);
        assert_non_null(op->attributes);
        assert_true(op->min_inputs <= op->max_inputs);
        assert_in_range(op->min_outputs, 0, op->max_outputs);
        assert_ok(context, mx_operator_find(mx_context_scope(context), op->domain,
                               op->name, op->since, &found));
        assert_ptr_equal(found, op);
    }
    assert_true(n > 80);
}

/* Results that are not needed any more make room for others. */
static void memory_is_used_again(void **state)
{
    (void)state;
    test_heap heap;
    test_heap_init(&heap);
    mexpr_context *counted = test_context(&heap, 1), *keep = context;
    context = counted;
    static float x[50000];
    onnx_model m = onnx_begin(13);
    char from[16] = "a", to[16];
    onnx_input(&m, "a", F32, "50000");
    for (int i = 0; i < 40; i++) {
        snprintf(to, sizeof to, "%s%d", "t", i);
        onnx_simple(&m, "Relu", from, i == 39 ? "y" : to);
        memcpy(from, to, sizeof from);
    }
    onnx_output(&m, "y", F32, "50000");
    onnx_end(&m);
    result r = {NULL, NULL, MEXPR_TENSOR_VIEW_INIT};
    const input in = {F32, "50000", x, false};
    const mexpr_tensor_view view = view_of(&in);
    assert_ok(
        context, mexpr_model_load_memory(context, m.file.data, m.file.size, &r.model));
    onnx_destroy(&m);
    assert_int_equal(mexpr_session_create(r.model, &r.session), MEXPR_OK);
    assert_int_equal(mexpr_session_set_input(r.session, NULL, &view), MEXPR_OK);
    assert_int_equal(mexpr_session_run(r.session), MEXPR_OK);
    assert_true(heap.peak_bytes < 3 * (long)sizeof x);
    done(&r);
    mexpr_context_destroy(&context);
    context = keep;
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(registry), TEST(memory_is_used_again),
        TEST(activations), TEST(broadcasting), TEST(integers), TEST(logic),
        TEST(reductions), TEST(softmaxes), TEST(normalisations), TEST(shapes),
        TEST(moves), TEST(pads), TEST(casts), TEST(products), TEST(pools),
        TEST(convolutions)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
