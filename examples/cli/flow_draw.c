/* SPDX-License-Identifier: MIT */
#include "flow_draw.h"

#include <math.h>
#include <string.h>

typedef enum draw_kind {
    DRAW_WHEEL,
    DRAW_WHEEL_KEY,
    DRAW_ARROWS,
    DRAW_STRIP,
    DRAW_HSV
} draw_kind;

static const cli_word kinds[] = {
    {"wheel", DRAW_WHEEL},
    {"wheel-key", DRAW_WHEEL_KEY},
    {"arrows", DRAW_ARROWS},
    {"strip", DRAW_STRIP},
    {"hsv", DRAW_HSV},
    {0},
};

/* Squares across the shorter side, and the least side of one in px. Shorter sides up to
 * GOOD_SIDE px are enlarged, MOST_TIMES at most. */
enum { SQUARES = 16, LEAST_STEP = 6, GOOD_SIDE = 400, MOST_TIMES = 4 };

/* Longest arrow in steps; largest scale, for motion that is next to none; the
 * share of the longest arrow below which none is drawn. */
static const double reach = 1.6, most_scale = 50, least_share = 0.06;

int flow_draw_check(const flow_draw *draw, const char *path)
{
    int kind = DRAW_WHEEL;
    const int code = cli_choose("--picture-kind", draw->kind, kinds, &kind);
    if (code != CLI_OK)
        return code;
    if (!path && (draw->kind || draw->full.given || draw->scale.given))
        return cli_usage(
            "--picture-kind, --full-colour and --arrow-scale need --picture");
    if (draw->full.given && kind != DRAW_WHEEL && kind != DRAW_WHEEL_KEY)
        return cli_usage("--full-colour is for --picture-kind wheel and wheel-key");
    if (draw->scale.given && kind != DRAW_ARROWS)
        return cli_usage("--arrow-scale is for --picture-kind arrows");
    if (draw->full.given && !(draw->full.value > 0 && draw->full.value <= 1e6))
        return cli_usage(
            "--full-colour %g is out of range; give up to 1e6", draw->full.value);
    if (draw->scale.given && !(draw->scale.value > 0 && draw->scale.value <= 1e6))
        return cli_usage(
            "--arrow-scale %g is out of range; give up to 1e6", draw->scale.value);
    return CLI_OK;
}

/* Length of the mean displacement of a square, cut to the field. */
static double square_motion(
    const mexpr_field *field, int32_t x0, int32_t y0, int32_t step)
{
    const int32_t width = mexpr_field_width(field), height = mexpr_field_height(field);
    double u = 0, v = 0, n = 0;
    for (int32_t y = y0; y < y0 + step && y < height; y++) {
        for (int32_t x = x0; x < x0 + step && x < width; x++) {
            u += (double)mexpr_field_u(field)[(ptrdiff_t)y * width + x];
            v += (double)mexpr_field_v(field)[(ptrdiff_t)y * width + x];
            n++;
        }
    }
    return hypot(u, v) / n;
}

static double longest_arrow(const mexpr_field *field, int32_t step)
{
    double longest = 0;
    for (int32_t y = 0; y < mexpr_field_height(field); y += step) {
        for (int32_t x = 0; x < mexpr_field_width(field); x += step)
            longest = fmax(longest, square_motion(field, x, y, step));
    }
    return longest;
}

/* The field with every pixel repeated times × times; displacements stay as they are. */
static mexpr_status enlarge_field(
    mexpr_context *context, const mexpr_field *field, int32_t times, mexpr_field **out)
{
    const int32_t width = mexpr_field_width(field) * times;
    const int32_t height = mexpr_field_height(field) * times;
    const mexpr_status status = mexpr_field_create(context, width, height, out);
    if (status != MEXPR_OK)
        return status;
    float *u = mexpr_field_u_pixels(*out), *v = mexpr_field_v_pixels(*out);
    for (int32_t y = 0; y < height; y++) {
        for (int32_t x = 0; x < width; x++) {
            const ptrdiff_t from = (ptrdiff_t)(y / times) * (width / times) + x / times;
            *u++ = mexpr_field_u(field)[from];
            *v++ = mexpr_field_v(field)[from];
        }
    }
    return MEXPR_OK;
}

/* What is drawn on a picture that was enlarged `times`. */
static mexpr_status draw_enlarged(mexpr_context *context, const mexpr_field *field,
    const mexpr_image *picture, int32_t times, const mexpr_arrow_options *options,
    mexpr_image **out)
{
    mexpr_arrow_options o = *options;
    o.step *= times;
    o.scale *= times;
    o.thickness = fmax(1, o.step / 12.0);
    mexpr_field *large = NULL;
    mexpr_image *under = NULL;
    mexpr_status status = enlarge_field(context, field, times, &large);
    if (status == MEXPR_OK)
        status = mexpr_image_resize(context, picture, mexpr_field_width(large),
            mexpr_field_height(large), MEXPR_FILTER_BILINEAR, &under);
    if (status == MEXPR_OK)
        status = mexpr_flow_arrows(context, large, under, &o, out);
    mexpr_image_destroy(&under);
    mexpr_field_destroy(&large);
    return status;
}

/* Micro-expressions move by a pixel or so, in small pictures: arrows as long as the
 * motion would be dots. */
static mexpr_status draw_arrows(const flow_draw *draw, mexpr_context *context,
    const mexpr_field *field, const mexpr_image *picture, double *scale,
    mexpr_image **out)
{
    const int32_t width = mexpr_field_width(field), height = mexpr_field_height(field);
    const int32_t shorter = width < height ? width : height;
    const int32_t step = shorter / SQUARES > LEAST_STEP ? shorter / SQUARES : LEAST_STEP;
    const double longest = longest_arrow(field, step);
    *scale = draw->scale.value;
    if (!draw->scale.given)
        *scale =
            longest * most_scale > reach * step ? reach * step / longest : most_scale;
    mexpr_arrow_options o = MEXPR_ARROW_OPTIONS_INIT;
    o.step = step;
    o.scale = *scale;
    o.min_magnitude = least_share * longest;
    const int32_t times = GOOD_SIDE / shorter + 1;
    return draw_enlarged(
        context, field, picture, times < MOST_TIMES ? times : MOST_TIMES, &o, out);
}

mexpr_status flow_draw_image(const flow_draw *draw, mexpr_context *context,
    const mexpr_field *field, const mexpr_image *picture, mexpr_strain strain,
    double *scale, mexpr_image **out)
{
    int kind = DRAW_WHEEL;
    cli_choose("--picture-kind", draw->kind, kinds, &kind);
    *scale = 0;
    switch ((draw_kind)kind) {
    case DRAW_WHEEL_KEY:
        return mexpr_flow_legend(context, field, draw->full.value, 0, out);
    case DRAW_ARROWS:
        return draw_arrows(draw, context, field, picture, scale, out);
    case DRAW_STRIP:
        return mexpr_flow_strip(context, field, strain, MEXPR_STRETCH_OWN, out);
    case DRAW_HSV:
        return mexpr_flow_hsv(context, field, out);
    case DRAW_WHEEL:
        break;
    }
    return mexpr_flow_colour(context, field, draw->full.value, out);
}
