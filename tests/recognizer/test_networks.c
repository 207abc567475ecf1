/* SPDX-License-Identifier: MIT */
/* Networks of other makes: which ones a recognizer takes, and what it says of the rest.
 */
#include "support.h"

#include <math.h>
#include <string.h>

#include "microexpr/recognizer.h"

/* --- a small ONNX writer ----------------------------------------------------------- */

typedef struct message {
    uint8_t bytes[2048];
    size_t size;
} message;

static void put_varint(message *m, uint64_t value)
{
    do {
        assert_in_range(m->size, 0, sizeof m->bytes - 1);
        m->bytes[m->size++] = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        value >>= 7;
    } while (value > 0);
}

static void put_number(message *m, unsigned field, uint64_t value)
{
    put_varint(m, field << 3);
    put_varint(m, value);
}

static void put_bytes(message *m, unsigned field, const void *bytes, size_t size)
{
    put_varint(m, field << 3 | 2);
    put_varint(m, size);
    assert_in_range(m->size + size, 0, sizeof m->bytes);
    memcpy(m->bytes + m->size, bytes, size);
    m->size += size;
}

static void put_string(message *m, unsigned field, const char *value)
{
    put_bytes(m, field, value, strlen(value));
}

static void put_message(message *m, unsigned field, const message *part)
{
    put_bytes(m, field, part->bytes, part->size);
}

/* A name with a float32 shape; dimension -1 is free. */
static message value_info(const char *name, int n_dims, const int *dims)
{
    message info = {.size = 0}, type = info, tensor = info, shape = info;
    for (int i = 0; i < n_dims; i++) {
        message dim = {.size = 0};
        if (dims[i] < 0)
            put_string(&dim, 2, "free");
        else
            put_number(&dim, 1, (uint64_t)dims[i]);
        put_message(&shape, 1, &dim);
    }
    put_number(&tensor, 1, MEXPR_DTYPE_F32);
    put_message(&tensor, 2, &shape);
    put_message(&type, 1, &tensor);
    put_string(&info, 1, name);
    put_message(&info, 2, &type);
    return info;
}

static message node(const char *op, const char *in, const char *out)
{
    message m = {.size = 0};
    put_string(&m, 1, in);
    put_string(&m, 2, out);
    put_string(&m, 3, op);
    put_string(&m, 4, op);
    return m;
}

/* What a network shall be: the input's shape, a chain of operators from "x" to "y", and
 * metadata. */
typedef struct network {
    int n_dims;
    int dims[5];
    const char *ops[4];
    int out_dims; /* rank of y, all free */
    const char *labels;
    const char *planes;
    const char *range;
    bool second_input;
    bool second_output;
} network;

/* The mean of each plane is its logit. */
static const network good = {.n_dims = 4,
    .dims = {-1, 3, 4, 5},
    .ops = {"GlobalAveragePool", "Flatten"},
    .out_dims = 2};

static message graph_of(const network *net)
{
    static const int free_dims[] = {-1, -1, -1, -1, -1};
    static const char *const names[] = {"x", "a", "b", "c", "d"};
    message graph = {.size = 0};
    int n = 0;
    while (n < 4 && net->ops[n])
        n++;
    for (int i = 0; i < n; i++) {
        const message m = node(net->ops[i], names[i], i == n - 1 ? "y" : names[i + 1]);
        put_message(&graph, 1, &m);
    }
    if (net->second_input || net->second_output) {
        const message m = node("Relu", net->second_input ? "x2" : "x", "y2");
        put_message(&graph, 1, &m);
    }
    put_string(&graph, 2, "net");
    message info = value_info("x", net->n_dims, net->dims);
    put_message(&graph, 11, &info);
    info = value_info("x2", net->n_dims, net->dims);
    if (net->second_input)
        put_message(&graph, 11, &info);
    info = value_info("y", net->out_dims, free_dims);
    put_message(&graph, 12, &info);
    info = value_info("y2", net->n_dims, free_dims);
    if (net->second_output)
        put_message(&graph, 12, &info);
    return graph;
}

static void put_metadata(message *model, const char *key, const char *value)
{
    message entry = {.size = 0};
    if (!value)
        return;
    put_string(&entry, 1, key);
    put_string(&entry, 2, value);
    put_message(model, 14, &entry);
}

