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

/* The numbers of one step and group. */
typedef struct rule {
    float factor, decay, shrink, momentum, first_share, beta2, second_share;
    float rate, correction, epsilon;
    bool is_nesterov;
} rule;

/* PyTorch begins the momentum with the first gradient, which is what 0 and a dampening
 * of 0 give. */
static void step_sgd(const rule *r, size_t n, const float *restrict gradients,
    float *restrict first, float *restrict weights)
{
    for (size_t k = 0; k < n; k++) {
        const float g = gradients[k] * r->factor + r->decay * weights[k];
        const float moved = r->momentum * first[k] + g;
        first[k] = moved;
        weights[k] -= r->rate * (r->is_nesterov ? g + r->momentum * moved : moved);
    }
}

/* Kingma, Ba: Adam, ICLR 2015; with `shrink` below 1 Loshchilov, Hutter: Decoupled weight
 * decay regularization, ICLR 2019. */
static void step_adam(const rule *r, size_t n, const float *restrict gradients,
    float *restrict first, float *restrict second, float *restrict weights)
{
    for (size_t k = 0; k < n; k++) {
        const float w = weights[k] * r->shrink;
        const float g = gradients[k] * r->factor + r->decay * w;
        const float mean = first[k] + (g - first[k]) * r->first_share;
        const float square = second[k] * r->beta2 + g * g * r->second_share;
        first[k] = mean;
        second[k] = square;
        weights[k] = w - r->rate * mean / (sqrtf(square) * r->correction + r->epsilon);
    }
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
        const rule r = {.factor = (float)factor,
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
            step_sgd(&r, n, gradients + at, o->first + at, weights + at);
        else
            step_adam(&r, n, gradients + at, o->first + at, o->second + at, weights + at);
    }
}

void mx_weights_average(size_t n, double decay, const float *weights, float *average)
{
    const float share = (float)(1 - decay);
    for (size_t k = 0; k < n; k++)
        average[k] += (weights[k] - average[k]) * share;
}
