/* SPDX-License-Identifier: MIT */
#include "api_check.h"

static void looking(void **state)
{
    (void)state;
    mexpr_system_info info = MEXPR_SYSTEM_INFO_INIT;
    const int32_t n = mexpr_system_count();
    assert_true(n > 0);
    assert_int_equal(mexpr_system_find(NULL), -1);
    assert_int_equal(mexpr_system_find(""), -1);
    assert_int_equal(mexpr_system_find("STSTNet"), -1);
    REFUSED(mexpr_system_info_get(-1, &info));
    REFUSED(mexpr_system_info_get(n, &info));
    REFUSED(mexpr_system_info_get(INT32_MIN, &info));
    REFUSED(mexpr_system_info_get(0, NULL));
    info.struct_size = sizeof info - 1;
    assert_int_equal(mexpr_system_info_get(0, &info), MEXPR_E_ABI);
    info.struct_size = 5000;
    assert_int_equal(mexpr_system_info_get(0, &info), MEXPR_E_ABI);
    LATER(mexpr_system_info) later = {.known = MEXPR_SYSTEM_INFO_INIT, .later = 7};
    later.known.struct_size = sizeof later;
    assert_int_equal(mexpr_system_info_get(0, &later.known), MEXPR_OK);
    assert_int_equal(later.later, 7);
    assert_int_equal(later.known.struct_size, sizeof later);
    assert_int_equal(mexpr_system_find(later.known.name), 0);
}

static void building(void **state)
{
    (void)state;
    static const size_t wrong[] = {0, 1, sizeof(size_t), 4097, SIZE_MAX};
    mexpr_context *c = api_context();
    mexpr_model *model = NULL;
    REFUSED(mexpr_system_build(NULL, "ststnet", NULL, &model));
    REFUSED(mexpr_system_build(c, "ststnet", NULL, NULL));
    MAKES_NOTHING(c, model, mexpr_system_build(c, NULL, NULL, &model), MEXPR_E_ARG);
    MAKES_NOTHING(c, model, mexpr_system_build(c, "", NULL, &model), MEXPR_E_NOT_FOUND);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        mexpr_system_options o = MEXPR_SYSTEM_OPTIONS_INIT;
        o.struct_size = wrong[i];
        MAKES_NOTHING(
            c, model, mexpr_system_build(c, "ststnet", &o, &model), MEXPR_E_ABI);
    }
    static const int32_t numbers[] = {-1, 1, 1001, INT32_MIN, INT32_MAX};
    for (int i = 0; i < 5; i++) {
        mexpr_system_options o = MEXPR_SYSTEM_OPTIONS_INIT;
        o.n_classes = numbers[i];
        MAKES_NOTHING(
            c, model, mexpr_system_build(c, "ststnet", &o, &model), MEXPR_E_RANGE);
        o.n_classes = 0;
        o.size = numbers[i];
        MAKES_NOTHING(c, model, mexpr_system_build(c, "dcbam-efficientnet", &o, &model),
            MEXPR_E_RANGE);
    }
    assert_int_equal(mexpr_system_build(c, "ststnet", NULL, &model), MEXPR_OK);
    mexpr_model_destroy(&model);
    mexpr_context_destroy(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(looking),
        cmocka_unit_test(building),
    };
    return cmocka_run_group_tests_name("api_system", tests, NULL, NULL);
}
