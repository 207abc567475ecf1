/* SPDX-License-Identifier: MIT */
#include <arm_neon.h>

typedef float32x4_t vector;

/* a where it is greater, else b: NaN where b is. */
static inline float32x4_t larger(float32x4_t a, float32x4_t b)
{
    return vbslq_f32(vcgtq_f32(a, b), a, b);
}

/* The same for less. */
static inline float32x4_t smaller(float32x4_t a, float32x4_t b)
{
    return vbslq_f32(vcltq_f32(a, b), a, b);
}

#define FILL mx_conv_kernels_fill_neon
#define VECTORS 16
#define WIDTH 4
#define ZERO() vdupq_n_f32(0)
#define LOAD(p) vld1q_f32(p)
#define STORE(p, v) vst1q_f32(p, v)
#define SPREAD(x) vdupq_n_f32(x)
#define MULTIPLY_ADD(sum, a, b) vfmaq_f32(sum, a, b)
#define TILE_ROWS 6
#define TILE_VECTORS 4
#define MAX(a, b) larger(a, b)
#define MIN(a, b) smaller(a, b)
#include "kernel/conv_kernel.inc"
