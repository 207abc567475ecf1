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
#include "kernel/conv_kernel.inc"
