/* SPDX-License-Identifier: MIT */
/* Gemm, and operators that pass their input on. */
#include <string.h>

#include "train/back_tables.h"

typedef struct gemm_shape {
    int m, n, k;
    int row_a, row_b; /* row lengths as stored */
    bool trans_a, trans_b;
    float alpha, beta;
} gemm_shape;

static gemm_shape shape_of(const mx_back_run *run)
{
    const mx_tensor *a = run->inputs[0], *b = run->inputs[1];
    gemm_shape s = {.trans_a = mx_attr_int(run->node, "transA", 0) != 0,
        .trans_b = mx_attr_int(run->node, "transB", 0) != 0,
        .alpha = mx_attr_float(run->node, "alpha", 1),
        .beta = mx_attr_float(run->node, "beta", 1)};
    s.m = (int)a->dims[s.trans_a];
    s.k = (int)a->dims[!s.trans_a];
    s.n = (int)b->dims[!s.trans_b];
    s.row_a = (int)a->dims[1];
    s.row_b = (int)b->dims[1];
    return s;
}

/* With Y = A B: dA = dY Bᵀ, or dAᵀ = B dYᵀ. */
static void gradient_a(const mx_back_run *run, const gemm_shape *s)
{
    const mx_gemm *gemm = &run->machine->gemm;
    const float *b = run->inputs[1]->data, *g = run->output_gradients[0];
    const float beta = run->adds & 1 ? 1 : 0;
    if (s->trans_a)
        mx_sgemm(gemm, s->trans_b, true, s->k, s->m, s->n, s->alpha, b, s->row_b, g, s->n,
            beta, run->gradients[0], s->m);
    else
        mx_sgemm(gemm, false, !s->trans_b, s->m, s->k, s->n, s->alpha, g, s->n, b,
            s->row_b, beta, run->gradients[0], s->k);
}

/* dB = Aᵀ dY, or dBᵀ = dYᵀ A. */
static void gradient_b(const mx_back_run *run, const gemm_shape *s)
{
    const mx_gemm *gemm = &run->machine->gemm;
    const float *a = run->inputs[0]->data, *g = run->output_gradients[0];
    const float beta = run->adds & 2 ? 1 : 0;
    if (s->trans_b)
        mx_sgemm(gemm, true, s->trans_a, s->n, s->k, s->m, s->alpha, g, s->n, a, s->row_a,
            beta, run->gradients[1], s->k);
    else
        mx_sgemm(gemm, !s->trans_a, false, s->k, s->n, s->m, s->alpha, a, s->row_a, g,
            s->n, beta, run->gradients[1], s->n);
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
    const gemm_shape s = shape_of(run);
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
        .backward = gemm_backward,
        .reads_inputs = MX_INPUT_BIT(0) | MX_INPUT_BIT(1)},
    {.name = "Identity", .backward = mx_back_copy, .flags = MX_BACK_IN_PLACE},
    {.name = NULL},
};
