/* SPDX-License-Identifier: MIT */
/* If and Loop, which the reader takes apart: a branch or an iteration is so many nodes of
 * the one graph, under a gate. What is left of an If is a node that passes one of two
 * values on, and mx_graph_finish() settles which. */
#include "model/op_tables.h"

static mexpr_status infer_branch(mx_infer *infer)
{
    return mx_fail(infer->scope, MEXPR_E_OPERATOR, "its condition is not a constant");
}

#define FLOW(op, first, remark)                                                          \
    {                                                                                    \
        .name = op, .domain = "", .since = first, .min_inputs = 3, .max_inputs = 3,      \
        .min_outputs = 1, .max_outputs = 1, .types = MX_T_ALL, .flags = MX_OP_BRANCH,    \
        .other_inputs = MX_INPUT_BIT(0), .value_inputs = MX_INPUT_BIT(0),                \
        .attributes = "", .infer = infer_branch, .note = remark                          \
    }

const mx_operator mx_operators_flow[] = {
    FLOW("If", 1, "conditions that are constant when the model is loaded"),
    FLOW("Loop", 1, "conditions that are constant when the model is loaded"),
    FLOW("Scan", 9, "as often as is known when the model is loaded"),
    {.name = NULL},
};

static mexpr_status infer_unknown(mx_infer *infer)
{
    return mx_fail(infer->scope, MEXPR_E_OPERATOR, "the operator '%.60s' is not known",
        infer->node->op_type);
}

const mx_operator mx_unknown_operator = {.name = "unknown",
    .domain = "",
    .attributes = "",
    .flags = MX_OP_VARIADIC,
    .types = MX_T_ALL,
    .infer = infer_unknown};
