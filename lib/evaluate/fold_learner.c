/* SPDX-License-Identifier: MIT */
/* Choosing and weighing by inner folds: cross-validation within cross-validation
 * (M. Stone, J. Royal Statistical Society B 36, 1974). */
#include "evaluate/fold_learner.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "microexpr/fusion.h"

enum { MAX_CANDIDATES = 1000, INNER_STREAM = 2 };

int32_t mx_largest(const float *scores, int32_t n)
{
    int32_t best = 0;
    for (int32_t k = 1; k < n; k++)
        best = scores[k] > scores[best] ? k : best;
    return best;
}

mexpr_status mx_deal_persons(mx_scope *scope, uint64_t seed, uint64_t stream,
    int32_t n_persons, int32_t n_folds, int32_t *fold)
{
    uint32_t *order = mx_alloc(scope, (size_t)n_persons, sizeof *order);
    if (!order)
        return MEXPR_E_NOMEM;
    mx_rng rng;
    mx_rng_seed(&rng, seed, stream);
    mx_rng_permute(&rng, (uint32_t)n_persons, order);
    for (int32_t k = 0; k < n_persons; k++)
        fold[order[k]] = k % n_folds;
    mx_free(scope->context, order);
    return MEXPR_OK;
}

/* --- one network ------------------------------------------------------------------- */

static mexpr_tensor_view view_of(const mx_learner *l, const float *rows, int64_t n)
{
    mexpr_tensor_view view = *l->inputs;
    view.dims[0] = n;
    view.data = rows;
    return view;
}

static mexpr_status read_scores(
    const mx_learner *l, mexpr_session *session, int64_t n, float *scores)
{
    mexpr_tensor_view out = MEXPR_TENSOR_VIEW_INIT;
    const mexpr_status status = mexpr_session_output(session, NULL, &out);
    if (status != MEXPR_OK)
        return mx_fail(l->scope, status, "%s", mexpr_session_last_error(session));
    if (out.dtype != MEXPR_DTYPE_F32 || out.rank != 2 || out.dims[0] != n ||
        out.dims[1] != l->n_classes)
        return mx_fail(l->scope, MEXPR_E_SHAPE,
            "the trained network does not give %d float32 scores for every clip",
            l->n_classes);
    memcpy(scores, out.data, (size_t)(n * l->n_classes) * sizeof *scores);
    for (int64_t i = 0; i < n * l->n_classes; i++)
        if (!isfinite(scores[i]))
            return mx_fail(l->scope, MEXPR_E_RANGE,
                "the trained network gives scores that are not finite; it has diverged");
    return MEXPR_OK;
}

static mexpr_status apply(
    const mx_learner *l, mexpr_model *model, const float *rows, int64_t n, float *scores)
{
    const mexpr_tensor_view view = view_of(l, rows, n);
    mexpr_session *session;
    mexpr_status status = mexpr_session_create(model, &session);
    if (status != MEXPR_OK)
        return mx_fail(l->scope, status, "no session for the network could be made");
    status = mexpr_session_set_input(session, NULL, &view);
    if (status == MEXPR_OK)
        status = mexpr_session_run(session);
    status = status == MEXPR_OK
                 ? read_scores(l, session, n, scores)
                 : mx_fail(l->scope, status, "%s", mexpr_session_last_error(session));
    mexpr_session_destroy(&session);
    return status;
}

/* Whose fit() failed, when there are several. */
static mexpr_status say_who(const mx_learner *l, int32_t candidate, mexpr_status status)
{
    char who[128];
    const char *name = l->candidates[candidate].name;
    if (status == MEXPR_OK || l->n_candidates == 1)
        return status;
    if (name)
        snprintf(who, sizeof who, "'%.80s'", name);
    else
        snprintf(who, sizeof who, "candidate %d", candidate);
    return mx_fail_prefix(l->scope, status, who);
}

/* Trains a candidate. */
static mexpr_status teach(
    const mx_learner *l, int32_t candidate, const mx_lesson *lesson, mexpr_model **model)
{
    const mexpr_candidate *c = &l->candidates[candidate];
    const mexpr_tensor_view view = view_of(l, lesson->rows, lesson->n);
    *model = NULL;
    mexpr_status status = c->fit(
        c->user, l->context, &view, lesson->labels, l->n_classes, l->fit_seed, model);
    if (status == MEXPR_OK && !*model)
        status = mx_fail(l->scope, MEXPR_E_ARG, "fit() made no network");
    return status;
}

/* A network that has scored the fold's clips: how it was trained, and who wants to see
 * it. */
