/* SPDX-License-Identifier: MIT */
/* How much memory loading takes: of a file that is large enough to tell. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "microexpr/image.h"
#include "microexpr/model.h"
#include "onnx_build.h"
#include "support.h"

enum { F32 = 1, SIDE = 1024, N_LAYERS = 16 };

static const size_t weight_bytes = (size_t)N_LAYERS * SIDE * SIDE * sizeof(float);

/* A chain of layers, 64 MiB of weights; with `turned` each goes through a Transpose,
 * which is computed when the file is read. Returns its size. */
static size_t write_chain(const char *path, bool turned)
{
    float *w = calloc((size_t)SIDE * SIDE, sizeof *w);
    assert_non_null(w);
    onnx_model m = onnx_begin(13);
    onnx_input(&m, "x0", F32, "N 1024");
    for (int i = 0; i < N_LAYERS; i++) {
        char name[3][16], nodes[64];
        snprintf(name[0], sizeof name[0], "w%d", i);
        snprintf(name[1], sizeof name[1], "%s%d", turned ? "t" : "w", i);
        snprintf(name[2], sizeof name[2], "m%d", i);
        for (int k = 0; k < SIDE; k++)
            w[(size_t)k * SIDE + (size_t)(k + i) % SIDE] = 1;
        onnx_f32(&m, name[0], "1024 1024", w);
        memset(w, 0, (size_t)SIDE * SIDE * sizeof *w);
        if (turned)
            onnx_simple(&m, "Transpose", name[0], name[1]);
        snprintf(nodes, sizeof nodes, "x%d %s", i, name[1]);
        onnx_simple(&m, "MatMul", nodes, name[2]);
        snprintf(nodes, sizeof nodes, "x%d", i + 1);
        onnx_simple(&m, "Relu", name[2], nodes);
    }
    free(w);
    onnx_output(&m, "x16", F32, NULL);
    onnx_end(&m);
    const size_t size = m.file.size;
    test_write_file(path, m.file.data, size);
    onnx_destroy(&m);
    return size;
}

static void run(mexpr_model *model)
{
    static float x[SIDE];
    mexpr_session *session = NULL;
    mexpr_tensor_view in = MEXPR_TENSOR_VIEW_INIT, out = MEXPR_TENSOR_VIEW_INIT;
    int shift = 0;
    for (int i = 0; i < SIDE; i++)
        x[i] = (float)i;
    for (int i = 0; i < N_LAYERS; i++)
        shift += i;
    in.dtype = F32;
    in.rank = 2;
    in.dims[0] = 1;
    in.dims[1] = SIDE;
    in.data = x;
    assert_int_equal(mexpr_session_create(model, &session), MEXPR_OK);
    assert_int_equal(mexpr_session_set_input(session, NULL, &in), MEXPR_OK);
    assert_int_equal(mexpr_session_run(session), MEXPR_OK);
    assert_int_equal(mexpr_session_output(session, NULL, &out), MEXPR_OK);
    const float *y = out.data;
    const bool moved_up = y[shift] == 0;
    for (int i = 0; i < SIDE; i++)
        assert_true(y[moved_up ? (i + shift) % SIDE : i] ==
                    (float)(moved_up ? i : (i + shift) % SIDE));
    mexpr_session_destroy(&session);
}

static mexpr_model *load(mexpr_context *context, const char *path, uint32_t drop_source)
{
    mexpr_model_options options = MEXPR_MODEL_OPTIONS_INIT;
    mexpr_model *model = NULL;
    options.drop_source = drop_source;
    assert_ok(context, mexpr_model_load_with(context, path, &options, &model));
    return model;
}

/* Loading needs little more than the weights, and running little more again. */
static void weights_are_there_once(void **state)
{
    (void)state;
    const char *path = test_path("chain.onnx");
    const size_t size = write_chain(path, false);
    for (uint32_t drop = 0; drop < 2; drop++) {
        test_heap heap;
        test_heap_init(&heap);
        mexpr_context *context = test_context(&heap, 1);
        mexpr_model *model = load(context, path, drop);
        assert_true(heap.live_bytes >= (long)weight_bytes);
        run(model);
        assert_true((double)heap.peak_bytes <= 1.02 * (double)size);
        mexpr_model_destroy(&model);
        mexpr_context_destroy(&context);
        assert_int_equal(heap.live_bytes, 0);
    }
}

