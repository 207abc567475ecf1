/* SPDX-License-Identifier: MIT */
/* The features of a field against plain second computations of other shape, and against
 * small cases computed by hand. */
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "face_render.h"
#include "microexpr/face.h"
#include "microexpr/flow.h"
#include "support.h"

#define PI 3.14159265358979323846

/* In double, which cmocka's own does not do. */
#define assert_near(a, b, limit) check_near((double)(a), (double)(b), limit, __LINE__)

static void check_near(double a, double b, double limit, int line)
{
    if (!(fabs(a - b) <= limit))
        fail_msg("line %d: %.12g is not %.12g, within %g", line, a, b, limit);
}

TEST_CONTEXT

static mexpr_field *make_field(int width, int height)
{
    mexpr_field *field;
    assert_ok(context, mexpr_field_create(context, width, height, &field));
    return field;
}

static mexpr_field *field_of(int width, int height, const float *u, const float *v)
{
    mexpr_field *field = make_field(width, height);
    memcpy(mexpr_field_u_pixels(field), u, sizeof *u * (size_t)(width * height));
    memcpy(mexpr_field_v_pixels(field), v, sizeof *v * (size_t)(width * height));
    return field;
}

/* Smooth motion with noise, some of it unknown. */
static mexpr_field *random_field(int width, int height, uint64_t seed)
{
    mexpr_field *field = make_field(width, height);
    mx_rng rng;
    mx_rng_seed(&rng, seed, 0);
    float *u = mexpr_field_u_pixels(field), *v = mexpr_field_v_pixels(field);
    for (int i = 0; i < width * height; i++) {
        const double x = i % width, y = i / width;
        u[i] = (float)(sin(x / 7) + cos(y / 5) + mx_rng_uniform(&rng) - 0.5);
        v[i] = (float)(cos(x / 9 + y / 6) + mx_rng_uniform(&rng) - 0.5);
        const double r = mx_rng_uniform(&rng);
        if (r < 0.02)
            u[i] = MEXPR_FIELD_UNKNOWN;
        else if (r < 0.03)
            v[i] = NAN;
        else if (r < 0.05)
            u[i] = v[i] = 0;
    }
    return field;
}

static bool known(const mexpr_field *field, int i)
{
    return fabs(mexpr_field_u(field)[i]) < 1e9 && fabs(mexpr_field_v(field)[i]) < 1e9;
}

static int pixels_of(const mexpr_field *field)
{
    return mexpr_field_width(field) * mexpr_field_height(field);
}

/* --- magnitude and orientation --------------------------------------------------- */

static void polar_by_hand(void **state)
{
    (void)state;
    const float u[] = {3, 0, 0, -2, -2, 0, 1e9f, NAN, -1};
    const float v[] = {4, 2, -2, 0, -0.0f, -0.0f, 0, 1, -1};
    const float magnitude[] = {5, 2, 2, 2, 2, 0, 0, 0, 1.41421356f};
    const float angle[] = {0.927295218f, 1.57079633f, -1.57079633f, -3.14159265f,
        -3.14159265f, 0, 0, 0, -2.35619449f};
    mexpr_field *field = field_of(3, 3, u, v);
    mexpr_image *lengths, *angles;
    assert_ok(context, mexpr_flow_magnitude(context, field, &lengths));
    assert_ok(context, mexpr_flow_orientation(context, field, &angles));
    assert_int_equal(mexpr_image_format(angles), MEXPR_FORMAT_GREYF32);
    assert_int_equal(mexpr_image_width(angles), 3);
    for (int i = 0; i < 9; i++) {
        const size_t y = (size_t)i / 3, x = (size_t)i % 3;
        const float *l = (const float *)((const char *)mexpr_image_data(lengths) +
                                         y * mexpr_image_stride(lengths));
        const float *a = (const float *)((const char *)mexpr_image_data(angles) +
                                         y * mexpr_image_stride(angles));
        assert_near(l[x], magnitude[i], 1e-6);
        assert_near(a[x], angle[i], 1e-6);
    }
    mexpr_image_destroy(&lengths);
    mexpr_image_destroy(&angles);
    mexpr_field_destroy(&field);
}

/* --- polygons -------------------------------------------------------------------- */

static mexpr_polygons polygons_of(const float *xy, const int32_t *corners, int n)
{
    mexpr_polygons p = MEXPR_POLYGONS_INIT;
    p.xy = xy;
    p.corners = corners;
    p.n_polygons = n;
    return p;
}

static int mask_at(const mexpr_image *mask, int x, int y)
{
    return ((const uint8_t *)mexpr_image_data(
        mask))[(size_t)y * mexpr_image_stride(mask) + (size_t)x];
}

static int mask_area(const mexpr_image *mask)
{
    int n = 0;
    for (int y = 0; y < mexpr_image_height(mask); y++) {
        for (int x = 0; x < mexpr_image_width(mask); x++)
            n += mask_at(mask, x, y) == 255;
    }
    return n;
}

static void squares_that_touch_share_no_pixel(void **state)
{
    (void)state;
    const float xy[] = {0, 0, 3, 0, 3, 3, 0, 3, /**/ 3, 0, 6, 0, 6, 3, 3, 3};
    const int32_t corners[] = {4, 4};
    const mexpr_polygons one = polygons_of(xy, corners, 1);
    const mexpr_polygons other = polygons_of(xy + 8, corners, 1);
    const mexpr_polygons both = polygons_of(xy, corners, 2);
    mexpr_image *a, *b, *ab;
    assert_ok(context, mexpr_polygons_mask(context, &one, 0, 8, 5, &a));
    assert_ok(context, mexpr_polygons_mask(context, &other, 0, 8, 5, &b));
    assert_ok(context, mexpr_polygons_mask(context, &both, 0, 8, 5, &ab));
    assert_int_equal(mask_area(a), 9);
    assert_int_equal(mask_area(b), 9);
    assert_int_equal(mask_area(ab), 18);
    assert_int_equal(mask_at(a, 0, 0), 255);
    assert_int_equal(mask_at(a, 3, 0), 0);
    assert_int_equal(mask_at(a, 0, 3), 0);
    assert_int_equal(mask_at(b, 3, 0), 255);
    mexpr_image_destroy(&a);
    mexpr_image_destroy(&b);
    mexpr_image_destroy(&ab);
}

