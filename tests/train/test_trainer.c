/* SPDX-License-Identifier: MIT */
/* Networks trained on movements made up: what they learn, that nothing but the seed
 * decides, that training goes on from where it was, and what is refused. */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/rng.h"
#include "flow_clips.h"
#include "microexpr/evaluate.h"
#include "microexpr/image.h"
#include "microexpr/system.h"
#include "microexpr/train.h"
#include "support.h"
#include "train/compose.h"

enum { N_CLIPS = 36 };

TEST_CONTEXT
static float clips[N_CLIPS * CLIP];
static int32_t labels[N_CLIPS];

/* Runs `model` and copies its first output of n rows. */
static void apply(mexpr_model *model, int64_t n, const float *values, float *out)
{
    mexpr_session *session;
    mexpr_tensor_view in = flow_clips_view(n, values), result = MEXPR_TENSOR_VIEW_INIT;
    mexpr_tensor_info info = MEXPR_TENSOR_INFO_INIT;
    assert_int_equal(mexpr_session_create(model, &session), MEXPR_OK);
    assert_int_equal(mexpr_session_set_input(session, NULL, &in), MEXPR_OK);
    assert_int_equal(mexpr_session_run(session), MEXPR_OK);
    mexpr_model_output(model, 0, &info);
    assert_int_equal(mexpr_session_output(session, info.name, &result), MEXPR_OK);
    assert_int_equal(result.dims[0], n);
    assert_int_equal(result.dims[1], N_CLASSES);
    memcpy(out, result.data, (size_t)(n * N_CLASSES) * sizeof *out);
    mexpr_session_destroy(&session);
}

static mexpr_trainer_options recipe(const char *system, int32_t epochs)
{
    mexpr_trainer_options o = MEXPR_TRAINER_OPTIONS_INIT;
    assert_int_equal(mexpr_trainer_recipe(system, &o), MEXPR_OK);
    o.epochs = epochs;
    return o;
}

static mexpr_trainer *make_trainer(
    mexpr_context *c, const char *system, const mexpr_trainer_options *o, int64_t n)
{
    mexpr_model *model;
    mexpr_trainer *trainer;
    mexpr_system_options build = MEXPR_SYSTEM_OPTIONS_INIT;
    const mexpr_tensor_view inputs = flow_clips_view(n, clips);
    build.n_classes = N_CLASSES;
    build.seed = o->seed;
    assert_ok(c, mexpr_system_build(c, system, &build, &model));
    assert_ok(c, mexpr_trainer_create(c, model, &inputs, labels, N_CLASSES, o, &trainer));
    mexpr_model_destroy(&model);
    return trainer;
}

static void run(mexpr_trainer *trainer)
{
    const mexpr_status status = mexpr_trainer_run(trainer, NULL, NULL);
    if (status != MEXPR_OK)
        fail_msg("%d: %s", status, mexpr_trainer_last_error(trainer));
}

/* Bytes of the trained network, which the caller frees; the trainer is destroyed. */
static void *finish(mexpr_context *c, mexpr_trainer *trainer, size_t *size)
{
    mexpr_model *model;
    void *bytes, *copy;
    assert_int_equal(mexpr_trainer_model(trainer, &model), MEXPR_OK);
    assert_ok(c, mexpr_model_encode(c, model, &bytes, size));
    copy = malloc(*size);
    memcpy(copy, bytes, *size);
    mexpr_bytes_free(c, &bytes);
    mexpr_model_destroy(&model);
    mexpr_trainer_destroy(&trainer);
    return copy;
}

/* --- learning ---------------------------------------------------------------------- */

