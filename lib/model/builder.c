/* SPDX-License-Identifier: MIT */
/* The graph that the ONNX reader makes, made by calls. */
#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "base/rng.h"
#include "model/model_handle.h"
#include "model/operator.h"

enum { OPSET_FIRST = 11, OPSET_STANDARD = 17, OPSET_LAST = 21, IR_VERSION = 8 };
enum { MAX_ATTRIBUTES = 32, MAX_PORTS = 65536, MAX_IMPORTS = 8 };

struct mexpr_builder {
    mx_scope scope;
    mexpr_status status; /* of the first call that failed */
    mexpr_model *model;  /* NULL once it is finished */
    uint64_t seed;
    uint64_t n_random;
    size_t metadata_capacity;
    size_t n_attributes; /* of the next node; all they refer to is in the graph's arena */
    mx_attribute attributes[MAX_ATTRIBUTES];
    mx_import imports[MAX_IMPORTS];
};

/* --- life -------------------------------------------------------------------------- */

mexpr_status mexpr_builder_create(
    mexpr_context *context, const char *name, mexpr_builder **out)
{
    if (out)
        *out = NULL;
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!name || !out)
        return mx_fail(scope, MEXPR_E_ARG, "mexpr_builder_create() was given NULL");
    mexpr_builder *b = mx_calloc(scope, 1, sizeof *b);
    if (!b)
        return MEXPR_E_NOMEM;
    mx_scope_init(&b->scope, mx_context_retain(context));
    mexpr_status status = mx_model_create(scope, &b->model);
    if (status == MEXPR_OK) {
        mx_graph *graph = &b->model->graph;
        graph->opset = OPSET_STANDARD;
        graph->ir_version = IR_VERSION;
        graph->producer = "microexpr";
        graph->imports = b->imports;
        b->imports[graph->n_imports++] = (mx_import){"", OPSET_STANDARD};
        graph->name = mx_arena_strdup(scope, &graph->arena, name);
        status = graph->name ? MEXPR_OK : MEXPR_E_NOMEM;
    }
    if (status == MEXPR_OK)
        *out = b;
    else
        mexpr_builder_destroy(&b);
    return status;
}

void mexpr_builder_destroy(mexpr_builder **builder)
{
    if (!builder || !*builder)
        return;
    mexpr_builder *b = *builder;
    mexpr_context *context = b->scope.context;
    *builder = NULL;
    mexpr_model_destroy(&b->model);
    mx_free(context, b);
    mx_context_release(context);
}

const char *mexpr_builder_last_error(const mexpr_builder *builder)
{
    return builder ? builder->scope.error : "";
}

/* Every call begins with enter() and ends with leave(), which keeps the first failure. */
static mexpr_status leave(mexpr_builder *b, mexpr_status status)
{
    if (b->status == MEXPR_OK)
        b->status = status;
    return status;
}

static mexpr_status enter(mexpr_builder *b, bool has_arguments, const char *call)
{
    if (!b)
        return MEXPR_E_ARG;
    if (b->status != MEXPR_OK)
        return b->status;
    if (!b->model)
        return leave(b, mx_fail(&b->scope, MEXPR_E_STATE, "the model is finished"));
    if (!has_arguments)
        return leave(b,
            mx_fail(&b->scope, MEXPR_E_ARG, "mexpr_builder_%s() was given NULL", call));
    return MEXPR_OK;
}

static char *copy_text(mexpr_builder *b, const char *text)
{
    return mx_arena_strdup(&b->scope, &b->model->graph.arena, text);
}

/* --- the model as a whole ---------------------------------------------------------- */

