/* SPDX-License-Identifier: MIT */
/* Operators that move elements: the gradient goes back to where the element came from. */
#include <string.h>

#include "train/back_common.h"
#include "train/back_map.h"
#include "train/back_tables.h"

static int64_t int_at(const mx_tensor *list, int64_t i)
{
    return list->dtype == MEXPR_DTYPE_I64 ? ((const int64_t *)list->data)[i]
                                          : ((const int32_t *)list->data)[i];
}

static const mx_tensor *input_of(const mx_back_run *run, int k)
{
    return k < run->n_inputs ? run->inputs[k] : NULL;
}

/* --- the same elements ------------------------------------------------------------- */

static mexpr_status plan_cast(mx_back_plan *plan)
{
    if (plan->outputs[0]->dtype != MEXPR_DTYPE_F32)
        return mx_fail(plan->scope, MEXPR_E_OPERATOR,
            "a cast to %s cannot be trained through",
            mexpr_dtype_name((mexpr_dtype)plan->outputs[0]->dtype));
    return MEXPR_OK;
}

static mexpr_status plan_transpose(mx_back_plan *plan)
{
    mx_back_workspace(plan, mx_tensor_bytes(plan->outputs[0]));
    return MEXPR_OK;
}

static mexpr_status transpose(const mx_back_run *run)
{
    const mx_nn_kernels *nn = &run->machine->nn;
    const mx_attribute *perm = mx_attr(run->node, "perm");
    const mx_tensor *in = run->inputs[0], *out = run->outputs[0];
    int64_t strides[2][MEXPR_MAX_RANK], own[MEXPR_MAX_RANK];
    mx_walk walk;
    mx_contiguous_strides(out->rank, out->dims, own);
    mx_contiguous_strides(in->rank, in->dims, strides[0]);
    for (int i = 0; i < in->rank; i++)
        strides[1][perm ? perm->ints[i] : in->rank - 1 - i] = own[i];
    mx_walk_init(&walk, in->rank, in->dims, 2, (const int64_t(*)[MEXPR_MAX_RANK])strides);
    const bool adds = mx_back_adds(run, 0);
    float *to = adds ? run->workspace : run->gradients[0];
    mx_walk_copy(&walk, sizeof *to, to, run->output_gradients[0]);
    mx_back_put(nn, mx_tensor_count(in), to, adds, run->gradients[0]);
    return MEXPR_OK;
}

/* --- Concat, Split ----------------------------------------------------------------- */

static mexpr_status concat(const mx_back_run *run)
{
    const mx_tensor *out = run->outputs[0];
    const int64_t axis = mx_back_axis(run, 0, out->rank);
    const mx_back_lines l = mx_back_lines_of(out, axis, out->rank);
    const float *from = run->output_gradients[0];
    for (int k = 0; k < run->n_inputs; k++) {
        const int64_t size = mx_dims_product(run->inputs[k]->dims, (int)axis, out->rank);
        float *to = run->gradients[k];
        for (int64_t i = 0; to && i < l.outer; i++)
            mx_back_put(&run->machine->nn, size, from + i * l.n, mx_back_adds(run, k),
                to + i * size);
        from += size;
    }
    return MEXPR_OK;
}

static mexpr_status split(const mx_back_run *run)
{
    const mx_tensor *in = run->inputs[0];
    const int64_t axis = mx_back_axis(run, 0, in->rank);
    const mx_back_lines l = mx_back_lines_of(in, axis, in->rank);
    float *to = mx_back_ready(run, 0);
    for (int k = 0; k < run->n_outputs; k++) {
        const float *from = run->output_gradients[k];
        const int64_t size = mx_dims_product(run->outputs[k]->dims, (int)axis, in->rank);
        for (int64_t i = 0; from && i < l.outer; i++)
            mx_back_put(&run->machine->nn, size, from + i * size, true, to + i * l.n);
        to += size;
    }
    return MEXPR_OK;
}

/* --- Gather, Expand ---------------------------------------------------------------- */

static mexpr_status gather(const mx_back_run *run)
{
    const mx_tensor *in = run->inputs[0], *indices = run->inputs[1];
    const int64_t axis = mx_back_axis(run, 0, in->rank);
    const mx_back_lines l = mx_back_lines_of(in, axis, axis + 1);
    const int64_t n_indices = mx_tensor_count(indices);
    const float *from = run->output_gradients[0];
    float *to = mx_back_ready(run, 0);
    for (int64_t o = 0; o < l.outer; o++, to += l.n * l.inner) {
        for (int64_t i = 0; i < n_indices; i++, from += l.inner) {
            const int64_t at = int_at(indices, i);
            mx_back_put(&run->machine->nn, l.inner, from, true,
                to + (at < 0 ? at + l.n : at) * l.inner);
        }
    }
    return MEXPR_OK;
}

static mexpr_status expand(const mx_back_run *run)
{
    mx_back_fold(run, run->outputs[0], run->output_gradients[0], 0);
    return MEXPR_OK;
}

/* --- Slice ------------------------------------------------------------------------- */

static int64_t clamp(int64_t x, int64_t low, int64_t high)
{
    return x < low ? low : x > high ? high : x;
}

