/* SPDX-License-Identifier: MIT */
/* Choosing between ways of training and fusing them, by inner folds: what they see, what
 * comes out, and that labels of the fold change nothing of it. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "microexpr/evaluate.h"
#include "microexpr/fusion.h"
#include "support.h"

enum { N = 24, WIDTH = 5, N_WAYS = 2, N_PERSONS = 6, INNER = 3, MOST_FITS = 64 };

TEST_CONTEXT

/* Clip i is of person i % 6. Columns 0 and 1 of its input are the scores of way 0,
 * columns 2 and 3 those of way 1, the last is i. */
static float values[N * WIDTH];
static int32_t labels[N];

/* Way 0 is wrong on every fourth clip, way 1 on every third. */
static void fill(void)
{
    for (int i = 0; i < N; i++) {
        labels[i] = i / 6 % 2;
        const int taken[N_WAYS] = {
            i % 4 ? labels[i] : !labels[i], i % 3 ? labels[i] : !labels[i]};
        for (int k = 0; k < 2 * N_WAYS; k++)
            values[i * WIDTH + k] = taken[k / 2] == k % 2 ? 1.0f + 0.1f * (float)i : 0;
        values[i * WIDTH + 4] = (float)i;
    }
}

static mexpr_manifest *decode(const char *header, const char *(*line)(int))
{
    char text[4096];
    mexpr_manifest *manifest;
    int n = snprintf(text, sizeof text, "clip,subject,label%s\n", header);
    for (int i = 0; i < N; i++)
        n += snprintf(text + n, sizeof text - (size_t)n, "c%d,%d,%d%s\n", i,
            i % N_PERSONS, labels[i], line ? line(i) : "");
    assert_ok(context, mexpr_manifest_decode(context, text, (size_t)n, NULL, &manifest));
    return manifest;
}

static mexpr_tensor_view view(void)
{
    mexpr_tensor_view in = MEXPR_TENSOR_VIEW_INIT;
    in.dtype = MEXPR_DTYPE_F32;
    in.rank = 2;
    in.dims[0] = N;
    in.dims[1] = WIDTH;
    in.data = values;
    return in;
}

/* --- a way of training ------------------------------------------------------------- */

/* What fits were given, one after the other. */
typedef struct diary {
    int n;
    bool given[MOST_FITS][N];
    int way[MOST_FITS];
    uint64_t seed[MOST_FITS];
} diary;

typedef struct way {
    diary *diary; /* or NULL */
    int number;
    int gain_of_seed; /* not 0: scores are multiplied by 1 + the seed */
    mexpr_status fails;
} way;

static mexpr_status take_columns(
    mexpr_context *c, int way_number, float gain, mexpr_model **out)
{
    float weights[WIDTH * 2] = {0};
    static const int64_t dims[2] = {-1, WIDTH};
    const char *ins[2] = {"x", "weights"}, *result = "y";
    mexpr_tensor_view w = MEXPR_TENSOR_VIEW_INIT;
    mexpr_builder *builder;
    weights[4 * way_number] = weights[4 * way_number + 3] = gain;
    w.dtype = MEXPR_DTYPE_F32;
    w.rank = 2;
    w.dims[0] = WIDTH;
    w.dims[1] = 2;
    w.data = weights;
    assert_ok(c, mexpr_builder_create(c, "columns", &builder));
    mexpr_builder_input(builder, "x", MEXPR_DTYPE_F32, 2, dims);
    mexpr_builder_initializer(builder, "weights", &w, MEXPR_ROLE_CONSTANT);
    mexpr_builder_node(builder, "MatMul", NULL, ins, 2, &result, 1, NULL);
    mexpr_builder_output(builder, "y");
    const mexpr_status status = mexpr_builder_finish(builder, out);
    mexpr_builder_destroy(&builder);
    return status;
}

