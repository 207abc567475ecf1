/* SPDX-License-Identifier: MIT */
/* Matrix products against sums in double: the builtin one at plain C and at the level
 * under test, and OpenBLAS where it is built in. --bench prints GFLOP/s of all. */
#include "kcheck.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "config.h"
#include "kernel/gemm.h"
#include "microexpr/base.h"

typedef void product_fn(const mx_gemm *gemm, bool transpose_a, bool transpose_b, int m,
    int n, int k, float alpha, const float *a, int lda, const float *b, int ldb,
    float beta, float *c, int ldc);

typedef struct problem {
    bool transpose_a, transpose_b;
    int m, n, k, lda, ldb, ldc;
    float alpha, beta;
    float *a, *b, *c;         /* c: before */
    double *expected, *scale; /* scale: alpha sum |a b| + |beta c| */
} problem;

static size_t extent(int rows, int cols, int row_length)
{
    return rows > 0 ? (size_t)(rows - 1) * (size_t)row_length + (size_t)cols : 0;
}

static float *matrix(kcheck *k, int rows, int cols, int row_length)
{
    const size_t n = extent(rows, cols, row_length);
    float *x = kcheck_buffer(n, sizeof *x, mx_rng_below(&k->rng, 16));
    kcheck_fill_f32(k, x, n, 1.0f, false);
    return x;
}

static void reference(problem *p)
{
    for (int i = 0; i < p->m; i++)
        for (int j = 0; j < p->n; j++) {
            double sum = 0, size = 0;
            for (int t = 0; t < p->k; t++) {
                const double x = p->a[p->transpose_a ? t * p->lda + i : i * p->lda + t];
                const double y = p->b[p->transpose_b ? j * p->ldb + t : t * p->ldb + j];
                sum += x * y;
                size += fabs(x * y);
            }
            const double old =
                p->beta == 0.0f ? 0 : p->beta * (double)p->c[i * p->ldc + j];
            p->expected[i * p->n + j] = p->alpha * sum + old;
            p->scale[i * p->n + j] = fabs(p->alpha) * size + fabs(old);
        }
}

static void problem_begin(kcheck *k, problem *p)
{
    const int am = p->transpose_a ? p->k : p->m, an = p->transpose_a ? p->m : p->k;
    const int bm = p->transpose_b ? p->n : p->k, bn = p->transpose_b ? p->k : p->n;
    p->lda = an + 1 + (int)mx_rng_below(&k->rng, 2) * 3 - 1;
    p->ldb = bn + 1 + (int)mx_rng_below(&k->rng, 2) * 5 - 1;
    p->ldc = p->n + 1 + (int)mx_rng_below(&k->rng, 2) * 7 - 1;
    p->lda += p->lda == 0;
    p->ldb += p->ldb == 0;
    p->ldc += p->ldc == 0;
    p->a = matrix(k, am, an, p->lda);
    p->b = matrix(k, bm, bn, p->ldb);
    p->c = matrix(k, p->m, p->n, p->ldc);
    if (p->beta == 0.0f)
        for (size_t i = 0; i < extent(p->m, p->n, p->ldc); i++)
            p->c[i] = NAN;
    p->expected = calloc((size_t)p->m * (size_t)p->n + 1, sizeof *p->expected);
    p->scale = calloc((size_t)p->m * (size_t)p->n + 1, sizeof *p->scale);
    if (!p->expected || !p->scale)
        abort();
    reference(p);
}

static void problem_end(kcheck *k, problem *p)
{
    kcheck_release(k, p->a);
    kcheck_release(k, p->b);
    kcheck_release(k, p->c);
    free(p->expected);
    free(p->scale);
}

/* Runs one back end on a copy of c, compares, and returns the copy. */
static float *solve(
    kcheck *k, const problem *p, const char *name, product_fn *run, const mx_gemm *gemm)
{
    const size_t n = extent(p->m, p->n, p->ldc);
    float *c = kcheck_buffer(n, sizeof *c, mx_rng_below(&k->rng, 16));
    kcheck_slot(k, name);
    memcpy(c, p->c, n * sizeof *c);
    run(gemm, p->transpose_a, p->transpose_b, p->m, p->n, p->k, p->alpha, p->a, p->lda,
        p->b, p->ldb, p->beta, c, p->ldc);
    const double bound = FLT_EPSILON * (2 + sqrt(p->k));
    bool near = true, kept = true;
    for (int i = 0; i < p->m; i++)
        for (int j = 0; j < p->ldc; j++) {
            const size_t at = (size_t)i * (size_t)p->ldc + (size_t)j;
            const size_t e = (size_t)i * (size_t)p->n + (size_t)j;
            if (j < p->n)
                near = near && fabs(c[at] - p->expected[e]) <= bound * p->scale[e];
            else if (at < n)
                kept = kept && memcmp(&c[at], &p->c[at], sizeof *c) == 0;
        }
    if (!near)
        printf("m %d n %d k %d transposed %d %d alpha %g beta %g\n", p->m, p->n, p->k,
            p->transpose_a, p->transpose_b, p->alpha, p->beta);
    kcheck_true(k, near, "product is near the sums in double");
    kcheck_true(k, kept, "nothing is written between the rows");
    return c;
}

