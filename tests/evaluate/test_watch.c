/* SPDX-License-Identifier: MIT */
/* What an evaluation shows of its networks: their losses, and the networks themselves. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "microexpr/evaluate.h"
#include "microexpr/image.h"
#include "microexpr/train.h"
#include "support.h"

enum { N = 8, N_PERSONS = 4, WIDTH = 3, EPOCHS = 2500, POINTS = 1000 };

TEST_CONTEXT

/* Clip i is of person i % 4; the last column of its input is i. */
static float values[N * WIDTH];
static int32_t labels[N];

static mexpr_manifest *make_manifest(void)
{
    static const char text[] = "clip,subject,label\na,0,0\nb,1,0\nc,2,0\nd,3,0\ne,0,1\n"
                               "f,1,1\ng,2,1\nh,3,1\n";
    mexpr_manifest *manifest;
    for (int i = 0; i < N; i++) {
        labels[i] = i / N_PERSONS;
        values[i * WIDTH] = (float)(i * 7 % 5) - 1;
        values[i * WIDTH + 1] = (float)labels[i] * 2 - 1;
        values[i * WIDTH + 2] = (float)i;
    }
    assert_ok(
        context, mexpr_manifest_decode(context, text, sizeof text - 1, NULL, &manifest));
    return manifest;
}

static mexpr_tensor_view view(const float *rows, int64_t n)
{
    mexpr_tensor_view in = MEXPR_TENSOR_VIEW_INIT;
    in.dtype = MEXPR_DTYPE_F32;
    in.rank = 2;
    in.dims[0] = n;
    in.dims[1] = WIDTH;
    in.data = rows;
    return in;
}

static mexpr_model *linear(mexpr_context *c)
{
    static const float weights[WIDTH * 2] = {0};
    static const int64_t dims[2] = {-1, WIDTH};
    const char *ins[2] = {"x", "weights"}, *result = "y";
    mexpr_tensor_view w = view(weights, WIDTH);
    mexpr_builder *builder;
    mexpr_model *model;
    w.dims[1] = 2;
    assert_ok(c, mexpr_builder_create(c, "linear", &builder));
    mexpr_builder_input(builder, "x", MEXPR_DTYPE_F32, 2, dims);
    mexpr_builder_initializer(builder, "weights", &w, MEXPR_ROLE_PARAMETER);
    mexpr_builder_node(builder, "MatMul", NULL, ins, 2, &result, 1, NULL);
    mexpr_builder_output(builder, "y");
    assert_ok(c, mexpr_builder_finish(builder, &model));
    mexpr_builder_destroy(&builder);
    return model;
}

/* *user epochs. */
static mexpr_status fit(void *user, mexpr_context *c, const mexpr_tensor_view *inputs,
    const int32_t *given, int32_t n_classes, uint64_t seed, mexpr_model **out)
{
    mexpr_trainer_options o = MEXPR_TRAINER_OPTIONS_INIT;
    mexpr_trainer *trainer;
    mexpr_model *model = linear(c);
    o.epochs = *(const int32_t *)user;
    o.rate = 0.01;
    o.seed = seed;
    mexpr_status status =
        mexpr_trainer_create(c, model, inputs, given, n_classes, &o, &trainer);
    mexpr_model_destroy(&model);
    if (status == MEXPR_OK)
        status = mexpr_trainer_run(trainer, NULL, NULL);
    if (status == MEXPR_OK)
        status = mexpr_trainer_model(trainer, out);
    mexpr_trainer_destroy(&trainer);
    return status;
}

/* A network of the clips that are not of this person. */
static mexpr_model *fit_without(int person, int32_t epochs, uint64_t seed)
{
    float rows[N * WIDTH];
    int32_t given[N];
    int n = 0;
    mexpr_model *model = NULL;
    for (int i = 0; i < N; i++) {
        if (i % N_PERSONS == person)
            continue;
        memcpy(rows + n * WIDTH, values + i * WIDTH, WIDTH * sizeof *rows);
        given[n++] = labels[i];
    }
    const mexpr_tensor_view in = view(rows, n);
    assert_ok(context, fit(&epochs, context, &in, given, 2, seed, &model));
    return model;
}

