/* SPDX-License-Identifier: MIT */
/* Protocol buffers by hand (https://protobuf.dev/programming-guides/encoding/): a
 * message inside another one is written twice, first only counted, since its length goes
 * before it. Weights are copied once. Field numbers are those of onnx.proto. */
#include "model/writer.h"

#include <string.h>

#include "model/operator.h"
#include "model/panels.h"

enum { WIRE_VARINT = 0, WIRE_BYTES = 2, WIRE_32 = 5 };
enum { INITIALIZER_FIELD = 5, MODEL_GRAPH_FIELD = 7, IR_FIRST_WRITTEN = 4 };

/* Where bytes go; NULL counts them. */
typedef struct sink {
    uint8_t *bytes;
    size_t size;
} sink;

static void put(sink *to, const void *bytes, size_t size)
{
    if (to->bytes && size > 0)
        memcpy(to->bytes + to->size, bytes, size);
    to->size += size;
}

static void put_varint(sink *to, uint64_t number)
{
    uint8_t bytes[10];
    size_t n = 0;
    for (; number >= 0x80; number >>= 7)
        bytes[n++] = (uint8_t)(number | 0x80);
    bytes[n++] = (uint8_t)number;
    put(to, bytes, n);
}

static void put_tag(sink *to, uint32_t field, uint32_t kind)
{
    put_varint(to, field << 3 | kind);
}

static void put_int(sink *to, uint32_t field, int64_t number)
{
    put_tag(to, field, WIRE_VARINT);
    put_varint(to, (uint64_t)number);
}

static void put_bytes(sink *to, uint32_t field, const void *bytes, size_t size)
{
    put_tag(to, field, WIRE_BYTES);
    put_varint(to, size);
    put(to, bytes, size);
}

static void put_text(sink *to, uint32_t field, const char *text)
{
    put_bytes(to, field, text, strlen(text));
}

/* A text that is the default when it is empty. */
static void put_name(sink *to, uint32_t field, const char *text)
{
    if (text[0])
        put_text(to, field, text);
}

typedef void (*writer)(sink *to, const mx_graph *graph, const void *object);

static void put_message(
    sink *to, uint32_t field, writer write, const mx_graph *graph, const void *object)
{
    sink count = {NULL, 0};
    write(&count, graph, object);
    put_tag(to, field, WIRE_BYTES);
    put_varint(to, count.size);
    if (to->bytes)
        write(to, graph, object);
    else
        to->size += count.size;
}

/* --- tensors ----------------------------------------------------------------------- */

static void write_initializer(sink *to, const mx_graph *graph, const void *object)
{
    const mx_value *value = object;
    const mx_tensor *tensor = &value->tensor;
    for (int i = 0; i < tensor->rank; i++)
        put_int(to, 1, tensor->dims[i]);
    put_int(to, 2, tensor->dtype);
    put_name(to, 8, value->name);
    put_tag(to, 9, WIRE_BYTES);
    put_varint(to, mx_tensor_bytes(tensor));
    if (to->bytes)
        mx_value_numbers(graph, value, to->bytes + to->size);
    to->size += mx_tensor_bytes(tensor);
}

static void write_constant(sink *to, const mx_graph *graph, const void *object)
{
    const mx_value value = {.name = "", .tensor = *(const mx_tensor *)object};
    write_initializer(to, graph, &value);
}

/* --- nodes ------------------------------------------------------------------------- */

/* AttributeProto.AttributeType. */
static int64_t type_of(mx_attribute_kind kind)
{
    static const char kinds[] = "?fist?FIS";
    return strchr(kinds, (int)kind) - kinds;
}

static void put_float(sink *to, uint32_t field, float number)
{
    put_tag(to, field, WIRE_32);
    put(to, &number, sizeof number);
}

static void write_attribute(sink *to, const mx_graph *graph, const void *object)
{
    const mx_attribute *a = object;
    put_text(to, 1, a->name);
    if (a->kind == MX_ATTRIBUTE_FLOAT)
        put_float(to, 2, a->f);
    if (a->kind == MX_ATTRIBUTE_INT)
        put_int(to, 3, a->i);
    if (a->kind == MX_ATTRIBUTE_STRING)
        put_text(to, 4, a->s);
    if (a->kind == MX_ATTRIBUTE_TENSOR)
        put_message(to, 5, write_constant, graph, &a->t);
    for (size_t i = 0; i < a->n; i++) {
        if (a->kind == MX_ATTRIBUTE_FLOATS)
            put_float(to, 7, a->floats[i]);
        else if (a->kind == MX_ATTRIBUTE_INTS)
            put_int(to, 8, a->ints[i]);
        else
            put_text(to, 9, a->strings[i]);
    }
    put_int(to, 20, type_of(a->kind));
}

/* The name by which a value was known to the source. An output of the model that is an
 * input of it as well has a copy of its own, which is not the source's. */
static const char *name_of(const mx_graph *graph, int value)
{
    return value < 0 ? "" : graph->values[value].name;
}

