/* SPDX-License-Identifier: MIT */
/* From whole frames to face crops: the face of the onset frame is found, and the other
 * frames are aligned to it. */
#ifndef MX_RECOGNIZER_FACE_STEP_H
#define MX_RECOGNIZER_FACE_STEP_H

#include "base/scope.h"
#include "microexpr/face.h"

typedef struct mx_face_step {
    mexpr_face_finder *finder; /* made when first needed, as the aligner */
    mexpr_aligner *aligner;
    int32_t smallest; /* side of a face that is large enough, px */
    mexpr_crop crop;
    int32_t n_faces;           /* in the onset frame */
    mexpr_face face;           /* the one taken, in the onset frame */
    mexpr_alignment alignment; /* of the frame aligned last */
} mx_face_step;

void mx_face_step_release(mx_face_step *step);

/* Takes the largest face. MEXPR_E_NOT_FOUND when there is none, MEXPR_E_RANGE when it is
 * too small. */
mexpr_status mx_face_step_onset(
    mx_scope *scope, mx_face_step *step, const mexpr_image *onset);

/* Follows it to another frame; one that is lost is found anew. */
mexpr_status mx_face_step_follow(
    mx_scope *scope, mx_face_step *step, const mexpr_image *frame);

/* The crop of the frame taken last; lives until the next one. */
const mexpr_image *mx_face_step_crop(mx_face_step *step);

#endif
