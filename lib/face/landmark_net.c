/* SPDX-License-Identifier: MIT */
/* A convolution is a matrix product whose left matrix is never written down: with the
 * channels innermost, the inputs under one row of taps lie one behind the other, and
 * those of the next output a fixed distance further. */
#include "face/landmark_net.h"

#include <math.h>
#include <string.h>

#include "base/checked.h"

const mx_landmark_plan mx_landmark_plans[MX_LANDMARK_STAGES] = {
    {.side = 40,
        .extent = 1.5f,
        .n_layers = 6,
        .layers = {{40, 1, 32, 5, 2, true}, {20, 32, 32, 3, 2, true},
            {10, 32, 64, 3, 2, true}, {5, 64, 64, 3, 1, true}, {5, 64, 64, 0, 0, false},
            {1, 64, MX_LANDMARK_OUTPUTS, 0, 0, false}}},
    {.side = 64,
        .extent = 1.3f,
        .n_layers = 8,
        .layers = {{64, 1, 16, 5, 2, true}, {32, 16, 32, 3, 2, true},
            {16, 32, 48, 3, 1, true}, {16, 48, 64, 3, 2, true}, {8, 64, 64, 3, 1, true},
            {8, 64, 96, 3, 2, true}, {4, 96, 64, 0, 0, false},
            {1, 64, MX_LANDMARK_OUTPUTS, 0, 0, false}}},
};

/* Deviation, in grey levels, below which contrast counts as noise. */
static const float least_contrast = 8.0f;

static int padding(const mx_landmark_layer *layer)
{
    return layer->kernel / 2;
}

static size_t padded_inputs(const mx_landmark_layer *layer)
{
    const size_t side = (size_t)(layer->side + 2 * padding(layer));
    return mx_round_up(side * side * (size_t)layer->in, 16);
}

static size_t weights_room(const mx_landmark_layer *layer)
{
    /* Blocks read whole vectors behind the last weights. */
    return mx_round_up(
        mx_landmark_layer_taps(layer) * (size_t)layer->out + MX_GEMM_COLS, 16);
}

static size_t outputs_room(const mx_landmark_layer *layer)
{
    return mx_round_up((size_t)layer->out, 16);
}

size_t mx_landmark_plan_bytes(const mx_landmark_plan *plan)
{
    size_t bytes = 0;
    for (int i = 0; i < plan->n_layers; i++)
        bytes += (size_t)plan->layers[i].out *
                 (2 * sizeof(float) + mx_landmark_layer_taps(&plan->layers[i]));
    return bytes;
}

static float read_float(const uint8_t *bytes)
{
    const uint32_t bits = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 |
                          (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void read_layer(
    const mx_landmark_layer *layer, const uint8_t *bytes, float *weights, float *bias)
{
    const size_t out = (size_t)layer->out, taps = mx_landmark_layer_taps(layer);
    const uint8_t *stored = bytes + 2 * out * sizeof(float);
    for (size_t o = 0; o < out; o++) {
        const float scale = read_float(bytes + o * sizeof(float));
        bias[o] = read_float(bytes + (out + o) * sizeof(float));
        for (size_t t = 0; t < taps; t++) {
            const size_t at = layer->kernel ? t * out + o : o * taps + t;
            weights[at] = scale * (float)(int8_t)stored[at];
        }
    }
}

mexpr_status mx_landmark_net_create(mx_scope *scope, const mx_landmark_plan *plan,
    const uint8_t *bytes, mx_landmark_net *net)
{
    size_t room = 0;
    for (int i = 0; i < plan->n_layers; i++)
        room += weights_room(&plan->layers[i]) + outputs_room(&plan->layers[i]) +
                padded_inputs(&plan->layers[i]);
    const uint32_t cpu = mexpr_context_cpu(scope->context);
    *net = (mx_landmark_net){.plan = plan};
    mx_gemm_kernels_init(&net->gemm, cpu);
    mx_nn_kernels_init(&net->nn, cpu);
    net->memory = mx_calloc(scope, room, sizeof(float));
    if (!net->memory)
        return MEXPR_E_NOMEM;
    float *next = net->memory;
    for (int i = 0; i < plan->n_layers; i++) {
        const mx_landmark_layer *layer = &plan->layers[i];
        net->weights[i] = next;
        net->bias[i] = net->weights[i] + weights_room(layer);
        net->input[i] = net->bias[i] + outputs_room(layer);
        next = net->input[i] + padded_inputs(layer);
        read_layer(layer, bytes, net->weights[i], net->bias[i]);
        bytes += (size_t)layer->out * (2 * sizeof(float) + mx_landmark_layer_taps(layer));
    }
    return MEXPR_OK;
}

void mx_landmark_net_free(mexpr_context *context, mx_landmark_net *net)
{
    mx_free(context, net->memory);
    net->memory = NULL;
}

/* One row of outputs, `columns` of them, from the input's upper left tap on. */
static void convolve_row(const mx_landmark_net *net, const mx_landmark_layer *layer,
    const float *weights, const float *input, int columns, float *output)
{
    const ptrdiff_t input_row = (ptrdiff_t)(layer->side + 2 * padding(layer)) * layer->in;
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
                block.a = input + y * input_row + x * block.a_row;
                block.b = weights + (ptrdiff_t)y * block.k * layer->out + o;
                block.beta = y == 0 ? 0.0f : 1.0f;
                net->gemm.block(&block);
            }
        }
    }
}

