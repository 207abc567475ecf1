/* SPDX-License-Identifier: MIT */
/* Loops of training: bit-equal to plain C. */
#include "kcheck.h"

#include <math.h>
#include <string.h>

#include "kernel/train_kernel.h"

enum { MOST = 130, MAX_TAPS = 4, MAX_STRIDE = 4, MAX_STEP = 2 };

typedef struct buffers {
    float *x, *y, *expected, *got;
    int32_t *at, *more_at;
    uint8_t *taken, *more_taken;
} buffers;

/* The longest a pool reads for n results. */
static size_t span(size_t n)
{
    return n * MAX_STRIDE + MAX_TAPS * MAX_STEP;
}

static void fill(kcheck *k, buffers *b, size_t n, size_t offset)
{
    b->x = kcheck_buffer(span(n), sizeof(float), offset);
    b->y = kcheck_buffer(span(n), sizeof(float), 0);
    b->expected = kcheck_buffer(n, sizeof(float), 0);
    b->got = kcheck_buffer(n, sizeof(float), offset);
    b->at = kcheck_buffer(span(n), sizeof(int32_t), offset);
    b->more_at = kcheck_buffer(span(n), sizeof(int32_t), 0);
    b->taken = kcheck_buffer(n, 1, offset);
    b->more_taken = kcheck_buffer(n, 1, 0);
    kcheck_fill_f32(k, b->x, span(n), 2.0f, true);
    kcheck_fill_f32(k, b->y, span(n), 2.0f, true);
    for (size_t i = 0; i < span(n); i++) {
        b->at[i] = b->more_at[i] = (int32_t)mx_rng_below(&k->rng, 99);
        if (mx_rng_below(&k->rng, 3) == 0) /* equals */
            b->x[i] = b->y[i] = 0.5f;
    }
    for (size_t i = 0; i < n; i++)
        b->taken[i] = b->more_taken[i] = mx_rng_below(&k->rng, 2) != 0;
}

static void release(kcheck *k, buffers *b)
{
    void *const all[] = {
        b->x, b->y, b->expected, b->got, b->at, b->more_at, b->taken, b->more_taken};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        kcheck_release(k, all[i]);
}

static void check_elements(kcheck *k, const mx_train_kernels *plain,
    const mx_train_kernels *fast, const buffers *b, size_t n)
{
    double sums[2][2];
    kcheck_slot(k, "gate");
    plain->gate(n, b->x, b->y, b->expected);
    fast->gate(n, b->x, b->y, b->got);
    kcheck_equal(k, b->expected, b->got, n * sizeof(float));
    kcheck_slot(k, "normal_slope");
    plain->normal_slope(n, b->x, b->y, 1.5f, -0.3f, 0.7f, b->expected);
    fast->normal_slope(n, b->x, b->y, 1.5f, -0.3f, 0.7f, b->got);
    kcheck_equal(k, b->expected, b->got, n * sizeof(float));
    kcheck_slot(k, "drop");
    const uint64_t seed = mx_rng_u64(&k->rng);
    plain->drop(n, b->x, seed, 77, 0x60000000u, 1.6f, b->expected);
    fast->drop(n, b->x, seed, 77, 0x60000000u, 1.6f, b->got);
    kcheck_equal(k, b->expected, b->got, n * sizeof(float));
    kcheck_slot(k, "claim");
    plain->claim(n, b->x, b->y, b->y, b->taken, b->expected);
    fast->claim(n, b->x, b->y, b->y, b->more_taken, b->got);
    kcheck_equal(k, b->expected, b->got, n * sizeof(float));
    kcheck_equal(k, b->taken, b->more_taken, n);
    kcheck_slot(k, "normal_sums");
    for (size_t i = 0; i < n; i++) {
        b->expected[i] = isfinite(b->x[i]) ? b->x[i] : 1;
        b->got[i] = isfinite(b->y[i]) ? b->y[i] : 2;
    }
    plain->normal_sums(n, b->expected, b->got, 0.25f, sums[0]);
    fast->normal_sums(n, b->expected, b->got, 0.25f, sums[1]);
    kcheck_equal(k, sums[0], sums[1], sizeof sums[0]);
}

/* Down a window and along it: values and where they were. */
static void check_pools(kcheck *k, const mx_train_kernels *plain,
    const mx_train_kernels *fast, const buffers *b, size_t n)
{
    const size_t taps = 1 + mx_rng_below(&k->rng, MAX_TAPS);
    const size_t stride = 1 + mx_rng_below(&k->rng, MAX_STRIDE);
    const size_t step = 1 + mx_rng_below(&k->rng, MAX_STEP);
    int32_t *expected = kcheck_buffer(n, sizeof *expected, 0);
    int32_t *got = kcheck_buffer(n, sizeof *got, n % 5);
    kcheck_slot(k, "most_along");
    plain->most_along(n, taps, stride, step, b->y, b->at, b->expected, expected);
    fast->most_along(n, taps, stride, step, b->y, b->at, b->got, got);
    kcheck_equal(k, b->expected, b->got, n * sizeof(float));
    kcheck_equal(k, expected, got, n * sizeof *got);
    kcheck_slot(k, "most");
    memcpy(b->expected, b->y, n * sizeof(float));
    memcpy(b->got, b->y, n * sizeof(float));
    memcpy(expected, b->at, n * sizeof *got);
    memcpy(got, b->at, n * sizeof *got);
    plain->most(n, b->x, 1000, b->expected, expected);
    fast->most(n, b->x, 1000, b->got, got);
    kcheck_equal(k, b->expected, b->got, n * sizeof(float));
    kcheck_equal(k, expected, got, n * sizeof *got);
    kcheck_release(k, expected);
    kcheck_release(k, got);
}

void kcheck_table(kcheck *k)
{
    mx_train_kernels plain, fast;
    mx_train_kernels_init(&plain, 0);
    mx_train_kernels_init(&fast, k->cpu);
    for (size_t n = 1; n <= MOST; n++) {
        buffers b;
        fill(k, &b, n, n % 5);
        check_elements(k, &plain, &fast, &b, n);
        check_pools(k, &plain, &fast, &b, n);
        release(k, &b);
    }
}
