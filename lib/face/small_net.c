/* SPDX-License-Identifier: MIT */
/* A convolution is a matrix product whose left matrix is never written down: with the
 * channels innermost, the inputs under one row of taps lie one behind the other. Inputs
 * have 15 bits and weights as many as keep the sums within 32. Against float32 that takes
 * half the time and moves landmarks by a hundredth of a pixel. */
#include "face/small_net.h"

#include <math.h>

#include "base/checked.h"

enum { ROOM = 32 }; /* behind an input: kernels read in pairs */

static const float input_range = 32.0f, ones = MX_CONV16_MOST + 1.0f;

static int padding(const mx_small_layer *layer)
{
    return layer->kernel / 2;
}

static int input_row(const mx_small_layer *layer)
{
    return (layer->side + 2 * padding(layer)) * layer->in;
}

static int n_pixels(const mx_small_layer *layer)
{
    return mx_small_layer_out_side(layer) * mx_small_layer_out_side(layer);
}

/* Taps that meet inputs side by side: a row, or all of a dense layer. */
static int n_runs(const mx_small_layer *layer)
{
    return layer->kernel ? layer->kernel : 1;
}

static int run_length(const mx_small_layer *layer)
{
    return (int)mx_small_layer_taps(layer) / n_runs(layer);
}

static int n_pairs(const mx_small_layer *layer)
{
    return (run_length(layer) + 1) / 2;
}

bool mx_small_net_is_whole(const mx_small_net *net, int i)
{
    return i == 0 || net->layers[i - 1].kernel > 0;
}

float mx_small_net_unit(const mx_small_net *net, int i)
{
    return (i == 0 ? input_range : net->range) / ones;
}

/* --- life -------------------------------------------------------------------------- */

/* Hands out memory, or with NULL counts it. */
static void *take(uint8_t *memory, size_t *used, size_t n, size_t element)
{
    void *here = memory ? memory + *used : NULL;
    *used += mx_round_up(n * element, 64);
    return here;
}

static void place_whole(
    const mx_small_layer *layer, uint8_t *memory, size_t *used, mx_small_step *s)
{
    const size_t out = (size_t)layer->out, runs = (size_t)n_runs(layer);
    const size_t rows = (size_t)(layer->side + 2 * padding(layer));
    const size_t inputs = rows * (size_t)input_row(layer) + ROOM;
    const size_t pixels = (size_t)n_pixels(layer);
    s->input = take(memory, used, inputs, sizeof *s->input);
    s->whole =
        take(memory, used, 2 * out * runs * (size_t)n_pairs(layer), sizeof *s->whole);
    s->scale = take(memory, used, out, sizeof *s->scale);
    s->from = take(memory, used, pixels, sizeof *s->from);
    s->to = take(memory, used, pixels, sizeof *s->to);
    s->run = take(memory, used, runs, sizeof *s->run);
}

static size_t place_steps(mx_small_net *net, uint8_t *memory)
{
    size_t used = 0;
    for (int i = 0; i < net->n_layers; i++) {
        const mx_small_layer *layer = &net->layers[i];
        const size_t out = (size_t)layer->out, taps = mx_small_layer_taps(layer);
        mx_small_step *s = &net->steps[i];
        s->bias = take(memory, &used, out, sizeof *s->bias);
        if (mx_small_net_is_whole(net, i)) {
            place_whole(layer, memory, &used, s);
            continue;
        }
        s->values = take(memory, &used, taps, sizeof *s->values);
        s->weights = take(memory, &used, taps * out, sizeof *s->weights);
    }
    return used;
}

/* Where pixel (x, y) of a layer's input is. */
static int32_t place_of(const mx_small_layer *layer, int x, int y)
{
    return (y + padding(layer)) * input_row(layer) + (x + padding(layer)) * layer->in;
}

static void find_places(const mx_small_net *net, int i)
{
    const mx_small_layer *layer = &net->layers[i], *next = layer + 1;
    const mx_small_step *s = &net->steps[i];
    const int side = mx_small_layer_out_side(layer), pad = padding(layer);
    for (int k = 0; k < n_runs(layer); k++)
        s->run[k] = k * input_row(layer);
    for (int p = 0; p < side * side; p++) {
        const int x = p % side, y = p / side;
        s->from[p] = place_of(layer, x * layer->stride - pad, y * layer->stride - pad);
        s->to[p] = layer->kernel ? place_of(next, x, y) : 0;
    }
}

mexpr_status mx_small_net_create(mx_scope *scope, const mx_small_layer *layers,
    int n_layers, float range, mx_small_net *net)
{
    const uint32_t cpu = mexpr_context_cpu(scope->context);
    *net = (mx_small_net){.layers = layers, .n_layers = n_layers, .range = range};
    mx_conv16_kernels_init(&net->conv, cpu);
    mx_gemm_kernels_init(&net->gemm, cpu);
    mx_nn_kernels_init(&net->nn, cpu);
    net->memory = mx_calloc(scope, place_steps(net, NULL), 1);
    if (!net->memory)
        return MEXPR_E_NOMEM;
    place_steps(net, net->memory);
    for (int i = 0; i < n_layers && mx_small_net_is_whole(net, i); i++)
        find_places(net, i);
    return MEXPR_OK;
}

