/* SPDX-License-Identifier: MIT */
/* Loops of cutting faces out: bit-equal to plain C. */
#include "kcheck.h"

#include "kernel/landmark_crop_kernel.h"

enum { MOST = 130, FACTORS = 5, SIDE = 64 };

static void check_widen(kcheck *k, const mx_landmark_crop_kernels *plain,
    const mx_landmark_crop_kernels *fast, int n, size_t offset)
{
    uint8_t *row = kcheck_buffer((size_t)n, 1, offset);
    float *expected = kcheck_buffer((size_t)n, sizeof *expected, 0);
    float *got = kcheck_buffer((size_t)n, sizeof *got, offset);
    kcheck_fill_u8(k, row, (size_t)n);
    kcheck_slot(k, "widen");
    plain->widen(n, row, expected);
    fast->widen(n, row, got);
    kcheck_equal(k, expected, got, (size_t)n * sizeof *got);
    kcheck_release(k, row);
    kcheck_release(k, expected);
    kcheck_release(k, got);
}

static void check_add_row(kcheck *k, const mx_landmark_crop_kernels *plain,
    const mx_landmark_crop_kernels *fast, int n, size_t offset)
{
    uint8_t *row = kcheck_buffer((size_t)n, 1, offset);
    uint32_t *expected = kcheck_buffer((size_t)n, sizeof *expected, 0);
    uint32_t *got = kcheck_buffer((size_t)n, sizeof *got, offset);
    kcheck_fill_u8(k, row, (size_t)n);
    for (int i = 0; i < n; i++)
        expected[i] = got[i] = (uint32_t)mx_rng_u64(&k->rng);
    kcheck_slot(k, "add_row");
    plain->add_row(n, row, expected);
    fast->add_row(n, row, got);
    kcheck_equal(k, expected, got, (size_t)n * sizeof *got);
    kcheck_release(k, row);
    kcheck_release(k, expected);
    kcheck_release(k, got);
}

static void check_fold(kcheck *k, const mx_landmark_crop_kernels *plain,
    const mx_landmark_crop_kernels *fast, int n, int factor, size_t offset)
{
    const size_t n_sums = (size_t)n * (size_t)factor;
    uint32_t *sum = kcheck_buffer(n_sums, sizeof *sum, offset);
    float *expected = kcheck_buffer((size_t)n, sizeof *expected, 0);
    float *got = kcheck_buffer((size_t)n, sizeof *got, offset);
    for (size_t i = 0; i < n_sums; i++)
        sum[i] = mx_rng_below(&k->rng, 256u * (uint32_t)factor);
    kcheck_slot(k, "fold");
    plain->fold(n, factor, sum, 0.3f, expected);
    fast->fold(n, factor, sum, 0.3f, got);
    kcheck_equal(k, expected, got, (size_t)n * sizeof *got);
    kcheck_release(k, sum);
    kcheck_release(k, expected);
    kcheck_release(k, got);
}

static void check_smooth(kcheck *k, const mx_landmark_crop_kernels *plain,
    const mx_landmark_crop_kernels *fast, int n, int radius, ptrdiff_t step)
{
    const size_t around = (size_t)radius * (size_t)step;
    float *x = kcheck_buffer((size_t)n + 2 * around, sizeof *x, (size_t)n % 3);
    float *w = kcheck_buffer((size_t)radius + 1, sizeof *w, 0);
    float *expected = kcheck_buffer((size_t)n, sizeof *expected, 0);
    float *got = kcheck_buffer((size_t)n, sizeof *got, (size_t)n % 5);
    kcheck_fill_f32(k, x, (size_t)n + 2 * around, 255.0f, true);
    kcheck_fill_f32(k, w, (size_t)radius + 1, 1.0f, false);
    kcheck_slot(k, "smooth");
    plain->smooth(n, radius, w, step, x + around, expected);
    fast->smooth(n, radius, w, step, x + around, got);
    kcheck_equal(k, expected, got, (size_t)n * sizeof *got);
    float *const buffers[] = {x, w, expected, got};
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++)
        kcheck_release(k, buffers[i]);
}

/* A line from corner to corner, or back: its ends touch the last pixels. */
static void check_line(kcheck *k, const mx_landmark_crop_kernels *plain,
    const mx_landmark_crop_kernels *fast, int n, size_t offset)
{
    float *pixels = kcheck_buffer(SIDE * SIDE, sizeof *pixels, offset);
    float *expected = kcheck_buffer((size_t)n, sizeof *expected, 0);
    float *got = kcheck_buffer((size_t)n, sizeof *got, offset);
    const float last = (float)SIDE - 1.01f, step = last / (float)n;
    const mx_landmark_crop_line line =
        n % 2 ? (mx_landmark_crop_line){pixels, SIDE, 0.0f, last, step, -step}
              : (mx_landmark_crop_line){pixels, SIDE, last, 0.0f, -step, step};
    kcheck_fill_f32(k, pixels, SIDE * SIDE, 255.0f, false);
    kcheck_slot(k, "line");
    plain->line(n, &line, expected);
    fast->line(n, &line, got);
    kcheck_equal(k, expected, got, (size_t)n * sizeof *got);
    kcheck_release(k, pixels);
    kcheck_release(k, expected);
    kcheck_release(k, got);
}

typedef struct timing {
    float level[4 * SIDE * SIDE], out[SIDE];
} timing;

static void run_line(void *arg, uint32_t cpu)
{
    timing *t = arg;
    mx_landmark_crop_kernels kernels;
    mx_landmark_crop_kernels_init(&kernels, cpu);
    const mx_landmark_crop_line line = {t->level, 2 * SIDE, 1.0f, 9.0f, 1.5f, 0.4f};
    kernels.line(SIDE, &line, t->out);
}

static void run_smooth(void *arg, uint32_t cpu)
{
    timing *t = arg;
    static const float weights[] = {0.4f, 0.2f, 0.05f, 0.03f, 0.02f};
    mx_landmark_crop_kernels kernels;
    mx_landmark_crop_kernels_init(&kernels, cpu);
    kernels.smooth(
        180, 4, weights, 2 * SIDE, t->level + 8 * SIDE, t->level + 3 * SIDE * SIDE);
}

void kcheck_table(kcheck *k)
{
    static timing t;
    mx_landmark_crop_kernels plain, fast;
    mx_landmark_crop_kernels_init(&plain, 0);
    mx_landmark_crop_kernels_init(&fast, k->cpu);
    for (int n = 1; n <= MOST; n++) {
        const size_t offset = (size_t)n % 5;
        check_widen(k, &plain, &fast, n, offset);
        check_add_row(k, &plain, &fast, n, offset);
        for (int level = 0; level < FACTORS; level++)
            check_fold(k, &plain, &fast, n, 1 << level, offset);
        check_smooth(k, &plain, &fast, n, 1 + n % 6, n % 2 ? 1 : n + 7);
        check_line(k, &plain, &fast, n, offset);
    }
    if (k->bench) {
        kcheck_slot(k, "line of 64");
        kcheck_time(k, run_line, &t);
        kcheck_slot(k, "smooth 180 by 9");
        kcheck_time(k, run_smooth, &t);
    }
}
