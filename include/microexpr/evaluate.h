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

/** Measures of one class. */
typedef struct mexpr_class_metrics {
    size_t struct_size;
    int64_t support;  /**< clips of the class */
    int64_t taken;    /**< clips that were taken for it */
    int64_t hits;     /**< clips of the class that were taken for it */
    double precision; /**< hits / taken; 0 when nothing was taken for it */
    double recall;    /**< hits / support; 0 without a clip */
    double f1;        /**< 2 hits / (support + taken); 0 when both are 0 */
} mexpr_class_metrics;

#define MEXPR_CLASS_METRICS_INIT                                                         \
    {                                                                                    \
        sizeof(mexpr_class_metrics), 0, 0, 0, 0, 0, 0                                    \
    }

/**
 * Measures of one class from a confusion, such as those of mexpr_metrics_compute() and
 * mexpr_evaluation_metrics(), of all clips or of a database.
 * @param confusion n_classes × n_classes counts, row: label, column: prediction
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_RANGE (n_classes, the class, a negative
 *         count, more than 2^62 clips), MEXPR_E_ABI
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_metrics_class(mexpr_context *context,
    const int64_t *confusion, int32_t n_classes, int32_t k, mexpr_class_metrics *metrics);

/**
 * Percentile intervals of the measures when persons are drawn with replacement: B. Efron,
 * "Bootstrap methods: another look at the jackknife", Annals of Statistics 7 (1979).
 * Clips of a person are not independent, so persons are drawn, not clips.
 * @param persons    n numbers, each 0..n-1, in any order and with gaps: whose clip it is.
 *                   Only persons with a clip are drawn
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

/** How two systems differ on the same clips. */
typedef struct mexpr_comparison {
    size_t struct_size;
    int64_t n;      /**< clips */
    int64_t only_a; /**< clips that a alone has right */
    int64_t only_b; /**< clips that b alone has right */
    double p;       /**< of mexpr_mcnemar() */
    double uf1;     /**< UF1 of a minus UF1 of b */
    double uf1_low; /**< its interval, persons drawn, the same for both systems */
    double uf1_high;
    double uf1_above; /**< share of the draws in which a has the higher UF1, those with
                           equal ones counted half */
    double uar;       /**< the same of UAR */
    double uar_low;
    double uar_high;
    double uar_above;
} mexpr_comparison;

#define MEXPR_COMPARISON_INIT                                                            \
    {                                                                                    \
        sizeof(mexpr_comparison), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0                     \
    }

/**
 * Compares two systems: McNemar's test, and a paired bootstrap over persons of the
 * differences of UF1 and UAR (as mexpr_metrics_interval(): every draw is of the same
 * persons for both).
 * @param persons as for mexpr_metrics_interval(), and the arguments behind it
 * @return as mexpr_metrics_interval()
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_metrics_compare(mexpr_context *context,
    const int32_t *labels, const int32_t *predicted_a, const int32_t *predicted_b,
    const int32_t *persons, int64_t n, int32_t n_classes, double confidence,
    int32_t n_rounds, uint64_t seed, mexpr_comparison *comparison);

/* --- action units ------------------------------------------------------------------ */

/** Measures of the detection of one action unit, or of any mark that is there or not. */
typedef struct mexpr_unit_counts {
    int64_t tp; /**< there and found */
    int64_t fp; /**< found but not there */
    int64_t fn; /**< there but not found */
    int64_t tn; /**< neither */
} mexpr_unit_counts;

/** Measures of all units together. */
typedef struct mexpr_unit_metrics {
    size_t struct_size;
    int64_t n; /**< clips */
    int32_t n_units;
    int32_t n_absent; /**< units that no clip has */
    double mean_f1;   /**< unweighted mean of F1 = 2 TP / (2 TP + FP + FN) over the units
                           that are there or were found somewhere */
    double mean_f1_all; /**< the same over all units, 0 for those of neither (as
                             scikit-learn's macro average) */
    double micro_f1;    /**< F1 of the summed counts */
    double accuracy;    /**< share of the known marks that are right; NaN without any */
    double exact;       /**< share of the clips with a known mark that have all of them
                             right; NaN without such a clip */
} mexpr_unit_metrics;

#define MEXPR_UNIT_METRICS_INIT                                                          \
    {                                                                                    \
        sizeof(mexpr_unit_metrics), 0, 0, 0, 0, 0, 0, 0, 0                               \
    }

