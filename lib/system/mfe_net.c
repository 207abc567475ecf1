/* SPDX-License-Identifier: MIT */
/* In the style of MFE-Net (Signal, Image and Video Processing, 2024): the publication
 * gives parts and input, the sizes here are ours. */
#include "system/system_table.h"

enum { TOKENS = 49, WIDTH = 64, HEADS = 4, HEAD = WIDTH / HEADS, WIDE = 128 };

static mx_name unit(
    mx_layers *l, mx_name x, const char *path, int64_t in, int64_t out, int64_t kernel)
{
    const mx_conv conv = {
        .in = in, .out = out, .kernel = kernel, .pad = kernel / 2, .no_bias = true};
    return mx_conv_norm_relu(l, x, path, conv);
}

/* Squeeze and excitation, Hu et al. 2018. */
static mx_name squeeze(mx_layers *l, mx_name x, const char *path, int64_t channels)
{
    const mx_conv down = {.in = channels, .out = channels / 4, .kernel = 1};
    const mx_conv up = {.in = channels / 4, .out = channels, .kernel = 1};
    mx_name s = mx_global(l, "GlobalAveragePool", x);
    s = mx_relu(l, mx_conv_layer(l, s, mx_path(path, "fc1").text, down));
    s = mx_conv_layer(l, s, mx_path(path, "fc2").text, up);
    return mx_mul(l, x, mx_sigmoid(l, s));
}

static mx_name residual(
    mx_layers *l, mx_name x, const char *path, int64_t in, int64_t out)
{
    const int64_t part = out / 4;
    const mx_conv skip = {.in = in, .out = out, .kernel = 1, .no_bias = true};
    mx_name parts[4];
    parts[0] = unit(l, x, mx_path(path, "point").text, in, part, 1);
    parts[1] = unit(l, x, mx_path(path, "reduce3").text, in, part, 1);
    parts[1] = unit(l, parts[1], mx_path(path, "conv3").text, part, part, 3);
    parts[2] = unit(l, x, mx_path(path, "reduce5").text, in, part, 1);
    parts[2] = unit(l, parts[2], mx_path(path, "conv5").text, part, part, 5);
    parts[3] =
        unit(l, mx_max_pool(l, x, 3, 1, 1), mx_path(path, "pool").text, in, part, 1);
    mx_name y = squeeze(l, mx_concat(l, parts, 4, 1), mx_path(path, "se").text, out);
    x = mx_conv_layer(l, x, mx_path(path, "skip.conv").text, skip);
    x = mx_norm(l, x, mx_path(path, "skip.bn").text, out);
    return mx_relu(l, mx_add(l, y, x));
}

/* A linear layer of every token. */
static mx_name linear(mx_layers *l, mx_name x, const char *path, int64_t in, int64_t out)
{
    const int64_t rows[2] = {-1, in}, tokens[3] = {-1, TOKENS, out};
    x = mx_fc(l, mx_reshape(l, x, 2, rows), path, in, out, true);
    return mx_reshape(l, x, 3, tokens);
}

static mx_name heads_of(mx_layers *l, mx_name x, const char *path, const int64_t *order)
{
    static const int64_t dims[4] = {-1, TOKENS, HEADS, HEAD};
    x = linear(l, x, path, WIDTH, WIDTH);
    return mx_transpose(l, mx_reshape(l, x, 4, dims), 4, order);
}

static mx_name attention(mx_layers *l, mx_name x)
{
    static const int64_t by_head[4] = {0, 2, 1, 3}, turned[4] = {0, 2, 3, 1};
    static const int64_t tokens[3] = {-1, TOKENS, WIDTH};
    const mx_name q = heads_of(l, x, "attention.query", by_head);
    const mx_name k = heads_of(l, x, "attention.key", turned);
    const mx_name v = heads_of(l, x, "attention.value", by_head);
    mx_name a = mx_mul(l, mx_op2(l, "MatMul", q, k), mx_scalar(l, 0.25f));
    a = mx_dropout(l, mx_softmax(l, a, -1), 0.1f);
    a = mx_transpose(l, mx_op2(l, "MatMul", a, v), 4, by_head);
    return linear(l, mx_reshape(l, a, 3, tokens), "attention.out", WIDTH, WIDTH);
}

/* Dosovitskiy et al. 2021, normalization first. */
static mx_name transformer(mx_layers *l, mx_name x)
{
    static const int64_t flat[3] = {-1, WIDTH, TOKENS}, turn[3] = {0, 2, 1};
    static const int64_t position[3] = {1, TOKENS, WIDTH};
    x = mx_transpose(l, mx_reshape(l, x, 3, flat), 3, turn);
    x = mx_add(l, x, mx_parameter(l, "position", 3, position, MEXPR_INIT_NORMAL, 0.02));
    mx_name y = attention(l, mx_layer_norm(l, x, "norm1", WIDTH));
    x = mx_add(l, x, mx_dropout(l, y, 0.1f));
    y = linear(l, mx_layer_norm(l, x, "norm2", WIDTH), "mlp1", WIDTH, WIDE);
    y = linear(l, mx_dropout(l, mx_gelu(l, y), 0.1f), "mlp2", WIDE, WIDTH);
    return mx_add(l, x, mx_dropout(l, y, 0.1f));
}

static void build(mx_layers *l, const mx_request *request)
{
    mx_name x = mx_input(l, "flow", 3, 28, 28);
    x = unit(l, x, "stem", 3, 32, 3);
    x = mx_max_pool(l, residual(l, x, "res1", 32, 32), 2, 2, 0);
    x = mx_max_pool(l, residual(l, x, "res2", 32, WIDTH), 2, 2, 0);
    x = mx_dropout(l, mx_reduce(l, "ReduceMean", transformer(l, x), 1, false), 0.5f);
    mx_output(l, mx_fc(l, x, "fc", WIDTH, request->n_classes, true), "logits");
}

const mx_system mx_system_mfe_net = {
    .info = {.name = "mfe-net",
        .title = "in the style of MFE-Net (SIViP 2024)",
        .n_classes = 3,
        .width = 28,
        .height = 28,
        .n_parameters = 57915},
    .planes = "u,v,strain",
    .range = "0,1",
    .build = build,
};
