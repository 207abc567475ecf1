/* SPDX-License-Identifier: MIT */
/* What follows a convolution or matrix product is done to its result while that is in the
 * cache. Weights are left alone: batch normalisation scales the sums instead. */
#include <math.h>
#include <string.h>

#include "model/rewrite.h"

/* How far an epilogue has got. */
typedef enum stage {
    STAGE_PLAIN,
    STAGE_SCALED,
    STAGE_ADDED,
    STAGE_ACTIVE,
    STAGE_POST
} stage;

static stage stage_of(const mx_node *node)
{
    if (node->n_inputs > MX_EPILOGUE_POST_SCALE &&
        node->inputs[MX_EPILOGUE_POST_SCALE] >= 0)
        return STAGE_POST;
    if (node->fusion && node->fusion->activation != MX_ACTIVATION_NONE)
        return STAGE_ACTIVE;
    if (node->n_inputs > MX_EPILOGUE_RESIDUAL && node->inputs[MX_EPILOGUE_RESIDUAL] >= 0)
        return STAGE_ADDED;
    return node->n_inputs > MX_EPILOGUE_SCALE && node->inputs[MX_EPILOGUE_SCALE] >= 0
               ? STAGE_SCALED
               : STAGE_PLAIN;
}

/* The product that makes a value for this one use. */
static const mx_node *product_of(const mx_rewriter *r, int value)
{
    static const char *const names[] = {
        "Conv", "ConvTranspose", "Gemm", "Dense", "Linear"};
    const mx_node *product = NULL;
    for (size_t i = 0; !product && i < sizeof names / sizeof *names; i++)
        product = mx_rw_inner(r, value, names[i]);
    return product;
}

/* The product with its epilogue so far, to be put in another place. */
static mx_rw_new extended(const mx_rewriter *r, const mx_node *product, int output)
{
    mx_rw_new new = {product->op, MX_EPILOGUE_INPUTS, {0}, 1, {output},
        product->n_attributes, product->attributes, product->fusion};
    for (int k = 0; k < MX_EPILOGUE_INPUTS; k++)
        new.inputs[k] = mx_rw_input(r, product, k);
    return new;
}

static mexpr_status move(
    mx_rewriter *r, int place, const mx_rw_new *new, int value, uint32_t rewrite)
{
    const int before = r->maker[value];
    const mexpr_status status = mx_rw_replace(r, place, new);
    mx_rw_drop_unused(r, before);
    mx_rw_count(r, rewrite);
    return status;
}

/* --- batch normalisation ----------------------------------------------------------- */

static const float *constant_of(
    const mx_rewriter *r, const mx_node *node, int k, int64_t n)
{
    const int value = mx_rw_input(r, node, k);
    const mx_tensor *t = value >= 0 ? mx_rw_tensor(r, value) : NULL;
    const bool fits =
        t && t->data && t->dtype == MEXPR_DTYPE_F32 && t->rank == 1 && t->dims[0] == n;
    return fits ? t->data : NULL;
}

/* scale * x + shift, from the five inputs of the node; `bias`, where there is one, is in
 * x already and goes into the shift instead. */
static void fold(const float *const *parameters, const float *bias, float epsilon,
    int64_t n, float *scale, float *shift)
{
    for (int64_t c = 0; c < n; c++) {
        scale[c] = parameters[0][c] / sqrtf(parameters[3][c] + epsilon);
        const float mean = parameters[2][c] - (bias ? bias[c] : 0);
        shift[c] = parameters[1][c] - mean * scale[c];
    }
}

static mexpr_status join_batch_norm(mx_rewriter *r, int place, const mx_node *node)
{
    const int value = mx_rw_input(r, node, 0);
    const mx_node *product = product_of(r, value);
    const mx_tensor *t = mx_rw_tensor(r, value);
    if (!product || t->rank < 2 || t->dims[1] < 1 || stage_of(product) == STAGE_POST ||
        (mx_rw_is(product, "Linear") && t->rank > 2))
        return MEXPR_OK;
    const int64_t n = t->dims[1];
    const float *parameters[4], *bias = NULL;
    for (int k = 0; k < 4; k++) {
        parameters[k] = constant_of(r, node, 1 + k, n);
        if (!parameters[k])
            return MEXPR_OK;
    }
    const bool first = stage_of(product) == STAGE_PLAIN;
    const bool takes_bias =
        first && !mx_rw_is(product, "Gemm") && mx_rw_input(r, product, 2) >= 0;
    if (takes_bias && !(bias = constant_of(r, product, 2, n)))
        return MEXPR_OK;
    float *scale, *shift;
    mx_rw_new new = extended(r, product, node->outputs[0]);
    const int at = first ? MX_EPILOGUE_SCALE : MX_EPILOGUE_POST_SCALE;
    mexpr_status status = mx_rw_vector(r, n, &scale, &new.inputs[at]);
    if (status != MEXPR_OK || new.inputs[at] < 0)
        return status;
    status = mx_rw_vector(r, n, &shift, &new.inputs[at + 1]);
    if (status != MEXPR_OK || new.inputs[at + 1] < 0)
        return status;
    fold(parameters, bias, mx_attr_float(node, "epsilon", 1e-5f), n, scale, shift);
    if (takes_bias)
        new.inputs[2] = -1;
    return move(r, place, &new, value, MEXPR_REWRITE_BATCH_NORM);
}

