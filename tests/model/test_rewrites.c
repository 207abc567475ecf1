/* SPDX-License-Identifier: MIT */
/* Every rewrite fires on its pattern, leaves what only looks like it alone, and gives the
 * same values as the nodes it replaces. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "microexpr/model.h"
#include "onnx_build.h"
#include "support.h"

enum { F32 = 1, I64 = 7, BATCH = 2, MAX_ELEMENTS = 8192 };

/* With channels last sums run in another order. */
static const double tolerance = 1e-6, layout_tolerance = 1e-5;

/* --- building ---------------------------------------------------------------------- */

typedef struct net {
    onnx_model m;
    mx_rng rng;
    int64_t dims[4]; /* of the input x, for the run */
} net;

/* Input x of N×C×H×W, output y. */
static net begin(int64_t opset, int c, int h, int w)
{
    char dims[64];
    net n = {.m = onnx_begin(opset), .dims = {BATCH, c, h, w}};
    mx_rng_seed(&n.rng, 7, 0);
    snprintf(dims, sizeof dims, "N %d %d %d", c, h, w);
    onnx_input(&n.m, "x", F32, dims);
    return n;
}

static void end(net *n)
{
    onnx_output(&n->m, "y", F32, NULL);
    onnx_end(&n->m);
}

/* Random numbers around `middle`. */
static void weights(net *n, const char *name, const char *dims, double middle)
{
    size_t count = 1;
    for (const char *at = dims; *at;) {
        char *next;
        count *= (size_t)strtol(at, &next, 10);
        at = next;
    }
    float *data = malloc(count * sizeof *data);
    assert_non_null(data);
    for (size_t i = 0; i < count; i++)
        data[i] = (float)(middle + mx_rng_normal(&n->rng) * 0.3);
    onnx_f32(&n->m, name, dims, data);
    free(data);
}

static void number(net *n, const char *name, double value)
{
    const float data = (float)value;
    onnx_f32(&n->m, name, "", &data);
}

static void op(net *n, const char *type, const char *in, const char *out)
{
    onnx_simple(&n->m, type, in, out);
}

static void op_ints(net *n, const char *type, const char *in, const char *out,
    const char *attribute, const char *values)
{
    onnx_message node = onnx_node(type, out, in, out);
    onnx_attr_ints(&node, attribute, values);
    onnx_add(&n->m, &node);
}

static void op_int(net *n, const char *type, const char *in, const char *out,
    const char *attribute, int64_t value)
{
    onnx_message node = onnx_node(type, out, in, out);
    onnx_attr_int(&node, attribute, value);
    onnx_add(&n->m, &node);
}

static void conv(
    net *n, const char *in, const char *out, int from, int to, int kernel, int group)
{
    char name[32], dims[64], inputs[96], pads[64];
    snprintf(name, sizeof name, "%s.w", out);
    snprintf(dims, sizeof dims, "%d %d %d %d", to, from / group, kernel, kernel);
    weights(n, name, dims, 0);
    snprintf(dims, sizeof dims, "%d", to);
    snprintf(name, sizeof name, "%s.b", out);
    weights(n, name, dims, 0);
    snprintf(inputs, sizeof inputs, "%s %s.w %s.b", in, out, out);
    onnx_message node = onnx_node("Conv", out, inputs, out);
    snprintf(
        pads, sizeof pads, "%d %d %d %d", kernel / 2, kernel / 2, kernel / 2, kernel / 2);
    onnx_attr_ints(&node, "pads", pads);
    onnx_attr_int(&node, "group", group);
    onnx_add(&n->m, &node);
}

static void batch_norm(net *n, const char *in, const char *out, const char *channels)
{
    char inputs[128], name[32];
    static const char *const parts[] = {"s", "t", "m", "v"};
    for (int i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "%s.%s", out, parts[i]);
        weights(n, name, channels, i == 3 ? 3 : 0.5);
    }
    snprintf(inputs, sizeof inputs, "%s %s.s %s.t %s.m %s.v", in, out, out, out, out);
    op(n, "BatchNormalization", inputs, out);
}

/* --- running ----------------------------------------------------------------------- */

