/* SPDX-License-Identifier: MIT */
#include "spot/spot_pyramid.h"

#include <stddef.h>

/* Index i of n with its ends mirrored: … 2 1 0 1 2 …. Good for any n. */
static int32_t mirror(int32_t i, int32_t n)
{
    if (n == 1)
        return 0;
    const int32_t period = 2 * (n - 1);
    i %= period;
    if (i < 0)
        i += period;
    return i < n ? i : period - i;
}

static float five(float a, float b, float c, float d, float e)
{
    return ((a + e) + 4 * (b + d) + 6 * c) / 16;
}

/* Every second value of a smoothed row. */
static void reduce_row(const float *row, int32_t width, float *out)
{
    for (int32_t x = 0; x < width; x += 2) {
        if (x >= 2 && x + 2 < width)
            out[x / 2] = five(row[x - 2], row[x - 1], row[x], row[x + 1], row[x + 2]);
        else
            out[x / 2] = five(row[mirror(x - 2, width)], row[mirror(x - 1, width)],
                row[x], row[mirror(x + 1, width)], row[mirror(x + 2, width)]);
    }
}

void mx_spot_reduce(
    const float *in, int32_t width, int32_t height, float *line, float *out)
{
    for (int32_t y = 0; y < height; y += 2) {
        const float *rows[5];
        for (int k = 0; k < 5; k++)
            rows[k] = in + (size_t)mirror(y - 2 + k, height) * (size_t)width;
        for (int32_t x = 0; x < width; x++)
            line[x] = five(rows[0][x], rows[1][x], rows[2][x], rows[3][x], rows[4][x]);
        reduce_row(line, width, out + (size_t)(y / 2) * (size_t)mx_half(width));
    }
}

/* The smoothing filter over values with zeros between them, times two: even places get
 * (1 6 1) / 8 of three of them, odd ones the mean of two. The mirror image of a place in
 * the fine row is that of the same parity, so coarse indices are mirrored through it. */
static int32_t coarse(int32_t fine, int32_t size)
{
    return mirror(fine, size) / 2;
}

static float expand_at(const float *row, int32_t x, int32_t width)
{
    if (x % 2 != 0)
        return (row[x / 2] + row[coarse(x + 1, width)]) / 2;
    return (row[coarse(x - 2, width)] + 6 * row[x / 2] + row[coarse(x + 2, width)]) / 8;
}

static void expand_row_add(
    const float *row, int32_t width, float sign, float *restrict out)
{
    const int32_t inner = (width - 1) / 2; /* coarse places with two neighbours: 1.. */
    for (int32_t x = 0; x < width && x < 2; x++)
        out[x] += sign * expand_at(row, x, width);
    for (int32_t i = 1; i < inner; i++) {
        out[2 * i] += sign * ((row[i - 1] + 6 * row[i] + row[i + 1]) / 8);
        out[2 * i + 1] += sign * ((row[i] + row[i + 1]) / 2);
    }
    for (int32_t x = inner > 1 ? 2 * inner : 2; x < width; x++)
        out[x] += sign * expand_at(row, x, width);
}

void mx_spot_expand_add(
    const float *in, int32_t width, int32_t height, float sign, float *line, float *out)
{
    const int32_t half = mx_half(width);
    for (int32_t y = 0; y < height; y++) {
        const float *middle = in + (size_t)(y / 2) * (size_t)half;
        const float *below = in + (size_t)coarse(y + 1, height) * (size_t)half;
        if (y % 2 == 0) {
            const float *above = in + (size_t)coarse(y - 2, height) * (size_t)half;
            below = in + (size_t)coarse(y + 2, height) * (size_t)half;
            for (int32_t x = 0; x < half; x++)
                line[x] = (above[x] + 6 * middle[x] + below[x]) / 8;
        } else {
            for (int32_t x = 0; x < half; x++)
                line[x] = (middle[x] + below[x]) / 2;
        }
        expand_row_add(line, width, sign, out + (size_t)y * (size_t)width);
    }
}
