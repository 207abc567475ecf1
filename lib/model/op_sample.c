/* SPDX-License-Identifier: MIT */
/* Sampling at positions that are data: grids and regions. */
#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "model/op_sample.h"
#include "model/op_tables.h"

/* --- AffineGrid -------------------------------------------------------------------- */

static mexpr_status infer_affine(mx_infer *infer)
{
    const mx_tensor *theta = infer->inputs[0];
    int64_t size[5], dims[5];
    int n;
    mexpr_status status = mx_infer_type(infer, 1, MX_T_I64);
    if (status != MEXPR_OK || !infer->inputs[1]->data)
        return status;
    status = mx_infer_ints(infer, 1, size, 5, &n);
    if (status != MEXPR_OK)
        return status;
    bool good = n >= 4 && theta->rank == 3 &&
                (theta->dims[0] < 0 || theta->dims[0] == size[0]) &&
                (theta->dims[1] < 0 || theta->dims[1] == n - 2) &&
                (theta->dims[2] < 0 || theta->dims[2] == n - 1);
    for (int i = 0; i < n; i++)
        good = good && size[i] >= 0;
    char text[MX_SHAPE_TEXT];
    if (!good)
        return mx_fail(infer->scope, MEXPR_E_SHAPE,
            "theta of %s does not fit to a size of %d numbers",
            mx_shape_text(theta, text), n);
    dims[0] = size[0];
    for (int i = 2; i < n; i++)
        dims[i - 1] = size[i];
    dims[n - 1] = n - 2;
    mx_infer_shape(infer, 0, n, dims);
    return MEXPR_OK;
}

/* From -1 to 1 over the centres of the first and last element, or over their outer
 * edges. One element alone is in the middle. */
static float grid_position(int64_t i, int64_t n, bool align_corners)
{
    if (align_corners)
        return n > 1 ? (float)(2.0 * (double)i / (double)(n - 1) - 1) : 0;
    return (float)((2.0 * (double)i + 1) / (double)n - 1);
}

static mexpr_status affine(const mx_run *run)
{
    const mx_tensor *out = run->outputs[0];
    const bool align_corners = mx_attr_int(run->node, "align_corners", 0) != 0;
    const int n_axes = out->rank - 2;
    const int64_t n = mx_tensor_count(out) / n_axes, each = n / (n ? out->dims[0] : 1);
    float *y = out->data;
    for (int64_t i = 0; i < n; i++) {
        const float *theta =
            (const float *)run->inputs[0]->data + i / each * n_axes * (n_axes + 1);
        float at[3];
        int64_t rest = i % each;
        for (int d = 0; d < n_axes; d++) { /* x, the last axis, is the first number */
            const int64_t size = out->dims[n_axes - d];
            at[d] = grid_position(rest % size, size, align_corners);
            rest /= size;
        }
        for (int r = 0; r < n_axes; r++, theta += n_axes + 1) {
            float sum = theta[n_axes];
            for (int d = 0; d < n_axes; d++)
                sum += theta[d] * at[d];
            *y++ = sum;
        }
    }
    return MEXPR_OK;
}

/* --- GridSample -------------------------------------------------------------------- */

enum { MAX_AXES = 3, MAX_TAPS = 64 };

static mexpr_status read_sampling(mx_infer *infer, mx_sample_params *p)
{
    const char *mode = mx_attr_string(infer->node, "mode", "linear");
    const char *padding = mx_attr_string(infer->node, "padding_mode", "zeros");
    p->align_corners = mx_attr_int(infer->node, "align_corners", 0) != 0;
    if (strcmp(mode, "linear") == 0 || strcmp(mode, "bilinear") == 0)
        p->mode = MX_SAMPLE_LINEAR;
    else if (strcmp(mode, "nearest") == 0)
        p->mode = MX_SAMPLE_NEAREST;
    else if (strcmp(mode, "cubic") == 0 || strcmp(mode, "bicubic") == 0)
        p->mode = MX_SAMPLE_CUBIC;
    else
        return mx_fail(
            infer->scope, MEXPR_E_MODEL, "the mode '%.40s' does not exist", mode);
    if (strcmp(padding, "zeros") == 0)
        p->padding = MX_SAMPLE_ZEROS;
    else if (strcmp(padding, "border") == 0)
        p->padding = MX_SAMPLE_BORDER;
    else if (strcmp(padding, "reflection") == 0)
        p->padding = MX_SAMPLE_REFLECTION;
    else
        return mx_fail(infer->scope, MEXPR_E_MODEL,
            "the padding mode '%.40s' does not exist", padding);
    return MEXPR_OK;
}

