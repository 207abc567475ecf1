/* SPDX-License-Identifier: MIT */
/* Landmarks and what they are made of: poses, crops, networks, weights, and a face drawn
 * by formula. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "face/face_landmark.h"
#include "face/landmark_crop.h"
#include "face/landmark_net.h"
#include "base/rng.h"
#include "face_render.h"
#include "net_definition.h"
#include "support.h"

enum { POINTS = MX_FACE_POINTS, SIDE = 64, WIDTH = 320, HEIGHT = 240 };

/* --- poses ------------------------------------------------------------------------- */

static void some_points(uint64_t seed, float *points)
{
    mx_rng rng;
    mx_rng_seed(&rng, seed, 0);
    for (int i = 0; i < 2 * POINTS; i++)
        points[i] = (float)mx_rng_uniform(&rng) - 0.5f;
}

static void poses_invert(void **state)
{
    (void)state;
    const mx_landmark_pose pose = {31.0f, -7.5f, 40.0f, -13.0f};
    float shape[2 * POINTS], there[2 * POINTS], back[2 * POINTS];
    some_points(1, shape);
    mx_landmark_pose_apply(&pose, shape, there);
    mx_landmark_pose_remove(&pose, there, back);
    for (int i = 0; i < 2 * POINTS; i++)
        assert_true(fabsf(back[i] - shape[i]) < 1e-5f);
    const mx_landmark_pose found = mx_landmark_pose_fit(shape, there);
    assert_true(fabsf(found.x - pose.x) < 1e-4f && fabsf(found.y - pose.y) < 1e-4f);
    assert_true(fabsf(found.a - pose.a) < 1e-3f && fabsf(found.b - pose.b) < 1e-3f);
    assert_true(fabsf(mx_landmark_pose_side(&pose) - hypotf(40.0f, 13.0f)) < 1e-4f);
}

/* No similarity nearby is closer to the points than the one found. */
static void poses_fit_by_least_squares(void **state)
{
    (void)state;
    float shape[2 * POINTS], points[2 * POINTS], moved[2 * POINTS];
    some_points(2, shape);
    some_points(3, points);
    const mx_landmark_pose best = mx_landmark_pose_fit(shape, points);
    double least = 0.0;
    for (int change = 0; change < 9; change++) {
        const float step = change % 2 ? 1e-2f : -1e-2f;
        mx_landmark_pose pose = best;
        float *const part[] = {&pose.x, &pose.y, &pose.a, &pose.b};
        if (change > 0)
            *part[(change - 1) / 2] += step;
        double square = 0.0;
        mx_landmark_pose_apply(&pose, shape, moved);
        for (int i = 0; i < 2 * POINTS; i++)
            square += (moved[i] - points[i]) * (moved[i] - points[i]);
        if (change == 0)
            least = square;
        else
            assert_true(square > least);
    }
}

static void a_box_is_a_pose(void **state)
{
    (void)state;
    const mx_face_box box = {10.0f, 20.0f, 50.0f, 3.0f};
    const mx_landmark_pose pose = mx_landmark_pose_of_box(&box);
    assert_true(pose.x == 35.0f && pose.y == 45.0f && pose.a == 50.0f && pose.b == 0.0f);
}

/* --- crops ------------------------------------------------------------------------- */

typedef struct bench {
    mexpr_context *context;
    mx_scope *scope;
    mx_landmark_cropper *cropper;
    uint8_t *pixels;
    mx_face_view view;
} bench;

static void set_up(bench *b, int width, int height)
{
    b->context = test_context(NULL, 1);
    b->scope = mx_context_scope(b->context);
    b->cropper = malloc(sizeof *b->cropper);
    b->pixels = malloc((size_t)width * (size_t)height);
    assert_true(b->cropper && b->pixels);
    mx_landmark_cropper_init(b->cropper, mexpr_context_cpu(b->context));
    b->view = (mx_face_view){b->pixels, (size_t)width, (uint32_t)width, (uint32_t)height};
}

static void tear_down(bench *b)
{
    mx_landmark_cropper_free(b->context, b->cropper);
    free(b->cropper);
    free(b->pixels);
    mexpr_context_destroy(&b->context);
}

