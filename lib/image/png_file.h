/* SPDX-License-Identifier: MIT */
/* PNG in and out of memory. Without libpng all of it is MEXPR_E_DISABLED. */
#ifndef MX_IMAGE_PNG_FILE_H
#define MX_IMAGE_PNG_FILE_H

#include "base/scope.h"
#include "microexpr/image.h"

mexpr_status mx_png_decode(mx_scope *scope, const uint8_t *bytes, size_t size,
    mexpr_colour colour, mexpr_image **out);

/* *bytes is in memory of the context, to be freed with mx_free(). */
mexpr_status mx_png_encode(
    mx_scope *scope, const mexpr_image *image, uint8_t **bytes, size_t *size);

/* 16-bit RGB, three numbers per pixel without gaps; *rgb is freed with mx_free().
 * MEXPR_E_FORMAT for any other kind of PNG. */
mexpr_status mx_png_read_rgb16(mx_scope *scope, const uint8_t *bytes, size_t size,
    int32_t *width, int32_t *height, uint16_t **rgb);

mexpr_status mx_png_write_rgb16(mx_scope *scope, int32_t width, int32_t height,
    const uint16_t *rgb, uint8_t **bytes, size_t *size);

#endif