static mexpr_status fit(void *user, mexpr_context *c, const mexpr_tensor_view *inputs,
    const int32_t *given, int32_t n_classes, uint64_t seed, mexpr_model **out)
{
    const way *w = user;
    const float *rows = inputs->data;
    assert_int_equal(n_classes, 2);
    for (int64_t k = 0; w->diary && k < inputs->dims[0]; k++) {
        const int clip = (int)rows[k * WIDTH + 4];
        assert_int_equal(given[k], labels[clip]);
        w->diary->given[w->diary->n][clip] = true;
    }
    if (w->diary) {
        assert_true(w->diary->n < MOST_FITS);
        w->diary->way[w->diary->n] = w->number;
        w->diary->seed[w->diary->n++] = seed;
    }
    if (w->fails != MEXPR_OK)
        return w->fails;
    return take_columns(c, w->number, w->gain_of_seed ? 1 + (float)seed : 1, out);
}

static mexpr_evaluation *run(mexpr_context *c, const mexpr_manifest *manifest, diary *d,
    const mexpr_evaluate_options *o)
{
    way ways[N_WAYS] = {{d, 0, 0, MEXPR_OK}, {d, 1, 0, MEXPR_OK}};
    const mexpr_candidate candidates[N_WAYS] = {
        {"first", fit, &ways[0]}, {"second", fit, &ways[1]}};
    const mexpr_tensor_view in = view();
    mexpr_evaluation *e;
    assert_ok(c, mexpr_evaluate_candidates(
                     c, manifest, &in, candidates, N_WAYS, o, NULL, NULL, &e));
    return e;
}

/* UF1 of a way on all clips but those of a person. */
static double uf1_without(int way_number, int person)
{
    int32_t is[N], taken[N];
    int n = 0;
    mexpr_metrics m = MEXPR_METRICS_INIT;
    for (int i = 0; i < N; i++) {
        const float *scores = values + i * WIDTH + 2 * way_number;
        if (i % N_PERSONS == person)
            continue;
        is[n] = labels[i];
        taken[n++] = scores[1] > scores[0];
    }
    assert_ok(context, mexpr_metrics_compute(context, is, taken, n, 2, NULL, &m));
    return m.uf1;
}

/* --- what is seen ------------------------------------------------------------------ */

/* Nothing of the person held out in any fit, inner or outer, and inner folds that leave
 * out whole persons, each once. */
static void held_out_everywhere(void **state)
{
    (void)state;
    mexpr_evaluate_options o = MEXPR_EVALUATE_OPTIONS_INIT;
    static diary d;
    fill();
    d = (diary){0};
    mexpr_manifest *manifest = decode("", NULL);
    o.inner_folds = INNER;
    mexpr_evaluation *e = run(context, manifest, &d, &o);
    const int fits = N_WAYS * INNER + 1;
    assert_int_equal(d.n, N_PERSONS * fits);
    for (int k = 0; k < d.n; k++) {
        const int fold = k / fits, inner = k % fits;
        for (int i = 0; i < N; i++) {
            const int person = i % N_PERSONS;
            if (person == fold)
                assert_false(d.given[k][i]);
            assert_true(d.given[k][i] == d.given[k][person]); /* whole persons */
            if (inner == fits - 1)
                assert_true(d.given[k][i] == (person != fold));
        }
        assert_int_equal(d.way[k],
            inner == fits - 1 ? mexpr_evaluation_chosen(e, 0, fold) : inner % N_WAYS);
    }
    for (int fold = 0; fold < N_PERSONS; fold++)
        for (int person = 0; person < N_PERSONS; person++) {
            int left_out = 0;
            for (int k = 0; k < N_WAYS * INNER; k += N_WAYS)
                left_out += !d.given[fold * fits + k][person];
            assert_int_equal(left_out, person == fold ? INNER : 1);
        }
    mexpr_evaluation_destroy(&e);
    mexpr_manifest_destroy(&manifest);
}

/* Every joining: turned labels of a person change nothing of what is known of the
 * person's fold, neither choice nor weights nor scores. */
