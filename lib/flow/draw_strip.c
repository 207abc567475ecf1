/* SPDX-License-Identifier: MIT */
/* u, v and strain as grey panels side by side. */
#include "flow/feature.h"

enum { N_PANELS = 3 };

/* One panel: a plane, and where it is known. */
typedef struct panel {
    const float *values;
    size_t stride; /* in floats */
    const mexpr_field *field;
    float low, high;
} panel;

static bool known_at(const mexpr_field *field, int32_t x, int32_t y)
{
    const size_t i = (size_t)y * (size_t)mexpr_field_width(field) + (size_t)x;
    return mx_field_is_known(mexpr_field_u(field)[i], mexpr_field_v(field)[i]);
}

static void find_range(panel *p)
{
    p->low = INFINITY;
    p->high = -INFINITY;
    for (int32_t y = 0; y < mexpr_field_height(p->field); y++) {
        const float *row = p->values + (size_t)y * p->stride;
        for (int32_t x = 0; x < mexpr_field_width(p->field); x++) {
            if (!known_at(p->field, x, y))
                continue;
            p->low = fminf(p->low, row[x]);
            p->high = fmaxf(p->high, row[x]);
        }
    }
}

static void share_range(panel panels[N_PANELS])
{
    for (int i = 1; i < N_PANELS; i++) {
        panels[0].low = fminf(panels[0].low, panels[i].low);
        panels[0].high = fmaxf(panels[0].high, panels[i].high);
    }
    for (int i = 1; i < N_PANELS; i++) {
        panels[i].low = panels[0].low;
        panels[i].high = panels[0].high;
    }
}

static void draw_panel(const panel *p, unsigned char *to, size_t stride)
{
    const double range = (double)p->high - p->low;
    for (int32_t y = 0; y < mexpr_field_height(p->field); y++, to += stride) {
        const float *row = p->values + (size_t)y * p->stride;
        for (int32_t x = 0; x < mexpr_field_width(p->field); x++) {
            if (range > 0 && known_at(p->field, x, y))
                to[x] = (unsigned char)(255 * ((double)row[x] - p->low) / range + 0.5);
        }
    }
}

static mexpr_status draw_strip(mexpr_context *context, const mexpr_field *field,
    const mexpr_image *strain, mexpr_stretch stretch, mexpr_image **out)
{
    const int32_t width = mexpr_field_width(field), height = mexpr_field_height(field);
    mexpr_status status =
        mx_check_size(mx_context_scope(context), N_PANELS * (int64_t)width, height);
    if (status == MEXPR_OK)
        status = mexpr_image_create(
            context, MEXPR_FORMAT_GREY8, N_PANELS * width, height, out);
    if (status != MEXPR_OK)
        return status;
    panel panels[N_PANELS] = {
        {mexpr_field_u(field), (size_t)width, field, 0, 0},
        {mexpr_field_v(field), (size_t)width, field, 0, 0},
        {mexpr_image_data(strain), mexpr_image_stride(strain) / sizeof(float), field, 0,
            0},
    };
    for (int i = 0; i < N_PANELS; i++)
        find_range(&panels[i]);
    if (stretch == MEXPR_STRETCH_COMMON)
        share_range(panels);
    unsigned char *pixels = mexpr_image_pixels(*out);
    for (int i = 0; i < N_PANELS; i++)
        draw_panel(
            &panels[i], pixels + (size_t)i * (size_t)width, mexpr_image_stride(*out));
    return MEXPR_OK;
}

mexpr_status mexpr_flow_strip(mexpr_context *context, const mexpr_field *field,
    mexpr_strain kind, mexpr_stretch stretch, mexpr_image **out)
{
    if (!out)
        return MEXPR_E_ARG;
    *out = NULL;
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!field)
        return mx_fail(scope, MEXPR_E_ARG, "field is NULL");
    if (stretch != MEXPR_STRETCH_OWN && stretch != MEXPR_STRETCH_COMMON)
        return mx_fail(
            scope, MEXPR_E_ARG, "stretch %d is no mexpr_stretch", (int)stretch);
    mexpr_image *strain;
    mexpr_status status = mexpr_flow_strain(context, field, kind, &strain);
    if (status == MEXPR_OK)
        status = draw_strip(context, field, strain, stretch, out);
    mexpr_image_destroy(&strain);
    return status;
}
