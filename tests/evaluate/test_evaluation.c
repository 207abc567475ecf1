/* SPDX-License-Identifier: MIT */
/* Which clips a fold's training is given, and that nothing of the fold is among them. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/scope.h"
#include "microexpr/evaluate.h"
#include "support.h"

enum { N_CLIPS = 24, N_CLASSES = 2, N_FOLDS_MOST = 24 };

static mexpr_context *context;

/* Clip i is of person i % 5 in database i % 2; ten people. Its input is (i, 10). */
static float values[N_CLIPS * 2];
static int32_t labels[N_CLIPS];

static int setup(void **state)
{
    (void)state;
    context = test_context(NULL, 1);
    for (int i = 0; i < N_CLIPS; i++)
        labels[i] = i % 3 == 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    mexpr_context_destroy(&context);
    return 0;
}

static mexpr_manifest *make_manifest(void)
{
    char text[4096];
    mexpr_manifest *manifest;
    int n = snprintf(text, sizeof text, "clip,dataset,subject,label\n");
    for (int i = 0; i < N_CLIPS; i++) {
        n += snprintf(text + n, sizeof text - (size_t)n, "c%d,d%d,%d,%d\n", i, i % 2,
            i % 5, labels[i]);
        values[2 * i] = (float)i;
        values[2 * i + 1] = 10;
    }
    assert_ok(context, mexpr_manifest_decode(context, text, (size_t)n, NULL, &manifest));
    return manifest;
}

static mexpr_tensor_view inputs_view(void)
{
    mexpr_tensor_view view = MEXPR_TENSOR_VIEW_INIT;
    view.dtype = MEXPR_DTYPE_F32;
    view.rank = 2;
    view.dims[0] = N_CLIPS;
    view.dims[1] = 2;
    view.data = values;
    return view;
}

/* --- a way of training that keeps a diary ------------------------------------------ */

typedef struct diary {
    int n_folds;
    bool given[N_FOLDS_MOST][N_CLIPS];
    int32_t label[N_FOLDS_MOST][N_CLIPS];
    int fail_at, stop_at; /* -1: never */
    uint64_t seed;
} diary;

/* The scores are the inputs: class 0 from clip 10 on (of equal ones the first wins). */
static mexpr_status write_down(void *user, mexpr_context *c,
    const mexpr_tensor_view *inputs, const int32_t *train_labels, int32_t n_classes,
    uint64_t seed, mexpr_model **out)
{
    diary *d = user;
    const float *rows = inputs->data;
    static const int64_t dims[2] = {-1, 2};
    const char *in = "x", *result = "y";
    mexpr_builder *builder;
    assert_int_equal(n_classes, N_CLASSES);
    for (int64_t k = 0; k < inputs->dims[0]; k++) {
        const int clip = (int)rows[2 * k];
        assert_false(d->given[d->n_folds][clip]);
        d->given[d->n_folds][clip] = true;
        d->label[d->n_folds][clip] = train_labels[k];
    }
    d->seed = seed;
    *out = NULL;
    if (d->n_folds++ == d->fail_at)
        return MEXPR_E_INTERNAL;
    assert_ok(c, mexpr_builder_create(c, "as it is", &builder));
    mexpr_builder_input(builder, "x", MEXPR_DTYPE_F32, 2, dims);
    mexpr_builder_node(builder, "Identity", NULL, &in, 1, &result, 1, NULL);
    mexpr_builder_output(builder, "y");
    const mexpr_status status = mexpr_builder_finish(builder, out);
    mexpr_builder_destroy(&builder);
    return status;
}

static int32_t count(void *user, uint64_t done, uint64_t total)
{
    const diary *d = user;
    assert_int_equal(done, d->n_folds);
    assert_true(done <= total);
    return d->n_folds == d->stop_at;
}

static diary blank(void)
{
    return (diary){.fail_at = -1, .stop_at = -1};
}

