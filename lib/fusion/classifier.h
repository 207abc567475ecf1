/* SPDX-License-Identifier: MIT */
/* What a trained classifier consists of. */
#ifndef MX_FUSION_CLASSIFIER_H
#define MX_FUSION_CLASSIFIER_H

#include "base/scope.h"
#include "fusion/kernel_matrix.h"

struct mexpr_classifier {
    mx_scope scope; /* its context is retained */
    mexpr_classifier_options o;
    mx_row_kernel kernel;
    int32_t n_classes;
    int64_t n_features;
    int64_t n_vectors;
    float *vectors;     /* n_vectors × n_features, class by class */
    float *norms;       /* their squared norms */
    float *centre;      /* n_features, subtracted from rows and vectors */
    int64_t *per_class; /* vectors of each class */
    /* SVM: (n_classes - 1) × n_vectors, a vector's coefficients against the other classes
     * in order; RIDGE: n_classes × n_vectors. */
    double *coefficients;
    double *bias;   /* one per pair (0,1), (0,2), …, (1,2), …; RIDGE: one per class */
    float *similar; /* n_vectors, of the row at hand; then n_features for the row */
    double *decisions; /* one per pair */
};

/* Pairs of classes. */
static inline int64_t mx_n_pairs(int32_t n_classes)
{
    return (int64_t)n_classes * (n_classes - 1) / 2;
}

/* MEXPR_E_RANGE when a number is not finite. */
mexpr_status mx_rows_check(
    mx_scope *scope, const float *rows, int64_t n_rows, int64_t n_features);
/* Adds the classifier's nodes to a graph of which `in` is a value (batch × n_features)
 * and `out` becomes one (batch × n_classes). Other names begin with `prefix`. Needs
 * ai.onnx.ml 1. The status is of memory; the builder keeps its own. */
mexpr_status mx_classifier_write(mexpr_classifier *classifier, mexpr_builder *builder,
    const char *prefix, const char *in, const char *out);

#endif
