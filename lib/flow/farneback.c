/* SPDX-License-Identifier: MIT */
/* G. Farnebäck, "Two-Frame Motion Estimation Based on Polynomial Expansion", SCIA 2003,
 * as OpenCV's calcOpticalFlowFarneback computes it. Around every pixel of both pictures a
 * quadratic polynomial is fitted under a Gaussian weight; where a neighbourhood moves as
 * one, the polynomials tell by how much: A d = db, solved over a window by least squares.
 * Levels go from coarse to fine, each made from the full picture, smoothed and scaled.
 * Written from the paper and the behaviour of the OpenCV program. */
#include "flow/farneback.h"

#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "flow/flow_estimator.h"
#include "flow/flow_rows.h"
#include "flow/linear_scale.h"
#include "kernel/farneback_kernel.h"

enum {
    PLANES = MX_FARNEBACK_PLANES,
    LANES = MX_FARNEBACK_LANES,
    SMALLEST_SIDE = 32,
    MAX_WINDOW = 255,
    BORDER = 5,
    /* Window sums run down over so many rows and begin anew: the same sums whatever the
     * number of threads. */
    STRIP = 32
};

/* Weights of matrices near the picture's edge, from the edge inwards. */
static const float border_weights[BORDER] = {0.14f, 0.14f, 0.4472f, 0.4472f, 0.4472f};

typedef struct farneback_level {
    int width;
    int height;
    ptrdiff_t stride;
    int radius; /* of the smoothing before the picture is scaled */
    float *taps;
    float *border;
    mx_linear_axis shrink_x, shrink_y; /* from the picture */
    mx_linear_axis grow_x, grow_y;     /* from the coarser level */
} farneback_level;

typedef struct farneback_layout {
    int width;
    int height;
    int max_levels;
    double zoom;
} farneback_layout;

struct mx_farneback {
    farneback_layout layout;
    mx_farneback_kernels kernels;
    mx_linear_kernels linear;
    int n_levels;
    int max_radius;
    farneback_level levels[MX_PYRAMID_MAX_LEVELS + 1]; /* the finest first */
    /* Memory, in one block. */
    float *block;
    float *inputs[2];
    float *expansion[2][PLANES]; /* with guards */
    float *matrices[PLANES];     /* of which two hold the level's pictures before that */
    float *flow[2][2];           /* of odd and even levels */
    float *lines;                /* scratch of the threads */
    size_t line_floats;          /* of one thread */
    size_t line_step;
    const float *zeros;
    const float **rows; /* of the threads */
    size_t n_rows;      /* of one thread */
    mx_rows_team team;
    /* One call. */
    mx_farneback_fit fit;
    float fit_weights[3][MX_FARNEBACK_MAX_N + 1];
    int window;
    bool is_gaussian;
    float window_taps[MAX_WINDOW / 2 + 1];
    int n_iterations;
    float *u;
    float *v;
};

/* One thread of a call. */
typedef struct farneback_worker {
    mexpr_flow *flow;
    struct mx_farneback *work;
    mx_rows_share share;
    const farneback_level *level;
    float *lines;
    const float **rows;
} farneback_worker;

/* --- memory ------------------------------------------------------------------------ */

static ptrdiff_t stride_of(int width)
{
    return (ptrdiff_t)mx_round_up((size_t)width + 1, LANES);
}

/* Levels above the finest: as many as wanted whose sides are not too small. */
static int count_levels(const farneback_layout *layout)
{
    double scale = 1;
    int n = 0;
    for (; n < layout->max_levels; n++) {
        scale *= layout->zoom;
        if (layout->width * scale < SMALLEST_SIDE ||
            layout->height * scale < SMALLEST_SIDE)
            break;
    }
    return n + 1;
}

/* The smoothing for a level of `scale`: half its odd length. */
static int smoothing_radius(double scale)
{
    const double sigma = (1 / scale - 1) * 0.5;
    const int length = (int)lrint(sigma * 5) | 1;
    return length < 3 ? 1 : length / 2;
}

static void size_levels(struct mx_farneback *work)
{
    const farneback_layout *layout = &work->layout;
    double scale = 1;
    work->n_levels = count_levels(layout);
    for (int i = 0; i < work->n_levels; i++, scale *= layout->zoom) {
        farneback_level *level = &work->levels[i];
        level->width = (int)lrint(layout->width * scale);
        level->height = (int)lrint(layout->height * scale);
        level->stride = stride_of(level->width);
        level->radius = smoothing_radius(scale);
        work->max_radius = level->radius;
    }
}

