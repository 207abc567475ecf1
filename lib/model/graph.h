/* SPDX-License-Identifier: MIT */
/* A network as the engine knows it: values (tensors by number) and nodes between them.
 * The ONNX reader makes one with the calls below, and so can any other source;
 * mx_graph_finish() then checks, sorts and folds it. */
#ifndef MX_MODEL_GRAPH_H
#define MX_MODEL_GRAPH_H

#include "model/arena.h"
#include "model/tensor.h"

/* Kinds of attributes: the letters that operator tables use (operator.h). */
typedef enum mx_attribute_kind {
    MX_ATTRIBUTE_INT = 'i',
    MX_ATTRIBUTE_FLOAT = 'f',
    MX_ATTRIBUTE_STRING = 's',
    MX_ATTRIBUTE_TENSOR = 't',
    MX_ATTRIBUTE_INTS = 'I',
    MX_ATTRIBUTE_FLOATS = 'F',
    MX_ATTRIBUTE_STRINGS = 'S'
} mx_attribute_kind;

typedef struct mx_attribute {
    const char *name;
    mx_attribute_kind kind;
    int64_t i;
    float f;
    const char *s;
    mx_tensor t;
    size_t n; /* of ints, floats, strings */
    const int64_t *ints;
    const float *floats;
    const char *const *strings;
} mx_attribute;

typedef struct mx_operator mx_operator;
typedef struct mx_fusion mx_fusion;

/* A condition that nodes stand under: those of the branches of an If and the iterations
 * of a Loop. It has to come out constant; nodes whose gate is shut are no part of the
 * graph. */
typedef struct mx_gate {
    int condition; /* value; shut too when the node that makes it stands under a shut one
                    */
    bool wanted;
    const char *label; /* of the If or Loop, for sentences */
} mx_gate;

typedef struct mx_node {
    const char *name; /* "" when it has none */
    const char *op_type;
    const char *domain; /* "" for ONNX's own */
    int index;          /* in its graph */
    int opset;          /* of its domain */
    const mx_operator *op;
    int gate;     /* -1: none */
    bool is_shut; /* by its gate: no part of the graph (set when it is finished) */
    int n_inputs;
    int *inputs; /* values, -1 where an optional input is left out */
    int n_outputs;
    int *outputs; /* values, -1 where nobody asks for the output */
    size_t n_attributes;
    mx_attribute *attributes;
    const mx_fusion *fusion; /* what a rewrite joined to it (fusion.h), NULL: nothing */
} mx_node;

typedef struct mx_value {
    const char *name;
    int producer; /* node, -1: graph input, initializer, or not made yet */
    bool is_input;
    bool is_output;
    bool is_trainable; /* an initializer that training changes */
    /* A shape follows from its values: they have to be known when that is planned. */
    bool decides_shape;
    /* What is known before running: type and shape as far as they are fixed; data for
     * initializers and everything computed from them. */
    mx_tensor tensor;
    void *block;    /* the mx_alloc() block of tensor.data, NULL when another owns it */
    bool is_shared; /* other values lie within it */
    bool is_spare;  /* running does not need the data (set when it is finished) */
    /* Number + 1 of the value in whose panels the numbers lie too, 0: none (panels.h). */
    int panels;
    bool panels_by_channel;
} mx_value;

typedef struct mx_port {
    const char *name;
    int value;
    mx_tensor declared;                    /* data NULL */
    const char *dim_names[MEXPR_MAX_RANK]; /* of open dimensions, NULL: none */
} mx_port;

typedef struct mx_metadata {
    const char *key;
    const char *text;
} mx_metadata;

enum { MX_N_REWRITES = 11 };

/* A version of a domain's operators. */
typedef struct mx_import {
    const char *domain;
    int64_t version;
} mx_import;

