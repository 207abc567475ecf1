/* SPDX-License-Identifier: MIT */
/* Liong, Gan, See, Khor, Huang: Shallow triple stream three-dimensional CNN (STSTNet) for
 * micro-expression recognition, FG 2019. Padding 2 as in the authors' PyTorch code. */
#include "system/system_table.h"

static mx_name stream(mx_layers *l, mx_name x, const char *path, int64_t kernels)
{
    const mx_conv conv = {.in = 3, .out = kernels, .kernel = 3, .pad = 2};
    x = mx_relu(l, mx_conv_layer(l, x, mx_path(path, "conv").text, conv));
    x = mx_norm(l, x, mx_path(path, "bn").text, kernels);
    return mx_dropout(l, mx_max_pool(l, x, 3, 3, 1), 0.5f);
}

static void build(mx_layers *l, const mx_request *request)
{
    const mx_name x = mx_input(l, "flow", 3, 28, 28);
    const mx_name streams[3] = {stream(l, x, "stream1", 3), stream(l, x, "stream2", 5),
        stream(l, x, "stream3", 8)};
    const mx_name map = mx_average_pool(l, mx_concat(l, streams, 3, 1), 2, 2);
    mx_output(
        l, mx_fc(l, mx_flatten(l, map), "fc", 400, request->n_classes, true), "logits");
}

const mx_system mx_system_ststnet = {
    .info = {.name = "ststnet",
        .title = "STSTNet (Liong et al., FG 2019)",
        .n_classes = 3,
        .width = 28,
        .height = 28,
        .n_parameters = 1683},
    .planes = "strain,v,u",
    .build = build,
};
