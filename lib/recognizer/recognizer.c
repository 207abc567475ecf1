/* SPDX-License-Identifier: MIT */
#include "microexpr/recognizer.h"

#include <string.h>

#include "base/checked.h"
#include "base/option.h"
#include "face/crop.h"
#include "flow/field.h"
#include "flow/flow_picture.h"
#include "image/picture.h"
#include "recognizer/class_names.h"
#include "recognizer/default_model.h"
#include "recognizer/face_step.h"
#include "recognizer/result.h"
#include "saliency/saliency_parts.h"

static const char standard_planes[] = "strain,v,u";
static const char standard_range[] = "0,255";
enum { STANDARD_FACE = 64, LEAST_FACE = 24, MOST_FACE = 8192 };

struct mexpr_recognizer {
    mx_scope scope; /* its context is retained */
    mexpr_model *model;
    mexpr_session *session;
    mexpr_flow *flow;
    mexpr_strain strain;
    int channel[MX_PLANES]; /* of the picture, for each plane of the input */
    mx_input_range range;   /* of the input */
    int32_t width;          /* of the picture */
    int32_t height;
    float *input; /* MX_PLANES × height × width */
    mx_class_names names;
    mx_picture_work picture_work;
    mexpr_image *grey[2]; /* onset and apex, kept while the size stays */
    mx_face_step faces;
};

/* --- life -------------------------------------------------------------------------- */

static mexpr_status take_options(mx_scope *scope, const mexpr_recognizer_options *given,
    mexpr_recognizer_options *options)
{
    const mexpr_status status =
        mx_options_copy(scope, given, sizeof *options, options, sizeof *options);
    if (status != MEXPR_OK)
        return status;
    if (options->strain == 0)
        options->strain = MEXPR_STRAIN_FROBENIUS;
    if (options->strain < MEXPR_STRAIN_FROBENIUS ||
        options->strain > MEXPR_STRAIN_OFF_TANET)
        return mx_fail(scope, MEXPR_E_ARG, "strain %d is none of enum mexpr_strain",
            (int)options->strain);
    return mx_option_i32(scope, "smallest_face", &options->smallest_face, STANDARD_FACE,
        LEAST_FACE, MOST_FACE);
}

static mexpr_status take_model(mx_scope *scope, const mexpr_recognizer_options *options,
    mexpr_recognizer *recognizer)
{
    if (options->model) {
        recognizer->model = mexpr_model_retain(options->model);
        return MEXPR_OK;
    }
    const mexpr_status status = mexpr_model_load_memory(
        scope->context, mx_default_model, mx_default_model_size, &recognizer->model);
    if (status != MEXPR_OK)
        return mx_fail_prefix(scope, status, "the network that ships");
    return MEXPR_OK;
}

/* The input must be one picture of three planes and a known size. */
static mexpr_status take_input_size(mx_scope *scope, mexpr_recognizer *recognizer)
{
    mexpr_tensor_info info = MEXPR_TENSOR_INFO_INIT;
    const int32_t n_inputs = mexpr_model_n_inputs(recognizer->model);
    const int32_t n_outputs = mexpr_model_n_outputs(recognizer->model);
    if (n_inputs != 1 || n_outputs != 1)
        return mx_fail(scope, MEXPR_E_SHAPE,
            "the network has %d inputs and %d outputs; a recognizer needs one of each",
            (int)n_inputs, (int)n_outputs);
    const mexpr_status status = mexpr_model_input(recognizer->model, 0, &info);
    if (status != MEXPR_OK)
        return mx_fail(scope, status, "the network does not tell its input");
    if (info.dtype != MEXPR_DTYPE_F32 || info.rank != 4 || info.dims[0] > 1 ||
        info.dims[1] != MX_PLANES || info.dims[2] < 1 || info.dims[3] < 1)
        return mx_fail(scope, MEXPR_E_SHAPE,
            "the network's input '%.100s' is not float32 of N×3×height×width with N free "
            "or 1",
            info.name);
    const mexpr_status size = mx_check_size(scope, info.dims[3], info.dims[2]);
    recognizer->width = (int32_t)info.dims[3];
    recognizer->height = (int32_t)info.dims[2];
    return size;
}

