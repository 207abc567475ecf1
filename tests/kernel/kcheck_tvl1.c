/* SPDX-License-Identifier: MIT */
/* The TV-L1 kernels: every slot bit-equal to plain C, at every width from 1 to 130. */
#include "kcheck.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "kernel/tvl1_kernel.h"

enum { MOST = 130, N_ROWS = 3 };

typedef struct tables {
    mx_tvl1_kernels plain, fast;
} tables;

/* --- rows of state ----------------------------------------------------------------- */

static float *field_at(float *row, int field, int x)
{
    return row + x / MX_TVL1_LANES * MX_TVL1_BLOCK + field * MX_TVL1_LANES +
           x % MX_TVL1_LANES;
}

/* N_ROWS rows of `width`: flow of `motion` units, |p| <= 1, unit gradients; some of it 0,
 * -0 or tiny. */
static float *state_buffer(kcheck *k, int width, float motion)
{
    const size_t n = N_ROWS * (size_t)mx_tvl1_row_floats(width);
    float *state = kcheck_buffer(n, sizeof *state, 0);
    memset(state, 0, n * sizeof *state);
    for (int y = 0; y < N_ROWS; y++) {
        float *row = state + y * mx_tvl1_row_floats(width);
        for (int x = 0; x < width; x++) {
            for (int f = 0; f < MX_TVL1_FIELDS; f++) {
                float value;
                kcheck_fill_f32(k, &value, 1, f <= MX_TVL1_U2 ? motion : 0.5f, false);
                const uint32_t odd = mx_rng_below(&k->rng, 24);
                if (odd < 3)
                    value = odd == 0 ? 0.0f : odd == 1 ? -0.0f : 1e-30f;
                if (f == MX_TVL1_G && value < 0)
                    value = -value;
                if ((f == MX_TVL1_P11 || f == MX_TVL1_P21) && x + 1 == width)
                    value = 0.0f;
                *field_at(row, f, x) = value;
            }
        }
    }
    return state;
}

static float *copy_of(const float *state, int width)
{
    const size_t n = N_ROWS * (size_t)mx_tvl1_row_floats(width);
    float *copy = kcheck_buffer(n, sizeof *copy, 0);
    memcpy(copy, state, n * sizeof *copy);
    return copy;
}

static void same_state(kcheck *k, float *expected, float *got, int width)
{
    kcheck_equal(
        k, expected, got, N_ROWS * (size_t)mx_tvl1_row_floats(width) * sizeof *got);
    kcheck_release(k, got);
    kcheck_release(k, expected);
}

static void check_iteration(kcheck *k, const tables *t)
{
    for (int width = 1; width <= MOST; width++) {
        const ptrdiff_t row = mx_tvl1_row_floats(width);
        for (int turn = 0; turn < 6; turn++) {
            float *a = state_buffer(k, width, 0.5f), *b = copy_of(a, width);
            float expected = 0, got = 0;
            if (turn == 0) {
                kcheck_slot(k, "primal");
                expected = t->plain.primal(a + row, a, width, 0.2f);
                got = t->fast.primal(b + row, b, width, 0.2f);
            } else if (turn == 1) {
                kcheck_slot(k, "step");
                expected = t->plain.step(a + row, a, width, 0.2f);
                got = t->fast.step(b + row, b, width, 0.2f);
            } else if (turn == 2) {
                kcheck_slot(k, "project_step");
                expected = t->plain.project_step(a + row, a, width, 0.2f);
                got = t->fast.project_step(b + row, b, width, 0.2f);
            } else if (turn == 3) {
                kcheck_slot(k, "project_dual");
                t->plain.project_dual(a + row, a + 2 * row, width);
                t->fast.project_dual(b + row, b + 2 * row, width);
            } else if (turn == 4) {
                kcheck_slot(k, "project_primal");
                expected = t->plain.project_primal(a + row, a, width, 0.2f);
                got = t->fast.project_primal(b + row, b, width, 0.2f);
            } else {
                kcheck_slot(k, "dual");
                t->plain.dual(a + row, a + 2 * row, width);
                t->fast.dual(b + row, b + 2 * row, width);
            }
            kcheck_equal(k, &expected, &got, sizeof got);
            same_state(k, a, b, width);
        }
    }
}

/* A pass that does primal and dual step must do what the two do. */
static void check_fusion(kcheck *k, const mx_tvl1_kernels *kernels)
{
    kcheck_slot(k, "step");
    for (int width = 1; width <= MOST; width += 7) {
        const ptrdiff_t row = mx_tvl1_row_floats(width);
        float *a = state_buffer(k, width, 0.5f), *b = copy_of(a, width);
        const float expected = kernels->primal(a + row, a, width, 0.25f);
        kernels->dual(a, a + row, width);
        const float got = kernels->step(b + row, b, width, 0.25f);
        kcheck_equal(k, &expected, &got, sizeof got);
        same_state(k, a, b, width);
    }
}