static mexpr_evaluation *run(
    const mexpr_manifest *manifest, mexpr_evaluate_options o, diary *d)
{
    mexpr_evaluation *e;
    const mexpr_tensor_view inputs = inputs_view();
    assert_ok(context,
        mexpr_evaluate(context, manifest, &inputs, write_down, &o, count, d, &e));
    assert_int_equal(mexpr_evaluation_n_folds(e), d->n_folds);
    return e;
}

/* --- folds ------------------------------------------------------------------------- */

static int person_of(int clip)
{
    return clip % 10; /* of 5 in each of two databases: i mod 5 and i mod 2 */
}

static void every_fold_is_held_out(void **state)
{
    (void)state;
    mexpr_evaluate_options o = MEXPR_EVALUATE_OPTIONS_INIT;
    mexpr_manifest *manifest = make_manifest();
    o.n_folds = 3;
    for (o.protocol = MEXPR_PROTOCOL_LOSO; o.protocol <= MEXPR_PROTOCOL_DATASET;
         o.protocol++) {
        diary d = blank();
        mexpr_evaluation *e = run(manifest, o, &d);
        const int want[] = {10, 3, 2};
        assert_int_equal(d.n_folds, want[o.protocol - 1]);
        for (int i = 0; i < N_CLIPS; i++) {
            const int fold = mexpr_evaluation_fold(e, i);
            for (int k = 0; k < d.n_folds; k++)
                assert_true(d.given[k][i] == (k != fold));
            for (int j = 0; j < N_CLIPS; j++) {
                if (person_of(i) == person_of(j)) /* never torn apart */
                    assert_int_equal(fold, mexpr_evaluation_fold(e, j));
                if (o.protocol == MEXPR_PROTOCOL_LOSO)
                    assert_true((fold == mexpr_evaluation_fold(e, j)) ==
                                (person_of(i) == person_of(j)));
            }
        }
        mexpr_evaluation_destroy(&e);
    }
    mexpr_manifest_destroy(&manifest);
}

static void draws_follow_the_seed(void **state)
{
    (void)state;
    mexpr_evaluate_options o = MEXPR_EVALUATE_OPTIONS_INIT;
    mexpr_manifest *manifest = make_manifest();
    int folds[3][N_CLIPS];
    o.protocol = MEXPR_PROTOCOL_KFOLD;
    o.n_folds = 4;
    for (int k = 0; k < 3; k++) {
        diary d = blank();
        o.seed = k == 2 ? 6 : 5;
        mexpr_evaluation *e = run(manifest, o, &d);
        assert_int_equal(d.seed, o.seed);
        for (int i = 0; i < N_CLIPS; i++)
            folds[k][i] = mexpr_evaluation_fold(e, i);
        mexpr_evaluation_destroy(&e);
    }
    assert_memory_equal(folds[0], folds[1], sizeof folds[0]);
    assert_memory_not_equal(folds[0], folds[2], sizeof folds[0]);
    mexpr_manifest_destroy(&manifest);
}

/* What training sees of a fold must not change with the fold's own labels. */
static void labels_do_not_leak(void **state)
{
    (void)state;
    const mexpr_evaluate_options o = MEXPR_EVALUATE_OPTIONS_INIT;
    diary before = blank(), after = blank();
    mexpr_manifest *manifest = make_manifest();
    mexpr_evaluation *e = run(manifest, o, &before);
    const int fold = mexpr_evaluation_fold(e, 3);
    mexpr_evaluation_destroy(&e);
    mexpr_manifest_destroy(&manifest);
    for (int i = 0; i < N_CLIPS; i++)
        labels[i] = person_of(i) == person_of(3) ? !labels[i] : labels[i];
    manifest = make_manifest();
    e = run(manifest, o, &after);
    assert_memory_equal(before.given, after.given, sizeof before.given);
    for (int k = 0; k < before.n_folds; k++)
        assert_true((memcmp(before.label[k], after.label[k], sizeof before.label[k]) ==
                        0) == (k == fold));
    mexpr_evaluation_destroy(&e);
    mexpr_manifest_destroy(&manifest);
}

/* --- results ----------------------------------------------------------------------- */

