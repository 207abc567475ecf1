/* SPDX-License-Identifier: MIT */
#include "net_definition.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_VALUES = 64 * 64 * 16 };

static double clamped(double value, double low, double high)
{
    return value < low ? low : value > high ? high : value;
}

/* Of all terms of output `channel` at (x, y), the weights as they are stored. */
static double sum_of(
    const mx_small_net *net, int i, int channel, int x, int y, const double *in)
{
    const mx_small_layer *layer = &net->layers[i];
    const int kernel = layer->kernel ? layer->kernel : layer->side;
    const int pad = layer->kernel / 2;
    const size_t taps = mx_small_layer_taps(layer), out = (size_t)channel;
    double sum = 0.0;
    for (size_t t = 0; t < taps; t++) {
        const int c = (int)t % layer->in, kx = (int)t / layer->in % kernel;
        const int from_x = x * layer->stride + kx - pad;
        const int from_y = y * layer->stride + (int)t / layer->in / kernel - pad;
        if (from_x < 0 || from_x >= layer->side || from_y < 0 || from_y >= layer->side)
            continue;
        const double weight = mx_small_net_is_whole(net, i)
                                  ? *mx_small_net_whole(net, i, t, out)
                                  : (double)net->steps[i].weights[out * taps + t];
        sum += weight * in[(from_y * layer->side + from_x) * layer->in + c];
    }
    return sum;
}

static double output_of(
    const mx_small_net *net, int i, int channel, int x, int y, const double *in)
{
    const mx_small_layer *layer = &net->layers[i];
    const mx_small_step *s = &net->steps[i];
    double value = sum_of(net, i, channel, x, y, in);
    if (mx_small_net_is_whole(net, i)) /* in float32, as the kernels */
        value = (double)((float)value * s->scale[channel] + s->bias[channel]);
    else
        value += (double)s->bias[channel];
    if (layer->kernel)
        return rint(clamped(value, 0.0, MX_CONV16_MOST));
    return layer->relu && value < 0.0 ? 0.0 : value;
}

void net_by_definition(const mx_small_net *net, const float *input, float factor,
    float summand, double *output)
{
    static double now[MOST_VALUES], then[MOST_VALUES];
    const float unit = mx_small_net_unit(net, 0);
    for (size_t i = 0; i < mx_small_layer_inputs(&net->layers[0]); i++) {
        const float value = input[i] * (factor / unit) + summand / unit;
        now[i] = rint(clamped((double)value, -32767.0, 32767.0));
    }
    int n_last = 0;
    for (int i = 0; i < net->n_layers; i++) {
        const mx_small_layer *layer = &net->layers[i];
        const int side = mx_small_layer_out_side(layer);
        n_last = layer->out * side * side;
        for (int o = 0; o < n_last; o++)
            then[o] = output_of(net, i, o % layer->out, o / layer->out % side,
                o / layer->out / side, now);
        memcpy(now, then, sizeof now);
    }
    memcpy(output, now, sizeof *output * (size_t)n_last);
}
