/* SPDX-License-Identifier: MIT */
#include "feature_kinds.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int failed(const feature_input *in, mexpr_status status)
{
    const char *sentence = mexpr_context_last_error(in->context);
    /* The settings are the only numbers that can be out of range. */
    return status == MEXPR_E_RANGE ? cli_usage("%s", sentence)
                                   : cli_fail_status(status, sentence, NULL);
}

static int out_of_memory(void)
{
    return cli_fail("out of memory; close other programs and try again");
}

/* --- histograms and MDMO ----------------------------------------------------------- */

static int add_histogram(
    const feature_input *in, const char *name, mexpr_histogram kind, table *out)
{
    const feature_settings *s = in->settings;
    mexpr_histogram_options o = MEXPR_HISTOGRAM_OPTIONS_INIT;
    o.kind = kind;
    o.n_bins = s->bins ? s->bins : 8;
    o.columns = s->columns ? s->columns : kind == MEXPR_HISTOGRAM_BI_WOOF ? 8 : 1;
    o.rows = s->rows ? s->rows : kind == MEXPR_HISTOGRAM_BI_WOOF ? 8 : 1;
    o.norm = s->norm;
    o.weight = s->weight;
    o.strain = s->strain;
    o.min_magnitude = s->min_magnitude;
    size_t n = 0;
    mexpr_status status = mexpr_flow_histogram(in->context, in->field, &o, NULL, 0, &n);
    float *values = status == MEXPR_OK ? malloc(n * sizeof *values) : NULL;
    if (status == MEXPR_OK && !values)
        return out_of_memory();
    if (status == MEXPR_OK)
        status = mexpr_flow_histogram(in->context, in->field, &o, values, n, NULL);
    for (int i = 0; status == MEXPR_OK && i < (int)n; i++) {
        const int block = i / o.n_bins;
        table_value(out, (double)values[i], "%s_r%d_c%d_b%d", name, block / o.columns,
            block % o.columns, i % o.n_bins);
    }
    free(values);
    return status == MEXPR_OK ? CLI_OK : failed(in, status);
}

static int add_oriented(const feature_input *in, table *out)
{
    return add_histogram(in, "histogram", MEXPR_HISTOGRAM_ORIENTED, out);
}

static int add_hoof(const feature_input *in, table *out)
{
    return add_histogram(in, "hoof", MEXPR_HISTOGRAM_HOOF, out);
}

static int add_bi_woof(const feature_input *in, table *out)
{
    return add_histogram(in, "bi_woof", MEXPR_HISTOGRAM_BI_WOOF, out);
}

static int add_mdmo(const feature_input *in, table *out)
{
    float xy[2 * MEXPR_MDMO_CORNERS], values[2 * MEXPR_MDMO_REGIONS];
    int32_t corners[MEXPR_MDMO_REGIONS];
    mexpr_polygons regions = MEXPR_POLYGONS_INIT;
    regions.xy = xy;
    regions.corners = corners;
    regions.n_polygons = MEXPR_MDMO_REGIONS;
    mexpr_mdmo_options o = MEXPR_MDMO_OPTIONS_INIT;
    o.n_bins = in->settings->bins;
    o.min_magnitude = in->settings->min_magnitude;
    mexpr_status status =
        mexpr_face_regions(in->context, MEXPR_REGIONS_MDMO, in->landmarks, xy, corners);
    if (status == MEXPR_OK)
        status = mexpr_flow_mdmo(in->context, in->field, &regions, &o, values,
            sizeof values / sizeof values[0], NULL);
    if (status != MEXPR_OK)
        return failed(in, status);
    for (int i = 0; i < MEXPR_MDMO_REGIONS; i++) {
        table_value(out, (double)values[2 * i], "mdmo_%d_magnitude", i);
        table_value(out, (double)values[2 * i + 1], "mdmo_%d_angle", i);
    }
    return CLI_OK;
}

/* --- measures of blocks ------------------------------------------------------------ */

typedef struct measure {
    double mean; /* NaN when nothing in the block is known */
    double deviation;
    double largest;
} measure;

typedef struct block {
    int row, column;
    int32_t x0, y0, x1, y1;
} block;

