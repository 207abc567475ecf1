/* SPDX-License-Identifier: MIT */
/* Networks built by calls, and written: what comes back is what was there. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "microexpr/image.h"
#include "microexpr/model.h"
#include "model/model_handle.h"
#include "model/operator.h"
#include "model/panels.h"
#include "onnx_build.h"
#include "support.h"

enum { F32 = 1, I64 = 7 };

static mexpr_context *context;
static mexpr_builder *b;

static int begin(void **state)
{
    (void)state;
    context = test_context(NULL, 1);
    assert_ok(context, mexpr_builder_create(context, "net", &b));
    return 0;
}

static int end(void **state)
{
    (void)state;
    mexpr_builder_destroy(&b);
    assert_null(b);
    mexpr_context_destroy(&context);
    return 0;
}

static mexpr_tensor_view view_of(int32_t dtype, int64_t n, const void *data)
{
    mexpr_tensor_view view = MEXPR_TENSOR_VIEW_INIT;
    view.dtype = dtype;
    view.rank = n < 0 ? 0 : 1;
    view.dims[0] = n;
    view.data = data;
    return view;
}

static mexpr_status node(
    const char *op, const char *in0, const char *in1, const char *out)
{
    const char *inputs[2] = {in0, in1};
    return mexpr_builder_node(b, op, NULL, inputs, in1 ? 2 : 1, &out, 1, NULL);
}

/* --- reading back ------------------------------------------------------------------ */

static void same_tensor(const mx_tensor *x, const mx_tensor *y)
{
    assert_int_equal(x->dtype, y->dtype);
    assert_int_equal(x->rank, y->rank);
    for (int i = 0; i < x->rank; i++)
        assert_int_equal(x->dims[i], y->dims[i]);
}

static void same_attribute(const mx_attribute *x, const mx_attribute *y)
{
    assert_string_equal(x->name, y->name);
    assert_int_equal(x->kind, y->kind);
    assert_int_equal(x->i, y->i);
    assert_memory_equal(&x->f, &y->f, sizeof x->f);
    assert_string_equal(x->s ? x->s : "", y->s ? y->s : "");
    assert_int_equal(x->n, y->n);
    for (size_t i = 0; i < x->n; i++) {
        if (x->kind == MX_ATTRIBUTE_INTS)
            assert_int_equal(x->ints[i], y->ints[i]);
        else if (x->kind == MX_ATTRIBUTE_FLOATS)
            assert_memory_equal(&x->floats[i], &y->floats[i], sizeof(float));
        else
            assert_string_equal(x->strings[i], y->strings[i]);
    }
    if (x->kind != MX_ATTRIBUTE_TENSOR)
        return;
    same_tensor(&x->t, &y->t);
    assert_memory_equal(x->t.data, y->t.data, mx_tensor_bytes(&x->t));
}

static const char *value_name(const mx_graph *graph, int value)
{
    return value < 0 ? "" : graph->values[value].name;
}

static void same_nodes(const mx_graph *x, const mx_graph *y)
{
    int n = 0;
    for (int i = 0; i < x->n_file_nodes; i++) {
        const mx_node *p = &x->nodes[x->order ? x->order[i] : i];
        if (p->is_shut)
            continue;
        const mx_node *q = &y->nodes[n++];
        assert_string_equal(p->name, q->name);
        assert_string_equal(p->op->name, q->op_type);
        assert_string_equal(p->domain, q->domain);
        assert_int_equal(p->n_inputs, q->n_inputs);
        assert_int_equal(p->n_outputs, q->n_outputs);
        for (int k = 0; k < p->n_inputs; k++)
            assert_string_equal(value_name(x, p->inputs[k]), value_name(y, q->inputs[k]));
        for (int k = 0; k < p->n_outputs; k++)
            assert_string_equal(
                value_name(x, p->outputs[k]), value_name(y, q->outputs[k]));
        assert_int_equal(p->n_attributes, q->n_attributes);
        for (size_t k = 0; k < p->n_attributes; k++)
            same_attribute(&p->attributes[k], &q->attributes[k]);
    }
    assert_int_equal(n, y->n_file_nodes);
}

