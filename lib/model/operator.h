/* SPDX-License-Identifier: MIT */
/* Operators: what each family file gives to the registry, and what it is given. One entry
 * has everything the engine knows of an operator, so a new one is a function or two and a
 * row of a table. */
#ifndef MX_MODEL_OPERATOR_H
#define MX_MODEL_OPERATOR_H

#include "kernel/conv_kernel.h"
#include "kernel/gemm.h"
#include "kernel/nn_kernel.h"
#include "kernel/train_kernel.h"
#include "model/graph.h"

/* The kernel tables for the instruction sets of a context. */
typedef struct mx_machine {
    mx_gemm gemm;
    mx_nn_kernels nn;
    mx_conv_kernels conv;
    mx_train_kernels train;
} mx_machine;

void mx_machine_init(mx_machine *machine, uint32_t cpu);

enum { MX_MAX_DYNAMIC = 4 }; /* outputs of an operator with MX_OP_DYNAMIC */

/* Inferring: inputs as far as they are known (a tensor with data is a constant); fills in
 * outputs as far as they follow. Inputs have known types and ranks, and the numbers,
 * types and attributes that the operator's entry asks for have been checked.
 *
 * With an open dimension or value the answer may be open; with none it must be whole. */
typedef struct mx_infer {
    mx_scope *scope;
    const mx_node *node;
    int n_inputs;
    const mx_tensor *const *inputs; /* NULL: left out */
    int n_outputs;
    mx_tensor *const *outputs; /* never NULL; dtype is preset to that of input 0 */
    void *params;              /* op->params_size bytes for forward, zeroed */
    size_t workspace;          /* bytes that forward needs as scratch memory */
    size_t part_space;         /* the same beside it, for each worker of mx_run_parts() */
    double multiply_adds;      /* of forward; 0: it moves data rather than computes */
    /* Of MX_OP_DYNAMIC: whether `capacity` is known, the bytes of each output at most. */
    bool is_bounded;
    size_t capacity[MX_MAX_DYNAMIC];
} mx_infer;

/* Running: everything is known. `outputs` are NULL where nobody asks. */
typedef struct mx_run {
    mx_scope *scope;
    const mx_machine *machine;
    const mx_node *node;
    int n_inputs;
    const mx_tensor *const *inputs;
    int n_outputs;
    mx_tensor *const *outputs;
    const void *params;
    void *workspace;
    int n_workers; /* threads that mx_run_parts() may use */
    void *part_spaces;
    size_t part_space;
} mx_run;

typedef mexpr_status (*mx_infer_fn)(mx_infer *infer);
typedef mexpr_status (*mx_forward_fn)(const mx_run *run);

/* Sets of element types. */
enum {
    MX_T_F32 = 1,
    MX_T_U8 = 2,
    MX_T_I32 = 4,
    MX_T_I64 = 8,
    MX_T_BOOL = 16,
    MX_T_INTS = MX_T_I32 | MX_T_I64,
    MX_T_NUMBERS = MX_T_F32 | MX_T_U8 | MX_T_I32 | MX_T_I64,
    MX_T_ALL = MX_T_NUMBERS | MX_T_BOOL
};

enum {
    MX_OP_ALIAS = 1,      /* output 0 has the elements of input 0 in the same order */
    MX_OP_FROM_SHAPE = 2, /* outputs follow from the inputs' shapes, not their values */
    MX_OP_VARIADIC = 4,   /* any number of inputs from min_inputs on */
    /* How large outputs are comes out of running: infer leaves dimensions open and sets
     * capacity, forward fills them in. */
    MX_OP_DYNAMIC = 8,
    /* Taken apart when read; what is left is input 1 or 2, by the constant input 0. */
    MX_OP_BRANCH = 16,
    /* Element i of output 0 follows from element i of input 0 and from inputs of one
     * element: forward may be called for pieces of them. */
    MX_OP_SPLIT = 32,
    MX_OP_PARTS = 64 /* forward divides its work with mx_run_parts() */
};

enum { MX_MAX_PARAMS = 512 };

/* Bit of input k, for value_inputs and other_inputs. */
#define MX_INPUT_BIT(k) (1u << (k))

struct mx_operator {
    const char *name;
    const char *domain;     /* "" for ONNX's own */
    const char *attributes; /* "name:kind name:kind", kinds as in mx_attribute_kind */
    int since;              /* first opset */
    int last;               /* last opset, 0: still there */
    int min_inputs, max_inputs, min_outputs, max_outputs;
    uint32_t types;        /* types of the inputs; one and the same for all of them */
    uint32_t other_inputs; /* bits of inputs with a type of their own, checked by infer */
    uint32_t value_inputs; /* bits of inputs whose values decide the shape of an output */
    uint32_t flags;
    size_t params_size; /* at most MX_MAX_PARAMS */
    mx_infer_fn infer;
    mx_forward_fn forward;
    mx_forward_fn backward; /* NULL: cannot be trained through yet */
    const char *note;       /* what is left out, for docs/operators.md; NULL: nothing */
};

/* The entry for an operator at an opset; MEXPR_E_OPERATOR when there is none. */
mexpr_status mx_operator_find(mx_scope *scope, const char *domain, const char *name,
    int opset, const mx_operator **op);
bool mx_operator_is_known(const char *domain, const char *name, int opset);
/* Stands for one that is not known, of a node under a gate: it only fails when the gate
 * opens. */
extern const mx_operator mx_unknown_operator;
/* Entry `index` of the registry, NULL behind the last. */
const mx_operator *mx_operator_at(int index);

