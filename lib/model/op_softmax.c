/* SPDX-License-Identifier: MIT */
/* Softmax and its kin. Before opset 13 they take all dimensions from the axis on as one.
 */
#include <math.h>

#include "model/op_tables.h"

/* The input as outer × axis × inner. */
typedef struct softmax_params {
    int64_t outer, axis, inner;
} softmax_params;

/* From opset 13 on along one axis; before, over everything from the axis on. */
static mexpr_status infer_softmax(mx_infer *infer)
{
    const mx_tensor *x = infer->inputs[0];
    softmax_params *p = infer->params;
    const bool flat = infer->node->opset < 13;
    int64_t axis = mx_attr_int(infer->node, "axis", flat ? 1 : -1);
    const bool at_end = flat && axis == x->rank;
    const mexpr_status status = at_end ? MEXPR_OK : mx_infer_axis(infer, &axis, x->rank);
    if (status != MEXPR_OK)
        return status;
    const int end = flat ? x->rank : (int)axis + 1;
    p->outer = mx_dims_product(x->dims, 0, (int)axis);
    p->axis = mx_dims_product(x->dims, (int)axis, end);
    p->inner = mx_dims_product(x->dims, end, x->rank);
    infer->workspace = p->inner > 1 && p->axis > 0 ? (size_t)p->axis * sizeof(float) : 0;
    return mx_infer_same(infer);
}

/* log softmax: x - max - log sum exp(x - max). */
static void log_softmax_row(const mx_nn_kernels *nn, size_t n, const float *x, float *y)
{
    const float max = nn->max_reduce(n, x);
    nn->add_scalar(n, x, -max, y);
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)expf(y[i]);
    nn->add_scalar(n, y, (float)-log(sum), y);
}

static void softmax_row(const mx_nn_kernels *nn, size_t n, const float *x, float *y)
{
    nn->softmax(n, x, y);
}

typedef void softmax_fn(const mx_nn_kernels *nn, size_t n, const float *x, float *y);

/* An axis with others behind it goes through a row of scratch memory. */
static mexpr_status softmax_along(const mx_run *run, softmax_fn *row)
{
    const softmax_params *p = run->params;
    const mx_nn_kernels *nn = &run->machine->nn;
    float *scratch = run->workspace;
    if (mx_tensor_count(run->inputs[0]) == 0)
        return MEXPR_OK;
    for (int64_t o = 0; o < p->outer; o++) {
        const float *x = (const float *)run->inputs[0]->data + o * p->axis * p->inner;
        float *y = (float *)run->outputs[0]->data + o * p->axis * p->inner;
        if (p->inner == 1) {
            row(nn, (size_t)p->axis, x, y);
            continue;
        }
        for (int64_t i = 0; i < p->inner; i++) {
            for (int64_t k = 0; k < p->axis; k++)
                scratch[k] = x[k * p->inner + i];
            row(nn, (size_t)p->axis, scratch, scratch);
            for (int64_t k = 0; k < p->axis; k++)
                y[k * p->inner + i] = scratch[k];
        }
    }
    return MEXPR_OK;
}

/* 1 for the first of the largest, 0 for all others. */
static void hardmax_row(const mx_nn_kernels *nn, size_t n, const float *x, float *y)
{
    size_t best = 0;
    (void)nn;
    for (size_t i = 1; i < n; i++)
        best = x[i] > x[best] ? i : best;
    for (size_t i = 0; i < n; i++)
        y[i] = i == best ? 1 : 0;
}

static mexpr_status hardmax(const mx_run *run)
{
    return softmax_along(run, hardmax_row);
}

static mexpr_status softmax(const mx_run *run)
{
    return softmax_along(run, softmax_row);
}

static mexpr_status log_softmax(const mx_run *run)
{
    return softmax_along(run, log_softmax_row);
}

#define SOFTMAX(op, forward_fn)                                                          \
    {                                                                                    \
        .name = op, .domain = "", .since = 1, .min_inputs = 1, .max_inputs = 1,          \
        .min_outputs = 1, .max_outputs = 1, .types = MX_T_F32, .attributes = "axis:i",   \
        .params_size = sizeof(softmax_params), .infer = infer_softmax,                   \
        .forward = forward_fn                                                            \
    }

const mx_operator mx_operators_softmax[] = {
    SOFTMAX("Hardmax", hardmax),
    SOFTMAX("LogSoftmax", log_softmax),
    SOFTMAX("Softmax", softmax),
    {.name = NULL},
};
