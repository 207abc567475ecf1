/* SPDX-License-Identifier: MIT */
/* Bilinear scaling of planes as OpenCV's resize() does it: pixel centres at halves, edges
 * repeated. */
#ifndef MX_FLOW_LINEAR_SCALE_H
#define MX_FLOW_LINEAR_SCALE_H

#include "kernel/linear_kernel.h"

/* For each place along one axis the first of two taps and the second's weight. */
typedef struct mx_linear_axis {
    int32_t *first;
    float *t;
    int n_in;
    int n_out;
} mx_linear_axis;

/* Floats of memory that an axis of n_out places takes. */
size_t mx_linear_axis_floats(int n_out);

/* Lays out an axis at `at`; a step of `scale` input places from one output place to the
 * next. Returns what follows it. */
float *mx_linear_axis_place(
    mx_linear_axis *axis, float *at, int n_in, int n_out, double scale);

/* Row y of the scaled plane, times `factor`. `line` has n_in + 1 floats of scratch. */
void mx_linear_scale_row(const mx_linear_kernels *kernels, const mx_linear_axis *x_axis,
    const mx_linear_axis *y_axis, int y, const float *plane, ptrdiff_t stride,
    float factor, float *out, float *line);

#endif
