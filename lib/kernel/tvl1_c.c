/* SPDX-License-Identifier: MIT */
#include "kernel/tvl1_kernel.h"

#include <math.h>

#include "config.h"
#include "microexpr/base.h"

#define MX_ISA(name) mx_tvl1_##name##_c
#include "kernel/tvl1_simple.inc"

/* --- iteration --------------------------------------------------------------------- */

/* Primal step, equations (9) and (13) of Sánchez et al.: the data term moves u along the
 * gradient by a length cut to ±G, the smoothness term by the divergence of p. */
static inline float primal_pixel(
    float *row, const float *above, ptrdiff_t s, int x, float tau)
{
    float *r = row + x;
    const float *a = above + x;
    const float left1 = x > 0 ? r[MX_TVL1_P11 * s - 1] : 0.0f;
    const float left2 = x > 0 ? r[MX_TVL1_P21 * s - 1] : 0.0f;
    const float div1
        = (r[MX_TVL1_P11 * s] - left1) + (r[MX_TVL1_P12 * s] - a[MX_TVL1_P12 * s]);
    const float div2
        = (r[MX_TVL1_P21 * s] - left2) + (r[MX_TVL1_P22 * s] - a[MX_TVL1_P22 * s]);
    const float n1 = r[MX_TVL1_N1 * s], n2 = r[MX_TVL1_N2 * s];
    const float high = r[MX_TVL1_G * s], low = -high;
    float t = r[MX_TVL1_A * s] + (n1 * r[MX_TVL1_U1 * s] + n2 * r[MX_TVL1_U2 * s]);
    t = t > low ? t : low;
    t = t < high ? t : high;
    const float d1 = tau * div1 - t * n1, d2 = tau * div2 - t * n2;
    r[MX_TVL1_U1 * s] += d1;
    r[MX_TVL1_U2 * s] += d2;
    return d1 * d1 + d2 * d2;
}

static float sum_lanes(float *lanes)
{
    for (int half = MX_TVL1_LANES / 2; half > 0; half /= 2) {
        for (int i = 0; i < half; i++)
            lanes[i] += lanes[i + half];
    }
    return lanes[0];
}

static float primal_c(
    float *row, const float *above, ptrdiff_t stride, int width, float tau)
{
    float lanes[MX_TVL1_LANES] = { 0 };
    for (int x = 0; x < width; x++)
        lanes[x % MX_TVL1_LANES] += primal_pixel(row, above, stride, x, tau);
    return sum_lanes(lanes);
}

/* Dual step, equation (14): p follows the forward gradient of u, renormalised. */
static inline void dual_pixel(float *u, float *p, const float *below, ptrdiff_t s, int is_last)
{
    const float ux = is_last ? 0.0f : u[1] - u[0];
    const float uy = below[0] - u[0];
    const float inverse = 1.0f / (1.0f + sqrtf(ux * ux + uy * uy));
    p[0] = (p[0] + ux) * inverse;
    p[s] = (p[s] + uy) * inverse;
}

static void dual_c(float *row, const float *below, ptrdiff_t stride, int width)
{
    float *u1 = row + MX_TVL1_U1 * stride, *u2 = row + MX_TVL1_U2 * stride;
    float *p1 = row + MX_TVL1_P11 * stride, *p2 = row + MX_TVL1_P21 * stride;
    const float *b1 = below + MX_TVL1_U1 * stride, *b2 = below + MX_TVL1_U2 * stride;
    for (int x = 0; x < width; x++) {
        dual_pixel(u1 + x, p1 + x, b1 + x, stride, x == width - 1);
        dual_pixel(u2 + x, p2 + x, b2 + x, stride, x == width - 1);
    }
}

static float step_c(float *row, float *above, ptrdiff_t stride, int width, float tau)
{
    const float sum = primal_c(row, above, stride, width, tau);
    dual_c(above, row, stride, width);
    return sum;
}

