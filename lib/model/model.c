/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "model/model_handle.h"
#include "base/file.h"
#include "model/reader.h"
#include "model/writer.h"

enum { STRUCT_SIZE_MAX = 4096 };

/* --- life -------------------------------------------------------------------------- */

static void free_model(mexpr_model *model)
{
    mexpr_context *context = model->context;
    mx_graph_release(&model->graph);
    mexpr_model_destroy(&model->owner);
    mx_free(context, model->losses);
    mx_free(context, model);
    mx_context_release(context);
}

mexpr_status mx_model_create(mx_scope *scope, mexpr_model **out)
{
    mexpr_model *model = mx_calloc(scope, 1, sizeof *model);
    if (!model)
        return MEXPR_E_NOMEM;
    model->context = mx_context_retain(scope->context);
    atomic_init(&model->references, 1);
    mx_graph_init(&model->graph, model->context);
    *out = model;
    return MEXPR_OK;
}

static mexpr_status load(mx_scope *scope, mx_source *source,
    const mexpr_model_options *options, mexpr_model **out)
{
    mexpr_model *model;
    mexpr_status status = mx_model_create(scope, &model);
    if (status != MEXPR_OK)
        return status;
    model->graph.rewrites = options->rewrites;
    model->graph.keeps_source = options->drop_source == 0;
    status = mx_onnx_read(scope, source, &model->graph);
    if (status == MEXPR_OK)
        *out = model;
    else
        free_model(model);
    return status;
}

static mexpr_status copy_options(
    mx_scope *scope, const mexpr_model_options *options, mexpr_model_options *known)
{
    *known = (mexpr_model_options)MEXPR_MODEL_OPTIONS_INIT;
    if (!options)
        return MEXPR_OK;
    const mexpr_status status =
        mx_options_copy(scope, options, sizeof *known, known, sizeof *known);
    if (status == MEXPR_OK && known->drop_source > 1)
        return mx_fail(scope, MEXPR_E_ARG, "drop_source is 0 or 1, not %lu",
            (unsigned long)known->drop_source);
    return status;
}

mexpr_status mexpr_model_load_with(mexpr_context *context, const char *path,
    const mexpr_model_options *options, mexpr_model **out)
{
    if (out)
        *out = NULL;
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    mexpr_model_options known;
    if (!path || !out)
        return mx_fail(scope, MEXPR_E_ARG, "loading a model was given NULL");
    mexpr_status status = copy_options(scope, options, &known);
    if (status != MEXPR_OK)
        return status;
    mx_source *source = mx_alloc(scope, 1, sizeof *source);
    if (!source)
        return MEXPR_E_NOMEM;
    status = mx_source_open(scope, source, path);
    if (status == MEXPR_OK) {
        status = load(scope, source, &known, out);
        if (status != MEXPR_OK)
            mx_fail_prefix(scope, status, path);
    }
    mx_source_close(source);
    mx_free(context, source);
    return status;
}

mexpr_status mexpr_model_load(mexpr_context *context, const char *path, mexpr_model **out)
{
    return mexpr_model_load_with(context, path, NULL, out);
}

mexpr_status mexpr_model_load_memory_with(mexpr_context *context, const void *bytes,
    size_t size, const mexpr_model_options *options, mexpr_model **out)
{
    if (out)
        *out = NULL;
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    mexpr_model_options known;
    if (!bytes || !out)
        return mx_fail(scope, MEXPR_E_ARG, "loading a model was given NULL");
    mexpr_status status = copy_options(scope, options, &known);
    if (status != MEXPR_OK)
        return status;
    const uint64_t limit = mx_context_limits(context)->file_bytes;
    if (size > limit)
        return mx_fail(scope, MEXPR_E_LIMIT,
            "the model has %zu bytes, more than the limit max_file_bytes of %llu", size,
            (unsigned long long)limit);
    mx_source *source = mx_alloc(scope, 1, sizeof *source);
    if (!source)
        return MEXPR_E_NOMEM;
    mx_source_from_memory(source, bytes, size);
    status = load(scope, source, &known, out);
    mx_free(context, source);
    return status;
}

mexpr_status mexpr_model_load_memory(
    mexpr_context *context, const void *bytes, size_t size, mexpr_model **out)
{
    return mexpr_model_load_memory_with(context, bytes, size, NULL, out);
}

mexpr_model *mexpr_model_retain(mexpr_model *model)
{
    if (model)
        atomic_fetch_add_explicit(&model->references, 1, memory_order_relaxed);
    return model;
}

void mexpr_model_destroy(mexpr_model **model)
{
    if (!model || !*model)
        return;
    mexpr_model *m = *model;
    *model = NULL;
    if (atomic_fetch_sub_explicit(&m->references, 1, memory_order_acq_rel) == 1)
        free_model(m);
}