/* The place of a pixel in a plane of whole rows; -1 where the field is unknown. */
static ptrdiff_t known_at(const mexpr_field *field, int32_t x, int32_t y)
{
    const ptrdiff_t i = (ptrdiff_t)y * mexpr_field_width(field) + x;
    const int known = fabsf(mexpr_field_u(field)[i]) < MEXPR_FIELD_UNKNOWN_THRESHOLD &&
                      fabsf(mexpr_field_v(field)[i]) < MEXPR_FIELD_UNKNOWN_THRESHOLD;
    return known ? i : -1;
}

/* Of a plane over the known pixels of a block. */
static measure measure_block(
    const mexpr_field *field, const float *plane, ptrdiff_t stride, const block *b)
{
    double sum = 0, squares = 0, largest = 0;
    double n = 0;
    for (int32_t y = b->y0; y < b->y1; y++) {
        for (int32_t x = b->x0; x < b->x1; x++) {
            if (known_at(field, x, y) < 0)
                continue;
            const double value = (double)plane[y * stride + x];
            sum += value;
            squares += value * value;
            largest = fmax(largest, value);
            n++;
        }
    }
    const double mean = sum / n;
    const measure none = {NAN, NAN, NAN};
    const measure some = {mean, sqrt(fmax(squares / n - mean * mean, 0)), largest};
    return n > 0 ? some : none;
}

typedef void (*block_fn)(
    const mexpr_field *field, const mexpr_image *image, const block *b, table *out);

/* Calls `add` for every block, row by row, divided as mexpr_flow_histogram() does. */
static int each_block(
    const feature_input *in, const mexpr_image *image, block_fn add, table *out)
{
    const int32_t width = mexpr_field_width(in->field);
    const int32_t height = mexpr_field_height(in->field);
    const int64_t rows = in->settings->rows ? in->settings->rows : 1;
    const int64_t columns = in->settings->columns ? in->settings->columns : 1;
    if (rows > height || columns > width)
        return cli_fail("a grid of %d x %d has more blocks than the picture of %d x %d "
                        "has pixels",
            (int)rows, (int)columns, (int)width, (int)height);
    for (int r = 0; r < rows; r++) {
        for (int c = 0; c < columns; c++) {
            const block b = {r, c, (int32_t)(c * width / columns),
                (int32_t)(r * height / rows), (int32_t)((c + 1) * width / columns),
                (int32_t)((r + 1) * height / rows)};
            add(in->field, image, &b, out);
        }
    }
    return CLI_OK;
}

static void add_measures(const char *name, const mexpr_field *field,
    const mexpr_image *image, const block *b, table *out)
{
    const ptrdiff_t stride = (ptrdiff_t)(mexpr_image_stride(image) / sizeof(float));
    const float *plane = mexpr_image_data(image);
    const measure m = measure_block(field, plane, stride, b);
    table_value(out, m.mean, "%s_r%d_c%d_mean", name, b->row, b->column);
    table_value(out, m.deviation, "%s_r%d_c%d_std", name, b->row, b->column);
    table_value(out, m.largest, "%s_r%d_c%d_max", name, b->row, b->column);
}

static void magnitude_of_block(
    const mexpr_field *field, const mexpr_image *image, const block *b, table *out)
{
    add_measures("magnitude", field, image, b, out);
}

static void strain_of_block(
    const mexpr_field *field, const mexpr_image *image, const block *b, table *out)
{
    add_measures("strain", field, image, b, out);
}

static void flow_of_block(
    const mexpr_field *field, const mexpr_image *image, const block *b, table *out)
{
    (void)image;
    const ptrdiff_t width = mexpr_field_width(field);
    const measure u = measure_block(field, mexpr_field_u(field), width, b);
    const measure v = measure_block(field, mexpr_field_v(field), width, b);
    table_value(out, u.mean, "flow_r%d_c%d_u", b->row, b->column);
    table_value(out, v.mean, "flow_r%d_c%d_v", b->row, b->column);
}

/* The direction of the mean displacement, and its length over the mean length: 1 when all
 * move the same way. */
static void orientation_of_block(
    const mexpr_field *field, const mexpr_image *magnitude, const block *b, table *out)
{
    const ptrdiff_t width = mexpr_field_width(field);
    const ptrdiff_t stride = (ptrdiff_t)(mexpr_image_stride(magnitude) / sizeof(float));
    const double u = measure_block(field, mexpr_field_u(field), width, b).mean;
    const double v = measure_block(field, mexpr_field_v(field), width, b).mean;
    const double length =
        measure_block(field, mexpr_image_data(magnitude), stride, b).mean;
    const double together = length > 0 ? hypot(u, v) / length : 0 * length;
    table_value(out, atan2(v, u), "orientation_r%d_c%d_angle", b->row, b->column);
    table_value(out, together, "orientation_r%d_c%d_coherence", b->row, b->column);
}

