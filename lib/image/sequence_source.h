/* SPDX-License-Identifier: MIT */
/* Bytes of a clip in order: from a callback, or from a file, which can also go back. */
#ifndef MX_IMAGE_SEQUENCE_SOURCE_H
#define MX_IMAGE_SEQUENCE_SOURCE_H

#include "base/file.h"
#include "base/scope.h"
#include "microexpr/image.h"

enum { MX_CLIP_SOURCE_BUFFER = 4096 };

typedef struct mx_clip_source {
    mx_scope *scope;
    mexpr_read_fn read; /* NULL: a file */
    void *user;
    mx_file file;
    char *path;
    uint64_t position; /* of the next byte to be handed out */
    size_t begin, end; /* of the bytes in the buffer not yet handed out */
    uint8_t buffer[MX_CLIP_SOURCE_BUFFER];
} mx_clip_source;

mexpr_status mx_clip_source_open_callback(
    mx_scope *scope, mexpr_read_fn read, void *user, mx_clip_source **out);
mexpr_status mx_clip_source_open_file(
    mx_scope *scope, const char *path, mx_clip_source **out);
void mx_clip_source_close(mx_clip_source *source);

/* *n is less than `size` only at the end. */
mexpr_status mx_clip_source_read(
    mx_clip_source *source, void *bytes, size_t size, size_t *n);
/* The same without keeping the bytes. */
mexpr_status mx_clip_source_skip(mx_clip_source *source, uint64_t size, uint64_t *n);
/* A line without its line end, as a string. *n is 0 at the end of the source and else
 * counts the line end. MEXPR_E_FORMAT when it is longer than capacity - 1, and
 * MEXPR_E_TRUNCATED when the source ends within it. */
mexpr_status mx_clip_source_line(
    mx_clip_source *source, char *line, size_t capacity, size_t *n);
/* Files only. */
void mx_clip_source_go(mx_clip_source *source, uint64_t position);

#endif
