/* SPDX-License-Identifier: MIT */
/* Flow through clips: the right pairs in the right order, the same for any number of
 * threads, in bounded memory, and stoppable. */
#include <math.h>
#include <string.h>

#include "face_render.h"
#include "flow/flow_estimator.h"
#include "microexpr/flow.h"
#include "support.h"

enum { WIDTH = 40, HEIGHT = 36, N_FRAMES = 9 };

/* A face that smiles, as pushed pictures. */
static mexpr_clip *face_clip_of(mexpr_context *context, int width, int height)
{
    struct face_clip_options face = face_clip_defaults(3);
    face_clip_resize(&face, width, height);
    face_clip_add_action(&face, 12, FACE_BOTH, 1.0);
    face.drift.dx = 0.2;
    mexpr_clip *clip;
    assert_ok(context, mexpr_clip_create(context, NULL, &clip));
    for (int t = 0; t < N_FRAMES; t++) {
        mexpr_image *image;
        assert_ok(context,
            mexpr_image_create(context, MEXPR_FORMAT_GREY8, width, height, &image));
        face_clip_frame(&face, 5 + t, mexpr_image_pixels(image), (size_t)width);
        assert_int_equal(mexpr_clip_push(clip, &image), MEXPR_OK);
    }
    return clip;
}

static mexpr_clip *face_clip(mexpr_context *context)
{
    return face_clip_of(context, WIDTH, HEIGHT);
}

/* What the callbacks saw, and when they shall stop. */
typedef struct record {
    int64_t frames[64];
    uint32_t sums[64];
    int n;
    uint64_t done, total;
    int stop_take;
    uint64_t stop_progress;
    const test_heap *heap;
    long live_bytes; /* at the last field */
} record;

static uint32_t sum_of(const mexpr_field *field)
{
    const size_t n = (size_t)mexpr_field_width(field) * (size_t)mexpr_field_height(field);
    uint32_t sum = 17, bits;
    for (size_t i = 0; i < n; i++) {
        memcpy(&bits, mexpr_field_u(field) + i, sizeof bits);
        sum = sum * 31 + bits;
        memcpy(&bits, mexpr_field_v(field) + i, sizeof bits);
        sum = sum * 31 + bits;
    }
    return sum;
}

static int32_t take(void *user, int64_t frame, const mexpr_field *field)
{
    record *r = user;
    if (r->n < 64) {
        r->frames[r->n] = frame;
        r->sums[r->n] = sum_of(field);
    }
    r->n++;
    if (r->heap)
        r->live_bytes = r->heap->live_bytes;
    return r->n == r->stop_take;
}

static int32_t progress(void *user, uint64_t done, uint64_t total)
{
    record *r = user;
    assert_int_equal(done, r->done + 1);
    r->done = done;
    r->total = total;
    return done == r->stop_progress;
}

static uint32_t pair_sum(mexpr_context *context, mexpr_clip *clip, int64_t a, int64_t b)
{
    const mexpr_image *first, *second;
    mexpr_flow *flow;
    mexpr_field *field;
    assert_int_equal(mexpr_clip_frame(clip, a, &first), MEXPR_OK);
    assert_int_equal(mexpr_clip_frame(clip, b, &second), MEXPR_OK);
    assert_ok(context, mexpr_flow_create(context, &flow));
    assert_ok(context, mexpr_field_create(context, WIDTH, HEIGHT, &field));
    assert_int_equal(mexpr_flow_set(flow, MEXPR_FLOW_WARPS, 2), MEXPR_OK);
    assert_int_equal(mexpr_flow_compute(flow, first, second, field), MEXPR_OK);
    const uint32_t sum = sum_of(field);
    mexpr_field_destroy(&field);
    mexpr_flow_destroy(&flow);
    return sum;
}

