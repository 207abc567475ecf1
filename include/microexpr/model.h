/* SPDX-License-Identifier: MIT */
/**
 * @file model.h
 * Neural networks: reading ONNX files, looking at them, running them. See docs/model.md;
 * docs/operators.md lists the operators.
 */
#ifndef MICROEXPR_MODEL_H
#define MICROEXPR_MODEL_H

#include "base.h"

MEXPR_BEGIN_DECLS

/** Element types; the values are ONNX's own. */
typedef enum mexpr_dtype {
    MEXPR_DTYPE_F32 = 1,
    MEXPR_DTYPE_U8 = 2,
    MEXPR_DTYPE_I32 = 6,
    MEXPR_DTYPE_I64 = 7,
    MEXPR_DTYPE_BOOL = 9 /**< one byte, 0 or 1 */
} mexpr_dtype;

/** Bytes of an element, 0 for an unknown type. Thread-safe. @since 0.1.0 */
MEXPR_API size_t mexpr_dtype_bytes(mexpr_dtype dtype);
/** "float32", "uint8", "int32", "int64", "bool", or "unknown". @since 0.1.0 */
MEXPR_API const char *mexpr_dtype_name(mexpr_dtype dtype);

#define MEXPR_MAX_RANK 8

/** What a model says about an input or output. */
typedef struct mexpr_tensor_info {
    size_t struct_size;
    const char *name;             /**< lives as long as the model */
    int32_t dtype;                /**< mexpr_dtype */
    int32_t rank;                 /**< -1: not stated */
    int64_t dims[MEXPR_MAX_RANK]; /**< -1: free, as the batch usually is */
} mexpr_tensor_info;

#define MEXPR_TENSOR_INFO_INIT                                                           \
    {                                                                                    \
        sizeof(mexpr_tensor_info), NULL, 0, 0,                                           \
        {                                                                                \
            0, 0, 0, 0, 0, 0, 0, 0                                                       \
        }                                                                                \
    }

/** A tensor in memory, C order, without gaps. */
typedef struct mexpr_tensor_view {
    size_t struct_size;
    int32_t dtype; /**< mexpr_dtype */
    int32_t rank;  /**< 0..MEXPR_MAX_RANK */
    int64_t dims[MEXPR_MAX_RANK];
    const void *data;
} mexpr_tensor_view;

#define MEXPR_TENSOR_VIEW_INIT                                                           \
    {                                                                                    \
        sizeof(mexpr_tensor_view), 0, 0, {0, 0, 0, 0, 0, 0, 0, 0}, NULL                  \
    }

/**
 * A network as read, checked and prepared: immutable, reference-counted. All calls on it
 * are thread-safe, and sessions in different threads share it.
 */
typedef struct mexpr_model mexpr_model;

/**
 * Reads an ONNX file (IR 3 to 10, opset 1 to 21; nodes of opset 1 to 10 become those of
 * 11). Weights in side files are looked for beside the model only: no other folder, no
 * link. Everything is checked before use; nothing of the file is needed afterwards.
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_NOT_FOUND, MEXPR_E_IO, MEXPR_E_FORMAT,
 *         MEXPR_E_TRUNCATED, MEXPR_E_MODEL, MEXPR_E_OPERATOR, MEXPR_E_OPSET,
 *         MEXPR_E_SHAPE, MEXPR_E_TYPE, MEXPR_E_EXTERNAL, MEXPR_E_LIMIT, MEXPR_E_NOMEM;
 *         the sentence (node and reason) is in the context
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_model_load(
    mexpr_context *context, const char *path, mexpr_model **out);
/** The same from memory, which may go away afterwards. A model from memory may not have
 *  side files (MEXPR_E_EXTERNAL). @since 0.1.0 */
MEXPR_API mexpr_status mexpr_model_load_memory(
    mexpr_context *context, const void *bytes, size_t size, mexpr_model **out);
/** What loading may rewrite: patterns of nodes by fewer or faster ones with the same
 *  values but for rounding (docs/model.md, "Rewrites"), and MEXPR_REWRITE_WINOGRAD. */
