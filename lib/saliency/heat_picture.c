/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "image/picture.h"
#include "microexpr/saliency.h"

/* Blue, cyan, green, yellow, red: each channel is a trapezoid over 0..1, its middle at
 * 1/4, 1/2 and 3/4. */
static double shade(double t, double middle)
{
    const double v = 1.5 - 4 * fabs(t - middle);
    return v < 0 ? 0 : v > 1 ? 1 : v;
}

/* Without a picture below, the colours in full. */
static void paint_row(const float *map, double scale, const uint8_t *grey, int32_t n,
    double opacity, uint8_t *rgb)
{
    const double middles[] = {0.75, 0.5, 0.25};
    for (int32_t x = 0; x < n; x++, rgb += 3) {
        const double t = fmin(fmax((double)map[x] * scale, 0), 1);
        const double share = grey ? opacity * t : 1, below = grey ? grey[x] : 0;
        for (int i = 0; i < 3; i++)
            rgb[i] =
                (uint8_t)lrint((1 - share) * below + share * 255 * shade(t, middles[i]));
    }
}

static double largest_of(const mexpr_image *map)
{
    double largest = 0;
    for (int32_t y = 0; y < map->height; y++) {
        const float *row = (const float *)(const void *)mx_image_row(map, y);
        for (int32_t x = 0; x < map->width; x++)
            largest = fmax(largest, (double)row[x]);
    }
    return largest;
}

static mexpr_status draw(mexpr_context *context, const mexpr_image *map,
    const mexpr_image *grey, double opacity, mexpr_image **out)
{
    const double largest = largest_of(map);
    const double scale = largest > 0 && isfinite(largest) ? 1 / largest : 0;
    const mexpr_status status = mx_image_new(
        mx_context_scope(context), MEXPR_FORMAT_RGB8, map->width, map->height, out);
    for (int32_t y = 0; status == MEXPR_OK && y < map->height; y++)
        paint_row((const float *)(const void *)mx_image_row(map, y), scale,
            grey ? mx_image_row(grey, y) : NULL, map->width, opacity,
            mx_image_row_pixels(*out, y));
    return status;
}

mexpr_status mexpr_saliency_picture(mexpr_context *context, const mexpr_image *map,
    const mexpr_image *under, double opacity, mexpr_image **out)
{
    if (out)
        *out = NULL;
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!map || !out || map->format != MEXPR_FORMAT_GREYF32)
        return mx_fail(scope, MEXPR_E_ARG,
            "mexpr_saliency_picture() was given NULL or a map that is not GREYF32");
    if (!(opacity >= 0 && opacity <= 1))
        return mx_fail(
            scope, MEXPR_E_RANGE, "an opacity of %g is not within 0 to 1", opacity);
    if (!under)
        return draw(context, map, NULL, opacity, out);
    mexpr_image *grey = NULL, *large = NULL;
    mexpr_status status = mexpr_image_convert(context, under, MEXPR_FORMAT_GREY8, &grey);
    if (status == MEXPR_OK)
        status = mexpr_image_resize(
            context, map, under->width, under->height, MEXPR_FILTER_BILINEAR, &large);
    if (status == MEXPR_OK)
        status = draw(context, large, grey, opacity, out);
    mexpr_image_destroy(&large);
    mexpr_image_destroy(&grey);
    return status;
}
