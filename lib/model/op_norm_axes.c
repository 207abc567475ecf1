/* SPDX-License-Identifier: MIT */
/* Normalisations without weights: over axes, and over neighbouring channels. */
#include <math.h>
#include <string.h>

#include "model/op_tables.h"

/* --- MeanVarianceNormalization ----------------------------------------------------- */

/* Keeps a standard deviation of 0 from dividing; ONNX names the number. */
#define MVN_EPSILON 1e-9f

typedef struct mvn_params {
    int64_t kept[MEXPR_MAX_RANK]; /* the input's dimensions, 1 where averaged */
    int64_t n_results;
    int64_t count; /* elements of one mean */
} mvn_params;

static mexpr_status mvn_axes(mx_infer *infer, uint32_t *mask)
{
    static const int64_t standard[] = {0, 2, 3};
    const int rank = infer->inputs[0]->rank;
    int n_axes;
    bool known;
    mexpr_status status = mx_infer_axes(infer, 1, rank, mask, &n_axes, &known);
    for (int i = 0; status == MEXPR_OK && n_axes == 0 && i < 3; i++) {
        int64_t axis = standard[i];
        status = mx_infer_axis(infer, &axis, rank);
        if (status == MEXPR_OK)
            *mask |= 1u << axis;
    }
    return status;
}

static mexpr_status infer_mvn(mx_infer *infer)
{
    const mx_tensor *x = infer->inputs[0];
    mvn_params *p = infer->params;
    uint32_t mask;
    const mexpr_status status = mvn_axes(infer, &mask);
    if (status != MEXPR_OK)
        return status;
    int64_t averaged[MEXPR_MAX_RANK];
    for (int i = 0; i < x->rank; i++) {
        const bool is_averaged = mask & 1u << i;
        p->kept[i] = is_averaged ? 1 : x->dims[i];
        averaged[i] = is_averaged ? x->dims[i] : 1;
    }
    p->n_results = mx_dims_product(p->kept, 0, x->rank);
    p->count = mx_dims_product(averaged, 0, x->rank);
    if (p->n_results > 0)
        infer->workspace = 2 * (size_t)p->n_results * sizeof(float);
    return mx_infer_same(infer);
}

/* The input with the place of each element's mean: row stride 0 or 1. */
static void walk_means(const mx_run *run, mx_walk *walk)
{
    const mx_tensor *x = run->inputs[0];
    const mvn_params *p = run->params;
    int64_t strides[2][MEXPR_MAX_RANK];
    mx_contiguous_strides(x->rank, p->kept, strides[0]);
    mx_contiguous_strides(x->rank, x->dims, strides[1]);
    for (int i = 0; i < x->rank; i++) {
        if (p->kept[i] == 1)
            strides[0][i] = 0;
    }
    mx_walk_init(walk, x->rank, x->dims, 2, (const int64_t(*)[MEXPR_MAX_RANK])strides);
}

static void add_row(
    const mx_nn_kernels *nn, size_t n, int64_t stride, const float *x, float *sum)
{
    if (stride == 0)
        *sum += nn->sum(n, x);
    else
        nn->add(n, sum, x, sum);
}

static void add_square_row(const mx_nn_kernels *nn, size_t n, int64_t stride,
    const float *x, const float *mean, float *sum)
{
    if (stride == 0) {
        *sum += nn->sum_square_diff(n, x, *mean);
        return;
    }
    for (size_t i = 0; i < n; i++)
        sum[i] += (x[i] - mean[i]) * (x[i] - mean[i]);
}

static void scale_row(const mx_nn_kernels *nn, size_t n, int64_t stride, const float *x,
    const float *mean, const float *inverse, float *y)
{
    if (stride == 0) {
        nn->add_scalar(n, x, -*mean, y);
        nn->mul_scalar(n, y, *inverse, y);
    } else {
        nn->sub(n, x, mean, y);
        nn->mul(n, y, inverse, y);
    }
}

typedef enum mvn_pass { PASS_MEAN, PASS_VARIANCE, PASS_SCALE } mvn_pass;

