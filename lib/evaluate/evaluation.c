/* SPDX-License-Identifier: MIT */
/* Cross-validation by persons or databases. */
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "base/option.h"
#include "base/pool.h"
#include "base/rng.h"
#include "microexpr/evaluate.h"

struct mexpr_evaluation {
    mexpr_context *context; /* retained */
    int64_t n;
    int32_t n_classes, n_folds, n_datasets;
    int32_t *labels, *persons, *datasets, *folds, *predicted; /* of each clip */
    float *scores;
};

/* What a worker owns. */
typedef struct worker {
    mexpr_context *context;
    mx_scope *scope; /* of that context */
    int64_t *order;  /* clips: those that are trained on, then those of the fold */
    int32_t failed;  /* the fold that failed, with the sentence in the scope; -1: none */
    mexpr_status status;
} worker;

/* An evaluation under way. */
typedef struct work {
    mx_scope *scope;
    mexpr_evaluation *e;
    mexpr_evaluate_options o;
    const mexpr_manifest *manifest;
    const mexpr_tensor_view *inputs;
    size_t clip_size; /* floats */
    mexpr_fit_fn fit;
    mexpr_progress_fn progress;
    void *user;
    worker *workers;
    int n_workers;
    atomic_int n_done;
    atomic_bool stop;
} work;

/* --- folds ------------------------------------------------------------------------- */

/* Deals persons, shuffled, out to n_folds. */
static mexpr_status deal(work *w, int32_t n_persons)
{
    mexpr_evaluation *e = w->e;
    int32_t *order = mx_alloc(w->scope, (size_t)n_persons, 2 * sizeof *order);
    if (!order)
        return MEXPR_E_NOMEM;
    int32_t *fold = order + n_persons;
    mx_rng rng;
    mx_rng_seed(&rng, w->o.seed, 1);
    for (int32_t k = 0; k < n_persons; k++)
        order[k] = k;
    for (int32_t k = n_persons - 1; k > 0; k--) {
        const uint32_t other = mx_rng_below(&rng, (uint32_t)k + 1);
        const int32_t t = order[k];
        order[k] = order[other];
        order[other] = t;
    }
    for (int32_t k = 0; k < n_persons; k++)
        fold[order[k]] = k % w->o.n_folds;
    for (int64_t i = 0; i < e->n; i++)
        e->folds[i] = fold[e->persons[i]];
    mx_free(w->scope->context, order);
    e->n_folds = w->o.n_folds;
    return MEXPR_OK;
}

static mexpr_status make_folds(work *w)
{
    mexpr_evaluation *e = w->e;
    const int32_t n_persons = mexpr_manifest_n_persons(w->manifest);
    const size_t bytes = (size_t)e->n * sizeof *e->folds;
    mexpr_status status = MEXPR_OK;
    if (w->o.protocol == MEXPR_PROTOCOL_LOSO) {
        memcpy(e->folds, e->persons, bytes);
        e->n_folds = n_persons;
    } else if (w->o.protocol == MEXPR_PROTOCOL_DATASET) {
        memcpy(e->folds, e->datasets, bytes);
        e->n_folds = e->n_datasets;
    } else if (w->o.n_folds > n_persons) {
        status = mx_fail(
            w->scope, MEXPR_E_RANGE, "%d folds of %d persons", w->o.n_folds, n_persons);
    } else {
        status = deal(w, n_persons);
    }
    if (status == MEXPR_OK && e->n_folds < 2)
        status = mx_fail(w->scope, MEXPR_E_RANGE,
            "everything is one fold: nothing is left to train on");
    return status;
}

/* --- one fold ---------------------------------------------------------------------- */

/* Training clips in front, those of the fold behind. Returns how many are trained on. */
static int64_t sort_clips(const work *w, worker *own, int32_t fold)
{
    int64_t at = 0, n_train = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (int64_t i = 0; i < w->e->n; i++)
            if ((w->e->folds[i] == fold) == (pass == 1))
                own->order[at++] = i;
        n_train = pass == 0 ? at : n_train;
    }
    return n_train;
}

