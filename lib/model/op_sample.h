/* SPDX-License-Identifier: MIT */
/* How GridSample finds its elements, for those who go the other way. */
#ifndef MX_MODEL_OP_SAMPLE_H
#define MX_MODEL_OP_SAMPLE_H

#include "model/operator.h"

typedef enum mx_sample_mode {
    MX_SAMPLE_LINEAR,
    MX_SAMPLE_NEAREST,
    MX_SAMPLE_CUBIC
} mx_sample_mode;
typedef enum mx_sample_padding {
    MX_SAMPLE_ZEROS,
    MX_SAMPLE_BORDER,
    MX_SAMPLE_REFLECTION
} mx_sample_padding;

/* What infer makes for forward. */
typedef struct mx_sample_params {
    mx_sample_mode mode;
    mx_sample_padding padding;
    bool align_corners;
} mx_sample_params;

enum { MX_SAMPLE_TAPS = 4 };

/* The elements (-1: zero) along one axis that make a sample, their weights, and how those
 * grow with the number of the grid. */
typedef struct mx_sample_axis {
    int n;
    int64_t index[MX_SAMPLE_TAPS];
    double weight[MX_SAMPLE_TAPS], slope[MX_SAMPLE_TAPS];
} mx_sample_axis;

/* `at`: the grid's number for an axis of n elements. */
void mx_sample_along(
    const mx_sample_params *params, double at, int64_t n, mx_sample_axis *axis);

#endif