/* A slope of grey is the same slope in the crop, at every size, roll and level. */
static void crops_keep_slopes(void **state)
{
    (void)state;
    static float crop[SIDE * SIDE];
    bench b;
    set_up(&b, 1200, 1000);
    for (int y = 0; y < 1000; y++) {
        for (int x = 0; x < 1200; x++)
            b.pixels[y * 1200 + x] = (uint8_t)((x + y) / 16 * 1);
    }
    for (float side = 20.0f; side < 500.0f; side *= 1.31f) {
        for (float roll = -3.0f; roll < 3.0f; roll += 0.7f) {
            const mx_landmark_pose pose = {
                600.3f, 480.6f, side * cosf(roll), side * sinf(roll)};
            assert_ok(b.context,
                mx_landmark_crop(b.scope, b.cropper, &b.view, &pose, 1.3f, SIDE, crop));
            for (int i = 0; i < SIDE * SIDE; i += 61) {
                const float u = 1.3f * (((float)(i % SIDE) + 0.5f) / SIDE - 0.5f);
                const float v = 1.3f * (((float)(i / SIDE) + 0.5f) / SIDE - 0.5f);
                const float x = pose.x + pose.a * u - pose.b * v;
                const float y = pose.y + pose.b * u + pose.a * v;
                /* Steps of 16 pixels are rounded down: half a level less on average. */
                assert_true(fabsf(crop[i] - ((x + y) / 16.0f - 0.5f)) < 0.6f);
            }
        }
    }
    tear_down(&b);
}

/* Beyond the edge the edge goes on, however far. */
static void crops_repeat_edges(void **state)
{
    (void)state;
    static float crop[SIDE * SIDE];
    bench b;
    set_up(&b, 3, 2);
    memcpy(b.pixels, (const uint8_t[]){10, 50, 90, 20, 60, 100}, 6);
    for (float side = 5.0f; side < 3000.0f; side *= 1.9f) {
        const mx_landmark_pose pose = {1.0f, 0.5f, side, 0.0f};
        assert_ok(b.context,
            mx_landmark_crop(b.scope, b.cropper, &b.view, &pose, 1.3f, SIDE, crop));
        if (side < 20.0f)
            continue;
        /* The corner pixels fill the corners of the crop. */
        assert_true(fabsf(crop[0] - 10.0f) < 1e-3f);
        assert_true(fabsf(crop[SIDE - 1] - 90.0f) < 1e-3f);
        assert_true(fabsf(crop[SIDE * (SIDE - 1)] - 20.0f) < 1e-3f);
        assert_true(fabsf(crop[SIDE * SIDE - 1] - 100.0f) < 1e-3f);
    }
    tear_down(&b);
}

/* Growing a pose by little changes samples by little, also where the levels change. */
static void crops_are_smooth_in_size(void **state)
{
    (void)state;
    static float before[SIDE * SIDE], after[SIDE * SIDE];
    bench b;
    mx_rng rng;
    set_up(&b, WIDTH, HEIGHT);
    mx_rng_seed(&rng, 5, 0);
    for (int i = 0; i < WIDTH * HEIGHT; i++)
        b.pixels[i] = (uint8_t)mx_rng_below(&rng, 256);
    for (int level = 0; level < 2; level++) {
        const float side = (float)(SIDE << level) / 1.3f;
        mx_landmark_pose pose = {150.0f, 120.0f, side * 0.9999f, 0.0f};
        assert_ok(b.context,
            mx_landmark_crop(b.scope, b.cropper, &b.view, &pose, 1.3f, SIDE, before));
        pose.a = side * 1.0001f;
        assert_ok(b.context,
            mx_landmark_crop(b.scope, b.cropper, &b.view, &pose, 1.3f, SIDE, after));
        for (int i = 0; i < SIDE * SIDE; i++)
            assert_true(fabsf(before[i] - after[i]) < 4.0f);
    }
    tear_down(&b);
}

