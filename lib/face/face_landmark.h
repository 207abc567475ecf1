/* SPDX-License-Identifier: MIT */
/* The 68 landmarks of a face, in iBUG order. */
#ifndef MX_FACE_FACE_LANDMARK_H
#define MX_FACE_FACE_LANDMARK_H

#include "face/landmark_pose.h"

/* Beside what face_parts.h declares. */

/* With the weights of a file as examples/face_training/train_face_landmarks.c writes it;
 * MEXPR_E_FORMAT or MEXPR_E_TRUNCATED for other bytes. */
mexpr_status mx_face_landmarker_create_from(
    mx_scope *scope, const uint8_t *bytes, size_t size, mx_face_landmarker **out);

/* The points from those in the frame before, of any roll: one network instead of two. The
 * confidence is as mx_face_landmarker_run() gives it. */
mexpr_status mx_face_landmarker_follow(mx_scope *scope, mx_face_landmarker *landmarker,
    const mx_face_view *view, const float before[2 * MX_FACE_POINTS],
    float points[2 * MX_FACE_POINTS], float *confidence);

/* The mean face in its own frame (landmark_pose.h). */
const float *mx_face_landmarker_shape(const mx_face_landmarker *landmarker);

/* The file of weights: MX_LANDMARK_WEIGHTS_MAGIC, the mean shape in the frame of the face
 * (float32, little endian), then the networks of mx_landmark_plans (landmark_net.h). */
#define MX_LANDMARK_WEIGHTS_MAGIC "mxface68"
enum { MX_LANDMARK_WEIGHTS_HEAD = 8 + 4 * 2 * MX_FACE_POINTS };
size_t mx_landmark_weights_size(void);

/* What ships: weights/face_landmarks.bin. */
extern const unsigned char mx_face_landmark_weights[];
extern const size_t mx_face_landmark_weights_size;

#endif
