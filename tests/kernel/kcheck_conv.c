/* SPDX-License-Identifier: MIT */
/* Sums over taps against sums in double; the selection of every second number; the loops
 * for channels last against their formulas in double. */
#include "kcheck.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/conv_kernel.h"

enum { MAX_TAPS = 98, MAX_N = 130 };

static size_t rounded(size_t n)
{
    return (n + MX_CONV_LANES - 1) / MX_CONV_LANES * MX_CONV_LANES;
}

/* Inputs overlap, as they do in a plane: pointers into one buffer. */
static void check_block(
    kcheck *k, const mx_conv_kernels *table, size_t n, size_t taps, int rows)
{
    const size_t at = mx_rng_below(&k->rng, 5), room = rounded(n) + 40 + at;
    float *plane = kcheck_buffer(room, sizeof *plane, mx_rng_below(&k->rng, 16));
    float *w = kcheck_buffer(taps * (size_t)rows, sizeof *w, mx_rng_below(&k->rng, 16));
    const size_t y_row = rounded(n) + 3;
    const size_t y_size = (size_t)(rows - 1) * y_row + rounded(n);
    float *y = kcheck_buffer(y_size, sizeof *y, mx_rng_below(&k->rng, 16));
    const float *x[MAX_TAPS];
    kcheck_fill_f32(k, plane, room, 1.0f, false);
    kcheck_fill_f32(k, w, taps * (size_t)rows, 1.0f, false);
    for (size_t t = 0; t < taps; t++)
        x[t] = plane + mx_rng_below(&k->rng, 41);
    const mx_conv_block block = {
        n, taps, rows, x, at, w, (ptrdiff_t)taps, y, (ptrdiff_t)y_row};
    table->taps(&block);
    double worst = 0;
    for (int r = 0; r < rows; r++)
        for (size_t i = 0; i < n; i++) {
            double sum = 0, size = 0;
            for (size_t t = 0; t < taps; t++) {
                const double product =
                    (double)w[(size_t)r * taps + t] * (double)x[t][at + i];
                sum += product;
                size += fabs(product);
            }
            const double error = fabs(sum - (double)y[(size_t)r * y_row + i]);
            worst = fmax(worst, error / (size * sqrt((double)taps) + 1e-30));
        }
    kcheck_true(k, worst <= 1e-6, "sums are near the exact ones");
    kcheck_release(k, plane);
    kcheck_release(k, w);
    kcheck_release(k, y);
}

static void check_slopes(
    kcheck *k, const mx_conv_kernels *table, size_t n, size_t taps, int rows)
{
    const size_t at = mx_rng_below(&k->rng, 5), room = rounded(n) + 40 + at;
    const size_t y_row = rounded(n) + 3, y_size = (size_t)(rows - 1) * y_row + rounded(n);
    float *plane = kcheck_buffer(room, sizeof *plane, mx_rng_below(&k->rng, 16));
    float *y = kcheck_buffer(y_size, sizeof *y, mx_rng_below(&k->rng, 16));
    float *w = kcheck_buffer(taps * (size_t)rows, sizeof *w, mx_rng_below(&k->rng, 16));
    const float *x[MAX_TAPS];
    kcheck_fill_f32(k, plane, room, 1.0f, false);
    kcheck_fill_f32(k, y, y_size, 1.0f, false);
    for (size_t i = 0; i < taps * (size_t)rows; i++)
        w[i] = 1;
    for (size_t i = 0; i < y_size; i++)
        y[i] = i % y_row < n ? y[i] : 0;
    for (size_t t = 0; t < taps; t++)
        x[t] = plane + mx_rng_below(&k->rng, 41);
    const mx_conv_slopes block = {
        n, taps, rows, x, at, y, (ptrdiff_t)y_row, w, (ptrdiff_t)taps};
    table->slopes(&block);
    double worst = 0;
    for (size_t j = 0; j < taps * (size_t)rows; j++) {
        double sum = 1, size = 1;
        for (size_t i = 0; i < n; i++) {
            const double product =
                (double)y[j / taps * y_row + i] * (double)x[j % taps][at + i];
            sum += product;
            size += fabs(product);
        }
        worst = fmax(worst, fabs(sum - (double)w[j]) / (size * sqrt((double)n)));
    }
    kcheck_true(k, worst <= 1e-6, "sums are near the exact ones");
    kcheck_release(k, plane);
    kcheck_release(k, y);
    kcheck_release(k, w);
}