static void crops_refuse_nonsense(void **state)
{
    (void)state;
    static float crop[SIDE * SIDE];
    bench b;
    set_up(&b, 8, 8);
    const float sides[] = {0.0f, NAN, INFINITY, 1e30f};
    for (size_t i = 0; i < sizeof sides / sizeof sides[0]; i++) {
        const mx_landmark_pose pose = {4.0f, 4.0f, sides[i], 0.0f};
        assert_failure(b.context,
            mx_landmark_crop(b.scope, b.cropper, &b.view, &pose, 1.3f, SIDE, crop),
            MEXPR_E_ARG, "cannot be cut out");
    }
    tear_down(&b);
}

/* --- networks ---------------------------------------------------------------------- */

static uint8_t *some_weights(uint64_t seed)
{
    uint8_t *bytes = malloc(mx_landmark_weights_size());
    mx_rng rng;
    mx_rng_seed(&rng, seed, 0);
    assert_non_null(bytes);
    memcpy(bytes, mx_face_landmark_weights, mx_landmark_weights_size());
    uint8_t *next = bytes + MX_LANDMARK_WEIGHTS_HEAD;
    for (int stage = 0; stage < MX_LANDMARK_STAGES; stage++) {
        for (int i = 0; i < mx_landmark_plans[stage].n_layers; i++) {
            const mx_small_layer *layer = &mx_landmark_plans[stage].layers[i];
            const size_t out = (size_t)layer->out, taps = mx_small_layer_taps(layer);
            next += 8 * out; /* scales and biases stay */
            for (size_t j = 0; j < taps * out; j++)
                next[j] = (uint8_t)mx_rng_u64(&rng);
            next += taps * out;
        }
    }
    return bytes;
}

static void check_net(mexpr_context *context, const mx_landmark_plan *plan,
    const uint8_t *bytes, const float *crop)
{
    mx_landmark_net net;
    double expected[MX_LANDMARK_OUTPUTS], largest = 0.0;
    float output[MX_LANDMARK_OUTPUTS], factor, summand;
    assert_ok(
        context, mx_landmark_net_create(mx_context_scope(context), plan, bytes, &net));
    mx_landmark_net_run(&net, crop, output);
    mx_landmark_crop_norm(&net.net.nn, crop, plan->side, &factor, &summand);
    net_by_definition(&net.net, crop, factor, summand, expected);
    for (int i = 0; i < MX_LANDMARK_OUTPUTS; i++)
        largest = fmax(largest, fabs(expected[i]));
    for (int i = 0; i < MX_LANDMARK_OUTPUTS; i++)
        assert_true(fabs(output[i] - expected[i]) < 1e-4 * largest);
    mx_landmark_net_free(context, &net);
}

static void networks_are_their_definition(void **state)
{
    (void)state;
    static float crop[SIDE * SIDE];
    mexpr_context *context = test_context(NULL, 1);
    uint8_t *bytes = some_weights(11);
    const uint8_t *next = bytes + MX_LANDMARK_WEIGHTS_HEAD;
    mx_rng rng;
    mx_rng_seed(&rng, 12, 0);
    for (int i = 0; i < SIDE * SIDE; i++)
        crop[i] = 255.0f * (float)mx_rng_uniform(&rng);
    for (int stage = 0; stage < MX_LANDMARK_STAGES; stage++) {
        check_net(context, &mx_landmark_plans[stage], next, crop);
        next += mx_landmark_plan_bytes(&mx_landmark_plans[stage]);
    }
    free(bytes);
    mexpr_context_destroy(&context);
}

/* --- weights ----------------------------------------------------------------------- */

static void weights_of_other_kinds_are_refused(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mx_scope *scope = mx_context_scope(context);
    mx_face_landmarker *landmarker = (mx_face_landmarker *)&scope;
    uint8_t *bytes = some_weights(3);
    const size_t size = mx_landmark_weights_size();
    assert_failure(context,
        mx_face_landmarker_create_from(scope, bytes, size - 1, &landmarker),
        MEXPR_E_TRUNCATED, "instead of");
    assert_null(landmarker);
    assert_failure(context,
        mx_face_landmarker_create_from(scope, bytes, size + 1, &landmarker),
        MEXPR_E_FORMAT, "instead of");
    assert_failure(context, mx_face_landmarker_create_from(scope, bytes, 3, &landmarker),
        MEXPR_E_FORMAT, "not weights");
    bytes[0] ^= 1;
    assert_failure(context,
        mx_face_landmarker_create_from(scope, bytes, size, &landmarker), MEXPR_E_FORMAT,
        "not weights");
    free(bytes);
    mexpr_context_destroy(&context);
}

