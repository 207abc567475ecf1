/* SPDX-License-Identifier: MIT */
/* What training puts in the place of nodes gives what these do. */
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "microexpr/model.h"
#include "support.h"
#include "train/net_parts.h"

enum { BATCH = 3, MAPS = 4, HEIGHT = 5, WIDTH = 18, SAMPLE = 2 * HEIGHT * WIDTH };

TEST_CONTEXT
static mexpr_builder *builder;

static void ok(mexpr_status status)
{
    if (status != MEXPR_OK)
        fail_msg("%s", mx_context_scope(context)->error);
}

static void node(const char *op, const char *a, const char *b, const char *y)
{
    const char *inputs[] = {a, b};
    mexpr_builder_node(builder, op, "", inputs, b ? 2 : 1, &y, 1, y);
}

static void weights(const char *name, size_t rank, const int64_t *dims)
{
    mexpr_builder_random(
        builder, name, rank, dims, MEXPR_INIT_NORMAL, 0.5, MEXPR_ROLE_PARAMETER);
}

static void reduce(const char *op, const char *x, const char *y)
{
    static const int64_t channels = 1;
    mexpr_builder_ints(builder, "axes", &channels, 1);
    node(op, x, NULL, y);
}

static void turn(const char *x, const int64_t *perm, const char *y)
{
    mexpr_builder_ints(builder, "perm", perm, 4);
    node("Transpose", x, NULL, y);
}

static mx_net *finish(void)
{
    mexpr_model *model;
    mx_net *net;
    if (mexpr_builder_finish(builder, &model) != MEXPR_OK)
        fail_msg("%s", mexpr_builder_last_error(builder));
    mexpr_builder_destroy(&builder);
    ok(mx_net_create(mx_context_scope(context), model, BATCH, &net));
    mexpr_model_destroy(&model);
    return net;
}

/* --- attention over an axis --------------------------------------------------------- */

/* A gate over the axis that `perm` puts in the place of the channels, NULL: over these.
 */
static void gate(const char *prefix, const int64_t *perm, bool mean_first)
{
    static const int64_t filter[] = {1, 2, 3, 3}, pads[] = {1, 1, 1, 1};
    char name[8][16];
    static const char *const endings[] = {"t", "most", "mean", "c", "w", "s", "m", "y"};
    for (int i = 0; i < 8; i++)
        snprintf(name[i], sizeof name[i], "%s.%s", prefix, endings[i]);
    if (perm)
        turn("f", perm, name[0]);
    const char *x = perm ? name[0] : "f";
    reduce("ReduceMax", x, name[1]);
    reduce("ReduceMean", x, name[2]);
    mexpr_builder_int(builder, "axis", 1);
    node("Concat", name[mean_first ? 2 : 1], name[mean_first ? 1 : 2], name[3]);
    weights(name[4], 4, filter);
    mexpr_builder_ints(builder, "pads", pads, 4);
    node("Conv", name[3], name[4], name[5]);
    node("Mul", mean_first ? name[5] : x, mean_first ? x : name[5], name[perm ? 6 : 7]);
    if (perm)
        turn(name[6], perm, name[7]);
}

/* With is_seen others look at what is inside, so that it has to stay as it is. */
static mx_net *gated_net(bool is_seen)
{
    static const int64_t batch[] = {-1, 2, HEIGHT, WIDTH}, filter[] = {MAPS, 2, 1, 1};
    static const int64_t rows[] = {0, 2, 1, 3}, columns[] = {0, 3, 2, 1};
    ok(mexpr_builder_create(context, "gates", &builder));
    mexpr_builder_opset(builder, "", 13);
    mexpr_builder_seed(builder, 5);
    mexpr_builder_input(builder, "x", MEXPR_DTYPE_F32, 4, batch);
    weights("w", 4, filter);
    node("Conv", "x", "w", "f");
    gate("rows", rows, true);
    gate("columns", columns, false);
    gate("channels", NULL, true);
    node("Add", "rows.y", "columns.y", "sum");
    node("Add", "sum", "channels.y", "y");
    mexpr_builder_output(builder, "y");
    if (is_seen) {
        static const char *const inner[] = {
            "rows.t", "rows.mean", "columns.t", "columns.mean", "channels.most"};
        for (size_t i = 0; i < sizeof inner / sizeof inner[0]; i++)
            mexpr_builder_output(builder, inner[i]);
    }
    return finish();
}

