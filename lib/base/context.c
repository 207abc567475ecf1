/* SPDX-License-Identifier: MIT */
#define _DEFAULT_SOURCE /* madvise() */
#include "base/context.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "base/checked.h"
#include "base/cpu.h"

enum { MAX_THREADS = 64, MAX_OPTION_BYTES = 4096, HUGE_PAGE = 1 << 21 };

/* Every block begins with its size, so that mx_free() can tell the allocator. */
typedef union block_header {
    size_t size;
    unsigned char padding[MX_ALIGNMENT];
} block_header;

/* Large blocks ask for huge pages: a batch of training goes through tens of megabytes
 * again and again, a tenth faster with them. */
static void *default_alloc(void *user, size_t size, size_t alignment)
{
    const bool is_large = size >= 2 * (size_t)HUGE_PAGE;
    (void)user;
    void *ptr = NULL;
    if (posix_memalign(&ptr, is_large ? HUGE_PAGE : alignment, size) != 0)
        return NULL;
#ifdef MADV_HUGEPAGE
    if (is_large)
        madvise(ptr, size / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE);
#endif
    return ptr;
}

static void default_free(void *user, void *ptr, size_t size)
{
    (void)user;
    (void)size;
    free(ptr);
}

/* --- options ----------------------------------------------------------------------- */

mexpr_status mx_options_copy(mx_scope *scope, const void *options, size_t first_size,
    void *known, size_t known_size)
{
    if (!options)
        return MEXPR_OK;
    size_t size;
    memcpy(&size, options, sizeof size);
    if (size < first_size || size > MAX_OPTION_BYTES)
        return mx_fail(scope, MEXPR_E_ABI,
            "struct_size %zu is not that of this option struct (%zu); use its INIT macro",
            size, known_size);
    const unsigned char *bytes = options;
    for (size_t i = known_size; i < size; i++) {
        if (bytes[i] != 0)
            return mx_fail(scope, MEXPR_E_ABI,
                "the option struct sets a field that this version of the library (%s) "
                "does not know",
                mexpr_version_string());
    }
    memcpy(known, options, size < known_size ? size : known_size);
    return MEXPR_OK;
}

mexpr_status mx_out_struct_check(mx_scope *scope, size_t struct_size, size_t first_size)
{
    if (struct_size < first_size || struct_size > MAX_OPTION_BYTES)
        return mx_fail(scope, MEXPR_E_ABI,
            "struct_size %zu is not that of this struct; use its INIT macro",
            struct_size);
    return MEXPR_OK;
}

static void set_default_u64(uint64_t *value, uint64_t standard)
{
    if (*value == 0)
        *value = standard;
}

static mexpr_status fill_defaults(mexpr_context_options *o)
{
    if (!o->alloc != !o->free)
        return MEXPR_E_ARG;
    if (!o->alloc) {
        o->alloc = default_alloc;
        o->free = default_free;
    }
    if (o->log_level == MEXPR_LOG_NONE)
        o->log_level = MEXPR_LOG_WARNING;
    if (o->n_threads == 0)
        o->n_threads = 1;
    if (o->n_threads < 1 || o->n_threads > MAX_THREADS)
        return MEXPR_E_RANGE;
    if (o->cpu_mask == 0 && !o->cpu_mask_set)
        o->cpu_mask = MEXPR_CPU_ALL;
    set_default_u64(&o->max_pixels, (uint64_t)1 << 28);
    set_default_u64(&o->max_frames, (uint64_t)1 << 20);
    set_default_u64(&o->max_file_bytes, (uint64_t)1 << 31);
    set_default_u64(&o->max_nodes, (uint64_t)1 << 16);
    set_default_u64(&o->max_tensor_bytes, (uint64_t)1 << 32);
    return MEXPR_OK;
}

/* AVX-512 kernels lean on AVX2 ones, so a mask without AVX2 has neither. */
static uint32_t usable_cpu(uint32_t mask)
{
    const uint32_t cpu = mx_cpu_detect() & mask;
    return cpu & MEXPR_CPU_AVX2 ? cpu : cpu & ~(uint32_t)MEXPR_CPU_AVX512;
}

/* --- life -------------------------------------------------------------------------- */

static mexpr_status context_start(mexpr_context *context)
{
    const mexpr_context_options *o = &context->options;
    context->limits = (mx_limits){o->max_pixels, o->max_frames, o->max_file_bytes,
        o->max_nodes, o->max_tensor_bytes};
    context->cpu = usable_cpu(o->cpu_mask);
    atomic_init(&context->references, 1);
    mexpr_status status = MEXPR_OK;
    if (o->n_threads > 1)
        context->pool = mx_pool_create(context, o->n_threads, &status);
    return status;
}

mexpr_status mexpr_context_create(
    const mexpr_context_options *options, mexpr_context **out)
{
    if (!out)
        return MEXPR_E_ARG;
    *out = NULL;
    /* A context on the stack carries scope and allocator until the real one exists. */
    mexpr_context first = {.options = MEXPR_CONTEXT_OPTIONS_INIT};
    mx_scope_init(&first.scope, &first);
    mexpr_status status = mx_options_copy(&first.scope, options,
        sizeof(mexpr_context_options), &first.options, sizeof first.options);
    if (status == MEXPR_OK)
        status = fill_defaults(&first.options);
    if (status != MEXPR_OK)
        return status;
    mexpr_context *context = mx_calloc(&first.scope, 1, sizeof *context);
    if (!context)
        return MEXPR_E_NOMEM;
    context->options = first.options;
    mx_scope_init(&context->scope, context);
    status = context_start(context);
    if (status == MEXPR_OK)
        *out = context;
    else
        mx_free(&first, context);
    return status;
}

