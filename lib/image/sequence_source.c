/* SPDX-License-Identifier: MIT */
#include "image/sequence_source.h"

#include <string.h>

static mexpr_status make(mx_scope *scope, mx_clip_source **out)
{
    mx_clip_source *source = mx_calloc(scope, 1, sizeof *source);
    *out = source;
    if (!source)
        return MEXPR_E_NOMEM;
    source->scope = scope;
    source->file = (mx_file)MX_FILE_NONE;
    return MEXPR_OK;
}

mexpr_status mx_clip_source_open_callback(
    mx_scope *scope, mexpr_read_fn read, void *user, mx_clip_source **out)
{
    const mexpr_status status = make(scope, out);
    if (status == MEXPR_OK) {
        (*out)->read = read;
        (*out)->user = user;
    }
    return status;
}

mexpr_status mx_clip_source_open_file(
    mx_scope *scope, const char *path, mx_clip_source **out)
{
    mexpr_status status = make(scope, out);
    if (status != MEXPR_OK)
        return status;
    mx_clip_source *source = *out;
    source->path = mx_strndup(scope, path, strlen(path));
    status = source->path ? mx_file_open(scope, path, &source->file) : MEXPR_E_NOMEM;
    if (status != MEXPR_OK) {
        mx_clip_source_close(source);
        *out = NULL;
    }
    return status;
}

void mx_clip_source_close(mx_clip_source *source)
{
    if (!source)
        return;
    mexpr_context *context = source->scope->context;
    mx_file_close(&source->file);
    mx_free(context, source->path);
    mx_free(context, source);
}

static uint64_t left_in_file(const mx_clip_source *source)
{
    return source->file.size > source->position ? source->file.size - source->position
                                                : 0;
}

/* Up to `size` bytes past the buffer, 0 at the end. */
static mexpr_status pull(mx_clip_source *source, void *bytes, size_t size, size_t *n)
{
    if (!source->read) {
        const uint64_t left = left_in_file(source);
        *n = size < left ? size : (size_t)left;
        return mx_file_read_at(
            source->scope, &source->file, source->path, source->position, bytes, *n);
    }
    const int64_t got = source->read(source->user, bytes, size);
    *n = 0;
    if (got < 0 || (uint64_t)got > size)
        return mx_fail(source->scope, MEXPR_E_IO,
            "the callback that reads the stream failed: it returned %lld for %zu bytes",
            (long long)got, size);
    *n = (size_t)got;
    return MEXPR_OK;
}

/* Hands out buffered bytes; `bytes` may be NULL. */
static size_t take(mx_clip_source *source, void *bytes, size_t size)
{
    const size_t there = source->end - source->begin;
    const size_t n = size < there ? size : there;
    if (bytes && n)
        memcpy(bytes, source->buffer + source->begin, n);
    source->begin += n;
    source->position += n;
    return n;
}

/* Into the empty buffer; *n is 0 at the end. */
static mexpr_status refill(mx_clip_source *source, size_t *n)
{
    source->begin = source->end = 0;
    const mexpr_status status = pull(source, source->buffer, sizeof source->buffer, n);
    source->end = *n;
    return status;
}

mexpr_status mx_clip_source_read(
    mx_clip_source *source, void *bytes, size_t size, size_t *n)
{
    for (*n = take(source, bytes, size); *n < size;) {
        size_t got;
        const mexpr_status status = pull(source, (uint8_t *)bytes + *n, size - *n, &got);
        if (status != MEXPR_OK)
            return status;
        if (got == 0)
            break;
        *n += got;
        source->position += got;
    }
    return MEXPR_OK;
}

mexpr_status mx_clip_source_skip(mx_clip_source *source, uint64_t size, uint64_t *n)
{
    if (!source->read) {
        const uint64_t left = left_in_file(source);
        *n = size < left ? size : left;
        mx_clip_source_go(source, source->position + *n);
        return MEXPR_OK;
    }
    for (*n = 0; *n < size;) {
        const uint64_t left = size - *n;
        const size_t taken =
            take(source, NULL, left < SIZE_MAX ? (size_t)left : SIZE_MAX);
        *n += taken;
        size_t got = taken;
        if (taken == 0) {
            const mexpr_status status = refill(source, &got);
            if (status != MEXPR_OK)
                return status;
        }
        if (got == 0)
            break;
    }
    return MEXPR_OK;
}

mexpr_status mx_clip_source_line(
    mx_clip_source *source, char *line, size_t capacity, size_t *n)
{
    for (*n = 0; *n < capacity; (*n)++) {
        if (source->begin == source->end) {
            size_t got;
            const mexpr_status status = refill(source, &got);
            if (status != MEXPR_OK)
                return status;
            if (got == 0 && *n == 0)
                return MEXPR_OK;
            if (got == 0)
                return mx_fail(source->scope, MEXPR_E_TRUNCATED,
                    "the stream ends after %zu bytes of a header line", *n);
        }
        take(source, line + *n, 1);
        if (line[*n] == '\n') {
            line[(*n)++] = '\0';
            return MEXPR_OK;
        }
    }
    return mx_fail(source->scope, MEXPR_E_FORMAT,
        "a header line of the stream is longer than %zu bytes", capacity - 1);
}

void mx_clip_source_go(mx_clip_source *source, uint64_t position)
{
    source->position = position;
    source->begin = source->end = 0;
}
