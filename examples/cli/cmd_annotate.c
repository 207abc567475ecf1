/* SPDX-License-Identifier: MIT */
/* microexpr model annotate. */
#include <stdlib.h>
#include <string.h>

#include "cmd.h"

typedef struct annotate_request {
    const char *output;
    const char *name;
    cli_list set;
} annotate_request;

#define AT(member) offsetof(annotate_request, member)

static const cli_option options[] = {
    {"output", 'o', CLI_TEXT, AT(output), "F.onnx", "the file to write (needed)"},
    {"name", 0, CLI_TEXT, AT(name), "NAME", "what the network is called from now on"},
    {"set", 0, CLI_LIST, AT(set), "KEY=TEXT",
        "an entry of the metadata, KEY= to take it out; may be given again"},
    {0},
};

/* Takes KEY=TEXT apart. */
static int read_entries(const cli_list *set, const char **keys, const char **texts)
{
    for (int k = 0; k < set->n; k++) {
        char *equals = (char *)strchr(set->items[k], '=');
        if (!equals || equals == set->items[k])
            return cli_usage("--set '%s' is not KEY=TEXT", set->items[k]);
        *equals = '\0';
        keys[k] = set->items[k];
        texts[k] = equals[1] ? equals + 1 : NULL;
    }
    return CLI_OK;
}

static int annotate(const annotate_request *request, const char *path, const char **keys)
{
    mexpr_context *context = NULL;
    mexpr_model *model = NULL, *made = NULL;
    const char **texts = keys + request->set.n;
    int code = read_entries(&request->set, keys, texts);
    if (code == CLI_OK)
        code = cli_context(1, &context);
    if (code == CLI_OK)
        code = cli_load_model(context, path, &model);
    if (code == CLI_OK) {
        const mexpr_status status = mexpr_model_annotate(
            context, model, request->name, keys, texts, (size_t)request->set.n, &made);
        if (status != MEXPR_OK)
            code = cli_fail_status(status, mexpr_context_last_error(context), NULL);
    }
    if (code == CLI_OK)
        code = cli_write_model(context, made, request->output);
    mexpr_model_destroy(&made);
    mexpr_model_destroy(&model);
    mexpr_context_destroy(&context);
    return code;
}

static int run(const void *opaque, char **arguments, int n)
{
    const annotate_request *request = opaque;
    (void)n;
    if (!request->output)
        return cli_usage("no output given; name the file with --output F.onnx");
    int code = cli_check_output(request->output);
    if (code != CLI_OK)
        return code;
    const char **keys = calloc((size_t)request->set.n + 1, 2 * sizeof *keys);
    if (!keys)
        return cli_fail("out of memory");
    code = annotate(request, arguments[0], keys);
    free(keys);
    return code;
}

const cli_command cmd_model_annotate = {
    .group = "model",
    .name = "annotate",
    .arguments = "M.onnx",
    .summary = "Writes a network with other metadata",
    .about = "The recognizer reads microexpr.labels (names of the classes),\n"
             "microexpr.planes (such as u,v,strain), microexpr.range (such as 0,1) and\n"
             "microexpr.crop (such as 140,170,0.5,0.25).",
    .options = options,
    .request_size = sizeof(annotate_request),
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run,
};