static void same_ports(const mx_port *x, const mx_port *y, int n)
{
    for (int i = 0; i < n; i++) {
        assert_string_equal(x[i].name, y[i].name);
        same_tensor(&x[i].declared, &y[i].declared);
        for (int d = 0; d < x[i].declared.rank; d++)
            assert_string_equal(x[i].dim_names[d] ? x[i].dim_names[d] : "",
                y[i].dim_names[d] ? y[i].dim_names[d] : "");
    }
}

static void same_weights(const mx_graph *x, const mx_graph *y)
{
    for (int i = 0; i < x->n_file_values; i++) {
        const mx_value *p = &x->values[i];
        if (p->producer >= 0 || p->is_input)
            continue;
        const int k = mx_graph_find(y, p->name);
        assert_true(k >= 0);
        same_tensor(&p->tensor, &y->values[k].tensor);
        const size_t bytes = mx_tensor_bytes(&p->tensor);
        uint8_t *numbers = malloc(2 * bytes + 1);
        assert_non_null(numbers);
        mx_value_numbers(x, p, numbers);
        mx_value_numbers(y, &y->values[k], numbers + bytes);
        assert_memory_equal(numbers, numbers + bytes, bytes);
        free(numbers);
    }
}

static void same_graph(const mx_graph *x, const mx_graph *y)
{
    assert_string_equal(x->name[0] ? x->name : "graph", y->name);
    assert_string_equal(x->producer, y->producer);
    assert_int_equal(x->opset, y->opset);
    assert_int_equal(x->n_parameters, y->n_parameters);
    assert_int_equal(x->n_metadata, y->n_metadata);
    for (size_t i = 0; i < x->n_metadata; i++) {
        assert_string_equal(x->metadata[i].key, y->metadata[i].key);
        assert_string_equal(x->metadata[i].text, y->metadata[i].text);
    }
    same_nodes(x, y);
    assert_int_equal(x->n_inputs, y->n_inputs);
    assert_int_equal(x->n_outputs, y->n_outputs);
    same_ports(x->inputs, y->inputs, x->n_inputs);
    same_ports(x->outputs, y->outputs, x->n_outputs);
    same_weights(x, y);
}

/* Written, read and written again. */
static void check_round_trip(const mexpr_model *model)
{
    void *bytes = NULL, *again = NULL;
    size_t size = 0, size_again = 0;
    mexpr_model *read = NULL;
    assert_ok(context, mexpr_model_encode(context, model, &bytes, &size));
    assert_ok(context, mexpr_model_load_memory(context, bytes, size, &read));
    same_graph(&model->graph, &read->graph);
    assert_ok(context, mexpr_model_encode(context, read, &again, &size_again));
    assert_int_equal(size, size_again);
    assert_memory_equal(bytes, again, size);
    mexpr_model_destroy(&read);
    mexpr_bytes_free(context, &bytes);
    mexpr_bytes_free(context, &again);
}

static void files(void **state)
{
    (void)state;
    static const char *const names[] = {"models/a_ststnet", "models/b_offtanet",
        "models/d_dual3dgru", "models/f_effb0cbam", "ststnet/010", "ststnet/013",
        "ststnet/016", "ststnet/028", "ststnet/033", "ststnet/s05", "ststnet/s08",
        "ststnet/s12", "ststnet/s18", "ststnet/sub07", "ststnet/sub09", "ststnet/sub23"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[64];
        mexpr_model *model = NULL;
        snprintf(path, sizeof path, "%s.onnx", names[i]);
        assert_ok(context, mexpr_model_load(context, test_data(path), &model));
        check_round_trip(model);
        const char *copy = test_path("copy.onnx");
        assert_ok(context, mexpr_model_write(context, model, copy));
        mexpr_model_destroy(&model);
        assert_ok(context, mexpr_model_load(context, copy, &model));
        mexpr_model_destroy(&model);
    }
}

