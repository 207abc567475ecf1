/* SPDX-License-Identifier: MIT */
/* Kernel machines on features of flow pictures: closed problems without epochs or chance.
 * Every training clip counts twice, as it is and mirrored; the scores of a clip are the
 * sums over both. */
#include <string.h>

#include "base/scope.h"
#include "fusion/classifier.h"
#include "train/flow_features.h"
#include "train/flow_kernel.h"

enum { MAX_FEATURES = 4 };

typedef struct recipe {
    const char *name, *title;
    float limit;
    int n_features;
    mx_flow_feature features[MAX_FEATURES];
    mexpr_classifier_options machine; /* one for each feature */
} recipe;

static const recipe recipes[] = {
    {"flow-derivative-svm", "support vector machines on flow derivatives", 4, 1, {{2}},
        {.struct_size = sizeof(mexpr_classifier_options), .gamma = 1, .cost = 1}},
    {"flow-kernel-ridge", "kernel ridge regressions on flow and its derivatives", 2.5f, 4,
        {{0}, {1.5}, {2}, {2.5}},
        {.struct_size = sizeof(mexpr_classifier_options),
            .method = MEXPR_CLASSIFIER_RIDGE,
            .gamma_unit = MEXPR_GAMMA_DISTANCE,
            .gamma = 2,
            .ridge = 0.6}},
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
    mexpr_classifier *machines[MAX_FEATURES];
} run;

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

static mexpr_status build_features(run *r, int k, mexpr_model **out)
{
    mexpr_builder *builder;
    mx_layers l;
    const mexpr_status status =
        mexpr_builder_create(r->scope->context, "features", &builder);
    if (status != MEXPR_OK)
        return status;
    mx_layers_init(&l, builder);
    const mx_name flow = mx_input(&l, "flow", 3, MX_FLOW_SIDE, MX_FLOW_SIDE);
    const mx_name maps =
        mx_flow_both(&l, mx_flow_normalise(&l, flow, r->recipe->limit), 0);
    mx_output(&l, mx_flow_feature_rows(&l, maps, r->recipe->features[k]), "features");
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
    const mx_name flow = mx_input(&l, "flow", 3, MX_FLOW_SIDE, MX_FLOW_SIDE);
    const mx_name maps =
        mx_flow_both(&l, mx_flow_normalise(&l, flow, r->recipe->limit), 0);
    for (int k = 0; k < r->recipe->n_features && status == MEXPR_OK; k++) {
        const mx_name rows = mx_flow_feature_rows(&l, maps, r->recipe->features[k]);
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

static mexpr_status fit(run *r, int k, mexpr_session *session)
{
    mexpr_tensor_view rows = MEXPR_TENSOR_VIEW_INIT;
    mexpr_status status = mexpr_session_set_input(session, "flow", r->inputs);
    if (status == MEXPR_OK)
        status = mexpr_session_run(session);
    if (status == MEXPR_OK)
        status = mexpr_session_output(session, "features", &rows);
    if (status != MEXPR_OK)
        return mx_fail(r->scope, status, "%s", mexpr_session_last_error(session));
    return mexpr_classifier_fit(r->scope->context, rows.data, r->both, rows.dims[0],
        rows.dims[1], r->n_classes, &r->recipe->machine, r->progress, r->user,
        &r->machines[k]);
}

static mexpr_status fit_feature(run *r, int k)
{
    mexpr_model *model = NULL;
    mexpr_session *session = NULL;
    mexpr_status status = build_features(r, k, &model);
    if (status == MEXPR_OK) {
        status = mexpr_session_create(model, &session);
        if (status != MEXPR_OK)
            mx_fail(r->scope, status, "no session for the features could be made");
    }
    if (status == MEXPR_OK)
        status = fit(r, k, session);
    mexpr_session_destroy(&session);
    mexpr_model_destroy(&model);
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
