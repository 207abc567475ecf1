/* SPDX-License-Identifier: MIT */
#include "image/samples.h"

#include <math.h>

int mx_samples_per_pixel(mexpr_format format)
{
    switch (format) {
    case MEXPR_FORMAT_RGB8:
    case MEXPR_FORMAT_BGR8:
        return 3;
    case MEXPR_FORMAT_RGBA8:
        return 4;
    default:
        return 1;
    }
}

static void add_u8(const uint8_t *row, size_t n, double weight, double *restrict out)
{
    for (size_t i = 0; i < n; i++)
        out[i] += weight * row[i];
}

static void add_u16(const uint16_t *row, size_t n, double weight, double *restrict out)
{
    for (size_t i = 0; i < n; i++)
        out[i] += weight * row[i];
}

static void add_f32(const float *row, size_t n, double weight, double *restrict out)
{
    for (size_t i = 0; i < n; i++)
        out[i] += weight * (double)row[i];
}

void mx_samples_add(
    mexpr_format format, const void *row, size_t n, double weight, double *out)
{
    if (format == MEXPR_FORMAT_GREYF32)
        add_f32(row, n, weight, out);
    else if (format == MEXPR_FORMAT_GREY16)
        add_u16(row, n, weight, out);
    else
        add_u8(row, n, weight, out);
}

static double clamped(double value, double top)
{
    const double rounded = floor(value + 0.5);
    return rounded > 0 ? (rounded < top ? rounded : top) : 0;
}

void mx_samples_store(mexpr_format format, const double *samples, size_t n, void *row)
{
    if (format == MEXPR_FORMAT_GREYF32) {
        for (size_t i = 0; i < n; i++)
            ((float *)row)[i] = (float)samples[i];
    } else if (format == MEXPR_FORMAT_GREY16) {
        for (size_t i = 0; i < n; i++)
            ((uint16_t *)row)[i] = (uint16_t)clamped(samples[i], 65535);
    } else {
        for (size_t i = 0; i < n; i++)
            ((uint8_t *)row)[i] = (uint8_t)clamped(samples[i], 255);
    }
}
