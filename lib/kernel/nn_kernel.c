/* SPDX-License-Identifier: MIT */
#include "kernel/nn_kernel.h"

#include "config.h"
#include "microexpr/base.h"

/* There is no NEON version: it is part of the base architecture, and gcc makes NEON code
 * of the plain one. */
void mx_nn_kernels_init(mx_nn_kernels *table, uint32_t cpu)
{
    mx_nn_kernels_fill_c(table);
#if defined(__x86_64__) && MX_SIMD
    if (cpu & MEXPR_CPU_AVX2)
        mx_nn_kernels_fill_avx2(table);
    if (cpu & MEXPR_CPU_AVX512)
        mx_nn_kernels_fill_avx512(table);
#else
    (void)cpu;
#endif
}
