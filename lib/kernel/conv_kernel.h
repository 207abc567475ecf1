/* SPDX-License-Identifier: MIT */
/* Convolution without a column matrix: every weight has a pointer to the inputs that it
 * meets, one behind the other for neighbouring outputs. */
#ifndef MX_KERNEL_CONV_KERNEL_H
#define MX_KERNEL_CONV_KERNEL_H

#include <stddef.h>
#include <stdint.h>

enum {
    MX_CONV_LANES = 16, /* rows of inputs and outputs have room up to a multiple of it */
    MX_CONV_ROWS = 4    /* output channels at a time */
};

/* y[r * y_row + i] = sum over t < taps of w[r * w_row + t] * x[t][at + i] for r < rows, i
 * < n. Up to the next multiple of MX_CONV_LANES x is read and y is written. */
typedef struct mx_conv_block {
    size_t n, taps;
    int rows; /* 1..MX_CONV_ROWS */
    const float *const *x;
    size_t at;
    const float *w;
    ptrdiff_t w_row;
    float *y;
    ptrdiff_t y_row;
} mx_conv_block;

typedef struct mx_conv_kernels {
    /* R(1e-6 * sqrt(taps)) against exact sums; sums run over t upwards in every one. */
    void (*taps)(const mx_conv_block *block);
    /* y[i] = x[2 * i], i < n; E. Nothing outside is touched. */
    void (*every_second)(size_t n, const float *x, float *y);
    /* y = x * sigmoid(x), also in place: R(4e-7) against max(1, |x|); NaN stays, -Inf
     * gives about -1e-36. Three times as fast as the slot of that name in nn_kernel.h,
     * which gives the same on every processor. */
    void (*silu)(size_t n, const float *x, float *y);
} mx_conv_kernels;

void mx_conv_kernels_init(mx_conv_kernels *table, uint32_t cpu);

/* Each is conv_kernel.inc compiled for one instruction set; for the function above alone.
 */
void mx_conv_kernels_fill_c(mx_conv_kernels *table);
void mx_conv_kernels_fill_avx2(mx_conv_kernels *table);
void mx_conv_kernels_fill_avx512(mx_conv_kernels *table);
void mx_conv_kernels_fill_neon(mx_conv_kernels *table);

#endif
