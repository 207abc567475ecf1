/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "microexpr/spot.h"
#include "support.h"

enum { N_FRAMES = 9, N_VALUES = 177 };

static mexpr_status lbp_top(mexpr_context *context, void *arg)
{
    (void)arg;
    mexpr_image *frames[N_FRAMES] = {NULL};
    float values[N_VALUES];
    mexpr_lbp_top_options o = MEXPR_LBP_TOP_OPTIONS_INIT;
    o.columns = o.rows = 1;
    mexpr_status status = MEXPR_OK;
    for (int t = 0; t < N_FRAMES && status == MEXPR_OK; t++) {
        status = mexpr_image_create(context, MEXPR_FORMAT_GREY8, 9, 9, &frames[t]);
        if (status == MEXPR_OK)
            memset(
                mexpr_image_pixels(frames[t]), 40 + t, mexpr_image_stride(frames[t]) * 9);
    }
    if (status == MEXPR_OK)
        status = mexpr_lbp_top(context, (const mexpr_image *const *)frames, N_FRAMES, &o,
            values, N_VALUES, NULL);
    for (int t = 0; t < N_FRAMES; t++)
        mexpr_image_destroy(&frames[t]);
    return status;
}

/* --- clips ------------------------------------------------------------------------- */

static int32_t take(void *user, int64_t index, const mexpr_image *frame)
{
    (void)user;
    (void)index;
    (void)frame;
    return 0;
}

static mexpr_status interpolate(mexpr_context *context, void *arg)
{
    mexpr_clip *clip;
    mexpr_interpolate_options o = MEXPR_INTERPOLATE_OPTIONS_INIT;
    o.method = *(const int32_t *)arg;
    o.n_out = 5;
    mexpr_status status = mexpr_clip_create(context, NULL, &clip);
    for (int t = 0; t < 3 && status == MEXPR_OK; t++) {
        mexpr_image *image;
        status = mexpr_image_create(context, MEXPR_FORMAT_GREY8, 9, 9, &image);
        if (status == MEXPR_OK)
            status = mexpr_clip_push(clip, &image);
        mexpr_image_destroy(&image);
    }
    if (status == MEXPR_OK)
        status = mexpr_interpolate(context, clip, &o, take, NULL, NULL);
    mexpr_clip_destroy(&clip);
    return status;
}

/* A push that found no memory can be tried again. */
static mexpr_status magnify(mexpr_context *context, void *arg)
{
    mexpr_magnifier *magnifier;
    mexpr_image *frame = NULL;
    const mexpr_image *out;
    mexpr_magnify_options o = MEXPR_MAGNIFY_OPTIONS_INIT;
    (void)arg;
    o.fps = 30;
    o.chroma = 0.5;
    mexpr_status status = mexpr_magnifier_create(context, &o, &magnifier);
    if (status == MEXPR_OK)
        status = mexpr_image_create(context, MEXPR_FORMAT_RGB8, 32, 32, &frame);
    if (status == MEXPR_OK) {
        status = mexpr_magnifier_push(magnifier, frame);
        const mexpr_status pulled = mexpr_magnifier_pull(magnifier, &out);
        assert_int_equal(pulled, status == MEXPR_OK ? MEXPR_OK : MEXPR_AGAIN);
    }
    mexpr_image_destroy(&frame);
    mexpr_magnifier_destroy(&magnifier);
    return status;
}

static void clips_survive(void **state)
{
    (void)state;
    for (int32_t method = 1; method <= 2; method++)
        assert_true(test_oom_sweep(interpolate, &method, 1) > 5);
    assert_true(test_oom_sweep(magnify, NULL, 1) > 8);
}

static void lbp_top_survives(void **state)
{
    (void)state;
    assert_true(test_oom_sweep(lbp_top, NULL, 1) > N_FRAMES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lbp_top_survives),
        cmocka_unit_test(clips_survive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
