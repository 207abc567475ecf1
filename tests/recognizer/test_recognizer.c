/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "microexpr/recognizer.h"
#include "recognizer/class_names.h"
#include "recognizer/default_model.h"
#include "recognizer/result.h"
#include "face_render.h"

/* --- frames ------------------------------------------------------------------------ */

/* Two frames of one person, who smiles in the second. */
typedef struct pair {
    mexpr_image *onset;
    mexpr_image *apex;
} pair;

static mexpr_image *draw(
    mexpr_context *context, const struct face_clip_options *clip, int frame)
{
    mexpr_image *image = NULL;
    assert_ok(context, mexpr_image_create(context, MEXPR_FORMAT_GREY8, clip->width,
                           clip->height, &image));
    face_clip_frame(
        clip, frame, mexpr_image_pixels(image), (int)mexpr_image_stride(image));
    return image;
}

static pair draw_pair(mexpr_context *context, int width, int height)
{
    struct face_clip_options clip = face_clip_defaults(3);
    face_clip_resize(&clip, width, height);
    assert_true(face_clip_add_action(&clip, 12, FACE_BOTH, 1.0));
    return (pair){draw(context, &clip, clip.onset), draw(context, &clip, clip.apex)};
}

static void drop_pair(pair *frames)
{
    mexpr_image_destroy(&frames->onset);
    mexpr_image_destroy(&frames->apex);
}

/* A recognizer with the options (NULL: defaults), set to be quick. */
static mexpr_recognizer *make(
    mexpr_context *context, const mexpr_recognizer_options *options)
{
    mexpr_recognizer *recognizer = NULL;
    assert_ok(context, mexpr_recognizer_create(context, options, &recognizer));
    mexpr_flow *flow = mexpr_recognizer_flow(recognizer);
    assert_int_equal(mexpr_flow_set(flow, MEXPR_FLOW_WARPS, 2), MEXPR_OK);
    return recognizer;
}

static mexpr_result *run(mexpr_recognizer *recognizer, const mexpr_image *onset,
    const mexpr_image *apex, const mexpr_box *face)
{
    mexpr_result *result = NULL;
    const mexpr_status status =
        mexpr_recognizer_run(recognizer, onset, apex, face, &result);
    if (status != MEXPR_OK)
        fail_msg(
            "%s: %s", mexpr_status_name(status), mexpr_recognizer_last_error(recognizer));
    assert_non_null(result);
    return result;
}

static void assert_same_logits(const mexpr_result *a, const mexpr_result *b)
{
    assert_int_equal(mexpr_result_n_classes(a), mexpr_result_n_classes(b));
    for (int32_t i = 0; i < mexpr_result_n_classes(a); i++)
        assert_true(mexpr_result_logit(a, i) == mexpr_result_logit(b, i));
}

/* --- answers ----------------------------------------------------------------------- */

static void check_result(const mexpr_result *result, int32_t width, int32_t height)
{
    double sum = 0;
    int32_t best = 0;
    for (int32_t i = 0; i < mexpr_result_n_classes(result); i++) {
        sum += mexpr_result_score(result, i);
        if (mexpr_result_logit(result, i) > mexpr_result_logit(result, best))
            best = i;
    }
    assert_true(fabs(sum - 1) < 1e-12);
    assert_int_equal(mexpr_result_class(result), best);
    assert_ptr_equal(mexpr_result_label(result), mexpr_result_class_name(result, best));
    assert_int_equal(mexpr_field_width(mexpr_result_field(result)), width);
    assert_int_equal(mexpr_field_height(mexpr_result_field(result)), height);
    const mexpr_image *picture = mexpr_result_picture(result);
    assert_int_equal(mexpr_image_format(picture), MEXPR_FORMAT_RGB8);
    assert_int_equal(mexpr_image_width(picture), 28);
    assert_int_equal(mexpr_image_height(picture), 28);
}

static void test_default_network(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    pair frames = draw_pair(context, 70, 85);
    mexpr_recognizer *recognizer = make(context, NULL);
    mexpr_result *result = run(recognizer, frames.onset, frames.apex, NULL);
    assert_int_equal(mexpr_result_n_classes(result), 3);
    assert_string_equal(mexpr_result_class_name(result, 0), "negative");
    assert_string_equal(mexpr_result_class_name(result, 1), "positive");
    assert_string_equal(mexpr_result_class_name(result, 2), "surprise");
    check_result(result, 70, 85);
    for (int stage = MEXPR_STAGE_PREPARE; stage <= MEXPR_STAGE_MODEL; stage++)
        assert_true(mexpr_result_milliseconds(result, (mexpr_stage)stage) >= 0);
    assert_true(mexpr_result_milliseconds(result, MEXPR_STAGE_FLOW) > 0);
    mexpr_result_destroy(&result);
    assert_null(result);
    mexpr_recognizer_destroy(&recognizer);
    assert_null(recognizer);
    drop_pair(&frames);
    mexpr_context_destroy(&context);
}

