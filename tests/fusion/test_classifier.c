/* SPDX-License-Identifier: MIT */
/* Classifiers against what their definitions ask for: margins by hand, optimality
 * conditions of every row, the ridge system's residual; and as networks. */
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "fusion/classifier.h"
#include "fusion/solver.h"
#include "support.h"

enum { N_ROWS = 90, N_FEATURES = 5, MAX_CLASSES = 4 };

TEST_CONTEXT
static float rows[N_ROWS * N_FEATURES];
static int32_t labels[N_ROWS];

/* Overlapping clouds of unequal size: class k has its centre at k along every feature,
 * far from 0. */
static void make_rows(int32_t n_classes)
{
    mx_rng rng;
    mx_rng_seed(&rng, 5, 0);
    for (int i = 0; i < N_ROWS; i++) {
        const uint32_t draw = mx_rng_below(&rng, (uint32_t)n_classes + 2);
        labels[i] = draw >= (uint32_t)n_classes ? 0 : (int32_t)draw;
        for (int k = 0; k < N_FEATURES; k++)
            rows[i * N_FEATURES + k] = (float)(3 + labels[i] + 0.9 * mx_rng_normal(&rng));
    }
}

static mexpr_classifier *fit_rows(int32_t n_classes, mexpr_classifier_options o)
{
    mexpr_classifier *c;
    make_rows(n_classes);
    assert_ok(context, mexpr_classifier_fit(context, rows, labels, N_ROWS, N_FEATURES,
                           n_classes, &o, NULL, NULL, &c));
    return c;
}

/* --- machines ---------------------------------------------------------------------- */

static void margin_by_hand(void **state)
{
    (void)state;
    /* The widest margin between (1, 5), (0, 6) and (3, 5), (4, 4): x = 2, d = 2 - x. */
    static const float points[] = {1, 5, 0, 6, 3, 5, 4, 4};
    static const int32_t sides[] = {0, 0, 1, 1};
    static const float probes[] = {2, 0, 0, 9, 5, 5};
    float scores[6];
    mexpr_classifier *c;
    mexpr_classifier_options o = MEXPR_CLASSIFIER_OPTIONS_INIT;
    o.kernel = MEXPR_KERNEL_LINEAR;
    o.cost = 1e6;
    o.tolerance = 1e-7;
    assert_ok(context,
        mexpr_classifier_fit(context, points, sides, 4, 2, 2, &o, NULL, NULL, &c));
    assert_int_equal(mexpr_classifier_n_vectors(c), 2);
    assert_int_equal(mexpr_classifier_n_classes(c), 2);
    assert_int_equal(mexpr_classifier_n_features(c), 2);
    assert_int_equal(mexpr_classifier_scores(c, probes, 3, scores), MEXPR_OK);
    for (int i = 0; i < 3; i++) {
        assert_float_equal(scores[2 * i], 2 - probes[2 * i], 1e-5);
        assert_true(scores[2 * i + 1] == -scores[2 * i]);
    }
    mexpr_classifier_destroy(&c);
    assert_null(c);
}

/* Decision of pair (0, 1) from the kept vectors alone. */
static double decision(const mexpr_classifier *c, const float *row)
{
    double sum = c->bias[0];
    for (int64_t i = 0; i < c->n_vectors; i++) {
        double d = 0;
        for (int k = 0; k < N_FEATURES; k++)
            d += pow((double)row[k] - (double)c->centre[k] -
                         (double)c->vectors[i * N_FEATURES + k],
                2);
        sum += c->coefficients[i] * exp(-c->kernel.gamma * d);
    }
    return sum;
}

/* Coefficient of a training row, 0 when it was not kept. */
static double coefficient(const mexpr_classifier *c, const float *row)
{
    for (int64_t i = 0; i < c->n_vectors; i++) {
        bool same = true;
        for (int k = 0; k < N_FEATURES; k++)
            same &= row[k] - c->centre[k] == c->vectors[i * N_FEATURES + k];
        if (same)
            return c->coefficients[i];
    }
    return 0;
}

/* Karush, Kuhn, Tucker: coefficients within their bounds that sum to 0; rows between the
 * bounds lie on the margin, those at 0 outside, those at the bound inside of it. */
