/* SPDX-License-Identifier: MIT */
/* Arrows over a picture. */
#include "base/option.h"
#include "image/draw_canvas.h"
#include "flow/feature.h"

enum { STANDARD_STEP = 10, MIN_STEP = 2, MAX_STEP = 4096, STANDARD_COLOUR = 0xffff00 };
#define MAX_SCALE 1e6
#define MAX_THICKNESS 100
#define MAX_MAGNITUDE 1e9
#define HEAD_SHARE 0.35 /* of the length */
#define HEAD_ANGLE 0.5  /* between shaft and barb, radians */

static mexpr_status check_options(
    mx_scope *scope, const mexpr_arrow_options *options, mexpr_arrow_options *o)
{
    *o = (mexpr_arrow_options)MEXPR_ARROW_OPTIONS_INIT;
    mexpr_status status = mx_options_copy(scope, options, sizeof *o, o, sizeof *o);
    if (status == MEXPR_OK)
        status = mx_option_reserved(scope, o->reserved);
    if (status == MEXPR_OK)
        status =
            mx_option_i32(scope, "step", &o->step, STANDARD_STEP, MIN_STEP, MAX_STEP);
    if (status == MEXPR_OK)
        status = mx_option_f64(scope, "scale", &o->scale, 1, 0, MAX_SCALE);
    if (status == MEXPR_OK)
        status = mx_option_f64(scope, "thickness", &o->thickness, 1, 0, MAX_THICKNESS);
    if (status == MEXPR_OK)
        status = mx_check_not_negative(
            scope, "min_magnitude", o->min_magnitude, MAX_MAGNITUDE);
    if (status == MEXPR_OK && o->colour == 0 && !o->colour_set)
        o->colour = STANDARD_COLOUR;
    return status;
}

/* Mean of the known displacements of the square at (x0, y0); false when there is none. */
static bool mean_vector(
    const mexpr_field *field, int32_t x0, int32_t y0, int32_t step, double mean[2])
{
    const int32_t width = mexpr_field_width(field), height = mexpr_field_height(field);
    double u_sum = 0, v_sum = 0, n = 0;
    for (int32_t y = y0; y < y0 + step && y < height; y++) {
        for (int32_t x = x0; x < x0 + step && x < width; x++) {
            const size_t i = (size_t)y * (size_t)width + (size_t)x;
            const float u = mexpr_field_u(field)[i], v = mexpr_field_v(field)[i];
            if (!mx_field_is_known(u, v))
                continue;
            u_sum += u;
            v_sum += v;
            n++;
        }
    }
    mean[0] = n > 0 ? u_sum / n : 0;
    mean[1] = n > 0 ? v_sum / n : 0;
    return n > 0;
}

static void draw_arrow(const mx_canvas *canvas, const mexpr_arrow_options *o, double x,
    double y, const double mean[2])
{
    const double dx = o->scale * mean[0], dy = o->scale * mean[1];
    mx_stroke stroke = {x, y, x + dx, y + dy, o->thickness, o->colour};
    mx_draw_stroke(canvas, &stroke);
    const double back = HEAD_SHARE * cos(HEAD_ANGLE), side = HEAD_SHARE * sin(HEAD_ANGLE);
    for (int sign = -1; sign <= 1; sign += 2) {
        stroke.x0 = stroke.x1 - back * dx - sign * side * dy;
        stroke.y0 = stroke.y1 - back * dy + sign * side * dx;
        mx_draw_stroke(canvas, &stroke);
    }
}

static void draw_all(
    const mx_canvas *canvas, const mexpr_field *field, const mexpr_arrow_options *o)
{
    for (int32_t y = 0; y < canvas->height; y += o->step) {
        for (int32_t x = 0; x < canvas->width; x += o->step) {
            double mean[2];
            if (mean_vector(field, x, y, o->step, mean) &&
                hypot(mean[0], mean[1]) > o->min_magnitude)
                draw_arrow(
                    canvas, o, x + (o->step - 1) / 2.0, y + (o->step - 1) / 2.0, mean);
        }
    }
}

mexpr_status mexpr_flow_arrows(mexpr_context *context, const mexpr_field *field,
    const mexpr_image *picture, const mexpr_arrow_options *options, mexpr_image **out)
{
    if (!out)
        return MEXPR_E_ARG;
    *out = NULL;
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!field || !picture)
        return mx_fail(
            scope, MEXPR_E_ARG, "%s is NULL", field ? "the picture" : "the field");
    if (mexpr_image_width(picture) != mexpr_field_width(field) ||
        mexpr_image_height(picture) != mexpr_field_height(field))
        return mx_fail(scope, MEXPR_E_SHAPE, "the picture is %d×%d, the field %d×%d",
            (int)mexpr_image_width(picture), (int)mexpr_image_height(picture),
            (int)mexpr_field_width(field), (int)mexpr_field_height(field));
    mexpr_arrow_options o;
    mexpr_status status = check_options(scope, options, &o);
    if (status == MEXPR_OK)
        status = mexpr_image_convert(context, picture, MEXPR_FORMAT_RGB8, out);
    if (status != MEXPR_OK)
        return status;
    const mx_canvas canvas = mx_canvas_of(*out);
    draw_all(&canvas, field, &o);
    return MEXPR_OK;
}