/* --- looking at it ----------------------------------------------------------------- */

int32_t mexpr_model_n_inputs(const mexpr_model *model)
{
    return model ? model->graph.n_inputs : 0;
}

int32_t mexpr_model_n_outputs(const mexpr_model *model)
{
    return model ? model->graph.n_outputs : 0;
}

static mexpr_status describe(
    const char *name, const mx_tensor *tensor, mexpr_tensor_info *info)
{
    mexpr_tensor_info known = MEXPR_TENSOR_INFO_INIT;
    if (info->struct_size < sizeof known || info->struct_size > STRUCT_SIZE_MAX)
        return MEXPR_E_ABI;
    known.struct_size = info->struct_size;
    known.name = name;
    known.dtype = tensor->dtype;
    known.rank = tensor->rank;
    for (int i = 0; i < tensor->rank; i++)
        known.dims[i] = tensor->dims[i];
    memcpy(info, &known, sizeof known);
    return MEXPR_OK;
}

mexpr_status mexpr_model_input(
    const mexpr_model *model, int32_t index, mexpr_tensor_info *info)
{
    if (!model || !info || index < 0 || index >= model->graph.n_inputs)
        return MEXPR_E_ARG;
    const mx_port *port = &model->graph.inputs[index];
    return describe(port->name, &port->declared, info);
}

mexpr_status mexpr_model_output(
    const mexpr_model *model, int32_t index, mexpr_tensor_info *info)
{
    if (!model || !info || index < 0 || index >= model->graph.n_outputs)
        return MEXPR_E_ARG;
    const mx_port *port = &model->graph.outputs[index];
    return describe(port->name, &port->declared, info);
}

const char *mexpr_model_metadata(const mexpr_model *model, const char *key)
{
    for (size_t i = 0; model && key && i < model->graph.n_metadata; i++) {
        if (strcmp(model->graph.metadata[i].key, key) == 0)
            return model->graph.metadata[i].text;
    }
    return NULL;
}

const char *mexpr_model_name(const mexpr_model *model)
{
    return model ? model->graph.name : "";
}

const char *mexpr_model_producer(const mexpr_model *model)
{
    return model ? model->graph.producer : "";
}

int64_t mexpr_model_opset(const mexpr_model *model)
{
    return model ? model->graph.opset : 0;
}

uint64_t mexpr_model_n_parameters(const mexpr_model *model)
{
    return model ? model->graph.n_parameters : 0;
}

uint64_t mexpr_model_n_trainable(const mexpr_model *model)
{
    return model ? model->graph.n_trainable : 0;
}

int32_t mexpr_model_n_nodes(const mexpr_model *model)
{
    return model ? model->graph.n_file_nodes : 0;
}

mexpr_status mexpr_model_node(
    const mexpr_model *model, int32_t index, const char **name, const char **op)
{
    if (!model || index < 0 || index >= model->graph.n_file_nodes)
        return MEXPR_E_ARG;
    if (name)
        *name = model->graph.nodes[index].name;
    if (op)
        *op = model->graph.nodes[index].op_type;
    return MEXPR_OK;
}

int32_t mexpr_model_n_rewrites(const mexpr_model *model, mexpr_rewrite rewrite)
{
    for (int bit = 0; model && bit < MX_N_REWRITES; bit++) {
        if ((uint32_t)rewrite == 1u << bit)
            return model->graph.n_rewrites[bit];
    }
    return 0;
}

/* --- writing it -------------------------------------------------------------------- */

mexpr_status mexpr_model_encode(
    mexpr_context *context, const mexpr_model *model, void **bytes, size_t *size)
{
    if (bytes)
        *bytes = NULL;
    if (size)
        *size = 0;
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!model || !bytes || !size)
        return mx_fail(scope, MEXPR_E_ARG, "mexpr_model_encode() was given NULL");
    uint8_t *encoded;
    const mexpr_status status = mx_onnx_encode(scope, &model->graph, &encoded, size);
    if (status == MEXPR_OK)
        *bytes = encoded;
    return status;
}

mexpr_status mexpr_model_write(
    mexpr_context *context, const mexpr_model *model, const char *path)
{
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!model || !path)
        return mx_fail(scope, MEXPR_E_ARG, "mexpr_model_write() was given NULL");
    uint8_t *bytes;
    size_t size;
    mexpr_status status = mx_onnx_encode(scope, &model->graph, &bytes, &size);
    if (status != MEXPR_OK)
        return mx_fail_prefix(scope, status, path);
    status = mx_file_write(scope, path, bytes, size);
    mx_free(context, bytes);
    return status;
}
