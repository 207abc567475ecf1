/* SPDX-License-Identifier: MIT */
#include "api_check.h"

static const float rows[] = {0, 0, 1, 0, 4, 4, 5, 4};
static const int32_t labels[] = {0, 0, 1, 1};

static mexpr_classifier *api_classifier(mexpr_context *c)
{
    mexpr_classifier *k = NULL;
    assert_int_equal(
        mexpr_classifier_fit(c, rows, labels, 4, 2, 2, NULL, NULL, NULL, &k), MEXPR_OK);
    return k;
}

static void classifier_fit(void **state)
{
    (void)state;
    static const size_t wrong[] = {0, 1, sizeof(size_t), 4097, SIZE_MAX};
    mexpr_context *c = api_context();
    mexpr_classifier *k;
    REFUSED(mexpr_classifier_fit(NULL, rows, labels, 4, 2, 2, NULL, NULL, NULL, &k));
    REFUSED(mexpr_classifier_fit(c, rows, labels, 4, 2, 2, NULL, NULL, NULL, NULL));
    MAKES_NOTHING(c, k,
        mexpr_classifier_fit(c, NULL, labels, 4, 2, 2, NULL, NULL, NULL, &k),
        MEXPR_E_ARG);
    MAKES_NOTHING(c, k,
        mexpr_classifier_fit(c, rows, NULL, 4, 2, 2, NULL, NULL, NULL, &k), MEXPR_E_ARG);
    MAKES_NOTHING(c, k,
        mexpr_classifier_fit(c, rows, labels, -1, 2, 2, NULL, NULL, NULL, &k),
        MEXPR_E_ARG);
    MAKES_NOTHING(c, k,
        mexpr_classifier_fit(c, rows, labels, 4, 0, 2, NULL, NULL, NULL, &k),
        MEXPR_E_ARG);
    MAKES_NOTHING(c, k,
        mexpr_classifier_fit(c, rows, labels, 4, 2, 1001, NULL, NULL, NULL, &k),
        MEXPR_E_RANGE);
    for (int field = 0; field < 7; field++) {
        mexpr_classifier_options o = MEXPR_CLASSIFIER_OPTIONS_INIT;
        int32_t *const choices[] = {&o.method, &o.kernel, &o.gamma_unit};
        double *const numbers[] = {&o.gamma, &o.cost, &o.ridge, &o.tolerance};
        if (field < 3)
            *choices[field] = -1;
        else
            *numbers[field - 3] = -1;
        MAKES_NOTHING(c, k,
            mexpr_classifier_fit(c, rows, labels, 4, 2, 2, &o, NULL, NULL, &k),
            MEXPR_E_RANGE);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        mexpr_classifier_options o = MEXPR_CLASSIFIER_OPTIONS_INIT;
        o.struct_size = wrong[i];
        MAKES_NOTHING(c, k,
            mexpr_classifier_fit(c, rows, labels, 4, 2, 2, &o, NULL, NULL, &k),
            MEXPR_E_ABI);
    }
    mexpr_context_destroy(&c);
}

static void classifier_use(void **state)
{
    (void)state;
    mexpr_context *c = api_context();
    mexpr_classifier *k = api_classifier(c), *none = NULL;
    mexpr_model *model;
    float scores[2];
    mexpr_context_destroy(&c);
    REFUSED(mexpr_classifier_scores(NULL, rows, 1, scores));
    REFUSED(mexpr_classifier_scores(k, NULL, 1, scores));
    REFUSED(mexpr_classifier_scores(k, rows, 1, NULL));
    REFUSED(mexpr_classifier_scores(k, rows, -1, scores));
    assert_true(strlen(mexpr_classifier_last_error(k)) > 0);
    assert_int_equal(mexpr_classifier_scores(k, NULL, 0, NULL), MEXPR_OK);
    REFUSED(mexpr_classifier_model(NULL, &model));
    assert_null(model);
    REFUSED(mexpr_classifier_model(k, NULL));
    assert_int_equal(mexpr_classifier_n_classes(NULL), 0);
    assert_int_equal(mexpr_classifier_n_features(NULL), 0);
    assert_int_equal(mexpr_classifier_n_vectors(NULL), 0);
    assert_string_equal(mexpr_classifier_last_error(NULL), "");
    mexpr_classifier_destroy(&none);
    mexpr_classifier_destroy(NULL);
    mexpr_classifier_destroy(&k);
    assert_null(k);
}

static void fuse(void **state)
{
    (void)state;
    mexpr_context *c = api_context();
    const float a[2] = {1, 2};
    const float *const scores[2] = {a, a};
    float fused[2];
    double weights[2];
    REFUSED(mexpr_fuse_scores(NULL, scores, 2, 1, 2, MEXPR_FUSION_MEAN, NULL, fused));
    FAILS(c, mexpr_fuse_scores(c, NULL, 2, 1, 2, MEXPR_FUSION_MEAN, NULL, fused),
        MEXPR_E_ARG);
    FAILS(c, mexpr_fuse_scores(c, scores, 2, 1, 2, MEXPR_FUSION_MEAN, NULL, NULL),
        MEXPR_E_ARG);
    FAILS(c, mexpr_fuse_scores(c, scores, 0, 1, 2, MEXPR_FUSION_MEAN, NULL, fused),
        MEXPR_E_RANGE);
    FAILS(c, mexpr_fuse_scores(c, scores, 2, 1, 1, MEXPR_FUSION_MEAN, NULL, fused),
        MEXPR_E_RANGE);
    FAILS(c, mexpr_fuse_scores(c, scores, 2, 1, 2, 0, NULL, fused), MEXPR_E_RANGE);
    REFUSED(mexpr_fuse_learn(NULL, scores, 2, 1, 2, labels, weights));
    FAILS(c, mexpr_fuse_learn(c, scores, 2, 0, 2, labels, weights), MEXPR_E_ARG);
    FAILS(c, mexpr_fuse_learn(c, scores, 2, 1, 2, NULL, weights), MEXPR_E_ARG);
    FAILS(c, mexpr_fuse_learn(c, scores, 2, 1, 2, labels, NULL), MEXPR_E_ARG);
    assert_int_equal(mexpr_fuse_learn(c, scores, 2, 1, 2, labels, weights), MEXPR_OK);
    mexpr_context_destroy(&c);
}

static void fuse_models(void **state)
{
    (void)state;
    mexpr_context *c = api_context();
    mexpr_model *none[2] = {NULL, NULL}, *out = NULL;
    REFUSED(mexpr_fuse_models(NULL, none, 2, MEXPR_FUSION_MEAN, NULL, &out));
    FAILS(c, mexpr_fuse_models(c, none, 2, MEXPR_FUSION_MEAN, NULL, NULL), MEXPR_E_ARG);
    MAKES_NOTHING(c, out, mexpr_fuse_models(c, NULL, 2, MEXPR_FUSION_MEAN, NULL, &out),
        MEXPR_E_ARG);
    MAKES_NOTHING(c, out, mexpr_fuse_models(c, none, 2, MEXPR_FUSION_MEAN, NULL, &out),
        MEXPR_E_ARG);
    MAKES_NOTHING(c, out, mexpr_fuse_models(c, none, 0, MEXPR_FUSION_MEAN, NULL, &out),
        MEXPR_E_RANGE);
    mexpr_context_destroy(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classifier_fit),
        cmocka_unit_test(classifier_use),
        cmocka_unit_test(fuse),
        cmocka_unit_test(fuse_models),
    };
    return cmocka_run_group_tests_name("api_fusion", tests, NULL, NULL);
}
