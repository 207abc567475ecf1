/* SPDX-License-Identifier: MIT */
/* Names of two tables as numbers, and rows of them that belong together. */
#ifndef CLI_SCORE_NAMES_H
#define CLI_SCORE_NAMES_H

#include "csv_read.h"

enum { SCORE_COLUMNS_MOST = 4 };

/* What both tables of `microexpr score` are asked for; start with {0}. */
typedef struct score_tables {
    csv_table truth, given;
} score_tables;

/* The names of n rows, numbered; start with {0}. */
typedef struct score_names {
    int32_t *numbers;    /* of the rows, -1: unknown */
    const char **unique; /* by number, in the order of the alphabet, numbers by size */
    int32_t n;           /* of them */
    char *joined;        /* what they are made of */
} score_names;

/* Reads both files; an exit code. */
int score_read(score_tables *tables, char **paths);
void score_free(score_tables *tables);
/* Which columns count. */
typedef enum score_where {
    SCORE_BOTH_OR_NONE, /* one table's alone is an error */
    SCORE_BOTH,         /* those that both have */
    SCORE_TRUTH         /* those of the truth; rows of the other table are unknown */
} score_where;

/* What a column may be called: "clip,file,path". */
typedef struct score_column {
    const char *truth, *given; /* of the other table; NULL: the same */
} score_column;

/* Numbers what the rows of both tables, the truth's first, have in some columns, which
 * may be missing. A row is unknown when all of them are. An exit code. */
int score_number(const score_tables *tables, const score_column *columns, int n,
    score_where where, score_names *names);
void score_names_free(score_names *names);
/* Of a file or a path the name counts, without folder and ending: as in manifests. */
#define SCORE_CLIP "clip,file,path"

/* The row of the second table with the clip of each row of the first; a clip is in each
 * of them once, told apart by subject and dataset where both tables say them. An exit
 * code; names and rows are freed by the caller. */
int score_match(const score_tables *tables, score_names *names, int **rows);

#endif
