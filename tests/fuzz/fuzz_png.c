/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "fuzz_picture.h"
#include "image/png_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The 16-bit RGB door, which flow files go through, there and back. */
static void rgb16(const uint8_t *data, size_t size)
{
    mexpr_context *context = fuzz_context();
    if (!context)
        return;
    mx_scope *scope = mx_context_scope(context);
    int32_t width, height;
    uint16_t *rgb = NULL, *again = NULL;
    uint8_t *bytes = NULL;
    size_t n_bytes;
    if (mx_png_read_rgb16(scope, data, size, &width, &height, &rgb) == MEXPR_OK) {
        const size_t n = (size_t)width * (size_t)height * 6;
        fuzz_expect(
            mx_png_write_rgb16(scope, width, height, rgb, &bytes, &n_bytes) == MEXPR_OK);
        fuzz_expect(mx_png_read_rgb16(scope, bytes, n_bytes, &width, &height, &again) ==
                    MEXPR_OK);
        fuzz_expect(memcmp(rgb, again, n) == 0);
    }
    mx_free(context, again);
    mx_free(context, bytes);
    mx_free(context, rgb);
    mexpr_context_destroy(&context);
}

static uint32_t crc32_of(const uint8_t *bytes, size_t n)
{
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < n; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
    }
    return ~crc;
}

/* Makes every chunk's checksum right, or a search would never come past them. */
static void mend(uint8_t *png, size_t size)
{
    for (size_t at = 8; size - at >= 12;) {
        const uint32_t length = (uint32_t)png[at] << 24 | (uint32_t)png[at + 1] << 16 |
                                (uint32_t)png[at + 2] << 8 | png[at + 3];
        if (length > size - at - 12)
            return;
        const uint32_t crc = crc32_of(png + at + 4, (size_t)length + 4);
        for (int i = 0; i < 4; i++)
            png[at + 8 + length + (size_t)i] = (uint8_t)(crc >> (24 - 8 * i));
        at += (size_t)length + 12;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 8 || memcmp(data, "\x89P", 2) != 0)
        return 0;
    fuzz_decode(data, size);
    uint8_t *mended = malloc(size);
    if (!mended)
        return 0;
    memcpy(mended, data, size);
    mend(mended, size);
    fuzz_decode(mended, size);
    rgb16(mended, size);
    free(mended);
    return 0;
}