/* What files can have and builders do not make: values folded and unused, nodes out of
 * order, an output that is an input, initializers among the inputs, half floats. */
static void odd_file(void **state)
{
    (void)state;
    static const uint16_t half[2] = {0x3c00, 0xbc00};
    static const float w[2] = {1, 2};
    onnx_model m = onnx_begin(13);
    mexpr_model *model = NULL;
    m.ir = 3;
    onnx_message entry = {0};
    onnx_text(&entry, 1, "key");
    onnx_text(&entry, 2, "");
    onnx_put(&m.extra, 14, &entry);
    onnx_input(&m, "x", F32, "batch 2");
    onnx_input(&m, "w", F32, "2");
    onnx_f32(&m, "w", "2", w);
    onnx_f32(&m, "unused", "2", w);
    onnx_message t = onnx_tensor("half", 10, "2", half, sizeof half);
    onnx_put(&m.graph, 5, &t);
    onnx_simple(&m, "Add", "a folded", "y");
    onnx_simple(&m, "Neg", "half", "folded");
    onnx_message clip = onnx_node("Clip", "clip", "x - top", "a");
    onnx_add(&m, &clip);
    onnx_message top = onnx_tensor("", F32, "", w, sizeof *w);
    onnx_message constant = onnx_node("Constant", "", "", "top");
    onnx_attr_tensor(&constant, "value", &top);
    onnx_add(&m, &constant);
    onnx_simple(&m, "Dropout", "w", "dead");
    onnx_output(&m, "y", F32, NULL);
    onnx_output(&m, "x", F32, NULL);
    onnx_end(&m);
    assert_ok(
        context, mexpr_model_load_memory(context, m.file.data, m.file.size, &model));
    check_round_trip(model);
    mexpr_model_destroy(&model);
    onnx_destroy(&m);
}

static void without_source(void **state)
{
    (void)state;
    const mexpr_tensor_view one = view_of(F32, 1, &(float){1});
    mexpr_model *model = NULL;
    void *bytes = NULL;
    size_t size;
    mexpr_builder_initializer(b, "one", &one, MEXPR_ROLE_PARAMETER);
    mexpr_builder_input(b, "x", F32, 1, &(int64_t){-1});
    node("Add", "x", "one", "y");
    mexpr_builder_output(b, "y");
    assert_ok(context, mexpr_builder_finish(b, &model));
    void *kept = model->graph.values[0].tensor.data;
    model->graph.values[0].tensor.data = NULL;
    assert_failure(context, mexpr_model_encode(context, model, &bytes, &size),
        MEXPR_E_STATE, "'one' is gone");
    model->graph.values[0].tensor.data = kept;
    assert_failure(context, mexpr_model_write(context, model, "/no/folder/x.onnx"),
        MEXPR_E_IO, "/no/folder");
    mexpr_model_destroy(&model);
}

/* --- building ---------------------------------------------------------------------- */

