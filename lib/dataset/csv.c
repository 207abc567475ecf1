/* SPDX-License-Identifier: MIT */
#include "dataset/csv.h"

#include <string.h>

/* Reading: `at` moves over the bytes, `to` over the text that is made of them. */
typedef struct reader {
    mx_scope *scope;
    const char *at, *end;
    char *to;
    int32_t line;
    bool line_ended; /* by the last cell */
} reader;

/* --- UTF-8 ------------------------------------------------------------------------- */

/* Bytes of the character at `s`, 0 when it is none of UTF-8 (RFC 3629). */
static size_t character(const uint8_t *s, size_t left)
{
    const size_t n = s[0] < 0x80                   ? 1
                     : s[0] >= 0xc2 && s[0] < 0xe0 ? 2
                     : s[0] >= 0xe0 && s[0] < 0xf0 ? 3
                     : s[0] >= 0xf0 && s[0] < 0xf5 ? 4
                                                   : 0;
    if (n == 0 || n > left || s[0] == 0)
        return 0;
    for (size_t k = 1; k < n; k++)
        if ((s[k] & 0xc0) != 0x80)
            return 0;
    const bool overlong = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90);
    const bool outside = (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf4 && s[1] > 0x8f);
    return overlong || outside ? 0 : n;
}

static mexpr_status check_text(mx_scope *scope, const uint8_t *bytes, size_t size)
{
    int32_t line = 1;
    for (size_t i = 0; i < size;) {
        const size_t n = character(bytes + i, size - i);
        if (n == 0)
            return mx_fail(scope, MEXPR_E_FORMAT,
                "line %d is not UTF-8 text; save the table as UTF-8", line);
        line += bytes[i] == '\n';
        i += n;
    }
    return MEXPR_OK;
}

/* --- cells ------------------------------------------------------------------------- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static void skip_blanks(reader *r)
{
    while (r->at < r->end && is_blank(*r->at))
        r->at++;
}

/* Steps over the comma or line end that ends a cell; false when there is neither. */
static bool end_cell(reader *r)
{
    r->line_ended = true;
    if (r->at == r->end)
        return true;
    if (*r->at == ',') {
        r->at++;
        r->line_ended = false;
        return true;
    }
    if (*r->at == '\r' && r->at + 1 < r->end && r->at[1] == '\n')
        r->at++;
    if (*r->at != '\n' && *r->at != '\r')
        return false;
    r->at++;
    r->line++;
    return true;
}

static mexpr_status read_quoted(reader *r)
{
    const int32_t first = r->line;
    bool closed = false;
    for (r->at++; r->at < r->end && !closed; r->at++) {
        const bool quote = *r->at == '"';
        if (quote && (r->at + 1 == r->end || r->at[1] != '"')) {
            closed = true;
            continue;
        }
        r->at += quote; /* the second of two */
        r->line += *r->at == '\n';
        *r->to++ = *r->at;
    }
    if (!closed)
        return mx_fail(
            r->scope, MEXPR_E_FORMAT, "the quote in line %d does not end", first);
    *r->to++ = 0;
    skip_blanks(r);
    if (!end_cell(r))
        return mx_fail(r->scope, MEXPR_E_FORMAT,
            "line %d goes on behind a quoted cell; double the quotes inside of it",
            r->line);
    return MEXPR_OK;
}

static mexpr_status read_cell(reader *r)
{
    skip_blanks(r);
    if (r->at < r->end && *r->at == '"')
        return read_quoted(r);
    const char *first = r->to;
    while (r->at < r->end && *r->at != ',' && *r->at != '\n' && *r->at != '\r')
        *r->to++ = *r->at++;
    while (r->to > first && is_blank(r->to[-1]))
        r->to--;
    *r->to++ = 0;
    end_cell(r);
    return MEXPR_OK;
}

/* Steps over lines without anything; false at the end. */
static bool next_line(reader *r)
{
    while (r->at < r->end) {
        const char *from = r->at;
        skip_blanks(r);
        if (r->at < r->end && *r->at != '\n' && *r->at != '\r') {
            r->at = from;
            return true;
        }
        if (r->at < r->end)
            end_cell(r);
    }
    return false;
}

