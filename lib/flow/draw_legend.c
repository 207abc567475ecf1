/* SPDX-License-Identifier: MIT */
/* A field in the colours of the wheel, with the wheel as its key. */
#include <stdio.h>
#include <string.h>

#include "image/draw_canvas.h"
#include "flow/feature.h"

enum { STANDARD_WHEEL = 96, MIN_WHEEL = 32, MAX_WHEEL = 4096, GAP = 8, LABEL_SIZE = 32 };
#define MAX_RADIUS 1e6

static double largest_magnitude(const mexpr_field *field)
{
    const size_t n = (size_t)mexpr_field_width(field) * (size_t)mexpr_field_height(field);
    const float *u = mexpr_field_u(field), *v = mexpr_field_v(field);
    double largest = 0;
    for (size_t i = 0; i < n; i++) {
        if (mx_field_is_known(u[i], v[i]))
            largest = fmax(largest, mx_vector_magnitude(u[i], v[i]));
    }
    return largest;
}

/* The wheel as a field: every pixel of the disc points away from the middle, by 1 at its
 * edge. Outside it is unknown. */
static void fill_wheel(mexpr_field *wheel)
{
    const int32_t side = mexpr_field_width(wheel);
    const double middle = (side - 1) / 2.0;
    float *u = mexpr_field_u_pixels(wheel), *v = mexpr_field_v_pixels(wheel);
    for (int32_t y = 0; y < side; y++) {
        for (int32_t x = 0; x < side; x++, u++, v++) {
            *u = (float)((x - middle) / middle);
            *v = (float)((y - middle) / middle);
            if (mx_vector_magnitude(*u, *v) > 1)
                *u = *v = MEXPR_FIELD_UNKNOWN;
        }
    }
}

/* Two decimals without the host's locale. */
static void write_label(double radius, char label[LABEL_SIZE])
{
    const long long hundredths = llround(radius * 100);
    snprintf(label, LABEL_SIZE, "%lld.%02lld px", hundredths / 100, hundredths % 100);
}

static void paste(const mexpr_image *from, mexpr_image *to, int32_t x, int32_t y)
{
    const size_t bytes = 3 * (size_t)mexpr_image_width(from);
    const unsigned char *source = mexpr_image_data(from);
    unsigned char *target = mexpr_image_pixels(to);
    target += (size_t)y * mexpr_image_stride(to) + 3 * (size_t)x;
    for (int32_t i = 0; i < mexpr_image_height(from); i++) {
        memcpy(target, source, bytes);
        source += mexpr_image_stride(from);
        target += mexpr_image_stride(to);
    }
}

/* The disc alone; its black surroundings stay out. */
static void paste_disc(const mexpr_image *disc, const mexpr_field *wheel, mexpr_image *to,
    int32_t x0, int32_t y0)
{
    const int32_t side = mexpr_image_width(disc);
    const unsigned char *source = mexpr_image_data(disc);
    unsigned char *target = mexpr_image_pixels(to);
    for (int32_t y = 0; y < side; y++) {
        for (int32_t x = 0; x < side; x++) {
            const size_t i = (size_t)y * (size_t)side + (size_t)x;
            if (!mx_field_is_known(mexpr_field_u(wheel)[i], mexpr_field_v(wheel)[i]))
                continue;
            memcpy(
                target + (size_t)(y0 + y) * mexpr_image_stride(to) + 3 * (size_t)(x0 + x),
                source + (size_t)y * mexpr_image_stride(disc) + 3 * (size_t)x, 3);
        }
    }
}

static mexpr_status draw_key(
    mexpr_context *context, double radius, int32_t side, int32_t x, mexpr_image *picture)
{
    mexpr_field *wheel = NULL;
    mexpr_image *disc = NULL;
    mexpr_status status = mexpr_field_create(context, side, side, &wheel);
    if (status == MEXPR_OK) {
        fill_wheel(wheel);
        status = mexpr_flow_colour(context, wheel, 1, &disc);
    }
    if (status == MEXPR_OK) {
        char label[LABEL_SIZE];
        write_label(radius, label);
        paste_disc(disc, wheel, picture, x, GAP);
        const mx_canvas canvas = mx_canvas_of(picture);
        mx_draw_text(&canvas, label, x, 2 * GAP + side, 1, 0);
    }
    mexpr_image_destroy(&disc);
    mexpr_field_destroy(&wheel);
    return status;
}

/* White, with the coloured field at the left. */
static mexpr_status lay_out(
    mexpr_context *context, const mexpr_image *colours, int32_t side, mexpr_image **out)
{
    /* The longest label, "1000000.00 px", is wider than the smallest wheels. */
    const int32_t least = 13 * MX_GLYPH_ADVANCE;
    const int64_t width =
        (int64_t)mexpr_image_width(colours) + 2 * GAP + (side > least ? side : least);
    const int32_t key = side + 3 * GAP + MX_GLYPH_HEIGHT;
    const int32_t height =
        mexpr_image_height(colours) > key ? mexpr_image_height(colours) : key;
    mexpr_status status = mx_check_size(mx_context_scope(context), width, height);
    if (status == MEXPR_OK)
        status =
            mexpr_image_create(context, MEXPR_FORMAT_RGB8, (int32_t)width, height, out);
    if (status != MEXPR_OK)
        return status;
    memset(mexpr_image_pixels(*out), 0xff, mexpr_image_stride(*out) * (size_t)height);
    paste(colours, *out, 0, 0);
    return MEXPR_OK;
}

static mexpr_status check(
    mx_scope *scope, const mexpr_field *field, double max_radius, int32_t wheel)
{
    if (!field)
        return mx_fail(scope, MEXPR_E_ARG, "field is NULL");
    if (wheel != 0 && (wheel < MIN_WHEEL || wheel > MAX_WHEEL))
        return mx_fail(scope, MEXPR_E_RANGE, "a wheel of %d px; it must be %d to %d",
            (int)wheel, MIN_WHEEL, MAX_WHEEL);
    return mx_check_not_negative(scope, "max_radius", max_radius, MAX_RADIUS);
}

mexpr_status mexpr_flow_legend(mexpr_context *context, const mexpr_field *field,
    double max_radius, int32_t wheel, mexpr_image **out)
{
    if (!out)
        return MEXPR_E_ARG;
    *out = NULL;
    if (!context)
        return MEXPR_E_ARG;
    mexpr_status status = check(mx_context_scope(context), field, max_radius, wheel);
    if (status != MEXPR_OK)
        return status;
    const int32_t side = wheel > 0 ? wheel : STANDARD_WHEEL;
    mexpr_image *colours = NULL, *picture = NULL;
    status = mexpr_flow_colour(context, field, max_radius, &colours);
    if (status == MEXPR_OK)
        status = lay_out(context, colours, side, &picture);
    if (status == MEXPR_OK)
        status = draw_key(context, max_radius > 0 ? max_radius : largest_magnitude(field),
            side, mexpr_image_width(colours) + GAP, picture);
    if (status == MEXPR_OK)
        *out = picture;
    else
        mexpr_image_destroy(&picture);
    mexpr_image_destroy(&colours);
    return status;
}