static void learns(void **state)
{
    (void)state;
    static float scores[N_CLIPS * N_CLASSES];
    mexpr_model *model;
    mexpr_trainer_options o = recipe("flow-c2s", 25);
    o.labels = "up,down,apart";
    o.batch = 8;
    flow_clips_make(1, N_CLIPS, clips, labels);
    mexpr_trainer *trainer = make_trainer(context, "flow-c2s", &o, N_CLIPS);
    run(trainer);
    assert_int_equal(mexpr_trainer_n_epochs(trainer), 25);
    assert_true(mexpr_trainer_loss(trainer, 24) < 0.5 * mexpr_trainer_loss(trainer, 0));
    assert_true(isnan(mexpr_trainer_loss(trainer, 25)));
    assert_int_equal(mexpr_trainer_epoch(trainer), MEXPR_END);
    assert_int_equal(mexpr_trainer_model(trainer, &model), MEXPR_OK);
    mexpr_trainer_destroy(&trainer);
    assert_string_equal(mexpr_model_metadata(model, "microexpr.labels"), "up,down,apart");
    assert_string_equal(mexpr_model_metadata(model, "microexpr.planes"), "u,v,strain");
    assert_null(mexpr_model_metadata(model, "microexpr.range"));
    flow_clips_make(2, N_CLIPS, clips, labels); /* others of the kind */
    apply(model, N_CLIPS, clips, scores);
    int right = 0;
    for (int i = 0; i < N_CLIPS; i++) {
        const float *s = scores + i * N_CLASSES, own = s[labels[i]];
        right += own >= s[0] && own >= s[1] && own >= s[2];
    }
    assert_true(right >= N_CLIPS - 1);
    mexpr_model_destroy(&model);
}

/* All but the two that are too large for a test. */
static void every_system(void **state)
{
    (void)state;
    static float scores[6 * N_CLASSES];
    flow_clips_make(1, N_CLIPS, clips, labels);
    for (int32_t k = 0; k < mexpr_system_count(); k++) {
        mexpr_system_info info = MEXPR_SYSTEM_INFO_INIT;
        mexpr_model *model;
        mexpr_system_info_get(k, &info);
        if (strcmp(info.name, "strcn") == 0 || strcmp(info.name, "htnet") == 0)
            continue;
        mexpr_trainer_options o = recipe(info.name, 1);
        o.batch = 4;
        mexpr_trainer *trainer = make_trainer(context, info.name, &o, 6);
        run(trainer);
        assert_true(isfinite(mexpr_trainer_loss(trainer, 0)));
        assert_int_equal(mexpr_trainer_model(trainer, &model), MEXPR_OK);
        mexpr_trainer_destroy(&trainer);
        apply(model, 6, clips, scores);
        for (int i = 0; i < 6 * N_CLASSES; i++)
            assert_true(isfinite(scores[i]));
        mexpr_model_destroy(&model);
    }
}

/* What a new trainer gives is the system, behind what was done to the clips. */
static void prepared_inputs(void **state)
{
    (void)state;
    enum { N = 4 };
    static float both[2 * N * CLIP], scores[N * N_CLASSES], each[2 * N * N_CLASSES];
    mexpr_system_options build = MEXPR_SYSTEM_OPTIONS_INIT;
    mexpr_model *system, *model;
    flow_clips_make(5, N_CLIPS, clips, labels);
    for (int flow = 0; flow < 2; flow++) {
        const char *name = flow ? "flow-c2s" : "ststnet";
        mexpr_trainer_options o = recipe(name, 1);
        mexpr_trainer *trainer = make_trainer(context, name, &o, N);
        assert_int_equal(mexpr_trainer_model(trainer, &model), MEXPR_OK);
        mexpr_trainer_destroy(&trainer);
        apply(model, N, clips, scores);
        memcpy(both, clips, N * CLIP * sizeof *both);
        if (flow)
            assert_ok(context, mx_compose_normalise(mx_context_scope(context), N, both));
        for (int k = 0; k < N * CLIP; k++) {
            const int plane = k / N_PIXELS % 3;
            if (flow)
                both[N * CLIP + k] =
                    (plane == 0 ? -1 : 1) * both[k / SIDE * SIDE + SIDE - 1 - k % SIDE];
            else /* strain, v, u */
                both[k] = clips[k + (2 - 2 * plane) * N_PIXELS];
        }
        assert_ok(context, mexpr_system_build(context, name, &build, &system));
        apply(system, flow ? 2 * N : N, both, each);
        for (int k = 0; k < N * N_CLASSES; k++)
            assert_float_equal(scores[k],
                flow ? (each[k] + each[N * N_CLASSES + k]) / 2 : each[k], 1e-5);
        mexpr_model_destroy(&system);
        mexpr_model_destroy(&model);
    }
}

