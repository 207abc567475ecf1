/* SPDX-License-Identifier: MIT */
/* Farnebäck's flow: every slot bit-equal to plain C; window sums against plain addition.
 */
#include "kcheck.h"

#include <math.h>
#include <string.h>

#include "kernel/farneback_kernel.h"

enum { MOST = 130, PLANES = MX_FARNEBACK_PLANES, N = 5, ROOM = MX_FARNEBACK_LANES + N };

typedef struct tables {
    mx_farneback_kernels plain, fast;
} tables;

static size_t padded(int n)
{
    return (size_t)(n + MX_FARNEBACK_LANES - 1) / MX_FARNEBACK_LANES * MX_FARNEBACK_LANES;
}

static void compare_lines(
    kcheck *k, float *const *expected, float *const *got, int n_lines, int n)
{
    for (int i = 0; i < n_lines; i++)
        kcheck_equal(k, expected[i], got[i], (size_t)n * sizeof(float));
}

static void new_lines(float **lines, int n_lines, int n, size_t offset)
{
    for (int i = 0; i < n_lines; i++)
        lines[i] = kcheck_buffer(padded(n), sizeof(float), offset);
}

static void release_lines(kcheck *k, float *const *lines, int n_lines)
{
    for (int i = 0; i < n_lines; i++)
        kcheck_release(k, lines[i]);
}

static void check_expansion(kcheck *k, const tables *t, int n, size_t offset)
{
    static const float g[N + 1] = {0.33f, 0.23f, 0.08f, 0.015f, 0.0013f, 0.0001f};
    static const float xg[N + 1] = {0, 0.23f, 0.16f, 0.045f, 0.0052f, 0.0005f};
    static const float xxg[N + 1] = {0, 0.23f, 0.32f, 0.135f, 0.0208f, 0.0025f};
    const mx_farneback_fit fit = {N, g, xg, xxg, 0.7f, -0.35f, 0.24f, 0.48f};
    float *lines[2 * N + 1], *expected[PLANES], *got[PLANES];
    const float *rows[2 * N + 1], *moments[3];
    for (int i = 0; i <= 2 * N; i++) {
        lines[i] = kcheck_buffer(padded(n) + 2 * ROOM, sizeof(float), offset);
        kcheck_fill_f32(k, lines[i], padded(n) + 2 * ROOM, 100.0f, false);
        rows[i] = lines[i] + ROOM;
    }
    new_lines(expected, PLANES, n, 0);
    new_lines(got, PLANES, n, offset);
    kcheck_slot(k, "moments");
    t->plain.moments(expected, rows + N, &fit, n);
    t->fast.moments(got, rows + N, &fit, n);
    compare_lines(k, expected, got, 3, n);
    kcheck_slot(k, "expand");
    memcpy(moments, rows, sizeof moments);
    t->plain.expand(expected, moments, &fit, n);
    t->fast.expand(got, moments, &fit, n);
    compare_lines(k, expected, got, PLANES, n);
    release_lines(k, lines, 2 * N + 1);
    release_lines(k, expected, PLANES);
    release_lines(k, got, PLANES);
}

/* Displacements from a fraction of a pixel to far out of the picture. */
static void fill_flow(kcheck *k, float *plane, size_t n, float scale)
{
    for (size_t i = 0; i < n; i++)
        plane[i] = scale * (float)mx_rng_normal(&k->rng) *
                   (mx_rng_below(&k->rng, 20) ? 1.0f : 1e6f);
}

static void check_matrices(kcheck *k, const tables *t, int width, float scale)
{
    const int height = 7;
    const size_t stride = padded(width + 1);
    const size_t n = stride * ((size_t)height + 1) + 2 * MX_FARNEBACK_GUARD;
    float *planes[2 * PLANES + 2], *expected[PLANES], *got[PLANES];
    float *border = kcheck_buffer(stride, sizeof *border, 0);
    kcheck_fill_f32(k, border, stride, 1.0f, false);
    mx_farneback_level level = {
        .border = border, .stride = (ptrdiff_t)stride, .width = width, .height = height};
    for (int i = 0; i < 2 * PLANES + 2; i++) {
        planes[i] = kcheck_buffer(n, sizeof(float), 0);
        if (i < 2 * PLANES)
            kcheck_fill_f32(k, planes[i], n, 5.0f, false);
        else
            fill_flow(k, planes[i], n, scale);
    }
    for (int i = 0; i < PLANES; i++) {
        level.first[i] = planes[i] + MX_FARNEBACK_GUARD;
        level.second[i] = planes[PLANES + i] + MX_FARNEBACK_GUARD;
    }
    level.u = planes[2 * PLANES] + MX_FARNEBACK_GUARD;
    level.v = planes[2 * PLANES + 1] + MX_FARNEBACK_GUARD;
    new_lines(expected, PLANES, width, 0);
    new_lines(got, PLANES, width, 3);
    kcheck_slot(k, "matrices");
    for (int y = 0; y < height; y++) {
        t->plain.matrices(expected, &level, y, 0.5f);
        t->fast.matrices(got, &level, y, 0.5f);
        compare_lines(k, expected, got, PLANES, width);
    }
    release_lines(k, planes, 2 * PLANES + 2);
    release_lines(k, expected, PLANES);
    release_lines(k, got, PLANES);
    kcheck_release(k, border);
}

