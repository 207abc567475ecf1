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

/**
 * A picture of another plane: pixel (x, y) of the result shows the place
 *     (m[0] x + m[1] y + m[2], m[3] x + m[4] y + m[5])
 * of `image`, m being `matrix`; pixel centres have whole coordinates. Cubic convolution
 * (R. Keys, IEEE Trans. ASSP 29, 1981, a = -0.5: exact for straight lines and parabolas);
 * where the result is smaller the kernel is widened to as many source pixels as one of
 * its own covers, so that nothing aliases. Edges are replicated. Same format.
 * @param matrix 6 finite numbers
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_RANGE (a pixel of the result would cover more
 *         than 64 source pixels in a row), MEXPR_E_LIMIT, MEXPR_E_NOMEM
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_image_warp(mexpr_context *context, const mexpr_image *image,
    const double *matrix, int32_t width, int32_t height, mexpr_image **out);

/* --- polygons and landmarks -------------------------------------------------------- */

/** Polygons in a picture, borrowed for the call. A pixel belongs to a polygon when its
 *  centre (whole coordinates) lies inside by the even-odd rule; polygons that share an
 *  edge do not share pixels. */
typedef struct mexpr_polygons {
    size_t struct_size;
    const float *xy; /**< corners x0, y0, x1, y1, … in px, polygon after polygon */
    const int32_t *corners; /**< corners of each polygon, 3 or more */
    int32_t n_polygons;     /**< 1 or more */
} mexpr_polygons;

#define MEXPR_POLYGONS_INIT                                                              \
    {                                                                                    \
        sizeof(mexpr_polygons), NULL, NULL, 0                                            \
    }

/**
 * A mask, GREY8: 255 at pixels inside a polygon or at most `margin` px away from one.
 * @param margin 0..10000 px
 * @return MEXPR_OK, MEXPR_E_ARG (a corner is not finite, fewer than 3 corners),
 *         MEXPR_E_RANGE, MEXPR_E_ABI, MEXPR_E_LIMIT, MEXPR_E_NOMEM
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_polygons_mask(mexpr_context *context,
    const mexpr_polygons *polygons, double margin, int32_t width, int32_t height,
    mexpr_image **out);

/** Number of landmarks of the iBUG 300-W order: x0, y0, … x67, y67 in px. */
#define MEXPR_LANDMARKS_68 68

/* --- clips ------------------------------------------------------------------------- */

/**
 * A sequence of frames of one size: files in a folder, a Y4M video, raw frames from a
 * callback, or pictures of the caller. Holds one frame at a time, whatever the length
 * (clips of mexpr_clip_create() hold what was pushed). One thread at a time.
 */
typedef struct mexpr_clip mexpr_clip;

/** Options of the calls that make a clip; a field of 0 means its default. */
typedef struct mexpr_clip_options {
    size_t struct_size;
    int32_t colour;          /**< mexpr_colour of frames from files; MEXPR_COLOUR_KEEP */
    int32_t fps_numerator;   /**< frames per second; what the source says, else unknown */
    int32_t fps_denominator; /**< 1 */
} mexpr_clip_options;

#define MEXPR_CLIP_OPTIONS_INIT                                                          \
    {                                                                                    \
        sizeof(mexpr_clip_options), 0, 0, 0                                              \
    }

/**
 * Fills up to `size` bytes.
 * @return the number of bytes, fewer than `size` being no sign of the end; 0 at the end;
 *         negative on failure
 */
typedef int64_t (*mexpr_read_fn)(void *user, void *buffer, size_t size);

