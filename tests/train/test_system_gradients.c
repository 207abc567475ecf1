/* SPDX-License-Identifier: MIT */
/* Gradients of every system as a whole: of the sum of its outputs times random numbers,
 * by every weight tensor along a random direction and by single weights, against central
 * differences of the network computed in double (reference.h). Training form, dropout
 * off.
 *
 * Large networks are tried along directions of all weights at once, and by some of their
 * tensors. MEXPR_TEST_SYSTEM names one system to be tried alone, with every tensor; the
 * largest ones are tried in that way only. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "microexpr/system.h"
#include "model/model_handle.h"
#include "model/operator.h"
#include "reference.h"
#include "support.h"
#include "system/layers.h"
#include "train/block.h"
#include "train/net_parts.h"

/* Of the length of a tensor's gradient, or of SMALL of that of all together. A bias in
 * front of a batch normalisation has none: what float makes of it only has to be small.
 */
#define TOLERANCE 2e-4
#define SMALL 1e-4
#define ZERO 1e-7
#define ZERO_SCALE 0.1
/* Step along a direction whose numbers are about 1. */
#define STEP 1e-8
enum { MAX_INPUTS = 4 };

TEST_CONTEXT

static void ok(mexpr_status status)
{
    if (status != MEXPR_OK)
        fail_msg("%s", mx_context_scope(context)->error);
}

/* --- the network in double --------------------------------------------------------- */

typedef struct twin {
    const mx_graph *graph;
    int n_nodes;
    const mx_node **nodes;
    ref_tensor *values;
    bool *is_stale; /* by value: does not belong to the weights as they are */
    int output;
    double *weights; /* of the output's elements in the loss */
} twin;

static const mx_node *node_at(const mx_graph *graph, int i)
{
    return &graph->nodes[graph->order ? graph->order[i] : i];
}

static bool is_constant(const mx_node *node)
{
    return strcmp(node->op_type, "Constant") == 0;
}

/* Shapes for a batch, and room for all values. */
static void make_values(twin *t, const mx_tensor *input)
{
    const mx_graph *graph = t->graph;
    mx_tensor *tensors = calloc((size_t)graph->n_values, sizeof *tensors);
    mx_machine machine;
    mx_arena arena;
    mx_frame frame;
    mx_machine_init(&machine, mexpr_context_cpu(context));
    mx_arena_init(&arena, context);
    assert_non_null(tensors);
    for (int i = 0; i < graph->n_values; i++)
        tensors[i] = graph->values[i].tensor;
    for (int i = 0; i < graph->n_inputs; i++)
        tensors[graph->inputs[i].value] = input[i];
    ok(mx_frame_init(
        mx_context_scope(context), &arena, graph, &machine, tensors, &frame));
    for (int i = 0; i < t->n_nodes; i++) {
        if (is_constant(t->nodes[i]))
            tensors[t->nodes[i]->outputs[0]] = mx_attr(t->nodes[i], "value")->t;
        else
            ok(mx_node_infer(&frame, t->nodes[i]));
    }
    for (int i = 0; i < graph->n_values; i++) {
        if (mx_tensor_has_shape(&tensors[i]))
            t->values[i] = ref_from(&tensors[i]);
        t->is_stale[i] = true;
    }
    mx_arena_release(&arena);
    free(tensors);
}

static void make_twin(
    twin *t, const mx_graph *graph, const mx_tensor *input, const float *weights)
{
    memset(t, 0, sizeof *t);
    t->graph = graph;
    t->n_nodes = graph->n_file_nodes;
    t->nodes = calloc((size_t)t->n_nodes, sizeof *t->nodes);
    t->values = calloc((size_t)graph->n_values, sizeof *t->values);
    t->is_stale = calloc((size_t)graph->n_values, sizeof *t->is_stale);
    t->output = graph->outputs[0].value;
    assert_true(t->nodes && t->values && t->is_stale);
    for (int i = 0; i < t->n_nodes; i++)
        t->nodes[i] = node_at(graph, i);
    make_values(t, input);
    const int64_t n = ref_count(&t->values[t->output]);
    t->weights = calloc((size_t)n, sizeof *t->weights);
    assert_non_null(t->weights);
    for (int64_t i = 0; i < n; i++)
        t->weights[i] = (double)weights[i];
}

