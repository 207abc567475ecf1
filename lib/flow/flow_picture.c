/* SPDX-License-Identifier: MIT */
#include "flow/flow_picture.h"

#include "flow/strain.h"

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

static void fill_picture(mx_picture_work *work, const mexpr_field *field,
    mexpr_strain kind, mexpr_image *image)
{
    const size_t n = (size_t)image->width * (size_t)image->height;
    for (int i = 0; i < 3; i++) {
        fill_plane(field, kind, i, work->plane);
        mx_resizer_run(work->resizer, work->plane, work->small);
        stretch(work->small, n, image->data + i);
    }
}

void mx_picture_work_release(mexpr_context *context, mx_picture_work *work)
{
    mx_free(context, work->small);
    mx_free(context, work->plane);
    mx_resizer_destroy(context, &work->resizer);
    *work = (mx_picture_work){0};
}

static mexpr_status fit_work(mx_scope *scope, mx_picture_work *work,
    const mexpr_field *field, int32_t width, int32_t height)
{
    if (work->resizer && work->field_width == field->width &&
        work->field_height == field->height && work->width == width &&
        work->height == height)
        return MEXPR_OK;
    mx_picture_work_release(scope->context, work);
    work->field_width = field->width;
    work->field_height = field->height;
    work->width = width;
    work->height = height;
    work->plane = mx_alloc(scope, mx_field_size(field), sizeof *work->plane);
    work->small = mx_alloc(scope, (size_t)width * (size_t)height, sizeof *work->small);
    if (!work->plane || !work->small)
        return MEXPR_E_NOMEM;
    return mx_resizer_create(scope, field->width, field->height, width, height,
        MEXPR_FILTER_AREA, &work->resizer);
}

mexpr_status mx_flow_picture(mx_scope *scope, mx_picture_work *work,
    const mexpr_field *field, mexpr_strain kind, int32_t width, int32_t height,
    mexpr_image **out)
{
    *out = NULL;
    mexpr_status status = fit_work(scope, work, field, width, height);
    if (status == MEXPR_OK)
        status = mx_image_new(scope, MEXPR_FORMAT_RGB8, width, height, out);
    if (status == MEXPR_OK)
        fill_picture(work, field, kind, *out);
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
    if (status != MEXPR_OK)
        return status;
    mx_picture_work work = {0};
    status = mx_flow_picture(scope, &work, field, kind, width, height, out);
    mx_picture_work_release(context, &work);
    return status;
}
