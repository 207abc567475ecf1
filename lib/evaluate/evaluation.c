/* SPDX-License-Identifier: MIT */
/* Cross-validation by persons or databases. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "base/option.h"
#include "base/pool.h"
#include "evaluate/fold_learner.h"
#include "evaluate/fold_maker.h"
#include "microexpr/fusion.h"

enum { MAX_CANDIDATES = 1000, MAX_SEEDS = 1000 };

/* What a worker owns. */
typedef struct worker {
    mexpr_context *context;
    mx_scope *scope; /* of that context */
    bool *held_out;  /* of each person: has a clip in the fold */
    int64_t *order;  /* clips: those that are learnt from, then those of the fold */
    int32_t failed;  /* the task that failed, with the sentence in the scope; -1: none */
    mexpr_status status;
} worker;

/* An evaluation under way. A task is a fold with a seed. */
typedef struct work {
    mx_scope *scope;
    mexpr_evaluation *e;
    mexpr_evaluate_options o;
    const mexpr_manifest *manifest;
    const mexpr_tensor_view *inputs;
    size_t clip_size; /* floats */
    const mexpr_candidate *candidates;
    int32_t n_candidates;
    mexpr_progress_fn progress;
    void *user;
    bool *passed_over; /* clips that are neither learnt from nor tested */
    worker *workers;
    int n_workers;
    atomic_int n_done;
    atomic_bool stop;
} work;

/* --- one fold ---------------------------------------------------------------------- */

/* Clips that are learnt from in front, those of the fold behind; *n of both. Returns how
 * many are learnt from. A person who has a clip in the fold is nowhere learnt from. */
