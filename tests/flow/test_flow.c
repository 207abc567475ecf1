/* SPDX-License-Identifier: MIT */
/* The estimator: parameters, known motions, odd pictures, threads, instruction sets. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "face_render.h"
#include "flow/flow_estimator.h"
#include "flow/flow_rows.h"
#include "flow/flow_team.h"
#include "microexpr/flow.h"
#include "plain_tvl1.h"
#include "support.h"

/* --- help -------------------------------------------------------------------------- */

/* Checks a call on an estimator, and the sentence it leaves there. */
static void assert_flow_failure(
    const mexpr_flow *flow, mexpr_status status, mexpr_status expected, const char *part)
{
    if (status != expected || !strstr(mexpr_flow_last_error(flow), part))
        fail_msg("%s: %s; expected %s and \"%s\"", mexpr_status_name(status),
            mexpr_flow_last_error(flow), mexpr_status_name(expected), part);
}

/* A smooth pattern without a direction of its own, moved by (dx, dy). */
static float pattern(double x, double y)
{
    return (float)(128 + 40 * sin(0.31 * x + 0.13 * y) + 35 * cos(0.23 * y - 0.11 * x) +
                   25 * sin(0.57 * x) * cos(0.49 * y));
}

static mexpr_image *pattern_image(
    mexpr_context *context, int width, int height, double dx, double dy)
{
    mexpr_image *image;
    assert_ok(context,
        mexpr_image_create(context, MEXPR_FORMAT_GREYF32, width, height, &image));
    float *pixels = mexpr_image_pixels(image);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            pixels[y * width + x] = pattern(x - dx, y - dy);
    return image;
}

static mexpr_field *compute(
    mexpr_context *context, const mexpr_image *first, const mexpr_image *second)
{
    mexpr_flow *flow;
    mexpr_field *field;
    assert_ok(context, mexpr_flow_create(context, &flow));
    assert_ok(context, mexpr_field_create(context, mexpr_image_width(first),
                           mexpr_image_height(first), &field));
    const mexpr_status status = mexpr_flow_compute(flow, first, second, field);
    if (status != MEXPR_OK)
        fail_msg("%s: %s", mexpr_status_name(status), mexpr_flow_last_error(flow));
    mexpr_flow_destroy(&flow);
    return field;
}

static size_t size_of(const mexpr_field *field)
{
    return (size_t)mexpr_field_width(field) * (size_t)mexpr_field_height(field);
}

static void assert_all_finite(const mexpr_field *field)
{
    for (size_t i = 0; i < size_of(field); i++) {
        assert_true(isfinite(mexpr_field_u(field)[i]));
        assert_true(isfinite(mexpr_field_v(field)[i]));
    }
}

static void assert_same_bits(const mexpr_field *a, const mexpr_field *b)
{
    assert_int_equal(size_of(a), size_of(b));
    assert_memory_equal(mexpr_field_u(a), mexpr_field_u(b), size_of(a) * sizeof(float));
    assert_memory_equal(mexpr_field_v(a), mexpr_field_v(b), size_of(a) * sizeof(float));
}

/* --- parameters -------------------------------------------------------------------- */

