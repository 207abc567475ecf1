/* SPDX-License-Identifier: MIT */
/**
 * @file fusion.h
 * What makes one answer of many numbers: classifiers trained on feature rows (support
 * vector machines, kernel ridge regression) and the fusion of several systems' scores.
 * See docs/fusion.md.
 */
#ifndef MICROEXPR_FUSION_H
#define MICROEXPR_FUSION_H

#include "model.h"

MEXPR_BEGIN_DECLS

/* --- classifiers of feature rows --------------------------------------------------- */

/** How a classifier is found. */
typedef enum mexpr_classifier_method {
    /**
     * C-support vector machines, one for each pair of classes (B. Boser, I. Guyon,
     * V. Vapnik, COLT 1992; C. Cortes, V. Vapnik, Machine Learning 20, 1995), by
     * sequential minimal optimization with the second-order choice of R.-E. Fan,
     * P.-H. Chen, C.-J. Lin, JMLR 6 (2005).
     */
    MEXPR_CLASSIFIER_SVM = 1,
    /**
     * Kernel ridge regression on the classes' indicator (C. Saunders, A. Gammerman,
     * V. Vovk, ICML 1998): closed form.
     */
    MEXPR_CLASSIFIER_RIDGE = 2
} mexpr_classifier_method;

/** How alike two rows a and b are. */
typedef enum mexpr_kernel {
    MEXPR_KERNEL_LINEAR = 1, /**< a · b */
    MEXPR_KERNEL_RBF = 2,    /**< exp(-γ |a - b|²), squared Euclidean distance */
    MEXPR_KERNEL_LAPLACE = 3 /**< exp(-γ Σ |a_i - b_i|) */
} mexpr_kernel;

/** What gamma is measured in; each makes it independent of the features' unit. */
typedef enum mexpr_gamma_unit {
    MEXPR_GAMMA_NORM = 1,     /**< γ = gamma / mean |a|² of the training rows; LAPLACE:
                                   over the mean Σ |a_i| */
    MEXPR_GAMMA_DISTANCE = 2, /**< γ = gamma / mean distance of the kernel (squared for
                                   RBF) over all pairs of training rows */
    MEXPR_GAMMA_ABSOLUTE = 3  /**< γ = gamma */
} mexpr_gamma_unit;

/** Options of mexpr_classifier_fit(); a field of 0 means its default. */
typedef struct mexpr_classifier_options {
    size_t struct_size;
    int32_t method;     /**< mexpr_classifier_method; MEXPR_CLASSIFIER_SVM */
    int32_t kernel;     /**< mexpr_kernel; MEXPR_KERNEL_RBF */
    int32_t gamma_unit; /**< mexpr_gamma_unit; MEXPR_GAMMA_NORM */
    int32_t unbalanced; /**< not 0: every row counts alike; 0: every class does, rows of a
                             class with n_k of n rows weigh n / (n_classes n_k) */
    double gamma;       /**< 1 */
    double cost;        /**< SVM: bound of a row's coefficient, times its weight; 1 */
    double ridge;     /**< RIDGE: added to the kernel's diagonal, over the weight; 0.3 */
    double tolerance; /**< SVM: the optimality conditions hold to this; 1e-3 */
} mexpr_classifier_options;

#define MEXPR_CLASSIFIER_OPTIONS_INIT                                                    \
    {                                                                                    \
        sizeof(mexpr_classifier_options), 0, 0, 0, 0, 0, 0, 0, 0                         \
    }

/** A trained classifier of feature rows. One thread at a time. */
typedef struct mexpr_classifier mexpr_classifier;

/**
 * Trains a classifier. The same rows in the same order give the same classifier, on one
 * build and kind of processor. Memory is 4 n_rows² bytes (RIDGE: 12) besides the rows.
 * @param rows       n_rows × n_features, without gaps; finite
 * @param labels     n_rows classes from 0 on; each of 0..n_classes-1 occurs
 * @param n_classes  2..1000
 * @param options    NULL for all defaults
 * @param progress   called now and then, or NULL
 * @param user       first argument of `progress`
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_RANGE (an option, a label, a row that is not
 *         finite or too large, a class without rows; an SVM that has not come within the
 *         tolerance after ten million steps), MEXPR_E_ABI, MEXPR_E_LIMIT
 * (max_tensor_bytes), MEXPR_E_CANCELLED, MEXPR_E_NOMEM; the sentence is the context's
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_classifier_fit(mexpr_context *context, const float *rows,
    const int32_t *labels, int64_t n_rows, int64_t n_features, int32_t n_classes,
    const mexpr_classifier_options *options, mexpr_progress_fn progress, void *user,
    mexpr_classifier **out);
/** Destroys a classifier. @since 0.1.0 */
MEXPR_API void mexpr_classifier_destroy(mexpr_classifier **classifier);
/** The sentence about the last failed call on this classifier. @since 0.1.0 */
MEXPR_API const char *mexpr_classifier_last_error(const mexpr_classifier *classifier);
/** Classes; 0 for NULL. @since 0.1.0 */
MEXPR_API int32_t mexpr_classifier_n_classes(const mexpr_classifier *classifier);
/** Numbers of a row; 0 for NULL. @since 0.1.0 */
MEXPR_API int64_t mexpr_classifier_n_features(const mexpr_classifier *classifier);
/** Training rows that are kept: support vectors, or all; 0 for NULL. @since 0.1.0 */
MEXPR_API int64_t mexpr_classifier_n_vectors(const mexpr_classifier *classifier);

