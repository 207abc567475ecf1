/* SPDX-License-Identifier: MIT */
#include "kernel/farneback_kernel.h"
#include "kernel/vf_avx2.h"

#define MX_ISA(name) mx_farneback_##name##_avx2
#include "kernel/farneback_kernel_simple.inc"
#include "kernel/farneback_kernel_vector.inc"

void mx_farneback_kernels_avx2(mx_farneback_kernels *table)
{
    mx_farneback_simple_avx2(table);
    mx_farneback_vectors_avx2(table);
}
