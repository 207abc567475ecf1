/* SPDX-License-Identifier: MIT */
/* Clips: image.h, and what works on them in flow.h and spot.h. */
#include <string.h>

#include "api_check.h"

static int64_t no_bytes(void *user, void *buffer, size_t size)
{
    (void)user;
    (void)buffer;
    (void)size;
    return 0;
}

static int64_t too_many(void *user, void *buffer, size_t size)
{
    (void)user;
    (void)buffer;
    return (int64_t)size + 1;
}

static int32_t take_field(void *user, int64_t frame, const mexpr_field *field)
{
    (void)user;
    (void)frame;
    (void)field;
    return 0;
}

static int32_t take_frame(void *user, int64_t index, const mexpr_image *frame)
{
    (void)user;
    (void)index;
    (void)frame;
    return 0;
}

static const size_t wrong_sizes[] = {0, 1, sizeof(size_t), 4097, SIZE_MAX};
enum { N_WRONG = sizeof wrong_sizes / sizeof wrong_sizes[0] };

/* A clip of three pictures. */
static mexpr_clip *pushed(mexpr_context *c)
{
    mexpr_clip *clip;
    assert_int_equal(mexpr_clip_create(c, NULL, &clip), MEXPR_OK);
    for (int t = 0; t < 3; t++) {
        mexpr_image *image = api_image(c, MEXPR_FORMAT_GREY8);
        assert_int_equal(mexpr_clip_push(clip, &image), MEXPR_OK);
    }
    return clip;
}

static void opening(void **state)
{
    (void)state;
    mexpr_context *c = api_context();
    mexpr_clip *clip = NULL;
    const mexpr_format grey = MEXPR_FORMAT_GREY8;
    REFUSED(mexpr_clip_open(NULL, "x", NULL, &clip));
    REFUSED(mexpr_clip_open(c, "x", NULL, NULL));
    FAILS(c, mexpr_clip_open(c, NULL, NULL, &clip), MEXPR_E_ARG);
    FAILS(c, mexpr_clip_open(c, "", NULL, &clip), MEXPR_E_ARG);
    FAILS(c, mexpr_clip_open(c, "/nowhere/%d", NULL, &clip), MEXPR_E_NOT_FOUND);
    REFUSED(mexpr_clip_open_y4m(NULL, no_bytes, NULL, NULL, &clip));
    REFUSED(mexpr_clip_open_y4m(c, no_bytes, NULL, NULL, NULL));
    FAILS(c, mexpr_clip_open_y4m(c, NULL, NULL, NULL, &clip), MEXPR_E_ARG);
    FAILS(c, mexpr_clip_open_y4m(c, no_bytes, NULL, NULL, &clip), MEXPR_E_TRUNCATED);
    FAILS(c, mexpr_clip_open_y4m(c, too_many, NULL, NULL, &clip), MEXPR_E_IO);
    REFUSED(mexpr_clip_open_raw(NULL, grey, 2, 2, no_bytes, NULL, NULL, &clip));
    REFUSED(mexpr_clip_open_raw(c, grey, 2, 2, no_bytes, NULL, NULL, NULL));
    FAILS(c, mexpr_clip_open_raw(c, grey, 2, 2, NULL, NULL, NULL, &clip), MEXPR_E_ARG);
    FAILS(c, mexpr_clip_open_raw(c, (mexpr_format)0, 2, 2, no_bytes, NULL, NULL, &clip),
        MEXPR_E_ARG);
    FAILS(c, mexpr_clip_open_raw(c, grey, -1, 2, no_bytes, NULL, NULL, &clip),
        MEXPR_E_ARG);
    REFUSED(mexpr_clip_create(NULL, NULL, &clip));
    REFUSED(mexpr_clip_create(c, NULL, NULL));
    for (int i = 0; i < N_WRONG; i++) {
        mexpr_clip_options o = MEXPR_CLIP_OPTIONS_INIT;
        o.struct_size = wrong_sizes[i];
        FAILS(c, mexpr_clip_create(c, &o, &clip), MEXPR_E_ABI);
        FAILS(c, mexpr_clip_open(c, "x", &o, &clip), MEXPR_E_ABI);
    }
    assert_null(clip);
    mexpr_context_destroy(&c);
}

static void frames(void **state)
{
    (void)state;
    mexpr_context *c = api_context();
    mexpr_clip *clip = pushed(c);
    const mexpr_image *frame;
    int64_t first = 5;
    assert_int_equal(mexpr_clip_frame(NULL, 0, &frame), MEXPR_E_ARG);
    assert_int_equal(mexpr_clip_frame(clip, 0, NULL), MEXPR_E_ARG);
    assert_int_equal(mexpr_clip_frame(clip, -1, &frame), MEXPR_E_ARG);
    assert_null(frame);
    assert_true(mexpr_clip_last_error(clip)[0] != '\0');
    assert_int_equal(mexpr_clip_frame(clip, INT64_MAX, &frame), MEXPR_END);
    assert_int_equal(mexpr_clip_frame(clip, 2, &frame), MEXPR_OK);
    assert_int_equal(mexpr_clip_n_frames(clip), 3);
    assert_int_equal(mexpr_clip_width(clip), mexpr_image_width(frame));
    assert_int_equal(mexpr_clip_height(clip), mexpr_image_height(frame));
    assert_int_equal(mexpr_clip_is_stream(clip), 0);
    assert_int_equal(mexpr_clip_fps(clip, NULL, NULL), MEXPR_OK);
    assert_int_equal(mexpr_clip_fps(NULL, NULL, NULL), MEXPR_E_ARG);
    assert_null(mexpr_clip_name(clip, 0));
    assert_null(mexpr_clip_name(NULL, 0));
    assert_int_equal(mexpr_clip_number(clip, 0), -1);
    assert_int_equal(mexpr_clip_number(NULL, 0), -1);
    assert_int_equal(mexpr_clip_missing(clip, &first), 0);
    assert_int_equal(first, -1);
    assert_int_equal(mexpr_clip_push(NULL, NULL), MEXPR_E_ARG);
    assert_int_equal(mexpr_clip_push(clip, NULL), MEXPR_E_ARG);
    mexpr_clip_destroy(&clip);
    mexpr_clip_destroy(&clip);
    mexpr_clip_destroy(NULL);
    mexpr_context_destroy(&c);
}

