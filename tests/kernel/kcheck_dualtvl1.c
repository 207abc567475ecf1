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

static float sorted_median(const mx_dualtvl1_median *m, int side, int y, int x)
{
    float values[25];
    const int reach = side / 2;
    for (int i = 0; i < side; i++)
        memcpy(values + i * side, mx_dualtvl1_median_row(m, y + i - reach) + x - reach,
            (size_t)side * sizeof *values);
    qsort(values, (size_t)(side * side), sizeof *values, by_value);
    return values[side * side / 2];
}

/* A plane to be filtered, into state rows of its own. */
typedef struct filtering {
    mx_dualtvl1_median m;
    float *plane;
    float *rows;
    size_t n_row_floats;
} filtering;

static filtering make_filtering(int width, int height, size_t offset)
{
    filtering f = {.n_row_floats = (size_t)mx_tvl1_row_floats(width) * (size_t)height};
    const size_t stride = (size_t)(width + 15) / 16 * 16 + 4;
    f.plane = kcheck_buffer(stride * (size_t)height, sizeof *f.plane, offset);
    f.rows = kcheck_buffer(f.n_row_floats, sizeof *f.rows, 0);
    f.m = (mx_dualtvl1_median){f.plane + 2, (ptrdiff_t)stride, f.rows,
        mx_tvl1_row_floats(width), MX_TVL1_U2, width, height};
    return f;
}

static void release_filtering(kcheck *k, const filtering *f)
{
    kcheck_release(k, f->plane);
    kcheck_release(k, f->rows);
}

typedef void median_fn(const mx_dualtvl1_median *median, int first, int end);

/* In two parts, as two threads do. Nothing but the field's columns may change. */
static void filter(kcheck *k, median_fn *median, const filtering *f, int cut)
{
    for (size_t i = 0; i < f->n_row_floats; i++)
        f->rows[i] = i % MX_TVL1_BLOCK / MX_TVL1_LANES == MX_TVL1_U2 ? 0.0f : (float)i;
    median(&f->m, 0, cut);
    median(&f->m, cut, f->m.height);
    for (size_t i = 0; i < f->n_row_floats; i++) {
        const size_t column =
            i % (size_t)f->m.row_floats / MX_TVL1_BLOCK * MX_TVL1_LANES +
            i % MX_TVL1_LANES;
        if (i % MX_TVL1_BLOCK / MX_TVL1_LANES != MX_TVL1_U2)
            kcheck_true(k, f->rows[i] == (float)i, "another field is written");
        else if (column >= (size_t)f->m.width)
            kcheck_true(k, f->rows[i] == 0, "written right of the picture");
    }
}

static void check_median(kcheck *k, int side, median_fn *plain, median_fn *fast,
    const filtering *f, const filtering *g)
{
    const int cut = f->m.height / 2;
    kcheck_slot(k, side == 5 ? "median5" : "median3");
    filter(k, plain, f, cut);
    filter(k, fast, g, cut);
    kcheck_equal(k, f->rows, g->rows, f->n_row_floats * sizeof *f->rows);
    for (int y = 0; y < f->m.height; y++)
        for (int x = 0; x < f->m.width; x++)
            kcheck_true(k,
                *mx_dualtvl1_median_place(&f->m, y, x) ==
                    sorted_median(&f->m, side, y, x),
                "not the median");
}

/* With few different values as well, where equal ones meet, and zeros of both signs. */
static void check_medians(kcheck *k, const tables *t, int width, int height)
{
    const filtering f = make_filtering(width, height, (size_t)width % 5);
    const filtering g = make_filtering(width, height, (size_t)width % 3);
    const size_t n = (size_t)f.m.stride * (size_t)height;
    kcheck_fill_f32(k, f.plane, n, 3.0f, width % 2);
    for (size_t i = 0; width % 3 == 0 && i < n; i++)
        f.plane[i] = (float)(int)mx_rng_below(&k->rng, 4) * (i % 2 ? 1.0f : -1.0f);
    memcpy(g.plane, f.plane, n * sizeof *f.plane);
    check_median(k, 5, t->plain.median5, t->fast.median5, &f, &g);
    check_median(k, 3, t->plain.median3, t->fast.median3, &f, &g);
    release_filtering(k, &f);
    release_filtering(k, &g);
}

/* Zeros and ones, which decide for all inputs. */
static void check_zero_one(kcheck *k, const tables *t)
{
    const filtering f = make_filtering(512, 256, 0);
    const size_t n = (size_t)f.m.stride * (size_t)f.m.height;
    kcheck_slot(k, "median5");
    for (size_t i = 0; i < n; i++)
        f.plane[i] = (float)mx_rng_below(&k->rng, 2);
    t->fast.median5(&f.m, 0, f.m.height);
    int n_wrong = 0;
    for (int y = 0; y < f.m.height; y++) {
        for (int x = 0; x < f.m.width; x++) {
            int sum = 0;
            for (int i = 0; i < 25; i++)
                sum += mx_dualtvl1_median_row(&f.m, y + i / 5 - 2)[x + i % 5 - 2] != 0;
            n_wrong += *mx_dualtvl1_median_place(&f.m, y, x) != (float)(sum > 12);
        }
    }
    kcheck_true(k, n_wrong == 0, "not the median");
    release_filtering(k, &f);
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
    filtering filtering;
} timing;

static void run_median5(void *arg, uint32_t cpu)
{
    const timing *t = arg;
    (cpu ? &t->tables.fast : &t->tables.plain)->median5(&t->filtering.m, 0, 64);
}

static void time_slots(kcheck *k, const tables *t)
{
    timing job = {*t, make_filtering(128, 64, 0)};
    kcheck_fill_f32(
        k, job.filtering.plane, (size_t)job.filtering.m.stride * 64, 1.0f, false);
    kcheck_slot(k, "median5 of 128 x 64");
    kcheck_time(k, run_median5, &job);
    release_filtering(k, &job.filtering);
}

void kcheck_table(kcheck *k)
{
    tables t;
    mx_dualtvl1_kernels_init(&t.plain, 0);
    mx_dualtvl1_kernels_init(&t.fast, k->cpu);
    check_zero_one(k, &t);
    for (int n = 1; n <= MOST; n++) {
        check_medians(k, &t, n, 1 + n % 9);
        check_gradient(k, &t, n, (size_t)n % 3);
        check_warp(k, &t, n, n % 2 ? 0.4f : 5.0f);
    }
    time_slots(k, &t);
}
