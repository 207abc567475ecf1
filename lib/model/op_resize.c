/* SPDX-License-Identifier: MIT */
/* Resize: every way of interpolation and of finding coordinates that ONNX has. */
#include <limits.h>
#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "model/op_resize.h"
#include "model/op_tables.h"

typedef enum resize_nearest { PREFER_FLOOR, PREFER_CEIL, FLOOR, CEIL } resize_nearest;
typedef enum resize_coordinates {
    HALF_PIXEL,
    HALF_PIXEL_SYMMETRIC,
    PYTORCH_HALF_PIXEL,
    ALIGN_CORNERS,
    ASYMMETRIC,
    CROP,          /* tf_crop_and_resize */
    HALF_PIXEL_NN, /* tf_half_pixel_for_nn, opsets 11 and 12 */
} resize_coordinates;
typedef enum resize_policy { STRETCH, NOT_LARGER, NOT_SMALLER } resize_policy;

/* --- attributes -------------------------------------------------------------------- */

static mexpr_status read_attributes(mx_infer *infer, mx_resize_params *p, int *policy)
{
    static const char *const modes[] = {"nearest", "linear", "cubic"};
    static const char *const nearest[] = {
        "round_prefer_floor", "round_prefer_ceil", "floor", "ceil"};
    static const char *const coordinates[] = {"half_pixel", "half_pixel_symmetric",
        "pytorch_half_pixel", "align_corners", "asymmetric", "tf_crop_and_resize",
        "tf_half_pixel_for_nn"};
    static const char *const policies[] = {"stretch", "not_larger", "not_smaller"};
    int mode = 0, near = 0, where = 0;
    mexpr_status status = mx_infer_choice(infer, "mode", "nearest", modes, 3, &mode);
    if (status == MEXPR_OK)
        status = mx_infer_choice(
            infer, "nearest_mode", "round_prefer_floor", nearest, 4, &near);
    if (status == MEXPR_OK)
        status = mx_infer_choice(infer, "coordinate_transformation_mode", "half_pixel",
            coordinates, 7, &where);
    if (status == MEXPR_OK)
        status = mx_infer_choice(
            infer, "keep_aspect_ratio_policy", "stretch", policies, 3, policy);
    p->mode = (mx_resize_mode)mode;
    p->nearest = near;
    p->coordinates = where;
    p->antialias =
        p->mode != MX_RESIZE_NEAREST && mx_attr_int(infer->node, "antialias", 0) != 0;
    p->exclude_outside = mx_attr_int(infer->node, "exclude_outside", 0) != 0;
    p->a = (double)mx_attr_float(infer->node, "cubic_coeff_a", -0.75f);
    p->extrapolation = (double)mx_attr_float(infer->node, "extrapolation_value", 0);
    return status;
}

/* --- sizes ------------------------------------------------------------------------- */

/* Axes that scales, sizes and roi speak of: all, or those of the attribute. */
static mexpr_status read_axes(mx_infer *infer, mx_resize_params *p, int64_t *axes)
{
    const mx_attribute *a = mx_attr(infer->node, "axes");
    const int rank = infer->inputs[0]->rank;
    for (int i = 0; i < rank; i++) {
        axes[i] = i;
        p->roi[i] = a ? -1 : i;
        p->scale[i] = 1;
    }
    p->n_axes = a ? (int)a->n : rank;
    if (a && a->n > (size_t)rank)
        return mx_fail(infer->scope, MEXPR_E_SHAPE, "it has too many axes");
    for (int i = 0; a && i < p->n_axes; i++) {
        axes[i] = a->ints[i];
        const mexpr_status status = mx_infer_axis(infer, &axes[i], rank);
        if (status != MEXPR_OK)
            return status;
        if (p->roi[axes[i]] >= 0)
            return mx_fail(infer->scope, MEXPR_E_SHAPE, "the axis %lld is there twice",
                (long long)axes[i]);
        p->roi[axes[i]] = i;
    }
    return MEXPR_OK;
}

/* An input that is there and not empty. */
static const mx_tensor *given(const mx_infer *infer, int k)
{
    const mx_tensor *in = mx_infer_input(infer, k);
    return in && mx_dims_product(in->dims, 0, in->rank) != 0 ? in : NULL;
}

static mexpr_status fail_count(mx_infer *infer, const char *what, int n_axes)
{
    return mx_fail(infer->scope, MEXPR_E_SHAPE, "it has not one %s for each of %d axes",
        what, n_axes);
}