static void optimality(void **state)
{
    (void)state;
    mexpr_classifier_options o = MEXPR_CLASSIFIER_OPTIONS_INIT;
    o.cost = 2;
    o.tolerance = 1e-6;
    mexpr_classifier *c = fit_rows(2, o);
    int n_of[2] = {0}, n_free = 0, n_bound = 0, n_zero = 0;
    double sum = 0;
    for (int i = 0; i < N_ROWS; i++)
        n_of[labels[i]]++;
    for (int i = 0; i < N_ROWS; i++) {
        const float *row = rows + i * N_FEATURES;
        const double sign = labels[i] == 0 ? 1 : -1, b = coefficient(c, row);
        const double bound = 2.0 * N_ROWS / (2.0 * n_of[labels[i]]);
        const double side = sign * decision(c, row) - 1;
        sum += b;
        assert_true(sign * b >= 0 && sign * b <= bound);
        if (b == 0) {
            assert_true(side > -2e-5);
            n_zero++;
        } else if (sign * b < bound) {
            assert_true(fabs(side) < 2e-5);
            n_free++;
        } else {
            assert_true(side < 2e-5);
            n_bound++;
        }
    }
    assert_true(fabs(sum) < 1e-9);
    assert_true(n_free > 0 && n_bound > 0 && n_zero > 0);
    mexpr_classifier_destroy(&c);
}

/* --- ridge ------------------------------------------------------------------------- */

/* (K + ridge / w) α = indicator - bias, so the fit of training row i misses its indicator
 * by ridge α_i / w. */
static void ridge_residual(void **state)
{
    (void)state;
    mexpr_classifier_options o = MEXPR_CLASSIFIER_OPTIONS_INIT;
    o.method = MEXPR_CLASSIFIER_RIDGE;
    o.ridge = 0.2;
    for (int32_t kernel = MEXPR_KERNEL_LINEAR; kernel <= MEXPR_KERNEL_LAPLACE; kernel++) {
        o.kernel = kernel;
        mexpr_classifier *c = fit_rows(3, o);
        float scores[3 * N_ROWS];
        int64_t at[3] = {0};
        assert_int_equal(mexpr_classifier_n_vectors(c), N_ROWS);
        assert_int_equal(mexpr_classifier_scores(c, rows, N_ROWS, scores), MEXPR_OK);
        at[1] = c->per_class[0];
        at[2] = at[1] + c->per_class[1];
        for (int i = 0; i < N_ROWS; i++) {
            const double weight = N_ROWS / (3.0 * (double)c->per_class[labels[i]]);
            for (int k = 0; k < 3; k++)
                assert_float_equal(scores[3 * i + k],
                    (labels[i] == k) -
                        0.2 * c->coefficients[k * N_ROWS + at[labels[i]]] / weight,
                    5e-4); /* products of 80 in float32, coefficients of 5 */
            at[labels[i]]++;
        }
        mexpr_classifier_destroy(&c);
    }
}

/* --- gamma ------------------------------------------------------------------------- */

static void gamma_units(void **state)
{
    (void)state;
    mexpr_classifier_options o = MEXPR_CLASSIFIER_OPTIONS_INIT;
    double norm[2] = {0}, distance[2] = {0};
    make_rows(2);
    for (int i = 0; i < N_ROWS; i++)
        for (int k = 0; k < N_FEATURES; k++) {
            const double x = (double)rows[i * N_FEATURES + k];
            norm[0] += x * x / N_ROWS;
            norm[1] += fabs(x) / N_ROWS;
            for (int j = 0; j < N_ROWS; j++) {
                const double d = x - (double)rows[j * N_FEATURES + k];
                distance[0] += d * d / (N_ROWS * (N_ROWS - 1));
                distance[1] += fabs(d) / (N_ROWS * (N_ROWS - 1));
            }
        }
    o.gamma = 0.7;
    for (int laplace = 0; laplace < 2; laplace++)
        for (int32_t unit = MEXPR_GAMMA_NORM; unit <= MEXPR_GAMMA_ABSOLUTE; unit++) {
            const double want[] = {0.7 / norm[laplace], 0.7 / distance[laplace], 0.7};
            o.kernel = laplace ? MEXPR_KERNEL_LAPLACE : MEXPR_KERNEL_RBF;
            o.gamma_unit = unit;
            mexpr_classifier *c = fit_rows(2, o);
            assert_true(fabs(c->kernel.gamma / want[unit - 1] - 1) < 1e-5);
            mexpr_classifier_destroy(&c);
        }
}

/* --- as a network ------------------------------------------------------------------ */