typedef enum mexpr_rewrite {
    MEXPR_REWRITE_NO_OP = 1,        /**< nodes that change nothing */
    MEXPR_REWRITE_BATCH_NORM = 2,   /**< BatchNormalization into Conv or Gemm */
    MEXPR_REWRITE_EPILOGUE = 4,     /**< activation and residual into Conv or Gemm */
    MEXPR_REWRITE_FUNCTION = 8,     /**< SiLU, GELU, ... out of their parts */
    MEXPR_REWRITE_SOFTMAX_ONE = 16, /**< Softmax over one element: 1 */
    MEXPR_REWRITE_PAD = 32,         /**< Pad into windows; none for what no pool reads */
    MEXPR_REWRITE_GATE = 64,        /**< gates of attention in fewer passes */
    MEXPR_REWRITE_LAYOUT = 128,     /**< convolutions with channels last */
    /** 3 x 3 convolutions in fewer products, within LAYOUT: errors of up to 1e-5 of the
     *  largest output instead of 1e-6. 6 x 6 inputs make 4 x 4 outputs together (of few
     *  channels 4 of a line 2, with errors as before), so that
     *  an infinite, NaN or huge input reaches outputs up to three away whose windows do
     *  not hold it: NaN, or errors relative to it, where the network has numbers. */
    MEXPR_REWRITE_WINOGRAD = 256,
    MEXPR_REWRITE_COMMON = 512,  /**< nodes that compute the same */
    MEXPR_REWRITE_LINEAR = 1024, /**< linear layers: two as one, unneeded outputs */
    MEXPR_REWRITE_ALL = 0x7fffffff
} mexpr_rewrite;

/** How to load a model. */
typedef struct mexpr_model_options {
    size_t struct_size;
    uint32_t rewrites; /**< mexpr_rewrite bits that are allowed; MEXPR_REWRITE_ALL */
    /** 1: weights that running does not need in the form in which they came (they have
     *  been transposed, joined, reordered) are given up as soon as that is known; the
     *  model can then not be written (MEXPR_E_STATE). Those of convolutions that are
     *  merely in another order are never there twice. */
    uint32_t drop_source;
} mexpr_model_options;

#define MEXPR_MODEL_OPTIONS_INIT                                                         \
    {                                                                                    \
        sizeof(mexpr_model_options), MEXPR_REWRITE_ALL, 0                                \
    }

/** mexpr_model_load() with options, NULL for the standard ones. @return as there, and
 *  MEXPR_E_ABI @since 0.1.0 */
MEXPR_API mexpr_status mexpr_model_load_with(mexpr_context *context, const char *path,
    const mexpr_model_options *options, mexpr_model **out);
/** mexpr_model_load_memory() with options, NULL for the standard ones. @return as there,
 *  and MEXPR_E_ABI @since 0.1.0 */
MEXPR_API mexpr_status mexpr_model_load_memory_with(mexpr_context *context,
    const void *bytes, size_t size, const mexpr_model_options *options,
    mexpr_model **out);
/** How often loading did one of the rewrites; 0 for what is not one of them.
 *  @since 0.1.0 */
MEXPR_API int32_t mexpr_model_n_rewrites(const mexpr_model *model, mexpr_rewrite rewrite);
/** One more reference; returns `model`. Thread-safe. @since 0.1.0 */
MEXPR_API mexpr_model *mexpr_model_retain(mexpr_model *model);
/** Gives a reference up; sessions hold one of their own. Thread-safe. @since 0.1.0 */
MEXPR_API void mexpr_model_destroy(mexpr_model **model);

/** Number of inputs that the caller has to set. @since 0.1.0 */
MEXPR_API int32_t mexpr_model_n_inputs(const mexpr_model *model);
/** Number of outputs. @since 0.1.0 */
MEXPR_API int32_t mexpr_model_n_outputs(const mexpr_model *model);
/** Fills in what is known of input `index`. @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_ABI
 *  @since 0.1.0 */
MEXPR_API mexpr_status mexpr_model_input(
    const mexpr_model *model, int32_t index, mexpr_tensor_info *info);
/** The same for output `index`. @since 0.1.0 */
MEXPR_API mexpr_status mexpr_model_output(
    const mexpr_model *model, int32_t index, mexpr_tensor_info *info);
