/* SPDX-License-Identifier: MIT */
#include "kernel/train_kernel.h"

#include "config.h"
#include "microexpr/base.h"

/* There is no NEON version: gcc makes NEON code of the plain one. */
void mx_train_kernels_init(mx_train_kernels *table, uint32_t cpu)
{
    mx_train_kernels_fill_c(table);
#if defined(__x86_64__) && MX_SIMD
    if (cpu & MEXPR_CPU_AVX2)
        mx_train_kernels_fill_avx2(table);
    if (cpu & MEXPR_CPU_AVX512)
        mx_train_kernels_fill_avx512(table);
#else
    (void)cpu;
#endif
}
