/* SPDX-License-Identifier: MIT */
/* A plan: a graph made concrete for one set of input shapes, with the memory that running
 * needs. Layouts are none of its business: a value with channels last has its dimensions
 * in that order, and nodes that turn it stand at the borders of that layout (layout.c);
 * shapes mean what they say here and in every operator. */
#ifndef MX_MODEL_PLAN_H
#define MX_MODEL_PLAN_H

#include "model/operator.h"

typedef struct mx_plan mx_plan;

/* `inputs` are in the order of graph->inputs. Fails with node and reason when shapes do
 * not fit together (MEXPR_E_SHAPE, MEXPR_E_LIMIT, MEXPR_E_NOMEM). */
mexpr_status mx_plan_create(mx_scope *scope, const mx_graph *graph,
    const mx_machine *machine, const mx_tensor *inputs, mx_plan **out);
void mx_plan_destroy(mx_plan *plan);

/* Whether the plan is for inputs of these shapes, and of the values that decide shapes.
 */
bool mx_plan_fits(const mx_plan *plan, const mx_tensor *inputs);

/* Runs it; the inputs' data are read during the call only. Allocates nothing, unless a
 * shape that follows from computed values is another one than before: what is behind it
 * is planned anew then. */
mexpr_status mx_plan_run(
    mx_scope *scope, const mx_machine *machine, mx_plan *plan, const mx_tensor *inputs);

/* Whether runs are timed, step by step; switching it on starts at zero. */
void mx_plan_profile(mx_plan *plan, bool on);
int mx_plan_n_steps(const mx_plan *plan);
/* All but struct_size. */
void mx_plan_step(const mx_plan *plan, int index, mexpr_step_info *info);
void mx_plan_memory(const mx_plan *plan, mexpr_memory_info *info);

/* Output `index` of the graph after a run. */
const mx_tensor *mx_plan_output(const mx_plan *plan, int index);

#endif
