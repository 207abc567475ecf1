/* SPDX-License-Identifier: MIT */
#include "kernel/dualtvl1_kernel.h"

#include <math.h>
#include <string.h>

#include "config.h"
#include "microexpr/base.h"

#define MX_ISA(name) mx_dualtvl1_##name##_c
#include "kernel/dualtvl1_kernel_simple.inc"

/* --- warp -------------------------------------------------------------------------- */

/* Keys' cubic (a = -3/4) at the distance t from its second tap. */
static inline float inner_weight(float t)
{
    return ((1.25f * t - 2.25f) * t) * t + 1.0f;
}

static inline void cubic_weights(float t, float *w)
{
    const float s = 1.0f - t;
    w[0] = -0.75f * t * s * s;
    w[1] = inner_weight(t);
    w[2] = inner_weight(s);
    w[3] = -0.75f * t * t * s;
}

/* The sample whose first tap is at `p`. Adding 0 turns -0 into 0: kernels with more taps
 * than these, the others of weight 0, then agree in every bit. */
static inline float sample(
    const float *p, ptrdiff_t stride, const float *wx, const float *wy)
{
    float sum = 0.0f;
    for (int i = 0; i < 4; i++) {
        const float column =
            ((wy[0] * p[i] + wy[1] * p[i + stride]) + wy[2] * p[i + 2 * stride]) +
            wy[3] * p[i + 3 * stride];
        sum = i == 0 ? wx[0] * column : sum + wx[i] * column;
    }
    return sum + 0.0f;
}

/* The place of a sample along one axis, to 1/32 pixel: whole and rest. Beyond `most` and
 * -3 all taps are zeros. */
static inline float sample_place(float place, float most, int *whole)
{
    place = place > -3.0f ? place : -3.0f;
    place = place < most ? place : most;
    place = ((place * 32.0f + MX_DUALTVL1_ROUND) - MX_DUALTVL1_ROUND) * 0.03125f;
    *whole = (int)(place + 3.0f) - 3;
    return place - (float)*whole;
}

static void warp_c(const mx_dualtvl1_warp *w, int y, float *row)
{
    for (int x = 0; x < w->width; x++) {
        float *r =
            row + (ptrdiff_t)(x / MX_TVL1_LANES) * MX_TVL1_BLOCK + x % MX_TVL1_LANES;
        const float u1 = r[MX_TVL1_U1 * MX_TVL1_LANES],
                    u2 = r[MX_TVL1_U2 * MX_TVL1_LANES];
        int ix, iy;
        float wx[4], wy[4];
        cubic_weights(
            sample_place((float)x + u1 * w->pixels, (float)(w->width + 1), &ix), wx);
        cubic_weights(
            sample_place((float)y + u2 * w->pixels, (float)(w->height + 1), &iy), wy);
        const ptrdiff_t at = (iy - 1) * w->i1_stride + (ix - 1);
        const float i1 = sample(w->i1 + at, w->i1_stride, wx, wy);
        const float gx = sample(w->i1x + at, w->i1_stride, wx, wy);
        const float gy = sample(w->i1y + at, w->i1_stride, wx, wy);
        const float squared = gx * gx + gy * gy;
        float a = 0.0f, n1 = 0.0f, n2 = 0.0f, length = 0.0f;
        if (squared >= MX_DUALTVL1_NO_GRADIENT) {
            length = sqrtf(squared);
            const float inverse = 1.0f / length;
            n1 = gx * inverse;
            n2 = gy * inverse;
            a = (i1 - w->i0[y * w->i0_stride + x]) * (inverse * w->units) -
                (n1 * u1 + n2 * u2);
        }
        r[MX_TVL1_A * MX_TVL1_LANES] = a;
        r[MX_TVL1_N1 * MX_TVL1_LANES] = n1;
        r[MX_TVL1_N2 * MX_TVL1_LANES] = n2;
        r[MX_TVL1_G * MX_TVL1_LANES] = w->lambda_tau * length;
    }
}

/* --- table ------------------------------------------------------------------------- */

void mx_dualtvl1_kernels_init(mx_dualtvl1_kernels *table, uint32_t cpu)
{
    mx_dualtvl1_simple_c(table);
    table->warp = warp_c;
#if MX_SIMD && defined(__x86_64__)
    if (cpu & MEXPR_CPU_AVX2)
        mx_dualtvl1_kernels_avx2(table);
    if (cpu & MEXPR_CPU_AVX512)
        mx_dualtvl1_kernels_avx512(table);
#elif MX_SIMD && defined(__aarch64__)
    if (cpu & MEXPR_CPU_NEON)
        mx_dualtvl1_kernels_neon(table);
#endif
    (void)cpu;
}
