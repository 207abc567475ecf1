/* SPDX-License-Identifier: MIT */
/* What happens in one fold. It is handed the clips that may be learnt from, and of those
 * that are to be predicted the inputs alone: their labels are nowhere in its reach. */
#ifndef MX_EVALUATE_FOLD_LEARNER_H
#define MX_EVALUATE_FOLD_LEARNER_H

#include <stdatomic.h>

#include "evaluate/evaluation.h"

/* Clips that may be learnt from. */
typedef struct mx_lesson {
    const float *rows;
    const int32_t *labels, *persons;
    int64_t n;
} mx_lesson;

/* How it is learnt. */
typedef struct mx_learner {
    mexpr_context *context;          /* for one thread */
    mx_scope *scope;                 /* its own */
    const mexpr_tensor_view *inputs; /* type and shape; its data is not looked at */
    size_t clip_size;                /* floats */
    int32_t n_classes;
    const mexpr_candidate *candidates;
    int32_t n_candidates, joining, inner_folds;
    uint64_t seed, fit_seed; /* of the inner folds, and of fit() */
    const atomic_bool *stop; /* another fold has failed */
    mexpr_watch_fn watch;    /* or NULL */
    void *watch_user;
    mexpr_fold_network shown; /* what is known beforehand of the networks */
} mx_learner;

/* What came out: scores of the n clips, and what they were made of. */
typedef struct mx_learnt {
    float *scores;
    int32_t *chosen;  /* -1: all were fused */
    double *weights;  /* n_candidates */
    double *inner;    /* n_candidates UF1; NaN without inner folds */
    mx_curve *curves; /* n_candidates; of those that scored the n clips */
} mx_learnt;

mexpr_status mx_learn_fold(const mx_learner *learner, const mx_lesson *lesson,
    const float *rows, int64_t n, const mx_learnt *out);

/* The network that mx_learn_fold() would let score; scores and curves of *out are not
 * looked at. */
mexpr_status mx_learn_model(const mx_learner *learner, const mx_lesson *lesson,
    const mx_learnt *out, mexpr_model **made);

/* Deals n_persons, shuffled by the seed, out to n_folds. */
mexpr_status mx_deal_persons(mx_scope *scope, uint64_t seed, uint64_t stream,
    int32_t n_persons, int32_t n_folds, int32_t *fold);

#endif
