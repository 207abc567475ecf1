/* SPDX-License-Identifier: MIT */
#ifndef MX_MODEL_WRITER_H
#define MX_MODEL_WRITER_H

#include "model/graph.h"

/* The graph as its source described it, as an ONNX model. *bytes is an mx_alloc() block.
 * MEXPR_E_STATE when an initializer has been dropped (keeps_source), MEXPR_E_LIMIT beyond
 * the 2 GiB that the format can hold. */
mexpr_status mx_onnx_encode(
    mx_scope *scope, const mx_graph *graph, uint8_t **bytes, size_t *size);

#endif