static mexpr_status infer_grid_sample(mx_infer *infer)
{
    const mx_tensor *in = infer->inputs[0], *grid = infer->inputs[1];
    const mexpr_status status = read_sampling(infer, infer->params);
    if (status != MEXPR_OK)
        return status;
    const int last = grid->rank - 1, n_axes = in->rank - 2;
    bool good = n_axes >= 1 && n_axes <= MAX_AXES && grid->rank == in->rank &&
                (grid->dims[last] < 0 || grid->dims[last] == n_axes) &&
                (grid->dims[0] < 0 || in->dims[0] < 0 || grid->dims[0] == in->dims[0]);
    for (int d = 2; good && d < in->rank; d++)
        good = in->dims[d] != 0;
    char a[MX_SHAPE_TEXT], b[MX_SHAPE_TEXT];
    if (!good)
        return mx_fail(infer->scope, MEXPR_E_SHAPE, "a grid of %s does not fit to %s",
            mx_shape_text(grid, a), mx_shape_text(in, b));
    int64_t dims[MEXPR_MAX_RANK] = {
        in->dims[0] < 0 ? grid->dims[0] : in->dims[0], in->dims[1]};
    for (int d = 1; d < last; d++)
        dims[d + 1] = grid->dims[d];
    mx_infer_shape(infer, 0, in->rank, dims);
    return MEXPR_OK;
}

/* Reflected at both borders until it lies between them; *slope becomes that of it. */
static double reflect(double x, double low, double high, double *slope)
{
    const double range = high - low;
    if (x >= low && x <= high)
        return x;
    *slope = range > 0 ? *slope : 0;
    if (range <= 0)
        return low;
    const double beyond = x < low ? low - x : x - high;
    const double turns = floor(beyond / range), rest = beyond - turns * range;
    const bool from_low = (x < low) == (fmod(turns, 2) == 0);
    *slope = from_low == (x < low) ? -*slope : *slope;
    return from_low ? low + rest : high - rest;
}

static int64_t pad_index(const mx_sample_params *p, int64_t i, int64_t n)
{
    if (i >= 0 && i < n)
        return i;
    if (p->padding == MX_SAMPLE_ZEROS)
        return -1;
    if (p->padding == MX_SAMPLE_REFLECTION) {
        const double edge = p->align_corners ? 0 : 0.5;
        double slope = 1;
        i = (int64_t)reflect((double)i, -edge, (double)n - 1 + edge, &slope);
    }
    return i < 0 ? 0 : i >= n ? n - 1 : i;
}

/* Keys' kernel with a = -0.75, and its slope. */
static double cubic_weight(double x, double *slope)
{
    const double a = -0.75, sign = x < 0 ? -1 : 1;
    x = fabs(x);
    if (x <= 1) {
        *slope = sign * (3 * (a + 2) * x - 2 * (a + 3)) * x;
        return ((a + 2) * x - (a + 3)) * x * x + 1;
    }
    *slope = sign * ((3 * a * x - 10 * a) * x + 8 * a);
    return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
}

/* A number of the grid as a place among n elements, and the slope of that. */
static double place_of(const mx_sample_params *p, double x, int64_t n, double *slope)
{
    const double edge = p->align_corners ? 0 : 0.5;
    const double low = -edge, high = (double)n - 1 + edge;
    x = p->align_corners ? (x + 1) / 2 * (double)(n - 1) : ((x + 1) * (double)n - 1) / 2;
    x = (double)(float)x;
    *slope = (double)(p->align_corners ? n - 1 : n) / 2;
    if (!(x > -1e9 && x < 1e9)) { /* NaN too: far outside */
        *slope = 0;
        x = -1e9;
    }
    x = p->mode == MX_SAMPLE_NEAREST ? rint(x) : x;
    if (p->mode == MX_SAMPLE_CUBIC || (x >= low && x <= high))
        return x;
    if (p->padding == MX_SAMPLE_REFLECTION)
        return reflect(x, low, high, slope);
    if (p->padding == MX_SAMPLE_BORDER) {
        *slope = 0;
        x = x < 0 ? 0 : (double)n - 1;
    }
    return x;
}

