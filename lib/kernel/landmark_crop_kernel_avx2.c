/* SPDX-License-Identifier: MIT */
#include "kernel/landmark_crop_kernel.h"

#define MX_ISA(name) mx_landmark_crop_##name##_avx2
#include "kernel/landmark_crop_kernel.inc"

void mx_landmark_crop_kernels_avx2(mx_landmark_crop_kernels *table)
{
    mx_landmark_crop_fill_avx2(table);
}
