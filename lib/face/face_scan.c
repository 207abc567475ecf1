/* SPDX-License-Identifier: MIT */
/* Windows slide over reductions of the picture ("levels"). Features are comparisons of
 * two pixels (Markus et al. 2013), but the nodes of one depth of a tree share theirs, so
 * that a tree is a fern (Ozuysal et al. 2010): windows of a row are then compared a
 * vector at a time. Windows stand on every second pixel; levels keep even and odd columns
 * apart, which makes the same pixel of neighbouring windows neighbours in memory. */
#include "face/face_scan.h"

#include <math.h>
#include <string.h>

#include "base/checked.h"

enum { VECTOR = 32 };

/* The size of a level and how it is taken from its octave. */
typedef struct level_plan {
    float factor; /* picture pixels per level pixel */
    int octave;
    int width, height;
} level_plan;

static float factor_of(float size)
{
    return size * (MX_FACE_CONTEXT / MX_FACE_WINDOW);
}

static int reduced(uint32_t size, float factor)
{
    return (int)((float)size / factor) + 2 * MX_FACE_PAD;
}

static bool fits(const mx_face_view *view, float factor)
{
    return reduced(view->width, factor) >= MX_FACE_WINDOW &&
           reduced(view->height, factor) >= MX_FACE_WINDOW;
}

float mx_face_scan_factor(const mx_face_view *view, const mx_face_sizes *sizes)
{
    float factor = 0;
    for (float size = sizes->smallest;
         size <= sizes->largest && fits(view, factor_of(size)); size *= sizes->step)
        factor = factor_of(size);
    return factor;
}

static mexpr_status grow_level(mx_scope *scope, mx_face_scan *scan, size_t size)
{
    if (size <= scan->level_capacity)
        return MEXPR_OK;
    mx_free(scope->context, scan->level);
    scan->level = mx_alloc(scope, size, 1);
    scan->level_capacity = scan->level ? size : 0;
    return scan->level ? MEXPR_OK : MEXPR_E_NOMEM;
}

static mexpr_status grow_offsets(mx_scope *scope, mx_face_scan *scan, size_t n)
{
    if (n <= scan->n_offsets)
        return MEXPR_OK;
    mx_free(scope->context, scan->offsets);
    scan->offsets = mx_alloc(scope, n, sizeof *scan->offsets);
    scan->n_offsets = scan->offsets ? n : 0;
    return scan->offsets ? MEXPR_OK : MEXPR_E_NOMEM;
}

static void free_columns(mexpr_context *context, mx_face_scan *scan)
{
    mx_free(context, scan->first);
    mx_free(context, scan->weight);
    mx_free(context, scan->blended);
    mx_free(context, scan->scores);
    scan->first = NULL;
    scan->weight = NULL;
    scan->blended = NULL;
    scan->scores = NULL;
    scan->columns = 0;
}

static mexpr_status grow_columns(mx_scope *scope, mx_face_scan *scan, size_t columns)
{
    if (columns <= scan->columns)
        return MEXPR_OK;
    free_columns(scope->context, scan);
    scan->first = mx_alloc(scope, columns, sizeof *scan->first);
    scan->weight = mx_alloc(scope, columns, sizeof *scan->weight);
    scan->blended = mx_alloc(scope, columns, sizeof *scan->blended);
    scan->scores = mx_alloc(scope, columns, sizeof *scan->scores);
    if (!scan->first || !scan->weight || !scan->blended || !scan->scores) {
        free_columns(scope->context, scan);
        return MEXPR_E_NOMEM;
    }
    scan->columns = columns;
    return MEXPR_OK;
}

static level_plan plan_level(const mx_face_octaves *octaves, float size)
{
    level_plan plan = {.factor = factor_of(size)};
    plan.octave = mx_face_octave_of(octaves, plan.factor);
    plan.width = reduced(octaves->views[0].width, plan.factor);
    plan.height = reduced(octaves->views[0].height, plan.factor);
    return plan;
}

/* The source of one row or column: pixel `*first` of the octave and the weight of the one
 * behind it, in 1/256. */
static int source_of(const level_plan *plan, int at, uint32_t size, int32_t *first)
{
    const float g = ldexpf(plan->factor, -plan->octave);
    float x = ((float)(at - MX_FACE_PAD) + 0.5f) * g - 0.5f;
    const float last = (float)(size - 1);
    x = x > 0 ? (x < last ? x : last) : 0;
    *first = (int32_t)x;
    return (int)((x - (float)*first) * 256.0f);
}

static void make_level(mx_face_scan *scan, const mx_face_kernels *kernels,
    const mx_face_octaves *octaves, const level_plan *plan, size_t pitch)
{
    const mx_face_view *view = &octaves->views[plan->octave];
    const size_t width = (size_t)plan->width, even = (width + 1) / 2;
    for (int x = 0; x < plan->width; x++) {
        const size_t slot = (x & 1 ? even : 0) + (size_t)x / 2;
        scan->weight[slot] =
            (uint16_t)source_of(plan, x, view->width, &scan->first[slot]);
    }
    for (int y = 0; y < plan->height; y++) {
        int32_t first;
        const int t = source_of(plan, y, view->height, &first);
        const uint8_t *a = view->pixels + (size_t)first * view->stride;
        const uint8_t *b = (uint32_t)first + 1 < view->height ? a + view->stride : a;
        kernels->blend(scan->blended, a, b, t, view->width);
        scan->blended[view->width] = scan->blended[view->width - 1];
        uint8_t *row = scan->level + (size_t)y * pitch;
        kernels->pick(row, scan->blended, scan->first, scan->weight, even);
        kernels->pick(row + pitch / 2, scan->blended, scan->first + even,
            scan->weight + even, width - even);
    }
}