static mexpr_status set_opset(mexpr_builder *b, const char *domain, int64_t version)
{
    mx_graph *graph = &b->model->graph;
    const bool is_own = !domain[0] || strcmp(domain, "ai.onnx") == 0;
    if (graph->n_nodes > 0)
        return mx_fail(&b->scope, MEXPR_E_STATE,
            "the opset has to be chosen before nodes are added");
    if (is_own && (version < OPSET_FIRST || version > OPSET_LAST))
        return mx_fail(&b->scope, MEXPR_E_OPSET,
            "the opset %lld is not supported; %d to %d are", (long long)version,
            OPSET_FIRST, OPSET_LAST);
    if (is_own) {
        /* IR versions came with opsets: https://onnx.ai/onnx/, "Versioning". */
        graph->ir_version = version <= 18 ? 8 : version <= 20 ? 9 : 10;
        graph->opset = (int)version;
        b->imports[0].version = version;
        return MEXPR_OK;
    }
    if (version < 1 || version > INT32_MAX || graph->n_imports == MAX_IMPORTS)
        return mx_fail(&b->scope, MEXPR_E_ARG,
            "the version %lld of the domain '%.100s' is not possible, or %d domains are "
            "there already",
            (long long)version, domain, MAX_IMPORTS);
    mx_import *import = &b->imports[graph->n_imports];
    import->version = version;
    import->domain = copy_text(b, domain);
    graph->n_imports += import->domain != NULL;
    return import->domain ? MEXPR_OK : MEXPR_E_NOMEM;
}

mexpr_status mexpr_builder_opset(
    mexpr_builder *builder, const char *domain, int64_t version)
{
    const mexpr_status status = enter(builder, domain, "opset");
    return status == MEXPR_OK ? leave(builder, set_opset(builder, domain, version))
                              : status;
}

mexpr_status mexpr_builder_seed(mexpr_builder *builder, uint64_t seed)
{
    const mexpr_status status = enter(builder, true, "seed");
    if (status == MEXPR_OK)
        builder->seed = seed;
    return status;
}

static mexpr_status add_metadata(mexpr_builder *b, const char *key, const char *value)
{
    mx_graph *graph = &b->model->graph;
    if (graph->n_metadata == b->metadata_capacity) {
        const size_t wanted = 2 * b->metadata_capacity + 4;
        mx_metadata *larger =
            mx_arena_alloc(&b->scope, &graph->arena, wanted, sizeof *larger);
        if (!larger)
            return MEXPR_E_NOMEM;
        for (size_t i = 0; i < graph->n_metadata; i++)
            larger[i] = graph->metadata[i];
        graph->metadata = larger;
        b->metadata_capacity = wanted;
    }
    const mx_metadata entry = {copy_text(b, key), copy_text(b, value)};
    if (!entry.key || !entry.text)
        return MEXPR_E_NOMEM;
    graph->metadata[graph->n_metadata++] = entry;
    return MEXPR_OK;
}

mexpr_status mexpr_builder_metadata(
    mexpr_builder *builder, const char *key, const char *value)
{
    const mexpr_status status = enter(builder, key && value, "metadata");
    return status == MEXPR_OK ? leave(builder, add_metadata(builder, key, value))
                              : status;
}

/* --- inputs and outputs ------------------------------------------------------------ */

/* A shape from the caller; open dimensions where `open` says so. */
static mexpr_status set_shape(mexpr_builder *b, const char *name, int32_t rank,
    const int64_t *dims, bool open, mx_tensor *tensor)
{
    if (rank > MEXPR_MAX_RANK || rank < (open ? -1 : 0))
        return mx_fail(&b->scope, MEXPR_E_SHAPE,
            "'%.200s' has %d dimensions; 0 to %d "
            "are possible",
            name, rank, MEXPR_MAX_RANK);
    tensor->rank = rank;
    for (int i = 0; i < rank; i++) {
        tensor->dims[i] = dims[i];
        if (dims[i] < (open ? -1 : 0))
            return mx_fail(&b->scope, MEXPR_E_SHAPE,
                "'%.200s' has a dimension of %lld, which is not possible", name,
                (long long)dims[i]);
    }
    const mexpr_status status = mx_tensor_check(&b->scope, tensor);
    return status == MEXPR_OK ? MEXPR_OK : mx_fail_prefix(&b->scope, status, name);
}

