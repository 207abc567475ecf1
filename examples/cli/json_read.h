/* SPDX-License-Identifier: MIT */
/* JSON (RFC 8259) read from a file. */
#ifndef CLI_JSON_READ_H
#define CLI_JSON_READ_H

#include "text.h"

typedef enum json_kind {
    JSON_NULL,
    JSON_BOOLEAN,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
} json_kind;

typedef struct json_value {
    json_kind kind;
    const char *key;          /* of a member of an object */
    const char *string;       /* UTF-8; what comes after U+0000 is lost */
    double number;            /* and 0 or 1 of a boolean */
    struct json_value *first; /* member or element */
    struct json_value *next;  /* of the same brackets */
} json_value;

/* Start with {0}. */
typedef struct json_document {
    text bytes;
    struct json_block *blocks;
    const json_value *root;
} json_document;

/* Reads a file of one value; an exit code. */
int json_read(const char *path, json_document *document);
void json_free(json_document *document);

/* A member of an object; NULL when there is none or it is of another kind. */
const json_value *json_member(const json_value *object, const char *key, json_kind kind);
/* Its string, its number; what is given when there is none. */
const char *json_text(const json_value *object, const char *key, const char *otherwise);
double json_value_of(const json_value *object, const char *key, double otherwise);

#endif
