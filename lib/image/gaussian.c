/* SPDX-License-Identifier: MIT */
/* Separable Gaussian smoothing: sums of rows, then of columns, in double. */
#include <math.h>

#include "image/picture.h"
#include "image/samples.h"

static const double most_sigma = 100;

/* Weights of distances 0..radius; both sides together sum to 1. */
static void fill_weights(double *weights, int radius, double sigma)
{
    double sum = 0;
    for (int k = 0; k <= radius; k++) {
        weights[k] = exp(-0.5 * (k / sigma) * (k / sigma));
        sum += k == 0 ? weights[k] : 2 * weights[k];
    }
    for (int k = 0; k <= radius; k++)
        weights[k] /= sum;
}

/* Position i of a line of n that is mirrored with its edge repeated: … 1 0 0 1 … */
static int32_t mirrored(int64_t i, int32_t n)
{
    const int64_t period = 2 * (int64_t)n, at = (i % period + period) % period;
    return (int32_t)(at < n ? at : period - 1 - at);
}

/* Puts the mirrored pixels before and behind the `width` that begin at `row`. */
static void extend(double *row, int32_t width, int samples, int radius)
{
    for (int64_t i = 1; i <= radius; i++) {
        const int32_t left = mirrored(-i, width), right = mirrored(width - 1 + i, width);
        for (int c = 0; c < samples; c++) {
            row[-i * samples + c] = row[(int64_t)left * samples + c];
            row[(width - 1 + i) * samples + c] = row[(int64_t)right * samples + c];
        }
    }
}

static void sum_columns(const double *row, size_t n, int samples, const double *weights,
    int radius, double *restrict out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = weights[0] * row[i];
    for (int k = 1; k <= radius; k++) {
        const double *left = row - k * samples, *right = row + k * samples;
        for (size_t i = 0; i < n; i++)
            out[i] += weights[k] * (left[i] + right[i]);
    }
}

static void sum_rows(const mexpr_image *image, int32_t y, size_t n, const double *weights,
    int radius, double *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = 0;
    for (int k = -radius; k <= radius; k++)
        mx_samples_add(image->format,
            mx_image_row(image, mirrored((int64_t)y + k, image->height)), n,
            weights[k < 0 ? -k : k], out);
}

static mexpr_status smooth(
    mx_scope *scope, const mexpr_image *image, double sigma, mexpr_image *out)
{
    const int radius = (int)ceil(4 * sigma),
              samples = mx_samples_per_pixel(image->format);
    const size_t n = (size_t)image->width * (size_t)samples;
    const size_t margin = (size_t)radius * (size_t)samples;
    double *weights = mx_alloc(scope, (size_t)radius + 1, sizeof *weights);
    double *rows = mx_alloc(scope, n + margin, 2 * sizeof *rows);
    mexpr_status status = MEXPR_E_NOMEM;
    if (!weights || !rows)
        goto done;
    double *row = rows + margin, *result = row + n + margin;
    fill_weights(weights, radius, sigma);
    for (int32_t y = 0; y < image->height; y++) {
        sum_rows(image, y, n, weights, radius, row);
        extend(row, image->width, samples, radius);
        sum_columns(row, n, samples, weights, radius, result);
        mx_samples_store(image->format, result, n, mx_image_row_pixels(out, y));
    }
    status = MEXPR_OK;
done:
    mx_free(scope->context, rows);
    mx_free(scope->context, weights);
    return status;
}

mexpr_status mexpr_image_gaussian(
    mexpr_context *context, const mexpr_image *image, double sigma, mexpr_image **out)
{
    if (!out)
        return MEXPR_E_ARG;
    *out = NULL;
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!image)
        return mx_fail(scope, MEXPR_E_ARG, "image is NULL");
    if (!(sigma > 0 && sigma <= most_sigma))
        return mx_fail(scope, MEXPR_E_RANGE,
            "a sigma of %g is outside its bounds: above 0, up to %g", sigma, most_sigma);
    mexpr_status status =
        mx_image_new(scope, image->format, image->width, image->height, out);
    if (status == MEXPR_OK)
        status = smooth(scope, image, sigma, *out);
    if (status != MEXPR_OK)
        mexpr_image_destroy(out);
    return status;
}
