/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "train/trainer_parts.h"

/* --- life --------------------------------------------------------------------------- */

static bool is_prepared(const mexpr_model *model)
{
    return mexpr_model_metadata(model, MX_PREPARED) != NULL;
}

/* What a trainer made takes clips as they are. */
static void compose(mexpr_trainer *t, const mexpr_model *model)
{
    const mexpr_trainer_options *o = &t->o;
    const char *planes = mexpr_model_metadata(model, "microexpr.planes");
    const char *system = mexpr_model_metadata(model, "microexpr.system");
    t->composition =
        (mx_composition){.recipe = is_prepared(model) ? NULL : mx_recipe_find(system),
            .normalisation = o->normalisation,
            .is_mirrored = o->is_mirrored,
            .labels = o->labels,
            .n_classes = t->n_classes};
    t->is_flow = t->composition.recipe || o->is_mirrored ||
                 o->normalisation == MEXPR_NORMALISATION_FLOW ||
                 (planes && strcmp(planes, "u,v,strain") == 0);
}

static mexpr_status check_model(
    mx_scope *scope, const mexpr_trainer *t, const mexpr_model *model)
{
    const mx_recipe *recipe = t->composition.recipe;
    const int32_t n = mexpr_model_n_inputs(model);
    if (is_prepared(model) &&
        (t->o.normalisation == MEXPR_NORMALISATION_FLOW || t->o.is_mirrored))
        return mx_fail(scope, MEXPR_E_STATE,
            "the network has been trained before and prepares its clips inside: "
            "normalisation 'flow' and is_mirrored would be done twice");
    if (!recipe && n != 1)
        return mx_fail(scope, MEXPR_E_SHAPE,
            "the network has %d inputs; those that are no system of ours need one", n);
    if (model->graph.n_gates > 0)
        return mx_fail(
            scope, MEXPR_E_OPERATOR, "a network with If or Loop cannot be trained");
    return MEXPR_OK;
}

static mexpr_status make_net(mx_scope *scope, mexpr_trainer *t, const mexpr_model *model)
{
    mexpr_model *training = NULL;
    mexpr_status status = mx_compose_training(scope, model, &t->composition, &training);
    if (status == MEXPR_OK) {
        t->max_batch = t->o.batch < t->n ? t->o.batch : t->n;
        t->n_outputs = mexpr_model_n_outputs(training);
        status = mx_net_create(scope, training, t->max_batch, &t->net);
    }
    mexpr_model_destroy(&training);
    return status;
}

static mexpr_status make_optimiser(mx_scope *scope, mexpr_trainer *t)
{
    const mexpr_trainer_options *o = &t->o;
    const size_t n = mx_net_n_weights(t->net);
    t->optimiser = (mx_optimiser){.method = o->optimiser,
        .momentum = o->momentum,
        .beta2 = o->beta2,
        .epsilon = o->epsilon,
        .weight_decay = o->weight_decay,
        .is_nesterov = o->is_nesterov};
    t->schedule = (mx_schedule){.kind = o->schedule,
        .rate = o->rate,
        .factor = o->factor,
        .step = o->step_epochs,
        .warm_up = o->warm_up,
        .epoch_size = (t->n + t->max_batch - 1) / t->max_batch,
        .n_epochs = o->epochs};
    if (o->average > 0) {
        t->average = mx_alloc(scope, n, sizeof *t->average);
        t->spare = mx_alloc(scope, n, sizeof *t->spare);
        if (!t->average || !t->spare)
            return MEXPR_E_NOMEM;
        memcpy(t->average, mx_net_weights(t->net), n * sizeof *t->average);
    }
    return mx_optimiser_create(scope, &t->optimiser, n);
}

