/* SPDX-License-Identifier: MIT */
/* What MEXPR_FLOW_METHOD_TVL1_FAST gains, and how far it and the default method stop from
 * where both go: the default method with 5 warps run to epsilon 3e-4.
 *
 *     bench_flow_fast [--rounds N] [--middlebury]
 *
 * On faces drawn by formula, with sensor noise and a drifting head; with --middlebury
 * also on the sequences of the folder in MEXPR_TEST_DATA, with the errors against their
 * truth, which takes minutes. Rounds take turns between the two methods; medians of
 * processor time on one thread, and the load average. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "face_render.h"
#include "microexpr/microexpr.h"

enum { MAX_ROUNDS = 99 };

typedef struct contest {
    mexpr_context *context;
    int rounds;
    double speeds, nearness; /* sums */
    int n;
} contest;

static void check(mexpr_status status, const char *what)
{
    if (status != MEXPR_OK) {
        fprintf(stderr, "%s: %s\n", what, mexpr_status_message(status));
        exit(1);
    }
}

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static double load_average(void)
{
    double load = 0;
    FILE *file = fopen("/proc/loadavg", "r");
    if (file && fscanf(file, "%lf", &load) != 1)
        load = 0;
    if (file)
        fclose(file);
    return load;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int n)
{
    qsort(values, (size_t)n, sizeof *values, by_value);
    return values[n / 2];
}

static mexpr_flow *estimator(const contest *c, mexpr_flow_method method)
{
    mexpr_flow *flow;
    check(mexpr_flow_create(c->context, &flow), "estimator");
    check(mexpr_flow_set(flow, MEXPR_FLOW_METHOD, method), "method");
    return flow;
}

static mexpr_field *new_field(const contest *c, const mexpr_image *picture)
{
    mexpr_field *field;
    check(mexpr_field_create(c->context, mexpr_image_width(picture),
              mexpr_image_height(picture), &field),
        "field");
    return field;
}

static double distance(const contest *c, const mexpr_field *a, const mexpr_field *b)
{
    double mean = 0;
    check(mexpr_field_difference(c->context, a, b, &mean, NULL), "distance");
    return mean;
}

static mexpr_field *at_rest(const contest *c, mexpr_image *const *pictures)
{
    mexpr_flow *flow = estimator(c, MEXPR_FLOW_METHOD_TVL1);
    mexpr_field *field = new_field(c, pictures[0]);
    check(mexpr_flow_set(flow, MEXPR_FLOW_EPSILON, 3e-4), "epsilon");
    check(mexpr_flow_set(flow, MEXPR_FLOW_ITERATIONS, 20000), "iterations");
    check(mexpr_flow_compute(flow, pictures[0], pictures[1], field), "flow at rest");
    mexpr_flow_destroy(&flow);
    return field;
}

/* `truth` may be NULL. */
static void compare(
    contest *c, const char *name, mexpr_image *const *pictures, const mexpr_field *truth)
{
    mexpr_flow *flows[2];
    mexpr_field *fields[2], *rest = at_rest(c, pictures);
    double ms[2][MAX_ROUNDS], ratios[MAX_ROUNDS];
    for (int i = 0; i < 2; i++) {
        flows[i] = estimator(c, (mexpr_flow_method)i);
        fields[i] = new_field(c, pictures[0]);
    }
    for (int round = -1; round < c->rounds; round++) {
        for (int i = 0; i < 2; i++) {
            const double begin = now_ms();
            check(
                mexpr_flow_compute(flows[i], pictures[0], pictures[1], fields[i]), name);
            if (round >= 0)
                ms[i][round] = now_ms() - begin;
        }
        if (round >= 0)
            ratios[round] = ms[0][round] / ms[1][round];
    }
    const double far[2] = {distance(c, fields[0], rest), distance(c, fields[1], rest)};
    const double speed = median(ratios, c->rounds);
    printf("%-24s %7.2f ms %7.2f ms  %.2f x  from rest %.4f %.4f px", name,
        median(ms[0], c->rounds), median(ms[1], c->rounds), speed, far[0], far[1]);
    if (truth)
        printf("  from the truth %.4f %.4f", distance(c, fields[0], truth),
            distance(c, fields[1], truth));
    printf("  (load %.1f)\n", load_average());
    fflush(stdout);
    c->speeds += speed;
    c->nearness += far[1] / far[0];
    c->n++;
    for (int i = 0; i < 2; i++) {
        mexpr_field_destroy(&fields[i]);
        mexpr_flow_destroy(&flows[i]);
    }
    mexpr_field_destroy(&rest);
}

