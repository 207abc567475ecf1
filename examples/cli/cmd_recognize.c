/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "clip_io.h"
#include "cmd.h"
#include "explain_params.h"
#include "flow_params.h"
#include "json.h"

typedef struct recognize_request {
    const char *onset;
    const char *apex;
    const char *model;
    const char *labels;
    const char *planes;
    const char *face;
    int cropped;
    const char *strain;
    const char *picture;
    const char *explain;
    const char *explain_method;
    flow_params params;
    int threads;
    int json;
} recognize_request;

#define AT(member) offsetof(recognize_request, member)

static const cli_option options[] = {
    {"onset", 0, CLI_TEXT, AT(onset), "F",
        "the frame before the movement; of CLIP its number, from 1 (1)"},
    {"apex", 0, CLI_TEXT, AT(apex), "F",
        "the frame where it is strongest; of CLIP its number, or else\n"
        "                            the one that differs most from the onset"},
    {"cropped", 0, CLI_FLAG, AT(cropped), NULL, "the frames are face crops already"},
    {"face", 0, CLI_TEXT, AT(face), "X,Y,W,H",
        "where the face is in both; otherwise it is found and aligned"},
    {"model", 0, CLI_TEXT, AT(model), "M.onnx",
        "a network of your own; otherwise the built-in one"},
    {"labels", 0, CLI_TEXT, AT(labels), "A,B,C", "names of its classes"},
    {"planes", 0, CLI_TEXT, AT(planes), "P,Q,R",
        "its planes in order, of u, v and strain (strain,v,u)"},
    {"strain", 0, CLI_TEXT, AT(strain), "KIND",
        "frobenius (standard), quarter or off-tanet"},
    {"picture", 0, CLI_TEXT, AT(picture), "F.png",
        "write the picture the network saw: R = u, G = v, B = strain"},
    {"explain", 0, CLI_TEXT, AT(explain), "F.png",
        "write where the network looked, in colours over the apex frame"},
    {"explain-method", 0, CLI_TEXT, AT(explain_method), "NAME",
        "occlusion (standard), grad-cam or ablation-cam"},
    {"threads", 0, CLI_INT, AT(threads), "N", "threads, 1 to 64 (1)"},
    {"json", 0, CLI_FLAG, AT(json), NULL, "print JSON"},
    FLOW_PARAM_OPTIONS(recognize_request, params),
    {0},
};

enum { BAR_WIDTH = 30 };

static const char built_in[] = "flow_fusion";
static const char use_note[] =
    "research only: scores describe how a movement looks, they "
    "are not calibrated and tell no feeling, intention or truth";

static const struct {
    mexpr_stage stage;
    const char *name;
} stages[] = {
    {MEXPR_STAGE_FACE, "face"},
    {MEXPR_STAGE_PREPARE, "prepare"},
    {MEXPR_STAGE_FLOW, "flow"},
    {MEXPR_STAGE_PICTURE, "picture"},
    {MEXPR_STAGE_MODEL, "model"},
};

enum { N_STAGES = sizeof stages / sizeof stages[0] };

/* What the command owns while it runs. */
typedef struct recognize_job {
    const recognize_request *request;
    const char *path; /* of a clip, or NULL */
    int onset_frame;  /* from 1 */
    int apex_frame;   /* 0: not given */
    mexpr_context *context;
    mexpr_clip *clip;
    mexpr_model *model;
    mexpr_recognizer *recognizer;
    mexpr_image *onset;
    mexpr_image *apex;
    mexpr_result *result;
    mexpr_box face;
    mexpr_strain strain;
    int32_t method;
    int is_map_empty; /* of --explain */
    cli_outputs outputs;
} recognize_job;

/* --- output ------------------------------------------------------------------------ */

static void json_classes(
    const mexpr_result *result, double (*value)(const mexpr_result *, int32_t), text *out)
{
    json_open(out, '{');
    for (int32_t i = 0; i < mexpr_result_n_classes(result); i++) {
        json_key(out, mexpr_result_class_name(result, i));
        json_number(out, value(result, i), 9);
    }
    json_close(out, '}');
}

static void json_motion(const mexpr_field *field, text *out)
{
    const cli_motion motion = cli_measure(field);
    json_open(out, '{');
    json_key(out, "width");
    json_integer(out, mexpr_field_width(field));
    json_key(out, "height");
    json_integer(out, mexpr_field_height(field));
    json_key(out, "mean_px");
    json_number(out, motion.mean, 6);
    json_key(out, "max_px");
    json_number(out, motion.largest, 6);
    json_close(out, '}');
}

