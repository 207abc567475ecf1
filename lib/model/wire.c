/* SPDX-License-Identifier: MIT */
#include "model/wire.h"

#include <string.h>

#include "base/checked.h"

/* --- sources ----------------------------------------------------------------------- */

void mx_source_from_memory(mx_source *source, const void *bytes, size_t size)
{
    memset(source, 0, sizeof *source);
    source->bytes = bytes;
    source->file = (mx_file)MX_FILE_NONE;
    source->size = size;
}

void mx_source_from_file(mx_source *source, mx_file file, const char *path)
{
    mx_source_from_memory(source, NULL, 0);
    source->file = file;
    source->path = path;
    source->size = file.size;
}

mexpr_status mx_source_open(mx_scope *scope, mx_source *source, const char *path)
{
    mx_file file;
    const mexpr_status status = mx_file_open(scope, path, &file);
    mx_source_from_file(source, file, path);
    return status;
}

void mx_source_close(mx_source *source)
{
    mx_file_close(&source->file);
}

mexpr_status mx_source_read(
    mx_scope *scope, const mx_source *source, uint64_t offset, void *bytes, size_t size)
{
    if (!source->bytes)
        return mx_file_read_at(scope, &source->file, source->path, offset, bytes, size);
    if (size > 0)
        memcpy(bytes, source->bytes + offset, size);
    return MEXPR_OK;
}

/* The byte at `offset`, which lies in the source, through the window. */
static mexpr_status read_byte(
    mx_scope *scope, mx_source *source, uint64_t offset, uint8_t *byte)
{
    if (offset < source->window_start ||
        offset - source->window_start >= source->window_size) {
        const uint64_t left = source->size - offset;
        const size_t size = left < MX_WINDOW_BYTES ? (size_t)left : MX_WINDOW_BYTES;
        source->window_size = 0;
        const mexpr_status status =
            mx_source_read(scope, source, offset, source->window, size);
        if (status != MEXPR_OK)
            return status;
        source->window_start = offset;
        source->window_size = size;
    }
    *byte = source->window[offset - source->window_start];
    return MEXPR_OK;
}

/* --- fields ------------------------------------------------------------------------ */

/* https://protobuf.dev/programming-guides/encoding/: a message is a row of fields, each
 * a varint of number << 3 | kind and a value. */
enum { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };
enum { MAX_VARINT_BYTES = 10 };

typedef struct field {
    uint64_t number;
    int kind;
    mx_range whole; /* with its tag */
    mx_range value;
} field;

typedef struct walk {
    mx_scope *scope;
    mx_source *source;
    uint64_t at;
    uint64_t end;
    bool is_outer; /* the message is the whole source, not one inside it */
} walk;

static walk walk_all(mx_scope *scope, mx_source *source)
{
    return (walk){scope, source, 0, source->size, true};
}

static walk walk_into(const walk *outer, mx_range range)
{
    return (walk){
        outer->scope, outer->source, range.offset, range.offset + range.size, false};
}

static mexpr_status fail_end(const walk *w)
{
    if (w->is_outer)
        return mx_fail(w->scope, MEXPR_E_TRUNCATED,
            "the data end in the middle of a field: the file is cut short, or is not "
            "ONNX");
    return mx_fail(w->scope, MEXPR_E_FORMAT,
        "a field reaches beyond its message: the file is damaged or is not ONNX");
}

static mexpr_status read_varint(walk *w, uint64_t *value)
{
    *value = 0;
    for (int i = 0; i < MAX_VARINT_BYTES; i++) {
        uint8_t byte;
        if (w->at >= w->end)
            return fail_end(w);
        const mexpr_status status = read_byte(w->scope, w->source, w->at++, &byte);
        if (status != MEXPR_OK)
            return status;
        *value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (!(byte & 0x80))
            return MEXPR_OK;
    }
    return mx_fail(
        w->scope, MEXPR_E_FORMAT, "a number has too many bytes: not ONNX data");
}

/* Steps over one field. */
static mexpr_status next_field(walk *w, field *f)
{
    f->whole.offset = w->at;
    uint64_t tag = 0, size = 0;
    mexpr_status status = read_varint(w, &tag);
    if (status != MEXPR_OK)
        return status;
    f->number = tag >> 3;
    f->kind = (int)(tag & 7);
    f->value.offset = w->at;
    if (f->kind == WIRE_VARINT)
        status = read_varint(w, &size);
    else if (f->kind == WIRE_64)
        w->at += 8;
    else if (f->kind == WIRE_32)
        w->at += 4;
    else if (f->kind == WIRE_BYTES) {
        status = read_varint(w, &size);
        f->value.offset = w->at;
        if (status == MEXPR_OK && size > w->end - w->at)
            return fail_end(w);
        w->at += size;
    } else
        status = mx_fail(w->scope, MEXPR_E_FORMAT,
            "field kind %d does not exist: the data are not ONNX", f->kind);
    if (status == MEXPR_OK && (f->number == 0 || w->at > w->end))
        status = f->number == 0 ? mx_fail(w->scope, MEXPR_E_FORMAT,
                                      "field number 0: the data are not ONNX")
                                : fail_end(w);
    f->value.size = w->at - f->value.offset;
    f->whole.size = w->at - f->whole.offset;
    return status;
}

