/* SPDX-License-Identifier: MIT */
/* Convolutions and what follows them give the same with channels last as without, in any
 * form, by Winograd's way too, and the same bits on any number of threads; and the model
 * is written again as it came, wherever its weights lie. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "microexpr/image.h"
#include "microexpr/model.h"
#include "onnx_build.h"
#include "support.h"

enum { F32 = 1, MAX_ELEMENTS = 1 << 22, N_RANDOM = 150 };

static const double tolerance = 1e-5; /* of the largest output, Winograd's too */

/* --- building ---------------------------------------------------------------------- */

typedef struct net {
    onnx_model m;
    mx_rng rng;
    int rank;
    int64_t dims[5];
} net;

static int below(net *n, int limit)
{
    return (int)mx_rng_below(&n->rng, (uint32_t)limit);
}

static const char *dims_text(int rank, const int64_t *dims, char *text)
{
    size_t at = 0;
    for (int i = 0; i < rank; i++)
        at += (size_t)snprintf(text + at, 64 - at, i ? " %d" : "%d", (int)dims[i]);
    return text;
}

static net begin(uint64_t seed, int rank, const int64_t *dims)
{
    char text[64];
    net n = {.m = onnx_begin(14), .rank = rank};
    memcpy(n.dims, dims, (size_t)rank * sizeof *dims);
    mx_rng_seed(&n.rng, seed, 0);
    onnx_input(&n.m, "x", F32, dims_text(rank, dims, text));
    return n;
}

static void weights(
    net *n, const char *name, int rank, const int64_t *dims, double middle)
{
    char text[64];
    size_t count = 1;
    for (int i = 0; i < rank; i++)
        count *= (size_t)dims[i];
    float *data = malloc(count * sizeof *data);
    assert_non_null(data);
    for (size_t i = 0; i < count; i++)
        data[i] = (float)(middle + mx_rng_normal(&n->rng) * 0.3);
    onnx_f32(&n->m, name, dims_text(rank, dims, text), data);
    free(data);
}

/* Numbers along the axes. */
typedef struct form {
    int kernel[3], stride[3], dilation[3], before[3], after[3];
} form;

static void attribute(
    onnx_message *node, const char *name, int n, const int *a, const int *b)
{
    char text[96];
    size_t at = 0;
    for (int i = 0; i < n; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%d ", a[i]);
    for (int i = 0; b && i < n; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%d ", b[i]);
    onnx_attr_ints(node, name, text);
}

static void conv(net *n, const char *in, const char *out, int from, int to, int group,
    const form *f, bool has_bias)
{
    char name[32], bias[32], inputs[96];
    const int spatial = n->rank - 2;
    int64_t dims[5] = {to, from / group};
    for (int i = 0; i < spatial; i++)
        dims[2 + i] = f->kernel[i];
    snprintf(name, sizeof name, "%s.w", out);
    snprintf(bias, sizeof bias, "%s.b", out);
    weights(n, name, n->rank, dims, 0);
    dims[0] = to;
    if (has_bias)
        weights(n, bias, 1, dims, 0);
    snprintf(inputs, sizeof inputs, "%s %s %s", in, name, has_bias ? bias : "");
    onnx_message node = onnx_node("Conv", out, inputs, out);
    attribute(&node, "strides", spatial, f->stride, NULL);
    attribute(&node, "dilations", spatial, f->dilation, NULL);
    attribute(&node, "pads", spatial, f->before, f->after);
    onnx_attr_int(&node, "group", group);
    onnx_add(&n->m, &node);
}

static void pool(net *n, const char *op, const char *in, const char *out, bool counts)
{
    form f = {.kernel = {0}};
    const int spatial = n->rank - 2;
    for (int i = 0; i < spatial; i++) {
        f.kernel[i] = 1 + below(n, 3);
        f.stride[i] = 1 + below(n, 3);
        f.before[i] = below(n, f.kernel[i]);
        f.after[i] = below(n, f.kernel[i]);
    }
    onnx_message node = onnx_node(op, out, in, out);
    attribute(&node, "kernel_shape", spatial, f.kernel, NULL);
    attribute(&node, "strides", spatial, f.stride, NULL);
    attribute(&node, "pads", spatial, f.before, f.after);
    onnx_attr_int(&node, "ceil_mode", below(n, 2));
    if (counts)
        onnx_attr_int(&node, "count_include_pad", below(n, 2));
    onnx_add(&n->m, &node);
}

static void batch_norm(net *n, const char *in, const char *out, int64_t channels)
{
    char inputs[128], name[32];
    for (int i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "%s.%d", out, i);
        weights(n, name, 1, &channels, i == 3 ? 3 : 0.5);
    }
    snprintf(inputs, sizeof inputs, "%s %s.0 %s.1 %s.2 %s.3", in, out, out, out, out);
    onnx_simple(&n->m, "BatchNormalization", inputs, out);
}

static void end(net *n)
{
    onnx_output(&n->m, "y", F32, NULL);
    onnx_end(&n->m);
}

/* --- running ----------------------------------------------------------------------- */

typedef struct outcome {
    size_t count;
    int moved, winograd; /* rewrites */
    uint64_t file;       /* hash of the model as it is written again */
    float y[MAX_ELEMENTS];
} outcome;

/* FNV-1a. */
static uint64_t hash_of_file(mexpr_context *context, const mexpr_model *model)
{
    void *bytes = NULL;
    size_t size = 0;
    uint64_t hash = 14695981039346656037u;
    assert_ok(context, mexpr_model_encode(context, model, &bytes, &size));
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ ((const uint8_t *)bytes)[i]) * 1099511628211u;
    mexpr_bytes_free(context, &bytes);
    return hash;
}

