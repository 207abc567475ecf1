/* SPDX-License-Identifier: MIT */
#include "api_check.h"

static void systems(void **state)
{
    (void)state;
    assert_string_equal(mexpr_train_system(0), "flow-derivative-svm");
    assert_string_equal(mexpr_train_system(1), "flow-kernel-ridge");
    assert_string_equal(mexpr_train_system(2), "flow-random-features");
    for (int32_t k = 0; k < mexpr_system_count(); k++) {
        mexpr_system_info info = MEXPR_SYSTEM_INFO_INIT;
        mexpr_trainer_options o = MEXPR_TRAINER_OPTIONS_INIT;
        mexpr_system_info_get(k, &info);
        assert_string_equal(mexpr_train_system(3 + k), info.name);
        assert_int_equal(mexpr_trainer_recipe(info.name, &o), MEXPR_OK);
        assert_true(o.epochs > 0 && o.rate > 0);
    }
    assert_null(mexpr_train_system(3 + mexpr_system_count()));
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

static mexpr_tensor_view two_clips(const float *values)
{
    mexpr_tensor_view in = MEXPR_TENSOR_VIEW_INIT;
    in.dtype = MEXPR_DTYPE_F32;
    in.rank = 4;
    in.dims[0] = 2;
    in.dims[1] = 3;
    in.dims[2] = in.dims[3] = 28;
    in.data = values;
    return in;
}

static void recipe(void **state)
{
    (void)state;
    LATER(mexpr_trainer_options) later;
    mexpr_trainer_options o = MEXPR_TRAINER_OPTIONS_INIT;
    REFUSED(mexpr_trainer_recipe(NULL, &o));
    REFUSED(mexpr_trainer_recipe("ststnet", NULL));
    assert_int_equal(mexpr_trainer_recipe("x", &o), MEXPR_E_NOT_FOUND);
    o.struct_size = 8;
    assert_int_equal(mexpr_trainer_recipe("ststnet", &o), MEXPR_E_ABI);
    memset(&later, 0, sizeof later);
    later.known.struct_size = sizeof later;
    assert_int_equal(mexpr_trainer_recipe("ststnet", &later.known), MEXPR_OK);
    assert_int_equal(later.known.struct_size, sizeof later);
    assert_int_equal(later.known.epochs, 800);
}

/* A trainer on a small system, or NULL. */
static mexpr_trainer *make(mexpr_context *c, mexpr_model *model)
{
    static const float values[2 * 3 * 28 * 28];
    static const int32_t labels[2] = {0, 1};
    static const size_t wrong[] = {0, 1, sizeof(size_t), 4097, SIZE_MAX};
    mexpr_tensor_view in = two_clips(values);
    mexpr_trainer_options o = MEXPR_TRAINER_OPTIONS_INIT;
    mexpr_trainer *t;
    o.epochs = 2;
    REFUSED(mexpr_trainer_create(NULL, model, &in, labels, 2, &o, &t));
    assert_null(t);
    REFUSED(mexpr_trainer_create(c, model, &in, labels, 2, &o, NULL));
    MAKES_NOTHING(
        c, t, mexpr_trainer_create(c, NULL, &in, labels, 2, &o, &t), MEXPR_E_ARG);
    MAKES_NOTHING(
        c, t, mexpr_trainer_create(c, model, NULL, labels, 2, &o, &t), MEXPR_E_ARG);
    MAKES_NOTHING(
        c, t, mexpr_trainer_create(c, model, &in, NULL, 2, &o, &t), MEXPR_E_ARG);
    MAKES_NOTHING(
        c, t, mexpr_trainer_create(c, model, &in, labels, 1, &o, &t), MEXPR_E_RANGE);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        o.struct_size = wrong[i];
        MAKES_NOTHING(
            c, t, mexpr_trainer_create(c, model, &in, labels, 2, &o, &t), MEXPR_E_ABI);
    }
    o.struct_size = sizeof o;
    assert_int_equal(mexpr_trainer_create(c, model, &in, labels, 2, &o, &t), MEXPR_OK);
    return t;
}

static void trainer(void **state)
{
    (void)state;
    mexpr_context *c = api_context();
    mexpr_system_options o = MEXPR_SYSTEM_OPTIONS_INIT;
    mexpr_trainer *t, *none = NULL;
    mexpr_model *model, *made;
    o.n_classes = 2;
    assert_int_equal(mexpr_system_build(c, "ststnet", &o, &model), MEXPR_OK);
    t = make(c, model);
    mexpr_model_destroy(&model);
    assert_string_equal(mexpr_trainer_last_error(t), "");
    assert_string_equal(mexpr_trainer_last_error(NULL), "");
    REFUSED(mexpr_trainer_run(NULL, NULL, NULL));
    REFUSED(mexpr_trainer_epoch(NULL));
    REFUSED(mexpr_trainer_save(NULL, "x"));
    REFUSED(mexpr_trainer_save(t, NULL));
    REFUSED(mexpr_trainer_resume(NULL, "x"));
    REFUSED(mexpr_trainer_resume(t, NULL));
    REFUSED(mexpr_trainer_model(NULL, &made));
    assert_null(made);
    REFUSED(mexpr_trainer_model(t, NULL));
    assert_int_equal(mexpr_trainer_n_epochs(NULL), 0);
    assert_true(mexpr_trainer_loss(NULL, 0) != mexpr_trainer_loss(NULL, 0));
    assert_int_equal(mexpr_train_n_epochs(NULL), 0);
    assert_true(mexpr_train_loss(NULL, 0) != mexpr_train_loss(NULL, 0));
    assert_true(mexpr_trainer_loss(t, -1) != mexpr_trainer_loss(t, -1));
    assert_int_equal(mexpr_trainer_epoch(t), MEXPR_OK);
    assert_int_equal(mexpr_trainer_n_epochs(t), 1);
    assert_int_equal(mexpr_trainer_run(t, NULL, NULL), MEXPR_OK);
    assert_int_equal(mexpr_trainer_epoch(t), MEXPR_END);
    mexpr_context_destroy(&c); /* the trainer keeps it */
    assert_int_equal(mexpr_trainer_model(t, &made), MEXPR_OK);
    mexpr_trainer_destroy(&t);
    assert_null(t);
    mexpr_trainer_destroy(&none);
    mexpr_trainer_destroy(NULL);
    mexpr_model_destroy(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(systems),
        cmocka_unit_test(train),
        cmocka_unit_test(recipe),
        cmocka_unit_test(trainer),
    };
    return cmocka_run_group_tests_name("api_train", tests, NULL, NULL);
}