/* With room, of whole products alone. */
static void with_room(const mx_gemm *gemm, bool transpose_a, bool transpose_b, int m,
    int n, int k, float alpha, const float *a, int lda, const float *b, int ldb,
    float beta, float *c, int ldc)
{
    const size_t n_floats = mx_gemm_room(transpose_a, transpose_b, m, n, k);
    float *room = malloc((n_floats + 1) * sizeof *room);
    if (!room)
        abort();
    (void)alpha;
    mx_sgemm_in(
        gemm, transpose_a, transpose_b, m, n, k, a, lda, b, ldb, beta, c, ldc, room);
    free(room);
}

static void check_problem(kcheck *k, problem *p)
{
    mx_gemm plain, fast;
    mx_gemm_init(&plain, 0);
    mx_gemm_init(&fast, k->cpu);
    problem_begin(k, p);
    kcheck_release(k, solve(k, p, "gemm", mx_sgemm, &fast));
    if (p->alpha == 1.0f)
        kcheck_release(k, solve(k, p, "gemm with room", with_room, &fast));
    if (p->m > 0 && p->n > 0 && p->k > 0) {
        kcheck_release(k, solve(k, p, "gemm_builtin_plain", mx_sgemm_builtin, &plain));
        float *c = solve(k, p, "gemm_builtin", mx_sgemm_builtin, &fast);
        if (k->cpu & MEXPR_CPU_AVX512) {
            mx_gemm avx2;
            mx_gemm_init(&avx2, MEXPR_CPU_AVX2);
            float *d = solve(k, p, "gemm_builtin_avx2", mx_sgemm_builtin, &avx2);
            kcheck_slot(k, "gemm_builtin: AVX2 against AVX-512");
            for (int i = 0; i < p->m; i++)
                kcheck_equal(k, d + (ptrdiff_t)i * p->ldc, c + (ptrdiff_t)i * p->ldc,
                    sizeof *c * (size_t)p->n);
            kcheck_release(k, d);
        }
        kcheck_release(k, c);
#if MX_GEMM_OPENBLAS
        kcheck_release(k, solve(k, p, "gemm_openblas", mx_sgemm_openblas, &fast));
#endif
    }
    problem_end(k, p);
}

static void check_products(kcheck *k)
{
    static const float factors[] = {1.0f, 0.0f, 1.0f, -0.75f};
    /* Beyond one panel, one OpenBLAS call, and one of each dimension. */
    static const int large[][3] = {{70, 200, 300}, {200, 150, 700}, {1, 300, 1000},
        {300, 1, 500}, {900, 40, 40}, {1, 2000, 600}, {2, 600, 500}, {3, 700, 400},
        {4, 530, 510}};
    for (int turn = 0; turn < 500; turn++) {
        problem p = {.transpose_a = mx_rng_below(&k->rng, 2),
            .transpose_b = mx_rng_below(&k->rng, 2),
            .alpha = factors[mx_rng_below(&k->rng, 4)],
            .beta = factors[mx_rng_below(&k->rng, 4)]};
        if (turn >= 36 && turn < 36 + 8) { /* few samples and large weights */
            p.transpose_a = turn % 2;
            p.transpose_b = !p.transpose_a;
            p.alpha = 1;
            p.m = p.transpose_a ? 1000 + turn : 5 + (int)mx_rng_below(&k->rng, 60);
            p.n = p.transpose_a ? 700 : 300 + turn;
            p.k = p.transpose_a ? 5 + (int)mx_rng_below(&k->rng, 60) : 400 + turn;
        } else if (turn < 36) {
            p.m = large[turn / 4][0];
            p.n = large[turn / 4][1];
            p.k = large[turn / 4][2];
            p.alpha = p.alpha == 0.0f ? 1.0f : p.alpha;
        } else {
            const uint32_t most = turn % 2 ? 131 : 20;
            p.m = (int)mx_rng_below(&k->rng, most);
            p.n = (int)mx_rng_below(&k->rng, most);
            p.k = (int)mx_rng_below(&k->rng, most);
        }
        check_problem(k, &p);
    }
}

