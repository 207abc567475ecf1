/* SPDX-License-Identifier: MIT */
#include "train/optimiser.h"

#include <math.h>

mexpr_status mx_optimiser_create(
    mx_scope *scope, mx_optimiser *optimiser, size_t n_weights)
{
    const bool has_squares = optimiser->method != MEXPR_OPTIMISER_SGD;
    optimiser->n_steps = 0;
    optimiser->n_weights = n_weights;
    optimiser->second = NULL;
    mx_train_kernels_init(&optimiser->kernels, mexpr_context_cpu(scope->context));
    optimiser->first = mx_calloc(scope, n_weights, sizeof *optimiser->first);
    if (optimiser->first && has_squares)
        optimiser->second = mx_calloc(scope, n_weights, sizeof *optimiser->second);
    return optimiser->first && (optimiser->second || !has_squares) ? MEXPR_OK
                                                                   : MEXPR_E_NOMEM;
}

void mx_optimiser_destroy(mexpr_context *context, mx_optimiser *optimiser)
{
    mx_free(context, optimiser->first);
    mx_free(context, optimiser->second);
    optimiser->first = optimiser->second = NULL;
}

double mx_clip_factor(
    const float *gradients, const mx_weight_group *groups, int n_groups, double limit)
{
    double sum = 0;
    for (int g = 0; g < n_groups; g++) {
        const float *gradient = gradients + groups[g].offset;
        for (size_t k = 0; groups[g].rate > 0 && k < groups[g].count; k++)
            sum += (double)gradient[k] * (double)gradient[k];
    }
    return isfinite(sum) ? fmin(limit / (sqrt(sum) + 1e-6), 1) : (double)NAN;
}

void mx_optimiser_step(mx_optimiser *optimiser, double rate, double factor,
    const mx_weight_group *groups, int n_groups, const float *gradients, float *weights)
{
    const mx_optimiser *o = optimiser;
    const bool is_sgd = o->method == MEXPR_OPTIMISER_SGD;
    const bool is_decoupled = o->method == MEXPR_OPTIMISER_ADAMW;
    const double steps = (double)++optimiser->n_steps;
    for (int i = 0; i < n_groups; i++) {
        const size_t at = groups[i].offset, n = groups[i].count;
        const double own = rate * groups[i].rate;
        const mx_train_rule r = {.factor = (float)factor,
            .decay = is_decoupled ? 0 : (float)o->weight_decay,
            .shrink = is_decoupled ? (float)(1 - own * o->weight_decay) : 1,
            .momentum = (float)o->momentum,
            .first_share = (float)(1 - o->momentum),
            .beta2 = (float)o->beta2,
            .second_share = (float)(1 - o->beta2),
            .rate = (float)(is_sgd ? own : own / (1 - pow(o->momentum, steps))),
            .correction = (float)(1 / sqrt(1 - pow(o->beta2, steps))),
            .epsilon = (float)o->epsilon,
            .is_nesterov = o->is_nesterov};
        if (groups[i].rate <= 0)
            continue;
        if (is_sgd)
            o->kernels.sgd(&r, n, gradients + at, o->first + at, weights + at);
        else
            o->kernels.adam(
                &r, n, gradients + at, o->first + at, o->second + at, weights + at);
    }
}

void mx_weights_average(
    const mx_optimiser *optimiser, double decay, const float *weights, float *average)
{
    optimiser->kernels.approach(
        optimiser->n_weights, (float)(1 - decay), weights, average);
}