/* --- activation -------------------------------------------------------------------- */

static bool read_activation(const mx_rewriter *r, const mx_node *node, mx_fusion *f)
{
    static const struct {
        const char *name;
        mx_activation activation;
    } plain[] = {{"Relu", MX_ACTIVATION_RELU}, {"Sigmoid", MX_ACTIVATION_SIGMOID},
        {"SiLU", MX_ACTIVATION_SILU}, {"HardSwish", MX_ACTIVATION_HARD_SWISH},
        {"Tanh", MX_ACTIVATION_TANH}};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        if (mx_rw_is(node, plain[i].name)) {
            f->activation = plain[i].activation;
            return true;
        }
    }
    if (mx_rw_is(node, "LeakyRelu")) {
        f->activation = MX_ACTIVATION_LEAKY_RELU;
        f->a = mx_attr_float(node, "alpha", 0.01f);
        return true;
    }
    if (!mx_rw_is(node, "Clip"))
        return false;
    const int low = mx_rw_input(r, node, 1), high = mx_rw_input(r, node, 2);
    f->activation = MX_ACTIVATION_CLIP;
    f->a = -INFINITY;
    f->b = INFINITY;
    return (low < 0 || mx_rw_number(r, low, &f->a)) &&
           (high < 0 || mx_rw_number(r, high, &f->b));
}

static bool read_gelu(const mx_node *node, mx_fusion *f)
{
    const char *form = mx_attr_string(node, "approximate", "none");
    if (!mx_rw_is(node, "Gelu"))
        return false;
    f->activation =
        strcmp(form, "tanh") == 0 ? MX_ACTIVATION_GELU_TANH : MX_ACTIVATION_GELU;
    return true;
}

static mexpr_status join_activation(mx_rewriter *r, int place, const mx_node *node)
{
    mx_fusion f = {0};
    const int value = mx_rw_input(r, node, 0);
    const mx_node *product = product_of(r, value);
    if (!product || stage_of(product) >= STAGE_ACTIVE)
        return MEXPR_OK;
    if (!read_activation(r, node, &f) &&
        (mx_rw_is(product, "Conv") || !read_gelu(node, &f)))
        return MEXPR_OK;
    mx_rw_new new = extended(r, product, node->outputs[0]);
    new.fusion = &f;
    return move(r, place, &new, value, MEXPR_REWRITE_EPILOGUE);
}

/* --- bias --------------------------------------------------------------------------- */

/* One number for each column of a matrix product, in whatever shape. */
static mexpr_status join_bias(mx_rewriter *r, int place, const mx_node *node, bool *did)
{
    *did = false;
    for (int k = 0; node->n_inputs == 2 && k < 2; k++) {
        const int value = mx_rw_input(r, node, k), other = mx_rw_input(r, node, 1 - k);
        const mx_node *product = mx_rw_inner(r, value, "Linear");
        const mx_tensor *t = mx_rw_tensor(r, value), *b = mx_rw_tensor(r, other);
        if (!product || product->n_inputs > 3 || mx_rw_input(r, product, 2) >= 0 ||
            !b->data || b->rank < 1 || b->rank > t->rank ||
            b->dims[b->rank - 1] != t->dims[t->rank - 1] ||
            mx_tensor_count(b) != t->dims[t->rank - 1])
            continue;
        mx_rw_new new = {product->op, 3,
            {mx_rw_input(r, product, 0), mx_rw_input(r, product, 1), other}, 1,
            {node->outputs[0]}, 0, NULL, NULL};
        *did = true;
        return move(r, place, &new, value, MEXPR_REWRITE_EPILOGUE);
    }
    return MEXPR_OK;
}

/* --- residual ---------------------------------------------------------------------- */

static mexpr_status join_sum(mx_rewriter *r, int place, const mx_node *node)
{
    bool did;
    const mexpr_status status = join_bias(r, place, node, &did);
    if (status != MEXPR_OK || did || node->n_inputs != 2)
        return status;
    for (int k = 1; k >= 0; k--) {
        const int value = mx_rw_input(r, node, k), other = mx_rw_input(r, node, 1 - k);
        const mx_node *product = product_of(r, value);
        if (!product || stage_of(product) >= STAGE_ADDED || value == other ||
            !mx_rw_same_shape(r, value, other))
            continue;
        mx_rw_new new = extended(r, product, node->outputs[0]);
        new.inputs[MX_EPILOGUE_RESIDUAL] = other;
        return move(r, place, &new, value, MEXPR_REWRITE_EPILOGUE);
    }
    return MEXPR_OK;
}

mexpr_status mx_rule_epilogue(mx_rewriter *r, int place)
{
    const mx_node *node = mx_rw_node(r, place);
    const uint32_t allowed = r->graph->rewrites;
    if (node->n_inputs < 1 || node->n_outputs < 1 || mx_rw_input(r, node, 0) < 0)
        return MEXPR_OK;
    if (mx_rw_is(node, "BatchNormalization"))
        return allowed & MEXPR_REWRITE_BATCH_NORM ? join_batch_norm(r, place, node)
                                                  : MEXPR_OK;
    if (!(allowed & MEXPR_REWRITE_EPILOGUE))
        return MEXPR_OK;
    return mx_rw_is(node, "Add") ? join_sum(r, place, node)
                                 : join_activation(r, place, node);
}