void mx_sample_along(
    const mx_sample_params *p, double at, int64_t n, mx_sample_axis *axis)
{
    double unit;
    const double x = place_of(p, at, n, &unit), down = floor(x);
    const int64_t first = (int64_t)down - (p->mode == MX_SAMPLE_CUBIC);
    axis->n = p->mode == MX_SAMPLE_NEAREST ? 1 : p->mode == MX_SAMPLE_LINEAR ? 2 : 4;
    for (int t = 0; t < axis->n; t++) {
        double slope = 0;
        axis->index[t] = pad_index(p, first + t, n);
        if (p->mode == MX_SAMPLE_CUBIC) {
            axis->weight[t] = cubic_weight((double)(first + t) - x, &slope);
            slope = -slope;
        } else if (p->mode == MX_SAMPLE_LINEAR) {
            axis->weight[t] = t ? x - down : 1 - (x - down);
            slope = t ? 1 : -1;
        } else {
            axis->weight[t] = 1;
        }
        axis->slope[t] = slope * unit;
    }
}

/* All elements that make a sample: their places in a channel, and weights. */
static int sample_taps(const mx_sample_params *p, const mx_tensor *in, const float *at,
    int64_t *places, float *weights)
{
    const int n_axes = in->rank - 2;
    double product[MAX_TAPS] = {1};
    int n = 1;
    places[0] = 0;
    for (int d = 0; d < n_axes; d++) {
        mx_sample_axis axis;
        const int64_t size = in->dims[2 + d];
        mx_sample_along(p, (double)at[n_axes - 1 - d], size, &axis);
        const int taps = axis.n;
        for (int i = n * taps - 1; i >= 0; i--) {
            const int64_t before = places[i / taps];
            places[i] = before < 0 || axis.index[i % taps] < 0
                            ? -1
                            : before * size + axis.index[i % taps];
            product[i] = product[i / taps] * axis.weight[i % taps];
        }
        n *= taps;
    }
    int kept = 0;
    for (int i = 0; i < n; i++) {
        if (places[i] < 0)
            continue;
        places[kept] = places[i];
        weights[kept++] = (float)product[i];
    }
    return kept;
}

static mexpr_status grid_sample(const mx_run *run)
{
    const mx_sample_params *p = run->params;
    const mx_tensor *in = run->inputs[0], *grid = run->inputs[1], *out = run->outputs[0];
    const int n_axes = in->rank - 2;
    const int64_t plane = mx_dims_product(in->dims, 2, in->rank);
    const int64_t n_points = mx_dims_product(out->dims, 2, out->rank);
    const int64_t channels = in->dims[1];
    for (int64_t b = 0; b < in->dims[0]; b++) {
        const float *at = (const float *)grid->data + b * n_points * n_axes;
        const float *x = (const float *)in->data + b * channels * plane;
        float *y = (float *)out->data + b * channels * n_points;
        for (int64_t i = 0; i < n_points; i++, at += n_axes) {
            int64_t places[MAX_TAPS];
            float weights[MAX_TAPS];
            const int n = sample_taps(p, in, at, places, weights);
            for (int64_t c = 0; c < channels; c++) {
                float sum = 0;
                for (int t = 0; t < n; t++)
                    sum += weights[t] * x[c * plane + places[t]];
                y[c * n_points + i] = sum;
            }
        }
    }
    return MEXPR_OK;
}

/* --- RoiAlign ---------------------------------------------------------------------- */

typedef struct roi_params {
    int64_t height, width, ratio;
    float scale;
    bool half_pixel, is_max;
} roi_params;

enum { MAX_SAMPLES = 1 << 12 };

