/* SPDX-License-Identifier: MIT */
/* JPEG and PNG, whole and damaged. PNG files are put together by hand (png_maker.h); JPEG
 * files by TurboJPEG. In a build without a decoder its refusal is tested instead. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "config.h"
#include "image/picture.h"
#include "image/png_file.h"
#include "png_maker.h"
#include "support.h"

#if MX_HAVE_JPEG
#include <turbojpeg.h>
#endif

/* Decodes an exact-size copy, so that a sanitizer sees one byte too far. */
static mexpr_status decode_copy(mexpr_context *context, const uint8_t *bytes, size_t size,
    mexpr_colour colour, mexpr_image **out)
{
    uint8_t *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    const mexpr_status status = mexpr_image_decode(context, copy, size, colour, out);
    free(copy);
    assert_true((status == MEXPR_OK) == (*out != NULL));
    return status;
}

static void neither_jpeg_nor_png(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mexpr_image *image = (mexpr_image *)1;
    assert_failure(context,
        mexpr_image_decode(context, "GIF89a..", 8, MEXPR_COLOUR_KEEP, &image),
        MEXPR_E_FORMAT, "neither JPEG nor PNG");
    assert_null(image);
    assert_failure(context, mexpr_image_decode(context, "", 0, MEXPR_COLOUR_KEEP, &image),
        MEXPR_E_TRUNCATED, "empty");
    assert_failure(context,
        mexpr_image_decode(context, "\x89PNG", 4, MEXPR_COLOUR_KEEP, &image),
        MEXPR_E_TRUNCATED, "after 4 bytes");
    assert_failure(context,
        mexpr_image_decode(context, "\xff\xd8", 2, MEXPR_COLOUR_KEEP, &image),
        MEXPR_E_TRUNCATED, "after 2 bytes");
    assert_failure(context,
        mexpr_image_decode(context, NULL, 4, MEXPR_COLOUR_KEEP, &image), MEXPR_E_ARG,
        "bytes is NULL");
    assert_failure(context,
        mexpr_image_decode(context, "GIF", 3, (mexpr_colour)3, &image), MEXPR_E_ARG,
        "not a mexpr_colour");
    assert_int_equal(
        mexpr_image_decode(NULL, "GIF", 3, MEXPR_COLOUR_KEEP, &image), MEXPR_E_ARG);
    assert_int_equal(
        mexpr_image_decode(context, "GIF", 3, MEXPR_COLOUR_KEEP, NULL), MEXPR_E_ARG);
    mexpr_context_destroy(&context);
}

static void files_that_cannot_be_read(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mexpr_image *image = (mexpr_image *)1;
    assert_failure(context,
        mexpr_image_read(context, test_path("none.png"), MEXPR_COLOUR_KEEP, &image),
        MEXPR_E_NOT_FOUND, "none.png");
    assert_null(image);
    assert_failure(context,
        mexpr_image_read(context, test_folder(), MEXPR_COLOUR_KEEP, &image), MEXPR_E_IO,
        "not a regular file");
    test_write_file(test_path("text.png"), "hello, world", 12);
    assert_failure(context,
        mexpr_image_read(context, test_path("text.png"), MEXPR_COLOUR_KEEP, &image),
        MEXPR_E_FORMAT, "text.png: the bytes are neither");
    assert_failure(context, mexpr_image_read(context, NULL, MEXPR_COLOUR_KEEP, &image),
        MEXPR_E_ARG, "path is NULL");
    assert_failure(context, mexpr_image_read(context, "x", (mexpr_colour)-1, &image),
        MEXPR_E_ARG, "not a mexpr_colour");
    assert_int_equal(mexpr_image_read(NULL, "x", MEXPR_COLOUR_KEEP, &image), MEXPR_E_ARG);
    assert_int_equal(
        mexpr_image_read(context, "x", MEXPR_COLOUR_KEEP, NULL), MEXPR_E_ARG);
    mexpr_context_destroy(&context);
}

