/* SPDX-License-Identifier: MIT */
#include "train/back_common.h"

#include <string.h>

void mx_back_workspace(mx_back_plan *plan, size_t bytes)
{
    plan->workspace = bytes > plan->workspace ? bytes : plan->workspace;
}

float *mx_back_ready(const mx_back_run *run, int k)
{
    float *gradient = run->gradients[k];
    if (gradient && !mx_back_adds(run, k))
        memset(gradient, 0, mx_tensor_bytes(run->inputs[k]));
    return gradient;
}

void mx_back_put(const mx_nn_kernels *nn, int64_t n, const float *d, bool adds, float *y)
{
    if (n > 0 && adds)
        nn->add((size_t)n, y, d, y);
    else if (n > 0 && y != d)
        memcpy(y, d, (size_t)n * sizeof *y);
}

void mx_back_fold(const mx_back_run *run, const mx_tensor *full, const float *d, int k)
{
    const mx_nn_kernels *nn = &run->machine->nn;
    const int64_t n_all = mx_tensor_count(full);
    mx_walk walk;
    if (!run->gradients[k])
        return;
    if (mx_tensor_count(run->inputs[k]) == n_all) {
        mx_back_put(nn, n_all, d, mx_back_adds(run, k), run->gradients[k]);
        return;
    }
    float *gradient = mx_back_ready(run, k);
    mx_walk_broadcast(&walk, full, &run->inputs[k], 1);
    if (mx_walk_is_empty(&walk))
        return;
    const int last = walk.rank - 1;
    const size_t n = (size_t)walk.dims[last];
    do {
        float *y = gradient + walk.offset[1];
        if (walk.strides[1][last])
            nn->add(n, y, d + walk.offset[0], y);
        else
            *y += nn->sum(n, d + walk.offset[0]);
    } while (mx_walk_next(&walk));
}

float mx_back_dot(const mx_nn_kernels *nn, int64_t n, const float *a, const float *b)
{
    float products[MX_BACK_CHUNK], sum = 0;
    for (int64_t i = 0; i < n; i += MX_BACK_CHUNK) {
        const size_t m = (size_t)(n - i < MX_BACK_CHUNK ? n - i : MX_BACK_CHUNK);
        nn->mul(m, a + i, b + i, products);
        sum += nn->sum(m, products);
    }
    return sum;
}

mx_back_lines mx_back_lines_of(const mx_tensor *tensor, int64_t first, int64_t past)
{
    return (mx_back_lines){mx_dims_product(tensor->dims, 0, (int)first),
        mx_dims_product(tensor->dims, (int)first, (int)past),
        mx_dims_product(tensor->dims, (int)past, tensor->rank)};
}

int64_t mx_back_axis(const mx_back_run *run, int64_t standard, int rank)
{
    const int64_t axis = mx_attr_int(run->node, "axis", standard);
    return axis < 0 ? axis + rank : axis;
}