/* The gradient of weights that meet pixels with their channels side by side. */
static void check_tile_slopes(
    kcheck *k, const mx_conv_kernels *table, size_t pixels, size_t runs, size_t length)
{
    enum { LINES = 3, MOST_RUNS = 4 };
    const size_t cols = (1 + mx_rng_below(&k->rng, 3)) * MX_CONV_LANES,
                 taps = runs * length;
    const size_t step = 1 + mx_rng_below(&k->rng, 4), line = pixels * step + length + 40;
    const size_t g_line = pixels * cols + 5, n = LINES * pixels;
    float *x = kcheck_buffer(LINES * line, sizeof *x, mx_rng_below(&k->rng, 16));
    float *g = kcheck_buffer(LINES * g_line, sizeof *g, mx_rng_below(&k->rng, 16));
    float *w = kcheck_buffer(taps * cols, sizeof *w, mx_rng_below(&k->rng, 16));
    float *sums = kcheck_buffer(cols, sizeof *sums, mx_rng_below(&k->rng, 16));
    ptrdiff_t offsets[MOST_RUNS];
    kcheck_fill_f32(k, x, LINES * line, 1.0f, false);
    kcheck_fill_f32(k, g, LINES * g_line, 1.0f, false);
    for (size_t i = 0; i < taps * cols; i++)
        w[i] = 1;
    for (size_t c = 0; c < cols; c++)
        sums[c] = 1;
    for (size_t t = 0; t < runs; t++)
        offsets[t] = (ptrdiff_t)mx_rng_below(&k->rng, 41);
    const mx_tile_slopes slopes = {LINES, pixels, runs, length, cols, x, offsets,
        (ptrdiff_t)line, (ptrdiff_t)step, g, (ptrdiff_t)g_line, w, sums, g};
    table->tile_slopes(&slopes);
    double worst = 0;
    for (size_t j = 0; j < (taps + 1) * cols; j++) {
        const size_t tap = j / cols, c = j % cols;
        double sum = 1, size = 1;
        for (size_t i = 0; i < n; i++) {
            const size_t l = i / pixels, r = i % pixels;
            const double slope = (double)g[l * g_line + r * cols + c];
            const double in =
                tap == taps ? 1
                            : (double)x[l * line + r * step +
                                        (size_t)offsets[tap / length] + tap % length];
            sum += slope * in;
            size += fabs(slope * in);
        }
        const double got = (double)(tap == taps ? sums[c] : w[j]);
        worst = fmax(worst, fabs(sum - got) / (size * sqrt((double)n)));
    }
    kcheck_true(k, worst <= 1e-6, "sums are near the exact ones");
    kcheck_release(k, x);
    kcheck_release(k, g);
    kcheck_release(k, w);
    kcheck_release(k, sums);
}

static void check_copy(kcheck *k, const mx_conv_kernels *table, size_t n)
{
    enum { ROWS = 3, GAP = 2 };
    const size_t size = ROWS * (n + GAP) - GAP;
    float *x = kcheck_buffer(ROWS * n, sizeof *x, mx_rng_below(&k->rng, 16));
    float *y = kcheck_buffer(size, sizeof *y, mx_rng_below(&k->rng, 16));
    float *want = kcheck_buffer(size, sizeof *want, 0);
    kcheck_fill_f32(k, x, ROWS * n, 1.0f, true);
    for (size_t i = 0; i < size; i++)
        want[i] = y[i] = -7;
    for (size_t i = 0; i < ROWS * n; i++)
        want[i / n * (n + GAP) + i % n] = x[i];
    table->copy_rows(ROWS, n, x, (ptrdiff_t)n, y, (ptrdiff_t)(n + GAP));
    kcheck_equal(k, want, y, size * sizeof *y);
    kcheck_release(k, x);
    kcheck_release(k, y);
    kcheck_release(k, want);
}

static void check_second(kcheck *k, const mx_conv_kernels *table, size_t n)
{
    float *x = kcheck_buffer(2 * n - 1, sizeof *x, mx_rng_below(&k->rng, 16));
    float *y = kcheck_buffer(n, sizeof *y, mx_rng_below(&k->rng, 16));
    float *want = kcheck_buffer(n, sizeof *want, 0);
    kcheck_fill_f32(k, x, 2 * n - 1, 1.0f, true);
    for (size_t i = 0; i < n; i++)
        want[i] = x[2 * i];
    table->every_second(n, x, y);
    kcheck_equal(k, want, y, n * sizeof *y);
    kcheck_release(k, x);
    kcheck_release(k, y);
    kcheck_release(k, want);
}