static size_t level_floats(const farneback_level *level)
{
    return mx_round_up((size_t)level->radius + 1, LANES) + (size_t)level->stride +
           2 * mx_linear_axis_floats(level->width) +
           2 * mx_linear_axis_floats(level->height);
}

/* One half of a Gaussian over 2 radius + 1 places; without a sigma the binomial 1 2 1. */
static void fill_taps(float *taps, int radius, double sigma)
{
    double sum = 0;
    for (int i = radius; i >= 0; i--) {
        const double tap = sigma > 0 ? exp(-i * i / (2 * sigma * sigma)) : 1.0 / (1 + i);
        taps[i] = (float)tap;
        sum += i ? 2 * tap : tap;
    }
    for (int i = 0; i <= radius; i++)
        taps[i] = (float)((double)taps[i] / sum);
}

static void fill_border(float *border, int n)
{
    for (int x = 0; x < n; x++) {
        const int back = n - 1 - x;
        border[x] = (x < BORDER ? border_weights[x] : 1.0f) *
                    (back < BORDER ? border_weights[back] : 1.0f);
    }
}

static float *place_level(struct mx_farneback *work, int index, double scale, float *at)
{
    farneback_level *level = &work->levels[index];
    const farneback_layout *layout = &work->layout;
    level->taps = at;
    fill_taps(level->taps, level->radius, (1 / scale - 1) * 0.5);
    at += mx_round_up((size_t)level->radius + 1, LANES);
    level->border = at;
    fill_border(level->border, level->width);
    at += level->stride;
    at = mx_linear_axis_place(&level->shrink_x, at, layout->width, level->width,
        1 / ((double)level->width / layout->width));
    at = mx_linear_axis_place(&level->shrink_y, at, layout->height, level->height,
        1 / ((double)level->height / layout->height));
    if (index + 1 == work->n_levels)
        return at;
    const farneback_level *coarse = level + 1;
    at = mx_linear_axis_place(&level->grow_x, at, coarse->width, level->width,
        1 / ((double)level->width / coarse->width));
    return mx_linear_axis_place(&level->grow_y, at, coarse->height, level->height,
        1 / ((double)level->height / coarse->height));
}

/* Scratch of one thread: lines with room for the taps on both ends, eleven of them of
 * doubles, and as many pointers to rows. */
static void size_lines(struct mx_farneback *work)
{
    const size_t reach =
        (size_t)(work->max_radius > MAX_WINDOW / 2 ? work->max_radius : MAX_WINDOW / 2);
    work->line_step =
        mx_round_up((size_t)work->layout.width + 2 * (reach + LANES), LANES);
    work->line_floats = 2 * (2 * PLANES + 1) * work->line_step;
    work->n_rows = mx_round_up(2 * reach + 1, LANES);
}

static mexpr_status place_memory(
    mx_scope *scope, struct mx_farneback *work, int n_threads)
{
    const farneback_level *finest = &work->levels[0];
    const size_t plane =
        (size_t)finest->stride * ((size_t)finest->height + 1) + 2 * MX_FARNEBACK_GUARD;
    const size_t n_planes = 2 + 2 * PLANES + PLANES + 4;
    const size_t rows = work->n_rows * (sizeof *work->rows / sizeof(float));
    size_t floats = n_planes * plane + (size_t)n_threads * (work->line_floats + rows) +
                    (size_t)finest->stride;
    for (int i = 0; i < work->n_levels; i++)
        floats += level_floats(&work->levels[i]);
    float *at = mx_calloc(scope, floats, sizeof *at);
    if (!at)
        return MEXPR_E_NOMEM;
    work->block = at;
    float **const planes[] = {&work->inputs[0], &work->inputs[1], &work->flow[0][0],
        &work->flow[0][1], &work->flow[1][0], &work->flow[1][1]};
    for (size_t i = 0; i < sizeof planes / sizeof planes[0]; i++, at += plane)
        *planes[i] = at + MX_FARNEBACK_GUARD;
    for (int i = 0; i < PLANES; i++, at += 3 * plane) {
        work->expansion[0][i] = at + MX_FARNEBACK_GUARD;
        work->expansion[1][i] = at + plane + MX_FARNEBACK_GUARD;
        work->matrices[i] = at + 2 * plane + MX_FARNEBACK_GUARD;
    }
    work->lines = at;
    at += (size_t)n_threads * work->line_floats;
    work->rows = (const float **)(void *)at;
    at += (size_t)n_threads * rows;
    work->zeros = at;
    at += finest->stride;
    double scale = 1;
    for (int i = 0; i < work->n_levels; i++, scale *= work->layout.zoom)
        at = place_level(work, i, scale, at);
    return MEXPR_OK;
}

