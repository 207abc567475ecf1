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

/* Rows of a level that one of n threads gets, and how many threads get any. */
typedef struct mx_rows_part {
    int n_active;
    int first;
    int end;
} mx_rows_part;

mx_rows_part mx_rows_part_of(int height, int n, int index);

/* Some iterations of a thread on its rows, one if n is, and before the first of them a
 * warp of each row, unless `warp` is NULL. `mark` is its own; `below` is that of the
 * thread which has the rows below, NULL if none has; n is less than half the rows of any
 * thread. Steps are counted on, and all threads meet between them. */
typedef struct mx_rows_step {
    int first;
    int end;
    int n;
    const mx_tvl1_warp *warp;
    mx_flow_mark *mark;
    mx_flow_mark *below;
    uint64_t number;
} mx_rows_step;

/* Iterations of TV-L1. `errors` receives |dU|² of row y in iteration i at errors[i ×
 * height + y], and is not touched again before the next but one step. */
void mx_rows_iterate(const mx_tvl1_kernels *kernels, const mx_rows_state *rows,
    const mx_rows_step *step, float tau, float *errors);

/* Mean |du|² of the level in px², `pixels` being theta / tau: the same bits whatever the
 * number of threads. */
double mx_rows_error(const mx_rows_state *rows, const float *errors, double pixels);

/* Iterations until the error is small enough. */
typedef struct mx_rows_progress {
    int done;
    double error;  /* after the last of them, px² */
    double before; /* after those of the step before; 0 at first */
    double enough;
} mx_rows_progress;

enum { MX_ROWS_MOST_AT_ONCE = 16 };

/* How many iterations of a level may be one step for n threads, `cached_bytes` being what
 * stays in the last cache: no more than MX_ROWS_MOST_AT_ONCE. */
int mx_rows_most_at_once(const mx_rows_state *rows, int n, ptrdiff_t cached_bytes);

/* How many of at most `most` iterations to do in the next step, the last having had n, so
 * that only the last of them may be the one that is enough. */
int mx_rows_foresee(
    const mx_rows_progress *p, const mx_rows_state *rows, int n, int most);

/* Takes in the errors of a step of n iterations. False: one before the last was enough.
 */
bool mx_rows_judge(mx_rows_progress *p, const mx_rows_state *rows, const float *errors,
    int n, double pixels);

/* Grey values of methods that do not stretch them: MEXPR_E_FORMAT unless finite,
 * MEXPR_E_RANGE beyond ±65535. */
mexpr_status mx_flow_check_inputs(
    mx_scope *scope, const mx_tvl1_kernels *kernels, const float *values, size_t n);

#endif
