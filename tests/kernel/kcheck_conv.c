/* SPDX-License-Identifier: MIT */
/* Sums over taps against sums in double; the selection of every second number. */
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
    kcheck_slot(k, "every_second");
    for (size_t n = 1; n <= MAX_N; n++)
        check_second(k, &table, n);
    kcheck_slot(k, "silu");
    for (size_t n = 1; n <= MAX_N; n++)
        check_silu(k, &table, n, n % 3 == 0 ? 1.0f : n % 3 == 1 ? 10.0f : 100.0f);
    if (k->bench)
        time_blocks(k);
}
