/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clip_io.h"
#include "cmd.h"
#include "evaluate_job.h"

#define AT(member) offsetof(evaluate_request, member)

static const cli_option options[] = {
    LABELLED_OPTIONS(evaluate_request, data),
    {"protocol", 0, CLI_TEXT, AT(protocol), "P",
        "what is held out: loso (one person, standard), kfold (a share of\n"
        "                              the people), dataset (each database in turn) or\n"
        "                              holdout (a database, once)"},
    {"folds", 0, CLI_INT, AT(folds), "N", "kfold: folds (10)"},
    {"train-database", 0, CLI_TEXT, AT(train_database), "A,B",
        "holdout: what is trained on (all that is not tested on)"},
    {"test-database", 0, CLI_TEXT, AT(test_database), "A,B",
        "holdout: what is tested on"},
    {"selection", 0, CLI_TEXT, AT(selection), "S",
        "of several systems, --system A,B,C: inner-subject takes one in each\n"
        "                              fold, by inner folds of its training clips"},
    {"fusion", 0, CLI_TEXT, AT(fusion), "RULE",
        "of several systems: mean, product or max of all; weighted or\n"
        "                              learned, with weights from inner folds"},
    {"inner-folds", 0, CLI_INT, AT(inner_folds), "N", "inner folds, by person (5)"},
    {"seed", 0, CLI_NUMBER, AT(seed), "N",
        "of the draws of people into folds, and of training (0)"},
    {"seeds", 0, CLI_INT, AT(seeds), "K",
        "train with K seeds: N, N + 1, ...; their mean is reported too (1)"},
    {"epochs", 0, CLI_INT, AT(epochs), "N", "networks: in place of the recipe's"},
    {"normalisation", 0, CLI_TEXT, AT(normalisation), "N",
        "networks: picture or flow, in place of the recipe's"},
    {"jobs", 'j', CLI_INT, AT(jobs), "N", "folds at a time, 1 to 64 (1)"},
    {"report", 0, CLI_TEXT, AT(report), "F.json", "write all predictions and measures"},
    {"csv", 0, CLI_TEXT, AT(csv), "F.csv", "write the predictions"},
    {"html", 0, CLI_TEXT, AT(html), "F.html", "write one page with everything"},
    {"pictures", 0, CLI_FLAG, AT(pictures), NULL,
        "put pictures of clips on the page, and of where networks looked:\n"
        "                              only where the licence of the data allows it"},
    {0},
};

static const cli_word protocols[] = {
    {"loso", MEXPR_PROTOCOL_LOSO},
    {"kfold", MEXPR_PROTOCOL_KFOLD},
    {"dataset", MEXPR_PROTOCOL_DATASET},
    {"holdout", MEXPR_PROTOCOL_HOLDOUT},
    {0},
};

static const cli_word selections[] = {
    {"inner-subject", MEXPR_JOINING_SELECT},
    {0},
};

/* --- names ------------------------------------------------------------------------- */

static const char *word_of(const cli_word *words, int value)
{
    while (words->word && words->value != value)
        words++;
    return words->word;
}

const char *evaluate_protocol_name(const evaluate_job *job)
{
    return word_of(protocols, job->options.protocol);
}

int evaluate_decides(const evaluate_job *job)
{
    return systems_decide(&job->systems, job->options.joining);
}

const char *evaluate_selection_name(const evaluate_job *job)
{
    return evaluate_decides(job) ? "inner-subject" : "fixed";
}

const char *evaluate_fusion_name(const evaluate_job *job)
{
    return job->systems.n > 1 ? systems_fusion_name(job->options.joining) : NULL;
}

const char *evaluate_fold_name(
    const evaluate_job *job, int32_t fold, char *number, size_t size)
{
    switch (job->options.protocol) {
    case MEXPR_PROTOCOL_LOSO:
        return mexpr_manifest_person(job->data.manifest, fold);
    case MEXPR_PROTOCOL_DATASET:
        return mexpr_manifest_dataset(job->data.manifest, fold);
    case MEXPR_PROTOCOL_HOLDOUT:
        return job->request->test_database;
    default:
        snprintf(number, size, "%d", (int)fold);
        return number;
    }
}

const char *evaluate_fold_key(const evaluate_job *job)
{
    switch (job->options.protocol) {
    case MEXPR_PROTOCOL_LOSO:
        return "subject";
    case MEXPR_PROTOCOL_KFOLD:
        return "fold";
    default:
        return "dataset";
    }
}

