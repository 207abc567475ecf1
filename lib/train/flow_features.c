/* SPDX-License-Identifier: MIT */
#include "train/flow_features.h"

#include <math.h>
#include <stdlib.h>

enum { N_PIXELS = MX_FLOW_SIDE * MX_FLOW_SIDE, HALF = MX_FLOW_SIDE / 2 };

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

/* --- derivatives ------------------------------------------------------------------- */

/* Means of 2 of a row that has been through a Gaussian (taps to four standard deviations,
 * the row mirrored at its ends) and, if wanted, a central difference (its ends repeated):
 * weights of the row's numbers, `transposed` from row to result or the other way round.
 */
static mx_name filter(mx_layers *l, double sigma, bool is_difference, bool transposed)
{
    const int64_t dims[2] = {
        transposed ? MX_FLOW_SIDE : HALF, transposed ? HALF : MX_FLOW_SIDE};
    const int last = MX_FLOW_SIDE - 1, radius = (int)fmin(4 * sigma + 0.5, last);
    double sum = 0, smooth[MX_FLOW_SIDE][MX_FLOW_SIDE] = {{0}};
    float values[HALF * MX_FLOW_SIDE] = {0};
    for (int k = -radius; k <= radius; k++)
        sum += exp(-0.5 * k * k / (sigma * sigma));
    for (int i = 0; i <= last; i++)
        for (int k = -radius; k <= radius; k++) {
            const int at = abs(i + k) <= last ? abs(i + k) : 2 * last - i - k;
            smooth[i][at] += exp(-0.5 * k * k / (sigma * sigma)) / sum;
        }
    for (int i = 0; i <= last; i++)
        for (int j = 0; j <= last; j++) {
            const int before = i > 0 ? i - 1 : 0, behind = i < last ? i + 1 : last;
            const double weight = is_difference
                                      ? (smooth[behind][j] - smooth[before][j]) / 2
                                      : smooth[i][j];
            values[transposed ? j * HALF + i / 2 : i / 2 * MX_FLOW_SIDE + j] +=
                (float)(weight / 2);
        }
    return mx_floats(l, 2, dims, values);
}

static mx_name derivatives(mx_layers *l, mx_name uv, double sigma)
{
    const mx_name smooth = mx_op2(l, "MatMul", uv, filter(l, sigma, false, true));
    const mx_name slope = mx_op2(l, "MatMul", uv, filter(l, sigma, true, true));
    const mx_name both[2] = {mx_op2(l, "MatMul", filter(l, sigma, false, false), slope),
        mx_op2(l, "MatMul", filter(l, sigma, true, false), smooth)};
    return mx_concat(l, both, 2, 1);
}

mx_name mx_flow_feature_rows(mx_layers *l, mx_name normalised, mx_flow_feature feature)
{
    return mx_flatten(l, feature.sigma > 0
                             ? derivatives(l, planes(l, normalised, 0, 2), feature.sigma)
                             : mx_average_pool(l, normalised, 2, 2));
}

int64_t mx_flow_feature_size(mx_flow_feature feature)
{
    return (feature.sigma > 0 ? 4 : 3) * HALF * HALF;
}
