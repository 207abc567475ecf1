/* SPDX-License-Identifier: MIT */
/* Affine resampling by a cubic kernel that widens where the result is smaller. */
#include "image/warp.h"

#include <math.h>

#include "base/pool.h"
#include "image/samples.h"

enum {
    MAX_SHRINK = 64,
    MAX_TAPS = 4 * MAX_SHRINK + 2,
    MAX_CHANNELS = 4,
    ROWS_AT_ONCE = 16
};

/* Source positions and weights along one axis for one place. */
typedef struct taps {
    int n;
    int32_t at[MAX_TAPS];
    double weight[MAX_TAPS];
} taps;

typedef struct warp_job {
    const mexpr_image *image;
    mexpr_image *out;
    const double *m;
    mx_warp_kernel kernel;
} warp_job;

/* Keys 1981, equation 4, with a = -1/2. */
static double keys(double x)
{
    x = fabs(x);
    if (x <= 1)
        return (1.5 * x - 2.5) * x * x + 1;
    return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
}

static int32_t clamp_index(double at, int32_t n)
{
    return at <= 0 ? 0 : at >= n - 1 ? n - 1 : (int32_t)at;
}

static void find_taps(double at, double shrink, int32_t n_in, taps *t)
{
    /* Far outside every place shows the edge. */
    at = fmin(fmax(at, -MAX_TAPS), (double)n_in + MAX_TAPS);
    const double reach = 2 * shrink, first = ceil(at - reach);
    double sum = 0;
    t->n = (int)(floor(at + reach) - first) + 1;
    for (int i = 0; i < t->n; i++) {
        t->at[i] = clamp_index(first + i, n_in);
        t->weight[i] = keys((first + i - at) / shrink);
        sum += t->weight[i];
    }
    for (int i = 0; i < t->n && shrink > 1; i++)
        t->weight[i] /= sum;
}

static inline double sample_of(mexpr_format format, const uint8_t *row, size_t i)
{
    switch (format) {
    case MEXPR_FORMAT_GREY16:
        return ((const uint16_t *)row)[i];
    case MEXPR_FORMAT_GREYF32:
        return (double)((const float *)row)[i];
    default:
        return row[i];
    }
}

/* Inlined with a constant format and channel count: a loop without branches for each. */
static inline void sum_taps(mexpr_format format, int channels, const mexpr_image *image,
    const taps *x, const taps *y, double *sums)
{
    for (int c = 0; c < channels; c++)
        sums[c] = 0;
    for (int i = 0; i < y->n; i++) {
        if (y->weight[i] == 0)
            continue;
        const uint8_t *row = mx_image_row(image, y->at[i]);
        double line[MAX_CHANNELS] = {0};
        for (int k = 0; k < x->n; k++) {
            if (x->weight[k] == 0) /* what it would multiply may be NaN */
                continue;
            for (int c = 0; c < channels; c++)
                line[c] += x->weight[k] * sample_of(format, row,
                                              (size_t)x->at[k] * (size_t)channels + c);
        }
        for (int c = 0; c < channels; c++)
            sums[c] += y->weight[i] * line[c];
    }
}

static void sum_place(
    const mexpr_image *image, const taps *x, const taps *y, double *sums)
{
    switch (image->format) {
    case MEXPR_FORMAT_GREY8:
        sum_taps(MEXPR_FORMAT_GREY8, 1, image, x, y, sums);
        break;
    case MEXPR_FORMAT_GREY16:
        sum_taps(MEXPR_FORMAT_GREY16, 1, image, x, y, sums);
        break;
    case MEXPR_FORMAT_GREYF32:
        sum_taps(MEXPR_FORMAT_GREYF32, 1, image, x, y, sums);
        break;
    case MEXPR_FORMAT_RGBA8:
        sum_taps(MEXPR_FORMAT_RGB8, 4, image, x, y, sums);
        break;
    default:
        sum_taps(MEXPR_FORMAT_RGB8, 3, image, x, y, sums);
    }
}

static void warp_row(const warp_job *job, int32_t y)
{
    const mexpr_image *image = job->image;
    const size_t pixel = mexpr_format_bytes(image->format);
    const size_t samples = (size_t)mx_samples_per_pixel(image->format);
    const double *m = job->m;
    uint8_t *out = mx_image_row_pixels(job->out, y);
    taps tx, ty;
    for (int32_t x = 0; x < job->out->width; x++, out += pixel) {
        double sums[MAX_CHANNELS];
        find_taps(m[0] * x + m[1] * y + m[2], job->kernel.shrink[0], image->width, &tx);
        find_taps(m[3] * x + m[4] * y + m[5], job->kernel.shrink[1], image->height, &ty);
        sum_place(image, &tx, &ty, sums);
        mx_samples_store(image->format, sums, samples, out);
    }
}

