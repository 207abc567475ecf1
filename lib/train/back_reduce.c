/* SPDX-License-Identifier: MIT */
/* Reductions: every element gets the gradient of its result, weighted. */
#include <math.h>
#include <string.h>

#include "train/back_common.h"
#include "train/back_tables.h"

/* The axes as bits, from the attribute or the constant input 1; none are all. */
static uint32_t axes_of(const mx_back_run *run)
{
    const mx_attribute *a = mx_attr(run->node, "axes");
    const mx_tensor *list = run->n_inputs > 1 ? run->inputs[1] : NULL;
    const int rank = run->inputs[0]->rank;
    const int64_t n = list ? mx_tensor_count(list) : a ? (int64_t)a->n : 0;
    uint32_t mask = 0;
    for (int64_t i = 0; i < n; i++) {
        const int64_t axis = !list ? a->ints[i]
                             : list->dtype == MEXPR_DTYPE_I64
                                 ? ((int64_t *)list->data)[i]
                                 : ((int32_t *)list->data)[i];
        mask |= 1u << (axis < 0 ? axis + rank : axis);
    }
    return n > 0 ? mask : (1u << rank) - 1;
}

/* noop_with_empty_axes: the operator did nothing. */
static bool is_copy(const mx_back_run *run)
{
    const mx_attribute *a = mx_attr(run->node, "axes");
    const mx_tensor *list = run->n_inputs > 1 ? run->inputs[1] : NULL;
    return mx_attr_int(run->node, "noop_with_empty_axes", 0) != 0 &&
           (list ? mx_tensor_count(list) == 0 : !a || a->n == 0);
}

/* Rows of the input with the places of their results, whose stride is 0 or 1. */
static void walk_input(const mx_back_run *run, mx_walk *walk)
{
    const mx_tensor *in = run->inputs[0];
    const uint32_t axes = axes_of(run);
    int64_t kept[MEXPR_MAX_RANK], strides[2][MEXPR_MAX_RANK];
    for (int i = 0; i < in->rank; i++)
        kept[i] = axes & 1u << i ? 1 : in->dims[i];
    mx_contiguous_strides(in->rank, kept, strides[0]);
    mx_contiguous_strides(in->rank, in->dims, strides[1]);
    for (int i = 0; i < in->rank; i++) {
        if (axes & 1u << i && in->dims[i] != 1)
            strides[0][i] = 0;
    }
    mx_walk_init(walk, in->rank, in->dims, 2, (const int64_t(*)[MEXPR_MAX_RANK])strides);
}

/* A piece of a row: n elements x, their results y and the gradients g of those, both with
 * a stride of 0 or 1; the gradients of x go into d. */
typedef struct piece {
    const mx_nn_kernels *nn;
    const mx_train_kernels *train;
    int64_t n, stride, place; /* of the first result */
    float factor;
    const float *x, *y, *g;
    uint8_t *taken; /* for each result: whether its extreme has been met */
    float *d;
} piece;

typedef void piece_fn(const piece *p);

static void back_rows(const mx_back_run *run, piece_fn *fn, float factor)
{
    const bool adds = mx_back_adds(run, 0);
    const float *x = run->inputs[0]->data, *y = run->outputs[0]->data;
    piece p = {.nn = &run->machine->nn,
        .train = &run->machine->train,
        .factor = factor,
        .taken = run->workspace};
    float space[MX_BACK_CHUNK];
    mx_walk walk;
    walk_input(run, &walk);
    if (mx_walk_is_empty(&walk))
        return;
    const int last = walk.rank - 1;
    p.stride = walk.strides[0][last];
    do {
        float *to = run->gradients[0] + walk.offset[1];
        for (int64_t i = 0; i < walk.dims[last]; i += MX_BACK_CHUNK) {
            const int64_t left = walk.dims[last] - i;
            p.n = left < MX_BACK_CHUNK ? left : MX_BACK_CHUNK;
            p.place = walk.offset[0] + i * p.stride;
            p.x = x ? x + walk.offset[1] + i : NULL;
            p.y = y ? y + p.place : NULL;
            p.g = run->output_gradients[0] + p.place;
            p.d = adds ? space : to + i;
            fn(&p);
            mx_back_put(p.nn, p.n, p.d, adds, to + i);
        }
    } while (mx_walk_next(&walk));
}

static mexpr_status back_through(const mx_back_run *run, piece_fn *fn, float factor)
{
    const mx_nn_kernels *nn = &run->machine->nn;
    const int64_t n = mx_tensor_count(run->inputs[0]);
    if (is_copy(run))
        mx_back_put(
            nn, n, run->output_gradients[0], mx_back_adds(run, 0), run->gradients[0]);
    else
        back_rows(run, fn, factor);
    return MEXPR_OK;
}