static void release_twin(twin *t)
{
    for (int i = 0; i < t->graph->n_values; i++)
        free(t->values[i].data);
    free(t->values);
    free(t->is_stale);
    free(t->nodes);
    free(t->weights);
}

static void run_node(twin *t, const mx_node *node)
{
    enum { MOST = 32 };
    const ref_tensor *in[MOST];
    ref_tensor *out[MOST];
    assert_true(node->n_inputs <= MOST && node->n_outputs <= MOST);
    for (int k = 0; k < node->n_inputs; k++)
        in[k] = node->inputs[k] >= 0 ? &t->values[node->inputs[k]] : NULL;
    for (int k = 0; k < node->n_outputs; k++)
        out[k] = node->outputs[k] >= 0 ? &t->values[node->outputs[k]] : NULL;
    if (!ref_forward(node, in, out, true))
        fail_msg("%s has no twin", node->op_type);
}

/* The loss, after the values marked as stale: what follows from them is computed anew,
 * and stays marked while `keep` is set, as it will be of no use. */
static double loss_of(twin *t, bool keep)
{
    for (int i = 0; i < t->n_nodes; i++) {
        const mx_node *node = t->nodes[i];
        bool is_stale = false;
        for (int k = 0; k < node->n_inputs; k++)
            is_stale = is_stale || (node->inputs[k] >= 0 && t->is_stale[node->inputs[k]]);
        if (!is_stale)
            continue;
        run_node(t, node);
        for (int k = 0; k < node->n_outputs; k++) {
            if (node->outputs[k] >= 0)
                t->is_stale[node->outputs[k]] = true;
        }
    }
    for (int i = 0; i < t->graph->n_values && !keep; i++)
        t->is_stale[i] = false;
    double sum = 0;
    const ref_tensor *y = &t->values[t->output];
    for (int64_t i = 0; i < ref_count(y); i++)
        sum += y->data[i] * t->weights[i];
    return sum;
}

/* --- the network in float ---------------------------------------------------------- */

typedef struct subject {
    const char *name;
    mexpr_model *model;
    mx_net *net;
    mx_tensor input[MAX_INPUTS];
    float *output_weights;
    twin twin;
    double length; /* of the whole gradient */
    mx_rng rng;
    double worst;
    int n_tried;
} subject;

/* What Dropout drops comes out of the seed, which the twin does not know. */
static void switch_dropout_off(mx_graph *graph)
{
    for (int i = 0; i < graph->n_nodes; i++) {
        const mx_node *node = &graph->nodes[i];
        if (strcmp(node->op_type, "Dropout") != 0)
            continue;
        const int ratio = graph->values[node->inputs[1]].producer;
        assert_true(ratio >= 0);
        *(float *)mx_attr(&graph->nodes[ratio], "value")->t.data = 0;
    }
}

/* Weights that all begin as one number are moved apart: a spatial transformer that begins
 * as the identity samples just at the kinks. */
static void shake(subject *s)
{
    float *weights = mx_net_weights(s->net);
    for (int p = 0; p < mx_net_n_parts(s->net); p++) {
        const mx_net_part *part = mx_net_part_at(s->net, p);
        float *w = weights + part->offset;
        bool is_one = true;
        for (size_t i = 1; i < part->count; i++)
            is_one = is_one && w[i] == w[0];
        for (size_t i = 0; i < part->count && is_one; i++)
            w[i] += (float)(0.1 * mx_rng_normal(&s->rng));
    }
}

static void make_inputs(subject *s, int64_t batch)
{
    const mx_graph *graph = &s->model->graph;
    assert_true(graph->n_inputs <= MAX_INPUTS);
    for (int i = 0; i < graph->n_inputs; i++) {
        mx_tensor *t = &s->input[i];
        *t = graph->inputs[i].declared;
        t->dims[0] = batch;
        const int64_t n = mx_tensor_count(t);
        float *data = calloc((size_t)n, sizeof *data);
        assert_non_null(data);
        for (int64_t k = 0; k < n; k++)
            data[k] = (float)mx_rng_normal(&s->rng);
        t->data = data;
    }
}

