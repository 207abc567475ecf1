/* SPDX-License-Identifier: MIT */
/* The network kernels: every slot bit-equal to plain C, but for those with FMA, which are
 * near it and bit-equal between AVX2 and AVX-512; the functions against libm in double
 * over the whole range of floats. */
#include "kcheck.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/nn_kernel.h"
#include "microexpr/base.h"

enum { MOST = 130 };

static const float hard_values[] = {0.0f, -0.0f, 1e-40f, -1e-40f, 88.8f, -88.8f, -103.9f,
    -110.0f, 3.4e38f, -3.4e38f, INFINITY, -INFINITY, NAN, 3.0f, -3.0f, 0.92f};

static void fill(kcheck *k, float *x, size_t n)
{
    kcheck_fill_f32(k, x, n, 4.0f, true);
    for (size_t i = 0; i < n; i++)
        if (mx_rng_below(&k->rng, 8) == 0)
            x[i] = hard_values[mx_rng_below(&k->rng, 16)];
}

/* Bit-equal, all NaN being one: which payload survives is the compiler's choice. */
static void same(kcheck *k, float *expected, float *got, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        expected[i] = isnan(expected[i]) ? NAN : expected[i];
        got[i] = isnan(got[i]) ? NAN : got[i];
    }
    kcheck_equal(k, expected, got, n * sizeof *got);
}

/* Every element-wise slot has one of four shapes. */
typedef struct slot {
    const char *name;
    size_t at; /* offset in the table */
    enum { UNARY, UNARY1, UNARY2, BINARY, AXPY } shape;
    bool is_near; /* not the same bits: FMA */
} slot;

#define SLOT(name, shape)                                                                \
    {                                                                                    \
#name, offsetof(mx_nn_kernels, name), shape, false                               \
    }
#define NEAR(name, shape)                                                                \
    {                                                                                    \
#name, offsetof(mx_nn_kernels, name), shape, true                                \
    }

static const slot slots[] = {SLOT(add, BINARY), SLOT(sub, BINARY), SLOT(mul, BINARY),
    SLOT(div, BINARY), SLOT(max, BINARY), SLOT(min, BINARY), SLOT(mul_add, BINARY),
    SLOT(add_scalar, UNARY1), SLOT(mul_scalar, UNARY1), SLOT(div_scalar, UNARY1),
    SLOT(max_scalar, UNARY1), SLOT(min_scalar, UNARY1), SLOT(rsub_scalar, UNARY1),
    SLOT(rdiv_scalar, UNARY1), SLOT(scale_shift, UNARY2), SLOT(axpy, AXPY),
    SLOT(neg, UNARY), SLOT(abs, UNARY), SLOT(sqrt, UNARY), SLOT(reciprocal, UNARY),
    SLOT(relu, UNARY), SLOT(leaky_relu, UNARY1), SLOT(clip, UNARY2), NEAR(exp, UNARY),
    SLOT(threshold, UNARY1), SLOT(softsign, UNARY), SLOT(sign, UNARY), SLOT(floor, UNARY),
    SLOT(ceil, UNARY), SLOT(round, UNARY), NEAR(log, UNARY), NEAR(sigmoid, UNARY),
    NEAR(tanh, UNARY), NEAR(erf, UNARY), NEAR(elu, UNARY1), NEAR(gelu, UNARY),
    NEAR(gelu_tanh, UNARY), NEAR(silu, UNARY), SLOT(hard_sigmoid, UNARY2),
    SLOT(hard_swish, UNARY), NEAR(softmax, UNARY)};

static void call(const mx_nn_kernels *table, const slot *s, size_t n, const float *a,
    const float *b, float p, float q, float *y)
{
    const void *at = (const char *)table + s->at;
    if (s->shape == UNARY)
        (*(mx_nn_unary *const *)at)(n, a, y);
    else if (s->shape == UNARY1)
        (*(mx_nn_unary1 *const *)at)(n, a, p, y);
    else if (s->shape == UNARY2)
        (*(mx_nn_unary2 *const *)at)(n, a, p, q, y);
    else if (s->shape == BINARY)
        (*(mx_nn_binary *const *)at)(n, a, b, y);
    else
        table->axpy(n, p, a, y);
}

