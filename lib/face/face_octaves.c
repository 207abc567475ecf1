/* SPDX-License-Identifier: MIT */
#include "face/face_octaves.h"

#include <math.h>

static uint32_t half(uint32_t n)
{
    return n > 1 ? n / 2 : 1;
}

static int count_for(float factor)
{
    int n = 1;
    while (n < MX_FACE_OCTAVES && factor >= 2.0f) {
        factor *= 0.5f;
        n++;
    }
    return n;
}

static mexpr_status reserve(mx_scope *scope, mx_face_octaves *octaves, size_t size)
{
    if (size <= octaves->capacity)
        return MEXPR_OK;
    mx_free(scope->context, octaves->memory);
    octaves->capacity = 0;
    octaves->memory = mx_alloc(scope, size, 1);
    if (!octaves->memory)
        return MEXPR_E_NOMEM;
    octaves->capacity = size;
    return MEXPR_OK;
}

/* A picture one pixel wide or high is its own neighbour there. */
static void halve(
    const mx_face_kernels *kernels, const mx_face_view *in, uint8_t *out, uint32_t width)
{
    const size_t below = in->height > 1 ? in->stride : 0;
    for (uint32_t y = 0; y < half(in->height); y++) {
        const uint8_t *a = in->pixels + 2 * (size_t)y * in->stride;
        uint8_t *row = out + (size_t)y * width;
        if (in->width > 1)
            kernels->halve(row, a, a + below, width);
        else
            row[0] = (uint8_t)((a[0] + a[below] + 1) >> 1);
    }
}

mexpr_status mx_face_octaves_build(mx_scope *scope, mx_face_octaves *octaves,
    const mx_face_kernels *kernels, const mx_face_view *view, float factor)
{
    octaves->n = count_for(factor);
    octaves->views[0] = *view;
    size_t size = 0;
    for (int i = 1; i < octaves->n; i++) {
        const mx_face_view *up = &octaves->views[i - 1];
        octaves->views[i] =
            (mx_face_view){NULL, half(up->width), half(up->width), half(up->height)};
        size += (size_t)half(up->width) * half(up->height);
    }
    mexpr_status status = reserve(scope, octaves, size);
    if (status != MEXPR_OK)
        return status;
    uint8_t *at = octaves->memory;
    for (int i = 1; i < octaves->n; i++) {
        mx_face_view *to = &octaves->views[i];
        halve(kernels, &octaves->views[i - 1], at, to->width);
        to->pixels = at;
        at += (size_t)to->width * to->height;
    }
    return MEXPR_OK;
}

void mx_face_octaves_free(mexpr_context *context, mx_face_octaves *octaves)
{
    mx_free(context, octaves->memory);
    *octaves = (mx_face_octaves){.n = 0};
}

int mx_face_octave_of(const mx_face_octaves *octaves, float factor)
{
    int octave = count_for(factor) - 1;
    return octave < octaves->n ? octave : octaves->n - 1;
}

/* Between pixels `at` and `next` of a row or column, `t` / 256 of the way: weights of 8
 * bits, as in the levels of the search. */
typedef struct place {
    uint32_t at, next, t;
} place;

static place place_of(float x, uint32_t size)
{
    const float last = (float)(size - 1);
    x = x > 0 ? (x < last ? x : last) : 0;
    const uint32_t at = (uint32_t)x;
    return (place){at, at + 1 < size ? at + 1 : at, (uint32_t)((x - (float)at) * 256.0f)};
}

/* From the row at a place and the one behind it. */
static uint8_t sample(const uint8_t *a, const uint8_t *b, uint32_t t, place x)
{
    const uint32_t left = (256 - t) * a[x.at] + t * b[x.at];
    const uint32_t right = (256 - t) * a[x.next] + t * b[x.next];
    return (uint8_t)(((256 - x.t) * left + x.t * right + 32768) >> 16);
}

void mx_face_patch(const mx_face_octaves *octaves, int octave, const mx_face_frame *frame,
    int side, uint8_t *out)
{
    const mx_face_view *view = &octaves->views[octave];
    const float scale = ldexpf(1.0f, -octave), middle = 0.5f * (float)(side - 1);
    const float cx = (frame->x + 0.5f) * scale - 0.5f;
    const float cy = (frame->y + 0.5f) * scale - 0.5f;
    const float ax = frame->ax * scale, ay = frame->ay * scale;
    place x[MX_FACE_PATCH_SIDE], y[MX_FACE_PATCH_SIDE];
    for (int j = 0; j < side; j++, out += side) {
        const float v = (float)j - middle;
        /* Upright patches, as a search takes them, have the same columns in all rows. */
        for (int i = 0; i < side && (j == 0 || ay != 0.0f); i++) {
            const float u = frame->mirror ? middle - (float)i : (float)i - middle;
            x[i] = place_of(cx + ax * u - ay * v, view->width);
        }
        for (int i = 0; i < side; i++) {
            const float u = frame->mirror ? middle - (float)i : (float)i - middle;
            y[i] = i == 0 || ay != 0.0f ? place_of(cy + ay * u + ax * v, view->height)
                                        : y[0];
        }
        for (int i = 0; i < side; i++)
            out[i] = sample(view->pixels + (size_t)y[i].at * view->stride,
                view->pixels + (size_t)y[i].next * view->stride, y[i].t, x[i]);
    }
}
