/* SPDX-License-Identifier: MIT */
/* What the networks of the detector and of the landmarks have in common: convolutions
 * and dense layers in float32, one picture at a time. */
#ifndef MX_FACE_SMALL_NET_H
#define MX_FACE_SMALL_NET_H

#include "base/scope.h"
#include "kernel/conv_kernel.h"
#include "kernel/gemm_kernel.h"
#include "kernel/nn_kernel.h"

enum { MX_SMALL_LAYERS = 9, MX_SMALL_KERNEL = 5 }; /* at most */

/* Input: side x side pixels of `in` channels, channels innermost. A convolution has
 * kernel x kernel taps, zeros around the input and side / stride outputs each way; kernel
 * 0 is a dense layer on all of the input. */
typedef struct mx_small_layer {
    int side, in, out, kernel, stride;
    bool relu;
} mx_small_layer;

static inline int mx_small_layer_out_side(const mx_small_layer *layer)
{
    return layer->kernel ? layer->side / layer->stride : 1;
}

/* Elements of one input, and weights per output. */
static inline size_t mx_small_layer_inputs(const mx_small_layer *layer)
{
    return (size_t)layer->side * (size_t)layer->side * (size_t)layer->in;
}

static inline size_t mx_small_layer_taps(const mx_small_layer *layer)
{
    return layer->kernel
               ? (size_t)layer->kernel * (size_t)layer->kernel * (size_t)layer->in
               : mx_small_layer_inputs(layer);
}

/* Start with {.memory = NULL}. */
typedef struct mx_small_net {
    const mx_small_layer *layers; /* borrowed */
    int n_layers;
    mx_conv_kernels conv;
    mx_gemm_kernels gemm;
    mx_nn_kernels nn;
    float *memory;
    float *weights[MX_SMALL_LAYERS]; /* see mx_small_net_weight() */
    float *bias[MX_SMALL_LAYERS];
    float *input[MX_SMALL_LAYERS]; /* with the zeros around */
} mx_small_net;

/* All weights and biases are 0. */
mexpr_status mx_small_net_create(
    mx_scope *scope, const mx_small_layer *layers, int n_layers, mx_small_net *net);
void mx_small_net_free(mexpr_context *context, mx_small_net *net);

/* Where the weight of layer i is that takes tap `tap`, in the order row, column, channel,
 * to output `out`. */
float *mx_small_net_weight(const mx_small_net *net, int i, size_t tap, size_t out);

/* Where row y of the input is to be put. */
float *mx_small_net_row(const mx_small_net *net, int y);

/* From the input put there to the outputs of the last layer. */
void mx_small_net_run(const mx_small_net *net, float *output);

#endif
