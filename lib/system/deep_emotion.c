/* SPDX-License-Identifier: MIT */
/* Minaee, Minaei, Abdolrashidi: Deep-Emotion: facial expression recognition using
 * attentional convolutional network, Sensors 21(9), 2021. A spatial transformer
 * (Jaderberg et al. 2015) turns the feature map; zeros outside, corners of pixels at ±1
 * (align_corners 0). */
#include "system/system_table.h"

enum { MAPS = 10, SIDE = 9, THETA = 6 };

static mx_name unit(mx_layers *l, mx_name x, const char *path, int64_t in, bool pool)
{
    const mx_conv conv = {.in = in, .out = MAPS, .kernel = 3};
    x = mx_conv_layer(l, x, path, conv);
    return mx_relu(l, pool ? mx_max_pool(l, x, 2, 2, 0) : x);
}

static mx_name locate(mx_layers *l, mx_name x, const char *path, int64_t in, int64_t out)
{
    const mx_conv conv = {.in = in, .out = out, .kernel = 3, .pad = 1};
    return mx_relu(l, mx_max_pool(l, mx_conv_layer(l, x, path, conv), 4, 4, 0));
}

/* The six numbers of the transform, which begins as the identity. */
static mx_name transform(mx_layers *l, mx_name x)
{
    static const float identity[THETA] = {1, 0, 0, 0, 1, 0};
    static const int64_t dims[2] = {THETA, 32};
    mexpr_tensor_view view = MEXPR_TENSOR_VIEW_INIT;
    view.dtype = MEXPR_DTYPE_F32;
    view.rank = 1;
    view.dims[0] = THETA;
    view.data = identity;
    x = locate(l, locate(l, x, "locate1", 1, 8), "locate2", 8, MAPS);
    x = mx_relu(l, mx_fc(l, mx_flatten(l, x), "locate3", 90, 32, true));
    const mx_name bias = mx_path("locate4", "bias");
    const mx_name inputs[3] = {
        x, mx_parameter(l, "locate4.weight", 2, dims, MEXPR_INIT_FILL, 0), bias};
    mexpr_builder_initializer(l->b, bias.text, &view, MEXPR_ROLE_PARAMETER);
    mexpr_builder_int(l->b, "transB", 1);
    return mx_op(l, "Gemm", inputs, 3);
}

/* Places of the map's pixels, 9·9×3: x, y, 1. */
static mx_name places(mx_layers *l)
{
    static const int64_t dims[2] = {SIDE * SIDE, 3};
    float base[SIDE * SIDE * 3];
    for (int i = 0; i < SIDE * SIDE; i++) {
        base[3 * i] = (float)((2 * (i % SIDE) + 1) / (double)SIDE - 1);
        base[3 * i + 1] = (float)((2 * (i / SIDE) + 1) / (double)SIDE - 1);
        base[3 * i + 2] = 1;
    }
    return mx_floats(l, 2, dims, base);
}

static mx_name warp(mx_layers *l, mx_name map, mx_name theta)
{
    static const int64_t matrix[3] = {-1, 2, 3}, turn[3] = {0, 2, 1};
    static const int64_t grid[4] = {-1, SIDE, SIDE, 2};
    theta = mx_transpose(l, mx_reshape(l, theta, 3, matrix), 3, turn);
    const mx_name at = mx_reshape(l, mx_op2(l, "MatMul", places(l), theta), 4, grid);
    mexpr_builder_string(l->b, "mode", "bilinear");
    mexpr_builder_string(l->b, "padding_mode", "zeros");
    mexpr_builder_int(l->b, "align_corners", 0);
    return mx_op2(l, "GridSample", map, at);
}

static void build(mx_layers *l, const mx_request *request)
{
    const mx_name image = mx_input(l, "face", 1, 48, 48);
    mx_name x = unit(l, unit(l, image, "conv1", 1, false), "conv2", MAPS, true);
    x = unit(l, unit(l, x, "conv3", MAPS, false), "conv4", MAPS, true);
    x = warp(l, mx_dropout(l, x, 0.5f), transform(l, image));
    x = mx_relu(l, mx_fc(l, mx_flatten(l, x), "fc1", 810, 50, true));
    mx_output(l, mx_fc(l, x, "fc2", 50, request->n_classes, true), "logits");
}

const mx_system mx_system_deep_emotion = {
    .info = {.name = "deep-emotion",
        .title = "Deep-Emotion (Minaee et al., Sensors 2021)",
        .n_classes = 7,
        .width = 48,
        .height = 48,
        .n_parameters = 47657},
    .build = build,
};