/* --- warp -------------------------------------------------------------------------- */

/* A plane of h rows with guards. */
static float *plane_buffer(kcheck *k, size_t n)
{
    float *plane = kcheck_buffer(n + 2 * MX_TVL1_GUARD, sizeof *plane, 0);
    kcheck_fill_f32(k, plane, n + 2 * MX_TVL1_GUARD, 60.0f, false);
    return plane + MX_TVL1_GUARD;
}

static void check_warp(kcheck *k, const tables *t, int width, float motion)
{
    enum { HEIGHT = 9 };
    const ptrdiff_t stride =
        (width + 2 + MX_TVL1_LANES - 1) / MX_TVL1_LANES * MX_TVL1_LANES;
    const size_t n = (size_t)stride * (HEIGHT + 2);
    float *planes[2] = {plane_buffer(k, n), plane_buffer(k, n)};
    if (mx_rng_below(&k->rng, 4) == 0) /* a flat picture: no gradient anywhere */
        memset(planes[1], 0, n * sizeof(float));
    const mx_tvl1_warp warp = {.i0 = planes[0] + stride,
        .i1 = planes[1] + stride,
        .plane_stride = stride,
        .width = width,
        .height = HEIGHT,
        .pixels = 1.2f,
        .units = 1 / 1.2f,
        .lambda_tau = 0.0375f};
    float *a = state_buffer(k, width, motion), *b = copy_of(a, width);
    for (int y = 0; y < N_ROWS; y++) {
        t->plain.warp(&warp, y + 2, a + y * mx_tvl1_row_floats(width));
        t->fast.warp(&warp, y + 2, b + y * mx_tvl1_row_floats(width));
    }
    same_state(k, a, b, width);
    for (int i = 0; i < 2; i++)
        kcheck_release(k, planes[i] - MX_TVL1_GUARD);
}

static void check_warps(kcheck *k, const tables *t)
{
    static const float motions[] = {0.0f, 0.3f, 2.0f, 40.0f, 1e12f};
    kcheck_slot(k, "warp");
    for (int width = 1; width <= MOST; width++) {
        for (int i = 0; i < 5; i++)
            check_warp(k, t, width, motions[i]);
    }
}

/* --- simple loops ------------------------------------------------------------------ */

enum { RADIUS = 7, SPAN = MOST + 2 * RADIUS };

typedef struct lines {
    float *rows[2 * RADIUS + 1];
    const float *views[2 * RADIUS + 1]; /* where the rows begin */
    float *expected, *got;
} lines;

static lines make_lines(kcheck *k, size_t shift)
{
    lines l;
    for (int i = 0; i <= 2 * RADIUS; i++) {
        l.rows[i] = kcheck_buffer(SPAN, sizeof(float), (shift + (size_t)i) % 16);
        kcheck_fill_f32(k, l.rows[i], SPAN, 100.0f, true);
        l.views[i] = l.rows[i] + RADIUS;
    }
    l.expected = kcheck_buffer(SPAN, sizeof(float), 0);
    l.got = kcheck_buffer(SPAN, sizeof(float), shift);
    return l;
}

static void same_line(kcheck *k, const lines *l)
{
    kcheck_equal(k, l->expected, l->got, SPAN * sizeof *l->got);
}

static void release_lines(kcheck *k, lines *l)
{
    for (int i = 0; i <= 2 * RADIUS; i++)
        kcheck_release(k, l->rows[i]);
    kcheck_release(k, l->expected);
    kcheck_release(k, l->got);
}

static void check_smoothing(kcheck *k, const tables *t, const lines *l, int n)
{
    static const float taps[RADIUS + 1] = {
        0.3f, 0.2f, 0.1f, 0.05f, 0.03f, 0.01f, 0.006f, 0.004f};
    const int radius = n % (RADIUS + 1);
    kcheck_slot(k, "smooth_row");
    t->plain.smooth_row(l->expected, l->views[0], taps, radius, n);
    t->fast.smooth_row(l->got, l->views[0], taps, radius, n);
    same_line(k, l);
    kcheck_slot(k, "smooth_column");
    t->plain.smooth_column(l->expected, l->views + RADIUS, taps, radius, n);
    t->fast.smooth_column(l->got, l->views + RADIUS, taps, radius, n);
    same_line(k, l);
}