/* Output y into `y`; how often `rewrite` was done. */
static int run(const net *n, uint32_t rewrites, mexpr_rewrite rewrite, const float *x,
    mexpr_tensor_view *view, float *y)
{
    mexpr_context *context = test_context(NULL, 1);
    mexpr_model *model = NULL;
    mexpr_session *session = NULL;
    mexpr_model_options options = MEXPR_MODEL_OPTIONS_INIT;
    mexpr_tensor_view in = MEXPR_TENSOR_VIEW_INIT;
    options.rewrites = rewrites;
    assert_ok(context, mexpr_model_load_memory_with(
                           context, n->m.file.data, n->m.file.size, &options, &model));
    assert_int_equal(mexpr_session_create(model, &session), MEXPR_OK);
    in.dtype = F32;
    in.rank = 4;
    memcpy(in.dims, n->dims, sizeof n->dims);
    in.data = x;
    assert_int_equal(mexpr_session_set_input(session, NULL, &in), MEXPR_OK);
    if (mexpr_session_run(session) != MEXPR_OK)
        fail_msg("%s", mexpr_session_last_error(session));
    *view = (mexpr_tensor_view)MEXPR_TENSOR_VIEW_INIT;
    assert_int_equal(mexpr_session_output(session, "y", view), MEXPR_OK);
    size_t count = 1;
    for (int i = 0; i < view->rank; i++)
        count *= (size_t)view->dims[i];
    assert_in_range(count, 1, MAX_ELEMENTS);
    memcpy(y, view->data, count * sizeof *y);
    const int n_rewrites = mexpr_model_n_rewrites(model, rewrite);
    mexpr_session_destroy(&session);
    mexpr_model_destroy(&model);
    mexpr_context_destroy(&context);
    return n_rewrites;
}

static void compare(const net *n, const mexpr_tensor_view *want_view, const float *want,
    uint32_t rewrites, mexpr_rewrite rewrite, const float *x, int expected)
{
    static float got[MAX_ELEMENTS];
    mexpr_tensor_view view;
    const int times = run(n, rewrites, rewrite, x, &view, got);
    if (times != expected)
        fail_msg("rewrite %d was done %d times, not %d", (int)rewrite, times, expected);
    double scale = 0, worst = 0;
    size_t count = 1;
    assert_int_equal(view.rank, want_view->rank);
    for (int i = 0; i < view.rank; i++) {
        assert_int_equal(view.dims[i], want_view->dims[i]);
        count *= (size_t)view.dims[i];
    }
    for (size_t i = 0; i < count; i++) {
        scale = fmax(scale, fabs((double)want[i]));
        worst = fmax(worst, fabs((double)want[i] - (double)got[i]));
        assert_false(isnan(got[i]));
    }
    assert_true(scale > 0);
    if (worst > (rewrites & MEXPR_REWRITE_LAYOUT ? layout_tolerance : tolerance) * scale)
        fail_msg("rewrites 0x%x: relative difference %.2e", rewrites, worst / scale);
}

/* Alone and with all others it happens `expected` times, and off not at all; values
 * agree. The others may take nodes of a pattern: `with_all` says how often it is then. */
static void check(net *n, mexpr_rewrite rewrite, int expected, int with_all)
{
    static float x[MAX_ELEMENTS], want[MAX_ELEMENTS];
    mexpr_tensor_view view;
    size_t count = 1;
    for (int i = 0; i < 4; i++)
        count *= (size_t)n->dims[i];
    assert_in_range(count, 1, MAX_ELEMENTS);
    for (size_t i = 0; i < count; i++)
        x[i] = (float)mx_rng_normal(&n->rng) * 2;
    assert_int_equal(run(n, 0, rewrite, x, &view, want), 0);
    compare(n, &view, want, (uint32_t)rewrite, rewrite, x, expected);
    compare(n, &view, want, MEXPR_REWRITE_ALL, rewrite, x, with_all);
    compare(n, &view, want, MEXPR_REWRITE_ALL & ~(uint32_t)rewrite, rewrite, x, 0);
    onnx_destroy(&n->m);
}

/* --- nothing ----------------------------------------------------------------------- */

static void no_ops(void **state)
{
    (void)state;
    static const int64_t zeros[8] = {0}, shape[4] = {0, 3, 4, 5};
    net n = begin(13, 3, 4, 5);
    onnx_i64(&n.m, "zeros", "8", zeros);
    onnx_i64(&n.m, "shape", "4", shape);
    op(&n, "Identity", "x", "a");
    op(&n, "Dropout", "a", "b");
    op_int(&n, "Cast", "b", "c", "to", F32);
    op(&n, "Reshape", "c shape", "d");
    op(&n, "Pad", "d zeros", "e");
    op_ints(&n, "Transpose", "e", "f", "perm", "0 2 3 1");
    op_ints(&n, "Transpose", "f", "g", "perm", "0 3 1 2");
    op(&n, "Exp", "g", "h");
    op_ints(&n, "Transpose", "h", "i", "perm", "0 2 3 1");
    op_ints(&n, "Transpose", "i", "y", "perm", "0 2 3 1");
    end(&n);
    check(&n, MEXPR_REWRITE_NO_OP, 7, 7);
}

/* A cast to half precision rounds; an output of the model keeps its node. */
static void not_no_ops(void **state)
{
    (void)state;
    net n = begin(13, 3, 4, 5);
    op_int(&n, "Cast", "x", "a", "to", 10);
    op(&n, "Identity", "a", "y");
    end(&n);
    check(&n, MEXPR_REWRITE_NO_OP, 0, 0);
}

/* --- common subexpressions ---------------------------------------------------------- */

