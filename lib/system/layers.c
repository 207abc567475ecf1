/* SPDX-License-Identifier: MIT */
#include "system/layers.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

/* --- names ------------------------------------------------------------------------- */

void mx_layers_init(mx_layers *l, mexpr_builder *builder)
{
    *l = (mx_layers){.b = builder,
        .conv_init = MEXPR_INIT_FAN_IN_UNIFORM,
        .fc_init = MEXPR_INIT_FAN_IN_UNIFORM,
        .conv_scale = 1,
        .fc_scale = 1};
}

mx_name mx_path(const char *path, const char *part, ...)
{
    char text[MX_NAME_SIZE];
    mx_name name;
    va_list list;
    va_start(list, part);
    vsnprintf(text, sizeof text, part, list);
    va_end(list);
    snprintf(name.text, sizeof name.text, "%.63s%s%.31s", path, path[0] ? "." : "", text);
    return name;
}

/* A name for a value that has none of its own. */
static mx_name new_name(mx_layers *l, const char *stem)
{
    mx_name name;
    snprintf(name.text, sizeof name.text, "%.79s:%d", stem, l->n++);
    return name;
}

mx_name mx_input(
    mx_layers *l, const char *name, int64_t channels, int64_t height, int64_t width)
{
    const int64_t dims[4] = {-1, channels, height, width};
    mx_name input;
    snprintf(input.text, sizeof input.text, "%s", name);
    mexpr_builder_input(l->b, name, MEXPR_DTYPE_F32, 4, dims);
    return input;
}

mx_name mx_mark(mx_layers *l, mx_name x, const char *name)
{
    const char *input = x.text;
    mx_name marked;
    mexpr_builder_node(l->b, "Identity", "", &input, 1, &name, 1, name);
    snprintf(marked.text, sizeof marked.text, "%s", name);
    return marked;
}

void mx_output(mx_layers *l, mx_name x, const char *name)
{
    mx_mark(l, x, name);
    mexpr_builder_output(l->b, name);
}

/* --- nodes ------------------------------------------------------------------------- */

enum { MAX_INPUTS = 16 };

/* A node called after `stem`. */
static mx_name named_op(
    mx_layers *l, const char *op, const char *stem, const mx_name *inputs, int n)
{
    const char *list[MAX_INPUTS];
    const mx_name out = new_name(l, stem);
    const char *output = out.text;
    for (int i = 0; i < n && i < MAX_INPUTS; i++)
        list[i] = inputs[i].text;
    mexpr_builder_node(l->b, op, "", list, (size_t)n, &output, 1, output);
    return out;
}

mx_name mx_op(mx_layers *l, const char *op, const mx_name *inputs, int n)
{
    return named_op(l, op, op, inputs, n);
}

mx_name mx_op1(mx_layers *l, const char *op, mx_name x)
{
    return mx_op(l, op, &x, 1);
}

mx_name mx_op2(mx_layers *l, const char *op, mx_name a, mx_name b)
{
    const mx_name inputs[2] = {a, b};
    return mx_op(l, op, inputs, 2);
}

mx_name mx_ints(mx_layers *l, int n, const int64_t *values)
{
    const mx_name name = new_name(l, "ints");
    mexpr_tensor_view view = MEXPR_TENSOR_VIEW_INIT;
    view.dtype = MEXPR_DTYPE_I64;
    view.rank = 1;
    view.dims[0] = n;
    view.data = values;
    mexpr_builder_initializer(l->b, name.text, &view, MEXPR_ROLE_CONSTANT);
    return name;
}

mx_name mx_floats(mx_layers *l, int rank, const int64_t *dims, const float *values)
{
    mexpr_tensor_view view = MEXPR_TENSOR_VIEW_INIT;
    view.dtype = MEXPR_DTYPE_F32;
    view.rank = rank;
    for (int i = 0; i < rank; i++)
        view.dims[i] = dims[i];
    view.data = values;
    mexpr_builder_tensor(l->b, "value", &view);
    return mx_op(l, "Constant", NULL, 0);
}

mx_name mx_scalar(mx_layers *l, float value)
{
    return mx_floats(l, 0, NULL, &value);
}

mx_name mx_parameter(mx_layers *l, const char *name, int rank, const int64_t *dims,
    int32_t init, double scale)
{
    mx_name parameter;
    snprintf(parameter.text, sizeof parameter.text, "%s", name);
    mexpr_builder_random(l->b, name, rank, dims, init, scale, MEXPR_ROLE_PARAMETER);
    return parameter;
}

/* --- layers with weights ----------------------------------------------------------- */

static int64_t or_one(int64_t n)
{
    return n ? n : 1;
}

void mx_conv_weights(mx_layers *l, const char *path, const mx_conv *conv)
{
    const int64_t in = conv->in / or_one(conv->groups);
    const int64_t dims[4] = {conv->out, in, conv->kernel, conv->kernel};
    const double fan_in = (double)(in * conv->kernel * conv->kernel);
    mx_parameter(l, mx_path(path, "weight").text, 4, dims, l->conv_init, l->conv_scale);
    if (!conv->no_bias)
        mx_parameter(l, mx_path(path, "bias").text, 1, &conv->out, MEXPR_INIT_UNIFORM,
            1 / sqrt(fan_in));
}

