/* SPDX-License-Identifier: MIT */
/* Writes small ONNX files for tests, well-formed or not, field by field. */
#ifndef TESTS_ONNX_BUILD_H
#define TESTS_ONNX_BUILD_H

#include <stddef.h>
#include <stdint.h>

#include "microexpr/model.h"

/* A message being written. Starts as {0}; onnx_free() releases it. */
typedef struct onnx_message {
    uint8_t *data;
    size_t size;
    size_t capacity;
} onnx_message;

void onnx_free(onnx_message *message);
void onnx_int(onnx_message *message, int field, int64_t value);
void onnx_float(onnx_message *message, int field, float value);
void onnx_bytes(onnx_message *message, int field, const void *bytes, size_t size);
void onnx_text(onnx_message *message, int field, const char *text);
/* Puts `inner` in and releases it. */
void onnx_put(onnx_message *message, int field, onnx_message *inner);

/* A model: its header, and its graph while that is being written. */
typedef struct onnx_model {
    int64_t ir;
    int64_t opset;
    onnx_message extra; /* fields of the model itself */
    onnx_message graph;
    onnx_message file; /* after onnx_end() */
} onnx_model;

/* IR 8 and the opset. */
onnx_model onnx_begin(int64_t opset);
/* Writes the file; its bytes are model->file. */
void onnx_end(onnx_model *model);
void onnx_destroy(onnx_model *model);

/* Dimensions: "N 3 28 28"; a word is a named dimension, "-7" a negative one. NULL: no
 * shape. Types are ONNX's. */
void onnx_input(onnx_model *model, const char *name, int type, const char *dims);
void onnx_output(onnx_model *model, const char *name, int type, const char *dims);

/* A TensorProto with raw data of `bytes` bytes, to be put somewhere. */
onnx_message onnx_tensor(
    const char *name, int type, const char *dims, const void *raw, size_t bytes);
/* Initializers. */
void onnx_f32(onnx_model *model, const char *name, const char *dims, const float *data);
void onnx_i64(onnx_model *model, const char *name, const char *dims, const int64_t *data);

/* Nodes: inputs and outputs separated by blanks, "-" for one that is left out. */
onnx_message onnx_node(
    const char *op, const char *name, const char *inputs, const char *outputs);
void onnx_attr_int(onnx_message *node, const char *name, int64_t value);
void onnx_attr_float(onnx_message *node, const char *name, float value);
void onnx_attr_text(onnx_message *node, const char *name, const char *value);
void onnx_attr_ints(onnx_message *node, const char *name, const char *values);
void onnx_attr_floats(onnx_message *node, const char *name, const float *values, int n);
/* Words separated by blanks. */
void onnx_attr_texts(onnx_message *node, const char *name, const char *values);
/* Takes a graph, written as onnx_model.graph is. */
void onnx_attr_graph(onnx_message *node, const char *name, onnx_message *graph);
void onnx_attr_tensor(onnx_message *node, const char *name, onnx_message *tensor);
void onnx_add(onnx_model *model, onnx_message *node);
/* A node without attributes, added at once. */
void onnx_simple(
    onnx_model *model, const char *op, const char *inputs, const char *outputs);

#endif
