/* SPDX-License-Identifier: MIT */
/* How much work folding a node is: small inputs and outputs alone do not say it for
 * products and windows. */
#include "model/fold.h"

#include <string.h>

static const mx_tensor *input_of(const mx_node *node, const mx_tensor *tensors, int k)
{
    return k < node->n_inputs && node->inputs[k] >= 0 ? &tensors[node->inputs[k]] : NULL;
}

static double count_of(const mx_tensor *t)
{
    return t && mx_tensor_has_shape(t) ? (double)mx_tensor_count(t) : 0;
}

static double longest_dim(const mx_tensor *t)
{
    double longest = 1;
    for (int i = 0; t && i < t->rank; i++)
        longest = (double)t->dims[i] > longest ? (double)t->dims[i] : longest;
    return longest;
}

static double window_of(const mx_node *node)
{
    const mx_attribute *kernel = mx_attr(node, "kernel_shape");
    double window = 1;
    for (size_t i = 0; kernel && i < kernel->n; i++)
        window *= (double)kernel->ints[i];
    return window;
}

/* Steps for each element of the output, at most. */
static double steps_per_output(const mx_node *node, const mx_tensor *tensors)
{
    const mx_tensor *x = input_of(node, tensors, 0), *w = input_of(node, tensors, 1);
    const char *op = node->op->name;
    if (strcmp(op, "Conv") == 0 || strcmp(op, "ConvTranspose") == 0)
        return count_of(w);
    if (strcmp(op, "MatMul") == 0 || strcmp(op, "Gemm") == 0)
        return longest_dim(x);
    if (strcmp(op, "Einsum") == 0)
        return count_of(x);
    if (strcmp(op, "RNN") == 0 || strcmp(op, "GRU") == 0 || strcmp(op, "LSTM") == 0)
        return count_of(w) + count_of(input_of(node, tensors, 2));
    if (strcmp(op, "LRN") == 0)
        return (double)mx_attr_int(node, "size", 1);
    if (strcmp(op, "RoiAlign") == 0) /* sampling points; 0: as many as there are inputs */
        return mx_attr_int(node, "sampling_ratio", 0) > 0 ? 64 : count_of(x);
    return window_of(node);
}

double mx_fold_work(const mx_node *node, const mx_tensor *tensors)
{
    double in = 0, out = 0;
    for (int k = 0; k < node->n_inputs; k++)
        in += count_of(input_of(node, tensors, k));
    for (int k = 0; k < node->n_outputs; k++)
        out += node->outputs[k] >= 0 ? count_of(&tensors[node->outputs[k]]) : 0;
    return in + out * steps_per_output(node, tensors);
}
