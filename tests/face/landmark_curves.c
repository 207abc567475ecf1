/* SPDX-License-Identifier: MIT */
/* How landmarks bear what happens to pictures.
 *
 *     landmark_curves DATA_DIR
 *
 * DATA_DIR holds faces68 and nonfaces; the people are those that nothing was learnt from.
 * Prints CSV: disturbance, its strength, mean error and 95th percentile (over the
 * distance of the outer eye corners), mean confidence, and the share below 0.25. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "face/face_landmark.h"
#include "landmark_cases.h"

enum { STEP = 2, MOST_LEVELS = 8 }; /* every second face */

/* A disturbed picture of a face and where its points are then. */
typedef struct scene {
    uint8_t *pixels;
    int width, height;
    float points[2 * MX_FACE_POINTS];
    mx_rng *rng;
} scene;

typedef void disturb_fn(scene *s, double strength);

static uint8_t to_pixel(double x)
{
    return (uint8_t)fmin(255.0, fmax(0.0, rint(x)));
}

/* Clockwise about the middle of the face, edges repeated. */
static void roll(scene *s, double degrees)
{
    const double c = cos(degrees * 0.017453292519943),
                 t = sin(degrees * 0.017453292519943);
    const mx_face_box box = mx_face_box_around(s->points);
    const double mx = box.x + 0.5 * box.size, my = box.y + 0.5 * box.size;
    uint8_t *old = malloc((size_t)(s->width * s->height));
    if (!old)
        abort();
    memcpy(old, s->pixels, (size_t)(s->width * s->height));
    for (int y = 0; y < s->height; y++) {
        for (int x = 0; x < s->width; x++) {
            const double dx = x - mx, dy = y - my;
            const double u = fmin(s->width - 1.001, fmax(0.0, mx + c * dx + t * dy));
            const double v = fmin(s->height - 1.001, fmax(0.0, my - t * dx + c * dy));
            const uint8_t *p = old + (int)v * s->width + (int)u;
            const double a = u - (int)u, b = v - (int)v;
            s->pixels[y * s->width + x] =
                to_pixel((1 - b) * ((1 - a) * p[0] + a * p[1]) +
                         b * ((1 - a) * p[s->width] + a * p[s->width + 1]));
        }
    }
    for (int i = 0; i < MX_FACE_POINTS; i++) {
        const double dx = s->points[2 * i] - mx, dy = s->points[2 * i + 1] - my;
        s->points[2 * i] = (float)(mx + c * dx - t * dy);
        s->points[2 * i + 1] = (float)(my + t * dx + c * dy);
    }
    free(old);
}

static void brighten(scene *s, double factor)
{
    for (int i = 0; i < s->width * s->height; i++)
        s->pixels[i] = to_pixel(factor * s->pixels[i]);
}

static void add_noise(scene *s, double deviation)
{
    for (int i = 0; i < s->width * s->height; i++)
        s->pixels[i] = to_pixel(s->pixels[i] + deviation * mx_rng_normal(s->rng));
}

static void box_line(uint8_t *line, int n, int step, int reach, int *sums)
{
    sums[0] = 0;
    for (int i = 0; i < n; i++)
        sums[i + 1] = sums[i] + line[i * step];
    for (int i = 0; i < n; i++) {
        const int from = i - reach < 0 ? 0 : i - reach;
        const int to = i + reach + 1 > n ? n : i + reach + 1;
        line[i * step] =
            (uint8_t)((sums[to] - sums[from] + (to - from) / 2) / (to - from));
    }
}

/* Three means in a row, whose standard deviation is a percentage of the face's box. */
static void blur(scene *s, double percentage)
{
    const double sigma = 0.01 * percentage * mx_face_box_around(s->points).size;
    const int reach = (int)lrint(0.5 * (sqrt(4.0 * sigma * sigma + 1.0) - 1.0));
    int *sums = malloc(sizeof *sums * (size_t)(s->width + s->height + 1));
    if (!sums)
        abort();
    for (int pass = 0; pass < 3 && reach > 0; pass++) {
        for (int y = 0; y < s->height; y++)
            box_line(s->pixels + y * s->width, s->width, 1, reach, sums);
        for (int x = 0; x < s->width; x++)
            box_line(s->pixels + x, s->height, s->width, reach, sums);
    }
    free(sums);
}

/* A grey square of this percentage of the box's area, somewhere inside of it. */
static void cover(scene *s, double percentage)
{
    const mx_face_box box = mx_face_box_around(s->points);
    const double side = sqrt(0.01 * percentage) * box.size;
    const int left = (int)(box.x + (box.size - side) * mx_rng_uniform(s->rng));
    const int top = (int)(box.y + (box.size - side) * mx_rng_uniform(s->rng));
    for (int y = top < 0 ? 0 : top; y < top + (int)side && y < s->height; y++) {
        for (int x = left < 0 ? 0 : left; x < left + (int)side && x < s->width; x++)
            s->pixels[y * s->width + x] = 110;
    }
}

