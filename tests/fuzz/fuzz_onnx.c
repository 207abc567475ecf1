/* SPDX-License-Identifier: MIT */
/* Any bytes as a model; what loads is looked at, run on zeros, and ones for shapes, and
 * written: that loads again and is the same when it is written again. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "microexpr/image.h"
#include "microexpr/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TENSOR_BYTES = 1 << 14, FREE_DIM = 2, FILE_BYTES = 1 << 20 };

static const int64_t zeros[TENSOR_BYTES / 8];
static const int64_t ones[8] = {1, 1, 1, 1, 1, 1, 1, 1};

static int set_inputs(const mexpr_model *model, mexpr_session *session)
{
    for (int32_t i = 0; i < mexpr_model_n_inputs(model); i++) {
        mexpr_tensor_info info = MEXPR_TENSOR_INFO_INIT;
        mexpr_tensor_view view = MEXPR_TENSOR_VIEW_INIT;
        if (mexpr_model_input(model, i, &info) != MEXPR_OK)
            __builtin_trap();
        view.dtype = info.dtype;
        view.rank = info.rank < 0 ? 2 : info.rank;
        size_t n = 1;
        for (int32_t d = 0; d < view.rank; d++)
            view.dims[d] = info.rank < 0 || info.dims[d] < 0 ? FREE_DIM : info.dims[d];
        for (int32_t d = 0; d < view.rank; d++)
            n *= view.dims[d] < 9 ? (size_t)view.dims[d] : 9;
        view.data = view.dtype == MEXPR_DTYPE_I64 && n <= 8 ? ones : zeros;
        if (mexpr_session_set_input(session, info.name, &view) != MEXPR_OK)
            return 0;
    }
    return 1;
}

/* Reads every byte of the outputs, for the sanitizers. */
static void use_outputs(const mexpr_model *model, mexpr_session *session)
{
    volatile uint8_t sum = 0;
    for (int32_t i = 0; i < mexpr_model_n_outputs(model); i++) {
        mexpr_tensor_info info = MEXPR_TENSOR_INFO_INIT;
        mexpr_tensor_view view = MEXPR_TENSOR_VIEW_INIT;
        if (mexpr_model_output(model, i, &info) != MEXPR_OK ||
            mexpr_session_output(session, info.name, &view) != MEXPR_OK)
            __builtin_trap();
        size_t bytes = mexpr_dtype_bytes((mexpr_dtype)view.dtype);
        for (int32_t d = 0; d < view.rank; d++)
            bytes *= (size_t)view.dims[d];
        for (size_t k = 0; k < bytes; k++)
            sum = (uint8_t)(sum + ((const uint8_t *)view.data)[k]);
    }
}

static void run(mexpr_model *model)
{
    mexpr_session *session = NULL;
    if (mexpr_session_create(model, &session) != MEXPR_OK)
        return;
    if (set_inputs(model, session) && mexpr_session_run(session) == MEXPR_OK)
        use_outputs(model, session);
    mexpr_session_destroy(&session);
}

static void write(mexpr_context *context, const mexpr_model *model)
{
    mexpr_model *copy = NULL;
    void *bytes = NULL, *again = NULL;
    size_t size = 0, size_again = 0;
    if (mexpr_model_encode(context, model, &bytes, &size) != MEXPR_OK)
        __builtin_trap();
    /* Half floats are twice as long in what is written. */
    if (size <= FILE_BYTES) {
        if (mexpr_model_load_memory(context, bytes, size, &copy) != MEXPR_OK ||
            mexpr_model_encode(context, copy, &again, &size_again) != MEXPR_OK ||
            size_again != size || memcmp(bytes, again, size) != 0)
            __builtin_trap();
    }
    mexpr_model_destroy(&copy);
    mexpr_bytes_free(context, &bytes);
    mexpr_bytes_free(context, &again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mexpr_context_options options = MEXPR_CONTEXT_OPTIONS_INIT;
    mexpr_context *context = NULL;
    mexpr_model *model = NULL;
    options.max_nodes = 64;
    options.max_tensor_bytes = TENSOR_BYTES;
    options.max_file_bytes = FILE_BYTES;
    if (mexpr_context_create(&options, &context) != MEXPR_OK)
        return 0;
    const mexpr_status status = mexpr_model_load_memory(context, data, size, &model);
    if ((status == MEXPR_OK) != (model != NULL) ||
        (status != MEXPR_OK && !mexpr_context_last_error(context)[0]))
        __builtin_trap();
    if (model) {
        run(model);
        write(context, model);
    }
    mexpr_model_destroy(&model);
    mexpr_context_destroy(&context);
    return 0;
}
