/* SPDX-License-Identifier: MIT */
/**
 * @file face.h
 * Faces: finding them, 68 landmarks, following them through a clip, aligning and
 * cropping, regions, occlusion, files of landmarks. See docs/face.md.
 */
#ifndef MICROEXPR_FACE_H
#define MICROEXPR_FACE_H

#include "base.h"
#include "image.h"

MEXPR_BEGIN_DECLS

/* --- finding ----------------------------------------------------------------------- */

/** A face in a picture. */
typedef struct mexpr_face {
    size_t struct_size;
    int64_t id; /**< a tracker's number of this face, from 0; a finder's place in order */
    /**
     * x, y, width, height in px, a square: the box around the landmarks with its top
     * raised by 25 % of its height, squared about its centre. May reach beyond the
     * picture. Without landmarks what the detector says.
     */
    double box[4];
    double score; /**< 0 to 1; the detector's and the landmarks' together, if there are
                       landmarks; else the detector's alone */
    double confidence;     /**< of the landmarks, 0 to 1; 0 without */
    int32_t has_landmarks; /**< 0: the numbers below are 0 */
    int32_t followed;      /**< a tracker: 1 when followed from the frame before */
    float landmarks[136];  /**< x0, y0, x1, y1, … in px */
} mexpr_face;

#define MEXPR_FACE_INIT                                                                  \
    {                                                                                    \
        sizeof(mexpr_face), 0, {0}, 0, 0, 0, 0,                                          \
        {                                                                                \
            0                                                                            \
        }                                                                                \
    }

/** Options of finders and trackers; a field of 0 means its default. */
typedef struct mexpr_face_options {
    size_t struct_size;
    double smallest;       /**< side of the smallest box in px, [16, 1e5]; 40 */
    double largest;        /**< side of the largest box, [16, 1e5]; 1e5 */
    double threshold;      /**< least score of a face; 0.5 */
    int32_t threshold_set; /**< not 0: take threshold as it is, also when it is 0 */
    int32_t max_faces;     /**< the best that many, 1..64; 16 */
    int32_t boxes_only;    /**< not 0: no landmarks (finders alone) */
    /** Trackers: frames from one search of the whole picture for new faces to the next,
     *  1..1000; 0: only when one was lost or none is there. */
    int32_t search;
    int32_t no_filter; /**< not 0: landmarks as they are in each frame, without filter */
    int32_t reserved;  /**< 0 */
    double confidence; /**< landmarks less sure than this are of no face: a finder drops
                          it, a tracker has lost it; (0, 1]; finders 0.15,
                          trackers 0.25 */
} mexpr_face_options;

#define MEXPR_FACE_OPTIONS_INIT                                                          \
    {                                                                                    \
        sizeof(mexpr_face_options), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0                         \
    }

/**
 * Finds faces and their landmarks in pictures, with weights that ship
 * (docs/models/face_detector.md, face_landmarks.md). Keeps its memory and the faces last
 * found: a call on a picture not larger than one before allocates nothing. One thread at
 * a time.
 */
typedef struct mexpr_face_finder mexpr_face_finder;

/**
 * Makes a finder.
 * @param options NULL for all defaults
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_RANGE, MEXPR_E_ABI, MEXPR_E_NOMEM
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_face_finder_create(
    mexpr_context *context, const mexpr_face_options *options, mexpr_face_finder **out);
/** Destroys a finder. @since 0.1.0 */
MEXPR_API void mexpr_face_finder_destroy(mexpr_face_finder **finder);
/** The sentence about the last failed call on this finder. @since 0.1.0 */
MEXPR_API const char *mexpr_face_finder_last_error(const mexpr_face_finder *finder);

