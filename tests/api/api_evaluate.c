/* SPDX-License-Identifier: MIT */
#include "api_check.h"

static const int32_t classes[4] = {0, 1, 0, 1};

static void metrics(void **state)
{
    (void)state;
    mexpr_context *c = api_context();
    mexpr_metrics m = MEXPR_METRICS_INIT, h = MEXPR_METRICS_INIT;
    double p;
    REFUSED(mexpr_metrics_compute(NULL, classes, classes, 4, 2, NULL, &m));
    FAILS(c, mexpr_metrics_compute(c, NULL, classes, 4, 2, NULL, &m), MEXPR_E_ARG);
    FAILS(c, mexpr_metrics_compute(c, classes, NULL, 4, 2, NULL, &m), MEXPR_E_ARG);
    FAILS(c, mexpr_metrics_compute(c, classes, classes, 4, 2, NULL, NULL), MEXPR_E_ARG);
    FAILS(c, mexpr_metrics_compute(c, classes, classes, -1, 2, NULL, &m), MEXPR_E_ARG);
    FAILS(c, mexpr_metrics_compute(c, classes, classes, 4, 0, NULL, &m), MEXPR_E_RANGE);
    FAILS(
        c, mexpr_metrics_compute(c, classes, classes, 4, 1001, NULL, &m), MEXPR_E_RANGE);
    REFUSED(
        mexpr_metrics_interval(NULL, classes, classes, classes, 4, 2, 0, 0, 0, &m, &h));
    FAILS(c, mexpr_metrics_interval(c, classes, classes, NULL, 4, 2, 0, 0, 0, &m, &h),
        MEXPR_E_ARG);
    FAILS(c,
        mexpr_metrics_interval(c, classes, classes, classes, 4, 2, 0, 0, 0, NULL, &h),
        MEXPR_E_ARG);
    FAILS(c,
        mexpr_metrics_interval(c, classes, classes, classes, 4, 2, 0, 0, 0, &m, NULL),
        MEXPR_E_ARG);
    FAILS(c, mexpr_metrics_interval(c, classes, classes, classes, 4, 2, 0, 99, 0, &m, &h),
        MEXPR_E_RANGE);
    REFUSED(mexpr_mcnemar(NULL, classes, classes, classes, 4, &p));
    FAILS(c, mexpr_mcnemar(c, classes, classes, classes, 4, NULL), MEXPR_E_ARG);
    FAILS(c, mexpr_mcnemar(c, NULL, classes, classes, 4, &p), MEXPR_E_ARG);
    m.struct_size = 8;
    FAILS(c, mexpr_metrics_compute(c, classes, classes, 4, 2, NULL, &m), MEXPR_E_ABI);
    m.struct_size = sizeof m;
    h.struct_size = 8;
    FAILS(c, mexpr_metrics_interval(c, classes, classes, classes, 4, 2, 0, 0, 0, &m, &h),
        MEXPR_E_ABI);
    mexpr_context_destroy(&c);
}

static void class_metrics(void **state)
{
    (void)state;
    static const int64_t confusion[4] = {1, 2, 3, 4};
    mexpr_context *c = api_context();
    mexpr_class_metrics m = MEXPR_CLASS_METRICS_INIT;
    REFUSED(mexpr_metrics_class(NULL, confusion, 2, 0, &m));
    FAILS(c, mexpr_metrics_class(c, NULL, 2, 0, &m), MEXPR_E_ARG);
    FAILS(c, mexpr_metrics_class(c, confusion, 2, 0, NULL), MEXPR_E_ARG);
    FAILS(c, mexpr_metrics_class(c, confusion, 2, 2, &m), MEXPR_E_RANGE);
    FAILS(c, mexpr_metrics_class(c, confusion, 2, -1, &m), MEXPR_E_RANGE);
    FAILS(c, mexpr_metrics_class(c, confusion, 0, 0, &m), MEXPR_E_RANGE);
    m.struct_size = 8;
    FAILS(c, mexpr_metrics_class(c, confusion, 2, 0, &m), MEXPR_E_ABI);
    mexpr_context_destroy(&c);
}