static mexpr_status infer_roi(mx_infer *infer)
{
    const mx_tensor *in = infer->inputs[0], *rois = infer->inputs[1];
    const mx_tensor *batch = infer->inputs[2];
    roi_params *p = infer->params;
    const bool is_old = infer->node->opset < 16;
    const char *mode = mx_attr_string(infer->node, "mode", "avg");
    const char *coordinates = mx_attr_string(infer->node,
        "coordinate_transformation_mode", is_old ? "output_half_pixel" : "half_pixel");
    p->height = mx_attr_int(infer->node, "output_height", 1);
    p->width = mx_attr_int(infer->node, "output_width", 1);
    p->ratio = mx_attr_int(infer->node, "sampling_ratio", 0);
    p->scale = mx_attr_float(infer->node, "spatial_scale", 1);
    p->is_max = strcmp(mode, "max") == 0;
    p->half_pixel = strcmp(coordinates, "half_pixel") == 0;
    const mexpr_status status = mx_infer_type(infer, 2, MX_T_I64);
    if (status != MEXPR_OK)
        return status;
    if ((!p->is_max && strcmp(mode, "avg") != 0) ||
        (!p->half_pixel && strcmp(coordinates, "output_half_pixel") != 0))
        return mx_fail(infer->scope, MEXPR_E_MODEL,
            "the mode '%.40s' or '%.40s' does not exist", mode, coordinates);
    char a[MX_SHAPE_TEXT], b[MX_SHAPE_TEXT];
    if (in->rank != 4 || rois->rank != 2 || batch->rank != 1 ||
        (rois->dims[1] >= 0 && rois->dims[1] != 4) ||
        (rois->dims[0] >= 0 && batch->dims[0] >= 0 && rois->dims[0] != batch->dims[0]) ||
        in->dims[2] == 0 || in->dims[3] == 0)
        return mx_fail(infer->scope, MEXPR_E_SHAPE,
            "regions of %s do not fit to pictures of %s", mx_shape_text(rois, a),
            mx_shape_text(in, b));
    if (p->height < 1 || p->width < 1 || p->ratio < 0 || p->ratio > MAX_SAMPLES)
        return mx_fail(infer->scope, MEXPR_E_MODEL,
            "an output of %lld×%lld with %lld samples is not possible",
            (long long)p->height, (long long)p->width, (long long)p->ratio);
    const int64_t n = rois->dims[0] < 0 ? batch->dims[0] : rois->dims[0];
    const int64_t dims[4] = {n, in->dims[1], p->height, p->width};
    mx_infer_shape(infer, 0, 4, dims);
    return MEXPR_OK;
}

/* Bilinear, as four places and weights; false outside, where everything is 0. */
static bool bilinear(
    double y, double x, int64_t height, int64_t width, int64_t *place, float *weight)
{
    if (!(y >= -1 && y <= (double)height && x >= -1 && x <= (double)width))
        return false;
    const double last_y = (double)height - 1, last_x = (double)width - 1;
    y = y < 0 ? 0 : y > last_y ? last_y : y;
    x = x < 0 ? 0 : x > last_x ? last_x : x;
    const int64_t y0 = (int64_t)y, x0 = (int64_t)x;
    const int64_t y1 = y0 + (y0 < height - 1), x1 = x0 + (x0 < width - 1);
    const double ly = y - (double)y0, lx = x - (double)x0;
    const int64_t places[4] = {
        y0 * width + x0, y0 * width + x1, y1 * width + x0, y1 * width + x1};
    const double weights[4] = {
        (1 - ly) * (1 - lx), (1 - ly) * lx, ly * (1 - lx), ly * lx};
    for (int i = 0; i < 4; i++) {
        place[i] = places[i];
        weight[i] = (float)weights[i];
    }
    return true;
}

typedef struct region {
    double y, x, bin_height, bin_width;
    int64_t rows, cols; /* samples in a bin */
} region;

static mexpr_status region_of(const mx_run *run, int64_t r, region *out)
{
    const roi_params *p = run->params;
    const float *roi = (const float *)run->inputs[1]->data + 4 * r;
    const double offset = p->half_pixel ? 0.5 : 0, scale = (double)p->scale;
    double width = (double)(roi[2] - roi[0]) * scale;
    double height = (double)(roi[3] - roi[1]) * scale;
    if (!p->half_pixel) {
        width = width > 1 ? width : 1;
        height = height > 1 ? height : 1;
    }
    out->y = (double)roi[1] * scale - offset;
    out->x = (double)roi[0] * scale - offset;
    out->bin_height = height / (double)p->height;
    out->bin_width = width / (double)p->width;
    const double rows = p->ratio ? (double)p->ratio : ceil(out->bin_height);
    const double cols = p->ratio ? (double)p->ratio : ceil(out->bin_width);
    if (!(rows <= MAX_SAMPLES && cols <= MAX_SAMPLES))
        return mx_fail(run->scope, MEXPR_E_LIMIT,
            "region %lld is larger than %d samples by bin", (long long)r, MAX_SAMPLES);
    out->rows = rows > 0 ? (int64_t)rows : 0;
    out->cols = cols > 0 ? (int64_t)cols : 0;
    return MEXPR_OK;
}