static void run_model(mexpr_model *model, float *scores, int32_t n_classes)
{
    mexpr_session *session;
    mexpr_tensor_view in = MEXPR_TENSOR_VIEW_INIT, out = MEXPR_TENSOR_VIEW_INIT;
    in.dtype = MEXPR_DTYPE_F32;
    in.rank = 2;
    in.dims[0] = N_ROWS;
    in.dims[1] = N_FEATURES;
    in.data = rows;
    assert_int_equal(mexpr_session_create(model, &session), MEXPR_OK);
    assert_int_equal(mexpr_session_set_input(session, "features", &in), MEXPR_OK);
    assert_int_equal(mexpr_session_run(session), MEXPR_OK);
    assert_int_equal(mexpr_session_output(session, "scores", &out), MEXPR_OK);
    assert_int_equal(out.rank, 2);
    assert_int_equal(out.dims[1], n_classes);
    memcpy(scores, out.data, sizeof(float) * (size_t)(N_ROWS * n_classes));
    mexpr_session_destroy(&session);
}

static void as_network(void **state)
{
    (void)state;
    mexpr_classifier_options o = MEXPR_CLASSIFIER_OPTIONS_INIT;
    static float own[N_ROWS * MAX_CLASSES], net[N_ROWS * MAX_CLASSES];
    for (o.method = MEXPR_CLASSIFIER_SVM; o.method <= MEXPR_CLASSIFIER_RIDGE; o.method++)
        for (o.kernel = MEXPR_KERNEL_LINEAR; o.kernel <= MEXPR_KERNEL_LAPLACE; o.kernel++)
            for (int32_t n_classes = 2; n_classes <= MAX_CLASSES; n_classes++) {
                mexpr_classifier *c = fit_rows(n_classes, o);
                mexpr_model *model;
                assert_int_equal(mexpr_classifier_scores(c, rows, N_ROWS, own), MEXPR_OK);
                assert_int_equal(mexpr_classifier_model(c, &model), MEXPR_OK);
                run_model(model, net, n_classes);
                for (int i = 0; i < N_ROWS * n_classes; i++)
                    assert_float_equal(own[i], net[i], 5e-4);
                mexpr_model_destroy(&model);
                mexpr_classifier_destroy(&c);
            }
}

/* --- bad input --------------------------------------------------------------------- */

#define FIT(rows, labels, n, n_features, n_classes, o)                                   \
    mexpr_classifier_fit(                                                                \
        context, rows, labels, n, n_features, n_classes, o, NULL, NULL, &c)

static void refusals(void **state)
{
    (void)state;
    mexpr_classifier *c;
    make_rows(2);
    assert_failure(context, FIT(rows, labels, N_ROWS, N_FEATURES, 3, NULL), MEXPR_E_RANGE,
        "class 2 has no rows");
    assert_failure(context, FIT(rows, labels, N_ROWS, N_FEATURES, 1, NULL), MEXPR_E_RANGE,
        "1 classes");
    assert_failure(
        context, FIT(rows, labels, 0, N_FEATURES, 2, NULL), MEXPR_E_ARG, "no rows");
    assert_failure(context, FIT(rows, labels, INT64_C(1) << 30, N_FEATURES, 2, NULL),
        MEXPR_E_LIMIT, "max_tensor_bytes");
    labels[7] = 2;
    assert_failure(context, FIT(rows, labels, N_ROWS, N_FEATURES, 2, NULL), MEXPR_E_RANGE,
        "label 2 of row 7");
    labels[7] = 0;
    rows[3 * N_FEATURES + 1] = NAN;
    assert_failure(context, FIT(rows, labels, N_ROWS, N_FEATURES, 2, NULL), MEXPR_E_RANGE,
        "feature 1 of row 3");
    assert_null(c);
    c = fit_rows(2, (mexpr_classifier_options)MEXPR_CLASSIFIER_OPTIONS_INIT);
    rows[0] = INFINITY;
    float scores[2];
    assert_int_equal(mexpr_classifier_scores(c, rows, 1, scores), MEXPR_E_RANGE);
    assert_non_null(strstr(mexpr_classifier_last_error(c), "feature 0 of row 0"));
    mexpr_classifier_destroy(&c);
}

