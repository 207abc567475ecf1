/* SPDX-License-Identifier: MIT */
/* The detector's inside, for its training program and tests; others use face_parts.h. */
#ifndef MX_FACE_FACE_DETECTOR_H
#define MX_FACE_FACE_DETECTOR_H

#include "face/face_model.h"

/* A detector of other weights than those that ship. */
mexpr_status mx_face_detector_create_from(
    mx_scope *scope, const uint8_t *bytes, size_t size, mx_face_detector **out);

/* The first stage alone: places where a face may be, best first, at most `capacity`.
 * Windows with an overlap of `same` or more are one place. Sizes below 20 px count as
 * that. */
mexpr_status mx_face_detector_candidates(mx_scope *scope, mx_face_detector *detector,
    const mx_face_view *view, const mx_face_sizes *sizes, float same, mx_face_box *boxes,
    size_t capacity, size_t *count);

#endif
