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

static void iterate_rows(
    mx_flow_worker *worker, const mx_rows_state *rows, uint64_t step, float *errors)
{
    mx_flow_mark *mark = &worker->flow->work.team.marks[worker->index];
    const mx_rows_step own = {
        .first = worker->first_row,
        .end = worker->end_row,
        .mark = mark,
        .below = worker->index + 1 < worker->n_level ? mark + 1 : NULL,
        .number = step,
    };
    mx_rows_iterate(
        &worker->flow->kernels, rows, &own, worker->flow->work.settings.tau, errors);
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
    const double pixels = (double)settings->theta / (double)settings->tau;
    const double enough = (double)settings->epsilon * (double)settings->epsilon;
    /* Steps count on from level to level, so that marks never lie. */
    uint64_t step = (uint64_t)(work->pyramid.n_levels - level->index) << 32;
    for (int warp = 0; warp < settings->n_warps; warp++) {
        warp_rows(worker);
        double error = 2 * enough + 1;
        for (int i = 0; i < settings->max_iterations && error > enough; i++) {
            float *errors = work->errors[++step % 2];
            mx_flow_step_begin(worker, step);
            iterate_rows(worker, &rows, step, errors);
            if (!mx_flow_step_end(worker, step))
                return;
            error = mx_rows_error(&rows, errors, pixels);
        }
    }
    if (worker->index == 0)
        work->pixel_iterations +=
            (step & UINT32_MAX) * (uint64_t)level->width * (uint64_t)level->height;
}