static void mvn_walk(const mx_run *run, mvn_pass pass, float *mean, float *inverse)
{
    const mx_nn_kernels *nn = &run->machine->nn;
    mx_walk walk;
    walk_means(run, &walk);
    const size_t n = (size_t)walk.dims[walk.rank - 1];
    const int64_t stride = walk.strides[0][walk.rank - 1];
    do {
        const float *x = (const float *)run->inputs[0]->data + walk.offset[1];
        float *m = mean + walk.offset[0], *s = inverse + walk.offset[0];
        if (pass == PASS_MEAN)
            add_row(nn, n, stride, x, m);
        else if (pass == PASS_VARIANCE)
            add_square_row(nn, n, stride, x, m, s);
        else
            scale_row(
                nn, n, stride, x, m, s, (float *)run->outputs[0]->data + walk.offset[1]);
    } while (mx_walk_next(&walk));
}

static mexpr_status mvn(const mx_run *run)
{
    const mvn_params *p = run->params;
    if (mx_tensor_count(run->inputs[0]) == 0)
        return MEXPR_OK;
    const size_t n = (size_t)p->n_results;
    float *mean = run->workspace, *inverse = mean + n;
    memset(mean, 0, 2 * n * sizeof *mean);
    mvn_walk(run, PASS_MEAN, mean, inverse);
    run->machine->nn.div_scalar(n, mean, (float)p->count, mean);
    mvn_walk(run, PASS_VARIANCE, mean, inverse);
    for (size_t i = 0; i < n; i++)
        inverse[i] = 1 / (sqrtf(inverse[i] / (float)p->count) + MVN_EPSILON);
    mvn_walk(run, PASS_SCALE, mean, inverse);
    return MEXPR_OK;
}

/* --- LpNormalization --------------------------------------------------------------- */

/* The input as outer × axis × inner. */
typedef struct lp_params {
    int64_t outer, axis, inner;
    bool is_l1;
} lp_params;

static mexpr_status infer_lp(mx_infer *infer)
{
    const mx_tensor *x = infer->inputs[0];
    lp_params *p = infer->params;
    const int64_t power = mx_attr_int(infer->node, "p", 2);
    int64_t axis = mx_attr_int(infer->node, "axis", -1);
    const mexpr_status status = mx_infer_axis(infer, &axis, x->rank);
    if (status != MEXPR_OK)
        return status;
    if (power != 1 && power != 2)
        return mx_fail(infer->scope, MEXPR_E_MODEL,
            "a norm with p = %lld is not possible; 1 and 2 are", (long long)power);
    p->is_l1 = power == 1;
    p->outer = mx_dims_product(x->dims, 0, (int)axis);
    p->axis = x->dims[axis];
    p->inner = mx_dims_product(x->dims, (int)axis + 1, x->rank);
    if (p->inner > 0)
        infer->workspace = 2 * (size_t)p->inner * sizeof(float);
    return mx_infer_same(infer);
}

/* A vector of zeros stays one. */
static float divisor(const lp_params *p, float sum)
{
    const float norm = p->is_l1 ? sum : sqrtf(sum);
    return norm == 0 ? 1 : norm;
}

/* Vectors in one piece. */
static void lp_row(const lp_params *p, const mx_nn_kernels *nn, const float *x, float *y)
{
    const size_t n = (size_t)p->axis;
    nn->abs(n, x, y);
    const float sum = p->is_l1 ? nn->sum(n, y) : nn->sum_squares(n, y);
    nn->div_scalar(n, x, divisor(p, sum), y);
}

/* `inner` vectors side by side; `norms` has room for two rows of them. */
static void lp_rows(
    const lp_params *p, const mx_nn_kernels *nn, const float *x, float *y, float *norms)
{
    const size_t n = (size_t)p->inner;
    float *size = norms + n;
    memset(norms, 0, n * sizeof *norms);
    for (int64_t k = 0; k < p->axis; k++) {
        nn->abs(n, x + k * p->inner, size);
        if (p->is_l1)
            nn->add(n, norms, size, norms);
        else
            nn->mul_add(n, size, size, norms);
    }
    for (size_t i = 0; i < n; i++)
        norms[i] = divisor(p, norms[i]);
    for (int64_t k = 0; k < p->axis; k++)
        nn->div(n, x + k * p->inner, norms, y + k * p->inner);
}

