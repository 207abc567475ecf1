/* SPDX-License-Identifier: MIT */
/**
 * @file train.h
 * Making networks from labelled inputs. See docs/train.md.
 */
#ifndef MICROEXPR_TRAIN_H
#define MICROEXPR_TRAIN_H

#include "model.h"

MEXPR_BEGIN_DECLS

/* --- the trainer ------------------------------------------------------------------- */

/** How weights follow their gradients: PyTorch's rules. */
typedef enum mexpr_optimiser {
    MEXPR_OPTIMISER_SGD = 1,  /**< stochastic gradient descent with momentum */
    MEXPR_OPTIMISER_ADAM = 2, /**< Kingma, Ba, ICLR 2015; weight decay within */
    MEXPR_OPTIMISER_ADAMW = 3 /**< Loshchilov, Hutter, ICLR 2019: decay beside it */
} mexpr_optimiser;

/** How the rate goes on. */
typedef enum mexpr_schedule {
    MEXPR_SCHEDULE_CONSTANT = 1,
    MEXPR_SCHEDULE_STEP = 2,       /**< times `factor` every `step_epochs` */
    MEXPR_SCHEDULE_COSINE = 3,     /**< half a cosine down to 0, step by step */
    MEXPR_SCHEDULE_EXPONENTIAL = 4 /**< times `factor` every epoch */
} mexpr_schedule;

/** What is to become small; of scores before softmax. */
typedef enum mexpr_loss {
    MEXPR_LOSS_CROSS_ENTROPY = 1,
    MEXPR_LOSS_FOCAL = 2,          /**< Lin et al., ICCV 2017: (1-p)^gamma times that */
    MEXPR_LOSS_BALANCED_FOCAL = 3, /**< the same, class c times 1 - share(c) / 10 */
    MEXPR_LOSS_BINARY = 4,         /**< binary cross-entropy of every class */
    MEXPR_LOSS_SQUARES = 5,        /**< mean squared distance to 1 and 0 */
    MEXPR_LOSS_HINGE = 6,          /**< multi-class hinge, margin 1 */
    MEXPR_LOSS_ABSOLUTE = 7        /**< mean absolute distance to 1 and 0 */
} mexpr_loss;

/** What is done to a clip before anything else. */
typedef enum mexpr_normalisation {
    MEXPR_NORMALISATION_PICTURE = 1, /**< nothing: values are those of pictures, 0..255 */
    /** Of flow: u and v lose their median, each plane is divided by its root mean square
     *  and limited to +-4. */
    MEXPR_NORMALISATION_FLOW = 2
} mexpr_normalisation;

/**
 * How to train. Numbers are what they are: 0 is zero, and switches off what can be
 * switched off. MEXPR_TRAINER_OPTIONS_INIT or mexpr_trainer_recipe() fill it in first.
 */
typedef struct mexpr_trainer_options {
    size_t struct_size;
    uint64_t seed;       /**< of order, augmentation and dropout */
    int32_t epochs;      /**< 1..1000000 */
    int32_t batch;       /**< clips at a time, 1..65536 */
    int32_t is_shuffled; /**< 0: clips come in their order, every epoch */

    int32_t optimiser;   /**< mexpr_optimiser */
    double rate;         /**< learning rate, 0..1000 */
    double momentum;     /**< of SGD; the first beta of Adam; 0..0.999999 */
    double beta2;        /**< of Adam, 0..0.999999999 */
    double epsilon;      /**< of Adam, 0..1 */
    double weight_decay; /**< 0..100, 0: none */
    int32_t is_nesterov; /**< SGD; 0 or 1 */
    int32_t schedule;    /**< mexpr_schedule */
    double factor;       /**< of step and exponential, 0..1 */
    int32_t step_epochs; /**< of step, 1..1000000 */
    int32_t warm_up;     /**< steps in which the rate rises to its value,
                              0..1000000000 */
    double clip_norm;    /**< limit of the gradient's norm, 0..1e9; 0: none */
    double average;      /**< what comes out is an exponential mean of the weights with
                              this decay, 0..0.999999999; 0: the weights as they are */
    const char *frozen;  /**< weights that stay: names that begin so, separated by
                              commas; NULL: none */
    const char *slow;    /**< weights that learn at slow_rate times the rate, as above */
    double slow_rate;    /**< 0..1000 */

    int32_t loss;        /**< mexpr_loss */
    int32_t is_balanced; /**< classes weigh the inverse of how many clips they have;
                              0 or 1 */
    double gamma;        /**< of focal losses, 0..20 */
    double smoothing;    /**< share of the labels that goes to all classes, 0..0.999 */

    int32_t normalisation; /**< mexpr_normalisation */
    int32_t is_mirrored;   /**< scores are means over clip and mirror image: of flow only;
                                0 or 1 */
    double flip;           /**< probability of a mirror image, u turned round, 0..1 */
    double turn;           /**< rotation, within +-degrees, 0..180; vectors turn with the
                                face */
    double shift;          /**< within +-pixels, 0..1000 */
    double zoom;           /**< size, within 1 +-share, 0..0.9 */
    double noise;          /**< deviation of noise, share of each plane's root mean
                                square, 0..100 */
    double occlusion;      /**< side of a square that is hidden, up to this share of the
                                picture's, 0..1 */
    double gain;           /**< times 1 +-share, all planes alike, 0..1 */
    double blur;           /**< Gaussian of up to this many pixels, 0..8 */
    double jitter;         /**< of frames (rank 5): up to this share is dropped, the rest
                                resampled, 0..0.9 */
    double mixup;          /**< alpha of Zhang et al., ICLR 2018: pairs of clips, 0..100;
                                0: none */

    const char *labels;        /**< names of the classes, separated by commas, for the
                                    metadata; no two alike; NULL: those of the model, if
                                    it has as many, or none */
    const char *checkpoint;    /**< file that mexpr_trainer_run() keeps; NULL: none. What
                                    is there and no checkpoint is not written over */
    int32_t checkpoint_epochs; /**< and every how many epochs, 0..1000000; 0: at its end
                                    alone */

    /** What the loss has beside that of the scores: "KIND:WEIGHT:TENSOR" or
     *  "KIND:WEIGHT:A,B", up to 8 with those of the recipe, separated by semicolons, such
     *  as "contrastive:0.1:features;kl@4:1:logits,teacher". Tensors are those that nodes
     *  of the model make, with a row for each clip; docs/train.md has the kinds. NULL:
     *  nothing */
    const char *terms;
} mexpr_trainer_options;

