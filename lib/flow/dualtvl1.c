/* SPDX-License-Identifier: MIT */
/* TV-L1 flow as OpenCV's DualTVL1OpticalFlow computes it, without its illumination term
 * (gamma 0, its default): the iterations of tvl1.c, and around them
 *  - a pyramid of bilinear reductions, each made from the one before, down to 16 pixels;
 *  - bicubic warps at places rounded to 1/32 pixel, with zeros outside the picture;
 *  - a median filter of the flow before the first iteration of a warp and after every
 *    `iterations` (A. Wedel et al., "An Improved Algorithm for TV-L1 Optical Flow",
 * 2009). Written from the published method and the behaviour of the OpenCV program. */
#include "flow/dualtvl1.h"

#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "flow/flow_estimator.h"
#include "flow/flow_rows.h"
#include "flow/linear_scale.h"
#include "kernel/dualtvl1_kernel.h"

enum {
    SMALLEST_SIDE = 16,
    EDGE = 2,             /* the median filter's reach beyond a row */
    FIRST = MX_TVL1_LANES /* where a row begins in a plane of flow */
};

typedef struct dual_level {
    int width;
    int height;
    ptrdiff_t stride[2]; /* of the pictures */
    float *images[2];    /* the second within zeros: dualtvl1_kernel.h */
    ptrdiff_t row_floats;
    float *rows; /* the state, as in tvl1_kernel.h; a row of zeros above the first */
    /* To the next coarser level, and from it. */
    mx_linear_axis shrink_x, shrink_y, grow_x, grow_y;
} dual_level;

typedef struct dual_settings {
    float tau;
    float lambda;
    float theta;
    double epsilon;
    int n_warps;
    int n_outer;
    int n_inner;
    int median;
} dual_settings;

struct mx_dualtvl1 {
    /* What the memory is laid out for. */
    int width;
    int height;
    double zoom;
    int max_levels;
    mx_dualtvl1_kernels kernels;
    mx_linear_kernels linear;
    int n_levels;
    dual_level levels[MX_PYRAMID_MAX_LEVELS]; /* the finest first */
    /* Memory, in one block; rows of `flow` begin FIRST floats in. */
    float *block;
    float *state;
    float *gradients[2];
    float *flow[2];
    ptrdiff_t flow_stride;
    float *coarse[2]; /* flow of the level before */
    float *lines;
    size_t line_floats; /* of one thread */
    ptrdiff_t line_step;
    float *errors[2];
    mx_rows_team team;
    /* One call. */
    dual_settings settings;
    float *u;
    float *v;
};

/* One thread of a call. */
typedef struct dual_worker {
    mexpr_flow *flow;
    struct mx_dualtvl1 *work;
    mx_rows_share share;
    const dual_level *level;
    float *lines;
} dual_worker;

/* --- memory ------------------------------------------------------------------------ */

static size_t padded_floats(const dual_level *level)
{
    return (size_t)level->stride[1] * ((size_t)level->height + 2 * MX_DUALTVL1_PAD) +
           2 * MX_TVL1_GUARD;
}

/* Behind each row of the first picture its last vector reads on. */
static size_t plain_floats(const dual_level *level)
{
    return (size_t)level->stride[0] * (size_t)level->height;
}

static float *padded_plane(float *at, const dual_level *level)
{
    return at + MX_TVL1_GUARD + MX_DUALTVL1_PAD * level->stride[1];
}

static void count_levels(struct mx_dualtvl1 *work)
{
    int width = work->width, height = work->height, n = 0;
    do {
        dual_level *level = &work->levels[n++];
        level->width = width;
        level->height = height;
        level->stride[0] = (ptrdiff_t)mx_round_up((size_t)width, MX_TVL1_LANES);
        level->stride[1] =
            (ptrdiff_t)mx_round_up((size_t)width + MX_DUALTVL1_PAD, MX_TVL1_LANES);
        level->row_floats = mx_tvl1_row_floats(width);
        width = (int)lrint(width * work->zoom);
        height = (int)lrint(height * work->zoom);
    } while (n < work->max_levels && width >= SMALLEST_SIDE && height >= SMALLEST_SIDE);
    work->n_levels = n;
}

static size_t axes_floats(const dual_level *fine, const dual_level *coarse)
{
    return mx_linear_axis_floats(coarse->width) + mx_linear_axis_floats(coarse->height) +
           mx_linear_axis_floats(fine->width) + mx_linear_axis_floats(fine->height);
}