static void params_have_bounds(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mexpr_flow *flow;
    assert_ok(context, mexpr_flow_create(context, &flow));
    for (int id = MEXPR_FLOW_TAU; id <= MEXPR_FLOW_ITERATIONS; id++) {
        double low, high, standard, value;
        assert_int_equal(
            mexpr_flow_param_bounds((mexpr_flow_param)id, &low, &high, &standard),
            MEXPR_OK);
        assert_true(low <= standard && standard <= high);
        assert_int_equal(mexpr_flow_get(flow, (mexpr_flow_param)id, &value), MEXPR_OK);
        assert_true(value == standard);
        assert_int_equal(mexpr_flow_set(flow, (mexpr_flow_param)id, high), MEXPR_OK);
        assert_int_equal(mexpr_flow_set(flow, (mexpr_flow_param)id, low), MEXPR_OK);
        assert_flow_failure(flow, mexpr_flow_set(flow, (mexpr_flow_param)id, low - 1),
            MEXPR_E_RANGE, "it must be in");
        assert_flow_failure(flow, mexpr_flow_set(flow, (mexpr_flow_param)id, high + 1),
            MEXPR_E_RANGE, "it must be in");
        assert_flow_failure(
            flow, mexpr_flow_set(flow, (mexpr_flow_param)id, NAN), MEXPR_E_RANGE, "nan");
        assert_int_equal(mexpr_flow_get(flow, (mexpr_flow_param)id, &value), MEXPR_OK);
        assert_true(value == low);
    }
    assert_flow_failure(
        flow, mexpr_flow_set(flow, MEXPR_FLOW_WARPS, 2.5), MEXPR_E_RANGE, "whole number");
    assert_flow_failure(flow, mexpr_flow_set(flow, (mexpr_flow_param)0, 1), MEXPR_E_ARG,
        "no flow parameter 0");
    assert_flow_failure(flow, mexpr_flow_set(flow, (mexpr_flow_param)99, 1), MEXPR_E_ARG,
        "no flow parameter 99");
    mexpr_flow_destroy(&flow);
    mexpr_context_destroy(&context);
}

static void params_refuse_nonsense(void **state)
{
    (void)state;
    double value;
    assert_int_equal(
        mexpr_flow_param_bounds((mexpr_flow_param)77, NULL, NULL, NULL), MEXPR_E_ARG);
    assert_int_equal(mexpr_flow_param_bounds(MEXPR_FLOW_TAU, NULL, NULL, NULL), MEXPR_OK);
    assert_int_equal(mexpr_flow_set(NULL, MEXPR_FLOW_TAU, 0.1), MEXPR_E_ARG);
    assert_int_equal(mexpr_flow_get(NULL, MEXPR_FLOW_TAU, &value), MEXPR_E_ARG);
    assert_int_equal(mexpr_flow_create(NULL, NULL), MEXPR_E_ARG);
    mexpr_flow *flow = (mexpr_flow *)&value;
    assert_int_equal(mexpr_flow_create(NULL, &flow), MEXPR_E_ARG);
    assert_null(flow);
    mexpr_flow_destroy(NULL);
    mexpr_flow_destroy(&flow);
    assert_string_equal(mexpr_flow_last_error(NULL), "");
    assert_int_equal(mexpr_flow_compute(NULL, NULL, NULL, NULL), MEXPR_E_ARG);
}

/* --- bad pictures ------------------------------------------------------------------ */

static void bad_pictures_are_refused(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mexpr_image *a = pattern_image(context, 20, 12, 0, 0);
    mexpr_image *b = pattern_image(context, 12, 20, 0, 0);
    mexpr_field *field;
    mexpr_flow *flow;
    assert_ok(context, mexpr_field_create(context, 20, 12, &field));
    assert_ok(context, mexpr_flow_create(context, &flow));
    assert_flow_failure(flow, mexpr_flow_compute(flow, NULL, a, field), MEXPR_E_ARG,
        "the first picture is NULL");
    assert_flow_failure(flow, mexpr_flow_compute(flow, a, NULL, field), MEXPR_E_ARG,
        "the second picture is NULL");
    assert_flow_failure(
        flow, mexpr_flow_compute(flow, a, a, NULL), MEXPR_E_ARG, "the field is NULL");
    assert_flow_failure(
        flow, mexpr_flow_compute(flow, a, b, field), MEXPR_E_SHAPE, "20×12 and 12×20");
    assert_flow_failure(flow, mexpr_flow_compute(flow, b, b, field), MEXPR_E_SHAPE,
        "the field is 20×12, but the pictures are 12×20");
    static const float wrong[] = {NAN, INFINITY, -INFINITY};
    for (int i = 0; i < 3; i++) {
        float *pixels = mexpr_image_pixels(a);
        const float old = pixels[77];
        pixels[77] = wrong[i];
        assert_flow_failure(flow, mexpr_flow_compute(flow, a, a, field), MEXPR_E_FORMAT,
            "NaN or infinity");
        pixels[77] = old;
    }
    assert_int_equal(mexpr_flow_compute(flow, a, a, field), MEXPR_OK);
    mexpr_flow_destroy(&flow);
    mexpr_field_destroy(&field);
    mexpr_image_destroy(&b);
    mexpr_image_destroy(&a);
    mexpr_context_destroy(&context);
}

