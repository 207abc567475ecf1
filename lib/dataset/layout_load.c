/* SPDX-License-Identifier: MIT */
/* From a published layout to a manifest: each row of the table becomes a row of CSV,
 * which is then read as any other manifest. */
#include <stdio.h>
#include <string.h>

#include "base/decimal.h"
#include "base/file.h"
#include "base/folder.h"
#include "dataset/csv.h"
#include "dataset/csv_writer.h"
#include "dataset/published.h"

enum { NAME = 256, IDS = 256, MAX_UNITS = 64, PREAMBLE = 64 };

typedef struct loader {
    mx_scope *scope;
    const mx_layout *layout;
    const char *folder;
    mexpr_layout_options options;
    mx_csv csv;
    int64_t header; /* the row that has the columns' names, -1 the first; -2: none */
    int64_t columns[MX_N_FIELDS]; /* -1: none */
    mx_csv_writer writer;
    int64_t n_clips;
    int32_t *lines; /* of the table, of each clip; NULL without a table */
} loader;

/* One clip, with room for the texts that are not in the table as they are. */
typedef struct draft {
    mexpr_record record;
    char subject[NAME], person[NAME + 32], emotion[NAME], label[NAME];
    char path[2 * MX_LAYOUT_PATH], ids[IDS];
} draft;

/* --- columns ----------------------------------------------------------------------- */

/* The cell of a row that has one of the names, -1: none. */
static int64_t find_name(const mx_csv *csv, int64_t row, const char *names)
{
    for (int64_t k = 0; k < csv->n_columns; k++) {
        const char *cell = mx_csv_cell(csv, row, k);
        for (const char *at = names; *at;) {
            const size_t n = strcspn(at, "|");
            char name[NAME];
            if (n < sizeof name) {
                memcpy(name, at, n);
                name[n] = 0;
                if (mx_same_word(cell, name))
                    return k;
            }
            at += n + (at[n] == '|');
        }
    }
    return -1;
}

static bool find_columns(loader *l, int64_t row)
{
    for (int k = 0; k < MX_N_FIELDS; k++) {
        const char *names = l->layout->columns[k];
        l->columns[k] = names ? find_name(&l->csv, row, names) : -1;
    }
    return l->columns[MX_FIELD_SUBJECT] >= 0 && l->columns[MX_FIELD_CLIP] >= 0;
}

/* The place of a name in a list with commas, -1: none. */
static int64_t place_of(const char *list, const char *name)
{
    const size_t n = strlen(name);
    for (int64_t k = 0; *list; k++) {
        const size_t size = strcspn(list, ",");
        if (size == n && memcmp(list, name, n) == 0)
            return k;
        list += size + (list[size] == ',');
    }
    return -1;
}

/* Sheets may have text before the header, and some have none. */
static mexpr_status find_header(loader *l)
{
    const int64_t last = l->csv.n_rows < PREAMBLE ? l->csv.n_rows : PREAMBLE;
    for (l->header = -1; l->header < last; l->header++)
        if (find_columns(l, l->header))
            return MEXPR_OK;
    if (!l->layout->header)
        return mx_fail(l->scope, MEXPR_E_FORMAT,
            "no line has the columns '%s' and '%s' of %s",
            l->layout->columns[MX_FIELD_SUBJECT], l->layout->columns[MX_FIELD_CLIP],
            l->layout->title);
    l->header = -2;
    for (int k = 0; k < MX_N_FIELDS; k++) {
        const char *name = l->layout->columns[k];
        l->columns[k] = name ? place_of(l->layout->header, name) : -1;
        if (l->columns[k] >= l->csv.n_columns)
            l->columns[k] = -1;
    }
    return MEXPR_OK;
}

/* --- cells ------------------------------------------------------------------------- */

static const char *cell(const loader *l, int64_t row, mx_field field)
{
    return mx_csv_cell(&l->csv, row, l->columns[field]);
}

