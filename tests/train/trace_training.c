/* SPDX-License-Identifier: MIT */
/* What training a model does, for a comparison with another trainer:
 *
 *     trace_training MODEL.onnx DATA STEPS GRADIENTS
 *
 * DATA has the number of samples n as an int32 and the floats of each input, [n][...].
 * Sample i has the label i % classes; the loss is the cross-entropy of the first output.
 * Dropout is off. Prints the loss of each step of Adam (rate 1e-3) and the milliseconds
 * of processor time of its forward pass, its backward pass and Adam; GRADIENTS receives
 * those of the first step, then the weights after the last one, then the states. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "train/net.h"
#include "train/optimiser.h"

enum { MAX_INPUTS = 4, MAX_OUTPUTS = 4 };

/* Of this process alone: others may be at work. */
static double now_ms(void)
{
    return (double)clock() * 1e3 / CLOCKS_PER_SEC;
}

static void check(mx_scope *scope, mexpr_status status)
{
    if (status == MEXPR_OK)
        return;
    fprintf(stderr, "trace_training: %s\n", scope->error);
    exit(1);
}

static void *must(void *block)
{
    if (!block) {
        fprintf(stderr, "trace_training: no memory, or no file\n");
        exit(1);
    }
    return block;
}

/* Dropout takes its ratio from a constant: makes it 0. */
static void stop_dropout(mexpr_model *model)
{
    mx_graph *graph = &model->graph;
    for (int i = 0; i < graph->n_nodes; i++) {
        const mx_node *node = &graph->nodes[i];
        if (strcmp(node->op_type, "Dropout") == 0 && node->n_inputs > 1)
            *(float *)graph->values[node->inputs[1]].tensor.data = 0;
    }
}

static void read_inputs(const mexpr_model *model, const char *path, mx_tensor *inputs)
{
    FILE *file = must(fopen(path, "rb"));
    int32_t n = 0;
    size_t got = fread(&n, sizeof n, 1, file);
    for (int i = 0; i < model->graph.n_inputs && got > 0; i++) {
        inputs[i] = model->graph.inputs[i].declared;
        inputs[i].dims[0] = n;
        inputs[i].data = must(malloc(mx_tensor_bytes(&inputs[i])));
        got = fread(inputs[i].data, mx_tensor_bytes(&inputs[i]), 1, file);
    }
    fclose(file);
    must(got > 0 ? inputs : NULL);
}

static double loss_of(const mx_tensor *scores, float *gradient)
{
    const int64_t n = scores->dims[0], classes = scores->dims[1];
    double loss = 0;
    for (int64_t i = 0; i < n; i++) {
        const float *row = (const float *)scores->data + i * classes;
        double sum = 0, most = (double)row[0];
        for (int64_t c = 1; c < classes; c++)
            most = fmax(most, (double)row[c]);
        for (int64_t c = 0; c < classes; c++)
            sum += exp((double)row[c] - most);
        loss += (log(sum) + most - (double)row[i % classes]) / (double)n;
        for (int64_t c = 0; c < classes; c++) {
            const double share = exp((double)row[c] - most) / sum;
            gradient[i * classes + c] = (float)((share - (c == i % classes)) / (double)n);
        }
    }
    return loss;
}

static void train(
    mx_scope *scope, mx_net *net, const mx_tensor *inputs, int n_steps, FILE *out)
{
    const size_t n = mx_net_n_weights(net);
    const mx_weight_group all = {0, n, 1};
    mx_optimiser adam = {
        .method = MEXPR_OPTIMISER_ADAM, .momentum = 0.9, .beta2 = 0.999, .epsilon = 1e-8};
    float *gradient = NULL;
    check(scope, mx_optimiser_create(scope, &adam, n));
    for (int step = 1; step <= n_steps; step++) {
        const double start = now_ms();
        check(scope, mx_net_forward(scope, net, inputs, 1, true));
        const double middle = now_ms();
        const mx_tensor *scores = mx_net_output(net, 0);
        if (!gradient)
            gradient = must(malloc(mx_tensor_bytes(scores)));
        const float *const gradients[MAX_OUTPUTS] = {gradient};
        const double loss = loss_of(scores, gradient);
        const double resumed = now_ms();
        check(scope, mx_net_backward(scope, net, gradients));
        const double done = now_ms();
        if (step == 1)
            fwrite(mx_net_gradients(net), sizeof(float), n, out);
        const double learns = now_ms();
        mx_optimiser_step(
            &adam, 1e-3, 1, &all, 1, mx_net_gradients(net), mx_net_weights(net));
        printf("%.9g %.4f %.4f %.4f\n", loss, middle - start, done - resumed,
            now_ms() - learns);
    }
    fwrite(mx_net_weights(net), sizeof(float), n, out);
    fwrite(mx_net_states(net), sizeof(float), mx_net_n_states(net), out);
    mx_optimiser_destroy(scope->context, &adam);
    free(gradient);
}

int main(int argc, char **argv)
{
    if (argc != 5)
        return 2;
    mexpr_context *context;
    mexpr_model *model;
    mx_net *net;
    mx_tensor inputs[MAX_INPUTS];
    if (mexpr_context_create(NULL, &context) != MEXPR_OK)
        return 1;
    mx_scope *scope = mx_context_scope(context);
    mexpr_model_options options = MEXPR_MODEL_OPTIONS_INIT;
    options.rewrites = 0;
    check(scope, mexpr_model_load_with(context, argv[1], &options, &model));
    stop_dropout(model);
    read_inputs(model, argv[2], inputs);
    check(scope, mx_net_create(scope, model, inputs[0].dims[0], &net));
    FILE *out = must(fopen(argv[4], "wb"));
    for (int i = 0; i < mx_net_n_parts(net); i++)
        printf("%s %zu\n", mx_net_part_at(net, i)->name, mx_net_part_at(net, i)->count);
    printf("\n");
    train(scope, net, inputs, atoi(argv[3]), out);
    fclose(out);
    for (int i = 0; i < model->graph.n_inputs; i++)
        free(inputs[i].data);
    mx_net_destroy(net);
    mexpr_model_destroy(&model);
    mexpr_context_destroy(&context);
    return 0;
}
