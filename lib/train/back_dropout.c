/* SPDX-License-Identifier: MIT */
/* Dropout: whether element i stays depends on the seed and i alone, so nothing is kept
 * for the way back. Srivastava et al.: Dropout, 2014. */
#include <math.h>

#include "train/back_tables.h"

/* Wellons' two-multiply hash "lowbias32" (hash prospector, 2018). */
static uint32_t mix(uint32_t x)
{
    x ^= x >> 16;
    x *= 0x7feb352du;
    x ^= x >> 15;
    x *= 0x846ca68bu;
    return x ^ (x >> 16);
}

static bool stays(uint64_t seed, uint32_t index, uint64_t limit)
{
    return mix(mix(index ^ (uint32_t)seed) + (uint32_t)(seed >> 32)) >= limit;
}

typedef struct dropout {
    uint64_t limit; /* of 2^32: below it an element is dropped */
    float scale;
    uint32_t first; /* number of the first element within the batch */
} dropout;

static dropout dropout_of(const mx_back_run *run)
{
    const mx_tensor *in = run->inputs[0];
    const mx_tensor *given = run->n_inputs > 1 ? run->inputs[1] : NULL;
    const float ratio =
        given ? *(const float *)given->data : mx_attr_float(run->node, "ratio", 0.5f);
    const int64_t sample = in->rank > 0 ? mx_dims_product(in->dims, 1, in->rank) : 1;
    return (dropout){(uint64_t)ldexp((double)ratio, 32), ratio < 1 ? 1 / (1 - ratio) : 0,
        (uint32_t)(run->first * sample)};
}

static mexpr_status plan_dropout(mx_back_plan *plan)
{
    const mx_tensor *given = plan->n_inputs > 1 ? plan->inputs[1] : NULL;
    if (given && !given->data)
        return mx_fail(plan->scope, MEXPR_E_OPERATOR, "its ratio is not a constant");
    const float ratio =
        given ? *(const float *)given->data : mx_attr_float(plan->node, "ratio", 0.5f);
    if (!(ratio >= 0 && ratio <= 1))
        return mx_fail(plan->scope, MEXPR_E_MODEL,
            "a ratio of %g to drop is not between 0 and 1", (double)ratio);
    return MEXPR_OK;
}

static mexpr_status dropout_forward(const mx_back_run *run)
{
    const dropout d = dropout_of(run);
    const uint32_t n = (uint32_t)mx_tensor_count(run->inputs[0]);
    const float *x = run->inputs[0]->data;
    float *y = run->outputs[0]->data;
    uint8_t *mask = run->n_outputs > 1 && run->outputs[1] ? run->outputs[1]->data : NULL;
    for (uint32_t i = 0; i < n; i++) {
        const bool kept = stays(run->seed, d.first + i, d.limit);
        y[i] = kept ? x[i] * d.scale : 0;
        if (mask)
            mask[i] = kept;
    }
    return MEXPR_OK;
}

static mexpr_status dropout_backward(const mx_back_run *run)
{
    const dropout d = dropout_of(run);
    const uint32_t n = (uint32_t)mx_tensor_count(run->inputs[0]);
    const float *g = run->output_gradients[0];
    float *out = run->gradients[0];
    for (uint32_t i = 0; i < n; i++) {
        const float part = stays(run->seed, d.first + i, d.limit) ? g[i] * d.scale : 0;
        out[i] = run->adds & 1 ? out[i] + part : part;
    }
    return MEXPR_OK;
}

const mx_back_op mx_back_dropout_ops[] = {
    {.name = "Dropout",
        .plan = plan_dropout,
        .forward = dropout_forward,
        .backward = dropout_backward,
        .no_gradient = MX_INPUT_BIT(1) | MX_INPUT_BIT(2),
        .flags = MX_BACK_IN_PLACE},
    {.name = NULL},
};
