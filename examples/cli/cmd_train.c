/* SPDX-License-Identifier: MIT */
#include "clip_io.h"
#include "cmd.h"
#include "labelled.h"

typedef struct train_request {
    labelled_request data;
    const char *output;
    const char *labels;
} train_request;

static const cli_option options[] = {
    LABELLED_OPTIONS(train_request, data),
    {"output", 'o', CLI_TEXT, offsetof(train_request, output), "F.onnx",
        "the network (needed)"},
    {"labels", 0, CLI_TEXT, offsetof(train_request, labels), "A,B,C",
        "names of the classes, kept in the network (the manifest's, if it\n"
        "                              has names)"},
    {0},
};

/* Names of the classes when the manifest has names: its classes are not "0", "1", …. */
static void add_names(const mexpr_manifest *manifest, text *names)
{
    const char *first = mexpr_manifest_class(manifest, 0);
    if (!first || (*first >= '0' && *first <= '9'))
        return;
    for (int32_t k = 0; k < mexpr_manifest_n_classes(manifest); k++)
        text_add(names, "%s%s", k ? "," : "", mexpr_manifest_class(manifest, k));
}

static int train(const train_request *r, mexpr_context *context, const labelled *data)
{
    mexpr_train_options o = MEXPR_TRAIN_OPTIONS_INIT;
    mexpr_model *model = NULL;
    text names = {0};
    add_names(data->manifest, &names);
    o.labels = r->labels ? r->labels : names.bytes;
    const mexpr_status status =
        mexpr_train(context, r->data.system, &data->inputs, data->labels,
            mexpr_manifest_n_classes(data->manifest), &o, clip_progress, NULL, &model);
    clip_progress_end();
    text_free(&names);
    const int code = status == MEXPR_OK ? cli_write_model(context, model, r->output)
                                        : cli_fail_status(status,
                                              mexpr_context_last_error(context), NULL);
    mexpr_model_destroy(&model);
    return code;
}

static int report(const train_request *r, const labelled *data)
{
    text out = {0};
    text_add(&out, "%s of %lld clips of %d people, classes %d, manifest %.12s\n",
        r->data.system, (long long)mexpr_manifest_n_clips(data->manifest),
        mexpr_manifest_n_persons(data->manifest),
        mexpr_manifest_n_classes(data->manifest), mexpr_manifest_sha256(data->manifest));
    const int code = cli_print(&out);
    text_free(&out);
    return code;
}

static int run(const void *opaque, char **arguments, int n)
{
    const train_request *r = opaque;
    mexpr_context *context = NULL;
    labelled data = {0};
    (void)arguments;
    (void)n;
    int code = labelled_check(&r->data);
    if (code == CLI_OK && !r->output)
        code = cli_usage("no output given; name the file with --output F.onnx");
    if (code == CLI_OK)
        code = cli_context(1, &context);
    if (code == CLI_OK)
        code = labelled_read(&r->data, context, &data);
    if (code == CLI_OK)
        code = train(r, context, &data);
    if (code == CLI_OK)
        code = report(r, &data);
    labelled_free(&data);
    mexpr_context_destroy(&context);
    return code;
}

const cli_command cmd_train = {
    .name = "train",
    .arguments = "",
    .summary = "Trains a system on labelled flow pictures",
    .about = "The network that comes out is an ONNX file for 'recognize --model'.\n"
             "How good it is on other people, 'evaluate' tells.",
    .options = options,
    .request_size = sizeof(train_request),
    .run = run,
};
