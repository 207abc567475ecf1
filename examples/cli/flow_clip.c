/* SPDX-License-Identifier: MIT */
#include "flow_clip.h"

#include <math.h>
#include <string.h>

#include "clip_io.h"

typedef struct flow_clip_job {
    const flow_clip_request *request;
    mexpr_context *context;
    mexpr_clip *clip;
    mexpr_flow *flow;
    clip_files files;
    int code; /* of the callback */
} flow_clip_job;

static int32_t take(void *user, int64_t frame, const mexpr_field *field)
{
    flow_clip_job *job = user;
    const char *temporary = clip_files_next(&job->files, frame);
    if (!temporary)
        job->code = CLI_FAILED;
    else if (mexpr_field_write_flo(job->context, field, temporary) != MEXPR_OK)
        job->code = cli_output_failed(&job->files.outputs, job->context);
    return job->code != CLI_OK;
}

int flow_clip_reference(
    const char *reference, cli_number onset, mexpr_flow_clip_options *options)
{
    if (!reference || strcmp(reference, "onset") == 0)
        options->reference = MEXPR_FLOW_REFERENCE_ONSET;
    else if (strcmp(reference, "previous") == 0)
        options->reference = MEXPR_FLOW_REFERENCE_PREVIOUS;
    else
        return cli_usage(
            "--reference '%s' is not known; give onset or previous", reference);
    if (onset.value < 0 || onset.value > 1e9 || onset.value != floor(onset.value))
        return cli_usage("--onset %g is not a frame; they count from 0", onset.value);
    options->onset = (int64_t)onset.value;
    return CLI_OK;
}

static int compute(flow_clip_job *job, const mexpr_flow_clip_options *o)
{
    mexpr_status status = mexpr_flow_create(job->context, &job->flow);
    if (status != MEXPR_OK)
        return cli_fail_status(status, mexpr_context_last_error(job->context), NULL);
    const int code = flow_params_apply(job->request->params, job->flow);
    if (code != CLI_OK)
        return code;
    status = mexpr_flow_clip(job->flow, job->clip, o, take, clip_progress, job);
    clip_progress_end();
    if (job->code != CLI_OK)
        return job->code;
    return status == MEXPR_OK
               ? CLI_OK
               : cli_fail_status(status, mexpr_flow_last_error(job->flow), NULL);
}

static int steps(flow_clip_job *job)
{
    const flow_clip_request *r = job->request;
    mexpr_flow_clip_options o = MEXPR_FLOW_CLIP_OPTIONS_INIT;
    int code = flow_clip_reference(r->reference, r->onset, &o);
    if (code == CLI_OK)
        code = cli_context(r->threads, &job->context);
    if (code == CLI_OK)
        code = clip_open(job->context, r->clip, MEXPR_COLOUR_GREY, 0, &job->clip);
    if (code == CLI_OK)
        code = clip_files_begin(&job->files, r->output, ".flo");
    if (code == CLI_OK)
        code = compute(job, &o);
    return code == CLI_OK ? clip_report(&job->files, job->clip, r->json) : code;
}

int flow_clip_run(const flow_clip_request *request)
{
    flow_clip_job job = {.request = request};
    const int code = clip_files_finish(&job.files, steps(&job));
    mexpr_flow_destroy(&job.flow);
    mexpr_clip_destroy(&job.clip);
    mexpr_context_destroy(&job.context);
    return code;
}
