/* SPDX-License-Identifier: MIT */
/* Measures by hand. */
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "microexpr/evaluate.h"
#include "support.h"

TEST_CONTEXT

static void by_hand(void **state)
{
    (void)state;
    /* Class 0: 4 clips, 3 hit, 1 more taken for it; class 1: 2, 1 hit, 1 more; class 2:
     * 1, none hit, none more. */
    static const int32_t labels[] = {0, 0, 0, 0, 1, 1, 2};
    static const int32_t predicted[] = {0, 0, 0, 1, 1, 0, 1};
    static const int64_t want[] = {3, 1, 0, 1, 1, 0, 0, 1, 0};
    const double f1[] = {6.0 / 8, 2.0 / 5, 0};
    mexpr_metrics m = MEXPR_METRICS_INIT;
    int64_t confusion[9];
    assert_ok(
        context, mexpr_metrics_compute(context, labels, predicted, 7, 3, confusion, &m));
    assert_memory_equal(confusion, want, sizeof want);
    assert_int_equal(m.n, 7);
    assert_int_equal(m.n_classes, 3);
    assert_int_equal(m.n_absent, 0);
    assert_float_equal(m.accuracy, 4.0 / 7, 1e-12);
    assert_float_equal(m.uf1, (f1[0] + f1[1]) / 3, 1e-12);
    assert_float_equal(m.uar, (0.75 + 0.5) / 3, 1e-12);
    assert_float_equal(m.weighted_f1, (4 * f1[0] + 2 * f1[1]) / 7, 1e-12);
}

/* Class 2 has no clip but is predicted: it lowers UF1 and not UAR. Class 3 is nowhere. */
static void absent_classes(void **state)
{
    (void)state;
    static const int32_t labels[] = {0, 0, 1}, predicted[] = {0, 2, 1};
    mexpr_metrics m = MEXPR_METRICS_INIT;
    assert_ok(context, mexpr_metrics_compute(context, labels, predicted, 3, 4, NULL, &m));
    assert_int_equal(m.n_absent, 2);
    assert_float_equal(m.uf1, (2.0 / 3 + 1 + 0) / 3, 1e-12);
    assert_float_equal(m.uar, (0.5 + 1) / 2, 1e-12);
    assert_ok(context, mexpr_metrics_compute(context, NULL, NULL, 0, 3, NULL, &m));
    assert_int_equal(m.n_absent, 3);
    assert_true(m.uf1 == 0 && m.uar == 0 && m.accuracy == 0);
}

/* --- intervals --------------------------------------------------------------------- */

enum { N_PERSONS = 200, N_EACH = 3, N = N_PERSONS * N_EACH };

/* All clips of a person are right or all are wrong, so accuracy is a mean of 200 coins:
 * its deviation is sqrt(p (1 - p) / 200), not that of 600. */
static void persons_are_drawn(void **state)
{
    (void)state;
    static int32_t labels[N], predicted[N], persons[N];
    mexpr_metrics low = MEXPR_METRICS_INIT, high = MEXPR_METRICS_INIT;
    mexpr_metrics again = MEXPR_METRICS_INIT, top = MEXPR_METRICS_INIT;
    for (int i = 0; i < N; i++) {
        persons[i] = i / N_EACH;
        labels[i] = i % 2;
        predicted[i] = persons[i] % 10 < 7 ? labels[i] : 1 - labels[i];
    }
    const double deviation = sqrt(0.7 * 0.3 / N_PERSONS);
    assert_ok(context, mexpr_metrics_interval(context, labels, predicted, persons, N, 2,
                           0, 0, 1, &low, &high));
    assert_true(fabs(low.accuracy - (0.7 - 1.96 * deviation)) < 0.01);
    assert_true(fabs(high.accuracy - (0.7 + 1.96 * deviation)) < 0.01);
    assert_true(low.uf1 < 0.7 && high.uf1 > 0.7 && low.uar < 0.7 && high.uar > 0.7);
    assert_ok(context, mexpr_metrics_interval(context, labels, predicted, persons, N, 2,
                           0, 0, 1, &again, &top));
    assert_memory_equal(&again, &low, sizeof low);
    assert_ok(context, mexpr_metrics_interval(context, labels, predicted, persons, N, 2,
                           0.5, 500, 1, &again, &top));
    assert_true(again.accuracy > low.accuracy && top.accuracy < high.accuracy);
}

static void mcnemar(void **state)
{
    (void)state;
    /* a alone is right 1 time, b alone 5 times: 2 (C(6,0) + C(6,1)) / 2^6. */
    static const int32_t labels[9] = {0};
    static const int32_t a[] = {0, 1, 1, 1, 1, 1, 0, 0, 1};
    static const int32_t b[] = {1, 0, 0, 0, 0, 0, 0, 0, 1};
    double p;
    assert_ok(context, mexpr_mcnemar(context, labels, a, b, 9, &p));
    assert_float_equal(p, 14.0 / 64, 1e-12);
    assert_ok(context, mexpr_mcnemar(context, labels, a, a, 9, &p));
    assert_true(p == 1);
    assert_ok(context, mexpr_mcnemar(context, NULL, NULL, NULL, 0, &p));
    assert_true(p == 1);
}

static void refusals(void **state)
{
    (void)state;
    static const int32_t labels[] = {0, 3}, predicted[] = {0, -1}, persons[] = {0, 2};
    mexpr_metrics m = MEXPR_METRICS_INIT, h = MEXPR_METRICS_INIT;
    assert_failure(context,
        mexpr_metrics_compute(context, labels, predicted, 2, 3, NULL, &m), MEXPR_E_RANGE,
        "label 3 of clip 1");
    assert_failure(context,
        mexpr_metrics_compute(context, persons, predicted, 2, 3, NULL, &m), MEXPR_E_RANGE,
        "prediction -1 of clip 1");
    assert_failure(context,
        mexpr_metrics_interval(context, persons, persons, persons, 2, 3, 0, 0, 0, &m, &h),
        MEXPR_E_RANGE, "person 2 of clip 1");
    assert_failure(context,
        mexpr_metrics_interval(
            context, persons, persons, labels, 1, 3, 1.5, 0, 0, &m, &h),
        MEXPR_E_RANGE, "confidence 1.5");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_hand),
        cmocka_unit_test(absent_classes),
        cmocka_unit_test(persons_are_drawn),
        cmocka_unit_test(mcnemar),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests_name("metrics", tests, setup, teardown);
}
