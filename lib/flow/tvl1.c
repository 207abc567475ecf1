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

#include "flow/flow_rows.h"
#include "flow/flow_team.h"

static mx_tvl1_warp warp_of(const mx_flow_worker *worker)
{
    const mx_flow_level *level = worker->level;
    const mx_flow_work *work = &worker->flow->work;
    const mx_flow_settings *settings = &work->settings;
    const mx_pyramid_level *picture = &work->pyramid.levels[level->index];
    return (mx_tvl1_warp){
        .i0 = picture->images[0],
        .i1 = picture->images[1],
        .plane_stride = picture->stride,
        .width = level->width,
        .height = level->height,
        .pixels = settings->theta / settings->tau,
        .units = settings->tau / settings->theta,
        .lambda_tau = settings->lambda * settings->tau,
    };
}

/* Does n iterations, a step of the team. False: this worker has to leave. */
static bool iterate_rows(mx_flow_worker *worker, const mx_rows_state *rows, uint64_t step,
    int n, const mx_tvl1_warp *warp)
{
    mx_flow_work *work = &worker->flow->work;
    mx_flow_mark *mark = &work->team.marks[worker->index];
    const mx_rows_step own = {
        .first = worker->first_row,
        .end = worker->end_row,
        .n = n,
        .warp = warp,
        .mark = mark,
        .below = worker->index + 1 < worker->n_level ? mark + 1 : NULL,
        .number = step,
    };
    mx_flow_step_begin(worker, step);
    mx_rows_iterate(
        &worker->flow->kernels, rows, &own, work->settings.tau, work->errors[step % 2]);
    return mx_flow_step_end(worker, step);
}

typedef enum outcome { GOES_ON, TOO_FAR, LEAVES } outcome;

/* The iterations of one warp, each tested. */
static outcome iterate_warp(mx_flow_worker *worker, const mx_rows_state *rows,
    uint64_t *step, int most, uint64_t *done)
{
    const mx_flow_settings *settings = &worker->flow->work.settings;
    const double enough = (double)settings->epsilon * (double)settings->epsilon;
    const double pixels = (double)settings->theta / (double)settings->tau;
    const mx_tvl1_warp warp = warp_of(worker);
    mx_rows_progress p = {.error = 2 * enough + 1, .enough = enough};
    int n = 1;
    while (p.done < settings->max_iterations && p.error > enough) {
        const int rest = settings->max_iterations - p.done;
        n = mx_rows_foresee(&p, rows, n, most < rest ? most : rest);
        if (!iterate_rows(worker, rows, ++*step, n, p.done ? NULL : &warp))
            return LEAVES;
        if (!mx_rows_judge(&p, rows, worker->flow->work.errors[*step % 2], n, pixels))
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
        const outcome o = iterate_warp(worker, &rows, &step, most, &done);
        if (o != GOES_ON)
            return o == LEAVES;
    }
    if (worker->index == 0)
        work->pixel_iterations += done * (uint64_t)level->width * (uint64_t)level->height;
    return true;
}