static void arguments_of_writing(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mexpr_image *image;
    void *bytes = (void *)1;
    size_t size = 1;
    assert_ok(context, mexpr_image_create(context, MEXPR_FORMAT_GREY8, 2, 2, &image));
    assert_failure(context, mexpr_image_encode_png(context, NULL, &bytes, &size),
        MEXPR_E_ARG, "image is NULL");
    assert_null(bytes);
    assert_int_equal(size, 0);
    assert_int_equal(mexpr_image_encode_png(NULL, image, &bytes, &size), MEXPR_E_ARG);
    assert_int_equal(mexpr_image_encode_png(context, image, NULL, &size), MEXPR_E_ARG);
    assert_int_equal(mexpr_image_encode_png(context, image, &bytes, NULL), MEXPR_E_ARG);
    assert_failure(
        context, mexpr_image_write_png(context, NULL, "x"), MEXPR_E_ARG, "image is NULL");
    assert_failure(context, mexpr_image_write_png(context, image, NULL), MEXPR_E_ARG,
        "path is NULL");
    assert_int_equal(mexpr_image_write_png(NULL, image, "x"), MEXPR_E_ARG);
    mexpr_bytes_free(NULL, NULL);
    mexpr_bytes_free(context, NULL);
    bytes = NULL;
    mexpr_bytes_free(context, &bytes);
    mexpr_image_destroy(&image);
    mexpr_context_destroy(&context);
}

/* --- PNG --------------------------------------------------------------------------- */

#if MX_HAVE_PNG

enum { WIDTH = 13, HEIGHT = 9 };
static png_maker maker;
static int sample_depth;
static uint8_t palette[256][3];
static uint8_t palette_alpha[256];

static unsigned mixed_sample(int x, int y, int c)
{
    const uint32_t v = (uint32_t)(x * 7919 + y * 104729 + c * 1299709 + 17) * 2654435761u;
    return v >> (32 - sample_depth);
}

static void fill_palette(bool grey)
{
    for (int i = 0; i < 256; i++) {
        palette[i][0] = (uint8_t)(grey ? 255 - i : i * 3 + 1);
        palette[i][1] = (uint8_t)(grey ? 255 - i : i * 5 + 2);
        palette[i][2] = (uint8_t)(grey ? 255 - i : i * 7 + 3);
        palette_alpha[i] = (uint8_t)(i * 11);
    }
}

/* A kind of PNG: colour type 0 grey, 2 colour, 3 palette, 4 grey + alpha, 6 colour +
 * alpha. */
typedef struct kind {
    int depth;
    int type;
    bool interlaced;
    bool transparent; /* with a tRNS chunk */
} kind;

static int channels_of(int type)
{
    return type == 2 ? 3 : type == 4 ? 2 : type == 6 ? 4 : 1;
}

static void put_transparency(kind k)
{
    uint8_t key[6];
    if (k.type == 3) {
        maker_chunk(&maker, "tRNS", palette_alpha, (size_t)1 << k.depth);
        return;
    }
    for (int c = 0; c < channels_of(k.type); c++) {
        const unsigned v = mixed_sample(3, 2, c); /* that pixel becomes see-through */
        key[2 * c] = (uint8_t)(v >> 8);
        key[2 * c + 1] = (uint8_t)v;
    }
    maker_chunk(&maker, "tRNS", key, 2 * (size_t)channels_of(k.type));
}

static void make_png(kind k)
{
    sample_depth = k.depth;
    maker_begin(&maker, WIDTH, HEIGHT, k.depth, k.type, k.interlaced);
    static const uint8_t gamma[] = {0, 0, 0xb1, 0x8f};
    maker_chunk(&maker, "gAMA", gamma, sizeof gamma); /* must change nothing */
    if (k.type == 3)
        maker_chunk(&maker, "PLTE", palette, 3 * ((size_t)1 << k.depth));
    if (k.transparent)
        put_transparency(k);
    maker_pixels(
        &maker, WIDTH, HEIGHT, k.depth, channels_of(k.type), k.interlaced, mixed_sample);
}

static int to_8_bit(unsigned v, int depth)
{
    if (depth == 16)
        return (int)(v + 128) / 257;
    return (int)(v * 255 / ((1u << depth) - 1));
}

/* What the pixel is in 8-bit RGBA. */
static void expect_rgba(kind k, int x, int y, int rgba[4])
{
    const int n = channels_of(k.type);
    bool is_key = k.transparent;
    rgba[3] = 255;
    if (k.type == 3) {
        const unsigned index = mixed_sample(x, y, 0);
        for (int c = 0; c < 3; c++)
            rgba[c] = palette[index][c];
        if (k.transparent)
            rgba[3] = palette_alpha[index];
        return;
    }
    for (int c = 0; c < n; c++)
        is_key = is_key && mixed_sample(x, y, c) == mixed_sample(3, 2, c);
    for (int c = 0; c < 3; c++)
        rgba[c] = to_8_bit(mixed_sample(x, y, n >= 3 ? c : 0), k.depth);
    if (n == 2 || n == 4)
        rgba[3] = to_8_bit(mixed_sample(x, y, n - 1), k.depth);
    else if (is_key)
        rgba[3] = 0;
}

