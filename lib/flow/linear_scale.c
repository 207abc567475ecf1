/* SPDX-License-Identifier: MIT */
#include "flow/linear_scale.h"

#include <math.h>

#include "base/checked.h"
#include "base/scope.h"

enum { LANES = MX_ALIGNMENT / sizeof(float) };

size_t mx_linear_axis_floats(int n_out)
{
    return 2 * mx_round_up((size_t)n_out, LANES);
}

float *mx_linear_axis_place(
    mx_linear_axis *axis, float *at, int n_in, int n_out, double scale)
{
    axis->n_in = n_in;
    axis->n_out = n_out;
    axis->first = (int32_t *)(void *)at;
    axis->t = at + mx_round_up((size_t)n_out, LANES);
    for (int i = 0; i < n_out; i++) {
        const float place = (float)((i + 0.5) * scale - 0.5);
        int first = (int)floorf(place);
        float t = place - (float)first;
        if (first < 0 || first >= n_in - 1) {
            first = first < 0 ? 0 : n_in - 1;
            t = 0;
        }
        axis->first[i] = first;
        axis->t[i] = t;
    }
    return at + mx_linear_axis_floats(n_out);
}

void mx_linear_scale_row(const mx_linear_kernels *kernels, const mx_linear_axis *x_axis,
    const mx_linear_axis *y_axis, int y, const float *plane, ptrdiff_t stride,
    float factor, float *out, float *line)
{
    const int n = x_axis->n_in, first = y_axis->first[y];
    const int second = first + 1 < y_axis->n_in ? first + 1 : first;
    kernels->column(
        line, plane + first * stride, plane + second * stride, y_axis->t[y], n);
    line[n] = line[n - 1];
    kernels->row(out, line, x_axis->first, x_axis->t, factor, x_axis->n_out);
}
