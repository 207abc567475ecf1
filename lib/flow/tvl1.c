/* SPDX-License-Identifier: MIT */
/* TV-L1 flow on one level: C. Zach, T. Pock, H. Bischof, "A Duality Based Approach for
 * Realtime TV-L1 Optical Flow", DAGM 2007, in the form of J. Sánchez, E.
 * Meinhardt-Llopis, G. Facciolo, IPOL 3 (2013), 137-150.
 *
 * Each warp linearises the data term about the present flow; iterations of a primal and a
 * dual step then minimise. The auxiliary v of the papers is folded into the primal step:
 * with n = grad I1 / |grad I1| and t = (rho / |grad I1|) cut to ±lambda theta |grad I1|,
 * v = u - t n. The dual variable lives through all warps of a level. One pass over the
 * rows does both steps in place: the dual step of row y - 1 needs the new u of row y, and
 * nothing below reads what it overwrites. */
#include "flow/tvl1.h"

#include <math.h>

#include "flow/flow_rows.h"
#include "flow/flow_team.h"

/* Errors that fall more slowly, each by this part, may soon fall faster again. */
#define SLOW_FALL 0.05

static float *row_of(const mx_flow_level *level, int y)
{
    return level->rows + y * level->row_floats;
}

static void warp_rows(const mx_flow_worker *worker)
{
    const mx_flow_level *level = worker->level;
    const mx_flow_work *work = &worker->flow->work;
    const mx_flow_settings *settings = &work->settings;
    const mx_pyramid_level *picture = &work->pyramid.levels[level->index];
    const mx_tvl1_warp warp = {
        .i0 = picture->images[0],
        .i1 = picture->images[1],
        .plane_stride = picture->stride,
        .width = level->width,
        .height = level->height,
        .pixels = settings->theta / settings->tau,
        .units = settings->tau / settings->theta,
        .lambda_tau = settings->lambda * settings->tau,
    };
    for (int y = worker->first_row; y < worker->end_row; y++)
        worker->flow->kernels.warp(&warp, y, row_of(level, y));
}

/* A warp's iterations. */
typedef struct progress {
    int done;
    double error;  /* after the last of them, px² */
    double before; /* after those of the step before; 0 at first */
    double enough;
} progress;

/* How many iterations to do at once, of which only the last may be the one that is
 * enough: a third of those that are needed if the error goes on to fall as it did over
 * the last n, or SLOW_FALL where that was slower, and no more than are done. */
static int foresee(const progress *p, int n, int most)
{
    if (p->before == 0 || p->error <= p->enough)
        return 1;
    const double fall = log(p->before / p->error) / n;
    const double needed =
        log(p->error / p->enough) / (fall > SLOW_FALL ? fall : SLOW_FALL);
    const double third = needed / 3 < most ? needed / 3 : most;
    const int at_once = third < p->done ? (int)third : p->done;
    return at_once > 1 ? at_once : 1;
}

/* Does n iterations, a step of the team. False: this worker has to leave. */
static bool iterate_rows(
    mx_flow_worker *worker, const mx_rows_state *rows, uint64_t step, int n)
{
    mx_flow_work *work = &worker->flow->work;
    mx_flow_mark *mark = &work->team.marks[worker->index];
    const mx_rows_step own = {
        .first = worker->first_row,
        .end = worker->end_row,
        .n = n,
        .mark = mark,
        .below = worker->index + 1 < worker->n_level ? mark + 1 : NULL,
        .number = step,
    };
    mx_flow_step_begin(worker, step);
    mx_rows_iterate(
        &worker->flow->kernels, rows, &own, work->settings.tau, work->errors[step % 2]);
    return mx_flow_step_end(worker, step);
}

/* Takes in the errors of a step of n iterations. False: one before the last was enough.
 */
static bool judge(progress *p, const mx_flow_worker *worker, const mx_rows_state *rows,
    int n, uint64_t step)
{
    const mx_flow_work *work = &worker->flow->work;
    const float *errors = work->errors[step % 2];
    const double pixels = (double)work->settings.theta / (double)work->settings.tau;
    int i = 0;
    p->before = p->done ? p->error : 0;
    do
        p->error = mx_rows_error(rows, errors + (ptrdiff_t)i * rows->height, pixels);
    while (++i < n && p->error > p->enough);
    p->done += i;
    return i == n;
}

typedef enum outcome { GOES_ON, TOO_FAR, LEAVES } outcome;

/* The iterations of one warp, each tested. */
static outcome iterate_warp(mx_flow_worker *worker, const mx_rows_state *rows,
    uint64_t *step, int most, uint64_t *done)
{
    const mx_flow_settings *settings = &worker->flow->work.settings;
    const double enough = (double)settings->epsilon * (double)settings->epsilon;
    progress p = {.error = 2 * enough + 1, .enough = enough};
    int n = 1;
    while (p.done < settings->max_iterations && p.error > enough) {
        const int rest = settings->max_iterations - p.done;
        n = foresee(&p, n, most < rest ? most : rest);
        if (!iterate_rows(worker, rows, ++*step, n))
            return LEAVES;
        if (!judge(&p, worker, rows, n, *step))
            return TOO_FAR;
    }
    *done += (uint64_t)p.done;
    return GOES_ON;
}

bool mx_tvl1_level(mx_flow_worker *worker, int most)
{
    mx_flow_work *work = &worker->flow->work;
    const mx_flow_level *level = worker->level;
    const mx_rows_state rows = {
        .rows = level->rows,
        .row_floats = level->row_floats,
        .width = level->width,
        .height = level->height,
    };
    /* Steps count on from level to level, so that marks never lie. */
    uint64_t step = (uint64_t)(work->pyramid.n_levels - level->index) << 32, done = 0;
    if (most == 1)
        step += UINT32_MAX / 2;
    for (int warp = 0; warp < work->settings.n_warps; warp++) {
        warp_rows(worker);
        const outcome o = iterate_warp(worker, &rows, &step, most, &done);
        if (o != GOES_ON)
            return o == LEAVES;
    }
    if (worker->index == 0)
        work->pixel_iterations += done * (uint64_t)level->width * (uint64_t)level->height;
    return true;
}
