/* SPDX-License-Identifier: MIT */
/* Terms of a loss beside that of the scores: their values, their gradients, and what is
 * refused. The losses themselves are compared with PyTorch in test_loss.c. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "microexpr/train.h"
#include "model/model_handle.h"
#include "support.h"
#include "train/loss.h"

enum { N = 6, FEATURES = 2, HIDDEN = 3, CLASSES = 2, N_WEIGHTS = 4 };

TEST_CONTEXT

/* a = x wa, b = x wb, scores = (a + b) wc, aux = a wd, proposals = sigmoid(aux); flat has
 * no rows. */
static const struct weight {
    const char *name;
    int rows, columns;
} weights[N_WEIGHTS] = {{"wa", FEATURES, HIDDEN}, {"wb", FEATURES, HIDDEN},
    {"wc", HIDDEN, CLASSES}, {"wd", HIDDEN, CLASSES}};

static float values[N_WEIGHTS][HIDDEN * HIDDEN];
static float points[N * FEATURES];
static int32_t labels[N];

static mexpr_tensor_view view(int64_t rows, int64_t columns, const float *data)
{
    mexpr_tensor_view v = MEXPR_TENSOR_VIEW_INIT;
    v.dtype = MEXPR_DTYPE_F32;
    v.rank = 2;
    v.dims[0] = rows;
    v.dims[1] = columns;
    v.data = data;
    return v;
}

static void product(mexpr_builder *b, const char *x, const char *w, const char *out)
{
    const char *in[2] = {x, w};
    mexpr_builder_node(b, "MatMul", "", in, 2, &out, 1, NULL);
}

static mexpr_model *make_model(void)
{
    static const int64_t dims[2] = {-1, FEATURES};
    const char *const both[2] = {"a", "b"}, *sum = "sum", *aux = "aux";
    const char *proposals = "proposals", *flat = "flat";
    mexpr_builder *b;
    mexpr_model *model;
    assert_ok(context, mexpr_builder_create(context, "terms", &b));
    mexpr_builder_input(b, "x", MEXPR_DTYPE_F32, 2, dims);
    for (int k = 0; k < N_WEIGHTS; k++) {
        const mexpr_tensor_view v = view(weights[k].rows, weights[k].columns, values[k]);
        mexpr_builder_initializer(b, weights[k].name, &v, MEXPR_ROLE_PARAMETER);
    }
    product(b, "x", "wa", "a");
    product(b, "x", "wb", "b");
    mexpr_builder_node(b, "Add", "", both, 2, &sum, 1, NULL);
    product(b, sum, "wc", "scores");
    product(b, "a", "wd", aux);
    mexpr_builder_node(b, "Sigmoid", "", &aux, 1, &proposals, 1, NULL);
    mexpr_builder_int(b, "keepdims", 0);
    mexpr_builder_node(b, "ReduceMean", "", &sum, 1, &flat, 1, NULL);
    mexpr_builder_output(b, "scores");
    mexpr_builder_output(b, "a");
    mexpr_builder_output(b, "b");
    mexpr_builder_output(b, "aux");
    mexpr_builder_output(b, "proposals");
    assert_ok(context, mexpr_builder_finish(b, &model));
    mexpr_builder_destroy(&b);
    return model;
}

static void fill(void)
{
    for (int k = 0; k < N_WEIGHTS; k++)
        for (int i = 0; i < HIDDEN * HIDDEN; i++)
            values[k][i] = sinf((float)(1.7 * i + k));
    for (int i = 0; i < N * FEATURES; i++)
        points[i] = cosf((float)(0.9 * i));
    for (int i = 0; i < N; i++)
        labels[i] = i * i % 3 == 1;
}

/* Rate 0, everything in one batch, in order. */
static mexpr_trainer_options options(const char *terms)
{
    mexpr_trainer_options o = MEXPR_TRAINER_OPTIONS_INIT;
    o.optimiser = MEXPR_OPTIMISER_SGD;
    o.momentum = 0;
    o.rate = 0;
    o.epochs = 1;
    o.is_shuffled = 0;
    o.terms = terms;
    return o;
}