static void run(mx_net *net, const float *x, const float *g)
{
    const float *const given[8] = {g};
    const mx_tensor in = {
        MEXPR_DTYPE_F32, 4, {BATCH, 2, HEIGHT, WIDTH}, (void *)(uintptr_t)x};
    ok(mx_net_forward(mx_context_scope(context), net, &in, 1, true));
    ok(mx_net_backward(mx_context_scope(context), net, given));
}

static void test_gates(void **state)
{
    (void)state;
    static float x[BATCH * SAMPLE], g[BATCH * MAPS * HEIGHT * WIDTH];
    mx_rng rng;
    mx_rng_seed(&rng, 1, 0);
    for (size_t i = 0; i < sizeof x / sizeof x[0]; i++)
        x[i] = (float)mx_rng_normal(&rng);
    for (size_t i = 0; i < sizeof g / sizeof g[0]; i++)
        g[i] = (float)mx_rng_normal(&rng);
    mx_net *whole = gated_net(false), *apart = gated_net(true);
    assert_int_equal(whole->n_nodes, 1 + 3 * 3 + 2);
    assert_int_equal(apart->n_nodes, 1 + 2 * 7 + 5 + 2);
    assert_int_equal(mx_net_n_weights(whole), mx_net_n_weights(apart));
    for (int turns = 0; turns < 2; turns++) {
        run(whole, x, g);
        run(apart, x, g);
        for (size_t i = 0; i < mx_net_n_weights(whole); i++)
            assert_float_equal(
                mx_net_gradients(whole)[i], mx_net_gradients(apart)[i], 2e-3);
    }
    mx_net_destroy(whole);
    mx_net_destroy(apart);
}

/* --- attention of one token --------------------------------------------------------- */

static void product(const char *a, const char *b, const char *y)
{
    node("MatMul", a, b, y);
}

/* Queries and keys of one token do nothing, and are not there to be trained. */
static void test_one_token(void **state)
{
    (void)state;
    static const int64_t batch[] = {-1, 1, 4}, square[] = {4, 4}, swap[] = {0, 2, 1};
    static const char *const names[] = {"query", "key", "value"};
    float x[BATCH * 4], g[BATCH * 4];
    const float *const given[] = {g};
    ok(mexpr_builder_create(context, "token", &builder));
    mexpr_builder_opset(builder, "", 13);
    mexpr_builder_input(builder, "x", MEXPR_DTYPE_F32, 3, batch);
    for (int i = 0; i < 3; i++)
        weights(names[i], 2, square);
    product("x", "query", "q");
    product("x", "key", "k");
    product("x", "value", "v");
    mexpr_builder_ints(builder, "perm", swap, 3);
    node("Transpose", "k", NULL, "turned");
    product("q", "turned", "scores");
    node("Softmax", "scores", NULL, "shares");
    product("shares", "v", "y");
    mexpr_builder_output(builder, "y");
    mx_net *net = finish();
    assert_int_equal(mx_net_n_parts(net), 1);
    assert_string_equal(mx_net_part_at(net, 0)->name, "value");
    for (int i = 0; i < BATCH * 4; i++) {
        x[i] = (float)(i % 5) - 2;
        g[i] = (float)(i % 3) - 1;
    }
    const mx_tensor in = {MEXPR_DTYPE_F32, 3, {BATCH, 1, 4}, x};
    ok(mx_net_forward(mx_context_scope(context), net, &in, 1, true));
    const float *y = mx_net_output(net, 0)->data, *w = mx_net_weights(net);
    for (int i = 0; i < BATCH * 4; i++) {
        float sum = 0;
        for (int k = 0; k < 4; k++)
            sum += x[i / 4 * 4 + k] * w[k * 4 + i % 4];
        assert_float_equal(y[i], sum, 1e-5);
    }
    ok(mx_net_backward(mx_context_scope(context), net, given));
    for (int i = 0; i < 16; i++) {
        float sum = 0;
        for (int n = 0; n < BATCH; n++)
            sum += x[n * 4 + i / 4] * g[n * 4 + i % 4];
        assert_float_equal(mx_net_gradients(net)[i], sum, 1e-5);
    }
    mx_net_destroy(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gates), cmocka_unit_test(test_one_token)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