static int64_t sort_clips(const work *w, worker *own, int32_t fold, int64_t *n)
{
    const mexpr_evaluation *e = w->e;
    int64_t n_train = 0;
    memset(own->held_out, 0,
        (size_t)mexpr_manifest_n_persons(w->manifest) * sizeof *own->held_out);
    for (int64_t i = 0; i < e->n; i++)
        if (e->folds[i] == fold)
            own->held_out[e->persons[i]] = true;
    for (int64_t i = 0; i < e->n; i++)
        if (!own->held_out[e->persons[i]] && !w->passed_over[i])
            own->order[n_train++] = i;
    *n = n_train;
    for (int64_t i = 0; i < e->n; i++)
        if (e->folds[i] == fold)
            own->order[(*n)++] = i;
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

/* The labels of the fold stay behind. */
static mexpr_status make_lesson(const work *w, worker *own, int64_t n, mx_lesson *lesson)
{
    float *rows = gather(w, own, 0, n);
    int32_t *labels = mx_alloc(own->scope, (size_t)n, sizeof *labels);
    int32_t *persons = mx_alloc(own->scope, (size_t)n, sizeof *persons);
    *lesson = (mx_lesson){rows, labels, persons, n};
    if (!rows || !labels || !persons)
        return MEXPR_E_NOMEM;
    for (int64_t k = 0; k < n; k++) {
        labels[k] = w->e->labels[own->order[k]];
        persons[k] = w->e->persons[own->order[k]];
    }
    return MEXPR_OK;
}

static void free_lesson(worker *own, mx_lesson *lesson)
{
    mx_free(own->context, (void *)lesson->persons);
    mx_free(own->context, (void *)lesson->labels);
    mx_free(own->context, (void *)lesson->rows);
}

static mx_learner learner_of(
    const work *w, const worker *own, int32_t fold, int32_t seed, int64_t n_train)
{
    return (mx_learner){.context = own->context,
        .scope = own->scope,
        .inputs = w->inputs,
        .clip_size = w->clip_size,
        .n_classes = w->e->n_classes,
        .candidates = w->candidates,
        .n_candidates = w->n_candidates,
        .joining = w->o.joining,
        .inner_folds = w->o.inner_folds,
        .seed = w->o.seed,
        .fit_seed = w->o.seed + (uint64_t)seed,
        .stop = &w->stop,
        .watch = w->o.watch,
        .watch_user = w->o.watch_user,
        .shown = {.struct_size = sizeof(mexpr_fold_network),
            .clips = own->order + n_train,
            .seed = seed,
            .fold = fold}};
}

static void keep_scores(const work *w, const worker *own, int32_t seed, int64_t from,
    int64_t n, const float *scores)
{
    mexpr_evaluation *e = w->e;
    const int64_t set = mx_evaluation_set(e, seed);
    for (int64_t k = 0; k < n; k++) {
        const int64_t at = set + own->order[from + k];
        memcpy(e->scores + at * e->n_classes, scores + k * e->n_classes,
            (size_t)e->n_classes * sizeof *scores);
        e->predicted[at] = mx_largest(scores + k * e->n_classes, e->n_classes);
    }
}

static mexpr_status run_fold(const work *w, worker *own, int32_t fold, int32_t seed)
{
    mexpr_evaluation *e = w->e;
    int64_t n_all;
    const int64_t n_train = sort_clips(w, own, fold, &n_all), n = n_all - n_train;
    const size_t at = (size_t)seed * (size_t)e->n_folds + (size_t)fold;
    mx_lesson lesson = {0};
    if (n == 0) /* a fold without clips */
        return MEXPR_OK;
    if (n_train == 0)
        return mx_fail(own->scope, MEXPR_E_RANGE, "nothing is left to train on");
    const mx_learner learner = learner_of(w, own, fold, seed, n_train);
    float *rows = gather(w, own, n_train, n);
    const mx_learnt out = {
        mx_alloc(own->scope, (size_t)(n * e->n_classes), sizeof(float)), e->chosen + at,
        e->weights + at * (size_t)e->n_candidates,
        e->inner + at * (size_t)e->n_candidates,
        e->curves + at * (size_t)e->n_candidates};
    mexpr_status status =
        rows && out.scores ? make_lesson(w, own, n_train, &lesson) : MEXPR_E_NOMEM;
    if (status == MEXPR_OK)
        status = mx_learn_fold(&learner, &lesson, rows, n, &out);
    if (status == MEXPR_OK)
        keep_scores(w, own, seed, n_train, n, out.scores);
    free_lesson(own, &lesson);
    mx_free(own->context, out.scores);
    mx_free(own->context, rows);
    return status;
}

/* --- all folds --------------------------------------------------------------------- */

/* Progress is told by the calling thread alone, which is worker 0. */
static mexpr_status tell(work *w, worker *own, int done)
{
    if (own != w->workers || !w->progress ||
        !w->progress(
            w->user, (uint64_t)done, (uint64_t)w->e->n_folds * (uint64_t)w->e->n_seeds))
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
            w->o.protocol == MEXPR_PROTOCOL_HOLDOUT ? w->o.test_dataset
            : w->o.protocol == MEXPR_PROTOCOL_LOSO
                ? mexpr_manifest_person(w->manifest, fold)
                : mexpr_manifest_dataset(w->manifest, fold));
    mx_fail_prefix(own->scope, own->status, where);
}

static void run_task(void *arg, int task, int index)
{
    work *w = arg;
    worker *own = &w->workers[index];
    const int32_t fold = task % w->e->n_folds;
    if (atomic_load(&w->stop))
        return;
    own->status = run_fold(w, own, fold, task / w->e->n_folds);
    if (own->status != MEXPR_OK)
        say_where(w, own, fold);
    const int done = atomic_fetch_add(&w->n_done, 1) + 1;
    if (own->status == MEXPR_OK)
        own->status = tell(w, own, done);
    if (own->status != MEXPR_OK) {
        /* What only stopped because another failed is not what is to be told. */
        own->failed =
            own->status == MEXPR_E_CANCELLED && atomic_load(&w->stop) ? -1 : task;
        atomic_store(&w->stop, true);
    }
}