static mexpr_trainer *train(const mexpr_trainer_options *o)
{
    const mexpr_tensor_view in = view(N, FEATURES, points);
    mexpr_trainer *trainer;
    mexpr_model *model = make_model();
    assert_ok(
        context, mexpr_trainer_create(context, model, &in, labels, CLASSES, o, &trainer));
    mexpr_model_destroy(&model);
    assert_int_equal(mexpr_trainer_run(trainer, NULL, NULL), MEXPR_OK);
    return trainer;
}

static double loss_with(const char *terms)
{
    const mexpr_trainer_options o = options(terms);
    mexpr_trainer *trainer = train(&o);
    const double loss = mexpr_trainer_loss(trainer, 0);
    mexpr_trainer_destroy(&trainer);
    return loss;
}

/* --- values ------------------------------------------------------------------------- */

typedef struct outputs {
    float scores[N * CLASSES], a[N * HIDDEN], b[N * HIDDEN], aux[N * CLASSES],
        proposals[N * CLASSES];
} outputs;

static void copy(mexpr_session *session, const char *name, float *to, size_t size)
{
    mexpr_tensor_view v = MEXPR_TENSOR_VIEW_INIT;
    assert_int_equal(mexpr_session_output(session, name, &v), MEXPR_OK);
    memcpy(to, v.data, size);
}

static outputs run_model(void)
{
    const mexpr_tensor_view in = view(N, FEATURES, points);
    mexpr_model *model = make_model();
    mexpr_session *session;
    outputs o;
    assert_int_equal(mexpr_session_create(model, &session), MEXPR_OK);
    assert_int_equal(mexpr_session_set_input(session, NULL, &in), MEXPR_OK);
    assert_int_equal(mexpr_session_run(session), MEXPR_OK);
    copy(session, "scores", o.scores, sizeof o.scores);
    copy(session, "a", o.a, sizeof o.a);
    copy(session, "b", o.b, sizeof o.b);
    copy(session, "aux", o.aux, sizeof o.aux);
    copy(session, "proposals", o.proposals, sizeof o.proposals);
    mexpr_session_destroy(&session);
    mexpr_model_destroy(&model);
    return o;
}

static double binary(const float *p)
{
    double sum = 0;
    for (int i = 0; i < N * CLASSES; i++)
        sum -= log(i % CLASSES == labels[i / CLASSES] ? (double)p[i] : 1 - (double)p[i]);
    return sum / N;
}

static void values_are_added(void **state)
{
    (void)state;
    double work[N * (2 * N - 1)];
    float targets[N * CLASSES] = {0};
    fill();
    for (int i = 0; i < N; i++)
        targets[i * CLASSES + labels[i]] = 1;
    const outputs o = run_model();
    const mx_loss_options standard = MX_LOSS_OPTIONS_INIT;
    const mx_loss_batch aux = {N, CLASSES, o.aux, targets};
    const mx_loss_pair pair = {N, HIDDEN, o.a, o.b, NULL, NULL};
    const mx_loss_pair heads = {N, CLASSES, o.scores, o.aux, NULL, NULL};
    const mx_loss_cloud cloud = {N, HIDDEN, o.a, labels, 0.1, work};
    const mx_loss_cloud warm = {N, HIDDEN, o.b, labels, 0.5, work};
    mx_loss_sets sets = {N, N, HIDDEN, o.a, o.b, NULL, NULL, 0};
    sets.bandwidth = mx_loss_bandwidth(&sets, work);
    const struct {
        const char *terms;
        double value;
    } cases[] = {
        {"scores:0.5:aux",
            0.5 * mx_loss_scores(MX_LOSS_CROSS_ENTROPY, &standard, &aux, 0, NULL)},
        {"proposals:2:proposals", 2 * binary(o.proposals)},
        {"cosine:0.25:a,b", 0.25 * mx_loss_cosine(&pair, 0)},
        {"kl:1:a,b", mx_loss_kl(&pair, 1, 0)},
        {" kl@4 : 1 : scores , aux ", mx_loss_kl(&heads, 4, 0)},
        {"js:3:b,a", 3 * mx_loss_js(&pair, 0)},
        {"contrastive:1:a", mx_loss_contrastive(&cloud, 0, NULL)},
        {"contrastive@0.5:1e1:b", 10 * mx_loss_contrastive(&warm, 0, NULL)},
        {"mmd:1:a,b", mx_loss_mmd(&sets, 0)},
        {"cosine:1:a,b;js:1:a,b;cosine:1:a,b",
            2 * mx_loss_cosine(&pair, 0) + mx_loss_js(&pair, 0)},
        {"", 0},
    };
    const double alone = loss_with(NULL);
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        const double added = loss_with(cases[k].terms) - alone;
        if (fabs(added - cases[k].value) > 1e-5 * fmax(1, fabs(added)))
            fail_msg("%s adds %.9g, not %.9g", cases[k].terms, added, cases[k].value);
    }
}