static mexpr_evaluation *run(mexpr_context *c, int32_t epochs, mexpr_evaluate_options o)
{
    mexpr_manifest *manifest = make_manifest();
    const mexpr_tensor_view in = view(values, N);
    mexpr_evaluation *e;
    assert_ok(c, mexpr_evaluate(c, manifest, &in, fit, &o, NULL, &epochs, &e));
    mexpr_manifest_destroy(&manifest);
    return e;
}

/* --- losses ------------------------------------------------------------------------ */

static void losses_are_those_of_the_training(void **state)
{
    (void)state;
    mexpr_evaluate_options o = MEXPR_EVALUATE_OPTIONS_INIT;
    o.n_seeds = 2;
    o.seed = 5;
    for (int threads = 1; threads <= 3; threads += 2) {
        mexpr_context *many = test_context(NULL, threads);
        mexpr_evaluation *e = run(many, 6, o);
        for (int seed = 0; seed < 2; seed++)
            for (int fold = 0; fold < N_PERSONS; fold++) {
                int32_t n;
                const float *got = mexpr_evaluation_losses(e, seed, fold, 0, &n);
                mexpr_model *model = fit_without(fold, 6, 5 + (uint64_t)seed);
                assert_int_equal(n, 6);
                assert_int_equal(mexpr_evaluation_n_epochs(e, seed, fold, 0), 6);
                assert_int_equal(mexpr_train_n_epochs(model), 6);
                for (int k = 0; k < n; k++)
                    assert_true(got[k] == (float)mexpr_train_loss(model, k));
                assert_true(got[5] < got[0]);
                mexpr_model_destroy(&model);
            }
        mexpr_evaluation_destroy(&e);
        mexpr_context_destroy(&many);
    }
}

/* The memory for them does not grow with the epochs, and the last one is always there. */
static void many_epochs_are_thinned_out(void **state)
{
    (void)state;
    mexpr_evaluate_options o = MEXPR_EVALUATE_OPTIONS_INIT;
    mexpr_evaluation *e = run(context, EPOCHS, o);
    mexpr_model *model = fit_without(2, EPOCHS, 0);
    int32_t n;
    const float *got = mexpr_evaluation_losses(e, 0, 2, 0, &n);
    assert_int_equal(n, POINTS);
    assert_int_equal(mexpr_evaluation_n_epochs(e, 0, 2, 0), EPOCHS);
    for (int k = 0; k < n; k++)
        assert_true(
            got[k] == (float)mexpr_train_loss(model, (k + 1) * EPOCHS / POINTS - 1));
    assert_true(got[n - 1] == (float)mexpr_train_loss(model, EPOCHS - 1));
    mexpr_model_destroy(&model);
    mexpr_evaluation_destroy(&e);
}

static void no_losses(void **state)
{
    (void)state;
    mexpr_evaluate_options o = MEXPR_EVALUATE_OPTIONS_INIT;
    mexpr_evaluation *e = run(context, 1, o);
    mexpr_model *model = linear(context);
    int32_t n = 7;
    assert_null(mexpr_evaluation_losses(e, 0, N_PERSONS, 0, &n));
    assert_int_equal(n, 0);
    assert_null(mexpr_evaluation_losses(e, 1, 0, 0, &n));
    assert_null(mexpr_evaluation_losses(e, 0, 0, 1, NULL));
    assert_null(mexpr_evaluation_losses(NULL, 0, 0, 0, &n));
    assert_int_equal(mexpr_evaluation_n_epochs(NULL, 0, 0, 0), 0);
    assert_int_equal(mexpr_evaluation_n_epochs(e, 0, -1, 0), 0);
    assert_int_equal(mexpr_train_n_epochs(model), 0); /* no trainer made it */
    assert_int_equal(mexpr_train_n_epochs(NULL), 0);
    assert_true(isnan(mexpr_train_loss(model, 0)) && isnan(mexpr_train_loss(NULL, 0)));
    mexpr_model_destroy(&model);
    mexpr_evaluation_destroy(&e);
}

