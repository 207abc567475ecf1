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

static void add_escaped(text *t, const char *value)
{
    text_add(t, "\"");
    for (const char *s = value; *s;) {
        const size_t length = text_utf8(s);
        const unsigned last = length > 0 ? (unsigned char)s[length - 1] : 0;
        if (length == 0)
            text_add(t, "\\ufffd");
        else if (*s == '"' || *s == '\\')
            text_add(t, "\\%c", *s);
        else if (text_is_control(s)) /* of two bytes the second has the number */
            text_add(t, "\\u%04x", last);
        else
            text_add_bytes(t, s, length);
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