static mexpr_status sizes_from_scales(
    mx_infer *infer, mx_resize_params *p, const int64_t *axes, int64_t *dims)
{
    const mx_tensor *scales = infer->inputs[2];
    if (mx_tensor_count(scales) != p->n_axes)
        return fail_count(infer, "scale", p->n_axes);
    for (int i = 0; i < p->n_axes; i++) {
        const float scale = ((const float *)scales->data)[i];
        const int64_t n = dims[axes[i]];
        const float size = n < 0 ? 0 : floorf((float)n * scale);
        if (!(scale > 0 && size < 1e9f && scale < 1e9f))
            return mx_fail(infer->scope, MEXPR_E_SHAPE,
                "a scale of %g is not possible for a dimension of %lld", (double)scale,
                (long long)n);
        p->scale[axes[i]] = (double)scale;
        dims[axes[i]] = n < 0 ? -1 : (int64_t)size;
    }
    return MEXPR_OK;
}

static mexpr_status sizes_from_sizes(
    mx_infer *infer, mx_resize_params *p, const int64_t *axes, int policy, int64_t *dims)
{
    int64_t sizes[MEXPR_MAX_RANK];
    int n;
    double one = 0;
    const mexpr_status status = mx_infer_ints(infer, 3, sizes, MEXPR_MAX_RANK, &n);
    if (status != MEXPR_OK)
        return status;
    if (n != p->n_axes)
        return fail_count(infer, "size", p->n_axes);
    for (int i = 0; i < n; i++) {
        const int64_t from = dims[axes[i]];
        if (sizes[i] < 0 || (from == 0 && sizes[i] > 0))
            return mx_fail(infer->scope, MEXPR_E_SHAPE, "%lld cannot be resized to %lld",
                (long long)from, (long long)sizes[i]);
        if (from <= 0) {
            if (policy != STRETCH)
                one = -1;
            continue;
        }
        const double scale = (double)sizes[i] / (double)from;
        p->scale[axes[i]] = scale;
        if (one == 0 || (one > 0 && (policy == NOT_LARGER ? scale < one : scale > one)))
            one = scale;
    }
    for (int i = 0; i < n; i++) {
        int64_t *dim = &dims[axes[i]];
        if (policy == STRETCH) {
            *dim = sizes[i];
        } else if (one < 0 || *dim < 0) {
            *dim = -1;
        } else {
            p->scale[axes[i]] = one;
            *dim = (int64_t)floor(one * (double)*dim + 0.5);
        }
    }
    return MEXPR_OK;
}

/* --- what it takes ----------------------------------------------------------------- */

/* Elements on the left of the position, and all, that make one element. Shrinking with
 * antialias widens the filter. */
static double filter_reach(const mx_resize_params *p, double scale)
{
    const double widened = p->antialias && scale < 1 ? scale : 1;
    return (p->mode == MX_RESIZE_LINEAR ? 1 : 2) / widened;
}

static int tap_count(const mx_resize_params *p, double scale)
{
    if (p->mode == MX_RESIZE_NEAREST)
        return 1;
    const double n = 2 * ceil(filter_reach(p, scale));
    return n < 1e8 ? (int)n : INT_MAX;
}

static mexpr_status measure(mx_infer *infer, mx_resize_params *p, const int64_t *dims)
{
    const mx_tensor *in = infer->inputs[0];
    int64_t now[MEXPR_MAX_RANK], count = mx_tensor_count(in), bytes = 0;
    memcpy(now, in->dims, sizeof now);
    p->n_floats = count;
    for (int i = 0; i < in->rank; i++) {
        const bool stays = in->dims[i] == dims[i] && p->scale[i] == 1 &&
                           (p->coordinates != CROP || p->roi[i] < 0);
        p->taps[i] = stays ? 0 : tap_count(p, p->scale[i]);
        now[i] = dims[i];
        count = 1;
        for (int d = 0; d < in->rank; d++) {
            if (!mx_mul_i64(count, now[d], &count))
                return mx_fail(infer->scope, MEXPR_E_LIMIT, "its result is too large");
        }
        p->n_floats = count > p->n_floats ? count : p->n_floats;
        int64_t table;
        if (!mx_mul_i64(p->taps[i], sizeof(float), &table) ||
            !mx_mul_i64(table + (int64_t)sizeof(mx_resize_row), dims[i], &table))
            return mx_fail(infer->scope, MEXPR_E_LIMIT, "its filter is too large");
        if (p->mode == MX_RESIZE_NEAREST)
            bytes += dims[i] * (int64_t)sizeof(int64_t);
        else
            bytes = table > bytes ? table : bytes;
    }
    if (p->n_floats > INT64_MAX / 16 || bytes > INT64_MAX / 4)
        return mx_fail(infer->scope, MEXPR_E_LIMIT, "its result is too large");
    p->table = mx_round_up((size_t)bytes, MX_ALIGNMENT);
    infer->workspace =
        p->table +
        (p->mode == MX_RESIZE_NEAREST ? 0 : 2 * sizeof(float) * (size_t)p->n_floats);
    return MEXPR_OK;
}

