/* SPDX-License-Identifier: MIT */
/* Networks that learn: gradients against finite differences, what training changes. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "microexpr/model.h"
#include "microexpr/system.h"
#include "support.h"
#include "train/net.h"

enum { BATCH = 6, SIDE = 28, SAMPLE = 3 * SIDE * SIDE, N_CLASSES = 3 };

TEST_CONTEXT
static float pictures[BATCH * SAMPLE];

static void ok(mexpr_status status)
{
    if (status != MEXPR_OK)
        fail_msg("%s", mx_context_scope(context)->error);
}

static mexpr_model *system_model(const char *name)
{
    mexpr_model *model;
    mexpr_system_options options = MEXPR_SYSTEM_OPTIONS_INIT;
    options.n_classes = N_CLASSES;
    ok(mexpr_system_build(context, name, &options, &model));
    return model;
}

static mx_net *system_net(const char *name)
{
    mexpr_model *model = system_model(name);
    mx_net *net;
    ok(mx_net_create(mx_context_scope(context), model, BATCH, &net));
    mexpr_model_destroy(&model);
    return net;
}

static void make_pictures(uint64_t seed)
{
    mx_rng rng;
    mx_rng_seed(&rng, seed, 0);
    for (int i = 0; i < BATCH * SAMPLE; i++)
        pictures[i] = (float)mx_rng_normal(&rng);
}

static mx_tensor batch_of(int64_t n)
{
    return (mx_tensor){MEXPR_DTYPE_F32, 4, {n, 3, SIDE, SIDE}, pictures};
}

/* Cross-entropy of labels 0, 1, 2, 0, … and its gradient by the scores. */
static double loss_of(const mx_tensor *scores, float *gradient)
{
    const int64_t n = scores->dims[0], classes = scores->dims[1];
    double loss = 0;
    for (int64_t i = 0; i < n; i++) {
        const float *row = (const float *)scores->data + i * classes;
        double sum = 0;
        for (int64_t c = 0; c < classes; c++)
            sum += exp((double)row[c]);
        loss += (log(sum) - (double)row[i % classes]) / (double)n;
        for (int64_t c = 0; c < classes; c++)
            gradient[i * classes + c] =
                (float)((exp((double)row[c]) / sum - (c == i % classes)) / (double)n);
    }
    return loss;
}

static double run_loss(mx_net *net, float *gradient)
{
    const mx_tensor in = batch_of(BATCH);
    ok(mx_net_forward(mx_context_scope(context), net, &in, 7, true));
    return loss_of(mx_net_output(net, 0), gradient);
}

/* Along random directions of all weights and of each part alone. */
static void test_gradients(void **state)
{
    (void)state;
    mx_net *net = system_net("ststnet");
    float gradient[BATCH * N_CLASSES], other[BATCH * N_CLASSES];
    const float *const given[] = {gradient};
    const size_t n = mx_net_n_weights(net);
    float *weights = mx_net_weights(net);
    float *saved = malloc(n * sizeof *saved), *slope = malloc(n * sizeof *slope);
    make_pictures(1);
    run_loss(net, gradient);
    ok(mx_net_backward(mx_context_scope(context), net, given));
    memcpy(slope, mx_net_gradients(net), n * sizeof *slope);
    memcpy(saved, weights, n * sizeof *saved);
    mx_rng rng;
    mx_rng_seed(&rng, 2, 0);
    for (int p = -1; p < mx_net_n_parts(net); p++) {
        const mx_net_part *part = p < 0 ? NULL : mx_net_part_at(net, p);
        const size_t first = part ? part->offset : 0, count = part ? part->count : n;
        double expected = 0, length = 0, ends[2];
        float *direction = calloc(n, sizeof *direction);
        for (size_t i = first; i < first + count; i++) {
            direction[i] = (float)mx_rng_normal(&rng);
            expected += (double)direction[i] * (double)slope[i];
            length += (double)direction[i] * (double)direction[i];
        }
        const double step = 2e-3 / sqrt(length);
        for (int side = 0; side < 2; side++) {
            for (size_t i = 0; i < n; i++)
                weights[i] =
                    saved[i] + (float)((side ? step : -step) * (double)direction[i]);
            ends[side] = run_loss(net, other);
        }
        memcpy(weights, saved, n * sizeof *saved);
        const double found = (ends[1] - ends[0]) / (2 * step);
        assert_true(fabs(found - expected) < 1e-2 * sqrt(length) + 0.02 * fabs(expected));
        free(direction);
    }
    free(saved);
    free(slope);
    mx_net_destroy(net);
}

/* --- what training changes --------------------------------------------------------- */

static void run(mx_net *net, int64_t n, uint64_t seed, bool is_training)
{
    const mx_tensor in = batch_of(n);
    ok(mx_net_forward(mx_context_scope(context), net, &in, seed, is_training));
}

