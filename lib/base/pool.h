/* SPDX-License-Identifier: MIT */
/* The context's bounded thread pool. Results must not depend on how many workers there
 * are: divide work by index, never by worker, and reduce in index order. */
#ifndef MX_BASE_POOL_H
#define MX_BASE_POOL_H

#include <stdatomic.h>

#include "base/scope.h"

typedef struct mx_pool mx_pool;

/* A pool of n_threads - 1 threads beside the caller's. NULL when refused: *status says
 * why. */
mx_pool *mx_pool_create(mexpr_context *context, int n_threads, mexpr_status *status);
void mx_pool_destroy(mexpr_context *context, mx_pool *pool);

typedef void (*mx_team_fn)(void *arg, int worker, int n_workers);

/* Runs fn on up to `want` workers at the same time, the caller being worker 0, and waits
 * for all. All of a team run concurrently, so they may meet at a barrier. A pool that is
 * busy with another object's work lends no one: the caller then works alone. */
void mx_team_run(mexpr_context *context, int want, mx_team_fn fn, void *arg);

typedef void (*mx_for_fn)(void *arg, int index, int worker);

/* Calls fn for every index of 0..n-1, each once, on up to `want` workers: those that come
 * while there is work left. `worker` is below the context's n_threads: use it to choose
 * scratch memory, not results. */
void mx_parallel_for(mexpr_context *context, int want, int n, mx_for_fn fn, void *arg);

/* Meeting point of a team. Initialise with {0}; `*phase` is each worker's own, at first
 * 0. */
typedef struct mx_barrier {
    atomic_int arrived;
    atomic_int phase;
} mx_barrier;

/* What a thread does at turn 0, 1, 2, … of a loop that waits for another: it pauses, and
 * before long lets others run. */
void mx_wait_turn(int turn);

void mx_barrier_wait(mx_barrier *barrier, int n_workers, int *phase);

#endif
