/* SPDX-License-Identifier: MIT */
#include "kernel/dualtvl1_kernel.h"

#include <string.h>

#define MX_ISA(name) mx_dualtvl1_##name##_neon
#include "kernel/dualtvl1_kernel_simple.inc"

void mx_dualtvl1_kernels_neon(mx_dualtvl1_kernels *table)
{
    mx_dualtvl1_simple_neon(table);
}