static mexpr_status create_workers(work *w)
{
    const int threads = mexpr_context_threads(w->scope->context);
    const size_t n = (size_t)w->e->n;
    const size_t n_persons = (size_t)mexpr_manifest_n_persons(w->manifest);
    const int64_t n_tasks = (int64_t)w->e->n_folds * w->e->n_seeds;
    w->n_workers = threads < n_tasks ? threads : (int)n_tasks;
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
        own->held_out = mx_alloc(w->scope, n_persons, sizeof *own->held_out);
        if (!own->order || !own->held_out)
            status = MEXPR_E_NOMEM;
    }
    return status;
}

static void free_workers(work *w)
{
    for (int k = 0; w->workers && k < w->n_workers; k++) {
        mx_free(w->scope->context, w->workers[k].held_out);
        mx_free(w->scope->context, w->workers[k].order);
        mexpr_context_destroy(&w->workers[k].context);
    }
    mx_free(w->scope->context, w->workers);
    mx_free(w->scope->context, w->passed_over);
}

static mexpr_status run_folds(work *w)
{
    const worker *first = NULL;
    mx_parallel_for(
        w->scope->context, w->n_workers, w->e->n_folds * w->e->n_seeds, run_task, w);
    for (int k = 0; k < w->n_workers; k++) {
        const worker *own = &w->workers[k];
        if (own->failed >= 0 && (!first || own->failed < first->failed))
            first = own;
    }
    return first ? mx_fail(w->scope, first->status, "%s", first->scope->error)
                 : mx_evaluation_join_seeds(w->scope, w->e);
}

/* --- arguments --------------------------------------------------------------------- */

static mexpr_status read_options(
    mx_scope *scope, const mexpr_evaluate_options *options, mexpr_evaluate_options *o)
{
    mexpr_status status = mx_options_copy(scope, options, sizeof *o, o, sizeof *o);
    if (status == MEXPR_OK)
        status = mx_option_i32(scope, "protocol", &o->protocol, MEXPR_PROTOCOL_LOSO,
            MEXPR_PROTOCOL_LOSO, MEXPR_PROTOCOL_HOLDOUT);
    if (status == MEXPR_OK)
        status = mx_option_i32(scope, "n_folds", &o->n_folds, 10, 2, INT32_MAX);
    if (status == MEXPR_OK)
        status = mx_option_i32(scope, "n_seeds", &o->n_seeds, 1, 1, MAX_SEEDS);
    if (status == MEXPR_OK)
        status = mx_option_i32(scope, "joining", &o->joining, MEXPR_JOINING_SELECT,
            MEXPR_JOINING_SELECT, MEXPR_JOINING_LEARNED);
    if (status == MEXPR_OK)
        status = mx_option_i32(scope, "inner_folds", &o->inner_folds, 5, 2, INT32_MAX);
    if (status == MEXPR_OK && (o->train_dataset || o->test_dataset) &&
        o->protocol != MEXPR_PROTOCOL_HOLDOUT)
        status = mx_fail(scope, MEXPR_E_ARG,
            "train_dataset and test_dataset are for MEXPR_PROTOCOL_HOLDOUT");
    return status;
}