static mexpr_format expect_format(kind k, mexpr_colour colour)
{
    if (colour != MEXPR_COLOUR_KEEP)
        return colour == MEXPR_COLOUR_GREY ? MEXPR_FORMAT_GREY8 : MEXPR_FORMAT_RGB8;
    if (k.type >= 4 || k.transparent)
        return MEXPR_FORMAT_RGBA8;
    if (k.type >= 2)
        return MEXPR_FORMAT_RGB8;
    return k.depth == 16 ? MEXPR_FORMAT_GREY16 : MEXPR_FORMAT_GREY8;
}

static void check_png_pixel(kind k, const mexpr_image *image, int x, int y)
{
    const uint8_t *p =
        mx_image_row(image, y) + (size_t)x * mexpr_format_bytes(image->format);
    int rgba[4];
    expect_rgba(k, x, y, rgba);
    if (image->format == MEXPR_FORMAT_GREY16) {
        assert_int_equal(*(const uint16_t *)(const void *)p, mixed_sample(x, y, 0));
    } else if (image->format == MEXPR_FORMAT_GREY8) {
        assert_int_equal(
            p[0], (rgba[0] * 299 + rgba[1] * 587 + rgba[2] * 114 + 500) / 1000);
    } else {
        for (int c = 0; c < (image->format == MEXPR_FORMAT_RGBA8 ? 4 : 3); c++)
            assert_int_equal(p[c], rgba[c]);
    }
}

static void check_kind(mexpr_context *context, kind k)
{
    make_png(k);
    for (int colour = MEXPR_COLOUR_KEEP; colour <= MEXPR_COLOUR_RGB; colour++) {
        mexpr_image *image;
        assert_ok(context,
            decode_copy(context, maker.bytes, maker.size, (mexpr_colour)colour, &image));
        assert_int_equal(image->width, WIDTH);
        assert_int_equal(image->height, HEIGHT);
        assert_int_equal(image->format, expect_format(k, (mexpr_colour)colour));
        for (int y = 0; y < HEIGHT; y++) {
            for (int x = 0; x < WIDTH; x++)
                check_png_pixel(k, image, x, y);
        }
        mexpr_image_destroy(&image);
    }
}

static void png_of_every_kind(void **state)
{
    (void)state;
    static const int kinds[][2] = {{1, 0}, {2, 0}, {4, 0}, {8, 0}, {16, 0}, {8, 2},
        {16, 2}, {1, 3}, {2, 3}, {4, 3}, {8, 3}, {8, 4}, {16, 4}, {8, 6}, {16, 6}};
    mexpr_context *context = test_context(NULL, 1);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        for (int variant = 0; variant < 4; variant++) {
            const kind k = {kinds[i][0], kinds[i][1], variant & 1, variant & 2};
            if (k.transparent && k.type >= 4)
                continue;
            for (int grey = 0; grey < (k.type == 3 ? 2 : 1); grey++) {
                fill_palette(grey);
                check_kind(context, k);
            }
        }
    }
    mexpr_context_destroy(&context);
}

static void png_cut_anywhere(void **state)
{
    (void)state;
    static const kind kinds[] = {
        {8, 0, false, false}, {2, 3, true, true}, {16, 2, true, true}};
    mexpr_context *context = test_context(NULL, 1);
    fill_palette(false);
    for (int i = 0; i < 3; i++) {
        make_png(kinds[i]);
        for (size_t size = 0; size < maker.size; size++) {
            mexpr_image *image;
            assert_failure(context,
                decode_copy(context, maker.bytes, size, MEXPR_COLOUR_KEEP, &image),
                MEXPR_E_TRUNCATED, "");
            assert_true(strlen(mexpr_context_last_error(context)) > 20);
        }
    }
    mexpr_context_destroy(&context);
}

/* Lengths, names, contents and checksums are all covered by some check, so no changed
 * byte goes unnoticed. */
static void png_changed_anywhere(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    fill_palette(false);
    make_png((kind){2, 3, true, true});
    static png_maker changed;
    for (size_t at = 0; at < maker.size; at++) {
        for (int bit = 0; bit < 8; bit++) {
            mexpr_image *image;
            changed = maker;
            changed.bytes[at] ^= (uint8_t)(1 << bit);
            const mexpr_status status = decode_copy(
                context, changed.bytes, changed.size, MEXPR_COLOUR_KEEP, &image);
            assert_true(status == MEXPR_E_FORMAT || status == MEXPR_E_TRUNCATED);
        }
    }
    mexpr_context_destroy(&context);
}

