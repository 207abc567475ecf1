/* SPDX-License-Identifier: MIT */
/* Aligning frames to the onset: where a search begins, what it found, the crop. */
#include "face/align.h"

#include <math.h>
#include <string.h>

#include "face/crop.h"
#include "face/still.h"
#include "image/polygon.h"
#include "image/warp.h"

/* Landmarks that expressions move least: sides of the face at the ears, bridge of the
 * nose, corners of the eyes. */
static const uint8_t still_points[] = {0, 1, 15, 16, 27, 28, 29, 30, 36, 39, 42, 45};

enum { N_STILL_POINTS = sizeof still_points, N_NUMBERS = 2 * MEXPR_LANDMARKS_68 };

static const double standard_least = 0.6;

struct mexpr_aligner {
    mx_scope scope; /* its context is retained */
    mexpr_crop crop;
    bool is_shift;
    bool by_landmarks;
    double least;
    mx_still *still; /* of the crop and a border of `pad` px, where the face goes on */
    int32_t pad;
    mexpr_face_finder *finder; /* made when first needed */
    float *grey;               /* a part of the frame */
    size_t grey_capacity;
    mexpr_image *out;
    bool has_onset;
    double onset[6]; /* transforms from the frame to the crop with its border */
    double last[6];
    float landmarks[N_NUMBERS]; /* of the onset, there */
    int64_t n_pushed;
};

/* --- life -------------------------------------------------------------------------- */

static mexpr_status take_options(
    mx_scope *scope, const mexpr_align_options *given, mexpr_aligner *aligner)
{
    mexpr_align_options o = MEXPR_ALIGN_OPTIONS_INIT;
    mexpr_status status = mx_options_copy(scope, given, sizeof o, &o, sizeof o);
    mx_crop_standard(&aligner->crop);
    if (status == MEXPR_OK && o.crop)
        status = mx_crop_check(scope, o.crop, &aligner->crop);
    if (status == MEXPR_OK && o.model == 0)
        o.model = MEXPR_TRANSFORM_SIMILARITY;
    if (status == MEXPR_OK && o.model != MEXPR_TRANSFORM_SIMILARITY &&
        o.model != MEXPR_TRANSFORM_TRANSLATION)
        status = mx_fail(scope, MEXPR_E_RANGE,
            "option model is %d; heads are aligned by a translation or a similarity",
            (int)o.model);
    if (status == MEXPR_OK && o.least == 0)
        o.least = standard_least;
    if (status == MEXPR_OK && !(o.least > 0 && o.least <= 1))
        status = mx_fail(scope, MEXPR_E_RANGE,
            "option least is %g; it must be more than 0 and at most 1", o.least);
    aligner->is_shift = o.model == MEXPR_TRANSFORM_TRANSLATION;
    aligner->by_landmarks = o.landmarks != 0;
    aligner->least = o.least;
    return status;
}

mexpr_status mexpr_aligner_create(
    mexpr_context *context, const mexpr_align_options *options, mexpr_aligner **out)
{
    if (out)
        *out = NULL;
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!out)
        return mx_fail(scope, MEXPR_E_ARG, "the place for the aligner is NULL");
    mexpr_aligner *aligner = mx_calloc(scope, 1, sizeof *aligner);
    if (!aligner)
        return MEXPR_E_NOMEM;
    mx_scope_init(&aligner->scope, mx_context_retain(context));
    mexpr_status status = take_options(scope, options, aligner);
    aligner->pad = aligner->crop.width / 5;
    if (status == MEXPR_OK)
        status = mx_still_create(scope, aligner->crop.width + 2 * aligner->pad,
            aligner->crop.height + 2 * aligner->pad, &aligner->still);
    if (status == MEXPR_OK)
        *out = aligner;
    else
        mexpr_aligner_destroy(&aligner);
    return status;
}

void mexpr_aligner_destroy(mexpr_aligner **aligner)
{
    if (!aligner || !*aligner)
        return;
    mexpr_aligner *a = *aligner;
    mexpr_context *context = a->scope.context;
    *aligner = NULL;
    mexpr_image_destroy(&a->out);
    mx_free(context, a->grey);
    mexpr_face_finder_destroy(&a->finder);
    mx_still_destroy(context, &a->still);
    mx_free(context, a);
    mx_context_release(context);
}

