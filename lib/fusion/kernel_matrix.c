/* SPDX-License-Identifier: MIT */
#include "fusion/kernel_matrix.h"

#include <math.h>

void mx_row_norms(const float *values, int64_t n, int64_t n_features, float *norms)
{
    for (int64_t i = 0; i < n; i++, values += n_features) {
        double sum = 0;
        for (int64_t k = 0; k < n_features; k++)
            sum += (double)values[k] * (double)values[k];
        norms[i] = (float)sum;
    }
}

static float manhattan(const float *a, const float *b, int64_t n)
{
    double sum = 0;
    for (int64_t k = 0; k < n; k++)
        sum += fabs((double)a[k] - (double)b[k]);
    return (float)sum;
}

/* |a - b|² = |a|² + |b|² - 2 a·b; rounding must not make it negative. */
static void products_to_distances(mx_rows a, mx_rows b, float *out, int64_t stride)
{
    for (int64_t i = 0; i < a.n; i++)
        for (int64_t j = 0; j < b.n; j++) {
            float *at = out + i * stride + j;
            *at = fmaxf(a.norms[i] + b.norms[j] - 2 * *at, 0);
        }
}

void mx_row_distances(
    const mx_row_kernel *kernel, mx_rows a, mx_rows b, float *out, int64_t stride)
{
    const int64_t n = a.n_features;
    if (kernel->kind == MEXPR_KERNEL_LAPLACE) {
        for (int64_t i = 0; i < a.n; i++)
            for (int64_t j = 0; j < b.n; j++)
                out[i * stride + j] = manhattan(a.values + i * n, b.values + j * n, n);
        return;
    }
    mx_sgemm(&kernel->gemm, false, true, (int)a.n, (int)b.n, (int)n, 1, a.values, (int)n,
        b.values, (int)n, 0, out, (int)stride);
    if (kernel->kind == MEXPR_KERNEL_RBF)
        products_to_distances(a, b, out, stride);
}

void mx_row_similarities(const mx_row_kernel *kernel, float *values, int64_t n)
{
    if (kernel->kind == MEXPR_KERNEL_LINEAR)
        return;
    kernel->nn.mul_scalar((size_t)n, values, (float)-kernel->gamma, values);
    kernel->nn.exp((size_t)n, values, values);
}
