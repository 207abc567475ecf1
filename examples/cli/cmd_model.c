/* SPDX-License-Identifier: MIT */
/* microexpr model inspect, run. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "json.h"
#include "rewrite_params.h"

/* --- inspect ----------------------------------------------------------------------- */

typedef struct inspect_request {
    int json;
    int nodes;
    int rewrites;
    cli_list without;
} inspect_request;

static const cli_option inspect_options[] = {
    {"nodes", 0, CLI_FLAG, offsetof(inspect_request, nodes), NULL, "list every node"},
    {"list-rewrites", 0, CLI_FLAG, offsetof(inspect_request, rewrites), NULL,
        "list the rewrites, and how often loading does each"},
    NO_REWRITE_OPTION(inspect_request, without),
    {"json", 0, CLI_FLAG, offsetof(inspect_request, json), NULL, "print JSON"},
    {0},
};

typedef mexpr_status (*info_fn)(
    const mexpr_model *model, int32_t index, mexpr_tensor_info *info);

/* A free dimension is null. */
static void json_dimension(int64_t size, text *out)
{
    if (size < 0)
        json_string(out, NULL);
    else
        json_integer(out, size);
}

static void json_infos(const mexpr_model *model, int32_t n, info_fn get, text *out)
{
    json_open(out, '[');
    for (int32_t i = 0; i < n; i++) {
        mexpr_tensor_info info = MEXPR_TENSOR_INFO_INIT;
        if (get(model, i, &info) != MEXPR_OK)
            continue;
        json_open(out, '{');
        json_key(out, "name");
        json_string(out, info.name);
        json_key(out, "type");
        json_string(out, mexpr_dtype_name((mexpr_dtype)info.dtype));
        json_key(out, "shape");
        if (info.rank < 0) {
            json_string(out, NULL);
        } else {
            json_open(out, '[');
            for (int32_t d = 0; d < info.rank; d++)
                json_dimension(info.dims[d], out);
            json_close(out, ']');
        }
        json_close(out, '}');
    }
    json_close(out, ']');
}

typedef struct operator_count {
    const char *op;
    int n;
} operator_count;

static int by_name(const void *a, const void *b)
{
    return strcmp(((const operator_count *)a)->op, ((const operator_count *)b)->op);
}

/* Every operator once, sorted; NULL when memory ran out. */
static operator_count *count_operators(const mexpr_model *model, size_t *n)
{
    const int32_t n_nodes = mexpr_model_n_nodes(model);
    operator_count *counts = calloc((size_t)n_nodes + 1, sizeof *counts);
    *n = 0;
    for (int32_t i = 0; counts && i < n_nodes; i++) {
        const char *op = "";
        if (mexpr_model_node(model, i, NULL, &op) != MEXPR_OK)
            continue;
        size_t k = 0;
        while (k < *n && strcmp(counts[k].op, op) != 0)
            k++;
        if (k == *n)
            counts[(*n)++].op = op;
        counts[k].n++;
    }
    if (counts)
        qsort(counts, *n, sizeof *counts, by_name);
    return counts;
}

static void json_nodes(const mexpr_model *model, text *out)
{
    json_key(out, "nodes");
    json_open(out, '[');
    for (int32_t i = 0; i < mexpr_model_n_nodes(model); i++) {
        const char *name = "", *op = "";
        if (mexpr_model_node(model, i, &name, &op) != MEXPR_OK)
            continue;
        json_open(out, '{');
        json_key(out, "name");
        json_string(out, name);
        json_key(out, "op");
        json_string(out, op);
        json_close(out, '}');
    }
    json_close(out, ']');
}

static void json_rewrite(const char *name, int32_t times, void *out)
{
    json_key(out, name);
    json_integer(out, times);
}

static void plain_rewrite(const char *name, int32_t times, void *out)
{
    text_add(out, "rewrite %-11s %d\n", name, (int)times);
}

static void inspect_json(const inspect_request *request, const mexpr_model *model,
    const operator_count *counts, size_t n_counts, text *out)
{
    json_open(out, '{');
    json_key(out, "name");
    json_string(out, mexpr_model_name(model));
    json_key(out, "producer");
    json_string(out, mexpr_model_producer(model));
    json_key(out, "opset");
    json_integer(out, mexpr_model_opset(model));
    json_key(out, "parameters");
    json_integer(out, (int64_t)mexpr_model_n_parameters(model));
    json_key(out, "inputs");
    json_infos(model, mexpr_model_n_inputs(model), mexpr_model_input, out);
    json_key(out, "outputs");
    json_infos(model, mexpr_model_n_outputs(model), mexpr_model_output, out);
    json_key(out, "n_nodes");
    json_integer(out, mexpr_model_n_nodes(model));
    json_key(out, "operators");
    json_open(out, '{');
    for (size_t i = 0; i < n_counts; i++) {
        json_key(out, counts[i].op);
        json_integer(out, counts[i].n);
    }
    json_close(out, '}');
    json_key(out, "labels");
    json_string(out, mexpr_model_metadata(model, "microexpr.labels"));
    json_key(out, "planes");
    json_string(out, mexpr_model_metadata(model, "microexpr.planes"));
    if (request->rewrites) {
        json_key(out, "rewrites");
        json_open(out, '{');
        rewrite_each(model, json_rewrite, out);
        json_close(out, '}');
    }
    if (request->nodes)
        json_nodes(model, out);
    json_close(out, '}');
    text_add(out, "\n");
}

