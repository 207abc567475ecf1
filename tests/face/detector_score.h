/* SPDX-License-Identifier: MIT */
/* How well a detector finds the faces of labelled pictures. */
#ifndef TESTS_FACE_DETECTOR_SCORE_H
#define TESTS_FACE_DETECTOR_SCORE_H

#include "face_data.h"

/* What is done to a picture before it is searched; changes pixels in place. `box` is the
 * face's, or NULL. */
typedef void (*detector_harm)(
    const mx_face_view *view, uint8_t *pixels, const mx_face_box *box, float amount);

typedef struct detector_score {
    int n_faces, n_found; /* of which found with overlap 0.4 or more */
    double overlap;       /* sum over those found */
    int false_beside;     /* detections in pictures of faces that are not the face */
    int n_others, false_others; /* pictures without faces, and detections in them */
} detector_score;

/* Searches the pictures of `part` for faces of 24 px and more; `say` prints what is
 * wrong. `harm` may be NULL. Faces are turned by `angle` (radians) about their centres.
 */
mexpr_status detector_score_run(mx_scope *scope, mx_face_detector *detector,
    const face_data *data, int part, float threshold, detector_harm harm, float amount,
    float angle, bool say, detector_score *score);

#endif
