/* SPDX-License-Identifier: MIT */
/* MatMul: y = a b in stacks, da = dy b', db = a' dy, summed over the matrices that a
 * broadcast took an input to. */
#include <limits.h>
#include <string.h>

#include "train/back_common.h"
#include "train/back_tables.h"

typedef struct stack {
    int m, n, k;
    mx_walk walk; /* over the batch: of y, a and b */
} stack;

/* Strides of the batch of one tensor, whose matrices have `size` elements. */
static void batch_strides(
    const mx_tensor *t, int rank, int64_t size, int64_t *dims, int64_t *strides)
{
    const int own = t->rank > 2 ? t->rank - 2 : 0;
    for (int i = rank - 1; i >= 0; i--) {
        const int64_t dim = i < rank - own ? 1 : t->dims[i - (rank - own)];
        strides[i] = dim == 1 ? 0 : size;
        size *= dim;
        dims[i] = dim == 1 ? dims[i] : dim;
    }
}

static stack stack_of(const mx_back_run *run)
{
    const mx_tensor *a = run->inputs[0], *b = run->inputs[1];
    const int longest = a->rank > b->rank ? a->rank : b->rank;
    const int rank = longest > 2 ? longest - 2 : 0;
    int64_t dims[MEXPR_MAX_RANK] = {1, 1, 1, 1, 1, 1, 1, 1};
    int64_t strides[3][MEXPR_MAX_RANK] = {{0}};
    stack s = {.m = a->rank > 1 ? (int)a->dims[a->rank - 2] : 1,
        .n = b->rank > 1 ? (int)b->dims[b->rank - 1] : 1,
        .k = (int)a->dims[a->rank - 1]};
    batch_strides(a, rank, (int64_t)s.m * s.k, dims, strides[1]);
    batch_strides(b, rank, (int64_t)s.k * s.n, dims, strides[2]);
    mx_contiguous_strides(rank, dims, strides[0]);
    for (int i = 0; i < rank; i++)
        strides[0][i] *= (int64_t)s.m * s.n;
    mx_walk_init(
        &s.walk, rank ? rank : 1, dims, 3, (const int64_t(*)[MEXPR_MAX_RANK])strides);
    return s;
}

typedef struct place {
    const float *gradient, *a, *b;
    float *to;
    float beta;
} place;

static void product_a(const mx_gemm *gemm, const stack *s, const place *p)
{
    mx_sgemm(gemm, false, true, s->m, s->k, s->n, 1, p->gradient, s->n, p->b, s->n,
        p->beta, p->to, s->k);
}

static void product_b(const mx_gemm *gemm, const stack *s, const place *p)
{
    mx_sgemm(gemm, true, false, s->k, s->n, s->m, 1, p->a, s->k, p->gradient, s->n,
        p->beta, p->to, s->n);
}

static void back_input(const mx_back_run *run, int which)
{
    stack s = stack_of(run);
    mx_walk *walk = &s.walk;
    const int last = walk->rank - 1;
    place p = {.beta = 1};
    if (!run->gradients[which])
        return;
    /* A stack of matrices times one matrix is one product. */
    const int64_t rows = walk->dims[last] * s.m;
    if (walk->rank == 1 && walk->strides[2][0] == 0 && rows <= INT_MAX &&
        (walk->dims[0] == 1 || walk->strides[1][0] == (int64_t)s.m * s.k)) {
        s.m = (int)rows;
        walk->dims[0] = 1;
    }
    mx_back_ready(run, which);
    if (mx_walk_is_empty(walk))
        return;
    do {
        for (int64_t i = 0; i < walk->dims[last]; i++) {
            int64_t at[3];
            for (int k = 0; k < 3; k++)
                at[k] = walk->offset[k] + i * walk->strides[k][last];
            p.gradient = run->output_gradients[0] + at[0];
            p.a = (const float *)run->inputs[0]->data + at[1];
            p.b = (const float *)run->inputs[1]->data + at[2];
            p.to = run->gradients[which] + at[1 + which];
            (which ? product_b : product_a)(&run->machine->gemm, &s, &p);
        }
    } while (mx_walk_next(walk));
}

static mexpr_status matmul(const mx_back_run *run)
{
    back_input(run, 0);
    back_input(run, 1);
    return MEXPR_OK;
}

const mx_back_op mx_back_matmul_ops[] = {
    {.name = "MatMul", .backward = matmul, .reads_inputs = 3},
    {.name = NULL},
};
