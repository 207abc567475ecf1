/* SPDX-License-Identifier: MIT */
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 1024 };

/* Room for `more` bytes and the 0 behind them. */
static int text_reserve(text *t, size_t more)
{
    size_t capacity = t->capacity ? t->capacity : FIRST_CAPACITY;
    while (capacity - t->size <= more)
        capacity *= 2;
    if (capacity == t->capacity)
        return 1;
    char *bytes = t->failed ? NULL : realloc(t->bytes, capacity);
    if (!bytes) {
        t->failed = 1;
        return 0;
    }
    t->bytes = bytes;
    t->capacity = capacity;
    return 1;
}

void text_add_bytes(text *t, const char *bytes, size_t size)
{
    if (!text_reserve(t, size))
        return;
    memcpy(t->bytes + t->size, bytes, size);
    t->size += size;
    t->bytes[t->size] = '\0';
}

void text_add(text *t, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    const int size = vsnprintf(NULL, 0, format, args);
    if (size >= 0 && text_reserve(t, (size_t)size)) {
        vsnprintf(t->bytes + t->size, (size_t)size + 1, format, again);
        t->size += (size_t)size;
    }
    va_end(again);
    va_end(args);
}

void text_add_plain(text *t, const char *name, int width)
{
    int n = 0;
    for (; name[n]; n++) {
        const int control = (unsigned char)name[n] < 0x20 || name[n] == 0x7f;
        text_add_bytes(t, control ? "?" : name + n, 1);
    }
    if (n < width)
        text_add(t, "%*s", width - n, "");
}

void text_free(text *t)
{
    free(t->bytes);
    *t = (text){0};
}
