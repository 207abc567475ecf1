/* SPDX-License-Identifier: MIT */
/* Samples of a picture smoothed before by a Gaussian, as sampling asks for. A mip map
 * would be cheaper by a third, but its averages of 2 x 2 pixels lie on a grid: with one,
 * a face that moved by half a pixel moved its landmarks by another 0.17 px, now 0.04. */
#include "face/landmark_crop.h"

#include <math.h>
#include <string.h>

enum { MOST_LEVELS = 12, RADIUS = 6, MARGIN = 2 };

/* Deviation of the Gaussian in distances of samples. */
static const float smoothing = 0.5f;

/* Averages of factor x factor pixels: `size` of them each way, the first at (left, top)
 * in units of the factor. */
typedef struct part {
    int32_t left, top, size;
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

/* The columns of a part that lie in the picture: from..to - 1 of n. */
typedef struct inside {
    int32_t n, from, to;
} inside;

static inside columns_inside(const mx_face_view *view, const part *p)
{
    const int64_t n = (int64_t)p->size * p->factor, left = (int64_t)p->left * p->factor;
    const int32_t from = clamp(-left, n), to = clamp((int64_t)view->width - left, n);
    return (inside){(int32_t)n, from, to > from ? to : from};
}

static const uint8_t *row_of(const mx_face_view *view, int64_t y)
{
    return view->pixels + (size_t)clamp(y, (int64_t)view->height - 1) * view->stride;
}

static void take_row(
    mx_landmark_cropper *cropper, const mx_face_view *view, const part *p, int32_t i)
{
    const inside in = columns_inside(view, p);
    const uint8_t *row = row_of(view, (int64_t)p->top + i);
    float *out = cropper->pixels + i * MX_LANDMARK_CROP_LEVEL;
    if (in.from < in.to)
        cropper->kernels.widen(in.to - in.from, row + p->left + in.from, out + in.from);
    for (int32_t x = 0; x < in.from; x++)
        out[x] = (float)row[0];
    for (int32_t x = in.to; x < in.n; x++)
        out[x] = (float)row[view->width - 1];
}

/* The same from `factor` rows, averaged. */
static void average_rows(
    mx_landmark_cropper *cropper, const mx_face_view *view, const part *p, int32_t i)
{
    const inside in = columns_inside(view, p);
    const int64_t left = (int64_t)p->left * p->factor;
    const int64_t top = ((int64_t)p->top + i) * p->factor;
    memset(cropper->sums, 0, sizeof *cropper->sums * (size_t)in.n);
    for (int j = 0; j < p->factor; j++) {
        const uint8_t *row = row_of(view, top + j);
        if (in.from < in.to)
            cropper->kernels.add_row(
                in.to - in.from, row + left + in.from, cropper->sums + in.from);
        for (int32_t x = 0; x < in.from; x++)
            cropper->sums[x] += row[0];
        for (int32_t x = in.to; x < in.n; x++)
            cropper->sums[x] += row[view->width - 1];
    }
    cropper->kernels.fold(p->size, p->factor, cropper->sums,
        1.0f / ((float)p->factor * (float)p->factor),
        cropper->pixels + i * MX_LANDMARK_CROP_LEVEL);
}

static mexpr_status take_pixels(mx_scope *scope, mx_landmark_cropper *cropper,
    const mx_face_view *view, const part *p)
{
    const mexpr_status status =
        need_sums(scope, cropper, (size_t)p->size * (size_t)p->factor);
    for (int32_t i = 0; i < p->size && status == MEXPR_OK; i++) {
        if (p->factor == 1)
            take_row(cropper, view, p, i);
        else
            average_rows(cropper, view, p, i);
    }
    return status;
}

/* Weights of a Gaussian cut at three deviations; returns the radius. */
static int gaussian(float deviation, float weights[RADIUS + 1])
{
    const int radius = deviation > 1.0f / 3.0f ? (int)ceilf(3.0f * deviation) : 1;
    float sum = 1.0f;
    weights[0] = 1.0f;
    for (int k = 1; k <= radius; k++) {
        const float z = (float)k / deviation;
        weights[k] = expf(-0.5f * z * z);
        sum += 2.0f * weights[k];
    }
    for (int k = 0; k <= radius; k++)
        weights[k] /= sum;
    return radius;
}

/* All but a frame of RADIUS. */
static void smooth_part(mx_landmark_cropper *cropper, const part *p, float deviation)
{
    enum { STRIDE = MX_LANDMARK_CROP_LEVEL };
    float weights[RADIUS + 1], line[STRIDE];
    const int radius = gaussian(deviation, weights);
    for (int32_t y = RADIUS; y < p->size - RADIUS; y++) {
        cropper->kernels.smooth(
            p->size, radius, weights, STRIDE, cropper->pixels + y * STRIDE, line);
        cropper->kernels.smooth(p->size - 2 * RADIUS, radius, weights, 1, line + RADIUS,
            cropper->smooth + y * STRIDE + RADIUS);
    }
}

static void sample(const mx_landmark_cropper *cropper, const part *p,
    const mx_landmark_pose *pose, float extent, int side, float *out)
{
    const float per_pixel = 1.0f / (float)p->factor;
    const float centre = 0.5f * (float)(p->factor - 1);
    const float a = pose->a * extent / (float)side, b = pose->b * extent / (float)side;
    const float first = 0.5f - 0.5f * (float)side;
    mx_landmark_crop_line line = {
        cropper->smooth, MX_LANDMARK_CROP_LEVEL, 0, 0, a * per_pixel, b * per_pixel};
    for (int i = 0; i < side; i++) {
        const float v = first + (float)i;
        line.x = (pose->x + a * first - b * v - centre) * per_pixel - (float)p->left;
        line.y = (pose->y + b * first + a * v - centre) * per_pixel - (float)p->top;
        cropper->kernels.line(side, &line, out + i * side);
    }
}

static part part_around(const mx_landmark_pose *pose, float half_width, int factor)
{
    const float per_pixel = 1.0f / (float)factor;
    const float reach = half_width * per_pixel + (float)(RADIUS + MARGIN);
    return (part){(int32_t)floorf(pose->x * per_pixel - reach),
        (int32_t)floorf(pose->y * per_pixel - reach), (int32_t)ceilf(2.0f * reach) + 1,
        factor};
}

mexpr_status mx_landmark_crop(mx_scope *scope, mx_landmark_cropper *cropper,
    const mx_face_view *view, const mx_landmark_pose *pose, float extent, int side,
    float *out)
{
    const float step = mx_landmark_pose_side(pose) * extent / (float)side;
    int n = 0;
    while (n < MOST_LEVELS && ldexpf(4.0f, n) <= step)
        n++;
    if (!(step > 0.0f) || n == MOST_LEVELS)
        return mx_fail(scope, MEXPR_E_ARG, "a face of %g pixels cannot be cut out",
            (double)mx_landmark_pose_side(pose));
    const float factor = ldexpf(1.0f, n), wanted = smoothing * step;
    const float half_width = 0.5f * extent * (fabsf(pose->a) + fabsf(pose->b));
    const part p = part_around(pose, half_width, 1 << n);
    const mexpr_status status = take_pixels(scope, cropper, view, &p);
    if (status != MEXPR_OK)
        return status;
    /* Averaging `factor` pixels is smoothing already, with this variance. */
    const float done = (factor * factor - 1.0f) / 12.0f;
    smooth_part(cropper, &p, sqrtf(wanted * wanted - done) / factor);
    sample(cropper, &p, pose, extent, side, out);
    return MEXPR_OK;
}
