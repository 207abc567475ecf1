/* SPDX-License-Identifier: MIT */
/* The three occluders of RRRN's authors, drawn instead of cut from photographs. */
#include <math.h>
#include <string.h>

#include "base/option.h"
#include "base/rng.h"
#include "image/picture.h"
#include "image/polygon.h"
#include "microexpr/face.h"

enum { NOSE_TIP = 30, OUTLINE = 27, N_VARIANTS = 10, MAX_CORNERS = 20 };

static const double half_width_factor = 1.2;

static double x_of(const float *landmarks, int i)
{
    return (double)landmarks[2 * i];
}

static double y_of(const float *landmarks, int i)
{
    return (double)landmarks[2 * i + 1];
}

/* --- choosing ---------------------------------------------------------------------- */

static void plan_block(
    const float *landmarks, double ratio, mx_rng *rng, mexpr_occlusion *plan)
{
    double left = INFINITY, top = INFINITY, right = -INFINITY, bottom = -INFINITY;
    for (int i = 0; i < OUTLINE; i++) {
        left = fmin(left, x_of(landmarks, i));
        right = fmax(right, x_of(landmarks, i));
        top = fmin(top, y_of(landmarks, i));
        bottom = fmax(bottom, y_of(landmarks, i));
    }
    plan->width = floor((right - left) * sqrt(ratio));
    plan->height = floor((bottom - top) * sqrt(ratio));
    const double x =
        left + plan->width / 2 + mx_rng_uniform(rng) * (right - left - plan->width);
    const double y =
        top + plan->height / 2 + mx_rng_uniform(rng) * (bottom - top - plan->height);
    plan->dx = x - x_of(landmarks, NOSE_TIP);
    plan->dy = y - y_of(landmarks, NOSE_TIP);
}

mexpr_status mexpr_occlusion_plan(mexpr_context *context, mexpr_occluder kind,
    double ratio, uint64_t seed, const float *landmarks, mexpr_occlusion *plan)
{
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!plan)
        return mx_fail(scope, MEXPR_E_ARG, "plan is NULL");
    if (kind < MEXPR_OCCLUDER_BLOCK || kind > MEXPR_OCCLUDER_GLASSES)
        return mx_fail(scope, MEXPR_E_ARG, "%d is not a mexpr_occluder", (int)kind);
    mexpr_status status = mx_out_struct_check(scope, plan->struct_size, sizeof *plan);
    if (status == MEXPR_OK)
        status = mx_check_landmarks(scope, landmarks);
    if (status == MEXPR_OK && kind == MEXPR_OCCLUDER_BLOCK && !(ratio > 0 && ratio <= 1))
        status = mx_fail(scope, MEXPR_E_RANGE,
            "ratio is %g; it must be more than 0 and at most 1", ratio);
    if (status != MEXPR_OK)
        return status;
    mx_rng rng;
    mx_rng_seed(&rng, seed, (uint64_t)kind);
    mexpr_occlusion made = {plan->struct_size, (int32_t)kind, 0, 0, 0, 0, 0};
    if (kind == MEXPR_OCCLUDER_BLOCK)
        plan_block(landmarks, ratio, &rng, &made);
    else
        made.variant = (int32_t)mx_rng_below(&rng, N_VARIANTS);
    *plan = made;
    return MEXPR_OK;
}

/* --- drawing ----------------------------------------------------------------------- */

/* Fills a polygon with a grey value, 0..255. */
static void fill(mexpr_image *image, const float *xy, int32_t n, uint8_t grey)
{
    mexpr_polygons one = MEXPR_POLYGONS_INIT;
    one.xy = xy;
    one.corners = &n;
    one.n_polygons = 1;
    size_t first = 0;
    const mx_polygon p = mx_polygon_next(&one, 0, &first, 0, image->width, image->height);
    for (int32_t y = p.y0; y < p.y1; y++) {
        for (int32_t x = p.x0; x < p.x1; x++) {
            if (mx_polygon_has(&p, x, y))
                mx_image_set_grey(image, x, y, grey);
        }
    }
}

static void draw_block(
    mexpr_image *image, const mexpr_occlusion *plan, const float *landmarks)
{
    const double x = x_of(landmarks, NOSE_TIP) + plan->dx - plan->width / 2;
    const double y = y_of(landmarks, NOSE_TIP) + plan->dy - plan->height / 2;
    const float xy[8] = {(float)x, (float)y, (float)(x + plan->width), (float)y,
        (float)(x + plan->width), (float)(y + plan->height), (float)x,
        (float)(y + plan->height)};
    fill(image, xy, 4, 0);
}

/* Distance of landmark i from the line through a and b. */
static double from_line(const float *landmarks, int i, int a, int b)
{
    const double ex = x_of(landmarks, b) - x_of(landmarks, a);
    const double ey = y_of(landmarks, b) - y_of(landmarks, a);
    const double length = hypot(ex, ey);
    return length > 0 ? fabs(ex * (y_of(landmarks, i) - y_of(landmarks, a)) -
                             ey * (x_of(landmarks, i) - x_of(landmarks, a))) /
                            length
                      : 0;
}

/* An outline in units of the half widths (x: -1 left end, 1 right end) and of the height
 * (y: 0 top, 1 bottom), placed upright about a middle. */
typedef struct frame {
    double x, y; /* the middle */
    double left, right, height;
} frame;

