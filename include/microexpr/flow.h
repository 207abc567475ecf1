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

/** How an estimator finds the flow. The numbers are values of MEXPR_FLOW_METHOD. */
typedef enum mexpr_flow_method {
    /** TV-L1 as the IPOL program computes it: the default. */
    MEXPR_FLOW_METHOD_TVL1 = 0,
    /** TV-L1 of the same energy by another way to its minimum: sooner there, and on
     * average no further from it, but not the IPOL program's flow. */
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
 * that have the tunable (T: TVL1 and TVL1_FAST, F: TVL1_FAST where it differs, O:
 * TVL1_OPENCV, P: FARNEBACK) and their defaults; other methods refuse it. Bounds hold for
 * all methods unless told.
 */
typedef enum mexpr_flow_param {
    MEXPR_FLOW_TAU = 1,     /**< time step of the dual update; [1e-4, 0.25] [T, O 0.25] */
    MEXPR_FLOW_LAMBDA = 2,  /**< weight of the data term; [1e-6, 1e4] [T, O 0.15] */
    MEXPR_FLOW_THETA = 3,   /**< tightness of the coupling; [1e-4, 10] [T, O 0.3] */
    MEXPR_FLOW_SCALES = 4,  /**< most pyramid levels; 1..100 [T 100, O 5]; with P OpenCV's
                                 `levels`, those above the finest; 0..100 [P 3] */
    MEXPR_FLOW_ZOOM = 5,    /**< size ratio of neighbouring levels; [0.1, 0.95]
                                 [T, P 0.5, O 0.8] */
    MEXPR_FLOW_WARPS = 6,   /**< warps per level; 1..1000 [T, O 5, F 3] */
    MEXPR_FLOW_EPSILON = 7, /**< stop when the RMS update falls to it, px; [0, 1]
                                 [T, O 0.01, F 0.017] */
    MEXPR_FLOW_ITERATIONS = 8, /**< most iterations per warp; 1..100000 [T 300]; between
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
 * MEXPR_FLOW_METHOD_TVL1: C. Zach, T. Pock, H. Bischof, "A Duality Based Approach for
 * Realtime TV-L1 Optical Flow", DAGM 2007, in the form of J. Sánchez, E.
 * Meinhardt-Llopis, G. Facciolo, "TV-L1 Optical Flow Estimation", Image Processing On
 * Line 3 (2013), 137-150, whose program's flow it reproduces with the default parameters.
 * MEXPR_FLOW_METHOD_TVL1_FAST: the same energy and linearisation; the dual step is the
 * projection of A. Chambolle, "Total Variation Minimization and a Class of Binary MRF
 * Models", EMMCVPR 2005, and a level begins with the dual variable of the coarser one.
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
MEXPR_API mexpr_status mexpr_flow_set(
    mexpr_flow *flow, mexpr_flow_param param, double value);
/** Reads a tunable. @return MEXPR_OK, MEXPR_E_ARG @since 0.1.0 */
MEXPR_API mexpr_status mexpr_flow_get(
    const mexpr_flow *flow, mexpr_flow_param param, double *value);

/**
 * Flow from `first` to `second`, of equal size and any format (colour is turned to grey).
 * TVL1 and TVL1_FAST stretch both pictures jointly to 0..255 first, so that their units
 * do not matter; the other methods read grey values as they are, float pictures in
 * 0..255. Two constant pictures give zero flow. The result does not depend on the number
 * of threads. A second call with pictures of the same size, into a field of that size,
 * allocates nothing.
 * @param field of the pictures' size; overwritten
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_SHAPE (sizes differ), MEXPR_E_FORMAT (a float
 *         picture holds NaN or infinity), MEXPR_E_RANGE (a float beyond ±65535 for a
 *         method that does not stretch), MEXPR_E_NOMEM
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_flow_compute(mexpr_flow *flow, const mexpr_image *first,
    const mexpr_image *second, mexpr_field *field);

/** Derivative used for strain. Published code differs; see docs/flow.md. */
typedef enum mexpr_strain {
    MEXPR_STRAIN_FROBENIUS = 1, /**< sqrt(u_x² + v_y² + ½(u_y + v_x)²): the usual one */
    MEXPR_STRAIN_QUARTER = 2,   /**< sqrt(u_x² + v_y² + ¼(u_y + v_x)²) */
    MEXPR_STRAIN_OFF_TANET = 3 /**< sqrt(u_x² + u_y² + ½(v_x + u_y)²) by 3×3 Sobel
                                    sums (8 times the slope): a slip in published code,
                                    for compatibility alone */
} mexpr_strain;

/**
 * Magnitude of the optical strain of a field, GREYF32, in 1 per pixel. Derivatives of the
 * first two kinds are central differences, one-sided at the border. Where the field or a
 * neighbour is unknown the strain is 0.
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_NOMEM
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_flow_strain(mexpr_context *context, const mexpr_field *field,
    mexpr_strain kind, mexpr_image **out);

/**
 * The u/v/strain picture that networks of this field read, RGB8: R = u, G = v, B =
 * strain at full size, each averaged over areas to width × height and then stretched on
 * its own to 0..255 (a constant channel becomes 0).
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_LIMIT, MEXPR_E_NOMEM
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_flow_picture(mexpr_context *context,
    const mexpr_field *field, mexpr_strain kind, int32_t width, int32_t height,
    mexpr_image **out);

/**
 * The field in the colours of the Middlebury wheel, RGB8 (S. Baker et al., "A Database
 * and Evaluation Methodology for Optical Flow", IJCV 92, 2011). Unknown is black.
 * @param max_radius displacement of full saturation in px; 0: the field's own largest
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_RANGE, MEXPR_E_NOMEM
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_flow_colour(mexpr_context *context, const mexpr_field *field,
    double max_radius, mexpr_image **out);

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
MEXPR_API mexpr_status mexpr_field_difference(mexpr_context *context,
    const mexpr_field *a, const mexpr_field *b, double *mean, uint64_t *n);

/* --- features: magnitude and orientation ------------------------------------------- */
/* Of all features: docs/features.md. Unknown displacements take no part in any. */

/** Length of every displacement in px, GREYF32; 0 where unknown. @return MEXPR_OK,
 *  MEXPR_E_ARG, MEXPR_E_NOMEM @since 0.1.0 */
MEXPR_API mexpr_status mexpr_flow_magnitude(
    mexpr_context *context, const mexpr_field *field, mexpr_image **out);

/**
 * Direction of every displacement, atan2(v, u) in radians, GREYF32: 0 to the right, π/2
 * downwards, in [-π, π) (straight to the left is -π). 0 for no motion and where unknown.
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_NOMEM
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_flow_orientation(
    mexpr_context *context, const mexpr_field *field, mexpr_image **out);

/* --- features: masks --------------------------------------------------------------- */

/** What is written into a masked field. */
typedef enum mexpr_mask_fill {
    MEXPR_MASK_ZERO = 1,   /**< no motion: such pixels still count as known */
    MEXPR_MASK_UNKNOWN = 2 /**< MEXPR_FIELD_UNKNOWN: such pixels count nowhere */
} mexpr_mask_fill;

/**
 * Overwrites the field inside polygons and up to `margin` px around them.
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_RANGE, MEXPR_E_ABI
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_field_mask(mexpr_context *context, mexpr_field *field,
    const mexpr_polygons *polygons, double margin, mexpr_mask_fill fill);

/**
 * The same for both eyes (landmarks 36 to 41 and 42 to 47): blinks and gaze are no
 * expression.
 * @param landmarks 2 × 68 floats
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_RANGE
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_field_mask_eyes(mexpr_context *context, mexpr_field *field,
    const float *landmarks, double margin, mexpr_mask_fill fill);

/* --- features: motion of the head -------------------------------------------------- */

/**
 * A similarity motion: the point (x, y) goes to
 *     x' = cx + dx + zoom (cos(angle) (x - cx) - sin(angle) (y - cy)),
 *     y' = cy + dy + zoom (sin(angle) (x - cx) + cos(angle) (y - cy)).
 */
typedef struct mexpr_motion {
    size_t struct_size;
    double cx; /**< the point that dx and dy are told for, px */
    double cy;
    double dx; /**< translation, px */
    double dy;
    double angle;      /**< rotation, radians, clockwise in the picture */
    double zoom;       /**< 1: none */
    double residual;   /**< RMS of what is left over the pixels used, px */
    uint64_t n_pixels; /**< pixels used */
} mexpr_motion;

#define MEXPR_MOTION_INIT                                                                \
    {                                                                                    \
        sizeof(mexpr_motion), 0, 0, 0, 0, 0, 1, 0, 0                                     \
    }

/**
 * Mean motion of a rectangle, cut to the field: SOFTNet's 11×11 patch on the nose (G.-B.
 * Liong et al., "Shallow Optical Flow Three-Stream CNN for Macro- and Micro-Expression
 * Spotting from Long Videos", ICIP 2021) is x = nose_x - 5, y = nose_y - 5, 11, 11.
 * @param motion receives a translation; zoom 1, angle 0
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_RANGE (it has no pixel in the field, or none
 * that is known), MEXPR_E_ABI
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_field_patch_motion(mexpr_context *context,
    const mexpr_field *field, int32_t x, int32_t y, int32_t width, int32_t height,
    mexpr_motion *motion);

/** Which motion is fitted. */
typedef enum mexpr_motion_model {
    MEXPR_MOTION_TRANSLATION = 1, /**< the mean: 2 parameters */
    MEXPR_MOTION_SIMILARITY = 2   /**< translation, rotation, zoom: 4 parameters */
} mexpr_motion_model;

/** Options of mexpr_field_fit_motion(); a field of 0 means its default. */
typedef struct mexpr_motion_options {
    size_t struct_size;
    int32_t model; /**< mexpr_motion_model; MEXPR_MOTION_SIMILARITY */
    int32_t
        iterations; /**< of reweighting, 1..1000; 20. Without `outlier` there is none */
    /**
     * Robust fit: pixels weigh 1 / (1 + (r / outlier)²), r being what is left at the
     * pixel in px (Cauchy weights); (1e-6, 1e6]. 0: plain least squares. About the size
     * of the motion that shall not count, 0.1 to 0.5 px for faces.
     */
    double outlier;
} mexpr_motion_options;

#define MEXPR_MOTION_OPTIONS_INIT                                                        \
    {                                                                                    \
        sizeof(mexpr_motion_options), 0, 0, 0                                            \
    }

/**
 * Least-squares motion of the pixels of a mask.
 * @param mask    GREY8 of the field's size, pixels other than 0 count; NULL: all count
 * @param options NULL for all defaults
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_SHAPE (the mask's size), MEXPR_E_RANGE (an
 * option; no pixel is known), MEXPR_E_ABI
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_field_fit_motion(mexpr_context *context,
    const mexpr_field *field, const mexpr_image *mask,
    const mexpr_motion_options *options, mexpr_motion *motion);

/**
 * Takes a motion out of the field: (u, v) minus the way the motion carries each pixel.
 * Unknown stays unknown.
 * @return MEXPR_OK, MEXPR_E_ARG (a number is not finite), MEXPR_E_ABI
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_field_subtract_motion(
    mexpr_context *context, mexpr_field *field, const mexpr_motion *motion);

/* --- features: histograms ---------------------------------------------------------- */

/** Kinds of histograms of flow directions. */
typedef enum mexpr_histogram {
    /**
     * n_bins equal sectors of the full circle; bin 0 begins at -π (straight left) and
     * bins follow atan2(v, u), that is clockwise in the picture.
     */
    MEXPR_HISTOGRAM_ORIENTED = 1,
    /**
     * HOOF: bins over the angle with the horizontal, atan2(v, |u|), so that left and
     * right fall together; bin 0 begins at -π/2 (straight up). R. Chaudhry, A.
     * Ravichandran, G. Hager, R. Vidal, "Histograms of Oriented Optical Flow and
     * Binet-Cauchy Kernels on Nonlinear Dynamical Systems for the Recognition of Human
     * Actions", CVPR 2009.
     */
    MEXPR_HISTOGRAM_HOOF = 2,
    /**
     * Bi-WOOF: MEXPR_HISTOGRAM_ORIENTED of every block, weighted by magnitude, times the
     * block's mean optical strain. S.-T. Liong, J. See, K. Wong, R. C.-W. Phan, "Less is
     * more: Micro-expression recognition from video using apex frame", Signal Processing:
     * Image Communication 62 (2018), 82-92.
     */
    MEXPR_HISTOGRAM_BI_WOOF = 3
} mexpr_histogram;

/** What a displacement adds to its bin. */
typedef enum mexpr_histogram_weight {
    MEXPR_WEIGHT_MAGNITUDE = 1, /**< its length in px */
    MEXPR_WEIGHT_COUNT = 2      /**< 1 */
} mexpr_histogram_weight;

/** How a histogram is normalised; one without motion stays 0. */
typedef enum mexpr_histogram_norm {
    MEXPR_NORM_NONE = 1,  /**< sums as they are */
    MEXPR_NORM_BLOCK = 2, /**< each block sums to 1 (Bi-WOOF: before the strain weight) */
    MEXPR_NORM_ALL = 3,   /**< all blocks together sum to 1 */
    MEXPR_NORM_L2 = 4,    /**< all blocks together have Euclidean length 1 */
    MEXPR_NORM_SQRT = 5   /**< square root of MEXPR_NORM_BLOCK (Hellinger) */
} mexpr_histogram_norm;

/** Options of mexpr_flow_histogram(); a field of 0 means its default. */
typedef struct mexpr_histogram_options {
    size_t struct_size;
    int32_t kind;         /**< mexpr_histogram; MEXPR_HISTOGRAM_ORIENTED */
    int32_t n_bins;       /**< 1..64; 8 */
    int32_t columns;      /**< blocks across; 1, for Bi-WOOF 8 */
    int32_t rows;         /**< blocks down; 1, for Bi-WOOF 8 */
    int32_t weight;       /**< mexpr_histogram_weight; MEXPR_WEIGHT_MAGNITUDE */
    int32_t norm;         /**< mexpr_histogram_norm; _BLOCK, for Bi-WOOF _NONE */
    int32_t strain;       /**< mexpr_strain of Bi-WOOF; MEXPR_STRAIN_FROBENIUS */
    int32_t reserved;     /**< 0 */
    double min_magnitude; /**< displacements up to this length in px do not count; 0 */
} mexpr_histogram_options;

#define MEXPR_HISTOGRAM_OPTIONS_INIT                                                     \
    {                                                                                    \
        sizeof(mexpr_histogram_options), 0, 0, 0, 0, 0, 0, 0, 0, 0                       \
    }

/**
 * Histograms of a field's directions, n_bins floats for every block, blocks row by row.
 * Block i of n covers the columns (rows) from ⌊i·size/n⌋ up to before ⌊(i+1)·size/n⌋.
 * @param options  NULL for all defaults
 * @param values   receives rows × columns × n_bins floats; NULL: only *n is wanted
 * @param capacity floats that `values` has room for
 * @param n        receives the number of floats, or NULL
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_RANGE (an option, or the capacity),
 *         MEXPR_E_SHAPE (more blocks than pixels), MEXPR_E_ABI, MEXPR_E_NOMEM (Bi-WOOF
 *         alone allocates)
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_flow_histogram(mexpr_context *context,
    const mexpr_field *field, const mexpr_histogram_options *options, float *values,
    size_t capacity, size_t *n);

/* --- features: MDMO ---------------------------------------------------------------- */

/** Options of mexpr_flow_mdmo(); a field of 0 means its default. */
typedef struct mexpr_mdmo_options {
    size_t struct_size;
    int32_t n_bins;       /**< directions, 1..64; 8 */
    int32_t reserved;     /**< 0 */
    double min_magnitude; /**< displacements up to this length in px do not count; 0 */
} mexpr_mdmo_options;

#define MEXPR_MDMO_OPTIONS_INIT                                                          \
    {                                                                                    \
        sizeof(mexpr_mdmo_options), 0, 0, 0                                              \
    }

/**
 * The main directional mean optical flow of every region: of the direction bins (as
 * MEXPR_HISTOGRAM_ORIENTED) the one with the most displacements, the first of equals; of
 * its displacements the mean magnitude ρ in px and the mean angle θ in radians. (0, 0)
 * where nothing moves. Y.-J. Liu, J.-K. Zhang, W.-J. Yan, S.-J. Wang, G. Zhao, X. Fu, "A
 * Main Directional Mean Optical Flow Feature for Spontaneous Micro-Expression
 * Recognition", IEEE Trans. Affective Computing 7 (2016), 299-310: with the 36 regions
 * the 72 numbers of one frame.
 * @param values   receives ρ0, θ0, ρ1, θ1, …; NULL: only *n is wanted
 * @param capacity floats that `values` has room for
 * @param n        receives the number of floats, 2 × n_polygons, or NULL
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_RANGE, MEXPR_E_ABI
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_flow_mdmo(mexpr_context *context, const mexpr_field *field,
    const mexpr_polygons *polygons, const mexpr_mdmo_options *options, float *values,
    size_t capacity, size_t *n);

/**
 * The feature of a clip from those of its frames, as in the paper: the mean vector of
 * every region over the frames, in polar coordinates, its magnitudes divided by the
 * largest of them (by 1 if that is 0).
 * @param frames   n_frames rows of 2 × n_regions floats from mexpr_flow_mdmo()
 * @param values   receives 2 × n_regions floats
 * @return MEXPR_OK, MEXPR_E_ARG
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_mdmo_average(mexpr_context *context, const float *frames,
    int32_t n_frames, int32_t n_regions, float *values);

/* --- pictures of a field ----------------------------------------------------------- */

/**
 * mexpr_flow_colour() with its key at the right on white: the colour wheel, whose edge is
 * the displacement written below it.
 * @param max_radius as for mexpr_flow_colour(); [0, 1e6] px
 * @param wheel      diameter of the wheel, 32..4096 px; 0: 96
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_RANGE, MEXPR_E_LIMIT, MEXPR_E_NOMEM
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_flow_legend(mexpr_context *context, const mexpr_field *field,
    double max_radius, int32_t wheel, mexpr_image **out);

/** Options of mexpr_flow_arrows(); a field of 0 means its default. */
typedef struct mexpr_arrow_options {
    size_t struct_size;
    int32_t step;         /**< side of the square that shares an arrow, 2..4096 px; 10 */
    int32_t colour_set;   /**< not 0: take colour as it is, also when it is 0 (black) */
    uint32_t colour;      /**< 0xRRGGBB; yellow, 0xFFFF00 */
    int32_t reserved;     /**< 0 */
    double scale;         /**< px drawn per px of motion, (0, 1e6]; 1 */
    double thickness;     /**< of the strokes, (0, 100] px; 1 */
    double min_magnitude; /**< no arrow for motion up to this, px; 0 */
} mexpr_arrow_options;

#define MEXPR_ARROW_OPTIONS_INIT                                                         \
    {                                                                                    \
        sizeof(mexpr_arrow_options), 0, 0, 0, 0, 0, 0, 0                                 \
    }

/**
 * Arrows over a picture, RGB8: for every step × step square the mean of its known
 * displacements, drawn from the square's centre.
 * @param picture of the field's size, any format
 * @param options NULL for all defaults
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_SHAPE (sizes differ), MEXPR_E_RANGE,
 * MEXPR_E_ABI, MEXPR_E_NOMEM
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_flow_arrows(mexpr_context *context, const mexpr_field *field,
    const mexpr_image *picture, const mexpr_arrow_options *options, mexpr_image **out);

/** How the panels of mexpr_flow_strip() are stretched to 0..255. */
typedef enum mexpr_stretch {
    MEXPR_STRETCH_OWN = 1,   /**< each panel from its own minimum to its maximum */
    MEXPR_STRETCH_COMMON = 2 /**< all from the minimum to the maximum of the three */
} mexpr_stretch;

/**
 * u, v and strain as grey panels side by side, GREY8, 3 × width by height. What is
 * constant and what is unknown is 0.
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_LIMIT, MEXPR_E_NOMEM
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_flow_strip(mexpr_context *context, const mexpr_field *field,
    mexpr_strain kind, mexpr_stretch stretch, mexpr_image **out);

/**
 * The HSV coding of OpenCV's optical-flow tutorial, which published systems (EMR, SLSTT,
 * MSJFN) feed to networks, RGB8. With the angle a = atan2(v, u) in [0°, 360°) and the
 * magnitude m: H = ⌊a / 2⌋, S = 255, V = ⌊255 (m - min) / (max - min)⌋ over the known
 * pixels (0 when all are equal); then with h = H / 30, i = ⌊h⌋, f = h - i the colour is
 * made of V, q = V (1 - f), t = V f and 0, rounded down, in the order (V,t,0), (q,V,0),
 * (0,V,t), (0,q,V), (t,0,V), (V,0,q) for i = 0..5. This last step is done in single
 * precision like the vector code of OpenCV 4, with its result for every H and V. Unknown
 * is black.
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_NOMEM
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_flow_hsv(
    mexpr_context *context, const mexpr_field *field, mexpr_image **out);

/* --- clips ------------------------------------------------------------------------- */

/** What the flow to a frame of a clip starts from. */
typedef enum mexpr_flow_reference {
    MEXPR_FLOW_REFERENCE_ONSET = 1,   /**< from one frame, the onset */
    MEXPR_FLOW_REFERENCE_PREVIOUS = 2 /**< from the frame before */
} mexpr_flow_reference;

/** Options of mexpr_flow_clip(); a field of 0 means its default. */
typedef struct mexpr_flow_clip_options {
    size_t struct_size;
    int32_t reference; /**< mexpr_flow_reference; MEXPR_FLOW_REFERENCE_ONSET */
    int64_t onset;     /**< frame that the flow starts from, counted from 0; 0 */
    int64_t first;     /**< first frame that the flow goes to; 0, in a stream the onset */
    int64_t n_frames;  /**< how many frames from there on; 0: all there are */
} mexpr_flow_clip_options;

#define MEXPR_FLOW_CLIP_OPTIONS_INIT                                                     \
    {                                                                                    \
        sizeof(mexpr_flow_clip_options), 0, 0, 0, 0                                      \
    }

/**
 * Takes the flow to frame `frame` of a clip. The field lives until the call returns.
 * @return 0 to go on; anything else ends the work with MEXPR_E_CANCELLED
 */
typedef int32_t (*mexpr_field_fn)(void *user, int64_t frame, const mexpr_field *field);

/**
 * Flow through a clip: to each of its frames from the onset or from the frame before, in
 * the order of the frames. There is none to the onset itself, or to frame 0 from before
 * it. Each field is what mexpr_flow_compute() makes of the two frames.
 *
 * A context with several threads computes as many fields at once, each alone on its
 * thread, or large ones together; the fields do not depend on that, and all callbacks are
 * called in the caller's thread. Memory does not depend on the length: a frame, and for
 * each thread an estimator and up to four fields and frames. The estimator keeps it for
 * its next clip.
 * @param options  NULL for all defaults
 * @param take     receives each field; its first argument is `user`, as that of progress
 * @param progress called after each field, total 0 when the clip's length is unknown; or
 *                 NULL
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_RANGE (no such frame), MEXPR_E_ABI,
 *         MEXPR_E_CANCELLED, MEXPR_E_NOMEM, and what mexpr_clip_frame() and
 *         mexpr_flow_compute() return. Fields given before a failure are good. The
 *         sentence is the estimator's.
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_flow_clip(mexpr_flow *flow, mexpr_clip *clip,
    const mexpr_flow_clip_options *options, mexpr_field_fn take,
    mexpr_progress_fn progress, void *user);

MEXPR_END_DECLS

#endif
