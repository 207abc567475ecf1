/* SPDX-License-Identifier: MIT */
/* What can be asked of an evaluation. */
#include <math.h>

#include "evaluate/evaluation.h"
#include "microexpr/fusion.h"
#include "microexpr/train.h"

static int64_t n_networks(const mexpr_evaluation *e)
{
    return (int64_t)e->n_seeds * e->n_folds * e->n_candidates;
}

void mexpr_evaluation_destroy(mexpr_evaluation **evaluation)
{
    if (!evaluation || !*evaluation)
        return;
    mexpr_evaluation *e = *evaluation;
    mexpr_context *context = e->context;
    *evaluation = NULL;
    mx_free(context, e->labels);
    mx_free(context, e->persons);
    mx_free(context, e->datasets);
    mx_free(context, e->folds);
    mx_free(context, e->predicted);
    mx_free(context, e->scores);
    mx_free(context, e->chosen);
    mx_free(context, e->weights);
    mx_free(context, e->inner);
    for (int64_t k = 0; e->curves && k < n_networks(e); k++)
        mx_free(context, e->curves[k].losses);
    mx_free(context, e->curves);
    mx_free(context, e);
    mx_context_release(context);
}

mexpr_status mx_evaluation_join_seeds(mx_scope *scope, mexpr_evaluation *e)
{
    if (e->n_seeds == 1)
        return MEXPR_OK;
    const float **scores = mx_alloc(scope, (size_t)e->n_seeds, sizeof *scores);
    if (!scores)
        return MEXPR_E_NOMEM;
    for (int32_t k = 0; k < e->n_seeds; k++)
        scores[k] = e->scores + mx_evaluation_set(e, k) * e->n_classes;
    const mexpr_status status = mexpr_fuse_scores(scope->context, scores, e->n_seeds,
        e->n, e->n_classes, MEXPR_FUSION_MEAN, NULL, e->scores);
    for (int64_t i = 0; i < e->n && status == MEXPR_OK; i++)
        e->predicted[i] = mx_largest(e->scores + i * e->n_classes, e->n_classes);
    mx_free(scope->context, scores);
    return status;
}

/* --- clips ------------------------------------------------------------------------- */

static bool was_tested(const mexpr_evaluation *e, int64_t clip)
{
    return e && clip >= 0 && clip < e->n && e->folds[clip] >= 0;
}

int32_t mexpr_evaluation_n_folds(const mexpr_evaluation *evaluation)
{
    return evaluation ? evaluation->n_folds : 0;
}

int32_t mexpr_evaluation_fold(const mexpr_evaluation *evaluation, int64_t clip)
{
    return was_tested(evaluation, clip) ? evaluation->folds[clip] : -1;
}

int32_t mexpr_evaluation_predicted(const mexpr_evaluation *evaluation, int64_t clip)
{
    return was_tested(evaluation, clip) ? evaluation->predicted[clip] : -1;
}

const float *mexpr_evaluation_scores(const mexpr_evaluation *evaluation, int64_t clip)
{
    return was_tested(evaluation, clip)
               ? evaluation->scores + clip * evaluation->n_classes
               : NULL;
}

/* --- seeds and candidates ---------------------------------------------------------- */

int32_t mexpr_evaluation_n_seeds(const mexpr_evaluation *evaluation)
{
    return evaluation ? evaluation->n_seeds : 0;
}

int32_t mexpr_evaluation_n_candidates(const mexpr_evaluation *evaluation)
{
    return evaluation ? evaluation->n_candidates : 0;
}

static bool has_seed(const mexpr_evaluation *e, int32_t seed)
{
    return e && seed >= 0 && seed < e->n_seeds;
}

int32_t mexpr_evaluation_seed_predicted(
    const mexpr_evaluation *evaluation, int32_t seed, int64_t clip)
{
    return has_seed(evaluation, seed) && was_tested(evaluation, clip)
               ? evaluation->predicted[mx_evaluation_set(evaluation, seed) + clip]
               : -1;
}

/* Where what is known of a fold with a seed is; -1: nowhere. */
static int64_t decision(const mexpr_evaluation *e, int32_t seed, int32_t fold)
{
    return has_seed(e, seed) && fold >= 0 && fold < e->n_folds
               ? (int64_t)seed * e->n_folds + fold
               : -1;
}

int32_t mexpr_evaluation_chosen(
    const mexpr_evaluation *evaluation, int32_t seed, int32_t fold)
{
    const int64_t at = decision(evaluation, seed, fold);
    return at >= 0 ? evaluation->chosen[at] : -1;
}

/* Where what is known of a network is; -1: nowhere. */
static int64_t network(
    const mexpr_evaluation *e, int32_t seed, int32_t fold, int32_t candidate)
{
    const int64_t at = decision(e, seed, fold);
    return at >= 0 && candidate >= 0 && candidate < e->n_candidates
               ? at * e->n_candidates + candidate
               : -1;
}

static double of_candidate(const mexpr_evaluation *e, const double *values, int32_t seed,
    int32_t fold, int32_t candidate)
{
    const int64_t at = network(e, seed, fold, candidate);
    return at >= 0 ? values[at] : (double)NAN;
}

double mexpr_evaluation_weight(
    const mexpr_evaluation *evaluation, int32_t seed, int32_t fold, int32_t candidate)
{
    const double *weights = evaluation ? evaluation->weights : NULL;
    return of_candidate(evaluation, weights, seed, fold, candidate);
}

