/* SPDX-License-Identifier: MIT */
/* In the style of FeatRef: Zhou, Mao, Huang, Zhang, Zhang: Feature refinement: an
 * expression-specific feature learning and fusion method for micro-expression
 * recognition, Pattern Recognition 122, 2022. The shared part is Dual-Inception (Zhou,
 * Mao, Xue, FG 2019); the sizes of the others are ours. */
#include "system/system_table.h"

enum { SHARED = 1024, SPECIFIC = 128 };

static mx_name unit(
    mx_layers *l, mx_name x, const char *path, int64_t in, int64_t out, int64_t kernel)
{
    const mx_conv conv = {.in = in, .out = out, .kernel = kernel, .pad = kernel / 2};
    return mx_relu(l, mx_conv_layer(l, x, path, conv));
}

static mx_name inception(
    mx_layers *l, mx_name x, const char *path, int64_t in, int64_t out)
{
    mx_name part[4];
    part[0] = unit(l, x, mx_path(path, "point").text, in, out, 1);
    part[1] = unit(l, x, mx_path(path, "reduce3").text, in, out, 1);
    part[1] = unit(l, part[1], mx_path(path, "conv3").text, out, out, 3);
    part[2] = unit(l, x, mx_path(path, "reduce5").text, in, out, 1);
    part[2] = unit(l, part[2], mx_path(path, "conv5").text, out, out, 5);
    part[3] = unit(l, mx_max_pool(l, x, 3, 1, 1), mx_path(path, "pool").text, in, out, 1);
    return mx_concat(l, part, 4, 1);
}

static mx_name stream(mx_layers *l, const char *path)
{
    mx_name x = mx_input(l, path, 3, 28, 28);
    x = inception(l, x, mx_path(path, "inception1").text, 3, 6);
    x = inception(
        l, mx_max_pool(l, x, 2, 2, 0), mx_path(path, "inception2").text, 24, 16);
    return mx_flatten(l, mx_max_pool(l, x, 2, 2, 0));
}

/* What is specific to one class, and how much the branch proposes that class. */
static mx_name refine(mx_layers *l, mx_name h, int index, mx_name *proposal)
{
    const mx_name path = mx_path("", "branch%d", index);
    mx_name a = mx_relu(
        l, mx_fc(l, h, mx_path(path.text, "attention1").text, SHARED, SPECIFIC, true));
    a = mx_fc(l, a, mx_path(path.text, "attention2").text, SPECIFIC, SHARED, true);
    a = mx_mul(l, mx_sigmoid(l, a), h);
    const mx_name e = mx_relu(
        l, mx_fc(l, a, mx_path(path.text, "specific").text, SHARED, SPECIFIC, true));
    *proposal = mx_sigmoid(
        l, mx_fc(l, e, mx_path(path.text, "proposal").text, SPECIFIC, 1, true));
    return e;
}

static void build(mx_layers *l, const mx_request *request)
{
    const mx_name streams[2] = {stream(l, "flow_x"), stream(l, "flow_y")};
    const mx_name h =
        mx_relu(l, mx_fc(l, mx_concat(l, streams, 2, 1), "shared", 6272, SHARED, true));
    mx_name specific = {""}, proposals = {""}, both[2], proposal;
    for (int k = 0; k < request->n_classes; k++) {
        const mx_name e = refine(l, h, k, &proposal);
        both[0] = specific, both[1] = e;
        specific = k ? mx_concat(l, both, 2, 1) : e;
        both[0] = proposals, both[1] = proposal;
        proposals = k ? mx_concat(l, both, 2, 1) : proposal;
    }
    const int64_t width = SPECIFIC * request->n_classes;
    mx_output(
        l, mx_fc(l, specific, "classifier", width, request->n_classes, true), "logits");
    mx_output(l, proposals, "proposals");
}

const mx_system mx_system_featref = {
    .info = {.name = "featref",
        .title = "in the style of FeatRef (Zhou et al., Pattern Recognition 2022)",
        .n_classes = 3,
        .width = 28,
        .height = 28,
        .n_parameters = 7631918},
    .build = build,
};
