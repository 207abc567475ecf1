/* SPDX-License-Identifier: MIT */
#include "kernel/farneback_kernel.h"

#include "config.h"
#include "kernel/vf_c.h"
#include "microexpr/base.h"

#define MX_ISA(name) mx_farneback_##name##_c
#include "kernel/farneback_kernel_simple.inc"
#include "kernel/farneback_kernel_vector.inc"

void mx_farneback_kernels_init(mx_farneback_kernels *table, uint32_t cpu)
{
    mx_farneback_simple_c(table);
    mx_farneback_vectors_c(table);
#if MX_SIMD && defined(__x86_64__)
    if (cpu & MEXPR_CPU_AVX2)
        mx_farneback_kernels_avx2(table);
    if (cpu & MEXPR_CPU_AVX512)
        mx_farneback_kernels_avx512(table);
#elif MX_SIMD && defined(__aarch64__)
    if (cpu & MEXPR_CPU_NEON)
        mx_farneback_kernels_neon(table);
#endif
    (void)cpu;
}
