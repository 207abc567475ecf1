/* SPDX-License-Identifier: MIT */
/* Wang, Zhang, Chen, et al.: HTNet for micro-expression recognition, Neurocomputing 602,
 * 2024; the hierarchy is that of nested transformers (Zhang et al. 2022). With pictures
 * of 28 pixels, patches of 7 and three levels, every block of attention holds one token.
 */
#include <math.h>

#include "system/system_table.h"

enum { PATCH = 7, PIXELS = 3 * PATCH * PATCH, SIDE = 4, N_LEVELS = 3, HEAD_TOKENS = 1 };

typedef struct level {
    int64_t width, heads, depth, side;
} level;

static const level levels[N_LEVELS] = {{256, 3, 2, 4}, {512, 6, 2, 2}, {1024, 12, 10, 1}};

/* A linear layer of every token, N×tokens×in. */
static mx_name linear(mx_layers *l, mx_name x, const char *path, const level *v,
    int64_t in, int64_t out, bool has_bias)
{
    const int64_t rows[2] = {-1, in}, tokens[3] = {-1, v->side * v->side, out};
    x = mx_fc(l, mx_reshape(l, x, 2, rows), path, in, out, has_bias);
    return mx_reshape(l, x, 3, tokens);
}

/* Within blocks of one token: softmax over one weight. */
static mx_name attention(mx_layers *l, mx_name x, const char *path, const level *v)
{
    static const char *const parts[3] = {"query", "key", "value"};
    const int64_t head = v->width / v->heads, inner = head * v->heads;
    const int64_t split[5] = {-1, v->side * v->side, v->heads, HEAD_TOKENS, head};
    const int64_t joined[3] = {-1, v->side * v->side, inner};
    static const int64_t turn[5] = {0, 1, 2, 4, 3};
    mx_name part[3];
    for (int i = 0; i < 3; i++) {
        part[i] =
            linear(l, x, mx_path(path, "%s", parts[i]).text, v, v->width, inner, false);
        part[i] = mx_reshape(l, part[i], 5, split);
    }
    mx_name a = mx_op2(l, "MatMul", part[0], mx_transpose(l, part[1], 5, turn));
    const double scale = pow((double)head, -0.5);
    a = mx_softmax(l, mx_mul(l, a, mx_scalar(l, (float)scale)), -1);
    a = mx_reshape(l, mx_op2(l, "MatMul", a, part[2]), 3, joined);
    return linear(l, a, mx_path(path, "out").text, v, inner, v->width, true);
}

static mx_name transformer(mx_layers *l, mx_name x, const char *path, const level *v)
{
    static const int64_t one = 1;
    x = mx_add(l, x,
        mx_parameter(l, mx_path(path, "position").text, 1, &one, MEXPR_INIT_NORMAL, 1));
    for (int i = 0; i < v->depth; i++) {
        const mx_name block = mx_path(path, "block%d", i);
        mx_name y = mx_layer_norm(l, x, mx_path(block.text, "norm1").text, v->width);
        x = mx_add(l, x, attention(l, y, mx_path(block.text, "attention").text, v));
        y = mx_layer_norm(l, x, mx_path(block.text, "norm2").text, v->width);
        y = linear(
            l, y, mx_path(block.text, "mlp1").text, v, v->width, 4 * v->width, true);
        y = linear(l, mx_gelu(l, y), mx_path(block.text, "mlp2").text, v, 4 * v->width,
            v->width, true);
        x = mx_add(l, x, y);
    }
    return x;
}

/* Patches of 7×7 as tokens of 147 numbers: rows, columns, channels. */
static mx_name patches(mx_layers *l, mx_name x)
{
    static const int64_t split[6] = {-1, 3, SIDE, PATCH, SIDE, PATCH};
    static const int64_t order[6] = {0, 2, 4, 3, 5, 1};
    static const int64_t tokens[3] = {-1, SIDE * SIDE, PIXELS};
    x = mx_transpose(l, mx_reshape(l, x, 6, split), 6, order);
    return mx_reshape(l, x, 3, tokens);
}

/* Tokens to a map of half the side and twice the width, and back to tokens. */
static mx_name merge(
    mx_layers *l, mx_name x, const char *path, const level *from, const level *to)
{
    static const int64_t to_map[4] = {0, 3, 1, 2}, to_tokens[4] = {0, 2, 3, 1};
    const int64_t map[4] = {-1, from->side, from->side, from->width};
    const int64_t tokens[3] = {-1, to->side * to->side, to->width};
    const mx_conv conv = {.in = from->width, .out = to->width, .kernel = 3, .pad = 1};
    x = mx_transpose(l, mx_reshape(l, x, 4, map), 4, to_map);
    x = mx_conv_layer(l, x, mx_path(path, "conv").text, conv);
    x = mx_layer_norm(
        l, mx_transpose(l, x, 4, to_tokens), mx_path(path, "norm").text, to->width);
    x = mx_max_pool(l, mx_transpose(l, x, 4, to_map), 3, 2, 1);
    return mx_reshape(l, mx_transpose(l, x, 4, to_tokens), 3, tokens);
}

static void build(mx_layers *l, const mx_request *request)
{
    mx_name x = patches(l, mx_input(l, "flow", 3, 28, 28));
    x = linear(l, x, "patch", &levels[0], PIXELS, levels[0].width, true);
    for (int i = 0; i < N_LEVELS; i++) {
        const mx_name path = mx_path("", "level%d", i);
        if (i > 0)
            x = merge(l, x, mx_path(path.text, "merge").text, &levels[i - 1], &levels[i]);
        x = transformer(l, x, path.text, &levels[i]);
    }
    x = mx_layer_norm(l, x, "norm", 1024);
    x = mx_reduce(l, "ReduceMean", x, 1, false);
    mx_output(l, mx_fc(l, x, "fc", 1024, request->n_classes, true), "logits");
}

const mx_system mx_system_htnet = {
    .info = {.name = "htnet",
        .title = "HTNet (Wang et al., Neurocomputing 2024)",
        .n_classes = 3,
        .width = 28,
        .height = 28,
        .n_parameters = 139582982},
    .range = "raw", /* crops of four parts of the face, not the picture of all */
    .build = build,
};