static void common(void **state)
{
    (void)state;
    net n = begin(13, 4, 5, 7);
    static const float two[] = {2, 2};
    onnx_f32(&n.m, "one", "1", two);
    onnx_f32(&n.m, "other", "1", two + 1);
    op(&n, "Mul", "x one", "a");
    op(&n, "Mul", "x other", "b"); /* the same number */
    op_int(&n, "Softmax", "a", "c", "axis", 1);
    op_int(&n, "Softmax", "b", "d", "axis", 1); /* the same by now */
    op_int(&n, "Softmax", "b", "e", "axis", 2);
    op(&n, "Mul", "c e", "f");
    op(&n, "Sub", "f d", "y");
    end(&n);
    check(&n, MEXPR_REWRITE_COMMON, 2, 2);
}

/* All outputs of the later node are the first one's; one that the first lacks, or that is
 * the model's, keeps both. */
static void common_outputs(void **state)
{
    (void)state;
    net n = begin(11, 4, 5, 7);
    op_int(&n, "Split", "x", "a b", "axis", 1);
    op_int(&n, "Split", "x", "c d", "axis", 1);
    op(&n, "Mul", "a d", "f");
    op(&n, "Sub", "f c", "g");
    op(&n, "Tanh", "g", "h");
    op(&n, "Tanh", "g", "y"); /* the model's output; the other is h's */
    onnx_output(&n.m, "h", F32, NULL);
    end(&n);
    check(&n, MEXPR_REWRITE_COMMON, 1, 1);
}

/* --- batch normalisation ----------------------------------------------------------- */

static void norm_behind_conv(void **state)
{
    (void)state;
    for (int group = 1; group <= 4; group += 3) {
        net n = begin(13, 4, 9, 7);
        conv(&n, "x", "a", 4, 8, 3, group);
        batch_norm(&n, "a", "b", "8");
        op(&n, "Relu", "b", "y");
        end(&n);
        check(&n, MEXPR_REWRITE_BATCH_NORM, 1, 1);
    }
}

static void norm_behind_activation(void **state)
{
    (void)state;
    net n = begin(13, 3, 9, 7);
    conv(&n, "x", "a", 3, 5, 1, 1);
    op(&n, "Relu", "a", "b");
    batch_norm(&n, "b", "y", "5");
    end(&n);
    check(&n, MEXPR_REWRITE_BATCH_NORM, 0, 1);
}

static void norm_behind_gemm(void **state)
{
    (void)state;
    net n = begin(13, 2, 3, 4);
    weights(&n, "w", "24 6", 0);
    weights(&n, "c", "6", 0);
    op(&n, "Flatten", "x", "f");
    op(&n, "Gemm", "f w c", "a");
    batch_norm(&n, "a", "b", "6");
    op(&n, "Tanh", "b", "y");
    end(&n);
    check(&n, MEXPR_REWRITE_BATCH_NORM, 1, 1);
}

static void norm_behind_transposed(void **state)
{
    (void)state;
    for (int group = 1; group <= 2; group++) {
        net n = begin(13, 4, 5, 7);
        weights(&n, "w", group == 1 ? "4 6 3 2" : "4 3 3 2", 0);
        weights(&n, "c", "6", 0);
        onnx_message node = onnx_node("ConvTranspose", "", "x w c", "a");
        onnx_attr_ints(&node, "strides", "2 1");
        onnx_attr_int(&node, "group", group);
        onnx_add(&n.m, &node);
        batch_norm(&n, "a", "b", "6");
        op(&n, "Relu", "b", "y");
        end(&n);
        check(&n, MEXPR_REWRITE_BATCH_NORM, 1, 1);
    }
}

/* Somebody else wants the convolution's result too. */
static void norm_behind_shared(void **state)
{
    (void)state;
    net n = begin(13, 3, 9, 7);
    conv(&n, "x", "a", 3, 5, 3, 1);
    batch_norm(&n, "a", "b", "5");
    op(&n, "Mul", "a b", "y");
    end(&n);
    check(&n, MEXPR_REWRITE_BATCH_NORM, 0, 0);
}

/* --- epilogues --------------------------------------------------------------------- */

static void activations(void **state)
{
    (void)state;
    static const char *const names[] = {
        "Relu", "Sigmoid", "Tanh", "HardSwish", "LeakyRelu"};
    for (int i = 0; i < 5; i++) {
        for (int kernel = 1; kernel <= 5; kernel += 2) {
            net n = begin(14, 6, 7, 9);
            conv(&n, "x", "a", 6, 6, kernel, kernel == 5 ? 6 : 1);
            op(&n, names[i], "a", "y");
            end(&n);
            check(&n, MEXPR_REWRITE_EPILOGUE, 1, 1);
        }
    }
}

