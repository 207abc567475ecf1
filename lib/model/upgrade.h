/* SPDX-License-Identifier: MIT */
#ifndef MX_MODEL_UPGRADE_H
#define MX_MODEL_UPGRADE_H

#include "model/graph.h"

/* Nodes of opset 1 to 10 become nodes of this one. */
enum { MX_UPGRADE_OPSET = 11 };

typedef struct mx_upgrade {
    mx_scope *scope;
    mx_graph *graph; /* where constants and helping nodes go */
    mx_arena *arena; /* of what source nodes refer to */
    int opset;       /* of the source */
    int n_made;      /* names given so far */
} mx_upgrade;

/* What an operator is called by now. */
const char *mx_upgrade_operator(const char *op_type);
/* Changes a node of ONNX's own domain that is about to be added to the graph. */
mexpr_status mx_upgrade_node(mx_upgrade *u, mx_node_source *node);

#endif
