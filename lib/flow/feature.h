/* SPDX-License-Identifier: MIT */
/* What the features share: unknown displacements, polar coordinates, polygons, option
 * and output checks. */
#ifndef MX_FLOW_FEATURE_H
#define MX_FLOW_FEATURE_H

#include <math.h>
#include <stdbool.h>

#include "flow/field.h"

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

/* MEXPR_E_RANGE unless `margin` or `min_magnitude` is a number from 0 to `high`. */
mexpr_status mx_check_not_negative(
    mx_scope *scope, const char *name, double value, double high);

/* MEXPR_E_ARG unless there are 68 finite landmarks. */
mexpr_status mx_check_landmarks(mx_scope *scope, const float *landmarks);

/* --- polygons (polygon.c) -------------------------------------------------------- */

/* One polygon, its margin, and the pixels of a picture it can touch. */
typedef struct mx_polygon {
    const float *xy;
    int32_t n;
    double margin;
    int32_t x0, y0, x1, y1; /* x0 <= x < x1, y0 <= y < y1; empty when outside */
} mx_polygon;

/* Copies the caller's struct and checks it and every corner. */
mexpr_status mx_polygons_check(
    mx_scope *scope, const mexpr_polygons *polygons, mexpr_polygons *known);

/* Polygon `index` of checked ones, in a picture of width × height. The first corner of
 * polygon 0 is corner 0; `first` is advanced to the next polygon. */
mx_polygon mx_polygon_next(const mexpr_polygons *polygons, int32_t index, size_t *first,
    double margin, int32_t width, int32_t height);

/* Whether the centre of pixel (x, y) is inside, or at most the margin away. */
bool mx_polygon_has(const mx_polygon *polygon, int32_t x, int32_t y);

#endif
