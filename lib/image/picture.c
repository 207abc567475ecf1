/* SPDX-License-Identifier: MIT */
#include "image/picture.h"

#include <string.h>

#include "base/checked.h"

static size_t channel_bytes(mexpr_format format)
{
    switch (format) {
    case MEXPR_FORMAT_GREY16:
        return sizeof(uint16_t);
    case MEXPR_FORMAT_GREYF32:
        return sizeof(float);
    default:
        return 1;
    }
}

size_t mexpr_format_bytes(mexpr_format format)
{
    switch (format) {
    case MEXPR_FORMAT_GREY8:
        return 1;
    case MEXPR_FORMAT_RGB8:
    case MEXPR_FORMAT_BGR8:
        return 3;
    case MEXPR_FORMAT_RGBA8:
        return 4;
    case MEXPR_FORMAT_GREY16:
        return sizeof(uint16_t);
    case MEXPR_FORMAT_GREYF32:
        return sizeof(float);
    }
    return 0;
}

static mexpr_status check_format(mx_scope *scope, mexpr_format format)
{
    if (mexpr_format_bytes(format) == 0)
        return mx_fail(scope, MEXPR_E_ARG, "%d is not a mexpr_format", (int)format);
    return MEXPR_OK;
}

/* --- life -------------------------------------------------------------------------- */

/* The struct, with `bytes` of memory behind it at MX_ALIGNMENT. */
static mexpr_image *allocate(mx_scope *scope, size_t bytes)
{
    const size_t head = mx_round_up(sizeof(mexpr_image), MX_ALIGNMENT);
    size_t total = SIZE_MAX; /* what mx_alloc() refuses, for a sum that overflows */
    mx_add_size(head, bytes, &total);
    mexpr_image *image = mx_alloc(scope, total, 1);
    if (image) {
        *image = (mexpr_image){.context = mx_context_retain(scope->context),
            .data = (uint8_t *)image + head};
    }
    return image;
}

mexpr_status mx_image_new(mx_scope *scope, mexpr_format format, int32_t width,
    int32_t height, mexpr_image **out)
{
    size_t stride = SIZE_MAX, bytes = SIZE_MAX;
    mx_mul_size((size_t)width, mexpr_format_bytes(format), &stride);
    mx_mul_size(stride, (size_t)height, &bytes);
    mexpr_image *image = allocate(scope, bytes);
    *out = image;
    if (!image)
        return MEXPR_E_NOMEM;
    image->format = format;
    image->width = width;
    image->height = height;
    image->stride = stride;
    return MEXPR_OK;
}

mexpr_status mexpr_image_create(mexpr_context *context, mexpr_format format,
    int32_t width, int32_t height, mexpr_image **out)
{
    if (!out)
        return MEXPR_E_ARG;
    *out = NULL;
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    mexpr_status status = check_format(scope, format);
    if (status == MEXPR_OK)
        status = mx_check_size(scope, width, height);
    if (status == MEXPR_OK)
        status = mx_image_new(scope, format, width, height, out);
    if (status == MEXPR_OK)
        memset((*out)->data, 0, (*out)->stride * (size_t)height);
    return status;
}

static mexpr_status check_layout(mx_scope *scope, mexpr_format format, int32_t width,
    int32_t height, size_t stride, const void *pixels)
{
    const size_t channel = channel_bytes(format);
    size_t row, total;
    if (!mx_mul_size((size_t)width, mexpr_format_bytes(format), &row) || stride < row)
        return mx_fail(scope, MEXPR_E_ARG,
            "a stride of %zu bytes is too small for rows of %d pixels of %zu bytes",
            stride, (int)width, mexpr_format_bytes(format));
    if (stride % channel != 0)
        return mx_fail(scope, MEXPR_E_ARG,
            "a stride of %zu bytes is not a multiple of the channel size of %zu", stride,
            channel);
    if (!mx_mul_size(stride, (size_t)height, &total))
        return mx_fail(scope, MEXPR_E_ARG,
            "a stride of %zu bytes is too large for %d rows", stride, (int)height);
    if ((uintptr_t)pixels % channel != 0)
        return mx_fail(scope, MEXPR_E_ARG,
            "pixels must be aligned to the channel size of %zu bytes", channel);
    return MEXPR_OK;
}

mexpr_status mexpr_image_wrap(mexpr_context *context, mexpr_format format, int32_t width,
    int32_t height, size_t stride, void *pixels, mexpr_release_fn release, void *user,
    mexpr_image **out)
{
    if (!out)
        return MEXPR_E_ARG;
    *out = NULL;
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!pixels)
        return mx_fail(scope, MEXPR_E_ARG, "pixels is NULL");
    mexpr_status status = check_format(scope, format);
    if (status == MEXPR_OK)
        status = mx_check_size(scope, width, height);
    if (status == MEXPR_OK)
        status = check_layout(scope, format, width, height, stride, pixels);
    if (status != MEXPR_OK)
        return status;
    mexpr_image *image = allocate(scope, 0);
    if (!image)
        return MEXPR_E_NOMEM;
    image->format = format;
    image->width = width;
    image->height = height;
    image->stride = stride;
    image->data = pixels;
    image->release = release;
    image->user = user;
    *out = image;
    return MEXPR_OK;
}

void mexpr_image_destroy(mexpr_image **image)
{
    if (!image || !*image)
        return;
    mexpr_image *gone = *image;
    mexpr_context *context = gone->context;
    *image = NULL;
    if (gone->release)
        gone->release(gone->user, gone->data);
    mx_free(context, gone);
    mx_context_release(context);
}

/* --- what it is -------------------------------------------------------------------- */

int32_t mexpr_image_width(const mexpr_image *image)
{
    return image ? image->width : 0;
}

int32_t mexpr_image_height(const mexpr_image *image)
{
    return image ? image->height : 0;
}

mexpr_format mexpr_image_format(const mexpr_image *image)
{
    return image ? image->format : (mexpr_format)0;
}

size_t mexpr_image_stride(const mexpr_image *image)
{
    return image ? image->stride : 0;
}

const void *mexpr_image_data(const mexpr_image *image)
{
    return image ? image->data : NULL;
}

void *mexpr_image_pixels(mexpr_image *image)
{
    return image ? image->data : NULL;
}

/* --- crop -------------------------------------------------------------------------- */

mexpr_status mexpr_image_crop(mexpr_context *context, const mexpr_image *image, int32_t x,
    int32_t y, int32_t width, int32_t height, mexpr_image **out)
{
    if (!out)
        return MEXPR_E_ARG;
    *out = NULL;
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!image)
        return mx_fail(scope, MEXPR_E_ARG, "image is NULL");
    if (width < 1 || height < 1)
        return mx_fail(scope, MEXPR_E_ARG, "a size of %d×%d pixels is not possible",
            (int)width, (int)height);
    if (x < 0 || y < 0 || width > image->width - x || height > image->height - y)
        return mx_fail(scope, MEXPR_E_RANGE,
            "the rectangle of %d×%d pixels at (%d, %d) is not inside the picture of "
            "%d×%d",
            (int)width, (int)height, (int)x, (int)y, (int)image->width,
            (int)image->height);
    const mexpr_status status = mx_image_new(scope, image->format, width, height, out);
    if (status != MEXPR_OK)
        return status;
    const size_t left = (size_t)x * mexpr_format_bytes(image->format);
    for (int32_t row = 0; row < height; row++)
        memcpy(mx_image_row_pixels(*out, row), mx_image_row(image, y + row) + left,
            (*out)->stride);
    return MEXPR_OK;
}