static void run(const net *n, uint32_t rewrites, int threads, const float *x, outcome *o)
{
    mexpr_context *context = test_context(NULL, threads);
    mexpr_model *model = NULL;
    mexpr_session *session = NULL;
    mexpr_model_options options = MEXPR_MODEL_OPTIONS_INIT;
    mexpr_tensor_view in = MEXPR_TENSOR_VIEW_INIT, out = MEXPR_TENSOR_VIEW_INIT;
    options.rewrites = rewrites;
    assert_ok(context, mexpr_model_load_memory_with(
                           context, n->m.file.data, n->m.file.size, &options, &model));
    assert_int_equal(mexpr_session_create(model, &session), MEXPR_OK);
    in.dtype = F32;
    in.rank = n->rank;
    memcpy(in.dims, n->dims, sizeof n->dims);
    in.data = x;
    assert_int_equal(mexpr_session_set_input(session, NULL, &in), MEXPR_OK);
    if (mexpr_session_run(session) != MEXPR_OK)
        fail_msg("%s", mexpr_session_last_error(session));
    assert_int_equal(mexpr_session_output(session, "y", &out), MEXPR_OK);
    o->count = 1;
    for (int i = 0; i < out.rank; i++)
        o->count *= (size_t)out.dims[i];
    assert_in_range(o->count, 1, MAX_ELEMENTS);
    memcpy(o->y, out.data, o->count * sizeof *o->y);
    o->moved = mexpr_model_n_rewrites(model, MEXPR_REWRITE_LAYOUT);
    o->winograd = mexpr_model_n_rewrites(model, MEXPR_REWRITE_WINOGRAD);
    o->file = hash_of_file(context, model);
    mexpr_session_destroy(&session);
    mexpr_model_destroy(&model);
    mexpr_context_destroy(&context);
}

static void check_near(const outcome *want, const outcome *got, int seed)
{
    double scale = 0, worst = 0;
    assert_int_equal(want->count, got->count);
    for (size_t i = 0; i < want->count; i++) {
        scale = fmax(scale, fabs((double)want->y[i]));
        worst = fmax(worst, fabs((double)want->y[i] - (double)got->y[i]));
        assert_false(isnan(got->y[i]));
    }
    if (worst > tolerance * scale)
        fail_msg("network %d: relative difference %.2e", seed, worst / scale);
}