static void labels_of_the_fold_do_not_leak(void **state)
{
    (void)state;
    mexpr_evaluate_options o = MEXPR_EVALUATE_OPTIONS_INIT;
    const int who = 2;
    o.inner_folds = INNER;
    for (o.joining = MEXPR_JOINING_SELECT; o.joining <= MEXPR_JOINING_LEARNED;
         o.joining++) {
        double weights[2][N_WAYS], inner[2][N_WAYS];
        float scores[2][N][2];
        int32_t chosen[2];
        memset(scores, 0, sizeof scores);
        fill();
        for (int turned = 0; turned < 2; turned++) {
            for (int i = who; turned && i < N; i += N_PERSONS)
                labels[i] = !labels[i];
            mexpr_manifest *manifest = decode("", NULL);
            mexpr_evaluation *e = run(context, manifest, NULL, &o);
            chosen[turned] = mexpr_evaluation_chosen(e, 0, who);
            for (int k = 0; k < N_WAYS; k++) {
                weights[turned][k] = mexpr_evaluation_weight(e, 0, who, k);
                inner[turned][k] = mexpr_evaluation_inner_uf1(e, 0, who, k);
            }
            for (int i = who; i < N; i += N_PERSONS)
                memcpy(scores[turned][i], mexpr_evaluation_scores(e, i),
                    sizeof scores[turned][i]);
            mexpr_evaluation_destroy(&e);
            mexpr_manifest_destroy(&manifest);
        }
        assert_int_equal(chosen[0], chosen[1]);
        assert_memory_equal(weights[0], weights[1], sizeof weights[0]);
        assert_memory_equal(inner[0], inner[1], sizeof inner[0]);
        assert_memory_equal(scores[0], scores[1], sizeof scores[0]);
    }
}

/* --- what comes out ---------------------------------------------------------------- */

static void the_better_is_chosen(void **state)
{
    (void)state;
    mexpr_evaluate_options o = MEXPR_EVALUATE_OPTIONS_INIT;
    fill();
    mexpr_manifest *manifest = decode("", NULL);
    mexpr_evaluation *e = run(context, manifest, NULL, &o);
    assert_int_equal(mexpr_evaluation_n_candidates(e), N_WAYS);
    for (int fold = 0; fold < N_PERSONS; fold++) {
        const double uf1[2] = {uf1_without(0, fold), uf1_without(1, fold)};
        const int best = uf1[1] > uf1[0];
        assert_int_equal(mexpr_evaluation_chosen(e, 0, fold), best);
        for (int k = 0; k < N_WAYS; k++) {
            assert_float_equal(mexpr_evaluation_inner_uf1(e, 0, fold, k), uf1[k], 1e-12);
            assert_true(mexpr_evaluation_weight(e, 0, fold, k) == (k == best));
        }
        for (int i = fold; i < N; i += N_PERSONS)
            assert_memory_equal(mexpr_evaluation_scores(e, i),
                values + i * WIDTH + 2 * best, 2 * sizeof *values);
    }
    mexpr_evaluation_destroy(&e);
    mexpr_manifest_destroy(&manifest);
}

/* What the rule says of the ways' scores of clip i, with these weights. */
static void fused(int i, int32_t rule, const double *weights, float *out)
{
    const float *scores[N_WAYS] = {values + i * WIDTH, values + i * WIDTH + 2};
    assert_ok(
        context, mexpr_fuse_scores(context, scores, N_WAYS, 1, 2, rule, weights, out));
}

/* Weights of a joining without the clips of a person: the ways do not learn anything, so
 * their inner scores are their scores. */
static void weights_without(int32_t joining, int person, double *weights)
{
    float scores[N_WAYS][N * 2];
    const float *tables[N_WAYS] = {scores[0], scores[1]};
    int32_t is[N];
    int n = 0;
    weights[0] = weights[1] = 0.5;
    for (int i = 0; i < N; i++) {
        if (i % N_PERSONS == person)
            continue;
        for (int k = 0; k < N_WAYS; k++)
            memcpy(scores[k] + 2 * n, values + i * WIDTH + 2 * k, 2 * sizeof(float));
        is[n++] = labels[i];
    }
    if (joining == MEXPR_JOINING_LEARNED)
        assert_ok(context, mexpr_fuse_learn(context, tables, N_WAYS, n, 2, is, weights));
    if (joining == MEXPR_JOINING_WEIGHTED) {
        const double a = uf1_without(0, person) - 0.5, b = uf1_without(1, person) - 0.5;
        weights[0] = a / (a + b);
        weights[1] = b / (a + b);
    }
}

