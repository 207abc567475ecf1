/* SPDX-License-Identifier: MIT */
/* The domain ai.onnx.ml: small machines worked out by hand. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "operator_check.h"

static mexpr_status load(onnx_message *node, int64_t ml_opset, mexpr_model **model)
{
    onnx_model m = onnx_begin(13);
    onnx_message opset = {0};
    onnx_text(&opset, 1, "ai.onnx.ml");
    onnx_int(&opset, 2, ml_opset);
    onnx_put(&m.extra, 8, &opset);
    onnx_text(node, 7, "ai.onnx.ml");
    onnx_input(&m, "x", F32, "N 2");
    onnx_add(&m, node);
    onnx_output(&m, "y", 0, NULL);
    onnx_end(&m);
    const mexpr_status status =
        mexpr_model_load_memory(context, m.file.data, m.file.size, model);
    onnx_destroy(&m);
    return status;
}

/* The output y for two rows of x, of float32 or int64. */
static void check_ml(onnx_message node, const float *x, const char *dims,
    const float *want, const int64_t *labels)
{
    mexpr_model *model = NULL;
    mexpr_session *session = NULL;
    mexpr_tensor_view got = MEXPR_TENSOR_VIEW_INIT;
    const input in = {F32, "2 2", x, 0}, expected = {labels ? I64 : F32, dims, want, 0};
    const mexpr_tensor_view view = view_of(&in), w = view_of(&expected);
    assert_ok(context, load(&node, 2, &model));
    assert_int_equal(mexpr_session_create(model, &session), MEXPR_OK);
    assert_int_equal(mexpr_session_set_input(session, NULL, &view), MEXPR_OK);
    assert_int_equal(mexpr_session_run(session), MEXPR_OK);
    assert_int_equal(mexpr_session_output(session, NULL, &got), MEXPR_OK);
    assert_int_equal(got.dtype, w.dtype);
    assert_memory_equal(got.dims, w.dims, sizeof w.dims);
    if (labels)
        assert_memory_equal(got.data, labels, bytes_of(&w));
    for (size_t i = 0; !labels && i < bytes_of(&w) / sizeof *want; i++) {
        if (!(fabsf(((const float *)got.data)[i] - want[i]) < 1e-5f))
            fail_msg("number %zu is %g, not %g", i, (double)((const float *)got.data)[i],
                (double)want[i]);
    }
    mexpr_session_destroy(&session);
    mexpr_model_destroy(&model);
}

static onnx_message linear(const char *op, const char *outputs, const char *post)
{
    onnx_message node = onnx_node(op, "model", "x", outputs);
    onnx_attr_floats(&node, "coefficients", FLOATS(1, 0, 0, 1, 1, 1), 6);
    onnx_attr_floats(&node, "intercepts", FLOATS(0, 0.5f, -1), 3);
    onnx_attr_text(&node, "post_transform", post);
    return node;
}

static const float rows[] = {1, 2, 3, -1};

static void linear_models(void **state)
{
    (void)state;
    const float *scores = FLOATS(1, 2.5f, 2, 3, -0.5f, 1);
    for (int which = 0; which < 2; which++) {
        onnx_message node = linear("LinearClassifier", which ? "y" : "labels y", "NONE");
        onnx_attr_ints(&node, "classlabels_ints", "7 8 9");
        check_ml(node, rows, which ? "2" : "2 3", scores, which ? INTS(8, 7) : NULL);
    }
    onnx_message node = linear("LinearClassifier", "labels y", "LOGISTIC");
    onnx_attr_ints(&node, "classlabels_ints", "7 8 9");
    check_ml(node, rows, "2 3",
        FLOATS(0.731059f, 0.924142f, 0.880797f, 0.952574f, 0.377541f, 0.731059f), NULL);
    node = linear("LinearRegressor", "y", "NONE");
    onnx_attr_int(&node, "targets", 3);
    check_ml(node, rows, "2 3", scores, NULL);
    node = onnx_node("LinearClassifier", "", "x", "labels y");
    onnx_attr_floats(&node, "coefficients", FLOATS(1, 1), 2);
    onnx_attr_ints(&node, "classlabels_ints", "0 1");
    check_ml(node, rows, "2 2", FLOATS(-3, 3, -2, 2), NULL);
}

/* Three classes with one vector each, (1 0), (0 1) and (-1 0), linear kernel. */
static onnx_message machine(const char *outputs, bool with_probability)
{
    onnx_message node = onnx_node("SVMClassifier", "svm", "x", outputs);
    onnx_attr_text(&node, "kernel_type", "LINEAR");
    onnx_attr_floats(&node, "support_vectors", FLOATS(1, 0, 0, 1, -1, 0), 6);
    onnx_attr_floats(&node, "coefficients", FLOATS(1, -1, -1, 1, 1, -1), 6);
    onnx_attr_floats(&node, "rho", FLOATS(0, 0.5f, 0), 3);
    onnx_attr_ints(&node, "vectors_per_class", "1 1 1");
    onnx_attr_ints(&node, "classlabels_ints", "4 5 6");
    if (with_probability) {
        onnx_attr_floats(&node, "prob_a", FLOATS(-1, -1, -1), 3);
        onnx_attr_floats(&node, "prob_b", FLOATS(0, 0, 0), 3);
    }
    return node;
}