static mexpr_status add_input(
    mexpr_builder *b, const char *name, int32_t dtype, int32_t rank, const int64_t *dims)
{
    mx_graph *graph = &b->model->graph;
    mx_tensor declared = MX_TENSOR_UNKNOWN;
    declared.dtype = dtype;
    if (mexpr_dtype_bytes((mexpr_dtype)dtype) == 0)
        return mx_fail(&b->scope, MEXPR_E_TYPE,
            "the element type %d of '%.200s' does not exist", dtype, name);
    mexpr_status status = set_shape(b, name, rank, dims, true, &declared);
    if (status == MEXPR_OK)
        status = mx_graph_add_input(&b->scope, graph, name, &declared);
    if (status == MEXPR_OK && rank > 0 && dims[0] < 0)
        graph->inputs[graph->n_inputs - 1].dim_names[0] = "batch";
    return status;
}

mexpr_status mexpr_builder_input(mexpr_builder *builder, const char *name, int32_t dtype,
    int32_t rank, const int64_t *dims)
{
    const mexpr_status status = enter(builder, name && (dims || rank <= 0), "input");
    return status == MEXPR_OK
               ? leave(builder, add_input(builder, name, dtype, rank, dims))
               : status;
}

mexpr_status mexpr_builder_output(mexpr_builder *builder, const char *name)
{
    static const mx_tensor declared = MX_TENSOR_UNKNOWN;
    const mexpr_status status = enter(builder, name, "output");
    return status == MEXPR_OK
               ? leave(builder, mx_graph_add_output(&builder->scope,
                                    &builder->model->graph, name, &declared))
               : status;
}

/* --- initializers ------------------------------------------------------------------ */

static mexpr_status add_constant(
    mexpr_builder *b, const char *name, const mx_tensor *tensor, int32_t role)
{
    mx_graph *graph = &b->model->graph;
    const mexpr_status status = mx_graph_add_constant(&b->scope, graph, name, tensor);
    if (status == MEXPR_OK)
        graph->values[mx_graph_find(graph, name)].is_trainable =
            role == MEXPR_ROLE_PARAMETER;
    return status;
}

static mexpr_status check_role(
    mexpr_builder *b, const char *name, int32_t dtype, int32_t role)
{
    if (role != MEXPR_ROLE_CONSTANT && role != MEXPR_ROLE_PARAMETER)
        return mx_fail(
            &b->scope, MEXPR_E_ARG, "the role %d of '%.200s' does not exist", role, name);
    if (role == MEXPR_ROLE_PARAMETER && dtype != MEXPR_DTYPE_F32)
        return mx_fail(&b->scope, MEXPR_E_TYPE,
            "'%.200s' is %s, but what is trained has to be float32", name,
            mexpr_dtype_name((mexpr_dtype)dtype));
    return MEXPR_OK;
}

static mexpr_status add_initializer(
    mexpr_builder *b, const char *name, const mexpr_tensor_view *view, int32_t role)
{
    mx_tensor tensor;
    mexpr_status status = mx_view_in(&b->scope, view, &tensor);
    if (status != MEXPR_OK)
        return mx_fail_prefix(&b->scope, status, name);
    status = check_role(b, name, tensor.dtype, role);
    if (status != MEXPR_OK)
        return status;
    const size_t bytes = mx_tensor_bytes(&tensor);
    void *copy = mx_alloc(&b->scope, bytes, 1);
    if (!copy)
        return MEXPR_E_NOMEM;
    if (bytes > 0)
        memcpy(copy, tensor.data, bytes);
    tensor.data = copy;
    return add_constant(b, name, &tensor, role);
}

mexpr_status mexpr_builder_initializer(mexpr_builder *builder, const char *name,
    const mexpr_tensor_view *tensor, int32_t role)
{
    const mexpr_status status = enter(builder, name && tensor, "initializer");
    return status == MEXPR_OK
               ? leave(builder, add_initializer(builder, name, tensor, role))
               : status;
}

/* The spread of the numbers: half the width of uniform ones, the deviation of normal
 * ones. */
