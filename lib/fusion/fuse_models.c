/* SPDX-License-Identifier: MIT */
/* One network of several: each in full, behind them the rule that fuse.c computes. */
#include <stdio.h>
#include <string.h>

#include "base/comma_list.h"
#include "fusion/fuse.h"
#include "microexpr/fusion.h"
#include "model/graph_copy.h"

/* Metadata that the whole has as its networks do. They must not differ in what says what
 * goes in and comes out: all but the last. */
static const char *const shared_keys[] = {"microexpr.labels", "microexpr.planes",
    "microexpr.range", "microexpr.crop", "microexpr.normalisation"};
enum { N_SHARED = sizeof shared_keys / sizeof shared_keys[0], N_ALIKE = N_SHARED - 1 };

static const char scores_name[] = "logits", fixed_key[] = "microexpr.fixed";
#define LEAST 1e-30f /* of a probability: its logarithm has to be finite */

typedef struct joining {
    mx_scope *scope;
    mexpr_model *const *models;
    int32_t n;
    int32_t rule;
    const double *weights; /* NULL: equal */
    double total;
    mexpr_builder *b;
} joining;

enum { NAME_SIZE = 32 };
typedef struct value_name {
    char text[NAME_SIZE];
} value_name;

static value_name name_of(const char *part, int32_t k)
{
    value_name name;
    snprintf(name.text, sizeof name.text, "net%d.%.16s", (int)k, part);
    return name;
}

/* --- what fits together ------------------------------------------------------------ */

static bool is_same_input(const mx_port *a, const mx_port *b)
{
    const mx_tensor *x = &a->declared, *y = &b->declared;
    if (x->dtype != y->dtype || x->rank != y->rank)
        return false;
    for (int k = 0; k < x->rank; k++)
        if (x->dims[k] != y->dims[k])
            return false;
    return true;
}

/* That of the first network that has one, or NULL. */
static const char *shared_text(const joining *j, const char *key)
{
    const char *text = NULL;
    for (int32_t k = 0; k < j->n && !text; k++)
        text = mexpr_model_metadata(j->models[k], key);
    return text;
}

static mexpr_status check_metadata(const joining *j, int32_t k)
{
    for (int i = 0; i < N_ALIKE; i++) {
        const char *key = shared_keys[i], *shared = shared_text(j, key);
        const char *own = mexpr_model_metadata(j->models[k], key);
        if (own && strcmp(own, shared) != 0)
            return mx_fail(j->scope, MEXPR_E_MODEL,
                "network %d has the %s '%.80s', one before it '%.80s'", (int)k, key, own,
                shared);
    }
    return MEXPR_OK;
}

static mexpr_status check_model(const joining *j, int32_t k)
{
    const mx_graph *first = &j->models[0]->graph, *graph = &j->models[k]->graph;
    if (graph->n_inputs != 1 || graph->n_outputs != 1)
        return mx_fail(j->scope, MEXPR_E_SHAPE,
            "network %d has %d inputs and %d outputs; to be fused it needs one of each",
            (int)k, graph->n_inputs, graph->n_outputs);
    if (!is_same_input(&first->inputs[0], &graph->inputs[0]))
        return mx_fail(j->scope, MEXPR_E_SHAPE,
            "network %d takes another type or shape of input than network 0", (int)k);
    if (graph->opset != first->opset)
        return mx_fail(j->scope, MEXPR_E_MODEL,
            "network %d is of opset %d, network 0 of opset %d: convert one of them",
            (int)k, graph->opset, first->opset);
    return check_metadata(j, k);
}

static mexpr_status check(joining *j)
{
    if (!j->models || j->n < 1 || j->n > MX_MAX_FUSED)
        return mx_fail(j->scope, MEXPR_E_RANGE, "%d networks; 1 to %d can be fused",
            (int)j->n, MX_MAX_FUSED);
    for (int32_t k = 0; k < j->n; k++)
        if (!j->models[k])
            return mx_fail(j->scope, MEXPR_E_ARG, "network %d is NULL", (int)k);
    mexpr_status status = mx_fusion_check(j->scope, j->rule, j->weights, j->n, &j->total);
    for (int32_t k = 0; k < j->n && status == MEXPR_OK; k++)
        status = check_model(j, k);
    return status;
}

/* --- the graph --------------------------------------------------------------------- */

static void node(
    mexpr_builder *b, const char *op, const char *x, const char *y, const char *out)
{
    const char *const inputs[2] = {x, y};
    mexpr_builder_node(b, op, NULL, inputs, y ? 2 : 1, &out, 1, out);
}

/* A node, so that training does not take it for a weight. */
static void number(mexpr_builder *b, const char *name, float value)
{
    mexpr_tensor_view view = MEXPR_TENSOR_VIEW_INIT;
    view.dtype = MEXPR_DTYPE_F32;
    view.data = &value;
    mexpr_builder_tensor(b, "value", &view);
    mexpr_builder_node(b, "Constant", NULL, NULL, 0, &name, 1, name);
}

/* Domains beside ONNX's own. */
static void add_domains(const joining *j)
{
    mexpr_builder_opset(j->b, "", j->models[0]->graph.opset);
    for (int32_t k = 0; k < j->n; k++) {
        const mx_graph *graph = &j->models[k]->graph;
        for (size_t i = 0; i < graph->n_imports; i++)
            if (graph->imports[i].domain[0])
                mexpr_builder_opset(
                    j->b, graph->imports[i].domain, graph->imports[i].version);
    }
}