/* --- collected bytes --------------------------------------------------------------- */

/* Bytes of the fields that protobuf-c unpacks. */
typedef struct buffer {
    uint8_t *data;
    size_t size;
    size_t capacity;
} buffer;

static mexpr_status buffer_grow(mx_scope *scope, buffer *b, size_t needed)
{
    const size_t capacity = needed < 512 ? 1024 : needed * 2;
    uint8_t *data = needed <= SIZE_MAX / 2 ? mx_alloc(scope, capacity, 1) : NULL;
    if (!data)
        return MEXPR_E_NOMEM;
    if (b->size > 0)
        memcpy(data, b->data, b->size);
    mx_free(scope->context, b->data);
    b->data = data;
    b->capacity = capacity;
    return MEXPR_OK;
}

static mexpr_status buffer_append(const walk *w, buffer *b, mx_range range)
{
    const size_t size = (size_t)range.size;
    size_t needed;
    if (!mx_add_size(b->size, size, &needed))
        return mx_fail(w->scope, MEXPR_E_NOMEM, "out of memory: the model is too large");
    if (needed > b->capacity && buffer_grow(w->scope, b, needed) != MEXPR_OK)
        return MEXPR_E_NOMEM;
    const mexpr_status status =
        mx_source_read(w->scope, w->source, range.offset, b->data + b->size, size);
    if (status == MEXPR_OK)
        b->size = needed;
    return status;
}

/* --- unpacking --------------------------------------------------------------------- */

/* What protobuf-c may allocate. A field of two bytes can become a struct of a hundred, so
 * a small file could ask for much; honest files stay far below this. */
typedef struct unpacker {
    mx_scope *scope;
    mx_arena *arena;
    size_t budget;
    mexpr_status status; /* why an allocation was refused */
} unpacker;

static void *unpacker_alloc(void *data, size_t size)
{
    unpacker *u = data;
    if (size > u->budget) {
        u->status = mx_fail(u->scope, MEXPR_E_LIMIT,
            "the file's structure needs far more memory than its size accounts for");
        return NULL;
    }
    void *ptr = mx_arena_raw(u->scope, u->arena, size, 1);
    if (ptr)
        u->budget -= size;
    else
        u->status = MEXPR_E_NOMEM;
    return ptr;
}

/* The arena is released as a whole. */
static void unpacker_free(void *data, void *ptr)
{
    (void)data;
    (void)ptr;
}

static mexpr_status unpack(unpacker *u, const ProtobufCMessageDescriptor *descriptor,
    const buffer *bytes, const char *what, void *out)
{
    ProtobufCAllocator allocator = {unpacker_alloc, unpacker_free, u};
    ProtobufCMessage *message =
        protobuf_c_message_unpack(descriptor, &allocator, bytes->size, bytes->data);
    memcpy(out, &message, sizeof message);
    if (message)
        return MEXPR_OK;
    if (u->status != MEXPR_OK)
        return u->status;
    return mx_fail(u->scope, MEXPR_E_FORMAT,
        "%s cannot be decoded: the data are damaged or are not ONNX", what);
}

static unpacker unpacker_for(mx_scope *scope, mx_arena *arena, const mx_source *source)
{
    const uint64_t budget = ((uint64_t)64 << 20) + 16 * source->size;
    return (unpacker){
        scope, arena, budget < SIZE_MAX ? (size_t)budget : SIZE_MAX, MEXPR_OK};
}

/* --- messages ---------------------------------------------------------------------- */

enum { TENSOR_RAW_DATA = 9 };

static bool is_known(const ProtobufCMessageDescriptor *descriptor, uint64_t number)
{
    return number <= UINT32_MAX &&
           protobuf_c_message_descriptor_get_field(descriptor, (unsigned)number) != NULL;
}

static mexpr_status read_tensor(
    walk w, unpacker *u, buffer *scratch, mx_wire_tensor *tensor)
{
    scratch->size = 0;
    tensor->has_raw = false;
    while (w.at < w.end) {
        field f;
        mexpr_status status = next_field(&w, &f);
        if (status != MEXPR_OK)
            return status;
        if (f.number == TENSOR_RAW_DATA && f.kind == WIRE_BYTES) {
            tensor->has_raw = true;
            tensor->raw = f.value;
        } else if (is_known(&mx__onnx__tensor__descriptor, f.number)) {
            status = buffer_append(&w, scratch, f.whole);
        }
        if (status != MEXPR_OK)
            return status;
    }
    return unpack(u, &mx__onnx__tensor__descriptor, scratch, "a tensor", &tensor->proto);
}

enum { GRAPH_INITIALIZER = 5, GRAPH_SPARSE_INITIALIZER = 15 };