/** Value of an entry of the file's metadata, NULL when absent. @since 0.1.0 */
MEXPR_API const char *mexpr_model_metadata(const mexpr_model *model, const char *key);
/** The graph's name, "" when it has none. @since 0.1.0 */
MEXPR_API const char *mexpr_model_name(const mexpr_model *model);
/** The producer the file names, "" when it names none. @since 0.1.0 */
MEXPR_API const char *mexpr_model_producer(const mexpr_model *model);
/** Opset of the ONNX domain. @since 0.1.0 */
MEXPR_API int64_t mexpr_model_opset(const mexpr_model *model);
/** Number of weights: elements of all initializers. @since 0.1.0 */
MEXPR_API uint64_t mexpr_model_n_parameters(const mexpr_model *model);
/**
 * Those of them that training changes: what a builder marked so; in a file, all of
 * float32 but the running statistics of BatchNormalization. @since 0.1.0
 */
MEXPR_API uint64_t mexpr_model_n_trainable(const mexpr_model *model);
/** Number of nodes in the file. @since 0.1.0 */
MEXPR_API int32_t mexpr_model_n_nodes(const mexpr_model *model);
/**
 * Name and operator of node `index` of the file, in its order; pointers may be NULL.
 * @return MEXPR_OK, MEXPR_E_ARG
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_model_node(
    const mexpr_model *model, int32_t index, const char **name, const char **op);

/**
 * Writes the model as an ONNX file, whole or not at all: the nodes, names, weights and
 * metadata that it was read or built with, not what the engine has made of them. Tensors
 * that were float16, bfloat16 or float64 are written as the float32 they became; weights
 * are in the file itself.
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_STATE (loaded with drop_source), MEXPR_E_LIMIT
 *         (beyond 2 GiB), MEXPR_E_IO, MEXPR_E_NOMEM; the sentence is in the context
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_model_write(
    mexpr_context *context, const mexpr_model *model, const char *path);
/** The same into memory: release it with mexpr_bytes_free() on the same context. The
 *  sentence is in the context. @since 0.1.0 */
MEXPR_API mexpr_status mexpr_model_encode(
    mexpr_context *context, const mexpr_model *model, void **bytes, size_t *size);

/**
 * A model with another name and other metadata. It shares the model's weights and keeps
 * them alive. Nodes that no output needs are left out.
 * @param name  NULL: that of the model
 * @param keys  n keys; of equal ones the last counts
 * @param texts n texts; NULL takes the entry out
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_LIMIT, MEXPR_E_NOMEM; the sentence is in the
 *         context
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_model_annotate(mexpr_context *context, mexpr_model *model,
    const char *name, const char *const *keys, const char *const *texts, size_t n,
    mexpr_model **out);

/**
 * A part of a model as a model of its own: what leads from the tensors `inputs` to the
 * tensors `outputs`, be they inputs and outputs of the model or between two nodes (the
 * last feature map, say). It shares the model's weights and keeps them alive.
 * @param inputs  names; every input of the model that the outputs need otherwise
 *                has to be among them
 * @param outputs names, one or more
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_NOT_FOUND (no tensor of that name),
 *         MEXPR_E_MODEL (an input is missing, or a name is there twice), MEXPR_E_TYPE,
 *         MEXPR_E_LIMIT, MEXPR_E_NOMEM; the sentence is in the context
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_model_extract(mexpr_context *context, mexpr_model *model,
    const char *const *inputs, size_t n_inputs, const char *const *outputs,
    size_t n_outputs, mexpr_model **out);

/**
 * A network under construction. One thread at a time.
 *
 * Parts are added by name in any order, as ONNX describes them; mexpr_builder_finish()
 * checks the whole as mexpr_model_load() does. The first call that fails is what every
 * later one returns, and mexpr_builder_last_error() keeps its sentence: it is enough to
 * look at the status of mexpr_builder_finish().
 */
typedef struct mexpr_builder mexpr_builder;

/** What an initializer is to training. */
typedef enum mexpr_role {
    MEXPR_ROLE_CONSTANT = 0, /**< shapes, running statistics, fixed tables */
    MEXPR_ROLE_PARAMETER = 1 /**< a weight that training changes; float32 */
} mexpr_role;

/**
 * How initializers begin. Fan-in is the product of all dimensions but the first, fan-out
 * that of all but the second, as weights of Conv and of Gemm with transB = 1 have it.
 */
