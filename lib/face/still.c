/* SPDX-License-Identifier: MIT */
#include "face/still.h"

#include <math.h>
#include <string.h>

#include "face/region.h"
#include "image/polygon.h"
#include "image/warp.h"

enum {
    MAX_LEVELS = 8,
    COARSEST = 28,
    MIN_PIXELS = 64,
    N_SHIFT = 2,
    N_MOTION = 4,
    N_COLUMNS = 6,
    MAX_ITERATIONS = 30,
    BINS = 1024
};

/* Columns of the least squares: motion, then what the light does. */
enum { GAIN = 4, OFFSET = 5 };

static const double coarse_step = 0.02, fine_step = 0.002; /* px of the level */
static const double cauchy =
    2.385; /* times the spread: 95 % efficient for Gaussian noise */
static const double least_spread = 0.5; /* grey levels */

/* One level of the reference: its still pixels. */
typedef struct level {
    int32_t width, height;
    size_t n;
    uint16_t *place; /* x, y of each */
    float *grey;     /* less their mean */
    float *steep;    /* steepest descent images, N_MOTION of each */
} level;

struct mx_still {
    int n_levels;
    int32_t width, height;
    level levels[MAX_LEVELS]; /* the finest first */
    float *crop;              /* a whole level, while it is made */
    float *value;             /* of a frame at the still pixels; NAN outside */
    float *weight;
};

/* --- life -------------------------------------------------------------------------- */

static mexpr_status level_init(mx_scope *scope, level *l, int32_t width, int32_t height)
{
    const size_t n = (size_t)width * (size_t)height;
    l->width = width;
    l->height = height;
    l->place = mx_alloc(scope, n, 2 * sizeof *l->place);
    l->grey = l->place ? mx_alloc(scope, n, sizeof *l->grey) : NULL;
    l->steep = l->grey ? mx_alloc(scope, n, N_MOTION * sizeof *l->steep) : NULL;
    return l->steep ? MEXPR_OK : MEXPR_E_NOMEM;
}

static mexpr_status build(mx_scope *scope, mx_still *still)
{
    const size_t n = (size_t)still->width * (size_t)still->height;
    mexpr_status status = MEXPR_OK;
    int32_t width = still->width, height = still->height;
    do {
        status = level_init(scope, &still->levels[still->n_levels++], width, height);
        width /= 2;
        height /= 2;
    } while (status == MEXPR_OK && still->n_levels < MAX_LEVELS && width >= COARSEST &&
             height >= COARSEST);
    if (status != MEXPR_OK)
        return status;
    still->crop = mx_alloc(scope, n, sizeof *still->crop);
    still->value = still->crop ? mx_alloc(scope, n, sizeof *still->value) : NULL;
    still->weight = still->value ? mx_alloc(scope, n, sizeof *still->weight) : NULL;
    return still->weight ? MEXPR_OK : MEXPR_E_NOMEM;
}

mexpr_status mx_still_create(
    mx_scope *scope, int32_t width, int32_t height, mx_still **out)
{
    *out = NULL;
    mexpr_status status = mx_check_size(scope, width, height);
    mx_still *still = status == MEXPR_OK ? mx_calloc(scope, 1, sizeof *still) : NULL;
    if (!still)
        return status == MEXPR_OK ? MEXPR_E_NOMEM : status;
    still->width = width;
    still->height = height;
    status = build(scope, still);
    if (status == MEXPR_OK)
        *out = still;
    else
        mx_still_destroy(scope->context, &still);
    return status;
}

void mx_still_destroy(mexpr_context *context, mx_still **still)
{
    if (!*still)
        return;
    for (int i = 0; i < (*still)->n_levels; i++) {
        mx_free(context, (*still)->levels[i].steep);
        mx_free(context, (*still)->levels[i].grey);
        mx_free(context, (*still)->levels[i].place);
    }
    mx_free(context, (*still)->weight);
    mx_free(context, (*still)->value);
    mx_free(context, (*still)->crop);
    mx_free(context, *still);
    *still = NULL;
}

/* --- sampling ---------------------------------------------------------------------- */

/* From pixels of a level to the view. */
typedef struct sight {
    const mx_still_view *view;
    double m[6];
} sight;

static sight look_through(const mx_still *still, const level *l,
    const mx_still_view *view, const double back[6])
{
    const double sx = (double)still->width / l->width;
    const double sy = (double)still->height / l->height;
    const double up[6] = {sx, 0, 0.5 * sx - 0.5, 0, sy, 0.5 * sy - 0.5};
    sight look = {view, {0}};
    mx_transform_join(back, up, look.m);
    look.m[2] -= view->x0;
    look.m[5] -= view->y0;
    return look;
}

