/* SPDX-License-Identifier: MIT */
/* Polygons in a picture: which pixels they hold. And checks of what comes with them. */
#ifndef MX_IMAGE_POLYGON_H
#define MX_IMAGE_POLYGON_H

#include "base/scope.h"
#include "microexpr/image.h"

/* MEXPR_E_RANGE unless `margin` or `min_magnitude` is a number from 0 to `high`. */
mexpr_status mx_check_not_negative(
    mx_scope *scope, const char *name, double value, double high);

/* MEXPR_E_ARG unless there are 68 finite landmarks. */
mexpr_status mx_check_landmarks(mx_scope *scope, const float *landmarks);

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

/* The same, and the margin around them in px. */
mexpr_status mx_polygons_check_margin(mx_scope *scope, const mexpr_polygons *polygons,
    double margin, mexpr_polygons *known);

/* Polygon `index` of checked ones, in a picture of width × height. The first corner of
 * polygon 0 is corner 0; `first` is advanced to the next polygon. */
mx_polygon mx_polygon_next(const mexpr_polygons *polygons, int32_t index, size_t *first,
    double margin, int32_t width, int32_t height);

/* Whether the centre of pixel (x, y) is inside, or at most the margin away. */
bool mx_polygon_has(const mx_polygon *polygon, int32_t x, int32_t y);

#endif
