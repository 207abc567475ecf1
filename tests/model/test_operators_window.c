/* SPDX-License-Identifier: MIT */
/* Convolutions and pools of all forms against plain loops over every element, and what
 * they refuse. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "operator_check.h"

/* --- a window, in three dimensions ------------------------------------------------- */

typedef struct window {
    int rank;
    int64_t in[3], kernel[3], stride[3], dilation[3], before[3], after[3], extra[3];
    int64_t out[3];
    bool ceil;
} window;

static window random_window(mx_rng *rng, bool dilated)
{
    window w = {.rank = 1 + (int)below(rng, 3)};
    for (int d = 0; d < 3; d++) {
        const bool used = d < w.rank;
        w.in[d] = used ? 8 + below(rng, 13) : 1;
        w.kernel[d] = used ? 1 + below(rng, 4) : 1;
        w.stride[d] = used ? 1 + below(rng, 3) : 1;
        w.dilation[d] = used && dilated ? 1 + below(rng, 2) : 1;
        w.before[d] = used ? below(rng, (uint32_t)w.kernel[d]) : 0;
        w.after[d] = used ? below(rng, (uint32_t)w.kernel[d]) : 0;
        w.extra[d] = used ? below(rng, (uint32_t)w.stride[d]) : 0;
    }
    return w;
}

static int64_t extent(const window *w, int d)
{
    return (w->kernel[d] - 1) * w->dilation[d] + 1;
}

static int64_t product(const int64_t *dims)
{
    return dims[0] * dims[1] * dims[2];
}

static void put_window(onnx_message *node, const window *w, bool has_kernel)
{
    char text[64];
    int64_t both[6];
    for (int d = 0; d < w->rank; d++) {
        both[d] = w->before[d];
        both[w->rank + d] = w->after[d];
    }
    list(text, sizeof text, both, 2 * w->rank);
    onnx_attr_ints(node, "pads", text);
    list(text, sizeof text, w->stride, w->rank);
    onnx_attr_ints(node, "strides", text);
    list(text, sizeof text, w->dilation, w->rank);
    onnx_attr_ints(node, "dilations", text);
    list(text, sizeof text, w->kernel, w->rank);
    if (has_kernel)
        onnx_attr_ints(node, "kernel_shape", text);
}

static char *shape(char *text, int64_t a, int64_t b, const window *w, const int64_t *dims)
{
    snprintf(text, 64, "%lld %lld ", (long long)a, (long long)b);
    list(text + strlen(text), 40, dims, w->rank);
    return text;
}

static void compare(const result *r, const double *want, int64_t n)
{
    const float *y = r->view.data;
    int64_t count = 1;
    for (int i = 0; i < r->view.rank; i++)
        count *= r->view.dims[i];
    assert_int_equal(count, n);
    for (int64_t i = 0; i < n; i++) {
        if (!(fabs((double)y[i] - want[i]) <= 1e-5 * fmax(1, fabs(want[i]))))
            fail_msg(
                "element %lld is %.9g, not %.9g", (long long)i, (double)y[i], want[i]);
    }
}

/* Goes through three nested loops: counter[0..2] below limits[0..2]. */
static bool next(int64_t *counter, const int64_t *limits)
{
    for (int d = 2; d >= 0; d--) {
        if (++counter[d] < limits[d])
            return true;
        counter[d] = 0;
    }
    return false;
}

static int64_t place(const int64_t *at, const int64_t *dims)
{
    return (at[0] * dims[1] + at[1]) * dims[2] + at[2];
}

/* --- transposed convolution -------------------------------------------------------- */

/* Adds what one input gives to one output channel. */
static void scatter(
    const window *w, const int64_t *at, double x, const float *weights, double *y)
{
    int64_t k[3] = {0, 0, 0};
    do {
        int64_t o[3];
        bool inside = true;
        for (int d = 0; d < 3; d++) {
            o[d] = at[d] * w->stride[d] + k[d] * w->dilation[d] - w->before[d];
            inside = inside && o[d] >= 0 && o[d] < w->out[d];
        }
        if (inside)
            y[place(o, w->out)] += x * (double)weights[place(k, w->kernel)];
    } while (next(k, w->kernel));
}

