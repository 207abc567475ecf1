/* SPDX-License-Identifier: MIT */
#define MX_VECTOR_BYTES 16
#define FILL mx_train_kernels_fill_c
#include "kernel/train_kernel.inc"