static void check_filters(kcheck *k, const tables *t, const lines *l, int n)
{
    static const float taps[4] = {0.3f, 0.2f, 0.1f, 0.05f};
    kcheck_slot(k, "cubic_column");
    t->plain.cubic_column(l->expected, l->views, taps, n);
    t->fast.cubic_column(l->got, l->views, taps, n);
    same_line(k, l);
    kcheck_slot(k, "cubic_row");
    int32_t first[MOST];
    for (int i = 0; i < n; i++)
        first[i] = (int32_t)mx_rng_below(&k->rng, MOST + 2) - 1;
    t->plain.cubic_row(l->expected, l->views[0], first, l->views + 2, 1.7f, n);
    t->fast.cubic_row(l->got, l->views[0], first, l->views + 2, 1.7f, n);
    same_line(k, l);
    kcheck_slot(k, "normalise");
    t->plain.normalise(l->expected, l->views[0], -3.5, 171.25, n);
    t->fast.normalise(l->got, l->views[0], -3.5, 171.25, n);
    same_line(k, l);
}

/* Places that lie as in a picture that grows or shrinks. */
static void check_cubic_row(kcheck *k, const tables *t, const lines *l, int n)
{
    static const float steps[] = {0.25f, 0.5f, 1.0f, 1.25f, 2.0f, 2.25f, 5.0f};
    enum { LONGEST = 5 * MOST + 4 };
    float *line = kcheck_buffer(LONGEST, sizeof *line, (size_t)n % 16);
    int32_t first[MOST];
    kcheck_fill_f32(k, line, LONGEST, 100.0f, true);
    kcheck_slot(k, "cubic_row");
    for (size_t s = 0; s < sizeof steps / sizeof steps[0]; s++) {
        for (int i = 0; i < n; i++)
            first[i] = (int32_t)((float)i * steps[s]);
        t->plain.cubic_row(l->expected, line, first, l->views + 2, 0.3f, n);
        t->fast.cubic_row(l->got, line, first, l->views + 2, 0.3f, n);
        same_line(k, l);
    }
    kcheck_release(k, line);
}

static void check_range(kcheck *k, const tables *t, const lines *l, int n)
{
    static const float wrong[] = {NAN, INFINITY, -INFINITY};
    kcheck_slot(k, "range");
    float a[2], b[2];
    const int is_a = t->plain.range(l->views[0], (size_t)n, &a[0], &a[1]);
    const int is_b = t->fast.range(l->views[0], (size_t)n, &b[0], &b[1]);
    kcheck_true(k, is_a && is_b, "finite numbers");
    /* Equal as numbers: of 0 and -0 either may be found. */
    kcheck_true(k, a[0] == b[0] && a[1] == b[1], "range");
    float *x = l->rows[0] + RADIUS + mx_rng_below(&k->rng, (uint32_t)n);
    const float old = *x;
    *x = wrong[mx_rng_below(&k->rng, 3)];
    kcheck_true(k, !t->fast.range(l->views[0], (size_t)n, &b[0], &b[1]), "not finite");
    *x = old;
}

static void check_packing(kcheck *k, const tables *t, const lines *l, int n)
{
    float *a = state_buffer(k, n, 1.0f), *b = copy_of(a, n);
    kcheck_slot(k, "pack");
    t->plain.pack(a, l->views[0], MX_TVL1_U2, n);
    t->fast.pack(b, l->views[0], MX_TVL1_U2, n);
    kcheck_slot(k, "unpack");
    t->plain.unpack(l->expected, a, MX_TVL1_U2, 1.2f, n);
    t->fast.unpack(l->got, b, MX_TVL1_U2, 1.2f, n);
    same_line(k, l);
    same_state(k, a, b, n);
}

static void check_simple(kcheck *k, const tables *t)
{
    for (int n = 1; n <= MOST; n++) {
        lines l = make_lines(k, (size_t)n % 16);
        check_smoothing(k, t, &l, n);
        check_filters(k, t, &l, n);
        check_cubic_row(k, t, &l, n);
        check_range(k, t, &l, n);
        check_packing(k, t, &l, n);
        release_lines(k, &l);
    }
}

/* --- timing ------------------------------------------------------------------------ */

enum { BENCH_WIDTH = 224 };

typedef struct bench {
    float *state;
    mx_tvl1_warp warp;
    enum { BENCH_STEP, BENCH_PROJECT, BENCH_WARP } slot;
} bench;

