/* SPDX-License-Identifier: MIT */
#include "train/compose.h"

#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "base/comma_list.h"
#include "model/graph_copy.h"
#include "train/flow_features.h"

enum { MAX_NUMBER = 1000000000 };
#define LIMIT 4 /* root mean squares, of normalised flow */

static mx_name name_of(const char *text)
{
    mx_name name;
    snprintf(name.text, sizeof name.text, "%s", text);
    return name;
}

/* What ends a name behind its last colon, or -1. */
static int number_of(const char *name)
{
    const char *colon = name ? strrchr(name, ':') : NULL;
    int number = colon && colon[1] ? 0 : -1;
    for (const char *at = colon; number >= 0 && *++at;)
        number = *at < '0' || *at > '9' || number > MAX_NUMBER / 10
                     ? -1
                     : 10 * number + (*at - '0');
    return number;
}

/* From this number on no tensor and no node of the graph has a name like ours. */
static int first_number(const mx_graph *graph)
{
    int number = -1;
    for (int k = 0; k < graph->n_values; k++) {
        const int own = number_of(graph->values[k].name);
        number = own > number ? own : number;
    }
    for (int k = 0; k < graph->n_nodes; k++) {
        const int own = number_of(graph->nodes[k].name);
        number = own > number ? own : number;
    }
    return number + 1;
}

/* --- what goes before --------------------------------------------------------------- */

static mx_name slice(mx_layers *l, mx_name x, int64_t axis, int64_t from, int64_t to)
{
    const mx_name inputs[4] = {
        x, mx_ints(l, 1, &from), mx_ints(l, 1, &to), mx_ints(l, 1, &axis)};
    return mx_op(l, "Slice", inputs, 4);
}

/* Bilinear; a hair larger than wanted so that rounding down finds it. */
static mx_name resize(mx_layers *l, mx_name x, const int64_t from[2], const int64_t to[2])
{
    static const int64_t dims[1] = {4};
    const mx_name none = {""};
    const double hair = 1 + 1e-6;
    const float scales[4] = {1, 1, (float)((double)to[0] / (double)from[0] * hair),
        (float)((double)to[1] / (double)from[1] * hair)};
    if (from[0] == to[0] && from[1] == to[1])
        return x;
    const mx_name inputs[3] = {x, none, mx_floats(l, 1, dims, scales)};
    mexpr_builder_string(l->b, "mode", "linear");
    mexpr_builder_string(l->b, "coordinate_transformation_mode", "half_pixel");
    return mx_op(l, "Resize", inputs, 3);
}

/* A face that fills its picture has brows and eyes in the rows 4..14 of 28 and the mouth
 * in 18..26. */
static mx_name bands(mx_layers *l, mx_name x)
{
    static const int64_t upper[2] = {11, 28}, upper_to[2] = {17, 28};
    static const int64_t lower[2] = {8, 28}, lower_to[2] = {11, 28};
    const mx_name parts[2] = {resize(l, slice(l, x, 2, 4, 15), upper, upper_to),
        resize(l, slice(l, x, 2, 18, 26), lower, lower_to)};
    return mx_concat(l, parts, 2, 2);
}

/* The authors' fixed points for faces without landmarks, limited to 7..21: eyes at
 * (9, 11) and (21, 10), corners of the mouth at (10, 21) and (20, 21). */
static mx_name parts(mx_layers *l, mx_name x)
{
    static const int64_t corners[4][2] = {{2, 4}, {14, 3}, {3, 14}, {13, 14}};
    mx_name rows[2];
    for (int k = 0; k < 2; k++) {
        mx_name pair[2];
        for (int j = 0; j < 2; j++) {
            const int64_t *at = corners[2 * k + j];
            pair[j] = slice(l, x, 3, at[0], at[0] + 14);
            pair[j] = slice(l, pair[j], 2, at[1], at[1] + 14);
        }
        rows[k] = mx_concat(l, pair, 2, 3);
    }
    return mx_concat(l, rows, 2, 2);
}

static mx_name view_of(mx_layers *l, mx_name x, const mx_view *view, bool is_normalised,
    const mx_tensor *declared)
{
    static const int64_t from[2] = {MX_FLOW_SIDE, MX_FLOW_SIDE};
    const float scale = (view->high - view->low) / 255;
    mexpr_builder_int(l->b, "axis", 1);
    x = mx_op2(l, "Gather", x, mx_ints(l, view->n_planes, view->planes));
    if (!is_normalised && scale != 1)
        x = mx_mul(l, x, mx_scalar(l, scale));
    if (!is_normalised && view->low != 0)
        x = mx_add(l, x, mx_scalar(l, view->low));
    if (view->cut == MX_CUT_BANDS)
        x = bands(l, x);
    if (view->cut == MX_CUT_PARTS)
        x = parts(l, x);
    return resize(l, x, from, declared->dims + 2);
}

