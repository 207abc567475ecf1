/* SPDX-License-Identifier: MIT */
/* Loading: what a good file says of itself, and every way in which a bad one is refused.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/scope.h"
#include "microexpr/model.h"
#include "onnx_build.h"
#include "support.h"

enum { F32 = 1, INT8 = 3, I64 = 7, STRING = 8, F16 = 10, F64 = 11, BF16 = 16 };

static mexpr_context *context;

static int set_up(void **state)
{
    (void)state;
    context = test_context(NULL, 1);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    mexpr_context_destroy(&context);
    return 0;
}

/* Ends the model, loads it, releases the bytes. */
static mexpr_status load(onnx_model *m, mexpr_model **out)
{
    onnx_end(m);
    const mexpr_status status =
        mexpr_model_load_memory(context, m->file.data, m->file.size, out);
    onnx_destroy(m);
    if (status != MEXPR_OK)
        assert_null(*out);
    return status;
}

#define assert_refused(m, expected, part)                                                \
    do {                                                                                 \
        mexpr_model *refused = NULL;                                                     \
        assert_failure(context, load(m, &refused), expected, part);                      \
        mexpr_model_destroy(&refused);                                                   \
    } while (0)

/* x (N×3×4×4) -> Conv 'conv1' (2 channels) -> y. */
static onnx_model small(int64_t opset, const char *weight_dims)
{
    static const float weights[2 * 3 * 9 * 9] = {0.5f, -1, 0.25f};
    onnx_model m = onnx_begin(opset);
    onnx_input(&m, "x", F32, "N 3 4 4");
    onnx_f32(&m, "w", weight_dims, weights);
    onnx_message node = onnx_node("Conv", "conv1", "x w", "y");
    onnx_attr_ints(&node, "pads", "1 1 1 1");
    onnx_add(&m, &node);
    onnx_output(&m, "y", F32, "N 2 4 4");
    return m;
}

static void tells_about_itself(void **state)
{
    (void)state;
    onnx_model m = small(13, "2 3 3 3");
    onnx_message meta = {0};
    onnx_text(&m.extra, 2, "tester");
    onnx_text(&meta, 1, "labels");
    onnx_text(&meta, 2, "a,b");
    onnx_put(&m.extra, 14, &meta);
    onnx_text(&m.graph, 2, "net");
    mexpr_model *model = NULL;
    assert_ok(context, load(&m, &model));
    assert_int_equal(mexpr_model_n_inputs(model), 1);
    assert_int_equal(mexpr_model_n_outputs(model), 1);
    mexpr_tensor_info info = MEXPR_TENSOR_INFO_INIT;
    assert_int_equal(mexpr_model_input(model, 0, &info), MEXPR_OK);
    assert_string_equal(info.name, "x");
    assert_int_equal(info.dtype, MEXPR_DTYPE_F32);
    assert_int_equal(info.rank, 4);
    assert_int_equal(info.dims[0], -1);
    assert_int_equal(info.dims[1], 3);
    assert_int_equal(mexpr_model_output(model, 0, &info), MEXPR_OK);
    assert_string_equal(info.name, "y");
    assert_int_equal(info.dims[0], -1);
    assert_int_equal(info.dims[1], 2);
    assert_int_equal(mexpr_model_input(model, 1, &info), MEXPR_E_ARG);
    assert_int_equal(mexpr_model_input(model, -1, &info), MEXPR_E_ARG);
    info.struct_size = 8;
    assert_int_equal(mexpr_model_output(model, 0, &info), MEXPR_E_ABI);
    assert_string_equal(mexpr_model_metadata(model, "labels"), "a,b");
    assert_null(mexpr_model_metadata(model, "none"));
    assert_string_equal(mexpr_model_name(model), "net");
    assert_string_equal(mexpr_model_producer(model), "tester");
    assert_int_equal(mexpr_model_opset(model), 13);
    assert_int_equal(mexpr_model_n_parameters(model), 54);
    assert_int_equal(mexpr_model_n_nodes(model), 1);
    const char *name, *op;
    assert_int_equal(mexpr_model_node(model, 0, &name, &op), MEXPR_OK);
    assert_string_equal(name, "conv1");
    assert_string_equal(op, "Conv");
    assert_int_equal(mexpr_model_node(model, 0, NULL, NULL), MEXPR_OK);
    assert_int_equal(mexpr_model_node(model, 1, &name, &op), MEXPR_E_ARG);
    mexpr_model *second = mexpr_model_retain(model);
    mexpr_model_destroy(&model);
    assert_null(model);
    assert_int_equal(mexpr_model_n_nodes(second), 1);
    mexpr_model_destroy(&second);
    mexpr_model_destroy(&second);
    mexpr_model_destroy(NULL);
}

