/* SPDX-License-Identifier: MIT */
/* The methods of the flow estimator beside the default one. How close they are to the
 * programs they follow: compare_opencv_flow.py. */
#include <math.h>
#include <string.h>

#include "face_render.h"
#include "flow/flow_estimator.h"
#include "microexpr/flow.h"
#include "support.h"

static const mexpr_flow_method methods[] = {MEXPR_FLOW_METHOD_TVL1_FAST,
    MEXPR_FLOW_METHOD_TVL1_OPENCV, MEXPR_FLOW_METHOD_FARNEBACK};

enum { N_METHODS = sizeof methods / sizeof methods[0], MOST = 320 * 320 };

/* --- pictures and flows ------------------------------------------------------------ */

typedef float (*pattern)(float x, float y);

static float waves(float x, float y)
{
    return 128 + 40 * sinf(0.31f * x + 0.2f * y) + 35 * cosf(0.23f * y - 0.17f * x) +
           20 * sinf(0.5f * x) * cosf(0.41f * y);
}

static float noise(float x, float y)
{
    const float s = sinf(x * 12.9898f + y * 78.233f) * 43758.5453f;
    return 255 * (s - floorf(s));
}

static float constant(float x, float y)
{
    (void)x, (void)y;
    return 77;
}

static float extreme(float x, float y)
{
    return ((int)x / 3 + (int)y / 5) % 2 ? 65535.0f : -65535.0f;
}

static mexpr_image *picture(
    mexpr_context *context, pattern p, int width, int height, float dx, float dy)
{
    mexpr_image *image;
    assert_ok(context,
        mexpr_image_create(context, MEXPR_FORMAT_GREYF32, width, height, &image));
    for (int y = 0; y < height; y++) {
        float *row = (float *)((char *)mexpr_image_pixels(image) +
                               (size_t)y * mexpr_image_stride(image));
        for (int x = 0; x < width; x++)
            row[x] = p((float)x - dx, (float)y - dy);
    }
    return image;
}

static mexpr_flow *estimator(mexpr_context *context, mexpr_flow_method method)
{
    mexpr_flow *flow;
    assert_ok(context, mexpr_flow_create(context, &flow));
    assert_int_equal(mexpr_flow_set(flow, MEXPR_FLOW_METHOD, method), MEXPR_OK);
    return flow;
}

/* A job whose result is compared between contexts: method, one parameter, size, motion.
 */
typedef struct job {
    mexpr_flow_method method;
    mexpr_flow_param param;
    double value;
    pattern pattern;
    int width;
    int height;
    float dx;
    float dy;
} job;

static void run_in(mexpr_context *context, const job *j, float *uv)
{
    mexpr_flow *flow = estimator(context, j->method);
    mexpr_field *field;
    const size_t n = (size_t)j->width * (size_t)j->height;
    mexpr_image *first = picture(context, j->pattern, j->width, j->height, 0, 0);
    mexpr_image *second = picture(context, j->pattern, j->width, j->height, j->dx, j->dy);
    assert_ok(context, mexpr_field_create(context, j->width, j->height, &field));
    if (j->param)
        assert_int_equal(mexpr_flow_set(flow, j->param, j->value), MEXPR_OK);
    assert_int_equal(mexpr_flow_compute(flow, first, second, field), MEXPR_OK);
    memcpy(uv, mexpr_field_u(field), n * sizeof *uv);
    memcpy(uv + n, mexpr_field_v(field), n * sizeof *uv);
    mexpr_field_destroy(&field);
    mexpr_image_destroy(&second);
    mexpr_image_destroy(&first);
    mexpr_flow_destroy(&flow);
}

static void run_job(const job *j, int n_threads, const uint32_t *mask, float *uv)
{
    mexpr_context *context;
    mexpr_context_options options = test_options(NULL);
    options.n_threads = n_threads;
    if (mask) {
        options.cpu_mask = *mask;
        options.cpu_mask_set = 1;
    }
    assert_int_equal(mexpr_context_create(&options, &context), MEXPR_OK);
    run_in(context, j, uv);
    mexpr_context_destroy(&context);
}