static mexpr_status show(const mx_learner *l, int32_t candidate, mexpr_model *model,
    int64_t n, const float *scores, const mx_learnt *out)
{
    mexpr_fold_network shown = l->shown;
    const mexpr_status status = mx_curve_take(l->scope, model, &out->curves[candidate]);
    if (status != MEXPR_OK || !l->watch)
        return status;
    shown.model = model;
    shown.scores = scores;
    shown.n_clips = n;
    shown.weight = out->weights[candidate];
    shown.candidate = candidate;
    return l->watch(l->watch_user, l->context, &shown);
}

/* Trains a candidate and lets it score n clips: those of the fold with `out`, and of an
 * inner fold without. */
static mexpr_status learn(const mx_learner *l, int32_t candidate, const mx_lesson *lesson,
    const float *rows, int64_t n, float *scores, const mx_learnt *out)
{
    mexpr_model *model;
    if (atomic_load(l->stop))
        return mx_fail(l->scope, MEXPR_E_CANCELLED, "another fold has failed");
    mexpr_status status = teach(l, candidate, lesson, &model);
    if (status == MEXPR_OK)
        status = apply(l, model, rows, n, scores);
    if (status == MEXPR_OK && out)
        status = show(l, candidate, model, n, scores, out);
    mexpr_model_destroy(&model);
    return say_who(l, candidate, status);
}

/* --- inner folds ------------------------------------------------------------------- */

/* The inner folds of a lesson, and the scores of its clips by networks that have not
 * been trained on them. */
typedef struct inner {
    const mx_learner *l;
    const mx_lesson *lesson;
    int32_t n_folds;
    int32_t *folds; /* of each clip */
    float *scores;  /* n_candidates × n × n_classes */
    /* One inner fold: clips that are trained on, and apart from them, out of reach of
     * fit(), those that are scored; labels and order have the former first. */
    float *rows, *held, *out;
    int32_t *labels;
    int64_t *order;
} inner;

/* Numbers the persons of a lesson from 0 on, in the order of their clips. */
static int32_t number_persons(const mx_lesson *lesson, int32_t *number)
{
    int32_t n = 0;
    for (int64_t i = 0; i < lesson->n; i++) {
        int64_t j = 0;
        while (lesson->persons[j] != lesson->persons[i])
            j++;
        number[i] = j < i ? number[j] : n++;
    }
    return n;
}

static mexpr_status deal_inner(inner *in)
{
    const mx_learner *l = in->l;
    const int32_t n_persons = number_persons(in->lesson, in->folds);
    if (n_persons < 2)
        return mx_fail(l->scope, MEXPR_E_RANGE,
            "the training clips are of one person: inner folds need two");
    int32_t *fold = mx_alloc(l->scope, (size_t)n_persons, sizeof *fold);
    if (!fold)
        return MEXPR_E_NOMEM;
    in->n_folds = l->inner_folds < n_persons ? l->inner_folds : n_persons;
    const mexpr_status status =
        mx_deal_persons(l->scope, l->seed, INNER_STREAM, n_persons, in->n_folds, fold);
    for (int64_t i = 0; i < in->lesson->n && status == MEXPR_OK; i++)
        in->folds[i] = fold[in->folds[i]];
    mx_free(l->context, fold);
    return status;
}

/* Orders the clips: those of all other inner folds first. Returns how many they are. */
static int64_t sort_clips(inner *in, int32_t fold)
{
    const mx_lesson *lesson = in->lesson;
    int64_t at = 0, n_train = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (int64_t i = 0; i < lesson->n; i++) {
            if ((in->folds[i] == fold) != (pass == 1))
                continue;
            in->labels[at] = pass == 0 ? lesson->labels[i] : -1;
            in->order[at++] = i;
        }
        n_train = pass == 0 ? at : n_train;
    }
    return n_train;
}

/* A copy of n clips from place `from` of the order on; NULL without memory. */
static float *copy_clips(const inner *in, int64_t from, int64_t n)
{
    const size_t size = in->l->clip_size;
    float *rows = mx_alloc(in->l->scope, (size_t)n, size * sizeof *rows);
    for (int64_t k = 0; rows && k < n; k++)
        memcpy(rows + (size_t)k * size,
            in->lesson->rows + (size_t)in->order[from + k] * size, size * sizeof *rows);
    return rows;
}

static void free_clips(inner *in)
{
    mx_free(in->l->context, in->rows);
    mx_free(in->l->context, in->held);
    in->rows = in->held = NULL;
}