/**
 * Finds the faces in a picture of any format and size; colour is turned to grey. They are
 * sorted by falling score, then y, then x. No face is no failure.
 * @param n receives their number, or NULL
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_NOMEM
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_face_finder_run(
    mexpr_face_finder *finder, const mexpr_image *image, int32_t *n);
/**
 * Face `index` of the last run.
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_RANGE (there is no such face), MEXPR_E_ABI
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_face_finder_face(
    mexpr_face_finder *finder, int32_t index, mexpr_face *face);
/**
 * Landmarks of the face in a given box, which is taken as square about its centre.
 * @param box  x, y, width, height in px: about what mexpr_face tells
 * @param face receives it, with score 0
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_RANGE (the box is smaller than 8 px or not at
 *         all in the picture), MEXPR_E_ABI, MEXPR_E_NOMEM
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_face_finder_refine(mexpr_face_finder *finder,
    const mexpr_image *image, const double *box, mexpr_face *face);

/**
 * Follows the faces of a clip: finds them once, follows their landmarks from frame to
 * frame, and searches again when one is lost. Memory and threads as a finder.
 */
typedef struct mexpr_face_tracker mexpr_face_tracker;

/** Makes a tracker. @return as mexpr_face_finder_create() @since 0.1.0 */
MEXPR_API mexpr_status mexpr_face_tracker_create(
    mexpr_context *context, const mexpr_face_options *options, mexpr_face_tracker **out);
/** Destroys a tracker. @since 0.1.0 */
MEXPR_API void mexpr_face_tracker_destroy(mexpr_face_tracker **tracker);
/** The sentence about the last failed call on this tracker. @since 0.1.0 */
MEXPR_API const char *mexpr_face_tracker_last_error(const mexpr_face_tracker *tracker);
/**
 * The next frame, of any format and size.
 * @param n receives the number of faces in it, or NULL
 * @return as mexpr_face_finder_run()
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_face_tracker_push(
    mexpr_face_tracker *tracker, const mexpr_image *frame, int32_t *n);
/** Face `index` of the last frame, sorted by id. @return as mexpr_face_finder_face()
 *  @since 0.1.0 */
MEXPR_API mexpr_status mexpr_face_tracker_face(
    mexpr_face_tracker *tracker, int32_t index, mexpr_face *face);
/** Forgets all faces: the next frame may begin another clip. @since 0.1.0 */
MEXPR_API void mexpr_face_tracker_reset(mexpr_face_tracker *tracker);

/* --- transforms -------------------------------------------------------------------- */
/* A transform is 6 numbers m: (x, y) goes to (m0 x + m1 y + m2, m3 x + m4 y + m5). */

/** Which transform is fitted. */
typedef enum mexpr_transform_model {
    MEXPR_TRANSFORM_TRANSLATION = 1,
    MEXPR_TRANSFORM_SIMILARITY = 2, /**< translation, rotation and zoom, no mirror image:
                                       S. Umeyama, "Least-Squares Estimation of
                                       Transformation Parameters Between Two Point
                                       Patterns", IEEE Trans. PAMI 13 (1991), 376-380 */
    MEXPR_TRANSFORM_AFFINE = 3      /**< all 6 numbers */
} mexpr_transform_model;

/**
 * The transform that carries points nearest to others, in least squares.
 * @param from,to  2 × n floats x0, y0, x1, y1, …
 * @param weights  n numbers, 0 or more; NULL: all equal
 * @param n        1 or more; 2 different points for a similarity, 3 that are on no line
 *                 for an affine one
 * @param matrix   receives 6 numbers
 * @param residual receives the RMS distance left, px, or NULL
 * @return MEXPR_OK, MEXPR_E_ARG (a number is not finite, a weight below 0), MEXPR_E_RANGE
 *         (the points do not determine a transform)
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_transform_fit(mexpr_context *context,
    mexpr_transform_model model, const float *from, const float *to,
    const double *weights, int32_t n, double *matrix, double *residual);
/** The transform back. @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_RANGE (there is none)
 *  @since 0.1.0 */
MEXPR_API mexpr_status mexpr_transform_invert(
    mexpr_context *context, const double *matrix, double *inverse);
