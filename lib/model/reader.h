/* SPDX-License-Identifier: MIT */
#ifndef MX_MODEL_READER_H
#define MX_MODEL_READER_H

#include "model/graph.h"
#include "model/wire.h"

/* Reads an ONNX model into a fresh graph and finishes it. The source is only needed until
 * this returns. On failure the graph is for mx_graph_release() alone. */
mexpr_status mx_onnx_read(mx_scope *scope, mx_source *source, mx_graph *graph);

#endif