typedef enum mexpr_init {
    MEXPR_INIT_FILL = 0,           /**< every element is `scale` */
    MEXPR_INIT_UNIFORM = 1,        /**< within ±scale */
    MEXPR_INIT_NORMAL = 2,         /**< standard deviation `scale` */
    MEXPR_INIT_FAN_IN_UNIFORM = 3, /**< within ±scale / sqrt(fan-in); 1 is PyTorch's
                                        default for convolutions and linear layers */
    MEXPR_INIT_HE_NORMAL = 4,      /**< deviation scale × sqrt(2 / fan-out), He et al.
                                        2015 */
    MEXPR_INIT_XAVIER_UNIFORM = 5  /**< within ±scale × sqrt(6 / (fan-in + fan-out)),
                                        Glorot and Bengio 2010 */
} mexpr_init;

/**
 * Begins a network of opset 17.
 * @param name of the graph
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_NOMEM
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_builder_create(
    mexpr_context *context, const char *name, mexpr_builder **out);
/** Destroys a builder, finished or not. @since 0.1.0 */
MEXPR_API void mexpr_builder_destroy(mexpr_builder **builder);
/** The sentence about the first failed call, "" when there was none. @since 0.1.0 */
MEXPR_API const char *mexpr_builder_last_error(const mexpr_builder *builder);
/**
 * Chooses the opset (11 to 21) of ONNX, domain "", or of another domain; to be called
 * before nodes are added.
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_OPSET, MEXPR_E_STATE, MEXPR_E_NOMEM
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_builder_opset(
    mexpr_builder *builder, const char *domain, int64_t version);
/** Seed of mexpr_builder_random(), 0 unless set. @return MEXPR_OK, MEXPR_E_ARG
 *  @since 0.1.0 */
MEXPR_API mexpr_status mexpr_builder_seed(mexpr_builder *builder, uint64_t seed);
/**
 * Adds an input of the network.
 * @param rank -1: not stated
 * @param dims -1 for one that is open; an open first one is called "batch"
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_TYPE, MEXPR_E_SHAPE, MEXPR_E_LIMIT,
 *         MEXPR_E_MODEL, MEXPR_E_NOMEM
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_builder_input(mexpr_builder *builder, const char *name,
    int32_t dtype, int32_t rank, const int64_t *dims);
/**
 * Adds an initializer; its data are copied.
 * @param role mexpr_role
 * @return as mexpr_builder_input(), and MEXPR_E_ABI
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_builder_initializer(mexpr_builder *builder, const char *name,
    const mexpr_tensor_view *tensor, int32_t role);
/**
 * Adds a float32 initializer that is filled or drawn at random: the same numbers for the
 * same seed and the same place among the builder's initializers.
 * @param init mexpr_init
 * @param scale see mexpr_init
 * @param role mexpr_role
 * @return as mexpr_builder_input()
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_builder_random(mexpr_builder *builder, const char *name,
    int32_t rank, const int64_t *dims, int32_t init, double scale, int32_t role);
/** Sets an attribute of the next node. @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_NOMEM
 *  @since 0.1.0 */
MEXPR_API mexpr_status mexpr_builder_int(
    mexpr_builder *builder, const char *name, int64_t value);
/** The same for a float. @since 0.1.0 */
MEXPR_API mexpr_status mexpr_builder_float(
    mexpr_builder *builder, const char *name, float value);
/** The same for a string. @since 0.1.0 */
MEXPR_API mexpr_status mexpr_builder_string(
    mexpr_builder *builder, const char *name, const char *value);
/** The same for a list of integers. @since 0.1.0 */
MEXPR_API mexpr_status mexpr_builder_ints(
    mexpr_builder *builder, const char *name, const int64_t *values, size_t n);
/** The same for a list of floats. @since 0.1.0 */
MEXPR_API mexpr_status mexpr_builder_floats(
    mexpr_builder *builder, const char *name, const float *values, size_t n);
/** The same for a list of strings. @since 0.1.0 */
MEXPR_API mexpr_status mexpr_builder_strings(
    mexpr_builder *builder, const char *name, const char *const *values, size_t n);
/** The same for a tensor, which is copied. @return also MEXPR_E_TYPE, MEXPR_E_SHAPE,
 *  MEXPR_E_LIMIT, MEXPR_E_ABI @since 0.1.0 */