static void go_back(mx_net *net)
{
    float gradient[BATCH * N_CLASSES];
    const float *const given[] = {gradient};
    loss_of(mx_net_output(net, 0), gradient);
    ok(mx_net_backward(mx_context_scope(context), net, given));
}

/* Dropout of STSTNet follows from the seed alone; without training there is none. */
static void test_seeds(void **state)
{
    (void)state;
    mx_net *net = system_net("ststnet");
    float first[BATCH * N_CLASSES];
    make_pictures(3);
    run(net, BATCH, 5, true);
    memcpy(first, mx_net_output(net, 0)->data, sizeof first);
    run(net, BATCH, 6, true);
    assert_memory_not_equal(first, mx_net_output(net, 0)->data, sizeof first);
    run(net, BATCH, 5, true);
    assert_memory_equal(first, mx_net_output(net, 0)->data, sizeof first);
    run(net, BATCH, 5, false);
    memcpy(first, mx_net_output(net, 0)->data, sizeof first);
    run(net, BATCH, 6, false);
    assert_memory_equal(first, mx_net_output(net, 0)->data, sizeof first);
    mx_net_destroy(net);
}

/* Running statistics move by a tenth, and only while training. */
static void test_states(void **state)
{
    (void)state;
    mx_net *net = system_net("ststnet");
    float before[32], *states = mx_net_states(net);
    assert_int_equal(mx_net_n_states(net), 2 * (3 + 5 + 8));
    make_pictures(3);
    memcpy(before, states, sizeof before);
    run(net, BATCH, 1, false);
    assert_memory_equal(before, states, sizeof before);
    run(net, BATCH, 1, true);
    float once[32];
    memcpy(once, states, sizeof once);
    run(net, BATCH, 1, true);
    for (int i = 0; i < 32; i++) {
        const float batch = (once[i] - 0.9f * before[i]) / 0.1f;
        assert_true(once[i] != before[i]);
        assert_true(fabsf(states[i] - (0.9f * once[i] + 0.1f * batch)) < 1e-5f);
    }
    mx_net_destroy(net);
}

/* The model made of a net computes what the net does, and can be trained on. */
static void test_model(void **state)
{
    (void)state;
    mx_net *net = system_net("ststnet"), *again;
    mexpr_model *model;
    mexpr_session *session;
    make_pictures(3);
    run(net, BATCH, 1, true);
    go_back(net);
    const size_t n = mx_net_n_weights(net);
    for (size_t i = 0; i < n; i++)
        mx_net_weights(net)[i] -= 0.1f * mx_net_gradients(net)[i];
    run(net, BATCH, 1, false);
    ok(mx_net_model(mx_context_scope(context), net, &model));
    mexpr_tensor_view in = MEXPR_TENSOR_VIEW_INIT, out = MEXPR_TENSOR_VIEW_INIT;
    in.dtype = MEXPR_DTYPE_F32;
    in.rank = 4;
    in.dims[0] = BATCH;
    in.dims[1] = 3;
    in.dims[2] = in.dims[3] = SIDE;
    in.data = pictures;
    ok(mexpr_session_create(model, &session));
    ok(mexpr_session_set_input(session, NULL, &in));
    ok(mexpr_session_run(session));
    ok(mexpr_session_output(session, NULL, &out));
    for (int i = 0; i < BATCH * N_CLASSES; i++)
        assert_true(fabsf(((const float *)out.data)[i] -
                          ((const float *)mx_net_output(net, 0)->data)[i]) < 1e-4f);
    mexpr_session_destroy(&session);
    ok(mx_net_create(mx_context_scope(context), model, BATCH, &again));
    mexpr_model_destroy(&model);
    assert_int_equal(mx_net_n_parts(again), mx_net_n_parts(net));
    assert_memory_equal(mx_net_weights(again), mx_net_weights(net), n * sizeof(float));
    assert_memory_equal(
        mx_net_states(again), mx_net_states(net), mx_net_n_states(net) * sizeof(float));
    mx_net_destroy(again);
    mx_net_destroy(net);
}

/* --- memory and threads ------------------------------------------------------------ */

/* Gradients of some batches, one behind the other, on a context of its own. */
static void gradients_of(const char *name, int n_threads, float *gradients, size_t *n)
{
    test_heap heap;
    test_heap_init(&heap);
    mexpr_context *shared = context;
    context = test_context(&heap, n_threads);
    mx_net *net = system_net(name);
    make_pictures(4);
    long n_allocs = 0;
    for (int round = 0; round < 2; round++) {
        n_allocs = heap.n_allocs;
        static const int sizes[] = {BATCH, 2, 1, BATCH};
        for (int i = 0; i < 4; i++) {
            run(net, sizes[i], 9, i != 1);
            if (i != 1)
                go_back(net);
        }
    }
    assert_int_equal(heap.n_allocs, n_allocs);
    *n = mx_net_n_weights(net);
    memcpy(gradients, mx_net_gradients(net), *n * sizeof *gradients);
    mx_net_destroy(net);
    mexpr_context_destroy(&context);
    assert_int_equal(heap.live_blocks, 0);
    context = shared;
}

