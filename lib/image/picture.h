/* SPDX-License-Identifier: MIT */
/* Pictures from inside, and what the modules above need of them. */
#ifndef MX_IMAGE_PICTURE_H
#define MX_IMAGE_PICTURE_H

#include "base/scope.h"
#include "microexpr/image.h"

struct mexpr_image {
    mexpr_context *context; /* retained */
    mexpr_format format;
    int32_t width;
    int32_t height;
    size_t stride;
    uint8_t *data;            /* behind this struct, or the caller's */
    mexpr_release_fn release; /* of wrapped pixels, or NULL */
    void *user;
};

/* A picture without gaps between rows, its pixels not yet set. Size and format are
 * already checked. */
mexpr_status mx_image_new(mx_scope *scope, mexpr_format format, int32_t width,
    int32_t height, mexpr_image **out);

static inline const uint8_t *mx_image_row(const mexpr_image *image, int32_t y)
{
    return image->data + (size_t)y * image->stride;
}

static inline uint8_t *mx_image_row_pixels(mexpr_image *image, int32_t y)
{
    return image->data + (size_t)y * image->stride;
}

/* Makes one pixel grey, 0..255, whatever the format; alpha becomes 255. */
void mx_image_set_grey(mexpr_image *image, int32_t x, int32_t y, uint8_t grey);

/* mexpr_image_read() for arguments that are already checked. */
mexpr_status mx_image_read(
    mx_scope *scope, const char *path, mexpr_colour colour, mexpr_image **out);

/* mexpr_image_convert() for arguments that are already checked. */
mexpr_status mx_image_convert(
    mx_scope *scope, const mexpr_image *image, mexpr_format format, mexpr_image **out);

/* Grey values in the 0..255 convention into width × height floats without gaps: 8-bit
 * grey as it is, 16-bit divided by 257, float copied, and colour rounded to the grey that
 * converting to GREY8 gives, so that a picture and its grey copy are the same input.
 * Allocates nothing. */
void mx_image_to_grey_f32(const mexpr_image *image, float *out);

/* The same rounded to bytes, as converting to GREY8 gives. Allocates nothing. */
void mx_image_to_grey_u8(const mexpr_image *image, uint8_t *out);

/* Resizing of planes of floats without gaps, prepared once for a size; see
 * mexpr_image_resize(). A run allocates nothing. */
typedef struct mx_resizer mx_resizer;
mexpr_status mx_resizer_create(mx_scope *scope, int32_t width, int32_t height,
    int32_t out_width, int32_t out_height, mexpr_filter filter, mx_resizer **out);
void mx_resizer_destroy(mexpr_context *context, mx_resizer **resizer);
void mx_resizer_run(mx_resizer *resizer, const float *in, float *out);

#endif
