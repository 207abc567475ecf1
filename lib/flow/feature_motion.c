/* SPDX-License-Identifier: MIT */
/* Motion of the head: mean or similarity motion of an area, and its removal.
 *
 * A similarity motion is u = dx + p x - q y, v = dy + q x + p y in coordinates around
 * (cx, cy), with zoom (cos, sin)(angle) = (1 + p, q): linear in its four parameters. With
 * the weighted centroid as centre the normal equations fall apart:
 *     (dx, dy) = mean of (u, v),  p = Σw(x u' + y v') / Σw(x² + y²),
 *     q = Σw(x v' - y u') / Σw(x² + y²). */
#include "base/option.h"
#include "flow/feature.h"

enum { STANDARD_ITERATIONS = 20, MAX_ITERATIONS = 1000 };
#define MIN_OUTLIER 1e-6
#define MAX_OUTLIER 1e6

typedef struct linear_motion {
    double cx, cy, dx, dy, p, q;
} linear_motion;

/* The pixels that count: a rectangle of the field, and in it those of the mask. */
typedef struct area {
    const float *u, *v;
    size_t field_width;
    const unsigned char *mask; /* or NULL */
    size_t mask_stride;
    int32_t x0, y0, x1, y1;
} area;

static bool counts(const area *a, int32_t x, int32_t y, float *u, float *v)
{
    if (a->mask && a->mask[(size_t)y * a->mask_stride + (size_t)x] == 0)
        return false;
    const size_t i = (size_t)y * a->field_width + (size_t)x;
    *u = a->u[i];
    *v = a->v[i];
    return mx_field_is_known(*u, *v);
}

/* What the motion leaves of displacement (u, v) at (x, y). */
static void leftover(const linear_motion *m, double x, double y, double *u, double *v)
{
    x -= m->cx;
    y -= m->cy;
    *u -= m->dx + m->p * x - m->q * y;
    *v -= m->dy + m->q * x + m->p * y;
}

/* Cauchy's weight for what the last fit left; 1 without a robust fit. */
static double weight(
    const linear_motion *last, double outlier, int32_t x, int32_t y, double u, double v)
{
    if (!(outlier > 0))
        return 1;
    leftover(last, x, y, &u, &v);
    return 1 / (1 + (u * u + v * v) / (outlier * outlier));
}

/* Weighted centroid and mean displacement. Returns the number of pixels. */
static uint64_t fit_translation(
    const area *a, const linear_motion *last, double outlier, linear_motion *fit)
{
    double w_sum = 0, sum[4] = {0};
    uint64_t n = 0;
    for (int32_t y = a->y0; y < a->y1; y++) {
        for (int32_t x = a->x0; x < a->x1; x++) {
            float u, v;
            if (!counts(a, x, y, &u, &v))
                continue;
            const double w = weight(last, outlier, x, y, u, v);
            const double value[4] = {x, y, u, v};
            for (int k = 0; k < 4; k++)
                sum[k] += w * value[k];
            w_sum += w;
            n++;
        }
    }
    if (w_sum > 0)
        *fit = (linear_motion){
            sum[0] / w_sum, sum[1] / w_sum, sum[2] / w_sum, sum[3] / w_sum, 0, 0};
    return n;
}

/* p and q around the centroid that fit_translation() found. */
static void fit_turn(
    const area *a, const linear_motion *last, double outlier, linear_motion *fit)
{
    double p = 0, q = 0, spread = 0;
    for (int32_t y = a->y0; y < a->y1; y++) {
        for (int32_t x = a->x0; x < a->x1; x++) {
            float u, v;
            if (!counts(a, x, y, &u, &v))
                continue;
            const double w = weight(last, outlier, x, y, u, v);
            const double dx = x - fit->cx, dy = y - fit->cy;
            p += w * (dx * (u - fit->dx) + dy * (v - fit->dy));
            q += w * (dx * (v - fit->dy) - dy * (u - fit->dx));
            spread += w * (dx * dx + dy * dy);
        }
    }
    if (spread > 0) {
        fit->p = p / spread;
        fit->q = q / spread;
    }
}

static double rms_left(const area *a, const linear_motion *m, uint64_t n)
{
    double sum = 0;
    for (int32_t y = a->y0; y < a->y1; y++) {
        for (int32_t x = a->x0; x < a->x1; x++) {
            float fu, fv;
            if (!counts(a, x, y, &fu, &fv))
                continue;
            double u = fu, v = fv;
            leftover(m, x, y, &u, &v);
            sum += u * u + v * v;
        }
    }
    return sqrt(sum / (double)n);
}

static mexpr_status fit(
    mx_scope *scope, const area *a, const mexpr_motion_options *o, mexpr_motion *motion)
{
    linear_motion now = {0, 0, 0, 0, 0, 0};
    uint64_t n = 0;
    const int rounds = o->outlier > 0 ? o->iterations : 0;
    for (int i = 0; i <= rounds; i++) {
        const linear_motion last = now;
        const double outlier = i > 0 ? o->outlier : 0;
        n = fit_translation(a, &last, outlier, &now);
        if (n == 0)
            return mx_fail(scope, MEXPR_E_RANGE,
                "no displacement of the area is known; it must overlap the field and its "
                "known part");
        if (o->model == MEXPR_MOTION_SIMILARITY)
            fit_turn(a, &last, outlier, &now);
    }
    motion->cx = now.cx;
    motion->cy = now.cy;
    motion->dx = now.dx;
    motion->dy = now.dy;
    motion->angle = atan2(now.q, 1 + now.p);
    motion->zoom = hypot(1 + now.p, now.q);
    motion->residual = rms_left(a, &now, n);
    motion->n_pixels = n;
    return MEXPR_OK;
}

