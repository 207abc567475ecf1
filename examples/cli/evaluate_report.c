/* SPDX-License-Identifier: MIT */
/* The JSON and CSV reports of `microexpr evaluate`. */
#include <stdio.h>

#include "evaluate_job.h"
#include "json.h"
#include "table.h"

/* --- measures ---------------------------------------------------------------------- */

static void json_field(const char *key, double value, text *out)
{
    json_key(out, key);
    json_number(out, value, 9);
}

static void json_means(const mexpr_metrics *m, text *out)
{
    json_field("uf1", m->uf1, out);
    json_field("uar", m->uar, out);
    json_field("accuracy", m->accuracy, out);
    json_field("weighted_f1", m->weighted_f1, out);
}

static void json_metrics(const mexpr_metrics *m, text *out)
{
    json_key(out, "clips");
    json_integer(out, m->n);
    json_means(m, out);
    json_key(out, "absent_classes");
    json_integer(out, m->n_absent);
}

static void json_confusion(const int64_t *counts, int32_t n, text *out)
{
    json_key(out, "confusion");
    json_open(out, '[');
    for (int32_t i = 0; i < n; i++) {
        json_open(out, '[');
        for (int32_t k = 0; k < n; k++)
            json_integer(out, counts[i * n + k]);
        json_close(out, ']');
    }
    json_close(out, ']');
}

static void json_classes(const evaluate_job *job, const evaluate_slice *slice, text *out)
{
    json_key(out, "per_class");
    json_open(out, '{');
    for (int32_t k = 0; k < job->n_classes; k++) {
        const mexpr_class_metrics m = evaluate_class(job, slice, k);
        json_key(out, mexpr_manifest_class(job->data.manifest, k));
        json_open(out, '{');
        json_key(out, "support");
        json_integer(out, m.support);
        json_key(out, "predicted");
        json_integer(out, m.taken);
        json_field("precision", m.precision, out);
        json_field("recall", m.recall, out);
        json_field("f1", m.f1, out);
        json_close(out, '}');
    }
    json_close(out, '}');
}