static void clipped(void **state)
{
    (void)state;
    net n = begin(13, 40, 5, 6); /* through columns */
    number(&n, "low", 0);
    number(&n, "high", 6);
    conv(&n, "x", "a", 40, 7, 3, 1);
    op(&n, "Clip", "a low high", "y");
    end(&n);
    check(&n, MEXPR_REWRITE_EPILOGUE, 1, 1);
}

static void residual(void **state)
{
    (void)state;
    for (int kernel = 1; kernel <= 3; kernel += 2) {
        net n = begin(13, 6, 7, 9);
        conv(&n, "x", "a", 6, 6, kernel, 1);
        batch_norm(&n, "a", "b", "6");
        op(&n, "Add", "b x", "c");
        op(&n, "Relu", "c", "y");
        end(&n);
        check(&n, MEXPR_REWRITE_EPILOGUE, 0, 2);
    }
}

/* One number for each channel is no residual. */
static void not_residual(void **state)
{
    (void)state;
    net n = begin(13, 6, 7, 9);
    conv(&n, "x", "a", 6, 6, 3, 1);
    op(&n, "GlobalAveragePool", "x", "b");
    op(&n, "Add", "a b", "y");
    end(&n);
    check(&n, MEXPR_REWRITE_EPILOGUE, 0, 0);
}

/* With the bias, and without batch normalisation to take it. */
static void transposed(void **state)
{
    (void)state;
    net n = begin(13, 4, 5, 7);
    weights(&n, "w", "4 4 3 3", 0);
    weights(&n, "c", "4", 0);
    onnx_message node = onnx_node("ConvTranspose", "", "x w c", "a");
    onnx_attr_ints(&node, "pads", "1 1 1 1");
    onnx_add(&n.m, &node);
    op(&n, "Add", "x a", "b");
    op(&n, "Sigmoid", "b", "d");
    batch_norm(&n, "d", "y", "4");
    end(&n);
    check(&n, MEXPR_REWRITE_EPILOGUE, 2, 2);
}

static void single_pixels(void **state)
{
    (void)state;
    net n = begin(13, 6, 7, 9);
    op(&n, "GlobalAveragePool", "x", "p");
    conv(&n, "p", "a", 6, 9, 1, 1);
    op(&n, "Relu", "a", "b");
    conv(&n, "b", "c", 9, 6, 1, 1);
    batch_norm(&n, "c", "d", "6");
    op(&n, "Sigmoid", "d", "y");
    end(&n);
    check(&n, MEXPR_REWRITE_EPILOGUE, 1, 2);
}

/* --- functions --------------------------------------------------------------------- */

static void silu(void **state)
{
    (void)state;
    net n = begin(13, 6, 7, 9);
    op(&n, "Sigmoid", "x", "s");
    op(&n, "Mul", "x s", "a");
    conv(&n, "a", "c", 6, 8, 3, 1);
    op(&n, "Sigmoid", "c", "d");
    op(&n, "Mul", "d c", "y");
    end(&n);
    check(&n, MEXPR_REWRITE_FUNCTION, 2, 2);
}

static void gelu(void **state)
{
    (void)state;
    for (int first = 0; first < 2; first++) {
        net n = begin(13, 6, 7, 9);
        number(&n, "root", 1.4142135623730951);
        number(&n, "one", 1);
        number(&n, "half", 0.5);
        op(&n, "Div", "x root", "a");
        op(&n, "Erf", "a", "b");
        op(&n, "Add", "b one", "c");
        op(&n, "Mul", first ? "x half" : "x c", "d");
        op(&n, "Mul", first ? "d c" : "d half", "y");
        end(&n);
        check(&n, MEXPR_REWRITE_FUNCTION, 1, 1);
    }
}

static void gelu_tanh(void **state)
{
    (void)state;
    net n = begin(13, 6, 7, 9);
    number(&n, "three", 3);
    number(&n, "a3", 0.044715);
    number(&n, "root", 0.7978845608028654);
    number(&n, "one", 1);
    number(&n, "half", 0.5);
    op(&n, "Mul", "x half", "h");
    op(&n, "Pow", "x three", "a");
    op(&n, "Mul", "a a3", "b");
    op(&n, "Add", "x b", "c");
    op(&n, "Mul", "c root", "d");
    op(&n, "Tanh", "d", "e");
    op(&n, "Add", "e one", "f");
    op(&n, "Mul", "h f", "y");
    end(&n);
    check(&n, MEXPR_REWRITE_FUNCTION, 1, 1);
}

static void hard_swish(void **state)
{
    (void)state;
    net n = begin(13, 6, 7, 9);
    number(&n, "three", 3);
    number(&n, "zero", 0);
    number(&n, "six", 6);
    op(&n, "Add", "x three", "a");
    op(&n, "Clip", "a zero six", "b");
    op(&n, "Div", "b six", "c");
    op(&n, "Mul", "x c", "y");
    end(&n);
    check(&n, MEXPR_REWRITE_FUNCTION, 1, 1);
}