static double spread(const mx_tensor *tensor, int32_t init, double scale)
{
    double fan_in = 1, fan_out = 1;
    for (int i = 0; i < tensor->rank; i++) {
        fan_in *= i == 0 ? 1 : (double)tensor->dims[i];
        fan_out *= i == 1 ? 1 : (double)tensor->dims[i];
    }
    switch (init) {
    case MEXPR_INIT_FAN_IN_UNIFORM:
        return scale / sqrt(fan_in);
    case MEXPR_INIT_HE_NORMAL:
        return scale * sqrt(2 / fan_out);
    case MEXPR_INIT_XAVIER_UNIFORM:
        return scale * sqrt(6 / (fan_in + fan_out));
    default:
        return scale;
    }
}

static void draw(mexpr_builder *b, mx_tensor *tensor, int32_t init, double scale)
{
    const double width = spread(tensor, init, scale);
    const int64_t n = mx_tensor_count(tensor);
    float *data = tensor->data;
    mx_rng rng;
    mx_rng_seed(&rng, b->seed, b->n_random++);
    for (int64_t i = 0; i < n; i++) {
        double x = 1;
        if (init == MEXPR_INIT_NORMAL || init == MEXPR_INIT_HE_NORMAL)
            x = mx_rng_normal(&rng);
        else if (init != MEXPR_INIT_FILL)
            x = 2 * mx_rng_uniform(&rng) - 1;
        data[i] = (float)(width * x);
    }
}

static mexpr_status add_random(mexpr_builder *b, const char *name, int32_t rank,
    const int64_t *dims, int32_t init, double scale, int32_t role)
{
    mx_tensor tensor = {.dtype = MEXPR_DTYPE_F32};
    if (init < MEXPR_INIT_FILL || init > MEXPR_INIT_XAVIER_UNIFORM || !isfinite(scale))
        return mx_fail(&b->scope, MEXPR_E_ARG,
            "'%.200s' cannot begin with the initialisation %d of scale %g", name, init,
            scale);
    mexpr_status status = check_role(b, name, MEXPR_DTYPE_F32, role);
    if (status == MEXPR_OK)
        status = set_shape(b, name, rank, dims, false, &tensor);
    if (status != MEXPR_OK)
        return status;
    tensor.data = mx_alloc(&b->scope, mx_tensor_bytes(&tensor), 1);
    if (!tensor.data)
        return MEXPR_E_NOMEM;
    draw(b, &tensor, init, scale);
    return add_constant(b, name, &tensor, role);
}

mexpr_status mexpr_builder_random(mexpr_builder *builder, const char *name, int32_t rank,
    const int64_t *dims, int32_t init, double scale, int32_t role)
{
    const mexpr_status status = enter(builder, name && (dims || rank == 0), "random");
    return status == MEXPR_OK
               ? leave(builder, add_random(builder, name, rank, dims, init, scale, role))
               : status;
}

/* --- attributes -------------------------------------------------------------------- */

/* A new attribute of the next node, to be filled in; NULL with the failure kept. */
static mx_attribute *new_attribute(
    mexpr_builder *b, const char *name, mx_attribute_kind kind, mexpr_status *status)
{
    if (b->n_attributes == MAX_ATTRIBUTES) {
        *status = mx_fail(
            &b->scope, MEXPR_E_ARG, "a node has at most %d attributes", MAX_ATTRIBUTES);
        leave(b, *status);
        return NULL;
    }
    mx_attribute *a = &b->attributes[b->n_attributes];
    *a = (mx_attribute){.name = copy_text(b, name), .kind = kind};
    if (!a->name) {
        *status = leave(b, MEXPR_E_NOMEM);
        return NULL;
    }
    b->n_attributes++;
    return a;
}

mexpr_status mexpr_builder_int(mexpr_builder *builder, const char *name, int64_t value)
{
    mexpr_status status = enter(builder, name, "int");
    if (status != MEXPR_OK)
        return status;
    mx_attribute *a = new_attribute(builder, name, MX_ATTRIBUTE_INT, &status);
    if (a)
        a->i = value;
    return status;
}

mexpr_status mexpr_builder_float(mexpr_builder *builder, const char *name, float value)
{
    mexpr_status status = enter(builder, name, "float");
    if (status != MEXPR_OK)
        return status;
    mx_attribute *a = new_attribute(builder, name, MX_ATTRIBUTE_FLOAT, &status);
    if (a)
        a->f = value;
    return status;
}

