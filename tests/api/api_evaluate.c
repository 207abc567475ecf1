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
    o.protocol = 4;
    MAKES_NOTHING(
        c, e, mexpr_evaluate(c, m, &in, fit, &o, NULL, NULL, &e), MEXPR_E_RANGE);
    in.dtype = MEXPR_DTYPE_I32;
    MAKES_NOTHING(
        c, e, mexpr_evaluate(c, m, &in, fit, NULL, NULL, NULL, &e), MEXPR_E_TYPE);
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
        cmocka_unit_test(evaluate),
        cmocka_unit_test(evaluate_limits),
        cmocka_unit_test(no_evaluation),
    };
    return cmocka_run_group_tests_name("api_evaluate", tests, NULL, NULL);
}
