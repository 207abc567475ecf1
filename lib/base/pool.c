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
    atomic_uint generation; /* counts teams; a change is the start signal */
    atomic_int running;     /* helpers of the present team that are not done */
    atomic_bool quit;
    int team_size; /* helpers and caller of the present team */
    mx_team_fn fn;
    void *arg;
    int n_helpers;
    struct helper {
        mx_pool *pool;
        int worker;
        pthread_t thread;
    } * helpers;
};

static inline void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static unsigned wait_for_team(mx_pool *pool, unsigned seen)
{
    for (int i = 0; i < SPIN_TURNS; i++) {
        const unsigned now =
            atomic_load_explicit(&pool->generation, memory_order_acquire);
        if (now != seen)
            return now;
        relax();
    }
    pthread_mutex_lock(&pool->mutex);
    unsigned now;
    while ((now = atomic_load_explicit(&pool->generation, memory_order_acquire)) == seen)
        pthread_cond_wait(&pool->wake, &pool->mutex);
    pthread_mutex_unlock(&pool->mutex);
    return now;
}

static void *helper_main(void *arg)
{
    const struct helper *self = arg;
    mx_pool *pool = self->pool;
    unsigned seen = 0;
    for (;;) {
        seen = wait_for_team(pool, seen);
        if (atomic_load(&pool->quit))
            return NULL;
        if (self->worker < pool->team_size)
            pool->fn(pool->arg, self->worker, pool->team_size);
        if (atomic_fetch_sub_explicit(&pool->running, 1, memory_order_acq_rel) == 1) {
            pthread_mutex_lock(&pool->mutex);
            pthread_cond_signal(&pool->done);
            pthread_mutex_unlock(&pool->mutex);
        }
    }
}

/* Publishes a new generation to all helpers. */
static void signal_helpers(mx_pool *pool)
{
    pthread_mutex_lock(&pool->mutex);
    atomic_fetch_add_explicit(&pool->generation, 1, memory_order_release);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->mutex);
}

static void wait_for_helpers(mx_pool *pool)
{
    for (int i = 0; i < SPIN_TURNS; i++) {
        if (atomic_load_explicit(&pool->running, memory_order_acquire) == 0)
            return;
        relax();
    }
    pthread_mutex_lock(&pool->mutex);
    while (atomic_load_explicit(&pool->running, memory_order_acquire) != 0)
        pthread_cond_wait(&pool->done, &pool->mutex);
    pthread_mutex_unlock(&pool->mutex);
}

/* Undoes what pool_start did, as far as it came: `n_locks` of the four primitives. */
static void pool_stop(mx_pool *pool, int n_locks)
{
    if (n_locks == 4) {
        atomic_store(&pool->quit, true);
        signal_helpers(pool);
        for (int i = 0; i < pool->n_helpers; i++)
            pthread_join(pool->helpers[i].thread, NULL);
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
            struct helper *helper = &pool->helpers[pool->n_helpers];
            helper->pool = pool;
            helper->worker = pool->n_helpers + 1;
            if (pthread_create(&helper->thread, NULL, helper_main, helper) != 0)
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

void mx_team_run(mexpr_context *context, int want, mx_team_fn fn, void *arg)
{
    mx_pool *pool = context->pool;
    if (want <= 1 || !pool || pthread_mutex_trylock(&pool->owner) != 0) {
        fn(arg, 0, 1);
        return;
    }
    pool->team_size = want < pool->n_helpers + 1 ? want : pool->n_helpers + 1;
    pool->fn = fn;
    pool->arg = arg;
    atomic_store_explicit(&pool->running, pool->n_helpers, memory_order_release);
    signal_helpers(pool);
    fn(arg, 0, pool->team_size);
    wait_for_helpers(pool);
    pthread_mutex_unlock(&pool->owner);
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
    mx_team_run(context, want < n ? want : n, for_worker, &job);
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
