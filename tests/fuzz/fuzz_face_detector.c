/* SPDX-License-Identifier: MIT */
/* Byte 0 odd: the rest, from a place on that bytes 1 to 3 give, lies over the detector's
 * weights. Even: bytes 1 to 4 are width, height, smallest and largest box, the rest is
 * the picture, again and again. */
#include <stdlib.h>
#include <string.h>

#include "face/face_detector.h"

enum { HEADER = 5, MOST = 16 };

extern const unsigned char mx_face_detector_weights[];
extern const size_t mx_face_detector_weights_size;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void search(mx_scope *scope, mx_face_detector *detector, const uint8_t *data,
    size_t size, const uint8_t header[HEADER])
{
    mx_face_box boxes[MOST];
    size_t n;
    const uint32_t width = header[1] + 1u, height = header[2] + 1u;
    uint8_t *pixels = malloc((size_t)width * height);
    for (size_t i = 0; pixels && i < (size_t)width * height; i++)
        pixels[i] = size > 0 ? data[i % size] : 0;
    const mx_face_view view = {pixels, width, width, height};
    if (pixels && mx_face_detector_run(scope, detector, &view, header[3],
                      4.0f * header[4], 0, boxes, MOST, &n) == MEXPR_OK)
        for (size_t i = 0; i < n; i++)
            if (!(boxes[i].size >= header[3]) || !(boxes[i].score >= 0))
                abort();
    free(pixels);
}

static mexpr_status create(
    mx_scope *scope, const uint8_t *data, size_t size, mx_face_detector **out)
{
    const size_t all = mx_face_detector_weights_size;
    if (!(data[0] & 1))
        return mx_face_detector_create(scope, out);
    uint8_t *weights = malloc(all);
    if (!weights)
        return MEXPR_E_NOMEM;
    memcpy(weights, mx_face_detector_weights, all);
    const size_t at = (data[1] | (size_t)data[2] << 8 | (size_t)data[3] << 16) % all;
    memcpy(
        weights + at, data + HEADER, size - HEADER < all - at ? size - HEADER : all - at);
    mexpr_status status = mx_face_detector_create_from(scope, weights, all, out);
    free(weights);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t standard[HEADER] = {0, 79, 59, 24, 60};
    mexpr_context *context = NULL;
    mx_face_detector *detector = NULL;
    if (size < HEADER || mexpr_context_create(NULL, &context) != MEXPR_OK)
        return 0;
    mx_scope *scope = mx_context_scope(context);
    if (create(scope, data, size, &detector) == MEXPR_OK)
        search(
            scope, detector, data + HEADER, size - HEADER, data[0] & 1 ? standard : data);
    mx_face_detector_destroy(context, &detector);
    mexpr_context_destroy(&context);
    return 0;
}
