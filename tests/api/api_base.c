/* SPDX-License-Identifier: MIT */
#include "api_check.h"

static void every_status_has_words(void **state)
{
    (void)state;
    for (int status = -200; status <= 10; status++) {
        const char *name = mexpr_status_name((mexpr_status)status);
        assert_non_null(name);
        assert_int_equal(strncmp(name, "MEXPR_", 6), 0);
        assert_true(strlen(mexpr_status_message((mexpr_status)status)) > 3);
    }
    assert_string_equal(mexpr_status_name((mexpr_status)INT32_MIN), "MEXPR_E_UNKNOWN");
    assert_string_equal(mexpr_status_name((mexpr_status)INT32_MAX), "MEXPR_E_UNKNOWN");
}

static void version_and_features(void **state)
{
    (void)state;
    assert_int_equal(mexpr_version(),
        MEXPR_VERSION_MAJOR * 10000 + MEXPR_VERSION_MINOR * 100 + MEXPR_VERSION_PATCH);
    assert_true(strlen(mexpr_version_string()) >= 5);
    assert_non_null(strstr(mexpr_build_features(), "gemm="));
    assert_int_equal(mexpr_cpu_flags() & ~7U, 0);
}

static void contexts(void **state)
{
    (void)state;
    mexpr_context *none = NULL;
    REFUSED(mexpr_context_create(NULL, NULL));
    mexpr_context_destroy(NULL);
    mexpr_context_destroy(&none);
    assert_string_equal(mexpr_context_last_error(NULL), "");
    assert_int_equal(mexpr_context_threads(NULL), 0);
    assert_int_equal(mexpr_context_cpu(NULL), 0);
}

static void context_struct_size(void **state)
{
    (void)state;
    static const size_t wrong[] = {
        0, 1, sizeof(size_t), sizeof(mexpr_context_options) - 1, 4097, SIZE_MAX};
    mexpr_context *context;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        mexpr_context_options options = MEXPR_CONTEXT_OPTIONS_INIT;
        options.struct_size = wrong[i];
        context = (mexpr_context *)&context;
        assert_int_equal(mexpr_context_create(&options, &context), MEXPR_E_ABI);
        assert_null(context);
    }
    LATER(mexpr_context_options) newer = {MEXPR_CONTEXT_OPTIONS_INIT, 0};
    newer.known.struct_size = sizeof newer;
    assert_int_equal(mexpr_context_create(&newer.known, &context), MEXPR_OK);
    mexpr_context_destroy(&context);
    newer.later = 1;
    assert_int_equal(mexpr_context_create(&newer.known, &context), MEXPR_E_ABI);
    assert_null(context);
}

static void objects_outlive_their_context(void **state)
{
    (void)state;
    mexpr_context *context = api_context();
    mexpr_image *image = api_image(context, MEXPR_FORMAT_GREY8);
    mexpr_flow *flow = NULL;
    mexpr_field *field = NULL;
    assert_int_equal(mexpr_flow_create(context, &flow), MEXPR_OK);
    assert_int_equal(mexpr_field_create(context, 32, 24, &field), MEXPR_OK);
    mexpr_context_destroy(&context);
    assert_null(context);
    assert_int_equal(mexpr_flow_compute(flow, image, image, field), MEXPR_OK);
    mexpr_flow_destroy(&flow);
    mexpr_field_destroy(&field);
    mexpr_image_destroy(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_words),
        cmocka_unit_test(version_and_features),
        cmocka_unit_test(contexts),
        cmocka_unit_test(context_struct_size),
        cmocka_unit_test(objects_outlive_their_context),
    };
    return cmocka_run_group_tests_name("api_base", tests, NULL, NULL);
}