/* The angle that the corners sweep around the pixel: 0 outside, ±2π times the winding
 * number inside. */
static double swept_angle(const float *xy, int n, double x, double y)
{
    double sum = 0;
    for (int i = 0; i < n; i++) {
        const float *a = xy + 2 * i, *b = xy + 2 * ((i + 1) % n);
        double d = atan2(b[1] - y, b[0] - x) - atan2(a[1] - y, a[0] - x);
        if (d > PI)
            d -= 2 * PI;
        if (d < -PI)
            d += 2 * PI;
        sum += d;
    }
    return fabs(sum);
}

/* Distance to the nearest of many points along the outline. */
static double outline_distance(const float *xy, int n, double x, double y)
{
    double nearest = INFINITY;
    for (int i = 0; i < n; i++) {
        const float *a = xy + 2 * i, *b = xy + 2 * ((i + 1) % n);
        for (int k = 0; k <= 2000; k++) {
            const double t = k / 2000.0;
            nearest = fmin(nearest,
                hypot(a[0] + t * (b[0] - a[0]) - x, a[1] + t * (b[1] - a[1]) - y));
        }
    }
    return nearest;
}

static void polygon_masks_equal_the_winding_number(void **state)
{
    (void)state;
    enum { N = 7, WIDTH = 40, HEIGHT = 30 };
    mx_rng rng;
    mx_rng_seed(&rng, 5, 0);
    for (int round = 0; round < 6; round++) {
        float xy[2 * N];
        for (int i = 0; i < N; i++) { /* a star around the middle, partly outside */
            const double a = 2 * PI * i / N, r = 4 + 18 * mx_rng_uniform(&rng);
            xy[2 * i] = (float)(19.37 + r * cos(a));
            xy[2 * i + 1] = (float)(14.21 + r * sin(a));
        }
        const int32_t corners[] = {N};
        const double margin = round < 3 ? 0 : 1.5 * round;
        const mexpr_polygons p = polygons_of(xy, corners, 1);
        mexpr_image *mask;
        assert_ok(
            context, mexpr_polygons_mask(context, &p, margin, WIDTH, HEIGHT, &mask));
        for (int y = 0; y < HEIGHT; y++) {
            for (int x = 0; x < WIDTH; x++) {
                const double away = outline_distance(xy, N, x, y);
                if (fabs(away - margin) < 0.02) /* the sampled outline cannot tell */
                    continue;
                const bool inside = swept_angle(xy, N, x, y) > PI || away < margin;
                assert_int_equal(mask_at(mask, x, y), inside ? 255 : 0);
            }
        }
        mexpr_image_destroy(&mask);
    }
}

static void a_polygon_far_away_is_empty(void **state)
{
    (void)state;
    const float xy[] = {1e30f, 1e30f, 3e38f, 1e30f, 1e30f, 3e38f};
    const int32_t corners[] = {3};
    const mexpr_polygons p = polygons_of(xy, corners, 1);
    mexpr_image *mask;
    assert_ok(context, mexpr_polygons_mask(context, &p, 3, 9, 9, &mask));
    assert_int_equal(mask_area(mask), 0);
    mexpr_image_destroy(&mask);
}

static void masking_a_field_changes_the_inside_alone(void **state)
{
    (void)state;
    const float xy[] = {2, 2, 6, 2, 6, 5, 2, 5};
    const int32_t corners[] = {4};
    const mexpr_polygons p = polygons_of(xy, corners, 1);
    for (int fill = MEXPR_MASK_ZERO; fill <= MEXPR_MASK_UNKNOWN; fill++) {
        mexpr_field *field = make_field(10, 8);
        for (int i = 0; i < 80; i++)
            mexpr_field_u_pixels(field)[i] = mexpr_field_v_pixels(field)[i] = 7;
        assert_ok(
            context, mexpr_field_mask(context, field, &p, 0, (mexpr_mask_fill)fill));
        for (int i = 0; i < 80; i++) {
            const int x = i % 10, y = i / 10;
            const bool inside = x >= 2 && x < 6 && y >= 2 && y < 5;
            const float in = fill == MEXPR_MASK_ZERO ? 0 : MEXPR_FIELD_UNKNOWN;
            assert_near(mexpr_field_u(field)[i], inside ? in : 7, 0);
            assert_near(mexpr_field_v(field)[i], inside ? in : 7, 0);
        }
        mexpr_field_destroy(&field);
    }
}

static void eyes_are_masked_and_little_else(void **state)
{
    (void)state;
    const struct face_clip_options clip = face_clip_defaults(3);
    float landmarks[2 * FACE_LANDMARKS];
    face_clip_landmarks(&clip, 0, landmarks);
    mexpr_field *field = make_field(clip.width, clip.height);
    for (int i = 0; i < pixels_of(field); i++)
        mexpr_field_u_pixels(field)[i] = 1;
    assert_ok(
        context, mexpr_field_mask_eyes(context, field, landmarks, 3, MEXPR_MASK_UNKNOWN));
    int masked = 0;
    for (int i = 0; i < pixels_of(field); i++)
        masked += !known(field, i);
    const int eye_width = (int)(landmarks[2 * 39] - landmarks[2 * 36]);
    assert_in_range(masked, 2 * 6 * eye_width, 2 * (eye_width + 6) * (eye_width + 6));
    for (int k = 0; k < FACE_LANDMARKS; k++) {
        const int x = (int)floor(landmarks[2 * k] + 0.5f);
        const int y = (int)floor(landmarks[2 * k + 1] + 0.5f);
        if (x < 0 || y < 0 || x >= clip.width || y >= clip.height)
            continue;
        const bool eye = k >= 36 && k < 48;
        if (eye || k < 17 || k > 30) /* brows and the bridge of the nose are near */
            assert_int_equal(known(field, y * clip.width + x), !eye);
    }
    mexpr_field_destroy(&field);
}

