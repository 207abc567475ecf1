/* SPDX-License-Identifier: MIT */
/* Kernel machines on features of flow pictures: closed problems without epochs or chance.
 * Every training clip counts twice, as it is and mirrored (with random features: once, as
 * the mean of both, which comes to the same); the scores of a clip are the sums over
 * both. */
#include <string.h>

#include "base/scope.h"
#include "fusion/classifier.h"
#include "train/flow_features.h"
#include "train/flow_kernel.h"
#include "train/random_features.h"

enum { MAX_FEATURES = 4 };

typedef struct recipe {
    const char *name, *title;
    float limit;
    int n_features;
    mx_flow_feature features[MAX_FEATURES];
    mexpr_classifier_options machine; /* one for each feature */
    int n_blocks;                     /* of random features; 0: the kernel itself */
    double spread; /* what they stand for: gamma over the mean squared distance */
} recipe;

static const recipe recipes[] = {
    {.name = "flow-derivative-svm",
        .title = "support vector machines on flow derivatives",
        .limit = 4,
        .n_features = 1,
        .features = {{2}},
        .machine = {.struct_size = sizeof(mexpr_classifier_options),
            .gamma = 1,
            .cost = 1}},
    {.name = "flow-kernel-ridge",
        .title = "kernel ridge regressions on flow and its derivatives",
        .limit = 2.5f,
        .n_features = 4,
        .features = {{0}, {1.5}, {2}, {2.5}},
        .machine = {.struct_size = sizeof(mexpr_classifier_options),
            .method = MEXPR_CLASSIFIER_RIDGE,
            .gamma_unit = MEXPR_GAMMA_DISTANCE,
            .gamma = 2,
            .ridge = 0.6}},
    /* The same with the least blocks whose kernel is wrong by less than 0.01 (root mean
     * square). Half the ridge: the mean of a clip and its mirror image is one row. */
    {.name = "flow-random-features",
        .title = "the same by random features, without the clips",
        .limit = 2.5f,
        .n_features = 4,
        .features = {{0}, {1.5}, {2}, {2.5}},
        .machine = {.struct_size = sizeof(mexpr_classifier_options),
            .method = MEXPR_CLASSIFIER_RIDGE,
            .kernel = MEXPR_KERNEL_LINEAR,
            .ridge = 0.3},
        .n_blocks = 4,
        .spread = 2},
};

enum { N_RECIPES = sizeof recipes / sizeof recipes[0] };

/* A training run. */
typedef struct run {
    mx_scope *scope;
    const recipe *recipe;
    const mexpr_tensor_view *inputs;
    int64_t n; /* clips */
    int32_t n_classes;
    const char *labels;
    int32_t *both; /* labels of the clips and of their mirror images */
    mexpr_progress_fn progress;
    void *user;
    double gammas[MAX_FEATURES]; /* of the random features; 0: not known, or none */
    mexpr_classifier *machines[MAX_FEATURES];
} run;

/* Features of the training clips. */
typedef struct feature_run {
    mexpr_model *model;
    mexpr_session *session;
    mexpr_tensor_view rows; /* the session's */
} feature_run;

const char *mx_flow_kernel_name(int32_t index)
{
    return index >= 0 && index < N_RECIPES ? recipes[index].name : NULL;
}

/* --- graphs ------------------------------------------------------------------------ */

/* Turns a finished graph into a model; its failure becomes the context's. */
static mexpr_status finish(mx_scope *scope, mexpr_builder **builder, mexpr_model **out)
{
    const mexpr_status status = mexpr_builder_finish(*builder, out);
    if (status != MEXPR_OK)
        mx_fail(scope, status, "%s", mexpr_builder_last_error(*builder));
    mexpr_builder_destroy(builder);
    return status;
}

/* What the features of a graph are made of. */
typedef struct sources {
    mx_name maps;
    mx_random random;
} sources;