/* `below` is that of AVX2 where `fast` is that of AVX-512, otherwise `fast`. */
typedef struct tables {
    mx_nn_kernels plain, fast, below;
} tables;

/* The same, or as near as both are to the exact value. */
static void near_or_same(
    kcheck *k, const slot *s, const float *x, float *plain, float *fast, size_t n)
{
    if (!s->is_near) {
        same(k, plain, fast, n);
        return;
    }
    const bool is_by_x = s->at == offsetof(mx_nn_kernels, gelu) ||
                         s->at == offsetof(mx_nn_kernels, gelu_tanh) ||
                         s->at == offsetof(mx_nn_kernels, silu);
    bool near = true;
    for (size_t i = 0; i < n; i++) {
        const float p = plain[i], f = fast[i];
        const double least = is_by_x ? fmax(1, fabs((double)x[i])) : 0;
        const double size = fmax(fabs((double)p), least);
        near = near && (p == f || (isnan(p) && isnan(f)) ||
                           fabs((double)p - (double)f) <= 8e-7 * size + 1e-44);
    }
    kcheck_true(k, near, "near plain C");
}

static void check_element_wise(kcheck *k, const tables *t, const slot *s)
{
    kcheck_slot(k, s->name);
    for (size_t n = 1; n <= MOST; n++) {
        const size_t shift = mx_rng_below(&k->rng, 16);
        const float p = (float)mx_rng_normal(&k->rng), q = p + 2.0f;
        float *a = kcheck_buffer(n, sizeof *a, shift),
              *b = kcheck_buffer(n, sizeof *b, 3);
        float *y = kcheck_buffer(n, sizeof *y, 1),
              *z = kcheck_buffer(n, sizeof *z, shift);
        fill(k, a, n);
        fill(k, b, n);
        fill(k, y, n);
        memcpy(z, y, n * sizeof *z);
        call(&t->plain, s, n, a, b, p, q, y);
        call(&t->fast, s, n, a, b, p, q, z);
        near_or_same(k, s, a, y, z, n);
        if (s->is_near) {
            call(&t->below, s, n, a, b, p, q, y);
            same(k, y, z, n);
        }
        /* In place, over either operand. */
        memcpy(z, a, n * sizeof *z);
        memcpy(y, a, n * sizeof *y);
        call(&t->plain, s, n, y, b, p, q, y);
        call(&t->fast, s, n, z, b, p, q, z);
        near_or_same(k, s, a, y, z, n);
        if (s->shape == BINARY) {
            memcpy(z, b, n * sizeof *z);
            call(&t->plain, s, n, a, b, p, q, b);
            call(&t->fast, s, n, a, z, p, q, z);
            same(k, b, z, n);
        }
        kcheck_release(k, a);
        kcheck_release(k, b);
        kcheck_release(k, y);
        kcheck_release(k, z);
    }
}

static void same_value(kcheck *k, const char *name, float expected, float got)
{
    kcheck_slot(k, name);
    same(k, &expected, &got, 1);
}

/* The numbers as rows of any length that divides them. */
static void check_rows(kcheck *k, const mx_nn_kernels *t, size_t n, const float *x)
{
    enum { ROWS = 5 };
    float sum[ROWS], max[ROWS], min[ROWS];
    for (size_t rows = 1; rows <= ROWS; rows++) {
        const size_t cols = n / rows;
        if (cols * rows != n)
            continue;
        t->sum_rows(rows, cols, x, sum);
        t->max_rows(rows, cols, x, max);
        t->min_rows(rows, cols, x, min);
        for (size_t r = 0; r < rows; r++) {
            same_value(k, "sum_rows", t->sum(cols, x + r * cols), sum[r]);
            same_value(k, "max_rows", t->max_reduce(cols, x + r * cols), max[r]);
            same_value(k, "min_rows", t->min_reduce(cols, x + r * cols), min[r]);
        }
    }
}

