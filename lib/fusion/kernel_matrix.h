/* SPDX-License-Identifier: MIT */
/* How alike rows are, for all pairs of two sets of them. */
#ifndef MX_FUSION_KERNEL_MATRIX_H
#define MX_FUSION_KERNEL_MATRIX_H

#include "kernel/gemm.h"
#include "kernel/nn_kernel.h"
#include "microexpr/fusion.h"

typedef struct mx_row_kernel {
    mexpr_kernel kind;
    double gamma; /* absolute */
    mx_gemm gemm;
    mx_nn_kernels nn;
} mx_row_kernel;

/* Rows and their squared norms, which RBF needs. */
typedef struct mx_rows {
    int64_t n, n_features;
    const float *values;
    const float *norms;
} mx_rows;

/* norms[i] = |row i|². */
void mx_row_norms(const float *values, int64_t n, int64_t n_features, float *norms);

/* out[i * stride + j] = what the kernel compares of rows i of a and j of b: their product
 * for LINEAR, their distance for the others. */
void mx_row_distances(
    const mx_row_kernel *kernel, mx_rows a, mx_rows b, float *out, int64_t stride);

/* The kernel's value for n products or distances, in place. */
void mx_row_similarities(const mx_row_kernel *kernel, float *values, int64_t n);

#endif