/* --- work -------------------------------------------------------------------------- */

static int failed(const evaluate_job *job, mexpr_status status)
{
    return cli_fail_status(status, mexpr_context_last_error(job->context), NULL);
}

static int measure_slice(evaluate_job *job, int32_t dataset, evaluate_slice *slice)
{
    const size_t n = (size_t)job->n_classes;
    slice->confusion = calloc(n * n, sizeof *slice->confusion);
    if (!slice->confusion)
        return cli_fail("out of memory");
    slice->metrics = (mexpr_metrics)MEXPR_METRICS_INIT;
    const mexpr_status status = mexpr_evaluation_metrics(
        job->context, job->evaluation, dataset, slice->confusion, &slice->metrics);
    return status == MEXPR_OK ? CLI_OK : failed(job, status);
}

static void add_seed(mexpr_metrics *sum, const mexpr_metrics *m,
    const mexpr_metrics *from, double scale, int power)
{
    sum->uf1 += scale * pow(m->uf1 - from->uf1, power);
    sum->uar += scale * pow(m->uar - from->uar, power);
    sum->accuracy += scale * pow(m->accuracy - from->accuracy, power);
    sum->weighted_f1 += scale * pow(m->weighted_f1 - from->weighted_f1, power);
}

static int measure_seeds(evaluate_job *job)
{
    const mexpr_metrics zero = MEXPR_METRICS_INIT;
    const double n = job->n_seeds;
    job->seeds = calloc((size_t)job->n_seeds, sizeof *job->seeds);
    if (!job->seeds)
        return cli_fail("out of memory");
    job->mean = job->deviation = zero;
    for (int32_t k = 0; k < job->n_seeds; k++) {
        job->seeds[k] = zero;
        const mexpr_status status = mexpr_evaluation_seed_metrics(
            job->context, job->evaluation, k, &job->seeds[k]);
        if (status != MEXPR_OK)
            return failed(job, status);
        add_seed(&job->mean, &job->seeds[k], &zero, 1 / n, 1);
    }
    mexpr_metrics *d = &job->deviation;
    for (int32_t k = 0; k < job->n_seeds && job->n_seeds > 1; k++)
        add_seed(d, &job->seeds[k], &job->mean, 1 / (n - 1), 2);
    d->uf1 = sqrt(d->uf1);
    d->uar = sqrt(d->uar);
    d->accuracy = sqrt(d->accuracy);
    d->weighted_f1 = sqrt(d->weighted_f1);
    return CLI_OK;
}

static int measure(evaluate_job *job)
{
    job->n_classes = mexpr_manifest_n_classes(job->data.manifest);
    job->n_datasets = mexpr_manifest_n_datasets(job->data.manifest);
    job->n_seeds = mexpr_evaluation_n_seeds(job->evaluation);
    job->low = job->high = (mexpr_metrics)MEXPR_METRICS_INIT;
    job->datasets = calloc((size_t)job->n_datasets, sizeof *job->datasets);
    if (!job->datasets)
        return cli_fail("out of memory");
    int code = measure_slice(job, -1, &job->all);
    for (int32_t k = 0; k < job->n_datasets && code == CLI_OK; k++)
        code = measure_slice(job, k, &job->datasets[k]);
    if (code == CLI_OK)
        code = measure_seeds(job);
    if (code != CLI_OK)
        return code;
    const mexpr_status status =
        mexpr_evaluation_interval(job->context, job->evaluation, &job->low, &job->high);
    return status == MEXPR_OK ? CLI_OK : failed(job, status);
}

mexpr_class_metrics evaluate_class(
    const evaluate_job *job, const evaluate_slice *slice, int32_t k)
{
    mexpr_class_metrics m = MEXPR_CLASS_METRICS_INIT;
    mexpr_metrics_class(job->context, slice->confusion, job->n_classes, k, &m);
    return m;
}

static int evaluate(evaluate_job *job)
{
    const mexpr_status status = mexpr_evaluate_candidates(job->context,
        job->data.manifest, &job->data.inputs, job->systems.list, job->systems.n,
        &job->options, clip_progress, job, &job->evaluation);
    clip_progress_end();
    return status == MEXPR_OK ? measure(job) : failed(job, status);
}

/* --- reports ----------------------------------------------------------------------- */

