/* SPDX-License-Identifier: MIT */
/* Measures of spotting by hand. */
#include <math.h>

#include "microexpr/evaluate.h"
#include "support.h"

TEST_CONTEXT

typedef mexpr_spot_interval interval;

/* In clip `clip` of person 0, class `label`. */
static interval at(int32_t clip, int64_t onset, int64_t offset, int32_t label)
{
    return (interval){onset, -1, offset, clip, 0, label};
}

static mexpr_spotting_metrics measure(const interval *truth, int64_t n_true,
    const interval *spotted, int64_t n_spotted, int32_t mode)
{
    mexpr_spotting_metrics m = MEXPR_SPOTTING_METRICS_INIT;
    assert_ok(context,
        mexpr_spotting_compute(context, truth, n_true, spotted, n_spotted, 0, mode, &m));
    return m;
}

static void assert_counts(
    const mexpr_spotting_metrics *m, int64_t tp, int64_t fp, int64_t fn)
{
    assert_int_equal(m->tp, tp);
    assert_int_equal(m->fp, fp);
    assert_int_equal(m->fn, fn);
    const double f1 = tp ? 2 * (double)tp / (double)(2 * tp + fp + fn) : 0;
    assert_float_equal(m->f1, f1, 1e-12);
    assert_float_equal(m->precision, tp ? (double)tp / (double)(tp + fp) : 0, 1e-12);
    assert_float_equal(m->recall, tp ? (double)tp / (double)(tp + fn) : 0, 1e-12);
}

static void one_to_one(void **state)
{
    (void)state;
    const interval truth[] = {at(0, 10, 19, 0), at(0, 50, 59, 0), at(1, 0, 9, 0)};
    /* The second is a double, the third has an IoU of 5/15, the fourth one of exactly
     * 1/2, the last is in a video without a true interval. */
    const interval spotted[] = {at(0, 10, 19, 0), at(0, 11, 20, 0), at(0, 55, 64, 0),
        at(1, 0, 4, 0), at(2, 0, 9, 0)};
    mexpr_spotting_metrics m = measure(truth, 3, spotted, 5, MEXPR_STRS_STRICT);
    assert_counts(&m, 2, 3, 1);
    m = measure(truth, 3, spotted, 5, MEXPR_STRS_MEGC); /* loses the last one */
    assert_counts(&m, 2, 2, 1);
}

static void two_in_one(void **state)
{
    (void)state;
    const interval truth[] = {at(0, 0, 9, 0), at(0, 10, 19, 0)};
    const interval spotted[] = {at(0, 0, 19, 0)};
    mexpr_spotting_metrics m = measure(truth, 2, spotted, 1, MEXPR_STRS_STRICT);
    assert_counts(&m, 1, 0, 1);
    m = measure(truth, 2, spotted, 1, MEXPR_STRS_MEGC); /* has both */
    assert_counts(&m, 2, 0, 0);
}

/* The better overlap wins whatever comes first; the challenge's program takes the first
 * row. Seen by whose class is right. */
static void better_overlap(void **state)
{
    (void)state;
    const interval truth[] = {at(0, 0, 9, 1), at(0, 40, 49, 0)};
    const interval spotted[] = {at(0, 0, 6, 0), at(0, 0, 9, 1), at(0, 40, 49, 0)};
    mexpr_spotting_metrics m = measure(truth, 2, spotted, 3, MEXPR_STRS_STRICT);
    assert_counts(&m, 2, 1, 0);
    assert_true(m.n_analysed == 2 && m.analysis_f1 == 1);
    m = measure(truth, 2, spotted, 3, MEXPR_STRS_MEGC);
    assert_counts(&m, 2, 1, 0);
    assert_true(m.analysis_f1 < 1);
}

static void persons_without_spots(void **state)
{
    (void)state;
    interval truth[] = {at(0, 0, 9, 0), at(0, 0, 9, 0), at(1, 0, 9, 0)};
    const interval spotted[] = {at(0, 0, 9, 0)};
    truth[1].person = 1; /* of whom nothing was spotted: a video of the same number */
    mexpr_spotting_metrics m = measure(truth, 3, spotted, 1, MEXPR_STRS_STRICT);
    assert_counts(&m, 1, 0, 2);
    m = measure(truth, 3, spotted, 1, MEXPR_STRS_MEGC); /* forgets person 1 */
    assert_counts(&m, 1, 0, 1);
}