/** Carries n points; `to` may be `from`. @return MEXPR_OK, MEXPR_E_ARG @since 0.1.0 */
MEXPR_API mexpr_status mexpr_transform_points(mexpr_context *context,
    const double *matrix, const float *from, int32_t n, float *to);

/* --- crops ------------------------------------------------------------------------- */

/**
 * A way of cropping: the face is turned upright and scaled so that the centres of the
 * eyes (of landmarks 36-41 and 42-47) come to (width / 2 ∓ eye_distance / 2 · width,
 * eye_y · height), less half a pixel.
 */
typedef struct mexpr_crop {
    size_t struct_size;
    int32_t width; /**< px, 8..8192 */
    int32_t height;
    double
        eye_distance; /**< between the eyes' centres, as a share of the width, (0, 1) */
    double eye_y;     /**< of the eyes' line, as a share of the height, (0, 1) */
} mexpr_crop;

#define MEXPR_CROP_INIT                                                                  \
    {                                                                                    \
        sizeof(mexpr_crop), 0, 0, 0, 0                                                   \
    }

/**
 * A crop by its name: "140x170", "280x340", "112", "128", "224", in this order; what they
 * are is told in docs/face.md. Thread-safe.
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_ABI, MEXPR_E_NOT_FOUND
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_crop_find(const char *name, mexpr_crop *crop);
/** Name of crop `index`, counted from 0; NULL past the last. @since 0.1.0 */
MEXPR_API const char *mexpr_crop_name(int32_t index);

/**
 * The transform from a picture to a crop of the face in it.
 * @param landmarks 2 × 68 floats
 * @param matrix    receives 6 numbers; mexpr_image_warp() takes its inverse
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_RANGE (a field of the crop; the eyes are at one
 *         place), MEXPR_E_ABI
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_crop_transform(mexpr_context *context,
    const mexpr_crop *crop, const float *landmarks, double *matrix);
/** Crops a face, in the picture's format. @return what mexpr_crop_transform() and
 *  mexpr_image_warp() return @since 0.1.0 */
MEXPR_API mexpr_status mexpr_face_crop(mexpr_context *context, const mexpr_image *image,
    const mexpr_crop *crop, const float *landmarks, mexpr_image **out);

/* --- aligning a clip --------------------------------------------------------------- */

/** A motion of the head in px of the crop: about the crop's centre it turns and zooms,
 *  then it moves. */
typedef struct mexpr_head_motion {
    double dx;
    double dy;
    double angle; /**< radians, clockwise in the picture */
    double zoom;  /**< 1: none */
} mexpr_head_motion;

/** How the head moved in a frame, and what of that is left. */
typedef struct mexpr_alignment {
    size_t struct_size;
    int64_t frame;            /**< the frame of the clip; a count of pushes otherwise */
    mexpr_head_motion before; /**< since the onset */
    mexpr_head_motion after;  /**< measured once more on the aligned frame */
    double residual;          /**< RMS of `after` over the still parts of the face, px */
    double correlation; /**< of the aligned frame with the onset over the still parts */
    double matrix[6];   /**< from the frame to the crop */
    int32_t is_lost;    /**< not 0: the face was not found again; the matrix is the last
                             good one */
    int32_t iterations; /**< of the finest level */
} mexpr_alignment;

#define MEXPR_ALIGNMENT_INIT                                                             \
    {                                                                                    \
        sizeof(mexpr_alignment), 0, {0, 0, 0, 1}, {0, 0, 0, 1}, 0, 0,                    \
            {1, 0, 0, 0, 1, 0}, 0, 0                                                     \
    }

/** Options of mexpr_aligner_create(); a field of 0 means its default. */
typedef struct mexpr_align_options {
    size_t struct_size;
    const mexpr_crop *crop; /**< "140x170" */
    int32_t model;          /**< mexpr_transform_model up to SIMILARITY; SIMILARITY */
    int32_t landmarks; /**< not 0: by landmarks alone, without refining by intensity */
    double least;      /**< correlation below which a face is lost, (0, 1]; 0.6 */
} mexpr_align_options;

