/* SPDX-License-Identifier: MIT */
#include "model/arena.h"

#include <string.h>

#include "base/checked.h"

enum { CHUNK_BYTES = 16384, SMALL_ALIGNMENT = 16 };

/* The newest chunk comes first; its free part begins at `used`. */
struct mx_chunk {
    mx_chunk *next;
    size_t used;
    size_t size;
    unsigned char padding[MX_ALIGNMENT - sizeof(mx_chunk *) - 2 * sizeof(size_t)];
};

void mx_arena_init(mx_arena *arena, mexpr_context *context)
{
    arena->context = context;
    arena->chunks = NULL;
}

void mx_arena_release(mx_arena *arena)
{
    while (arena->chunks) {
        mx_chunk *next = arena->chunks->next;
        mx_free(arena->context, arena->chunks);
        arena->chunks = next;
    }
}

static void *take(mx_chunk *chunk, size_t start, size_t bytes)
{
    chunk->used = start + bytes;
    return (unsigned char *)(chunk + 1) + start;
}

/* A piece of at least a quarter of a chunk gets one of its own, which goes behind the
 * newest so that the free part of that stays in use. */
static void *take_new_chunk(mx_scope *scope, mx_arena *arena, size_t bytes)
{
    const bool own = bytes >= CHUNK_BYTES / 4;
    const size_t size = own ? bytes : CHUNK_BYTES;
    size_t total;
    if (!mx_add_size(size, sizeof(mx_chunk), &total))
        total = SIZE_MAX; /* refused by mx_alloc() with the right sentence */
    mx_chunk *chunk = mx_alloc(scope, total, 1);
    if (!chunk)
        return NULL;
    chunk->size = size;
    if (own && arena->chunks) {
        chunk->next = arena->chunks->next;
        arena->chunks->next = chunk;
    } else {
        chunk->next = arena->chunks;
        arena->chunks = chunk;
    }
    return take(chunk, 0, bytes);
}

void *mx_arena_raw(mx_scope *scope, mx_arena *arena, size_t count, size_t size)
{
    size_t bytes;
    if (!mx_mul_size(count, size, &bytes))
        bytes = SIZE_MAX;
    if (bytes == 0)
        bytes = 1;
    const mx_chunk *chunk = arena->chunks;
    if (chunk) {
        const size_t alignment = bytes < MX_ALIGNMENT ? SMALL_ALIGNMENT : MX_ALIGNMENT;
        const size_t start = mx_round_up(chunk->used, alignment);
        if (start <= chunk->size && bytes <= chunk->size - start)
            return take(arena->chunks, start, bytes);
    }
    return take_new_chunk(scope, arena, bytes);
}

void *mx_arena_alloc(mx_scope *scope, mx_arena *arena, size_t count, size_t size)
{
    void *ptr = mx_arena_raw(scope, arena, count, size);
    if (ptr)
        memset(ptr, 0, count * size);
    return ptr;
}

char *mx_arena_strdup(mx_scope *scope, mx_arena *arena, const char *text)
{
    const size_t size = strlen(text) + 1;
    char *copy = mx_arena_raw(scope, arena, size, 1);
    if (copy)
        memcpy(copy, text, size);
    return copy;
}