/* --- one seed, one network ---------------------------------------------------------- */

static void *train_with(int threads, uint64_t seed, size_t *size)
{
    mexpr_context *c = test_context(NULL, threads);
    mexpr_trainer_options o = recipe("flow-c2s", 3);
    o.seed = seed;
    o.batch = 20;
    o.mixup = 0.4;
    o.noise = 0.1;
    mexpr_trainer *trainer = make_trainer(c, "flow-c2s", &o, N_CLIPS);
    run(trainer);
    void *bytes = finish(c, trainer, size);
    mexpr_context_destroy(&c);
    return bytes;
}

static void threads_and_seeds(void **state)
{
    (void)state;
    size_t size, other_size;
    flow_clips_make(1, N_CLIPS, clips, labels);
    void *bytes = train_with(1, 5, &size);
    void *other = train_with(3, 5, &other_size);
    assert_int_equal(size, other_size);
    assert_memory_equal(bytes, other, size);
    free(other);
    other = train_with(1, 6, &other_size);
    assert_int_equal(size, other_size);
    assert_memory_not_equal(bytes, other, size);
    free(other);
    free(bytes);
}

/* --- going on ----------------------------------------------------------------------- */

static mexpr_trainer_options resumable(int32_t epochs)
{
    mexpr_trainer_options o = recipe("flow-c2s", epochs);
    o.batch = 16;
    o.mixup = 0.3;
    o.checkpoint = test_path("checkpoint");
    o.checkpoint_epochs = 1;
    return o;
}

static int32_t stop_at(void *user, int32_t epoch, int32_t n_epochs, double loss)
{
    assert_true(epoch <= n_epochs && isfinite(loss));
    return epoch == *(const int32_t *)user;
}

static void interrupted(void **state)
{
    (void)state;
    int32_t stop = 2;
    size_t size, other_size;
    mexpr_trainer_options o = resumable(5);
    flow_clips_make(1, N_CLIPS, clips, labels);
    mexpr_trainer *trainer = make_trainer(context, "flow-c2s", &o, N_CLIPS);
    run(trainer);
    const double loss = mexpr_trainer_loss(trainer, 4);
    void *whole = finish(context, trainer, &size);
    trainer = make_trainer(context, "flow-c2s", &o, N_CLIPS);
    assert_int_equal(mexpr_trainer_run(trainer, stop_at, &stop), MEXPR_E_CANCELLED);
    assert_non_null(strstr(mexpr_trainer_last_error(trainer), "asked to stop"));
    assert_int_equal(mexpr_trainer_n_epochs(trainer), 2);
    run(trainer); /* goes on */
    void *other = finish(context, trainer, &other_size);
    assert_int_equal(size, other_size);
    assert_memory_equal(whole, other, size);
    free(other);
    trainer = make_trainer(context, "flow-c2s", &o, N_CLIPS);
    assert_int_equal(mexpr_trainer_run(trainer, stop_at, &stop), MEXPR_E_CANCELLED);
    mexpr_trainer_destroy(&trainer);
    trainer = make_trainer(context, "flow-c2s", &o, N_CLIPS);
    assert_int_equal(mexpr_trainer_resume(trainer, o.checkpoint), MEXPR_OK);
    assert_int_equal(mexpr_trainer_n_epochs(trainer), 2);
    run(trainer);
    assert_true(mexpr_trainer_loss(trainer, 4) == loss);
    other = finish(context, trainer, &other_size);
    assert_memory_equal(whole, other, size);
    free(other);
    free(whole);
}

