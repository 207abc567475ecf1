/* SPDX-License-Identifier: MIT */
#include "kernel/face_kernel.h"

#include "config.h"
#include "microexpr/base.h"

#define MX_ISA(name) mx_face_##name##_c
#include "kernel/face_kernel.inc"

void mx_face_kernels_init(mx_face_kernels *table, uint32_t cpu)
{
    mx_face_fill_c(table);
#if MX_SIMD && defined(__x86_64__)
    if (cpu & MEXPR_CPU_AVX2)
        mx_face_kernels_avx2(table);
#endif
    (void)cpu;
}
