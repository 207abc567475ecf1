/* SPDX-License-Identifier: MIT */
/* The door to matrix products. Everything is row major and float32. Products run on the
 * calling thread alone: callers divide large ones over rows or columns themselves. No
 * call allocates; stack use stays under 24 KiB. */
#ifndef MX_KERNEL_GEMM_H
#define MX_KERNEL_GEMM_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/gemm_kernel.h"

typedef struct mx_gemm {
    mx_gemm_kernels kernels;
    bool small_path;    /* OpenBLAS has kernels for small products here */
    int64_t call_limit; /* largest m * n * k of one OpenBLAS call */
    int k_limit;        /* longest sum of one OpenBLAS call */
} mx_gemm;

/* `cpu`: mexpr_context_cpu(). It chooses the kernels of the builtin product and of
 * mx_gemv; OpenBLAS chooses its own. */
void mx_gemm_init(mx_gemm *gemm, uint32_t cpu);

/* c = alpha * op(a) * op(b) + beta * c; op(a) is m x k, op(b) is k x n, op(x) = x or its
 * transpose. lda, ldb and ldc are the row lengths of the matrices as stored. m, n, k >=
 * 0; k = 0 scales c; with beta = 0 whatever c held, NaN too, is overwritten. c must not
 * overlap a or b. Fastest with op(b) = b: transpose constant weights once, beforehand.
 * How a caller divides m and n changes the rounding: divide by size, never by the number
 * of threads. */
void mx_sgemm(const mx_gemm *gemm, bool transpose_a, bool transpose_b, int m, int n,
    int k, float alpha, const float *a, int lda, const float *b, int ldb, float beta,
    float *c, int ldc);

/* c = op(a) op(b) + beta c as mx_sgemm(), with room for mx_gemm_room() floats: faster
 * where few samples meet large weights, forward (a b') and for their gradient (a' b). */
size_t mx_gemm_room(bool transpose_a, bool transpose_b, int m, int n, int k);
void mx_sgemm_in(const mx_gemm *gemm, bool transpose_a, bool transpose_b, int m, int n,
    int k, const float *a, int lda, const float *b, int ldb, float beta, float *c,
    int ldc, float *room);

/* y[r] = sum of a[r * lda + i] * x[i] for i < cols, r < rows. The product for one row of
 * activations with weights stored [out][in]. Divide rows in multiples of four only: four
 * short rows together round otherwise than one alone. */
void mx_gemv(const mx_gemm *gemm, int rows, int cols, const float *a, int lda,
    const float *x, float *y);

/* The two back ends, for the checks that compare them. */
void mx_sgemm_builtin(const mx_gemm *gemm, bool transpose_a, bool transpose_b, int m,
    int n, int k, float alpha, const float *a, int lda, const float *b, int ldb,
    float beta, float *c, int ldc);
void mx_gemm_openblas_init(mx_gemm *gemm);
void mx_sgemm_openblas(const mx_gemm *gemm, bool transpose_a, bool transpose_b, int m,
    int n, int k, float alpha, const float *a, int lda, const float *b, int ldb,
    float beta, float *c, int ldc);

#endif
