/* SPDX-License-Identifier: MIT */
#include "kernel/tvl1_kernel.h"

#include <math.h>

#include "config.h"
#include "microexpr/base.h"

#define MX_ISA(name) mx_tvl1_##name##_c
#include "kernel/tvl1_kernel_simple.inc"

/* --- iteration --------------------------------------------------------------------- */

/* A field at the left end of a row, and how to go on from there to column x. */
static inline float *field_of(const float *row, int field)
{
    return (float *)row + field * MX_TVL1_LANES;
}

static inline ptrdiff_t place(int x)
{
    return (ptrdiff_t)(x / MX_TVL1_LANES) * MX_TVL1_BLOCK + x % MX_TVL1_LANES;
}

/* p's divergence at column x, `field` being its horizontal part; backward differences,
 * 0 outside. */
static inline float divergence(const float *row, const float *above, int field, int x)
{
    const float *p = field_of(row, field);
    const float left = x > 0 ? p[place(x - 1)] : 0.0f;
    const float up = field_of(above, field + 1)[place(x)];
    return (p[place(x)] - left) + (p[place(x) + MX_TVL1_LANES] - up);
}

/* Equations (9) and (13) of Sánchez et al.: the data term moves u along the gradient by
 * a length cut to ±G, the smoothness term by the divergence of p. */
static inline float primal_pixel(float *row, const float *above, int x, float tau)
{
    float *u1 = field_of(row, MX_TVL1_U1) + place(x);
    float *u2 = field_of(row, MX_TVL1_U2) + place(x);
    const float n1 = field_of(row, MX_TVL1_N1)[place(x)];
    const float n2 = field_of(row, MX_TVL1_N2)[place(x)];
    const float high = field_of(row, MX_TVL1_G)[place(x)], low = -high;
    float t = field_of(row, MX_TVL1_A)[place(x)] + (n1 * *u1 + n2 * *u2);
    t = t > low ? t : low;
    t = t < high ? t : high;
    const float d1 = tau * divergence(row, above, MX_TVL1_P11, x) - t * n1;
    const float d2 = tau * divergence(row, above, MX_TVL1_P21, x) - t * n2;
    *u1 += d1;
    *u2 += d2;
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

static float primal_c(float *row, const float *above, int width, float tau)
{
    float lanes[MX_TVL1_LANES] = { 0 };
    for (int x = 0; x < width; x++)
        lanes[x % MX_TVL1_LANES] += primal_pixel(row, above, x, tau);
    return sum_lanes(lanes);
}

/* Equation (14) for one component: p follows the forward gradient of u, renormalised. */
static void dual_component(float *u, float *p, const float *below, int width)
{
    for (int x = 0; x < width; x++) {
        const ptrdiff_t at = place(x);
        const float ux = x + 1 < width ? u[place(x + 1)] - u[at] : 0.0f;
        const float uy = below[at] - u[at];
        const float inverse = 1.0f / (1.0f + sqrtf(ux * ux + uy * uy));
        p[at] = (p[at] + ux) * inverse;
        p[at + MX_TVL1_LANES] = (p[at + MX_TVL1_LANES] + uy) * inverse;
    }
}

static void dual_c(float *row, const float *below, int width)
{
    dual_component(field_of(row, MX_TVL1_U1), field_of(row, MX_TVL1_P11),
        field_of(below, MX_TVL1_U1), width);
    dual_component(field_of(row, MX_TVL1_U2), field_of(row, MX_TVL1_P21),
        field_of(below, MX_TVL1_U2), width);
}

static float step_c(float *row, float *above, int width, float tau)
{
    const float sum = primal_c(row, above, width, tau);
    dual_c(above, row, width);
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
    for (int x = 0; x < w->width; x++) {
        const ptrdiff_t at = place(x);
        const float u1 = field_of(row, MX_TVL1_U1)[at], u2 = field_of(row, MX_TVL1_U2)[at];
        const float px = (float)x + u1 * w->pixels, py = (float)y + u2 * w->pixels;
        float a = 0.0f, n1 = 0.0f, n2 = 0.0f, length = 0.0f;
        if (px >= 1.0f && px < (float)(w->width - 2) && py >= 1.0f
            && py < (float)(w->height - 2)) {
            const int ix = (int)px, iy = (int)py;
            const ptrdiff_t tap = (iy - 1) * w->plane_stride + (ix - 1);
            float wx[4], wy[4];
            cubic_weights(px - (float)ix, wx);
            cubic_weights(py - (float)iy, wy);
            const float i1 = cubic_sample(w->i1 + tap, w->plane_stride, wx, wy);
            const float gx = cubic_sample(w->i1x + tap, w->plane_stride, wx, wy);
            const float gy = cubic_sample(w->i1y + tap, w->plane_stride, wx, wy);
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
        field_of(row, MX_TVL1_A)[at] = a;
        field_of(row, MX_TVL1_N1)[at] = n1;
        field_of(row, MX_TVL1_N2)[at] = n2;
        field_of(row, MX_TVL1_G)[at] = w->lambda_tau * length;
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
