/* SPDX-License-Identifier: MIT */
#include "kernel/conv16_kernel.h"

#include <immintrin.h>

enum { ROWS = 8, PANELS = 2 };

typedef __m512i panel;

static inline void add(panel *p, int32_t pair, const int16_t *w)
{
    const __m512i weights = _mm512_loadu_si512(w);
    *p = _mm512_add_epi32(*p, _mm512_madd_epi16(_mm512_set1_epi32(pair), weights));
}

static inline __m512 value_of(const panel *p, const float *scale, const float *shift)
{
    return _mm512_add_ps(_mm512_mul_ps(_mm512_cvtepi32_ps(*p), _mm512_loadu_ps(scale)),
        _mm512_loadu_ps(shift));
}

static inline void give(
    const panel *p, const float *scale, const float *shift, float *values)
{
    _mm512_storeu_ps(values, value_of(p, scale, shift));
}

static inline void finish(
    const panel *p, const float *scale, const float *shift, int16_t *y)
{
    const __m512 most = _mm512_set1_ps(MX_CONV16_MOST);
    const __m512i whole = _mm512_cvtps_epi32(_mm512_max_ps(
        _mm512_min_ps(value_of(p, scale, shift), most), _mm512_setzero_ps()));
    _mm256_storeu_si256((__m256i *)y, _mm512_cvtepi32_epi16(whole));
}

#define MX_ISA(name) mx_conv16_##name##_avx512
#include "kernel/conv16_kernel.inc"

void mx_conv16_kernels_avx512(mx_conv16_kernels *table)
{
    mx_conv16_fill_avx512(table);
}
