/* SPDX-License-Identifier: MIT */
/**
 * @file saliency.h
 * Where in a picture a network looks: maps of what a class score rests on, as numbers and
 * as colours over the face. See docs/saliency.md.
 */
#ifndef MICROEXPR_SALIENCY_H
#define MICROEXPR_SALIENCY_H

#include "base.h"
#include "image.h"
#include "model.h"

MEXPR_BEGIN_DECLS

/** How a map is made. */
typedef enum mexpr_saliency_method {
    /** Squares of the input are covered one after the other; the map is the mean fall of
     *  the class score over the squares that cover a pixel. After Zeiler and Fergus,
     *  "Visualizing and Understanding Convolutional Networks", ECCV 2014. */
    MEXPR_SALIENCY_OCCLUSION = 1,
    /** Channels of a feature map weighed by the mean gradient of the class score:
     *  Selvaraju et al., "Grad-CAM", ICCV 2017. The mean gradient of a channel is taken
     * as a central difference over the whole channel. */
    MEXPR_SALIENCY_GRAD_CAM = 2,
    /** Channels of a feature map weighed by the fall of the class score when the channel
     *  is set to 0: Desai and Ramaswamy, "Ablation-CAM", WACV 2020. */
    MEXPR_SALIENCY_ABLATION_CAM = 3
} mexpr_saliency_method;

/** What occluding squares are filled with. */
typedef enum mexpr_saliency_fill {
    MEXPR_SALIENCY_FILL_MEAN = 1, /**< the mean of each channel of the input */
    MEXPR_SALIENCY_FILL_VALUE = 2 /**< fill_value */
} mexpr_saliency_fill;

/** What the class score is. */
typedef enum mexpr_saliency_score {
    MEXPR_SALIENCY_SCORE_SOFTMAX = 1, /**< softmax over the output */
    MEXPR_SALIENCY_SCORE_RAW = 2      /**< the output as it is */
} mexpr_saliency_score;

/** Options of mexpr_saliency_compute(); a field of 0 or NULL means its default. */
typedef struct mexpr_saliency_options {
    size_t struct_size;
    int32_t method; /**< mexpr_saliency_method; MEXPR_SALIENCY_OCCLUSION */
    int32_t target; /**< the class; 0 is the first one, -1 (what
                         MEXPR_SALIENCY_OPTIONS_INIT has) that of the highest score */
    int32_t input;  /**< number of the input that is explained; the first */
    int32_t output; /**< number of the output with the classes; the first */
    int32_t patch;  /**< side of occluding squares in px; a sixth of the shorter side */
    int32_t stride; /**< from square to square in px; a quarter of `patch` */
    int32_t fill;   /**< mexpr_saliency_fill; MEXPR_SALIENCY_FILL_MEAN */
    int32_t score;  /**< mexpr_saliency_score; softmax for occlusion, raw for the others,
                         as their papers have it */
    float fill_value;
    int32_t batch; /**< variants that run at once, 1 to 256, where the network has a free
                        batch; 16 */
    /** For the others: the feature map, by the name of its tensor or of the node that
     *  makes it. NULL: that of the last convolution, behind what follows it without
     *  leaving its positions (normalization, activation, gates, sums). */
    const char *layer;
    mexpr_progress_fn progress; /**< called with the variants done and in all */
    void *user;                 /**< first argument of progress */
} mexpr_saliency_options;

#define MEXPR_SALIENCY_OPTIONS_INIT                                                      \
    {                                                                                    \
        sizeof(mexpr_saliency_options), 0, -1, 0, 0, 0, 0, 0, 0, 0, 0, NULL, NULL, NULL  \
    }

/** A map and what it tells about. Immutable: may be read from several threads. */
typedef struct mexpr_saliency mexpr_saliency;

/**
 * Computes a map for one sample: a float32 input of 1×C×H×W, or 1×C×T×H×W, where a map is
 * one of all T frames together. It keeps a session of its own for the length of the call:
 * calls in several threads may share a model, but each needs a context of its own.
 * @param inputs   one tensor for each input of the model, in its order; read during the
 *                 call only
 * @param options  NULL for all defaults
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_ABI, MEXPR_E_RANGE (no such class, input,
 *         output; a square larger than the picture), MEXPR_E_SHAPE (the input or the
 *         layer is no picture, the output no row of classes), MEXPR_E_TYPE,
 *         MEXPR_E_NOT_FOUND (the layer), MEXPR_E_MODEL (scores are not finite),
 *         MEXPR_E_CANCELLED, MEXPR_E_LIMIT, MEXPR_E_NOMEM; the sentence is in the context
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_saliency_compute(mexpr_context *context, mexpr_model *model,
    const mexpr_tensor_view *inputs, int32_t n_inputs,
    const mexpr_saliency_options *options, mexpr_saliency **out);
/** Destroys a map. @since 0.1.0 */
MEXPR_API void mexpr_saliency_destroy(mexpr_saliency **saliency);
/** The map, GREYF32, of the input's height and width; 0 and above, in units of the score.
 *  Lives as long as the object. @since 0.1.0 */
MEXPR_API const mexpr_image *mexpr_saliency_map(const mexpr_saliency *saliency);
/** Of an occlusion map: GREY8, 255 where a square that changed the decision covered the
 *  pixel, else 0; NULL otherwise. Lives as long as the object. @since 0.1.0 */
MEXPR_API const mexpr_image *mexpr_saliency_flips(const mexpr_saliency *saliency);
/** The class that the map is about; -1 for NULL. @since 0.1.0 */
MEXPR_API int32_t mexpr_saliency_target(const mexpr_saliency *saliency);
/** Its score for the sample as it is; 0 for NULL. @since 0.1.0 */
MEXPR_API double mexpr_saliency_target_score(const mexpr_saliency *saliency);
/** The tensor whose feature map was used, "" for occlusion. @since 0.1.0 */
MEXPR_API const char *mexpr_saliency_layer(const mexpr_saliency *saliency);

/**
 * Draws a map in colours from blue (0) over green and yellow to red (its maximum).
 * @param map     GREYF32, numbers of 0 and above
 * @param under   a picture to draw over, of any size, shown grey; NULL: the colours
 *                alone, of the map's size
 * @param opacity of the colours over the picture at the map's maximum, 0 to 1; it falls
 *                with the map, so that what does not count stays the face
 * @param out     RGB8 of the size of `under`
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_RANGE, MEXPR_E_LIMIT, MEXPR_E_NOMEM; the
 *         sentence is in the context, which is for one thread at a time
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_saliency_picture(mexpr_context *context,
    const mexpr_image *map, const mexpr_image *under, double opacity, mexpr_image **out);

MEXPR_END_DECLS

#endif