static void face(contest *c, uint64_t seed, int action, int width, int height)
{
    struct face_clip_options clip = face_clip_defaults(seed);
    mexpr_image *pictures[2];
    char name[64];
    face_clip_resize(&clip, width, height);
    face_clip_add_action(&clip, action, FACE_BOTH, 0.6);
    clip.drift.dx = 0.02;
    clip.noise_sigma = 1;
    for (int i = 0; i < 2; i++) {
        check(mexpr_image_create(
                  c->context, MEXPR_FORMAT_GREY8, width, height, &pictures[i]),
            "picture");
        face_clip_frame(&clip, i ? clip.apex : clip.onset,
            (uint8_t *)mexpr_image_pixels(pictures[i]),
            (int)mexpr_image_stride(pictures[i]));
    }
    snprintf(
        name, sizeof name, "face %d, AU %d, %d x %d", (int)seed, action, width, height);
    compare(c, name, pictures, NULL);
    mexpr_image_destroy(&pictures[0]);
    mexpr_image_destroy(&pictures[1]);
}

static void sequence(contest *c, const char *folder, const char *name)
{
    static const char *const files[] = {"frame10_gray.png", "frame11_gray.png"};
    char path[512];
    mexpr_image *pictures[2];
    mexpr_field *truth;
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/middlebury/%s/%s", folder, name, files[i]);
        check(mexpr_image_read(c->context, path, MEXPR_COLOUR_GREY, &pictures[i]), path);
    }
    snprintf(path, sizeof path, "%s/middlebury/%s/flow10.flo", folder, name);
    check(mexpr_field_read_flo(c->context, path, &truth), path);
    compare(c, name, pictures, truth);
    mexpr_field_destroy(&truth);
    mexpr_image_destroy(&pictures[0]);
    mexpr_image_destroy(&pictures[1]);
}

static void print_means(contest *c, const char *what)
{
    printf("%s, means: %.2f x, %.2f times as far\n", what, c->speeds / c->n,
        c->nearness / c->n);
    c->speeds = c->nearness = c->n = 0;
}

int main(int argc, char **argv)
{
    static const struct {
        uint64_t seed;
        int action, width, height;
    } faces[] = {{11, 1, 280, 340}, {12, 15, 128, 128}, {14, 6, 224, 224},
        {31, 1, 96, 96}, {32, 6, 96, 96}, {33, 15, 96, 96}, {36, 12, 224, 224},
        {37, 4, 140, 170}, {38, 9, 140, 170}, {40, 2, 170, 170}};
    static const char *const names[] = {"Dimetrodon", "Grove2", "RubberWhale", "Urban2"};
    contest c = {.rounds = 7};
    const char *folder = getenv("MEXPR_TEST_DATA");
    bool has_sequences = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--middlebury") == 0)
            has_sequences = folder && *folder;
        else if (strcmp(argv[i], "--rounds") == 0 && i + 1 < argc)
            c.rounds = atoi(argv[++i]);
    }
    if (c.rounds < 1 || c.rounds > MAX_ROUNDS)
        c.rounds = 7;
    check(mexpr_context_create(NULL, &c.context), "context");
    printf("TVL1, TVL1_FAST\n");
    for (size_t i = 0; i < sizeof faces / sizeof faces[0]; i++)
        face(&c, faces[i].seed, faces[i].action, faces[i].width, faces[i].height);
    print_means(&c, "faces");
    for (int i = 0; has_sequences && i < 4; i++)
        sequence(&c, folder, names[i]);
    if (has_sequences)
        print_means(&c, "Middlebury");
    mexpr_context_destroy(&c.context);
    return 0;
}
