/* SPDX-License-Identifier: MIT */
/* Maps of networks that are small enough to say what the map must be. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "microexpr/saliency.h"
#include "support.h"

enum { SIDE = 6, CLASSES = 3, PIXELS = SIDE * SIDE };

static mexpr_context *context;

static int set_up(void **state)
{
    (void)state;
    context = test_context(NULL, 1);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    mexpr_context_destroy(&context);
    return 0;
}

static mexpr_tensor_view view_of(int rank, const int64_t *dims, const float *data)
{
    mexpr_tensor_view view = MEXPR_TENSOR_VIEW_INIT;
    view.dtype = MEXPR_DTYPE_F32;
    view.rank = rank;
    memcpy(view.dims, dims, (size_t)rank * sizeof *dims);
    view.data = data;
    return view;
}

static void add_weights(
    mexpr_builder *b, const char *name, int rank, const int64_t *dims, const float *data)
{
    const mexpr_tensor_view view = view_of(rank, dims, data);
    assert_int_equal(
        mexpr_builder_initializer(b, name, &view, MEXPR_ROLE_PARAMETER), MEXPR_OK);
}

static void node(mexpr_builder *b, const char *op, const char *x, const char *w,
    const char *bias, const char *y)
{
    const char *in[3] = {x, w, bias};
    assert_int_equal(mexpr_builder_node(b, op, NULL, in,
                         bias ? 3
                         : w  ? 2
                              : 1,
                         &y, 1, y),
        MEXPR_OK);
}

static mexpr_builder *begin(int64_t batch, int64_t channels)
{
    mexpr_builder *b = NULL;
    const int64_t dims[4] = {batch, channels, SIDE, SIDE};
    assert_ok(context, mexpr_builder_create(context, "net", &b));
    mexpr_builder_input(b, "x", MEXPR_DTYPE_F32, 4, dims);
    return b;
}

static mexpr_model *finish(mexpr_builder *b, const char *output)
{
    mexpr_model *model = NULL;
    mexpr_builder_output(b, output);
    if (mexpr_builder_finish(b, &model) != MEXPR_OK)
        fail_msg("%s", mexpr_builder_last_error(b));
    mexpr_builder_destroy(&b);
    return model;
}

/* y = W x over all pixels of one channel. */
static mexpr_model *linear(int64_t batch, const float *weights)
{
    const int64_t w[2] = {CLASSES, PIXELS};
    mexpr_builder *b = begin(batch, 1);
    add_weights(b, "w", 2, w, weights);
    node(b, "Flatten", "x", NULL, NULL, "flat");
    mexpr_builder_int(b, "transB", 1);
    node(b, "Gemm", "flat", "w", NULL, "y");
    return finish(b, "y");
}

static mexpr_saliency *compute(mexpr_model *model, const mexpr_tensor_view *input,
    const mexpr_saliency_options *options)
{
    mexpr_saliency *saliency = NULL;
    assert_ok(
        context, mexpr_saliency_compute(context, model, input, 1, options, &saliency));
    assert_non_null(saliency);
    return saliency;
}

static float at(const mexpr_image *image, int x, int y)
{
    const uint8_t *row =
        (const uint8_t *)mexpr_image_data(image) + (size_t)y * mexpr_image_stride(image);
    return mexpr_image_format(image) == MEXPR_FORMAT_GREYF32
               ? ((const float *)(const void *)row)[x]
               : row[x];
}

/* --- occlusion --------------------------------------------------------------------- */

static float pixels[PIXELS], weights[CLASSES * PIXELS];

static void fill_linear(void)
{
    for (int i = 0; i < PIXELS; i++)
        pixels[i] = (float)(i % 7) - 2;
    for (int i = 0; i < CLASSES * PIXELS; i++)
        weights[i] = (float)((i * 5) % 11 - 5) / 16;
}

/* The fall of a linear score under a square is the sum of w (x - fill) within it. */
static double expected_heat(int x, int y, int patch, int stride, int k, double fill)
{
    double sum = 0;
    int n = 0;
    for (int top = 0;; top = top + stride < SIDE - patch ? top + stride : SIDE - patch) {
        for (int left = 0;;
             left = left + stride < SIDE - patch ? left + stride : SIDE - patch) {
            double fall = 0;
            for (int i = 0; i < patch * patch; i++) {
                const int p = (top + i / patch) * SIDE + left + i % patch;
                fall += (double)weights[k * PIXELS + p] * ((double)pixels[p] - fill);
            }
            if (x >= left && x < left + patch && y >= top && y < top + patch) {
                sum += fall > 0 ? fall : 0;
                n++;
            }
            if (left == SIDE - patch)
                break;
        }
        if (top == SIDE - patch)
            break;
    }
    return sum / n;
}

