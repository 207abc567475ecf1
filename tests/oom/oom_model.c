/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../model/onnx_build.h"
#include "microexpr/image.h"
#include "microexpr/model.h"
#include "support.h"

enum { F32 = 1, I64 = 7, BOOL = 9, F16 = 10 };

/* Something of everything: attributes of all kinds, folding, a side file, shapes that
 * depend on values. */
static onnx_model build(bool with_side_file)
{
    static const float w[2 * 3 * 3 * 3] = {1, -1, 0.5f};
    static const int64_t shape[2] = {0, -1};
    static const uint16_t half[2] = {0x3c00, 0xbc00};
    onnx_model m = onnx_begin(13);
    onnx_message node, entry = {0};
    onnx_text(&m.extra, 2, "tester");
    onnx_text(&entry, 1, "key");
    onnx_text(&entry, 2, "value");
    onnx_put(&m.extra, 14, &entry);
    onnx_text(&m.graph, 2, "net");
    onnx_input(&m, "x", F32, "N 3 H W");
    onnx_input(&m, "rows", I64, "1");
    onnx_f32(&m, "w", "2 3 3 3", w);
    onnx_i64(&m, "shape", "2", shape);
    if (with_side_file) {
        onnx_message t = onnx_tensor("bias", F32, "2", NULL, 0);
        onnx_text(&entry, 1, "location");
        onnx_text(&entry, 2, "oom.data");
        onnx_put(&t, 13, &entry);
        onnx_int(&t, 14, 1);
        onnx_put(&m.graph, 5, &t);
    } else {
        onnx_message t = onnx_tensor("bias", F16, "2", half, sizeof half);
        onnx_put(&m.graph, 5, &t);
    }
    node = onnx_node("Conv", "conv", "x w bias", "a");
    onnx_attr_ints(&node, "pads", "1 1 1 1");
    onnx_attr_text(&node, "auto_pad", "NOTSET");
    onnx_add(&m, &node);
    node = onnx_node("LeakyRelu", "", "a", "b");
    onnx_attr_float(&node, "alpha", 0.1f);
    onnx_add(&m, &node);
    onnx_simple(&m, "GlobalAveragePool", "b", "p");
    onnx_simple(&m, "Reshape", "p shape", "q");
    onnx_message c = onnx_tensor("", F32, "2", w, 2 * sizeof *w);
    node = onnx_node("Constant", "", "", "k");
    onnx_attr_tensor(&node, "value", &c);
    onnx_add(&m, &node);
    onnx_simple(&m, "Neg", "k", "folded");
    onnx_simple(&m, "Add", "q folded", "y");
    onnx_simple(&m, "Expand", "folded rows", "z");
    onnx_simple(&m, "Shape", "b", "dims");
    onnx_output(&m, "y", F32, "N 2");
    onnx_output(&m, "x", F32, NULL);
    onnx_output(&m, "z", F32, NULL);
    onnx_output(&m, "dims", I64, NULL);
    onnx_end(&m);
    return m;
}

static mexpr_status run_with(mexpr_session *session, int64_t batch)
{
    static const float x[2 * 3 * 5 * 5] = {1, 2, 3};
    static const int64_t rows = 2;
    mexpr_tensor_view view = MEXPR_TENSOR_VIEW_INIT, one = MEXPR_TENSOR_VIEW_INIT;
    view.dtype = F32;
    view.rank = 4;
    view.dims[0] = batch;
    view.dims[1] = 3;
    view.dims[2] = view.dims[3] = 5;
    view.data = x;
    one.dtype = I64;
    one.rank = 1;
    one.dims[0] = 1;
    one.data = &rows;
    mexpr_status status = mexpr_session_set_input(session, "x", &view);
    if (status == MEXPR_OK)
        status = mexpr_session_set_input(session, "rows", &one);
    if (status == MEXPR_OK)
        status = mexpr_session_run(session);
    if (status == MEXPR_OK)
        status = mexpr_session_output(session, "y", &view);
    if (status != MEXPR_OK)
        assert_true(mexpr_session_last_error(session)[0] != '\0');
    return status;
}