static void write_node(sink *to, const mx_graph *graph, const void *object)
{
    const mx_node *node = object;
    for (int i = 0; i < node->n_inputs; i++)
        put_text(to, 1, name_of(graph, node->inputs[i]));
    for (int i = 0; i < node->n_outputs; i++)
        put_text(to, 2, name_of(graph, node->outputs[i]));
    put_name(to, 3, node->name);
    /* The branch that was taken of an If is an Identity. */
    put_text(to, 4, node->op->name);
    for (size_t i = 0; i < node->n_attributes; i++)
        put_message(to, 5, write_attribute, graph, &node->attributes[i]);
    put_name(to, 7, node->domain);
}

/* --- inputs and outputs ------------------------------------------------------------ */

typedef struct dimension {
    int64_t extent; /* -1: open */
    const char *name;
} dimension;

static void write_dimension(sink *to, const mx_graph *graph, const void *object)
{
    const dimension *d = object;
    (void)graph;
    if (d->extent >= 0)
        put_int(to, 1, d->extent);
    else if (d->name)
        put_text(to, 2, d->name);
}

static void write_shape(sink *to, const mx_graph *graph, const void *object)
{
    const mx_port *port = object;
    for (int i = 0; i < port->declared.rank; i++) {
        const dimension d = {port->declared.dims[i], port->dim_names[i]};
        put_message(to, 1, write_dimension, graph, &d);
    }
}

static void write_tensor_type(sink *to, const mx_graph *graph, const void *object)
{
    const mx_port *port = object;
    put_int(to, 1, port->declared.dtype);
    if (port->declared.rank >= 0)
        put_message(to, 2, write_shape, graph, port);
}

static void write_type(sink *to, const mx_graph *graph, const void *object)
{
    put_message(to, 1, write_tensor_type, graph, object);
}

static void write_port(sink *to, const mx_graph *graph, const void *object)
{
    const mx_port *port = object;
    put_text(to, 1, port->name);
    if (port->declared.dtype)
        put_message(to, 2, write_type, graph, port);
}

/* --- model ------------------------------------------------------------------------- */

static bool is_initializer(const mx_graph *graph, int value)
{
    return graph->values[value].producer < 0 && !graph->values[value].is_input;
}

static void write_graph(sink *to, const mx_graph *graph, const void *object)
{
    (void)object;
    for (int i = 0; i < graph->n_file_nodes; i++) {
        const mx_node *node = &graph->nodes[graph->order ? graph->order[i] : i];
        if (!node->is_shut)
            put_message(to, 1, write_node, graph, node);
    }
    /* The checker wants a name. */
    put_text(to, 2, graph->name[0] ? graph->name : "graph");
    for (int i = 0; i < graph->n_file_values; i++) {
        if (is_initializer(graph, i))
            put_message(
                to, INITIALIZER_FIELD, write_initializer, graph, &graph->values[i]);
    }
    for (int i = 0; i < graph->n_inputs; i++)
        put_message(to, 11, write_port, graph, &graph->inputs[i]);
    for (int i = 0; i < graph->n_outputs; i++)
        put_message(to, 12, write_port, graph, &graph->outputs[i]);
}

static void write_import(sink *to, const mx_graph *graph, const void *object)
{
    const mx_import *import = object;
    (void)graph;
    put_name(to, 1, import->domain);
    put_int(to, 2, import->version);
}

static void write_metadata(sink *to, const mx_graph *graph, const void *object)
{
    const mx_metadata *entry = object;
    (void)graph;
    put_text(to, 1, entry->key);
    put_text(to, 2, entry->text);
}

/* Up to IR 3 initializers had to be inputs too, which they are not here. */
static void write_model(sink *to, const mx_graph *graph)
{
    const mx_import own = {"", graph->opset};
    const int64_t ir = graph->ir_version;
    put_int(to, 1, ir < IR_FIRST_WRITTEN ? IR_FIRST_WRITTEN : ir);
    put_name(to, 2, graph->producer);
    put_message(to, MODEL_GRAPH_FIELD, write_graph, graph, NULL);
    for (size_t i = 0; i < graph->n_imports; i++)
        put_message(to, 8, write_import, graph, &graph->imports[i]);
    if (graph->n_imports == 0)
        put_message(to, 8, write_import, graph, &own);
    for (size_t i = 0; i < graph->n_metadata; i++)
        put_message(to, 14, write_metadata, graph, &graph->metadata[i]);
}

mexpr_status mx_onnx_encode(
    mx_scope *scope, const mx_graph *graph, uint8_t **bytes, size_t *size)
{
    for (int i = 0; i < graph->n_file_values; i++) {
        if (is_initializer(graph, i) && !mx_value_has_numbers(&graph->values[i]))
            return mx_fail(scope, MEXPR_E_STATE,
                "the initializer '%.200s' is gone: the model was loaded to be run only",
                graph->values[i].name);
    }
    sink to = {NULL, 0};
    write_model(&to, graph);
    if (to.size > INT32_MAX)
        return mx_fail(scope, MEXPR_E_LIMIT,
            "the model has %zu bytes, more than the 2 GiB that an ONNX file can have",
            to.size);
    to.bytes = mx_alloc(scope, to.size, 1);
    if (!to.bytes)
        return MEXPR_E_NOMEM;
    *bytes = to.bytes;
    *size = to.size;
    to.size = 0;
    write_model(&to, graph);
    return MEXPR_OK;
}
