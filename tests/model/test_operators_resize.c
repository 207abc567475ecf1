/* SPDX-License-Identifier: MIT */
/* Resize, GridSample, AffineGrid and RoiAlign: numbers worked out by hand, and the two
 * interpolations against formulas written down once more. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "operator_check.h"

static onnx_message resize(const char *mode, const char *coordinates, const char *inputs)
{
    onnx_message node = plain("Resize", inputs);
    onnx_attr_text(&node, "mode", mode);
    onnx_attr_text(&node, "coordinate_transformation_mode", coordinates);
    return node;
}

/* A list of n by one scale or size. */
static void check_line(onnx_message node, int n, const float *x, float scale,
    int64_t size, int n_out, const float *want)
{
    char in[16], out[16];
    snprintf(in, sizeof in, "%d", n);
    snprintf(out, sizeof out, "%d", n_out);
    const input scales = {F32, "1", &scale, 0}, sizes = {I64, "1", &size, 0};
    check(19, node, INPUTS({F32, in, x, 0}, size ? sizes : scales), 2, F32, out, want);
}

static void coordinates(void **state)
{
    (void)state;
    const float *two = FLOATS(1, 3), *four = FLOATS(1, 2, 3, 4);
    check_line(resize("linear", "half_pixel", "a - b"), 2, two, 2, 0, 4,
        FLOATS(1, 1.5f, 2.5f, 3));
    check_line(
        resize("linear", "align_corners", "a - - b"), 2, two, 0, 3, 3, FLOATS(1, 2, 3));
    check_line(
        resize("linear", "asymmetric", "a - b"), 2, two, 2, 0, 4, FLOATS(1, 2, 3, 3));
    check_line(
        resize("linear", "half_pixel", "a - b"), 4, four, 0.25f, 0, 1, FLOATS(2.5f));
    check_line(
        resize("linear", "pytorch_half_pixel", "a - b"), 4, four, 0.25f, 0, 1, FLOATS(1));
    /* 0.6 of 4 is 2 elements, which half_pixel_symmetric puts in the middle. */
    check_line(resize("linear", "half_pixel_symmetric", "a - b"), 4, four, 0.6f, 0, 2,
        FLOATS(1.666666667f, 3.333333333f));
    onnx_message node = resize("nearest", "half_pixel", "a - - b");
    check_line(node, 2, two, 0, 5, 5, FLOATS(1, 1, 1, 3, 3));
    node = resize("nearest", "asymmetric", "a - b");
    onnx_attr_text(&node, "nearest_mode", "floor");
    check_line(node, 4, four, 0.5f, 0, 2, FLOATS(1, 3));
    node = resize("nearest", "asymmetric", "a - b");
    onnx_attr_text(&node, "nearest_mode", "ceil");
    check_line(node, 2, two, 3, 0, 6, FLOATS(1, 3, 3, 3, 3, 3));
    node = resize("nearest", "asymmetric", "a - b");
    onnx_attr_text(&node, "nearest_mode", "round_prefer_ceil");
    check_line(node, 2, two, 2, 0, 4, FLOATS(1, 3, 3, 3));
}

static void crops_and_filters(void **state)
{
    (void)state;
    const input four = {F32, "4", FLOATS(1, 2, 3, 4), 0};
    onnx_message node = resize("linear", "tf_crop_and_resize", "a b - c");
    onnx_attr_float(&node, "extrapolation_value", 9);
    check(13, node,
        INPUTS(four, {F32, "2", FLOATS(0.5f, 1.5f), 0}, {I64, "1", INTS(3), 0}), 3, F32,
        "3", FLOATS(2.5f, 4, 9));
    node = resize("linear", "half_pixel", "a - b");
    onnx_attr_int(&node, "antialias", 1);
    check(18, node, INPUTS(four, {F32, "1", FLOATS(0.5f), 0}), 2, F32, "2",
        FLOATS(1.625f, 3.375f));
    node = resize("linear", "half_pixel", "a - b");
    onnx_attr_int(&node, "antialias", 1);
    onnx_attr_int(&node, "exclude_outside", 1);
    check(18, node, INPUTS(four, {F32, "1", FLOATS(0.5f), 0}), 2, F32, "2",
        FLOATS(3 / 1.75f, 5.75f / 1.75f));
    node = resize("linear", "half_pixel", "a - b");
    check(13, node, INPUTS({U8, "2", BYTES(10, 21), 0}, {F32, "1", FLOATS(2), 0}), 2, U8,
        "4", BYTES(10, 13, 18, 21));
    node = resize("nearest", "half_pixel", "a - - b");
    onnx_attr_ints(&node, "axes", "1");
    onnx_attr_text(&node, "keep_aspect_ratio_policy", "not_larger");
    check(18, node, INPUTS({I64, "2 1", INTS(5, 6), 0}, {I64, "1", INTS(2), 0}), 2, I64,
        "2 2", INTS(5, 5, 6, 6));
    node = resize("nearest", "half_pixel", "a - - b");
    onnx_attr_text(&node, "keep_aspect_ratio_policy", "not_larger");
    check(18, node, INPUTS({U8, "2 1", BYTES(5, 6), 0}, {I64, "2", INTS(6, 2), 0}), 2, U8,
        "4 2", BYTES(5, 5, 5, 5, 6, 6, 6, 6));
}

