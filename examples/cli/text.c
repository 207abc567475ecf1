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

size_t text_utf8(const char *at)
{
    const unsigned char *s = (const unsigned char *)at;
    const size_t length = s[0] < 0x80                   ? 1
                          : s[0] >= 0xc2 && s[0] < 0xe0 ? 2
                          : s[0] >= 0xe0 && s[0] < 0xf0 ? 3
                          : s[0] >= 0xf0 && s[0] < 0xf5 ? 4
                                                        : 0;
    for (size_t i = 1; i < length; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    }
    const int overlong = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90);
    const int outside = (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf4 && s[1] > 0x8f);
    return overlong || outside ? 0 : length;
}

int text_is_control(const char *at)
{
    const unsigned char *s = (const unsigned char *)at;
    return s[0] < 0x20 || s[0] == 0x7f || (s[0] == 0xc2 && s[1] >= 0x80 && s[1] < 0xa0);
}

void text_add_plain(text *t, const char *name, int width)
{
    int n = 0;
    for (size_t length; *name; name += length ? length : 1, n++) {
        length = text_utf8(name);
        if (length == 0 || text_is_control(name))
            text_add_bytes(t, "?", 1);
        else
            text_add_bytes(t, name, length);
    }
    if (n < width)
        text_add(t, "%*s", width - n, "");
}

void text_free(text *t)
{
    free(t->bytes);
    *t = (text){0};
}
