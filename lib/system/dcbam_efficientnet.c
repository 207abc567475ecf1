/* SPDX-License-Identifier: MIT */
/* In the style of DCBAM-EfficientNet (J. Phys.: Conf. Ser. 2504, 012062, 2023):
 * EfficientNet- B0 (Tan and Le 2019) with a CBAM in each block whose spatial convolution
 * is dilated. Where it sits and its sizes are ours. */
#include "system/system_table.h"

enum { N_STAGES = 7, STEM = 32, TOP = 1280 };

typedef struct stage {
    int64_t kernel, stride, expand, repeats, out;
} stage;

static const stage stages[N_STAGES] = {{3, 1, 1, 1, 16}, {3, 2, 6, 2, 24},
    {5, 2, 6, 2, 40}, {3, 2, 6, 3, 80}, {5, 1, 6, 3, 112}, {5, 2, 6, 4, 192},
    {3, 1, 6, 1, 320}};

static mx_name conv_norm(mx_layers *l, mx_name x, const char *path, mx_conv conv)
{
    conv.pad = MX_SAME;
    conv.no_bias = true;
    x = mx_conv_layer(l, x, mx_path(path, "conv").text, conv);
    const mx_name norm = mx_path(path, "bn");
    mx_norm_weights(l, norm.text, conv.out);
    return mx_norm_apply(l, x, norm.text, 1e-3f);
}

/* x·sigmoid(x), Ramachandran et al. 2017. */
static mx_name swish(mx_layers *l, mx_name x)
{
    return mx_mul(l, x, mx_sigmoid(l, x));
}

static mx_name block(
    mx_layers *l, mx_name x, const char *path, int64_t in, int64_t stride, const stage *s)
{
    const int64_t wide = in * s->expand, hidden = in / 4 > 0 ? in / 4 : 1;
    const mx_conv expand = {.in = in, .out = wide, .kernel = 1};
    const mx_conv depth = {
        .in = wide, .out = wide, .kernel = s->kernel, .stride = stride, .groups = wide};
    const mx_conv project = {.in = wide, .out = s->out, .kernel = 1};
    mx_name y = x;
    if (s->expand > 1)
        y = swish(l, conv_norm(l, y, mx_path(path, "expand").text, expand));
    y = swish(l, conv_norm(l, y, mx_path(path, "depth").text, depth));
    y = mx_channel_gate(l, y, mx_path(path, "channel").text, wide, hidden, false);
    y = mx_spatial_gate(l, y, mx_path(path, "spatial").text, 3, 3, false);
    y = conv_norm(l, y, mx_path(path, "project").text, project);
    return stride == 1 && in == s->out ? mx_add(l, y, x) : y;
}

static void build(mx_layers *l, const mx_request *request)
{
    const mx_conv stem = {.in = 3, .out = STEM, .kernel = 3, .stride = 2};
    const mx_conv top = {.in = 320, .out = TOP, .kernel = 1};
    int64_t in = STEM;
    int n = 0;
    mx_name x = mx_input(l, "flow", 3, request->height, request->width);
    x = swish(l, conv_norm(l, x, "stem", stem));
    for (int i = 0; i < N_STAGES; i++) {
        for (int64_t k = 0; k < stages[i].repeats; k++) {
            x = block(l, x, mx_path("", "block%d", n++).text, in,
                k == 0 ? stages[i].stride : 1, &stages[i]);
            in = stages[i].out;
        }
    }
    x = swish(l, conv_norm(l, x, "top", top));
    x = mx_dropout(l, mx_flatten(l, mx_global(l, "GlobalAveragePool", x)), 0.2f);
    mx_output(l, mx_fc(l, x, "fc", TOP, request->n_classes, true), "logits");
}

const mx_system mx_system_dcbam_efficientnet = {
    .info = {.name = "dcbam-efficientnet",
        .title = "in the style of DCBAM-EfficientNet (J. Phys.: Conf. Ser. 2023)",
        .n_classes = 3,
        .width = 112,
        .height = 112,
        .size_step = 32,
        .n_parameters = 4002339},
    .planes = "u,v,strain",
    .range = "-1,1",
    .build = build,
};
