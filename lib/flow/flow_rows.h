/* SPDX-License-Identifier: MIT */
/* Threads that work on the rows of a level together, meeting where they need each other's
 * rows. All of them take the same way through a method's loops, some with no rows. */
#ifndef MX_FLOW_FLOW_ROWS_H
#define MX_FLOW_FLOW_ROWS_H

#include "flow/flow_estimator.h"

typedef struct mx_rows_team {
    mx_barrier barrier;
    mx_flow_mark marks[MX_FLOW_MAX_THREADS];
} mx_rows_team;

/* One thread, and its rows of the level in work. */
typedef struct mx_rows_share {
    int index;
    int n;
    int n_active; /* threads that have rows: the first of the team */
    int first_row;
    int end_row;
    int phase;     /* of the barrier */
    uint64_t step; /* iterations done in this call */
} mx_rows_share;

/* A level's state rows (tvl1_kernel.h); row -1 is there and 0. */
typedef struct mx_rows_state {
    float *rows;
    ptrdiff_t row_floats;
    int width;
    int height;
} mx_rows_state;

/* Runs fn on the context's threads. */
void mx_rows_run(mx_rows_team *team, mexpr_context *context, mx_team_fn fn, void *arg);

/* Divides `height` rows. */
void mx_rows_divide(mx_rows_share *share, int height);

/* Waits for all. */
void mx_rows_meet(mx_rows_team *team, mx_rows_share *share);

/* One iteration of TV-L1 on this thread's rows, then meets. `errors` receives |dU|² of
 * every row, and is not touched again before the next but one iteration. */
void mx_rows_iterate(mx_rows_team *team, mx_rows_share *share,
    const mx_tvl1_kernels *kernels, const mx_rows_state *rows, float tau, double *errors);

/* Mean of the errors over the level, the same bits whatever the number of threads. */
double mx_rows_error(const mx_rows_state *rows, const double *errors);

/* Grey values of methods that do not stretch them: MEXPR_E_FORMAT unless finite,
 * MEXPR_E_RANGE beyond ±65535. */
mexpr_status mx_flow_check_inputs(
    mx_scope *scope, const mx_tvl1_kernels *kernels, const float *values, size_t n);

#endif