/* At least `moved` nodes go with channels last, and `winograd` of them by his way. How
 * many do. */
static int check(net *n, int moved, int winograd, int seed)
{
    static outcome want, plain, all, threads;
    size_t count = 1;
    for (int i = 0; i < n->rank; i++)
        count *= (size_t)n->dims[i];
    float *x = malloc(count * sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < count; i++)
        x[i] = (float)mx_rng_normal(&n->rng);
    run(n, 0, 1, x, &want);
    assert_int_equal(want.moved, 0);
    run(n, MEXPR_REWRITE_ALL & ~(uint32_t)MEXPR_REWRITE_WINOGRAD, 1, x, &plain);
    assert_int_equal(plain.winograd, 0);
    check_near(&want, &plain, seed);
    run(n, MEXPR_REWRITE_ALL, 1, x, &all);
    check_near(&want, &all, seed);
    assert_true(want.file == plain.file && want.file == all.file);
    if (all.moved < moved || all.winograd != winograd)
        fail_msg(
            "network %d: %d nodes moved, %d by Winograd", seed, all.moved, all.winograd);
    run(n, MEXPR_REWRITE_ALL, 3, x, &threads);
    assert_memory_equal(all.y, threads.y, all.count * sizeof *all.y);
    free(x);
    onnx_destroy(&n->m);
    return all.moved;
}

/* --- any form ---------------------------------------------------------------------- */

/* Now and then beyond the window, where outputs are of padding alone. */
static int random_pad(net *n)
{
    return below(n, below(n, 4) ? 3 : 6);
}

static form random_form(net *n)
{
    form f;
    for (int i = 0; i < 3; i++) {
        f.kernel[i] = 1 + below(n, 4);
        f.stride[i] = 1 + below(n, 2);
        f.dilation[i] = 1 + below(n, 2);
        f.before[i] = random_pad(n);
        f.after[i] = random_pad(n);
    }
    return f;
}

static const char *follow(net *n, const char *at, int channels)
{
    static const char *const activations[] = {
        "Relu", "Sigmoid", "Tanh", "HardSwish", "LeakyRelu", "Elu"};
    if (below(n, 2)) {
        batch_norm(n, at, "norm", channels);
        at = "norm";
    }
    if (below(n, 2)) {
        onnx_simple(&n->m, activations[below(n, 6)], at, "act");
        at = "act";
    }
    if (below(n, 3) == 0) {
        char inputs[64];
        snprintf(inputs, sizeof inputs, "%s conv", at);
        onnx_simple(&n->m, "Add", inputs, "sum");
        at = "sum";
    }
    return at;
}

/* A convolution of any form, with an epilogue, then a pool, a joining, a gate, or a mean.
 */
static int random_network(int seed)
{
    const int64_t dims[5] = {
        1 + seed % 2, 1 + seed * 7 % 37, 12 + seed % 9, 12 + seed % 11, 13};
    net n = begin((uint64_t)seed, seed % 3 ? 4 : 5, dims);
    const bool depthwise = dims[1] > 3 && below(&n, 3) == 0;
    const int channels = depthwise ? (int)dims[1] : 4 + below(&n, 70);
    const form f = random_form(&n);
    conv(&n, "x", "conv", (int)dims[1], channels, depthwise ? channels : 1, &f,
        below(&n, 2));
    const char *at = follow(&n, "conv", channels);
    char inputs[64];
    switch (below(&n, 5)) {
    case 0:
        pool(&n, "MaxPool", at, "y", false);
        break;
    case 1:
        pool(&n, "AveragePool", at, "y", true);
        break;
    case 2: {
        snprintf(inputs, sizeof inputs, "%s conv", at);
        onnx_message node = onnx_node("Concat", "y", inputs, "y");
        onnx_attr_int(&node, "axis", 1);
        onnx_add(&n.m, &node);
        break;
    }
    case 3:
        onnx_simple(&n.m, "GlobalAveragePool", at, "mean");
        onnx_simple(&n.m, "Sigmoid", "mean", "gate");
        snprintf(inputs, sizeof inputs, "%s gate", at);
        onnx_simple(&n.m, "Mul", inputs, "y");
        break;
    default:
        onnx_simple(&n.m, "Softsign", at, "y");
        break;
    }
    end(&n);
    return check(&n, 0, 0, seed);
}

