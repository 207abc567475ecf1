/* SPDX-License-Identifier: MIT */
#include "api_check.h"

/* An ONNX file: y = max(x, 0) for x of N×2 floats; metadata k = "v". */
/* clang-format off */
static const unsigned char relu_model[] = {
    0x08, 8,    /* IR version 8 */
    0x3a, 69,   /* graph */
    0x0a, 17, 0x0a, 1, 'x', 0x12, 1, 'y', 0x1a, 3, 'c', 'u', 't',
        0x22, 4, 'R', 'e', 'l', 'u',
    0x12, 4, 'r', 'e', 'l', 'u',
    0x5a, 20, 0x0a, 1, 'x',
        0x12, 15, 0x0a, 13, 0x08, 1, 0x12, 9, 0x0a, 3, 0x12, 1, 'N', 0x0a, 2, 0x08, 2,
    0x62, 20, 0x0a, 1, 'y',
        0x12, 15, 0x0a, 13, 0x08, 1, 0x12, 9, 0x0a, 3, 0x12, 1, 'N', 0x0a, 2, 0x08, 2,
    0x42, 2, 0x10, 13, /* opset 13 */
    0x72, 6, 0x0a, 1, 'k', 0x12, 1, 'v',
};
/* A TensorProto: two floats. */
static const unsigned char tensor_pb[] = { 0x08, 2, 0x10, 1, 0x42, 1, 't',
    0x4a, 8, 0, 0, 0x80, 0x3f, 0, 0, 0, 0x40 };
/* clang-format on */

static mexpr_model *make_model(mexpr_context *context)
{
    mexpr_model *model = NULL;
    assert_int_equal(
        mexpr_model_load_memory(context, relu_model, sizeof relu_model, &model),
        MEXPR_OK);
    return model;
}

static void element_types(void **state)
{
    (void)state;
    static const int unknown[] = {0, -1, 3, 99, INT32_MAX};
    for (int i = 0; i < 5; i++) {
        assert_int_equal(mexpr_dtype_bytes((mexpr_dtype)unknown[i]), 0);
        assert_string_equal(mexpr_dtype_name((mexpr_dtype)unknown[i]), "unknown");
    }
    assert_int_equal(mexpr_dtype_bytes(MEXPR_DTYPE_I64), 8);
    assert_string_equal(mexpr_dtype_name(MEXPR_DTYPE_F32), "float32");
}

static void loading(void **state)
{
    (void)state;
    mexpr_context *c = api_context();
    mexpr_model *model;
    REFUSED(mexpr_model_load(NULL, "a", &model));
    REFUSED(mexpr_model_load(c, "a", NULL));
    MAKES_NOTHING(c, model, mexpr_model_load(c, NULL, &model), MEXPR_E_ARG);
    MAKES_NOTHING(c, model, mexpr_model_load(c, "", &model), MEXPR_E_NOT_FOUND);
    MAKES_NOTHING(c, model, mexpr_model_load(c, "/", &model), MEXPR_E_IO);
    REFUSED(mexpr_model_load_memory(NULL, relu_model, sizeof relu_model, &model));
    REFUSED(mexpr_model_load_memory(c, relu_model, sizeof relu_model, NULL));
    MAKES_NOTHING(c, model, mexpr_model_load_memory(c, NULL, 9, &model), MEXPR_E_ARG);
    REFUSED(mexpr_model_load_with(NULL, "a", NULL, &model));
    REFUSED(mexpr_model_load_with(c, "a", NULL, NULL));
    MAKES_NOTHING(c, model, mexpr_model_load_with(c, NULL, NULL, &model), MEXPR_E_ARG);
    REFUSED(mexpr_model_load_memory_with(NULL, relu_model, 9, NULL, &model));
    REFUSED(mexpr_model_load_memory_with(c, relu_model, 9, NULL, NULL));
    MAKES_NOTHING(
        c, model, mexpr_model_load_memory_with(c, NULL, 9, NULL, &model), MEXPR_E_ARG);
    mexpr_model_options options = MEXPR_MODEL_OPTIONS_INIT;
    options.struct_size = 3;
    MAKES_NOTHING(c, model,
        mexpr_model_load_memory_with(c, relu_model, sizeof relu_model, &options, &model),
        MEXPR_E_ABI);
    MAKES_NOTHING(c, model, mexpr_model_load_with(c, "a", &options, &model), MEXPR_E_ABI);
    options = (mexpr_model_options)MEXPR_MODEL_OPTIONS_INIT;
    options.drop_source = 2;
    MAKES_NOTHING(c, model, mexpr_model_load_with(c, "a", &options, &model), MEXPR_E_ARG);
    for (size_t size = 0; size < sizeof relu_model; size++) {
        model = (mexpr_model *)&model;
        const mexpr_status status = mexpr_model_load_memory(c, relu_model, size, &model);
        /* Cut after the graph it is a model without opset and metadata. */
        assert_true(status < 0 || size >= sizeof relu_model - 8);
        assert_true((model == NULL) == (status != MEXPR_OK));
        mexpr_model_destroy(&model);
    }
    mexpr_context_destroy(&c);
}