mx_name mx_conv_apply(mx_layers *l, mx_name x, const char *path, const mx_conv *conv)
{
    const mx_name inputs[3] = {x, mx_path(path, "weight"), mx_path(path, "bias")};
    const int64_t strides[2] = {or_one(conv->stride), or_one(conv->stride)};
    const int64_t dilations[2] = {or_one(conv->dilation), or_one(conv->dilation)};
    const int64_t kernel[2] = {conv->kernel, conv->kernel};
    const int64_t pads[4] = {conv->pad, conv->pad, conv->pad, conv->pad};
    mexpr_builder_ints(l->b, "kernel_shape", kernel, 2);
    mexpr_builder_ints(l->b, "strides", strides, 2);
    mexpr_builder_ints(l->b, "dilations", dilations, 2);
    mexpr_builder_int(l->b, "group", or_one(conv->groups));
    if (conv->pad == MX_SAME)
        mexpr_builder_string(l->b, "auto_pad", "SAME_UPPER");
    else
        mexpr_builder_ints(l->b, "pads", pads, 4);
    return named_op(l, "Conv", path, inputs, conv->no_bias ? 2 : 3);
}

mx_name mx_conv_layer(mx_layers *l, mx_name x, const char *path, mx_conv conv)
{
    mx_conv_weights(l, path, &conv);
    return mx_conv_apply(l, x, path, &conv);
}

void mx_norm_weights(mx_layers *l, const char *path, int64_t channels)
{
    static const char *const parts[] = {"weight", "bias", "running_mean", "running_var"};
    for (int i = 0; i < 4; i++)
        mexpr_builder_random(l->b, mx_path(path, "%s", parts[i]).text, 1, &channels,
            MEXPR_INIT_FILL, i % 3 == 0, i < 2);
}

mx_name mx_norm_apply(mx_layers *l, mx_name x, const char *path, float epsilon)
{
    const mx_name inputs[5] = {x, mx_path(path, "weight"), mx_path(path, "bias"),
        mx_path(path, "running_mean"), mx_path(path, "running_var")};
    mexpr_builder_float(l->b, "epsilon", epsilon);
    return named_op(l, "BatchNormalization", path, inputs, 5);
}

mx_name mx_norm(mx_layers *l, mx_name x, const char *path, int64_t channels)
{
    mx_norm_weights(l, path, channels);
    return mx_norm_apply(l, x, path, 1e-5f);
}

mx_name mx_layer_norm(mx_layers *l, mx_name x, const char *path, int64_t channels)
{
    const mx_name inputs[3] = {x,
        mx_parameter(l, mx_path(path, "weight").text, 1, &channels, MEXPR_INIT_FILL, 1),
        mx_parameter(l, mx_path(path, "bias").text, 1, &channels, MEXPR_INIT_FILL, 0)};
    mexpr_builder_int(l->b, "axis", -1);
    mexpr_builder_float(l->b, "epsilon", 1e-5f);
    return named_op(l, "LayerNormalization", path, inputs, 3);
}

mx_name mx_conv_norm_relu(mx_layers *l, mx_name x, const char *path, mx_conv conv)
{
    x = mx_conv_layer(l, x, mx_path(path, "conv").text, conv);
    return mx_relu(l, mx_norm(l, x, mx_path(path, "bn").text, conv.out));
}

mx_name mx_fc(
    mx_layers *l, mx_name x, const char *path, int64_t in, int64_t out, bool has_bias)
{
    const int64_t dims[2] = {out, in};
    mx_name inputs[3] = {x,
        mx_parameter(l, mx_path(path, "weight").text, 2, dims, l->fc_init, l->fc_scale)};
    if (has_bias)
        inputs[2] = mx_parameter(l, mx_path(path, "bias").text, 1, &out,
            MEXPR_INIT_UNIFORM, 1 / sqrt((double)in));
    mexpr_builder_int(l->b, "transB", 1);
    return named_op(l, "Gemm", path, inputs, has_bias ? 3 : 2);
}

/* --- layers without ---------------------------------------------------------------- */

mx_name mx_relu(mx_layers *l, mx_name x)
{
    return mx_op1(l, "Relu", x);
}

mx_name mx_sigmoid(mx_layers *l, mx_name x)
{
    return mx_op1(l, "Sigmoid", x);
}

mx_name mx_gelu(mx_layers *l, mx_name x)
{
    const mx_name erf =
        mx_op1(l, "Erf", mx_mul(l, x, mx_scalar(l, (float)0.70710678118654752)));
    return mx_mul(l, mx_mul(l, x, mx_scalar(l, 0.5f)), mx_add(l, erf, mx_scalar(l, 1)));
}