#if MX_GEMM_OPENBLAS
/* Milliseconds that threads other than this one have worked. */
static double others_ms(void)
{
    struct timespec process, self;
    const struct timespec settle = {0, 100000000};
    nanosleep(&settle, NULL);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &process);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &self);
    return (double)(process.tv_sec - self.tv_sec) * 1e3 +
           (double)(process.tv_nsec - self.tv_nsec) * 1e-6;
}

/* OpenBLAS has its threads, but no product may wake them: one that does keeps them
 * spinning for tens of milliseconds. */
static void check_one_thread(kcheck *k)
{
    static const int sizes[][3] = {
        {200, 200, 200}, {784, 16, 27}, {20, 512, 1200}, {1, 2000, 600}};
    mx_gemm gemm;
    mx_gemm_init(&gemm, k->cpu);
    for (int turn = 0; turn < 16; turn++) {
        const int *s = sizes[turn / 4];
        problem p = {.transpose_a = turn & 1,
            .transpose_b = turn & 2,
            .m = s[0],
            .n = s[1],
            .k = s[2],
            .alpha = 1,
            .beta = 0};
        problem_begin(k, &p);
        const double before = others_ms();
        for (int i = 0; i < 8; i++)
            kcheck_release(k, solve(k, &p, "gemm_openblas", mx_sgemm_openblas, &gemm));
        kcheck_true(k, others_ms() - before < 1, "OpenBLAS stays on one thread");
        problem_end(k, &p);
    }
}
#endif

static void check_gemv(kcheck *k)
{
    mx_gemm plain, fast;
    mx_gemm_init(&plain, 0);
    mx_gemm_init(&fast, k->cpu);
    kcheck_slot(k, "gemv");
    for (int cols = 0; cols <= 300; cols++) {
        const int rows = 1 + (int)mx_rng_below(&k->rng, 9);
        const int lda = cols + (int)mx_rng_below(&k->rng, 5);
        float *a = matrix(k, rows, cols, lda), *x = matrix(k, 1, cols, cols);
        float *y = matrix(k, 1, rows, rows), *z = matrix(k, 1, rows, rows);
        mx_gemv(&plain, rows, cols, a, lda, x, y);
        mx_gemv(&fast, rows, cols, a, lda, x, z);
        for (int r = 0; r < rows; r++) {
            double sum = 0, size = 0;
            for (int i = 0; i < cols; i++) {
                sum += (double)a[r * lda + i] * x[i];
                size += fabs((double)a[r * lda + i] * x[i]);
            }
            const double bound = FLT_EPSILON * (2 + sqrt(cols)) * size;
            kcheck_true(k, fabs(y[r] - sum) <= bound, "plain dot is near the sum");
            kcheck_true(k, fabs(z[r] - sum) <= bound, "dot is near the sum");
        }
        kcheck_release(k, a);
        kcheck_release(k, x);
        kcheck_release(k, y);
        kcheck_release(k, z);
    }
}

/* The two slots for few rows as products, for all numbers of rows. */
static void check_few(kcheck *k)
{
    mx_gemm_kernels table;
    mx_gemm_kernels_init(&table, k->cpu);
    for (int turn = 0; turn < 400; turn++) {
        const bool is_sums = turn & 1;
        const int most = turn < 380 ? 140 : 700;
        problem p = {.transpose_b = !is_sums,
            .m = 1 + turn / 2 % MX_GEMM_FEW,
            .n = 1 + (int)mx_rng_below(&k->rng, (uint32_t)most),
            .k = 1 + (int)mx_rng_below(&k->rng, (uint32_t)most),
            .alpha = 1,
            .beta = 0};
        problem_begin(k, &p);
        const size_t n = extent(p.m, p.n, p.ldc);
        float *y = kcheck_buffer(n, sizeof *y, mx_rng_below(&k->rng, 16));
        kcheck_slot(k, is_sums ? "sums" : "dots");
        if (is_sums)
            table.sums(
                (size_t)p.m, (size_t)p.n, (size_t)p.k, p.a, p.lda, p.b, p.ldb, y, p.ldc);
        else
            table.dots(
                (size_t)p.m, (size_t)p.n, (size_t)p.k, p.b, p.ldb, p.a, p.lda, y, p.ldc);
        const double bound = FLT_EPSILON * (2 + sqrt(p.k));
        bool near = true;
        for (int i = 0; i < p.m * p.n; i++)
            near = near && fabs(y[i / p.n * p.ldc + i % p.n] - p.expected[i]) <=
                               bound * p.scale[i];
        kcheck_true(k, near, "few rows are near the sums in double");
        kcheck_release(k, y);
        problem_end(k, &p);
    }
}

