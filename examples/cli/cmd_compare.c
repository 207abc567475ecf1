/* SPDX-License-Identifier: MIT */
/* microexpr compare: two reports of `microexpr evaluate`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "json.h"
#include "json_read.h"

typedef struct compare_request {
    int json;
    int rounds;
    cli_number seed;
} compare_request;

static const cli_option options[] = {
    {"rounds", 0, CLI_INT, offsetof(compare_request, rounds), "N",
        "draws of people, 100 to 1000000 (4000)"},
    {"seed", 0, CLI_NUMBER, offsetof(compare_request, seed), "N", "of the draws (0)"},
    {"json", 0, CLI_FLAG, offsetof(compare_request, json), NULL, "print JSON"},
    {0},
};

/* A prediction of a report. */
typedef struct prediction {
    const char *person, *dataset, *clip;
    int32_t label, predicted;
    int order; /* in the report */
} prediction;

typedef struct report {
    const char *path;
    json_document document;
    prediction *list; /* sorted by person, dataset, clip and order */
    int64_t n;
    int32_t n_classes;
} report;

typedef struct compare_job {
    report a, b;
    int32_t *labels, *predicted_a, *predicted_b, *persons;
    mexpr_metrics metrics_a, metrics_b;
    mexpr_comparison comparison;
} compare_job;

/* --- reading ----------------------------------------------------------------------- */

static int by_clip(const void *left, const void *right)
{
    const prediction *a = left, *b = right;
    int order = strcmp(a->person, b->person);
    order = order ? order : strcmp(a->dataset, b->dataset);
    order = order ? order : strcmp(a->clip, b->clip);
    return order ? order : a->order - b->order;
}

static int64_t count_predictions(const json_value *folds)
{
    int64_t n = 0;
    for (const json_value *fold = folds->first; fold; fold = fold->next) {
        const json_value *list = json_member(fold, "predictions", JSON_ARRAY);
        for (const json_value *one = list ? list->first : NULL; one; one = one->next)
            n++;
    }
    return n;
}

static int is_class(double number, int32_t n_classes)
{
    return number >= 0 && number < n_classes && number == (double)(int32_t)number;
}

static int read_prediction(report *r, const json_value *fold, const json_value *one)
{
    const double label = json_value_of(one, "label", -1);
    const double predicted = json_value_of(one, "predicted", -1);
    const char *subject = json_text(fold, "subject", NULL);
    prediction *p = &r->list[r->n];
    *p = (prediction){.person = json_text(one, "person", subject),
        .dataset = json_text(one, "dataset", ""),
        .clip = json_text(one, "clip", NULL),
        .order = (int)r->n};
    if (!p->clip || !p->person || !is_class(label, r->n_classes) ||
        !is_class(predicted, r->n_classes))
        return cli_fail("'%s': prediction %d does not name a clip, its person, its class "
                        "and what it was taken for",
            r->path, p->order);
    p->label = (int32_t)label;
    p->predicted = (int32_t)predicted;
    r->n++;
    return CLI_OK;
}

static int read_predictions(report *r, const json_value *folds)
{
    const int64_t n = count_predictions(folds);
    int code = CLI_OK;
    r->list = calloc((size_t)n + 1, sizeof *r->list);
    if (!r->list)
        return cli_fail("out of memory; close other programs and try again");
    for (const json_value *fold = folds->first; fold && code == CLI_OK;
         fold = fold->next) {
        const json_value *list = json_member(fold, "predictions", JSON_ARRAY);
        for (const json_value *one = list ? list->first : NULL; one && code == CLI_OK;
             one = one->next)
            code = read_prediction(r, fold, one);
    }
    if (code == CLI_OK && r->n == 0)
        return cli_fail("'%s' has no predictions", r->path);
    if (code == CLI_OK)
        qsort(r->list, (size_t)r->n, sizeof *r->list, by_clip);
    return code;
}

static int read_report(const char *path, report *r)
{
    r->path = path;
    const int code = json_read(path, &r->document);
    if (code != CLI_OK)
        return code;
    const json_value *classes = json_member(r->document.root, "classes", JSON_ARRAY);
    const json_value *folds = json_member(r->document.root, "folds", JSON_ARRAY);
    for (const json_value *k = classes ? classes->first : NULL; k; k = k->next)
        r->n_classes++;
    if (!classes || !folds)
        return cli_fail("'%s' is not a report of 'microexpr evaluate'", path);
    return read_predictions(r, folds);
}

