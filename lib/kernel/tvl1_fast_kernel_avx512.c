/* SPDX-License-Identifier: MIT */
#include "kernel/tvl1_fast_kernel.h"
#include "kernel/vf_avx512.h"

#define MX_ISA(name) mx_fast_##name##_avx512
#include "kernel/tvl1_fast_kernel.inc"

void mx_fast_kernels_avx512(mx_fast_kernels *table)
{
    mx_fast_fill_avx512(table);
}