/* The child: goes on from the checkpoint when there is one, writes the network. */
static void child(const char *path)
{
    mexpr_trainer_options o = resumable(12);
    mexpr_trainer *trainer = make_trainer(context, "flow-c2s", &o, N_CLIPS);
    mexpr_model *model;
    const mexpr_status status = mexpr_trainer_resume(trainer, o.checkpoint);
    if (status != MEXPR_OK && status != MEXPR_E_NOT_FOUND)
        _exit(2);
    if (mexpr_trainer_run(trainer, NULL, NULL) != MEXPR_OK ||
        mexpr_trainer_model(trainer, &model) != MEXPR_OK ||
        mexpr_model_write(context, model, path) != MEXPR_OK)
        _exit(3);
    _exit(0);
}

/* Killed at any moment it ends with the same bytes. */
static void killed(void **state)
{
    (void)state;
    mx_rng rng;
    size_t size, other_size;
    int n_kills = 0, ended = 0;
    flow_clips_make(1, N_CLIPS, clips, labels);
    mx_rng_seed(&rng, (uint64_t)time(NULL), 0);
    mexpr_trainer_options o = resumable(12);
    o.checkpoint = NULL;
    mexpr_trainer *trainer = make_trainer(context, "flow-c2s", &o, N_CLIPS);
    run(trainer);
    void *whole = finish(context, trainer, &size);
    unlink(test_path("checkpoint"));
    while (!ended) {
        int status;
        const pid_t pid = fork();
        if (pid == 0)
            child(test_path("killed.onnx"));
        const uint32_t wait_us = 2000 + mx_rng_below(&rng, 30000) * (1 + n_kills / 20);
        const struct timespec pause = {0, (long)wait_us * 1000 % 999999999};
        nanosleep(&pause, NULL);
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        ended = WIFEXITED(status);
        if (ended)
            assert_int_equal(WEXITSTATUS(status), 0);
        n_kills += !ended;
        assert_true(n_kills < 2000);
    }
    void *other = test_read_file(test_path("killed.onnx"), &other_size);
    assert_int_equal(size, other_size);
    assert_memory_equal(whole, other, size);
    print_message("killed %d times\n", n_kills);
    free(other);
    free(whole);
}

static void refuse_resume(mexpr_trainer *trainer, mexpr_status expected, const char *part)
{
    assert_int_equal(mexpr_trainer_resume(trainer, test_path("checkpoint")), expected);
    assert_non_null(strstr(mexpr_trainer_last_error(trainer), part));
    assert_int_equal(mexpr_trainer_n_epochs(trainer), 0);
}

static void foreign_checkpoints(void **state)
{
    (void)state;
    size_t size;
    mexpr_trainer_options o = resumable(2);
    flow_clips_make(1, N_CLIPS, clips, labels);
    mexpr_trainer *trainer = make_trainer(context, "flow-c2s", &o, N_CLIPS);
    run(trainer);
    mexpr_trainer_destroy(&trainer);
    o.seed = 1;
    trainer = make_trainer(context, "flow-c2s", &o, N_CLIPS);
    refuse_resume(trainer, MEXPR_E_STATE, "of another model");
    mexpr_trainer_destroy(&trainer);
    o.seed = 0;
    clips[7]++;
    trainer = make_trainer(context, "flow-c2s", &o, N_CLIPS);
    refuse_resume(trainer, MEXPR_E_STATE, "of other clips");
    uint8_t *bytes = test_read_file(test_path("checkpoint"), &size);
    bytes[size / 2] ^= 1;
    test_write_file(test_path("checkpoint"), bytes, size);
    refuse_resume(trainer, MEXPR_E_FORMAT, "is damaged");
    test_write_file(test_path("checkpoint"), bytes, 100);
    refuse_resume(trainer, MEXPR_E_FORMAT, "is no checkpoint");
    unlink(test_path("checkpoint"));
    refuse_resume(trainer, MEXPR_E_NOT_FOUND, "checkpoint");
    free(bytes);
    mexpr_trainer_destroy(&trainer);
}

