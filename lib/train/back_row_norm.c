/* SPDX-License-Identifier: MIT */
/* Normalisations of rows: with x' = (x - mean) / deviation and h the gradient of x',
 * dx = (h - mean h - x' mean(h x')) / deviation. */
#include <math.h>
#include <string.h>

#include "train/back_common.h"
#include "train/back_tables.h"

/* x' into y, and 1 / deviation. */
static float normalise(
    const mx_nn_kernels *nn, int64_t n, float epsilon, const float *x, float *y)
{
    const size_t m = (size_t)n;
    const float mean = nn->sum(m, x) / (float)n;
    const float inverse = 1 / sqrtf(nn->sum_square_diff(m, x, mean) / (float)n + epsilon);
    nn->add_scalar(m, x, -mean, y);
    nn->mul_scalar(m, y, inverse, y);
    return inverse;
}

/* dx, which is put over h. */
static void back_row(
    const mx_nn_kernels *nn, int64_t n, float inverse, const float *normal, float *h)
{
    const size_t m = (size_t)n;
    const float mean = nn->sum(m, h) / (float)n;
    const float slope = mx_back_dot(nn, n, h, normal) / (float)n;
    nn->add_scalar(m, h, -mean, h);
    nn->axpy(m, -slope, normal, h);
    nn->mul_scalar(m, h, inverse, h);
}

/* Room for x' and h. */
static mexpr_status plan_space(mx_back_plan *plan)
{
    mx_back_workspace(plan, 2 * mx_tensor_bytes(plan->inputs[0]));
    return MEXPR_OK;
}

/* --- LayerNormalization ------------------------------------------------------------ */

static mexpr_status plan_layer_norm(mx_back_plan *plan)
{
    for (int k = 1; k < plan->n_outputs; k++) {
        if (plan->outputs[k])
            return mx_fail(plan->scope, MEXPR_E_OPERATOR,
                "its outputs of means and deviations cannot be trained through");
    }
    return plan_space(plan);
}

/* h = scale g, wherever scale is broadcast from. */
static void weigh(const mx_back_run *run, float *h)
{
    const mx_nn_kernels *nn = &run->machine->nn;
    mx_walk walk;
    mx_walk_broadcast(&walk, run->inputs[0], &run->inputs[1], 1);
    const int last = walk.rank - 1;
    const size_t n = (size_t)walk.dims[last];
    do {
        const float *g = run->output_gradients[0] + walk.offset[0];
        const float *w = (const float *)run->inputs[1]->data + walk.offset[1];
        if (walk.strides[1][last])
            nn->mul(n, g, w, h + walk.offset[0]);
        else
            nn->mul_scalar(n, g, *w, h + walk.offset[0]);
    } while (mx_walk_next(&walk));
}

static mexpr_status layer_norm(const mx_back_run *run)
{
    const mx_nn_kernels *nn = &run->machine->nn;
    const mx_tensor *x = run->inputs[0];
    const float epsilon = mx_attr_float(run->node, "epsilon", 1e-5f);
    const int64_t axis = mx_back_axis(run, -1, x->rank);
    const mx_back_lines l = mx_back_lines_of(x, axis, x->rank);
    const int64_t count = mx_tensor_count(x);
    float *normal = run->workspace, *h = normal + count;
    for (int k = 0; k < run->n_inputs && count == 0; k++) {
        if (run->inputs[k])
            mx_back_ready(run, k);
    }
    if (count == 0)
        return MEXPR_OK;
    weigh(run, h);
    for (int64_t at = 0; at < count; at += l.n) {
        const float inverse =
            normalise(nn, l.n, epsilon, (const float *)x->data + at, normal + at);
        back_row(nn, l.n, inverse, normal + at, h + at);
    }
    mx_back_fold(run, x, h, 0);
    nn->mul((size_t)count, normal, run->output_gradients[0], normal);
    mx_back_fold(run, x, normal, 1);
    if (run->n_inputs > 2 && run->inputs[2])
        mx_back_fold(run, x, run->output_gradients[0], 2);
    return MEXPR_OK;
}

/* --- InstanceNormalization, GroupNormalization ------------------------------------- */

/* Rows are groups of planes; every channel, or every group, has a scale and a shift. */
typedef struct groups {
    int64_t rows, per_sample, channels, plane;
    bool per_group;
    float epsilon;
} groups;

/* Scale and shift of plane c of row r. */
static int64_t weight_of(const groups *g, int64_t r, int64_t c)
{
    const int64_t group = r % g->per_sample;
    return g->per_group ? group : group * g->channels + c;
}

/* h of one row, and what its planes add to the gradients of scale and shift. */
static void back_planes(
    const mx_back_run *run, const groups *g, int64_t r, const float *normal, float *h)
{
    const mx_nn_kernels *nn = &run->machine->nn;
    const float *scale = run->inputs[1]->data;
    const float *gradient = run->output_gradients[0] + r * g->channels * g->plane;
    for (int64_t c = 0; c < g->channels; c++) {
        const int64_t k = weight_of(g, r, c), at = c * g->plane;
        nn->mul_scalar((size_t)g->plane, gradient + at, scale[k], h + at);
        if (run->gradients[1])
            run->gradients[1][k] += mx_back_dot(nn, g->plane, gradient + at, normal + at);
        if (run->gradients[2])
            run->gradients[2][k] += nn->sum((size_t)g->plane, gradient + at);
    }
}

static mexpr_status back_groups(const mx_back_run *run, const groups *g)
{
    const mx_nn_kernels *nn = &run->machine->nn;
    const int64_t size = g->channels * g->plane;
    float *normal = run->workspace, *h = normal + mx_tensor_count(run->inputs[0]);
    mx_back_ready(run, 1);
    mx_back_ready(run, 2);
    for (int64_t r = 0; size > 0 && r < g->rows; r++) {
        const float *x = (const float *)run->inputs[0]->data + r * size;
        const float inverse = normalise(nn, size, g->epsilon, x, normal);
        back_planes(run, g, r, normal, h + r * size);
        back_row(nn, size, inverse, normal, h + r * size);
    }
    mx_back_fold(run, run->inputs[0], h, 0);
    return MEXPR_OK;
}

static mexpr_status instance_norm(const mx_back_run *run)
{
    const mx_tensor *x = run->inputs[0];
    const groups g = {.rows = x->dims[0] * x->dims[1],
        .per_sample = x->dims[1],
        .channels = 1,
        .plane = mx_dims_product(x->dims, 2, x->rank),
        .epsilon = mx_attr_float(run->node, "epsilon", 1e-5f)};
    return back_groups(run, &g);
}

static mexpr_status group_norm(const mx_back_run *run)
{
    const mx_tensor *x = run->inputs[0];
    const int64_t n = mx_attr_int(run->node, "num_groups", 1);
    const groups g = {.rows = x->dims[0] * n,
        .per_sample = n,
        .channels = x->dims[1] / n,
        .plane = mx_dims_product(x->dims, 2, x->rank),
        .per_group = run->node->opset < 21,
        .epsilon = mx_attr_float(run->node, "epsilon", 1e-5f)};
    return back_groups(run, &g);
}

const mx_back_op mx_back_row_norm_ops[] = {
    {.name = "GroupNormalization",
        .plan = plan_space,
        .backward = group_norm,
        .reads_inputs = 3},
    {.name = "InstanceNormalization",
        .plan = plan_space,
        .backward = instance_norm,
        .reads_inputs = 3},
    {.name = "LayerNormalization",
        .plan = plan_layer_norm,
        .backward = layer_norm,
        .reads_inputs = 3},
    {.name = NULL},
};
