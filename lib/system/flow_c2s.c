/* SPDX-License-Identifier: MIT */
/* Our own small network for flow whose u and v have been centred and scaled: what was
 * reached with it on people held out, deeper ones did not pass. */
#include "system/system_table.h"

enum { NARROW = 16, WIDE = 32, FEATURES = WIDE * 7 * 7 };

static mx_name unit(mx_layers *l, mx_name x, const char *path, int64_t in, int64_t out)
{
    const mx_conv conv = {.in = in, .out = out, .kernel = 3, .pad = 1};
    return mx_relu(l, mx_conv_layer(l, x, path, conv));
}

static void build(mx_layers *l, const mx_request *request)
{
    l->conv_scale = l->fc_scale = 2.449489742783178; /* sqrt(6): He et al. 2015, fan-in */
    mx_name x = mx_average_pool(l, mx_input(l, "flow", 3, 28, 28), 2, 2);
    x = mx_max_pool(l, unit(l, x, "conv1", 3, NARROW), 2, 2, 0);
    x = mx_dropout(l, mx_flatten(l, unit(l, x, "conv2", NARROW, WIDE)), 0.5f);
    mx_output(l, mx_fc(l, x, "fc", FEATURES, request->n_classes, true), "logits");
}

const mx_system mx_system_flow_c2s = {
    .info = {.name = "flow-c2s",
        .title = "two small convolutions on flow",
        .n_classes = 3,
        .width = 28,
        .height = 28,
        .n_parameters = 9795},
    .planes = "u,v,strain",
    .range = "raw",
    .build = build,
};
