/* SPDX-License-Identifier: MIT */
/**
 * @file flow.h
 * Dense optical flow between two pictures, optical strain, and the pictures and files the
 * field keeps them in. See docs/flow.md.
 */
#ifndef MICROEXPR_FLOW_H
#define MICROEXPR_FLOW_H

#include "base.h"
#include "image.h"

MEXPR_BEGIN_DECLS

/**
 * A displacement field: for every pixel of the first picture the way (u to the right, v
 * downwards, in pixels) to its place in the second. Unknown displacements, which only
 * files can hold, are MEXPR_FIELD_UNKNOWN in both.
 * One owner, who destroys it. Reading from several threads is safe.
 */
typedef struct mexpr_field mexpr_field;

/** A component of at least this size, or NaN, counts as unknown (Middlebury's rule). */
#define MEXPR_FIELD_UNKNOWN_THRESHOLD 1e9f
/** What the library writes for unknown. */
#define MEXPR_FIELD_UNKNOWN 1e10f

/** A new field of zeros. @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_LIMIT, MEXPR_E_NOMEM
 *  @since 0.1.0 */
MEXPR_API mexpr_status mexpr_field_create(
    mexpr_context *context, int32_t width, int32_t height, mexpr_field **out);
/** Destroys a field. @since 0.1.0 */
MEXPR_API void mexpr_field_destroy(mexpr_field **field);
/** Width in pixels, 0 for NULL. @since 0.1.0 */
MEXPR_API int32_t mexpr_field_width(const mexpr_field *field);
/** Height in pixels, 0 for NULL. @since 0.1.0 */
MEXPR_API int32_t mexpr_field_height(const mexpr_field *field);
/** The u plane: height × width floats without gaps, row by row. @since 0.1.0 */
MEXPR_API const float *mexpr_field_u(const mexpr_field *field);
/** The v plane. @since 0.1.0 */
MEXPR_API const float *mexpr_field_v(const mexpr_field *field);
/** The u plane, to write: only while no other thread reads. @since 0.1.0 */
MEXPR_API float *mexpr_field_u_pixels(mexpr_field *field);
/** The v plane, to write. @since 0.1.0 */
MEXPR_API float *mexpr_field_v_pixels(mexpr_field *field);

/** How an estimator finds the flow. The numbers are those of MEXPR_FLOW_METHOD. */
typedef enum mexpr_flow_method {
    /** TV-L1 as the IPOL program computes it: the default. */
    MEXPR_FLOW_METHOD_TVL1 = 0,
    /** The same energy minimised by an accelerated scheme: faster, not the same bits. */
    MEXPR_FLOW_METHOD_TVL1_FAST = 1,
    /** TV-L1 as OpenCV's DualTVL1OpticalFlow computes it. Reads grey values as they are,
     *  0..255, without stretching. */
    MEXPR_FLOW_METHOD_TVL1_OPENCV = 2,
    /** Polynomial expansion as OpenCV's calcOpticalFlowFarneback computes it. Reads grey
     *  values as they are, 0..255, without stretching. */
    MEXPR_FLOW_METHOD_FARNEBACK = 3
} mexpr_flow_method;

/**
 * Tunables of an estimator. Integers are given as whole doubles. In brackets the methods
 * that have the tunable (T: TVL1, F: TVL1_FAST, O: TVL1_OPENCV, P: FARNEBACK) and their
 * defaults; other methods refuse it. Bounds are T's, and the others' unless told.
 */