static void run_net(subject *s, uint64_t seed)
{
    mx_scope *scope = mx_context_scope(context);
    ok(mx_net_forward(scope, s->net, s->input, seed, true));
    const mx_tensor *out = mx_net_output(s->net, 0);
    const int64_t n = mx_tensor_count(out);
    s->output_weights = calloc((size_t)n, sizeof(float));
    assert_non_null(s->output_weights);
    for (int64_t i = 0; i < n; i++)
        s->output_weights[i] = (float)mx_rng_normal(&s->rng);
    const float *gradients[MAX_INPUTS] = {s->output_weights};
    ok(mx_net_backward(scope, s->net, gradients));
}

/* The value of the graph that a part is, and its weights as the net has them. */
static int value_of(subject *s, const mx_net_part *part)
{
    return mx_graph_find(&s->model->graph, part->name);
}

static void copy_weights(subject *s)
{
    for (int p = 0; p < mx_net_n_parts(s->net); p++) {
        const mx_net_part *part = mx_net_part_at(s->net, p);
        const float *w = mx_net_weights(s->net) + part->offset;
        double *to = s->twin.values[value_of(s, part)].data;
        for (size_t i = 0; i < part->count; i++)
            to[i] = (double)w[i];
    }
}

/* What trains as blocks, in the forms that no system has: normalised before and behind
 * Relu, and not at all; pools that overlap, with padding, before Relu, and none; strides,
 * a hole between elements, padding on one side; convolutions side by side. */
static mx_name beside(mx_layers *l, mx_name x, const char *path, int64_t in, int64_t out)
{
    const mx_conv conv = {.in = in, .out = out, .kernel = 3, .pad = 2};
    x = mx_norm(
        l, mx_relu(l, mx_conv_layer(l, x, path, conv)), mx_path(path, "bn").text, out);
    return mx_max_pool(l, x, 3, 3, 1);
}

static mx_name pad_before(mx_layers *l, mx_name x)
{
    static const int64_t kernel[] = {2, 3}, pads[] = {1, 2, 0, 0};
    static const int64_t dims[] = {14, 26, 2, 3};
    mexpr_builder_ints(l->b, "kernel_shape", kernel, 2);
    mexpr_builder_ints(l->b, "pads", pads, 4);
    return mx_op2(
        l, "Conv", x, mx_parameter(l, "aside", 4, dims, MEXPR_INIT_NORMAL, 0.2));
}

static mexpr_model *blocks_model(void)
{
    const mx_conv first = {.in = 3, .out = 16, .kernel = 3, .stride = 2, .dilation = 2};
    const mx_conv wide = {.in = 16, .out = 26, .kernel = 3, .pad = 2, .dilation = 2};
    const mx_conv last = {.in = 14, .out = 40, .kernel = 3, .pad = 1};
    mexpr_builder *builder;
    mexpr_model *model;
    mx_layers l;
    assert_ok(context, mexpr_builder_create(context, "blocks", &builder));
    mx_layers_init(&l, builder);
    const mx_name x = mx_input(&l, "x", 3, 27, 33);
    mx_name y = mx_max_pool(&l, mx_conv_layer(&l, x, "first", first), 2, 1, 0);
    const mx_name pair[2] = {
        beside(&l, y, "left", 16, 5), beside(&l, y, "right", 16, 11)};
    y = mx_concat(&l, pair, 2, 1);
    y = mx_relu(&l, mx_norm(&l, mx_conv_layer(&l, y, "wide", wide), "wide.bn", 26));
    y = pad_before(&l, mx_max_pool(&l, y, 3, 1, 1));
    y = mx_relu(&l, mx_max_pool(&l, mx_conv_layer(&l, y, "last", last), 3, 2, 0));
    mx_output(&l, mx_fc(&l, mx_flatten(&l, y), "fc", 160, 3, true), "scores");
    assert_ok(context, mexpr_builder_finish(builder, &model));
    mexpr_builder_destroy(&builder);
    return model;
}

