/* SPDX-License-Identifier: MIT */
/* Stands in for jpeg_read.c in a build without TurboJPEG. */
#include "image/jpeg_read.h"

mexpr_status mx_jpeg_decode(mx_scope *scope, const uint8_t *bytes, size_t size,
    mexpr_colour colour, mexpr_image **out)
{
    (void)bytes;
    (void)size;
    (void)colour;
    *out = NULL;
    return mx_fail(scope, MEXPR_E_DISABLED,
        "this build cannot read JPEG; build with -Djpeg=enabled");
}