static void test_warm(void **state)
{
    (void)state;
    static float one[100000], four[100000];
    size_t n;
    for (int i = 0; i < 2; i++) {
        gradients_of("ststnet", 1, one, &n);
        gradients_of("ststnet", 4, four, &n);
        assert_memory_equal(one, four, n * sizeof *one);
    }
}

/* --- refusals ---------------------------------------------------------------------- */

/* x -> x W', W' = op(W): a weight behind a node that loading computes once. */
static mexpr_model *turned_model(const char *op, bool has_weight)
{
    static const int64_t dims[] = {4, 4}, batch[] = {-1, 4};
    const char *names[] = {"x", "w", "v", "y"};
    mexpr_builder *builder;
    mexpr_model *model;
    ok(mexpr_builder_create(context, "turned", &builder));
    mexpr_builder_input(builder, "x", MEXPR_DTYPE_F32, 2, batch);
    mexpr_builder_random(builder, "w", 2, dims, MEXPR_INIT_NORMAL, 1.0,
        has_weight ? MEXPR_ROLE_PARAMETER : MEXPR_ROLE_CONSTANT);
    mexpr_builder_node(builder, op, "", &names[1], 1, &names[2], 1, "turn");
    const char *product[] = {"x", "v"};
    mexpr_builder_node(builder, "MatMul", "", product, 2, &names[3], 1, "product");
    mexpr_builder_output(builder, "y");
    ok(mexpr_builder_finish(builder, &model));
    mexpr_builder_destroy(&builder);
    return model;
}

/* y = x Wᵀ with dy = 1: dW[i][j] is the sum of x[.][j]. */
static void test_folded(void **state)
{
    (void)state;
    mexpr_model *model = turned_model("Transpose", true);
    mx_net *net;
    ok(mx_net_create(mx_context_scope(context), model, 2, &net));
    mexpr_model_destroy(&model);
    float x[8] = {1, 2, 3, 4, 10, 20, 30, 40}, g[8] = {1, 1, 1, 1, 1, 1, 1, 1};
    const float *const given[] = {g};
    const mx_tensor in = {MEXPR_DTYPE_F32, 2, {2, 4}, x};
    ok(mx_net_forward(mx_context_scope(context), net, &in, 1, true));
    ok(mx_net_backward(mx_context_scope(context), net, given));
    for (int i = 0; i < 16; i++)
        assert_float_equal(mx_net_gradients(net)[i], x[i % 4] + x[4 + i % 4], 1e-5);
    mx_net_destroy(net);
}

static void test_refusals(void **state)
{
    (void)state;
    mx_scope *scope = mx_context_scope(context);
    mx_net *net;
    mexpr_model *model = turned_model("Hardmax", true);
    assert_failure(context, mx_net_create(scope, model, 2, &net), MEXPR_E_OPERATOR,
        "'turn' (Hardmax): this operator cannot be trained through");
    mexpr_model_destroy(&model);
    model = turned_model("Transpose", false);
    assert_failure(
        context, mx_net_create(scope, model, 2, &net), MEXPR_E_MODEL, "no weights");
    mexpr_model_destroy(&model);
    model = turned_model("Transpose", true);
    assert_failure(
        context, mx_net_create(scope, model, 0, &net), MEXPR_E_ARG, "1 to 65536");
    ok(mx_net_create(scope, model, 2, &net));
    mexpr_model_destroy(&model);
    float x[12] = {0}, *const none[] = {NULL};
    mx_tensor in = {MEXPR_DTYPE_F32, 2, {3, 4}, x};
    assert_failure(context, mx_net_forward(scope, net, &in, 1, true), MEXPR_E_SHAPE,
        "1 to 2 samples");
    in.dims[0] = 2;
    in.dims[1] = 3;
    assert_failure(context, mx_net_forward(scope, net, &in, 1, true), MEXPR_E_SHAPE,
        "does not fit the input 'x'");
    assert_failure(context, mx_net_backward(scope, net, (const float *const *)none),
        MEXPR_E_STATE, "run the network forward while training");
    mx_net_destroy(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradients),
        cmocka_unit_test(test_seeds),
        cmocka_unit_test(test_states),
        cmocka_unit_test(test_model),
        cmocka_unit_test(test_warm),
        cmocka_unit_test(test_folded),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
