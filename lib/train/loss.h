/* SPDX-License-Identifier: MIT */
/* How wrong scores and features are, and the way out. Each call returns the loss,
 * computed in double, and adds `share` times its gradient to what is in the arrays for
 * gradients (NULL: not asked for). Means are as PyTorch takes them. Everything is row
 * major: n rows, one for each sample. */
#ifndef MX_TRAIN_LOSS_H
#define MX_TRAIN_LOSS_H

#include <stdint.h>


/* Losses of scores before softmax; values are those of mexpr_loss. */
typedef enum mx_loss_kind {
    /* -sum t log p; the mean is weighted by the classes' weights. */
    MX_LOSS_CROSS_ENTROPY = 1,
    /* -sum t (1 - p)^gamma log p: Lin et al., Focal Loss, ICCV 2017. Weights are factors,
     * the mean is that of the samples. */
    MX_LOSS_FOCAL = 2,
    /* The same; mx_loss_balance() makes the weights. */
    MX_LOSS_BALANCED_FOCAL = 3,
    /* Binary cross-entropy of every class by itself, mean of all elements. */
    MX_LOSS_BINARY = 4,
    /* (x - t)^2 and |x - t|, mean of all elements; weights are factors. */
    MX_LOSS_SQUARES = 5,
    /* sum over other classes of max(0, margin - x_right + x_other) / classes, times the
     * weight of the right one: Crammer and Singer 2001. */
    MX_LOSS_HINGE = 6,
    MX_LOSS_ABSOLUTE = 7
} mx_loss_kind;

typedef struct mx_loss_options {
    double gamma;         /* of focal losses, 0 or more */
    double margin;        /* of hinge */
    double smoothing;     /* share of the targets that goes to all classes alike */
    const float *weights; /* of the classes, NULL: 1 */
} mx_loss_options;

/* gamma 2, margin 1. */
#define MX_LOSS_OPTIONS_INIT                                                             \
    {                                                                                    \
        2, 1, 0, NULL                                                                    \
    }

/* Scores of n samples and what they should be: for each class how much of the sample is
 * of it, 1 and 0 or something between. */
typedef struct mx_loss_batch {
    int64_t n, classes;
    const float *scores, *targets;
} mx_loss_batch;

double mx_loss_scores(mx_loss_kind kind, const mx_loss_options *options,
    const mx_loss_batch *batch, double share, float *gradient);

/* The weights of balanced focal loss from how many samples each class has:
 * 1 - share / 10 (Zhou et al., Dual-ATME). */
void mx_loss_balance(int64_t classes, const int64_t *counts, float *weights);

/* --- two sets of rows -------------------------------------------------------------- */

typedef struct mx_loss_pair {
    int64_t n, size;
    const float *a, *b;
    float *a_gradient, *b_gradient;
} mx_loss_pair;

/* Mean of 1 - cosine of the rows. */
double mx_loss_cosine(const mx_loss_pair *pair, double share);
/* Kullback-Leibler divergence of softmax(a / temperature) from softmax(b / temperature),
 * sum p_b log(p_b / p_a), mean of the rows: a learns from b. Times temperature^2, as
 * Hinton et al. (Distilling the Knowledge, 2015) have it. */
double mx_loss_kl(const mx_loss_pair *pair, double temperature, double share);
/* Jensen-Shannon divergence of softmax(a) and softmax(b), mean of the rows. */
double mx_loss_js(const mx_loss_pair *pair, double share);

/* --- rows among themselves --------------------------------------------------------- */

/* Supervised contrastive loss (Khosla et al., NeurIPS 2020, L_out) of the rows brought to
 * length 1; the mean is that of rows that have another of their class. `labels`: n
 * numbers. `work`: n * size + n doubles. */
typedef struct mx_loss_cloud {
    int64_t n, size;
    const float *rows;
    const int32_t *labels;
    double temperature;
    double *work;
} mx_loss_cloud;

double mx_loss_contrastive(const mx_loss_cloud *cloud, double share, float *gradient);

/* Squared maximum mean discrepancy of two sets of rows (Gretton et al., JMLR 2012, eq. 5)
 * with the sum of five kernels exp(-|x - y|^2 / (factor * bandwidth)), factors 1/4 to 4.
 */
typedef struct mx_loss_sets {
    int64_t n_a, n_b, size;
    const float *a, *b;
    float *a_gradient, *b_gradient;
    double bandwidth; /* above 0; no gradient goes through it */
} mx_loss_sets;

double mx_loss_mmd(const mx_loss_sets *sets, double share);
/* The median of all squared distances between the n rows of both sets, for `bandwidth`; 1
 * when it would be 0. `work`: n (n - 1) / 2 doubles. */
double mx_loss_bandwidth(const mx_loss_sets *sets, double *work);

#endif
