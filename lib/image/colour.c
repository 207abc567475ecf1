/* SPDX-License-Identifier: MIT */
/* From one pixel format to another. Grey goes through rows of luma: double, in the
 * 0..255 convention, which holds every format's values exactly enough to come back. */
#include <math.h>
#include <string.h>

#include "image/picture.h"

enum { CHUNK = 64 }; /* pixels of luma kept on the stack at a time */

/* Where the channels of a colour format lie. */
typedef struct channels {
    int n; /* bytes of a pixel; 0: not a colour format */
    int red;
    int green;
    int blue;
} channels;

static channels channels_of(mexpr_format format)
{
    switch (format) {
    case MEXPR_FORMAT_RGB8:
        return (channels){3, 0, 1, 2};
    case MEXPR_FORMAT_BGR8:
        return (channels){3, 2, 1, 0};
    case MEXPR_FORMAT_RGBA8:
        return (channels){4, 0, 1, 2};
    default:
        return (channels){0, 0, 0, 0};
    }
}

/* ITU-R BT.601 weights in thousandths; the sum is exact and (g, g, g) gives g. */
static void luma_of_colour(channels c, const uint8_t *in, int n, double *luma)
{
    for (int i = 0; i < n; i++, in += c.n)
        luma[i] = (299 * in[c.red] + 587 * in[c.green] + 114 * in[c.blue]) / 1000.0;
}

/* Luma of the n pixels from x on. */
static void load_luma(
    const mexpr_image *image, const uint8_t *row, int32_t x, int n, double *luma)
{
    switch (image->format) {
    case MEXPR_FORMAT_GREY8:
        for (int i = 0; i < n; i++)
            luma[i] = row[x + i];
        break;
    case MEXPR_FORMAT_GREY16:
        for (int i = 0; i < n; i++)
            luma[i] = ((const uint16_t *)row)[x + i] / 257.0;
        break;
    case MEXPR_FORMAT_GREYF32:
        for (int i = 0; i < n; i++)
            luma[i] = ((const float *)row)[x + i];
        break;
    default: {
        const channels c = channels_of(image->format);
        luma_of_colour(c, row + (size_t)x * (size_t)c.n, n, luma);
    }
    }
}

/* To the nearest of 0..top, halves upwards; NaN gives 0. */
static unsigned quantise(double value, double top)
{
    if (!(value > 0))
        return 0;
    return value < top ? (unsigned)floor(value + 0.5) : (unsigned)top;
}

static void store_colour(channels c, const double *luma, int n, uint8_t *out)
{
    for (int i = 0; i < n; i++, out += c.n) {
        const uint8_t grey = (uint8_t)quantise(luma[i], 255);
        if (c.n == 4)
            out[3] = 255;
        out[c.red] = out[c.green] = out[c.blue] = grey;
    }
}

static void store_luma(
    mexpr_format format, const double *luma, int n, uint8_t *row, int32_t x)
{
    switch (format) {
    case MEXPR_FORMAT_GREY8:
        for (int i = 0; i < n; i++)
            row[x + i] = (uint8_t)quantise(luma[i], 255);
        break;
    case MEXPR_FORMAT_GREY16:
        for (int i = 0; i < n; i++)
            ((uint16_t *)row)[x + i] = (uint16_t)quantise(luma[i] * 257, 65535);
        break;
    case MEXPR_FORMAT_GREYF32:
        for (int i = 0; i < n; i++)
            ((float *)row)[x + i] = (float)luma[i];
        break;
    default: {
        const channels c = channels_of(format);
        store_colour(c, luma, n, row + (size_t)x * (size_t)c.n);
    }
    }
}

void mx_image_set_grey(mexpr_image *image, int32_t x, int32_t y, uint8_t grey)
{
    const double luma = grey;
    uint8_t *row = mx_image_row_pixels(image, y);
    const size_t pixel = mexpr_format_bytes(image->format);
    store_luma(image->format, &luma, 1, row + (size_t)x * pixel, 0);
}

static void convert_row(
    const mexpr_image *image, int32_t y, mexpr_format format, uint8_t *out)
{
    double luma[CHUNK];
    const uint8_t *row = mx_image_row(image, y);
    for (int32_t x = 0; x < image->width; x += CHUNK) {
        const int n = image->width - x < CHUNK ? image->width - x : CHUNK;
        load_luma(image, row, x, n, luma);
        store_luma(format, luma, n, out, x);
    }
}

static void reorder_row(
    channels from, const uint8_t *in, channels to, uint8_t *out, int32_t width)
{
    for (int32_t x = 0; x < width; x++, in += from.n, out += to.n) {
        out[to.red] = in[from.red];
        out[to.green] = in[from.green];
        out[to.blue] = in[from.blue];
        if (to.n == 4)
            out[3] = from.n == 4 ? in[3] : 255;
    }
}

mexpr_status mx_image_convert(
    mx_scope *scope, const mexpr_image *image, mexpr_format format, mexpr_image **out)
{
    const mexpr_status status =
        mx_image_new(scope, format, image->width, image->height, out);
    if (status != MEXPR_OK)
        return status;
    const channels from = channels_of(image->format), to = channels_of(format);
    for (int32_t y = 0; y < image->height; y++) {
        uint8_t *row = mx_image_row_pixels(*out, y);
        if (image->format == format)
            memcpy(row, mx_image_row(image, y), (*out)->stride);
        else if (from.n && to.n)
            reorder_row(from, mx_image_row(image, y), to, row, image->width);
        else
            convert_row(image, y, format, row);
    }
    return MEXPR_OK;
}

mexpr_status mexpr_image_convert(mexpr_context *context, const mexpr_image *image,
    mexpr_format format, mexpr_image **out)
{
    if (!out)
        return MEXPR_E_ARG;
    *out = NULL;
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!image)
        return mx_fail(scope, MEXPR_E_ARG, "image is NULL");
    if (mexpr_format_bytes(format) == 0)
        return mx_fail(scope, MEXPR_E_ARG, "%d is not a mexpr_format", (int)format);
    return mx_image_convert(scope, image, format, out);
}

static void row_to_grey_f32(const mexpr_image *image, const uint8_t *row, float *out)
{
    double luma[CHUNK];
    const bool colour = channels_of(image->format).n != 0;
    for (int32_t x = 0; x < image->width; x += CHUNK) {
        const int n = image->width - x < CHUNK ? image->width - x : CHUNK;
        load_luma(image, row, x, n, luma);
        for (int i = 0; i < n; i++)
            *out++ = colour ? (float)quantise(luma[i], 255) : (float)luma[i];
    }
}

static void bytes_to_floats(const uint8_t *in, int32_t n, float *out)
{
    for (int32_t i = 0; i < n; i++)
        out[i] = in[i];
}

/* Grey bytes are what flow reads mostly, and take long by way of luma. */
void mx_image_to_grey_f32(const mexpr_image *image, float *out)
{
    for (int32_t y = 0; y < image->height; y++, out += image->width) {
        const uint8_t *row = mx_image_row(image, y);
        if (image->format == MEXPR_FORMAT_GREY8)
            bytes_to_floats(row, image->width, out);
        else
            row_to_grey_f32(image, row, out);
    }
}

void mx_image_to_grey_u8(const mexpr_image *image, uint8_t *out)
{
    for (int32_t y = 0; y < image->height; y++, out += image->width)
        convert_row(image, y, MEXPR_FORMAT_GREY8, out);
}
