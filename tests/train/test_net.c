/* SPDX-License-Identifier: MIT */
/* Networks that learn: gradients against finite differences, what training changes. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
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
        print_message("%s %g %g\n", part ? part->name : "all", expected, found);
        assert_true(fabs(found - expected) < 1e-2 * sqrt(length) + 0.02 * fabs(expected));
        free(direction);
    }
    free(saved);
    free(slope);
    mx_net_destroy(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradients),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
