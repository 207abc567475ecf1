/* SPDX-License-Identifier: MIT */
/* What the features share: unknown displacements and polar coordinates. */
#ifndef MX_FLOW_FEATURE_H
#define MX_FLOW_FEATURE_H

#include <math.h>
#include <stdbool.h>

#include "flow/field.h"
#include "image/polygon.h"

#define MX_PI 3.14159265358979323846
#define MX_MAX_BINS 64

static inline double mx_vector_magnitude(float u, float v)
{
    return sqrt((double)u * u + (double)v * v);
}

/* In [-π, π): one number for one direction. 0 for the zero vector, whatever its signs. */
static inline double mx_vector_angle(float u, float v)
{
    if (u == 0 && v == 0)
        return 0;
    const double angle = atan2(v, u);
    return angle >= MX_PI ? -MX_PI : angle;
}

/* The bin of `angle` when n bins divide the `range` that begins at `start`. Rounding may
 * carry an angle just below the end to n: that is the last bin. */
static inline int mx_angle_bin(double angle, double start, double range, int n)
{
    const int bin = (int)((angle - start) / range * n);
    return bin < n ? bin : n - 1;
}

#endif
