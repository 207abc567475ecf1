/* SPDX-License-Identifier: MIT */
/* From the rows of a table to clips, people and classes. */
#include <string.h>

#include "base/decimal.h"
#include "dataset/manifest.h"

enum { MAX_CLASSES = 1000 };

/* Columns of a manifest, -1 for those that it has not. */
typedef struct columns {
    int64_t dataset, subject, person, clip, path, label;
    int64_t type, emotion, action_units, errata;
    int64_t label3, label5, objective;
    int64_t first_frame, onset, apex, offset, fps;
} columns;

/* --- columns ----------------------------------------------------------------------- */

static int64_t either(const mx_csv *csv, const char *a, const char *b)
{
    const int64_t k = mx_csv_column(csv, a);
    return k >= 0 ? k : mx_csv_column(csv, b);
}

static mexpr_status find_columns(
    mx_scope *scope, const mx_csv *csv, const char *label, columns *c)
{
    c->dataset = either(csv, "dataset", "database");
    c->subject = mx_csv_column(csv, "subject");
    c->person = mx_csv_column(csv, "person");
    c->clip = mx_csv_column(csv, "clip");
    c->path = either(csv, "path", "file");
    c->label = mx_csv_column(csv, label ? label : "label");
    c->type = mx_csv_column(csv, "type");
    c->emotion = mx_csv_column(csv, "emotion_raw");
    c->action_units = mx_csv_column(csv, "au_raw");
    c->errata = mx_csv_column(csv, "errata_id");
    c->label3 = mx_csv_column(csv, "label3");
    c->label5 = mx_csv_column(csv, "label5");
    c->objective = mx_csv_column(csv, "objective");
    c->first_frame = mx_csv_column(csv, "first_frame");
    c->onset = mx_csv_column(csv, "onset");
    c->apex = mx_csv_column(csv, "apex");
    c->offset = mx_csv_column(csv, "offset");
    c->fps = mx_csv_column(csv, "fps");
    if (c->subject < 0)
        return mx_fail(scope, MEXPR_E_FORMAT, "the header has no column 'subject'");
    if (c->path < 0 && c->clip < 0)
        return mx_fail(scope, MEXPR_E_FORMAT,
            "the header has no column 'file', 'path' or 'clip' that says what a row is "
            "of");
    if (label && c->label < 0)
        return mx_fail(scope, MEXPR_E_FORMAT, "the header has no column '%.60s'", label);
    return MEXPR_OK;
}

/* --- cells ------------------------------------------------------------------------- */

static bool is_unknown(const char *text)
{
    return !*text || strcmp(text, "NA") == 0;
}

/* The number that the whole text is, 0 or above; false when it is none. */
static bool read_integer(const char *text, int64_t most, int64_t *value)
{
    int64_t n = 0;
    for (const char *at = text; *at; at++) {
        if (*at < '0' || *at > '9' || n > (most - (*at - '0')) / 10)
            return false;
        n = 10 * n + (*at - '0');
    }
    *value = n;
    return *text != 0;
}

static mexpr_status frame_cell(
    mx_scope *scope, const mx_csv *csv, int64_t row, int64_t column, int64_t *value)
{
    const char *text = mx_csv_cell(csv, row, column);
    *value = -1;
    if (is_unknown(text) || read_integer(text, INT64_MAX, value))
        return MEXPR_OK;
    return mx_fail(scope, MEXPR_E_FORMAT,
        "'%.40s' in line %d, column '%s', is not a frame number; NA is for unknown ones",
        text, csv->lines[row + 1], csv->cells[column]);
}

static mexpr_status fps_cell(
    mx_scope *scope, const mx_csv *csv, int64_t row, int64_t column, double *fps)
{
    const char *text = mx_csv_cell(csv, row, column), *slash = strchr(text, '/');
    const size_t size = strlen(text), n = slash ? (size_t)(slash - text) : size;
    double below = 1;
    *fps = 0;
    if (is_unknown(text))
        return MEXPR_OK;
    /* No signs and no exponents. */
    const bool good =
        strspn(text, "0123456789./") == size &&
        mx_decimal_parse((mx_text){text, n}, fps) &&
        (!slash || mx_decimal_parse((mx_text){slash + 1, size - n - 1}, &below));
    *fps /= below;
    if (good && *fps >= 0.01 && *fps <= 1e6)
        return MEXPR_OK;
    return mx_fail(scope, MEXPR_E_FORMAT,
        "'%.40s' in line %d is not a number of frames per second, 0.01 to 1000000", text,
        csv->lines[row + 1]);
}

/* --- records ----------------------------------------------------------------------- */