#define MEXPR_ALIGN_OPTIONS_INIT                                                         \
    {                                                                                    \
        sizeof(mexpr_align_options), NULL, 0, 0, 0                                       \
    }

/**
 * Takes the motion of the head out of a clip and leaves that of the face. The crop of the
 * onset is the reference; every frame is warped to it, once, by the similarity that makes
 * the still parts of the face (MEXPR_REGIONS_STILL) agree: from landmarks that do not
 * move with expressions or from the frame before, then by intensity, coarse to fine, with
 * robust weights and free gain and offset of the light. S. Baker, I. Matthews,
 * "Lucas-Kanade 20 Years On", IJCV 56 (2004), 221-255, inverse compositional. Memory is
 * that of some crops. One thread at a time.
 */
typedef struct mexpr_aligner mexpr_aligner;

/** Makes an aligner. @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_RANGE, MEXPR_E_ABI,
 *  MEXPR_E_NOMEM @since 0.1.0 */
MEXPR_API mexpr_status mexpr_aligner_create(
    mexpr_context *context, const mexpr_align_options *options, mexpr_aligner **out);
/** Destroys an aligner. @since 0.1.0 */
MEXPR_API void mexpr_aligner_destroy(mexpr_aligner **aligner);
/** The sentence about the last failed call on this aligner. @since 0.1.0 */
MEXPR_API const char *mexpr_aligner_last_error(const mexpr_aligner *aligner);

/**
 * Begins a clip with its onset frame, and crops it: mexpr_aligner_frame() has the crop.
 * @param landmarks 2 × 68 floats of the face in it
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_RANGE (the face is too large or too small for
 *         the crop, its still parts lie outside the frame), MEXPR_E_NOMEM
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_aligner_begin(
    mexpr_aligner *aligner, const mexpr_image *onset, const float *landmarks);
/**
 * Aligns a frame, of any size and of the onset's format. A second call with frames of the
 * same size allocates nothing.
 * @param landmarks of the face in it; NULL: starts from the frame before
 * @param report    receives what was found, or NULL
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_STATE (no onset yet), MEXPR_E_TYPE (another
 *         format), MEXPR_E_ABI, MEXPR_E_NOMEM
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_aligner_push(mexpr_aligner *aligner,
    const mexpr_image *frame, const float *landmarks, mexpr_alignment *report);
/**
 * The crop made last, in the frames' format. It belongs to the aligner and lives until
 * the next call on it.
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_STATE
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_aligner_frame(
    mexpr_aligner *aligner, const mexpr_image **out);

/**
 * Takes an aligned frame. Picture and report live until the call returns.
 * @return 0 to go on; anything else ends the work with MEXPR_E_CANCELLED
 */
typedef int32_t (*mexpr_aligned_fn)(
    void *user, const mexpr_image *crop, const mexpr_alignment *report);

/** Options of mexpr_align_clip(); a field of 0 or NULL means its default. */
typedef struct mexpr_align_clip_options {
    size_t struct_size;
    int64_t onset;    /**< the reference frame, counted from 0; 0 */
    int64_t first;    /**< first frame to align; 0, in a stream the onset */
    int64_t n_frames; /**< how many from there on; 0: all there are */
    /** Landmarks of the face in the onset frame, 2 × 68 floats. NULL: the largest face
     *  that is found in it. */
    const float *landmarks;
} mexpr_align_clip_options;

#define MEXPR_ALIGN_CLIP_OPTIONS_INIT                                                    \
    {                                                                                    \
        sizeof(mexpr_align_clip_options), 0, 0, 0, NULL                                  \
    }

