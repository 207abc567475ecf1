/* SPDX-License-Identifier: MIT */
#include "api_check.h"

static void null_handles(void **state)
{
    (void)state;
    mexpr_recognizer *recognizer = NULL;
    mexpr_result *result = NULL;
    mexpr_recognizer_destroy(NULL);
    mexpr_recognizer_destroy(&recognizer);
    assert_string_equal(mexpr_recognizer_last_error(NULL), "");
    assert_null(mexpr_recognizer_flow(NULL));
    mexpr_result_destroy(NULL);
    mexpr_result_destroy(&result);
    assert_int_equal(mexpr_result_n_classes(NULL), 0);
    assert_null(mexpr_result_class_name(NULL, 0));
    assert_true(mexpr_result_score(NULL, 0) == 0);
    assert_true(mexpr_result_logit(NULL, 0) == 0);
    assert_int_equal(mexpr_result_class(NULL), 0);
    assert_null(mexpr_result_label(NULL));
    assert_null(mexpr_result_field(NULL));
    assert_null(mexpr_result_picture(NULL));
    assert_true(mexpr_result_milliseconds(NULL, MEXPR_STAGE_FLOW) == 0);
}

static void odd_options(void **state)
{
    (void)state;
    static const char *const labels[] = {"", "a", "a,b,c,d,e,f,g,h,i,j", "a,,c", ","};
    static const char *const planes[] = {
        "", "u", "u,v", "u,v,u", "u,v,strain,u", "x,y,z"};
    mexpr_context *c = api_context();
    mexpr_recognizer *r;
    for (int i = 0; i < 5; i++) {
        mexpr_recognizer_options options = MEXPR_RECOGNIZER_OPTIONS_INIT;
        options.labels = labels[i];
        MAKES_NOTHING(c, r, mexpr_recognizer_create(c, &options, &r), MEXPR_E_ARG);
    }
    for (int i = 0; i < 6; i++) {
        mexpr_recognizer_options options = MEXPR_RECOGNIZER_OPTIONS_INIT;
        options.planes = planes[i];
        MAKES_NOTHING(c, r, mexpr_recognizer_create(c, &options, &r), MEXPR_E_ARG);
    }
    mexpr_recognizer_options options = MEXPR_RECOGNIZER_OPTIONS_INIT;
    options.strain = 99;
    MAKES_NOTHING(c, r, mexpr_recognizer_create(c, &options, &r), MEXPR_E_ARG);
    mexpr_context_destroy(&c);
}

static void creating(void **state)
{
    (void)state;
    static const size_t wrong[] = {0, 1, sizeof(size_t), 4097, SIZE_MAX};
    mexpr_context *c = api_context();
    mexpr_recognizer *r;
    REFUSED(mexpr_recognizer_create(NULL, NULL, &r));
    REFUSED(mexpr_recognizer_create(c, NULL, NULL));
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        mexpr_recognizer_options options = MEXPR_RECOGNIZER_OPTIONS_INIT;
        options.struct_size = wrong[i];
        MAKES_NOTHING(c, r, mexpr_recognizer_create(c, &options, &r), MEXPR_E_ABI);
    }
    LATER(mexpr_recognizer_options) newer = {MEXPR_RECOGNIZER_OPTIONS_INIT, 1};
    newer.known.struct_size = sizeof newer;
    MAKES_NOTHING(c, r, mexpr_recognizer_create(c, &newer.known, &r), MEXPR_E_ABI);
    newer.later = 0;
    assert_int_equal(mexpr_recognizer_create(c, &newer.known, &r), MEXPR_OK);
    mexpr_recognizer_destroy(&r);
    assert_null(r);
    mexpr_context_destroy(&c);
}

