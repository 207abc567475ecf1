/* SPDX-License-Identifier: MIT */
#include "face/face_model.h"

#include <math.h>
#include <string.h>

enum {
    VERSION = 1,
    HEADER = 16,
    FERN = 4 * MX_FERN_DEPTH + 2 + MX_FERN_LEAVES,
    MOST_FERNS = 4096
};

static uint16_t get16(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

static int16_t get_signed(const uint8_t *at)
{
    return (int16_t)((get16(at) ^ 0x8000) - 0x8000);
}

static float get_float(const uint8_t *at)
{
    const uint32_t bits = get16(at) | (uint32_t)get16(at + 2) << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint8_t *put16(uint8_t *at, int value)
{
    at[0] = (uint8_t)(value & 255);
    at[1] = (uint8_t)(value >> 8 & 255);
    return at + 2;
}

static uint8_t *put_float(uint8_t *at, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    at = put16(at, (int)(bits & 0xffff));
    return put16(at, (int)(bits >> 16));
}

static size_t layer_numbers(int i)
{
    return (mx_small_layer_taps(&mx_face_layers[i]) + 1) * (size_t)mx_face_layers[i].out;
}

static size_t file_size(int n_ferns)
{
    size_t size = HEADER + (size_t)n_ferns * FERN;
    for (int i = 0; i < MX_FACE_NET_LAYERS; i++)
        size += 4 + 2 * layer_numbers(i);
    return size;
}

static mexpr_status check_header(mx_scope *scope, const uint8_t *bytes, size_t size)
{
    if (size < HEADER || memcmp(bytes, "MXFD", 4) != 0)
        return mx_fail(
            scope, MEXPR_E_FORMAT, "these are not the weights of a face detector");
    if (get16(bytes + 4) != VERSION || get16(bytes + 6) != MX_FACE_WINDOW ||
        get16(bytes + 8) != MX_FERN_DEPTH || get16(bytes + 10) != MX_FACE_NET_SIDE)
        return mx_fail(scope, MEXPR_E_UNSUPPORTED,
            "the face detector's weights are of another version");
    const int n = get16(bytes + 12), dense = get16(bytes + 14);
    if (n < 1 || n > MOST_FERNS || dense < 1 || dense > n)
        return mx_fail(scope, MEXPR_E_FORMAT,
            "the face detector's weights have %d ferns, %d of them dense", n, dense);
    if (size != file_size(n))
        return mx_fail(scope, MEXPR_E_TRUNCATED,
            "the face detector's weights have %zu bytes instead of %zu", size,
            file_size(n));
    return MEXPR_OK;
}

static mexpr_status read_fern(
    mx_scope *scope, const uint8_t *at, mx_face_fern *fern, int index)
{
    for (int j = 0; j < 2 * MX_FERN_DEPTH; j++)
        for (int k = 0; k < 2; k++) {
            fern->pixels[j][k] = *at++;
            if (fern->pixels[j][k] >= MX_FACE_WINDOW)
                return mx_fail(scope, MEXPR_E_FORMAT,
                    "fern %d of the face detector's weights looks outside of its window",
                    index);
        }
    fern->threshold = get_signed(at);
    at += 2;
    for (int j = 0; j < MX_FERN_LEAVES; j++)
        fern->leaves[j] = (int8_t)((at[j] ^ 0x80) - 0x80);
    return MEXPR_OK;
}

static mexpr_status read_net(mx_scope *scope, const uint8_t *at, mx_face_net *net)
{
    float *to = net->memory;
    for (int i = 0; i < MX_FACE_NET_LAYERS; i++) {
        const float unit = get_float(at);
        at += 4;
        if (!(unit > 0 && unit < 1e6f))
            return mx_fail(scope, MEXPR_E_FORMAT,
                "layer %d of the face detector's weights has no unit", i);
        for (size_t k = 0; k < layer_numbers(i); k++, at += 2)
            *to++ = unit * (float)get_signed(at);
    }
    return MEXPR_OK;
}

mexpr_status mx_face_model_read(
    mx_scope *scope, const uint8_t *bytes, size_t size, mx_face_model *model)
{
    *model = (mx_face_model){.cascade = {NULL, 0, 0}};
    mexpr_status status = check_header(scope, bytes, size);
    if (status != MEXPR_OK)
        return status;
    mx_face_cascade *cascade = &model->cascade;
    cascade->n = get16(bytes + 12);
    cascade->dense = get16(bytes + 14);
    cascade->ferns = mx_alloc(scope, (size_t)cascade->n, sizeof *cascade->ferns);
    status = cascade->ferns ? mx_face_net_create(scope, &model->net) : MEXPR_E_NOMEM;
    const uint8_t *at = bytes + HEADER;
    for (int i = 0; i < cascade->n && status == MEXPR_OK; i++, at += FERN)
        status = read_fern(scope, at, &cascade->ferns[i], i);
    if (status == MEXPR_OK)
        status = read_net(scope, at, &model->net);
    if (status != MEXPR_OK)
        mx_face_model_free(scope->context, model);
    return status;
}

void mx_face_model_free(mexpr_context *context, mx_face_model *model)
{
    mx_free(context, model->cascade.ferns);
    mx_face_net_free(context, &model->net);
    *model = (mx_face_model){.cascade = {NULL, 0, 0}};
}

static uint8_t *write_fern(uint8_t *at, const mx_face_fern *fern)
{
    memcpy(at, fern->pixels, sizeof fern->pixels);
    at = put16(at + sizeof fern->pixels, fern->threshold);
    memcpy(at, fern->leaves, sizeof fern->leaves);
    return at + sizeof fern->leaves;
}

static uint8_t *write_layer(uint8_t *at, const float *numbers, size_t n)
{
    float most = 1e-6f;
    for (size_t k = 0; k < n; k++)
        most = fabsf(numbers[k]) > most ? fabsf(numbers[k]) : most;
    const float unit = most / 32767.0f;
    at = put_float(at, unit);
    for (size_t k = 0; k < n; k++)
        at = put16(at, (int)lrintf(numbers[k] / unit));
    return at;
}

mexpr_status mx_face_model_write(
    mx_scope *scope, const mx_face_model *model, uint8_t **bytes, size_t *size)
{
    const mx_face_cascade *cascade = &model->cascade;
    *size = file_size(cascade->n);
    uint8_t *at = *bytes = mx_alloc(scope, *size, 1);
    if (!at)
        return MEXPR_E_NOMEM;
    memcpy(at, "MXFD", 4);
    at = put16(at + 4, VERSION);
    at = put16(at, MX_FACE_WINDOW);
    at = put16(at, MX_FERN_DEPTH);
    at = put16(at, MX_FACE_NET_SIDE);
    at = put16(at, cascade->n);
    at = put16(at, cascade->dense);
    for (int i = 0; i < cascade->n; i++)
        at = write_fern(at, &cascade->ferns[i]);
    const float *from = model->net.memory;
    for (int i = 0; i < MX_FACE_NET_LAYERS; i++) {
        at = write_layer(at, from, layer_numbers(i));
        from += layer_numbers(i);
    }
    return MEXPR_OK;
}