static void png_damaged(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mexpr_image *image;
    static const uint8_t rows[400];
    make_png((kind){8, 0, false, false});
    maker.bytes[maker.size - 12 - 1] ^= 1; /* in the checksum of IDAT */
    assert_failure(context,
        decode_copy(context, maker.bytes, maker.size, MEXPR_COLOUR_KEEP, &image),
        MEXPR_E_FORMAT, "CRC");
    maker_begin(&maker, 0, 4, 8, 0, 0);
    maker_end(&maker, rows, 4);
    assert_failure(context,
        decode_copy(context, maker.bytes, maker.size, MEXPR_COLOUR_KEEP, &image),
        MEXPR_E_FORMAT, "IHDR");
    maker_begin(&maker, 4, 4, 8, 3, 0); /* a palette picture without palette */
    maker_end(&maker, rows, 20);
    assert_failure(context,
        decode_copy(context, maker.bytes, maker.size, MEXPR_COLOUR_KEEP, &image),
        MEXPR_E_FORMAT, "libpng");
    maker_begin(&maker, 4, 4, 8, 0, 0);
    maker_end(&maker, rows, 19); /* one byte of pixels is missing */
    assert_failure(context,
        decode_copy(context, maker.bytes, maker.size, MEXPR_COLOUR_KEEP, &image),
        MEXPR_E_FORMAT, "libpng");
    mexpr_context_destroy(&context);
}

static void png_too_large(void **state)
{
    (void)state;
    test_heap heap;
    test_heap_init(&heap);
    mexpr_context *context = test_context(&heap, 1);
    mexpr_image *image;
    static const uint8_t rows[400];
    static const uint32_t sizes[][2] = {
        {65500, 65500}, {1, (1u << 28) + 1}, {(1u << 28) + 1, 1}};
    for (int i = 0; i < 3; i++) {
        maker_begin(&maker, sizes[i][0], sizes[i][1], 8, 0, 0);
        maker_end(&maker, rows, sizeof rows);
        assert_failure(context,
            decode_copy(context, maker.bytes, maker.size, MEXPR_COLOUR_KEEP, &image),
            MEXPR_E_LIMIT, "max_pixels");
    }
    assert_true(heap.peak_bytes < 200000);
    mexpr_context_destroy(&context);
}

/* --- PNG out ----------------------------------------------------------------------- */

static void check_round_trip(
    mexpr_context *context, const mexpr_image *image, mexpr_format stored)
{
    mexpr_image *back, *expected;
    void *bytes;
    size_t size;
    assert_ok(context, mexpr_image_encode_png(context, image, &bytes, &size));
    assert_ok(context, decode_copy(context, bytes, size, MEXPR_COLOUR_KEEP, &back));
    assert_ok(context, mexpr_image_convert(context, image, stored, &expected));
    assert_int_equal(back->format, stored);
    assert_int_equal(back->stride, expected->stride);
    assert_memory_equal(back->data, expected->data, back->stride * (size_t)back->height);
    mexpr_bytes_free(context, &bytes);
    assert_null(bytes);
    mexpr_image_destroy(&back);

    char path[512];
    strcpy(path, test_path("round.png"));
    assert_ok(context, mexpr_image_write_png(context, image, path));
    assert_ok(context, mexpr_image_read(context, path, MEXPR_COLOUR_KEEP, &back));
    assert_memory_equal(back->data, expected->data, back->stride * (size_t)back->height);
    mexpr_image_destroy(&back);
    mexpr_image_destroy(&expected);
}

static void png_round_trip(void **state)
{
    (void)state;
    static const mexpr_format formats[][2] = {{MEXPR_FORMAT_GREY8, MEXPR_FORMAT_GREY8},
        {MEXPR_FORMAT_RGB8, MEXPR_FORMAT_RGB8}, {MEXPR_FORMAT_BGR8, MEXPR_FORMAT_RGB8},
        {MEXPR_FORMAT_RGBA8, MEXPR_FORMAT_RGBA8},
        {MEXPR_FORMAT_GREY16, MEXPR_FORMAT_GREY16},
        {MEXPR_FORMAT_GREYF32, MEXPR_FORMAT_GREY8}};
    enum { W = 37, H = 21 };
    static uint32_t memory[(W * 4 + 8) * H / 4];
    mexpr_context *context = test_context(NULL, 1);
    for (int f = 0; f < 6; f++) {
        const size_t stride = W * mexpr_format_bytes(formats[f][0]) + 8;
        sample_depth = 8;
        for (size_t i = 0; i < sizeof memory; i++)
            ((uint8_t *)memory)[i] = (uint8_t)mixed_sample((int)i, f, 0);
        if (formats[f][0] == MEXPR_FORMAT_GREYF32) {
            for (size_t i = 0; i < sizeof memory / 4; i++)
                ((float *)memory)[i] = (float)mixed_sample((int)i, f, 0) * 1.2f - 20.3f;
        }
        mexpr_image *image;
        assert_ok(context, mexpr_image_wrap(context, formats[f][0], W, H,
                               stride & ~(size_t)3, memory, NULL, NULL, &image));
        check_round_trip(context, image, formats[f][1]);
        mexpr_image_destroy(&image);
    }
    mexpr_context_destroy(&context);
}

