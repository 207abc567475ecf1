/* SPDX-License-Identifier: MIT */
/* Faces drawn over pictures. */
#include <math.h>
#include <stdio.h>

#include "base/scope.h"
#include "face/region.h"
#include "image/draw_canvas.h"
#include "image/polygon.h"

static const uint32_t box_colour = 0xffd000, point_colour = 0x00e060,
                      region_colour = 0x40a0ff;

/* Strokes grow with the face: 1 px for faces up to 150 px. */
static double thickness_of(const mexpr_face *face)
{
    return fmax(1, floor(face->box[2] / 150));
}

static void draw_line(const mx_canvas *canvas, double x0, double y0, double x1, double y1,
    double thickness, uint32_t colour)
{
    const mx_stroke stroke = {x0, y0, x1, y1, thickness, colour};
    mx_draw_stroke(canvas, &stroke);
}

static void draw_box(const mx_canvas *canvas, const mexpr_face *face)
{
    char number[24];
    const double t = thickness_of(face);
    const double x0 = face->box[0], y0 = face->box[1];
    const double x1 = x0 + face->box[2] - 1, y1 = y0 + face->box[3] - 1;
    draw_line(canvas, x0, y0, x1, y0, t, box_colour);
    draw_line(canvas, x1, y0, x1, y1, t, box_colour);
    draw_line(canvas, x1, y1, x0, y1, t, box_colour);
    draw_line(canvas, x0, y1, x0, y0, t, box_colour);
    snprintf(number, sizeof number, "%lld", (long long)face->id);
    mx_draw_text(canvas, number, (int32_t)x0, (int32_t)(y0 - (MX_GLYPH_HEIGHT + 2) * t),
        (int32_t)t, box_colour);
}

static void draw_points(const mx_canvas *canvas, const mexpr_face *face)
{
    for (int i = 0; i < MEXPR_LANDMARKS_68; i++) {
        const double x = (double)face->landmarks[2 * i];
        const double y = (double)face->landmarks[2 * i + 1];
        draw_line(canvas, x, y, x, y, 2 * thickness_of(face), point_colour);
    }
}

static void draw_regions(
    const mx_canvas *canvas, const mexpr_face *face, mexpr_regions regions)
{
    float xy[2 * MEXPR_MDMO_CORNERS];
    int32_t corners[MEXPR_MDMO_REGIONS], n = 0;
    mexpr_face_regions_size(regions, &n, NULL);
    mx_face_regions(regions, face->landmarks, xy, corners);
    const float *polygon = xy;
    for (int32_t i = 0; i < n; polygon += 2 * corners[i++]) {
        for (int32_t k = 0, j = corners[i] - 1; k < corners[i]; j = k++)
            draw_line(canvas, (double)polygon[2 * j], (double)polygon[2 * j + 1],
                (double)polygon[2 * k], (double)polygon[2 * k + 1], thickness_of(face),
                region_colour);
    }
}

static mexpr_status check(mx_scope *scope, const mexpr_image *rgb, const mexpr_face *face,
    uint32_t marks, mexpr_regions regions)
{
    for (int i = 0; i < 4; i++) {
        if (!(fabs(face->box[i]) < 1e6))
            return mx_fail(scope, MEXPR_E_ARG,
                "the box of the face is not of finite numbers below 1e6");
    }
    if (mexpr_image_format(rgb) != MEXPR_FORMAT_RGB8)
        return mx_fail(scope, MEXPR_E_TYPE, "faces are drawn over RGB8 pictures only");
    if (marks & ~(uint32_t)(MEXPR_MARK_BOX | MEXPR_MARK_POINTS | MEXPR_MARK_REGIONS))
        return mx_fail(scope, MEXPR_E_ARG,
            "marks %#x has bits that are no mexpr_face_mark", (unsigned)marks);
    if ((marks & MEXPR_MARK_REGIONS) &&
        mexpr_face_regions_size(regions, NULL, NULL) != MEXPR_OK)
        return mx_fail(scope, MEXPR_E_ARG, "%d is not a mexpr_regions", (int)regions);
    return mx_check_landmarks(scope, face->landmarks);
}

mexpr_status mexpr_face_draw(mexpr_context *context, mexpr_image *rgb,
    const mexpr_face *face, uint32_t marks, mexpr_regions regions)
{
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    mexpr_face known = MEXPR_FACE_INIT;
    if (!rgb || !face)
        return mx_fail(scope, MEXPR_E_ARG, "%s is NULL", rgb ? "face" : "rgb");
    mexpr_status status =
        mx_options_copy(scope, face, sizeof known, &known, sizeof known);
    if (status == MEXPR_OK)
        status = check(scope, rgb, &known, marks, regions);
    if (status != MEXPR_OK)
        return status;
    const mx_canvas canvas = mx_canvas_of(rgb);
    if (marks == 0)
        marks = MEXPR_MARK_BOX | MEXPR_MARK_POINTS;
    if (known.has_landmarks && (marks & MEXPR_MARK_REGIONS))
        draw_regions(&canvas, &known, regions);
    if (marks & MEXPR_MARK_BOX)
        draw_box(&canvas, &known);
    if (known.has_landmarks && (marks & MEXPR_MARK_POINTS))
        draw_points(&canvas, &known);
    return MEXPR_OK;
}