/* The inputs of the model, made of `x` or as they are. */
static void add_inputs(mx_layers *l, const mexpr_model *model, const mx_composition *c,
    mx_name x, mx_copy_names *names)
{
    const mx_graph *graph = &model->graph;
    const bool is_normalised = c->normalisation == MEXPR_NORMALISATION_FLOW;
    for (int k = 0; c->recipe && k < c->recipe->n_views; k++) {
        const mx_view *view = &c->recipe->views[k];
        for (int i = 0; i < graph->n_inputs; i++)
            if (strcmp(graph->inputs[i].name, view->input) == 0)
                mx_copy_rename(names, view->input,
                    view_of(l, x, view, is_normalised, &graph->inputs[i].declared).text);
    }
}

/* --- networks ----------------------------------------------------------------------- */

typedef struct composing {
    mx_scope *scope;
    const mexpr_model *model;
    const mx_composition *c;
    mexpr_builder *b;
    mx_layers l;
    mx_copy_names names;
} composing;

static mexpr_status begin(composing *k)
{
    const mx_graph *graph = &k->model->graph;
    const mexpr_status status =
        mexpr_builder_create(k->scope->context, graph->name, &k->b);
    if (status != MEXPR_OK)
        return mx_fail(k->scope, status, "no graph could be begun");
    mx_layers_init(&k->l, k->b);
    k->l.n = first_number(graph);
    mexpr_builder_opset(k->b, "", graph->opset);
    for (size_t i = 0; i < graph->n_imports; i++)
        if (graph->imports[i].domain[0])
            mexpr_builder_opset(
                k->b, graph->imports[i].domain, graph->imports[i].version);
    return MEXPR_OK;
}

static mexpr_status end(composing *k, mexpr_status status, mexpr_model **out)
{
    if (status == MEXPR_OK) {
        status = mexpr_builder_finish(k->b, out);
        if (status != MEXPR_OK)
            mx_fail(k->scope, status, "%s", mexpr_builder_last_error(k->b));
    }
    mexpr_builder_destroy(&k->b);
    return status;
}

/* The network's own input: of flow, or as the model declares it. */
static mx_name own_input(composing *k)
{
    const mx_port *port = &k->model->graph.inputs[0];
    if (k->c->recipe)
        return mx_input(&k->l, "flow", 3, MX_FLOW_SIDE, MX_FLOW_SIDE);
    mexpr_builder_input(
        k->b, port->name, port->declared.dtype, port->declared.rank, port->declared.dims);
    return name_of(port->name);
}

mexpr_status mx_compose_training(mx_scope *scope, const mexpr_model *model,
    const mx_composition *composition, mexpr_model **out)
{
    composing k = {.scope = scope, .model = model, .c = composition};
    mexpr_status status = begin(&k);
    if (status != MEXPR_OK)
        return status;
    for (size_t i = 0; i < model->graph.n_metadata; i++)
        mexpr_builder_metadata(
            k.b, model->graph.metadata[i].key, model->graph.metadata[i].text);
    add_inputs(&k.l, model, composition, own_input(&k), &k.names);
    status = mx_graph_copy(scope, k.b, model, &k.names);
    mexpr_builder_output(k.b, model->graph.outputs[0].name);
    for (int i = 0; i < composition->n_tensors; i++)
        mexpr_builder_output(k.b, composition->tensors[i]);
    return end(&k, status, out);
}

/* --- the final one ------------------------------------------------------------------ */

static mx_name mean_of_both(mx_layers *l, mx_name scores, int32_t n_classes)
{
    const int64_t dims[3] = {2, -1, n_classes};
    return mx_reduce(l, "ReduceMean", mx_reshape(l, scores, 3, dims), 0, false);
}

/* In pictures u is stretched to 0..255, so that -u is 255 - u. */
static mx_name prepare(mx_layers *l, const mx_composition *c, mx_name x)
{
    const bool is_normalised = c->normalisation == MEXPR_NORMALISATION_FLOW;
    if (is_normalised)
        x = mx_flow_normalise(l, x, LIMIT);
    return c->is_mirrored ? mx_flow_both(l, x, is_normalised ? 0 : 255) : x;
}