static void fusions(void **state)
{
    (void)state;
    mexpr_evaluate_options o = MEXPR_EVALUATE_OPTIONS_INIT;
    fill();
    mexpr_manifest *manifest = decode("", NULL);
    for (o.joining = MEXPR_JOINING_MEAN; o.joining <= MEXPR_JOINING_LEARNED;
         o.joining++) {
        const int32_t rule = o.joining == MEXPR_JOINING_PRODUCT ? MEXPR_FUSION_PRODUCT
                             : o.joining == MEXPR_JOINING_MAX   ? MEXPR_FUSION_MAX
                                                                : MEXPR_FUSION_MEAN;
        mexpr_evaluation *e = run(context, manifest, NULL, &o);
        for (int i = 0; i < N; i++) {
            const int fold = mexpr_evaluation_fold(e, i);
            double want[N_WAYS];
            float scores[2];
            weights_without(o.joining, fold, want);
            assert_int_equal(mexpr_evaluation_chosen(e, 0, fold), -1);
            for (int k = 0; k < N_WAYS; k++)
                assert_float_equal(mexpr_evaluation_weight(e, 0, fold, k), want[k], 1e-9);
            assert_true(isnan(mexpr_evaluation_inner_uf1(e, 0, fold, 0)) ==
                        (o.joining < MEXPR_JOINING_WEIGHTED));
            fused(i, rule, want, scores);
            assert_float_equal(mexpr_evaluation_scores(e, i)[0], scores[0], 1e-6);
        }
        mexpr_evaluation_destroy(&e);
    }
    mexpr_manifest_destroy(&manifest);
}

static void seeds(void **state)
{
    (void)state;
    mexpr_evaluate_options o = MEXPR_EVALUATE_OPTIONS_INIT;
    static diary d;
    way one = {&d, 1, 1, MEXPR_OK};
    const mexpr_candidate candidate = {NULL, fit, &one};
    const mexpr_tensor_view in = view();
    mexpr_evaluation *e;
    mexpr_metrics all = MEXPR_METRICS_INIT, m = MEXPR_METRICS_INIT;
    fill();
    d = (diary){0};
    mexpr_manifest *manifest = decode("", NULL);
    o.n_seeds = 3;
    o.seed = 7;
    assert_ok(context, mexpr_evaluate_candidates(
                           context, manifest, &in, &candidate, 1, &o, NULL, NULL, &e));
    assert_int_equal(mexpr_evaluation_n_seeds(e), 3);
    assert_int_equal(d.n, 3 * N_PERSONS);
    for (int k = 0; k < d.n; k++)
        assert_int_equal(d.seed[k], 7 + k / N_PERSONS);
    assert_ok(context, mexpr_evaluation_metrics(context, e, -1, NULL, &all));
    for (int seed = 0; seed < 3; seed++) {
        assert_ok(context, mexpr_evaluation_seed_metrics(context, e, seed, &m));
        assert_true(m.n == N && m.uf1 == all.uf1);
        assert_int_equal(mexpr_evaluation_chosen(e, seed, 3), 0);
        assert_int_equal(mexpr_evaluation_seed_predicted(e, seed, 3),
            mexpr_evaluation_predicted(e, 3));
    }
    double mean = 0; /* softmax of (0, x) with x of gain 8, 9 and 10 */
    const double x = (double)fmaxf(values[3 * WIDTH + 2], values[3 * WIDTH + 3]);
    for (int seed = 7; seed < 10; seed++)
        mean += 1 / (1 + exp(-x * (1 + seed))) / 3;
    const float *scores = mexpr_evaluation_scores(e, 3);
    assert_float_equal(fmaxf(scores[0], scores[1]), mean, 1e-6);
    mexpr_evaluation_destroy(&e);
    mexpr_manifest_destroy(&manifest);
}