static void every_call(void **state)
{
    (void)state;
    static const float w[3] = {1, -2, 3};
    static const int64_t dims[2] = {-1, 3}, axes[1] = {1};
    const mexpr_tensor_view weights = view_of(F32, 3, w);
    mexpr_model *model = NULL;
    mexpr_builder_opset(b, "", 13);
    mexpr_builder_opset(b, "some.domain", 2);
    mexpr_builder_metadata(b, "author", "nobody");
    mexpr_builder_input(b, "x", F32, 2, dims);
    mexpr_builder_initializer(b, "w", &weights, MEXPR_ROLE_PARAMETER);
    node("Add", "x", "w", "sum");
    mexpr_builder_float(b, "alpha", 0.5f);
    node("LeakyRelu", "sum", NULL, "cut");
    mexpr_builder_tensor(b, "value", &weights);
    const char *k = "k", *y = "y";
    mexpr_builder_node(b, "Constant", "ai.onnx", NULL, 0, &k, 1, "constant");
    node("Mul", "cut", "k", "scaled");
    mexpr_builder_ints(b, "axes", axes, 1);
    mexpr_builder_int(b, "keepdims", 0);
    const char *inputs[3] = {"scaled", NULL, ""};
    mexpr_builder_node(b, "ReduceMax", "", inputs, 1, &y, 1, "top");
    mexpr_builder_output(b, "y");
    assert_ok(context, mexpr_builder_finish(b, &model));
    assert_string_equal(mexpr_builder_last_error(b), "");
    assert_string_equal(mexpr_model_name(model), "net");
    assert_string_equal(mexpr_model_metadata(model, "author"), "nobody");
    assert_int_equal(mexpr_model_opset(model), 13);
    assert_int_equal(mexpr_model_n_parameters(model), 3);
    assert_int_equal(mexpr_model_n_trainable(model), 3);
    check_round_trip(model);
    mexpr_model_destroy(&model);
    assert_int_equal(mexpr_builder_finish(b, &model), MEXPR_E_STATE);
    assert_null(model);
}

static void it_runs(void **state)
{
    (void)state;
    static const float x[4] = {1, 2, 3, 4};
    static const int64_t dims[2] = {-1, 2}, weight[2] = {3, 2};
    mexpr_model *model = NULL;
    mexpr_session *session = NULL;
    mexpr_tensor_view in = view_of(F32, 2, x), out = MEXPR_TENSOR_VIEW_INIT;
    in.rank = 2;
    in.dims[1] = 2;
    mexpr_builder_input(b, "x", F32, 2, dims);
    mexpr_builder_random(b, "w", 2, weight, MEXPR_INIT_FILL, 0.5, MEXPR_ROLE_PARAMETER);
    mexpr_builder_int(b, "transB", 1);
    node("Gemm", "x", "w", "y");
    mexpr_builder_output(b, "y");
    assert_ok(context, mexpr_builder_finish(b, &model));
    check_round_trip(model);
    assert_int_equal(mexpr_session_create(model, &session), MEXPR_OK);
    assert_int_equal(mexpr_session_set_input(session, "x", &in), MEXPR_OK);
    assert_int_equal(mexpr_session_run(session), MEXPR_OK);
    assert_int_equal(mexpr_session_output(session, "y", &out), MEXPR_OK);
    const float *y = out.data;
    assert_true(out.dims[0] == 2 && out.dims[1] == 3);
    assert_true(y[0] == 1.5f && y[2] == 1.5f && y[3] == 3.5f);
    mexpr_session_destroy(&session);
    mexpr_model_destroy(&model);
}

/* Mean and deviation of an initialisation of 64×32×3×3, and its largest number. */
static void moments(mexpr_init init, double scale, double *deviation, double *largest)
{
    static const int64_t dims[4] = {64, 32, 3, 3};
    mexpr_model *model = NULL;
    double sum = 0, squares = 0;
    mexpr_builder_seed(b, 5);
    mexpr_builder_random(b, "w", 4, dims, init, scale, MEXPR_ROLE_PARAMETER);
    node("Identity", "w", NULL, "y");
    mexpr_builder_output(b, "y");
    assert_ok(context, mexpr_builder_finish(b, &model));
    const mx_tensor *w = &model->graph.values[0].tensor;
    const int64_t n = mx_tensor_count(w);
    *largest = 0;
    for (int64_t i = 0; i < n; i++) {
        const double value = (double)((const float *)w->data)[i];
        sum += value;
        squares += value * value;
        *largest = fmax(*largest, fabs(value));
    }
    *deviation = sqrt(squares / (double)n);
    assert_true(fabs(sum / (double)n) < 0.02 * *deviation || init == MEXPR_INIT_FILL);
    mexpr_model_destroy(&model);
    end(NULL);
    begin(NULL);
}

