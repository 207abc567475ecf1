/* SPDX-License-Identifier: MIT */
/* What the files of the learning network share: net.c holds it, net_graph.c says which
 * nodes run and where gradients flow, net_pass.c lays a size of batch out in memory,
 * net_run.c runs it. */
#ifndef MX_TRAIN_NET_PARTS_H
#define MX_TRAIN_NET_PARTS_H

#include "train/net.h"

/* Where the data of a value, or its gradient, lie. */
typedef enum mx_net_place {
    MX_NET_NOWHERE, /* not there, or elsewhere: inputs, weights, constants */
    MX_NET_HERE     /* in the memory of the pass */
} mx_net_place;

typedef struct mx_net_block {
    mx_net_place place;
    size_t offset;
} mx_net_block;

/* A node as it runs on the batch. */
typedef struct mx_net_call {
    const mx_tensor **inputs;
    mx_tensor **outputs;
    void *params;
    size_t own_space, part_space; /* of the registry's forward */
    size_t kept, workspace;
} mx_net_call;

typedef struct mx_net_step {
    const mx_node *node;
    const mx_back_op *back; /* NULL: as the registry runs it, no gradient */
    uint32_t wanted;        /* inputs that get a gradient; 0: no backward */
    size_t kept_offset;
    mx_net_call call;
} mx_net_step;

typedef struct mx_pass {
    mexpr_context *context;
    mx_arena arena;
    int n_values;
    int64_t batch;
    mx_tensor *tensors; /* by value */
    void **folded;      /* by value: blocks of what is constant for these shapes */
    int n_steps;
    mx_net_step *steps;
    mx_net_block *values;    /* by value */
    mx_net_block *gradients; /* by value */
    size_t memory_bytes, workspace_offset;
    const uint8_t *memory; /* that the tensors point into */
} mx_pass;

struct mx_net {
    mexpr_context *context;
    mexpr_model *model;
    mx_graph graph; /* the model's, with all initializers as in the source */
    mx_machine machine;
    mx_arena arena;
    int n_nodes;
    const mx_node **nodes;    /* those that run, in order */
    const mx_back_op **backs; /* of them */
    bool *has_gradient;       /* by value */
    bool *is_ones;            /* by value: shares of one, whatever they are made from */
    float **weight_at;        /* by value: where a weight or a state lies */
    float **gradient_at;      /* by value: the same for the gradient of a weight */
    bool *is_written;         /* by value: the gradient holds something */
    int n_parts;
    mx_net_part *parts;
    int *part_values;
    size_t n_weights, n_states;
    float *weights, *gradients, *states;
    int max_inputs, max_outputs;
    const float **output_gradients; /* of the node at hand */
    float **input_gradients;
    int64_t max_batch;
    mx_pass **passes; /* by size of the batch */
    mx_pass *now;     /* of the last forward */
    bool is_training;
    uint64_t seed;
    uint8_t *memory; /* of all passes: one at a time */
    size_t memory_bytes;
};

/* Chooses nodes and finds what learns; sets n_nodes .. gradient_at, parts. */
mexpr_status mx_net_survey(mx_scope *scope, mx_net *net);
/* Puts blocks (block.h) in the place of the nodes they are made of; after the survey. */
mexpr_status mx_net_find_blocks(mx_scope *scope, mx_net *net);
/* The same with gates (gate.h). */
mexpr_status mx_net_find_gates(mx_scope *scope, mx_net *net);

/* A pass for inputs of these shapes. */
mexpr_status mx_pass_create(
    mx_scope *scope, const mx_net *net, const mx_tensor *inputs, mx_pass **out);
void mx_pass_destroy(mx_pass *pass);
bool mx_pass_fits(const mx_net *net, const mx_pass *pass, const mx_tensor *inputs);

#endif
