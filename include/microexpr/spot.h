/* SPDX-License-Identifier: MIT */
/**
 * @file spot.h
 * What looks at a sequence of frames instead of a pair: descriptors of a clip's texture
 * in time, clips of another length, motions made larger. See docs/spot.md.
 */
#ifndef MICROEXPR_SPOT_H
#define MICROEXPR_SPOT_H

#include "base.h"
#include "image.h"

MEXPR_BEGIN_DECLS

/* --- LBP-TOP ----------------------------------------------------------------------- */

/* Frames are given as an array of pictures of equal size and any format, in time order at
 * a constant rate; colour is turned to grey. They are read only and never kept. */

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

/* --- temporal interpolation -------------------------------------------------------- */

/** How frames between frames are made. */
typedef enum mexpr_interpolation {
    /**
     * The temporal interpolation model: Z. Zhou, G. Zhao, M. Pietikäinen, "Towards a
     * Practical Lipreading System", CVPR 2011, section 3: the curve of the path graph's
     * Laplacian eigenvectors through all frames.
     */
    MEXPR_INTERPOLATION_TIM = 1,
    MEXPR_INTERPOLATION_LINEAR = 2 /**< between the two neighbours */
} mexpr_interpolation;

/** Options of mexpr_interpolate(); a field of 0 means its default. */
typedef struct mexpr_interpolate_options {
    size_t struct_size;
    int32_t method;    /**< mexpr_interpolation; MEXPR_INTERPOLATION_TIM */
    int64_t first;     /**< first frame of the clip that counts, from 0; 0 */
    int64_t n_in;      /**< frames from there on; 0: all. Needed for streams */
    int64_t n_out;     /**< frames to make; no default */
} mexpr_interpolate_options;

#define MEXPR_INTERPOLATE_OPTIONS_INIT                                                   \
    {                                                                                    \
        sizeof(mexpr_interpolate_options), 0, 0, 0, 0                                    \
    }

/**
 * Takes frame `index` of a clip that is made. The picture lives until the call returns.
 * @return 0 to go on; anything else ends the work with MEXPR_E_CANCELLED
 */
typedef int32_t (*mexpr_frame_fn)(void *user, int64_t index, const mexpr_image *frame);

/**
 * A clip with another number of frames: frame j of n_out lies at j (n_in - 1) / (n_out -
 * 1) in the old one, the first and the last on their own places; a single one lies in the
 * middle. Frames have the format of the clip's first frame, rounded and clamped where
 * that is of integers; every channel is treated alike. n_out = n_in gives the clip itself
 * (to rounding).
 *
 * LINEAR reads the clip once and holds two frames. With TIM every frame depends on all,
 * so the clip must be complete; memory is 8 bytes per sample of some output frames. Up to
 * 64 MiB of them (one at least) are made in one pass over the clip, and a clip of files
 * or pictures is read again for the next; a stream gets one pass, and as much memory as
 * n_out frames take. Frames are made on the context's threads; they do not depend on
 * their number.
 * @param take     receives the frames in order; its first argument is `user`, as that of
 *                 progress
 * @param progress called after every step, a frame read (TIM) or made (LINEAR); or NULL
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_RANGE (an option; fewer frames than n_in),
 *         MEXPR_E_ABI, MEXPR_E_LIMIT (max_frames), MEXPR_E_TYPE (a frame has another
 *         format), MEXPR_E_CANCELLED, MEXPR_E_NOMEM, and what mexpr_clip_frame() returns.
 *         The sentence is the context's.
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_interpolate(mexpr_context *context, mexpr_clip *clip,
    const mexpr_interpolate_options *options, mexpr_frame_fn take,
    mexpr_progress_fn progress, void *user);

/* --- motion magnification ---------------------------------------------------------- */