MEXPR_API mexpr_status mexpr_builder_tensor(
    mexpr_builder *builder, const char *name, const mexpr_tensor_view *tensor);
/**
 * Adds a node with the attributes set since the last one.
 * @param op operator, such as "Conv"
 * @param domain NULL or "" for ONNX's own
 * @param inputs names; NULL or "" for an optional one that is left out
 * @param outputs the same
 * @param name of the node, NULL for none
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_OPERATOR, MEXPR_E_MODEL, MEXPR_E_LIMIT,
 *         MEXPR_E_NOMEM
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_builder_node(mexpr_builder *builder, const char *op,
    const char *domain, const char *const *inputs, size_t n_inputs,
    const char *const *outputs, size_t n_outputs, const char *name);
/** Makes a value an output of the network. @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_MODEL,
 *  MEXPR_E_NOMEM @since 0.1.0 */
MEXPR_API mexpr_status mexpr_builder_output(mexpr_builder *builder, const char *name);
/** Adds an entry of the metadata. @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_NOMEM
 *  @since 0.1.0 */
MEXPR_API mexpr_status mexpr_builder_metadata(
    mexpr_builder *builder, const char *key, const char *value);
/**
 * Makes the model; the builder is used up and only good for destroying.
 * @return as mexpr_model_load(), and MEXPR_E_STATE when called twice; on failure the
 *         sentence is in the builder
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_builder_finish(mexpr_builder *builder, mexpr_model **out);

/**
 * Working memory to run a model: one thread at a time. Several sessions may run one model
 * in several threads.
 */
typedef struct mexpr_session mexpr_session;

/** Makes a session. Its runs use the context's threads where a network is large enough
 *  for that; results do not depend on it. @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_NOMEM
 *  @since 0.1.0 */
MEXPR_API mexpr_status mexpr_session_create(mexpr_model *model, mexpr_session **out);
/** Destroys a session. @since 0.1.0 */
MEXPR_API void mexpr_session_destroy(mexpr_session **session);
/** The sentence about the last failed call on this session. @since 0.1.0 */
MEXPR_API const char *mexpr_session_last_error(const mexpr_session *session);

/**
 * Sets an input. The data are borrowed: they must stay until the next
 * mexpr_session_run() has returned.
 * @param name NULL for the only input
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_NOT_FOUND, MEXPR_E_TYPE, MEXPR_E_SHAPE,
 *         MEXPR_E_LIMIT, MEXPR_E_ABI
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_session_set_input(
    mexpr_session *session, const char *name, const mexpr_tensor_view *tensor);

/**
 * Runs the network on the inputs set since the last run. With the same input shapes as
 * before it allocates nothing, unless the model has shapes that follow from computed
 * values (NonZero, a computed Reshape) and they come out different.
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_STATE (an input is missing), MEXPR_E_SHAPE,
 *         MEXPR_E_LIMIT, MEXPR_E_NOMEM
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_session_run(mexpr_session *session);

/**
 * An output of the last successful run. The data belong to the session and live until its
 * next call that changes it.
 * @param name NULL for the only output
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_NOT_FOUND, MEXPR_E_STATE, MEXPR_E_ABI
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_session_output(
    mexpr_session *session, const char *name, mexpr_tensor_view *tensor);

/**
 * A step of what a session runs for its present input shapes: a node, or several of the
 * file's that loading has joined.
 */
typedef struct mexpr_step_info {
    size_t struct_size;
    const char *name;  /**< of the node, "" when it has none; lives with the model */
    const char *op;    /**< operator; lives for ever */
    int32_t n_threads; /**< that the plan gives it */
    int32_t rank;      /**< of its first output; -1 when nobody needs that */
    int64_t dims[MEXPR_MAX_RANK];
    double multiply_adds;  /**< of one run; 0 for a step that moves data */
    uint64_t result_bytes; /**< of all its outputs */
    uint64_t scratch_bytes;
    uint64_t n_runs;         /**< timed ones */
    double milliseconds;     /**< that these took together */
    double min_milliseconds; /**< that the fastest took */
} mexpr_step_info;