static void nothing(void **state)
{
    (void)state;
    const interval one[] = {at(0, 0, 9, 0)};
    mexpr_spotting_metrics m = measure(one, 1, NULL, 0, 0);
    assert_counts(&m, 0, 0, 1);
    assert_true(m.strs == 0 && m.analysis_f1 == 0 && m.n_apex == 0);
    assert_true(isnan(m.apex_mae) && isnan(m.apex_mae_share) && m.apex_inside == 0);
    m = measure(NULL, 0, one, 1, 0);
    assert_counts(&m, 0, 1, 0);
    m = measure(NULL, 0, NULL, 0, 0);
    assert_counts(&m, 0, 0, 0);
    m = measure(one, 1, NULL, 0, MEXPR_STRS_MEGC); /* 0 / 0 */
    assert_true(isnan(m.strs) && isnan(m.analysis_f1));
}

/* The example that the authors of the score give, whose STRS is 0.2: happiness 0, others
 * 1, repression 2. */
static void authors_example(void **state)
{
    (void)state;
    interval spotted[] = {at(0, 10, 70, 0), at(1, 100, 170, 1), at(2, 0, 70, 1),
        at(3, 20, 90, 0), at(4, 70, 140, 0)};
    interval truth[] = {at(0, 45, 85, 0), at(1, 130, 160, 1), at(2, 20, 75, 1),
        at(3, 45, 95, 2), at(4, 30, 140, 2)};
    for (int k = 3; k < 5; k++)
        spotted[k].person = truth[k].person = 1;
    for (int32_t mode = MEXPR_STRS_STRICT; mode <= MEXPR_STRS_MEGC; mode++) {
        const mexpr_spotting_metrics m = measure(truth, 5, spotted, 5, mode);
        assert_counts(&m, 3, 2, 2);
        assert_int_equal(m.n_analysed, 3);
        assert_float_equal(m.analysis_precision, 1.0 / 3, 1e-12);
        assert_float_equal(m.analysis_recall, 1.0 / 3, 1e-12);
        assert_float_equal(m.analysis_uf1, 1.0 / 3, 1e-12);
        assert_float_equal(m.strs, 0.2, 1e-12);
    }
}

/* Class 1: precision 1, recall 1/2; class 0: precision 1/2, recall 1. Class 2 is in the
 * truth but in no pair; a movement without a class is not analysed. */
static void analysis(void **state)
{
    (void)state;
    const interval truth[] = {
        at(0, 0, 9, 1), at(1, 0, 9, 1), at(2, 0, 9, 0), at(3, 0, 9, 2), at(4, 0, 9, -1)};
    const interval spotted[] = {
        at(0, 0, 9, 1), at(1, 0, 9, 0), at(2, 0, 9, 0), at(4, 0, 9, 1)};
    mexpr_spotting_metrics m = measure(truth, 5, spotted, 4, MEXPR_STRS_STRICT);
    assert_counts(&m, 4, 0, 1);
    assert_int_equal(m.n_analysed, 3);
    assert_float_equal(m.analysis_precision, 0.5, 1e-12);
    assert_float_equal(m.analysis_recall, 0.5, 1e-12);
    assert_float_equal(m.analysis_uar, 0.5, 1e-12);
    assert_float_equal(m.analysis_uf1, (2.0 / 3 + 2.0 / 3) / 3, 1e-12);
    assert_float_equal(m.strs, 0.5 * m.f1, 1e-12);
    m = measure(truth, 3, spotted, 2, MEXPR_STRS_MEGC);
    assert_float_equal(m.analysis_uar, m.analysis_precision, 1e-12);
}

/* All pairs of one class and right: the challenge's program counts nothing. */
static void one_class(void **state)
{
    (void)state;
    const interval both[] = {at(0, 0, 9, 3), at(1, 0, 9, 3)};
    mexpr_spotting_metrics m = measure(both, 2, both, 2, MEXPR_STRS_STRICT);
    assert_true(m.strs == 1 && m.analysis_uar == 1);
    m = measure(both, 2, both, 2, MEXPR_STRS_MEGC);
    assert_true(isnan(m.strs) && m.analysis_uf1 == 0);
}

