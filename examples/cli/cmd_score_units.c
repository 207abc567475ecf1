/* SPDX-License-Identifier: MIT */
/* microexpr score units: detected action units against true ones. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cmd.h"
#include "score_names.h"
#include "score_sheet.h"

enum { MOST_UNITS = 1000, MOST_ENTRIES = 64 };

typedef struct units_request {
    cli_number threshold;
    int json, csv;
} units_request;

#define AT(member) offsetof(units_request, member)

static const cli_option options[] = {
    {"threshold", 0, CLI_NUMBER, AT(threshold), "X",
        "a unit is found when its score is not below it (0.5)"},
    {"json", 0, CLI_FLAG, AT(json), NULL, "print JSON"},
    {"csv", 0, CLI_FLAG, AT(csv), NULL, "print CSV: measure, of, value"},
    {0},
};

/* A unit: its column in both tables; in the truth -1 where lists say what is there. */
typedef struct unit {
    int truth, given;
    int number; /* of "AU12", 0: none */
} unit;

typedef struct units_job {
    mexpr_context *context;
    score_tables tables;
    score_names clips;
    int *rows; /* of the scores, by rows of the truth */
    unit units[MOST_UNITS];
    int n_units;
    int lists; /* column of the truth, or -1 */
    int8_t *marks;
    float *scores;
    double *f1;
    mexpr_unit_counts *counts;
} units_job;

/* --- units ------------------------------------------------------------------------- */

/* 12 of "AU12", "au 12" and "12"; 0 otherwise. */
static int number_of(const char *name)
{
    if (strncasecmp(name, "au", 2) == 0)
        name += 2;
    name += strspn(name, " _");
    const size_t n = strspn(name, "0123456789");
    return n > 0 && n < 3 && !name[n] ? atoi(name) : 0;
}

/* A column of scores is one that the truth has too, by its name or its number; with
 * lists, one with a number. */
static unit unit_of(const units_job *job, int column)
{
    const csv_table *truth = &job->tables.truth, *given = &job->tables.given;
    const char *name = csv_name(given, column);
    unit u = {csv_find(truth, name), column, number_of(name)};
    for (int k = 0; k < truth->n_columns && u.truth < 0 && u.number > 0; k++)
        if (number_of(csv_name(truth, k)) == u.number)
            u.truth = k;
    return u;
}

static int is_key(const char *name)
{
    static const char *const keys[] = {"clip", "file", "path", "subject", "person",
        "dataset", "database", "frame", "fold"};
    for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++)
        if (strcasecmp(keys[k], name) == 0)
            return 1;
    return 0;
}

static int find_units(units_job *job)
{
    const csv_table *truth = &job->tables.truth, *given = &job->tables.given;
    job->lists = csv_find(truth, "au_raw,aus,action units,au");
    for (int k = 0; k < given->n_columns; k++) {
        const unit u = unit_of(job, k);
        if (is_key(csv_name(given, k)))
            continue;
        if (u.truth < 0 && (job->lists < 0 || u.number == 0))
            return cli_fail(
                "'%s' has a column '%s' of which '%s' knows nothing; leave it "
                "out",
                given->path, csv_name(given, k), truth->path);
        if (job->n_units == MOST_UNITS)
            return cli_fail("'%s' has more than %d units", given->path, MOST_UNITS);
        job->units[job->n_units++] = u;
    }
    return job->n_units > 0
               ? CLI_OK
               : cli_fail("'%s' has no column of scores, such as AU12", given->path);
}

/* --- marks and scores -------------------------------------------------------------- */

/* 1, 0, or nothing where it is not known. */
static int read_mark(const csv_table *t, int row, int column, int8_t *out)
{
    const char *cell = csv_cell(t, row, column);
    *out = -1;
    if (csv_is_unknown(t, row, column) || strcmp(cell, "-1") == 0)
        return CLI_OK;
    if (cell[0] < '0' || cell[0] > '1' || cell[1])
        return csv_fail(t, row, column, "is not 1 (there), 0 (not) or empty (not known)");
    *out = (int8_t)(cell[0] - '0');
    return CLI_OK;
}

/* What a list such as "4+R12" says of all units: doubtful ones and choices are not known.
 */
static int read_list(const units_job *job, int row, int8_t *marks)
{
    const csv_table *t = &job->tables.truth;
    mexpr_action_unit entries[MOST_ENTRIES];
    size_t n = 0;
    const mexpr_status status = mexpr_action_units_parse(
        job->context, csv_cell(t, row, job->lists), entries, MOST_ENTRIES, &n);
    if (status != MEXPR_OK)
        return cli_fail("'%s', line %d, column '%s': %s", t->path, t->lines[row + 1],
            csv_name(t, job->lists), mexpr_context_last_error(job->context));
    for (int k = 0; k < job->n_units; k++) {
        const unit *u = &job->units[k];
        if (u->truth >= 0)
            continue;
        marks[k] = 0;
        for (size_t i = 0; i < n; i++)
            if (entries[i].code == MEXPR_AU_CODE_UNIT && entries[i].number == u->number &&
                marks[k] != 1)
                marks[k] = entries[i].doubtful || entries[i].choice ? -1 : 1;
    }
    return CLI_OK;
}

