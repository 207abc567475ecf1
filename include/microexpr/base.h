/* SPDX-License-Identifier: MIT */
/**
 * @file base.h
 * Status values, the context and what every other object inherits from it: allocator,
 * logger, limits, threads, instruction sets.
 *
 * Rules that hold for the whole library:
 * - A fallible call returns mexpr_status. MEXPR_OK is 0, errors are negative, positive
 *   values are not errors.
 * - `create`-like calls write their output first: NULL unless they succeed.
 * - `destroy(T **)` accepts NULL and a pointer to NULL, and leaves NULL behind.
 * - The sentence that explains the last failure is kept in the handle the call was made
 *   on (`…_last_error`).
 * - Strings are UTF-8. Strings that go in are copied; strings that come out live as long
 *   as the object they were asked of.
 * - Option structs begin with struct_size; fill them with their …_INIT macro.
 */
#ifndef MICROEXPR_BASE_H
#define MICROEXPR_BASE_H

#include <stddef.h>
#include <stdint.h>

#include "export.h"
#include "version.h"

MEXPR_BEGIN_DECLS

/** Result of a call. Values never change; new ones fill the gaps of their group. */
typedef enum mexpr_status {
    MEXPR_OK = 0,
    MEXPR_AGAIN = 1, /**< not an error: more input is needed, or output must be taken */
    MEXPR_END = 2,   /**< not an error: nothing is left */

    MEXPR_E_ARG = -1,   /**< an argument is NULL or makes no sense */
    MEXPR_E_RANGE = -2, /**< a parameter is outside its bounds */

    MEXPR_E_NOMEM = -20, /**< the allocator returned NULL */
    MEXPR_E_LIMIT = -21, /**< a limit of the context would be exceeded */

    MEXPR_E_IO = -40,        /**< the operating system refused to read or write a file */
    MEXPR_E_FORMAT = -41,    /**< the bytes are not what they claim to be */
    MEXPR_E_TRUNCATED = -42, /**< the bytes end too early */
    MEXPR_E_UNSUPPORTED = -43, /**< valid, but of a kind this library does not read */
    MEXPR_E_NOT_FOUND = -44,   /**< no such file, name or face */
    MEXPR_E_DISABLED = -45,    /**< left out of this build */

    MEXPR_E_MODEL = -60,    /**< the graph is not valid */
    MEXPR_E_OPERATOR = -61, /**< a node's operator or domain is not known */
    MEXPR_E_OPSET = -62,    /**< the model asks for an opset outside the supported ones */
    MEXPR_E_SHAPE = -63,    /**< shapes do not fit together */
    MEXPR_E_TYPE = -64,     /**< element types do not fit together */
    MEXPR_E_EXTERNAL = -65, /**< a side file of the model may not be or cannot be read */

    MEXPR_E_STATE = -80,     /**< the call does not fit the state of the handle */
    MEXPR_E_CANCELLED = -81, /**< a callback asked to stop */
    MEXPR_E_THREAD = -82,    /**< the operating system refused a thread or lock */
    MEXPR_E_INTERNAL = -83,  /**< a defect of the library; please report it */

    MEXPR_E_ABI = -100 /**< a struct_size or an unknown field is from another version */
} mexpr_status;

/**
 * Name of a status as written in the header, e.g. "MEXPR_E_NOMEM".
 * Never NULL: unknown values give "MEXPR_E_UNKNOWN". Thread-safe.
 * @since 0.1.0
 */
MEXPR_API const char *mexpr_status_name(mexpr_status status);

/** One short English sentence about a status, never NULL. Thread-safe. @since 0.1.0 */
MEXPR_API const char *mexpr_status_message(mexpr_status status);

/**
 * Version of the library that is loaded: major * 10000 + minor * 100 + patch.
 * Thread-safe. @since 0.1.0
 */
MEXPR_API int32_t mexpr_version(void);

/** The same as a string, "0.1.0". Thread-safe. @since 0.1.0 */
MEXPR_API const char *mexpr_version_string(void);

/**
 * Features of this build, separated by blanks, in fixed order: "jpeg png gemm=openblas"
 * (what is switched off is absent). Thread-safe. @since 0.1.0
 */
MEXPR_API const char *mexpr_build_features(void);

/** Instruction sets the kernels can use; a set bit of a mask allows one. */
typedef enum mexpr_cpu_flag {
    MEXPR_CPU_AVX2 = 1,   /**< AVX2 and FMA */
    MEXPR_CPU_AVX512 = 2, /**< AVX-512 F, BW, DQ and VL; implies AVX2 */
    MEXPR_CPU_NEON = 4,   /**< 64-bit Arm */
    MEXPR_CPU_ALL = 0x7fffffff
} mexpr_cpu_flag;

