/* SPDX-License-Identifier: MIT */
/* Nodes of opset 1 to 10 do what their opset says. Each is given in its old form; the
 * numbers are those of the old definition. */
#include <math.h>

#include "operator_check.h"

static void bounds(void **state)
{
    (void)state;
    const input x = {F32, "4", FLOATS(-3, -1, 2, 9), 0};
    onnx_message node = plain("Clip", "a");
    onnx_attr_float(&node, "min", -2);
    onnx_attr_float(&node, "max", 5);
    check(6, node, INPUTS(x), 1, F32, "4", FLOATS(-2, -1, 2, 5));
    node = plain("Clip", "a");
    onnx_attr_float(&node, "max", 1);
    onnx_attr_ints(&node, "consumed_inputs", "0");
    check(1, node, INPUTS(x), 1, F32, "4", FLOATS(-3, -1, 1, 1));
}

static void shapes(void **state)
{
    (void)state;
    const input x = {F32, "2 3", FLOATS(1, 2, 3, 4, 5, 6), 0};
    onnx_message node = plain("Reshape", "a");
    onnx_attr_ints(&node, "shape", "3 -1");
    check(1, node, INPUTS(x), 1, F32, "3 2", FLOATS(1, 2, 3, 4, 5, 6));
    node = plain("Pad", "a");
    onnx_attr_ints(&node, "pads", "0 1 0 0");
    onnx_attr_float(&node, "value", 7);
    check(2, node, INPUTS(x), 1, F32, "2 4", FLOATS(7, 1, 2, 3, 7, 4, 5, 6));
    node = plain("Pad", "a");
    onnx_attr_ints(&node, "paddings", "1 0 0 0");
    check(1, node, INPUTS(x), 1, F32, "3 3", FLOATS(0, 0, 0, 1, 2, 3, 4, 5, 6));
    node = plain("Slice", "a");
    onnx_attr_ints(&node, "starts", "1");
    onnx_attr_ints(&node, "ends", "-1");
    onnx_attr_ints(&node, "axes", "1");
    check(9, node, INPUTS(x), 1, F32, "2 1", FLOATS(2, 5));
    check(1, plain("Concat", "a a"), INPUTS(x), 1, F32, "2 6",
        FLOATS(1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6));
}

static void types(void **state)
{
    (void)state;
    onnx_message node = plain("Cast", "a");
    onnx_attr_text(&node, "to", "INT64");
    check(
        5, node, INPUTS({F32, "3", FLOATS(1.5f, -2, 3), 0}), 1, I64, "3", INTS(1, -2, 3));
    node = plain("Cast", "a");
    onnx_attr_text(&node, "to", "COMPLEX64");
    check_refused(
        5, node, INPUTS({F32, "1", FLOATS(1), 0}), 1, MEXPR_E_MODEL, "'to' must be");
    node = plain("TopK", "a");
    onnx_attr_int(&node, "k", 2);
    check(9, node, INPUTS({F32, "2 3", FLOATS(1, 3, 2, 9, 7, 8), 0}), 1, F32, "2 2",
        FLOATS(3, 2, 9, 8));
}

/* Before opset 7 the second operand was laid along an axis of the first. */
static void along_an_axis(void **state)
{
    (void)state;
    const input x = {F32, "2 3 2", FLOATS(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12), 0};
    onnx_message node = plain("Add", "a b");
    onnx_attr_int(&node, "broadcast", 1);
    onnx_attr_int(&node, "axis", 1);
    check(6, node, INPUTS(x, {F32, "3", FLOATS(10, 20, 30), 0}), 2, F32, "2 3 2",
        FLOATS(11, 12, 23, 24, 35, 36, 17, 18, 29, 30, 41, 42));
    node = plain("Mul", "a b");
    onnx_attr_int(&node, "broadcast", 1);
    onnx_attr_int(&node, "axis", 0);
    check(6, node, INPUTS(x, {F32, "2 3", FLOATS(1, 0, 1, 2, 0, 2), 0}), 2, F32, "2 3 2",
        FLOATS(1, 2, 0, 0, 5, 6, 14, 16, 0, 0, 22, 24));
    node = plain("Sub", "a b");
    onnx_attr_int(&node, "broadcast", 1);
    check(6, node, INPUTS(x, {F32, "2", FLOATS(1, 2), 0}), 2, F32, "2 3 2",
        FLOATS(0, 0, 2, 2, 4, 4, 6, 6, 8, 8, 10, 10));
    check(6, plain("PRelu", "a b"),
        INPUTS({F32, "1 2 2", FLOATS(-1, -2, -3, 4), 0}, {F32, "2", FLOATS(2, 3), 0}), 2,
        F32, "1 2 2", FLOATS(-2, -4, -9, 4));
    check(6, plain("PRelu", "a b"),
        INPUTS({F32, "1 2 2", FLOATS(-1, -2, -3, 4), 0}, {F32, "1", FLOATS(2), 0}), 2,
        F32, "1 2 2", FLOATS(-2, -4, -6, 4));
}

static void pictures(void **state)
{
    (void)state;
    const input x = {F32, "1 1 2 2", FLOATS(1, 2, 3, 4), 0};
    static const float scales[4] = {1, 1, 2, 2};
    onnx_message node = plain("Upsample", "a");
    onnx_attr_floats(&node, "scales", scales, 4);
    check(7, node, INPUTS(x), 1, F32, "1 1 4 4",
        FLOATS(1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4));
    node = plain("Upsample", "a b");
    onnx_attr_text(&node, "mode", "linear");
    check(9, node, INPUTS(x, {F32, "4", FLOATS(1, 1, 1, 2), 0}), 2, F32, "1 1 2 4",
        FLOATS(1, 1.5f, 2, 2, 3, 3.5f, 4, 4));
    check(10, plain("Resize", "a b"), INPUTS(x, {F32, "4", FLOATS(1, 1, 0.5f, 1), 0}), 2,
        F32, "1 1 1 2", FLOATS(1, 2));
}

static void training(void **state)
{
    (void)state;
    const input x = {F32, "1 2", FLOATS(1, 2), 0}, two = {F32, "2", FLOATS(1, 4), 0};
    onnx_message node = plain("Dropout", "a");
    onnx_attr_int(&node, "is_test", 1);
    onnx_attr_float(&node, "ratio", 0.5f);
    check(6, node, INPUTS(x), 1, F32, "1 2", FLOATS(1, 2));
    node = plain("BatchNormalization", "a b b c b");
    onnx_attr_int(&node, "is_test", 1);
    onnx_attr_int(&node, "spatial", 1);
    onnx_attr_float(&node, "epsilon", 0);
    check(6, node, INPUTS(x, two, {F32, "2", FLOATS(0, 2), 0}), 3, F32, "1 2",
        FLOATS(2, 4));
    node = plain("BatchNormalization", "a b b c b");
    onnx_attr_int(&node, "spatial", 0);
    check_refused(8, node, INPUTS(x, two, {F32, "2", FLOATS(0, 2), 0}), 3,
        MEXPR_E_OPERATOR, "spatial = 0");
    node = plain("Selu", "a");
    check(1, node, INPUTS({F32, "1", FLOATS(2), 0}), 1, F32, "1", FLOATS(2 * 1.0507f));
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(bounds), TEST(shapes), TEST(types),
        TEST(along_an_axis), TEST(pictures), TEST(training)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
