/* SPDX-License-Identifier: MIT */
/* Histograms of flow directions: plain, HOOF, Bi-WOOF. */
#include "base/option.h"
#include "flow/feature.h"

enum { STANDARD_BINS = 8, BI_WOOF_BLOCKS = 8 };
#define MAX_MAGNITUDE 1e9

/* One block of the grid. */
typedef struct block {
    int32_t x0, y0, x1, y1;
} block;

static mexpr_status fill_defaults(mx_scope *scope, mexpr_histogram_options *o)
{
    mexpr_status status = mx_option_reserved(scope, o->reserved);
    if (status == MEXPR_OK)
        status = mx_option_i32(scope, "kind", &o->kind, MEXPR_HISTOGRAM_ORIENTED,
            MEXPR_HISTOGRAM_ORIENTED, MEXPR_HISTOGRAM_BI_WOOF);
    const bool bi_woof = o->kind == MEXPR_HISTOGRAM_BI_WOOF;
    const int32_t blocks = bi_woof ? BI_WOOF_BLOCKS : 1;
    if (status == MEXPR_OK)
        status =
            mx_option_i32(scope, "n_bins", &o->n_bins, STANDARD_BINS, 1, MX_MAX_BINS);
    if (status == MEXPR_OK)
        status = mx_option_i32(scope, "columns", &o->columns, blocks, 1, INT32_MAX);
    if (status == MEXPR_OK)
        status = mx_option_i32(scope, "rows", &o->rows, blocks, 1, INT32_MAX);
    if (status == MEXPR_OK)
        status = mx_option_i32(scope, "weight", &o->weight, MEXPR_WEIGHT_MAGNITUDE,
            MEXPR_WEIGHT_MAGNITUDE, MEXPR_WEIGHT_COUNT);
    if (status == MEXPR_OK)
        status = mx_option_i32(scope, "norm", &o->norm,
            bi_woof ? MEXPR_NORM_NONE : MEXPR_NORM_BLOCK, MEXPR_NORM_NONE,
            MEXPR_NORM_SQRT);
    if (status == MEXPR_OK)
        status = mx_option_i32(scope, "strain", &o->strain, MEXPR_STRAIN_FROBENIUS,
            MEXPR_STRAIN_FROBENIUS, MEXPR_STRAIN_OFF_TANET);
    if (status == MEXPR_OK)
        status = mx_check_not_negative(
            scope, "min_magnitude", o->min_magnitude, MAX_MAGNITUDE);
    return status;
}

/* Blocks never have more pixels than the field, so their number cannot overflow. */
static mexpr_status check_grid(
    mx_scope *scope, const mexpr_field *field, const mexpr_histogram_options *o)
{
    const int32_t width = mexpr_field_width(field), height = mexpr_field_height(field);
    if (o->columns > width || o->rows > height)
        return mx_fail(scope, MEXPR_E_SHAPE,
            "%d×%d blocks are too many for a field of %d×%d", (int)o->columns,
            (int)o->rows, (int)width, (int)height);
    return MEXPR_OK;
}

static int32_t edge(int32_t i, int32_t n, int32_t size)
{
    return (int32_t)((int64_t)i * size / n);
}

static int bin_of(const mexpr_histogram_options *o, float u, float v)
{
    if (o->kind == MEXPR_HISTOGRAM_HOOF)
        return mx_angle_bin(mx_vector_angle(fabsf(u), v), -MX_PI / 2, MX_PI, o->n_bins);
    return mx_angle_bin(mx_vector_angle(u, v), -MX_PI, 2 * MX_PI, o->n_bins);
}

static void count_block(const mexpr_field *field, const mexpr_histogram_options *o,
    const block *b, double bins[MX_MAX_BINS])
{
    const size_t width = (size_t)mexpr_field_width(field);
    for (int k = 0; k < o->n_bins; k++)
        bins[k] = 0;
    for (int32_t y = b->y0; y < b->y1; y++) {
        const float *u = mexpr_field_u(field) + (size_t)y * width;
        const float *v = mexpr_field_v(field) + (size_t)y * width;
        for (int32_t x = b->x0; x < b->x1; x++) {
            if (!mx_field_is_known(u[x], v[x]))
                continue;
            const double magnitude = mx_vector_magnitude(u[x], v[x]);
            if (magnitude > o->min_magnitude)
                bins[bin_of(o, u[x], v[x])] +=
                    o->weight == MEXPR_WEIGHT_COUNT ? 1 : magnitude;
        }
    }
}