static int n_blocks(const mx_net *net)
{
    int n = 0;
    for (int i = 0; i < net->n_nodes; i++)
        n += net->nodes[i]->op == &mx_block_operator;
    return n;
}

static void start(
    subject *s, const char *name, int32_t size, int32_t n_classes, int64_t batch)
{
    mexpr_system_options options = MEXPR_SYSTEM_OPTIONS_INIT;
    memset(s, 0, sizeof *s);
    s->name = name;
    options.size = size;
    options.n_classes = n_classes;
    mx_rng_seed(&s->rng, 3, 0);
    if (strcmp(name, "blocks") == 0)
        s->model = blocks_model();
    else
        assert_ok(context, mexpr_system_build(context, name, &options, &s->model));
    switch_dropout_off(&s->model->graph);
    ok(mx_net_create(mx_context_scope(context), s->model, batch, &s->net));
    assert_true(strcmp(name, "blocks") != 0 || n_blocks(s->net) == 5);
    assert_true(strcmp(name, "ststnet") != 0 || n_blocks(s->net) == 1);
    make_inputs(s, batch);
    shake(s);
    run_net(s, 1);
    make_twin(&s->twin, &s->model->graph, s->input, s->output_weights);
    copy_weights(s);
    loss_of(&s->twin, false);
    for (size_t i = 0; i < mx_net_n_weights(s->net); i++)
        s->length += pow((double)mx_net_gradients(s->net)[i], 2);
    s->length = sqrt(s->length);
}

static void finish(subject *s)
{
    print_message("%s: %d directions, within %.1e\n", s->name, s->n_tried, s->worst);
    for (int i = 0; i < MAX_INPUTS; i++)
        free(s->input[i].data);
    free(s->output_weights);
    release_twin(&s->twin);
    mx_net_destroy(s->net);
    mexpr_model_destroy(&s->model);
}

/* Forward in float beside forward in double. */
static void compare_outputs(subject *s)
{
    const float *found = mx_net_output(s->net, 0)->data;
    const ref_tensor *want = &s->twin.values[s->twin.output];
    double largest = 0;
    for (int64_t i = 0; i < ref_count(want); i++)
        largest = fmax(largest, fabs(want->data[i]));
    for (int64_t i = 0; i < ref_count(want); i++) {
        if (!(fabs((double)found[i] - want->data[i]) <= 1e-4 * largest))
            fail_msg("%s: output %lld is %g, in double %g", s->name, (long long)i,
                (double)found[i], want->data[i]);
    }
}

/* --- directions -------------------------------------------------------------------- */

static void compare(subject *s, const char *what, double found, double want, double scale)
{
    const bool is_zero = fabs(want) < ZERO * s->length;
    const double least = (is_zero ? ZERO_SCALE : SMALL) * s->length;
    const double error = fabs(found - want) / fmax(scale, least);
    s->worst = fmax(s->worst, error);
    s->n_tried++;
    if (!(error <= TOLERANCE))
        fail_msg("%s: the gradient along '%s' is %g, not %g (%.1e of its length)",
            s->name, what, found, want, error);
}

/* +1 or -1 for weight i. */
static double sign_of(uint64_t seed, size_t i)
{
    uint64_t x = seed + i * 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 31)) * 0xbf58476d1ce4e5b9u;
    return x >> 63 ? 1 : -1;
}

/* Moves the parts first..last by `step` along a direction of signs, or one weight. */
static void move(subject *s, int first, int last, size_t one, uint64_t seed, double step)
{
    for (int p = first; p <= last; p++) {
        const mx_net_part *part = mx_net_part_at(s->net, p);
        const int value = value_of(s, part);
        double *w = s->twin.values[value].data;
        const float *at = mx_net_weights(s->net) + part->offset;
        s->twin.is_stale[value] = true;
        for (size_t i = 0; i < part->count; i++) {
            if (one == SIZE_MAX || one == i)
                w[i] = (double)at[i] +
                       (step == 0 ? 0 : step * sign_of(seed, part->offset + i));
        }
    }
}