static mexpr_status check_inputs(mx_infer *infer, const mx_resize_params *p)
{
    mexpr_status status = mx_infer_type(infer, 1, MX_T_F32);
    if (status == MEXPR_OK)
        status = mx_infer_type(infer, 2, MX_T_F32);
    if (status == MEXPR_OK)
        status = mx_infer_type(infer, 3, MX_T_I64);
    if (status == MEXPR_OK && p->mode != MX_RESIZE_NEAREST)
        status = mx_infer_type(infer, 0, MX_T_NUMBERS);
    if (status != MEXPR_OK)
        return status;
    if (!given(infer, 2) == !given(infer, 3))
        return mx_fail(infer->scope, MEXPR_E_MODEL,
            "it must have either scales or sizes: one of them, and not both");
    const mx_tensor *roi = mx_infer_input(infer, 1);
    const int64_t n = roi ? mx_dims_product(roi->dims, 0, roi->rank) : 0;
    if (p->coordinates == CROP && n >= 0 && n != 2 * p->n_axes)
        return mx_fail(infer->scope, MEXPR_E_SHAPE,
            "tf_crop_and_resize needs a roi of %d numbers", 2 * p->n_axes);
    return MEXPR_OK;
}

static mexpr_status infer_resize(mx_infer *infer)
{
    const mx_tensor *in = infer->inputs[0];
    mx_resize_params *p = infer->params;
    int64_t axes[MEXPR_MAX_RANK], dims[MEXPR_MAX_RANK];
    int policy = STRETCH;
    mexpr_status status = read_attributes(infer, p, &policy);
    if (status == MEXPR_OK)
        status = read_axes(infer, p, axes);
    if (status == MEXPR_OK)
        status = check_inputs(infer, p);
    if (status != MEXPR_OK)
        return status;
    memcpy(dims, in->dims, sizeof dims);
    const mx_tensor *scales = given(infer, 2), *sizes = given(infer, 3);
    if (scales && scales->data)
        status = sizes_from_scales(infer, p, axes, dims);
    else if (sizes && sizes->data)
        status = sizes_from_sizes(infer, p, axes, policy, dims);
    else
        for (int i = 0; i < p->n_axes; i++)
            dims[axes[i]] = -1;
    if (status != MEXPR_OK)
        return status;
    mx_infer_shape(infer, 0, in->rank, dims);
    return mx_tensor_has_shape(infer->outputs[0]) && mx_tensor_has_shape(in)
               ? measure(infer, p, dims)
               : MEXPR_OK;
}

/* --- coordinates ------------------------------------------------------------------- */

typedef struct axis {
    double scale;
    int64_t n_in, n_out;
    double start, end; /* of the roi */
} axis;

/* Where element i of the output lies in the input. */
static double position(const mx_resize_params *p, const axis *a, int64_t i)
{
    const double x = (double)i, n = (double)a->n_in, length = a->scale * n;
    double adjusted;
    switch (p->coordinates) {
    case HALF_PIXEL:
        return (x + 0.5) / a->scale - 0.5;
    case HALF_PIXEL_SYMMETRIC:
        adjusted = (double)a->n_out / length;
        return n / 2 * (1 - adjusted) + (x + 0.5) / a->scale - 0.5;
    case PYTORCH_HALF_PIXEL:
        return a->n_out > 1 ? (x + 0.5) / a->scale - 0.5 : 0;
    case ALIGN_CORNERS:
        return length == 1 || a->n_out == 1 ? 0 : x * (n - 1) / (length - 1);
    case ASYMMETRIC:
        return x / a->scale;
    case HALF_PIXEL_NN:
        return (x + 0.5) / a->scale;
    default: /* CROP */
        if (a->n_out == 1)
            return (a->start + a->end) * (n - 1) / 2;
        return a->start * (n - 1) +
               x * (a->end - a->start) * (n - 1) / ((double)a->n_out - 1);
    }
}