/* Weights that loading changes are there twice only if they are to be written. */
static void changed_weights(void **state)
{
    (void)state;
    const char *path = test_path("turned.onnx");
    const size_t size = write_chain(path, true);
    for (uint32_t drop = 0; drop < 2; drop++) {
        test_heap heap;
        test_heap_init(&heap);
        mexpr_context *context = test_context(&heap, 1);
        mexpr_model *model = load(context, path, drop);
        mexpr_session *session = NULL;
        mexpr_memory_info memory = MEXPR_MEMORY_INFO_INIT;
        assert_int_equal(mexpr_session_create(model, &session), MEXPR_OK);
        assert_int_equal(mexpr_session_memory(session, &memory), MEXPR_OK);
        mexpr_session_destroy(&session);
        assert_int_equal(memory.source_bytes, drop ? 0 : weight_bytes);
        run(model);
        assert_true((double)heap.peak_bytes <= (drop ? 1.1 : 2.1) * (double)size);
        void *bytes = NULL;
        size_t written;
        const mexpr_status status = mexpr_model_encode(context, model, &bytes, &written);
        assert_int_equal(status, drop ? MEXPR_E_STATE : MEXPR_OK);
        assert_true(!drop || strstr(mexpr_context_last_error(context), "run only"));
        mexpr_bytes_free(context, &bytes);
        mexpr_model_destroy(&model);
        mexpr_context_destroy(&context);
    }
}

/* A chain of convolutions, 18 MiB of weights that are laid out anew. */
static size_t write_convolutions(const char *path)
{
    enum { CHANNELS = 256, N_CONVS = 8 };
    float *w = calloc((size_t)CHANNELS * CHANNELS * 9, sizeof *w);
    assert_non_null(w);
    onnx_model m = onnx_begin(13);
    onnx_input(&m, "x0", F32, "1 256 5 5");
    for (int i = 0; i < N_CONVS; i++) {
        char name[16], in[32], out[16];
        snprintf(name, sizeof name, "w%d", i);
        snprintf(in, sizeof in, "x%d w%d", i, i);
        snprintf(out, sizeof out, "x%d", i + 1);
        w[i] = 1;
        onnx_f32(&m, name, "256 256 3 3", w);
        onnx_message node = onnx_node("Conv", name, in, out);
        onnx_attr_ints(&node, "pads", "1 1 1 1");
        onnx_add(&m, &node);
    }
    free(w);
    onnx_output(&m, "x8", F32, NULL);
    onnx_end(&m);
    const size_t size = m.file.size;
    test_write_file(path, m.file.data, size);
    onnx_destroy(&m);
    return size;
}

/* Weights in another order are there once, and can be written all the same. */
static void ordered_weights(void **state)
{
    (void)state;
    const char *path = test_path("convolutions.onnx");
    const size_t size = write_convolutions(path);
    void *bytes[2];
    size_t written[2];
    for (uint32_t rewrites = 0; rewrites < 2; rewrites++) {
        test_heap heap;
        test_heap_init(&heap);
        mexpr_context *context = test_context(&heap, 1);
        mexpr_model_options options = MEXPR_MODEL_OPTIONS_INIT;
        mexpr_model *model = NULL;
        options.rewrites = rewrites ? MEXPR_REWRITE_ALL : 0;
        assert_ok(context, mexpr_model_load_with(context, path, &options, &model));
        assert_true((double)heap.peak_bytes <= 1.2 * (double)size);
        assert_true((double)heap.live_bytes <= 1.02 * (double)size);
        void *own = NULL;
        assert_ok(context, mexpr_model_encode(context, model, &own, &written[rewrites]));
        bytes[rewrites] = malloc(written[rewrites]);
        assert_non_null(bytes[rewrites]);
        memcpy(bytes[rewrites], own, written[rewrites]);
        mexpr_bytes_free(context, &own);
        mexpr_model_destroy(&model);
        mexpr_context_destroy(&context);
    }
    assert_int_equal(written[0], written[1]);
    assert_memory_equal(bytes[0], bytes[1], written[0]);
    free(bytes[0]);
    free(bytes[1]);
}

/* The file may be cut, written over and removed while the model is loaded. */
static void file_goes_away(void **state)
{
    (void)state;
    const char *path = test_path("chain.onnx");
    write_chain(path, false);
    mexpr_context *context = test_context(NULL, 1);
    mexpr_model *model = load(context, path, 0);
    test_write_file(path, "nothing", 7);
    run(model);
    assert_int_equal(remove(path), 0);
    run(model);
    mexpr_model_destroy(&model);
    mexpr_context_destroy(&context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_are_there_once),
        cmocka_unit_test(changed_weights),
        cmocka_unit_test(ordered_weights),
        cmocka_unit_test(file_goes_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
