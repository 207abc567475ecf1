/* SPDX-License-Identifier: MIT */
/* Batches of clips, changed as augmentation asks, and what their scores should be. */
#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "base/pool.h"
#include "train/loss.h"
#include "train/trainer_parts.h"

void mx_trainer_chance(const mexpr_trainer *trainer, mx_chance chance, int64_t epoch,
    uint64_t index, mx_rng *rng)
{
    const uint64_t stream = (uint64_t)chance << 56 | (uint64_t)epoch << 32 | index;
    mx_rng_seed(rng, trainer->o.seed, stream);
}

/* --- taking them -------------------------------------------------------------------- */

static mexpr_status check_shape(
    mx_scope *scope, const mexpr_trainer *trainer, const mx_tensor *clips)
{
    const bool is_flow = clips->rank == 4 && clips->dims[1] == 3 &&
                         clips->dims[2] == 28 && clips->dims[3] == 28;
    const mexpr_trainer_options *o = &trainer->o;
    if (clips->dtype != MEXPR_DTYPE_F32)
        return mx_fail(scope, MEXPR_E_TYPE, "the inputs must be float32");
    if (trainer->composition.recipe && !is_flow)
        return mx_fail(
            scope, MEXPR_E_SHAPE, "the inputs must be N x 3 x 28 x 28: u, v and strain");
    if (clips->rank < 2 || mx_tensor_count(clips) < 1)
        return mx_fail(scope, MEXPR_E_SHAPE, "there are no clips, or they are empty");
    if (clips->dims[0] > UINT32_MAX)
        return mx_fail(scope, MEXPR_E_LIMIT, "there are more than 2^32 clips");
    if (!is_flow && (o->normalisation == MEXPR_NORMALISATION_FLOW || o->is_mirrored))
        return mx_fail(scope, MEXPR_E_SHAPE,
            "normalisation of flow and mirror images need inputs of N x 3 x 28 x 28");
    if (clips->rank != 4 && clips->rank != 5 && trainer->is_augmented)
        return mx_fail(scope, MEXPR_E_SHAPE,
            "clips can be augmented that have 4 or 5 dimensions: clips, planes, "
            "frames, height, width");
    if (o->jitter > 0 && (clips->rank != 5 || clips->dims[2] > MX_MAX_JITTER_FRAMES))
        return mx_fail(scope, MEXPR_E_SHAPE,
            "jitter needs clips of 5 dimensions with at most %d frames",
            MX_MAX_JITTER_FRAMES);
    return MEXPR_OK;
}

static mexpr_status check_values(mx_scope *scope, const mx_tensor *clips, size_t size)
{
    const float *values = clips->data;
    const size_t n = (size_t)mx_tensor_count(clips);
    for (size_t k = 0; k < n; k++)
        if (!isfinite(values[k]))
            return mx_fail(
                scope, MEXPR_E_RANGE, "the input of clip %zu is not finite", k / size);
    return MEXPR_OK;
}

static mexpr_status count_classes(
    mx_scope *scope, const mexpr_trainer *trainer, int64_t *counts)
{
    for (int64_t i = 0; i < trainer->n; i++) {
        const int32_t label = trainer->labels[i];
        if (label < 0 || label >= trainer->n_classes)
            return mx_fail(scope, MEXPR_E_RANGE,
                "the label of clip %lld is %d; classes are 0 to %d", (long long)i, label,
                trainer->n_classes - 1);
        counts[label]++;
    }
    for (int32_t c = 0; c < trainer->n_classes; c++)
        if (counts[c] == 0)
            return mx_fail(scope, MEXPR_E_RANGE,
                "class %d has no clip among the %lld that are trained on", c,
                (long long)trainer->n);
    return MEXPR_OK;
}