static void null_models(void **state)
{
    (void)state;
    mexpr_model *none = NULL;
    mexpr_tensor_info info = MEXPR_TENSOR_INFO_INIT;
    const char *name = NULL, *op = NULL;
    mexpr_model_destroy(NULL);
    mexpr_model_destroy(&none);
    assert_null(mexpr_model_retain(NULL));
    assert_int_equal(mexpr_model_n_inputs(NULL), 0);
    assert_int_equal(mexpr_model_n_outputs(NULL), 0);
    assert_int_equal(mexpr_model_n_nodes(NULL), 0);
    assert_int_equal(mexpr_model_n_rewrites(NULL, MEXPR_REWRITE_PAD), 0);
    assert_int_equal(mexpr_model_n_parameters(NULL), 0);
    assert_int_equal(mexpr_model_opset(NULL), 0);
    assert_null(mexpr_model_metadata(NULL, "k"));
    assert_string_equal(mexpr_model_name(NULL), "");
    assert_string_equal(mexpr_model_producer(NULL), "");
    REFUSED(mexpr_model_input(NULL, 0, &info));
    REFUSED(mexpr_model_output(NULL, 0, &info));
    REFUSED(mexpr_model_node(NULL, 0, &name, &op));
}

static void questions(void **state)
{
    (void)state;
    static const int32_t outside[] = {-1, 1, INT32_MAX, INT32_MIN};
    mexpr_context *c = api_context();
    mexpr_model *model = make_model(c);
    mexpr_tensor_info info = MEXPR_TENSOR_INFO_INIT;
    const char *name = NULL, *op = NULL;
    assert_int_equal(mexpr_model_n_rewrites(model, MEXPR_REWRITE_NO_OP), 0);
    assert_int_equal(mexpr_model_n_rewrites(model, (mexpr_rewrite)3), 0);
    assert_int_equal(mexpr_model_n_rewrites(model, (mexpr_rewrite)0), 0);
    assert_int_equal(mexpr_model_n_rewrites(model, (mexpr_rewrite)-1), 0);
    assert_null(mexpr_model_metadata(model, NULL));
    assert_null(mexpr_model_metadata(model, "none"));
    assert_string_equal(mexpr_model_metadata(model, "k"), "v");
    REFUSED(mexpr_model_input(model, 0, NULL));
    REFUSED(mexpr_model_output(model, 0, NULL));
    for (int i = 0; i < 4; i++) {
        REFUSED(mexpr_model_input(model, outside[i], &info));
        REFUSED(mexpr_model_output(model, outside[i], &info));
        REFUSED(mexpr_model_node(model, outside[i], &name, &op));
    }
    assert_int_equal(mexpr_model_node(model, 0, NULL, NULL), MEXPR_OK);
    assert_int_equal(mexpr_model_node(model, 0, &name, &op), MEXPR_OK);
    assert_string_equal(op, "Relu");
    assert_int_equal(mexpr_model_input(model, 0, &info), MEXPR_OK);
    assert_int_equal(info.dims[0], -1);
    assert_ptr_equal(mexpr_model_retain(model), model);
    mexpr_model *second = model;
    mexpr_model_destroy(&model);
    assert_string_equal(mexpr_model_name(second), "relu");
    mexpr_model_destroy(&second);
    mexpr_context_destroy(&c);
}