/* --- any network ---------------------------------------------------------------------
 */

enum { POINTS = 8, FEATURES = 2 };

/* Scores of two classes from two numbers. */
static mexpr_model *small_model(mexpr_context *c)
{
    static const int64_t input[2] = {-1, FEATURES}, dims[2] = {2, FEATURES};
    static const char *const names[3] = {"x", "layer.weight", "layer.bias"};
    static const int64_t two = 2;
    const char *out = "scores";
    mexpr_builder *b;
    mexpr_model *model;
    assert_ok(c, mexpr_builder_create(c, "small", &b));
    mexpr_builder_input(b, "x", MEXPR_DTYPE_F32, 2, input);
    mexpr_builder_random(b, names[1], 2, dims, MEXPR_INIT_FAN_IN_UNIFORM, 1, 1);
    mexpr_builder_random(b, names[2], 1, &two, MEXPR_INIT_FILL, 0, 1);
    mexpr_builder_int(b, "transB", 1);
    mexpr_builder_node(b, "Gemm", "", names, 3, &out, 1, "layer");
    mexpr_builder_output(b, out);
    assert_int_equal(mexpr_builder_finish(b, &model), MEXPR_OK);
    mexpr_builder_destroy(&b);
    return model;
}

static mexpr_trainer *small_trainer(mexpr_context *c, const mexpr_trainer_options *o)
{
    static float points[POINTS * FEATURES];
    static int32_t sides[POINTS];
    mexpr_tensor_view inputs = flow_clips_view(POINTS, points);
    mexpr_trainer *trainer;
    inputs.rank = 2;
    inputs.dims[1] = FEATURES;
    for (int k = 0; k < POINTS; k++) {
        sides[k] = k % 2;
        points[k * FEATURES] = (float)(k % 2 ? 1 + k : -1 - k);
        points[k * FEATURES + 1] = (float)(k % 3);
    }
    mexpr_model *model = small_model(c);
    assert_ok(c, mexpr_trainer_create(c, model, &inputs, sides, 2, o, &trainer));
    mexpr_model_destroy(&model);
    return trainer;
}

static void any_network(void **state)
{
    (void)state;
    mexpr_trainer_options o = MEXPR_TRAINER_OPTIONS_INIT;
    mexpr_model *model;
    o.epochs = 200;
    o.batch = 3;
    o.rate = 0.05;
    o.clip_norm = 1;
    for (int32_t loss = MEXPR_LOSS_CROSS_ENTROPY; loss <= MEXPR_LOSS_ABSOLUTE; loss++) {
        o.loss = loss;
        mexpr_trainer *trainer = small_trainer(context, &o);
        run(trainer);
        assert_true(
            mexpr_trainer_loss(trainer, 199) < 0.6 * mexpr_trainer_loss(trainer, 0));
        assert_int_equal(mexpr_trainer_model(trainer, &model), MEXPR_OK);
        assert_string_equal(mexpr_model_name(model), "small");
        mexpr_model_destroy(&model);
        mexpr_trainer_destroy(&trainer);
    }
}

/* Ten thousand epochs later there is as much memory as after two, and nothing was asked
 * for in between. */
