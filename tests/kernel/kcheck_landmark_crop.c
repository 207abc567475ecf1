/* SPDX-License-Identifier: MIT */
/* Loops of cutting faces out: bit-equal to plain C. */
#include "kcheck.h"

#include "kernel/landmark_crop_kernel.h"

enum { MOST = 130, FACTORS = 5, SIDE = 64 };

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

static void check_halve(kcheck *k, const mx_landmark_crop_kernels *plain,
    const mx_landmark_crop_kernels *fast, int n, size_t offset)
{
    float *a = kcheck_buffer(2 * (size_t)n, sizeof *a, offset);
    float *b = kcheck_buffer(2 * (size_t)n, sizeof *b, 0);
    float *expected = kcheck_buffer((size_t)n, sizeof *expected, 0);
    float *got = kcheck_buffer((size_t)n, sizeof *got, offset);
    kcheck_fill_f32(k, a, 2 * (size_t)n, 255.0f, true);
    kcheck_fill_f32(k, b, 2 * (size_t)n, 255.0f, true);
    kcheck_slot(k, "halve");
    plain->halve(n, a, b, expected);
    fast->halve(n, a, b, got);
    kcheck_equal(k, expected, got, (size_t)n * sizeof *got);
    float *const buffers[] = {a, b, expected, got};
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
    kcheck_fill_f32(k, expected, (size_t)n, 255.0f, false);
    for (int i = 0; i < n; i++)
        got[i] = expected[i];
    kcheck_slot(k, "line");
    plain->line(n, &line, 0.75f, 0.3f, expected);
    fast->line(n, &line, 0.75f, 0.3f, got);
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
    kernels.line(SIDE, &line, 0.0f, 1.0f, t->out);
}

void kcheck_table(kcheck *k)
{
    static timing t;
    mx_landmark_crop_kernels plain, fast;
    mx_landmark_crop_kernels_init(&plain, 0);
    mx_landmark_crop_kernels_init(&fast, k->cpu);
    for (int n = 1; n <= MOST; n++) {
        const size_t offset = (size_t)n % 5;
        check_add_row(k, &plain, &fast, n, offset);
        for (int level = 0; level < FACTORS; level++)
            check_fold(k, &plain, &fast, n, 1 << level, offset);
        check_halve(k, &plain, &fast, n, offset);
        check_line(k, &plain, &fast, n, offset);
    }
    if (k->bench) {
        kcheck_slot(k, "line of 64");
        kcheck_time(k, run_line, &t);
    }
}