/**
 * Scores of new rows, one per class; the largest wins. SVM with more than two classes:
 * votes of the pairs plus t = s / (3 (1 + |s|)), s the class's summed decision values,
 * which orders equal votes (as scikit-learn's one-vs-rest form of one-vs-one machines);
 * with two: (-d, d) of the decision value. RIDGE: the fitted indicators.
 * @param rows   n_rows × n_features; finite
 * @param scores receives n_rows × n_classes
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_RANGE, MEXPR_E_NOMEM
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_classifier_scores(
    mexpr_classifier *classifier, const float *rows, int64_t n_rows, float *scores);

/**
 * The classifier as a network: input "features" (batch × n_features), output "scores".
 * SVM with LINEAR or RBF is ai.onnx.ml's SVMClassifier (SVMRegressor for two classes);
 * LAPLACE, which ai.onnx.ml has not, and RIDGE are written in plain operators.
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_LIMIT, MEXPR_E_NOMEM; the sentence is the
 *         classifier's
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_classifier_model(
    mexpr_classifier *classifier, mexpr_model **out);

/* --- fusion of scores -------------------------------------------------------------- */

/** How the class probabilities p_k of several systems become one. */
typedef enum mexpr_fusion_rule {
    MEXPR_FUSION_MEAN = 1,    /**< Σ w_k p_k */
    MEXPR_FUSION_PRODUCT = 2, /**< Π p_k^{w_k}, over its sum */
    MEXPR_FUSION_MAX = 3      /**< max p_k, over its sum; weights do not matter */
} mexpr_fusion_rule;

/**
 * Fuses the scores of systems. The scores of each become probabilities by softmax first.
 * Rules and their theory: J. Kittler, M. Hatef, R. Duin, J. Matas, IEEE Trans. PAMI 20
 * (1998), 226-239.
 * @param scores    n_systems pointers to n_rows × n_classes; finite
 * @param rule      mexpr_fusion_rule
 * @param weights   n_systems numbers, not negative, not all 0; only their ratios matter;
 *                  NULL: equal
 * @param fused     receives n_rows × n_classes probabilities; may be one of the scores
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_RANGE; the sentence is the context's
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_fuse_scores(mexpr_context *context,
    const float *const *scores, int32_t n_systems, int64_t n_rows, int32_t n_classes,
    int32_t rule, const double *weights, float *fused);

/**
 * Weights for MEXPR_FUSION_MEAN from scores of clips that the systems have not been
 * trained on: those under which the labels are most probable, each class counting alike.
 * They are the proportions of a mixture, found by expectation maximization (A. Dempster,
 * N. Laird, D. Rubin, J. Royal Statistical Society B 39, 1977), to 1e-9.
 * @param scores   as for mexpr_fuse_scores()
 * @param labels   n_rows classes, 0..n_classes-1; classes may be absent
 * @param weights  receives n_systems numbers that sum to 1
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_RANGE, MEXPR_E_NOMEM; the sentence is the
 *         context's
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_fuse_learn(mexpr_context *context,
    const float *const *scores, int32_t n_systems, int64_t n_rows, int32_t n_classes,
    const int32_t *labels, double *weights);

/**
 * The fusion as one network: it takes what each of the networks takes, and its output
 * "logits" has logarithms of the fused probabilities, so that their softmax is what
 * mexpr_fuse_scores() makes of the networks' scores. mexpr_model_write() makes an ONNX
 * file of it.
 * @param models   n_models networks with one input, all of the same type and shape, and
 *                 one output of N×classes scores; of one opset and, where they have such
 *                 metadata, of the same `microexpr.labels`, `.planes`, `.range` and
 *                 `.crop`; not loaded with drop_source
 * @param rule     mexpr_fusion_rule
 * @param weights  as for mexpr_fuse_scores()
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_RANGE, MEXPR_E_SHAPE (inputs, outputs),
 *         MEXPR_E_MODEL (opsets, metadata), MEXPR_E_STATE (drop_source), MEXPR_E_LIMIT,
 *         MEXPR_E_NOMEM; the sentence is the context's
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_fuse_models(mexpr_context *context,
    mexpr_model *const *models, int32_t n_models, int32_t rule, const double *weights,
    mexpr_model **out);

MEXPR_END_DECLS

#endif
