/* SPDX-License-Identifier: MIT */
/* Where the still parts of a face are in a frame, by intensity. S. Baker, I. Matthews,
 * "Lucas-Kanade 20 Years On: A Unifying Framework", IJCV 56 (2004): inverse
 * compositional, with Cauchy weights and free gain and offset of the light, coarse to
 * fine. */
#ifndef MX_FACE_STILL_H
#define MX_FACE_STILL_H

#include "face/transform.h"
#include "image/picture.h"

/* A part of a frame in grey, and where its first pixel lies. */
typedef struct mx_still_view {
    const float *pixels; /* without gaps */
    int32_t x0, y0;
    int32_t width, height;
} mx_still_view;

typedef struct mx_still mx_still;

/* For crops of that size. */
mexpr_status mx_still_create(
    mx_scope *scope, int32_t width, int32_t height, mx_still **out);
void mx_still_destroy(mexpr_context *context, mx_still **still);

/* Takes the reference: the crop that `crop` (frame to crop) cuts out of the frame, and
 * its still parts (of 68 landmarks in px of the crop). MEXPR_E_RANGE when fewer than 64
 * pixels of them lie in the frame. Allocates nothing. */
mexpr_status mx_still_begin(mx_scope *scope, mx_still *still, const mx_still_view *view,
    const double crop[6], const float *landmarks);

/* What a search has found. */
typedef struct mx_still_fit {
    double correlation; /* -1..1, over the still parts */
    double step[4];     /* dx, dy (px), cos - 1, sin of what one more step would do */
    double residual;    /* RMS of that over the still parts, px */
    int32_t iterations; /* of the finest level */
} mx_still_fit;

/* Correlation on the coarsest level for a transform from frame to crop; -1 where too
 * little of the face is in the view. */
double mx_still_glance(mx_still *still, const mx_still_view *view, const double crop[6]);

/* Refines *crop; a translation alone where `is_shift`. Allocates nothing. */
void mx_still_search(mx_still *still, const mx_still_view *view, bool is_shift,
    double crop[6], mx_still_fit *fit);

/* The same figures for a transform as it is. */
void mx_still_measure(
    mx_still *still, const mx_still_view *view, const double crop[6], mx_still_fit *fit);

#endif
