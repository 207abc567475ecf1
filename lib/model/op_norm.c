/* SPDX-License-Identifier: MIT */
/* Normalisations and softmax. */
#include <math.h>
#include <string.h>

#include "model/op_tables.h"

/* Input k, where there is one, has to be a list of `n` numbers (-1: open). */
static mexpr_status check_vector(mx_infer *infer, int k, int64_t n)
{
    const mx_tensor *in = mx_infer_input(infer, k);
    char text[MX_SHAPE_TEXT];
    if (in && (in->rank != 1 || (n >= 0 && in->dims[0] >= 0 && in->dims[0] != n)))
        return mx_fail(infer->scope, MEXPR_E_SHAPE,
            "its input %d of %s must be a list of %lld numbers, one for each channel", k,
            mx_shape_text(in, text), (long long)n);
    return MEXPR_OK;
}

/* --- BatchNormalization ------------------------------------------------------------ */

/* Ioffe, Szegedy: Batch Normalization, 2015; with the statistics of training. */
typedef struct batch_params {
    float epsilon;
    int64_t batch, channels, size;
} batch_params;

static mexpr_status infer_batch_norm(mx_infer *infer)
{
    const mx_tensor *x = infer->inputs[0];
    batch_params *p = infer->params;
    if (mx_attr_int(infer->node, "training_mode", 0) != 0 || infer->n_outputs > 1)
        return mx_fail(infer->scope, MEXPR_E_OPERATOR,
            "its training form is not known; export the model in evaluation mode");
    if (x->rank < 1)
        return mx_fail(infer->scope, MEXPR_E_SHAPE, "its input has no channels");
    p->epsilon = mx_attr_float(infer->node, "epsilon", 1e-5f);
    p->batch = x->dims[0];
    p->channels = x->rank > 1 ? x->dims[1] : 1;
    p->size = x->rank > 2 ? mx_dims_product(x->dims, 2, x->rank) : 1;
    mexpr_status status = mx_infer_same(infer);
    for (int k = 1; k < 5 && status == MEXPR_OK; k++)
        status = check_vector(infer, k, p->channels);
    infer->workspace = p->channels > 0 ? 2 * (size_t)p->channels * sizeof(float) : 0;
    return status;
}

static mexpr_status batch_norm(const mx_run *run)
{
    const batch_params *p = run->params;
    const float *scale = run->inputs[1]->data, *shift = run->inputs[2]->data;
    const float *mean = run->inputs[3]->data, *var = run->inputs[4]->data;
    const float *x = run->inputs[0]->data;
    float *a = run->workspace, *b = a + p->channels, *y = run->outputs[0]->data;
    if (mx_tensor_count(run->inputs[0]) == 0)
        return MEXPR_OK;
    for (int64_t c = 0; c < p->channels; c++) {
        a[c] = scale[c] / sqrtf(var[c] + p->epsilon);
        b[c] = shift[c] - mean[c] * a[c];
    }
    for (int64_t n = 0; n < p->batch; n++) {
        const int64_t at = n * p->channels * p->size;
        run->machine->nn.scale_shift_rows(
            (size_t)p->channels, (size_t)p->size, x + at, a, b, y + at);
    }
    return MEXPR_OK;
}

/* --- InstanceNormalization, LayerNormalization ------------------------------------- */

/* Rows of the input are brought to mean 0 and variance 1. */
typedef struct row_params {
    float epsilon;
    int64_t rows, size, channels;
} row_params;

static void normalise(const mx_nn_kernels *nn, size_t n, float epsilon, const float *x,
    float *y, float *mean, float *inverse)
{
    *mean = nn->sum(n, x) / (float)n;
    *inverse = 1 / sqrtf(nn->sum_square_diff(n, x, *mean) / (float)n + epsilon);
    nn->add_scalar(n, x, -*mean, y);
    nn->mul_scalar(n, y, *inverse, y);
}

/* Ulyanov, Vedaldi, Lempitsky: Instance Normalization, 2016. */
static mexpr_status infer_instance_norm(mx_infer *infer)
{
    const mx_tensor *x = infer->inputs[0];
    row_params *p = infer->params;
    if (x->rank < 3)
        return mx_fail(
            infer->scope, MEXPR_E_SHAPE, "its input has fewer than 3 dimensions");
    p->epsilon = mx_attr_float(infer->node, "epsilon", 1e-5f);
    p->channels = x->dims[1];
    p->rows = mx_dims_product(x->dims, 0, 2);
    p->size = mx_dims_product(x->dims, 2, x->rank);
    mexpr_status status = check_vector(infer, 1, p->channels);
    if (status == MEXPR_OK)
        status = check_vector(infer, 2, p->channels);
    return status == MEXPR_OK ? mx_infer_same(infer) : status;
}