/**
 * Measures of the detection of several units per clip.
 * @param truth     n × n_units: 1 there, 0 not, -1 not known, which counts nowhere
 * @param scores    n × n_units; a unit is found when its score is not below `threshold`
 * @param threshold 0.5 for probabilities, 0 for logits
 * @param f1        receives n_units numbers, 0 for a unit that is neither there nor
 *                  found; or NULL
 * @param counts    receives n_units of them; or NULL
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_RANGE (n_units of 1 to 1000, a mark, a score or
 *         threshold that is not finite), MEXPR_E_ABI, MEXPR_E_NOMEM
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_units_compute(mexpr_context *context, const int8_t *truth,
    const float *scores, int64_t n, int32_t n_units, double threshold, double *f1,
    mexpr_unit_counts *counts, mexpr_unit_metrics *metrics);

/* --- spotting ---------------------------------------------------------------------- */

/** A movement in a clip: a true one or a spotted one. */
typedef struct mexpr_spot_interval {
    int64_t onset;  /**< first frame */
    int64_t apex;   /**< -1: not known */
    int64_t offset; /**< last frame, not before the onset */
    int32_t clip;   /**< number of the video */
    int32_t person; /**< whose video it is: videos are one when clip and person are */
    int32_t label;  /**< class, -1: none */
} mexpr_spot_interval;

/** How true and spotted intervals are counted. */
typedef enum mexpr_strs {
    /**
     * A true interval has one spotted interval at most and the reverse: pairs are made by
     * falling IoU, equal ones in the order of the true and then of the spotted intervals.
     * This is greedy: where intervals of a list overlap each other, another choice may
     * make more pairs. All clips and persons count. What would be 0 / 0 is 0, but for
     * distances of apexes.
     */
    MEXPR_STRS_STRICT = 1,
    /**
     * As the program that the Micro-Expression Grand Challenges hand out counts, flaw for
     * flaw; docs/evaluate.md lists them. When the class of no pair is right, analysis_f1
     * and strs are NaN; what else would be 0 / 0 is as above.
     */
    MEXPR_STRS_MEGC = 2
} mexpr_strs;

/** Measures of spotting, and of spotting and recognizing. */
typedef struct mexpr_spotting_metrics {
    size_t struct_size;
    int64_t tp; /**< pairs with an IoU of the threshold or above */
    int64_t fp; /**< spotted intervals that are in no pair */
    int64_t fn; /**< true intervals that are in no pair */
    double precision;
    double recall;
    double f1;
    int64_t n_apex;        /**< pairs of which both apexes are known */
    double apex_mae;       /**< their mean distance, frames; NaN without a pair */
    double apex_mae_share; /**< the same, each over the length of the true interval */
    double apex_inside; /**< share of them whose spotted apex is in the true interval */
    int64_t n_analysed; /**< pairs whose true interval has a class */
    double analysis_precision; /**< mean precision of the true intervals' classes */
    double analysis_recall;    /**< mean recall */
    double analysis_f1;        /**< harmonic mean of those two */
    double analysis_uf1;       /**< mean F1 */
    double analysis_uar; /**< mean recall; MEXPR_STRS_MEGC: mean precision, as there */
    double strs;         /**< f1 × analysis_f1 */
} mexpr_spotting_metrics;

#define MEXPR_SPOTTING_METRICS_INIT                                                      \
    {                                                                                    \
        sizeof(mexpr_spotting_metrics), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  \
            0                                                                            \
    }

/**
 * Measures spotted intervals against true ones, over all clips at once (MEGC 2020 to
 * 2025), and the spot-then-recognize score of G.-B. Liong, J. See, C.-S. Chan, Signal
 * Processing: Image Communication 110 (2023), 116875. The IoU of intervals of frames,
 * both ends included, is that of the sets of frames. The analysis looks at the labels of
 * pairs; its classes are those of the true intervals.
 * @param truth   n_true intervals, in any order; may be NULL when there are none
 * @param spotted n_spotted, the same
 * @param iou     the least of a pair, in (0, 1]; 0: 0.5
 * @param mode    mexpr_strs; 0: MEXPR_STRS_STRICT
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_RANGE (an interval, a class of 1000 or above,
 *         an option), MEXPR_E_ABI, MEXPR_E_LIMIT (max_tensor_bytes), MEXPR_E_NOMEM
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_spotting_compute(mexpr_context *context,
    const mexpr_spot_interval *truth, int64_t n_true, const mexpr_spot_interval *spotted,
    int64_t n_spotted, double iou, int32_t mode, mexpr_spotting_metrics *metrics);

/** Measures of apexes that were looked for in clips of one movement each. */
typedef struct mexpr_apex_metrics {
    size_t struct_size;
    int64_t n;        /**< clips */
    int64_t n_found;  /**< clips with a spotted apex */
    double mae;       /**< mean distance of the spotted apexes, frames; NaN without any */
    double mae_share; /**< the same, each over the length of its interval */
    double deviation; /**< standard error of those distances, frames; NaN for less than
                           two */
    double inside;    /**< share of all clips whose spotted apex is in the interval: the
                           apex spotting rate (ASR) */
} mexpr_apex_metrics;

