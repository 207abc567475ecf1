/* SPDX-License-Identifier: MIT */
/* What is in a folder. */
#ifndef MX_BASE_FOLDER_H
#define MX_BASE_FOLDER_H

#include "base/scope.h"

/* Names, in two blocks of memory. Start with {0}. */
typedef struct mx_names {
    const char **items; /* n of them, into `text` */
    size_t n;
    size_t capacity;
    char *text;
    size_t text_size;
    size_t text_capacity;
} mx_names;

typedef bool (*mx_name_fn)(const void *user, const char *name);

bool mx_path_is_folder(const char *path);
bool mx_path_exists(const char *path);

/* Adds the names in the folder that `accept` takes, in no order. Names that begin with a
 * dot are never asked about. MEXPR_E_LIMIT for more than `max`. */
mexpr_status mx_folder_list(mx_scope *scope, const char *path, mx_name_fn accept,
    const void *user, uint64_t max, mx_names *names);
void mx_names_free(mexpr_context *context, mx_names *names);

#endif
