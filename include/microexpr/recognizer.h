/* SPDX-License-Identifier: MIT */
/**
 * @file recognizer.h
 * From an onset and an apex frame to a label: flow, strain, picture, network, scores.
 * See docs/recognizer.md, and ETHICS.md before any use on people.
 */
#ifndef MICROEXPR_RECOGNIZER_H
#define MICROEXPR_RECOGNIZER_H

#include "base.h"
#include "face.h"
#include "flow.h"
#include "image.h"
#include "model.h"
#include "saliency.h"

MEXPR_BEGIN_DECLS

/** A rectangle in pixels; x and y are its upper left corner. */
typedef struct mexpr_box {
    int32_t x;
    int32_t y;
    int32_t width;
    int32_t height;
} mexpr_box;

/** Options of mexpr_recognizer_create(); a field of 0 or NULL means its default. */
typedef struct mexpr_recognizer_options {
    size_t struct_size;
    /**
     * A network with one input N×3×H×W that takes the u/v/strain picture as floats,
     * 0..255 or as its metadata `microexpr.range` says ("0,1"), and one output N×classes
     * of logits. Kept by reference. NULL: the network that ships,
     * docs/models/flow_fusion.md.
     */
    mexpr_model *model;
    /**
     * Class names, separated by commas. NULL: the model's metadata `microexpr.labels`, or
     * else "class0,class1,…".
     */
    const char *labels;
    /**
     * The channel order of the input: "u,v,strain" or any other order of the three. NULL:
     * the model's metadata `microexpr.planes`, or else "strain,v,u" (blue, green, red),
     * which published networks of this field take.
     */
    const char *planes;
    int32_t strain;        /**< mexpr_strain; MEXPR_STRAIN_FROBENIUS */
    int32_t smallest_face; /**< px a face must be wide in whole frames, 24..8192; 64 */
} mexpr_recognizer_options;

#define MEXPR_RECOGNIZER_OPTIONS_INIT                                                    \
    {                                                                                    \
        sizeof(mexpr_recognizer_options), NULL, NULL, NULL, 0, 0                         \
    }

/** The steps from frames to scores with all their memory. One thread at a time. */
typedef struct mexpr_recognizer mexpr_recognizer;
/** An answer; independent of the recognizer that gave it. One thread at a time. */
typedef struct mexpr_result mexpr_result;

/** Steps whose time a result tells. */
typedef enum mexpr_stage {
    MEXPR_STAGE_PREPARE = 1, /**< crop and grey */
    MEXPR_STAGE_FLOW = 2,
    MEXPR_STAGE_PICTURE = 3, /**< strain, resizing, stretching */
    MEXPR_STAGE_MODEL = 4,
    MEXPR_STAGE_FACE = 5 /**< finding, aligning and cropping the face of whole frames */
} mexpr_stage;

/**
 * Makes a recognizer. The network is run once, on a picture without motion, so that one
 * that cannot work is refused here.
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_ABI, MEXPR_E_SHAPE (the model is of another
 *         kind), MEXPR_E_LIMIT, MEXPR_E_NOMEM; the sentence is in the context
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_recognizer_create(mexpr_context *context,
    const mexpr_recognizer_options *options, mexpr_recognizer **out);
/** Destroys a recognizer. @since 0.1.0 */
MEXPR_API void mexpr_recognizer_destroy(mexpr_recognizer **recognizer);
/** The sentence about the last failed call on this recognizer. @since 0.1.0 */
MEXPR_API const char *mexpr_recognizer_last_error(const mexpr_recognizer *recognizer);
/** The flow estimator inside, to set its tunables; the recognizer's own. @since 0.1.0 */
MEXPR_API mexpr_flow *mexpr_recognizer_flow(mexpr_recognizer *recognizer);

