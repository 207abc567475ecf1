/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "clip_io.h"
#include "cmd.h"
#include "json.h"
#include "labelled.h"

typedef struct evaluate_request {
    labelled_request data;
    const char *protocol;
    const char *report;
    int folds;
    int jobs;
    int epochs;
    cli_number seed;
} evaluate_request;

#define AT(member) offsetof(evaluate_request, member)

static const cli_option options[] = {
    LABELLED_OPTIONS(evaluate_request, data),
    {"protocol", 0, CLI_TEXT, AT(protocol), "P",
        "what is held out: loso (one person, standard), kfold (a share of\n"
        "                              the people) or dataset (one database)"},
    {"folds", 0, CLI_INT, AT(folds), "N", "kfold: folds (10)"},
    {"epochs", 0, CLI_INT, AT(epochs), "N", "networks: in place of the recipe's"},
    {"seed", 0, CLI_NUMBER, AT(seed), "N",
        "of the draw of people into folds, and of networks (0)"},
    {"jobs", 'j', CLI_INT, AT(jobs), "N", "folds at a time, 1 to 64 (1)"},
    {"report", 0, CLI_TEXT, AT(report), "F.json", "write all predictions and measures"},
    {0},
};

static const cli_word protocols[] = {
    {"loso", MEXPR_PROTOCOL_LOSO},
    {"kfold", MEXPR_PROTOCOL_KFOLD},
    {"dataset", MEXPR_PROTOCOL_DATASET},
    {0},
};

typedef struct evaluate_job {
    const evaluate_request *request;
    mexpr_context *context;
    labelled data;
    mexpr_evaluate_options options;
    mexpr_evaluation *evaluation;
    mexpr_metrics all, low, high;
    int64_t *confusion;
} evaluate_job;

/* --- work -------------------------------------------------------------------------- */

static mexpr_status fit(void *user, mexpr_context *context,
    const mexpr_tensor_view *inputs, const int32_t *labels, int32_t n_classes,
    uint64_t seed, mexpr_model **out)
{
    const evaluate_request *r = ((const evaluate_job *)user)->request;
    mexpr_train_options o = MEXPR_TRAIN_OPTIONS_INIT;
    o.epochs = r->epochs;
    o.seed = seed;
    return mexpr_train(
        context, r->data.system, inputs, labels, n_classes, &o, NULL, NULL, out);
}

static int measure(evaluate_job *job)
{
    const size_t n = (size_t)mexpr_manifest_n_classes(job->data.manifest);
    job->confusion = calloc(n * n, sizeof *job->confusion);
    if (!job->confusion)
        return cli_fail("out of memory");
    job->all = job->low = job->high = (mexpr_metrics)MEXPR_METRICS_INIT;
    mexpr_status status = mexpr_evaluation_metrics(
        job->context, job->evaluation, -1, job->confusion, &job->all);
    if (status == MEXPR_OK)
        status = mexpr_evaluation_interval(
            job->context, job->evaluation, &job->low, &job->high);
    return status == MEXPR_OK
               ? CLI_OK
               : cli_fail_status(status, mexpr_context_last_error(job->context), NULL);
}

static int evaluate(evaluate_job *job)
{
    const mexpr_status status = mexpr_evaluate(job->context, job->data.manifest,
        &job->data.inputs, fit, &job->options, clip_progress, job, &job->evaluation);
    clip_progress_end();
    return status == MEXPR_OK
               ? measure(job)
               : cli_fail_status(status, mexpr_context_last_error(job->context), NULL);
}

/* --- the report -------------------------------------------------------------------- */

static void json_metrics(const mexpr_metrics *m, text *out)
{
    json_key(out, "clips");
    json_integer(out, m->n);
    json_key(out, "uf1");
    json_number(out, m->uf1, 9);
    json_key(out, "uar");
    json_number(out, m->uar, 9);
    json_key(out, "accuracy");
    json_number(out, m->accuracy, 9);
    json_key(out, "weighted_f1");
    json_number(out, m->weighted_f1, 9);
    json_key(out, "absent_classes");
    json_integer(out, m->n_absent);
}

static void json_confusion(const int64_t *counts, int32_t n, text *out)
{
    json_open(out, '[');
    for (int32_t i = 0; i < n; i++) {
        json_open(out, '[');
        for (int32_t k = 0; k < n; k++)
            json_integer(out, counts[i * n + k]);
        json_close(out, ']');
    }
    json_close(out, ']');
}

