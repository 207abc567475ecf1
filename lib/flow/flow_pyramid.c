/* SPDX-License-Identifier: MIT */
#include "flow/flow_pyramid.h"

#include <math.h>
#include <string.h>

#include "base/checked.h"

/* Constants of the published program (J. Sánchez, E. Meinhardt-Llopis, G. Facciolo, IPOL
 * 3, 2013): smoothing of the input, of each level per unit of shrinking, the Gaussian's
 * length in sigmas, and the diagonal that the coarsest level should have at least. */
#define PRESMOOTH_SIGMA 0.8
#define ZOOM_SIGMA 0.6
#define GAUSSIAN_LENGTH 5
#define SMALLEST_DIAGONAL 16.0

/* Room for the repeated edges of a line of scratch, and how many lines there are. */
enum { LINE_PAD = 64, N_LINES = 5 };

/* --- plan -------------------------------------------------------------------------- */

static void gaussian_init(mx_gaussian *gaussian, double sigma)
{
    double taps[MX_GAUSSIAN_MAX_RADIUS + 1], sum = 0;
    gaussian->radius = (int)(GAUSSIAN_LENGTH * sigma);
    for (int i = 0; i <= gaussian->radius; i++) {
        taps[i] = exp(-i * i / (2 * sigma * sigma));
        sum += i ? 2 * taps[i] : taps[i];
    }
    for (int i = 0; i <= gaussian->radius; i++)
        gaussian->taps[i] = (float)(taps[i] / sum);
}

/* As many levels as the program makes, and where it would stop with an error (a picture
 * narrower than the Gaussian) no further one. */
static int count_levels(int width, int height, float zoom, int max_levels, int radius)
{
    const double by_size =
        1 + log(hypot(width, height) / SMALLEST_DIAGONAL) / log(1 / (double)zoom);
    int n = by_size < max_levels ? (int)by_size : max_levels;
    n = n < 1 ? 1 : n;
    for (int level = 1; level < n; level++) {
        if (width <= radius || height <= radius)
            return level;
        width = (int)((float)width * zoom + 0.5f);
        height = (int)((float)height * zoom + 0.5f);
    }
    return n;
}

static size_t axis_floats(int n)
{
    return 5 * mx_round_up((size_t)n, MX_TVL1_LANES);
}

static size_t image_floats(const mx_pyramid_level *level)
{
    return (size_t)level->stride * ((size_t)level->height + 2) + 2 * MX_TVL1_GUARD;
}

static size_t level_floats(
    const mx_pyramid_level *level, int is_coarsest, int coarse_width, int coarse_height)
{
    const size_t plane = image_floats(level);
    size_t axes = 0;
    if (!is_coarsest)
        axes = axis_floats(coarse_width) + axis_floats(coarse_height) +
               axis_floats(level->width) + axis_floats(level->height);
    return 2 * plane + axes;
}

static size_t place_axis(mx_cubic_axis *axis, float *at, int n)
{
    const size_t step = mx_round_up((size_t)n, MX_TVL1_LANES);
    axis->first = (int32_t *)at;
    for (int i = 0; i < 4; i++)
        axis->weights[i] = at + (size_t)(i + 1) * step;
    return axis_floats(n);
}

/* Weights of Keys' cubic (a = -1/2) at n places factor apart. */
static void fill_axis(mx_cubic_axis *axis, int n, float factor)
{
    for (int i = 0; i < n; i++) {
        const float place = (float)i / factor;
        const int middle = (int)place;
        const float t = place - (float)middle;
        axis->first[i] = middle - 1;
        axis->weights[0][i] = ((2.0f - t) * t - 1.0f) * t * 0.5f;
        axis->weights[1][i] = ((3.0f * t - 5.0f) * t * t + 2.0f) * 0.5f;
        axis->weights[2][i] = ((4.0f - 3.0f * t) * t + 1.0f) * t * 0.5f;
        axis->weights[3][i] = (t - 1.0f) * t * t * 0.5f;
    }
}

