/* SPDX-License-Identifier: MIT */
/* A program outside of the project: two made-up frames to a label, with the installed
 * headers and library alone. The same file is compiled as C and as C++. */
#include <microexpr/microexpr.h>
#include <stdio.h>
#include <string.h>

enum { SIDE = 64 };

static unsigned char frames[2][SIDE * SIDE];

/* A soft bump that moves to the right by one pixel. */
static void draw_frames(void)
{
    for (int frame = 0; frame < 2; frame++) {
        for (int y = 0; y < SIDE; y++) {
            for (int x = 0; x < SIDE; x++) {
                const int dx = x - 30 - frame, dy = y - 32;
                const int square = dx * dx + dy * dy;
                frames[frame][y * SIDE + x] =
                    (unsigned char)(square < 900 ? 200 - square / 6 : 50);
            }
        }
    }
}

static mexpr_image *wrap(mexpr_context *context, unsigned char *pixels)
{
    mexpr_image *image = NULL;
    mexpr_image_wrap(
        context, MEXPR_FORMAT_GREY8, SIDE, SIDE, SIDE, pixels, NULL, NULL, &image);
    return image;
}

int main(void)
{
    mexpr_context_options options = MEXPR_CONTEXT_OPTIONS_INIT;
    mexpr_context *context = NULL;
    mexpr_recognizer *recognizer = NULL;
    mexpr_result *result = NULL;
    const int version =
        MEXPR_VERSION_MAJOR * 10000 + MEXPR_VERSION_MINOR * 100 + MEXPR_VERSION_PATCH;
    if (mexpr_version() != version) {
        printf("headers %d, library %d\n", version, (int)mexpr_version());
        return 1;
    }
    options.n_threads = 2;
    if (mexpr_context_create(&options, &context) != MEXPR_OK)
        return 1;
    draw_frames();
    mexpr_image *onset = wrap(context, frames[0]);
    mexpr_image *apex = wrap(context, frames[1]);
    mexpr_status status = mexpr_recognizer_create(context, NULL, &recognizer);
    if (status == MEXPR_OK)
        status = mexpr_recognizer_run(recognizer, onset, apex, NULL, &result);
    if (status == MEXPR_OK)
        printf("%s %.3f\n", mexpr_result_label(result),
            mexpr_result_score(result, mexpr_result_class(result)));
    else
        printf("%s: %s %s\n", mexpr_status_name(status),
            mexpr_context_last_error(context), mexpr_recognizer_last_error(recognizer));
    const float u =
        result ? mexpr_field_u(mexpr_result_field(result))[32 * SIDE + 30] : 0;
    mexpr_result_destroy(&result);
    mexpr_recognizer_destroy(&recognizer);
    mexpr_image_destroy(&apex);
    mexpr_image_destroy(&onset);
    mexpr_context_destroy(&context);
    return status == MEXPR_OK && u > 0.5F && u < 1.5F ? 0 : 1;
}