static void support_vector_machines(void **state)
{
    (void)state;
    /* Of (a, b): first against second a - b, first against third 2a + 0.5, second
     * against third b + a. */
    check_ml(
        machine("labels y", false), rows, "2 3", FLOATS(-1, 2.5f, 3, 4, 6.5f, 2), NULL);
    check_ml(machine("y", false), rows, "2", NULL, INTS(5, 4));
    mexpr_model *model = NULL;
    mexpr_session *session = NULL;
    mexpr_tensor_view got = MEXPR_TENSOR_VIEW_INIT;
    onnx_message node = machine("labels y", true);
    const input in = {F32, "2 2", rows, 0};
    const mexpr_tensor_view view = view_of(&in);
    assert_ok(context, load(&node, 1, &model));
    assert_int_equal(mexpr_session_create(model, &session), MEXPR_OK);
    assert_int_equal(mexpr_session_set_input(session, NULL, &view), MEXPR_OK);
    assert_int_equal(mexpr_session_run(session), MEXPR_OK);
    assert_int_equal(mexpr_session_output(session, NULL, &got), MEXPR_OK);
    const float *p = got.data;
    for (int r = 0; r < 2; r++, p += 3)
        assert_true(fabsf(p[0] + p[1] + p[2] - 1) < 1e-5f && p[r ? 0 : 1] > p[r] - 1e-6f);
    mexpr_session_destroy(&session);
    mexpr_model_destroy(&model);
}

static void regressions(void **state)
{
    (void)state;
    static const struct {
        const char *kernel;
        float want[2];
    } cases[] = {{"LINEAR", {1 * 1 - 2 * 2 + 0.25f, 3 + 2 + 0.25f}},
        {"POLY", {0.25f + 2.25f - 2 * 6.25f, 0.25f + 12.25f - 2 * 0.25f}},
        {"RBF",
            {0.25f + 0.1353353f - 2 * 0.3678794f, 0.25f + 0.0820850f - 2 * 0.00150344f}}};
    for (int i = 0; i < 3; i++) {
        onnx_message node = onnx_node("SVMRegressor", "svr", "x", "y");
        onnx_attr_text(&node, "kernel_type", cases[i].kernel);
        onnx_attr_floats(&node, "support_vectors", FLOATS(1, 0, 0, 1), 4);
        onnx_attr_floats(&node, "coefficients", FLOATS(1, -2), 2);
        onnx_attr_floats(&node, "kernel_params", FLOATS(i == 1 ? 1 : 0.5f, 0.5f, 2), 3);
        onnx_attr_floats(&node, "rho", FLOATS(0.25f), 1);
        onnx_attr_int(&node, "n_supports", 2);
        check_ml(node, rows, "2 1", cases[i].want, NULL);
    }
}

static void preparation(void **state)
{
    (void)state;
    onnx_message node = onnx_node("Scaler", "", "x", "y");
    onnx_attr_floats(&node, "offset", FLOATS(1, 0), 2);
    onnx_attr_floats(&node, "scale", FLOATS(2, -1), 2);
    check_ml(node, rows, "2 2", FLOATS(0, -2, 4, 1), NULL);
    static const char *const norms[] = {"MAX", "L1", "L2"};
    static const float sizes[][2] = {{2, 3}, {3, 4}, {2.2360680f, 3.1622777f}};
    for (int i = 0; i < 3; i++) {
        node = onnx_node("Normalizer", "", "x", "y");
        onnx_attr_text(&node, "norm", norms[i]);
        check_ml(node, rows, "2 2",
            FLOATS(1 / sizes[i][0], 2 / sizes[i][0], 3 / sizes[i][1], -1 / sizes[i][1]),
            NULL);
    }
}

static void bad_machines(void **state)
{
    (void)state;
    mexpr_model *model = NULL;
    onnx_message node = onnx_node("ZipMap", "zip", "x", "y");
    assert_failure(context, load(&node, 1, &model), MEXPR_E_OPERATOR, "zipmap=False");
    node = onnx_node("Scaler", "", "x", "y");
    assert_failure(context, load(&node, 6, &model), MEXPR_E_OPSET, "ai.onnx.ml");
    node = onnx_node("Scaler", "scale", "x", "y");
    assert_failure(context, load(&node, 1, &model), MEXPR_E_MODEL, "offset");
    node = machine("labels y", false);
    onnx_attr_floats(&node, "prob_a", FLOATS(1), 1);
    assert_failure(context, load(&node, 1, &model), MEXPR_E_MODEL, "prob_a");
    node = onnx_node("SVMClassifier", "svm", "x", "labels y");
    onnx_attr_ints(&node, "classlabels_ints", "0 1");
    onnx_attr_ints(&node, "vectors_per_class", "1 -1");
    assert_failure(context, load(&node, 1, &model), MEXPR_E_MODEL, "-1 support vectors");
    node = onnx_node("LinearRegressor", "line", "x", "y");
    onnx_attr_floats(&node, "coefficients", FLOATS(1, 2, 3), 3);
    assert_failure(context, load(&node, 1, &model), MEXPR_E_SHAPE, "3");
    node = onnx_node("SVMRegressor", "svr", "x", "y");
    onnx_attr_floats(&node, "rho", FLOATS(1), 1);
    assert_failure(context, load(&node, 1, &model), MEXPR_E_SHAPE, "features");
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(linear_models), TEST(support_vector_machines),
        TEST(regressions), TEST(preparation), TEST(bad_machines)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
