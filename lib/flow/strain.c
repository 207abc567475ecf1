/* SPDX-License-Identifier: MIT */
#include "flow/strain.h"

#include <math.h>

#include "image/picture.h"

/* Derivatives of both components at one pixel. */
typedef struct jacobian {
    float ux, uy, vx, vy;
} jacobian;

/* One component's neighbourhood at offsets that stay inside the field. */
typedef struct stencil {
    ptrdiff_t left, right; /* columns */
    ptrdiff_t up, down;    /* rows, in floats */
} stencil;

/* Central, at the edge one-sided: the difference over the steps there are. */
static float slope(const float *p, ptrdiff_t before, ptrdiff_t behind)
{
    const float difference = p[behind] - p[before];
    return before != 0 && behind != 0 ? 0.5f * difference : difference;
}

static jacobian central(const float *u, const float *v, const stencil *s)
{
    return (jacobian){slope(u, s->left, s->right), slope(u, s->up, s->down),
        slope(v, s->left, s->right), slope(v, s->up, s->down)};
}

/* 3 × 3 Sobel sums, without the division by 8 that would make slopes of them. */
static float sobel(const float *p, ptrdiff_t along_before, ptrdiff_t along_behind,
    ptrdiff_t across_before, ptrdiff_t across_behind)
{
    const float a = p[across_before + along_behind] - p[across_before + along_before];
    const float b = p[along_behind] - p[along_before];
    const float c = p[across_behind + along_behind] - p[across_behind + along_before];
    return a + 2.0f * b + c;
}

static jacobian sobel_sums(const float *u, const float *v, const stencil *s)
{
    return (jacobian){sobel(u, s->left, s->right, s->up, s->down),
        sobel(u, s->up, s->down, s->left, s->right),
        sobel(v, s->left, s->right, s->up, s->down), 0.0f};
}

static float strain_of(mexpr_strain kind, const jacobian *j)
{
    const float shear = j->uy + j->vx;
    switch (kind) {
    case MEXPR_STRAIN_QUARTER:
        return sqrtf(j->ux * j->ux + j->vy * j->vy + 0.25f * shear * shear);
    case MEXPR_STRAIN_OFF_TANET:
        return sqrtf(j->ux * j->ux + j->uy * j->uy + 0.5f * shear * shear);
    default:
        return sqrtf(j->ux * j->ux + j->vy * j->vy + 0.5f * shear * shear);
    }
}

/* The step to the neighbour at distance 1, at the edge 0 or mirrored. */
static int step(int at, int n, int direction, bool mirrored)
{
    if (at + direction >= 0 && at + direction < n)
        return direction;
    return mirrored && n > 1 ? -direction : 0;
}

static bool all_known(const mexpr_field *field, int x, int y)
{
    const int left = x > 0 ? x - 1 : 0, right = x + 1 < field->width ? x + 1 : x;
    const int top = y > 0 ? y - 1 : 0, bottom = y + 1 < field->height ? y + 1 : y;
    for (int j = top; j <= bottom; j++) {
        for (int i = left; i <= right; i++) {
            const size_t at = (size_t)j * (size_t)field->width + (size_t)i;
            if (!mx_field_is_known(field->u[at], field->v[at]))
                return false;
        }
    }
    return true;
}

void mx_strain(const mexpr_field *field, mexpr_strain kind, float *out)
{
    const int width = field->width, height = field->height;
    const bool is_sobel = kind == MEXPR_STRAIN_OFF_TANET;
    for (int y = 0; y < height; y++) {
        stencil s = {.up = (ptrdiff_t)step(y, height, -1, is_sobel) * width,
            .down = (ptrdiff_t)step(y, height, 1, is_sobel) * width};
        for (int x = 0; x < width; x++, out++) {
            const size_t at = (size_t)y * (size_t)width + (size_t)x;
            const float *u = field->u + at, *v = field->v + at;
            s.left = step(x, width, -1, is_sobel);
            s.right = step(x, width, 1, is_sobel);
            const jacobian j = is_sobel ? sobel_sums(u, v, &s) : central(u, v, &s);
            *out = all_known(field, x, y) ? strain_of(kind, &j) : 0.0f;
        }
    }
}

mexpr_status mx_strain_check(mx_scope *scope, mexpr_strain kind)
{
    if (kind != MEXPR_STRAIN_FROBENIUS && kind != MEXPR_STRAIN_QUARTER &&
        kind != MEXPR_STRAIN_OFF_TANET)
        return mx_fail(scope, MEXPR_E_ARG, "%d is not a mexpr_strain", (int)kind);
    return MEXPR_OK;
}

mexpr_status mexpr_flow_strain(mexpr_context *context, const mexpr_field *field,
    mexpr_strain kind, mexpr_image **out)
{
    if (!out)
        return MEXPR_E_ARG;
    *out = NULL;
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!field)
        return mx_fail(scope, MEXPR_E_ARG, "the field is NULL");
    mexpr_status status = mx_strain_check(scope, kind);
    if (status == MEXPR_OK)
        status =
            mx_image_new(scope, MEXPR_FORMAT_GREYF32, field->width, field->height, out);
    if (status == MEXPR_OK)
        mx_strain(field, kind, (float *)mexpr_image_pixels(*out));
    return status;
}