static void describe(composing *k)
{
    static const char *const own[] = {
        "microexpr.labels", "microexpr.planes", "microexpr.range", MX_PREPARED};
    const mx_graph *graph = &k->model->graph;
    const mx_composition *c = k->c;
    const bool is_flow = c->normalisation == MEXPR_NORMALISATION_FLOW;
    const char *labels = mexpr_model_metadata(k->model, own[0]);
    const bool fits = labels && mx_comma_list_count(labels) == c->n_classes;
    for (size_t i = 0; i < graph->n_metadata; i++) {
        bool is_own = strcmp(graph->metadata[i].key, own[0]) == 0;
        for (int j = 1; c->recipe && j < 4; j++)
            is_own = is_own || strcmp(graph->metadata[i].key, own[j]) == 0;
        if (!is_own)
            mexpr_builder_metadata(k->b, graph->metadata[i].key, graph->metadata[i].text);
    }
    if (c->labels || fits)
        mexpr_builder_metadata(k->b, own[0], c->labels ? c->labels : labels);
    if (c->recipe) {
        mexpr_builder_metadata(k->b, own[1], "u,v,strain");
        mexpr_builder_metadata(k->b, MX_PREPARED, is_flow ? "flow" : "picture");
    }
}

mexpr_status mx_compose_final(mx_scope *scope, const mexpr_model *model,
    const mx_composition *composition, mexpr_model **out)
{
    composing k = {.scope = scope, .model = model, .c = composition};
    const char *scores = model->graph.outputs[0].name;
    mexpr_status status = begin(&k);
    if (status != MEXPR_OK)
        return status;
    const mx_name both = mx_path("", "scores_of_both:%d", k.l.n++);
    describe(&k);
    mx_name x = own_input(&k);
    const mx_name prepared = prepare(&k.l, composition, x);
    if (composition->is_mirrored)
        mx_copy_rename(&k.names, scores, both.text);
    if (strcmp(prepared.text, x.text) != 0)
        mx_copy_rename(&k.names, model->graph.inputs[0].name, prepared.text);
    status = mx_graph_copy(scope, k.b, model, &k.names);
    if (composition->is_mirrored)
        mx_mark(&k.l, mean_of_both(&k.l, both, composition->n_classes), scores);
    mexpr_builder_output(k.b, scores);
    return end(&k, status, out);
}

/* --- clips -------------------------------------------------------------------------- */

static mexpr_status build_normalise(mx_scope *scope, mexpr_model **out)
{
    mexpr_builder *b;
    mx_layers l;
    mexpr_status status = mexpr_builder_create(scope->context, "normalise", &b);
    if (status != MEXPR_OK)
        return mx_fail(scope, status, "no graph could be begun");
    mx_layers_init(&l, b);
    const mx_name flow = mx_input(&l, "flow", 3, MX_FLOW_SIDE, MX_FLOW_SIDE);
    mx_output(&l, mx_flow_normalise(&l, flow, LIMIT), "normalised");
    status = mexpr_builder_finish(b, out);
    if (status != MEXPR_OK)
        mx_fail(scope, status, "%s", mexpr_builder_last_error(b));
    mexpr_builder_destroy(&b);
    return status;
}

static mexpr_status run_normalise(
    mx_scope *scope, mexpr_session *session, int64_t n, float *values)
{
    mexpr_tensor_view view = MEXPR_TENSOR_VIEW_INIT;
    view.dtype = MEXPR_DTYPE_F32;
    view.rank = 4;
    view.dims[0] = n;
    view.dims[1] = 3;
    view.dims[2] = view.dims[3] = MX_FLOW_SIDE;
    view.data = values;
    mexpr_status status = mexpr_session_set_input(session, NULL, &view);
    if (status == MEXPR_OK)
        status = mexpr_session_run(session);
    if (status == MEXPR_OK)
        status = mexpr_session_output(session, NULL, &view);
    if (status != MEXPR_OK)
        return mx_fail(scope, status, "%s", mexpr_session_last_error(session));
    memcpy(
        values, view.data, (size_t)n * 3 * MX_FLOW_SIDE * MX_FLOW_SIDE * sizeof *values);
    return MEXPR_OK;
}

mexpr_status mx_compose_normalise(mx_scope *scope, int64_t n, float *values)
{
    mexpr_model *model = NULL;
    mexpr_session *session = NULL;
    mexpr_status status = build_normalise(scope, &model);
    if (status == MEXPR_OK) {
        status = mexpr_session_create(model, &session);
        if (status != MEXPR_OK)
            mx_fail(scope, status, "no session for normalising could be made");
    }
    if (status == MEXPR_OK)
        status = run_normalise(scope, session, n, values);
    mexpr_session_destroy(&session);
    mexpr_model_destroy(&model);
    return status;
}