static void predictions(void **state)
{
    (void)state;
    diary d = blank();
    for (int i = 0; i < N_CLIPS; i++)
        labels[i] = i < 12;
    mexpr_manifest *manifest = make_manifest();
    mexpr_evaluation *e =
        run(manifest, (mexpr_evaluate_options)MEXPR_EVALUATE_OPTIONS_INIT, &d);
    for (int i = 0; i < N_CLIPS; i++) {
        assert_int_equal(mexpr_evaluation_predicted(e, i), i < 10);
        assert_true(mexpr_evaluation_scores(e, i)[0] == i);
    }
    mexpr_metrics m = MEXPR_METRICS_INIT, half = MEXPR_METRICS_INIT;
    mexpr_metrics low = MEXPR_METRICS_INIT, high = MEXPR_METRICS_INIT;
    int64_t confusion[4];
    assert_ok(context, mexpr_evaluation_metrics(context, e, -1, confusion, &m));
    assert_int_equal(m.n, N_CLIPS);
    assert_float_equal(m.accuracy, 22.0 / 24, 1e-12);
    assert_int_equal(confusion[2], 2);
    assert_ok(context, mexpr_evaluation_metrics(context, e, 1, NULL, &half));
    assert_int_equal(half.n, 12);
    assert_float_equal(half.accuracy, 11.0 / 12, 1e-12);
    assert_ok(context, mexpr_evaluation_interval(context, e, &low, &high));
    assert_true(low.uf1 < m.uf1 && m.uf1 < high.uf1);
    mexpr_evaluation_destroy(&e);
    mexpr_manifest_destroy(&manifest);
}

/* --- folds side by side ------------------------------------------------------------ */

/* A network that knows how much it was trained on: scores are (x, number of clips). */
static mexpr_status counting(void *user, mexpr_context *c,
    const mexpr_tensor_view *inputs, const int32_t *train_labels, int32_t n_classes,
    uint64_t seed, mexpr_model **out)
{
    const float n = (float)inputs->dims[0];
    const float weights[4] = {1, 0, 0, n / 10};
    static const int64_t dims[2] = {-1, 2};
    const char *ins[2] = {"x", "weights"}, *result = "y";
    mexpr_tensor_view view = MEXPR_TENSOR_VIEW_INIT;
    mexpr_builder *builder;
    (void)train_labels;
    (void)n_classes;
    (void)seed;
    if (user && n == *(const float *)user)
        return mx_fail(
            mx_context_scope(c), MEXPR_E_INTERNAL, "%g clips are bad", (double)n);
    view.dtype = MEXPR_DTYPE_F32;
    view.rank = 2;
    view.dims[0] = view.dims[1] = 2;
    view.data = weights;
    assert_ok(c, mexpr_builder_create(c, "counting", &builder));
    mexpr_builder_input(builder, "x", MEXPR_DTYPE_F32, 2, dims);
    mexpr_builder_initializer(builder, "weights", &view, MEXPR_ROLE_CONSTANT);
    mexpr_builder_node(builder, "MatMul", NULL, ins, 2, &result, 1, NULL);
    mexpr_builder_output(builder, "y");
    const mexpr_status status = mexpr_builder_finish(builder, out);
    mexpr_builder_destroy(&builder);
    return status;
}

static void threads_change_nothing(void **state)
{
    (void)state;
    const mexpr_tensor_view inputs = inputs_view();
    mexpr_manifest *manifest = make_manifest();
    for (int threads = 1; threads <= 4; threads++) {
        mexpr_context *many = test_context(NULL, threads);
        mexpr_evaluation *e;
        float bad = 21; /* clips left by people with three */
        assert_ok(many,
            mexpr_evaluate(many, manifest, &inputs, counting, NULL, NULL, NULL, &e));
        for (int i = 0; i < N_CLIPS; i++) {
            const int held_out = person_of(i) < 4 ? 3 : 2;
            assert_true(mexpr_evaluation_scores(e, i)[0] == i);
            assert_true(mexpr_evaluation_scores(e, i)[1] == N_CLIPS - held_out);
        }
        mexpr_evaluation_destroy(&e);
        assert_failure(many,
            mexpr_evaluate(many, manifest, &inputs, counting, NULL, NULL, &bad, &e),
            MEXPR_E_INTERNAL, "held out: 21 clips are bad");
        assert_non_null(strstr(mexpr_context_last_error(many), "'d0/0'"));
        assert_null(e);
        mexpr_context_destroy(&many);
    }
    mexpr_manifest_destroy(&manifest);
}

