/* SPDX-License-Identifier: MIT */
/* Separable resampling. Each axis becomes a list of weights per output position; sums are
 * in double, so a constant picture stays constant and ties round as on paper. */
#include <math.h>

#include "base/checked.h"
#include "image/picture.h"
#include "image/samples.h"

/* Source positions first..first+n-1 make one output; their weights begin at `weights`. */
typedef struct tap {
    int32_t first;
    int32_t n;
    size_t weights;
} tap;

typedef struct axis {
    int32_t n_out;
    tap *taps;
    double *weights;
    size_t n_weights;
} axis;

typedef struct plane {
    mexpr_format format; /* of a sample */
    int samples;         /* per pixel */
    int32_t width;
    int32_t height;
    size_t stride;
    uint8_t *data;
} plane;

/* --- weights ----------------------------------------------------------------------- */

/* Positions outside add their weight to the edge. Weights of 0 at either end are left
 * out, so that what they would multiply (NaN, perhaps) does not matter. */
static void add_tap(
    axis *a, int32_t x, int64_t first, int n, const double *w, int32_t n_in)
{
    while (n > 1 && w[n - 1] == 0)
        n--;
    while (n > 1 && *w == 0) {
        first++;
        w++;
        n--;
    }
    tap *t = &a->taps[x];
    t->first = (int32_t)(first < 0 ? 0 : first < n_in ? first : n_in - 1);
    t->n = 0;
    t->weights = a->n_weights;
    for (int i = 0; i < n; i++) {
        const int64_t at = first + i;
        if (t->n > 0 && (at <= t->first || at >= n_in))
            a->weights[a->n_weights - 1] += w[i];
        else {
            a->weights[a->n_weights++] = w[i];
            t->n++;
        }
    }
}

/* Exact overlap of output cell x with source cells, counted in 1/n_out of a pixel. */
static void add_area(axis *a, int32_t x, int32_t n_in)
{
    const int64_t n_out = a->n_out, low = x * (int64_t)n_in, high = low + n_in;
    const int64_t first = low / n_out, last = (high - 1) / n_out;
    a->taps[x] = (tap){(int32_t)first, (int32_t)(last - first + 1), a->n_weights};
    for (int64_t i = first; i <= last; i++) {
        const int64_t begin = i * n_out, end = begin + n_out;
        const int64_t overlap = (end < high ? end : high) - (begin > low ? begin : low);
        a->weights[a->n_weights++] = (double)overlap / n_in;
    }
}

/* Where the centre of output x lies in the source. */
static double centre(int32_t x, int32_t n_in, int32_t n_out)
{
    return (2.0 * x + 1) * n_in / (2.0 * n_out) - 0.5;
}

static void add_linear(axis *a, int32_t x, int32_t n_in)
{
    const double at = centre(x, n_in, a->n_out), base = floor(at), f = at - base;
    const double w[2] = {1 - f, f};
    add_tap(a, x, (int64_t)base, 2, w, n_in);
}

/* R. Keys, "Cubic Convolution Interpolation for Digital Image Processing", IEEE ASSP 29
 * (1981), with a = -0.75. */
