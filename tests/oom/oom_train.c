/* SPDX-License-Identifier: MIT */
#include "microexpr/system.h"
#include "microexpr/train.h"
#include "support.h"

enum { N = 3, CLIP = 3 * 28 * 28 };

static float clips[N * CLIP];
static const int32_t labels[N] = {0, 1, 2};
static const mexpr_tensor_view inputs = {
    sizeof(mexpr_tensor_view), MEXPR_DTYPE_F32, 4, {N, 3, 28, 28, 0, 0, 0, 0}, clips};

static int set_clips(void **state)
{
    (void)state;
    for (int k = 0; k < N * CLIP; k++)
        clips[k] = (float)(k * 7919 % 256);
    return 0;
}

static mexpr_status in_one_call(mexpr_context *context, void *arg)
{
    mexpr_train_options o = MEXPR_TRAIN_OPTIONS_INIT;
    mexpr_model *model;
    o.epochs = 1;
    o.labels = "a,b,c";
    const mexpr_status status =
        mexpr_train(context, arg, &inputs, labels, 3, &o, NULL, NULL, &model);
    mexpr_model_destroy(&model);
    return status;
}

static mexpr_status run(mexpr_trainer *trainer, mexpr_model **model)
{
    mexpr_status status = mexpr_trainer_epoch(trainer);
    if (status == MEXPR_OK)
        status = mexpr_trainer_run(trainer, NULL, NULL);
    if (status == MEXPR_OK)
        status = mexpr_trainer_save(trainer, test_path("checkpoint"));
    if (status == MEXPR_OK)
        status = mexpr_trainer_resume(trainer, test_path("checkpoint"));
    if (status == MEXPR_OK)
        status = mexpr_trainer_model(trainer, model);
    if (status != MEXPR_OK)
        assert_true(*mexpr_trainer_last_error(trainer));
    return status;
}

static mexpr_status trainer(mexpr_context *context, void *arg)
{
    mexpr_trainer_options o = MEXPR_TRAINER_OPTIONS_INIT;
    mexpr_trainer *made = NULL;
    mexpr_model *system, *model = NULL;
    mexpr_trainer_recipe("flow-c2s", &o);
    o.epochs = 2;
    o.mixup = 1;
    o.frozen = "conv1.";
    o.terms = "contrastive:1:logits";
    o.checkpoint = test_path("checkpoint");
    mexpr_status status = mexpr_system_build(context, arg, NULL, &system);
    if (status == MEXPR_OK)
        status = mexpr_trainer_create(context, system, &inputs, labels, 3, &o, &made);
    if (status == MEXPR_OK)
        status = run(made, &model);
    mexpr_model_destroy(&model);
    mexpr_trainer_destroy(&made);
    mexpr_model_destroy(&system);
    return status;
}

static void sweeps(void **state)
{
    (void)state;
    char kernel[] = "flow-derivative-svm", random[] = "flow-random-features";
    char network[] = "ststnet", other[] = "flow-c2s";
    test_oom_sweep(in_one_call, kernel, 1);
    test_oom_sweep(in_one_call, random, 1);
    test_oom_sweep(in_one_call, network, 1);
    test_oom_sweep(trainer, other, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sweeps),
    };
    return cmocka_run_group_tests_name("oom_train", tests, set_clips, NULL);
}
