/* SPDX-License-Identifier: MIT */
#include "score_names.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli.h"

int score_read(score_tables *tables, char **paths)
{
    const int code = csv_read(paths[0], &tables->truth);
    return code == CLI_OK ? csv_read(paths[1], &tables->given) : code;
}

void score_free(score_tables *tables)
{
    csv_free(&tables->truth);
    csv_free(&tables->given);
}

/* --- numbers ----------------------------------------------------------------------- */

/* Whole numbers by their size, before all else, by the alphabet. */
static int by_name(const void *left, const void *right)
{
    const char *a = *(const char *const *)left, *b = *(const char *const *)right;
    char *end_a, *end_b;
    const long long x = strtoll(a, &end_a, 10), y = strtoll(b, &end_b, 10);
    const int is_x = *a && !*end_a, is_y = *b && !*end_b;
    if (is_x != is_y)
        return is_x ? -1 : 1;
    return is_x && x != y ? (x < y ? -1 : 1) : strcmp(a, b);
}

static void add_cell(const csv_table *t, int row, int column, text *out)
{
    const char *cell = csv_cell(t, row, column), *name = csv_name(t, column);
    if (strcasecmp(name, "file") != 0 && strcasecmp(name, "path") != 0) {
        text_add(out, "%s", cell);
        return;
    }
    const char *slash = strrchr(cell, '/'), *stem = slash ? slash + 1 : cell;
    const char *dot = strrchr(stem, '.');
    text_add_bytes(out, stem, dot && dot > stem ? (size_t)(dot - stem) : strlen(stem));
}

/* A row's cells in the columns, with a separator between them that no name has. */
static void add_name(const csv_table *t, int row, const int *columns, int n, text *out)
{
    int known = 0;
    for (int k = 0; k < n; k++)
        known |= !csv_is_unknown(t, row, columns[k]);
    for (int k = 0; k < n && known; k++) {
        text_add(out, "%s", k ? "\x1f" : "");
        if (columns[k] >= 0)
            add_cell(t, row, columns[k], out);
    }
    text_add_bytes(out, "", 1);
}

static int find_columns(const score_tables *tables, const score_column *names, int n,
    score_where where, int (*columns)[2])
{
    const csv_table *a = &tables->truth, *b = &tables->given;
    for (int k = 0; k < n; k++) {
        int *at = columns[k];
        const char *given = names[k].given ? names[k].given : names[k].truth;
        at[0] = csv_find(a, names[k].truth);
        at[1] = where == SCORE_TRUTH ? -1 : csv_find(b, given);
        if (where == SCORE_TRUTH || (at[0] < 0) == (at[1] < 0))
            continue;
        if (where == SCORE_BOTH_OR_NONE)
            return cli_fail("'%s' has a column '%s' and '%s' has none: both need it, or "
                            "neither",
                at[1] < 0 ? a->path : b->path,
                at[1] < 0 ? csv_name(a, at[0]) : csv_name(b, at[1]),
                at[1] < 0 ? b->path : a->path);
        at[0] = at[1] = -1;
    }
    return CLI_OK;
}

/* The unique ones of the n texts that stand one behind the other. */
static int sort_names(score_names *names, int n)
{
    const char *at = names->joined;
    names->numbers = calloc((size_t)n + 1, sizeof *names->numbers);
    names->unique = calloc((size_t)n + 1, sizeof *names->unique);
    if (!names->numbers || !names->unique)
        return cli_fail("out of memory; close other programs and try again");
    int32_t known = 0;
    for (int k = 0; k < n; k++, at += strlen(at) + 1)
        if (*at)
            names->unique[known++] = at;
    qsort(names->unique, (size_t)known, sizeof *names->unique, by_name);
    for (int32_t k = 0; k < known; k++)
        if (k == 0 || strcmp(names->unique[names->n - 1], names->unique[k]) != 0)
            names->unique[names->n++] = names->unique[k];
    at = names->joined;
    for (int k = 0; k < n; k++, at += strlen(at) + 1) {
        const char **found =
            bsearch(&at, names->unique, (size_t)names->n, sizeof *names->unique, by_name);
        names->numbers[k] = *at ? (int32_t)(found - names->unique) : -1;
    }
    return CLI_OK;
}

int score_number(const score_tables *tables, const score_column *columns, int n,
    score_where where, score_names *names)
{
    int found[SCORE_COLUMNS_MOST][2], of[SCORE_COLUMNS_MOST];
    text joined = {0};
    const int code = find_columns(tables, columns, n, where, found);
    if (code != CLI_OK)
        return code;
    for (int which = 0; which < 2; which++) {
        const csv_table *t = which ? &tables->given : &tables->truth;
        for (int k = 0; k < n; k++)
            of[k] = found[k][which];
        for (int row = 0; row < t->n_rows; row++)
            add_name(t, row, of, n, &joined);
    }
    names->joined = joined.bytes;
    if (joined.failed)
        return cli_fail("out of memory; close other programs and try again");
    return sort_names(names, tables->truth.n_rows + tables->given.n_rows);
}

void score_names_free(score_names *names)
{
    free(names->numbers);
    free(names->unique);
    free(names->joined);
    *names = (score_names){0};
}

/* --- rows -------------------------------------------------------------------------- */

/* Where each name is in a table; no name twice. */
static int place(const csv_table *t, const score_names *names, const int32_t *numbers,
    int column, int *rows)
{
    for (int32_t k = 0; k < names->n; k++)
        rows[k] = -1;
    for (int row = 0; row < t->n_rows; row++) {
        const int32_t number = numbers[row];
        if (number < 0)
            return csv_fail(t, row, -1, "there is no clip in it");
        if (rows[number] >= 0)
            return csv_fail(t, row, column,
                "was there before; if it is another clip, tell them apart by a column "
                "subject or dataset "
                "in both files");
        rows[number] = row;
    }
    return CLI_OK;
}

static int match(const score_tables *tables, const score_names *names, int **rows)
{
    const csv_table *truth = &tables->truth, *given = &tables->given;
    const int column[2] = {csv_find(truth, SCORE_CLIP), csv_find(given, SCORE_CLIP)};
    int *at = calloc((size_t)names->n + 1, 2 * sizeof *at);
    *rows = calloc((size_t)truth->n_rows + 1, sizeof **rows);
    int code = at && *rows
                   ? CLI_OK
                   : cli_fail("out of memory; close other programs and try again");
    if (code == CLI_OK)
        code = place(truth, names, names->numbers, column[0], at);
    if (code == CLI_OK)
        code =
            place(given, names, names->numbers + truth->n_rows, column[1], at + names->n);
    for (int32_t k = 0; k < names->n && code == CLI_OK; k++) {
        const int in_truth = at[k], in_given = at[names->n + k];
        if (in_truth < 0)
            code = csv_fail(given, in_given, column[1], "is not among the true clips");
        else if (in_given < 0)
            code = csv_fail(truth, in_truth, column[0], "has no prediction");
        else
            (*rows)[in_truth] = in_given;
    }
    free(at);
    return code;
}

int score_match(const score_tables *tables, score_names *names, int **rows)
{
    static const score_column clip[] = {
        {SCORE_CLIP, NULL}, {"subject", NULL}, {"dataset,database", NULL}};
    int column;
    int code = csv_need(&tables->truth, SCORE_CLIP, &column);
    if (code == CLI_OK)
        code = csv_need(&tables->given, SCORE_CLIP, &column);
    if (code == CLI_OK)
        code = score_number(tables, clip, 3, SCORE_BOTH, names);
    return code == CLI_OK ? match(tables, names, rows) : code;
}
