/* SPDX-License-Identifier: MIT */
/* An ONNX file taken apart without holding it in memory: the large parts (weights) stay
 * where they are and are read straight to their place; protobuf-c unpacks the rest. */
#ifndef MX_MODEL_WIRE_H
#define MX_MODEL_WIRE_H

#include "base/file.h"
#include "model/arena.h"
#include "model/onnx.pb-c.h"

enum { MX_WINDOW_BYTES = 4096 };

/* Bytes that can be read in parts: memory of the caller, or a file. */
typedef struct mx_source {
    const uint8_t *bytes; /* NULL: a file */
    mx_file file;
    const char *path; /* of the file, for sentences and side files */
    uint64_t size;
    uint64_t window_start;
    size_t window_size;
    uint8_t window[MX_WINDOW_BYTES];
} mx_source;

void mx_source_from_memory(mx_source *source, const void *bytes, size_t size);
mexpr_status mx_source_open(mx_scope *scope, mx_source *source, const char *path);
/* Takes an open file over. */
void mx_source_from_file(mx_source *source, mx_file file, const char *path);
void mx_source_close(mx_source *source);

typedef struct mx_range {
    uint64_t offset;
    uint64_t size;
} mx_range;

/* Reads a range that lies in the source. */
mexpr_status mx_source_read(
    mx_scope *scope, const mx_source *source, uint64_t offset, void *bytes, size_t size);

/* A tensor as it lies in the file. */
typedef struct mx_wire_tensor {
    Mx__Onnx__Tensor *proto; /* without raw_data */
    bool has_raw;
    mx_range raw;
} mx_wire_tensor;

/* A file as it lies, all but the weights unpacked into `arena`. */
typedef struct mx_wire_model {
    Mx__Onnx__Model *model;
    Mx__Onnx__Graph *graph;
    size_t n_initializers;
    mx_wire_tensor *initializers;
    bool has_sparse;    /* sparse initializers */
    bool has_functions; /* functions of the model's own */
} mx_wire_model;

mexpr_status mx_wire_read_model(
    mx_scope *scope, mx_source *source, mx_arena *arena, mx_wire_model *model);
/* The same for a source that is a graph alone. */
mexpr_status mx_wire_read_graph(
    mx_scope *scope, mx_source *source, mx_arena *arena, mx_wire_model *model);
mexpr_status mx_wire_read_tensor(
    mx_scope *scope, mx_source *source, mx_arena *arena, mx_wire_tensor *tensor);

#endif