typedef enum mexpr_flow_param {
    MEXPR_FLOW_TAU = 1,     /**< time step of the dual update; (0, 0.25] [T, O 0.25] */
    MEXPR_FLOW_LAMBDA = 2,  /**< weight of the data term; (0, 1e4] [T, F, O 0.15] */
    MEXPR_FLOW_THETA = 3,   /**< tightness of the coupling; (0, 10] [T, F, O 0.3] */
    MEXPR_FLOW_SCALES = 4,  /**< most pyramid levels; 1..100 [T, F 100, O 5]; with P
                                 OpenCV's `levels`, those above the finest; 0..100 [P 3] */
    MEXPR_FLOW_ZOOM = 5,    /**< size ratio of neighbouring levels; [0.1, 0.95]
                                 [T, F, P 0.5, O 0.8] */
    MEXPR_FLOW_WARPS = 6,   /**< warps per level; 1..1000 [T, F, O 5] */
    MEXPR_FLOW_EPSILON = 7, /**< stop when the RMS update falls to it, px; [0, 1]
                                 [T, O 0.01, F 0.007] */
    MEXPR_FLOW_ITERATIONS = 8, /**< most iterations per warp; 1..100000 [T, F 300]; between
                                    median filters [O 30]; per level, 1..1000 [P 3] */
    MEXPR_FLOW_METHOD = 9,     /**< mexpr_flow_method. Setting it, also to what it is,
                                    gives all other tunables the method's defaults */
    MEXPR_FLOW_OUTER_ITERATIONS = 10, /**< most median filters per warp, each followed by
                                           MEXPR_FLOW_ITERATIONS; 1..1000 [O 10] */
    MEXPR_FLOW_MEDIAN = 11,     /**< side of the median filter: 1 (none), 3, 5 [O 5] */
    MEXPR_FLOW_WINDOW = 12,     /**< side of the averaging window; 2..255 [P 15] */
    MEXPR_FLOW_POLY_N = 13,     /**< reach of the polynomial fit, which takes 2 n + 1
                                     pixels each way; 1..31 [P 5] */
    MEXPR_FLOW_POLY_SIGMA = 14, /**< standard deviation of the fit's Gaussian weight, px;
                                     [0.5, 100] [P 1.2] */
    MEXPR_FLOW_GAUSSIAN = 15    /**< 1: a Gaussian window instead of a box; 0, 1 [P 0] */
} mexpr_flow_param;

/**
 * Bounds and default of a tunable of MEXPR_FLOW_METHOD_TVL1. Pointers may be NULL.
 * Thread-safe.
 * @return MEXPR_OK, MEXPR_E_ARG for an id that the method does not have
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_flow_param_bounds(
    mexpr_flow_param param, double *minimum, double *maximum, double *standard);
/** The same of any method. MEXPR_E_ARG also for an unknown method. @since 0.1.0 */
MEXPR_API mexpr_status mexpr_flow_method_bounds(mexpr_flow_method method,
    mexpr_flow_param param, double *minimum, double *maximum, double *standard);

/**
 * A flow estimator: parameters and working memory, reused from call to call. One thread
 * at a time.
 *
 * MEXPR_FLOW_METHOD_TVL1: C. Zach, T. Pock, H. Bischof, "A Duality Based Approach for Realtime TV-L1
 * Optical Flow", DAGM 2007, in the form of J. Sánchez, E. Meinhardt-Llopis, G. Facciolo,
 * "TV-L1 Optical Flow Estimation", Image Processing On Line 3 (2013), 137-150, whose
 * program's flow it reproduces with the default parameters.
 * MEXPR_FLOW_METHOD_TVL1_FAST: the same pyramid, warps and energy; each warp's problem by
 * A. Chambolle, T. Pock, "A First-Order Primal-Dual Algorithm for Convex Problems with
 * Applications to Imaging", JMIV 40 (2011), over-relaxed.
 * MEXPR_FLOW_METHOD_TVL1_OPENCV: the method of Zach et al. with median filtering, as in
 * OpenCV's optflow module.
 * MEXPR_FLOW_METHOD_FARNEBACK: G. Farnebäck, "Two-Frame Motion Estimation Based on
 * Polynomial Expansion", SCIA 2003, as in OpenCV's video module.
 * How close each is to its model, and its speed: docs/flow_methods.md.
 */
typedef struct mexpr_flow mexpr_flow;

/** Makes an estimator. @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_NOMEM @since 0.1.0 */
MEXPR_API mexpr_status mexpr_flow_create(mexpr_context *context, mexpr_flow **out);
/** Destroys an estimator. @since 0.1.0 */
MEXPR_API void mexpr_flow_destroy(mexpr_flow **flow);
/** The sentence about the last failed call on this estimator. @since 0.1.0 */
MEXPR_API const char *mexpr_flow_last_error(const mexpr_flow *flow);
/** Sets a tunable. @return MEXPR_OK, MEXPR_E_ARG (no such tunable, or the method has it
 *  not), MEXPR_E_RANGE @since 0.1.0 */
MEXPR_API mexpr_status mexpr_flow_set(mexpr_flow *flow, mexpr_flow_param param, double value);
/** Reads a tunable. @return MEXPR_OK, MEXPR_E_ARG @since 0.1.0 */
MEXPR_API mexpr_status mexpr_flow_get(
    const mexpr_flow *flow, mexpr_flow_param param, double *value);

