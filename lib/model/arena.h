/* SPDX-License-Identifier: MIT */
/* Memory that is released all at once: many small pieces, few blocks. */
#ifndef MX_MODEL_ARENA_H
#define MX_MODEL_ARENA_H

#include "base/scope.h"

typedef struct mx_chunk mx_chunk;

typedef struct mx_arena {
    mexpr_context *context;
    mx_chunk *chunks;
} mx_arena;

void mx_arena_init(mx_arena *arena, mexpr_context *context);
/* Accepts an arena of zeros. */
void mx_arena_release(mx_arena *arena);

/* count × size zeroed bytes, aligned to MX_ALIGNMENT from 64 bytes on and to 16 below;
 * NULL with the sentence set (MEXPR_E_NOMEM). Nothing can be given back on its own. */
void *mx_arena_alloc(
    mx_scope *scope, mx_arena *arena, size_t count, size_t size) MX_NODISCARD;
/* The same without zeroing. */
void *mx_arena_raw(
    mx_scope *scope, mx_arena *arena, size_t count, size_t size) MX_NODISCARD;
char *mx_arena_strdup(mx_scope *scope, mx_arena *arena, const char *text) MX_NODISCARD;

#endif