static void check_silu(kcheck *k, const mx_conv_kernels *table, size_t n, float scale)
{
    float *x = kcheck_buffer(n, sizeof *x, mx_rng_below(&k->rng, 16));
    float *y = kcheck_buffer(n, sizeof *y, mx_rng_below(&k->rng, 16));
    kcheck_fill_f32(k, x, n, scale, true);
    x[n / 2] = n % 4 == 0 ? -INFINITY : n % 4 == 1 ? INFINITY : x[n / 2];
    table->silu(n, x, y);
    double worst = 0;
    for (size_t i = 0; i < n; i++) {
        const double v = (double)x[i];
        const double want = v == -INFINITY ? 0 : v / (1 + exp(-v));
        const double error =
            isinf(want) ? (double)(want != (double)y[i]) : fabs(want - (double)y[i]);
        worst = fmax(worst, error / fmax(1, isinf(v) ? 1 : fabs(v)));
    }
    kcheck_true(k, worst <= 4e-7, "near the exact value");
    x[0] = NAN;
    table->silu(n, x, x);
    kcheck_true(k, isnan(x[0]), "NaN stays");
    kcheck_release(k, x);
    kcheck_release(k, y);
}

/* --- channels last ----------------------------------------------------------------- */

enum { MAX_RUNS = 9, MAX_CHANNELS = 70 };

static float *numbers(kcheck *k, size_t n, float scale)
{
    float *x = kcheck_buffer(n, sizeof *x, mx_rng_below(&k->rng, 16));
    kcheck_fill_f32(k, x, n, scale, false);
    return x;
}

static size_t padded(size_t n)
{
    return (n + MX_TILE_COLS - 1) / MX_TILE_COLS * MX_TILE_COLS;
}

/* The parts of an epilogue, some of them, or the shift alone; vectors for `channels`, a
 * residual of `n`. */
typedef struct finish {
    mx_tile_finish f;
    float *vectors[4], *residual;
} finish;

static finish make_finish(kcheck *k, size_t channels, size_t n)
{
    finish made = {.f = {.a = 0.2f, .b = 0.9f}};
    const float **const slots[4] = {
        &made.f.scale, &made.f.shift, &made.f.post_scale, &made.f.post_shift};
    const bool plain = mx_rng_below(&k->rng, 2);
    for (int i = 0; i < 4; i++) {
        const bool some = plain ? i == 1 : mx_rng_below(&k->rng, 2);
        if (i == 3 ? made.f.post_scale != NULL : some)
            *slots[i] = made.vectors[i] = numbers(k, padded(channels), 1.0f);
    }
    if (!plain && mx_rng_below(&k->rng, 2))
        made.f.residual = made.residual = numbers(k, n, 1.0f);
    made.f.activation = (mx_activation)mx_rng_below(&k->rng, MX_ACTIVATION_TANH);
    return made;
}

static void release_finish(kcheck *k, finish *made)
{
    for (int i = 0; i < 4; i++) {
        if (made->vectors[i])
            kcheck_release(k, made->vectors[i]);
    }
    if (made->residual)
        kcheck_release(k, made->residual);
}

static double activate(const mx_tile_finish *f, double x)
{
    switch (f->activation) {
    case MX_ACTIVATION_RELU:
        return fmax(x, 0);
    case MX_ACTIVATION_LEAKY_RELU:
        return x < 0 ? (double)f->a * x : x;
    case MX_ACTIVATION_CLIP:
        return fmin(fmax(x, (double)f->a), (double)f->b);
    case MX_ACTIVATION_SIGMOID:
        return 1 / (1 + exp(-x));
    case MX_ACTIVATION_SILU:
        return x / (1 + exp(-x));
    case MX_ACTIVATION_HARD_SWISH:
        return fmax(x, -3) * fmin(fmax(x / 6 + 0.5, 0), 1);
    default:
        return x;
    }
}

static double finished(const mx_tile_finish *f, size_t c, double sum, double residual)
{
    double x = sum * (f->scale ? (double)f->scale[c] : 1);
    x += (f->shift ? (double)f->shift[c] : 0) + residual;
    x = activate(f, x);
    return f->post_scale ? x * (double)f->post_scale[c] + (double)f->post_shift[c] : x;
}

/* Nearness of all numbers together, relative to the largest of them, or sum. */
typedef struct near {
    double worst, scale;
} near;

static void compare(near *n, double want, float got)
{
    const double error = fabs(want - (double)got);
    n->worst = isnan(got) ? INFINITY : fmax(n->worst, error);
    n->scale = fmax(n->scale, fabs(want));
}

static void check_near(kcheck *k, const near *n, double relative)
{
    kcheck_true(k, n->worst <= relative * fmax(n->scale, 1), "near the exact numbers");
}

