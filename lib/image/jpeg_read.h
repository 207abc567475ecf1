/* SPDX-License-Identifier: MIT */
#ifndef MX_IMAGE_JPEG_READ_H
#define MX_IMAGE_JPEG_READ_H

#include "base/scope.h"
#include "microexpr/image.h"

/* JPEG from memory. Without TurboJPEG MEXPR_E_DISABLED. */
mexpr_status mx_jpeg_decode(mx_scope *scope, const uint8_t *bytes, size_t size,
    mexpr_colour colour, mexpr_image **out);

#endif
