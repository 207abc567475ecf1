/* SPDX-License-Identifier: MIT */
#include <immintrin.h>

typedef __m256 vector;

#define FILL mx_conv_kernels_fill_avx2
#define VECTORS 8
#define WIDTH 8
#define ZERO() _mm256_setzero_ps()
#define LOAD(p) _mm256_loadu_ps(p)
#define STORE(p, v) _mm256_storeu_ps(p, v)
#define SPREAD(x) _mm256_set1_ps(x)
#define MULTIPLY_ADD(sum, a, b) _mm256_fmadd_ps(a, b, sum)
#define TILE_ROWS 6
#define TILE_VECTORS 2
#define MAX(a, b) _mm256_max_ps(a, b)
#define MIN(a, b) _mm256_min_ps(a, b)
#include "kernel/conv_kernel.inc"
