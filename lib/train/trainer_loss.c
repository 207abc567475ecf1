/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "train/loss.h"
#include "train/trainer_parts.h"

/* Memory for the gradient of every output, as large as the largest batch needs. */
static mexpr_status begin(mx_scope *scope, mexpr_trainer *t, int64_t n)
{
    for (int k = 0; k < t->n_outputs; k++) {
        const size_t row = (size_t)(mx_tensor_count(mx_net_output(t->net, k)) / n);
        if (!t->gradients[k])
            t->gradients[k] =
                mx_alloc(scope, (size_t)t->max_batch, row * sizeof **t->gradients);
        if (!t->gradients[k])
            return MEXPR_E_NOMEM;
        memset(t->gradients[k], 0, (size_t)n * row * sizeof **t->gradients);
    }
    return MEXPR_OK;
}

static double of_scores(const mexpr_trainer *t, int64_t n, int output, double share)
{
    mx_loss_options o = MX_LOSS_OPTIONS_INIT;
    const mx_loss_batch batch = {
        n, t->n_classes, mx_net_output(t->net, output)->data, t->targets};
    o.gamma = t->o.gamma;
    o.smoothing = t->o.smoothing;
    o.weights = t->class_weights;
    return mx_loss_scores(
        (mx_loss_kind)t->o.loss, &o, &batch, share, t->gradients[output]);
}

/* Sum over the classes of binary cross-entropy; logarithms not below -100, as PyTorch. */
static double of_proposals(const mexpr_trainer *t, int64_t n, int output, double share)
{
    const float *p = mx_net_output(t->net, output)->data;
    const int64_t count = n * t->n_classes;
    double sum = 0;
    for (int64_t k = 0; k < count; k++) {
        const double is = (double)p[k], wanted = (double)t->targets[k];
        sum -= wanted * fmax(log(is), -100) + (1 - wanted) * fmax(log1p(-is), -100);
        t->gradients[output][k] +=
            (float)(share / (double)n * (is - wanted) / fmax(is * (1 - is), 1e-12));
    }
    return sum / (double)n;
}

static int64_t row_size(const mexpr_trainer *t, int64_t n, int output)
{
    return mx_tensor_count(mx_net_output(t->net, output)) / n;
}

/* Two tensors, row by row. */
static double of_pair(const mexpr_trainer *t, int64_t n, const mx_term *term)
{
    const int a = term->outputs[0], b = term->outputs[1];
    const mx_loss_pair pair = {n, row_size(t, n, a), mx_net_output(t->net, a)->data,
        mx_net_output(t->net, b)->data, t->gradients[a], t->gradients[b]};
    if (term->kind == MX_TERM_KL)
        return mx_loss_kl(&pair, term->temperature, term->weight);
    return term->kind == MX_TERM_JS ? mx_loss_js(&pair, term->weight)
                                    : mx_loss_cosine(&pair, term->weight);
}

/* Two tensors as two sets of rows. */
static double of_sets(const mexpr_trainer *t, int64_t n, const mx_term *term)
{
    const int a = term->outputs[0], b = term->outputs[1];
    mx_loss_sets sets = {n, n, row_size(t, n, a), mx_net_output(t->net, a)->data,
        mx_net_output(t->net, b)->data, t->gradients[a], t->gradients[b], 0};
    sets.bandwidth = mx_loss_bandwidth(&sets, t->term_work);
    return mx_loss_mmd(&sets, term->weight);
}

/* The rows of a tensor among themselves. A mixed clip is of the class that it has most
 * of. */
static double of_cloud(const mexpr_trainer *t, int64_t n, const mx_term *term)
{
    const int output = term->outputs[0];
    const mx_loss_cloud cloud = {n, row_size(t, n, output),
        mx_net_output(t->net, output)->data, t->term_labels, term->temperature,
        t->term_work};
    for (int64_t i = 0; i < n; i++) {
        const float *targets = t->targets + i * t->n_classes;
        t->term_labels[i] = 0;
        for (int32_t c = 1; c < t->n_classes; c++)
            if (targets[c] > targets[t->term_labels[i]])
                t->term_labels[i] = c;
    }
    return mx_loss_contrastive(&cloud, term->weight, t->gradients[output]);
}

static double of_term(const mexpr_trainer *t, int64_t n, const mx_term *term)
{
    switch (term->kind) {
    case MX_TERM_SCORES:
        return of_scores(t, n, term->outputs[0], term->weight);
    case MX_TERM_PROPOSALS:
        return of_proposals(t, n, term->outputs[0], term->weight);
    case MX_TERM_CONTRASTIVE:
        return of_cloud(t, n, term);
    case MX_TERM_MMD:
        return of_sets(t, n, term);
    default:
        return of_pair(t, n, term);
    }
}

mexpr_status mx_trainer_loss(
    mx_scope *scope, mexpr_trainer *trainer, int64_t n, double *loss)
{
    const mexpr_status status = begin(scope, trainer, n);
    if (status != MEXPR_OK)
        return status;
    *loss = of_scores(trainer, n, 0, 1);
    for (int k = 0; k < trainer->n_terms; k++)
        *loss += trainer->terms[k].weight * of_term(trainer, n, &trainer->terms[k]);
    return MEXPR_OK;
}
