/* SPDX-License-Identifier: MIT */
/* The networks that find landmarks in a crop, made from weights stored in 8 bits. */
#ifndef MX_FACE_LANDMARK_NET_H
#define MX_FACE_LANDMARK_NET_H

#include "face/face_parts.h"
#include "face/small_net.h"

enum {
    MX_LANDMARK_OUTPUTS = 2 * MX_FACE_POINTS + 1, /* x0 y0 x1 y1 ..., then the trust */
    MX_LANDMARK_STAGES = 2
};

typedef struct mx_landmark_plan {
    int side;     /* of the crop in samples */
    float extent; /* of the crop in units of the face box */
    int n_layers;
    mx_small_layer layers[MX_SMALL_LAYERS];
} mx_landmark_plan;

/* What ships: a coarse stage on the upright box, then a fine one in the pose found. */
extern const mx_landmark_plan mx_landmark_plans[MX_LANDMARK_STAGES];

/* Bytes of the stored network: for every layer `out` scales and `out` biases (float32,
 * little endian), then the weights as int8: of a convolution [tap][out] with taps in the
 * order row, column, channel, of a dense layer [out][input]. */
size_t mx_landmark_plan_bytes(const mx_landmark_plan *plan);

typedef struct mx_landmark_net {
    const mx_landmark_plan *plan;
    mx_small_net net;
} mx_landmark_net;

/* `bytes`: mx_landmark_plan_bytes() of them. */
mexpr_status mx_landmark_net_create(mx_scope *scope, const mx_landmark_plan *plan,
    const uint8_t *bytes, mx_landmark_net *net);
void mx_landmark_net_free(mexpr_context *context, mx_landmark_net *net);

/* From the crop's samples, whatever their brightness and contrast. */
void mx_landmark_net_run(
    const mx_landmark_net *net, const float *crop, float output[MX_LANDMARK_OUTPUTS]);

/* The factor and summand that take brightness and contrast out of a crop. */
void mx_landmark_crop_norm(
    const mx_nn_kernels *nn, const float *crop, int side, float *factor, float *summand);

#endif