/* The answer is that of the model run by hand on the picture that the result shows. */
static void test_answer_is_the_models(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    pair frames = draw_pair(context, 70, 85);
    mexpr_model *model = NULL;
    mexpr_session *session = NULL;
    assert_ok(context, mexpr_model_load_memory(
                           context, mx_default_model, mx_default_model_size, &model));
    assert_int_equal(mexpr_session_create(model, &session), MEXPR_OK);
    mexpr_recognizer_options options = MEXPR_RECOGNIZER_OPTIONS_INIT;
    options.model = model;
    options.planes = "v,strain,u";
    mexpr_recognizer *recognizer = make(context, &options);
    mexpr_model_destroy(&model); /* the recognizer keeps it */
    mexpr_result *result = run(recognizer, frames.onset, frames.apex, NULL);

    static float input[3][28 * 28];
    static const int channel[3] = {1, 2, 0};
    const mexpr_image *picture = mexpr_result_picture(result);
    const uint8_t *pixels = mexpr_image_data(picture);
    assert_int_equal(mexpr_image_stride(picture), 28 * 3);
    for (int p = 0; p < 3; p++) {
        for (int i = 0; i < 28 * 28; i++)
            input[p][i] = pixels[3 * i + channel[p]];
    }
    mexpr_tensor_view view = MEXPR_TENSOR_VIEW_INIT;
    view.dtype = MEXPR_DTYPE_F32;
    view.rank = 4;
    view.dims[0] = 1;
    view.dims[1] = 3;
    view.dims[2] = view.dims[3] = 28;
    view.data = input;
    assert_int_equal(mexpr_session_set_input(session, NULL, &view), MEXPR_OK);
    assert_int_equal(mexpr_session_run(session), MEXPR_OK);
    assert_int_equal(mexpr_session_output(session, NULL, &view), MEXPR_OK);
    double sum = 0;
    for (int i = 0; i < 3; i++) {
        assert_true(
            mexpr_result_logit(result, i) == (double)((const float *)view.data)[i]);
        sum += exp(mexpr_result_logit(result, i));
    }
    for (int i = 0; i < 3; i++)
        assert_true(fabs(mexpr_result_score(result, i) -
                         exp(mexpr_result_logit(result, i)) / sum) < 1e-12);

    mexpr_session_destroy(&session);
    mexpr_result_destroy(&result);
    mexpr_recognizer_destroy(&recognizer);
    drop_pair(&frames);
    mexpr_context_destroy(&context);
}

/* The network that ships gives what onnxruntime says of its file, and says what it is. */
static void test_network_that_ships(void **state)
{
    (void)state;
    static const char *const notes[][2] = {{"microexpr.planes", "u,v,strain"},
        {"microexpr.labels", "negative,positive,surprise"},
        {"microexpr.crop", "140,170,0.54,0.285"}, {"microexpr.use", "research only"},
        {"microexpr.card", "docs/models/flow_fusion.md"}};
    static const double expected[3] = {-0.44217235, -2.0326607, -1.485564};
    static float picture[3 * 28 * 28];
    mexpr_context *context = test_context(NULL, 1);
    mexpr_tensor_view view = MEXPR_TENSOR_VIEW_INIT;
    mexpr_model *model = NULL;
    mexpr_session *session = NULL;
    assert_ok(context, mexpr_model_load_memory(
                           context, mx_default_model, mx_default_model_size, &model));
    for (int k = 0; k < 5; k++)
        assert_string_equal(mexpr_model_metadata(model, notes[k][0]), notes[k][1]);
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < 28 * 28; i++)
            picture[c * 28 * 28 + i] = (float)((i * i * (c + 2) + i * 37) % 251);
    view.dtype = MEXPR_DTYPE_F32;
    view.rank = 4;
    view.dims[0] = 1;
    view.dims[1] = 3;
    view.dims[2] = view.dims[3] = 28;
    view.data = picture;
    assert_int_equal(mexpr_session_create(model, &session), MEXPR_OK);
    assert_int_equal(mexpr_session_set_input(session, NULL, &view), MEXPR_OK);
    assert_int_equal(mexpr_session_run(session), MEXPR_OK);
    assert_int_equal(mexpr_session_output(session, NULL, &view), MEXPR_OK);
    for (int k = 0; k < 3; k++)
        assert_true(fabs((double)((const float *)view.data)[k] - expected[k]) < 1e-4);
    mexpr_session_destroy(&session);
    mexpr_model_destroy(&model);
    mexpr_context_destroy(&context);
}

