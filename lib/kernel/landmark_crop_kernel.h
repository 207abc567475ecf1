/* SPDX-License-Identifier: MIT */
/* Inner loops of cutting a face out of a picture. Class of every slot: E. */
#ifndef MX_KERNEL_LANDMARK_CROP_KERNEL_H
#define MX_KERNEL_LANDMARK_CROP_KERNEL_H

#include <stddef.h>
#include <stdint.h>

/* A line of samples across a picture of floats: (x, y) is the first, each of the others
 * (dx, dy) after the one before; x, y >= 0. All have the pixels around them. */
typedef struct mx_landmark_crop_line {
    const float *pixels;
    int32_t stride;
    float x, y, dx, dy;
} mx_landmark_crop_line;

typedef struct mx_landmark_crop_kernels {
    /* out[i] = row[i] */
    void (*widen)(int n, const uint8_t *row, float *out);
    /* sum[i] += row[i] */
    void (*add_row)(int n, const uint8_t *row, uint32_t *sum);
    /* out[i] = scale * (sum[i * factor] + ... + sum[i * factor + factor - 1]), the sum
     * below 2^31 */
    void (*fold)(int n, int factor, const uint32_t *sum, float scale, float *out);
    /* out[i] = w[0] * x[i] + the sum over k = 1..radius, in this order, of
     * w[k] * (x[i - k * step] + x[i + k * step]), radius 1..6: rows with step 1, columns
     * with the distance of rows. */
    void (*smooth)(
        int n, int radius, const float *w, ptrdiff_t step, const float *x, float *out);
    /* out[i] = bilinear sample i */
    void (*line)(int n, const mx_landmark_crop_line *line, float *out);
} mx_landmark_crop_kernels;

void mx_landmark_crop_kernels_init(mx_landmark_crop_kernels *table, uint32_t cpu);

/* The parts of mx_landmark_crop_kernels_init(), one per instruction set. */
void mx_landmark_crop_kernels_avx2(mx_landmark_crop_kernels *table);
void mx_landmark_crop_kernels_avx512(mx_landmark_crop_kernels *table);

#endif