/* --- networks ---------------------------------------------------------------------- */

typedef struct album {
    int n;
    mexpr_model *models[2][N_PERSONS][2];
    double weights[2][N_PERSONS][2];
    float scores[2][N_PERSONS][2][2 * 2];
    int fail_at; /* a fold, or -1 */
} album;

static mexpr_status keep(void *user, mexpr_context *c, const mexpr_fold_network *network)
{
    album *a = user;
    const int32_t seed = network->seed, fold = network->fold, k = network->candidate;
    assert_non_null(c);
    assert_int_equal(network->struct_size, sizeof *network);
    assert_int_equal(network->n_clips, 2);
    for (int i = 0; i < 2; i++) /* the clips of the person held out, and no other */
        assert_int_equal(network->clips[i], fold + i * N_PERSONS);
    if (fold == a->fail_at)
        return MEXPR_E_INTERNAL;
    assert_null(a->models[seed][fold][k]);
    a->models[seed][fold][k] = mexpr_model_retain(network->model);
    a->weights[seed][fold][k] = network->weight;
    memcpy(a->scores[seed][fold][k], network->scores, 4 * sizeof(float));
    a->n++;
    return MEXPR_OK;
}

static void free_album(album *a)
{
    for (int k = 0; k < 2 * N_PERSONS * 2; k++)
        mexpr_model_destroy(&((mexpr_model **)a->models)[k]);
    *a = (album){.fail_at = -1};
}

static void every_network_of_a_fold_is_shown(void **state)
{
    (void)state;
    mexpr_evaluate_options o = MEXPR_EVALUATE_OPTIONS_INIT;
    static album a;
    a.fail_at = -1;
    o.n_seeds = 2;
    o.watch = keep;
    o.watch_user = &a;
    mexpr_evaluation *e = run(context, 6, o);
    assert_int_equal(a.n, 2 * N_PERSONS);
    for (int seed = 0; seed < 2; seed++)
        for (int fold = 0; fold < N_PERSONS; fold++) {
            assert_int_equal(mexpr_train_n_epochs(a.models[seed][fold][0]), 6);
            assert_true(a.weights[seed][fold][0] == 1);
            for (int i = 0; i < 2; i++) {
                const float *s = a.scores[seed][fold][0] + 2 * i;
                assert_int_equal(
                    mexpr_evaluation_seed_predicted(e, seed, fold + i * N_PERSONS),
                    s[1] > s[0]);
            }
        }
    mexpr_evaluation_destroy(&e);
    free_album(&a);
}

static void *encoded(const mexpr_model *model, size_t *size)
{
    void *bytes, *copy;
    assert_ok(context, mexpr_model_encode(context, model, &bytes, size));
    copy = malloc(*size);
    assert_non_null(copy);
    memcpy(copy, bytes, *size);
    mexpr_bytes_free(context, &bytes);
    return copy;
}

/* The networks of all folds, as files, with the labels of a person turned or not. */
static void train_all(bool turned, int who, void *files[N_PERSONS], size_t *sizes)
{
    mexpr_evaluate_options o = MEXPR_EVALUATE_OPTIONS_INIT;
    static album a;
    int32_t epochs = 4;
    char text[256] = "clip,subject,label\n";
    const mexpr_tensor_view in = view(values, N);
    mexpr_manifest *manifest = make_manifest();
    mexpr_evaluation *e;
    mexpr_manifest_destroy(&manifest);
    for (int i = 0; i < N; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "c%d,%d,%d\n", i,
            i % N_PERSONS, labels[i] != (turned && i % N_PERSONS == who));
    assert_ok(
        context, mexpr_manifest_decode(context, text, strlen(text), NULL, &manifest));
    a.fail_at = -1;
    o.watch = keep;
    o.watch_user = &a;
    assert_ok(
        context, mexpr_evaluate(context, manifest, &in, fit, &o, NULL, &epochs, &e));
    for (int k = 0; k < N_PERSONS; k++)
        files[k] = encoded(a.models[0][k][0], &sizes[k]);
    mexpr_evaluation_destroy(&e);
    mexpr_manifest_destroy(&manifest);
    free_album(&a);
}