static void check_tile(kcheck *k, const mx_conv_kernels *table, bool even)
{
    const int rows = 1 + (int)mx_rng_below(&k->rng, even ? 40 : MX_TILE_ROWS);
    const int cols = mx_rng_below(&k->rng, 2)
                         ? table->cols
                         : 1 + (int)mx_rng_below(&k->rng, (uint32_t)table->cols);
    const size_t runs = 1 + mx_rng_below(&k->rng, MAX_RUNS);
    const size_t length = 1 + mx_rng_below(&k->rng, MAX_CHANNELS);
    const ptrdiff_t y_row = cols + (ptrdiff_t)mx_rng_below(&k->rng, 5);
    const size_t y_size = (size_t)(rows - 1) * (size_t)y_row + (size_t)cols;
    const ptrdiff_t step = (ptrdiff_t)mx_rng_below(&k->rng, 9);
    const size_t room = length + 200 + (size_t)(rows * step);
    float *plane = numbers(k, room, 1.0f),
          *w = numbers(k, runs * length * (size_t)table->cols, 1);
    float *y = kcheck_buffer(y_size, sizeof *y, mx_rng_below(&k->rng, 16));
    const float *x[MAX_RUNS * MX_TILE_ROWS];
    ptrdiff_t offsets[MAX_RUNS];
    finish made = make_finish(k, (size_t)cols, y_size);
    for (size_t t = 0; t < runs; t++) {
        offsets[t] = (ptrdiff_t)mx_rng_below(&k->rng, 200);
        for (int r = 0; r < MX_TILE_ROWS; r++)
            x[t * MX_TILE_ROWS + (size_t)r] =
                plane + (even ? 0 : mx_rng_below(&k->rng, 200));
    }
    const mx_conv_tile tile = {
        rows, cols, runs, length, x, even ? offsets : NULL, step, w, y, y_row, made.f};
    table->tile(&tile);
    near all = {0};
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < cols; c++) {
            double sum = 0;
            for (size_t t = 0; t < runs; t++)
                for (size_t i = 0; i < length; i++) {
                    const float *p = even ? plane + r * step + offsets[t]
                                          : x[t * MX_TILE_ROWS + (size_t)r];
                    sum += (double)p[i] *
                           (double)w[(t * length + i) * (size_t)table->cols + (size_t)c];
                }
            const ptrdiff_t at = r * y_row + c;
            const double add = made.residual ? (double)made.residual[at] : 0;
            compare(&all, finished(&made.f, (size_t)c, sum, add), y[at]);
            all.scale = fmax(all.scale, fabs(sum));
        }
    check_near(k, &all, 4e-6);
    release_finish(k, &made);
    kcheck_release(k, plane);
    kcheck_release(k, w);
    kcheck_release(k, y);
}

static void check_add_pairs(kcheck *k, const mx_conv_kernels *table, size_t n)
{
    float *a = numbers(k, n, 1.0f), *b = numbers(k, n, 1.0f);
    float *y = numbers(k, 2 * n, 1.0f), want[2 * MAX_N];
    for (size_t i = 0; i < 2 * n; i++)
        want[i] = y[i] + (i % 2 ? b : a)[i / 2];
    table->add_pairs(n, a, b, y);
    kcheck_true(k, memcmp(want, y, 2 * n * sizeof *y) == 0, "bit-equal");
    kcheck_release(k, a);
    kcheck_release(k, b);
    kcheck_release(k, y);
}

/* Lines of windows of 3, and the numbers and weights that F(2, 3) makes of them. */
static void check_pairs(kcheck *k, const mx_conv_kernels *table, int rows, bool whole)
{
    const int cols =
        whole ? table->cols : 1 + (int)mx_rng_below(&k->rng, (uint32_t)table->cols);
    const size_t runs = 1 + mx_rng_below(&k->rng, MAX_RUNS), width = (size_t)table->cols;
    const size_t n = (size_t)(rows + 1) / 2,
                 room = (n + MX_CONV_LANES - 1) / MX_CONV_LANES * MX_CONV_LANES;
    const size_t line = 2 * room + 2, v_step = room + mx_rng_below(&k->rng, 5);
    float *x = numbers(k, runs * line, 1.0f), *w = numbers(k, runs * 3 * width, 1.0f);
    float *v = kcheck_buffer(runs * 4 * v_step, sizeof *v, mx_rng_below(&k->rng, 16));
    float *u = kcheck_buffer(runs * 4 * width, sizeof *u, 0);
    const size_t y_size = (size_t)rows * (size_t)cols;
    float *y = kcheck_buffer(y_size, sizeof *y, mx_rng_below(&k->rng, 16));
    finish made = make_finish(k, (size_t)cols, y_size);
    ptrdiff_t offsets[MAX_RUNS];
    const float *first = v;
    for (size_t t = 0; t < runs; t++) {
        offsets[t] = (ptrdiff_t)(t * 4 * v_step);
        table->pair_line(n, x + t * line, v + offsets[t], (ptrdiff_t)v_step);
        for (size_t c = 0; c < width; c++) {
            const float *g = w + t * 3 * width + c, *d = x + t * line;
            float *to = u + t * 4 * width + c;
            to[0] = g[0];
            to[width] = (g[0] + g[width] + g[2 * width]) / 2;
            to[2 * width] = (g[0] - g[width] + g[2 * width]) / 2;
            to[3 * width] = g[2 * width];
            const size_t q = c % n;
            const float want[4] = {d[2 * q] - d[2 * q + 2], d[2 * q + 1] + d[2 * q + 2],
                d[2 * q + 2] - d[2 * q + 1], d[2 * q + 1] - d[2 * q + 3]};
            for (size_t j = 0; j < 4; j++)
                kcheck_true(
                    k, v[(size_t)offsets[t] + j * v_step + q] == want[j], "equal");
        }
    }
    const mx_conv_tile tile = {
        rows, cols, runs, 4, &first, offsets, (ptrdiff_t)v_step, u, y, cols, made.f};
    table->pairs(&tile);
    near all = {0};
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < cols; c++) {
            double sum = 0;
            for (size_t t = 0; t < runs * 3; t++)
                sum += (double)x[t / 3 * line + (size_t)r + t % 3] *
                       (double)w[t * width + (size_t)c];
            const int at = r * cols + c;
            const double add = made.residual ? (double)made.residual[at] : 0;
            compare(&all, finished(&made.f, (size_t)c, sum, add), y[at]);
            all.scale = fmax(all.scale, fabs(sum));
        }
    check_near(k, &all, 4e-6);
    release_finish(k, &made);
    kcheck_release(k, x);
    kcheck_release(k, w);
    kcheck_release(k, v);
    kcheck_release(k, u);
    kcheck_release(k, y);
}

