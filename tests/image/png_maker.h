/* SPDX-License-Identifier: MIT */
/* PNG files of any kind, damaged ones too, without the help of a PNG library: stored
 * (uncompressed) zlib data in chunks with checksums. */
#ifndef TESTS_PNG_MAKER_H
#define TESTS_PNG_MAKER_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { PNG_MAKER_ROOM = 1 << 16 };

typedef struct png_maker {
    uint8_t bytes[PNG_MAKER_ROOM];
    size_t size;
} png_maker;

static inline void maker_put(png_maker *m, const void *bytes, size_t n)
{
    memcpy(m->bytes + m->size, bytes, n);
    m->size += n;
}

static inline void maker_put_be32(png_maker *m, uint32_t v)
{
    const uint8_t b[4] = {
        (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};
    maker_put(m, b, 4);
}

static inline uint32_t maker_crc(const uint8_t *bytes, size_t n)
{
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < n; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
    }
    return ~crc;
}

static inline void maker_chunk(png_maker *m, const char *type, const void *data, size_t n)
{
    maker_put_be32(m, (uint32_t)n);
    const size_t begin = m->size;
    maker_put(m, type, 4);
    if (n)
        maker_put(m, data, n);
    maker_put_be32(m, maker_crc(m->bytes + begin, n + 4));
}

static inline void maker_begin(png_maker *m, uint32_t width, uint32_t height, int depth,
    int colour_type, int interlaced)
{
    static const uint8_t signature[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    png_maker header = {.size = 0};
    m->size = 0;
    maker_put(m, signature, sizeof signature);
    maker_put_be32(&header, width);
    maker_put_be32(&header, height);
    const uint8_t rest[5] = {
        (uint8_t)depth, (uint8_t)colour_type, 0, 0, (uint8_t)interlaced};
    maker_put(&header, rest, sizeof rest);
    maker_chunk(m, "IHDR", header.bytes, header.size);
}

/* IDAT from filtered rows (at most 65535 bytes), and IEND. */
static inline void maker_end(png_maker *m, const uint8_t *rows, size_t n)
{
    static png_maker idat;
    uint32_t a = 1, b = 0;
    for (size_t i = 0; i < n; i++) {
        a = (a + rows[i]) % 65521;
        b = (b + a) % 65521;
    }
    const uint8_t head[] = {
        0x78, 0x01, 1, (uint8_t)n, (uint8_t)(n >> 8), (uint8_t)~n, (uint8_t)(~n >> 8)};
    idat.size = 0;
    maker_put(&idat, head, sizeof head);
    maker_put(&idat, rows, n);
    maker_put_be32(&idat, b << 16 | a);
    maker_chunk(m, "IDAT", idat.bytes, idat.size);
    maker_chunk(m, "IEND", NULL, 0);
}

/* Sample c of the pixel at (x, y), below 2^depth. */
typedef unsigned (*maker_sample)(int x, int y, int c);

/* One filter-less row of every dx-th pixel from x0 on; returns its bytes. */
static inline size_t maker_row(uint8_t *out, int width, int y, int x0, int dx, int depth,
    int channels, maker_sample sample)
{
    size_t bits = 8;
    out[0] = 0;
    for (int x = x0; x < width; x += dx) {
        for (int c = 0; c < channels; c++) {
            const unsigned v = sample(x, y, c);
            for (int bit = depth - 1; bit >= 0; bit--, bits++) {
                if (bits % 8 == 0)
                    out[bits / 8] = 0;
                out[bits / 8] =
                    (uint8_t)(out[bits / 8] | (v >> bit & 1) << (7 - bits % 8));
            }
        }
    }
    return (bits + 7) / 8;
}

/* All rows of a picture, in Adam7's seven passes if interlaced, then maker_end(). */
static inline void maker_pixels(png_maker *m, int width, int height, int depth,
    int channels, int interlaced, maker_sample sample)
{
    static const int adam7[7][4] = {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8},
        {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}};
    static const int whole[4] = {0, 0, 1, 1};
    static uint8_t rows[PNG_MAKER_ROOM / 2];
    size_t n = 0;
    for (int pass = 0; pass < (interlaced ? 7 : 1); pass++) {
        const int *p = interlaced ? adam7[pass] : whole;
        for (int y = p[1]; y < height && p[0] < width; y += p[3])
            n += maker_row(rows + n, width, y, p[0], p[2], depth, channels, sample);
    }
    maker_end(m, rows, n);
}

#endif