static void null_arguments(void **state)
{
    (void)state;
    mexpr_model *model = NULL;
    mexpr_tensor_info info = MEXPR_TENSOR_INFO_INIT;
    assert_int_equal(mexpr_model_load(NULL, "x", &model), MEXPR_E_ARG);
    assert_failure(context, mexpr_model_load(context, NULL, &model), MEXPR_E_ARG, "NULL");
    assert_failure(context, mexpr_model_load(context, "x", NULL), MEXPR_E_ARG, "NULL");
    assert_failure(
        context, mexpr_model_load_memory(context, NULL, 1, &model), MEXPR_E_ARG, "NULL");
    assert_int_equal(mexpr_model_n_inputs(NULL), 0);
    assert_int_equal(mexpr_model_n_outputs(NULL), 0);
    assert_int_equal(mexpr_model_n_nodes(NULL), 0);
    assert_int_equal(mexpr_model_n_parameters(NULL), 0);
    assert_int_equal(mexpr_model_opset(NULL), 0);
    assert_string_equal(mexpr_model_name(NULL), "");
    assert_string_equal(mexpr_model_producer(NULL), "");
    assert_null(mexpr_model_metadata(NULL, "x"));
    assert_null(mexpr_model_retain(NULL));
    assert_int_equal(mexpr_model_input(NULL, 0, &info), MEXPR_E_ARG);
    assert_int_equal(mexpr_model_node(NULL, 0, NULL, NULL), MEXPR_E_ARG);
    assert_failure(context, mexpr_model_load(context, test_path("absent.onnx"), &model),
        MEXPR_E_NOT_FOUND, "absent.onnx");
    assert_failure(context, mexpr_model_load(context, test_folder(), &model), MEXPR_E_IO,
        "regular file");
}

/* --- bytes ------------------------------------------------------------------------- */

static void garbage(void **state)
{
    (void)state;
    static const char text[] = "\x89PNG\r\n\x1a\n, not a network";
    static const uint8_t zeros[32] = {0};
    mexpr_model *model = NULL;
    assert_failure(context, mexpr_model_load_memory(context, zeros, sizeof zeros, &model),
        MEXPR_E_FORMAT, "not ONNX");
    const mexpr_status status =
        mexpr_model_load_memory(context, text, sizeof text - 1, &model);
    assert_true(status == MEXPR_E_FORMAT || status == MEXPR_E_TRUNCATED);
    assert_failure(context, mexpr_model_load_memory(context, text, 0, &model),
        MEXPR_E_TRUNCATED, "empty");
    onnx_message other = {0};
    onnx_int(&other, 1, 8);
    assert_failure(context,
        mexpr_model_load_memory(context, other.data, other.size, &model), MEXPR_E_FORMAT,
        "no graph");
    onnx_free(&other);
}

static void truncated_everywhere(void **state)
{
    (void)state;
    onnx_model m = small(13, "2 3 3 3");
    onnx_end(&m);
    for (size_t size = 0; size < m.file.size; size++) {
        mexpr_model *model = NULL;
        /* An exact copy lets a sanitizer see a byte too far. */
        uint8_t *copy = malloc(size ? size : 1);
        assert_non_null(copy);
        memcpy(copy, m.file.data, size);
        const mexpr_status status = mexpr_model_load_memory(context, copy, size, &model);
        assert_true(status == MEXPR_E_TRUNCATED || status == MEXPR_E_FORMAT ||
                    status == MEXPR_E_OPSET);
        assert_null(model);
        free(copy);
    }
    onnx_destroy(&m);
}

