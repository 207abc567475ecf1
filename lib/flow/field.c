/* SPDX-License-Identifier: MIT */
#include "flow/field.h"

#include "base/checked.h"

mexpr_status mx_field_new(
    mx_scope *scope, int64_t width, int64_t height, mexpr_field **out)
{
    const mexpr_status status = mx_check_size(scope, width, height);
    if (status != MEXPR_OK)
        return status;
    const size_t head = mx_round_up(sizeof(mexpr_field), MX_ALIGNMENT);
    size_t bytes;
    if (!mx_mul_size((size_t)width * (size_t)height, 2 * sizeof(float), &bytes) ||
        !mx_add_size(bytes, head, &bytes))
        return mx_fail(scope, MEXPR_E_NOMEM,
            "a field of %lld×%lld does not fit in memory", (long long)width,
            (long long)height);
    mexpr_field *field = mx_calloc(scope, bytes, 1);
    if (!field)
        return MEXPR_E_NOMEM;
    field->context = mx_context_retain(scope->context);
    field->width = (int32_t)width;
    field->height = (int32_t)height;
    field->u = (float *)(void *)((char *)field + head);
    field->v = field->u + mx_field_size(field);
    *out = field;
    return MEXPR_OK;
}

mexpr_status mexpr_field_create(
    mexpr_context *context, int32_t width, int32_t height, mexpr_field **out)
{
    if (!out)
        return MEXPR_E_ARG;
    *out = NULL;
    if (!context)
        return MEXPR_E_ARG;
    return mx_field_new(mx_context_scope(context), width, height, out);
}

void mexpr_field_destroy(mexpr_field **field)
{
    if (!field || !*field)
        return;
    mexpr_context *context = (*field)->context;
    mx_free(context, *field);
    mx_context_release(context);
    *field = NULL;
}

int32_t mexpr_field_width(const mexpr_field *field)
{
    return field ? field->width : 0;
}

int32_t mexpr_field_height(const mexpr_field *field)
{
    return field ? field->height : 0;
}

const float *mexpr_field_u(const mexpr_field *field)
{
    return field ? field->u : NULL;
}

const float *mexpr_field_v(const mexpr_field *field)
{
    return field ? field->v : NULL;
}

float *mexpr_field_u_pixels(mexpr_field *field)
{
    return field ? field->u : NULL;
}

float *mexpr_field_v_pixels(mexpr_field *field)
{
    return field ? field->v : NULL;
}

mexpr_status mexpr_field_difference(mexpr_context *context, const mexpr_field *a,
    const mexpr_field *b, double *mean, uint64_t *n)
{
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!a || !b || !mean)
        return mx_fail(scope, MEXPR_E_ARG, "%s is NULL", mean ? "a field" : "mean");
    if (a->width != b->width || a->height != b->height)
        return mx_fail(scope, MEXPR_E_SHAPE, "the fields differ in size: %d×%d and %d×%d",
            a->width, a->height, b->width, b->height);
    double sum = 0;
    uint64_t count = 0;
    const size_t size = mx_field_size(a);
    for (size_t i = 0; i < size; i++) {
        if (!mx_field_is_known(a->u[i], a->v[i]) || !mx_field_is_known(b->u[i], b->v[i]))
            continue;
        sum += hypot((double)a->u[i] - b->u[i], (double)a->v[i] - b->v[i]);
        count++;
    }
    *mean = count ? sum / (double)count : 0;
    if (n)
        *n = count;
    return MEXPR_OK;
}
