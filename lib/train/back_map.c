/* SPDX-License-Identifier: MIT */
#include "train/back_map.h"

#include "train/back_common.h"

mexpr_status mx_back_map_plan(mx_back_plan *plan)
{
    size_t n = 0;
    for (int d = 0; d < plan->outputs[0]->rank; d++)
        n += (size_t)plan->outputs[0]->dims[d];
    mx_back_workspace(plan, n * sizeof(int64_t));
    return MEXPR_OK;
}

void mx_back_map_init(mx_back_map *map, const mx_back_run *run)
{
    int64_t *free = run->workspace;
    for (int d = 0; d < run->outputs[0]->rank; d++) {
        map->from[d] = free;
        free += run->outputs[0]->dims[d];
    }
}

/* Neighbours that come from neighbours go together. */
static void add_row(const mx_nn_kernels *nn, int64_t n, const int64_t *from,
    const float *gradient, float *to)
{
    for (int64_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && from[end] == from[end - 1] + 1;)
            end++;
        if (from[i] < 0)
            end = i + 1;
        else
            nn->add((size_t)(end - i), to + from[i], gradient + i, to + from[i]);
    }
}

void mx_back_map_run(const mx_back_map *map, const mx_back_run *run)
{
    const mx_tensor *in = run->inputs[0], *out = run->outputs[0];
    const int64_t n = out->rank ? out->dims[out->rank - 1] : 1;
    const int64_t count = mx_tensor_count(out), zero = 0;
    int64_t strides[MEXPR_MAX_RANK], at[MEXPR_MAX_RANK] = {0};
    float *to = mx_back_ready(run, 0);
    mx_contiguous_strides(in->rank, in->dims, strides);
    for (int64_t i = 0; i < count; i += n) {
        int64_t row = 0;
        bool is_inside = true;
        for (int d = 0; d < out->rank - 1; d++) {
            is_inside = is_inside && map->from[d][at[d]] >= 0;
            row += map->from[d][at[d]] * strides[d];
        }
        if (is_inside)
            add_row(&run->machine->nn, n, out->rank ? map->from[out->rank - 1] : &zero,
                run->output_gradients[0] + i, to + row);
        for (int d = out->rank - 2; d >= 0 && ++at[d] == out->dims[d]; d--)
            at[d] = 0;
    }
}
