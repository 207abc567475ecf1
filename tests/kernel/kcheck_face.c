/* SPDX-License-Identifier: MIT */
/* The loops of the search for faces: bit-equal to plain C. */
#include "kcheck.h"

#include "kernel/face_kernel.h"

enum { MOST = 130, LONG = 4096 };

static void check_pictures(kcheck *k, const mx_face_kernels *plain,
    const mx_face_kernels *fast, size_t n, size_t offset)
{
    uint8_t *a = kcheck_buffer(2 * n, 1, offset), *b = kcheck_buffer(2 * n, 1, 0);
    uint8_t *expected = kcheck_buffer(n, 1, 0), *got = kcheck_buffer(n, 1, offset);
    kcheck_fill_u8(k, a, 2 * n);
    kcheck_fill_u8(k, b, 2 * n);
    kcheck_slot(k, "halve");
    plain->halve(expected, a, b, n);
    fast->halve(got, a, b, n);
    kcheck_equal(k, expected, got, n);
    uint16_t *x = kcheck_buffer(n, sizeof *x, 0),
             *y = kcheck_buffer(n, sizeof *y, offset);
    kcheck_slot(k, "blend");
    for (int t = 0; t <= 256; t += 32) {
        plain->blend(x, a, b, t, n);
        fast->blend(y, a, b, t, n);
        kcheck_equal(k, x, y, n * sizeof *x);
    }
    uint8_t *const buffers[] = {a, b, expected, got};
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++)
        kcheck_release(k, buffers[i]);
    kcheck_release(k, x);
    kcheck_release(k, y);
}

static void check_pick(kcheck *k, const mx_face_kernels *plain,
    const mx_face_kernels *fast, size_t n, size_t offset)
{
    uint16_t *in = kcheck_buffer(n + 1, sizeof *in, offset);
    uint16_t *t = kcheck_buffer(n, sizeof *t, offset);
    int32_t *first = kcheck_buffer(n, sizeof *first, offset);
    uint8_t *expected = kcheck_buffer(n, 1, 0), *got = kcheck_buffer(n, 1, offset);
    kcheck_slot(k, "pick");
    for (size_t i = 0; i <= n; i++)
        in[i] = (uint16_t)(i == 0 ? 65280 : mx_rng_below(&k->rng, 65281));
    for (size_t i = 0; i < n; i++) {
        first[i] = (int32_t)mx_rng_below(&k->rng, (uint32_t)n);
        t[i] = (uint16_t)mx_rng_below(&k->rng, 257);
    }
    plain->pick(expected, in, first, t, n);
    fast->pick(got, in, first, t, n);
    kcheck_equal(k, expected, got, n);
    kcheck_release(k, in);
    kcheck_release(k, t);
    kcheck_release(k, first);
    kcheck_release(k, expected);
    kcheck_release(k, got);
}

static void check_fern(kcheck *k, const mx_face_kernels *plain,
    const mx_face_kernels *fast, size_t n, size_t offset)
{
    uint8_t *buffers[2 * MX_FERN_DEPTH];
    const uint8_t *pixels[2 * MX_FERN_DEPTH];
    int8_t leaves[MX_FERN_LEAVES];
    int16_t *expected = kcheck_buffer(n, sizeof *expected, 0);
    int16_t *got = kcheck_buffer(n, sizeof *got, offset);
    for (int j = 0; j < 2 * MX_FERN_DEPTH; j++) {
        buffers[j] = kcheck_buffer(n, 1, (offset + (size_t)j) % 64);
        kcheck_fill_u8(k, buffers[j], n);
        pixels[j] = buffers[j];
    }
    kcheck_slot(k, "fern");
    kcheck_fill_u8(k, (uint8_t *)leaves, sizeof leaves);
    for (size_t i = 0; i < n; i++)
        expected[i] = got[i] = (int16_t)(mx_rng_below(&k->rng, 20000) - 10000);
    plain->fern(expected, pixels, leaves, n);
    fast->fern(got, pixels, leaves, n);
    kcheck_equal(k, expected, got, n * sizeof *got);
    for (int j = 0; j < 2 * MX_FERN_DEPTH; j++)
        kcheck_release(k, buffers[j]);
    kcheck_release(k, expected);
    kcheck_release(k, got);
}

typedef struct row {
    uint8_t *pixels, *out;
    uint16_t *blended, *weights;
    int32_t *first;
    int16_t *scores;
    int8_t leaves[MX_FERN_LEAVES];
} row;

static void run_fern(void *arg, uint32_t cpu)
{
    row *r = arg;
    mx_face_kernels kernels;
    const uint8_t *pixels[2 * MX_FERN_DEPTH];
    mx_face_kernels_init(&kernels, cpu);
    for (int j = 0; j < 2 * MX_FERN_DEPTH; j++)
        pixels[j] = r->pixels + 7 * j;
    kernels.fern(r->scores, pixels, r->leaves, LONG);
}

static void run_halve(void *arg, uint32_t cpu)
{
    row *r = arg;
    mx_face_kernels kernels;
    mx_face_kernels_init(&kernels, cpu);
    kernels.halve(r->out, r->pixels, r->pixels + 2 * LONG, LONG);
}

static void run_blend(void *arg, uint32_t cpu)
{
    row *r = arg;
    mx_face_kernels kernels;
    mx_face_kernels_init(&kernels, cpu);
    kernels.blend(r->blended, r->pixels, r->pixels + LONG, 77, LONG);
}

static void run_pick(void *arg, uint32_t cpu)
{
    row *r = arg;
    mx_face_kernels kernels;
    mx_face_kernels_init(&kernels, cpu);
    kernels.pick(r->out, r->blended, r->first, r->weights, LONG / 2);
}

static void time_slots(kcheck *k)
{
    row r = {kcheck_buffer(4 * LONG, 1, 0), kcheck_buffer(LONG, 1, 0),
        kcheck_buffer(LONG, sizeof(uint16_t), 0),
        kcheck_buffer(LONG, sizeof(uint16_t), 0), kcheck_buffer(LONG, sizeof(int32_t), 0),
        kcheck_buffer(LONG, sizeof(int16_t), 0), {1, -1}};
    kcheck_fill_u8(k, r.pixels, 4 * LONG);
    for (int i = 0; i < LONG; i++) {
        r.first[i] = i * 3 / 2 % (LONG - 1);
        r.weights[i] = (uint16_t)(i % 257);
        r.scores[i] = 0;
    }
    kcheck_slot(k, "fern");
    kcheck_time(k, run_fern, &r);
    kcheck_slot(k, "halve");
    kcheck_time(k, run_halve, &r);
    kcheck_slot(k, "blend");
    kcheck_time(k, run_blend, &r);
    kcheck_slot(k, "pick");
    kcheck_time(k, run_pick, &r);
    void *const buffers[] = {r.pixels, r.out, r.blended, r.weights, r.first, r.scores};
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++)
        kcheck_release(k, buffers[i]);
}

void kcheck_table(kcheck *k)
{
    mx_face_kernels plain, fast;
    mx_face_kernels_init(&plain, 0);
    mx_face_kernels_init(&fast, k->cpu);
    for (size_t n = 1; n <= MOST; n++) {
        check_pictures(k, &plain, &fast, n, n % 5);
        check_pick(k, &plain, &fast, n, n % 5);
        check_fern(k, &plain, &fast, n, n % 5);
    }
    check_fern(k, &plain, &fast, 3 * 128 + 1, 3);
    if (k->bench)
        time_slots(k);
}