static void flat_memory(void **state)
{
    (void)state;
    test_heap heap;
    mexpr_trainer_options o = MEXPR_TRAINER_OPTIONS_INIT;
    test_heap_init(&heap);
    mexpr_context *c = test_context(&heap, 1);
    o.epochs = 10002;
    o.batch = 3;
    o.average = 0.9;
    mexpr_trainer *trainer = small_trainer(c, &o);
    assert_int_equal(mexpr_trainer_epoch(trainer), MEXPR_OK);
    assert_int_equal(mexpr_trainer_epoch(trainer), MEXPR_OK);
    const long bytes = heap.live_bytes, n = heap.n_allocs;
    run(trainer);
    assert_int_equal(heap.live_bytes, bytes);
    assert_int_equal(heap.n_allocs, n);
    mexpr_trainer_destroy(&trainer);
    mexpr_context_destroy(&c);
    assert_int_equal(heap.live_blocks, 0);
}

static void frozen(void **state)
{
    (void)state;
    size_t size, other_size;
    mexpr_trainer_options o = MEXPR_TRAINER_OPTIONS_INIT;
    o.epochs = 3;
    o.frozen = "layer.";
    mexpr_trainer *trainer = small_trainer(context, &o);
    void *before = finish(context, trainer, &size);
    trainer = small_trainer(context, &o);
    run(trainer);
    void *after = finish(context, trainer, &other_size);
    assert_memory_equal(before, after, size);
    free(after);
    o.frozen = NULL;
    o.slow = "layer.weight,layer.bias";
    o.slow_rate = 0.5;
    trainer = small_trainer(context, &o);
    run(trainer);
    after = finish(context, trainer, &other_size);
    assert_memory_not_equal(before, after, size);
    free(after);
    free(before);
}

/* --- people held out ---------------------------------------------------------------- */

enum { N_PERSONS = 3, N_OWN = N_CLIPS / N_PERSONS };

static mexpr_status fit(void *user, mexpr_context *c, const mexpr_tensor_view *inputs,
    const int32_t *known, int32_t n_classes, uint64_t seed, mexpr_model **out)
{
    mexpr_train_options o = MEXPR_TRAIN_OPTIONS_INIT;
    (void)user;
    o.epochs = 2;
    o.seed = seed;
    return mexpr_train(c, "flow-c2s", inputs, known, n_classes, &o, NULL, NULL, out);
}

/* Scores of all clips, with the labels of the first person shifted. */
static void held_out_scores(int threads, int shift, float *scores)
{
    char text[2048] = "file,subject,label\n";
    mexpr_context *c = test_context(NULL, threads);
    const mexpr_tensor_view inputs = flow_clips_view(N_CLIPS, clips);
    mexpr_manifest *manifest;
    mexpr_evaluation *evaluation;
    for (int i = 0; i < N_CLIPS; i++) {
        const int person = i / N_OWN;
        const size_t n = strlen(text);
        snprintf(text + n, sizeof text - n, "%d.png,%d,%d\n", i, person,
            (labels[i] + (person == 0 ? shift : 0)) % N_CLASSES);
    }
    assert_ok(c, mexpr_manifest_decode(c, text, strlen(text), NULL, &manifest));
    assert_ok(
        c, mexpr_evaluate(c, manifest, &inputs, fit, NULL, NULL, NULL, &evaluation));
    for (int i = 0; i < N_CLIPS; i++)
        memcpy(scores + i * N_CLASSES, mexpr_evaluation_scores(evaluation, i),
            N_CLASSES * sizeof *scores);
    mexpr_evaluation_destroy(&evaluation);
    mexpr_manifest_destroy(&manifest);
    mexpr_context_destroy(&c);
}

/* Labels of a person change nothing where that person is held out, and much elsewhere;
 * folds side by side are folds one by one. */
static void held_out(void **state)
{
    (void)state;
    static float own[N_CLIPS * N_CLASSES], jobs[N_CLIPS * N_CLASSES],
        wrong[N_CLIPS * N_CLASSES];
    flow_clips_make(1, N_CLIPS, clips, labels);
    held_out_scores(1, 0, own);
    held_out_scores(3, 0, jobs);
    assert_memory_equal(own, jobs, sizeof own);
    held_out_scores(1, 1, wrong);
    const size_t first = N_OWN * N_CLASSES * sizeof *own;
    assert_memory_equal(own, wrong, first);
    assert_memory_not_equal(own + N_OWN * N_CLASSES, wrong + N_OWN * N_CLASSES, first);
}