static mexpr_status fail_session(
    mx_scope *scope, mexpr_status status, const mexpr_recognizer *recognizer)
{
    return mx_fail(
        scope, status, "the network: %s", mexpr_session_last_error(recognizer->session));
}

/* What lies in `input`. */
static mexpr_tensor_view input_view(const mexpr_recognizer *recognizer)
{
    mexpr_tensor_view input = MEXPR_TENSOR_VIEW_INIT;
    input.dtype = MEXPR_DTYPE_F32;
    input.rank = 4;
    input.dims[0] = 1;
    input.dims[1] = MX_PLANES;
    input.dims[2] = recognizer->height;
    input.dims[3] = recognizer->width;
    input.data = recognizer->input;
    return input;
}

/* Runs the network on what lies in `input`. */
static mexpr_status run_model(
    mx_scope *scope, mexpr_recognizer *recognizer, mexpr_tensor_view *output)
{
    const mexpr_tensor_view input = input_view(recognizer);
    mexpr_status status = mexpr_session_set_input(recognizer->session, NULL, &input);
    if (status == MEXPR_OK)
        status = mexpr_session_run(recognizer->session);
    if (status == MEXPR_OK)
        status = mexpr_session_output(recognizer->session, NULL, output);
    return status == MEXPR_OK ? MEXPR_OK : fail_session(scope, status, recognizer);
}

/* Elements of a row of logits, 0 when the output is something else. */
static int32_t count_classes(const mexpr_tensor_view *output)
{
    const bool row = output->rank == 1 || (output->rank == 2 && output->dims[0] == 1);
    const int64_t n = row ? output->dims[output->rank - 1] : 0;
    return output->dtype == MEXPR_DTYPE_F32 && n <= INT32_MAX ? (int32_t)n : 0;
}

/* A first run, on a picture without motion: it shows that the network works and how many
 * classes it has, which its file need not say, and warms the session. */
static mexpr_status try_model(mx_scope *scope, mexpr_recognizer *recognizer, int32_t *n)
{
    mexpr_tensor_view output = MEXPR_TENSOR_VIEW_INIT;
    size_t n_pixels = (size_t)recognizer->width * (size_t)recognizer->height;
    recognizer->input = mx_calloc(scope, n_pixels, MX_PLANES * sizeof *recognizer->input);
    if (!recognizer->input)
        return MEXPR_E_NOMEM;
    mexpr_status status = mexpr_session_create(recognizer->model, &recognizer->session);
    if (status != MEXPR_OK)
        return mx_fail(scope, status, "no session for the network: %s",
            mexpr_status_message(status));
    status = run_model(scope, recognizer, &output);
    *n = count_classes(&output);
    if (status == MEXPR_OK && *n < 1)
        return mx_fail(
            scope, MEXPR_E_SHAPE, "the network's output is not float32 of N×classes");
    return status;
}

static mexpr_status take_names(mx_scope *scope, const mexpr_recognizer_options *options,
    int32_t n, mexpr_recognizer *recognizer)
{
    const char *own = mexpr_model_metadata(recognizer->model, "microexpr.labels");
    if (options->labels)
        return mx_class_names_parse(
            scope, "the labels of the options", options->labels, n, &recognizer->names);
    if (own)
        return mx_class_names_parse(
            scope, "the model's microexpr.labels", own, n, &recognizer->names);
    return mx_class_names_number(scope, n, &recognizer->names);
}