/* He et al.: Mask R-CNN, 2017, section 3. The maximum is, as ONNX has it, that of the
 * four weighted neighbours of all samples. */
static float pool_bin(const roi_params *p, const region *g, int64_t ph, int64_t pw,
    const float *plane, int64_t height, int64_t width)
{
    float sum = 0, max = -INFINITY;
    for (int64_t i = 0; i < g->rows * g->cols; i++) {
        const double iy = ((double)(i / g->cols) + 0.5) / (double)g->rows;
        const double ix = ((double)(i % g->cols) + 0.5) / (double)g->cols;
        int64_t place[4] = {0};
        float weight[4] = {0};
        bilinear(g->y + ((double)ph + iy) * g->bin_height,
            g->x + ((double)pw + ix) * g->bin_width, height, width, place, weight);
        for (int k = 0; k < 4; k++) {
            const float part = weight[k] * plane[place[k]];
            sum += part;
            max = part > max ? part : max;
        }
    }
    const int64_t n = g->rows * g->cols;
    return n == 0 ? 0 : p->is_max ? max : sum / (float)n;
}

static mexpr_status roi_align(const mx_run *run)
{
    const roi_params *p = run->params;
    const mx_tensor *in = run->inputs[0], *out = run->outputs[0];
    const int64_t *batch = run->inputs[2]->data;
    const int64_t height = in->dims[2], width = in->dims[3], channels = in->dims[1];
    float *y = out->data;
    for (int64_t r = 0; r < out->dims[0]; r++) {
        region g = {0, 0, 0, 0, 0, 0};
        if (batch[r] < 0 || batch[r] >= in->dims[0])
            return mx_fail(run->scope, MEXPR_E_SHAPE,
                "the batch index %lld does not exist in %lld pictures",
                (long long)batch[r], (long long)in->dims[0]);
        const mexpr_status status = region_of(run, r, &g);
        if (status != MEXPR_OK)
            return status;
        for (int64_t c = 0; c < channels; c++) {
            const float *plane =
                (const float *)in->data + (batch[r] * channels + c) * height * width;
            for (int64_t i = 0; i < p->height * p->width; i++)
                *y++ = pool_bin(p, &g, i / p->width, i % p->width, plane, height, width);
        }
    }
    return MEXPR_OK;
}

const mx_operator mx_operators_sample[] = {
    {.name = "AffineGrid",
        .domain = "",
        .since = 20,
        .min_inputs = 2,
        .max_inputs = 2,
        .min_outputs = 1,
        .max_outputs = 1,
        .types = MX_T_F32,
        .other_inputs = MX_INPUT_BIT(1),
        .value_inputs = MX_INPUT_BIT(1),
        .attributes = "align_corners:i",
        .infer = infer_affine,
        .forward = affine},
    {.name = "GridSample",
        .domain = "",
        .since = 16,
        .min_inputs = 2,
        .max_inputs = 2,
        .min_outputs = 1,
        .max_outputs = 1,
        .types = MX_T_F32,
        .attributes = "align_corners:i mode:s padding_mode:s",
        .params_size = sizeof(mx_sample_params),
        .infer = infer_grid_sample,
        .forward = grid_sample,
        .note = "one to three dimensions"},
    {.name = "RoiAlign",
        .domain = "",
        .since = 10,
        .min_inputs = 3,
        .max_inputs = 3,
        .min_outputs = 1,
        .max_outputs = 1,
        .types = MX_T_F32,
        .other_inputs = MX_INPUT_BIT(2),
        .attributes = "coordinate_transformation_mode:s mode:s output_height:i "
                      "output_width:i sampling_ratio:i spatial_scale:f",
        .params_size = sizeof(roi_params),
        .infer = infer_roi,
        .forward = roi_align},
    {.name = NULL},
};
