/* SPDX-License-Identifier: MIT */
/* Networks within networks: the nodes and weights of a model, added to a builder. */
#ifndef MX_MODEL_GRAPH_COPY_H
#define MX_MODEL_GRAPH_COPY_H

#include "model/model_handle.h"

enum { MX_COPY_NAME = 96, MX_COPY_RENAMES = 16 };

/* What tensors and nodes are called in the copy. */
typedef struct mx_copy_names {
    const char *prefix; /* of all but those below; NULL: none */
    int n;
    struct {
        const char *from;
        char to[MX_COPY_NAME];
    } pairs[MX_COPY_RENAMES];
} mx_copy_names;

/* `from` has to live as long; `to` is copied, cut to MX_COPY_NAME. */
void mx_copy_rename(mx_copy_names *names, const char *from, const char *to);

/* All of the model's source: weights, then nodes in an order in which they can run.
 * Inputs, outputs, opsets and metadata are the caller's to declare. MEXPR_E_STATE when
 * the model was loaded with drop_source. */
mexpr_status mx_graph_copy(mx_scope *scope, mexpr_builder *builder,
    const mexpr_model *model, const mx_copy_names *names);

#endif