static mexpr_status frame_cell(
    const loader *l, int64_t row, mx_field field, int64_t *value)
{
    const char *text = cell(l, row, field);
    int64_t n = 0;
    size_t k = 0;
    *value = -1;
    for (; text[k] >= '0' && text[k] <= '9' && k < 18; k++)
        n = 10 * n + (text[k] - '0');
    if (k == 0 && (strspn(text, "/\\-?") == strlen(text) || strcmp(text, "NA") == 0))
        return MEXPR_OK;
    const size_t zeros = text[k] == '.' ? 1 + strspn(text + k + 1, "0") : 0;
    if (k == 0 || text[k + zeros])
        return mx_fail(l->scope, MEXPR_E_FORMAT, "'%.40s' in line %d is no frame number",
            text, l->csv.lines[row + 1]);
    *value = n;
    return MEXPR_OK;
}

static mexpr_status frame_cells(const loader *l, int64_t row, mexpr_record *r)
{
    mexpr_status status = frame_cell(l, row, MX_FIELD_ONSET, &r->onset);
    if (status == MEXPR_OK)
        status = frame_cell(l, row, MX_FIELD_APEX, &r->apex);
    if (status == MEXPR_OK)
        status = frame_cell(l, row, MX_FIELD_OFFSET, &r->offset);
    if (status == MEXPR_OK)
        status = frame_cell(l, row, MX_FIELD_FIRST, &r->first_frame);
    return status;
}

static bool begins_with(const char *text, const char *prefix)
{
    char head[NAME] = "";
    snprintf(head, sizeof head, "%.*s", (int)strlen(prefix), text);
    return mx_same_word(head, prefix);
}

/* "sub01", "1" and "01" are one subject. */
static void write_subject(const mx_layout *layout, const char *text, char *subject)
{
    const char *prefix = layout->subject_prefix ? layout->subject_prefix : "";
    const char *digits = text + (begins_with(text, prefix) ? strlen(prefix) : 0);
    const size_t size = strlen(digits), width = (size_t)layout->subject_digits;
    const bool number = size > 0 && strspn(digits, "0123456789") == size;
    const size_t zeros = number && size < width ? width - size : 0;
    snprintf(subject, NAME, "%.*s%s", (int)zeros, "0000000000", number ? digits : text);
}

static void write_lower(const char *text, char *out)
{
    size_t k = 0;
    for (; text[k] && k + 1 < NAME; k++)
        out[k] = text[k] >= 'A' && text[k] <= 'Z' ? (char)(text[k] - 'A' + 'a') : text[k];
    out[k] = 0;
}

/* "micro" for "Micro - 1/2" and "micro-expression". */
static const char *plain_type(const char *text)
{
    char lower[NAME];
    write_lower(text, lower);
    return strstr(lower, "macro") ? "macro" : strstr(lower, "micro") ? "micro" : text;
}

/* --- classes ----------------------------------------------------------------------- */

/* Databases with a column of 0 and 1 for each class: the one class that has a 1. */
static const char *flagged_class(const loader *l, int64_t row)
{
    static const char *const names[] = {"negative", "positive", "surprise"};
    const char *found = "";
    for (size_t k = 0; k < 3 && l->layout->flags; k++) {
        const int64_t column = find_name(&l->csv, l->header, names[k]);
        if (strcmp(mx_csv_cell(&l->csv, row, column), "1") == 0)
            found = *found ? "several" : names[k];
    }
    return strcmp(found, "several") == 0 ? "" : found;
}

/* "1" to "7" and "I" to "VII", else what the units say. */
static const char *objective(const loader *l, const char *text, const char *units)
{
    static const char *const names[] = {"I", "II", "III", "IV", "V", "VI", "VII"};
    mexpr_action_unit list[MAX_UNITS];
    size_t n = 0;
    for (int k = 0; k < 7; k++)
        if (mx_same_word(text, names[k]) || (text[0] == '1' + k && !text[1]))
            return names[k];
    if (mexpr_action_units_parse(l->scope->context, units, list, MAX_UNITS, &n) !=
        MEXPR_OK)
        return "";
    return mx_objective_of_units(list, n);
}

static void classify(const loader *l, draft *d)
{
    mexpr_record *r = &d->record;
    if (!*r->label3)
        r->label3 = mx_layout_class(l->layout, MX_CLASS_3, r->emotion);
    if (mx_errata_not_in_megc2019(r))
        r->label3 = "";
    r->label5 = mx_layout_class(l->layout, MX_CLASS_5, r->emotion);
    r->objective = objective(l, r->objective, r->action_units);
}