#define MEXPR_TRAINER_OPTIONS_INIT                                                       \
    {                                                                                    \
        sizeof(mexpr_trainer_options), 0, 100, 32, 1, MEXPR_OPTIMISER_ADAM, 1e-3, 0.9,   \
            0.999, 1e-8, 0, 0, MEXPR_SCHEDULE_CONSTANT, 0.1, 30, 0, 0, 0, NULL, NULL, 1, \
            MEXPR_LOSS_CROSS_ENTROPY, 0, 2, 0, MEXPR_NORMALISATION_PICTURE, 0, 0, 0, 0,  \
            0, 0, 0, 0, 0, 0, 0, NULL, NULL, 0, NULL                                     \
    }

/**
 * Fills in how a system of mexpr_system_find() is trained: as it was published where that
 * is known. docs/train.md has the table and says what is ours.
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_ABI, MEXPR_E_NOT_FOUND
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_trainer_recipe(
    const char *system, mexpr_trainer_options *options);

/**
 * A network that learns. One thread at a time; it uses the threads of its context, and
 * the weights do not depend on how many.
 *
 * All chance follows from the seed, the epoch and the number of the clip: the same model,
 * clips and options give the same weights, also when training was interrupted and goes on
 * from a checkpoint.
 */
typedef struct mexpr_trainer mexpr_trainer;

/**
 * Makes a trainer. Weights begin as the model has them. A network that a trainer made
 * prepares its clips inside: it is trained on with `normalisation` picture and without
 * `is_mirrored`.
 * @param model     made or loaded without rewrites (MexprModelOptions.rewrites 0), not
 *                  with drop_source; its first output has a row of scores for each clip
 * @param inputs    float32, N clips, finite; copied. What the model's only input takes,
 *                  or N×3×28×28 for systems of mexpr_system_build(): u, v and strain as
 *                  0..255, of which the trainer makes what the system takes
 * @param labels    N classes, 0..n_classes-1, each at least once
 * @param n_classes as the model has scores
 * @param options   NULL: as MEXPR_TRAINER_OPTIONS_INIT
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_ABI, MEXPR_E_OPERATOR (a node that cannot be
 *         trained through), MEXPR_E_TYPE, MEXPR_E_SHAPE (clips that the model does not
 *         take, scores that are not n_classes), MEXPR_E_RANGE, MEXPR_E_LIMIT,
 *         MEXPR_E_NOT_FOUND (the tensor of a term), MEXPR_E_FORMAT (the checkpoint is
 *         some other file), MEXPR_E_STATE (the source
 *         is gone, or clips would be prepared twice), MEXPR_E_MODEL, MEXPR_E_IO,
 *         MEXPR_E_NOMEM; the sentence is the context's
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_trainer_create(mexpr_context *context, mexpr_model *model,
    const mexpr_tensor_view *inputs, const int32_t *labels, int32_t n_classes,
    const mexpr_trainer_options *options, mexpr_trainer **out);
/** Destroys a trainer. @since 0.1.0 */
MEXPR_API void mexpr_trainer_destroy(mexpr_trainer **trainer);
/** The sentence about the last failed call, "" when there was none. @since 0.1.0 */
MEXPR_API const char *mexpr_trainer_last_error(const mexpr_trainer *trainer);

/** Called after every epoch with its mean loss. @return 0 to go on */
typedef int32_t (*mexpr_epoch_fn)(
    void *user, int32_t epoch, int32_t n_epochs, double loss);