static mexpr_status run_model(mexpr_model *model)
{
    mexpr_session *session = NULL;
    mexpr_status status = mexpr_session_create(model, &session);
    assert_true((status == MEXPR_OK) == (session != NULL));
    if (status == MEXPR_OK)
        status = mexpr_session_profile(session, 1);
    if (status == MEXPR_OK)
        status = run_with(session, 1);
    if (status == MEXPR_OK)
        status = run_with(session, 2);
    if (status == MEXPR_OK) {
        mexpr_step_info step = MEXPR_STEP_INFO_INIT;
        mexpr_memory_info memory = MEXPR_MEMORY_INFO_INIT;
        assert_int_equal(mexpr_session_step(session, 0, &step), MEXPR_OK);
        assert_int_equal(mexpr_session_memory(session, &memory), MEXPR_OK);
    }
    mexpr_session_destroy(&session);
    return status;
}

static mexpr_status from_memory(mexpr_context *context, void *arg)
{
    const onnx_model *m = arg;
    mexpr_model *model = NULL;
    mexpr_status status =
        mexpr_model_load_memory(context, m->file.data, m->file.size, &model);
    assert_true((status == MEXPR_OK) == (model != NULL));
    if (status == MEXPR_OK)
        status = run_model(model);
    mexpr_model_destroy(&model);
    return status;
}

static mexpr_status from_file(mexpr_context *context, void *arg)
{
    mexpr_model *model = NULL;
    const mexpr_status status = mexpr_model_load(context, arg, &model);
    mexpr_model_destroy(&model);
    return status;
}

/* An If and a Loop to be taken apart, and shapes that come out of running. */
static onnx_model build_flow(void)
{
    static const int64_t trips = 2, axis = 0;
    static const uint8_t yes = 1;
    onnx_model m = onnx_begin(13);
    onnx_message body = {0}, branches[2] = {{0}, {0}}, node;
    onnx_message condition = onnx_tensor("c", BOOL, "", &yes, 1);
    onnx_input(&m, "x", F32, "4");
    onnx_put(&m.graph, 5, &condition);
    onnx_i64(&m, "trips", "", &trips);
    onnx_i64(&m, "axis", "1", &axis);
    for (int i = 0; i < 2; i++) {
        onnx_message result = {0};
        node = onnx_node(i ? "Relu" : "Neg", "", "x", "r");
        onnx_put(&branches[i], 1, &node);
        onnx_text(&result, 1, "r");
        onnx_put(&branches[i], 12, &result);
    }
    node = onnx_node("If", "", "c", "a");
    onnx_attr_graph(&node, "then_branch", &branches[1]);
    onnx_attr_graph(&node, "else_branch", &branches[0]);
    onnx_add(&m, &node);
    node = onnx_node("Add", "", "v x", "w");
    onnx_put(&body, 1, &node);
    static const char *const names[] = {"i", "go", "v", "go", "w"};
    for (int i = 0; i < 5; i++) {
        onnx_message info = {0};
        onnx_text(&info, 1, names[i]);
        onnx_put(&body, i < 3 ? 11 : 12, &info);
    }
    node = onnx_node("Loop", "", "trips c a", "b");
    onnx_attr_graph(&node, "body", &body);
    onnx_add(&m, &node);
    onnx_simple(&m, "NonZero", "b", "n");
    onnx_simple(&m, "Squeeze", "n axis", "k");
    onnx_simple(&m, "Gather", "b k", "y");
    onnx_output(&m, "y", F32, NULL);
    onnx_end(&m);
    return m;
}

/* A Scan whose extent has to be looked for, and nodes of an old opset. */
static onnx_model build_scan(void)
{
    static const char *const names[] = {"sum", "item", "next"};
    onnx_model m = onnx_begin(9);
    onnx_message body = {0}, node;
    onnx_input(&m, "start", F32, "2");
    onnx_input(&m, "x", F32, "3 2");
    node = onnx_node("Clip", "", "x", "a");
    onnx_attr_float(&node, "max", 6);
    onnx_add(&m, &node);
    node = onnx_node("Slice", "", "a", "b");
    onnx_attr_ints(&node, "starts", "0");
    onnx_attr_ints(&node, "ends", "2");
    onnx_add(&m, &node);
    node = onnx_node("Add", "", "sum item", "next");
    onnx_put(&body, 1, &node);
    for (int i = 0; i < 3; i++) {
        onnx_message info = {0};
        onnx_text(&info, 1, names[i]);
        onnx_put(&body, i < 2 ? 11 : 12, &info);
    }
    node = onnx_node("Scan", "", "start b", "y");
    onnx_attr_graph(&node, "body", &body);
    onnx_attr_int(&node, "num_scan_inputs", 1);
    onnx_add(&m, &node);
    onnx_output(&m, "y", F32, NULL);
    onnx_end(&m);
    return m;
}

