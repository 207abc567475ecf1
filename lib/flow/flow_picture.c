/* SPDX-License-Identifier: MIT */
#include "flow/flow_picture.h"

#include "flow/strain.h"
#include "image/picture.h"

/* Stretches a plane to 0..255 into every third byte; a constant plane becomes 0. */
static void stretch(const float *in, size_t n, uint8_t *out)
{
    float low = in[0], high = in[0];
    for (size_t i = 1; i < n; i++) {
        low = in[i] < low ? in[i] : low;
        high = in[i] > high ? in[i] : high;
    }
    const double factor = high > low ? 255.0 / ((double)high - low) : 0.0;
    for (size_t i = 0; i < n; i++)
        out[3 * i] = (uint8_t)(((double)in[i] - low) * factor + 0.5);
}

/* The field's component, or with `component` 2 its strain. Unknown counts as still. */
static void fill_plane(
    const mexpr_field *field, mexpr_strain kind, int component, float *plane)
{
    if (component == 2) {
        mx_strain(field, kind, plane);
        return;
    }
    const float *in = component ? field->v : field->u;
    const size_t n = mx_field_size(field);
    for (size_t i = 0; i < n; i++)
        plane[i] = mx_field_is_known(field->u[i], field->v[i]) ? in[i] : 0.0f;
}

static mexpr_status fill_picture(mx_scope *scope, const mexpr_field *field,
    mexpr_strain kind, float *plane, float *small, mexpr_image *image)
{
    const size_t n = (size_t)image->width * (size_t)image->height;
    mexpr_status status = MEXPR_OK;
    for (int i = 0; i < 3 && status == MEXPR_OK; i++) {
        fill_plane(field, kind, i, plane);
        status = mx_image_resize_f32(scope, plane, field->width, field->height, small,
            image->width, image->height, MEXPR_FILTER_AREA);
        if (status == MEXPR_OK)
            stretch(small, n, image->data + i);
    }
    return status;
}

mexpr_status mx_flow_picture(mx_scope *scope, const mexpr_field *field, mexpr_strain kind,
    int32_t width, int32_t height, mexpr_image **out)
{
    *out = NULL;
    mexpr_image *image = NULL;
    float *plane = mx_alloc(scope, mx_field_size(field), sizeof *plane);
    float *small = mx_alloc(scope, (size_t)width * (size_t)height, sizeof *small);
    mexpr_status status = plane && small
        ? mx_image_new(scope, MEXPR_FORMAT_RGB8, width, height, &image)
        : MEXPR_E_NOMEM;
    if (status == MEXPR_OK)
        status = fill_picture(scope, field, kind, plane, small, image);
    mx_free(scope->context, small);
    mx_free(scope->context, plane);
    if (status == MEXPR_OK)
        *out = image;
    else
        mexpr_image_destroy(&image);
    return status;
}

mexpr_status mexpr_flow_picture(mexpr_context *context, const mexpr_field *field,
    mexpr_strain kind, int32_t width, int32_t height, mexpr_image **out)
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
        status = mx_check_size(scope, width, height);
    if (status == MEXPR_OK)
        status = mx_flow_picture(scope, field, kind, width, height, out);
    return status;
}