static mexpr_status check_candidates(const work *w)
{
    if (!w->candidates || w->n_candidates < 1)
        return mx_fail(w->scope, MEXPR_E_ARG, "there are no candidates");
    if (w->n_candidates > MAX_CANDIDATES)
        return mx_fail(w->scope, MEXPR_E_RANGE, "%d candidates; there may be 1 to %d",
            w->n_candidates, MAX_CANDIDATES);
    for (int32_t k = 0; k < w->n_candidates; k++)
        if (!w->candidates[k].fit)
            return mx_fail(
                w->scope, MEXPR_E_ARG, "candidate %d has no function that trains", k);
    return MEXPR_OK;
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
    e->n_seeds = w->o.n_seeds;
    e->n_candidates = w->n_candidates;
    const size_t n = (size_t)e->n, sets = (size_t)mx_evaluation_set(e, e->n_seeds);
    e->labels = mx_calloc(w->scope, n, sizeof *e->labels);
    e->persons = mx_calloc(w->scope, n, sizeof *e->persons);
    e->datasets = mx_calloc(w->scope, n, sizeof *e->datasets);
    e->folds = mx_calloc(w->scope, n, sizeof *e->folds);
    e->predicted = mx_calloc(w->scope, sets, sizeof *e->predicted);
    e->scores = mx_calloc(w->scope, sets, (size_t)e->n_classes * sizeof *e->scores);
    w->passed_over = mx_calloc(w->scope, n, sizeof *w->passed_over);
    return e->labels && e->persons && e->datasets && e->folds && e->predicted &&
                   e->scores && w->passed_over
               ? MEXPR_OK
               : MEXPR_E_NOMEM;
}

/* What is known of each fold with each seed. */
static mexpr_status create_decisions(work *w)
{
    mexpr_evaluation *e = w->e;
    const size_t n = (size_t)e->n_folds * (size_t)e->n_seeds;
    const size_t n_weights = n * (size_t)e->n_candidates;
    if (n > INT32_MAX)
        return mx_fail(w->scope, MEXPR_E_LIMIT, "%d folds with %d seeds are too many",
            e->n_folds, e->n_seeds);
    e->chosen = mx_calloc(w->scope, n, sizeof *e->chosen);
    e->weights = mx_calloc(w->scope, n_weights, sizeof *e->weights);
    e->inner = mx_calloc(w->scope, n_weights, sizeof *e->inner);
    e->curves = mx_calloc(w->scope, n_weights, sizeof *e->curves);
    return e->chosen && e->weights && e->inner && e->curves ? MEXPR_OK : MEXPR_E_NOMEM;
}

static mexpr_status evaluate(work *w)
{
    mexpr_status status = create(w);
    if (status == MEXPR_OK)
        status = read_records(w);
    if (status == MEXPR_OK)
        status = mx_make_folds(w->scope, w->manifest, &w->o, w->e, w->passed_over);
    if (status == MEXPR_OK)
        status = create_decisions(w);
    if (status == MEXPR_OK)
        status = create_workers(w);
    return status == MEXPR_OK ? run_folds(w) : status;
}

/* --- for good ---------------------------------------------------------------------- */

/* One network for each seed; weights of all are added up. */
static mexpr_status fit_seeds(const work *w, worker *own, const mx_lesson *lesson,
    double *weights, mexpr_model **made)
{
    const mexpr_evaluation *e = w->e;
    const size_t n = (size_t)e->n_candidates;
    int32_t chosen;
    double *room = mx_alloc(own->scope, n, 2 * sizeof *room);
    if (!room)
        return MEXPR_E_NOMEM;
    const mx_learnt out = {NULL, &chosen, room, room + n, NULL};
    mexpr_status status = MEXPR_OK;
    for (int32_t seed = 0; seed < e->n_seeds && status == MEXPR_OK; seed++) {
        const mx_learner learner = learner_of(w, own, 0, seed, 0);
        status = mx_learn_model(&learner, lesson, &out, &made[seed]);
        for (size_t k = 0; weights && k < n && status == MEXPR_OK; k++)
            weights[k] = (seed > 0 ? weights[k] : 0) + room[k] / e->n_seeds;
    }
    mx_free(own->context, room);
    return status;
}