static float *place_level(mx_pyramid *pyramid, int index, float *at)
{
    mx_pyramid_level *level = &pyramid->levels[index];
    for (int i = 0; i < 2; i++) {
        memset(at, 0, image_floats(level) * sizeof *at);
        level->images[i] = at + MX_TVL1_GUARD + level->stride;
        at += image_floats(level);
    }
    if (index + 1 == pyramid->n_levels)
        return at;
    const mx_pyramid_level *coarse = level + 1;
    at += place_axis(&level->shrink_x, at, coarse->width);
    at += place_axis(&level->shrink_y, at, coarse->height);
    at += place_axis(&level->grow_x, at, level->width);
    at += place_axis(&level->grow_y, at, level->height);
    fill_axis(&level->shrink_x, coarse->width, pyramid->zoom);
    fill_axis(&level->shrink_y, coarse->height, pyramid->zoom);
    fill_axis(&level->grow_x, level->width, (float)level->width / (float)coarse->width);
    fill_axis(
        &level->grow_y, level->height, (float)level->height / (float)coarse->height);
    return at;
}

mexpr_status mx_pyramid_create(mx_scope *scope, mx_pyramid *pyramid, int width,
    int height, float zoom, int max_levels)
{
    mx_pyramid_destroy(scope->context, pyramid);
    const float sigma = (float)(ZOOM_SIGMA * sqrt(1.0 / (double)(zoom * zoom) - 1.0));
    gaussian_init(&pyramid->presmooth, PRESMOOTH_SIGMA);
    gaussian_init(&pyramid->smooth, sigma);
    pyramid->zoom = zoom;
    pyramid->n_levels =
        count_levels(width, height, zoom, max_levels, pyramid->smooth.radius);
    size_t floats = 0;
    for (int i = 0; i < pyramid->n_levels; i++) {
        mx_pyramid_level *level = &pyramid->levels[i];
        level->width = width;
        level->height = height;
        level->stride = (ptrdiff_t)mx_round_up((size_t)width + 2, MX_TVL1_LANES);
        width = (int)((float)width * zoom + 0.5f);
        height = (int)((float)height * zoom + 0.5f);
        floats += level_floats(level, i + 1 == pyramid->n_levels, width, height);
    }
    const mx_pyramid_level *finest = &pyramid->levels[0];
    pyramid->plane_floats = (size_t)finest->stride * (size_t)finest->height;
    pyramid->line_floats = N_LINES * ((size_t)finest->stride + 2 * LINE_PAD);
    pyramid->block = mx_alloc(scope, floats, sizeof(float));
    if (!pyramid->block)
        return MEXPR_E_NOMEM;
    float *at = pyramid->block;
    for (int i = 0; i < pyramid->n_levels; i++)
        at = place_level(pyramid, i, at);
    return MEXPR_OK;
}

void mx_pyramid_destroy(mexpr_context *context, mx_pyramid *pyramid)
{
    mx_free(context, pyramid->block);
    pyramid->block = NULL;
    pyramid->n_levels = 0;
}

/* --- pictures ---------------------------------------------------------------------- */

/* The program's edges are not alike: left and top mirror about the edge pixel, right and
 * bottom repeat it. Repeated, for pictures smaller than the Gaussian. */
static int reflect(int i, int n)
{
    while (i < 0 || i >= n)
        i = i < 0 ? -i : 2 * n - 1 - i;
    return i;
}

/* Smooths a row into `out` by way of `line`, which may begin as the row itself. */
static void smooth_row(const mx_tvl1_kernels *kernels, const mx_gaussian *gaussian,
    float *out, const float *in, float *line, int n)
{
    float *middle = line + LINE_PAD;
    if (in != middle)
        memcpy(middle, in, (size_t)n * sizeof *in);
    for (int i = 1; i <= gaussian->radius; i++) {
        middle[-i] = middle[reflect(-i, n)];
        middle[n - 1 + i] = middle[reflect(n - 1 + i, n)];
    }
    kernels->smooth_row(out, middle, gaussian->taps, gaussian->radius, n);
}

static void smooth_column(const mx_tvl1_kernels *kernels, const mx_gaussian *gaussian,
    float *out, const float *plane, ptrdiff_t stride, int y, int width, int height)
{
    const float *rows[2 * MX_GAUSSIAN_MAX_RADIUS + 1];
    const int radius = gaussian->radius;
    for (int i = -radius; i <= radius; i++)
        rows[radius + i] = plane + reflect(y + i, height) * stride;
    kernels->smooth_column(out, rows + radius, gaussian->taps, radius, width);
}

static int clamp(int i, int n)
{
    return i < 0 ? 0 : i < n ? i : n - 1;
}

