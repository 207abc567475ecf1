/* SPDX-License-Identifier: MIT */
/* Inner loops of the builtin matrix product and of those with few rows; used through
 * kernel/gemm.h. */
#ifndef MX_KERNEL_GEMM_KERNEL_H
#define MX_KERNEL_GEMM_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The largest block any instruction set has; a panel of b is k <= MX_GEMM_K rows of
 * `cols` floats. */
enum { MX_GEMM_COLS = 32, MX_GEMM_K = 128, MX_GEMM_FEW = 4 };

/* One block: c = alpha * a * b + beta * c. Element (i, p) of a is a[i * a_row + p *
 * a_col], (p, j) of b is b[p * b_row + j], (i, j) of c is c[i * c_row + j]. b is read for
 * all of the table's `cols` columns, also where the block has fewer. */
typedef struct mx_gemm_block {
    int rows, cols, k; /* 1..table's rows, 1..table's cols, k >= 1 */
    const float *a, *b;
    float *c;
    ptrdiff_t a_row, a_col, b_row, c_row;
    float alpha, beta; /* beta = 0: c is not read */
} mx_gemm_block;

typedef struct mx_gemm_kernels {
    int rows, cols;
    bool fast; /* as fast as OpenBLAS, more or less: all but plain C */
    /* R(1e-6 * sqrt(k)) against exact sums; sums run over p upwards in every one, so that
     * versions with FMA agree bit for bit among each other. */
    void (*block)(const mx_gemm_block *block);
    /* Products of few rows, m = 1..MX_GEMM_FEW, where memory is what takes the time: x
     * has m rows of n >= 0. R(1e-6 * sqrt(n)). */
    /* y[i * ldy + r] = sum of a[r * lda + p] * x[i * ldx + p] over p < n. */
    void (*dots)(size_t m, size_t rows, size_t n, const float *a, ptrdiff_t lda,
        const float *x, ptrdiff_t ldx, float *y, ptrdiff_t ldy);
    /* y[i * ldy + j] = sum of x[i * ldx + p] * b[p * ldb + j] over p < n; n >= 1. */
    void (*sums)(size_t m, size_t cols, size_t n, const float *x, ptrdiff_t ldx,
        const float *b, ptrdiff_t ldb, float *y, ptrdiff_t ldy);
} mx_gemm_kernels;

void mx_gemm_kernels_init(mx_gemm_kernels *table, uint32_t cpu);

/* Each is gemm_kernel.inc compiled for one instruction set; for the function above alone.
 */
void mx_gemm_kernels_fill_c(mx_gemm_kernels *table);
void mx_gemm_kernels_fill_avx2(mx_gemm_kernels *table);
void mx_gemm_kernels_fill_avx512(mx_gemm_kernels *table);
void mx_gemm_kernels_fill_neon(mx_gemm_kernels *table);

#endif
