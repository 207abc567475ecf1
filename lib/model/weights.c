/* SPDX-License-Identifier: MIT */
#include "model/weights.h"

#include <stdio.h>
#include <string.h>

#include "base/checked.h"

/* TensorProto.DataType. */
enum {
    ONNX_FLOAT = 1,
    ONNX_UINT8 = 2,
    ONNX_INT32 = 6,
    ONNX_INT64 = 7,
    ONNX_BOOL = 9,
    ONNX_FLOAT16 = 10,
    ONNX_DOUBLE = 11,
    ONNX_BFLOAT16 = 16
};

enum { LOCATION_EXTERNAL = 1, PIECE_BYTES = 2048, PREFIX_BYTES = 160 };

int32_t mx_dtype_from_onnx(int32_t type)
{
    switch (type) {
    case ONNX_FLOAT:
    case ONNX_FLOAT16:
    case ONNX_DOUBLE:
    case ONNX_BFLOAT16:
        return MEXPR_DTYPE_F32;
    case ONNX_UINT8:
    case ONNX_INT32:
    case ONNX_INT64:
    case ONNX_BOOL:
        return type;
    default:
        return 0;
    }
}

const char *mx_onnx_type_name(int32_t type)
{
    static const char *const names[] = {"undefined", "float32", "uint8", "int8", "uint16",
        "int16", "int32", "int64", "string", "bool", "float16", "float64", "uint32",
        "uint64", "complex64", "complex128", "bfloat16"};
    const int32_t n = (int32_t)(sizeof names / sizeof names[0]);
    return type >= 0 && type < n ? names[type] : "of an unknown kind";
}

/* Bytes of an element as stored. */
static size_t stored_bytes(int32_t type)
{
    switch (type) {
    case ONNX_FLOAT16:
    case ONNX_BFLOAT16:
        return 2;
    case ONNX_DOUBLE:
        return 8;
    default:
        return mexpr_dtype_bytes((mexpr_dtype)type);
    }
}

/* --- conversion -------------------------------------------------------------------- */

/* n stored elements into elements first.. of the tensor. */
static void convert(int32_t type, const uint8_t *from, size_t n, void *data, size_t first)
{
    float *out = (float *)data + first;
    for (size_t i = 0; i < n; i++) {
        uint16_t half;
        double wide;
        if (type == ONNX_DOUBLE) {
            memcpy(&wide, from + i * 8, 8);
            out[i] = (float)wide;
            continue;
        }
        memcpy(&half, from + i * 2, 2);
        out[i] = type == ONNX_FLOAT16 ? mx_f32_from_f16(half) : mx_f32_from_bf16(half);
    }
}

static bool is_stored_as_used(int32_t type)
{
    return type != ONNX_FLOAT16 && type != ONNX_BFLOAT16 && type != ONNX_DOUBLE;
}

/* Raw bytes are little-endian, as are the processors this library is built for. */
static mexpr_status read_raw(mx_scope *scope, const mx_source *source, uint64_t offset,
    int32_t type, size_t count, mx_tensor *tensor)
{
    const size_t size = stored_bytes(type);
    if (is_stored_as_used(type)) {
        const mexpr_status status =
            mx_source_read(scope, source, offset, tensor->data, count * size);
        uint8_t *truth = tensor->data;
        for (size_t i = 0; status == MEXPR_OK && type == ONNX_BOOL && i < count; i++)
            truth[i] = truth[i] != 0;
        return status;
    }
    uint8_t piece[PIECE_BYTES];
    const size_t most = PIECE_BYTES / size;
    for (size_t done = 0; done < count;) {
        const size_t n = count - done < most ? count - done : most;
        const mexpr_status status =
            mx_source_read(scope, source, offset + done * size, piece, n * size);
        if (status != MEXPR_OK)
            return status;
        convert(type, piece, n, tensor->data, done);
        done += n;
    }
    return MEXPR_OK;
}

/* Numbers in lists of their own; short types are stored in wider lists. */
static size_t list_length(const Mx__Onnx__Tensor *t)
{
    switch (t->data_type) {
    case ONNX_FLOAT:
        return t->n_float_data;
    case ONNX_DOUBLE:
        return t->n_double_data;
    case ONNX_INT64:
        return t->n_int64_data;
    default:
        return t->n_int32_data;
    }
}