static mexpr_status lp_normalise(const mx_run *run)
{
    const lp_params *p = run->params;
    const mx_nn_kernels *nn = &run->machine->nn;
    if (mx_tensor_count(run->inputs[0]) == 0)
        return MEXPR_OK;
    for (int64_t o = 0; o < p->outer; o++) {
        const float *x = (const float *)run->inputs[0]->data + o * p->axis * p->inner;
        float *y = (float *)run->outputs[0]->data + o * p->axis * p->inner;
        if (p->inner == 1)
            lp_row(p, nn, x, y);
        else
            lp_rows(p, nn, x, y, run->workspace);
    }
    return MEXPR_OK;
}

/* --- LRN --------------------------------------------------------------------------- */

/* Krizhevsky, Sutskever, Hinton: ImageNet classification with deep convolutional neural
 * networks, 2012, section 3.3. */
typedef struct lrn_params {
    float alpha, beta, bias; /* alpha divided by the size already */
    int64_t before, after;   /* neighbours */
    int64_t batch, channels, plane;
} lrn_params;

static mexpr_status infer_lrn(mx_infer *infer)
{
    const mx_tensor *x = infer->inputs[0];
    lrn_params *p = infer->params;
    const int64_t size = mx_attr_int(infer->node, "size", 0);
    if (size < 1)
        return mx_fail(infer->scope, MEXPR_E_MODEL,
            "its attribute size is %lld, but has to be 1 or more", (long long)size);
    if (x->rank < 2)
        return mx_fail(infer->scope, MEXPR_E_SHAPE, "its input has no channels");
    p->alpha = mx_attr_float(infer->node, "alpha", 1e-4f) / (float)size;
    p->beta = mx_attr_float(infer->node, "beta", 0.75f);
    p->bias = mx_attr_float(infer->node, "bias", 1);
    p->before = (size - 1) / 2;
    p->after = size / 2;
    p->batch = x->dims[0];
    p->channels = x->dims[1];
    p->plane = mx_dims_product(x->dims, 2, x->rank);
    if (p->plane > 0)
        infer->workspace = 2 * (size_t)p->plane * sizeof(float);
    return mx_infer_same(infer);
}

/* sum ** beta; the usual 3/4 by two roots. */
static void lrn_divisor(
    const mx_nn_kernels *nn, const lrn_params *p, float *sum, float *scratch)
{
    const size_t n = (size_t)p->plane;
    nn->scale_shift(n, sum, p->alpha, p->bias, sum);
    if (p->beta == 0.75f) {
        nn->sqrt(n, sum, sum);
        nn->sqrt(n, sum, scratch);
        nn->mul(n, sum, scratch, sum);
        return;
    }
    for (size_t i = 0; i < n; i++)
        sum[i] = powf(sum[i], p->beta);
}

static mexpr_status lrn(const mx_run *run)
{
    const lrn_params *p = run->params;
    const mx_nn_kernels *nn = &run->machine->nn;
    if (mx_tensor_count(run->inputs[0]) == 0)
        return MEXPR_OK;
    const size_t n = (size_t)p->plane;
    float *sum = run->workspace;
    for (int64_t i = 0; i < p->batch * p->channels; i++) {
        const int64_t c = i % p->channels, left = p->channels - 1 - c;
        const float *x = (const float *)run->inputs[0]->data + i * p->plane;
        const float *first = x - (c < p->before ? c : p->before) * p->plane;
        const float *last = x + (left < p->after ? left : p->after) * p->plane;
        memset(sum, 0, n * sizeof *sum);
        for (; first <= last; first += p->plane)
            nn->mul_add(n, first, first, sum);
        lrn_divisor(nn, p, sum, sum + n);
        nn->div(n, x, sum, (float *)run->outputs[0]->data + i * p->plane);
    }
    return MEXPR_OK;
}

#define NORM(op, attribute_list, params, infer_fn, forward_fn)                           \
    {                                                                                    \
        .name = op, .domain = "", .since = 1, .min_inputs = 1, .max_inputs = 1,          \
        .min_outputs = 1, .max_outputs = 1, .types = MX_T_F32,                           \
        .attributes = attribute_list, .params_size = sizeof(params), .infer = infer_fn,  \
        .forward = forward_fn                                                            \
    }

const mx_operator mx_operators_norm_axes[] = {
    NORM("LRN", "alpha:f beta:f bias:f size:i", lrn_params, infer_lrn, lrn),
    NORM("LpNormalization", "axis:i p:i", lp_params, infer_lp, lp_normalise),
    NORM("MeanVarianceNormalization", "axes:I", mvn_params, infer_mvn, mvn),
    {.name = NULL},
};
