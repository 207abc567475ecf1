/* SPDX-License-Identifier: MIT */
#include "flow/flow_team.h"

enum {
    MIN_ROWS_PER_THREAD = 24, /* below, a further thread costs more than it brings */
    MAX_CALLS_ALONE = 255,
};

/* Worker 0 may wait for this part of the time it works, and a bit. */
#define MAX_WAIT 0.5
#define MAX_WAIT_MS 0.3

int mx_flow_team_size(mx_flow_team *team, int n_threads)
{
    team->has_asked = n_threads > 1 && team->n_calls_alone == 0;
    if (team->n_calls_alone > 0)
        team->n_calls_alone--;
    return team->has_asked ? n_threads : 1;
}

void mx_flow_team_begin(mx_flow_team *team)
{
    atomic_store_explicit(&team->alone_from, UINT64_MAX, memory_order_relaxed);
    atomic_store_explicit(&team->barrier.arrived, 0, memory_order_relaxed);
    atomic_store_explicit(&team->barrier.phase, 0, memory_order_relaxed);
    for (int i = 0; i < MX_PYRAMID_MAX_LEVELS; i++) {
        atomic_store_explicit(&team->level_barriers[i].arrived, 0, memory_order_relaxed);
        atomic_store_explicit(&team->level_barriers[i].phase, 0, memory_order_relaxed);
    }
    for (int i = 0; i < MX_FLOW_MAX_THREADS; i++)
        atomic_store_explicit(&team->marks[i].step, 0, memory_order_relaxed);
}

static bool is_alone(const mx_flow_team *team)
{
    return atomic_load_explicit(&team->alone_from, memory_order_acquire) != UINT64_MAX;
}

/* 1, 3, 7 … calls alone after each that had to part, until one keeps together. */
void mx_flow_team_end(mx_flow_team *team)
{
    if (is_alone(team)) {
        if (team->patience < MAX_CALLS_ALONE)
            team->patience = 2 * team->patience + 1;
        team->n_calls_alone = team->patience;
    } else if (team->has_asked) {
        team->patience = 0;
    }
}

void mx_flow_share_level(mx_flow_worker *worker, mx_flow_level *level)
{
    const int64_t height = level->height;
    const int most =
        is_alone(&worker->flow->work.team) ? 1 : level->height / MIN_ROWS_PER_THREAD;
    worker->level = level;
    worker->level_phase = 0;
    worker->n_level = most < 1 ? 1 : most < worker->n ? most : worker->n;
    const int index = worker->index < worker->n_level ? worker->index : worker->n_level;
    worker->first_row = (int)(height * index / worker->n_level);
    worker->end_row = index < worker->n_level
                          ? (int)(height * (index + 1) / worker->n_level)
                          : worker->first_row;
}

/* Like mx_barrier_wait(), but who waits here may be told that no one will come. */
bool mx_flow_meet(mx_flow_worker *worker)
{
    mx_flow_team *team = &worker->flow->work.team;
    mx_barrier *barrier = &team->barrier;
    if (is_alone(team))
        return worker->index == 0;
    const int next = ++worker->phase;
    if (atomic_fetch_add_explicit(&barrier->arrived, 1, memory_order_acq_rel) ==
        worker->n - 1) {
        atomic_store_explicit(&barrier->arrived, 0, memory_order_relaxed);
        atomic_store_explicit(&barrier->phase, next, memory_order_release);
        return true;
    }
    for (int turn = 0;
         atomic_load_explicit(&barrier->phase, memory_order_acquire) != next; turn++) {
        if (is_alone(team))
            return worker->index == 0;
        mx_wait_turn(turn);
    }
    return true;
}

void mx_flow_meet_level(mx_flow_worker *worker)
{
    if (worker->n_level > 1)
        mx_barrier_wait(&worker->flow->work.team.level_barriers[worker->level->index],
            worker->n_level, &worker->level_phase);
}

/* To go on alone worker 0 names a step; after the meeting at its end the others leave. */
void mx_flow_step_begin(mx_flow_worker *worker, uint64_t step)
{
    mx_flow_team *team = &worker->flow->work.team;
    if (worker->n_level == 1 || worker->index != 0)
        return;
    if (worker->waited_ms > MAX_WAIT * worker->worked_ms + MAX_WAIT_MS)
        atomic_store_explicit(&team->alone_from, step, memory_order_release);
    worker->step_began = mx_now_ms();
}

bool mx_flow_step_end(mx_flow_worker *worker, uint64_t step)
{
    const mx_flow_team *team = &worker->flow->work.team;
    if (worker->n_level == 1)
        return true;
    const double worked = worker->index == 0 ? mx_now_ms() : 0;
    mx_flow_meet_level(worker);
    if (worker->index == 0) {
        worker->worked_ms += worked - worker->step_began;
        worker->waited_ms += mx_now_ms() - worked;
    }
    if (atomic_load_explicit(&team->alone_from, memory_order_relaxed) <= step) {
        worker->n_level = 1;
        worker->first_row = 0;
        worker->end_row = worker->index == 0 ? worker->level->height : 0;
    }
    return worker->end_row > worker->first_row;
}

void mx_flow_mark_set(mx_flow_worker *worker, uint64_t step)
{
    atomic_store_explicit(
        &worker->flow->work.team.marks[worker->index].step, step, memory_order_release);
}

void mx_flow_mark_wait(mx_flow_worker *worker, uint64_t step)
{
    const mx_flow_mark *below = &worker->flow->work.team.marks[worker->index + 1];
    if (worker->index + 1 == worker->n_level)
        return;
    for (int turn = 0; atomic_load_explicit(&below->step, memory_order_acquire) < step;
         turn++)
        mx_wait_turn(turn);
}