static void threads_change_nothing(void **state)
{
    (void)state;
    mexpr_evaluate_options o = MEXPR_EVALUATE_OPTIONS_INIT;
    fill();
    mexpr_manifest *manifest = decode("", NULL);
    o.joining = MEXPR_JOINING_LEARNED;
    o.n_seeds = 2;
    mexpr_evaluation *one = run(context, manifest, NULL, &o);
    mexpr_context *many = test_context(NULL, 4);
    mexpr_evaluation *other = run(many, manifest, NULL, &o);
    for (int i = 0; i < N; i++)
        assert_memory_equal(mexpr_evaluation_scores(one, i),
            mexpr_evaluation_scores(other, i), 2 * sizeof(float));
    mexpr_evaluation_destroy(&one);
    mexpr_evaluation_destroy(&other);
    mexpr_context_destroy(&many);
    mexpr_manifest_destroy(&manifest);
}

/* --- databases --------------------------------------------------------------------- */

static const char *database(int i)
{
    static const char *const names[] = {",a", ",b", ",c"};
    return names[i % 3];
}

/* Persons 0 and 1 of the databases a and b are one, says the manifest. */
static const char *shared_person(int i)
{
    static const char *const rest[] = {",a,x", ",b,x", ",c,2", ",a,3", ",b,4", ",c,5"};
    return rest[i % N_PERSONS];
}

static void holdout(void **state)
{
    (void)state;
    mexpr_evaluate_options o = MEXPR_EVALUATE_OPTIONS_INIT;
    mexpr_metrics m = MEXPR_METRICS_INIT, high = MEXPR_METRICS_INIT;
    static diary d;
    fill();
    mexpr_manifest *manifest = decode(",dataset", database);
    o.protocol = MEXPR_PROTOCOL_HOLDOUT;
    o.test_dataset = "b";
    for (int only = 0; only < 2; only++) {
        o.train_dataset = only ? "c" : NULL;
        d = (diary){0};
        mexpr_evaluation *e = run(context, manifest, &d, &o);
        const int last = d.n - 1;
        assert_int_equal(mexpr_evaluation_n_folds(e), 1);
        for (int i = 0; i < N; i++) {
            const bool tested = i % 3 == 1;
            assert_true(d.given[last][i] == (only ? i % 3 == 2 : !tested));
            assert_int_equal(mexpr_evaluation_fold(e, i), tested ? 0 : -1);
            assert_true((mexpr_evaluation_scores(e, i) != NULL) == tested);
            assert_true((mexpr_evaluation_predicted(e, i) >= 0) == tested);
        }
        assert_ok(context, mexpr_evaluation_metrics(context, e, -1, NULL, &m));
        assert_int_equal(m.n, N / 3);
        assert_ok(context, mexpr_evaluation_metrics(context, e, 0, NULL, &m));
        assert_int_equal(m.n, 0);
        assert_ok(context, mexpr_evaluation_interval(context, e, &m, &high));
        mexpr_evaluation_destroy(&e);
    }
    mexpr_manifest_destroy(&manifest);
}

/* Who has clips in two databases is learnt from in neither's fold, if the manifest says
 * that it is one person; else these are two. */