/* --- bad input -----------------------------------------------------------------------
 */

static mexpr_trainer_options standard;

static void refuse(const mexpr_tensor_view *inputs, int32_t n_classes,
    mexpr_status expected, const char *part)
{
    mexpr_model *model;
    mexpr_trainer *trainer;
    mexpr_system_options build = MEXPR_SYSTEM_OPTIONS_INIT;
    build.n_classes = n_classes;
    assert_ok(context, mexpr_system_build(context, "ststnet", &build, &model));
    assert_failure(context,
        mexpr_trainer_create(
            context, model, inputs, labels, n_classes, &standard, &trainer),
        expected, part);
    assert_null(trainer);
    mexpr_model_destroy(&model);
}

static void refused_clips(void **state)
{
    (void)state;
    flow_clips_make(1, N_CLIPS, clips, labels);
    standard = (mexpr_trainer_options)MEXPR_TRAINER_OPTIONS_INIT;
    mexpr_tensor_view inputs = flow_clips_view(N_CLIPS, clips);
    refuse(&inputs, 4, MEXPR_E_RANGE, "class 3 has no clip");
    inputs.dims[0] = 0;
    refuse(&inputs, 3, MEXPR_E_SHAPE, "no clips");
    inputs.dims[0] = 1; /* of one class */
    refuse(&inputs, 3, MEXPR_E_RANGE, "class 1 has no clip among the 1");
    inputs.dims[0] = N_CLIPS;
    labels[2] = -1;
    refuse(&inputs, 3, MEXPR_E_RANGE, "the label of clip 2 is -1");
    labels[2] = 2;
    clips[5 * CLIP] = NAN;
    refuse(&inputs, 3, MEXPR_E_RANGE, "the input of clip 5 is not finite");
    clips[5 * CLIP] = 0;
    inputs.dims[3] = 27;
    refuse(&inputs, 3, MEXPR_E_SHAPE, "N x 3 x 28 x 28");
    inputs.dtype = MEXPR_DTYPE_I32;
    refuse(&inputs, 3, MEXPR_E_TYPE, "float32");
}

static void refused_options(void **state)
{
    (void)state;
    flow_clips_make(1, N_CLIPS, clips, labels);
    const mexpr_tensor_view inputs = flow_clips_view(N_CLIPS, clips);
    const mexpr_trainer_options good = MEXPR_TRAINER_OPTIONS_INIT;
    standard = good;
    standard.epochs = 0;
    refuse(&inputs, 3, MEXPR_E_RANGE, "epochs is 0; it can be 1 to 1000000");
    standard = good;
    standard.rate = NAN;
    refuse(&inputs, 3, MEXPR_E_RANGE, "rate is nan");
    standard = good;
    standard.labels = "a,b";
    refuse(&inputs, 3, MEXPR_E_RANGE, "'a,b' has 2 names, but the network has 3 classes");
    standard = good;
    standard.frozen = "stream1.,strem2.";
    refuse(&inputs, 3, MEXPR_E_RANGE, "begins with 'strem2.'");
    standard = good;
    standard.jitter = 0.1;
    refuse(&inputs, 3, MEXPR_E_SHAPE, "jitter needs");
    standard = good;
    standard.struct_size = 8;
    refuse(&inputs, 3, MEXPR_E_ABI, "struct_size");
}

/* A rate that explodes is a sentence, not a network of NaN, and the checkpoint of the
 * last good epoch stays what it is. */
