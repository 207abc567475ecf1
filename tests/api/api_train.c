/* SPDX-License-Identifier: MIT */
#include "api_check.h"

static void systems(void **state)
{
    (void)state;
    assert_string_equal(mexpr_train_system(0), "flow-derivative-svm");
    assert_string_equal(mexpr_train_system(1), "flow-kernel-ridge");
    assert_null(mexpr_train_system(2));
    assert_null(mexpr_train_system(-1));
}

static void train(void **state)
{
    (void)state;
    static const size_t wrong[] = {0, 1, sizeof(size_t), 4097, SIZE_MAX};
    static const float values[2 * 3 * 28 * 28];
    static const int32_t labels[2] = {0, 1};
    mexpr_context *c = api_context();
    mexpr_tensor_view in = MEXPR_TENSOR_VIEW_INIT;
    mexpr_model *m;
    in.dtype = MEXPR_DTYPE_F32;
    in.rank = 4;
    in.dims[0] = 2;
    in.dims[1] = 3;
    in.dims[2] = in.dims[3] = 28;
    in.data = values;
    const char *name = mexpr_train_system(0);
    REFUSED(mexpr_train(NULL, name, &in, labels, 2, NULL, NULL, NULL, &m));
    assert_null(m);
    REFUSED(mexpr_train(c, name, &in, labels, 2, NULL, NULL, NULL, NULL));
    MAKES_NOTHING(
        c, m, mexpr_train(c, NULL, &in, labels, 2, NULL, NULL, NULL, &m), MEXPR_E_ARG);
    MAKES_NOTHING(
        c, m, mexpr_train(c, name, NULL, labels, 2, NULL, NULL, NULL, &m), MEXPR_E_ARG);
    MAKES_NOTHING(
        c, m, mexpr_train(c, name, &in, NULL, 2, NULL, NULL, NULL, &m), MEXPR_E_ARG);
    MAKES_NOTHING(c, m, mexpr_train(c, "x", &in, labels, 2, NULL, NULL, NULL, &m),
        MEXPR_E_NOT_FOUND);
    MAKES_NOTHING(
        c, m, mexpr_train(c, name, &in, labels, 1, NULL, NULL, NULL, &m), MEXPR_E_RANGE);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        mexpr_train_options o = MEXPR_TRAIN_OPTIONS_INIT;
        o.struct_size = wrong[i];
        MAKES_NOTHING(
            c, m, mexpr_train(c, name, &in, labels, 2, &o, NULL, NULL, &m), MEXPR_E_ABI);
    }
    assert_int_equal(
        mexpr_train(c, name, &in, labels, 2, NULL, NULL, NULL, &m), MEXPR_OK);
    mexpr_model_destroy(&m);
    in.struct_size = 8;
    MAKES_NOTHING(
        c, m, mexpr_train(c, name, &in, labels, 2, NULL, NULL, NULL, &m), MEXPR_E_ABI);
    mexpr_context_destroy(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(systems),
        cmocka_unit_test(train),
    };
    return cmocka_run_group_tests_name("api_train", tests, NULL, NULL);
}