/* --- gradients ---------------------------------------------------------------------- */

/* The weight by which a step of SGD with rate 1 has moved. */
static void step(const char *terms, float moved[N_WEIGHTS][HIDDEN * HIDDEN])
{
    mexpr_trainer_options o = options(terms);
    mexpr_model *model;
    o.rate = 1;
    mexpr_trainer *trainer = train(&o);
    assert_int_equal(mexpr_trainer_model(trainer, &model), MEXPR_OK);
    for (int k = 0; k < N_WEIGHTS; k++) {
        const int at = mx_graph_find(&model->graph, weights[k].name);
        const float *now = model->graph.values[at].tensor.data;
        for (int i = 0; i < weights[k].rows * weights[k].columns; i++)
            moved[k][i] = values[k][i] - now[i];
    }
    mexpr_model_destroy(&model);
    mexpr_trainer_destroy(&trainer);
}

/* But for mmd, whose bandwidth is taken as it is. */
static void gradients_are_added(void **state)
{
    (void)state;
    static const char *const cases[] = {"scores:0.5:aux", "proposals:2:proposals",
        "cosine:1:a,b", "kl:1:a,b", "kl@2:0.5:scores,aux", "js:3:b,a",
        "contrastive@1:1:a", "cosine:1:a,b;contrastive@1:1:a;js:1:aux,scores"};
    const float h = 1e-2f;
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        float got[N_WEIGHTS][HIDDEN * HIDDEN];
        fill();
        step(cases[c], got);
        for (int k = 0; k < N_WEIGHTS; k++)
            for (int i = 0; i < weights[k].rows * weights[k].columns; i++) {
                const float was = values[k][i];
                values[k][i] = was + h;
                double slope = loss_with(cases[c]);
                values[k][i] = was - h;
                slope = (slope - loss_with(cases[c])) / (2 * (double)h);
                values[k][i] = was;
                if (fabs(slope - (double)got[k][i]) > 2e-3 * fmax(1, fabs(slope)))
                    fail_msg("%s: by %s[%d] it is %.6g, not %.6g", cases[c],
                        weights[k].name, i, (double)got[k][i], slope);
            }
    }
}

static void sets_come_nearer(void **state)
{
    (void)state;
    mexpr_trainer_options o = options("mmd:1:a,b");
    fill();
    o.rate = 0.05;
    o.epochs = 200;
    o.frozen = "wc";
    mexpr_trainer *trainer = train(&o);
    const double first = mexpr_trainer_loss(trainer, 0);
    assert_true(mexpr_trainer_loss(trainer, 199) < 0.7 * first);
    mexpr_trainer_destroy(&trainer);
}

/* --- what is refused ---------------------------------------------------------------- */