#define MEXPR_APEX_METRICS_INIT                                                          \
    {                                                                                    \
        sizeof(mexpr_apex_metrics), 0, 0, 0, 0, 0, 0                                     \
    }

/**
 * Measures spotted apexes (S.-T. Liong, J. See, K. Wong, A. Le Ngo, Y.-H. Oh, R. Phan,
 * "Automatic apex frame spotting in micro-expression database", ACPR 2015).
 * @param truth   n intervals with their apexes
 * @param spotted n frames, -1: none was found
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_RANGE (an interval or apex), MEXPR_E_ABI
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_apex_compute(mexpr_context *context,
    const mexpr_spot_interval *truth, const int64_t *spotted, int64_t n,
    mexpr_apex_metrics *metrics);

/* --- protocols --------------------------------------------------------------------- */

/** What is held out together. */
typedef enum mexpr_protocol {
    MEXPR_PROTOCOL_LOSO = 1,    /**< one person: leave-one-subject-out */
    MEXPR_PROTOCOL_KFOLD = 2,   /**< a share of the persons, drawn at random */
    MEXPR_PROTOCOL_DATASET = 3, /**< one database, all others are trained on */
    MEXPR_PROTOCOL_HOLDOUT = 4  /**< the databases of test_dataset, once; those of
                                     train_dataset are trained on, others not looked at */
} mexpr_protocol;

/** What is made of several ways of training. */
typedef enum mexpr_joining {
    /** One of them, by its UF1 on inner folds (selection `inner-subject`). */
    MEXPR_JOINING_SELECT = 1,
    MEXPR_JOINING_MEAN = 2,    /**< MEXPR_FUSION_MEAN of all, equal weights */
    MEXPR_JOINING_PRODUCT = 3, /**< MEXPR_FUSION_PRODUCT, equal weights */
    MEXPR_JOINING_MAX = 4,     /**< MEXPR_FUSION_MAX */
    /** MEXPR_FUSION_MEAN; each weighs as its inner UF1 is above 1 / n_classes [ours];
     *  equal weights when none is. */
    MEXPR_JOINING_WEIGHTED = 5,
    MEXPR_JOINING_LEARNED = 6 /**< MEXPR_FUSION_MEAN, the weights of mexpr_fuse_learn()
                                   on the inner folds' scores */
} mexpr_joining;

/** A network that has scored the clips of its fold. */
typedef struct mexpr_fold_network {
    size_t struct_size;
    mexpr_model *model;   /**< until the call returns; mexpr_model_retain() keeps it */
    const int64_t *clips; /**< n_clips numbers in the manifest: the clips of the fold */
    const float *scores;  /**< n_clips × n_classes, before they are fused */
    int64_t n_clips;
    double weight; /**< of mexpr_evaluation_weight() */
    int32_t seed;  /**< its number, from 0 */
    int32_t fold;
    int32_t candidate;
} mexpr_fold_network;

#define MEXPR_FOLD_NETWORK_INIT                                                          \
    {                                                                                    \
        sizeof(mexpr_fold_network), NULL, NULL, NULL, 0, 0, 0, 0, 0                      \
    }

/**
 * Is shown every network that an evaluation applies to its fold, once it has: to explain
 * it, or to keep it. Those of inner folds are not shown. It has no say in the result.
 * On a context of several threads it is called from several at once, in no fixed order,
 * each with a context of its own, which it may use until it returns.
 * @return MEXPR_OK, or what ends the evaluation; the sentence is the context's
 */
typedef mexpr_status (*mexpr_watch_fn)(
    void *user, mexpr_context *context, const mexpr_fold_network *network);

