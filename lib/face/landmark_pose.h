/* SPDX-License-Identifier: MIT */
/* Where a face is: a similarity from the face's own frame, in which the face box is the
 * square from -1/2 to 1/2, to the picture. */
#ifndef MX_FACE_LANDMARK_POSE_H
#define MX_FACE_LANDMARK_POSE_H

#include "face/face_parts.h"

typedef struct mx_landmark_pose {
    float x, y; /* of the face's centre */
    float a, b; /* side * cos(roll), side * sin(roll) */
} mx_landmark_pose;

mx_landmark_pose mx_landmark_pose_of_box(const mx_face_box *box);

/* The similarity that brings `shape` closest to `points` (least squares), both x0 y0 x1
 * y1 ...; `shape` has its centroid anywhere. */
mx_landmark_pose mx_landmark_pose_fit(const float *shape, const float *points);

float mx_landmark_pose_side(const mx_landmark_pose *pose);

/* From the face's frame to the picture; out may be points. */
void mx_landmark_pose_apply(
    const mx_landmark_pose *pose, const float *points, float *out);
/* From the picture to the face's frame. */
void mx_landmark_pose_remove(
    const mx_landmark_pose *pose, const float *points, float *out);

/* Points in the face's frame as they are in a mirror: the left eye is the right one. */
void mx_landmark_mirror_points(float *points);

#endif