static void weights_are_small(void **state)
{
    (void)state;
    assert_true(mx_face_landmark_weights_size == mx_landmark_weights_size());
    assert_true(mx_face_landmark_weights_size < 2000000);
}

/* --- a drawn face ------------------------------------------------------------------ */

typedef struct drawn {
    uint8_t *pixels;
    mx_face_view view;
    mx_face_box box;
    float truth[2 * POINTS];
} drawn;

static drawn draw(uint64_t seed)
{
    struct face_clip_options clip = face_clip_defaults(seed);
    drawn d;
    memset(&d, 0, sizeof d);
    d.pixels = malloc((size_t)clip.width * (size_t)clip.height);
    assert_non_null(d.pixels);
    face_clip_frame(&clip, 0, d.pixels, clip.width);
    d.view = (mx_face_view){
        d.pixels, (size_t)clip.width, (uint32_t)clip.width, (uint32_t)clip.height};
    face_clip_landmarks(&clip, 0, d.truth);
    d.box = mx_face_box_around(d.truth);
    return d;
}

static double error_of(const float *points, const float *truth)
{
    double sum = 0.0;
    for (int i = 0; i < POINTS; i++)
        sum += hypot(points[2 * i] - truth[2 * i], points[2 * i + 1] - truth[2 * i + 1]);
    return sum / POINTS /
           hypot(truth[2 * 45] - truth[2 * 36], truth[2 * 45 + 1] - truth[2 * 36 + 1]);
}

/* Nothing like these drawings was learnt from; they are still faces. */
static void drawn_faces_are_found(void **state)
{
    (void)state;
    enum { PEOPLE = 12 };
    mexpr_context *context = test_context(NULL, 1);
    mx_scope *scope = mx_context_scope(context);
    mx_face_landmarker *landmarker;
    double sum = 0.0, trust = 0.0;
    assert_ok(context, mx_face_landmarker_create(scope, &landmarker));
    for (uint64_t seed = 0; seed < PEOPLE; seed++) {
        float points[2 * POINTS], confidence;
        drawn d = draw(seed);
        assert_ok(context, mx_face_landmarker_run(
                               scope, landmarker, &d.view, &d.box, points, &confidence));
        sum += error_of(points, d.truth) / PEOPLE;
        trust += confidence / PEOPLE;
        free(d.pixels);
    }
    print_message("drawn faces: error %.3f, confidence %.3f\n", sum, trust);
    assert_true(sum < 0.15);
    mx_face_landmarker_destroy(context, &landmarker);
    mexpr_context_destroy(&context);
}

/* Noise of two grey levels moves points by less than 0.15 px (RMS), the box being the
 * same: what a still face looks like. */
