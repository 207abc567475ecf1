/* SPDX-License-Identifier: MIT */
/* Checks that the drawn face keeps its promises; prints what fails, returns how many. */
#include "face_render.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

static void check(bool ok, const char *what, double value)
{
    if (ok)
        return;
    failures++;
    printf("FAIL %s (%g)\n", what, value);
}

/* One clip with room for two frames and a flow. */
struct bench {
    struct face_clip_options clip;
    float *first, *second, *u, *v;
    uint8_t *kind;
};

static size_t n_pixels(const struct face_clip_options *clip)
{
    return (size_t)clip->width * (size_t)clip->height;
}

static struct bench open_bench(const struct face_clip_options *clip)
{
    size_t n = n_pixels(clip);
    struct bench bench = {.clip = *clip};
    bench.first = malloc(4 * n * sizeof(float));
    bench.kind = malloc(n);
    if (!bench.first || !bench.kind) {
        puts("FAIL out of memory");
        exit(1);
    }
    bench.second = bench.first + n;
    bench.u = bench.first + 2 * n;
    bench.v = bench.first + 3 * n;
    return bench;
}

static void close_bench(struct bench *bench)
{
    free(bench->first);
    free(bench->kind);
}

/* Catmull-Rom weights of the four samples around a fraction. */
static void cubic_weights(double f, double w[4])
{
    w[0] = f * (-0.5 + f * (1.0 - 0.5 * f));
    w[1] = 1.0 + f * f * (-2.5 + 1.5 * f);
    w[2] = f * (0.5 + f * (2.0 - 1.5 * f));
    w[3] = f * f * (-0.5 + 0.5 * f);
}

/* The picture between its pixels; the caller stays two pixels off the border. */
static double between(const float *grey, int width, double x, double y)
{
    int ix = (int)floor(x), iy = (int)floor(y);
    double wx[4], wy[4], sum = 0.0;
    cubic_weights(x - ix, wx);
    cubic_weights(y - iy, wy);
    for (int j = 0; j < 4; j++)
        for (int i = 0; i < 4; i++)
            sum += wy[j] * wx[i] * grey[(iy - 1 + j) * width + ix - 1 + i];
    return sum;
}

struct agreement {
    double mean, worst, unwarped; /* grey levels */
    long n_head, n_background;
};

/* Frame t1 fetched along the flow against frame t0, over the pixels of known truth. */
static struct agreement compare(struct bench *bench, int t0, int t1)
{
    const struct face_clip_options *clip = &bench->clip;
    struct agreement a = {0};
    face_clip_frame_float(clip, t0, bench->first, clip->width);
    face_clip_frame_float(clip, t1, bench->second, clip->width);
    face_clip_flow(clip, t0, t1, bench->u, bench->v, bench->kind);
    for (int y = 0; y < clip->height; y++)
        for (int x = 0; x < clip->width; x++) {
            int i = y * clip->width + x;
            double px = x + (double)bench->u[i], py = y + (double)bench->v[i];
            if (bench->kind[i] == FACE_PIXEL_UNKNOWN || px < 2.0 || py < 2.0 ||
                px > clip->width - 3.0 || py > clip->height - 3.0)
                continue;
            double error =
                fabs(between(bench->second, clip->width, px, py) - bench->first[i]);
            a.mean += error;
            a.worst = fmax(a.worst, error);
            a.unwarped += fabs((double)bench->second[i] - bench->first[i]);
            a.n_head += bench->kind[i] == FACE_PIXEL_HEAD;
            a.n_background += bench->kind[i] == FACE_PIXEL_BACKGROUND;
        }
    double n = (double)(a.n_head + a.n_background);
    a.mean /= n;
    a.unwarped /= n;
    return a;
}

static void add_all_actions(struct face_clip_options *clip, double intensity)
{
    for (int i = 0, au; face_action_unit(i, &au); i++)
        face_clip_add_action(clip, au, FACE_BOTH, intensity);
}

static void test_profile(void)
{
    struct face_clip_options clip = face_clip_defaults(1);
    check(face_clip_profile(&clip, clip.onset) == 0.0, "profile at onset", 0);
    check(face_clip_profile(&clip, clip.offset) == 0.0, "profile at offset", 0);
    check(fabs(face_clip_profile(&clip, clip.apex) - 1.0) < 1e-12, "profile at apex",
        face_clip_profile(&clip, clip.apex));
    for (int t = 1; t < clip.n_frames; t++) {
        double step = face_clip_profile(&clip, t) - face_clip_profile(&clip, t - 1);
        check(t <= clip.apex ? step >= 0.0 : step <= 0.0, "profile rises and falls", t);
        check(fabs(step) < 0.25, "profile is smooth", t);
    }
}