static double keys(double x)
{
    const double a = -0.75;
    x = fabs(x);
    if (x <= 1)
        return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

static void add_cubic(axis *a, int32_t x, int32_t n_in)
{
    const double at = centre(x, n_in, a->n_out), base = floor(at), f = at - base;
    const double w[4] = {keys(1 + f), keys(f), keys(1 - f), keys(2 - f)};
    add_tap(a, x, (int64_t)base - 1, 4, w, n_in);
}

static void axis_fill(axis *a, int32_t n_in, mexpr_filter filter)
{
    for (int32_t x = 0; x < a->n_out; x++) {
        if (filter == MEXPR_FILTER_AREA && a->n_out < n_in)
            add_area(a, x, n_in);
        else if (filter == MEXPR_FILTER_BICUBIC)
            add_cubic(a, x, n_in);
        else
            add_linear(a, x, n_in);
    }
}

static mexpr_status axis_init(
    mx_scope *scope, axis *a, int32_t n_in, int32_t n_out, mexpr_filter filter)
{
    /* Neighbouring cells share at most one source pixel, so the cells of an average have
     * fewer than n_in + n_out together; other filters have up to 4 positions each. */
    const bool averages = filter == MEXPR_FILTER_AREA && n_out < n_in;
    const size_t n_weights = averages ? (size_t)n_in : (size_t)n_out;
    *a = (axis){.n_out = n_out};
    a->taps = mx_alloc(scope, (size_t)n_out, sizeof *a->taps);
    a->weights = mx_alloc(scope, n_weights, (averages ? 2 : 4) * sizeof *a->weights);
    if (!a->taps || !a->weights)
        return MEXPR_E_NOMEM;
    axis_fill(a, n_in, filter);
    return MEXPR_OK;
}

static void axis_free(mexpr_context *context, axis *a)
{
    mx_free(context, a->taps);
    mx_free(context, a->weights);
}

/* --- sums -------------------------------------------------------------------------- */

static void sum_columns(const axis *a, const double *in, int samples, double *out)
{
    for (int32_t x = 0; x < a->n_out; x++) {
        const tap *t = &a->taps[x];
        const double *weights = a->weights + t->weights;
        for (int c = 0; c < samples; c++) {
            const double *from = in + (size_t)t->first * (size_t)samples + c;
            double sum = 0;
            for (int32_t i = 0; i < t->n; i++)
                sum += weights[i] * from[(size_t)i * (size_t)samples];
            *out++ = sum;
        }
    }
}

static void sum_rows(const axis *a, int32_t y, const plane *in, double *out)
{
    const size_t n = (size_t)in->width * (size_t)in->samples;
    const tap whole = {y, 1, 0};
    const double one = 1;
    const tap *t = a ? &a->taps[y] : &whole;
    const double *weights = a ? a->weights + t->weights : &one;
    for (size_t i = 0; i < n; i++)
        out[i] = 0;
    for (int32_t i = 0; i < t->n; i++)
        mx_samples_add(in->format, in->data + (size_t)(t->first + i) * in->stride, n,
            weights[i], out);
}

/* One axis may be NULL: it keeps its size. `rows` has room for the wider of both planes,
 * twice. */
static void resample(const plane *in, const axis *x_axis, const axis *y_axis,
    const plane *out, double *rows)
{
    const int32_t widest = in->width > out->width ? in->width : out->width;
    double *summed = rows, *row = rows + (size_t)widest * (size_t)in->samples;
    for (int32_t y = 0; y < out->height; y++) {
        sum_rows(y_axis, y, in, summed);
        if (x_axis)
            sum_columns(x_axis, summed, in->samples, row);
        mx_samples_store(out->format, x_axis ? row : summed,
            (size_t)out->width * (size_t)out->samples,
            out->data + (size_t)y * out->stride);
    }
}

/* Rows first needs no picture in between. Columns first is for the case that rows first
 * would have to widen the work: the picture in between is then never larger than the
 * larger of both ends. */
static bool is_columns_first(const plane *in, const plane *out)
{
    return (int64_t)in->height * out->width < (int64_t)in->width * out->height;
}

struct mx_resizer {
    axis x_axis;
    axis y_axis;
    double *rows;
    plane middle; /* for columns first */
    plane in;     /* whose data a run sets */
    plane out;
};

static mexpr_status middle_init(mx_scope *scope, mx_resizer *resizer)
{
    plane *middle = &resizer->middle;
    *middle = resizer->in;
    middle->format = MEXPR_FORMAT_GREYF32;
    middle->width = resizer->out.width;
    middle->stride = SIZE_MAX; /* what mx_alloc() refuses, for a product that overflows */
    mx_mul_size(
        (size_t)middle->width, (size_t)middle->samples * sizeof(float), &middle->stride);
    middle->data = mx_alloc(scope, (size_t)middle->height, middle->stride);
    return middle->data ? MEXPR_OK : MEXPR_E_NOMEM;
}

static mexpr_status resizer_init(mx_scope *scope, mx_resizer *resizer, const plane *in,
    const plane *out, mexpr_filter filter)
{
    const int32_t widest = in->width > out->width ? in->width : out->width;
    *resizer = (mx_resizer){.in = *in, .out = *out};
    mexpr_status status
        = axis_init(scope, &resizer->x_axis, in->width, out->width, filter);
    if (status == MEXPR_OK)
        status = axis_init(scope, &resizer->y_axis, in->height, out->height, filter);
    if (status != MEXPR_OK)
        return status;
    const size_t row = 2 * (size_t)in->samples * sizeof *resizer->rows;
    resizer->rows = mx_alloc(scope, (size_t)widest, row);
    if (!resizer->rows)
        return MEXPR_E_NOMEM;
    return is_columns_first(in, out) ? middle_init(scope, resizer) : MEXPR_OK;
}

static void resizer_free(mexpr_context *context, mx_resizer *resizer)
{
    mx_free(context, resizer->middle.data);
    mx_free(context, resizer->rows);
    axis_free(context, &resizer->y_axis);
    axis_free(context, &resizer->x_axis);
}

static void resizer_run(const mx_resizer *resizer, const plane *in, const plane *out)
{
    const axis *x_axis = &resizer->x_axis, *y_axis = &resizer->y_axis;
    if (resizer->middle.data) {
        resample(in, x_axis, NULL, &resizer->middle, resizer->rows);
        resample(&resizer->middle, NULL, y_axis, out, resizer->rows);
    } else {
        resample(in, x_axis, y_axis, out, resizer->rows);
    }
}

/* --- doors ------------------------------------------------------------------------- */

static plane plane_of(const mexpr_image *image)
{
    return (plane){image->format, mx_samples_per_pixel(image->format), image->width,
        image->height, image->stride, image->data};
}

mexpr_status mexpr_image_resize(mexpr_context *context, const mexpr_image *image,
    int32_t width, int32_t height, mexpr_filter filter, mexpr_image **out)
{
    if (!out)
        return MEXPR_E_ARG;
    *out = NULL;
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!image)
        return mx_fail(scope, MEXPR_E_ARG, "image is NULL");
    if (filter < MEXPR_FILTER_AREA || filter > MEXPR_FILTER_BICUBIC)
        return mx_fail(scope, MEXPR_E_ARG, "%d is not a mexpr_filter", (int)filter);
    mexpr_status status = mx_check_size(scope, width, height);
    if (status == MEXPR_OK)
        status = mx_image_new(scope, image->format, width, height, out);
    if (status != MEXPR_OK)
        return status;
    const plane from = plane_of(image), to = plane_of(*out);
    mx_resizer resizer;
    status = resizer_init(scope, &resizer, &from, &to, filter);
    if (status == MEXPR_OK)
        resizer_run(&resizer, &from, &to);
    resizer_free(context, &resizer);
    if (status != MEXPR_OK)
        mexpr_image_destroy(out);
    return status;
}