static void check_reductions(kcheck *k, const tables *t)
{
    for (size_t n = 1; n <= 4 * MOST; n++) {
        float *x = kcheck_buffer(n, sizeof *x, mx_rng_below(&k->rng, 16));
        if (n % 4 == 0)
            fill(k, x, n);
        else
            kcheck_fill_f32(k, x, n, 1.0f, false);
        same_value(k, "sum", t->plain.sum(n, x), t->fast.sum(n, x));
        same_value(
            k, "sum_squares", t->plain.sum_squares(n, x), t->fast.sum_squares(n, x));
        same_value(k, "sum_square_diff", t->plain.sum_square_diff(n, x, 0.5f),
            t->fast.sum_square_diff(n, x, 0.5f));
        same_value(k, "max_reduce", t->plain.max_reduce(n, x), t->fast.max_reduce(n, x));
        same_value(k, "min_reduce", t->plain.min_reduce(n, x), t->fast.min_reduce(n, x));
        if (n % 4 != 0) {
            double sum = 0, squares = 0, spread = 0, largest = x[0], smallest = x[0];
            for (size_t i = 0; i < n; i++) {
                sum += x[i];
                squares += (double)x[i] * x[i];
                spread += (x[i] - 0.5) * (x[i] - 0.5);
                largest = fmax(largest, x[i]);
                smallest = fmin(smallest, x[i]);
            }
            kcheck_slot(k, "reductions");
            kcheck_true(k, fabs(t->fast.sum(n, x) - sum) <= 1e-6 * sqrt(n) * n, "sum");
            kcheck_true(k, fabs(t->fast.sum_squares(n, x) - squares) <= 1e-6 * squares,
                "sum of squares");
            kcheck_true(k,
                fabs(t->fast.sum_square_diff(n, x, 0.5f) - spread) <= 1e-6 * spread,
                "sum of squared differences");
            kcheck_true(k, t->fast.max_reduce(n, x) == largest, "largest");
            kcheck_true(k, t->fast.min_reduce(n, x) == smallest, "smallest");
        }
        x[mx_rng_below(&k->rng, (uint32_t)n)] = NAN;
        kcheck_true(k, isnan(t->fast.max_reduce(n, x)), "NaN is the largest");
        kcheck_true(k, isnan(t->fast.min_reduce(n, x)), "NaN is the smallest");
        check_rows(k, &t->fast, n, x);
        kcheck_release(k, x);
    }
}

static void check_matrix_slots(kcheck *k, const tables *t, size_t rows, size_t cols)
{
    const size_t n = rows * cols;
    float *x = kcheck_buffer(n, sizeof *x, mx_rng_below(&k->rng, 16));
    float *v = kcheck_buffer(rows + cols, sizeof *v, 1);
    float *w = kcheck_buffer(rows + cols, sizeof *w, 2);
    float *y = kcheck_buffer(n, sizeof *y, 3), *z = kcheck_buffer(n, sizeof *z, 5);
    fill(k, x, n);
    fill(k, v, rows + cols);
    fill(k, w, rows + cols);
    kcheck_slot(k, "scale_shift_cols");
    t->plain.scale_shift_cols(rows, cols, x, v, w, y);
    t->fast.scale_shift_cols(rows, cols, x, v, w, z);
    same(k, y, z, n);
    for (size_t i = 0; i < n; i++)
        z[i] = x[i] * v[i % cols] + w[i % cols];
    same(k, z, y, n);
    kcheck_slot(k, "scale_shift_rows");
    t->plain.scale_shift_rows(rows, cols, x, v, w, y);
    t->fast.scale_shift_rows(rows, cols, x, v, w, z);
    same(k, y, z, n);
    for (size_t i = 0; i < n; i++)
        z[i] = x[i] * v[i / cols] + w[i / cols];
    same(k, z, y, n);
    kcheck_slot(k, "bias_cols");
    for (int relu = 0; relu < 2; relu++) {
        t->plain.bias_cols(rows, cols, x, v, relu, y);
        memcpy(z, x, n * sizeof *z);
        t->fast.bias_cols(rows, cols, z, v, relu, z);
        same(k, y, z, n);
    }
    kcheck_slot(k, "sum_cols");
    memcpy(y, x, cols * sizeof *y);
    memcpy(z, x, cols * sizeof *z);
    t->plain.sum_cols(rows, cols, x, y);
    t->fast.sum_cols(rows, cols, x, z);
    same(k, y, z, cols);
    kcheck_slot(k, "max_cols");
    memcpy(y, x, cols * sizeof *y);
    memcpy(z, x, cols * sizeof *z);
    t->plain.max_cols(rows, cols, x, y);
    t->fast.max_cols(rows, cols, x, z);
    same(k, y, z, cols);
    kcheck_release(k, x);
    kcheck_release(k, v);
    kcheck_release(k, w);
    kcheck_release(k, y);
    kcheck_release(k, z);
}