static mexpr_status take_planes(mx_scope *scope, const mexpr_recognizer_options *options,
    mexpr_recognizer *recognizer)
{
    const char *own = mexpr_model_metadata(recognizer->model, "microexpr.planes");
    if (options->planes)
        return mx_planes_parse(
            scope, "the planes of the options", options->planes, recognizer->channel);
    return mx_planes_parse(scope, "the model's microexpr.planes",
        own ? own : standard_planes, recognizer->channel);
}

static mexpr_status take_range(mx_scope *scope, mexpr_recognizer *recognizer)
{
    const char *own = mexpr_model_metadata(recognizer->model, "microexpr.range");
    return mx_range_parse(scope, "the model's microexpr.range",
        own ? own : standard_range, &recognizer->range);
}

static mexpr_status take_crop(mx_scope *scope, mexpr_recognizer *recognizer)
{
    const char *own = mexpr_model_metadata(recognizer->model, "microexpr.crop");
    if (own)
        return mx_crop_parse(
            scope, "the model's microexpr.crop", own, &recognizer->faces.crop);
    mx_crop_standard(&recognizer->faces.crop);
    return MEXPR_OK;
}

static mexpr_status build(mx_scope *scope, const mexpr_recognizer_options *options,
    mexpr_recognizer *recognizer)
{
    int32_t n_classes = 0;
    mexpr_status status = take_model(scope, options, recognizer);
    if (status == MEXPR_OK)
        status = take_input_size(scope, recognizer);
    if (status == MEXPR_OK)
        status = take_planes(scope, options, recognizer);
    if (status == MEXPR_OK)
        status = take_range(scope, recognizer);
    if (status == MEXPR_OK)
        status = take_crop(scope, recognizer);
    if (status == MEXPR_OK)
        status = try_model(scope, recognizer, &n_classes);
    if (status == MEXPR_OK)
        status = take_names(scope, options, n_classes, recognizer);
    if (status == MEXPR_OK)
        status = mexpr_flow_create(scope->context, &recognizer->flow);
    recognizer->strain = (mexpr_strain)options->strain;
    recognizer->faces.smallest = options->smallest_face;
    return status;
}

mexpr_status mexpr_recognizer_create(mexpr_context *context,
    const mexpr_recognizer_options *options, mexpr_recognizer **out)
{
    if (out)
        *out = NULL;
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!out)
        return mx_fail(scope, MEXPR_E_ARG, "the place for the recognizer is NULL");
    mexpr_recognizer_options known = MEXPR_RECOGNIZER_OPTIONS_INIT;
    mexpr_status status = take_options(scope, options, &known);
    if (status != MEXPR_OK)
        return status;
    mexpr_recognizer *recognizer = mx_calloc(scope, 1, sizeof *recognizer);
    if (!recognizer)
        return MEXPR_E_NOMEM;
    mx_scope_init(&recognizer->scope, mx_context_retain(context));
    status = build(scope, &known, recognizer);
    if (status == MEXPR_OK)
        *out = recognizer;
    else
        mexpr_recognizer_destroy(&recognizer);
    return status;
}

void mexpr_recognizer_destroy(mexpr_recognizer **recognizer)
{
    if (!recognizer || !*recognizer)
        return;
    mexpr_recognizer *r = *recognizer;
    mexpr_context *context = r->scope.context;
    *recognizer = NULL;
    mx_face_step_release(&r->faces);
    mexpr_image_destroy(&r->grey[1]);
    mexpr_image_destroy(&r->grey[0]);
    mx_picture_work_release(context, &r->picture_work);
    mx_free(context, r->names.text);
    mx_free(context, r->input);
    mexpr_flow_destroy(&r->flow);
    mexpr_session_destroy(&r->session);
    mexpr_model_destroy(&r->model);
    mx_free(context, r);
    mx_context_release(context);
}

const char *mexpr_recognizer_last_error(const mexpr_recognizer *recognizer)
{
    return recognizer ? recognizer->scope.error : "";
}

mexpr_flow *mexpr_recognizer_flow(mexpr_recognizer *recognizer)
{
    return recognizer ? recognizer->flow : NULL;
}