static void diverging(void **state)
{
    (void)state;
    size_t size, now_size;
    mexpr_trainer_options o = MEXPR_TRAINER_OPTIONS_INIT;
    o.optimiser = MEXPR_OPTIMISER_SGD;
    o.loss = MEXPR_LOSS_SQUARES;
    o.epochs = 1000;
    o.rate = 1000;
    o.checkpoint = test_path("diverging");
    o.checkpoint_epochs = 1;
    mexpr_trainer *trainer = small_trainer(context, &o);
    assert_int_equal(mexpr_trainer_run(trainer, NULL, NULL), MEXPR_E_RANGE);
    assert_non_null(strstr(mexpr_trainer_last_error(trainer), "a lower rate may help"));
    const int32_t good = mexpr_trainer_n_epochs(trainer);
    assert_true(good > 0);
    uint8_t *bytes = test_read_file(o.checkpoint, &size);
    /* Neither by hand nor by going on is it replaced by what the failed epoch left. */
    assert_int_equal(mexpr_trainer_save(trainer, o.checkpoint), MEXPR_E_STATE);
    assert_non_null(strstr(mexpr_trainer_last_error(trainer), "failed half-way"));
    assert_int_equal(mexpr_trainer_run(trainer, NULL, NULL), MEXPR_E_STATE);
    uint8_t *now = test_read_file(o.checkpoint, &now_size);
    assert_int_equal(size, now_size);
    assert_memory_equal(bytes, now, size);
    /* It is whole: what goes on from it is the same again. */
    assert_int_equal(mexpr_trainer_resume(trainer, o.checkpoint), MEXPR_OK);
    assert_int_equal(mexpr_trainer_n_epochs(trainer), good);
    assert_int_equal(mexpr_trainer_save(trainer, o.checkpoint), MEXPR_OK);
    free(now);
    now = test_read_file(o.checkpoint, &now_size);
    assert_int_equal(size, now_size);
    assert_memory_equal(bytes, now, size);
    assert_int_equal(mexpr_trainer_run(trainer, NULL, NULL), MEXPR_E_RANGE);
    free(now);
    free(bytes);
    mexpr_trainer_destroy(&trainer);
}

/* Activations of a batch that are beyond the context's limit are told of before training.
 */
static void limited(void **state)
{
    (void)state;
    mexpr_context_options small = MEXPR_CONTEXT_OPTIONS_INIT;
    mexpr_trainer_options o = MEXPR_TRAINER_OPTIONS_INIT;
    mexpr_context *tight = NULL;
    mexpr_model *model = NULL;
    mexpr_trainer *trainer = NULL;
    const mexpr_tensor_view inputs = flow_clips_view(N_CLIPS, clips);
    small.max_tensor_bytes =
        600000; /* of 36 clips: 338,688; 32 maps of 8 x 30²: 921,600 */
    assert_int_equal(mexpr_context_create(&small, &tight), MEXPR_OK);
    assert_ok(tight, mexpr_system_build(tight, "ststnet", NULL, &model));
    assert_failure(tight,
        mexpr_trainer_create(tight, model, &inputs, labels, N_CLASSES, &o, &trainer),
        MEXPR_E_LIMIT, "stream3");
    assert_null(trainer);
    o.batch = 16;
    assert_ok(tight,
        mexpr_trainer_create(tight, model, &inputs, labels, N_CLASSES, &o, &trainer));
    mexpr_trainer_destroy(&trainer);
    mexpr_model_destroy(&model);
    mexpr_context_destroy(&tight);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(learns),
        cmocka_unit_test(every_system),
        cmocka_unit_test(prepared_inputs),
        cmocka_unit_test(threads_and_seeds),
        cmocka_unit_test(interrupted),
        cmocka_unit_test(killed),
        cmocka_unit_test(foreign_checkpoints),
        cmocka_unit_test(any_network),
        cmocka_unit_test(flat_memory),
        cmocka_unit_test(frozen),
        cmocka_unit_test(held_out),
        cmocka_unit_test(refused_clips),
        cmocka_unit_test(refused_options),
        cmocka_unit_test(diverging),
        cmocka_unit_test(limited),
    };
    return cmocka_run_group_tests_name("trainer", tests, setup, teardown);
}