static void initialisations(void **state)
{
    (void)state;
    double deviation, largest;
    moments(MEXPR_INIT_FILL, 2, &deviation, &largest);
    assert_true(deviation == 2 && largest == 2);
    moments(MEXPR_INIT_UNIFORM, 3, &deviation, &largest);
    assert_true(largest <= 3 && largest > 2.99 && fabs(deviation - 3 / sqrt(3)) < 0.02);
    moments(MEXPR_INIT_NORMAL, 0.1, &deviation, &largest);
    assert_true(fabs(deviation - 0.1) < 0.001 && largest > 0.35);
    const double in = 32 * 9, out = 64 * 9;
    moments(MEXPR_INIT_FAN_IN_UNIFORM, 1, &deviation, &largest);
    assert_true(largest <= 1 / sqrt(in) && largest > 0.99 / sqrt(in));
    moments(MEXPR_INIT_HE_NORMAL, 1, &deviation, &largest);
    assert_true(fabs(deviation / sqrt(2 / out) - 1) < 0.02);
    moments(MEXPR_INIT_XAVIER_UNIFORM, 1, &deviation, &largest);
    assert_true(largest <= sqrt(6 / (in + out)) && largest > 0.99 * sqrt(6 / (in + out)));
}

/* --- refusals ---------------------------------------------------------------------- */

/* The call fails in this way, the sentence stays, and the builder is good for nothing. */
static void refused(mexpr_status status, mexpr_status expected, const char *part)
{
    mexpr_model *model = NULL;
    char sentence[600];
    snprintf(sentence, sizeof sentence, "%s", mexpr_builder_last_error(b));
    if (status != expected || !strstr(sentence, part))
        fail_msg("%s: %s", mexpr_status_name(status), sentence);
    assert_int_equal(mexpr_builder_output(b, "y"), expected);
    assert_int_equal(mexpr_builder_finish(b, &model), expected);
    assert_null(model);
    assert_string_equal(sentence, mexpr_builder_last_error(b));
    mexpr_builder_destroy(&b);
    mexpr_context_destroy(&context);
    begin(NULL);
}

static void refusals_of_values(void **state)
{
    (void)state;
    static const int64_t dims[9] = {2, -2, 2, 2, 2, 2, 2, 2, 2}, two[2] = {2, 2};
    const mexpr_tensor_view integer = view_of(I64, 2, two);
    mexpr_tensor_view negative = view_of(I64, 2, two);
    negative.dims[0] = -1;
    refused(mexpr_builder_input(b, "x", 99, 1, dims), MEXPR_E_TYPE, "99 of 'x'");
    refused(mexpr_builder_input(b, "x", F32, 9, dims), MEXPR_E_SHAPE, "9 dimensions");
    refused(mexpr_builder_input(b, "x", F32, -2, dims), MEXPR_E_SHAPE, "-2 dimensions");
    refused(mexpr_builder_input(b, "x", F32, 2, dims), MEXPR_E_SHAPE, "dimension of -2");
    refused(mexpr_builder_input(b, "", F32, 1, dims), MEXPR_E_MODEL, "no name");
    refused(mexpr_builder_input(b, "x", F32, 1, NULL), MEXPR_E_ARG, "NULL");
    mexpr_builder_input(b, "x", F32, 1, dims);
    refused(mexpr_builder_input(b, "x", F32, 1, dims), MEXPR_E_MODEL, "made twice");
    refused(mexpr_builder_initializer(b, "w", &integer, MEXPR_ROLE_PARAMETER),
        MEXPR_E_TYPE, "'w' is int64");
    refused(mexpr_builder_initializer(b, "w", &integer, 2), MEXPR_E_ARG, "role 2");
    refused(mexpr_builder_initializer(b, "w", &negative, 0), MEXPR_E_SHAPE, "w: ");
    refused(mexpr_builder_random(b, "w", 2, dims, 0, 1, 1), MEXPR_E_SHAPE, "-2");
    refused(mexpr_builder_random(b, "w", -1, dims, 0, 1, 1), MEXPR_E_SHAPE, "-1");
    refused(mexpr_builder_random(b, "w", 1, dims, 6, 1, 1), MEXPR_E_ARG, "6");
    refused(mexpr_builder_random(b, "w", 1, dims, 0, NAN, 1), MEXPR_E_ARG, "scale");
    refused(mexpr_builder_random(b, "w", 1, dims, 0, 1, -1), MEXPR_E_ARG, "role -1");
    refused(mexpr_builder_random(b, "w", 1, &(int64_t){1LL << 40}, 0, 1, 1),
        MEXPR_E_LIMIT, "w: ");
}