/* Out-structs: nothing behind the caller's size is written, and nonsense is refused. */
static void out_struct_size(void **state)
{
    (void)state;
    static const size_t wrong[] = {0, 1, sizeof(size_t), 4097, SIZE_MAX};
    mexpr_context *c = api_context();
    mexpr_model *model = make_model(c);
    mexpr_session *session = NULL;
    assert_int_equal(mexpr_session_create(model, &session), MEXPR_OK);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        mexpr_tensor_info info = MEXPR_TENSOR_INFO_INIT;
        info.struct_size = wrong[i];
        assert_int_equal(mexpr_model_input(model, 0, &info), MEXPR_E_ABI);
        assert_int_equal(mexpr_model_output(model, 0, &info), MEXPR_E_ABI);
        mexpr_tensor_view view = MEXPR_TENSOR_VIEW_INIT;
        view.struct_size = wrong[i];
        assert_int_equal(mexpr_session_set_input(session, "x", &view), MEXPR_E_ABI);
    }
    LATER(mexpr_tensor_info) newer = {MEXPR_TENSOR_INFO_INIT, 77};
    newer.known.struct_size = sizeof newer;
    assert_int_equal(mexpr_model_input(model, 0, &newer.known), MEXPR_OK);
    assert_int_equal(newer.later, 77);
    assert_int_equal(newer.known.struct_size, sizeof newer);
    mexpr_session_destroy(&session);
    mexpr_model_destroy(&model);
    mexpr_context_destroy(&c);
}

static void null_sessions(void **state)
{
    (void)state;
    mexpr_session *session = NULL;
    mexpr_tensor_view view = MEXPR_TENSOR_VIEW_INIT;
    REFUSED(mexpr_session_create(NULL, &session));
    mexpr_session_destroy(NULL);
    mexpr_session_destroy(&session);
    assert_string_equal(mexpr_session_last_error(NULL), "");
    REFUSED(mexpr_session_set_input(NULL, "x", &view));
    REFUSED(mexpr_session_run(NULL));
    REFUSED(mexpr_session_output(NULL, "y", &view));
}

#define SAYS(session, call, status)                                                      \
    do {                                                                                 \
        assert_int_equal((call), (status));                                              \
        assert_true(strlen(mexpr_session_last_error(session)) > 0);                      \
    } while (0)

static void odd_inputs(mexpr_session *s)
{
    static const float data[4] = {-1, 2, 3, -4};
    const mexpr_tensor_view good = {sizeof good, MEXPR_DTYPE_F32, 2, {1, 2}, data};
    mexpr_tensor_view view = good;
    SAYS(s, mexpr_session_set_input(s, "x", NULL), MEXPR_E_ARG);
    SAYS(s, mexpr_session_set_input(s, "none", &view), MEXPR_E_NOT_FOUND);
    view.data = NULL;
    SAYS(s, mexpr_session_set_input(s, "x", &view), MEXPR_E_ARG);
    view = good;
    view.dtype = 99;
    assert_true(mexpr_session_set_input(s, "x", &view) < 0);
    view.dtype = MEXPR_DTYPE_I64;
    SAYS(s, mexpr_session_set_input(s, "x", &view), MEXPR_E_TYPE);
    static const int32_t ranks[] = {-1, 1, 3, MEXPR_MAX_RANK + 1, INT32_MAX};
    for (int i = 0; i < 5; i++) {
        view = good;
        view.rank = ranks[i];
        assert_true(mexpr_session_set_input(s, "x", &view) < 0);
    }
    static const int64_t extents[][2] = {{1, 3}, {1, -2}, {-1, 2}, {INT64_MAX, 2}};
    for (int i = 0; i < 4; i++) {
        view = good;
        memcpy(view.dims, extents[i], sizeof extents[i]);
        assert_true(mexpr_session_set_input(s, "x", &view) < 0);
    }
    assert_int_equal(mexpr_session_set_input(s, NULL, &good), MEXPR_OK);
}