static mexpr_status score_inner_fold(inner *in, int32_t fold)
{
    const mx_learner *l = in->l;
    const int64_t n_train = sort_clips(in, fold), n = in->lesson->n;
    in->rows = copy_clips(in, 0, n_train);
    in->held = copy_clips(in, n_train, n - n_train);
    const mx_lesson rest = {in->rows, in->labels, NULL, n_train};
    mexpr_status status = in->rows && in->held ? MEXPR_OK : MEXPR_E_NOMEM;
    for (int32_t c = 0; c < l->n_candidates && status == MEXPR_OK; c++) {
        float *scores = in->scores + c * n * l->n_classes;
        status = learn(l, c, &rest, in->held, n - n_train, in->out, NULL);
        for (int64_t k = n_train; k < n && status == MEXPR_OK; k++)
            memcpy(scores + in->order[k] * l->n_classes,
                in->out + (k - n_train) * l->n_classes,
                (size_t)l->n_classes * sizeof *scores);
    }
    free_clips(in);
    if (status != MEXPR_OK) {
        char where[64];
        snprintf(where, sizeof where, "inner fold %d of %d", fold, in->n_folds);
        mx_fail_prefix(l->scope, status, where);
    }
    return status;
}

static mexpr_status score_inner_folds(inner *in)
{
    mexpr_status status = deal_inner(in);
    for (int32_t fold = 0; fold < in->n_folds && status == MEXPR_OK; fold++)
        status = score_inner_fold(in, fold);
    return status;
}

static mexpr_status create_inner(inner *in)
{
    const mx_learner *l = in->l;
    const size_t n = (size_t)in->lesson->n, c = (size_t)l->n_classes;
    in->folds = mx_alloc(l->scope, n, sizeof *in->folds);
    in->scores = mx_calloc(l->scope, n * c, (size_t)l->n_candidates * sizeof(float));
    in->out = mx_alloc(l->scope, n * c, sizeof *in->out);
    in->labels = mx_alloc(l->scope, n, sizeof *in->labels);
    in->order = mx_alloc(l->scope, n, sizeof *in->order);
    return in->folds && in->scores && in->out && in->labels && in->order ? MEXPR_OK
                                                                         : MEXPR_E_NOMEM;
}

static void free_inner(inner *in)
{
    mexpr_context *context = in->l->context;
    mx_free(context, in->order);
    mx_free(context, in->labels);
    mx_free(context, in->out);
    mx_free(context, in->scores);
    mx_free(context, in->folds);
}

/* UF1 of each candidate over all inner folds. */
static mexpr_status measure_inner(inner *in, const mx_learnt *out)
{
    const mx_learner *l = in->l;
    const int64_t n = in->lesson->n;
    int32_t *predicted = in->labels; /* the folds are done */
    mexpr_metrics m = MEXPR_METRICS_INIT;
    mexpr_status status = MEXPR_OK;
    for (int32_t c = 0; c < l->n_candidates && status == MEXPR_OK; c++) {
        for (int64_t i = 0; i < n; i++)
            predicted[i] =
                mx_largest(in->scores + (c * n + i) * l->n_classes, l->n_classes);
        status = mexpr_metrics_compute(
            l->context, in->lesson->labels, predicted, n, l->n_classes, NULL, &m);
        out->inner[c] = m.uf1;
    }
    return status;
}

/* --- choosing and weighing --------------------------------------------------------- */

static void choose(const mx_learner *l, const mx_learnt *out)
{
    *out->chosen = 0;
    for (int32_t c = 1; c < l->n_candidates; c++)
        if (out->inner[c] > out->inner[*out->chosen])
            *out->chosen = c;
    for (int32_t c = 0; c < l->n_candidates; c++)
        out->weights[c] = c == *out->chosen;
}

static void weigh(const mx_learner *l, const mx_learnt *out)
{
    double total = 0;
    for (int32_t c = 0; c < l->n_candidates; c++)
        total += fmax(0, out->inner[c] - 1.0 / l->n_classes);
    for (int32_t c = 0; c < l->n_candidates && total > 0; c++)
        out->weights[c] = fmax(0, out->inner[c] - 1.0 / l->n_classes) / total;
}

static mexpr_status learn_weights(const inner *in, const mx_learnt *out)
{
    const mx_learner *l = in->l;
    const float *scores[MAX_CANDIDATES];
    for (int32_t c = 0; c < l->n_candidates; c++)
        scores[c] = in->scores + c * in->lesson->n * l->n_classes;
    return mexpr_fuse_learn(l->context, scores, l->n_candidates, in->lesson->n,
        l->n_classes, in->lesson->labels, out->weights);
}

