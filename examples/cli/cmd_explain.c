/* SPDX-License-Identifier: MIT */
/* microexpr model explain. */
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "explain_params.h"
#include "rewrite_params.h"

typedef struct explain_request {
    cli_list inputs;
    const char *method;
    cli_number target;
    const char *layer;
    const char *look_at;
    int patch;
    int stride;
    cli_number fill;
    const char *over;
    const char *picture;
    const char *map;
    cli_list without;
    int threads;
} explain_request;

#define AT(member) offsetof(explain_request, member)

static const cli_option options[] = {
    {"input", 'i', CLI_LIST, AT(inputs), "NAME=F.npy",
        "an input; once for each (.npy or TensorProto .pb)"},
    {"class", 0, CLI_NUMBER, AT(target), "K",
        "the class, from 0; else the highest score"},
    {"method", 0, CLI_TEXT, AT(method), "NAME",
        "occlusion (standard), grad-cam or ablation-cam"},
    {"layer", 0, CLI_TEXT, AT(layer), "NAME",
        "feature map of the CAMs, a tensor or node; else the last convolution's"},
    {"look-at", 0, CLI_TEXT, AT(look_at), "NAME", "the input to explain; else the first"},
    {"patch", 0, CLI_INT, AT(patch), "PX", "side of occluding squares"},
    {"stride", 0, CLI_INT, AT(stride), "PX", "from square to square"},
    {"fill", 0, CLI_NUMBER, AT(fill), "X", "what fills them; else each channel's mean"},
    {"over", 0, CLI_TEXT, AT(over), "FACE.png", "draw over this picture"},
    {"picture", 'p', CLI_TEXT, AT(picture), "F.png", "write the map in colours"},
    {"map", 'm', CLI_TEXT, AT(map), "F.npy", "write the map's numbers"},
    NO_REWRITE_OPTION(explain_request, without),
    {"threads", 0, CLI_INT, AT(threads), "N", "threads, 1 to 64 (1)"},
    {0},
};

/* What the command owns while it runs. */
typedef struct explain_job {
    const explain_request *request;
    mexpr_context *context;
    mexpr_model *model;
    int32_t n_inputs;
    mexpr_tensor **tensors; /* one for each input of the model */
    mexpr_tensor_view *views;
    mexpr_saliency_options options;
    mexpr_saliency *saliency;
    mexpr_image *under;
    cli_outputs outputs;
} explain_job;

static int failed(const explain_job *job, mexpr_status status)
{
    return cli_fail_status(status, mexpr_context_last_error(job->context), NULL);
}

/* The number of an input; NULL is the only one. */
static int find_input(const explain_job *job, const char *name, int32_t *index)
{
    if (!name && job->n_inputs != 1)
        return cli_usage("model explain: the network has %d inputs: give NAME=FILE",
            (int)job->n_inputs);
    for (*index = 0; *index < job->n_inputs; (*index)++) {
        mexpr_tensor_info info = MEXPR_TENSOR_INFO_INIT;
        if (mexpr_model_input(job->model, *index, &info) == MEXPR_OK &&
            (!name || strcmp(info.name, name) == 0))
            return CLI_OK;
    }
    return cli_usage("model explain: the network has no input '%s'", name);
}

static int read_input(explain_job *job, const char *item)
{
    const char *name, *path;
    int32_t index;
    char *copy = cli_split(item, &name, &path);
    if (!copy)
        return CLI_FAILED;
    int code = find_input(job, name, &index);
    if (code == CLI_OK && job->tensors[index])
        code = cli_usage("model explain: an input is given twice");
    if (code == CLI_OK) {
        mexpr_status status = mexpr_tensor_read(job->context, path, &job->tensors[index]);
        job->views[index] = (mexpr_tensor_view)MEXPR_TENSOR_VIEW_INIT;
        if (status == MEXPR_OK)
            status = mexpr_tensor_get(job->tensors[index], &job->views[index]);
        code = status == MEXPR_OK ? CLI_OK : failed(job, status);
    }
    free(copy);
    return code;
}

static int read_inputs(explain_job *job)
{
    const cli_list *given = &job->request->inputs;
    job->n_inputs = mexpr_model_n_inputs(job->model);
    job->tensors = calloc((size_t)job->n_inputs + 1, sizeof(mexpr_tensor *));
    job->views = calloc((size_t)job->n_inputs + 1, sizeof *job->views);
    if (!job->tensors || !job->views)
        return cli_fail("out of memory; close other programs and try again");
    int code = CLI_OK;
    for (int i = 0; i < given->n && code == CLI_OK; i++)
        code = read_input(job, given->items[i]);
    if (code == CLI_OK && given->n != job->n_inputs)
        code =
            cli_usage("model explain: the network has %d inputs; give --input for each",
                (int)job->n_inputs);
    return code;
}

