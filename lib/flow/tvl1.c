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

/* One iteration on this worker's rows. Row sums of |dU|² go to `errors`. The first row's
 * primal step must come before the neighbour above overwrites its last row's p, and gives
 * that neighbour the u it needs for it: hence the mark. */
static void iterate_rows(mx_flow_worker *worker, uint64_t step, float *errors)
{
    const mx_flow_level *level = worker->level;
    const mx_tvl1_kernels *kernels = &worker->flow->kernels;
    const float tau = worker->flow->work.settings.tau;
    const int first = worker->first_row, end = worker->end_row;
    errors[first] = kernels->primal(
        row_of(level, first), row_of(level, first - 1), level->width, tau);
    mx_flow_mark_set(worker, step);
    for (int y = first + 1; y < end; y++)
        errors[y] =
            kernels->step(row_of(level, y), row_of(level, y - 1), level->width, tau);
    mx_flow_mark_wait(worker, step);
    kernels->dual(row_of(level, end - 1),
        row_of(level, end < level->height ? end : end - 1), level->width);
}

/* Mean |du|² in px². Summed in one order, whatever the number of workers, by every worker
 * for itself: row y into sum y mod 4, so that no addition waits for the one before. */
static double mean_error(const mx_flow_worker *worker, const float *errors)
{
    const mx_flow_settings *settings = &worker->flow->work.settings;
    const mx_flow_level *level = worker->level;
    const double pixels = (double)settings->theta / (double)settings->tau;
    double sums[4] = {0};
    for (int y = 0; y < level->height; y++)
        sums[y % 4] += (double)errors[y];
    const double sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    return sum * pixels * pixels / ((double)level->width * level->height);
}

void mx_tvl1_level(mx_flow_worker *worker)
{
    mx_flow_work *work = &worker->flow->work;
    const mx_flow_settings *settings = &work->settings;
    const mx_flow_level *level = worker->level;
    const double enough = (double)settings->epsilon * (double)settings->epsilon;
    /* Steps count on from level to level, so that marks never lie. */
    uint64_t step = (uint64_t)(work->pyramid.n_levels - level->index) << 32;
    for (int warp = 0; warp < settings->n_warps; warp++) {
        warp_rows(worker);
        double error = 2 * enough + 1;
        for (int i = 0; i < settings->max_iterations && error > enough; i++) {
            float *errors = work->errors[++step % 2];
            mx_flow_step_begin(worker, step);
            iterate_rows(worker, step, errors);
            if (!mx_flow_step_end(worker, step))
                return;
            error = mean_error(worker, errors);
        }
    }
    if (worker->index == 0)
        work->pixel_iterations +=
            (step & UINT32_MAX) * (uint64_t)level->width * (uint64_t)level->height;
}
