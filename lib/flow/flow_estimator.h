/* SPDX-License-Identifier: MIT */
/* The estimator from inside. flow.c is the door and keeps the parameters; flow_levels.c
 * goes from the coarsest level to the finest with a team of threads (flow_team.c);
 * flow_pyramid.c makes the levels; tvl1.c solves one. Another method is another file
 * beside tvl1.c. */
#ifndef MX_FLOW_FLOW_ESTIMATOR_H
#define MX_FLOW_FLOW_ESTIMATOR_H

#include <stdatomic.h>

#include "base/pool.h"
#include "base/scope.h"
#include "flow/flow_pyramid.h"
#include "kernel/tvl1_kernel.h"
#include "microexpr/flow.h"

enum {
    MX_FLOW_N_PARAMS = MEXPR_FLOW_GAUSSIAN,
    MX_FLOW_N_METHODS = MEXPR_FLOW_METHOD_FARNEBACK + 1,
    MX_FLOW_MAX_THREADS = 64,
    MX_FLOW_CACHED_BYTES = 4 << 20,
    MX_FLOW_DIVIDED_BYTES = 4 << 20
};

/* The parameters as the methods use them: single precision, like the published program.
 */
typedef struct mx_flow_settings {
    float tau;
    float lambda;
    float theta;
    float zoom;
    float epsilon;
    int max_levels;
    int n_warps;
    int max_iterations;
    bool is_fast; /* MEXPR_FLOW_METHOD_TVL1_FAST */
} mx_flow_settings;

/* How far a worker has come, for its neighbour to see. */
typedef struct mx_flow_mark {
    _Alignas(MX_ALIGNMENT) atomic_uint_least64_t step;
} mx_flow_mark;

/* See flow_team.h. */
typedef struct mx_flow_team {
    mx_flow_mark marks[MX_FLOW_MAX_THREADS];
    mx_barrier barrier; /* of all workers */
    mx_barrier level_barriers[MX_PYRAMID_MAX_LEVELS];
    atomic_uint_least64_t alone_from; /* the step after which worker 0 is alone */
    bool has_asked;                   /* this call, for others */
    int n_calls_alone;                /* calls that shall not */
    int patience;                     /* how many the next failure will make it */
} mx_flow_team;

/* A level while it is solved: row y of its state (tvl1_kernel.h) is at
 * rows + y × row_floats, with a row of zeros above the first. */
typedef struct mx_flow_level {
    int index;
    int width;
    int height;
    ptrdiff_t row_floats;
    float *rows;
} mx_flow_level;

typedef struct mx_flow_work {
    /* What the memory is laid out for. */
    int width;
    int height;
    mx_flow_settings settings;
    /* Memory, in one block: the state of the level that is solved, the flow of the one
     * before, scratch lines per thread, row errors of even and odd steps. */
    float *block;
    float *state;
    float *coarse[MX_TVL1_A]; /* the first fields of the state, and of those n_carried */
    int n_carried;
    float *lines;
    float *errors[2];
    mx_pyramid pyramid;
    mx_flow_level levels[MX_PYRAMID_MAX_LEVELS];
    mx_flow_team team;
    /* One call. */
    const float *inputs[2];
    double low;
    double span;
    float *u;
    float *v;
    uint64_t pixel_iterations; /* pixels times iterations, over all levels and warps */
    int n_anew;                /* levels that were begun anew (tvl1.h) */
} mx_flow_work;

struct mexpr_flow {
    mx_scope scope;                      /* its context is retained */
    double params[MX_FLOW_N_PARAMS + 1]; /* by mexpr_flow_param */
    mx_tvl1_kernels kernels;
    ptrdiff_t cached_bytes;  /* state that stays in the last cache between iterations */
    ptrdiff_t divided_bytes; /* state from which on the threads of a clip share a pair */
    mx_flow_work work;
    /* Memory of the other methods, NULL while not in use. */
    struct mx_dualtvl1 *dualtvl1;
    struct mx_farneback *farneback;
    struct mx_flow_window *window; /* flow_clip.c; NULL before the first clip */
};

/* One thread of a call. */
typedef struct mx_flow_worker {
    mexpr_flow *flow;
    int index;
    int n;
    int phase; /* of the team's barrier */
    mx_flow_level *level;
    int n_level;       /* the level's team: workers 0 .. n_level - 1 */
    int level_phase;   /* of the level's barrier */
    double step_began; /* worker 0's clock: this step, */
    double worked_ms;  /* all steps of the call but for the waiting, */
    double waited_ms;  /* and that */
    int first_row;     /* this worker's share of the level */
    int end_row;
} mx_flow_worker;

/* An estimator with the same parameters, for another thread. */
mexpr_status mx_flow_clone(mx_scope *scope, const mexpr_flow *flow, mexpr_flow **out);
void mx_flow_window_destroy(mexpr_flow *flow);
/* Makes a call with pictures of this size allocate nothing. */
mexpr_status mx_flow_reserve(mexpr_flow *flow, int32_t width, int32_t height);

/* Lays out the memory for pictures of this size; does nothing when it fits already. */
mexpr_status mx_flow_prepare(
    mexpr_flow *flow, const mx_flow_settings *settings, int width, int height);
void mx_flow_work_destroy(mexpr_context *context, mx_flow_work *work);

/* Where a caller may put picture 0 or 1, without gaps, before mx_flow_solve(). */
float *mx_flow_input(mexpr_flow *flow, int which);

/* Flow between the inputs, which are lost, into planes without gaps. MEXPR_E_FORMAT when
 * a number is not finite. */
mexpr_status mx_flow_solve(mexpr_flow *flow, float *u, float *v);

#endif