const char *mexpr_aligner_last_error(const mexpr_aligner *aligner)
{
    return aligner ? aligner->scope.error : "";
}

mx_scope *mx_aligner_scope(mexpr_aligner *aligner)
{
    return &aligner->scope;
}

mexpr_status mx_aligner_finder(mexpr_aligner *aligner, mexpr_face_finder **finder)
{
    mexpr_status status = MEXPR_OK;
    if (!*finder && !aligner->finder)
        status = mexpr_face_finder_create(aligner->scope.context, NULL, &aligner->finder);
    if (status != MEXPR_OK)
        return mx_fail(&aligner->scope, status, "no finder of faces: %s",
            mexpr_context_last_error(aligner->scope.context));
    if (!*finder)
        *finder = aligner->finder;
    return MEXPR_OK;
}

/* --- the part of a frame that is looked at ----------------------------------------- */

typedef struct rectangle {
    double left, top, right, bottom;
} rectangle;

/* Joins where the crop lies in the frame, and what is around it. */
static void join_crop(const mexpr_aligner *aligner, const double matrix[6], rectangle *r)
{
    const double w = aligner->crop.width, h = aligner->crop.height,
                 wide = 0.125 * (w + h);
    const double xs[2] = {-wide, w + wide}, ys[2] = {-wide, h + wide};
    double back[6];
    if (!mx_transform_back(matrix, back))
        return;
    for (int i = 0; i < 4; i++) {
        const double x = xs[i & 1], y = ys[i >> 1];
        const double u = back[0] * x + back[1] * y + back[2];
        const double v = back[3] * x + back[4] * y + back[5];
        r->left = fmin(r->left, u);
        r->right = fmax(r->right, u);
        r->top = fmin(r->top, v);
        r->bottom = fmax(r->bottom, v);
    }
}

static int32_t clamp_to(double value, int32_t high)
{
    return value <= 0 ? 0 : value >= high ? high : (int32_t)value;
}

/* Turns that part of the frame to grey; an empty view where nothing is inside. */
static mexpr_status see(mexpr_aligner *aligner, const mexpr_image *frame,
    const rectangle *r, mx_still_view *view)
{
    const int32_t x0 = clamp_to(floor(r->left), frame->width);
    const int32_t y0 = clamp_to(floor(r->top), frame->height);
    const int32_t x1 = clamp_to(ceil(r->right) + 1, frame->width);
    const int32_t y1 = clamp_to(ceil(r->bottom) + 1, frame->height);
    *view = (mx_still_view){NULL, x0, y0, x1 > x0 ? x1 - x0 : 0, y1 > y0 ? y1 - y0 : 0};
    const size_t n = (size_t)frame->width * (size_t)frame->height;
    if (n > aligner->grey_capacity) {
        mx_free(aligner->scope.context, aligner->grey);
        aligner->grey_capacity = 0;
        aligner->grey = mx_alloc(&aligner->scope, n, sizeof *aligner->grey);
        if (!aligner->grey)
            return MEXPR_E_NOMEM;
        aligner->grey_capacity = n;
    }
    if (view->width > 0 && view->height > 0) {
        mexpr_image part = *frame;
        part.data +=
            (size_t)y0 * frame->stride + (size_t)x0 * mexpr_format_bytes(frame->format);
        part.width = view->width;
        part.height = view->height;
        mx_image_to_grey_f32(&part, aligner->grey);
    }
    view->pixels = aligner->grey;
    return MEXPR_OK;
}

static const rectangle nowhere = {INFINITY, INFINITY, -INFINITY, -INFINITY};

/* The same transform to the crop without its border. */
static void without_border(
    const mexpr_aligner *aligner, const double m[6], double crop[6])
{
    memcpy(crop, m, 6 * sizeof *crop);
    crop[2] -= aligner->pad;
    crop[5] -= aligner->pad;
}

/* --- the onset --------------------------------------------------------------------- */

static mexpr_status fit_out(mexpr_aligner *aligner, mexpr_format format)
{
    if (aligner->out && aligner->out->format == format)
        return MEXPR_OK;
    mexpr_image_destroy(&aligner->out);
    return mx_image_new(&aligner->scope, format, aligner->crop.width,
        aligner->crop.height, &aligner->out);
}

