/* SPDX-License-Identifier: MIT */
/* A clip without the motion of the head. */
#include <math.h>

#include "clip_io.h"
#include "cmd.h"
#include "json.h"
#include "landmarks.h"

typedef struct align_request {
    const char *output;
    const char *crop;
    const char *landmarks;
    const char *report;
    int landmarks_row;
    int onset; /* from 1 */
    int threads;
    int json;
} align_request;

#define AT(member) offsetof(align_request, member)

static const cli_option options[] = {
    {"output", 'o', CLI_TEXT, AT(output), "DIR", "folder for the frames, 000000.png ..."},
    {"crop", 0, CLI_TEXT, AT(crop), "NAME",
        "140x170 (standard), 280x340, 112, 128 or 224"},
    {"onset", 0, CLI_INT, AT(onset), "N", "the frame to align to, counted from 1 (1)"},
    {"landmarks", 'l', CLI_TEXT, AT(landmarks), "F",
        "68 landmarks of the onset; otherwise its largest face is found"},
    {"landmarks-row", 0, CLI_INT, AT(landmarks_row), "N", "which row of that file"},
    {"report", 0, CLI_TEXT, AT(report), "F.csv", "write how the head moved"},
    {"threads", 0, CLI_INT, AT(threads), "N", "threads, 1 to 64 (1)"},
    {"json", 0, CLI_FLAG, AT(json), NULL, "print JSON"},
    {0},
};

typedef struct align_job {
    const align_request *request;
    mexpr_context *context;
    mexpr_clip *clip;
    mexpr_aligner *aligner;
    float landmarks[LANDMARK_NUMBERS];
    text report;
    double largest; /* motion of the head, and what is left, px */
    double left;
    int64_t n_lost;
    int code; /* of the last frame */
    cli_outputs outputs;
    clip_files files;
} align_job;

static const char report_head[] =
    "frame,dx,dy,angle,zoom,left_dx,left_dy,left_angle,left_zoom,left_px,correlation,"
    "is_lost\n";

static void add_report(align_job *job, const mexpr_alignment *a)
{
    text_add(&job->report, "%lld,%.4f,%.4f,%.6f,%.6f,%.4f,%.4f,%.6f,%.6f,%.4f,%.4f,%d\n",
        (long long)a->frame, a->before.dx, a->before.dy, a->before.angle, a->before.zoom,
        a->after.dx, a->after.dy, a->after.angle, a->after.zoom, a->residual,
        a->correlation, a->is_lost != 0);
    job->largest = fmax(job->largest, hypot(a->before.dx, a->before.dy));
    job->left = fmax(job->left, a->is_lost ? 0 : a->residual);
    job->n_lost += a->is_lost != 0;
}

static int write_frame(align_job *job, const mexpr_image *crop, int64_t frame)
{
    const char *temporary = clip_files_next(&job->files, frame);
    if (!temporary)
        return CLI_FAILED;
    if (mexpr_image_write_png(job->context, crop, temporary) != MEXPR_OK)
        return cli_output_failed(&job->files.outputs, job->context);
    return CLI_OK;
}

static int32_t take(void *user, const mexpr_image *crop, const mexpr_alignment *report)
{
    align_job *job = user;
    add_report(job, report);
    job->code = write_frame(job, crop, report->frame);
    return job->code;
}

static int make_aligner(align_job *job)
{
    const align_request *r = job->request;
    mexpr_crop crop = MEXPR_CROP_INIT;
    mexpr_align_options o = MEXPR_ALIGN_OPTIONS_INIT;
    if (mexpr_crop_find(r->crop ? r->crop : "140x170", &crop) != MEXPR_OK)
        return cli_usage("--crop '%s' is not known; see 'microexpr help align'", r->crop);
    o.crop = &crop;
    const mexpr_status status = mexpr_aligner_create(job->context, &o, &job->aligner);
    return status == MEXPR_OK
               ? CLI_OK
               : cli_fail_status(status, mexpr_context_last_error(job->context), NULL);
}

static int align(align_job *job, const char *path)
{
    const align_request *r = job->request;
    mexpr_align_clip_options o = MEXPR_ALIGN_CLIP_OPTIONS_INIT;
    o.onset = r->onset ? r->onset - 1 : 0;
    if (r->landmarks) {
        const int code =
            landmarks_read(job->context, r->landmarks, r->landmarks_row, job->landmarks);
        if (code != CLI_OK)
            return code;
        o.landmarks = job->landmarks;
    }
    text_add(&job->report, "%s", report_head);
    const mexpr_status status =
        mexpr_align_clip(job->aligner, NULL, job->clip, &o, take, clip_progress, job);
    clip_progress_end();
    if (job->code != CLI_OK)
        return job->code;
    return status == MEXPR_OK
               ? CLI_OK
               : cli_fail_status(status, mexpr_aligner_last_error(job->aligner), path);
}

static int print_result(const align_job *job)
{
    text out = {0};
    const int n = job->files.outputs.n;
    if (job->request->json) {
        json_open(&out, '{');
        json_key(&out, "frames");
        json_integer(&out, n);
        json_key(&out, "folder");
        json_string(&out, job->files.folder);
        json_key(&out, "head_px");
        json_number(&out, job->largest, 6);
        json_key(&out, "left_px");
        json_number(&out, job->left, 4);
        json_key(&out, "lost");
        json_integer(&out, job->n_lost);
        json_close(&out, '}');
        text_add(&out, "\n");
    } else {
        text_add(&out,
            "%d frame%s in %s; the head moved by %.2f px at most, %.3f px are left; lost "
            "in %lld frame%s\n",
            n, n == 1 ? "" : "s", job->files.folder, job->largest, job->left,
            (long long)job->n_lost, job->n_lost == 1 ? "" : "s");
    }
    const int code = cli_print(&out);
    text_free(&out);
    return code;
}

static int steps(align_job *job, const char *path)
{
    const align_request *r = job->request;
    int code = cli_context(r->threads, &job->context);
    if (code == CLI_OK)
        code = make_aligner(job);
    if (code == CLI_OK)
        code = clip_open(job->context, path, MEXPR_COLOUR_KEEP, 0, &job->clip);
    if (code == CLI_OK)
        code = clip_files_begin(&job->files, r->output, ".png");
    if (code == CLI_OK)
        code = align(job, path);
    if (code == CLI_OK && r->report)
        code = cli_write(&job->outputs, r->report, &job->report);
    return code == CLI_OK ? print_result(job) : code;
}

static int run(const void *request, char **arguments, int n)
{
    (void)n;
    align_job job = {.request = request};
    int code = steps(&job, arguments[0]);
    code = cli_outputs_finish(&job.outputs, code);
    code = clip_files_finish(&job.files, code);
    text_free(&job.report);
    mexpr_aligner_destroy(&job.aligner);
    mexpr_clip_destroy(&job.clip);
    mexpr_context_destroy(&job.context);
    return code;
}

const cli_command cmd_align = {
    .name = "align",
    .arguments = "CLIP",
    .summary = "Takes the motion of the head out of a clip",
    .about =
        "CLIP is a folder of pictures, a pattern like 'img%d.jpg', a .y4m file,\n"
        "or - for Y4M from standard input. Frames are cropped to the face as it is in\n"
        "the onset frame.",
    .options = options,
    .request_size = sizeof(align_request),
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run,
};