/* The parts first..last together, or one weight of them. */
static void try(subject *s, int first, int last, size_t one)
{
    const uint64_t seed = mx_rng_u64(&s->rng);
    double found = 0, length = 0, ends[2];
    for (int p = first; p <= last; p++) {
        const mx_net_part *part = mx_net_part_at(s->net, p);
        const float *gradient = mx_net_gradients(s->net) + part->offset;
        for (size_t i = 0; i < part->count; i++) {
            const double g = (double)gradient[i];
            length += g * g;
            if (one == SIZE_MAX || one == i)
                found += g * sign_of(seed, part->offset + i);
        }
    }
    for (int side = 0; side < 2; side++) {
        move(s, first, last, one, seed, side ? STEP : -STEP);
        ends[side] = loss_of(&s->twin, true);
    }
    move(s, first, last, one, seed, 0);
    const char *what = first == last ? mx_net_part_at(s->net, first)->name : "all";
    compare(s, what, found, (ends[1] - ends[0]) / (2 * STEP), sqrt(length));
}

/* The weight with the largest gradient, and another one. */
static void try_weights(subject *s, int p)
{
    const mx_net_part *part = mx_net_part_at(s->net, p);
    const float *gradient = mx_net_gradients(s->net) + part->offset;
    size_t largest = 0;
    for (size_t i = 1; i < part->count; i++)
        largest = fabsf(gradient[i]) > fabsf(gradient[largest]) ? i : largest;
    try(s, p, p, largest);
    if (part->count > 1)
        try(s, p, p, mx_rng_below(&s->rng, (uint32_t)part->count));
}

/* --- systems ----------------------------------------------------------------------- */

typedef struct system_case {
    const char *name;
    int32_t size, n_classes;
    int64_t batch;
    int every; /* tensors are tried one out of so many; 0: when the system is asked for */
} system_case;

/* Batches are large enough for a last map of one pixel: float normalises few numbers that
 * are nearly the same badly. */
static const system_case cases[] = {
    {"blocks", 0, 3, 4, 1},
    {"ststnet", 0, 3, 4, 1},
    {"off-tanet", 0, 3, 3, 16},
    {"mfe-net", 0, 3, 3, 12},
    {"rcn", 0, 3, 3, 10},
    {"rcn-small", 0, 3, 3, 1},
    {"deep-emotion", 0, 7, 3, 4},
    {"dual-atme", 0, 3, 4, 16},
    {"featref", 0, 3, 3, 16},
    {"msjfn", 32, 3, 3, 16},
    {"dcbam-efficientnet", 32, 3, 8, 100},
    {"strcn", 0, 3, 1, 0}, /* minutes */
    {"htnet", 0, 3, 2, 0}, /* 3 GB */
    {"flow-c2s", 0, 3, 3, 1},
    {"flow-attention", 0, 3, 3, 3},
};

static void test_system(void **state)
{
    const system_case *c = *state;
    const char *alone = getenv("MEXPR_TEST_SYSTEM");
    const bool is_asked = alone && strcmp(alone, c->name) == 0;
    subject s;
    if (!is_asked && ((alone && alone[0]) || c->every == 0))
        skip();
    start(&s, c->name, c->size, c->n_classes, c->batch);
    compare_outputs(&s);
    const int n = mx_net_n_parts(s.net);
    for (int i = 0; i < 2; i++)
        try(&s, 0, n - 1, SIZE_MAX);
    const int every = is_asked && c->every ? 1 : c->every ? c->every : n / 2;
    for (int p = n - 1; p >= 0; p--) {
        if ((n - 1 - p) % every != every / 2)
            continue;
        try(&s, p, p, SIZE_MAX);
        try_weights(&s, p);
    }
    finish(&s);
}

enum { N_CASES = sizeof cases / sizeof cases[0] };

int main(void)
{
    struct CMUnitTest tests[N_CASES];
    for (int i = 0; i < N_CASES; i++)
        tests[i] = (struct CMUnitTest){.name = cases[i].name,
            .test_func = test_system,
            .initial_state = (void *)&cases[i]};
    return cmocka_run_group_tests(tests, setup, teardown);
}
