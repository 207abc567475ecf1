/* SPDX-License-Identifier: MIT */
/* Gemm, and operators that pass their input on. */
#include <string.h>

#include "train/back_common.h"
#include "train/back_tables.h"

typedef struct gemm_shape {
    int m, n, k;
    int row_a, row_b; /* row lengths as stored */
    bool trans_a, trans_b;
    float alpha, beta;
} gemm_shape;

static gemm_shape shape_of(const mx_node *node, const mx_tensor *a, const mx_tensor *b)
{
    gemm_shape s = {.trans_a = mx_attr_int(node, "transA", 0) != 0,
        .trans_b = mx_attr_int(node, "transB", 0) != 0,
        .alpha = mx_attr_float(node, "alpha", 1),
        .beta = mx_attr_float(node, "beta", 1)};
    s.m = (int)a->dims[s.trans_a];
    s.k = (int)a->dims[!s.trans_a];
    s.n = (int)b->dims[!s.trans_b];
    s.row_a = (int)a->dims[1];
    s.row_b = (int)b->dims[1];
    return s;
}

/* to = alpha op(a) op(b) + beta to, m×n. */
static void product(const mx_back_run *run, const gemm_shape *s, bool trans_a,
    bool trans_b, int m, int n, int k, const float *a, int lda, const float *b, int ldb,
    float beta, float *to)
{
    const mx_gemm *gemm = &run->machine->gemm;
    if (s->alpha == 1)
        mx_sgemm_in(
            gemm, trans_a, trans_b, m, n, k, a, lda, b, ldb, beta, to, n, run->workspace);
    else
        mx_sgemm(gemm, trans_a, trans_b, m, n, k, s->alpha, a, lda, b, ldb, beta, to, n);
}

/* Room for the products of either pass. */
static mexpr_status plan_gemm(mx_back_plan *plan)
{
    const gemm_shape s = shape_of(plan->node, plan->inputs[0], plan->inputs[1]);
    mx_back_workspace(
        plan, sizeof(float) * mx_gemm_room(s.trans_a, s.trans_b, s.m, s.n, s.k));
    if (s.trans_b)
        mx_back_workspace(
            plan, sizeof(float) * mx_gemm_room(true, s.trans_a, s.n, s.k, s.m));
    else
        mx_back_workspace(
            plan, sizeof(float) * mx_gemm_room(!s.trans_a, false, s.k, s.n, s.m));
    return MEXPR_OK;
}

/* Y = alpha A B + beta C. */
static mexpr_status gemm_forward(const mx_back_run *run)
{
    const gemm_shape s = shape_of(run->node, run->inputs[0], run->inputs[1]);
    const mx_tensor *c = run->n_inputs > 2 ? run->inputs[2] : NULL;
    const int64_t rows = c && c->rank == 2 ? c->dims[0] : 1;
    const int64_t cols = c && c->rank > 0 ? c->dims[c->rank - 1] : 1;
    float *y = run->outputs[0]->data;
    product(run, &s, s.trans_a, s.trans_b, s.m, s.n, s.k, run->inputs[0]->data, s.row_a,
        run->inputs[1]->data, s.row_b, 0, y);
    for (int i = 0; c && s.n > 0 && i < s.m; i++, y += s.n) {
        const float *row = (const float *)c->data + (rows == 1 ? 0 : i * cols);
        if (cols == 1)
            run->machine->nn.add_scalar((size_t)s.n, y, s.beta * *row, y);
        else
            run->machine->nn.axpy((size_t)s.n, s.beta, row, y);
    }
    return MEXPR_OK;
}

/* With Y = A B: dA = dY Bᵀ, or dAᵀ = B dYᵀ. */
static void gradient_a(const mx_back_run *run, const gemm_shape *s)
{
    const float *b = run->inputs[1]->data, *g = run->output_gradients[0];
    const float beta = run->adds & 1 ? 1 : 0;
    if (s->trans_a)
        product(run, s, s->trans_b, true, s->k, s->m, s->n, b, s->row_b, g, s->n, beta,
            run->gradients[0]);
    else
        product(run, s, false, !s->trans_b, s->m, s->k, s->n, g, s->n, b, s->row_b, beta,
            run->gradients[0]);
}

/* dB = Aᵀ dY, or dBᵀ = dYᵀ A. */
static void gradient_b(const mx_back_run *run, const gemm_shape *s)
{
    const float *a = run->inputs[0]->data, *g = run->output_gradients[0];
    const float beta = run->adds & 2 ? 1 : 0;
    if (s->trans_b)
        product(run, s, true, s->trans_a, s->n, s->k, s->m, g, s->n, a, s->row_a, beta,
            run->gradients[1]);
    else
        product(run, s, !s->trans_a, false, s->k, s->n, s->m, a, s->row_a, g, s->n, beta,
            run->gradients[1]);
}

/* dC is beta dY, summed over what C was broadcast along. */
static void gradient_c(const mx_back_run *run, const gemm_shape *s)
{
    const mx_tensor *c = run->inputs[2];
    const int64_t rows = c->rank == 2 ? c->dims[0] : 1;
    const int64_t cols = c->rank > 0 ? c->dims[c->rank - 1] : 1;
    const float *g = run->output_gradients[0];
    float *out = run->gradients[2];
    if (!(run->adds & 4))
        memset(out, 0, (size_t)(rows * cols) * sizeof *out);
    for (int i = 0; i < s->m; i++) {
        float *row = out + (rows == 1 ? 0 : i * cols);
        const float *in = g + (int64_t)i * s->n;
        if (cols == 1)
            row[0] += s->beta * (s->n ? run->machine->nn.sum((size_t)s->n, in) : 0);
        else
            run->machine->nn.axpy((size_t)s->n, s->beta, in, row);
    }
}

static mexpr_status gemm_backward(const mx_back_run *run)
{
    const gemm_shape s = shape_of(run->node, run->inputs[0], run->inputs[1]);
    if (run->gradients[0])
        gradient_a(run, &s);
    if (run->gradients[1])
        gradient_b(run, &s);
    if (run->n_inputs > 2 && run->gradients[2])
        gradient_c(run, &s);
    return MEXPR_OK;
}

const mx_back_op mx_back_gemm_ops[] = {
    {.name = "Flatten", .backward = mx_back_copy, .flags = MX_BACK_IN_PLACE},
    {.name = "Gemm",
        .plan = plan_gemm,
        .forward = gemm_forward,
        .backward = gemm_backward,
        .reads_inputs = MX_INPUT_BIT(0) | MX_INPUT_BIT(1)},
    {.name = "Identity", .backward = mx_back_copy, .flags = MX_BACK_IN_PLACE},
    {.name = NULL},
};
