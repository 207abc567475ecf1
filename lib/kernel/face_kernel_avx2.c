/* SPDX-License-Identifier: MIT */
#include "kernel/face_kernel.h"

#define MX_ISA(name) mx_face_##name##_avx2
#include "kernel/face_kernel.inc"

void mx_face_kernels_avx2(mx_face_kernels *table)
{
    mx_face_fill_avx2(table);
}