mexpr_status mexpr_builder_string(
    mexpr_builder *builder, const char *name, const char *value)
{
    mexpr_status status = enter(builder, name && value, "string");
    if (status != MEXPR_OK)
        return status;
    mx_attribute *a = new_attribute(builder, name, MX_ATTRIBUTE_STRING, &status);
    if (a && !(a->s = copy_text(builder, value)))
        status = leave(builder, MEXPR_E_NOMEM);
    return status;
}

/* A copy of n elements in the graph's arena. */
static void *copy_list(mexpr_builder *b, const void *values, size_t n, size_t size)
{
    void *copy = mx_arena_raw(&b->scope, &b->model->graph.arena, n, size);
    if (copy && n > 0)
        memcpy(copy, values, n * size);
    return copy;
}

mexpr_status mexpr_builder_ints(
    mexpr_builder *builder, const char *name, const int64_t *values, size_t n)
{
    mexpr_status status = enter(builder, name && (values || n == 0), "ints");
    if (status != MEXPR_OK)
        return status;
    mx_attribute *a = new_attribute(builder, name, MX_ATTRIBUTE_INTS, &status);
    if (!a)
        return status;
    a->n = n;
    a->ints = copy_list(builder, values, n, sizeof *values);
    return a->ints ? MEXPR_OK : leave(builder, MEXPR_E_NOMEM);
}

mexpr_status mexpr_builder_floats(
    mexpr_builder *builder, const char *name, const float *values, size_t n)
{
    mexpr_status status = enter(builder, name && (values || n == 0), "floats");
    if (status != MEXPR_OK)
        return status;
    mx_attribute *a = new_attribute(builder, name, MX_ATTRIBUTE_FLOATS, &status);
    if (!a)
        return status;
    a->n = n;
    a->floats = copy_list(builder, values, n, sizeof *values);
    return a->floats ? MEXPR_OK : leave(builder, MEXPR_E_NOMEM);
}

static mexpr_status copy_strings(
    mexpr_builder *b, mx_attribute *a, const char *const *values, size_t n)
{
    const char **strings =
        mx_arena_alloc(&b->scope, &b->model->graph.arena, n, sizeof *strings);
    if (!strings)
        return MEXPR_E_NOMEM;
    a->strings = strings;
    a->n = n;
    for (size_t i = 0; i < n; i++) {
        if (!values[i])
            return mx_fail(&b->scope, MEXPR_E_ARG,
                "string %zu of the attribute '%.100s' is NULL", i, a->name);
        strings[i] = copy_text(b, values[i]);
        if (!strings[i])
            return MEXPR_E_NOMEM;
    }
    return MEXPR_OK;
}

mexpr_status mexpr_builder_strings(
    mexpr_builder *builder, const char *name, const char *const *values, size_t n)
{
    mexpr_status status = enter(builder, name && (values || n == 0), "strings");
    if (status != MEXPR_OK)
        return status;
    mx_attribute *a = new_attribute(builder, name, MX_ATTRIBUTE_STRINGS, &status);
    return a ? leave(builder, copy_strings(builder, a, values, n)) : status;
}

mexpr_status mexpr_builder_tensor(
    mexpr_builder *builder, const char *name, const mexpr_tensor_view *tensor)
{
    mexpr_status status = enter(builder, name && tensor, "tensor");
    if (status != MEXPR_OK)
        return status;
    mx_attribute *a = new_attribute(builder, name, MX_ATTRIBUTE_TENSOR, &status);
    if (!a)
        return status;
    status = mx_view_in(&builder->scope, tensor, &a->t);
    if (status != MEXPR_OK)
        return leave(builder, mx_fail_prefix(&builder->scope, status, name));
    a->t.data = copy_list(builder, a->t.data, mx_tensor_bytes(&a->t), 1);
    return a->t.data ? MEXPR_OK : leave(builder, MEXPR_E_NOMEM);
}

/* --- nodes ------------------------------------------------------------------------- */