/* Before opset 7: along an axis. */
static onnx_model build_old(void)
{
    static const float bias[3] = {1, 2, 3};
    onnx_model m = onnx_begin(6);
    onnx_input(&m, "x", F32, "2 3 2");
    onnx_f32(&m, "bias", "3", bias);
    onnx_message node = onnx_node("Add", "", "x bias", "a");
    onnx_attr_int(&node, "broadcast", 1);
    onnx_attr_int(&node, "axis", 1);
    onnx_add(&m, &node);
    onnx_simple(&m, "PRelu", "a bias", "y");
    onnx_output(&m, "y", F32, NULL);
    onnx_end(&m);
    return m;
}

/* It only loads. */
static mexpr_status load_model(mexpr_context *context, void *arg)
{
    const onnx_model *m = arg;
    mexpr_model *model = NULL;
    const mexpr_status status =
        mexpr_model_load_memory(context, m->file.data, m->file.size, &model);
    assert_true((status == MEXPR_OK) == (model != NULL));
    mexpr_model_destroy(&model);
    return status;
}

/* Twice, with more and with fewer numbers that are not 0. */
static mexpr_status run_flow(mexpr_context *context, void *arg)
{
    static const float x[2][4] = {{1, 0, 2, 3}, {0, 0, 0, 4}};
    const onnx_model *m = arg;
    mexpr_model *model = NULL;
    mexpr_session *session = NULL;
    mexpr_status status =
        mexpr_model_load_memory(context, m->file.data, m->file.size, &model);
    if (status == MEXPR_OK)
        status = mexpr_session_create(model, &session);
    for (int i = 0; status == MEXPR_OK && i < 2; i++) {
        mexpr_tensor_view view = MEXPR_TENSOR_VIEW_INIT;
        view.dtype = F32;
        view.rank = 1;
        view.dims[0] = 4;
        view.data = x[i];
        assert_int_equal(mexpr_session_set_input(session, NULL, &view), MEXPR_OK);
        status = mexpr_session_run(session);
        if (status == MEXPR_OK)
            assert_int_equal(mexpr_session_output(session, NULL, &view), MEXPR_OK);
        else
            assert_true(mexpr_session_last_error(session)[0] != '\0');
        if (status == MEXPR_OK)
            assert_int_equal(view.dims[0], i ? 1 : 3);
    }
    mexpr_session_destroy(&session);
    mexpr_model_destroy(&model);
    return status;
}

/* Patterns of most rewrites, one behind the other. */
static onnx_model build_patterns(void)
{
    static const float w[2 * 2 * 3 * 3] = {1, -1, 0.5f}, vector[2] = {1, 2};
    static const int64_t pads[8] = {0, 0, 1, 1, 0, 0, 1, 1};
    onnx_model m = onnx_begin(13);
    onnx_input(&m, "x", F32, "N 2 5 5");
    onnx_f32(&m, "w", "2 2 3 3", w);
    onnx_f32(&m, "v", "2", vector);
    onnx_f32(&m, "one", "", w);
    onnx_i64(&m, "pads", "8", pads);
    onnx_simple(&m, "Identity", "x", "same");
    onnx_simple(&m, "Pad", "same pads", "padded");
    onnx_simple(&m, "Conv", "padded w v", "a");
    onnx_simple(&m, "BatchNormalization", "a v v v v", "b");
    onnx_simple(&m, "Add", "b x", "c");
    onnx_simple(&m, "Sigmoid", "c", "d");
    onnx_simple(&m, "Mul", "c d", "e");
    onnx_simple(&m, "GlobalAveragePool", "e", "f");
    onnx_simple(&m, "GlobalMaxPool", "e", "g");
    onnx_simple(&m, "Add", "f g", "h");
    onnx_simple(&m, "Sigmoid", "h", "i");
    onnx_simple(&m, "Mul", "e i", "y");
    onnx_output(&m, "y", F32, NULL);
    onnx_end(&m);
    return m;
}

static mexpr_status rewritten(mexpr_context *context, void *arg)
{
    const onnx_model *m = arg;
    static const float x[2 * 5 * 5] = {1, 2, 3};
    mexpr_model *model = NULL;
    mexpr_session *session = NULL;
    mexpr_model_options options = MEXPR_MODEL_OPTIONS_INIT;
    mexpr_tensor_view view = MEXPR_TENSOR_VIEW_INIT;
    mexpr_status status = mexpr_model_load_memory_with(
        context, m->file.data, m->file.size, &options, &model);
    assert_true((status == MEXPR_OK) == (model != NULL));
    if (status == MEXPR_OK) {
        assert_true(mexpr_model_n_rewrites(model, MEXPR_REWRITE_BATCH_NORM) == 1);
        status = mexpr_session_create(model, &session);
    }
    view.dtype = F32;
    view.rank = 4;
    view.dims[0] = 1;
    view.dims[1] = 2;
    view.dims[2] = view.dims[3] = 5;
    view.data = x;
    if (status == MEXPR_OK)
        status = mexpr_session_set_input(session, NULL, &view);
    if (status == MEXPR_OK)
        status = mexpr_session_run(session);
    mexpr_session_destroy(&session);
    mexpr_model_destroy(&model);
    return status;
}

