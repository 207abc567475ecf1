/* SPDX-License-Identifier: MIT */
#include "train/net.h"

#include <string.h>

#include "model/panels.h"
#include "model/reader.h"
#include "model/writer.h"
#include "train/net_parts.h"

enum { MAX_BATCH = 1 << 16 };

static mexpr_status check_ports(mx_scope *scope, const mx_graph *graph)
{
    if (graph->n_inputs == 0)
        return mx_fail(scope, MEXPR_E_MODEL, "a model without inputs cannot be trained");
    for (int i = 0; i < graph->n_inputs; i++) {
        const mx_port *port = &graph->inputs[i];
        if (graph->values[port->value].decides_shape || port->declared.rank == 0)
            return mx_fail(scope, MEXPR_E_MODEL,
                "the input '%.200s' is no batch of samples: the model cannot be trained",
                port->name);
    }
    return MEXPR_OK;
}

static mexpr_status fill_net(mx_scope *scope, mx_net *net)
{
    mexpr_status status =
        mx_graph_unpacked(scope, &net->model->graph, &net->arena, &net->graph);
    if (status == MEXPR_OK)
        status = check_ports(scope, &net->graph);
    if (status == MEXPR_OK)
        status = mx_net_survey(scope, net);
    if (status == MEXPR_OK)
        status = mx_net_find_blocks(scope, net);
    if (status == MEXPR_OK)
        status = mx_net_find_gates(scope, net);
    if (status != MEXPR_OK)
        return status;
    net->output_gradients = mx_arena_alloc(
        scope, &net->arena, (size_t)net->max_outputs, sizeof *net->output_gradients);
    net->input_gradients = mx_arena_alloc(
        scope, &net->arena, (size_t)net->max_inputs, sizeof *net->input_gradients);
    net->passes = mx_arena_alloc(
        scope, &net->arena, (size_t)net->max_batch + 1, sizeof *net->passes);
    return net->output_gradients && net->input_gradients && net->passes ? MEXPR_OK
                                                                        : MEXPR_E_NOMEM;
}

mexpr_status mx_net_create(
    mx_scope *scope, mexpr_model *model, int64_t max_batch, mx_net **out)
{
    *out = NULL;
    if (max_batch < 1 || max_batch > MAX_BATCH)
        return mx_fail(scope, MEXPR_E_ARG,
            "batches of %lld samples: 1 to %d are possible", (long long)max_batch,
            MAX_BATCH);
    mx_net *net = mx_calloc(scope, 1, sizeof *net);
    if (!net)
        return MEXPR_E_NOMEM;
    net->context = mx_context_retain(scope->context);
    net->model = mexpr_model_retain(model);
    net->max_batch = max_batch;
    mx_arena_init(&net->arena, net->context);
    mx_machine_init(&net->machine, mexpr_context_cpu(net->context));
    const mexpr_status status = fill_net(scope, net);
    if (status == MEXPR_OK)
        *out = net;
    else
        mx_net_destroy(net);
    return status;
}

void mx_net_destroy(mx_net *net)
{
    if (!net)
        return;
    mexpr_context *context = net->context;
    for (int64_t i = 0; net->passes && i <= net->max_batch; i++)
        mx_pass_destroy(net->passes[i]);
    mx_free(context, net->weights);
    mx_free(context, net->gradients);
    mx_free(context, net->states);
    mx_free(context, net->memory);
    mx_arena_release(&net->arena);
    mexpr_model_destroy(&net->model);
    mx_free(context, net);
    mx_context_release(context);
}

/* --- weights ----------------------------------------------------------------------- */

size_t mx_net_n_weights(const mx_net *net)
{
    return net->n_weights;
}

float *mx_net_weights(mx_net *net)
{
    return net->weights;
}

const float *mx_net_gradients(const mx_net *net)
{
    return net->gradients;
}

int mx_net_n_parts(const mx_net *net)
{
    return net->n_parts;
}

const mx_net_part *mx_net_part_at(const mx_net *net, int index)
{
    return &net->parts[index];
}

size_t mx_net_n_states(const mx_net *net)
{
    return net->n_states;
}

float *mx_net_states(mx_net *net)
{
    return net->states;
}

/* --- the model --------------------------------------------------------------------- */

/* A file does not say which initializers training changes. */
static void mark_trainable(mx_graph *to, const mx_graph *from)
{
    to->n_trainable = from->n_trainable;
    for (int i = 0; i < from->n_file_values; i++) {
        const int value = mx_graph_find(to, from->values[i].name);
        if (value >= 0 && from->values[i].producer < 0)
            to->values[value].is_trainable = from->values[i].is_trainable;
    }
}

static mexpr_status decode(mx_scope *scope, const mx_net *net, const uint8_t *bytes,
    size_t size, mexpr_model **out)
{
    mexpr_model *model;
    mexpr_status status = mx_model_create(scope, &model);
    if (status != MEXPR_OK)
        return status;
    mx_source *source = mx_alloc(scope, 1, sizeof *source);
    status = source ? MEXPR_OK : MEXPR_E_NOMEM;
    if (status == MEXPR_OK) {
        mx_source_from_memory(source, bytes, size);
        status = mx_onnx_read(scope, source, &model->graph);
    }
    mx_free(scope->context, source);
    if (status == MEXPR_OK) {
        mark_trainable(&model->graph, &net->graph);
        *out = model;
    } else {
        mexpr_model_destroy(&model);
    }
    return status;
}

mexpr_status mx_net_model(mx_scope *scope, const mx_net *net, mexpr_model **out)
{
    mx_graph graph = net->graph;
    const size_t n = (size_t)graph.n_values;
    *out = NULL;
    mx_value *values = mx_alloc(scope, n, sizeof *values);
    if (!values)
        return MEXPR_E_NOMEM;
    memcpy(values, graph.values, n * sizeof *values);
    for (int i = 0; i < graph.n_values; i++) {
        if (net->weight_at[i])
            values[i].tensor.data = net->weight_at[i];
    }
    graph.values = values;
    uint8_t *bytes;
    size_t size;
    mexpr_status status = mx_onnx_encode(scope, &graph, &bytes, &size);
    mx_free(scope->context, values);
    if (status != MEXPR_OK)
        return status;
    status = decode(scope, net, bytes, size, out);
    mx_free(scope->context, bytes);
    return status;
}