/* --- parameters -------------------------------------------------------------------- */

/* The fit's weights, and what is needed of the inverse of its normal matrix. Of that the
 * moments 1, xx, yy form a block [s a a; a b c; a c b]; x, y and xy stand alone. */
static void fill_fit(struct mx_farneback *work, int n, double sigma)
{
    float *g = work->fit_weights[0];
    double sum = 0, s = 0, a = 0, b = 0;
    for (int i = 0; i <= n; i++) {
        g[i] = (float)exp(-i * i / (2 * sigma * sigma));
        sum += i ? 2 * (double)g[i] : (double)g[i];
    }
    for (int i = 0; i <= n; i++) {
        const double square = (double)i * i, twice = i ? 2 : 1;
        g[i] = (float)((double)g[i] / sum);
        work->fit_weights[1][i] = (float)(i * (double)g[i]);
        work->fit_weights[2][i] = (float)(square * (double)g[i]);
        s += twice * (double)g[i];
        a += twice * (double)g[i] * square;
        b += twice * (double)g[i] * square * square;
    }
    const double c = a * a;
    a *= s;
    b *= s;
    s *= s;
    const double det = s * (b + c) - 2 * a * a;
    work->fit = (mx_farneback_fit){
        .n = n,
        .g = g,
        .xg = work->fit_weights[1],
        .xxg = work->fit_weights[2],
        .i11 = (float)(1 / a),
        .i03 = (float)(-a / det),
        .i33 = (float)(0.5 * (s / det + 1 / (b - c))),
        .i55 = (float)(1 / c),
    };
}

mexpr_status mx_farneback_prepare(mexpr_flow *flow, int width, int height)
{
    mx_scope *scope = &flow->scope;
    const double *params = flow->params;
    const farneback_layout layout = {.width = width,
        .height = height,
        .max_levels = (int)params[MEXPR_FLOW_SCALES],
        .zoom = params[MEXPR_FLOW_ZOOM]};
    struct mx_farneback *work = flow->farneback;
    if (!work || work->layout.width != width || work->layout.height != height ||
        work->layout.max_levels != layout.max_levels ||
        work->layout.zoom != layout.zoom) {
        mx_farneback_release(flow);
        work = flow->farneback = mx_calloc(scope, 1, sizeof *work);
        if (!work)
            return MEXPR_E_NOMEM;
        work->layout = layout;
        mx_farneback_kernels_init(&work->kernels, mexpr_context_cpu(scope->context));
        mx_linear_kernels_init(&work->linear, mexpr_context_cpu(scope->context));
        size_levels(work);
        size_lines(work);
        if (place_memory(scope, work, mexpr_context_threads(scope->context)) !=
            MEXPR_OK) {
            mx_farneback_release(flow);
            return MEXPR_E_NOMEM;
        }
    }
    fill_fit(work, (int)params[MEXPR_FLOW_POLY_N], params[MEXPR_FLOW_POLY_SIGMA]);
    work->window = (int)params[MEXPR_FLOW_WINDOW];
    work->is_gaussian = params[MEXPR_FLOW_GAUSSIAN] != 0;
    work->n_iterations = (int)params[MEXPR_FLOW_ITERATIONS];
    fill_taps(work->window_taps, work->window / 2, work->window / 2 * 0.3);
    return MEXPR_OK;
}

void mx_farneback_release(mexpr_flow *flow)
{
    if (flow->farneback)
        mx_free(flow->scope.context, flow->farneback->block);
    mx_free(flow->scope.context, flow->farneback);
    flow->farneback = NULL;
}