typedef struct mx_graph {
    mexpr_context *context;
    mx_arena arena; /* of all names and small arrays */
    const char *name;
    const char *producer;
    int opset; /* of the ONNX domain */
    int64_t ir_version;
    size_t n_imports; /* as the source has them; 0: the ONNX domain alone */
    mx_import *imports;
    uint64_t n_parameters;
    uint64_t n_trainable;
    int n_file_nodes;  /* nodes of the source; those behind are the graph's own */
    int n_file_values; /* the same for values */
    /* Initializers stay though running does not need them: for mx_onnx_encode(). */
    bool keeps_source;
    int *order; /* of the source's nodes, each behind what it needs; NULL: as they are */
    uint32_t rewrites; /* MEXPR_REWRITE_*: those that mx_graph_finish() may do */
    int n_rewrites[MX_N_REWRITES]; /* by bit: how often it did */

    int n_values, values_capacity;
    mx_value *values;
    int n_nodes, nodes_capacity;
    mx_node *nodes;
    int n_inputs, inputs_capacity;
    mx_port *inputs;
    int n_outputs, outputs_capacity;
    mx_port *outputs;
    int n_gates, gates_capacity;
    mx_gate *gates;
    size_t n_metadata;
    mx_metadata *metadata;

    /* Set by mx_graph_finish(): the nodes that have to run, in order. */
    int n_steps;
    int *steps;

    /* Open addressing over value names; value + 1, 0 is empty. */
    int *table;
    size_t table_size;
} mx_graph;

void mx_graph_init(mx_graph *graph, mexpr_context *context);
void mx_graph_release(mx_graph *graph);
/* Whether the data of a value stay though running does not need them: those of an
 * initializer that is to be written again as it came, and is nowhere else. */
bool mx_graph_keeps(const mx_graph *graph, int value);
/* Bytes of all data that the graph has, and of those that running does not need. */
void mx_graph_weight_bytes(const mx_graph *graph, uint64_t *all, uint64_t *spare);

/* Finds a value by name, or adds one that nothing makes yet. Names are copied. */
mexpr_status mx_graph_value(
    mx_scope *scope, mx_graph *graph, const char *name, int *value);
/* The number of a value, -1: none of that name. */
int mx_graph_find(const mx_graph *graph, const char *name);

/* Adds an input. `declared` has what is fixed of type and shape. */
mexpr_status mx_graph_add_input(
    mx_scope *scope, mx_graph *graph, const char *name, const mx_tensor *declared);
mexpr_status mx_graph_add_output(
    mx_scope *scope, mx_graph *graph, const char *name, const mx_tensor *declared);
/* Adds a constant and takes its data, an mx_alloc() block, over; on failure too. */
mexpr_status mx_graph_add_constant(
    mx_scope *scope, mx_graph *graph, const char *name, const mx_tensor *tensor);

/* A node as its source describes it; mx_graph_add_node() copies everything but tensors of
 * attributes, whose data must be in the graph's arena. */
typedef struct mx_node_source {
    const char *name;
    const char *op_type;
    const char *domain;
    int opset;
    int gate; /* number + 1, 0: none */
    size_t n_inputs, n_outputs, n_attributes;
    const char *const *inputs; /* "" leaves an optional one out */
    const char *const *outputs;
    const mx_attribute *attributes;
} mx_node_source;

mexpr_status mx_graph_add_node(
    mx_scope *scope, mx_graph *graph, const mx_node_source *source);

/* For what is the graph's own: a value without a name; it takes the data, an mx_alloc()
 * block or NULL, over, on failure too. */
mexpr_status mx_graph_own_value(
    mx_scope *scope, mx_graph *graph, const mx_tensor *tensor, int *value);
/* A node behind those of the source, as it is: its arrays must be in the graph's arena.
 * Values stay with the nodes of the source that make them. */
mexpr_status mx_graph_own_node(
    mx_scope *scope, mx_graph *graph, const mx_node *node, int *index);

/* Adds a gate; *number is its number + 1, as mx_node_source has it. The label is copied.
 */
mexpr_status mx_graph_add_gate(
    mx_scope *scope, mx_graph *graph, const mx_gate *gate, int *number);

/* Checks the graph as a whole, sorts it, infers what types and shapes are fixed, computes
 * what depends on constants alone, and drops what no output needs. */
mexpr_status mx_graph_finish(mx_scope *scope, mx_graph *graph);

/* Counts that a rewrite was done once more. */
void mx_graph_count(mx_graph *graph, uint32_t rewrite);

enum { MX_LABEL_SIZE = 160 };
/* "node 'conv1' (Conv)" into `text` of MX_LABEL_SIZE bytes; returns it. */
const char *mx_node_label(const mx_node *node, char *text);

#endif
