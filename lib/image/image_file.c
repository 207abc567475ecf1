/* SPDX-License-Identifier: MIT */
/* Pictures in files: which decoder reads them, and writing them whole. */
#include <string.h>

#include "base/file.h"
#include "image/jpeg_read.h"
#include "image/picture.h"
#include "image/png_file.h"

static const uint8_t jpeg_signature[] = {0xff, 0xd8, 0xff};
static const uint8_t png_signature[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

/* Whether the bytes begin with the signature, or are too few but agree so far. */
static bool begins(const uint8_t *bytes, size_t size, const uint8_t *signature, size_t n)
{
    return memcmp(bytes, signature, size < n ? size : n) == 0;
}

static mexpr_status decode(mx_scope *scope, const uint8_t *bytes, size_t size,
    mexpr_colour colour, mexpr_image **out)
{
    if (size == 0)
        return mx_fail(
            scope, MEXPR_E_TRUNCATED, "there are no bytes: the picture is empty");
    const bool jpeg = begins(bytes, size, jpeg_signature, sizeof jpeg_signature);
    const bool png = begins(bytes, size, png_signature, sizeof png_signature);
    if (!jpeg && !png)
        return mx_fail(scope, MEXPR_E_FORMAT,
            "the bytes are neither JPEG nor PNG; convert the picture to one of them");
    if (size < (jpeg ? sizeof jpeg_signature : sizeof png_signature))
        return mx_fail(scope, MEXPR_E_TRUNCATED,
            "the picture ends after %zu bytes, within its signature", size);
    return jpeg ? mx_jpeg_decode(scope, bytes, size, colour, out)
                : mx_png_decode(scope, bytes, size, colour, out);
}

static mexpr_status check_colour(mx_scope *scope, mexpr_colour colour)
{
    if (colour != MEXPR_COLOUR_KEEP && colour != MEXPR_COLOUR_GREY &&
        colour != MEXPR_COLOUR_RGB)
        return mx_fail(scope, MEXPR_E_ARG, "%d is not a mexpr_colour", (int)colour);
    return MEXPR_OK;
}

mexpr_status mexpr_image_decode(mexpr_context *context, const void *bytes, size_t size,
    mexpr_colour colour, mexpr_image **out)
{
    if (!out)
        return MEXPR_E_ARG;
    *out = NULL;
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!bytes)
        return mx_fail(scope, MEXPR_E_ARG, "bytes is NULL");
    const mexpr_status status = check_colour(scope, colour);
    return status == MEXPR_OK ? decode(scope, bytes, size, colour, out) : status;
}

mexpr_status mx_image_read(
    mx_scope *scope, const char *path, mexpr_colour colour, mexpr_image **out)
{
    uint8_t *bytes;
    size_t size;
    mexpr_status status = mx_file_read(scope, path, &bytes, &size);
    if (status != MEXPR_OK)
        return status;
    status = decode(scope, bytes, size, colour, out);
    mx_free(scope->context, bytes);
    return status == MEXPR_OK ? MEXPR_OK : mx_fail_prefix(scope, status, path);
}

mexpr_status mexpr_image_read(
    mexpr_context *context, const char *path, mexpr_colour colour, mexpr_image **out)
{
    if (!out)
        return MEXPR_E_ARG;
    *out = NULL;
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!path)
        return mx_fail(scope, MEXPR_E_ARG, "path is NULL");
    const mexpr_status status = check_colour(scope, colour);
    return status == MEXPR_OK ? mx_image_read(scope, path, colour, out) : status;
}

/* --- PNG out ----------------------------------------------------------------------- */

static mexpr_status encode(
    mx_scope *scope, const mexpr_image *image, uint8_t **bytes, size_t *size)
{
    if (image->format != MEXPR_FORMAT_GREYF32)
        return mx_png_encode(scope, image, bytes, size);
    mexpr_image *grey;
    mexpr_status status = mx_image_convert(scope, image, MEXPR_FORMAT_GREY8, &grey);
    if (status == MEXPR_OK)
        status = mx_png_encode(scope, grey, bytes, size);
    mexpr_image_destroy(&grey);
    return status;
}

mexpr_status mexpr_image_encode_png(
    mexpr_context *context, const mexpr_image *image, void **bytes, size_t *size)
{
    if (bytes)
        *bytes = NULL;
    if (size)
        *size = 0;
    if (!context || !bytes || !size)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!image)
        return mx_fail(scope, MEXPR_E_ARG, "image is NULL");
    uint8_t *png = NULL;
    const mexpr_status status = encode(scope, image, &png, size);
    *bytes = png;
    return status;
}

mexpr_status mexpr_image_write_png(
    mexpr_context *context, const mexpr_image *image, const char *path)
{
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!image || !path)
        return mx_fail(scope, MEXPR_E_ARG, "%s is NULL", image ? "path" : "image");
    uint8_t *bytes = NULL;
    size_t size = 0;
    mexpr_status status = encode(scope, image, &bytes, &size);
    if (status == MEXPR_OK)
        status = mx_file_write(scope, path, bytes, size);
    mx_free(context, bytes);
    return status;
}

void mexpr_bytes_free(mexpr_context *context, void **bytes)
{
    if (!context || !bytes)
        return;
    mx_free(context, *bytes);
    *bytes = NULL;
}