/* The face that was found, and how the head moved. */
static void json_face(const mexpr_result *result, text *out)
{
    mexpr_face face = MEXPR_FACE_INIT;
    mexpr_alignment head = MEXPR_ALIGNMENT_INIT;
    if (mexpr_result_face(result, &face) != MEXPR_OK ||
        mexpr_result_alignment(result, &head) != MEXPR_OK)
        return;
    json_key(out, "faces");
    json_integer(out, mexpr_result_n_faces(result));
    json_key(out, "face");
    json_open(out, '[');
    for (int i = 0; i < 4; i++)
        json_number(out, face.box[i], 6);
    json_close(out, ']');
    json_key(out, "head");
    json_open(out, '{');
    json_key(out, "dx");
    json_number(out, head.before.dx, 5);
    json_key(out, "dy");
    json_number(out, head.before.dy, 5);
    json_key(out, "angle");
    json_number(out, head.before.angle, 5);
    json_key(out, "zoom");
    json_number(out, head.before.zoom, 6);
    json_key(out, "left_px");
    json_number(out, head.residual, 3);
    json_close(out, '}');
}

static void json_frames(const mexpr_result *result, text *out)
{
    if (mexpr_result_onset(result) < 0)
        return;
    json_key(out, "onset");
    json_integer(out, mexpr_result_onset(result) + 1);
    json_key(out, "apex");
    json_integer(out, mexpr_result_apex(result) + 1);
}

static const char *model_name(const recognize_job *job)
{
    return job->model ? job->request->model : built_in;
}

static void add_json(const recognize_job *job, text *out)
{
    const mexpr_result *result = job->result;
    json_open(out, '{');
    json_key(out, "label");
    json_string(out, mexpr_result_label(result));
    json_key(out, "scores");
    json_classes(result, mexpr_result_score, out);
    json_key(out, "appearance_label");
    json_string(out, mexpr_result_label(result));
    json_key(out, "logits");
    json_classes(result, mexpr_result_logit, out);
    json_key(out, "model");
    json_string(out, model_name(job));
    json_key(out, "flow");
    json_motion(mexpr_result_field(result), out);
    json_frames(result, out);
    json_face(result, out);
    if (job->request->explain) {
        json_key(out, "map_is_empty");
        text_add(out, job->is_map_empty ? "true" : "false");
    }
    json_key(out, "milliseconds");
    json_open(out, '{');
    for (int i = 0; i < N_STAGES; i++) {
        if (stages[i].stage == MEXPR_STAGE_FACE && mexpr_result_n_faces(result) == 0)
            continue;
        json_key(out, stages[i].name);
        json_number(out, mexpr_result_milliseconds(result, stages[i].stage), 4);
    }
    json_close(out, '}');
    json_key(out, "use");
    json_string(out, use_note);
    json_close(out, '}');
    text_add(out, "\n");
}

static void add_scores(const mexpr_result *result, text *out)
{
    int width = 0;
    for (int32_t i = 0; i < mexpr_result_n_classes(result); i++) {
        const int length = (int)strlen(mexpr_result_class_name(result, i));
        width = length > width ? length : width;
    }
    for (int32_t i = 0; i < mexpr_result_n_classes(result); i++) {
        const double score = mexpr_result_score(result, i);
        text_add(out, "  %-*s  %.3f", width, mexpr_result_class_name(result, i), score);
        for (int k = 0; k < (int)(score * BAR_WIDTH + 0.5); k++)
            text_add(out, k ? "#" : "  #");
        text_add(out, "\n");
    }
}

static void add_face(const mexpr_result *result, text *out)
{
    mexpr_face face = MEXPR_FACE_INIT;
    mexpr_alignment head = MEXPR_ALIGNMENT_INIT;
    if (mexpr_result_face(result, &face) != MEXPR_OK ||
        mexpr_result_alignment(result, &head) != MEXPR_OK)
        return;
    const int n = mexpr_result_n_faces(result);
    text_add(
        out, "face  %.0f px wide at %.0f,%.0f", face.box[2], face.box[0], face.box[1]);
    if (n > 1)
        text_add(out, ", the largest of %d (choose another with --face)", n);
    text_add(out, "\nhead  moved by %.2f,%.2f px and %.2f degrees, which is taken out\n",
        head.before.dx, head.before.dy, head.before.angle * 57.29577951308232);
    if (mexpr_result_onset(result) >= 0)
        text_add(out, "clip  onset frame %lld, apex frame %lld\n",
            (long long)mexpr_result_onset(result) + 1,
            (long long)mexpr_result_apex(result) + 1);
}

