/* SPDX-License-Identifier: MIT */
/* Loops of training: bit-equal to plain C. */
#include "kcheck.h"

#include <math.h>
#include <stdlib.h>
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

/* --- channels last ------------------------------------------------------------------ */

enum { N_BY_LANE = 5 };

/* Rows of lanes: x and y given, made twice; numbers by lane. */
typedef struct rows {
    size_t n, lanes, offset;
    float *x, *y, *expected, *got;
    float *by_lane[N_BY_LANE];
} rows;

static rows make_rows(kcheck *k, size_t n, bool special)
{
    rows r = {.n = n, .lanes = (1 + mx_rng_below(&k->rng, 3)) * MX_TRAIN_ROW};
    float **const all[] = {&r.x, &r.y, &r.expected, &r.got};
    r.offset = mx_rng_below(&k->rng, 16);
    for (size_t i = 0; i < 4; i++) {
        *all[i] = kcheck_buffer(n * r.lanes, sizeof(float), (r.offset + i) % 16);
        kcheck_fill_f32(k, *all[i], n * r.lanes, 2.0f, special);
    }
    memcpy(r.got, r.expected, n * r.lanes * sizeof(float));
    for (size_t i = 0; i < N_BY_LANE; i++) {
        r.by_lane[i] = kcheck_buffer(r.lanes, sizeof(float), (r.offset + i) % 16);
        kcheck_fill_f32(k, r.by_lane[i], r.lanes, 1.0f, false);
    }
    return r;
}

static void release_rows(kcheck *k, rows *r)
{
    float *const all[] = {r->x, r->y, r->expected, r->got};
    for (size_t i = 0; i < 4; i++)
        kcheck_release(k, all[i]);
    for (size_t i = 0; i < N_BY_LANE; i++)
        kcheck_release(k, r->by_lane[i]);
}

static void same_rows(kcheck *k, const rows *r)
{
    kcheck_equal(k, r->expected, r->got, r->n * r->lanes * sizeof(float));
}

static void check_lines(
    kcheck *k, const mx_train_kernels *plain, const mx_train_kernels *fast, size_t n)
{
    rows r = make_rows(k, n, true);
    float *const *by = r.by_lane;
    for (int is_gated = 0; is_gated < 2; is_gated++) {
        kcheck_slot(k, "lane_line");
        plain->lane_line(n, r.lanes, r.x, by[0], by[1], is_gated, r.expected);
        fast->lane_line(n, r.lanes, r.x, by[0], by[1], is_gated, r.got);
        same_rows(k, &r);
        kcheck_slot(k, "lane_slope");
        plain->lane_slope(n, r.lanes, r.x, by[0], by[1], is_gated, r.expected);
        fast->lane_slope(n, r.lanes, r.x, by[0], by[1], is_gated, r.got);
        same_rows(k, &r);
    }
    kcheck_slot(k, "lane_gate");
    plain->lane_gate(n, r.lanes, r.x, by[0], by[1], r.y, by[2], r.expected);
    fast->lane_gate(n, r.lanes, r.x, by[0], by[1], r.y, by[2], r.got);
    same_rows(k, &r);
    release_rows(k, &r);
}

static void check_lane_sums(
    kcheck *k, const mx_train_kernels *plain, const mx_train_kernels *fast, size_t n)
{
    rows r = make_rows(k, n, false);
    float *const *by = r.by_lane;
    kcheck_slot(k, "lane_moments");
    plain->lane_moments(n, r.lanes, r.x, by[0], by[1]);
    fast->lane_moments(n, r.lanes, r.x, by[2], by[3]);
    kcheck_equal(k, by[0], by[2], r.lanes * sizeof(float));
    kcheck_equal(k, by[1], by[3], r.lanes * sizeof(float));
    for (size_t c = 0; c < r.lanes; c++) {
        double sum = 0, squares = 0;
        for (size_t i = 0; i < n; i++)
            sum += (double)r.x[i * r.lanes + c] / (double)n;
        for (size_t i = 0; i < n; i++)
            squares += pow((double)r.x[i * r.lanes + c] - sum, 2);
        kcheck_true(k, fabs(sum - (double)by[0][c]) < 1e-5, "the mean is right");
        kcheck_true(k, fabs(squares - (double)by[1][c]) < 1e-5 * (1 + squares),
            "the sum of squares is right");
    }
    kcheck_slot(k, "lane_sums");
    plain->lane_sums(n, r.lanes, r.x, r.y, by[4], by[0], by[1]);
    fast->lane_sums(n, r.lanes, r.x, r.y, by[4], by[2], by[3]);
    kcheck_equal(k, by[0], by[2], r.lanes * sizeof(float));
    kcheck_equal(k, by[1], by[3], r.lanes * sizeof(float));
    release_rows(k, &r);
}