static void png_16_bit_rgb(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mx_scope *scope = mx_context_scope(context);
    uint16_t rgb[5 * 4 * 3], *back;
    uint8_t *bytes;
    size_t size;
    int32_t width, height;
    sample_depth = 16;
    for (int i = 0; i < 60; i++)
        rgb[i] = (uint16_t)mixed_sample(i, 0, 0);
    assert_ok(context, mx_png_write_rgb16(scope, 5, 4, rgb, &bytes, &size));
    assert_ok(context, mx_png_read_rgb16(scope, bytes, size, &width, &height, &back));
    assert_int_equal(width, 5);
    assert_int_equal(height, 4);
    assert_memory_equal(back, rgb, sizeof rgb);
    mx_free(context, back);
    for (size_t cut = 8; cut < size; cut++)
        assert_failure(context,
            mx_png_read_rgb16(scope, bytes, cut, &width, &height, &back),
            MEXPR_E_TRUNCATED, "too early");
    mx_free(context, bytes);
    static const int others[][2] = {{8, 2}, {16, 0}, {16, 6}};
    for (int i = 0; i < 3; i++) {
        make_png((kind){others[i][0], others[i][1], false, false});
        assert_failure(context,
            mx_png_read_rgb16(scope, maker.bytes, maker.size, &width, &height, &back),
            MEXPR_E_FORMAT, "16-bit RGB");
        assert_null(back);
    }
    make_png((kind){16, 2, true, true});
    assert_ok(context,
        mx_png_read_rgb16(scope, maker.bytes, maker.size, &width, &height, &back));
    for (int i = 0; i < WIDTH * HEIGHT * 3; i++)
        assert_int_equal(back[i], mixed_sample(i / 3 % WIDTH, i / 3 / WIDTH, i % 3));
    mx_free(context, back);
    mexpr_context_destroy(&context);
}

/* A file size limit stands in for a full disk. */
static void png_on_a_full_disk(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mexpr_image *image;
    char path[512];
    strcpy(path, test_path("kept.png"));
    test_write_file(path, "old", 3);
    assert_ok(context, mexpr_image_create(context, MEXPR_FORMAT_GREY8, 64, 64, &image));
    uint8_t *pixels = mexpr_image_pixels(image);
    uint32_t seed = 1;
    for (int i = 0; i < 64 * 64; i++) {
        seed = seed * 1664525 + 1013904223;
        pixels[i] = (uint8_t)(seed >> 24);
    }
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit saved, tight;
    getrlimit(RLIMIT_FSIZE, &saved);
    tight = saved;
    tight.rlim_cur = 1000;
    setrlimit(RLIMIT_FSIZE, &tight);
    const mexpr_status status = mexpr_image_write_png(context, image, path);
    setrlimit(RLIMIT_FSIZE, &saved);
    assert_failure(context, status, MEXPR_E_IO, "cannot write");
    size_t size;
    char *bytes = test_read_file(path, &size);
    assert_int_equal(size, 3);
    assert_memory_equal(bytes, "old", 3);
    free(bytes);
    assert_failure(context,
        mexpr_image_write_png(context, image, test_path("no/such/folder.png")),
        MEXPR_E_IO, "no such");
    mexpr_image_destroy(&image);
    mexpr_context_destroy(&context);
}

#else

