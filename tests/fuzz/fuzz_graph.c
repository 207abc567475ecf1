/* SPDX-License-Identifier: MIT */
/* Bytes as instructions to build a small graph of known operators, most of whose nodes
 * fit: deeper into shapes, folding and rewrites than bytes of files come. What loads
 * runs, with all rewrites and without any: the same status, the same types and shapes. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "microexpr/image.h"
#include "model/operator.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_NODES = 10, MAX_NAMES = 48, NAME_SIZE = 4, TENSOR_BYTES = 1 << 14 };

/* The bytes that are left; 0 behind their end. */
typedef struct source {
    const uint8_t *at, *end;
} source;

static unsigned next(source *s, unsigned below)
{
    return s->at < s->end ? *s->at++ % below : 0;
}

/* What is being built: names of the values so far, two letters each. */
typedef struct graph {
    source s;
    mexpr_builder *builder;
    char names[MAX_NAMES][NAME_SIZE];
    int n_names;
} graph;

static const char *fresh(graph *g)
{
    char *name = g->names[g->n_names];
    name[0] = (char)('a' + g->n_names / 26);
    name[1] = (char)('a' + g->n_names % 26);
    g->n_names += g->n_names < MAX_NAMES - 1;
    return name;
}

/* --- leaves ------------------------------------------------------------------------ */

static void add_leaf(graph *g)
{
    static const int32_t types[] = {1, 1, 1, 1, 7, 7, 9, 6, 2};
    static const float floats[64] = {0.5f, -1, 2, 0, 3, -0.25f, 1, 1};
    static const int64_t ints[64] = {1, 0, -1, 2, 3, 1, 0, 2};
    static const int64_t extents[] = {1, 2, 3, 4, 1, 2, 5, 0};
    mexpr_tensor_view view = MEXPR_TENSOR_VIEW_INIT;
    view.dtype = types[next(&g->s, sizeof types / sizeof *types)];
    view.rank = (int32_t)next(&g->s, 6);
    int64_t n = 1;
    for (int i = 0; i < view.rank; i++) {
        view.dims[i] = extents[next(&g->s, 8)];
        n *= view.dims[i];
    }
    const bool is_input = next(&g->s, 3) == 0;
    if (n > 32) /* no more than there are numbers */
        view.rank = 0;
    /* Numbers begin at different places. */
    const unsigned first = next(&g->s, 8);
    view.data = view.dtype == MEXPR_DTYPE_F32 ? (const void *)(floats + first)
                                              : (const void *)(ints + first);
    if (is_input)
        mexpr_builder_input(g->builder, fresh(g), view.dtype, view.rank, view.dims);
    else
        mexpr_builder_initializer(g->builder, fresh(g), &view, MEXPR_ROLE_CONSTANT);
}

/* --- nodes ------------------------------------------------------------------------- */

static const char *const words[] = {"constant", "edge", "reflect", "linear", "nearest",
    "cubic", "SAME_UPPER", "VALID", "forward", "reverse", "bidirectional", "asymmetric",
    "align_corners", "bilinear", "add", "mul", "tanh", "CRD", "ij,jk->ik", "NONE"};

static void add_attribute(graph *g, const char *name, char kind)
{
    static const float numbers[] = {0, 1, 0.5f, -1, 6, 1e-5f};
    int64_t ints[6];
    float floats[6];
    const size_t n = next(&g->s, 6);
    const char *word = words[next(&g->s, sizeof words / sizeof *words)];
    for (size_t i = 0; i < 6; i++) {
        ints[i] = (int64_t)next(&g->s, 7) - 2;
        floats[i] = numbers[next(&g->s, 6)];
    }
    switch (kind) {
    case 'i':
        mexpr_builder_int(g->builder, name, ints[0]);
        break;
    case 'f':
        mexpr_builder_float(g->builder, name, floats[0]);
        break;
    case 's':
        mexpr_builder_string(g->builder, name, word);
        break;
    case 'I':
        mexpr_builder_ints(g->builder, name, ints, n);
        break;
    case 'F':
        mexpr_builder_floats(g->builder, name, floats, n);
        break;
    case 'S':
        mexpr_builder_strings(g->builder, name, &word, 1);
        break;
    default:
        break;
    }
}

/* Some of the attributes that the operator's entry lists, "axes:I keepdims:i". */
static void add_attributes(graph *g, const char *list)
{
    while (*list) {
        char name[40];
        const size_t length = strcspn(list, ":");
        if (length >= sizeof name || !list[length])
            return;
        memcpy(name, list, length);
        name[length] = '\0';
        if (next(&g->s, 3) == 0)
            add_attribute(g, name, list[length + 1]);
        list += length + 2;
        list += *list == ' ';
    }
}

static const mx_operator *choose(graph *g)
{
    unsigned n = 0;
    while (mx_operator_at((int)n))
        n++;
    const unsigned number = next(&g->s, 256) * 256 + next(&g->s, 256);
    return mx_operator_at((int)(number % n));
}

