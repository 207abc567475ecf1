/* SPDX-License-Identifier: MIT */
#include "face/face_net.h"

#include <math.h>
#include <string.h>

const mx_face_layer mx_face_layers[MX_FACE_NET_LAYERS] = {
    {32, 1, 16, 16, 2, 3},
    {16, 16, 8, 32, 2, 3},
    {8, 32, 8, 48, 1, 3},
    {8, 48, 4, 64, 2, 3},
    {1, 1024, 1, 64, 1, 0},
    {1, 64, 1, MX_FACE_NET_OUT, 1, 0},
};

int mx_face_layer_terms(const mx_face_layer *layer)
{
    return layer->kernel ? layer->kernel * layer->kernel * layer->channels
                         : layer->channels;
}

static size_t outputs(const mx_face_layer *layer)
{
    return (size_t)(layer->out_side * layer->out_side * layer->out_channels);
}

static size_t columns_size(const mx_face_layer *layer)
{
    return (size_t)(layer->out_side * layer->out_side * mx_face_layer_terms(layer));
}

mexpr_status mx_face_net_create(mx_scope *scope, mx_face_net *net)
{
    size_t total = 0;
    for (int i = 0; i < MX_FACE_NET_LAYERS; i++)
        total += (size_t)(mx_face_layer_terms(&mx_face_layers[i]) + 1) *
                 (size_t)mx_face_layers[i].out_channels;
    float *at = net->memory = mx_calloc(scope, total, sizeof *at);
    if (!at)
        return MEXPR_E_NOMEM;
    for (int i = 0; i < MX_FACE_NET_LAYERS; i++) {
        const size_t n = (size_t)mx_face_layers[i].out_channels;
        net->weights[i] = at;
        at += (size_t)mx_face_layer_terms(&mx_face_layers[i]) * n;
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

/* The largest output, twice, and the largest set of columns. */
static void work_sizes(size_t *values, size_t *columns)
{
    *values = MX_FACE_NET_SIDE * MX_FACE_NET_SIDE;
    *columns = 0;
    for (int i = 0; i < MX_FACE_NET_LAYERS; i++) {
        const size_t out = outputs(&mx_face_layers[i]);
        const size_t cols = columns_size(&mx_face_layers[i]);
        *values = out > *values ? out : *values;
        *columns = cols > *columns ? cols : *columns;
    }
}

size_t mx_face_net_work(void)
{
    size_t values, columns;
    work_sizes(&values, &columns);
    return 2 * values + columns;
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

void mx_face_net_columns(const mx_face_layer *layer, const float *input, float *columns)
{
    const int side = layer->side, c = layer->channels;
    for (int y = 0; y < layer->out_side; y++)
        for (int x = 0; x < layer->out_side; x++)
            for (int ky = 0; ky < 3; ky++) {
                const int sy = y * layer->stride + ky - 1;
                for (int kx = 0; kx < 3; kx++, columns += c) {
                    const int sx = x * layer->stride + kx - 1;
                    const bool inside = sy >= 0 && sy < side && sx >= 0 && sx < side;
                    if (inside)
                        memcpy(columns, input + (ptrdiff_t)(sy * side + sx) * c,
                            (size_t)c * sizeof *columns);
                    else
                        memset(columns, 0, (size_t)c * sizeof *columns);
                }
            }
}

static void run_layer(const mx_face_net *net, const mx_gemm *gemm, int i,
    const float *input, float *columns, float *out)
{
    const mx_face_layer *layer = &mx_face_layers[i];
    const int rows = layer->out_side * layer->out_side, n = layer->out_channels;
    const int terms = mx_face_layer_terms(layer);
    if (layer->kernel)
        mx_face_net_columns(layer, input, columns);
    const float *a = layer->kernel ? columns : input;
    for (int r = 0; r < rows; r++)
        memcpy(out + r * n, net->biases[i], (size_t)n * sizeof *out);
    mx_sgemm(gemm, false, false, rows, n, terms, 1.0f, a, terms, net->weights[i], n, 1.0f,
        out, n);
    if (i + 1 < MX_FACE_NET_LAYERS)
        for (int k = 0; k < rows * n; k++)
            out[k] = out[k] > 0 ? out[k] : 0;
}

void mx_face_net_run(const mx_face_net *net, const mx_gemm *gemm, const uint8_t *patch,
    float *work, float out[MX_FACE_NET_OUT])
{
    size_t values, size;
    work_sizes(&values, &size);
    float *input = work, *output = work + values, *columns = work + 2 * values;
    mx_face_net_input(patch, input);
    for (int i = 0; i < MX_FACE_NET_LAYERS; i++) {
        run_layer(net, gemm, i, input, columns, output);
        float *other = input;
        input = output;
        output = other;
    }
    memcpy(out, input, MX_FACE_NET_OUT * sizeof *out);
}
