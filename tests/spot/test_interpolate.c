/* SPDX-License-Identifier: MIT */
/* Clips of another length: TIM against its definition, summed term by term, and linear.
 */
#include <math.h>
#include <string.h>

#include "face_render.h"
#include "microexpr/spot.h"
#include "spot/tim.h"
#include "support.h"

#define PI 3.14159265358979323846

/* --- weights ----------------------------------------------------------------------- */

/* mean + X a(t) with the eigenvectors as the paper writes them. */
static double weight_by_definition(int n, double t, int v)
{
    double a = 1.0 / n;
    for (int k = 1; k < n; k++) {
        const double shift = PI * (n - k) / (2.0 * n);
        a += 2.0 / n * sin(PI * k * v / n + shift) * sin(PI * k * t + shift);
    }
    return a;
}

static void tim_weights(void **state)
{
    (void)state;
    const int sizes[] = {1, 2, 3, 4, 7, 30, 101};
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        const int n = sizes[s];
        for (int step = 0; step <= 4 * (n - 1); step++) {
            const double position = step / 4.0;
            double sum = 0;
            for (int i = 0; i < n; i++) {
                const double w = mx_tim_weight(n, position, i);
                assert_true(
                    fabs(w - weight_by_definition(n, (position + 1) / n, i + 1)) < 1e-11);
                if (step % 4 == 0)
                    assert_true(fabs(w - (i == step / 4)) < 1e-11);
                sum += w;
            }
            assert_true(fabs(sum - 1) < 1e-11);
        }
    }
}

/* --- clips ------------------------------------------------------------------------- */

enum { WIDTH = 34, HEIGHT = 40 };

static struct face_clip_options face_of(int n_frames)
{
    struct face_clip_options face = face_clip_defaults(5);
    face_clip_resize(&face, WIDTH, HEIGHT);
    face_clip_add_action(&face, 12, FACE_BOTH, 0.6);
    face.n_frames = n_frames;
    face.onset = n_frames / 6;
    face.apex = n_frames / 2;
    face.offset = n_frames - 2;
    return face;
}

static mexpr_clip *clip_of(mexpr_context *context, mexpr_format format, int n_frames)
{
    const struct face_clip_options face = face_of(n_frames);
    mexpr_clip *clip;
    assert_ok(context, mexpr_clip_create(context, NULL, &clip));
    for (int t = 0; t < n_frames; t++) {
        mexpr_image *grey, *image;
        assert_ok(context,
            mexpr_image_create(context, MEXPR_FORMAT_GREY8, WIDTH, HEIGHT, &grey));
        face_clip_frame(&face, t, mexpr_image_pixels(grey), WIDTH);
        assert_ok(context, mexpr_image_convert(context, grey, format, &image));
        if (format == MEXPR_FORMAT_RGB8)
            ((uint8_t *)mexpr_image_pixels(image))[1] = (uint8_t)(200 - t);
        mexpr_image_destroy(&grey);
        assert_int_equal(mexpr_clip_push(clip, &image), MEXPR_OK);
    }
    return clip;
}

typedef struct collector {
    mexpr_context *context;
    mexpr_clip *clip; /* receives copies */
    int64_t next;
    int64_t stop_take;
    uint64_t done, total, stop_progress;
} collector;

static int32_t take(void *user, int64_t index, const mexpr_image *frame)
{
    collector *c = user;
    mexpr_image *copy;
    assert_int_equal(index, c->next++);
    assert_ok(c->context,
        mexpr_image_convert(c->context, frame, mexpr_image_format(frame), &copy));
    assert_int_equal(mexpr_clip_push(c->clip, &copy), MEXPR_OK);
    return c->next == c->stop_take;
}

static int32_t progress(void *user, uint64_t done, uint64_t total)
{
    collector *c = user;
    assert_int_equal(done, c->done + 1);
    c->done = done;
    c->total = total;
    return done == c->stop_progress;
}

static mexpr_clip *interpolated(
    mexpr_context *context, mexpr_clip *clip, int32_t method, int64_t n_out)
{
    collector c = {.context = context};
    mexpr_interpolate_options o = MEXPR_INTERPOLATE_OPTIONS_INIT;
    o.method = method;
    o.n_out = n_out;
    assert_ok(context, mexpr_clip_create(context, NULL, &c.clip));
    assert_ok(context, mexpr_interpolate(context, clip, &o, take, progress, &c));
    assert_int_equal(c.next, n_out);
    assert_int_equal(c.done, c.total);
    return c.clip;
}

static const void *pixels_of(mexpr_clip *clip, int64_t index)
{
    const mexpr_image *frame;
    assert_int_equal(mexpr_clip_frame(clip, index, &frame), MEXPR_OK);
    return mexpr_image_data(frame);
}