static float expected[2 * MOST], got[2 * MOST];

/* --- parameters -------------------------------------------------------------------- */

static void test_bounds(void **state)
{
    double minimum, maximum, standard;
    (void)state;
    assert_int_equal(mexpr_flow_method_bounds(MEXPR_FLOW_METHOD_TVL1_OPENCV,
                         MEXPR_FLOW_ZOOM, &minimum, &maximum, &standard),
        MEXPR_OK);
    assert_true(minimum == 0.1 && maximum == 0.95 && standard == 0.8);
    assert_int_equal(mexpr_flow_method_bounds(MEXPR_FLOW_METHOD_FARNEBACK,
                         MEXPR_FLOW_WINDOW, NULL, NULL, NULL),
        MEXPR_OK);
    assert_int_equal(mexpr_flow_method_bounds(
                         MEXPR_FLOW_METHOD_FARNEBACK, MEXPR_FLOW_TAU, NULL, NULL, NULL),
        MEXPR_E_ARG);
    assert_int_equal(
        mexpr_flow_method_bounds((mexpr_flow_method)4, MEXPR_FLOW_TAU, NULL, NULL, NULL),
        MEXPR_E_ARG);
    assert_int_equal(
        mexpr_flow_method_bounds((mexpr_flow_method)-1, MEXPR_FLOW_TAU, NULL, NULL, NULL),
        MEXPR_E_ARG);
    assert_int_equal(
        mexpr_flow_param_bounds(MEXPR_FLOW_WINDOW, NULL, NULL, NULL), MEXPR_E_ARG);
}

static void test_defaults_follow_the_method(void **state)
{
    mexpr_context *context = test_context(NULL, 1);
    mexpr_flow *flow = estimator(context, MEXPR_FLOW_METHOD_TVL1);
    double value = 0;
    (void)state;
    for (int m = 0; m <= MEXPR_FLOW_METHOD_FARNEBACK; m++) {
        assert_int_equal(mexpr_flow_set(flow, MEXPR_FLOW_METHOD, m), MEXPR_OK);
        for (int p = 1; p <= MEXPR_FLOW_GAUSSIAN; p++) {
            double standard = -1;
            const mexpr_status known = mexpr_flow_method_bounds(
                (mexpr_flow_method)m, (mexpr_flow_param)p, NULL, NULL, &standard);
            assert_int_equal(mexpr_flow_get(flow, (mexpr_flow_param)p, &value), known);
            if (known == MEXPR_OK && p != MEXPR_FLOW_METHOD)
                assert_true(value == standard);
        }
    }
    assert_int_equal(mexpr_flow_set(flow, MEXPR_FLOW_WINDOW, 21), MEXPR_OK);
    assert_int_equal(
        mexpr_flow_set(flow, MEXPR_FLOW_METHOD, MEXPR_FLOW_METHOD_FARNEBACK), MEXPR_OK);
    assert_int_equal(mexpr_flow_get(flow, MEXPR_FLOW_WINDOW, &value), MEXPR_OK);
    assert_true(value == 15);
    mexpr_flow_destroy(&flow);
    mexpr_context_destroy(&context);
}

static void assert_refused(mexpr_flow *flow, mexpr_flow_param param, double value,
    mexpr_status status, const char *part)
{
    assert_int_equal(mexpr_flow_set(flow, param, value), status);
    if (!strstr(mexpr_flow_last_error(flow), part))
        fail_msg("\"%s\" lacks \"%s\"", mexpr_flow_last_error(flow), part);
}