/* The constant is another. */
static void not_hard_swish(void **state)
{
    (void)state;
    net n = begin(13, 6, 7, 9);
    number(&n, "three", 3);
    number(&n, "zero", 0);
    number(&n, "six", 6);
    number(&n, "seven", 7);
    op(&n, "Add", "x three", "a");
    op(&n, "Clip", "a zero six", "b");
    op(&n, "Div", "b seven", "c");
    op(&n, "Mul", "x c", "y");
    end(&n);
    check(&n, MEXPR_REWRITE_FUNCTION, 0, 0);
}

static void layer_norm(const char *axis, const char *vector, bool epsilon_outside)
{
    net n = begin(13, 6, 7, 9);
    number(&n, "two", 2);
    number(&n, "epsilon", 1e-5);
    weights(&n, "g", vector, 1);
    weights(&n, "b", vector, 0);
    op_ints(&n, "ReduceMean", "x", "mean", "axes", axis);
    op(&n, "Sub", "x mean", "d");
    op(&n, "Pow", "d two", "sq");
    op_ints(&n, "ReduceMean", "sq", "var", "axes", axis);
    if (epsilon_outside) {
        op(&n, "Sqrt", "var", "root");
        op(&n, "Add", "root epsilon", "s");
    } else {
        op(&n, "Add", "var epsilon", "sum");
        op(&n, "Sqrt", "sum", "s");
    }
    op(&n, "Div", "d s", "q");
    op(&n, "Mul", "q g", "p");
    op(&n, "Add", "p b", "y");
    end(&n);
    check(&n, MEXPR_REWRITE_FUNCTION, 1, 1);
}

static void layer_norms(void **state)
{
    (void)state;
    layer_norm("-1", "9", false);
    layer_norm("1", "1 6 1 1", false);
    layer_norm("1", "1 6 1 1", true);
    layer_norm("2", "7 1", false);
}

/* --- softmax over one, padding ------------------------------------------------------ */

static void softmax_one(void **state)
{
    (void)state;
    net n = begin(13, 6, 1, 1);
    conv(&n, "x", "q", 6, 6, 1, 1);
    conv(&n, "x", "v", 6, 6, 1, 1);
    op_int(&n, "Softmax", "q", "p", "axis", -1);
    op(&n, "MatMul", "p v", "y");
    end(&n);
    check(&n, MEXPR_REWRITE_SOFTMAX_ONE, 1, 1);
}

static void not_softmax_one(void **state)
{
    (void)state;
    net n = begin(13, 6, 1, 3);
    op_int(&n, "Softmax", "x", "y", "axis", -1);
    end(&n);
    check(&n, MEXPR_REWRITE_SOFTMAX_ONE, 0, 0);
}

/* --- linear layers ------------------------------------------------------------------ */

/* A convolution of one element without padding. */
static void point(net *n, const char *in, const char *out, int from, int to)
{
    conv(n, in, out, from, to, 1, 1);
}

static void slice(net *n, const char *in, const char *out, int64_t start, int64_t end)
{
    char name[4][16], inputs[96];
    const int64_t numbers[4] = {start, end, 1, 1};
    static const char *const kinds[4] = {"s", "e", "a", "t"};
    for (int i = 0; i < 4; i++) {
        snprintf(name[i], sizeof name[i], "%s.%s", out, kinds[i]);
        onnx_i64(&n->m, name[i], "1", &numbers[i]);
    }
    snprintf(
        inputs, sizeof inputs, "%s %s %s %s %s", in, name[0], name[1], name[2], name[3]);
    op(n, "Slice", inputs, out);
}

/* Attention of one token: queries and keys are not needed, and what makes the values and
 * what takes them becomes one layer. */
static void one_token(void **state)
{
    (void)state;
    static const int64_t split[4] = {0, 3, 4, 1}, joined[4] = {0, 12, 1, 1};
    net n = begin(13, 12, 1, 1);
    onnx_i64(&n.m, "split", "4", split);
    onnx_i64(&n.m, "joined", "4", joined);
    point(&n, "x", "qkv", 12, 36);
    static const char *const parts[3] = {"q", "k", "v"};
    for (int i = 0; i < 3; i++) {
        char in[32], out[32];
        slice(&n, "qkv", parts[i], 12 * i, 12 * i + 12);
        snprintf(in, sizeof in, "%s split", parts[i]);
        snprintf(out, sizeof out, "%s4", parts[i]);
        op(&n, "Reshape", in, out);
    }
    op_ints(&n, "Transpose", "q4", "qt", "perm", "0 1 3 2");
    op(&n, "MatMul", "qt k4", "a");
    op_int(&n, "Softmax", "a", "p", "axis", -1);
    op_ints(&n, "Transpose", "v4", "vt", "perm", "0 1 3 2");
    op(&n, "MatMul", "p vt", "o");
    op_ints(&n, "Transpose", "o", "ot", "perm", "0 1 3 2");
    op(&n, "Reshape", "ot joined", "j");
    point(&n, "j", "out", 12, 12);
    op(&n, "Add", "out x", "y");
    end(&n);
    check(&n, MEXPR_REWRITE_LINEAR, 2, 3);
}