static void person_of_two_databases(void **state)
{
    (void)state;
    mexpr_evaluate_options o = MEXPR_EVALUATE_OPTIONS_INIT;
    static diary d;
    fill();
    for (int said = 0; said < 2; said++) {
        mexpr_manifest *manifest = said ? decode(",dataset,person", shared_person)
                                        : decode(",dataset", database);
        o.protocol = MEXPR_PROTOCOL_HOLDOUT;
        o.test_dataset = "b";
        o.train_dataset = "a,c";
        d = (diary){0};
        mexpr_evaluation *e = run(context, manifest, &d, &o);
        for (int i = 0; i < N; i++) {
            const bool is_shared = said && i % N_PERSONS == 0;
            assert_true(d.given[d.n - 1][i] == (i % 3 != 1 && !is_shared));
        }
        mexpr_evaluation_destroy(&e);
        o = (mexpr_evaluate_options)MEXPR_EVALUATE_OPTIONS_INIT;
        e = run(context, manifest, NULL, &o);
        assert_int_equal(mexpr_evaluation_n_folds(e), said ? 5 : 6);
        assert_true((mexpr_evaluation_fold(e, 0) == mexpr_evaluation_fold(e, 1)) == said);
        mexpr_evaluation_destroy(&e);
        mexpr_manifest_destroy(&manifest);
    }
}

/* --- for good ---------------------------------------------------------------------- */

static mexpr_model *fit_all_clips(
    const mexpr_manifest *manifest, const mexpr_evaluate_options *o, double *weights)
{
    static diary d;
    d = (diary){0};
    way ways[N_WAYS] = {{&d, 0, 1, MEXPR_OK}, {&d, 1, 0, MEXPR_OK}};
    const mexpr_candidate candidates[N_WAYS] = {
        {"first", fit, &ways[0]}, {"second", fit, &ways[1]}};
    const mexpr_tensor_view in = view();
    mexpr_model *model;
    assert_ok(context, mexpr_fit_candidates(context, manifest, &in, candidates, N_WAYS, o,
                           weights, &model));
    /* The last networks have been trained on every clip. */
    for (int i = 0; i < N; i++)
        assert_true(d.given[d.n - 1][i]);
    return model;
}

static void score(mexpr_model *model, float *scores)
{
    const mexpr_tensor_view in = view();
    mexpr_tensor_view out = MEXPR_TENSOR_VIEW_INIT;
    mexpr_session *session;
    assert_int_equal(mexpr_session_create(model, &session), MEXPR_OK);
    assert_int_equal(mexpr_session_set_input(session, NULL, &in), MEXPR_OK);
    assert_int_equal(mexpr_session_run(session), MEXPR_OK);
    assert_int_equal(mexpr_session_output(session, NULL, &out), MEXPR_OK);
    memcpy(scores, out.data, 2 * N * sizeof *scores);
    mexpr_session_destroy(&session);
}

/* One network that gives what fusing the scores of its parts does, also over seeds. */
static void fused_for_good(void **state)
{
    (void)state;
    mexpr_evaluate_options o = MEXPR_EVALUATE_OPTIONS_INIT;
    o.joining = MEXPR_JOINING_WEIGHTED;
    o.inner_folds = INNER;
    o.seed = 3;
    o.n_seeds = 2;
    fill();
    mexpr_manifest *manifest = decode("", NULL);
    double weights[N_WAYS], want[N * 2] = {0};
    float scores[N * 2], parts[N_WAYS][N * 2], fused[N * 2];
    const float *const list[N_WAYS] = {parts[0], parts[1]};
    mexpr_model *model = fit_all_clips(manifest, &o, weights);
    assert_float_equal(weights[0] + weights[1], 1, 1e-9);
    assert_true(weights[0] > weights[1]);
    score(model, scores);
    for (int seed = 3; seed < 5; seed++) {
        for (int i = 0; i < N; i++)
            for (int k = 0; k < 2 * N_WAYS; k++)
                parts[k / 2][2 * i + k % 2] =
                    values[i * WIDTH + k] * (k < 2 ? (float)(1 + seed) : 1);
        assert_ok(context, mexpr_fuse_scores(context, list, N_WAYS, N, 2,
                               MEXPR_FUSION_MEAN, weights, fused));
        for (int k = 0; k < 2 * N; k++)
            want[k] += 0.5 * (double)fused[k];
    }
    for (int k = 0; k < 2 * N; k++)
        assert_float_equal(exp((double)scores[k]), want[k], 1e-5);
    mexpr_model_destroy(&model);
    mexpr_manifest_destroy(&manifest);
}