static void pairs_in_order(int n_threads, mexpr_flow_reference reference, int64_t onset,
    int64_t first, int64_t n_frames)
{
    mexpr_context *context = test_context(NULL, n_threads);
    mexpr_clip *clip = face_clip(context);
    mexpr_flow *flow;
    record r = {0};
    mexpr_flow_clip_options o = MEXPR_FLOW_CLIP_OPTIONS_INIT;
    o.reference = reference;
    o.onset = onset;
    o.first = first;
    o.n_frames = n_frames;
    assert_ok(context, mexpr_flow_create(context, &flow));
    assert_int_equal(mexpr_flow_set(flow, MEXPR_FLOW_WARPS, 2), MEXPR_OK);
    assert_int_equal(mexpr_flow_clip(flow, clip, &o, take, progress, &r), MEXPR_OK);
    const int64_t end = n_frames ? first + n_frames : N_FRAMES;
    int k = 0;
    for (int64_t t = first; t < end; t++) {
        const int64_t from = reference == MEXPR_FLOW_REFERENCE_PREVIOUS ? t - 1 : onset;
        if (from < 0 || from == t)
            continue;
        assert_true(k < r.n);
        assert_int_equal(r.frames[k], t);
        assert_int_equal(r.sums[k], pair_sum(context, clip, from, t));
        k++;
    }
    assert_int_equal(r.n, k);
    assert_int_equal(r.done, k);
    assert_int_equal(r.total, k);
    mexpr_flow_destroy(&flow);
    mexpr_clip_destroy(&clip);
    mexpr_context_destroy(&context);
}

static void every_pair(void **state)
{
    (void)state;
    for (int n_threads = 1; n_threads <= 4; n_threads++) {
        pairs_in_order(n_threads, MEXPR_FLOW_REFERENCE_ONSET, 0, 0, 0);
        pairs_in_order(n_threads, MEXPR_FLOW_REFERENCE_ONSET, 4, 0, 0);
        pairs_in_order(n_threads, MEXPR_FLOW_REFERENCE_ONSET, 2, 5, 3);
        pairs_in_order(n_threads, MEXPR_FLOW_REFERENCE_PREVIOUS, 0, 0, 0);
        pairs_in_order(n_threads, MEXPR_FLOW_REFERENCE_PREVIOUS, 0, 3, 4);
        pairs_in_order(n_threads, MEXPR_FLOW_REFERENCE_PREVIOUS, 0, 8, 1);
    }
}

/* Large pictures are divided among the threads: the same fields. */
static void divided_or_not(void **state)
{
    (void)state;
    for (int n_threads = 2; n_threads <= 3; n_threads++) {
        mexpr_context *context = test_context(NULL, n_threads);
        mexpr_clip *clip = face_clip_of(context, 40, 97 * n_threads);
        mexpr_flow *flow;
        record aside = {0}, divided = {0};
        assert_ok(context, mexpr_flow_create(context, &flow));
        flow->divided_bytes = PTRDIFF_MAX;
        assert_int_equal(mexpr_flow_clip(flow, clip, NULL, take, NULL, &aside), MEXPR_OK);
        flow->divided_bytes = 0;
        assert_int_equal(
            mexpr_flow_clip(flow, clip, NULL, take, progress, &divided), MEXPR_OK);
        assert_int_equal(divided.n, N_FRAMES - 1);
        assert_memory_equal(aside.frames, divided.frames, sizeof aside.frames);
        assert_memory_equal(aside.sums, divided.sums, sizeof aside.sums);
        mexpr_flow_destroy(&flow);
        mexpr_clip_destroy(&clip);
        mexpr_context_destroy(&context);
    }
}

/* A callback may use the estimator: here for a clip within the clip, by another method.
 */
static int32_t take_inside(void *user, int64_t frame, const mexpr_field *field)
{
    (void)field;
    mexpr_flow *flow = ((void **)user)[0];
    record inner = {0};
    if (frame != 3)
        return 0;
    const mexpr_status status =
        mexpr_flow_set(flow, MEXPR_FLOW_METHOD, MEXPR_FLOW_METHOD_FARNEBACK);
    return status != MEXPR_OK ||
           mexpr_flow_clip(flow, ((void **)user)[1], NULL, take, NULL, &inner) !=
               MEXPR_OK ||
           inner.n != N_FRAMES - 1;
}

