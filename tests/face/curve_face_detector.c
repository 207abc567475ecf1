/* SPDX-License-Identifier: MIT */
/* curve_face_detector [--weights FILE] [--choose] [--say] [--sweep] [--every N] DIR:
 * recall and false detections on the held-out pictures as they are and turned, dark,
 * blurred, noisy, covered, as CSV. --choose takes the pictures for choices instead;
 * --sweep goes over thresholds only; --say prints what is missed and false; --every takes
 * one picture of N. */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/rng.h"
#include "detector_score.h"
#include "face/face_detector.h"

static uint8_t pixel(float value)
{
    return (uint8_t)(value > 0 ? (value < 255 ? value + 0.5f : 255) : 0);
}

static void multiply(
    const mx_face_view *view, uint8_t *pixels, const mx_face_box *box, float amount)
{
    (void)box;
    for (size_t i = 0; i < (size_t)view->width * view->height; i++)
        pixels[i] = pixel(amount * pixels[i]);
}

static void add_noise(
    const mx_face_view *view, uint8_t *pixels, const mx_face_box *box, float amount)
{
    mx_rng rng;
    (void)box;
    mx_rng_seed(&rng, 5, view->width);
    for (size_t i = 0; i < (size_t)view->width * view->height; i++)
        pixels[i] = pixel(pixels[i] + amount * (float)mx_rng_normal(&rng));
}

/* Horizontal, then vertical Gaussian; sigma in parts of the face's side. */
static void blur(
    const mx_face_view *view, uint8_t *pixels, const mx_face_box *box, float amount)
{
    enum { MOST = 2048 };
    const float sigma = box ? amount * box->size : 1;
    const int radius = (int)ceilf(3 * sigma);
    uint8_t line[MOST];
    for (int pass = 0; pass < 2; pass++) {
        const int n = (int)(pass ? view->height : view->width);
        const int lines = (int)(pass ? view->width : view->height);
        const size_t go = pass ? view->width : 1, next = pass ? 1 : view->width;
        for (int k = 0; n <= MOST && k < lines; k++) {
            uint8_t *at = pixels + (size_t)k * next;
            for (int i = 0; i < n; i++)
                line[i] = at[(size_t)i * go];
            for (int i = 0; i < n; i++) {
                float sum = 0, weights = 0;
                for (int d = -radius; d <= radius; d++) {
                    const float w = expf(-0.5f * (float)(d * d) / (sigma * sigma));
                    const int from = i + d < 0 ? 0 : i + d >= n ? n - 1 : i + d;
                    sum += w * line[from];
                    weights += w;
                }
                at[(size_t)i * go] = pixel(sum / weights);
            }
        }
    }
}

/* A grey rectangle over part of the face: 1 the eyes, 2 the mouth, 3 the left third,
 * 4 the left half. */
static void cover(
    const mx_face_view *view, uint8_t *pixels, const mx_face_box *box, float amount)
{
    static const float parts[5][4] = {
        {0}, {0, 0.28f, 1, 0.5f}, {0, 0.62f, 1, 1}, {0, 0, 0.33f, 1}, {0, 0, 0.5f, 1}};
    const float *p = parts[(int)amount];
    if (!box)
        return;
    for (uint32_t y = 0; y < view->height; y++)
        for (uint32_t x = 0; x < view->width; x++) {
            const float u = ((float)x - box->x) / box->size;
            const float v = ((float)y - box->y) / box->size;
            if (u >= p[0] && v >= p[1] && u < p[2] && v < p[3])
                pixels[y * view->width + x] = 96;
        }
}

/* In a mirror that goes through the middle of the face, so that its box stays. */
static void mirror(
    const mx_face_view *view, uint8_t *pixels, const mx_face_box *box, float amount)
{
    const int width = (int)view->width;
    const int both = box ? (int)lrintf(2 * box->x + box->size) : width - 1;
    (void)amount;
    for (uint32_t y = 0; y < view->height; y++) {
        const uint8_t *from = view->pixels + y * view->stride;
        uint8_t line[4096];
        for (int x = 0; x < width && x < 4096; x++) {
            const int at = both - x;
            line[x] = from[at < 0 ? 0 : at < width ? at : width - 1];
        }
        memcpy(pixels + y * view->width, line, view->width < 4096 ? view->width : 4096);
    }
}

typedef struct curve {
    const char *name;
    detector_harm harm;
    float amounts[8];
    int n;
    bool turns; /* by amounts in degrees */
} curve;