/* The file's name without folders and ending, written to *to, which moves on. */
static const char *stem(const char *path, char **to)
{
    const char *name = strrchr(path, '/');
    name = name ? name + 1 : path;
    const char *dot = strrchr(name, '.');
    const size_t n = dot && dot > name ? (size_t)(dot - name) : strlen(name);
    char *text = *to;
    memcpy(text, name, n);
    text[n] = 0;
    *to += n + 1;
    return text;
}

static const char *join(const char *dataset, const char *subject, char **to)
{
    char *text = *to;
    const size_t n = strlen(dataset), n_subject = strlen(subject);
    memcpy(text, dataset, n);
    text[n] = '/';
    memcpy(text + n + 1, subject, n_subject + 1);
    *to += n + n_subject + 2;
    return text;
}

/* Who the record is of. A subject who were two people could be trained on and tested on
 * in one fold. */
static mexpr_status read_person(
    mx_scope *scope, mexpr_manifest *m, const columns *c, int64_t row, char **to)
{
    mexpr_record *r = m->records + row;
    const char *person = mx_csv_cell(&m->csv, row, c->person);
    const char *subject = join(r->dataset, r->subject, to);
    if (is_unknown(r->subject))
        return mx_fail(scope, MEXPR_E_FORMAT,
            "line %d has no subject; a clip of nobody cannot be held out", r->line);
    if (is_unknown(person))
        person = c->dataset >= 0 ? subject : r->subject;
    r->person = mx_name_list_add(&m->persons, person);
    const int32_t n = m->subjects.n, k = mx_name_list_add(&m->subjects, subject);
    if (k == n)
        m->subjects_persons[k] = r->person;
    if (m->subjects_persons[k] == r->person)
        return MEXPR_OK;
    return mx_fail(scope, MEXPR_E_FORMAT,
        "subject '%.60s' in line %d is person '%.60s', but '%.60s' in a line before",
        c->dataset >= 0 ? subject : r->subject, r->line, person,
        m->persons.names[m->subjects_persons[k]]);
}

static mexpr_status read_record(
    mx_scope *scope, mexpr_manifest *m, const columns *c, int64_t row, char **to)
{
    const mx_csv *csv = &m->csv;
    mexpr_record *r = m->records + row;
    r->struct_size = sizeof *r;
    r->dataset = mx_csv_cell(csv, row, c->dataset);
    r->subject = mx_csv_cell(csv, row, c->subject);
    r->path = mx_csv_cell(csv, row, c->path);
    r->clip = c->clip >= 0 ? mx_csv_cell(csv, row, c->clip) : stem(r->path, to);
    r->type = mx_csv_cell(csv, row, c->type);
    r->emotion = mx_csv_cell(csv, row, c->emotion);
    r->action_units = mx_csv_cell(csv, row, c->action_units);
    r->errata = mx_csv_cell(csv, row, c->errata);
    r->label3 = mx_csv_cell(csv, row, c->label3);
    r->label5 = mx_csv_cell(csv, row, c->label5);
    r->objective = mx_csv_cell(csv, row, c->objective);
    r->line = csv->lines[row + 1];
    r->label = -1;
    r->dataset_index = mx_name_list_add(&m->datasets, r->dataset);
    mexpr_status status = read_person(scope, m, c, row, to);
    if (status == MEXPR_OK)
        status = frame_cell(scope, csv, row, c->first_frame, &r->first_frame);
    if (status == MEXPR_OK)
        status = frame_cell(scope, csv, row, c->onset, &r->onset);
    if (status == MEXPR_OK)
        status = frame_cell(scope, csv, row, c->apex, &r->apex);
    if (status == MEXPR_OK)
        status = frame_cell(scope, csv, row, c->offset, &r->offset);
    return status == MEXPR_OK ? fps_cell(scope, csv, row, c->fps, &r->fps) : status;
}

static size_t joined_size(const mx_csv *csv, const columns *c)
{
    size_t size = 1;
    for (int64_t row = 0; row < csv->n_rows; row++)
        size += strlen(mx_csv_cell(csv, row, c->dataset)) +
                strlen(mx_csv_cell(csv, row, c->subject)) +
                strlen(mx_csv_cell(csv, row, c->path)) + 3;
    return size;
}