static void constant_pictures_do_not_move(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mexpr_image *a, *b;
    assert_ok(context, mexpr_image_create(context, MEXPR_FORMAT_GREY8, 40, 30, &a));
    assert_ok(context, mexpr_image_create(context, MEXPR_FORMAT_GREY8, 40, 30, &b));
    memset(mexpr_image_pixels(a), 100, 40 * 30);
    memset(mexpr_image_pixels(b), 100, 40 * 30);
    for (int turn = 0; turn < 2; turn++) {
        mexpr_field *field = compute(context, a, b);
        for (size_t i = 0; i < size_of(field); i++) {
            assert_true(mexpr_field_u(field)[i] == 0);
            assert_true(mexpr_field_v(field)[i] == 0);
        }
        mexpr_field_destroy(&field);
        memset(mexpr_image_pixels(b), 140, 40 * 30); /* each constant, but not alike */
    }
    mexpr_image_destroy(&b);
    mexpr_image_destroy(&a);
    mexpr_context_destroy(&context);
}

static void tiny_and_thin_pictures_work(void **state)
{
    (void)state;
    static const int sizes[][2] = {{1, 1}, {1, 2}, {2, 1}, {1, 50}, {50, 1}, {2, 300},
        {300, 2}, {3, 3}, {4, 4}, {5, 7}, {6, 40}, {15, 17}, {16, 16}, {17, 33},
        {200, 6}};
    mexpr_context *context = test_context(NULL, 2);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        mexpr_image *a = pattern_image(context, sizes[i][0], sizes[i][1], 0, 0);
        mexpr_image *b = pattern_image(context, sizes[i][0], sizes[i][1], 1, -1);
        mexpr_field *field = compute(context, a, b);
        assert_all_finite(field);
        mexpr_field_destroy(&field);
        mexpr_image_destroy(&b);
        mexpr_image_destroy(&a);
    }
    mexpr_context_destroy(&context);
}

/* Noise against other noise under the most extreme parameters. */
static void extremes_stay_finite(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mexpr_image *a = pattern_image(context, 61, 47, 0, 0);
    mexpr_image *b = pattern_image(context, 61, 47, 0, 0);
    uint32_t seed = 1;
    for (int i = 0; i < 61 * 47; i++) {
        seed = seed * 1664525u + 1013904223u;
        ((float *)mexpr_image_pixels(a))[i] = (float)(seed >> 8) * 1e30f;
        seed = seed * 1664525u + 1013904223u;
        ((float *)mexpr_image_pixels(b))[i] = -(float)(seed >> 8) * 1e30f;
    }
    mexpr_flow *flow;
    mexpr_field *field;
    assert_ok(context, mexpr_flow_create(context, &flow));
    assert_ok(context, mexpr_field_create(context, 61, 47, &field));
    for (int corner = 0; corner < 32; corner++) {
        for (int id = MEXPR_FLOW_TAU; id <= MEXPR_FLOW_ZOOM; id++) {
            double low, high;
            mexpr_flow_param_bounds((mexpr_flow_param)id, &low, &high, NULL);
            if (id == MEXPR_FLOW_SCALES && !(corner >> (id - 1) & 1))
                low = 3;
            assert_int_equal(mexpr_flow_set(flow, (mexpr_flow_param)id,
                                 corner >> (id - 1) & 1 ? high : low),
                MEXPR_OK);
        }
        assert_int_equal(mexpr_flow_set(flow, MEXPR_FLOW_ITERATIONS, 40), MEXPR_OK);
        assert_int_equal(mexpr_flow_compute(flow, a, b, field), MEXPR_OK);
        assert_all_finite(field);
    }
    mexpr_flow_destroy(&flow);
    mexpr_field_destroy(&field);
    mexpr_image_destroy(&b);
    mexpr_image_destroy(&a);
    mexpr_context_destroy(&context);
}

/* --- the flow itself --------------------------------------------------------------- */

