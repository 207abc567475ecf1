/* SPDX-License-Identifier: MIT */
/* Finders and trackers as a whole, with the weights that ship, on drawn pictures; and the
 * recognizer's own use of them. */
#include <math.h>
#include <string.h>

#include "face_render.h"
#include "microexpr/microexpr.h"
#include "support.h"

enum { WIDTH = 320, HEIGHT = 240, N = 136 };

static struct face_clip_options make_clip(uint64_t seed)
{
    struct face_clip_options clip = face_clip_defaults(seed);
    face_clip_resize(&clip, WIDTH, HEIGHT);
    clip.face_x = 150;
    clip.face_y = 125;
    clip.face_size = 110;
    return clip;
}

static mexpr_image *draw(
    mexpr_context *context, const struct face_clip_options *clip, int frame)
{
    mexpr_image *image;
    assert_ok(context, mexpr_image_create(context, MEXPR_FORMAT_GREY8, clip->width,
                           clip->height, &image));
    face_clip_frame(
        clip, frame, mexpr_image_pixels(image), (int)mexpr_image_stride(image));
    return image;
}

static mexpr_face_finder *make_finder(mexpr_context *context)
{
    mexpr_face_finder *finder;
    assert_ok(context, mexpr_face_finder_create(context, NULL, &finder));
    return finder;
}

/* Mean distance of the landmarks from the truth over that of the outer eye corners. */
static double error_of(const mexpr_face *face, const float truth[N])
{
    double sum = 0;
    for (int i = 0; i < N; i += 2)
        sum += hypot((double)(face->landmarks[i] - truth[i]),
            (double)(face->landmarks[i + 1] - truth[i + 1]));
    return sum / 68 /
           hypot((double)(truth[90] - truth[72]), (double)(truth[91] - truth[73]));
}

static void drawn_faces_are_found(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mexpr_face_finder *finder = make_finder(context);
    for (uint64_t seed = 1; seed <= 8; seed++) {
        const struct face_clip_options clip = make_clip(seed);
        mexpr_face face = MEXPR_FACE_INIT;
        float truth[N];
        int32_t n = 0;
        mexpr_image *image = draw(context, &clip, 0);
        assert_int_equal(mexpr_face_finder_run(finder, image, &n), MEXPR_OK);
        assert_int_equal(n, 1);
        assert_int_equal(mexpr_face_finder_face(finder, 0, &face), MEXPR_OK);
        face_clip_landmarks(&clip, 0, truth);
        assert_true(face.has_landmarks && face.box[2] == face.box[3]);
        assert_true(error_of(&face, truth) < 0.1);
        mexpr_image_destroy(&image);
    }
    mexpr_face_finder_destroy(&finder);
    mexpr_context_destroy(&context);
}

/* Grey and colour of one picture give the same faces; threads do not matter. */
static void formats_do_not_matter(void **state)
{
    (void)state;
    const struct face_clip_options clip = make_clip(3);
    mexpr_face first = MEXPR_FACE_INIT;
    for (int threads = 1; threads <= 3; threads += 2) {
        mexpr_context *context = test_context(NULL, threads);
        mexpr_face_finder *finder = make_finder(context);
        mexpr_image *grey = draw(context, &clip, 0);
        for (int format = MEXPR_FORMAT_GREY8; format <= MEXPR_FORMAT_GREYF32; format++) {
            mexpr_face face = MEXPR_FACE_INIT;
            mexpr_image *image;
            int32_t n;
            assert_ok(context,
                mexpr_image_convert(context, grey, (mexpr_format)format, &image));
            assert_int_equal(mexpr_face_finder_run(finder, image, &n), MEXPR_OK);
            assert_int_equal(n, 1);
            assert_int_equal(mexpr_face_finder_face(finder, 0, &face), MEXPR_OK);
            if (threads == 1 && format == MEXPR_FORMAT_GREY8)
                first = face;
            assert_memory_equal(&face, &first, sizeof face);
            mexpr_image_destroy(&image);
        }
        mexpr_image_destroy(&grey);
        mexpr_face_finder_destroy(&finder);
        mexpr_context_destroy(&context);
    }
}

/* Pictures of any shape are looked at, and show no face. */
static void odd_pictures_have_none(void **state)
{
    (void)state;
    static const int32_t sizes[][2] = {
        {1, 1}, {2, 500}, {16, 16}, {40, 40}, {300, 300}, {20000, 20}, {20, 20000}};
    mexpr_context *context = test_context(NULL, 1);
    mexpr_face_finder *finder = make_finder(context);
    mexpr_face_tracker *tracker;
    assert_ok(context, mexpr_face_tracker_create(context, NULL, &tracker));
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (int grey = 0; grey <= 255; grey += 255) {
            mexpr_image *image;
            int32_t n = -1, followed = -1;
            assert_ok(context, mexpr_image_create(context, MEXPR_FORMAT_GREY8,
                                   sizes[i][0], sizes[i][1], &image));
            memset(mexpr_image_pixels(image), grey,
                mexpr_image_stride(image) * (size_t)sizes[i][1]);
            assert_int_equal(mexpr_face_finder_run(finder, image, &n), MEXPR_OK);
            assert_int_equal(n, 0);
            assert_int_equal(
                mexpr_face_tracker_push(tracker, image, &followed), MEXPR_OK);
            assert_int_equal(followed, 0);
            mexpr_image_destroy(&image);
        }
    }
    mexpr_face_tracker_destroy(&tracker);
    mexpr_face_finder_destroy(&finder);
    mexpr_context_destroy(&context);
}

