/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <math.h>

#include "cmd.h"
#include "json.h"

/* --- list -------------------------------------------------------------------------- */

typedef struct list_request {
    int json;
} list_request;

static const cli_option list_options[] = {
    {"json", 0, CLI_FLAG, offsetof(list_request, json), NULL, "print JSON"},
    {0},
};

static void json_system(const mexpr_system_info *info, text *out)
{
    json_open(out, '{');
    json_key(out, "name");
    json_string(out, info->name);
    json_key(out, "title");
    json_string(out, info->title);
    json_key(out, "classes");
    json_integer(out, info->n_classes);
    json_key(out, "width");
    json_integer(out, info->width);
    json_key(out, "height");
    json_integer(out, info->height);
    json_key(out, "size_step");
    json_integer(out, info->size_step);
    json_key(out, "parameters");
    json_integer(out, (int64_t)info->n_parameters);
    json_close(out, '}');
}

static int list(const void *opaque, char **arguments, int n)
{
    const list_request *request = opaque;
    text out = {0};
    (void)arguments;
    (void)n;
    if (request->json)
        json_open(&out, '[');
    for (int32_t i = 0; i < mexpr_system_count(); i++) {
        mexpr_system_info info = MEXPR_SYSTEM_INFO_INIT;
        if (mexpr_system_info_get(i, &info) != MEXPR_OK)
            continue;
        if (request->json)
            json_system(&info, &out);
        else
            text_add(&out, "%-18s %9" PRIu64 "  %3d x %-3d  %d classes  %s\n", info.name,
                info.n_parameters, info.width, info.height, info.n_classes, info.title);
    }
    if (request->json) {
        json_close(&out, ']');
        text_add(&out, "\n");
    }
    const int code = cli_print(&out);
    text_free(&out);
    return code;
}

const cli_command cmd_system_list = {
    .group = "system",
    .name = "list",
    .arguments = "",
    .summary = "The published networks that can be built",
    .about = "Name, weights, input size, classes, publication.",
    .options = list_options,
    .request_size = sizeof(list_request),
    .run = list,
};

/* --- export ------------------------------------------------------------------------ */

typedef struct export_request {
    const char *output;
    int classes;
    int size;
    cli_number seed;
} export_request;

static const cli_option export_options[] = {
    {"output", 'o', CLI_TEXT, offsetof(export_request, output), "F.onnx", "the file"},
    {"classes", 0, CLI_INT, offsetof(export_request, classes), "N",
        "classes, 2 to 1000 (those of the publication)"},
    {"size", 0, CLI_INT, offsetof(export_request, size), "N",
        "width and height of the input, where it is free"},
    {"seed", 0, CLI_NUMBER, offsetof(export_request, seed), "N",
        "of the random weights (0)"},
    {0},
};

static int export(const void *opaque, char **arguments, int n)
{
    const export_request *request = opaque;
    mexpr_system_options options = MEXPR_SYSTEM_OPTIONS_INIT;
    mexpr_context *context = NULL;
    mexpr_model *model = NULL;
    (void)n;
    if (!request->output)
        return cli_usage("no output given; name the file with --output F.onnx");
    /* Whole numbers that a double holds exactly. */
    if (!(request->seed.value >= 0 && request->seed.value <= 9007199254740992.0 &&
            floor(request->seed.value) == request->seed.value))
        return cli_usage("--seed takes a whole number from 0 on");
    options.n_classes = request->classes;
    options.size = request->size;
    options.seed = (uint64_t)request->seed.value;
    int code = cli_context(0, &context);
    if (code == CLI_OK) {
        const mexpr_status status =
            mexpr_system_build(context, arguments[0], &options, &model);
        if (status != MEXPR_OK)
            code = cli_fail_status(status, mexpr_context_last_error(context), NULL);
    }
    if (code == CLI_OK)
        code = cli_write_model(context, model, request->output);
    mexpr_model_destroy(&model);
    mexpr_context_destroy(&context);
    return code;
}

const cli_command cmd_system_export = {
    .group = "system",
    .name = "export",
    .arguments = "NAME",
    .summary = "Write a published network with random weights as ONNX",
    .about = "NAME is one of 'microexpr system list'.",
    .options = export_options,
    .request_size = sizeof(export_request),
    .min_arguments = 1,
    .max_arguments = 1,
    .run = export,
};