static void check_depth(
    kcheck *k, const mx_conv_kernels *table, size_t channels, bool even)
{
    const ptrdiff_t step = (ptrdiff_t)mx_rng_below(&k->rng, 9);
    ptrdiff_t offsets[MAX_RUNS];
    const int rows = 1 + (int)mx_rng_below(&k->rng, MX_TILE_ROWS);
    const size_t taps = 1 + mx_rng_below(&k->rng, MAX_RUNS), w_row = padded(channels);
    const size_t y_size = (size_t)rows * channels;
    float *plane = numbers(k, channels + 300, 1.0f), *w = numbers(k, taps * w_row, 1.0f);
    float *y = kcheck_buffer(y_size, sizeof *y, mx_rng_below(&k->rng, 16));
    const float *x[MAX_RUNS * MX_TILE_ROWS];
    finish made = make_finish(k, channels, y_size);
    for (size_t t = 0; t < taps * MX_TILE_ROWS; t++)
        x[t] = plane + mx_rng_below(&k->rng, 200);
    for (size_t t = 0; t < taps; t++)
        offsets[t] = (ptrdiff_t)mx_rng_below(&k->rng, 200);
    x[0] = even ? plane : x[0];
    const mx_depth_tile tile = {rows, channels, taps, x, even ? offsets : NULL, step, w,
        (ptrdiff_t)w_row, y, (ptrdiff_t)channels, made.f};
    table->depth(&tile);
    near all = {0};
    for (int r = 0; r < rows; r++)
        for (size_t c = 0; c < channels; c++) {
            double sum = 0;
            for (size_t t = 0; t < taps; t++) {
                const float *p = even ? plane + r * step + offsets[t]
                                      : x[t * MX_TILE_ROWS + (size_t)r];
                sum += (double)p[c] * (double)w[t * w_row + c];
            }
            const size_t at = (size_t)r * channels + c;
            const double add = made.residual ? (double)made.residual[at] : 0;
            compare(&all, finished(&made.f, c, sum, add), y[at]);
            all.scale = fmax(all.scale, fabs(sum));
        }
    check_near(k, &all, 1e-6);
    release_finish(k, &made);
    kcheck_release(k, plane);
    kcheck_release(k, w);
    kcheck_release(k, y);
}

static void check_pool(kcheck *k, const mx_conv_kernels *table, size_t channels, bool max)
{
    const size_t outputs = 1 + mx_rng_below(&k->rng, 3), size = outputs * channels;
    float *x = numbers(k, channels + 220, 1.0f);
    float *y = kcheck_buffer(size, sizeof *y, mx_rng_below(&k->rng, 16));
    float *want = kcheck_buffer(size, sizeof *want, 0);
    mx_pool_window t = {outputs, channels, 13, max, 0.3f, x, {0}, {50, 20, 9}, y};
    for (int i = 0; i < 3; i++)
        t.n[i] = (int64_t)mx_rng_below(&k->rng, 4);
    if (max)
        x[mx_rng_below(&k->rng, (uint32_t)channels)] = NAN;
    for (size_t at = 0; at < size; at++) {
        float sum = max ? -INFINITY : 0;
        for (int64_t i = 0; i < t.n[0]; i++)
            for (int64_t j = 0; j < t.n[1]; j++)
                for (int64_t l = 0; l < t.n[2]; l++) {
                    const size_t place = at / channels * 13 + at % channels;
                    const float v = x[(size_t)(i * 50 + j * 20 + l * 9) + place];
                    sum = !max ? sum + v : isnan(sum) || isnan(v) ? NAN : fmaxf(sum, v);
                }
        want[at] = max ? sum : sum * 0.3f;
    }
    table->pool(&t);
    kcheck_equal(k, want, y, size * sizeof *y);
    kcheck_release(k, x);
    kcheck_release(k, y);
    kcheck_release(k, want);
}

