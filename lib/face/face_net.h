/* SPDX-License-Identifier: MIT */
/* The second stage of the detector: a small convolutional network that says whether a
 * patch is a face and where in it the face lies. */
#ifndef MX_FACE_FACE_NET_H
#define MX_FACE_FACE_NET_H

#include "base/scope.h"
#include "kernel/gemm.h"

enum {
    MX_FACE_NET_SIDE = 32, /* of the patch, px */
    MX_FACE_NET_LAYERS = 6,
    MX_FACE_NET_OUT = 4, /* log-odds of a face; dx, dy, log size, in sides of the box */
};
#define MX_FACE_NET_CONTEXT 1.3f /* side of the patch over that of the box */

/* A 3 x 3 convolution with a border of zeros, or a full connection (kernel 0). Layers but
 * the last end in max(0, x). Pictures are rows of pixels of channels. */
typedef struct mx_face_layer {
    int side, channels; /* of the input; for a full connection 1 and all of it */
    int out_side, out_channels;
    int stride, kernel;
} mx_face_layer;

extern const mx_face_layer mx_face_layers[MX_FACE_NET_LAYERS];

/* Terms of one output's sum. */
int mx_face_layer_terms(const mx_face_layer *layer);

/* weights[i]: terms x out_channels, terms running over row, column and channel of the
 * kernel. */
typedef struct mx_face_net {
    float *weights[MX_FACE_NET_LAYERS];
    float *biases[MX_FACE_NET_LAYERS];
    float *memory;
} mx_face_net;

mexpr_status mx_face_net_create(mx_scope *scope, mx_face_net *net);
void mx_face_net_free(mexpr_context *context, mx_face_net *net);

/* How much work memory a run needs, in floats. */
size_t mx_face_net_work(void);

/* Pixels with mean 0 and variance 1; without contrast all 0. */
void mx_face_net_input(const uint8_t *patch, float *input);

/* The inputs that each output of a layer meets: out_side^2 x terms. */
void mx_face_net_columns(const mx_face_layer *layer, const float *input, float *columns);

void mx_face_net_run(const mx_face_net *net, const mx_gemm *gemm, const uint8_t *patch,
    float *work, float out[MX_FACE_NET_OUT]);

#endif
