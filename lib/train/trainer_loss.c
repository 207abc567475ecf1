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

static double of_pair(const mexpr_trainer *t, int64_t n, int output, double share)
{
    const mx_tensor *a = mx_net_output(t->net, output);
    const mx_tensor *b = mx_net_output(t->net, output + 1);
    const mx_loss_pair pair = {n, mx_tensor_count(a) / n, a->data, b->data,
        t->gradients[output], t->gradients[output + 1]};
    return mx_loss_cosine(&pair, share);
}

mexpr_status mx_trainer_loss(
    mx_scope *scope, mexpr_trainer *trainer, int64_t n, double *loss)
{
    const mx_recipe *recipe = trainer->composition.recipe;
    const mexpr_status status = begin(scope, trainer, n);
    int output = 1;
    if (status != MEXPR_OK)
        return status;
    *loss = of_scores(trainer, n, 0, 1);
    for (int k = 0; recipe && k < recipe->n_terms; k++) {
        const mx_term *term = &recipe->terms[k];
        const double share = term->weight;
        if (term->kind == MX_TERM_CLASSES)
            *loss += share * of_scores(trainer, n, output, share);
        else if (term->kind == MX_TERM_PROPOSALS)
            *loss += share * of_proposals(trainer, n, output, share);
        else
            *loss += share * of_pair(trainer, n, output, share);
        output += term->kind == MX_TERM_ALIKE ? 2 : 1;
    }
    return MEXPR_OK;
}