static void test_refused_parameters(void **state)
{
    mexpr_context *context = test_context(NULL, 1);
    mexpr_flow *flow = estimator(context, MEXPR_FLOW_METHOD_TVL1_OPENCV);
    (void)state;
    assert_refused(flow, MEXPR_FLOW_METHOD, 4, MEXPR_E_RANGE, "method is 4");
    assert_refused(flow, MEXPR_FLOW_METHOD, NAN, MEXPR_E_RANGE, "method is");
    assert_refused(flow, MEXPR_FLOW_METHOD, 1.5, MEXPR_E_RANGE, "whole number");
    assert_refused(flow, MEXPR_FLOW_MEDIAN, 4, MEXPR_E_RANGE, "1, 3 or 5");
    assert_refused(flow, MEXPR_FLOW_MEDIAN, 7, MEXPR_E_RANGE, "1..5");
    assert_refused(flow, MEXPR_FLOW_WINDOW, 15, MEXPR_E_ARG, "OpenCV's TV-L1");
    assert_int_equal(
        mexpr_flow_set(flow, MEXPR_FLOW_METHOD, MEXPR_FLOW_METHOD_FARNEBACK), MEXPR_OK);
    assert_refused(flow, MEXPR_FLOW_TAU, 0.25, MEXPR_E_ARG, "Farnebäck's method");
    assert_refused(flow, MEXPR_FLOW_POLY_N, 32, MEXPR_E_RANGE, "poly n is 32");
    assert_refused(flow, MEXPR_FLOW_POLY_SIGMA, 0.1, MEXPR_E_RANGE, "0.5..100");
    assert_refused(flow, MEXPR_FLOW_WINDOW, 1, MEXPR_E_RANGE, "2..255");
    assert_refused(flow, (mexpr_flow_param)16, 1, MEXPR_E_ARG, "no flow parameter 16");
    mexpr_flow_destroy(&flow);
    mexpr_context_destroy(&context);
}

/* --- results ----------------------------------------------------------------------- */

static double mean_distance(const float *uv, int width, int height, float u, float v)
{
    const int margin = 12;
    const size_t n = (size_t)width * (size_t)height;
    double sum = 0;
    for (int y = margin; y < height - margin; y++)
        for (int x = margin; x < width - margin; x++) {
            const size_t i = (size_t)y * (size_t)width + (size_t)x;
            sum += hypot(uv[i] - u, uv[n + i] - v);
        }
    return sum / ((width - 2 * margin) * (height - 2 * margin));
}

static void test_translation(void **state)
{
    (void)state;
    for (int m = 0; m < N_METHODS; m++) {
        const job small = {methods[m], 0, 0, waves, 120, 97, 0.6f, -0.4f};
        const job large = {methods[m], 0, 0, waves, 120, 97, 3.2f, 2.5f};
        run_job(&small, 1, NULL, got);
        assert_true(mean_distance(got, 120, 97, 0.6f, -0.4f) < 0.08);
        if (methods[m] == MEXPR_FLOW_METHOD_TVL1_FAST)
            continue; /* as in TVL1, too far for three levels of so short waves */
        run_job(&large, 1, NULL, got);
        assert_true(mean_distance(got, 120, 97, 3.2f, 2.5f) < 0.08);
    }
}

enum { SIDE = 96, N_FACE = SIDE * SIDE };

/* The flow of an estimator, which it destroys, from onset to apex of a drawn face. */
static mexpr_field *face_flow(
    mexpr_context *context, const struct face_clip_options *clip, mexpr_flow *flow)
{
    static uint8_t frames[2][N_FACE];
    mexpr_image *images[2];
    mexpr_field *field;
    for (int i = 0; i < 2; i++) {
        face_clip_frame(clip, i ? clip->apex : clip->onset, frames[i], SIDE);
        assert_ok(context, mexpr_image_wrap(context, MEXPR_FORMAT_GREY8, SIDE, SIDE, SIDE,
                               frames[i], NULL, NULL, &images[i]));
    }
    assert_ok(context, mexpr_field_create(context, SIDE, SIDE, &field));
    assert_int_equal(mexpr_flow_compute(flow, images[0], images[1], field), MEXPR_OK);
    mexpr_image_destroy(&images[0]);
    mexpr_image_destroy(&images[1]);
    mexpr_flow_destroy(&flow);
    return field;
}

