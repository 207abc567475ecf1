/* SPDX-License-Identifier: MIT */
#include "kernel/conv16_kernel.h"

#include <immintrin.h>

enum { ROWS = 6, PANELS = 1 };

typedef struct panel {
    __m256i low, high;
} panel;

static inline void add(panel *p, int32_t pair, const int16_t *w)
{
    const __m256i x = _mm256_set1_epi32(pair);
    const __m256i low = _mm256_loadu_si256((const __m256i *)w);
    const __m256i high = _mm256_loadu_si256((const __m256i *)(w + MX_CONV16_PANEL));
    p->low = _mm256_add_epi32(p->low, _mm256_madd_epi16(x, low));
    p->high = _mm256_add_epi32(p->high, _mm256_madd_epi16(x, high));
}

static inline __m256 value_of(__m256i sums, const float *scale, const float *shift)
{
    return _mm256_add_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(sums), _mm256_loadu_ps(scale)),
        _mm256_loadu_ps(shift));
}

static inline __m256i whole_of(__m256 value)
{
    const __m256 most = _mm256_set1_ps(MX_CONV16_MOST);
    return _mm256_cvtps_epi32(
        _mm256_max_ps(_mm256_min_ps(value, most), _mm256_setzero_ps()));
}

static inline void give(
    const panel *p, const float *scale, const float *shift, float *values)
{
    _mm256_storeu_ps(values, value_of(p->low, scale, shift));
    _mm256_storeu_ps(values + 8, value_of(p->high, scale + 8, shift + 8));
}

static inline void finish(
    const panel *p, const float *scale, const float *shift, int16_t *y)
{
    const __m256i low = whole_of(value_of(p->low, scale, shift));
    const __m256i high = whole_of(value_of(p->high, scale + 8, shift + 8));
    const __m256i mixed = _mm256_packs_epi32(low, high);
    _mm256_storeu_si256((__m256i *)y, _mm256_permute4x64_epi64(mixed, 0xd8));
}

#define MX_ISA(name) mx_conv16_##name##_avx2
#include "kernel/conv16_kernel.inc"

void mx_conv16_kernels_avx2(mx_conv16_kernels *table)
{
    mx_conv16_fill_avx2(table);
}
