/* SPDX-License-Identifier: MIT */
/* Inner loops of Farnebäck's flow (lib/flow/farneback.c says what they compute);
 * those that smooth are in tvl1_kernel.h. Lines
 * and rows may be read and written up to the next multiple of MX_FARNEBACK_LANES. Class
 * of every slot: E. */
#ifndef MX_KERNEL_FARNEBACK_KERNEL_H
#define MX_KERNEL_FARNEBACK_KERNEL_H

#include <stddef.h>
#include <stdint.h>

#define MX_FARNEBACK_LANES 16

/* Coefficients of the local polynomial, of x the column and y the row. */
enum mx_farneback_coefficient {
    MX_FARNEBACK_Y,
    MX_FARNEBACK_X,
    MX_FARNEBACK_YY,
    MX_FARNEBACK_XX,
    MX_FARNEBACK_XY,
    MX_FARNEBACK_PLANES
};

/* The sums of which the flow is solved: A^T A (three of four) and A^T db. */
enum mx_farneback_sum {
    MX_FARNEBACK_G11,
    MX_FARNEBACK_G12,
    MX_FARNEBACK_G22,
    MX_FARNEBACK_H1,
    MX_FARNEBACK_H2
};

/* Weights of a fit over 2 n + 1 pixels each way: g[k], k g[k] and k^2 g[k], and the
 * numbers of the inverse that the moments are multiplied with. */
typedef struct mx_farneback_fit {
    int n;
    const float *g;
    const float *xg;
    const float *xxg;
    float i11; /* x, y */
    float i03; /* the mean to xx, yy */
    float i33; /* xx, yy */
    float i55; /* xy */
} mx_farneback_fit;

/* What the matrices of one level need. Planes have `stride` floats per row; those of the
 * second picture have a row of finite numbers below the last, and MX_FARNEBACK_GUARD
 * finite floats on both ends. */
typedef struct mx_farneback_level {
    const float *first[MX_FARNEBACK_PLANES];
    const float *second[MX_FARNEBACK_PLANES];
    const float *u;
    const float *v;
    const float *border; /* weight of each column */
    ptrdiff_t stride;
    int width;
    int height;
} mx_farneback_level;

#define MX_FARNEBACK_GUARD 32

/* No displacement is longer than this. */
#define MX_FARNEBACK_LONGEST 1e6

typedef struct mx_farneback_kernels {
    /* Moments of order 0, 1, 2 along columns, of rows[-n .. n]. */
    void (*moments)(float *const *out, const float *const *rows,
        const mx_farneback_fit *fit, int width);
    /* Coefficients from moments, which can be read n places beyond either end. */
    void (*expand)(float *const *out, const float *const *moments,
        const mx_farneback_fit *fit, int width);
    /* G and h at row y, whose weight is `border`, from both pictures' coefficients and
     * the flow. */
    void (*matrices)(
        float *const *out, const mx_farneback_level *level, int y, float border);
    /* sum[x] += in[x] - out[x] */
    void (*slide)(double *sum, const float *in, const float *out, int n);
    /* out[x] = the sum of `length` numbers of `line` from x on; `line`, of n + length - 1
     * numbers, is lost. */
    void (*window)(double *out, double *line, int length, int n);
    /* The flow from G and h times `scale`. */
    void (*solve)(float *u, float *v, const double *const *sums, double scale, int n);
    /* The same from floats. */
    void (*solve_f32)(float *u, float *v, const float *const *sums, int n);
} mx_farneback_kernels;

void mx_farneback_kernels_init(mx_farneback_kernels *table, uint32_t cpu);

/* The parts of mx_farneback_kernels_init(), one per instruction set. */
void mx_farneback_kernels_avx2(mx_farneback_kernels *table);
void mx_farneback_kernels_avx512(mx_farneback_kernels *table);
void mx_farneback_kernels_neon(mx_farneback_kernels *table);

#endif
