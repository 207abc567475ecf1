/* SPDX-License-Identifier: MIT */
/* Inner loops of OpenCV's variant of TV-L1 flow (lib/flow/dualtvl1.c says what they
 * compute). Its iterations are those of tvl1_kernel.h, where the state of a row is told.
 * Class of every slot: E. */
#ifndef MX_KERNEL_DUALTVL1_KERNEL_H
#define MX_KERNEL_DUALTVL1_KERNEL_H

#include "kernel/tvl1_kernel.h"

/* What a warp of one level needs. The planes of the second picture have MX_DUALTVL1_PAD
 * zeros right of each row, which are also those left of the next, MX_DUALTVL1_PAD rows of
 * zeros above and below, and MX_TVL1_GUARD readable floats on both ends. */
typedef struct mx_dualtvl1_warp {
    const float *i0; /* first picture */
    ptrdiff_t i0_stride;
    const float *i1;  /* second picture */
    const float *i1x; /* its centred differences */
    const float *i1y;
    ptrdiff_t i1_stride;
    int width;
    int height;
    float pixels;     /* theta / tau: U to pixels */
    float units;      /* tau / theta */
    float lambda_tau; /* lambda tau */
} mx_dualtvl1_warp;

/* Four taps either way, and one more of weight 0 where vectors share theirs. */
#define MX_DUALTVL1_PAD 5

/* Below this |gradient|² there is none. */
#define MX_DUALTVL1_NO_GRADIENT 1e-20f

/* 1.5 × 2^23: adding and subtracting it rounds to whole numbers, half to even. */
#define MX_DUALTVL1_ROUND 12582912.0f

/* A plane to be filtered into field `field` of its level's state; -0 becomes 0, so that
 * all ways to the median give the same bits. Rows of the plane repeat their last numbers
 * for 2 places beyond either end, and can be read to 2 places behind the last block of
 * MX_TVL1_LANES. Above the first row and below the last these are repeated. */
typedef struct mx_dualtvl1_median {
    const float *plane;
    ptrdiff_t stride;
    float *rows;
    ptrdiff_t row_floats;
    int field;
    int width;
    int height;
} mx_dualtvl1_median;

static inline const float *mx_dualtvl1_median_row(const mx_dualtvl1_median *m, int y)
{
    return m->plane + (y < 0 ? 0 : y < m->height ? y : m->height - 1) * m->stride;
}

/* Where the result of row y, column x belongs. */
static inline float *mx_dualtvl1_median_place(const mx_dualtvl1_median *m, int y, int x)
{
    return m->rows + y * m->row_floats + (ptrdiff_t)(x / MX_TVL1_LANES) * MX_TVL1_BLOCK +
           m->field * MX_TVL1_LANES + x % MX_TVL1_LANES;
}

typedef struct mx_dualtvl1_kernels {
    /* A, N1, N2, G of row y from the planes warped by its U: bicubic (a = -3/4) at places
     * rounded to 1/32 pixel, 0 outside the picture. */
    void (*warp)(const mx_dualtvl1_warp *warp, int y, float *row);
    /* Half the differences of a row, edges repeated. `above` and `below` may be `row`. */
    void (*gradient)(float *dx, float *dy, const float *above, const float *row,
        const float *below, int n);
    /* Median of the 5 × 5 numbers around each place of rows `first` to `end`. */
    void (*median5)(const mx_dualtvl1_median *median, int first, int end);
    /* The same of 3 × 3. */
    void (*median3)(const mx_dualtvl1_median *median, int first, int end);
} mx_dualtvl1_kernels;

void mx_dualtvl1_kernels_init(mx_dualtvl1_kernels *table, uint32_t cpu);

/* The parts of mx_dualtvl1_kernels_init(), one per instruction set. */
void mx_dualtvl1_kernels_avx2(mx_dualtvl1_kernels *table);
void mx_dualtvl1_kernels_avx512(mx_dualtvl1_kernels *table);
void mx_dualtvl1_kernels_neon(mx_dualtvl1_kernels *table);

#endif
