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

static float clamp(float x, float high)
{
    return x > 0 ? (x < high ? x : high) : 0;
}

/* Weights of 8 bits, as in the levels of the search. */
static uint8_t sample(const mx_face_view *view, float x, float y)
{
    x = clamp(x, (float)(view->width - 1));
    y = clamp(y, (float)(view->height - 1));
    const uint32_t x0 = (uint32_t)x, y0 = (uint32_t)y;
    const uint32_t tx = (uint32_t)((x - (float)x0) * 256.0f);
    const uint32_t ty = (uint32_t)((y - (float)y0) * 256.0f);
    const uint8_t *a = view->pixels + (size_t)y0 * view->stride + x0;
    const uint8_t *b = y0 + 1 < view->height ? a + view->stride : a;
    const size_t right = x0 + 1 < view->width;
    const uint32_t left_side = (256 - ty) * a[0] + ty * b[0];
    const uint32_t right_side = (256 - ty) * a[right] + ty * b[right];
    return (uint8_t)(((256 - tx) * left_side + tx * right_side + 32768) >> 16);
}

void mx_face_patch(const mx_face_octaves *octaves, int octave, const mx_face_frame *frame,
    int side, uint8_t *out)
{
    const mx_face_view *view = &octaves->views[octave];
    const float scale = ldexpf(1.0f, -octave), middle = 0.5f * (float)(side - 1);
    const float cx = (frame->x + 0.5f) * scale - 0.5f;
    const float cy = (frame->y + 0.5f) * scale - 0.5f;
    const float ax = frame->ax * scale, ay = frame->ay * scale;
    for (int j = 0; j < side; j++) {
        const float v = (float)j - middle;
        for (int i = 0; i < side; i++) {
            const float u = frame->mirror ? middle - (float)i : (float)i - middle;
            out[j * side + i] = sample(view, cx + ax * u - ay * v, cy + ay * u + ax * v);
        }
    }
}
