/* SPDX-License-Identifier: MIT */
#include "model/op_product.h"

#include <limits.h>
#include <string.h>

#include "model/fused.h"

/* Multiply-adds of a tile, and the steps by which tiles are cut: those by which the
 * product itself goes (kernel/gemm_openblas.c), so that cutting costs nothing. */
enum { TILE_WORK = 1 << 20, COLS = 64, ROWS = 48, GEMV_ROWS = 4 };

typedef struct tiling {
    const mx_product *product;
    int rows, cols; /* of a tile */
    int across;     /* tiles side by side */
} tiling;

static int smaller(int64_t a, int b)
{
    return a < b ? (int)a : b;
}

/* As many times `unit` of n as make a tile's work, at least one. */
static int cut(int n, int unit, int64_t work_of_unit)
{
    const int64_t units = work_of_unit > 0 ? TILE_WORK / work_of_unit : n;
    return smaller((units < 1 ? 1 : units) * unit, n);
}

/* Columns first: a tile has few of b, and all of a when that is not long. */
static tiling tile(const mx_product *p)
{
    const int64_t line = (int64_t)p->m * p->k;
    tiling t = {p, p->m, p->n, 1};
    if (p->m == 1 && p->trans_b)
        t.cols = cut(p->n, GEMV_ROWS, (int64_t)p->k * GEMV_ROWS * 8);
    else if (line * p->n > 2 * TILE_WORK)
        t.cols = cut(p->n, COLS, line * COLS);
    if ((int64_t)t.cols * p->k * p->m > 4 * TILE_WORK)
        t.rows = cut(p->m, ROWS, (int64_t)t.cols * p->k * ROWS);
    t.across = t.cols > 0 ? (p->n + t.cols - 1) / t.cols : 0;
    return t;
}

static void multiply_tile(const mx_run *run, const void *arg, int64_t part, void *space)
{
    const tiling *t = arg;
    const mx_product *p = t->product;
    const int row = (int)(part / t->across) * t->rows;
    const int col = (int)(part % t->across) * t->cols;
    const int lda = p->trans_a ? p->m : p->k, ldb = p->trans_b ? p->k : p->n;
    const mx_tile at = {row, smaller(p->m - row, t->rows), col,
        smaller(p->n - col, t->cols), p->y + (int64_t)row * p->n + col};
    (void)space;
    mx_sgemm(&run->machine->gemm, p->trans_a, p->trans_b, at.m, at.n, p->k, p->alpha,
        p->a + (p->trans_a ? row : (int64_t)row * lda), lda,
        p->b + (p->trans_b ? (int64_t)col * ldb : col), ldb, p->beta, at.y, p->n);
    if (p->finish)
        p->finish(run, p, &at);
}

void mx_run_product(const mx_run *run, const mx_product *product)
{
    if (product->m <= 0 || product->n <= 0)
        return;
    const tiling t = tile(product);
    const int64_t down = (product->m + t.rows - 1) / t.rows;
    mx_run_parts(run, down * t.across, multiply_tile, &t);
}

/* --- layers ------------------------------------------------------------------------ */

/* m rows of k numbers become rows of n; -1 where that is open. */
static mexpr_status fill_params(mx_infer *infer, int64_t m, int64_t n, int64_t k)
{
    mx_dense_params *p = infer->params;
    if (m > INT_MAX || n > INT_MAX || k > INT_MAX)
        return mx_fail(infer->scope, MEXPR_E_LIMIT,
            "a matrix product of %lld×%lld×%lld is too large", (long long)m, (long long)k,
            (long long)n);
    *p = (mx_dense_params){.m = (int)m, .n = (int)n, .k = (int)k};
    infer->multiply_adds = (double)m * (double)n * (double)k;
    return MEXPR_OK;
}

mexpr_status mx_dense_infer(mx_infer *infer)
{
    const mx_tensor *x = infer->inputs[0], *w = infer->inputs[1];
    int64_t dims[MEXPR_MAX_RANK] = {x->dims[0], w->dims[0], 1, 1, 1, 1, 1, 1};
    const mexpr_status status =
        fill_params(infer, x->dims[0], w->dims[0], mx_dims_product(w->dims, 1, w->rank));
    ((mx_dense_params *)infer->params)->out_first = true;
    mx_infer_shape(infer, 0, x->rank, dims);
    return status;
}

mexpr_status mx_linear_infer(mx_infer *infer)
{
    const mx_tensor *x = infer->inputs[0], *w = infer->inputs[1];
    int64_t dims[MEXPR_MAX_RANK];
    memcpy(dims, x->dims, sizeof dims);
    dims[x->rank - 1] = w->dims[1];
    mx_infer_shape(infer, 0, x->rank, dims);
    return fill_params(
        infer, mx_dims_product(x->dims, 0, x->rank - 1), w->dims[1], w->dims[0]);
}

static void finish_dense(const mx_run *run, const mx_product *product, const mx_tile *t)
{
    mx_epilogue_cols(
        run, t->row, t->m, t->col, t->n, product->n, mx_run_input(run, 2), t->y);
}

mexpr_status mx_dense(const mx_run *run)
{
    const mx_dense_params *p = run->params;
    const mx_product product = {.trans_b = p->out_first,
        .m = p->m,
        .n = p->n,
        .k = p->k,
        .alpha = 1,
        .a = run->inputs[0]->data,
        .b = run->inputs[1]->data,
        .y = run->outputs[0]->data,
        .finish = finish_dense};
    mx_run_product(run, &product);
    return MEXPR_OK;
}
