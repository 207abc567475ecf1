/* SPDX-License-Identifier: MIT */
#include "image/polygon.h"

enum { MAX_MARGIN = 10000 };

mexpr_status mx_polygons_check_margin(
    mx_scope *scope, const mexpr_polygons *polygons, double margin, mexpr_polygons *known)
{
    const mexpr_status status = mx_polygons_check(scope, polygons, known);
    return status == MEXPR_OK ? mx_check_not_negative(scope, "margin", margin, MAX_MARGIN)
                              : status;
}

mexpr_status mexpr_polygons_mask(mexpr_context *context, const mexpr_polygons *polygons,
    double margin, int32_t width, int32_t height, mexpr_image **out)
{
    if (!out)
        return MEXPR_E_ARG;
    *out = NULL;
    if (!context)
        return MEXPR_E_ARG;
    mexpr_polygons known;
    mexpr_status status =
        mx_polygons_check_margin(mx_context_scope(context), polygons, margin, &known);
    mexpr_image *image = NULL;
    if (status == MEXPR_OK)
        status = mexpr_image_create(context, MEXPR_FORMAT_GREY8, width, height, &image);
    if (status != MEXPR_OK)
        return status;
    unsigned char *pixels = mexpr_image_pixels(image);
    const size_t stride = mexpr_image_stride(image);
    size_t first = 0;
    for (int32_t i = 0; i < known.n_polygons; i++) {
        const mx_polygon p = mx_polygon_next(&known, i, &first, margin, width, height);
        for (int32_t y = p.y0; y < p.y1; y++) {
            for (int32_t x = p.x0; x < p.x1; x++) {
                if (mx_polygon_has(&p, x, y))
                    pixels[(size_t)y * stride + (size_t)x] = 255;
            }
        }
    }
    *out = image;
    return MEXPR_OK;
}