static struct face_clip_options drawn_face(uint64_t seed, int action)
{
    struct face_clip_options clip = face_clip_defaults(seed);
    face_clip_resize(&clip, SIDE, SIDE);
    assert_true(face_clip_add_action(&clip, action, FACE_BOTH, 0.5));
    return clip;
}

static double face_error(mexpr_context *context, mexpr_flow_method method)
{
    static uint8_t kind[N_FACE];
    static float u[N_FACE], v[N_FACE];
    const struct face_clip_options clip = drawn_face(21, 12);
    mexpr_field *field = face_flow(context, &clip, estimator(context, method));
    double sum = 0;
    int n = 0;
    face_clip_flow(&clip, clip.onset, clip.apex, u, v, kind);
    for (int i = 0; i < N_FACE; i++) {
        if (kind[i] != FACE_PIXEL_HEAD)
            continue;
        sum += hypot(mexpr_field_u(field)[i] - u[i], mexpr_field_v(field)[i] - v[i]);
        n++;
    }
    mexpr_field_destroy(&field);
    return sum / n;
}

static void test_drawn_face(void **state)
{
    mexpr_context *context = test_context(NULL, 1);
    (void)state;
    for (int m = 0; m < N_METHODS; m++)
        assert_true(face_error(context, methods[m]) < 0.1);
    mexpr_context_destroy(&context);
}

/* An estimator that goes on until the flow has come to rest. */
static mexpr_flow *patient(mexpr_context *context, mexpr_flow_method method)
{
    mexpr_flow *flow = estimator(context, method);
    assert_int_equal(mexpr_flow_set(flow, MEXPR_FLOW_WARPS, 5), MEXPR_OK);
    assert_int_equal(mexpr_flow_set(flow, MEXPR_FLOW_EPSILON, 3e-4), MEXPR_OK);
    assert_int_equal(mexpr_flow_set(flow, MEXPR_FLOW_ITERATIONS, 20000), MEXPR_OK);
    return flow;
}

/* Mean distance, and frees the first. */
static double distance_to(
    mexpr_context *context, mexpr_field *field, const mexpr_field *other)
{
    double mean;
    assert_ok(context, mexpr_field_difference(context, field, other, &mean, NULL));
    mexpr_field_destroy(&field);
    return mean;
}

/* TVL1_FAST goes to where TVL1 goes; with the defaults of both, which stop before, it is
 * not further from there, over some faces that its defaults were not chosen on. */
static void test_fast_goes_to_the_same_place(void **state)
{
    static const int actions[] = {1, 6, 15, 17, 25};
    enum { N_ACTIONS = sizeof actions / sizeof actions[0] };
    mexpr_context *context = test_context(NULL, 1);
    double fast = 0, exact = 0;
    (void)state;
    for (int i = 0; i < N_ACTIONS; i++) {
        struct face_clip_options clip = drawn_face(31 + (uint64_t)i, actions[i]);
        clip.noise_sigma = 1;
        clip.drift.dx = 0.02;
        mexpr_field *rest =
            face_flow(context, &clip, patient(context, MEXPR_FLOW_METHOD_TVL1));
        const double other = distance_to(context,
            face_flow(context, &clip, patient(context, MEXPR_FLOW_METHOD_TVL1_FAST)),
            rest);
        fast += distance_to(context,
            face_flow(context, &clip, estimator(context, MEXPR_FLOW_METHOD_TVL1_FAST)),
            rest);
        exact += distance_to(context,
            face_flow(context, &clip, estimator(context, MEXPR_FLOW_METHOD_TVL1)), rest);
        assert_true(other < 0.01);
        mexpr_field_destroy(&rest);
    }
    print_message("from the flow at rest: TVL1 %.4f px, TVL1_FAST %.4f px\n",
        exact / N_ACTIONS, fast / N_ACTIONS);
    assert_true(fast <= exact);
    mexpr_context_destroy(&context);
}

