/* SPDX-License-Identifier: MIT */
/* Regions from inside. */
#ifndef MX_FACE_REGION_H
#define MX_FACE_REGION_H

#include "microexpr/face.h"

/* The landmark on the other half of the face, iBUG order. */
extern const unsigned char mx_landmark_mirror[MEXPR_LANDMARKS_68];

/* mexpr_face_regions() for a kind and landmarks that are checked. */
void mx_face_regions(
    mexpr_regions kind, const float *landmarks, float *xy, int32_t *corners);

void mx_regions_mdmo(const float *landmarks, float *xy, int32_t *corners);

#endif