static void comparison(void **state)
{
    (void)state;
    const int32_t *k = classes;
    mexpr_context *c = api_context();
    mexpr_comparison m = MEXPR_COMPARISON_INIT;
    REFUSED(mexpr_metrics_compare(NULL, k, k, k, k, 4, 2, 0, 0, 0, &m));
    FAILS(c, mexpr_metrics_compare(c, NULL, k, k, k, 4, 2, 0, 0, 0, &m), MEXPR_E_ARG);
    FAILS(c, mexpr_metrics_compare(c, k, NULL, k, k, 4, 2, 0, 0, 0, &m), MEXPR_E_ARG);
    FAILS(c, mexpr_metrics_compare(c, k, k, NULL, k, 4, 2, 0, 0, 0, &m), MEXPR_E_ARG);
    FAILS(c, mexpr_metrics_compare(c, k, k, k, NULL, 4, 2, 0, 0, 0, &m), MEXPR_E_ARG);
    FAILS(c, mexpr_metrics_compare(c, k, k, k, k, 0, 2, 0, 0, 0, &m), MEXPR_E_ARG);
    FAILS(c, mexpr_metrics_compare(c, k, k, k, k, 4, 2, 0, 0, 0, NULL), MEXPR_E_ARG);
    FAILS(c, mexpr_metrics_compare(c, k, k, k, k, 4, 1, 0, 0, 0, &m), MEXPR_E_RANGE);
    FAILS(c, mexpr_metrics_compare(c, k, k, k, k, 4, 2, 2, 0, 0, &m), MEXPR_E_RANGE);
    FAILS(c, mexpr_metrics_compare(c, k, k, k, k, 4, 2, 0, 9, 0, &m), MEXPR_E_RANGE);
    m.struct_size = 8;
    FAILS(c, mexpr_metrics_compare(c, k, k, k, k, 4, 2, 0, 0, 0, &m), MEXPR_E_ABI);
    mexpr_context_destroy(&c);
}

static void units(void **state)
{
    (void)state;
    static const int8_t t[2] = {0, 1};
    static const float s[2] = {0, 1};
    mexpr_context *c = api_context();
    mexpr_unit_metrics m = MEXPR_UNIT_METRICS_INIT;
    REFUSED(mexpr_units_compute(NULL, t, s, 1, 2, 0, NULL, NULL, &m));
    FAILS(c, mexpr_units_compute(c, NULL, s, 1, 2, 0, NULL, NULL, &m), MEXPR_E_ARG);
    FAILS(c, mexpr_units_compute(c, t, NULL, 1, 2, 0, NULL, NULL, &m), MEXPR_E_ARG);
    FAILS(c, mexpr_units_compute(c, t, s, -1, 2, 0, NULL, NULL, &m), MEXPR_E_ARG);
    FAILS(c, mexpr_units_compute(c, t, s, 1, 2, 0, NULL, NULL, NULL), MEXPR_E_ARG);
    FAILS(c, mexpr_units_compute(c, t, s, 1, 0, 0, NULL, NULL, &m), MEXPR_E_RANGE);
    FAILS(c, mexpr_units_compute(c, t, s, 1, 1001, 0, NULL, NULL, &m), MEXPR_E_RANGE);
    m.struct_size = 8;
    FAILS(c, mexpr_units_compute(c, t, s, 1, 2, 0, NULL, NULL, &m), MEXPR_E_ABI);
    mexpr_context_destroy(&c);
}

