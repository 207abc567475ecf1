/* SPDX-License-Identifier: MIT */
/* Real faces that no network has learnt from: the people of faces68 whose place among the
 * sorted subjects is 4, 9, 14, ...; every fifth picture of nonfaces. */
#ifndef LANDMARK_CASES_H
#define LANDMARK_CASES_H

#include "base/rng.h"
#include "face/landmark_pose.h"
#include "microexpr/image.h"

typedef struct landmark_case {
    mexpr_image *image;
    float points[2 * MX_FACE_POINTS]; /* the labels' shift to the right taken out */
    float eyes;                       /* distance of the outer corners */
} landmark_case;

typedef struct landmark_cases {
    landmark_case *faces;
    int n_faces;
    mexpr_image **others;
    int n_others;
} landmark_cases;

/* `folder` holds faces68 and nonfaces. False after a message. */
bool landmark_cases_read(
    mexpr_context *context, const char *folder, landmark_cases *cases);
void landmark_cases_free(landmark_cases *cases);

mx_face_view landmark_case_view(const mexpr_image *image);

/* The face's box as a detector may find it: moved by 6 % of its side across and 3.5 %
 * down, resized by 7 % (standard deviations). */
mx_face_box landmark_case_box(mx_rng *rng, const float *points);

/* Mean distance of points over the eye distance. */
double landmark_case_error(const float *points, const landmark_case *face);

typedef struct landmark_errors {
    double mean, p95;
} landmark_errors;
/* Sorts the errors. */
landmark_errors landmark_errors_of(double *errors, int n);

#endif
