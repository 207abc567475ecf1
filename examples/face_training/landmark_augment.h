/* SPDX-License-Identifier: MIT */
/* Crops for training: a face in a disturbed pose, mirrored, relit, blurred, noisy,
 * covered. */
#ifndef LANDMARK_AUGMENT_H
#define LANDMARK_AUGMENT_H

#include "base/rng.h"
#include "face/landmark_crop.h"
#include "face/landmark_net.h"
#include "face_data.h"

/* The pictures of some parts of a face_data. */
typedef struct landmark_data {
    const face_picture **faces, **others;
    int n_faces, n_others;
} landmark_data;

/* Distance of the outer corners of the eyes. */
float landmark_eyes(const float *points);

/* What a network shall answer to a crop. */
typedef struct landmark_target {
    float points[2 * MX_FACE_POINTS]; /* in the crop's frame */
    float eyes; /* outer corners' distance in this frame; 0: no face */
    bool far;   /* too far off for points: the trust alone */
} landmark_target;

enum landmark_kind { LANDMARK_NEAR, LANDMARK_FAR, LANDMARK_OTHER };

/* The pose that a stage starts from, drawn for the roll `roll` of the picture: stage 0
 * from a detector's box, stage 1 from the shape of stage 0 or of the frame before. */
mx_landmark_pose landmark_draw_pose(mx_rng *rng, int stage, const float *shape,
    const float *points, enum landmark_kind kind);

/* Draws a crop of the stage; `picture` has a face unless it is for LANDMARK_OTHER. */
mexpr_status landmark_draw(mx_scope *scope, mx_landmark_cropper *cropper, mx_rng *rng,
    int stage, const float *shape, const face_picture *picture, enum landmark_kind kind,
    float *crop, landmark_target *target);

#endif