static void refusals_of_nodes(void **state)
{
    (void)state;
    const char *strings[2] = {"a", NULL};
    mexpr_model *model = NULL;
    refused(node("Convolve", "x", NULL, "y"), MEXPR_E_OPERATOR, "'Convolve'");
    refused(node("If", "x", NULL, "y"), MEXPR_E_OPERATOR, "graphs inside");
    const char *out = "y";
    refused(mexpr_builder_node(b, "Scaler", "ai.onnx.ml", NULL, 0, &out, 1, NULL),
        MEXPR_E_OPSET, "'ai.onnx.ml'");
    refused(node("Relu", "x", "w", "y"), MEXPR_E_MODEL, "2 inputs");
    mexpr_builder_int(b, "alpha", 1);
    refused(node("LeakyRelu", "x", NULL, "y"), MEXPR_E_MODEL, "must be a float");
    mexpr_builder_int(b, "size", 1);
    refused(node("Relu", "x", NULL, "y"), MEXPR_E_OPERATOR, "'size'");
    node("Relu", "x", NULL, "y");
    refused(node("Relu", "x", NULL, "y"), MEXPR_E_MODEL, "made twice");
    node("Relu", "x", NULL, "y");
    refused(mexpr_builder_opset(b, "", 13), MEXPR_E_STATE, "before nodes");
    refused(mexpr_builder_opset(b, "", 10), MEXPR_E_OPSET, "11 to 21");
    refused(mexpr_builder_opset(b, "a.b", 0), MEXPR_E_ARG, "'a.b'");
    for (int i = 0; i < 7; i++)
        assert_int_equal(mexpr_builder_opset(b, "a.b", 1), MEXPR_OK);
    refused(mexpr_builder_opset(b, "a.b", 1), MEXPR_E_ARG, "8 domains");
    refused(mexpr_builder_strings(b, "s", strings, 2), MEXPR_E_ARG, "string 1");
    for (int i = 0; i < 32; i++)
        assert_int_equal(mexpr_builder_int(b, "a", 1), MEXPR_OK);
    refused(mexpr_builder_int(b, "a", 1), MEXPR_E_ARG, "32 attributes");
    refused(mexpr_builder_node(b, "Sum", NULL, NULL, SIZE_MAX, NULL, 0, NULL),
        MEXPR_E_ARG, "NULL");
    refused(mexpr_builder_node(b, "Sum", NULL, strings, SIZE_MAX, NULL, 0, NULL),
        MEXPR_E_LIMIT, "65536");
    mexpr_builder_output(b, "y");
    refused(mexpr_builder_output(b, "y"), MEXPR_E_MODEL, "twice");
    refused(mexpr_builder_finish(b, &model), MEXPR_E_MODEL, "no outputs");
    mexpr_builder_output(b, "y");
    refused(mexpr_builder_finish(b, &model), MEXPR_E_MODEL, "'y' is made by no node");
    mexpr_builder_int(b, "alpha", 1);
    refused(mexpr_builder_finish(b, &model), MEXPR_E_STATE, "'alpha'");
    node("Relu", "z", NULL, "y");
    node("Relu", "y", NULL, "z");
    mexpr_builder_output(b, "y");
    refused(mexpr_builder_finish(b, &model), MEXPR_E_MODEL, "cycle");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_call),
        TEST(it_runs),
        TEST(odd_file),
        TEST(without_source),
        TEST(initialisations),
        TEST(refusals_of_values),
        TEST(refusals_of_nodes),
        TEST(files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
