/* SPDX-License-Identifier: MIT */
/* Whole files in and out. */
#ifndef MX_BASE_FILE_H
#define MX_BASE_FILE_H

#include "base/scope.h"

/* Reads a regular file within the context's max_file_bytes into memory of the context,
 * which the caller frees with mx_free(). An empty file gives a pointer and size 0. */
mexpr_status mx_file_read(mx_scope *scope, const char *path, uint8_t **bytes, size_t *size);

/* Like mx_file_read(), from `name` beside the file `path`, or NULL for the working
 * folder. MEXPR_E_EXTERNAL for a name with a '/', "..", or that is a link or not a
 * regular file. */
mexpr_status mx_file_read_beside(mx_scope *scope, const char *path, const char *name,
    uint8_t **bytes, size_t *size);

/* Writes a file whole or not at all: to a temporary name in the same folder, then
 * renamed. */
mexpr_status mx_file_write(
    mx_scope *scope, const char *path, const void *bytes, size_t size);

#endif
