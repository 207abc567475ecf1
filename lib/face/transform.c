/* SPDX-License-Identifier: MIT */
#include "face/transform.h"

#include <math.h>
#include <string.h>

void mx_transform_join(const double a[6], const double b[6], double out[6])
{
    double m[6];
    for (int row = 0; row < 6; row += 3) {
        m[row] = a[row] * b[0] + a[row + 1] * b[3];
        m[row + 1] = a[row] * b[1] + a[row + 1] * b[4];
        m[row + 2] = a[row] * b[2] + a[row + 1] * b[5] + a[row + 2];
    }
    memcpy(out, m, sizeof m);
}

bool mx_transform_back(const double m[6], double out[6])
{
    const double det = m[0] * m[4] - m[1] * m[3];
    const double size = fabs(m[0]) + fabs(m[1]) + fabs(m[3]) + fabs(m[4]);
    if (!(fabs(det) > 1e-12 * size * size) || !isfinite(det))
        return false;
    const double a = m[4] / det, b = -m[1] / det, c = -m[3] / det, d = m[0] / det;
    const double back[6] = {a, b, -(a * m[2] + b * m[5]), c, d, -(c * m[2] + d * m[5])};
    memcpy(out, back, sizeof back);
    return true;
}

mexpr_head_motion mx_motion_of(const double m[6], double cx, double cy)
{
    return (mexpr_head_motion){m[0] * cx + m[1] * cy + m[2] - cx,
        m[3] * cx + m[4] * cy + m[5] - cy, atan2(m[3], m[0]), hypot(m[0], m[3])};
}

/* --- fitting ----------------------------------------------------------------------- */

/* Weighted sums of the points about their means (x, y) -> (u, v). */
typedef struct sums {
    double weight;
    double x, y, u, v; /* means */
    double xx, xy, yy;
    double xu, yu, xv, yv;
} sums;

static sums sum_points(const float *from, const float *to, const double *weights,
    const uint8_t *where, int n)
{
    sums s = {0};
    for (int i = 0; i < n; i++) {
        const int at = 2 * (where ? where[i] : i);
        const double w = weights ? weights[i] : 1;
        s.weight += w;
        s.x += w * from[at];
        s.y += w * from[at + 1];
        s.u += w * to[at];
        s.v += w * to[at + 1];
    }
    const double scale = s.weight > 0 ? 1 / s.weight : 0;
    s.x *= scale;
    s.y *= scale;
    s.u *= scale;
    s.v *= scale;
    for (int i = 0; i < n; i++) {
        const int at = 2 * (where ? where[i] : i);
        const double w = weights ? weights[i] : 1;
        const double x = from[at] - s.x, y = from[at + 1] - s.y;
        const double u = to[at] - s.u, v = to[at + 1] - s.v;
        s.xx += w * x * x;
        s.xy += w * x * y;
        s.yy += w * y * y;
        s.xu += w * x * u;
        s.yu += w * y * u;
        s.xv += w * x * v;
        s.yv += w * y * v;
    }
    return s;
}

/* The linear part; false where the points do not determine it. */
static bool solve(mexpr_transform_model model, const sums *s, double m[6])
{
    const double spread = s->xx + s->yy;
    const double det = s->xx * s->yy - s->xy * s->xy;
    const double floor_ = 1e-12 * (s->x * s->x + s->y * s->y + 1) * s->weight;
    m[0] = m[4] = 1;
    m[1] = m[3] = 0;
    switch (model) {
    case MEXPR_TRANSFORM_TRANSLATION:
        return s->weight > 0;
    case MEXPR_TRANSFORM_SIMILARITY: /* Umeyama's solution; in the plane it is closed */
        if (!(spread > floor_))
            return false;
        m[0] = m[4] = (s->xu + s->yv) / spread;
        m[3] = (s->xv - s->yu) / spread;
        m[1] = -m[3];
        return m[0] != 0 || m[3] != 0;
    default:
        if (!(spread > floor_ && det > 1e-12 * spread * spread))
            return false;
        m[0] = (s->xu * s->yy - s->yu * s->xy) / det;
        m[1] = (s->yu * s->xx - s->xu * s->xy) / det;
        m[3] = (s->xv * s->yy - s->yv * s->xy) / det;
        m[4] = (s->yv * s->xx - s->xv * s->xy) / det;
        return true;
    }
}

