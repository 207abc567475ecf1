/* SPDX-License-Identifier: MIT */
/* Layers for a graph builder, named and laid out as PyTorch does. No call reports a
 * failure: the builder keeps the first one for mexpr_builder_finish(). */
#ifndef MX_SYSTEM_LAYERS_H
#define MX_SYSTEM_LAYERS_H

#include "base/scope.h"
#include "microexpr/model.h"

typedef struct mx_layers {
    mexpr_builder *b;
    int n; /* values made so far */
    int32_t conv_init;
    int32_t fc_init;
    double conv_scale;
    double fc_scale;
} mx_layers;

enum { MX_NAME_SIZE = 96 };

/* A value of the graph, by name; or the path of a layer, "branch.conv". */
typedef struct mx_name {
    char text[MX_NAME_SIZE];
} mx_name;

void mx_layers_init(mx_layers *l, mexpr_builder *builder);

/* `path`.`part`; part may be formatted like "block%d". */
mx_name mx_path(const char *path, const char *part, ...) MX_PRINTF(2, 3);

mx_name mx_input(
    mx_layers *l, const char *name, int64_t channels, int64_t height, int64_t width);
/* Makes `x` an output called `name`. */
void mx_output(mx_layers *l, mx_name x, const char *name);

/* Calls `x` by a name that training knows it by. */
mx_name mx_mark(mx_layers *l, mx_name x, const char *name);

/* A node with one output and the attributes that the builder has been given. */
mx_name mx_op(mx_layers *l, const char *op, const mx_name *inputs, int n);
mx_name mx_op1(mx_layers *l, const char *op, mx_name x);
mx_name mx_op2(mx_layers *l, const char *op, mx_name a, mx_name b);

/* Constants: shapes and axes as initializers, numbers as Constant nodes. */
mx_name mx_ints(mx_layers *l, int n, const int64_t *values);
mx_name mx_floats(mx_layers *l, int rank, const int64_t *dims, const float *values);
mx_name mx_scalar(mx_layers *l, float value);
/* A weight of shape `dims`. */
mx_name mx_parameter(mx_layers *l, const char *name, int rank, const int64_t *dims,
    int32_t init, double scale);

typedef struct mx_conv {
    int64_t in, out, kernel;
    int64_t stride, dilation, groups; /* 0 is 1 */
    int64_t pad;                      /* MX_SAME: as TensorFlow, the odd one behind */
    bool no_bias;
} mx_conv;

enum { MX_SAME = -1 };

/* Weights once, applied as often as wanted; or both at once. */
void mx_conv_weights(mx_layers *l, const char *path, const mx_conv *conv);
mx_name mx_conv_apply(mx_layers *l, mx_name x, const char *path, const mx_conv *conv);
mx_name mx_conv_layer(mx_layers *l, mx_name x, const char *path, mx_conv conv);

void mx_norm_weights(mx_layers *l, const char *path, int64_t channels);
mx_name mx_norm_apply(mx_layers *l, mx_name x, const char *path, float epsilon);
/* Batch normalization, epsilon 1e-5. */
mx_name mx_norm(mx_layers *l, mx_name x, const char *path, int64_t channels);
/* Layer normalization of the last axis, epsilon 1e-5. */
mx_name mx_layer_norm(mx_layers *l, mx_name x, const char *path, int64_t channels);

/* path.conv and path.bn, then ReLU. */
mx_name mx_conv_norm_relu(mx_layers *l, mx_name x, const char *path, mx_conv conv);

/* A linear layer of rows. */
mx_name mx_fc(
    mx_layers *l, mx_name x, const char *path, int64_t in, int64_t out, bool has_bias);

mx_name mx_relu(mx_layers *l, mx_name x);
mx_name mx_sigmoid(mx_layers *l, mx_name x);
mx_name mx_gelu(mx_layers *l, mx_name x); /* exact, by the error function */
mx_name mx_add(mx_layers *l, mx_name a, mx_name b);
mx_name mx_mul(mx_layers *l, mx_name a, mx_name b);
mx_name mx_softmax(mx_layers *l, mx_name x, int64_t axis);
mx_name mx_max_pool(mx_layers *l, mx_name x, int64_t kernel, int64_t stride, int64_t pad);
mx_name mx_average_pool(mx_layers *l, mx_name x, int64_t kernel, int64_t stride);
mx_name mx_global(mx_layers *l, const char *op, mx_name x); /* N×C×1×1 */
mx_name mx_flatten(mx_layers *l, mx_name x);
mx_name mx_concat(mx_layers *l, const mx_name *x, int n, int64_t axis);
/* 0 keeps an extent, -1 is the one that follows. */
mx_name mx_reshape(mx_layers *l, mx_name x, int rank, const int64_t *dims);
mx_name mx_transpose(mx_layers *l, mx_name x, int rank, const int64_t *order);
/* ReduceMean (opset 17: the axis is an attribute), … with the axis kept or not. */
mx_name mx_reduce(mx_layers *l, const char *op, mx_name x, int64_t axis, bool keep);
/* In its inference form. */
mx_name mx_dropout(mx_layers *l, mx_name x, float ratio);

/* Channel attention of CBAM (Woo et al. 2018): x times sigmoid of a shared network of one
 * hidden layer on average and maximum. Weights path.fc1, path.fc2: convolutions 1×1. */
mx_name mx_channel_gate(mx_layers *l, mx_name x, const char *path, int64_t channels,
    int64_t hidden, bool has_bias);
/* Spatial attention of CBAM: x times sigmoid of a convolution of the channels' mean and
 * maximum. Weights path.conv. */
mx_name mx_spatial_gate(mx_layers *l, mx_name x, const char *path, int64_t kernel,
    int64_t dilation, bool has_bias);

#endif
