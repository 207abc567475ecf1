/* SPDX-License-Identifier: MIT */
/* A mip map (Williams, "Pyramidal parametrics", SIGGRAPH 1983) of which only the two
 * levels and the part that a crop needs are made, from the picture's own pixels. */
#include "face/landmark_crop.h"

#include <math.h>
#include <string.h>

enum { MOST_LEVELS = 12, MARGIN = 2 };

/* A part of level n: `width` x `height` averages of factor x factor pixels, the first at
 * (left, top) in units of the level. */
typedef struct part {
    int32_t left, top, width, height;
    int factor;
} part;

void mx_landmark_cropper_init(mx_landmark_cropper *cropper, uint32_t cpu)
{
    mx_landmark_crop_kernels_init(&cropper->kernels, cpu);
    cropper->sums = NULL;
    cropper->n_sums = 0;
}

void mx_landmark_cropper_free(mexpr_context *context, mx_landmark_cropper *cropper)
{
    mx_free(context, cropper->sums);
    cropper->sums = NULL;
    cropper->n_sums = 0;
}

static mexpr_status need_sums(mx_scope *scope, mx_landmark_cropper *cropper, size_t n)
{
    if (n <= cropper->n_sums)
        return MEXPR_OK;
    mx_landmark_cropper_free(scope->context, cropper);
    cropper->sums = mx_alloc(scope, n, sizeof *cropper->sums);
    if (!cropper->sums)
        return MEXPR_E_NOMEM;
    cropper->n_sums = n;
    return MEXPR_OK;
}

static int32_t clamp(int64_t x, int64_t high)
{
    return (int32_t)(x < 0 ? 0 : x > high ? high : x);
}

/* Adds `rows` rows from y on to the sums, edges repeated. */
static void sum_rows(
    mx_landmark_cropper *cropper, const mx_face_view *view, const part *p, int64_t y)
{
    const int64_t n = (int64_t)p->width * p->factor;
    const int64_t left = (int64_t)p->left * p->factor;
    const int32_t from = clamp(-left, n), to = clamp((int64_t)view->width - left, n);
    memset(cropper->sums, 0, sizeof *cropper->sums * (size_t)n);
    for (int i = 0; i < p->factor; i++) {
        const uint8_t *row =
            view->pixels + (size_t)clamp(y + i, (int64_t)view->height - 1) * view->stride;
        if (from < to)
            cropper->kernels.add_row(to - from, row + left + from, cropper->sums + from);
        for (int64_t x = 0; x < from; x++)
            cropper->sums[x] += row[0];
        for (int64_t x = to > from ? to : from; x < n; x++)
            cropper->sums[x] += row[view->width - 1];
    }
}

static mexpr_status make_level(mx_scope *scope, mx_landmark_cropper *cropper,
    const mx_face_view *view, const part *p)
{
    const mexpr_status status =
        need_sums(scope, cropper, (size_t)p->width * (size_t)p->factor);
    if (status != MEXPR_OK)
        return status;
    const float scale = 1.0f / ((float)p->factor * (float)p->factor);
    for (int32_t i = 0; i < p->height; i++) {
        sum_rows(cropper, view, p, ((int64_t)p->top + i) * p->factor);
        cropper->kernels.fold(p->width, p->factor, cropper->sums, scale,
            cropper->level[0] + i * MX_LANDMARK_CROP_LEVEL);
    }
    return MEXPR_OK;
}

static void halve_level(mx_landmark_cropper *cropper, const part *p)
{
    for (int32_t i = 0; i < p->height / 2; i++) {
        const float *row = cropper->level[0] + 2 * i * MX_LANDMARK_CROP_LEVEL;
        cropper->kernels.halve(p->width / 2, row, row + MX_LANDMARK_CROP_LEVEL,
            cropper->level[1] + i * MX_LANDMARK_CROP_LEVEL);
    }
}

/* The samples from one level; `part` is the level's. */
static void sample_level(const mx_landmark_cropper *cropper, const float *level,
    const part *p, const mx_landmark_pose *pose, float extent, int side, float keep,
    float weight, float *out)
{
    const float per_pixel = 1.0f / (float)p->factor;
    const float centre = 0.5f * (float)(p->factor - 1);
    const float a = pose->a * extent / (float)side, b = pose->b * extent / (float)side;
    const float first = 0.5f - 0.5f * (float)side;
    mx_landmark_crop_line line = {
        level, MX_LANDMARK_CROP_LEVEL, 0, 0, a * per_pixel, b * per_pixel};
    for (int i = 0; i < side; i++) {
        const float v = first + (float)i;
        line.x = (pose->x + a * first - b * v - centre) * per_pixel - (float)p->left;
        line.y = (pose->y + b * first + a * v - centre) * per_pixel - (float)p->top;
        cropper->kernels.line(side, &line, keep, weight, out + i * side);
    }
}

/* The part of the level that a crop of half diagonal `reach` touches; even, so that the
 * level above is made from it. */
static part part_around(const mx_landmark_pose *pose, float half_width, int factor)
{
    const float per_pixel = 1.0f / (float)factor;
    const float reach = half_width * per_pixel + (float)MARGIN;
    const int32_t left = (int32_t)floorf(0.5f * (pose->x * per_pixel - reach)) * 2;
    const int32_t top = (int32_t)floorf(0.5f * (pose->y * per_pixel - reach)) * 2;
    const int32_t size = (int32_t)ceilf(reach + 1.0f) * 2 + 2;
    return (part){left, top, size, size, factor};
}

mexpr_status mx_landmark_crop(mx_scope *scope, mx_landmark_cropper *cropper,
    const mx_face_view *view, const mx_landmark_pose *pose, float extent, int side,
    float *out)
{
    const float step = mx_landmark_pose_side(pose) * extent / (float)side;
    int n = 0;
    while (n < MOST_LEVELS && ldexpf(2.0f, n) <= step)
        n++;
    if (!(step > 0.0f) || step >= ldexpf(2.0f, MOST_LEVELS))
        return mx_fail(scope, MEXPR_E_ARG, "a face of %g pixels cannot be cut out",
            (double)mx_landmark_pose_side(pose));
    const float half_width = 0.5f * extent * (fabsf(pose->a) + fabsf(pose->b));
    const part fine = part_around(pose, half_width, 1 << n);
    const mexpr_status status = make_level(scope, cropper, view, &fine);
    if (status != MEXPR_OK)
        return status;
    const float coarse_share = step > 1.0f ? log2f(step) - (float)n : 0.0f;
    memset(out, 0, sizeof *out * (size_t)side * (size_t)side);
    sample_level(cropper, cropper->level[0], &fine, pose, extent, side, 0.0f,
        1.0f - coarse_share, out);
    if (coarse_share > 0.0f) {
        const part coarse = {
            fine.left / 2, fine.top / 2, fine.width / 2, fine.height / 2, 2 << n};
        halve_level(cropper, &fine);
        sample_level(cropper, cropper->level[1], &coarse, pose, extent, side, 1.0f,
            coarse_share, out);
    }
    return MEXPR_OK;
}