static void field_beyond_its_message(void **state)
{
    (void)state;
    onnx_model m = small(13, "2 3 3 3");
    static const uint8_t bad[] = {0x0a, 0x7f, 1}; /* node of 127 bytes, 1 is there */
    onnx_message graph = {0};
    onnx_bytes(&graph, 0, bad, 0);
    onnx_free(&graph);
    onnx_bytes(&m.file, 7, bad, sizeof bad);
    mexpr_model *model = NULL;
    assert_failure(context,
        mexpr_model_load_memory(context, m.file.data, m.file.size, &model),
        MEXPR_E_FORMAT, "beyond");
    onnx_destroy(&m);
}

/* --- versions and operators -------------------------------------------------------- */

static void versions(void **state)
{
    (void)state;
    for (int64_t opset = 0; opset <= 22; opset++) {
        onnx_model m = small(opset, "2 3 3 3");
        mexpr_model *model = NULL;
        if (opset < 1 || opset > 21)
            assert_failure(context, load(&m, &model), MEXPR_E_OPSET, "opset");
        else
            assert_ok(context, load(&m, &model));
        mexpr_model_destroy(&model);
    }
    for (int64_t ir = 2; ir <= 11; ir += 9) {
        onnx_model m = small(13, "2 3 3 3");
        m.ir = ir;
        assert_refused(&m, MEXPR_E_OPSET, "IR version");
    }
}

static onnx_model one_node(const char *op, const char *domain)
{
    onnx_model m = onnx_begin(13);
    onnx_input(&m, "x", F32, "2 3");
    onnx_message node = onnx_node(op, "the_node", "x", "y");
    if (domain)
        onnx_text(&node, 7, domain);
    onnx_add(&m, &node);
    onnx_output(&m, "y", F32, NULL);
    return m;
}

static void unknown_operators(void **state)
{
    (void)state;
    onnx_model m = one_node("FancyOp", NULL);
    assert_refused(
        &m, MEXPR_E_OPERATOR, "node 'the_node' (FancyOp): the operator 'FancyOp'");
    m = one_node("Relu", "com.example");
    assert_refused(&m, MEXPR_E_OPERATOR, "com.example");
    m = one_node("HardSwish", NULL);
    assert_refused(&m, MEXPR_E_OPERATOR, "only from 14 on");
    m = one_node("Relu", "ai.onnx");
    mexpr_model *model = NULL;
    assert_ok(context, load(&m, &model));
    mexpr_model_destroy(&model);
}

static void functions_and_sparse(void **state)
{
    (void)state;
    onnx_model m = small(13, "2 3 3 3");
    onnx_text(&m.extra, 25, "");
    assert_refused(&m, MEXPR_E_OPERATOR, "functions");
    m = small(13, "2 3 3 3");
    onnx_text(&m.graph, 15, "");
    assert_refused(&m, MEXPR_E_TYPE, "sparse");
}

static void attributes(void **state)
{
    (void)state;
    onnx_model m = onnx_begin(13);
    onnx_input(&m, "x", F32, "2 3");
    onnx_message node = onnx_node("Flatten", "f", "x", "y");
    onnx_attr_float(&node, "axis", 1);
    onnx_add(&m, &node);
    onnx_output(&m, "y", F32, NULL);
    assert_refused(
        &m, MEXPR_E_MODEL, "node 'f' (Flatten): the attribute 'axis' must be an integer");
    m = onnx_begin(13);
    onnx_input(&m, "x", F32, "2 3");
    node = onnx_node("Flatten", "f", "x", "y");
    onnx_attr_int(&node, "axes", 1);
    onnx_add(&m, &node);
    onnx_output(&m, "y", F32, NULL);
    assert_refused(&m, MEXPR_E_OPERATOR, "'axes'");
    m = onnx_begin(13);
    onnx_input(&m, "x", F32, "2 3");
    node = onnx_node("Flatten", "f", "x", "y");
    onnx_attr_int(&node, "axis", 1);
    onnx_attr_int(&node, "axis", 1);
    onnx_add(&m, &node);
    onnx_output(&m, "y", F32, NULL);
    assert_refused(&m, MEXPR_E_MODEL, "twice");
    m = onnx_begin(13);
    onnx_input(&m, "x", F32, "2 3");
    node = onnx_node("Relu", "r", "x", "y");
    onnx_message a = {0};
    onnx_text(&a, 1, "body");
    onnx_text(&a, 6, "");
    onnx_int(&a, 20, 5);
    onnx_put(&node, 5, &a);
    onnx_add(&m, &node);
    onnx_output(&m, "y", F32, NULL);
    assert_refused(&m, MEXPR_E_OPERATOR, "graphs inside nodes");
}