static void two_layers(void **state)
{
    (void)state;
    net n = begin(13, 8, 3, 4);
    point(&n, "x", "a", 8, 9);
    point(&n, "a", "b", 9, 7);
    op(&n, "Relu", "b", "y");
    end(&n);
    check(&n, MEXPR_REWRITE_LINEAR, 1, 1);
    for (int form = 0; form < 4; form++) {
        net g = begin(13, 2, 3, 2);
        op(&g, "Flatten", "x", "f");
        weights(&g, "w1", form & 1 ? "10 12" : "12 10", 0);
        weights(&g, "w2", form & 2 ? "9 10" : "10 9", 0);
        weights(&g, "b1", "10", 0);
        onnx_message node = onnx_node("Gemm", "", "f w1 b1", "g");
        onnx_attr_int(&node, "transB", form & 1);
        onnx_add(&g.m, &node);
        node = onnx_node("Gemm", "", "g w2", "y");
        onnx_attr_int(&node, "transB", form >> 1);
        onnx_add(&g.m, &node);
        end(&g);
        check(&g, MEXPR_REWRITE_LINEAR, 1, 1);
    }
}

/* Something in between, a result that others need, fewer weights as they are. */
static void not_two_layers(void **state)
{
    (void)state;
    net n = begin(13, 8, 3, 4);
    point(&n, "x", "a", 8, 8);
    op(&n, "Relu", "a", "b");
    point(&n, "b", "c", 8, 8);
    point(&n, "c", "d", 8, 2);
    point(&n, "d", "e", 2, 8);
    op(&n, "Add", "c e", "f");
    conv(&n, "f", "g", 8, 8, 3, 1);
    point(&n, "g", "y", 8, 8);
    end(&n);
    check(&n, MEXPR_REWRITE_LINEAR, 0, 0);
}

/* Layers of tokens: bias, GELU and residual join the product. */
static void tokens(void **state)
{
    (void)state;
    net n = begin(20, 2, 3, 12);
    weights(&n, "w1", "12 20", 0);
    weights(&n, "b1", "20", 0);
    weights(&n, "w2", "20 12", 0);
    weights(&n, "b2", "1 1 12", 0);
    op(&n, "MatMul", "x w1", "a");
    op(&n, "Add", "b1 a", "b");
    op(&n, "Gelu", "b", "c");
    op(&n, "MatMul", "c w2", "d");
    op(&n, "Add", "d b2", "e");
    op(&n, "Add", "e x", "y");
    end(&n);
    check(&n, MEXPR_REWRITE_LINEAR, 2, 2);
    net m = begin(20, 2, 3, 12);
    weights(&m, "w", "12 20", 0);
    weights(&m, "b", "20", 0);
    op(&m, "MatMul", "x w", "a");
    op(&m, "Add", "a b", "c");
    onnx_message node = onnx_node("Gelu", "", "c", "y");
    onnx_attr_text(&node, "approximate", "tanh");
    onnx_add(&m.m, &node);
    end(&m);
    check(&m, MEXPR_REWRITE_EPILOGUE, 0, 2);
}

/* A window as large as the input, with everything that joins a convolution. */
static void whole_windows(void **state)
{
    (void)state;
    net n = begin(20, 5, 3, 2);
    weights(&n, "w", "6 5 3 2", 0);
    weights(&n, "b", "6", 0);
    op(&n, "Conv", "x w b", "a");
    batch_norm(&n, "a", "c", "6");
    op(&n, "Gelu", "c", "y");
    end(&n);
    check(&n, MEXPR_REWRITE_LINEAR, 1, 1);
}

static void parts_of_layers(void **state)
{
    (void)state;
    net n = begin(13, 6, 3, 4);
    conv(&n, "x", "a", 6, 10, 3, 1);
    onnx_message node = onnx_node("Split", "", "a", "s t");
    onnx_attr_int(&node, "axis", 1);
    onnx_add(&n.m, &node);
    op(&n, "Relu", "t", "y");
    end(&n);
    check(&n, MEXPR_REWRITE_LINEAR, 1, 1);
    net m = begin(13, 6, 3, 4);
    conv(&m, "x", "a", 6, 10, 3, 1);
    slice(&m, "a", "b", 2, 6);
    slice(&m, "a", "c", 6, 10);
    op(&m, "Add", "b c", "y");
    end(&m);
    check(&m, MEXPR_REWRITE_LINEAR, 0, 0);
}