static mexpr_status make_crop(
    mexpr_aligner *aligner, const mexpr_image *frame, const double matrix[6])
{
    double back[6];
    without_border(aligner, matrix, back);
    if (!mx_transform_back(back, back))
        return mx_fail(&aligner->scope, MEXPR_E_RANGE, "the face has no size");
    const mexpr_status status = mx_warp_check(&aligner->scope, back);
    if (status == MEXPR_OK)
        mx_warp_run(frame, back, aligner->out);
    return status;
}

static mexpr_status begin(
    mexpr_aligner *aligner, const mexpr_image *onset, const float *landmarks)
{
    mx_scope *scope = &aligner->scope;
    double matrix[6] = {0};
    mx_still_view view;
    rectangle r = nowhere;
    mexpr_status status = mx_crop_transform(scope, &aligner->crop, landmarks, matrix);
    matrix[2] += aligner->pad;
    matrix[5] += aligner->pad;
    if (status == MEXPR_OK)
        status = fit_out(aligner, onset->format);
    if (status == MEXPR_OK)
        status = make_crop(aligner, onset, matrix);
    if (status != MEXPR_OK)
        return status;
    join_crop(aligner, matrix, &r);
    status = see(aligner, onset, &r, &view);
    if (status != MEXPR_OK)
        return status;
    for (int i = 0; i < N_NUMBERS; i += 2) {
        const double x = landmarks[i], y = landmarks[i + 1];
        aligner->landmarks[i] = (float)(matrix[0] * x + matrix[1] * y + matrix[2]);
        aligner->landmarks[i + 1] = (float)(matrix[3] * x + matrix[4] * y + matrix[5]);
    }
    status = mx_still_begin(scope, aligner->still, &view, matrix, aligner->landmarks);
    memcpy(aligner->onset, matrix, sizeof matrix);
    memcpy(aligner->last, matrix, sizeof matrix);
    aligner->has_onset = status == MEXPR_OK;
    return status;
}

mexpr_status mexpr_aligner_begin(
    mexpr_aligner *aligner, const mexpr_image *onset, const float *landmarks)
{
    if (!aligner)
        return MEXPR_E_ARG;
    aligner->has_onset = false;
    aligner->n_pushed = 0;
    if (!onset)
        return mx_fail(&aligner->scope, MEXPR_E_ARG, "the onset frame is NULL");
    const mexpr_status status = mx_check_landmarks(&aligner->scope, landmarks);
    return status == MEXPR_OK ? begin(aligner, onset, landmarks) : status;
}

/* --- a frame ----------------------------------------------------------------------- */

/* Where the landmarks that keep still say that the crop is. */
static mexpr_status match_landmarks(
    mexpr_aligner *aligner, const float *landmarks, double matrix[6])
{
    return mx_transform_fit(&aligner->scope, MEXPR_TRANSFORM_SIMILARITY, landmarks,
        aligner->landmarks, NULL, still_points, N_STILL_POINTS, matrix);
}

/* Tries the beginnings, the better one first by a glance, until one is good enough.
 * matrix[0] receives the better result. */
static void search(mexpr_aligner *aligner, const mx_still_view *view, int n,
    double matrix[][6], mx_still_fit *fit)
{
    double start[2][6];
    memcpy(start, matrix, (size_t)n * sizeof *start);
    const int first = n > 1 && mx_still_glance(aligner->still, view, start[1]) >
                                   mx_still_glance(aligner->still, view, start[0]);
    mx_still_fit best = {.correlation = -2};
    for (int i = 0; i < n && !(best.correlation >= aligner->least); i++) {
        double *m = start[i ^ first];
        mx_still_fit found;
        mx_still_search(aligner->still, view, aligner->is_shift, m, &found);
        if (found.correlation > best.correlation) {
            best = found;
            memcpy(matrix[0], m, sizeof *matrix);
        }
    }
    *fit = best;
}