static void sessions(void **state)
{
    (void)state;
    mexpr_context *c = api_context();
    mexpr_model *model = make_model(c);
    mexpr_session *s = NULL;
    mexpr_tensor_view view = MEXPR_TENSOR_VIEW_INIT;
    REFUSED(mexpr_session_create(model, NULL));
    assert_int_equal(mexpr_session_create(model, &s), MEXPR_OK);
    mexpr_model_destroy(&model);
    mexpr_context_destroy(&c);
    SAYS(s, mexpr_session_output(s, "y", &view), MEXPR_E_STATE);
    SAYS(s, mexpr_session_run(s), MEXPR_E_STATE);
    odd_inputs(s);
    assert_int_equal(mexpr_session_run(s), MEXPR_OK);
    SAYS(s, mexpr_session_output(s, "none", &view), MEXPR_E_NOT_FOUND);
    SAYS(s, mexpr_session_output(s, "y", NULL), MEXPR_E_ARG);
    view.struct_size = 3;
    assert_int_equal(mexpr_session_output(s, "y", &view), MEXPR_E_ABI);
    view.struct_size = sizeof view;
    assert_int_equal(mexpr_session_output(s, NULL, &view), MEXPR_OK);
    assert_true(((const float *)view.data)[0] == 0 && ((const float *)view.data)[1] == 2);
    mexpr_session_destroy(&s);
    assert_null(s);
}

/* Steps and memory, in structs as they are, too small, and as later versions have them.
 */
static void profiles(void **state)
{
    (void)state;
    mexpr_context *c = api_context();
    mexpr_model *model = make_model(c);
    mexpr_session *s = NULL;
    LATER(mexpr_step_info) step = {MEXPR_STEP_INFO_INIT, 77};
    LATER(mexpr_memory_info) memory = {MEXPR_MEMORY_INFO_INIT, 77};
    static const float x[2] = {-1, 2};
    mexpr_tensor_view view = MEXPR_TENSOR_VIEW_INIT;
    view.dtype = MEXPR_DTYPE_F32;
    view.rank = 2;
    view.dims[0] = 1;
    view.dims[1] = 2;
    view.data = x;
    assert_int_equal(mexpr_session_create(model, &s), MEXPR_OK);
    REFUSED(mexpr_session_profile(NULL, 1));
    SAYS(s, mexpr_session_profile(s, 2), MEXPR_E_ARG);
    assert_int_equal(mexpr_session_n_steps(NULL), 0);
    assert_int_equal(mexpr_session_n_steps(s), 0);
    REFUSED(mexpr_session_step(s, 0, &step.known));
    REFUSED(mexpr_session_memory(NULL, &memory.known));
    REFUSED(mexpr_session_memory(s, NULL));
    assert_int_equal(mexpr_session_profile(s, 1), MEXPR_OK);
    assert_int_equal(mexpr_session_set_input(s, "x", &view), MEXPR_OK);
    assert_int_equal(mexpr_session_run(s), MEXPR_OK);
    assert_int_equal(mexpr_session_n_steps(s), 1);
    REFUSED(mexpr_session_step(NULL, 0, &step.known));
    REFUSED(mexpr_session_step(s, 0, NULL));
    REFUSED(mexpr_session_step(s, -1, &step.known));
    REFUSED(mexpr_session_step(s, 1, &step.known));
    step.known.struct_size = memory.known.struct_size = 3;
    assert_int_equal(mexpr_session_step(s, 0, &step.known), MEXPR_E_ABI);
    assert_int_equal(mexpr_session_memory(s, &memory.known), MEXPR_E_ABI);
    step.known.struct_size = sizeof step;
    memory.known.struct_size = sizeof memory;
    assert_int_equal(mexpr_session_step(s, 0, &step.known), MEXPR_OK);
    assert_int_equal(mexpr_session_memory(s, &memory.known), MEXPR_OK);
    assert_true(step.later == 77 && memory.later == 77);
    assert_true(step.known.struct_size == sizeof step);
    assert_string_equal(step.known.op, "Relu");
    assert_true(step.known.n_runs == 1 && step.known.result_bytes == 8);
    assert_true(memory.known.block_bytes >= 8);
    mexpr_session_destroy(&s);
    mexpr_model_destroy(&model);
    mexpr_context_destroy(&c);
}