/* The grey value that a pixel of the level shows; NAN outside the view. */
static float sample(const sight *look, const mx_warp_kernel *kernel, double x, double y)
{
    const double at_x = look->m[0] * x + look->m[1] * y + look->m[2];
    const double at_y = look->m[3] * x + look->m[4] * y + look->m[5];
    const mx_still_view *view = look->view;
    if (!(at_x >= 0 && at_y >= 0 && at_x <= view->width - 1 && at_y <= view->height - 1))
        return NAN;
    return mx_warp_sample(kernel, view->pixels, view->width, view->height, at_x, at_y);
}

/* --- the reference ----------------------------------------------------------------- */

/* Lists the pixels of the level in the still regions; their grey is not yet set. */
static void list_pixels(level *l, const float *landmarks, double scale_x, double scale_y)
{
    float xy[2 * MEXPR_MDMO_CORNERS];
    int32_t corners[MEXPR_MDMO_REGIONS], n_corners = 0;
    mexpr_polygons regions = MEXPR_POLYGONS_INIT;
    regions.xy = xy;
    regions.corners = corners;
    mexpr_face_regions_size(MEXPR_REGIONS_STILL, &regions.n_polygons, &n_corners);
    mx_face_regions(MEXPR_REGIONS_STILL, landmarks, xy, corners);
    for (int i = 0; i < n_corners; i++) {
        xy[2 * i] = (float)((xy[2 * i] + 0.5) / scale_x - 0.5);
        xy[2 * i + 1] = (float)((xy[2 * i + 1] + 0.5) / scale_y - 0.5);
    }
    const size_t capacity = (size_t)l->width * (size_t)l->height;
    size_t first = 0;
    l->n = 0;
    for (int32_t i = 0; i < regions.n_polygons; i++) {
        const mx_polygon p = mx_polygon_next(&regions, i, &first, 0, l->width, l->height);
        for (int32_t y = p.y0 > 1 ? p.y0 : 1; y < p.y1 && y < l->height - 1; y++) {
            for (int32_t x = p.x0 > 1 ? p.x0 : 1; x < p.x1 && x < l->width - 1; x++) {
                /* Regions may overlap where landmarks are odd. */
                if (!mx_polygon_has(&p, x, y) || l->n == capacity)
                    continue;
                l->place[2 * l->n] = (uint16_t)x;
                l->place[2 * l->n++ + 1] = (uint16_t)y;
            }
        }
    }
}

/* Grey and steepest descent of the listed pixels; drops those the frame does not show. */
static void describe_pixels(level *l, const float *crop)
{
    const double cx = 0.5 * (l->width - 1), cy = 0.5 * (l->height - 1);
    const double scale = 2.0 / (l->width + l->height);
    double sum = 0;
    size_t n = 0;
    for (size_t i = 0; i < l->n; i++) {
        const uint16_t x = l->place[2 * i], y = l->place[2 * i + 1];
        const float *at = crop + (size_t)y * (size_t)l->width + x;
        const float gx = 0.5f * (at[1] - at[-1]),
                    gy = 0.5f * (at[l->width] - at[-l->width]);
        if (!isfinite(*at) || !isfinite(gx) || !isfinite(gy))
            continue;
        const float u = (float)((x - cx) * scale), v = (float)((y - cy) * scale);
        const float steep[N_MOTION] = {gx, gy, gx * u + gy * v, gy * u - gx * v};
        memcpy(l->steep + N_MOTION * n, steep, sizeof steep);
        l->place[2 * n] = x;
        l->place[2 * n + 1] = y;
        l->grey[n++] = *at;
        sum += *at;
    }
    l->n = n;
    for (size_t i = 0; i < n; i++)
        l->grey[i] -= (float)(sum / (double)n);
}

mexpr_status mx_still_begin(mx_scope *scope, mx_still *still, const mx_still_view *view,
    const double crop[6], const float *landmarks)
{
    double back[6];
    if (!mx_transform_back(crop, back))
        return mx_fail(scope, MEXPR_E_RANGE, "the crop of the face has no size");
    for (int i = 0; i < still->n_levels; i++) {
        level *l = &still->levels[i];
        const sight look = look_through(still, l, view, back);
        const mx_warp_kernel kernel = mx_warp_kernel_of(look.m);
        for (int32_t y = 0; y < l->height; y++) {
            for (int32_t x = 0; x < l->width; x++)
                still->crop[(size_t)y * (size_t)l->width + (size_t)x] =
                    sample(&look, &kernel, x, y);
        }
        list_pixels(l, landmarks, (double)still->width / l->width,
            (double)still->height / l->height);
        describe_pixels(l, still->crop);
    }
    const size_t n = still->levels[0].n;
    if (n < MIN_PIXELS)
        return mx_fail(scope, MEXPR_E_RANGE,
            "only %zu pixels of the still parts of the face are in the frame and the "
            "crop; "
            "%d are needed",
            n, MIN_PIXELS);
    return MEXPR_OK;
}