static void numbers_of_inputs(void **state)
{
    (void)state;
    static const struct {
        const char *inputs, *outputs, *part;
    } cases[] = {{"x", "y", "takes 2 or more"}, {"x x x", "y", "takes 2 at most"},
        {"x -", "y", "input 1 is left out"}, {"x x", "", "0 outputs"},
        {"x x", "y z", "2 outputs"}, {"x x", "-", "output 0 is left out"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        onnx_model m = onnx_begin(13);
        onnx_input(&m, "x", F32, "2");
        onnx_simple(&m, "Add", cases[i].inputs, cases[i].outputs);
        onnx_output(&m, "x", F32, NULL);
        assert_refused(&m, MEXPR_E_MODEL, cases[i].part);
    }
}

/* --- graph ------------------------------------------------------------------------- */

static void unsorted_graph_is_sorted(void **state)
{
    (void)state;
    onnx_model m = onnx_begin(13);
    onnx_input(&m, "x", F32, "2");
    onnx_simple(&m, "Relu", "b", "y");
    onnx_simple(&m, "Neg", "a", "b");
    onnx_simple(&m, "Abs", "x", "a");
    onnx_output(&m, "y", F32, "2");
    mexpr_model *model = NULL;
    assert_ok(context, load(&m, &model));
    mexpr_model_destroy(&model);
}

/* Graphs of inputs, nodes and outputs that are refused, and how. */
typedef struct port {
    const char *name;
    int type;
    const char *dims;
} port;

static const struct refused {
    port inputs[2];
    const char *nodes[2][3]; /* operator, inputs, outputs */
    port outputs[2];
    mexpr_status status;
    const char *sentence;
} refused_graphs[] = {
    {{{"x", F32, "2"}}, {{"Add", "x b", "a"}, {"Relu", "a", "b"}}, {{"b", F32, "2"}},
        MEXPR_E_MODEL, "node 0 (Add): the graph has a cycle"},
    {{{"x", F32, "2"}}, {{"Add", "x weight", "y"}}, {{"y", F32, "2"}}, MEXPR_E_MODEL,
        "its input 'weight' is made by no node"},
    {{{"x", F32, "2"}}, {{"Relu", "x", "y"}}, {{"z", F32, "2"}}, MEXPR_E_MODEL,
        "output 'z' is made by no node"},
    {{{"x", F32, "2"}}, {{"Relu", "x", "y"}, {"Neg", "x", "y"}}, {{"y", F32, "2"}},
        MEXPR_E_MODEL, "'y' is made twice"},
    {{{"x", F32, "2"}, {"x", F32, "2"}}, {{"Relu", "x", "y"}}, {{"y", F32, "2"}},
        MEXPR_E_MODEL, "'x' is made twice"},
    {{{"x", F32, "2"}}, {{"Relu", "x", "y"}}, {{"y", F32, "2"}, {"y", F32, "2"}},
        MEXPR_E_MODEL, "'y' is there twice"},
    {{{"x", F32, "2"}}, {{"Relu", "x", "y"}}, {{0}}, MEXPR_E_MODEL, "no outputs"},
    {{{"a", F32, "N 3"}, {"b", F32, "4"}}, {{"Add", "a b", "y"}}, {{"y", F32, NULL}},
        MEXPR_E_SHAPE, "?×3 and 4 cannot be broadcast"},
    {{{"x", F32, "2 -7"}}, {{"Relu", "x", "y"}}, {{"y", F32, NULL}}, MEXPR_E_SHAPE,
        "'x' has a dimension of -7"},
    {{{"x", F32, "1 2 3 4 5 6 7 8 9"}}, {{"Relu", "x", "y"}}, {{"y", F32, NULL}},
        MEXPR_E_SHAPE, "9 dimensions"},
    {{{"x", F32, "4294967296 4294967296 4294967296"}}, {{"Relu", "x", "y"}},
        {{"y", F32, NULL}}, MEXPR_E_SHAPE, "larger than any memory"},
    {{{"x", F32, "0 4294967296 4294967296 4294967296"}}, {{"Relu", "x", "y"}},
        {{"y", F32, NULL}}, MEXPR_E_SHAPE, "larger than any memory"},
    {{{"x", F32, "65536 65536"}}, {{"Relu", "x", "y"}}, {{"y", F32, NULL}}, MEXPR_E_LIMIT,
        "max_tensor_bytes"},
    {{{"a", F32, "2"}, {"b", I64, "2"}}, {{"Add", "a b", "y"}}, {{"y", F32, NULL}},
        MEXPR_E_TYPE, "node 0 (Add): its input 1 is int64, but its input 0"},
    {{{"a", I64, "2"}}, {{"Sigmoid", "a", "y"}}, {{"y", F32, NULL}}, MEXPR_E_TYPE,
        "int64, which it does not take"},
    {{{"a", STRING, "2"}}, {{"Identity", "a", "y"}}, {{"y", STRING, NULL}}, MEXPR_E_TYPE,
        "string"},
    {{{"a", F32, "2"}}, {{"Relu", "a", "y"}}, {{"y", I64, NULL}}, MEXPR_E_TYPE,
        "'y' is declared as int64, but is float32"},
};

static void bad_graphs(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused_graphs / sizeof refused_graphs[0]; i++) {
        const struct refused *r = &refused_graphs[i];
        onnx_model m = onnx_begin(13);
        for (int k = 0; k < 2 && r->inputs[k].name; k++)
            onnx_input(&m, r->inputs[k].name, r->inputs[k].type, r->inputs[k].dims);
        for (int k = 0; k < 2 && r->nodes[k][0]; k++)
            onnx_simple(&m, r->nodes[k][0], r->nodes[k][1], r->nodes[k][2]);
        for (int k = 0; k < 2 && r->outputs[k].name; k++)
            onnx_output(&m, r->outputs[k].name, r->outputs[k].type, r->outputs[k].dims);
        assert_refused(&m, r->status, r->sentence);
    }
}