static void noise_moves_points_little(void **state)
{
    (void)state;
    enum { DRAWS = 40 };
    mexpr_context *context = test_context(NULL, 1);
    mx_scope *scope = mx_context_scope(context);
    mx_face_landmarker *landmarker;
    mx_rng rng;
    double sum[2 * POINTS] = {0}, squares[2 * POINTS] = {0}, total = 0.0;
    drawn d = draw(4);
    const size_t n = (size_t)d.view.width * d.view.height;
    uint8_t *noisy = malloc(n);
    mx_face_view view = d.view;
    view.pixels = noisy;
    assert_non_null(noisy);
    mx_rng_seed(&rng, 9, 0);
    assert_ok(context, mx_face_landmarker_create(scope, &landmarker));
    for (int draws = 0; draws < DRAWS; draws++) {
        float points[2 * POINTS], confidence;
        for (size_t i = 0; i < n; i++)
            noisy[i] = (uint8_t)fmin(
                255.0, fmax(0.0, rint(d.pixels[i] + 2.0 * mx_rng_normal(&rng))));
        assert_ok(context, mx_face_landmarker_run(
                               scope, landmarker, &view, &d.box, points, &confidence));
        for (int i = 0; i < 2 * POINTS; i++) {
            sum[i] += points[i];
            squares[i] += (double)points[i] * points[i];
        }
    }
    for (int i = 0; i < 2 * POINTS; i++)
        total += (squares[i] - sum[i] * sum[i] / DRAWS) / DRAWS / POINTS;
    print_message("jitter of a drawn face: %.3f px\n", sqrt(total));
    assert_true(sqrt(total) < 0.15);
    mx_face_landmarker_destroy(context, &landmarker);
    mexpr_context_destroy(&context);
    free(noisy);
    free(d.pixels);
}

/* Every second pixel both ways of a picture twice as large, averaged, from (from, from)
 * on: two of them show the same, half a pixel apart for every step of `from`. */
static void halve(const uint8_t *large, int side, int from, uint8_t *half)
{
    for (int y = 0; y < side; y++) {
        for (int x = 0; x < side; x++) {
            const uint8_t *p = large + (2 * y + from) * 2 * (side + 1) + 2 * x + from;
            const uint8_t *q = p + 2 * (side + 1);
            half[y * side + x] = (uint8_t)((p[0] + p[1] + q[0] + q[1] + 2) / 4);
        }
    }
}

/* A picture that moves by half a pixel moves the points by half a pixel. */
static void parts_of_pixels_are_seen(void **state)
{
    (void)state;
    enum { HALF = 260, LARGE = 2 * (HALF + 1) };
    mexpr_context *context = test_context(NULL, 1);
    mx_scope *scope = mx_context_scope(context);
    mx_face_landmarker *landmarker;
    struct face_clip_options clip = face_clip_defaults(6);
    uint8_t *large = malloc(LARGE * LARGE), *half = malloc(HALF * HALF);
    float points[3][2 * POINTS], confidence;
    assert_true(large && half);
    face_clip_resize(&clip, LARGE, LARGE);
    clip.face_size = 220.0;
    face_clip_frame(&clip, 0, large, LARGE);
    face_clip_landmarks(&clip, 0, points[0]);
    const mx_face_box box = mx_face_box_around(points[0]);
    assert_ok(context, mx_face_landmarker_create(scope, &landmarker));
    for (int i = 0; i < 3; i++) {
        const mx_face_view view = {half, HALF, HALF, HALF};
        const float shift = 0.25f + 0.5f * (float)i;
        const mx_face_box moved = {
            0.5f * box.x - shift, 0.5f * box.y - shift, 0.5f * box.size, 0.0f};
        halve(large, HALF, i, half);
        assert_ok(context, mx_face_landmarker_run(
                               scope, landmarker, &view, &moved, points[i], &confidence));
    }
    for (int i = 1; i < 3; i++) {
        double square = 0.0;
        for (int j = 0; j < 2 * POINTS; j++)
            square += pow(points[i][j] + 0.5 * i - points[0][j], 2.0);
        print_message("half pixels: %d, error %.3f px\n", i, sqrt(square / POINTS));
        assert_true(sqrt(square / POINTS) < 0.15);
    }
    mx_face_landmarker_destroy(context, &landmarker);
    mexpr_context_destroy(&context);
    free(large);
    free(half);
}