/* Names with "" for those that are NULL. */
static mexpr_status copy_names(
    mexpr_builder *b, const char *const *names, size_t n, const char *const **out)
{
    const char **copy =
        mx_arena_alloc(&b->scope, &b->model->graph.arena, n, sizeof *copy);
    if (!copy)
        return MEXPR_E_NOMEM;
    for (size_t i = 0; i < n; i++)
        copy[i] = names[i] ? names[i] : "";
    *out = copy;
    return MEXPR_OK;
}

/* The opset of a node's domain, and that the operator is one that calls can describe. */
static mexpr_status choose_opset(mexpr_builder *b, mx_node_source *source)
{
    const mx_graph *graph = &b->model->graph;
    const mx_operator *op;
    for (size_t i = 0; i < graph->n_imports; i++) {
        if (strcmp(graph->imports[i].domain, source->domain) == 0)
            source->opset = (int)graph->imports[i].version;
    }
    if (source->opset == 0)
        return mx_fail(&b->scope, MEXPR_E_OPSET,
            "the domain '%.100s' has no opset; choose it with mexpr_builder_opset()",
            source->domain);
    const mexpr_status status =
        mx_operator_find(&b->scope, source->domain, source->op_type, source->opset, &op);
    if (status == MEXPR_OK && !op->forward)
        return mx_fail(&b->scope, MEXPR_E_OPERATOR,
            "the operator %.60s has graphs inside, which cannot be built", op->name);
    return status;
}

static mexpr_status add_node(mexpr_builder *b, mx_node_source *source)
{
    if (source->n_inputs > MAX_PORTS || source->n_outputs > MAX_PORTS)
        return mx_fail(&b->scope, MEXPR_E_LIMIT,
            "a node has at most %d inputs and outputs", MAX_PORTS);
    mexpr_status status = choose_opset(b, source);
    if (status == MEXPR_OK)
        status = copy_names(b, source->inputs, source->n_inputs, &source->inputs);
    if (status == MEXPR_OK)
        status = copy_names(b, source->outputs, source->n_outputs, &source->outputs);
    if (status == MEXPR_OK)
        status = mx_graph_add_node(&b->scope, &b->model->graph, source);
    return status;
}

mexpr_status mexpr_builder_node(mexpr_builder *builder, const char *op,
    const char *domain, const char *const *inputs, size_t n_inputs,
    const char *const *outputs, size_t n_outputs, const char *name)
{
    const bool has_lists = (inputs || n_inputs == 0) && (outputs || n_outputs == 0);
    const mexpr_status status = enter(builder, op && has_lists, "node");
    if (status != MEXPR_OK)
        return status;
    const bool is_own = !domain || strcmp(domain, "ai.onnx") == 0;
    mx_node_source source = {.name = name ? name : "",
        .op_type = op,
        .domain = is_own ? "" : domain,
        .n_inputs = n_inputs,
        .n_outputs = n_outputs,
        .n_attributes = builder->n_attributes,
        .inputs = inputs,
        .outputs = outputs,
        .attributes = builder->attributes};
    builder->n_attributes = 0;
    return leave(builder, add_node(builder, &source));
}

/* --- the end ----------------------------------------------------------------------- */

static mexpr_status finish(mexpr_builder *b)
{
    mx_graph *graph = &b->model->graph;
    if (b->n_attributes > 0)
        return mx_fail(&b->scope, MEXPR_E_STATE,
            "the attribute '%.100s' was set for a node that was not added",
            b->attributes[0].name);
    mx_import *imports = copy_list(b, b->imports, graph->n_imports, sizeof *imports);
    if (!imports)
        return MEXPR_E_NOMEM;
    graph->imports = imports;
    return mx_graph_finish(&b->scope, graph);
}

mexpr_status mexpr_builder_finish(mexpr_builder *builder, mexpr_model **out)
{
    if (out)
        *out = NULL;
    mexpr_status status = enter(builder, out, "finish");
    if (status != MEXPR_OK)
        return status;
    status = leave(builder, finish(builder));
    if (status == MEXPR_OK) {
        *out = builder->model;
        builder->model = NULL;
    }
    return status;
}
