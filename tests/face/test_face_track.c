/* SPDX-License-Identifier: MIT */
/* Tracking on drawn clips. The detector is a stand-in that finds what a test tells it, so
 * that losses and searches can be counted. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "face/face_landmark.h"
#include "face_render.h"
#include "support.h"

enum { VALUES = 2 * MX_FACE_POINTS, MOST = 4 };

/* --- a detector of the test's own --------------------------------------------------- */

struct mx_face_detector {
    mx_face_box boxes[MOST];
    size_t n_boxes;
    int n_searches;
};

mexpr_status mx_face_detector_create(mx_scope *scope, mx_face_detector **out)
{
    *out = mx_calloc(scope, 1, sizeof **out);
    return *out ? MEXPR_OK : MEXPR_E_NOMEM;
}

void mx_face_detector_destroy(mexpr_context *context, mx_face_detector **detector)
{
    mx_free(context, *detector);
    *detector = NULL;
}

float mx_face_detector_threshold(void)
{
    return 0.0f;
}

mexpr_status mx_face_detector_run(mx_scope *scope, mx_face_detector *detector,
    const mx_face_view *view, float smallest, float largest, float threshold,
    mx_face_box *boxes, size_t capacity, size_t *count)
{
    (void)scope;
    (void)view;
    (void)smallest;
    (void)largest;
    (void)threshold;
    detector->n_searches++;
    *count = detector->n_boxes < capacity ? detector->n_boxes : capacity;
    memcpy(boxes, detector->boxes, sizeof *boxes * *count);
    return MEXPR_OK;
}

/* --- clips ------------------------------------------------------------------------- */

enum { WIDTH = 420, HEIGHT = 200 };

typedef struct stage {
    mexpr_context *context;
    mx_scope *scope;
    mx_face_detector *detector;
    mx_face_landmarker *landmarker;
    mx_face_tracker *tracker;
    mx_face_track tracks[MOST];
    size_t n;
    uint8_t pixels[WIDTH * HEIGHT];
} stage;

static const mx_face_track_options usual = {.smallest = 24.0f,
    .largest = 1000.0f,
    .confidence = 0.25f,
    .max_faces = MOST,
    .search = 0,
    .filter = true};

static stage *set_up(const mx_face_track_options *options)
{
    stage *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->context = test_context(NULL, 1);
    s->scope = mx_context_scope(s->context);
    assert_ok(s->context, mx_face_detector_create(s->scope, &s->detector));
    assert_ok(s->context, mx_face_landmarker_create(s->scope, &s->landmarker));
    assert_ok(s->context, mx_face_tracker_create(s->scope, s->detector, s->landmarker,
                              options, &s->tracker));
    memset(s->pixels, 90, sizeof s->pixels);
    return s;
}

static void tear_down(stage *s)
{
    mx_face_tracker_destroy(s->context, &s->tracker);
    mx_face_landmarker_destroy(s->context, &s->landmarker);
    mx_face_detector_destroy(s->context, &s->detector);
    assert_null(s->tracker);
    mexpr_context_destroy(&s->context);
    free(s);
}

static struct face_clip_options person(uint64_t seed)
{
    struct face_clip_options clip = face_clip_defaults(seed);
    face_clip_resize(&clip, 140, HEIGHT);
    return clip;
}

/* Draws a person's frame in one of three places of the picture; returns the face's box.
 */
static mx_face_box paint(
    stage *s, const struct face_clip_options *clip, int frame, int place)
{
    float points[VALUES];
    face_clip_frame(clip, frame, s->pixels + place * 140, WIDTH);
    face_clip_landmarks(clip, frame, points);
    for (int i = 0; i < MX_FACE_POINTS; i++)
        points[2 * i] += 140.0f * (float)place;
    return mx_face_box_around(points);
}

static void clear(stage *s, int place)
{
    for (int y = 0; y < HEIGHT; y++)
        memset(s->pixels + y * WIDTH + place * 140, 90, 140);
}

static void run(stage *s)
{
    const mx_face_view view = {s->pixels, WIDTH, WIDTH, HEIGHT};
    assert_ok(
        s->context, mx_face_tracker_run(s->scope, s->tracker, &view, s->tracks, &s->n));
}

/* The detector finds these boxes from now on. */
static void show(stage *s, size_t n, const mx_face_box *boxes)
{
    for (size_t i = 0; i < n; i++)
        s->detector->boxes[i] = boxes[i];
    s->detector->n_boxes = n;
}

/* --- following --------------------------------------------------------------------- */

