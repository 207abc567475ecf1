/* SPDX-License-Identifier: MIT */
/* Picture pyramids of the IPOL TV-L1 program, and the way of a flow from one level to the
 * next finer one. */
#ifndef MX_FLOW_FLOW_PYRAMID_H
#define MX_FLOW_FLOW_PYRAMID_H

#include "base/scope.h"
#include "kernel/tvl1_kernel.h"

enum { MX_PYRAMID_MAX_LEVELS = 100, MX_GAUSSIAN_MAX_RADIUS = 31 };

/* One half of a normalised Gaussian, taps[0] the middle. */
typedef struct mx_gaussian {
    int radius;
    float taps[MX_GAUSSIAN_MAX_RADIUS + 1];
} mx_gaussian;

/* For n places along one axis: the first of four taps and their weights. */
typedef struct mx_cubic_axis {
    int32_t *first;
    float *weights[4];
} mx_cubic_axis;

typedef struct mx_pyramid_level {
    int width;
    int height;
    ptrdiff_t stride; /* floats from row to row */
    float *images[2]; /* around them a border of one repeated pixel, then MX_TVL1_GUARD
                         floats; gaps between rows are 0 */
    /* To the next coarser level, and from it: columns and rows. */
    mx_cubic_axis shrink_x, shrink_y, grow_x, grow_y;
} mx_pyramid_level;

typedef struct mx_pyramid {
    float zoom;
    int n_levels;
    mx_pyramid_level levels[MX_PYRAMID_MAX_LEVELS]; /* the finest first */
    mx_gaussian presmooth;
    mx_gaussian smooth;
    size_t plane_floats; /* of a plane of the finest level, without border */
    size_t line_floats;  /* of the scratch lines of one thread */
    float *block;
} mx_pyramid;

/* Lays out a pyramid of at most max_levels levels. What was there before is released. */
mexpr_status mx_pyramid_create(mx_scope *scope, mx_pyramid *pyramid, int width,
    int height, float zoom, int max_levels);
void mx_pyramid_destroy(mexpr_context *context, mx_pyramid *pyramid);

/* Makes picture `which` (0 or 1) of all levels from a plane without gaps, brought to
 * 0..255 by 255 (in - low) / span; span 0 gives zeros. `plane` has plane_floats, `lines`
 * line_floats of scratch. The two pictures may be made at the same time. */
void mx_pyramid_build(mx_pyramid *pyramid, const mx_tvl1_kernels *kernels, int which,
    const float *in, double low, double span, float *plane, float *lines);

/* Row y of a component of the flow at the finer `level` of two, in the finer level's
 * pixels, to the start of `lines`. `in` is the coarser level's plane, with its stride. */
void mx_pyramid_grow_row(const mx_pyramid *pyramid, const mx_tvl1_kernels *kernels,
    int level, int y, const float *in, float *lines);

#endif
