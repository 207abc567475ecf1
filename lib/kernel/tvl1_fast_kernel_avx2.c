/* SPDX-License-Identifier: MIT */
#include "kernel/tvl1_fast_kernel.h"
#include "kernel/vf_avx2.h"

#define MX_ISA(name) mx_fast_##name##_avx2
#include "kernel/tvl1_fast_kernel.inc"

void mx_fast_kernels_avx2(mx_fast_kernels *table)
{
    mx_fast_fill_avx2(table);
}
