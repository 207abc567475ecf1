/* SPDX-License-Identifier: MIT */
/* What the networks of the detector and of the landmarks have in common: convolutions and
 * the dense layer behind them in whole numbers, one picture at a time. */
#ifndef MX_FACE_SMALL_NET_H
#define MX_FACE_SMALL_NET_H

#include "base/scope.h"
#include "kernel/conv16_kernel.h"
#include "kernel/gemm_kernel.h"
#include "kernel/nn_kernel.h"

enum { MX_SMALL_LAYERS = 9, MX_SMALL_KERNEL = 5 }; /* at most */

/* Input: side x side pixels of `in` channels, channels innermost. A convolution has
 * kernel x kernel taps, zeros around the input, side / stride outputs each way and ReLU;
 * its outputs are a multiple of MX_CONV16_PANEL, as are those of the layer behind the
 * last one. Kernel 0 is a dense layer on all of the input, `relu` or not. Convolutions
 * come first, dense layers last. */
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

/* One layer ready to run. */
typedef struct mx_small_step {
    int16_t *input; /* of a layer in whole numbers, with the zeros around it; */
    int16_t *whole; /* its weights and what their sums are multiplied with */
    float *scale;
    int32_t *from, *to, *run; /* see mx_conv16_layer */
    float *values, *weights;  /* inputs and weights of one in float32 */
    float *bias;
} mx_small_step;

/* Start with {.memory = NULL}. */
typedef struct mx_small_net {
    const mx_small_layer *layers; /* borrowed */
    int n_layers;
    float range;
    mx_conv16_kernels conv;
    mx_gemm_kernels gemm;
    mx_nn_kernels nn;
    uint8_t *memory;
    mx_small_step steps[MX_SMALL_LAYERS];
} mx_small_net;

/* All weights and biases are 0. What convolutions answer is clamped to `range`, the first
 * layer's inputs to -32..32. */
mexpr_status mx_small_net_create(mx_scope *scope, const mx_small_layer *layers,
    int n_layers, float range, mx_small_net *net);
void mx_small_net_free(mexpr_context *context, mx_small_net *net);

/* Sets the weights of one output of layer i, `distance` apart, with taps in the order
 * row, column, channel. Whole numbers are as large as sums in 32 bits let them be. */
void mx_small_net_set(
    mx_small_net *net, int i, int out, const float *weights, size_t distance, float bias);

/* Whether layer i works in whole numbers: then where the weight of tap `tap` is that goes
 * to output `out`, and what one is in its inputs. */
bool mx_small_net_is_whole(const mx_small_net *net, int i);
int16_t *mx_small_net_whole(const mx_small_net *net, int i, size_t tap, size_t out);
float mx_small_net_unit(const mx_small_net *net, int i);

/* From the first layer's inputs, each times `factor` plus `summand`, to the outputs of
 * the last. */
void mx_small_net_run(const mx_small_net *net, const float *input, float factor,
    float summand, float *output);

#endif
