/* SPDX-License-Identifier: MIT */
#include "kernel/conv16_kernel.h"

#include <string.h>

#include "config.h"
#include "microexpr/base.h"

#if defined(__SSE2__) /* every x86-64 has it, and no compiler finds pmaddwd by itself */
#include <emmintrin.h>

enum { ROWS = 2, PANELS = 1 };

typedef struct panel {
    __m128i sums[MX_CONV16_PANEL / 4];
} panel;

static inline void add(panel *p, int32_t pair, const int16_t *w)
{
    const __m128i x = _mm_set1_epi32(pair);
    for (int i = 0; i < MX_CONV16_PANEL / 4; i++) {
        const __m128i weights = _mm_loadu_si128((const __m128i *)(w + 8 * i));
        p->sums[i] = _mm_add_epi32(p->sums[i], _mm_madd_epi16(x, weights));
    }
}

static inline void read_sums(const panel *p, int32_t *sums)
{
    for (int i = 0; i < MX_CONV16_PANEL / 4; i++)
        _mm_storeu_si128((__m128i *)(sums + 4 * i), p->sums[i]);
}
#else
enum { ROWS = 4, PANELS = 1 };

typedef struct panel {
    int32_t sums[MX_CONV16_PANEL];
} panel;

static inline void add(panel *p, int32_t pair, const int16_t *w)
{
    int16_t x[2];
    memcpy(x, &pair, sizeof x);
    for (int i = 0; i < MX_CONV16_PANEL; i++)
        p->sums[i] += x[0] * w[2 * i] + x[1] * w[2 * i + 1];
}

static inline void read_sums(const panel *p, int32_t *sums)
{
    memcpy(sums, p->sums, sizeof p->sums);
}
#endif

static inline void give(
    const panel *p, const float *scale, const float *shift, float *values)
{
    int32_t sums[MX_CONV16_PANEL];
    read_sums(p, sums);
    for (int i = 0; i < MX_CONV16_PANEL; i++)
        values[i] = (float)sums[i] * scale[i] + shift[i];
}

static inline void finish(
    const panel *p, const float *scale, const float *shift, int16_t *y)
{
    const float most = MX_CONV16_MOST, whole = 12582912.0f; /* as in shrink */
    float values[MX_CONV16_PANEL];
    give(p, scale, shift, values);
    for (int i = 0; i < MX_CONV16_PANEL; i++) {
        float value = values[i] < most ? values[i] : most;
        value = value > 0.0f ? value : 0.0f;
        y[i] = (int16_t)(int32_t)((value + whole) - whole);
    }
}

#define MX_ISA(name) mx_conv16_##name##_c
#include "kernel/conv16_kernel.inc"

void mx_conv16_kernels_init(mx_conv16_kernels *table, uint32_t cpu)
{
    mx_conv16_fill_c(table);
#if MX_SIMD && defined(__x86_64__)
    if (cpu & MEXPR_CPU_AVX2)
        mx_conv16_kernels_avx2(table);
    if (cpu & MEXPR_CPU_AVX512)
        mx_conv16_kernels_avx512(table);
#endif
    (void)cpu;
}