/* --- motion ---------------------------------------------------------------------- */

static mexpr_field *similarity_field(
    int width, int height, double dx, double dy, double angle, double zoom)
{
    mexpr_field *field = make_field(width, height);
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
            mexpr_field_u_pixels(field)[y * width + x] =
                (float)(dx + zoom * (cos(angle) * x - sin(angle) * y) - x);
            mexpr_field_v_pixels(field)[y * width + x] =
                (float)(dy + zoom * (sin(angle) * x + cos(angle) * y) - y);
        }
    }
    return field;
}

static void a_similarity_is_found_and_removed(void **state)
{
    (void)state;
    mexpr_field *field = similarity_field(60, 50, 1.25, -0.75, 0.02, 1.01);
    mexpr_motion motion = MEXPR_MOTION_INIT;
    assert_ok(context, mexpr_field_fit_motion(context, field, NULL, NULL, &motion));
    assert_near(motion.angle, 0.02, 1e-7);
    assert_near(motion.zoom, 1.01, 1e-7);
    assert_near(motion.residual, 0, 1e-6);
    assert_int_equal(motion.n_pixels, 3000);
    assert_near(motion.cx, 29.5, 1e-9);
    assert_near(motion.cy, 24.5, 1e-9);
    /* the origin goes to (1.25, -0.75) */
    const double c = motion.zoom * cos(motion.angle), s = motion.zoom * sin(motion.angle);
    assert_near(motion.cx + motion.dx - c * motion.cx + s * motion.cy, 1.25, 1e-5);
    assert_near(motion.cy + motion.dy - s * motion.cx - c * motion.cy, -0.75, 1e-5);
    assert_ok(context, mexpr_field_subtract_motion(context, field, &motion));
    for (int i = 0; i < pixels_of(field); i++) {
        assert_near(mexpr_field_u(field)[i], 0, 1e-6);
        assert_near(mexpr_field_v(field)[i], 0, 1e-6);
    }
    mexpr_field_destroy(&field);
}

/* Solves the n × n system in place by elimination with pivoting. */
static void solve(double a[4][5], int n)
{
    for (int k = 0; k < n; k++) {
        int best = k;
        for (int i = k + 1; i < n; i++) {
            if (fabs(a[i][k]) > fabs(a[best][k]))
                best = i;
        }
        for (int j = 0; j <= n; j++) {
            const double t = a[k][j];
            a[k][j] = a[best][j];
            a[best][j] = t;
        }
        for (int i = 0; i < n; i++) {
            const double f = i == k ? 0 : a[i][k] / a[k][k];
            for (int j = k; j <= n && f != 0; j++)
                a[i][j] -= f * a[k][j];
        }
    }
    for (int k = 0; k < n; k++)
        a[k][n] /= a[k][k];
}

/* Normal equations of u = a + p x - q y, v = b + q x + p y in picture coordinates. */
static void naive_fit(
    const mexpr_field *field, const mexpr_image *mask, double solution[4])
{
    double a[4][5] = {{0}};
    const int width = mexpr_field_width(field);
    for (int i = 0; i < pixels_of(field); i++) {
        const double x = i % width, y = i / width;
        if (!known(field, i) || !mask_at(mask, i % width, i / width))
            continue;
        const double rows[2][5] = {{1, 0, x, -y, mexpr_field_u(field)[i]},
            {0, 1, y, x, mexpr_field_v(field)[i]}};
        for (int r = 0; r < 2; r++) {
            for (int k = 0; k < 4; k++) {
                for (int j = 0; j < 5; j++)
                    a[k][j] += rows[r][k] * rows[r][j];
            }
        }
    }
    solve(a, 4);
    for (int k = 0; k < 4; k++)
        solution[k] = a[k][4];
}

static void the_fit_solves_the_normal_equations(void **state)
{
    (void)state;
    mexpr_field *field = random_field(47, 33, 11);
    const float xy[] = {5, 3, 40, 8, 36, 30, 2, 25};
    const int32_t corners[] = {4};
    const mexpr_polygons p = polygons_of(xy, corners, 1);
    mexpr_image *mask;
    assert_ok(context, mexpr_polygons_mask(context, &p, 0, 47, 33, &mask));
    double expected[4];
    naive_fit(field, mask, expected);
    mexpr_motion motion = MEXPR_MOTION_INIT;
    assert_ok(context, mexpr_field_fit_motion(context, field, mask, NULL, &motion));
    const double zp = motion.zoom * cos(motion.angle) - 1;
    const double zq = motion.zoom * sin(motion.angle);
    assert_near(zp, expected[2], 1e-9);
    assert_near(zq, expected[3], 1e-9);
    assert_near(motion.dx - zp * motion.cx + zq * motion.cy, expected[0], 1e-8);
    assert_near(motion.dy - zq * motion.cx - zp * motion.cy, expected[1], 1e-8);

    mexpr_motion_options options = MEXPR_MOTION_OPTIONS_INIT;
    options.model = MEXPR_MOTION_TRANSLATION;
    assert_ok(context, mexpr_field_fit_motion(context, field, mask, &options, &motion));
    double sum[2] = {0}, n = 0;
    for (int i = 0; i < pixels_of(field); i++) {
        if (known(field, i) && mask_at(mask, i % 47, i / 47)) {
            sum[0] += mexpr_field_u(field)[i];
            sum[1] += mexpr_field_v(field)[i];
            n++;
        }
    }
    assert_near(motion.dx, sum[0] / n, 1e-9);
    assert_near(motion.dy, sum[1] / n, 1e-9);
    assert_int_equal(motion.n_pixels, n);
    assert_near(motion.zoom, 1, 0);
    assert_near(motion.angle, 0, 0);
    mexpr_image_destroy(&mask);
    mexpr_field_destroy(&field);
}

