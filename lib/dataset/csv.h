/* SPDX-License-Identifier: MIT */
/* Tables of texts: comma-separated values (RFC 4180) in UTF-8. */
#ifndef MX_DATASET_CSV_H
#define MX_DATASET_CSV_H

#include "base/scope.h"

/* The first line that is not empty is the header. Blanks around a cell are cut off unless
 * it is quoted. */
typedef struct mx_csv {
    char *text;         /* what the cells point into */
    const char **cells; /* (n_rows + 1) × n_columns, the header first */
    int32_t *lines;     /* of the file, counted from 1, of each row, the header first */
    int64_t n_rows;     /* without the header */
    int64_t n_columns;
} mx_csv;

/* MEXPR_E_FORMAT with the line in the sentence; MEXPR_E_LIMIT for more rows than
 * max_rows. */
mexpr_status mx_csv_parse(
    mx_scope *scope, const void *bytes, size_t size, uint64_t max_rows, mx_csv *csv);
void mx_csv_free(mexpr_context *context, mx_csv *csv);

/* Column of that name in any case, -1: none. */
int64_t mx_csv_column(const mx_csv *csv, const char *name);
/* A cell, row 0 the first behind the header; "" for column -1. */
const char *mx_csv_cell(const mx_csv *csv, int64_t row, int64_t column);

#endif
