/* SPDX-License-Identifier: MIT */
/* Warps from inside. */
#ifndef MX_IMAGE_WARP_H
#define MX_IMAGE_WARP_H

#include "image/picture.h"

/* MEXPR_E_ARG, MEXPR_E_RANGE: see mexpr_image_warp(). */
mexpr_status mx_warp_check(mx_scope *scope, const double matrix[6]);

/* mexpr_image_warp() into a picture of `image`'s format, for a matrix that is checked.
 * Allocates nothing; rows are shared among the context's threads. */
void mx_warp_run(const mexpr_image *image, const double matrix[6], mexpr_image *out);

/* The kernel of a matrix, to sample single places with: the same values to rounding. */
typedef struct mx_warp_kernel {
    double shrink[2]; /* source pixels under one of the result, x and y; 1 or more */
} mx_warp_kernel;

mx_warp_kernel mx_warp_kernel_of(const double matrix[6]);

/* The value at a place of a plane of floats without gaps. */
float mx_warp_sample(const mx_warp_kernel *kernel, const float *pixels, int32_t width,
    int32_t height, double x, double y);

#endif
