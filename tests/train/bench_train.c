/* SPDX-License-Identifier: MIT */
/* Processor time of training, microseconds per sample forward and backward, one thread:
 *
 *     bench_train [NAME [BATCH]]
 *
 * NAME is a system; without one, those that take no more than seconds. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/rng.h"
#include "microexpr/system.h"
#include "train/net.h"

enum { BATCH = 32, MAX_PORTS = 4, MIN_MS = 1500, MIN_ROUNDS = 5 };

static double now_ms(void)
{
    return (double)clock() * 1e3 / CLOCKS_PER_SEC;
}

static void check(mx_scope *scope, mexpr_status status)
{
    if (status == MEXPR_OK)
        return;
    fprintf(stderr, "bench_train: %s\n", scope->error);
    exit(1);
}

static float *random_floats(size_t n)
{
    float *x = malloc((n ? n : 1) * sizeof *x);
    mx_rng rng;
    mx_rng_seed(&rng, 1, 0);
    for (size_t i = 0; x && i < n; i++)
        x[i] = (float)mx_rng_normal(&rng);
    if (!x)
        exit(1);
    return x;
}

static void make_inputs(const mexpr_model *model, int64_t batch, mx_tensor *inputs)
{
    for (int i = 0; i < model->graph.n_inputs; i++) {
        inputs[i] = model->graph.inputs[i].declared;
        inputs[i].dims[0] = batch;
        inputs[i].data = random_floats((size_t)mx_tensor_count(&inputs[i]));
    }
}

/* The least of several rounds, the first of which is left out. */
static void time_net(mx_scope *scope, mx_net *net, const mx_tensor *inputs, double *best)
{
    const float *gradients[MAX_PORTS] = {NULL};
    const double start = now_ms();
    best[0] = best[1] = 1e30;
    for (int i = 0; i < MIN_ROUNDS || now_ms() - start < MIN_MS; i++) {
        const double began = now_ms();
        check(scope, mx_net_forward(scope, net, inputs, 1, true));
        const double middle = now_ms();
        if (!gradients[0])
            gradients[0] = random_floats((size_t)mx_tensor_count(mx_net_output(net, 0)));
        const double resumed = now_ms();
        check(scope, mx_net_backward(scope, net, gradients));
        const double taken[2] = {middle - began, now_ms() - resumed};
        for (int k = 0; k < 2 && i > 0; k++)
            best[k] = taken[k] < best[k] ? taken[k] : best[k];
    }
    free((void *)(uintptr_t)gradients[0]);
}

static void bench(mexpr_context *context, const char *name, int64_t batch)
{
    mx_scope *scope = mx_context_scope(context);
    mexpr_model *model;
    mx_net *net;
    mx_tensor inputs[MAX_PORTS];
    double best[2];
    check(scope, mexpr_system_build(context, name, NULL, &model));
    make_inputs(model, batch, inputs);
    check(scope, mx_net_create(scope, model, batch, &net));
    time_net(scope, net, inputs, best);
    printf("%-20s batch %lld: forward %9.1f, backward %9.1f us per sample\n", name,
        (long long)batch, best[0] * 1e3 / (double)batch, best[1] * 1e3 / (double)batch);
    for (int i = 0; i < model->graph.n_inputs; i++)
        free(inputs[i].data);
    mx_net_destroy(net);
    mexpr_model_destroy(&model);
}

int main(int argc, char **argv)
{
    static const char *const light[] = {"ststnet", "off-tanet", "featref", "dual-atme",
        "mfe-net", "msjfn", "rcn", "deep-emotion"};
    mexpr_context *context;
    if (mexpr_context_create(NULL, &context) != MEXPR_OK)
        return 1;
    if (argc > 1)
        bench(context, argv[1], argc > 2 ? atoi(argv[2]) : BATCH);
    for (size_t i = 0; argc < 2 && i < sizeof light / sizeof light[0]; i++)
        bench(context, light[i], BATCH);
    mexpr_context_destroy(&context);
    return 0;
}
