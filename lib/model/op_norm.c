/* SPDX-License-Identifier: MIT */
/* Normalisations with weights. */
#include <math.h>
#include <string.h>

#include "model/op_tables.h"

/* Channels that go together. */
enum { CHANNELS = 8 };

/* Input k, where there is one, has to be a list of `n` numbers (-1: open). */
static mexpr_status check_vector(mx_infer *infer, int k, int64_t n)
{
    const mx_tensor *in = mx_infer_input(infer, k);
    char text[MX_SHAPE_TEXT];
    if (in && (in->rank != 1 || (n >= 0 && in->dims[0] >= 0 && in->dims[0] != n)))
        return mx_fail(infer->scope, MEXPR_E_SHAPE,
            "its input %d of %s must be a list of %lld numbers", k,
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

/* Channels of one sample. */
static void batch_part(const mx_run *run, const void *arg, int64_t part, void *space)
{
    const batch_params *p = run->params;
    const float *a = run->workspace, *b = a + p->channels;
    const int64_t blocks = (p->channels + CHANNELS - 1) / CHANNELS;
    const int64_t c = part % blocks * CHANNELS, left = p->channels - c;
    const int64_t at = (part / blocks * p->channels + c) * p->size;
    (void)arg;
    (void)space;
    run->machine->nn.scale_shift_rows((size_t)(left < CHANNELS ? left : CHANNELS),
        (size_t)p->size, (const float *)run->inputs[0]->data + at, a + c, b + c,
        (float *)run->outputs[0]->data + at);
}

static mexpr_status batch_norm(const mx_run *run)
{
    const batch_params *p = run->params;
    const float *scale = run->inputs[1]->data, *shift = run->inputs[2]->data;
    const float *mean = run->inputs[3]->data, *var = run->inputs[4]->data;
    float *a = run->workspace, *b = a + p->channels;
    if (mx_tensor_count(run->inputs[0]) == 0)
        return MEXPR_OK;
    for (int64_t c = 0; c < p->channels; c++) {
        a[c] = scale[c] / sqrtf(var[c] + p->epsilon);
        b[c] = shift[c] - mean[c] * a[c];
    }
    mx_run_parts(
        run, p->batch * ((p->channels + CHANNELS - 1) / CHANNELS), batch_part, NULL);
    return MEXPR_OK;
}

/* --- InstanceNormalization, LayerNormalization ------------------------------------- */

/* Rows of the input are brought to mean 0 and variance 1. */
typedef struct row_params {
    float epsilon;
    int64_t rows, size, channels;
    bool has_row[3]; /* input k of LayerNormalization is one row of weights */
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

static void instance_row(const mx_run *run, const void *arg, int64_t r, void *space)
{
    const row_params *p = run->params;
    const mx_nn_kernels *nn = &run->machine->nn;
    const float *scale = run->inputs[1]->data, *shift = run->inputs[2]->data;
    const float *x = (const float *)run->inputs[0]->data + r * p->size;
    float *y = (float *)run->outputs[0]->data + r * p->size;
    const int64_t c = r % p->channels;
    float mean, inverse;
    (void)arg;
    (void)space;
    normalise(nn, (size_t)p->size, p->epsilon, x, y, &mean, &inverse);
    nn->scale_shift((size_t)p->size, y, scale[c], shift[c], y);
}

static mexpr_status instance_norm(const mx_run *run)
{
    const row_params *p = run->params;
    if (p->size > 0)
        mx_run_parts(run, p->rows, instance_row, NULL);
    return MEXPR_OK;
}

/* Scale and shift of LayerNormalization, broadcast to the input: most often a row. */
static mexpr_status check_layer_input(mx_infer *infer, int k, int n_normalised)
{
    const mx_tensor *x = infer->inputs[0], *in = mx_infer_input(infer, k);
    row_params *p = infer->params;
    if (!in)
        return MEXPR_OK;
    bool fits = in->rank <= x->rank;
    for (int i = 0; fits && i < in->rank; i++) {
        const int64_t want = x->dims[x->rank - in->rank + i];
        fits = want < 0 || in->dims[i] < 0 || in->dims[i] == 1 || want == in->dims[i];
    }
    char a[MX_SHAPE_TEXT], b[MX_SHAPE_TEXT];
    if (!fits)
        return mx_fail(infer->scope, MEXPR_E_SHAPE,
            "its input %d of %s cannot be broadcast to its input of %s", k,
            mx_shape_text(in, a), mx_shape_text(x, b));
    p->has_row[k] = in->rank <= n_normalised && p->size >= 0 &&
                    mx_dims_product(in->dims, 0, in->rank) == p->size;
    return MEXPR_OK;
}

/* Ba, Kiros, Hinton: Layer Normalization, 2016. */
static mexpr_status infer_layer_norm(mx_infer *infer)
{
    const mx_tensor *x = infer->inputs[0];
    row_params *p = infer->params;
    int64_t axis = mx_attr_int(infer->node, "axis", -1);
    mexpr_status status = mx_infer_axis(infer, &axis, x->rank);
    if (status != MEXPR_OK)
        return status;
    p->epsilon = mx_attr_float(infer->node, "epsilon", 1e-5f);
    p->rows = mx_dims_product(x->dims, 0, (int)axis);
    p->size = mx_dims_product(x->dims, (int)axis, x->rank);
    for (int k = 1; k < 3 && status == MEXPR_OK; k++)
        status = check_layer_input(infer, k, x->rank - (int)axis);
    int64_t dims[MEXPR_MAX_RANK];
    for (int i = 0; i < x->rank; i++)
        dims[i] = i < axis ? x->dims[i] : 1;
    mx_infer_shape(infer, 1, x->rank, dims);
    mx_infer_shape(infer, 2, x->rank, dims);
    for (int k = 1; k < infer->n_outputs; k++)
        infer->outputs[k]->dtype = MEXPR_DTYPE_F32;
    return status == MEXPR_OK ? mx_infer_same(infer) : status;
}

/* y = y * weights or y + weights, broadcast. */
static void weigh(const mx_run *run, const mx_tensor *weights, mx_nn_binary *both,
    mx_nn_unary1 *with_number)
{
    const mx_tensor *y = run->outputs[0];
    const mx_tensor *const inputs[] = {weights};
    mx_walk walk;
    mx_walk_broadcast(&walk, y, inputs, 1);
    const int last = walk.rank - 1;
    const size_t n = (size_t)walk.dims[last];
    do {
        float *row = (float *)y->data + walk.offset[0];
        const float *w = (const float *)weights->data + walk.offset[1];
        if (walk.strides[1][last])
            both(n, row, w, row);
        else
            with_number(n, row, *w, row);
    } while (mx_walk_next(&walk));
}

/* One row, with those weights that are rows. */
static void layer_norm_row(const mx_run *run, const void *arg, int64_t r, void *space)
{
    const row_params *p = run->params;
    const mx_nn_kernels *nn = &run->machine->nn;
    const float *x = (const float *)run->inputs[0]->data + r * p->size;
    float *y = (float *)run->outputs[0]->data + r * p->size;
    const mx_tensor *means = mx_run_output(run, 1), *inverses = mx_run_output(run, 2);
    const size_t n = (size_t)p->size;
    float mean, inverse;
    (void)arg;
    (void)space;
    normalise(nn, n, p->epsilon, x, y, &mean, &inverse);
    if (p->has_row[1])
        nn->mul(n, y, run->inputs[1]->data, y);
    if (p->has_row[1] && p->has_row[2])
        nn->add(n, y, run->inputs[2]->data, y);
    if (means)
        ((float *)means->data)[r] = mean;
    if (inverses)
        ((float *)inverses->data)[r] = inverse;
}

static mexpr_status layer_norm(const mx_run *run)
{
    const row_params *p = run->params;
    const mx_nn_kernels *nn = &run->machine->nn;
    const mx_tensor *bias = mx_run_input(run, 2);
    /* Rows of nothing have a mean too: NaN. */
    mx_run_parts(run, p->rows, layer_norm_row, NULL);
    if (mx_tensor_count(run->inputs[0]) == 0)
        return MEXPR_OK;
    if (!p->has_row[1])
        weigh(run, run->inputs[1], nn->mul, nn->mul_scalar);
    if (bias && !(p->has_row[1] && p->has_row[2]))
        weigh(run, bias, nn->add, nn->add_scalar);
    return MEXPR_OK;
}

/* --- GroupNormalization ------------------------------------------------------------ */

/* Wu, He: Group Normalization, 2018. */
typedef struct group_params {
    float epsilon;
    int64_t batch;
    int64_t groups, channels; /* channels of one group */
    int64_t plane;
    bool per_group; /* one scale and shift for each group: opset 18 to 20 */
} group_params;

static mexpr_status infer_group_norm(mx_infer *infer)
{
    const mx_tensor *x = infer->inputs[0];
    group_params *p = infer->params;
    p->groups = mx_attr_int(infer->node, "num_groups", 0);
    p->per_group = infer->node->opset < 21;
    if (x->rank < 2)
        return mx_fail(infer->scope, MEXPR_E_SHAPE, "its input has no channels");
    const int64_t channels = x->dims[1];
    if (p->groups < 1 || (channels >= 0 && channels % p->groups != 0))
        return mx_fail(infer->scope, MEXPR_E_SHAPE,
            "%lld groups do not divide its %lld channels", (long long)p->groups,
            (long long)channels);
    mexpr_status status = MEXPR_OK;
    for (int k = 1; k < 3 && status == MEXPR_OK; k++)
        status = check_vector(infer, k, p->per_group ? p->groups : channels);
    if (status != MEXPR_OK)
        return status;
    p->epsilon = mx_attr_float(infer->node, "epsilon", 1e-5f);
    p->batch = x->dims[0];
    p->channels = channels / p->groups;
    p->plane = mx_dims_product(x->dims, 2, x->rank);
    return mx_infer_same(infer);
}

static void group_part(const mx_run *run, const void *arg, int64_t r, void *space)
{
    const group_params *p = run->params;
    const mx_nn_kernels *nn = &run->machine->nn;
    const float *scale = run->inputs[1]->data, *shift = run->inputs[2]->data;
    const size_t n = (size_t)p->plane;
    const int64_t at = r * p->channels * p->plane, g = r % p->groups;
    const float *x = (const float *)run->inputs[0]->data + at;
    float *y = (float *)run->outputs[0]->data + at;
    float mean, inverse;
    (void)arg;
    (void)space;
    normalise(nn, (size_t)p->channels * n, p->epsilon, x, y, &mean, &inverse);
    for (int64_t c = 0; c < p->channels; c++) {
        const int64_t k = p->per_group ? g : g * p->channels + c;
        float *plane = y + c * p->plane;
        nn->scale_shift(n, plane, scale[k], shift[k], plane);
    }
}

static mexpr_status group_norm(const mx_run *run)
{
    const group_params *p = run->params;
    if (mx_tensor_count(run->inputs[0]) > 0)
        mx_run_parts(run, p->batch * p->groups, group_part, NULL);
    return MEXPR_OK;
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
        .flags = MX_OP_PARTS,
        .attributes = "epsilon:f momentum:f training_mode:i",
        .params_size = sizeof(batch_params),
        .infer = infer_batch_norm,
        .forward = batch_norm,
        .note = "inference form"},
    {.name = "GroupNormalization",
        .domain = "",
        .since = 18,
        .min_inputs = 3,
        .max_inputs = 3,
        .min_outputs = 1,
        .max_outputs = 1,
        .types = MX_T_F32,
        .flags = MX_OP_PARTS,
        .attributes = "epsilon:f num_groups:i stash_type:i",
        .params_size = sizeof(group_params),
        .infer = infer_group_norm,
        .forward = group_norm,
        .note = "scale and bias of one number for each group before opset 21"},
    {.name = "InstanceNormalization",
        .domain = "",
        .since = 6,
        .min_inputs = 3,
        .max_inputs = 3,
        .min_outputs = 1,
        .max_outputs = 1,
        .types = MX_T_F32,
        .flags = MX_OP_PARTS,
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
        .flags = MX_OP_PARTS,
        .attributes = "axis:i epsilon:f stash_type:i",
        .params_size = sizeof(row_params),
        .infer = infer_layer_norm,
        .forward = layer_norm},
    {.name = NULL},
};