static mexpr_status rewritten_file(mexpr_context *context, void *arg)
{
    mexpr_model *model = NULL;
    const mexpr_status status = mexpr_model_load_with(context, arg, NULL, &model);
    mexpr_model_destroy(&model);
    return status;
}

static void rewrites(void **state)
{
    (void)state;
    char path[512];
    onnx_model m = build_patterns();
    assert_true(test_oom_sweep(rewritten, &m, 1) > 10);
    snprintf(path, sizeof path, "%s", test_path("oom_rewrites.onnx"));
    test_write_file(path, m.file.data, m.file.size);
    assert_true(test_oom_sweep(rewritten_file, path, 1) > 10);
    onnx_destroy(&m);
}

static void models(void **state)
{
    (void)state;
    static const float bias[2] = {1, 2};
    char path[512];
    onnx_model m = build(false);
    assert_true(test_oom_sweep(from_memory, &m, 1) > 20);
    onnx_destroy(&m);
    m = build_scan();
    assert_true(test_oom_sweep(load_model, &m, 1) > 20);
    onnx_destroy(&m);
    m = build_old();
    assert_true(test_oom_sweep(load_model, &m, 1) > 20);
    onnx_destroy(&m);
    m = build_flow();
    assert_true(test_oom_sweep(run_flow, &m, 1) > 20);
    onnx_destroy(&m);
    m = build(true);
    snprintf(path, sizeof path, "%s", test_path("oom.onnx"));
    test_write_file(path, m.file.data, m.file.size);
    test_write_file(test_path("oom.data"), bias, sizeof bias);
    assert_true(test_oom_sweep(from_file, path, 1) > 10);
    onnx_destroy(&m);
}

/* --- building and writing ---------------------------------------------------------- */

static void add_nodes(mexpr_builder *b)
{
    static const float floats[2] = {1, 2};
    static const int64_t ints[1] = {1};
    const char *x = "x", *y = "y", *z = "z", *k = "k", *xw[2] = {"x", "w"};
    mexpr_tensor_view view = MEXPR_TENSOR_VIEW_INIT;
    view.dtype = F32;
    view.rank = 1;
    view.dims[0] = 2;
    view.data = floats;
    mexpr_builder_initializer(b, "w", &view, MEXPR_ROLE_PARAMETER);
    mexpr_builder_node(b, "Add", NULL, xw, 2, &y, 1, "add");
    mexpr_builder_int(b, "axis", 1);
    mexpr_builder_node(b, "Softmax", NULL, &y, 1, &z, 1, "softmax");
    mexpr_builder_float(b, "alpha", 0.5f);
    mexpr_builder_node(b, "Elu", NULL, &x, 1, (const char *[]){"e"}, 1, "elu");
    mexpr_builder_tensor(b, "value", &view);
    mexpr_builder_node(b, "Constant", NULL, NULL, 0, &k, 1, "k");
    mexpr_builder_floats(b, "value_floats", floats, 2);
    mexpr_builder_node(b, "Constant", NULL, NULL, 0, (const char *[]){"k2"}, 1, "k2");
    mexpr_builder_ints(b, "perm", (const int64_t[]){1, 0}, 2);
    mexpr_builder_node(b, "Transpose", NULL, &z, 1, (const char *[]){"t"}, 1, NULL);
    mexpr_builder_string(b, "auto_pad", "SAME_UPPER");
    mexpr_builder_ints(b, "kernel_shape", ints, 1);
    mexpr_builder_node(
        b, "MaxPool", NULL, (const char *[]){"p"}, 1, (const char *[]){"q"}, 1, NULL);
}

