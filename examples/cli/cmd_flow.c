/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "cmd.h"
#include "flow_clip.h"
#include "flow_draw.h"
#include "flow_params.h"
#include "json.h"

typedef struct flow_request {
    const char *flo;
    const char *kitti;
    const char *picture;
    const char *flow28;
    const char *strain;
    const char *compare;
    const char *reference;
    cli_number onset;
    flow_draw draw;
    flow_params params;
    int threads;
    int json;
} flow_request;

#define AT(member) offsetof(flow_request, member)

static const cli_option options[] = {
    {"output", 'o', CLI_TEXT, AT(flo), "F.flo",
        "write a Middlebury file; of a clip: the folder for them"},
    {"kitti", 0, CLI_TEXT, AT(kitti), "F.png", "write the field as a KITTI flow PNG"},
    {"picture", 0, CLI_TEXT, AT(picture), "F.png", "draw the field"},
    FLOW_DRAW_OPTIONS(flow_request, draw),
    {"flow28", 0, CLI_TEXT, AT(flow28), "F.png",
        "write the 28x28 picture: R = u, G = v, B = strain"},
    {"strain", 0, CLI_TEXT, AT(strain), "KIND",
        "frobenius (standard), quarter or off-tanet"},
    {"compare", 0, CLI_TEXT, AT(compare), "F.flo",
        "tell the mean end-point difference to this field"},
    {"reference", 0, CLI_TEXT, AT(reference), "R",
        "of a clip: flow from the onset (standard) or the previous frame"},
    {"onset", 0, CLI_NUMBER, AT(onset), "N", "of a clip: its onset frame, from 0 (0)"},
    {"threads", 0, CLI_INT, AT(threads), "N", "threads, 1 to 64 (1)"},
    {"json", 0, CLI_FLAG, AT(json), NULL, "print JSON"},
    FLOW_PARAM_OPTIONS(flow_request, params),
    {0},
};

enum { PICTURE_SIDE = 28 };

/* What the command owns while it runs. */
typedef struct flow_job {
    const flow_request *request;
    mexpr_context *context;
    mexpr_image *first;
    mexpr_image *second;
    mexpr_flow *flow;
    mexpr_field *field;
    mexpr_field *reference;
    double difference;
    double arrow_scale;
    mexpr_strain strain;
    cli_outputs outputs;
} flow_job;

static int failed(const flow_job *job, mexpr_status status)
{
    return cli_fail_status(status, mexpr_context_last_error(job->context), NULL);
}

static int compute(flow_job *job)
{
    mexpr_status status = mexpr_field_create(job->context, mexpr_image_width(job->first),
        mexpr_image_height(job->first), &job->field);
    if (status == MEXPR_OK)
        status = mexpr_flow_create(job->context, &job->flow);
    if (status != MEXPR_OK)
        return failed(job, status);
    const int code = flow_params_apply(&job->request->params, job->flow);
    if (code != CLI_OK)
        return code;
    status = mexpr_flow_compute(job->flow, job->first, job->second, job->field);
    if (status != MEXPR_OK)
        return cli_fail_status(status, mexpr_flow_last_error(job->flow), NULL);
    return CLI_OK;
}

static int compare(flow_job *job)
{
    if (!job->request->compare)
        return CLI_OK;
    uint64_t n_compared = 0;
    mexpr_status status =
        mexpr_field_read_flo(job->context, job->request->compare, &job->reference);
    if (status == MEXPR_OK)
        status = mexpr_field_difference(
            job->context, job->field, job->reference, &job->difference, &n_compared);
    if (status != MEXPR_OK)
        return failed(job, status);
    return n_compared > 0
               ? CLI_OK
               : cli_fail("'%s' holds no known displacement to compare with; give "
                          "another file",
                     job->request->compare);
}

typedef mexpr_status (*field_writer)(
    mexpr_context *context, const mexpr_field *field, const char *path);

static int write_field(flow_job *job, const char *path, field_writer write)
{
    if (!path)
        return CLI_OK;
    const char *temporary = cli_output(&job->outputs, path);
    if (!temporary)
        return CLI_FAILED;
    if (write(job->context, job->field, temporary) != MEXPR_OK)
        return cli_output_failed(&job->outputs, job->context);
    return CLI_OK;
}

static mexpr_status write_picture(
    mexpr_context *context, mexpr_image *image, mexpr_status status, const char *path)
{
    if (status == MEXPR_OK)
        status = mexpr_image_write_png(context, image, path);
    mexpr_image_destroy(&image);
    return status;
}

static int write_drawing(flow_job *job)
{
    if (!job->request->picture)
        return CLI_OK;
    const char *temporary = cli_output_png(&job->outputs, job->request->picture);
    if (!temporary)
        return CLI_FAILED;
    mexpr_image *image = NULL;
    const mexpr_status status = flow_draw_image(&job->request->draw, job->context,
        job->field, job->first, job->strain, &job->arrow_scale, &image);
    if (write_picture(job->context, image, status, temporary) != MEXPR_OK)
        return cli_output_failed(&job->outputs, job->context);
    return CLI_OK;
}