static int read_row(units_job *job, int row)
{
    const csv_table *truth = &job->tables.truth, *given = &job->tables.given;
    const size_t at = (size_t)row * (size_t)job->n_units;
    int code = CLI_OK;
    for (int k = 0; k < job->n_units && code == CLI_OK; k++) {
        double score = 0;
        const unit *u = &job->units[k];
        if (u->truth >= 0)
            code = read_mark(truth, row, u->truth, &job->marks[at + (size_t)k]);
        if (code == CLI_OK)
            code = csv_number(given, job->rows[row], u->given, &score);
        job->scores[at + (size_t)k] = (float)score;
    }
    return code == CLI_OK && job->lists >= 0 ? read_list(job, row, job->marks + at)
                                             : code;
}

static int read_job(units_job *job, char **paths)
{
    int code = score_read(&job->tables, paths);
    if (code == CLI_OK)
        code = score_match(&job->tables, &job->clips, &job->rows);
    if (code == CLI_OK)
        code = find_units(job);
    if (code != CLI_OK)
        return code;
    const size_t rows = (size_t)job->tables.truth.n_rows, n = (size_t)job->n_units;
    job->marks = calloc(rows * n + 1, sizeof *job->marks);
    job->scores = calloc(rows * n + 1, sizeof *job->scores);
    job->f1 = calloc(n, sizeof *job->f1);
    job->counts = calloc(n, sizeof *job->counts);
    if (!job->marks || !job->scores || !job->f1 || !job->counts)
        return cli_fail("out of memory; close other programs and try again");
    for (int row = 0; row < job->tables.truth.n_rows && code == CLI_OK; row++)
        code = read_row(job, row);
    return code;
}

/* --- measures ---------------------------------------------------------------------- */

static void fill(const units_job *job, const mexpr_unit_metrics *m, score_sheet *s)
{
    sheet_add(s, NULL, "clips", (double)m->n);
    sheet_add(s, NULL, "units", m->n_units);
    sheet_add(s, NULL, "absent_units", m->n_absent);
    sheet_add(s, NULL, "mean_f1", m->mean_f1);
    sheet_add(s, NULL, "mean_f1_all", m->mean_f1_all);
    sheet_add(s, NULL, "micro_f1", m->micro_f1);
    sheet_add(s, NULL, "accuracy", m->accuracy);
    sheet_add(s, NULL, "exact", m->exact);
    s->parts = "per_unit";
    for (int k = 0; k < job->n_units; k++) {
        const char *name = csv_name(&job->tables.given, job->units[k].given);
        const mexpr_unit_counts *c = &job->counts[k];
        sheet_add(s, name, "f1", job->f1[k]);
        sheet_add(s, name, "tp", (double)c->tp);
        sheet_add(s, name, "fp", (double)c->fp);
        sheet_add(s, name, "fn", (double)c->fn);
        sheet_add(s, name, "tn", (double)c->tn);
    }
}

static int measure(units_job *job, const units_request *r)
{
    mexpr_unit_metrics m = MEXPR_UNIT_METRICS_INIT;
    score_sheet sheet = {0};
    const mexpr_status status = mexpr_units_compute(job->context, job->marks, job->scores,
        job->tables.truth.n_rows, job->n_units,
        r->threshold.given ? r->threshold.value : 0.5, job->f1, job->counts, &m);
    if (status != MEXPR_OK)
        return cli_fail_status(status, mexpr_context_last_error(job->context), NULL);
    fill(job, &m, &sheet);
    const int code = sheet_print(&sheet, r->json, r->csv);
    sheet_free(&sheet);
    return code;
}

static int run(const void *opaque, char **arguments, int n)
{
    const units_request *r = opaque;
    units_job *job = calloc(1, sizeof *job);
    (void)n;
    if (!job)
        return cli_fail("out of memory; close other programs and try again");
    int code =
        r->json && r->csv ? cli_usage("--json and --csv exclude each other") : CLI_OK;
    if (code == CLI_OK)
        code = cli_context(0, &job->context);
    if (code == CLI_OK)
        code = read_job(job, arguments);
    if (code == CLI_OK)
        code = measure(job, r);
    free(job->counts);
    free(job->f1);
    free(job->scores);
    free(job->marks);
    free(job->rows);
    score_names_free(&job->clips);
    score_free(&job->tables);
    mexpr_context_destroy(&job->context);
    free(job);
    return code;
}

const cli_command cmd_score_units = {
    .group = "score",
    .name = "units",
    .arguments = "TRUTH.csv SCORES.csv",
    .summary = "Measures of detected action units: F1 of each, their mean",
    .about =
        "Both tables have a row for each clip, in any order: clip, and where names\n"
        "repeat subject and dataset. SCORES has a column for each unit (AU12). TRUTH\n"
        "has the same with 1, 0 or nothing where it is not known, or a list such as\n"
        "4+R12 in a column au_raw, in which what is doubtful or a choice is not known.",
    .options = options,
    .request_size = sizeof(units_request),
    .min_arguments = 2,
    .max_arguments = 2,
    .run = run,
};
