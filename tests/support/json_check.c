/* SPDX-License-Identifier: MIT */
/* json_check [KEY|INDEX ...]: reads standard input and fails unless it is one JSON value
 * (RFC 8259, UTF-8, no key twice in an object). With arguments it prints the value at
 * that path, strings without their quotes. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_BYTES = 1 << 20, MAX_DEPTH = 100, MAX_KEYS = 1000 };

/* A place in the text that is being read. */
static const char *at;

typedef struct path {
    char **steps; /* what is left of it */
    int n;
} path;

static bool value(path wanted, int depth);

static void blanks(void)
{
    while (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')
        at++;
}

static bool literal(const char *word)
{
    const size_t length = strlen(word);
    if (strncmp(at, word, length) != 0)
        return false;
    at += length;
    return true;
}

static bool digits(void)
{
    const char *start = at;
    while (*at >= '0' && *at <= '9')
        at++;
    return at > start;
}

static bool number(void)
{
    at += *at == '-';
    if (*at == '0')
        at++;
    else if (!digits())
        return false;
    if (*at == '.' && (at++, !digits()))
        return false;
    if (*at == 'e' || *at == 'E') {
        at++;
        at += *at == '+' || *at == '-';
        return digits();
    }
    return true;
}

static bool escape(void)
{
    if (*at != 'u') {
        const bool good = *at && strchr("\"\\/bfnrt", *at);
        at += good;
        return good;
    }
    at++;
    const bool good = strspn(at, "0123456789abcdefABCDEF") >= 4;
    at += good ? 4 : 0;
    return good;
}

static bool utf8(void)
{
    const unsigned char first = (unsigned char)*at++;
    const int more = first < 0x80                    ? 0
                     : first >= 0xc2 && first < 0xe0 ? 1
                     : first >= 0xe0 && first < 0xf0 ? 2
                     : first >= 0xf0 && first < 0xf5 ? 3
                                                     : -1;
    for (int i = 0; i < more; i++) {
        if (((unsigned char)*at++ & 0xc0) != 0x80)
            return false;
    }
    return more >= 0;
}

static bool string(void)
{
    if (*at++ != '"')
        return false;
    while (*at != '"') {
        if ((unsigned char)*at < 0x20)
            return false;
        if (*at == '\\' ? (at++, !escape()) : !utf8())
            return false;
    }
    at++;
    return true;
}

typedef struct span {
    const char *start;
    size_t length;
} span;

static bool same(span a, span b)
{
    return a.length == b.length && memcmp(a.start, b.start, a.length) == 0;
}

static path step_into(path wanted, span key)
{
    if (wanted.n > 0 && same(key, (span){wanted.steps[0], strlen(wanted.steps[0])}))
        return (path){wanted.steps + 1, wanted.n - 1};
    return (path){NULL, -1};
}

static bool object(path wanted, int depth)
{
    span keys[MAX_KEYS];
    int n = 0;
    for (at++, blanks(); *at != '}';) {
        const char *start = at;
        if (n == MAX_KEYS || !string())
            return false;
        keys[n] = (span){start + 1, (size_t)(at - start) - 2};
        for (int i = 0; i < n; i++) {
            if (same(keys[i], keys[n]))
                return false;
        }
        blanks();
        if (*at++ != ':' || !value(step_into(wanted, keys[n++]), depth + 1))
            return false;
        if (*at == ',' && (at++, blanks(), *at != '"'))
            return false;
    }
    at++;
    return true;
}

static bool array(path wanted, int depth)
{
    int n = 0;
    for (at++, blanks(); *at != ']';) {
        char index[16];
        snprintf(index, sizeof index, "%d", n++);
        if (!value(step_into(wanted, (span){index, strlen(index)}), depth + 1))
            return false;
        if (*at == ',' && (at++, blanks(), *at == ']'))
            return false;
    }
    at++;
    return true;
}

static bool found;

static void show(const char *start, const char *end)
{
    const bool quoted = *start == '"';
    printf("%.*s\n", (int)(end - start) - (quoted ? 2 : 0), start + quoted);
    found = true;
}

static bool plain_value(path wanted, int depth)
{
    switch (*at) {
    case '{':
        return depth < MAX_DEPTH && object(wanted, depth);
    case '[':
        return depth < MAX_DEPTH && array(wanted, depth);
    case '"':
        return string();
    case 't':
        return literal("true");
    case 'f':
        return literal("false");
    case 'n':
        return literal("null");
    default:
        return number();
    }
}

static bool value(path wanted, int depth)
{
    blanks();
    const char *start = at;
    if (!plain_value(wanted, depth))
        return false;
    if (wanted.n == 0)
        show(start, at);
    blanks();
    return depth == 0 || *at == ',' || *at == '}' || *at == ']';
}

int main(int argc, char **argv)
{
    char *bytes = malloc(MAX_BYTES + 1);
    if (!bytes)
        return 1;
    const size_t size = fread(bytes, 1, MAX_BYTES, stdin);
    bytes[size] = '\0';
    at = bytes;
    found = argc == 1;
    const bool good = strlen(bytes) == size &&
                      value((path){argv + 1, argc > 1 ? argc - 1 : -1}, 0) && *at == '\0';
    if (!good)
        fprintf(
            stderr, "json_check: not JSON at byte %ld: %.40s\n", (long)(at - bytes), at);
    else if (!found)
        fprintf(stderr, "json_check: there is no value '%s'\n", argv[1]);
    free(bytes);
    return good && found ? 0 : 1;
}