/* --- a run ------------------------------------------------------------------------- */

static mexpr_status check_frames(mx_scope *scope, const mexpr_image *onset,
    const mexpr_image *apex, const mexpr_box *face)
{
    if (!onset || !apex)
        return mx_fail(
            scope, MEXPR_E_ARG, "the %s frame is NULL", onset ? "apex" : "onset");
    if (onset->width != apex->width || onset->height != apex->height)
        return mx_fail(scope, MEXPR_E_SHAPE,
            "the onset frame has %d×%d pixels, the apex frame %d×%d; they must be equal",
            (int)onset->width, (int)onset->height, (int)apex->width, (int)apex->height);
    if (face && (face->x < 0 || face->y < 0 || face->width < 1 || face->height < 1 ||
                    face->width > onset->width - face->x ||
                    face->height > onset->height - face->y))
        return mx_fail(scope, MEXPR_E_RANGE,
            "the face box %d,%d,%d,%d is not inside the frames of %d×%d pixels",
            (int)face->x, (int)face->y, (int)face->width, (int)face->height,
            (int)onset->width, (int)onset->height);
    return MEXPR_OK;
}

/* The grey picture kept for one of the frames, of this size. */
static mexpr_status fit_grey(
    mx_scope *scope, int32_t width, int32_t height, mexpr_image **grey)
{
    if (*grey && (*grey)->width == width && (*grey)->height == height)
        return MEXPR_OK;
    mexpr_image_destroy(grey);
    return mx_image_new(scope, MEXPR_FORMAT_GREYF32, width, height, grey);
}

/* Cuts the face out of a frame, as a view, and turns it to grey. */
static mexpr_status prepare(
    mx_scope *scope, const mexpr_image *frame, const mexpr_box *face, mexpr_image **grey)
{
    mexpr_image view = *frame;
    if (face) {
        view.data += (size_t)face->y * frame->stride +
                     (size_t)face->x * mexpr_format_bytes(frame->format);
        view.width = face->width;
        view.height = face->height;
    }
    const mexpr_status status = fit_grey(scope, view.width, view.height, grey);
    if (status == MEXPR_OK)
        mx_image_to_grey_f32(&view, mexpr_image_pixels(*grey));
    return status;
}

static mexpr_status find_flow(
    mx_scope *scope, mexpr_recognizer *recognizer, mexpr_result *result)
{
    const mexpr_image *onset = recognizer->grey[0];
    mexpr_status status =
        mx_field_new(scope, onset->width, onset->height, &result->field);
    if (status != MEXPR_OK)
        return status;
    status =
        mexpr_flow_compute(recognizer->flow, onset, recognizer->grey[1], result->field);
    if (status != MEXPR_OK)
        return mx_fail(scope, status, "%s", mexpr_flow_last_error(recognizer->flow));
    return MEXPR_OK;
}

/* The picture's channels as planes of floats, in the order and range that the network
 * takes. */
static void fill_input(mexpr_recognizer *recognizer, const mexpr_image *picture)
{
    const mx_input_range *range = &recognizer->range;
    const float low = (float)range->low;
    const float step = (float)(range->high - range->low) / 255.0f;
    float *out = recognizer->input;
    for (int p = 0; p < MX_PLANES; p++) {
        for (int32_t y = 0; y < picture->height; y++) {
            const uint8_t *row = mx_image_row(picture, y) + recognizer->channel[p];
            for (int32_t x = 0; x < picture->width; x++)
                *out++ = low + step * (float)row[(size_t)x * MX_PLANES];
        }
    }
}