static void test_determinism(void)
{
    struct face_clip_options clip = face_clip_defaults(3);
    size_t n = n_pixels(&clip);
    uint8_t *a = malloc(n), *b = malloc(n);
    if (!a || !b)
        exit(1);
    clip.noise_sigma = 2.0;
    face_clip_add_action(&clip, 12, FACE_BOTH, 1.0);
    face_clip_frame(&clip, 9, a, clip.width);
    face_clip_frame(&clip, 9, b, clip.width);
    check(memcmp(a, b, n) == 0, "same clip, same frame", 0);
    face_clip_frame(&clip, 10, b, clip.width);
    check(memcmp(a, b, n) != 0, "frames differ", 0);
    struct face_clip_options other = face_clip_defaults(4);
    face_clip_frame(&other, 9, b, clip.width);
    check(memcmp(a, b, n) != 0, "people differ", 0);
    free(a);
    free(b);
}

static void test_sensor_noise(void)
{
    struct face_clip_options clip = face_clip_defaults(5);
    struct bench bench = open_bench(&clip);
    size_t n = n_pixels(&clip);
    double sum = 0.0, squares = 0.0;
    face_clip_frame_float(&clip, 0, bench.first, clip.width);
    clip.noise_sigma = 3.0;
    face_clip_frame_float(&clip, 0, bench.second, clip.width);
    for (size_t i = 0; i < n; i++) {
        double d = (double)bench.second[i] - bench.first[i];
        sum += d;
        squares += d * d;
    }
    double sigma = sqrt(squares / (double)n);
    check(fabs(sum / (double)n) < 0.1, "noise has mean zero", sum / (double)n);
    check(fabs(sigma - 3.0) < 0.1, "noise has its sigma", sigma);
    close_bench(&bench);
}

static void test_still(void)
{
    struct face_clip_options clip = face_clip_defaults(2);
    struct bench bench = open_bench(&clip);
    struct agreement a = compare(&bench, clip.onset, clip.apex);
    double most = 0.0;
    for (size_t i = 0; i < n_pixels(&clip); i++)
        most = fmax(most, fabs(bench.u[i]) + fabs(bench.v[i]));
    check(most < 1e-5, "no action, no flow", most);
    check(a.unwarped == 0.0, "no action, same picture", a.unwarped);
    close_bench(&bench);
}

/* The flow of a pixel next to each landmark against the landmark's own way. */
static void test_landmarks(struct bench *bench, int t0, int t1)
{
    const struct face_clip_options *clip = &bench->clip;
    float a[2 * FACE_LANDMARKS], b[2 * FACE_LANDMARKS];
    face_clip_landmarks(clip, t0, a);
    face_clip_landmarks(clip, t1, b);
    face_clip_flow(clip, t0, t1, bench->u, bench->v, bench->kind);
    for (int i = 17; i < FACE_LANDMARKS; i++) {
        float x = a[2 * i], y = a[2 * i + 1];
        if (x < 2.0F || y < 2.0F || x > clip->width - 3.0F || y > clip->height - 3.0F)
            continue;
        double du = between(bench->u, clip->width, x, y) - (b[2 * i] - x);
        double dv = between(bench->v, clip->width, x, y) - (b[2 * i + 1] - y);
        check(fabs(du) + fabs(dv) < 0.02, "landmark moves with the flow", i);
    }
}

static void test_truth(
    const char *what, const struct face_clip_options *clip, int t0, int t1, double limit)
{
    struct bench bench = open_bench(clip);
    struct agreement a = compare(&bench, t0, t1);
    double n = (double)n_pixels(clip);
    printf(
        "%-14s head %4.1f%%, background %4.1f%%, difference %.2f -> %.3f, worst %.1f\n",
        what, 100.0 * (double)a.n_head / n, 100.0 * (double)a.n_background / n,
        a.unwarped, a.mean, a.worst);
    check(a.n_head > 0, "some head is known", 0);
    check(a.mean < limit, what, a.mean);
    check(a.mean < 0.35 * a.unwarped, what, a.mean / a.unwarped);
    test_landmarks(&bench, t0, t1);
    close_bench(&bench);
}

static void test_truths(void)
{
    struct face_clip_options clip = face_clip_defaults(6);
    face_clip_add_action(&clip, 12, FACE_BOTH, 1.0);
    face_clip_add_action(&clip, 1, FACE_LEFT, 0.7);
    test_truth("expression", &clip, clip.onset, clip.apex, 0.3);
    test_truth("between frames", &clip, 9, 17, 0.3);

    clip.drift = (struct face_pose){0.21, -0.13, 0.003, 0.001};
    test_truth("moving head", &clip, clip.onset, clip.apex, 0.5);

    clip = face_clip_defaults(7);
    add_all_actions(&clip, 1.0);
    test_truth("all actions", &clip, clip.onset, clip.apex, 1.0);

    clip = face_clip_defaults(8);
    clip.width = 320;
    clip.height = 240;
    clip.face_x = 180.0;
    clip.face_y = 110.0;
    clip.face_size = 90.0;
    face_clip_add_action(&clip, 4, FACE_BOTH, 1.0);
    clip.drift.dx = 0.5;
    test_truth("whole frame", &clip, 0, 12, 0.4);
}