/* Finite numbers whose products are not. */
static void huge_rows(void **state)
{
    (void)state;
    static const float huge[4] = {1e30f, -2e30f, 3e30f, -1e30f}, small[4] = {0, 1, 2, 3};
    static const int32_t classes[4] = {0, 1, 0, 1};
    const float probe = 3e38f;
    float scores[2];
    mexpr_classifier *c;
    mexpr_classifier_options o = MEXPR_CLASSIFIER_OPTIONS_INIT;
    assert_failure(context, FIT(huge, classes, 4, 1, 2, &o), MEXPR_E_RANGE, "scale them");
    o.method = MEXPR_CLASSIFIER_RIDGE;
    assert_failure(context, FIT(huge, classes, 4, 1, 2, &o), MEXPR_E_RANGE, "scale them");
    o.kernel = MEXPR_KERNEL_LINEAR;
    assert_ok(context, FIT(small, classes, 4, 1, 2, &o));
    assert_int_equal(mexpr_classifier_scores(c, &probe, 1, scores), MEXPR_E_RANGE);
    assert_non_null(strstr(mexpr_classifier_last_error(c), "row 0 are too large"));
    mexpr_classifier_destroy(&c);
}

static void too_few_steps(void **state)
{
    (void)state;
    static const float kernel[] = {2, 1, 0, 1, 2, 1, 0, 1, 2};
    static const int64_t index[] = {0, 1, 2};
    static const double sign[] = {1, -1, 1}, bound[] = {9, 9, 9};
    const mx_progress nobody = {0};
    double coefficients[3], bias, work[3];
    mx_svm svm = {kernel, 3, 3, index, sign, bound, 1e-6, 1};
    assert_failure(context,
        mx_svm_solve(mx_context_scope(context), &svm, &nobody, coefficients, &bias, work),
        MEXPR_E_RANGE, "after 1 steps");
    svm.most_steps = 1000;
    assert_ok(context, mx_svm_solve(mx_context_scope(context), &svm, &nobody,
                           coefficients, &bias, work));
}

static void equal_rows(void **state)
{
    (void)state;
    static const float same[4] = {1, 1, 1, 1};
    static const int32_t classes[4] = {0, 1, 0, 1};
    mexpr_classifier_options o = MEXPR_CLASSIFIER_OPTIONS_INIT;
    for (o.method = MEXPR_CLASSIFIER_SVM; o.method <= MEXPR_CLASSIFIER_RIDGE; o.method++)
        for (o.gamma_unit = MEXPR_GAMMA_NORM; o.gamma_unit <= MEXPR_GAMMA_ABSOLUTE;
             o.gamma_unit++) {
            mexpr_classifier *c;
            float scores[2];
            assert_ok(context, FIT(same, classes, 4, 1, 2, &o));
            assert_int_equal(mexpr_classifier_scores(c, same, 1, scores), MEXPR_OK);
            assert_float_equal(scores[0], scores[1], 1e-6);
            mexpr_classifier_destroy(&c);
        }
}

static int32_t stop(void *user, uint64_t done, uint64_t total)
{
    (void)done;
    (void)total;
    return --*(int *)user < 0;
}

static void cancelling(void **state)
{
    (void)state;
    mexpr_classifier_options o = MEXPR_CLASSIFIER_OPTIONS_INIT;
    make_rows(3);
    for (o.method = MEXPR_CLASSIFIER_SVM; o.method <= MEXPR_CLASSIFIER_RIDGE;
         o.method++) {
        int calls = 0;
        mexpr_status status = MEXPR_E_CANCELLED;
        for (int n = 0; status == MEXPR_E_CANCELLED && n < 100; n++) {
            mexpr_classifier *c;
            calls = n;
            status = mexpr_classifier_fit(
                context, rows, labels, N_ROWS, N_FEATURES, 3, &o, stop, &calls, &c);
            assert_true((c != NULL) == (status == MEXPR_OK));
            mexpr_classifier_destroy(&c);
        }
        assert_int_equal(status, MEXPR_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(margin_by_hand),
        cmocka_unit_test(optimality),
        cmocka_unit_test(ridge_residual),
        cmocka_unit_test(gamma_units),
        cmocka_unit_test(as_network),
        cmocka_unit_test(refusals),
        cmocka_unit_test(huge_rows),
        cmocka_unit_test(too_few_steps),
        cmocka_unit_test(equal_rows),
        cmocka_unit_test(cancelling),
    };
    return cmocka_run_group_tests_name("classifier", tests, setup, teardown);
}
