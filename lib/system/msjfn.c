/* SPDX-License-Identifier: MIT */
/* In the style of MSJFN, the multi-scale joint feature network (Computational Visual
 * Media 7(3), 2021): the publication gives backbone and joint modules, the sizes here are
 * ours. */
#include "system/system_table.h"

enum { N_STAGES = 4, JOINT = 64 };

static const int64_t widths[N_STAGES] = {32, 64, 128, 256};

typedef struct maps {
    mx_name map[N_STAGES];
    int64_t side[N_STAGES];
} maps;

static mx_name conv_norm(mx_layers *l, mx_name x, const char *path, mx_conv conv)
{
    conv.no_bias = true;
    x = mx_conv_layer(l, x, mx_path(path, "conv").text, conv);
    return mx_norm(l, x, mx_path(path, "bn").text, conv.out);
}

/* He et al. 2016. */
static mx_name block(
    mx_layers *l, mx_name x, const char *path, int64_t in, int64_t out, int64_t stride)
{
    const mx_conv first = {.in = in, .out = out, .kernel = 3, .stride = stride, .pad = 1};
    const mx_conv second = {.in = out, .out = out, .kernel = 3, .pad = 1};
    const mx_conv point = {.in = in, .out = out, .kernel = 1, .stride = stride};
    mx_name y = mx_relu(l, conv_norm(l, x, mx_path(path, "unit1").text, first));
    y = conv_norm(l, y, mx_path(path, "unit2").text, second);
    if (stride > 1)
        x = conv_norm(l, x, mx_path(path, "skip").text, point);
    return mx_relu(l, mx_add(l, y, x));
}

static void backbone(mx_layers *l, int64_t size, maps *m)
{
    const mx_conv stem = {.in = 3, .out = 32, .kernel = 7, .stride = 2, .pad = 3};
    mx_name x = mx_input(l, "flow", 3, size, size);
    x = mx_max_pool(l, mx_relu(l, conv_norm(l, x, "stem", stem)), 3, 2, 1);
    int64_t side = size / 4;
    for (int i = 0; i < N_STAGES; i++) {
        const mx_name path = mx_path("", "stage%d", i + 1);
        x = block(l, x, path.text, widths[i ? i - 1 : 0], widths[i], i ? 2 : 1);
        side = i ? (side + 1) / 2 : side;
        m->map[i] = x;
        m->side[i] = side;
    }
}

static mx_name resize(mx_layers *l, mx_name x, int64_t from, int64_t to)
{
    static const int64_t dims[1] = {4};
    const float factor = (float)((double)to / (double)from);
    const float scales[4] = {1, 1, factor, factor};
    const mx_name none = {""};
    const mx_name inputs[3] = {x, none, mx_floats(l, 1, dims, scales)};
    mexpr_builder_string(l->b, "mode", "linear");
    mexpr_builder_string(l->b, "coordinate_transformation_mode", "half_pixel");
    return mx_op(l, "Resize", inputs, 3);
}

/* Joint feature module k: stages k and k + 1. */
static mx_name joint(mx_layers *l, const maps *m, int k, int64_t n_classes)
{
    const mx_name path = mx_path("", "joint%d", k + 1);
    const mx_conv low = {.in = widths[k], .out = JOINT, .kernel = 1};
    const mx_conv high = {.in = widths[k + 1], .out = JOINT, .kernel = 1};
    const mx_conv both = {.in = 2 * JOINT, .out = JOINT, .kernel = 3, .pad = 1};
    mx_name part[2];
    part[0] = conv_norm(l, m->map[k], mx_path(path.text, "low").text, low);
    part[1] = conv_norm(l, m->map[k + 1], mx_path(path.text, "high").text, high);
    part[1] = resize(l, part[1], m->side[k + 1], m->side[k]);
    mx_name x = mx_concat(l, part, 2, 1);
    x = mx_relu(l, conv_norm(l, x, mx_path(path.text, "both").text, both));
    x = mx_flatten(l, mx_global(l, "GlobalAveragePool", x));
    x = mx_fc(l, x, mx_path(path.text, "fc").text, JOINT, n_classes, true);
    return mx_mark(l, x, mx_path(path.text, "logits").text);
}

static void build(mx_layers *l, const mx_request *request)
{
    maps m;
    backbone(l, request->width, &m);
    mx_name z[N_STAGES];
    for (int k = 0; k < N_STAGES - 1; k++)
        z[k] = joint(l, &m, k, request->n_classes);
    mx_name x = mx_flatten(l, mx_global(l, "GlobalAveragePool", m.map[N_STAGES - 1]));
    x = mx_mark(l, mx_fc(l, x, "fc", 256, request->n_classes, true), "backbone.logits");
    const mx_name sum = mx_add(l, mx_add(l, z[0], z[1]), z[2]);
    mx_output(l, mx_add(l, x, mx_mul(l, sum, mx_scalar(l, (float)(1.0 / 3)))), "logits");
}

const mx_system mx_system_msjfn = {
    .info = {.name = "msjfn",
        .title = "in the style of MSJFN (Computational Visual Media 2021)",
        .n_classes = 3,
        .width = 112,
        .height = 112,
        .size_step = 32,
        .n_parameters = 1496940},
    .range = "raw",
    .build = build,
};
