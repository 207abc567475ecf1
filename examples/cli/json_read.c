/* SPDX-License-Identifier: MIT */
#include "json_read.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "file_read.h"

enum { BLOCK_SIZE = 1024, MOST_DEPTH = 64 };

struct json_block {
    struct json_block *next;
    int n;
    json_value values[BLOCK_SIZE];
};

/* Strings are decoded where they stand: they only become shorter. */
typedef struct reader {
    json_document *document;
    char *at, *end;
    int depth;
    const char *trouble; /* NULL: none yet */
} reader;

static json_value *read_value(reader *r);

static json_value *new_value(reader *r, json_kind kind)
{
    struct json_block *block = r->document->blocks;
    if (!block || block->n == BLOCK_SIZE) {
        block = calloc(1, sizeof *block);
        if (!block) {
            r->trouble = "memory ran out";
            return NULL;
        }
        block->next = r->document->blocks;
        r->document->blocks = block;
    }
    json_value *value = &block->values[block->n++];
    value->kind = kind;
    return value;
}

static json_value *refuse(reader *r, const char *trouble)
{
    r->trouble = r->trouble ? r->trouble : trouble;
    return NULL;
}

static void skip_blanks(reader *r)
{
    while (r->at < r->end && memchr(" \t\r\n", *r->at, 4))
        r->at++;
}

/* Takes this character if it is the next one. */
static int take(reader *r, char c)
{
    skip_blanks(r);
    if (r->at >= r->end || *r->at != c)
        return 0;
    r->at++;
    return 1;
}

/* --- strings ----------------------------------------------------------------------- */

/* Four hexadecimal digits, -1 when they are not. */
static long read_hex(reader *r)
{
    char digits[5] = {0};
    if (r->end - r->at < 4)
        return -1;
    memcpy(digits, r->at, 4);
    if (strspn(digits, "0123456789abcdefABCDEF") != 4)
        return -1;
    r->at += 4;
    return strtol(digits, NULL, 16);
}

static char *put_utf8(char *out, unsigned long c)
{
    if (c < 0x80) {
        *out++ = (char)c;
    } else if (c < 0x800) {
        *out++ = (char)(0xc0 | c >> 6);
        *out++ = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        *out++ = (char)(0xe0 | c >> 12);
        *out++ = (char)(0x80 | (c >> 6 & 0x3f));
        *out++ = (char)(0x80 | (c & 0x3f));
    } else {
        *out++ = (char)(0xf0 | c >> 18);
        *out++ = (char)(0x80 | (c >> 12 & 0x3f));
        *out++ = (char)(0x80 | (c >> 6 & 0x3f));
        *out++ = (char)(0x80 | (c & 0x3f));
    }
    return out;
}

/* What \u stands for, with a second half where it needs one; a lone half is U+FFFD. */
static char *read_unicode(reader *r, char *out)
{
    long c = read_hex(r);
    if (c < 0)
        return NULL;
    if (c >= 0xd800 && c < 0xdc00 && r->end - r->at >= 6 && r->at[0] == '\\' &&
        r->at[1] == 'u') {
        r->at += 2;
        const long low = read_hex(r);
        if (low < 0)
            return NULL;
        c = low >= 0xdc00 && low < 0xe000 ? 0x10000 + ((c - 0xd800) << 10) + low - 0xdc00
                                          : 0xfffd;
    } else if (c >= 0xd800 && c < 0xe000) {
        c = 0xfffd;
    }
    return put_utf8(out, (unsigned long)c);
}