static void occlusion_of_a_linear_score(void **state)
{
    (void)state;
    static const int64_t dims[4] = {1, 1, SIDE, SIDE};
    static const struct {
        int64_t batch;
        int patch, stride, at_once;
    } cases[] = {
        {-1, 1, 1, 0}, {-1, 2, 1, 7}, {1, 3, 2, 0}, {-1, 4, 4, 256}, {-1, 6, 1, 1}};
    fill_linear();
    const mexpr_tensor_view x = view_of(4, dims, pixels);
    double mean = 0;
    for (int i = 0; i < PIXELS; i++)
        mean += (double)pixels[i] / PIXELS;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        for (int k = 0; k < CLASSES; k++) {
            mexpr_model *model = linear(cases[c].batch, weights);
            mexpr_saliency_options o = MEXPR_SALIENCY_OPTIONS_INIT;
            o.score = MEXPR_SALIENCY_SCORE_RAW;
            o.patch = cases[c].patch;
            o.stride = cases[c].stride;
            o.batch = cases[c].at_once;
            o.target = k;
            o.fill = k ? MEXPR_SALIENCY_FILL_VALUE : MEXPR_SALIENCY_FILL_MEAN;
            o.fill_value = 0.5f;
            mexpr_saliency *s = compute(model, &x, &o);
            assert_int_equal(mexpr_saliency_target(s), k);
            assert_string_equal(mexpr_saliency_layer(s), "");
            for (int i = 0; i < PIXELS; i++) {
                const double want = expected_heat(
                    i % SIDE, i / SIDE, o.patch, o.stride, k, k ? 0.5 : mean);
                const double got = (double)at(mexpr_saliency_map(s), i % SIDE, i / SIDE);
                if (fabs(want - got) > 1e-5)
                    fail_msg(
                        "case %zu, class %d, pixel %d: %g, not %g", c, k, i, got, want);
            }
            mexpr_saliency_destroy(&s);
            mexpr_model_destroy(&model);
        }
    }
}

/* One pixel makes the decision: covering it, and nothing else, turns it round. */
static void flips_where_the_decision_lies(void **state)
{
    (void)state;
    static const int64_t dims[4] = {1, 1, SIDE, SIDE};
    static float x[PIXELS], w[CLASSES * PIXELS];
    memset(w, 0, sizeof w);
    x[2 * SIDE + 3] = 4;
    w[PIXELS + 2 * SIDE + 3] = 1; /* class 1 */
    for (int i = 0; i < PIXELS; i++)
        w[2 * PIXELS + i] = 0.01f;
    const mexpr_tensor_view input = view_of(4, dims, x);
    mexpr_model *model = linear(-1, w);
    mexpr_saliency_options o = MEXPR_SALIENCY_OPTIONS_INIT;
    o.fill = MEXPR_SALIENCY_FILL_VALUE;
    o.fill_value = 0;
    o.patch = o.stride = 2;
    mexpr_saliency *s = compute(model, &input, &o);
    assert_int_equal(mexpr_saliency_target(s), 1);
    for (int i = 0; i < PIXELS; i++) {
        const int px = i % SIDE, py = i / SIDE;
        const bool inside = px >= 2 && px < 4 && py >= 2 && py < 4;
        assert_true(at(mexpr_saliency_flips(s), px, py) == (inside ? 255 : 0));
        assert_true((at(mexpr_saliency_map(s), px, py) > 0.5f) == inside);
    }
    mexpr_saliency_destroy(&s);
    mexpr_model_destroy(&model);
}

/* --- class activation maps --------------------------------------------------------- */

/* "both": x, and behind it its mirror image. */
static void add_mirror(mexpr_builder *b)
{
    static const int64_t values[4] = {-1, INT64_MIN, 3, -1};
    static const char *const names[4] = {"from", "to", "axis", "step"};
    const char *ins[5] = {"x", "from", "to", "axis", "step"}, *turned = "turned";
    const char *pair[2] = {"x", "turned"}, *both = "both";
    mexpr_tensor_view view = MEXPR_TENSOR_VIEW_INIT;
    view.dtype = MEXPR_DTYPE_I64;
    view.rank = 1;
    view.dims[0] = 1;
    for (int k = 0; k < 4; k++) {
        view.data = &values[k];
        mexpr_builder_initializer(b, names[k], &view, MEXPR_ROLE_CONSTANT);
    }
    mexpr_builder_node(b, "Slice", NULL, ins, 5, &turned, 1, turned);
    mexpr_builder_int(b, "axis", 0);
    mexpr_builder_node(b, "Concat", NULL, pair, 2, &both, 1, both);
}

