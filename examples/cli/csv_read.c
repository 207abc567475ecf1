/* SPDX-License-Identifier: MIT */
#include "csv_read.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli.h"
#include "file_read.h"

/* --- cells ------------------------------------------------------------------------- */

/* Cells are decoded where they stand: they only become shorter. */
typedef struct reader {
    csv_table *t;
    char *at, *end;
    int line;
    int n_cells;
} reader;

static int refuse(const reader *r, const char *what)
{
    return cli_fail("'%s', line %d: %s", r->t->path, r->line, what);
}

/* Text between quotes, of which two stand for one. */
static int read_quoted(reader *r, char **to)
{
    for (r->at++; r->at < r->end; r->at++) {
        if (*r->at == '"' && *++r->at != '"')
            return CLI_OK;
        r->line += *r->at == '\n';
        *(*to)++ = *r->at;
    }
    return refuse(r, "a quoted cell has no end");
}

/* A cell; *last: it ends its line. What comes behind it is read before it is cut off. */
static int read_cell(reader *r, int *last)
{
    char *to = r->at;
    r->t->cells[r->n_cells++] = to;
    if (r->at < r->end && *r->at == '"') {
        const int code = read_quoted(r, &to);
        if (code != CLI_OK)
            return code;
    } else {
        while (r->at < r->end && !strchr(",\r\n", *r->at))
            *to++ = *r->at++;
    }
    if (r->at + 1 < r->end && r->at[0] == '\r' && r->at[1] == '\n')
        r->at++;
    *last = r->at == r->end || *r->at == '\n';
    if (!*last && *r->at != ',')
        return refuse(r, "a cell goes on behind its closing quote, or has a lone CR");
    r->at += r->at < r->end;
    *to = '\0';
    return CLI_OK;
}

/* --- rows -------------------------------------------------------------------------- */

static int read_row(reader *r)
{
    csv_table *t = r->t;
    const int from = r->n_cells, line = r->line;
    int last = 0, code = CLI_OK;
    while (!last && code == CLI_OK)
        code = read_cell(r, &last);
    if (code != CLI_OK)
        return code;
    const int n = r->n_cells - from;
    r->line++;
    if (n == 1 && !*t->cells[from] && t->n_columns != 1) { /* a line of nothing */
        r->n_cells--;
        return CLI_OK;
    }
    if (t->n_columns == 0)
        t->n_columns = n;
    else if (n != t->n_columns)
        return cli_fail("'%s', line %d: it has %d cells, the header %d", t->path, line, n,
            t->n_columns);
    t->lines[t->n_rows++] = line;
    return CLI_OK;
}

static size_t count(const text *bytes, char c)
{
    size_t n = 0;
    for (size_t k = 0; k < bytes->size; k++)
        n += bytes->bytes[k] == c;
    return n;
}

int csv_read(const char *path, csv_table *t)
{
    t->path = path;
    int code = file_read(path, &t->bytes);
    if (code != CLI_OK)
        return code;
    char *begin = t->bytes.bytes, *end = begin + t->bytes.size;
    if (memchr(begin, 0, t->bytes.size))
        return cli_fail("'%s' is not a text", path);
    const size_t n_lines = count(&t->bytes, '\n') + 1;
    t->cells = calloc(n_lines + count(&t->bytes, ','), sizeof *t->cells);
    t->lines = calloc(n_lines, sizeof *t->lines);
    if (!t->cells || !t->lines)
        return cli_fail("out of memory; close other programs and try again");
    if (t->bytes.size >= 3 && memcmp(begin, "\xef\xbb\xbf", 3) == 0)
        begin += 3; /* a byte order mark */
    reader r = {.t = t, .at = begin, .end = end, .line = 1};
    while (r.at < r.end && code == CLI_OK)
        code = read_row(&r);
    if (code == CLI_OK && t->n_rows == 0)
        return cli_fail("'%s' has no header line", path);
    t->n_rows--; /* the header is none */
    return code;
}

void csv_free(csv_table *t)
{
    free(t->cells);
    free(t->lines);
    text_free(&t->bytes);
    *t = (csv_table){0};
}

/* --- looking ----------------------------------------------------------------------- */

int csv_find(const csv_table *t, const char *names)
{
    for (const char *at = names; *at; at += strspn(at, ",")) {
        const size_t length = strcspn(at, ",");
        for (int k = 0; k < t->n_columns; k++)
            if (strlen(t->cells[k]) == length &&
                strncasecmp(t->cells[k], at, length) == 0)
                return k;
        at += length;
    }
    return -1;
}

int csv_need(const csv_table *t, const char *names, int *column)
{
    *column = csv_find(t, names);
    return *column >= 0 ? CLI_OK
                        : cli_fail("'%s' has no column %s%s", t->path,
                              strchr(names, ',') ? "of " : "", names);
}

const char *csv_name(const csv_table *t, int column)
{
    return t->cells[column];
}

const char *csv_cell(const csv_table *t, int row, int column)
{
    return t->cells[(size_t)(row + 1) * (size_t)t->n_columns + (size_t)column];
}

int csv_is_unknown(const csv_table *t, int row, int column)
{
    const char *cell = column >= 0 ? csv_cell(t, row, column) : "";
    return !*cell || strcasecmp(cell, "NA") == 0;
}

int csv_fail(const csv_table *t, int row, int column, const char *what)
{
    const int line = t->lines[row + 1];
    return column < 0 ? cli_fail("'%s', line %d: %s", t->path, line, what)
                      : cli_fail("'%s', line %d, column '%s': '%s' %s", t->path, line,
                            csv_name(t, column), csv_cell(t, row, column), what);
}

int csv_whole(const csv_table *t, int row, int column, int64_t *out)
{
    const char *cell = csv_cell(t, row, column);
    char *end;
    errno = 0;
    const long long value = strtoll(cell, &end, 10);
    *out = value;
    return *cell && !*end && errno == 0 ? CLI_OK
                                        : csv_fail(t, row, column, "is no whole number");
}

int csv_frame(const csv_table *t, int row, int column, int64_t *out)
{
    const int code = csv_whole(t, row, column, out);
    return code == CLI_OK && *out < 0
               ? csv_fail(t, row, column, "is no frame: they count from 0 or 1")
               : code;
}

int csv_number(const csv_table *t, int row, int column, double *out)
{
    const char *cell = csv_cell(t, row, column);
    char *end;
    *out = strtod(cell, &end);
    return *cell && !*end && isfinite(*out) ? CLI_OK
                                            : csv_fail(t, row, column, "is no number");
}