/**
 * Classifies the movement from `onset` to `apex`.
 * @param face where the face is, in both frames; NULL: the frames are face crops
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_SHAPE (sizes differ), MEXPR_E_RANGE (the box is
 *         not inside), MEXPR_E_FORMAT (a float frame holds NaN or infinity),
 *         MEXPR_E_MODEL (the network's output does), MEXPR_E_NOMEM
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_recognizer_run(mexpr_recognizer *recognizer,
    const mexpr_image *onset, const mexpr_image *apex, const mexpr_box *face,
    mexpr_result **out);

/**
 * The same from whole frames: the largest face of the onset frame is found, and both
 * frames are cropped to it as the network's metadata `microexpr.crop` say (or else
 * "140x170"), the apex frame aligned, so that the motion of the head is taken out.
 * mexpr_result_n_faces() tells how many faces there were.
 * @return as mexpr_recognizer_run(), and MEXPR_E_NOT_FOUND (no face in the onset frame,
 * or it is not in the apex frame), MEXPR_E_RANGE (the face is too small), MEXPR_E_TYPE
 * (the frames' formats differ)
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_recognizer_run_frames(mexpr_recognizer *recognizer,
    const mexpr_image *onset, const mexpr_image *apex, mexpr_result **out);

/**
 * The same for two frames of a clip of files or pictures.
 * @param onset a frame, counted from 0
 * @param apex  another; below 0: the one after the onset whose face differs most from the
 *              onset's, in grey, once the head is held still
 * @return as mexpr_recognizer_run_frames(), and MEXPR_E_RANGE (there is no such frame),
 *         MEXPR_E_STATE (a stream), and what mexpr_clip_frame() returns
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_recognizer_run_clip(mexpr_recognizer *recognizer,
    mexpr_clip *clip, int64_t onset, int64_t apex, mexpr_result **out);

/**
 * Where in the picture that the network saw the score of a class rests: see saliency.h.
 * @param result  one of this recognizer
 * @param options NULL for all defaults; the target -1 is the result's class
 * @param out     the map has the size of mexpr_result_picture(), which covers the face
 *                box, or else the whole frame
 * @return MEXPR_OK, MEXPR_E_ARG (NULL, or a result of another kind), and what
 *         mexpr_saliency_compute() returns; the sentence is in the recognizer
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_recognizer_explain(mexpr_recognizer *recognizer,
    const mexpr_result *result, const mexpr_saliency_options *options,
    mexpr_saliency **out);

/** Destroys a result. @since 0.1.0 */
MEXPR_API void mexpr_result_destroy(mexpr_result **result);
/** Number of classes. @since 0.1.0 */
MEXPR_API int32_t mexpr_result_n_classes(const mexpr_result *result);
/** Name of class `index`, NULL outside. @since 0.1.0 */
MEXPR_API const char *mexpr_result_class_name(const mexpr_result *result, int32_t index);
/** Softmax score of class `index`, no calibrated probability; 0 outside. @since 0.1.0 */
MEXPR_API double mexpr_result_score(const mexpr_result *result, int32_t index);
/** The network's raw output for class `index`; 0 outside. @since 0.1.0 */
MEXPR_API double mexpr_result_logit(const mexpr_result *result, int32_t index);
/** Index of the highest score; the first of equals. @since 0.1.0 */
MEXPR_API int32_t mexpr_result_class(const mexpr_result *result);
/** Name of the class with the highest score. @since 0.1.0 */
MEXPR_API const char *mexpr_result_label(const mexpr_result *result);
/** The flow between the (cropped) frames; lives as long as the result. @since 0.1.0 */
MEXPR_API const mexpr_field *mexpr_result_field(const mexpr_result *result);
/** The u/v/strain picture the network saw, RGB8; lives as long as the result.
 *  @since 0.1.0 */
MEXPR_API const mexpr_image *mexpr_result_picture(const mexpr_result *result);
/** How many faces the onset frame showed; 0 when none was looked for. @since 0.1.0 */
MEXPR_API int32_t mexpr_result_n_faces(const mexpr_result *result);
/** The face that was taken, in the onset frame. @return MEXPR_OK, MEXPR_E_ARG,
 *  MEXPR_E_ABI, MEXPR_E_STATE (none was looked for) @since 0.1.0 */
MEXPR_API mexpr_status mexpr_result_face(const mexpr_result *result, mexpr_face *face);
/** How the apex frame was aligned. @return as mexpr_result_face() @since 0.1.0 */
MEXPR_API mexpr_status mexpr_result_alignment(
    const mexpr_result *result, mexpr_alignment *alignment);
/** The onset frame of a clip, from 0; -1 of other frames. @since 0.1.0 */
MEXPR_API int64_t mexpr_result_onset(const mexpr_result *result);
/** The apex frame of a clip, from 0; -1 of other frames. @since 0.1.0 */
MEXPR_API int64_t mexpr_result_apex(const mexpr_result *result);
/** Milliseconds that a stage took; 0 for an unknown stage. @since 0.1.0 */
MEXPR_API double mexpr_result_milliseconds(const mexpr_result *result, mexpr_stage stage);

MEXPR_END_DECLS

#endif