static mexpr_status build_and_write(mexpr_context *context, void *arg)
{
    mexpr_builder *b = NULL;
    mexpr_model *model = NULL;
    void *bytes = NULL;
    size_t size = 0;
    mexpr_status status = mexpr_builder_create(context, "net", &b);
    assert_true((status == MEXPR_OK) == (b != NULL));
    if (status != MEXPR_OK)
        return status;
    mexpr_builder_opset(b, "", 13);
    mexpr_builder_opset(b, "other", 1);
    mexpr_builder_seed(b, 1);
    for (int i = 0; i < 5; i++)
        mexpr_builder_metadata(b, "key", "value");
    mexpr_builder_input(b, "x", F32, 2, (const int64_t[]){-1, 2});
    mexpr_builder_random(b, "p", 3, (const int64_t[]){1, 1, 4}, MEXPR_INIT_NORMAL, 1,
        MEXPR_ROLE_PARAMETER);
    add_nodes(b);
    mexpr_builder_output(b, "t");
    mexpr_builder_output(b, "q");
    status = mexpr_builder_finish(b, &model);
    assert_true((status == MEXPR_OK) == (model != NULL));
    assert_true((status == MEXPR_OK) == (mexpr_builder_last_error(b)[0] == '\0'));
    mexpr_builder_destroy(&b);
    if (status == MEXPR_OK)
        status = mexpr_model_encode(context, model, &bytes, &size);
    assert_true((status == MEXPR_OK) == (bytes != NULL));
    mexpr_bytes_free(context, &bytes);
    if (status == MEXPR_OK)
        status = mexpr_model_write(context, model, arg);
    mexpr_model_destroy(&model);
    return status;
}

/* No operator of a small graph has a list of strings. */
static mexpr_status list_of_strings(mexpr_context *context, void *arg)
{
    static const char *const words[2] = {"one", "two"};
    mexpr_builder *b = NULL;
    (void)arg;
    mexpr_status status = mexpr_builder_create(context, "net", &b);
    if (status == MEXPR_OK)
        status = mexpr_builder_strings(b, "words", words, 2);
    mexpr_builder_destroy(&b);
    return status;
}

static void builders(void **state)
{
    (void)state;
    char path[512];
    snprintf(path, sizeof path, "%s", test_path("built.onnx"));
    assert_true(test_oom_sweep(build_and_write, path, 1) > 5);
    assert_true(test_oom_sweep(list_of_strings, NULL, 1) > 2);
}

typedef struct bytes {
    const void *data;
    size_t size;
} bytes;

static mexpr_status decode_pb(mexpr_context *context, void *arg)
{
    const bytes *b = arg;
    mexpr_tensor *tensor = NULL;
    const mexpr_status status =
        mexpr_tensor_decode_pb(context, b->data, b->size, &tensor);
    assert_true((status == MEXPR_OK) == (tensor != NULL));
    mexpr_tensor_destroy(&tensor);
    return status;
}

static mexpr_status decode_npy(mexpr_context *context, void *arg)
{
    const bytes *b = arg;
    mexpr_tensor *tensor = NULL;
    const mexpr_status status =
        mexpr_tensor_decode_npy(context, b->data, b->size, &tensor);
    assert_true((status == MEXPR_OK) == (tensor != NULL));
    mexpr_tensor_destroy(&tensor);
    return status;
}

static mexpr_status write_and_read(mexpr_context *context, void *arg)
{
    static const float data[6] = {1, 2, 3, 4, 5, 6};
    mexpr_tensor_view view = MEXPR_TENSOR_VIEW_INIT;
    mexpr_tensor *tensor = NULL;
    view.dtype = F32;
    view.rank = 2;
    view.dims[0] = 2;
    view.dims[1] = 3;
    view.data = data;
    mexpr_status status = mexpr_tensor_write_npy(context, &view, arg);
    if (status == MEXPR_OK)
        status = mexpr_tensor_read(context, arg, &tensor);
    assert_true((status == MEXPR_OK) == (tensor != NULL));
    mexpr_tensor_destroy(&tensor);
    return status;
}

static void tensors(void **state)
{
    (void)state;
    static const float data[2] = {1, 2};
    char path[512];
    onnx_message t = onnx_tensor("t", F32, "2", data, sizeof data);
    bytes b = {t.data, t.size};
    assert_true(test_oom_sweep(decode_pb, &b, 1) > 2);
    onnx_free(&t);
    snprintf(path, sizeof path, "%s", test_path("oom.npy"));
    assert_true(test_oom_sweep(write_and_read, path, 1) > 2);
    size_t size;
    void *file = test_read_file(path, &size);
    b = (bytes){file, size};
    assert_true(test_oom_sweep(decode_npy, &b, 1) > 2);
    free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(models),
        cmocka_unit_test(rewrites), cmocka_unit_test(builders),
        cmocka_unit_test(tensors)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
