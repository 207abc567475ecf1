/* SPDX-License-Identifier: MIT */
/* Steps and rates against numbers that torch.optim and torch.optim.lr_scheduler gave. */
#include <math.h>
#include <string.h>

#include "support.h"
#include "train/optimiser.h"
#include "train/schedule.h"

enum { N = 4, N_STEPS = 5 };

TEST_CONTEXT

static float weights[N];

static void gradients_at(int step, float *gradients)
{
    for (int k = 0; k < N; k++)
        gradients[k] = (float)(sin(k + 1 + step) * 0.3 * (k + 1));
}

static void run(
    mx_optimiser *o, double rate, double limit, const mx_weight_group *groups, int n)
{
    static const float begin[N] = {0.5f, -1.25f, 2, 0};
    float gradients[N];
    memcpy(weights, begin, sizeof begin);
    assert_ok(context, mx_optimiser_create(mx_context_scope(context), o, N));
    for (int t = 0; t < N_STEPS; t++) {
        gradients_at(t, gradients);
        const double factor = limit > 0 ? mx_clip_factor(gradients, groups, n, limit) : 1;
        mx_optimiser_step(o, rate, factor, groups, n, gradients, weights);
    }
    mx_optimiser_destroy(context, o);
}

typedef struct rule_case {
    mx_optimiser optimiser;
    double rate, limit;
    double want[N];
} rule_case;

static void rules(void **state)
{
    static const rule_case cases[] = {
        {{.method = MEXPR_OPTIMISER_SGD}, 0.1, 0,
            {0.494715154, -1.19331658, 2.10773325, 0.0418557078}},
        {{.method = MEXPR_OPTIMISER_SGD, .momentum = 0.9, .weight_decay = 0.01}, 0.1, 0,
            {0.357359052, -1.23622644, 2.37778378, 0.587335587}},
        {{.method = MEXPR_OPTIMISER_SGD,
             .momentum = 0.9,
             .weight_decay = 0.01,
             .is_nesterov = true},
            0.1, 0, {0.364632219, -1.17406583, 2.43656039, 0.567333579}},
        {{.method = MEXPR_OPTIMISER_ADAM,
             .momentum = 0.9,
             .beta2 = 0.999,
             .epsilon = 1e-8,
             .weight_decay = 0.02},
            0.05, 0, {0.344586611, -1.29694998, 2.06498408, 0.16096814}},
        {{.method = MEXPR_OPTIMISER_ADAMW,
             .momentum = 0.8,
             .beta2 = 0.95,
             .epsilon = 1e-6,
             .weight_decay = 0.1},
            0.05, 0, {0.353161067, -1.25770807, 2.02570152, 0.145060271}},
        {{.method = MEXPR_OPTIMISER_ADAM,
             .momentum = 0.9,
             .beta2 = 0.999,
             .epsilon = 1e-8},
            0.05, 0.5, {0.351653665, -1.30174267, 2.07398319, 0.160009131}},
        {{.method = MEXPR_OPTIMISER_SGD}, 0.1, 0.5,
            {0.497968972, -1.22200191, 2.05147529, 0.0181698371}},
    };
    static const mx_weight_group all = {0, N, 1};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mx_optimiser o = cases[i].optimiser;
        run(&o, cases[i].rate, cases[i].limit, &all, 1);
        for (int k = 0; k < N; k++)
            assert_float_equal(weights[k], cases[i].want[k], 2e-6);
    }
}

/* Weights of a group go at its rate; frozen ones do not move and do not count. */
static void groups(void **state)
{
    static const mx_weight_group parts[3] = {{0, 1, 1}, {1, 1, 0}, {2, 2, 0.5}};
    static const mx_weight_group all = {0, N, 1};
    float alone[N], gradients[N] = {3, 1000, 0, 4};
    (void)state;
    mx_optimiser o = {.method = MEXPR_OPTIMISER_SGD};
    run(&o, 0.1, 0, &all, 1);
    memcpy(alone, weights, sizeof alone);
    run(&o, 0.1, 0, parts, 3);
    assert_float_equal(weights[0], alone[0], 0);
    assert_float_equal(weights[1], -1.25, 0);
    assert_float_equal(weights[3], alone[3] / 2, 1e-7);
    assert_float_equal(mx_clip_factor(gradients, parts, 3, 2.5), 0.5, 1e-6);
    assert_float_equal(mx_clip_factor(gradients, parts, 3, 10), 1, 0);
    gradients[0] = INFINITY;
    assert_true(isnan(mx_clip_factor(gradients, parts, 3, 10)));
}

static void averages(void **state)
{
    float average[2] = {1, 2}, now[2] = {2, 0};
    (void)state;
    mx_optimiser o = {.method = MEXPR_OPTIMISER_SGD};
    assert_ok(context, mx_optimiser_create(mx_context_scope(context), &o, 2));
    mx_weights_average(&o, 0.75, now, average);
    mx_optimiser_destroy(context, &o);
    assert_float_equal(average[0], 1.25, 1e-7);
    assert_float_equal(average[1], 1.5, 1e-7);
}

static void rates(void **state)
{
    mx_schedule s = {.kind = MEXPR_SCHEDULE_CONSTANT,
        .rate = 0.2,
        .factor = 0.5,
        .step = 3,
        .epoch_size = 4,
        .n_epochs = 10};
    (void)state;
    assert_float_equal(mx_schedule_rate(&s, 39), 0.2, 0);
    s.kind = MEXPR_SCHEDULE_STEP; /* StepLR(3, 0.5), stepped every epoch */
    assert_float_equal(mx_schedule_rate(&s, 11), 0.2, 1e-15);
    assert_float_equal(mx_schedule_rate(&s, 12), 0.1, 1e-15);
    assert_float_equal(mx_schedule_rate(&s, 39), 0.025, 1e-15);
    s.kind = MEXPR_SCHEDULE_EXPONENTIAL;
    assert_float_equal(mx_schedule_rate(&s, 3), 0.2, 1e-15);
    assert_float_equal(mx_schedule_rate(&s, 8), 0.05, 1e-15);
    s.kind = MEXPR_SCHEDULE_COSINE; /* CosineAnnealingLR(40), stepped every batch */
    assert_float_equal(mx_schedule_rate(&s, 0), 0.2, 1e-15);
    assert_float_equal(mx_schedule_rate(&s, 20), 0.1, 1e-15);
    assert_float_equal(mx_schedule_rate(&s, 10), 0.1 * (1 + sqrt(0.5)), 1e-15);
    s.warm_up = 8; /* up for 8 steps, the cosine over those behind */
    assert_float_equal(mx_schedule_rate(&s, 0), 0.2 / 9, 1e-15);
    assert_float_equal(mx_schedule_rate(&s, 7), 0.2 * 8 / 9, 1e-15);
    assert_float_equal(mx_schedule_rate(&s, 8), 0.2, 1e-15);
    assert_float_equal(mx_schedule_rate(&s, 24), 0.1, 1e-15);
    s.n_epochs = 1; /* over before it is warm */
    assert_float_equal(mx_schedule_rate(&s, 3), 0.2 * 4 / 9, 1e-15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules),
        cmocka_unit_test(groups),
        cmocka_unit_test(averages),
        cmocka_unit_test(rates),
    };
    return cmocka_run_group_tests_name("optimiser", tests, setup, teardown);
}