/* Following from good points keeps them, and a turned picture turns them. */
static void rolled_faces_are_followed(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mx_scope *scope = mx_context_scope(context);
    mx_face_landmarker *landmarker;
    float points[2 * POINTS], rolled[2 * POINTS], before[2 * POINTS], confidence;
    drawn d = draw(2);
    assert_ok(context, mx_face_landmarker_create(scope, &landmarker));
    assert_ok(context,
        mx_face_landmarker_run(scope, landmarker, &d.view, &d.box, points, &confidence));
    /* The picture turned by a right angle: (x, y) goes to (height - 1 - y, x). */
    const uint32_t width = d.view.height, height = d.view.width;
    uint8_t *turned = malloc((size_t)width * height);
    assert_non_null(turned);
    for (uint32_t y = 0; y < d.view.height; y++) {
        for (uint32_t x = 0; x < d.view.width; x++)
            turned[x * width + (width - 1 - y)] = d.pixels[y * d.view.width + x];
    }
    for (int i = 0; i < POINTS; i++) {
        before[2 * i] = (float)(width - 1) - points[2 * i + 1];
        before[2 * i + 1] = points[2 * i];
    }
    const mx_face_view view = {turned, width, width, height};
    for (int i = 0; i < 3; i++) {
        assert_ok(context, mx_face_landmarker_follow(
                               scope, landmarker, &d.view, points, points, &confidence));
        assert_ok(context, mx_face_landmarker_follow(
                               scope, landmarker, &view, before, before, &confidence));
    }
    for (int i = 0; i < POINTS; i++) {
        rolled[2 * i] = before[2 * i + 1];
        rolled[2 * i + 1] = (float)(width - 1) - before[2 * i];
        assert_true(hypotf(rolled[2 * i] - points[2 * i],
                        rolled[2 * i + 1] - points[2 * i + 1]) < 0.1f);
    }
    mx_face_landmarker_destroy(context, &landmarker);
    mexpr_context_destroy(&context);
    free(turned);
    free(d.pixels);
}

/* --- calls ------------------------------------------------------------------------- */

static void boxes_beyond_reason_are_refused(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mx_scope *scope = mx_context_scope(context);
    mx_face_landmarker *landmarker;
    static uint8_t pixels[100 * 80];
    const mx_face_view view = {pixels, 100, 100, 80};
    const struct {
        mx_face_box box;
        const char *sentence;
    } cases[] = {{{10, 10, 0, 0}, "side of 0 pixels"}, {{10, 10, -5, 0}, "side of -5"},
        {{10, 10, NAN, 0}, "side of"}, {{10, 10, INFINITY, 0}, "side of"},
        {{-1000, -1000, 401, 0}, "side of 401"}, {{NAN, 10, 30, 0}, "outside"},
        {{10, INFINITY, 30, 0}, "outside"}, {{-200, 10, 30, 0}, "outside"},
        {{10, 140, 30, 0}, "outside"}};
    float points[2 * POINTS], confidence;
    assert_ok(context, mx_face_landmarker_create(scope, &landmarker));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_failure(context,
            mx_face_landmarker_run(
                scope, landmarker, &view, &cases[i].box, points, &confidence),
            MEXPR_E_ARG, cases[i].sentence);
    memset(points, 0, sizeof points);
    assert_failure(context,
        mx_face_landmarker_follow(scope, landmarker, &view, points, points, &confidence),
        MEXPR_E_ARG, "side of 0");
    mx_face_landmarker_destroy(context, &landmarker);
    mexpr_context_destroy(&context);
}

/* Black, white and tiny pictures are no faces, and no trouble. */
static void empty_pictures_have_no_face(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mx_scope *scope = mx_context_scope(context);
    mx_face_landmarker *landmarker;
    static uint8_t pixels[200 * 200];
    const uint32_t sizes[][2] = {{200, 200}, {1, 1}, {200, 3}, {3, 200}};
    assert_ok(context, mx_face_landmarker_create(scope, &landmarker));
    for (int i = 0; i < 8; i++) {
        memset(pixels, i % 2 ? 255 : 0, sizeof pixels);
        const mx_face_view view = {pixels, 200, sizes[i / 2][0], sizes[i / 2][1]};
        const mx_face_box box = {-10.0f, -10.0f, 60.0f, 0.0f};
        float points[2 * POINTS], confidence;
        assert_ok(context,
            mx_face_landmarker_run(scope, landmarker, &view, &box, points, &confidence));
        assert_true(confidence >= 0.0f && confidence < 0.3f);
        for (int j = 0; j < 2 * POINTS; j++)
            assert_true(isfinite(points[j]));
    }
    mx_face_landmarker_destroy(context, &landmarker);
    mexpr_context_destroy(&context);
}