static void check_transpose(kcheck *k, const tables *t, size_t rows, size_t cols)
{
    const size_t x_row = cols + mx_rng_below(&k->rng, 4);
    const size_t y_row = rows + mx_rng_below(&k->rng, 4);
    const size_t nx = (rows - 1) * x_row + cols, ny = (cols - 1) * y_row + rows;
    float *x = kcheck_buffer(nx, sizeof *x, 1), *y = kcheck_buffer(ny, sizeof *y, 2);
    float *z = kcheck_buffer(ny, sizeof *z, 3);
    kcheck_slot(k, "transpose");
    kcheck_fill_f32(k, x, nx, 1.0f, true);
    for (size_t c = 0; c < cols; c++)
        for (size_t r = 0; r < rows; r++)
            y[c * y_row + r] = x[r * x_row + c];
    t->fast.transpose(rows, cols, x, x_row, z, y_row);
    kcheck_equal(k, y, z, ny * sizeof *y);
    kcheck_release(k, x);
    kcheck_release(k, y);
    kcheck_release(k, z);
}

/* --- against double ---------------------------------------------------------------- */

static double exact_sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static double exact_gelu(double x)
{
    return x == -INFINITY ? 0 : 0.5 * x * erfc(-x / sqrt(2));
}

static double exact_gelu_tanh(double x)
{
    return x == -INFINITY ? 0
                          : x * exact_sigmoid(2 * sqrt(2 / 3.14159265358979323846) *
                                              (x + 0.044715 * x * x * x));
}

static double exact_silu(double x)
{
    return x == -INFINITY ? 0 : x / (1 + exp(-x));
}

/* |got - exact| in units of the last place of exact, denormals included. */
static double ulp_error(double exact, float got)
{
    const float near = (float)exact;
    if (isinf(near) || isinf(got))
        return near == got ? 0 : INFINITY;
    int exponent;
    frexp(exact, &exponent);
    const double ulp = ldexp(1, exponent < -125 ? -149 : exponent - 24);
    return fabs(got - exact) / ulp;
}

typedef struct function {
    const char *name;
    mx_nn_unary *run;
    double (*exact)(double);
    double most_ulp;      /* 0: judged by the absolute bound */
    double most_absolute; /* times max(1, |x|) */
} function;

static void check_accuracy(kcheck *k, const function *f)
{
    enum { BATCH = 1024 };
    const uint64_t step = k->bench ? 101 : 9973;
    float x[BATCH], y[BATCH], worst_at = 0;
    double worst = 0;
    bool nan_passes = true;
    kcheck_slot(k, f->name);
    for (uint64_t at = 0; at <= UINT32_MAX;) {
        size_t n = 0;
        for (; n < BATCH && at <= UINT32_MAX; n++, at += step) {
            const uint32_t bits = (uint32_t)at;
            memcpy(&x[n], &bits, sizeof bits);
        }
        f->run(n, x, y);
        for (size_t i = 0; i < n; i++) {
            if (isnan(x[i])) {
                nan_passes = nan_passes && isnan(y[i]);
                continue;
            }
            const double exact = f->exact(x[i]);
            if (isnan(exact)) {
                nan_passes = nan_passes && isnan(y[i]);
                continue;
            }
            const double error = f->most_ulp > 0 ? ulp_error(exact, y[i])
                                 : y[i] == exact
                                     ? 0
                                     : fabs(y[i] - exact) / fmax(1, fabs((double)x[i]));
            if (!(error <= worst)) {
                worst = error;
                worst_at = x[i];
            }
        }
    }
    if (k->bench)
        printf("%-32s worst error %.3g%s at %.9g\n", f->name, worst,
            f->most_ulp > 0 ? " ulp" : " * max(1, |x|)", worst_at);
    kcheck_true(k, nan_passes, "NaN passes");
    kcheck_true(k, worst <= (f->most_ulp > 0 ? f->most_ulp : f->most_absolute),
        "within the documented bound");
}

