/* SPDX-License-Identifier: MIT */
/* Patches to train on: faces a little off, turned, darkened, covered; and pictures
 * turned. */
#ifndef FACE_TRAINING_FACE_SAMPLING_H
#define FACE_TRAINING_FACE_SAMPLING_H

#include "base/rng.h"
#include "face/face_octaves.h"
#include "face_data.h"

typedef struct face_source {
    const face_picture *picture;
    mx_face_octaves octaves;
} face_source;

/* A square in a picture, turned by `angle` about its centre, then mirrored. */
typedef struct face_square {
    float x, y, size; /* centre and side */
    float angle;
    bool mirror;
} face_square;

/* The face's box where "up" is turned by `angle`. */
face_square face_square_of(const face_picture *picture, float angle, bool mirror);

/* The same square, its centre moved by dx, dy (in sides, along its own axes) and its side
 * multiplied by exp(ds). */
face_square face_square_moved(const face_square *square, float dx, float dy, float ds);

/* side x side pixels of the square with `context` around, `blur` octaves too coarse. */
void face_square_patch(const face_source *source, const face_square *square,
    float context, int blur, int side, uint8_t *out);

/* Light, contrast, noise at random; with `cover` now and then something before it. */
void face_augment(mx_rng *rng, uint8_t *patch, int side, bool cover);

/* One of 8 ways to turn and mirror a view; `out` has room for its pixels. */
mx_face_view face_turn(const mx_face_view *view, int way, uint8_t *out);
/* The square of the original that `box` of the turned view is. */
face_square face_turned_square(
    const mx_face_view *original, int way, const mx_face_box *box);
mx_face_box face_turned_box(
    const mx_face_view *original, int way, const mx_face_box *box);

float face_uniform(mx_rng *rng, float low, float high);

#endif
