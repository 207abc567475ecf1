/* SPDX-License-Identifier: MIT */
/* JPEG by TurboJPEG 2.1. Its messages do not tell a file that ends too early, or one of a
 * kind that it was not built for, from a damaged one, so the markers are walked here
 * first (ITU-T T.81, annex B). */
#include "image/jpeg_read.h"

#include <turbojpeg.h>

#include "image/picture.h"

enum {
    MARKER_SOF0 = 0xc0,
    MARKER_DHT = 0xc4,
    MARKER_JPG = 0xc8,
    MARKER_DAC = 0xcc,
    MARKER_SOF15 = 0xcf,
    MARKER_SOI = 0xd8,
    MARKER_EOI = 0xd9,
    MARKER_SOS = 0xda,
    MAX_SIDE = 65500 /* libjpeg's */
};

/* What the bytes up to the first scan say. */
typedef struct jpeg_frame {
    int marker; /* SOF0..SOF15; 0: none came */
    int precision;
    int height;
    int width;
    size_t scan; /* offset of the SOS marker */
} jpeg_frame;

static int be16(const uint8_t *p)
{
    return p[0] << 8 | p[1];
}

static bool is_frame(int marker)
{
    return marker >= MARKER_SOF0 && marker <= MARKER_SOF15 && marker != MARKER_DHT &&
           marker != MARKER_JPG && marker != MARKER_DAC;
}

/* The next marker at or after *position, which moves behind it; -1 at the end. */
static int next_marker(const uint8_t *bytes, size_t size, size_t *position)
{
    for (size_t i = *position; i + 1 < size; i++) {
        if (bytes[i] == 0xff && bytes[i + 1] != 0 && bytes[i + 1] != 0xff) {
            *position = i + 2;
            return bytes[i + 1];
        }
    }
    return -1;
}

static mexpr_status fail_short(mx_scope *scope, size_t size)
{
    return mx_fail(
        scope, MEXPR_E_TRUNCATED, "the JPEG ends too early, after %zu bytes", size);
}

static mexpr_status read_frame(
    mx_scope *scope, const uint8_t *bytes, size_t size, jpeg_frame *frame)
{
    *frame = (jpeg_frame){0};
    for (size_t position = 2;;) {
        const int marker = next_marker(bytes, size, &position);
        if (marker < 0)
            return fail_short(scope, size);
        if (marker == MARKER_EOI)
            return mx_fail(scope, MEXPR_E_FORMAT, "the JPEG holds no picture");
        if (marker == MARKER_SOS) {
            frame->scan = position;
            return MEXPR_OK;
        }
        if (marker == 0x01 || (marker >= 0xd0 && marker <= MARKER_SOI))
            continue; /* these stand alone */
        if (size - position < 2)
            return fail_short(scope, size);
        const size_t length = (size_t)be16(bytes + position);
        if (size - position < length)
            return fail_short(scope, size);
        if (is_frame(marker) && length >= 8)
            *frame = (jpeg_frame){marker, bytes[position + 2], be16(bytes + position + 3),
                be16(bytes + position + 5), 0};
        position += length;
    }
}

static mexpr_status check_frame(mx_scope *scope, const jpeg_frame *frame)
{
    if (frame->marker != 0 && frame->precision != 8)
        return mx_fail(scope, MEXPR_E_UNSUPPORTED,
            "the JPEG has %d bits per sample; only 8 are read: save it with 8, or as PNG",
            frame->precision);
    if (frame->marker == MARKER_SOF0 + 3)
        return mx_fail(scope, MEXPR_E_UNSUPPORTED,
            "the JPEG is a lossless one, which is not read; save it as PNG");
    if (frame->width > MAX_SIDE || frame->height > MAX_SIDE)
        return mx_fail(scope, MEXPR_E_UNSUPPORTED,
            "the JPEG has %d×%d pixels; sides above %d are not read", frame->width,
            frame->height, MAX_SIDE);
    return MEXPR_OK;
}

/* Whether an end-of-image marker follows the first scan. */
static bool has_end(const uint8_t *bytes, size_t size, size_t scan)
{
    for (size_t i = scan; i + 1 < size; i++) {
        if (bytes[i] == 0xff && bytes[i + 1] == MARKER_EOI)
            return true;
    }
    return false;
}

static mexpr_status fail_turbojpeg(mx_scope *scope, tjhandle handle, const uint8_t *bytes,
    size_t size, const jpeg_frame *frame)
{
    if (!has_end(bytes, size, frame->scan))
        return fail_short(scope, size);
    return mx_fail(scope, MEXPR_E_FORMAT, "the JPEG is damaged: %.200s (TurboJPEG)",
        tjGetErrorStr2(handle));
}

static mexpr_status check_colour_space(mx_scope *scope, int colour_space)
{
    if (colour_space == TJCS_CMYK || colour_space == TJCS_YCCK)
        return mx_fail(scope, MEXPR_E_UNSUPPORTED,
            "the JPEG holds CMYK, which has no fixed meaning on a screen; save it as "
            "RGB");
    return MEXPR_OK;
}

static mexpr_status decode(mx_scope *scope, tjhandle handle, const uint8_t *bytes,
    size_t size, mexpr_colour colour, mexpr_image **out)
{
    jpeg_frame frame;
    mexpr_status status = read_frame(scope, bytes, size, &frame);
    if (status == MEXPR_OK)
        status = check_frame(scope, &frame);
    if (status != MEXPR_OK)
        return status;
    int width = 0, height = 0, subsampling = -1, colour_space = -1;
    /* Sampling factors without a TurboJPEG name are an error to this call, though it has
     * the header by then and decodes them: only without a header is it one to us. */
    if (tjDecompressHeader3(handle, bytes, (unsigned long)size, &width, &height,
            &subsampling, &colour_space) != 0 &&
        (width < 1 || height < 1 || colour_space < 0 || subsampling >= 0))
        return fail_turbojpeg(scope, handle, bytes, size, &frame);
    status = check_colour_space(scope, colour_space);
    if (status == MEXPR_OK)
        status = mx_check_size(scope, width, height);
    if (status != MEXPR_OK)
        return status;
    const bool grey = colour == MEXPR_COLOUR_GREY ||
                      (colour == MEXPR_COLOUR_KEEP && colour_space == TJCS_GRAY);
    status = mx_image_new(
        scope, grey ? MEXPR_FORMAT_GREY8 : MEXPR_FORMAT_RGB8, width, height, out);
    if (status != MEXPR_OK)
        return status;
    if (tjDecompress2(handle, bytes, (unsigned long)size, (*out)->data, width,
            (int)(*out)->stride, height, grey ? TJPF_GRAY : TJPF_RGB,
            TJFLAG_LIMITSCANS | TJFLAG_ACCURATEDCT | TJFLAG_STOPONWARNING) != 0) {
        mexpr_image_destroy(out);
        return fail_turbojpeg(scope, handle, bytes, size, &frame);
    }
    return MEXPR_OK;
}

mexpr_status mx_jpeg_decode(mx_scope *scope, const uint8_t *bytes, size_t size,
    mexpr_colour colour, mexpr_image **out)
{
    *out = NULL;
    tjhandle handle = tjInitDecompress();
    if (!handle)
        return mx_fail(scope, MEXPR_E_NOMEM, "out of memory: TurboJPEG could not start");
    const mexpr_status status = decode(scope, handle, bytes, size, colour, out);
    tjDestroy(handle);
    return status;
}
