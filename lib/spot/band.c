/* SPDX-License-Identifier: MIT */
/* Analogue band-passes by the bilinear transform, s = (1 - 1/z) / (1 + 1/z), with both
 * ends of the band at their exact frequencies (w = tan(pi f / fps)). */
#include "spot/band.h"

#include <math.h>

#define PI 3.14159265358979323846

/* numerator s / (s^2 + damping s + square). */
static mx_section transform(double numerator, double damping, double square)
{
    const double scale = 1 + damping + square;
    return (mx_section){
        numerator / scale, 2 * (square - 1) / scale, (1 - damping + square) / scale};
}

/* The Butterworth low-pass of second order has the poles p = (-1 ± i)/sqrt(2); the
 * band-pass made of it has those of s^2 - p width s + square = 0: s = q ± sqrt(q^2 -
 * square) with q = p width / 2. One p gives one pole of each section, the other p their
 * conjugates. */
static void second_order(double width, double square, mx_section *sections)
{
    const double q_re = -width / (2 * sqrt(2)), q_im = -q_re;
    const double d_re = q_re * q_re - q_im * q_im - square, d_im = 2 * q_re * q_im;
    const double size = hypot(d_re, d_im);
    const double root_re = sqrt((size + d_re) / 2);
    const double root_im = (d_im < 0 ? -1 : 1) * sqrt((size - d_re) / 2);
    for (int i = 0; i < 2; i++) {
        const double sign = i == 0 ? 1 : -1;
        const double re = q_re + sign * root_re, im = q_im + sign * root_im;
        sections[i] = transform(width, -2 * re, re * re + im * im);
    }
}

int mx_band_design(
    mexpr_band band, double low, double high, double fps, mx_section *sections)
{
    const double l = tan(PI * low / fps), h = tan(PI * high / fps);
    if (band == MEXPR_BAND_SECOND) {
        second_order(h - l, l * h, sections);
        return 2;
    }
    /* h/(s + h) - l/(s + l) has the same numerator and centre, with more damping. */
    sections[0] = transform(h - l, band == MEXPR_BAND_DIFFERENCE ? h + l : h - l, l * h);
    return 1;
}
