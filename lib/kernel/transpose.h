/* SPDX-License-Identifier: MIT */
/* Transposition of float32 matrices. Blocks of 4 x 4 in registers of 16 bytes: wider ones
 * were not faster, so one version serves every instruction set. */
#ifndef MX_KERNEL_TRANSPOSE_H
#define MX_KERNEL_TRANSPOSE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef float mx_quad __attribute__((vector_size(16)));
#ifdef __clang__
#define MX_PICK(a, b, i, j, k, l) __builtin_shufflevector(a, b, i, j, k, l)
#else
typedef int32_t mx_quad_index __attribute__((vector_size(16)));
#define MX_PICK(a, b, i, j, k, l) __builtin_shuffle(a, b, (mx_quad_index){i, j, k, l})
#endif

/* y[c][r] = x[r][c] for 4 x 4 elements. */
static inline void mx_transpose_quad(const float *x, size_t x_row, float *y, size_t y_row)
{
    mx_quad row[4], half[4];
    for (int r = 0; r < 4; r++)
        memcpy(&row[r], x + (size_t)r * x_row, sizeof row[r]);
    for (int r = 0; r < 2; r++) {
        half[2 * r] = MX_PICK(row[r], row[r + 2], 0, 4, 1, 5);
        half[2 * r + 1] = MX_PICK(row[r], row[r + 2], 2, 6, 3, 7);
    }
    for (int r = 0; r < 2; r++) {
        row[2 * r] = MX_PICK(half[r], half[r + 2], 0, 4, 1, 5);
        row[2 * r + 1] = MX_PICK(half[r], half[r + 2], 2, 6, 3, 7);
    }
    for (int r = 0; r < 4; r++)
        memcpy(y + (size_t)r * y_row, &row[r], sizeof row[r]);
}

/* y[c * y_row + r] = x[r * x_row + c] for r < rows, c < cols. In squares of 16, so that a
 * cache line of either side is used whole while it is near. */
static inline void mx_transpose(
    size_t rows, size_t cols, const float *x, size_t x_row, float *y, size_t y_row)
{
    enum { SIDE = 16 };
    const size_t rows4 = rows / 4 * 4, cols4 = cols / 4 * 4;
    for (size_t r0 = 0; r0 < rows4; r0 += SIDE)
        for (size_t c0 = 0; c0 < cols4; c0 += SIDE)
            for (size_t c = c0; c < cols4 && c < c0 + SIDE; c += 4)
                for (size_t r = r0; r < rows4 && r < r0 + SIDE; r += 4)
                    mx_transpose_quad(x + r * x_row + c, x_row, y + c * y_row + r, y_row);
    for (size_t c = 0; c < cols; c++)
        for (size_t r = c < cols4 ? rows4 : 0; r < rows; r++)
            y[c * y_row + r] = x[r * x_row + c];
}

#endif
