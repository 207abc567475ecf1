/* SPDX-License-Identifier: MIT */
#include "model/tensor.h"

#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "kernel/transpose.h"

const uint8_t mx_nothing[MX_ALIGNMENT] = {0};

size_t mexpr_dtype_bytes(mexpr_dtype dtype)
{
    switch (dtype) {
    case MEXPR_DTYPE_F32:
    case MEXPR_DTYPE_I32:
        return 4;
    case MEXPR_DTYPE_I64:
        return 8;
    case MEXPR_DTYPE_U8:
    case MEXPR_DTYPE_BOOL:
        return 1;
    }
    return 0;
}

const char *mexpr_dtype_name(mexpr_dtype dtype)
{
    switch (dtype) {
    case MEXPR_DTYPE_F32:
        return "float32";
    case MEXPR_DTYPE_I32:
        return "int32";
    case MEXPR_DTYPE_I64:
        return "int64";
    case MEXPR_DTYPE_U8:
        return "uint8";
    case MEXPR_DTYPE_BOOL:
        return "bool";
    }
    return "unknown";
}

int64_t mx_dims_product(const int64_t *dims, int first, int last)
{
    int64_t product = 1;
    for (int i = first; i < last; i++) {
        if (dims[i] < 0)
            return -1;
        if (!mx_mul_i64(product, dims[i], &product))
            return -1;
    }
    return product;
}

int64_t mx_tensor_count(const mx_tensor *tensor)
{
    int64_t count = 1;
    for (int i = 0; i < tensor->rank; i++)
        count *= tensor->dims[i];
    return count;
}

size_t mx_tensor_bytes(const mx_tensor *tensor)
{
    return (size_t)mx_tensor_count(tensor) *
           mexpr_dtype_bytes((mexpr_dtype)tensor->dtype);
}

bool mx_tensor_has_shape(const mx_tensor *tensor)
{
    for (int i = 0; i < tensor->rank; i++) {
        if (tensor->dims[i] < 0)
            return false;
    }
    return tensor->rank >= 0;
}

bool mx_same_shape(const mx_tensor *a, const mx_tensor *b)
{
    if (a->rank != b->rank)
        return false;
    for (int i = 0; i < a->rank; i++) {
        if (a->dims[i] != b->dims[i])
            return false;
    }
    return true;
}

const char *mx_shape_text(const mx_tensor *tensor, char *text)
{
    int used = 0;
    text[0] = '\0';
    if (tensor->rank <= 0)
        snprintf(text, MX_SHAPE_TEXT, "%s", tensor->rank == 0 ? "a single number" : "?");
    for (int i = 0; i < tensor->rank && used >= 0 && used < MX_SHAPE_TEXT; i++) {
        const char *times = i > 0 ? "×" : "";
        const size_t left = (size_t)(MX_SHAPE_TEXT - used);
        if (tensor->dims[i] < 0)
            used += snprintf(text + used, left, "%s?", times);
        else
            used +=
                snprintf(text + used, left, "%s%lld", times, (long long)tensor->dims[i]);
    }
    return text;
}

mexpr_status mx_tensor_check(mx_scope *scope, const mx_tensor *tensor)
{
    const uint64_t limit = mx_context_limits(scope->context)->tensor_bytes;
    char text[MX_SHAPE_TEXT];
    if (tensor->rank < 0 || tensor->rank > MEXPR_MAX_RANK)
        return mx_fail(scope, MEXPR_E_SHAPE,
            "a tensor of %d dimensions is not possible; "
            "0 to %d are",
            tensor->rank, MEXPR_MAX_RANK);
    int64_t count = 1;
    bool fits = true;
    for (int i = 0; i < tensor->rank; i++) {
        if (tensor->dims[i] < -1)
            return mx_fail(scope, MEXPR_E_SHAPE, "a dimension of %lld is not possible",
                (long long)tensor->dims[i]);
        /* A dimension that is open or empty does not excuse others that overflow. */
        fits =
            fits && mx_mul_i64(count, tensor->dims[i] > 0 ? tensor->dims[i] : 1, &count);
    }
    const int64_t element = (int64_t)mexpr_dtype_bytes((mexpr_dtype)tensor->dtype);
    fits = fits && mx_mul_i64(count, element, &count);
    if (!fits || (uint64_t)count > SIZE_MAX / 2)
        return mx_fail(scope, MEXPR_E_SHAPE,
            "the product of the dimensions %s is larger than any memory",
            mx_shape_text(tensor, text));
    if ((uint64_t)count > limit)
        return mx_fail(scope, MEXPR_E_LIMIT,
            "a tensor of %s has %lld bytes, more than the limit max_tensor_bytes of "
            "%llu; "
            "raise it in the context options",
            mx_shape_text(tensor, text), (long long)count, (unsigned long long)limit);
    return MEXPR_OK;
}