/* What training leaves alone in the networks, under its new names. */
static mexpr_status add_fixed(const joining *j)
{
    size_t room = 1, size = 0;
    for (int32_t k = 0; k < j->n; k++) {
        const char *list = mexpr_model_metadata(j->models[k], fixed_key);
        room += list ? strlen(list) + (size_t)mx_comma_list_count(list) * NAME_SIZE : 0;
    }
    char *text = mx_calloc(j->scope, room, 1);
    if (!text)
        return MEXPR_E_NOMEM;
    for (int32_t k = 0; k < j->n; k++) {
        const char *list = mexpr_model_metadata(j->models[k], fixed_key);
        while (list) {
            const mx_comma_name name = mx_comma_list_next(&list);
            size += (size_t)snprintf(text + size, room - size, "%s%s%.*s",
                size ? "," : "", name_of("", k).text, (int)name.length, name.start);
        }
    }
    if (size > 0)
        mexpr_builder_metadata(j->b, fixed_key, text);
    mx_free(j->scope->context, text);
    return MEXPR_OK;
}

/* The systems' names, one after the other, as far as there is room. */
static void add_metadata(const joining *j)
{
    char systems[512] = "";
    size_t size = 0;
    for (int i = 0; i < N_SHARED; i++)
        if (shared_text(j, shared_keys[i]))
            mexpr_builder_metadata(j->b, shared_keys[i], shared_text(j, shared_keys[i]));
    for (int32_t k = 0; k < j->n && size < sizeof systems; k++) {
        const char *system = mexpr_model_metadata(j->models[k], "microexpr.system");
        size += (size_t)snprintf(systems + size, sizeof systems - size, "%s%.60s",
            k ? "," : "", system ? system : "?");
    }
    mexpr_builder_metadata(j->b, "microexpr.system", systems);
}

/* Network k, and behind its scores what the rule takes of it. */
static mexpr_status add_network(const joining *j, int32_t k)
{
    const mx_graph *graph = &j->models[k]->graph;
    const value_name prefix = name_of("", k), scores = name_of("scores", k);
    const value_name part = name_of("chances", k), own = name_of("part", k);
    mx_copy_names names = {.prefix = prefix.text};
    mx_copy_rename(&names, graph->inputs[0].name, j->models[0]->graph.inputs[0].name);
    mx_copy_rename(&names, graph->outputs[0].name, scores.text);
    const mexpr_status status = mx_graph_copy(j->scope, j->b, j->models[k], &names);
    mexpr_builder_int(j->b, "axis", -1);
    node(j->b, j->rule == MEXPR_FUSION_PRODUCT ? "LogSoftmax" : "Softmax", scores.text,
        NULL, j->rule == MEXPR_FUSION_MAX ? own.text : part.text);
    if (j->rule != MEXPR_FUSION_MAX) {
        const value_name weight = name_of("weight", k);
        number(j->b, weight.text, (float)((j->weights ? j->weights[k] : 1) / j->total));
        node(j->b, "Mul", part.text, weight.text, own.text);
    }
    return status;
}

static mexpr_status add_rule(const joining *j)
{
    const size_t n = (size_t)j->n;
    const bool is_product = j->rule == MEXPR_FUSION_PRODUCT;
    const char *fused = is_product ? scores_name : "fused";
    value_name *parts = mx_alloc(j->scope, n, sizeof *parts);
    const char **list = mx_alloc(j->scope, n, sizeof *list);
    for (int32_t k = 0; parts && list && k < j->n; k++) {
        parts[k] = name_of("part", k);
        list[k] = parts[k].text;
    }
    const mexpr_status status = parts && list ? MEXPR_OK : MEXPR_E_NOMEM;
    if (status == MEXPR_OK)
        mexpr_builder_node(j->b, j->rule == MEXPR_FUSION_MAX ? "Max" : "Sum", NULL, list,
            n, &fused, 1, fused);
    mx_free(j->scope->context, list);
    mx_free(j->scope->context, parts);
    if (!is_product) {
        number(j->b, "least", LEAST);
        node(j->b, "Max", fused, "least", "kept");
        node(j->b, "Log", "kept", NULL, scores_name);
    }
    mexpr_builder_output(j->b, scores_name);
    return status;
}

static mexpr_status build(joining *j, mexpr_model **out)
{
    const mx_port *port = &j->models[0]->graph.inputs[0];
    mexpr_status status = mexpr_builder_create(j->scope->context, "fusion", &j->b);
    if (status != MEXPR_OK)
        return mx_fail(j->scope, status, "no network could be begun");
    add_domains(j);
    add_metadata(j);
    status = add_fixed(j);
    mexpr_builder_input(
        j->b, port->name, port->declared.dtype, port->declared.rank, port->declared.dims);
    for (int32_t k = 0; k < j->n && status == MEXPR_OK; k++)
        status = add_network(j, k);
    if (status == MEXPR_OK)
        status = add_rule(j);
    if (status == MEXPR_OK) {
        status = mexpr_builder_finish(j->b, out);
        if (status != MEXPR_OK)
            mx_fail(j->scope, status, "%s", mexpr_builder_last_error(j->b));
    }
    mexpr_builder_destroy(&j->b);
    return status;
}

mexpr_status mexpr_fuse_models(mexpr_context *context, mexpr_model *const *models,
    int32_t n_models, int32_t rule, const double *weights, mexpr_model **out)
{
    if (out)
        *out = NULL;
    if (!context)
        return MEXPR_E_ARG;
    joining j = {.scope = mx_context_scope(context),
        .models = models,
        .n = n_models,
        .rule = rule,
        .weights = weights};
    if (!out || !models)
        return mx_fail(j.scope, MEXPR_E_ARG, "mexpr_fuse_models() was given NULL");
    const mexpr_status status = check(&j);
    return status == MEXPR_OK ? build(&j, out) : status;
}
