/* SPDX-License-Identifier: MIT */
#include <immintrin.h>

typedef __m512 vector;

#define FILL mx_conv_kernels_fill_avx512
#define VECTORS 16
#define WIDTH 16
#define ZERO() _mm512_setzero_ps()
#define LOAD(p) _mm512_loadu_ps(p)
#define STORE(p, v) _mm512_storeu_ps(p, v)
#define SPREAD(x) _mm512_set1_ps(x)
#define MULTIPLY_ADD(sum, a, b) _mm512_fmadd_ps(a, b, sum)
#define LOOK_UP(t, v) _mm512_permutexvar_ps((__m512i)(t), v)
#define TILE_ROWS 12
#define TILE_VECTORS 2
#define MAX(a, b) _mm512_max_ps(a, b)
#define MIN(a, b) _mm512_min_ps(a, b)
#include "kernel/conv_kernel.inc"
