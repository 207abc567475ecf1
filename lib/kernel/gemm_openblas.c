/* SPDX-License-Identifier: MIT */
/* Matrix products by OpenBLAS, cut into calls so small that it never starts threads: its
 * thread count belongs to the host program and is not touched. */
#include "kernel/gemm.h"

#include <cblas.h>
#include <string.h>

/* OpenBLAS 0.3.21 stays on one thread up to m n k = 4 * 65536 (interface/gemm.c,
 * SMP_THRESHOLD_MIN * GEMM_MULTITHREAD_THRESHOLD). Its AVX-512 cores take products up to
 * 10^6 to kernels that neither pack nor lock, which are faster than its ordinary path
 * (measured: docs/kernels.md), but not those with b alone transposed, unless small
 * (kernel/x86_64/sgemm_small_kernel_permit_skylakex.c). */
enum { ONE_THREAD_LIMIT = 262144, SMALL_PATH_LIMIT = 1000000 };

void mx_gemm_openblas_init(mx_gemm *gemm)
{
    static const char *const small_path[] = {"SkylakeX", "Cooperlake", "SapphireRapids"};
    const char *core = openblas_get_corename();
    for (size_t i = 0; i < sizeof small_path / sizeof small_path[0]; i++)
        if (core && strcmp(core, small_path[i]) == 0)
            gemm->small_path = true;
    gemm->call_limit = gemm->small_path ? SMALL_PATH_LIMIT : ONE_THREAD_LIMIT;
    gemm->k_limit = gemm->small_path ? 576 : 256;
}

/* The size of equal parts of n, none above `most`. */
static int part_of(int n, int most)
{
    const int parts = (n + most - 1) / most;
    return (n + parts - 1) / parts;
}

void mx_sgemm_openblas(const mx_gemm *gemm, bool transpose_a, bool transpose_b, int m,
    int n, int k, float alpha, const float *a, int lda, const float *b, int ldb,
    float beta, float *c, int ldc)
{
    enum { COLS = 64, ROWS = 12 };
    const CBLAS_TRANSPOSE ta = transpose_a ? CblasTrans : CblasNoTrans;
    const CBLAS_TRANSPOSE tb = transpose_b ? CblasTrans : CblasNoTrans;
    const ptrdiff_t a_row = transpose_a ? 1 : lda, a_col = transpose_a ? lda : 1;
    const ptrdiff_t b_row = transpose_b ? 1 : ldb, b_col = transpose_b ? ldb : 1;
    const int64_t limit =
        transpose_b && !transpose_a ? ONE_THREAD_LIMIT : gemm->call_limit;
    int rows = m, cols = n, terms = k;
    if ((int64_t)m * n > limit / k) {
        terms = part_of(k, gemm->k_limit);
        cols = n < COLS ? n : COLS;
        rows = (int)(limit / ((int64_t)terms * cols));
        rows = rows < m ? (rows > ROWS ? rows / ROWS * ROWS : rows) : m;
    }
    for (int j = 0; j < n; j += cols) {
        const int nj = n - j < cols ? n - j : cols;
        for (int p = 0; p < k; p += terms) {
            const int np = k - p < terms ? k - p : terms;
            for (int i = 0; i < m; i += rows)
                cblas_sgemm(CblasRowMajor, ta, tb, m - i < rows ? m - i : rows, nj, np,
                    alpha, a + i * a_row + p * a_col, lda, b + p * b_row + j * b_col, ldb,
                    p == 0 ? beta : 1.0f, c + (ptrdiff_t)i * ldc + j, ldc);
        }
    }
}
