/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "clip_io.h"
#include "cmd.h"

typedef struct interpolate_request {
    const char *output;
    int frames;
    const char *method;
    int length;
    int threads;
    int json;
} interpolate_request;

#define AT(member) offsetof(interpolate_request, member)

static const cli_option options[] = {
    {"output", 'o', CLI_TEXT, AT(output), "DIR", "folder for the frames, 000000.png ..."},
    {"frames", 'n', CLI_INT, AT(frames), "N", "how many frames to make"},
    {"method", 0, CLI_TEXT, AT(method), "M", "tim (standard) or linear"},
    {"length", 0, CLI_INT, AT(length), "N", "frames that go in; needed for '-'"},
    {"threads", 0, CLI_INT, AT(threads), "N", "threads, 1 to 64 (1)"},
    {"json", 0, CLI_FLAG, AT(json), NULL, "print JSON"},
    {0},
};

typedef struct interpolate_job {
    const interpolate_request *request;
    mexpr_context *context;
    mexpr_context *writer; /* the other is at work when frames are written */
    mexpr_clip *clip;
    clip_files files;
    int code; /* of the callback */
} interpolate_job;

static int32_t take(void *user, int64_t index, const mexpr_image *frame)
{
    interpolate_job *job = user;
    const char *temporary = clip_files_next(&job->files, index);
    if (!temporary)
        job->code = CLI_FAILED;
    else if (mexpr_image_write_png(job->writer, frame, temporary) != MEXPR_OK)
        job->code = cli_output_failed(&job->files.outputs, job->writer);
    return job->code != CLI_OK;
}

static int read_options(const interpolate_request *r, mexpr_interpolate_options *o)
{
    o->n_out = r->frames;
    o->n_in = r->length;
    if (r->frames == 0)
        return cli_usage("how many frames shall it be? give --frames N");
    if (!r->method || strcmp(r->method, "tim") == 0)
        o->method = MEXPR_INTERPOLATION_TIM;
    else if (strcmp(r->method, "linear") == 0)
        o->method = MEXPR_INTERPOLATION_LINEAR;
    else
        return cli_usage("--method '%s' is not known; give tim or linear", r->method);
    return CLI_OK;
}

static int interpolate(interpolate_job *job, const mexpr_interpolate_options *o)
{
    const mexpr_status status =
        mexpr_interpolate(job->context, job->clip, o, take, clip_progress, job);
    clip_progress_end();
    if (job->code != CLI_OK)
        return job->code;
    return status == MEXPR_OK
               ? CLI_OK
               : cli_fail_status(status, mexpr_context_last_error(job->context), NULL);
}

static int steps(interpolate_job *job, const char *path)
{
    const interpolate_request *r = job->request;
    mexpr_interpolate_options o = MEXPR_INTERPOLATE_OPTIONS_INIT;
    int code = read_options(r, &o);
    if (code == CLI_OK)
        code = cli_context(r->threads, &job->context);
    if (code == CLI_OK)
        code = cli_context(1, &job->writer);
    if (code == CLI_OK)
        code = clip_open(job->context, path, MEXPR_COLOUR_KEEP, 0, &job->clip);
    if (code == CLI_OK)
        code = clip_files_begin(&job->files, r->output, ".png");
    if (code == CLI_OK)
        code = interpolate(job, &o);
    return code == CLI_OK ? clip_report(&job->files, job->clip, r->json) : code;
}

static int run(const void *request, char **arguments, int n)
{
    (void)n;
    interpolate_job job = {.request = request};
    const int code = clip_files_finish(&job.files, steps(&job, arguments[0]));
    mexpr_clip_destroy(&job.clip);
    mexpr_context_destroy(&job.writer);
    mexpr_context_destroy(&job.context);
    return code;
}

const cli_command cmd_interpolate = {
    .name = "interpolate",
    .arguments = "CLIP",
    .summary = "Gives a clip another number of frames",
    .about = "CLIP is a folder of pictures, a pattern like 'img%d.jpg', a .y4m file,\n"
             "or - for Y4M from standard input.",
    .options = options,
    .request_size = sizeof(interpolate_request),
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run,
};