static void png_is_disabled(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mx_scope *scope = mx_context_scope(context);
    mexpr_image *image, *read;
    void *bytes;
    uint8_t *rgb_bytes;
    size_t size;
    int32_t width, height;
    uint16_t rgb[3] = {0}, *back;
    assert_ok(context, mexpr_image_create(context, MEXPR_FORMAT_GREYF32, 2, 2, &image));
    assert_failure(context,
        mexpr_image_decode(
            context, "\x89PNG\r\n\x1a\n????", 12, MEXPR_COLOUR_KEEP, &read),
        MEXPR_E_DISABLED, "-Dpng=enabled");
    assert_null(read);
    assert_failure(context, mexpr_image_encode_png(context, image, &bytes, &size),
        MEXPR_E_DISABLED, "-Dpng=enabled");
    assert_null(bytes);
    assert_failure(context, mexpr_image_write_png(context, image, test_path("x.png")),
        MEXPR_E_DISABLED, "-Dpng=enabled");
    assert_failure(context, mx_png_write_rgb16(scope, 1, 1, rgb, &rgb_bytes, &size),
        MEXPR_E_DISABLED, "-Dpng=enabled");
    assert_failure(context,
        mx_png_read_rgb16(scope, (const uint8_t *)"", 0, &width, &height, &back),
        MEXPR_E_DISABLED, "-Dpng=enabled");
    assert_null(back);
    mexpr_image_destroy(&image);
    mexpr_context_destroy(&context);
}

#endif

/* --- JPEG -------------------------------------------------------------------------- */

#if MX_HAVE_JPEG

enum { JPEG_WIDTH = 43, JPEG_HEIGHT = 29, JPEG_ROOM = 1 << 16 };

typedef struct jpeg {
    uint8_t bytes[JPEG_ROOM];
    size_t size;
} jpeg;

static jpeg jpeg_file;

/* A smooth picture in up to 4 channels, so that little is lost. */
static void make_jpeg(int pixel_format, int subsampling, int flags)
{
    static uint8_t pixels[JPEG_WIDTH * JPEG_HEIGHT * 4];
    const int n = tjPixelSize[pixel_format];
    for (int i = 0; i < JPEG_WIDTH * JPEG_HEIGHT * n; i++) {
        const int x = i / n % JPEG_WIDTH, y = i / n / JPEG_WIDTH, c = i % n;
        pixels[i] = (uint8_t)(c == 1 ? 40 + 4 * y : c == 0 ? 5 * x : 200 - 2 * x - y);
    }
    tjhandle handle = tjInitCompress();
    unsigned char *out = jpeg_file.bytes;
    unsigned long size = JPEG_ROOM;
    assert_int_equal(tjCompress2(handle, pixels, JPEG_WIDTH, 0, JPEG_HEIGHT, pixel_format,
                         &out, &size, subsampling, 95, flags | TJFLAG_NOREALLOC),
        0);
    jpeg_file.size = size;
    tjDestroy(handle);
}

static uint8_t *find_marker(int marker)
{
    for (size_t i = 2; i + 1 < jpeg_file.size; i++) {
        if (jpeg_file.bytes[i] == 0xff && jpeg_file.bytes[i + 1] == marker)
            return jpeg_file.bytes + i;
    }
    fail_msg("marker %x is missing", (unsigned)marker);
    return NULL;
}

static mexpr_status decode_jpeg(
    mexpr_context *context, mexpr_colour colour, mexpr_image **out)
{
    return decode_copy(context, jpeg_file.bytes, jpeg_file.size, colour, out);
}

/* The planes that TurboJPEG finds in the file, before any colour conversion. */
static void check_luma(mexpr_context *context)
{
    static uint8_t planes[4 * 64 * 64];
    tjhandle handle = tjInitDecompress();
    assert_int_equal(
        tjDecompressToYUV2(handle, jpeg_file.bytes, (unsigned long)jpeg_file.size, planes,
            JPEG_WIDTH, 1, JPEG_HEIGHT, TJFLAG_ACCURATEDCT),
        0);
    tjDestroy(handle);
    mexpr_image *image;
    assert_ok(context, decode_jpeg(context, MEXPR_COLOUR_GREY, &image));
    assert_int_equal(image->format, MEXPR_FORMAT_GREY8);
    const size_t stride = tjPlaneWidth(0, JPEG_WIDTH, TJSAMP_444);
    for (int y = 0; y < JPEG_HEIGHT; y++)
        assert_memory_equal(
            mx_image_row(image, y), planes + (size_t)y * stride, JPEG_WIDTH);
    mexpr_image_destroy(&image);
}

