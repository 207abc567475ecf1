/* SPDX-License-Identifier: MIT */
/* The pictures of a manifest's clips. */
#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "dataset/clip_path.h"
#include "microexpr/dataset.h"
#include "microexpr/image.h"

enum { N_PLANES = 3 };

typedef struct reading {
    mx_scope *scope;
    const char *folder;
    int32_t width, height;
    const mexpr_dataset_crop *crops;
    int32_t n_crops;
} reading;

/* --- crops ------------------------------------------------------------------------- */

static bool is_scale(double x)
{
    return x >= 0.1 && x <= 10;
}

static bool is_shift(double x)
{
    return x >= -1000 && x <= 1000;
}

static bool has_dataset(const mexpr_manifest *manifest, const char *name)
{
    for (int32_t k = 0; k < mexpr_manifest_n_datasets(manifest); k++)
        if (strcmp(mexpr_manifest_dataset(manifest, k), name) == 0)
            return true;
    return false;
}

static mexpr_status check_crops(const reading *r, const mexpr_manifest *manifest)
{
    for (int32_t k = 0; k < r->n_crops; k++) {
        const mexpr_dataset_crop *c = &r->crops[k];
        if (!c->dataset)
            return mx_fail(r->scope, MEXPR_E_ARG, "crop %d has no database", k);
        if (!has_dataset(manifest, c->dataset))
            return mx_fail(r->scope, MEXPR_E_RANGE,
                "a crop is given for '%.60s', which no clip is of", c->dataset);
        if (!is_scale(c->scale_x) || !is_scale(c->scale_y) || !is_shift(c->shift_x) ||
            !is_shift(c->shift_y))
            return mx_fail(r->scope, MEXPR_E_RANGE,
                "the crop of '%.60s' has a scale outside of 0.1 to 10 or a shift outside "
                "of -1000 to 1000",
                c->dataset);
    }
    return MEXPR_OK;
}

static const mexpr_dataset_crop *crop_of(const reading *r, const char *dataset)
{
    for (int32_t k = 0; k < r->n_crops; k++)
        if (strcmp(r->crops[k].dataset, dataset) == 0)
            return &r->crops[k];
    return NULL;
}

/* --- pixels ------------------------------------------------------------------------ */

/* Four samples of an RGB8 picture around (x, y). */
static double sample(const mexpr_image *image, int plane, double x, double y)
{
    const uint8_t *pixels = mexpr_image_data(image);
    const size_t stride = mexpr_image_stride(image);
    const int32_t right = mexpr_image_width(image) - 1;
    const int32_t bottom = mexpr_image_height(image) - 1;
    x = fmin(fmax(x, 0), right);
    y = fmin(fmax(y, 0), bottom);
    const size_t x0 = (size_t)x, y0 = (size_t)y;
    const size_t x1 = x0 + ((int32_t)x0 < right), y1 = y0 + ((int32_t)y0 < bottom);
    const double fx = x - (double)x0, fy = y - (double)y0;
    const uint8_t *above = pixels + y0 * stride + plane;
    const uint8_t *below = pixels + y1 * stride + plane;
    const double top = above[N_PLANES * x0] * (1 - fx) + above[N_PLANES * x1] * fx;
    const double low = below[N_PLANES * x0] * (1 - fx) + below[N_PLANES * x1] * fx;
    return top * (1 - fy) + low * fy;
}

static void read_planes(
    const mexpr_image *image, const mexpr_dataset_crop *crop, float *values)
{
    static const mexpr_dataset_crop whole = {NULL, 1, 1, 0, 0};
    const mexpr_dataset_crop *c = crop ? crop : &whole;
    const int32_t width = mexpr_image_width(image), height = mexpr_image_height(image);
    const double a = (width - 1) / 2.0, b = (height - 1) / 2.0;
    for (int plane = 0; plane < N_PLANES; plane++)
        for (int32_t y = 0; y < height; y++)
            for (int32_t x = 0; x < width; x++)
                *values++ =
                    (float)sample(image, plane, a + (x - a) * c->scale_x + c->shift_x,
                        b + (y - b) * c->scale_y + c->shift_y);
}

/* --- files ------------------------------------------------------------------------- */

static mexpr_status read_picture(
    const reading *r, const mexpr_record *record, float *values)
{
    char path[MX_CLIP_PATH];
    mexpr_image *image = NULL;
    mexpr_status status = mx_clip_path(r->scope, r->folder, record, path);
    if (status == MEXPR_OK)
        status = mexpr_image_read(r->scope->context, path, MEXPR_COLOUR_RGB, &image);
    if (status != MEXPR_OK)
        return status;
    if (mexpr_image_width(image) != r->width || mexpr_image_height(image) != r->height)
        status = mx_fail(r->scope, MEXPR_E_SHAPE,
            "%s is of %d x %d pixels instead of %d x %d", path, mexpr_image_width(image),
            mexpr_image_height(image), r->width, r->height);
    else if (mexpr_image_format(image) != MEXPR_FORMAT_RGB8)
        status = mx_fail(r->scope, MEXPR_E_TYPE, "%s has more than 8 bits", path);
    else
        read_planes(image, crop_of(r, record->dataset), values);
    mexpr_image_destroy(&image);
    return status;
}

static mexpr_status check_capacity(const reading *r, int64_t n, size_t capacity)
{
    size_t size = (size_t)n;
    if (r->width < 1 || r->height < 1)
        return mx_fail(r->scope, MEXPR_E_ARG, "pictures of %d x %d pixels do not exist",
            r->width, r->height);
    if (!mx_mul_size(size, N_PLANES, &size) ||
        !mx_mul_size(size, (size_t)r->width, &size) ||
        !mx_mul_size(size, (size_t)r->height, &size) || size > capacity)
        return mx_fail(r->scope, MEXPR_E_RANGE,
            "%zu floats are not enough for %lld pictures of 3 x %d x %d", capacity,
            (long long)n, r->height, r->width);
    return MEXPR_OK;
}

mexpr_status mexpr_manifest_pictures(mexpr_context *context,
    const mexpr_manifest *manifest, const char *folder, int32_t width, int32_t height,
    const mexpr_dataset_crop *crops, int32_t n_crops, float *values, size_t capacity,
    mexpr_progress_fn progress, void *user)
{
    if (!context)
        return MEXPR_E_ARG;
    const reading r = {mx_context_scope(context), folder, width, height, crops, n_crops};
    if (!manifest || !values || n_crops < 0 || (n_crops > 0 && !crops))
        return mx_fail(r.scope, MEXPR_E_ARG,
            "there is no manifest, no crops or no place for values");
    const int64_t n = mexpr_manifest_n_clips(manifest);
    const size_t size = (size_t)N_PLANES * (size_t)width * (size_t)height;
    mexpr_status status = check_capacity(&r, n, capacity);
    if (status == MEXPR_OK)
        status = check_crops(&r, manifest);
    for (int64_t i = 0; i < n && status == MEXPR_OK; i++) {
        mexpr_record record = MEXPR_RECORD_INIT;
        mexpr_manifest_clip(manifest, i, &record);
        status = read_picture(&r, &record, values + (size_t)i * size);
        if (status == MEXPR_OK && progress &&
            progress(user, (uint64_t)i + 1, (uint64_t)n))
            status = mx_fail(r.scope, MEXPR_E_CANCELLED,
                "the progress callback asked to stop reading pictures");
    }
    return status;
}