static mexpr_model *load(mexpr_context *context, const network *net)
{
    message model = {.size = 0}, opset = {.size = 0};
    const message graph = graph_of(net);
    put_number(&model, 1, 7);
    put_message(&model, 7, &graph);
    put_number(&opset, 2, 13);
    put_message(&model, 8, &opset);
    put_metadata(&model, "microexpr.labels", net->labels);
    put_metadata(&model, "microexpr.planes", net->planes);
    put_metadata(&model, "microexpr.range", net->range);
    mexpr_model *out = NULL;
    assert_ok(context, mexpr_model_load_memory(context, model.bytes, model.size, &out));
    return out;
}

/* --- answers ----------------------------------------------------------------------- */

enum { SIDE = 16 };

/* Frames with a bright square that moves by a pixel. */
static void make_frames(mexpr_context *context, mexpr_image *frames[2])
{
    for (int k = 0; k < 2; k++) {
        assert_ok(context,
            mexpr_image_create(context, MEXPR_FORMAT_GREY8, SIDE, SIDE, &frames[k]));
        uint8_t *pixels = mexpr_image_pixels(frames[k]);
        for (size_t y = 5; y < 10; y++)
            memset(pixels + y * mexpr_image_stride(frames[k]) + 5 + k, 200, 5);
    }
}

static mexpr_result *recognize(
    mexpr_context *context, const network *net, mexpr_status expected, const char *part)
{
    mexpr_recognizer_options options = MEXPR_RECOGNIZER_OPTIONS_INIT;
    mexpr_recognizer *recognizer = NULL;
    mexpr_result *result = NULL;
    mexpr_image *frames[2] = {NULL, NULL};
    options.model = load(context, net);
    make_frames(context, frames);
    mexpr_status status = mexpr_recognizer_create(context, &options, &recognizer);
    const char *sentence = mexpr_context_last_error(context);
    if (status == MEXPR_OK) {
        status = mexpr_recognizer_run(recognizer, frames[0], frames[1], NULL, &result);
        sentence = mexpr_recognizer_last_error(recognizer);
    }
    if (status != expected || !strstr(sentence, part))
        fail_msg("gave %s: %s; expected %s: %s", mexpr_status_name(status), sentence,
            mexpr_status_name(expected), part);
    mexpr_recognizer_destroy(&recognizer);
    mexpr_image_destroy(&frames[1]);
    mexpr_image_destroy(&frames[0]);
    mexpr_model_destroy(&options.model);
    return result;
}

/* Mean of a channel of the picture that the network saw. */
static double mean_of(const mexpr_image *picture, int channel)
{
    const uint8_t *pixels = mexpr_image_data(picture);
    const size_t stride = mexpr_image_stride(picture);
    const int32_t width = mexpr_image_width(picture),
                  height = mexpr_image_height(picture);
    double sum = 0;
    for (int32_t y = 0; y < height; y++) {
        for (int32_t x = 0; x < width; x++)
            sum += pixels[(size_t)y * stride + (size_t)x * 3 + (size_t)channel];
    }
    return sum / (width * height);
}

/* The logits are the means of the channels in this order. */
static void check_planes(const network *net, const int channel[3])
{
    mexpr_context *context = test_context(NULL, 1);
    mexpr_result *result = recognize(context, net, MEXPR_OK, "");
    const mexpr_image *picture = mexpr_result_picture(result);
    assert_int_equal(mexpr_image_width(picture), 5);
    assert_int_equal(mexpr_image_height(picture), 4);
    for (int32_t i = 0; i < 3; i++) {
        const double difference =
            mexpr_result_logit(result, i) - mean_of(picture, channel[i]);
        assert_true(difference < 1e-3 && difference > -1e-3);
    }
    mexpr_result_destroy(&result);
    mexpr_context_destroy(&context);
}

static void test_planes(void **state)
{
    (void)state;
    network net = good;
    check_planes(&net, (const int[]){2, 1, 0});
    net.planes = "u,v,strain";
    check_planes(&net, (const int[]){0, 1, 2});
    net.planes = "v,strain,u";
    check_planes(&net, (const int[]){1, 2, 0});
    net.dims[0] = 1;
    check_planes(&net, (const int[]){1, 2, 0});
}