static mexpr_status make_batches(mx_scope *scope, mexpr_trainer *t)
{
    const size_t frames = (size_t)t->planes.n_frames, batch = (size_t)t->max_batch;
    const size_t threads = (size_t)mexpr_context_threads(scope->context);
    t->work_size = t->is_augmented ? mx_augment_work(&t->planes) : 0;
    if (t->o.jitter > 0)
        t->work_size += frames * frames + t->clip_size;
    if (t->o.mixup > 0)
        t->work_size += t->clip_size;
    t->order = mx_alloc(scope, (size_t)t->n, sizeof *t->order);
    t->batch = mx_alloc(scope, batch, t->clip_size * sizeof *t->batch);
    t->targets = mx_alloc(scope, batch, (size_t)t->n_classes * sizeof *t->targets);
    t->work = mx_alloc(scope, threads, t->work_size * sizeof *t->work);
    t->gradients = mx_calloc(scope, (size_t)t->n_outputs, sizeof *t->gradients);
    t->losses = mx_calloc(scope, (size_t)t->o.epochs, sizeof *t->losses);
    return t->order && t->batch && t->targets && t->work && t->gradients && t->losses
               ? MEXPR_OK
               : MEXPR_E_NOMEM;
}

/* Batches that do not fit the network, or memory, are told of before training. */
static mexpr_status plan(mx_scope *scope, mexpr_trainer *t)
{
    mx_tensor input = t->clips;
    input.dims[0] = t->max_batch;
    input.data = t->batch;
    const mexpr_status status = mx_net_plan(scope, t->net, &input);
    if (status != MEXPR_OK)
        return status;
    const mx_tensor *scores = mx_net_output(t->net, 0);
    if (scores->dtype == MEXPR_DTYPE_F32 && scores->rank == 2 &&
        scores->dims[0] == t->max_batch && scores->dims[1] == t->n_classes)
        return mx_trainer_check_terms(scope, t);
    return mx_fail(scope, MEXPR_E_SHAPE,
        "the first output of the network does not have %d float32 scores for every clip",
        t->n_classes);
}

static mexpr_status fill(mx_scope *scope, mexpr_trainer *t, const mexpr_model *model,
    const mexpr_tensor_view *inputs, const int32_t *labels)
{
    mexpr_status status = check_model(scope, t, model);
    if (status == MEXPR_OK && t->o.checkpoint)
        status = mx_trainer_check_path(scope, t->o.checkpoint);
    if (status == MEXPR_OK)
        status = mx_trainer_take_clips(scope, t, inputs, labels);
    if (status == MEXPR_OK)
        status = mx_trainer_read_terms(scope, t, model);
    if (status == MEXPR_OK)
        status = make_net(scope, t, model);
    if (status == MEXPR_OK)
        status = mx_trainer_read_groups(scope, t);
    if (status == MEXPR_OK)
        status = make_optimiser(scope, t);
    if (status == MEXPR_OK)
        status = make_batches(scope, t);
    if (status == MEXPR_OK)
        status = mx_trainer_hash(scope, t, model);
    return status == MEXPR_OK ? plan(scope, t) : status;
}

mexpr_status mexpr_trainer_create(mexpr_context *context, mexpr_model *model,
    const mexpr_tensor_view *inputs, const int32_t *labels, int32_t n_classes,
    const mexpr_trainer_options *options, mexpr_trainer **out)
{
    if (out)
        *out = NULL;
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!model || !inputs || !inputs->data || !labels || !out)
        return mx_fail(scope, MEXPR_E_ARG, "mexpr_trainer_create() was given NULL");
    if (n_classes < 2 || n_classes > 1000)
        return mx_fail(
            scope, MEXPR_E_RANGE, "n_classes is %d; it can be 2 to 1000", n_classes);
    mexpr_trainer *t = mx_calloc(scope, 1, sizeof *t);
    if (!t)
        return MEXPR_E_NOMEM;
    mx_scope_init(&t->scope, mx_context_retain(context));
    t->n_classes = n_classes;
    mexpr_status status = mx_trainer_read_options(scope, options, t);
    if (status == MEXPR_OK)
        compose(t, model);
    if (status == MEXPR_OK)
        status = fill(scope, t, model, inputs, labels);
    if (status == MEXPR_OK)
        *out = t;
    else
        mexpr_trainer_destroy(&t);
    return status;
}

