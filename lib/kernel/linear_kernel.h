/* SPDX-License-Identifier: MIT */
/* Inner loops of bilinear scaling. Class of every slot: E. */
#ifndef MX_KERNEL_LINEAR_KERNEL_H
#define MX_KERNEL_LINEAR_KERNEL_H

#include <stddef.h>
#include <stdint.h>

typedef struct mx_linear_kernels {
    /* out = (1 - t) a + t b; out may be a or b. */
    void (*column)(float *out, const float *a, const float *b, float t, int n);
    /* out[i] = factor × ((1 - t[i]) in[first[i]] + t[i] in[first[i] + 1]) */
    void (*row)(float *out, const float *in, const int32_t *first, const float *t,
        float factor, int n);
} mx_linear_kernels;

void mx_linear_kernels_init(mx_linear_kernels *table, uint32_t cpu);

/* The parts of mx_linear_kernels_init(), one per instruction set. */
void mx_linear_kernels_avx2(mx_linear_kernels *table);
void mx_linear_kernels_avx512(mx_linear_kernels *table);

#endif
