/* SPDX-License-Identifier: MIT */
/* Rows of named numbers as CSV (RFC 4180) or as JSON:
 *
 *     table t = {.json = 0};
 *     table_row(&t);
 *     table_source(&t, "first", path);
 *     table_value(&t, 0.5, "hoof_b%d", 3);
 *     table_finish(&t, &out);
 *     table_free(&t);
 *
 * Every row has the same names in the same order. In JSON the rows are the objects of the
 * array "features". With `spool` rows go to that file as they are finished, whatever
 * their number, and table_finish() adds what follows the last one.
 */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stdio.h>

#include "text.h"

/* Start with zeros but for `json` and `spool`. */
typedef struct table {
    int json;
    FILE *spool;
    text head; /* names, while the first row of a CSV file is made */
    text body;
    int n_rows;
} table;

void table_row(table *t);
void table_source(table *t, const char *name, const char *value);
/* NaN and infinity become an empty cell, or null. */
void table_value(table *t, double value, const char *name, ...) TEXT_PRINTF(3, 4);
/* Adds the table, or what is not in the spool yet, to `out`. */
void table_finish(table *t, text *out);
void table_free(table *t);

#endif