static void ends_early(void **state)
{
    (void)state;
    const mexpr_evaluate_options o = MEXPR_EVALUATE_OPTIONS_INIT;
    const mexpr_tensor_view inputs = inputs_view();
    mexpr_manifest *manifest = make_manifest();
    mexpr_evaluation *e;
    diary d = blank();
    d.fail_at = 2;
    assert_int_equal(
        mexpr_evaluate(context, manifest, &inputs, write_down, &o, count, &d, &e),
        MEXPR_E_INTERNAL);
    assert_null(e);
    assert_int_equal(d.n_folds, 3);
    d = blank();
    d.stop_at = 2;
    assert_failure(context,
        mexpr_evaluate(context, manifest, &inputs, write_down, &o, count, &d, &e),
        MEXPR_E_CANCELLED, "asked to stop");
    assert_null(e);
    mexpr_manifest_destroy(&manifest);
}

static void refusals(void **state)
{
    (void)state;
    static const char one[] = "clip,subject,label\na,1,0\nb,1,1\n";
    static const char open[] = "clip,subject,label\na,1,0\nb,2,\n";
    mexpr_evaluate_options o = MEXPR_EVALUATE_OPTIONS_INIT;
    mexpr_tensor_view inputs = inputs_view();
    mexpr_manifest *manifest;
    mexpr_evaluation *e;
    diary d = blank();
    inputs.dims[0] = 2;
    assert_ok(
        context, mexpr_manifest_decode(context, one, sizeof one - 1, NULL, &manifest));
    assert_failure(context,
        mexpr_evaluate(context, manifest, &inputs, write_down, &o, NULL, &d, &e),
        MEXPR_E_RANGE, "everything is one fold");
    o.protocol = MEXPR_PROTOCOL_KFOLD;
    assert_failure(context,
        mexpr_evaluate(context, manifest, &inputs, write_down, &o, NULL, &d, &e),
        MEXPR_E_RANGE, "10 folds of 1 persons");
    inputs.dims[0] = 3;
    assert_failure(context,
        mexpr_evaluate(context, manifest, &inputs, write_down, &o, NULL, &d, &e),
        MEXPR_E_SHAPE, "3 clips, the manifest of 2");
    mexpr_manifest_destroy(&manifest);
    static const char none[] = "clip,subject,label\n";
    inputs.dims[0] = 0;
    assert_ok(
        context, mexpr_manifest_decode(context, none, sizeof none - 1, NULL, &manifest));
    assert_failure(context,
        mexpr_evaluate(context, manifest, &inputs, write_down, NULL, NULL, &d, &e),
        MEXPR_E_SHAPE, "the inputs are of 0 clips, the manifest of 0");
    mexpr_manifest_destroy(&manifest);
    manifest = make_manifest();
    inputs.dims[0] = N_CLIPS;
    values[7] = NAN;
    assert_failure(context,
        mexpr_evaluate(context, manifest, &inputs, write_down, NULL, NULL, &d, &e),
        MEXPR_E_RANGE, "the input of clip 3 is not finite");
    mexpr_manifest_destroy(&manifest);
    inputs.dims[0] = 2;
    assert_ok(
        context, mexpr_manifest_decode(context, open, sizeof open - 1, NULL, &manifest));
    assert_failure(context,
        mexpr_evaluate(context, manifest, &inputs, write_down, NULL, NULL, &d, &e),
        MEXPR_E_RANGE, "line 3 of the manifest has no label");
    mexpr_manifest_destroy(&manifest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_fold_is_held_out),
        cmocka_unit_test(draws_follow_the_seed),
        cmocka_unit_test(labels_do_not_leak),
        cmocka_unit_test(predictions),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(ends_early),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests_name("evaluation", tests, setup, teardown);
}