static void padding(void **state)
{
    (void)state;
    static const int64_t pads[8] = {0, 0, 1, 2, 0, 0, 0, 1};
    net n = begin(13, 6, 7, 9);
    onnx_i64(&n.m, "pads", "8", pads);
    op(&n, "Pad", "x pads", "a");
    conv(&n, "a", "b", 6, 4, 3, 1);
    op(&n, "Pad", "b pads", "c");
    op_ints(&n, "AveragePool", "c", "y", "kernel_shape", "2 3");
    end(&n);
    check(&n, MEXPR_REWRITE_PAD, 2, 2);
}

static void pooled(net *n, const char *conv_pads, const char *in, const char *out,
    const char *kernel, const char *stride, const char *pads)
{
    weights(n, "w", "5 3 3 3", 0);
    op_ints(n, "Conv", "x w", "b", "pads", conv_pads);
    onnx_message node = onnx_node("MaxPool", "", in, out);
    onnx_attr_ints(&node, "kernel_shape", kernel);
    onnx_attr_ints(&node, "strides", stride);
    onnx_attr_ints(&node, "pads", pads);
    onnx_add(&n->m, &node);
}

/* Lines and columns behind the last window: 13 - 1 and 11 are read of 13 and 12; of the
 * padding there is enough for some of them. */
static void unread_lines(void **state)
{
    (void)state;
    net n = begin(15, 3, 11, 10);
    pooled(&n, "2 2 2 2", "b", "y", "3 3", "3 3", "1 1 1 1");
    end(&n);
    check(&n, MEXPR_REWRITE_PAD, 1, 1);
    n = begin(15, 3, 11, 10);
    pooled(&n, "1 1 1 1", "b", "y", "2 2", "5 5", "0 0 0 0");
    end(&n);
    check(&n, MEXPR_REWRITE_PAD, 1, 1);
}

/* All is read; no padding makes what is not; something else reads it. */
static void not_unread_lines(void **state)
{
    (void)state;
    net n = begin(15, 3, 12, 12);
    pooled(&n, "1 1 1 1", "b", "y", "3 3", "3 3", "0 0 0 0");
    end(&n);
    check(&n, MEXPR_REWRITE_PAD, 0, 0);
    n = begin(15, 3, 10, 10);
    pooled(&n, "1 1 0 0", "b", "y", "2 2", "2 2", "0 0 0 0");
    end(&n);
    check(&n, MEXPR_REWRITE_PAD, 0, 0);
    n = begin(15, 3, 11, 11);
    pooled(&n, "1 1 1 1", "b", "c", "3 3", "1 1", "1 1 1 1");
    op(&n, "Add", "b c", "y");
    end(&n);
    check(&n, MEXPR_REWRITE_PAD, 0, 0);
}

/* Padding with something else than 0, and in front of a maximum. */
static void not_padding(void **state)
{
    (void)state;
    static const int64_t pads[8] = {0, 0, 1, 1, 0, 0, 1, 1};
    net n = begin(13, 6, 7, 9);
    onnx_i64(&n.m, "pads", "8", pads);
    number(&n, "one", 1);
    op(&n, "Pad", "x pads one", "a");
    conv(&n, "a", "b", 6, 4, 3, 1);
    op(&n, "Pad", "b pads", "c");
    op_ints(&n, "MaxPool", "c", "y", "kernel_shape", "2 2");
    end(&n);
    check(&n, MEXPR_REWRITE_PAD, 0, 0);
}

/* --- gates ------------------------------------------------------------------------- */

static void cbam(void **state)
{
    (void)state;
    net n = begin(13, 6, 7, 9);
    op(&n, "GlobalAveragePool", "x", "a");
    op_ints(&n, "MaxPool", "x", "m", "kernel_shape", "7 9");
    conv(&n, "a", "a1", 6, 2, 1, 1);
    op(&n, "Relu", "a1", "a2");
    conv(&n, "m", "m1", 6, 2, 1, 1);
    op(&n, "Relu", "m1", "m2");
    op(&n, "Add", "a2 m2", "s");
    conv(&n, "s", "s1", 2, 6, 1, 1);
    op(&n, "Sigmoid", "s1", "g");
    op(&n, "Mul", "x g", "z");
    op_ints(&n, "ReduceMax", "z", "z1", "axes", "1");
    op_ints(&n, "ReduceMean", "z", "z2", "axes", "1");
    op_int(&n, "Concat", "z1 z2", "z3", "axis", 1);
    conv(&n, "z3", "z4", 2, 1, 7, 1);
    op(&n, "Sigmoid", "z4", "z5");
    op(&n, "Mul", "z z5", "y");
    end(&n);
    check(&n, MEXPR_REWRITE_GATE, 3, 3);
}

