/* SPDX-License-Identifier: MIT */
#include "onnx_build.h"

#include <stdlib.h>
#include <string.h>

/* --- wire format ------------------------------------------------------------------- */

void onnx_free(onnx_message *message)
{
    free(message->data);
    *message = (onnx_message){0};
}

static void append(onnx_message *m, const void *bytes, size_t size)
{
    if (m->size + size > m->capacity) {
        m->capacity = (m->size + size) * 2;
        m->data = realloc(m->data, m->capacity);
        if (!m->data)
            abort();
    }
    if (size > 0)
        memcpy(m->data + m->size, bytes, size);
    m->size += size;
}

static void varint(onnx_message *m, uint64_t value)
{
    do {
        const uint8_t byte = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        append(m, &byte, 1);
        value >>= 7;
    } while (value > 0);
}

void onnx_int(onnx_message *m, int field, int64_t value)
{
    varint(m, (uint64_t)field << 3);
    varint(m, (uint64_t)value);
}

void onnx_float(onnx_message *m, int field, float value)
{
    varint(m, (uint64_t)field << 3 | 5);
    append(m, &value, sizeof value);
}

void onnx_bytes(onnx_message *m, int field, const void *bytes, size_t size)
{
    varint(m, (uint64_t)field << 3 | 2);
    varint(m, size);
    append(m, bytes, size);
}

void onnx_text(onnx_message *m, int field, const char *text)
{
    onnx_bytes(m, field, text, strlen(text));
}

void onnx_put(onnx_message *m, int field, onnx_message *inner)
{
    onnx_bytes(m, field, inner->data, inner->size);
    onnx_free(inner);
}

/* The next word of a list separated by blanks, in a buffer; NULL behind the last. */
static const char *next_word(const char **list)
{
    static char word[64];
    size_t n = 0;
    while (**list == ' ')
        (*list)++;
    while (**list && **list != ' ' && n < sizeof word - 1)
        word[n++] = *(*list)++;
    word[n] = '\0';
    return n > 0 ? word : NULL;
}

/* --- models ------------------------------------------------------------------------ */

onnx_model onnx_begin(int64_t opset)
{
    return (onnx_model){.ir = 8, .opset = opset};
}

void onnx_end(onnx_model *model)
{
    onnx_message opset = {0};
    onnx_int(&model->file, 1, model->ir);
    onnx_put(&model->file, 7, &model->graph);
    onnx_text(&opset, 1, "");
    onnx_int(&opset, 2, model->opset);
    onnx_put(&model->file, 8, &opset);
    append(&model->file, model->extra.data, model->extra.size);
}

void onnx_destroy(onnx_model *model)
{
    onnx_free(&model->extra);
    onnx_free(&model->graph);
    onnx_free(&model->file);
}

static void value_info(
    onnx_model *model, int field, const char *name, int type, const char *dims)
{
    onnx_message info = {0}, outer = {0}, tensor = {0}, shape = {0};
    const char *word;
    while (dims && (word = next_word(&dims))) {
        onnx_message dim = {0};
        if ((*word >= '0' && *word <= '9') || *word == '-')
            onnx_int(&dim, 1, strtoll(word, NULL, 10));
        else
            onnx_text(&dim, 2, word);
        onnx_put(&shape, 1, &dim);
    }
    onnx_text(&info, 1, name);
    onnx_int(&tensor, 1, type);
    if (dims)
        onnx_put(&tensor, 2, &shape);
    onnx_put(&outer, 1, &tensor);
    onnx_put(&info, 2, &outer);
    onnx_put(&model->graph, field, &info);
}

void onnx_input(onnx_model *model, const char *name, int type, const char *dims)
{
    value_info(model, 11, name, type, dims);
}

void onnx_output(onnx_model *model, const char *name, int type, const char *dims)
{
    value_info(model, 12, name, type, dims);
}

/* --- tensors ----------------------------------------------------------------------- */

onnx_message onnx_tensor(
    const char *name, int type, const char *dims, const void *raw, size_t bytes)
{
    onnx_message tensor = {0};
    const char *word;
    while ((word = next_word(&dims)))
        onnx_int(&tensor, 1, strtoll(word, NULL, 10));
    onnx_int(&tensor, 2, type);
    onnx_text(&tensor, 8, name);
    if (raw)
        onnx_bytes(&tensor, 9, raw, bytes);
    return tensor;
}

