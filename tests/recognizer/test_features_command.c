/* SPDX-License-Identifier: MIT */
/* The numbers of `microexpr features` against those of the library. */
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "face_render.h"
#include "microexpr/microexpr.h"

enum { ROWS = 3, COLUMNS = 2, BINS = 6, FRAMES = 12, OUTLINE = 27, NOSE = 28 };

static mexpr_context *context;
static struct face_clip_options clip;
static float landmarks[2 * FACE_LANDMARKS];
static mexpr_image *frames[FRAMES];
static char paths[FRAMES][512];

/* --- what the command prints ------------------------------------------------------- */

typedef struct csv {
    char *text;
    char *cursor; /* in the head */
    char *row;
} csv;

/* Runs the command and cuts its output into lines; there must be two. */
static csv run_csv(const char *const *arguments)
{
    assert_int_equal(test_command(arguments), 0);
    size_t size;
    csv t = {.text = test_read_file(test_path("out"), &size)};
    t.text = realloc(t.text, size + 1);
    assert_non_null(t.text);
    t.text[size] = '\0';
    t.cursor = t.text;
    t.row = strstr(t.text, "\r\n");
    assert_non_null(t.row);
    *t.row = '\0';
    t.row += 2;
    char *end = strstr(t.row, "\r\n");
    assert_non_null(end);
    assert_string_equal(end, "\r\n");
    *end = '\0';
    return t;
}

static char *next_cell(char **cursor)
{
    char *cell = *cursor;
    char *end = strchr(cell, ',');
    if (end)
        *end++ = '\0';
    *cursor = end ? end : cell + strlen(cell);
    return cell;
}

/* The next column has this name and value. */
static void expect_text(csv *t, const char *name, const char *value)
{
    assert_string_equal(next_cell(&t->cursor), name);
    assert_string_equal(next_cell(&t->row), value);
}