/* --- searching --------------------------------------------------------------------- */

/* Reads a frame at the still pixels; returns how many are inside. */
static size_t read_pixels(mx_still *still, const level *l, const sight *look)
{
    const mx_warp_kernel kernel = mx_warp_kernel_of(look->m);
    size_t n = 0;
    for (size_t i = 0; i < l->n; i++) {
        still->value[i] = sample(look, &kernel, l->place[2 * i], l->place[2 * i + 1]);
        n += !isnan(still->value[i]);
    }
    return n;
}

static double correlate(const mx_still *still, const level *l)
{
    double n = 0, a = 0, b = 0, aa = 0, bb = 0, ab = 0;
    for (size_t i = 0; i < l->n; i++) {
        const double x = l->grey[i], y = still->value[i];
        if (isnan(y))
            continue;
        n++;
        a += x;
        b += y;
        aa += x * x;
        bb += y * y;
        ab += x * y;
    }
    const double va = aa - a * a / n, vb = bb - b * b / n;
    return n >= MIN_PIXELS / 4 && va > 0 && vb > 0 ? (ab - a * b / n) / sqrt(va * vb)
                                                   : -1;
}

/* Solves the symmetric system of n unknowns in place by Cholesky; false when singular. */
static bool solve(double a[N_COLUMNS][N_COLUMNS], double *b, int n)
{
    for (int j = 0; j < n; j++) {
        for (int k = 0; k < j; k++)
            a[j][j] -= a[j][k] * a[j][k];
        if (!(a[j][j] > 1e-9))
            return false;
        a[j][j] = sqrt(a[j][j]);
        for (int i = j + 1; i < n; i++) {
            for (int k = 0; k < j; k++)
                a[i][j] -= a[i][k] * a[j][k];
            a[i][j] /= a[j][j];
        }
    }
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < i; k++)
            b[i] -= a[i][k] * b[k];
        b[i] /= a[i][i];
    }
    for (int i = n - 1; i >= 0; i--) {
        for (int k = i + 1; k < n; k++)
            b[i] -= a[k][i] * b[k];
        b[i] /= a[i][i];
    }
    return true;
}

/* The columns of one pixel, motion first. */
static inline void columns_of(const level *l, size_t i, int n_motion, double *c)
{
    for (int k = 0; k < n_motion; k++)
        c[k] = l->steep[N_MOTION * i + (size_t)k];
    c[n_motion] = l->grey[i];
    c[n_motion + 1] = 1;
}

/* Weighted least squares of the frame's greys; false when they do not say enough. */
static bool fit_pixels(const mx_still *still, const level *l, int n_motion, double *out)
{
    const int n = n_motion + 2;
    double a[N_COLUMNS][N_COLUMNS] = {{0}};
    memset(out, 0, N_COLUMNS * sizeof *out);
    for (size_t i = 0; i < l->n; i++) {
        const double w = still->weight[i];
        double c[N_COLUMNS];
        if (w == 0)
            continue;
        columns_of(l, i, n_motion, c);
        for (int j = 0; j < n; j++) {
            const double wc = w * c[j];
            out[j] += wc * still->value[i];
            for (int k = 0; k <= j; k++)
                a[j][k] += wc * c[k];
        }
    }
    return solve(a, out, n);
}

static double leftover(
    const mx_still *still, const level *l, size_t i, int n_motion, const double *fit)
{
    double c[N_COLUMNS], sum = still->value[i];
    columns_of(l, i, n_motion, c);
    for (int k = 0; k < n_motion + 2; k++)
        sum -= fit[k] * c[k];
    return sum;
}

/* Cauchy weights from what a fit leaves, relative to its median (by a histogram). */
static void weigh(mx_still *still, const level *l, int n_motion, const double *fit)
{
    uint32_t bins[BINS] = {0};
    size_t n = 0, below = 0;
    for (size_t i = 0; i < l->n; i++) {
        if (isnan(still->value[i]))
            continue;
        const double e = 8 * fabs(leftover(still, l, i, n_motion, fit));
        bins[e < BINS - 1 ? (int)e : BINS - 1]++;
        n++;
    }
    int bin = 0;
    while (bin < BINS - 1 && (below += bins[bin]) < n / 2)
        bin++;
    const double spread = fmax(1.4826 * (bin + 0.5) / 8, least_spread);
    for (size_t i = 0; i < l->n; i++) {
        if (isnan(still->value[i]))
            continue;
        const double e = leftover(still, l, i, n_motion, fit) / (cauchy * spread);
        still->weight[i] = (float)(1 / (1 + e * e));
    }
}