static void transposed_case(
    mx_rng *rng, int64_t groups, int64_t group_in, int64_t group_out)
{
    window w = random_window(rng, true);
    int64_t n_w = 1;
    for (int d = 0; d < 3; d++) {
        w.out[d] = (w.in[d] - 1) * w.stride[d] + w.extra[d] + extent(&w, d) -
                   w.before[d] - w.after[d];
        n_w *= w.kernel[d];
    }
    const int64_t batch = 2, c_in = groups * group_in, c_out = groups * group_out;
    const int64_t n_in = product(w.in), n_out = product(w.out);
    float *x = randoms(rng, (size_t)(batch * c_in * n_in));
    float *weights = randoms(rng, (size_t)(c_in * group_out * n_w));
    float *bias = randoms(rng, (size_t)c_out);
    double *y = malloc((size_t)(batch * c_out * n_out) * sizeof *y);
    assert_non_null(y);
    for (int64_t i = 0; i < batch * c_out * n_out; i++)
        y[i] = (double)bias[i / n_out % c_out];
    for (int64_t b = 0; b < batch; b++) {
        for (int64_t pair = 0; pair < c_in * group_out; pair++) {
            const int64_t ic = pair / group_out;
            const int64_t oc = ic / group_in * group_out + pair % group_out;
            int64_t at[3] = {0, 0, 0};
            do {
                scatter(&w, at, (double)x[(b * c_in + ic) * n_in + place(at, w.in)],
                    weights + pair * n_w, y + (b * c_out + oc) * n_out);
            } while (next(at, w.in));
        }
    }
    char x_dims[64], w_dims[64], b_dims[16], text[64];
    snprintf(b_dims, sizeof b_dims, "%lld", (long long)c_out);
    onnx_message node = plain("ConvTranspose", "a b c");
    put_window(&node, &w, below(rng, 2) == 0);
    list(text, sizeof text, w.extra, w.rank);
    onnx_attr_ints(&node, "output_padding", text);
    onnx_attr_int(&node, "group", groups);
    result r = run(11, &node,
        INPUTS({F32, shape(x_dims, batch, c_in, &w, w.in), x, false},
            {F32, shape(w_dims, c_in, group_out, &w, w.kernel), weights, true},
            {F32, b_dims, bias, true}),
        3);
    compare(&r, y, batch * c_out * n_out);
    done(&r);
    free(x);
    free(weights);
    free(bias);
    free(y);
}

static void transposed(void **state)
{
    (void)state;
    mx_rng rng;
    mx_rng_seed(&rng, 5, 0);
    for (int i = 0; i < 40; i++)
        transposed_case(&rng, 1 + below(&rng, 3), 1 + below(&rng, 3), 1 + below(&rng, 3));
    transposed_case(&rng, 1, 40, 60);
}