static void decoding_tensors(void **state)
{
    (void)state;
    mexpr_context *c = api_context();
    mexpr_tensor *tensor = NULL;
    mexpr_tensor_destroy(NULL);
    mexpr_tensor_destroy(&tensor);
    REFUSED(mexpr_tensor_decode_pb(NULL, tensor_pb, sizeof tensor_pb, &tensor));
    REFUSED(mexpr_tensor_decode_pb(c, tensor_pb, sizeof tensor_pb, NULL));
    MAKES_NOTHING(c, tensor, mexpr_tensor_decode_pb(c, NULL, 3, &tensor), MEXPR_E_ARG);
    REFUSED(mexpr_tensor_decode_npy(NULL, "a", 1, &tensor));
    REFUSED(mexpr_tensor_decode_npy(c, "a", 1, NULL));
    MAKES_NOTHING(c, tensor, mexpr_tensor_decode_npy(c, NULL, 3, &tensor), MEXPR_E_ARG);
    tensor = (mexpr_tensor *)&tensor;
    assert_true(mexpr_tensor_decode_npy(c, "", 0, &tensor) < 0);
    assert_null(tensor);
    REFUSED(mexpr_tensor_read(NULL, "a", &tensor));
    REFUSED(mexpr_tensor_read(c, "a", NULL));
    MAKES_NOTHING(c, tensor, mexpr_tensor_read(c, NULL, &tensor), MEXPR_E_ARG);
    MAKES_NOTHING(
        c, tensor, mexpr_tensor_read(c, "/no/a.npy", &tensor), MEXPR_E_NOT_FOUND);
    mexpr_context_destroy(&c);
}

static void tensors(void **state)
{
    (void)state;
    mexpr_context *c = api_context();
    mexpr_tensor *tensor = NULL;
    mexpr_tensor_view view = MEXPR_TENSOR_VIEW_INIT;
    REFUSED(mexpr_tensor_get(NULL, &view));
    assert_string_equal(mexpr_tensor_name(NULL), "");
    assert_int_equal(
        mexpr_tensor_decode_pb(c, tensor_pb, sizeof tensor_pb, &tensor), MEXPR_OK);
    assert_string_equal(mexpr_tensor_name(tensor), "t");
    REFUSED(mexpr_tensor_get(tensor, NULL));
    view.struct_size = 1;
    assert_int_equal(mexpr_tensor_get(tensor, &view), MEXPR_E_ABI);
    view.struct_size = sizeof view;
    assert_int_equal(mexpr_tensor_get(tensor, &view), MEXPR_OK);
    assert_true(
        view.rank == 1 && view.dims[0] == 2 && ((const float *)view.data)[1] == 2);
    REFUSED(mexpr_tensor_write_npy(NULL, &view, "a"));
    FAILS(c, mexpr_tensor_write_npy(c, NULL, "a"), MEXPR_E_ARG);
    FAILS(c, mexpr_tensor_write_npy(c, &view, NULL), MEXPR_E_ARG);
    assert_true(mexpr_tensor_write_npy(c, &view, "/no/such/folder/a.npy") < 0);
    view.rank = MEXPR_MAX_RANK + 1;
    assert_true(mexpr_tensor_write_npy(c, &view, "a") < 0);
    view.rank = 1;
    view.dims[0] = -1;
    assert_true(mexpr_tensor_write_npy(c, &view, "a") < 0);
    view.struct_size = 5000;
    FAILS(c, mexpr_tensor_write_npy(c, &view, "a"), MEXPR_E_ABI);
    mexpr_tensor_destroy(&tensor);
    mexpr_context_destroy(&c);
}