/* Edges repeated, for taps one place before and two behind the line. */
static void repeat_edges(float *line, int n)
{
    line[-1] = line[0];
    line[n] = line[n + 1] = line[n - 1];
}

static ptrdiff_t line_step(const mx_pyramid *pyramid)
{
    return pyramid->levels[0].stride + 2 * LINE_PAD;
}

/* Row y of the next level from the rows of `plane`, which are smoothed along x. */
static void shrink_row(const mx_pyramid *pyramid, const mx_tvl1_kernels *kernels,
    const mx_pyramid_level *fine, int y, const float *plane, float *out, float *lines)
{
    const ptrdiff_t step = line_step(pyramid);
    float *target = lines + LINE_PAD;
    const float *rows[4];
    float weights[4];
    for (int i = 0; i < 4; i++) {
        float *line = target + (i + 1) * step;
        rows[i] = line;
        weights[i] = fine->shrink_y.weights[i][y];
        if (weights[i] != 0.0f)
            smooth_column(kernels, &pyramid->smooth, line, plane, fine->stride,
                clamp(fine->shrink_y.first[y] + i, fine->height), fine->width,
                fine->height);
        else
            rows[i] = rows[0];
    }
    if (weights[1] == 1.0f)
        target = (float *)rows[1];
    else
        kernels->cubic_column(target, rows, weights, fine->width);
    repeat_edges(target, fine->width);
    kernels->cubic_row(out, target, fine->shrink_x.first,
        (const float *const *)fine->shrink_x.weights, 1.0f, fine[1].width);
}

/* The border of one pixel on all sides. */
static void repeat_border(const mx_pyramid_level *level, float *image)
{
    const ptrdiff_t stride = level->stride;
    for (int y = 0; y < level->height; y++) {
        float *row = image + y * stride;
        row[-1] = row[0];
        row[level->width] = row[level->width - 1];
    }
    const size_t bytes = ((size_t)level->width + 2) * sizeof *image;
    memcpy(image - stride - 1, image - 1, bytes);
    memcpy(image + level->height * stride - 1, image + (level->height - 1) * stride - 1,
        bytes);
}

void mx_pyramid_build(mx_pyramid *pyramid, const mx_tvl1_kernels *kernels, int which,
    const float *in, double low, double span, float *plane, float *lines)
{
    const mx_pyramid_level *level = &pyramid->levels[0];
    const int width = level->width;
    for (int y = 0; y < level->height; y++) {
        kernels->normalise(
            lines + LINE_PAD, in + (size_t)y * (size_t)width, low, span, width);
        smooth_row(kernels, &pyramid->presmooth, plane + y * level->stride,
            lines + LINE_PAD, lines, width);
    }
    for (int y = 0; y < level->height; y++)
        smooth_column(kernels, &pyramid->presmooth,
            level->images[which] + y * level->stride, plane, level->stride, y, width,
            level->height);
    repeat_border(level, level->images[which]);
    for (int i = 0; i + 1 < pyramid->n_levels; i++, level++) {
        for (int y = 0; y < level->height; y++)
            smooth_row(kernels, &pyramid->smooth, plane + y * level->stride,
                level->images[which] + y * level->stride, lines, level->width);
        for (int y = 0; y < level[1].height; y++)
            shrink_row(pyramid, kernels, level, y, plane,
                level[1].images[which] + y * level[1].stride, lines);
        repeat_border(level + 1, level[1].images[which]);
    }
}

/* --- flow -------------------------------------------------------------------------- */

void mx_pyramid_grow_row(const mx_pyramid *pyramid, const mx_tvl1_kernels *kernels,
    int level, int y, const float *in, float *lines)
{
    const mx_pyramid_level *fine = &pyramid->levels[level], *coarse = fine + 1;
    float *line = lines + line_step(pyramid) + LINE_PAD;
    const float *rows[4];
    float weights[4];
    for (int i = 0; i < 4; i++) {
        rows[i] = in + clamp(fine->grow_y.first[y] + i, coarse->height) * coarse->stride;
        weights[i] = fine->grow_y.weights[i][y];
    }
    kernels->cubic_column(line, rows, weights, coarse->width);
    repeat_edges(line, coarse->width);
    kernels->cubic_row(lines, line, fine->grow_x.first,
        (const float *const *)fine->grow_x.weights, 1.0f / pyramid->zoom, fine->width);
}