/** The temporal filter; all are recursive and have no response at 0 Hz. */
typedef enum mexpr_band {
    /** Second-order section: Butterworth, gain 1 in the middle of the band, -3 dB at its
     *  ends. */
    MEXPR_BAND_FIRST = 1,
    /** Two sections: Butterworth with the same ends and twice the slope. */
    MEXPR_BAND_SECOND = 2,
    /** A low-pass at the upper end minus one at the lower, both of first order: that of
     *  the authors' program. Gain (high - low) / (high + low) in the middle. */
    MEXPR_BAND_DIFFERENCE = 3
} mexpr_band;

/** Options of mexpr_magnifier_create(); a field of 0 means its default. */
typedef struct mexpr_magnify_options {
    size_t struct_size;
    double fps;        /**< frames per second, more than 2 high; no default */
    double low;        /**< lower end of the band in Hz, above 0; 0.4 */
    double high;       /**< upper end, above low; 3 */
    double alpha;      /**< amplification, 0 < alpha <= 1000; 10 */
    double wavelength; /**< px above which alpha is given in full, 0 < .. <= 1e6; 16 */
    double chroma;     /**< share of alpha given to colour, 0..1; 0: luminance alone */
    int32_t band;      /**< mexpr_band; MEXPR_BAND_FIRST */
    int32_t levels;    /**< most pyramid levels, 1..30; 30: as many as fit */
} mexpr_magnify_options;

#define MEXPR_MAGNIFY_OPTIONS_INIT                                                       \
    {                                                                                    \
        sizeof(mexpr_magnify_options), 0, 0, 0, 0, 0, 0, 0, 0                            \
    }

/**
 * Makes small motions larger while frames pass through: Eulerian video magnification,
 * H.-Y. Wu, M. Rubinstein, E. Shih, J. Guttag, F. Durand, W. Freeman, "Eulerian Video
 * Magnification for Revealing Subtle Changes in the World", ACM Trans. Graphics 31
 * (2012).
 *
 * Each frame is split into a Laplacian pyramid; every pixel of each level passes the band
 * filter, which is scaled and added to the frame. Level k answers most to wavelengths l =
 * 5·2^k px and gets the paper's bound: min(alpha, l (1 + alpha) / wavelength - 1), at
 * least 0. What is left above the last level is not amplified. The filter starts as if
 * the first frame had always been there. Frames go in and come out one by one; memory is
 * that of some frames. One thread at a time.
 */
typedef struct mexpr_magnifier mexpr_magnifier;

/**
 * Makes a magnifier.
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_RANGE, MEXPR_E_ABI, MEXPR_E_NOMEM
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_magnifier_create(
    mexpr_context *context, const mexpr_magnify_options *options, mexpr_magnifier **out);
/** Destroys a magnifier. @since 0.1.0 */
MEXPR_API void mexpr_magnifier_destroy(mexpr_magnifier **magnifier);
/** The sentence about the last failed call on this magnifier. @since 0.1.0 */
MEXPR_API const char *mexpr_magnifier_last_error(const mexpr_magnifier *magnifier);

/**
 * Gives the next frame. All frames have the first one's size and format. After the first
 * call, calls allocate nothing.
 * @return MEXPR_OK; MEXPR_AGAIN when the frame before was not pulled yet: pull and push
 *         again; MEXPR_E_ARG, MEXPR_E_SHAPE, MEXPR_E_TYPE, MEXPR_E_FORMAT (a float
 *         picture holds NaN or infinity), MEXPR_E_NOMEM. A frame that fails leaves no
 *         trace.
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_magnifier_push(
    mexpr_magnifier *magnifier, const mexpr_image *frame);

/**
 * Takes the magnified frame, in the pushed one's format; integers are rounded and
 * clamped, alpha is as it was. It belongs to the magnifier and lives until the next push.
 * @return MEXPR_OK; MEXPR_AGAIN when a frame must be pushed first; MEXPR_E_ARG
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_magnifier_pull(
    mexpr_magnifier *magnifier, const mexpr_image **out);

/** Forgets all frames: the next may begin another clip of any size. @since 0.1.0 */
MEXPR_API void mexpr_magnifier_reset(mexpr_magnifier *magnifier);

MEXPR_END_DECLS

#endif
