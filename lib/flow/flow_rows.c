/* SPDX-License-Identifier: MIT */
#include "flow/flow_rows.h"

#include <math.h>

enum {
    /* A thread's share of a level, below which it costs more than it brings. */
    MIN_ROWS_PER_THREAD = 24,
    /* State of rows that stay in the second cache. */
    NEAR_BYTES = 384 << 10
};

/* How far to trust that errors go on to fall as they do: for a part of the iterations
 * that would be needed then; and errors that fall more slowly, each by that part, may
 * soon fall faster again. The more pixels, the more smoothly they fall. */
static const struct trust {
    int pixels; /* at least */
    double part;
    double slow_fall;
} trusts[] = {{50000, 0.7, 0.02}, {15000, 0.6, 0.03}, {0, 1.0 / 3, 0.05}};

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

/* Iteration i at row y: the primal step of that row and the dual one of the row above. */
static void visit_row(const mx_tvl1_kernels *kernels, const mx_rows_state *rows,
    const mx_rows_step *step, int i, int y, float tau, float *errors)
{
    const int first = step->first > 0 ? step->first + i : 0;
    const int end = step->below ? step->end + i : step->end;
    float *row = rows->rows + y * rows->row_floats, *above = row - rows->row_floats;
    float *error = errors + (ptrdiff_t)i * rows->height + y;
    if (step->warp && i == 0 && y < end)
        kernels->warp(step->warp, y, row);
    if (y == first)
        *error = kernels->primal(row, above, rows->width, tau);
    else if (first < y && y < end)
        *error = kernels->step(row, above, rows->width, tau);
    else if (y == end)
        kernels->dual(above, y < rows->height ? row : above, rows->width);
}

/* Iterations follow each other at a distance of one row, while what they need is in the
 * caches. Each begins and ends one row below the one before: the rows that a thread
 * leaves out at its beginning are those that its neighbour above goes on to at its end.
 * By then they must be as far as that needs, which the mark tells: the last iteration has
 * done its first primal step here. */
void mx_rows_iterate(const mx_tvl1_kernels *kernels, const mx_rows_state *rows,
    const mx_rows_step *step, float tau, float *errors)
{
    const int own = step->end - step->first, last = step->n - 1;
    for (int at = 0; at <= own + (step->below ? 2 : 1) * last; at++) {
        if (at == own && step->below)
            wait_for_mark(step->below, step->number);
        for (int i = 0; i < step->n; i++)
            visit_row(kernels, rows, step, i, step->first + at - i, tau, errors);
        if (at == 2 * last)
            atomic_store_explicit(&step->mark->step, step->number, memory_order_release);
    }
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

/* One thread gains where the state does not stay in a cache, several by meeting less
 * often; each of them needs a few rows an iteration. */
int mx_rows_most_at_once(const mx_rows_state *rows, int n, ptrdiff_t cached_bytes)
{
    const ptrdiff_t row_bytes = rows->row_floats * (ptrdiff_t)sizeof(float);
    if (n == 1 && row_bytes * rows->height < cached_bytes)
        return 1;
    const int most = rows->height / n / 3;
    const ptrdiff_t near = NEAR_BYTES / row_bytes;
    const ptrdiff_t least = near < most ? near : most;
    return least < 1                      ? 1
           : least < MX_ROWS_MOST_AT_ONCE ? (int)least
                                          : MX_ROWS_MOST_AT_ONCE;
}

static const struct trust *trust_in(const mx_rows_state *rows)
{
    const struct trust *t = trusts;
    while ((int64_t)rows->width * rows->height < t->pixels)
        t++;
    return t;
}

/* A part of those that are needed if the error goes on to fall as it did over the last n,
 * and no more than are done. */
int mx_rows_foresee(const mx_rows_progress *p, const mx_rows_state *rows, int n, int most)
{
    if (most == 1 || p->before == 0 || p->error <= p->enough)
        return 1;
    const struct trust *trust = trust_in(rows);
    const double fall = log(p->before / p->error) / n;
    const double needed =
        log(p->error / p->enough) / (fall > trust->slow_fall ? fall : trust->slow_fall);
    const double part = trust->part * needed < most ? trust->part * needed : most;
    const int at_once = part < p->done ? (int)part : p->done;
    return at_once > 1 ? at_once : 1;
}

bool mx_rows_judge(mx_rows_progress *p, const mx_rows_state *rows, const float *errors,
    int n, double pixels)
{
    int i = 0;
    p->before = p->done ? p->error : 0;
    do
        p->error = mx_rows_error(rows, errors + (ptrdiff_t)i * rows->height, pixels);
    while (++i < n && p->error > p->enough);
    p->done += i;
    return i == n;
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