static void run_bench(void *arg, uint32_t cpu)
{
    const bench *b = arg;
    const ptrdiff_t row = mx_tvl1_row_floats(BENCH_WIDTH);
    mx_tvl1_kernels table;
    mx_tvl1_kernels_init(&table, cpu);
    if (b->slot == BENCH_WARP)
        table.warp(&b->warp, 4, b->state + row);
    else
        (b->slot == BENCH_STEP ? table.step : table.project_step)(
            b->state + row, b->state, BENCH_WIDTH, 0.25f);
}

static void time_slots(kcheck *k)
{
    bench b = {.state = state_buffer(k, BENCH_WIDTH, 0.3f)};
    float *planes[2] = {
        plane_buffer(k, BENCH_WIDTH * 12), plane_buffer(k, BENCH_WIDTH * 12)};
    b.warp = (mx_tvl1_warp){planes[0] + BENCH_WIDTH * 3, planes[1] + BENCH_WIDTH * 3,
        BENCH_WIDTH, BENCH_WIDTH, 9, 1.2f, 1 / 1.2f, 0.0375f};
    for (int x = 0; x < BENCH_WIDTH; x++) { /* a smooth motion, as flow is */
        float *row = b.state + mx_tvl1_row_floats(BENCH_WIDTH);
        *field_at(row, MX_TVL1_U1, x) = 0.6f * sinf((float)x / 20);
        *field_at(row, MX_TVL1_U2, x) = 0.6f * cosf((float)x / 20);
    }
    kcheck_slot(k, "step (224 pixels)");
    kcheck_time(k, run_bench, &b);
    b.slot = BENCH_PROJECT;
    kcheck_slot(k, "project_step (224 pixels)");
    kcheck_time(k, run_bench, &b);
    b.slot = BENCH_WARP;
    kcheck_slot(k, "warp (224 pixels)");
    kcheck_time(k, run_bench, &b);
    for (int i = 0; i < 2; i++)
        kcheck_release(k, planes[i] - MX_TVL1_GUARD);
    kcheck_release(k, b.state);
}

typedef struct smooth_bench {
    float taps[MX_TVL1_LANES + 1], *out;
    const float *rows[2 * MX_TVL1_LANES + 1];
    int radius;
    bool is_column;
} smooth_bench;

static void run_smooth(void *arg, uint32_t cpu)
{
    const smooth_bench *b = arg;
    const float *const *rows = b->rows + MX_TVL1_LANES;
    mx_tvl1_kernels table;
    mx_tvl1_kernels_init(&table, cpu);
    if (b->is_column)
        table.smooth_column(b->out, rows, b->taps, b->radius, BENCH_WIDTH);
    else
        table.smooth_row(b->out, rows[0], b->taps, b->radius, BENCH_WIDTH);
}

/* Radii of the presmoothing, of zoom 1/2, and others. */
static void time_smoothing(kcheck *k)
{
    static const int radii[] = {3, 4, 5, 7, 15};
    enum { LINE = BENCH_WIDTH + 2 * MX_TVL1_LANES };
    const int n_rows = 2 * MX_TVL1_LANES + 1;
    float *plane = kcheck_buffer((size_t)n_rows * LINE, sizeof *plane, 0);
    smooth_bench b = {.out = kcheck_buffer(BENCH_WIDTH, sizeof(float), 0)};
    kcheck_fill_f32(k, plane, (size_t)n_rows * LINE, 100.0f, false);
    for (int i = 0; i < n_rows; i++)
        b.rows[i] = plane + i * LINE + MX_TVL1_LANES;
    for (int i = 0; i <= MX_TVL1_LANES; i++)
        b.taps[i] = 0.3f / (float)(i + 1);
    for (int i = 0; i < 2 * (int)(sizeof radii / sizeof radii[0]); i++) {
        char name[64];
        b.radius = radii[i / 2];
        b.is_column = i % 2;
        snprintf(name, sizeof name, "smooth_%s (224 pixels, radius %d)",
            b.is_column ? "column" : "row", b.radius);
        kcheck_slot(k, name);
        kcheck_time(k, run_smooth, &b);
    }
    kcheck_slot(k, "smooth");
    kcheck_release(k, plane);
    kcheck_release(k, b.out);
}

void kcheck_table(kcheck *k)
{
    tables t;
    mx_tvl1_kernels_init(&t.plain, 0);
    mx_tvl1_kernels_init(&t.fast, k->cpu);
    check_iteration(k, &t);
    check_fusion(k, &t.fast);
    mx_tvl1_kernels projecting = t.fast;
    mx_tvl1_kernels_project(&projecting);
    check_fusion(k, &projecting);
    check_warps(k, &t);
    check_simple(k, &t);
    if (k->bench) {
        time_slots(k);
        time_smoothing(k);
    }
}
