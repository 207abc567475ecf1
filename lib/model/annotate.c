/* SPDX-License-Identifier: MIT */
/* A model under another name and with other metadata: all of it, taken out of itself. */
#include <string.h>

#include "model/extract.h"

typedef struct notes {
    const char *const *keys, *const *texts;
    size_t n;
} notes;

/* The last one that is given counts. */
static bool is_given(const notes *given, size_t from, const char *key)
{
    for (size_t i = from; i < given->n; i++)
        if (strcmp(given->keys[i], key) == 0)
            return true;
    return false;
}

static mexpr_status add(
    mx_scope *scope, mx_graph *graph, const char *key, const char *text)
{
    mx_metadata *entry = &graph->metadata[graph->n_metadata++];
    entry->key = mx_arena_strdup(scope, &graph->arena, key);
    entry->text = mx_arena_strdup(scope, &graph->arena, text);
    return entry->key && entry->text ? MEXPR_OK : MEXPR_E_NOMEM;
}

static mexpr_status annotate(mx_scope *scope, mx_graph *graph, const mx_graph *from,
    const char *name, const notes *given)
{
    mexpr_status status = MEXPR_OK;
    graph->n_metadata = 0;
    graph->metadata = mx_arena_alloc(
        scope, &graph->arena, from->n_metadata + given->n + 1, sizeof *graph->metadata);
    if (name)
        graph->name = mx_arena_strdup(scope, &graph->arena, name);
    if (!graph->metadata || !graph->name)
        return MEXPR_E_NOMEM;
    for (size_t i = 0; i < from->n_metadata && status == MEXPR_OK; i++)
        if (!is_given(given, 0, from->metadata[i].key))
            status = add(scope, graph, from->metadata[i].key, from->metadata[i].text);
    for (size_t i = 0; i < given->n && status == MEXPR_OK; i++)
        if (given->texts[i] && !is_given(given, i + 1, given->keys[i]))
            status = add(scope, graph, given->keys[i], given->texts[i]);
    return status;
}

static void name_ports(const mx_port *ports, int n, const char **names)
{
    for (int k = 0; k < n; k++)
        names[k] = ports[k].name;
}

/* All of the model, sharing its weights. */
static mexpr_status take_all(mx_scope *scope, mexpr_model *model, mexpr_model **out)
{
    const mx_graph *graph = &model->graph;
    const size_t n_inputs = (size_t)graph->n_inputs, n_outputs = (size_t)graph->n_outputs;
    const char **names = mx_alloc(scope, n_inputs + n_outputs, sizeof *names);
    if (!names)
        return MEXPR_E_NOMEM;
    name_ports(graph->inputs, graph->n_inputs, names);
    name_ports(graph->outputs, graph->n_outputs, names + n_inputs);
    const mx_part all = {names, n_inputs, names + n_inputs, n_outputs, false};
    const mexpr_status status = mx_model_extract(scope, model, &all, out);
    mx_free(scope->context, names);
    return status;
}

mexpr_status mexpr_model_annotate(mexpr_context *context, mexpr_model *model,
    const char *name, const char *const *keys, const char *const *texts, size_t n,
    mexpr_model **out)
{
    if (out)
        *out = NULL;
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    const notes given = {keys, texts, n};
    if (!model || !out || (n > 0 && (!keys || !texts)))
        return mx_fail(scope, MEXPR_E_ARG, "mexpr_model_annotate() was given NULL");
    for (size_t i = 0; i < n; i++)
        if (!keys[i] || !*keys[i])
            return mx_fail(scope, MEXPR_E_ARG, "key %zu of the metadata is empty", i);
    mexpr_status status = take_all(scope, model, out);
    if (status != MEXPR_OK)
        return status;
    status = annotate(scope, &(*out)->graph, &model->graph, name, &given);
    if (status != MEXPR_OK)
        mexpr_model_destroy(out);
    return status;
}