/* There and back again: the flow of the arrival point returns to the start. */
static void test_inverse(void)
{
    struct face_clip_options clip = face_clip_defaults(9);
    add_all_actions(&clip, 1.0);
    struct bench bench = open_bench(&clip);
    size_t n = n_pixels(&clip);
    float *back = malloc(2 * n * sizeof *back);
    if (!back)
        exit(1);
    face_clip_flow(&clip, clip.onset, clip.apex, bench.u, bench.v, bench.kind);
    face_clip_flow(&clip, clip.apex, clip.onset, back, back + n, NULL);
    double worst = 0.0;
    for (int y = 2; y < clip.height - 2; y++)
        for (int x = 2; x < clip.width - 2; x++) {
            int i = y * clip.width + x;
            double px = x + (double)bench.u[i], py = y + (double)bench.v[i];
            if (bench.kind[i] != FACE_PIXEL_HEAD || px < 2.0 || py < 2.0 ||
                px > clip.width - 3.0 || py > clip.height - 3.0)
                continue;
            double ru = between(back, clip.width, px, py) + bench.u[i];
            double rv = between(back + n, clip.width, px, py) + bench.v[i];
            worst = fmax(worst, fabs(ru) + fabs(rv));
        }
    check(worst < 0.05, "flow there and back", worst);
    free(back);
    close_bench(&bench);
}

static double travel(const struct face_clip_options *clip, int landmark)
{
    float a[2 * FACE_LANDMARKS], b[2 * FACE_LANDMARKS];
    face_clip_landmarks(clip, clip->onset, a);
    face_clip_landmarks(clip, clip->apex, b);
    double dx = (double)b[2 * landmark] - a[2 * landmark];
    double dy = (double)b[2 * landmark + 1] - a[2 * landmark + 1];
    return sqrt(dx * dx + dy * dy);
}

static void test_amplitude(void)
{
    static const struct {
        int au, landmark;
    } cases[] = {{1, 21}, {2, 25}, {4, 22}, {6, 46}, {9, 35}, {10, 52}, {12, 54},
        {15, 48}, {20, 54}};
    for (uint64_t seed = 0; seed < 8; seed++)
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            struct face_clip_options clip = face_clip_defaults(seed);
            face_clip_add_action(&clip, cases[i].au, FACE_BOTH, 1.0);
            double full = travel(&clip, cases[i].landmark);
            check(full > 0.7 && full < 3.2, "travel at intensity 1", full);
            if (cases[i].au == 12)
                check(full > 1.5 && full < 3.0, "smile at intensity 1", full);
            clip.actions[0].intensity = 0.5;
            double half = travel(&clip, cases[i].landmark);
            check(half > 0.4 * full && half < 0.6 * full, "half the intensity", half);
        }
}

static void test_sides(void)
{
    struct face_clip_options clip = face_clip_defaults(1);
    check(face_clip_add_action(&clip, 12, FACE_LEFT, 1.0), "AU 12 is known", 0);
    check(!face_clip_add_action(&clip, 99, FACE_BOTH, 1.0), "AU 99 is not", 0);
    check(travel(&clip, 54) > 1.5 && travel(&clip, 48) < 0.05, "only the left side",
        travel(&clip, 48));
}

/* Any person at any size: landmarks lie in the face box, in order, and grey is grey. */
static void test_sizes(void)
{
    static const int sizes[][2] = {{28, 28}, {64, 64}, {224, 224}};
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct face_clip_options clip = face_clip_defaults(seed);
        float xy[2 * FACE_LANDMARKS], box[4];
        face_clip_landmarks(&clip, 0, xy);
        face_clip_box(&clip, 0, box);
        float slack = 0.06F * box[2];
        for (int i = 0; i < FACE_LANDMARKS; i++) {
            float x = xy[2 * i] - box[0], y = xy[2 * i + 1] - box[1];
            check(x > -slack && x < box[2] + slack && y > -slack && y < box[3] + slack,
                "landmark in the face box", i);
        }
        check(fabs(xy[2 * 8 + 1] - box[1] - box[3]) < slack, "chin on the box", xy[17]);
        check(xy[2 * 36] < xy[2 * 39] && xy[2 * 39] < xy[2 * 42], "eyes in order", 0);
        check(xy[2 * 51 + 1] < xy[2 * 57 + 1], "lips in order", 0);
    }
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct face_clip_options clip = face_clip_defaults(i);
        face_clip_resize(&clip, sizes[i][0], sizes[i][1]);
        struct bench bench = open_bench(&clip);
        double sum = 0.0;
        face_clip_frame_float(&clip, 0, bench.first, clip.width);
        for (size_t k = 0; k < n_pixels(&clip); k++)
            sum +=
                bench.first[k] > -1.0F && bench.first[k] < 300.0F ? bench.first[k] : NAN;
        sum /= (double)n_pixels(&clip);
        check(sum > 50.0 && sum < 200.0, "mean grey", sum);
        close_bench(&bench);
    }
}

int main(void)
{
    test_profile();
    test_determinism();
    test_sensor_noise();
    test_still();
    test_truths();
    test_inverse();
    test_amplitude();
    test_sides();
    test_sizes();
    printf("%d failure(s)\n", failures);
    return failures != 0;
}
