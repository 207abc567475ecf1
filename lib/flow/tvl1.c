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

/* How many iterations to do at once: half of those that are still needed if the error goes
 * on to fall as it did over the last n, no more than are done. More than needed would have
 * to be taken back. */
static int foresee(const progress *p, int n, int most)
{
    if (most == 1 || p->before == 0 || p->error <= p->enough)
        return 1;
    const double fall = log(p->before / p->error) / n;
    const double needed = fall > 0 ? log(p->error / p->enough) / fall : most;
    const double half = needed / 2 < most ? needed / 2 : most;
    most = half < p->done ? (int)half : p->done;
    return most > 1 ? most : 1;
}

/* Does n iterations, a step of the team. False: this worker has to leave. */
static bool iterate_rows(mx_flow_worker *worker, const mx_rows_state *rows, uint64_t step,
    int n, float *kept)
{
    mx_flow_work *work = &worker->flow->work;
    mx_flow_mark *mark = &work->team.marks[worker->index];
    const mx_rows_step own = {
        .first = worker->first_row,
        .end = worker->end_row,
        .n = n,
        .kept = kept,
        .kept_floats = mx_rows_kept_floats(rows->width),
        .mark = mark,
        .below = worker->index + 1 < worker->n_level ? mark + 1 : NULL,
        .number = step,
    };
    mx_flow_step_begin(worker, step);
    mx_rows_iterate(&worker->flow->kernels, rows, &own, work->settings.tau,
        work->errors[step % 2]);
    return mx_flow_step_end(worker, step);
}

/* Finds out how far the errors of a step of n iterations let it go: to the first that is
 * small enough. */
static int judge(progress *p, const mx_flow_worker *worker, const mx_rows_state *rows,
    const float *errors, int n)
{
    const mx_flow_settings *settings = &worker->flow->work.settings;
    const double pixels = (double)settings->theta / (double)settings->tau;
    int i = 0;
    p->before = p->done ? p->error : 0;
    do
        p->error = mx_rows_error(rows, errors + (ptrdiff_t)i * rows->height, pixels);
    while (++i < n && p->error > p->enough);
    p->done += i;
    return i;
}

/* The iterations of one warp, each tested. Where several are done at once and one before
 * the last turns out to be enough, they are taken back, and done up to that one. */
static bool iterate_warp(
    mx_flow_worker *worker, const mx_rows_state *rows, uint64_t *step, int *done)
{
    mx_flow_work *work = &worker->flow->work;
    const mx_flow_settings *settings = &work->settings;
    const double enough = (double)settings->epsilon * (double)settings->epsilon;
    progress p = {.error = 2 * enough + 1, .enough = enough};
    int n = 1;
    while (p.done < settings->max_iterations && p.error > enough) {
        const int rest = settings->max_iterations - p.done;
        n = foresee(&p, n, worker->level->most_at_once);
        n = n < rest ? n : rest;
        if (!iterate_rows(worker, rows, ++*step, n, n > 1 ? work->kept : NULL))
            return false;
        const int needed = judge(&p, worker, rows, work->errors[*step % 2], n);
        if (needed == n)
            continue;
        mx_rows_restore(rows, work->kept, worker->first_row, worker->end_row);
        mx_flow_meet_level(worker);
        if (!iterate_rows(worker, rows, ++*step, needed, NULL))
            return false;
    }
    *done += p.done;
    return true;
}

void mx_tvl1_level(mx_flow_worker *worker)
{
    mx_flow_work *work = &worker->flow->work;
    const mx_flow_settings *settings = &work->settings;
    const mx_flow_level *level = worker->level;
    const mx_rows_state rows = {
        .rows = level->rows,
        .row_floats = level->row_floats,
        .width = level->width,
        .height = level->height,
    };
    /* Steps count on from level to level, so that marks never lie. */
    uint64_t step = (uint64_t)(work->pyramid.n_levels - level->index) << 32;
    int done = 0;
    for (int warp = 0; warp < settings->n_warps; warp++) {
        warp_rows(worker);
        if (!iterate_warp(worker, &rows, &step, &done))
            return;
    }
    if (worker->index == 0)
        work->pixel_iterations +=
            (uint64_t)done * (uint64_t)level->width * (uint64_t)level->height;
}