/* Two feature maps by a 1×1 convolution, the mean of each, a linear layer: the map is
 * max(0, Σ w_k A_k / n), with w_k those of the linear layer. */
static mexpr_model *pooled(bool mirrored)
{
    static const int64_t conv[4] = {2, 1, 1, 1}, bias[1] = {2}, fc[2] = {CLASSES, 2};
    static const float conv_w[2] = {1, -1}, conv_b[2] = {0, 1},
                       fc_w[CLASSES * 2] = {2, 1, -1, 3, 0.5f, -0.25f};
    mexpr_builder *b = begin(-1, 1);
    add_weights(b, "conv.w", 4, conv, conv_w);
    add_weights(b, "conv.b", 1, bias, conv_b);
    add_weights(b, "fc.w", 2, fc, fc_w);
    if (mirrored)
        add_mirror(b);
    node(b, "Conv", mirrored ? "both" : "x", "conv.w", "conv.b", "conv");
    node(b, "Relu", "conv", NULL, NULL, "features");
    node(b, "GlobalAveragePool", "features", NULL, NULL, "pooled");
    node(b, "Flatten", "pooled", NULL, NULL, "flat");
    mexpr_builder_int(b, "transB", 1);
    node(b, "Gemm", "flat", "fc.w", NULL, "y");
    if (!mirrored)
        return finish(b, "y");
    mexpr_builder_metadata(b, "microexpr.normalisation", "flow");
    const int64_t axis = 0;
    mexpr_builder_ints(b, "axes", &axis, 1);
    node(b, "ReduceMean", "y", NULL, NULL, "mean");
    return finish(b, "mean");
}

static void check_pooled_head(bool mirrored)
{
    static const double fc[CLASSES][2] = {{2, 1}, {-1, 3}, {0.5, -0.25}};
    static const int64_t dims[4] = {1, 1, SIDE, SIDE};
    fill_linear();
    const mexpr_tensor_view x = view_of(4, dims, pixels);
    mexpr_model *model = pooled(mirrored);
    const double share = mirrored ? 0.5 : 1; /* of a channel in each of the samples */
    double sums[2] = {0, 0};
    for (int i = 0; i < PIXELS; i++) {
        sums[0] += fmax(0, (double)pixels[i]);
        sums[1] += fmax(0, 1 - (double)pixels[i]);
    }
    for (int method = MEXPR_SALIENCY_GRAD_CAM; method <= MEXPR_SALIENCY_ABLATION_CAM;
         method++) {
        for (int k = 0; k < CLASSES; k++) {
            mexpr_saliency_options o = MEXPR_SALIENCY_OPTIONS_INIT;
            o.method = method;
            o.target = k;
            o.batch = k + 1;
            mexpr_saliency *s = compute(model, &x, &o);
            assert_string_equal(mexpr_saliency_layer(s), "features");
            assert_null(mexpr_saliency_flips(s));
            for (int i = 0; i < PIXELS; i++) {
                const double a[2] = {
                    fmax(0, (double)pixels[i]), fmax(0, 1 - (double)pixels[i])};
                double want = 0;
                for (int c = 0; c < 2; c++)
                    want += fc[k][c] * a[c] / PIXELS *
                            (method == MEXPR_SALIENCY_GRAD_CAM ? share : sums[c]);
                const double got = (double)at(mexpr_saliency_map(s), i % SIDE, i / SIDE);
                if (fabs(fmax(0, want) - got) > 1e-4 * fmax(1, fabs(want)))
                    fail_msg("method %d, class %d, pixel %d: %g, not %g", method, k, i,
                        got, want);
            }
            mexpr_saliency_destroy(&s);
        }
    }
    mexpr_model_destroy(&model);
}

static void maps_of_a_pooled_head(void **state)
{
    (void)state;
    check_pooled_head(false);
}

/* Of a network that looks at the mirror image too, both are taken, that one turned back.
 */
static void maps_of_a_mirrored_network(void **state)
{
    (void)state;
    check_pooled_head(true);
}