static void as_many_frames_are_the_same_frames(void **state)
{
    (void)state;
    const mexpr_format formats[] = {
        MEXPR_FORMAT_GREY8, MEXPR_FORMAT_RGB8, MEXPR_FORMAT_GREY16, MEXPR_FORMAT_GREYF32};
    mexpr_context *context = test_context(NULL, 2);
    for (int f = 0; f < 4; f++) {
        for (int32_t method = 1; method <= 2; method++) {
            for (int n = 1; n <= 13; n += 4) {
                mexpr_clip *clip = clip_of(context, formats[f], n);
                mexpr_clip *same = interpolated(context, clip, method, n);
                const size_t size =
                    (size_t)WIDTH * HEIGHT * mexpr_format_bytes(formats[f]);
                for (int t = 0; t < n; t++) {
                    if (formats[f] != MEXPR_FORMAT_GREYF32) {
                        assert_memory_equal(pixels_of(clip, t), pixels_of(same, t), size);
                        continue;
                    }
                    const float *a = pixels_of(clip, t), *b = pixels_of(same, t);
                    for (int i = 0; i < WIDTH * HEIGHT; i++)
                        assert_true(fabsf(a[i] - b[i]) < 1e-4f);
                }
                mexpr_clip_destroy(&same);
                mexpr_clip_destroy(&clip);
            }
        }
    }
    mexpr_context_destroy(&context);
}

/* Each value of the new clip from the definition. */
static void another_number_of_frames(void **state)
{
    (void)state;
    enum { N = 11 };
    const int counts[] = {1, 2, 10, 37};
    mexpr_context *context = test_context(NULL, 2);
    mexpr_clip *clip = clip_of(context, MEXPR_FORMAT_GREYF32, N);
    for (int c = 0; c < 4; c++) {
        const int n_out = counts[c];
        mexpr_clip *tim = interpolated(context, clip, MEXPR_INTERPOLATION_TIM, n_out);
        mexpr_clip *linear =
            interpolated(context, clip, MEXPR_INTERPOLATION_LINEAR, n_out);
        for (int j = 0; j < n_out; j++) {
            const double s = n_out > 1 ? (N - 1.0) * j / (n_out - 1) : (N - 1) / 2.0;
            const float *by_tim = pixels_of(tim, j), *by_line = pixels_of(linear, j);
            for (int i = 0; i < WIDTH * HEIGHT; i += 7) {
                double curve = 0, line = 0;
                for (int v = 0; v < N; v++) {
                    const double grey = ((const float *)pixels_of(clip, v))[i];
                    curve += grey * weight_by_definition(N, (s + 1) / N, v + 1);
                    line += grey * fmax(0, 1 - fabs(s - v));
                }
                assert_true(fabs((double)by_tim[i] - curve) < 1e-4);
                assert_true(fabs((double)by_line[i] - line) < 1e-4);
            }
        }
        mexpr_clip_destroy(&linear);
        mexpr_clip_destroy(&tim);
    }
    mexpr_clip_destroy(&clip);
    mexpr_context_destroy(&context);
}

/* Every second frame of a rendered face: how far those made between are from those left
 * out. */
static double error_to_truth(mexpr_context *context, int32_t method)
{
    enum { N = 41 };
    mexpr_clip *all = clip_of(context, MEXPR_FORMAT_GREYF32, N), *half;
    assert_ok(context, mexpr_clip_create(context, NULL, &half));
    for (int t = 0; t < N; t += 2) {
        const mexpr_image *frame;
        mexpr_image *copy;
        assert_int_equal(mexpr_clip_frame(all, t, &frame), MEXPR_OK);
        assert_ok(
            context, mexpr_image_convert(context, frame, MEXPR_FORMAT_GREYF32, &copy));
        assert_int_equal(mexpr_clip_push(half, &copy), MEXPR_OK);
    }
    mexpr_clip *back = interpolated(context, half, method, N);
    double sum = 0;
    for (int t = 5; t < N - 5; t += 2) {
        const float *a = pixels_of(all, t), *b = pixels_of(back, t);
        for (int i = 0; i < WIDTH * HEIGHT; i++)
            sum += fabs((double)a[i] - (double)b[i]);
    }
    mexpr_clip_destroy(&back);
    mexpr_clip_destroy(&half);
    mexpr_clip_destroy(&all);
    return sum / (WIDTH * HEIGHT * ((N - 10) / 2));
}