static void set_offsets(mx_face_scan *scan, const mx_face_cascade *cascade, size_t pitch)
{
    ptrdiff_t *offset = scan->offsets;
    for (int i = 0; i < cascade->n; i++)
        for (int j = 0; j < 2 * MX_FERN_DEPTH; j++) {
            const uint8_t *at = cascade->ferns[i].pixels[j];
            *offset++ = (ptrdiff_t)(at[1] * pitch + (at[0] & 1) * (pitch / 2) +
                                    (size_t)(at[0] >> 1));
        }
}

/* Up to a whole number of vectors, which is faster than the rest of one; there is room
 * for it, and nobody looks at what comes out. */
static void run_dense(mx_face_scan *scan, const mx_face_kernels *kernels,
    const mx_face_cascade *cascade, const uint8_t *row, size_t n)
{
    n = mx_round_up(n, VECTOR);
    memset(scan->scores, 0, n * sizeof *scan->scores);
    for (int i = 0; i < cascade->dense; i++) {
        const ptrdiff_t *offset = scan->offsets + i * 2 * MX_FERN_DEPTH;
        const uint8_t *pixels[2 * MX_FERN_DEPTH];
        for (int j = 0; j < 2 * MX_FERN_DEPTH; j++)
            pixels[j] = row + offset[j];
        kernels->fern(scan->scores, pixels, cascade->ferns[i].leaves, n);
    }
}

/* The rest of the cascade for one window; false when it falls out. */
static bool run_sparse(const mx_face_scan *scan, const mx_face_cascade *cascade,
    const uint8_t *at, int *score)
{
    for (int i = cascade->dense; i < cascade->n; i++) {
        const ptrdiff_t *offset = scan->offsets + i * 2 * MX_FERN_DEPTH;
        unsigned leaf = 0;
        for (int j = 0; j < MX_FERN_DEPTH; j++)
            leaf |= (unsigned)(at[offset[2 * j]] < at[offset[2 * j + 1]]) << j;
        *score += cascade->ferns[i].leaves[leaf];
        if (*score < cascade->ferns[i].threshold)
            return false;
    }
    return true;
}

/* The box of a window: the same centre, less context. */
static mx_face_box box_of(
    const level_plan *plan, size_t x, size_t y, float size, int score)
{
    const float side = MX_FACE_WINDOW * plan->factor;
    const float margin = 0.5f * (side - size) - 0.5f;
    return (mx_face_box){((float)x - MX_FACE_PAD) * plan->factor + margin,
        ((float)y - MX_FACE_PAD) * plan->factor + margin, size, (float)score};
}

static void scan_level(mx_face_scan *scan, const mx_face_kernels *kernels,
    const mx_face_cascade *cascade, const level_plan *plan, size_t pitch, float size,
    mx_face_hit_fn fn, void *user)
{
    const size_t nx = (size_t)(plan->width - MX_FACE_WINDOW) / 2 + 1;
    const size_t ny = (size_t)(plan->height - MX_FACE_WINDOW) / 2 + 1;
    const int enough =
        cascade->dense > 0 ? cascade->ferns[cascade->dense - 1].threshold : 0;
    for (size_t j = 0; j < ny; j++) {
        const uint8_t *row = scan->level + 2 * j * pitch;
        run_dense(scan, kernels, cascade, row, nx);
        for (size_t i = 0; i < nx; i++) {
            int score = scan->scores[i];
            if (score < enough || !run_sparse(scan, cascade, row + i, &score))
                continue;
            const mx_face_hit hit = {
                box_of(plan, 2 * i, 2 * j, size, score), row + i, pitch};
            fn(user, &hit);
        }
    }
}

mexpr_status mx_face_scan_run(mx_scope *scope, mx_face_scan *scan,
    const mx_face_kernels *kernels, const mx_face_cascade *cascade,
    const mx_face_octaves *octaves, const mx_face_sizes *sizes, mx_face_hit_fn fn,
    void *user)
{
    const mx_face_view *view = &octaves->views[0];
    if (!fits(view, factor_of(sizes->smallest)))
        return MEXPR_OK;
    const level_plan first = plan_level(octaves, sizes->smallest);
    const size_t widest =
        view->width > (uint32_t)first.width ? view->width : (size_t)first.width;
    const size_t pitch = mx_round_up((size_t)first.width, 128);
    mexpr_status status = grow_level(scope, scan, pitch * (size_t)first.height + VECTOR);
    if (status == MEXPR_OK)
        status = grow_columns(scope, scan, widest + VECTOR);
    if (status == MEXPR_OK)
        status = grow_offsets(scope, scan, (size_t)cascade->n * 2 * MX_FERN_DEPTH);
    if (status != MEXPR_OK)
        return status;
    set_offsets(scan, cascade, pitch);
    for (float size = sizes->smallest;
         size <= sizes->largest && fits(view, factor_of(size)); size *= sizes->step) {
        const level_plan plan = plan_level(octaves, size);
        make_level(scan, kernels, octaves, &plan, pitch);
        scan_level(scan, kernels, cascade, &plan, pitch, size, fn, user);
    }
    return MEXPR_OK;
}

void mx_face_scan_free(mexpr_context *context, mx_face_scan *scan)
{
    mx_free(context, scan->level);
    mx_free(context, scan->offsets);
    free_columns(context, scan);
    *scan = (mx_face_scan){.columns = 0};
}
