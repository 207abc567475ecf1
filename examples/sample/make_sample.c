/* SPDX-License-Identifier: MIT */
/* make_sample FOLDER: draws onset.png and apex.png, whole frames of an invented person
 * who smiles a little (action units 6 and 12) while the head moves and turns. */
#include <stdio.h>
#include <stdlib.h>

#include <microexpr/microexpr.h>

#include "face_render.h"

enum { WIDTH = 320, HEIGHT = 240 };

static mexpr_status draw(mexpr_context *context, const struct face_clip_options *clip,
    int frame, const char *folder, const char *name)
{
    char path[4096];
    mexpr_image *image = NULL;
    mexpr_status status = mexpr_image_create(
        context, MEXPR_FORMAT_GREY8, clip->width, clip->height, &image);
    if (status == MEXPR_OK) {
        snprintf(path, sizeof path, "%s/%s", folder, name);
        face_clip_frame(
            clip, frame, mexpr_image_pixels(image), (int)mexpr_image_stride(image));
        status = mexpr_image_write_png(context, image, path);
    }
    mexpr_image_destroy(&image);
    return status;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: make_sample FOLDER\n");
        return 2;
    }
    struct face_clip_options clip = face_clip_defaults(7);
    face_clip_resize(&clip, WIDTH, HEIGHT);
    clip.face_x = 171;
    clip.face_y = 118;
    clip.face_size = 120;
    clip.drift = (struct face_pose){0.31, -0.17, 0.002, 0.0005};
    face_clip_add_action(&clip, 12, FACE_BOTH, 0.8);
    face_clip_add_action(&clip, 6, FACE_BOTH, 0.6);
    mexpr_context *context = NULL;
    mexpr_status status = mexpr_context_create(NULL, &context);
    if (status == MEXPR_OK)
        status = draw(context, &clip, clip.onset, argv[1], "onset.png");
    if (status == MEXPR_OK)
        status = draw(context, &clip, clip.apex, argv[1], "apex.png");
    if (status != MEXPR_OK)
        fprintf(stderr, "make_sample: %s\n", mexpr_context_last_error(context));
    mexpr_context_destroy(&context);
    return status == MEXPR_OK ? 0 : 1;
}