static void test_no_movement(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    pair frames = draw_pair(context, 40, 40);
    mexpr_recognizer *recognizer = make(context, NULL);
    mexpr_image *flat = NULL;
    assert_ok(context, mexpr_image_create(context, MEXPR_FORMAT_GREY8, 40, 40, &flat));
    const mexpr_image *still[] = {frames.onset, flat};
    for (int k = 0; k < 2; k++) {
        mexpr_result *result = run(recognizer, still[k], still[k], NULL);
        const mexpr_field *field = mexpr_result_field(result);
        for (int i = 0; i < 40 * 40; i++) {
            assert_true(mexpr_field_u(field)[i] == 0);
            assert_true(mexpr_field_v(field)[i] == 0);
        }
        check_result(result, 40, 40);
        mexpr_result_destroy(&result);
    }
    mexpr_image_destroy(&flat);
    mexpr_recognizer_destroy(&recognizer);
    drop_pair(&frames);
    mexpr_context_destroy(&context);
}

static mexpr_image *crop(
    mexpr_context *context, const mexpr_image *image, const mexpr_box *box)
{
    mexpr_image *out = NULL;
    assert_ok(context,
        mexpr_image_crop(context, image, box->x, box->y, box->width, box->height, &out));
    return out;
}

/* A face box gives what cropped frames give, in every format. */
static void test_face_box(void **state)
{
    (void)state;
    static const mexpr_format formats[] = {MEXPR_FORMAT_GREY8, MEXPR_FORMAT_RGB8,
        MEXPR_FORMAT_BGR8, MEXPR_FORMAT_RGBA8, MEXPR_FORMAT_GREY16, MEXPR_FORMAT_GREYF32};
    static const mexpr_box box = {9, 13, 50, 61};
    mexpr_context *context = test_context(NULL, 1);
    pair frames = draw_pair(context, 70, 85);
    pair cropped = {crop(context, frames.onset, &box), crop(context, frames.apex, &box)};
    mexpr_recognizer *recognizer = make(context, NULL);
    mexpr_result *expected = run(recognizer, cropped.onset, cropped.apex, NULL);
    check_result(expected, 50, 61);
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        pair converted = {NULL, NULL};
        assert_ok(context,
            mexpr_image_convert(context, frames.onset, formats[i], &converted.onset));
        assert_ok(context,
            mexpr_image_convert(context, frames.apex, formats[i], &converted.apex));
        mexpr_result *result = run(recognizer, converted.onset, converted.apex, &box);
        assert_same_logits(expected, result);
        mexpr_result_destroy(&result);
        drop_pair(&converted);
    }
    const mexpr_box whole = {0, 0, 70, 85};
    mexpr_result *boxed = run(recognizer, frames.onset, frames.apex, &whole);
    mexpr_result *plain = run(recognizer, frames.onset, frames.apex, NULL);
    assert_same_logits(boxed, plain);
    mexpr_result_destroy(&plain);
    mexpr_result_destroy(&boxed);
    mexpr_result_destroy(&expected);
    mexpr_recognizer_destroy(&recognizer);
    drop_pair(&cropped);
    drop_pair(&frames);
    mexpr_context_destroy(&context);
}

static void test_threads_change_nothing(void **state)
{
    (void)state;
    mexpr_result *results[2] = {NULL, NULL};
    for (int k = 0; k < 2; k++) {
        mexpr_context *context = test_context(NULL, k + 1);
        pair frames = draw_pair(context, 70, 85);
        mexpr_recognizer *recognizer = make(context, NULL);
        results[k] = run(recognizer, frames.onset, frames.apex, NULL);
        drop_pair(&frames);
        mexpr_recognizer_destroy(&recognizer);
        mexpr_context_destroy(&context);
    }
    /* The results outlive recognizer and context. */
    check_result(results[0], 70, 85);
    assert_same_logits(results[0], results[1]);
    mexpr_result_destroy(&results[1]);
    mexpr_result_destroy(&results[0]);
}

