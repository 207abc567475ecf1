/* SPDX-License-Identifier: MIT */
#include "kernel/tvl1_fast_kernel.h"

#include "config.h"
#include "kernel/vf_c.h"
#include "microexpr/base.h"

#define MX_ISA(name) mx_fast_##name##_c
#include "kernel/tvl1_fast_kernel.inc"

void mx_fast_kernels_init(mx_fast_kernels *table, uint32_t cpu)
{
    mx_fast_fill_c(table);
#if MX_SIMD && defined(__x86_64__)
    if (cpu & MEXPR_CPU_AVX2)
        mx_fast_kernels_avx2(table);
    if (cpu & MEXPR_CPU_AVX512)
        mx_fast_kernels_avx512(table);
#endif
    (void)cpu;
}
