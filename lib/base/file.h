/* SPDX-License-Identifier: MIT */
/* Whole files in and out. */
#ifndef MX_BASE_FILE_H
#define MX_BASE_FILE_H

#include "base/scope.h"

/* Reads a regular file within the context's max_file_bytes into memory of the context,
 * which the caller frees with mx_free(). An empty file gives a pointer and size 0. */
mexpr_status mx_file_read(
    mx_scope *scope, const char *path, uint8_t **bytes, size_t *size);

/* A file open for reading in parts, its size as it was when opened. */
typedef struct mx_file {
    int fd; /* -1: none */
    uint64_t size;
} mx_file;

#define MX_FILE_NONE                                                                     \
    {                                                                                    \
        -1, 0                                                                            \
    }

/* Opens a regular file within max_file_bytes. On failure *file is MX_FILE_NONE. */
mexpr_status mx_file_open(mx_scope *scope, const char *path, mx_file *file);

/* The same for `name` beside the file `path`, or NULL for the working folder.
 * MEXPR_E_EXTERNAL for a name with a '/', "..", or that is a link or not a regular file.
 */
mexpr_status mx_file_open_beside(
    mx_scope *scope, const char *path, const char *name, mx_file *file);

/* Reads `size` bytes from `offset`, a range that lies in the file; `path` is for the
 * sentence. A file that has become shorter is MEXPR_E_IO. */
mexpr_status mx_file_read_at(mx_scope *scope, const mx_file *file, const char *path,
    uint64_t offset, void *bytes, size_t size);

/* Accepts MX_FILE_NONE and leaves it behind. */
void mx_file_close(mx_file *file);

/* Writes a file whole or not at all: to a temporary name in the same folder, then
 * renamed. What is there already must be a regular file. */
mexpr_status mx_file_write(
    mx_scope *scope, const char *path, const void *bytes, size_t size);

/* The sentence "cannot VERB 'path': reason" for a value of errno: MEXPR_E_NOT_FOUND or
 * MEXPR_E_IO. */
mexpr_status mx_fail_errno(
    mx_scope *scope, const char *verb, const char *path, int code);

#endif