static void clips_within_clips(void **state)
{
    (void)state;
    test_heap heap;
    test_heap_init(&heap);
    mexpr_context *context = test_context(&heap, 2);
    mexpr_clip *clip = face_clip(context), *other = face_clip(context);
    mexpr_flow *flow;
    assert_ok(context, mexpr_flow_create(context, &flow));
    void *user[] = {flow, other};
    for (int i = 0; i < 2; i++)
        assert_int_equal(
            mexpr_flow_clip(flow, clip, NULL, take_inside, NULL, user), MEXPR_OK);
    mexpr_flow_destroy(&flow);
    mexpr_clip_destroy(&other);
    mexpr_clip_destroy(&clip);
    mexpr_context_destroy(&context);
    assert_int_equal(heap.live_blocks, 0);
}

/* A second clip of the same size needs no memory; another size, method or number of pairs
 * does, and finds nothing of the one before. */
static void one_clip_after_the_other(void **state)
{
    (void)state;
    test_heap heap;
    test_heap_init(&heap);
    mexpr_context *context = test_context(&heap, 3);
    mexpr_clip *clip = face_clip(context);
    mexpr_flow *flow;
    assert_ok(context, mexpr_flow_create(context, &flow));
    record first = {0}, second = {0}, few = {0}, other = {0}, again = {0};
    mexpr_flow_clip_options o = MEXPR_FLOW_CLIP_OPTIONS_INIT;
    assert_int_equal(mexpr_flow_clip(flow, clip, NULL, take, NULL, &first), MEXPR_OK);
    const long before = heap.n_allocs;
    assert_int_equal(mexpr_flow_clip(flow, clip, NULL, take, NULL, &second), MEXPR_OK);
    o.n_frames = 3;
    assert_int_equal(mexpr_flow_clip(flow, clip, &o, take, NULL, &few), MEXPR_OK);
    assert_int_equal(heap.n_allocs, before);
    assert_int_equal(
        mexpr_flow_set(flow, MEXPR_FLOW_METHOD, MEXPR_FLOW_METHOD_FARNEBACK), MEXPR_OK);
    assert_int_equal(mexpr_flow_clip(flow, clip, &o, take, NULL, &other), MEXPR_OK);
    assert_int_equal(
        mexpr_flow_set(flow, MEXPR_FLOW_METHOD, MEXPR_FLOW_METHOD_TVL1), MEXPR_OK);
    assert_int_equal(mexpr_flow_clip(flow, clip, NULL, take, NULL, &again), MEXPR_OK);
    assert_int_equal(first.n, N_FRAMES - 1);
    assert_memory_equal(&first, &second, sizeof first);
    assert_memory_equal(&first, &again, sizeof first);
    assert_memory_equal(few.sums, first.sums, 2 * sizeof first.sums[0]);
    assert_true(other.sums[0] != first.sums[0]);
    mexpr_flow_destroy(&flow);
    mexpr_clip_destroy(&clip);
    mexpr_context_destroy(&context);
    assert_int_equal(heap.live_blocks, 0);
}

/* --- long streams ------------------------------------------------------------------ */

/* Frames of 8 × 8 noise made on the way. */
typedef struct noise {
    uint64_t left;
    uint32_t seed;
} noise;

static int64_t read_noise(void *user, void *buffer, size_t size)
{
    noise *s = user;
    uint8_t *bytes = buffer;
    const size_t n = size < s->left ? size : (size_t)s->left;
    for (size_t i = 0; i < n; i++) {
        s->seed = s->seed * 1664525 + 1013904223;
        bytes[i] = (uint8_t)(s->seed >> 24);
    }
    s->left -= n;
    return (int64_t)n;
}

