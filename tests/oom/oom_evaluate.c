/* SPDX-License-Identifier: MIT */
/* dataset.h, train.h and evaluate.h together: from a manifest to measures. */
#include <string.h>

#include "microexpr/evaluate.h"
#include "microexpr/image.h"
#include "microexpr/train.h"
#include "support.h"

enum { N_CLIPS = 6, CLIP = 3 * 28 * 28 };

static const char text[] = "file,subject,label\n"
                           "p.png,1,0\np.png,1,1\np.png,2,0\np.png,2,1\np.png,3,0\np.png,"
                           "3,1\n";

static const char databases[] =
    "file,dataset,subject,label\n"
    "p.png,a,1,0\np.png,a,1,1\np.png,a,2,0\np.png,a,2,1\np.png,b,3,0\np.png,b,3,1\n";

static mexpr_status fit(void *user, mexpr_context *context,
    const mexpr_tensor_view *inputs, const int32_t *labels, int32_t n_classes,
    uint64_t seed, mexpr_model **out)
{
    (void)seed;
    return mexpr_train(context, user, inputs, labels, n_classes, NULL, NULL, NULL, out);
}

/* Some movement, for features that differ. */
static void fill(float *values)
{
    for (int k = 0; k < N_CLIPS * CLIP; k++)
        values[k] = (float)((k * 37 + k / CLIP * 11) % 256);
}

static mexpr_status measure(mexpr_context *context, const mexpr_evaluation *e)
{
    static const int32_t classes[3] = {0, 1, 2};
    mexpr_metrics m = MEXPR_METRICS_INIT, high = MEXPR_METRICS_INIT;
    mexpr_status status = mexpr_evaluation_metrics(context, e, -1, NULL, &m);
    if (status == MEXPR_OK)
        status = mexpr_evaluation_interval(context, e, &m, &high);
    if (status == MEXPR_OK)
        status = mexpr_metrics_compute(context, classes, classes, 3, 3, NULL, &m);
    if (status == MEXPR_OK)
        status = mexpr_metrics_interval(
            context, classes, classes, classes, 3, 3, 0, 100, 0, &m, &high);
    return status;
}

static mexpr_status evaluation(mexpr_context *context, void *system)
{
    static float values[N_CLIPS * CLIP];
    mexpr_tensor_view in = MEXPR_TENSOR_VIEW_INIT;
    mexpr_manifest *manifest;
    mexpr_evaluation *e = NULL;
    in.dtype = MEXPR_DTYPE_F32;
    in.rank = 4;
    in.dims[0] = N_CLIPS;
    in.dims[1] = 3;
    in.dims[2] = in.dims[3] = 28;
    in.data = values;
    fill(values);
    mexpr_status status =
        mexpr_manifest_decode(context, text, sizeof text - 1, NULL, &manifest);
    if (status == MEXPR_OK)
        status = mexpr_evaluate(context, manifest, &in, fit, NULL, NULL, system, &e);
    if (status == MEXPR_OK)
        status = measure(context, e);
    mexpr_evaluation_destroy(&e);
    mexpr_manifest_destroy(&manifest);
    return status;
}

/* A network that gives what it is given. */
static mexpr_status fit_nothing(void *user, mexpr_context *context,
    const mexpr_tensor_view *inputs, const int32_t *labels, int32_t n_classes,
    uint64_t seed, mexpr_model **out)
{
    static const int64_t dims[2] = {-1, 2};
    const char *in = "x", *result = "y";
    mexpr_builder *builder;
    (void)user;
    (void)inputs;
    (void)labels;
    (void)n_classes;
    (void)seed;
    mexpr_status status = mexpr_builder_create(context, "as it is", &builder);
    if (status != MEXPR_OK)
        return status;
    mexpr_builder_input(builder, "x", MEXPR_DTYPE_F32, 2, dims);
    mexpr_builder_node(builder, "Identity", NULL, &in, 1, &result, 1, NULL);
    mexpr_builder_output(builder, "y");
    status = mexpr_builder_finish(builder, out);
    mexpr_builder_destroy(&builder);
    return status;
}

/* Two systems that are fused with weights from inner folds, with two seeds; or one of
 * them, chosen there. */
