/* SPDX-License-Identifier: MIT */
/* Systems: the numbers of weights that their publications or specifications give, what
 * options do, and that they survive being written. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "microexpr/image.h"
#include "microexpr/system.h"
#include "support.h"
#include "system/system_table.h"

static mexpr_model *build(mexpr_context *context, const char *name, int32_t n_classes,
    int32_t size, uint64_t seed)
{
    mexpr_model *model = NULL;
    mexpr_system_options options = MEXPR_SYSTEM_OPTIONS_INIT;
    options.n_classes = n_classes;
    options.size = size;
    options.seed = seed;
    assert_ok(context, mexpr_system_build(context, name, &options, &model));
    return model;
}

static void check_count(
    mexpr_context *context, const char *name, int32_t n_classes, uint64_t expected)
{
    mexpr_model *model = build(context, name, n_classes, 0, 1);
    const uint64_t found = mexpr_model_n_trainable(model);
    if (found != expected)
        fail_msg("%s has %llu weights, not %llu", name, (unsigned long long)found,
            (unsigned long long)expected);
    mexpr_model_destroy(&model);
}

static void weights(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    check_count(context, "ststnet", 3, 1683);
    check_count(context, "dual-atme", 3, 4833193);
    check_count(context, "off-tanet", 3, 59403);
    check_count(context, "mfe-net", 3, 57915);
    check_count(context, "msjfn", 3, 1496940);
    check_count(context, "featref", 3, 7631918);
    check_count(context, "featref", 5, 8423218);
    check_count(context, "strcn", 3, 14963203);
    check_count(context, "rcn", 3, 55747);
    check_count(context, "rcn-small", 3, 15331);
    check_count(context, "deep-emotion", 7, 47657);
    check_count(context, "htnet", 3, 139582982);
    check_count(context, "dcbam-efficientnet", 3, 4002339);
    check_count(context, "flow-c2s", 3, 9795);
    check_count(context, "flow-attention", 3, 22445);
    for (int32_t i = 0; i < mexpr_system_count(); i++) {
        mexpr_system_info info = MEXPR_SYSTEM_INFO_INIT;
        assert_int_equal(mexpr_system_info_get(i, &info), MEXPR_OK);
        assert_int_equal(mexpr_system_find(info.name), i);
        check_count(context, info.name, 0, info.n_parameters);
    }
    mexpr_context_destroy(&context);
}

/* The elements of input `index` for a batch of two, zeroed. */
static float *make_input(const mexpr_model *model, int32_t index, mexpr_tensor_view *view)
{
    mexpr_tensor_info info = MEXPR_TENSOR_INFO_INIT;
    size_t n = 1;
    assert_int_equal(mexpr_model_input(model, index, &info), MEXPR_OK);
    view->dtype = info.dtype;
    view->rank = info.rank;
    for (int d = 0; d < info.rank; d++) {
        view->dims[d] = d ? info.dims[d] : 2;
        n *= (size_t)view->dims[d];
    }
    float *data = calloc(n, sizeof *data);
    assert_non_null(data);
    for (size_t i = 0; i < n; i++)
        data[i] = (float)(i % 255) / 255;
    view->data = data;
    return data;
}

/* The first output on some picture. */
static void run(const char *name, mexpr_model *model, int n_classes, float *logits)
{
    mexpr_session *session = NULL;
    mexpr_tensor_view y = MEXPR_TENSOR_VIEW_INIT;
    float *data[2] = {NULL, NULL};
    assert_int_equal(mexpr_session_create(model, &session), MEXPR_OK);
    for (int32_t i = 0; i < mexpr_model_n_inputs(model); i++) {
        mexpr_tensor_view x = MEXPR_TENSOR_VIEW_INIT;
        mexpr_tensor_info info = MEXPR_TENSOR_INFO_INIT;
        data[i] = make_input(model, i, &x);
        assert_int_equal(mexpr_model_input(model, i, &info), MEXPR_OK);
        assert_int_equal(mexpr_session_set_input(session, info.name, &x), MEXPR_OK);
    }
    if (mexpr_session_run(session) != MEXPR_OK)
        fail_msg("%s: %s", name, mexpr_session_last_error(session));
    assert_int_equal(mexpr_session_output(session, "logits", &y), MEXPR_OK);
    assert_true(y.rank == 2 && y.dims[0] == 2 && y.dims[1] == n_classes);
    memcpy(logits, y.data, (size_t)n_classes * 2 * sizeof *logits);
    for (int i = 0; i < 2 * n_classes; i++)
        assert_true(isfinite(logits[i]));
    mexpr_session_destroy(&session);
    free(data[0]);
    free(data[1]);
}

