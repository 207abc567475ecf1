/* SPDX-License-Identifier: MIT */
#include "clip_io.h"
#include "cmd.h"

typedef struct magnify_request {
    const char *output;
    cli_number fps;
    cli_number low;
    cli_number high;
    cli_number alpha;
    cli_number wavelength;
    cli_number chroma;
    int levels;
    int json;
} magnify_request;

#define AT(member) offsetof(magnify_request, member)

static const cli_option options[] = {
    {"output", 'o', CLI_TEXT, AT(output), "DIR", "folder for the frames, 000000.png ..."},
    {"fps", 0, CLI_NUMBER, AT(fps), "F", "frames per second (what a Y4M clip says)"},
    {"low", 0, CLI_NUMBER, AT(low), "HZ", "lower end of the band (0.4)"},
    {"high", 0, CLI_NUMBER, AT(high), "HZ", "upper end of the band (3)"},
    {"alpha", 0, CLI_NUMBER, AT(alpha), "A", "amplification (10)"},
    {"wavelength", 0, CLI_NUMBER, AT(wavelength), "PX",
        "structures from this size on get all of it (16)"},
    {"chroma", 0, CLI_NUMBER, AT(chroma), "C", "share given to colour, 0 to 1 (0)"},
    {"levels", 0, CLI_INT, AT(levels), "N", "most pyramid levels (as many as fit)"},
    {"json", 0, CLI_FLAG, AT(json), NULL, "print JSON"},
    {0},
};

typedef struct magnify_job {
    const magnify_request *request;
    mexpr_context *context;
    mexpr_clip *clip;
    mexpr_magnifier *magnifier;
    clip_files files;
} magnify_job;

static int make_magnifier(magnify_job *job)
{
    const magnify_request *r = job->request;
    mexpr_magnify_options o = MEXPR_MAGNIFY_OPTIONS_INIT;
    int32_t over = 0, under = 1;
    mexpr_clip_fps(job->clip, &over, &under);
    o.fps = r->fps.given ? r->fps.value : (double)over / under;
    if (o.fps == 0)
        return cli_usage("the clip does not say its frames per second; give --fps");
    o.low = r->low.value;
    o.high = r->high.value;
    o.alpha = r->alpha.value;
    o.wavelength = r->wavelength.value;
    o.chroma = r->chroma.value;
    o.levels = r->levels;
    const mexpr_status status = mexpr_magnifier_create(job->context, &o, &job->magnifier);
    return status == MEXPR_OK
               ? CLI_OK
               : cli_fail_status(status, mexpr_context_last_error(job->context), NULL);
}

static int write_frame(magnify_job *job, int64_t index, const mexpr_image *frame)
{
    const mexpr_image *larger;
    mexpr_status status = mexpr_magnifier_push(job->magnifier, frame);
    if (status == MEXPR_OK)
        status = mexpr_magnifier_pull(job->magnifier, &larger);
    if (status != MEXPR_OK)
        return cli_fail_status(
            status, mexpr_magnifier_last_error(job->magnifier), "magnifying");
    const char *temporary = clip_files_next(&job->files, index);
    if (!temporary)
        return CLI_FAILED;
    if (mexpr_image_write_png(job->context, larger, temporary) != MEXPR_OK)
        return cli_output_failed(&job->files.outputs, job->context);
    return CLI_OK;
}

static int all_frames(magnify_job *job)
{
    const int64_t n = mexpr_clip_n_frames(job->clip);
    int code = CLI_OK;
    for (int64_t i = 0; code == CLI_OK; i++) {
        const mexpr_image *frame;
        const mexpr_status status = mexpr_clip_frame(job->clip, i, &frame);
        if (status == MEXPR_END)
            break;
        if (status != MEXPR_OK)
            code = cli_fail_status(status, mexpr_clip_last_error(job->clip), NULL);
        else
            code = write_frame(job, i, frame);
        if (code == CLI_OK)
            clip_progress(NULL, (uint64_t)i + 1, n > 0 ? (uint64_t)n : 0);
    }
    clip_progress_end();
    return code;
}

static int steps(magnify_job *job, const char *path)
{
    const magnify_request *r = job->request;
    int code = cli_context(1, &job->context);
    if (code == CLI_OK)
        code = clip_open(job->context, path, MEXPR_COLOUR_KEEP, r->fps.value, &job->clip);
    if (code == CLI_OK)
        code = make_magnifier(job);
    if (code == CLI_OK)
        code = clip_files_begin(&job->files, r->output, ".png");
    if (code == CLI_OK)
        code = all_frames(job);
    return code == CLI_OK ? clip_report(&job->files, job->clip, r->json) : code;
}

static int run(const void *request, char **arguments, int n)
{
    (void)n;
    magnify_job job = {.request = request};
    const int code = clip_files_finish(&job.files, steps(&job, arguments[0]));
    mexpr_magnifier_destroy(&job.magnifier);
    mexpr_clip_destroy(&job.clip);
    mexpr_context_destroy(&job.context);
    return code;
}

const cli_command cmd_magnify = {
    .name = "magnify",
    .arguments = "CLIP",
    .summary = "Makes small motions in a clip larger",
    .about = "CLIP is a folder of pictures, a pattern like 'img%d.jpg', a .y4m file,\n"
             "or - for Y4M from standard input.",
    .options = options,
    .request_size = sizeof(magnify_request),
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run,
};