static void plain_infos(
    const char *what, const mexpr_model *model, int32_t n, info_fn get, text *out)
{
    for (int32_t i = 0; i < n; i++) {
        mexpr_tensor_info info = MEXPR_TENSOR_INFO_INIT;
        if (get(model, i, &info) != MEXPR_OK)
            continue;
        text_add(
            out, "%s %s: %s", what, info.name, mexpr_dtype_name((mexpr_dtype)info.dtype));
        for (int32_t d = 0; d < info.rank; d++) {
            if (info.dims[d] < 0)
                text_add(out, "%sN", d ? " x " : " ");
            else
                text_add(out, "%s%" PRId64, d ? " x " : " ", info.dims[d]);
        }
        text_add(out, info.rank < 0 ? " of any shape\n" : "\n");
    }
}

static void inspect_plain(const inspect_request *request, const mexpr_model *model,
    const operator_count *counts, size_t n_counts, text *out)
{
    const char *labels = mexpr_model_metadata(model, "microexpr.labels");
    const char *planes = mexpr_model_metadata(model, "microexpr.planes");
    text_add(out, "%s, by %s, opset %" PRId64 ", %" PRIu64 " parameters\n",
        *mexpr_model_name(model) ? mexpr_model_name(model) : "(no name)",
        *mexpr_model_producer(model) ? mexpr_model_producer(model) : "(not named)",
        mexpr_model_opset(model), mexpr_model_n_parameters(model));
    plain_infos("input ", model, mexpr_model_n_inputs(model), mexpr_model_input, out);
    plain_infos("output", model, mexpr_model_n_outputs(model), mexpr_model_output, out);
    if (labels)
        text_add(out, "labels %s\n", labels);
    if (planes)
        text_add(out, "planes %s\n", planes);
    text_add(out, "%d nodes:", (int)mexpr_model_n_nodes(model));
    for (size_t i = 0; i < n_counts; i++)
        text_add(out, "%s %s %d", i ? "," : "", counts[i].op, counts[i].n);
    text_add(out, "\n");
    if (request->rewrites)
        rewrite_each(model, plain_rewrite, out);
    for (int32_t i = 0; request->nodes && i < mexpr_model_n_nodes(model); i++) {
        const char *name = "", *op = "";
        if (mexpr_model_node(model, i, &name, &op) == MEXPR_OK)
            text_add(out, "  %-24s %s\n", op, name);
    }
}

static int inspect_loaded(const inspect_request *request, const mexpr_model *model)
{
    size_t n_counts;
    operator_count *counts = count_operators(model, &n_counts);
    if (!counts)
        return cli_fail("out of memory; close other programs and try again");
    text out = {0};
    if (request->json)
        inspect_json(request, model, counts, n_counts, &out);
    else
        inspect_plain(request, model, counts, n_counts, &out);
    const int code = cli_print(&out);
    text_free(&out);
    free(counts);
    return code;
}

static int inspect(const void *request, char **arguments, int n)
{
    mexpr_context *context = NULL;
    mexpr_model *model = NULL;
    const inspect_request *r = request;
    (void)n;
    int code = cli_context(0, &context);
    if (code == CLI_OK)
        code = rewrite_load(context, arguments[0], &r->without, &model);
    if (code == CLI_OK)
        code = inspect_loaded(r, model);
    mexpr_model_destroy(&model);
    mexpr_context_destroy(&context);
    return code;
}

const cli_command cmd_model_inspect = {
    .group = "model",
    .name = "inspect",
    .arguments = "M.onnx",
    .summary = "What an ONNX file takes, gives and consists of",
    .options = inspect_options,
    .request_size = sizeof(inspect_request),
    .min_arguments = 1,
    .max_arguments = 1,
    .run = inspect,
};

/* --- run --------------------------------------------------------------------------- */

typedef struct run_request {
    cli_list inputs;
    cli_list outputs;
    cli_list without;
    int threads;
} run_request;

static const cli_option run_options[] = {
    {"input", 'i', CLI_LIST, offsetof(run_request, inputs), "NAME=F.npy",
        "an input; once for each (.npy or TensorProto .pb)"},
    {"output", 'o', CLI_LIST, offsetof(run_request, outputs), "NAME=F.npy",
        "write an output; once for each that is wanted"},
    NO_REWRITE_OPTION(run_request, without),
    {"threads", 0, CLI_INT, offsetof(run_request, threads), "N", "threads, 1 to 64 (1)"},
    {0},
};

/* What the command owns while it runs. */
typedef struct run_job {
    const run_request *request;
    mexpr_context *context;
    mexpr_model *model;
    mexpr_session *session;
    mexpr_tensor **tensors; /* one for each input */
    cli_outputs outputs;
} run_job;