/* --- pairing ----------------------------------------------------------------------- */

static int check_classes(const report *a, const report *b)
{
    const json_value *left = json_member(a->document.root, "classes", JSON_ARRAY)->first;
    const json_value *right = json_member(b->document.root, "classes", JSON_ARRAY)->first;
    while (left && right && left->kind == JSON_STRING && right->kind == JSON_STRING &&
           strcmp(left->string, right->string) == 0) {
        left = left->next;
        right = right->next;
    }
    return !left && !right
               ? CLI_OK
               : cli_fail("'%s' and '%s' are of different classes", a->path, b->path);
}

static int pair_clips(compare_job *job)
{
    const report *a = &job->a, *b = &job->b;
    int32_t person = 0;
    if (a->n != b->n)
        return cli_fail("'%s' has %lld clips and '%s' %lld: they must be the same",
            a->path, (long long)a->n, b->path, (long long)b->n);
    for (int64_t i = 0; i < a->n; i++) {
        const prediction *p = &a->list[i], *q = &b->list[i];
        if (strcmp(p->person, q->person) != 0 || strcmp(p->dataset, q->dataset) != 0 ||
            strcmp(p->clip, q->clip) != 0)
            return cli_fail("clip '%s' of '%s' is not in both reports",
                by_clip(p, q) < 0 ? p->clip : q->clip,
                by_clip(p, q) < 0 ? p->person : q->person);
        if (p->label != q->label)
            return cli_fail("clip '%s' of '%s' is of class %d in one report and %d in "
                            "the other",
                p->clip, p->person, (int)p->label, (int)q->label);
        person += i > 0 && strcmp(p->person, a->list[i - 1].person) != 0;
        job->labels[i] = p->label;
        job->predicted_a[i] = p->predicted;
        job->predicted_b[i] = q->predicted;
        job->persons[i] = person;
    }
    return CLI_OK;
}

/* The same clips may have been other pictures or frames. */
static int check_manifests(const report *a, const report *b)
{
    const char *left = json_text(a->document.root, "manifest_sha256", "");
    const char *right = json_text(b->document.root, "manifest_sha256", "?");
    return strcmp(left, right) == 0
               ? CLI_OK
               : cli_fail(
                     "'%s' and '%s' are of different manifests; evaluate both systems "
                     "with one",
                     a->path, b->path);
}

static int read_both(compare_job *job, char **paths)
{
    int code = read_report(paths[0], &job->a);
    if (code == CLI_OK)
        code = read_report(paths[1], &job->b);
    if (code == CLI_OK)
        code = check_classes(&job->a, &job->b);
    if (code != CLI_OK)
        return code;
    const size_t n = (size_t)job->a.n;
    job->labels = calloc(n, 4 * sizeof *job->labels);
    if (!job->labels)
        return cli_fail("out of memory; close other programs and try again");
    job->predicted_a = job->labels + n;
    job->predicted_b = job->labels + 2 * n;
    job->persons = job->labels + 3 * n;
    code = pair_clips(job);
    return code == CLI_OK ? check_manifests(&job->a, &job->b) : code;
}

static int compare(compare_job *job, const compare_request *r)
{
    mexpr_context *context;
    const int64_t n = job->a.n;
    const int32_t c = job->a.n_classes;
    int code = cli_context(1, &context);
    if (code != CLI_OK)
        return code;
    job->metrics_a = job->metrics_b = (mexpr_metrics)MEXPR_METRICS_INIT;
    job->comparison = (mexpr_comparison)MEXPR_COMPARISON_INIT;
    mexpr_status status = mexpr_metrics_compute(
        context, job->labels, job->predicted_a, n, c, NULL, &job->metrics_a);
    if (status == MEXPR_OK)
        status = mexpr_metrics_compute(
            context, job->labels, job->predicted_b, n, c, NULL, &job->metrics_b);
    if (status == MEXPR_OK)
        status = mexpr_metrics_compare(context, job->labels, job->predicted_a,
            job->predicted_b, job->persons, n, c, 0, r->rounds, (uint64_t)r->seed.value,
            &job->comparison);
    if (status != MEXPR_OK)
        code = cli_fail_status(status, mexpr_context_last_error(context), NULL);
    mexpr_context_destroy(&context);
    return code;
}

/* --- printing ---------------------------------------------------------------------- */

static const char *system_of(const report *r)
{
    return json_text(r->document.root, "system", "?");
}