/* Those of `is_balanced` are such that their mean over the clips is 1. */
static mexpr_status weigh_classes(mx_scope *scope, mexpr_trainer *trainer)
{
    const int32_t n_classes = trainer->n_classes;
    int64_t *counts = mx_calloc(scope, (size_t)n_classes, sizeof *counts);
    float *weights = mx_alloc(scope, (size_t)n_classes, sizeof *weights);
    trainer->class_weights = weights;
    mexpr_status status =
        counts && weights ? count_classes(scope, trainer, counts) : MEXPR_E_NOMEM;
    for (int32_t c = 0; status == MEXPR_OK && c < n_classes; c++)
        weights[c] = 1;
    if (status == MEXPR_OK && trainer->o.loss == MEXPR_LOSS_BALANCED_FOCAL)
        mx_loss_balance(n_classes, counts, weights);
    for (int32_t c = 0; status == MEXPR_OK && trainer->o.is_balanced && c < n_classes;
         c++)
        weights[c] *= (float)((double)trainer->n / n_classes / (double)counts[c]);
    mx_free(scope->context, counts);
    return status;
}

static void set_planes(mexpr_trainer *trainer)
{
    const mx_tensor *clips = &trainer->clips;
    const bool has_frames = clips->rank == 5;
    const bool is_normalised = trainer->o.normalisation == MEXPR_NORMALISATION_FLOW;
    if (clips->rank < 4)
        return;
    trainer->planes = (mx_planes){.n = (int)clips->dims[1],
        .n_frames = has_frames ? (int)clips->dims[2] : 1,
        .height = (int)clips->dims[clips->rank - 2],
        .width = (int)clips->dims[clips->rank - 1],
        .is_flow = trainer->is_flow && clips->dims[1] == 3,
        .zero = is_normalised ? 0 : 127.5f};
}

mexpr_status mx_trainer_take_clips(mx_scope *scope, mexpr_trainer *trainer,
    const mexpr_tensor_view *inputs, const int32_t *labels)
{
    mx_tensor given;
    mexpr_status status = mx_view_in(scope, inputs, &given);
    if (status == MEXPR_OK)
        status = check_shape(scope, trainer, &given);
    if (status != MEXPR_OK)
        return status;
    const size_t n = (size_t)given.dims[0], count = (size_t)mx_tensor_count(&given);
    trainer->n = given.dims[0];
    trainer->clip_size = count / n;
    status = check_values(scope, &given, trainer->clip_size);
    if (status != MEXPR_OK)
        return status;
    trainer->clips = given;
    trainer->clips.data = mx_alloc(scope, count, sizeof(float));
    trainer->labels = mx_alloc(scope, n, sizeof *labels);
    if (!trainer->clips.data || !trainer->labels)
        return MEXPR_E_NOMEM;
    memcpy(trainer->clips.data, given.data, count * sizeof(float));
    memcpy(trainer->labels, labels, n * sizeof *labels);
    set_planes(trainer);
    status = weigh_classes(scope, trainer);
    if (status == MEXPR_OK && trainer->o.normalisation == MEXPR_NORMALISATION_FLOW)
        status = mx_compose_normalise(scope, trainer->n, trainer->clips.data);
    return status;
}

/* --- batches ------------------------------------------------------------------------ */

void mx_trainer_shuffle(mexpr_trainer *trainer)
{
    mx_rng rng;
    mx_trainer_chance(trainer, MX_CHANCE_ORDER, trainer->epoch, 0, &rng);
    if (trainer->o.is_shuffled)
        mx_rng_permute(&rng, (uint32_t)trainer->n, trainer->order);
    for (uint32_t k = 0; !trainer->o.is_shuffled && k < trainer->n; k++)
        trainer->order[k] = k;
}

static const float *jitter(
    const mexpr_trainer *trainer, mx_rng *rng, const float *from, float *work)
{
    const mx_planes *p = &trainer->planes;
    const size_t size = (size_t)p->height * (size_t)p->width, n = (size_t)p->n_frames;
    float *weights = work + mx_augment_work(p), *to = weights + n * n;
    const double ratio = trainer->o.jitter * mx_rng_uniform(rng);
    const mx_time_kernel kernel = (mx_time_kernel)mx_rng_below(rng, MX_N_TIME_KERNELS);
    mx_time_jitter(rng, (int)n, (int)n, ratio, kernel, weights);
    memset(to, 0, trainer->clip_size * sizeof *to);
    for (size_t plane = 0; plane < (size_t)p->n; plane++)
        for (size_t t = 0; t < n; t++)
            for (size_t s = 0; s < n; s++) {
                const float weight = weights[t * n + s];
                const float *a = from + (plane * n + s) * size;
                float *b = to + (plane * n + t) * size;
                for (size_t k = 0; weight != 0 && k < size; k++)
                    b[k] += weight * a[k];
            }
    return to;
}

