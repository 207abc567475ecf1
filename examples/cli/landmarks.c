/* SPDX-License-Identifier: MIT */
#include "landmarks.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_COLUMNS = 4096, MAX_BYTES = 1 << 28, MIN_SPAN = 8 };

static const double far_away = 1e6; /* px; no picture is so large */

typedef struct reader {
    const char *path;
    char *cursor; /* the next line */
    int line;     /* number of the last one given */
} reader;

static int load(const char *path, text *out)
{
    char block[1 << 14];
    size_t n = 0;
    FILE *file = fopen(path, "rb");
    if (file) {
        errno = 0;
        while ((n = fread(block, 1, sizeof block, file)) > 0 && out->size < MAX_BYTES)
            text_add_bytes(out, block, n);
    }
    const int good = file && !ferror(file);
    const int why = errno;
    if (file)
        fclose(file);
    if (!good)
        return cli_fail("cannot read '%s': %s", path, strerror(why));
    if (out->size >= MAX_BYTES || out->failed)
        return cli_fail("'%s' is too large for landmarks; cut out the rows needed", path);
    if (out->size == 0)
        return cli_fail("'%s' is empty; 68 landmarks are needed", path);
    return CLI_OK;
}

/* Takes blanks off both ends. */
static char *trim(char *s)
{
    while (isspace((unsigned char)*s))
        s++;
    char *end = s + strlen(s);
    while (end > s && isspace((unsigned char)end[-1]))
        end--;
    *end = '\0';
    return s;
}

/* The next line that is not blank, trimmed; NULL at the end. */
static char *next_line(reader *r)
{
    while (r->cursor && *r->cursor) {
        char *line = r->cursor;
        char *end = strchr(line, '\n');
        if (end)
            *end = '\0';
        r->cursor = end ? end + 1 : NULL;
        r->line++;
        line = trim(line);
        if (*line)
            return line;
    }
    return NULL;
}

/* A whole cell as a coordinate. */
static int coordinate(const char *cell, float *out)
{
    char *end;
    const double value = strtod(cell, &end);
    if (end == cell || *end || !(fabs(value) < far_away))
        return 0;
    *out = (float)value;
    return 1;
}

static int bad_number(const reader *r, const char *cell)
{
    return cli_fail(
        "'%s', line %d: '%.32s' is not a coordinate in pixels", r->path, r->line, cell);
}

/* --- .pts -------------------------------------------------------------------------- */

static int read_pts_points(reader *r, float *xy)
{
    int n = 0;
    char *line;
    while ((line = next_line(r)) && *line != '}') {
        for (char *cell = strtok(line, " \t"); cell; cell = strtok(NULL, " \t")) {
            float value;
            if (!coordinate(cell, &value))
                return bad_number(r, cell);
            if (n < LANDMARK_NUMBERS)
                xy[n] = value - 1;
            n++;
        }
    }
    if (!line)
        return cli_fail("'%s' is cut off: its '}' is missing", r->path);
    if (n != LANDMARK_NUMBERS)
        return cli_fail(
            "'%s' holds %d numbers; 68 landmarks have %d", r->path, n, LANDMARK_NUMBERS);
    return CLI_OK;
}

static int read_pts(reader *r, float *xy)
{
    char *line;
    while ((line = next_line(r)) && *line != '{')
        continue;
    if (!line)
        return cli_fail("'%s' has no '{' before its points", r->path);
    return read_pts_points(r, xy);
}

/* --- CSV --------------------------------------------------------------------------- */

/* What a column holds: a coordinate's index, or one of these. */
enum { OTHER = -1, SUCCESS = -2 };

typedef struct columns {
    short role[MAX_COLUMNS];
    int n;
} columns;

/* Cuts the first cell off *rest, which becomes NULL after the last. */
static char *next_cell(char **rest)
{
    char *cell = *rest;
    char *comma = strchr(cell, ',');
    if (comma)
        *comma++ = '\0';
    *rest = comma;
    return trim(cell);
}

/* "x_17", "x17": 34; "y_17": 35. */
static short role_of(const char *name)
{
    if (strcmp(name, "success") == 0)
        return SUCCESS;
    if (*name != 'x' && *name != 'y')
        return OTHER;
    const char *digits = name[1] == '_' ? name + 2 : name + 1;
    const size_t n = strspn(digits, "0123456789");
    if (n < 1 || n > 2 || digits[n])
        return OTHER;
    const long index = strtol(digits, NULL, 10);
    return index < MEXPR_LANDMARKS_68 ? (short)(2 * index + (*name == 'y')) : OTHER;
}

