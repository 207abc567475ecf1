/* SPDX-License-Identifier: MIT */
/* microexpr score spot: spotted movements against true ones. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "score_names.h"
#include "score_sheet.h"

typedef struct spot_request {
    const char *mode;
    cli_number iou;
    int json, csv;
} spot_request;

#define AT(member) offsetof(spot_request, member)

static const cli_option options[] = {
    {"iou", 0, CLI_NUMBER, AT(iou), "X", "least intersection over union of a pair (0.5)"},
    {"mode", 0, CLI_TEXT, AT(mode), "M",
        "strict (standard), or megc: as the challenges' program counts"},
    {"json", 0, CLI_FLAG, AT(json), NULL, "print JSON"},
    {"csv", 0, CLI_FLAG, AT(csv), NULL, "print CSV: measure, of, value"},
    {0},
};

static const score_column video = {SCORE_CLIP, NULL};
static const score_column person[] = {
    {"subject,person", NULL}, {"dataset,database", NULL}};
static const score_column label = {"label", NULL};

typedef struct spot_job {
    score_tables tables;
    score_names videos, persons, labels;
    mexpr_spot_interval *intervals; /* of the truth, then the spotted ones */
} spot_job;

static int read_interval(
    const csv_table *t, int row, const int *columns, mexpr_spot_interval *out)
{
    int code = csv_frame(t, row, columns[0], &out->onset);
    if (code == CLI_OK)
        code = csv_frame(t, row, columns[2], &out->offset);
    out->apex = -1;
    if (code == CLI_OK && !csv_is_unknown(t, row, columns[1]))
        code = csv_frame(t, row, columns[1], &out->apex);
    if (code == CLI_OK && out->offset < out->onset)
        code = csv_fail(t, row, columns[2], "is before the onset");
    return code;
}

static int read_intervals(spot_job *job, const csv_table *t, int from)
{
    int columns[3];
    int code = csv_need(t, "onset", &columns[0]);
    columns[1] = csv_find(t, "apex");
    if (code == CLI_OK)
        code = csv_need(t, "offset", &columns[2]);
    for (int row = 0; row < t->n_rows && code == CLI_OK; row++) {
        mexpr_spot_interval *i = &job->intervals[from + row];
        if (job->videos.numbers[from + row] < 0)
            return csv_fail(t, row, -1, "there is no clip in it");
        i->clip = job->videos.numbers[from + row];
        i->person = job->persons.numbers[from + row];
        i->person += i->person < 0; /* without persons all are one */
        i->label = job->labels.numbers[from + row];
        code = read_interval(t, row, columns, i);
    }
    return code;
}

static int read_job(spot_job *job, char **paths)
{
    int column;
    int code = score_read(&job->tables, paths);
    for (int k = 0; k < 2 && code == CLI_OK; k++)
        code = csv_need(k ? &job->tables.given : &job->tables.truth, SCORE_CLIP, &column);
    if (code == CLI_OK)
        code = score_number(&job->tables, &video, 1, SCORE_BOTH_OR_NONE, &job->videos);
    if (code == CLI_OK)
        code = score_number(&job->tables, person, 2, SCORE_BOTH_OR_NONE, &job->persons);
    if (code == CLI_OK)
        code = score_number(&job->tables, &label, 1, SCORE_BOTH_OR_NONE, &job->labels);
    if (code != CLI_OK)
        return code;
    const size_t n = (size_t)job->tables.truth.n_rows + (size_t)job->tables.given.n_rows;
    job->intervals = calloc(n + 1, sizeof *job->intervals);
    if (!job->intervals)
        return cli_fail("out of memory; close other programs and try again");
    code = read_intervals(job, &job->tables.truth, 0);
    return code == CLI_OK
               ? read_intervals(job, &job->tables.given, job->tables.truth.n_rows)
               : code;
}