double mexpr_evaluation_inner_uf1(
    const mexpr_evaluation *evaluation, int32_t seed, int32_t fold, int32_t candidate)
{
    const double *inner = evaluation ? evaluation->inner : NULL;
    return of_candidate(evaluation, inner, seed, fold, candidate);
}

/* --- losses ------------------------------------------------------------------------ */

mexpr_status mx_curve_take(mx_scope *scope, const mexpr_model *model, mx_curve *curve)
{
    const int64_t epochs = mexpr_train_n_epochs(model);
    const int64_t n = epochs < MX_CURVE_POINTS ? epochs : MX_CURVE_POINTS;
    if (n == 0)
        return MEXPR_OK;
    curve->losses = mx_alloc(scope, (size_t)n, sizeof *curve->losses);
    if (!curve->losses)
        return MEXPR_E_NOMEM;
    for (int64_t k = 0; k < n; k++)
        curve->losses[k] =
            (float)mexpr_train_loss(model, (int32_t)((k + 1) * epochs / n - 1));
    curve->n = (int32_t)n;
    curve->n_epochs = (int32_t)epochs;
    return MEXPR_OK;
}

int32_t mexpr_evaluation_n_epochs(
    const mexpr_evaluation *evaluation, int32_t seed, int32_t fold, int32_t candidate)
{
    const int64_t at = network(evaluation, seed, fold, candidate);
    return at >= 0 ? evaluation->curves[at].n_epochs : 0;
}

const float *mexpr_evaluation_losses(const mexpr_evaluation *evaluation, int32_t seed,
    int32_t fold, int32_t candidate, int32_t *n)
{
    const int64_t at = network(evaluation, seed, fold, candidate);
    if (n)
        *n = at >= 0 ? evaluation->curves[at].n : 0;
    return at >= 0 ? evaluation->curves[at].losses : NULL;
}

/* --- measures ---------------------------------------------------------------------- */

/* Labels, predictions and persons of the tested clips of a database (-1: of all), one
 * list of e->n behind the other. The persons are numbered anew, so that all have clips.
 * Freed by the caller. */
static int32_t *tested(mx_scope *scope, const mexpr_evaluation *e,
    const int32_t *predicted, int32_t dataset, int64_t *n)
{
    int32_t *lists = mx_alloc(scope, (size_t)e->n, 4 * sizeof *lists);
    int32_t *number = lists ? lists + 3 * e->n : NULL; /* of each person, from 1 */
    int32_t n_persons = 0;
    *n = 0;
    for (int64_t i = 0; lists && i < e->n; i++)
        number[i] = 0;
    for (int64_t i = 0; lists && i < e->n; i++)
        if (e->folds[i] >= 0 && (dataset < 0 || e->datasets[i] == dataset)) {
            int32_t *who = &number[e->persons[i]];
            *who = *who ? *who : ++n_persons;
            lists[*n] = e->labels[i];
            lists[e->n + *n] = predicted[i];
            lists[2 * e->n + (*n)++] = *who - 1;
        }
    return lists;
}

static mexpr_status measure(mexpr_context *context, const mexpr_evaluation *e,
    const int32_t *predicted, int32_t dataset, int64_t *confusion, mexpr_metrics *metrics)
{
    int64_t n;
    int32_t *lists = tested(mx_context_scope(context), e, predicted, dataset, &n);
    if (!lists)
        return MEXPR_E_NOMEM;
    const mexpr_status status = mexpr_metrics_compute(
        context, lists, lists + e->n, n, e->n_classes, confusion, metrics);
    mx_free(context, lists);
    return status;
}

mexpr_status mexpr_evaluation_metrics(mexpr_context *context,
    const mexpr_evaluation *evaluation, int32_t dataset, int64_t *confusion,
    mexpr_metrics *metrics)
{
    if (!context)
        return MEXPR_E_ARG;
    if (!evaluation || dataset < -1 || dataset >= evaluation->n_datasets)
        return mx_fail(mx_context_scope(context), MEXPR_E_ARG,
            "there is no such evaluation or database");
    return measure(
        context, evaluation, evaluation->predicted, dataset, confusion, metrics);
}

mexpr_status mexpr_evaluation_seed_metrics(mexpr_context *context,
    const mexpr_evaluation *evaluation, int32_t seed, mexpr_metrics *metrics)
{
    if (!context)
        return MEXPR_E_ARG;
    if (!has_seed(evaluation, seed))
        return mx_fail(mx_context_scope(context), MEXPR_E_ARG,
            "there is no such evaluation or seed");
    return measure(context, evaluation,
        evaluation->predicted + mx_evaluation_set(evaluation, seed), -1, NULL, metrics);
}

mexpr_status mexpr_evaluation_interval(mexpr_context *context,
    const mexpr_evaluation *evaluation, mexpr_metrics *low, mexpr_metrics *high)
{
    if (!context)
        return MEXPR_E_ARG;
    const mexpr_evaluation *e = evaluation;
    mx_scope *scope = mx_context_scope(context);
    if (!e)
        return mx_fail(scope, MEXPR_E_ARG, "the evaluation must not be NULL");
    int64_t n;
    int32_t *lists = tested(scope, e, e->predicted, -1, &n);
    if (!lists)
        return MEXPR_E_NOMEM;
    const mexpr_status status = mexpr_metrics_interval(context, lists, lists + e->n,
        lists + 2 * e->n, n, e->n_classes, 0, 0, 0, low, high);
    mx_free(context, lists);
    return status;
}
