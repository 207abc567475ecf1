/* SPDX-License-Identifier: MIT */
/* Zhang, Liu, Zhou: Off-TANet: a lightweight neural micro-expression recognizer with
 * optical flow features and integrated attention mechanism, PRICAI 2021. */
#include <math.h>

#include "system/system_table.h"

enum { SIDE = 14, WIDE = 28, NARROW = 8, HEADS = 4, HEAD = WIDE / HEADS };

static mx_name conv_norm(
    mx_layers *l, mx_name x, const char *path, const char *part, int64_t in, int64_t out)
{
    const mx_conv conv = {.in = in, .out = out, .kernel = 3, .pad = 1};
    return mx_conv_norm_relu(l, x, mx_path(path, "%s", part).text, conv);
}

static mx_name skip(mx_layers *l, mx_name x, const char *path, int64_t in, int64_t out)
{
    const mx_conv conv = {.in = in, .out = out, .kernel = 1};
    return mx_conv_layer(l, x, mx_path(path, "skip").text, conv);
}

static mx_name residual(
    mx_layers *l, mx_name x, const char *path, int64_t in, int64_t out)
{
    mx_name y = conv_norm(l, x, path, "conv1", in, out);
    y = conv_norm(l, y, path, "conv2", out, out);
    return mx_max_pool(l, mx_add(l, y, skip(l, x, path, in, out)), 2, 2, 0);
}

/* P[a][b] = t_a + t_b with t_i the sine or cosine of 10000^(-floor(i/2)/14). */
static mx_name positions(mx_layers *l)
{
    static const int64_t dims[2] = {SIDE, SIDE};
    double t[SIDE];
    float p[SIDE * SIDE];
    for (int i = 0; i < SIDE; i++) {
        const double angle = pow(10000, -(double)(i / 2) / SIDE);
        t[i] = i % 2 ? cos(angle) : sin(angle);
    }
    for (int i = 0; i < SIDE * SIDE; i++)
        p[i] = (float)(t[i / SIDE] + t[i % SIDE]);
    return mx_floats(l, 2, dims, p);
}

static mx_name project(
    mx_layers *l, mx_name x, const char *path, int head, const char *what)
{
    const mx_conv conv = {.in = WIDE, .out = HEAD, .kernel = 1};
    return mx_conv_layer(l, x, mx_path(path, "head%d.%s", head, what).text, conv);
}

/* Each channel's map is a matrix: L = Q Kᵀ + Q Pᵀ = Q (K + P)ᵀ, as P is symmetric;
 * softmax over all of L weighs V element by element. */
static mx_name self_attention(mx_layers *l, mx_name x, const char *path)
{
    static const int64_t swap[4] = {0, 1, 3, 2};
    static const int64_t flat[3] = {0, 0, -1};
    static const int64_t square[4] = {0, 0, SIDE, SIDE};
    const mx_name p = positions(l);
    mx_name heads[HEADS];
    for (int i = 0; i < HEADS; i++) {
        const mx_name q = project(l, x, path, i, "query");
        const mx_name k = mx_add(l, project(l, x, path, i, "key"), p);
        const mx_name v = project(l, x, path, i, "value");
        mx_name a = mx_op2(l, "MatMul", q, mx_transpose(l, k, 4, swap));
        a = mx_softmax(l, mx_reshape(l, a, 3, flat), -1);
        heads[i] = mx_mul(l, mx_reshape(l, a, 4, square), v);
    }
    return mx_concat(l, heads, HEADS, 1);
}

static mx_name enhanced_residual(mx_layers *l, mx_name x, const char *path)
{
    mx_name y = conv_norm(l, x, path, "conv1", WIDE, WIDE);
    y = mx_channel_gate(l, y, mx_path(path, "channel").text, WIDE, 1, false);
    y = mx_spatial_gate(l, y, mx_path(path, "spatial").text, 3, 1, false);
    y = self_attention(l, y, mx_path(path, "self").text);
    y = conv_norm(l, y, path, "conv2", WIDE, NARROW);
    return mx_max_pool(l, mx_add(l, y, skip(l, x, path, WIDE, NARROW)), 2, 2, 0);
}

static void build(mx_layers *l, const mx_request *request)
{
    const mx_conv stem = {.in = 3, .out = 8, .kernel = 7, .stride = 2, .pad = 3};
    mx_name x = mx_input(l, "flow", 3, 112, 112);
    x = mx_norm(l, mx_relu(l, mx_conv_layer(l, x, "conv1", stem)), "bn1", 8);
    x = residual(l, x, "res1", 8, 18);
    x = residual(l, x, "res2", 18, WIDE);
    x = mx_flatten(l, enhanced_residual(l, x, "eres"));
    x = mx_dropout(l, mx_relu(l, mx_fc(l, x, "fc1", 392, 64, true)), 0.5f);
    x = mx_dropout(l, mx_relu(l, mx_fc(l, x, "fc2", 64, 64, true)), 0.5f);
    mx_output(l, mx_fc(l, x, "fc3", 64, request->n_classes, true), "logits");
}

const mx_system mx_system_off_tanet = {
    .info = {.name = "off-tanet",
        .title = "Off-TANet (Zhang, Liu, Zhou, PRICAI 2021)",
        .n_classes = 3,
        .width = 112,
        .height = 112,
        .n_parameters = 59403},
    .range = "raw",
    .build = build,
};
