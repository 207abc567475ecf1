/* SPDX-License-Identifier: MIT */
/* What the files of `microexpr evaluate` share. */
#ifndef CLI_EVALUATE_JOB_H
#define CLI_EVALUATE_JOB_H

#include "labelled.h"
#include "systems.h"

typedef struct evaluate_request {
    labelled_request data;
    const char *protocol;
    const char *train_database;
    const char *test_database;
    const char *selection;
    const char *fusion;
    const char *report;
    const char *csv;
    const char *html;
    int pictures;
    int folds;
    int inner_folds;
    int seeds;
    int jobs;
    int epochs;
    const char *normalisation;
    cli_number seed;
} evaluate_request;

/* Measures of some of the predictions. */
typedef struct evaluate_slice {
    mexpr_metrics metrics;
    int64_t *confusion; /* n_classes x n_classes */
} evaluate_slice;

typedef struct evaluate_job {
    const evaluate_request *request;
    mexpr_context *context;
    labelled data;
    mexpr_evaluate_options options;
    systems systems;
    float **maps; /* of each clip, LABELLED_SIDE², or NULL: where its network looked */
    mexpr_evaluation *evaluation;
    /* Filled in afterwards. */
    int32_t n_classes, n_datasets, n_seeds;
    evaluate_slice all;
    evaluate_slice *datasets;
    mexpr_metrics low, high;
    mexpr_metrics *seeds;
    mexpr_metrics mean, deviation; /* over the seeds; of one seed the deviation is 0 */
} evaluate_job;

/* Whether inner folds decide. */
int evaluate_decides(const evaluate_job *job);
/* "loso", …; what decided between systems: "fixed" or "inner-subject"; how they were
 * fused, or NULL. */
const char *evaluate_protocol_name(const evaluate_job *job);
const char *evaluate_selection_name(const evaluate_job *job);
const char *evaluate_fusion_name(const evaluate_job *job);
/* What a fold is called, and the key of that name: the person, the database or, of folds
 * of several people, a number. */
const char *evaluate_fold_name(
    const evaluate_job *job, int32_t fold, char *number, size_t size);
const char *evaluate_fold_key(const evaluate_job *job);
/* Measures of a class in a slice. */
mexpr_class_metrics evaluate_class(
    const evaluate_job *job, const evaluate_slice *slice, int32_t k);

/* The reports. */
void evaluate_json(const evaluate_job *job, text *out);
void evaluate_csv(const evaluate_job *job, text *out);
/* An exit code. */
int evaluate_html(const evaluate_job *job, text *out);

/* Parts of them. */
void evaluate_losses_json(const evaluate_job *job, text *out);
void evaluate_losses_html(const evaluate_job *job, text *out);
int evaluate_pictures_html(const evaluate_job *job, text *out);
/* Text as HTML shows it. */
void evaluate_html_text(text *out, const char *value);

/* Makes room for maps; an exit code. */
int evaluate_maps_create(evaluate_job *job);
void evaluate_maps_free(evaluate_job *job);
/* Makes maps of some clips of a fold, a mexpr_watch_fn. */
mexpr_status evaluate_maps_watch(
    void *user, mexpr_context *context, const mexpr_fold_network *network);

#endif
