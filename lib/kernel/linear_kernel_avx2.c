/* SPDX-License-Identifier: MIT */
#include "kernel/linear_kernel.h"

#define MX_ISA(name) mx_linear_##name##_avx2
#include "kernel/linear_kernel.inc"

void mx_linear_kernels_avx2(mx_linear_kernels *table)
{
    mx_linear_fill_avx2(table);
}
