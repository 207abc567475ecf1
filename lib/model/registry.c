/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "model/op_tables.h"

static const mx_operator *const families[] = {
    mx_operators_activation,
    mx_operators_elementwise,
    mx_operators_logic,
    mx_operators_reduce,
    mx_operators_gemm,
    mx_operators_conv,
    mx_operators_transposed,
    mx_operators_pool,
    mx_operators_norm,
    mx_operators_norm_axes,
    mx_operators_softmax,
    mx_operators_recurrent,
    mx_operators_shape,
    mx_operators_move,
    mx_operators_constant,
};

enum { N_FAMILIES = sizeof families / sizeof families[0] };

const mx_operator *mx_operator_at(int index)
{
    for (int i = 0; i < N_FAMILIES; i++) {
        for (const mx_operator *op = families[i]; op->name; op++) {
            if (index-- == 0)
                return op;
        }
    }
    return NULL;
}

mexpr_status mx_operator_find(mx_scope *scope, const char *domain, const char *name,
    int opset, const mx_operator **out)
{
    const mx_operator *other = NULL;
    *out = NULL;
    for (int i = 0; i < N_FAMILIES; i++) {
        for (const mx_operator *op = families[i]; op->name; op++) {
            if (strcmp(op->name, name) != 0 || strcmp(op->domain, domain) != 0)
                continue;
            other = op;
            if (opset >= op->since && (op->last == 0 || opset <= op->last)) {
                *out = op;
                return MEXPR_OK;
            }
        }
    }
    if (other)
        return mx_fail(scope, MEXPR_E_OPERATOR,
            "the operator %.60s does not exist in the model's opset %d, only from %d on",
            name, opset, other->since);
    return mx_fail(scope, MEXPR_E_OPERATOR,
        "the operator '%.60s' of the domain '%.100s' is not known; docs/operators.md "
        "lists "
        "those that are",
        name, domain[0] ? domain : "ai.onnx");
}
