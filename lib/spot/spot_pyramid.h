/* SPDX-License-Identifier: MIT */
/* Laplacian pyramids of float planes without gaps: P. Burt, E. Adelson, "The Laplacian
 * Pyramid as a Compact Image Code", IEEE Trans. Communications 31 (1983), 532-540, with
 * the binomial (1 4 6 4 1) / 16 and edges mirrored without repeating the edge pixel. */
#ifndef MX_SPOT_SPOT_PYRAMID_H
#define MX_SPOT_SPOT_PYRAMID_H

#include <stdint.h>

/* Size of the next level; pixels 0, 2, 4, … are kept. */
static inline int32_t mx_half(int32_t size)
{
    return (size + 1) / 2;
}

/* Smooths and keeps every second pixel of every second row. `line` has room for `width`
 * floats. */
void mx_spot_reduce(
    const float *in, int32_t width, int32_t height, float *line, float *out);

/* out[i] += sign × the plane of half size `in`, brought to width × height. `line` has
 * room for mx_half(width) floats. */
void mx_spot_expand_add(
    const float *in, int32_t width, int32_t height, float sign, float *line, float *out);

#endif