float *mx_farneback_input(mexpr_flow *flow, int which)
{
    return flow->farneback->inputs[which];
}

/* --- pictures ---------------------------------------------------------------------- */

/* Edge pixels mirrored, not repeated. */
static int mirror(int i, int n)
{
    if (n == 1)
        return 0;
    i = i < 0 ? -i : i;
    return i < n ? i : 2 * n - 2 - i;
}

static int clamp(int i, int n)
{
    return i < 0 ? 0 : i < n ? i : n - 1;
}

/* The place of a scratch line, with room for the widest reach on both ends. */
static float *line_of(const farneback_worker *worker, int index)
{
    const struct mx_farneback *work = worker->work;
    const size_t reach = (work->line_step - (size_t)work->layout.width) / 2;
    return worker->lines + (size_t)index * work->line_step + reach / LANES * LANES;
}

/* A row of a picture smoothed down its columns. */
static void smooth_columns(
    const farneback_worker *worker, const float *picture, int y, float *out)
{
    const farneback_level *level = worker->level;
    const int width = worker->work->layout.width, height = worker->work->layout.height;
    const float **rows = worker->rows + level->radius;
    for (int i = -level->radius; i <= level->radius; i++)
        rows[i] = picture + (ptrdiff_t)mirror(y + i, height) * width;
    worker->flow->kernels.smooth_column(out, rows, level->taps, level->radius, width);
}

/* Row y of a picture at this level: smoothed, then scaled. Scaling down the columns comes
 * before smoothing along the rows, which is the same and less work. */
static void scale_row(
    const farneback_worker *worker, const float *picture, int y, float *out)
{
    const struct mx_farneback *work = worker->work;
    const farneback_level *level = worker->level;
    const int width = work->layout.width;
    const int first = level->shrink_y.first[y];
    const float t = level->shrink_y.t[y];
    float *line = line_of(worker, 0), *next = line_of(worker, 1);
    smooth_columns(worker, picture, first, line);
    if (t != 0) {
        smooth_columns(worker, picture, first + 1, next);
        work->linear.column(line, line, next, t, width);
    }
    for (int i = 1; i <= level->radius; i++) {
        line[-i] = line[mirror(-i, width)];
        line[width - 1 + i] = line[mirror(width - 1 + i, width)];
    }
    worker->flow->kernels.smooth_row(next, line, level->taps, level->radius, width);
    next[width] = next[width - 1];
    work->linear.row(
        out, next, level->shrink_x.first, level->shrink_x.t, 1.0f, level->width);
}

/* Both pictures at this level, in planes that the matrices will take. */
static void scale_pictures(const farneback_worker *worker)
{
    for (int i = 0; i < 2; i++) {
        for (int y = worker->share.first_row; y < worker->share.end_row; y++)
            scale_row(worker, worker->work->inputs[i], y,
                worker->work->matrices[i] + y * worker->level->stride);
    }
}

static void repeat_edges(float *line, int n, int reach)
{
    for (int i = 1; i <= reach; i++) {
        line[-i] = line[0];
        line[n - 1 + i] = line[n - 1];
    }
}

static void expand_row(const farneback_worker *worker, int which, int y)
{
    const struct mx_farneback *work = worker->work;
    const farneback_level *level = worker->level;
    const int n = work->fit.n;
    const float **rows = worker->rows;
    float *moments[3], *out[PLANES];
    for (int i = -n; i <= n; i++)
        rows[n + i] = work->matrices[which] + clamp(y + i, level->height) * level->stride;
    for (int i = 0; i < 3; i++)
        moments[i] = line_of(worker, i);
    for (int i = 0; i < PLANES; i++)
        out[i] = work->expansion[which][i] + y * level->stride;
    work->kernels.moments(moments, rows + n, &work->fit, level->width);
    for (int i = 0; i < 3; i++)
        repeat_edges(moments[i], level->width, n);
    work->kernels.expand(out, (const float *const *)moments, &work->fit, level->width);
}

static void expand_pictures(const farneback_worker *worker)
{
    for (int i = 0; i < 2; i++) {
        for (int y = worker->share.first_row; y < worker->share.end_row; y++)
            expand_row(worker, i, y);
    }
}

/* --- one level --------------------------------------------------------------------- */

