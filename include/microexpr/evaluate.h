/* SPDX-License-Identifier: MIT */
/**
 * @file evaluate.h
 * How well a way of training does on people it has not seen: protocols and metrics. See
 * docs/evaluate.md.
 */
#ifndef MICROEXPR_EVALUATE_H
#define MICROEXPR_EVALUATE_H

#include "dataset.h"
#include "model.h"

MEXPR_BEGIN_DECLS

/* --- metrics ----------------------------------------------------------------------- */

/**
 * Measures of predictions, over all clips at once: never means of measures of folds.
 * Classes without a clip are counted in n_absent and left out of uar; uf1 leaves out
 * those that nothing was taken for either.
 */
typedef struct mexpr_metrics {
    size_t struct_size;
    int64_t n; /**< clips */
    int32_t n_classes;
    int32_t n_absent; /**< classes without a clip */
    double accuracy;  /**< share of clips that are right */
    double uf1;       /**< unweighted mean over classes of F1 = 2 TP / (2 TP + FP + FN) */
    double uar;       /**< unweighted mean over classes of the recall TP / (TP + FN) */
    double weighted_f1; /**< mean of F1, weighted by the classes' clips */
} mexpr_metrics;

#define MEXPR_METRICS_INIT                                                               \
    {                                                                                    \
        sizeof(mexpr_metrics), 0, 0, 0, 0, 0, 0, 0                                       \
    }

/**
 * Computes the measures of n predictions.
 * @param labels    n classes, 0..n_classes-1
 * @param predicted n classes
 * @param confusion receives n_classes × n_classes counts, row: label, column: prediction;
 *                  or NULL
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_RANGE (a class), MEXPR_E_ABI, MEXPR_E_NOMEM
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_metrics_compute(mexpr_context *context,
    const int32_t *labels, const int32_t *predicted, int64_t n, int32_t n_classes,
    int64_t *confusion, mexpr_metrics *metrics);

/**
 * Percentile intervals of the measures when persons are drawn with replacement: B. Efron,
 * "Bootstrap methods: another look at the jackknife", Annals of Statistics 7 (1979).
 * Clips of a person are not independent, so persons are drawn, not clips.
 * @param persons    n numbers from 0 on: whose clip it is
 * @param confidence of the interval, in (0, 1); 0: 0.95
 * @param n_rounds   100..1000000; 0: 4000
 * @param seed       the same seed gives the same interval
 * @return as mexpr_metrics_compute(), and MEXPR_E_LIMIT
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_metrics_interval(mexpr_context *context,
    const int32_t *labels, const int32_t *predicted, const int32_t *persons, int64_t n,
    int32_t n_classes, double confidence, int32_t n_rounds, uint64_t seed,
    mexpr_metrics *low, mexpr_metrics *high);

/**
 * McNemar's exact test of two systems on the same clips: probability, when both are
 * right equally often, of a difference at least as large (Q. McNemar, Psychometrika 12,
 * 1947; two-sided binomial).
 * @param p receives it, 1 when they are never right alone
 * @return MEXPR_OK, MEXPR_E_ARG
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_mcnemar(mexpr_context *context, const int32_t *labels,
    const int32_t *predicted_a, const int32_t *predicted_b, int64_t n, double *p);

/* --- protocols --------------------------------------------------------------------- */

/** What is held out together. */
typedef enum mexpr_protocol {
    MEXPR_PROTOCOL_LOSO = 1,   /**< one person: leave-one-subject-out */
    MEXPR_PROTOCOL_KFOLD = 2,  /**< a share of the persons, drawn at random */
    MEXPR_PROTOCOL_DATASET = 3 /**< one database: holdout across databases */
} mexpr_protocol;

/** Options of mexpr_evaluate(). */
typedef struct mexpr_evaluate_options {
    size_t struct_size;
    int32_t protocol; /**< mexpr_protocol; 0: MEXPR_PROTOCOL_LOSO */
    int32_t n_folds;  /**< KFOLD: 2..; 0: 10 */
    uint64_t seed;    /**< of KFOLD's draw, and given to `fit` */
} mexpr_evaluate_options;