static float *place_axes(
    dual_level *fine, const dual_level *coarse, double zoom, float *at)
{
    at = mx_linear_axis_place(&fine->shrink_x, at, fine->width, coarse->width, 1 / zoom);
    at =
        mx_linear_axis_place(&fine->shrink_y, at, fine->height, coarse->height, 1 / zoom);
    at = mx_linear_axis_place(&fine->grow_x, at, coarse->width, fine->width,
        1 / ((double)fine->width / coarse->width));
    return mx_linear_axis_place(&fine->grow_y, at, coarse->height, fine->height,
        1 / ((double)fine->height / coarse->height));
}

static float *place_levels(struct mx_dualtvl1 *work, float *at)
{
    for (int i = 0; i < work->n_levels; i++) {
        dual_level *level = &work->levels[i];
        level->rows = work->state + level->row_floats;
        level->images[0] = at;
        level->images[1] = padded_plane(at + plain_floats(level), level);
        memset(at, 0, (plain_floats(level) + padded_floats(level)) * sizeof *at);
        at += plain_floats(level) + padded_floats(level);
        if (i + 1 < work->n_levels)
            at = place_axes(level, level + 1, work->zoom, at);
    }
    return at;
}

static mexpr_status place_memory(mx_scope *scope, struct mx_dualtvl1 *work, int n_threads)
{
    const dual_level *finest = &work->levels[0];
    const size_t state = (size_t)finest->row_floats * ((size_t)finest->height + 1);
    const size_t stride = mx_round_up((size_t)finest->width + EDGE, FIRST) + FIRST;
    const size_t plane = stride * (size_t)finest->height;
    const size_t errors =
        mx_round_up(MX_ROWS_MOST_AT_ONCE * (size_t)finest->height, MX_TVL1_LANES);
    const size_t coarse = work->n_levels > 1 ? plain_floats(&work->levels[1]) : 0;
    work->flow_stride = (ptrdiff_t)stride;
    work->line_step = (ptrdiff_t)stride;
    work->line_floats = 2 * stride;
    size_t floats = state + 2 * plane + 2 * coarse +
                    (size_t)n_threads * work->line_floats + 2 * errors +
                    2 * padded_floats(finest);
    for (int i = 0; i < work->n_levels; i++) {
        const dual_level *level = &work->levels[i];
        floats += plain_floats(level) + padded_floats(level);
        if (i + 1 < work->n_levels)
            floats += axes_floats(level, level + 1);
    }
    float *at = mx_alloc(scope, floats, sizeof *at);
    if (!at)
        return MEXPR_E_NOMEM;
    work->block = work->state = at;
    at += state;
    work->flow[0] = at;
    work->flow[1] = at + plane;
    at += 2 * plane;
    work->coarse[0] = at;
    work->coarse[1] = at + coarse;
    at += 2 * coarse;
    work->lines = at;
    at += (size_t)n_threads * work->line_floats;
    work->errors[0] = at;
    work->errors[1] = at + errors;
    at += 2 * errors;
    work->gradients[0] = at;
    work->gradients[1] = at + padded_floats(finest);
    place_levels(work, at + 2 * padded_floats(finest));
    return MEXPR_OK;
}

static dual_settings settings_of(const double *params)
{
    return (dual_settings){
        .tau = (float)params[MEXPR_FLOW_TAU],
        .lambda = (float)params[MEXPR_FLOW_LAMBDA],
        .theta = (float)params[MEXPR_FLOW_THETA],
        .epsilon = params[MEXPR_FLOW_EPSILON],
        .n_warps = (int)params[MEXPR_FLOW_WARPS],
        .n_outer = (int)params[MEXPR_FLOW_OUTER_ITERATIONS],
        .n_inner = (int)params[MEXPR_FLOW_ITERATIONS],
        .median = (int)params[MEXPR_FLOW_MEDIAN],
    };
}