/* From the input of a graph: clips and their mirror images, normalised. */
static sources sources_of(const run *r, mx_layers *l)
{
    const mx_name flow = mx_input(l, "flow", 3, MX_FLOW_SIDE, MX_FLOW_SIDE);
    sources s = {mx_flow_both(l, mx_flow_normalise(l, flow, r->recipe->limit), 0), {0}};
    if (r->recipe->n_blocks > 0)
        s.random = mx_random_draw(l, r->recipe->n_blocks);
    return s;
}

/* Rows of feature k. */
static mx_name rows_of(const run *r, mx_layers *l, const sources *s, int k)
{
    const mx_flow_feature feature = r->recipe->features[k];
    const mx_name rows = mx_flow_feature_rows(l, s->maps, feature);
    return r->gammas[k] > 0 ? mx_random_features(l, &s->random, rows,
                                  mx_flow_feature_size(feature), r->gammas[k])
                            : rows;
}

/* Means of the rows of clips and of their mirror images. */
static mx_name mean_of_both(mx_layers *l, mx_name rows, int64_t size)
{
    const int64_t dims[3] = {2, -1, size};
    return mx_reduce(l, "ReduceMean", mx_reshape(l, rows, 3, dims), 0, false);
}

static mexpr_status build_features(run *r, int k, mexpr_model **out)
{
    mexpr_builder *builder;
    mx_layers l;
    const mexpr_status status =
        mexpr_builder_create(r->scope->context, "features", &builder);
    if (status != MEXPR_OK)
        return status;
    mx_layers_init(&l, builder);
    const sources s = sources_of(r, &l);
    mx_name rows = rows_of(r, &l, &s, k);
    if (r->gammas[k] > 0)
        rows = mean_of_both(&l, rows, mx_random_size(r->recipe->n_blocks));
    mx_output(&l, rows, "features");
    return finish(r->scope, &builder, out);
}

/* Sums of the rows of clips and of their mirror images. */
static mx_name fold(mx_layers *l, mx_name scores, int32_t n_classes)
{
    const int64_t dims[3] = {2, -1, n_classes};
    const int64_t axis = 0;
    const mx_name pair = mx_reshape(l, scores, 3, dims);
    mexpr_builder_int(l->b, "keepdims", 0);
    return mx_op2(l, "ReduceSum", pair, mx_ints(l, 1, &axis));
}

static mexpr_status build_whole(run *r, mexpr_model **out)
{
    mexpr_builder *builder;
    mx_layers l;
    mx_name scores[MAX_FEATURES];
    mexpr_status status =
        mexpr_builder_create(r->scope->context, r->recipe->name, &builder);
    if (status != MEXPR_OK)
        return status;
    mx_layers_init(&l, builder);
    mexpr_builder_opset(builder, "ai.onnx.ml", 1);
    mexpr_builder_metadata(builder, "microexpr.system", r->recipe->name);
    mexpr_builder_metadata(builder, "microexpr.planes", "u,v,strain");
    if (r->labels)
        mexpr_builder_metadata(builder, "microexpr.labels", r->labels);
    const sources s = sources_of(r, &l);
    for (int k = 0; k < r->recipe->n_features && status == MEXPR_OK; k++) {
        const mx_name rows = rows_of(r, &l, &s, k);
        const mx_name prefix = mx_path("", "machine%d.", k);
        scores[k] = mx_path("", "machine%d.scores", k);
        status = mx_classifier_write(
            r->machines[k], builder, prefix.text, rows.text, scores[k].text);
        if (status != MEXPR_OK)
            mx_fail(r->scope, status, "%s", mexpr_classifier_last_error(r->machines[k]));
    }
    if (status != MEXPR_OK) {
        mexpr_builder_destroy(&builder);
        return status;
    }
    const mx_name sum = mx_op(&l, "Sum", scores, r->recipe->n_features);
    mx_output(&l, fold(&l, sum, r->n_classes), "logits");
    return finish(r->scope, &builder, out);
}

/* --- training ---------------------------------------------------------------------- */

static void drop(feature_run *f)
{
    mexpr_session_destroy(&f->session);
    mexpr_model_destroy(&f->model);
}

