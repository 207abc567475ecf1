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

mx_rows_part mx_rows_part_of(int height, int n, int index)
{
    const int most = height / MIN_ROWS_PER_THREAD;
    const int n_active = most < 1 ? 1 : most < n ? most : n;
    const int64_t own = index < n_active ? index : n_active;
    const int64_t next = own < n_active ? own + 1 : own;
    return (mx_rows_part){
        .n_active = n_active,
        .first = (int)(height * own / n_active),
        .end = (int)(height * next / n_active),
    };
}

void mx_rows_divide(mx_rows_share *share, int height)
{
    const mx_rows_part part = mx_rows_part_of(height, share->n, share->index);
    share->n_active = part.n_active;
    share->first_row = part.first;
    share->end_row = part.end;
}

void mx_rows_meet(mx_rows_team *team, mx_rows_share *share)
{
    if (share->n > 1)
        mx_barrier_wait(&team->barrier, share->n, &share->phase);
}

static void wait_for_mark(mx_flow_mark *mark, uint64_t step)
{
    for (int turn = 0; atomic_load_explicit(&mark->step, memory_order_acquire) < step;
         turn++)
        mx_wait_turn(turn);
}

/* The first row's primal step must come before the neighbour above overwrites its last
 * row's p, and gives that neighbour the u it needs for it: hence the mark. */
void mx_rows_iterate(const mx_tvl1_kernels *kernels, const mx_rows_state *rows,
    const mx_rows_step *step, float tau, float *errors)
{
    const int width = rows->width;
    float *row = rows->rows + step->first * rows->row_floats;
    errors[step->first] = kernels->primal(row, row - rows->row_floats, width, tau);
    atomic_store_explicit(&step->mark->step, step->number, memory_order_release);
    for (int y = step->first + 1; y < step->end; y++) {
        float *above = row;
        row += rows->row_floats;
        errors[y] = kernels->step(row, above, width, tau);
    }
    if (step->below)
        wait_for_mark(step->below, step->number);
    kernels->dual(row, step->end < rows->height ? row + rows->row_floats : row, width);
}

/* Summed in one order by every thread for itself: row y into sum y mod 4, so that no
 * addition waits for the one before. */
double mx_rows_error(const mx_rows_state *rows, const float *errors, double pixels)
{
    double sums[4] = {0};
    for (int y = 0; y < rows->height; y++)
        sums[y % 4] += (double)errors[y];
    const double sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    return sum * pixels * pixels / ((double)rows->width * rows->height);
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
