/* SPDX-License-Identifier: MIT */
#define MX_VECTOR_BYTES 64
#define MX_NN_FILL mx_nn_kernels_fill_avx512
#include "kernel/nn_kernel.inc"