mexpr_status mx_dualtvl1_prepare(mexpr_flow *flow, int width, int height)
{
    mx_scope *scope = &flow->scope;
    const double zoom = flow->params[MEXPR_FLOW_ZOOM];
    const int max_levels = (int)flow->params[MEXPR_FLOW_SCALES];
    struct mx_dualtvl1 *work = flow->dualtvl1;
    if (!work || work->width != width || work->height != height || work->zoom != zoom ||
        work->max_levels != max_levels) {
        mx_dualtvl1_release(flow);
        work = flow->dualtvl1 = mx_calloc(scope, 1, sizeof *work);
        if (!work)
            return MEXPR_E_NOMEM;
        work->width = width;
        work->height = height;
        work->zoom = zoom;
        work->max_levels = max_levels;
        mx_dualtvl1_kernels_init(&work->kernels, mexpr_context_cpu(scope->context));
        mx_linear_kernels_init(&work->linear, mexpr_context_cpu(scope->context));
        count_levels(work);
        const mexpr_status status =
            place_memory(scope, work, mexpr_context_threads(scope->context));
        if (status != MEXPR_OK) {
            mx_dualtvl1_release(flow);
            return status;
        }
    }
    work->settings = settings_of(flow->params);
    return MEXPR_OK;
}

void mx_dualtvl1_release(mexpr_flow *flow)
{
    if (flow->dualtvl1)
        mx_free(flow->scope.context, flow->dualtvl1->block);
    mx_free(flow->scope.context, flow->dualtvl1);
    flow->dualtvl1 = NULL;
}

/* Inputs lie in the state, which is not in use yet. */
float *mx_dualtvl1_input(mexpr_flow *flow, int which)
{
    const struct mx_dualtvl1 *work = flow->dualtvl1;
    return work->state + (size_t)which * (size_t)work->width * (size_t)work->height;
}

/* --- pictures ---------------------------------------------------------------------- */

static void build_pyramid(const dual_worker *worker, int which)
{
    const struct mx_dualtvl1 *work = worker->work;
    const float *input = mx_dualtvl1_input(worker->flow, which);
    const dual_level *level = &work->levels[0];
    for (int y = 0; y < level->height; y++)
        memcpy(level->images[which] + y * level->stride[which],
            input + (size_t)y * (size_t)level->width,
            (size_t)level->width * sizeof *input);
    for (; level + 1 < work->levels + work->n_levels; level++) {
        for (int y = 0; y < level[1].height; y++)
            mx_linear_scale_row(&work->linear, &level->shrink_x, &level->shrink_y, y,
                level->images[which], level->stride[which], 1.0f,
                level[1].images[which] + y * level[1].stride[which], worker->lines);
    }
}

/* Zeros around the differences of this level: above, below and right of each row. */
static void clear_edges(const dual_worker *worker, float *plane)
{
    const dual_level *level = worker->level;
    const ptrdiff_t stride = level->stride[1], above = MX_DUALTVL1_PAD * stride;
    float *first = padded_plane(plane, level);
    if (worker->share.first_row == 0)
        memset(plane, 0, (size_t)(MX_TVL1_GUARD + above) * sizeof *plane);
    for (int y = worker->share.first_row; y < worker->share.end_row; y++)
        memset(first + y * stride + level->width, 0,
            (size_t)(stride - level->width) * sizeof *plane);
    if (worker->share.end_row == level->height && worker->share.first_row < level->height)
        memset(first + level->height * stride, 0,
            (size_t)(MX_TVL1_GUARD + above) * sizeof *plane);
}

/* --- one level --------------------------------------------------------------------- */

static float *row_of(const dual_worker *worker, int y)
{
    return worker->level->rows + y * worker->level->row_floats;
}

static float *flow_row(const dual_worker *worker, int component, int y)
{
    return worker->work->flow[component] + FIRST + y * worker->work->flow_stride;
}

static mx_rows_state state_of(const dual_level *level)
{
    return (mx_rows_state){
        .rows = level->rows,
        .row_floats = level->row_floats,
        .width = level->width,
        .height = level->height,
    };
}

/* The flow from the coarser level; the dual variable 0. */
static void init_rows(const dual_worker *worker)
{
    const struct mx_dualtvl1 *work = worker->work;
    const dual_level *level = worker->level;
    const bool is_coarsest = level + 1 == work->levels + work->n_levels;
    float *line = worker->lines + work->line_step;
    if (worker->share.first_row == 0)
        memset(row_of(worker, -1), 0, (size_t)level->row_floats * sizeof(float));
    for (int y = worker->share.first_row; y < worker->share.end_row; y++) {
        float *row = row_of(worker, y);
        memset(row, 0, (size_t)level->row_floats * sizeof *row);
        for (int i = 0; i < 2 && !is_coarsest; i++) {
            mx_linear_scale_row(&work->linear, &level->grow_x, &level->grow_y, y,
                work->coarse[i], level[1].stride[0], (float)(1 / work->zoom), line,
                worker->lines);
            worker->flow->kernels.pack(row, line, MX_TVL1_U1 + i, level->width);
        }
    }
}

