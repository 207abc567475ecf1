/* SPDX-License-Identifier: MIT */
#include "kernel/tvl1_kernel.h"

#include <math.h>
#include <stdbool.h>

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
static inline float primal_pixel(
    float *row, const float *above, int x, float tau, bool projects)
{
    float *u1 = field_of(row, MX_TVL1_U1) + place(x);
    float *u2 = field_of(row, MX_TVL1_U2) + place(x);
    const float n1 = field_of(row, MX_TVL1_N1)[place(x)];
    const float n2 = field_of(row, MX_TVL1_N2)[place(x)];
    const float high = field_of(row, MX_TVL1_G)[place(x)], low = -high;
    float t = field_of(row, MX_TVL1_A)[place(x)] + (n1 * *u1 + n2 * *u2);
    t = t > low ? t : low;
    t = t < high ? t : high;
    if (projects)
        t = MX_TVL1_SHORTER * t;
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

static inline float primal_row(
    float *row, const float *above, int width, float tau, bool projects)
{
    float lanes[MX_TVL1_LANES] = {0};
    for (int x = 0; x < width; x++)
        lanes[x % MX_TVL1_LANES] += primal_pixel(row, above, x, tau, projects);
    return sum_lanes(lanes);
}

static float primal_c(float *row, const float *above, int width, float tau)
{
    return primal_row(row, above, width, tau, false);
}

static float project_primal_c(float *row, const float *above, int width, float tau)
{
    return primal_row(row, above, width, MX_TVL1_SHORTER * tau, true);
}

/* Equation (14) for one component: p follows the forward gradient of u, renormalised; or
 * is projected. */
static inline void dual_component(
    float *u, float *p, const float *below, int width, bool projects)
{
    for (int x = 0; x < width; x++) {
        const ptrdiff_t at = place(x);
        const float ux = x + 1 < width ? u[place(x + 1)] - u[at] : 0.0f;
        const float uy = below[at] - u[at];
        const float p1 = p[at] + ux, p2 = p[at + MX_TVL1_LANES] + uy;
        float divisor;
        if (projects) {
            const float length = sqrtf(p1 * p1 + p2 * p2);
            divisor = length > 1.0f ? length : 1.0f;
        } else {
            divisor = 1.0f + sqrtf(ux * ux + uy * uy);
        }
        const float inverse = 1.0f / divisor;
        p[at] = p1 * inverse;
        p[at + MX_TVL1_LANES] = p2 * inverse;
    }
}

static inline void dual_row(float *row, const float *below, int width, bool projects)
{
    dual_component(field_of(row, MX_TVL1_U1), field_of(row, MX_TVL1_P11),
        field_of(below, MX_TVL1_U1), width, projects);
    dual_component(field_of(row, MX_TVL1_U2), field_of(row, MX_TVL1_P21),
        field_of(below, MX_TVL1_U2), width, projects);
}

static void dual_c(float *row, const float *below, int width)
{
    dual_row(row, below, width, false);
}

static void project_dual_c(float *row, const float *below, int width)
{
    dual_row(row, below, width, true);
}

static float step_c(float *row, float *above, int width, float tau)
{
    const float sum = primal_c(row, above, width, tau);
    dual_c(above, row, width);
    return sum;
}

static float project_step_c(float *row, float *above, int width, float tau)
{
    const float sum = project_primal_c(row, above, width, tau);
    project_dual_c(above, row, width);
    return sum;
}

/* --- warp -------------------------------------------------------------------------- */

/* Twice the weights of Keys' cubic (a = -1/2) for the taps -1, 0, 1, 2 at 0 <= t < 1. */
static inline void cubic_weights(float t, float *w)
{
    w[0] = ((2.0f - t) * t - 1.0f) * t;
    w[1] = (3.0f * t - 5.0f) * t * t + 2.0f;
    w[2] = ((4.0f - 3.0f * t) * t + 1.0f) * t;
    w[3] = (t - 1.0f) * t * t;
}

static inline float weigh(const float *p, ptrdiff_t step, const float *w, int n)
{
    float sum = w[0] * p[0];
    for (int i = 1; i < n; i++)
        sum += w[i] * p[i * step];
    return sum;
}

typedef struct samples {
    float i1, i1x, i1y;
} samples;

/* The same of the differences of the neighbours of what weigh() samples. */
static inline float weigh_slopes(const float *p, ptrdiff_t step, const float *w, int n)
{
    float sum = w[0] * (p[step] - p[-step]);
    for (int i = 1; i < n; i++)
        sum += w[i] * (p[(i + 1) * step] - p[(i - 1) * step]);
    return sum;
}

/* Picture and centred differences at fractions tx, ty behind the pixel at p. The factors
 * take back the weights' doubling and halve the differences. Adding 0 turns -0 into 0:
 * kernels with more taps than these, the others of weight 0, then agree in every bit. */
static inline samples sample(const float *p, ptrdiff_t stride, float tx, float ty)
{
    float wx[4], wy[4], columns[6], slopes[4];
    cubic_weights(tx, wx);
    cubic_weights(ty, wy);
    for (int i = 0; i < 6; i++)
        columns[i] = weigh(p + (i - 2) - stride, stride, wy, 4);
    for (int i = 0; i < 4; i++)
        slopes[i] = weigh_slopes(p + (i - 1) - stride, stride, wy, 4);
    return (samples){weigh(columns + 1, 1, wx, 4) * 0.25f + 0.0f,
        weigh_slopes(columns + 1, 1, wx, 4) * 0.125f + 0.0f,
        weigh(slopes, 1, wx, 4) * 0.125f + 0.0f};
}

static void warp_c(const mx_tvl1_warp *w, int y, float *row)
{
    for (int x = 0; x < w->width; x++) {
        const ptrdiff_t at = place(x);
        const float u1 = field_of(row, MX_TVL1_U1)[at],
                    u2 = field_of(row, MX_TVL1_U2)[at];
        const float px = (float)x + u1 * w->pixels, py = (float)y + u2 * w->pixels;
        float a = 0.0f, n1 = 0.0f, n2 = 0.0f, length = 0.0f;
        if (px >= 1.0f && px < (float)(w->width - 2) && py >= 1.0f &&
            py < (float)(w->height - 2)) {
            const int ix = (int)px, iy = (int)py;
            const samples at_p = sample(w->i1 + iy * w->plane_stride + ix,
                w->plane_stride, px - (float)ix, py - (float)iy);
            const float squared = at_p.i1x * at_p.i1x + at_p.i1y * at_p.i1y;
            if (squared >= MX_TVL1_NO_GRADIENT) {
                length = sqrtf(squared);
                const float inverse = 1.0f / length;
                n1 = at_p.i1x * inverse;
                n2 = at_p.i1y * inverse;
                a = (at_p.i1 - w->i0[y * w->plane_stride + x]) * (inverse * w->units) -
                    (n1 * u1 + n2 * u2);
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
    table->project_primal = project_primal_c;
    table->project_step = project_step_c;
    table->project_dual = project_dual_c;
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

void mx_tvl1_kernels_project(mx_tvl1_kernels *table)
{
    table->primal = table->project_primal;
    table->step = table->project_step;
    table->dual = table->project_dual;
}
