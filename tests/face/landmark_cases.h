/* SPDX-License-Identifier: MIT */
/* Measuring landmarks on labelled pictures: the people that are held out of training. */
#ifndef LANDMARK_CASES_H
#define LANDMARK_CASES_H

#include "base/rng.h"
#include "face_data.h"

/* The pictures that are held out. */
typedef struct landmark_cases {
    face_data data;
    const face_picture **faces, **others;
    int n_faces, n_others;
} landmark_cases;

/* `folder` holds faces68 and nonfaces. False after a message. */
bool landmark_cases_read(
    mexpr_context *context, const char *folder, landmark_cases *cases);
void landmark_cases_free(landmark_cases *cases);

/* The face's box as a detector may find it: moved by 6 % of its side across and 3.5 %
 * down, resized by 7 % (standard deviations). */
mx_face_box landmark_case_box(mx_rng *rng, const float *points);

/* Mean distance of points over the distance of the outer corners of the eyes. */
double landmark_case_error(const float *points, const float *truth);

typedef struct landmark_errors {
    double mean, p95;
} landmark_errors;
/* Sorts the errors. */
landmark_errors landmark_errors_of(double *errors, int n);

#endif