/* --- warp -------------------------------------------------------------------------- */

/* Weights of Keys' cubic (a = -1/2) for the taps -1, 0, 1, 2 at 0 <= t < 1. */
static inline void cubic_weights(float t, float *w)
{
    w[0] = ((2.0f - t) * t - 1.0f) * t * 0.5f;
    w[1] = ((3.0f * t - 5.0f) * t * t + 2.0f) * 0.5f;
    w[2] = ((4.0f - 3.0f * t) * t + 1.0f) * t * 0.5f;
    w[3] = (t - 1.0f) * t * t * 0.5f;
}

/* The sample whose first tap is at `p`. Adding 0 turns -0 into 0: kernels with more taps
 * than these, the others of weight 0, then agree in every bit. */
static inline float cubic_sample(
    const float *p, ptrdiff_t stride, const float *wx, const float *wy)
{
    float sum = 0.0f;
    for (int i = 0; i < 4; i++) {
        const float column = ((wy[0] * p[i] + wy[1] * p[i + stride]) + wy[2] * p[i + 2 * stride])
            + wy[3] * p[i + 3 * stride];
        sum = i == 0 ? wx[0] * column : sum + wx[i] * column;
    }
    return sum + 0.0f;
}

static void warp_c(const mx_tvl1_warp *w, int y, float *row)
{
    const ptrdiff_t s = w->stride;
    for (int x = 0; x < w->width; x++) {
        float *r = row + x;
        const float u1 = r[MX_TVL1_U1 * s], u2 = r[MX_TVL1_U2 * s];
        const float px = (float)x + u1 * w->pixels, py = (float)y + u2 * w->pixels;
        float a = 0.0f, n1 = 0.0f, n2 = 0.0f, length = 0.0f;
        if (px >= 1.0f && px < (float)(w->width - 2) && py >= 1.0f
            && py < (float)(w->height - 2)) {
            const int ix = (int)px, iy = (int)py;
            const ptrdiff_t at = (iy - 1) * w->plane_stride + (ix - 1);
            float wx[4], wy[4];
            cubic_weights(px - (float)ix, wx);
            cubic_weights(py - (float)iy, wy);
            const float i1 = cubic_sample(w->i1 + at, w->plane_stride, wx, wy);
            const float gx = cubic_sample(w->i1x + at, w->plane_stride, wx, wy);
            const float gy = cubic_sample(w->i1y + at, w->plane_stride, wx, wy);
            const float squared = gx * gx + gy * gy;
            if (squared >= MX_TVL1_NO_GRADIENT) {
                length = sqrtf(squared);
                const float inverse = 1.0f / length;
                n1 = gx * inverse;
                n2 = gy * inverse;
                a = (i1 - w->i0[y * w->plane_stride + x]) * (inverse * w->units)
                    - (n1 * u1 + n2 * u2);
            }
        }
        r[MX_TVL1_A * s] = a;
        r[MX_TVL1_N1 * s] = n1;
        r[MX_TVL1_N2 * s] = n2;
        r[MX_TVL1_G * s] = w->lambda_tau * length;
    }
}

/* --- table ------------------------------------------------------------------------- */

void mx_tvl1_kernels_init(mx_tvl1_kernels *table, uint32_t cpu)
{
    mx_tvl1_simple_c(table);
    table->primal = primal_c;
    table->step = step_c;
    table->dual = dual_c;
    table->warp = warp_c;
#if MX_SIMD && defined(__x86_64__)
    if (cpu & MEXPR_CPU_AVX2)
        mx_tvl1_kernels_avx2(table);
    if (cpu & MEXPR_CPU_AVX512)
        mx_tvl1_kernels_avx512(table);
#elif MX_SIMD && defined(__aarch64__)
    if (cpu & MEXPR_CPU_NEON)
        mx_tvl1_kernels_neon(table);
#endif
    (void)cpu;
}