/* Mean distance from a constant motion, 10 pixels and more from the border. */
static double error_inside(const mexpr_field *field, double dx, double dy)
{
    const int width = mexpr_field_width(field), height = mexpr_field_height(field);
    double sum = 0;
    int n = 0;
    for (int y = 10; y < height - 10; y++) {
        for (int x = 10; x < width - 10; x++, n++) {
            const size_t i = (size_t)y * (size_t)width + (size_t)x;
            sum += hypot((double)mexpr_field_u(field)[i] - dx,
                (double)mexpr_field_v(field)[i] - dy);
        }
    }
    return sum / n;
}

static void known_shifts_are_found(void **state)
{
    (void)state;
    static const double shifts[][2] = {{0, 0}, {0.4, -0.2}, {1.5, 0.75}, {-3, 2}};
    mexpr_context *context = test_context(NULL, 1);
    for (size_t i = 0; i < 4; i++) {
        mexpr_image *a = pattern_image(context, 100, 80, 0, 0);
        mexpr_image *b = pattern_image(context, 100, 80, shifts[i][0], shifts[i][1]);
        mexpr_field *field = compute(context, a, b);
        assert_true(error_inside(field, shifts[i][0], shifts[i][1]) < 0.05);
        mexpr_field_destroy(&field);
        mexpr_image_destroy(&b);
        mexpr_image_destroy(&a);
    }
    mexpr_context_destroy(&context);
}

static double distance_to_plain(
    mexpr_context *context, int width, int height, const plain_tvl1_params *params)
{
    mexpr_image *a = pattern_image(context, width, height, 0, 0);
    mexpr_image *b = pattern_image(context, width, height, 1.3, -0.6);
    mexpr_flow *flow;
    mexpr_field *field;
    assert_ok(context, mexpr_flow_create(context, &flow));
    assert_ok(context, mexpr_field_create(context, width, height, &field));
    const double values[] = {params->tau, params->lambda, params->theta, params->scales,
        params->zoom, params->warps, params->epsilon, params->iterations};
    for (int id = MEXPR_FLOW_TAU; id <= MEXPR_FLOW_ITERATIONS; id++)
        assert_int_equal(
            mexpr_flow_set(flow, (mexpr_flow_param)id, values[id - 1]), MEXPR_OK);
    assert_int_equal(mexpr_flow_compute(flow, a, b, field), MEXPR_OK);
    double *uv = calloc(2 * size_of(field), sizeof *uv);
    assert_non_null(uv);
    plain_tvl1(params, mexpr_image_data(a), mexpr_image_data(b), width, height, uv,
        uv + size_of(field));
    double sum = 0;
    for (size_t i = 0; i < size_of(field); i++)
        sum += hypot((double)mexpr_field_u(field)[i] - uv[i],
            (double)mexpr_field_v(field)[i] - uv[size_of(field) + i]);
    sum /= (double)size_of(field);
    free(uv);
    mexpr_flow_destroy(&flow);
    mexpr_field_destroy(&field);
    mexpr_image_destroy(&b);
    mexpr_image_destroy(&a);
    return sum;
}

/* With a fixed number of iterations: the stop test may go either way by rounding. */
static void agrees_with_a_plain_version(void **state)
{
    (void)state;
    static const plain_tvl1_params params[] = {
        {0.25, 0.15, 0.3, 0.5, 0, 100, 5, 20},
        {0.2, 0.05, 0.5, 0.5, 0, 2, 3, 30},
        {0.25, 0.3, 0.2, 0.7, 0, 100, 2, 15},
        {0.125, 0.15, 0.3, 0.35, 0, 3, 4, 10},
    };
    static const int sizes[][2] = {{64, 64}, {75, 41}, {50, 97}, {129, 36}};
    mexpr_context *context = test_context(NULL, 1);
    for (int i = 0; i < 4; i++) {
        const double distance =
            distance_to_plain(context, sizes[i][0], sizes[i][1], &params[i]);
        print_message("%d×%d: mean distance to the plain version %.2g px\n", sizes[i][0],
            sizes[i][1], distance);
        assert_true(distance < 1e-4);
    }
    mexpr_context_destroy(&context);
}