/* Inputs of n clips in a block that holds no others, not even behind its end. */
static float *gather(const work *w, worker *own, int64_t from, int64_t n)
{
    float *rows = mx_alloc(own->scope, (size_t)n * w->clip_size, sizeof *rows);
    for (int64_t k = 0; rows && k < n; k++)
        memcpy(rows + (size_t)k * w->clip_size,
            (const float *)w->inputs->data + (size_t)own->order[from + k] * w->clip_size,
            w->clip_size * sizeof *rows);
    return rows;
}

static int32_t largest(const float *scores, int32_t n)
{
    int32_t best = 0;
    for (int32_t k = 1; k < n; k++)
        best = scores[k] > scores[best] ? k : best;
    return best;
}

static mexpr_status read_scores(
    const work *w, worker *own, mexpr_session *session, int64_t from)
{
    mexpr_evaluation *e = w->e;
    mexpr_tensor_view out = MEXPR_TENSOR_VIEW_INIT;
    const mexpr_status status = mexpr_session_output(session, NULL, &out);
    if (status != MEXPR_OK)
        return mx_fail(own->scope, status, "%s", mexpr_session_last_error(session));
    if (out.dtype != MEXPR_DTYPE_F32 || out.rank != 2 || out.dims[0] != e->n - from ||
        out.dims[1] != e->n_classes)
        return mx_fail(own->scope, MEXPR_E_SHAPE,
            "the trained network does not give %d float32 scores for every clip",
            e->n_classes);
    for (int64_t k = from; k < e->n; k++) {
        float *scores = e->scores + own->order[k] * e->n_classes;
        memcpy(scores, (const float *)out.data + (k - from) * e->n_classes,
            (size_t)e->n_classes * sizeof *scores);
        e->predicted[own->order[k]] = largest(scores, e->n_classes);
    }
    return MEXPR_OK;
}

static mexpr_status apply_to(
    const work *w, worker *own, mexpr_session *session, int64_t from)
{
    mexpr_tensor_view view = *w->inputs;
    float *rows = gather(w, own, from, w->e->n - from);
    if (!rows)
        return MEXPR_E_NOMEM;
    view.dims[0] = w->e->n - from;
    view.data = rows;
    mexpr_status status = mexpr_session_set_input(session, NULL, &view);
    if (status == MEXPR_OK)
        status = mexpr_session_run(session);
    status = status == MEXPR_OK
                 ? read_scores(w, own, session, from)
                 : mx_fail(own->scope, status, "%s", mexpr_session_last_error(session));
    mx_free(own->context, rows);
    return status;
}

static mexpr_status apply(const work *w, worker *own, mexpr_model *model, int64_t from)
{
    mexpr_session *session;
    mexpr_status status = mexpr_session_create(model, &session);
    if (status != MEXPR_OK)
        return mx_fail(own->scope, status, "no session for the network could be made");
    status = apply_to(w, own, session, from);
    mexpr_session_destroy(&session);
    return status;
}

/* Nothing of the fold is in memory that fit() is given. */
static mexpr_status train(const work *w, worker *own, int64_t n, mexpr_model **model)
{
    mexpr_tensor_view view = *w->inputs;
    float *rows = gather(w, own, 0, n);
    int32_t *labels = mx_alloc(own->scope, (size_t)n, sizeof *labels);
    mexpr_status status = rows && labels ? MEXPR_OK : MEXPR_E_NOMEM;
    if (status == MEXPR_OK) {
        for (int64_t k = 0; k < n; k++)
            labels[k] = w->e->labels[own->order[k]];
        view.dims[0] = n;
        view.data = rows;
        status = w->fit(
            w->user, own->context, &view, labels, w->e->n_classes, w->o.seed, model);
        if (status == MEXPR_OK && !*model)
            status = mx_fail(own->scope, MEXPR_E_ARG, "fit() made no network");
    }
    mx_free(own->context, labels);
    mx_free(own->context, rows);
    return status;
}

