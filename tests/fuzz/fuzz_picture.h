/* SPDX-License-Identifier: MIT */
/* What the targets for picture files share. */
#ifndef TESTS_FUZZ_PICTURE_H
#define TESTS_FUZZ_PICTURE_H

#include <stdint.h>
#include <stdlib.h>

#include "microexpr/image.h"

static inline void fuzz_expect(int condition)
{
    if (!condition)
        abort();
}

static inline mexpr_context *fuzz_context(void)
{
    mexpr_context_options options = MEXPR_CONTEXT_OPTIONS_INIT;
    options.max_pixels = 1 << 16; /* larger pictures only make the search slower */
    mexpr_context *context = NULL;
    fuzz_expect(mexpr_context_create(&options, &context) == MEXPR_OK || !context);
    return context;
}

/* Every byte of a decoded picture must be there. */
static inline void fuzz_consume(const mexpr_image *image)
{
    const size_t stride = mexpr_image_stride(image);
    const size_t n = stride * (size_t)mexpr_image_height(image);
    const uint8_t *data = mexpr_image_data(image);
    volatile uint8_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum = (uint8_t)(sum + data[i]);
}

/* Decodes in every colour; what was read must have a place in a PNG. */
static inline void fuzz_decode(const uint8_t *data, size_t size)
{
    mexpr_context *context = fuzz_context();
    for (int colour = MEXPR_COLOUR_KEEP; context && colour <= MEXPR_COLOUR_RGB;
         colour++) {
        mexpr_image *image;
        const mexpr_status status =
            mexpr_image_decode(context, data, size, (mexpr_colour)colour, &image);
        fuzz_expect((status == MEXPR_OK) == (image != NULL));
        fuzz_expect(status == MEXPR_OK || mexpr_context_last_error(context)[0] != '\0');
        fuzz_expect(status != MEXPR_E_INTERNAL && status <= MEXPR_OK);
        if (image) {
            fuzz_consume(image);
            void *bytes;
            size_t n_bytes;
            const mexpr_status written =
                mexpr_image_encode_png(context, image, &bytes, &n_bytes);
            fuzz_expect(written == MEXPR_OK || written == MEXPR_E_DISABLED);
            mexpr_bytes_free(context, &bytes);
        }
        mexpr_image_destroy(&image);
    }
    mexpr_context_destroy(&context);
}

#endif