/* x = 1 2 with weights 1 10 100, stride 2: 1 10 102 20 200 in full. */
static void transposed_sizes(void **state)
{
    (void)state;
    static const struct {
        const char *auto_pad, *output_shape, *output_padding, *dims;
        float want[7];
    } cases[] = {
        {NULL, NULL, NULL, "1 1 5", {1, 10, 102, 20, 200}},
        {NULL, NULL, "1", "1 1 6", {1, 10, 102, 20, 200, 0}},
        {"VALID", NULL, NULL, "1 1 5", {1, 10, 102, 20, 200}},
        {"SAME_UPPER", NULL, NULL, "1 1 4", {1, 10, 102, 20}},
        {"SAME_LOWER", NULL, NULL, "1 1 4", {10, 102, 20, 200}},
        {NULL, "4", NULL, "1 1 4", {10, 102, 20, 200}},
        {"SAME_UPPER", "4", NULL, "1 1 4", {1, 10, 102, 20}},
        {NULL, "3", NULL, "1 1 3", {10, 102, 20}},
        {NULL, "7", NULL, "1 1 7", {1, 10, 102, 20, 200, 0, 0}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        onnx_message node = plain("ConvTranspose", "a b");
        onnx_attr_ints(&node, "strides", "2");
        if (cases[i].auto_pad)
            onnx_attr_text(&node, "auto_pad", cases[i].auto_pad);
        if (cases[i].output_shape)
            onnx_attr_ints(&node, "output_shape", cases[i].output_shape);
        if (cases[i].output_padding)
            onnx_attr_ints(&node, "output_padding", cases[i].output_padding);
        check(11, node,
            INPUTS(
                {F32, "1 1 2", FLOATS(1, 2), 0}, {F32, "1 1 3", FLOATS(1, 10, 100), 0}),
            2, F32, cases[i].dims, cases[i].want);
    }
}

/* --- pools ------------------------------------------------------------------------- */

typedef enum pool_kind { POOL_MAX, POOL_AVERAGE, POOL_LP } pool_kind;

/* One window, cell by cell. Cells of the padding count, those behind it do not. */
static double pool_at(const window *w, const int64_t *o, const float *x, pool_kind kind,
    bool counts_padding, int64_t power)
{
    int64_t k[3] = {0, 0, 0}, n = 0;
    double sum = 0, best = -INFINITY;
    do {
        int64_t at[3];
        bool inside = true, padded = true;
        for (int d = 0; d < 3; d++) {
            at[d] = o[d] * w->stride[d] + k[d] * w->dilation[d] - w->before[d];
            inside = inside && at[d] >= 0 && at[d] < w->in[d];
            padded = padded && at[d] < w->in[d] + w->after[d];
        }
        n += counts_padding ? padded : inside;
        if (!inside)
            continue;
        const double v = (double)x[place(at, w->in)];
        best = fmax(best, v);
        sum += kind == POOL_LP ? pow(fabs(v), (double)power) : v;
    } while (next(k, w->kernel));
    return kind == POOL_MAX       ? best
           : kind == POOL_AVERAGE ? sum / (double)n
                                  : pow(sum, 1 / (double)power);
}

static void pool_case(mx_rng *rng, pool_kind kind)
{
    static const char *const names[] = {"MaxPool", "AveragePool", "LpPool"};
    window w = random_window(rng, true);
    w.ceil = below(rng, 2);
    for (int d = 0; d < 3; d++) {
        /* Padding smaller than the window keeps every window on some input. */
        const int64_t room = w.in[d] + w.before[d] + w.after[d] - extent(&w, d);
        w.out[d] = (room + (w.ceil ? w.stride[d] - 1 : 0)) / w.stride[d] + 1;
        if (w.ceil && (w.out[d] - 1) * w.stride[d] >= w.in[d] + w.before[d])
            w.out[d]--;
    }
    const bool counts = kind == POOL_AVERAGE && below(rng, 2);
    const int64_t power = 1 + below(rng, 3), channels = 3;
    const int64_t n_in = product(w.in), n_out = product(w.out);
    float *x = randoms(rng, (size_t)(channels * n_in));
    double *y = malloc((size_t)(channels * n_out) * sizeof *y);
    assert_non_null(y);
    for (int64_t c = 0; c < channels; c++) {
        int64_t o[3] = {0, 0, 0};
        do {
            y[c * n_out + place(o, w.out)] =
                pool_at(&w, o, x + c * n_in, kind, counts, power);
        } while (next(o, w.out));
    }
    char dims[64];
    onnx_message node = plain(names[kind], "a");
    put_window(&node, &w, true);
    onnx_attr_int(&node, "ceil_mode", w.ceil);
    if (kind == POOL_AVERAGE)
        onnx_attr_int(&node, "count_include_pad", counts);
    if (kind == POOL_LP)
        onnx_attr_int(&node, "p", power);
    result r =
        run(19, &node, INPUTS({F32, shape(dims, 1, channels, &w, w.in), x, false}), 1);
    compare(&r, y, channels * n_out);
    done(&r);
    free(x);
    free(y);
}

static void pools(void **state)
{
    (void)state;
    mx_rng rng;
    mx_rng_seed(&rng, 6, 0);
    for (int i = 0; i < 90; i++)
        pool_case(&rng, (pool_kind)(i % 3));
}

static onnx_message pool(const char *op, const char *name, const char *values)
{
    onnx_message node = plain(op, "a");
    onnx_attr_ints(&node, "kernel_shape", "2 2");
    if (name)
        onnx_attr_ints(&node, name, values);
    return node;
}

static void pool_forms(void **state)
{
    (void)state;
    const input x = {F32, "1 1 3 2", FLOATS(1, 6, 5, 2, 3, 4), 0};
    onnx_message node = onnx_node("MaxPool", "", "a", "rest y");
    onnx_attr_ints(&node, "kernel_shape", "2 2");
    check(12, node, INPUTS(x), 1, I64, "1 1 2 1", INTS(1, 2));
    node = onnx_node("MaxPool", "", "a", "rest y");
    onnx_attr_ints(&node, "kernel_shape", "2 2");
    onnx_attr_int(&node, "storage_order", 1);
    check(12, node, INPUTS(x), 1, I64, "1 1 2 1", INTS(3, 1));
    check(12, pool("MaxPool", NULL, NULL),
        INPUTS({U8, "1 1 2 3", BYTES(1, 200, 3, 4, 5, 255), 0}), 1, U8, "1 1 1 2",
        BYTES(200, 255));
    node = plain("GlobalLpPool", "a");
    onnx_attr_int(&node, "p", 1);
    check(11, node, INPUTS({F32, "1 2 3", FLOATS(1, -2, 3, 0, 0, -5), 0}), 1, F32,
        "1 2 1", FLOATS(6, 5));
    check(11, plain("GlobalLpPool", "a"), INPUTS({F32, "1 1 2", FLOATS(3, -4), 0}), 1,
        F32, "1 1 1", FLOATS(5));
    node = plain("AveragePool", "a");
    onnx_attr_ints(&node, "kernel_shape", "2");
    onnx_attr_text(&node, "auto_pad", "SAME_LOWER");
    check(11, node, INPUTS({F32, "1 1 3", FLOATS(1, 3, 5), 0}), 1, F32, "1 1 3",
        FLOATS(1, 2, 4));
    node = plain("AveragePool", "a");
    onnx_attr_ints(&node, "kernel_shape", "2");
    onnx_attr_text(&node, "auto_pad", "SAME_UPPER");
    check(11, node, INPUTS({F32, "1 1 3", FLOATS(1, 3, 5), 0}), 1, F32, "1 1 3",
        FLOATS(2, 4, 5));
}

static void padded_convolutions(void **state)
{
    (void)state;
    static const struct {
        const char *auto_pad, *dims;
        float want[4];
    } cases[] = {
        {"VALID", "1 1 2", {12, 34}},
        {"SAME_UPPER", "1 1 2", {12, 34}},
        {"SAME_LOWER", "1 1 2", {12, 34}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        onnx_message node = plain("Conv", "a b");
        onnx_attr_ints(&node, "strides", "2");
        onnx_attr_text(&node, "auto_pad", cases[i].auto_pad);
        check(11, node,
            INPUTS(
                {F32, "1 1 4", FLOATS(1, 2, 3, 4), 0}, {F32, "1 1 2", FLOATS(10, 1), 0}),
            2, F32, cases[i].dims, cases[i].want);
    }
    onnx_message node = plain("Conv", "a b");
    onnx_attr_text(&node, "auto_pad", "SAME_UPPER");
    const input x = {F32, "1 1 3", FLOATS(1, 2, 3), 0};
    const input w = {F32, "1 1 2", FLOATS(10, 1), 0};
    check(11, node, INPUTS(x, w), 2, F32, "1 1 3", FLOATS(12, 23, 30));
    node = plain("Conv", "a b");
    onnx_attr_text(&node, "auto_pad", "SAME_LOWER");
    check(11, node, INPUTS(x, w), 2, F32, "1 1 3", FLOATS(1, 12, 23));
}

/* An open batch leaves the rest of the shape to be inferred. */
static void open_batch(void **state)
{
    (void)state;
    const input inputs[] = {
        {F32, "N 2 4 4", NULL, false}, {F32, "2 3 2 2", (const float[24]){0}, true}};
    onnx_message node = plain("ConvTranspose", "a b");
    onnx_model m = onnx_begin(11);
    onnx_input(&m, "a", F32, inputs[0].dims);
    onnx_f32(&m, "b", inputs[1].dims, inputs[1].data);
    onnx_add(&m, &node);
    onnx_output(&m, "y", F32, NULL);
    onnx_end(&m);
    mexpr_model *model = NULL;
    mexpr_tensor_info info = MEXPR_TENSOR_INFO_INIT;
    assert_ok(
        context, mexpr_model_load_memory(context, m.file.data, m.file.size, &model));
    onnx_destroy(&m);
    assert_int_equal(mexpr_model_output(model, 0, &info), MEXPR_OK);
    assert_int_equal(info.rank, 4);
    assert_int_equal(info.dims[0], -1);
    assert_int_equal(info.dims[1], 3);
    assert_int_equal(info.dims[2], 5);
    mexpr_model_destroy(&model);
}

/* Extents that are open when loading, of channels and beside a slope, may fit. */
static void open_extents(void **state)
{
    (void)state;
    static const struct {
        const char *op, *dims, *weights;
    } cases[] = {{"Conv", "1 C 4 4", "1 5 1 3"}, {"Conv", "N C 4 4", "2 3 3 3"},
        {"PRelu", "1 2", "K 2"}, {"PRelu", "N 2", "3 2"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        onnx_message node = plain(cases[i].op, "a b");
        onnx_model m = onnx_begin(11);
        onnx_input(&m, "a", F32, cases[i].dims);
        onnx_input(&m, "b", F32, cases[i].weights);
        onnx_add(&m, &node);
        onnx_output(&m, "y", F32, NULL);
        onnx_end(&m);
        mexpr_model *model = NULL;
        assert_ok(
            context, mexpr_model_load_memory(context, m.file.data, m.file.size, &model));
        onnx_destroy(&m);
        mexpr_model_destroy(&model);
    }
}

/* --- what is refused --------------------------------------------------------------- */

static void refuse_ints(const char *op, const char *inputs, const char *name,
    const char *values, const char *part)
{
    static const float zeros[64];
    onnx_message node = onnx_node(op, "it", inputs, "y");
    onnx_attr_ints(&node, name, values);
    check_refused(19, node,
        INPUTS({F32, "1 2 4", zeros, false}, {F32, "2 2 3", zeros, true}),
        strchr(inputs, 'b') ? 2 : 1, MEXPR_E_SHAPE, part);
}

static void refusals(void **state)
{
    (void)state;
    static const float zeros[64];
    const input x = {F32, "1 2 4", zeros, false};
    refuse_ints("ConvTranspose", "a b", "strides", "1 1",
        "node 'it' (ConvTranspose): the attribute strides has 2 numbers, but 1 are "
        "needed");
    refuse_ints("ConvTranspose", "a b", "output_padding", "-1", "-1 in the attribute");
    refuse_ints("ConvTranspose", "a b", "output_shape", "0", "0 in the attribute");
    refuse_ints("ConvTranspose", "a b", "kernel_shape", "2", "the weights have 3");
    refuse_ints("ConvTranspose", "a b", "pads", "3 3", "leaves nothing of the result");
    refuse_ints("Conv", "a b", "dilations", "0", "node 'it' (Conv): 0 in the attribute");
    refuse_ints("LpPool", "a", "kernel_shape", "5",
        "node 'it' (LpPool): its window of 5 is larger than the padded input of 4");
    onnx_message node = onnx_node("ConvTranspose", "it", "a b", "y");
    onnx_attr_int(&node, "group", 3);
    check_refused(11, node, INPUTS(x, {F32, "2 2 3", zeros, true}), 2, MEXPR_E_SHAPE,
        "3 groups do not divide the weights 2×2×3");
    check_refused(11, plain("ConvTranspose", "a b"),
        INPUTS(x, {F32, "3 2 3", zeros, true}), 2, MEXPR_E_SHAPE,
        "has 2 channels, but the weights 3×2×3 are for 3");
    check_refused(11, plain("ConvTranspose", "a b"), INPUTS(x, {F32, "2 2", zeros, true}),
        2, MEXPR_E_SHAPE, "is not a convolution in one to three dimensions");
    check_refused(11, plain("ConvTranspose", "a b c"),
        INPUTS(x, {F32, "2 2 3", zeros, true}, {F32, "3", zeros, true}), 3, MEXPR_E_SHAPE,
        "its bias is not of 2 numbers");
    node = plain("ConvTranspose", "a b");
    onnx_attr_text(&node, "auto_pad", "SOME");
    check_refused(11, node, INPUTS(x, {F32, "2 2 3", zeros, true}), 2, MEXPR_E_MODEL,
        "auto_pad 'SOME' does not exist");
    node = plain("GlobalLpPool", "a");
    onnx_attr_int(&node, "p", 0);
    check_refused(11, node, INPUTS(x), 1, MEXPR_E_MODEL, "a norm with p = 0");
    check_refused(11, plain("MaxPool", "a"), INPUTS(x), 1, MEXPR_E_MODEL,
        "the attribute kernel_shape is missing");
    check_refused(11, plain("GlobalMaxPool", "a"), INPUTS({F32, "2 2", zeros, false}), 1,
        MEXPR_E_SHAPE, "2 dimensions cannot be pooled");
}

/* --- around the centre, and blocks ------------------------------------------------- */

static void around_the_centre(void **state)
{
    (void)state;
    const input x = {F32, "3 4", FLOATS(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12), 0};
    check(18, plain("CenterCropPad", "a b"), INPUTS(x, {I64, "2", INTS(1, 7), 1}), 2, F32,
        "1 7", FLOATS(0, 5, 6, 7, 8, 0, 0));
    onnx_message node = plain("CenterCropPad", "a b");
    onnx_attr_ints(&node, "axes", "-1");
    check(18, node, INPUTS(x, {I64, "1", INTS(1), 1}), 2, F32, "3 1", FLOATS(2, 6, 10));
    check_refused(18, plain("CenterCropPad", "a b"), INPUTS(x, {I64, "1", INTS(1), 1}), 2,
        MEXPR_E_SHAPE, "its shape has 1 numbers, but 2 are needed");
    check_refused(18, plain("CenterCropPad", "a b"),
        INPUTS(x, {I64, "2", INTS(1, -1), 1}), 2, MEXPR_E_SHAPE, "a size of -1");
}

/* Overlapping blocks are added up: what im2col of ones gives is how many cover a pixel.
 */
static void blocks(void **state)
{
    (void)state;
    const input ones = {F32, "1 4 4",
                    FLOATS(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1), 0},
                size = {I64, "2", INTS(3, 3), 1}, block = {I64, "2", INTS(2, 2), 1};
    check(18, plain("Col2Im", "a b c"), INPUTS(ones, size, block), 3, F32, "1 1 3 3",
        FLOATS(1, 2, 1, 2, 4, 2, 1, 2, 1));
    onnx_message node = plain("Col2Im", "a b c");
    onnx_attr_ints(&node, "pads", "1 1 0 0");
    onnx_attr_ints(&node, "strides", "2 2");
    check(18, node, INPUTS(ones, size, block), 3, F32, "1 1 3 3",
        FLOATS(1, 1, 1, 1, 1, 1, 1, 1, 1));
    check_refused(18, plain("Col2Im", "a b c"),
        INPUTS(ones, {I64, "2", INTS(4, 3), 1}, block), 3, MEXPR_E_SHAPE,
        "do not fit to 6 blocks of 4");
    check_refused(18, plain("Col2Im", "a b c"),
        INPUTS(ones, {I64, "2", INTS(1, 3), 1}, block), 3, MEXPR_E_SHAPE,
        "blocks of 2 do not fit into a picture of 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(transposed), TEST(transposed_sizes),
        TEST(pools), TEST(pool_forms), TEST(padded_convolutions), TEST(open_batch),
        TEST(open_extents), TEST(around_the_centre), TEST(blocks), TEST(refusals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