/* The clip's label; false for a clip that is left out. An emotion that nobody has heard
 * of is no class, but may be a slip of the pen: the clip stays, for the check to find. */
static bool choose_label(const loader *l, draft *d)
{
    const mexpr_record *r = &d->record;
    const bool outside =
        strcmp(r->objective, "VI") == 0 || strcmp(r->objective, "VII") == 0;
    const char *label = l->options.classes == MEXPR_CLASSES_MEGC2019 ? r->label3
                        : l->options.classes == MEXPR_CLASSES_FIVE   ? r->label5
                        : l->options.classes == MEXPR_CLASSES_EMOTION
                            ? d->emotion
                            : (outside ? "" : r->objective);
    snprintf(d->label, sizeof d->label, "%s", label);
    return *label || l->options.classes == MEXPR_CLASSES_EMOTION ||
           (l->options.classes != MEXPR_CLASSES_MEGC2018 && *r->emotion &&
               !mx_layout_knows(l->layout, r->emotion));
}

/* --- clips ------------------------------------------------------------------------- */

static void start_draft(const loader *l, draft *d)
{
    mexpr_record *r = &d->record;
    memset(d, 0, sizeof *d);
    r->struct_size = sizeof *r;
    r->dataset = l->layout->name;
    r->subject = d->subject;
    r->path = d->path;
    r->errata = d->ids;
    r->clip = r->emotion = r->action_units = "";
    r->label3 = r->label5 = r->objective = "";
    r->type = "micro";
    r->fps = l->layout->fps;
    r->first_frame = r->onset = r->apex = r->offset = -1;
}

/* The rest of a record whose names and `relative` path are known. */
static mexpr_status finish_draft(loader *l, draft *d, const char *relative)
{
    mexpr_record *r = &d->record;
    const char *prefix = l->options.prefix;
    if (l->options.type && strcmp(l->options.type, r->type) != 0)
        return MEXPR_OK;
    classify(l, d);
    if (!choose_label(l, d))
        return MEXPR_OK;
    snprintf(d->path, sizeof d->path, "%s%s%s", prefix ? prefix : "", prefix ? "/" : "",
        relative);
    snprintf(d->person, sizeof d->person, "%s/%s", r->dataset, r->subject);
    mx_csv_writer_record(&l->writer, r, d->person, d->label);
    if (l->lines)
        l->lines[l->n_clips] = r->line;
    l->n_clips++;
    return l->writer.status;
}

static bool full_path(const loader *l, const char *relative, char *path)
{
    return snprintf(path, MX_LAYOUT_PATH, "%s/%s", l->folder, relative) < MX_LAYOUT_PATH;
}

/* The number of the first file, where neither layout nor table says it. */
static mexpr_status find_first(loader *l, const char *relative, mexpr_record *r)
{
    char path[MX_LAYOUT_PATH];
    int64_t last;
    if (l->layout->first_frame >= 0)
        r->first_frame = l->layout->first_frame;
    if (r->first_frame >= 0 || !full_path(l, relative, path) || !mx_path_is_folder(path))
        return MEXPR_OK;
    return mx_frame_range(l->scope, path, &r->first_frame, &last);
}

/* Names make paths: nothing that leads elsewhere. */
static mexpr_status check_name(const loader *l, int64_t row, const char *name)
{
    if (!strchr(name, '/') && strcmp(name, "..") != 0 && strlen(name) < NAME)
        return MEXPR_OK;
    return mx_fail(l->scope, MEXPR_E_FORMAT, "'%.60s' in line %d is no name of a folder",
        name, l->csv.lines[row + 1]);
}

static mexpr_status fps_cell(const loader *l, int64_t row, double *fps)
{
    const char *text = cell(l, row, MX_FIELD_FPS);
    if (!*text || (mx_decimal_parse((mx_text){text, strlen(text)}, fps) && *fps >= 0.01 &&
                      *fps <= 1e6))
        return MEXPR_OK;
    return mx_fail(l->scope, MEXPR_E_FORMAT,
        "'%.40s' in line %d is not a number of frames per second", text,
        l->csv.lines[row + 1]);
}

