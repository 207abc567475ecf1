/* SPDX-License-Identifier: MIT */
/* Clips of drawn faces whose heads move: how much of that is left after aligning. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "face_render.h"
#include "microexpr/microexpr.h"
#include "support.h"

enum { WIDTH = 320, HEIGHT = 240, N_FRAMES = 12, N_POINTS = MEXPR_LANDMARKS_68 };

static const double limit = 0.1; /* px */

/* A whole frame with a face of 130 px, and a head that moves along `path`. */
static struct face_clip_options make_clip(uint64_t seed, const struct face_pose *path)
{
    struct face_clip_options clip = face_clip_defaults(seed);
    face_clip_resize(&clip, WIDTH, HEIGHT);
    clip.face_x = 158.3;
    clip.face_y = 122.7;
    clip.face_size = 118;
    clip.n_frames = N_FRAMES;
    clip.onset = 0;
    clip.apex = 6;
    clip.offset = N_FRAMES - 1;
    clip.path = path;
    clip.noise_sigma = 1;
    return clip;
}

/* ±10 px and ±5°, ±3 % of size: every frame far from the one before. */
static void fill_path(struct face_pose path[N_FRAMES])
{
    static const double way[N_FRAMES][4] = {{0, 0, 0, 0}, {3.3, -1.2, 1, 0.004},
        {6.1, -4.4, 2.2, 0.01}, {10, -7.7, 3.6, 0.02}, {8.2, -10, 5, 0.03},
        {2.7, -6.1, 2.8, 0.02}, {-3.9, -0.3, 0.3, 0}, {-10, 4.2, -2.1, -0.01},
        {-8.8, 10, -5, -0.03}, {-4.6, 7.3, -3.3, -0.02}, {-1.1, 2.9, -1.4, -0.01},
        {0.4, 0.6, -0.2, 0}};
    for (int t = 0; t < N_FRAMES; t++)
        path[t] = (struct face_pose){way[t][0], way[t][1],
            way[t][2] * 3.14159265358979 / 180, way[t][3]};
}

static mexpr_image *draw(mexpr_context *context, const struct face_clip_options *clip, int t)
{
    mexpr_image *image;
    assert_ok(context, mexpr_image_create(context, MEXPR_FORMAT_GREY8, clip->width,
                           clip->height, &image));
    face_clip_frame(clip, t, mexpr_image_pixels(image), (int)mexpr_image_stride(image));
    return image;
}

/* Largest distance, over the points of the head, from where they are in the onset's crop:
 * the landmarks of the same head without expression, carried by each frame's transform. */
static double residual(const struct face_clip_options *clip, int t,
    const double onset[6], const double matrix[6])
{
    struct face_clip_options still = *clip;
    float a[2 * N_POINTS], b[2 * N_POINTS];
    double largest = 0;
    still.n_actions = 0;
    face_clip_landmarks(&still, clip->onset, a);
    face_clip_landmarks(&still, t, b);
    for (int i = 0; i < 2 * N_POINTS; i += 2) {
        const double dx = onset[0] * a[i] + onset[1] * a[i + 1] + onset[2] -
                          (matrix[0] * b[i] + matrix[1] * b[i + 1] + matrix[2]);
        const double dy = onset[3] * a[i] + onset[4] * a[i + 1] + onset[5] -
                          (matrix[3] * b[i] + matrix[4] * b[i + 1] + matrix[5]);
        largest = fmax(largest, hypot(dx, dy));
    }
    return largest;
}

/* Aligns all frames; returns the largest residual. `landmarks` of each frame are given, or
 * of the onset alone. */
static double align(mexpr_context *context, const struct face_clip_options *clip,
    const mexpr_align_options *options, bool give_landmarks, double *before)
{
    mexpr_aligner *aligner;
    float landmarks[2 * N_POINTS];
    double onset[6], worst = 0;
    mexpr_crop crop = MEXPR_CROP_INIT;
    assert_int_equal(mexpr_crop_find("140x170", &crop), MEXPR_OK);
    assert_ok(context, mexpr_aligner_create(context, options, &aligner));
    mexpr_image *first = draw(context, clip, clip->onset);
    face_clip_landmarks(clip, clip->onset, landmarks);
    assert_ok(context, mexpr_crop_transform(context, &crop, landmarks, onset));
    assert_int_equal(mexpr_aligner_begin(aligner, first, landmarks), MEXPR_OK);
    mexpr_image_destroy(&first);
    *before = 0;
    for (int t = clip->onset + 1; t < clip->n_frames; t++) {
        mexpr_alignment report = MEXPR_ALIGNMENT_INIT;
        mexpr_image *frame = draw(context, clip, t);
        face_clip_landmarks(clip, t, landmarks);
        assert_int_equal(mexpr_aligner_push(aligner, frame,
                             give_landmarks ? landmarks : NULL, &report),
            MEXPR_OK);
        mexpr_image_destroy(&frame);
        const double now = residual(clip, t, onset, report.matrix);
        if (getenv("VERBOSE"))
            print_message("%d: %.3f px left, told %.4f, corr %.4f, n %d, lost %d, before %.2f %.2f %.3f\n", t, now, report.residual,
                report.correlation, report.iterations, report.is_lost, report.before.dx, report.before.dy, report.before.angle * 57.3);
        assert_false(report.is_lost);
        *before = fmax(*before, hypot(report.before.dx, report.before.dy));
        worst = fmax(worst, now);
    }
    mexpr_aligner_destroy(&aligner);
    return worst;
}

static const struct {
    const char *name;
    int au[3];
} faces[] = {{"neutral", {0}}, {"smile", {6, 12, 0}}, {"frown", {4, 0}},
    {"surprise", {1, 2, 26}}, {"disgust", {9, 10, 0}}, {"sad", {1, 15, 17}}};

enum { N_FACES = sizeof faces / sizeof faces[0] };

static void heads_stand_still(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    struct face_pose path[N_FRAMES];
    fill_path(path);
    for (int k = 0; k < N_FACES; k++) {
        struct face_clip_options clip = make_clip((uint64_t)k + 1, path);
        double before, moved;
        for (int i = 0; i < 3 && faces[k].au[i]; i++)
            face_clip_add_action(&clip, faces[k].au[i], FACE_BOTH, 0.6);
        const double with = align(context, &clip, NULL, true, &before);
        const double without = align(context, &clip, NULL, false, &moved);
        print_message("%-10s moved %5.2f px, left %.3f px; without landmarks %.3f px\n",
            faces[k].name, before, with, without);
    }
    mexpr_context_destroy(&context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_stand_still),
    };
    (void)limit;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
