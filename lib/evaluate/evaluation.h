/* SPDX-License-Identifier: MIT */
/* What an evaluation holds. */
#ifndef MX_EVALUATE_EVALUATION_H
#define MX_EVALUATE_EVALUATION_H

#include "base/scope.h"
#include "microexpr/evaluate.h"

enum { MX_CURVE_POINTS = 1000 }; /* of which millions of epochs may be thinned out */

/* How the training of a network went. */
typedef struct mx_curve {
    float *losses;
    int32_t n, n_epochs;
} mx_curve;

struct mexpr_evaluation {
    mexpr_context *context; /* retained */
    int64_t n;              /* clips of the manifest */
    int32_t n_classes, n_folds, n_datasets, n_seeds, n_candidates;
    int32_t *labels, *persons, *datasets;
    int32_t *folds; /* of each clip, -1: not tested */
    /* One set of n clips for each seed; before them, for several seeds, one of all. */
    int32_t *predicted;
    float *scores;
    int32_t *chosen;         /* of each seed and fold */
    double *weights, *inner; /* of each seed, fold and candidate */
    mx_curve *curves;        /* the same */
};

/* Where the set of a seed is. */
static inline int64_t mx_evaluation_set(const mexpr_evaluation *e, int32_t seed)
{
    return (seed + (e->n_seeds > 1)) * e->n;
}

/* The class of the highest score, the first of equal ones. */
int32_t mx_largest(const float *scores, int32_t n);
/* Takes over how a network was trained. */
mexpr_status mx_curve_take(mx_scope *scope, const mexpr_model *model, mx_curve *curve);
/* Puts the mean over the seeds into the first set. */
mexpr_status mx_evaluation_join_seeds(mx_scope *scope, mexpr_evaluation *e);

#endif