static void read_list(const Mx__Onnx__Tensor *t, size_t count, void *data)
{
    for (size_t i = 0; i < count; i++) {
        const uint16_t low = t->n_int32_data ? (uint16_t)t->int32_data[i] : 0;
        switch (t->data_type) {
        case ONNX_FLOAT:
            ((float *)data)[i] = t->float_data[i];
            break;
        case ONNX_DOUBLE:
            ((float *)data)[i] = (float)t->double_data[i];
            break;
        case ONNX_FLOAT16:
            ((float *)data)[i] = mx_f32_from_f16(low);
            break;
        case ONNX_BFLOAT16:
            ((float *)data)[i] = mx_f32_from_bf16(low);
            break;
        case ONNX_INT64:
            ((int64_t *)data)[i] = t->int64_data[i];
            break;
        case ONNX_INT32:
            ((int32_t *)data)[i] = t->int32_data[i];
            break;
        case ONNX_BOOL:
            ((uint8_t *)data)[i] = t->int32_data[i] != 0;
            break;
        default:
            ((uint8_t *)data)[i] = (uint8_t)t->int32_data[i];
        }
    }
}

/* --- side files -------------------------------------------------------------------- */

typedef struct side_range {
    const char *location;
    mx_range range;
    bool has_length;
} side_range;

/* A decimal number without sign, blanks or overflow. */
static bool parse_u64(const char *text, uint64_t *number)
{
    *number = 0;
    for (const char *c = text; *c; c++) {
        const uint64_t digit = (uint64_t)(*c - '0');
        if (*c < '0' || *c > '9' || *number > (UINT64_MAX - digit) / 10)
            return false;
        *number = *number * 10 + digit;
    }
    return text[0] != '\0';
}

static mexpr_status read_side_entry(
    mx_scope *scope, const Mx__Onnx__KeyValue *entry, side_range *side)
{
    bool good = true;
    if (strcmp(entry->key, "location") == 0) {
        side->location = entry->value;
    } else if (strcmp(entry->key, "offset") == 0) {
        good = parse_u64(entry->value, &side->range.offset);
    } else if (strcmp(entry->key, "length") == 0) {
        good = parse_u64(entry->value, &side->range.size);
        side->has_length = true;
    }
    if (good)
        return MEXPR_OK;
    return mx_fail(scope, MEXPR_E_EXTERNAL,
        "the %s '%.40s' in its side file is not a number", entry->key, entry->value);
}

static mexpr_status open_side(mx_scope *scope, mx_weights *weights, const char *name)
{
    if (weights->source->bytes || !weights->source->path)
        return mx_fail(scope, MEXPR_E_EXTERNAL,
            "its data are in the side file '%.200s', but a model from memory may not "
            "have "
            "any; load it from its file",
            name);
    if (weights->side_name && strcmp(weights->side_name, name) == 0)
        return MEXPR_OK;
    mx_weights_release(weights);
    mx_file file;
    const mexpr_status status =
        mx_file_open_beside(scope, weights->source->path, name, &file);
    if (status != MEXPR_OK)
        return status;
    mx_source_from_file(&weights->side, file, name);
    weights->side_name = name;
    return MEXPR_OK;
}

static mexpr_status read_side(mx_scope *scope, mx_weights *weights,
    const Mx__Onnx__Tensor *t, size_t count, mx_tensor *tensor)
{
    const uint64_t bytes = (uint64_t)count * stored_bytes(t->data_type);
    side_range side = {NULL, {0, 0}, false};
    mexpr_status status = MEXPR_OK;
    for (size_t i = 0; status == MEXPR_OK && i < t->n_external_data; i++)
        status = read_side_entry(scope, t->external_data[i], &side);
    if (status != MEXPR_OK)
        return status;
    if (!side.location)
        return mx_fail(
            scope, MEXPR_E_EXTERNAL, "it does not say which side file it is in");
    if (side.has_length && side.range.size != bytes)
        return mx_fail(scope, MEXPR_E_EXTERNAL,
            "its shape needs %llu bytes, but its part of the side file has %llu",
            (unsigned long long)bytes, (unsigned long long)side.range.size);
    status = open_side(scope, weights, side.location);
    if (status != MEXPR_OK)
        return status;
    if (side.range.offset > weights->side.size ||
        bytes > weights->side.size - side.range.offset)
        return mx_fail(scope, MEXPR_E_EXTERNAL,
            "its part of the side file '%.200s' reaches beyond the end of it",
            side.location);
    return read_raw(
        scope, &weights->side, side.range.offset, t->data_type, count, tensor);
}

/* --- tensors ----------------------------------------------------------------------- */

void mx_weights_init(mx_weights *weights, const mx_source *source)
{
    weights->source = source;
    weights->side_name = NULL;
    mx_source_from_memory(&weights->side, NULL, 0);
}

