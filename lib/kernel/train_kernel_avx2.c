/* SPDX-License-Identifier: MIT */
#define MX_VECTOR_BYTES 32
#define FILL mx_train_kernels_fill_avx2
#include "kernel/train_kernel.inc"