/* The same, near enough to the input to be a number of an element; *outside: of the
 * input, as tf_crop_and_resize asks. */
static double safe_position(
    const mx_resize_params *p, const axis *a, int64_t i, bool *outside)
{
    const double x = position(p, a, i), last = (double)a->n_in - 1;
    *outside = p->coordinates == CROP && !(x >= 0 && x <= last);
    return !(x > -4) ? -4 : x > last + 4 ? last + 4 : x;
}

static axis axis_of(const mx_run *run, int d)
{
    const mx_resize_params *p = run->params;
    axis a = {p->scale[d], run->inputs[0]->dims[d], run->outputs[0]->dims[d], 0, 1};
    if (p->coordinates == CROP && p->roi[d] >= 0) {
        const float *roi = run->inputs[1]->data;
        a.start = (double)roi[p->roi[d]];
        a.end = (double)roi[p->roi[d] + p->n_axes];
    }
    return a;
}

/* --- nearest ----------------------------------------------------------------------- */

static int64_t nearest_element(const mx_resize_params *p, double x, int64_t n)
{
    const double down = floor(x), part = x - down;
    const bool up =
        part > 0 && (p->nearest == CEIL || (p->nearest == PREFER_CEIL && part >= 0.5) ||
                        (p->nearest == PREFER_FLOOR && part > 0.5));
    const int64_t i = (int64_t)down + up;
    return i < 0 ? 0 : i >= n ? n - 1 : i;
}

static void write_number(void *y, int32_t dtype, double x)
{
    const double low = dtype == MEXPR_DTYPE_I32   ? INT32_MIN
                       : dtype == MEXPR_DTYPE_I64 ? -9.2e18
                                                  : 0;
    const double high = dtype == MEXPR_DTYPE_I32   ? INT32_MAX
                        : dtype == MEXPR_DTYPE_I64 ? 9.2e18
                        : dtype == MEXPR_DTYPE_U8  ? UINT8_MAX
                                                   : 1;
    if (dtype == MEXPR_DTYPE_F32) {
        *(float *)y = (float)x;
        return;
    }
    x = x != x ? 0 : x < low ? low : x > high ? high : rint(x);
    if (dtype == MEXPR_DTYPE_I32)
        *(int32_t *)y = (int32_t)x;
    else if (dtype == MEXPR_DTYPE_I64)
        *(int64_t *)y = (int64_t)x;
    else
        *(uint8_t *)y = (uint8_t)x;
}

/* Row by row; tables give the element of each axis, -1 outside. */
static void resize_nearest_rows(const mx_run *run, const int64_t *const *tables)
{
    const mx_resize_params *p = run->params;
    const mx_tensor *in = run->inputs[0], *out = run->outputs[0];
    const int last = in->rank - 1;
    const size_t size = mexpr_dtype_bytes((mexpr_dtype)in->dtype);
    const int64_t n = mx_tensor_count(out);
    int64_t strides[MEXPR_MAX_RANK], at[MEXPR_MAX_RANK] = {0};
    uint8_t *y = out->data, fill[8] = {0};
    write_number(fill, out->dtype, p->extrapolation);
    mx_contiguous_strides(in->rank, in->dims, strides);
    for (int64_t i = 0; i < n; i += out->dims[last]) {
        int64_t from = 0;
        bool outside = false;
        for (int d = 0; d < last; d++) {
            outside = outside || tables[d][at[d]] < 0;
            from += tables[d][at[d]] * strides[d];
        }
        for (int64_t k = 0; k < out->dims[last]; k++, y += size) {
            const int64_t j = tables[last][k];
            memcpy(y,
                outside || j < 0 ? fill
                                 : (const uint8_t *)in->data + (size_t)(from + j) * size,
                size);
        }
        for (int d = last - 1; d >= 0 && ++at[d] == out->dims[d]; d--)
            at[d] = 0;
    }
}

void mx_resize_elements(const mx_run *run, int d, int64_t *elements)
{
    const mx_resize_params *p = run->params;
    const axis a = axis_of(run, d);
    for (int64_t i = 0; i < a.n_out; i++) {
        bool outside = false;
        elements[i] = i;
        if (p->taps[d]) {
            const double x = safe_position(p, &a, i, &outside);
            elements[i] = outside ? -1 : nearest_element(p, x, a.n_in);
        }
    }
}

