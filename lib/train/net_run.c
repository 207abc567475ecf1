/* SPDX-License-Identifier: MIT */
/* Forward and backward through the steps of a pass. */
#include <string.h>

#include "train/net_parts.h"

/* --- memory ------------------------------------------------------------------------ */

/* Points a pass at the memory that all passes share. */
static void bind(const mx_net *net, mx_pass *pass)
{
    if (pass->memory == net->memory)
        return;
    mx_tensor *tensors = pass->tensors;
    for (int i = 0; i < pass->n_values; i++) {
        if (net->weight_at[i])
            tensors[i].data = net->weight_at[i];
        else if (pass->values[i].place == MX_NET_HERE)
            tensors[i].data = net->memory + pass->values[i].offset;
    }
    pass->memory = net->memory;
}

static mexpr_status hold_memory(mx_scope *scope, mx_net *net, size_t bytes)
{
    if (bytes <= net->memory_bytes)
        return MEXPR_OK;
    uint8_t *memory = mx_alloc(scope, bytes, 1);
    if (!memory)
        return MEXPR_E_NOMEM;
    mx_free(net->context, net->memory);
    net->memory = memory;
    net->memory_bytes = bytes;
    return MEXPR_OK;
}

static mexpr_status take_pass(mx_scope *scope, mx_net *net, const mx_tensor *inputs)
{
    mx_pass **pass = &net->passes[inputs[0].dims[0]];
    net->now = NULL;
    if (*pass && !mx_pass_fits(net, *pass, inputs)) {
        mx_pass_destroy(*pass);
        *pass = NULL;
    }
    mexpr_status status = MEXPR_OK;
    if (!*pass)
        status = mx_pass_create(scope, net, inputs, pass);
    if (status == MEXPR_OK)
        status = hold_memory(scope, net, (*pass)->memory_bytes);
    if (status != MEXPR_OK)
        return status;
    bind(net, *pass);
    net->now = *pass;
    return MEXPR_OK;
}

/* --- forward ----------------------------------------------------------------------- */

static mexpr_status check_inputs(
    mx_scope *scope, const mx_net *net, const mx_tensor *inputs)
{
    const mx_graph *graph = &net->graph;
    char text[MX_SHAPE_TEXT];
    for (int i = 0; i < graph->n_inputs; i++) {
        const mx_tensor *in = &inputs[i], *wanted = &graph->inputs[i].declared;
        bool fits = in->data && in->dtype == wanted->dtype && in->rank > 0 &&
                    (wanted->rank < 0 || in->rank == wanted->rank);
        for (int d = 1; fits && d < in->rank && wanted->rank > 0; d++)
            fits = wanted->dims[d] < 0 || in->dims[d] == wanted->dims[d];
        if (!fits)
            return mx_fail(scope, MEXPR_E_SHAPE,
                "a batch of %s does not fit the input '%.200s'", mx_shape_text(in, text),
                graph->inputs[i].name);
        if (in->dims[0] != inputs[0].dims[0] || in->dims[0] < 1 ||
            in->dims[0] > net->max_batch)
            return mx_fail(scope, MEXPR_E_SHAPE,
                "a batch of %s for the input '%.200s': batches have 1 to %lld samples, "
                "the same number for all inputs",
                mx_shape_text(in, text), graph->inputs[i].name,
                (long long)net->max_batch);
    }
    return MEXPR_OK;
}