/* A pool whose windows all have something inside. */
static mx_lane_pool draw_pool(kcheck *k, size_t lanes)
{
    mx_lane_pool p = {.lanes = lanes};
    for (int d = 0; d < 2; d++) {
        p.kernel[d] = 1 + mx_rng_below(&k->rng, 3);
        p.stride[d] = 1 + mx_rng_below(&k->rng, 3);
        p.before[d] = mx_rng_below(&k->rng, (uint32_t)p.kernel[d]);
        p.in[d] = p.kernel[d] + mx_rng_below(&k->rng, 6);
        p.out[d] = (p.in[d] + p.before[d] - p.kernel[d]) / p.stride[d] + 1;
    }
    return p;
}

static void check_lane_pool(
    kcheck *k, const mx_train_kernels *plain, const mx_train_kernels *fast)
{
    rows in = make_rows(k, 81, true);
    const mx_lane_pool p = draw_pool(k, in.lanes);
    const size_t n = (size_t)(p.out[0] * p.out[1]) * in.lanes;
    float *most[2] = {kcheck_buffer(n, sizeof(float), 0), kcheck_buffer(n, 4, 3)};
    int32_t *at[2] = {kcheck_buffer(n, sizeof(int32_t), 0), kcheck_buffer(n, 4, 5)};
    for (size_t c = 0; c < in.lanes; c++)
        in.by_lane[0][c] = mx_rng_below(&k->rng, 2) ? 1.0f : -1.0f;
    for (size_t i = 0; i < in.n * in.lanes; i++)
        in.x[i] = mx_rng_below(&k->rng, 4) ? in.x[i] : 0.5f; /* equals */
    kcheck_slot(k, "lane_most");
    plain->lane_most(&p, in.x, in.by_lane[0], most[0], at[0]);
    fast->lane_most(&p, in.x, in.by_lane[0], most[1], at[1]);
    kcheck_equal(k, most[0], most[1], n * sizeof(float));
    kcheck_equal(k, at[0], at[1], n * sizeof(int32_t));
    kcheck_slot(k, "lane_give");
    const ptrdiff_t line = (ptrdiff_t)((size_t)p.in[1] * in.lanes);
    plain->lane_give(&p, most[0], at[0], line, in.expected);
    fast->lane_give(&p, most[0], at[0], line, in.got);
    same_rows(k, &in);
    for (int i = 0; i < 2; i++) {
        kcheck_release(k, most[i]);
        kcheck_release(k, at[i]);
    }
    release_rows(k, &in);
}

/* --- optimisers --------------------------------------------------------------------- */

static void check_steps(
    kcheck *k, const mx_train_kernels *plain, const mx_train_kernels *fast, size_t n)
{
    const mx_train_rule rule = {
        0.7f, 0.01f, 0.99f, 0.9f, 0.1f, 0.999f, 0.001f, 1e-2f, 1.5f, 1e-8f, n % 2 == 0};
    float *x[2][4];
    for (size_t i = 0; i < 8; i++) {
        float *to = kcheck_buffer(n, sizeof(float), (n + i) % 7);
        x[i / 4][i % 4] = to;
        if (i < 4)
            kcheck_fill_f32(k, to, n, 1.0f, i != 2);
        else
            memcpy(to, x[0][i - 4], n * sizeof(float));
        for (size_t j = 0; i == 2 && j < n; j++)
            to[j] = to[j] * to[j];
    }
    kcheck_slot(k, "adam");
    plain->adam(&rule, n, x[0][0], x[0][1], x[0][2], x[0][3]);
    fast->adam(&rule, n, x[1][0], x[1][1], x[1][2], x[1][3]);
    for (int i = 1; i < 4; i++)
        kcheck_equal(k, x[0][i], x[1][i], n * sizeof(float));
    kcheck_slot(k, "sgd");
    plain->sgd(&rule, n, x[0][0], x[0][1], x[0][3]);
    fast->sgd(&rule, n, x[1][0], x[1][1], x[1][3]);
    kcheck_equal(k, x[0][1], x[1][1], n * sizeof(float));
    kcheck_equal(k, x[0][3], x[1][3], n * sizeof(float));
    kcheck_slot(k, "approach");
    plain->approach(n, 0.02f, x[0][3], x[0][1]);
    fast->approach(n, 0.02f, x[1][3], x[1][1]);
    kcheck_equal(k, x[0][1], x[1][1], n * sizeof(float));
    for (size_t i = 0; i < 8; i++)
        kcheck_release(k, x[i / 4][i % 4]);
}