/* --- shapes ------------------------------------------------------------------------- */

static void bad_weights(void **state)
{
    (void)state;
    onnx_model m = small(13, "2 4 3 3");
    assert_refused(
        &m, MEXPR_E_SHAPE, "node 'conv1' (Conv): the input ?×3×4×4 has 3 channels");
    m = small(13, "2 3 9 9");
    assert_refused(&m, MEXPR_E_SHAPE, "larger than the padded input");
}

/* Few bytes in a file must not become gigabytes when it is loaded. */
static long peak_of_loading(onnx_model *m)
{
    test_heap heap;
    test_heap_init(&heap);
    mexpr_context *own = test_context(&heap, 1);
    mexpr_model *model = NULL;
    onnx_end(m);
    (void)mexpr_model_load_memory(own, m->file.data, m->file.size, &model);
    mexpr_model_destroy(&model);
    mexpr_context_destroy(&own);
    onnx_destroy(m);
    return heap.peak_bytes;
}

static void folding_is_bounded(void **state)
{
    (void)state;
    static const int64_t many = 500000000, some = 4000000;
    onnx_model m = onnx_begin(17);
    onnx_input(&m, "x", F32, "1");
    onnx_i64(&m, "n", "1", &many);
    onnx_simple(&m, "ConstantOfShape", "n", "s");
    onnx_simple(&m, "Reshape", "x s", "y");
    onnx_output(&m, "y", F32, NULL);
    assert_true(peak_of_loading(&m) < 1 << 20);
    m = onnx_begin(17);
    onnx_input(&m, "x", F32, "1");
    onnx_i64(&m, "n", "1", &some);
    for (int i = 0; i < 40; i++) {
        char name[3] = {'c', (char)('0' + i), '\0'},
             sum[3] = {'s', (char)('0' + i), '\0'};
        const char before[3] = {'s', (char)('0' + i - 1), '\0'};
        char inputs[8];
        snprintf(inputs, sizeof inputs, "%s %s", i > 0 ? before : "x", name);
        onnx_simple(&m, "ConstantOfShape", "n", name);
        onnx_simple(&m, "Add", inputs, sum);
    }
    onnx_output(&m, "sW", F32, NULL);
    assert_true(peak_of_loading(&m) < 80 << 20);
}