/* --- the same bits ----------------------------------------------------------------- */

static void threads_do_not_matter(void **state)
{
    (void)state;
    mexpr_field *first = NULL;
    for (int n = 1; n <= 4; n++) {
        mexpr_context *context = test_context(NULL, n);
        mexpr_image *a = pattern_image(context, 131, 149, 0, 0);
        mexpr_image *b = pattern_image(context, 131, 149, 2.2, 1.1);
        mexpr_field *field = compute(context, a, b);
        if (first)
            assert_same_bits(first, field);
        mexpr_image_destroy(&b);
        mexpr_image_destroy(&a);
        mexpr_context_destroy(&context);
        if (first)
            mexpr_field_destroy(&field);
        else
            first = field;
    }
    mexpr_field_destroy(&first);
}

/* Of a call that does several iterations at once wherever it may. */
static mexpr_field *compute_in_passes(mexpr_context *context, const mexpr_image *a,
    const mexpr_image *b, double epsilon, ptrdiff_t cached_bytes, int *n_anew)
{
    mexpr_flow *flow;
    mexpr_field *field;
    assert_ok(context, mexpr_flow_create(context, &flow));
    assert_ok(context,
        mexpr_field_create(context, mexpr_image_width(a), mexpr_image_height(a), &field));
    assert_int_equal(mexpr_flow_set(flow, MEXPR_FLOW_EPSILON, epsilon), MEXPR_OK);
    flow->cached_bytes = cached_bytes;
    assert_int_equal(mexpr_flow_compute(flow, a, b, field), MEXPR_OK);
    *n_anew += flow->work.n_anew;
    mexpr_flow_destroy(&flow);
    return field;
}

/* In some of these calls they turn out to be more than are needed, and a level is begun
 * anew. */
static void passes_do_not_matter(void **state)
{
    (void)state;
    int n_anew = 0;
    for (int i = 0; i < 60; i++) {
        mexpr_context *context = test_context(NULL, 1 + i % 2);
        const int width = 30 + 7 * i % 90, height = 130 - 11 * i % 100;
        const double epsilon = 0.001 * (1 + i % 60);
        mexpr_image *a = pattern_image(context, width, height, 0, 0);
        mexpr_image *b = pattern_image(context, width, height, 0.3 * (i % 13), 0.5);
        mexpr_field *plain =
            compute_in_passes(context, a, b, epsilon, PTRDIFF_MAX, &n_anew);
        mexpr_field *field = compute_in_passes(context, a, b, epsilon, 0, &n_anew);
        assert_same_bits(plain, field);
        mexpr_field_destroy(&field);
        mexpr_field_destroy(&plain);
        mexpr_image_destroy(&b);
        mexpr_image_destroy(&a);
        mexpr_context_destroy(&context);
    }
    print_message("%d levels begun anew\n", n_anew);
    assert_true(n_anew > 0);
}

enum { AT_ONCE = 6, ROWS_WIDTH = 37, ROWS_HEIGHT = 50 };

/* AT_ONCE iterations by several threads, `n` of them in each step. */
typedef struct rows_run {
    mx_tvl1_kernels kernels;
    mx_rows_team team;
    mx_rows_state rows;
    int n;
    float errors[AT_ONCE * ROWS_HEIGHT];
} rows_run;

static void iterate_as(void *arg, int index, int n_workers)
{
    rows_run *run = arg;
    mx_rows_share share = {.index = index, .n = n_workers};
    mx_rows_step step = {
        .first = ROWS_HEIGHT * index / n_workers,
        .end = ROWS_HEIGHT * (index + 1) / n_workers,
        .n = run->n,
        .mark = &run->team.marks[index],
        .below = index + 1 < n_workers ? &run->team.marks[index + 1] : NULL,
    };
    for (int done = 0; done < AT_ONCE; done += run->n) {
        step.number++;
        mx_rows_iterate(&run->kernels, &run->rows, &step, 0.25f,
            run->errors + (ptrdiff_t)done * ROWS_HEIGHT);
        mx_rows_meet(&run->team, &share);
    }
}

