/* SPDX-License-Identifier: MIT */
#ifndef MX_MODEL_LAYOUT_H
#define MX_MODEL_LAYOUT_H

#include "model/graph.h"

/* Lets convolutions and what follows them work on channels last (layout.c), where
 * graph->rewrites allows it. order[0..*n-1] are the nodes in the order in which they run;
 * the new order is in `arena`. */
mexpr_status mx_layout(
    mx_scope *scope, mx_graph *graph, mx_arena *arena, int **order, int *n);

#endif