/* --- timing ------------------------------------------------------------------------ */

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double speed(product_fn *run, const mx_gemm *gemm, const problem *p)
{
    const double flops = 2.0 * p->m * p->n * p->k;
    const int turns = (int)(2e7 / flops) + 1;
    double best = 0;
    for (int round = 0; round < 9; round++) {
        const double start = seconds();
        for (int i = 0; i < turns; i++)
            run(gemm, false, p->transpose_b, p->m, p->n, p->k, 1, p->a, p->k, p->b,
                p->transpose_b ? p->k : p->n, 0, p->c, p->n);
        best = fmax(best, flops * turns / (seconds() - start));
    }
    return best * 1e-9;
}

static void bench_products(kcheck *k)
{
    static const int sizes[][3] = {{256, 256, 256}, {100, 100, 100}, {64, 64, 64},
        {16, 16, 16}, {4, 4, 4}, {784, 64, 576}, {3136, 64, 576}, {196, 128, 1152},
        {49, 256, 2304}, {16, 512, 4608}, {49, 1280, 320}, {784, 16, 27}, {480, 49, 80},
        {4, 1024, 1024}, {1, 1024, 1024}};
    enum { MOST = 4608 * 512 };
    mx_gemm plain, fast;
    mx_gemm_init(&plain, 0);
    mx_gemm_init(&fast, k->cpu);
    float *a = kcheck_buffer(MOST, sizeof *a, 0), *b = kcheck_buffer(MOST, sizeof *b, 0);
    float *c = kcheck_buffer(MOST, sizeof *c, 0);
    kcheck_fill_f32(k, a, MOST, 1.0f, false);
    kcheck_fill_f32(k, b, MOST, 1.0f, false);
    printf("GFLOP/s, one thread       plain C  builtin  OpenBLAS  builtin/OpenBLAS\n");
    for (size_t i = 0; i < 2 * sizeof sizes / sizeof sizes[0]; i++) {
        const int *s = sizes[i / 2];
        const problem p = {.transpose_b = i % 2,
            .m = s[0],
            .n = s[1],
            .k = s[2],
            .a = a,
            .b = b,
            .c = c};
        printf("%4d x %4d x %4d %s %10.1f %8.1f", s[0], s[1], s[2], i % 2 ? "b^T" : "   ",
            speed(mx_sgemm_builtin, &plain, &p), speed(mx_sgemm_builtin, &fast, &p));
#if MX_GEMM_OPENBLAS
        const double peer = speed(mx_sgemm_openblas, &fast, &p);
        printf(" %9.1f %9.2f", peer, speed(mx_sgemm_builtin, &fast, &p) / peer);
#endif
        printf("\n");
    }
    kcheck_release(k, a);
    kcheck_release(k, b);
    kcheck_release(k, c);
}

typedef struct gemv_work {
    const float *a, *x;
    float *y;
    int rows, cols;
} gemv_work;

static void run_gemv(void *arg, uint32_t cpu)
{
    const gemv_work *work = arg;
    mx_gemm gemm;
    mx_gemm_init(&gemm, cpu);
    mx_gemv(&gemm, work->rows, work->cols, work->a, work->cols, work->x, work->y);
}

static void bench_gemv(kcheck *k, const char *name, int rows, int cols)
{
    float *a = matrix(k, rows, cols, cols), *x = matrix(k, 1, cols, cols);
    float *y = matrix(k, 1, rows, rows);
    gemv_work work = {a, x, y, rows, cols};
    kcheck_slot(k, name);
    kcheck_time(k, run_gemv, &work);
    kcheck_release(k, a);
    kcheck_release(k, x);
    kcheck_release(k, y);
}

void kcheck_table(kcheck *k)
{
    check_products(k);
    check_gemv(k);
    check_few(k);
#if MX_GEMM_OPENBLAS
    check_one_thread(k);
#endif
    if (k->bench) {
        bench_products(k);
        bench_gemv(k, "gemv 64 x 256", 64, 256);
        bench_gemv(k, "gemv 1024 x 1024", 1024, 1024);
    }
}
