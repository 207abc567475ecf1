/* SPDX-License-Identifier: MIT */
/* Learning through operators: what each family file back_*.c gives to training, and what
 * it is given. The registry (model/operator.h) knows how an operator runs; an entry here
 * adds how it behaves while training, where that is different, and its derivative. */
#ifndef MX_TRAIN_BACK_H
#define MX_TRAIN_BACK_H

#include "model/operator.h"

/* Planning, once for each node and its shapes. Tensors have types and shapes; those of
 * constants have data, those of weights have none. */
typedef struct mx_back_plan {
    mx_scope *scope;
    const mx_node *node;
    int n_inputs;
    const mx_tensor *const *inputs; /* NULL: left out */
    int n_outputs;
    const mx_tensor *const *outputs;
    const void *params; /* as the operator's infer made them */
    uint32_t wanted;    /* MX_INPUT_BIT(k): the gradient of input k is asked for */
    size_t kept;        /* bytes that go from forward to backward; starts at 0 */
    size_t workspace;   /* scratch bytes of either pass; starts at what infer asked for */
} mx_back_plan;

/* One batch through one node. All is float32 but for indices and shapes. */
typedef struct mx_back_run {
    mx_scope *scope;
    const mx_machine *machine;
    const mx_node *node;
    int n_inputs;
    const mx_tensor *const *inputs;
    int n_outputs;
    mx_tensor *const *outputs; /* made by forward, read by backward; NULL: not there */
    const void *params;
    void *kept;
    void *workspace;
    uint64_t seed; /* of this node in this step: chance must come from it alone */
    int64_t first; /* where in the batch the samples at hand begin */
    /* Backward: the gradient of each output, NULL where nothing flows back, and where to
     * put that of each input, NULL where nobody asks. Bit k of `adds`: add to what is in
     * gradients[k]; otherwise it is overwritten, whatever it held. A value that is two
     * inputs has one gradient, to which the later input adds: finish one input after the
     * other, in their order. */
    const float *const *output_gradients;
    float *const *gradients;
    uint32_t adds;
} mx_back_run;

enum {
    /* Training leaves element i of output 0 to element i of input 0 alone: outputs[0] may
     * lie where inputs[0] does, and gradients[0] where output_gradients[0] does; then
     * bit 0 of `adds` is not set. */
    MX_BACK_IN_PLACE = 1,
    /* The gradients of both inputs may lie where output_gradients[0] does, if their
     * shapes are the same; then their bits of `adds` are not set. */
    MX_BACK_SHARES = 2
};

typedef mexpr_status (*mx_back_plan_fn)(mx_back_plan *plan);
typedef mexpr_status (*mx_back_fn)(const mx_back_run *run);

typedef struct mx_back_op {
    const char *name;       /* as in the registry, domain "" */
    mx_back_plan_fn plan;   /* NULL: nothing kept, no workspace beyond forward's */
    mx_back_fn forward;     /* while training; NULL: as the registry runs it */
    mx_back_fn backward;    /* of float32 inputs */
    uint32_t reads_inputs;  /* inputs whose values backward reads, as bits */
    uint32_t reads_outputs; /* the same for outputs */
    uint32_t no_gradient;   /* inputs that have none: shapes, indices, statistics */
    uint32_t states;        /* initializers that forward changes: running means */
    uint32_t flags;         /* MX_BACK_* */
} mx_back_op;

/* Backward of operators that give the elements of input 0 another shape. */
mexpr_status mx_back_copy(const mx_back_run *run);

/* NULL: this operator cannot be trained through. */
const mx_back_op *mx_back_find(const mx_node *node);

#endif