static void apexes_of_pairs(void **state)
{
    (void)state;
    interval truth[] = {at(0, 0, 9, 0), at(1, 100, 119, 0), at(2, 0, 9, 0)};
    interval spotted[] = {at(0, 0, 8, 0), at(1, 100, 125, 0), at(2, 0, 9, 0)};
    truth[0].apex = 4, spotted[0].apex = 7;
    truth[1].apex = 110, spotted[1].apex = 124; /* not in the true interval */
    truth[2].apex = 5;                          /* none spotted */
    const mexpr_spotting_metrics m = measure(truth, 3, spotted, 3, 0);
    assert_int_equal(m.n_apex, 2);
    assert_float_equal(m.apex_mae, (3 + 14) / 2.0, 1e-12);
    assert_float_equal(m.apex_mae_share, (0.3 + 0.7) / 2, 1e-12);
    assert_float_equal(m.apex_inside, 0.5, 1e-12);
}

/* Of two equal overlaps the first wins. */
static void ties(void **state)
{
    (void)state;
    interval truth[] = {at(0, 0, 9, 0)};
    interval spotted[] = {at(0, 0, 8, 0), at(0, 1, 9, 0)};
    truth[0].apex = 5, spotted[0].apex = 5, spotted[1].apex = 9;
    mexpr_spotting_metrics m = measure(truth, 1, spotted, 2, 0);
    assert_counts(&m, 1, 1, 0);
    assert_true(m.apex_mae == 0);
    spotted[0].apex = 9, spotted[1].apex = 5;
    m = measure(truth, 1, spotted, 2, 0);
    assert_true(m.apex_mae == 4);
}

static void apexes_alone(void **state)
{
    (void)state;
    const interval truth[] = {
        {0, 4, 9, 0, 0, 0}, {100, 110, 119, 0, 0, 0}, {0, 5, 9, 0, 0, 0}};
    const int64_t spotted[] = {7, 124, -1};
    mexpr_apex_metrics m = MEXPR_APEX_METRICS_INIT;
    assert_ok(context, mexpr_apex_compute(context, truth, spotted, 3, &m));
    assert_true(m.n == 3 && m.n_found == 2);
    assert_float_equal(m.mae, 8.5, 1e-12);
    assert_float_equal(m.mae_share, 0.5, 1e-12);
    assert_float_equal(m.inside, 1.0 / 3, 1e-12);
    assert_float_equal(m.deviation, 5.5, 1e-12); /* sqrt(2 · 5.5²) / sqrt(2) */
    assert_ok(context, mexpr_apex_compute(context, NULL, NULL, 0, &m));
    assert_true(m.n == 0 && isnan(m.mae) && isnan(m.mae_share) && m.inside == 0);
    assert_true(isnan(m.deviation));
    assert_ok(context, mexpr_apex_compute(context, truth, spotted, 1, &m));
    assert_true(m.n_found == 1 && isfinite(m.mae) && isnan(m.deviation));
}

static void refusals(void **state)
{
    (void)state;
    const interval good[] = {at(0, 0, 9, 0)}, turned[] = {at(0, 9, 0, 0)};
    const interval classes[] = {at(0, 0, 9, 1000)};
    const int64_t frame = 3;
    mexpr_spotting_metrics m = MEXPR_SPOTTING_METRICS_INIT;
    mexpr_apex_metrics a = MEXPR_APEX_METRICS_INIT;
    assert_failure(context, mexpr_spotting_compute(context, turned, 1, good, 1, 0, 0, &m),
        MEXPR_E_RANGE, "true interval 0 goes from frame 9 to 0");
    assert_failure(context,
        mexpr_spotting_compute(context, good, 1, classes, 1, 0, 0, &m), MEXPR_E_RANGE,
        "spotted interval 0 is of class 1000");
    assert_failure(context, mexpr_spotting_compute(context, good, 1, good, 1, 1.5, 0, &m),
        MEXPR_E_RANGE, "iou");
    assert_failure(context, mexpr_spotting_compute(context, good, 1, good, 1, 0, 3, &m),
        MEXPR_E_RANGE, "mode");
    assert_failure(context, mexpr_apex_compute(context, good, &frame, 1, &a),
        MEXPR_E_RANGE, "the apex of true interval 0 is not in it");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_to_one),
        cmocka_unit_test(two_in_one),
        cmocka_unit_test(better_overlap),
        cmocka_unit_test(persons_without_spots),
        cmocka_unit_test(nothing),
        cmocka_unit_test(authors_example),
        cmocka_unit_test(analysis),
        cmocka_unit_test(one_class),
        cmocka_unit_test(apexes_of_pairs),
        cmocka_unit_test(ties),
        cmocka_unit_test(apexes_alone),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests_name("spotting_metrics", tests, setup, teardown);
}