/* One step: *step receives dx, dy (px of the level), p, q of the motion about the middle
 * that would carry the reference onto the frame. */
static bool find_step(mx_still *still, const level *l, int n_motion, double step[4])
{
    double fit[N_COLUMNS];
    for (size_t i = 0; i < l->n; i++)
        still->weight[i] = isnan(still->value[i]) ? 0 : 1;
    for (int round = 0; round < 3; round++) {
        if (round > 0)
            weigh(still, l, n_motion, fit);
        if (!fit_pixels(still, l, n_motion, fit))
            return false;
    }
    const double gain = fit[n_motion];
    if (!(gain > 0.05))
        return false;
    const double scale = 2.0 / (l->width + l->height);
    step[2] = step[3] = 0;
    for (int k = 0; k < n_motion; k++)
        step[k] = fit[k] / gain * (k < N_SHIFT ? 1 : scale);
    return true;
}

/* How far a step carries the pixels at most. */
static double reach_of(const level *l, const double step[4])
{
    const double turn = hypot(step[2], step[3]);
    return hypot(step[0], step[1]) + turn * 0.5 * hypot(l->width, l->height);
}

/* The motion of a step in px of the crop, as a transform. */
static void motion_of_step(
    const mx_still *still, const level *l, const double step[4], double m[6])
{
    const double scale = (double)still->width / l->width;
    const double cx = 0.5 * (still->width - 1), cy = 0.5 * (still->height - 1);
    const double p = 1 + step[2], q = step[3];
    const double out[6] = {p, -q, cx - p * cx + q * cy + scale * step[0], q, p,
        cy - q * cx - p * cy + scale * step[1]};
    memcpy(m, out, sizeof out);
}

/* RMS way of the finest level's still pixels. */
static double residual_of(const mx_still *still, const double step[4])
{
    const level *l = &still->levels[0];
    const double cx = 0.5 * (l->width - 1), cy = 0.5 * (l->height - 1);
    double sum = 0;
    for (size_t i = 0; i < l->n; i++) {
        const double x = l->place[2 * i] - cx, y = l->place[2 * i + 1] - cy;
        const double u = step[0] + step[2] * x - step[3] * y;
        const double v = step[1] + step[3] * x + step[2] * y;
        sum += u * u + v * v;
    }
    return sqrt(sum / (double)l->n);
}

double mx_still_glance(mx_still *still, const mx_still_view *view, const double crop[6])
{
    const level *l = &still->levels[still->n_levels - 1];
    double back[6];
    if (!mx_transform_back(crop, back))
        return -1;
    const sight look = look_through(still, l, view, back);
    read_pixels(still, l, &look);
    return correlate(still, l);
}

/* Refines on one level; returns the number of steps. The last one, below the limit, is
 * left in *step and not gone. */
static int search_level(mx_still *still, const level *l, const mx_still_view *view,
    int n_motion, double limit, double crop[6], double step[4])
{
    int n = 0;
    memset(step, 0, 4 * sizeof *step);
    for (; n < MAX_ITERATIONS; n++) {
        double back[6], motion[6];
        if (!mx_transform_back(crop, back))
            break;
        const sight look = look_through(still, l, view, back);
        if (read_pixels(still, l, &look) < MIN_PIXELS / 4 ||
            !find_step(still, l, n_motion, step) || reach_of(l, step) < limit)
            break;
        /* The frame shows at x what the reference shows at W(x): crop becomes W crop. */
        motion_of_step(still, l, step, motion);
        mx_transform_join(motion, crop, crop);
    }
    return n;
}

void mx_still_search(mx_still *still, const mx_still_view *view, bool is_shift,
    double crop[6], mx_still_fit *fit)
{
    const int n_motion = is_shift ? N_SHIFT : N_MOTION;
    double step[4];
    for (int i = still->n_levels - 1; i >= 0; i--) {
        if (i > 0 && still->levels[i].n < MIN_PIXELS)
            continue;
        fit->iterations = search_level(still, &still->levels[i], view, n_motion,
            i == 0 ? fine_step : coarse_step, crop, step);
    }
    memcpy(fit->step, step, sizeof step);
    fit->correlation = correlate(still, &still->levels[0]);
    fit->residual = residual_of(still, step);
}

void mx_still_measure(
    mx_still *still, const mx_still_view *view, const double crop[6], mx_still_fit *fit)
{
    const level *l = &still->levels[0];
    double back[6];
    *fit = (mx_still_fit){.correlation = -1};
    if (!mx_transform_back(crop, back))
        return;
    const sight look = look_through(still, l, view, back);
    if (read_pixels(still, l, &look) < MIN_PIXELS / 4)
        return;
    find_step(still, l, N_MOTION, fit->step);
    fit->correlation = correlate(still, l);
    fit->residual = residual_of(still, fit->step);
}