/* `output`: the first pixel of the next layer's input; its rows are `output_row` long. */
static void convolve(
    const mx_landmark_net *net, int i, float *output, ptrdiff_t output_row)
{
    const mx_landmark_layer *layer = &net->plan->layers[i];
    const int side = mx_landmark_layer_out_side(layer);
    const ptrdiff_t step =
        (ptrdiff_t)layer->stride * (layer->side + 2 * padding(layer)) * layer->in;
    for (int y = 0; y < side; y++) {
        float *row = output + y * output_row;
        convolve_row(net, layer, net->weights[i], net->input[i] + y * step, side, row);
        net->nn.bias_cols(
            (size_t)side, (size_t)layer->out, row, net->bias[i], layer->relu, row);
    }
}

static void dense(const mx_landmark_net *net, int i, float *output)
{
    const mx_landmark_layer *layer = &net->plan->layers[i];
    const size_t n = mx_landmark_layer_inputs(layer);
    net->gemm.dots(1, (size_t)layer->out, n, net->weights[i], (ptrdiff_t)n, net->input[i],
        (ptrdiff_t)n, output, (ptrdiff_t)layer->out);
    net->nn.bias_cols(1, (size_t)layer->out, output, net->bias[i], layer->relu, output);
}

void mx_landmark_crop_norm(
    const mx_nn_kernels *nn, const float *crop, int side, float *factor, float *summand)
{
    const size_t n = (size_t)side * (size_t)side;
    const float mean = nn->sum(n, crop) / (float)n;
    const float deviation = sqrtf(nn->sum_square_diff(n, crop, mean) / (float)n);
    *factor = 1.0f / (deviation + least_contrast);
    *summand = -mean * *factor;
}

void mx_landmark_net_run(
    const mx_landmark_net *net, const float *crop, float output[MX_LANDMARK_OUTPUTS])
{
    const mx_landmark_plan *plan = net->plan;
    const int edge = padding(&plan->layers[0]);
    float factor, summand;
    mx_landmark_crop_norm(&net->nn, crop, plan->side, &factor, &summand);
    for (int y = 0; y < plan->side; y++)
        net->nn.scale_shift((size_t)plan->side, crop + y * plan->side, factor, summand,
            net->input[0] + (y + edge) * (plan->side + 2 * edge) + edge);
    for (int i = 0; i < plan->n_layers; i++) {
        const mx_landmark_layer *next = &plan->layers[i + 1];
        const bool last = i + 1 == plan->n_layers;
        const int around = last ? 0 : padding(next);
        const ptrdiff_t row = last ? 0 : (ptrdiff_t)(next->side + 2 * around) * next->in;
        float *to = last ? output : net->input[i + 1] + around * row + around * next->in;
        if (plan->layers[i].kernel)
            convolve(net, i, to, row);
        else
            dense(net, i, to);
    }
}