static void a_robust_fit_does_not_follow_outliers(void **state)
{
    (void)state;
    mexpr_field *field = similarity_field(80, 60, 0.4, 0.3, 0.004, 0.998);
    for (int y = 35; y < 55; y++) { /* a twelfth of it smiles */
        for (int x = 20; x < 40; x++)
            mexpr_field_v_pixels(field)[y * 80 + x] -= 2;
    }
    mexpr_motion plain = MEXPR_MOTION_INIT, robust = MEXPR_MOTION_INIT;
    mexpr_motion_options options = MEXPR_MOTION_OPTIONS_INIT;
    assert_ok(context, mexpr_field_fit_motion(context, field, NULL, &options, &plain));
    options.outlier = 0.1;
    options.iterations = 50;
    assert_ok(context, mexpr_field_fit_motion(context, field, NULL, &options, &robust));
    assert_true(fabs(plain.angle - 0.004) > 1e-3);
    assert_near(robust.angle, 0.004, 1e-4);
    assert_near(robust.zoom, 0.998, 1e-4);
    assert_ok(context, mexpr_field_subtract_motion(context, field, &robust));
    assert_near(mexpr_field_v(field)[5 * 80 + 5], 0, 0.005);
    assert_near(mexpr_field_v(field)[45 * 80 + 30], -2, 0.005);
    mexpr_field_destroy(&field);
}

static void a_patch_is_cut_to_the_field(void **state)
{
    (void)state;
    const float u[] = {1, 2, 3, 4, 5, 6}, v[] = {0, 0, 1e10f, 3, 3, 3};
    mexpr_field *field = field_of(3, 2, u, v);
    mexpr_motion motion = MEXPR_MOTION_INIT;
    assert_ok(context, mexpr_field_patch_motion(context, field, 1, -5, 11, 11, &motion));
    assert_near(motion.dx, (2 + 5 + 6) / 3.0, 1e-12); /* (2, 0) is unknown */
    assert_near(motion.dy, 2, 1e-12);
    assert_int_equal(motion.n_pixels, 3);
    assert_ok(context, mexpr_field_subtract_motion(context, field, &motion));
    assert_near(mexpr_field_u(field)[0], 1 - 13 / 3.0, 1e-6);
    assert_near(mexpr_field_u(field)[2], 3, 0); /* unknown stays */
    assert_failure(context, mexpr_field_patch_motion(context, field, 3, 0, 2, 2, &motion),
        MEXPR_E_RANGE, "no displacement of the area is known");
    assert_failure(context,
        mexpr_field_patch_motion(context, field, INT32_MIN, 0, INT32_MAX, 2, &motion),
        MEXPR_E_RANGE, "no displacement of the area is known");
    assert_failure(context, mexpr_field_patch_motion(context, field, 2, 0, 1, 1, &motion),
        MEXPR_E_RANGE, "no displacement of the area is known");
    mexpr_field_destroy(&field);
}

/* --- histograms ------------------------------------------------------------------ */

static mexpr_histogram_options histogram_options(int kind, int bins, int blocks, int norm)
{
    mexpr_histogram_options o = MEXPR_HISTOGRAM_OPTIONS_INIT;
    o.kind = kind;
    o.n_bins = bins;
    o.columns = o.rows = blocks;
    o.norm = norm;
    return o;
}

static void histograms_by_hand(void **state)
{
    (void)state;
    /* right-down, right-up, left-up, left-down; their lengths 5, 5, 10, 13 */
    const float u[] = {4, 4, -6, -12}, v[] = {3, -3, -8, 5};
    mexpr_field *field = field_of(2, 2, u, v);
    float values[8];
    size_t n;
    mexpr_histogram_options o =
        histogram_options(MEXPR_HISTOGRAM_ORIENTED, 4, 1, MEXPR_NORM_NONE);
    assert_ok(context, mexpr_flow_histogram(context, field, &o, values, 8, &n));
    assert_int_equal(n, 4);
    const float oriented[] = {10, 5, 5, 13}; /* left-up, right-up, right-down, ... */
    for (int k = 0; k < 4; k++)
        assert_near(values[k], oriented[k], 1e-6);

    o.kind = MEXPR_HISTOGRAM_HOOF;
    o.n_bins = 2; /* upwards, downwards */
    o.norm = 0;
    assert_ok(context, mexpr_flow_histogram(context, field, &o, values, 8, &n));
    assert_int_equal(n, 2);
    assert_near(values[0], 15.0 / 33, 1e-6);
    assert_near(values[1], 18.0 / 33, 1e-6);

    o.weight = MEXPR_WEIGHT_COUNT;
    o.min_magnitude = 5;
    o.norm = MEXPR_NORM_NONE;
    assert_ok(context, mexpr_flow_histogram(context, field, &o, values, 8, &n));
    assert_near(values[0], 1, 0);
    assert_near(values[1], 1, 0);

    o = histogram_options(MEXPR_HISTOGRAM_ORIENTED, 1, 2, MEXPR_NORM_L2);
    assert_ok(context, mexpr_flow_histogram(context, field, &o, values, 8, &n));
    assert_int_equal(n, 4);
    for (int k = 0; k < 4; k++) /* one block per pixel: the lengths themselves */
        assert_near(values[k], hypot(u[k], v[k]) / sqrt(25 + 25 + 100 + 169), 1e-6);
    mexpr_field_destroy(&field);
}