static void check_colour(mexpr_context *context, mexpr_colour colour, bool grey)
{
    mexpr_image *image;
    assert_ok(context, decode_jpeg(context, colour, &image));
    assert_int_equal(image->format, MEXPR_FORMAT_RGB8);
    assert_int_equal(image->width, JPEG_WIDTH);
    assert_int_equal(image->height, JPEG_HEIGHT);
    for (int y = 0; y < JPEG_HEIGHT; y++) {
        for (int x = 0; x < JPEG_WIDTH; x++) {
            const uint8_t *p = mx_image_row(image, y) + 3 * x;
            const int rgb[3] = {
                5 * x, grey ? 5 * x : 40 + 4 * y, grey ? 5 * x : 200 - 2 * x - y};
            for (int c = 0; c < 3 && !grey; c++)
                assert_in_range(p[c] + 16 - rgb[c], 0, 32);
            assert_true(!grey || (p[0] == p[1] && p[1] == p[2]));
        }
    }
    mexpr_image_destroy(&image);
}

static void jpeg_whole(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    for (int flags = 0; flags <= TJFLAG_PROGRESSIVE; flags += TJFLAG_PROGRESSIVE) {
        make_jpeg(TJPF_RGB, TJSAMP_444, flags);
        check_luma(context);
        check_colour(context, MEXPR_COLOUR_KEEP, false);
        check_colour(context, MEXPR_COLOUR_RGB, false);
        make_jpeg(TJPF_RGB, TJSAMP_420, flags);
        check_colour(context, MEXPR_COLOUR_KEEP, false);
        make_jpeg(TJPF_GRAY, TJSAMP_GRAY, flags);
        check_luma(context);
        check_colour(context, MEXPR_COLOUR_RGB, true);
        mexpr_image *image;
        assert_ok(context, decode_jpeg(context, MEXPR_COLOUR_KEEP, &image));
        assert_int_equal(image->format, MEXPR_FORMAT_GREY8);
        mexpr_image_destroy(&image);
    }
    mexpr_context_destroy(&context);
}

/* 24×8 pixels of middle grey, Y sampled 3×1: valid, but TurboJPEG has no name for it. */
static void jpeg_of_unusual_sampling(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    static uint8_t grey[24 * 8 * 3];
    memset(grey, 128, sizeof grey);
    tjhandle handle = tjInitCompress();
    unsigned char *out = jpeg_file.bytes;
    unsigned long size = JPEG_ROOM;
    assert_int_equal(tjCompress2(handle, grey, 24, 0, 8, TJPF_RGB, &out, &size,
                         TJSAMP_444, 95, TJFLAG_NOREALLOC),
        0);
    tjDestroy(handle);
    jpeg_file.size = size;
    find_marker(0xc0)[11] = 0x31;
    uint8_t *scan = find_marker(0xda) + 2 + 12;
    /* (00 1010) three times for Y, (00 00) for Cb and Cr, ones to fill; end of image */
    static const uint8_t data[] = {0x28, 0xa2, 0x80, 0x3f, 0xff, 0xd9};
    memcpy(scan, data, sizeof data);
    jpeg_file.size = (size_t)(scan - jpeg_file.bytes) + sizeof data;
    for (int colour = MEXPR_COLOUR_KEEP; colour <= MEXPR_COLOUR_RGB; colour++) {
        mexpr_image *image;
        assert_ok(context, decode_jpeg(context, (mexpr_colour)colour, &image));
        assert_int_equal(image->width, 24);
        for (size_t i = 0; i < image->stride * 8; i++)
            assert_int_equal(image->data[i], 128);
        mexpr_image_destroy(&image);
    }
    mexpr_context_destroy(&context);
}

static void jpeg_refused(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mexpr_image *image;
    make_jpeg(TJPF_CMYK, TJSAMP_444, 0);
    assert_failure(context, decode_jpeg(context, MEXPR_COLOUR_RGB, &image),
        MEXPR_E_UNSUPPORTED, "CMYK");
    find_marker(0xee)[15] = 0; /* Adobe's transform: none, so plain CMYK and not YCCK */
    assert_failure(context, decode_jpeg(context, MEXPR_COLOUR_GREY, &image),
        MEXPR_E_UNSUPPORTED, "CMYK");
    make_jpeg(TJPF_RGB, TJSAMP_444, 0);
    find_marker(0xc0)[4] = 12;
    assert_failure(context, decode_jpeg(context, MEXPR_COLOUR_KEEP, &image),
        MEXPR_E_UNSUPPORTED, "12 bits");
    make_jpeg(TJPF_GRAY, TJSAMP_GRAY, 0);
    find_marker(0xc0)[1] = 0xc3;
    assert_failure(context, decode_jpeg(context, MEXPR_COLOUR_KEEP, &image),
        MEXPR_E_UNSUPPORTED, "lossless");
    mexpr_context_destroy(&context);
}