static mexpr_status run_fold(const work *w, worker *own, int32_t fold)
{
    const int64_t n_train = sort_clips(w, own, fold);
    mexpr_model *model = NULL;
    if (n_train == w->e->n) /* a fold without clips */
        return MEXPR_OK;
    mexpr_status status = train(w, own, n_train, &model);
    if (status == MEXPR_OK)
        status = apply(w, own, model, n_train);
    mexpr_model_destroy(&model);
    return status;
}

/* --- all folds --------------------------------------------------------------------- */

/* Progress is told by the calling thread alone, which is worker 0. */
static mexpr_status tell(work *w, worker *own, int done)
{
    if (own != w->workers || !w->progress ||
        !w->progress(w->user, (uint64_t)done, (uint64_t)w->e->n_folds))
        return MEXPR_OK;
    return mx_fail(own->scope, MEXPR_E_CANCELLED,
        "the progress callback asked to stop the evaluation");
}

/* Puts before the sentence who or what was held out. */
static void say_where(const work *w, worker *own, int32_t fold)
{
    char where[128];
    if (w->o.protocol == MEXPR_PROTOCOL_KFOLD)
        snprintf(where, sizeof where, "fold %d of %d held out", fold, w->e->n_folds);
    else
        snprintf(where, sizeof where, "'%.80s' held out",
            w->o.protocol == MEXPR_PROTOCOL_LOSO
                ? mexpr_manifest_person(w->manifest, fold)
                : mexpr_manifest_dataset(w->manifest, fold));
    mx_fail_prefix(own->scope, own->status, where);
}

static void run_index(void *arg, int fold, int index)
{
    work *w = arg;
    worker *own = &w->workers[index];
    if (atomic_load(&w->stop))
        return;
    own->status = run_fold(w, own, fold);
    if (own->status != MEXPR_OK)
        say_where(w, own, fold);
    const int done = atomic_fetch_add(&w->n_done, 1) + 1;
    if (own->status == MEXPR_OK)
        own->status = tell(w, own, done);
    if (own->status != MEXPR_OK) {
        own->failed = fold;
        atomic_store(&w->stop, true);
    }
}

static mexpr_status create_workers(work *w)
{
    const int threads = mexpr_context_threads(w->scope->context);
    const size_t n = (size_t)w->e->n;
    w->n_workers = threads < w->e->n_folds ? threads : w->e->n_folds;
    w->workers = mx_calloc(w->scope, (size_t)threads, sizeof *w->workers);
    if (!w->workers)
        return MEXPR_E_NOMEM;
    mexpr_status status = MEXPR_OK;
    for (int k = 0; k < w->n_workers && status == MEXPR_OK; k++) {
        worker *own = &w->workers[k];
        own->failed = -1;
        status = mx_context_alone(w->scope, &own->context);
        if (status != MEXPR_OK)
            return status;
        own->scope = mx_context_scope(own->context);
        own->order = mx_alloc(w->scope, n, sizeof *own->order);
        if (!own->order)
            status = MEXPR_E_NOMEM;
    }
    return status;
}

static void free_workers(work *w)
{
    for (int k = 0; w->workers && k < w->n_workers; k++) {
        mx_free(w->scope->context, w->workers[k].order);
        mexpr_context_destroy(&w->workers[k].context);
    }
    mx_free(w->scope->context, w->workers);
}

static mexpr_status run_folds(work *w)
{
    const worker *first = NULL;
    mx_parallel_for(w->scope->context, w->n_workers, w->e->n_folds, run_index, w);
    for (int k = 0; k < w->n_workers; k++) {
        const worker *own = &w->workers[k];
        if (own->failed >= 0 && (!first || own->failed < first->failed))
            first = own;
    }
    return first ? mx_fail(w->scope, first->status, "%s", first->scope->error) : MEXPR_OK;
}

/* --- arguments --------------------------------------------------------------------- */