/* The sector of 8 (from straight left, clockwise in the picture) by comparisons alone. */
static int sector_of_8(double u, double v)
{
    if (v < 0 || (v == 0 && u < 0))
        return u < 0 ? (-v < -u ? 0 : 1) : (-v > u ? 2 : 3);
    return u > 0 ? (v < u ? 4 : 5) : (v > -u ? 6 : 7);
}

static void naive_histogram(
    const mexpr_field *field, int blocks, int by, int bx, bool mirrored, double bins[8])
{
    const int width = mexpr_field_width(field), height = mexpr_field_height(field);
    memset(bins, 0, 8 * sizeof *bins);
    for (int i = 0; i < width * height; i++) {
        const int x = i % width, y = i / width;
        const double u = mexpr_field_u(field)[i], v = mexpr_field_v(field)[i];
        if (!known(field, i) || x < bx * width / blocks ||
            x >= (bx + 1) * width / blocks || y < by * height / blocks ||
            y >= (by + 1) * height / blocks)
            continue;
        if (mirrored) /* 4 bins from up to down, of which sectors 2 to 5 remain */
            bins[sector_of_8(fabs(u), v) - 2] += hypot(u, v);
        else
            bins[sector_of_8(u, v)] += hypot(u, v);
    }
}

static void histograms_equal_the_naive_ones(void **state)
{
    (void)state;
    enum { BLOCKS = 5 };
    mexpr_field *field = random_field(43, 37, 2);
    for (int mirrored = 0; mirrored <= 1; mirrored++) {
        const int n_bins = mirrored ? 4 : 8;
        mexpr_histogram_options o =
            histogram_options(mirrored ? MEXPR_HISTOGRAM_HOOF : MEXPR_HISTOGRAM_ORIENTED,
                n_bins, BLOCKS, 0);
        float values[BLOCKS * BLOCKS * 8];
        size_t n;
        assert_ok(context, mexpr_flow_histogram(context, field, &o, values, 200, &n));
        assert_int_equal(n, BLOCKS * BLOCKS * n_bins);
        for (int block = 0; block < BLOCKS * BLOCKS; block++) {
            double bins[8], sum = 0;
            naive_histogram(
                field, BLOCKS, block / BLOCKS, block % BLOCKS, mirrored, bins);
            for (int k = 0; k < n_bins; k++)
                sum += bins[k];
            for (int k = 0; k < n_bins; k++)
                assert_near(values[block * n_bins + k], bins[k] / sum, 1e-6);
        }
    }
    mexpr_field_destroy(&field);
}

/* Derivative of a plane along an axis: central, one-sided at the border. */
static double slope(const float *p, int width, int height, int x, int y, int along_y)
{
    const int x0 = along_y || x == 0 ? x : x - 1;
    const int x1 = along_y || x == width - 1 ? x : x + 1;
    const int y0 = !along_y || y == 0 ? y : y - 1;
    const int y1 = !along_y || y == height - 1 ? y : y + 1;
    return ((double)p[y1 * width + x1] - p[y0 * width + x0]) / (x1 - x0 + y1 - y0);
}

static void bi_woof_equals_the_naive_one(void **state)
{
    (void)state;
    enum { WIDTH = 21, HEIGHT = 18, BLOCKS = 3 };
    mexpr_field *field = random_field(WIDTH, HEIGHT, 8);
    float *u = mexpr_field_u_pixels(field), *v = mexpr_field_v_pixels(field);
    for (int i = 0; i < WIDTH * HEIGHT; i++) { /* strain next to unknown: other tests */
        if (!known(field, i))
            u[i] = v[i] = 0.5f;
    }
    mexpr_histogram_options o = histogram_options(MEXPR_HISTOGRAM_BI_WOOF, 8, BLOCKS, 0);
    float values[BLOCKS * BLOCKS * 8];
    assert_ok(context, mexpr_flow_histogram(context, field, &o, values, 72, NULL));
    for (int block = 0; block < BLOCKS * BLOCKS; block++) {
        const int by = block / BLOCKS, bx = block % BLOCKS;
        double bins[8], strain = 0;
        naive_histogram(field, BLOCKS, by, bx, false, bins);
        for (int y = by * 6; y < by * 6 + 6; y++) {
            for (int x = bx * 7; x < bx * 7 + 7; x++) {
                const double shear = (slope(u, WIDTH, HEIGHT, x, y, 1) +
                                         slope(v, WIDTH, HEIGHT, x, y, 0)) /
                                     2;
                strain +=
                    sqrt(pow(slope(u, WIDTH, HEIGHT, x, y, 0), 2) +
                         pow(slope(v, WIDTH, HEIGHT, x, y, 1), 2) + 2 * shear * shear);
            }
        }
        for (int k = 0; k < 8; k++)
            assert_near(values[block * 8 + k], bins[k] * strain / 42,
                1e-5 * (1 + bins[k] * strain / 42));
    }
    mexpr_field_destroy(&field);
}

static void norms_have_the_length_they_promise(void **state)
{
    (void)state;
    mexpr_field *field = random_field(30, 30, 4);
    for (int norm = MEXPR_NORM_BLOCK; norm <= MEXPR_NORM_SQRT; norm++) {
        mexpr_histogram_options o =
            histogram_options(MEXPR_HISTOGRAM_ORIENTED, 8, 2, norm);
        float values[32];
        assert_ok(context, mexpr_flow_histogram(context, field, &o, values, 32, NULL));
        const bool squares = norm == MEXPR_NORM_L2 || norm == MEXPR_NORM_SQRT;
        double all = 0, first = 0;
        for (int k = 0; k < 32; k++) {
            all += squares ? (double)values[k] * values[k] : values[k];
            if (k < 8)
                first = all;
        }
        const bool per_block = norm == MEXPR_NORM_BLOCK || norm == MEXPR_NORM_SQRT;
        assert_near(per_block ? first : all, 1, 1e-6);
    }
    mexpr_field_destroy(&field);
}

