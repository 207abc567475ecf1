/* SPDX-License-Identifier: MIT */
/* Products of training that pass a large matrix through memory, with room to pack the
 * small ones beside it: weights times few samples, and the gradient of weights from few
 * samples. Each element of the large one is read, or written, once and in the order in
 * which it lies there, where mx_sgemm() goes through it in columns (after Goto and van de
 * Geijn, as gemm_builtin.c). Packed rows lie PAD apart from a power of two: else a dozen
 * of them would fall into the same few places of the first-level cache. */
#include <string.h>

#include "kernel/gemm.h"
#include "kernel/transpose.h"

enum {
    PAD = 16,
    STRIP = MX_GEMM_K + PAD,
    MOST_ROWS = 16,  /* of a block of any instruction set */
    FEW = 64,        /* samples at most */
    READS = 1 << 16, /* elements of the large matrix more than */
    WRITES = 1 << 19
};

typedef struct product {
    const mx_gemm_kernels *kernels;
    int m, n, k;
    const float *a, *b;
    ptrdiff_t lda, ldb, ldc;
    float beta, *c, *room;
} product;

static int least(int a, int b)
{
    return a < b ? a : b;
}

static int round_cols(int n)
{
    return (n + MX_GEMM_COLS - 1) / MX_GEMM_COLS * MX_GEMM_COLS;
}

/* c = a b' with few rows of a. */
static bool reads_much(bool transpose_a, bool transpose_b, int m, int n, int k)
{
    return !transpose_a && transpose_b && m > MX_GEMM_FEW && m <= FEW && k > 0 &&
           n > READS / k;
}

/* c = a' b with few rows of both. */
static bool writes_much(bool transpose_a, bool transpose_b, int m, int n, int k)
{
    return transpose_a && !transpose_b && k > 0 && k <= FEW && m > MX_GEMM_FEW &&
           n > MX_GEMM_FEW && n > WRITES / m;
}

size_t mx_gemm_room(bool transpose_a, bool transpose_b, int m, int n, int k)
{
    if (reads_much(transpose_a, transpose_b, m, n, k))
        return (size_t)round_cols(m) * (size_t)k;
    return writes_much(transpose_a, transpose_b, m, n, k)
               ? (size_t)round_cols(n) * (size_t)k
               : 0;
}

/* `rows` rows of k numbers, STRIP apart; those behind them, `ahead`, come next. */
static void copy_rows(
    int rows, int ahead, int k, const float *from, ptrdiff_t ld, float *to)
{
    for (int i = 0; i < rows; i++, from += ld, to += STRIP) {
        int p = 0;
        for (int j = 0; i < ahead && j < k; j += 16)
            __builtin_prefetch(from + rows * ld + j);
        for (; p + 4 <= k; p += 4) /* compilers make string instructions of memcpy() */
            mx_quad_store(to + p, mx_quad_load(from + p));
        for (; p < k; p++)
            to[p] = from[p];
    }
}

/* Columns j..j+n-1 of b as rows, zeros behind n. */
static void pack(const product *t, int j, int n, float *panel)
{
    const int width = t->kernels->cols;
    if (n < width)
        memset(panel, 0, sizeof *panel * (size_t)t->k * (size_t)width);
    for (int p = 0; p < t->k; p++)
        memcpy(panel + p * width, t->b + p * t->ldb + j, sizeof *panel * (size_t)n);
}

/* c = a' b: packed columns of a meet all of b. */
static void write_much(const product *t)
{
    float strip[FEW * MOST_ROWS];
    const int width = t->kernels->cols, rows = t->kernels->rows;
    mx_gemm_block block = {.k = t->k,
        .a = strip,
        .a_row = 1,
        .a_col = rows,
        .b_row = width,
        .c_row = t->ldc,
        .alpha = 1,
        .beta = t->beta};
    for (int j = 0; j < t->n; j += width)
        pack(t, j, least(t->n - j, width), t->room + (ptrdiff_t)j * t->k);
    for (int i = 0; i < t->m; i += rows) {
        block.rows = least(t->m - i, rows);
        for (int p = 0; p < t->k; p++) {
            for (int r = 0; r < block.rows; r++)
                strip[p * rows + r] = t->a[p * t->lda + i + r];
        }
        for (int j = 0; j < t->n; j += width) {
            block.cols = least(t->n - j, width);
            block.b = t->room + (ptrdiff_t)j * t->k;
            block.c = t->c + i * t->ldc + j;
            t->kernels->block(&block);
        }
    }
}

/* c += tile', or = . */
static void add_turned(
    const product *t, const float *tile, int width, int i, int rows, int j, int cols)
{
    for (int y = 0; y < cols; y++) {
        float *to = t->c + (j + y) * t->ldc + i;
        for (int r = 0; r < rows; r++)
            to[r] = tile[r * width + y] + (t->beta != 0 ? t->beta * to[r] : 0);
    }
}

/* Rows j..j+n-1 of a as columns, zeros behind n. */
static void pack_turned(const product *t, int j, int n, float *panel)
{
    const size_t width = (size_t)t->kernels->cols, k = (size_t)t->k;
    if (n < t->kernels->cols)
        memset(panel, 0, sizeof *panel * k * width);
    mx_transpose((size_t)n, k, t->a + j * t->lda, (size_t)t->lda, panel, width);
}

/* c' = b a': rows of b meet all of a. */
static void read_much(const product *t)
{
    _Alignas(64) float strip[MOST_ROWS * STRIP];
    _Alignas(64) float tiles[FEW / MX_GEMM_COLS][MOST_ROWS * MX_GEMM_COLS];
    const int width = t->kernels->cols, rows = t->kernels->rows;
    mx_gemm_block block = {.a = strip,
        .a_row = STRIP,
        .a_col = 1,
        .b_row = width,
        .c_row = width,
        .alpha = 1};
    block.cols = width;
    for (int j = 0; j < t->m; j += width)
        pack_turned(t, j, least(t->m - j, width), t->room + (ptrdiff_t)j * t->k);
    for (int i = 0; i < t->n; i += rows) {
        block.rows = least(t->n - i, rows);
        for (int p = 0; p < t->k; p += MX_GEMM_K) {
            block.k = least(t->k - p, MX_GEMM_K);
            block.beta = p > 0;
            copy_rows(block.rows, t->n - i - block.rows, block.k, t->b + i * t->ldb + p,
                t->ldb, strip);
            for (int j = 0; j < t->m; j += width) {
                block.b = t->room + (ptrdiff_t)j * t->k + p * width;
                block.c = tiles[0] + j * MOST_ROWS;
                t->kernels->block(&block);
            }
        }
        for (int j = 0; j < t->m; j += width)
            add_turned(t, tiles[0] + j * MOST_ROWS, width, i, block.rows, j,
                least(t->m - j, width));
    }
}

void mx_sgemm_in(const mx_gemm *gemm, bool transpose_a, bool transpose_b, int m, int n,
    int k, const float *a, int lda, const float *b, int ldb, float beta, float *c,
    int ldc, float *room)
{
    const product t = {&gemm->kernels, m, n, k, a, b, lda, ldb, ldc, beta, c, room};
    if (gemm->kernels.fast && reads_much(transpose_a, transpose_b, m, n, k))
        read_much(&t);
    else if (gemm->kernels.fast && writes_much(transpose_a, transpose_b, m, n, k))
        write_much(&t);
    else
        mx_sgemm(
            gemm, transpose_a, transpose_b, m, n, k, 1, a, lda, b, ldb, beta, c, ldc);
}