static void chosen_for_good(void **state)
{
    (void)state;
    mexpr_evaluate_options o = MEXPR_EVALUATE_OPTIONS_INIT;
    o.joining = MEXPR_JOINING_SELECT;
    o.inner_folds = INNER;
    fill();
    mexpr_manifest *manifest = decode("", NULL);
    float scores[N * 2];
    double weights[N_WAYS];
    mexpr_model *model = fit_all_clips(manifest, &o, weights);
    assert_true(weights[0] == 1 && weights[1] == 0);
    score(model, scores);
    for (int i = 0; i < N; i++)
        for (int k = 0; k < 2; k++)
            assert_true(scores[2 * i + k] == values[i * WIDTH + k]);
    mexpr_model_destroy(&model);
    mexpr_manifest_destroy(&manifest);
}

static void refusals(void **state)
{
    (void)state;
    mexpr_evaluate_options o = MEXPR_EVALUATE_OPTIONS_INIT;
    way ways[2] = {{NULL, 0, 0, MEXPR_OK}, {NULL, 1, 0, MEXPR_E_INTERNAL}};
    mexpr_candidate list[2] = {{"first", fit, &ways[0]}, {"second", fit, &ways[1]}};
    const mexpr_tensor_view in = view();
    mexpr_evaluation *e;
    fill();
    mexpr_manifest *manifest = decode(",dataset", database);
#define TRY(n)                                                                           \
    mexpr_evaluate_candidates(context, manifest, &in, list, n, &o, NULL, NULL, &e)
    assert_int_equal(TRY(2), MEXPR_E_INTERNAL);
    assert_non_null(strstr(mexpr_context_last_error(context), "held out: inner fold 0"));
    assert_non_null(strstr(mexpr_context_last_error(context), "'second'"));
    assert_failure(context, TRY(0), MEXPR_E_ARG, "no candidates");
    o.test_dataset = "a";
    assert_failure(context, TRY(1), MEXPR_E_ARG, "MEXPR_PROTOCOL_HOLDOUT");
    o.protocol = MEXPR_PROTOCOL_HOLDOUT;
    o.train_dataset = "b,z";
    assert_failure(context, TRY(1), MEXPR_E_NOT_FOUND, "no database 'z'");
    o.train_dataset = "a";
    assert_failure(context, TRY(1), MEXPR_E_RANGE, "trained on and tested on");
    o.train_dataset = NULL;
    o.test_dataset = "a,b,c";
    assert_failure(context, TRY(1), MEXPR_E_RANGE, "nothing is left to train on");
    o.test_dataset = NULL;
    assert_failure(context, TRY(1), MEXPR_E_ARG, "test_dataset is needed");
    list[0].fit = NULL;
    assert_failure(context, TRY(1), MEXPR_E_ARG, "candidate 0 has no function");
    /* Of two people one is held out, and the other cannot be dealt out. */
    char text[1024] = "clip,subject,label\n";
    for (int i = 0; i < N; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "c%d,%d,%d\n", i, i % 2,
            labels[i]);
    mexpr_manifest_destroy(&manifest);
    assert_ok(
        context, mexpr_manifest_decode(context, text, strlen(text), NULL, &manifest));
    o = (mexpr_evaluate_options)MEXPR_EVALUATE_OPTIONS_INIT;
    list[0].fit = fit;
    assert_failure(
        context, TRY(2), MEXPR_E_RANGE, "the training clips are of one person");
#undef TRY
    mexpr_manifest_destroy(&manifest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(held_out_everywhere),
        cmocka_unit_test(labels_of_the_fold_do_not_leak),
        cmocka_unit_test(the_better_is_chosen),
        cmocka_unit_test(fusions),
        cmocka_unit_test(seeds),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(holdout),
        cmocka_unit_test(person_of_two_databases),
        cmocka_unit_test(fused_for_good),
        cmocka_unit_test(chosen_for_good),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests_name("candidates", tests, setup, teardown);
}
