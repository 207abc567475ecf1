/* SPDX-License-Identifier: MIT */
#include "base/pool.h"

#include <pthread.h>
#include <sched.h>

#include "base/context.h"

/* Busy turns before a waiter yields or sleeps: some microseconds, enough for the gap
 * between two steps of one call, short enough not to burn a core. */
enum { SPIN_TURNS = 4000 };

struct mx_pool {
    pthread_mutex_t owner; /* held by the team that works */
    pthread_mutex_t mutex; /* guards what follows, with `wake` and `done` */
    pthread_cond_t wake;
    pthread_cond_t done;
    /* Upper half: counts teams, a change is the start signal. Lower half: places in the
     * present team that are free for helpers, whoever comes first. */
    atomic_uint_least64_t state;
    atomic_int n_done; /* helpers of the present team that are */
    atomic_bool quit;
    int team_size; /* helpers and caller of the present team */
    mx_team_fn fn;
    void *arg;
    int n_helpers;
    pthread_t *helpers;
};

static inline void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static uint32_t team_of(uint64_t state)
{
    return (uint32_t)(state >> 32);
}

static int places_of(uint64_t state)
{
    return (int)(uint32_t)state;
}

static uint64_t load_state(mx_pool *pool)
{
    return atomic_load_explicit(&pool->state, memory_order_acquire);
}

static uint32_t wait_for_team(mx_pool *pool, uint32_t seen)
{
    for (int i = 0; i < SPIN_TURNS; i++) {
        const uint32_t now = team_of(load_state(pool));
        if (now != seen)
            return now;
        relax();
    }
    pthread_mutex_lock(&pool->mutex);
    uint32_t now;
    while ((now = team_of(load_state(pool))) == seen)
        pthread_cond_wait(&pool->wake, &pool->mutex);
    pthread_mutex_unlock(&pool->mutex);
    return now;
}

/* Takes a place in a team, *places being those that were free; false where there is none
 * any more. */
static bool join_team(mx_pool *pool, uint32_t team, int *places)
{
    uint64_t state = load_state(pool);
    while (team_of(state) == team && places_of(state) > 0) {
        *places = places_of(state);
        if (atomic_compare_exchange_weak_explicit(&pool->state, &state, state - 1,
                memory_order_acq_rel, memory_order_acquire))
            return true;
    }
    return false;
}

static void *helper_main(void *arg)
{
    mx_pool *pool = arg;
    uint32_t seen = 0;
    int places;
    for (;;) {
        seen = wait_for_team(pool, seen);
        if (atomic_load(&pool->quit))
            return NULL;
        if (!join_team(pool, seen, &places))
            continue;
        pool->fn(pool->arg, pool->team_size - places, pool->team_size);
        /* Who waits for it holds the mutex from looking to sleeping. */
        pthread_mutex_lock(&pool->mutex);
        atomic_fetch_add_explicit(&pool->n_done, 1, memory_order_acq_rel);
        pthread_cond_signal(&pool->done);
        pthread_mutex_unlock(&pool->mutex);
    }
}

/* Opens the next team to `places` helpers. */
static void open_team(mx_pool *pool, int places)
{
    pthread_mutex_lock(&pool->mutex);
    const uint64_t next = (uint64_t)(team_of(load_state(pool)) + 1) << 32;
    atomic_store_explicit(&pool->state, next + (uint64_t)places, memory_order_release);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->mutex);
}

/* Lets no one join any more; how many have. */
static int close_team(mx_pool *pool)
{
    const uint64_t before = atomic_fetch_and_explicit(
        &pool->state, ~(uint64_t)UINT32_MAX, memory_order_acq_rel);
    return pool->team_size - 1 - places_of(before);
}

static void wait_for_helpers(mx_pool *pool, int n)
{
    for (int i = 0; i < SPIN_TURNS; i++) {
        if (atomic_load_explicit(&pool->n_done, memory_order_acquire) == n)
            return;
        relax();
    }
    pthread_mutex_lock(&pool->mutex);
    while (atomic_load_explicit(&pool->n_done, memory_order_acquire) != n)
        pthread_cond_wait(&pool->done, &pool->mutex);
    pthread_mutex_unlock(&pool->mutex);
}

/* Undoes what pool_start did, as far as it came: `n_locks` of the four primitives. */
static void pool_stop(mx_pool *pool, int n_locks)
{
    if (n_locks == 4) {
        atomic_store(&pool->quit, true);
        open_team(pool, 0);
        for (int i = 0; i < pool->n_helpers; i++)
            pthread_join(pool->helpers[i], NULL);
        pthread_cond_destroy(&pool->done);
    }
    if (n_locks >= 3)
        pthread_cond_destroy(&pool->wake);
    if (n_locks >= 2)
        pthread_mutex_destroy(&pool->mutex);
    if (n_locks >= 1)
        pthread_mutex_destroy(&pool->owner);
}