void mexpr_trainer_destroy(mexpr_trainer **trainer)
{
    if (!trainer || !*trainer)
        return;
    mexpr_trainer *t = *trainer;
    mexpr_context *context = t->scope.context;
    void *const blocks[] = {t->labels, t->class_weights, t->clips.data, t->groups,
        t->average, t->spare, t->order, t->batch, t->targets, t->work, t->losses,
        t->term_work, t->term_labels};
    *trainer = NULL;
    for (int k = 0; t->gradients && k < t->n_outputs; k++)
        mx_free(context, t->gradients[k]);
    mx_free(context, t->gradients);
    mx_optimiser_destroy(context, &t->optimiser);
    mx_net_destroy(t->net);
    for (size_t k = 0; k < sizeof blocks / sizeof blocks[0]; k++)
        mx_free(context, blocks[k]);
    for (int k = 0; k < MX_TRAINER_TEXTS; k++)
        mx_free(context, t->texts[k]);
    mx_free(context, t);
    mx_context_release(context);
}

const char *mexpr_trainer_last_error(const mexpr_trainer *trainer)
{
    return trainer ? trainer->scope.error : "";
}

/* --- learning ----------------------------------------------------------------------- */

static bool are_finite(const float *values, size_t n)
{
    for (size_t k = 0; k < n; k++)
        if (!isfinite(values[k]))
            return false;
    return true;
}

mexpr_status mx_trainer_check_finite(mx_scope *scope, const mexpr_trainer *trainer)
{
    const mexpr_trainer *t = trainer;
    const size_t n = mx_net_n_weights(t->net);
    const bool is_finite = are_finite(mx_net_weights(t->net), n) &&
                           are_finite(mx_net_states(t->net), mx_net_n_states(t->net)) &&
                           (!t->average || are_finite(t->average, n));
    return is_finite ? MEXPR_OK
                     : mx_fail(scope, MEXPR_E_RANGE,
                           "the weights are not finite any more; a lower rate may help");
}

/* One batch, from clip order[first] on. */
static mexpr_status step(mexpr_trainer *t, int64_t first, int64_t n, double *loss)
{
    const uint64_t index = t->optimiser.n_steps;
    float *weights = mx_net_weights(t->net);
    mx_tensor input = t->clips;
    mx_rng rng;
    mx_rng_seed(&rng, t->o.seed ^ (uint64_t)MX_CHANCE_STEP << 56, index);
    input.dims[0] = n;
    input.data = mx_trainer_fill(t, first, n);
    mexpr_status status =
        mx_net_forward(&t->scope, t->net, &input, mx_rng_u64(&rng), true);
    if (status == MEXPR_OK)
        status = mx_trainer_loss(&t->scope, t, n, loss);
    if (status == MEXPR_OK)
        status = mx_net_backward(&t->scope, t->net, (const float *const *)t->gradients);
    if (status != MEXPR_OK)
        return status;
    const float *gradients = mx_net_gradients(t->net);
    const double factor = t->o.clip_norm > 0 ? mx_clip_factor(gradients, t->groups,
                                                   t->n_groups, t->o.clip_norm)
                                             : 1;
    if (!isfinite(*loss) || !isfinite(factor))
        return mx_fail(&t->scope, MEXPR_E_RANGE,
            "the loss or its gradient is not finite in epoch %d; a lower rate may help",
            t->epoch);
    mx_optimiser_step(&t->optimiser, mx_schedule_rate(&t->schedule, (int64_t)index),
        factor, t->groups, t->n_groups, gradients, weights);
    if (t->average)
        mx_weights_average(&t->optimiser, t->o.average, weights, t->average);
    return MEXPR_OK;
}

mexpr_status mx_trainer_check_whole(mx_scope *scope, const mexpr_trainer *trainer)
{
    return trainer->is_torn
               ? mx_fail(scope, MEXPR_E_STATE,
                     "epoch %d failed half-way: go on from a checkpoint", trainer->epoch)
               : MEXPR_OK;
}

static mexpr_status run_epoch(mexpr_trainer *t, double *loss)
{
    mx_trainer_shuffle(t);
    for (int64_t first = 0; first < t->n; first += t->max_batch) {
        const int64_t left = t->n - first, n = left < t->max_batch ? left : t->max_batch;
        double own = 0;
        const mexpr_status status = step(t, first, n, &own);
        if (status != MEXPR_OK)
            return status;
        *loss += own * (double)n / (double)t->n;
    }
    return mx_trainer_check_finite(&t->scope, t);
}

