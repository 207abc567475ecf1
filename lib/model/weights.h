/* SPDX-License-Identifier: MIT */
/* From tensors as ONNX stores them to tensors of the engine. */
#ifndef MX_MODEL_WEIGHTS_H
#define MX_MODEL_WEIGHTS_H

#include "model/tensor.h"
#include "model/wire.h"

/* What tensors of one file are read from. */
typedef struct mx_weights {
    const mx_source *source;
    mx_source side;        /* the side file that was used last */
    const char *side_name; /* NULL: none */
} mx_weights;

void mx_weights_init(mx_weights *weights, const mx_source *source);
void mx_weights_release(mx_weights *weights);

/* The engine's type for an ONNX element type: float16, bfloat16 and float64 become
 * float32. 0 for what is not supported. */
int32_t mx_dtype_from_onnx(int32_t type);
/* "float16", "string", ... */
const char *mx_onnx_type_name(int32_t type);

/* Reads a tensor; its data go to `arena` or, when that is NULL, to an mx_alloc() block.
 */
mexpr_status mx_weights_read(mx_scope *scope, mx_weights *weights,
    const mx_wire_tensor *from, mx_arena *arena, mx_tensor *tensor);

#endif
