/* SPDX-License-Identifier: MIT */
#include "kernel/landmark_crop_kernel.h"

#include "config.h"
#include "microexpr/base.h"

#define MX_ISA(name) mx_landmark_crop_##name##_c
#include "kernel/landmark_crop_kernel.inc"

void mx_landmark_crop_kernels_init(mx_landmark_crop_kernels *table, uint32_t cpu)
{
    mx_landmark_crop_fill_c(table);
#if MX_SIMD && defined(__x86_64__)
    if (cpu & MEXPR_CPU_AVX2)
        mx_landmark_crop_kernels_avx2(table);
    if (cpu & MEXPR_CPU_AVX512)
        mx_landmark_crop_kernels_avx512(table);
#endif
    (void)cpu;
}