static area whole_field(const mexpr_field *field)
{
    return (area){mexpr_field_u(field), mexpr_field_v(field),
        (size_t)mexpr_field_width(field), NULL, 0, 0, 0, mexpr_field_width(field),
        mexpr_field_height(field)};
}

/* Cuts first..first + size to 0..end. */
static void cut(int32_t first, int32_t size, int32_t end, int32_t *low, int32_t *high)
{
    const int64_t last = (int64_t)first + size;
    *low = first < 0 ? 0 : first;
    *high = last > end ? end : (int32_t)(last < 0 ? 0 : last);
}

static mexpr_status check_motion(mx_scope *scope, const mexpr_motion *motion)
{
    if (!motion)
        return mx_fail(scope, MEXPR_E_ARG, "motion is NULL");
    return mx_out_struct_check(scope, motion->struct_size, sizeof *motion);
}

mexpr_status mexpr_field_patch_motion(mexpr_context *context, const mexpr_field *field,
    int32_t x, int32_t y, int32_t width, int32_t height, mexpr_motion *motion)
{
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!field)
        return mx_fail(scope, MEXPR_E_ARG, "field is NULL");
    if (width < 1 || height < 1)
        return mx_fail(scope, MEXPR_E_ARG, "a patch of %d×%d pixels is not possible",
            (int)width, (int)height);
    const mexpr_status status = check_motion(scope, motion);
    if (status != MEXPR_OK)
        return status;
    area a = whole_field(field);
    cut(x, width, mexpr_field_width(field), &a.x0, &a.x1);
    cut(y, height, mexpr_field_height(field), &a.y0, &a.y1);
    mexpr_motion_options options = MEXPR_MOTION_OPTIONS_INIT;
    options.model = MEXPR_MOTION_TRANSLATION;
    return fit(scope, &a, &options, motion);
}

static mexpr_status use_mask(mx_scope *scope, const mexpr_image *mask, area *a)
{
    if (!mask)
        return MEXPR_OK;
    if (mexpr_image_format(mask) != MEXPR_FORMAT_GREY8)
        return mx_fail(scope, MEXPR_E_ARG, "the mask must be a GREY8 picture");
    if (mexpr_image_width(mask) != a->x1 || mexpr_image_height(mask) != a->y1)
        return mx_fail(scope, MEXPR_E_SHAPE, "the mask is %d×%d, the field %d×%d",
            (int)mexpr_image_width(mask), (int)mexpr_image_height(mask), (int)a->x1,
            (int)a->y1);
    a->mask = mexpr_image_data(mask);
    a->mask_stride = mexpr_image_stride(mask);
    return MEXPR_OK;
}

mexpr_status mexpr_field_fit_motion(mexpr_context *context, const mexpr_field *field,
    const mexpr_image *mask, const mexpr_motion_options *options, mexpr_motion *motion)
{
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!field)
        return mx_fail(scope, MEXPR_E_ARG, "field is NULL");
    mexpr_motion_options o = MEXPR_MOTION_OPTIONS_INIT;
    area a = whole_field(field);
    mexpr_status status = check_motion(scope, motion);
    if (status == MEXPR_OK)
        status = mx_options_copy(scope, options, sizeof o, &o, sizeof o);
    if (status == MEXPR_OK)
        status = mx_option_i32(scope, "model", &o.model, MEXPR_MOTION_SIMILARITY,
            MEXPR_MOTION_TRANSLATION, MEXPR_MOTION_SIMILARITY);
    if (status == MEXPR_OK)
        status = mx_option_i32(
            scope, "iterations", &o.iterations, STANDARD_ITERATIONS, 1, MAX_ITERATIONS);
    if (status == MEXPR_OK)
        status = mx_option_f64(scope, "outlier", &o.outlier, 0, MIN_OUTLIER, MAX_OUTLIER);
    if (status == MEXPR_OK)
        status = use_mask(scope, mask, &a);
    return status == MEXPR_OK ? fit(scope, &a, &o, motion) : status;
}

mexpr_status mexpr_field_subtract_motion(
    mexpr_context *context, mexpr_field *field, const mexpr_motion *motion)
{
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!field)
        return mx_fail(scope, MEXPR_E_ARG, "field is NULL");
    const mexpr_status status = check_motion(scope, motion);
    if (status != MEXPR_OK)
        return status;
    const linear_motion m = {motion->cx, motion->cy, motion->dx, motion->dy,
        motion->zoom * cos(motion->angle) - 1, motion->zoom * sin(motion->angle)};
    if (!isfinite(m.cx) || !isfinite(m.cy) || !isfinite(m.dx) || !isfinite(m.dy) ||
        !isfinite(m.p) || !isfinite(m.q))
        return mx_fail(scope, MEXPR_E_ARG, "the motion has a number that is not finite");
    float *u = mexpr_field_u_pixels(field), *v = mexpr_field_v_pixels(field);
    for (int32_t y = 0; y < mexpr_field_height(field); y++) {
        for (int32_t x = 0; x < mexpr_field_width(field); x++, u++, v++) {
            if (!mx_field_is_known(*u, *v))
                continue;
            double left_u = *u, left_v = *v;
            leftover(&m, x, y, &left_u, &left_v);
            *u = (float)left_u;
            *v = (float)left_v;
        }
    }
    return MEXPR_OK;
}
