/* SPDX-License-Identifier: MIT */
/* Tables in CSV (RFC 4180, UTF-8, a header line), whose cells are told by their columns'
 * names:
 *
 *     csv_table t = {0};
 *     int clip;
 *     int code = csv_read("truth.csv", &t);
 *     if (code == CLI_OK)
 *         code = csv_need(&t, "clip,file,path", &clip);
 *     … csv_cell(&t, row, clip) …
 *     csv_free(&t);
 *
 * What is wrong is told with file, line and column. */
#ifndef CLI_CSV_READ_H
#define CLI_CSV_READ_H

#include <stdint.h>

#include "text.h"

/* Start with {0}. */
typedef struct csv_table {
    const char *path;
    text bytes;
    char **cells; /* the header's, then row by row */
    int *lines;   /* where rows begin */
    int n_rows, n_columns;
} csv_table;

/* An exit code. */
int csv_read(const char *path, csv_table *t);
void csv_free(csv_table *t);

/* The first column that has one of the names, in any case; -1: there is none. */
int csv_find(const csv_table *t, const char *names);
/* The same when there must be one; an exit code. */
int csv_need(const csv_table *t, const char *names, int *column);
const char *csv_name(const csv_table *t, int column);
const char *csv_cell(const csv_table *t, int row, int column);
/* Whether nothing is known: an empty cell, NA, or no such column. */
int csv_is_unknown(const csv_table *t, int row, int column);
/* Numbers; an exit code. */
int csv_whole(const csv_table *t, int row, int column, int64_t *out);
/* A frame: 0 or above. */
int csv_frame(const csv_table *t, int row, int column, int64_t *out);
int csv_number(const csv_table *t, int row, int column, double *out);
/* "'F.csv', line 3, column 'x': WHAT", an exit code; of the line alone where the column
 * is negative. */
int csv_fail(const csv_table *t, int row, int column, const char *what);

#endif
