/* SPDX-License-Identifier: MIT */
/* Magnitude and orientation. */
#include "flow/feature.h"

typedef double (*vector_fn)(float u, float v);

static double magnitude(float u, float v)
{
    return mx_vector_magnitude(u, v);
}

static double orientation(float u, float v)
{
    return mx_vector_angle(u, v);
}

static mexpr_status map_field(
    mexpr_context *context, const mexpr_field *field, vector_fn value, mexpr_image **out)
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
        mexpr_image_create(context, MEXPR_FORMAT_GREYF32, width, height, &image);
    if (status != MEXPR_OK)
        return status;
    const float *u = mexpr_field_u(field), *v = mexpr_field_v(field);
    unsigned char *row = mexpr_image_pixels(image);
    for (int32_t y = 0; y < height; y++, row += mexpr_image_stride(image)) {
        float *to = (float *)row;
        for (int32_t x = 0; x < width; x++, u++, v++)
            to[x] = mx_field_is_known(*u, *v) ? (float)value(*u, *v) : 0;
    }
    *out = image;
    return MEXPR_OK;
}

mexpr_status mexpr_flow_magnitude(
    mexpr_context *context, const mexpr_field *field, mexpr_image **out)
{
    return map_field(context, field, magnitude, out);
}

mexpr_status mexpr_flow_orientation(
    mexpr_context *context, const mexpr_field *field, mexpr_image **out)
{
    return map_field(context, field, orientation, out);
}
