/* SPDX-License-Identifier: MIT */
/* A network that learns: one batch forward, and the gradients of its weights backward.
 * The net has weights of its own, in one vector, so that an optimiser is one loop. */
#ifndef MX_TRAIN_NET_H
#define MX_TRAIN_NET_H

#include "model/model_handle.h"
#include "train/back.h"

typedef struct mx_net mx_net;

/* A stretch of the vector of weights: one initializer of the model. */
typedef struct mx_net_part {
    const char *name;
    size_t offset, count; /* floats */
} mx_net_part;

/* Copies the weights of a model whose source is kept: its nodes run as they were made or
 * read, whatever rewrites have put in their place. MEXPR_E_OPERATOR names a node that
 * cannot be trained through. `max_batch` bounds the batches; memory grows with the
 * largest that was run. */
mexpr_status mx_net_create(
    mx_scope *scope, mexpr_model *model, int64_t max_batch, mx_net **out);
void mx_net_destroy(mx_net *net);

/* All that training changes, in the order of the model's initializers, and the gradients
 * of the last backward pass beside it. */
size_t mx_net_n_weights(const mx_net *net);
float *mx_net_weights(mx_net *net);
const float *mx_net_gradients(const mx_net *net);
int mx_net_n_parts(const mx_net *net);
const mx_net_part *mx_net_part_at(const mx_net *net, int index);
/* What forward changes while training: running means and variances. */
size_t mx_net_n_states(const mx_net *net);
float *mx_net_states(mx_net *net);

/* Lays out memory for a batch as mx_net_forward() does, and refuses what that would;
 * outputs have their shapes then, but no values. */
mexpr_status mx_net_plan(mx_scope *scope, mx_net *net, const mx_tensor *inputs);
/* Runs a batch: `inputs` in the model's order, all with the same first extent, 1 to
 * max_batch. With `is_training` statistics are those of the batch and dropout is drawn
 * from `seed`; without, it computes what a session would. Allocates only for a size of
 * batch that is new. */
mexpr_status mx_net_forward(mx_scope *scope, mx_net *net, const mx_tensor *inputs,
    uint64_t seed, bool is_training);
/* Output `index` of the model after forward. */
const mx_tensor *mx_net_output(const mx_net *net, int index);
/* After forward with is_training: gradients of all weights, from those of the outputs
 * (NULL: nothing flows back from that one). */
mexpr_status mx_net_backward(
    mx_scope *scope, mx_net *net, const float *const *output_gradients);

/* The model with the weights and states as they are now. */
mexpr_status mx_net_model(mx_scope *scope, const mx_net *net, mexpr_model **out);

#endif
