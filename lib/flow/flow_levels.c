/* SPDX-License-Identifier: MIT */
#include "flow/flow_estimator.h"

#include <string.h>

#include "base/checked.h"
#include "flow/flow_rows.h"
#include "flow/flow_team.h"
#include "flow/tvl1.h"

/* --- memory ------------------------------------------------------------------------ */

/* Inputs and scratch planes of the pyramids lie in the state, which is not in use yet:
 * four planes of the ten. */
static float *scratch_plane(const mx_flow_work *work, int index)
{
    return work->state + (size_t)index * work->pyramid.plane_floats;
}

float *mx_flow_input(mexpr_flow *flow, int which)
{
    return scratch_plane(&flow->work, which);
}

static void place_levels(mx_flow_work *work)
{
    for (int i = 0; i < work->pyramid.n_levels; i++) {
        const mx_pyramid_level *picture = &work->pyramid.levels[i];
        mx_flow_level *level = &work->levels[i];
        level->index = i;
        level->width = picture->width;
        level->height = picture->height;
        level->row_floats = mx_tvl1_row_floats(picture->width);
        level->rows = work->state + level->row_floats;
    }
}

static mexpr_status place_memory(mx_scope *scope, mx_flow_work *work, int n_threads)
{
    const mx_pyramid *pyramid = &work->pyramid;
    const mx_pyramid_level *finest = &pyramid->levels[0], *next = finest + 1;
    const size_t state =
        (size_t)mx_tvl1_row_floats(finest->width) * ((size_t)finest->height + 1);
    const size_t coarse =
        pyramid->n_levels > 1 ? (size_t)next->stride * (size_t)next->height : 0;
    const size_t lines = pyramid->line_floats * (size_t)n_threads;
    const size_t errors = MX_ROWS_MOST_AT_ONCE * (size_t)finest->height;
    const size_t n_carried = work->settings.is_fast ? MX_TVL1_A : MX_TVL1_P11;
    float *at =
        mx_alloc(scope, state + n_carried * coarse + lines + 2 * errors, sizeof(float));
    if (!at)
        return MEXPR_E_NOMEM;
    work->block = work->state = at;
    at += state;
    work->n_carried = (int)n_carried;
    for (size_t i = 0; i < n_carried; i++, at += coarse)
        work->coarse[i] = at;
    work->lines = at;
    at += lines;
    work->errors[0] = at;
    work->errors[1] = at + errors;
    place_levels(work);
    return MEXPR_OK;
}

mexpr_status mx_flow_prepare(
    mexpr_flow *flow, const mx_flow_settings *settings, int width, int height)
{
    mx_flow_work *work = &flow->work;
    const mx_flow_settings *old = &work->settings;
    const bool fits = work->block && work->width == width && work->height == height &&
                      old->zoom == settings->zoom &&
                      old->max_levels == settings->max_levels &&
                      old->is_fast == settings->is_fast;
    work->settings = *settings;
    if (fits)
        return MEXPR_OK;
    mx_flow_work_destroy(flow->scope.context, work);
    work->width = width;
    work->height = height;
    mexpr_status status = mx_pyramid_create(&flow->scope, &work->pyramid, width, height,
        settings->zoom, settings->max_levels);
    if (status == MEXPR_OK)
        status =
            place_memory(&flow->scope, work, mexpr_context_threads(flow->scope.context));
    if (status != MEXPR_OK)
        mx_flow_work_destroy(flow->scope.context, work);
    return status;
}

void mx_flow_work_destroy(mexpr_context *context, mx_flow_work *work)
{
    mx_pyramid_destroy(context, &work->pyramid);
    mx_free(context, work->block);
    work->block = NULL;
}

/* --- one level --------------------------------------------------------------------- */

/* p is 0 where its difference would cross the right or the lower edge. */
static void clear_edge(const mx_flow_level *level, int y, float *row)
{
    const int last = level->width - 1;
    float *block = row + (ptrdiff_t)(last / MX_TVL1_LANES) * MX_TVL1_BLOCK;
    block[MX_TVL1_P11 * MX_TVL1_LANES + last % MX_TVL1_LANES] = 0;
    block[MX_TVL1_P21 * MX_TVL1_LANES + last % MX_TVL1_LANES] = 0;
    if (y + 1 < level->height)
        return;
    for (ptrdiff_t i = 0; i < level->row_floats; i += MX_TVL1_BLOCK) {
        memset(row + i + MX_TVL1_P12 * MX_TVL1_LANES, 0, MX_TVL1_LANES * sizeof *row);
        memset(row + i + MX_TVL1_P22 * MX_TVL1_LANES, 0, MX_TVL1_LANES * sizeof *row);
    }
}

/* What is carried from the coarser level, otherwise the dual variable 0; zeros right of
 * the picture. */
