/* SPDX-License-Identifier: MIT */
#include "kernel/dualtvl1_kernel.h"
#include <string.h>

#include "kernel/vf_avx512.h"

#define MX_ISA(name) mx_dualtvl1_##name##_avx512
#include "kernel/dualtvl1_kernel_simple.inc"
#include "kernel/dualtvl1_kernel_vector.inc"

void mx_dualtvl1_kernels_avx512(mx_dualtvl1_kernels *table)
{
    mx_dualtvl1_simple_avx512(table);
    table->warp = mx_dualtvl1_warp_avx512;
    table->median5 = mx_dualtvl1_rolling_median5_avx512;
}
