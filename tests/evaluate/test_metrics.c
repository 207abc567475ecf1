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

static void of_classes(void **state)
{
    (void)state;
    /* Class 0: 4 clips, 5 taken, 3 hit; class 1: 3, 2, 1; classes 2 and 3: nothing. */
    static const int64_t confusion[] = {3, 1, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    static const int64_t support[] = {4, 3, 0, 0}, taken[] = {5, 2, 0, 0};
    static const double f1[] = {6.0 / 9, 2.0 / 5, 0, 0};
    for (int32_t k = 0; k < 4; k++) {
        mexpr_class_metrics m = MEXPR_CLASS_METRICS_INIT;
        assert_ok(context, mexpr_metrics_class(context, confusion, 4, k, &m));
        assert_int_equal(m.support, support[k]);
        assert_int_equal(m.taken, taken[k]);
        assert_int_equal(m.hits, confusion[5 * k]);
        assert_float_equal(m.f1, f1[k], 1e-12);
        assert_float_equal(m.precision, taken[k] ? (double)m.hits / taken[k] : 0, 1e-12);
        assert_float_equal(m.recall, support[k] ? (double)m.hits / support[k] : 0, 1e-12);
    }
}

/* What scikit-learn says of the same: f1_score(L, P, labels=range(4), average=…),
 * recall_score(L, P, labels=range(3), average="macro") for the three that have clips, and
 * precision_recall_fscore_support(L, P, labels=range(4), zero_division=0), with
 * L = [i * i % 7 % 4 for i in range(50)], P = [(3 * i + i // 5) % 4 for i in range(50)].
 * Class 3 has no clip but is predicted. tests/python compares more of them. */
static void as_scikit_learn(void **state)
{
    (void)state;
    int32_t labels[50], predicted[50];
    int64_t confusion[16];
    mexpr_metrics m = MEXPR_METRICS_INIT;
    mexpr_class_metrics k = MEXPR_CLASS_METRICS_INIT;
    for (int32_t i = 0; i < 50; i++) {
        labels[i] = i * i % 7 % 4;
        predicted[i] = (3 * i + i / 5) % 4;
    }
    assert_ok(
        context, mexpr_metrics_compute(context, labels, predicted, 50, 4, confusion, &m));
    assert_float_equal(m.uf1, 0.24404761904761904, 1e-12);
    assert_float_equal(m.weighted_f1, 0.3495238095238095, 1e-12);
    assert_float_equal(m.uar, 0.29437229437229434, 1e-12);
    assert_ok(context, mexpr_metrics_class(context, confusion, 4, 1, &k));
    assert_float_equal(k.precision, 0.4, 1e-12);
    assert_float_equal(k.recall, 0.2857142857142857, 1e-12);
    assert_float_equal(k.f1, 0.3333333333333333, 1e-12);
}

/* --- action units ------------------------------------------------------------------ */

static void units(void **state)
{
    (void)state;
    /* Unit 0: TP 1, FP 1, FN 1, TN 1; unit 1: there nowhere, found once; unit 2: neither;
     * unit 3: TP 2, one mark not known. */
    static const int8_t truth[] = {1, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0, -1, 0, 0, 0, 0};
    static const float scores[] = {
        .9f, .1f, 0, .5f, .7f, .8f, 0, .6f, .2f, 0, 0, .9f, .1f, .2f, .3f, .4f};
    static const mexpr_unit_counts want[] = {
        {1, 1, 1, 1}, {0, 1, 0, 3}, {0, 0, 0, 4}, {2, 0, 0, 1}};
    mexpr_unit_metrics m = MEXPR_UNIT_METRICS_INIT;
    mexpr_unit_counts counts[4];
    double f1[4];
    assert_ok(
        context, mexpr_units_compute(context, truth, scores, 4, 4, 0.5, f1, counts, &m));
    assert_memory_equal(counts, want, sizeof want);
    assert_true(f1[0] == 0.5 && f1[1] == 0 && f1[2] == 0 && f1[3] == 1);
    assert_int_equal(m.n, 4);
    assert_int_equal(m.n_absent, 2);
    assert_float_equal(m.mean_f1, 1.5 / 3, 1e-12);
    assert_float_equal(m.mean_f1_all, 1.5 / 4, 1e-12);
    assert_float_equal(m.micro_f1, 6.0 / (6 + 2 + 1), 1e-12);
    assert_float_equal(m.accuracy, 12.0 / 15, 1e-12);
    assert_float_equal(m.exact, 2.0 / 4, 1e-12);
    assert_ok(context, mexpr_units_compute(context, NULL, NULL, 0, 4, 0, f1, NULL, &m));
    assert_true(m.n_absent == 4 && m.mean_f1 == 0 && f1[3] == 0);
    assert_true(isnan(m.accuracy) && isnan(m.exact));
    /* A clip of which nothing is known is not a right one. */
    static const int8_t unknown[] = {-1, -1, 1, -1};
    assert_ok(context,
        mexpr_units_compute(context, unknown, scores, 1, 2, 0.5, NULL, NULL, &m));
    assert_true(isnan(m.accuracy) && isnan(m.exact));
    assert_ok(context,
        mexpr_units_compute(context, unknown, scores, 2, 2, 0.5, NULL, NULL, &m));
    assert_true(m.accuracy == 0 && m.exact == 0);
}

static void unit_refusals(void **state)
{
    (void)state;
    static const int8_t bad[] = {1, 2}, good[] = {1, 0};
    static const float scores[] = {1, 0}, infinite[] = {1, INFINITY};
    mexpr_unit_metrics m = MEXPR_UNIT_METRICS_INIT;
    assert_failure(context,
        mexpr_units_compute(context, bad, scores, 1, 2, 0.5, NULL, NULL, &m),
        MEXPR_E_RANGE, "unit 1 of clip 0 is marked 2");
    assert_failure(context,
        mexpr_units_compute(context, good, infinite, 1, 2, 0.5, NULL, NULL, &m),
        MEXPR_E_RANGE, "the score of unit 1 of clip 0 is not finite");
    assert_failure(context,
        mexpr_units_compute(context, good, scores, 1, 2, (double)NAN, NULL, NULL, &m),
        MEXPR_E_RANGE, "threshold");
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

/* Numbers may have gaps: who has no clip is not drawn. */
static void gaps_between_persons(void **state)
{
    (void)state;
    static const int32_t labels[] = {0, 0, 1, 1, 0, 1}, predicted[] = {0, 1, 1, 1, 0, 0};
    static const int32_t close[] = {0, 0, 1, 1, 2, 2}, apart[] = {1, 1, 3, 3, 5, 5};
    mexpr_metrics low = MEXPR_METRICS_INIT, high = MEXPR_METRICS_INIT;
    mexpr_metrics low2 = MEXPR_METRICS_INIT, high2 = MEXPR_METRICS_INIT;
    mexpr_comparison a = MEXPR_COMPARISON_INIT, b = MEXPR_COMPARISON_INIT;
    assert_ok(context, mexpr_metrics_interval(context, labels, predicted, close, 6, 2, 0,
                           500, 1, &low, &high));
    assert_ok(context, mexpr_metrics_interval(context, labels, predicted, apart, 6, 2, 0,
                           500, 1, &low2, &high2));
    assert_memory_equal(&low, &low2, sizeof low);
    assert_memory_equal(&high, &high2, sizeof high);
    assert_ok(context, mexpr_metrics_compare(context, labels, predicted, labels, close, 6,
                           2, 0, 500, 1, &a));
    assert_ok(context, mexpr_metrics_compare(context, labels, predicted, labels, apart, 6,
                           2, 0, 500, 1, &b));
    assert_memory_equal(&a, &b, sizeof a);
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

/* Of persons who are all alike under both systems the difference has no spread; where one
 * system has a person more right than the other, it has. */
static void comparison(void **state)
{
    (void)state;
    static int32_t labels[N], a[N], b[N], persons[N];
    mexpr_comparison c = MEXPR_COMPARISON_INIT, back = MEXPR_COMPARISON_INIT;
    double p;
    for (int i = 0; i < N; i++) {
        persons[i] = i / N_EACH;
        labels[i] = i % 2;
        a[i] = persons[i] % 10 < 7 ? labels[i] : 1 - labels[i];
        b[i] = persons[i] % 10 < 6 ? labels[i] : 1 - labels[i];
    }
    assert_ok(context,
        mexpr_metrics_compare(context, labels, a, b, persons, N, 2, 0, 0, 1, &c));
    assert_ok(context, mexpr_mcnemar(context, labels, a, b, N, &p));
    assert_true(c.p == p && c.n == N && c.only_a == N / 10 && c.only_b == 0);
    assert_float_equal(c.uf1, 0.1, 1e-3);
    assert_float_equal(c.uar, 0.1, 1e-12);
    /* A tenth of 200 persons: deviation sqrt(.1 * .9 / 200), far below that of either. */
    const double deviation = sqrt(0.1 * 0.9 / N_PERSONS);
    assert_true(fabs(c.uar_low - (0.1 - 1.96 * deviation)) < 0.005);
    assert_true(fabs(c.uar_high - (0.1 + 1.96 * deviation)) < 0.005);
    assert_true(c.uf1_above == 1 && c.uar_above == 1);
    assert_ok(context,
        mexpr_metrics_compare(context, labels, b, a, persons, N, 2, 0, 0, 1, &back));
    assert_float_equal(back.uf1_low, -c.uf1_high, 1e-12);
    assert_true(back.only_b == c.only_a && back.p == c.p && back.uf1_above == 0);
    assert_ok(context,
        mexpr_metrics_compare(context, labels, a, a, persons, N, 2, 0, 100, 1, &c));
    assert_true(c.p == 1 && c.uf1 == 0 && c.uf1_low == 0 && c.uf1_high == 0);
    assert_true(c.uf1_above == 0.5);
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
    static const int64_t negative[] = {1, -1, 0, 0};
    static const int64_t many[] = {0, INT64_MAX / 2, 1, 0};
    mexpr_class_metrics k = MEXPR_CLASS_METRICS_INIT;
    assert_failure(context, mexpr_metrics_class(context, negative, 2, 1, &k),
        MEXPR_E_RANGE, "-1 clips of class 0 taken for class 1");
    assert_failure(context, mexpr_metrics_class(context, many, 2, 1, &k), MEXPR_E_RANGE,
        "1 clips of class 1 taken for class 0");
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
        cmocka_unit_test(of_classes),
        cmocka_unit_test(as_scikit_learn),
        cmocka_unit_test(units),
        cmocka_unit_test(unit_refusals),
        cmocka_unit_test(comparison),
        cmocka_unit_test(persons_are_drawn),
        cmocka_unit_test(gaps_between_persons),
        cmocka_unit_test(mcnemar),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests_name("metrics", tests, setup, teardown);
}
