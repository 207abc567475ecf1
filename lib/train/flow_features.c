/* SPDX-License-Identifier: MIT */
#include "train/flow_features.h"

#include <math.h>

enum { N_PIXELS = MX_FLOW_SIDE * MX_FLOW_SIDE, HALF = MX_FLOW_SIDE / 2 };
enum { MAX_RADIUS = 16, MAX_TAPS = 2 * MAX_RADIUS + 1 };

static mx_name slice(
    mx_layers *l, mx_name x, int64_t from, int64_t to, int64_t axis, int64_t step)
{
    const mx_name inputs[5] = {x, mx_ints(l, 1, &from), mx_ints(l, 1, &to),
        mx_ints(l, 1, &axis), mx_ints(l, 1, &step)};
    return mx_op(l, "Slice", inputs, 5);
}

static mx_name planes(mx_layers *l, mx_name x, int64_t from, int64_t to)
{
    return slice(l, x, from, to, 1, 1);
}

/* --- normalising ------------------------------------------------------------------- */

/* Median of the last axis, an even number of values: the mean of the two in the middle,
 * which are the last of the larger half and the one behind it. */
static mx_name median(mx_layers *l, mx_name x)
{
    const int64_t k = N_PIXELS / 2 + 1;
    const mx_name inputs[2] = {x, mx_ints(l, 1, &k)};
    const char *in[2] = {inputs[0].text, inputs[1].text};
    const mx_name largest = mx_path("", "largest:%d", l->n++);
    const mx_name places = mx_path("", "places:%d", l->n++);
    const char *out[2] = {largest.text, places.text};
    mexpr_builder_int(l->b, "axis", -1);
    mexpr_builder_node(l->b, "TopK", "", in, 2, out, 2, largest.text);
    return mx_reduce(l, "ReduceMean", slice(l, largest, k - 2, k, 2, 1), 2, true);
}

mx_name mx_flow_both(mx_layers *l, mx_name flow, float sum)
{
    static const float signs[3] = {-1, 1, 1};
    static const int64_t dims[4] = {1, 3, 1, 1};
    const float sums[3] = {sum, 0, 0};
    const mx_name turned = slice(l, flow, -1, INT64_MIN, 3, -1);
    mx_name both[2] = {flow, mx_mul(l, turned, mx_floats(l, 4, dims, signs))};
    if (sum != 0)
        both[1] = mx_add(l, both[1], mx_floats(l, 4, dims, sums));
    return mx_concat(l, both, 2, 0);
}

mx_name mx_flow_normalise(mx_layers *l, mx_name flow, float limit)
{
    static const int64_t rows[3] = {0, 0, -1};
    static const int64_t maps[4] = {0, 0, MX_FLOW_SIDE, MX_FLOW_SIDE};
    const mx_name x = mx_reshape(l, flow, 3, rows);
    const mx_name uv = planes(l, x, 0, 2);
    const mx_name parts[2] = {mx_op2(l, "Sub", uv, median(l, uv)), planes(l, x, 2, 3)};
    const mx_name moved = mx_concat(l, parts, 2, 1);
    const mx_name power = mx_reduce(l, "ReduceMean", mx_mul(l, moved, moved), 2, true);
    /* A plane without any motion stays 0. */
    const mx_name scale = mx_add(l, mx_op1(l, "Sqrt", power), mx_scalar(l, 1e-12f));
    const mx_name clip[3] = {
        mx_op2(l, "Div", moved, scale), mx_scalar(l, -limit), mx_scalar(l, limit)};
    return mx_reshape(l, mx_op(l, "Clip", clip, 3), 4, maps);
}

/* --- filters ----------------------------------------------------------------------- */

/* Every plane alike with taps along x (or y), the border as `mode` of Pad says. */
static mx_name filter(
    mx_layers *l, mx_name x, const float *taps, int n, bool along_x, const char *mode)
{
    const int64_t pad = n / 2;
    const int64_t pads[8] = {0, 0, along_x ? 0 : pad, along_x ? pad : 0, 0, 0,
        along_x ? 0 : pad, along_x ? pad : 0};
    const int64_t dims[4] = {2, 1, along_x ? 1 : n, along_x ? n : 1};
    float both[2 * MAX_TAPS];
    for (int k = 0; k < 2 * n; k++)
        both[k] = taps[k % n];
    mexpr_builder_string(l->b, "mode", mode);
    const mx_name padded = mx_op2(l, "Pad", x, mx_ints(l, 8, pads));
    const mx_name kernel = mx_floats(l, 4, dims, both);
    mexpr_builder_int(l->b, "group", 2);
    return mx_op2(l, "Conv", padded, kernel);
}

/* Taps to four standard deviations. */
static mx_name blur(mx_layers *l, mx_name x, double sigma)
{
    float taps[MAX_TAPS];
    double sum = 0;
    const int radius = (int)fmin(4 * sigma + 0.5, MAX_RADIUS);
    for (int k = -radius; k <= radius; k++)
        sum += exp(-0.5 * k * k / (sigma * sigma));
    for (int k = -radius; k <= radius; k++)
        taps[k + radius] = (float)(exp(-0.5 * k * k / (sigma * sigma)) / sum);
    const int n = 2 * radius + 1;
    return filter(l, filter(l, x, taps, n, true, "reflect"), taps, n, false, "reflect");
}

static mx_name derivatives(mx_layers *l, mx_name uv, double sigma)
{
    static const float difference[3] = {-0.5f, 0, 0.5f};
    const mx_name smooth = blur(l, uv, sigma);
    const mx_name both[2] = {filter(l, smooth, difference, 3, true, "edge"),
        filter(l, smooth, difference, 3, false, "edge")};
    return mx_concat(l, both, 2, 1);
}

mx_name mx_flow_feature_rows(mx_layers *l, mx_name normalised, mx_flow_feature feature)
{
    const mx_name maps = feature.sigma > 0
                             ? derivatives(l, planes(l, normalised, 0, 2), feature.sigma)
                             : normalised;
    return mx_flatten(l, mx_average_pool(l, maps, 2, 2));
}