static mexpr_status fit_all(
    work *w, worker *own, const mx_lesson *lesson, double *weights, mexpr_model **out)
{
    const int32_t n = w->e->n_seeds;
    mexpr_model **made = mx_calloc(own->scope, (size_t)n, sizeof(mexpr_model *));
    if (!made)
        return MEXPR_E_NOMEM;
    mexpr_status status = fit_seeds(w, own, lesson, weights, made);
    if (status == MEXPR_OK && n == 1)
        *out = mexpr_model_retain(made[0]);
    else if (status == MEXPR_OK)
        status = mexpr_fuse_models(own->context, made, n, MEXPR_FUSION_MEAN, NULL, out);
    for (int32_t k = 0; k < n; k++)
        mexpr_model_destroy(&made[k]);
    mx_free(own->context, made);
    return status;
}

/* All clips are one lesson. */
static mexpr_status fit_clips(work *w, double *weights, mexpr_model **out)
{
    worker own = {.context = w->scope->context, .scope = w->scope};
    mx_lesson lesson = {0};
    mexpr_status status = create(w);
    if (status == MEXPR_OK)
        status = read_records(w);
    if (status != MEXPR_OK)
        return status;
    own.order = mx_alloc(w->scope, (size_t)w->e->n, sizeof *own.order);
    for (int64_t k = 0; own.order && k < w->e->n; k++)
        own.order[k] = k;
    status = own.order ? make_lesson(w, &own, w->e->n, &lesson) : MEXPR_E_NOMEM;
    if (status == MEXPR_OK)
        status = fit_all(w, &own, &lesson, weights, out);
    free_lesson(&own, &lesson);
    mx_free(w->scope->context, own.order);
    return status;
}

/* --- the door ---------------------------------------------------------------------- */

static mexpr_status check_request(work *w, const mexpr_evaluate_options *options)
{
    if (!w->manifest || !w->inputs || !w->inputs->data)
        return mx_fail(
            w->scope, MEXPR_E_ARG, "there is no manifest or there are no inputs");
    mexpr_status status = check_candidates(w);
    if (status == MEXPR_OK)
        status = read_options(w->scope, options, &w->o);
    return status == MEXPR_OK ? check_inputs(w) : status;
}

mexpr_status mexpr_evaluate_candidates(mexpr_context *context,
    const mexpr_manifest *manifest, const mexpr_tensor_view *inputs,
    const mexpr_candidate *candidates, int32_t n_candidates,
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
        .candidates = candidates,
        .n_candidates = n_candidates,
        .progress = progress,
        .user = user};
    mexpr_status status = check_request(&w, options);
    if (status == MEXPR_OK)
        status = evaluate(&w);
    free_workers(&w);
    if (status != MEXPR_OK)
        mexpr_evaluation_destroy(&w.e);
    *out = w.e;
    return status;
}

mexpr_status mexpr_evaluate(mexpr_context *context, const mexpr_manifest *manifest,
    const mexpr_tensor_view *inputs, mexpr_fit_fn fit,
    const mexpr_evaluate_options *options, mexpr_progress_fn progress, void *user,
    mexpr_evaluation **out)
{
    const mexpr_candidate one = {NULL, fit, user};
    return mexpr_evaluate_candidates(
        context, manifest, inputs, &one, 1, options, progress, user, out);
}

mexpr_status mexpr_fit_candidates(mexpr_context *context, const mexpr_manifest *manifest,
    const mexpr_tensor_view *inputs, const mexpr_candidate *candidates,
    int32_t n_candidates, const mexpr_evaluate_options *options, double *weights,
    mexpr_model **out)
{
    if (!out)
        return MEXPR_E_ARG;
    *out = NULL;
    if (!context)
        return MEXPR_E_ARG;
    work w = {.scope = mx_context_scope(context),
        .o = MEXPR_EVALUATE_OPTIONS_INIT,
        .manifest = manifest,
        .inputs = inputs,
        .candidates = candidates,
        .n_candidates = n_candidates};
    mexpr_status status = check_request(&w, options);
    if (status == MEXPR_OK)
        status = fit_clips(&w, weights, out);
    free_workers(&w);
    mexpr_evaluation_destroy(&w.e);
    return status;
}
