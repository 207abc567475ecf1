/* SPDX-License-Identifier: MIT */
/* Xia, Hong, Gao, Feng, Zhao: Spatiotemporal recurrent convolutional networks for
 * recognizing spontaneous micro-expressions, IEEE Trans. Multimedia 22(3), 2020: the
 * geometric variant, which reads one flow map (u, v). */
#include "system/system_table.h"

enum { MAPS = 512, N_LAYERS = 3 };

static mx_name unit(mx_layers *l, mx_name x, const char *path, int64_t in, int64_t kernel)
{
    const mx_conv conv = {
        .in = in, .out = MAPS, .kernel = kernel, .pad = kernel / 2, .no_bias = true};
    return mx_conv_norm_relu(l, x, path, conv);
}

/* A recurrent convolutional layer unrolled, with weights of its own for each step. */
static mx_name recurrent(mx_layers *l, mx_name x, const char *path)
{
    mx_name f = unit(l, x, mx_path(path, "step1").text, MAPS, 1);
    f = unit(l, mx_add(l, f, x), mx_path(path, "step2").text, MAPS, 3);
    return unit(l, mx_add(l, f, x), mx_path(path, "step3").text, MAPS, 3);
}

static void build(mx_layers *l, const mx_request *request)
{
    static const int64_t pools[N_LAYERS] = {4, 2, 2};
    const mx_conv head = {.in = MAPS, .out = request->n_classes, .kernel = 1};
    mx_name x = mx_input(l, "flow", 2, request->height, request->width);
    x = mx_max_pool(l, unit(l, x, "conv1", 2, 3), 4, 4, 0);
    for (int i = 0; i < N_LAYERS; i++) {
        x = recurrent(l, x, mx_path("", "rcl%d", i + 2).text);
        x = mx_max_pool(l, x, pools[i], pools[i], 0);
    }
    x = mx_conv_layer(l, mx_global(l, "GlobalAveragePool", x), "head", head);
    mx_output(l, mx_flatten(l, x), "logits");
}

const mx_system mx_system_strcn = {
    .info = {.name = "strcn",
        .title = "STRCN-G (Xia et al., IEEE TMM 2020)",
        .n_classes = 3,
        .width = 245,
        .height = 300,
        .n_parameters = 14963203},
    .build = build,
};