static void writing(void **state)
{
    (void)state;
    mexpr_context *c = api_context();
    mexpr_model *model = make_model(c);
    void *bytes = c;
    size_t size = 9;
    assert_int_equal(mexpr_model_n_trainable(NULL), 0);
    assert_int_equal(mexpr_model_n_trainable(model), 0);
    const char *none = NULL, *nowhere = "nowhere";
    mexpr_model *part;
    REFUSED(mexpr_model_extract(NULL, model, &nowhere, 1, &nowhere, 1, &part));
    REFUSED(mexpr_model_extract(c, model, &nowhere, 1, &nowhere, 1, NULL));
    MAKES_NOTHING(c, part, mexpr_model_extract(c, NULL, &nowhere, 1, &nowhere, 1, &part),
        MEXPR_E_ARG);
    MAKES_NOTHING(
        c, part, mexpr_model_extract(c, model, NULL, 1, &nowhere, 1, &part), MEXPR_E_ARG);
    MAKES_NOTHING(
        c, part, mexpr_model_extract(c, model, NULL, 0, NULL, 1, &part), MEXPR_E_ARG);
    MAKES_NOTHING(c, part, mexpr_model_extract(c, model, NULL, 0, &nowhere, 1, &part),
        MEXPR_E_NOT_FOUND);
    MAKES_NOTHING(c, part, mexpr_model_extract(c, model, NULL, 0, &none, 1, &part),
        MEXPR_E_NOT_FOUND);
    MAKES_NOTHING(
        c, part, mexpr_model_extract(c, model, NULL, 0, &none, 0, &part), MEXPR_E_MODEL);
    REFUSED(mexpr_model_annotate(NULL, model, "a", NULL, NULL, 0, &part));
    REFUSED(mexpr_model_annotate(c, model, "a", NULL, NULL, 0, NULL));
    MAKES_NOTHING(
        c, part, mexpr_model_annotate(c, NULL, "a", NULL, NULL, 0, &part), MEXPR_E_ARG);
    MAKES_NOTHING(
        c, part, mexpr_model_annotate(c, model, "a", NULL, NULL, 1, &part), MEXPR_E_ARG);
    MAKES_NOTHING(c, part, mexpr_model_annotate(c, model, "a", &none, &none, 1, &part),
        MEXPR_E_ARG);
    REFUSED(mexpr_model_encode(NULL, model, &bytes, &size));
    assert_true(bytes == NULL && size == 0);
    FAILS(c, mexpr_model_encode(c, NULL, &bytes, &size), MEXPR_E_ARG);
    FAILS(c, mexpr_model_encode(c, model, NULL, &size), MEXPR_E_ARG);
    FAILS(c, mexpr_model_encode(c, model, &bytes, NULL), MEXPR_E_ARG);
    REFUSED(mexpr_model_write(NULL, model, "a"));
    FAILS(c, mexpr_model_write(c, NULL, "a"), MEXPR_E_ARG);
    FAILS(c, mexpr_model_write(c, model, NULL), MEXPR_E_ARG);
    FAILS(c, mexpr_model_write(c, model, "/no/such/folder/a.onnx"), MEXPR_E_IO);
    assert_int_equal(mexpr_model_encode(c, model, &bytes, &size), MEXPR_OK);
    assert_true(bytes != NULL && size > 0);
    mexpr_bytes_free(c, &bytes);
    mexpr_model_destroy(&model);
    mexpr_context_destroy(&c);
}

/* A builder that failed stays so; each call gets one of its own. */
#define BUILDER_REFUSES(call)                                                            \
    do {                                                                                 \
        mexpr_builder *b = NULL;                                                         \
        assert_int_equal(mexpr_builder_create(c, "", &b), MEXPR_OK);                     \
        REFUSED(call);                                                                   \
        assert_true(strlen(mexpr_builder_last_error(b)) > 0);                            \
        mexpr_builder_destroy(&b);                                                       \
        assert_null(b);                                                                  \
        REFUSED(call);                                                                   \
    } while (0)

