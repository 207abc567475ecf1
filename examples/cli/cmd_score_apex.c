/* SPDX-License-Identifier: MIT */
/* microexpr score apex: spotted apexes of clips of one movement each. */
#include <stdlib.h>

#include "cmd.h"
#include "score_names.h"
#include "score_sheet.h"

typedef struct apex_request {
    int json, csv;
} apex_request;

static const cli_option options[] = {
    {"json", 0, CLI_FLAG, offsetof(apex_request, json), NULL, "print JSON"},
    {"csv", 0, CLI_FLAG, offsetof(apex_request, csv), NULL,
        "print CSV: measure, of, value"},
    {0},
};

typedef struct apex_job {
    score_tables tables;
    score_names clips;
    int *rows; /* of the spotted apexes, by rows of the truth */
    mexpr_spot_interval *truth;
    int64_t *spotted;
} apex_job;

static int read_row(apex_job *job, int row, const int *columns)
{
    const csv_table *truth = &job->tables.truth, *given = &job->tables.given;
    mexpr_spot_interval *t = &job->truth[row];
    int code = csv_frame(truth, row, columns[0], &t->onset);
    if (code == CLI_OK)
        code = csv_frame(truth, row, columns[1], &t->apex);
    if (code == CLI_OK)
        code = csv_frame(truth, row, columns[2], &t->offset);
    if (code == CLI_OK && t->offset < t->onset)
        code = csv_fail(truth, row, columns[2], "is before the onset");
    job->spotted[row] = -1;
    if (code == CLI_OK && !csv_is_unknown(given, job->rows[row], columns[3]))
        code = csv_frame(given, job->rows[row], columns[3], &job->spotted[row]);
    return code;
}

static int read_job(apex_job *job, char **paths)
{
    static const char *const names[] = {"onset", "apex", "offset", "apex"};
    int columns[4];
    int code = score_read(&job->tables, paths);
    if (code == CLI_OK)
        code = score_match(&job->tables, &job->clips, &job->rows);
    for (int k = 0; k < 4 && code == CLI_OK; k++)
        code = csv_need(
            k < 3 ? &job->tables.truth : &job->tables.given, names[k], &columns[k]);
    if (code != CLI_OK)
        return code;
    const size_t n = (size_t)job->tables.truth.n_rows;
    job->truth = calloc(n + 1, sizeof *job->truth);
    job->spotted = calloc(n + 1, sizeof *job->spotted);
    if (!job->truth || !job->spotted)
        return cli_fail("out of memory; close other programs and try again");
    for (int row = 0; row < job->tables.truth.n_rows && code == CLI_OK; row++)
        code = read_row(job, row, columns);
    return code;
}

static int measure(const apex_job *job, const apex_request *r)
{
    mexpr_apex_metrics m = MEXPR_APEX_METRICS_INIT;
    mexpr_context *context = NULL;
    score_sheet s = {0};
    int code = cli_context(0, &context);
    if (code != CLI_OK)
        return code;
    const mexpr_status status = mexpr_apex_compute(
        context, job->truth, job->spotted, job->tables.truth.n_rows, &m);
    if (status == MEXPR_OK) {
        sheet_add(&s, NULL, "clips", (double)m.n);
        sheet_add(&s, NULL, "spotted", (double)m.n_found);
        sheet_add(&s, NULL, "mae", m.mae);
        sheet_add(&s, NULL, "mae_share", m.mae_share);
        sheet_add(&s, NULL, "deviation", m.deviation);
        sheet_add(&s, NULL, "inside", m.inside);
        code = sheet_print(&s, r->json, r->csv);
    } else {
        code = cli_fail_status(status, mexpr_context_last_error(context), NULL);
    }
    sheet_free(&s);
    mexpr_context_destroy(&context);
    return code;
}

static int run(const void *opaque, char **arguments, int n)
{
    const apex_request *r = opaque;
    apex_job job = {0};
    (void)n;
    int code =
        r->json && r->csv ? cli_usage("--json and --csv exclude each other") : CLI_OK;
    if (code == CLI_OK)
        code = read_job(&job, arguments);
    if (code == CLI_OK)
        code = measure(&job, r);
    free(job.spotted);
    free(job.truth);
    free(job.rows);
    score_names_free(&job.clips);
    score_free(&job.tables);
    return code;
}

const cli_command cmd_score_apex = {
    .group = "score",
    .name = "apex",
    .arguments = "TRUTH.csv SPOTTED.csv",
    .summary = "Measures of spotted apexes, one in each clip: their distance",
    .about =
        "Both tables have a row for each clip, in any order: clip, and where names\n"
        "repeat subject and dataset. TRUTH has onset, apex and offset, SPOTTED apex\n"
        "or nothing.",
    .options = options,
    .request_size = sizeof(apex_request),
    .min_arguments = 2,
    .max_arguments = 2,
    .run = run,
};