static void resize_nearest_all(const mx_run *run)
{
    int64_t *free = run->workspace;
    const int64_t *tables[MEXPR_MAX_RANK];
    for (int d = 0; d < run->inputs[0]->rank; d++) {
        mx_resize_elements(run, d, free);
        tables[d] = free;
        free += run->outputs[0]->dims[d];
    }
    resize_nearest_rows(run, tables);
}

/* --- linear and cubic -------------------------------------------------------------- */

/* Keys: Cubic Convolution Interpolation for Digital Image Processing, 1981. */
static double cubic_weight(double x, double a)
{
    x = fabs(x);
    if (x <= 1)
        return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

static double weight(const mx_resize_params *p, double x)
{
    if (p->mode == MX_RESIZE_CUBIC)
        return cubic_weight(x, p->a);
    return fabs(x) < 1 ? 1 - fabs(x) : 0;
}

void mx_resize_weights(const mx_run *run, int d, mx_resize_row *rows, float *weights)
{
    const mx_resize_params *p = run->params;
    const axis a = axis_of(run, d);
    const int taps = p->taps[d];
    const double widened = p->antialias && a.scale < 1 ? a.scale : 1;
    for (int64_t i = 0; i < a.n_out; i++, weights += taps) {
        bool outside;
        const double x = safe_position(p, &a, i, &outside);
        const int64_t first = (int64_t)floor(x) - taps / 2 + 1;
        double sum = 0;
        for (int t = 0; t < taps; t++) {
            const int64_t at = first + t;
            const bool excluded = p->exclude_outside && (at < 0 || at >= a.n_in);
            weights[t] = excluded ? 0 : (float)weight(p, widened * ((double)at - x));
            sum += (double)weights[t];
        }
        for (int t = 0; (p->antialias || p->exclude_outside) && sum != 0 && t < taps; t++)
            weights[t] = (float)((double)weights[t] / sum);
        rows[i] = (mx_resize_row){first, outside};
    }
}

static int64_t clamp(int64_t i, int64_t n)
{
    return i < 0 ? 0 : i >= n ? n - 1 : i;
}

/* One element of a row is a sum over the same row. */
static void resize_row(const axis *a, int taps, const mx_resize_row *rows, const float *w,
    const float *x, float *y)
{
    for (int64_t i = 0; i < a->n_out; i++, w += taps) {
        const int64_t first = rows[i].first;
        float sum = 0;
        if (first >= 0 && first + taps <= a->n_in) {
            for (int t = 0; t < taps; t++)
                sum += w[t] * x[first + t];
        } else {
            for (int t = 0; t < taps; t++)
                sum += w[t] * x[clamp(first + t, a->n_in)];
        }
        y[i] = sum;
    }
}

/* One row of `inner` elements is a sum of rows. */
static void resize_rows(const mx_nn_kernels *nn, const axis *a, int taps, int64_t inner,
    const mx_resize_row *rows, const float *w, const float *x, float *y)
{
    for (int64_t i = 0; i < a->n_out; i++, w += taps, y += inner) {
        const size_t n = (size_t)inner;
        nn->mul_scalar(n, x + clamp(rows[i].first, a->n_in) * inner, w[0], y);
        for (int t = 1; t < taps; t++) {
            if (w[t] != 0)
                nn->axpy(n, w[t], x + clamp(rows[i].first + t, a->n_in) * inner, y);
        }
    }
}

/* Outside of the region everything is the extrapolation value. */
static void extrapolate(
    const mx_run *run, int d, const axis *a, const mx_resize_row *rows, int64_t inner)
{
    const mx_resize_params *p = run->params;
    const mx_tensor *out = run->outputs[0];
    const size_t size = mexpr_dtype_bytes((mexpr_dtype)out->dtype);
    const int64_t outer = mx_dims_product(out->dims, 0, d);
    for (int64_t o = 0; o < outer * a->n_out; o++) {
        if (!rows[o % a->n_out].outside)
            continue;
        for (int64_t k = 0; k < inner; k++)
            write_number((uint8_t *)out->data + (size_t)(o * inner + k) * size,
                out->dtype, p->extrapolation);
    }
}

static double number_at(const mx_tensor *t, int64_t i)
{
    return t->dtype == MEXPR_DTYPE_F32   ? (double)((const float *)t->data)[i]
           : t->dtype == MEXPR_DTYPE_U8  ? (double)((const uint8_t *)t->data)[i]
           : t->dtype == MEXPR_DTYPE_I32 ? (double)((const int32_t *)t->data)[i]
                                         : (double)((const int64_t *)t->data)[i];
}

/* Along dimension d, those before it being resized already. */
static void resize_axis(const mx_run *run, int d, const float *from, float *to)
{
    const mx_resize_params *p = run->params;
    const mx_tensor *in = run->inputs[0], *out = run->outputs[0];
    const axis a = axis_of(run, d);
    const int taps = p->taps[d];
    mx_resize_row *rows = run->workspace;
    float *weights = (float *)(rows + a.n_out);
    const int64_t outer = mx_dims_product(out->dims, 0, d);
    const int64_t inner = mx_dims_product(in->dims, d + 1, in->rank);
    mx_resize_weights(run, d, rows, weights);
    for (int64_t o = 0; o < outer; o++) {
        const float *x = from + o * a.n_in * inner;
        float *y = to + o * a.n_out * inner;
        if (inner == 1)
            resize_row(&a, taps, rows, weights, x, y);
        else
            resize_rows(&run->machine->nn, &a, taps, inner, rows, weights, x, y);
    }
}

/* Axis by axis: the weights of several axes are products. Integers go through float32
 * and are rounded. */
static void resize_weighted(const mx_run *run)
{
    const mx_resize_params *p = run->params;
    const mx_tensor *in = run->inputs[0], *out = run->outputs[0];
    const bool is_float = in->dtype == MEXPR_DTYPE_F32;
    const size_t size = mexpr_dtype_bytes((mexpr_dtype)out->dtype);
    const int64_t n_in = mx_tensor_count(in), n_out = mx_tensor_count(out);
    float *buffers[2];
    buffers[0] = (float *)((uint8_t *)run->workspace + p->table);
    buffers[1] = buffers[0] + p->n_floats;
    const float *now = in->data;
    int next = 0;
    if (!is_float) {
        for (int64_t i = 0; i < n_in; i++)
            buffers[0][i] = (float)number_at(in, i);
        now = buffers[0];
        next = 1;
    }
    for (int d = 0; d < in->rank; d++) {
        if (p->taps[d] == 0)
            continue;
        resize_axis(run, d, now, buffers[next]);
        now = buffers[next];
        next = 1 - next;
    }
    if (is_float)
        memcpy(out->data, now, (size_t)n_out * sizeof(float));
    for (int64_t i = 0; !is_float && i < n_out; i++)
        write_number((uint8_t *)out->data + (size_t)i * size, out->dtype, (double)now[i]);
}

static void extrapolate_all(const mx_run *run)
{
    const mx_resize_params *p = run->params;
    const mx_tensor *out = run->outputs[0];
    mx_resize_row *rows = run->workspace;
    for (int d = 0; d < out->rank; d++) {
        if (p->roi[d] < 0)
            continue;
        const axis a = axis_of(run, d);
        for (int64_t i = 0; i < a.n_out; i++)
            safe_position(p, &a, i, &rows[i].outside);
        extrapolate(run, d, &a, rows, mx_dims_product(out->dims, d + 1, out->rank));
    }
}

static mexpr_status resize(const mx_run *run)
{
    const mx_resize_params *p = run->params;
    const mx_tensor *in = run->inputs[0], *out = run->outputs[0];
    if (mx_tensor_count(out) == 0)
        return MEXPR_OK;
    if (in->rank == 0) {
        memcpy(out->data, in->data, mx_tensor_bytes(in));
    } else if (p->mode == MX_RESIZE_NEAREST) {
        resize_nearest_all(run);
    } else {
        resize_weighted(run);
        if (p->coordinates == CROP)
            extrapolate_all(run);
    }
    return MEXPR_OK;
}

const mx_operator mx_operators_resize[] = {
    {.name = "Resize",
        .domain = "",
        .since = 11,
        .min_inputs = 1,
        .max_inputs = 4,
        .min_outputs = 1,
        .max_outputs = 1,
        .types = MX_T_ALL,
        .other_inputs = 14,
        .value_inputs = 12,
        .attributes = "antialias:i axes:I coordinate_transformation_mode:s "
                      "cubic_coeff_a:f exclude_outside:i extrapolation_value:f "
                      "keep_aspect_ratio_policy:s mode:s nearest_mode:s",
        .params_size = sizeof(mx_resize_params),
        .infer = infer_resize,
        .forward = resize,
        .note = "bool: nearest only"},
    {.name = NULL},
};