static void add_plain(const recognize_job *job, text *out)
{
    const mexpr_result *result = job->result;
    const mexpr_field *field = mexpr_result_field(result);
    const cli_motion motion = cli_measure(field);
    if (motion.largest == 0)
        text_add(
            out, "there is no movement between the frames: the scores mean nothing\n");
    else
        text_add(out, "the movement looks %s\n", mexpr_result_label(result));
    add_scores(result, out);
    add_face(result, out);
    text_add(out, "model %s\n", model_name(job));
    text_add(out, "flow  %d x %d px, %.3f px on average, %.3f px at most\n",
        (int)mexpr_field_width(field), (int)mexpr_field_height(field), motion.mean,
        motion.largest);
    if (job->is_map_empty)
        text_add(out, "why   the map of --explain is empty: nothing in it speaks for the "
                      "label; use --explain-method occlusion\n");
    text_add(out, "time ");
    for (int i = mexpr_result_n_faces(result) > 0 ? 0 : 1, first = i; i < N_STAGES; i++)
        text_add(out, "%s %s %.1f ms", i > first ? "," : "", stages[i].name,
            mexpr_result_milliseconds(result, stages[i].stage));
    text_add(out, "\nuse   %s\n", use_note);
}

static int print_result(const recognize_job *job)
{
    text out = {0};
    if (job->request->json)
        add_json(job, &out);
    else
        add_plain(job, &out);
    const int code = cli_print(&out);
    text_free(&out);
    return code;
}

static int write_picture(recognize_job *job)
{
    if (!job->request->picture)
        return CLI_OK;
    const char *temporary = cli_output_png(&job->outputs, job->request->picture);
    if (!temporary)
        return CLI_FAILED;
    const mexpr_image *picture = mexpr_result_picture(job->result);
    if (mexpr_image_write_png(job->context, picture, temporary) != MEXPR_OK)
        return cli_output_failed(&job->outputs, job->context);
    return CLI_OK;
}

/* What the network saw of the apex frame: the face box, the aligned face, or all of it,
 * for which *face stays NULL. */
static mexpr_status crop_apex(recognize_job *job, mexpr_image **face)
{
    const mexpr_box *box = &job->face;
    const mexpr_field *field = mexpr_result_field(job->result);
    mexpr_alignment head = MEXPR_ALIGNMENT_INIT;
    const mexpr_image *apex = job->apex;
    double back[6];
    if (job->request->face)
        return mexpr_image_crop(
            job->context, apex, box->x, box->y, box->width, box->height, face);
    if (mexpr_result_alignment(job->result, &head) != MEXPR_OK)
        return MEXPR_OK;
    mexpr_status status = mexpr_transform_invert(job->context, head.matrix, back);
    if (status == MEXPR_OK && job->clip)
        status = mexpr_clip_frame(job->clip, mexpr_result_apex(job->result), &apex);
    return status == MEXPR_OK
               ? mexpr_image_warp(job->context, apex, back, mexpr_field_width(field),
                     mexpr_field_height(field), face)
               : status;
}

/* The map covers what the network saw. */
static int write_explanation(recognize_job *job)
{
    mexpr_saliency_options chosen = MEXPR_SALIENCY_OPTIONS_INIT;
    mexpr_saliency *saliency = NULL;
    mexpr_image *face = NULL;
    if (!job->request->explain)
        return CLI_OK;
    chosen.method = job->method;
    mexpr_status status =
        mexpr_recognizer_explain(job->recognizer, job->result, &chosen, &saliency);
    if (status != MEXPR_OK)
        return explain_fail(status, mexpr_recognizer_last_error(job->recognizer),
            job->method, "--explain", "--explain-method");
    job->is_map_empty = explain_is_empty(saliency);
    status = crop_apex(job, &face);
    const int code =
        status == MEXPR_OK
            ? explain_write(&job->outputs, job->context, saliency,
                  face ? face : job->apex, job->request->explain)
            : cli_fail_status(status, mexpr_context_last_error(job->context), NULL);
    mexpr_image_destroy(&face);
    mexpr_saliency_destroy(&saliency);
    return code;
}

/* --- work -------------------------------------------------------------------------- */

/* A frame of a clip, from 1; `standard` when it is not given. */
static int frame_number(const char *option, const char *given, int standard, int *out)
{
    char *end;
    *out = standard;
    if (!given)
        return CLI_OK;
    const long number = strtol(given, &end, 10);
    if (end == given || *end || number < 1 || number > 1 << 30)
        return cli_usage(
            "%s '%s' is not the number of a frame of the clip, from 1", option, given);
    *out = (int)number;
    return CLI_OK;
}

static int check_request(recognize_job *job)
{
    const recognize_request *request = job->request;
    if (job->path && (request->face || request->cropped))
        return cli_usage("recognize: --face and --cropped are for two frames, not for a "
                         "clip");
    if (request->face && request->cropped)
        return cli_usage("recognize: give --face or --cropped, not both");
    if (job->path) {
        const int code = frame_number("--onset", request->onset, 1, &job->onset_frame);
        return code == CLI_OK ? frame_number("--apex", request->apex, 0, &job->apex_frame)
                              : code;
    }
    if (!request->onset || !request->apex)
        return cli_usage("recognize: --onset and --apex are needed; see 'microexpr help "
                         "recognize'");
    if (request->explain_method && !request->explain)
        return cli_usage("recognize: --explain-method needs --explain");
    int code = explain_method("--explain-method", request->explain_method, &job->method);
    if (code == CLI_OK)
        code = cli_box("--face", request->face, &job->face);
    return code == CLI_OK ? cli_strain(request->strain, &job->strain) : code;
}