/* Splitmix64 (Steele, Lea, Flood 2014): a seed of its own for each node. */
static uint64_t node_seed(uint64_t seed, const mx_node *node)
{
    uint64_t z = seed + ((uint64_t)node->index + 1) * 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static mx_back_run back_run(
    mx_scope *scope, const mx_net *net, const mx_net_step *step, const mx_net_call *call)
{
    return (mx_back_run){.scope = scope,
        .machine = &net->machine,
        .node = step->node,
        .n_inputs = step->node->n_inputs,
        .inputs = call->inputs,
        .n_outputs = step->node->n_outputs,
        .outputs = call->outputs,
        .params = call->params,
        .kept = net->memory + step->kept_offset,
        .workspace = net->memory + net->now->workspace_offset,
        .seed = node_seed(net->seed, step->node)};
}

static mexpr_status run_registry(
    mx_scope *scope, const mx_net *net, const mx_net_step *step, const mx_net_call *call)
{
    uint8_t *workspace = net->memory + net->now->workspace_offset;
    const mx_run run = {.scope = scope,
        .machine = &net->machine,
        .node = step->node,
        .n_inputs = step->node->n_inputs,
        .inputs = call->inputs,
        .n_outputs = step->node->n_outputs,
        .outputs = call->outputs,
        .params = call->params,
        .workspace = workspace,
        .n_workers = 1,
        .part_spaces = workspace + call->own_space,
        .part_space = call->part_space};
    return mx_run_forward(&run);
}

static mexpr_status run_forward(
    mx_scope *scope, const mx_net *net, const mx_net_step *step)
{
    const mx_net_call *call = &step->call;
    mexpr_status status = MEXPR_OK;
    if (step->node->outputs[0] >= 0 && net->is_ones[step->node->outputs[0]]) {
        float *ones = call->outputs[0]->data;
        for (int64_t i = 0; i < mx_tensor_count(call->outputs[0]); i++)
            ones[i] = 1;
    } else if (net->is_training && step->back && step->back->forward) {
        const mx_back_run run = back_run(scope, net, step, call);
        status = step->back->forward(&run);
    } else {
        status = run_registry(scope, net, step, call);
    }
    char label[MX_LABEL_SIZE];
    if (status != MEXPR_OK)
        mx_fail_prefix(scope, status, mx_node_label(step->node, label));
    return status;
}

mexpr_status mx_net_plan(mx_scope *scope, mx_net *net, const mx_tensor *inputs)
{
    const mexpr_status status = check_inputs(scope, net, inputs);
    net->is_training = false;
    return status == MEXPR_OK ? take_pass(scope, net, inputs) : status;
}

mexpr_status mx_net_forward(mx_scope *scope, mx_net *net, const mx_tensor *inputs,
    uint64_t seed, bool is_training)
{
    mexpr_status status = mx_net_plan(scope, net, inputs);
    if (status != MEXPR_OK)
        return status;
    const mx_graph *graph = &net->graph;
    net->is_training = is_training;
    net->seed = seed;
    for (int i = 0; i < graph->n_inputs; i++)
        net->now->tensors[graph->inputs[i].value].data = inputs[i].data;
    for (int i = 0; i < net->now->n_steps && status == MEXPR_OK; i++)
        status = run_forward(scope, net, &net->now->steps[i]);
    if (status != MEXPR_OK)
        net->now = NULL;
    return status;
}

const mx_tensor *mx_net_output(const mx_net *net, int index)
{
    return &net->now->tensors[net->graph.outputs[index].value];
}

/* --- backward ---------------------------------------------------------------------- */

/* Where the gradient of a value lies, NULL: it has none. */
static float *gradient_of(const mx_net *net, int value)
{
    if (value < 0 || !net->has_gradient[value])
        return NULL;
    if (net->gradient_at[value])
        return net->gradient_at[value];
    const mx_net_block *block = &net->now->gradients[value];
    return block->place == MX_NET_HERE ? (float *)(net->memory + block->offset) : NULL;
}

static void take_output_gradients(const mx_net *net, const float *const *output_gradients)
{
    const mx_graph *graph = &net->graph;
    for (int i = 0; i < graph->n_outputs; i++) {
        const int value = graph->outputs[i].value;
        float *to = gradient_of(net, value);
        if (!to || !output_gradients[i])
            continue;
        const size_t n = (size_t)mx_tensor_count(mx_net_output(net, i));
        if (net->is_written[value])
            net->machine.nn.add(n, to, output_gradients[i], to);
        else
            memcpy(to, output_gradients[i], n * sizeof *to);
        net->is_written[value] = true;
    }
}

static mexpr_status run_backward(mx_scope *scope, mx_net *net, const mx_net_step *step)
{
    const mx_node *node = step->node;
    bool flows = false;
    for (int k = 0; k < node->n_outputs; k++) {
        const int value = node->outputs[k];
        const bool is_there = value >= 0 && net->is_written[value];
        net->output_gradients[k] = is_there ? gradient_of(net, value) : NULL;
        flows = flows || is_there;
    }
    if (!flows || !step->wanted)
        return MEXPR_OK;
    mx_back_run run = back_run(scope, net, step, &step->call);
    run.output_gradients = net->output_gradients;
    run.gradients = net->input_gradients;
    for (int k = 0; k < node->n_inputs; k++) {
        const bool wanted = k < 32 && step->wanted & MX_INPUT_BIT(k);
        net->input_gradients[k] = wanted ? gradient_of(net, node->inputs[k]) : NULL;
        if (wanted && net->is_written[node->inputs[k]])
            run.adds |= MX_INPUT_BIT(k);
        if (wanted)
            net->is_written[node->inputs[k]] = true;
    }
    const mexpr_status status = step->back->backward(&run);
    char label[MX_LABEL_SIZE];
    if (status != MEXPR_OK)
        mx_fail_prefix(scope, status, mx_node_label(node, label));
    return status;
}

mexpr_status mx_net_backward(
    mx_scope *scope, mx_net *net, const float *const *output_gradients)
{
    if (!net->now || !net->is_training)
        return mx_fail(scope, MEXPR_E_STATE,
            "there is nothing to go back through: run the network forward while training "
            "first");
    memset(net->is_written, 0, (size_t)net->now->n_values * sizeof *net->is_written);
    take_output_gradients(net, output_gradients);
    mexpr_status status = MEXPR_OK;
    for (int i = net->now->n_steps - 1; i >= 0 && status == MEXPR_OK; i--)
        status = run_backward(scope, net, &net->now->steps[i]);
    for (int i = 0; i < net->n_parts; i++) {
        if (!net->is_written[net->part_values[i]])
            memset(net->gradients + net->parts[i].offset, 0,
                net->parts[i].count * sizeof *net->gradients);
    }
    /* What forward left has been used up: gradients lie where it did. */
    net->is_training = false;
    return status;
}
