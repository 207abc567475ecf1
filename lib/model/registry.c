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
    mx_operators_math,
    mx_operators_rank,
    mx_operators_select,
    mx_operators_dynamic,
    mx_operators_resize,
    mx_operators_sample,
    mx_operators_einsum,
    mx_operators_ml,
    mx_operators_patch,
    mx_operators_flow,
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

/* Operators that are left out, and why. */
typedef struct refusal {
    const char *name; /* with '*' at its end: all that begin so */
    const char *reason;
} refusal;

static const refusal refusals[] = {
    {"Adagrad", "it trains; only inference is read from files"},
    {"Adam", "it trains; only inference is read from files"},
    {"Bernoulli", "its results are random"},
    {"BlackmanWindow", "signal processing is not supported"},
    {"ConcatFromSequence", "sequences are not supported"},
    {"ConvInteger", "quantised models are not supported: export it in float"},
    {"DFT", "signal processing is not supported"},
    {"DequantizeLinear", "quantised models are not supported: export it in float"},
    {"DynamicQuantizeLinear", "quantised models are not supported: export it in float"},
    {"Gradient", "it trains; only inference is read from files"},
    {"HammingWindow", "signal processing is not supported"},
    {"HannWindow", "signal processing is not supported"},
    {"ImageDecoder", "pictures are decoded outside of the model"},
    {"MatMulInteger", "quantised models are not supported: export it in float"},
    {"MelWeightMatrix", "signal processing is not supported"},
    {"Momentum", "it trains; only inference is read from files"},
    {"Multinomial", "its results are random"},
    {"NegativeLogLikelihoodLoss", "it is a loss; export the model for inference"},
    {"Optional*", "optional values are not supported"},
    {"QLinear*", "quantised models are not supported: export it in float"},
    {"QuantizeLinear", "quantised models are not supported: export it in float"},
    {"Random*", "its results are random"},
    {"RegexFullMatch", "texts are not supported"},
    {"STFT", "signal processing is not supported"},
    {"Sequence*", "sequences are not supported"},
    {"SoftmaxCrossEntropyLoss", "it is a loss; export the model for inference"},
    {"SplitToSequence", "sequences are not supported"},
    {"String*", "texts are not supported"},
    {"TfIdfVectorizer", "texts are not supported"},
    {"ZipMap", "maps are not supported: convert the model with zipmap=False"},
};

const char *mx_operator_refusal(int index, const char **reason)
{
    if (index < 0 || index >= (int)(sizeof refusals / sizeof refusals[0]))
        return NULL;
    *reason = refusals[index].reason;
    return refusals[index].name;
}

static const char *reason_for(const char *name)
{
    const char *pattern, *reason = NULL;
    for (int i = 0; (pattern = mx_operator_refusal(i, &reason)); i++) {
        const size_t length = strlen(pattern) - 1;
        if (strcmp(pattern, name) == 0 ||
            (pattern[length] == '*' && strncmp(pattern, name, length) == 0))
            return reason;
    }
    return NULL;
}

static mexpr_status fail_unknown(mx_scope *scope, const char *domain, const char *name)
{
    const char *reason = reason_for(name);
    if (!domain[0])
        domain = "ai.onnx";
    if (reason)
        return mx_fail(scope, MEXPR_E_OPERATOR,
            "the operator '%.60s' of the domain '%.100s' is left out: %s", name, domain,
            reason);
    return mx_fail(scope, MEXPR_E_OPERATOR,
        "the operator '%.60s' of the domain '%.100s' is not known; docs/operators.md "
        "lists those that are",
        name, domain);
}

bool mx_operator_is_known(const char *domain, const char *name, int opset)
{
    for (int i = 0; i < N_FAMILIES; i++) {
        for (const mx_operator *op = families[i]; op->name; op++) {
            if (strcmp(op->name, name) == 0 && strcmp(op->domain, domain) == 0 &&
                opset >= op->since && (op->last == 0 || opset <= op->last))
                return true;
        }
    }
    return false;
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
    return fail_unknown(scope, domain, name);
}
