/* SPDX-License-Identifier: MIT */
/* Convolutions in whole numbers: bit-equal to their definition. */
#include "kcheck.h"

#include <math.h>
#include <string.h>

#include "kernel/conv16_kernel.h"

enum { MOST = 130, PANEL = MX_CONV16_PANEL, RUNS = 5 };

typedef struct layer_case {
    mx_conv16_layer layer;
    int16_t *x, *w, *y, *expected_y;
    int32_t *from, *to, *run;
    float *scale, *shift, *values, *expected;
    size_t n_outputs;
} layer_case;

static int16_t whole(kcheck *k, int most)
{
    return (int16_t)((int)mx_rng_below(&k->rng, 2u * (uint32_t)most + 1) - most);
}

/* Pixels may lie anywhere, also over each other; so do their outputs, once each. */
static void make_places(kcheck *k, layer_case *c, int n_inputs)
{
    const int pixels = c->layer.pixels;
    const int reach = n_inputs - 2 * c->layer.pairs;
    for (int t = 0; t < c->layer.runs; t++)
        c->run[t] = (int32_t)mx_rng_below(&k->rng, (uint32_t)(reach / 2) + 1);
    for (int p = 0; p < pixels; p++) {
        c->from[p] = (int32_t)mx_rng_below(&k->rng, (uint32_t)(reach / 2) + 1);
        c->to[p] = (pixels - 1 - p) * c->layer.outputs;
    }
}

static void make_case(
    kcheck *k, layer_case *c, int pixels, int outputs, int runs, int pairs)
{
    const int n_inputs = 4 * pairs + 64;
    const size_t n_weights = (size_t)(2 * pairs * runs * outputs);
    c->n_outputs = (size_t)(pixels * outputs);
    c->x = kcheck_buffer((size_t)n_inputs, sizeof *c->x, (size_t)pixels % 3);
    c->w = kcheck_buffer(n_weights, sizeof *c->w, (size_t)pairs % 5);
    c->y = kcheck_buffer(c->n_outputs, sizeof *c->y, (size_t)pairs % 7);
    c->expected_y = kcheck_buffer(c->n_outputs, sizeof *c->y, 0);
    c->from = kcheck_buffer((size_t)pixels, sizeof *c->from, 0);
    c->to = kcheck_buffer((size_t)pixels, sizeof *c->to, 0);
    c->run = kcheck_buffer((size_t)runs, sizeof *c->run, 0);
    c->scale = kcheck_buffer((size_t)outputs, sizeof *c->scale, 1);
    c->shift = kcheck_buffer((size_t)outputs, sizeof *c->shift, 3);
    c->values = kcheck_buffer(c->n_outputs, sizeof *c->values, 1);
    c->expected = kcheck_buffer(c->n_outputs, sizeof *c->expected, 0);
    c->layer = (mx_conv16_layer){pixels, outputs, runs, pairs, c->x, c->from, c->run,
        c->w, c->scale, c->shift, c->y, NULL, c->to};
    for (int i = 0; i < n_inputs; i++)
        c->x[i] = whole(k, 32767);
    for (size_t i = 0; i < n_weights; i++)
        c->w[i] = whole(k, 65000 / (2 * pairs * runs));
    kcheck_fill_f32(k, c->scale, (size_t)outputs, 3e-5f, false);
    kcheck_fill_f32(k, c->shift, (size_t)outputs, 9000.0f, true);
    make_places(k, c, n_inputs);
}

static void release_case(kcheck *k, layer_case *c)
{
    void *const buffers[] = {c->x, c->w, c->y, c->expected_y, c->from, c->to, c->run,
        c->scale, c->shift, c->values, c->expected};
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++)
        kcheck_release(k, buffers[i]);
}

static void by_definition(const layer_case *c)
{
    const mx_conv16_layer *l = &c->layer;
    for (int p = 0; p < l->pixels; p++)
        for (int o = 0; o < l->outputs; o++) {
            int64_t sum = 0;
            for (int t = 0; t < l->runs; t++)
                for (int i = 0; i < 2 * l->pairs; i++) {
                    const int pair = (o / PANEL * l->runs + t) * l->pairs + i / 2;
                    sum += (int64_t)l->x[l->from[p] + l->run[t] + i] *
                           l->w[(pair * PANEL + o % PANEL) * 2 + i % 2];
                }
            const float value = (float)(int32_t)sum * l->scale[o] + l->shift[o];
            c->expected[l->to[p] + o] = value;
            c->expected_y[l->to[p] + o] =
                (int16_t)rintf(fminf(fmaxf(value, 0.0f), MX_CONV16_MOST));
        }
}

static void check_layer(kcheck *k, int pixels, int outputs, int runs, int pairs)
{
    layer_case c;
    const uint32_t levels[] = {0, k->cpu};
    make_case(k, &c, pixels, outputs, runs, pairs);
    by_definition(&c);
    kcheck_slot(k, "layer");
    for (int i = 0; i < 2; i++) {
        mx_conv16_kernels kernels;
        mx_conv16_layer floats = c.layer;
        floats.y = NULL;
        floats.values = c.values;
        mx_conv16_kernels_init(&kernels, levels[i]);
        memset(c.y, 0, c.n_outputs * sizeof *c.y);
        memset(c.values, 0, c.n_outputs * sizeof *c.values);
        kernels.layer(&c.layer);
        kernels.layer(&floats);
        kcheck_equal(k, c.expected_y, c.y, c.n_outputs * sizeof *c.y);
        kcheck_equal(k, c.expected, c.values, c.n_outputs * sizeof *c.values);
    }
    release_case(k, &c);
}

static void check_shrink(kcheck *k, int n)
{
    float *x = kcheck_buffer((size_t)n, sizeof *x, (size_t)n % 3);
    int16_t *expected = kcheck_buffer((size_t)n, sizeof *expected, 0);
    int16_t *got = kcheck_buffer((size_t)n, sizeof *got, (size_t)n % 5);
    const uint32_t levels[] = {0, k->cpu};
    kcheck_fill_f32(k, x, (size_t)n, 300.0f, true);
    x[0] = INFINITY;
    x[n / 2] = -INFINITY;
    x[n - 1] = 0.5f; /* half way: 106.5 goes to 106 */
    for (int i = 0; i < n; i++)
        expected[i] =
            (int16_t)rintf(fminf(fmaxf(x[i] * 77.0f + 68.0f, -32767.0f), 32767.0f));
    kcheck_slot(k, "shrink");
    for (int i = 0; i < 2; i++) {
        mx_conv16_kernels kernels;
        mx_conv16_kernels_init(&kernels, levels[i]);
        kernels.shrink(n, x, 77.0f, 68.0f, got);
        kcheck_equal(k, expected, got, (size_t)n * sizeof *got);
    }
    kcheck_release(k, x);
    kcheck_release(k, expected);
    kcheck_release(k, got);
}

static void run_layer(void *arg, uint32_t cpu)
{
    const layer_case *c = arg;
    mx_conv16_kernels kernels;
    mx_conv16_kernels_init(&kernels, cpu);
    kernels.layer(&c->layer);
}

void kcheck_table(kcheck *k)
{
    for (int n = 1; n <= MOST; n++) {
        check_layer(k, 1 + n % 41, PANEL * (1 + n % 6), 1 + n % RUNS, n);
        check_shrink(k, n);
    }
    if (k->bench) {
        layer_case c;
        make_case(k, &c, 256, 48, 3, 48);
        kcheck_slot(k, "layer of 256 x 48, 288 taps");
        kcheck_time(k, run_layer, &c);
        release_case(k, &c);
    }
}
