/* SPDX-License-Identifier: MIT */
/* OpenCV's variant of TV-L1: every slot bit-equal to plain C; the medians of plain C
 * against sorting. */
#include "kcheck.h"

#include <stdlib.h>
#include <string.h>

#include "kernel/dualtvl1_kernel.h"

enum { MOST = 130 };

typedef struct tables {
    mx_dualtvl1_kernels plain, fast;
} tables;

/* --- medians ----------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static float sorted_median(const float *const *rows, int side, int x)
{
    float values[25];
    const int reach = side / 2;
    for (int i = 0; i < side; i++)
        memcpy(values + i * side, rows[i] + x - reach, (size_t)side * sizeof *values);
    qsort(values, (size_t)(side * side), sizeof *values, by_value);
    return values[side * side / 2];
}

/* With few different values as well, where equal ones meet. */
static void check_medians(kcheck *k, const tables *t, int n, size_t offset)
{
    const ptrdiff_t stride = n + 4;
    float *rows[5];
    for (int i = 0; i < 5; i++) {
        rows[i] = kcheck_buffer((size_t)stride, sizeof(float), offset);
        kcheck_fill_f32(k, rows[i], (size_t)stride, 3.0f, n % 2);
        for (int x = 0; n % 3 == 0 && x < stride; x++)
            rows[i][x] = (float)mx_rng_below(&k->rng, 4);
    }
    const float *middle[5];
    for (int i = 0; i < 5; i++)
        middle[i] = rows[i] + 2;
    float *lines = kcheck_buffer(5 * (size_t)stride, sizeof *lines, offset);
    float *expected = kcheck_buffer((size_t)n, sizeof *expected, 0);
    float *got = kcheck_buffer((size_t)n, sizeof *got, offset);
    kcheck_slot(k, "median5");
    t->plain.median5(expected, middle, lines, stride, n);
    t->fast.median5(got, middle, lines, stride, n);
    kcheck_equal(k, expected, got, (size_t)n * sizeof *got);
    for (int x = 0; x < n; x++)
        kcheck_true(k, got[x] == sorted_median(middle, 5, x), "not the median");
    kcheck_slot(k, "median3");
    t->plain.median3(expected, middle + 1, n);
    t->fast.median3(got, middle + 1, n);
    kcheck_equal(k, expected, got, (size_t)n * sizeof *got);
    for (int x = 0; x < n; x++)
        kcheck_true(k, got[x] == sorted_median(middle + 1, 3, x), "not the median");
    kcheck_release(k, lines);
    kcheck_release(k, expected);
    kcheck_release(k, got);
    for (int i = 0; i < 5; i++)
        kcheck_release(k, rows[i]);
}

/* Every input of zeros and ones, which decides for all inputs. */
static void check_all_zero_one(kcheck *k, const tables *t)
{
    enum { N = 1 << 12 };
    static float rows[5][N + 4], lines[5 * (N + 4)], out[N];
    const float *middle[5];
    kcheck_slot(k, "median5");
    for (int i = 0; i < 5; i++)
        middle[i] = rows[i] + 2;
    for (int turn = 0; turn < 32; turn++) {
        for (int i = 0; i < 5; i++)
            for (int x = 0; x < N + 4; x++)
                rows[i][x] = (float)mx_rng_below(&k->rng, 2);
        t->fast.median5(out, middle, lines, N + 4, N);
        for (int x = 0; x < N; x++) {
            int n = 0;
            for (int i = 0; i < 25; i++)
                n += rows[i / 5][x + i % 5] != 0;
            if (out[x] != (float)(n > 12))
                kcheck_true(k, false, "not the median");
        }
    }
    kcheck_true(k, true, "");
}

/* --- gradient and warp ------------------------------------------------------------- */

static void check_gradient(kcheck *k, const tables *t, int n, size_t offset)
{
    float *rows[3], *out[4];
    for (int i = 0; i < 3; i++) {
        rows[i] = kcheck_buffer((size_t)n, sizeof(float), offset);
        kcheck_fill_f32(k, rows[i], (size_t)n, 100.0f, true);
    }
    for (int i = 0; i < 4; i++)
        out[i] = kcheck_buffer((size_t)n, sizeof(float), offset);
    kcheck_slot(k, "gradient");
    t->plain.gradient(out[0], out[1], rows[0], rows[1], rows[2], n);
    t->fast.gradient(out[2], out[3], rows[0], rows[1], rows[2], n);
    kcheck_equal(k, out[0], out[2], (size_t)n * sizeof(float));
    kcheck_equal(k, out[1], out[3], (size_t)n * sizeof(float));
    for (int i = 0; i < 3; i++)
        kcheck_release(k, rows[i]);
    for (int i = 0; i < 4; i++)
        kcheck_release(k, out[i]);
}