/* One search for a face, then none; its id stays, and the score of when it was found. */
static void a_face_is_followed(void **state)
{
    (void)state;
    stage *s = set_up(&usual);
    const struct face_clip_options clip = person(1);
    mx_face_box box = paint(s, &clip, 0, 1);
    float score = 0.0f;
    box.score = 0.75f;
    show(s, 1, &box);
    for (int i = 0; i < 12; i++) {
        run(s);
        assert_int_equal(s->n, 1);
        assert_int_equal(s->tracks[0].id, 0);
        assert_true(s->tracks[0].followed == (i > 0));
        if (i == 0)
            score = mx_face_both_score(0.75f, s->tracks[0].confidence);
        assert_true(s->tracks[0].box.score == score);
        assert_true(s->tracks[0].confidence >= usual.confidence);
        assert_true(mx_face_box_overlap(&s->tracks[0].box, &box) > 0.6f);
    }
    assert_int_equal(s->detector->n_searches, 1);
    tear_down(s);
}

/* A head that moves three pixels a frame and turns. */
static void a_moving_head_is_followed(void **state)
{
    (void)state;
    stage *s = set_up(&usual);
    struct face_clip_options clip = person(3);
    struct face_pose path[30] = {{0}};
    double worst = 0.0, start = 0.0;
    for (int i = 0; i < 30; i++)
        path[i] = (struct face_pose){
            3.0 * (i < 15 ? i : 30 - i) - 20.0, 0.5 * i, 0.01 * i, 0.003 * i};
    clip.path = path;
    clip.n_frames = 30;
    clip.width = WIDTH;
    clip.face_x = 210.0;
    for (int i = 0; i < 30; i++) {
        float truth[VALUES];
        double error = 0.0;
        face_clip_frame(&clip, i, s->pixels, WIDTH);
        face_clip_landmarks(&clip, i, truth);
        const mx_face_box box = mx_face_box_around(truth);
        show(s, 1, &box);
        run(s);
        assert_int_equal(s->n, 1);
        assert_int_equal(s->tracks[0].id, 0);
        for (int j = 0; j < VALUES; j++)
            error += (s->tracks[0].points[j] - truth[j]) / MX_FACE_POINTS;
        start = i == 0 ? error : start;
        worst = fmax(worst, fabs(error - start));
    }
    /* The mean point keeps its place in the head: no lag behind the motion. */
    print_message("drift of the mean point: %.2f px\n", worst);
    assert_true(worst < 6.0);
    assert_int_equal(s->detector->n_searches, 1);
    tear_down(s);
}

/* What is covered is lost, searched for in every frame, and found again under its id, or
 * after long under another. */
static void a_lost_face_is_searched_for(void **state)
{
    (void)state;
    for (int gone = 3; gone <= 20; gone += 17) {
        stage *s = set_up(&usual);
        const struct face_clip_options clip = person(1);
        const mx_face_box box = paint(s, &clip, 0, 1);
        show(s, 1, &box);
        run(s);
        run(s);
        clear(s, 1);
        show(s, 0, NULL);
        for (int i = 0; i < gone; i++) {
            run(s);
            assert_int_equal(s->n, 0);
        }
        assert_int_equal(s->detector->n_searches, 1 + gone);
        paint(s, &clip, 0, 1);
        show(s, 1, &box);
        run(s);
        assert_int_equal(s->n, 1);
        assert_int_equal(s->tracks[0].id, gone > 10 ? 1 : 0);
        assert_false(s->tracks[0].followed);
        run(s);
        assert_true(s->tracks[0].followed);
        assert_int_equal(s->detector->n_searches, 2 + gone);
        tear_down(s);
    }
}

/* Three people, one of whom comes later and one goes. */
static void people_keep_their_ids(void **state)
{
    (void)state;
    mx_face_track_options options = usual;
    options.search = 5;
    stage *s = set_up(&options);
    mx_face_box boxes[3];
    struct face_clip_options clips[3];
    for (int i = 0; i < 3; i++) {
        clips[i] = person((uint64_t)i + 1);
        boxes[i] = paint(s, &clips[i], 0, i);
    }
    clear(s, 2);
    show(s, 2, boxes);
    run(s);
    assert_int_equal(s->n, 2);
    paint(s, &clips[2], 0, 2);
    show(s, 3, boxes);
    int frames = 1;
    for (; s->n < 3 && frames < 20; frames++)
        run(s);
    assert_int_equal(frames, 6); /* the search every five frames */
    for (int64_t i = 0; i < 3; i++)
        assert_int_equal(s->tracks[i].id, i);
    clear(s, 1);
    const mx_face_box left[2] = {boxes[0], boxes[2]};
    show(s, 2, left);
    run(s);
    assert_int_equal(s->n, 2);
    assert_int_equal(s->tracks[0].id, 0);
    assert_int_equal(s->tracks[1].id, 2);
    tear_down(s);
}