static void json_interval(const evaluate_job *job, text *out)
{
    const struct {
        const char *name;
        double low, high;
    } rows[] = {{"uf1", job->low.uf1, job->high.uf1},
        {"uar", job->low.uar, job->high.uar},
        {"accuracy", job->low.accuracy, job->high.accuracy}};
    json_key(out, "interval_95");
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

static void json_datasets(const evaluate_job *job, text *out)
{
    json_key(out, "per_database");
    json_open(out, '{');
    for (int32_t k = 0; k < job->n_datasets; k++) {
        const evaluate_slice *slice = &job->datasets[k];
        if (slice->metrics.n == 0)
            continue;
        json_key(out, mexpr_manifest_dataset(job->data.manifest, k));
        json_open(out, '{');
        json_metrics(&slice->metrics, out);
        json_classes(job, slice, out);
        json_confusion(slice->confusion, job->n_classes, out);
        json_close(out, '}');
    }
    json_close(out, '}');
}

static void json_seeds(const evaluate_job *job, text *out)
{
    json_key(out, "seeds");
    json_open(out, '[');
    for (int32_t k = 0; k < job->n_seeds; k++)
        json_integer(out, (int64_t)job->options.seed + k);
    json_close(out, ']');
    json_key(out, "per_seed");
    json_open(out, '[');
    for (int32_t k = 0; k < job->n_seeds; k++) {
        json_open(out, '{');
        json_key(out, "seed");
        json_integer(out, (int64_t)job->options.seed + k);
        json_means(&job->seeds[k], out);
        json_close(out, '}');
    }
    json_close(out, ']');
    json_key(out, "seed_mean");
    json_open(out, '{');
    json_means(&job->mean, out);
    json_close(out, '}');
    json_key(out, "seed_deviation");
    json_open(out, '{');
    json_means(&job->deviation, out);
    json_close(out, '}');
}

/* --- folds ------------------------------------------------------------------------- */

static void json_prediction(const evaluate_job *job, int64_t clip, text *out)
{
    const float *scores = mexpr_evaluation_scores(job->evaluation, clip);
    mexpr_record record = MEXPR_RECORD_INIT;
    mexpr_manifest_clip(job->data.manifest, clip, &record);
    json_open(out, '{');
    json_key(out, "clip");
    json_string(out, record.clip);
    json_key(out, "dataset");
    json_string(out, record.dataset);
    json_key(out, "person");
    json_string(out, mexpr_manifest_person(job->data.manifest, record.person));
    json_key(out, "label");
    json_integer(out, record.label);
    json_key(out, "predicted");
    json_integer(out, mexpr_evaluation_predicted(job->evaluation, clip));
    json_key(out, "scores");
    json_open(out, '[');
    for (int32_t k = 0; k < job->n_classes; k++)
        json_number(out, (double)scores[k], 9);
    json_close(out, ']');
    if (job->n_seeds > 1) {
        json_key(out, "seed_predicted");
        json_open(out, '[');
        for (int32_t k = 0; k < job->n_seeds; k++)
            json_integer(out, mexpr_evaluation_seed_predicted(job->evaluation, k, clip));
        json_close(out, ']');
    }
    json_close(out, '}');
}

typedef double (*candidate_value)(
    const mexpr_evaluation *evaluation, int32_t seed, int32_t fold, int32_t candidate);

/* For each seed what a value is for each system. */
static void json_candidates(const evaluate_job *job, const char *key, int32_t fold,
    candidate_value value, text *out)
{
    json_key(out, key);
    json_open(out, '[');
    for (int32_t seed = 0; seed < job->n_seeds; seed++) {
        json_open(out, '{');
        for (int32_t k = 0; k < job->systems.n; k++)
            json_field(
                job->systems.list[k].name, value(job->evaluation, seed, fold, k), out);
        json_close(out, '}');
    }
    json_close(out, ']');
}

static void json_decisions(const evaluate_job *job, int32_t fold, text *out)
{
    json_key(out, "chosen");
    json_open(out, '[');
    for (int32_t seed = 0; seed < job->n_seeds; seed++) {
        const int32_t k = mexpr_evaluation_chosen(job->evaluation, seed, fold);
        json_string(out, k >= 0 ? job->systems.list[k].name : NULL);
    }
    json_close(out, ']');
    json_candidates(job, "weights", fold, mexpr_evaluation_weight, out);
    json_candidates(job, "inner_uf1", fold, mexpr_evaluation_inner_uf1, out);
}

static void json_fold(const evaluate_job *job, int32_t fold, text *out)
{
    const int64_t n = mexpr_manifest_n_clips(job->data.manifest);
    char number[16];
    json_open(out, '{');
    json_key(out, evaluate_fold_key(job));
    if (job->options.protocol == MEXPR_PROTOCOL_KFOLD)
        json_integer(out, fold);
    else
        json_string(out, evaluate_fold_name(job, fold, number, sizeof number));
    if (job->systems.n > 1)
        json_decisions(job, fold, out);
    json_key(out, "predictions");
    json_open(out, '[');
    for (int64_t i = 0; i < n; i++)
        if (mexpr_evaluation_fold(job->evaluation, i) == fold)
            json_prediction(job, i, out);
    json_close(out, ']');
    json_close(out, '}');
}

/* --- the whole --------------------------------------------------------------------- */

static void json_head(const evaluate_job *job, text *out)
{
    json_key(out, "system");
    json_string(out, job->request->data.system);
    json_key(out, "protocol");
    json_string(out, evaluate_protocol_name(job));
    if (job->options.protocol == MEXPR_PROTOCOL_HOLDOUT) {
        json_key(out, "train_database");
        json_string(out, job->request->train_database);
        json_key(out, "test_database");
        json_string(out, job->request->test_database);
    }
    json_key(out, "selection");
    json_string(out, evaluate_selection_name(job));
    json_key(out, "fusion");
    json_string(out, evaluate_fusion_name(job));
}

static void json_crops(const evaluate_job *job, text *out)
{
    json_key(out, "crops");
    json_open(out, '[');
    for (int k = 0; k < job->request->data.crops.n; k++) {
        const mexpr_dataset_crop *crop = &job->data.crops[k];
        json_open(out, '{');
        json_key(out, "dataset");
        json_string(out, crop->dataset);
        json_field("scale_x", crop->scale_x, out);
        json_field("scale_y", crop->scale_y, out);
        json_field("shift_x", crop->shift_x, out);
        json_field("shift_y", crop->shift_y, out);
        json_close(out, '}');
    }
    json_close(out, ']');
}

/* NULL for a number of 0. */
static void json_given(const char *key, int32_t value, text *out)
{
    json_key(out, key);
    if (value)
        json_integer(out, value);
    else
        json_string(out, NULL);
}

static void json_options(const evaluate_job *job, text *out)
{
    enum { INNER_FOLDS = 5 }; /* of mexpr_evaluate_options */
    const evaluate_request *r = job->request;
    const int32_t inner = r->inner_folds ? r->inner_folds : INNER_FOLDS;
    json_key(out, "options");
    json_open(out, '{');
    json_key(out, "label");
    json_string(out, r->data.label ? r->data.label : "label");
    json_crops(job, out);
    json_given("n_folds", mexpr_evaluation_n_folds(job->evaluation), out);
    json_given("inner_folds", evaluate_decides(job) ? inner : 0, out);
    json_given("epochs", r->epochs, out);
    json_key(out, "normalisation");
    json_string(out, r->normalisation);
    json_close(out, '}');
}

void evaluate_json(const evaluate_job *job, text *out)
{
    const mexpr_manifest *manifest = job->data.manifest;
    json_open(out, '{');
    json_head(job, out);
    json_options(job, out);
    json_seeds(job, out);
    json_metrics(&job->all.metrics, out);
    json_interval(job, out);
    json_key(out, "classes");
    json_open(out, '[');
    for (int32_t k = 0; k < job->n_classes; k++)
        json_string(out, mexpr_manifest_class(manifest, k));
    json_close(out, ']');
    json_classes(job, &job->all, out);
    json_confusion(job->all.confusion, job->n_classes, out);
    json_datasets(job, out);
    evaluate_losses_json(job, out);
    json_key(out, "manifest_sha256");
    json_string(out, mexpr_manifest_sha256(manifest));
    json_key(out, "library");
    json_string(out, mexpr_version_string());
    json_key(out, "folds");
    json_open(out, '[');
    for (int32_t fold = 0; fold < mexpr_evaluation_n_folds(job->evaluation); fold++)
        json_fold(job, fold, out);
    json_close(out, ']');
    json_close(out, '}');
    text_add(out, "\n");
}

static void csv_row(const evaluate_job *job, int64_t clip, table *t)
{
    const mexpr_manifest *manifest = job->data.manifest;
    const int32_t fold = mexpr_evaluation_fold(job->evaluation, clip);
    const int32_t predicted = mexpr_evaluation_predicted(job->evaluation, clip);
    const float *scores = mexpr_evaluation_scores(job->evaluation, clip);
    mexpr_record record = MEXPR_RECORD_INIT;
    char number[16];
    mexpr_manifest_clip(manifest, clip, &record);
    table_row(t);
    table_source(t, "fold", evaluate_fold_name(job, fold, number, sizeof number));
    table_source(t, "dataset", record.dataset);
    table_source(t, "subject", record.subject);
    table_source(t, "person", mexpr_manifest_person(manifest, record.person));
    table_source(t, "clip", record.clip);
    table_value(t, record.label, "label");
    table_source(t, "label_name", mexpr_manifest_class(manifest, record.label));
    table_value(t, predicted, "predicted");
    table_source(t, "predicted_name", mexpr_manifest_class(manifest, predicted));
    table_value(t, predicted == record.label, "right");
    for (int32_t k = 0; k < job->n_classes; k++)
        table_value(t, (double)scores[k], "score_%d", (int)k);
}

void evaluate_csv(const evaluate_job *job, text *out)
{
    table t = {.json = 0};
    for (int64_t i = 0; i < mexpr_manifest_n_clips(job->data.manifest); i++)
        if (mexpr_evaluation_fold(job->evaluation, i) >= 0)
            csv_row(job, i, &t);
    table_finish(&t, out);
    table_free(&t);
}
