/* SPDX-License-Identifier: MIT */
/* Networks that come out of a trainer: their names, training them on, and checkpoints
 * that are not theirs. What a trainer refuses before it begins. */
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "microexpr/image.h"
#include "microexpr/system.h"
#include "microexpr/train.h"
#include "support.h"
#include "train/trainer_parts.h"

enum { N = 6, SIDE = 28, CLIP = 3 * SIDE * SIDE, N_CLASSES = 3 };
enum { POINTS = 8, FEATURES = 2 };
static const char *own_names = "left,right"; /* of the small network's classes */

TEST_CONTEXT
static float clips[N * CLIP];
static const int32_t labels[N] = {0, 1, 2, 2, 1, 0};

static mexpr_tensor_view view_of(float *values)
{
    mexpr_tensor_view view = MEXPR_TENSOR_VIEW_INIT;
    view.dtype = MEXPR_DTYPE_F32;
    view.rank = 4;
    view.dims[0] = N;
    view.dims[1] = 3;
    view.dims[2] = view.dims[3] = SIDE;
    view.data = values;
    return view;
}

static mexpr_tensor_view make_clips(void)
{
    for (int k = 0; k < N * CLIP; k++)
        clips[k] = (float)(127 + 90 * sin(0.37 * k + labels[k / CLIP] + 0.01 * k / SIDE));
    return view_of(clips);
}

static mexpr_trainer_options recipe(void)
{
    mexpr_trainer_options o = MEXPR_TRAINER_OPTIONS_INIT;
    assert_int_equal(mexpr_trainer_recipe("flow-c2s", &o), MEXPR_OK);
    o.epochs = 1;
    o.batch = 4;
    return o;
}

static mexpr_trainer *trainer_of(mexpr_model *model, const mexpr_trainer_options *o)
{
    const mexpr_tensor_view inputs = make_clips();
    mexpr_trainer *trainer;
    assert_ok(context,
        mexpr_trainer_create(context, model, &inputs, labels, N_CLASSES, o, &trainer));
    return trainer;
}

/* What the trainer gives, from its bytes. The trainer is destroyed. */
static mexpr_model *finish(mexpr_trainer *trainer)
{
    mexpr_model_options o = MEXPR_MODEL_OPTIONS_INIT;
    mexpr_model *model;
    void *bytes;
    size_t size;
    o.rewrites = 0;
    if (mexpr_trainer_model(trainer, &model) != MEXPR_OK)
        fail_msg("%s", mexpr_trainer_last_error(trainer));
    mexpr_trainer_destroy(&trainer);
    assert_ok(context, mexpr_model_encode(context, model, &bytes, &size));
    mexpr_model_destroy(&model);
    assert_ok(context, mexpr_model_load_memory_with(context, bytes, size, &o, &model));
    mexpr_bytes_free(context, &bytes);
    return model;
}

static mexpr_model *trained(const mexpr_trainer_options *o)
{
    mexpr_model *model;
    assert_ok(context, mexpr_system_build(context, "flow-c2s", NULL, &model));
    mexpr_trainer *trainer = trainer_of(model, o);
    mexpr_model_destroy(&model);
    assert_int_equal(mexpr_trainer_run(trainer, NULL, NULL), MEXPR_OK);
    return finish(trainer);
}

static void scores_of(mexpr_model *model, float scores[N * N_CLASSES])
{
    mexpr_tensor_view in = view_of(clips), out = MEXPR_TENSOR_VIEW_INIT;
    mexpr_session *session;
    assert_int_equal(mexpr_session_create(model, &session), MEXPR_OK);
    assert_int_equal(mexpr_session_set_input(session, NULL, &in), MEXPR_OK);
    assert_int_equal(mexpr_session_run(session), MEXPR_OK);
    assert_int_equal(mexpr_session_output(session, NULL, &out), MEXPR_OK);
    memcpy(scores, out.data, N * N_CLASSES * sizeof *scores);
    mexpr_session_destroy(&session);
}

static void assert_unique_names(const mexpr_model *model)
{
    const char *a, *b;
    for (int32_t i = 0; i < mexpr_model_n_nodes(model); i++)
        for (int32_t k = 0; k < i; k++) {
            assert_int_equal(mexpr_model_node(model, i, &a, NULL), MEXPR_OK);
            assert_int_equal(mexpr_model_node(model, k, &b, NULL), MEXPR_OK);
            assert_true(!*a || strcmp(a, b) != 0);
        }
}

static void trained_on(void **state)
{
    (void)state;
    float before[N * N_CLASSES], after[N * N_CLASSES];
    mexpr_trainer_options o = recipe();
    mexpr_model *first = trained(&o);
    assert_unique_names(first);
    scores_of(first, before);
    o = (mexpr_trainer_options)MEXPR_TRAINER_OPTIONS_INIT;
    o.epochs = 1;
    mexpr_model *second = finish(trainer_of(first, &o));
    assert_unique_names(second);
    scores_of(second, after);
    for (int k = 0; k < N * N_CLASSES; k++)
        assert_float_equal(before[k], after[k], 1e-5);
    mexpr_trainer *trainer = trainer_of(second, &o);
    assert_int_equal(mexpr_trainer_run(trainer, NULL, NULL), MEXPR_OK);
    mexpr_model *third = finish(trainer);
    assert_unique_names(third);
    scores_of(third, after);
    assert_memory_not_equal(before, after, sizeof before);
    assert_string_equal(mexpr_model_metadata(third, "microexpr.normalisation"), "flow");
    mexpr_model_destroy(&first);
    mexpr_model_destroy(&second);
    mexpr_model_destroy(&third);
}