static char *read_escape(reader *r, char *out)
{
    static const char names[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    const char c = r->at < r->end ? *r->at++ : 0;
    if (c == 'u')
        return read_unicode(r, out);
    const char *found = c ? strchr(names, c) : NULL;
    if (!found)
        return NULL;
    *out++ = meant[found - names];
    return out;
}

/* The opening quote has been taken. */
static const char *read_string(reader *r)
{
    char *start = r->at, *out = r->at;
    while (out && r->at < r->end && *r->at != '"' && (unsigned char)*r->at >= 0x20) {
        if (*r->at != '\\') {
            *out++ = *r->at++;
            continue;
        }
        r->at++;
        out = read_escape(r, out);
    }
    if (!out || r->at >= r->end || *r->at != '"') {
        refuse(r, "a string is not well formed");
        return NULL;
    }
    r->at++;
    *out = '\0';
    return start;
}

/* --- values ------------------------------------------------------------------------ */

static json_value *read_number(reader *r)
{
    char digits[64];
    size_t n = 0;
    while (r->at < r->end && n + 1 < sizeof digits && *r->at &&
           strchr("+-.0123456789eE", *r->at))
        digits[n++] = *r->at++;
    digits[n] = '\0';
    char *end;
    const double number = strtod(digits, &end);
    if (n == 0 || *end || !isfinite(number))
        return refuse(r, "there is no value where one belongs");
    json_value *value = new_value(r, JSON_NUMBER);
    if (value)
        value->number = number;
    return value;
}

static json_value *read_word(reader *r)
{
    static const struct {
        const char *word;
        json_kind kind;
        double number;
    } words[] = {
        {"null", JSON_NULL, 0}, {"true", JSON_BOOLEAN, 1}, {"false", JSON_BOOLEAN, 0}};
    for (size_t k = 0; k < sizeof words / sizeof words[0]; k++) {
        const size_t size = strlen(words[k].word);
        if ((size_t)(r->end - r->at) < size || memcmp(r->at, words[k].word, size) != 0)
            continue;
        r->at += size;
        json_value *value = new_value(r, words[k].kind);
        if (value)
            value->number = words[k].number;
        return value;
    }
    return read_number(r);
}

/* The opening bracket has been taken. */
static json_value *read_brackets(reader *r, json_kind kind)
{
    const char close = kind == JSON_ARRAY ? ']' : '}';
    json_value *value = new_value(r, kind);
    json_value **last = value ? &value->first : NULL;
    if (++r->depth > MOST_DEPTH)
        return refuse(r, "brackets are nested too deeply");
    if (value && take(r, close)) {
        r->depth--;
        return value;
    }
    while (last) {
        const char *key = NULL;
        if (kind == JSON_OBJECT &&
            (!take(r, '"') || !(key = read_string(r)) || !take(r, ':')))
            return refuse(r, "a key of an object is not well formed");
        json_value *member = read_value(r);
        if (!member)
            return NULL;
        member->key = key;
        *last = member;
        last = &member->next;
        if (take(r, close))
            break;
        if (!take(r, ','))
            return refuse(r, "a comma or a closing bracket is missing");
    }
    r->depth--;
    return value;
}

static json_value *read_value(reader *r)
{
    if (take(r, '['))
        return read_brackets(r, JSON_ARRAY);
    if (take(r, '{'))
        return read_brackets(r, JSON_OBJECT);
    if (!take(r, '"'))
        return read_word(r);
    const char *string = read_string(r);
    json_value *value = string ? new_value(r, JSON_STRING) : NULL;
    if (value)
        value->string = string;
    return value;
}

/* --- files ------------------------------------------------------------------------- */

int json_read(const char *path, json_document *document)
{
    const int code = file_read(path, &document->bytes);
    if (code != CLI_OK)
        return code;
    char *bytes = document->bytes.bytes;
    reader r = {.document = document, .at = bytes, .end = bytes + document->bytes.size};
    document->root = read_value(&r);
    skip_blanks(&r);
    if (!r.trouble && r.at < r.end)
        r.trouble = "something follows the value";
    if (!r.trouble)
        return CLI_OK;
    int line = 1;
    for (const char *c = bytes; c < r.at; c++)
        line += *c == '\n';
    return cli_fail("'%s' is not JSON: %s (line %d)", path, r.trouble, line);
}

void json_free(json_document *document)
{
    while (document->blocks) {
        struct json_block *block = document->blocks;
        document->blocks = block->next;
        free(block);
    }
    text_free(&document->bytes);
    *document = (json_document){0};
}

const json_value *json_member(const json_value *object, const char *key, json_kind kind)
{
    const json_value *member =
        object && object->kind == JSON_OBJECT ? object->first : NULL;
    while (member && strcmp(member->key, key) != 0)
        member = member->next;
    return member && member->kind == kind ? member : NULL;
}

const char *json_text(const json_value *object, const char *key, const char *otherwise)
{
    const json_value *member = json_member(object, key, JSON_STRING);
    return member ? member->string : otherwise;
}

double json_value_of(const json_value *object, const char *key, double otherwise)
{
    const json_value *member = json_member(object, key, JSON_NUMBER);
    return member ? member->number : otherwise;
}