static mexpr_status instance_norm(const mx_run *run)
{
    const row_params *p = run->params;
    const mx_nn_kernels *nn = &run->machine->nn;
    const float *scale = run->inputs[1]->data, *shift = run->inputs[2]->data;
    const size_t n = (size_t)p->size;
    for (int64_t r = 0; r < p->rows && n > 0; r++) {
        const float *x = (const float *)run->inputs[0]->data + r * p->size;
        float *y = (float *)run->outputs[0]->data + r * p->size;
        const int64_t c = r % p->channels;
        float mean, inverse;
        normalise(nn, n, p->epsilon, x, y, &mean, &inverse);
        nn->scale_shift(n, y, scale[c], shift[c], y);
    }
    return MEXPR_OK;
}

/* Scale and shift of LayerNormalization: broadcast to the input, so a suffix of its shape
 * gives rows of their own size; anything else is not in use anywhere. */
static mexpr_status check_layer_input(mx_infer *infer, int k, int64_t axis)
{
    const mx_tensor *x = infer->inputs[0], *in = mx_infer_input(infer, k);
    if (!in)
        return MEXPR_OK;
    const int64_t rank = x->rank - axis;
    bool fits = in->rank == rank;
    for (int i = 0; fits && i < rank; i++) {
        const int64_t want = x->dims[axis + i];
        fits = want < 0 || in->dims[i] < 0 || want == in->dims[i];
    }
    char a[MX_SHAPE_TEXT], b[MX_SHAPE_TEXT];
    if (!fits)
        return mx_fail(infer->scope, MEXPR_E_SHAPE,
            "its input %d of %s is not of the shape that is normalised in %s", k,
            mx_shape_text(in, a), mx_shape_text(x, b));
    return MEXPR_OK;
}

/* Ba, Kiros, Hinton: Layer Normalization, 2016. */
static mexpr_status infer_layer_norm(mx_infer *infer)
{
    const mx_tensor *x = infer->inputs[0];
    row_params *p = infer->params;
    int64_t axis = mx_attr_int(infer->node, "axis", -1);
    mexpr_status status = mx_infer_axis(infer, &axis, x->rank);
    for (int k = 1; k < 3 && status == MEXPR_OK; k++)
        status = check_layer_input(infer, k, axis);
    if (status != MEXPR_OK)
        return status;
    p->epsilon = mx_attr_float(infer->node, "epsilon", 1e-5f);
    p->rows = mx_dims_product(x->dims, 0, (int)axis);
    p->size = mx_dims_product(x->dims, (int)axis, x->rank);
    int64_t dims[MEXPR_MAX_RANK];
    for (int i = 0; i < x->rank; i++)
        dims[i] = i < axis ? x->dims[i] : 1;
    mx_infer_shape(infer, 1, x->rank, dims);
    mx_infer_shape(infer, 2, x->rank, dims);
    for (int k = 1; k < infer->n_outputs; k++)
        infer->outputs[k]->dtype = MEXPR_DTYPE_F32;
    return mx_infer_same(infer);
}

static mexpr_status layer_norm(const mx_run *run)
{
    const row_params *p = run->params;
    const mx_nn_kernels *nn = &run->machine->nn;
    const mx_tensor *bias = mx_run_input(run, 2);
    const size_t n = (size_t)p->size;
    float *means = mx_run_output(run, 1) ? run->outputs[1]->data : NULL;
    float *inverses = mx_run_output(run, 2) ? run->outputs[2]->data : NULL;
    for (int64_t r = 0; r < p->rows && n > 0; r++) {
        const float *x = (const float *)run->inputs[0]->data + r * p->size;
        float *y = (float *)run->outputs[0]->data + r * p->size;
        float mean, inverse;
        normalise(nn, n, p->epsilon, x, y, &mean, &inverse);
        nn->mul(n, y, run->inputs[1]->data, y);
        if (bias)
            nn->add(n, y, bias->data, y);
        if (means)
            means[r] = mean;
        if (inverses)
            inverses[r] = inverse;
    }
    return MEXPR_OK;
}

/* --- Softmax ----------------------------------------------------------------------- */

/* The input as outer × axis × inner. */
typedef struct softmax_params {
    int64_t outer, axis, inner;
} softmax_params;