/* Keys' kernel as two polynomials. */
static double keys(double x, double a)
{
    x = fabs(x);
    if (x < 1)
        return (a + 2) * x * x * x - (a + 3) * x * x + 1;
    return x < 2 ? a * x * x * x - 5 * a * x * x + 8 * a * x - 4 * a : 0;
}

/* Cubic in two dimensions: for each element the sum over all of the input. */
static void cubic(void **state)
{
    (void)state;
    enum { H = 5, W = 4, OH = 9, OW = 7 };
    mx_rng rng;
    mx_rng_seed(&rng, 1, 0);
    float *x = randoms(&rng, H * W), y[OH * OW];
    for (int i = 0; i < OH * OW; i++) {
        const double at_y = (i / OW + 0.5) * H / OH - 0.5;
        const double at_x = (i % OW + 0.5) * W / OW - 0.5;
        double sum = 0;
        for (int r = -3; r < H + 3; r++) {
            for (int c = -3; c < W + 3; c++) {
                const int rr = r < 0 ? 0 : r >= H ? H - 1 : r;
                const int cc = c < 0 ? 0 : c >= W ? W - 1 : c;
                sum +=
                    keys(r - at_y, -0.5) * keys(c - at_x, -0.5) * (double)x[rr * W + cc];
            }
        }
        y[i] = (float)sum;
    }
    onnx_message node = resize("cubic", "half_pixel", "a - - b");
    onnx_attr_float(&node, "cubic_coeff_a", -0.5f);
    check(13, node, INPUTS({F32, "1 1 5 4", x, 0}, {I64, "4", INTS(1, 1, 9, 7), 0}), 2,
        F32, "1 1 9 7", y);
    free(x);
}

static void bad_resizes(void **state)
{
    (void)state;
    const input x = {F32, "4", NULL, 0};
    check_refused(13, resize("linear", "half_pixel", "a"), INPUTS(x), 1, MEXPR_E_MODEL,
        "either scales or sizes");
    check_refused(13, resize("linear", "half_pixel", "a - b c"),
        INPUTS(x, {F32, "1", FLOATS(2), 1}, {I64, "1", INTS(2), 1}), 3, MEXPR_E_MODEL,
        "either scales or sizes");
    check_refused(13, resize("area", "half_pixel", "a - b"),
        INPUTS(x, {F32, "1", FLOATS(2), 1}), 2, MEXPR_E_MODEL, "'area'");
    check_refused(13, resize("linear", "middle", "a - b"),
        INPUTS(x, {F32, "1", FLOATS(2), 1}), 2, MEXPR_E_MODEL, "'middle'");
    const float scales[] = {0, -1, NAN, INFINITY};
    for (int i = 0; i < 4; i++)
        check_refused(13, resize("linear", "half_pixel", "a - b"),
            INPUTS(x, {F32, "1", &scales[i], 1}), 2, MEXPR_E_SHAPE, "scale");
    check_refused(13, resize("linear", "half_pixel", "a - b"),
        INPUTS(x, {F32, "2", FLOATS(2, 2), 1}), 2, MEXPR_E_SHAPE, "1 axes");
    check_refused(13, resize("linear", "tf_crop_and_resize", "a - b"),
        INPUTS(x, {F32, "1", FLOATS(2), 1}), 2, MEXPR_E_SHAPE, "roi");
    check_refused(13, resize("linear", "half_pixel", "a - - b"),
        INPUTS(x, {I64, "1", INTS((int64_t)1 << 50), 1}), 2, MEXPR_E_LIMIT, "limit");
}

/* --- grids and regions ------------------------------------------------------------- */

