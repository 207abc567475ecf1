/* SPDX-License-Identifier: MIT */
/* The colour wheel of S. Baker et al., "A Database and Evaluation Methodology for Optical
 * Flow", IJCV 92, 2011: hue is direction, saturation is length. */
#include <math.h>

#include "flow/field.h"
#include "image/picture.h"

/* Six arcs between the primary and secondary colours, of as many steps as eyes tell
 * apart. Within an arc one channel rises or falls while another is full. */
enum { N_ARCS = 6, N_COLOURS = 55 };

static const struct arc {
    int length;
    int full;    /* channel at 255 */
    int changes; /* channel that moves */
    bool rises;
} arcs[N_ARCS] = {
    {15, 0, 1, true},  /* red to yellow */
    {6, 1, 0, false},  /* yellow to green */
    {4, 1, 2, true},   /* green to cyan */
    {11, 2, 1, false}, /* cyan to blue */
    {13, 2, 0, true},  /* blue to magenta */
    {6, 0, 2, false},  /* magenta to red */
};

static void make_wheel(double wheel[N_COLOURS][3])
{
    int at = 0;
    for (int a = 0; a < N_ARCS; a++) {
        for (int i = 0; i < arcs[a].length; i++, at++) {
            const double part = floor(255.0 * i / arcs[a].length) / 255;
            wheel[at][0] = wheel[at][1] = wheel[at][2] = 0;
            wheel[at][arcs[a].full] = 1;
            wheel[at][arcs[a].changes] = arcs[a].rises ? part : 1 - part;
        }
    }
}

/* White at rest, the wheel's colour at radius 1, darker beyond. */
static void colour_of(
    double wheel[N_COLOURS][3], double u, double v, double radius, uint8_t *rgb)
{
    const double pi = 3.14159265358979323846;
    const double length = hypot(u, v) / radius;
    const double turn = (atan2(-v, -u) / pi + 1) / 2 * (N_COLOURS - 1);
    const int first = (int)turn, second = (first + 1) % N_COLOURS;
    const double part = turn - first;
    for (int i = 0; i < 3; i++) {
        const double pure = (1 - part) * wheel[first][i] + part * wheel[second][i];
        const double shade = length <= 1 ? 1 - length * (1 - pure) : 0.75 * pure;
        rgb[i] = (uint8_t)(255 * shade);
    }
}

static double largest_radius(const mexpr_field *field)
{
    double largest = 0;
    const size_t n = mx_field_size(field);
    for (size_t i = 0; i < n; i++) {
        if (mx_field_is_known(field->u[i], field->v[i]))
            largest = fmax(largest, hypot((double)field->u[i], (double)field->v[i]));
    }
    return largest;
}

mexpr_status mexpr_flow_colour(mexpr_context *context, const mexpr_field *field,
    double max_radius, mexpr_image **out)
{
    if (!out)
        return MEXPR_E_ARG;
    *out = NULL;
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!field)
        return mx_fail(scope, MEXPR_E_ARG, "the field is NULL");
    if (!(max_radius >= 0) || isinf(max_radius))
        return mx_fail(scope, MEXPR_E_RANGE,
            "max_radius is %g; it must be 0 (the field's own largest) or more pixels",
            max_radius);
    const mexpr_status status =
        mx_image_new(scope, MEXPR_FORMAT_RGB8, field->width, field->height, out);
    if (status != MEXPR_OK)
        return status;
    double wheel[N_COLOURS][3];
    make_wheel(wheel);
    double radius = max_radius > 0 ? max_radius : largest_radius(field);
    radius = radius > 0 ? radius : 1;
    const size_t n = mx_field_size(field);
    for (size_t i = 0; i < n; i++) {
        uint8_t *rgb = (*out)->data + 3 * i;
        rgb[0] = rgb[1] = rgb[2] = 0;
        if (mx_field_is_known(field->u[i], field->v[i]))
            colour_of(wheel, (double)field->u[i], (double)field->v[i], radius, rgb);
    }
    return MEXPR_OK;
}