static mexpr_status candidates(mexpr_context *context, void *joining)
{
    static const float values[N_CLIPS * 2] = {1, 0, 0, 1, 2, 1, 1, 3, 1, 0, 0, 1};
    const mexpr_candidate two[2] = {
        {"one", fit_nothing, NULL}, {"two", fit_nothing, NULL}};
    mexpr_tensor_view in = MEXPR_TENSOR_VIEW_INIT;
    mexpr_evaluate_options o = MEXPR_EVALUATE_OPTIONS_INIT;
    mexpr_metrics m = MEXPR_METRICS_INIT;
    mexpr_manifest *manifest;
    mexpr_evaluation *e = NULL;
    mexpr_model *made = NULL, *other = NULL;
    const char *key = "microexpr.card";
    in.dtype = MEXPR_DTYPE_F32;
    in.rank = 2;
    in.dims[0] = N_CLIPS;
    in.dims[1] = 2;
    in.data = values;
    o.protocol = MEXPR_PROTOCOL_HOLDOUT;
    o.test_dataset = "b";
    o.inner_folds = 2;
    o.joining = *(const int32_t *)joining;
    o.n_seeds = o.joining == MEXPR_JOINING_SELECT ? 1 : 2;
    mexpr_status status =
        mexpr_manifest_decode(context, databases, sizeof databases - 1, NULL, &manifest);
    if (status == MEXPR_OK)
        status =
            mexpr_evaluate_candidates(context, manifest, &in, two, 2, &o, NULL, NULL, &e);
    if (status == MEXPR_OK)
        status = mexpr_evaluation_seed_metrics(context, e, 0, &m);
    if (status == MEXPR_OK)
        status = mexpr_fit_candidates(context, manifest, &in, two, 2, &o, NULL, &made);
    if (status == MEXPR_OK)
        status = mexpr_model_annotate(context, made, "other", &key, &key, 1, &other);
    mexpr_model_destroy(&other);
    mexpr_model_destroy(&made);
    mexpr_evaluation_destroy(&e);
    mexpr_manifest_destroy(&manifest);
    return status;
}

/* One epoch of a network with four weights. */
static mexpr_status fit_linear(void *user, mexpr_context *context,
    const mexpr_tensor_view *inputs, const int32_t *labels, int32_t n_classes,
    uint64_t seed, mexpr_model **out)
{
    static const int64_t dims[2] = {-1, 2};
    static const float zeros[4] = {0};
    const char *in[2] = {"x", "w"}, *result = "y";
    mexpr_trainer_options o = MEXPR_TRAINER_OPTIONS_INIT;
    mexpr_tensor_view w = *inputs;
    mexpr_builder *builder;
    mexpr_model *model = NULL;
    mexpr_trainer *trainer = NULL;
    (void)user;
    o.seed = seed;
    o.epochs = 1;
    w.dims[0] = 2;
    w.data = zeros;
    *out = NULL;
    mexpr_status status = mexpr_builder_create(context, "linear", &builder);
    if (status != MEXPR_OK)
        return status;
    mexpr_builder_input(builder, "x", MEXPR_DTYPE_F32, 2, dims);
    mexpr_builder_initializer(builder, "w", &w, MEXPR_ROLE_PARAMETER);
    mexpr_builder_node(builder, "MatMul", NULL, in, 2, &result, 1, NULL);
    mexpr_builder_output(builder, "y");
    status = mexpr_builder_finish(builder, &model);
    mexpr_builder_destroy(&builder);
    if (status == MEXPR_OK)
        status =
            mexpr_trainer_create(context, model, inputs, labels, n_classes, &o, &trainer);
    if (status == MEXPR_OK)
        status = mexpr_trainer_run(trainer, NULL, NULL);
    if (status == MEXPR_OK)
        status = mexpr_trainer_model(trainer, out);
    mexpr_trainer_destroy(&trainer);
    mexpr_model_destroy(&model);
    return status;
}

static mexpr_status look(
    void *user, mexpr_context *context, const mexpr_fold_network *network)
{
    mexpr_model *kept = mexpr_model_retain(network->model);
    (void)user;
    (void)context;
    mexpr_model_destroy(&kept);
    return MEXPR_OK;
}

