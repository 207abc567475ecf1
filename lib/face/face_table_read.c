/* SPDX-License-Identifier: MIT */
/* Landmarks that other programs wrote: iBUG's .pts, OpenFace's CSV, plain CSV. */
#include <math.h>
#include <string.h>

#include "base/decimal.h"
#include "face/face_table.h"

typedef struct reader {
    mx_scope *scope;
    const char *name;
    mx_text rest; /* the lines not yet given */
    int line;     /* number of the last one given */
} reader;

/* The next line that is not blank, trimmed; false at the end. */
static bool next_line(reader *r, mx_text *line)
{
    while (r->rest.size > 0) {
        const char *end = memchr(r->rest.at, '\n', r->rest.size);
        const size_t size = end ? (size_t)(end - r->rest.at) : r->rest.size;
        const size_t used = end ? size + 1 : size;
        *line = mx_text_trim((mx_text){r->rest.at, size});
        r->rest.at += used;
        r->rest.size -= used;
        r->line++;
        if (line->size > 0)
            return true;
    }
    return false;
}

/* Cuts the first cell off *rest; false when nothing is left. `at` NULL marks the end. */
static bool next_cell(mx_text *rest, mx_text *cell)
{
    if (!rest->at)
        return false;
    const char *comma = memchr(rest->at, ',', rest->size);
    const size_t size = comma ? (size_t)(comma - rest->at) : rest->size;
    *cell = mx_text_trim((mx_text){rest->at, size});
    rest->at = comma ? comma + 1 : NULL;
    rest->size = comma ? rest->size - size - 1 : 0;
    return true;
}

static mexpr_status bad_number(const reader *r, mx_text cell, const char *what)
{
    return mx_fail(r->scope, MEXPR_E_FORMAT, "'%s', line %d: '%.*s' is not %s", r->name,
        r->line, (int)(cell.size < 32 ? cell.size : 32), cell.at, what);
}

static const char coordinate_words[] = "a coordinate in pixels";

static bool coordinate(mx_text cell, float *out)
{
    double value;
    if (!mx_decimal_parse(cell, &value) || !(fabs(value) < MX_TABLE_FAR))
        return false;
    *out = (float)value;
    return true;
}

static mexpr_face_row new_row(const mexpr_face_table *table)
{
    mexpr_face_row row = MEXPR_FACE_ROW_INIT;
    row.frame = (int64_t)table->n + 1;
    row.confidence = 1;
    row.success = 1;
    return row;
}

/* --- .pts -------------------------------------------------------------------------- */

/* Cuts the first word off the line. */
static bool next_word(mx_text *line, mx_text *word)
{
    *line = mx_text_trim(*line);
    size_t n = 0;
    while (n < line->size && line->at[n] != ' ' && line->at[n] != '\t')
        n++;
    *word = (mx_text){line->at, n};
    line->at += n;
    line->size -= n;
    return n > 0;
}

static mexpr_status read_pts(reader *r, mexpr_face_table *table)
{
    mexpr_face_row row = new_row(table);
    mx_text line, word;
    int n = 0;
    bool more;
    while ((more = next_line(r, &line)) && line.at[0] != '{')
        continue;
    if (!more)
        return mx_fail(
            r->scope, MEXPR_E_FORMAT, "'%s' has no '{' before its points", r->name);
    while ((more = next_line(r, &line)) && line.at[0] != '}') {
        while (next_word(&line, &word)) {
            float value;
            if (!coordinate(word, &value))
                return bad_number(r, word, coordinate_words);
            if (n < MX_TABLE_NUMBERS)
                row.landmarks[n] = value - 1;
            n++;
        }
    }
    if (!more)
        return mx_fail(
            r->scope, MEXPR_E_TRUNCATED, "'%s' is cut off: its '}' is missing", r->name);
    if (n != MX_TABLE_NUMBERS)
        return mx_fail(r->scope, MEXPR_E_FORMAT,
            "'%s' holds %d numbers; 68 landmarks have %d", r->name, n, MX_TABLE_NUMBERS);
    return mx_face_table_add(r->scope, table, &row);
}

/* --- CSV --------------------------------------------------------------------------- */

/* What a column holds: a coordinate's index, or one of these. */
enum {
    OTHER = -1,
    FRAME = -2,
    FACE_ID = -3,
    TIMESTAMP = -4,
    CONFIDENCE = -5,
    SUCCESS = -6
};

typedef struct columns {
    short *role; /* NULL: the coordinates in order */
    size_t n;
} columns;

/* "x_17", "x17": 34; "y_17": 35. */
static short role_of(mx_text name)
{
    static const struct {
        const char *name;
        short role;
    } named[] = {{"frame", FRAME}, {"face_id", FACE_ID}, {"timestamp", TIMESTAMP},
        {"confidence", CONFIDENCE}, {"success", SUCCESS}};
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++) {
        if (mx_text_is(name, named[i].name))
            return named[i].role;
    }
    if (name.size < 2 || (name.at[0] != 'x' && name.at[0] != 'y'))
        return OTHER;
    size_t i = name.at[1] == '_' ? 2 : 1;
    int index = 0;
    if (i == name.size || name.size - i > 2)
        return OTHER;
    for (; i < name.size; i++) {
        if (name.at[i] < '0' || name.at[i] > '9')
            return OTHER;
        index = 10 * index + (name.at[i] - '0');
    }
    return index < MEXPR_LANDMARKS_68 ? (short)(2 * index + (name.at[0] == 'y')) : OTHER;
}

