/* SPDX-License-Identifier: MIT */
/* Softmax: dx = y (g - sum g y). LogSoftmax: dx = g - exp(y) sum g. */
#include <string.h>

#include "train/back_common.h"
#include "train/back_tables.h"

/* As the operator sees its input: before opset 13 all dimensions from the axis on are
 * one. */
static mx_back_lines lines_of(const mx_back_run *run)
{
    const mx_tensor *out = run->outputs[0];
    const bool flat = run->node->opset < 13;
    const int64_t axis = mx_back_axis(run, flat ? 1 : -1, out->rank);
    return mx_back_lines_of(out, axis, flat ? out->rank : axis + 1);
}

/* n numbers of a line that lies in one piece. */
typedef void line_fn(
    const mx_nn_kernels *nn, int64_t n, const float *y, const float *g, float *dx);
/* Lines side by side, `stride` from one number to the next; m <= MX_BACK_CHUNK. */
typedef void columns_fn(const mx_nn_kernels *nn, size_t m, const mx_back_lines *l,
    const float *y, const float *g, float *dx);

static void softmax_line(
    const mx_nn_kernels *nn, int64_t n, const float *y, const float *g, float *dx)
{
    nn->add_scalar((size_t)n, g, -mx_back_dot(nn, n, g, y), dx);
    nn->mul((size_t)n, dx, y, dx);
}

static void log_softmax_line(
    const mx_nn_kernels *nn, int64_t n, const float *y, const float *g, float *dx)
{
    const float sum = nn->sum((size_t)n, g);
    nn->exp((size_t)n, y, dx);
    nn->mul_scalar((size_t)n, dx, -sum, dx);
    nn->add((size_t)n, dx, g, dx);
}

static void softmax_columns(const mx_nn_kernels *nn, size_t m, const mx_back_lines *l,
    const float *y, const float *g, float *dx)
{
    float sum[MX_BACK_CHUNK] = {0};
    for (int64_t i = 0; i < l->n; i++)
        nn->mul_add(m, y + i * l->inner, g + i * l->inner, sum);
    for (int64_t i = 0; i < l->n; i++, y += l->inner, g += l->inner, dx += l->inner) {
        nn->sub(m, g, sum, dx);
        nn->mul(m, dx, y, dx);
    }
}

static void log_softmax_columns(const mx_nn_kernels *nn, size_t m, const mx_back_lines *l,
    const float *y, const float *g, float *dx)
{
    float sum[MX_BACK_CHUNK] = {0};
    for (int64_t i = 0; i < l->n; i++)
        nn->add(m, sum, g + i * l->inner, sum);
    for (int64_t i = 0; i < l->n; i++, y += l->inner, g += l->inner, dx += l->inner) {
        nn->exp(m, y, dx);
        nn->mul(m, dx, sum, dx);
        nn->sub(m, g, dx, dx);
    }
}

static mexpr_status back_along(const mx_back_run *run, line_fn *line, columns_fn *columns)
{
    const mx_nn_kernels *nn = &run->machine->nn;
    const mx_back_lines l = lines_of(run);
    const int64_t count = mx_tensor_count(run->outputs[0]);
    const float *y = run->outputs[0]->data, *g = run->output_gradients[0];
    float *dx = mx_back_adds(run, 0) ? run->workspace : run->gradients[0];
    for (int64_t at = 0; at < count; at += l.n * l.inner) {
        if (l.inner == 1)
            line(nn, l.n, y + at, g + at, dx + at);
        for (int64_t i = 0; l.inner > 1 && i < l.inner; i += MX_BACK_CHUNK) {
            const int64_t left = l.inner - i;
            columns(nn, (size_t)(left < MX_BACK_CHUNK ? left : MX_BACK_CHUNK), &l,
                y + at + i, g + at + i, dx + at + i);
        }
    }
    mx_back_put(nn, count, dx, mx_back_adds(run, 0), run->gradients[0]);
    return MEXPR_OK;
}

static mexpr_status plan_space(mx_back_plan *plan)
{
    mx_back_workspace(plan, mx_tensor_bytes(plan->outputs[0]));
    return MEXPR_OK;
}

static mexpr_status softmax(const mx_back_run *run)
{
    return back_along(run, softmax_line, softmax_columns);
}

static mexpr_status log_softmax(const mx_back_run *run)
{
    return back_along(run, log_softmax_line, log_softmax_columns);
}

const mx_back_op mx_back_softmax_ops[] = {
    {.name = "LogSoftmax",
        .plan = plan_space,
        .backward = log_softmax,
        .reads_outputs = 1},
    {.name = "Softmax", .plan = plan_space, .backward = softmax, .reads_outputs = 1},
    {.name = NULL},
};
