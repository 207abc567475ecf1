/* SPDX-License-Identifier: MIT */
/* Plane transforms of 6 numbers, as in face.h. */
#ifndef MX_FACE_TRANSFORM_H
#define MX_FACE_TRANSFORM_H

#include "base/scope.h"
#include "microexpr/face.h"

/* out = a after b; out may be one of them. */
void mx_transform_join(const double a[6], const double b[6], double out[6]);
/* false where there is no way back. */
bool mx_transform_back(const double m[6], double out[6]);

/* mexpr_transform_fit() for numbers that are checked; `where` picks the points (indices,
 * NULL: all n in order). */
mexpr_status mx_transform_fit(mx_scope *scope, mexpr_transform_model model,
    const float *from, const float *to, const double *weights, const uint8_t *where,
    int n, double matrix[6]);

/* The motion about a centre of a similarity, and back. */
mexpr_head_motion mx_motion_of(const double m[6], double cx, double cy);

#endif