/* Clip `clip` as it is in this epoch. */
static void take(const mexpr_trainer *trainer, mx_chance chance, uint32_t clip,
    uint64_t index, float *to, float *work)
{
    const float *from =
        (const float *)trainer->clips.data + (size_t)clip * trainer->clip_size;
    mx_rng rng;
    mx_change change;
    if (!trainer->is_augmented) {
        memcpy(to, from, trainer->clip_size * sizeof *to);
        return;
    }
    mx_trainer_chance(trainer, chance, trainer->epoch, index, &rng);
    mx_augment_draw(&trainer->augment, &trainer->planes, &rng, &change);
    if (trainer->augment.jitter > 0)
        from = jitter(trainer, &rng, from, work);
    mx_augment_apply(&change, &trainer->planes, &rng, from, to, work);
}

static void aim(const mexpr_trainer *trainer, uint32_t clip, double share, float *target)
{
    target[trainer->labels[clip]] += (float)share;
}

/* Beta(alpha, alpha): M. D. Jöhnk, Metrika 8 (1964). */
static double draw_beta(mx_rng *rng, double alpha)
{
    for (int turn = 0; turn < 1000; turn++) {
        const double x = pow(mx_rng_uniform(rng), 1 / alpha);
        const double y = pow(mx_rng_uniform(rng), 1 / alpha);
        if (x + y > 0 && x + y <= 1)
            return x / (x + y);
    }
    return 0.5;
}

/* Zhang, Cisse, Dauphin, Lopez-Paz: mixup, ICLR 2018. */
static void mix(
    const mexpr_trainer *trainer, uint32_t clip, float *to, float *target, float *work)
{
    mx_rng rng;
    float *other = work + trainer->work_size - trainer->clip_size;
    mx_trainer_chance(
        trainer, MX_CHANCE_PARTNER, trainer->epoch, 2 * (uint64_t)clip, &rng);
    const double share = draw_beta(&rng, trainer->o.mixup);
    const uint32_t partner = mx_rng_below(&rng, (uint32_t)trainer->n);
    take(trainer, MX_CHANCE_PARTNER, partner, 2 * (uint64_t)clip + 1, other, work);
    for (size_t k = 0; k < trainer->clip_size; k++)
        to[k] = (float)(share * (double)to[k] + (1 - share) * (double)other[k]);
    aim(trainer, clip, share, target);
    aim(trainer, partner, 1 - share, target);
}

/* Whether batches are stretches of the clips as they were taken. */
static bool is_plain(const mexpr_trainer *t)
{
    return !t->is_augmented && !t->o.is_shuffled && !(t->o.mixup > 0);
}

typedef struct filling {
    const mexpr_trainer *trainer;
    int64_t first;
} filling;

static void fill_clip(void *arg, int index, int worker)
{
    const filling *f = arg;
    const mexpr_trainer *t = f->trainer;
    const uint32_t clip = t->order[f->first + index];
    float *to = t->batch + (size_t)index * t->clip_size;
    float *target = t->targets + (size_t)index * (size_t)t->n_classes;
    float *work = t->work + (size_t)worker * t->work_size;
    memset(target, 0, (size_t)t->n_classes * sizeof *target);
    if (!is_plain(t))
        take(t, MX_CHANCE_CLIP, clip, clip, to, work);
    if (t->o.mixup > 0)
        mix(t, clip, to, target, work);
    else
        aim(t, clip, 1, target);
}

float *mx_trainer_fill(mexpr_trainer *trainer, int64_t first, int64_t n)
{
    filling f = {trainer, first};
    mexpr_context *context = trainer->scope.context;
    const int threads = trainer->is_augmented ? mexpr_context_threads(context) : 1;
    mx_parallel_for(context, threads, (int)n, fill_clip, &f);
    return is_plain(trainer)
               ? (float *)trainer->clips.data + (size_t)first * trainer->clip_size
               : trainer->batch;
}