/* Fits the frame: aligner->last moves unless the face is lost. */
static mexpr_status fit_frame(mexpr_aligner *aligner, const mexpr_image *frame,
    const float *landmarks, mx_still_fit *fit)
{
    double matrix[2][6];
    mx_still_view view;
    rectangle r = nowhere;
    mexpr_status status = MEXPR_OK;
    int n = 1;
    memcpy(matrix[0], aligner->last, sizeof matrix[0]);
    if (landmarks)
        status =
            match_landmarks(aligner, landmarks, matrix[aligner->by_landmarks ? 0 : n++]);
    if (status != MEXPR_OK)
        return status;
    for (int i = 0; i < n; i++)
        join_crop(aligner, matrix[i], &r);
    status = see(aligner, frame, &r, &view);
    if (status != MEXPR_OK)
        return status;
    if (aligner->by_landmarks)
        mx_still_measure(aligner->still, &view, matrix[0], fit);
    else
        search(aligner, &view, n, matrix, fit);
    if (fit->correlation >= aligner->least || aligner->by_landmarks)
        memcpy(aligner->last, matrix[0], sizeof matrix[0]);
    return MEXPR_OK;
}

static void fill_report(
    const mexpr_aligner *aligner, const mx_still_fit *fit, mexpr_alignment *report)
{
    const double cx = 0.5 * (aligner->crop.width - 1) + aligner->pad;
    const double cy = 0.5 * (aligner->crop.height - 1) + aligner->pad;
    double back[6], motion[6];
    report->frame = aligner->n_pushed;
    if (mx_transform_back(aligner->last, back)) {
        mx_transform_join(aligner->onset, back, motion);
        report->before = mx_motion_of(motion, cx, cy);
    }
    report->after = (mexpr_head_motion){fit->step[0], fit->step[1],
        atan2(fit->step[3], 1 + fit->step[2]), hypot(1 + fit->step[2], fit->step[3])};
    report->residual = fit->residual;
    report->correlation = fit->correlation;
    without_border(aligner, aligner->last, report->matrix);
    report->is_lost = !(fit->correlation >= aligner->least);
    report->iterations = fit->iterations;
}

mexpr_status mx_aligner_push(mexpr_aligner *aligner, const mexpr_image *frame,
    const float *landmarks, mexpr_alignment *report)
{
    mx_still_fit fit = {0};
    mexpr_status status = fit_frame(aligner, frame, landmarks, &fit);
    if (status == MEXPR_OK)
        status = make_crop(aligner, frame, aligner->last);
    if (status == MEXPR_OK) {
        fill_report(aligner, &fit, report);
        aligner->n_pushed++;
    }
    return status;
}

mexpr_status mexpr_aligner_push(mexpr_aligner *aligner, const mexpr_image *frame,
    const float *landmarks, mexpr_alignment *report)
{
    if (!aligner)
        return MEXPR_E_ARG;
    mx_scope *scope = &aligner->scope;
    mexpr_alignment found = MEXPR_ALIGNMENT_INIT;
    if (!frame)
        return mx_fail(scope, MEXPR_E_ARG, "the frame is NULL");
    if (!aligner->has_onset)
        return mx_fail(scope, MEXPR_E_STATE, "begin with the onset frame");
    if (frame->format != aligner->out->format)
        return mx_fail(scope, MEXPR_E_TYPE,
            "the frame has another pixel format than the onset frame");
    mexpr_status status = landmarks ? mx_check_landmarks(scope, landmarks) : MEXPR_OK;
    if (status == MEXPR_OK && report)
        status = mx_out_struct_check(scope, report->struct_size, sizeof *report);
    if (status == MEXPR_OK)
        status = mx_aligner_push(aligner, frame, landmarks, &found);
    if (status == MEXPR_OK && report) {
        found.struct_size = report->struct_size;
        *report = found;
    }
    return status;
}

mexpr_status mexpr_aligner_frame(mexpr_aligner *aligner, const mexpr_image **out)
{
    if (out)
        *out = NULL;
    if (!aligner)
        return MEXPR_E_ARG;
    if (!out)
        return mx_fail(&aligner->scope, MEXPR_E_ARG, "the place for the frame is NULL");
    if (!aligner->has_onset)
        return mx_fail(&aligner->scope, MEXPR_E_STATE, "begin with the onset frame");
    *out = aligner->out;
    return MEXPR_OK;
}
