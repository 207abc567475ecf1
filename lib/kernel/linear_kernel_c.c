/* SPDX-License-Identifier: MIT */
#include "kernel/linear_kernel.h"

#include "config.h"
#include "microexpr/base.h"

#define MX_ISA(name) mx_linear_##name##_c
#include "kernel/linear_kernel.inc"

void mx_linear_kernels_init(mx_linear_kernels *table, uint32_t cpu)
{
    mx_linear_fill_c(table);
#if MX_SIMD && defined(__x86_64__)
    if (cpu & MEXPR_CPU_AVX2)
        mx_linear_kernels_avx2(table);
    if (cpu & MEXPR_CPU_AVX512)
        mx_linear_kernels_avx512(table);
#endif
    (void)cpu;
}