/**
 * Flow from `first` to `second`, of equal size and any format (colour is turned to grey).
 * TVL1 and TVL1_FAST stretch both pictures jointly to 0..255 first, so that their units do
 * not matter; the other methods read grey values as they are, float pictures in 0..255. Two
 * constant pictures give zero flow. The result does not depend on the number of threads.
 * A second call with pictures of the same size, into a field of that size, allocates
 * nothing.
 * @param field of the pictures' size; overwritten
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_SHAPE (sizes differ), MEXPR_E_FORMAT (a float
 *         picture holds NaN or infinity), MEXPR_E_RANGE (a method that does not stretch, and
 *         a float beyond ±65535), MEXPR_E_NOMEM
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_flow_compute(mexpr_flow *flow, const mexpr_image *first,
    const mexpr_image *second, mexpr_field *field);

/** Derivative used for strain. Published code differs; see docs/flow.md. */
typedef enum mexpr_strain {
    MEXPR_STRAIN_FROBENIUS = 1, /**< sqrt(u_x² + v_y² + ½(u_y + v_x)²): the usual one */
    MEXPR_STRAIN_QUARTER = 2,   /**< sqrt(u_x² + v_y² + ¼(u_y + v_x)²) */
    MEXPR_STRAIN_OFF_TANET = 3  /**< sqrt(u_x² + u_y² + ½(v_x + u_y)²) by 3×3 Sobel: a slip
                                     in published code, for compatibility alone */
} mexpr_strain;

/**
 * Magnitude of the optical strain of a field, GREYF32, in 1 per pixel. Derivatives of the
 * first two kinds are central differences, one-sided at the border. Where the field or a
 * neighbour is unknown the strain is 0.
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_NOMEM
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_flow_strain(
    mexpr_context *context, const mexpr_field *field, mexpr_strain kind, mexpr_image **out);

/**
 * The u/v/strain picture that networks of this field read, RGB8: R = u, G = v, B =
 * strain at full size, each averaged over areas to width × height and then stretched on
 * its own to 0..255 (a constant channel becomes 0).
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_LIMIT, MEXPR_E_NOMEM
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_flow_picture(mexpr_context *context, const mexpr_field *field,
    mexpr_strain kind, int32_t width, int32_t height, mexpr_image **out);

/**
 * The field in the colours of the Middlebury wheel, RGB8 (S. Baker et al., "A Database
 * and Evaluation Methodology for Optical Flow", IJCV 92, 2011). Unknown is black.
 * @param max_radius displacement of full saturation in px; 0: the field's own largest
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_RANGE, MEXPR_E_NOMEM
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_flow_colour(
    mexpr_context *context, const mexpr_field *field, double max_radius, mexpr_image **out);

/**
 * Reads a Middlebury `.flo` file.
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_NOT_FOUND, MEXPR_E_IO, MEXPR_E_FORMAT,
 *         MEXPR_E_TRUNCATED, MEXPR_E_LIMIT, MEXPR_E_NOMEM
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_field_read_flo(
    mexpr_context *context, const char *path, mexpr_field **out);
/** The same from memory. @since 0.1.0 */
MEXPR_API mexpr_status mexpr_field_decode_flo(
    mexpr_context *context, const void *bytes, size_t size, mexpr_field **out);
/** Writes a `.flo` file, whole or not at all. @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_IO,
 *  MEXPR_E_NOMEM @since 0.1.0 */
MEXPR_API mexpr_status mexpr_field_write_flo(
    mexpr_context *context, const mexpr_field *field, const char *path);
/**
 * Reads a KITTI flow PNG (16-bit RGB: u = (R - 2^15)/64, v = (G - 2^15)/64, B = known).
 * Statuses as mexpr_image_read(), and MEXPR_E_FORMAT for a PNG of another kind.
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_field_read_kitti(
    mexpr_context *context, const char *path, mexpr_field **out);
/** Writes a KITTI flow PNG; components are clamped to [-512, 511.98] and rounded to 1/64
 *  px. @return as mexpr_image_write_png() @since 0.1.0 */
MEXPR_API mexpr_status mexpr_field_write_kitti(
    mexpr_context *context, const mexpr_field *field, const char *path);

/**
 * Mean end-point difference in pixels between two fields of equal size, over the pixels
 * known in both.
 * @param mean   receives it; 0 when nothing is known in both
 * @param n      receives the number of pixels compared, or NULL
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_SHAPE
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_field_difference(mexpr_context *context, const mexpr_field *a,
    const mexpr_field *b, double *mean, uint64_t *n);

MEXPR_END_DECLS

#endif
