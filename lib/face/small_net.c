/* SPDX-License-Identifier: MIT */
/* A convolution is a matrix product whose left matrix is never written down: with the
 * channels innermost, the inputs under one row of taps lie one behind the other, and
 * those of the next output a fixed distance further. */
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

static size_t weights_room(const mx_small_layer *layer)
{
    /* Blocks read whole vectors behind the last weights. */
    return mx_round_up(
        mx_small_layer_taps(layer) * (size_t)layer->out + MX_GEMM_COLS, 16);
}

static size_t outputs_room(const mx_small_layer *layer)
{
    return mx_round_up((size_t)layer->out, 16);
}

mexpr_status mx_small_net_create(
    mx_scope *scope, const mx_small_layer *layers, int n_layers, mx_small_net *net)
{
    size_t room = 0;
    for (int i = 0; i < n_layers; i++)
        room += weights_room(&layers[i]) + outputs_room(&layers[i]) +
                padded_inputs(&layers[i]);
    const uint32_t cpu = mexpr_context_cpu(scope->context);
    *net = (mx_small_net){.layers = layers, .n_layers = n_layers};
    mx_gemm_kernels_init(&net->gemm, cpu);
    mx_nn_kernels_init(&net->nn, cpu);
    net->memory = mx_calloc(scope, room, sizeof(float));
    if (!net->memory)
        return MEXPR_E_NOMEM;
    float *next = net->memory;
    for (int i = 0; i < n_layers; i++) {
        net->weights[i] = next;
        net->bias[i] = net->weights[i] + weights_room(&layers[i]);
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

/* One row of outputs, `columns` of them, from the input's upper left tap on. */
static void convolve_row(const mx_small_net *net, const mx_small_layer *layer,
    const float *weights, const float *input, int columns, float *output)
{
    const int n_blocks = (columns + net->gemm.rows - 1) / net->gemm.rows;
    mx_gemm_block block = {.k = layer->kernel * layer->in,
        .a_row = (ptrdiff_t)layer->stride * layer->in,
        .a_col = 1,
        .b_row = layer->out,
        .c_row = layer->out,
        .alpha = 1.0f};
    for (int x = 0, left = n_blocks; left > 0; x += block.rows, left--) {
        block.rows = (columns - x + left - 1) / left;
        for (int o = 0; o < layer->out; o += block.cols) {
            block.cols =
                layer->out - o < net->gemm.cols ? layer->out - o : net->gemm.cols;
            block.c = output + (ptrdiff_t)x * layer->out + o;
            for (int y = 0; y < layer->kernel; y++) {
                block.a = input + y * input_row(layer) + x * block.a_row;
                block.b = weights + (ptrdiff_t)y * block.k * layer->out + o;
                block.beta = y == 0 ? 0.0f : 1.0f;
                net->gemm.block(&block);
            }
        }
    }
}

/* `output`: the first pixel of the next layer's input; its rows are `output_row` long. */
static void convolve(const mx_small_net *net, int i, float *output, ptrdiff_t output_row)
{
    const mx_small_layer *layer = &net->layers[i];
    const int side = mx_small_layer_out_side(layer);
    const ptrdiff_t step = layer->stride * input_row(layer);
    for (int y = 0; y < side; y++) {
        float *row = output + y * output_row;
        convolve_row(net, layer, net->weights[i], net->input[i] + y * step, side, row);
        net->nn.bias_cols(
            (size_t)side, (size_t)layer->out, row, net->bias[i], layer->relu, row);
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