static mexpr_status read_records(mx_scope *scope, mexpr_manifest *m, const columns *c)
{
    const size_t n = (size_t)m->csv.n_rows;
    m->records = mx_calloc(scope, n, sizeof *m->records);
    m->joined = mx_alloc(scope, joined_size(&m->csv, c), 1);
    m->subjects_persons = mx_alloc(scope, n, sizeof *m->subjects_persons);
    mexpr_status status =
        m->records && m->joined && m->subjects_persons ? MEXPR_OK : MEXPR_E_NOMEM;
    if (status == MEXPR_OK)
        status = mx_name_list_init(scope, &m->persons, n);
    if (status == MEXPR_OK)
        status = mx_name_list_init(scope, &m->subjects, n);
    if (status == MEXPR_OK)
        status = mx_name_list_init(scope, &m->datasets, n);
    char *to = m->joined;
    for (int64_t row = 0; row < m->csv.n_rows && status == MEXPR_OK; row++)
        status = read_record(scope, m, c, row, &to);
    return status;
}

/* --- labels ------------------------------------------------------------------------ */

static bool is_number(const char *text)
{
    double value;
    return text[strspn(text, "0123456789")] == 0 ||
           mx_decimal_parse((mx_text){text, strlen(text)}, &value);
}

static bool has_numbers(const mexpr_manifest *m, int64_t column)
{
    for (int64_t row = 0; row < m->csv.n_rows; row++) {
        const char *text = mx_csv_cell(&m->csv, row, column);
        if (!is_unknown(text) && is_number(text))
            return true;
    }
    return false;
}

/* Names of the classes: their numbers. */
static mexpr_status name_numbers(mx_scope *scope, mexpr_manifest *m)
{
    m->numbers = mx_calloc(scope, (size_t)m->n_classes, sizeof *m->numbers);
    for (int32_t k = 0; m->numbers && k < m->n_classes; k++)
        for (int32_t rest = k, at = k > 99 ? 2 : k > 9; at >= 0; at--, rest /= 10)
            m->numbers[k][at] = (char)('0' + rest % 10);
    return m->numbers ? MEXPR_OK : MEXPR_E_NOMEM;
}

/* One number makes all labels numbers: "-1" or "2.0" among them is no class's name. */
static mexpr_status read_numbers(mx_scope *scope, mexpr_manifest *m, int64_t column)
{
    int64_t largest = -1;
    for (int64_t row = 0; row < m->csv.n_rows; row++) {
        const char *text = mx_csv_cell(&m->csv, row, column);
        int64_t value = -1;
        if (is_unknown(text))
            continue;
        if (!read_integer(text, MAX_CLASSES - 1, &value))
            return mx_fail(scope, MEXPR_E_FORMAT,
                "'%.40s' in line %d, column '%s', is not a class: in a column with "
                "numbers they are whole ones, 0 to %d, and NA where unknown",
                text, m->csv.lines[row + 1], m->csv.cells[column], MAX_CLASSES - 1);
        m->records[row].label = (int32_t)value;
        largest = value > largest ? value : largest;
    }
    m->n_classes = (int32_t)largest + 1;
    return name_numbers(scope, m);
}

static mexpr_status read_names(mx_scope *scope, mexpr_manifest *m, int64_t column)
{
    mexpr_status status = mx_name_list_init(scope, &m->classes, (size_t)m->csv.n_rows);
    for (int64_t row = 0; row < m->csv.n_rows && status == MEXPR_OK; row++) {
        const char *text = mx_csv_cell(&m->csv, row, column);
        if (!is_unknown(text))
            mx_name_list_add(&m->classes, text);
        if (m->classes.n > MAX_CLASSES)
            status = mx_fail(scope, MEXPR_E_FORMAT,
                "the labels are of more than %d classes", MAX_CLASSES);
    }
    if (status != MEXPR_OK)
        return status;
    mx_name_list_sort(&m->classes);
    for (int64_t row = 0; row < m->csv.n_rows; row++) {
        const char *text = mx_csv_cell(&m->csv, row, column);
        m->records[row].label =
            is_unknown(text) ? -1 : mx_name_list_add(&m->classes, text);
    }
    m->n_classes = m->classes.n;
    return MEXPR_OK;
}

static mexpr_status read_labels(mx_scope *scope, mexpr_manifest *m, int64_t column)
{
    return has_numbers(m, column) ? read_numbers(scope, m, column)
                                  : read_names(scope, m, column);
}

/* --- the whole --------------------------------------------------------------------- */

mexpr_status mx_manifest_parse(mx_scope *scope, const void *bytes, size_t size,
    const char *label, mexpr_manifest *manifest)
{
    mexpr_manifest *m = manifest;
    columns c;
    mexpr_status status = mx_csv_parse(
        scope, bytes, size, mx_context_limits(scope->context)->frames, &m->csv);
    if (status == MEXPR_OK)
        status = find_columns(scope, &m->csv, label, &c);
    if (status == MEXPR_OK)
        status = read_records(scope, m, &c);
    if (status == MEXPR_OK)
        status = read_labels(scope, m, c.label);
    mx_sha256(bytes, size, m->sha256);
    return status;
}