static void init_gradients(const dual_worker *worker)
{
    const dual_level *level = worker->level;
    const ptrdiff_t stride = level->stride[1];
    float *const *planes = worker->work->gradients;
    clear_edges(worker, planes[0]);
    clear_edges(worker, planes[1]);
    float *dx = padded_plane(planes[0], level), *dy = padded_plane(planes[1], level);
    for (int y = worker->share.first_row; y < worker->share.end_row; y++) {
        const float *row = level->images[1] + y * stride;
        worker->work->kernels.gradient(dx + y * stride, dy + y * stride,
            y > 0 ? row - stride : row, row, y + 1 < level->height ? row + stride : row,
            level->width);
    }
}

static void warp_rows(const dual_worker *worker)
{
    const dual_level *level = worker->level;
    const struct mx_dualtvl1 *work = worker->work;
    const dual_settings *settings = &work->settings;
    const mx_dualtvl1_warp warp = {
        .i0 = level->images[0],
        .i0_stride = level->stride[0],
        .i1 = level->images[1],
        .i1x = padded_plane(work->gradients[0], level),
        .i1y = padded_plane(work->gradients[1], level),
        .i1_stride = level->stride[1],
        .width = level->width,
        .height = level->height,
        .pixels = settings->theta / settings->tau,
        .units = settings->tau / settings->theta,
        .lambda_tau = settings->lambda * settings->tau,
    };
    for (int y = worker->share.first_row; y < worker->share.end_row; y++)
        work->kernels.warp(&warp, y, row_of(worker, y));
}

/* This worker's rows of the flow to the planes, its edge pixels repeated. */
static void take_flow(const dual_worker *worker)
{
    const int width = worker->level->width;
    for (int y = worker->share.first_row; y < worker->share.end_row; y++) {
        for (int i = 0; i < 2; i++) {
            float *line = flow_row(worker, i, y);
            worker->flow->kernels.unpack(
                line, row_of(worker, y), MX_TVL1_U1 + i, 1.0f, width);
            line[-1] = line[-2] = line[0];
            line[width] = line[width + 1] = line[width - 1];
        }
    }
}

static void filter_rows(const dual_worker *worker)
{
    const struct mx_dualtvl1 *work = worker->work;
    const dual_level *level = worker->level;
    const int first = worker->share.first_row, end = worker->share.end_row;
    for (int i = 0; i < 2; i++) {
        const mx_dualtvl1_median median = {
            .plane = flow_row(worker, i, 0),
            .stride = work->flow_stride,
            .rows = level->rows,
            .row_floats = level->row_floats,
            .field = MX_TVL1_U1 + i,
            .width = level->width,
            .height = level->height,
        };
        if (work->settings.median == 5)
            work->kernels.median5(&median, first, end);
        else
            work->kernels.median3(&median, first, end);
    }
}

static void filter_flow(dual_worker *worker)
{
    if (worker->work->settings.median == 1)
        return;
    take_flow(worker);
    mx_rows_meet(&worker->work->team, &worker->share);
    filter_rows(worker);
}

/* A step of n iterations. */
static void iterate(dual_worker *worker, const mx_rows_state *rows, float *errors, int n)
{
    struct mx_dualtvl1 *work = worker->work;
    mx_rows_share *share = &worker->share;
    mx_flow_mark *mark = &work->team.marks[share->index];
    const mx_rows_step step = {
        .first = share->first_row,
        .end = share->end_row,
        .n = n,
        .mark = mark,
        .below = share->index + 1 < share->n_active ? mark + 1 : NULL,
        .number = ++share->step,
    };
    if (step.first < step.end)
        mx_rows_iterate(&worker->flow->kernels, rows, &step, work->settings.tau, errors);
    mx_rows_meet(&work->team, share);
}

/* The iterations between two medians; returns the last error, or less than 0: more were
 * done than were enough. */
