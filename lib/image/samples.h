/* SPDX-License-Identifier: MIT */
/* Rows of samples (pixels times channels) of any format as double, in the format's own
 * units, which is what geometry calculates in. */
#ifndef MX_IMAGE_SAMPLES_H
#define MX_IMAGE_SAMPLES_H

#include <stddef.h>

#include "microexpr/image.h"

int mx_samples_per_pixel(mexpr_format format);

/* out[i] += weight × sample i. */
void mx_samples_add(
    mexpr_format format, const void *row, size_t n, double weight, double *out);

/* Integers are rounded to nearest and clamped. */
void mx_samples_store(mexpr_format format, const double *samples, size_t n, void *row);

#endif