/* Gates along an axis of any of the two kinds. */
static void check_gates(
    kcheck *k, const mx_train_kernels *plain, const mx_train_kernels *fast, size_t n)
{
    const mx_gate_shape s = {
        1 + mx_rng_below(&k->rng, 4), 1 + mx_rng_below(&k->rng, 40), 1 + n % 40, n & 1};
    const size_t floats = s.outer * s.n * s.inner, results = s.outer * s.inner;
    const size_t sizes[] = {floats, floats, results, results, results};
    float *x[2][5]; /* x, its gradient, largest, its gradient, mean or its gradient */
    for (int i = 0; i < 10; i++) {
        float **to = &x[i / 5][i % 5];
        *to = kcheck_buffer(sizes[i % 5], sizeof(float), i < 5 ? n % 5 : 0);
        kcheck_fill_f32(k, *to, sizes[i % 5], 1.0f, i == 0);
        if (i >= 5)
            memcpy(*to, x[0][i % 5], sizes[i % 5] * sizeof(float));
    }
    for (size_t i = 0; i < floats; i += 3) /* equals */
        x[0][0][i] = x[1][0][i] = 0.5f;
    const bool adds = mx_rng_below(&k->rng, 2);
    kcheck_slot(k, "gate_stats");
    plain->gate_stats(&s, x[0][0], x[0][2], x[0][4]);
    fast->gate_stats(&s, x[1][0], x[1][2], x[1][4]);
    kcheck_equal(k, x[0][2], x[1][2], results * sizeof(float));
    kcheck_equal(k, x[0][4], x[1][4], results * sizeof(float));
    kcheck_slot(k, "gate_give_stats");
    plain->gate_give_stats(&s, x[0][0], x[0][2], x[0][3], x[0][4], adds, x[0][1]);
    fast->gate_give_stats(&s, x[1][0], x[1][2], x[1][3], x[1][4], adds, x[1][1]);
    kcheck_equal(k, x[0][1], x[1][1], floats * sizeof(float));
    kcheck_slot(k, "gate_give");
    plain->gate_give(&s, x[0][0], x[0][3], x[0][0], adds, x[0][1], x[0][4]);
    fast->gate_give(&s, x[1][0], x[1][3], x[1][0], adds, x[1][1], x[1][4]);
    kcheck_equal(k, x[0][1], x[1][1], floats * sizeof(float));
    kcheck_equal(k, x[0][4], x[1][4], results * sizeof(float));
    plain->gate_give(&s, x[0][0], x[0][3], x[0][0], adds, NULL, x[0][2]);
    fast->gate_give(&s, x[1][0], x[1][3], x[1][0], adds, NULL, x[1][2]);
    kcheck_equal(k, x[0][2], x[1][2], results * sizeof(float));
    kcheck_slot(k, "gate_apply");
    plain->gate_apply(&s, x[0][0], x[0][3], x[0][1]);
    fast->gate_apply(&s, x[1][0], x[1][3], x[1][1]);
    kcheck_equal(k, x[0][1], x[1][1], floats * sizeof(float));
    for (int i = 0; i < 10; i++)
        kcheck_release(k, x[i / 5][i % 5]);
}

typedef struct step_job {
    float x[4][4096];
} step_job;

static void run_step(void *arg, uint32_t cpu)
{
    static const mx_train_rule rule = {
        1, 0, 1, 0.9f, 0.1f, 0.999f, 0.001f, 1e-5f, 1.5f, 1e-8f, false};
    step_job *j = arg;
    mx_train_kernels table;
    mx_train_kernels_init(&table, cpu);
    table.adam(&rule, 4096, j->x[0], j->x[1], j->x[2], j->x[3]);
}

static void time_steps(kcheck *k)
{
    step_job *j = calloc(1, sizeof *j);
    kcheck_slot(k, "adam, 4096 weights");
    for (int i = 0; j && i < 4096; i++)
        j->x[0][i] = 1 + (float)i;
    if (j)
        kcheck_time(k, run_step, j);
    free(j);
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
        check_lines(k, &plain, &fast, n);
        check_lane_sums(k, &plain, &fast, n);
        check_lane_pool(k, &plain, &fast);
        check_steps(k, &plain, &fast, n);
        check_gates(k, &plain, &fast, n);
    }
    if (k->bench)
        time_steps(k);
}