static int add_image(const feature_input *in, mexpr_status status, mexpr_image *image,
    block_fn add, table *out)
{
    const int code =
        status == MEXPR_OK ? each_block(in, image, add, out) : failed(in, status);
    mexpr_image_destroy(&image);
    return code;
}

static int add_magnitude(const feature_input *in, table *out)
{
    mexpr_image *image = NULL;
    const mexpr_status status = mexpr_flow_magnitude(in->context, in->field, &image);
    return add_image(in, status, image, magnitude_of_block, out);
}

static int add_orientation(const feature_input *in, table *out)
{
    mexpr_image *image = NULL;
    const mexpr_status status = mexpr_flow_magnitude(in->context, in->field, &image);
    return add_image(in, status, image, orientation_of_block, out);
}

static int add_strain(const feature_input *in, table *out)
{
    mexpr_image *image = NULL;
    const mexpr_status status =
        mexpr_flow_strain(in->context, in->field, in->settings->strain, &image);
    return add_image(in, status, image, strain_of_block, out);
}

static int add_flow(const feature_input *in, table *out)
{
    return each_block(in, NULL, flow_of_block, out);
}

static int add_motion(const feature_input *in, table *out)
{
    const mexpr_motion *m = in->motion;
    table_value(out, m->cx, "motion_cx");
    table_value(out, m->cy, "motion_cy");
    table_value(out, m->dx, "motion_dx");
    table_value(out, m->dy, "motion_dy");
    table_value(out, m->angle, "motion_angle");
    table_value(out, m->zoom, "motion_zoom");
    table_value(out, m->residual, "motion_residual");
    table_value(out, (double)m->n_pixels, "motion_n_pixels");
    return CLI_OK;
}

/* --- sets -------------------------------------------------------------------------- */

static const struct {
    const char *name;
    int (*add)(const feature_input *in, table *out);
    int needs_landmarks;
} kinds[] = {
    {"flow", add_flow, 0},
    {"magnitude", add_magnitude, 0},
    {"orientation", add_orientation, 0},
    {"strain", add_strain, 0},
    {"histogram", add_oriented, 0},
    {"hoof", add_hoof, 0},
    {"bi_woof", add_bi_woof, 0},
    {"mdmo", add_mdmo, 1},
    {"motion", add_motion, 0},
};

enum { N_KINDS = sizeof kinds / sizeof kinds[0] };

static const char standard[] = "flow,magnitude,orientation,strain,hoof,motion";

static int unknown_kind(const char *name, size_t length)
{
    text list = {0};
    for (int k = 0; k < N_KINDS; k++)
        text_add(&list, "%s, ", kinds[k].name);
    const int code = cli_usage("--kind '%.*s' is not known; give some of %sor lbp_top",
        (int)length, name, list.bytes ? list.bytes : "");
    text_free(&list);
    return code;
}

int feature_set_parse(const char *list, feature_set *out)
{
    *out = 0;
    const char *rest = list ? list : standard;
    if (strcmp(rest, "lbp_top") == 0)
        return CLI_OK;
    for (int more = 1; more;) {
        const size_t length = strcspn(rest, ",");
        int k = 0;
        while (k < N_KINDS && (strncmp(kinds[k].name, rest, length) != 0 ||
                                  kinds[k].name[length] != '\0'))
            k++;
        if (length == 7 && strncmp(rest, "lbp_top", length) == 0)
            return cli_usage("--kind lbp_top reads clips, the others pairs; run the "
                             "command once for each");
        if (k == N_KINDS)
            return unknown_kind(rest, length);
        *out |= 1u << k;
        more = rest[length] == ',';
        rest += length + 1;
    }
    return CLI_OK;
}

const char *feature_set_needs_landmarks(feature_set set)
{
    for (int k = 0; k < N_KINDS; k++) {
        if ((set & 1u << k) && kinds[k].needs_landmarks)
            return kinds[k].name;
    }
    return NULL;
}

int feature_set_add(feature_set set, const feature_input *in, table *out)
{
    int code = CLI_OK;
    for (int k = 0; k < N_KINDS && code == CLI_OK; k++) {
        if (set & 1u << k)
            code = kinds[k].add(in, out);
    }
    return code;
}