static void frames_between_of_a_face(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    const double tim = error_to_truth(context, MEXPR_INTERPOLATION_TIM);
    const double linear = error_to_truth(context, MEXPR_INTERPOLATION_LINEAR);
    print_message("mean difference to the rendered frames: TIM %.4f, linear %.4f grey "
                  "levels\n",
        tim, linear);
    assert_true(tim < 0.5 && linear < 0.5);
    mexpr_context_destroy(&context);
}

/* --- streams and refusals ---------------------------------------------------------- */

typedef struct ramp {
    int64_t at, end;
} ramp;

/* Frames of 4 × 1 bytes that count up. */
static int64_t read_ramp(void *user, void *buffer, size_t size)
{
    ramp *r = user;
    size_t n = 0;
    for (; n < size && r->at < r->end; n++)
        ((uint8_t *)buffer)[n] = (uint8_t)(r->at++ / 4);
    return (int64_t)n;
}

static void streams(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    for (int32_t method = 1; method <= 2; method++) {
        ramp r = {0, 4 * 21};
        mexpr_clip *clip;
        collector c = {.context = context};
        mexpr_interpolate_options o = MEXPR_INTERPOLATE_OPTIONS_INIT;
        o.method = method;
        o.n_out = 5;
        assert_ok(context, mexpr_clip_open_raw(context, MEXPR_FORMAT_GREY8, 4, 1,
                               read_ramp, &r, NULL, &clip));
        assert_failure(context, mexpr_interpolate(context, clip, &o, take, NULL, &c),
            MEXPR_E_RANGE, "set n_in");
        o.n_in = 21;
        assert_ok(context, mexpr_clip_create(context, NULL, &c.clip));
        assert_ok(context, mexpr_interpolate(context, clip, &o, take, progress, &c));
        for (int j = 0; j < 5; j++)
            assert_int_equal(((const uint8_t *)pixels_of(c.clip, j))[2], 5 * j);
        mexpr_clip_destroy(&c.clip);
        mexpr_clip_destroy(&clip);

        r = (ramp){0, 4 * 20};
        assert_ok(context, mexpr_clip_open_raw(context, MEXPR_FORMAT_GREY8, 4, 1,
                               read_ramp, &r, NULL, &clip));
        c = (collector){.context = context};
        assert_ok(context, mexpr_clip_create(context, NULL, &c.clip));
        assert_failure(context, mexpr_interpolate(context, clip, &o, take, NULL, &c),
            MEXPR_E_RANGE, "the clip has 20");
        mexpr_clip_destroy(&c.clip);
        mexpr_clip_destroy(&clip);
    }
    mexpr_context_destroy(&context);
}

static void linear_memory_is_flat(void **state)
{
    (void)state;
    long peaks[2];
    for (int i = 0; i < 2; i++) {
        const int64_t n = i ? 10000 : 50;
        test_heap heap;
        test_heap_init(&heap);
        mexpr_context *context = test_context(&heap, 1);
        mexpr_context *other = test_context(NULL, 1);
        ramp r = {0, 4 * n};
        mexpr_clip *clip;
        collector c = {.context = other};
        mexpr_interpolate_options o = MEXPR_INTERPOLATE_OPTIONS_INIT;
        o.method = MEXPR_INTERPOLATION_LINEAR;
        o.n_in = n;
        o.n_out = 2 * n;
        assert_ok(other, mexpr_clip_create(other, NULL, &c.clip));
        assert_ok(context, mexpr_clip_open_raw(context, MEXPR_FORMAT_GREY8, 4, 1,
                               read_ramp, &r, NULL, &clip));
        assert_ok(context, mexpr_interpolate(context, clip, &o, take, progress, &c));
        mexpr_clip_destroy(&clip);
        mexpr_clip_destroy(&c.clip);
        mexpr_context_destroy(&context);
        mexpr_context_destroy(&other);
        peaks[i] = heap.peak_bytes;
    }
    assert_int_equal(peaks[0], peaks[1]);
}

/* Sums beyond one block: the clip is read again. */
static int32_t count(void *user, int64_t index, const mexpr_image *frame)
{
    const uint8_t *pixels = mexpr_image_data(frame);
    assert_int_equal(index, *(int64_t *)user);
    const double grey = 15 - 5 * sqrt(2) * cos(PI * (index / 4.0 + 0.5) / 2);
    assert_int_equal(pixels[0], (int)floor(grey + 0.5));
    return ++*(int64_t *)user < 0;
}

