/* SPDX-License-Identifier: MIT */
/* Cutting and padding around the centre, and columns of patches back to a picture. */
#include <limits.h>
#include <string.h>

#include "base/checked.h"
#include "model/op_tables.h"

/* --- CenterCropPad ----------------------------------------------------------------- */

typedef struct centre_params {
    int64_t from[MEXPR_MAX_RANK],
        to[MEXPR_MAX_RANK]; /* where the part that stays begins */
    int64_t part[MEXPR_MAX_RANK];
} centre_params;

/* Axis of number i of the shape. */
static mexpr_status centre_axis(mx_infer *infer, int i, int64_t *axis)
{
    const mx_attribute *axes = mx_attr(infer->node, "axes");
    *axis = axes ? axes->ints[i] : i;
    return mx_infer_axis(infer, axis, infer->inputs[0]->rank);
}

static mexpr_status read_centre(mx_infer *infer, int64_t *dims)
{
    const mx_attribute *axes = mx_attr(infer->node, "axes");
    const mx_tensor *in = infer->inputs[0];
    const int wanted = axes ? (int)axes->n : in->rank;
    int64_t sizes[MEXPR_MAX_RANK];
    int n;
    mexpr_status status = mx_infer_ints(infer, 1, sizes, MEXPR_MAX_RANK, &n);
    if (status == MEXPR_OK && (n != wanted || n > in->rank))
        return mx_fail(infer->scope, MEXPR_E_SHAPE,
            "its shape has %d numbers, but %d are needed", n, wanted);
    for (int i = 0; status == MEXPR_OK && i < n; i++) {
        int64_t axis;
        status = centre_axis(infer, i, &axis);
        if (status == MEXPR_OK && sizes[i] < 0)
            return mx_fail(infer->scope, MEXPR_E_SHAPE, "a size of %lld is not possible",
                (long long)sizes[i]);
        if (status == MEXPR_OK)
            dims[axis] = sizes[i];
    }
    return status;
}

static mexpr_status infer_centre(mx_infer *infer)
{
    const mx_tensor *in = infer->inputs[0];
    const mx_attribute *axes = mx_attr(infer->node, "axes");
    centre_params *p = infer->params;
    int64_t dims[MEXPR_MAX_RANK];
    mexpr_status status = mx_infer_type(infer, 1, MX_T_INTS);
    if (status == MEXPR_OK && axes && axes->n > (size_t)in->rank)
        return mx_fail(infer->scope, MEXPR_E_SHAPE, "it has more axes than its input");
    memcpy(dims, in->dims, sizeof dims);
    for (int i = 0; status == MEXPR_OK && !infer->inputs[1]->data && i < in->rank; i++)
        dims[i] = -1;
    if (status == MEXPR_OK && infer->inputs[1]->data)
        status = read_centre(infer, dims);
    if (status != MEXPR_OK)
        return status;
    for (int i = 0; i < in->rank; i++) {
        const bool crops = in->dims[i] > dims[i];
        p->part[i] = crops ? dims[i] : in->dims[i];
        p->from[i] = crops ? (in->dims[i] - dims[i]) / 2 : 0;
        p->to[i] = crops ? 0 : (dims[i] - in->dims[i]) / 2;
    }
    mx_infer_shape(infer, 0, in->rank, dims);
    return MEXPR_OK;
}

static mexpr_status centre(const mx_run *run)
{
    const centre_params *p = run->params;
    const mx_tensor *in = run->inputs[0], *out = run->outputs[0];
    const size_t size = mexpr_dtype_bytes((mexpr_dtype)in->dtype);
    int64_t strides[2][MEXPR_MAX_RANK], from = 0, to = 0;
    mx_walk walk;
    memset(out->data, 0, mx_tensor_bytes(out));
    mx_contiguous_strides(out->rank, out->dims, strides[0]);
    mx_contiguous_strides(in->rank, in->dims, strides[1]);
    for (int i = 0; i < in->rank; i++) {
        to += p->to[i] * strides[0][i];
        from += p->from[i] * strides[1][i];
    }
    mx_walk_init(&walk, in->rank, p->part, 2, (const int64_t(*)[MEXPR_MAX_RANK])strides);
    if (!mx_walk_is_empty(&walk))
        mx_walk_copy(&walk, size, (uint8_t *)out->data + (size_t)to * size,
            (const uint8_t *)in->data + (size_t)from * size);
    return MEXPR_OK;
}

