/* SPDX-License-Identifier: MIT */
/* Zhou, Huang, Li, Wang: Dual-ATME: dual-branch attention network for micro-expression
 * recognition, Entropy 25(3), 2023. Attention on the branch of the whole face only, as in
 * the paper. */
#include "system/system_table.h"

enum { REDUCED = 6, CHANNELS = 48, HIDDEN = 3 };

static mx_name branch(
    mx_layers *l, mx_name x, const char *path, int64_t in, int64_t out, int64_t kernel)
{
    const mx_conv reduce = {.in = in, .out = REDUCED, .kernel = 1};
    const mx_conv conv = {.in = REDUCED, .out = out, .kernel = kernel, .pad = kernel / 2};
    x = mx_conv_norm_relu(l, x, mx_path(path, "reduce").text, reduce);
    return mx_conv_norm_relu(l, x, mx_path(path, "conv").text, conv);
}

/* Szegedy et al. 2015, each convolution with its normalization. */
static mx_name inception(
    mx_layers *l, mx_name x, const char *path, int64_t in, int64_t out)
{
    const mx_conv point = {.in = in, .out = out, .kernel = 1};
    mx_name part[4];
    part[0] = mx_conv_norm_relu(l, x, mx_path(path, "branch1").text, point);
    part[1] = branch(l, x, mx_path(path, "branch2").text, in, out, 3);
    part[2] = branch(l, x, mx_path(path, "branch3").text, in, out, 5);
    part[3] = mx_conv_norm_relu(
        l, mx_max_pool(l, x, 3, 1, 1), mx_path(path, "branch4").text, point);
    return mx_concat(l, part, 4, 1);
}

static mx_name face(mx_layers *l, const char *path)
{
    mx_name x = mx_input(l, path, 3, 28, 28);
    x = inception(l, x, mx_path(path, "inception1").text, 3, 6);
    x = mx_max_pool(l, x, 2, 2, 0);
    x = inception(l, x, mx_path(path, "inception2").text, 24, 12);
    return mx_max_pool(l, x, 2, 2, 0);
}

static void build(mx_layers *l, const mx_request *request)
{
    mx_name both[2] = {face(l, "entire"), face(l, "puzzled")};
    both[0] = mx_channel_gate(l, both[0], "entire.channel", CHANNELS, HIDDEN, true);
    both[0] = mx_spatial_gate(l, both[0], "entire.spatial", 3, 1, true);
    both[0] = mx_mark(l, mx_flatten(l, both[0]), "entire.features");
    both[1] = mx_mark(l, mx_flatten(l, both[1]), "puzzled.features");
    mx_name x = mx_concat(l, both, 2, 1);
    x = mx_norm(l, mx_fc(l, x, "fc1", 4704, 1024, true), "bn1", 1024);
    x = mx_dropout(l, mx_relu(l, x), 0.5f);
    mx_output(l, mx_fc(l, x, "fc2", 1024, request->n_classes, true), "logits");
}

const mx_system mx_system_dual_atme = {
    .info = {.name = "dual-atme",
        .title = "Dual-ATME (Zhou et al., Entropy 2023)",
        .n_classes = 3,
        .width = 28,
        .height = 28,
        .n_parameters = 4833193},
    .build = build,
};