static void running(void **state)
{
    (void)state;
    static const mexpr_box outside[] = {{-1, 0, 9, 9}, {0, -1, 9, 9}, {24, 0, 9, 9},
        {0, 16, 9, 9}, {0, 0, 0, 9}, {0, 0, 9, -9},
        {INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX}, {1, 1, INT32_MAX, INT32_MAX}};
    mexpr_context *c = api_context();
    mexpr_image *image = api_image(c, MEXPR_FORMAT_RGB8), *small = NULL;
    mexpr_recognizer *r = NULL;
    mexpr_result *result = NULL;
    assert_int_equal(mexpr_image_create(c, MEXPR_FORMAT_GREY8, 9, 9, &small), MEXPR_OK);
    mexpr_clip *clip = NULL;
    assert_int_equal(mexpr_clip_create(c, NULL, &clip), MEXPR_OK);
    assert_int_equal(mexpr_recognizer_create(c, NULL, &r), MEXPR_OK);
    mexpr_context_destroy(&c);
    REFUSED(mexpr_recognizer_run(NULL, image, image, NULL, &result));
    REFUSED(mexpr_recognizer_run(r, image, image, NULL, NULL));
    REFUSED(mexpr_recognizer_run(r, NULL, image, NULL, &result));
    REFUSED(mexpr_recognizer_run(r, image, NULL, NULL, &result));
    assert_true(strlen(mexpr_recognizer_last_error(r)) > 0);
    result = (mexpr_result *)&result;
    mexpr_face face = MEXPR_FACE_INIT;
    mexpr_alignment alignment = MEXPR_ALIGNMENT_INIT;
    REFUSED(mexpr_recognizer_run_frames(NULL, image, image, &result));
    REFUSED(mexpr_recognizer_run_frames(r, image, image, NULL));
    REFUSED(mexpr_recognizer_run_frames(r, NULL, image, &result));
    REFUSED(mexpr_recognizer_run_frames(r, image, NULL, &result));
    assert_int_equal(
        mexpr_recognizer_run_frames(r, image, small, &result), MEXPR_E_SHAPE);
    assert_int_equal(
        mexpr_recognizer_run_frames(r, image, image, &result), MEXPR_E_NOT_FOUND);
    REFUSED(mexpr_recognizer_run_clip(NULL, clip, 0, 1, &result));
    REFUSED(mexpr_recognizer_run_clip(r, NULL, 0, 1, &result));
    REFUSED(mexpr_recognizer_run_clip(r, clip, 0, 1, NULL));
    assert_int_equal(mexpr_recognizer_run_clip(r, clip, 0, 1, &result), MEXPR_E_RANGE);
    mexpr_clip_destroy(&clip);
    assert_int_equal(mexpr_result_n_faces(NULL), 0);
    assert_int_equal(mexpr_result_onset(NULL), -1);
    assert_int_equal(mexpr_result_apex(NULL), -1);
    REFUSED(mexpr_result_face(NULL, &face));
    REFUSED(mexpr_result_alignment(NULL, &alignment));
    assert_int_equal(mexpr_recognizer_run(r, image, small, NULL, &result), MEXPR_E_SHAPE);
    assert_null(result);
    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++) {
        result = (mexpr_result *)&result;
        const mexpr_status status =
            mexpr_recognizer_run(r, image, image, &outside[i], &result);
        assert_true(status == MEXPR_E_RANGE || status == MEXPR_E_ARG);
        assert_null(result);
    }
    mexpr_recognizer_destroy(&r);
    mexpr_image_destroy(&image);
    mexpr_image_destroy(&small);
}

static void odd_questions(void **state)
{
    (void)state;
    static const int32_t outside[] = {-1, 1000, INT32_MAX, INT32_MIN};
    mexpr_context *c = api_context();
    mexpr_image *image = api_image(c, MEXPR_FORMAT_GREY8);
    mexpr_recognizer *r = NULL;
    mexpr_result *result = NULL;
    assert_int_equal(mexpr_recognizer_create(c, NULL, &r), MEXPR_OK);
    assert_non_null(mexpr_recognizer_flow(r));
    assert_int_equal(mexpr_recognizer_run(r, image, image, NULL, &result), MEXPR_OK);
    mexpr_recognizer_destroy(&r);
    mexpr_image_destroy(&image);
    mexpr_context_destroy(&c);
    for (int i = 0; i < 4; i++) {
        assert_null(mexpr_result_class_name(result, outside[i]));
        assert_true(mexpr_result_score(result, outside[i]) == 0);
        assert_true(mexpr_result_logit(result, outside[i]) == 0);
        assert_true(mexpr_result_milliseconds(result, (mexpr_stage)outside[i]) == 0);
    }
    assert_true(mexpr_result_milliseconds(result, (mexpr_stage)0) == 0);
    assert_string_equal(mexpr_result_label(result),
        mexpr_result_class_name(result, mexpr_result_class(result)));
    assert_int_equal(mexpr_field_width(mexpr_result_field(result)), 32);
    assert_non_null(mexpr_result_picture(result));
    mexpr_result_destroy(&result);
    assert_null(result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(null_handles),
        cmocka_unit_test(odd_options),
        cmocka_unit_test(creating),
        cmocka_unit_test(running),
        cmocka_unit_test(odd_questions),
    };
    return cmocka_run_group_tests_name("api_recognizer", tests, NULL, NULL);
}