static void grids(void **state)
{
    (void)state;
    const input x = {F32, "1 1 2 2", FLOATS(1, 2, 3, 4), 0};
    const input corners = {F32, "1 1 5 2", FLOATS(-1, -1, 1, 1, 0, 0, 3, 0, NAN, 0), 0};
    onnx_message node = plain("GridSample", "a b");
    onnx_attr_int(&node, "align_corners", 1);
    check(16, node, INPUTS(x, corners), 2, F32, "1 1 1 5", FLOATS(1, 4, 2.5f, 0, 0));
    node = plain("GridSample", "a b");
    check(16, node, INPUTS(x, corners), 2, F32, "1 1 1 5", FLOATS(0.25f, 1, 2.5f, 0, 0));
    node = plain("GridSample", "a b");
    onnx_attr_text(&node, "padding_mode", "border");
    onnx_attr_text(&node, "mode", "bilinear");
    check(16, node, INPUTS(x, {F32, "1 1 2 2", FLOATS(-1, -1, 3, 0), 0}), 2, F32,
        "1 1 1 2", FLOATS(1, 3));
    node = plain("GridSample", "a b");
    onnx_attr_text(&node, "padding_mode", "reflection");
    onnx_attr_text(&node, "mode", "nearest");
    check(20, node, INPUTS(x, {F32, "1 1 2 2", FLOATS(-1.6f, -0.5f, 1.6f, 0.5f), 0}), 2,
        F32, "1 1 1 2", FLOATS(1, 4));
    node = plain("GridSample", "a b");
    onnx_attr_text(&node, "mode", "cubic");
    check(20, node, INPUTS(x, {F32, "1 1 1 2", FLOATS(-0.5f, 0.5f), 0}), 2, F32,
        "1 1 1 1", FLOATS(3));
    node = plain("GridSample", "a b");
    onnx_attr_int(&node, "align_corners", 1);
    check(20, node,
        INPUTS({F32, "1 1 1 1 2", FLOATS(1, 2), 0},
            {F32, "1 1 1 1 3", FLOATS(0, -1, -1), 0}),
        2, F32, "1 1 1 1 1", FLOATS(1.5f));
    check_refused(16, plain("GridSample", "a b"), INPUTS(x, {F32, "1 1 2 3", NULL, 0}), 2,
        MEXPR_E_SHAPE, "grid");
}

static void affine_grids(void **state)
{
    (void)state;
    const input theta = {F32, "1 2 3", FLOATS(1, 0, 0, 0, 2, 0.5f), 0};
    const input size = {I64, "4", INTS(1, 1, 1, 2), 0};
    onnx_message node = plain("AffineGrid", "a b");
    check(20, node, INPUTS(theta, size), 2, F32, "1 1 2 2",
        FLOATS(-0.5f, 0.5f, 0.5f, 0.5f));
    node = plain("AffineGrid", "a b");
    onnx_attr_int(&node, "align_corners", 1);
    check(20, node, INPUTS(theta, size), 2, F32, "1 1 2 2", FLOATS(-1, 0.5f, 1, 0.5f));
    check_refused(20, plain("AffineGrid", "a b"),
        INPUTS(theta, {I64, "5", INTS(1, 1, 1, 1, 2), 1}), 2, MEXPR_E_SHAPE, "theta");
}

static onnx_message roi_align(const char *coordinates, const char *mode)
{
    onnx_message node = plain("RoiAlign", "a b c");
    onnx_attr_text(&node, "coordinate_transformation_mode", coordinates);
    onnx_attr_text(&node, "mode", mode);
    onnx_attr_int(&node, "sampling_ratio", 1);
    onnx_attr_int(&node, "output_width", 2);
    return node;
}

static void regions(void **state)
{
    (void)state;
    /* x is the column number: a bin is the column of its middle. */
    const input x = {F32, "1 1 2 4", FLOATS(0, 1, 2, 3, 0, 1, 2, 3), 0};
    const input rois = {F32, "1 4", FLOATS(0, 0, 3, 1), 0},
                batch = {I64, "1", INTS(0), 0};
    check(16, roi_align("output_half_pixel", "avg"), INPUTS(x, rois, batch), 3, F32,
        "1 1 1 2", FLOATS(0.75f, 2.25f));
    check(16, roi_align("half_pixel", "avg"), INPUTS(x, rois, batch), 3, F32, "1 1 1 2",
        FLOATS(0.25f, 1.75f));
    check(16, roi_align("output_half_pixel", "max"), INPUTS(x, rois, batch), 3, F32,
        "1 1 1 2", FLOATS(0.375f, 0.75f));
    check_refused(16, roi_align("half_pixel", "avg"),
        INPUTS({F32, "1 1 2 4", x.data, 1}, {F32, "1 4", rois.data, 1},
            {I64, "1", INTS(1), 1}),
        3, MEXPR_E_SHAPE, "batch index 1");
    onnx_message node = plain("RoiAlign", "a b c");
    check_refused(16, node,
        INPUTS({F32, "1 1 2 4", x.data, 1}, {F32, "1 4", FLOATS(0, 0, 1e30f, 1), 1},
            {I64, "1", INTS(0), 1}),
        3, MEXPR_E_LIMIT, "region 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(coordinates), TEST(crops_and_filters),
        TEST(cubic), TEST(bad_resizes), TEST(grids), TEST(affine_grids), TEST(regions)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
