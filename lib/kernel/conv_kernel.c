/* SPDX-License-Identifier: MIT */
#include "kernel/conv_kernel.h"

#include "config.h"
#include "microexpr/base.h"

void mx_conv_kernels_init(mx_conv_kernels *table, uint32_t cpu)
{
    mx_conv_kernels_fill_c(table);
#if defined(__x86_64__) && MX_SIMD
    if (cpu & MEXPR_CPU_AVX2)
        mx_conv_kernels_fill_avx2(table);
    if (cpu & MEXPR_CPU_AVX512)
        mx_conv_kernels_fill_avx512(table);
#elif defined(__aarch64__) && MX_SIMD
    if (cpu & MEXPR_CPU_NEON)
        mx_conv_kernels_fill_neon(table);
#endif
}