static void check_limits(kcheck *k, const mx_nn_kernels *t)
{
    static const float x[2] = {INFINITY, -INFINITY};
    float y[2];
    kcheck_slot(k, "limits at infinity");
    t->exp(2, x, y);
    kcheck_true(k, y[0] == INFINITY && y[1] == 0, "exp");
    t->log(2, x, y);
    kcheck_true(k, y[0] == INFINITY && isnan(y[1]), "log");
    static const float small[2] = {0x1p-149f, -0.0f};
    t->log(2, small, y);
    kcheck_true(k, fabs(y[0] + 149 * log(2)) < 1e-5 && y[1] == -INFINITY, "log of less");
    t->sigmoid(2, x, y);
    kcheck_true(k, y[0] == 1 && y[1] == 0, "sigmoid");
    t->tanh(2, x, y);
    kcheck_true(k, y[0] == 1 && y[1] == -1, "tanh");
    t->erf(2, x, y);
    kcheck_true(k, y[0] == 1 && y[1] == -1, "erf");
    t->silu(2, x, y);
    kcheck_true(k, y[0] == INFINITY && y[1] == 0, "silu");
    t->gelu(2, x, y);
    kcheck_true(k, y[0] == INFINITY && y[1] == 0, "gelu");
    t->gelu_tanh(2, x, y);
    kcheck_true(k, y[0] == INFINITY && y[1] == 0, "gelu_tanh");
    t->hard_swish(2, x, y);
    kcheck_true(k, y[0] == INFINITY && y[1] == 0, "hard_swish");
    t->elu(2, x, 1.0f, y);
    kcheck_true(k, y[0] == INFINITY && y[1] == -1, "elu");
}

static void check_softmax(kcheck *k, const mx_nn_kernels *t)
{
    kcheck_slot(k, "softmax");
    for (size_t n = 1; n <= MOST; n++) {
        float x[MOST], y[MOST];
        double sum = 0;
        kcheck_fill_f32(k, x, n, 20.0f, false);
        x[0] += 200.0f;
        t->softmax(n, x, y);
        for (size_t i = 0; i < n; i++)
            sum += exp((double)x[i] - x[0]);
        for (size_t i = 0; i < n; i++)
            kcheck_true(k, fabs(y[i] - exp((double)x[i] - x[0]) / sum) <= 1e-6,
                "near the softmax in double");
        t->log_softmax(n, x, y);
        for (size_t i = 0; i < n; i++) {
            const double want = (double)x[i] - x[0] - log(sum);
            kcheck_true(k, fabs(y[i] - want) <= 1e-6 * fmax(1, fabs(want)),
                "near the log of the softmax in double");
        }
    }
}

/* Through all lengths: near the sums in double, and bit-equal where softmax is. */
static void check_exp_sum(kcheck *k, const tables *t)
{
    kcheck_slot(k, "exp_sum");
    for (size_t n = 1; n <= MOST; n++) {
        float x[MOST], *y = kcheck_buffer(n, sizeof *y, 1), z[MOST];
        double sum = 0;
        kcheck_fill_f32(k, x, n, 40.0f, false);
        for (size_t i = 0; i < n; i++)
            x[i] = fminf(x[i], 70.0f);
        float got[2] = {
            t->fast.exp_sum(n, x, 70.0f, y), t->below.exp_sum(n, x, 70.0f, z)};
        same(k, &got[1], &got[0], 1);
        same(k, z, y, n);
        for (size_t i = 0; i < n; i++) {
            const double e = x[i] - 70.0f < -87.0f ? 0 : exp((double)(x[i] - 70.0f));
            kcheck_true(k, fabs((double)y[i] - e) <= 1e-6 * e, "near exp in double");
            sum += e;
        }
        kcheck_true(k, fabs((double)got[0] - sum) <= 2e-6 * sum, "near the sum");
        x[n / 2] = NAN;
        kcheck_true(k, isnan(t->fast.exp_sum(n, x, 0.0f, y)), "NaN in the sum");
        kcheck_release(k, y);
    }
}

/* --- timing ------------------------------------------------------------------------ */

enum { BENCH = 4096 };

typedef struct work {
    const slot *s;
    const float *a, *b;
    float *y;
} work;

static void run_slot(void *arg, uint32_t cpu)
{
    const work *w = arg;
    mx_nn_kernels table;
    mx_nn_kernels_init(&table, cpu);
    call(&table, w->s, BENCH, w->a, w->b, 0.5f, 2.0f, w->y);
}

