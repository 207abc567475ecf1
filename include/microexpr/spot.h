/* SPDX-License-Identifier: MIT */
/**
 * @file spot.h
 * What looks at a sequence of frames instead of a pair: descriptors of a clip's texture
 * in time. See docs/spot.md.
 *
 * Frames are given as an array of pictures of equal size and any format, in time order at
 * a constant rate; colour is turned to grey. They are read only and never kept.
 */
#ifndef MICROEXPR_SPOT_H
#define MICROEXPR_SPOT_H

#include "base.h"
#include "image.h"

MEXPR_BEGIN_DECLS

/* --- LBP-TOP --------------------------------------------------------------------- */

/** How a neighbour between pixels is read. */
typedef enum mexpr_lbp_sampling {
    MEXPR_LBP_BILINEAR = 1, /**< from the four pixels (or pixels of two frames) around */
    MEXPR_LBP_NEAREST = 2   /**< the nearest one, ⌊position + ½⌋ */
} mexpr_lbp_sampling;

/** Which patterns have a bin of their own. */
typedef enum mexpr_lbp_patterns {
    /**
     * Uniform patterns, which have at most two changes between 0 and 1 around the circle,
     * in ascending order of their code; one last bin for all others: P (P - 1) + 3 bins
     * for P neighbours, 59 for 8.
     */
    MEXPR_LBP_UNIFORM = 1,
    MEXPR_LBP_ALL = 2 /**< every code: 2^P bins */
} mexpr_lbp_patterns;

/** Options of mexpr_lbp_top(); a field of 0 means its default. */
typedef struct mexpr_lbp_top_options {
    size_t struct_size;
    int32_t radius_x;      /**< px, 1..32; 1 */
    int32_t radius_y;      /**< px, 1..32; 1 */
    int32_t radius_t;      /**< frames, 1..32; 4 */
    int32_t neighbours_xy; /**< on the circle in the picture plane, 4..16; 8 */
    int32_t neighbours_xt; /**< in the plane of x and time; 8 */
    int32_t neighbours_yt; /**< in the plane of y and time; 8 */
    int32_t columns;       /**< blocks across; 5 */
    int32_t rows;          /**< blocks down; 5 */
    int32_t layers;        /**< blocks in time; 1 */
    int32_t sampling;      /**< mexpr_lbp_sampling; MEXPR_LBP_BILINEAR */
    int32_t patterns;      /**< mexpr_lbp_patterns; MEXPR_LBP_UNIFORM */
    int32_t counts;        /**< not 0: counts instead of shares that sum to 1 */
} mexpr_lbp_top_options;

#define MEXPR_LBP_TOP_OPTIONS_INIT                                                       \
    {                                                                                    \
        sizeof(mexpr_lbp_top_options), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0                \
    }

/**
 * Local binary patterns on three orthogonal planes: G. Zhao, M. Pietikäinen, "Dynamic
 * Texture Recognition Using Local Binary Patterns with an Application to Facial
 * Expressions", IEEE Trans. PAMI 29 (2007), 915-928.
 *
 * Neighbour p of P sets bit p of the code when its grey, in the 0..255 convention, is not
 * below the centre's (less than 1e-6 below still counts as equal: rounding shall not
 * decide); it lies, with a = 2πp/P, at (x + radius_x cos a, y - radius_y sin a) in XY, at
 * (x + radius_x cos a, t + radius_t sin a) in XT and at (y - radius_y sin a, t + radius_t
 * cos a) in YT. Centres are the pixels whose neighbours all exist: radius_x ≤ x < width -
 * radius_x, and so for y and t. Block i of n covers the centres from ⌊i·c/n⌋ up to before
 * ⌊(i+1)·c/n⌋ of the c there are along an axis.
 *
 * @param frames   n_frames pictures
 * @param options  NULL for all defaults
 * @param values   receives for every block (layer by layer, row by row) the histograms of
 *                 XY, XT and YT; NULL: only *n is wanted
 * @param capacity floats that `values` has room for
 * @param n        receives the number of floats, or NULL
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_RANGE (an option, or the capacity),
 *         MEXPR_E_SHAPE (sizes differ; too few frames or pixels for radii and blocks),
 *         MEXPR_E_ABI, MEXPR_E_LIMIT (max_frames), MEXPR_E_NOMEM
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_lbp_top(mexpr_context *context,
    const mexpr_image *const *frames, int32_t n_frames,
    const mexpr_lbp_top_options *options, float *values, size_t capacity, size_t *n);

MEXPR_END_DECLS

#endif
