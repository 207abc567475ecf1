/* SPDX-License-Identifier: MIT */
#include "face/face_net.h"

#include <math.h>

const mx_small_layer mx_face_layers[MX_FACE_NET_LAYERS] = {
    {32, 1, 16, 3, 2, true},
    {16, 16, 32, 3, 2, true},
    {8, 32, 48, 3, 1, true},
    {8, 48, 64, 3, 2, true},
    {4, 64, 64, 0, 0, true},
    {1, 64, MX_FACE_NET_OUT, 0, 0, false},
};

/* Of values behind convolutions, which reach 31. */
static const float range = 64.0f;

mexpr_status mx_face_net_create(mx_scope *scope, mx_face_net *net)
{
    size_t total = 0;
    for (int i = 0; i < MX_FACE_NET_LAYERS; i++)
        total +=
            (mx_small_layer_taps(&mx_face_layers[i]) + 1) * (size_t)mx_face_layers[i].out;
    float *at = net->memory = mx_calloc(scope, total, sizeof *at);
    if (!at)
        return MEXPR_E_NOMEM;
    for (int i = 0; i < MX_FACE_NET_LAYERS; i++) {
        const size_t n = (size_t)mx_face_layers[i].out;
        net->weights[i] = at;
        at += mx_small_layer_taps(&mx_face_layers[i]) * n;
        net->biases[i] = at;
        at += n;
    }
    return MEXPR_OK;
}

void mx_face_net_free(mexpr_context *context, mx_face_net *net)
{
    mx_free(context, net->memory);
    *net = (mx_face_net){.memory = NULL};
}

mexpr_status mx_face_net_prepare(
    mx_scope *scope, const mx_face_net *net, mx_small_net *out)
{
    const mexpr_status status =
        mx_small_net_create(scope, mx_face_layers, MX_FACE_NET_LAYERS, range, out);
    for (int i = 0; i < MX_FACE_NET_LAYERS && status == MEXPR_OK; i++) {
        const mx_small_layer *layer = &mx_face_layers[i];
        for (int o = 0; o < layer->out; o++)
            mx_small_net_set(
                out, i, o, net->weights[i] + o, (size_t)layer->out, net->biases[i][o]);
    }
    return status;
}

void mx_face_net_input(const uint8_t *patch, float *input)
{
    enum { N = MX_FACE_NET_SIDE * MX_FACE_NET_SIDE };
    int64_t sum = 0, squares = 0;
    for (int i = 0; i < N; i++) {
        sum += patch[i];
        squares += patch[i] * patch[i];
    }
    const double mean = (double)sum / N;
    const double variance = (double)squares / N - mean * mean;
    const float scale = (float)(1 / sqrt(variance + 0.5));
    for (int i = 0; i < N; i++)
        input[i] = ((float)patch[i] - (float)mean) * scale;
}

void mx_face_net_run(
    const mx_small_net *net, const uint8_t *patch, float out[MX_FACE_NET_OUT])
{
    enum { SIDE = MX_FACE_NET_SIDE };
    float input[SIDE * SIDE];
    mx_face_net_input(patch, input);
    mx_small_net_run(net, input, 1.0f, 0.0f, out);
}