static bool needs_inner(const mx_learner *l)
{
    return l->n_candidates > 1 &&
           (l->joining == MEXPR_JOINING_SELECT || l->joining == MEXPR_JOINING_WEIGHTED ||
               l->joining == MEXPR_JOINING_LEARNED);
}

static mexpr_status decide(
    const mx_learner *l, const mx_lesson *lesson, const mx_learnt *out)
{
    inner in = {.l = l, .lesson = lesson};
    *out->chosen = l->n_candidates == 1 ? 0 : -1;
    for (int32_t c = 0; c < l->n_candidates; c++) {
        out->weights[c] = 1.0 / l->n_candidates;
        out->inner[c] = (double)NAN;
    }
    if (!needs_inner(l))
        return MEXPR_OK;
    mexpr_status status = create_inner(&in);
    if (status == MEXPR_OK)
        status = score_inner_folds(&in);
    if (status == MEXPR_OK)
        status = measure_inner(&in, out);
    if (status == MEXPR_OK && l->joining == MEXPR_JOINING_SELECT)
        choose(l, out);
    else if (status == MEXPR_OK && l->joining == MEXPR_JOINING_WEIGHTED)
        weigh(l, out);
    else if (status == MEXPR_OK)
        status = learn_weights(&in, out);
    free_inner(&in);
    return status;
}

/* --- the fold ---------------------------------------------------------------------- */

static int32_t rule_of(const mx_learner *l)
{
    return l->joining == MEXPR_JOINING_PRODUCT ? MEXPR_FUSION_PRODUCT
           : l->joining == MEXPR_JOINING_MAX   ? MEXPR_FUSION_MAX
                                               : MEXPR_FUSION_MEAN;
}

static mexpr_status fuse(const mx_learner *l, const mx_lesson *lesson, const float *rows,
    int64_t n, const mx_learnt *out)
{
    const size_t size = (size_t)(n * l->n_classes);
    const float *scores[MAX_CANDIDATES];
    float *all = mx_alloc(l->scope, size, (size_t)l->n_candidates * sizeof *all);
    mexpr_status status = all ? MEXPR_OK : MEXPR_E_NOMEM;
    for (int32_t c = 0; c < l->n_candidates && status == MEXPR_OK; c++) {
        scores[c] = all + (size_t)c * size;
        status = learn(l, c, lesson, rows, n, all + (size_t)c * size, out);
    }
    if (status == MEXPR_OK)
        status = mexpr_fuse_scores(l->context, scores, l->n_candidates, n, l->n_classes,
            rule_of(l), out->weights, out->scores);
    mx_free(l->context, all);
    return status;
}

mexpr_status mx_learn_fold(const mx_learner *learner, const mx_lesson *lesson,
    const float *rows, int64_t n, const mx_learnt *out)
{
    const mexpr_status status = decide(learner, lesson, out);
    if (status != MEXPR_OK)
        return status;
    return *out->chosen < 0
               ? fuse(learner, lesson, rows, n, out)
               : learn(learner, *out->chosen, lesson, rows, n, out->scores, out);
}

/* --- for good ---------------------------------------------------------------------- */

static mexpr_status fuse_models(const mx_learner *l, const mx_lesson *lesson,
    const mx_learnt *out, mexpr_model **made)
{
    const size_t n = (size_t)l->n_candidates;
    mexpr_model **models = mx_calloc(l->scope, n, sizeof(mexpr_model *));
    mexpr_status status = models ? MEXPR_OK : MEXPR_E_NOMEM;
    for (int32_t c = 0; c < l->n_candidates && status == MEXPR_OK; c++)
        status = say_who(l, c, teach(l, c, lesson, &models[c]));
    if (status == MEXPR_OK)
        status = mexpr_fuse_models(
            l->context, models, l->n_candidates, rule_of(l), out->weights, made);
    for (int32_t c = 0; models && c < l->n_candidates; c++)
        mexpr_model_destroy(&models[c]);
    mx_free(l->context, models);
    return status;
}

mexpr_status mx_learn_model(const mx_learner *learner, const mx_lesson *lesson,
    const mx_learnt *out, mexpr_model **made)
{
    const mexpr_status status = decide(learner, lesson, out);
    if (status != MEXPR_OK)
        return status;
    return *out->chosen < 0 ? fuse_models(learner, lesson, out, made)
                            : say_who(learner, *out->chosen,
                                  teach(learner, *out->chosen, lesson, made));
}