static void json_interval(const evaluate_job *job, text *out)
{
    const struct {
        const char *name;
        double low, high;
    } rows[] = {{"uf1", job->low.uf1, job->high.uf1},
        {"uar", job->low.uar, job->high.uar},
        {"accuracy", job->low.accuracy, job->high.accuracy}};
    json_open(out, '{');
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        json_key(out, rows[k].name);
        json_open(out, '[');
        json_number(out, rows[k].low, 6);
        json_number(out, rows[k].high, 6);
        json_close(out, ']');
    }
    json_close(out, '}');
}

static int json_datasets(const evaluate_job *job, text *out)
{
    json_open(out, '{');
    for (int32_t k = 0; k < mexpr_manifest_n_datasets(job->data.manifest); k++) {
        mexpr_metrics m = MEXPR_METRICS_INIT;
        const mexpr_status status =
            mexpr_evaluation_metrics(job->context, job->evaluation, k, NULL, &m);
        if (status != MEXPR_OK)
            return cli_fail_status(status, mexpr_context_last_error(job->context), NULL);
        json_key(out, mexpr_manifest_dataset(job->data.manifest, k));
        json_open(out, '{');
        json_metrics(&m, out);
        json_close(out, '}');
    }
    json_close(out, '}');
    return CLI_OK;
}

static void json_prediction(const evaluate_job *job, int64_t clip, text *out)
{
    const float *scores = mexpr_evaluation_scores(job->evaluation, clip);
    mexpr_record record = MEXPR_RECORD_INIT;
    mexpr_manifest_clip(job->data.manifest, clip, &record);
    json_open(out, '{');
    json_key(out, "clip");
    json_string(out, record.clip);
    json_key(out, "label");
    json_integer(out, record.label);
    json_key(out, "predicted");
    json_integer(out, mexpr_evaluation_predicted(job->evaluation, clip));
    json_key(out, "scores");
    json_open(out, '[');
    for (int32_t k = 0; k < mexpr_manifest_n_classes(job->data.manifest); k++)
        json_number(out, (double)scores[k], 9);
    json_close(out, ']');
    json_close(out, '}');
}

/* What a fold is called: the person or the database; folds of several have numbers. */
static void json_fold_name(const evaluate_job *job, int32_t fold, text *out)
{
    if (job->options.protocol == MEXPR_PROTOCOL_KFOLD) {
        json_key(out, "fold");
        json_integer(out, fold);
    } else if (job->options.protocol == MEXPR_PROTOCOL_DATASET) {
        json_key(out, "dataset");
        json_string(out, mexpr_manifest_dataset(job->data.manifest, fold));
    } else {
        json_key(out, "subject");
        json_string(out, mexpr_manifest_person(job->data.manifest, fold));
    }
}

static void json_folds(const evaluate_job *job, text *out)
{
    const int64_t n = mexpr_manifest_n_clips(job->data.manifest);
    json_open(out, '[');
    for (int32_t fold = 0; fold < mexpr_evaluation_n_folds(job->evaluation); fold++) {
        json_open(out, '{');
        json_fold_name(job, fold, out);
        json_key(out, "predictions");
        json_open(out, '[');
        for (int64_t i = 0; i < n; i++)
            if (mexpr_evaluation_fold(job->evaluation, i) == fold)
                json_prediction(job, i, out);
        json_close(out, ']');
        json_close(out, '}');
    }
    json_close(out, ']');
}

static const char *protocol_name(const evaluate_job *job)
{
    const cli_word *word = protocols;
    while (word->value != job->options.protocol)
        word++;
    return word->word;
}

static int add_report(const evaluate_job *job, text *out)
{
    const mexpr_manifest *manifest = job->data.manifest;
    json_open(out, '{');
    json_key(out, "system");
    json_string(out, job->request->data.system);
    json_key(out, "protocol");
    json_string(out, protocol_name(job));
    json_key(out, "selection");
    json_string(out, "fixed");
    json_key(out, "seeds");
    json_open(out, '[');
    json_integer(out, (int64_t)job->options.seed);
    json_close(out, ']');
    json_metrics(&job->all, out);
    json_key(out, "interval_95");
    json_interval(job, out);
    json_key(out, "classes");
    json_open(out, '[');
    for (int32_t k = 0; k < mexpr_manifest_n_classes(manifest); k++)
        json_string(out, mexpr_manifest_class(manifest, k));
    json_close(out, ']');
    json_key(out, "confusion");
    json_confusion(job->confusion, mexpr_manifest_n_classes(manifest), out);
    json_key(out, "per_database");
    const int code = json_datasets(job, out);
    json_key(out, "manifest_sha256");
    json_string(out, mexpr_manifest_sha256(manifest));
    json_key(out, "library");
    json_string(out, mexpr_version_string());
    json_key(out, "folds");
    json_folds(job, out);
    json_close(out, '}');
    text_add(out, "\n");
    return code;
}

