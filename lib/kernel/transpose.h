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

static inline mx_quad mx_quad_load(const float *x)
{
    mx_quad v;
    memcpy(&v, x, sizeof v);
    return v;
}

static inline void mx_quad_store(float *y, mx_quad v)
{
    memcpy(y, &v, sizeof v);
}

/* y[c][r] = x[r][c] for 4 x 4 elements. Without loops: arrays of vectors stay in memory
 * where compilers do not unroll. */
static inline void mx_transpose_quad(const float *x, size_t x_row, float *y, size_t y_row)
{
    const mx_quad a = mx_quad_load(x), b = mx_quad_load(x + x_row);
    const mx_quad c = mx_quad_load(x + 2 * x_row), d = mx_quad_load(x + 3 * x_row);
    const mx_quad ac0 = MX_PICK(a, c, 0, 4, 1, 5), ac1 = MX_PICK(a, c, 2, 6, 3, 7);
    const mx_quad bd0 = MX_PICK(b, d, 0, 4, 1, 5), bd1 = MX_PICK(b, d, 2, 6, 3, 7);
    mx_quad_store(y, MX_PICK(ac0, bd0, 0, 4, 1, 5));
    mx_quad_store(y + y_row, MX_PICK(ac0, bd0, 2, 6, 3, 7));
    mx_quad_store(y + 2 * y_row, MX_PICK(ac1, bd1, 0, 4, 1, 5));
    mx_quad_store(y + 3 * y_row, MX_PICK(ac1, bd1, 2, 6, 3, 7));
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