static int failed_session(const run_job *job, mexpr_status status, const char *doing)
{
    return cli_fail_status(status, mexpr_session_last_error(job->session), doing);
}

static int set_input(run_job *job, int index)
{
    const char *name, *path;
    char *copy = cli_split(job->request->inputs.items[index], &name, &path);
    if (!copy)
        return CLI_FAILED;
    mexpr_tensor_view view = MEXPR_TENSOR_VIEW_INIT;
    int code = CLI_OK;
    mexpr_status status = mexpr_tensor_read(job->context, path, &job->tensors[index]);
    if (status != MEXPR_OK) {
        code = cli_fail_status(status, mexpr_context_last_error(job->context), NULL);
    } else {
        status = mexpr_tensor_get(job->tensors[index], &view);
        if (status == MEXPR_OK)
            status = mexpr_session_set_input(job->session, name, &view);
        if (status != MEXPR_OK)
            code = failed_session(job, status, path);
    }
    free(copy);
    return code;
}

static int write_output(run_job *job, int index)
{
    const char *name, *path;
    char *copy = cli_split(job->request->outputs.items[index], &name, &path);
    if (!copy)
        return CLI_FAILED;
    mexpr_tensor_view view = MEXPR_TENSOR_VIEW_INIT;
    int code = CLI_OK;
    const mexpr_status status = mexpr_session_output(job->session, name, &view);
    if (status != MEXPR_OK) {
        code = failed_session(job, status, NULL);
    } else {
        /* The path lies within the item, which outlives the outputs. */
        const char *kept = job->request->outputs.items[index] + (path - copy);
        const char *temporary = cli_output(&job->outputs, kept);
        if (!temporary)
            code = CLI_FAILED;
        else if (mexpr_tensor_write_npy(job->context, &view, temporary) != MEXPR_OK)
            code = cli_output_failed(&job->outputs, job->context);
    }
    free(copy);
    return code;
}

static void describe_output(mexpr_session *session, const char *name, text *out)
{
    mexpr_tensor_view view = MEXPR_TENSOR_VIEW_INIT;
    if (mexpr_session_output(session, name, &view) != MEXPR_OK)
        return;
    text_add(out, "%s: %s", name, mexpr_dtype_name((mexpr_dtype)view.dtype));
    for (int32_t d = 0; d < view.rank; d++)
        text_add(out, "%s%" PRId64, d ? " x " : " ", view.dims[d]);
    text_add(out, "\n");
}

static int print_outputs(const run_job *job)
{
    text out = {0};
    for (int32_t i = 0; i < mexpr_model_n_outputs(job->model); i++) {
        mexpr_tensor_info info = MEXPR_TENSOR_INFO_INIT;
        if (mexpr_model_output(job->model, i, &info) == MEXPR_OK)
            describe_output(job->session, info.name, &out);
    }
    const int code = cli_print(&out);
    text_free(&out);
    return code;
}

static int run_model(run_job *job)
{
    const mexpr_status status = mexpr_session_create(job->model, &job->session);
    if (status != MEXPR_OK)
        return cli_fail_status(status, NULL, "cannot make a session");
    int code = CLI_OK;
    for (int i = 0; i < job->request->inputs.n && code == CLI_OK; i++)
        code = set_input(job, i);
    if (code != CLI_OK)
        return code;
    const mexpr_status ran = mexpr_session_run(job->session);
    if (ran != MEXPR_OK)
        return failed_session(job, ran, NULL);
    for (int i = 0; i < job->request->outputs.n && code == CLI_OK; i++)
        code = write_output(job, i);
    return code == CLI_OK ? print_outputs(job) : code;
}

static int run(const void *opaque, char **arguments, int n)
{
    run_job job = {.request = opaque};
    const size_t n_inputs = (size_t)job.request->inputs.n;
    (void)n;
    job.tensors = calloc(n_inputs + 1, sizeof(mexpr_tensor *));
    if (!job.tensors)
        return cli_fail("out of memory; close other programs and try again");
    int code = cli_context(job.request->threads, &job.context);
    if (code == CLI_OK)
        code = rewrite_load(job.context, arguments[0], &job.request->without, &job.model);
    if (code == CLI_OK)
        code = run_model(&job);
    code = cli_outputs_finish(&job.outputs, code);
    mexpr_session_destroy(&job.session);
    for (size_t i = 0; i < n_inputs; i++)
        mexpr_tensor_destroy(&job.tensors[i]);
    free(job.tensors);
    mexpr_model_destroy(&job.model);
    mexpr_context_destroy(&job.context);
    return code;
}

const cli_command cmd_model_run = {
    .group = "model",
    .name = "run",
    .arguments = "M.onnx",
    .summary = "Run an ONNX file on arrays in .npy files",
    .about =
        "Arrays are C-order float32, int64, int32, uint8 or bool. NAME= may be left out\n"
        "when the model has only one input or output.",
    .options = run_options,
    .request_size = sizeof(run_request),
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run,
};
