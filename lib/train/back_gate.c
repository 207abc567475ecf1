/* SPDX-License-Identifier: MIT */
#include "train/back_common.h"
#include "train/gate.h"

/* One sample as the kernels see it. */
static mx_gate_shape shape_of(const mx_node *node, const mx_tensor *x)
{
    const size_t c = (size_t)x->dims[1], h = (size_t)x->dims[2], w = (size_t)x->dims[3];
    switch (((const mx_axis_gate *)node)->axis) {
    case 1:
        return (mx_gate_shape){1, c, h * w, false};
    case 2:
        return (mx_gate_shape){c, h, w, false};
    default:
        return (mx_gate_shape){c, w, h, true};
    }
}

/* Floats of a sample, and of its small picture. */
static size_t floats_of(const mx_gate_shape *s)
{
    return s->outer * s->n * s->inner;
}

static size_t results_of(const mx_gate_shape *s)
{
    return s->outer * s->inner;
}

/* --- statistics --------------------------------------------------------------------- */

static mexpr_status infer_stats(mx_infer *infer)
{
    const int64_t *in = infer->inputs[0]->dims;
    const int axis = ((const mx_axis_gate *)infer->node)->axis;
    const int64_t dims[4] = {in[0], 2, in[axis == 2 ? 1 : 2], in[axis == 3 ? 1 : 3]};
    mx_infer_shape(infer, 0, 4, dims);
    return MEXPR_OK;
}

static mexpr_status stats(const mx_run *run)
{
    const mx_gate_shape s = shape_of(run->node, run->inputs[0]);
    const size_t n = results_of(&s),
                 mean = ((const mx_axis_gate *)run->node)->is_mean_first;
    const float *x = run->inputs[0]->data;
    float *y = run->outputs[0]->data;
    for (int64_t i = 0; i < run->inputs[0]->dims[0]; i++, x += floats_of(&s), y += 2 * n)
        run->machine->train.gate_stats(&s, x, y + mean * n, y + !mean * n);
    return MEXPR_OK;
}

static mexpr_status stats_backward(const mx_back_run *run)
{
    const mx_gate_shape s = shape_of(run->node, run->inputs[0]);
    const size_t n = results_of(&s),
                 mean = ((const mx_axis_gate *)run->node)->is_mean_first;
    const float *x = run->inputs[0]->data, *y = run->outputs[0]->data;
    const float *g = run->output_gradients[0];
    float *to = run->gradients[0];
    for (int64_t i = 0; i < run->inputs[0]->dims[0]; i++) {
        run->machine->train.gate_give_stats(
            &s, x, y + mean * n, g + mean * n, g + !mean * n, mx_back_adds(run, 0), to);
        x += floats_of(&s);
        to += floats_of(&s);
        y += 2 * n;
        g += 2 * n;
    }
    return MEXPR_OK;
}

/* --- product ------------------------------------------------------------------------ */

static mexpr_status infer_product(mx_infer *infer)
{
    mx_infer_shape(infer, 0, 4, infer->inputs[0]->dims);
    return MEXPR_OK;
}

static mexpr_status product(const mx_run *run)
{
    const mx_gate_shape s = shape_of(run->node, run->inputs[0]);
    const float *x = run->inputs[0]->data, *factor = run->inputs[1]->data;
    float *y = run->outputs[0]->data;
    for (int64_t i = 0; i < run->inputs[0]->dims[0]; i++) {
        run->machine->train.gate_apply(&s, x, factor, y);
        x += floats_of(&s);
        y += floats_of(&s);
        factor += results_of(&s);
    }
    return MEXPR_OK;
}

static mexpr_status plan_product(mx_back_plan *plan)
{
    mx_back_workspace(plan, mx_tensor_bytes(plan->inputs[1]));
    return MEXPR_OK;
}

static mexpr_status product_backward(const mx_back_run *run)
{
    const mx_gate_shape s = shape_of(run->node, run->inputs[0]);
    const bool is_own = run->gradients[1] && !mx_back_adds(run, 1);
    const float *x = run->inputs[0]->data, *factor = run->inputs[1]->data;
    const float *g = run->output_gradients[0];
    float *to = run->gradients[0], *slopes = is_own ? run->gradients[1] : run->workspace;
    for (int64_t i = 0; i < run->inputs[0]->dims[0]; i++) {
        const size_t at = (size_t)i * floats_of(&s), small = (size_t)i * results_of(&s);
        run->machine->train.gate_give(&s, x + at, factor + small, g + at,
            mx_back_adds(run, 0), to ? to + at : NULL, slopes + small);
    }
    if (run->gradients[1])
        mx_back_put(&run->machine->nn, mx_tensor_count(run->inputs[1]), slopes, !is_own,
            run->gradients[1]);
    return MEXPR_OK;
}

const mx_operator mx_gate_stats_operator = {.name = "Concat",
    .domain = "",
    .types = MX_T_F32,
    .infer = infer_stats,
    .forward = stats};

const mx_back_op mx_gate_stats_back = {.name = "Concat",
    .backward = stats_backward,
    .reads_inputs = MX_INPUT_BIT(0),
    .reads_outputs = MX_INPUT_BIT(0)};

const mx_operator mx_gate_product_operator = {.name = "Mul",
    .domain = "",
    .types = MX_T_F32,
    .infer = infer_product,
    .forward = product};

const mx_back_op mx_gate_product_back = {.name = "Mul",
    .plan = plan_product,
    .backward = product_backward,
    .reads_inputs = MX_INPUT_BIT(0) | MX_INPUT_BIT(1)};