mexpr_status mx_transform_fit(mx_scope *scope, mexpr_transform_model model,
    const float *from, const float *to, const double *weights, const uint8_t *where,
    int n, double matrix[6])
{
    const sums s = sum_points(from, to, weights, where, n);
    double m[6];
    if (!solve(model, &s, m))
        return mx_fail(scope, MEXPR_E_RANGE,
            "the %d points do not determine a transform: they are too few, or too near "
            "to "
            "one place or line",
            n);
    m[2] = s.u - m[0] * s.x - m[1] * s.y;
    m[5] = s.v - m[3] * s.x - m[4] * s.y;
    memcpy(matrix, m, sizeof m);
    return MEXPR_OK;
}

/* --- doors ------------------------------------------------------------------------- */

static mexpr_status check_points(
    mx_scope *scope, const char *name, const float *xy, int n)
{
    if (!xy)
        return mx_fail(scope, MEXPR_E_ARG, "%s is NULL", name);
    for (int i = 0; i < 2 * n; i++) {
        if (!isfinite(xy[i]))
            return mx_fail(
                scope, MEXPR_E_ARG, "point %d of %s is not a finite point", i / 2, name);
    }
    return MEXPR_OK;
}

static mexpr_status check_matrix(mx_scope *scope, const double *matrix)
{
    for (int i = 0; matrix && i < 6; i++) {
        if (!isfinite(matrix[i]))
            return mx_fail(
                scope, MEXPR_E_ARG, "number %d of the matrix is not finite", i);
    }
    return matrix ? MEXPR_OK : mx_fail(scope, MEXPR_E_ARG, "matrix is NULL");
}

static double residual_of(
    const float *from, const float *to, const double *weights, int n, const double m[6])
{
    double sum = 0, all = 0;
    for (int i = 0; i < n; i++) {
        const double w = weights ? weights[i] : 1;
        const double x = from[2 * i], y = from[2 * i + 1];
        const double dx = m[0] * x + m[1] * y + m[2] - to[2 * i];
        const double dy = m[3] * x + m[4] * y + m[5] - to[2 * i + 1];
        sum += w * (dx * dx + dy * dy);
        all += w;
    }
    return sqrt(sum / all);
}

mexpr_status mexpr_transform_fit(mexpr_context *context, mexpr_transform_model model,
    const float *from, const float *to, const double *weights, int32_t n, double *matrix,
    double *residual)
{
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!matrix || n < 1 || n > INT32_MAX / 2)
        return mx_fail(scope, MEXPR_E_ARG, "%s",
            matrix ? "a fit needs at least one point" : "matrix is NULL");
    if (model < MEXPR_TRANSFORM_TRANSLATION || model > MEXPR_TRANSFORM_AFFINE)
        return mx_fail(
            scope, MEXPR_E_ARG, "%d is not a mexpr_transform_model", (int)model);
    mexpr_status status = check_points(scope, "from", from, n);
    if (status == MEXPR_OK)
        status = check_points(scope, "to", to, n);
    for (int32_t i = 0; i < n && weights && status == MEXPR_OK; i++) {
        if (!(weights[i] >= 0 && isfinite(weights[i])))
            status = mx_fail(scope, MEXPR_E_ARG,
                "weight %d is %g; it must be 0 or more and finite", (int)i, weights[i]);
    }
    if (status == MEXPR_OK)
        status = mx_transform_fit(scope, model, from, to, weights, NULL, n, matrix);
    if (status == MEXPR_OK && residual)
        *residual = residual_of(from, to, weights, n, matrix);
    return status;
}

mexpr_status mexpr_transform_invert(
    mexpr_context *context, const double *matrix, double *inverse)
{
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!inverse)
        return mx_fail(scope, MEXPR_E_ARG, "inverse is NULL");
    const mexpr_status status = check_matrix(scope, matrix);
    if (status == MEXPR_OK && !mx_transform_back(matrix, inverse))
        return mx_fail(scope, MEXPR_E_RANGE,
            "the transform maps the plane to a line: there is no way back");
    return status;
}

mexpr_status mexpr_transform_points(
    mexpr_context *context, const double *matrix, const float *from, int32_t n, float *to)
{
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!from || !to || n < 0)
        return mx_fail(
            scope, MEXPR_E_ARG, "%s", n < 0 ? "n is negative" : "from or to is NULL");
    const mexpr_status status = check_matrix(scope, matrix);
    for (int32_t i = 0; i < n && status == MEXPR_OK; i++) {
        const double x = from[2 * (size_t)i], y = from[2 * (size_t)i + 1];
        to[2 * (size_t)i] = (float)(matrix[0] * x + matrix[1] * y + matrix[2]);
        to[2 * (size_t)i + 1] = (float)(matrix[3] * x + matrix[4] * y + matrix[5]);
    }
    return status;
}