void mx_weights_release(mx_weights *weights)
{
    mx_source_close(&weights->side);
    weights->side_name = NULL;
}

static mexpr_status read_shape(
    mx_scope *scope, const Mx__Onnx__Tensor *t, mx_tensor *tensor)
{
    tensor->dtype = mx_dtype_from_onnx(t->data_type);
    if (tensor->dtype == 0)
        return mx_fail(scope, MEXPR_E_TYPE, "its element type, %s, is not supported",
            mx_onnx_type_name(t->data_type));
    if (t->n_dims > MEXPR_MAX_RANK)
        return mx_fail(scope, MEXPR_E_SHAPE, "it has %zu dimensions; %d are possible",
            t->n_dims, MEXPR_MAX_RANK);
    tensor->rank = (int32_t)t->n_dims;
    for (size_t i = 0; i < t->n_dims; i++) {
        tensor->dims[i] = t->dims[i];
        if (t->dims[i] < 0)
            return mx_fail(scope, MEXPR_E_SHAPE, "a dimension of %lld is not possible",
                (long long)t->dims[i]);
    }
    return mx_tensor_check(scope, tensor);
}

/* Where the data are, and that they are as many as the shape says. */
static mexpr_status check_data(
    mx_scope *scope, const mx_wire_tensor *from, size_t count, bool has_raw, uint64_t raw)
{
    const Mx__Onnx__Tensor *t = from->proto;
    const uint64_t bytes = (uint64_t)count * stored_bytes(t->data_type);
    if (t->segment.len > 0)
        return mx_fail(
            scope, MEXPR_E_MODEL, "it comes in segments, which is not supported");
    if (t->data_location == LOCATION_EXTERNAL)
        return MEXPR_OK;
    if (has_raw && raw != bytes)
        return mx_fail(scope, MEXPR_E_MODEL,
            "its shape needs %llu bytes, but it has %llu", (unsigned long long)bytes,
            (unsigned long long)raw);
    if (!has_raw && list_length(t) != count)
        return mx_fail(scope, MEXPR_E_MODEL,
            "its shape needs %zu numbers, but it has %zu", count, list_length(t));
    return MEXPR_OK;
}

static mexpr_status fill(mx_scope *scope, mx_weights *weights, const mx_wire_tensor *from,
    size_t count, bool in_proto, mx_tensor *tensor)
{
    const Mx__Onnx__Tensor *t = from->proto;
    if (t->data_location == LOCATION_EXTERNAL)
        return read_side(scope, weights, t, count, tensor);
    if (from->has_raw)
        return read_raw(
            scope, weights->source, from->raw.offset, t->data_type, count, tensor);
    if (!in_proto) {
        read_list(t, count, tensor->data);
        return MEXPR_OK;
    }
    mx_source memory;
    mx_source_from_memory(&memory, t->raw_data.data, t->raw_data.len);
    return read_raw(scope, &memory, 0, t->data_type, count, tensor);
}

static mexpr_status read_tensor(mx_scope *scope, mx_weights *weights,
    const mx_wire_tensor *from, mx_arena *arena, mx_tensor *tensor)
{
    mexpr_status status = read_shape(scope, from->proto, tensor);
    if (status != MEXPR_OK)
        return status;
    const size_t count = (size_t)mx_tensor_count(tensor);
    const bool in_proto = !from->has_raw && from->proto->raw_data.len > 0;
    status = check_data(scope, from, count, from->has_raw || in_proto,
        from->has_raw ? from->raw.size : from->proto->raw_data.len);
    if (status != MEXPR_OK)
        return status;
    const size_t bytes = mx_tensor_bytes(tensor);
    tensor->data =
        arena ? mx_arena_raw(scope, arena, bytes, 1) : mx_alloc(scope, bytes, 1);
    if (!tensor->data)
        return MEXPR_E_NOMEM;
    status = fill(scope, weights, from, count, in_proto, tensor);
    if (status != MEXPR_OK) {
        if (!arena)
            mx_free(scope->context, tensor->data);
        tensor->data = NULL;
    }
    return status;
}

mexpr_status mx_weights_read(mx_scope *scope, mx_weights *weights,
    const mx_wire_tensor *from, mx_arena *arena, mx_tensor *tensor)
{
    *tensor = (mx_tensor)MX_TENSOR_UNKNOWN;
    const mexpr_status status = read_tensor(scope, weights, from, arena, tensor);
    char prefix[PREFIX_BYTES];
    if (status != MEXPR_OK) {
        snprintf(prefix, sizeof prefix, "tensor '%.120s'", from->proto->name);
        mx_fail_prefix(scope, status, prefix);
    }
    return status;
}
