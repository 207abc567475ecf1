/* SPDX-License-Identifier: MIT */
#ifndef MX_MODEL_MODEL_HANDLE_H
#define MX_MODEL_MODEL_HANDLE_H

#include <stdatomic.h>

#include "model/graph.h"

struct mexpr_model {
    atomic_int references;
    mexpr_context *context;
    mx_graph graph;            /* does not change any more */
    struct mexpr_model *owner; /* of the weights, of an extracted model; retained */
    double *losses;            /* of the epochs that made it, before it is shared */
    int32_t n_losses;
};

/* A model with an empty graph, of one reference. */
mexpr_status mx_model_create(mx_scope *scope, mexpr_model **out);

/* Copies what is known of a tensor into a caller's struct, as far as it reaches. */
mexpr_status mx_view_out(const mx_tensor *tensor, mexpr_tensor_view *view);
/* A caller's tensor, checked in itself: struct_size, type, shape, data. */
mexpr_status mx_view_in(
    mx_scope *scope, const mexpr_tensor_view *view, mx_tensor *tensor);

#endif
