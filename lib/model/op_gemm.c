/* SPDX-License-Identifier: MIT */
/* Matrix products. */
#include <limits.h>
#include <string.h>

#include "base/checked.h"
#include "model/fused.h"
#include "model/op_product.h"
#include "model/op_tables.h"

static mexpr_status check_product(mx_infer *infer, int64_t m, int64_t n, int64_t k)
{
    if (m > INT_MAX || n > INT_MAX || k > INT_MAX)
        return mx_fail(infer->scope, MEXPR_E_LIMIT,
            "a matrix product of %lld×%lld×%lld is too large", (long long)m, (long long)k,
            (long long)n);
    return MEXPR_OK;
}

static mexpr_status fail_inner(mx_infer *infer)
{
    char a[MX_SHAPE_TEXT], b[MX_SHAPE_TEXT];
    return mx_fail(infer->scope, MEXPR_E_SHAPE,
        "matrices of %s and %s cannot be multiplied", mx_shape_text(infer->inputs[0], a),
        mx_shape_text(infer->inputs[1], b));
}

/* --- Gemm -------------------------------------------------------------------------- */

typedef struct gemm_params {
    int m, n, k;
    bool trans_a, trans_b;
    float alpha, beta;
    int64_t c_row, c_col; /* strides of C, 0 where it is broadcast */
} gemm_params;

static mexpr_status infer_gemm_c(mx_infer *infer, const int64_t *dims, gemm_params *p)
{
    const mx_tensor *c = mx_infer_input(infer, 2);
    if (!c)
        return MEXPR_OK;
    bool fits = c->rank <= 2;
    int64_t own[2] = {1, 1};
    for (int i = 0; fits && i < c->rank; i++) {
        const int64_t d = c->dims[i];
        const int64_t want = dims[2 - c->rank + i];
        own[2 - c->rank + i] = d;
        fits = d < 0 || want < 0 || d == 1 || d == want;
    }
    char text[MX_SHAPE_TEXT];
    if (!fits)
        return mx_fail(infer->scope, MEXPR_E_SHAPE,
            "its input C of %s cannot be broadcast to %lld×%lld", mx_shape_text(c, text),
            (long long)dims[0], (long long)dims[1]);
    p->c_row = own[0] == 1 ? 0 : own[1];
    p->c_col = own[1] == 1 ? 0 : 1;
    return MEXPR_OK;
}

static mexpr_status infer_gemm(mx_infer *infer)
{
    const mx_tensor *a = infer->inputs[0], *b = infer->inputs[1];
    gemm_params *p = infer->params;
    p->trans_a = mx_attr_int(infer->node, "transA", 0) != 0;
    p->trans_b = mx_attr_int(infer->node, "transB", 0) != 0;
    p->alpha = mx_attr_float(infer->node, "alpha", 1);
    p->beta = mx_attr_float(infer->node, "beta", 1);
    if (a->rank != 2 || b->rank != 2)
        return mx_fail(infer->scope, MEXPR_E_SHAPE, "A and B must have two dimensions");
    const int64_t ka = a->dims[!p->trans_a], kb = b->dims[p->trans_b];
    const int64_t dims[2] = {a->dims[p->trans_a], b->dims[!p->trans_b]};
    if (ka >= 0 && kb >= 0 && ka != kb)
        return fail_inner(infer);
    mexpr_status status = check_product(infer, dims[0], dims[1], ka);
    if (status == MEXPR_OK)
        status = infer_gemm_c(infer, dims, p);
    p->m = (int)dims[0];
    p->n = (int)dims[1];
    p->k = (int)ka;
    infer->multiply_adds = (double)dims[0] * (double)dims[1] * (double)ka;
    mx_infer_shape(infer, 0, 2, dims);
    return status;
}

/* y += beta * c, broadcast, for a part of y. */
static void add_c(const mx_run *run, const gemm_params *p, const mx_tile *t)
{
    const float *c = run->inputs[2]->data;
    for (int i = 0; i < t->m; i++) {
        const float *row = c + (t->row + i) * p->c_row + t->col * p->c_col;
        float *out = t->y + (int64_t)i * p->n;
        if (p->c_col)
            run->machine->nn.axpy((size_t)t->n, p->beta, row, out);
        else
            run->machine->nn.add_scalar((size_t)t->n, out, p->beta * *row, out);
    }
}

static void finish_gemm(const mx_run *run, const mx_product *product, const mx_tile *t)
{
    const gemm_params *p = run->params;
    (void)product;
    if (mx_run_input(run, 2) && p->beta != 0)
        add_c(run, p, t);
    mx_epilogue_cols(run, t->row, t->m, t->col, t->n, p->n, NULL, t->y);
}

static mexpr_status gemm(const mx_run *run)
{
    const gemm_params *p = run->params;
    const mx_product product = {.trans_a = p->trans_a,
        .trans_b = p->trans_b,
        .m = p->m,
        .n = p->n,
        .k = p->k,
        .alpha = p->alpha,
        .a = run->inputs[0]->data,
        .b = run->inputs[1]->data,
        .y = run->outputs[0]->data,
        .finish = finish_gemm};
    mx_run_product(run, &product);
    return MEXPR_OK;
}

/* --- MatMul ------------------------------------------------------------------------ */

/* numpy.matmul: batch dimensions are broadcast, a vector is a row or a column. */
typedef struct matmul_params {
    int m, n, k;
    int batch_rank;
    int64_t batch[MEXPR_MAX_RANK];
    int64_t strides[3][MEXPR_MAX_RANK]; /* of y, a, b over the batch, in elements */
} matmul_params;