static void fill_outline(mexpr_image *image, const frame *f, const double (*outline)[2],
    int n, bool mirrored, uint8_t grey)
{
    float xy[2 * MAX_CORNERS];
    for (int i = 0; i < n; i++) {
        const double u = mirrored ? -outline[i][0] : outline[i][0];
        xy[2 * i] = (float)(f->x + u * (u < 0 ? f->left : f->right));
        xy[2 * i + 1] = (float)(f->y + (outline[i][1] - 0.5) * f->height);
    }
    fill(image, xy, n, grey);
}

/* RRRN: as high as landmark 28 is from 8, the halves 1.2 times as wide as 2 and 14 are
 * from the line between, about the middle of 28 and 8. */
static void draw_mask(
    mexpr_image *image, const mexpr_occlusion *plan, const float *landmarks)
{
    static const double cloth[][2] = {{-1, 0.32}, {-0.62, 0.2}, {-0.3, 0.12}, {0, 0.02},
        {0.3, 0.12}, {0.62, 0.2}, {1, 0.32}, {0.92, 0.62}, {0.68, 0.84}, {0.35, 0.98},
        {0, 1.02}, {-0.35, 0.98}, {-0.68, 0.84}, {-0.92, 0.62}};
    static const double fold[][2] = {
        {-0.85, 0.52}, {0.85, 0.52}, {0.84, 0.545}, {-0.84, 0.545}};
    const frame f = {0.5 * (x_of(landmarks, 28) + x_of(landmarks, 8)),
        0.5 * (y_of(landmarks, 28) + y_of(landmarks, 8)),
        half_width_factor * from_line(landmarks, 2, 28, 8),
        half_width_factor * from_line(landmarks, 14, 28, 8),
        hypot(x_of(landmarks, 28) - x_of(landmarks, 8),
            y_of(landmarks, 28) - y_of(landmarks, 8))};
    const int shade = 245 - 20 * plan->variant;
    fill_outline(image, &f, cloth, sizeof cloth / sizeof cloth[0], false, (uint8_t)shade);
    fill_outline(image, &f, fold, 4, false, (uint8_t)(shade - 30));
}

/* The same about 27 and 28, twice as high as 19 is from 28, to the sides 0 and 16. */
static void draw_glasses(
    mexpr_image *image, const mexpr_occlusion *plan, const float *landmarks)
{
    static const double square[][2] = {{-0.14, 0.28}, {-0.84, 0.22}, {-0.86, 0.5},
        {-0.78, 0.86}, {-0.28, 0.9}, {-0.17, 0.62}};
    static const double round_[][2] = {{-0.16, 0.5}, {-0.22, 0.3}, {-0.36, 0.18},
        {-0.54, 0.16}, {-0.7, 0.28}, {-0.78, 0.5}, {-0.7, 0.74}, {-0.54, 0.88},
        {-0.36, 0.86}, {-0.22, 0.72}};
    static const double bridge[][2] = {
        {-0.16, 0.36}, {0.16, 0.36}, {0.16, 0.43}, {-0.16, 0.43}};
    static const double temple[][2] = {
        {-0.82, 0.28}, {-1.05, 0.26}, {-1.05, 0.34}, {-0.82, 0.37}};
    const frame f = {0.5 * (x_of(landmarks, 27) + x_of(landmarks, 28)),
        0.5 * (y_of(landmarks, 27) + y_of(landmarks, 28)),
        half_width_factor * from_line(landmarks, 0, 27, 28),
        half_width_factor * from_line(landmarks, 16, 27, 28),
        2 * hypot(x_of(landmarks, 19) - x_of(landmarks, 28),
                y_of(landmarks, 19) - y_of(landmarks, 28))};
    const bool is_round = plan->variant % 2;
    const uint8_t shade = (uint8_t)(10 + 6 * plan->variant);
    for (int side = 0; side < 2; side++) {
        if (is_round)
            fill_outline(
                image, &f, round_, sizeof round_ / sizeof round_[0], side, shade);
        else
            fill_outline(
                image, &f, square, sizeof square / sizeof square[0], side, shade);
        fill_outline(image, &f, temple, 4, side, shade);
    }
    fill_outline(image, &f, bridge, 4, false, shade);
}

mexpr_status mexpr_occlusion_apply(mexpr_context *context, const mexpr_occlusion *plan,
    const float *landmarks, mexpr_image *image)
{
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    mexpr_occlusion known = MEXPR_OCCLUSION_INIT;
    if (!plan || !image)
        return mx_fail(scope, MEXPR_E_ARG, "%s is NULL", plan ? "image" : "plan");
    mexpr_status status =
        mx_options_copy(scope, plan, sizeof known, &known, sizeof known);
    if (status == MEXPR_OK)
        status = mx_check_landmarks(scope, landmarks);
    if (status != MEXPR_OK)
        return status;
    if (known.kind < MEXPR_OCCLUDER_BLOCK || known.kind > MEXPR_OCCLUDER_GLASSES ||
        known.variant < 0 || known.variant >= N_VARIANTS || !isfinite(known.dx) ||
        !isfinite(known.dy) || !(known.width >= 0 && known.height >= 0) ||
        !isfinite(known.width) || !isfinite(known.height))
        return mx_fail(scope, MEXPR_E_ARG,
            "the plan is not one of mexpr_occlusion_plan(): kind %d, variant %d",
            (int)known.kind, (int)known.variant);
    if (known.kind == MEXPR_OCCLUDER_BLOCK)
        draw_block(image, &known, landmarks);
    else if (known.kind == MEXPR_OCCLUDER_MASK)
        draw_mask(image, &known, landmarks);
    else
        draw_glasses(image, &known, landmarks);
    return MEXPR_OK;
}