static void refuse(mexpr_model *model, const mexpr_trainer_options *o,
    mexpr_status expected, const char *part)
{
    const mexpr_tensor_view inputs = make_clips();
    mexpr_trainer *trainer;
    assert_failure(context,
        mexpr_trainer_create(context, model, &inputs, labels, N_CLASSES, o, &trainer),
        expected, part);
    assert_null(trainer);
}

static void prepared_once(void **state)
{
    (void)state;
    mexpr_trainer_options o = recipe();
    mexpr_model *model = trained(&o);
    o.is_mirrored = 0;
    refuse(model, &o, MEXPR_E_STATE, "would be done twice");
    o = (mexpr_trainer_options)MEXPR_TRAINER_OPTIONS_INIT;
    o.is_mirrored = 1;
    refuse(model, &o, MEXPR_E_STATE, "prepares its clips inside");
    mexpr_model_destroy(&model);
}

/* A mirror image of flow has u turned round, also in front of a trained network. */
static void mirrored_flow(void **state)
{
    (void)state;
    mexpr_trainer_options o = recipe();
    mexpr_model *model = trained(&o);
    o = (mexpr_trainer_options)MEXPR_TRAINER_OPTIONS_INIT;
    o.flip = 1;
    o.is_shuffled = 0;
    mexpr_trainer *trainer = trainer_of(model, &o);
    mx_trainer_shuffle(trainer);
    mx_trainer_fill(trainer, 0, N);
    for (int k = 0; k < N * CLIP; k++) {
        const bool is_u = k % CLIP < SIDE * SIDE;
        const float other = clips[k / SIDE * SIDE + SIDE - 1 - k % SIDE];
        assert_float_equal(trainer->batch[k], is_u ? 255 - other : other, 1e-4);
    }
    mexpr_trainer_destroy(&trainer);
    mexpr_model_destroy(&model);
}

/* --- small networks ------------------------------------------------------------------
 */

static mexpr_model *small_model(const char *activation)
{
    static const int64_t input[2] = {-1, FEATURES}, dims[2] = {2, FEATURES};
    static const char *const inputs[2] = {"x", "layer.weight"};
    const char *sum = "sum", *scores = "scores";
    mexpr_builder *b;
    mexpr_model *model;
    assert_ok(context, mexpr_builder_create(context, "small", &b));
    mexpr_builder_input(b, "x", MEXPR_DTYPE_F32, 2, input);
    mexpr_builder_random(
        b, inputs[1], 2, dims, MEXPR_INIT_FAN_IN_UNIFORM, 1, MEXPR_ROLE_PARAMETER);
    mexpr_builder_metadata(b, "microexpr.labels", own_names);
    mexpr_builder_int(b, "transB", 1);
    mexpr_builder_node(b, "Gemm", "", inputs, 2, &sum, 1, "layer");
    mexpr_builder_node(b, activation, "", &sum, 1, &scores, 1, NULL);
    mexpr_builder_output(b, scores);
    assert_int_equal(mexpr_builder_finish(b, &model), MEXPR_OK);
    mexpr_builder_destroy(&b);
    return model;
}

static mexpr_status try_small(const char *activation, float scale, int64_t features,
    int32_t n_classes, const mexpr_trainer_options *o, mexpr_trainer **trainer)
{
    static float points[POINTS * (FEATURES + 1)];
    static int32_t sides[POINTS];
    mexpr_tensor_view inputs = view_of(points);
    inputs.rank = 2;
    inputs.dims[0] = POINTS;
    inputs.dims[1] = features;
    for (int k = 0; k < POINTS; k++)
        sides[k] = k % n_classes;
    for (int k = 0; k < POINTS * features; k++)
        points[k] = scale * (float)(k % 5 - 2);
    mexpr_model *model = small_model(activation);
    const mexpr_status status =
        mexpr_trainer_create(context, model, &inputs, sides, n_classes, o, trainer);
    mexpr_model_destroy(&model);
    return status;
}

static mexpr_trainer *small_trainer(
    const char *activation, float scale, const mexpr_trainer_options *o)
{
    mexpr_trainer *trainer;
    assert_ok(context, try_small(activation, scale, FEATURES, 2, o, &trainer));
    return trainer;
}

