/* SPDX-License-Identifier: MIT */
/* Recursive band-pass filters, as sections of second order. */
#ifndef MX_SPOT_BAND_H
#define MX_SPOT_BAND_H

#include "microexpr/spot.h"

enum { MX_MAX_SECTIONS = 2 };

/* y[n] = b (x[n] - x[n-2]) - a1 y[n-1] - a2 y[n-2]. */
typedef struct mx_section {
    double b;
    double a1;
    double a2;
} mx_section;

/* Fills the sections and returns how many there are. 0 < low < high < fps / 2. */
int mx_band_design(
    mexpr_band band, double low, double high, double fps, mx_section *sections);

#endif
