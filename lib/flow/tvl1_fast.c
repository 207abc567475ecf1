/* SPDX-License-Identifier: MIT */
/* TV-L1 flow on one level by another way to the same minimum: A. Chambolle, T. Pock, "A
 * First-Order Primal-Dual Algorithm for Convex Problems with Applications to Imaging",
 * JMIV 40 (2011), algorithm 1, over-relaxed as in L. Condat, "A Primal-Dual Splitting
 * Method for Convex Optimization", JOTA 158 (2013).
 *
 * The auxiliary v of Zach et al. is minimised out of a warp's energy: what is left of data
 * term and coupling is a Huber function of the residual, whose proximal step is again one
 * cut. With V = u + s div p, t = rho(V) / |grad I1| cut to ±(s + theta) lambda |grad I1|:
 *   u' = V - s / (s + theta) t n
 *   p' = p + sigma grad (2 u' - u), cut to the unit disc
 * and both are moved by RELAXATION times their way. The minimum is that of tvl1.c; the
 * number of iterations to it is smaller. */
#include "flow/tvl1_fast.h"

/* s, found by trial to need the fewest iterations (docs/flow_methods.md), and sigma s, the
 * largest that converges for sure: 1 over the squared norm of the gradient. */
static const float primal_step = 0.08f, product = 0.125f, relaxation = 1.8f;

/* U = u sigma = u tau / theta. */
float mx_fast_tau(float theta)
{
    return theta * (product / primal_step);
}

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
    const float sigma = product / primal_step;
    const mx_tvl1_warp warp = {
        .i0 = picture->images[0],
        .i1 = picture->images[1],
        .plane_stride = picture->stride,
        .width = level->width,
        .height = level->height,
        .pixels = 1 / sigma,
        .units = sigma,
        .lambda_tau = sigma * (primal_step + settings->theta) * settings->lambda,
    };
    for (int y = worker->first_row; y < worker->end_row; y++)
        worker->flow->kernels.warp(&warp, y, row_of(level, y));
}

/* A worker's scratch for the extrapolated flow: of its first row, which the worker above
 * needs too, and of its even and odd rows. */
static float *ahead_of(const mx_flow_worker *worker, const mx_fast_pass *pass, int index, int i)
{
    const mx_flow_work *work = &worker->flow->work;
    return work->lines + (size_t)index * work->pyramid.line_floats
        + 2 * i * pass->stride;
}

static void wait_for_mark(mx_flow_mark *mark, uint64_t step)
{
    for (int turn = 0; atomic_load_explicit(&mark->step, memory_order_acquire) < step;
         turn++)
        mx_wait_turn(turn);
}

/* One iteration on this worker's rows; see iterate_rows() in tvl1.c. */
static void iterate_rows(
    const mx_flow_worker *worker, const mx_fast_pass *pass, uint64_t step, float *errors)
{
    const mx_flow_level *level = worker->level;
    const mx_fast_kernels *kernels = &worker->flow->fast;
    mx_flow_mark *marks = worker->flow->work.marks;
    const int first = worker->first_row, end = worker->end_row;
    const float *above = ahead_of(worker, pass, worker->index, 0);
    errors[first] = kernels->primal(
        pass, row_of(level, first), row_of(level, first - 1), (float *)above);
    atomic_store_explicit(&marks[worker->index].step, step, memory_order_release);
    for (int y = first + 1; y < end; y++) {
        float *ahead = ahead_of(worker, pass, worker->index, 1 + y % 2);
        errors[y] = kernels->step(
            pass, row_of(level, y), row_of(level, y - 1), ahead, above);
        above = ahead;
    }
    const float *below = above;
    if (worker->index + 1 < worker->n_level) {
        wait_for_mark(&marks[worker->index + 1], step);
        below = ahead_of(worker, pass, worker->index + 1, 0);
    }
    kernels->dual(pass, row_of(level, end - 1), above, below);
}

/* Mean |du|² in px², summed in one order whatever the number of workers. */
static double mean_error(const mx_flow_worker *worker, const float *errors)
{
    const mx_flow_level *level = worker->level;
    const double pixels = (double)primal_step / (double)product;
    double sum = 0;
    for (int y = 0; y < level->height; y++)
        sum += (double)errors[y];
    return sum * pixels * pixels / ((double)level->width * level->height);
}

void mx_fast_level(mx_flow_worker *worker)
{
    mx_flow_work *work = &worker->flow->work;
    const mx_flow_settings *settings = &work->settings;
    mx_flow_level *level = worker->level;
    const double enough = (double)settings->epsilon * (double)settings->epsilon;
    const mx_fast_pass pass = {
        .ascent = product,
        .shrink = primal_step / (primal_step + settings->theta),
        .relaxation = relaxation,
        .width = level->width,
        .stride = (ptrdiff_t)(work->pyramid.line_floats / 7),
    };
    uint64_t step = (uint64_t)(work->pyramid.n_levels - level->index) << 32;
    for (int warp = 0; warp < settings->n_warps; warp++) {
        warp_rows(worker);
        double error = 2 * enough + 1;
        for (int i = 0; i < settings->max_iterations && error > enough; i++) {
            float *errors = work->errors[++step % 2];
            iterate_rows(worker, &pass, step, errors);
            if (worker->n_level > 1)
                mx_barrier_wait(&level->barrier, worker->n_level, &worker->level_phase);
            error = mean_error(worker, errors);
        }
    }
}
