/* SPDX-License-Identifier: MIT */
/* Dropout: whether element i stays depends on the seed and i alone, so nothing is kept
 * for the way back. Srivastava et al.: Dropout, 2014. */
#include <math.h>
#include <string.h>

#include "train/back_tables.h"

enum { PIECE = 256 };

static float ratio_of(const mx_node *node, const mx_tensor *given)
{
    return given ? *(const float *)given->data : mx_attr_float(node, "ratio", 0.5f);
}

static mexpr_status plan_dropout(mx_back_plan *plan)
{
    const mx_tensor *given = plan->n_inputs > 1 ? plan->inputs[1] : NULL;
    if (given && !given->data)
        return mx_fail(plan->scope, MEXPR_E_OPERATOR, "its ratio is not a constant");
    const float ratio = ratio_of(plan->node, given);
    if (!(ratio >= 0 && ratio <= 1))
        return mx_fail(plan->scope, MEXPR_E_MODEL,
            "a ratio of %g to drop is not between 0 and 1", (double)ratio);
    if (plan->n_outputs > 1 && plan->outputs[1])
        return mx_fail(
            plan->scope, MEXPR_E_OPERATOR, "its mask is not made while training");
    return MEXPR_OK;
}

/* Scales what stays of n elements from `at` on; the same both ways. */
static void drop(
    const mx_back_run *run, size_t n, size_t at, const float *from, float *to)
{
    const mx_tensor *in = run->inputs[0];
    const float ratio = ratio_of(run->node, run->n_inputs > 1 ? run->inputs[1] : NULL);
    const int64_t sample = in->rank > 0 ? mx_dims_product(in->dims, 1, in->rank) : 1;
    const uint32_t first = (uint32_t)(run->first * sample) + (uint32_t)at;
    if (ratio >= 1)
        memset(to, 0, n * sizeof *to);
    else if (n > 0)
        run->machine->train.drop(n, from + at, run->seed, first,
            (uint32_t)ldexp((double)ratio, 32), 1 / (1 - ratio), to);
}

static mexpr_status dropout_forward(const mx_back_run *run)
{
    drop(run, (size_t)mx_tensor_count(run->inputs[0]), 0, run->inputs[0]->data,
        run->outputs[0]->data);
    return MEXPR_OK;
}

static mexpr_status dropout_backward(const mx_back_run *run)
{
    const size_t n = (size_t)mx_tensor_count(run->inputs[0]);
    float *out = run->gradients[0], part[PIECE];
    if (!(run->adds & 1)) {
        drop(run, n, 0, run->output_gradients[0], out);
        return MEXPR_OK;
    }
    for (size_t at = 0; at < n; at += PIECE) {
        const size_t size = n - at < PIECE ? n - at : PIECE;
        drop(run, size, at, run->output_gradients[0], part);
        run->machine->nn.add(size, out + at, part, out + at);
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
