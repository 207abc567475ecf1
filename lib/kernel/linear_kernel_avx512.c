/* SPDX-License-Identifier: MIT */
#include "kernel/linear_kernel.h"

#define MX_ISA(name) mx_linear_##name##_avx512
#include "kernel/linear_kernel.inc"

void mx_linear_kernels_avx512(mx_linear_kernels *table)
{
    mx_linear_fill_avx512(table);
}