typedef struct worker {
    mexpr_recognizer *recognizer;
    const pair *frames;
    mexpr_status status;
    mexpr_result *result;
} worker;

static void *work(void *arg)
{
    worker *w = arg;
    for (int i = 0; i < 3 && w->status == MEXPR_OK; i++) {
        mexpr_result_destroy(&w->result);
        w->status = mexpr_recognizer_run(
            w->recognizer, w->frames->onset, w->frames->apex, NULL, &w->result);
    }
    return NULL;
}

/* Recognizers in threads of their own share context, model and frames. */
static void test_recognizers_side_by_side(void **state)
{
    (void)state;
    enum { N = 3 };
    worker workers[N];
    pthread_t threads[N];
    mexpr_context *context = test_context(NULL, 2);
    pair frames = draw_pair(context, 70, 85);
    mexpr_recognizer_options options = MEXPR_RECOGNIZER_OPTIONS_INIT;
    assert_ok(context, mexpr_model_load_memory(context, mx_default_model,
                           mx_default_model_size, &options.model));
    for (int i = 0; i < N; i++)
        workers[i] = (worker){make(context, &options), &frames, MEXPR_OK, NULL};
    for (int i = 0; i < N; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    for (int i = 0; i < N; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (int i = 0; i < N; i++) {
        assert_int_equal(workers[i].status, MEXPR_OK);
        assert_same_logits(workers[0].result, workers[i].result);
    }
    for (int i = 0; i < N; i++) {
        mexpr_result_destroy(&workers[i].result);
        mexpr_recognizer_destroy(&workers[i].recognizer);
    }
    mexpr_model_destroy(&options.model);
    drop_pair(&frames);
    mexpr_context_destroy(&context);
}

static void test_options_change_the_answer(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    pair frames = draw_pair(context, 70, 85);
    mexpr_recognizer *standard = make(context, NULL);
    mexpr_result *first = run(standard, frames.onset, frames.apex, NULL);

    mexpr_recognizer_options options = MEXPR_RECOGNIZER_OPTIONS_INIT;
    options.planes = " u , v,\tstrain "; /* what the metadata of the network says */
    options.labels = " a ,b c, d";
    options.strain = MEXPR_STRAIN_FROBENIUS;
    mexpr_recognizer *named = make(context, &options);
    mexpr_result *second = run(named, frames.onset, frames.apex, NULL);
    assert_same_logits(first, second);
    assert_string_equal(mexpr_result_class_name(second, 0), "a");
    assert_string_equal(mexpr_result_class_name(second, 1), "b c");
    assert_string_equal(mexpr_result_class_name(second, 2), "d");

    options.planes = "strain,v,u";
    options.labels = NULL;
    mexpr_recognizer *turned = make(context, &options);
    mexpr_result *third = run(turned, frames.onset, frames.apex, NULL);
    assert_true(mexpr_result_logit(first, 0) != mexpr_result_logit(third, 0));

    mexpr_result_destroy(&third);
    mexpr_result_destroy(&second);
    mexpr_result_destroy(&first);
    mexpr_recognizer_destroy(&turned);
    mexpr_recognizer_destroy(&named);
    mexpr_recognizer_destroy(&standard);
    drop_pair(&frames);
    mexpr_context_destroy(&context);
}

/* A warm run allocates what the result needs, always the same, and keeps nothing. */
static void test_warm_runs(void **state)
{
    (void)state;
    test_heap heap;
    test_heap_init(&heap);
    mexpr_context *context = test_context(&heap, 1);
    pair frames = draw_pair(context, 70, 85);
    mexpr_recognizer *recognizer = make(context, NULL);
    long allocs[3], bytes[3];
    for (int k = 0; k < 3; k++) {
        const long before = heap.n_allocs;
        mexpr_result *result = run(recognizer, frames.onset, frames.apex, NULL);
        allocs[k] = heap.n_allocs - before;
        mexpr_result_destroy(&result);
        bytes[k] = heap.live_bytes;
    }
    assert_int_equal(allocs[1], allocs[2]);
    assert_true(allocs[1] < allocs[0]);
    assert_int_equal(allocs[1], 5); /* result, names, scores, field, picture */
    assert_int_equal(bytes[0], bytes[1]);
    assert_int_equal(bytes[1], bytes[2]);
    mexpr_recognizer_destroy(&recognizer);
    drop_pair(&frames);
    mexpr_context_destroy(&context);
    assert_int_equal(heap.live_blocks, 0);
}

/* --- refusals ---------------------------------------------------------------------- */

static void refuse(mexpr_context *context, const mexpr_recognizer_options *options,
    mexpr_status expected, const char *part)
{
    mexpr_recognizer *recognizer = (mexpr_recognizer *)&recognizer;
    assert_failure(
        context, mexpr_recognizer_create(context, options, &recognizer), expected, part);
    assert_null(recognizer);
}

static void test_refused_options(void **state)
{
    (void)state;
    static const struct {
        const char *labels;
        const char *planes;
        int32_t strain;
        const char *part;
    } cases[] = {
        {"a,b", NULL, 0, "has 2 names, but the network has 3 classes"},
        {"a,b,c,d", NULL, 0, "has 4 names"},
        {"", NULL, 0, "has 1 name,"},
        {"a,,c", NULL, 0, "the name of class 1 is empty"},
        {"a,b, \t", NULL, 0, "the name of class 2 is empty"},
        {"a,b, a", NULL, 0, "'a' names two classes"},
        {NULL, "u,v", 0, "'u,v' is not an order"},
        {NULL, "u,v,u", 0, "'u,v,u' is not an order"},
        {NULL, "u,v,strains", 0, "is not an order"},
        {NULL, "u,v,", 0, "is not an order"},
        {NULL, "", 0, "is not an order"},
        {NULL, "u,v,strain,u", 0, "is not an order"},
        {NULL, NULL, 4, "strain 4"},
        {NULL, NULL, -1, "strain -1"},
    };
    mexpr_context *context = test_context(NULL, 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mexpr_recognizer_options options = MEXPR_RECOGNIZER_OPTIONS_INIT;
        options.labels = cases[i].labels;
        options.planes = cases[i].planes;
        options.strain = cases[i].strain;
        refuse(context, &options, MEXPR_E_ARG, cases[i].part);
    }
    mexpr_recognizer_options options = MEXPR_RECOGNIZER_OPTIONS_INIT;
    options.struct_size = 3;
    refuse(context, &options, MEXPR_E_ABI, "struct_size 3");
    assert_failure(
        context, mexpr_recognizer_create(context, NULL, NULL), MEXPR_E_ARG, "NULL");
    mexpr_recognizer *recognizer = (mexpr_recognizer *)&options;
    assert_int_equal(mexpr_recognizer_create(NULL, NULL, &recognizer), MEXPR_E_ARG);
    assert_null(recognizer);
    mexpr_context_destroy(&context);
}

static void refuse_run(mexpr_recognizer *recognizer, const mexpr_image *onset,
    const mexpr_image *apex, const mexpr_box *face, mexpr_status expected,
    const char *part)
{
    mexpr_result *result = (mexpr_result *)&result;
    const mexpr_status status =
        mexpr_recognizer_run(recognizer, onset, apex, face, &result);
    const char *sentence = mexpr_recognizer_last_error(recognizer);
    if (status != expected || !strstr(sentence, part))
        fail_msg("gave %s: %s", mexpr_status_name(status), sentence);
    assert_null(result);
}

static void test_refused_frames(void **state)
{
    (void)state;
    static const mexpr_box boxes[] = {{-1, 0, 10, 10}, {0, -1, 10, 10}, {0, 0, 0, 10},
        {0, 0, 10, 0}, {0, 0, -5, 10}, {1, 0, 40, 50}, {0, 1, 40, 50}, {40, 0, 1, 1},
        {INT32_MAX, 0, INT32_MAX, 1}, {0, 0, INT32_MAX, INT32_MAX}};
    mexpr_context *context = test_context(NULL, 1);
    pair frames = draw_pair(context, 40, 50);
    pair others = draw_pair(context, 41, 50);
    mexpr_recognizer *recognizer = make(context, NULL);
    refuse_run(
        recognizer, NULL, frames.apex, NULL, MEXPR_E_ARG, "the onset frame is NULL");
    refuse_run(
        recognizer, frames.onset, NULL, NULL, MEXPR_E_ARG, "the apex frame is NULL");
    refuse_run(recognizer, frames.onset, others.apex, NULL, MEXPR_E_SHAPE,
        "the onset frame has 40×50 pixels, the apex frame 41×50");
    for (size_t i = 0; i < sizeof boxes / sizeof boxes[0]; i++)
        refuse_run(recognizer, frames.onset, frames.apex, &boxes[i], MEXPR_E_RANGE,
            "is not inside the frames of 40×50");
    mexpr_image *floats = NULL;
    assert_ok(context,
        mexpr_image_convert(context, frames.onset, MEXPR_FORMAT_GREYF32, &floats));
    *(float *)mexpr_image_pixels(floats) = NAN;
    refuse_run(recognizer, floats, frames.apex, NULL, MEXPR_E_FORMAT, "");
    assert_true(strlen(mexpr_recognizer_last_error(recognizer)) > 0);
    assert_int_equal(
        mexpr_recognizer_run(recognizer, frames.onset, frames.apex, NULL, NULL),
        MEXPR_E_ARG);
    /* It still works. */
    mexpr_result *result = run(recognizer, frames.onset, frames.apex, NULL);
    mexpr_result_destroy(&result);
    mexpr_image_destroy(&floats);
    mexpr_recognizer_destroy(&recognizer);
    drop_pair(&others);
    drop_pair(&frames);
    mexpr_context_destroy(&context);
}

static void test_null(void **state)
{
    (void)state;
    mexpr_result *result = (mexpr_result *)&result;
    assert_int_equal(mexpr_recognizer_run(NULL, NULL, NULL, NULL, &result), MEXPR_E_ARG);
    assert_null(result);
    assert_string_equal(mexpr_recognizer_last_error(NULL), "");
    assert_null(mexpr_recognizer_flow(NULL));
    mexpr_recognizer_destroy(NULL);
    mexpr_recognizer *recognizer = NULL;
    mexpr_recognizer_destroy(&recognizer);
    mexpr_result_destroy(NULL);
    mexpr_result_destroy(&result);
    assert_int_equal(mexpr_result_n_classes(NULL), 0);
    assert_null(mexpr_result_class_name(NULL, 0));
    assert_true(mexpr_result_score(NULL, 0) == 0);
    assert_true(mexpr_result_logit(NULL, 0) == 0);
    assert_int_equal(mexpr_result_class(NULL), 0);
    assert_null(mexpr_result_label(NULL));
    assert_null(mexpr_result_field(NULL));
    assert_null(mexpr_result_picture(NULL));
    assert_true(mexpr_result_milliseconds(NULL, MEXPR_STAGE_FLOW) == 0);
}

/* --- parts ------------------------------------------------------------------------- */

static mexpr_result *make_result(mexpr_context *context, int32_t n)
{
    mx_class_names names;
    mexpr_result *result = NULL;
    mx_scope *scope = mx_context_scope(context);
    assert_int_equal(mx_class_names_number(scope, n, &names), MEXPR_OK);
    assert_int_equal(mx_result_create(scope, &names, &result), MEXPR_OK);
    mx_free(context, names.text);
    return result;
}

static void test_softmax(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mexpr_result *result = make_result(context, 12);
    assert_string_equal(mexpr_result_class_name(result, 11), "class11");
    assert_null(mexpr_result_class_name(result, 12));
    assert_null(mexpr_result_class_name(result, -1));
    assert_true(mexpr_result_score(result, 12) == 0);
    assert_true(mexpr_result_milliseconds(result, (mexpr_stage)5) == 0);
    assert_true(mexpr_result_milliseconds(result, (mexpr_stage)0) == 0);
    float logits[12] = {1, 3e38f, -3e38f, 3e38f};
    mx_scope *scope = mx_context_scope(context);
    assert_int_equal(mx_result_set_logits(scope, result, logits), MEXPR_OK);
    assert_int_equal(mexpr_result_class(result), 1); /* the first of equals */
    assert_true(mexpr_result_score(result, 1) == 0.5);
    assert_true(mexpr_result_score(result, 2) == 0);
    logits[5] = NAN;
    assert_failure(
        context, mx_result_set_logits(scope, result, logits), MEXPR_E_MODEL, "'class5'");
    logits[5] = INFINITY;
    assert_failure(
        context, mx_result_set_logits(scope, result, logits), MEXPR_E_MODEL, "'class5'");
    mexpr_result_destroy(&result);
    mexpr_context_destroy(&context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_default_network),
        cmocka_unit_test(test_answer_is_the_models),
        cmocka_unit_test(test_network_that_ships),
        cmocka_unit_test(test_no_movement),
        cmocka_unit_test(test_face_box),
        cmocka_unit_test(test_threads_change_nothing),
        cmocka_unit_test(test_recognizers_side_by_side),
        cmocka_unit_test(test_options_change_the_answer),
        cmocka_unit_test(test_warm_runs),
        cmocka_unit_test(test_refused_options),
        cmocka_unit_test(test_refused_frames),
        cmocka_unit_test(test_null),
        cmocka_unit_test(test_softmax),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