/**
 * The mexpr_cpu_flag bits that this processor, its operating system and this build can
 * use. 0 means portable C alone. Thread-safe. @since 0.1.0
 */
MEXPR_API uint32_t mexpr_cpu_flags(void);

/** How important a log line is. */
typedef enum mexpr_log_level {
    MEXPR_LOG_NONE = 0,
    MEXPR_LOG_ERROR = 1,
    MEXPR_LOG_WARNING = 2,
    MEXPR_LOG_INFO = 3,
    MEXPR_LOG_DEBUG = 4
} mexpr_log_level;

/**
 * Takes one finished line without line end. Called from the thread that made the call
 * that logs, so possibly from several at once when objects of one context are used in
 * several threads; `text` lives until it returns.
 */
typedef void (*mexpr_log_fn)(void *user, int32_t level, const char *text);

/**
 * Returns `size` bytes aligned to `alignment` (a power of two, at most 64), or NULL.
 * `size` is never 0. May be called from several threads at once when objects of one
 * context are used in several threads.
 */
typedef void *(*mexpr_alloc_fn)(void *user, size_t size, size_t alignment);

/** Releases what mexpr_alloc_fn returned; `size` is the size asked for then. */
typedef void (*mexpr_free_fn)(void *user, void *ptr, size_t size);

/**
 * Long work calls this now and then with the steps done and in all (total 0: unknown).
 * A return value other than 0 cancels the work, which then returns MEXPR_E_CANCELLED.
 */
typedef int32_t (*mexpr_progress_fn)(void *user, uint64_t done, uint64_t total);

/**
 * Options of mexpr_context_create(). A field of 0 or NULL means the default written
 * behind it.
 */
typedef struct mexpr_context_options {
    size_t struct_size;
    mexpr_alloc_fn alloc; /**< the C library's heap; alloc and free go together */
    mexpr_free_fn free;
    void *alloc_user;  /**< first argument of alloc and free */
    mexpr_log_fn log;  /**< silent */
    void *log_user;    /**< first argument of log */
    int32_t log_level; /**< mexpr_log_level of the lines given; MEXPR_LOG_WARNING */
    int32_t n_threads; /**< threads that work at once, the caller's included, 1..64; 1 */
    uint32_t cpu_mask; /**< mexpr_cpu_flag bits allowed; MEXPR_CPU_ALL */
    uint32_t cpu_mask_set;     /**< not 0: take cpu_mask as it is, also when it is 0 */
    uint64_t max_pixels;       /**< pixels of one picture; 2^28 */
    uint64_t max_frames;       /**< frames of one clip; 2^20 */
    uint64_t max_file_bytes;   /**< bytes of one input file; 2^31 */
    uint64_t max_nodes;        /**< nodes of one model; 2^16 */
    uint64_t max_tensor_bytes; /**< bytes of one tensor; 2^32 */
} mexpr_context_options;

#define MEXPR_CONTEXT_OPTIONS_INIT                                                       \
    {                                                                                    \
        sizeof(mexpr_context_options), NULL, NULL, NULL, NULL, NULL, 0, 0, 0, 0, 0, 0,   \
            0, 0, 0                                                                      \
    }

/**
 * What all other objects are made from: allocator, logger, limits, threads, instruction
 * sets. Objects keep their context alive: it may be destroyed before them.
 *
 * Thread-safety: calls that take the context itself must not overlap. Objects made from
 * it may be used in different threads, each object in one thread at a time unless its
 * own header says more.
 */
typedef struct mexpr_context mexpr_context;

/**
 * Makes a context.
 * @param options NULL for all defaults
 * @param out     receives the context, NULL on failure
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_RANGE, MEXPR_E_ABI, MEXPR_E_NOMEM,
 *         MEXPR_E_THREAD. There is no handle to ask for a sentence yet:
 *         mexpr_status_message() has one.
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_context_create(
    const mexpr_context_options *options, mexpr_context **out);

/** Gives the context up. It goes away with the last object made from it. @since 0.1.0 */
MEXPR_API void mexpr_context_destroy(mexpr_context **context);

/**
 * The sentence about the last call on this context that failed; "" before the first.
 * Lives until the next call on the context.
 * @since 0.1.0
 */
MEXPR_API const char *mexpr_context_last_error(const mexpr_context *context);

/** Threads that may work at once, 1 or more; 0 for NULL. @since 0.1.0 */
MEXPR_API int32_t mexpr_context_threads(const mexpr_context *context);

/** The mexpr_cpu_flag bits in use: mexpr_cpu_flags() and the mask. @since 0.1.0 */
MEXPR_API uint32_t mexpr_context_cpu(const mexpr_context *context);

MEXPR_END_DECLS

#endif
