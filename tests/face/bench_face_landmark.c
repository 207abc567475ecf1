/* SPDX-License-Identifier: MIT */
/* How long landmarks take on one thread, in processor time: the least of many rounds, in
 * which all instruction sets take turns; each works once before it is timed, so that the
 * others' weights are out of the way. The face is drawn by formula.
 *
 *     bench_face_landmark [--rounds N] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "face/face_landmark.h"
#include "face/landmark_crop.h"
#include "face_render.h"

enum { N_SETS = 3, N_SIZES = 4, N_PARTS = 4, WIDTH = 640, HEIGHT = 480 };

static const struct {
    const char *name;
    uint32_t mask;
} sets[N_SETS] = {{"c", 0}, {"avx2", MEXPR_CPU_AVX2}, {"all", MEXPR_CPU_ALL}};
static const double sizes[N_SIZES] = {50, 130, 300, 440};
static const char *const parts[N_PARTS] = {
    "from a box", "followed", "crop of 40", "crop of 64"};

typedef struct setup {
    mexpr_context *context;
    mx_face_landmarker *landmarker;
    mx_landmark_cropper *cropper;
} setup;

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static void check(mexpr_status status)
{
    if (status != MEXPR_OK) {
        fprintf(stderr, "%s\n", mexpr_status_message(status));
        exit(1);
    }
}

static void make(setup *s, uint32_t mask)
{
    mexpr_context_options options = MEXPR_CONTEXT_OPTIONS_INIT;
    options.cpu_mask = mask;
    options.cpu_mask_set = 1;
    check(mexpr_context_create(&options, &s->context));
    check(mx_face_landmarker_create(mx_context_scope(s->context), &s->landmarker));
    s->cropper = malloc(sizeof *s->cropper);
    if (!s->cropper)
        exit(1);
    mx_landmark_cropper_init(s->cropper, mexpr_context_cpu(s->context));
}

/* One part of the work, once. */
static void work(setup *s, int part, const mx_face_view *view, const mx_face_box *box)
{
    static float points[2 * MX_FACE_POINTS];
    static float crop[MX_LANDMARK_CROP_SIDE * MX_LANDMARK_CROP_SIDE];
    float confidence;
    mx_scope *scope = mx_context_scope(s->context);
    const mx_landmark_pose pose = mx_landmark_pose_of_box(box);
    if (part == 0)
        check(
            mx_face_landmarker_run(scope, s->landmarker, view, box, points, &confidence));
    else if (part == 1)
        check(mx_face_landmarker_follow(
            scope, s->landmarker, view, points, points, &confidence));
    else if (part == 2)
        check(mx_landmark_crop(scope, s->cropper, view, &pose, 1.5f, 40, crop));
    else
        check(mx_landmark_crop(scope, s->cropper, view, &pose, 1.3f, 64, crop));
}

static double time_part(
    setup *s, int part, const mx_face_view *view, const mx_face_box *box)
{
    work(s, part, view, box);
    const double start = now_ms();
    work(s, part, view, box);
    return now_ms() - start;
}

static void measure(setup *setups, double size, int rounds)
{
    static uint8_t pixels[WIDTH * HEIGHT];
    double least[N_SETS][N_PARTS];
    struct face_clip_options clip = face_clip_defaults(1);
    float truth[2 * MX_FACE_POINTS];
    face_clip_resize(&clip, WIDTH, HEIGHT);
    clip.face_x = WIDTH / 2;
    clip.face_y = HEIGHT / 2;
    clip.face_size = size;
    face_clip_frame(&clip, 0, pixels, WIDTH);
    face_clip_landmarks(&clip, 0, truth);
    const mx_face_box box = mx_face_box_around(truth);
    const mx_face_view view = {pixels, WIDTH, WIDTH, HEIGHT};
    for (int round = 0; round < rounds; round++) {
        for (int set = 0; set < N_SETS; set++) {
            for (int part = 0; part < N_PARTS; part++) {
                const double ms = time_part(&setups[set], part, &view, &box);
                if (round == 0 || ms < least[set][part])
                    least[set][part] = ms;
            }
        }
    }
    for (int set = 0; set < N_SETS; set++) {
        for (int part = 0; part < N_PARTS; part++)
            printf("%-5s face of %3.0f px, %-12s %.3f ms, %5.2f times as fast as c\n",
                sets[set].name, (double)box.size, parts[part], least[set][part],
                least[0][part] / least[set][part]);
    }
}

int main(int argc, char **argv)
{
    setup setups[N_SETS];
    int rounds = 200;
    if (argc == 3 && strcmp(argv[1], "--rounds") == 0)
        rounds = atoi(argv[2]);
    for (int i = 0; i < N_SETS; i++)
        make(&setups[i], sets[i].mask);
    for (int i = 0; i < N_SIZES; i++)
        measure(setups, sizes[i], rounds);
    for (int i = 0; i < N_SETS; i++) {
        mx_landmark_cropper_free(setups[i].context, setups[i].cropper);
        free(setups[i].cropper);
        mx_face_landmarker_destroy(setups[i].context, &setups[i].landmarker);
        mexpr_context_destroy(&setups[i].context);
    }
    return 0;
}
