/* SPDX-License-Identifier: MIT */
/* A trainer on disk: a header, the numbers that change in training, and a hash of both.
 */
#include <string.h>

#include "base/checked.h"
#include "base/file.h"
#include "dataset/sha256.h"
#include "train/trainer_parts.h"

enum { HASH = MX_SHA256_TEXT - 1, N_ARRAYS = 6, N_NUMBERS = 40 };

typedef struct header {
    char magic[8];
    char training[HASH]; /* of options and shapes */
    char clips[HASH];    /* of clips and labels */
    uint64_t n_weights, n_states, n_second, n_average, n_epochs, n_steps;
} header;

static const char magic[8] = {'M', 'E', 'T', 'R', 'A', 'I', 'N', '1'};

/* --- what belongs together ---------------------------------------------------------- */

/* hash = hash of the hash before and these bytes. */
static mexpr_status add(
    mx_scope *scope, const void *bytes, size_t size, char hash[MX_SHA256_TEXT])
{
    char *both = mx_alloc(scope, size + HASH, 1);
    if (!both)
        return MEXPR_E_NOMEM;
    memcpy(both, hash, HASH);
    if (size > 0)
        memcpy(both + HASH, bytes, size);
    mx_sha256(both, size + HASH, hash);
    mx_free(scope->context, both);
    return MEXPR_OK;
}

/* Only a cosine depends on how many epochs there are. */
static mexpr_status hash_training(
    mx_scope *scope, const mexpr_trainer *t, char hash[MX_SHA256_TEXT])
{
    const mexpr_trainer_options *o = &t->o;
    const bool is_cosine = o->schedule == MEXPR_SCHEDULE_COSINE;
    const double numbers[N_NUMBERS] = {is_cosine ? o->epochs : 0, o->batch,
        o->is_shuffled, o->optimiser, o->rate, o->momentum, o->beta2, o->epsilon,
        o->weight_decay, o->is_nesterov, o->schedule, o->factor, o->step_epochs,
        o->warm_up, o->clip_norm, o->average, o->slow_rate, o->loss, o->is_balanced,
        o->gamma, o->smoothing, o->normalisation, o->is_mirrored, o->flip, o->turn,
        o->shift, o->zoom, o->noise, o->occlusion, o->gain, o->blur, o->jitter, o->mixup,
        t->n_classes};
    const char *const texts[2] = {o->frozen, o->slow};
    memset(hash, '0', MX_SHA256_TEXT);
    mexpr_status status = add(scope, &o->seed, sizeof o->seed, hash);
    if (status == MEXPR_OK)
        status = add(scope, numbers, sizeof numbers, hash);
    for (int k = 0; k < 2 && status == MEXPR_OK; k++)
        status = add(scope, texts[k], texts[k] ? strlen(texts[k]) : 0, hash);
    for (int k = 0; k < t->n_groups && status == MEXPR_OK; k++) {
        const char *name = mx_net_part_at(t->net, k)->name;
        const uint64_t count = t->groups[k].count;
        status = add(scope, name, strlen(name), hash);
        if (status == MEXPR_OK)
            status = add(scope, &count, sizeof count, hash);
    }
    return status;
}

static mexpr_status hash_clips(
    mx_scope *scope, const mexpr_trainer *t, char hash[MX_SHA256_TEXT])
{
    const size_t n = (size_t)t->n;
    memset(hash, '0', MX_SHA256_TEXT);
    const mexpr_status status = add(scope, t->labels, n * sizeof *t->labels, hash);
    return status == MEXPR_OK
               ? add(scope, t->clips.data, n * t->clip_size * sizeof(float), hash)
               : status;
}

static mexpr_status describe(mx_scope *scope, const mexpr_trainer *t, header *h)
{
    char hash[MX_SHA256_TEXT];
    memset(h, 0, sizeof *h);
    memcpy(h->magic, magic, sizeof magic);
    mexpr_status status = hash_training(scope, t, hash);
    memcpy(h->training, hash, HASH);
    if (status == MEXPR_OK)
        status = hash_clips(scope, t, hash);
    memcpy(h->clips, hash, HASH);
    h->n_weights = mx_net_n_weights(t->net);
    h->n_states = mx_net_n_states(t->net);
    h->n_second = t->optimiser.second ? h->n_weights : 0;
    h->n_average = t->average ? h->n_weights : 0;
    h->n_epochs = (uint64_t)t->epoch;
    h->n_steps = t->optimiser.n_steps;
    return status;
}

/* --- the numbers -------------------------------------------------------------------- */

typedef struct array {
    void *data;
    size_t size; /* bytes */
} array;

