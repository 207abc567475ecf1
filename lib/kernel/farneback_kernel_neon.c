/* SPDX-License-Identifier: MIT */
#include "kernel/farneback_kernel.h"

#define MX_ISA(name) mx_farneback_##name##_neon
#include "kernel/farneback_kernel_simple.inc"

void mx_farneback_kernels_neon(mx_farneback_kernels *table)
{
    mx_farneback_simple_neon(table);
}
