/* SPDX-License-Identifier: MIT */
/* Inner loops of the search for faces. Class of every slot: E. Inputs and outputs do not
 * overlap; n >= 0; nothing outside of the n elements is touched. */
#ifndef MX_KERNEL_FACE_KERNEL_H
#define MX_KERNEL_FACE_KERNEL_H

#include <stddef.h>
#include <stdint.h>

enum { MX_FERN_DEPTH = 7, MX_FERN_LEAVES = 1 << MX_FERN_DEPTH };

typedef struct mx_face_kernels {
    /* out[i] = (a[2i] + a[2i + 1] + b[2i] + b[2i + 1] + 2) >> 2 */
    void (*halve)(uint8_t *out, const uint8_t *a, const uint8_t *b, size_t n);
    /* out[i] = (256 - t) a[i] + t b[i], 0 <= t <= 256 */
    void (*blend)(uint16_t *out, const uint8_t *a, const uint8_t *b, int t, size_t n);
    /* out[i] = ((256 - t[i]) in[first[i]] + t[i] in[first[i] + 1] + 32768) >> 16 */
    void (*pick)(uint8_t *out, const uint16_t *in, const int32_t *first,
        const uint16_t *t, size_t n);
    /* score[i] += leaves[k], bit j of k being pixels[2j][i] < pixels[2j + 1][i]. */
    void (*fern)(int16_t *score, const uint8_t *const pixels[2 * MX_FERN_DEPTH],
        const int8_t leaves[MX_FERN_LEAVES], size_t n);
} mx_face_kernels;

void mx_face_kernels_init(mx_face_kernels *table, uint32_t cpu);

/* The parts of mx_face_kernels_init(), of one instruction set. */
void mx_face_kernels_avx2(mx_face_kernels *table);

#endif