static int write_flow28(flow_job *job)
{
    if (!job->request->flow28)
        return CLI_OK;
    const char *temporary = cli_output_png(&job->outputs, job->request->flow28);
    if (!temporary)
        return CLI_FAILED;
    mexpr_image *image = NULL;
    const mexpr_status status = mexpr_flow_picture(
        job->context, job->field, job->strain, PICTURE_SIDE, PICTURE_SIDE, &image);
    if (write_picture(job->context, image, status, temporary) != MEXPR_OK)
        return cli_output_failed(&job->outputs, job->context);
    return CLI_OK;
}

static int write_files(flow_job *job)
{
    const flow_request *request = job->request;
    int code = write_field(job, request->flo, mexpr_field_write_flo);
    if (code == CLI_OK)
        code = write_field(job, request->kitti, mexpr_field_write_kitti);
    if (code == CLI_OK)
        code = write_drawing(job);
    if (code == CLI_OK)
        code = write_flow28(job);
    return code;
}

static void add_json(const flow_job *job, cli_motion motion, text *out)
{
    json_open(out, '{');
    json_key(out, "width");
    json_integer(out, mexpr_field_width(job->field));
    json_key(out, "height");
    json_integer(out, mexpr_field_height(job->field));
    json_key(out, "mean_px");
    json_number(out, motion.mean, 6);
    json_key(out, "max_px");
    json_number(out, motion.largest, 6);
    if (job->reference) {
        json_key(out, "difference_px");
        json_number(out, job->difference, 6);
    }
    if (job->arrow_scale > 0) {
        json_key(out, "arrow_scale");
        json_number(out, job->arrow_scale, 6);
    }
    json_close(out, '}');
    text_add(out, "\n");
}

static void add_plain(const flow_job *job, cli_motion motion, text *out)
{
    text_add(out, "%d x %d px, displacement %.3f px on average, %.3f px at most\n",
        (int)mexpr_field_width(job->field), (int)mexpr_field_height(job->field),
        motion.mean, motion.largest);
    if (job->reference)
        text_add(out, "mean end-point difference %.6f px to %s\n", job->difference,
            job->request->compare);
    if (job->arrow_scale > 0)
        text_add(out, "arrows %.3g times as long as the motion\n", job->arrow_scale);
}

static int print_flow(const flow_job *job)
{
    const cli_motion motion = cli_measure(job->field);
    text out = {0};
    if (job->request->json)
        add_json(job, motion, &out);
    else
        add_plain(job, motion, &out);
    const int code = cli_print(&out);
    text_free(&out);
    return code;
}

static int steps(flow_job *job, char **arguments)
{
    int code = cli_strain(job->request->strain, &job->strain);
    if (code == CLI_OK)
        code = cli_context(job->request->threads, &job->context);
    if (code == CLI_OK)
        code = cli_read_grey(job->context, arguments[0], &job->first);
    if (code == CLI_OK)
        code = cli_read_grey(job->context, arguments[1], &job->second);
    if (code == CLI_OK)
        code = compute(job);
    if (code == CLI_OK)
        code = compare(job);
    if (code == CLI_OK)
        code = write_files(job);
    if (code == CLI_OK)
        code = print_flow(job);
    return code;
}

static int run_clip(const flow_request *r, const char *clip)
{
    if (r->kitti || r->picture || r->flow28 || r->strain || r->compare)
        return cli_usage(
            "--kitti, --picture, --flow28, --strain and --compare are for two "
            "pictures, not for a clip");
    const flow_clip_request request = {.clip = clip,
        .output = r->flo,
        .reference = r->reference,
        .onset = r->onset,
        .params = &r->params,
        .threads = r->threads,
        .json = r->json};
    return flow_clip_run(&request);
}

static int run(const void *request, char **arguments, int n)
{
    const flow_request *r = request;
    const int fits = flow_draw_check(&r->draw, r->picture);
    if (fits != CLI_OK)
        return fits;
    if (n == 1)
        return run_clip(r, arguments[0]);
    if (r->reference || r->onset.given)
        return cli_usage("--reference and --onset are for a clip, not for two pictures");
    flow_job job = {.request = request};
    const int code = cli_outputs_finish(&job.outputs, steps(&job, arguments));
    mexpr_field_destroy(&job.reference);
    mexpr_field_destroy(&job.field);
    mexpr_flow_destroy(&job.flow);
    mexpr_image_destroy(&job.second);
    mexpr_image_destroy(&job.first);
    mexpr_context_destroy(&job.context);
    return code;
}

const cli_command cmd_flow = {
    .name = "flow",
    .arguments = "A B | CLIP",
    .summary = "Optical flow from picture A to B, or through a clip",
    .about = "A and B are PNG or JPEG files of equal size. The field says for every "
             "pixel of A\n"
             "how far it moves to the right (u) and downwards (v), in pixels.\n\n"
             "CLIP is a folder of pictures, a pattern like 'img%d.jpg', a .y4m file,\n"
             "or - for Y4M from standard input: fields go to the folder -o.",
    .options = options,
    .request_size = sizeof(flow_request),
    .min_arguments = 1,
    .max_arguments = 2,
    .run = run,
};
