/* SPDX-License-Identifier: MIT */
/* microexpr score classes: predicted classes against true ones. */
#include <stdlib.h>

#include "cmd.h"
#include "score_names.h"
#include "score_sheet.h"

typedef struct classes_request {
    const char *label;
    int json, csv;
} classes_request;

static const cli_option options[] = {
    {"label", 0, CLI_TEXT, offsetof(classes_request, label), "COLUMN",
        "TRUTH's column of classes (label)"},
    {"json", 0, CLI_FLAG, offsetof(classes_request, json), NULL, "print JSON"},
    {"csv", 0, CLI_FLAG, offsetof(classes_request, csv), NULL,
        "print CSV: measure, of, value"},
    {0},
};

typedef struct classes_job {
    score_tables tables;
    score_names clips, persons, classes;
    int *rows; /* of the predictions, by rows of the truth */
    int32_t n; /* clips */
    int32_t *labels, *predicted;
    int64_t *confusion;
    mexpr_metrics all, low, high;
} classes_job;

/* --- reading ----------------------------------------------------------------------- */

static int read_classes(classes_job *job, const classes_request *r)
{
    const csv_table *truth = &job->tables.truth, *given = &job->tables.given;
    const score_column class = {
        r->label ? r->label : "label", "predicted,prediction,label"};
    int column[2];
    int code = csv_need(truth, class.truth, &column[0]);
    if (code == CLI_OK)
        code = csv_need(given, class.given, &column[1]);
    if (code == CLI_OK)
        code = score_number(&job->tables, &class, 1, SCORE_BOTH_OR_NONE, &job->classes);
    for (int which = 0; which < 2; which++) {
        const csv_table *t = which ? given : truth;
        for (int row = 0; row < t->n_rows && code == CLI_OK; row++)
            if (csv_is_unknown(t, row, column[which]))
                code = csv_fail(t, row, -1, "there is no class in it");
    }
    return code;
}

/* Who it is decides what is drawn for the intervals. */
static int read_persons(classes_job *job)
{
    static const score_column person = {"person", NULL};
    static const score_column subject[] = {{"subject", NULL}, {"dataset,database", NULL}};
    const int known = csv_find(&job->tables.truth, "person") >= 0;
    return score_number(&job->tables, known ? &person : subject, known ? 1 : 2,
        SCORE_TRUTH, &job->persons);
}

static int read_job(classes_job *job, const classes_request *r, char **paths)
{
    const csv_table *truth = &job->tables.truth;
    int code = score_read(&job->tables, paths);
    if (code == CLI_OK)
        code = score_match(&job->tables, &job->clips, &job->rows);
    if (code == CLI_OK)
        code = read_classes(job, r);
    if (code == CLI_OK)
        code = read_persons(job);
    if (code != CLI_OK)
        return code;
    job->n = truth->n_rows;
    job->labels = calloc((size_t)job->n + 1, 2 * sizeof *job->labels);
    if (!job->labels)
        return cli_fail("out of memory; close other programs and try again");
    job->predicted = job->labels + job->n;
    for (int32_t k = 0; k < job->n; k++) {
        job->labels[k] = job->classes.numbers[k];
        job->predicted[k] = job->classes.numbers[job->n + job->rows[k]];
    }
    return job->n > 0 ? CLI_OK : cli_fail("'%s' has no clips", truth->path);
}

/* --- measures ---------------------------------------------------------------------- */

/* Whether it is known whose clip each is. */
static int has_persons(const classes_job *job)
{
    for (int32_t k = 0; k < job->n; k++)
        if (job->persons.numbers[k] < 0)
            return 0;
    return 1;
}

static mexpr_status compute(mexpr_context *context, classes_job *job)
{
    const int32_t n_classes = job->classes.n;
    job->all = job->low = job->high = (mexpr_metrics)MEXPR_METRICS_INIT;
    const mexpr_status status = mexpr_metrics_compute(context, job->labels,
        job->predicted, job->n, n_classes, job->confusion, &job->all);
    if (status != MEXPR_OK || !has_persons(job))
        return status;
    return mexpr_metrics_interval(context, job->labels, job->predicted,
        job->persons.numbers, job->n, n_classes, 0, 0, 0, &job->low, &job->high);
}

static void fill_classes(mexpr_context *context, const classes_job *job, score_sheet *s)
{
    s->parts = "per_class";
    s->confusion = job->confusion;
    s->n_classes = job->classes.n;
    for (int32_t k = 0; k < job->classes.n; k++) {
        const char *name = job->classes.unique[k];
        mexpr_class_metrics m = MEXPR_CLASS_METRICS_INIT;
        mexpr_metrics_class(context, job->confusion, job->classes.n, k, &m);
        sheet_add(s, name, "support", (double)m.support);
        sheet_add(s, name, "predicted", (double)m.taken);
        sheet_add(s, name, "precision", m.precision);
        sheet_add(s, name, "recall", m.recall);
        sheet_add(s, name, "f1", m.f1);
    }
}

static void fill(mexpr_context *context, const classes_job *job, score_sheet *s)
{
    sheet_add(s, NULL, "clips", (double)job->all.n);
    sheet_add(s, NULL, "uf1", job->all.uf1);
    sheet_add(s, NULL, "uar", job->all.uar);
    sheet_add(s, NULL, "accuracy", job->all.accuracy);
    sheet_add(s, NULL, "weighted_f1", job->all.weighted_f1);
    if (has_persons(job)) {
        sheet_add(s, NULL, "persons", job->persons.n);
        sheet_add(s, NULL, "uf1_low", job->low.uf1);
        sheet_add(s, NULL, "uf1_high", job->high.uf1);
        sheet_add(s, NULL, "uar_low", job->low.uar);
        sheet_add(s, NULL, "uar_high", job->high.uar);
    }
    fill_classes(context, job, s);
}

static int measure(classes_job *job, const classes_request *r)
{
    const size_t n = (size_t)job->classes.n;
    mexpr_context *context = NULL;
    score_sheet sheet = {0};
    int code = cli_context(0, &context);
    if (code != CLI_OK)
        return code;
    job->confusion = calloc(n * n + 1, sizeof *job->confusion);
    const mexpr_status status = job->confusion ? compute(context, job) : MEXPR_E_NOMEM;
    if (status == MEXPR_OK) {
        fill(context, job, &sheet);
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
    const classes_request *r = opaque;
    classes_job job = {0};
    (void)n;
    int code =
        r->json && r->csv ? cli_usage("--json and --csv exclude each other") : CLI_OK;
    if (code == CLI_OK)
        code = read_job(&job, r, arguments);
    if (code == CLI_OK)
        code = measure(&job, r);
    free(job.confusion);
    free(job.labels);
    free(job.rows);
    score_names_free(&job.clips);
    score_names_free(&job.persons);
    score_names_free(&job.classes);
    score_free(&job.tables);
    return code;
}

const cli_command cmd_score_classes = {
    .group = "score",
    .name = "classes",
    .arguments = "TRUTH.csv PREDICTED.csv",
    .summary = "Measures of predicted classes: UF1, UAR, confusion",
    .about = "Both tables have a row for each clip, in any order: clip, and where names\n"
             "repeat subject and dataset. TRUTH has its class as label, PREDICTED as\n"
             "predicted or label. Where TRUTH says whose clips they are there are 95 %\n"
             "intervals, people drawn with replacement.",
    .options = options,
    .request_size = sizeof(classes_request),
    .min_arguments = 2,
    .max_arguments = 2,
    .run = run,
};
