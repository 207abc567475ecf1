/* SPDX-License-Identifier: MIT */
#include "kernel/tvl1_kernel.h"
#include <stdint.h>
#include <math.h>

#define MX_ISA(name) mx_tvl1_##name##_neon
#include "kernel/tvl1_simple.inc"

void mx_tvl1_kernels_neon(mx_tvl1_kernels *table)
{
    mx_tvl1_simple_neon(table);
}