static int write_reports(const evaluate_job *job)
{
    const evaluate_request *r = job->request;
    cli_outputs outputs = {0};
    text json = {0}, csv = {0}, html = {0};
    int code = CLI_OK;
    if (r->report) {
        evaluate_json(job, &json);
        code = cli_write(&outputs, r->report, &json);
    }
    if (code == CLI_OK && r->csv) {
        evaluate_csv(job, &csv);
        code = cli_write(&outputs, r->csv, &csv);
    }
    if (code == CLI_OK && r->html) {
        code = evaluate_html(job, &html);
        if (code == CLI_OK)
            code = cli_write(&outputs, r->html, &html);
    }
    text_free(&html);
    text_free(&csv);
    text_free(&json);
    return cli_outputs_finish(&outputs, code);
}

/* --- the summary ------------------------------------------------------------------- */

static void print_seeds(const evaluate_job *job, text *out)
{
    if (job->n_seeds < 2)
        return;
    text_add(out, "over %d seeds: UF1 %.4f +- %.4f  UAR %.4f +- %.4f; their mean:\n",
        (int)job->n_seeds, job->mean.uf1, job->deviation.uf1, job->mean.uar,
        job->deviation.uar);
}

/* How often each system was taken, or its mean weight. */
static void print_choices(const evaluate_job *job, text *out)
{
    const int32_t n = mexpr_evaluation_n_folds(job->evaluation);
    for (int32_t k = 0; k < job->systems.n && job->systems.n > 1; k++) {
        double sum = 0;
        int taken = 0;
        for (int32_t i = 0; i < n * job->n_seeds; i++) {
            sum += mexpr_evaluation_weight(job->evaluation, i / n, i % n, k);
            taken += mexpr_evaluation_chosen(job->evaluation, i / n, i % n) == k;
        }
        if (job->options.joining == MEXPR_JOINING_SELECT)
            text_add(out, "  %-24s chosen in %d of %d folds\n", job->systems.list[k].name,
                taken, (int)(n * job->n_seeds));
        else
            text_add(out, "  %-24s mean weight %.3f\n", job->systems.list[k].name,
                sum / (n * job->n_seeds));
    }
}

static void print_classes(const evaluate_job *job, text *out)
{
    const int32_t n = job->n_classes;
    text_add(
        out, "confusion (rows: label, columns: prediction), recall, precision, F1\n");
    for (int32_t i = 0; i < n; i++) {
        const mexpr_class_metrics m = evaluate_class(job, &job->all, i);
        text_add(out, "  ");
        text_add_plain(out, mexpr_manifest_class(job->data.manifest, i), 12);
        for (int32_t k = 0; k < n; k++)
            text_add(out, " %5lld", (long long)job->all.confusion[i * n + k]);
        text_add(out, "   %.3f %.3f %.3f\n", m.recall, m.precision, m.f1);
    }
}

static int print_summary(const evaluate_job *job)
{
    const mexpr_metrics *m = &job->all.metrics;
    const char *fusion = evaluate_fusion_name(job);
    text out = {0};
    text_add(&out, "%s, %s, %d folds, selection %s%s%s\n", job->request->data.system,
        evaluate_protocol_name(job), mexpr_evaluation_n_folds(job->evaluation),
        evaluate_selection_name(job), fusion ? ", fusion " : "", fusion ? fusion : "");
    print_choices(job, &out);
    print_seeds(job, &out);
    text_add(&out, "UF1 %.4f [%.3f, %.3f]  UAR %.4f [%.3f, %.3f]  accuracy %.4f\n",
        m->uf1, job->low.uf1, job->high.uf1, m->uar, job->low.uar, job->high.uar,
        m->accuracy);
    for (int32_t k = 0; k < job->n_datasets; k++) {
        m = &job->datasets[k].metrics;
        if (m->n == 0)
            continue;
        text_add(&out, "  ");
        text_add_plain(&out, mexpr_manifest_dataset(job->data.manifest, k), 12);
        text_add(
            &out, " %4lld clips  UF1 %.4f  UAR %.4f\n", (long long)m->n, m->uf1, m->uar);
    }
    print_classes(job, &out);
    const int code = cli_print(&out);
    text_free(&out);
    return code;
}

/* --- the command ------------------------------------------------------------------- */