static int take_options(explain_job *job)
{
    const explain_request *r = job->request;
    mexpr_saliency_options *o = &job->options;
    *o = (mexpr_saliency_options)MEXPR_SALIENCY_OPTIONS_INIT;
    if (!r->picture && !r->map)
        return cli_usage("model explain: --picture or --map is needed");
    if (r->over && !r->picture)
        return cli_usage("model explain: --over needs --picture");
    if (r->target.given && !(r->target.value >= 0 && r->target.value < 1e9 &&
                               r->target.value == (int32_t)r->target.value))
        return cli_usage("model explain: --class %g is no class", r->target.value);
    if (r->target.given)
        o->target = (int32_t)r->target.value;
    o->patch = r->patch;
    o->stride = r->stride;
    o->layer = r->layer;
    if (r->fill.given) {
        o->fill = MEXPR_SALIENCY_FILL_VALUE;
        o->fill_value = (float)r->fill.value;
    }
    return explain_method("--method", r->method, &o->method);
}

static int explain(explain_job *job)
{
    if (job->request->look_at) {
        const int code = find_input(job, job->request->look_at, &job->options.input);
        if (code != CLI_OK)
            return code;
    }
    const mexpr_status status = mexpr_saliency_compute(job->context, job->model,
        job->views, job->n_inputs, &job->options, &job->saliency);
    return status == MEXPR_OK
               ? CLI_OK
               : explain_fail(status, mexpr_context_last_error(job->context),
                     job->options.method, NULL, "--method");
}

static int write_map(explain_job *job)
{
    const mexpr_image *map = mexpr_saliency_map(job->saliency);
    mexpr_tensor_view view = MEXPR_TENSOR_VIEW_INIT;
    const char *temporary = cli_output(&job->outputs, job->request->map);
    if (!temporary)
        return CLI_FAILED;
    view.dtype = MEXPR_DTYPE_F32;
    view.rank = 2;
    view.dims[0] = mexpr_image_height(map);
    view.dims[1] = mexpr_image_width(map);
    view.data = mexpr_image_data(map);
    const mexpr_status status = mexpr_tensor_write_npy(job->context, &view, temporary);
    return status == MEXPR_OK ? CLI_OK : cli_output_failed(&job->outputs, job->context);
}

static int write_files(explain_job *job)
{
    const explain_request *r = job->request;
    int code = CLI_OK;
    if (r->over)
        code = cli_read_grey(job->context, r->over, &job->under);
    if (code == CLI_OK && r->picture)
        code = explain_write(
            &job->outputs, job->context, job->saliency, job->under, r->picture);
    if (code == CLI_OK && r->map)
        code = write_map(job);
    return code;
}

static int print_summary(const explain_job *job)
{
    text out = {0};
    text_add(&out, "class %d, score %.6g\n", (int)mexpr_saliency_target(job->saliency),
        mexpr_saliency_target_score(job->saliency));
    if (*mexpr_saliency_layer(job->saliency))
        text_add(&out, "layer %s\n", mexpr_saliency_layer(job->saliency));
    if (explain_is_empty(job->saliency))
        text_add(&out, "the map is empty: nothing in it speaks for the class; try "
                       "--method occlusion or another --layer\n");
    const int code = cli_print(&out);
    text_free(&out);
    return code;
}

static int run(const void *request, char **arguments, int n)
{
    explain_job job = {.request = request};
    (void)n;
    int code = take_options(&job);
    if (code == CLI_OK)
        code = cli_context(job.request->threads, &job.context);
    if (code == CLI_OK)
        code = rewrite_load(job.context, arguments[0], &job.request->without, &job.model);
    if (code == CLI_OK)
        code = read_inputs(&job);
    if (code == CLI_OK)
        code = explain(&job);
    if (code == CLI_OK)
        code = write_files(&job);
    if (code == CLI_OK)
        code = print_summary(&job);
    code = cli_outputs_finish(&job.outputs, code);
    mexpr_image_destroy(&job.under);
    mexpr_saliency_destroy(&job.saliency);
    for (int32_t i = 0; job.tensors && i < job.n_inputs; i++)
        mexpr_tensor_destroy(&job.tensors[i]);
    free(job.views);
    free(job.tensors);
    mexpr_model_destroy(&job.model);
    mexpr_context_destroy(&job.context);
    return code;
}

const cli_command cmd_model_explain = {
    .group = "model",
    .name = "explain",
    .arguments = "M.onnx",
    .summary = "Where in its input a network looks, as a map",
    .about =
        "The input that is explained is a picture of 1 x C x H x W or 1 x C x T x H x W\n"
        "numbers. A map tells what a score rests on, not what is true of a face.",
    .options = options,
    .request_size = sizeof(explain_request),
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run,
};