static void builders(void **state)
{
    (void)state;
    static const int64_t dims[1] = {2};
    mexpr_tensor_view view = MEXPR_TENSOR_VIEW_INIT;
    mexpr_context *c = api_context();
    mexpr_builder *none = NULL, *made;
    mexpr_builder_destroy(NULL);
    mexpr_builder_destroy(&none);
    assert_string_equal(mexpr_builder_last_error(NULL), "");
    REFUSED(mexpr_builder_create(NULL, "a", &made));
    REFUSED(mexpr_builder_create(c, "a", NULL));
    MAKES_NOTHING(c, made, mexpr_builder_create(c, NULL, &made), MEXPR_E_ARG);
    REFUSED(mexpr_builder_seed(NULL, 1));
    BUILDER_REFUSES(mexpr_builder_opset(b, NULL, 13));
    BUILDER_REFUSES(mexpr_builder_input(b, NULL, 1, 1, dims));
    BUILDER_REFUSES(mexpr_builder_input(b, "x", 1, 1, NULL));
    BUILDER_REFUSES(mexpr_builder_initializer(b, NULL, &view, 0));
    BUILDER_REFUSES(mexpr_builder_initializer(b, "x", NULL, 0));
    BUILDER_REFUSES(mexpr_builder_random(b, NULL, 1, dims, 0, 0, 0));
    BUILDER_REFUSES(mexpr_builder_random(b, "x", 1, NULL, 0, 0, 0));
    BUILDER_REFUSES(mexpr_builder_int(b, NULL, 1));
    BUILDER_REFUSES(mexpr_builder_float(b, NULL, 1));
    BUILDER_REFUSES(mexpr_builder_string(b, NULL, ""));
    BUILDER_REFUSES(mexpr_builder_string(b, "a", NULL));
    BUILDER_REFUSES(mexpr_builder_ints(b, NULL, dims, 1));
    BUILDER_REFUSES(mexpr_builder_ints(b, "a", NULL, 1));
    BUILDER_REFUSES(mexpr_builder_floats(b, NULL, NULL, 0));
    BUILDER_REFUSES(mexpr_builder_floats(b, "a", NULL, 1));
    BUILDER_REFUSES(mexpr_builder_strings(b, NULL, NULL, 0));
    BUILDER_REFUSES(mexpr_builder_strings(b, "a", NULL, 1));
    BUILDER_REFUSES(mexpr_builder_tensor(b, NULL, &view));
    BUILDER_REFUSES(mexpr_builder_tensor(b, "a", NULL));
    BUILDER_REFUSES(mexpr_builder_node(b, NULL, "", NULL, 0, NULL, 0, ""));
    BUILDER_REFUSES(mexpr_builder_node(b, "Relu", "", NULL, 1, NULL, 0, ""));
    BUILDER_REFUSES(mexpr_builder_node(b, "Relu", "", NULL, 0, NULL, 1, ""));
    BUILDER_REFUSES(mexpr_builder_output(b, NULL));
    BUILDER_REFUSES(mexpr_builder_metadata(b, NULL, ""));
    BUILDER_REFUSES(mexpr_builder_metadata(b, "a", NULL));
    BUILDER_REFUSES(mexpr_builder_finish(b, NULL));
    assert_int_equal(mexpr_builder_create(c, "", &made), MEXPR_OK);
    view.struct_size = 1;
    assert_int_equal(mexpr_builder_initializer(made, "x", &view, 0), MEXPR_E_ABI);
    mexpr_builder_destroy(&made);
    mexpr_context_destroy(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writing),
        cmocka_unit_test(builders),
        cmocka_unit_test(element_types),
        cmocka_unit_test(loading),
        cmocka_unit_test(null_models),
        cmocka_unit_test(questions),
        cmocka_unit_test(out_struct_size),
        cmocka_unit_test(null_sessions),
        cmocka_unit_test(sessions),
        cmocka_unit_test(profiles),
        cmocka_unit_test(decoding_tensors),
        cmocka_unit_test(tensors),
    };
    return cmocka_run_group_tests_name("api_model", tests, NULL, NULL);
}