static void several_passes(void **state)
{
    (void)state;
    enum { SIDE = 1500 };
    test_heap heap;
    test_heap_init(&heap);
    mexpr_context *context = test_context(&heap, 1);
    mexpr_clip *clip;
    assert_ok(context, mexpr_clip_create(context, NULL, &clip));
    for (int t = 0; t < 2; t++) {
        mexpr_image *image;
        assert_ok(
            context, mexpr_image_create(context, MEXPR_FORMAT_GREY8, SIDE, SIDE, &image));
        memset(mexpr_image_pixels(image), t ? 20 : 10, (size_t)SIDE * SIDE);
        assert_int_equal(mexpr_clip_push(clip, &image), MEXPR_OK);
    }
    mexpr_interpolate_options o = MEXPR_INTERPOLATE_OPTIONS_INIT;
    o.n_out = 5;
    int64_t n = 0;
    assert_ok(context, mexpr_interpolate(context, clip, &o, count, NULL, &n));
    assert_int_equal(n, 5);
    /* Two frames in the clip, one that is made, three sums of the five. */
    const long frame = (long)SIDE * SIDE, sums = heap.peak_bytes - 3 * frame;
    assert_true(sums >= 3 * 8 * frame && sums < 4 * 8 * frame);
    mexpr_clip_destroy(&clip);
    mexpr_context_destroy(&context);
}

static void refusals(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mexpr_clip *clip = clip_of(context, MEXPR_FORMAT_GREY8, 5), *out;
    assert_ok(context, mexpr_clip_create(context, NULL, &out));
    collector c = {.context = context, .clip = out};
    const mexpr_interpolate_options good = {.struct_size = sizeof good, .n_out = 4};
    mexpr_interpolate_options o = good;
    assert_failure(context, mexpr_interpolate(context, clip, NULL, take, NULL, &c),
        MEXPR_E_RANGE, "n_out 0");
    o.method = 3;
    assert_failure(context, mexpr_interpolate(context, clip, &o, take, NULL, &c),
        MEXPR_E_RANGE, "method");
    o = good;
    o.first = 5;
    assert_failure(context, mexpr_interpolate(context, clip, &o, take, NULL, &c),
        MEXPR_E_RANGE, "the clip has 5");
    o.first = 2;
    o.n_in = 4;
    assert_failure(context, mexpr_interpolate(context, clip, &o, take, NULL, &c),
        MEXPR_E_RANGE, "4 frames from frame 2");
    o.first = -1;
    assert_failure(context, mexpr_interpolate(context, clip, &o, take, NULL, &c),
        MEXPR_E_RANGE, "not negative");
    o = good;
    o.n_out = INT64_MAX;
    assert_failure(context, mexpr_interpolate(context, clip, &o, take, NULL, &c),
        MEXPR_E_LIMIT, "max_frames");
    o = good;
    o.struct_size = 1;
    assert_failure(context, mexpr_interpolate(context, clip, &o, take, NULL, &c),
        MEXPR_E_ABI, "struct_size");
    o = good;
    for (o.method = 1; o.method <= 2; o.method++) {
        c.next = 0;
        c.stop_take = 2;
        assert_failure(context, mexpr_interpolate(context, clip, &o, take, NULL, &c),
            MEXPR_E_CANCELLED, "takes the frames");
        assert_int_equal(c.next, 2);
        c = (collector){.context = context, .clip = out, .stop_progress = 3};
        assert_failure(context, mexpr_interpolate(context, clip, &o, take, progress, &c),
            MEXPR_E_CANCELLED, "the progress callback");
        c.done = 0;
    }
    assert_failure(context, mexpr_interpolate(context, NULL, &good, take, NULL, &c),
        MEXPR_E_ARG, "clip is NULL");
    assert_failure(context, mexpr_interpolate(context, clip, &good, NULL, NULL, &c),
        MEXPR_E_ARG, "take is NULL");
    assert_int_equal(mexpr_interpolate(NULL, clip, &good, take, NULL, &c), MEXPR_E_ARG);
    mexpr_image *odd;
    assert_ok(
        context, mexpr_image_create(context, MEXPR_FORMAT_RGB8, WIDTH, HEIGHT, &odd));
    assert_int_equal(mexpr_clip_push(clip, &odd), MEXPR_OK);
    assert_failure(context, mexpr_interpolate(context, clip, &good, take, NULL, &c),
        MEXPR_E_TYPE, "frame 5 has format 2");
    mexpr_clip_destroy(&out);
    mexpr_clip_destroy(&clip);
    mexpr_context_destroy(&context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tim_weights),
        cmocka_unit_test(as_many_frames_are_the_same_frames),
        cmocka_unit_test(another_number_of_frames),
        cmocka_unit_test(frames_between_of_a_face),
        cmocka_unit_test(streams),
        cmocka_unit_test(linear_memory_is_flat),
        cmocka_unit_test(several_passes),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests_name("interpolate", tests, NULL, NULL);
}
