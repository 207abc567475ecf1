/* SPDX-License-Identifier: MIT */
#define MX_VECTOR_BYTES 16
#define MX_NN_FILL mx_nn_kernels_fill_c
#include "kernel/nn_kernel.inc"