static void spotting(void **state)
{
    (void)state;
    static const mexpr_spot_interval one[1] = {{0, 3, 9, 0, 0, 0}};
    static const int64_t frame[1] = {3};
    mexpr_context *c = api_context();
    mexpr_spotting_metrics m = MEXPR_SPOTTING_METRICS_INIT;
    mexpr_apex_metrics a = MEXPR_APEX_METRICS_INIT;
    REFUSED(mexpr_spotting_compute(NULL, one, 1, one, 1, 0, 0, &m));
    FAILS(c, mexpr_spotting_compute(c, NULL, 1, one, 1, 0, 0, &m), MEXPR_E_ARG);
    FAILS(c, mexpr_spotting_compute(c, one, 1, NULL, 1, 0, 0, &m), MEXPR_E_ARG);
    FAILS(c, mexpr_spotting_compute(c, one, -1, one, 1, 0, 0, &m), MEXPR_E_ARG);
    FAILS(c, mexpr_spotting_compute(c, one, 1, one, 1, 0, 0, NULL), MEXPR_E_ARG);
    FAILS(c, mexpr_spotting_compute(c, one, 1, one, 1, -1, 0, &m), MEXPR_E_RANGE);
    FAILS(c, mexpr_spotting_compute(c, one, 1, one, 1, 0, -1, &m), MEXPR_E_RANGE);
    m.struct_size = 8;
    FAILS(c, mexpr_spotting_compute(c, one, 1, one, 1, 0, 0, &m), MEXPR_E_ABI);
    REFUSED(mexpr_apex_compute(NULL, one, frame, 1, &a));
    FAILS(c, mexpr_apex_compute(c, NULL, frame, 1, &a), MEXPR_E_ARG);
    FAILS(c, mexpr_apex_compute(c, one, NULL, 1, &a), MEXPR_E_ARG);
    FAILS(c, mexpr_apex_compute(c, one, frame, -1, &a), MEXPR_E_ARG);
    FAILS(c, mexpr_apex_compute(c, one, frame, 1, NULL), MEXPR_E_ARG);
    a.struct_size = 8;
    FAILS(c, mexpr_apex_compute(c, one, frame, 1, &a), MEXPR_E_ABI);
    mexpr_context_destroy(&c);
}

static mexpr_status fit(void *user, mexpr_context *context,
    const mexpr_tensor_view *inputs, const int32_t *labels, int32_t n_classes,
    uint64_t seed, mexpr_model **out)
{
    (void)user;
    (void)context;
    (void)inputs;
    (void)labels;
    (void)n_classes;
    (void)seed;
    *out = NULL;
    return MEXPR_OK;
}

/* A manifest of two people and a value for each of them. */
static const char two_people[] = "clip,subject,label\na,1,0\nb,2,1\n";
static const float two_values[2] = {0, 1};

static mexpr_manifest *people(mexpr_context *c, mexpr_tensor_view *in)
{
    mexpr_manifest *m = NULL;
    in->dtype = MEXPR_DTYPE_F32;
    in->rank = 2;
    in->dims[0] = 2;
    in->dims[1] = 1;
    in->data = two_values;
    assert_int_equal(
        mexpr_manifest_decode(c, two_people, sizeof two_people - 1, NULL, &m), MEXPR_OK);
    return m;
}

static void evaluate(void **state)
{
    (void)state;
    static const size_t wrong[] = {0, 1, sizeof(size_t), 4097, SIZE_MAX};
    mexpr_context *c = api_context();
    mexpr_evaluation *e = NULL;
    mexpr_tensor_view in = MEXPR_TENSOR_VIEW_INIT;
    mexpr_manifest *m = people(c, &in);
    REFUSED(mexpr_evaluate(NULL, m, &in, fit, NULL, NULL, NULL, &e));
    REFUSED(mexpr_evaluate(c, m, &in, fit, NULL, NULL, NULL, NULL));
    MAKES_NOTHING(
        c, e, mexpr_evaluate(c, NULL, &in, fit, NULL, NULL, NULL, &e), MEXPR_E_ARG);
    MAKES_NOTHING(
        c, e, mexpr_evaluate(c, m, NULL, fit, NULL, NULL, NULL, &e), MEXPR_E_ARG);
    MAKES_NOTHING(
        c, e, mexpr_evaluate(c, m, &in, NULL, NULL, NULL, NULL, &e), MEXPR_E_ARG);
    /* A fit() that makes nothing and says it is fine. */
    MAKES_NOTHING(
        c, e, mexpr_evaluate(c, m, &in, fit, NULL, NULL, NULL, &e), MEXPR_E_ARG);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        mexpr_evaluate_options o = MEXPR_EVALUATE_OPTIONS_INIT;
        o.struct_size = wrong[i];
        MAKES_NOTHING(
            c, e, mexpr_evaluate(c, m, &in, fit, &o, NULL, NULL, &e), MEXPR_E_ABI);
    }
    mexpr_evaluate_options o = MEXPR_EVALUATE_OPTIONS_INIT;
    o.protocol = 5;
    MAKES_NOTHING(
        c, e, mexpr_evaluate(c, m, &in, fit, &o, NULL, NULL, &e), MEXPR_E_RANGE);
    o.protocol = 0;
    o.joining = 7;
    MAKES_NOTHING(
        c, e, mexpr_evaluate(c, m, &in, fit, &o, NULL, NULL, &e), MEXPR_E_RANGE);
    o.joining = 0;
    o.inner_folds = 1;
    MAKES_NOTHING(
        c, e, mexpr_evaluate(c, m, &in, fit, &o, NULL, NULL, &e), MEXPR_E_RANGE);
    o.inner_folds = 0;
    o.n_seeds = 1001;
    MAKES_NOTHING(
        c, e, mexpr_evaluate(c, m, &in, fit, &o, NULL, NULL, &e), MEXPR_E_RANGE);
    in.dtype = MEXPR_DTYPE_I32;
    MAKES_NOTHING(
        c, e, mexpr_evaluate(c, m, &in, fit, NULL, NULL, NULL, &e), MEXPR_E_TYPE);
    mexpr_manifest_destroy(&m);
    mexpr_context_destroy(&c);
}