static mexpr_status slice(const mx_back_run *run)
{
    const mx_tensor *in = run->inputs[0], *starts = run->inputs[1];
    const mx_tensor *axes = input_of(run, 3), *steps = input_of(run, 4);
    int64_t first[MEXPR_MAX_RANK] = {0}, step[MEXPR_MAX_RANK];
    mx_back_map map;
    for (int d = 0; d < in->rank; d++)
        step[d] = 1;
    for (int64_t i = 0; i < mx_tensor_count(starts); i++) {
        const int64_t axis = axes ? int_at(axes, i) : i;
        const int64_t d = axis < 0 ? axis + in->rank : axis, n = in->dims[d];
        const int64_t start = int_at(starts, i);
        step[d] = steps ? int_at(steps, i) : 1;
        first[d] = start < 0 ? start + n : start;
        first[d] = step[d] > 0 ? clamp(first[d], 0, n) : clamp(first[d], -1, n - 1);
    }
    mx_back_map_init(&map, run);
    for (int d = 0; d < in->rank; d++) {
        for (int64_t i = 0; i < run->outputs[0]->dims[d]; i++)
            map.from[d][i] = first[d] + i * step[d];
    }
    mx_back_map_run(&map, run);
    return MEXPR_OK;
}

/* --- Tile -------------------------------------------------------------------------- */

static mexpr_status tile(const mx_back_run *run)
{
    const mx_tensor *in = run->inputs[0];
    mx_back_map map;
    mx_back_map_init(&map, run);
    for (int d = 0; d < in->rank; d++) {
        for (int64_t i = 0; i < run->outputs[0]->dims[d]; i++)
            map.from[d][i] = i % in->dims[d];
    }
    mx_back_map_run(&map, run);
    return MEXPR_OK;
}

/* --- Pad --------------------------------------------------------------------------- */

/* The element of 0..n-1 that position i shows, -1: the padding value. */
static int64_t shown(char mode, int64_t i, int64_t n)
{
    if (i >= 0 && i < n)
        return i;
    if (mode == 'e')
        return clamp(i, 0, n - 1);
    if (mode == 'w')
        return (i % n + n) % n;
    if (mode != 'r')
        return -1;
    if (n == 1)
        return 0;
    const int64_t period = 2 * (n - 1), at = (i % period + period) % period;
    return at < n ? at : period - at;
}

/* Negative pads cut first; what is left is padded. */
static mexpr_status pad(const mx_back_run *run)
{
    const mx_tensor *in = run->inputs[0], *pads = run->inputs[1];
    const mx_tensor *axes = input_of(run, 3);
    const char mode = *mx_attr_string(run->node, "mode", "constant");
    const int64_t n_axes = mx_tensor_count(pads) / 2;
    int64_t before[MEXPR_MAX_RANK] = {0}, after[MEXPR_MAX_RANK] = {0};
    mx_back_map map;
    for (int64_t i = 0; i < n_axes; i++) {
        const int64_t axis = axes ? int_at(axes, i) : i;
        const int64_t d = axis < 0 ? axis + in->rank : axis;
        before[d] = int_at(pads, i);
        after[d] = int_at(pads, n_axes + i);
    }
    mx_back_map_init(&map, run);
    for (int d = 0; d < in->rank; d++) {
        const int64_t cut = before[d] < 0 ? -before[d] : 0;
        const int64_t left = in->dims[d] - cut + (after[d] < 0 ? after[d] : 0);
        for (int64_t i = 0; i < run->outputs[0]->dims[d]; i++) {
            const int64_t at = shown(mode, i - before[d] - cut, left);
            map.from[d][i] = at < 0 ? -1 : cut + at;
        }
    }
    mx_back_map_run(&map, run);
    return MEXPR_OK;
}

#define LISTS ~MX_INPUT_BIT(0)
#define ALIAS(op)                                                                        \
    {                                                                                    \
        .name = op, .backward = mx_back_copy, .no_gradient = LISTS,                      \
        .flags = MX_BACK_IN_PLACE                                                        \
    }
#define MAPPED(op, lists, backward_fn)                                                   \
    {                                                                                    \
        .name = op, .plan = mx_back_map_plan, .backward = backward_fn,                   \
        .reads_inputs = lists, .no_gradient = LISTS                                      \
    }

const mx_back_op mx_back_move_ops[] = {
    {.name = "Cast",
        .plan = plan_cast,
        .backward = mx_back_copy,
        .flags = MX_BACK_IN_PLACE},
    {.name = "Concat", .backward = concat},
    {.name = "Expand", .backward = expand, .no_gradient = LISTS},
    {.name = "Gather",
        .backward = gather,
        .reads_inputs = MX_INPUT_BIT(1),
        .no_gradient = LISTS},
    MAPPED("Pad", MX_INPUT_BIT(1) | MX_INPUT_BIT(3), pad),
    ALIAS("Reshape"),
    MAPPED("Slice", MX_INPUT_BIT(1) | MX_INPUT_BIT(3) | MX_INPUT_BIT(4), slice),
    {.name = "Split", .backward = split, .no_gradient = LISTS},
    ALIAS("Squeeze"),
    MAPPED("Tile", 0, tile),
    {.name = "Transpose", .plan = plan_transpose, .backward = transpose},
    ALIAS("Unsqueeze"),
    {.name = NULL},
};