static void jpeg_too_large(void **state)
{
    (void)state;
    test_heap heap;
    test_heap_init(&heap);
    mexpr_context *context = test_context(&heap, 1);
    mexpr_image *image;
    make_jpeg(TJPF_RGB, TJSAMP_444, 0);
    uint8_t *size = find_marker(0xc0) + 5;
    size[0] = size[2] = 65500 >> 8;
    size[1] = size[3] = 65500 & 255;
    assert_failure(context, decode_jpeg(context, MEXPR_COLOUR_KEEP, &image),
        MEXPR_E_LIMIT, "max_pixels");
    size[3] = 0xff;
    assert_failure(context, decode_jpeg(context, MEXPR_COLOUR_KEEP, &image),
        MEXPR_E_UNSUPPORTED, "65535");
    memset(size, 0, 4);
    assert_failure(context, decode_jpeg(context, MEXPR_COLOUR_KEEP, &image),
        MEXPR_E_FORMAT, "damaged");
    assert_true(heap.peak_bytes < 10000);
    mexpr_context_destroy(&context);
}

static void jpeg_cut_anywhere(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    for (int flags = 0; flags <= TJFLAG_PROGRESSIVE; flags += TJFLAG_PROGRESSIVE) {
        make_jpeg(TJPF_RGB, TJSAMP_420, flags);
        for (size_t size = 0; size < jpeg_file.size; size++) {
            mexpr_image *image;
            assert_failure(context,
                decode_copy(context, jpeg_file.bytes, size, MEXPR_COLOUR_KEEP, &image),
                MEXPR_E_TRUNCATED, "");
        }
    }
    mexpr_context_destroy(&context);
}

static void jpeg_changed_anywhere(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mexpr_image *image;
    make_jpeg(TJPF_RGB, TJSAMP_420, TJFLAG_PROGRESSIVE);
    int n_refused = 0;
    for (size_t at = 2; at < jpeg_file.size; at++) {
        jpeg_file.bytes[at] ^= 0xff;
        const mexpr_status status = decode_jpeg(context, MEXPR_COLOUR_RGB, &image);
        jpeg_file.bytes[at] ^= 0xff;
        n_refused += status != MEXPR_OK;
        assert_true(status <= MEXPR_OK && status != MEXPR_E_INTERNAL);
        mexpr_image_destroy(&image);
    }
    assert_true(n_refused > 0);
    static const uint8_t garbage[] = {0xff, 0xd8, 0xff, 0xfe, 0, 4, 1, 2, 0xff, 0xd9};
    assert_failure(context,
        decode_copy(context, garbage, sizeof garbage, MEXPR_COLOUR_KEEP, &image),
        MEXPR_E_FORMAT, "no picture");
    mexpr_context_destroy(&context);
}

#else

static void jpeg_is_disabled(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mexpr_image *image;
    static const uint8_t jpeg_start[] = {0xff, 0xd8, 0xff, 0xe0, 0, 0};
    assert_failure(context,
        decode_copy(context, jpeg_start, sizeof jpeg_start, MEXPR_COLOUR_KEEP, &image),
        MEXPR_E_DISABLED, "-Djpeg=enabled");
    mexpr_context_destroy(&context);
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neither_jpeg_nor_png),
        cmocka_unit_test(files_that_cannot_be_read),
        cmocka_unit_test(arguments_of_writing),
#if MX_HAVE_PNG
        cmocka_unit_test(png_of_every_kind),
        cmocka_unit_test(png_cut_anywhere),
        cmocka_unit_test(png_changed_anywhere),
        cmocka_unit_test(png_damaged),
        cmocka_unit_test(png_too_large),
        cmocka_unit_test(png_round_trip),
        cmocka_unit_test(png_16_bit_rgb),
        cmocka_unit_test(png_on_a_full_disk),
#else
        cmocka_unit_test(png_is_disabled),
#endif
#if MX_HAVE_JPEG
        cmocka_unit_test(jpeg_whole),
        cmocka_unit_test(jpeg_of_unusual_sampling),
        cmocka_unit_test(jpeg_refused),
        cmocka_unit_test(jpeg_too_large),
        cmocka_unit_test(jpeg_cut_anywhere),
        cmocka_unit_test(jpeg_changed_anywhere),
#else
        cmocka_unit_test(jpeg_is_disabled),
#endif
    };
    return cmocka_run_group_tests_name("image_files", tests, NULL, NULL);
}