static void correct(loader *l, int64_t row, draft *d)
{
    if (l->options.no_errata)
        return;
    const int64_t first = l->header + 1;
    const int64_t n = l->csv.n_rows - first;
    const int64_t labels = mx_errata_label_row(l->layout, n, row - first) + first;
    if (labels != row) {
        d->record.emotion = cell(l, labels, MX_FIELD_EMOTION);
        d->record.action_units = cell(l, labels, MX_FIELD_UNITS);
        d->record.label3 = flagged_class(l, labels);
        snprintf(d->ids, sizeof d->ids, "%s:%lld:labels", l->layout->name,
            (long long)(row - first));
    }
    mx_errata_apply(l->layout, n, row - first, &d->record, d->ids, sizeof d->ids);
}

static mexpr_status read_cells(loader *l, int64_t row, draft *d)
{
    mexpr_record *r = &d->record;
    r->line = l->csv.lines[row + 1];
    r->clip = cell(l, row, MX_FIELD_CLIP);
    r->emotion = cell(l, row, MX_FIELD_EMOTION);
    r->action_units = cell(l, row, MX_FIELD_UNITS);
    r->objective = cell(l, row, MX_FIELD_OBJECTIVE);
    r->label3 = flagged_class(l, row);
    if (l->columns[MX_FIELD_TYPE] >= 0)
        r->type = plain_type(cell(l, row, MX_FIELD_TYPE));
    write_subject(l->layout, cell(l, row, MX_FIELD_SUBJECT), d->subject);
    if (strcmp(d->subject, "NA") == 0)
        return mx_fail(l->scope, MEXPR_E_FORMAT,
            "line %d has no subject; a clip of nobody cannot be held out", r->line);
    mexpr_status status = check_name(l, row, d->subject);
    if (status == MEXPR_OK)
        status = check_name(l, row, r->clip);
    if (status == MEXPR_OK)
        status = frame_cells(l, row, r);
    if (status == MEXPR_OK)
        status = fps_cell(l, row, &r->fps);
    if (status == MEXPR_OK)
        correct(l, row, d);
    write_lower(r->emotion, d->emotion);
    return status;
}

static mexpr_status load_row(loader *l, int64_t row, draft *d)
{
    char relative[MX_LAYOUT_PATH];
    start_draft(l, d);
    /* Notes at the end of a sheet have no clip. */
    if (!*cell(l, row, MX_FIELD_CLIP) || !*cell(l, row, MX_FIELD_SUBJECT))
        return MEXPR_OK;
    mexpr_status status = read_cells(l, row, d);
    if (status != MEXPR_OK)
        return status;
    const mx_clip_names names = {d->subject, d->record.clip, d->emotion,
        cell(l, row, MX_FIELD_CODE), cell(l, row, MX_FIELD_VIDEO)};
    status = mx_layout_path(l->scope, l->layout, l->folder, &names, relative);
    if (status == MEXPR_OK)
        status = find_first(l, relative, &d->record);
    return status == MEXPR_OK ? finish_draft(l, d, relative) : status;
}

static mexpr_status load_table(loader *l, const char *table, draft *d)
{
    uint8_t *bytes;
    size_t size;
    mexpr_status status = mx_file_read(l->scope, table, &bytes, &size);
    if (status != MEXPR_OK)
        return status;
    status = mx_csv_parse(
        l->scope, bytes, size, mx_context_limits(l->scope->context)->frames, &l->csv);
    if (status == MEXPR_OK)
        status = find_header(l);
    if (status == MEXPR_OK) {
        l->lines = mx_alloc(l->scope, (size_t)l->csv.n_rows + 1, sizeof *l->lines);
        status = l->lines ? MEXPR_OK : MEXPR_E_NOMEM;
    }
    for (int64_t row = l->header + 1; row < l->csv.n_rows && status == MEXPR_OK; row++)
        status = load_row(l, row, d);
    mx_csv_free(l->scope->context, &l->csv);
    mx_free(l->scope->context, bytes);
    return status == MEXPR_OK ? status : mx_fail_prefix(l->scope, status, table);
}