static void a_warm_finder_allocates_nothing(void **state)
{
    (void)state;
    test_heap heap;
    test_heap_init(&heap);
    const struct face_clip_options clip = make_clip(2);
    mexpr_context *context = test_context(&heap, 1);
    mexpr_face_finder *finder = make_finder(context);
    mexpr_image *image = draw(context, &clip, 0);
    int32_t n;
    assert_int_equal(mexpr_face_finder_run(finder, image, &n), MEXPR_OK);
    const long before = heap.n_allocs;
    assert_int_equal(mexpr_face_finder_run(finder, image, &n), MEXPR_OK);
    assert_int_equal(heap.n_allocs, before);
    mexpr_image_destroy(&image);
    mexpr_face_finder_destroy(&finder);
    mexpr_context_destroy(&context);
}

static void heads_are_followed(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    struct face_clip_options clip = make_clip(4);
    mexpr_face_tracker *tracker;
    clip.drift = (struct face_pose){1.2, -0.4, 0.004, 0.001};
    assert_ok(context, mexpr_face_tracker_create(context, NULL, &tracker));
    for (int t = 0; t < 12; t++) {
        mexpr_face face = MEXPR_FACE_INIT;
        float truth[N];
        int32_t n;
        mexpr_image *image = draw(context, &clip, t);
        assert_int_equal(mexpr_face_tracker_push(tracker, image, &n), MEXPR_OK);
        assert_int_equal(n, 1);
        assert_int_equal(mexpr_face_tracker_face(tracker, 0, &face), MEXPR_OK);
        face_clip_landmarks(&clip, t, truth);
        assert_int_equal(face.id, 0);
        assert_int_equal(face.followed, t > 0);
        assert_true(error_of(&face, truth) < 0.12);
        mexpr_image_destroy(&image);
    }
    mexpr_face_tracker_reset(tracker);
    mexpr_face_tracker_destroy(&tracker);
    mexpr_context_destroy(&context);
}

/* --- the recognizer ---------------------------------------------------------------- */

static mexpr_status recognize(mexpr_recognizer *recognizer, const mexpr_image *onset,
    const mexpr_image *apex, mexpr_result **result)
{
    return mexpr_recognizer_run_frames(recognizer, onset, apex, result);
}

/* A head that moves changes nothing of the answer but its account of it. */
static void whole_frames_are_recognized(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    struct face_clip_options clip = make_clip(7);
    mexpr_recognizer *recognizer;
    mexpr_result *still, *moved;
    mexpr_alignment head = MEXPR_ALIGNMENT_INIT;
    mexpr_face face = MEXPR_FACE_INIT;
    face_clip_add_action(&clip, 12, FACE_BOTH, 0.8);
    assert_ok(context, mexpr_recognizer_create(context, NULL, &recognizer));
    mexpr_image *onset = draw(context, &clip, clip.onset);
    mexpr_image *apex = draw(context, &clip, clip.apex);
    assert_int_equal(recognize(recognizer, onset, apex, &still), MEXPR_OK);
    mexpr_image_destroy(&apex);
    clip.drift = (struct face_pose){0.4, 0.3, 0.003, 0};
    mexpr_image_destroy(&onset);
    onset = draw(context, &clip, clip.onset);
    apex = draw(context, &clip, clip.apex);
    assert_int_equal(recognize(recognizer, onset, apex, &moved), MEXPR_OK);
    assert_int_equal(mexpr_result_n_faces(moved), 1);
    assert_int_equal(mexpr_result_face(moved, &face), MEXPR_OK);
    assert_int_equal(mexpr_result_alignment(moved, &head), MEXPR_OK);
    assert_true(hypot(head.before.dx, head.before.dy) > 3 && head.residual < 0.1);
    assert_int_equal(mexpr_result_class(moved), mexpr_result_class(still));
    assert_int_equal(mexpr_field_width(mexpr_result_field(moved)), 140);
    assert_int_equal(mexpr_field_height(mexpr_result_field(moved)), 170);
    mexpr_result_destroy(&moved);
    mexpr_result_destroy(&still);
    mexpr_image_destroy(&apex);
    mexpr_image_destroy(&onset);
    mexpr_recognizer_destroy(&recognizer);
    mexpr_context_destroy(&context);
}

