/* SPDX-License-Identifier: MIT */
/* Running: inputs, plans, memory, threads. */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "microexpr/model.h"
#include "onnx_build.h"
#include "support.h"

enum { F32 = 1, U8 = 2, I64 = 7 };

static mexpr_model *load(mexpr_context *context, onnx_model *m)
{
    mexpr_model *model = NULL;
    onnx_end(m);
    assert_ok(
        context, mexpr_model_load_memory(context, m->file.data, m->file.size, &model));
    onnx_destroy(m);
    return model;
}

static mexpr_tensor_view view(int dtype, int rank, const int64_t *dims, const void *data)
{
    mexpr_tensor_view v = MEXPR_TENSOR_VIEW_INIT;
    v.dtype = dtype;
    v.rank = rank;
    for (int i = 0; i < rank; i++)
        v.dims[i] = dims[i];
    v.data = data;
    return v;
}

#define assert_session(session, call)                                                    \
    do {                                                                                 \
        if ((call) != MEXPR_OK)                                                          \
            fail_msg("%s: %s", #call, mexpr_session_last_error(session));                \
    } while (0)

#define assert_session_failure(session, call, expected, part)                            \
    do {                                                                                 \
        const mexpr_status got = (call);                                                 \
        if (got != (expected) || !strstr(mexpr_session_last_error(session), part))       \
            fail_msg("%s gave %s: %s", #call, mexpr_status_name(got),                    \
                mexpr_session_last_error(session));                                      \
    } while (0)

static const mexpr_tensor_view *output(mexpr_session *session, const char *name)
{
    static mexpr_tensor_view y;
    y = (mexpr_tensor_view)MEXPR_TENSOR_VIEW_INIT;
    assert_session(session, mexpr_session_output(session, name, &y));
    return &y;
}

/* A small attention network: convolution, gate over channels, classifier. */
static onnx_model attention(void)
{
    static float w[8 * 3 * 9], g[8 * 8], c[3 * 8];
    static const int64_t shape[2] = {0, -1};
    mx_rng rng;
    mx_rng_seed(&rng, 7, 0);
    for (size_t i = 0; i < sizeof w / sizeof *w; i++)
        w[i] = (float)mx_rng_normal(&rng);
    for (size_t i = 0; i < sizeof g / sizeof *g; i++)
        g[i] = (float)mx_rng_normal(&rng);
    for (size_t i = 0; i < sizeof c / sizeof *c; i++)
        c[i] = (float)mx_rng_normal(&rng);
    onnx_model m = onnx_begin(13);
    onnx_input(&m, "x", F32, "N 3 H W");
    onnx_f32(&m, "w", "8 3 3 3", w);
    onnx_f32(&m, "g", "8 8 1 1", g);
    onnx_f32(&m, "c", "3 8", c);
    onnx_i64(&m, "shape", "2", shape);
    onnx_message node = onnx_node("Conv", "", "x w", "a");
    onnx_attr_ints(&node, "pads", "1 1 1 1");
    onnx_add(&m, &node);
    onnx_simple(&m, "Relu", "a", "b");
    onnx_simple(&m, "GlobalAveragePool", "b", "p");
    onnx_simple(&m, "Conv", "p g", "q");
    onnx_simple(&m, "Sigmoid", "q", "s");
    onnx_simple(&m, "Mul", "b s", "t");
    onnx_simple(&m, "GlobalMaxPool", "t", "u");
    onnx_simple(&m, "Reshape", "u shape", "v");
    node = onnx_node("Gemm", "", "v c", "y");
    onnx_attr_int(&node, "transB", 1);
    onnx_add(&m, &node);
    onnx_output(&m, "y", F32, "N 3");
    return m;
}

static void warm_runs_allocate_nothing(void **state)
{
    (void)state;
    test_heap heap;
    test_heap_init(&heap);
    mexpr_context *context = test_context(&heap, 1);
    onnx_model m = attention();
    mexpr_model *model = load(context, &m);
    mexpr_session *session = NULL;
    static float x[2 * 3 * 16 * 16];
    const int64_t dims[4] = {2, 3, 16, 16};
    const mexpr_tensor_view in = view(F32, 4, dims, x);
    assert_int_equal(mexpr_session_create(model, &session), MEXPR_OK);
    assert_session(session, mexpr_session_set_input(session, NULL, &in));
    assert_session(session, mexpr_session_run(session));
    const long before = heap.n_allocs;
    for (int i = 0; i < 5; i++) {
        x[i] = 1;
        assert_session(session, mexpr_session_set_input(session, "x", &in));
        assert_session(session, mexpr_session_run(session));
        assert_int_equal(output(session, NULL)->dims[0], 2);
    }
    assert_int_equal(heap.n_allocs, before);
    mexpr_session_destroy(&session);
    mexpr_session_destroy(&session);
    mexpr_session_destroy(NULL);
    mexpr_model_destroy(&model);
    mexpr_context_destroy(&context);
    assert_int_equal(heap.live_blocks, 0);
}

/* The same clip gives the same answer in any batch, after any change of shape. */
static void batches_and_shapes(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    onnx_model m = attention();
    mexpr_model *model = load(context, &m);
    mexpr_session *session = NULL;
    static float x[4 * 3 * 12 * 9];
    float first[3];
    mx_rng rng;
    mx_rng_seed(&rng, 1, 0);
    for (size_t i = 0; i < sizeof x / sizeof *x; i++)
        x[i] = (float)mx_rng_normal(&rng);
    assert_int_equal(mexpr_session_create(model, &session), MEXPR_OK);
    for (int64_t batch = 1; batch <= 4; batch++) {
        const int64_t dims[4] = {batch, 3, 12, 9}, other[4] = {batch, 3, 5, 4};
        const mexpr_tensor_view in = view(F32, 4, dims, x), in2 = view(F32, 4, other, x);
        assert_session(session, mexpr_session_set_input(session, "x", &in));
        assert_session(session, mexpr_session_run(session));
        const mexpr_tensor_view *y = output(session, "y");
        assert_int_equal(y->dims[0], batch);
        assert_int_equal(y->dims[1], 3);
        if (batch == 1)
            memcpy(first, y->data, sizeof first);
        for (int i = 0; i < 3; i++)
            assert_true(fabsf(((const float *)y->data)[i] - first[i]) < 1e-5f);
        assert_session(session, mexpr_session_set_input(session, "x", &in2));
        assert_session(session, mexpr_session_run(session));
    }
    const int64_t none[4] = {0, 3, 12, 9};
    const mexpr_tensor_view empty = view(F32, 4, none, NULL);
    assert_session(session, mexpr_session_set_input(session, "x", &empty));
    assert_session(session, mexpr_session_run(session));
    assert_int_equal(output(session, "y")->dims[0], 0);
    mexpr_session_destroy(&session);
    mexpr_model_destroy(&model);
    mexpr_context_destroy(&context);
}

/* Two inputs, x (N×3) and z (3), and their sum y. */
static mexpr_session *sum_session(mexpr_context *context)
{
    onnx_model m = onnx_begin(13);
    onnx_input(&m, "x", F32, "N 3");
    onnx_input(&m, "z", F32, "3");
    onnx_simple(&m, "Add", "x z", "y");
    onnx_output(&m, "y", F32, "N 3");
    mexpr_model *model = load(context, &m);
    mexpr_session *session = NULL;
    assert_int_equal(mexpr_session_create(NULL, &session), MEXPR_E_ARG);
    assert_int_equal(mexpr_session_create(model, NULL), MEXPR_E_ARG);
    assert_int_equal(mexpr_session_create(model, &session), MEXPR_OK);
    mexpr_model_destroy(&model); /* the session has a reference of its own */
    return session;
}

static void bad_inputs(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mexpr_session *session = sum_session(context);
    static const float data[8];
    const struct {
        const char *name;
        size_t struct_size;
        int dtype, rank;
        int64_t dims[2];
        const void *data;
        mexpr_status status;
        const char *part;
    } cases[] = {
        {NULL, 0, F32, 2, {2, 3}, data, MEXPR_E_ARG, "2 inputs: a name"},
        {"w", 0, F32, 2, {2, 3}, data, MEXPR_E_NOT_FOUND, "no input 'w'"},
        {"x", 4, F32, 2, {2, 3}, data, MEXPR_E_ABI, "struct_size"},
        {"x", 0, I64, 2, {2, 3}, data, MEXPR_E_TYPE, "'x' takes float32, not int64"},
        {"x", 0, 99, 2, {2, 3}, data, MEXPR_E_TYPE, "99"},
        {"x", 0, F32, 2, {2, 4}, data, MEXPR_E_SHAPE, "'x' takes ?×3, not 2×4"},
        {"x", 0, F32, 1, {3, 0}, data, MEXPR_E_SHAPE, "'x' takes ?×3, not 3"},
        {"x", 0, F32, 2, {2, -3}, data, MEXPR_E_SHAPE, "-3"},
        {"x", 0, F32, 9, {2, 3}, data, MEXPR_E_SHAPE, "9 dimensions"},
        {"x", 0, F32, -1, {2, 3}, data, MEXPR_E_SHAPE, "-1 dimensions"},
        {"x", 0, F32, 2, {INT64_MAX / 3, 3}, data, MEXPR_E_SHAPE, "any memory"},
        {"x", 0, F32, 2, {(int64_t)1 << 31, 3}, data, MEXPR_E_LIMIT, "max_tensor_bytes"},
        {"x", 0, F32, 2, {2, 3}, NULL, MEXPR_E_ARG, "no data"},
        {"x", 0, F32, 2, {2, 3}, (const char *)data + 1, MEXPR_E_ARG, "aligned"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mexpr_tensor_view v = view(cases[i].dtype, 2, cases[i].dims, cases[i].data);
        v.rank = cases[i].rank;
        if (cases[i].struct_size)
            v.struct_size = cases[i].struct_size;
        assert_session_failure(session,
            mexpr_session_set_input(session, cases[i].name, &v), cases[i].status,
            cases[i].part);
    }
    assert_session_failure(
        session, mexpr_session_set_input(session, "x", NULL), MEXPR_E_ARG, "NULL");
    mexpr_session_destroy(&session);
    mexpr_context_destroy(&context);
}

static void misuse(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mexpr_session *session = sum_session(context);
    static const float data[6];
    const int64_t dims[2] = {2, 3};
    const mexpr_tensor_view x = view(F32, 2, dims, data);
    mexpr_tensor_view out = x;
    assert_int_equal(mexpr_session_set_input(NULL, "x", &x), MEXPR_E_ARG);
    assert_int_equal(mexpr_session_run(NULL), MEXPR_E_ARG);
    assert_int_equal(mexpr_session_output(NULL, "y", &out), MEXPR_E_ARG);
    assert_string_equal(mexpr_session_last_error(NULL), "");
    assert_session(session, mexpr_session_set_input(session, "x", &x));
    assert_session_failure(session, mexpr_session_run(session), MEXPR_E_STATE, "'z'");
    assert_session_failure(session, mexpr_session_output(session, "y", &out),
        MEXPR_E_STATE, "before a successful run");
    assert_session_failure(
        session, mexpr_session_output(session, "q", &out), MEXPR_E_NOT_FOUND, "'q'");
    assert_session_failure(
        session, mexpr_session_output(session, "y", NULL), MEXPR_E_ARG, "NULL");
    out.struct_size = 1;
    assert_session_failure(
        session, mexpr_session_output(session, "y", &out), MEXPR_E_ABI, "struct_size");
    mexpr_session_destroy(&session);
    mexpr_context_destroy(&context);
}

/* A free dimension can be wrong only when it comes. */
static void shapes_that_fail_when_run(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    onnx_model m = onnx_begin(13);
    onnx_input(&m, "a", F32, "N");
    onnx_input(&m, "b", F32, "M");
    onnx_message node = onnx_node("Add", "sum", "a b", "y");
    onnx_add(&m, &node);
    onnx_output(&m, "y", F32, "K");
    mexpr_model *model = load(context, &m);
    mexpr_session *session = NULL;
    static const float data[4] = {1, 2, 3, 4};
    const int64_t three = 3, four = 4;
    const mexpr_tensor_view v3 = view(F32, 1, &three, data),
                            v4 = view(F32, 1, &four, data);
    assert_int_equal(mexpr_session_create(model, &session), MEXPR_OK);
    assert_session(session, mexpr_session_set_input(session, "a", &v3));
    assert_session(session, mexpr_session_set_input(session, "b", &v4));
    assert_session_failure(session, mexpr_session_run(session), MEXPR_E_SHAPE,
        "node 'sum' (Add): its inputs of 3 and 4");
    assert_session(session, mexpr_session_set_input(session, "a", &v4));
    assert_session(session, mexpr_session_set_input(session, "b", &v4));
    assert_session(session, mexpr_session_run(session));
    assert_true(((const float *)output(session, "y")->data)[3] == 8);
    mexpr_session_destroy(&session);
    mexpr_model_destroy(&model);
    mexpr_context_destroy(&context);
}

/* The target shape of Reshape as an input: plans follow its values. */
static void values_that_decide_shapes(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    onnx_model m = onnx_begin(13);
    onnx_input(&m, "x", F32, "N");
    onnx_input(&m, "rows", I64, "1");
    static const int64_t minus_one = -1;
    onnx_i64(&m, "rest", "1", &minus_one);
    onnx_message node = onnx_node("Concat", "", "rows rest", "shape");
    onnx_attr_int(&node, "axis", 0);
    onnx_add(&m, &node);
    onnx_simple(&m, "Reshape", "x shape", "y");
    onnx_output(&m, "y", F32, NULL);
    mexpr_model *model = load(context, &m);
    mexpr_session *session = NULL;
    static const float data[6] = {1, 2, 3, 4, 5, 6};
    const int64_t six = 6, one = 1;
    assert_int_equal(mexpr_session_create(model, &session), MEXPR_OK);
    for (int64_t rows = 1; rows <= 4; rows++) {
        const mexpr_tensor_view x = view(F32, 1, &six, data);
        const mexpr_tensor_view r = view(I64, 1, &one, &rows);
        assert_session(session, mexpr_session_set_input(session, "x", &x));
        assert_session(session, mexpr_session_set_input(session, "rows", &r));
        if (rows == 4) {
            assert_session_failure(session, mexpr_session_run(session), MEXPR_E_SHAPE,
                "6 cannot become 4×?");
            continue;
        }
        assert_session(session, mexpr_session_run(session));
        const mexpr_tensor_view *y = output(session, NULL);
        assert_int_equal(y->dims[0], rows);
        assert_int_equal(y->dims[1], 6 / rows);
        assert_memory_equal(y->data, data, sizeof data);
    }
    mexpr_session_destroy(&session);
    mexpr_model_destroy(&model);
    mexpr_context_destroy(&context);
}

/* Outputs that are inputs, constants, or views of one another are the session's own. */
static void outputs_of_all_kinds(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    static const float constant[2] = {5, 6};
    static const int64_t shape[2] = {1, 2};
    onnx_model m = onnx_begin(13);
    onnx_input(&m, "x", F32, "2");
    onnx_f32(&m, "c", "2", constant);
    onnx_i64(&m, "s", "2", shape);
    onnx_simple(&m, "Neg", "x", "n");
    onnx_simple(&m, "Reshape", "n s", "r");
    onnx_simple(&m, "Reshape", "x s", "v");
    onnx_simple(&m, "Relu", "r", "p");
    onnx_simple(&m, "Shape", "x", "dims");
    onnx_output(&m, "x", F32, "2");
    onnx_output(&m, "c", F32, "2");
    onnx_output(&m, "n", F32, "2");
    onnx_output(&m, "r", F32, "1 2");
    onnx_output(&m, "v", F32, "1 2");
    onnx_output(&m, "p", F32, "1 2");
    onnx_output(&m, "dims", I64, "1");
    mexpr_model *model = load(context, &m);
    assert_int_equal(mexpr_model_n_nodes(model), 5);
    mexpr_session *session = NULL;
    float data[2] = {-1, 2};
    const int64_t two = 2;
    const mexpr_tensor_view x = view(F32, 1, &two, data);
    assert_int_equal(mexpr_session_create(model, &session), MEXPR_OK);
    assert_session(session, mexpr_session_set_input(session, "x", &x));
    assert_session(session, mexpr_session_run(session));
    data[0] = data[1] = 99;
    static const struct {
        const char *name;
        float want[2];
    } cases[] = {{"x", {-1, 2}}, {"c", {5, 6}}, {"n", {1, -2}}, {"r", {1, -2}},
        {"v", {-1, 2}}, {"p", {1, 0}}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const float *got = output(session, cases[i].name)->data;
        assert_true(got[0] == cases[i].want[0] && got[1] == cases[i].want[1]);
    }
    assert_int_equal(*(const int64_t *)output(session, "dims")->data, 2);
    mexpr_session_destroy(&session);
    mexpr_model_destroy(&model);
    mexpr_context_destroy(&context);
}

/* NaN is a number like any other: it goes through and does no harm. */
static void nan_goes_through(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    onnx_model m = attention();
    mexpr_model *model = load(context, &m);
    mexpr_session *session = NULL;
    static float x[3 * 8 * 8];
    x[100] = NAN;
    x[7] = INFINITY;
    const int64_t dims[4] = {1, 3, 8, 8};
    const mexpr_tensor_view in = view(F32, 4, dims, x);
    assert_int_equal(mexpr_session_create(model, &session), MEXPR_OK);
    assert_session(session, mexpr_session_set_input(session, "x", &in));
    assert_session(session, mexpr_session_run(session));
    assert_true(isnan(((const float *)output(session, "y")->data)[0]));
    mexpr_session_destroy(&session);
    mexpr_model_destroy(&model);
    mexpr_context_destroy(&context);
}

static void error_while_running(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    onnx_model m = onnx_begin(13);
    onnx_input(&m, "x", F32, "3");
    onnx_input(&m, "i", I64, "1");
    onnx_simple(&m, "Gather", "x i", "y");
    onnx_output(&m, "y", F32, "1");
    mexpr_model *model = load(context, &m);
    mexpr_session *session = NULL;
    static const float data[3] = {7, 8, 9};
    const int64_t three = 3, one = 1;
    assert_int_equal(mexpr_session_create(model, &session), MEXPR_OK);
    for (int64_t index = -4; index <= 3; index++) {
        const mexpr_tensor_view x = view(F32, 1, &three, data);
        const mexpr_tensor_view i = view(I64, 1, &one, &index);
        mexpr_tensor_view y = MEXPR_TENSOR_VIEW_INIT;
        assert_session(session, mexpr_session_set_input(session, "x", &x));
        assert_session(session, mexpr_session_set_input(session, "i", &i));
        if (index >= -3 && index < 3) {
            assert_session(session, mexpr_session_run(session));
            assert_true(*(const float *)output(session, "y")->data ==
                        data[index < 0 ? index + 3 : index]);
            continue;
        }
        assert_session_failure(session, mexpr_session_run(session), MEXPR_E_SHAPE,
            "node 0 (Gather): the index");
        assert_session_failure(session, mexpr_session_output(session, "y", &y),
            MEXPR_E_STATE, "successful run");
    }
    mexpr_session_destroy(&session);
    mexpr_model_destroy(&model);
    mexpr_context_destroy(&context);
}

/* --- profile ----------------------------------------------------------------------- */

static mexpr_step_info step_of(const mexpr_session *session, const char *op)
{
    for (int32_t i = 0; i < mexpr_session_n_steps(session); i++) {
        mexpr_step_info info = MEXPR_STEP_INFO_INIT;
        assert_int_equal(mexpr_session_step(session, i, &info), MEXPR_OK);
        if (strcmp(info.op, op) == 0)
            return info;
    }
    fail_msg("no step is a %s", op);
    return (mexpr_step_info)MEXPR_STEP_INFO_INIT;
}

static void run_batch(mexpr_session *session, int64_t batch, int n_runs)
{
    static const float x[2 * 3 * 16 * 16];
    const int64_t dims[4] = {batch, 3, 16, 16};
    const mexpr_tensor_view in = view(F32, 4, dims, x);
    for (int i = 0; i < n_runs; i++) {
        assert_session(session, mexpr_session_set_input(session, NULL, &in));
        assert_session(session, mexpr_session_run(session));
    }
}

static void steps_are_timed(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    onnx_model m = attention();
    mexpr_model *model = load(context, &m);
    mexpr_session *session = NULL;
    mexpr_memory_info memory = MEXPR_MEMORY_INFO_INIT;
    assert_int_equal(mexpr_session_create(model, &session), MEXPR_OK);
    assert_int_equal(mexpr_session_memory(session, &memory), MEXPR_OK);
    assert_true(memory.weight_bytes >= (8 * 3 * 9 + 8 * 8 + 3 * 8) * sizeof(float));
    assert_true(memory.block_bytes == 0);
    run_batch(session, 1, 2);
    assert_true(step_of(session, "Gemm").n_runs == 0);
    assert_session(session, mexpr_session_profile(session, 1));
    run_batch(session, 1, 3);
    mexpr_step_info gemm = step_of(session, "Gemm");
    assert_true(gemm.n_runs == 3 && gemm.milliseconds > 0 && gemm.milliseconds < 1e4);
    assert_true(gemm.min_milliseconds * 3 <= gemm.milliseconds + 1e-9);
    assert_true(gemm.multiply_adds == 24 && gemm.result_bytes == 12);
    assert_true(gemm.rank == 2 && gemm.dims[0] == 1 && gemm.dims[1] == 3);
    assert_true(step_of(session, "ConvLast").multiply_adds == 8 * 27 * 256);
    run_batch(session, 2, 1);
    gemm = step_of(session, "Gemm");
    assert_true(gemm.n_runs == 1 && gemm.dims[0] == 2 && gemm.multiply_adds == 48);
    assert_int_equal(mexpr_session_memory(session, &memory), MEXPR_OK);
    assert_true(memory.block_bytes > 0 && memory.result_bytes > 0);
    assert_session(session, mexpr_session_profile(session, 0));
    run_batch(session, 2, 1);
    assert_true(step_of(session, "Gemm").n_runs == 1);
    mexpr_session_destroy(&session);
    mexpr_model_destroy(&model);
    mexpr_context_destroy(&context);
}

/* --- threads ----------------------------------------------------------------------- */

enum { N_THREADS = 8, N_RUNS = 20, MAX_OUTPUT = 32 * 40 * 40 };

typedef struct job {
    mexpr_model *model;
    int32_t rank;
    int64_t dims[4];
    int n_runs;
    float y[MAX_OUTPUT]; /* the last output */
    size_t size;
    bool good;
} job;

static bool run_once(job *j, mexpr_session *session, const float *x, const char *last)
{
    mexpr_tensor_view in = view(F32, j->rank, j->dims, x), y = MEXPR_TENSOR_VIEW_INIT;
    if (mexpr_session_set_input(session, "x", &in) != MEXPR_OK ||
        mexpr_session_run(session) != MEXPR_OK ||
        mexpr_session_output(session, last, &y) != MEXPR_OK)
        return false;
    const bool is_first = j->size == 0;
    j->size = sizeof(float);
    for (int32_t i = 0; i < y.rank; i++)
        j->size *= (size_t)y.dims[i];
    if (j->size > sizeof j->y || (!is_first && memcmp(j->y, y.data, j->size) != 0))
        return false;
    memcpy(j->y, y.data, j->size);
    return true;
}

static void *run_many(void *arg)
{
    job *j = arg;
    size_t n = 1;
    for (int32_t i = 0; i < j->rank; i++)
        n *= (size_t)j->dims[i];
    float *x = malloc(n * sizeof *x);
    mexpr_session *session = NULL;
    mexpr_tensor_info last = MEXPR_TENSOR_INFO_INIT;
    j->good = x && mexpr_session_create(j->model, &session) == MEXPR_OK &&
              mexpr_model_output(j->model, mexpr_model_n_outputs(j->model) - 1, &last) ==
                  MEXPR_OK;
    for (size_t i = 0; x && i < n; i++)
        x[i] = (float)(i % 13) - 6;
    for (int i = 0; j->good && i < j->n_runs; i++)
        j->good = run_once(j, session, x, last.name);
    mexpr_session_destroy(&session);
    mexpr_model_destroy(&j->model);
    free(x);
    return NULL;
}

static job jobs[N_THREADS];

/* Runs a model in many threads at once; all have to come to the same. */
static void run_threads(mexpr_model **model, const job *what)
{
    pthread_t threads[N_THREADS];
    for (int i = 0; i < N_THREADS; i++) {
        jobs[i] = *what;
        jobs[i].model = mexpr_model_retain(*model);
        assert_int_equal(pthread_create(&threads[i], NULL, run_many, &jobs[i]), 0);
    }
    mexpr_model_destroy(model);
    for (int i = 0; i < N_THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_true(jobs[i].good);
        assert_int_equal(jobs[i].size, jobs[0].size);
        assert_memory_equal(jobs[i].y, jobs[0].y, jobs[0].size);
    }
}

static void threads_share_a_model(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    onnx_model m = attention();
    mexpr_model *model = load(context, &m);
    mexpr_context_destroy(&context);
    static const job what = {.rank = 4, .dims = {1, 3, 12, 12}, .n_runs = N_RUNS};
    run_threads(&model, &what);
}

static float *random_floats(size_t n)
{
    float *x = malloc(n * sizeof *x);
    mx_rng rng;
    mx_rng_seed(&rng, n, 0);
    assert_non_null(x);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)mx_rng_normal(&rng) / 8;
    return x;
}

static void random_f32(onnx_model *m, const char *name, const char *dims, size_t n)
{
    float *x = random_floats(n);
    onnx_f32(m, name, dims, x);
    free(x);
}

/* Large enough for every operator that divides its work to do so. */
static onnx_model wide(void)
{
    static const int64_t shape[4] = {1, 16, 80, 80};
    static float one[32];
    onnx_model m = onnx_begin(17);
    onnx_input(&m, "x", F32, "4 160 160");
    for (int i = 0; i < 32; i++)
        one[i] = 1;
    onnx_f32(&m, "one", "32", one);
    random_f32(&m, "w", "160 320", 160 * 320);
    random_f32(&m, "row", "320", 320);
    random_f32(&m, "fc", "400 320", 400 * 320);
    random_f32(&m, "k", "32 16 3 3", 32 * 16 * 9);
    random_f32(&m, "k1", "32 16 1 1", 32 * 16);
    onnx_i64(&m, "shape", "4", shape);
    onnx_simple(&m, "MatMul", "x w", "a");
    onnx_simple(&m, "Erf", "a", "b");
    onnx_message node = onnx_node("Softmax", "", "b", "c");
    onnx_add(&m, &node);
    onnx_simple(&m, "Mul", "c b", "d");
    onnx_simple(&m, "Add", "d row", "e");
    node = onnx_node("LayerNormalization", "", "e row", "f");
    onnx_add(&m, &node);
    node = onnx_node("ReduceMean", "", "f", "g");
    onnx_attr_ints(&node, "axes", "1");
    onnx_attr_int(&node, "keepdims", 0);
    onnx_add(&m, &node);
    node = onnx_node("Gemm", "", "g fc", "y");
    onnx_attr_int(&node, "transB", 1);
    onnx_add(&m, &node);
    onnx_output(&m, "y", F32, NULL);
    onnx_simple(&m, "Reshape", "x shape", "p");
    node = onnx_node("Conv", "", "p k", "q");
    onnx_attr_ints(&node, "pads", "1 1 1 1");
    onnx_attr_ints(&node, "strides", "2 2");
    onnx_add(&m, &node);
    onnx_simple(&m, "Relu", "q", "r");
    node = onnx_node("Conv", "", "p k1", "s");
    onnx_attr_ints(&node, "strides", "2 2");
    onnx_add(&m, &node);
    onnx_simple(&m, "Add", "r s", "z");
    random_f32(&m, "scale", "32", 32);
    onnx_simple(&m, "InstanceNormalization", "z scale scale", "n");
    onnx_simple(&m, "BatchNormalization", "n scale scale scale one", "o");
    random_f32(&m, "kt", "32 8 2 2", 32 * 8 * 4);
    node = onnx_node("ConvTranspose", "", "o kt", "u");
    onnx_attr_ints(&node, "strides", "2 2");
    onnx_add(&m, &node);
    onnx_output(&m, "u", F32, NULL);
    return m;
}

static const job wide_job = {.rank = 3, .dims = {4, 160, 160}, .n_runs = 3};

/* However many threads a context has, results are the same to the last bit. */
static void threads_change_nothing(void **state)
{
    (void)state;
    static const int counts[] = {1, 2, 3, 8};
    static job one[2];
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        mexpr_context *context = test_context(NULL, counts[i]);
        onnx_model m = wide();
        one[i > 0] = wide_job;
        one[i > 0].model = load(context, &m);
        run_many(&one[i > 0]);
        assert_true(one[i > 0].good);
        assert_memory_equal(one[i > 0].y, one[0].y, one[0].size);
        mexpr_context_destroy(&context);
    }
}

/* Sessions of many threads on a context that has threads of its own. */
static void threads_have_threads(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 3);
    onnx_model m = wide();
    mexpr_model *model = load(context, &m);
    mexpr_context_destroy(&context);
    run_threads(&model, &wide_job);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(warm_runs_allocate_nothing),
        cmocka_unit_test(batches_and_shapes),
        cmocka_unit_test(bad_inputs),
        cmocka_unit_test(misuse),
        cmocka_unit_test(shapes_that_fail_when_run),
        cmocka_unit_test(values_that_decide_shapes),
        cmocka_unit_test(outputs_of_all_kinds),
        cmocka_unit_test(nan_goes_through),
        cmocka_unit_test(error_while_running),
        cmocka_unit_test(steps_are_timed),
        cmocka_unit_test(threads_share_a_model),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(threads_have_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