static const double b_transposed[6][6] = {{4, 0, -5, 0, 1, 0}, {0, -4, -4, 1, 1, 0},
    {0, 4, -4, -1, 1, 0}, {0, -2, -1, 2, 1, 0}, {0, 2, -1, -2, 1, 0},
    {0, 4, 0, -5, 0, 1}};
static const double a_transposed[4][6] = {
    {1, 1, 1, 1, 1, 0}, {0, 1, -1, 2, -2, 0}, {0, 1, 1, 4, 4, 0}, {0, 1, -1, 8, -8, 1}};

static void check_winograd_in(kcheck *k, const mx_conv_kernels *table, size_t channels)
{
    float *plane = numbers(k, channels + 300, 1.0f);
    const size_t step = channels + 5;
    float *v = kcheck_buffer(35 * step + channels, sizeof *v, mx_rng_below(&k->rng, 16));
    const float *x[MX_WINOGRAD_IN];
    for (int i = 0; i < MX_WINOGRAD_IN; i++)
        x[i] = plane + mx_rng_below(&k->rng, 300);
    const mx_winograd_in t = {channels, x, v, (ptrdiff_t)step};
    table->winograd_in(&t);
    near all = {0};
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < 6; j++)
            for (size_t c = 0; c < channels; c++) {
                double sum = 0;
                for (int p = 0; p < 6; p++)
                    for (int q = 0; q < 6; q++)
                        sum += b_transposed[i][p] * (double)x[p * 6 + q][c] *
                               b_transposed[j][q];
                compare(&all, sum, v[(size_t)(i * 6 + j) * step + c]);
            }
    check_near(k, &all, 1e-6);
    kcheck_release(k, plane);
    kcheck_release(k, v);
}

static void check_winograd_out(kcheck *k, const mx_conv_kernels *table, size_t channels)
{
    const size_t step = channels + 5, size = MX_WINOGRAD_OUT * channels;
    float *m = numbers(k, 35 * step + channels, 1.0f);
    float *outputs = kcheck_buffer(size, sizeof *outputs, mx_rng_below(&k->rng, 16));
    float *y[MX_WINOGRAD_OUT];
    const float *residual[MX_WINOGRAD_OUT];
    finish made = make_finish(k, channels, size);
    for (size_t i = 0; i < MX_WINOGRAD_OUT; i++) {
        y[i] = mx_rng_below(&k->rng, 5) ? outputs + i * channels : NULL;
        residual[i] = made.residual + i * channels;
    }
    mx_winograd_out t = {
        channels, m, (ptrdiff_t)step, y, made.residual ? residual : NULL, made.f};
    t.finish.residual = NULL;
    table->winograd_out(&t);
    near all = {0};
    for (int i = 0; i < MX_WINOGRAD_OUT; i++)
        for (size_t c = 0; c < channels && y[i]; c++) {
            double sum = 0;
            for (int p = 0; p < 6; p++)
                for (int q = 0; q < 6; q++)
                    sum += a_transposed[i / 4][p] *
                           (double)m[(size_t)(p * 6 + q) * step + c] *
                           a_transposed[i % 4][q];
            const double add = made.residual ? (double)residual[i][c] : 0;
            compare(&all, finished(&made.f, c, sum, add), y[i][c]);
            all.scale = fmax(all.scale, fabs(sum));
        }
    check_near(k, &all, 4e-6);
    release_finish(k, &made);
    kcheck_release(k, m);
    kcheck_release(k, outputs);
}