static const job varied[] = {
    {MEXPR_FLOW_METHOD_TVL1_FAST, 0, 0, noise, 131, 117, 1.3f, 0.8f},
    {MEXPR_FLOW_METHOD_TVL1_FAST, MEXPR_FLOW_ZOOM, 0.7, waves, 90, 171, 2.5f, -1.5f},
    {MEXPR_FLOW_METHOD_TVL1_FAST, MEXPR_FLOW_WARPS, 1, waves, 33, 200, -1, 0.3f},
    {MEXPR_FLOW_METHOD_TVL1_OPENCV, 0, 0, noise, 131, 117, 1.3f, 0.8f},
    {MEXPR_FLOW_METHOD_TVL1_OPENCV, MEXPR_FLOW_MEDIAN, 3, waves, 90, 171, 2.5f, -1.5f},
    {MEXPR_FLOW_METHOD_TVL1_OPENCV, MEXPR_FLOW_MEDIAN, 1, waves, 65, 49, -1, 0.3f},
    {MEXPR_FLOW_METHOD_TVL1_OPENCV, MEXPR_FLOW_ZOOM, 0.5, noise, 33, 200, 9, 7},
    {MEXPR_FLOW_METHOD_FARNEBACK, 0, 0, noise, 131, 117, 1.3f, 0.8f},
    {MEXPR_FLOW_METHOD_FARNEBACK, MEXPR_FLOW_GAUSSIAN, 1, waves, 131, 200, 3, -2},
    {MEXPR_FLOW_METHOD_FARNEBACK, MEXPR_FLOW_WINDOW, 255, waves, 70, 65, 1, 1},
    {MEXPR_FLOW_METHOD_FARNEBACK, MEXPR_FLOW_POLY_N, 31, waves, 49, 130, 1, 1},
    {MEXPR_FLOW_METHOD_FARNEBACK, MEXPR_FLOW_ZOOM, 0.9, noise, 64, 96, 0.5f, 1},
    {MEXPR_FLOW_METHOD_FARNEBACK, MEXPR_FLOW_SCALES, 0, waves, 40, 33, 0.5f, 1},
};

enum { N_VARIED = sizeof varied / sizeof varied[0] };

static void test_any_number_of_threads(void **state)
{
    (void)state;
    for (int i = 0; i < N_VARIED; i++) {
        const size_t bytes =
            2 * sizeof(float) * (size_t)varied[i].width * (size_t)varied[i].height;
        run_job(&varied[i], 1, NULL, expected);
        for (int n = 2; n <= 4; n++) {
            run_job(&varied[i], n, NULL, got);
            assert_memory_equal(expected, got, bytes);
        }
    }
}

static void test_any_instruction_set(void **state)
{
    static const uint32_t masks[] = {0, MEXPR_CPU_AVX2, MEXPR_CPU_ALL};
    (void)state;
    for (int i = 0; i < N_VARIED; i++) {
        const size_t bytes =
            2 * sizeof(float) * (size_t)varied[i].width * (size_t)varied[i].height;
        run_job(&varied[i], 1, &masks[0], expected);
        for (int m = 1; m < 3; m++) {
            run_job(&varied[i], 1, &masks[m], got);
            assert_memory_equal(expected, got, bytes);
        }
    }
}

/* Whether several iterations go over the rows at once or not. */
static void test_passes_do_not_matter(void **state)
{
    mexpr_context *context = test_context(NULL, 1);
    (void)state;
    for (int i = 0; i < 12; i++) {
        const int width = 30 + 7 * i, height = 130 - 9 * i;
        mexpr_flow *flow = estimator(context, MEXPR_FLOW_METHOD_TVL1_OPENCV);
        mexpr_image *first = picture(context, waves, width, height, 0, 0);
        mexpr_image *second =
            picture(context, waves, width, height, 0.3f * (float)i, 0.5f);
        const size_t bytes = (size_t)width * (size_t)height * sizeof(float);
        mexpr_field *field;
        assert_ok(context, mexpr_field_create(context, width, height, &field));
        assert_int_equal(
            mexpr_flow_set(flow, MEXPR_FLOW_EPSILON, 0.003 * (1 + i)), MEXPR_OK);
        flow->cached_bytes = PTRDIFF_MAX;
        assert_int_equal(mexpr_flow_compute(flow, first, second, field), MEXPR_OK);
        memcpy(expected, mexpr_field_u(field), bytes);
        flow->cached_bytes = 0;
        assert_int_equal(mexpr_flow_compute(flow, first, second, field), MEXPR_OK);
        assert_memory_equal(expected, mexpr_field_u(field), bytes);
        mexpr_field_destroy(&field);
        mexpr_image_destroy(&second);
        mexpr_image_destroy(&first);
        mexpr_flow_destroy(&flow);
    }
    mexpr_context_destroy(&context);
}

