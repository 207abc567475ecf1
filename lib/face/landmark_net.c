/* SPDX-License-Identifier: MIT */
#include "face/landmark_net.h"

#include <math.h>
#include <string.h>

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

/* Of values behind convolutions: 25 of 500 million reached it. */
static const float range = 16.0f;

size_t mx_landmark_plan_bytes(const mx_landmark_plan *plan)
{
    size_t bytes = 0;
    for (int i = 0; i < plan->n_layers; i++)
        bytes += (size_t)plan->layers[i].out *
                 (2 * sizeof(float) + mx_small_layer_taps(&plan->layers[i]));
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

/* `row` has room for the weights of one output. */
static void read_layer(mx_small_net *net, int i, const uint8_t *bytes, float *row)
{
    const mx_small_layer *layer = &net->layers[i];
    const size_t out = (size_t)layer->out, taps = mx_small_layer_taps(layer);
    const uint8_t *stored = bytes + 2 * out * sizeof(float);
    for (size_t o = 0; o < out; o++) {
        const float scale = read_float(bytes + o * sizeof(float));
        const float bias = read_float(bytes + (out + o) * sizeof(float));
        for (size_t t = 0; t < taps; t++) {
            const size_t at = layer->kernel ? t * out + o : o * taps + t;
            row[t] = scale * (float)(int8_t)stored[at];
        }
        mx_small_net_set(net, i, (int)o, row, 1, bias);
    }
}

static size_t most_taps(const mx_landmark_plan *plan)
{
    size_t most = 0;
    for (int i = 0; i < plan->n_layers; i++) {
        const size_t taps = mx_small_layer_taps(&plan->layers[i]);
        most = taps > most ? taps : most;
    }
    return most;
}

mexpr_status mx_landmark_net_create(mx_scope *scope, const mx_landmark_plan *plan,
    const uint8_t *bytes, mx_landmark_net *net)
{
    net->plan = plan;
    float *row = mx_alloc(scope, most_taps(plan), sizeof *row);
    if (!row)
        return MEXPR_E_NOMEM;
    const mexpr_status status =
        mx_small_net_create(scope, plan->layers, plan->n_layers, range, &net->net);
    for (int i = 0; i < plan->n_layers && status == MEXPR_OK; i++) {
        const mx_small_layer *layer = &plan->layers[i];
        read_layer(&net->net, i, bytes, row);
        bytes += (size_t)layer->out * (2 * sizeof(float) + mx_small_layer_taps(layer));
    }
    mx_free(scope->context, row);
    return status;
}

void mx_landmark_net_free(mexpr_context *context, mx_landmark_net *net)
{
    mx_small_net_free(context, &net->net);
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
    float factor, summand;
    mx_landmark_crop_norm(&net->net.nn, crop, net->plan->side, &factor, &summand);
    mx_small_net_run(&net->net, crop, factor, summand, output);
}
