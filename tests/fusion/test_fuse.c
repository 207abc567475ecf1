/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "base/rng.h"
#include "microexpr/fusion.h"
#include "support.h"

enum { N_ROWS = 200, N_CLASSES = 3 };

TEST_CONTEXT

/* Scores are logarithms of probabilities here, up to a constant. */
static void rules_by_hand(void **state)
{
    (void)state;
    const float a[3] = {logf(0.2f), logf(0.3f), logf(0.5f)};
    const float b[3] = {9 + logf(0.6f), 9 + logf(0.3f), 9 + logf(0.1f)};
    const float *const scores[2] = {a, b};
    static const double weights[2] = {3, 1};
    static const double want[][3] = {
        {0.4, 0.3, 0.3},
        {0.3, 0.3, 0.4},
        {0.12 / 0.26, 0.09 / 0.26, 0.05 / 0.26}, /* by the square root below */
        {0.6 / 1.4, 0.3 / 1.4, 0.5 / 1.4},
    };
    float fused[3];
    assert_ok(context,
        mexpr_fuse_scores(context, scores, 2, 1, 3, MEXPR_FUSION_MEAN, NULL, fused));
    for (int k = 0; k < 3; k++)
        assert_float_equal(fused[k], want[0][k], 1e-6);
    assert_ok(context,
        mexpr_fuse_scores(context, scores, 2, 1, 3, MEXPR_FUSION_MEAN, weights, fused));
    for (int k = 0; k < 3; k++)
        assert_float_equal(fused[k], want[1][k], 1e-6);
    assert_ok(context,
        mexpr_fuse_scores(context, scores, 2, 1, 3, MEXPR_FUSION_PRODUCT, NULL, fused));
    const double sum = sqrt(0.12) + sqrt(0.09) + sqrt(0.05);
    for (int k = 0; k < 3; k++)
        assert_float_equal(fused[k], sqrt(want[2][k] * 0.26) / sum, 1e-6);
    assert_ok(context,
        mexpr_fuse_scores(context, scores, 2, 1, 3, MEXPR_FUSION_MAX, NULL, fused));
    for (int k = 0; k < 3; k++)
        assert_float_equal(fused[k], want[3][k], 1e-6);
}

static void extreme_scores(void **state)
{
    (void)state;
    const float a[3] = {3e38f, -3e38f, 0}, b[3] = {-3e38f, 3e38f, 0};
    const float *const scores[2] = {a, b};
    for (int32_t rule = MEXPR_FUSION_MEAN; rule <= MEXPR_FUSION_MAX; rule++) {
        float fused[3];
        assert_ok(
            context, mexpr_fuse_scores(context, scores, 2, 1, 3, rule, NULL, fused));
        for (int k = 0; k < 3; k++)
            assert_true(fused[k] >= 0 && fused[k] <= 1);
        assert_true(fused[0] == fused[1]);
    }
}

/* --- learning ---------------------------------------------------------------------- */

static float noisy[2][N_ROWS * N_CLASSES];
static int32_t labels[N_ROWS];

/* Two systems that are right in different shares of unequal classes. */
static void make_scores(void)
{
    mx_rng rng;
    mx_rng_seed(&rng, 3, 0);
    for (int i = 0; i < N_ROWS; i++) {
        labels[i] = i % 5 == 0 ? 2 : i % 3 == 0;
        for (int s = 0; s < 2; s++)
            for (int k = 0; k < N_CLASSES; k++)
                noisy[s][i * N_CLASSES + k] =
                    (float)(mx_rng_normal(&rng) + (k == labels[i]) * (s ? 1.2 : 0.8));
    }
}

/* Mean over classes of the mean logarithm of the label's probability. */
static double likelihood(const double *weights)
{
    const float *const scores[2] = {noisy[0], noisy[1]};
    static float fused[N_ROWS * N_CLASSES];
    double sums[N_CLASSES] = {0};
    int n_of[N_CLASSES] = {0};
    assert_ok(context, mexpr_fuse_scores(context, scores, 2, N_ROWS, N_CLASSES,
                           MEXPR_FUSION_MEAN, weights, fused));
    for (int i = 0; i < N_ROWS; i++) {
        sums[labels[i]] += log((double)fused[i * N_CLASSES + labels[i]]);
        n_of[labels[i]]++;
    }
    return sums[0] / n_of[0] + sums[1] / n_of[1] + sums[2] / n_of[2];
}

static void learned_weights_are_the_best(void **state)
{
    (void)state;
    const float *const scores[2] = {noisy[0], noisy[1]};
    double weights[2];
    make_scores();
    assert_ok(context,
        mexpr_fuse_learn(context, scores, 2, N_ROWS, N_CLASSES, labels, weights));
    assert_float_equal(weights[0] + weights[1], 1, 1e-12);
    assert_true(weights[0] > 0.05 && weights[1] > weights[0]);
    const double best = likelihood(weights);
    for (int k = 0; k <= 20; k++) {
        const double other[2] = {k / 20.0, 1 - k / 20.0};
        assert_true(likelihood(other) <= best + 1e-6);
    }
}

static void useless_system_gets_nothing(void **state)
{
    (void)state;
    static float flat[N_ROWS * N_CLASSES];
    const float *const scores[2] = {noisy[1], flat};
    double weights[2];
    make_scores();
    for (int i = 0; i < N_ROWS; i++)
        noisy[1][i * N_CLASSES + labels[i]] = 20;
    assert_ok(context,
        mexpr_fuse_learn(context, scores, 2, N_ROWS, N_CLASSES, labels, weights));
    assert_true(weights[1] < 1e-6);
}

/* --- bad input --------------------------------------------------------------------- */

static void refusals(void **state)
{
    (void)state;
    float a[3] = {1, 2, 3}, fused[3];
    const float *scores[2] = {a, a};
    double weights[2] = {0, 0};
    static const int32_t wrong[1] = {3};
    assert_failure(context,
        mexpr_fuse_scores(context, scores, 2, 1, 3, MEXPR_FUSION_MEAN, weights, fused),
        MEXPR_E_RANGE, "add up to 0");
    weights[1] = -1;
    assert_failure(context,
        mexpr_fuse_scores(context, scores, 2, 1, 3, MEXPR_FUSION_MEAN, weights, fused),
        MEXPR_E_RANGE, "weight 1 is -1");
    assert_failure(context, mexpr_fuse_scores(context, scores, 2, 1, 3, 4, NULL, fused),
        MEXPR_E_RANGE, "no fusion rule 4");
    assert_failure(context, mexpr_fuse_learn(context, scores, 2, 1, 3, wrong, weights),
        MEXPR_E_RANGE, "label 3 of row 0");
    a[1] = NAN;
    assert_failure(context,
        mexpr_fuse_scores(context, scores, 2, 1, 3, MEXPR_FUSION_MEAN, NULL, fused),
        MEXPR_E_RANGE, "system 0 has a score that is not finite in row 0");
    scores[0] = NULL;
    assert_failure(context,
        mexpr_fuse_scores(context, scores, 2, 1, 3, MEXPR_FUSION_MEAN, NULL, fused),
        MEXPR_E_ARG, "system 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_by_hand),
        cmocka_unit_test(extreme_scores),
        cmocka_unit_test(learned_weights_are_the_best),
        cmocka_unit_test(useless_system_gets_nothing),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests_name("fuse", tests, setup, teardown);
}
