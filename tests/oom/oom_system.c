/* SPDX-License-Identifier: MIT */
#include "microexpr/system.h"
#include "support.h"

static mexpr_status build(mexpr_context *context, void *arg)
{
    mexpr_model *model = NULL;
    const mexpr_status status = mexpr_system_build(context, arg, NULL, &model);
    assert_true((status == MEXPR_OK) == (model != NULL));
    mexpr_model_destroy(&model);
    return status;
}

static void systems(void **state)
{
    (void)state;
    static char ststnet[] = "ststnet", rcn[] = "rcn-small";
    assert_true(test_oom_sweep(build, ststnet, 1) > 20);
    assert_true(test_oom_sweep(build, rcn, 1) > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(systems)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