/**
 * Aligns a clip frame by frame: finds the face in the onset frame, follows it by its
 * alignment, and finds it anew where that is lost. Frames of files before the onset are
 * aligned like the others. The sentence is the aligner's.
 * @param finder   finds the face; NULL: one with all defaults, unless landmarks are given
 * @param take     receives the frames in order; its first argument is `user`, as that of
 *                 progress
 * @param progress called after every frame; or NULL
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_RANGE (an option, a frame there is not),
 *         MEXPR_E_NOT_FOUND (no face in the onset frame), MEXPR_E_STATE (a stream whose
 *         onset is not its first frame), MEXPR_E_ABI, MEXPR_E_CANCELLED, MEXPR_E_NOMEM,
 *         and what mexpr_aligner_begin() and mexpr_clip_frame() return
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_align_clip(mexpr_aligner *aligner, mexpr_face_finder *finder,
    mexpr_clip *clip, const mexpr_align_clip_options *options, mexpr_aligned_fn take,
    mexpr_progress_fn progress, void *user);

/* --- regions ----------------------------------------------------------------------- */

/** Regions of a face that 68 landmarks tell; docs/face.md draws and lists them. Left and
 *  right are the picture's. */
typedef enum mexpr_regions {
    /** 13 that action units move: brows and eyes (left, right), glabella, nose, cheeks
     *  (left, right), mouth corners (left, right), upper lip, lower lip, chin. */
    MEXPR_REGIONS_ACTION = 1,
    /**
     * The 36 of mexpr_flow_mdmo(): 0 to 15 of the picture's left half, 16 to 31 their
     * mirror images, 32 to 35 on the middle line. The construction is written out in
     * docs/features.md; it is ours, as the paper shows its regions in a drawing only.
     */
    MEXPR_REGIONS_MDMO = 2,
    /** Dual-ATME's two bands: brows and eyes, padded by 10 %; mouth, padded by 15 %. */
    MEXPR_REGIONS_BANDS = 3,
    /** RRRN's nine: brows and eyes (left, right each), nose, cheeks (left, right), mouth,
     *  chin; upright squares, 64/224 of the face box each. */
    MEXPR_REGIONS_NINE = 4,
    /** The two eye hexagons. */
    MEXPR_REGIONS_EYES = 5,
    /** What expressions move least, by which clips are aligned: bridge and sides of the
     *  nose, temples (left, right), outer cheeks (left, right). */
    MEXPR_REGIONS_STILL = 6
} mexpr_regions;

/** Regions of MEXPR_REGIONS_MDMO, the most of all kinds. */
#define MEXPR_MDMO_REGIONS 36
/** Corners of all of them together, the most of all kinds. */
#define MEXPR_MDMO_CORNERS 207

/**
 * How many regions of a kind there are, and how many corners they have together. Pointers
 * may be NULL. Thread-safe.
 * @return MEXPR_OK, MEXPR_E_ARG (no such kind)
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_face_regions_size(
    mexpr_regions kind, int32_t *n_regions, int32_t *n_corners);
/** Name of a region, "left brow"; NULL where there is none. @since 0.1.0 */
MEXPR_API const char *mexpr_face_region_name(mexpr_regions kind, int32_t index);
/**
 * The regions as polygons, for mexpr_polygons.
 * @param landmarks 2 × 68 floats
 * @param xy        receives 2 × n_corners floats
 * @param corners   receives n_regions counts
 * @return MEXPR_OK, MEXPR_E_ARG (no such kind; a landmark is not finite)
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_face_regions(mexpr_context *context, mexpr_regions kind,
    const float *landmarks, float *xy, int32_t *corners);
/** The upright boxes around the regions. @param boxes receives 4 × n_regions floats: x,
 * y, width, height of each @return as mexpr_face_regions() @since 0.1.0 */
MEXPR_API mexpr_status mexpr_face_region_boxes(
    mexpr_context *context, mexpr_regions kind, const float *landmarks, float *boxes);

/* --- occlusion --------------------------------------------------------------------- */