static void check_rows(kcheck *k, const mx_conv_kernels *table, size_t channels)
{
    const size_t rows = 1 + mx_rng_below(&k->rng, 40), n = rows * channels;
    float *x = numbers(k, n, 1.0f), *a = numbers(k, channels, 1.0f);
    float *g = numbers(k, n, 1.0f), *b = numbers(k, rows, 1.0f);
    float *sum = kcheck_buffer(rows, sizeof *sum, 1),
          *max = kcheck_buffer(rows, sizeof *max, 2);
    float *y = kcheck_buffer(n, sizeof *y, mx_rng_below(&k->rng, 16));
    const float *factors = mx_rng_below(&k->rng, 2) ? a : NULL;
    const float *places = !factors || mx_rng_below(&k->rng, 2) ? b : NULL;
    near sums = {0}, tops = {0}, products = {0}, gated = {0};
    table->row_stats(rows, channels, x, factors, sum, max);
    table->row_gate(rows, channels, x, factors, places, y);
    for (size_t r = 0; r < rows; r++) {
        double total = 0, top = -INFINITY;
        for (size_t c = 0; c < channels; c++) {
            const double v =
                (double)x[r * channels + c] * (factors ? (double)factors[c] : 1);
            total += v;
            top = fmax(top, v);
            compare(&products, v * (places ? (double)places[r] : 1), y[r * channels + c]);
        }
        compare(&sums, total, sum[r]);
        compare(&tops, top, max[r]);
    }
    table->row_gates(rows, channels, x, g, (ptrdiff_t)channels, a, 0, b, 0.5f, y);
    for (size_t i = 0; i < n; i++)
        compare(&gated,
            (double)x[i] * 0.5 *
                ((double)g[i] + (double)a[i % channels] + (double)b[i / channels]),
            y[i]);
    check_near(k, &sums, 1e-6);
    check_near(k, &tops, 1e-7);
    check_near(k, &products, 3e-7);
    check_near(k, &gated, 3e-7);
    x[n / 2] = NAN;
    table->row_stats(rows, channels, x, NULL, sum, max);
    kcheck_true(k, isnan(max[n / 2 / channels]), "NaN is found");
    float *const buffers[] = {x, a, g, b, sum, max, y};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        kcheck_release(k, buffers[i]);
}

/* --- infinities and NaN through the finishes ---------------------------------------- */

static void check_special(kcheck *k, const mx_tile_finish *f, float x, float got)
{
    const double v = (double)x;
    const bool is_limit = x == -INFINITY && f->activation == MX_ACTIVATION_SILU;
    const double want = isnan(x) ? NAN : is_limit ? 0 : activate(f, v);
    kcheck_true(k,
        isnan(want)   ? isnan(got)
        : isinf(want) ? (double)got == want
                      : fabs((double)got - want) <= 4e-7 * fmax(1, fabs(want)),
        "the limits at infinity, and NaN for NaN");
}

/* Sums of 0 with infinities and others as shifts or residual. */
static void check_specials(
    kcheck *k, const mx_conv_kernels *table, mx_activation activation, bool as_residual)
{
    enum { N = 2 * MX_TILE_COLS + 3, LANES = N / MX_CONV_LANES * MX_CONV_LANES };
    static const float specials[] = {-INFINITY, 1, INFINITY, NAN, -2, -0.0f, 40};
    float x[N + MX_TILE_COLS], y[N], outs[MX_WINOGRAD_OUT][LANES];
    static const float zeros[MX_WINOGRAD_IN * N];
    const float *pointers[MX_TILE_ROWS], *residual[MX_WINOGRAD_OUT];
    float *to[MX_WINOGRAD_OUT];
    const int cols = table->cols - (as_residual ? 3 : 0);
    mx_tile_finish f = {.activation = activation, .a = 0.2f, .b = 0.9f};
    f.shift = as_residual ? NULL : x;
    f.residual = as_residual ? x : NULL;
    for (int i = 0; i < N + MX_TILE_COLS; i++)
        x[i] = specials[i % 7];
    for (int i = 0; i < MX_TILE_ROWS; i++)
        pointers[i] = zeros;
    const mx_conv_tile tile = {1, cols, 1, 1, pointers, NULL, 0, zeros, y, N, f};
    table->tile(&tile);
    for (int i = 0; i < cols; i++)
        check_special(k, &f, x[i], y[i]);
    const mx_depth_tile depth = {1, N, 1, pointers, NULL, 0, zeros, N, y, N, f};
    table->depth(&depth);
    for (int i = 0; i < N; i++)
        check_special(k, &f, x[i], y[i]);
    for (int i = 0; i < MX_WINOGRAD_OUT; i++) {
        to[i] = outs[i];
        residual[i] = x;
    }
    f.residual = NULL;
    const mx_winograd_out t = {LANES, zeros, N, to, as_residual ? residual : NULL, f};
    table->winograd_out(&t);
    for (int i = 0; i < MX_WINOGRAD_OUT * LANES; i++)
        check_special(k, &f, x[i % LANES], outs[i / LANES][i % LANES]);
}

