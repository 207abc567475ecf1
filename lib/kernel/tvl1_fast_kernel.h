/* SPDX-License-Identifier: MIT */
/* Inner loops of fast TV-L1 flow (lib/flow/tvl1_fast.c says what they compute). The state
 * of a row is that of tvl1_kernel.h, with U = u sigma. A row's extrapolated flow, of which
 * the dual step takes the gradient, lies beside it in two lines `stride` floats apart,
 * which begin on 64 bytes and can be read 17 floats beyond the width.
 * Class of every slot: E, also where sums are taken (tvl1_kernel.h). */
#ifndef MX_KERNEL_TVL1_FAST_KERNEL_H
#define MX_KERNEL_TVL1_FAST_KERNEL_H

#include "kernel/tvl1_kernel.h"

typedef struct mx_fast_pass {
    float ascent;     /* sigma s */
    float shrink;     /* s / (s + theta) */
    float relaxation; /* 1: none; below 2 */
    int width;
    ptrdiff_t stride;
} mx_fast_pass;

typedef struct mx_fast_kernels {
    /* Primal step of a row; `above` is the row above. Fills `ahead`; returns the sum of
     * |dU|^2. */
    float (*primal)(
        const mx_fast_pass *pass, float *row, const float *above, float *ahead);
    /* The same, then the dual step of the row above. */
    float (*step)(const mx_fast_pass *pass, float *row, float *above, float *ahead,
        const float *ahead_above);
    /* Dual step of a row; the last row is its own neighbour below. */
    void (*dual)(const mx_fast_pass *pass, float *row, const float *ahead,
        const float *ahead_below);
} mx_fast_kernels;

void mx_fast_kernels_init(mx_fast_kernels *table, uint32_t cpu);

/* The parts of mx_fast_kernels_init(), one per instruction set. */
void mx_fast_kernels_avx2(mx_fast_kernels *table);
void mx_fast_kernels_avx512(mx_fast_kernels *table);

#endif
