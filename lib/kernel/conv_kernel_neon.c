/* SPDX-License-Identifier: MIT */
#include <arm_neon.h>

typedef float32x4_t vector;

#define FILL mx_conv_kernels_fill_neon
#define VECTORS 16
#define WIDTH 4
#define ZERO() vdupq_n_f32(0)
#define LOAD(p) vld1q_f32(p)
#define STORE(p, v) vst1q_f32(p, v)
#define SPREAD(x) vdupq_n_f32(x)
#define MULTIPLY_ADD(sum, a, b) vfmaq_f32(sum, a, b)
#define DIVIDE(a, b) ((a) / (b))
#include "kernel/conv_kernel.inc"