static double iterate_inner(
    dual_worker *worker, const mx_rows_state *rows, int most, int *parity)
{
    const dual_settings *settings = &worker->work->settings;
    const double enough = settings->epsilon * settings->epsilon;
    const double pixels = (double)settings->theta / (double)settings->tau;
    mx_rows_progress p = {.error = 2 * enough + 1, .enough = enough};
    int n = 1;
    while (p.done < settings->n_inner && p.error > enough) {
        const int rest = settings->n_inner - p.done;
        float *errors = worker->work->errors[ *parity ^= 1];
        n = mx_rows_foresee(&p, rows, n, most < rest ? most : rest);
        iterate(worker, rows, errors, n);
        if (!mx_rows_judge(&p, rows, errors, n, pixels))
            return -1;
    }
    return p.error;
}

/* As mx_tvl1_level(), with steps of at most `most`. */
static bool solve_level(dual_worker *worker, int most)
{
    const dual_settings *settings = &worker->work->settings;
    const double enough = settings->epsilon * settings->epsilon;
    const mx_rows_state rows = state_of(worker->level);
    int parity = 0;
    for (int warp = 0; warp < settings->n_warps; warp++) {
        warp_rows(worker);
        double error = 2 * enough + 1;
        for (int outer = 0; outer < settings->n_outer && error > enough; outer++) {
            filter_flow(worker);
            error = iterate_inner(worker, &rows, most, &parity);
            if (error < 0)
                return false;
        }
    }
    return true;
}

/* This worker's rows of the flow to the next level. */
static void pass_flow(const dual_worker *worker)
{
    const dual_level *level = worker->level;
    for (int y = worker->share.first_row; y < worker->share.end_row; y++) {
        for (int i = 0; i < 2; i++)
            worker->flow->kernels.unpack(worker->work->coarse[i] + y * level->stride[0],
                row_of(worker, y), MX_TVL1_U1 + i, 1.0f, level->width);
    }
}

/* --- all levels -------------------------------------------------------------------- */

/* This worker's rows of the finest level to the caller, in pixels. */
static void hand_out(const dual_worker *worker)
{
    const struct mx_dualtvl1 *work = worker->work;
    const float pixels = work->settings.theta / work->settings.tau;
    const int width = work->width;
    for (int y = worker->share.first_row; y < worker->share.end_row; y++) {
        const size_t at = (size_t)y * (size_t)width;
        const float *row = row_of(worker, y);
        worker->flow->kernels.unpack(work->u + at, row, MX_TVL1_U1, pixels, width);
        worker->flow->kernels.unpack(work->v + at, row, MX_TVL1_U2, pixels, width);
    }
}

static void work_as(void *arg, int index, int n)
{
    mexpr_flow *flow = arg;
    struct mx_dualtvl1 *work = flow->dualtvl1;
    dual_worker worker = {
        .flow = flow,
        .work = work,
        .share = {.index = index, .n = n},
        .lines = work->lines + (size_t)index * work->line_floats,
    };
    for (int i = index; i < 2; i += n)
        build_pyramid(&worker, i);
    for (int i = work->n_levels - 1; i >= 0; i--) {
        worker.level = &work->levels[i];
        mx_rows_meet(&work->team, &worker.share);
        mx_rows_divide(&worker.share, worker.level->height);
        init_gradients(&worker);
        const mx_rows_state rows = state_of(worker.level);
        bool is_done = false;
        for (int most =
                 mx_rows_most_at_once(&rows, worker.share.n_active, flow->cached_bytes);
             !is_done; most = 1) {
            init_rows(&worker);
            mx_rows_meet(&work->team, &worker.share);
            is_done = solve_level(&worker, most);
        }
        if (i > 0)
            pass_flow(&worker);
    }
    hand_out(&worker);
}

mexpr_status mx_dualtvl1_solve(mexpr_flow *flow, float *u, float *v)
{
    struct mx_dualtvl1 *work = flow->dualtvl1;
    const mexpr_status status = mx_flow_check_inputs(&flow->scope, &flow->kernels,
        mx_dualtvl1_input(flow, 0), 2 * (size_t)work->width * (size_t)work->height);
    if (status != MEXPR_OK)
        return status;
    work->u = u;
    work->v = v;
    mx_rows_run(&work->team, flow->scope.context, work_as, flow);
    return MEXPR_OK;
}