/* From opset 13 on along one axis; before, over everything from the axis on. */
static mexpr_status infer_softmax(mx_infer *infer)
{
    const mx_tensor *x = infer->inputs[0];
    softmax_params *p = infer->params;
    const bool flat = infer->node->opset < 13;
    int64_t axis = mx_attr_int(infer->node, "axis", flat ? 1 : -1);
    const bool at_end = flat && axis == x->rank;
    const mexpr_status status = at_end ? MEXPR_OK : mx_infer_axis(infer, &axis, x->rank);
    if (status != MEXPR_OK)
        return status;
    const int end = flat ? x->rank : (int)axis + 1;
    p->outer = mx_dims_product(x->dims, 0, (int)axis);
    p->axis = mx_dims_product(x->dims, (int)axis, end);
    p->inner = mx_dims_product(x->dims, end, x->rank);
    infer->workspace = p->inner > 1 && p->axis > 0 ? (size_t)p->axis * sizeof(float) : 0;
    return mx_infer_same(infer);
}

/* log softmax: x - max - log sum exp(x - max). */
static void log_softmax_row(const mx_nn_kernels *nn, size_t n, const float *x, float *y)
{
    const float max = nn->max_reduce(n, x);
    nn->add_scalar(n, x, -max, y);
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)expf(y[i]);
    nn->add_scalar(n, y, (float)-log(sum), y);
}

static void softmax_row(const mx_nn_kernels *nn, size_t n, const float *x, float *y)
{
    nn->softmax(n, x, y);
}

typedef void softmax_fn(const mx_nn_kernels *nn, size_t n, const float *x, float *y);

/* An axis with others behind it goes through a row of scratch memory. */
static mexpr_status softmax_along(const mx_run *run, softmax_fn *row)
{
    const softmax_params *p = run->params;
    const mx_nn_kernels *nn = &run->machine->nn;
    float *scratch = run->workspace;
    if (mx_tensor_count(run->inputs[0]) == 0)
        return MEXPR_OK;
    for (int64_t o = 0; o < p->outer; o++) {
        const float *x = (const float *)run->inputs[0]->data + o * p->axis * p->inner;
        float *y = (float *)run->outputs[0]->data + o * p->axis * p->inner;
        if (p->inner == 1) {
            row(nn, (size_t)p->axis, x, y);
            continue;
        }
        for (int64_t i = 0; i < p->inner; i++) {
            for (int64_t k = 0; k < p->axis; k++)
                scratch[k] = x[k * p->inner + i];
            row(nn, (size_t)p->axis, scratch, scratch);
            for (int64_t k = 0; k < p->axis; k++)
                y[k * p->inner + i] = scratch[k];
        }
    }
    return MEXPR_OK;
}

static mexpr_status softmax(const mx_run *run)
{
    return softmax_along(run, softmax_row);
}

static mexpr_status log_softmax(const mx_run *run)
{
    return softmax_along(run, log_softmax_row);
}

const mx_operator mx_operators_norm[] = {
    {.name = "BatchNormalization",
        .domain = "",
        .since = 9,
        .min_inputs = 5,
        .max_inputs = 5,
        .min_outputs = 1,
        .max_outputs = 5,
        .types = MX_T_F32,
        .attributes = "epsilon:f momentum:f training_mode:i",
        .params_size = sizeof(batch_params),
        .infer = infer_batch_norm,
        .forward = batch_norm,
        .note = "inference form"},
    {.name = "InstanceNormalization",
        .domain = "",
        .since = 6,
        .min_inputs = 3,
        .max_inputs = 3,
        .min_outputs = 1,
        .max_outputs = 1,
        .types = MX_T_F32,
        .attributes = "epsilon:f",
        .params_size = sizeof(row_params),
        .infer = infer_instance_norm,
        .forward = instance_norm},
    {.name = "LayerNormalization",
        .domain = "",
        .since = 17,
        .min_inputs = 2,
        .max_inputs = 3,
        .min_outputs = 1,
        .max_outputs = 3,
        .types = MX_T_F32,
        .attributes = "axis:i epsilon:f stash_type:i",
        .params_size = sizeof(row_params),
        .infer = infer_layer_norm,
        .forward = layer_norm},
    {.name = "LogSoftmax",
        .domain = "",
        .since = 11,
        .min_inputs = 1,
        .max_inputs = 1,
        .min_outputs = 1,
        .max_outputs = 1,
        .types = MX_T_F32,
        .attributes = "axis:i",
        .params_size = sizeof(softmax_params),
        .infer = infer_softmax,
        .forward = log_softmax},
    {.name = "Softmax",
        .domain = "",
        .since = 11,
        .min_inputs = 1,
        .max_inputs = 1,
        .min_outputs = 1,
        .max_outputs = 1,
        .types = MX_T_F32,
        .attributes = "axis:i",
        .params_size = sizeof(softmax_params),
        .infer = infer_softmax,
        .forward = softmax},
    {.name = NULL},
};
