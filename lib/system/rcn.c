/* SPDX-License-Identifier: MIT */
/* Xia, Peng, Khor, Feng: Revealing the invisible with model and data shrinking for
 * composite-database micro-expression recognition, IEEE Trans. Image Processing 29, 2020.
 */
#include "system/system_table.h"

typedef struct plan {
    int64_t maps;
    int64_t side;   /* of the pooled map */
    int64_t window; /* an average pool that gives that map */
    int64_t stride;
} plan;

/* One convolution, used again with its input added. */
static mx_name recurrent(mx_layers *l, mx_name x, int64_t maps)
{
    const mx_conv first = {.in = maps, .out = maps, .kernel = 1};
    const mx_conv again = {.in = maps, .out = maps, .kernel = 3, .pad = 1};
    mx_name y = mx_conv_norm_relu(l, x, "rcl.first", first);
    mx_conv_weights(l, "rcl.again.conv", &again);
    mx_norm_weights(l, "rcl.again.bn", maps);
    for (int step = 0; step < 2; step++) {
        y = mx_conv_apply(l, mx_add(l, x, y), "rcl.again.conv", &again);
        y = mx_relu(l, mx_norm_apply(l, y, "rcl.again.bn", 1e-5f));
    }
    return y;
}

static void build_plan(mx_layers *l, const mx_request *request, const plan *p)
{
    const mx_conv stem = {.in = 3, .out = p->maps, .kernel = 5};
    l->conv_init = MEXPR_INIT_HE_NORMAL;
    l->fc_init = MEXPR_INIT_NORMAL;
    l->fc_scale = 0.01;
    mx_name x = mx_input(l, "flow", 3, request->height, request->width);
    x = mx_conv_norm_relu(l, x, "conv1", stem);
    x = mx_dropout(l, mx_max_pool(l, x, 2, 2, 0), 0.5f);
    x = mx_max_pool(l, recurrent(l, x, p->maps), 2, 2, 0);
    x = mx_average_pool(l, mx_dropout(l, x, 0.5f), p->window, p->stride);
    mx_output(l,
        mx_fc(l, mx_flatten(l, x), "fc", p->maps * p->side * p->side, request->n_classes,
            true),
        "logits");
}

/* 60 - 4 = 56, 28, 14: windows of 2 give 7. */
static void build(mx_layers *l, const mx_request *request)
{
    static const plan p = {64, 7, 2, 2};
    build_plan(l, request, &p);
}

/* 28 - 4 = 24, 12, 6: adaptive pooling to 5 takes overlapping windows of 2. */
static void build_small(mx_layers *l, const mx_request *request)
{
    static const plan p = {32, 5, 2, 1};
    build_plan(l, request, &p);
}

const mx_system mx_system_rcn = {
    .info = {.name = "rcn",
        .title = "RCN (Xia et al., IEEE TIP 2020)",
        .n_classes = 3,
        .width = 60,
        .height = 60,
        .n_parameters = 55747},
    .planes = "u,v,strain",
    .range = "0,1",
    .build = build,
};

const mx_system mx_system_rcn_small = {
    .info = {.name = "rcn-small",
        .title = "RCN with 32 maps for 28 x 28 (Xia et al., IEEE TIP 2020)",
        .n_classes = 3,
        .width = 28,
        .height = 28,
        .n_parameters = 15331},
    .planes = "u,v,strain",
    .range = "0,1",
    .build = build_small,
};