mexpr_status mx_context_alone(mx_scope *scope, mexpr_context **out)
{
    mexpr_context_options o = scope->context->options;
    o.n_threads = 1;
    o.cpu_mask_set = 1;
    const mexpr_status status = mexpr_context_create(&o, out);
    return status == MEXPR_OK
               ? status
               : mx_fail(scope, status, "no context for a worker could be made");
}

mexpr_context *mx_context_retain(mexpr_context *context)
{
    atomic_fetch_add_explicit(&context->references, 1, memory_order_relaxed);
    return context;
}

void mx_context_release(mexpr_context *context)
{
    if (atomic_fetch_sub_explicit(&context->references, 1, memory_order_acq_rel) != 1)
        return;
    mx_pool_destroy(context, context->pool);
    const mexpr_context last = {.options = context->options};
    mx_free((mexpr_context *)&last, context);
}

void mexpr_context_destroy(mexpr_context **context)
{
    if (!context || !*context)
        return;
    mx_context_release(*context);
    *context = NULL;
}

const char *mexpr_context_last_error(const mexpr_context *context)
{
    return context ? context->scope.error : "";
}

int32_t mexpr_context_threads(const mexpr_context *context)
{
    return context ? context->options.n_threads : 0;
}

uint32_t mexpr_context_cpu(const mexpr_context *context)
{
    return context ? context->cpu : 0;
}

mx_scope *mx_context_scope(mexpr_context *context)
{
    return &context->scope;
}

const mx_limits *mx_context_limits(const mexpr_context *context)
{
    return &context->limits;
}

/* --- sentences --------------------------------------------------------------------- */

void mx_scope_init(mx_scope *scope, mexpr_context *context)
{
    scope->context = context;
    scope->error[0] = '\0';
}

static void log_text(
    const mexpr_context *context, mexpr_log_level level, const char *text)
{
    const mexpr_context_options *o = &context->options;
    if (o->log && (int32_t)level <= o->log_level)
        o->log(o->log_user, (int32_t)level, text);
}

mexpr_status mx_fail(mx_scope *scope, mexpr_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(scope->error, sizeof scope->error, format, args);
    va_end(args);
    log_text(scope->context, MEXPR_LOG_ERROR, scope->error);
    return status;
}

mexpr_status mx_fail_prefix(mx_scope *scope, mexpr_status status, const char *prefix)
{
    char text[MX_ERROR_SIZE];
    memcpy(text, scope->error, sizeof text);
    const int used =
        snprintf(scope->error, sizeof scope->error, "%.*s: ", MX_ERROR_SIZE / 2, prefix);
    snprintf(scope->error + used, sizeof scope->error - (size_t)used, "%s", text);
    return status;
}

void mx_log(const mexpr_context *context, mexpr_log_level level, const char *format, ...)
{
    char text[MX_ERROR_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    log_text(context, level, text);
}

/* --- memory ------------------------------------------------------------------------ */

void *mx_alloc(mx_scope *scope, size_t count, size_t size)
{
    const mexpr_context_options *o = &scope->context->options;
    size_t bytes, total;
    if (!mx_mul_size(count, size, &bytes) ||
        !mx_add_size(bytes, sizeof(block_header), &total)) {
        mx_fail(scope, MEXPR_E_NOMEM, "out of memory: %zu times %zu bytes", count, size);
        return NULL;
    }
    block_header *header = o->alloc(o->alloc_user, total, MX_ALIGNMENT);
    if (!header) {
        mx_fail(scope, MEXPR_E_NOMEM, "out of memory: %zu bytes were asked for", total);
        return NULL;
    }
    header->size = total;
    return header + 1;
}

void *mx_calloc(mx_scope *scope, size_t count, size_t size)
{
    void *ptr = mx_alloc(scope, count, size);
    if (ptr)
        memset(ptr, 0, count * size);
    return ptr;
}

char *mx_strndup(mx_scope *scope, const char *text, size_t length)
{
    char *copy = mx_alloc(scope, length + 1, 1);
    if (copy) {
        memcpy(copy, text, length);
        copy[length] = '\0';
    }
    return copy;
}

void mx_free(mexpr_context *context, void *ptr)
{
    if (!ptr)
        return;
    block_header *header = (block_header *)ptr - 1;
    context->options.free(context->options.alloc_user, header, header->size);
}

mexpr_status mx_check_size(mx_scope *scope, int64_t width, int64_t height)
{
    const uint64_t limit = mx_context_limits(scope->context)->pixels;
    if (width < 1 || height < 1 || width > INT32_MAX || height > INT32_MAX)
        return mx_fail(scope, MEXPR_E_ARG, "a size of %lld×%lld pixels is not possible",
            (long long)width, (long long)height);
    if ((uint64_t)width * (uint64_t)height > limit)
        return mx_fail(scope, MEXPR_E_LIMIT,
            "%lld×%lld pixels are more than the limit max_pixels of %llu; raise it in "
            "the context options",
            (long long)width, (long long)height, (unsigned long long)limit);
    return MEXPR_OK;
}

double mx_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}