/**
 * Opens a clip by its path:
 * - a folder: its .jpg, .jpeg and .png files in natural order (img9 before img10);
 * - a pattern in the last part of the path: printf's ("img%d.jpg", "f%05d.png") or a
 *   shell's ("frame_*.png", with *, ? and [a-z]); the files that match, in natural order;
 * - a .y4m file, told by its first bytes.
 *
 * Frames are read on demand and in any order. Hidden files are passed over. The first
 * frame is read at once: its size is the clip's. A file of another size fails with
 * MEXPR_E_SHAPE when it is read. Numbers missing in the file names are no failure: see
 * mexpr_clip_missing().
 * @param options NULL for all defaults
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_RANGE, MEXPR_E_ABI, MEXPR_E_NOT_FOUND (no such
 *         path, no file that matches), MEXPR_E_LIMIT (max_frames, for Y4M files
 *         max_file_bytes too), MEXPR_E_NOMEM, and what mexpr_image_read() and
 *         mexpr_clip_open_y4m() return
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_clip_open(mexpr_context *context, const char *path,
    const mexpr_clip_options *options, mexpr_clip **out);

/**
 * A clip over a YUV4MPEG2 stream, read from front to back: 8-bit mono, 4:2:0, 4:1:1,
 * 4:2:2, 4:4:4 with or without alpha. Frames are the luma plane as it is stored, GREY8;
 * interlacing, aspect and range are not interpreted.
 * @param read must work until the clip is destroyed; called by mexpr_clip_frame() too
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_RANGE, MEXPR_E_ABI, MEXPR_E_FORMAT,
 *         MEXPR_E_TRUNCATED, MEXPR_E_UNSUPPORTED (more than 8 bits, colour asked for),
 *         MEXPR_E_LIMIT (max_pixels), MEXPR_E_IO (the callback failed), MEXPR_E_NOMEM
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_clip_open_y4m(mexpr_context *context, mexpr_read_fn read,
    void *user, const mexpr_clip_options *options, mexpr_clip **out);

/**
 * A clip over a stream of frames without headers and without gaps between rows. `colour`
 * does not apply.
 * @return as mexpr_clip_open_y4m()
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_clip_open_raw(mexpr_context *context, mexpr_format format,
    int32_t width, int32_t height, mexpr_read_fn read, void *user,
    const mexpr_clip_options *options, mexpr_clip **out);

/**
 * An empty clip for mexpr_clip_push(). `colour` does not apply.
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_RANGE, MEXPR_E_ABI, MEXPR_E_NOMEM
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_clip_create(
    mexpr_context *context, const mexpr_clip_options *options, mexpr_clip **out);

/**
 * Appends a picture to a clip of mexpr_clip_create(). The clip becomes its owner and
 * *image NULL; on failure it stays the caller's. To keep pixels, push a picture wrapped
 * over them.
 * @return MEXPR_OK, MEXPR_E_ARG, MEXPR_E_SHAPE, MEXPR_E_STATE (a clip of another kind),
 *         MEXPR_E_LIMIT (max_frames), MEXPR_E_NOMEM
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_clip_push(mexpr_clip *clip, mexpr_image **image);

/** Destroys a clip and the frames it holds. @since 0.1.0 */
MEXPR_API void mexpr_clip_destroy(mexpr_clip **clip);
/** The sentence about the last failed call on this clip. @since 0.1.0 */
MEXPR_API const char *mexpr_clip_last_error(const mexpr_clip *clip);

/**
 * Frame `index`, counted from 0. It belongs to the clip and lives until the next call of
 * mexpr_clip_frame() on it. Streams give each frame once, in order: an index ahead skips
 * frames, the present one may be asked for again.
 * @return MEXPR_OK; MEXPR_END when the clip has no such frame (a stream may find out only
 *         now); MEXPR_E_ARG, MEXPR_E_STATE (a stream is past this frame, or failed
 *         before), MEXPR_E_SHAPE (another size than the first), MEXPR_E_TRUNCATED,
 *         MEXPR_E_LIMIT (max_frames) and what mexpr_image_read() returns
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_clip_frame(
    mexpr_clip *clip, int64_t index, const mexpr_image **out);

/** Number of frames; -1 while a stream has not met its end; 0 for NULL. @since 0.1.0 */
MEXPR_API int64_t mexpr_clip_n_frames(const mexpr_clip *clip);
/** 1 when frames can only be taken from front to back, else 0. @since 0.1.0 */
MEXPR_API int32_t mexpr_clip_is_stream(const mexpr_clip *clip);
/** Width in pixels; 0 for NULL and before the first push. @since 0.1.0 */
MEXPR_API int32_t mexpr_clip_width(const mexpr_clip *clip);
/** Height in pixels; 0 for NULL and before the first push. @since 0.1.0 */
MEXPR_API int32_t mexpr_clip_height(const mexpr_clip *clip);

/**
 * Frames per second as a fraction: the option if it was set, else what the source says,
 * else 0 / 1. Pointers may be NULL.
 * @return MEXPR_OK, MEXPR_E_ARG
 * @since 0.1.0
 */
MEXPR_API mexpr_status mexpr_clip_fps(
    const mexpr_clip *clip, int32_t *numerator, int32_t *denominator);

/** File name of a frame without its folder; NULL where there is none. @since 0.1.0 */
MEXPR_API const char *mexpr_clip_name(const mexpr_clip *clip, int64_t index);
/** The last number in a frame's file name before the extension; -1 where there is none.
 *  @since 0.1.0 */
MEXPR_API int64_t mexpr_clip_number(const mexpr_clip *clip, int64_t index);
/**
 * How many numbers are missing between the files' first and last, where neighbours differ
 * in nothing but the number.
 * @param first receives the first one missing, -1 if none; or NULL
 * @since 0.1.0
 */
MEXPR_API uint64_t mexpr_clip_missing(const mexpr_clip *clip, int64_t *first);

MEXPR_END_DECLS

#endif
