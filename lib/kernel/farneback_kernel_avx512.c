/* SPDX-License-Identifier: MIT */
#include "kernel/farneback_kernel.h"
#include "kernel/vf_avx512.h"

#define MX_ISA(name) mx_farneback_##name##_avx512
#include "kernel/farneback_kernel_simple.inc"
#include "kernel/farneback_kernel_vector.inc"

void mx_farneback_kernels_avx512(mx_farneback_kernels *table)
{
    mx_farneback_simple_avx512(table);
    mx_farneback_vectors_avx512(table);
}