/* A network whose losses are kept and which is shown. */
static mexpr_status trained(mexpr_context *context, void *unused)
{
    static const float values[N_CLIPS * 2] = {1, 0, 0, 1, 2, 1, 1, 3, 1, 0, 0, 1};
    mexpr_tensor_view in = MEXPR_TENSOR_VIEW_INIT;
    mexpr_evaluate_options o = MEXPR_EVALUATE_OPTIONS_INIT;
    mexpr_manifest *manifest;
    mexpr_evaluation *e = NULL;
    (void)unused;
    in.dtype = MEXPR_DTYPE_F32;
    in.rank = 2;
    in.dims[0] = N_CLIPS;
    in.dims[1] = 2;
    in.data = values;
    o.protocol = MEXPR_PROTOCOL_HOLDOUT;
    o.test_dataset = "b";
    o.watch = look;
    mexpr_status status =
        mexpr_manifest_decode(context, databases, sizeof databases - 1, NULL, &manifest);
    if (status == MEXPR_OK)
        status = mexpr_evaluate(context, manifest, &in, fit_linear, &o, NULL, NULL, &e);
    if (status == MEXPR_OK)
        assert_non_null(mexpr_evaluation_losses(e, 0, 0, 0, NULL));
    mexpr_evaluation_destroy(&e);
    mexpr_manifest_destroy(&manifest);
    return status;
}

static mexpr_status other_metrics(mexpr_context *context, void *unused)
{
    static const int32_t classes[3] = {0, 1, 2};
    static const int8_t marks[2] = {0, 1};
    static const float scores[2] = {0, 1};
    static const mexpr_spot_interval interval = {0, 3, 9, 0, 0, 0};
    mexpr_comparison comparison = MEXPR_COMPARISON_INIT;
    mexpr_unit_metrics units = MEXPR_UNIT_METRICS_INIT;
    mexpr_spotting_metrics spotting = MEXPR_SPOTTING_METRICS_INIT;
    (void)unused;
    mexpr_status status = mexpr_metrics_compare(
        context, classes, classes, classes, classes, 3, 3, 0, 100, 0, &comparison);
    if (status == MEXPR_OK)
        status =
            mexpr_units_compute(context, marks, scores, 1, 2, 0.5, NULL, NULL, &units);
    if (status == MEXPR_OK)
        status =
            mexpr_spotting_compute(context, &interval, 1, &interval, 1, 0, 0, &spotting);
    return status;
}

static mexpr_status files(mexpr_context *context, void *path)
{
    static float values[N_CLIPS * CLIP];
    mexpr_manifest *manifest;
    mexpr_status status = mexpr_manifest_read(context, path, NULL, &manifest);
    if (status == MEXPR_OK)
        status = mexpr_manifest_pictures(context, manifest, test_folder(), 28, 28, NULL,
            0, values, N_CLIPS * CLIP, NULL, NULL);
    mexpr_manifest_destroy(&manifest);
    return status;
}

static void evaluations(void **state)
{
    (void)state;
    char system[] = "flow-derivative-svm";
    test_oom_sweep(evaluation, system, 1);
}

static void joinings(void **state)
{
    (void)state;
    int32_t learned = MEXPR_JOINING_LEARNED, chosen = MEXPR_JOINING_SELECT;
    test_oom_sweep(candidates, &learned, 1);
    test_oom_sweep(candidates, &chosen, 1);
    test_oom_sweep(trained, NULL, 1);
}

static void measures(void **state)
{
    (void)state;
    test_oom_sweep(other_metrics, NULL, 1);
}

static void manifests(void **state)
{
    (void)state;
    char path[1024];
    mexpr_context *context = test_context(NULL, 1);
    mexpr_image *image;
    if (!strstr(mexpr_build_features(), "png"))
        skip();
    assert_ok(context, mexpr_image_create(context, MEXPR_FORMAT_RGB8, 28, 28, &image));
    memset(mexpr_image_pixels(image), 7, mexpr_image_stride(image) * 28);
    assert_ok(context, mexpr_image_write_png(context, image, test_path("p.png")));
    test_write_file(test_path("m.csv"), text, sizeof text - 1);
    strncpy(path, test_path("m.csv"), sizeof path - 1);
    path[sizeof path - 1] = 0;
    test_oom_sweep(files, path, 1);
    mexpr_image_destroy(&image);
    mexpr_context_destroy(&context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(manifests),
        cmocka_unit_test(evaluations),
        cmocka_unit_test(joinings),
        cmocka_unit_test(measures),
    };
    return cmocka_run_group_tests_name("oom_evaluate", tests, NULL, NULL);
}
