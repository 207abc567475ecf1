/* SPDX-License-Identifier: MIT */
/* Dividing one node's work among threads. */
#include "base/pool.h"
#include "model/operator.h"

/* What a thread must have to do for it to be worth waking, and elements of a piece. */
enum { MIN_WORKER_NANOSECONDS = 20000, PIECE = 16384 };

int mx_node_workers(const mx_node *node, double nanoseconds, int n_threads)
{
    const double worth = nanoseconds / MIN_WORKER_NANOSECONDS;
    if (!(node->op->flags & (MX_OP_SPLIT | MX_OP_PARTS)) || worth < 2)
        return 1;
    return worth < n_threads ? (int)worth : n_threads;
}

typedef struct parts {
    const mx_run *run;
    mx_part_fn *fn;
    const void *arg;
    int64_t n, step; /* parts, parts at a time */
} parts;

static void some_parts(void *arg, int index, int worker)
{
    const parts *p = arg;
    uint8_t *spaces = p->run->part_spaces;
    const int64_t first = index * p->step;
    for (int64_t i = first; i < p->n && i < first + p->step; i++)
        p->fn(p->run, p->arg, i, spaces + (size_t)worker * p->run->part_space);
}

void mx_run_parts(const mx_run *run, int64_t n, mx_part_fn *fn, const void *arg)
{
    parts p = {run, fn, arg, n, 1};
    if (run->n_workers <= 1) {
        p.step = n;
        some_parts(&p, 0, 0);
        return;
    }
    /* Enough turns for threads of unequal speed to end together. */
    p.step += n / (run->n_workers * 16);
    mx_parallel_for(run->scope->context, run->n_workers, (int)((n + p.step - 1) / p.step),
        some_parts, &p);
}

typedef struct row_parts {
    const mx_walk *walk;
    mx_row_fn *fn;
    const void *arg;
    int64_t n_rows;
    int64_t rows;   /* of a part, where whole rows are cut off */
    int64_t pieces; /* of a row, where a row is */
} row_parts;

static void whole_rows(const mx_run *run, const row_parts *p, mx_walk *at, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        p->fn(run, p->arg, at);
        mx_walk_next(at);
    }
}

static void row_part(const mx_run *run, const void *arg, int64_t part, void *space)
{
    const row_parts *p = arg;
    mx_walk at = *p->walk;
    const int last = at.rank - 1;
    (void)space;
    if (p->pieces == 1) {
        const int64_t first = part * p->rows, left = p->n_rows - first;
        mx_walk_seek(&at, first);
        whole_rows(run, p, &at, left < p->rows ? left : p->rows);
        return;
    }
    const int64_t first = part % p->pieces * PIECE, left = at.dims[last] - first;
    mx_walk_seek(&at, part / p->pieces);
    at.dims[last] = left < PIECE ? left : PIECE;
    for (int k = 0; k < at.n_operands; k++)
        at.offset[k] += first * at.strides[k][last];
    p->fn(run, p->arg, &at);
}

void mx_run_rows(const mx_run *run, const mx_walk *walk, mx_row_fn *fn, const void *arg)
{
    const int64_t length = walk->dims[walk->rank - 1];
    row_parts p = {walk, fn, arg, mx_walk_rows(walk), 1, 1};
    if (run->n_workers <= 1) {
        mx_walk at = *walk;
        whole_rows(run, &p, &at, p.n_rows);
        return;
    }
    p.rows = length < PIECE ? PIECE / length : 1;
    p.pieces = (length + PIECE - 1) / PIECE;
    mx_run_parts(run, p.pieces * ((p.n_rows + p.rows - 1) / p.rows), row_part, &p);
}

/* Elements part * PIECE and on of the first input and output. */
static void forward_piece(const mx_run *run, const void *arg, int64_t part, void *space)
{
    enum { MAX_INPUTS = 4 };
    const mx_tensor *inputs[MAX_INPUTS] = {NULL};
    mx_tensor in = *run->inputs[0], out = *run->outputs[0], *outputs[] = {&out};
    const int64_t first = part * PIECE, left = mx_tensor_count(&in) - first;
    (void)arg;
    (void)space;
    for (int k = 1; k < run->n_inputs && k < MAX_INPUTS; k++)
        inputs[k] = run->inputs[k];
    inputs[0] = &in;
    in.rank = out.rank = 1;
    in.dims[0] = out.dims[0] = left < PIECE ? left : PIECE;
    in.data =
        (uint8_t *)in.data + (size_t)first * mexpr_dtype_bytes((mexpr_dtype)in.dtype);
    out.data =
        (uint8_t *)out.data + (size_t)first * mexpr_dtype_bytes((mexpr_dtype)out.dtype);
    mx_run piece = *run;
    piece.inputs = inputs;
    piece.outputs = outputs;
    run->node->op->forward(&piece);
}

mexpr_status mx_run_forward(const mx_run *run)
{
    if (run->n_workers <= 1 || !(run->node->op->flags & MX_OP_SPLIT))
        return run->node->op->forward(run);
    const int64_t n = mx_tensor_count(run->inputs[0]);
    mx_run_parts(run, (n + PIECE - 1) / PIECE, forward_piece, NULL);
    return MEXPR_OK;
}