/** Options of mexpr_evaluate(); a field of 0 means its default. */
typedef struct mexpr_evaluate_options {
    size_t struct_size;
    int32_t protocol;          /**< mexpr_protocol; MEXPR_PROTOCOL_LOSO */
    int32_t n_folds;           /**< KFOLD: 2..; 10 */
    uint64_t seed;             /**< of KFOLD's draw and of the inner folds' */
    const char *train_dataset; /**< HOLDOUT: names, separated by commas; NULL: all that
                                    are not tested on */
    const char *test_dataset;  /**< HOLDOUT: names, separated by commas */
    int32_t n_seeds; /**< the whole is done with as many seeds for `fit`: seed, seed + 1,
                          …; 1..1000; 1 */
    int32_t joining; /**< mexpr_joining, of several candidates; MEXPR_JOINING_SELECT */
    int32_t inner_folds;  /**< by person, of each fold's training clips; fewer when there
                               are fewer persons; 2..; 5 */
    mexpr_watch_fn watch; /**< or NULL */
    void *watch_user;     /**< first argument of `watch` */
} mexpr_evaluate_options;

#define MEXPR_EVALUATE_OPTIONS_INIT                                                      \
    {                                                                                    \
        sizeof(mexpr_evaluate_options), 0, 0, 0, NULL, NULL, 0, 0, 0, NULL, NULL         \
    }

/**
 * Trains a network for one fold: a call of mexpr_train(), or anything else. What it is
 * given are clips of other folds, of persons who have none in the fold at hand, of which
 * nothing is in the memory that it is handed. A class of which the fold holds all clips
 * does not occur among the labels; mexpr_train() refuses that.
 * On a context of several threads it is called from several at once, each with a context
 * of its own, which it may use until it returns.
 * @param inputs as those of mexpr_evaluate(); they live until the call returns
 * @param out    a network with one input, as `inputs`, and one output, N×classes
 * @return MEXPR_OK, or what ends the evaluation; the sentence is the context's
 */
typedef mexpr_status (*mexpr_fit_fn)(void *user, mexpr_context *context,
    const mexpr_tensor_view *inputs, const int32_t *labels, int32_t n_classes,
    uint64_t seed, mexpr_model **out);

/** A way of training, or a setting of one. */
typedef struct mexpr_candidate {
    const char *name; /**< for sentences; NULL: its number */
    mexpr_fit_fn fit;
    void *user; /**< first argument of `fit` */
} mexpr_candidate;

/** Predictions for all clips, each by networks that have not seen the fold. Immutable. */
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
 *         label; nothing to train on; scores that are not finite), MEXPR_E_SHAPE,
 *         MEXPR_E_TYPE, MEXPR_E_LIMIT, MEXPR_E_NOT_FOUND (a database),
 *         MEXPR_E_CANCELLED, MEXPR_E_NOMEM, and what `fit` returns; the sentence is the
 *         context's
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_evaluate(mexpr_context *context,
    const mexpr_manifest *manifest, const mexpr_tensor_view *inputs, mexpr_fit_fn fit,
    const mexpr_evaluate_options *options, mexpr_progress_fn progress, void *user,
    mexpr_evaluation **out);
/**
 * Evaluates the choice between ways of training, or the fusion of several. In each fold
 * the choice or the weights come from inner folds: its training clips are dealt out by
 * person, each share is scored by networks of the others, and the labels of these clips
 * decide; those of the fold at hand are nowhere in reach. What was chosen is then trained
 * on all of them. A fold costs n_candidates × inner_folds + 1 fits (SELECT), n_candidates
 * (MEAN, PRODUCT, MAX) or n_candidates × (inner_folds + 1) fits (WEIGHTED, LEARNED),
 * times n_seeds.
 * @param candidates   n_candidates ways, 1..1000; of equally good ones the first is taken
 * @param user         first argument of `progress`
 * @return as mexpr_evaluate(), whose other arguments are the same
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_evaluate_candidates(mexpr_context *context,
    const mexpr_manifest *manifest, const mexpr_tensor_view *inputs,
    const mexpr_candidate *candidates, int32_t n_candidates,
    const mexpr_evaluate_options *options, mexpr_progress_fn progress, void *user,
    mexpr_evaluation **out);
/**
 * What mexpr_evaluate_candidates() does in a fold, with all clips, for good: chooses or
 * weighs by inner folds of them, trains on all of them, and makes one network of what
 * comes out (mexpr_fuse_models(); over n_seeds, the mean of theirs). How good it is on
 * other people is what mexpr_evaluate_candidates() says with the same options; clips that
 * are tested here would have been trained on.
 * @param candidates as there
 * @param options    as there; `protocol`, `n_folds` and the databases are not looked at
 * @param weights    receives n_candidates, as mexpr_evaluation_weight(), means over the
 *                   seeds; or NULL
 * @param out        with one input, as `inputs`, and one output, N×classes
 * @return as mexpr_evaluate_candidates() and mexpr_fuse_models()
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_fit_candidates(mexpr_context *context,
    const mexpr_manifest *manifest, const mexpr_tensor_view *inputs,
    const mexpr_candidate *candidates, int32_t n_candidates,
    const mexpr_evaluate_options *options, double *weights, mexpr_model **out);
/** Destroys an evaluation. @since 0.1.0 */
MEXPR_API void mexpr_evaluation_destroy(mexpr_evaluation **evaluation);
/** Folds; 0 for NULL. @since 0.1.0 */
MEXPR_API int32_t mexpr_evaluation_n_folds(const mexpr_evaluation *evaluation);
/** The fold of a clip, -1 for one that does not exist or was not tested. @since 0.1.0 */
MEXPR_API int32_t mexpr_evaluation_fold(const mexpr_evaluation *evaluation, int64_t clip);
/** What was predicted for a clip, -1 for one that does not exist or was not tested. Of
 *  several seeds it is what their mean says (mexpr_fuse_scores()), and so below.
 *  @since 0.1.0 */
