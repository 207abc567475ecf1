/* SPDX-License-Identifier: MIT */
/* Features against a plain second computation; systems on movements made up. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "flow_clips.h"
#include "microexpr/image.h"
#include "microexpr/train.h"
#include "support.h"
#include "train/flow_features.h"
#include "train/random_features.h"

enum { N_CLIPS = 36, HALF = SIDE / 2 };

TEST_CONTEXT
static float clips[N_CLIPS * CLIP];
static int32_t labels[N_CLIPS];

/* Runs `model` and copies its output. */
static void apply(mexpr_model *model, int64_t n, const float *values, float *out,
    int64_t rows, int64_t columns)
{
    mexpr_session *session;
    mexpr_tensor_view in = flow_clips_view(n, values), result = MEXPR_TENSOR_VIEW_INIT;
    assert_int_equal(mexpr_session_create(model, &session), MEXPR_OK);
    assert_int_equal(mexpr_session_set_input(session, "flow", &in), MEXPR_OK);
    assert_int_equal(mexpr_session_run(session), MEXPR_OK);
    assert_int_equal(mexpr_session_output(session, NULL, &result), MEXPR_OK);
    assert_int_equal(result.dims[0], rows);
    assert_int_equal(result.dims[1], columns);
    memcpy(out, result.data, (size_t)(rows * columns) * sizeof *out);
    mexpr_session_destroy(&session);
}

/* --- features ---------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void plain_normalise(const float *plane, bool centre, double limit, double *out)
{
    double sorted[N_PIXELS], power = 0;
    for (int k = 0; k < N_PIXELS; k++)
        sorted[k] = (double)plane[k];
    qsort(sorted, N_PIXELS, sizeof *sorted, compare);
    const double zero =
        centre ? (sorted[N_PIXELS / 2 - 1] + sorted[N_PIXELS / 2]) / 2 : 0;
    for (int k = 0; k < N_PIXELS; k++) {
        out[k] = (double)plane[k] - zero;
        power += out[k] * out[k] / N_PIXELS;
    }
    for (int k = 0; k < N_PIXELS; k++)
        out[k] = fmax(-limit, fmin(limit, out[k] / sqrt(power)));
}

static int reflected(int k)
{
    return k < 0 ? -k : k >= SIDE ? 2 * (SIDE - 1) - k : k;
}

/* In two dimensions at once. */
static void plain_blur(const double *from, double sigma, double *to)
{
    const int r = (int)(4 * sigma + 0.5);
    for (int k = 0; k < N_PIXELS; k++) {
        double sum = 0, weights = 0;
        for (int dy = -r; dy <= r; dy++)
            for (int dx = -r; dx <= r; dx++) {
                const double w = exp(-(dx * dx + dy * dy) / (2 * sigma * sigma));
                weights += w;
                sum +=
                    w * from[reflected(k / SIDE + dy) * SIDE + reflected(k % SIDE + dx)];
            }
        to[k] = sum / weights;
    }
}

static double difference(const double *map, int x, int y, bool along_x)
{
    const int last = SIDE - 1;
    if (along_x)
        return (map[y * SIDE + (x < last ? x + 1 : last)] -
                   map[y * SIDE + (x > 0 ? x - 1 : 0)]) /
               2;
    return (map[(y < last ? y + 1 : last) * SIDE + x] -
               map[(y > 0 ? y - 1 : 0) * SIDE + x]) /
           2;
}

/* u_x, v_x, u_y, v_y as means of 2×2. */
static void plain_features(const float *clip, bool mirrored, double *out)
{
    static double maps[2][N_PIXELS], smooth[2][N_PIXELS], turned[N_PIXELS];
    for (int plane = 0; plane < 2; plane++) {
        plain_normalise(clip + plane * N_PIXELS, true, 4, maps[plane]);
        for (int k = 0; k < N_PIXELS; k++)
            turned[k] = (plane == 0 ? -1 : 1) *
                        maps[plane][k / SIDE * SIDE + SIDE - 1 - k % SIDE];
        plain_blur(mirrored ? turned : maps[plane], 2, smooth[plane]);
    }
    for (int k = 0; k < 4 * HALF * HALF; k++) {
        const int map = k / (HALF * HALF), y = k / HALF % HALF, x = k % HALF;
        out[k] = 0;
        for (int j = 0; j < 4; j++)
            out[k] +=
                difference(smooth[map % 2], 2 * x + j % 2, 2 * y + j / 2, map < 2) / 4;
    }
}

static mexpr_model *feature_model(void)
{
    mexpr_builder *builder;
    mexpr_model *model;
    mx_layers l;
    assert_ok(context, mexpr_builder_create(context, "features", &builder));
    mx_layers_init(&l, builder);
    const mx_name flow = mx_input(&l, "flow", 3, SIDE, SIDE);
    const mx_name both = mx_flow_both(&l, mx_flow_normalise(&l, flow, 4), 0);
    mx_output(&l, mx_flow_feature_rows(&l, both, (mx_flow_feature){2}), "features");
    assert_int_equal(mexpr_builder_finish(builder, &model), MEXPR_OK);
    mexpr_builder_destroy(&builder);
    return model;
}