static void some_iterations_at_once_are_those_one_by_one(void **state)
{
    (void)state;
    static rows_run runs[2];
    const size_t row = (size_t)mx_tvl1_row_floats(ROWS_WIDTH);
    const size_t bytes = row * (ROWS_HEIGHT + 1) * sizeof(float);
    for (int turn = 0; turn < 12; turn++) {
        mexpr_context *context = test_context(NULL, 1 + turn % 3);
        mx_rng rng;
        mx_rng_seed(&rng, (uint64_t)turn, 0);
        for (int i = 0; i < 2; i++) {
            float *memory = aligned_alloc(MX_ALIGNMENT, bytes);
            assert_non_null(memory);
            memset(memory, 0, bytes);
            if (i == 0) {
                for (int y = 1; y <= ROWS_HEIGHT; y++)
                    for (int x = 0; x + 1 < ROWS_WIDTH; x++)
                        for (int f = 0; f < MX_TVL1_FIELDS; f++)
                            memory[(size_t)y * row +
                                   (size_t)(x / MX_TVL1_LANES * MX_TVL1_BLOCK +
                                            f * MX_TVL1_LANES + x % MX_TVL1_LANES)] =
                                (float)mx_rng_below(&rng, 1000) / 2000;
            } else {
                memcpy(memory, runs[0].rows.rows - row, bytes);
            }
            runs[i].rows =
                (mx_rows_state){memory + row, (ptrdiff_t)row, ROWS_WIDTH, ROWS_HEIGHT};
            runs[i].n = i == 0 ? AT_ONCE / (1 + turn / 3 % 3) : 1;
            mx_tvl1_kernels_init(&runs[i].kernels, mexpr_context_cpu(context));
        }
        for (int i = 0; i < 2; i++)
            mx_rows_run(&runs[i].team, context, iterate_as, &runs[i]);
        assert_memory_equal(runs[0].errors, runs[1].errors, sizeof runs[0].errors);
        assert_memory_equal(runs[0].rows.rows - row, runs[1].rows.rows - row, bytes);
        for (int i = 0; i < 2; i++)
            free(runs[i].rows.rows - row);
        mexpr_context_destroy(&context);
    }
}

static void instruction_sets_do_not_matter(void **state)
{
    (void)state;
    static const uint32_t masks[] = {0, MEXPR_CPU_AVX2, MEXPR_CPU_ALL};
    mexpr_field *first = NULL;
    for (int i = 0; i < 3; i++) {
        mexpr_context_options options = MEXPR_CONTEXT_OPTIONS_INIT;
        options.cpu_mask = masks[i];
        options.cpu_mask_set = 1;
        mexpr_context *context;
        assert_int_equal(mexpr_context_create(&options, &context), MEXPR_OK);
        mexpr_image *a = pattern_image(context, 97, 101, 0, 0);
        mexpr_image *b = pattern_image(context, 97, 101, -1.7, 3.3);
        mexpr_field *field = compute(context, a, b);
        if (first)
            assert_same_bits(first, field);
        mexpr_image_destroy(&b);
        mexpr_image_destroy(&a);
        mexpr_context_destroy(&context);
        if (first)
            mexpr_field_destroy(&field);
        else
            first = field;
    }
    mexpr_field_destroy(&first);
}

/* After a call that had to part, 1, 3, 7 … calls on one thread; then from the start. */
static void busy_machines_are_left_alone(void **state)
{
    (void)state;
    static mx_flow_team team;
    for (int expected = 1; expected <= 7; expected = 2 * expected + 1) {
        assert_int_equal(mx_flow_team_size(&team, 4), 4);
        mx_flow_team_begin(&team);
        atomic_store(&team.alone_from, 12);
        mx_flow_team_end(&team);
        for (int i = 0; i < expected; i++) {
            assert_int_equal(mx_flow_team_size(&team, 4), 1);
            mx_flow_team_begin(&team);
            mx_flow_team_end(&team);
        }
    }
    for (int i = 0; i < 3; i++) {
        assert_int_equal(mx_flow_team_size(&team, 4), 4);
        mx_flow_team_begin(&team);
        mx_flow_team_end(&team);
    }
    assert_int_equal(team.patience, 0);
}

