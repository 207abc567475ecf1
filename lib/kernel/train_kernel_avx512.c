/* SPDX-License-Identifier: MIT */
#define MX_VECTOR_BYTES 64
#define FILL mx_train_kernels_fill_avx512
#include "kernel/train_kernel.inc"