/* The same weights in another network are no place to go on from. */
static void other_structure(void **state)
{
    (void)state;
    const char *path = test_path("structure");
    mexpr_trainer_options o = MEXPR_TRAINER_OPTIONS_INIT;
    mexpr_trainer *trainer = small_trainer("Sigmoid", 1, &o);
    assert_int_equal(mexpr_trainer_epoch(trainer), MEXPR_OK);
    assert_int_equal(mexpr_trainer_save(trainer, path), MEXPR_OK);
    mexpr_trainer_destroy(&trainer);
    trainer = small_trainer("Sigmoid", 1, &o);
    assert_int_equal(mexpr_trainer_resume(trainer, path), MEXPR_OK);
    mexpr_trainer_destroy(&trainer);
    static const struct {
        const char *activation, *part;
        double rate;
    } others[] = {{"Tanh", "is of another model", 1},
        {"Sigmoid", "is of other options", 1}, {"Sigmoid", "is of other clips", 1e-3}};
    for (size_t k = 0; k < sizeof others / sizeof others[0]; k++) {
        o.rate = others[k].rate;
        trainer = small_trainer(others[k].activation, 2, &o);
        assert_int_equal(mexpr_trainer_resume(trainer, path), MEXPR_E_STATE);
        assert_non_null(strstr(mexpr_trainer_last_error(trainer), others[k].part));
        mexpr_trainer_destroy(&trainer);
    }
    unlink(path);
}

/* The loss of the last step is finite, the weights behind it are not. */
static void diverging_at_last(void **state)
{
    (void)state;
    const char *path = test_path("diverging");
    mexpr_trainer_options o = MEXPR_TRAINER_OPTIONS_INIT;
    o.optimiser = MEXPR_OPTIMISER_SGD;
    o.loss = MEXPR_LOSS_SQUARES;
    o.epochs = 1;
    o.checkpoint = path;
    mexpr_trainer *trainer = small_trainer("Identity", 1e30f, &o);
    assert_int_equal(mexpr_trainer_run(trainer, NULL, NULL), MEXPR_E_RANGE);
    assert_non_null(strstr(mexpr_trainer_last_error(trainer), "weights are not finite"));
    assert_int_equal(mexpr_trainer_save(trainer, path), MEXPR_E_STATE);
    assert_int_equal(access(path, F_OK), -1);
    mexpr_trainer_destroy(&trainer);
}

static void refused_at_create(void **state)
{
    (void)state;
    mexpr_trainer_options o = MEXPR_TRAINER_OPTIONS_INIT;
    mexpr_trainer *trainer;
    assert_failure(context, try_small("Tanh", 1, FEATURES + 1, 2, &o, &trainer),
        MEXPR_E_SHAPE, "does not fit the input 'x'");
    assert_failure(context, try_small("Tanh", 1, FEATURES, 3, &o, &trainer),
        MEXPR_E_SHAPE, "does not have 3 float32 scores");
    o.labels = "left,";
    assert_failure(context, try_small("Tanh", 1, FEATURES, 2, &o, &trainer),
        MEXPR_E_RANGE, "the name of class 1 is empty");
    o.labels = "left , left";
    assert_failure(context, try_small("Tanh", 1, FEATURES, 2, &o, &trainer),
        MEXPR_E_RANGE, "'left' names two classes");
    o.labels = NULL;
    o.checkpoint = test_path("letter");
    test_write_file(o.checkpoint, "Dear reader,", 12);
    assert_failure(context, try_small("Tanh", 1, FEATURES, 2, &o, &trainer),
        MEXPR_E_FORMAT, "is there and no checkpoint");
    o.checkpoint = NULL;
    trainer = small_trainer("Tanh", 1, &o);
    assert_int_equal(mexpr_trainer_save(trainer, test_path("letter")), MEXPR_E_FORMAT);
    test_write_file(test_path("letter"), "", 0);
    assert_int_equal(mexpr_trainer_save(trainer, test_path("letter")), MEXPR_OK);
    mexpr_trainer_destroy(&trainer);
    unlink(test_path("letter"));
}

static void names_of_classes(void **state)
{
    (void)state;
    mexpr_trainer_options o = MEXPR_TRAINER_OPTIONS_INIT;
    mexpr_model *model = finish(small_trainer("Tanh", 1, &o));
    assert_string_equal(mexpr_model_metadata(model, "microexpr.labels"), "left,right");
    mexpr_model_destroy(&model);
    own_names = "left,middle,right"; /* as it had more classes once */
    model = finish(small_trainer("Tanh", 1, &o));
    own_names = "left,right";
    assert_null(mexpr_model_metadata(model, "microexpr.labels"));
    mexpr_model_destroy(&model);
    o.labels = "up,down";
    model = finish(small_trainer("Tanh", 1, &o));
    assert_string_equal(mexpr_model_metadata(model, "microexpr.labels"), "up,down");
    mexpr_model_destroy(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trained_on),
        cmocka_unit_test(prepared_once),
        cmocka_unit_test(mirrored_flow),
        cmocka_unit_test(other_structure),
        cmocka_unit_test(diverging_at_last),
        cmocka_unit_test(refused_at_create),
        cmocka_unit_test(names_of_classes),
    };
    return cmocka_run_group_tests_name("trained", tests, setup, teardown);
}