static void nothing_that_moves_gives_zeros(void **state)
{
    (void)state;
    mexpr_field *field = make_field(8, 8);
    for (int kind = MEXPR_HISTOGRAM_ORIENTED; kind <= MEXPR_HISTOGRAM_BI_WOOF; kind++) {
        for (int norm = MEXPR_NORM_NONE; norm <= MEXPR_NORM_SQRT; norm++) {
            mexpr_histogram_options o = histogram_options(kind, 8, 2, norm);
            float values[32];
            assert_ok(
                context, mexpr_flow_histogram(context, field, &o, values, 32, NULL));
            for (int k = 0; k < 32; k++)
                assert_near(values[k], 0, 0);
        }
    }
    mexpr_field_destroy(&field);
}

/* --- MDMO ------------------------------------------------------------------------ */

static void mdmo_by_hand(void **state)
{
    (void)state;
    /* left half: three to the right-down, one long one up; right half: nothing moves */
    const float u[] = {2, 4, 0, 0, 3, 0, 0, 0}, v[] = {1, 2, 0, 0, 1, -50, 0, 0};
    mexpr_field *field = field_of(4, 2, u, v);
    const float xy[] = {0, 0, 2, 0, 2, 2, 0, 2, /**/ 2, 0, 4, 0, 4, 2, 2, 2};
    const int32_t corners[] = {4, 4};
    const mexpr_polygons p = polygons_of(xy, corners, 2);
    float values[4];
    size_t n;
    assert_ok(context, mexpr_flow_mdmo(context, field, &p, NULL, values, 4, &n));
    assert_int_equal(n, 4);
    assert_near(values[0], (sqrt(5) + sqrt(20) + sqrt(10)) / 3, 1e-6);
    assert_near(values[1], (2 * atan2(1, 2) + atan2(1, 3)) / 3, 1e-6);
    assert_near(values[2], 0, 0);
    assert_near(values[3], 0, 0);
    mexpr_field_destroy(&field);
}

static void the_mean_of_a_clip_is_a_vector_mean(void **state)
{
    (void)state;
    /* region 0: right by 2, then down by 2; region 1: cancels; region 2: left by 1 */
    const float frames[] = {2, 0, 1, 0.5f, 1, (float)-PI, /**/ 2, (float)(PI / 2), 1,
        (float)(0.5 - PI), 1, (float)-PI};
    float values[6];
    assert_ok(context, mexpr_mdmo_average(context, frames, 2, 3, values));
    assert_near(values[0], 1, 1e-6); /* the largest, √2 */
    assert_near(values[1], PI / 4, 1e-6);
    assert_near(values[2], 0, 1e-6);
    assert_near(values[4], 1 / sqrt(2), 1e-6);
    assert_near(fabs(values[5]), PI, 1e-5);
}

/* The regions of a face: where they lie, and that they hardly overlap. */
static void check_regions(uint64_t seed)
{
    struct face_clip_options clip = face_clip_defaults(seed);
    face_clip_resize(&clip, 220, 260);
    float landmarks[2 * FACE_LANDMARKS], xy[2 * MEXPR_MDMO_CORNERS];
    int32_t corners[MEXPR_MDMO_REGIONS];
    face_clip_landmarks(&clip, 0, landmarks);
    assert_ok(context,
        mexpr_face_regions(context, MEXPR_REGIONS_MDMO, landmarks, xy, corners));
    static uint8_t owner[220 * 260];
    memset(owner, 0, sizeof owner);
    int first = 0, all = 0, twice = 0;
    for (int i = 0; i < MEXPR_MDMO_REGIONS; i++) {
        const mexpr_polygons p = polygons_of(xy + 2 * first, corners + i, 1);
        mexpr_image *mask;
        assert_ok(context, mexpr_polygons_mask(context, &p, 0, 220, 260, &mask));
        if (mask_area(mask) < 40)
            fail_msg("person %d: region %d has %d pixels", (int)seed, i, mask_area(mask));
        for (int k = 0; k < 220 * 260; k++) {
            if (!mask_at(mask, k % 220, k / 220))
                continue;
            all++;
            twice += owner[k] != 0;
            owner[k] = (uint8_t)(i + 1);
        }
        first += corners[i];
        mexpr_image_destroy(&mask);
    }
    assert_int_equal(first, MEXPR_MDMO_CORNERS);
    if (twice > all / 100)
        fail_msg("person %d: %d of %d region pixels overlap", (int)seed, twice, all);
}

static void regions_cover_a_face_without_overlap(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++)
        check_regions(seed);
}

/* The landmark on the other half of the face. */
static int twin(int i)
{
    static const int last[] = {16, 26, 30, 35, 39, 41, 45, 47, 54, 59, 64, 67};
    static const int sums[] = {16, 43, 0, 66, 81, 87, 81, 87, 102, 114, 124, 132};
    int k = 0;
    while (i > last[k])
        k++;
    return sums[k] == 0 ? i : sums[k] - i;
}

static void a_mirrored_face_has_mirrored_regions(void **state)
{
    (void)state;
    const struct face_clip_options clip = face_clip_defaults(5);
    float face[2 * FACE_LANDMARKS], mirrored[2 * FACE_LANDMARKS];
    face_clip_landmarks(&clip, 9, face);
    for (int i = 0; i < FACE_LANDMARKS; i++) {
        mirrored[2 * i] = 140 - face[2 * twin(i)];
        mirrored[2 * i + 1] = face[2 * twin(i) + 1];
    }
    float a[2 * MEXPR_MDMO_CORNERS], b[2 * MEXPR_MDMO_CORNERS];
    int32_t corners[MEXPR_MDMO_REGIONS];
    assert_ok(context,
        mexpr_face_regions(context, MEXPR_REGIONS_MDMO, face, a, corners));
    assert_ok(context,
        mexpr_face_regions(context, MEXPR_REGIONS_MDMO, mirrored, b, corners));
    int half = 0; /* corners of regions 0 to 15, and of their twins behind them */
    for (int i = 0; i < 16; i++) {
        assert_int_equal(corners[i], corners[16 + i]);
        half += corners[i];
    }
    for (int i = 0; i < half; i++) {
        assert_near(b[2 * i], 140 - a[2 * (half + i)], 1e-4);
        assert_near(b[2 * i + 1], a[2 * (half + i) + 1], 1e-4);
    }
}

