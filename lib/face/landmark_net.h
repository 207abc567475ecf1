/* SPDX-License-Identifier: MIT */
/* The networks that find landmarks in a crop: convolutions and dense layers in float32,
 * made from weights stored in 8 bits. */
#ifndef MX_FACE_LANDMARK_NET_H
#define MX_FACE_LANDMARK_NET_H

#include "face/face_parts.h"
#include "kernel/gemm_kernel.h"
#include "kernel/nn_kernel.h"

enum {
    MX_LANDMARK_LAYERS = 9,                       /* at most */
    MX_LANDMARK_OUTPUTS = 2 * MX_FACE_POINTS + 1, /* x0 y0 x1 y1 ..., then the trust */
    MX_LANDMARK_STAGES = 2
};

/* Input: side x side pixels of `in` channels, channels innermost. A convolution has
 * kernel x kernel taps, zeros around the input and side / stride outputs each way; kernel
 * 0 is a dense layer on all of the input. */
typedef struct mx_landmark_layer {
    int side, in, out, kernel, stride;
    bool relu;
} mx_landmark_layer;

typedef struct mx_landmark_plan {
    int side;     /* of the crop in samples */
    float extent; /* of the crop in units of the face box */
    int n_layers;
    mx_landmark_layer layers[MX_LANDMARK_LAYERS];
} mx_landmark_plan;

/* What ships: a coarse stage on the upright box, then a fine one in the pose found. */
extern const mx_landmark_plan mx_landmark_plans[MX_LANDMARK_STAGES];

static inline int mx_landmark_layer_out_side(const mx_landmark_layer *layer)
{
    return layer->kernel ? layer->side / layer->stride : 1;
}

/* Elements of one input, and weights per output. */
static inline size_t mx_landmark_layer_inputs(const mx_landmark_layer *layer)
{
    return (size_t)layer->side * (size_t)layer->side * (size_t)layer->in;
}

static inline size_t mx_landmark_layer_taps(const mx_landmark_layer *layer)
{
    return layer->kernel
               ? (size_t)layer->kernel * (size_t)layer->kernel * (size_t)layer->in
               : mx_landmark_layer_inputs(layer);
}

/* Bytes of the stored network: for every layer `out` scales and `out` biases (float32,
 * little endian), then the weights as int8: of a convolution [tap][out] with taps in the
 * order row, column, channel, of a dense layer [out][input]. */
size_t mx_landmark_plan_bytes(const mx_landmark_plan *plan);

typedef struct mx_landmark_net {
    const mx_landmark_plan *plan;
    mx_gemm_kernels gemm;
    mx_nn_kernels nn;
    float *memory;
    float *weights[MX_LANDMARK_LAYERS];
    float *bias[MX_LANDMARK_LAYERS];
    float *input[MX_LANDMARK_LAYERS]; /* with the zeros around */
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