static void candidates(void **state)
{
    (void)state;
    mexpr_context *c = api_context();
    mexpr_evaluation *e = NULL;
    mexpr_tensor_view in = MEXPR_TENSOR_VIEW_INIT;
    mexpr_manifest *m = people(c, &in);
    const mexpr_candidate one = {NULL, fit, NULL}, none = {NULL, NULL, NULL};
    REFUSED(mexpr_evaluate_candidates(NULL, m, &in, &one, 1, NULL, NULL, NULL, &e));
    REFUSED(mexpr_evaluate_candidates(c, m, &in, &one, 1, NULL, NULL, NULL, NULL));
    MAKES_NOTHING(c, e,
        mexpr_evaluate_candidates(c, NULL, &in, &one, 1, NULL, NULL, NULL, &e),
        MEXPR_E_ARG);
    MAKES_NOTHING(c, e,
        mexpr_evaluate_candidates(c, m, NULL, &one, 1, NULL, NULL, NULL, &e),
        MEXPR_E_ARG);
    MAKES_NOTHING(c, e,
        mexpr_evaluate_candidates(c, m, &in, NULL, 1, NULL, NULL, NULL, &e), MEXPR_E_ARG);
    MAKES_NOTHING(c, e,
        mexpr_evaluate_candidates(c, m, &in, &none, 1, NULL, NULL, NULL, &e),
        MEXPR_E_ARG);
    MAKES_NOTHING(c, e,
        mexpr_evaluate_candidates(c, m, &in, &one, 1001, NULL, NULL, NULL, &e),
        MEXPR_E_RANGE);
    mexpr_manifest_destroy(&m);
    mexpr_context_destroy(&c);
}

static void fit_for_good(void **state)
{
    (void)state;
    mexpr_context *c = api_context();
    mexpr_model *made = NULL;
    mexpr_tensor_view in = MEXPR_TENSOR_VIEW_INIT;
    mexpr_manifest *m = people(c, &in);
    const mexpr_candidate one = {NULL, fit, NULL}, none = {NULL, NULL, NULL};
    REFUSED(mexpr_fit_candidates(NULL, m, &in, &one, 1, NULL, NULL, &made));
    REFUSED(mexpr_fit_candidates(c, m, &in, &one, 1, NULL, NULL, NULL));
    MAKES_NOTHING(c, made, mexpr_fit_candidates(c, NULL, &in, &one, 1, NULL, NULL, &made),
        MEXPR_E_ARG);
    MAKES_NOTHING(c, made, mexpr_fit_candidates(c, m, NULL, &one, 1, NULL, NULL, &made),
        MEXPR_E_ARG);
    MAKES_NOTHING(c, made, mexpr_fit_candidates(c, m, &in, NULL, 1, NULL, NULL, &made),
        MEXPR_E_ARG);
    MAKES_NOTHING(c, made, mexpr_fit_candidates(c, m, &in, &none, 1, NULL, NULL, &made),
        MEXPR_E_ARG);
    MAKES_NOTHING(c, made, mexpr_fit_candidates(c, m, &in, &one, 1001, NULL, NULL, &made),
        MEXPR_E_RANGE);
    mexpr_manifest_destroy(&m);
    mexpr_context_destroy(&c);
}