static void check_last(kcheck *k, const mx_conv_kernels *table)
{
    kcheck_slot(k, "tile");
    for (int i = 0; i < 300; i++)
        check_tile(k, table, i % 2);
    kcheck_slot(k, "pairs");
    for (int rows = 1; rows <= MAX_N; rows++)
        check_pairs(k, table, rows, rows % 2);
    for (int rows = 1; rows <= 40; rows++)
        check_pairs(k, table, rows, rows % 2 == 0);
    kcheck_slot(k, "depth");
    for (size_t n = 1; n <= MAX_N; n++)
        check_depth(k, table, n, n % 2);
    for (size_t n = 128; n <= MAX_N; n++)
        check_depth(k, table, n, n % 2 == 0);
    kcheck_slot(k, "pool");
    for (size_t n = 1; n <= MAX_N; n++)
        check_pool(k, table, n, n % 2);
    kcheck_slot(k, "winograd_in");
    for (size_t n = MX_CONV_LANES; n <= MAX_N; n += MX_CONV_LANES)
        check_winograd_in(k, table, n);
    kcheck_slot(k, "winograd_out");
    for (size_t n = MX_CONV_LANES; n <= MAX_N; n += MX_CONV_LANES)
        for (int i = 0; i < 8; i++)
            check_winograd_out(k, table, n);
    kcheck_slot(k, "tile, depth and winograd_out at infinity");
    for (int i = 0; i < 2 * MX_ACTIVATION_TANH; i++)
        check_specials(k, table, (mx_activation)(i / 2), i % 2);
    kcheck_slot(k, "row_stats, row_gate, row_gates");
    for (size_t n = 1; n <= MAX_N; n++)
        check_rows(k, table, n);
}

typedef struct job {
    float plane[130 * 130], y[MX_CONV_ROWS * 2048], w[MX_CONV_ROWS * 9];
    const float *x[9];
    int rows;
} job;

static void run_job(void *arg, uint32_t cpu)
{
    job *j = arg;
    mx_conv_kernels table;
    mx_conv_kernels_init(&table, cpu);
    const mx_conv_block block = {2000, 9, j->rows, j->x, 0, j->w, 9, j->y, 2048};
    table.taps(&block);
}

static void run_tile(void *arg, uint32_t cpu)
{
    job *j = arg;
    mx_conv_kernels table;
    mx_conv_kernels_init(&table, cpu);
    static const ptrdiff_t offsets[9] = {0, 64, 128, 768, 832, 896, 1536, 1600, 1664};
    const mx_conv_tile tile = {12, table.cols, 9, 16, j->x, offsets, 16, j->plane, j->y,
        32, {.activation = MX_ACTIVATION_RELU}};
    for (int i = 0; i < 10; i++)
        table.tile(&tile);
}

static void time_blocks(kcheck *k)
{
    job *j = calloc(1, sizeof *j);
    for (int t = 0; j && t < 9; t++)
        j->x[t] = j->plane + t / 3 * 114 + t % 3;
    for (int rows = 1; j && rows <= MX_CONV_ROWS; rows += MX_CONV_ROWS - 1) {
        j->rows = rows;
        kcheck_slot(k, rows == 1 ? "taps, 1 row, 9 taps" : "taps, 4 rows, 9 taps");
        kcheck_time(k, run_job, j);
    }
    kcheck_slot(k, "tile, 10 of 12 x 32 x 144");
    if (j)
        kcheck_time(k, run_tile, j);
    free(j);
}

void kcheck_table(kcheck *k)
{
    mx_conv_kernels table;
    mx_conv_kernels_init(&table, k->cpu);
    kcheck_slot(k, "taps");
    for (size_t n = 1; n <= MAX_N; n++)
        check_block(k, &table, n, 1 + mx_rng_below(&k->rng, MAX_TAPS),
            1 + (int)mx_rng_below(&k->rng, MX_CONV_ROWS));
    for (int rows = 1; rows <= MX_CONV_ROWS; rows++) {
        check_block(k, &table, 700, 9, rows);
        check_block(k, &table, 77, MAX_TAPS, rows);
    }
    kcheck_slot(k, "slopes");
    for (size_t n = 1; n <= MAX_N; n++)
        check_slopes(k, &table, n, 1 + mx_rng_below(&k->rng, MAX_TAPS),
            1 + (int)mx_rng_below(&k->rng, MX_CONV_ROWS));
    kcheck_slot(k, "copy_rows");
    for (size_t n = 1; n <= MAX_N; n++)
        check_copy(k, &table, n);
    kcheck_slot(k, "every_second");
    for (size_t n = 1; n <= MAX_N; n++)
        check_second(k, &table, n);
    kcheck_slot(k, "add_pairs");
    for (size_t n = 1; n <= MAX_N; n++)
        check_add_pairs(k, &table, n);
    kcheck_slot(k, "silu");
    for (size_t n = 1; n <= MAX_N; n++)
        check_silu(k, &table, n, n % 3 == 0 ? 1.0f : n % 3 == 1 ? 10.0f : 100.0f);
    check_last(k, &table);
    kcheck_slot(k, "tile_slopes");
    check_tile_slopes(k, &table, 30, 3, 9);
    for (size_t n = 1; n <= MAX_N; n++)
        check_tile_slopes(
            k, &table, 1 + n % 20, 1 + mx_rng_below(&k->rng, 4), n % 50 + 1);
    if (k->bench)
        time_blocks(k);
}