/* --- short floats (IEEE 754 binary16, bfloat16) ------------------------------------ */

static float float_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

float mx_f32_from_f16(uint16_t bits)
{
    const uint32_t sign = (uint32_t)(bits & 0x8000) << 16;
    const uint32_t exponent = (bits >> 10) & 31;
    const uint32_t fraction = bits & 0x3ff;
    if (exponent == 31)
        return float_of(sign | 0x7f800000 | fraction << 13);
    if (exponent > 0)
        return float_of(sign | (exponent + 112) << 23 | fraction << 13);
    const float small = (float)fraction * 0x1p-24f;
    return sign ? -small : small;
}

float mx_f32_from_bf16(uint16_t bits)
{
    return float_of((uint32_t)bits << 16);
}

uint16_t mx_f16_from_f32(float x)
{
    const uint32_t bits = bits_of(x);
    const uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
    const uint32_t magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000)
        return sign | 0x7e00;
    if (magnitude >= 0x477ff000) /* from 65520 on everything rounds to infinity */
        return sign | 0x7c00;
    if (magnitude < 0x38800000) {
        /* Adding 1/2 leaves the multiples of 2^-24 in the low bits, rounded. */
        const float shifted = float_of(magnitude) + 0.5f;
        return (uint16_t)(sign | (bits_of(shifted) - 0x3f000000));
    }
    const uint32_t rounded = magnitude + 0xfff + (magnitude >> 13 & 1);
    return (uint16_t)(sign | (rounded - (112u << 23)) >> 13);
}