/* --- Col2Im ------------------------------------------------------------------------ */

typedef struct col2im_params {
    int n; /* spatial dimensions */
    int64_t image[MEXPR_MAX_RANK], block[MEXPR_MAX_RANK];
    int64_t stride[MEXPR_MAX_RANK], dilation[MEXPR_MAX_RANK], before[MEXPR_MAX_RANK];
    int64_t steps[MEXPR_MAX_RANK]; /* of the window */
    int64_t block_size, n_steps;
} col2im_params;

static mexpr_status read_numbers(mx_infer *infer, const char *name, size_t n,
    int64_t standard, int64_t least, int64_t *list)
{
    const mx_attribute *a = mx_attr(infer->node, name);
    if (a && a->n != n)
        return mx_fail(infer->scope, MEXPR_E_SHAPE,
            "the attribute %s has %zu numbers, but %zu are needed", name, a->n, n);
    for (size_t i = 0; i < n; i++) {
        list[i] = a ? a->ints[i] : standard;
        if (list[i] < least || list[i] > INT_MAX)
            return mx_fail(infer->scope, MEXPR_E_SHAPE,
                "%lld in the attribute %s is not possible", (long long)list[i], name);
    }
    return MEXPR_OK;
}

/* How often the window fits along dimension i. */
static mexpr_status count_steps(mx_infer *infer, col2im_params *p, int i, int64_t after)
{
    const int64_t extent = (p->block[i] - 1) * p->dilation[i] + 1;
    const int64_t room = p->image[i] + p->before[i] + after - extent;
    if (p->image[i] < 1 || p->image[i] > INT_MAX || p->block[i] < 1 ||
        p->block[i] > INT_MAX || room < 0)
        return mx_fail(infer->scope, MEXPR_E_SHAPE,
            "blocks of %lld do not fit into a picture of %lld", (long long)p->block[i],
            (long long)p->image[i]);
    p->steps[i] = room / p->stride[i] + 1;
    if (!mx_mul_i64(p->n_steps, p->steps[i], &p->n_steps) ||
        !mx_mul_i64(p->block_size, p->block[i], &p->block_size))
        return mx_fail(infer->scope, MEXPR_E_LIMIT, "it has too many blocks");
    return MEXPR_OK;
}

static mexpr_status read_col2im(mx_infer *infer)
{
    col2im_params *p = infer->params;
    int64_t pads[2 * MEXPR_MAX_RANK];
    int n_blocks = 0;
    p->n_steps = p->block_size = 1;
    mexpr_status status = mx_infer_ints(infer, 1, p->image, MEXPR_MAX_RANK - 2, &p->n);
    if (status == MEXPR_OK)
        status = mx_infer_ints(infer, 2, p->block, MEXPR_MAX_RANK - 2, &n_blocks);
    if (status == MEXPR_OK && (p->n < 1 || n_blocks != p->n))
        return mx_fail(infer->scope, MEXPR_E_SHAPE,
            "its picture has %d dimensions and its blocks have %d", p->n, n_blocks);
    const size_t n = (size_t)p->n;
    if (status == MEXPR_OK)
        status = read_numbers(infer, "strides", n, 1, 1, p->stride);
    if (status == MEXPR_OK)
        status = read_numbers(infer, "dilations", n, 1, 1, p->dilation);
    if (status == MEXPR_OK)
        status = read_numbers(infer, "pads", 2 * n, 0, 0, pads);
    for (size_t i = 0; status == MEXPR_OK && i < n; i++) {
        p->before[i] = pads[i];
        status = count_steps(infer, p, (int)i, pads[n + i]);
    }
    return status;
}