/* --- hard input -------------------------------------------------------------------- */

static void test_hard_pictures(void **state)
{
    static const int sizes[][2] = {
        {1, 1}, {2, 300}, {300, 2}, {1, 50}, {17, 1}, {3, 3}, {16, 16}, {31, 64}};
    static const pattern patterns[] = {constant, noise, extreme};
    (void)state;
    for (int i = 0; i < N_METHODS * 8 * 3; i++) {
        const int *size = sizes[i / 3 % 8];
        const job j = {methods[i / 24], 0, 0, patterns[i % 3], size[0], size[1], 40, 25};
        run_job(&j, 1 + i % 2, NULL, got);
        for (int k = 0; k < 2 * size[0] * size[1]; k++) {
            assert_true(isfinite(got[k]));
            if (j.pattern == constant)
                assert_true(got[k] == 0);
        }
    }
}

/* The far ends of the tunables, one at a time. */
static void test_extreme_parameters(void **state)
{
    (void)state;
    for (int m = 0; m < N_METHODS; m++) {
        for (int p = 1; p <= MEXPR_FLOW_GAUSSIAN; p++) {
            job j = {methods[m], (mexpr_flow_param)p, 0, noise, 50, 41, 6, 5};
            double minimum, maximum;
            if (p == MEXPR_FLOW_METHOD || mexpr_flow_method_bounds(j.method, j.param,
                                              &minimum, &maximum, NULL) != MEXPR_OK)
                continue;
            for (int end = 0; end < 2; end++) {
                j.value = end ? maximum : minimum;
                if (j.value > 50 && p != MEXPR_FLOW_LAMBDA && p != MEXPR_FLOW_WINDOW)
                    j.value = 50;
                run_job(&j, 1, NULL, got);
                for (int k = 0; k < 2 * 50 * 41; k++)
                    assert_true(isfinite(got[k]));
            }
        }
    }
}

static void refuse_value(
    mexpr_flow_method method, float value, mexpr_status status, const char *part)
{
    mexpr_context *context = test_context(NULL, 1);
    mexpr_flow *flow = estimator(context, method);
    mexpr_image *first = picture(context, waves, 20, 20, 0, 0);
    mexpr_image *second = picture(context, waves, 20, 20, 0, 0);
    mexpr_field *field;
    assert_ok(context, mexpr_field_create(context, 20, 20, &field));
    ((float *)mexpr_image_pixels(second))[7] = value;
    assert_int_equal(mexpr_flow_compute(flow, first, second, field), status);
    assert_non_null(strstr(mexpr_flow_last_error(flow), part));
    mexpr_field_destroy(&field);
    mexpr_image_destroy(&second);
    mexpr_image_destroy(&first);
    mexpr_flow_destroy(&flow);
    mexpr_context_destroy(&context);
}

static void test_refused_pictures(void **state)
{
    (void)state;
    for (int m = 0; m < N_METHODS; m++) {
        refuse_value(methods[m], NAN, MEXPR_E_FORMAT, "NaN or infinity");
        refuse_value(methods[m], INFINITY, MEXPR_E_FORMAT, "NaN or infinity");
        if (methods[m] != MEXPR_FLOW_METHOD_TVL1_FAST)
            refuse_value(methods[m], 1e5f, MEXPR_E_RANGE, "0..255");
    }
}

/* --- memory ------------------------------------------------------------------------ */