/* Every format of the same picture gives the same flow. */
static void formats_do_not_matter(void **state)
{
    (void)state;
    static const mexpr_format formats[] = {MEXPR_FORMAT_GREY8, MEXPR_FORMAT_RGB8,
        MEXPR_FORMAT_BGR8, MEXPR_FORMAT_RGBA8, MEXPR_FORMAT_GREY16, MEXPR_FORMAT_GREYF32};
    mexpr_context *context = test_context(NULL, 1);
    mexpr_image *float_a = pattern_image(context, 40, 33, 0, 0), *a;
    mexpr_image *float_b = pattern_image(context, 40, 33, 0.5, 1), *b;
    assert_ok(context, mexpr_image_convert(context, float_a, MEXPR_FORMAT_GREY8, &a));
    assert_ok(context, mexpr_image_convert(context, float_b, MEXPR_FORMAT_GREY8, &b));
    mexpr_field *expected = compute(context, a, b);
    for (int i = 0; i < 6; i++) {
        mexpr_image *c, *d;
        assert_ok(context, mexpr_image_convert(context, a, formats[i], &c));
        assert_ok(context, mexpr_image_convert(context, b, formats[5 - i], &d));
        mexpr_field *field = compute(context, c, d);
        assert_same_bits(expected, field);
        mexpr_field_destroy(&field);
        mexpr_image_destroy(&d);
        mexpr_image_destroy(&c);
    }
    mexpr_field_destroy(&expected);
    mexpr_image_destroy(&b);
    mexpr_image_destroy(&a);
    mexpr_image_destroy(&float_b);
    mexpr_image_destroy(&float_a);
    mexpr_context_destroy(&context);
}

/* --- working memory ---------------------------------------------------------------- */

static void a_warm_call_allocates_nothing(void **state)
{
    (void)state;
    test_heap heap;
    test_heap_init(&heap);
    mexpr_context *context = test_context(&heap, 2);
    mexpr_image *a = pattern_image(context, 90, 70, 0, 0);
    mexpr_image *b = pattern_image(context, 90, 70, 1, 0);
    mexpr_flow *flow;
    mexpr_field *field;
    assert_ok(context, mexpr_flow_create(context, &flow));
    assert_ok(context, mexpr_field_create(context, 90, 70, &field));
    assert_int_equal(mexpr_flow_compute(flow, a, b, field), MEXPR_OK);
    const long before = heap.n_allocs;
    assert_int_equal(mexpr_flow_set(flow, MEXPR_FLOW_LAMBDA, 0.1), MEXPR_OK);
    assert_int_equal(mexpr_flow_compute(flow, b, a, field), MEXPR_OK);
    assert_int_equal(heap.n_allocs, before);
    mexpr_flow_destroy(&flow);
    mexpr_field_destroy(&field);
    mexpr_image_destroy(&b);
    mexpr_image_destroy(&a);
    mexpr_context_destroy(&context);
    assert_int_equal(heap.live_blocks, 0);
}

/* An estimator that was used for other sizes and parameters gives what a new one gives.
 */
static void nothing_is_left_of_earlier_calls(void **state)
{
    (void)state;
    static const int sizes[][2] = {{80, 60}, {33, 90}, {128, 64}, {80, 60}};
    mexpr_context *context = test_context(NULL, 1);
    mexpr_flow *flow;
    assert_ok(context, mexpr_flow_create(context, &flow));
    for (int i = 0; i < 4; i++) {
        mexpr_image *a = pattern_image(context, sizes[i][0], sizes[i][1], 0, 0);
        mexpr_image *b = pattern_image(context, sizes[i][0], sizes[i][1], 1, i);
        mexpr_field *field, *expected = compute(context, a, b);
        assert_ok(context, mexpr_field_create(context, sizes[i][0], sizes[i][1], &field));
        assert_int_equal(mexpr_flow_set(flow, MEXPR_FLOW_ZOOM, 0.8), MEXPR_OK);
        assert_int_equal(mexpr_flow_compute(flow, b, a, field), MEXPR_OK);
        assert_int_equal(mexpr_flow_set(flow, MEXPR_FLOW_ZOOM, 0.5), MEXPR_OK);
        assert_int_equal(mexpr_flow_compute(flow, a, b, field), MEXPR_OK);
        assert_same_bits(expected, field);
        mexpr_field_destroy(&expected);
        mexpr_field_destroy(&field);
        mexpr_image_destroy(&b);
        mexpr_image_destroy(&a);
    }
    mexpr_flow_destroy(&flow);
    mexpr_context_destroy(&context);
}