/* The layer may be named, by its tensor or its node, and lie anywhere. */
static void named_layers(void **state)
{
    (void)state;
    static const int64_t dims[4] = {1, 1, SIDE, SIDE};
    fill_linear();
    const mexpr_tensor_view x = view_of(4, dims, pixels);
    mexpr_model *model = pooled(false);
    mexpr_saliency_options o = MEXPR_SALIENCY_OPTIONS_INIT;
    mexpr_saliency *s = NULL;
    o.method = MEXPR_SALIENCY_GRAD_CAM;
    o.layer = "conv";
    s = compute(model, &x, &o);
    assert_string_equal(mexpr_saliency_layer(s), "conv");
    mexpr_saliency_destroy(&s);
    static const struct {
        const char *layer;
        mexpr_status status;
        const char *sentence;
    } refused[] = {
        {"nothing", MEXPR_E_NOT_FOUND, "no tensor and no node called 'nothing'"},
        {"flat", MEXPR_E_SHAPE, "no feature map"},
    };
    for (int i = 0; i < 2; i++) {
        o.layer = refused[i].layer;
        assert_failure(context, mexpr_saliency_compute(context, model, &x, 1, &o, &s),
            refused[i].status, refused[i].sentence);
        assert_null(s);
    }
    mexpr_model_destroy(&model);
    model = linear(-1, weights);
    o.layer = NULL;
    assert_failure(context, mexpr_saliency_compute(context, model, &x, 1, &o, &s),
        MEXPR_E_SHAPE, "no convolution");
    mexpr_model_destroy(&model);
}

/* --- what is refused --------------------------------------------------------------- */

static int32_t stop(void *user, uint64_t done, uint64_t total)
{
    int *calls = user;
    assert_true(done > 0 && done <= total);
    return ++*calls == 2;
}

static void refusals(void **state)
{
    (void)state;
    static const int64_t dims[4] = {1, 1, SIDE, SIDE}, two[4] = {2, 1, SIDE, SIDE};
    static float double_size[2 * PIXELS];
    fill_linear();
    mexpr_model *model = linear(-1, weights);
    mexpr_saliency *s = NULL;
    const mexpr_tensor_view x = view_of(4, dims, pixels),
                            pair = view_of(4, two, double_size);
    static const struct {
        int32_t method, target, input, output, patch, stride, fill, score, batch;
        const char *sentence;
    } cases[] = {
        {9, -1, 0, 0, 0, 0, 0, 0, 0, "method 9"},
        {0, 3, 0, 0, 0, 0, 0, 0, 0, "no class 3: the network has 3"},
        {0, -2, 0, 0, 0, 0, 0, 0, 0, "no class -2"},
        {0, -1, 1, 0, 0, 0, 0, 0, 0, "no input 1: the network has 1"},
        {0, -1, 0, -1, 0, 0, 0, 0, 0, "no output -1"},
        {0, -1, 0, 0, 7, 0, 0, 0, 0, "squares of 7 px do not fit into a picture of 6×6"},
        {0, -1, 0, 0, -1, 0, 0, 0, 0, "squares of -1 px"},
        {0, -1, 0, 0, 2, 3, 0, 0, 0, "a stride of 3 px"},
        {0, -1, 0, 0, 0, 0, 3, 0, 0, "fill 3"},
        {0, -1, 0, 0, 0, 0, 0, 3, 0, "score 3"},
        {0, -1, 0, 0, 0, 0, 0, 0, 257, "batch 257"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mexpr_saliency_options o = MEXPR_SALIENCY_OPTIONS_INIT;
        o.method = cases[i].method;
        o.target = cases[i].target;
        o.input = cases[i].input;
        o.output = cases[i].output;
        o.patch = cases[i].patch;
        o.stride = cases[i].stride;
        o.fill = cases[i].fill;
        o.score = cases[i].score;
        o.batch = cases[i].batch;
        assert_failure(context, mexpr_saliency_compute(context, model, &x, 1, &o, &s),
            MEXPR_E_RANGE, cases[i].sentence);
        assert_null(s);
    }
    assert_failure(context, mexpr_saliency_compute(context, model, &pair, 1, NULL, &s),
        MEXPR_E_SHAPE, "1×channels×height×width");
    int calls = 0;
    mexpr_saliency_options o = MEXPR_SALIENCY_OPTIONS_INIT;
    o.patch = o.stride = o.batch = 1;
    o.progress = stop;
    o.user = &calls;
    assert_failure(context, mexpr_saliency_compute(context, model, &x, 1, &o, &s),
        MEXPR_E_CANCELLED, "cancelled after 2 of 36");
    pixels[3] = NAN;
    assert_failure(context, mexpr_saliency_compute(context, model, &x, 1, NULL, &s),
        MEXPR_E_MODEL, "not a finite number");
    mexpr_model_destroy(&model);
}

/* --- pictures ---------------------------------------------------------------------- */

static void colours(void **state)
{
    (void)state;
    static const float values[5] = {0, 1, 2, 3, 4};
    static const uint8_t want[5][3] = {
        {0, 0, 128}, {0, 128, 255}, {128, 255, 128}, {255, 128, 0}, {128, 0, 0}};
    mexpr_image *map = NULL, *picture = NULL, *grey = NULL;
    assert_ok(context, mexpr_image_create(context, MEXPR_FORMAT_GREYF32, 5, 1, &map));
    memcpy(mexpr_image_pixels(map), values, sizeof values);
    assert_ok(context, mexpr_saliency_picture(context, map, NULL, 0, &picture));
    assert_int_equal(mexpr_image_format(picture), MEXPR_FORMAT_RGB8);
    assert_memory_equal(mexpr_image_data(picture), want, sizeof want);
    mexpr_image_destroy(&picture);
    assert_ok(context, mexpr_image_create(context, MEXPR_FORMAT_GREY8, 5, 1, &grey));
    memset(mexpr_image_pixels(grey), 100, 5);
    assert_ok(context, mexpr_saliency_picture(context, map, grey, 0.5, &picture));
    const uint8_t *rgb = mexpr_image_data(picture);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(rgb[i], 100); /* nothing there: the face */
        assert_int_equal(rgb[12 + i], (100 + want[4][i]) / 2);
    }
    mexpr_image_destroy(&picture);
    assert_failure(context, mexpr_saliency_picture(context, map, grey, 1.5, &picture),
        MEXPR_E_RANGE, "opacity of 1.5");
    mexpr_image_destroy(&grey);
    mexpr_image_destroy(&map);
}