/* Nor seconds: 2^43 steps from 32 MiB. What is left out is done when the model runs. */
static void folding_work_is_bounded(void **state)
{
    (void)state;
    static const int64_t sides[2] = {2048, 2048};
    onnx_model m = onnx_begin(17);
    onnx_input(&m, "x", F32, "1");
    onnx_i64(&m, "n", "2", sides);
    onnx_simple(&m, "ConstantOfShape", "n", "a");
    for (int i = 0; i < 1000; i++) {
        char in[16], out[8];
        snprintf(out, sizeof out, "p%d", i);
        snprintf(in, sizeof in, i > 0 ? "p%d a" : "a a", i - 1);
        onnx_simple(&m, "MatMul", in, out);
    }
    onnx_simple(&m, "Add", "p999 x", "y");
    onnx_output(&m, "y", F32, NULL);
    mexpr_model *model = NULL;
    const double start = mx_now_ms();
    assert_ok(context, load(&m, &model));
    assert_true(mx_now_ms() - start < 20000);
    mexpr_model_destroy(&model);
}

/* --- initializers ------------------------------------------------------------------ */

static onnx_model with_initializer(onnx_message *tensor)
{
    onnx_model m = onnx_begin(13);
    onnx_input(&m, "x", F32, "2");
    onnx_put(&m.graph, 5, tensor);
    onnx_simple(&m, "Add", "x w", "y");
    onnx_output(&m, "y", F32, "2");
    return m;
}