/* --- folders alone ----------------------------------------------------------------- */

typedef struct visit {
    loader *loader;
    draft *draft;
} visit;

/* A clip without a table is all of its folder. */
static mexpr_status visit_clip(void *user, const mx_clip_names *names, const char *path)
{
    const visit *v = user;
    loader *l = v->loader;
    draft *d = v->draft;
    char full[MX_LAYOUT_PATH];
    start_draft(l, d);
    snprintf(d->subject, sizeof d->subject, "%s", names->subject);
    d->record.clip = names->clip;
    d->record.emotion = names->emotion;
    write_lower(names->emotion, d->emotion);
    if (!full_path(l, path, full))
        return MEXPR_OK;
    const mexpr_status status =
        mx_frame_range(l->scope, full, &d->record.onset, &d->record.offset);
    d->record.first_frame = d->record.onset;
    return status == MEXPR_OK ? finish_draft(l, d, path) : status;
}

/* --- the door ---------------------------------------------------------------------- */

static mexpr_status load_clips(loader *l, const char *table)
{
    draft *d = mx_alloc(l->scope, 1, sizeof *d);
    visit v = {l, d};
    mexpr_status status = MEXPR_E_NOMEM;
    mx_csv_writer_begin(l->scope, &l->writer);
    if (d)
        status = table ? load_table(l, table, d)
                       : mx_layout_walk(l->scope, l->layout, l->folder, visit_clip, &v);
    mx_free(l->scope->context, d);
    if (status == MEXPR_OK && l->n_clips == 0)
        status = mx_fail(l->scope, MEXPR_E_NOT_FOUND,
            "there is no clip of %s of that type and those classes in %s",
            l->layout->title, table ? table : l->folder);
    return status == MEXPR_OK ? l->writer.status : status;
}

static mexpr_status check_request(
    const loader *l, const char *layout, const char *folder, const char *table)
{
    if (!layout || !folder)
        return mx_fail(l->scope, MEXPR_E_ARG, "layout and folder must not be NULL");
    if (l->options.classes < MEXPR_CLASSES_EMOTION ||
        l->options.classes > MEXPR_CLASSES_MEGC2018)
        return mx_fail(
            l->scope, MEXPR_E_RANGE, "classes %d are not known", l->options.classes);
    if (!l->layout)
        return mx_fail(l->scope, MEXPR_E_NOT_FOUND, "there is no layout '%.60s'", layout);
    if (!table && !l->layout->walk)
        return mx_fail(l->scope, MEXPR_E_ARG,
            "%s needs its table of labels, saved as CSV", l->layout->title);
    if (!mx_path_is_folder(folder))
        return mx_fail(l->scope, MEXPR_E_NOT_FOUND, "'%.200s' is not a folder", folder);
    return MEXPR_OK;
}

mexpr_status mexpr_manifest_load_layout(mexpr_context *context, const char *layout,
    const char *folder, const char *table, const mexpr_layout_options *options,
    mexpr_manifest **out)
{
    if (!out)
        return MEXPR_E_ARG;
    *out = NULL;
    if (!context)
        return MEXPR_E_ARG;
    loader l = {.scope = mx_context_scope(context), .folder = folder, .header = -1};
    l.options = (mexpr_layout_options)MEXPR_LAYOUT_OPTIONS_INIT;
    mexpr_status status =
        mx_options_copy(l.scope, options, sizeof l.options, &l.options, sizeof l.options);
    if (status != MEXPR_OK)
        return status;
    l.layout = layout ? mx_layout_find(layout) : NULL;
    status = check_request(&l, layout, folder, table);
    if (status != MEXPR_OK)
        return status;
    status = load_clips(&l, table);
    if (status == MEXPR_OK)
        status = mexpr_manifest_decode(context, l.writer.text, l.writer.size, NULL, out);
    if (status == MEXPR_OK && l.lines)
        mx_manifest_set_lines(*out, l.lines);
    mx_free(context, l.lines);
    mx_csv_writer_free(&l.writer);
    return status;
}