static void features(void **state)
{
    (void)state;
    enum { N = 4, SIZE = 4 * HALF * HALF };
    static float rows[2 * N * SIZE];
    static double want[SIZE];
    mexpr_model *model = feature_model();
    flow_clips_make(1, N_CLIPS, clips, labels);
    apply(model, N, clips, rows, 2 * N, SIZE);
    for (int i = 0; i < 2 * N; i++) {
        plain_features(clips + i % N * CLIP, i >= N, want);
        for (int k = 0; k < SIZE; k++)
            assert_float_equal(rows[i * SIZE + k], want[k], 2e-6);
    }
    mexpr_model_destroy(&model);
}

/* --- systems ----------------------------------------------------------------------- */

static mexpr_model *train(const char *system)
{
    mexpr_model *model;
    const mexpr_tensor_view inputs = flow_clips_view(N_CLIPS, clips);
    mexpr_train_options o = MEXPR_TRAIN_OPTIONS_INIT;
    o.labels = "up,down,apart";
    assert_ok(context,
        mexpr_train(context, system, &inputs, labels, N_CLASSES, &o, NULL, NULL, &model));
    return model;
}

static void learns(void **state)
{
    (void)state;
    static float scores[N_CLIPS * N_CLASSES];
    for (int k = 0; k < 2; k++) { /* test_trainer.c has the networks */
        flow_clips_make(1, N_CLIPS, clips, labels);
        mexpr_model *model = train(mexpr_train_system(k));
        assert_string_equal(
            mexpr_model_metadata(model, "microexpr.labels"), "up,down,apart");
        assert_string_equal(
            mexpr_model_metadata(model, "microexpr.planes"), "u,v,strain");
        flow_clips_make(2, N_CLIPS, clips, labels); /* others of the kind */
        apply(model, N_CLIPS, clips, scores, N_CLIPS, N_CLASSES);
        for (int i = 0; i < N_CLIPS; i++)
            for (int j = 0; j < N_CLASSES; j++)
                assert_true(
                    scores[i * N_CLASSES + labels[i]] >= scores[i * N_CLASSES + j]);
        mexpr_model_destroy(&model);
    }
}

/* A movement and its mirror image, with u turned round, get the same scores. */
static void mirror_images(void **state)
{
    (void)state;
    static float other[CLIP], scores[N_CLASSES], mirrored[N_CLASSES];
    flow_clips_make(1, N_CLIPS, clips, labels);
    mexpr_model *model = train("flow-derivative-svm");
    for (int k = 0; k < CLIP; k++) {
        const float value = clips[k / SIDE * SIDE + SIDE - 1 - k % SIDE];
        other[k] = k < N_PIXELS ? 255 - value : value;
    }
    apply(model, 1, clips, scores, 1, N_CLASSES);
    apply(model, 1, other, mirrored, 1, N_CLASSES);
    for (int k = 0; k < N_CLASSES; k++)
        assert_float_equal(scores[k], mirrored[k], 1e-4);
    mexpr_model_destroy(&model);
}

/* Products of random features against the kernel that they stand for. */
static void random_features(void **state)
{
    (void)state;
    enum { N = 24, WIDTH = 3 * N_PIXELS / 4, N_BLOCKS = 4 };
    static float values[N * CLIP], rows[N * WIDTH], waves[N * 2 * 1024 * N_BLOCKS];
    const int64_t size = mx_random_size(N_BLOCKS);
    double error = 0, distance = 0;
    mexpr_model *plain, *model;
    flow_clips_make(5, N, values, labels);
    for (int pass = 0; pass < 2; pass++) {
        mexpr_builder *b;
        mx_layers l;
        assert_ok(context, mexpr_builder_create(context, "features", &b));
        mx_layers_init(&l, b);
        const mx_name flow = mx_input(&l, "flow", 3, SIDE, SIDE);
        mx_name x = mx_flow_feature_rows(
            &l, mx_flow_normalise(&l, flow, 4), (mx_flow_feature){0});
        const mx_random random = mx_random_draw(&l, N_BLOCKS);
        if (pass == 1)
            x = mx_random_features(&l, &random, x, WIDTH, 2 / distance);
        mx_output(&l, x, "features");
        assert_ok(context, mexpr_builder_finish(b, pass ? &model : &plain));
        mexpr_builder_destroy(&b);
        if (pass == 0)
            apply(plain, N, values, rows, N, WIDTH);
        for (int i = 0; i < N * N && pass == 0; i++)
            for (int k = 0; k < WIDTH; k++)
                distance +=
                    pow((double)rows[i / N * WIDTH + k] - (double)rows[i % N * WIDTH + k],
                        2) /
                    (N * N);
    }
    apply(model, N, values, waves, N, size);
    for (int i = 0; i < N * N; i++) {
        double far = 0, product = 0;
        for (int k = 0; k < WIDTH; k++)
            far +=
                pow((double)rows[i / N * WIDTH + k] - (double)rows[i % N * WIDTH + k], 2);
        for (int64_t k = 0; k < size; k++)
            product += (double)waves[i / N * size + k] * (double)waves[i % N * size + k];
        if (i / N == i % N)
            assert_float_equal(product, 1, 1e-5);
        error += pow(product - exp(-2 * far / distance), 2) / (N * N);
    }
    assert_true(sqrt(error) < 0.015);
    mexpr_model_destroy(&model);
    mexpr_model_destroy(&plain);
}