static void test_warm_calls_allocate_nothing(void **state)
{
    test_heap heap;
    test_heap_init(&heap);
    mexpr_context *context = test_context(&heap, 2);
    mexpr_image *first = picture(context, waves, 70, 50, 0, 0);
    mexpr_image *second = picture(context, waves, 70, 50, 1, 1);
    mexpr_flow *flow = estimator(context, MEXPR_FLOW_METHOD_TVL1);
    mexpr_field *field;
    (void)state;
    assert_ok(context, mexpr_field_create(context, 70, 50, &field));
    const long empty = heap.live_bytes;
    for (int m = 0; m < N_METHODS; m++) {
        assert_int_equal(mexpr_flow_set(flow, MEXPR_FLOW_METHOD, methods[m]), MEXPR_OK);
        assert_int_equal(heap.live_bytes, empty);
        assert_int_equal(mexpr_flow_compute(flow, first, second, field), MEXPR_OK);
        assert_true(heap.live_bytes > empty);
        const long before = heap.n_allocs;
        assert_int_equal(mexpr_flow_compute(flow, first, second, field), MEXPR_OK);
        assert_int_equal(mexpr_flow_set(flow, MEXPR_FLOW_ITERATIONS, 4), MEXPR_OK);
        assert_int_equal(mexpr_flow_compute(flow, first, second, field), MEXPR_OK);
        assert_int_equal(heap.n_allocs, before);
    }
    assert_int_equal(mexpr_flow_set(flow, MEXPR_FLOW_METHOD, 0), MEXPR_OK);
    assert_int_equal(heap.live_bytes, empty);
    mexpr_field_destroy(&field);
    mexpr_flow_destroy(&flow);
    mexpr_image_destroy(&second);
    mexpr_image_destroy(&first);
    mexpr_context_destroy(&context);
    assert_int_equal(heap.live_blocks, 0);
}

/* One estimator through sizes and layouts. */
static void test_sizes_in_turn(void **state)
{
    static const int sizes[][2] = {{60, 40}, {40, 60}, {9, 9}, {60, 40}};
    mexpr_context *context = test_context(NULL, 1);
    (void)state;
    for (int m = 0; m < N_METHODS; m++) {
        mexpr_flow *flow = estimator(context, methods[m]);
        for (int i = 0; i < 4; i++) {
            const job j = {methods[m], 0, 0, waves, sizes[i][0], sizes[i][1], 1, 0.5f};
            const size_t n = (size_t)j.width * (size_t)j.height;
            mexpr_image *first = picture(context, waves, j.width, j.height, 0, 0);
            mexpr_image *second = picture(context, waves, j.width, j.height, 1, 0.5f);
            mexpr_field *field;
            run_in(context, &j, expected);
            assert_ok(context, mexpr_field_create(context, j.width, j.height, &field));
            assert_int_equal(mexpr_flow_compute(flow, first, second, field), MEXPR_OK);
            assert_memory_equal(mexpr_field_u(field), expected, n * sizeof(float));
            assert_memory_equal(mexpr_field_v(field), expected + n, n * sizeof(float));
            mexpr_field_destroy(&field);
            mexpr_image_destroy(&second);
            mexpr_image_destroy(&first);
        }
        mexpr_flow_destroy(&flow);
    }
    mexpr_context_destroy(&context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_defaults_follow_the_method),
        cmocka_unit_test(test_refused_parameters),
        cmocka_unit_test(test_translation),
        cmocka_unit_test(test_drawn_face),
        cmocka_unit_test(test_fast_goes_to_the_same_place),
        cmocka_unit_test(test_any_number_of_threads),
        cmocka_unit_test(test_any_instruction_set),
        cmocka_unit_test(test_passes_do_not_matter),
        cmocka_unit_test(test_hard_pictures),
        cmocka_unit_test(test_extreme_parameters),
        cmocka_unit_test(test_refused_pictures),
        cmocka_unit_test(test_warm_calls_allocate_nothing),
        cmocka_unit_test(test_sizes_in_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