void mx_small_net_free(mexpr_context *context, mx_small_net *net)
{
    mx_free(context, net->memory);
    net->memory = NULL;
}

/* --- weights ----------------------------------------------------------------------- */

int16_t *mx_small_net_whole(const mx_small_net *net, int i, size_t tap, size_t out)
{
    enum { PANEL = MX_CONV16_PANEL };
    const mx_small_layer *layer = &net->layers[i];
    const size_t length = (size_t)run_length(layer), in_run = tap % length;
    const size_t run = out / PANEL * (size_t)n_runs(layer) + tap / length;
    const size_t pair = run * (size_t)n_pairs(layer) + in_run / 2;
    return net->steps[i].whole + (pair * PANEL + out % PANEL) * 2 + in_run % 2;
}

/* What a layer's results are multiples of: behind a dense one, of 1. */
static float unit_behind(const mx_small_net *net, int i)
{
    return net->layers[i].kernel ? net->range / ones : 1.0f;
}

/* What a whole number stands for, so that sums of 32 bits hold: inputs are below 2^15. A
 * whole part of the largest weight over 127, so that weights stored in 8 bits stay what
 * they are, where it can be. */
static float step_of(size_t taps, const float *weights, size_t distance)
{
    const float most_sum = 65000.0f;
    float sum = 0.0f, largest = 1e-20f;
    for (size_t t = 0; t < taps; t++) {
        sum += fabsf(weights[t * distance]);
        largest = fmaxf(largest, fabsf(weights[t * distance]));
    }
    const float parts =
        floorf(fminf(largest / 127.0f * most_sum / sum, 32767.0f / 127.0f));
    return parts >= 1.0f ? largest / 127.0f / parts : sum / most_sum;
}

static void set_whole(mx_small_net *net, int i, size_t out, const float *weights,
    size_t distance, float bias)
{
    const mx_small_step *s = &net->steps[i];
    const size_t taps = mx_small_layer_taps(&net->layers[i]);
    const float step = step_of(taps, weights, distance);
    for (size_t t = 0; t < taps; t++)
        *mx_small_net_whole(net, i, t, out) =
            (int16_t)lrintf(weights[t * distance] / step);
    s->scale[out] = step * mx_small_net_unit(net, i) / unit_behind(net, i);
    s->bias[out] = bias / unit_behind(net, i);
}

void mx_small_net_set(
    mx_small_net *net, int i, int out, const float *weights, size_t distance, float bias)
{
    const mx_small_step *s = &net->steps[i];
    const size_t taps = mx_small_layer_taps(&net->layers[i]);
    if (mx_small_net_is_whole(net, i)) {
        set_whole(net, i, (size_t)out, weights, distance, bias);
        return;
    }
    for (size_t t = 0; t < taps; t++)
        s->weights[(size_t)out * taps + t] = weights[t * distance];
    s->bias[out] = bias;
}

/* --- run --------------------------------------------------------------------------- */

/* Results go to `whole`, or if it is NULL to `values`. */
static void run_whole(const mx_small_net *net, int i, int16_t *whole, float *values)
{
    const mx_small_layer *layer = &net->layers[i];
    const mx_small_step *s = &net->steps[i];
    const mx_conv16_layer work = {n_pixels(layer), layer->out, n_runs(layer),
        n_pairs(layer), s->input, s->from, s->run, s->whole, s->scale, s->bias, whole,
        values, s->to};
    net->conv.layer(&work);
    if (!whole && layer->relu)
        net->nn.relu((size_t)layer->out, values, values);
}

static void run_float(const mx_small_net *net, int i, float *values)
{
    const mx_small_layer *layer = &net->layers[i];
    const mx_small_step *s = &net->steps[i];
    const size_t n = mx_small_layer_inputs(layer), out = (size_t)layer->out;
    net->gemm.dots(1, out, n, s->weights, (ptrdiff_t)n, s->values, (ptrdiff_t)n, values,
        (ptrdiff_t)out);
    net->nn.bias_cols(1, out, values, s->bias, layer->relu, values);
}

void mx_small_net_run(const mx_small_net *net, const float *input, float factor,
    float summand, float *output)
{
    const mx_small_layer *first = &net->layers[0];
    const float unit = mx_small_net_unit(net, 0);
    for (int y = 0; y < first->side; y++)
        net->conv.shrink(first->side, input + y * first->side, factor / unit,
            summand / unit, net->steps[0].input + place_of(first, 0, y));
    for (int i = 0; i < net->n_layers; i++) {
        const mx_small_step *next = net->steps + i + 1;
        float *values = i + 1 < net->n_layers ? next->values : output;
        if (mx_small_net_is_whole(net, i))
            run_whole(net, i, net->layers[i].kernel ? next->input : NULL, values);
        else
            run_float(net, i, values);
    }
}