static bool pool_start(mx_pool *pool, int n_helpers)
{
    int n_locks = 0;
    if (pthread_mutex_init(&pool->owner, NULL) == 0 && ++n_locks &&
        pthread_mutex_init(&pool->mutex, NULL) == 0 && ++n_locks &&
        pthread_cond_init(&pool->wake, NULL) == 0 && ++n_locks &&
        pthread_cond_init(&pool->done, NULL) == 0 && ++n_locks) {
        for (; pool->n_helpers < n_helpers; pool->n_helpers++) {
            if (pthread_create(
                    &pool->helpers[pool->n_helpers], NULL, helper_main, pool) != 0)
                break;
        }
        if (pool->n_helpers == n_helpers)
            return true;
    }
    pool_stop(pool, n_locks);
    return false;
}

mx_pool *mx_pool_create(mexpr_context *context, int n_threads, mexpr_status *status)
{
    mx_scope *scope = mx_context_scope(context);
    const size_t n_helpers = (size_t)(n_threads - 1);
    mx_pool *pool = mx_calloc(scope, 1, sizeof *pool);
    if (pool)
        pool->helpers = mx_calloc(scope, n_helpers, sizeof *pool->helpers);
    if (!pool || !pool->helpers) {
        *status = MEXPR_E_NOMEM;
    } else if (!pool_start(pool, (int)n_helpers)) {
        *status = mx_fail(scope, MEXPR_E_THREAD, "could not start %d threads", n_threads);
    } else {
        *status = MEXPR_OK;
        return pool;
    }
    if (pool)
        mx_free(context, pool->helpers);
    mx_free(context, pool);
    return NULL;
}

void mx_pool_destroy(mexpr_context *context, mx_pool *pool)
{
    if (!pool)
        return;
    pool_stop(pool, 4);
    mx_free(context, pool->helpers);
    mx_free(context, pool);
}

/* `all`: the team is complete before it ends; otherwise it ends with those who came in
 * time, so that no one waits for a thread that the system has not let run yet. */
static void run_team(mexpr_context *context, int want, bool all, mx_team_fn fn, void *arg)
{
    mx_pool *pool = context->pool;
    if (want <= 1 || !pool || pthread_mutex_trylock(&pool->owner) != 0) {
        fn(arg, 0, 1);
        return;
    }
    pool->team_size = want < pool->n_helpers + 1 ? want : pool->n_helpers + 1;
    pool->fn = fn;
    pool->arg = arg;
    atomic_store_explicit(&pool->n_done, 0, memory_order_relaxed);
    open_team(pool, pool->team_size - 1);
    fn(arg, 0, pool->team_size);
    wait_for_helpers(pool, all ? pool->team_size - 1 : close_team(pool));
    pthread_mutex_unlock(&pool->owner);
}

void mx_team_run(mexpr_context *context, int want, mx_team_fn fn, void *arg)
{
    run_team(context, want, true, fn, arg);
}

typedef struct for_job {
    atomic_int next;
    int n;
    mx_for_fn fn;
    void *arg;
} for_job;

static void for_worker(void *arg, int worker, int n_workers)
{
    for_job *job = arg;
    (void)n_workers;
    int index;
    while (
        (index = atomic_fetch_add_explicit(&job->next, 1, memory_order_relaxed)) < job->n)
        job->fn(job->arg, index, worker);
}

void mx_parallel_for(mexpr_context *context, int want, int n, mx_for_fn fn, void *arg)
{
    for_job job = {.n = n, .fn = fn, .arg = arg};
    run_team(context, want < n ? want : n, false, for_worker, &job);
}

void mx_wait_turn(int turn)
{
    if (turn < SPIN_TURNS)
        relax();
    else
        sched_yield();
}

void mx_barrier_wait(mx_barrier *barrier, int n_workers, int *phase)
{
    const int next = *phase + 1;
    *phase = next;
    if (atomic_fetch_add_explicit(&barrier->arrived, 1, memory_order_acq_rel) ==
        n_workers - 1) {
        atomic_store_explicit(&barrier->arrived, 0, memory_order_relaxed);
        atomic_store_explicit(&barrier->phase, next, memory_order_release);
        return;
    }
    for (int turn = 0;
         atomic_load_explicit(&barrier->phase, memory_order_acquire) != next; turn++)
        mx_wait_turn(turn);
}
