/* SPDX-License-Identifier: MIT */
/* The detector on the held-out faces and pictures without; docs/face.md tells them and
 * what is not yet reached. */
#include <stdio.h>
#include <string.h>

#include "support.h"

#include "detector_score.h"

static void test_held_out(void **state)
{
    (void)state;
    test_needs("jpeg");
    char folder[4096];
    const char *name = "/faces68/landmarks.csv", *table = test_data(name + 1);
    snprintf(folder, sizeof folder, "%s", table);
    folder[strlen(table) - strlen(name)] = 0;
    mexpr_context *context = test_context(NULL, 1);
    mx_scope *scope = mx_context_scope(context);
    mx_face_detector *detector;
    face_data data;
    detector_score s;
    assert_true(face_data_load(context, folder, &data));
    assert_ok(context, mx_face_detector_create(scope, &detector));
    assert_ok(context, detector_score_run(scope, detector, &data, FACE_HELD_OUT,
                           mx_face_detector_threshold(), NULL, 0, 0, true, &s));
    printf("%d of %d faces found, mean overlap %.3f, %d false beside them, %d in %d "
           "pictures of none\n",
        s.n_found, s.n_faces, s.overlap / s.n_found, s.false_beside, s.false_others,
        s.n_others);
    assert_int_equal(s.n_faces, 725);
    assert_int_equal(s.n_others, 26);
    assert_true(s.n_found >= 0.99 * s.n_faces);
    assert_true(s.overlap / s.n_found >= 0.85);
    assert_true(s.false_beside <= 19); /* most are second persons without a label */
    assert_true(s.false_others <= 1);
    mx_face_detector_destroy(context, &detector);
    face_data_free(&data);
    mexpr_context_destroy(&context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_held_out)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
