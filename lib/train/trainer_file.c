/* SPDX-License-Identifier: MIT */
/* A trainer on disk: a header, the numbers that change in training, and a hash of both.
 */
#include <string.h>

#include "base/checked.h"
#include "base/file.h"
#include "dataset/sha256.h"
#include "model/writer.h"
#include "train/trainer_parts.h"

enum { HASH = MX_SHA256_TEXT - 1, N_ARRAYS = 6, N_NUMBERS = 40 };

typedef struct header {
    char magic[8];
    char model[HASH];    /* of the network as it was given */
    char training[HASH]; /* of options and shapes */
    char clips[HASH];    /* of clips and labels */
    uint64_t n_weights, n_states, n_second, n_average, n_epochs, n_steps;
} header;

static const char magic[8] = {'M', 'E', 'T', 'R', 'A', 'I', 'N', '2'};

/* --- what belongs together ---------------------------------------------------------- */

/* hash = hash of the hash before and the hash of these bytes. */
static void add(const void *bytes, size_t size, char hash[MX_SHA256_TEXT])
{
    char both[HASH + MX_SHA256_TEXT];
    memcpy(both, hash, HASH);
    mx_sha256(bytes, size, both + HASH);
    mx_sha256(both, 2 * HASH, hash);
}

/* Only a cosine depends on how many epochs there are. */
static void hash_training(const mexpr_trainer *t, char hash[MX_SHA256_TEXT])
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
    const char *const texts[3] = {o->frozen, o->slow, o->terms};
    memset(hash, '0', MX_SHA256_TEXT);
    add(&o->seed, sizeof o->seed, hash);
    add(numbers, sizeof numbers, hash);
    for (int k = 0; k < 3; k++)
        add(texts[k], texts[k] ? strlen(texts[k]) : 0, hash);
    for (int k = 0; k < t->n_groups; k++) {
        const char *name = mx_net_part_at(t->net, k)->name;
        const uint64_t count = t->groups[k].count;
        add(name, strlen(name), hash);
        add(&count, sizeof count, hash);
    }
}

mexpr_status mx_trainer_hash(
    mx_scope *scope, mexpr_trainer *trainer, const mexpr_model *model)
{
    mexpr_trainer *t = trainer;
    const size_t n = (size_t)t->n;
    uint8_t *bytes;
    size_t size;
    const mexpr_status status = mx_onnx_encode(scope, &model->graph, &bytes, &size);
    if (status != MEXPR_OK)
        return status;
    mx_sha256(bytes, size, t->model_hash);
    mx_free(scope->context, bytes);
    memset(t->clips_hash, '0', MX_SHA256_TEXT);
    add(t->labels, n * sizeof *t->labels, t->clips_hash);
    add(t->clips.data, n * t->clip_size * sizeof(float), t->clips_hash);
    return MEXPR_OK;
}

static void describe(const mexpr_trainer *t, header *h)
{
    char hash[MX_SHA256_TEXT];
    memset(h, 0, sizeof *h);
    memcpy(h->magic, magic, sizeof magic);
    hash_training(t, hash);
    memcpy(h->model, t->model_hash, HASH);
    memcpy(h->training, hash, HASH);
    memcpy(h->clips, t->clips_hash, HASH);
    h->n_weights = mx_net_n_weights(t->net);
    h->n_states = mx_net_n_states(t->net);
    h->n_second = t->optimiser.second ? h->n_weights : 0;
    h->n_average = t->average ? h->n_weights : 0;
    h->n_epochs = (uint64_t)t->epoch;
    h->n_steps = t->optimiser.n_steps;
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

/* A file under this name that is something else is not written over; an empty one is. */
mexpr_status mx_trainer_check_path(mx_scope *scope, const char *path)
{
    mx_file file;
    mx_scope quiet;
    char begin[sizeof magic - 1]; /* of any version */
    mx_scope_init(&quiet, scope->context);
    mexpr_status status = mx_file_open(&quiet, path, &file);
    if (status == MEXPR_E_NOT_FOUND)
        return MEXPR_OK;
    bool is_own = status == MEXPR_OK && file.size == 0;
    if (status == MEXPR_OK && file.size >= sizeof begin) {
        status = mx_file_read_at(&quiet, &file, path, 0, begin, sizeof begin);
        is_own = status == MEXPR_OK && memcmp(begin, magic, sizeof begin) == 0;
    }
    mx_file_close(&file);
    if (status != MEXPR_OK)
        return mx_fail(scope, status, "%s", quiet.error);
    return is_own
               ? MEXPR_OK
               : mx_fail(scope, MEXPR_E_FORMAT,
                     "'%.200s' is there and no checkpoint: it is not written over", path);
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
    mexpr_status status = mx_trainer_check_path(scope, path);
    if (status == MEXPR_OK)
        status = mx_trainer_check_whole(scope, trainer);
    if (status == MEXPR_OK)
        status = mx_trainer_check_finite(scope, trainer);
    if (status != MEXPR_OK)
        return status;
    describe(trainer, &h);
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

/* What the checkpoint is of; NULL: of this training. */
static const char *find_difference(const header *own, const header *h)
{
    if (memcmp(h->model, own->model, HASH) != 0)
        return "another model";
    if (memcmp(h->training, own->training, HASH) != 0)
        return "other options";
    if (memcmp(h->clips, own->clips, HASH) != 0)
        return "other clips";
    const bool has_room = h->n_weights == own->n_weights &&
                          h->n_states == own->n_states && h->n_second == own->n_second &&
                          h->n_average == own->n_average;
    return has_room ? NULL : "another model";
}

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
    describe(t, &own);
    const char *difference = find_difference(&own, h);
    if (difference)
        return mx_fail(
            scope, MEXPR_E_STATE, "the checkpoint '%.200s' is of %s", path, difference);
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
        trainer->is_torn = false;
    }
    mx_free(scope->context, bytes);
    return status;
}