static void list_arrays(const mexpr_trainer *t, const header *h, array list[N_ARRAYS])
{
    const size_t weights = (size_t)h->n_weights * sizeof(float);
    const array all[N_ARRAYS] = {{mx_net_weights(t->net), weights},
        {mx_net_states(t->net), (size_t)h->n_states * sizeof(float)},
        {t->optimiser.first, weights},
        {t->optimiser.second, (size_t)h->n_second * sizeof(float)},
        {t->average, (size_t)h->n_average * sizeof(float)},
        {t->losses, (size_t)h->n_epochs * sizeof(double)}};
    memcpy(list, all, sizeof all);
}

static size_t file_size(const array list[N_ARRAYS])
{
    size_t size = sizeof(header) + HASH;
    for (int k = 0; k < N_ARRAYS; k++)
        size += list[k].size;
    return size;
}

static void copy_arrays(const array list[N_ARRAYS], uint8_t *bytes, bool reads)
{
    for (int k = 0; k < N_ARRAYS; k++) {
        if (list[k].size > 0 && reads)
            memcpy(list[k].data, bytes, list[k].size);
        else if (list[k].size > 0)
            memcpy(bytes, list[k].data, list[k].size);
        bytes += list[k].size;
    }
}

mexpr_status mexpr_trainer_save(mexpr_trainer *trainer, const char *path)
{
    if (!trainer)
        return MEXPR_E_ARG;
    mx_scope *scope = &trainer->scope;
    if (!path)
        return mx_fail(scope, MEXPR_E_ARG, "mexpr_trainer_save() was given NULL");
    header h;
    array list[N_ARRAYS];
    char hash[MX_SHA256_TEXT];
    mexpr_status status = describe(scope, trainer, &h);
    if (status != MEXPR_OK)
        return status;
    list_arrays(trainer, &h, list);
    const size_t size = file_size(list);
    uint8_t *bytes = mx_alloc(scope, size, 1);
    if (!bytes)
        return MEXPR_E_NOMEM;
    memcpy(bytes, &h, sizeof h);
    copy_arrays(list, bytes + sizeof h, false);
    mx_sha256(bytes, size - HASH, hash);
    memcpy(bytes + size - HASH, hash, HASH);
    status = mx_file_write(scope, path, bytes, size);
    mx_free(scope->context, bytes);
    return status;
}

/* --- going on ----------------------------------------------------------------------- */

static mexpr_status check(mx_scope *scope, const mexpr_trainer *t, const char *path,
    const uint8_t *bytes, size_t size, header *h)
{
    header own;
    array list[N_ARRAYS];
    char hash[MX_SHA256_TEXT];
    if (size < sizeof *h + HASH || memcmp(bytes, magic, sizeof magic) != 0)
        return mx_fail(scope, MEXPR_E_FORMAT, "'%.200s' is no checkpoint", path);
    mx_sha256(bytes, size - HASH, hash);
    if (memcmp(bytes + size - HASH, hash, HASH) != 0)
        return mx_fail(scope, MEXPR_E_FORMAT, "the checkpoint '%.200s' is damaged", path);
    memcpy(h, bytes, sizeof *h);
    const mexpr_status status = describe(scope, t, &own);
    if (status != MEXPR_OK)
        return status;
    if (memcmp(h->clips, own.clips, HASH) != 0)
        return mx_fail(
            scope, MEXPR_E_STATE, "the checkpoint '%.200s' is of other clips", path);
    if (memcmp(h->training, own.training, HASH) != 0 || h->n_weights != own.n_weights ||
        h->n_states != own.n_states || h->n_second != own.n_second ||
        h->n_average != own.n_average)
        return mx_fail(scope, MEXPR_E_STATE,
            "the checkpoint '%.200s' is of another model or other options", path);
    if (h->n_epochs > (uint64_t)t->o.epochs)
        return mx_fail(scope, MEXPR_E_STATE,
            "the checkpoint '%.200s' has %llu epochs, more than the %d that are wanted",
            path, (unsigned long long)h->n_epochs, t->o.epochs);
    list_arrays(t, h, list);
    if (size != file_size(list))
        return mx_fail(scope, MEXPR_E_FORMAT, "the checkpoint '%.200s' is damaged", path);
    return MEXPR_OK;
}

mexpr_status mexpr_trainer_resume(mexpr_trainer *trainer, const char *path)
{
    if (!trainer)
        return MEXPR_E_ARG;
    mx_scope *scope = &trainer->scope;
    uint8_t *bytes = NULL;
    size_t size = 0;
    header h;
    array list[N_ARRAYS];
    if (!path)
        return mx_fail(scope, MEXPR_E_ARG, "mexpr_trainer_resume() was given NULL");
    mexpr_status status = mx_file_read(scope, path, &bytes, &size);
    if (status == MEXPR_OK)
        status = check(scope, trainer, path, bytes, size, &h);
    if (status == MEXPR_OK) {
        list_arrays(trainer, &h, list);
        copy_arrays(list, bytes + sizeof h, true);
        trainer->epoch = (int32_t)h.n_epochs;
        trainer->optimiser.n_steps = h.n_steps;
    }
    mx_free(scope->context, bytes);
    return status;
}