static int read_header(const reader *r, char *line, columns *c)
{
    char found[LANDMARK_NUMBERS] = {0};
    for (char *rest = line; rest; c->n++) {
        if (c->n == MAX_COLUMNS)
            return cli_fail("'%s' has more than %d columns", r->path, MAX_COLUMNS);
        const short role = role_of(next_cell(&rest));
        c->role[c->n] = role;
        if (role >= 0)
            found[role]++;
    }
    for (int i = 0; i < LANDMARK_NUMBERS; i++) {
        if (found[i] != 1)
            return cli_fail("'%s': the header has %s column %c_%d; x_0 to y_67 are "
                            "needed once each",
                r->path, found[i] ? "more than one" : "no", i % 2 ? 'y' : 'x', i / 2);
    }
    return CLI_OK;
}

static int read_row(const reader *r, char *line, const columns *c, float *xy)
{
    int column = 0;
    for (char *rest = line; rest; column++) {
        const char *cell = next_cell(&rest);
        const int role = column < c->n ? c->role[column] : OTHER;
        if (role == SUCCESS && strtod(cell, NULL) == 0)
            return cli_fail("'%s', line %d: success is 0, its landmarks are of no face",
                r->path, r->line);
        if (role >= 0 && !coordinate(cell, &xy[role]))
            return bad_number(r, cell);
    }
    if (column != c->n)
        return cli_fail(
            "'%s', line %d has %d cells; %d are needed", r->path, r->line, column, c->n);
    return CLI_OK;
}

/* 68 rows "x,y". */
static int read_points(reader *r, char *line, float *xy)
{
    int n = 0;
    for (; line; line = next_line(r), n++) {
        const columns two = {.role = {(short)(2 * n), (short)(2 * n + 1)}, .n = 2};
        const int code = n < MEXPR_LANDMARKS_68 ? read_row(r, line, &two, xy) : CLI_OK;
        if (code != CLI_OK)
            return code;
    }
    if (n != MEXPR_LANDMARKS_68)
        return cli_fail(
            "'%s' holds %d points; %d are needed", r->path, n, MEXPR_LANDMARKS_68);
    return CLI_OK;
}

/* The wanted one of the rows that begin at `line`. */
static int read_rows(reader *r, char *line, const columns *c, int row, float *xy)
{
    int n = 0;
    int code = CLI_OK;
    for (; line && code == CLI_OK; line = next_line(r)) {
        if (++n == (row ? row : 1))
            code = read_row(r, line, c, xy);
    }
    if (code != CLI_OK)
        return code;
    if (n == 0 || n < row)
        return cli_fail("'%s' has %d rows of landmarks; row %d is none of them", r->path,
            n, row ? row : 1);
    if (!row && n > 1)
        return cli_fail(
            "'%s' has %d rows of landmarks; choose one with --landmarks-row", r->path, n);
    return CLI_OK;
}

static int starts_with_number(const char *line)
{
    return strchr("+-.0123456789", *line) != NULL;
}

static int read_csv(reader *r, char *line, int row, float *xy)
{
    columns c = {.n = 0};
    if (starts_with_number(line)) {
        const char *comma = strchr(line, ',');
        if (comma && !strchr(comma + 1, ','))
            return read_points(r, line, xy);
        for (; c.n < LANDMARK_NUMBERS; c.n++)
            c.role[c.n] = (short)c.n;
        return read_rows(r, line, &c, row, xy);
    }
    const int code = read_header(r, line, &c);
    return code == CLI_OK ? read_rows(r, next_line(r), &c, row, xy) : code;
}

int landmarks_read(const char *path, int row, float xy[LANDMARK_NUMBERS])
{
    text bytes = {0};
    int code = load(path, &bytes);
    if (code == CLI_OK) {
        const int mark = strncmp(bytes.bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
        reader r = {.path = path, .cursor = bytes.bytes + mark};
        char *line = next_line(&r);
        if (!line)
            code = cli_fail("'%s' is empty; 68 landmarks are needed", path);
        else if (strncmp(line, "version", 7) == 0)
            code = read_pts(&r, xy);
        else
            code = read_csv(&r, line, row, xy);
    }
    text_free(&bytes);
    return code;
}

int landmarks_check(
    const float xy[LANDMARK_NUMBERS], const char *path, int width, int height)
{
    float low = xy[0], high = xy[0];
    int inside = 0;
    for (int i = 0; i < LANDMARK_NUMBERS; i += 2) {
        low = fminf(low, xy[i]);
        high = fmaxf(high, xy[i]);
        inside += xy[i] >= 0 && xy[i] < (float)width && xy[i + 1] >= 0 &&
                  xy[i + 1] < (float)height;
    }
    if (high - low < MIN_SPAN)
        return cli_fail("'%s': the landmarks span %.3g px only; they must be in pixels",
            path, (double)(high - low));
    if (2 * inside < MEXPR_LANDMARKS_68)
        return cli_fail("'%s': only %d of 68 landmarks lie in the %d x %d picture; they "
                        "must be in its pixels",
            path, inside, width, height);
    return CLI_OK;
}