/* --- bad input ------------------------------------------------------------------- */

static void bad_polygons_are_refused(void **state)
{
    (void)state;
    float xy[] = {0, 0, 3, 0, 3, 3};
    int32_t corners[] = {3};
    mexpr_polygons p = polygons_of(xy, corners, 1);
    mexpr_image *mask = (mexpr_image *)1;
    assert_int_equal(mexpr_polygons_mask(context, &p, 0, 4, 4, NULL), MEXPR_E_ARG);
    assert_int_equal(mexpr_polygons_mask(NULL, &p, 0, 4, 4, &mask), MEXPR_E_ARG);
    assert_null(mask);
    assert_failure(context, mexpr_polygons_mask(context, NULL, 0, 4, 4, &mask),
        MEXPR_E_ARG, "polygons is NULL");
    assert_failure(context, mexpr_polygons_mask(context, &p, -1, 4, 4, &mask),
        MEXPR_E_RANGE, "margin is -1");
    assert_failure(context, mexpr_polygons_mask(context, &p, NAN, 4, 4, &mask),
        MEXPR_E_RANGE, "margin is");
    assert_failure(
        context, mexpr_polygons_mask(context, &p, 0, 0, 4, &mask), MEXPR_E_ARG, "0×4");
    p.n_polygons = 0;
    assert_failure(context, mexpr_polygons_mask(context, &p, 0, 4, 4, &mask), MEXPR_E_ARG,
        "at least one polygon");
    p.n_polygons = 1;
    corners[0] = 2;
    assert_failure(context, mexpr_polygons_mask(context, &p, 0, 4, 4, &mask), MEXPR_E_ARG,
        "polygon 0 has 2 corners");
    corners[0] = 3;
    xy[3] = INFINITY;
    assert_failure(context, mexpr_polygons_mask(context, &p, 0, 4, 4, &mask), MEXPR_E_ARG,
        "corner 1 of polygon 0");
    p.struct_size = 3;
    assert_failure(context, mexpr_polygons_mask(context, &p, 0, 4, 4, &mask), MEXPR_E_ABI,
        "struct_size 3");
    assert_null(mask);
}

static void bad_masks_are_refused(void **state)
{
    (void)state;
    mexpr_field *field = make_field(4, 4);
    float landmarks[2 * MEXPR_LANDMARKS_68] = {0};
    const float xy[] = {0, 0, 3, 0, 3, 3};
    const int32_t corners[] = {3};
    const mexpr_polygons p = polygons_of(xy, corners, 1);
    assert_failure(context, mexpr_field_mask(context, NULL, &p, 0, MEXPR_MASK_ZERO),
        MEXPR_E_ARG, "field is NULL");
    assert_failure(context, mexpr_field_mask(context, field, &p, 0, (mexpr_mask_fill)0),
        MEXPR_E_ARG, "fill 0");
    assert_failure(context,
        mexpr_field_mask_eyes(context, field, NULL, 0, MEXPR_MASK_ZERO), MEXPR_E_ARG,
        "landmarks is NULL");
    landmarks[135] = NAN;
    assert_failure(context,
        mexpr_field_mask_eyes(context, field, landmarks, 0, MEXPR_MASK_ZERO), MEXPR_E_ARG,
        "landmark 67");
    assert_int_equal(
        mexpr_field_mask_eyes(NULL, field, landmarks, 0, MEXPR_MASK_ZERO), MEXPR_E_ARG);
    mexpr_field_destroy(&field);
}

static void bad_motions_are_refused(void **state)
{
    (void)state;
    mexpr_field *field = make_field(4, 4);
    mexpr_image *mask, *colour;
    assert_ok(context, mexpr_image_create(context, MEXPR_FORMAT_GREY8, 4, 3, &mask));
    assert_ok(context, mexpr_image_create(context, MEXPR_FORMAT_RGB8, 4, 4, &colour));
    mexpr_motion motion = MEXPR_MOTION_INIT;
    mexpr_motion_options o = MEXPR_MOTION_OPTIONS_INIT;
    assert_failure(context, mexpr_field_fit_motion(context, field, mask, NULL, &motion),
        MEXPR_E_SHAPE, "the mask is 4×3, the field 4×4");
    assert_failure(context, mexpr_field_fit_motion(context, field, colour, NULL, &motion),
        MEXPR_E_ARG, "GREY8");
    assert_failure(context, mexpr_field_fit_motion(context, field, NULL, NULL, NULL),
        MEXPR_E_ARG, "motion is NULL");
    assert_failure(context, mexpr_field_fit_motion(context, NULL, NULL, NULL, &motion),
        MEXPR_E_ARG, "field is NULL");
    o.model = 3;
    assert_failure(context, mexpr_field_fit_motion(context, field, NULL, &o, &motion),
        MEXPR_E_RANGE, "option model is 3");
    o.model = 0;
    o.outlier = -1;
    assert_failure(context, mexpr_field_fit_motion(context, field, NULL, &o, &motion),
        MEXPR_E_RANGE, "option outlier is -1");
    o.outlier = 0;
    o.iterations = 1001;
    assert_failure(context, mexpr_field_fit_motion(context, field, NULL, &o, &motion),
        MEXPR_E_RANGE, "option iterations is 1001");
    assert_failure(context, mexpr_field_patch_motion(context, field, 0, 0, 0, 5, &motion),
        MEXPR_E_ARG, "0×5");
    motion.dx = NAN;
    assert_failure(context, mexpr_field_subtract_motion(context, field, &motion),
        MEXPR_E_ARG, "not finite");
    motion.struct_size = 8;
    assert_failure(context, mexpr_field_subtract_motion(context, field, &motion),
        MEXPR_E_ABI, "struct_size 8");
    mexpr_image_destroy(&mask);
    mexpr_image_destroy(&colour);
    mexpr_field_destroy(&field);
}

