/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "base/comma_list.h"
#include "train/trainer_parts.h"

/* --- bounds ------------------------------------------------------------------------- */

typedef struct bounds {
    const char *name;
    size_t at;
    double low, high;
    bool is_real;
} bounds;

#define AT(field) offsetof(mexpr_trainer_options, field)
#define WHOLE(field, low, high)                                                          \
    {                                                                                    \
#field, AT(field), low, high, false                                              \
    }
#define REAL(field, low, high)                                                           \
    {                                                                                    \
#field, AT(field), low, high, true                                               \
    }

static const bounds table[] = {
    WHOLE(epochs, 1, 1000000),
    WHOLE(batch, 1, 65536),
    WHOLE(is_shuffled, 0, 1),
    WHOLE(optimiser, MEXPR_OPTIMISER_SGD, MEXPR_OPTIMISER_ADAMW),
    REAL(rate, 0, 1000),
    REAL(momentum, 0, 0.999999),
    REAL(beta2, 0, 0.999999999),
    REAL(epsilon, 0, 1),
    REAL(weight_decay, 0, 100),
    WHOLE(is_nesterov, 0, 1),
    WHOLE(schedule, MEXPR_SCHEDULE_CONSTANT, MEXPR_SCHEDULE_EXPONENTIAL),
    REAL(factor, 0, 1),
    WHOLE(step_epochs, 1, 1000000),
    WHOLE(warm_up, 0, 1000000000),
    REAL(clip_norm, 0, 1e9),
    REAL(average, 0, 0.999999999),
    REAL(slow_rate, 0, 1000),
    WHOLE(loss, MEXPR_LOSS_CROSS_ENTROPY, MEXPR_LOSS_ABSOLUTE),
    WHOLE(is_balanced, 0, 1),
    REAL(gamma, 0, 20),
    REAL(smoothing, 0, 0.999),
    WHOLE(normalisation, MEXPR_NORMALISATION_PICTURE, MEXPR_NORMALISATION_FLOW),
    WHOLE(is_mirrored, 0, 1),
    REAL(flip, 0, 1),
    REAL(turn, 0, 180),
    REAL(shift, 0, 1000),
    REAL(zoom, 0, 0.9),
    REAL(noise, 0, 100),
    REAL(occlusion, 0, 1),
    REAL(gain, 0, 1),
    REAL(blur, 0, MX_MAX_BLUR),
    REAL(mixup, 0, 100),
    REAL(jitter, 0, 0.9),
    WHOLE(checkpoint_epochs, 0, 1000000),
};

static mexpr_status check(mx_scope *scope, const mexpr_trainer_options *o)
{
    for (size_t k = 0; k < sizeof table / sizeof table[0]; k++) {
        const bounds *b = &table[k];
        double value;
        int32_t whole;
        memcpy(&value, (const char *)o + b->at, b->is_real ? sizeof value : 0);
        memcpy(&whole, (const char *)o + b->at, sizeof whole);
        if (!b->is_real)
            value = whole;
        if (value >= b->low && value <= b->high)
            continue;
        return b->is_real
                   ? mx_fail(scope, MEXPR_E_RANGE, "%s is %g; it can be %g to %g",
                         b->name, value, b->low, b->high)
                   : mx_fail(scope, MEXPR_E_RANGE, "%s is %.0f; it can be %.0f to %.0f",
                         b->name, value, b->low, b->high);
    }
    return MEXPR_OK;
}

/* --- texts -------------------------------------------------------------------------- */

static mexpr_status copy_text(
    mx_scope *scope, mexpr_trainer *trainer, int index, const char **text)
{
    if (!*text)
        return MEXPR_OK;
    trainer->texts[index] = mx_strndup(scope, *text, strlen(*text));
    *text = trainer->texts[index];
    return *text ? MEXPR_OK : MEXPR_E_NOMEM;
}

mexpr_status mx_trainer_read_options(
    mx_scope *scope, const mexpr_trainer_options *options, mexpr_trainer *trainer)
{
    mexpr_trainer_options *o = &trainer->o;
    *o = (mexpr_trainer_options)MEXPR_TRAINER_OPTIONS_INIT;
    mexpr_status status = mx_options_copy(scope, options, sizeof *o, o, sizeof *o);
    if (status == MEXPR_OK)
        status = check(scope, o);
    if (status == MEXPR_OK && o->labels)
        status = mx_comma_list_check(
            scope, MEXPR_E_RANGE, "the option labels", o->labels, trainer->n_classes);
    if (status != MEXPR_OK)
        return status;
    const char **texts[MX_TRAINER_TEXTS] = {
        &o->frozen, &o->slow, &o->labels, &o->checkpoint, &o->terms};
    for (int k = 0; k < MX_TRAINER_TEXTS; k++) {
        const mexpr_status copied = copy_text(scope, trainer, k, texts[k]);
        status = status == MEXPR_OK ? copied : status;
        if (copied != MEXPR_OK)
            *texts[k] = NULL;
    }
    trainer->augment = (mx_augment){o->flip, o->turn, o->shift, o->zoom, o->noise,
        o->occlusion, o->gain, o->blur, o->jitter};
    trainer->is_augmented = o->flip > 0 || o->turn > 0 || o->shift > 0 || o->zoom > 0 ||
                            o->noise > 0 || o->occlusion > 0 || o->gain > 0 ||
                            o->blur > 0 || o->jitter > 0;
    return status;
}

/* --- groups of weights -------------------------------------------------------------- */

/* Whether a name begins with one of a list separated by commas. */
static bool begins_with(const char *name, const char *list)
{
    while (list && *list) {
        const size_t n = strcspn(list, ",");
        if (n > 0 && strncmp(name, list, n) == 0)
            return true;
        list += list[n] ? n + 1 : n;
    }
    return false;
}

/* Each beginning must be that of a weight: a misspelt one would go unnoticed. */
static mexpr_status check_list(mx_scope *scope, const mx_net *net, const char *list)
{
    while (list && *list) {
        const size_t n = strcspn(list, ",");
        bool found = n == 0;
        for (int k = 0; k < mx_net_n_parts(net) && !found; k++)
            found = strncmp(mx_net_part_at(net, k)->name, list, n) == 0;
        if (!found)
            return mx_fail(scope, MEXPR_E_RANGE,
                "no weight has a name that begins with "
                "'%.*s'",
                n > 100 ? 100 : (int)n, list);
        list += list[n] ? n + 1 : n;
    }
    return MEXPR_OK;
}

mexpr_status mx_trainer_read_groups(mx_scope *scope, mexpr_trainer *trainer)
{
    const mx_net *net = trainer->net;
    const mexpr_trainer_options *o = &trainer->o;
    mexpr_status status = check_list(scope, net, o->frozen);
    if (status == MEXPR_OK)
        status = check_list(scope, net, o->slow);
    if (status != MEXPR_OK)
        return status;
    trainer->n_groups = mx_net_n_parts(net);
    trainer->groups = mx_alloc(scope, (size_t)trainer->n_groups, sizeof *trainer->groups);
    for (int k = 0; trainer->groups && k < trainer->n_groups; k++) {
        const mx_net_part *part = mx_net_part_at(net, k);
        const double rate = begins_with(part->name, o->frozen) ? 0
                            : begins_with(part->name, o->slow) ? o->slow_rate
                                                               : 1;
        trainer->groups[k] = (mx_weight_group){part->offset, part->count, rate};
    }
    return trainer->groups ? MEXPR_OK : MEXPR_E_NOMEM;
}