/** Synthetic occluders of B. Sun et al., "Region-Inspired Relation Reasoning" (RRRN): for
 *  tests and training. */
typedef enum mexpr_occluder {
    MEXPR_OCCLUDER_BLOCK = 1,  /**< a black block somewhere in the face */
    MEXPR_OCCLUDER_MASK = 2,   /**< a mask over mouth and nose */
    MEXPR_OCCLUDER_GLASSES = 3 /**< dark glasses */
} mexpr_occluder;

/** An occluder chosen for a clip; made by mexpr_occlusion_plan(). */
typedef struct mexpr_occlusion {
    size_t struct_size;
    int32_t kind;    /**< mexpr_occluder */
    int32_t variant; /**< shade and shape of mask and glasses, 0..9 */
    double width;    /**< of the block, px */
    double height;
    double dx; /**< from landmark 30, the tip of the nose, to its centre, px */
    double dy;
} mexpr_occlusion;

#define MEXPR_OCCLUSION_INIT                                                             \
    {                                                                                    \
        sizeof(mexpr_occlusion), 0, 0, 0, 0, 0, 0                                        \
    }

/**
 * Chooses an occluder for a clip from the landmarks of its first frame. The block has
 * ⌊w √ratio⌋ × ⌊h √ratio⌋ px, w × h being the box of chin and brows (landmarks 0 to 26),
 * and lies anywhere within that box.
 * @param ratio share of the box that the block covers, (0, 1]; others pass it over
 * @param seed  chooses the place or the variant; same seed, same choice
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_RANGE, MEXPR_E_ABI
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_occlusion_plan(mexpr_context *context, mexpr_occluder kind,
    double ratio, uint64_t seed, const float *landmarks, mexpr_occlusion *plan);
/**
 * Draws the occluder over a frame, in place, where its landmarks say: the block keeps its
 * place to the tip of the nose; mask and glasses are fitted anew.
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_ABI
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_occlusion_apply(mexpr_context *context,
    const mexpr_occlusion *plan, const float *landmarks, mexpr_image *image);

/* --- pictures ---------------------------------------------------------------------- */

/** What mexpr_face_draw() draws; bits that may be joined. */
typedef enum mexpr_face_mark {
    MEXPR_MARK_BOX = 1,
    MEXPR_MARK_POINTS = 2,
    MEXPR_MARK_REGIONS = 4
} mexpr_face_mark;

/**
 * Draws a face over a picture, in place; the number of a tracked face stands above its
 * box.
 * @param rgb     an RGB8 picture
 * @param marks   mexpr_face_mark bits; 0: box and points
 * @param regions which regions MEXPR_MARK_REGIONS outlines
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_TYPE (not RGB8), MEXPR_E_ABI
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_face_draw(mexpr_context *context, mexpr_image *rgb,
    const mexpr_face *face, uint32_t marks, mexpr_regions regions);

/* --- landmarks of other programs --------------------------------------------------- */

/** A row of a table of landmarks: one face in one frame. */
typedef struct mexpr_face_row {
    size_t struct_size;
    int64_t frame; /**< OpenFace counts from 1 */
    int64_t face_id;
    double timestamp;     /**< s */
    double confidence;    /**< 0 to 1 */
    int32_t success;      /**< 0: the landmarks are of no face */
    int32_t reserved;     /**< 0 */
    float landmarks[136]; /**< pixel centres at whole numbers from 0 */
} mexpr_face_row;

#define MEXPR_FACE_ROW_INIT                                                              \
    {                                                                                    \
        sizeof(mexpr_face_row), 0, 0, 0, 0, 0, 0,                                        \
        {                                                                                \
            0                                                                            \
        }                                                                                \
    }

/** Landmarks of faces, row by row. One thread at a time. */
typedef struct mexpr_face_table mexpr_face_table;

