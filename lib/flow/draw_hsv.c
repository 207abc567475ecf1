/* SPDX-License-Identifier: MIT */
/* Direction as hue, magnitude as value: the coding of OpenCV's tutorial, with both its
 * roundings: flow to 8-bit HSV, and HSV to RGB. */
#include "flow/feature.h"

typedef struct range {
    double low, high;
} range;

static range magnitude_range(const float *u, const float *v, size_t n)
{
    range r = {INFINITY, -INFINITY};
    for (size_t i = 0; i < n; i++) {
        if (!mx_field_is_known(u[i], v[i]))
            continue;
        const double magnitude = mx_vector_magnitude(u[i], v[i]);
        r.low = fmin(r.low, magnitude);
        r.high = fmax(r.high, magnitude);
    }
    return r;
}

/* Hue in half degrees, 0..179. */
static int hue_of(float u, float v)
{
    double degrees = mx_vector_angle(u, v) * 180 / MX_PI;
    if (degrees < 0)
        degrees += 360;
    const int hue = (int)(degrees / 2);
    return hue < 180 ? hue : 0; /* an angle a hair below 0 */
}

/* The order of these single-precision steps is that of OpenCV 4: with it, and rounding
 * down, all 180 × 256 colours are the same. */
static void put_colour(int hue, int value, unsigned char rgb[3])
{
    const float h = (float)hue * (6 / 180.0f), sector = floorf(h), f = h - sector;
    const float v = (float)value * (1 / 255.0f);
    const unsigned char full = (unsigned char)(v * 255);
    const unsigned char down = (unsigned char)(v * (1 - f) * 255);
    const unsigned char up = (unsigned char)(v * (1 - (1 - f)) * 255);
    const unsigned char table[6][3] = {{full, up, 0}, {down, full, 0}, {0, full, up},
        {0, down, full}, {up, 0, full}, {full, 0, down}};
    for (int c = 0; c < 3; c++)
        rgb[c] = table[(int)sector][c];
}

mexpr_status mexpr_flow_hsv(
    mexpr_context *context, const mexpr_field *field, mexpr_image **out)
{
    if (!out)
        return MEXPR_E_ARG;
    *out = NULL;
    if (!context)
        return MEXPR_E_ARG;
    if (!field)
        return mx_fail(mx_context_scope(context), MEXPR_E_ARG, "field is NULL");
    const int32_t width = mexpr_field_width(field), height = mexpr_field_height(field);
    mexpr_image *image;
    const mexpr_status status =
        mexpr_image_create(context, MEXPR_FORMAT_RGB8, width, height, &image);
    if (status != MEXPR_OK)
        return status;
    const float *u = mexpr_field_u(field), *v = mexpr_field_v(field);
    const range r = magnitude_range(u, v, (size_t)width * (size_t)height);
    unsigned char *row = mexpr_image_pixels(image);
    for (int32_t y = 0; y < height; y++, row += mexpr_image_stride(image)) {
        for (int32_t x = 0; x < width; x++, u++, v++) {
            if (!(r.high > r.low) || !mx_field_is_known(*u, *v))
                continue;
            const double share = (mx_vector_magnitude(*u, *v) - r.low) / (r.high - r.low);
            put_colour(hue_of(*u, *v), (int)(255 * share), row + 3 * (size_t)x);
        }
    }
    *out = image;
    return MEXPR_OK;
}
