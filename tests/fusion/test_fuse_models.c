/* SPDX-License-Identifier: MIT */
/* Networks as one network: what comes out is what mexpr_fuse_scores() makes of theirs. */
#include <math.h>
#include <string.h>

#include "microexpr/fusion.h"
#include "microexpr/image.h"
#include "support.h"

enum { WIDTH = 4, N_CLASSES = 3, N_ROWS = 5, N_NETS = 3 };

TEST_CONTEXT

static const float rows[N_ROWS * WIDTH] = {
    1, 0, -2, 3, 0, 0, 0, 0, 5, 5, 5, 5, -1, 2, 0, 1, 80, -90, 70, -60};

/* What a network is like; zeros: as the others. */
typedef struct net {
    float gain;
    int64_t width;
    int opset;
    const char *labels, *planes, *system, *fixed;
    const char *input; /* names may be those of other networks, or long */
    bool is_folded;    /* running needs -w alone, not w */
} net;

static mexpr_model *make(const net *n)
{
    float values[2 * WIDTH * N_CLASSES];
    const char *in = n->input ? n->input : "x", *weights = "w", *result = "logits";
    const int64_t width = n->width ? n->width : WIDTH, dims[2] = {-1, width};
    const char *minus = "-w", *ins[2] = {in, n->is_folded ? minus : weights};
    mexpr_tensor_view w = MEXPR_TENSOR_VIEW_INIT;
    mexpr_builder *b;
    mexpr_model *model;
    for (int k = 0; k < (int)width * N_CLASSES; k++)
        values[k] = n->gain * (float)(k * 7 % 5 - 2);
    w.dtype = MEXPR_DTYPE_F32;
    w.rank = 2;
    w.dims[0] = width;
    w.dims[1] = N_CLASSES;
    w.data = values;
    assert_ok(context, mexpr_builder_create(context, "net", &b));
    mexpr_builder_opset(b, "", n->opset ? n->opset : 17);
    if (n->labels)
        mexpr_builder_metadata(b, "microexpr.labels", n->labels);
    if (n->planes)
        mexpr_builder_metadata(b, "microexpr.planes", n->planes);
    if (n->fixed)
        mexpr_builder_metadata(b, "microexpr.fixed", n->fixed);
    if (n->system)
        mexpr_builder_metadata(b, "microexpr.system", n->system);
    mexpr_builder_input(b, in, MEXPR_DTYPE_F32, 2, dims);
    mexpr_builder_initializer(b, weights, &w, MEXPR_ROLE_PARAMETER);
    if (n->is_folded)
        mexpr_builder_node(b, "Neg", NULL, &weights, 1, &minus, 1, minus);
    mexpr_builder_node(b, "MatMul", NULL, ins, 2, &result, 1, "product");
    mexpr_builder_output(b, result);
    assert_int_equal(mexpr_builder_finish(b, &model), MEXPR_OK);
    mexpr_builder_destroy(&b);
    return model;
}

static void apply(mexpr_model *model, float *scores)
{
    mexpr_session *session;
    mexpr_tensor_view in = MEXPR_TENSOR_VIEW_INIT, out = MEXPR_TENSOR_VIEW_INIT;
    in.dtype = MEXPR_DTYPE_F32;
    in.rank = 2;
    in.dims[0] = N_ROWS;
    in.dims[1] = WIDTH;
    in.data = rows;
    assert_int_equal(mexpr_session_create(model, &session), MEXPR_OK);
    assert_int_equal(mexpr_session_set_input(session, NULL, &in), MEXPR_OK);
    assert_int_equal(mexpr_session_run(session), MEXPR_OK);
    assert_int_equal(mexpr_session_output(session, NULL, &out), MEXPR_OK);
    assert_int_equal(out.dims[0], N_ROWS);
    assert_int_equal(out.dims[1], N_CLASSES);
    memcpy(scores, out.data, sizeof(float) * N_ROWS * N_CLASSES);
    mexpr_session_destroy(&session);
}

static char long_name[200];

static void same_as_scores(void **state)
{
    (void)state;
    static const double weights[N_NETS] = {3, 0, 1};
    static float scores[N_NETS][N_ROWS * N_CLASSES], fused[N_ROWS * N_CLASSES];
    float want[N_ROWS * N_CLASSES];
    const float *const list[N_NETS] = {scores[0], scores[1], scores[2]};
    memset(long_name, 'n', sizeof long_name - 1);
    const net nets[N_NETS] = {{.gain = 1}, {.gain = -0.4f, .input = "logits_in"},
        {.gain = 0.1f, .input = long_name}};
    mexpr_model *models[N_NETS];
    for (int k = 0; k < N_NETS; k++) {
        models[k] = make(&nets[k]);
        apply(models[k], scores[k]);
    }
    for (int32_t rule = MEXPR_FUSION_MEAN; rule <= MEXPR_FUSION_MAX; rule++)
        for (int weighted = 0; weighted < 2; weighted++) {
            const double *w = weighted ? weights : NULL;
            mexpr_model *model;
            assert_ok(
                context, mexpr_fuse_models(context, models, N_NETS, rule, w, &model));
            assert_ok(context, mexpr_fuse_scores(context, list, N_NETS, N_ROWS, N_CLASSES,
                                   rule, w, want));
            apply(model, fused);
            for (int i = 0; i < N_ROWS; i++) {
                double sum = 0;
                for (int k = 0; k < N_CLASSES; k++)
                    sum += exp((double)fused[i * N_CLASSES + k]);
                for (int k = 0; k < N_CLASSES; k++) {
                    const double log_p = (double)fused[i * N_CLASSES + k];
                    assert_true(isfinite(log_p));
                    assert_float_equal(exp(log_p) / sum, want[i * N_CLASSES + k], 2e-6);
                }
            }
            mexpr_model_destroy(&model);
        }
    for (int k = 0; k < N_NETS; k++)
        mexpr_model_destroy(&models[k]);
}