static float *flow_plane(
    const farneback_worker *worker, const farneback_level *level, int i)
{
    const struct mx_farneback *work = worker->work;
    return work->flow[(level - work->levels) % 2][i];
}

/* The flow from the coarser level, or none. */
static void init_flow(const farneback_worker *worker)
{
    const struct mx_farneback *work = worker->work;
    const farneback_level *level = worker->level;
    for (int i = 0; i < 2; i++) {
        float *plane = flow_plane(worker, level, i);
        for (int y = worker->share.first_row; y < worker->share.end_row; y++) {
            float *row = plane + y * level->stride;
            if (level + 1 == work->levels + work->n_levels)
                memset(row, 0, (size_t)level->stride * sizeof *row);
            else
                mx_linear_scale_row(&work->linear, &level->grow_x, &level->grow_y, y,
                    flow_plane(worker, level + 1, i), level[1].stride,
                    (float)(1 / work->layout.zoom), row, line_of(worker, 0));
        }
    }
}

static void fill_matrices(const farneback_worker *worker)
{
    const struct mx_farneback *work = worker->work;
    const farneback_level *level = worker->level;
    mx_farneback_level planes = {
        .u = flow_plane(worker, level, 0),
        .v = flow_plane(worker, level, 1),
        .border = level->border,
        .stride = level->stride,
        .width = level->width,
        .height = level->height,
    };
    for (int i = 0; i < PLANES; i++) {
        planes.first[i] = work->expansion[0][i];
        planes.second[i] = work->expansion[1][i];
    }
    for (int y = worker->share.first_row; y < worker->share.end_row; y++) {
        const int back = level->height - 1 - y;
        float *out[PLANES];
        for (int i = 0; i < PLANES; i++)
            out[i] = work->matrices[i] + y * level->stride;
        work->kernels.matrices(out, &planes, y,
            (y < BORDER ? border_weights[y] : 1.0f) *
                (back < BORDER ? border_weights[back] : 1.0f));
    }
}

/* A row of matrix sums `plane`, rows beyond the edges repeated. */
static const float *matrix_row(const farneback_worker *worker, int plane, int y)
{
    const farneback_level *level = worker->level;
    return worker->work->matrices[plane] + clamp(y, level->height) * level->stride;
}

/* A scratch line of doubles; they lie where line_of() puts lines of floats. */
static double *double_line(const farneback_worker *worker, int index)
{
    return (double *)(void *)worker->lines + (size_t)index * worker->work->line_step;
}

/* The sums over the window at a row, along columns: those of the row above, moved on. */
static void move_window(
    const farneback_worker *worker, double *const *sums, int y, bool is_new)
{
    const struct mx_farneback *work = worker->work;
    const int reach = work->window / 2, width = worker->level->width;
    for (int i = 0; i < PLANES; i++) {
        if (!is_new) {
            work->kernels.slide(sums[i], matrix_row(worker, i, y + reach),
                matrix_row(worker, i, y - reach - 1), width);
            continue;
        }
        memset(sums[i], 0, (size_t)width * sizeof(double));
        for (int k = -reach; k <= reach; k++)
            work->kernels.slide(
                sums[i], matrix_row(worker, i, y + k), work->zeros, width);
    }
}

/* Solves a strip of rows with the mean over a box. */
static void solve_box(const farneback_worker *worker, int first, int end)
{
    const struct mx_farneback *work = worker->work;
    const farneback_level *level = worker->level;
    const int reach = work->window / 2, width = level->width;
    const double scale = 1.0 / (work->window * work->window);
    double *columns[PLANES], *sums[PLANES];
    for (int i = 0; i < PLANES; i++) {
        columns[i] = double_line(worker, i);
        sums[i] = double_line(worker, PLANES + i);
    }
    double *line = double_line(worker, 2 * PLANES);
    for (int y = first; y < end; y++) {
        move_window(worker, columns, y, y == first);
        for (int i = 0; i < PLANES; i++) {
            memcpy(line + reach, columns[i], (size_t)width * sizeof *line);
            for (int k = 0; k < reach; k++) {
                line[k] = columns[i][0];
                line[reach + width + k] = columns[i][width - 1];
            }
            work->kernels.window(sums[i], line, 2 * reach + 1, width);
        }
        work->kernels.solve(flow_plane(worker, level, 0) + y * level->stride,
            flow_plane(worker, level, 1) + y * level->stride, (const double *const *)sums,
            scale, width);
    }
}