static size_t count_of(const char *dims)
{
    size_t n = 1;
    const char *word;
    while ((word = next_word(&dims)))
        n *= (size_t)strtoll(word, NULL, 10);
    return n;
}

void onnx_f32(onnx_model *model, const char *name, const char *dims, const float *data)
{
    onnx_message t =
        onnx_tensor(name, MEXPR_DTYPE_F32, dims, data, count_of(dims) * sizeof *data);
    onnx_put(&model->graph, 5, &t);
}

void onnx_i64(onnx_model *model, const char *name, const char *dims, const int64_t *data)
{
    onnx_message t =
        onnx_tensor(name, MEXPR_DTYPE_I64, dims, data, count_of(dims) * sizeof *data);
    onnx_put(&model->graph, 5, &t);
}

/* --- nodes ------------------------------------------------------------------------- */

static void names(onnx_message *node, int field, const char *list)
{
    const char *word;
    while ((word = next_word(&list)))
        onnx_text(node, field, strcmp(word, "-") == 0 ? "" : word);
}

onnx_message onnx_node(
    const char *op, const char *name, const char *inputs, const char *outputs)
{
    onnx_message node = {0};
    names(&node, 1, inputs);
    names(&node, 2, outputs);
    onnx_text(&node, 3, name);
    onnx_text(&node, 4, op);
    return node;
}

void onnx_attr_int(onnx_message *node, const char *name, int64_t value)
{
    onnx_message a = {0};
    onnx_text(&a, 1, name);
    onnx_int(&a, 3, value);
    onnx_int(&a, 20, 2);
    onnx_put(node, 5, &a);
}

void onnx_attr_float(onnx_message *node, const char *name, float value)
{
    onnx_message a = {0};
    onnx_text(&a, 1, name);
    onnx_float(&a, 2, value);
    onnx_int(&a, 20, 1);
    onnx_put(node, 5, &a);
}

void onnx_attr_text(onnx_message *node, const char *name, const char *value)
{
    onnx_message a = {0};
    onnx_text(&a, 1, name);
    onnx_text(&a, 4, value);
    onnx_int(&a, 20, 3);
    onnx_put(node, 5, &a);
}

void onnx_attr_ints(onnx_message *node, const char *name, const char *values)
{
    onnx_message a = {0};
    const char *word;
    onnx_text(&a, 1, name);
    while ((word = next_word(&values)))
        onnx_int(&a, 8, strtoll(word, NULL, 10));
    onnx_int(&a, 20, 7);
    onnx_put(node, 5, &a);
}

void onnx_attr_floats(onnx_message *node, const char *name, const float *values, int n)
{
    onnx_message a = {0};
    onnx_text(&a, 1, name);
    for (int i = 0; i < n; i++)
        onnx_float(&a, 7, values[i]);
    onnx_int(&a, 20, 6);
    onnx_put(node, 5, &a);
}

void onnx_attr_texts(onnx_message *node, const char *name, const char *values)
{
    onnx_message a = {0};
    onnx_text(&a, 1, name);
    names(&a, 9, values);
    onnx_int(&a, 20, 8);
    onnx_put(node, 5, &a);
}

void onnx_attr_tensor(onnx_message *node, const char *name, onnx_message *tensor)
{
    onnx_message a = {0};
    onnx_text(&a, 1, name);
    onnx_put(&a, 5, tensor);
    onnx_int(&a, 20, 4);
    onnx_put(node, 5, &a);
}

void onnx_add(onnx_model *model, onnx_message *node)
{
    onnx_put(&model->graph, 1, node);
}

void onnx_simple(
    onnx_model *model, const char *op, const char *inputs, const char *outputs)
{
    onnx_message node = onnx_node(op, "", inputs, outputs);
    onnx_add(model, &node);
}

void onnx_attr_graph(onnx_message *node, const char *name, onnx_message *graph)
{
    onnx_message a = {0};
    onnx_text(&a, 1, name);
    onnx_put(&a, 6, graph);
    onnx_int(&a, 20, 5);
    onnx_put(node, 5, &a);
}