static void metadata(void **state)
{
    (void)state;
    const net nets[2] = {{.gain = 1, .labels = "a,b,c", .system = "one"},
        {.gain = 2, .planes = "u,v,strain", .fixed = "w, other"}};
    mexpr_model *models[2] = {make(&nets[0]), make(&nets[1])}, *model, *again;
    void *bytes;
    size_t size;
    assert_ok(
        context, mexpr_fuse_models(context, models, 2, MEXPR_FUSION_MEAN, NULL, &model));
    assert_string_equal(mexpr_model_metadata(model, "microexpr.labels"), "a,b,c");
    assert_string_equal(mexpr_model_metadata(model, "microexpr.planes"), "u,v,strain");
    assert_string_equal(mexpr_model_metadata(model, "microexpr.system"), "one,?");
    assert_null(mexpr_model_metadata(model, "microexpr.range"));
    assert_string_equal(
        mexpr_model_metadata(model, "microexpr.fixed"), "net1.w,net1.other");
    assert_int_equal(mexpr_model_n_trainable(model), 2 * WIDTH * N_CLASSES);
    /* It lives without its parts, and as a file. */
    mexpr_model_destroy(&models[0]);
    mexpr_model_destroy(&models[1]);
    assert_ok(context, mexpr_model_encode(context, model, &bytes, &size));
    assert_ok(context, mexpr_model_load_memory(context, bytes, size, &again));
    float a[N_ROWS * N_CLASSES], b[N_ROWS * N_CLASSES];
    assert_int_equal(mexpr_model_n_trainable(again), WIDTH * N_CLASSES);
    apply(model, a);
    apply(again, b);
    assert_memory_equal(a, b, sizeof a);
    mexpr_bytes_free(context, &bytes);
    mexpr_model_destroy(&again);
    mexpr_model_destroy(&model);
}

static void refuse(const net *second, mexpr_status status, const char *part)
{
    const net first = {.gain = 1, .labels = "a,b,c"};
    mexpr_model *models[2] = {make(&first), make(second)}, *model;
    assert_failure(context,
        mexpr_fuse_models(context, models, 2, MEXPR_FUSION_MEAN, NULL, &model), status,
        part);
    assert_null(model);
    mexpr_model_destroy(&models[1]);
    mexpr_model_destroy(&models[0]);
}

static void refusals(void **state)
{
    (void)state;
    refuse(&(net){.gain = 1, .width = 2 * WIDTH}, MEXPR_E_SHAPE, "another type or shape");
    refuse(&(net){.gain = 1, .opset = 16}, MEXPR_E_MODEL, "opset 16, network 0 of opset");
    refuse(&(net){.gain = 1, .labels = "a,b,d"}, MEXPR_E_MODEL, "'a,b,d'");
    const net one = {.gain = 1, .is_folded = true};
    static const double none[2] = {0, 0};
    mexpr_model *models[2] = {make(&one), NULL}, *model;
    assert_failure(context,
        mexpr_fuse_models(context, models, 2, MEXPR_FUSION_MEAN, NULL, &model),
        MEXPR_E_ARG, "network 1 is NULL");
    models[1] = models[0];
    assert_failure(context,
        mexpr_fuse_models(context, models, 2, MEXPR_FUSION_MEAN, none, &model),
        MEXPR_E_RANGE, "add up to 0");
    /* What runs only cannot be written into another. */
    mexpr_model_options run_only = MEXPR_MODEL_OPTIONS_INIT;
    void *bytes;
    size_t size;
    run_only.drop_source = 1;
    assert_ok(context, mexpr_model_encode(context, models[0], &bytes, &size));
    assert_ok(context,
        mexpr_model_load_memory_with(context, bytes, size, &run_only, &models[1]));
    assert_failure(context,
        mexpr_fuse_models(context, models, 2, MEXPR_FUSION_MEAN, NULL, &model),
        MEXPR_E_STATE, "'w' is gone");
    mexpr_model_destroy(&models[1]);
    mexpr_bytes_free(context, &bytes);
    mexpr_model_destroy(&models[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_as_scores),
        cmocka_unit_test(metadata),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests_name("fuse_models", tests, setup, teardown);
}
