/* SPDX-License-Identifier: MIT */
/* A convolution is a matrix product whose left matrix is never written down: with the
 * channels innermost, the inputs under one row of taps lie one behind the other, and
 * those of the next output a fixed distance further. Its weights lie in panels of as many
 * outputs as the kernel makes at a time. */
#include "face/small_net.h"

#include "base/checked.h"

static int padding(const mx_small_layer *layer)
{
    return layer->kernel / 2;
}

static ptrdiff_t input_row(const mx_small_layer *layer)
{
    return (ptrdiff_t)(layer->side + 2 * padding(layer)) * layer->in;
}

static size_t padded_inputs(const mx_small_layer *layer)
{
    const size_t side = (size_t)(layer->side + 2 * padding(layer));
    return mx_round_up(side * side * (size_t)layer->in, 16);
}

static int n_panels(const mx_small_net *net, const mx_small_layer *layer)
{
    return (layer->out + net->conv.cols - 1) / net->conv.cols;
}

static size_t weights_room(const mx_small_net *net, const mx_small_layer *layer)
{
    const size_t outputs = layer->kernel ? (size_t)(n_panels(net, layer) * net->conv.cols)
                                         : (size_t)layer->out;
    return mx_round_up(mx_small_layer_taps(layer) * outputs, 16);
}

static size_t outputs_room(const mx_small_layer *layer)
{
    return mx_round_up((size_t)layer->out, MX_TILE_COLS);
}

float *mx_small_net_weight(const mx_small_net *net, int i, size_t tap, size_t out)
{
    const mx_small_layer *layer = &net->layers[i];
    const size_t taps = mx_small_layer_taps(layer), cols = (size_t)net->conv.cols;
    return net->weights[i] + (layer->kernel
                                     ? (out / cols * taps + tap) * cols + out % cols
                                     : out * taps + tap);
}

mexpr_status mx_small_net_create(
    mx_scope *scope, const mx_small_layer *layers, int n_layers, mx_small_net *net)
{
    size_t room = 0;
    const uint32_t cpu = mexpr_context_cpu(scope->context);
    *net = (mx_small_net){.layers = layers, .n_layers = n_layers};
    mx_conv_kernels_init(&net->conv, cpu);
    mx_gemm_kernels_init(&net->gemm, cpu);
    mx_nn_kernels_init(&net->nn, cpu);
    for (int i = 0; i < n_layers; i++)
        room += weights_room(net, &layers[i]) + outputs_room(&layers[i]) +
                padded_inputs(&layers[i]);
    net->memory = mx_calloc(scope, room, sizeof(float));
    if (!net->memory)
        return MEXPR_E_NOMEM;
    float *next = net->memory;
    for (int i = 0; i < n_layers; i++) {
        net->weights[i] = next;
        net->bias[i] = net->weights[i] + weights_room(net, &layers[i]);
        net->input[i] = net->bias[i] + outputs_room(&layers[i]);
        next = net->input[i] + padded_inputs(&layers[i]);
    }
    return MEXPR_OK;
}

void mx_small_net_free(mexpr_context *context, mx_small_net *net)
{
    mx_free(context, net->memory);
    net->memory = NULL;
}

/* The first pixel of a layer's input that is not one of the zeros around it. */
static float *first_pixel(const mx_small_net *net, int i)
{
    const mx_small_layer *layer = &net->layers[i];
    return net->input[i] + padding(layer) * (input_row(layer) + layer->in);
}

float *mx_small_net_row(const mx_small_net *net, int y)
{
    return first_pixel(net, 0) + y * input_row(&net->layers[0]);
}

/* `output`: the first pixel of the next layer's input; its rows are `output_row` long. */
static void convolve(const mx_small_net *net, int i, float *output, ptrdiff_t output_row)
{
    const mx_small_layer *layer = &net->layers[i];
    const int side = mx_small_layer_out_side(layer), cols = net->conv.cols;
    ptrdiff_t offsets[MX_SMALL_KERNEL];
    const float *input;
    mx_conv_tile tile = {.rows = side,
        .runs = (size_t)layer->kernel,
        .length = (size_t)(layer->kernel * layer->in),
        .x = &input,
        .offsets = offsets,
        .step = (ptrdiff_t)layer->stride * layer->in,
        .y_row = layer->out,
        .finish = {.activation = layer->relu ? MX_ACTIVATION_RELU : MX_ACTIVATION_NONE}};
    for (int k = 0; k < layer->kernel; k++)
        offsets[k] = k * input_row(layer);
    for (int o = 0; o < layer->out; o += cols) {
        tile.cols = layer->out - o < cols ? layer->out - o : cols;
        tile.w = mx_small_net_weight(net, i, 0, (size_t)o);
        tile.finish.shift = net->bias[i] + o;
        for (int y = 0; y < side; y++) {
            input = net->input[i] + y * layer->stride * input_row(layer);
            tile.y = output + y * output_row + o;
            net->conv.tile(&tile);
        }
    }
}

static void dense(const mx_small_net *net, int i, float *output)
{
    const mx_small_layer *layer = &net->layers[i];
    const size_t n = mx_small_layer_inputs(layer);
    net->gemm.dots(1, (size_t)layer->out, n, net->weights[i], (ptrdiff_t)n, net->input[i],
        (ptrdiff_t)n, output, (ptrdiff_t)layer->out);
    net->nn.bias_cols(1, (size_t)layer->out, output, net->bias[i], layer->relu, output);
}

void mx_small_net_run(const mx_small_net *net, float *output)
{
    for (int i = 0; i < net->n_layers; i++) {
        const bool last = i + 1 == net->n_layers;
        float *to = last ? output : first_pixel(net, i + 1);
        if (net->layers[i].kernel)
            convolve(net, i, to, last ? 0 : input_row(&net->layers[i + 1]));
        else
            dense(net, i, to);
    }
}