/* Surer parts make a surer whole; a sure detector does not outvote landmarks that are of
 * no face, and weak boxes are those that landmarks can still save. */
static void both_scores_count(void **state)
{
    (void)state;
    const float steps[] = {0.0f, 0.01f, 0.1f, 0.5f, 0.9f, 0.99f, 1.0f};
    const int n = (int)(sizeof steps / sizeof steps[0]);
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++) {
            const float score = mx_face_both_score(steps[i], steps[j]);
            assert_true(score >= 0.0f && score <= 1.0f);
            assert_true(i == 0 || score >= mx_face_both_score(steps[i - 1], steps[j]));
            assert_true(j == 0 || score >= mx_face_both_score(steps[i], steps[j - 1]));
        }
    }
    assert_true(fabsf(mx_face_both_score(0.5f, 0.425557f) - 0.5f) < 1e-5f);
    assert_true(mx_face_both_score(0.99f, 0.02f) < 0.5f);
    assert_true(mx_face_both_score(0.4f, 0.5f) > 0.5f);
    assert_true(mx_face_weak_score(0.5f) < 0.1f && mx_face_weak_score(0.0f) == 0.0f);
}

static mexpr_status find_once(mexpr_context *context, void *arg)
{
    const drawn *d = arg;
    mx_scope *scope = mx_context_scope(context);
    mx_face_landmarker *landmarker;
    float points[2 * POINTS], confidence;
    mexpr_status status = mx_face_landmarker_create(scope, &landmarker);
    if (status == MEXPR_OK)
        status = mx_face_landmarker_run(
            scope, landmarker, &d->view, &d->box, points, &confidence);
    mx_face_landmarker_destroy(context, &landmarker);
    return status;
}

static void memory_may_be_short(void **state)
{
    (void)state;
    drawn d = draw(1);
    assert_int_equal(test_oom_sweep(find_once, &d, 1), 6);
    free(d.pixels);
}

static void warm_calls_allocate_nothing(void **state)
{
    (void)state;
    test_heap heap;
    test_heap_init(&heap);
    mexpr_context *context = test_context(&heap, 1);
    mx_scope *scope = mx_context_scope(context);
    mx_face_landmarker *landmarker;
    drawn d = draw(1);
    float points[2 * POINTS], confidence;
    assert_ok(context, mx_face_landmarker_create(scope, &landmarker));
    assert_ok(context,
        mx_face_landmarker_run(scope, landmarker, &d.view, &d.box, points, &confidence));
    const long n = heap.n_allocs;
    for (int i = 0; i < 3; i++)
        assert_ok(context, mx_face_landmarker_run(
                               scope, landmarker, &d.view, &d.box, points, &confidence));
    assert_int_equal(heap.n_allocs, n);
    mx_face_landmarker_destroy(context, &landmarker);
    mexpr_context_destroy(&context);
    assert_int_equal(heap.live_blocks, 0);
    free(d.pixels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(poses_invert),
        cmocka_unit_test(poses_fit_by_least_squares),
        cmocka_unit_test(a_box_is_a_pose),
        cmocka_unit_test(crops_keep_slopes),
        cmocka_unit_test(crops_repeat_edges),
        cmocka_unit_test(crops_are_smooth_in_size),
        cmocka_unit_test(crops_refuse_nonsense),
        cmocka_unit_test(networks_are_their_definition),
        cmocka_unit_test(weights_of_other_kinds_are_refused),
        cmocka_unit_test(weights_are_small),
        cmocka_unit_test(drawn_faces_are_found),
        cmocka_unit_test(noise_moves_points_little),
        cmocka_unit_test(parts_of_pixels_are_seen),
        cmocka_unit_test(rolled_faces_are_followed),
        cmocka_unit_test(boxes_beyond_reason_are_refused),
        cmocka_unit_test(empty_pictures_have_no_face),
        cmocka_unit_test(both_scores_count),
        cmocka_unit_test(memory_may_be_short),
        cmocka_unit_test(warm_calls_allocate_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
