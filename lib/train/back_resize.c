/* SPDX-License-Identifier: MIT */
/* Resize: each element gives its gradient to those it was made of, by their weights. */
#include <string.h>

#include "model/op_resize.h"
#include "train/back_common.h"
#include "train/back_map.h"
#include "train/back_tables.h"

static mx_run forward_of(const mx_back_run *run)
{
    return (mx_run){.scope = run->scope,
        .machine = run->machine,
        .node = run->node,
        .n_inputs = run->n_inputs,
        .inputs = run->inputs,
        .n_outputs = run->n_outputs,
        .outputs = run->outputs,
        .params = run->params,
        .n_workers = 1};
}

static void back_nearest(const mx_back_run *run)
{
    const mx_run forward = forward_of(run);
    mx_back_map map;
    mx_back_map_init(&map, run);
    for (int d = 0; d < run->inputs[0]->rank; d++)
        mx_resize_elements(&forward, d, map.from[d]);
    mx_back_map_run(&map, run);
}

static int64_t clamp(int64_t i, int64_t n)
{
    return i < 0 ? 0 : i >= n ? n - 1 : i;
}

/* Along dimension d, those behind it being as long as the input's already. */
static void back_axis(const mx_back_run *run, int d, const float *from, float *to)
{
    const mx_resize_params *p = run->params;
    const mx_nn_kernels *nn = &run->machine->nn;
    const mx_tensor *in = run->inputs[0], *out = run->outputs[0];
    const int64_t n_in = in->dims[d], n_out = out->dims[d];
    const int64_t outer = mx_dims_product(out->dims, 0, d);
    const int64_t inner = mx_dims_product(in->dims, d + 1, in->rank);
    const mx_run forward = forward_of(run);
    mx_resize_row *rows = run->workspace;
    float *weights = (float *)(rows + n_out);
    mx_resize_weights(&forward, d, rows, weights);
    memset(to, 0, (size_t)(outer * n_in * inner) * sizeof *to);
    for (int64_t o = 0; o < outer; o++, to += n_in * inner) {
        for (int64_t i = 0; i < n_out; i++, from += inner) {
            for (int t = 0; t < p->taps[d] && !rows[i].outside; t++) {
                const float weight = weights[i * p->taps[d] + t];
                float *at = to + clamp(rows[i].first + t, n_in) * inner;
                if (inner == 1)
                    *at += weight * *from;
                else if (weight != 0)
                    nn->axpy((size_t)inner, weight, from, at);
            }
        }
    }
}

/* Axis by axis, from the last to the first: forward turned round. */
static void back_weighted(const mx_back_run *run)
{
    const mx_resize_params *p = run->params;
    const mx_tensor *in = run->inputs[0];
    float *buffers[2], *now = NULL;
    int next = 0;
    buffers[0] = (float *)((uint8_t *)run->workspace + p->table);
    buffers[1] = buffers[0] + p->n_floats;
    for (int d = in->rank - 1; d >= 0; d--) {
        if (p->taps[d] == 0)
            continue;
        back_axis(run, d, now ? now : run->output_gradients[0], buffers[next]);
        now = buffers[next];
        next = 1 - next;
    }
    mx_back_put(&run->machine->nn, mx_tensor_count(in),
        now ? now : run->output_gradients[0], mx_back_adds(run, 0), run->gradients[0]);
}

static mexpr_status resize(const mx_back_run *run)
{
    const mx_resize_params *p = run->params;
    if (mx_tensor_count(run->outputs[0]) == 0)
        mx_back_ready(run, 0);
    else if (p->mode == MX_RESIZE_NEAREST)
        back_nearest(run);
    else
        back_weighted(run);
    return MEXPR_OK;
}

const mx_back_op mx_back_resize_ops[] = {
    {.name = "Resize",
        .plan = mx_back_map_plan,
        .backward = resize,
        .reads_inputs = MX_INPUT_BIT(1),
        .no_gradient = ~MX_INPUT_BIT(0)},
    {.name = NULL},
};
