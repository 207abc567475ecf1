/* SPDX-License-Identifier: MIT */
/* Text that grows. What a command prints is gathered here first, so that a command that
 * fails half-way prints nothing. */
#ifndef CLI_TEXT_H
#define CLI_TEXT_H

#include <stddef.h>

/* Start with {0}. Once memory ran out, `failed` stays 1 and nothing more is added. */
typedef struct text {
    char *bytes; /* ends with a 0; NULL while empty */
    size_t size;
    size_t capacity;
    int failed;
} text;

#if defined(__GNUC__) || defined(__clang__)
#define TEXT_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define TEXT_PRINTF(fmt, args)
#endif

void text_add(text *t, const char *format, ...) TEXT_PRINTF(2, 3);
void text_add_bytes(text *t, const char *bytes, size_t size);
/* Length of the UTF-8 sequence (RFC 3629) at s, 0 when it is not one. */
size_t text_utf8(const char *s);
/* Whether it is a control character: C0, DEL or C1, which terminals obey. */
int text_is_control(const char *s);
/* Adds a name from a file, a '?' for each control character and for what is not UTF-8,
 * and blanks up to `width` characters. */
void text_add_plain(text *t, const char *name, int width);
void text_free(text *t);

#endif