/* Operators that are left out on purpose: name, with '*' at its end for all that begin
 * so, and reason. NULL behind the last. */
const char *mx_operator_refusal(int index, const char **reason);

/* Work on the nodes of a graph, one at a time, with `tensors` indexed by value. */
typedef struct mx_frame {
    mx_scope *scope;
    const mx_machine *machine;
    mx_tensor *tensors;
    const mx_tensor **inputs; /* of the node at hand */
    mx_tensor **outputs;
    mx_tensor *spare; /* stand in for outputs that nobody asks for */
    union {
        max_align_t alignment;
        unsigned char bytes[MX_MAX_PARAMS];
    } params;
    size_t workspace, part_space;
    double multiply_adds;
    bool is_bounded; /* as in mx_infer */
    size_t capacity[MX_MAX_DYNAMIC];
} mx_frame;

/* Makes a frame in `arena` that fits all nodes of the graph. */
mexpr_status mx_frame_init(mx_scope *scope, mx_arena *arena, const mx_graph *graph,
    const mx_machine *machine, mx_tensor *tensors, mx_frame *frame);
/* Type and shape of a node's outputs, frame->params and frame->workspace, from what is
 * known of its inputs. Node and reason are in the sentence. */
mexpr_status mx_node_infer(mx_frame *frame, const mx_node *node);
/* After mx_node_infer(): whether the node can be computed now. */
bool mx_node_is_constant(const mx_frame *frame, const mx_node *node);
/* After mx_node_infer(): whether memory for the node's outputs can be set aside, and how
 * much output k needs. */
bool mx_node_is_whole(const mx_frame *frame, const mx_node *node);
size_t mx_node_bytes(const mx_frame *frame, const mx_node *node, int k);
/* Computes it; the data of its outputs are mx_alloc() blocks for the caller to free. */
mexpr_status mx_node_fold(mx_frame *frame, const mx_node *node);

/* --- running on threads ------------------------------------------------------------- */

/* How many threads a node is worth whose output is there after about `nanoseconds` on
 * one, of `n_threads`; 1 for an operator that does not divide its work. */
int mx_node_workers(const mx_node *node, double nanoseconds, int n_threads);

/* Runs the operator, in pieces where it lets others divide it. */
mexpr_status mx_run_forward(const mx_run *run);

/* `space`: the worker's scratch memory of infer->part_space bytes. */
typedef void mx_part_fn(const mx_run *run, const void *arg, int64_t part, void *space);

/* For operators with MX_OP_PARTS: calls `fn` for the parts 0..n-1, each once, on as many
 * threads as the plan gives the node. Parts are cut by size, never by the number of
 * threads, so that results do not depend on that; they must not fail. */
void mx_run_parts(const mx_run *run, int64_t n, mx_part_fn *fn, const void *arg);

/* The same for the rows of a walk that has any, in pieces of rows: `piece` lies where a
 * piece begins, its innermost dimension is as long. Each element must go by itself. */
typedef void mx_row_fn(const mx_run *run, const void *arg, const mx_walk *piece);
void mx_run_rows(const mx_run *run, const mx_walk *walk, mx_row_fn *fn, const void *arg);

/* --- help for operators ------------------------------------------------------------ */

/* Attributes; their kinds have been checked. */
const mx_attribute *mx_attr(const mx_node *node, const char *name);
int64_t mx_attr_int(const mx_node *node, const char *name, int64_t standard);
float mx_attr_float(const mx_node *node, const char *name, float standard);
const char *mx_attr_string(const mx_node *node, const char *name, const char *standard);
/* Whether a list of integers is absent or all its numbers are `number`. */
bool mx_attr_all(const mx_node *node, const char *name, int64_t number);
/* *choice receives the number, among n, of the text that an attribute holds, or of
 * `standard`; MEXPR_E_MODEL for a text that is none of them. */
mexpr_status mx_infer_choice(mx_infer *infer, const char *name, const char *standard,
    const char *const *choices, int n, int *choice);

/* Input k, NULL when left out. */
const mx_tensor *mx_infer_input(const mx_infer *infer, int k);
const mx_tensor *mx_run_input(const mx_run *run, int k);
mx_tensor *mx_run_output(const mx_run *run, int k);

/* Makes the shape of output k. */
void mx_infer_shape(mx_infer *infer, int k, int rank, const int64_t *dims);
/* Output k has the shape of input 0. */
mexpr_status mx_infer_same(mx_infer *infer);
/* Shape of all inputs broadcast together (numpy's rules) for output 0. */
mexpr_status mx_infer_broadcast(mx_infer *infer);
/* *axis into 0..rank-1 from -rank..rank-1; MEXPR_E_SHAPE otherwise. */
mexpr_status mx_infer_axis(mx_infer *infer, int64_t *axis, int rank);
/* MEXPR_E_TYPE unless input k is left out or has one of `types`. */
mexpr_status mx_infer_type(mx_infer *infer, int k, uint32_t types);
/* At most `capacity` numbers of an int32 or int64 input that is a constant of rank 0 or
 * 1. */
mexpr_status mx_infer_ints(
    mx_infer *infer, int k, int64_t *numbers, int capacity, int *n_numbers);
/* Axes from the attribute "axes" or, when there is none, input k, as a bit mask; an
 * absent list gives 0 axes. *known is false while the input is open. */
mexpr_status mx_infer_axes(
    mx_infer *infer, int k, int rank, uint32_t *mask, int *n_axes, bool *known);

#endif
