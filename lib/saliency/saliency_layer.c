/* SPDX-License-Identifier: MIT */
/* Which feature map a class activation map is made of. */
#include <string.h>

#include "model/model_handle.h"
#include "model/operator.h"
#include "saliency/saliency_parts.h"

static const mx_node *node_at(const mx_graph *graph, int i)
{
    return &graph->nodes[graph->order ? graph->order[i] : i];
}

/* A float map with more than one position, as far as its shape is known. */
static bool is_map(const mx_tensor *t)
{
    int64_t positions = 1;
    if (t->dtype != MEXPR_DTYPE_F32 || (t->rank != 4 && t->rank != 5) || t->data)
        return false;
    for (int d = t->rank - 2; d < t->rank; d++)
        positions *= t->dims[d] < 0 ? 2 : t->dims[d] > 1 ? 2 : t->dims[d];
    return positions > 1;
}

static bool has_same_positions(const mx_tensor *a, const mx_tensor *b)
{
    return a->rank == b->rank && a->dims[a->rank - 1] == b->dims[b->rank - 1] &&
           a->dims[a->rank - 2] == b->dims[b->rank - 2];
}

/* Operators that compute at each position from what is there, and windows that keep the
 * positions. */
static bool stays_in_place(const mx_node *node)
{
    static const char *const names[] = {"Add", "AveragePool", "BatchNormalization",
        "Clip", "Concat", "Div", "Dropout", "Elu", "Gelu", "HardSigmoid", "HardSwish",
        "Identity", "InstanceNormalization", "LRN", "LeakyRelu", "Max", "MaxPool", "Mul",
        "PRelu", "Relu", "Selu", "Sigmoid", "Softplus", "Sub", "Sum", "Tanh"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(node->op->name, names[i]) == 0)
            return true;
    }
    return false;
}

static bool takes(const mx_node *node, int value)
{
    for (int k = 0; k < node->n_inputs; k++) {
        if (node->inputs[k] == value)
            return true;
    }
    return false;
}

static int last_convolution(const mx_graph *graph, int *place)
{
    for (int i = graph->n_file_nodes - 1; i >= 0; i--) {
        const mx_node *node = node_at(graph, i);
        if (strcmp(node->op->name, "Conv") == 0 && !node->is_shut &&
            is_map(&graph->values[node->outputs[0]].tensor)) {
            *place = i;
            return node->outputs[0];
        }
    }
    return -1;
}

/* On from the convolution as long as a node behind gives a map of the same positions. */
static int follow(const mx_graph *graph, int value, int place)
{
    for (int i = place + 1; i < graph->n_file_nodes; i++) {
        const mx_node *node = node_at(graph, i);
        if (!node->is_shut && stays_in_place(node) && takes(node, value) &&
            is_map(&graph->values[node->outputs[0]].tensor) &&
            has_same_positions(
                &graph->values[value].tensor, &graph->values[node->outputs[0]].tensor))
            value = node->outputs[0];
    }
    return value;
}

static int find_named(const mx_graph *graph, const char *name)
{
    const int value = mx_graph_find(graph, name);
    for (int i = 0; value < 0 && i < graph->n_file_nodes; i++) {
        const mx_node *node = &graph->nodes[i];
        if (strcmp(node->name, name) == 0 && !node->is_shut && node->n_outputs > 0)
            return node->outputs[0];
    }
    return value;
}

mexpr_status mx_saliency_layer_find(
    mx_scope *scope, const mexpr_model *model, const char *layer, const char **name)
{
    const mx_graph *graph = &model->graph;
    int place = 0;
    int value = layer ? find_named(graph, layer) : last_convolution(graph, &place);
    if (value < 0 && layer)
        return mx_fail(scope, MEXPR_E_NOT_FOUND,
            "the network has no tensor and no node called '%.200s'", layer);
    if (value < 0)
        return mx_fail(scope, MEXPR_E_SHAPE,
            "the network has no convolution with a map of positions; name a layer, or "
            "use occlusion");
    if (!layer)
        value = follow(graph, value, place);
    *name = graph->values[value].name;
    return MEXPR_OK;
}
