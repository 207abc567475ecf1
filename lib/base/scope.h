/* SPDX-License-Identifier: MIT */
/* What every internal call carries: the context's immutable parts and a place for the
 * sentence about a failure. A handle that may live in a thread of its own
 * owns a scope. */
#ifndef MX_BASE_SCOPE_H
#define MX_BASE_SCOPE_H

#include <stdarg.h>
#include <stdbool.h>

#include "microexpr/base.h"

#define MX_ERROR_SIZE 512
#define MX_ALIGNMENT 64

#if defined(__GNUC__) || defined(__clang__)
#define MX_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define MX_NODISCARD __attribute__((warn_unused_result))
#else
#define MX_PRINTF(fmt, args)
#define MX_NODISCARD
#endif

typedef struct mx_limits {
    uint64_t pixels;
    uint64_t frames;
    uint64_t file_bytes;
    uint64_t nodes;
    uint64_t tensor_bytes;
} mx_limits;

typedef struct mx_scope {
    mexpr_context *context;
    char error[MX_ERROR_SIZE];
} mx_scope;

/* The context's own scope, for calls that take a context. */
mx_scope *mx_context_scope(mexpr_context *context);
const mx_limits *mx_context_limits(const mexpr_context *context);

/* Objects hold a reference to their context. Thread-safe. */
mexpr_context *mx_context_retain(mexpr_context *context);
void mx_context_release(mexpr_context *context);

void mx_scope_init(mx_scope *scope, mexpr_context *context);

/* A context like this one but with one thread, for a worker that makes calls which take a
 * context: those on one context must not overlap. */
mexpr_status mx_context_alone(mx_scope *scope, mexpr_context **out);

/* Writes the sentence, logs it, returns `status`. The sentence names the file, node or
 * limit and what to do; it begins with a small letter and has no full stop. */
mexpr_status mx_fail(mx_scope *scope, mexpr_status status, const char *format, ...)
    MX_PRINTF(3, 4);

/* Puts "prefix: " before the sentence there is; returns `status`. */
mexpr_status mx_fail_prefix(mx_scope *scope, mexpr_status status, const char *prefix);

void mx_log(const mexpr_context *context, mexpr_log_level level, const char *format, ...)
    MX_PRINTF(3, 4);

/* count × size bytes, aligned to MX_ALIGNMENT. On failure NULL, with the sentence set
 * (the status is MEXPR_E_NOMEM). count × size of 0 gives a pointer that may be freed. */
void *mx_alloc(mx_scope *scope, size_t count, size_t size) MX_NODISCARD;
/* The same, zeroed. */
void *mx_calloc(mx_scope *scope, size_t count, size_t size) MX_NODISCARD;
/* A copy of a string of `length` bytes, with a 0 behind it. */
char *mx_strndup(mx_scope *scope, const char *text, size_t length) MX_NODISCARD;
void mx_free(mexpr_context *context, void *ptr);

/* MEXPR_OK, or MEXPR_E_ARG / MEXPR_E_LIMIT for a size that is not to be had. */
mexpr_status mx_check_size(mx_scope *scope, int64_t width, int64_t height);

/* Copies a caller's option struct over the defaults in `known` (of `known_size` bytes).
 * MEXPR_E_ABI when its struct_size is below `first_size` or above 4096, or an unknown
 * tail is not zero. */
mexpr_status mx_options_copy(mx_scope *scope, const void *options, size_t first_size,
    void *known, size_t known_size);

/* MEXPR_E_ABI unless the caller's out-struct has at least `first_size` bytes. */
mexpr_status mx_out_struct_check(mx_scope *scope, size_t struct_size, size_t first_size);

/* Milliseconds of a clock that only moves forward. */
double mx_now_ms(void);

#endif