#define MEXPR_EVALUATE_OPTIONS_INIT                                                      \
    {                                                                                    \
        sizeof(mexpr_evaluate_options), 0, 0, 0                                          \
    }

/**
 * Trains a network for one fold: a call of mexpr_train(), or anything else. What it is
 * given are the clips of all other folds; nothing of the fold at hand is in the memory it
 * is handed. A class of which the fold holds all clips does not occur among the labels;
 * mexpr_train() refuses that.
 * On a context of several threads it is called from several at once, each with a context
 * of its own, which it may use until it returns.
 * @param inputs as those of mexpr_evaluate(); they live until the call returns
 * @param out    a network with one input, as `inputs`, and one output, N×classes
 * @return MEXPR_OK, or what ends the evaluation; the sentence is the context's
 */
typedef mexpr_status (*mexpr_fit_fn)(void *user, mexpr_context *context,
    const mexpr_tensor_view *inputs, const int32_t *labels, int32_t n_classes,
    uint64_t seed, mexpr_model **out);

/** Predictions for all clips, each by a network that has not seen the fold. Immutable. */
typedef struct mexpr_evaluation mexpr_evaluation;

/**
 * Evaluates a way of training. In turn each fold is held out, `fit` makes a network of
 * the others, which is then applied to the fold once. There is no way to choose anything
 * by the result. Folds run side by side on the context's threads; their number does not
 * change the result.
 * @param manifest of the clips; each needs a label
 * @param inputs   float32, one for each clip of the manifest: n_clips × …; finite
 * @param options  NULL for all defaults
 * @param progress called from this thread, now and then, with the folds done; or NULL
 * @param user     first argument of `fit` and `progress`
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_ABI, MEXPR_E_RANGE (an option; a clip without a
 *         label; fewer than two folds), MEXPR_E_SHAPE, MEXPR_E_TYPE, MEXPR_E_LIMIT,
 * MEXPR_E_CANCELLED, MEXPR_E_NOMEM, and what `fit` returns; the sentence is the context's
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_evaluate(mexpr_context *context,
    const mexpr_manifest *manifest, const mexpr_tensor_view *inputs, mexpr_fit_fn fit,
    const mexpr_evaluate_options *options, mexpr_progress_fn progress, void *user,
    mexpr_evaluation **out);
/** Destroys an evaluation. @since 0.1.0 */
MEXPR_API void mexpr_evaluation_destroy(mexpr_evaluation **evaluation);
/** Folds; 0 for NULL. @since 0.1.0 */
MEXPR_API int32_t mexpr_evaluation_n_folds(const mexpr_evaluation *evaluation);
/** The fold of a clip, -1 for one that does not exist. @since 0.1.0 */
MEXPR_API int32_t mexpr_evaluation_fold(const mexpr_evaluation *evaluation, int64_t clip);
/** What was predicted for a clip, -1 for one that does not exist. @since 0.1.0 */
MEXPR_API int32_t mexpr_evaluation_predicted(
    const mexpr_evaluation *evaluation, int64_t clip);
/** The clip's n_classes scores; NULL for one that does not exist. @since 0.1.0 */
MEXPR_API const float *mexpr_evaluation_scores(
    const mexpr_evaluation *evaluation, int64_t clip);
/**
 * Measures of all clips together, or of those of one database (of the same predictions).
 * @param dataset   number in the manifest, -1: all
 * @param confusion as for mexpr_metrics_compute(), or NULL
 * @return as mexpr_metrics_compute()
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_evaluation_metrics(mexpr_context *context,
    const mexpr_evaluation *evaluation, int32_t dataset, int64_t *confusion,
    mexpr_metrics *metrics);
/** mexpr_metrics_interval() of all clips together, its defaults; low and high as there.
 *  @return as there @since 0.1.0 */
MEXPR_API mexpr_status mexpr_evaluation_interval(mexpr_context *context,
    const mexpr_evaluation *evaluation, mexpr_metrics *low, mexpr_metrics *high);

MEXPR_END_DECLS

#endif