static void normalise_block(const mexpr_histogram_options *o, double bins[MX_MAX_BINS])
{
    if (o->norm != MEXPR_NORM_BLOCK && o->norm != MEXPR_NORM_SQRT)
        return;
    double sum = 0;
    for (int k = 0; k < o->n_bins; k++)
        sum += bins[k];
    for (int k = 0; k < o->n_bins && sum > 0; k++)
        bins[k] = o->norm == MEXPR_NORM_SQRT ? sqrt(bins[k] / sum) : bins[k] / sum;
}

/* Bi-WOOF's global weight: the mean strain of the block; 1 without a strain picture. */
static double block_weight(const mexpr_image *strain, const block *b)
{
    if (!strain)
        return 1;
    const unsigned char *data = mexpr_image_data(strain);
    const size_t stride = mexpr_image_stride(strain);
    double sum = 0;
    for (int32_t y = b->y0; y < b->y1; y++) {
        const float *row = (const float *)(data + (size_t)y * stride);
        for (int32_t x = b->x0; x < b->x1; x++)
            sum += row[x];
    }
    return sum / ((double)(b->x1 - b->x0) * (b->y1 - b->y0));
}

static void normalise_all(const mexpr_histogram_options *o, float *values, size_t n)
{
    if (o->norm != MEXPR_NORM_ALL && o->norm != MEXPR_NORM_L2)
        return;
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += o->norm == MEXPR_NORM_L2 ? (double)values[i] * values[i] : values[i];
    const double length = o->norm == MEXPR_NORM_L2 ? sqrt(sum) : sum;
    for (size_t i = 0; i < n && length > 0; i++)
        values[i] = (float)(values[i] / length);
}

static void compute(const mexpr_field *field, const mexpr_histogram_options *o,
    const mexpr_image *strain, float *values)
{
    const int32_t width = mexpr_field_width(field), height = mexpr_field_height(field);
    float *to = values;
    for (int32_t row = 0; row < o->rows; row++) {
        for (int32_t column = 0; column < o->columns; column++) {
            const block b = {edge(column, o->columns, width), edge(row, o->rows, height),
                edge(column + 1, o->columns, width), edge(row + 1, o->rows, height)};
            double bins[MX_MAX_BINS];
            count_block(field, o, &b, bins);
            normalise_block(o, bins);
            const double weight = block_weight(strain, &b);
            for (int k = 0; k < o->n_bins; k++)
                *to++ = (float)(weight * bins[k]);
        }
    }
    normalise_all(o, values, (size_t)(to - values));
}

mexpr_status mexpr_flow_histogram(mexpr_context *context, const mexpr_field *field,
    const mexpr_histogram_options *options, float *values, size_t capacity, size_t *n)
{
    if (n)
        *n = 0;
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!field || (!values && !n))
        return mx_fail(
            scope, MEXPR_E_ARG, "%s is NULL", field ? "both values and n" : "field");
    mexpr_histogram_options o = MEXPR_HISTOGRAM_OPTIONS_INIT;
    mexpr_status status = mx_options_copy(scope, options, sizeof o, &o, sizeof o);
    if (status == MEXPR_OK)
        status = fill_defaults(scope, &o);
    if (status == MEXPR_OK)
        status = check_grid(scope, field, &o);
    if (status == MEXPR_OK)
        status = mx_output_size(scope, values, capacity,
            (size_t)o.columns * (size_t)o.rows * (size_t)o.n_bins, n);
    if (status != MEXPR_OK)
        return status == MEXPR_END ? MEXPR_OK : status;
    mexpr_image *strain = NULL;
    if (o.kind == MEXPR_HISTOGRAM_BI_WOOF)
        status = mexpr_flow_strain(context, field, (mexpr_strain)o.strain, &strain);
    if (status == MEXPR_OK)
        compute(field, &o, strain, values);
    mexpr_image_destroy(&strain);
    return status;
}
