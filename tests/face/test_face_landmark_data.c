/* SPDX-License-Identifier: MIT */
/* Landmarks on people whom no network has seen: error from boxes like a detector's, from
 * a second look, confidence, jitter. The limits are what docs/models/face_landmarks.md
 * promises. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "face/face_landmark.h"
#include "landmark_cases.h"
#include "support.h"

enum { VALUES = 2 * MX_FACE_POINTS };

typedef struct fixture {
    mexpr_context *context;
    mx_scope *scope;
    mx_face_landmarker *landmarker;
    landmark_cases cases;
} fixture;

static fixture set_up(void)
{
    fixture f = {.context = NULL};
    const char *folder = test_data("");
    f.context = test_context(NULL, 1);
    f.scope = mx_context_scope(f.context);
    if (!landmark_cases_read(f.context, folder, &f.cases)) {
        mexpr_context_destroy(&f.context);
        skip();
    }
    assert_ok(f.context, mx_face_landmarker_create(f.scope, &f.landmarker));
    return f;
}

static void tear_down(fixture *f)
{
    mx_face_landmarker_destroy(f->context, &f->landmarker);
    landmark_cases_free(&f->cases);
    mexpr_context_destroy(&f->context);
}

static void run(fixture *f, const mx_face_view *view, const mx_face_box *box,
    float *points, float *confidence)
{
    assert_ok(f->context,
        mx_face_landmarker_run(f->scope, f->landmarker, view, box, points, confidence));
}

static void follow(fixture *f, const mx_face_view *view, float *points, float *confidence)
{
    assert_ok(f->context, mx_face_landmarker_follow(
                              f->scope, f->landmarker, view, points, points, confidence));
}

static void points_are_near_the_labels(void **state)
{
    (void)state;
    fixture f = set_up();
    mx_rng rng;
    const int n = f.cases.n_faces;
    double *errors = calloc((size_t)(2 * n), sizeof *errors);
    assert_non_null(errors);
    mx_rng_seed(&rng, 1, 0);
    for (int i = 0; i < n; i++) {
        const face_picture *face = f.cases.faces[i];
        const mx_face_box box = landmark_case_box(&rng, face->points);
        float points[VALUES], confidence;
        run(&f, &face->view, &box, points, &confidence);
        errors[i] = landmark_case_error(points, face->points);
        follow(&f, &face->view, points, &confidence);
        errors[n + i] = landmark_case_error(points, face->points);
    }
    const landmark_errors once = landmark_errors_of(errors, n);
    const landmark_errors twice = landmark_errors_of(errors + n, n);
    print_message("%d faces: error %.4f, 95th percentile %.4f; followed %.4f, %.4f\n", n,
        once.mean, once.p95, twice.mean, twice.p95);
    assert_true(n > 600);
    assert_true(once.mean <= 0.046 && once.p95 <= 0.075);
    assert_true(twice.mean <= 0.046 && twice.p95 <= 0.075);
    free(errors);
    tear_down(&f);
}

/* From the boxes of our own detector. A face that it misses counts as missed only. */
static void detected_faces_are_as_good(void **state)
{
    (void)state;
    enum { MOST = 16 };
    fixture f = set_up();
    mx_face_detector *detector;
    const int n = f.cases.n_faces;
    double *errors = calloc((size_t)n, sizeof *errors);
    int n_found = 0;
    assert_non_null(errors);
    assert_ok(f.context, mx_face_detector_create(f.scope, &detector));
    for (int i = 0; i < n; i++) {
        const face_picture *face = f.cases.faces[i];
        mx_face_box boxes[MOST];
        float points[VALUES], confidence, best = 0.3f;
        size_t count = 0, chosen = MOST;
        assert_ok(
            f.context, mx_face_detector_run(f.scope, detector, &face->view, 24.0f, 1e4f,
                           mx_face_detector_threshold(), boxes, MOST, &count));
        for (size_t j = 0; j < count; j++) {
            const float overlap = mx_face_box_overlap(&boxes[j], &face->box);
            chosen = overlap > best ? j : chosen;
            best = overlap > best ? overlap : best;
        }
        if (chosen == MOST)
            continue;
        run(&f, &face->view, &boxes[chosen], points, &confidence);
        errors[n_found++] = landmark_case_error(points, face->points);
    }
    const landmark_errors e = landmark_errors_of(errors, n_found);
    print_message("%d of %d faces detected: error %.4f, 95th percentile %.4f\n", n_found,
        n, e.mean, e.p95);
    mx_face_detector_destroy(f.context, &detector);
    free(errors);
    tear_down(&f);
    if (n_found == 0) /* weights that were not trained */
        skip();
    assert_true(n_found >= n * 99 / 100);
    assert_true(e.mean <= 0.047 && e.p95 <= 0.080);
}

