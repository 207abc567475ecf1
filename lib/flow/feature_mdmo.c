/* SPDX-License-Identifier: MIT */
/* Main directional mean optical flow (Liu et al. 2016) of given regions. */
#include "base/option.h"
#include "flow/feature.h"

enum { STANDARD_BINS = 8 };
#define MAX_MAGNITUDE 1e9

/* Per direction bin: how many displacements, their magnitudes and angles summed. */
typedef struct direction {
    uint64_t n;
    double magnitude;
    double angle;
} direction;

static void add_region(const mexpr_field *field, const mx_polygon *p,
    const mexpr_mdmo_options *o, direction bins[MX_MAX_BINS])
{
    const size_t width = (size_t)mexpr_field_width(field);
    const float *u = mexpr_field_u(field), *v = mexpr_field_v(field);
    for (int32_t y = p->y0; y < p->y1; y++) {
        for (int32_t x = p->x0; x < p->x1; x++) {
            const size_t i = (size_t)y * width + (size_t)x;
            if (!mx_field_is_known(u[i], v[i]) || !mx_polygon_has(p, x, y))
                continue;
            const double magnitude = mx_vector_magnitude(u[i], v[i]);
            if (!(magnitude > o->min_magnitude))
                continue;
            const double angle = mx_vector_angle(u[i], v[i]);
            direction *bin = &bins[mx_angle_bin(angle, -MX_PI, 2 * MX_PI, o->n_bins)];
            bin->n++;
            bin->magnitude += magnitude;
            bin->angle += angle;
        }
    }
}

/* The fullest bin's mean magnitude and angle, in polar coordinates as the paper has it.
 */
static void main_direction(const direction bins[MX_MAX_BINS], int n_bins, float polar[2])
{
    const direction *most = bins;
    for (int k = 1; k < n_bins; k++) {
        if (bins[k].n > most->n)
            most = &bins[k];
    }
    const double n = most->n > 0 ? (double)most->n : 1;
    polar[0] = (float)(most->magnitude / n);
    polar[1] = (float)(most->angle / n);
}

static mexpr_status check_options(
    mx_scope *scope, const mexpr_mdmo_options *options, mexpr_mdmo_options *known)
{
    mexpr_status status =
        mx_options_copy(scope, options, sizeof *known, known, sizeof *known);
    if (status == MEXPR_OK)
        status = mx_option_reserved(scope, known->reserved);
    if (status == MEXPR_OK)
        status =
            mx_option_i32(scope, "n_bins", &known->n_bins, STANDARD_BINS, 1, MX_MAX_BINS);
    if (status == MEXPR_OK)
        status = mx_check_not_negative(
            scope, "min_magnitude", known->min_magnitude, MAX_MAGNITUDE);
    return status;
}

mexpr_status mexpr_flow_mdmo(mexpr_context *context, const mexpr_field *field,
    const mexpr_polygons *polygons, const mexpr_mdmo_options *options, float *values,
    size_t capacity, size_t *n)
{
    if (n)
        *n = 0;
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!field || (!values && !n))
        return mx_fail(
            scope, MEXPR_E_ARG, "%s is NULL", field ? "both values and n" : "field");
    mexpr_polygons known;
    mexpr_mdmo_options o = MEXPR_MDMO_OPTIONS_INIT;
    mexpr_status status = mx_polygons_check(scope, polygons, &known);
    if (status == MEXPR_OK)
        status = check_options(scope, options, &o);
    if (status == MEXPR_OK)
        status = mx_output_size(scope, values, capacity, 2 * (size_t)known.n_polygons, n);
    if (status != MEXPR_OK)
        return status == MEXPR_END ? MEXPR_OK : status;
    size_t first = 0;
    for (int32_t i = 0; i < known.n_polygons; i++) {
        const mx_polygon p = mx_polygon_next(
            &known, i, &first, 0, mexpr_field_width(field), mexpr_field_height(field));
        direction bins[MX_MAX_BINS] = {{0, 0, 0}};
        add_region(field, &p, &o, bins);
        main_direction(bins, o.n_bins, values + 2 * (size_t)i);
    }
    return MEXPR_OK;
}

/* Mean over the frames in Cartesian coordinates, back in polar ones. */
static void average_region(
    const float *frames, int32_t n_frames, size_t row, float polar[2])
{
    double x = 0, y = 0;
    for (int32_t t = 0; t < n_frames; t++) {
        const float *one = frames + (size_t)t * row;
        x += one[0] * cos(one[1]);
        y += one[0] * sin(one[1]);
    }
    const float mean[2] = {(float)(x / n_frames), (float)(y / n_frames)};
    polar[0] = (float)mx_vector_magnitude(mean[0], mean[1]);
    polar[1] = (float)mx_vector_angle(mean[0], mean[1]);
}

mexpr_status mexpr_mdmo_average(mexpr_context *context, const float *frames,
    int32_t n_frames, int32_t n_regions, float *values)
{
    if (!context)
        return MEXPR_E_ARG;
    if (!frames || !values || n_frames < 1 || n_regions < 1)
        return mx_fail(mx_context_scope(context), MEXPR_E_ARG,
            "%d frames of %d regions cannot be averaged: both must be 1 or more, and "
            "frames and values not NULL",
            (int)n_frames, (int)n_regions);
    const size_t row = 2 * (size_t)n_regions;
    float largest = 0;
    for (size_t i = 0; i < row; i += 2) {
        average_region(frames + i, n_frames, row, values + i);
        largest = fmaxf(largest, values[i]);
    }
    for (size_t i = 0; i < row && largest > 0; i += 2)
        values[i] /= largest;
    return MEXPR_OK;
}