static mexpr_status read_options(
    mx_scope *scope, const mexpr_evaluate_options *options, mexpr_evaluate_options *o)
{
    mexpr_status status = mx_options_copy(scope, options, sizeof *o, o, sizeof *o);
    if (status == MEXPR_OK)
        status = mx_option_i32(scope, "protocol", &o->protocol, MEXPR_PROTOCOL_LOSO,
            MEXPR_PROTOCOL_LOSO, MEXPR_PROTOCOL_DATASET);
    if (status == MEXPR_OK)
        status = mx_option_i32(scope, "n_folds", &o->n_folds, 10, 2, INT32_MAX);
    return status;
}

static mexpr_status check_inputs(work *w)
{
    const mexpr_tensor_view *in = w->inputs;
    const int64_t n = mexpr_manifest_n_clips(w->manifest);
    const mexpr_status status =
        mx_out_struct_check(w->scope, in->struct_size, sizeof *in);
    if (status != MEXPR_OK)
        return status;
    if (in->dtype != MEXPR_DTYPE_F32)
        return mx_fail(w->scope, MEXPR_E_TYPE, "the inputs must be float32");
    if (in->rank < 2 || in->rank > MEXPR_MAX_RANK || in->dims[0] != n || n < 1)
        return mx_fail(w->scope, MEXPR_E_SHAPE,
            "the inputs are of %lld clips, the manifest of %lld",
            (long long)(in->rank > 0 ? in->dims[0] : 0), (long long)n);
    w->clip_size = 1;
    for (int32_t k = 1; k < in->rank; k++)
        if (in->dims[k] < 1 ||
            !mx_mul_size(w->clip_size, (size_t)in->dims[k], &w->clip_size))
            return mx_fail(w->scope, MEXPR_E_SHAPE, "the inputs' shape has no elements");
    size_t size = w->clip_size;
    if (!mx_mul_size(size, (size_t)n, &size) ||
        size > mx_context_limits(w->scope->context)->tensor_bytes / sizeof(float))
        return mx_fail(w->scope, MEXPR_E_LIMIT,
            "the inputs are larger than max_tensor_bytes; raise it in the context "
            "options");
    const float *values = in->data;
    for (size_t k = 0; k < size; k++)
        if (!isfinite(values[k]))
            return mx_fail(w->scope, MEXPR_E_RANGE, "the input of clip %zu is not finite",
                k / w->clip_size);
    return MEXPR_OK;
}

static mexpr_status read_records(work *w)
{
    mexpr_evaluation *e = w->e;
    for (int64_t i = 0; i < e->n; i++) {
        mexpr_record r = MEXPR_RECORD_INIT;
        mexpr_manifest_clip(w->manifest, i, &r);
        if (r.label < 0)
            return mx_fail(
                w->scope, MEXPR_E_RANGE, "line %d of the manifest has no label", r.line);
        e->labels[i] = r.label;
        e->persons[i] = r.person;
        e->datasets[i] = r.dataset_index;
    }
    return MEXPR_OK;
}

static mexpr_status create(work *w)
{
    mexpr_evaluation *e = mx_calloc(w->scope, 1, sizeof *e);
    if (!e)
        return MEXPR_E_NOMEM;
    w->e = e;
    e->context = mx_context_retain(w->scope->context);
    e->n = mexpr_manifest_n_clips(w->manifest);
    e->n_classes = mexpr_manifest_n_classes(w->manifest);
    e->n_datasets = mexpr_manifest_n_datasets(w->manifest);
    const size_t n = (size_t)e->n;
    e->labels = mx_calloc(w->scope, n, sizeof *e->labels);
    e->persons = mx_calloc(w->scope, n, sizeof *e->persons);
    e->datasets = mx_calloc(w->scope, n, sizeof *e->datasets);
    e->folds = mx_calloc(w->scope, n, sizeof *e->folds);
    e->predicted = mx_calloc(w->scope, n, sizeof *e->predicted);
    e->scores = mx_calloc(w->scope, n * (size_t)e->n_classes, sizeof *e->scores);
    return e->labels && e->persons && e->datasets && e->folds && e->predicted && e->scores
               ? MEXPR_OK
               : MEXPR_E_NOMEM;
}