static void add_node(graph *g)
{
    const mx_operator *op = choose(g);
    const char *inputs[8] = {NULL}, *outputs[4] = {NULL};
    const unsigned most = op->flags & MX_OP_VARIADIC ? 4
                          : op->max_inputs < 8       ? (unsigned)op->max_inputs
                                                     : 8;
    unsigned n = (unsigned)op->min_inputs;
    if (op->flags & MX_OP_BRANCH || g->n_names == 0)
        return;
    if (most > n)
        n += next(&g->s, most - n + 1);
    for (unsigned i = 0; i < n; i++) {
        /* Late ones are likelier. */
        const unsigned back = next(&g->s, 4) ? next(&g->s, 4) : next(&g->s, MAX_NAMES);
        const int k = g->n_names - 1 - (int)back;
        inputs[i] = g->names[k < 0 ? 0 : k];
    }
    add_attributes(g, op->attributes);
    unsigned n_outputs = (unsigned)op->min_outputs;
    if (op->max_outputs > op->min_outputs && next(&g->s, 2))
        n_outputs++;
    for (unsigned i = 0; i < n_outputs && i < 4; i++)
        outputs[i] = fresh(g);
    mexpr_builder_node(g->builder, op->name, op->domain, inputs, n, outputs,
        n_outputs < 4 ? n_outputs : 4, NULL);
}

static mexpr_model *build(mexpr_context *context, const uint8_t *data, size_t size)
{
    static const int64_t opsets[] = {11, 13, 17, 18, 21};
    graph g = {.s = {data, data + size}};
    mexpr_model *model = NULL;
    if (mexpr_builder_create(context, "fuzz", &g.builder) != MEXPR_OK)
        return NULL;
    mexpr_builder_opset(g.builder, "", opsets[next(&g.s, 5)]);
    mexpr_builder_opset(g.builder, "ai.onnx.ml", 3);
    add_leaf(&g);
    for (int i = 0; i < MAX_NODES && g.s.at < g.s.end && g.n_names < MAX_NAMES - 6; i++) {
        for (unsigned k = next(&g.s, 3); k > 0; k--)
            add_leaf(&g);
        add_node(&g);
    }
    for (int i = 0; i < 2 && i < g.n_names; i++)
        mexpr_builder_output(g.builder, g.names[g.n_names - 1 - i]);
    const mexpr_status status = mexpr_builder_finish(g.builder, &model);
    if ((status == MEXPR_OK) != (model != NULL) ||
        (status != MEXPR_OK && !mexpr_builder_last_error(g.builder)[0]))
        __builtin_trap();
    mexpr_builder_destroy(&g.builder);
    return model;
}

/* --- running ----------------------------------------------------------------------- */

static mexpr_status run(const mexpr_model *model, mexpr_session *session)
{
    static const int64_t numbers[TENSOR_BYTES / 8] = {1, 0, 2};
    for (int32_t i = 0; i < mexpr_model_n_inputs(model); i++) {
        mexpr_tensor_info info = MEXPR_TENSOR_INFO_INIT;
        mexpr_tensor_view view = MEXPR_TENSOR_VIEW_INIT;
        if (mexpr_model_input(model, i, &info) != MEXPR_OK)
            __builtin_trap();
        view.dtype = info.dtype;
        view.rank = info.rank;
        memcpy(view.dims, info.dims, sizeof view.dims);
        view.data = numbers;
        if (mexpr_session_set_input(session, info.name, &view) != MEXPR_OK)
            __builtin_trap();
    }
    return mexpr_session_run(session);
}

static void compare(const mexpr_model *model, mexpr_session *a, mexpr_session *b)
{
    for (int32_t i = 0; i < mexpr_model_n_outputs(model); i++) {
        mexpr_tensor_info info = MEXPR_TENSOR_INFO_INIT;
        mexpr_tensor_view x = MEXPR_TENSOR_VIEW_INIT, y = MEXPR_TENSOR_VIEW_INIT;
        if (mexpr_model_output(model, i, &info) != MEXPR_OK ||
            mexpr_session_output(a, info.name, &x) != MEXPR_OK ||
            mexpr_session_output(b, info.name, &y) != MEXPR_OK || x.dtype != y.dtype ||
            x.rank != y.rank ||
            memcmp(x.dims, y.dims, (size_t)x.rank * sizeof *x.dims) != 0)
            __builtin_trap();
    }
}

/* As it was built, and read from its own bytes without rewrites. */
static void run_both(mexpr_context *context, mexpr_model *model)
{
    mexpr_model_options options = MEXPR_MODEL_OPTIONS_INIT;
    mexpr_model *plain = NULL;
    mexpr_session *sessions[2] = {NULL, NULL};
    void *bytes = NULL;
    size_t size = 0;
    options.rewrites = 0;
    if (mexpr_model_encode(context, model, &bytes, &size) != MEXPR_OK ||
        mexpr_model_load_memory_with(context, bytes, size, &options, &plain) !=
            MEXPR_OK ||
        mexpr_session_create(model, &sessions[0]) != MEXPR_OK ||
        mexpr_session_create(plain, &sessions[1]) != MEXPR_OK)
        __builtin_trap();
    const mexpr_status status = run(model, sessions[0]);
    if (status == MEXPR_OK && run(plain, sessions[1]) == MEXPR_OK)
        compare(model, sessions[0], sessions[1]);
    else if (status == MEXPR_OK)
        __builtin_trap();
    mexpr_session_destroy(&sessions[0]);
    mexpr_session_destroy(&sessions[1]);
    mexpr_model_destroy(&plain);
    mexpr_bytes_free(context, &bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mexpr_context_options options = MEXPR_CONTEXT_OPTIONS_INIT;
    mexpr_context *context = NULL;
    options.max_tensor_bytes = TENSOR_BYTES;
    if (mexpr_context_create(&options, &context) != MEXPR_OK)
        return 0;
    mexpr_model *model = build(context, data, size);
    if (model)
        run_both(context, model);
    mexpr_model_destroy(&model);
    mexpr_context_destroy(&context);
    return 0;
}
