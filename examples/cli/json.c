/* SPDX-License-Identifier: MIT */
#include "json.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* A value or key needs a comma before it unless it is the first of its brackets or
 * follows its key. */
static void separate(text *t)
{
    size_t i = t->size;
    while (i > 0 && t->bytes[i - 1] == ' ')
        i--;
    if (i > 0 && !strchr("{[:", t->bytes[i - 1]))
        text_add(t, ", ");
}

void json_open(text *t, char bracket)
{
    separate(t);
    text_add(t, "%c", bracket);
}

void json_close(text *t, char bracket)
{
    text_add(t, "%c", bracket);
}

/* Length of the UTF-8 sequence (RFC 3629) at s, 0 when it is not one. */
static size_t utf8_length(const unsigned char *s)
{
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

static void add_escaped(text *t, const char *value)
{
    text_add(t, "\"");
    for (const unsigned char *s = (const unsigned char *)value; *s;) {
        const size_t length = utf8_length(s);
        if (length == 0)
            text_add(t, "\\ufffd");
        else if (*s == '"' || *s == '\\')
            text_add(t, "\\%c", *s);
        else if (*s < 0x20 || *s == 0x7f)
            text_add(t, "\\u%04x", (unsigned)*s);
        else
            text_add_bytes(t, (const char *)s, length);
        s += length ? length : 1;
    }
    text_add(t, "\"");
}

void json_key(text *t, const char *key)
{
    separate(t);
    add_escaped(t, key);
    text_add(t, ": ");
}

void json_string(text *t, const char *value)
{
    separate(t);
    if (value)
        add_escaped(t, value);
    else
        text_add(t, "null");
}

void json_integer(text *t, int64_t value)
{
    separate(t);
    text_add(t, "%" PRId64, value);
}

void json_boolean(text *t, int value)
{
    separate(t);
    text_add(t, value ? "true" : "false");
}

void json_number(text *t, double value, int digits)
{
    separate(t);
    if (isfinite(value))
        text_add(t, "%.*g", digits, value);
    else
        text_add(t, "null");
}