/* The picture's 0..255 become the network's own range. */
static void test_range(void **state)
{
    (void)state;
    static const char *const ranges[] = {"0,255", "0,1", "-1,1"};
    static const double low[] = {0, 0, -1}, step[] = {1, 1 / 255.0, 2 / 255.0};
    mexpr_context *context = test_context(NULL, 1);
    for (int k = 0; k < 3; k++) {
        network net = good;
        net.range = ranges[k];
        mexpr_result *result = recognize(context, &net, MEXPR_OK, "");
        const double mean = mean_of(mexpr_result_picture(result), 1);
        assert_true(
            fabs(mexpr_result_logit(result, 1) - (low[k] + step[k] * mean)) < 1e-4);
        mexpr_result_destroy(&result);
    }
    mexpr_context_destroy(&context);
}

static void test_names(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    network net = good;
    mexpr_result *result = recognize(context, &net, MEXPR_OK, "");
    assert_string_equal(mexpr_result_class_name(result, 0), "class0");
    assert_string_equal(mexpr_result_class_name(result, 2), "class2");
    mexpr_result_destroy(&result);
    net.labels = "left, right, up";
    result = recognize(context, &net, MEXPR_OK, "");
    assert_string_equal(mexpr_result_class_name(result, 1), "right");
    mexpr_result_destroy(&result);
    mexpr_context_destroy(&context);
}

static void refuse(const network *net, mexpr_status expected, const char *part)
{
    mexpr_context *context = test_context(NULL, 1);
    assert_null(recognize(context, net, expected, part));
    mexpr_context_destroy(&context);
}

static void test_wrong_kind(void **state)
{
    (void)state;
    static const int wrong_dims[][5] = {
        {2, 3, 4, 5}, {-1, 1, 4, 5}, {-1, -1, 4, 5}, {-1, 3, -1, 5}, {-1, 3, 4, -1}};
    for (size_t i = 0; i < sizeof wrong_dims / sizeof wrong_dims[0]; i++) {
        network net = good;
        memcpy(net.dims, wrong_dims[i], sizeof net.dims);
        refuse(&net, MEXPR_E_SHAPE, "the network's input 'x' is not float32");
    }
    network net = good;
    net.n_dims = 5;
    net.dims[4] = 6;
    refuse(&net, MEXPR_E_SHAPE, "the network's input 'x' is not float32");
    net = good;
    net.second_input = true;
    net.second_output = true;
    refuse(&net, MEXPR_E_SHAPE, "the network has 2 inputs and 2 outputs");
    net.second_input = false;
    refuse(&net, MEXPR_E_SHAPE, "the network has 1 inputs and 2 outputs");
    net = good;
    net.ops[1] = NULL;
    net.out_dims = 4;
    refuse(&net, MEXPR_E_SHAPE, "the network's output is not float32 of N×classes");
}

static void test_wrong_metadata(void **state)
{
    (void)state;
    network net = good;
    net.labels = "a,b";
    refuse(&net, MEXPR_E_ARG, "the model's microexpr.labels: 'a,b' has 2 names");
    net = good;
    net.planes = "r,g,b";
    refuse(&net, MEXPR_E_ARG, "the model's microexpr.planes: 'r,g,b' is not an order");
    static const char *const wrong[] = {
        "", "0", "0,", "0,1,", "1,0", "0;1", "0,999999", "a,b", "0.5,1"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        net = good;
        net.range = wrong[i];
        refuse(&net, MEXPR_E_ARG, "is not two rising whole numbers");
    }
    net.range = "raw";
    refuse(&net, MEXPR_E_ARG, "does not take the u/v/strain picture");
}

/* The root of a negative mean is not a number. */
static void test_not_finite(void **state)
{
    (void)state;
    network net = good;
    net.ops[1] = "Neg";
    net.ops[2] = "Sqrt";
    net.ops[3] = "Flatten";
    refuse(&net, MEXPR_E_MODEL, "the network's output for class 'class");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_planes),
        cmocka_unit_test(test_range),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_wrong_kind),
        cmocka_unit_test(test_wrong_metadata),
        cmocka_unit_test(test_not_finite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