static mexpr_status classify(
    mx_scope *scope, mexpr_recognizer *recognizer, mexpr_result *result)
{
    mexpr_tensor_view output = MEXPR_TENSOR_VIEW_INIT;
    fill_input(recognizer, result->picture);
    const mexpr_status status = run_model(scope, recognizer, &output);
    if (status != MEXPR_OK)
        return status;
    if (count_classes(&output) != recognizer->names.n)
        return mx_fail(scope, MEXPR_E_SHAPE,
            "the network told %d classes apart before and now %d",
            (int)recognizer->names.n, (int)count_classes(&output));
    return mx_result_set_logits(scope, result, output.data);
}

/* Notes the time since *start for a stage and begins the next. */
static void note_time(mexpr_result *result, mexpr_stage stage, double *start)
{
    const double now = mx_now_ms();
    result->milliseconds[stage - MEXPR_STAGE_PREPARE] = now - *start;
    *start = now;
}

/* The same for a stage that comes in parts. */
static void note_more_time(mexpr_result *result, mexpr_stage stage, double *start)
{
    const double before = result->milliseconds[stage - MEXPR_STAGE_PREPARE];
    note_time(result, stage, start);
    result->milliseconds[stage - MEXPR_STAGE_PREPARE] += before;
}

/* From grey frames to scores. */
static mexpr_status run_grey(
    mexpr_recognizer *recognizer, mexpr_result *result, double *start)
{
    mx_scope *scope = &recognizer->scope;
    mexpr_status status = find_flow(scope, recognizer, result);
    note_time(result, MEXPR_STAGE_FLOW, start);
    if (status == MEXPR_OK)
        status = mx_flow_picture(scope, &recognizer->picture_work, result->field,
            recognizer->strain, recognizer->width, recognizer->height, &result->picture);
    note_time(result, MEXPR_STAGE_PICTURE, start);
    if (status == MEXPR_OK)
        status = classify(scope, recognizer, result);
    note_time(result, MEXPR_STAGE_MODEL, start);
    return status;
}

static mexpr_status run_crops(mexpr_recognizer *recognizer,
    const mexpr_image *const *frames, const mexpr_box *face, mexpr_result *result)
{
    double start = mx_now_ms();
    mexpr_status status = MEXPR_OK;
    for (int i = 0; i < 2 && status == MEXPR_OK; i++)
        status = prepare(&recognizer->scope, frames[i], face, &recognizer->grey[i]);
    note_time(result, MEXPR_STAGE_PREPARE, &start);
    return status == MEXPR_OK ? run_grey(recognizer, result, &start) : status;
}

/* The face is found in the first frame and the second aligned to it. */
static mexpr_status run_whole(
    mexpr_recognizer *recognizer, const mexpr_image *const *frames, mexpr_result *result)
{
    mx_scope *scope = &recognizer->scope;
    mx_face_step *faces = &recognizer->faces;
    double start = mx_now_ms();
    mexpr_status status = MEXPR_OK;
    for (int i = 0; i < 2 && status == MEXPR_OK; i++) {
        status = i == 0 ? mx_face_step_onset(scope, faces, frames[0])
                        : mx_face_step_follow(scope, faces, frames[1]);
        note_more_time(result, MEXPR_STAGE_FACE, &start);
        if (status == MEXPR_OK)
            status = prepare(scope, mx_face_step_crop(faces), NULL, &recognizer->grey[i]);
        note_more_time(result, MEXPR_STAGE_PREPARE, &start);
    }
    result->n_faces = faces->n_faces;
    result->face = faces->face;
    result->alignment = faces->alignment;
    return status == MEXPR_OK ? run_grey(recognizer, result, &start) : status;
}

static mexpr_status run(mexpr_recognizer *recognizer, const mexpr_image *const *frames,
    const mexpr_box *face, bool is_whole, mexpr_result **out)
{
    mexpr_result *result = NULL;
    mexpr_status status =
        mx_result_create(&recognizer->scope, &recognizer->names, &result);
    if (status == MEXPR_OK)
        status = is_whole ? run_whole(recognizer, frames, result)
                          : run_crops(recognizer, frames, face, result);
    if (status == MEXPR_OK)
        *out = result;
    else
        mexpr_result_destroy(&result);
    return status;
}