/* --- the table --------------------------------------------------------------------- */

/* Reads a line's cells. With `csv->cells` NULL they are only counted. */
static mexpr_status read_line(reader *r, mx_csv *csv, int64_t row)
{
    const int32_t line = r->line;
    int64_t n = 0;
    mexpr_status status = MEXPR_OK;
    do {
        char *cell = r->to;
        status = read_cell(r);
        if (csv->cells && n < csv->n_columns)
            csv->cells[row * csv->n_columns + n] = cell;
        n++;
    } while (status == MEXPR_OK && !r->line_ended);
    if (csv->lines)
        csv->lines[row] = line;
    if (row == 0)
        csv->n_columns = n;
    if (status == MEXPR_OK && n != csv->n_columns)
        return mx_fail(r->scope, MEXPR_E_FORMAT,
            "line %d has %lld cells, the header %lld", line, (long long)n,
            (long long)csv->n_columns);
    return status;
}

static mexpr_status read_lines(
    mx_scope *scope, const char *bytes, size_t size, uint64_t max_rows, mx_csv *csv)
{
    reader r = {scope, bytes, bytes + size, csv->text, 1, false};
    int64_t row = 0;
    mexpr_status status = MEXPR_OK;
    for (; status == MEXPR_OK && next_line(&r); row++) {
        if ((uint64_t)row > max_rows)
            return mx_fail(scope, MEXPR_E_LIMIT,
                "there are more than %llu rows; raise max_frames in the context options",
                (unsigned long long)max_rows);
        status = read_line(&r, csv, row);
    }
    csv->n_rows = row - 1;
    if (status == MEXPR_OK && row == 0)
        status = mx_fail(scope, MEXPR_E_FORMAT, "there is nothing but empty lines");
    return status;
}

mexpr_status mx_csv_parse(
    mx_scope *scope, const void *bytes, size_t size, uint64_t max_rows, mx_csv *csv)
{
    const char *from = bytes;
    memset(csv, 0, sizeof *csv);
    if (size >= 3 && memcmp(from, "\xef\xbb\xbf", 3) == 0) { /* a byte order mark */
        from += 3;
        size -= 3;
    }
    mexpr_status status = check_text(scope, (const uint8_t *)from, size);
    if (status != MEXPR_OK)
        return status;
    /* A cell has at least one byte in the file, but for the last, and one more here. */
    csv->text = mx_alloc(scope, 2, size + 1);
    if (!csv->text)
        return MEXPR_E_NOMEM;
    status = read_lines(scope, from, size, max_rows, csv);
    if (status == MEXPR_OK) {
        const size_t n = (size_t)csv->n_rows + 1;
        csv->cells = mx_alloc(scope, n * (size_t)csv->n_columns, sizeof *csv->cells);
        csv->lines = mx_alloc(scope, n, sizeof *csv->lines);
        status = csv->cells && csv->lines ? read_lines(scope, from, size, max_rows, csv)
                                          : MEXPR_E_NOMEM;
    }
    if (status != MEXPR_OK)
        mx_csv_free(scope->context, csv);
    return status;
}

void mx_csv_free(mexpr_context *context, mx_csv *csv)
{
    mx_free(context, csv->text);
    mx_free(context, csv->cells);
    mx_free(context, csv->lines);
    memset(csv, 0, sizeof *csv);
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool equal(const char *a, const char *b)
{
    while (*a && lower(*a) == lower(*b)) {
        a++;
        b++;
    }
    return *a == *b;
}

int64_t mx_csv_column(const mx_csv *csv, const char *name)
{
    for (int64_t k = 0; k < csv->n_columns; k++)
        if (equal(csv->cells[k], name))
            return k;
    return -1;
}

const char *mx_csv_cell(const mx_csv *csv, int64_t row, int64_t column)
{
    return column < 0 ? "" : csv->cells[(row + 1) * csv->n_columns + column];
}