static void init_row(const mx_flow_worker *worker, int y, float *lines)
{
    const mx_flow_level *level = worker->level;
    const mx_flow_work *work = &worker->flow->work;
    const mx_tvl1_kernels *kernels = &worker->flow->kernels;
    float *row = level->rows + y * level->row_floats;
    for (ptrdiff_t i = 0; i < level->row_floats - MX_TVL1_BLOCK; i += MX_TVL1_BLOCK)
        memset(row + i, 0, MX_TVL1_A * MX_TVL1_LANES * sizeof *row);
    memset(row + level->row_floats - MX_TVL1_BLOCK, 0, MX_TVL1_BLOCK * sizeof *row);
    if (level->index + 1 == work->pyramid.n_levels)
        return;
    for (int i = 0; i < work->n_carried; i++) {
        mx_pyramid_grow_row(
            &work->pyramid, kernels, level->index, y, work->coarse[i], lines);
        kernels->pack(row, lines, MX_TVL1_U1 + i, level->width);
    }
    if (work->n_carried > MX_TVL1_P11)
        clear_edge(level, y, row);
}

static void init_level(const mx_flow_worker *worker)
{
    const mx_flow_level *level = worker->level;
    const mx_flow_work *work = &worker->flow->work;
    float *lines = work->lines + (size_t)worker->index * work->pyramid.line_floats;
    if (worker->first_row == 0)
        memset(level->rows - level->row_floats, 0,
            (size_t)level->row_floats * sizeof(float));
    for (int y = worker->first_row; y < worker->end_row; y++)
        init_row(worker, y, lines);
}

static int most_at_once(const mx_flow_worker *worker)
{
    const mx_flow_level *level = worker->level;
    const mx_rows_state rows = {
        .rows = level->rows,
        .row_floats = level->row_floats,
        .width = level->width,
        .height = level->height,
    };
    return mx_rows_most_at_once(&rows, worker->n_level, worker->flow->cached_bytes);
}

/* Hands this worker's rows out: the finest level's to the caller in pixels, another's to
 * the next level, which multiplies by 1 / zoom: right for the flow, not for p. */
static void finish_level(const mx_flow_worker *worker)
{
    const mx_flow_work *work = &worker->flow->work;
    const mx_flow_level *level = worker->level;
    const bool is_finest = level->index == 0;
    const float pixels = work->settings.theta / work->settings.tau;
    const ptrdiff_t stride =
        is_finest ? level->width : work->pyramid.levels[level->index].stride;
    for (int i = 0; i < (is_finest ? 2 : work->n_carried); i++) {
        float *out = is_finest ? (i ? work->v : work->u) : work->coarse[i];
        const float factor = is_finest         ? pixels
                             : i < MX_TVL1_P11 ? 1.0f
                                               : work->settings.zoom;
        for (int y = worker->first_row; y < worker->end_row; y++)
            worker->flow->kernels.unpack(out + y * stride,
                level->rows + y * level->row_floats, MX_TVL1_U1 + i, factor,
                level->width);
    }
}

/* --- all levels -------------------------------------------------------------------- */

static void work_as(void *arg, int index, int n)
{
    mexpr_flow *flow = arg;
    mx_flow_work *work = &flow->work;
    mx_flow_worker worker = {.flow = flow, .index = index, .n = n};
    for (int i = index; i < 2; i += n)
        mx_pyramid_build(&work->pyramid, &flow->kernels, i, work->inputs[i], work->low,
            work->span, scratch_plane(work, 2 + i),
            work->lines + (size_t)index * work->pyramid.line_floats);
    for (int i = work->pyramid.n_levels - 1; i >= 0 && mx_flow_meet(&worker); i--) {
        mx_flow_share_level(&worker, &work->levels[i]);
        if (worker.first_row == worker.end_row)
            continue;
        bool is_done = false;
        for (int most = most_at_once(&worker); !is_done; most = 1) {
            init_level(&worker);
            mx_flow_meet_level(&worker);
            is_done = mx_tvl1_level(&worker, most);
            if (index == 0 && !is_done)
                work->n_anew++;
        }
        finish_level(&worker);
    }
}

/* The joint range of both pictures. */
static bool find_range(mx_flow_work *work, const mx_tvl1_kernels *kernels)
{
    const size_t n = (size_t)work->width * (size_t)work->height;
    float low[2], high[2];
    for (int i = 0; i < 2; i++) {
        work->inputs[i] = scratch_plane(work, i);
        if (!kernels->range(work->inputs[i], n, &low[i], &high[i]))
            return false;
    }
    work->low = low[0] < low[1] ? low[0] : low[1];
    work->span = (double)(high[0] > high[1] ? high[0] : high[1]) - work->low;
    return true;
}

mexpr_status mx_flow_solve(mexpr_flow *flow, float *u, float *v)
{
    mx_flow_work *work = &flow->work;
    mexpr_context *context = flow->scope.context;
    if (!find_range(work, &flow->kernels))
        return mx_fail(&flow->scope, MEXPR_E_FORMAT,
            "a picture holds NaN or infinity; replace such pixels before computing flow");
    if (work->span == 0) {
        memset(u, 0, (size_t)work->width * (size_t)work->height * sizeof *u);
        memset(v, 0, (size_t)work->width * (size_t)work->height * sizeof *v);
        return MEXPR_OK;
    }
    work->u = u;
    work->v = v;
    work->pixel_iterations = 0;
    work->n_anew = 0;
    mx_flow_team_begin(&work->team);
    mx_team_run(context, mx_flow_team_size(&work->team, mexpr_context_threads(context)),
        work_as, flow);
    mx_flow_team_end(&work->team);
    return MEXPR_OK;
}
