/* SPDX-License-Identifier: MIT */
/* The second stage: the network learns from faces a little off and from what the first
 * stage takes for faces. */
#ifndef FACE_TRAINING_NET_TRAINING_H
#define FACE_TRAINING_NET_TRAINING_H

#include "face/face_detector.h"
#include "face_sampling.h"

/* A place that is no face, and how sure the network last was that it is one. */
typedef struct net_other {
    const face_source *source;
    face_square square;
    float logit;
    bool apart; /* in a picture of a face but without a part of it: perhaps another's */
    bool unsure;
} net_other;

typedef struct net_options {
    int n_steps;
    int batch;
    float rate;
} net_options;

bool net_training(mexpr_context *context, const face_source *faces, int n_faces,
    net_other *others, int n_others, const net_options *options, mx_rng *rng,
    mx_face_net *net);

#endif