/** An empty table. @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_NOMEM @since 0.1.0 */
MEXPR_API mexpr_status mexpr_face_table_create(
    mexpr_context *context, mexpr_face_table **out);
/** Destroys a table. @since 0.1.0 */
MEXPR_API void mexpr_face_table_destroy(mexpr_face_table **table);
/** The sentence about the last failed call on this table. @since 0.1.0 */
MEXPR_API const char *mexpr_face_table_last_error(const mexpr_face_table *table);
/** Number of rows; 0 for NULL. @since 0.1.0 */
MEXPR_API int64_t mexpr_face_table_n_rows(const mexpr_face_table *table);
/** Reads row `index`. @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_RANGE, MEXPR_E_ABI
 *  @since 0.1.0 */
MEXPR_API mexpr_status mexpr_face_table_row(
    mexpr_face_table *table, int64_t index, mexpr_face_row *row);
/** Appends a row. @return MEXPR_OK, MEXPR_E_ARG (a number is not finite), MEXPR_E_LIMIT
 *  (max_frames rows for each of 64 faces), MEXPR_E_ABI, MEXPR_E_NOMEM @since 0.1.0 */
MEXPR_API mexpr_status mexpr_face_table_add(
    mexpr_face_table *table, const mexpr_face_row *row);

/**
 * Reads landmarks that other programs wrote; the content decides which kind it is:
 * - iBUG's .pts ("version: 1"), which count pixels from 1: 1 is taken off;
 * - CSV with a header: columns x_0 … y_67 (OpenFace) or x0 … y67, and frame, face_id,
 *   timestamp, confidence and success where they are there; others are passed over,
 * blanks around names too;
 * - CSV without a header: rows of 136 numbers x0, y0, x1, …, or 68 rows of 2.
 * What a file does not tell is: frame the row's place from 1, face_id 0, timestamp 0,
 * confidence and success 1. The sentence names the file and the line.
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_FORMAT, MEXPR_E_TRUNCATED, MEXPR_E_LIMIT,
 *         MEXPR_E_NOMEM, MEXPR_E_NOT_FOUND, MEXPR_E_IO
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_face_table_read(
    mexpr_context *context, const char *path, mexpr_face_table **out);
/** The same from memory. @since 0.1.0 */
MEXPR_API mexpr_status mexpr_face_table_decode(
    mexpr_context *context, const void *bytes, size_t size, mexpr_face_table **out);
/**
 * Writes CSV with OpenFace's columns frame, face_id, timestamp, confidence, success, x_0
 * … x_67, y_0 … y_67; lines end with LF, as OpenFace's. The file appears whole or not at
 * all.
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_IO, MEXPR_E_NOMEM
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_face_table_write_csv(
    mexpr_face_table *table, const char *path);
/** The same into memory; `*bytes` is released with mexpr_bytes_free(). @since 0.1.0 */
MEXPR_API mexpr_status mexpr_face_table_encode_csv(
    mexpr_face_table *table, void **bytes, size_t *size);
/** Writes 68 landmarks as .pts, adding 1. @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_IO,
 *  MEXPR_E_NOMEM @since 0.1.0 */
MEXPR_API mexpr_status mexpr_landmarks_write_pts(
    mexpr_context *context, const float *landmarks, const char *path);

/**
 * 68 landmarks from the 468 or 478 points of the MediaPipe face mesh; the table of
 * indices is in docs/face.md.
 * @param mesh      n_points rows of `step` floats that begin with x and y
 * @param step      2 or more
 * @param x_scale,y_scale what x and y are multiplied by: the picture's width and height
 *                  for coordinates in 0..1, 1 for px. Half a pixel is taken off for the
 *                  former (scale not 1), whose 0 is the picture's edge.
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_SHAPE (neither 468 nor 478 points)
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_landmarks_from_mesh(mexpr_context *context,
    const float *mesh, int32_t n_points, int32_t step, double x_scale, double y_scale,
    float *landmarks);

MEXPR_END_DECLS

#endif