static void refused(void **state)
{
    (void)state;
    static const struct {
        const char *terms;
        mexpr_status status;
        const char *part;
    } cases[] = {
        {"l2:1:a,b", MEXPR_E_RANGE, "term 'l2:1:a,b': kinds are scores"},
        {"kl:1:a,b;x", MEXPR_E_RANGE, "term 'x': kinds are"},
        {"kl:0:a,b", MEXPR_E_RANGE, "weight is above 0"},
        {"kl:nan:a,b", MEXPR_E_RANGE, "weight is above 0"},
        {"kl", MEXPR_E_RANGE, "weight is above 0"},
        {"kl@0:1:a,b", MEXPR_E_RANGE, "temperature of 0.001"},
        {"js@2:1:a,b", MEXPR_E_RANGE, "temperature of 0.001"},
        {"kl:1:a", MEXPR_E_RANGE, "it is of two: KIND:WEIGHT:A,B"},
        {"contrastive:1:", MEXPR_E_RANGE, "it is of one tensor"},
        {"contrastive:1:a,b", MEXPR_E_RANGE, "too many tensors"},
        {"kl:1:a,q", MEXPR_E_NOT_FOUND, "no node of the network makes 'q'"},
        {"kl:1:x,a", MEXPR_E_NOT_FOUND, "no node of the network makes 'x'"},
        {"kl:1:a,scores", MEXPR_E_SHAPE, "rows of another length"},
        {"scores:1:a", MEXPR_E_SHAPE, "'a' does not have 2 numbers for every clip"},
        {"contrastive:1:flat", MEXPR_E_SHAPE, "'flat' does not have a row"},
        {"js:1:a,b;js:1:a,b;js:1:a,b;js:1:a,b;js:1:a,b;js:1:a,b;js:1:a,b;js:1:a,b;js:1:a,"
         "b",
            MEXPR_E_LIMIT, "8 terms"},
    };
    const mexpr_tensor_view in = view(N, FEATURES, points);
    mexpr_trainer *trainer;
    fill();
    mexpr_model *model = make_model();
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        const mexpr_trainer_options o = options(cases[k].terms);
        assert_failure(context,
            mexpr_trainer_create(context, model, &in, labels, CLASSES, &o, &trainer),
            cases[k].status, cases[k].part);
        assert_null(trainer);
    }
    mexpr_model_destroy(&model);
}

/* A checkpoint of other terms is one of other options. */
static void resumed(void **state)
{
    (void)state;
    mexpr_trainer_options o = options("js:1:a,b");
    fill();
    o.checkpoint = test_path("terms");
    mexpr_trainer *trainer = train(&o);
    mexpr_trainer_destroy(&trainer);
    trainer = train(&o);
    assert_int_equal(mexpr_trainer_resume(trainer, o.checkpoint), MEXPR_OK);
    mexpr_trainer_destroy(&trainer);
    const char *path = o.checkpoint;
    o.terms = "js:2:a,b";
    o.checkpoint = NULL;
    trainer = train(&o);
    assert_int_equal(mexpr_trainer_resume(trainer, path), MEXPR_E_STATE);
    assert_non_null(strstr(mexpr_trainer_last_error(trainer), "other options"));
    mexpr_trainer_destroy(&trainer);
}

/* What the pairs of a batch need is told before training, and kept for all of it. */
static void memory(void **state)
{
    (void)state;
    test_heap heap;
    mexpr_context_options small = MEXPR_CONTEXT_OPTIONS_INIT;
    mexpr_context *own = context, *tight = NULL;
    mexpr_trainer_options o = options("mmd:1:a,b;contrastive:1:a");
    const mexpr_tensor_view in = view(N, FEATURES, points);
    mexpr_trainer *trainer;
    fill();
    mexpr_model *model = make_model();
    small.max_tensor_bytes = 500; /* of 66 pairs 528 */
    assert_int_equal(mexpr_context_create(&small, &tight), MEXPR_OK);
    assert_failure(tight,
        mexpr_trainer_create(tight, model, &in, labels, CLASSES, &o, &trainer),
        MEXPR_E_LIMIT, "max_tensor_bytes for 6 clips");
    mexpr_context_destroy(&tight);
    mexpr_model_destroy(&model);
    test_heap_init(&heap);
    context = test_context(&heap, 1);
    o.epochs = 100;
    model = make_model();
    assert_ok(context,
        mexpr_trainer_create(context, model, &in, labels, CLASSES, &o, &trainer));
    mexpr_model_destroy(&model);
    for (int k = 0; k < 2; k++)
        assert_int_equal(mexpr_trainer_epoch(trainer), MEXPR_OK);
    const long n = heap.n_allocs;
    assert_int_equal(mexpr_trainer_run(trainer, NULL, NULL), MEXPR_OK);
    assert_int_equal(heap.n_allocs, n);
    mexpr_trainer_destroy(&trainer);
    mexpr_context_destroy(&context);
    assert_int_equal(heap.live_blocks, 0);
    context = own;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_added),
        cmocka_unit_test(gradients_are_added),
        cmocka_unit_test(sets_come_nearer),
        cmocka_unit_test(refused),
        cmocka_unit_test(resumed),
        cmocka_unit_test(memory),
    };
    return cmocka_run_group_tests_name("trainer_terms", tests, setup, teardown);
}