static void random_networks(void **state)
{
    (void)state;
    int moved = 0;
    for (int seed = 0; seed < N_RANDOM; seed++)
        moved += random_network(seed);
    assert_true(moved > 2 * N_RANDOM);
}

/* --- Winograd ---------------------------------------------------------------------- */

static const form three = {{3, 3, 3}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}};

static void winograd(int rank, int side, int from, int to, bool pads, bool residual)
{
    const int64_t dims[5] = {2, from, rank == 5 ? 4 : side, side + 1, side};
    net n = begin((uint64_t)side, rank, dims);
    form f = three;
    if (!pads)
        memset(f.before, 0, sizeof f.before);
    const form one = {{1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {0}, {0}};
    conv(&n, "x", "a", from, from, 1, &one, true);
    conv(&n, "a", "b", from, to, 1, &f, true);
    batch_norm(&n, "b", "c", to);
    if (residual)
        onnx_simple(&n.m, "Add", "c a", "d");
    onnx_simple(&n.m, "Relu", residual ? "d" : "c", "y");
    end(&n);
    check(&n, 2, 1, side);
}

static void winograd_forms(void **state)
{
    (void)state;
    for (int side = 8; side <= 15; side++)
        winograd(4, side, 16, 32, side % 2, false);
    winograd(4, 17, 48, 48, true, true);
    winograd(4, 33, 64, 64, true, true); /* in several blocks */
    winograd(5, 9, 16, 16, true, true);
    winograd(5, 10, 32, 16, false, false);
}

/* Windows 3 wide on planes, by F(2, 3): any number of lines and slices, of outputs. */
static void winograd_planes(void **state)
{
    (void)state;
    for (int seed = 0; seed < 40; seed++) {
        const int rank = seed % 3 ? 4 : 5, width = 6 + seed % 13 + (seed % 7 ? 0 : 40);
        const int64_t dims[5] = {
            1 + seed % 2, 1 + seed % 4, 3, rank == 4 ? width : 7, width};
        net n = begin((uint64_t)(200 + seed), rank, dims);
        const int channels = 4 + below(&n, 70);
        form f = three;
        f.kernel[0] = 1 + below(&n, 3);
        f.before[rank - 3] = 1 + below(&n, 2);
        conv(&n, "x", "conv", (int)dims[1], channels, 1, &f, true);
        batch_norm(&n, "conv", "norm", channels);
        onnx_simple(&n.m, seed % 2 ? "Relu" : "Softsign", "norm", "y");
        end(&n);
        check(&n, 1, 1, 200 + seed);
    }
}

/* Outer slices, lines and columns whose windows lie in the padding. */
static void winograd_padding(void **state)
{
    (void)state;
    for (int seed = 0; seed < 24; seed++) {
        const int64_t dims[5] = {1, 16, seed % 3 ? 1 + seed % 4 : 9, 9, 11};
        net n = begin((uint64_t)(100 + seed), seed % 3 ? 5 : 4, dims);
        form f = three;
        f.kernel[0] = seed % 3 ? 1 + below(&n, 3) : 3;
        for (int i = 0; i < 3; i++) {
            f.before[i] = below(&n, 6);
            f.after[i] = i || f.before[i] + dims[2] >= 3 ? below(&n, 6) : 2;
        }
        conv(&n, "x", "a", 16, 16, 1, &f, true);
        onnx_simple(&n.m, "Relu", "a", "y");
        end(&n);
        check(&n, 1, 1, 100 + seed);
    }
}

/* One NaN of the input of a 3 x 3 convolution: NaN under its windows, and nothing else
 * further than three positions away. */
static void check_spread(const net *n, float *x, int side, int row, int column)
{
    static outcome clean, spread;
    const int at = row * side + column;
    const float kept = x[at];
    run(n, MEXPR_REWRITE_ALL, 1, x, &clean);
    assert_int_equal(clean.winograd, 1);
    x[at] = NAN;
    run(n, MEXPR_REWRITE_ALL, 1, x, &spread);
    x[at] = kept;
    for (size_t i = 0; i < spread.count; i++) {
        const int p = (int)i % (side * side);
        const int far = (int)fmax(abs(p / side - row), abs(p % side - column));
        if (far <= 1)
            assert_true(isnan(spread.y[i]));
        if (far > 3)
            assert_memory_equal(&clean.y[i], &spread.y[i], sizeof *clean.y);
    }
}

static void winograd_nan(void **state)
{
    (void)state;
    enum { SIDE = 14, N = 16 * SIDE * SIDE };
    static float x[N];
    const int64_t dims[5] = {1, 16, SIDE, SIDE};
    net n = begin(3, 4, dims);
    conv(&n, "x", "y", 16, 16, 1, &three, true);
    end(&n);
    for (int i = 0; i < N; i++)
        x[i] = (float)mx_rng_normal(&n.rng);
    for (int i = 4; i < 8; i++) {
        for (int j = 3; j < 8; j++)
            check_spread(&n, x, SIDE, i, j);
    }
    onnx_destroy(&n.m);
}

/* --- siblings ---------------------------------------------------------------------- */

static void siblings(void **state)
{
    (void)state;
    const int64_t dims[4] = {2, 3, 12, 10};
    net n = begin(5, 4, dims);
    static const char *const names[3] = {"a", "b", "c"};
    for (int i = 0; i < 3; i++) {
        char in[8], out[8];
        conv(&n, "x", names[i], 3, 3 + 2 * i, 1, &three, true);
        snprintf(in, sizeof in, "r%d", i);
        onnx_simple(&n.m, "Relu", names[i], in);
        snprintf(out, sizeof out, "n%d", i);
        batch_norm(&n, in, out, 3 + 2 * i);
        snprintf(in, sizeof in, "p%d", i);
        onnx_message node = onnx_node("MaxPool", in, out, in);
        onnx_attr_ints(&node, "kernel_shape", "3 3");
        onnx_attr_ints(&node, "strides", "3 3");
        onnx_attr_ints(&node, "pads", "1 1 1 1");
        onnx_add(&n.m, &node);
    }
    onnx_message node = onnx_node("Concat", "y", "p0 p1 p2", "y");
    onnx_attr_int(&node, "axis", 1);
    onnx_add(&n.m, &node);
    end(&n);
    check(&n, 2, 1, 0);
}

/* --- gates ------------------------------------------------------------------------- */

static void plane_conv(net *n, const char *in, const char *out)
{
    const form seven = {{7, 7}, {1, 1}, {1, 1}, {3, 3}, {3, 3}};
    conv(n, in, out, 2, 1, 1, &seven, false);
}

static void mean_max(net *n, const char *in, const char *tag)
{
    char mean[16], max[16], both[40], joined[16], map[16], gate[16];
    snprintf(mean, sizeof mean, "%s.mean", tag);
    snprintf(max, sizeof max, "%s.max", tag);
    snprintf(both, sizeof both, "%s %s", max, mean);
    snprintf(joined, sizeof joined, "%s.joined", tag);
    snprintf(map, sizeof map, "%s.map", tag);
    snprintf(gate, sizeof gate, "%s.gate", tag);
    onnx_message node = onnx_node("ReduceMean", mean, in, mean);
    onnx_attr_ints(&node, "axes", "1");
    onnx_add(&n->m, &node);
    node = onnx_node("ReduceMax", max, in, max);
    onnx_attr_ints(&node, "axes", "1");
    onnx_add(&n->m, &node);
    node = onnx_node("Concat", joined, both, joined);
    onnx_attr_int(&node, "axis", 1);
    onnx_add(&n->m, &node);
    plane_conv(n, joined, map);
    onnx_simple(&n->m, "Sigmoid", map, gate);
}

static void transpose(net *n, const char *in, const char *out, const char *perm)
{
    onnx_message node = onnx_node("Transpose", out, in, out);
    onnx_attr_ints(&node, "perm", perm);
    onnx_add(&n->m, &node);
}

/* Weights of two convolutions, one of which goes by Winograd's way. */
static void shared_weights(void **state)
{
    (void)state;
    const int64_t dims[4] = {1, 32, 13, 12}, weight_dims[4] = {32, 32, 3, 3};
    for (int order = 0; order < 2; order++) {
        net n = begin(8, 4, dims);
        weights(&n, "w", 4, weight_dims, 0);
        for (int i = 0; i < 2; i++) {
            onnx_message node = onnx_node("Conv", "", "x w", i ? "b" : "a");
            onnx_attr_ints(&node, "pads", "1 1 1 1");
            onnx_attr_ints(&node, "strides", i == order ? "1 1" : "2 2");
            onnx_add(&n.m, &node);
            onnx_simple(&n.m, "GlobalMaxPool", i ? "b" : "a", i ? "d" : "c");
        }
        onnx_simple(&n.m, "Add", "c d", "y");
        end(&n);
        check(&n, 2, 1, order);
    }
}

/* Behind a convolution: channel gate, then spatial gate. */
static void cbam(void **state)
{
    (void)state;
    const int64_t dims[4] = {2, 3, 12, 10};
    net n = begin(6, 4, dims);
    const form one = {{1, 1}, {1, 1}, {1, 1}, {0}, {0}};
    conv(&n, "x", "a", 3, 20, 1, &three, true);
    onnx_simple(&n.m, "GlobalAveragePool", "a", "mean");
    onnx_simple(&n.m, "GlobalMaxPool", "a", "max");
    onnx_simple(&n.m, "Add", "mean max", "s");
    conv(&n, "s", "t", 20, 20, 1, &one, true);
    onnx_simple(&n.m, "Sigmoid", "t", "g");
    onnx_simple(&n.m, "Mul", "a g", "z");
    mean_max(&n, "z", "m");
    onnx_simple(&n.m, "Mul", "z m.gate", "y");
    end(&n);
    check(&n, 4, 1, 1);
}

/* Behind a convolution: three gates over the input turned three ways. */
static void triplet(void **state)
{
    (void)state;
    const int64_t dims[4] = {2, 3, 12, 10};
    static const float third = 1.0f / 3;
    net n = begin(7, 4, dims);
    onnx_f32(&n.m, "third", "", &third);
    conv(&n, "x", "a", 3, 20, 1, &three, true);
    transpose(&n, "a", "h", "0 2 1 3");
    mean_max(&n, "h", "m");
    onnx_simple(&n.m, "Mul", "h m.gate", "h2");
    transpose(&n, "h2", "h3", "0 2 1 3");
    transpose(&n, "a", "w", "0 3 2 1");
    mean_max(&n, "w", "n");
    onnx_simple(&n.m, "Mul", "w n.gate", "w2");
    transpose(&n, "w2", "w3", "0 3 2 1");
    mean_max(&n, "a", "o");
    onnx_simple(&n.m, "Mul", "a o.gate", "c");
    onnx_simple(&n.m, "Add", "h3 w3", "hw");
    onnx_simple(&n.m, "Add", "hw c", "hwc");
    onnx_simple(&n.m, "Mul", "hwc third", "y");
    end(&n);
    check(&n, 5, 1, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_networks),
        cmocka_unit_test(winograd_forms),
        cmocka_unit_test(winograd_planes),
        cmocka_unit_test(winograd_padding),
        cmocka_unit_test(winograd_nan),
        cmocka_unit_test(siblings),
        cmocka_unit_test(shared_weights),
        cmocka_unit_test(cbam),
        cmocka_unit_test(triplet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