/* Random features score new clips much as the kernel does, and hold no clip. */
static void random_features_for_the_kernel(void **state)
{
    (void)state;
    static float exact[N_CLIPS * N_CLASSES], random[N_CLIPS * N_CLASSES];
    double products[3] = {0};
    flow_clips_make(1, N_CLIPS, clips, labels);
    mexpr_model *kernel = train("flow-kernel-ridge");
    mexpr_model *features = train("flow-random-features");
    assert_true(mexpr_model_n_parameters(features) < 120000);
    flow_clips_make(4, N_CLIPS, clips, labels);
    apply(kernel, N_CLIPS, clips, exact, N_CLIPS, N_CLASSES);
    apply(features, N_CLIPS, clips, random, N_CLIPS, N_CLASSES);
    for (int k = 0; k < N_CLIPS * N_CLASSES; k++) {
        const double a = (double)exact[k] - 8.0 / 3, b = (double)random[k] - 8.0 / 3;
        products[0] += a * a;
        products[1] += a * b;
        products[2] += b * b;
    }
    assert_true(products[1] / sqrt(products[0] * products[2]) > 0.98);
    mexpr_model_destroy(&features);
    mexpr_model_destroy(&kernel);
}

static void same_bytes_again(void **state)
{
    (void)state;
    void *bytes[2];
    size_t sizes[2];
    flow_clips_make(3, N_CLIPS, clips, labels);
    for (int k = 0; k < 2; k++) {
        mexpr_model *model = train("flow-derivative-svm");
        assert_ok(context, mexpr_model_encode(context, model, &bytes[k], &sizes[k]));
        mexpr_model_destroy(&model);
    }
    assert_int_equal(sizes[0], sizes[1]);
    assert_memory_equal(bytes[0], bytes[1], sizes[0]);
    mexpr_bytes_free(context, &bytes[0]);
    mexpr_bytes_free(context, &bytes[1]);
}

/* Pictures without any motion have no median, mean or power to divide by. */
static void still_clips(void **state)
{
    (void)state;
    static float scores[N_CLASSES];
    flow_clips_make(1, N_CLIPS, clips, labels);
    memset(clips, 0, CLIP * sizeof *clips);
    mexpr_model *model = train("flow-derivative-svm");
    apply(model, 1, clips, scores, 1, N_CLASSES);
    for (int k = 0; k < N_CLASSES; k++)
        assert_true(isfinite(scores[k]));
    mexpr_model_destroy(&model);
}

/* --- bad input --------------------------------------------------------------------- */

#define TRAIN(system, inputs, n_classes)                                                 \
    mexpr_train(context, system, inputs, labels, n_classes, NULL, NULL, NULL, &model)

static void refusals(void **state)
{
    (void)state;
    mexpr_model *model;
    flow_clips_make(1, N_CLIPS, clips, labels);
    mexpr_tensor_view inputs = flow_clips_view(N_CLIPS, clips);
    assert_failure(
        context, TRAIN("nonesuch", &inputs, 3), MEXPR_E_NOT_FOUND, "'nonesuch'");
    assert_failure(
        context, TRAIN("flow-derivative-svm", &inputs, 4), MEXPR_E_RANGE, "class 3");
    mexpr_train_options o = MEXPR_TRAIN_OPTIONS_INIT;
    o.labels = "one,two";
    assert_failure(context,
        mexpr_train(
            context, "flow-derivative-svm", &inputs, labels, 3, &o, NULL, NULL, &model),
        MEXPR_E_RANGE, "'one,two' has 2 names, but the network has 3 classes");
    clips[5 * CLIP] = NAN;
    assert_failure(context, TRAIN("flow-derivative-svm", &inputs, 3), MEXPR_E_RANGE,
        "not a finite number");
    inputs.dims[3] = 27;
    assert_failure(context, TRAIN("flow-derivative-svm", &inputs, 3), MEXPR_E_SHAPE,
        "N x 3 x 28 x 28");
    inputs.dtype = MEXPR_DTYPE_U8;
    assert_failure(
        context, TRAIN("flow-derivative-svm", &inputs, 3), MEXPR_E_TYPE, "float32");
    assert_null(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(features),
        cmocka_unit_test(learns),
        cmocka_unit_test(mirror_images),
        cmocka_unit_test(random_features),
        cmocka_unit_test(random_features_for_the_kernel),
        cmocka_unit_test(same_bytes_again),
        cmocka_unit_test(still_clips),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests_name("train", tests, setup, teardown);
}
