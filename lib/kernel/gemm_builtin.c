/* SPDX-License-Identifier: MIT */
/* The matrix product without OpenBLAS, and the reference beside it. A panel of b, up to
 * MX_GEMM_K rows of the kernel's width, is packed on the stack and meets all rows of a in
 * register blocks (the inner three loops of Goto and van de Geijn, "Anatomy of
 * high-performance matrix multiplication", ACM TOMS 34(3), 2008; a is not packed: each
 * block reads a few of its rows in sequence). Every element sums over k upwards in runs
 * of MX_GEMM_K, whatever the sizes and strides. */
#include "kernel/gemm.h"

#include <string.h>

#include "kernel/transpose.h"

typedef struct product {
    const mx_gemm_kernels *kernels;
    bool transpose_b;
    int m;
    const float *b;
    ptrdiff_t ldb;
} product;

/* Copies b's k x n corner at (p0, j0) to rows of `width` floats, zeros behind n. */
static void pack(
    const product *job, int p0, int k, int j0, int n, int width, float *panel)
{
    if (n < width)
        memset(panel, 0, sizeof *panel * (size_t)k * (size_t)width);
    if (job->transpose_b) {
        mx_transpose((size_t)n, (size_t)k, job->b + j0 * job->ldb + p0, (size_t)job->ldb,
            panel, (size_t)width);
    } else {
        for (int p = 0; p < k; p++)
            memcpy(panel + p * width, job->b + (p0 + p) * job->ldb + j0,
                sizeof *panel * (size_t)n);
    }
}

/* All rows of a against one panel, in blocks of nearly equal height. */
static void multiply_panel(const product *job, mx_gemm_block block)
{
    const float *a = block.a;
    float *c = block.c;
    const int n_blocks = (job->m + job->kernels->rows - 1) / job->kernels->rows;
    for (int i = 0, left = n_blocks; left > 0; i += block.rows, left--) {
        block.rows = (job->m - i + left - 1) / left;
        block.a = a + i * block.a_row;
        block.c = c + i * block.c_row;
        job->kernels->block(&block);
    }
}

void mx_sgemm_builtin(const mx_gemm *gemm, bool transpose_a, bool transpose_b, int m,
    int n, int k, float alpha, const float *a, int lda, const float *b, int ldb,
    float beta, float *c, int ldc)
{
    _Alignas(64) float panel[MX_GEMM_K * MX_GEMM_COLS];
    const product job = {&gemm->kernels, transpose_b, m, b, ldb};
    const int width = gemm->kernels.cols;
    mx_gemm_block block = {.a_row = transpose_a ? 1 : lda,
        .a_col = transpose_a ? lda : 1,
        .c_row = ldc,
        .alpha = alpha};
    for (int p = 0; p < k; p += MX_GEMM_K) {
        block.k = k - p < MX_GEMM_K ? k - p : MX_GEMM_K;
        block.a = a + p * block.a_col;
        block.beta = p == 0 ? beta : 1.0f;
        for (int j = 0; j < n; j += width) {
            block.cols = n - j < width ? n - j : width;
            block.c = c + j;
            /* Few rows do not repay the copy. */
            if (!transpose_b && block.cols == width && m <= gemm->kernels.rows) {
                block.b = b + (ptrdiff_t)p * ldb + j;
                block.b_row = ldb;
            } else {
                pack(&job, p, block.k, j, block.cols, width, panel);
                block.b = panel;
                block.b_row = width;
            }
            multiply_panel(&job, block);
        }
    }
}