/* --- what each makes --------------------------------------------------------------- */

static void spread(const piece *p)
{
    if (p->stride == 1) {
        p->nn->mul_scalar((size_t)p->n, p->g, p->factor, p->d);
        return;
    }
    const float share = p->factor * *p->g;
    for (int64_t i = 0; i < p->n; i++)
        p->d[i] = share;
}

static void by_sign(const piece *p)
{
    for (int64_t i = 0; i < p->n; i++) {
        const float x = p->x[i], g = p->g[i * p->stride];
        p->d[i] = x > 0 ? g : x < 0 ? -g : 0;
    }
}

static void by_element(const piece *p)
{
    for (int64_t i = 0; i < p->n; i++)
        p->d[i] = 2 * p->x[i] * p->g[i * p->stride];
}

/* Of a norm of 0 it is 0. */
static void by_norm(const piece *p)
{
    for (int64_t i = 0; i < p->n; i++) {
        const float y = p->y[i * p->stride];
        p->d[i] = y > 0 ? p->x[i] / y * p->g[i * p->stride] : 0;
    }
}

static void by_log_sum(const piece *p)
{
    for (int64_t i = 0; i < p->n; i++)
        p->d[i] = p->g[i * p->stride] * expf(-p->y[i * p->stride]);
}

static void by_share(const piece *p)
{
    for (int64_t i = 0; i < p->n; i++)
        p->d[i] = p->g[i * p->stride] * expf(p->x[i] - p->y[i * p->stride]);
}

/* All to the first of equals, as torch.max(x, dim) has it. */
static void to_extreme(const piece *p)
{
    uint8_t *taken = p->taken + p->place;
    if (p->stride == 1) {
        p->train->claim((size_t)p->n, p->x, p->y, p->g, taken, p->d);
        return;
    }
    memset(p->d, 0, (size_t)p->n * sizeof *p->d);
    for (int64_t i = 0; i < p->n && !*taken; i++) {
        *taken = p->x[i] == *p->y;
        if (*taken)
            p->d[i] = *p->g;
    }
}

/* --- operators --------------------------------------------------------------------- */

static mexpr_status reduce_sum(const mx_back_run *run)
{
    return back_through(run, spread, 1);
}

static mexpr_status reduce_mean(const mx_back_run *run)
{
    const double n_in = (double)mx_tensor_count(run->inputs[0]);
    const double n_out = (double)mx_tensor_count(run->outputs[0]);
    return back_through(run, spread, n_in > 0 ? (float)(n_out / n_in) : 0);
}

static mexpr_status reduce_l1(const mx_back_run *run)
{
    return back_through(run, by_sign, 1);
}

static mexpr_status reduce_l2(const mx_back_run *run)
{
    return back_through(run, by_norm, 1);
}

static mexpr_status reduce_sum_square(const mx_back_run *run)
{
    return back_through(run, by_element, 1);
}

static mexpr_status reduce_log_sum(const mx_back_run *run)
{
    return back_through(run, by_log_sum, 1);
}

static mexpr_status reduce_log_sum_exp(const mx_back_run *run)
{
    return back_through(run, by_share, 1);
}

static mexpr_status plan_extreme(mx_back_plan *plan)
{
    mx_back_workspace(plan, (size_t)mx_tensor_count(plan->outputs[0]));
    return MEXPR_OK;
}

static mexpr_status reduce_extreme(const mx_back_run *run)
{
    memset(run->workspace, 0, (size_t)mx_tensor_count(run->outputs[0]));
    return back_through(run, to_extreme, 1);
}

#define REDUCE(op, inputs_read, outputs_read, plan_fn, backward_fn)                      \
    {                                                                                    \
        .name = op, .plan = plan_fn, .backward = backward_fn,                            \
        .reads_inputs = inputs_read | MX_INPUT_BIT(1), .reads_outputs = outputs_read,    \
        .no_gradient = MX_INPUT_BIT(1)                                                   \
    }

const mx_back_op mx_back_reduce_ops[] = {
    REDUCE("ReduceL1", 1, 0, NULL, reduce_l1),
    REDUCE("ReduceL2", 1, 1, NULL, reduce_l2),
    REDUCE("ReduceLogSum", 0, 1, NULL, reduce_log_sum),
    REDUCE("ReduceLogSumExp", 1, 1, NULL, reduce_log_sum_exp),
    REDUCE("ReduceMax", 1, 1, plan_extreme, reduce_extreme),
    REDUCE("ReduceMean", 0, 0, NULL, reduce_mean),
    REDUCE("ReduceMin", 1, 1, plan_extreme, reduce_extreme),
    REDUCE("ReduceSum", 0, 0, NULL, reduce_sum),
    REDUCE("ReduceSumSquare", 1, 0, NULL, reduce_sum_square),
    {.name = NULL},
};