#define RUN_REDUCTION(name)                                                              \
    static void run_##name(void *arg, uint32_t cpu)                                      \
    {                                                                                    \
        const work *w = arg;                                                             \
        mx_nn_kernels table;                                                             \
        mx_nn_kernels_init(&table, cpu);                                                 \
        w->y[0] = table.name(BENCH, w->a);                                               \
    }
RUN_REDUCTION(sum)
RUN_REDUCTION(sum_squares)
RUN_REDUCTION(max_reduce)

static void run_transpose(void *arg, uint32_t cpu)
{
    const work *w = arg;
    mx_nn_kernels table;
    mx_nn_kernels_init(&table, cpu);
    table.transpose(64, 64, w->a, 64, w->y, 64);
}

static void run_sum_cols(void *arg, uint32_t cpu)
{
    const work *w = arg;
    mx_nn_kernels table;
    mx_nn_kernels_init(&table, cpu);
    table.sum_cols(64, 64, w->a, w->y);
}

/* The buffers start at different places of a page: equal ones would collide in the
 * processor's store buffer and hide the kernels' own speed. */
static void bench_all(kcheck *k)
{
    float *a = kcheck_buffer(BENCH, sizeof *a, 0),
          *b = kcheck_buffer(BENCH, sizeof *b, 0);
    float *y = kcheck_buffer(BENCH + 512, sizeof *y, 0);
    kcheck_fill_f32(k, a, BENCH, 2.0f, false);
    kcheck_fill_f32(k, b, BENCH, 2.0f, false);
    kcheck_fill_f32(k, y, BENCH, 2.0f, false);
    printf("%d elements a call\n", BENCH);
    for (size_t i = 0; i < sizeof slots / sizeof slots[0]; i++) {
        work w = {&slots[i], a, b, y + 512};
        kcheck_slot(k, slots[i].name);
        kcheck_time(k, run_slot, &w);
    }
    work w = {NULL, a, b, y};
    kcheck_slot(k, "sum");
    kcheck_time(k, run_sum, &w);
    kcheck_slot(k, "sum_squares");
    kcheck_time(k, run_sum_squares, &w);
    kcheck_slot(k, "max_reduce");
    kcheck_time(k, run_max_reduce, &w);
    kcheck_slot(k, "sum_cols 64 x 64");
    kcheck_time(k, run_sum_cols, &w);
    kcheck_slot(k, "transpose 64 x 64");
    kcheck_time(k, run_transpose, &w);
    kcheck_release(k, a);
    kcheck_release(k, b);
    kcheck_release(k, y);
}

void kcheck_table(kcheck *k)
{
    tables t;
    mx_nn_kernels_init(&t.plain, 0);
    mx_nn_kernels_init(&t.fast, k->cpu);
    mx_nn_kernels_init(&t.below, k->cpu & ~(uint32_t)MEXPR_CPU_AVX512);
    for (size_t i = 0; i < sizeof slots / sizeof slots[0]; i++)
        check_element_wise(k, &t, &slots[i]);
    check_reductions(k, &t);
    for (size_t rows = 1; rows <= 40; rows += 3)
        for (size_t cols = 1; cols <= MOST; cols += 1 + cols / 6)
            check_matrix_slots(k, &t, rows, cols);
    for (size_t rows = 1; rows <= 40; rows++)
        for (size_t cols = 1; cols <= 40; cols++)
            check_transpose(k, &t, rows, cols);
    const function functions[] = {
        {"exp", t.fast.exp, exp, 2, 0},
        {"log", t.fast.log, log, 2, 0},
        {"sigmoid", t.fast.sigmoid, exact_sigmoid, 3, 0},
        {"tanh", t.fast.tanh, tanh, 3, 0},
        {"erf", t.fast.erf, erf, 3, 0},
        {"silu", t.fast.silu, exact_silu, 0, 4e-7},
        {"gelu", t.fast.gelu, exact_gelu, 0, 4e-7},
        {"gelu_tanh", t.fast.gelu_tanh, exact_gelu_tanh, 0, 4e-7},
    };
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++)
        check_accuracy(k, &functions[i]);
    check_limits(k, &t.fast);
    check_softmax(k, &t.fast);
    check_exp_sum(k, &t);
    if (k->bench)
        bench_all(k);
}