static int write_report(const evaluate_job *job)
{
    cli_outputs outputs = {0};
    text out = {0};
    if (!job->request->report)
        return CLI_OK;
    int code = add_report(job, &out);
    if (code == CLI_OK)
        code = cli_write(&outputs, job->request->report, &out);
    text_free(&out);
    return cli_outputs_finish(&outputs, code);
}

/* --- the summary ------------------------------------------------------------------- */

static int print_summary(const evaluate_job *job)
{
    const mexpr_manifest *manifest = job->data.manifest;
    const int32_t n = mexpr_manifest_n_classes(manifest);
    text out = {0};
    text_add(&out, "%s, %s, %d folds, selection fixed\n", job->request->data.system,
        protocol_name(job), mexpr_evaluation_n_folds(job->evaluation));
    text_add(&out, "UF1 %.4f [%.3f, %.3f]  UAR %.4f [%.3f, %.3f]  accuracy %.4f\n",
        job->all.uf1, job->low.uf1, job->high.uf1, job->all.uar, job->low.uar,
        job->high.uar, job->all.accuracy);
    for (int32_t k = 0; k < mexpr_manifest_n_datasets(manifest); k++) {
        mexpr_metrics m = MEXPR_METRICS_INIT;
        if (mexpr_evaluation_metrics(job->context, job->evaluation, k, NULL, &m) ==
            MEXPR_OK)
            text_add(&out, "  %-12s %4lld clips  UF1 %.4f  UAR %.4f\n",
                mexpr_manifest_dataset(manifest, k), (long long)m.n, m.uf1, m.uar);
    }
    text_add(&out, "confusion (rows: label, columns: prediction)\n");
    for (int32_t i = 0; i < n; i++) {
        text_add(&out, "  %-12s", mexpr_manifest_class(manifest, i));
        for (int32_t k = 0; k < n; k++)
            text_add(&out, " %5lld", (long long)job->confusion[i * n + k]);
        text_add(&out, "\n");
    }
    const int code = cli_print(&out);
    text_free(&out);
    return code;
}

static int steps(evaluate_job *job)
{
    const evaluate_request *r = job->request;
    int protocol = MEXPR_PROTOCOL_LOSO;
    int code = labelled_check(&r->data);
    if (code == CLI_OK)
        code = cli_choose("--protocol", r->protocol, protocols, &protocol);
    if (code == CLI_OK && !(r->seed.value >= 0 && r->seed.value <= 9007199254740992.0 &&
                              r->seed.value == (double)(uint64_t)r->seed.value))
        code = cli_usage("--seed is a whole number from 0 to 2^53");
    if (code == CLI_OK)
        code = cli_context(r->jobs, &job->context);
    if (code == CLI_OK)
        code = labelled_read(&r->data, job->context, &job->data);
    job->options.protocol = protocol;
    job->options.n_folds = r->folds;
    job->options.seed = (uint64_t)r->seed.value;
    if (code == CLI_OK)
        code = evaluate(job);
    if (code == CLI_OK)
        code = write_report(job);
    return code == CLI_OK ? print_summary(job) : code;
}

static int run(const void *request, char **arguments, int n)
{
    (void)arguments;
    (void)n;
    evaluate_job job = {.request = request, .options = MEXPR_EVALUATE_OPTIONS_INIT};
    const int code = steps(&job);
    free(job.confusion);
    mexpr_evaluation_destroy(&job.evaluation);
    labelled_free(&job.data);
    mexpr_context_destroy(&job.context);
    return code;
}

const cli_command cmd_evaluate = {
    .name = "evaluate",
    .arguments = "",
    .summary = "How well training does on people it has not seen",
    .about =
        "Each person (or share of the people, or database) is held out in turn; a\n"
        "system trained on the others predicts their clips, once. Nothing is chosen\n"
        "by the result. Intervals are of 95 %, people drawn with replacement.",
    .options = options,
    .request_size = sizeof(evaluate_request),
    .run = run,
};
