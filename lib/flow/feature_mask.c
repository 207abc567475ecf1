/* SPDX-License-Identifier: MIT */
/* Fields masked by polygons. */
#include "flow/feature.h"

enum { EYE_CORNERS = 6, EYE_FIRST = 36 };

static void fill_polygon(mexpr_field *field, const mx_polygon *p, float value)
{
    const size_t width = (size_t)mexpr_field_width(field);
    float *u = mexpr_field_u_pixels(field), *v = mexpr_field_v_pixels(field);
    for (int32_t y = p->y0; y < p->y1; y++) {
        for (int32_t x = p->x0; x < p->x1; x++) {
            if (mx_polygon_has(p, x, y))
                u[(size_t)y * width + (size_t)x] = v[(size_t)y * width + (size_t)x] =
                    value;
        }
    }
}

mexpr_status mexpr_field_mask(mexpr_context *context, mexpr_field *field,
    const mexpr_polygons *polygons, double margin, mexpr_mask_fill fill)
{
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!field)
        return mx_fail(scope, MEXPR_E_ARG, "field is NULL");
    if (fill != MEXPR_MASK_ZERO && fill != MEXPR_MASK_UNKNOWN)
        return mx_fail(scope, MEXPR_E_ARG, "fill %d is no mexpr_mask_fill", (int)fill);
    mexpr_polygons known;
    const mexpr_status status = mx_polygons_check_margin(scope, polygons, margin, &known);
    if (status != MEXPR_OK)
        return status;
    const float value = fill == MEXPR_MASK_ZERO ? 0 : MEXPR_FIELD_UNKNOWN;
    size_t first = 0;
    for (int32_t i = 0; i < known.n_polygons; i++) {
        const mx_polygon p = mx_polygon_next(&known, i, &first, margin,
            mexpr_field_width(field), mexpr_field_height(field));
        fill_polygon(field, &p, value);
    }
    return MEXPR_OK;
}

mexpr_status mexpr_field_mask_eyes(mexpr_context *context, mexpr_field *field,
    const float *landmarks, double margin, mexpr_mask_fill fill)
{
    if (!context)
        return MEXPR_E_ARG;
    const mexpr_status status = mx_check_landmarks(mx_context_scope(context), landmarks);
    if (status != MEXPR_OK)
        return status;
    const int32_t corners[2] = {EYE_CORNERS, EYE_CORNERS};
    mexpr_polygons eyes = MEXPR_POLYGONS_INIT;
    eyes.xy = landmarks + 2 * EYE_FIRST;
    eyes.corners = corners;
    eyes.n_polygons = 2;
    return mexpr_field_mask(context, field, &eyes, margin, fill);
}
