/* SPDX-License-Identifier: MIT */
/**
 * @file image.h
 * Pictures: reading JPEG and PNG, wrapping a caller's pixels, colour, geometry, writing
 * PNG. See docs/image.md.
 */
#ifndef MICROEXPR_IMAGE_H
#define MICROEXPR_IMAGE_H

#include "base.h"

MEXPR_BEGIN_DECLS

/** Layout of one pixel; channels are interleaved, rows are `stride` bytes apart. */
typedef enum mexpr_format {
    MEXPR_FORMAT_GREY8 = 1,  /**< uint8_t, 0..255 */
    MEXPR_FORMAT_RGB8 = 2,   /**< 3 × uint8_t: red, green, blue */
    MEXPR_FORMAT_BGR8 = 3,   /**< 3 × uint8_t: blue, green, red */
    MEXPR_FORMAT_RGBA8 = 4,  /**< 4 × uint8_t; alpha is not premultiplied */
    MEXPR_FORMAT_GREY16 = 5, /**< uint16_t in the machine's byte order, 0..65535 */
    MEXPR_FORMAT_GREYF32 = 6 /**< float; no range of its own, by convention 0..255 */
} mexpr_format;

/** Bytes of one pixel, 0 for an unknown format. Thread-safe. @since 0.1.0 */
MEXPR_API size_t mexpr_format_bytes(mexpr_format format);

/** What a decoder shall deliver. */
typedef enum mexpr_colour {
    MEXPR_COLOUR_KEEP = 0, /**< as stored: GREY8, GREY16 (16-bit PNG), RGB8 or RGBA8 */
    MEXPR_COLOUR_GREY = 1, /**< GREY8; of a JPEG the luma plane as it is stored */
    MEXPR_COLOUR_RGB = 2   /**< RGB8; alpha is dropped */
} mexpr_colour;

/** How resizing weighs source pixels; all work on pixel centres at half positions. */
typedef enum mexpr_filter {
    MEXPR_FILTER_AREA = 1, /**< mean over the covered source area; linear if enlarging */
    MEXPR_FILTER_BILINEAR = 2, /**< two-tap, no smoothing when shrinking */
    MEXPR_FILTER_BICUBIC = 3   /**< Keys' cubic convolution, a = -0.75, no smoothing */
} mexpr_filter;

/**
 * A picture: immutable once made, except through mexpr_image_pixels().
 * Reference-free: one owner, who destroys it. Reading from several threads is safe.
 */
typedef struct mexpr_image mexpr_image;

/** Called once when a wrapped picture is destroyed. */
typedef void (*mexpr_release_fn)(void *user, void *pixels);

/**
 * A new picture with pixels of its own, all 0.
 * @param width,height 1 or more; their product within the context's max_pixels
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_LIMIT, MEXPR_E_NOMEM
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_image_create(mexpr_context *context, mexpr_format format,
    int32_t width, int32_t height, mexpr_image **out);

/**
 * A picture over the caller's pixels, without a copy. The pixels must stay valid until
 * the picture is destroyed.
 * @param stride  bytes from one row to the next, at least width times the pixel size and
 *                a multiple of the channel size
 * @param pixels  first row; aligned to the channel size
 * @param release called with `user` and `pixels` on destruction, or NULL. Not called when
 *                this function fails.
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_LIMIT, MEXPR_E_NOMEM
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_image_wrap(mexpr_context *context, mexpr_format format,
    int32_t width, int32_t height, size_t stride, void *pixels, mexpr_release_fn release,
    void *user, mexpr_image **out);

/** Destroys a picture. @since 0.1.0 */
MEXPR_API void mexpr_image_destroy(mexpr_image **image);

/** Width in pixels, 0 for NULL. @since 0.1.0 */
MEXPR_API int32_t mexpr_image_width(const mexpr_image *image);
/** Height in pixels, 0 for NULL. @since 0.1.0 */
MEXPR_API int32_t mexpr_image_height(const mexpr_image *image);
/** Pixel layout, 0 for NULL. @since 0.1.0 */
MEXPR_API mexpr_format mexpr_image_format(const mexpr_image *image);
/** Bytes from row to row, 0 for NULL. @since 0.1.0 */
MEXPR_API size_t mexpr_image_stride(const mexpr_image *image);
/** First row, to read. NULL for NULL. @since 0.1.0 */
MEXPR_API const void *mexpr_image_data(const mexpr_image *image);
/** First row, to write: only while no other thread reads. NULL for NULL. @since 0.1.0 */
MEXPR_API void *mexpr_image_pixels(mexpr_image *image);

/**
 * Reads a JPEG or PNG file; the first bytes decide which, not the name.
 * CMYK and 12-bit JPEG are MEXPR_E_UNSUPPORTED.
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_NOT_FOUND, MEXPR_E_IO, MEXPR_E_FORMAT,
 *         MEXPR_E_TRUNCATED, MEXPR_E_UNSUPPORTED, MEXPR_E_DISABLED, MEXPR_E_LIMIT,
 *         MEXPR_E_NOMEM
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_image_read(
    mexpr_context *context, const char *path, mexpr_colour colour, mexpr_image **out);

/** The same from memory; `bytes` may go away afterwards. @since 0.1.0 */
MEXPR_API mexpr_status mexpr_image_decode(mexpr_context *context, const void *bytes,
    size_t size, mexpr_colour colour, mexpr_image **out);

/**
 * Writes a PNG: GREY8, GREY16, RGB8, BGR8 (as RGB) or RGBA8; GREYF32 is rounded and
 * clamped to 0..255. The file appears whole or not at all; one that was there stays
 * untouched on failure.
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_IO, MEXPR_E_DISABLED, MEXPR_E_NOMEM
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_image_write_png(
    mexpr_context *context, const mexpr_image *image, const char *path);

/**
 * The same into memory. `*bytes` belongs to the library: release it with
 * mexpr_bytes_free() on the same context.
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_image_encode_png(
    mexpr_context *context, const mexpr_image *image, void **bytes, size_t *size);

/** Releases bytes that an encode call returned; NULL is fine. @since 0.1.0 */
MEXPR_API void mexpr_bytes_free(mexpr_context *context, void **bytes);

/**
 * A copy in another format. Grey from colour is 0.299 R + 0.587 G + 0.114 B (ITU-R
 * BT.601), rounded to nearest where the target is integer; 8 bit to 16 bit is times 257,
 * back with rounding; float to integer rounds and clamps (NaN gives 0); 16 bit to float
 * is divided by 257, so float keeps the 0..255 convention.
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_NOMEM
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_image_convert(mexpr_context *context,
    const mexpr_image *image, mexpr_format format, mexpr_image **out);

/**
 * A copy of the given size in the same format. Edges are replicated.
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_LIMIT, MEXPR_E_NOMEM
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_image_resize(mexpr_context *context,
    const mexpr_image *image, int32_t width, int32_t height, mexpr_filter filter,
    mexpr_image **out);

/**
 * A copy of a rectangle that must lie inside the picture.
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_RANGE, MEXPR_E_NOMEM
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_image_crop(mexpr_context *context, const mexpr_image *image,
    int32_t x, int32_t y, int32_t width, int32_t height, mexpr_image **out);

/**
 * A copy smoothed by a Gaussian of the given standard deviation in pixels (0 < sigma <=
 * 100), cut at radius ceil(4 sigma) and renormalised; edges mirrored with the edge pixel
 * repeated. Same format.
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_RANGE, MEXPR_E_NOMEM
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_image_gaussian(
    mexpr_context *context, const mexpr_image *image, double sigma, mexpr_image **out);

MEXPR_END_DECLS

#endif