static void mirror(scene *s, double strength)
{
    static const uint8_t other[MX_FACE_POINTS] = {16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6,
        5, 4, 3, 2, 1, 0, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 27, 28, 29, 30, 35, 34,
        33, 32, 31, 45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40, 54, 53, 52, 51, 50,
        49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65};
    float old[2 * MX_FACE_POINTS];
    (void)strength;
    for (int y = 0; y < s->height; y++) {
        uint8_t *row = s->pixels + y * s->width;
        for (int x = 0; x < s->width / 2; x++) {
            const uint8_t pixel = row[x];
            row[x] = row[s->width - 1 - x];
            row[s->width - 1 - x] = pixel;
        }
    }
    memcpy(old, s->points, sizeof old);
    for (int i = 0; i < MX_FACE_POINTS; i++) {
        s->points[2 * i] = (float)(s->width - 1) - old[2 * other[i]];
        s->points[2 * i + 1] = old[2 * other[i] + 1];
    }
}

static const struct curve {
    const char *name;
    disturb_fn *disturb;
    int n;
    double strengths[MOST_LEVELS];
} curves[] = {
    {"roll in degrees", roll, 8, {0, 10, 20, 30, 40, 60, -15, -30}},
    {"brightness", brighten, 7, {0.5, 0.25, 0.1, 0.05, 1.5, 2.5, 4}},
    {"blur in % of the box", blur, 5, {1, 2, 3, 5, 8}},
    {"noise in grey levels", add_noise, 5, {2, 5, 10, 20, 40}},
    {"cover in % of the box", cover, 5, {5, 10, 20, 30, 50}},
    {"mirror", mirror, 1, {1}},
};

/* A private copy of the pixels, so that they can be changed. */
static void load(scene *s, const face_picture *face)
{
    const mx_face_view view = face->view;
    s->width = (int)view.width;
    s->height = (int)view.height;
    memcpy(s->points, face->points, sizeof s->points);
    s->pixels = malloc((size_t)(s->width * s->height));
    if (!s->pixels)
        abort();
    for (int y = 0; y < s->height; y++)
        memcpy(
            s->pixels + y * s->width, view.pixels + (size_t)y * view.stride, view.width);
}

static void print_level(mx_scope *scope, mx_face_landmarker *landmarker,
    const landmark_cases *cases, const struct curve *curve, double strength)
{
    double *errors = malloc(sizeof *errors * (size_t)cases->n_faces), trust = 0.0;
    int n = 0, unsure = 0;
    mx_rng rng;
    mx_rng_seed(&rng, 1, 0);
    for (int i = 0; i < cases->n_faces && errors; i += STEP, n++) {
        scene s = {.rng = &rng};
        float points[2 * MX_FACE_POINTS], confidence = 0.0f;
        load(&s, cases->faces[i]);
        curve->disturb(&s, strength);
        const mx_face_view view = {
            s.pixels, (size_t)s.width, (uint32_t)s.width, (uint32_t)s.height};
        const mx_face_box box = landmark_case_box(&rng, s.points);
        if (mx_face_landmarker_run(scope, landmarker, &view, &box, points, &confidence) !=
            MEXPR_OK)
            fprintf(stderr, "%s\n", scope->error);
        errors[n] = landmark_case_error(points, s.points);
        trust += confidence;
        unsure += confidence < 0.25f;
        free(s.pixels);
    }
    const landmark_errors e = landmark_errors_of(errors, n);
    printf("%s,%g,%.4f,%.4f,%.3f,%.4f\n", curve->name, strength, e.mean, e.p95, trust / n,
        (double)unsure / n);
    free(errors);
}

int main(int argc, char **argv)
{
    mexpr_context *context = NULL;
    mx_face_landmarker *landmarker = NULL;
    landmark_cases cases;
    if (argc != 2) {
        fprintf(stderr, "usage: %s DATA_DIR\n", argv[0]);
        return 2;
    }
    if (mexpr_context_create(NULL, &context) != MEXPR_OK)
        return 1;
    mx_scope *scope = mx_context_scope(context);
    const bool good = landmark_cases_read(context, argv[1], &cases) &&
                      mx_face_landmarker_create(scope, &landmarker) == MEXPR_OK;
    if (good)
        printf("disturbance,strength,error,p95,confidence,unsure\n");
    for (size_t i = 0; i < sizeof curves / sizeof curves[0] && good; i++) {
        for (int j = 0; j < curves[i].n; j++)
            print_level(scope, landmarker, &cases, &curves[i], curves[i].strengths[j]);
    }
    landmark_cases_free(&cases);
    if (landmarker)
        mx_face_landmarker_destroy(context, &landmarker);
    mexpr_context_destroy(&context);
    return good ? 0 : 1;
}
