/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

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
    {"onset", 0, CLI_TEXT, AT(onset), "F", "the frame before the movement (needed)"},
    {"apex", 0, CLI_TEXT, AT(apex), "F", "the frame where it is strongest (needed)"},
    {"face", 0, CLI_TEXT, AT(face), "X,Y,W,H",
        "where the face is; otherwise the frames are face crops"},
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

static const char built_in[] = "dual_atme_entire";
static const char use_note[] =
    "research only: scores describe how a movement looks, they "
    "are not calibrated and tell no feeling, intention or truth";

static const struct {
    mexpr_stage stage;
    const char *name;
} stages[] = {
    {MEXPR_STAGE_PREPARE, "prepare"},
    {MEXPR_STAGE_FLOW, "flow"},
    {MEXPR_STAGE_PICTURE, "picture"},
    {MEXPR_STAGE_MODEL, "model"},
};

enum { N_STAGES = sizeof stages / sizeof stages[0] };

/* What the command owns while it runs. */
typedef struct recognize_job {
    const recognize_request *request;
    mexpr_context *context;
    mexpr_model *model;
    mexpr_recognizer *recognizer;
    mexpr_image *onset;
    mexpr_image *apex;
    mexpr_result *result;
    mexpr_box face;
    mexpr_strain strain;
    int32_t method;
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
    json_key(out, "milliseconds");
    json_open(out, '{');
    for (int i = 0; i < N_STAGES; i++) {
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
    text_add(out, "model %s\n", model_name(job));
    text_add(out, "flow  %d x %d px, %.3f px on average, %.3f px at most\n",
        (int)mexpr_field_width(field), (int)mexpr_field_height(field), motion.mean,
        motion.largest);
    text_add(out, "time ");
    for (int i = 0; i < N_STAGES; i++)
        text_add(out, "%s %s %.1f ms", i ? "," : "", stages[i].name,
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
    const char *temporary = cli_output(&job->outputs, job->request->picture);
    if (!temporary)
        return CLI_FAILED;
    const mexpr_image *picture = mexpr_result_picture(job->result);
    if (mexpr_image_write_png(job->context, picture, temporary) != MEXPR_OK)
        return cli_output_failed(&job->outputs, job->context);
    return CLI_OK;
}

/* The map covers what the network saw: the face box of the apex frame, or all of it. */
static int write_explanation(recognize_job *job)
{
    mexpr_saliency_options chosen = MEXPR_SALIENCY_OPTIONS_INIT;
    mexpr_saliency *saliency = NULL;
    mexpr_image *face = NULL;
    const mexpr_box *box = &job->face;
    if (!job->request->explain)
        return CLI_OK;
    chosen.method = job->method;
    mexpr_status status =
        mexpr_recognizer_explain(job->recognizer, job->result, &chosen, &saliency);
    if (status != MEXPR_OK)
        return cli_fail_status(
            status, mexpr_recognizer_last_error(job->recognizer), "--explain");
    if (job->request->face)
        status = mexpr_image_crop(
            job->context, job->apex, box->x, box->y, box->width, box->height, &face);
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

static int check_request(recognize_job *job)
{
    const recognize_request *request = job->request;
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

static int recognize(recognize_job *job)
{
    const mexpr_status status = mexpr_recognizer_run(job->recognizer, job->onset,
        job->apex, job->request->face ? &job->face : NULL, &job->result);
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
    if (code == CLI_OK)
        code = cli_read_grey(job->context, job->request->onset, &job->onset);
    if (code == CLI_OK)
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
    (void)arguments;
    (void)n;
    recognize_job job = {.request = request};
    const int code = cli_outputs_finish(&job.outputs, steps(&job));
    mexpr_result_destroy(&job.result);
    mexpr_image_destroy(&job.apex);
    mexpr_image_destroy(&job.onset);
    mexpr_recognizer_destroy(&job.recognizer);
    mexpr_model_destroy(&job.model);
    mexpr_context_destroy(&job.context);
    return code;
}

const cli_command cmd_recognize = {
    .name = "recognize",
    .arguments = "--onset A --apex B",
    .summary = "Class scores for the movement between two face frames",
    .about =
        "A and B are PNG or JPEG files of equal size. For research only: the scores\n"
        "describe how a movement looks; they are not calibrated, and they tell no\n"
        "feeling, intention or truth. Inferring emotions at work or in education is\n"
        "forbidden in the European Union. See ETHICS.md and docs/models/.",
    .options = options,
    .request_size = sizeof(recognize_request),
    .run = run,
};