/* STRCN and HTNet take their time and memory; tests/system/check_systems.py has them. */
static bool is_large(const char *name)
{
    return strcmp(name, "htnet") == 0 || strcmp(name, "strcn") == 0;
}

/* What the recognizer can make no picture for says so. */
static void ranges(void **state)
{
    (void)state;
    assert_string_equal(mx_system_off_tanet.range, "raw");
    assert_string_equal(mx_system_msjfn.range, "raw");
    assert_string_equal(mx_system_htnet.range, "raw");
    assert_string_equal(mx_system_dcbam_efficientnet.range, "-1,1");
    assert_null(mx_system_ststnet.range);
}

static void running_and_writing(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    for (int32_t i = 0; i < mexpr_system_count(); i++) {
        mexpr_system_info info = MEXPR_SYSTEM_INFO_INIT;
        float first[10], again[10];
        void *bytes = NULL, *bytes2 = NULL;
        size_t size = 0, size2 = 0;
        mexpr_model *read = NULL;
        assert_int_equal(mexpr_system_info_get(i, &info), MEXPR_OK);
        if (is_large(info.name))
            continue;
        mexpr_model *model = build(context, info.name, 5, 0, 7);
        assert_string_equal(mexpr_model_metadata(model, "microexpr.system"), info.name);
        if (strcmp(info.name, "rcn") == 0)
            assert_string_equal(mexpr_model_metadata(model, "microexpr.range"), "0,1");
        run(info.name, model, 5, first);
        assert_ok(context, mexpr_model_encode(context, model, &bytes, &size));
        assert_ok(context, mexpr_model_load_memory(context, bytes, size, &read));
        assert_int_equal(mexpr_model_n_trainable(model), mexpr_model_n_trainable(read));
        run(info.name, read, 5, again);
        assert_memory_equal(first, again, sizeof first);
        assert_ok(context, mexpr_model_encode(context, read, &bytes2, &size2));
        assert_int_equal(size, size2);
        assert_memory_equal(bytes, bytes2, size);
        mexpr_bytes_free(context, &bytes);
        mexpr_bytes_free(context, &bytes2);
        mexpr_model_destroy(&read);
        mexpr_model_destroy(&model);
    }
    mexpr_context_destroy(&context);
}

static void options(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mexpr_system_options o = MEXPR_SYSTEM_OPTIONS_INIT;
    mexpr_model *model = NULL;
    o.n_classes = 1;
    assert_failure(context, mexpr_system_build(context, "ststnet", &o, &model),
        MEXPR_E_RANGE, "2 to 1000 classes, not 1");
    o.n_classes = 0;
    o.size = 56;
    assert_failure(context, mexpr_system_build(context, "ststnet", &o, &model),
        MEXPR_E_RANGE, "28 x 28, not 56 x 56");
    o.size = 100;
    assert_failure(context, mexpr_system_build(context, "msjfn", &o, &model),
        MEXPR_E_RANGE, "multiple of 32");
    assert_failure(context, mexpr_system_build(context, "lenet", NULL, &model),
        MEXPR_E_NOT_FOUND, "no system 'lenet'");
    float first[6], second[6], third[6];
    model = build(context, "msjfn", 3, 64, 1);
    mexpr_tensor_info info = MEXPR_TENSOR_INFO_INIT;
    assert_int_equal(mexpr_model_input(model, 0, &info), MEXPR_OK);
    assert_true(info.dims[0] == -1 && info.dims[2] == 64 && info.dims[3] == 64);
    run("msjfn", model, 3, first);
    mexpr_model_destroy(&model);
    model = build(context, "msjfn", 3, 64, 1);
    run("msjfn", model, 3, second);
    mexpr_model_destroy(&model);
    model = build(context, "msjfn", 3, 64, 2);
    run("msjfn", model, 3, third);
    mexpr_model_destroy(&model);
    assert_memory_equal(first, second, sizeof first);
    assert_memory_not_equal(first, third, sizeof first);
    mexpr_context_destroy(&context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(weights),
        cmocka_unit_test(ranges), cmocka_unit_test(running_and_writing),
        cmocka_unit_test(options)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