#define MEXPR_STEP_INFO_INIT                                                             \
    {                                                                                    \
        sizeof(mexpr_step_info), NULL, NULL, 0, 0, {0, 0, 0, 0, 0, 0, 0, 0}, 0, 0, 0, 0, \
            0, 0                                                                         \
    }

/** The memory of a session's plan. */
typedef struct mexpr_memory_info {
    size_t struct_size;
    uint64_t weight_bytes;  /**< of the model: weights and what was computed from them */
    uint64_t source_bytes;  /**< of these, what only mexpr_model_write() needs */
    uint64_t block_bytes;   /**< one block for all results and scratch memory */
    uint64_t result_bytes;  /**< all results, had each a place of its own */
    uint64_t scratch_bytes; /**< the largest scratch memory of a step */
} mexpr_memory_info;

#define MEXPR_MEMORY_INFO_INIT                                                           \
    {                                                                                    \
        sizeof(mexpr_memory_info), 0, 0, 0, 0, 0                                         \
    }

/**
 * Starts timing every step of every run, from zero, or ends it. A clock is read twice for
 * each step, some 50 ns.
 * @param on 1 or 0
 * @return MEXPR_OK, MEXPR_E_ARG
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_session_profile(mexpr_session *session, int32_t on);
/** Number of steps of the last run; 0 before the first. @since 0.1.0 */
MEXPR_API int32_t mexpr_session_n_steps(const mexpr_session *session);
/** Fills in step `index`, in the order of running. Times are those since
 *  mexpr_session_profile(), or since an input's shape changed. @return MEXPR_OK,
 *  MEXPR_E_ARG, MEXPR_E_ABI @since 0.1.0 */
MEXPR_API mexpr_status mexpr_session_step(
    const mexpr_session *session, int32_t index, mexpr_step_info *info);
/** Fills in the memory that the last run needed; what is of the plan is 0 before the
 *  first. @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_ABI @since 0.1.0 */
MEXPR_API mexpr_status mexpr_session_memory(
    const mexpr_session *session, mexpr_memory_info *info);

/**
 * A TensorProto file (`.pb`, as in the ONNX backend test suite), or one in memory, as a
 * tensor: an object of its own that owns the data. Immutable: may be read from several
 * threads. Sentences of the calls that take a context are in it.
 */
typedef struct mexpr_tensor mexpr_tensor;
/** Decodes a serialised TensorProto. @return as mexpr_model_load_memory() @since 0.1.0 */
MEXPR_API mexpr_status mexpr_tensor_decode_pb(
    mexpr_context *context, const void *bytes, size_t size, mexpr_tensor **out);
/**
 * Decodes a NumPy `.npy` file (versions 1 to 3, C order, little-endian; float32, uint8,
 * int32, int64, bool; float64 is narrowed to float32).
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_FORMAT, MEXPR_E_TRUNCATED, MEXPR_E_UNSUPPORTED,
 *         MEXPR_E_LIMIT, MEXPR_E_NOMEM
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_tensor_decode_npy(
    mexpr_context *context, const void *bytes, size_t size, mexpr_tensor **out);
/** Reads a `.npy` or `.pb` file, told apart by its first bytes. @since 0.1.0 */
MEXPR_API mexpr_status mexpr_tensor_read(
    mexpr_context *context, const char *path, mexpr_tensor **out);
/** Writes a tensor as `.npy` (version 1), whole or not at all. @return MEXPR_OK,
 *  MEXPR_E_ARG, MEXPR_E_IO, MEXPR_E_NOMEM, MEXPR_E_ABI @since 0.1.0 */
MEXPR_API mexpr_status mexpr_tensor_write_npy(
    mexpr_context *context, const mexpr_tensor_view *tensor, const char *path);
/** Fills in type, shape and data, which live as long as the tensor. @return MEXPR_OK,
 *  MEXPR_E_ARG, MEXPR_E_ABI @since 0.1.0 */
MEXPR_API mexpr_status mexpr_tensor_get(
    const mexpr_tensor *tensor, mexpr_tensor_view *view);
/** The tensor's name, "" when it has none. @since 0.1.0 */
MEXPR_API const char *mexpr_tensor_name(const mexpr_tensor *tensor);
/** Destroys a tensor. @since 0.1.0 */
MEXPR_API void mexpr_tensor_destroy(mexpr_tensor **tensor);

MEXPR_END_DECLS

#endif
