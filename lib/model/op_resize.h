/* SPDX-License-Identifier: MIT */
/* How Resize makes its output, for those who go the other way. */
#ifndef MX_MODEL_OP_RESIZE_H
#define MX_MODEL_OP_RESIZE_H

#include "model/operator.h"

typedef enum mx_resize_mode {
    MX_RESIZE_NEAREST,
    MX_RESIZE_LINEAR,
    MX_RESIZE_CUBIC
} mx_resize_mode;

/* What infer makes for forward. */
typedef struct mx_resize_params {
    mx_resize_mode mode;
    int nearest, coordinates;
    bool antialias, exclude_outside;
    double a, extrapolation;
    double scale[MEXPR_MAX_RANK];
    int roi[MEXPR_MAX_RANK];  /* number of the axis in the roi, -1: not in it */
    int taps[MEXPR_MAX_RANK]; /* elements that make one, 0: the axis stays as it is */
    int n_axes;
    int64_t n_floats; /* of each of the two buffers behind the table */
    size_t table;     /* bytes of the largest table */
} mx_resize_params;

/* Elements first.. of a line that make one of the output, those beyond its ends being the
 * ends. */
typedef struct mx_resize_row {
    int64_t first;
    bool outside; /* of the region (tf_crop_and_resize): it is a constant */
} mx_resize_row;

/* Nearest: the element of each output along dimension d, -1: a constant. */
void mx_resize_elements(const mx_run *run, int d, int64_t *elements);
/* Linear, cubic: a row for each output along dimension d, params->taps[d] weights each.
 */
void mx_resize_weights(const mx_run *run, int d, mx_resize_row *rows, float *weights);

#endif