/* Peak memory, and live memory at the last field, of a stream of `n` frames. */
static long stream_peak(int64_t n, int n_threads, int32_t reference, long *live)
{
    test_heap heap;
    test_heap_init(&heap);
    mexpr_context *context = test_context(&heap, n_threads);
    noise s = {(uint64_t)n * 64, 1};
    mexpr_clip *clip;
    mexpr_flow *flow;
    record r = {.heap = &heap};
    mexpr_flow_clip_options o = MEXPR_FLOW_CLIP_OPTIONS_INIT;
    o.reference = reference;
    assert_ok(context, mexpr_clip_open_raw(context, MEXPR_FORMAT_GREY8, 8, 8, read_noise,
                           &s, NULL, &clip));
    assert_ok(context, mexpr_flow_create(context, &flow));
    mexpr_flow_set(flow, MEXPR_FLOW_WARPS, 1);
    mexpr_flow_set(flow, MEXPR_FLOW_ITERATIONS, 2);
    assert_int_equal(mexpr_flow_clip(flow, clip, &o, take, progress, &r), MEXPR_OK);
    assert_int_equal(r.n, n - 1);
    assert_int_equal(r.total, 0);
    assert_int_equal(mexpr_clip_n_frames(clip), n);
    mexpr_flow_destroy(&flow);
    mexpr_clip_destroy(&clip);
    mexpr_context_destroy(&context);
    assert_int_equal(heap.live_blocks, 0);
    *live = r.live_bytes;
    return heap.peak_bytes;
}

static void flat_memory(void **state)
{
    (void)state;
    for (int n_threads = 1; n_threads <= 3; n_threads += 2) {
        for (int32_t reference = 1; reference <= 2; reference++) {
            long live_short, live_long;
            const long peak_short = stream_peak(100, n_threads, reference, &live_short);
            const long peak_long = stream_peak(10000, n_threads, reference, &live_long);
            assert_int_equal(peak_short, peak_long);
            assert_int_equal(live_short, live_long);
        }
    }
}

/* --- stopping and refusing --------------------------------------------------------- */

static void stopped(void **state)
{
    (void)state;
    for (int n_threads = 1; n_threads <= 3; n_threads++) {
        mexpr_context *context = test_context(NULL, n_threads);
        mexpr_clip *clip = face_clip(context);
        mexpr_flow *flow;
        assert_ok(context, mexpr_flow_create(context, &flow));
        record r = {.stop_take = 4};
        assert_int_equal(
            mexpr_flow_clip(flow, clip, NULL, take, progress, &r), MEXPR_E_CANCELLED);
        assert_int_equal(r.n, 4);
        assert_non_null(strstr(mexpr_flow_last_error(flow), "takes the fields"));
        r = (record){.stop_progress = 3};
        assert_int_equal(
            mexpr_flow_clip(flow, clip, NULL, take, progress, &r), MEXPR_E_CANCELLED);
        assert_int_equal(r.n, 3);
        assert_non_null(strstr(mexpr_flow_last_error(flow), "after 3 fields"));
        mexpr_flow_destroy(&flow);
        mexpr_clip_destroy(&clip);
        mexpr_context_destroy(&context);
    }
}

static void refuse(mexpr_flow *flow, mexpr_clip *clip, mexpr_flow_clip_options o,
    mexpr_status status, const char *part)
{
    record r = {0};
    assert_int_equal(mexpr_flow_clip(flow, clip, &o, take, NULL, &r), status);
    if (!strstr(mexpr_flow_last_error(flow), part)) {
        print_message("%s\n", mexpr_flow_last_error(flow));
        fail();
    }
    assert_int_equal(r.n, 0);
}

