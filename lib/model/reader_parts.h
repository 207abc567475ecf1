/* SPDX-License-Identifier: MIT */
/* What the files of the ONNX reader share. */
#ifndef MX_MODEL_READER_PARTS_H
#define MX_MODEL_READER_PARTS_H

#include "model/graph.h"
#include "model/upgrade.h"
#include "model/weights.h"
#include "model/wire.h"

typedef struct mx_reader {
    mx_scope *scope;
    mx_graph *graph;
    mx_arena arena; /* of what is unpacked */
    mx_wire_model wire;
    mx_weights weights;
    int64_t ml_opset;   /* of the domain ai.onnx.ml, 0: not used */
    int n_scopes;       /* graphs inside nodes so far */
    int n_axes;         /* axes made constants so far */
    int n_probes;       /* shapes looked for so far */
    mx_upgrade upgrade; /* opset 0: the file needs none */
} mx_reader;

enum { MX_READER_DEPTH = 8 }; /* graphs inside each other */

/* Where names are looked up: in a graph inside a node, then around it. Everything becomes
 * part of one graph, so that inner names get a prefix. */
typedef struct mx_names {
    const struct mx_names *outer; /* NULL: the model's own graph */
    char prefix[24];
    int gate; /* as in mx_node_source */
    int depth;
} mx_names;

/* A name of this graph's own; NULL when memory ran out. */
const char *mx_reader_own_name(mx_reader *r, const mx_names *n, const char *name);
/* The name of what a node refers to: the innermost of that name that there is. */
const char *mx_reader_find_name(mx_reader *r, const mx_names *n, const char *name);
mexpr_status mx_reader_initializers(
    mx_reader *r, const mx_names *n, const mx_wire_model *wire, mx_weights *weights);
mexpr_status mx_reader_nodes(
    mx_reader *r, const Mx__Onnx__Graph *graph, const mx_names *n);

/* Takes an If, Loop or Scan apart (reader_flow.c). */
mexpr_status mx_reader_flow(
    mx_reader *r, const Mx__Onnx__Node *node, const mx_names *n, const char *label);
mexpr_status mx_reader_scan(
    mx_reader *r, const Mx__Onnx__Node *node, const mx_names *n, const char *label);

/* A node of the reader's own, with an attribute or NULL. */
mexpr_status mx_reader_put(mx_reader *r, const char *op, int gate, const char *label,
    const char *const *inputs, size_t n_inputs, const mx_attribute *attribute,
    const char *output);
/* The same with an attribute "axis". */
mexpr_status mx_reader_put_along(mx_reader *r, const char *op, int gate,
    const char *label, const char *const *inputs, size_t n_inputs, int64_t axis,
    const char *output);
mexpr_status mx_reader_put_unsqueeze(
    mx_reader *r, const mx_names *n, const char *input, int64_t axis, const char *output);
/* A number that the reader makes: an int64 scalar or list of one, or a truth value. */
mexpr_status mx_reader_put_number(
    mx_reader *r, const char *name, int32_t dtype, int rank, int64_t number);
/* Unpacks the graph of an attribute. */
mexpr_status mx_reader_unpack(mx_reader *r, const Mx__Onnx__Node *node, const char *name,
    const char *label, mx_source **source, mx_wire_model *wire);
/* The initializers of a graph inside a node. */
mexpr_status mx_reader_constants(
    mx_reader *r, const mx_names *n, const mx_wire_model *wire, const mx_source *source);

#endif