static void warp_rows(void *arg, int index, int worker)
{
    const warp_job *job = arg;
    (void)worker;
    const int32_t first = index * ROWS_AT_ONCE;
    for (int32_t y = first; y < first + ROWS_AT_ONCE && y < job->out->height; y++)
        warp_row(job, y);
}

static double shrink_of(double a, double b)
{
    const double covered = hypot(a, b);
    return covered > 1 ? covered : 1;
}

mx_warp_kernel mx_warp_kernel_of(const double matrix[6])
{
    return (mx_warp_kernel){
        {shrink_of(matrix[0], matrix[1]), shrink_of(matrix[3], matrix[4])}};
}

/* Four by four pixels that are all inside. */
static double sample_inside(const float *corner, int32_t width, double fx, double fy)
{
    double wx[4], sum = 0;
    for (int i = 0; i < 4; i++)
        wx[i] = keys(i - 1 - fx);
    for (int i = 0; i < 4; i++, corner += width)
        sum += keys(i - 1 - fy) * (wx[0] * corner[0] + wx[1] * corner[1] +
                                      wx[2] * corner[2] + wx[3] * corner[3]);
    return sum;
}

float mx_warp_sample(const mx_warp_kernel *kernel, const float *pixels, int32_t width,
    int32_t height, double x, double y)
{
    const double left = floor(x), top = floor(y);
    if (kernel->shrink[0] == 1 && kernel->shrink[1] == 1 && left >= 1 && top >= 1 &&
        left < width - 2 && top < height - 2) {
        const size_t at = (size_t)(top - 1) * (size_t)width + (size_t)(left - 1);
        return (float)sample_inside(pixels + at, width, x - left, y - top);
    }
    taps tx, ty;
    double sum = 0;
    find_taps(x, kernel->shrink[0], width, &tx);
    find_taps(y, kernel->shrink[1], height, &ty);
    for (int i = 0; i < ty.n; i++) {
        const float *row = pixels + (size_t)ty.at[i] * (size_t)width;
        double line = 0;
        for (int k = 0; k < tx.n; k++)
            line += tx.weight[k] * row[tx.at[k]];
        sum += ty.weight[i] * line;
    }
    return (float)sum;
}

void mx_warp_run(const mexpr_image *image, const double matrix[6], mexpr_image *out)
{
    warp_job job = {image, out, matrix, mx_warp_kernel_of(matrix)};
    const int n = (out->height + ROWS_AT_ONCE - 1) / ROWS_AT_ONCE;
    mexpr_context *context = out->context;
    mx_parallel_for(context, mexpr_context_threads(context), n, warp_rows, &job);
}

mexpr_status mx_warp_check(mx_scope *scope, const double matrix[6])
{
    if (!matrix)
        return mx_fail(scope, MEXPR_E_ARG, "matrix is NULL");
    for (int i = 0; i < 6; i++) {
        if (!isfinite(matrix[i]))
            return mx_fail(
                scope, MEXPR_E_ARG, "number %d of the matrix is not finite", i);
    }
    for (int row = 0; row < 6; row += 3) {
        if (!(hypot(matrix[row], matrix[row + 1]) <= MAX_SHRINK))
            return mx_fail(scope, MEXPR_E_RANGE,
                "one pixel of the warped picture would cover %.3g pixels; at most %d are "
                "possible",
                hypot(matrix[row], matrix[row + 1]), MAX_SHRINK);
    }
    return MEXPR_OK;
}

mexpr_status mexpr_image_warp(mexpr_context *context, const mexpr_image *image,
    const double *matrix, int32_t width, int32_t height, mexpr_image **out)
{
    if (!out)
        return MEXPR_E_ARG;
    *out = NULL;
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!image)
        return mx_fail(scope, MEXPR_E_ARG, "image is NULL");
    mexpr_status status = mx_warp_check(scope, matrix);
    if (status == MEXPR_OK)
        status = mx_check_size(scope, width, height);
    if (status == MEXPR_OK)
        status = mx_image_new(scope, image->format, width, height, out);
    if (status == MEXPR_OK)
        mx_warp_run(image, matrix, *out);
    return status;
}