static void bad_options(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mexpr_clip *clip = face_clip(context), *empty, *stream;
    mexpr_flow *flow;
    record r = {0};
    noise s = {64 * 5, 1};
    assert_ok(context, mexpr_flow_create(context, &flow));
    assert_ok(context, mexpr_clip_create(context, NULL, &empty));
    assert_ok(context, mexpr_clip_open_raw(context, MEXPR_FORMAT_GREY8, 8, 8, read_noise,
                           &s, NULL, &stream));
    const mexpr_flow_clip_options good = MEXPR_FLOW_CLIP_OPTIONS_INIT;
    mexpr_flow_clip_options o = good;
    refuse(flow, empty, o, MEXPR_E_RANGE, "no frame 0: the clip has 0");
    o.reference = 3;
    refuse(flow, clip, o, MEXPR_E_RANGE, "reference 3");
    o = good;
    o.onset = -1;
    refuse(flow, clip, o, MEXPR_E_RANGE, "negative");
    o.onset = N_FRAMES;
    refuse(flow, clip, o, MEXPR_E_RANGE, "no frame 9");
    o = good;
    o.first = N_FRAMES;
    refuse(flow, clip, o, MEXPR_E_RANGE, "no frame 9");
    o.first = 4;
    o.n_frames = 6;
    refuse(flow, clip, o, MEXPR_E_RANGE, "5 frames from frame 4 on, not 6");
    o = good;
    o.onset = 3;
    o.first = 1;
    refuse(flow, stream, o, MEXPR_E_RANGE, "a stream cannot go back");
    o = good;
    o.onset = 12;
    refuse(flow, stream, o, MEXPR_E_RANGE, "no frame 12: the clip has 5");
    o = good;
    o.struct_size = 4;
    refuse(flow, clip, o, MEXPR_E_ABI, "struct_size");
    assert_int_equal(mexpr_flow_clip(NULL, clip, NULL, take, NULL, &r), MEXPR_E_ARG);
    assert_int_equal(mexpr_flow_clip(flow, NULL, NULL, take, NULL, &r), MEXPR_E_ARG);
    assert_non_null(strstr(mexpr_flow_last_error(flow), "clip is NULL"));
    assert_int_equal(mexpr_flow_clip(flow, clip, NULL, NULL, NULL, &r), MEXPR_E_ARG);
    assert_non_null(strstr(mexpr_flow_last_error(flow), "take is NULL"));
    mexpr_clip_destroy(&stream);
    mexpr_clip_destroy(&empty);
    mexpr_clip_destroy(&clip);
    mexpr_flow_destroy(&flow);
    mexpr_context_destroy(&context);
}

/* Fields before the bad frame are given; the sentence names the frame. */
static void bad_frames(void **state)
{
    (void)state;
    for (int n_threads = 1; n_threads <= 3; n_threads++) {
        mexpr_context *context = test_context(NULL, n_threads);
        mexpr_clip *clip;
        mexpr_flow *flow;
        assert_ok(context, mexpr_clip_create(context, NULL, &clip));
        assert_ok(context, mexpr_flow_create(context, &flow));
        for (int t = 0; t < 6; t++) {
            mexpr_image *image;
            assert_ok(context,
                mexpr_image_create(context, MEXPR_FORMAT_GREYF32, 16, 16, &image));
            if (t == 4)
                ((float *)mexpr_image_pixels(image))[5] = NAN;
            assert_int_equal(mexpr_clip_push(clip, &image), MEXPR_OK);
        }
        record r = {0};
        assert_int_equal(
            mexpr_flow_clip(flow, clip, NULL, take, NULL, &r), MEXPR_E_FORMAT);
        assert_int_equal(r.n, 3);
        assert_non_null(strstr(mexpr_flow_last_error(flow), "frame 4 holds NaN"));
        mexpr_flow_destroy(&flow);
        mexpr_clip_destroy(&clip);
        mexpr_context_destroy(&context);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pair),
        cmocka_unit_test(divided_or_not),
        cmocka_unit_test(one_clip_after_the_other),
        cmocka_unit_test(clips_within_clips),
        cmocka_unit_test(flat_memory),
        cmocka_unit_test(stopped),
        cmocka_unit_test(bad_options),
        cmocka_unit_test(bad_frames),
    };
    return cmocka_run_group_tests_name("flow_clip", tests, NULL, NULL);
}
