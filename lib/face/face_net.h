/* SPDX-License-Identifier: MIT */
/* The second stage of the detector: a small convolutional network that says whether a
 * patch is a face and where in it the face lies. */
#ifndef MX_FACE_FACE_NET_H
#define MX_FACE_FACE_NET_H

#include "face/small_net.h"

enum {
    MX_FACE_NET_SIDE = 32, /* of the patch, px */
    MX_FACE_NET_LAYERS = 6,
    MX_FACE_NET_OUT = 4, /* log-odds of a face; dx, dy, log size, in sides of the box */
};
#define MX_FACE_NET_CONTEXT 1.3f /* side of the patch over that of the box */

extern const mx_small_layer mx_face_layers[MX_FACE_NET_LAYERS];

/* The weights as they are learnt and stored, of every layer taps x outputs. */
typedef struct mx_face_net {
    float *weights[MX_FACE_NET_LAYERS];
    float *biases[MX_FACE_NET_LAYERS];
    float *memory;
} mx_face_net;

mexpr_status mx_face_net_create(mx_scope *scope, mx_face_net *net);
void mx_face_net_free(mexpr_context *context, mx_face_net *net);

/* Makes the network that runs, which does not need `net` any longer. */
mexpr_status mx_face_net_prepare(
    mx_scope *scope, const mx_face_net *net, mx_small_net *out);

/* Pixels with mean 0 and variance 1; without contrast all 0. */
void mx_face_net_input(const uint8_t *patch, float *input);

void mx_face_net_run(
    const mx_small_net *net, const uint8_t *patch, float out[MX_FACE_NET_OUT]);

#endif