static void evaluate_limits(void **state)
{
    (void)state;
    mexpr_context *c = api_context(), *tight = NULL;
    mexpr_evaluation *e = NULL;
    mexpr_metrics low = MEXPR_METRICS_INIT, high = MEXPR_METRICS_INIT;
    mexpr_tensor_view in = MEXPR_TENSOR_VIEW_INIT;
    mexpr_manifest *m = people(c, &in);
    mexpr_context_options small = MEXPR_CONTEXT_OPTIONS_INIT;
    small.max_tensor_bytes = 4;
    assert_int_equal(mexpr_context_create(&small, &tight), MEXPR_OK);
    MAKES_NOTHING(tight, e, mexpr_evaluate(tight, m, &in, fit, NULL, NULL, NULL, &e),
        MEXPR_E_LIMIT);
    FAILS(tight,
        mexpr_metrics_interval(
            tight, classes, classes, classes, 4, 2, 0, 0, 0, &low, &high),
        MEXPR_E_LIMIT);
    in.dims[1] = INT64_MAX;
    MAKES_NOTHING(
        c, e, mexpr_evaluate(c, m, &in, fit, NULL, NULL, NULL, &e), MEXPR_E_LIMIT);
    mexpr_manifest_destroy(&m);
    mexpr_context_destroy(&tight);
    mexpr_context_destroy(&c);
}

static void no_evaluation(void **state)
{
    (void)state;
    mexpr_context *c = api_context();
    mexpr_evaluation *e = NULL;
    mexpr_metrics low = MEXPR_METRICS_INIT, high = MEXPR_METRICS_INIT;
    assert_int_equal(mexpr_evaluation_n_folds(NULL), 0);
    assert_int_equal(mexpr_evaluation_fold(NULL, 0), -1);
    assert_int_equal(mexpr_evaluation_predicted(NULL, 0), -1);
    assert_null(mexpr_evaluation_scores(NULL, 0));
    assert_int_equal(mexpr_evaluation_n_seeds(NULL), 0);
    assert_int_equal(mexpr_evaluation_n_candidates(NULL), 0);
    assert_int_equal(mexpr_evaluation_seed_predicted(NULL, 0, 0), -1);
    assert_int_equal(mexpr_evaluation_chosen(NULL, 0, 0), -1);
    assert_true(mexpr_evaluation_weight(NULL, 0, 0, 0) !=
                mexpr_evaluation_weight(NULL, 0, 0, 0)); /* NaN */
    assert_true(mexpr_evaluation_inner_uf1(NULL, 0, 0, 0) !=
                mexpr_evaluation_inner_uf1(NULL, 0, 0, 0));
    assert_int_equal(mexpr_evaluation_n_epochs(NULL, 0, 0, 0), 0);
    assert_null(mexpr_evaluation_losses(NULL, 0, 0, 0, NULL));
    REFUSED(mexpr_evaluation_seed_metrics(NULL, NULL, 0, &low));
    FAILS(c, mexpr_evaluation_seed_metrics(c, NULL, 0, &low), MEXPR_E_ARG);
    REFUSED(mexpr_evaluation_metrics(NULL, NULL, -1, NULL, &low));
    FAILS(c, mexpr_evaluation_metrics(c, NULL, -1, NULL, &low), MEXPR_E_ARG);
    REFUSED(mexpr_evaluation_interval(NULL, NULL, &low, &high));
    FAILS(c, mexpr_evaluation_interval(c, NULL, &low, &high), MEXPR_E_ARG);
    mexpr_evaluation_destroy(NULL);
    mexpr_evaluation_destroy(&e);
    mexpr_context_destroy(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metrics),
        cmocka_unit_test(class_metrics),
        cmocka_unit_test(comparison),
        cmocka_unit_test(units),
        cmocka_unit_test(spotting),
        cmocka_unit_test(evaluate),
        cmocka_unit_test(candidates),
        cmocka_unit_test(fit_for_good),
        cmocka_unit_test(evaluate_limits),
        cmocka_unit_test(no_evaluation),
    };
    return cmocka_run_group_tests_name("api_evaluate", tests, NULL, NULL);
}