/* A plane of the second picture within its zeros. */
static float *padded_plane(
    kcheck *k, ptrdiff_t stride, int width, int height, float **first)
{
    const size_t n =
        (size_t)stride * (size_t)(height + 2 * MX_DUALTVL1_PAD) + 2 * MX_TVL1_GUARD;
    float *plane = kcheck_buffer(n, sizeof *plane, 0);
    memset(plane, 0, n * sizeof *plane);
    *first = plane + MX_TVL1_GUARD + MX_DUALTVL1_PAD * stride;
    for (int y = 0; y < height; y++)
        kcheck_fill_f32(k, *first + y * stride, (size_t)width, 60.0f, false);
    return plane;
}

/* Displacements from a fraction of a pixel to far out of the picture. */
static void fill_flow(kcheck *k, float *row, int width, float scale)
{
    for (int x = 0; x < width; x++) {
        float *r = row + x / MX_TVL1_LANES * MX_TVL1_BLOCK + x % MX_TVL1_LANES;
        for (int i = 0; i < 2; i++) {
            const float far = mx_rng_below(&k->rng, 20) ? 1.0f : 1e30f;
            r[(MX_TVL1_U1 + i) * MX_TVL1_LANES] =
                scale * far * (float)mx_rng_normal(&k->rng);
        }
    }
}

static void check_warp(kcheck *k, const tables *t, int width, float scale)
{
    const int height = 9;
    const ptrdiff_t stride = width + MX_DUALTVL1_PAD;
    float *planes[3], *first[3];
    for (int i = 0; i < 3; i++)
        planes[i] = padded_plane(k, stride, width, height, &first[i]);
    const ptrdiff_t i0_stride = (width + 15) / 16 * 16;
    float *i0 = kcheck_buffer((size_t)i0_stride * (size_t)height, sizeof *i0, 0);
    kcheck_fill_f32(k, i0, (size_t)i0_stride * (size_t)height, 60.0f, false);
    const size_t row_floats = (size_t)mx_tvl1_row_floats(width);
    float *expected = kcheck_buffer(row_floats, sizeof *expected, 0);
    float *got = kcheck_buffer(row_floats, sizeof *got, 0);
    const mx_dualtvl1_warp warp = {i0, i0_stride, first[0], first[1], first[2], stride,
        width, height, 1.2f, 1 / 1.2f, 0.0375f};
    kcheck_slot(k, "warp");
    for (int y = 0; y < height; y++) {
        memset(expected, 0, row_floats * sizeof *expected);
        fill_flow(k, expected, width, scale);
        memcpy(got, expected, row_floats * sizeof *got);
        t->plain.warp(&warp, y, expected);
        t->fast.warp(&warp, y, got);
        kcheck_equal(k, expected, got, row_floats * sizeof *got);
    }
    for (int i = 0; i < 3; i++)
        kcheck_release(k, planes[i]);
    kcheck_release(k, i0);
    kcheck_release(k, expected);
    kcheck_release(k, got);
}

/* --- timing ------------------------------------------------------------------------ */

typedef struct timing {
    tables tables;
    float rows[5][1028], lines[5 * 1028], out[1024];
} timing;

static void run_median5(void *arg, uint32_t cpu)
{
    timing *t = arg;
    const float *rows[5];
    for (int i = 0; i < 5; i++)
        rows[i] = t->rows[i] + 2;
    (cpu ? &t->tables.fast : &t->tables.plain)
        ->median5(t->out, rows, t->lines, 1028, 1024);
}

static void time_slots(kcheck *k, const tables *t)
{
    static timing job;
    job.tables = *t;
    kcheck_fill_f32(k, job.rows[0], 5 * 1028, 1.0f, false);
    kcheck_slot(k, "median5 of 1024");
    kcheck_time(k, run_median5, &job);
}

void kcheck_table(kcheck *k)
{
    tables t;
    mx_dualtvl1_kernels_init(&t.plain, 0);
    mx_dualtvl1_kernels_init(&t.fast, k->cpu);
    check_all_zero_one(k, &t);
    for (int n = 1; n <= MOST; n++) {
        check_medians(k, &t, n, (size_t)n % 5);
        check_gradient(k, &t, n, (size_t)n % 3);
        check_warp(k, &t, n, n % 2 ? 0.4f : 5.0f);
    }
    time_slots(k, &t);
}
