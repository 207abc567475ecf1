/* SPDX-License-Identifier: MIT */
#include <immintrin.h>

typedef __m256 vector;

static inline float total(__m256 v)
{
    __m128 half = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    half = _mm_add_ps(half, _mm_movehl_ps(half, half));
    return _mm_cvtss_f32(_mm_add_ss(half, _mm_movehdup_ps(half)));
}

#define FILL mx_gemm_kernels_fill_avx2
#define ROWS 6
#define VECTORS 2
#define WIDTH 8
#define ZERO() _mm256_setzero_ps()
#define LOAD(p) _mm256_loadu_ps(p)
#define STORE(p, v) _mm256_storeu_ps(p, v)
#define SPREAD(x) _mm256_set1_ps(x)
#define MULTIPLY_ADD(sum, a, b) _mm256_fmadd_ps(a, b, sum)
#define TOTAL(v) total(v)
#include "kernel/gemm_kernel.inc"