static plane plane_of_floats(int32_t width, int32_t height)
{
    return (plane){
        MEXPR_FORMAT_GREYF32, 1, width, height, (size_t)width * sizeof(float), NULL};
}

mexpr_status mx_resizer_create(mx_scope *scope, int32_t width, int32_t height,
    int32_t out_width, int32_t out_height, mexpr_filter filter, mx_resizer **out)
{
    const plane from = plane_of_floats(width, height);
    const plane to = plane_of_floats(out_width, out_height);
    *out = NULL;
    mx_resizer *resizer = mx_calloc(scope, 1, sizeof *resizer);
    if (!resizer)
        return MEXPR_E_NOMEM;
    const mexpr_status status = resizer_init(scope, resizer, &from, &to, filter);
    if (status == MEXPR_OK)
        *out = resizer;
    else
        mx_resizer_destroy(scope->context, &resizer);
    return status;
}

void mx_resizer_destroy(mexpr_context *context, mx_resizer **resizer)
{
    if (!*resizer)
        return;
    resizer_free(context, *resizer);
    mx_free(context, *resizer);
    *resizer = NULL;
}

void mx_resizer_run(mx_resizer *resizer, const float *in, float *out)
{
    resizer->in.data = (uint8_t *)in;
    resizer->out.data = (uint8_t *)out;
    resizer_run(resizer, &resizer->in, &resizer->out);
}
