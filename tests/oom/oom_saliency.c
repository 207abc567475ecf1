/* SPDX-License-Identifier: MIT */
/* include/microexpr/saliency.h with every allocation failing in turn. */
#include "support.h"

#include "microexpr/recognizer.h"
#include "microexpr/saliency.h"
#include "microexpr/system.h"

static mexpr_status draw(mexpr_context *context, const mexpr_saliency *saliency)
{
    mexpr_image *face = NULL, *picture = NULL;
    mexpr_status status = mexpr_image_create(context, MEXPR_FORMAT_RGB8, 40, 30, &face);
    if (status == MEXPR_OK)
        status = mexpr_saliency_picture(
            context, mexpr_saliency_map(saliency), face, 0.5, &picture);
    assert_true((status == MEXPR_OK) == (picture != NULL));
    mexpr_image_destroy(&picture);
    mexpr_image_destroy(&face);
    return status;
}

static mexpr_status explain(mexpr_context *context, void *arg)
{
    static float x[3 * 28 * 28];
    mexpr_saliency_options options = MEXPR_SALIENCY_OPTIONS_INIT;
    mexpr_model *model = NULL;
    mexpr_saliency *saliency = NULL;
    mexpr_tensor_view view = MEXPR_TENSOR_VIEW_INIT;
    options.method = *(const int32_t *)arg;
    options.patch = options.stride = 14;
    options.batch = 3;
    view.dtype = MEXPR_DTYPE_F32;
    view.rank = 4;
    view.dims[0] = 1;
    view.dims[1] = 3;
    view.dims[2] = view.dims[3] = 28;
    view.data = x;
    mexpr_status status = mexpr_system_build(context, "ststnet", NULL, &model);
    if (status == MEXPR_OK)
        status = mexpr_saliency_compute(context, model, &view, 1, &options, &saliency);
    if (status == MEXPR_OK)
        status = draw(context, saliency);
    mexpr_saliency_destroy(&saliency);
    mexpr_model_destroy(&model);
    return status;
}

/* mexpr_model_extract() on its own. */
static mexpr_status extract(mexpr_context *context, void *arg)
{
    const char *input = "flow", *output = "logits";
    mexpr_model *model = NULL, *part = NULL;
    mexpr_tensor_info info = MEXPR_TENSOR_INFO_INIT;
    (void)arg;
    mexpr_status status = mexpr_system_build(context, "ststnet", NULL, &model);
    if (status == MEXPR_OK) {
        assert_int_equal(mexpr_model_input(model, 0, &info), MEXPR_OK);
        input = info.name;
        assert_int_equal(mexpr_model_output(model, 0, &info), MEXPR_OK);
        output = info.name;
        status = mexpr_model_extract(context, model, &input, 1, &output, 1, &part);
    }
    mexpr_model_destroy(&part);
    mexpr_model_destroy(&model);
    return status;
}

static mexpr_status explain_result(mexpr_context *context, void *arg)
{
    mexpr_recognizer *recognizer = NULL;
    mexpr_image *frame = NULL;
    mexpr_result *result = NULL;
    mexpr_saliency *saliency = NULL;
    mexpr_saliency_options options = MEXPR_SALIENCY_OPTIONS_INIT;
    (void)arg;
    options.patch = options.stride = 14;
    mexpr_status status = mexpr_recognizer_create(context, NULL, &recognizer);
    if (status == MEXPR_OK)
        status = mexpr_image_create(context, MEXPR_FORMAT_GREY8, 8, 8, &frame);
    if (status == MEXPR_OK)
        status = mexpr_recognizer_run(recognizer, frame, frame, NULL, &result);
    if (status == MEXPR_OK)
        status = mexpr_recognizer_explain(recognizer, result, &options, &saliency);
    assert_true((status == MEXPR_OK) == (saliency != NULL));
    mexpr_saliency_destroy(&saliency);
    mexpr_result_destroy(&result);
    mexpr_image_destroy(&frame);
    mexpr_recognizer_destroy(&recognizer);
    return status;
}

static void sweep(void **state)
{
    (void)state;
    int32_t methods[] = {
        MEXPR_SALIENCY_OCCLUSION, MEXPR_SALIENCY_GRAD_CAM, MEXPR_SALIENCY_ABLATION_CAM};
    for (int i = 0; i < 3; i++)
        assert_true(test_oom_sweep(explain, &methods[i], 1) > 0);
    assert_true(test_oom_sweep(extract, NULL, 1) > 0);
    assert_true(test_oom_sweep(explain_result, NULL, 1) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(sweep)};
    return cmocka_run_group_tests_name("oom_saliency", tests, NULL, NULL);
}