/* Faces and what is none are told apart, and of faces the sure ones are better. */
static void confidence_means_something(void **state)
{
    (void)state;
    fixture f = set_up();
    mx_rng rng;
    const int n = f.cases.n_faces;
    double sums[2] = {0.0, 0.0};
    int counts[2] = {0, 0}, unsure_faces = 0, sure_others = 0, n_others = 0;
    mx_rng_seed(&rng, 2, 0);
    for (int i = 0; i < n; i++) {
        const face_picture *face = f.cases.faces[i];
        const mx_face_box box = landmark_case_box(&rng, face->points);
        float points[VALUES], confidence;
        run(&f, &face->view, &box, points, &confidence);
        const int sure = confidence > 0.5f;
        sums[sure] += landmark_case_error(points, face->points);
        counts[sure]++;
        unsure_faces += confidence < 0.2f;
    }
    for (int i = 0; i < f.cases.n_others; i++) {
        const mx_face_view *view = &f.cases.others[i]->view;
        for (int j = 0; j < 20; j++, n_others++) {
            const float size = 40.0f + 80.0f * (float)mx_rng_uniform(&rng);
            const mx_face_box box = {
                (float)view->width * (float)mx_rng_uniform(&rng) - 0.5f * size,
                (float)view->height * (float)mx_rng_uniform(&rng) - 0.5f * size, size,
                0.0f};
            float points[VALUES], confidence;
            run(&f, view, &box, points, &confidence);
            sure_others += confidence >= 0.2f;
        }
    }
    print_message("confidence above 0.5: %d faces, error %.4f; below: %d, %.4f\n",
        counts[1], sums[1] / fmax(counts[1], 1), counts[0], sums[0] / fmax(counts[0], 1));
    print_message("below 0.2: %d of %d faces; above: %d of %d others\n", unsure_faces, n,
        sure_others, n_others);
    assert_true(sums[1] / counts[1] < sums[0] / counts[0]);
    assert_true(unsure_faces <= n / 50 && sure_others <= n_others / 50);
    tear_down(&f);
}

/* RMS of the points around their mean under noise of two grey levels, per face. */
static double jitter(fixture *f, const face_picture *face, mx_rng *rng, bool followed)
{
    enum { DRAWS = 30, FIRST = 8 }; /* by then following has settled */
    double sum[VALUES] = {0}, squares[VALUES] = {0}, total = 0.0;
    const mx_face_view still = face->view;
    const size_t n = (size_t)still.width * still.height;
    const mx_face_box box = mx_face_box_around(face->points);
    uint8_t *noisy = malloc(n);
    const mx_face_view view = {noisy, still.width, still.width, still.height};
    float points[VALUES], confidence;
    assert_non_null(noisy);
    for (int draw = 0; draw < DRAWS; draw++) {
        for (size_t i = 0; i < n; i++) {
            const double pixel =
                still.pixels[i / still.width * still.stride + i % still.width] +
                2.0 * mx_rng_normal(rng);
            noisy[i] = (uint8_t)fmin(255.0, fmax(0.0, rint(pixel)));
        }
        assert_ok(f->context, draw > 0 && followed
                                  ? mx_face_landmarker_follow(f->scope, f->landmarker,
                                        &view, points, points, &confidence)
                                  : mx_face_landmarker_run(f->scope, f->landmarker, &view,
                                        &box, points, &confidence));
        for (int i = 0; i < VALUES && draw >= FIRST; i++) {
            sum[i] += points[i];
            squares[i] += (double)points[i] * points[i];
        }
    }
    const double n_draws = DRAWS - FIRST;
    for (int i = 0; i < VALUES; i++)
        total += (squares[i] - sum[i] * sum[i] / n_draws) / n_draws / MX_FACE_POINTS;
    free(noisy);
    return sqrt(total);
}

/* Faces of 110 to 150 px, as in crops of 140 x 170. */
static void still_faces_stay_still(void **state)
{
    (void)state;
    fixture f = set_up();
    mx_rng rng;
    double sums[2] = {0.0, 0.0};
    int n = 0;
    mx_rng_seed(&rng, 3, 0);
    for (int i = 0; i < f.cases.n_faces && n < 24; i += 7) {
        const float size = mx_face_box_around(f.cases.faces[i]->points).size;
        if (size < 110.0f || size > 150.0f)
            continue;
        sums[0] += jitter(&f, f.cases.faces[i], &rng, false);
        sums[1] += jitter(&f, f.cases.faces[i], &rng, true);
        n++;
    }
    print_message("jitter of %d faces: %.3f px in one box, %.3f px followed\n", n,
        sums[0] / n, sums[1] / n);
    assert_true(n >= 12);
    assert_true(sums[0] / n <= 0.1 && sums[1] / n <= 0.1);
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(points_are_near_the_labels),
        cmocka_unit_test(detected_faces_are_as_good),
        cmocka_unit_test(confidence_means_something),
        cmocka_unit_test(still_faces_stay_still),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
