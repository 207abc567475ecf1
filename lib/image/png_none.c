/* SPDX-License-Identifier: MIT */
/* Stands in for png_file.c in a build without libpng. */
#include "image/png_file.h"

static mexpr_status disabled(mx_scope *scope)
{
    return mx_fail(scope, MEXPR_E_DISABLED,
        "this build cannot read or write PNG; build with -Dpng=enabled");
}

mexpr_status mx_png_decode(mx_scope *scope, const uint8_t *bytes, size_t size,
    mexpr_colour colour, mexpr_image **out)
{
    (void)bytes;
    (void)size;
    (void)colour;
    *out = NULL;
    return disabled(scope);
}

mexpr_status mx_png_encode(
    mx_scope *scope, const mexpr_image *image, uint8_t **bytes, size_t *size)
{
    (void)image;
    *bytes = NULL;
    *size = 0;
    return disabled(scope);
}

mexpr_status mx_png_read_rgb16(mx_scope *scope, const uint8_t *bytes, size_t size,
    int32_t *width, int32_t *height, uint16_t **rgb)
{
    (void)bytes;
    (void)size;
    *width = 0;
    *height = 0;
    *rgb = NULL;
    return disabled(scope);
}

mexpr_status mx_png_write_rgb16(mx_scope *scope, int32_t width, int32_t height,
    const uint16_t *rgb, uint8_t **bytes, size_t *size)
{
    (void)width;
    (void)height;
    (void)rgb;
    *bytes = NULL;
    *size = 0;
    return disabled(scope);
}