/* Turned labels of a person change no weight where that person is held out, and do
 * elsewhere. */
static void test_labels_change_no_weight(void **state)
{
    (void)state;
    for (int who = 0; who < N_PERSONS; who++) {
        void *before[N_PERSONS], *after[N_PERSONS];
        size_t size[N_PERSONS], other[N_PERSONS];
        train_all(false, who, before, size);
        train_all(true, who, after, other);
        for (int k = 0; k < N_PERSONS; k++) {
            assert_int_equal(size[k], other[k]);
            assert_true((memcmp(before[k], after[k], size[k]) == 0) == (k == who));
            free(before[k]);
            free(after[k]);
        }
    }
}

/* Networks of inner folds are nobody's business, and of several systems only the chosen
 * one is applied. */
static void what_was_not_chosen_is_not_shown(void **state)
{
    (void)state;
    mexpr_evaluate_options o = MEXPR_EVALUATE_OPTIONS_INIT;
    int32_t epochs[2] = {2, 4};
    const mexpr_candidate list[2] = {{"a", fit, &epochs[0]}, {"b", fit, &epochs[1]}};
    static album a;
    mexpr_manifest *manifest = make_manifest();
    const mexpr_tensor_view in = view(values, N);
    a.fail_at = -1;
    o.watch = keep;
    o.watch_user = &a;
    for (o.joining = MEXPR_JOINING_SELECT; o.joining <= MEXPR_JOINING_LEARNED;
         o.joining += MEXPR_JOINING_LEARNED - MEXPR_JOINING_SELECT) {
        mexpr_evaluation *e;
        assert_ok(context, mexpr_evaluate_candidates(
                               context, manifest, &in, list, 2, &o, NULL, NULL, &e));
        const bool fused = o.joining == MEXPR_JOINING_LEARNED;
        assert_int_equal(a.n, N_PERSONS * (fused ? 2 : 1));
        for (int fold = 0; fold < N_PERSONS; fold++)
            for (int k = 0; k < 2; k++) {
                const bool shown = fused || mexpr_evaluation_chosen(e, 0, fold) == k;
                assert_int_equal(
                    mexpr_train_n_epochs(a.models[0][fold][k]), shown ? epochs[k] : 0);
                assert_int_equal(
                    mexpr_evaluation_n_epochs(e, 0, fold, k), shown ? epochs[k] : 0);
                if (shown)
                    assert_true(
                        a.weights[0][fold][k] == mexpr_evaluation_weight(e, 0, fold, k));
            }
        mexpr_evaluation_destroy(&e);
        free_album(&a);
    }
    mexpr_manifest_destroy(&manifest);
}

static void a_watcher_that_fails(void **state)
{
    (void)state;
    mexpr_evaluate_options o = MEXPR_EVALUATE_OPTIONS_INIT;
    static album a;
    int32_t epochs = 1;
    mexpr_manifest *manifest = make_manifest();
    const mexpr_tensor_view in = view(values, N);
    mexpr_evaluation *e;
    a.fail_at = 2;
    o.watch = keep;
    o.watch_user = &a;
    assert_int_equal(mexpr_evaluate(context, manifest, &in, fit, &o, NULL, &epochs, &e),
        MEXPR_E_INTERNAL);
    assert_null(e);
    assert_non_null(strstr(mexpr_context_last_error(context), "'2' held out"));
    assert_int_equal(a.n, 2);
    free_album(&a);
    mexpr_manifest_destroy(&manifest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(losses_are_those_of_the_training),
        cmocka_unit_test(many_epochs_are_thinned_out),
        cmocka_unit_test(no_losses),
        cmocka_unit_test(every_network_of_a_fold_is_shown),
        cmocka_unit_test(test_labels_change_no_weight),
        cmocka_unit_test(what_was_not_chosen_is_not_shown),
        cmocka_unit_test(a_watcher_that_fails),
    };
    return cmocka_run_group_tests_name("watch", tests, setup, teardown);
}
