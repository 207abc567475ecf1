/* SPDX-License-Identifier: MIT */
/* Any bytes as a tensor, .npy and TensorProto. */
#include <stddef.h>
#include <stdint.h>

#include "microexpr/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads every byte, for the sanitizers. */
static void use(mexpr_tensor *tensor)
{
    mexpr_tensor_view view = MEXPR_TENSOR_VIEW_INIT;
    volatile uint8_t sum = 0;
    if (mexpr_tensor_get(tensor, &view) != MEXPR_OK)
        __builtin_trap();
    size_t bytes = mexpr_dtype_bytes((mexpr_dtype)view.dtype);
    for (int32_t d = 0; d < view.rank; d++)
        bytes *= (size_t)view.dims[d];
    for (size_t k = 0; k < bytes; k++)
        sum = (uint8_t)(sum + ((const uint8_t *)view.data)[k]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mexpr_context_options options = MEXPR_CONTEXT_OPTIONS_INIT;
    mexpr_context *context = NULL;
    mexpr_tensor *tensor = NULL;
    options.max_tensor_bytes = 1 << 20;
    options.max_file_bytes = 1 << 20;
    if (mexpr_context_create(&options, &context) != MEXPR_OK)
        return 0;
    if (mexpr_tensor_decode_npy(context, data, size, &tensor) == MEXPR_OK)
        use(tensor);
    mexpr_tensor_destroy(&tensor);
    if (mexpr_tensor_decode_pb(context, data, size, &tensor) == MEXPR_OK)
        use(tensor);
    mexpr_tensor_destroy(&tensor);
    mexpr_context_destroy(&context);
    return 0;
}