static void flow(void **state)
{
    (void)state;
    mexpr_context *c = api_context();
    mexpr_clip *clip = pushed(c);
    mexpr_flow *flow;
    assert_int_equal(mexpr_flow_create(c, &flow), MEXPR_OK);
    assert_int_equal(
        mexpr_flow_clip(NULL, clip, NULL, take_field, NULL, NULL), MEXPR_E_ARG);
    assert_int_equal(
        mexpr_flow_clip(flow, NULL, NULL, take_field, NULL, NULL), MEXPR_E_ARG);
    assert_int_equal(mexpr_flow_clip(flow, clip, NULL, NULL, NULL, NULL), MEXPR_E_ARG);
    for (int i = 0; i < N_WRONG; i++) {
        mexpr_flow_clip_options o = MEXPR_FLOW_CLIP_OPTIONS_INIT;
        o.struct_size = wrong_sizes[i];
        assert_int_equal(
            mexpr_flow_clip(flow, clip, &o, take_field, NULL, NULL), MEXPR_E_ABI);
    }
    assert_int_equal(mexpr_flow_clip(flow, clip, NULL, take_field, NULL, NULL), MEXPR_OK);
    mexpr_flow_destroy(&flow);
    mexpr_clip_destroy(&clip);
    mexpr_context_destroy(&c);
}

static void interpolation(void **state)
{
    (void)state;
    mexpr_context *c = api_context();
    mexpr_clip *clip = pushed(c);
    mexpr_interpolate_options o = MEXPR_INTERPOLATE_OPTIONS_INIT;
    o.n_out = 4;
    REFUSED(mexpr_interpolate(NULL, clip, &o, take_frame, NULL, NULL));
    FAILS(c, mexpr_interpolate(c, NULL, &o, take_frame, NULL, NULL), MEXPR_E_ARG);
    FAILS(c, mexpr_interpolate(c, clip, &o, NULL, NULL, NULL), MEXPR_E_ARG);
    FAILS(c, mexpr_interpolate(c, clip, NULL, take_frame, NULL, NULL), MEXPR_E_RANGE);
    for (int i = 0; i < N_WRONG; i++) {
        o.struct_size = wrong_sizes[i];
        FAILS(c, mexpr_interpolate(c, clip, &o, take_frame, NULL, NULL), MEXPR_E_ABI);
    }
    o.struct_size = sizeof o;
    assert_int_equal(mexpr_interpolate(c, clip, &o, take_frame, NULL, NULL), MEXPR_OK);
    mexpr_clip_destroy(&clip);
    mexpr_context_destroy(&c);
}

static void magnification(void **state)
{
    (void)state;
    mexpr_context *c = api_context();
    mexpr_image *image = api_image(c, MEXPR_FORMAT_GREY8);
    const mexpr_image *out;
    mexpr_magnifier *magnifier;
    mexpr_magnify_options o = MEXPR_MAGNIFY_OPTIONS_INIT;
    FAILS(c, mexpr_magnifier_create(c, &o, &magnifier), MEXPR_E_RANGE);
    o.fps = 100;
    REFUSED(mexpr_magnifier_create(NULL, &o, &magnifier));
    REFUSED(mexpr_magnifier_create(c, &o, NULL));
    for (int i = 0; i < N_WRONG; i++) {
        o.struct_size = wrong_sizes[i];
        FAILS(c, mexpr_magnifier_create(c, &o, &magnifier), MEXPR_E_ABI);
        assert_null(magnifier);
    }
    o.struct_size = sizeof o;
    assert_int_equal(mexpr_magnifier_create(c, &o, &magnifier), MEXPR_OK);
    assert_int_equal(mexpr_magnifier_push(NULL, image), MEXPR_E_ARG);
    assert_int_equal(mexpr_magnifier_push(magnifier, NULL), MEXPR_E_ARG);
    assert_true(mexpr_magnifier_last_error(magnifier)[0] != '\0');
    assert_string_equal(mexpr_magnifier_last_error(NULL), "");
    assert_int_equal(mexpr_magnifier_pull(NULL, &out), MEXPR_E_ARG);
    assert_int_equal(mexpr_magnifier_pull(magnifier, NULL), MEXPR_E_ARG);
    assert_int_equal(mexpr_magnifier_pull(magnifier, &out), MEXPR_AGAIN);
    assert_int_equal(mexpr_magnifier_push(magnifier, image), MEXPR_OK);
    assert_int_equal(mexpr_magnifier_pull(magnifier, &out), MEXPR_OK);
    mexpr_magnifier_reset(magnifier);
    mexpr_magnifier_reset(NULL);
    mexpr_magnifier_destroy(&magnifier);
    mexpr_magnifier_destroy(&magnifier);
    mexpr_magnifier_destroy(NULL);
    mexpr_image_destroy(&image);
    mexpr_context_destroy(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opening),
        cmocka_unit_test(frames),
        cmocka_unit_test(flow),
        cmocka_unit_test(interpolation),
        cmocka_unit_test(magnification),
    };
    return cmocka_run_group_tests_name("api_clip", tests, NULL, NULL);
}