mx_name mx_add(mx_layers *l, mx_name a, mx_name b)
{
    return mx_op2(l, "Add", a, b);
}

mx_name mx_mul(mx_layers *l, mx_name a, mx_name b)
{
    return mx_op2(l, "Mul", a, b);
}

mx_name mx_softmax(mx_layers *l, mx_name x, int64_t axis)
{
    mexpr_builder_int(l->b, "axis", axis);
    return mx_op1(l, "Softmax", x);
}

mx_name mx_max_pool(mx_layers *l, mx_name x, int64_t kernel, int64_t stride, int64_t pad)
{
    const int64_t kernels[2] = {kernel, kernel}, strides[2] = {stride, stride};
    const int64_t pads[4] = {pad, pad, pad, pad};
    mexpr_builder_ints(l->b, "kernel_shape", kernels, 2);
    mexpr_builder_ints(l->b, "strides", strides, 2);
    mexpr_builder_ints(l->b, "pads", pads, 4);
    return mx_op1(l, "MaxPool", x);
}

mx_name mx_average_pool(mx_layers *l, mx_name x, int64_t kernel, int64_t stride)
{
    const int64_t kernels[2] = {kernel, kernel}, strides[2] = {stride, stride};
    mexpr_builder_ints(l->b, "kernel_shape", kernels, 2);
    mexpr_builder_ints(l->b, "strides", strides, 2);
    return mx_op1(l, "AveragePool", x);
}

mx_name mx_global(mx_layers *l, const char *op, mx_name x)
{
    return mx_op1(l, op, x);
}

mx_name mx_flatten(mx_layers *l, mx_name x)
{
    return mx_op1(l, "Flatten", x);
}

mx_name mx_concat(mx_layers *l, const mx_name *x, int n, int64_t axis)
{
    mexpr_builder_int(l->b, "axis", axis);
    return mx_op(l, "Concat", x, n);
}

mx_name mx_reshape(mx_layers *l, mx_name x, int rank, const int64_t *dims)
{
    return mx_op2(l, "Reshape", x, mx_ints(l, rank, dims));
}

mx_name mx_transpose(mx_layers *l, mx_name x, int rank, const int64_t *order)
{
    mexpr_builder_ints(l->b, "perm", order, (size_t)rank);
    return mx_op1(l, "Transpose", x);
}

mx_name mx_reduce(mx_layers *l, const char *op, mx_name x, int64_t axis, bool keep)
{
    mexpr_builder_ints(l->b, "axes", &axis, 1);
    mexpr_builder_int(l->b, "keepdims", keep);
    return mx_op1(l, op, x);
}

mx_name mx_dropout(mx_layers *l, mx_name x, float ratio)
{
    static const uint8_t training = 0;
    mexpr_tensor_view view = MEXPR_TENSOR_VIEW_INIT;
    view.dtype = MEXPR_DTYPE_BOOL;
    view.data = &training;
    const mx_name share = mx_scalar(l, ratio);
    mexpr_builder_tensor(l->b, "value", &view);
    const mx_name inputs[3] = {x, share, mx_op(l, "Constant", NULL, 0)};
    return mx_op(l, "Dropout", inputs, 3);
}

/* --- attention --------------------------------------------------------------------- */

mx_name mx_channel_gate(mx_layers *l, mx_name x, const char *path, int64_t channels,
    int64_t hidden, bool has_bias)
{
    static const char *const pools[2] = {"GlobalAveragePool", "GlobalMaxPool"};
    const mx_conv down = {
        .in = channels, .out = hidden, .kernel = 1, .no_bias = !has_bias};
    const mx_conv up = {.in = hidden, .out = channels, .kernel = 1, .no_bias = !has_bias};
    const mx_name fc1 = mx_path(path, "fc1"), fc2 = mx_path(path, "fc2");
    mx_name part[2];
    mx_conv_weights(l, fc1.text, &down);
    mx_conv_weights(l, fc2.text, &up);
    for (int i = 0; i < 2; i++) {
        part[i] = mx_conv_apply(l, mx_global(l, pools[i], x), fc1.text, &down);
        part[i] = mx_conv_apply(l, mx_relu(l, part[i]), fc2.text, &up);
    }
    return mx_mul(l, x, mx_sigmoid(l, mx_add(l, part[0], part[1])));
}

mx_name mx_spatial_gate(mx_layers *l, mx_name x, const char *path, int64_t kernel,
    int64_t dilation, bool has_bias)
{
    const mx_name maps[2] = {
        mx_reduce(l, "ReduceMean", x, 1, true), mx_reduce(l, "ReduceMax", x, 1, true)};
    const mx_name both = mx_concat(l, maps, 2, 1);
    const mx_name map = mx_conv_layer(l, both, mx_path(path, "conv").text,
        (mx_conv){.in = 2,
            .out = 1,
            .kernel = kernel,
            .dilation = dilation,
            .pad = dilation * (kernel - 1) / 2,
            .no_bias = !has_bias});
    return mx_mul(l, x, mx_sigmoid(l, map));
}
