/* SPDX-License-Identifier: MIT */
/* Bilinear scaling: bit-equal to plain C. */
#include "kcheck.h"

#include "kernel/linear_kernel.h"

enum { MOST = 130 };

static void check_size(kcheck *k, const mx_linear_kernels *plain,
    const mx_linear_kernels *fast, int n, size_t offset)
{
    float *a = kcheck_buffer((size_t)n + 1, sizeof *a, offset);
    float *b = kcheck_buffer((size_t)n + 1, sizeof *b, 0);
    float *t = kcheck_buffer((size_t)n, sizeof *t, offset);
    int32_t *first = kcheck_buffer((size_t)n, sizeof *first, offset);
    float *expected = kcheck_buffer((size_t)n, sizeof *expected, 0);
    float *got = kcheck_buffer((size_t)n, sizeof *got, offset);
    kcheck_fill_f32(k, a, (size_t)n + 1, 100.0f, true);
    kcheck_fill_f32(k, b, (size_t)n + 1, 100.0f, true);
    for (int i = 0; i < n; i++) {
        first[i] = (int32_t)mx_rng_below(&k->rng, (uint32_t)n);
        t[i] = (float)mx_rng_below(&k->rng, 1000) / 1000.0f;
    }
    kcheck_slot(k, "column");
    plain->column(expected, a, b, t[0], n);
    fast->column(got, a, b, t[0], n);
    kcheck_equal(k, expected, got, (size_t)n * sizeof *got);
    kcheck_slot(k, "row");
    plain->row(expected, a, first, t, 1.25f, n);
    fast->row(got, a, first, t, 1.25f, n);
    kcheck_equal(k, expected, got, (size_t)n * sizeof *got);
    float *const buffers[] = {a, b, t, (float *)first, expected, got};
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++)
        kcheck_release(k, buffers[i]);
}

void kcheck_table(kcheck *k)
{
    mx_linear_kernels plain, fast;
    mx_linear_kernels_init(&plain, 0);
    mx_linear_kernels_init(&fast, k->cpu);
    for (int n = 1; n <= MOST; n++)
        check_size(k, &plain, &fast, n, (size_t)n % 5);
}