/* The same with a Gaussian window. */
static void solve_gaussian(const farneback_worker *worker, int first, int end)
{
    const struct mx_farneback *work = worker->work;
    const farneback_level *level = worker->level;
    const int reach = work->window / 2, width = level->width;
    float *line = line_of(worker, 0), *sums[PLANES];
    for (int y = first; y < end; y++) {
        for (int i = 0; i < PLANES; i++) {
            for (int k = -reach; k <= reach; k++)
                worker->rows[reach + k] = matrix_row(worker, i, y + k);
            sums[i] = line_of(worker, 1 + i);
            worker->flow->kernels.smooth_column(
                line, worker->rows + reach, work->window_taps, reach, width);
            repeat_edges(line, width, reach);
            worker->flow->kernels.smooth_row(
                sums[i], line, work->window_taps, reach, width);
        }
        work->kernels.solve_f32(flow_plane(worker, level, 0) + y * level->stride,
            flow_plane(worker, level, 1) + y * level->stride, (const float *const *)sums,
            width);
    }
}

static void solve_rows(const farneback_worker *worker)
{
    const int end_row = worker->share.end_row;
    for (int y = worker->share.first_row; y < end_row; y += STRIP) {
        const int end = y + STRIP < end_row ? y + STRIP : end_row;
        if (worker->work->is_gaussian)
            solve_gaussian(worker, y, end);
        else
            solve_box(worker, y, end);
    }
}

/* Whole strips for every thread. */
static void share_strips(mx_rows_share *share, int height)
{
    const int64_t n_strips = (height + STRIP - 1) / STRIP;
    const int64_t first = n_strips * share->index / share->n * STRIP;
    const int64_t end = n_strips * (share->index + 1) / share->n * STRIP;
    share->first_row = (int)(first < height ? first : height);
    share->end_row = (int)(end < height ? end : height);
}

static void solve_level(farneback_worker *worker)
{
    struct mx_farneback *work = worker->work;
    mx_rows_meet(&work->team, &worker->share);
    share_strips(&worker->share, worker->level->height);
    scale_pictures(worker);
    init_flow(worker);
    mx_rows_meet(&work->team, &worker->share);
    expand_pictures(worker);
    for (int i = 0; i < work->n_iterations; i++) {
        mx_rows_meet(&work->team, &worker->share);
        fill_matrices(worker);
        mx_rows_meet(&work->team, &worker->share);
        solve_rows(worker);
    }
}

/* --- all levels -------------------------------------------------------------------- */

static void hand_out(const farneback_worker *worker)
{
    const struct mx_farneback *work = worker->work;
    const farneback_level *level = worker->level;
    const size_t width = (size_t)level->width;
    for (int y = worker->share.first_row; y < worker->share.end_row; y++) {
        memcpy(work->u + (size_t)y * width,
            flow_plane(worker, level, 0) + y * level->stride, width * sizeof(float));
        memcpy(work->v + (size_t)y * width,
            flow_plane(worker, level, 1) + y * level->stride, width * sizeof(float));
    }
}

static void work_as(void *arg, int index, int n)
{
    mexpr_flow *flow = arg;
    struct mx_farneback *work = flow->farneback;
    farneback_worker worker = {
        .flow = flow,
        .work = work,
        .share = {.index = index, .n = n},
        .lines = work->lines + (size_t)index * work->line_floats,
        .rows = work->rows + (size_t)index * work->n_rows,
    };
    for (int i = work->n_levels - 1; i >= 0; i--) {
        worker.level = &work->levels[i];
        solve_level(&worker);
    }
    hand_out(&worker);
}

mexpr_status mx_farneback_solve(mexpr_flow *flow, float *u, float *v)
{
    struct mx_farneback *work = flow->farneback;
    for (int i = 0; i < 2; i++) {
        const mexpr_status status = mx_flow_check_inputs(&flow->scope, &flow->kernels,
            work->inputs[i], (size_t)work->layout.width * (size_t)work->layout.height);
        if (status != MEXPR_OK)
            return status;
    }
    work->u = u;
    work->v = v;
    mx_rows_run(&work->team, flow->scope.context, work_as, flow);
    return MEXPR_OK;
}
