/* SPDX-License-Identifier: MIT */
/* What changes weights: one vector, one pass. The rules are PyTorch's (torch.optim), in
 * float32, with corrections computed in double. */
#ifndef MX_TRAIN_OPTIMISER_H
#define MX_TRAIN_OPTIMISER_H

#include "base/scope.h"
#include "kernel/train_kernel.h"
#include "microexpr/train.h"

/* A stretch of the weights with settings of its own. */
typedef struct mx_weight_group {
    size_t offset, count;
    double rate; /* times that of the step; 0: frozen */
} mx_weight_group;

typedef struct mx_optimiser {
    int32_t method;  /* mexpr_optimiser */
    double momentum; /* of SGD; beta 1 of Adam */
    double beta2, epsilon;
    double weight_decay;
    bool is_nesterov;
    uint64_t n_steps; /* done */
    size_t n_weights;
    float *first;  /* n_weights: momentum or mean, at first 0 */
    float *second; /* n_weights: mean of squares, NULL for SGD */
    mx_train_kernels kernels;
} mx_optimiser;

/* Sets the memory aside; the settings are there already. */
mexpr_status mx_optimiser_create(
    mx_scope *scope, mx_optimiser *optimiser, size_t n_weights);
void mx_optimiser_destroy(mexpr_context *context, mx_optimiser *optimiser);

/* By how much gradients have to be multiplied so that their norm is at most `limit`, as
 * torch.nn.utils.clip_grad_norm_() does; those of frozen groups do not count. Gradients
 * that are not finite give NaN. */
double mx_clip_factor(
    const float *gradients, const mx_weight_group *groups, int n_groups, double limit);

/* One step of `rate` against `factor` times the gradients. */
void mx_optimiser_step(mx_optimiser *optimiser, double rate, double factor,
    const mx_weight_group *groups, int n_groups, const float *gradients, float *weights);

/* average = decay × average + (1 - decay) × weights. */
void mx_weights_average(
    const mx_optimiser *optimiser, double decay, const float *weights, float *average);

#endif
