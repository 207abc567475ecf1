/* SPDX-License-Identifier: MIT */
/* Tables of landmarks from inside. */
#ifndef MX_FACE_FACE_TABLE_H
#define MX_FACE_FACE_TABLE_H

#include "base/scope.h"
#include "microexpr/face.h"

enum { MX_TABLE_NUMBERS = 2 * MEXPR_LANDMARKS_68 };

/* Coordinates are smaller than this. */
#define MX_TABLE_FAR 1e6

struct mexpr_face_table {
    mx_scope scope; /* its context is retained */
    mexpr_face_row *rows;
    size_t n;
    size_t capacity;
};

/* Appends a row that is checked. */
mexpr_status mx_face_table_add(
    mx_scope *scope, mexpr_face_table *table, const mexpr_face_row *row);

/* Reads any of the kinds into an empty table; `name` of the file is for the sentence. */
mexpr_status mx_face_table_parse(mx_scope *scope, mexpr_face_table *table,
    const char *name, const char *bytes, size_t size);

#endif