/* One branch of triplet attention: transposed, gated, transposed back. */
static void branch(net *n, const char *perm, const char *tag)
{
    char t[8], mean[8], max[8], both[24], cat[8], c[8], s[8], times[24], g[8], out[8];
    snprintf(t, sizeof t, "t%s", tag);
    snprintf(mean, sizeof mean, "n%s", tag);
    snprintf(max, sizeof max, "m%s", tag);
    snprintf(both, sizeof both, "%s %s", max, mean);
    snprintf(cat, sizeof cat, "k%s", tag);
    snprintf(c, sizeof c, "c%s", tag);
    snprintf(s, sizeof s, "s%s", tag);
    snprintf(times, sizeof times, "%s %s", t, s);
    snprintf(g, sizeof g, "g%s", tag);
    snprintf(out, sizeof out, "o%s", tag);
    op_ints(n, "Transpose", "x", t, "perm", perm);
    op_ints(n, "ReduceMax", t, max, "axes", "1");
    op_ints(n, "ReduceMean", t, mean, "axes", "1");
    op_int(n, "Concat", both, cat, "axis", 1);
    conv(n, cat, c, 2, 1, 3, 1);
    op(n, "Sigmoid", c, s);
    op(n, "Mul", times, g);
    op_ints(n, "Transpose", g, out, "perm", perm);
}

static void triplet(void **state)
{
    (void)state;
    net n = begin(13, 6, 7, 9);
    number(&n, "third", 1.0 / 3);
    branch(&n, "0 2 1 3", "a");
    branch(&n, "0 3 2 1", "b");
    op_ints(&n, "ReduceMax", "x", "m", "axes", "1");
    op_ints(&n, "ReduceMean", "x", "k", "axes", "1");
    op_int(&n, "Concat", "m k", "mk", "axis", 1);
    conv(&n, "mk", "c", 2, 1, 3, 1);
    op(&n, "Sigmoid", "c", "s");
    op(&n, "Mul", "x s", "oc");
    op(&n, "Add", "oa ob", "ab");
    op(&n, "Add", "ab oc", "abc");
    op(&n, "Mul", "abc third", "y");
    end(&n);
    check(&n, MEXPR_REWRITE_GATE, 7, 7);
}

/* Mean and maximum over different axes; a gate that another node needs as well. */
static void not_gates(void **state)
{
    (void)state;
    net n = begin(13, 6, 1, 1);
    op_ints(&n, "ReduceMax", "x", "m", "axes", "1");
    op_ints(&n, "ReduceMean", "x", "k", "axes", "2");
    op_int(&n, "Concat", "m k", "y", "axis", 1);
    end(&n);
    check(&n, MEXPR_REWRITE_GATE, 0, 0);
}

/* --- options ----------------------------------------------------------------------- */

static void options(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mexpr_model *model = NULL;
    mexpr_model_options o = MEXPR_MODEL_OPTIONS_INIT;
    net n = begin(13, 3, 4, 5);
    op(&n, "Relu", "x", "y");
    end(&n);
    o.struct_size = 1;
    assert_int_equal(
        mexpr_model_load_with(context, "none.onnx", &o, &model), MEXPR_E_ABI);
    assert_ok(context, mexpr_model_load_memory_with(
                           context, n.m.file.data, n.m.file.size, NULL, &model));
    assert_int_equal(mexpr_model_n_rewrites(model, MEXPR_REWRITE_ALL), 0);
    assert_int_equal(mexpr_model_n_rewrites(NULL, MEXPR_REWRITE_PAD), 0);
    mexpr_model_destroy(&model);
    onnx_destroy(&n.m);
    mexpr_context_destroy(&context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_ops),
        cmocka_unit_test(not_no_ops),
        cmocka_unit_test(norm_behind_conv),
        cmocka_unit_test(norm_behind_activation),
        cmocka_unit_test(norm_behind_gemm),
        cmocka_unit_test(norm_behind_transposed),
        cmocka_unit_test(transposed),
        cmocka_unit_test(common),
        cmocka_unit_test(common_outputs),
        cmocka_unit_test(norm_behind_shared),
        cmocka_unit_test(activations),
        cmocka_unit_test(clipped),
        cmocka_unit_test(residual),
        cmocka_unit_test(not_residual),
        cmocka_unit_test(single_pixels),
        cmocka_unit_test(silu),
        cmocka_unit_test(gelu),
        cmocka_unit_test(gelu_tanh),
        cmocka_unit_test(hard_swish),
        cmocka_unit_test(not_hard_swish),
        cmocka_unit_test(layer_norms),
        cmocka_unit_test(softmax_one),
        cmocka_unit_test(not_softmax_one),
        cmocka_unit_test(one_token),
        cmocka_unit_test(two_layers),
        cmocka_unit_test(not_two_layers),
        cmocka_unit_test(tokens),
        cmocka_unit_test(whole_windows),
        cmocka_unit_test(parts_of_layers),
        cmocka_unit_test(padding),
        cmocka_unit_test(not_padding),
        cmocka_unit_test(unread_lines),
        cmocka_unit_test(not_unread_lines),
        cmocka_unit_test(cbam),
        cmocka_unit_test(triplet),
        cmocka_unit_test(not_gates),
        cmocka_unit_test(options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