static mexpr_status run_session(run *r, feature_run *f)
{
    f->rows = (mexpr_tensor_view)MEXPR_TENSOR_VIEW_INIT;
    mexpr_status status = mexpr_session_set_input(f->session, "flow", r->inputs);
    if (status == MEXPR_OK)
        status = mexpr_session_run(f->session);
    if (status == MEXPR_OK)
        status = mexpr_session_output(f->session, "features", &f->rows);
    return status == MEXPR_OK
               ? MEXPR_OK
               : mx_fail(r->scope, status, "%s", mexpr_session_last_error(f->session));
}

static mexpr_status run_features(run *r, int k, feature_run *f)
{
    mexpr_status status = build_features(r, k, &f->model);
    if (status != MEXPR_OK)
        return status;
    status = mexpr_session_create(f->model, &f->session);
    return status == MEXPR_OK
               ? run_session(r, f)
               : mx_fail(r->scope, status, "no session for the features could be made");
}

/* Mean squared distance over all pairs of rows, from their variance. */
static double mean_distance(const mexpr_tensor_view *rows)
{
    const int64_t n = rows->dims[0], size = rows->dims[1];
    const float *values = rows->data;
    double total = 0;
    for (int64_t k = 0; k < size; k++) {
        double mean = 0;
        for (int64_t i = 0; i < n; i++)
            mean += (double)values[i * size + k] / (double)n;
        for (int64_t i = 0; i < n; i++) {
            const double d = (double)values[i * size + k] - mean;
            total += d * d;
        }
    }
    return n > 1 ? 2 * total / (double)(n - 1) : 0;
}

static mexpr_status fit_feature(run *r, int k)
{
    feature_run f = {0};
    mexpr_status status = run_features(r, k, &f);
    if (status == MEXPR_OK && r->recipe->n_blocks > 0) {
        const double distance = mean_distance(&f.rows);
        r->gammas[k] = r->recipe->spread / (distance > 0 ? distance : 1);
        drop(&f);
        status = run_features(r, k, &f);
    }
    if (status == MEXPR_OK)
        status = mexpr_classifier_fit(r->scope->context, f.rows.data, r->both,
            f.rows.dims[0], f.rows.dims[1], r->n_classes, &r->recipe->machine,
            r->progress, r->user, &r->machines[k]);
    drop(&f);
    return status;
}

static mexpr_status train(run *r, const int32_t *labels, mexpr_model **out)
{
    r->both = mx_alloc(r->scope, (size_t)r->n, 2 * sizeof *r->both);
    if (!r->both)
        return MEXPR_E_NOMEM;
    memcpy(r->both, labels, (size_t)r->n * sizeof *labels);
    memcpy(r->both + r->n, labels, (size_t)r->n * sizeof *labels);
    mexpr_status status = MEXPR_OK;
    for (int k = 0; k < r->recipe->n_features && status == MEXPR_OK; k++)
        status = fit_feature(r, k);
    return status == MEXPR_OK ? build_whole(r, out) : status;
}

static const recipe *find(const char *name)
{
    for (int k = 0; k < N_RECIPES; k++)
        if (strcmp(recipes[k].name, name) == 0)
            return &recipes[k];
    return NULL;
}

mexpr_status mx_flow_kernel_train(mx_scope *scope, const char *system,
    const mexpr_tensor_view *inputs, const int32_t *labels, int32_t n_classes,
    const char *names, mexpr_progress_fn progress, void *user, mexpr_model **out)
{
    run r = {.scope = scope,
        .recipe = find(system),
        .inputs = inputs,
        .n = inputs->dims[0],
        .n_classes = n_classes,
        .labels = names,
        .progress = progress,
        .user = user};
    const mexpr_status status = train(&r, labels, out);
    for (int k = 0; k < MAX_FEATURES; k++)
        mexpr_classifier_destroy(&r.machines[k]);
    mx_free(scope->context, r.both);
    return status;
}