mexpr_status mexpr_recognizer_run(mexpr_recognizer *recognizer, const mexpr_image *onset,
    const mexpr_image *apex, const mexpr_box *face, mexpr_result **out)
{
    const mexpr_image *const frames[] = {onset, apex};
    if (out)
        *out = NULL;
    if (!recognizer)
        return MEXPR_E_ARG;
    mx_scope *scope = &recognizer->scope;
    if (!out)
        return mx_fail(scope, MEXPR_E_ARG, "the place for the result is NULL");
    const mexpr_status status = check_frames(scope, onset, apex, face);
    return status == MEXPR_OK ? run(recognizer, frames, face, false, out) : status;
}

mexpr_status mexpr_recognizer_run_frames(mexpr_recognizer *recognizer,
    const mexpr_image *onset, const mexpr_image *apex, mexpr_result **out)
{
    const mexpr_image *const frames[] = {onset, apex};
    if (out)
        *out = NULL;
    if (!recognizer)
        return MEXPR_E_ARG;
    mx_scope *scope = &recognizer->scope;
    if (!out)
        return mx_fail(scope, MEXPR_E_ARG, "the place for the result is NULL");
    mexpr_status status = check_frames(scope, onset, apex, NULL);
    if (status == MEXPR_OK && onset->format != apex->format)
        status = mx_fail(scope, MEXPR_E_TYPE,
            "the onset and the apex frame have different pixel formats; convert one");
    return status == MEXPR_OK ? run(recognizer, frames, NULL, true, out) : status;
}

/* --- clips ------------------------------------------------------------------------- */

static mexpr_status get_frame(
    mx_scope *scope, mexpr_clip *clip, int64_t index, const mexpr_image **frame)
{
    const mexpr_status status = mexpr_clip_frame(clip, index, frame);
    if (status == MEXPR_END)
        return mx_fail(
            scope, MEXPR_E_RANGE, "the clip has no frame %lld", (long long)index);
    return status == MEXPR_OK ? MEXPR_OK
                              : mx_fail(scope, status, "%s", mexpr_clip_last_error(clip));
}

/* Mean difference of the grey crops, without edges, where hair and background are. */
static double difference(const mexpr_image *a, const mexpr_image *b)
{
    const int32_t x0 = a->width / 8, y0 = a->height / 8;
    double sum = 0;
    for (int32_t y = y0; y < a->height - y0; y++) {
        const float *p = (const float *)mx_image_row(a, y);
        const float *q = (const float *)mx_image_row(b, y);
        for (int32_t x = x0; x < a->width - x0; x++)
            sum += p[x] > q[x] ? p[x] - q[x] : q[x] - p[x];
    }
    return sum;
}

/* The frame after the onset that differs most from it, once the head is held still. */
static mexpr_status find_apex(
    mexpr_recognizer *recognizer, mexpr_clip *clip, int64_t onset, int64_t *apex)
{
    mx_scope *scope = &recognizer->scope;
    mx_face_step *faces = &recognizer->faces;
    mexpr_image **grey = recognizer->grey;
    const mexpr_image *frame;
    const int64_t n = mexpr_clip_n_frames(clip);
    double most = -1;
    mexpr_status status = get_frame(scope, clip, onset, &frame);
    if (status == MEXPR_OK)
        status = mx_face_step_onset(scope, faces, frame);
    if (status == MEXPR_OK)
        status = prepare(scope, mx_face_step_crop(faces), NULL, &grey[0]);
    for (int64_t i = onset + 1; i < n && status == MEXPR_OK; i++) {
        status = get_frame(scope, clip, i, &frame);
        if (status == MEXPR_OK)
            status = mx_face_step_follow(scope, faces, frame);
        if (status == MEXPR_OK)
            status = prepare(scope, mx_face_step_crop(faces), NULL, &grey[1]);
        const double now = status == MEXPR_OK ? difference(grey[0], grey[1]) : -1;
        if (now > most) {
            most = now;
            *apex = i;
        }
    }
    return status;
}

