/* SPDX-License-Identifier: MIT */
/* Inner loops of TV-L1 flow (lib/flow/tvl1.c says what they compute).
 *
 * The state of one picture row lies in blocks of 16 pixels, each block holding its 16
 * numbers of every field of mx_tvl1_field one after the other: one stream of memory, all
 * of it used. Rows begin on 64 bytes. Places right of the picture are 0 and stay 0, as
 * are the horizontal p of the last column and the row above the first. Every number is
 * finite. The flow is kept as U = u tau / theta, so that the dual step needs no factor.
 *
 * Class of every slot: E, equal bits on every instruction set, also where sums are taken:
 * their order is part of the definition. */
#ifndef MX_KERNEL_TVL1_KERNEL_H
#define MX_KERNEL_TVL1_KERNEL_H

#include <stddef.h>
#include <stdint.h>

/* Row sums are taken in this many lanes, column x in lane x mod MX_TVL1_LANES, and the
 * lanes then as a tree: l with l + 8, l + 4, l + 2, l + 1. */
#define MX_TVL1_LANES 16

enum mx_tvl1_field {
    MX_TVL1_U1,
    MX_TVL1_U2,
    MX_TVL1_P11, /* dual variable of u: x and y */
    MX_TVL1_P12,
    MX_TVL1_P21, /* dual variable of v */
    MX_TVL1_P22,
    MX_TVL1_A,  /* linearised residual at u = 0, over |gradient|, times tau / theta */
    MX_TVL1_N1, /* unit gradient of the warped picture */
    MX_TVL1_N2,
    MX_TVL1_G, /* lambda tau |gradient|: the longest step of the data term; where it is 0
                  so are A, N1 and N2 */
    MX_TVL1_FIELDS
};

/* Floats of a block. */
#define MX_TVL1_BLOCK (MX_TVL1_FIELDS * MX_TVL1_LANES)

/* Floats of a row's state. */
static inline ptrdiff_t mx_tvl1_row_floats(int width)
{
    return ((ptrdiff_t)width + MX_TVL1_LANES - 1) / MX_TVL1_LANES * MX_TVL1_BLOCK;
}

/* Below this |gradient|² there is none: the published program's limit. */
#define MX_TVL1_NO_GRADIENT 1e-10f

/* Of the primal step where p is projected. */
#define MX_TVL1_SHORTER 0.8f

/* Floats that may be read before and behind the second picture of a warp. */
#define MX_TVL1_GUARD 32

/* What a warp of one level needs. Around i1 lies a border of one repeated pixel, and
 * MX_TVL1_GUARD readable floats on both ends; what lies between and around the rows is
 * read and must be finite. */
typedef struct mx_tvl1_warp {
    const float *i0; /* first picture */
    const float *i1; /* second picture */
    ptrdiff_t plane_stride;
    int width;
    int height;
    float pixels;     /* theta / tau: U to pixels */
    float units;      /* tau / theta */
    float lambda_tau; /* lambda tau */
} mx_tvl1_warp;

typedef struct mx_tvl1_kernels {
    /* Primal step of a row; `above` is the row above. Returns the sum of |dU|^2. */
    float (*primal)(float *row, const float *above, int width, float tau);
    /* The same, then the dual step of the row above, whose U is this iteration's. */
    float (*step)(float *row, float *above, int width, float tau);
    /* Dual step of a row with `below`, of which U alone is read. The last row is its own
     * neighbour. */
    void (*dual)(float *row, const float *below, int width);
    /* The same with another dual step, p + grad u projected onto |p| <= 1, and a primal
     * step MX_TVL1_SHORTER times as long. */
    float (*project_primal)(float *row, const float *above, int width, float tau);
    float (*project_step)(float *row, float *above, int width, float tau);
    void (*project_dual)(float *row, const float *below, int width);
    /* A, N1, N2, G of row y from the second picture and its centred differences at the
     * places that the row's U points to: bicubic (Keys, a = -1/2), 0 where the 4 × 4
     * neighbourhood leaves the picture. */
    void (*warp)(const mx_tvl1_warp *warp, int y, float *row);
    /* Smallest and largest number; returns 0 if one is NaN or infinite. n >= 1. */
    int (*range)(const float *in, size_t n, float *low, float *high);
    /* out = 255 (in - low) / span */
    void (*normalise)(float *out, const float *in, double low, double span, int n);
    /* out = taps[0] in[0] + sum over j of taps[j] (in[-j] + in[j]), j up to `radius`.
     * Nothing behind out[n - 1] is written. */
    void (*smooth_row)(float *out, const float *in, const float *taps, int radius, int n);
    /* The same over rows[-radius .. radius] at each place. */
    void (*smooth_column)(
        float *out, const float *const *rows, const float *taps, int radius, int n);
    /* out = sum over k of weights[k] rows[k]. */
    void (*cubic_column)(
        float *out, const float *const *rows, const float *weights, int n);
    /* out[i] = scale × sum over k of weights[k][i] in[first[i] + k]. */
    void (*cubic_row)(float *out, const float *in, const int32_t *first,
        const float *const *weights, float scale, int n);
    /* out = factor × a field of a row. */
    void (*unpack)(float *out, const float *row, int field, float factor, int width);
    /* The reverse, without a factor; the rest of the last block is left alone. */
    void (*pack)(float *row, const float *in, int field, int width);
} mx_tvl1_kernels;

void mx_tvl1_kernels_init(mx_tvl1_kernels *table, uint32_t cpu);

/* Makes `primal`, `step` and `dual` those that project. */
void mx_tvl1_kernels_project(mx_tvl1_kernels *table);

/* The parts of mx_tvl1_kernels_init(), one per instruction set. */
void mx_tvl1_kernels_avx2(mx_tvl1_kernels *table);
void mx_tvl1_kernels_avx512(mx_tvl1_kernels *table);
void mx_tvl1_kernels_neon(mx_tvl1_kernels *table);

#endif