static mexpr_status evaluate(work *w)
{
    mexpr_status status = check_inputs(w);
    if (status == MEXPR_OK)
        status = create(w);
    if (status == MEXPR_OK)
        status = read_records(w);
    if (status == MEXPR_OK)
        status = make_folds(w);
    if (status == MEXPR_OK)
        status = create_workers(w);
    return status == MEXPR_OK ? run_folds(w) : status;
}

/* --- the door ---------------------------------------------------------------------- */

mexpr_status mexpr_evaluate(mexpr_context *context, const mexpr_manifest *manifest,
    const mexpr_tensor_view *inputs, mexpr_fit_fn fit,
    const mexpr_evaluate_options *options, mexpr_progress_fn progress, void *user,
    mexpr_evaluation **out)
{
    if (!out)
        return MEXPR_E_ARG;
    *out = NULL;
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    work w = {.scope = scope,
        .o = MEXPR_EVALUATE_OPTIONS_INIT,
        .manifest = manifest,
        .inputs = inputs,
        .fit = fit,
        .progress = progress,
        .user = user};
    if (!manifest || !inputs || !inputs->data || !fit)
        return mx_fail(scope, MEXPR_E_ARG, "mexpr_evaluate() was given NULL");
    mexpr_status status = read_options(scope, options, &w.o);
    if (status == MEXPR_OK)
        status = evaluate(&w);
    free_workers(&w);
    if (status != MEXPR_OK)
        mexpr_evaluation_destroy(&w.e);
    *out = w.e;
    return status;
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
    mx_free(context, e);
    mx_context_release(context);
}

static bool has_clip(const mexpr_evaluation *e, int64_t clip)
{
    return e && clip >= 0 && clip < e->n;
}

int32_t mexpr_evaluation_n_folds(const mexpr_evaluation *evaluation)
{
    return evaluation ? evaluation->n_folds : 0;
}

int32_t mexpr_evaluation_fold(const mexpr_evaluation *evaluation, int64_t clip)
{
    return has_clip(evaluation, clip) ? evaluation->folds[clip] : -1;
}

int32_t mexpr_evaluation_predicted(const mexpr_evaluation *evaluation, int64_t clip)
{
    return has_clip(evaluation, clip) ? evaluation->predicted[clip] : -1;
}

const float *mexpr_evaluation_scores(const mexpr_evaluation *evaluation, int64_t clip)
{
    return has_clip(evaluation, clip) ? evaluation->scores + clip * evaluation->n_classes
                                      : NULL;
}

mexpr_status mexpr_evaluation_metrics(mexpr_context *context,
    const mexpr_evaluation *evaluation, int32_t dataset, int64_t *confusion,
    mexpr_metrics *metrics)
{
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    const mexpr_evaluation *e = evaluation;
    if (!e || dataset < -1 || dataset >= e->n_datasets)
        return mx_fail(scope, MEXPR_E_ARG, "there is no such evaluation or database");
    int32_t *pairs = mx_alloc(scope, (size_t)e->n, 2 * sizeof *pairs);
    if (!pairs)
        return MEXPR_E_NOMEM;
    int64_t n = 0;
    for (int64_t i = 0; i < e->n; i++)
        if (dataset < 0 || e->datasets[i] == dataset) {
            pairs[n] = e->labels[i];
            pairs[e->n + n++] = e->predicted[i];
        }
    const mexpr_status status = mexpr_metrics_compute(
        context, pairs, pairs + e->n, n, e->n_classes, confusion, metrics);
    mx_free(context, pairs);
    return status;
}

mexpr_status mexpr_evaluation_interval(mexpr_context *context,
    const mexpr_evaluation *evaluation, mexpr_metrics *low, mexpr_metrics *high)
{
    if (!context)
        return MEXPR_E_ARG;
    const mexpr_evaluation *e = evaluation;
    if (!e)
        return mx_fail(
            mx_context_scope(context), MEXPR_E_ARG, "the evaluation must not be NULL");
    return mexpr_metrics_interval(context, e->labels, e->predicted, e->persons, e->n,
        e->n_classes, 0, 0, 0, low, high);
}