/* Runs on frames of the clip, the first of which must be kept while the second is read.
 */
static mexpr_status run_pair(mexpr_recognizer *recognizer, mexpr_clip *clip,
    int64_t onset, int64_t apex, mexpr_result **out)
{
    mx_scope *scope = &recognizer->scope;
    const mexpr_image *frame;
    mexpr_image *first = NULL;
    mexpr_status status = get_frame(scope, clip, onset, &frame);
    if (status == MEXPR_OK)
        status = mx_image_convert(scope, frame, frame->format, &first);
    if (status == MEXPR_OK)
        status = get_frame(scope, clip, apex, &frame);
    if (status == MEXPR_OK)
        status = mexpr_recognizer_run_frames(recognizer, first, frame, out);
    mexpr_image_destroy(&first);
    if (status == MEXPR_OK) {
        (*out)->onset = onset;
        (*out)->apex = apex;
    }
    return status;
}

mexpr_status mexpr_recognizer_run_clip(mexpr_recognizer *recognizer, mexpr_clip *clip,
    int64_t onset, int64_t apex, mexpr_result **out)
{
    if (out)
        *out = NULL;
    if (!recognizer)
        return MEXPR_E_ARG;
    mx_scope *scope = &recognizer->scope;
    if (!out || !clip)
        return mx_fail(scope, MEXPR_E_ARG, "%s is NULL",
            out ? "the clip" : "the place for the result");
    const int64_t n = mexpr_clip_n_frames(clip);
    if (mexpr_clip_is_stream(clip))
        return mx_fail(scope, MEXPR_E_STATE,
            "a stream is read once, but the onset is needed again; give files");
    if (apex < 0 && onset >= 0 && onset + 1 == n)
        return mx_fail(scope, MEXPR_E_RANGE,
            "there is no frame after the onset, frame %lld counted from 0; give an apex "
            "or an earlier onset",
            (long long)onset);
    if (onset < 0 || onset >= n || apex >= n || apex == onset)
        return mx_fail(scope, MEXPR_E_RANGE,
            "onset %lld and apex %lld, counted from 0, are not two frames of a clip of "
            "%lld",
            (long long)onset, (long long)apex, (long long)n);
    mexpr_status status = MEXPR_OK;
    if (apex < 0)
        status = find_apex(recognizer, clip, onset, &apex);
    return status == MEXPR_OK ? run_pair(recognizer, clip, onset, apex, out) : status;
}

/* --- why --------------------------------------------------------------------------- */

mexpr_status mexpr_recognizer_explain(mexpr_recognizer *recognizer,
    const mexpr_result *result, const mexpr_saliency_options *options,
    mexpr_saliency **out)
{
    if (out)
        *out = NULL;
    if (!recognizer)
        return MEXPR_E_ARG;
    mx_scope *scope = &recognizer->scope;
    if (!result || !out)
        return mx_fail(scope, MEXPR_E_ARG, "mexpr_recognizer_explain() was given NULL");
    if (result->names.n != recognizer->names.n ||
        result->picture->width != recognizer->width ||
        result->picture->height != recognizer->height)
        return mx_fail(scope, MEXPR_E_ARG, "the result is of another kind of network");
    mexpr_saliency_options known = MEXPR_SALIENCY_OPTIONS_INIT;
    const mexpr_status status =
        options ? mx_options_copy(scope, options, sizeof known, &known, sizeof known)
                : MEXPR_OK;
    if (status != MEXPR_OK)
        return status;
    if (known.target == -1)
        known.target = result->best;
    fill_input(recognizer, result->picture);
    const mexpr_tensor_view input = input_view(recognizer);
    return mx_saliency_compute(scope, recognizer->model, &input, 1, &known, out);
}