MEXPR_API int32_t mexpr_evaluation_predicted(
    const mexpr_evaluation *evaluation, int64_t clip);
/** The clip's n_classes scores; NULL for one that does not exist or was not tested.
 *  @since 0.1.0 */
MEXPR_API const float *mexpr_evaluation_scores(
    const mexpr_evaluation *evaluation, int64_t clip);
/**
 * Measures of all tested clips, or of those of one database (of the same predictions).
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

/** Seeds; 0 for NULL. @since 0.1.0 */
MEXPR_API int32_t mexpr_evaluation_n_seeds(const mexpr_evaluation *evaluation);
/** What a clip was taken for with the k-th seed alone, from 0, as
 *  mexpr_evaluation_predicted(). @since 0.1.0 */
MEXPR_API int32_t mexpr_evaluation_seed_predicted(
    const mexpr_evaluation *evaluation, int32_t seed, int64_t clip);
/** Measures of all tested clips with the k-th seed alone. @return as
 *  mexpr_metrics_compute() @since 0.1.0 */
MEXPR_API mexpr_status mexpr_evaluation_seed_metrics(mexpr_context *context,
    const mexpr_evaluation *evaluation, int32_t seed, mexpr_metrics *metrics);
/** Candidates; 0 for NULL. @since 0.1.0 */
MEXPR_API int32_t mexpr_evaluation_n_candidates(const mexpr_evaluation *evaluation);
/** The candidate that a fold took with the k-th seed; -1 when all were fused, and for
 *  what does not exist. @since 0.1.0 */
MEXPR_API int32_t mexpr_evaluation_chosen(
    const mexpr_evaluation *evaluation, int32_t seed, int32_t fold);
/** The weight of a candidate in a fold; those of a fold sum to 1. NaN for what does not
 *  exist. @since 0.1.0 */
MEXPR_API double mexpr_evaluation_weight(
    const mexpr_evaluation *evaluation, int32_t seed, int32_t fold, int32_t candidate);
/** UF1 of a candidate on the inner folds of a fold; NaN when there are none and for what
 *  does not exist. @since 0.1.0 */
MEXPR_API double mexpr_evaluation_inner_uf1(
    const mexpr_evaluation *evaluation, int32_t seed, int32_t fold, int32_t candidate);
/** Epochs in which a candidate's network of a fold was trained (mexpr_train_n_epochs()):
 *  0 without epochs, of one that was not chosen, and for what does not exist.
 *  @since 0.1.0 */
MEXPR_API int32_t mexpr_evaluation_n_epochs(
    const mexpr_evaluation *evaluation, int32_t seed, int32_t fold, int32_t candidate);
/**
 * Mean training losses of these epochs, oldest first; nothing was chosen by them. Of more
 * than 1000 epochs 1000 are kept: number k, from 0, is of epoch (k + 1) × n_epochs / n,
 * from 1, rounded down.
 * @param n receives how many there are, 0 without any
 * @return them, with the evaluation; NULL without any
 * @since 0.1.0
 */
MEXPR_API const float *mexpr_evaluation_losses(const mexpr_evaluation *evaluation,
    int32_t seed, int32_t fold, int32_t candidate, int32_t *n);

MEXPR_END_DECLS

#endif