static size_t count_cells(mx_text line)
{
    size_t n = 1;
    for (size_t i = 0; i < line.size; i++)
        n += line.at[i] == ',';
    return n;
}

static mexpr_status read_header(const reader *r, mx_text line, columns *c)
{
    int found[MX_TABLE_NUMBERS] = {0};
    mx_text cell;
    const size_t n = count_cells(line);
    c->role = mx_alloc(r->scope, n, sizeof *c->role);
    if (!c->role)
        return MEXPR_E_NOMEM;
    while (next_cell(&line, &cell)) {
        const short role = role_of(cell);
        c->role[c->n++] = role;
        if (role >= 0)
            found[role]++;
    }
    for (int i = 0; i < MX_TABLE_NUMBERS; i++) {
        if (found[i] != 1)
            return mx_fail(r->scope, MEXPR_E_FORMAT,
                "'%s': the header has %s column %c_%d; x_0 to y_67 are needed once each",
                r->name, found[i] ? "more than one" : "no", i % 2 ? 'y' : 'x', i / 2);
    }
    return MEXPR_OK;
}

/* One cell into the row; false when it is no number. */
static bool take_cell(short role, mx_text cell, mexpr_face_row *row)
{
    double value = 0;
    if (role == OTHER)
        return true;
    if (role >= 0)
        return coordinate(cell, &row->landmarks[role]);
    if (!mx_decimal_parse(cell, &value) || fabs(value) >= 1e15)
        return false;
    if (role == FRAME)
        row->frame = (int64_t)value;
    else if (role == FACE_ID)
        row->face_id = (int64_t)value;
    else if (role == TIMESTAMP)
        row->timestamp = value;
    else if (role == CONFIDENCE)
        row->confidence = value;
    else
        row->success = value != 0;
    return true;
}

static mexpr_status read_row(
    const reader *r, mx_text line, const columns *c, mexpr_face_table *table)
{
    mexpr_face_row row = new_row(table);
    mx_text cell;
    const size_t n = count_cells(line);
    if (n != c->n)
        return mx_fail(r->scope, MEXPR_E_FORMAT,
            "'%s', line %d has %zu cells; %zu are needed", r->name, r->line, n, c->n);
    for (size_t i = 0; next_cell(&line, &cell); i++) {
        const short role = c->role ? c->role[i] : (short)i;
        if (!take_cell(role, cell, &row))
            return bad_number(r, cell, role >= 0 ? coordinate_words : "a number");
    }
    return mx_face_table_add(r->scope, table, &row);
}

static mexpr_status read_rows(reader *r, const columns *c, mexpr_face_table *table)
{
    mexpr_status status = MEXPR_OK;
    mx_text line;
    while (status == MEXPR_OK && next_line(r, &line))
        status = read_row(r, line, c, table);
    if (status == MEXPR_OK && table->n == 0)
        return mx_fail(r->scope, MEXPR_E_TRUNCATED,
            "'%s' has 0 rows of landmarks; row 1 is none of them", r->name);
    return status;
}

/* 68 rows "x,y", from `line` on. */
static mexpr_status read_points(reader *r, mx_text line, mexpr_face_table *table)
{
    mexpr_face_row row = new_row(table);
    int n = 0;
    bool more = true;
    for (; more; more = next_line(r, &line), n++) {
        mx_text cell;
        if (n >= MEXPR_LANDMARKS_68)
            continue;
        if (count_cells(line) != 2)
            return mx_fail(r->scope, MEXPR_E_FORMAT,
                "'%s', line %d has %zu cells; 2 are needed", r->name, r->line,
                count_cells(line));
        for (int i = 2 * n; next_cell(&line, &cell); i++) {
            if (!coordinate(cell, &row.landmarks[i]))
                return bad_number(r, cell, coordinate_words);
        }
    }
    if (n != MEXPR_LANDMARKS_68)
        return mx_fail(r->scope, MEXPR_E_FORMAT, "'%s' holds %d points; %d are needed",
            r->name, n, MEXPR_LANDMARKS_68);
    return mx_face_table_add(r->scope, table, &row);
}

static mexpr_status read_csv(reader *r, mx_text line, mexpr_face_table *table)
{
    columns c = {NULL, MX_TABLE_NUMBERS};
    if (strchr("+-.0123456789", line.at[0])) {
        if (count_cells(line) == 2)
            return read_points(r, line, table);
        const mexpr_status status = read_row(r, line, &c, table);
        return status == MEXPR_OK ? read_rows(r, &c, table) : status;
    }
    c.n = 0;
    mexpr_status status = read_header(r, line, &c);
    if (status == MEXPR_OK)
        status = read_rows(r, &c, table);
    mx_free(r->scope->context, c.role);
    return status;
}

mexpr_status mx_face_table_parse(mx_scope *scope, mexpr_face_table *table,
    const char *name, const char *bytes, size_t size)
{
    static const char mark[] = "\xef\xbb\xbf";
    reader r = {scope, name, {bytes, size}, 0};
    mx_text line;
    if (size >= 3 && memcmp(bytes, mark, 3) == 0)
        r.rest = (mx_text){bytes + 3, size - 3};
    if (!next_line(&r, &line))
        return mx_fail(
            scope, MEXPR_E_TRUNCATED, "'%s' is empty; 68 landmarks are needed", name);
    if (line.size >= 7 && memcmp(line.at, "version", 7) == 0)
        return read_pts(&r, table);
    return read_csv(&r, line, table);
}
