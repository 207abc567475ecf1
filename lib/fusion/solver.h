/* SPDX-License-Identifier: MIT */
/* The two ways to find a classifier's coefficients from the matrix of its kernel. */
#ifndef MX_FUSION_SOLVER_H
#define MX_FUSION_SOLVER_H

#include "base/scope.h"

/* Where long work says how far it is. */
typedef struct mx_progress {
    mexpr_progress_fn call; /* NULL: nobody listens */
    void *user;
    uint64_t done, total;
} mx_progress;

/* Tells; MEXPR_E_CANCELLED when the caller wants to stop. */
mexpr_status mx_progress_tell(mx_scope *scope, const mx_progress *progress);

/* One machine: the rows in `index` of the kernel matrix, signs +1 or -1. */
typedef struct mx_svm {
    const float *kernel; /* kernel[index[a] * stride + index[b]] */
    int64_t stride;
    int64_t n;
    const int64_t *index;
    const double *sign;
    const double *bound; /* of each alpha */
    double tolerance;
    int64_t most_steps; /* MEXPR_E_RANGE when they have not been enough */
} mx_svm;

/* coefficients[a] = sign * alpha; decision = Σ coefficients · kernel + *bias. `work`:
 * 2 n doubles. */
mexpr_status mx_svm_solve(mx_scope *scope, const mx_svm *svm, const mx_progress *progress,
    double *coefficients, double *bias, double *work);

/* Solves (kernel + diag(ridge)) X = targets for n_columns right sides, in place of the
 * targets (n × n_columns). The matrix (n × n, symmetric) is overwritten. MEXPR_E_RANGE
 * when it is not positive definite. */
mexpr_status mx_ridge_solve(mx_scope *scope, double *matrix, int64_t n,
    const double *ridge, double *targets, int64_t n_columns, const mx_progress *progress);

#endif