static void two_boxes_on_a_face_are_one(void **state)
{
    (void)state;
    stage *s = set_up(&usual);
    const struct face_clip_options clip = person(1);
    mx_face_box boxes[2];
    boxes[0] = boxes[1] = paint(s, &clip, 0, 1);
    boxes[1].x += 0.1f * boxes[1].size;
    show(s, 2, boxes);
    run(s);
    assert_int_equal(s->n, 1);
    tear_down(s);
}

static void a_false_detection_is_no_track(void **state)
{
    (void)state;
    stage *s = set_up(&usual);
    const mx_face_box box = {150.0f, 20.0f, 120.0f, 9.0f};
    show(s, 1, &box);
    run(s);
    assert_int_equal(s->n, 0);
    tear_down(s);
}

static void faces_are_bounded(void **state)
{
    (void)state;
    mx_face_track_options options = usual;
    options.max_faces = 1;
    stage *s = set_up(&options);
    mx_face_box boxes[2];
    for (int i = 0; i < 2; i++) {
        const struct face_clip_options clip = person((uint64_t)i + 1);
        boxes[i] = paint(s, &clip, 0, i);
    }
    show(s, 2, boxes);
    run(s);
    assert_int_equal(s->n, 1);
    assert_int_equal(s->tracks[0].id, 0);
    assert_true(mx_face_box_overlap(&s->tracks[0].box, &boxes[0]) > 0.6f);
    tear_down(s);
}

static void reset_begins_another_clip(void **state)
{
    (void)state;
    stage *s = set_up(&usual);
    const struct face_clip_options clip = person(1);
    const mx_face_box box = paint(s, &clip, 0, 1);
    show(s, 1, &box);
    run(s);
    mx_face_tracker_reset(s->tracker);
    run(s);
    assert_int_equal(s->tracks[0].id, 0);
    assert_false(s->tracks[0].followed);
    assert_int_equal(s->detector->n_searches, 2);
    tear_down(s);
}

/* A frame of another size, in which the face followed lies outside, loses it. */
static void frames_may_shrink(void **state)
{
    (void)state;
    stage *s = set_up(&usual);
    const struct face_clip_options clip = person(1);
    const mx_face_box box = paint(s, &clip, 0, 2);
    show(s, 1, &box);
    run(s);
    assert_int_equal(s->n, 1);
    show(s, 0, NULL);
    const mx_face_view tiny = {s->pixels, WIDTH, 1, 1};
    assert_ok(
        s->context, mx_face_tracker_run(s->scope, s->tracker, &tiny, s->tracks, &s->n));
    assert_int_equal(s->n, 0);
    tear_down(s);
}

/* --- filter ------------------------------------------------------------------------ */

/* Mean RMS of points around their means over a still clip with noise of `sigma`. */
static double jitter(bool filtered, double sigma)
{
    enum { FRAMES = 60, FIRST = 4 };
    mx_face_track_options options = usual;
    options.filter = filtered;
    stage *s = set_up(&options);
    const struct face_clip_options clip = person(4);
    mx_rng rng;
    double sum[VALUES] = {0}, squares[VALUES] = {0}, total = 0.0;
    const mx_face_box box = paint(s, &clip, 0, 1);
    uint8_t *still = malloc(sizeof s->pixels);
    assert_non_null(still);
    memcpy(still, s->pixels, sizeof s->pixels);
    show(s, 1, &box);
    mx_rng_seed(&rng, 1, 0);
    for (int i = 0; i < FRAMES; i++) {
        for (size_t j = 0; j < sizeof s->pixels; j++)
            s->pixels[j] = (uint8_t)fmin(
                255.0, fmax(0.0, rint(still[j] + sigma * mx_rng_normal(&rng))));
        run(s);
        assert_int_equal(s->n, 1);
        for (int j = 0; j < VALUES && i >= FIRST; j++) {
            sum[j] += s->tracks[0].points[j];
            squares[j] += (double)s->tracks[0].points[j] * s->tracks[0].points[j];
        }
    }
    const double n = FRAMES - FIRST;
    for (int j = 0; j < VALUES; j++)
        total += (squares[j] - sum[j] * sum[j] / n) / n / MX_FACE_POINTS;
    free(still);
    tear_down(s);
    return sqrt(total);
}

static void a_still_face_stays_still(void **state)
{
    (void)state;
    const double raw = jitter(false, 2.0), filtered = jitter(true, 2.0);
    print_message("jitter of a tracked face: %.3f px, filtered %.3f px\n", raw, filtered);
    assert_true(filtered <= 0.1);
    assert_true(filtered < raw);
}