static void print_row(const report *r, const mexpr_metrics *m, text *out)
{
    text_add(out, "  ");
    text_add_plain(out, system_of(r), 32);
    text_add(out, " UF1 %.4f  UAR %.4f  accuracy %.4f  (", m->uf1, m->uar, m->accuracy);
    text_add_plain(out, r->path, 0);
    text_add(out, ")\n");
}

static void print_difference(
    const char *name, double value, double low, double high, double above, text *out)
{
    text_add(out, "%s %+.4f [%+.4f, %+.4f], first above second in %.1f %% of the draws\n",
        name, value, low, high, 100 * above);
}

static void print_table(const compare_job *job, text *out)
{
    const mexpr_comparison *m = &job->comparison;
    text_add(out, "%lld clips of %d people\n", (long long)m->n,
        (int)job->persons[m->n - 1] + 1);
    print_row(&job->a, &job->metrics_a, out);
    print_row(&job->b, &job->metrics_b, out);
    print_difference(
        "difference: UF1", m->uf1, m->uf1_low, m->uf1_high, m->uf1_above, out);
    print_difference(
        "difference: UAR", m->uar, m->uar_low, m->uar_high, m->uar_above, out);
    text_add(out, "right alone: first %lld, second %lld; McNemar's exact test p = %.4g\n",
        (long long)m->only_a, (long long)m->only_b, m->p);
}

static void json_system(
    const char *key, const report *r, const mexpr_metrics *m, text *out)
{
    json_key(out, key);
    json_open(out, '{');
    json_key(out, "report");
    json_string(out, r->path);
    json_key(out, "system");
    json_string(out, system_of(r));
    json_key(out, "uf1");
    json_number(out, m->uf1, 9);
    json_key(out, "uar");
    json_number(out, m->uar, 9);
    json_key(out, "accuracy");
    json_number(out, m->accuracy, 9);
    json_close(out, '}');
}

static void json_difference(
    const char *key, double value, double low, double high, double above, text *out)
{
    json_key(out, key);
    json_open(out, '{');
    json_key(out, "difference");
    json_number(out, value, 9);
    json_key(out, "interval_95");
    json_open(out, '[');
    json_number(out, low, 6);
    json_number(out, high, 6);
    json_close(out, ']');
    json_key(out, "above");
    json_number(out, above, 6);
    json_close(out, '}');
}

static void print_json(const compare_job *job, text *out)
{
    const mexpr_comparison *m = &job->comparison;
    json_open(out, '{');
    json_key(out, "clips");
    json_integer(out, m->n);
    json_key(out, "persons");
    json_integer(out, job->persons[m->n - 1] + 1);
    json_system("first", &job->a, &job->metrics_a, out);
    json_system("second", &job->b, &job->metrics_b, out);
    json_difference("uf1", m->uf1, m->uf1_low, m->uf1_high, m->uf1_above, out);
    json_difference("uar", m->uar, m->uar_low, m->uar_high, m->uar_above, out);
    json_key(out, "only_first");
    json_integer(out, m->only_a);
    json_key(out, "only_second");
    json_integer(out, m->only_b);
    json_key(out, "mcnemar_p");
    json_number(out, m->p, 9);
    json_close(out, '}');
    text_add(out, "\n");
}

static int run(const void *opaque, char **arguments, int n)
{
    const compare_request *r = opaque;
    compare_job job = {0};
    text out = {0};
    (void)n;
    int code = CLI_OK;
    if (!(r->seed.value >= 0 && r->seed.value <= 9007199254740992.0 &&
            r->seed.value == (double)(uint64_t)r->seed.value))
        code = cli_usage("--seed is a whole number from 0 to 2^53");
    if (code == CLI_OK)
        code = read_both(&job, arguments);
    if (code == CLI_OK)
        code = compare(&job, r);
    if (code == CLI_OK) {
        if (r->json)
            print_json(&job, &out);
        else
            print_table(&job, &out);
        code = cli_print(&out);
    }
    text_free(&out);
    free(job.labels);
    free(job.a.list);
    free(job.b.list);
    json_free(&job.a.document);
    json_free(&job.b.document);
    return code;
}

const cli_command cmd_compare = {
    .name = "compare",
    .arguments = "A.json B.json",
    .summary = "Two reports of 'evaluate' on the same clips: how sure a difference is",
    .about = "McNemar's exact test, and 95 % intervals of the differences, people drawn\n"
             "with replacement.",
    .options = options,
    .request_size = sizeof(compare_request),
    .min_arguments = 2,
    .max_arguments = 2,
    .run = run,
};