/* What is to become of several systems. */
static int read_joining(evaluate_job *job)
{
    const evaluate_request *r = job->request;
    int joining = 0;
    int code = cli_choose("--selection", r->selection, selections, &joining);
    if (code == CLI_OK)
        code = systems_fusion(r->fusion, &joining);
    if (code != CLI_OK)
        return code;
    if (r->selection && r->fusion)
        return cli_usage("--selection takes one system and --fusion takes all: give one "
                         "of the two");
    if (job->systems.n > 1 && !joining)
        return cli_usage("what is to become of several systems? give --selection "
                         "inner-subject or --fusion RULE");
    if (job->systems.n == 1 && joining)
        return cli_usage("--selection and --fusion need several systems: --system A,B");
    job->options.joining = joining;
    return CLI_OK;
}

/* Options that would do nothing. */
static int check_use(const evaluate_job *job)
{
    if (job->request->seeds > 1 && !systems_have_chance(&job->systems))
        return cli_usage("these systems leave nothing to chance: --seeds has no use");
    if (job->request->inner_folds && !evaluate_decides(job))
        return cli_usage("--inner-folds is for --selection inner-subject, --fusion "
                         "weighted and --fusion learned");
    return CLI_OK;
}

static int check_outputs(const evaluate_request *r)
{
    const char *const paths[] = {r->report, r->csv, r->html};
    int code = CLI_OK;
    for (size_t k = 0; k < sizeof paths / sizeof paths[0] && code == CLI_OK; k++)
        if (paths[k] && strcmp(paths[k], "-") != 0)
            code = cli_check_output(paths[k]);
    return code;
}

static int read_options(evaluate_job *job)
{
    const evaluate_request *r = job->request;
    int protocol = MEXPR_PROTOCOL_LOSO;
    int code = cli_choose("--protocol", r->protocol, protocols, &protocol);
    if (code == CLI_OK)
        code = labelled_seed(&r->seed);
    if (code == CLI_OK)
        code = labelled_normalisation(r->normalisation, &job->systems.normalisation);
    const int is_holdout = protocol == MEXPR_PROTOCOL_HOLDOUT;
    if (code == CLI_OK && is_holdout && !r->test_database)
        code = cli_usage("--protocol holdout needs --test-database NAME");
    if (code == CLI_OK && !is_holdout && (r->train_database || r->test_database))
        code =
            cli_usage("--train-database and --test-database are for --protocol holdout");
    if (code == CLI_OK && r->folds && protocol != MEXPR_PROTOCOL_KFOLD)
        code = cli_usage("--folds is for --protocol kfold; the others have as many as "
                         "there are people or databases");
    if (code == CLI_OK && r->pictures && !r->html)
        code = cli_usage("--pictures is for --html F.html");
    job->systems.epochs = r->epochs;
    job->options.protocol = protocol;
    job->options.n_folds = r->folds;
    job->options.inner_folds = r->inner_folds;
    job->options.n_seeds = r->seeds;
    job->options.seed = (uint64_t)r->seed.value;
    job->options.train_dataset = r->train_database;
    job->options.test_dataset = r->test_database;
    return code;
}

static int steps(evaluate_job *job)
{
    const evaluate_request *r = job->request;
    int code = labelled_check(&r->data);
    if (code == CLI_OK)
        code = read_options(job);
    if (code == CLI_OK)
        code = systems_read(r->data.system, &job->systems);
    if (code == CLI_OK)
        code = read_joining(job);
    if (code == CLI_OK)
        code = check_use(job);
    if (code == CLI_OK)
        code = check_outputs(r);
    if (code == CLI_OK)
        code = cli_context(r->jobs, &job->context);
    if (code == CLI_OK)
        code = labelled_read(&r->data, job->context, &job->data);
    if (code == CLI_OK && r->pictures)
        code = evaluate_maps_create(job);
    if (code == CLI_OK)
        code = evaluate(job);
    if (code == CLI_OK)
        code = write_reports(job);
    return code == CLI_OK ? print_summary(job) : code;
}

static int run(const void *request, char **arguments, int n)
{
    (void)arguments;
    (void)n;
    evaluate_job job = {.request = request, .options = MEXPR_EVALUATE_OPTIONS_INIT};
    const int code = steps(&job);
    for (int32_t k = 0; job.datasets && k < job.n_datasets; k++)
        free(job.datasets[k].confusion);
    free(job.datasets);
    free(job.all.confusion);
    free(job.seeds);
    systems_free(&job.systems);
    evaluate_maps_free(&job);
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
        "system trained on the others predicts their clips, once. What is chosen or\n"
        "weighed is chosen on the training clips. Intervals are of 95 %, people drawn\n"
        "with replacement.",
    .options = options,
    .request_size = sizeof(evaluate_request),
    .run = run,
};