/* Batch dimension i of `rank` in all, 1 where the tensor has none. */
static int64_t batch_dim(const mx_tensor *t, int rank, int i)
{
    const int own = t->rank > 2 ? t->rank - 2 : 0;
    return i < rank - own ? 1 : t->dims[i - (rank - own)];
}

static mexpr_status infer_batch(mx_infer *infer, matmul_params *p)
{
    const mx_tensor *a = infer->inputs[0], *b = infer->inputs[1];
    const int rank = a->rank > b->rank ? a->rank : b->rank;
    p->batch_rank = rank > 2 ? rank - 2 : 0;
    /* Elements so far, the strides of the next dimension; open sizes come to nothing. */
    int64_t next[3] = {0, 0, 0};
    if (p->m >= 0 && p->n >= 0 && p->k >= 0) {
        next[0] = (int64_t)p->m * p->n;
        next[1] = (int64_t)p->m * p->k;
        next[2] = (int64_t)p->k * p->n;
    }
    for (int i = p->batch_rank - 1; i >= 0; i--) {
        const int64_t da = batch_dim(a, p->batch_rank, i);
        const int64_t db = batch_dim(b, p->batch_rank, i);
        if (da >= 0 && db >= 0 && da != db && da != 1 && db != 1)
            return fail_inner(infer);
        p->batch[i] = da == 1 || (da < 0 && db > 1) ? db : da;
        p->strides[0][i] = next[0];
        p->strides[1][i] = da == 1 ? 0 : next[1];
        p->strides[2][i] = db == 1 ? 0 : next[2];
        if (p->batch[i] >= 0 && da >= 0 && db >= 0 &&
            (!mx_mul_i64(next[0], p->batch[i], &next[0]) ||
                !mx_mul_i64(next[1], da, &next[1]) || !mx_mul_i64(next[2], db, &next[2])))
            return fail_inner(infer);
    }
    return MEXPR_OK;
}

static mexpr_status infer_matmul(mx_infer *infer)
{
    const mx_tensor *a = infer->inputs[0], *b = infer->inputs[1];
    matmul_params *p = infer->params;
    if (a->rank < 1 || b->rank < 1)
        return fail_inner(infer);
    const int64_t m = a->rank > 1 ? a->dims[a->rank - 2] : 1;
    const int64_t ka = a->dims[a->rank - 1];
    const int64_t kb = b->rank > 1 ? b->dims[b->rank - 2] : b->dims[0];
    const int64_t n = b->rank > 1 ? b->dims[b->rank - 1] : 1;
    if (ka >= 0 && kb >= 0 && ka != kb)
        return fail_inner(infer);
    mexpr_status status = check_product(infer, m, n, ka);
    if (status != MEXPR_OK)
        return status;
    p->m = (int)m;
    p->n = (int)n;
    p->k = (int)ka;
    status = infer_batch(infer, p);
    int64_t dims[MEXPR_MAX_RANK + 2];
    int rank = 0;
    for (int i = 0; i < p->batch_rank; i++)
        dims[rank++] = p->batch[i];
    if (a->rank > 1)
        dims[rank++] = m;
    if (b->rank > 1)
        dims[rank++] = n;
    mx_infer_shape(infer, 0, rank, dims);
    infer->multiply_adds = (double)p->m * p->n * p->k;
    for (int i = 0; i < p->batch_rank; i++)
        infer->multiply_adds *= (double)p->batch[i];
    return status;
}

static mexpr_status matmul(const mx_run *run)
{
    const matmul_params *p = run->params;
    const int64_t one[1] = {1};
    mx_walk walk;
    if (mx_tensor_count(run->outputs[0]) == 0)
        return MEXPR_OK;
    mx_walk_init(&walk, p->batch_rank, p->batch_rank ? p->batch : one, 3, p->strides);
    const int last = walk.rank - 1;
    /* A stack of matrices times one matrix is one product. */
    const bool stacked = walk.rank == 1 && walk.strides[2][0] == 0 &&
                         walk.strides[1][0] == (int64_t)p->m * p->k &&
                         walk.dims[0] * p->m <= INT_MAX;
    mx_product product = {
        .m = stacked ? (int)walk.dims[0] * p->m : p->m, .n = p->n, .k = p->k, .alpha = 1};
    do {
        for (int64_t i = 0; i < (stacked ? 1 : walk.dims[last]); i++) {
            product.a = (const float *)run->inputs[0]->data + walk.offset[1] +
                        i * walk.strides[1][last];
            product.b = (const float *)run->inputs[1]->data + walk.offset[2] +
                        i * walk.strides[2][last];
            product.y = (float *)run->outputs[0]->data + walk.offset[0] +
                        i * walk.strides[0][last];
            mx_run_product(run, &product);
        }
    } while (mx_walk_next(&walk));
    return MEXPR_OK;
}

const mx_operator mx_operators_gemm[] = {
    {.name = "Gemm",
        .domain = "",
        .since = 11,
        .min_inputs = 2,
        .max_inputs = 3,
        .min_outputs = 1,
        .max_outputs = 1,
        .types = MX_T_F32,
        .attributes = "alpha:f beta:f transA:i transB:i",
        .flags = MX_OP_PARTS,
        .params_size = sizeof(gemm_params),
        .infer = infer_gemm,
        .forward = gemm},
    {.name = "MatMul",
        .domain = "",
        .since = 1,
        .min_inputs = 2,
        .max_inputs = 2,
        .min_outputs = 1,
        .max_outputs = 1,
        .types = MX_T_F32,
        .attributes = "",
        .flags = MX_OP_PARTS,
        .params_size = sizeof(matmul_params),
        .infer = infer_matmul,
        .forward = matmul},
    {.name = NULL},
};