/* --- faces ------------------------------------------------------------------------- */

typedef struct face_error {
    double mean, still; /* of the flow found, and of finding no motion at all */
} face_error;

static face_error error_on_face(mexpr_context *context, uint64_t person, int au)
{
    struct face_clip_options clip = face_clip_defaults(person);
    assert_true(face_clip_add_action(&clip, au, FACE_BOTH, 1.0));
    const int width = clip.width, height = clip.height;
    const size_t n = (size_t)width * (size_t)height;
    float *truth = malloc(2 * n * sizeof *truth);
    uint8_t *kind = malloc(n);
    assert_true(truth && kind);
    face_clip_flow(&clip, clip.onset, clip.apex, truth, truth + n, kind);
    mexpr_image *frames[2];
    for (int i = 0; i < 2; i++) {
        assert_ok(context,
            mexpr_image_create(context, MEXPR_FORMAT_GREY8, width, height, &frames[i]));
        face_clip_frame(
            &clip, i ? clip.apex : clip.onset, mexpr_image_pixels(frames[i]), width);
    }
    mexpr_field *field = compute(context, frames[0], frames[1]);
    face_error error = {0, 0};
    int n_moving = 0;
    for (size_t i = 0; i < n; i++) {
        const double u = (double)truth[i], v = (double)truth[n + i];
        if (kind[i] != FACE_PIXEL_HEAD || hypot(u, v) < 0.1)
            continue;
        error.mean += hypot(
            (double)mexpr_field_u(field)[i] - u, (double)mexpr_field_v(field)[i] - v);
        error.still += hypot(u, v);
        n_moving++;
    }
    assert_true(n_moving > 100);
    error.mean /= n_moving;
    error.still /= n_moving;
    mexpr_field_destroy(&field);
    for (int i = 0; i < 2; i++)
        mexpr_image_destroy(&frames[i]);
    free(kind);
    free(truth);
    return error;
}

static void motion_of_faces_is_found(void **state)
{
    (void)state;
    static const int units[] = {1, 2, 4, 6, 9, 12, 15};
    mexpr_context *context = test_context(NULL, 1);
    double mean = 0, still = 0;
    for (int i = 0; i < 7; i++) {
        const face_error e = error_on_face(context, (uint64_t)i + 3, units[i]);
        print_message(
            "AU %2d: mean error %.3f px where the skin moves, %.3f px on average\n",
            units[i], e.mean, e.still);
        mean += e.mean / 7;
        still += e.still / 7;
    }
    print_message("all: %.3f of %.3f px\n", mean, still);
    assert_true(mean < 0.5 * still);
    mexpr_context_destroy(&context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(params_have_bounds),
        cmocka_unit_test(params_refuse_nonsense),
        cmocka_unit_test(bad_pictures_are_refused),
        cmocka_unit_test(constant_pictures_do_not_move),
        cmocka_unit_test(tiny_and_thin_pictures_work),
        cmocka_unit_test(extremes_stay_finite),
        cmocka_unit_test(known_shifts_are_found),
        cmocka_unit_test(agrees_with_a_plain_version),
        cmocka_unit_test(threads_do_not_matter),
        cmocka_unit_test(passes_do_not_matter),
        cmocka_unit_test(some_iterations_at_once_are_those_one_by_one),
        cmocka_unit_test(instruction_sets_do_not_matter),
        cmocka_unit_test(busy_machines_are_left_alone),
        cmocka_unit_test(formats_do_not_matter),
        cmocka_unit_test(a_warm_call_allocates_nothing),
        cmocka_unit_test(nothing_is_left_of_earlier_calls),
        cmocka_unit_test(motion_of_faces_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
