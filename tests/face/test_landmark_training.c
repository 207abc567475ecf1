/* SPDX-License-Identifier: MIT */
/* The training program's parts on a few drawn faces: the error falls, and the bytes do
 * not depend on threads. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../../examples/face_training/landmark_trainer.h"
#include "face/region.h"
#include "face_render.h"
#include "microexpr/image.h"
#include "support.h"

enum { PEOPLE = 10, PICTURES = 6, STEPS = 24, VALUES = 2 * MX_FACE_POINTS };

static void write_picture(mexpr_context *context, const char *name,
    const struct face_clip_options *clip, int frame)
{
    char path[512];
    mexpr_image *image;
    assert_ok(context, mexpr_image_create(context, MEXPR_FORMAT_GREY8, clip->width,
                           clip->height, &image));
    face_clip_frame(
        clip, frame, mexpr_image_pixels(image), (int)mexpr_image_stride(image));
    snprintf(path, sizeof path, "%s/%s", test_folder(), name);
    assert_ok(context, mexpr_image_write_png(context, image, path));
    mexpr_image_destroy(&image);
}

/* DATA_DIR as the program wants it; returns its path. */
static const char *draw_folder(mexpr_context *context)
{
    char path[512];
    float points[VALUES];
    const char *const folders[] = {"faces68", "faces68/images", "nonfaces"};
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", test_folder(), folders[i]);
        mkdir(path, 0700);
    }
    snprintf(path, sizeof path, "%s/faces68/landmarks.csv", test_folder());
    FILE *table = fopen(path, "w");
    assert_non_null(table);
    fputs("file,subject,width,height,...\n", table);
    for (int person = 0; person < PEOPLE; person++) {
        struct face_clip_options clip = face_clip_defaults((uint64_t)person);
        assert_true(face_clip_add_action(&clip, 26, FACE_BOTH, 1.0));
        for (int i = 0; i < PICTURES; i++) {
            snprintf(path, sizeof path, "faces68/images/%d_%d.png", person, i);
            write_picture(context, path, &clip, 4 + 2 * i);
            face_clip_landmarks(&clip, 4 + 2 * i, points);
            fprintf(table, "%d_%d.png,%d,%d,%d", person, i, 7 * person, clip.width,
                clip.height);
            for (int j = 0; j < VALUES; j++)
                fprintf(table, ",%.2f", (double)points[j]);
            fputs("\n", table);
        }
    }
    fclose(table);
    struct face_clip_options empty = face_clip_defaults(99);
    empty.face_x = 1000.0;
    write_picture(context, "nonfaces/a.png", &empty, 0);
    return test_folder();
}

/* Trains for STEPS steps; the bytes are the caller's. */
static uint8_t *train(int n_threads, double *first, double *last)
{
    mexpr_context *context = test_context(NULL, n_threads);
    mx_scope *scope = mx_context_scope(context);
    face_data pictures;
    landmark_data data = {0};
    float shape[VALUES] = {0};
    int faces[LANDMARK_BATCH];
    assert_true(face_data_load(context, draw_folder(context), &pictures));
    const face_picture *faces_of[PEOPLE * PICTURES], *others_of[1];
    data.faces = faces_of;
    data.others = others_of;
    for (int i = 0; i < pictures.n; i++) {
        if (!pictures.pictures[i].has_face)
            others_of[data.n_others++] = &pictures.pictures[i];
        else if (pictures.pictures[i].part != FACE_HELD_OUT)
            faces_of[data.n_faces++] = &pictures.pictures[i];
    }
    assert_int_equal(data.n_faces, PEOPLE * PICTURES * 4 / 5);
    assert_int_equal(data.n_others, 1);
    const mx_landmark_pose pose = mx_landmark_pose_of_box(&faces_of[0]->box);
    mx_landmark_pose_remove(&pose, faces_of[0]->points, shape);
    landmark_trainer *trainer = landmark_trainer_create(scope, &data, 0, shape, 5);
    assert_non_null(trainer);
    for (int step = 0; step < STEPS; step++) {
        double error;
        for (int i = 0; i < LANDMARK_BATCH; i++)
            faces[i] = (step * LANDMARK_BATCH + i) % data.n_faces;
        assert_ok(context, landmark_trainer_step(trainer, faces, 2e-3f, &error));
        *(step == 0 ? first : last) = error;
    }
    uint8_t *bytes = calloc(1, mx_landmark_plan_bytes(&mx_landmark_plans[0]));
    assert_non_null(bytes);
    landmark_trainer_store(trainer, bytes);
    landmark_trainer_destroy(trainer);
    face_data_free(&pictures);
    mexpr_context_destroy(&context);
    return bytes;
}

static void training_learns_and_repeats(void **state)
{
    (void)state;
    double first = 0.0, last = 0.0;
    test_needs("png");
    uint8_t *one = train(1, &first, &last), *two = train(2, &first, &last);
    assert_memory_equal(one, two, mx_landmark_plan_bytes(&mx_landmark_plans[0]));
    print_message("error of the first step %.3f, of the last %.3f\n", first, last);
    assert_true(last < 0.8 * first);
    free(one);
    free(two);
}

static void mirrors_are_symmetric(void **state)
{
    (void)state;
    float points[VALUES], twice[VALUES];
    for (int i = 0; i < MX_FACE_POINTS; i++) {
        assert_int_equal(mx_landmark_mirror[mx_landmark_mirror[i]], i);
        points[2 * i] = (float)i;
        points[2 * i + 1] = (float)(i * i);
    }
    memcpy(twice, points, sizeof twice);
    mx_landmark_mirror_points(twice);
    assert_true(twice[0] == -16.0f && twice[1] == 256.0f);
    mx_landmark_mirror_points(twice);
    assert_memory_equal(points, twice, sizeof points);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(training_learns_and_repeats),
        cmocka_unit_test(mirrors_are_symmetric),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