/**
 * Trains until all epochs are done, from where it is.
 * @param progress returns other than 0 to stop behind this epoch; or NULL
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_CANCELLED (call again to go on), MEXPR_E_RANGE
 *         (the loss or a weight is not finite any more; the last checkpoint stays),
 *         MEXPR_E_STATE (an epoch has failed before; mexpr_trainer_resume() mends that),
 *         MEXPR_E_IO and MEXPR_E_FORMAT (the checkpoint), MEXPR_E_NOMEM
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_trainer_run(
    mexpr_trainer *trainer, mexpr_epoch_fn progress, void *user);
/**
 * Trains one epoch.
 * @return as mexpr_trainer_run(), or MEXPR_END when there is none left
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_trainer_epoch(mexpr_trainer *trainer);
/** Epochs done. @since 0.1.0 */
MEXPR_API int32_t mexpr_trainer_n_epochs(const mexpr_trainer *trainer);
/** Mean loss of epoch 0, 1, …; NaN for one that was not. @since 0.1.0 */
MEXPR_API double mexpr_trainer_loss(const mexpr_trainer *trainer, int32_t epoch);

/**
 * Writes all that training goes on from, whole or not at all.
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_FORMAT (the file is there and no checkpoint),
 *         MEXPR_E_RANGE (a weight is not finite), MEXPR_E_STATE (the last epoch failed),
 *         MEXPR_E_IO, MEXPR_E_NOMEM
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_trainer_save(mexpr_trainer *trainer, const char *path);
/**
 * Goes on from what mexpr_trainer_save() or mexpr_trainer_run() wrote: of a trainer with
 * the same model, clips and options, but for the number of epochs where the schedule is
 * not a cosine. The trainer stays as it is when that fails.
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_NOT_FOUND (no such file), MEXPR_E_IO,
 *         MEXPR_E_FORMAT (no checkpoint, or damaged), MEXPR_E_STATE (of another model, of
 *         other options or clips: the sentence says which), MEXPR_E_LIMIT, MEXPR_E_NOMEM
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_trainer_resume(mexpr_trainer *trainer, const char *path);

/**
 * The network as it is now, with all that was done to the clips inside it: it takes what
 * the trainer was given, and its first output has the scores.
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_LIMIT, MEXPR_E_NOMEM
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_trainer_model(mexpr_trainer *trainer, mexpr_model **out);
/** Epochs in which a trainer made this network, mexpr_train()'s among them; 0 of any
 *  other: they stay with the handle and are not written to files. Thread-safe.
 *  @since 0.1.0 */
MEXPR_API int32_t mexpr_train_n_epochs(const mexpr_model *model);
/** Mean training loss of epoch 0, 1, … of them; NaN for one that was not. Thread-safe.
 *  @since 0.1.0 */
MEXPR_API double mexpr_train_loss(const mexpr_model *model, int32_t epoch);

/* --- in one call ------------------------------------------------------------------- */

/** Systems that mexpr_train() knows; NULL outside of 0..n-1. Thread-safe.
 *  @since 0.1.0 */
MEXPR_API const char *mexpr_train_system(int32_t index);

/** Options of mexpr_train(). */
typedef struct mexpr_train_options {
    size_t struct_size;
    const char *labels; /**< names of the classes, separated by commas, for the metadata;
                             no two alike; NULL: of networks, those of the system if it
                             has as many; of kernel machines, none */
    int32_t epochs;     /**< of networks; 0: those of their recipe */
    int32_t
        normalisation; /**< of networks, mexpr_normalisation; 0: that of their recipe */
    uint64_t seed;     /**< of networks: weights and all else */
} mexpr_train_options;

#define MEXPR_TRAIN_OPTIONS_INIT                                                         \
    {                                                                                    \
        sizeof(mexpr_train_options), NULL, 0, 0, 0                                       \
    }

/**
 * Trains a system by its recipe. The same inputs in the same order give the same network,
 * on one build and kind of processor.
 * @param system    "flow-derivative-svm", "flow-kernel-ridge", "flow-random-features",
 *                  or one of mexpr_trainer_recipe()
 * @param inputs    float32 N×3×28×28: u, v and strain of each clip as 0..255, as the flow
 *                  pictures of this library have them (R, G, B); finite
 * @param labels    N classes, 0..n_classes-1, each at least once
 * @param n_classes 2..1000
 * @param options   NULL for all defaults
 * @param progress  called now and then, or NULL
 * @param out       the network: input "flow" as `inputs`, output "logits"
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_ABI, MEXPR_E_NOT_FOUND (no such system),
 *         MEXPR_E_TYPE, MEXPR_E_SHAPE, MEXPR_E_RANGE (a label, an input that is not
 *         finite, a class without clips), MEXPR_E_LIMIT, MEXPR_E_CANCELLED,
 *         MEXPR_E_NOMEM; the sentence is the context's
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_train(mexpr_context *context, const char *system,
    const mexpr_tensor_view *inputs, const int32_t *labels, int32_t n_classes,
    const mexpr_train_options *options, mexpr_progress_fn progress, void *user,
    mexpr_model **out);

MEXPR_END_DECLS

#endif