/* First pass over the graph: how many initializers there are, and all other fields. */
static mexpr_status read_graph_fields(walk w, buffer *bytes, mx_wire_model *model)
{
    while (w.at < w.end) {
        field f;
        mexpr_status status = next_field(&w, &f);
        if (status != MEXPR_OK)
            return status;
        if (f.number == GRAPH_INITIALIZER && f.kind == WIRE_BYTES)
            model->n_initializers++;
        else if (f.number == GRAPH_SPARSE_INITIALIZER)
            model->has_sparse = true;
        else if (is_known(&mx__onnx__graph__descriptor, f.number))
            status = buffer_append(&w, bytes, f.whole);
        if (status != MEXPR_OK)
            return status;
    }
    return MEXPR_OK;
}

/* Second pass: the initializers. */
static mexpr_status read_initializers(
    walk w, unpacker *u, buffer *scratch, mx_wire_model *model)
{
    size_t n = 0;
    while (w.at < w.end) {
        field f;
        mexpr_status status = next_field(&w, &f);
        if (status == MEXPR_OK && f.number == GRAPH_INITIALIZER && f.kind == WIRE_BYTES)
            status = read_tensor(
                walk_into(&w, f.value), u, scratch, &model->initializers[n++]);
        if (status != MEXPR_OK)
            return status;
    }
    return MEXPR_OK;
}

static mexpr_status read_graph(walk w, unpacker *u, buffer *scratch, mx_wire_model *model)
{
    scratch->size = 0;
    mexpr_status status = read_graph_fields(w, scratch, model);
    if (status == MEXPR_OK)
        status = unpack(
            u, &mx__onnx__graph__descriptor, scratch, "the model's graph", &model->graph);
    if (status != MEXPR_OK)
        return status;
    model->initializers = mx_arena_alloc(
        u->scope, u->arena, model->n_initializers, sizeof *model->initializers);
    if (!model->initializers)
        return MEXPR_E_NOMEM;
    return read_initializers(w, u, scratch, model);
}

enum { MODEL_GRAPH = 7, MODEL_FUNCTIONS = 25 };

static mexpr_status read_model(walk w, unpacker *u, buffer *scratch, mx_wire_model *model)
{
    const walk all = w;
    bool has_graph = false;
    mx_range graph = {0, 0};
    while (w.at < w.end) {
        field f;
        mexpr_status status = next_field(&w, &f);
        if (status != MEXPR_OK)
            return status;
        if (f.number == MODEL_GRAPH && f.kind == WIRE_BYTES) {
            if (has_graph)
                return mx_fail(w.scope, MEXPR_E_FORMAT, "the file has two graphs");
            has_graph = true;
            graph = f.value;
        } else if (f.number == MODEL_FUNCTIONS) {
            model->has_functions = true;
        } else if (is_known(&mx__onnx__model__descriptor, f.number)) {
            status = buffer_append(&w, scratch, f.whole);
        }
        if (status != MEXPR_OK)
            return status;
    }
    if (!has_graph)
        return mx_fail(
            w.scope, MEXPR_E_FORMAT, "there is no graph: this is not an ONNX model");
    const mexpr_status status = unpack(
        u, &mx__onnx__model__descriptor, scratch, "the model's header", &model->model);
    if (status != MEXPR_OK)
        return status;
    return read_graph(walk_into(&all, graph), u, scratch, model);
}

mexpr_status mx_wire_read_model(
    mx_scope *scope, mx_source *source, mx_arena *arena, mx_wire_model *model)
{
    memset(model, 0, sizeof *model);
    if (source->size == 0)
        return mx_fail(scope, MEXPR_E_TRUNCATED, "there are no data: an empty model");
    unpacker u = unpacker_for(scope, arena, source);
    buffer scratch = {NULL, 0, 0};
    const mexpr_status status = read_model(walk_all(scope, source), &u, &scratch, model);
    mx_free(scope->context, scratch.data);
    return status;
}

mexpr_status mx_wire_read_graph(
    mx_scope *scope, mx_source *source, mx_arena *arena, mx_wire_model *model)
{
    memset(model, 0, sizeof *model);
    unpacker u = unpacker_for(scope, arena, source);
    buffer scratch = {NULL, 0, 0};
    const mexpr_status status = read_graph(walk_all(scope, source), &u, &scratch, model);
    mx_free(scope->context, scratch.data);
    return status;
}

mexpr_status mx_wire_read_tensor(
    mx_scope *scope, mx_source *source, mx_arena *arena, mx_wire_tensor *tensor)
{
    memset(tensor, 0, sizeof *tensor);
    if (source->size == 0)
        return mx_fail(
            scope, MEXPR_E_TRUNCATED, "there are no data: an empty tensor file");
    unpacker u = unpacker_for(scope, arena, source);
    buffer scratch = {NULL, 0, 0};
    const mexpr_status status =
        read_tensor(walk_all(scope, source), &u, &scratch, tensor);
    mx_free(scope->context, scratch.data);
    return status;
}