static int make_recognizer(recognize_job *job)
{
    const recognize_request *request = job->request;
    if (request->model) {
        const int code = cli_load_model(job->context, request->model, &job->model);
        if (code != CLI_OK)
            return code;
    }
    mexpr_recognizer_options chosen = MEXPR_RECOGNIZER_OPTIONS_INIT;
    chosen.model = job->model;
    chosen.labels = request->labels;
    chosen.planes = request->planes;
    chosen.strain = job->strain;
    const mexpr_status status =
        mexpr_recognizer_create(job->context, &chosen, &job->recognizer);
    if (status != MEXPR_OK)
        return cli_fail_status(status, mexpr_context_last_error(job->context), NULL);
    return flow_params_apply(&request->params, mexpr_recognizer_flow(job->recognizer));
}

/* Numbers are told as the options count, from 1. */
static int check_frames(const recognize_job *job)
{
    const long long n = mexpr_clip_n_frames(job->clip);
    const int onset = job->onset_frame, apex = job->apex_frame;
    if (n < 0)
        return CLI_OK;
    if (onset > n || apex > n)
        return cli_fail("there is no frame %d, counted from 1: the clip has %lld",
            onset > n ? onset : apex, n);
    if (onset == apex)
        return cli_fail("--onset and --apex are both frame %d; give two frames", onset);
    if (!apex && onset == n)
        return cli_fail("there is no frame after the onset, frame %d of %lld; give "
                        "--apex or an earlier --onset",
            onset, n);
    return CLI_OK;
}

static int recognize(recognize_job *job)
{
    const recognize_request *request = job->request;
    mexpr_status status;
    if (job->path)
        status = mexpr_recognizer_run_clip(job->recognizer, job->clip,
            job->onset_frame - 1, job->apex_frame - 1, &job->result);
    else if (request->face || request->cropped)
        status = mexpr_recognizer_run(job->recognizer, job->onset, job->apex,
            request->face ? &job->face : NULL, &job->result);
    else
        status = mexpr_recognizer_run_frames(
            job->recognizer, job->onset, job->apex, &job->result);
    if (status == MEXPR_OK)
        return CLI_OK;
    return cli_fail_status(status, mexpr_recognizer_last_error(job->recognizer), NULL);
}

static int steps(recognize_job *job)
{
    int code = check_request(job);
    if (code == CLI_OK)
        code = cli_context(job->request->threads, &job->context);
    if (code == CLI_OK)
        code = make_recognizer(job);
    if (code == CLI_OK && job->path)
        code = clip_open(job->context, job->path, MEXPR_COLOUR_GREY, 0, &job->clip);
    if (code == CLI_OK && job->path)
        code = check_frames(job);
    if (code == CLI_OK && !job->path)
        code = cli_read_grey(job->context, job->request->onset, &job->onset);
    if (code == CLI_OK && !job->path)
        code = cli_read_grey(job->context, job->request->apex, &job->apex);
    if (code == CLI_OK)
        code = recognize(job);
    if (code == CLI_OK)
        code = write_picture(job);
    if (code == CLI_OK)
        code = write_explanation(job);
    if (code == CLI_OK)
        code = print_result(job);
    return code;
}

static int run(const void *request, char **arguments, int n)
{
    recognize_job job = {.request = request, .path = n > 0 ? arguments[0] : NULL};
    const int code = cli_outputs_finish(&job.outputs, steps(&job));
    mexpr_result_destroy(&job.result);
    mexpr_clip_destroy(&job.clip);
    mexpr_image_destroy(&job.apex);
    mexpr_image_destroy(&job.onset);
    mexpr_recognizer_destroy(&job.recognizer);
    mexpr_model_destroy(&job.model);
    mexpr_context_destroy(&job.context);
    return code;
}

const cli_command cmd_recognize = {
    .name = "recognize",
    .arguments = "--onset A --apex B | CLIP",
    .summary = "Class scores for the movement between two face frames",
    .about =
        "A and B are PNG or JPEG files of equal size, CLIP is a folder of them. The "
        "face\n"
        "is found, and what the head does is taken out. For research only: the scores\n"
        "describe how a movement looks; they are not calibrated, and they tell no\n"
        "feeling, intention or truth. Inferring emotions at work or in education is\n"
        "forbidden in the European Union. See ETHICS.md and docs/models/.",
    .options = options,
    .request_size = sizeof(recognize_request),
    .max_arguments = 1,
    .run = run,
};
