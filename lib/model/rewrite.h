/* SPDX-License-Identifier: MIT */
/* Rewrites: patterns of nodes are replaced by fewer or faster ones that give the same
 * values. The source's nodes stay as they are; what runs is changed copies of them. */
#ifndef MX_MODEL_REWRITE_H
#define MX_MODEL_REWRITE_H

#include "model/fused.h"

/* The nodes in the order in which they run; rules look from a node to those that make its
 * inputs. */
typedef struct mx_rewriter {
    mx_scope *scope;
    mx_graph *graph;
    mx_arena *arena; /* scratch */
    const mx_machine *machine;
    int n;
    int *order; /* by place: the node, -1: none any more */
    int *maker; /* by value: the place of its node, -1: none */
    int *uses;  /* by value: how many inputs, and outputs of the model, it is */
    int *same;  /* by value: the value that stands in for it, or itself */
    /* By value: the input of the model from whose free dimension 0 its own comes, -1:
     * none or not known, and how many times that is its own. */
    int *source;
    double *multiple;
    double compose_work; /* multiply-adds that mx_rule_compose() may still do */
    int capacity;        /* of the arrays by value */
    /* By hash: place + 1 of a node that mx_rule_common() has met, 0: none. */
    int *seen;
    size_t seen_size; /* a power of two */
} mx_rewriter;

/* Does all rewrites that graph->rewrites allows. order[0..*n-1] are the nodes in the
 * order in which they run, before and after; shapes have been inferred, constants folded.
 */
mexpr_status mx_rewrite(mx_scope *scope, mx_graph *graph, const mx_machine *machine,
    mx_arena *arena, int *order, int *n);

/* One rule at one place; counts with mx_rw_count() what it does. */
typedef mexpr_status mx_rule(mx_rewriter *r, int place);
mx_rule mx_rule_no_op, mx_rule_common, mx_rule_transpose, mx_rule_pad, mx_rule_function,
    mx_rule_norm, mx_rule_softmax_one, mx_rule_mean_max, mx_rule_gate_transpose,
    mx_rule_gate_sum, mx_rule_cbam, mx_rule_global, mx_rule_turn, mx_rule_ones,
    mx_rule_alias, mx_rule_slice, mx_rule_compose, mx_rule_dense, mx_rule_epilogue,
    mx_rule_sibling, mx_rule_unread;

/* --- for rules --------------------------------------------------------------------- */

const mx_node *mx_rw_node(const mx_rewriter *r, int place);
/* Input k of a node, -1: none. */
int mx_rw_input(const mx_rewriter *r, const mx_node *node, int k);
const mx_tensor *mx_rw_tensor(const mx_rewriter *r, int value);
/* The node that makes a value, if it is an `op` of ONNX; NULL otherwise. */
const mx_node *mx_rw_maker(const mx_rewriter *r, int value, const char *op);
/* The same, if nothing else needs the value. */
const mx_node *mx_rw_inner(const mx_rewriter *r, int value, const char *op);
bool mx_rw_is(const mx_node *node, const char *op);
/* Whether a value is a constant float32 of one element, and which. */
bool mx_rw_number(const mx_rewriter *r, int value, float *number);
bool mx_rw_near(const mx_rewriter *r, int value, double number);
/* Whether shapes are the same for certain, free dimensions included. */
bool mx_rw_same_shape(const mx_rewriter *r, int a, int b);
/* The only axis of a reduction that keeps its dimensions; -1: it is another kind. */
int mx_rw_axis(const mx_rewriter *r, const mx_node *node);

/* The permutation of a Transpose; false while its rank is open. */
bool mx_rw_perm(const mx_rewriter *r, const mx_node *node, int *rank, int *perm);

/* A node to put in place of others. */
typedef struct mx_rw_new {
    const mx_operator *op;
    int n_inputs;
    int inputs[MX_EPILOGUE_INPUTS];
    int n_outputs;
    int outputs[2];
    size_t n_attributes;
    const mx_attribute *attributes;
    const mx_fusion *fusion;
} mx_rw_new;

/* Puts it at `place`; name and opset are those of the node that was there. */
mexpr_status mx_rw_replace(mx_rewriter *r, int place, const mx_rw_new *new);
/* Puts a changed copy of the node at `place` there: input k is another value. */
mexpr_status mx_rw_set_input(mx_rewriter *r, int place, int k, int value);
/* Lets `value` stand in for another, the output of `place`, which goes; false where that
 * is an output of the model. */
bool mx_rw_forward(mx_rewriter *r, int place, int value);
/* Lets `value` stand in for another one, which is no output of the model. */
void mx_rw_stand_in(mx_rewriter *r, int output, int value);
/* The node at `place` goes if nobody needs its outputs. */
void mx_rw_drop_unused(mx_rewriter *r, int place);
/* A new vector of n float32; *value -1 where there is no room for more. */
mexpr_status mx_rw_vector(mx_rewriter *r, int64_t n, float **data, int *value);
/* A new constant whose data lie within those of `owner`; the same. */
mexpr_status mx_rw_view(mx_rewriter *r, const mx_tensor *part, int owner, int *value);
/* A new value of that type and shape, for a node to make; the same. */
mexpr_status mx_rw_value(mx_rewriter *r, const mx_tensor *like, int *value);
void mx_rw_count(mx_rewriter *r, uint32_t rewrite);

#endif
