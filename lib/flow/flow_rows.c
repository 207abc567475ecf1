/* SPDX-License-Identifier: MIT */
#include "flow/flow_rows.h"

enum {
    /* A thread's share of a level, below which it costs more than it brings. */
    MIN_ROWS_PER_THREAD = 24
};

static const float largest_value = 65535.0f;

void mx_rows_run(mx_rows_team *team, mexpr_context *context, mx_team_fn fn, void *arg)
{
    atomic_store_explicit(&team->barrier.arrived, 0, memory_order_relaxed);
    atomic_store_explicit(&team->barrier.phase, 0, memory_order_relaxed);
    for (int i = 0; i < MX_FLOW_MAX_THREADS; i++)
        atomic_store_explicit(&team->marks[i].step, 0, memory_order_relaxed);
    mx_team_run(context, mexpr_context_threads(context), fn, arg);
}

void mx_rows_divide(mx_rows_share *share, int height)
{
    const int most = height / MIN_ROWS_PER_THREAD;
    share->n_active = most < 1 ? 1 : most < share->n ? most : share->n;
    const int64_t index = share->index < share->n_active ? share->index : share->n_active;
    const int64_t next = index < share->n_active ? index + 1 : index;
    share->first_row = (int)(height * index / share->n_active);
    share->end_row = (int)(height * next / share->n_active);
}

void mx_rows_meet(mx_rows_team *team, mx_rows_share *share)
{
    if (share->n > 1)
        mx_barrier_wait(&team->barrier, share->n, &share->phase);
}

/* Waits until the neighbour below has done the primal step of its first row. */
static void wait_for_mark(mx_flow_mark *mark, uint64_t step)
{
    for (int turn = 0; atomic_load_explicit(&mark->step, memory_order_acquire) < step;
         turn++)
        mx_wait_turn(turn);
}

/* The first row's primal step must come before the neighbour above overwrites its last
 * row's p, and gives that neighbour the u it needs for it: hence the mark. */
void mx_rows_iterate(mx_rows_team *team, mx_rows_share *share,
    const mx_tvl1_kernels *kernels, const mx_rows_state *rows, float tau, double *errors)
{
    const int first = share->first_row, end = share->end_row, width = rows->width;
    share->step++;
    if (first < end) {
        float *row = rows->rows + first * rows->row_floats;
        errors[first] = kernels->primal(row, row - rows->row_floats, width, tau);
        atomic_store_explicit(
            &team->marks[share->index].step, share->step, memory_order_release);
        for (int y = first + 1; y < end; y++) {
            float *above = row;
            row += rows->row_floats;
            errors[y] = kernels->step(row, above, width, tau);
        }
        if (share->index + 1 < share->n_active)
            wait_for_mark(&team->marks[share->index + 1], share->step);
        kernels->dual(row, end < rows->height ? row + rows->row_floats : row, width);
    }
    mx_rows_meet(team, share);
}

double mx_rows_error(const mx_rows_state *rows, const double *errors)
{
    double sum = 0;
    for (int y = 0; y < rows->height; y++)
        sum += errors[y];
    return sum / ((double)rows->width * rows->height);
}

mexpr_status mx_flow_check_inputs(
    mx_scope *scope, const mx_tvl1_kernels *kernels, const float *values, size_t n)
{
    float low, high;
    if (!kernels->range(values, n, &low, &high))
        return mx_fail(scope, MEXPR_E_FORMAT,
            "a picture holds NaN or infinity; replace such pixels before computing flow");
    if (low < -largest_value || high > largest_value)
        return mx_fail(scope, MEXPR_E_RANGE,
            "a picture has values in %g..%g; scale it to 0..255 for this method",
            (double)low, (double)high);
    return MEXPR_OK;
}
