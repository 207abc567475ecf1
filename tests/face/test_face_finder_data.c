/* SPDX-License-Identifier: MIT */
/* Finders as a user has them on the held-out people: the detector, and the landmarks that
 * refuse what is no face and make the box. docs/face.md tells the figures. */
#include <stdio.h>
#include <stdlib.h>

#include "support.h"

#include "landmark_cases.h"
#include "microexpr/face.h"

static const float enough_overlap = 0.4f;

typedef struct score {
    int n_found, n_beside, n_others;
    double overlap;
    double *errors; /* of the landmarks of those found */
} score;

static int32_t search(
    mexpr_context *context, mexpr_face_finder *finder, const mx_face_view *view)
{
    mexpr_image *image;
    int32_t n;
    assert_ok(context, mexpr_image_wrap(context, MEXPR_FORMAT_GREY8, (int32_t)view->width,
                           (int32_t)view->height, view->stride,
                           (void *)(uintptr_t)view->pixels, NULL, NULL, &image));
    assert_int_equal(mexpr_face_finder_run(finder, image, &n), MEXPR_OK);
    mexpr_image_destroy(&image);
    return n;
}

/* The surest face that overlaps the labelled one is it; all others are false. */
static void count(mexpr_face_finder *finder, int32_t n, const face_picture *picture,
    const mx_face_box *truth, score *s)
{
    bool found = false;
    for (int32_t i = 0; i < n; i++) {
        mexpr_face face = MEXPR_FACE_INIT;
        assert_int_equal(mexpr_face_finder_face(finder, i, &face), MEXPR_OK);
        const mx_face_box box = {
            (float)face.box[0], (float)face.box[1], (float)face.box[2], 0};
        const float overlap = mx_face_box_overlap(&box, truth);
        if (found || overlap < enough_overlap) {
            s->n_beside++;
            printf("other: %s at %.0f, %.0f, %.0f px, score %.4f, confidence %.3f\n",
                picture->name, face.box[0], face.box[1], face.box[2], face.score,
                face.confidence);
            continue;
        }
        found = true;
        s->overlap += (double)overlap;
        s->errors[s->n_found++] = landmark_case_error(face.landmarks, picture->points);
    }
    if (!found)
        printf("missed: %s\n", picture->name);
}

static void held_out_people_are_found(void **state)
{
    (void)state;
    test_needs("jpeg");
    landmark_cases cases;
    score s = {.n_found = 0};
    mexpr_face_finder *finder;
    mexpr_context *context = test_context(NULL, 1);
    mexpr_face_options options = MEXPR_FACE_OPTIONS_INIT;
    options.smallest = 24;
    assert_true(landmark_cases_read(context, test_data(""), &cases));
    assert_ok(context, mexpr_face_finder_create(context, &options, &finder));
    s.errors = calloc((size_t)cases.n_faces, sizeof *s.errors);
    assert_non_null(s.errors);
    for (int i = 0; i < cases.n_faces; i++) {
        const face_picture *picture = cases.faces[i];
        const mx_face_box truth = mx_face_box_around(picture->points);
        count(finder, search(context, finder, &picture->view), picture, &truth, &s);
    }
    for (int i = 0; i < cases.n_others; i++)
        s.n_others += search(context, finder, &cases.others[i]->view);
    const landmark_errors e = landmark_errors_of(s.errors, s.n_found);
    printf("%d of %d faces found, mean overlap %.3f, %d others beside them, %d in %d "
           "pictures of none; landmarks %.5f, 95th percentile %.4f\n",
        s.n_found, cases.n_faces, s.overlap / s.n_found, s.n_beside, s.n_others,
        cases.n_others, e.mean, e.p95);
    assert_true(s.n_found >= 722 && cases.n_faces == 725);
    assert_true(s.overlap / s.n_found >= 0.92);
    assert_true(s.n_beside <= 16); /* 14 are second persons without a label */
    assert_true(s.n_others == 0 && cases.n_others == 26);
    assert_true(e.mean <= 0.0455 && e.p95 <= 0.075);
    free(s.errors);
    mexpr_face_finder_destroy(&finder);
    landmark_cases_free(&cases);
    mexpr_context_destroy(&context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(held_out_people_are_found)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
