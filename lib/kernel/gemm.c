/* SPDX-License-Identifier: MIT */
#include "kernel/gemm.h"

#include <string.h>

#include "config.h"

void mx_gemm_init(mx_gemm *gemm, uint32_t cpu)
{
    memset(gemm, 0, sizeof *gemm);
    mx_gemm_kernels_init(&gemm->kernels, cpu);
#if MX_GEMM_OPENBLAS
    mx_gemm_openblas_init(gemm);
#endif
}

static void scale(int m, int n, float beta, float *c, int ldc)
{
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++) {
            float *at = c + (ptrdiff_t)i * ldc + j;
            *at = beta == 0.0f ? 0.0f : beta * *at;
        }
}

typedef void product(const mx_gemm *gemm, bool transpose_a, bool transpose_b, int m,
    int n, int k, float alpha, const float *a, int lda, const float *b, int ldb,
    float beta, float *c, int ldc);

/* OpenBLAS, except where the builtin product was measured to be faster (docs/kernels.md):
 * b transposed and a tall, and, where OpenBLAS has no small path, all that it would have
 * to be called several times for. */
static product *choose(const mx_gemm *gemm, bool transpose_b, int m, int n, int k)
{
#if MX_GEMM_OPENBLAS
    const bool large = (int64_t)m * n > gemm->call_limit / k;
    const bool builtin = transpose_b ? m >= 32 : large && !gemm->small_path;
    if (!builtin || !gemm->kernels.fast)
        return mx_sgemm_openblas;
#else
    (void)gemm, (void)transpose_b, (void)m, (void)n, (void)k;
#endif
    return mx_sgemm_builtin;
}

/* Whether few rows times rows of b go as dot products: b comes from memory, which these
 * read faster than OpenBLAS does, while the rows of a stay in the first-level cache. */
static bool as_dots(const mx_gemm *gemm, int m, int n, int k)
{
    enum { CACHED_B = 1 << 14, CACHED_A = 1 << 12 };
    const bool large = n > CACHED_B / k;
    return m == 1 || (m <= MX_GEMM_FEW && m * (int64_t)k <= CACHED_A &&
                         (large || !gemm->small_path));
}

/* Products of few rows, or of one column: whether it was one. */
static bool few_rows(const mx_gemm *gemm, bool transpose_a, bool transpose_b, int m,
    int n, int k, const float *a, int lda, const float *b, int ldb, float *c, int ldc)
{
    const mx_gemm_kernels *kernels = &gemm->kernels;
    const bool rows_of_a = !transpose_a || (m == 1 && lda == 1);
    if (rows_of_a && transpose_b && as_dots(gemm, m, n, k)) {
        kernels->dots((size_t)m, (size_t)n, (size_t)k, b, ldb, a, lda, c, ldc);
        return true;
    }
    if (rows_of_a && !transpose_b && m <= MX_GEMM_FEW) {
        kernels->sums((size_t)m, (size_t)n, (size_t)k, a, lda, b, ldb, c, ldc);
        return true;
    }
    if (n == 1 && !transpose_a && (transpose_b || ldb == 1) && (ldc == 1 || m == 1)) {
        mx_gemv(gemm, m, k, a, lda, b, c);
        return true;
    }
    return false;
}

void mx_sgemm(const mx_gemm *gemm, bool transpose_a, bool transpose_b, int m, int n,
    int k, float alpha, const float *a, int lda, const float *b, int ldb, float beta,
    float *c, int ldc)
{
    if (m <= 0 || n <= 0)
        return;
    if (k <= 0 || alpha == 0.0f) {
        scale(m, n, beta, c, ldc);
        return;
    }
    if (alpha == 1.0f && beta == 0.0f &&
        few_rows(gemm, transpose_a, transpose_b, m, n, k, a, lda, b, ldb, c, ldc))
        return;
    product *run = choose(gemm, transpose_b, m, n, k);
    run(gemm, transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

void mx_gemv(const mx_gemm *gemm, int rows, int cols, const float *a, int lda,
    const float *x, float *y)
{
    if (rows > 0)
        gemm->kernels.dots(
            1, (size_t)rows, cols > 0 ? (size_t)cols : 0, a, lda, x, 0, y, 0);
}
