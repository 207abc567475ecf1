/* SPDX-License-Identifier: MIT */
/* The first stage: gentle AdaBoost (Friedman et al. 2000) of ferns, with windows that the
 * cascade so far lets through as the next block's counterexamples. */
#ifndef FACE_TRAINING_FERN_TRAINING_H
#define FACE_TRAINING_FERN_TRAINING_H

#include "face/face_scan.h"
#include "face_sampling.h"

/* From one size of the windows to the next; the detector's own are closer. */
#define FACE_TRAINING_STEP 1.2f

typedef struct fern_options {
    int n_ferns, dense;
    int n_faces, n_others; /* windows to learn from */
    int n_pairs;           /* comparisons tried per node */
    double loss;           /* part of the faces given up per block */
} fern_options;

/* `cascade->ferns` has room for n_ferns. False for want of memory. */
bool fern_training(mexpr_context *context, const face_source *faces, int n_faces,
    const face_source *others, int n_others, const fern_options *options, mx_rng *rng,
    mx_face_cascade *cascade);

#endif