/* None, one too small, two: each is told. */
static void odd_frames_are_told(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    struct face_clip_options clip = make_clip(7);
    mexpr_recognizer *recognizer;
    mexpr_recognizer_options options = MEXPR_RECOGNIZER_OPTIONS_INIT;
    mexpr_result *result;
    mexpr_image *empty;
    options.smallest_face = 150;
    assert_ok(context, mexpr_recognizer_create(context, &options, &recognizer));
    mexpr_image *frame = draw(context, &clip, 0);
    assert_int_equal(recognize(recognizer, frame, frame, &result), MEXPR_E_RANGE);
    assert_non_null(strstr(mexpr_recognizer_last_error(recognizer), "150 are needed"));
    assert_ok(
        context, mexpr_image_create(context, MEXPR_FORMAT_GREY8, WIDTH, HEIGHT, &empty));
    assert_int_equal(recognize(recognizer, empty, frame, &result), MEXPR_E_NOT_FOUND);
    assert_non_null(strstr(mexpr_recognizer_last_error(recognizer), "no face"));
    assert_null(result);
    mexpr_recognizer_destroy(&recognizer);
    assert_ok(context, mexpr_recognizer_create(context, NULL, &recognizer));
    assert_int_equal(recognize(recognizer, frame, empty, &result), MEXPR_E_NOT_FOUND);
    assert_non_null(strstr(mexpr_recognizer_last_error(recognizer), "not found again"));
    mexpr_image_destroy(&empty);
    mexpr_image_destroy(&frame);
    mexpr_recognizer_destroy(&recognizer);
    mexpr_context_destroy(&context);
}

/* Two people side by side: the larger one is taken. */
static void the_largest_face_is_taken(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mexpr_image *both, *people[2];
    mexpr_recognizer *recognizer;
    mexpr_result *result;
    mexpr_face face = MEXPR_FACE_INIT;
    assert_ok(context,
        mexpr_image_create(context, MEXPR_FORMAT_GREY8, 2 * WIDTH, HEIGHT, &both));
    for (int i = 0; i < 2; i++) {
        struct face_clip_options clip = make_clip(2 + 3 * (uint64_t)i);
        clip.face_size = i ? 130 : 90;
        people[i] = draw(context, &clip, 0);
        for (int y = 0; y < HEIGHT; y++)
            memcpy((uint8_t *)mexpr_image_pixels(both) + 2 * WIDTH * y + WIDTH * i,
                (const uint8_t *)mexpr_image_data(people[i]) + WIDTH * y, WIDTH);
        mexpr_image_destroy(&people[i]);
    }
    assert_ok(context, mexpr_recognizer_create(context, NULL, &recognizer));
    assert_int_equal(recognize(recognizer, both, both, &result), MEXPR_OK);
    assert_int_equal(mexpr_result_n_faces(result), 2);
    assert_int_equal(mexpr_result_face(result, &face), MEXPR_OK);
    assert_true(face.box[0] > WIDTH);
    mexpr_result_destroy(&result);
    mexpr_recognizer_destroy(&recognizer);
    mexpr_image_destroy(&both);
    mexpr_context_destroy(&context);
}

/* The apex of a clip is found where the expression is strongest, though the head moves.
 */
static void clips_have_an_apex(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    struct face_clip_options clip = make_clip(5);
    mexpr_recognizer *recognizer;
    mexpr_result *result;
    mexpr_clip *frames;
    clip.drift = (struct face_pose){0.3, -0.2, 0.002, 0};
    face_clip_add_action(&clip, 12, FACE_BOTH, 0.8);
    assert_ok(context, mexpr_clip_create(context, NULL, &frames));
    for (int t = 0; t < clip.n_frames; t += 3) {
        mexpr_image *image = draw(context, &clip, t);
        assert_int_equal(mexpr_clip_push(frames, &image), MEXPR_OK);
    }
    assert_ok(context, mexpr_recognizer_create(context, NULL, &recognizer));
    assert_int_equal(
        mexpr_recognizer_run_clip(recognizer, frames, 1, -1, &result), MEXPR_OK);
    assert_int_equal(mexpr_result_onset(result), 1);
    assert_in_range(
        mexpr_result_apex(result), 4, 6); /* frames 12 to 18; the apex is 14 */
    mexpr_result_destroy(&result);
    mexpr_recognizer_destroy(&recognizer);
    mexpr_clip_destroy(&frames);
    mexpr_context_destroy(&context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(drawn_faces_are_found),
        cmocka_unit_test(formats_do_not_matter),
        cmocka_unit_test(odd_pictures_have_none),
        cmocka_unit_test(a_warm_finder_allocates_nothing),
        cmocka_unit_test(heads_are_followed),
        cmocka_unit_test(whole_frames_are_recognized),
        cmocka_unit_test(odd_frames_are_told),
        cmocka_unit_test(the_largest_face_is_taken),
        cmocka_unit_test(clips_have_an_apex),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