uint16_t mx_bf16_from_f32(float x)
{
    const uint32_t bits = bits_of(x);
    if ((bits & 0x7fffffff) > 0x7f800000)
        return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/* --- walks ------------------------------------------------------------------------- */

void mx_contiguous_strides(int rank, const int64_t *dims, int64_t *strides)
{
    int64_t stride = 1;
    for (int i = rank - 1; i >= 0; i--) {
        strides[i] = stride;
        stride *= dims[i];
    }
}

/* Dimension `to` continues what `walk`'s last dimension does, for every operand. */
static bool continues(
    const mx_walk *walk, int64_t dim, const int64_t strides[][MEXPR_MAX_RANK], int from)
{
    const int last = walk->rank - 1;
    if (last < 0)
        return false;
    for (int k = 0; k < walk->n_operands; k++) {
        if (walk->strides[k][last] != strides[k][from] * dim)
            return false;
    }
    return true;
}

void mx_walk_init(mx_walk *walk, int rank, const int64_t *dims, int n_operands,
    const int64_t strides[][MEXPR_MAX_RANK])
{
    memset(walk, 0, sizeof *walk);
    walk->n_operands = n_operands;
    for (int i = 0; i < rank; i++) {
        if (dims[i] == 1)
            continue;
        if (!continues(walk, dims[i], strides, i)) {
            walk->dims[walk->rank++] = dims[i];
        } else {
            walk->dims[walk->rank - 1] *= dims[i];
        }
        for (int k = 0; k < n_operands; k++)
            walk->strides[k][walk->rank - 1] = strides[k][i];
    }
    if (walk->rank == 0) {
        walk->rank = 1;
        walk->dims[0] = 1;
        for (int k = 0; k < n_operands; k++)
            walk->strides[k][0] = 1;
    }
}

void mx_walk_broadcast(
    mx_walk *walk, const mx_tensor *out, const mx_tensor *const *inputs, int n_inputs)
{
    int64_t strides[MX_MAX_OPERANDS][MEXPR_MAX_RANK];
    mx_contiguous_strides(out->rank, out->dims, strides[0]);
    for (int k = 0; k < n_inputs; k++) {
        const mx_tensor *in = inputs[k];
        const int shift = out->rank - in->rank;
        int64_t own[MEXPR_MAX_RANK];
        mx_contiguous_strides(in->rank, in->dims, own);
        for (int i = 0; i < out->rank; i++)
            strides[k + 1][i] =
                i < shift || in->dims[i - shift] == 1 ? 0 : own[i - shift];
    }
    mx_walk_init(walk, out->rank, out->dims, n_inputs + 1,
        (const int64_t(*)[MEXPR_MAX_RANK])strides);
}

bool mx_walk_is_empty(const mx_walk *walk)
{
    for (int i = 0; i < walk->rank; i++) {
        if (walk->dims[i] == 0)
            return true;
    }
    return false;
}

bool mx_walk_next(mx_walk *walk)
{
    for (int i = walk->rank - 2; i >= 0; i--) {
        const bool carry = ++walk->index[i] == walk->dims[i];
        for (int k = 0; k < walk->n_operands; k++)
            walk->offset[k] += walk->strides[k][i] * (carry ? 1 - walk->dims[i] : 1);
        if (!carry)
            return true;
        walk->index[i] = 0;
    }
    return false;
}

int64_t mx_walk_rows(const mx_walk *walk)
{
    return mx_dims_product(walk->dims, 0, walk->rank - 1);
}

void mx_walk_seek(mx_walk *walk, int64_t row)
{
    memset(walk->offset, 0, sizeof walk->offset);
    for (int i = walk->rank - 2; i >= 0; i--) {
        walk->index[i] = row % walk->dims[i];
        row /= walk->dims[i];
        for (int k = 0; k < walk->n_operands; k++)
            walk->offset[k] += walk->index[i] * walk->strides[k][i];
    }
}

/* memcpy() of a constant size is one load and one store, whatever the type behind it. */
#define COPY_ROW(bytes)                                                                  \
    for (int64_t i = 0; i < n; i++)                                                      \
    memcpy(t + i * st * (bytes), f + i * sf * (bytes), (bytes))

/* One element over and over: what is there already is copied behind itself. */
static void fill_row(size_t bytes, size_t element, uint8_t *t, const uint8_t *f)
{
    memcpy(t, f, element);
    for (size_t done = element; done < bytes; done *= 2)
        memcpy(t + done, t, done < bytes - done ? done : bytes - done);
}

static void copy_row(const mx_walk *walk, size_t element, void *to, const void *from)
{
    const int last = walk->rank - 1;
    const int64_t n = walk->dims[last];
    const int64_t st = walk->strides[0][last], sf = walk->strides[1][last];
    uint8_t *t = (uint8_t *)to + walk->offset[0] * (int64_t)element;
    const uint8_t *f = (const uint8_t *)from + walk->offset[1] * (int64_t)element;
    if (st == 1 && sf == 1)
        memcpy(t, f, (size_t)n * element);
    else if (st == 1 && sf == 0)
        fill_row((size_t)n * element, element, t, f);
    else if (element == 1)
        COPY_ROW(1);
    else if (element == 4)
        COPY_ROW(4);
    else
        COPY_ROW(8);
}

/* The dimension that the source crosses element by element while the row is the
 * destination's, -1: none, or not worth it. */
static int turned_dimension(const mx_walk *walk, size_t element)
{
    enum { LEAST = 4 };
    const int last = walk->rank - 1;
    if (element != sizeof(float) || walk->strides[0][last] != 1 ||
        walk->strides[1][last] < 2 || walk->dims[last] < LEAST)
        return -1;
    for (int d = 0; d < last; d++) {
        if (walk->strides[1][d] == 1 && walk->strides[0][d] > 0 && walk->dims[d] >= LEAST)
            return d;
    }
    return -1;
}

/* Matrices of dimension d and the row are transposed, one for each index of the others.
 */
static void copy_turned(mx_walk *walk, int d, float *to, const float *from)
{
    const int last = walk->rank - 1;
    const size_t rows = (size_t)walk->dims[last], cols = (size_t)walk->dims[d];
    walk->dims[d] = 1;
    do {
        mx_transpose(rows, cols, from + walk->offset[1], (size_t)walk->strides[1][last],
            to + walk->offset[0], (size_t)walk->strides[0][d]);
    } while (mx_walk_next(walk));
}

void mx_walk_copy(mx_walk *walk, size_t element, void *to, const void *from)
{
    if (mx_walk_is_empty(walk))
        return;
    const int turned = turned_dimension(walk, element);
    if (turned >= 0) {
        copy_turned(walk, turned, to, from);
        return;
    }
    do {
        copy_row(walk, element, to, from);
    } while (mx_walk_next(walk));
}
