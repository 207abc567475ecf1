/* SPDX-License-Identifier: MIT */
#include "image/polygon.h"

#include <math.h>

mexpr_status mx_check_not_negative(
    mx_scope *scope, const char *name, double value, double high)
{
    if (!(value >= 0 && value <= high))
        return mx_fail(
            scope, MEXPR_E_RANGE, "%s is %g; it must be 0 to %g px", name, value, high);
    return MEXPR_OK;
}

mexpr_status mx_check_landmarks(mx_scope *scope, const float *landmarks)
{
    if (!landmarks)
        return mx_fail(scope, MEXPR_E_ARG, "landmarks is NULL");
    for (int i = 0; i < 2 * MEXPR_LANDMARKS_68; i++) {
        if (!isfinite(landmarks[i]))
            return mx_fail(
                scope, MEXPR_E_ARG, "landmark %d is not a finite point", i / 2);
    }
    return MEXPR_OK;
}

static mexpr_status check_corners(mx_scope *scope, const mexpr_polygons *p)
{
    size_t first = 0;
    for (int32_t i = 0; i < p->n_polygons; i++) {
        if (p->corners[i] < 3)
            return mx_fail(scope, MEXPR_E_ARG,
                "polygon %d has %d corners; it needs at least 3", (int)i,
                (int)p->corners[i]);
        const size_t end = first + (size_t)p->corners[i];
        for (size_t k = 2 * first; k < 2 * end; k++) {
            if (!isfinite(p->xy[k]))
                return mx_fail(scope, MEXPR_E_ARG,
                    "corner %zu of polygon %d is not a finite point", k / 2 - first,
                    (int)i);
        }
        first = end;
    }
    return MEXPR_OK;
}

mexpr_status mx_polygons_check(
    mx_scope *scope, const mexpr_polygons *polygons, mexpr_polygons *known)
{
    if (!polygons)
        return mx_fail(scope, MEXPR_E_ARG, "polygons is NULL");
    *known = (mexpr_polygons)MEXPR_POLYGONS_INIT;
    mexpr_status status =
        mx_options_copy(scope, polygons, sizeof *known, known, sizeof *known);
    if (status != MEXPR_OK)
        return status;
    if (!known->xy || !known->corners || known->n_polygons < 1)
        return mx_fail(scope, MEXPR_E_ARG,
            "polygons needs xy, corners and at least one polygon; it has %d",
            (int)known->n_polygons);
    return check_corners(scope, known);
}

/* A coordinate as a whole number of the picture, without overflow. */
static int32_t clamp_to(double value, int32_t high)
{
    return value <= 0 ? 0 : value >= high ? high : (int32_t)value;
}

mx_polygon mx_polygon_next(const mexpr_polygons *polygons, int32_t index, size_t *first,
    double margin, int32_t width, int32_t height)
{
    mx_polygon p = {
        polygons->xy + 2 * *first, polygons->corners[index], margin, 0, 0, 0, 0};
    *first += (size_t)p.n;
    double low[2] = {p.xy[0], p.xy[1]}, high[2] = {p.xy[0], p.xy[1]};
    for (int32_t i = 1; i < p.n; i++) {
        for (int axis = 0; axis < 2; axis++) {
            low[axis] = fmin(low[axis], p.xy[2 * i + axis]);
            high[axis] = fmax(high[axis], p.xy[2 * i + axis]);
        }
    }
    p.x0 = clamp_to(ceil(low[0] - margin), width);
    p.y0 = clamp_to(ceil(low[1] - margin), height);
    p.x1 = clamp_to(floor(high[0] + margin) + 1, width);
    p.y1 = clamp_to(floor(high[1] + margin) + 1, height);
    return p;
}

/* Squared distance of (x, y) from the edge a-b. */
static double edge_distance2(const float *a, const float *b, double x, double y)
{
    const double ex = (double)b[0] - a[0], ey = (double)b[1] - a[1];
    const double length2 = ex * ex + ey * ey;
    double t = 0;
    if (length2 > 0)
        t = fmin(fmax(((x - a[0]) * ex + (y - a[1]) * ey) / length2, 0), 1);
    const double dx = x - (a[0] + t * ex), dy = y - (a[1] + t * ey);
    return dx * dx + dy * dy;
}

/* Even-odd rule with edges that own their upper end only (y0 <= y < y1): of two polygons
 * with a common edge one has the pixel on it. Computed from the upper end to the lower,
 * so that both see the same crossing. */
bool mx_polygon_has(const mx_polygon *polygon, int32_t x, int32_t y)
{
    bool inside = false;
    for (int32_t i = 0, j = polygon->n - 1; i < polygon->n; j = i++) {
        const float *a = polygon->xy + 2 * j, *b = polygon->xy + 2 * i;
        if (polygon->margin > 0 &&
            edge_distance2(a, b, x, y) <= polygon->margin * polygon->margin)
            return true;
        if ((a[1] <= y) == (b[1] <= y))
            continue;
        const float *top = a[1] <= y ? a : b, *bottom = a[1] <= y ? b : a;
        const double t = ((double)y - top[1]) / ((double)bottom[1] - top[1]);
        if (x < top[0] + t * ((double)bottom[0] - top[0]))
            inside = !inside;
    }
    return inside;
}
