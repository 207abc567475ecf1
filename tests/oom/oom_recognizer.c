/* SPDX-License-Identifier: MIT */
/* include/microexpr/recognizer.h with every allocation failing in turn. */
#include "face_render.h"
#include "support.h"

#include "microexpr/recognizer.h"

enum { SIDE = 8 };

typedef struct frames {
    uint8_t onset[SIDE * SIDE];
    uint8_t apex[SIDE * SIDE];
} frames;

static mexpr_status wrap(mexpr_context *context, uint8_t *pixels, mexpr_image **image)
{
    return mexpr_image_wrap(
        context, MEXPR_FORMAT_GREY8, SIDE, SIDE, SIDE, pixels, NULL, NULL, image);
}

/* Makes a recognizer and asks it once, or twice. */
static mexpr_status recognize(mexpr_context *context, void *arg)
{
    frames *f = arg;
    const mexpr_box face = {1, 1, SIDE - 2, SIDE - 1};
    mexpr_recognizer_options options = MEXPR_RECOGNIZER_OPTIONS_INIT;
    options.labels = "a,b,c";
    mexpr_recognizer *recognizer = NULL;
    mexpr_image *onset = NULL, *apex = NULL;
    mexpr_result *first = NULL, *second = NULL;
    mexpr_status status = mexpr_recognizer_create(context, &options, &recognizer);
    if (status == MEXPR_OK)
        status = mexpr_flow_set(mexpr_recognizer_flow(recognizer), MEXPR_FLOW_WARPS, 1);
    if (status == MEXPR_OK)
        status = wrap(context, f->onset, &onset);
    if (status == MEXPR_OK)
        status = wrap(context, f->apex, &apex);
    if (status == MEXPR_OK)
        status = mexpr_recognizer_run(recognizer, onset, apex, NULL, &first);
    if (status == MEXPR_OK)
        status = mexpr_recognizer_run(recognizer, onset, apex, &face, &second);
    if (status != MEXPR_OK)
        assert_null(second);
    mexpr_result_destroy(&second);
    mexpr_result_destroy(&first);
    mexpr_image_destroy(&apex);
    mexpr_image_destroy(&onset);
    mexpr_recognizer_destroy(&recognizer);
    return status;
}

enum { FRAME = 160 };

static mexpr_status draw(mexpr_context *context, int32_t frame, mexpr_image **out)
{
    struct face_clip_options clip = face_clip_defaults(5);
    face_clip_resize(&clip, FRAME, FRAME);
    clip.face_size = 90;
    face_clip_add_action(&clip, 12, FACE_BOTH, 0.8);
    const mexpr_status status =
        mexpr_image_create(context, MEXPR_FORMAT_GREY8, FRAME, FRAME, out);
    if (status == MEXPR_OK)
        face_clip_frame(&clip, frame, mexpr_image_pixels(*out), FRAME);
    return status;
}

/* Finds the face itself, in frames of a clip and in two of them. */
static mexpr_status recognize_frames(mexpr_context *context, void *arg)
{
    mexpr_recognizer *recognizer = NULL;
    mexpr_result *first = NULL, *second = NULL;
    mexpr_image *onset = NULL, *apex = NULL;
    mexpr_clip *clip = NULL;
    (void)arg;
    mexpr_status status = mexpr_recognizer_create(context, NULL, &recognizer);
    if (status == MEXPR_OK)
        status = mexpr_flow_set(mexpr_recognizer_flow(recognizer), MEXPR_FLOW_WARPS, 1);
    if (status == MEXPR_OK)
        status = draw(context, 0, &onset);
    if (status == MEXPR_OK)
        status = draw(context, 14, &apex);
    if (status == MEXPR_OK)
        status = mexpr_recognizer_run_frames(recognizer, onset, apex, &first);
    if (status == MEXPR_OK)
        status = mexpr_clip_create(context, NULL, &clip);
    if (status == MEXPR_OK)
        status = mexpr_clip_push(clip, &onset);
    if (status == MEXPR_OK)
        status = mexpr_clip_push(clip, &apex);
    if (status == MEXPR_OK)
        status = mexpr_recognizer_run_clip(recognizer, clip, 0, -1, &second);
    mexpr_result_destroy(&second);
    mexpr_result_destroy(&first);
    mexpr_clip_destroy(&clip);
    mexpr_image_destroy(&apex);
    mexpr_image_destroy(&onset);
    mexpr_recognizer_destroy(&recognizer);
    return status;
}

/* A run that failed leaves a recognizer that works. */
static mexpr_status try_again(mexpr_context *context, void *arg)
{
    frames *f = arg;
    mexpr_recognizer *recognizer = NULL;
    mexpr_image *onset = NULL, *apex = NULL;
    mexpr_result *result = NULL;
    mexpr_status status = mexpr_recognizer_create(context, NULL, &recognizer);
    if (status == MEXPR_OK)
        status = wrap(context, f->onset, &onset);
    if (status == MEXPR_OK)
        status = wrap(context, f->apex, &apex);
    mexpr_status failed = MEXPR_OK;
    if (status == MEXPR_OK)
        failed = mexpr_recognizer_run(recognizer, onset, apex, NULL, &result);
    if (failed != MEXPR_OK) {
        const mexpr_status again =
            mexpr_recognizer_run(recognizer, onset, apex, NULL, &result);
        assert_true(again == MEXPR_OK || again == MEXPR_E_NOMEM);
    }
    mexpr_result_destroy(&result);
    mexpr_image_destroy(&apex);
    mexpr_image_destroy(&onset);
    mexpr_recognizer_destroy(&recognizer);
    return status != MEXPR_OK ? status : failed;
}

static void test_recognize(void **state)
{
    (void)state;
    frames f;
    for (int i = 0; i < SIDE * SIDE; i++) {
        f.onset[i] = (uint8_t)(i * 37);
        f.apex[i] = (uint8_t)(i * 37 + i / 3);
    }
    assert_in_range(test_oom_sweep(recognize, &f, 1), 10, 100000);
    assert_in_range(test_oom_sweep(try_again, &f, 1), 10, 100000);
}

static void frames_survive(void **state)
{
    (void)state;
    assert_true(test_oom_sweep(recognize_frames, NULL, 1) > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_survive), cmocka_unit_test(test_recognize)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