/* --- parts of models --------------------------------------------------------------- */

static mexpr_status extract(
    mexpr_model *model, const char *in, const char *out, mexpr_model **part)
{
    return mexpr_model_extract(context, model, &in, 1, &out, 1, part);
}

static void run_model(mexpr_model *model, const char *name, const mexpr_tensor_view *in,
    mexpr_session **session, mexpr_tensor_view *out)
{
    assert_int_equal(mexpr_session_create(model, session), MEXPR_OK);
    assert_int_equal(mexpr_session_set_input(*session, name, in), MEXPR_OK);
    assert_int_equal(mexpr_session_run(*session), MEXPR_OK);
    *out = (mexpr_tensor_view)MEXPR_TENSOR_VIEW_INIT;
    assert_int_equal(mexpr_session_output(*session, NULL, out), MEXPR_OK);
}

/* Two halves give what the whole gives, also when the whole is gone, and when they are
 * written and read. */
static void halves(void **state)
{
    (void)state;
    static const int64_t dims[4] = {1, 1, SIDE, SIDE};
    fill_linear();
    const mexpr_tensor_view x = view_of(4, dims, pixels);
    mexpr_model *model = pooled(false), *front = NULL, *back = NULL, *copy = NULL;
    mexpr_session *sessions[4] = {NULL};
    mexpr_tensor_view want, features, got, again;
    assert_ok(context, extract(model, "x", "features", &front));
    assert_ok(context, extract(model, "features", "y", &back));
    assert_int_equal(mexpr_model_n_parameters(front), 4);
    assert_int_equal(mexpr_model_n_trainable(back), 6);
    run_model(model, "x", &x, &sessions[0], &want);
    assert_failure(context, extract(model, "features", "nothing", &copy),
        MEXPR_E_NOT_FOUND, "no tensor 'nothing'");
    assert_failure(context, extract(model, "pooled", "features", &copy), MEXPR_E_MODEL,
        "need the model's input 'x'");
    mexpr_model_destroy(&model);
    run_model(front, "x", &x, &sessions[1], &features);
    run_model(back, "features", &features, &sessions[2], &got);
    assert_memory_equal(got.data, want.data, CLASSES * sizeof(float));
    void *bytes = NULL;
    size_t size = 0;
    assert_ok(context, mexpr_model_encode(context, back, &bytes, &size));
    assert_ok(context, mexpr_model_load_memory(context, bytes, size, &copy));
    run_model(copy, "features", &features, &sessions[3], &again);
    assert_memory_equal(again.data, want.data, CLASSES * sizeof(float));
    mexpr_bytes_free(context, &bytes);
    for (int i = 0; i < 4; i++)
        mexpr_session_destroy(&sessions[i]);
    mexpr_model_destroy(&copy);
    mexpr_model_destroy(&front);
    mexpr_model_destroy(&back);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(occlusion_of_a_linear_score),
        TEST(flips_where_the_decision_lies),
        TEST(maps_of_a_pooled_head),
        TEST(maps_of_a_mirrored_network),
        TEST(named_layers),
        TEST(refusals),
        TEST(colours),
        TEST(halves),
    };
    return cmocka_run_group_tests_name("saliency", tests, NULL, NULL);
}