static void bad_histograms_are_refused(void **state)
{
    (void)state;
    mexpr_field *field = make_field(4, 4);
    float values[8];
    size_t n = 7;
    mexpr_histogram_options o = MEXPR_HISTOGRAM_OPTIONS_INIT;
    assert_ok(context, mexpr_flow_histogram(context, field, NULL, NULL, 0, &n));
    assert_int_equal(n, 8);
    assert_failure(context, mexpr_flow_histogram(context, field, NULL, values, 7, &n),
        MEXPR_E_RANGE, "room for 7 values, but there are 8");
    assert_failure(context, mexpr_flow_histogram(context, NULL, NULL, values, 8, &n),
        MEXPR_E_ARG, "field is NULL");
    assert_int_equal(n, 0);
    assert_failure(context, mexpr_flow_histogram(context, field, NULL, NULL, 0, NULL),
        MEXPR_E_ARG, "both values and n");
    o.columns = 5;
    assert_failure(context, mexpr_flow_histogram(context, field, &o, values, 8, &n),
        MEXPR_E_SHAPE, "5×1 blocks");
    o.columns = -1;
    assert_failure(context, mexpr_flow_histogram(context, field, &o, values, 8, &n),
        MEXPR_E_RANGE, "option columns is -1");
    o.columns = 0;
    o.n_bins = 65;
    assert_failure(context, mexpr_flow_histogram(context, field, &o, values, 8, &n),
        MEXPR_E_RANGE, "option n_bins is 65");
    o.n_bins = 0;
    o.min_magnitude = NAN;
    assert_failure(context, mexpr_flow_histogram(context, field, &o, values, 8, &n),
        MEXPR_E_RANGE, "min_magnitude");
    o.reserved = 1;
    assert_failure(context, mexpr_flow_histogram(context, field, &o, values, 8, &n),
        MEXPR_E_ABI, "option reserved is 1");
    o.struct_size = sizeof o + 4096;
    assert_failure(context, mexpr_flow_histogram(context, field, &o, values, 8, &n),
        MEXPR_E_ABI, "struct_size");
    mexpr_field_destroy(&field);
}

static void bad_mdmo_calls_are_refused(void **state)
{
    (void)state;
    mexpr_field *field = make_field(4, 4);
    const float xy[] = {0, 0, 3, 0, 3, 3};
    const int32_t corners[] = {3};
    const mexpr_polygons p = polygons_of(xy, corners, 1);
    float landmarks[2 * MEXPR_LANDMARKS_68] = {0}, values[2];
    size_t n;
    mexpr_mdmo_options o = MEXPR_MDMO_OPTIONS_INIT;
    assert_ok(context, mexpr_flow_mdmo(context, field, &p, NULL, NULL, 0, &n));
    assert_int_equal(n, 2);
    assert_failure(context, mexpr_flow_mdmo(context, field, &p, NULL, values, 1, &n),
        MEXPR_E_RANGE, "room for 1");
    o.n_bins = -3;
    assert_failure(context, mexpr_flow_mdmo(context, field, &p, &o, values, 2, &n),
        MEXPR_E_RANGE, "option n_bins is -3");
    o.reserved = 2;
    assert_failure(context, mexpr_flow_mdmo(context, field, &p, &o, values, 2, &n),
        MEXPR_E_ABI, "option reserved is 2");
    assert_failure(context, mexpr_flow_mdmo(context, field, NULL, NULL, values, 2, &n),
        MEXPR_E_ARG, "polygons is NULL");
    assert_failure(context, mexpr_mdmo_average(context, values, 0, 1, values),
        MEXPR_E_ARG, "0 frames");
    assert_failure(context,
        mexpr_face_regions(context, MEXPR_REGIONS_MDMO, landmarks, NULL, NULL),
        MEXPR_E_ARG, "xy or corners");
    mexpr_field_destroy(&field);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(polar_by_hand),
        cmocka_unit_test(squares_that_touch_share_no_pixel),
        cmocka_unit_test(polygon_masks_equal_the_winding_number),
        cmocka_unit_test(a_polygon_far_away_is_empty),
        cmocka_unit_test(masking_a_field_changes_the_inside_alone),
        cmocka_unit_test(eyes_are_masked_and_little_else),
        cmocka_unit_test(a_similarity_is_found_and_removed),
        cmocka_unit_test(the_fit_solves_the_normal_equations),
        cmocka_unit_test(a_robust_fit_does_not_follow_outliers),
        cmocka_unit_test(a_patch_is_cut_to_the_field),
        cmocka_unit_test(histograms_by_hand),
        cmocka_unit_test(histograms_equal_the_naive_ones),
        cmocka_unit_test(bi_woof_equals_the_naive_one),
        cmocka_unit_test(norms_have_the_length_they_promise),
        cmocka_unit_test(nothing_that_moves_gives_zeros),
        cmocka_unit_test(mdmo_by_hand),
        cmocka_unit_test(the_mean_of_a_clip_is_a_vector_mean),
        cmocka_unit_test(regions_cover_a_face_without_overlap),
        cmocka_unit_test(a_mirrored_face_has_mirrored_regions),
        cmocka_unit_test(bad_polygons_are_refused),
        cmocka_unit_test(bad_masks_are_refused),
        cmocka_unit_test(bad_motions_are_refused),
        cmocka_unit_test(bad_histograms_are_refused),
        cmocka_unit_test(bad_mdmo_calls_are_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