static mexpr_status infer_col2im(mx_infer *infer)
{
    const mx_tensor *in = infer->inputs[0];
    const col2im_params *p = infer->params;
    int64_t dims[MEXPR_MAX_RANK];
    char text[MX_SHAPE_TEXT];
    mexpr_status status = mx_infer_type(infer, 1, MX_T_INTS);
    if (status == MEXPR_OK)
        status = mx_infer_type(infer, 2, MX_T_INTS);
    if (status == MEXPR_OK && in->rank != 3)
        return mx_fail(infer->scope, MEXPR_E_SHAPE,
            "its columns are %s, but must have three dimensions",
            mx_shape_text(in, text));
    if (status != MEXPR_OK || !infer->inputs[1]->data || !infer->inputs[2]->data)
        return status;
    status = read_col2im(infer);
    if (status != MEXPR_OK)
        return status;
    if ((in->dims[1] >= 0 && in->dims[1] % p->block_size != 0) ||
        (in->dims[2] >= 0 && in->dims[2] != p->n_steps))
        return mx_fail(infer->scope, MEXPR_E_SHAPE,
            "its columns of %s do not fit to %lld blocks of %lld",
            mx_shape_text(in, text), (long long)p->n_steps, (long long)p->block_size);
    dims[0] = in->dims[0];
    dims[1] = in->dims[1] < 0 ? -1 : in->dims[1] / p->block_size;
    memcpy(dims + 2, p->image, (size_t)p->n * sizeof *dims);
    mx_infer_shape(infer, 0, p->n + 2, dims);
    return MEXPR_OK;
}

/* The next of n numbers that count up to those of `limits`; false behind the last. */
static bool count_up(int n, const int64_t *limits, int64_t *at)
{
    for (int i = n - 1; i >= 0; i--) {
        if (++at[i] < limits[i])
            return true;
        at[i] = 0;
    }
    return false;
}

/* Where element `k` of the block lands at window position `at`; -1: outside. */
static int64_t place_of(const col2im_params *p, const int64_t *k, const int64_t *at)
{
    int64_t place = 0;
    for (int i = 0; i < p->n; i++) {
        const int64_t x = at[i] * p->stride[i] + k[i] * p->dilation[i] - p->before[i];
        if (x < 0 || x >= p->image[i])
            return -1;
        place = place * p->image[i] + x;
    }
    return place;
}

static mexpr_status col2im(const mx_run *run)
{
    const col2im_params *p = run->params;
    const mx_tensor *in = run->inputs[0], *out = run->outputs[0];
    const int64_t n_planes = out->dims[0] * out->dims[1];
    const int64_t n_pixels = mx_dims_product(p->image, 0, p->n);
    const float *column = in->data;
    memset(out->data, 0, mx_tensor_bytes(out));
    for (int64_t plane = 0; plane < n_planes; plane++) {
        float *pixels = (float *)out->data + plane * n_pixels;
        int64_t k[MEXPR_MAX_RANK] = {0};
        do {
            int64_t at[MEXPR_MAX_RANK] = {0};
            do {
                const int64_t place = place_of(p, k, at);
                if (place >= 0)
                    pixels[place] += *column;
                column++;
            } while (count_up(p->n, p->steps, at));
        } while (count_up(p->n, p->block, k));
    }
    return MEXPR_OK;
}

const mx_operator mx_operators_patch[] = {
    {.name = "CenterCropPad",
        .domain = "",
        .since = 18,
        .min_inputs = 2,
        .max_inputs = 2,
        .min_outputs = 1,
        .max_outputs = 1,
        .types = MX_T_ALL,
        .other_inputs = MX_INPUT_BIT(1),
        .value_inputs = MX_INPUT_BIT(1),
        .attributes = "axes:I",
        .params_size = sizeof(centre_params),
        .infer = infer_centre,
        .forward = centre},
    {.name = "Col2Im",
        .domain = "",
        .since = 18,
        .min_inputs = 3,
        .max_inputs = 3,
        .min_outputs = 1,
        .max_outputs = 1,
        .types = MX_T_F32,
        .other_inputs = MX_INPUT_BIT(1) | MX_INPUT_BIT(2),
        .value_inputs = MX_INPUT_BIT(1) | MX_INPUT_BIT(2),
        .attributes = "dilations:I pads:I strides:I",
        .params_size = sizeof(col2im_params),
        .infer = infer_col2im,
        .forward = col2im},
    {.name = NULL},
};