mexpr_status mexpr_trainer_epoch(mexpr_trainer *trainer)
{
    mexpr_trainer *t = trainer;
    double loss = 0;
    if (!t)
        return MEXPR_E_ARG;
    if (t->epoch >= t->o.epochs)
        return MEXPR_END;
    mexpr_status status = mx_trainer_check_whole(&t->scope, t);
    if (status != MEXPR_OK)
        return status;
    status = run_epoch(t, &loss);
    t->is_torn = status != MEXPR_OK;
    if (status == MEXPR_OK)
        t->losses[t->epoch++] = loss;
    return status;
}

static mexpr_status keep(mexpr_trainer *t, bool is_last)
{
    const int32_t every = t->o.checkpoint_epochs;
    if (!t->o.checkpoint || !(is_last || (every > 0 && t->epoch % every == 0)))
        return MEXPR_OK;
    return mexpr_trainer_save(t, t->o.checkpoint);
}

mexpr_status mexpr_trainer_run(
    mexpr_trainer *trainer, mexpr_epoch_fn progress, void *user)
{
    mexpr_trainer *t = trainer;
    if (!t)
        return MEXPR_E_ARG;
    while (t->epoch < t->o.epochs) {
        mexpr_status status = mexpr_trainer_epoch(t);
        const bool is_last = t->epoch == t->o.epochs;
        const bool stops = status == MEXPR_OK && progress &&
                           progress(user, t->epoch, t->o.epochs, t->losses[t->epoch - 1]);
        if (status == MEXPR_OK)
            status = keep(t, is_last || stops);
        if (status == MEXPR_OK && stops && !is_last)
            status = mx_fail(&t->scope, MEXPR_E_CANCELLED,
                "the progress callback asked to stop the training");
        if (status != MEXPR_OK)
            return status;
    }
    return MEXPR_OK;
}

int32_t mexpr_trainer_n_epochs(const mexpr_trainer *trainer)
{
    return trainer ? trainer->epoch : 0;
}

double mexpr_trainer_loss(const mexpr_trainer *trainer, int32_t epoch)
{
    return trainer && epoch >= 0 && epoch < trainer->epoch ? trainer->losses[epoch]
                                                           : (double)NAN;
}

/* --- what has been learnt ----------------------------------------------------------- */

static void copy(const float *from, float *to, size_t n)
{
    memcpy(to, from, n * sizeof *to);
}

/* How it was learnt goes with what was learnt, for whoever is only handed the latter. */
static mexpr_status keep_losses(mexpr_trainer *t, mexpr_model *model)
{
    if (t->epoch == 0)
        return MEXPR_OK;
    model->losses = mx_alloc(&t->scope, (size_t)t->epoch, sizeof *model->losses);
    if (!model->losses)
        return MEXPR_E_NOMEM;
    memcpy(model->losses, t->losses, (size_t)t->epoch * sizeof *model->losses);
    model->n_losses = t->epoch;
    return MEXPR_OK;
}

int32_t mexpr_train_n_epochs(const mexpr_model *model)
{
    return model ? model->n_losses : 0;
}

double mexpr_train_loss(const mexpr_model *model, int32_t epoch)
{
    return model && epoch >= 0 && epoch < model->n_losses ? model->losses[epoch]
                                                          : (double)NAN;
}

mexpr_status mexpr_trainer_model(mexpr_trainer *trainer, mexpr_model **out)
{
    mexpr_trainer *t = trainer;
    mexpr_model *model = NULL;
    if (out)
        *out = NULL;
    if (!t || !out)
        return MEXPR_E_ARG;
    const size_t n = mx_net_n_weights(t->net);
    float *weights = mx_net_weights(t->net);
    if (t->average) {
        copy(weights, t->spare, n);
        copy(t->average, weights, n);
    }
    mexpr_status status = mx_net_model(&t->scope, t->net, &model);
    if (t->average)
        copy(t->spare, weights, n);
    if (status == MEXPR_OK)
        status = mx_compose_final(&t->scope, model, &t->composition, out);
    if (status == MEXPR_OK)
        status = keep_losses(t, *out);
    if (status != MEXPR_OK)
        mexpr_model_destroy(out);
    mexpr_model_destroy(&model);
    return status;
}