static void check_window(kcheck *k, const tables *t, int length, int n, size_t offset)
{
    const size_t n_in = (size_t)(n + length - 1);
    double *in = kcheck_buffer(n_in, sizeof *in, offset);
    double *line = kcheck_buffer(n_in, sizeof *line, offset);
    double *expected = kcheck_buffer((size_t)n, sizeof *expected, 0);
    double *got = kcheck_buffer((size_t)n, sizeof *got, offset);
    for (size_t i = 0; i < n_in; i++)
        in[i] = mx_rng_normal(&k->rng);
    kcheck_slot(k, "window");
    memcpy(line, in, n_in * sizeof *in);
    t->plain.window(expected, line, length, n);
    memcpy(line, in, n_in * sizeof *in);
    t->fast.window(got, line, length, n);
    kcheck_equal(k, expected, got, (size_t)n * sizeof *got);
    for (int x = 0; x < n; x++) {
        double sum = 0;
        for (int i = 0; i < length; i++)
            sum += in[x + i];
        kcheck_true(k, fabs(sum - got[x]) < 1e-12 * length, "not the sum");
    }
    double *const buffers[] = {in, line, expected, got};
    for (int i = 0; i < 4; i++)
        kcheck_release(k, buffers[i]);
}

static void check_solve(kcheck *k, const tables *t, int n, size_t offset)
{
    double *sums[PLANES + 1];
    float *lines[PLANES], *flows[4];
    for (int i = 0; i <= PLANES; i++)
        sums[i] = kcheck_buffer((size_t)n, sizeof(double), offset);
    new_lines(lines, PLANES, n, offset);
    new_lines(flows, 4, n, offset);
    for (int i = 0; i < PLANES; i++) {
        kcheck_fill_f32(k, lines[i], (size_t)n, 100.0f, true);
        for (int x = 0; x < n; x++)
            sums[i][x] = sums[PLANES][x] = lines[i][x];
    }
    kcheck_slot(k, "solve");
    t->plain.solve(flows[0], flows[1], (const double *const *)sums, 1.0 / 225, n);
    t->fast.solve(flows[2], flows[3], (const double *const *)sums, 1.0 / 225, n);
    compare_lines(k, flows, flows + 2, 2, n);
    kcheck_slot(k, "solve_f32");
    t->plain.solve_f32(flows[0], flows[1], (const float *const *)lines, n);
    t->fast.solve_f32(flows[2], flows[3], (const float *const *)lines, n);
    compare_lines(k, flows, flows + 2, 2, n);
    for (int x = 0; x < n; x++)
        kcheck_true(
            k, fabsf(flows[2][x]) <= (float)MX_FARNEBACK_LONGEST, "out of bounds");
    kcheck_slot(k, "slide");
    t->plain.slide(sums[PLANES - 1], lines[0], lines[1], n);
    t->fast.slide(sums[PLANES], lines[0], lines[1], n);
    kcheck_equal(k, sums[PLANES - 1], sums[PLANES], (size_t)n * sizeof(double));
    release_lines(k, lines, PLANES);
    release_lines(k, flows, 4);
    for (int i = 0; i <= PLANES; i++)
        kcheck_release(k, sums[i]);
}

void kcheck_table(kcheck *k)
{
    tables t;
    mx_farneback_kernels_init(&t.plain, 0);
    mx_farneback_kernels_init(&t.fast, k->cpu);
    for (int n = 1; n <= MOST; n++) {
        check_expansion(k, &t, n, (size_t)n % 5);
        check_matrices(k, &t, n, n % 2 ? 0.4f : 5.0f);
        check_window(k, &t, 1 + n % 40, n, (size_t)n % 3);
        check_solve(k, &t, n, (size_t)n % 4);
    }
}
