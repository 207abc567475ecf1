/* SPDX-License-Identifier: MIT */
#include "api_check.h"

static void null_handles(void **state)
{
    (void)state;
    mexpr_saliency *saliency = NULL;
    mexpr_saliency_destroy(NULL);
    mexpr_saliency_destroy(&saliency);
    assert_null(mexpr_saliency_map(NULL));
    assert_null(mexpr_saliency_flips(NULL));
    assert_int_equal(mexpr_saliency_target(NULL), -1);
    assert_true(mexpr_saliency_target_score(NULL) == 0);
    assert_string_equal(mexpr_saliency_layer(NULL), "");
}

static void computing(void **state)
{
    (void)state;
    static const size_t wrong[] = {0, 1, sizeof(size_t), 4097, SIZE_MAX};
    static float x[3 * 28 * 28];
    mexpr_context *c = api_context();
    mexpr_model *model = NULL;
    mexpr_saliency *s;
    mexpr_tensor_view view = MEXPR_TENSOR_VIEW_INIT;
    assert_int_equal(mexpr_system_build(c, "ststnet", NULL, &model), MEXPR_OK);
    view.dtype = MEXPR_DTYPE_F32;
    view.rank = 4;
    view.dims[0] = 1;
    view.dims[1] = 3;
    view.dims[2] = view.dims[3] = 28;
    view.data = x;
    REFUSED(mexpr_saliency_compute(NULL, model, &view, 1, NULL, &s));
    REFUSED(mexpr_saliency_compute(c, model, &view, 1, NULL, NULL));
    MAKES_NOTHING(c, s, mexpr_saliency_compute(c, NULL, &view, 1, NULL, &s), MEXPR_E_ARG);
    MAKES_NOTHING(c, s, mexpr_saliency_compute(c, model, NULL, 1, NULL, &s), MEXPR_E_ARG);
    static const int32_t numbers[] = {-1, 0, 2, INT32_MAX};
    for (int i = 0; i < 4; i++)
        MAKES_NOTHING(c, s, mexpr_saliency_compute(c, model, &view, numbers[i], NULL, &s),
            MEXPR_E_ARG);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        mexpr_saliency_options o = MEXPR_SALIENCY_OPTIONS_INIT;
        mexpr_tensor_view odd = view;
        o.struct_size = odd.struct_size = wrong[i];
        MAKES_NOTHING(
            c, s, mexpr_saliency_compute(c, model, &view, 1, &o, &s), MEXPR_E_ABI);
        MAKES_NOTHING(
            c, s, mexpr_saliency_compute(c, model, &odd, 1, NULL, &s), MEXPR_E_ABI);
    }
    mexpr_tensor_view odd = view;
    odd.rank = 9;
    MAKES_NOTHING(
        c, s, mexpr_saliency_compute(c, model, &odd, 1, NULL, &s), MEXPR_E_SHAPE);
    odd = view;
    odd.dims[3] = 0;
    MAKES_NOTHING(
        c, s, mexpr_saliency_compute(c, model, &odd, 1, NULL, &s), MEXPR_E_SHAPE);
    odd = view;
    odd.data = NULL;
    MAKES_NOTHING(
        c, s, mexpr_saliency_compute(c, model, &odd, 1, NULL, &s), MEXPR_E_SHAPE);
    odd = view;
    odd.dtype = MEXPR_DTYPE_I64;
    MAKES_NOTHING(
        c, s, mexpr_saliency_compute(c, model, &odd, 1, NULL, &s), MEXPR_E_TYPE);
    assert_int_equal(mexpr_saliency_compute(c, model, &view, 1, NULL, &s), MEXPR_OK);
    mexpr_saliency_destroy(&s);
    mexpr_model_destroy(&model);
    mexpr_context_destroy(&c);
}

static void drawing(void **state)
{
    (void)state;
    mexpr_context *c = api_context();
    mexpr_image *map = api_image(c, MEXPR_FORMAT_GREYF32), *out;
    mexpr_image *face = api_image(c, MEXPR_FORMAT_RGB8);
    REFUSED(mexpr_saliency_picture(NULL, map, face, 0.5, &out));
    REFUSED(mexpr_saliency_picture(c, map, face, 0.5, NULL));
    MAKES_NOTHING(c, out, mexpr_saliency_picture(c, NULL, face, 0.5, &out), MEXPR_E_ARG);
    MAKES_NOTHING(c, out, mexpr_saliency_picture(c, face, face, 0.5, &out), MEXPR_E_ARG);
    static const double opacities[] = {-0.1, 1.1, 1e300};
    for (int i = 0; i < 3; i++)
        MAKES_NOTHING(c, out, mexpr_saliency_picture(c, map, face, opacities[i], &out),
            MEXPR_E_RANGE);
    assert_int_equal(mexpr_saliency_picture(c, map, face, 1, &out), MEXPR_OK);
    mexpr_image_destroy(&out);
    mexpr_image_destroy(&face);
    mexpr_image_destroy(&map);
    mexpr_context_destroy(&c);
}

static void explaining(void **state)
{
    (void)state;
    mexpr_context *c = api_context();
    mexpr_recognizer *r = NULL;
    mexpr_result *result = NULL;
    mexpr_saliency *s = NULL;
    mexpr_image *frame = api_image(c, MEXPR_FORMAT_GREY8);
    mexpr_saliency_options o = MEXPR_SALIENCY_OPTIONS_INIT;
    assert_int_equal(mexpr_recognizer_create(c, NULL, &r), MEXPR_OK);
    assert_int_equal(mexpr_recognizer_run(r, frame, frame, NULL, &result), MEXPR_OK);
    REFUSED(mexpr_recognizer_explain(NULL, result, NULL, &s));
    REFUSED(mexpr_recognizer_explain(r, NULL, NULL, &s));
    REFUSED(mexpr_recognizer_explain(r, result, NULL, NULL));
    assert_true(strlen(mexpr_recognizer_last_error(r)) > 0);
    o.struct_size = 1;
    assert_int_equal(mexpr_recognizer_explain(r, result, &o, &s), MEXPR_E_ABI);
    assert_null(s);
    assert_int_equal(mexpr_recognizer_explain(r, result, NULL, &s), MEXPR_OK);
    assert_int_equal(mexpr_saliency_target(s), mexpr_result_class(result));
    mexpr_saliency_destroy(&s);
    mexpr_result_destroy(&result);
    mexpr_recognizer_destroy(&r);
    mexpr_image_destroy(&frame);
    mexpr_context_destroy(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(null_handles),
        cmocka_unit_test(computing),
        cmocka_unit_test(drawing),
        cmocka_unit_test(explaining),
    };
    return cmocka_run_group_tests_name("api_saliency", tests, NULL, NULL);
}
