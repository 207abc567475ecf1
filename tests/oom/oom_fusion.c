/* SPDX-License-Identifier: MIT */
#include "microexpr/fusion.h"
#include "support.h"

static const float rows[] = {0, 0, 1, 0, 4, 4, 5, 4, 0, 9, 1, 9};
static const int32_t labels[] = {0, 0, 1, 1, 2, 2};

static mexpr_status classifier(mexpr_context *context, void *arg)
{
    mexpr_classifier *c;
    mexpr_model *model = NULL, *fused = NULL;
    float scores[3];
    mexpr_status status =
        mexpr_classifier_fit(context, rows, labels, 6, 2, 3, arg, NULL, NULL, &c);
    if (status == MEXPR_OK)
        status = mexpr_classifier_scores(c, rows, 1, scores);
    if (status == MEXPR_OK)
        status = mexpr_classifier_model(c, &model);
    if (status != MEXPR_OK && c)
        assert_true(*mexpr_classifier_last_error(c));
    mexpr_model *const twice[2] = {model, model};
    if (status == MEXPR_OK)
        status = mexpr_fuse_models(context, twice, 2, MEXPR_FUSION_MEAN, NULL, &fused);
    mexpr_model_destroy(&fused);
    mexpr_model_destroy(&model);
    mexpr_classifier_destroy(&c);
    return status;
}

static mexpr_status learn(mexpr_context *context, void *arg)
{
    (void)arg;
    const float *const scores[2] = {rows, rows + 6};
    double weights[2];
    float fused[6];
    const mexpr_status status =
        mexpr_fuse_learn(context, scores, 2, 2, 3, labels, weights);
    return status != MEXPR_OK ? status
                              : mexpr_fuse_scores(context, scores, 2, 2, 3,
                                    MEXPR_FUSION_MEAN, weights, fused);
}

static void classifiers(void **state)
{
    (void)state;
    mexpr_classifier_options o = MEXPR_CLASSIFIER_OPTIONS_INIT;
    for (o.method = MEXPR_CLASSIFIER_SVM; o.method <= MEXPR_CLASSIFIER_RIDGE; o.method++)
        for (o.kernel = MEXPR_KERNEL_LINEAR; o.kernel <= MEXPR_KERNEL_LAPLACE; o.kernel++)
            test_oom_sweep(classifier, &o, 1);
}

static void fusion(void **state)
{
    (void)state;
    test_oom_sweep(learn, NULL, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classifiers),
        cmocka_unit_test(fusion),
    };
    return cmocka_run_group_tests_name("oom_fusion", tests, NULL, NULL);
}
