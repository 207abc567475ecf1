/* SPDX-License-Identifier: MIT */
/* Clips (image.h) and flow through them (flow.h). */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "microexpr/flow.h"
#include "support.h"

enum { SIDE = 16, N_FRAMES = 5 };

/* --- what the scenarios read ------------------------------------------------------- */

typedef struct ramp {
    size_t at;
    size_t size;
} ramp;

/* A Y4M header and frames of mono. */
static int64_t read_y4m(void *user, void *buffer, size_t size)
{
    static const char header[] = "YUV4MPEG2 W16 H16 Cmono\n";
    ramp *r = user;
    const size_t n_header = sizeof header - 1, frame = 6 + SIDE * SIDE;
    size_t n = 0;
    for (; n < size && r->at < n_header + N_FRAMES * frame; n++, r->at++) {
        const size_t in = r->at < n_header ? 0 : (r->at - n_header) % frame;
        ((char *)buffer)[n] = r->at < n_header ? header[r->at]
                              : in < 6         ? "FRAME\n"[in]
                                               : (char)(r->at * r->at % 251);
    }
    return (int64_t)n;
}

static mexpr_status all_frames(mexpr_clip *clip)
{
    const mexpr_image *frame;
    mexpr_status status = MEXPR_OK;
    for (int64_t i = 0; status == MEXPR_OK; i++)
        status = mexpr_clip_frame(clip, i, &frame);
    return status == MEXPR_END ? MEXPR_OK : status;
}

static mexpr_status y4m(mexpr_context *context, void *arg)
{
    ramp r = {0, 0};
    mexpr_clip *clip;
    (void)arg;
    mexpr_status status = mexpr_clip_open_y4m(context, read_y4m, &r, NULL, &clip);
    if (status == MEXPR_OK)
        status = all_frames(clip);
    mexpr_clip_destroy(&clip);
    return status;
}

static mexpr_status raw(mexpr_context *context, void *arg)
{
    ramp r = {0, 0};
    mexpr_clip *clip;
    (void)arg;
    mexpr_status status =
        mexpr_clip_open_raw(context, MEXPR_FORMAT_GREY8, 6, 1, read_y4m, &r, NULL, &clip);
    if (status == MEXPR_OK && mexpr_clip_n_frames(clip) != -1)
        status = MEXPR_E_INTERNAL;
    mexpr_clip_destroy(&clip);
    return status;
}

/* A clip of n noisy frames, or of those before the failure. */
static mexpr_status push_frames(mexpr_context *context, int n, mexpr_clip **out)
{
    mexpr_status status = mexpr_clip_create(context, NULL, out);
    for (int t = 0; t < n && status == MEXPR_OK; t++) {
        mexpr_image *image;
        status = mexpr_image_create(context, MEXPR_FORMAT_GREY8, SIDE, SIDE, &image);
        for (int i = 0; i < SIDE * SIDE && status == MEXPR_OK; i++)
            ((uint8_t *)mexpr_image_pixels(image))[i] = (uint8_t)(i * i + t * i);
        if (status == MEXPR_OK)
            status = mexpr_clip_push(*out, &image);
        mexpr_image_destroy(&image);
    }
    return status;
}

static mexpr_status pushed(mexpr_context *context, void *arg)
{
    mexpr_clip *clip;
    (void)arg;
    const mexpr_status status = push_frames(context, 20, &clip);
    mexpr_clip_destroy(&clip);
    return status;
}

static mexpr_status path(mexpr_context *context, void *arg)
{
    mexpr_clip *clip;
    mexpr_status status = mexpr_clip_open(context, arg, NULL, &clip);
    if (status == MEXPR_OK)
        status = all_frames(clip);
    mexpr_clip_destroy(&clip);
    return status;
}

static int32_t take(void *user, int64_t frame, const mexpr_field *field)
{
    (void)user;
    (void)frame;
    (void)field;
    return 0;
}

static mexpr_status flow_clip(mexpr_context *context, void *arg)
{
    mexpr_clip *clip;
    mexpr_flow *flow = NULL;
    mexpr_flow_clip_options o = MEXPR_FLOW_CLIP_OPTIONS_INIT;
    o.reference = *(const int32_t *)arg;
    mexpr_status status = push_frames(context, N_FRAMES, &clip);
    if (status == MEXPR_OK)
        status = mexpr_flow_create(context, &flow);
    if (status == MEXPR_OK) {
        status = mexpr_flow_clip(flow, clip, &o, take, NULL, NULL);
        if (status != MEXPR_OK)
            assert_true(mexpr_flow_last_error(flow)[0] != '\0');
    }
    mexpr_flow_destroy(&flow);
    mexpr_clip_destroy(&clip);
    return status;
}

/* --- sweeps ------------------------------------------------------------------------ */

static void streams(void **state)
{
    (void)state;
    assert_true(test_oom_sweep(y4m, NULL, 1) > 2);
    assert_true(test_oom_sweep(raw, NULL, 1) > 2);
    assert_true(test_oom_sweep(pushed, NULL, 1) > 20);
}

static void files(void **state)
{
    (void)state;
    char bytes[24 + N_FRAMES * 262];
    ramp r = {0, 0};
    const int64_t n = read_y4m(&r, bytes, sizeof bytes);
    const char *file = test_path("clip.y4m");
    test_write_file(file, bytes, (size_t)n);
    assert_true(test_oom_sweep(path, (void *)(uintptr_t)file, 1) > 3);
    unlink(file);
}

#if MX_HAVE_PNG

static void folders(void **state)
{
    (void)state;
    char folder[256], file[512];
    mexpr_context *context = test_context(NULL, 1);
    mexpr_image *image;
    snprintf(folder, sizeof folder, "%s", test_path("frames"));
    assert_int_equal(mkdir(folder, 0777), 0);
    assert_ok(context, mexpr_image_create(context, MEXPR_FORMAT_GREY8, 3, 3, &image));
    for (int t = 0; t < 70; t++) {
        snprintf(file, sizeof file, "%s/f%d.png", folder, t);
        assert_ok(context, mexpr_image_write_png(context, image, file));
        if (t == 1) /* few frames for the sweep of reading, many for that of listing */
            assert_true(test_oom_sweep(path, folder, 1) > 5);
    }
    mexpr_image_destroy(&image);
    mexpr_context_destroy(&context);
    snprintf(file, sizeof file, "%s/f?*.png", folder);
    assert_true(test_oom_sweep(path, file, 1) > 5);
    for (int t = 0; t < 70; t++) {
        snprintf(file, sizeof file, "%s/f%d.png", folder, t);
        unlink(file);
    }
    rmdir(folder);
}

#endif

static void flow(void **state)
{
    (void)state;
    for (int32_t reference = 1; reference <= 2; reference++) {
        assert_true(test_oom_sweep(flow_clip, &reference, 1) > 10);
        assert_true(test_oom_sweep(flow_clip, &reference, 3) > 10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams),
        cmocka_unit_test(files),
#if MX_HAVE_PNG
        cmocka_unit_test(folders),
#endif
        cmocka_unit_test(flow),
    };
    return cmocka_run_group_tests_name("oom_clip", tests, NULL, NULL);
}