static const curve curves[] = {
    {"as it is", NULL, {0}, 1, false},
    {"mirrored", mirror, {0}, 1, false},
    {"turned, degrees", NULL, {-40, -30, -20, -10, 10, 20, 30, 40}, 8, true},
    {"light, times", multiply, {0.04f, 0.08f, 0.15f, 0.3f, 1.5f, 2, 3, 4}, 8, false},
    {"blur, sides of the face", blur, {0.01f, 0.02f, 0.03f, 0.05f, 0.08f}, 5, false},
    {"noise, grey levels", add_noise, {5, 10, 20, 30, 50}, 5, false},
    {"covered: eyes, mouth, third, half", cover, {1, 2, 3, 4}, 4, false},
};

typedef struct program {
    const char *folder, *weights;
    int part, every;
    bool say, sweep;
    face_data data;
    mx_scope *scope;
    mx_face_detector *detector;
} program;

static bool print_row(const program *p, const char *name, float shown, detector_harm harm,
    float amount, float angle, float threshold)
{
    detector_score s;
    if (detector_score_run(p->scope, p->detector, &p->data, p->part, threshold, harm,
            amount, angle, p->say, &s) != MEXPR_OK)
        return false;
    printf("\"%s\",%g,%.4f,%.4f,%.4f,%.4f\n", name, (double)shown,
        (double)s.n_found / s.n_faces, s.overlap / (s.n_found + 1e-9),
        (double)s.false_beside / s.n_faces, (double)s.false_others / s.n_others);
    fflush(stdout);
    return true;
}

static bool print_curves(const program *p)
{
    static const float thresholds[] = {
        0.05f, 0.1f, 0.2f, 0.3f, 0.4f, 0.5f, 0.6f, 0.7f, 0.8f, 0.9f, 0.95f, 0.98f, 0.99f};
    bool good = true;
    printf("what,amount,recall,overlap,false per face picture,false per other picture\n");
    for (size_t i = 0; p->sweep && i < sizeof thresholds / sizeof thresholds[0]; i++)
        good =
            good && print_row(p, "threshold", thresholds[i], NULL, 0, 0, thresholds[i]);
    for (size_t c = 0; !p->sweep && c < sizeof curves / sizeof curves[0]; c++)
        for (int i = 0; good && i < curves[c].n; i++) {
            const float amount = curves[c].amounts[i];
            good = print_row(p, curves[c].name, amount, curves[c].harm, amount,
                curves[c].turns ? amount * 3.14159265f / 180 : 0,
                mx_face_detector_threshold());
        }
    return good;
}

/* The other pictures are put where nobody looks. */
static void thin_out(program *p)
{
    for (int i = 0, k = 0; i < p->data.n; i++)
        if (p->data.pictures[i].part == p->part && k++ % p->every != 0)
            p->data.pictures[i].part = -1;
}

static bool make_detector(program *p)
{
    uint8_t *bytes = NULL;
    size_t size;
    if (!p->weights)
        return mx_face_detector_create(p->scope, &p->detector) == MEXPR_OK;
    const bool good =
        mx_file_read(p->scope, p->weights, &bytes, &size) == MEXPR_OK &&
        mx_face_detector_create_from(p->scope, bytes, size, &p->detector) == MEXPR_OK;
    mx_free(p->scope->context, bytes);
    return good;
}

int main(int argc, char **argv)
{
    static const struct option known[] = {{"weights", required_argument, NULL, 'w'},
        {"choose", no_argument, NULL, 'c'}, {"say", no_argument, NULL, 's'},
        {"sweep", no_argument, NULL, 't'}, {"every", required_argument, NULL, 'e'},
        {NULL, 0, NULL, 0}};
    program p = {.part = FACE_HELD_OUT, .every = 1};
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        p.weights = option == 'w' ? optarg : p.weights;
        p.part = option == 'c' ? FACE_VALIDATION : p.part;
        p.every = option == 'e' ? (int)strtol(optarg, NULL, 10) : p.every;
        p.say = p.say || option == 's';
        p.sweep = p.sweep || option == 't';
    }
    if (optind + 1 != argc || p.every < 1) {
        fprintf(stderr, "usage: curve_face_detector [options] DIR\n");
        return 2;
    }
    mexpr_context *context = NULL;
    bool good = mexpr_context_create(NULL, &context) == MEXPR_OK;
    p.scope = good ? mx_context_scope(context) : NULL;
    good = good && make_detector(&p) && face_data_load(context, argv[optind], &p.data);
    thin_out(&p);
    good = good && print_curves(&p);
    if (!good)
        fprintf(stderr, "%s\n", context ? mexpr_context_last_error(context) : "failed");
    face_data_free(&p.data);
    mx_face_detector_destroy(context, &p.detector);
    mexpr_context_destroy(&context);
    return good ? 0 : 1;
}