static void expect(csv *t, double value, double tolerance, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void expect(csv *t, double value, double tolerance, const char *format, ...)
{
    char name[64];
    va_list args;
    va_start(args, format);
    vsnprintf(name, sizeof name, format, args);
    va_end(args);
    assert_string_equal(next_cell(&t->cursor), name);
    char *end;
    const double got = strtod(next_cell(&t->row), &end);
    assert_true(*end == '\0');
    if (!(fabs(got - value) <= tolerance))
        fail_msg("%s is %.9g, the library says %.9g", name, got, value);
}

static void expect_end(csv *t)
{
    assert_string_equal(t->cursor, "");
    assert_string_equal(t->row, "");
    free(t->text);
}

/* --- the clip ---------------------------------------------------------------------- */

static void draw_frame(int i)
{
    char name[32];
    assert_ok(context, mexpr_image_create(context, MEXPR_FORMAT_GREY8, clip.width,
                           clip.height, &frames[i]));
    face_clip_frame(&clip, clip.onset + i, mexpr_image_pixels(frames[i]),
        (int)mexpr_image_stride(frames[i]));
    snprintf(name, sizeof name, "f%d.png", i);
    snprintf(paths[i], sizeof paths[i], "%s", test_path(name));
    assert_ok(context, mexpr_image_write_png(context, frames[i], paths[i]));
}

static int set_up(void **state)
{
    (void)state;
    assert_int_equal(mexpr_context_create(NULL, &context), MEXPR_OK);
    clip = face_clip_defaults(11);
    face_clip_add_action(&clip, 12, FACE_LEFT, 0.8);
    clip.drift = (struct face_pose){0.05, -0.03, 0.0005, 0.0004};
    face_clip_landmarks(&clip, clip.onset, landmarks);
    for (int i = 0; i < FRAMES && strstr(mexpr_build_features(), "png"); i++)
        draw_frame(i);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (int i = 0; i < FRAMES; i++)
        mexpr_image_destroy(&frames[i]);
    mexpr_context_destroy(&context);
    return 0;
}

static void need_png(void)
{
    if (!frames[0]) {
        print_message("skipped: this build writes no PNG\n");
        skip();
    }
}

/* The landmarks as each kind of file; the name's buffer rotates. */
static const char *landmark_file(const char *name)
{
    static char text[16384];
    char *to = text;
    const int is_pts = strstr(name, ".pts") != NULL;
    const int is_openface = strstr(name, "openface") != NULL;
    if (is_pts)
        to += sprintf(to, "version: 1\r\nn_points: 68\r\n{\r\n");
    if (is_openface) {
        to += sprintf(to, "frame, face_id, success");
        for (int k = 0; k < 2 * FACE_LANDMARKS; k++)
            to += sprintf(
                to, ", %c_%d", k < FACE_LANDMARKS ? 'x' : 'y', k % FACE_LANDMARKS);
        to += sprintf(to, ", X_0\n1, 0, 1");
    }
    for (int k = 0; k < 2 * FACE_LANDMARKS; k++) {
        const int i = k % FACE_LANDMARKS, is_y = k / FACE_LANDMARKS;
        if (is_pts)
            to += sprintf(to, k % 2 ? " %.9g\r\n" : "%.9g", (double)landmarks[k] + 1);
        else if (is_openface)
            to += sprintf(to, ", %.9g", (double)landmarks[2 * i + is_y]);
        else
            to += sprintf(to, k ? ",%.9g" : "%.9g", (double)landmarks[k]);
    }
    to += sprintf(to, is_pts ? "}\n" : is_openface ? ", 3.5\n" : "\n");
    test_write_file(test_path(name), text, (size_t)(to - text));
    return test_path(name);
}

static mexpr_field *flow_of(int second)
{
    mexpr_flow *flow = NULL;
    mexpr_field *field = NULL;
    assert_ok(context, mexpr_flow_create(context, &flow));
    assert_ok(context, mexpr_field_create(context, clip.width, clip.height, &field));
    assert_int_equal(
        mexpr_flow_compute(flow, frames[0], frames[second], field), MEXPR_OK);
    mexpr_flow_destroy(&flow);
    return field;
}

/* --- pairs ------------------------------------------------------------------------- */

static int is_known(const mexpr_field *field, int i)
{
    return fabsf(mexpr_field_u(field)[i]) < MEXPR_FIELD_UNKNOWN_THRESHOLD;
}

/* Sum over the known pixels of a block of value^power; power 0 counts them. */
static double sum_of(
    const mexpr_field *field, const float *plane, int r, int c, int power)
{
    double sum = 0;
    for (int y = r * clip.height / ROWS; y < (r + 1) * clip.height / ROWS; y++) {
        for (int x = c * clip.width / COLUMNS; x < (c + 1) * clip.width / COLUMNS; x++) {
            const int i = y * clip.width + x;
            if (is_known(field, i))
                sum += pow((double)plane[i], power);
        }
    }
    return sum;
}

static double largest_of(const mexpr_field *field, const float *plane, int r, int c)
{
    double largest = 0;
    for (int y = r * clip.height / ROWS; y < (r + 1) * clip.height / ROWS; y++) {
        for (int x = c * clip.width / COLUMNS; x < (c + 1) * clip.width / COLUMNS; x++) {
            const int i = y * clip.width + x;
            if (is_known(field, i))
                largest = fmax(largest, (double)plane[i]);
        }
    }
    return largest;
}

/* A picture's pixels without the gaps between rows. */
static float *plane_of(mexpr_image *image)
{
    float *plane = malloc((size_t)clip.width * (size_t)clip.height * sizeof *plane);
    assert_non_null(plane);
    for (int y = 0; y < clip.height; y++)
        memcpy(plane + (ptrdiff_t)y * clip.width,
            (const char *)mexpr_image_data(image) + (size_t)y * mexpr_image_stride(image),
            (size_t)clip.width * sizeof *plane);
    mexpr_image_destroy(&image);
    return plane;
}

static void expect_measures(
    csv *t, const char *name, const mexpr_field *field, const float *plane)
{
    for (int r = 0; r < ROWS; r++) {
        for (int c = 0; c < COLUMNS; c++) {
            const double n = sum_of(field, plane, r, c, 0);
            const double mean = sum_of(field, plane, r, c, 1) / n;
            const double square = sum_of(field, plane, r, c, 2) / n;
            expect(t, mean, 1e-7, "%s_r%d_c%d_mean", name, r, c);
            expect(t, sqrt(square - mean * mean), 1e-7, "%s_r%d_c%d_std", name, r, c);
            expect(t, largest_of(field, plane, r, c), 1e-8, "%s_r%d_c%d_max", name, r, c);
        }
    }
}

static void expect_flow(csv *t, const mexpr_field *field)
{
    for (int r = 0; r < ROWS; r++) {
        for (int c = 0; c < COLUMNS; c++) {
            const double n = sum_of(field, mexpr_field_u(field), r, c, 0);
            expect(t, sum_of(field, mexpr_field_u(field), r, c, 1) / n, 1e-8,
                "flow_r%d_c%d_u", r, c);
            expect(t, sum_of(field, mexpr_field_v(field), r, c, 1) / n, 1e-8,
                "flow_r%d_c%d_v", r, c);
        }
    }
}

static void expect_orientation(csv *t, const mexpr_field *field, const float *magnitude)
{
    for (int r = 0; r < ROWS; r++) {
        for (int c = 0; c < COLUMNS; c++) {
            const double u = sum_of(field, mexpr_field_u(field), r, c, 1);
            const double v = sum_of(field, mexpr_field_v(field), r, c, 1);
            const double m = sum_of(field, magnitude, r, c, 1);
            expect(t, atan2(v, u), 1e-7, "orientation_r%d_c%d_angle", r, c);
            expect(t, hypot(u, v) / m, 1e-7, "orientation_r%d_c%d_coherence", r, c);
        }
    }
}

static void expect_histogram(
    csv *t, const char *name, const mexpr_field *field, mexpr_histogram kind)
{
    mexpr_histogram_options o = MEXPR_HISTOGRAM_OPTIONS_INIT;
    o.kind = kind;
    o.n_bins = BINS;
    o.rows = ROWS;
    o.columns = COLUMNS;
    o.norm = MEXPR_NORM_L2;
    o.weight = MEXPR_WEIGHT_COUNT;
    o.strain = MEXPR_STRAIN_QUARTER;
    o.min_magnitude = 0.01;
    float values[ROWS * COLUMNS * BINS];
    assert_ok(context,
        mexpr_flow_histogram(context, field, &o, values, ROWS * COLUMNS * BINS, NULL));
    for (int i = 0; i < ROWS * COLUMNS * BINS; i++)
        expect(t, (double)values[i], 1e-9, "%s_r%d_c%d_b%d", name, i / BINS / COLUMNS,
            i / BINS % COLUMNS, i % BINS);
}

static void expect_mdmo(csv *t, const mexpr_field *field)
{
    float xy[2 * MEXPR_MDMO_CORNERS], values[2 * MEXPR_MDMO_REGIONS];
    int32_t corners[MEXPR_MDMO_REGIONS];
    assert_ok(context,
        mexpr_face_regions(context, MEXPR_REGIONS_MDMO, landmarks, xy, corners));
    mexpr_polygons regions = {sizeof regions, xy, corners, MEXPR_MDMO_REGIONS};
    mexpr_mdmo_options o = MEXPR_MDMO_OPTIONS_INIT;
    o.n_bins = BINS;
    o.min_magnitude = 0.01;
    assert_ok(context, mexpr_flow_mdmo(context, field, &regions, &o, values,
                           2 * MEXPR_MDMO_REGIONS, NULL));
    for (int i = 0; i < MEXPR_MDMO_REGIONS; i++) {
        expect(t, (double)values[2 * i], 1e-8, "mdmo_%d_magnitude", i);
        expect(t, (double)values[2 * i + 1], 1e-8, "mdmo_%d_angle", i);
    }
}

static void expect_motion(csv *t, const mexpr_motion *m)
{
    expect(t, m->cx, 1e-6, "motion_cx");
    expect(t, m->cy, 1e-6, "motion_cy");
    expect(t, m->dx, 1e-8, "motion_dx");
    expect(t, m->dy, 1e-8, "motion_dy");
    expect(t, m->angle, 1e-8, "motion_angle");
    expect(t, m->zoom, 1e-8, "motion_zoom");
    expect(t, m->residual, 1e-8, "motion_residual");
    expect(t, (double)m->n_pixels, 0, "motion_n_pixels");
}

/* A fit within the outline of the face: jaw, then the brows backwards. */
static mexpr_motion fit_face(const mexpr_field *field, mexpr_motion_model model)
{
    float xy[2 * OUTLINE];
    for (int i = 0; i < OUTLINE; i++) {
        const int from = i <= 16 ? i : 26 - (i - 17);
        memcpy(xy + (ptrdiff_t)2 * i, landmarks + (ptrdiff_t)2 * from, 2 * sizeof *xy);
    }
    const int32_t corners = OUTLINE;
    mexpr_polygons outline = {sizeof outline, xy, &corners, 1};
    mexpr_image *mask = NULL;
    assert_ok(context,
        mexpr_polygons_mask(context, &outline, 0, clip.width, clip.height, &mask));
    mexpr_motion_options o = MEXPR_MOTION_OPTIONS_INIT;
    o.model = model;
    o.outlier = 0.2;
    mexpr_motion motion = MEXPR_MOTION_INIT;
    assert_ok(context, mexpr_field_fit_motion(context, field, mask, &o, &motion));
    mexpr_image_destroy(&mask);
    return motion;
}

static void all_kinds_are_the_librarys(void **state)
{
    (void)state;
    need_png();
    csv t = run_csv((const char *const[]){"features", paths[0], paths[9], "--kind",
        "motion,mdmo,bi_woof,hoof,histogram,strain,orientation,magnitude,flow",
        "--landmarks", landmark_file("plain.csv"), "--grid", "3x2", "--bins", "6",
        "--norm=l2", "--weight=count", "--min-magnitude=0.01", "--strain=quarter",
        "--compensate=similarity", "--outlier=0.2", "--mask-eyes", "--eye-margin=4",
        NULL});
    mexpr_field *field = flow_of(9);
    const mexpr_motion motion = fit_face(field, MEXPR_MOTION_SIMILARITY);
    assert_ok(context, mexpr_field_subtract_motion(context, field, &motion));
    assert_ok(
        context, mexpr_field_mask_eyes(context, field, landmarks, 4, MEXPR_MASK_UNKNOWN));
    mexpr_image *image = NULL;
    assert_ok(context, mexpr_flow_magnitude(context, field, &image));
    float *magnitude = plane_of(image);
    assert_ok(context, mexpr_flow_strain(context, field, MEXPR_STRAIN_QUARTER, &image));
    float *strain = plane_of(image);
    expect_text(&t, "first", paths[0]);
    expect_text(&t, "second", paths[9]);
    expect_flow(&t, field);
    expect_measures(&t, "magnitude", field, magnitude);
    expect_orientation(&t, field, magnitude);
    expect_measures(&t, "strain", field, strain);
    expect_histogram(&t, "histogram", field, MEXPR_HISTOGRAM_ORIENTED);
    expect_histogram(&t, "hoof", field, MEXPR_HISTOGRAM_HOOF);
    expect_histogram(&t, "bi_woof", field, MEXPR_HISTOGRAM_BI_WOOF);
    expect_mdmo(&t, field);
    expect_motion(&t, &motion);
    expect_end(&t);
    free(strain);
    free(magnitude);
    mexpr_field_destroy(&field);
}

static void motions_are_the_librarys(void **state)
{
    (void)state;
    need_png();
    mexpr_field *field = flow_of(5);
    mexpr_motion patch = MEXPR_MOTION_INIT;
    const int x = (int)floorf(landmarks[2 * NOSE] + 0.5f);
    const int y = (int)floorf(landmarks[2 * NOSE + 1] + 0.5f);
    assert_ok(
        context, mexpr_field_patch_motion(context, field, x - 5, y - 5, 11, 11, &patch));
    const mexpr_motion region = fit_face(field, MEXPR_MOTION_TRANSLATION);
    csv t = run_csv((const char *const[]){"features", paths[0], paths[5], "-k", "motion",
        "--compensate", "patch", "-l", landmark_file("face.pts"), NULL});
    expect_text(&t, "first", paths[0]);
    expect_text(&t, "second", paths[5]);
    expect_motion(&t, &patch);
    expect_end(&t);
    t = run_csv((const char *const[]){"features", paths[0], paths[5], "-k", "motion",
        "--compensate", "region", "--outlier", "0.2", "-l", landmark_file("openface.csv"),
        NULL});
    expect_text(&t, "first", paths[0]);
    expect_text(&t, "second", paths[5]);
    expect_motion(&t, &region);
    expect_end(&t);
    mexpr_field_destroy(&field);
}

/* --- clips ------------------------------------------------------------------------- */

static void lbp_top_is_the_librarys(void **state)
{
    (void)state;
    need_png();
    static const char *const planes[] = {"xy", "xt", "yt"};
    char pattern[512];
    snprintf(pattern, sizeof pattern, "%s", test_path("f%d.png"));
    csv t = run_csv((const char *const[]){"features", "-k", "lbp_top", pattern, "--grid",
        "3x2", "--radius", "2,1,3", "--layers", "2", NULL});
    mexpr_lbp_top_options o = MEXPR_LBP_TOP_OPTIONS_INIT;
    o.rows = ROWS;
    o.columns = COLUMNS;
    o.layers = 2;
    o.radius_x = 2;
    o.radius_t = 3;
    static float values[2 * ROWS * COLUMNS * 3 * 59];
    const int n = (int)(sizeof values / sizeof values[0]);
    assert_ok(context, mexpr_lbp_top(context, (const mexpr_image *const *)frames, FRAMES,
                           &o, values, (size_t)n, NULL));
    expect_text(&t, "clip", pattern);
    for (int i = 0; i < n; i++)
        expect(&t, (double)values[i], 1e-9, "lbp_top_l%d_r%d_c%d_%s_b%d",
            i / (59 * 3 * COLUMNS * ROWS), i / (59 * 3 * COLUMNS) % ROWS,
            i / (59 * 3) % COLUMNS, planes[i / 59 % 3], i % 59);
    expect_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_kinds_are_the_librarys),
        cmocka_unit_test(motions_are_the_librarys),
        cmocka_unit_test(lbp_top_is_the_librarys),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