static void fill(const spot_job *job, const mexpr_spotting_metrics *m, score_sheet *s)
{
    sheet_add(s, NULL, "true_intervals", job->tables.truth.n_rows);
    sheet_add(s, NULL, "spotted_intervals", job->tables.given.n_rows);
    sheet_add(s, NULL, "tp", (double)m->tp);
    sheet_add(s, NULL, "fp", (double)m->fp);
    sheet_add(s, NULL, "fn", (double)m->fn);
    sheet_add(s, NULL, "precision", m->precision);
    sheet_add(s, NULL, "recall", m->recall);
    sheet_add(s, NULL, "f1", m->f1);
    sheet_add(s, NULL, "n_apex", (double)m->n_apex);
    sheet_add(s, NULL, "apex_mae", m->apex_mae);
    sheet_add(s, NULL, "apex_mae_share", m->apex_mae_share);
    sheet_add(s, NULL, "apex_inside", m->apex_inside);
    if (job->labels.n == 0)
        return;
    sheet_add(s, NULL, "n_analysed", (double)m->n_analysed);
    sheet_add(s, NULL, "analysis_precision", m->analysis_precision);
    sheet_add(s, NULL, "analysis_recall", m->analysis_recall);
    sheet_add(s, NULL, "analysis_f1", m->analysis_f1);
    sheet_add(s, NULL, "analysis_uf1", m->analysis_uf1);
    sheet_add(s, NULL, "analysis_uar", m->analysis_uar);
    sheet_add(s, NULL, "strs", m->strs);
}

static int measure(const spot_job *job, const spot_request *r, int mode)
{
    mexpr_spotting_metrics m = MEXPR_SPOTTING_METRICS_INIT;
    mexpr_context *context = NULL;
    score_sheet sheet = {0};
    const int n = job->tables.truth.n_rows;
    int code = cli_context(0, &context);
    if (code != CLI_OK)
        return code;
    const mexpr_status status =
        mexpr_spotting_compute(context, job->intervals, n, job->intervals + n,
            job->tables.given.n_rows, r->iou.given ? r->iou.value : 0.5, mode, &m);
    if (status == MEXPR_OK) {
        fill(job, &m, &sheet);
        code = sheet_print(&sheet, r->json, r->csv);
    } else {
        code = cli_fail_status(status, mexpr_context_last_error(context), NULL);
    }
    sheet_free(&sheet);
    mexpr_context_destroy(&context);
    return code;
}

static int run(const void *opaque, char **arguments, int n)
{
    static const cli_word modes[] = {
        {"strict", MEXPR_STRS_STRICT}, {"megc", MEXPR_STRS_MEGC}, {0}};
    const spot_request *r = opaque;
    spot_job job = {0};
    int mode = MEXPR_STRS_STRICT;
    (void)n;
    int code = cli_choose("--mode", r->mode, modes, &mode);
    if (code == CLI_OK && r->json && r->csv)
        code = cli_usage("--json and --csv exclude each other");
    if (code == CLI_OK && r->iou.given && !(r->iou.value > 0 && r->iou.value <= 1))
        code = cli_usage("--iou is above 0 and at most 1");
    if (code == CLI_OK)
        code = read_job(&job, arguments);
    if (code == CLI_OK)
        code = measure(&job, r, mode);
    free(job.intervals);
    score_names_free(&job.videos);
    score_names_free(&job.persons);
    score_names_free(&job.labels);
    score_free(&job.tables);
    return code;
}

const cli_command cmd_score_spot = {
    .group = "score",
    .name = "spot",
    .arguments = "TRUTH.csv SPOTTED.csv",
    .summary = "Measures of spotted movements: F1, apex distance, STRS",
    .about =
        "Both tables have a row for each movement: clip, onset and offset (frames),\n"
        "if known apex and label, and subject where clips of two people have one\n"
        "name.",
    .options = options,
    .request_size = sizeof(spot_request),
    .min_arguments = 2,
    .max_arguments = 2,
    .run = run,
};