/* What the filter is told to be: of the face's shape in its own frame the mean (1 2 1) /
 * 4 of three frames, in the pose of this frame. */
static void the_filter_is_what_it_says(void **state)
{
    (void)state;
    mx_face_track_options options = usual;
    options.filter = false;
    stage *plain = set_up(&options), *smooth = set_up(&usual);
    struct face_clip_options clip = person(2);
    const float *mean = mx_face_landmarker_shape(plain->landmarker);
    float shape[30][VALUES];
    double moved = 0.0;
    assert_true(face_clip_add_action(&clip, 12, FACE_BOTH, 1.0));
    for (int i = 0; i < 30; i++) {
        const mx_face_box box = paint(plain, &clip, i, 1);
        float expected[VALUES];
        paint(smooth, &clip, i, 1);
        show(plain, 1, &box);
        show(smooth, 1, &box);
        run(plain);
        run(smooth);
        assert_true(plain->n == 1 && smooth->n == 1);
        const mx_landmark_pose pose = mx_landmark_pose_fit(mean, plain->tracks[0].points);
        mx_landmark_pose_remove(&pose, plain->tracks[0].points, shape[i]);
        const int one = i < 1 ? 0 : i - 1, two = i < 2 ? 0 : i - 2;
        for (int j = 0; j < VALUES; j++)
            expected[j] = 0.25f * (shape[i][j] + shape[two][j]) + 0.5f * shape[one][j];
        mx_landmark_pose_apply(&pose, expected, expected);
        for (int j = 0; j < VALUES; j++) {
            assert_true(fabsf(smooth->tracks[0].points[j] - expected[j]) < 1e-3f);
            moved = fmax(moved, fabsf(expected[j] - plain->tracks[0].points[j]));
        }
    }
    assert_true(moved > 0.1); /* the smile is a motion that a filter changes */
    tear_down(plain);
    tear_down(smooth);
}

/* --- calls ------------------------------------------------------------------------- */

static void options_are_checked(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mx_scope *scope = mx_context_scope(context);
    const uint32_t counts[] = {0, 65};
    for (int i = 0; i < 2; i++) {
        mx_face_track_options options = usual;
        mx_face_tracker *tracker = (mx_face_tracker *)&options;
        options.max_faces = counts[i];
        assert_failure(context,
            mx_face_tracker_create(scope, NULL, NULL, &options, &tracker), MEXPR_E_RANGE,
            "use 1 to 64");
        assert_null(tracker);
    }
    mexpr_context_destroy(&context);
}

static mexpr_status track_once(mexpr_context *context, void *arg)
{
    const stage *from = arg;
    mx_scope *scope = mx_context_scope(context);
    mx_face_detector *detector = NULL;
    mx_face_landmarker *landmarker = NULL;
    mx_face_tracker *tracker = NULL;
    mx_face_track tracks[MOST];
    size_t n = 0;
    const mx_face_view view = {from->pixels, WIDTH, WIDTH, HEIGHT};
    mexpr_status status = mx_face_detector_create(scope, &detector);
    if (status == MEXPR_OK) {
        *detector = *from->detector;
        status = mx_face_landmarker_create(scope, &landmarker);
    }
    if (status == MEXPR_OK)
        status = mx_face_tracker_create(scope, detector, landmarker, &usual, &tracker);
    for (int i = 0; i < 2 && status == MEXPR_OK; i++)
        status = mx_face_tracker_run(scope, tracker, &view, tracks, &n);
    mx_face_tracker_destroy(context, &tracker);
    mx_face_landmarker_destroy(context, &landmarker);
    mx_face_detector_destroy(context, &detector);
    return status;
}

static void memory_may_be_short(void **state)
{
    (void)state;
    stage *s = set_up(&usual);
    const struct face_clip_options clip = person(1);
    const mx_face_box box = paint(s, &clip, 0, 1);
    show(s, 1, &box);
    assert_true(test_oom_sweep(track_once, s, 1) >= 7);
    tear_down(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_face_is_followed),
        cmocka_unit_test(a_moving_head_is_followed),
        cmocka_unit_test(a_lost_face_is_searched_for),
        cmocka_unit_test(people_keep_their_ids),
        cmocka_unit_test(two_boxes_on_a_face_are_one),
        cmocka_unit_test(a_false_detection_is_no_track),
        cmocka_unit_test(faces_are_bounded),
        cmocka_unit_test(reset_begins_another_clip),
        cmocka_unit_test(frames_may_shrink),
        cmocka_unit_test(a_still_face_stays_still),
        cmocka_unit_test(the_filter_is_what_it_says),
        cmocka_unit_test(options_are_checked),
        cmocka_unit_test(memory_may_be_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
