/* SPDX-License-Identifier: MIT */
#include "train/back.h"

#include <string.h>

#include "train/back_tables.h"
#include "train/block.h"
#include "train/gate.h"

static const mx_back_op *const families[] = {
    mx_back_activation_ops,
    mx_back_conv_ops,
    mx_back_dropout_ops,
    mx_back_gemm_ops,
    mx_back_norm_ops,
    mx_back_pool_ops,
    mx_back_elementwise_ops,
    mx_back_matmul_ops,
    mx_back_move_ops,
    mx_back_reduce_ops,
    mx_back_resize_ops,
    mx_back_row_norm_ops,
    mx_back_sample_ops,
    mx_back_softmax_ops,
};

enum { N_FAMILIES = sizeof families / sizeof families[0] };

const mx_back_op *mx_back_find(const mx_node *node)
{
    if (node->op == &mx_block_operator)
        return &mx_block_back;
    if (node->op == &mx_gate_stats_operator)
        return &mx_gate_stats_back;
    if (node->op == &mx_gate_product_operator)
        return &mx_gate_product_back;
    for (int i = 0; i < N_FAMILIES && !node->domain[0]; i++) {
        for (const mx_back_op *op = families[i]; op->name; op++) {
            if (strcmp(op->name, node->op_type) == 0)
                return op;
        }
    }
    return NULL;
}

mexpr_status mx_back_copy(const mx_back_run *run)
{
    const size_t n = (size_t)mx_tensor_count(run->outputs[0]);
    const float *from = run->output_gradients[0];
    float *to = run->gradients[0];
    if (n == 0 || from == to)
        return MEXPR_OK;
    if (run->adds & 1)
        run->machine->nn.add(n, to, from, to);
    else
        memcpy(to, from, n * sizeof *to);
    return MEXPR_OK;
}
