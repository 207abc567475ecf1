/* SPDX-License-Identifier: MIT */
/* Softmax and its kin. Before opset 13 they take all dimensions from the axis on as one.
 */
#include <math.h>
#include <string.h>

#include "model/op_tables.h"

/* Columns that go together, and elements of rows that do. */
enum { COLUMNS = 256, PART = 8192 };

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
    if (p->inner > 1 && p->axis > 0)
        infer->part_space = (size_t)(p->axis + COLUMNS * 2) * sizeof(float);
    return mx_infer_same(infer);
}

/* --- rows -------------------------------------------------------------------------- */

static void log_softmax_row(const mx_nn_kernels *nn, size_t n, const float *x, float *y)
{
    nn->log_softmax(n, x, y);
}

static void softmax_row(const mx_nn_kernels *nn, size_t n, const float *x, float *y)
{
    nn->softmax(n, x, y);
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

/* --- columns, `stride` being from row to row ---------------------------------------- */

/* The largest of each column and, in y, the rest. */
static void subtract_max(const mx_nn_kernels *nn, size_t n, int64_t axis, int64_t stride,
    const float *x, float *y, float *max)
{
    memcpy(max, x, n * sizeof *max);
    for (int64_t k = 1; k < axis; k++)
        nn->max(n, max, x + k * stride, max);
    for (int64_t k = 0; k < axis; k++)
        nn->sub(n, x + k * stride, max, y + k * stride);
}

static void softmax_columns(const mx_nn_kernels *nn, size_t n, int64_t axis,
    int64_t stride, const float *x, float *y, float *space)
{
    memset(space + COLUMNS, 0, n * sizeof *space);
    subtract_max(nn, n, axis, stride, x, y, space);
    for (int64_t k = 0; k < axis; k++) {
        nn->exp(n, y + k * stride, y + k * stride);
        nn->add(n, space + COLUMNS, y + k * stride, space + COLUMNS);
    }
    for (int64_t k = 0; k < axis; k++)
        nn->div(n, y + k * stride, space + COLUMNS, y + k * stride);
}

static void log_softmax_columns(const mx_nn_kernels *nn, size_t n, int64_t axis,
    int64_t stride, const float *x, float *y, float *space)
{
    float *sum = space + COLUMNS;
    memset(sum, 0, n * sizeof *sum);
    subtract_max(nn, n, axis, stride, x, y, space);
    for (int64_t k = 0; k < axis; k++) {
        nn->exp(n, y + k * stride, space);
        nn->add(n, sum, space, sum);
    }
    nn->log(n, sum, sum);
    for (int64_t k = 0; k < axis; k++)
        nn->sub(n, y + k * stride, sum, y + k * stride);
}

static void hardmax_columns(const mx_nn_kernels *nn, size_t n, int64_t axis,
    int64_t stride, const float *x, float *y, float *space)
{
    float *row = space + 2 * COLUMNS;
    for (size_t i = 0; i < n; i++) {
        for (int64_t k = 0; k < axis; k++)
            row[k] = x[k * stride + (int64_t)i];
        hardmax_row(nn, (size_t)axis, row, row);
        for (int64_t k = 0; k < axis; k++)
            y[k * stride + (int64_t)i] = row[k];
    }
}

/* --- forward ------------------------------------------------------------------------ */

typedef struct kind {
    void (*row)(const mx_nn_kernels *nn, size_t n, const float *x, float *y);
    void (*columns)(const mx_nn_kernels *nn, size_t n, int64_t axis, int64_t stride,
        const float *x, float *y, float *space);
} kind;

static int64_t rows_of_part(const softmax_params *p)
{
    return p->axis < PART ? PART / p->axis : 1;
}

static void rows_part(const mx_run *run, const void *arg, int64_t part, void *space)
{
    const softmax_params *p = run->params;
    const int64_t rows = rows_of_part(p), first = part * rows;
    const int64_t end = first + rows < p->outer ? first + rows : p->outer;
    (void)space;
    for (int64_t o = first; o < end; o++)
        ((const kind *)arg)
            ->row(&run->machine->nn, (size_t)p->axis,
                (const float *)run->inputs[0]->data + o * p->axis,
                (float *)run->outputs[0]->data + o * p->axis);
}

static void columns_part(const mx_run *run, const void *arg, int64_t part, void *space)
{
    const softmax_params *p = run->params;
    const int64_t blocks = (p->inner + COLUMNS - 1) / COLUMNS;
    const int64_t at = part % blocks * COLUMNS, left = p->inner - at;
    const int64_t from = part / blocks * p->axis * p->inner + at;
    ((const kind *)arg)
        ->columns(&run->machine->nn, (size_t)(left < COLUMNS ? left : COLUMNS), p->axis,
            p->inner, (const float *)run->inputs[0]->data + from,
            (float *)run->outputs[0]->data + from, space);
}

static mexpr_status softmax_along(const mx_run *run, const kind *k)
{
    const softmax_params *p = run->params;
    if (mx_tensor_count(run->inputs[0]) == 0)
        return MEXPR_OK;
    if (p->inner == 1)
        mx_run_parts(
            run, (p->outer + rows_of_part(p) - 1) / rows_of_part(p), rows_part, k);
    else
        mx_run_parts(
            run, p->outer * ((p->inner + COLUMNS - 1) / COLUMNS), columns_part, k);
    return MEXPR_OK;
}

static mexpr_status hardmax(const mx_run *run)
{
    return softmax_along(run, &(const kind){hardmax_row, hardmax_columns});
}

static mexpr_status softmax(const mx_run *run)
{
    return softmax_along(run, &(const kind){softmax_row, softmax_columns});
}

static mexpr_status log_softmax(const mx_run *run)
{
    return softmax_along(run, &(const kind){log_softmax_row, log_softmax_columns});
}

#define SOFTMAX(op, forward_fn)                                                          \
    {                                                                                    \
        .name = op, .domain = "", .since = 1, .min_inputs = 1, .max_inputs = 1,          \
        .min_outputs = 1, .max_outputs = 1, .types = MX_T_F32, .attributes = "axis:i",   \
        .flags = MX_OP_PARTS, .params_size = sizeof(softmax_params),                     \
        .infer = infer_softmax, .forward = forward_fn                                    \
    }

const mx_operator mx_operators_softmax[] = {
    SOFTMAX("Hardmax", hardmax),
    SOFTMAX("LogSoftmax", log_softmax),
    SOFTMAX("Softmax", softmax),
    {.name = NULL},
};
