/* SPDX-License-Identifier: MIT */
/* Convolutions of small networks in whole numbers of 16 bits: two products in the time
 * of one in float32, and the same bits on every processor. Class of every slot: E. */
#ifndef MX_KERNEL_CONV16_KERNEL_H
#define MX_KERNEL_CONV16_KERNEL_H

#include <stddef.h>
#include <stdint.h>

enum {
    MX_CONV16_PANEL = 16,  /* outputs of a panel of weights */
    MX_CONV16_MOST = 32767 /* the largest output */
};

/* y[to[p] + o] = sum[p][o] * scale[o] + shift[o], rounded and clamped to
 * 0..MX_CONV16_MOST (ReLU), for p < pixels, o < outputs. The sum is over t < runs and i <
 * 2 * pairs of x[from[p] + run[t] + i] times the weight of t and i; in 32 bits, which the
 * weights must be small enough for. Weights lie in panels of the 16 outputs from o on,
 * one behind the other; within a panel as [run][pair][output][2]. */
typedef struct mx_conv16_layer {
    int pixels, outputs; /* outputs: a multiple of MX_CONV16_PANEL */
    int runs, pairs;
    const int16_t *x;
    const int32_t *from, *run;
    const int16_t *w;
    const float *scale, *shift;
    int16_t *y;
    float *values;
    const int32_t *to;
} mx_conv16_layer;

typedef struct mx_conv16_kernels {
    void (*layer)(const mx_conv16_layer *layer);
    /* y[i] = x[i] * factor + summand, rounded and clamped to -32767..32767 */
    void (*shrink)(int n, const float *x, float factor, float summand, int16_t *y);
} mx_conv16_kernels;

void mx_conv16_kernels_init(mx_conv16_kernels *table, uint32_t cpu);

/* The parts of mx_conv16_kernels_init(), one per instruction set. */
void mx_conv16_kernels_avx2(mx_conv16_kernels *table);
void mx_conv16_kernels_avx512(mx_conv16_kernels *table);

#endif