static void bad_initializers(void **state)
{
    (void)state;
    static const float two[2] = {1, 2};
    static const struct {
        int type;
        const char *dims;
        size_t bytes;
        mexpr_status status;
        const char *part;
    } cases[] = {
        {F32, "3", 8, MEXPR_E_MODEL,
            "tensor 'w': its shape needs 12 bytes, but it has 8"},
        {F32, "-2", 8, MEXPR_E_SHAPE, "tensor 'w': a dimension of -2"},
        {F32, "4611686018427387904 4", 8, MEXPR_E_SHAPE, "larger than any memory"},
        {F32, "2147483648", 8, MEXPR_E_LIMIT, "max_tensor_bytes"},
        {F32, "1 1 1 1 1 1 1 1 2", 8, MEXPR_E_SHAPE, "9 dimensions"},
        {INT8, "2", 2, MEXPR_E_TYPE, "int8"},
        {STRING, "2", 8, MEXPR_E_TYPE, "string"},
        {I64, "1", 8, MEXPR_E_TYPE, "its input 1 is int64"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        onnx_message t =
            onnx_tensor("w", cases[i].type, cases[i].dims, two, cases[i].bytes);
        onnx_model m = with_initializer(&t);
        assert_refused(&m, cases[i].status, cases[i].part);
    }
    onnx_message t = onnx_tensor("w", F32, "2", NULL, 0);
    onnx_model m = with_initializer(&t);
    assert_refused(&m, MEXPR_E_MODEL, "needs 2 numbers, but it has 0");
    t = onnx_tensor("w", F32, "2", two, sizeof two);
    onnx_text(&t, 3, "xx");
    m = with_initializer(&t);
    assert_refused(&m, MEXPR_E_MODEL, "segments");
    t = onnx_tensor("", F32, "2", two, sizeof two);
    m = with_initializer(&t);
    assert_refused(&m, MEXPR_E_MODEL, "no name");
}

static void limits(void **state)
{
    (void)state;
    mexpr_context_options options = test_options(NULL);
    options.max_nodes = 2;
    options.max_file_bytes = 4096;
    mexpr_context *small_context = NULL, *keep = context;
    assert_int_equal(mexpr_context_create(&options, &small_context), MEXPR_OK);
    context = small_context;
    onnx_model m = onnx_begin(13);
    onnx_input(&m, "x", F32, "2");
    onnx_simple(&m, "Relu", "x", "a");
    onnx_simple(&m, "Relu", "a", "b");
    onnx_simple(&m, "Relu", "b", "y");
    onnx_output(&m, "y", F32, "2");
    assert_refused(&m, MEXPR_E_LIMIT, "max_nodes");
    static const float many[2000];
    m = onnx_begin(13);
    onnx_f32(&m, "w", "2000", many);
    assert_refused(&m, MEXPR_E_LIMIT, "max_file_bytes");
    mexpr_context_destroy(&context);
    context = keep;
}

/* --- side files -------------------------------------------------------------------- */

static onnx_model with_side_file(
    const char *location, const char *offset, const char *length)
{
    onnx_message t = onnx_tensor("w", F32, "2", NULL, 0);
    const char *const keys[] = {"location", "offset", "length"};
    const char *const values[] = {location, offset, length};
    for (int i = 0; i < 3; i++) {
        onnx_message entry = {0};
        if (!values[i])
            continue;
        onnx_text(&entry, 1, keys[i]);
        onnx_text(&entry, 2, values[i]);
        onnx_put(&t, 13, &entry);
    }
    onnx_int(&t, 14, 1);
    return with_initializer(&t);
}

static mexpr_status load_file(onnx_model *m, mexpr_model **out)
{
    char path[512];
    snprintf(path, sizeof path, "%s", test_path("side.onnx"));
    onnx_end(m);
    test_write_file(path, m->file.data, m->file.size);
    onnx_destroy(m);
    return mexpr_model_load(context, path, out);
}

static void side_files(void **state)
{
    (void)state;
    static const float numbers[4] = {9, 10, 20, 9};
    test_write_file(test_path("side.data"), numbers, sizeof numbers);
    mexpr_model *model = NULL;
    onnx_model m = with_side_file("side.data", "4", "8");
    assert_ok(context, load_file(&m, &model));
    mexpr_session *session = NULL;
    static const float one[2] = {1, 1};
    mexpr_tensor_view x = MEXPR_TENSOR_VIEW_INIT, y = MEXPR_TENSOR_VIEW_INIT;
    x.dtype = MEXPR_DTYPE_F32;
    x.rank = 1;
    x.dims[0] = 2;
    x.data = one;
    assert_int_equal(mexpr_session_create(model, &session), MEXPR_OK);
    assert_int_equal(mexpr_session_set_input(session, "x", &x), MEXPR_OK);
    assert_int_equal(unlink(test_path("side.data")), 0);
    assert_int_equal(mexpr_session_run(session), MEXPR_OK);
    assert_int_equal(mexpr_session_output(session, "y", &y), MEXPR_OK);
    assert_true(((const float *)y.data)[0] == 11);
    assert_true(((const float *)y.data)[1] == 21);
    mexpr_session_destroy(&session);
    mexpr_model_destroy(&model);
}

static void bad_side_files(void **state)
{
    (void)state;
    static const float numbers[4] = {9, 10, 20, 9};
    static const struct {
        const char *location, *offset, *length, *part;
    } cases[] = {
        {"../side.data", NULL, NULL, "plain name"},
        {"..", NULL, NULL, "plain name"},
        {"/etc/passwd", NULL, NULL, "plain name"},
        {"sub/side.data", NULL, NULL, "plain name"},
        {"", NULL, NULL, "plain name"},
        {NULL, NULL, NULL, "does not say"},
        {"missing.data", NULL, NULL, "no such file"},
        {"link.data", NULL, NULL, "it is a link"},
        {"side.data", "12", NULL, "beyond the end"},
        {"side.data", "18446744073709551615", NULL, "beyond the end"},
        {"side.data", "99999999999999999999", NULL, "not a number"},
        {"side.data", "-4", NULL, "not a number"},
        {"side.data", "0", "4", "its part of the side file has 4"},
    };
    test_write_file(test_path("side.data"), numbers, sizeof numbers);
    assert_int_equal(symlink(test_path("side.data"), test_path("link.data")), 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mexpr_model *model = NULL;
        onnx_model m =
            with_side_file(cases[i].location, cases[i].offset, cases[i].length);
        assert_failure(context, load_file(&m, &model), MEXPR_E_EXTERNAL, cases[i].part);
        assert_null(model);
    }
    onnx_model m = with_side_file("side.data", NULL, NULL);
    assert_refused(&m, MEXPR_E_EXTERNAL, "a model from memory may not have any");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {TEST(tells_about_itself), TEST(null_arguments),
        TEST(garbage), TEST(truncated_everywhere), TEST(field_beyond_its_message),
        TEST(versions), TEST(unknown_operators), TEST(functions_and_sparse),
        TEST(attributes), TEST(numbers_of_inputs), TEST(unsorted_graph_is_sorted),
        TEST(bad_graphs), TEST(bad_weights), TEST(folding_is_bounded),
        TEST(folding_work_is_bounded), TEST(bad_initializers), TEST(limits),
        TEST(side_files), TEST(bad_side_files)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
