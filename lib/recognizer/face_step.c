/* SPDX-License-Identifier: MIT */
#include "recognizer/face_step.h"

/* Faces from half the needed size on are looked for, to say that one is too small. */
enum { SMALLEST_LOOKED_FOR = 16 };

static mexpr_status prepare(mx_scope *scope, mx_face_step *step)
{
    mexpr_face_options options = MEXPR_FACE_OPTIONS_INIT;
    mexpr_align_options aligning = MEXPR_ALIGN_OPTIONS_INIT;
    mexpr_status status = MEXPR_OK;
    aligning.crop = &step->crop;
    options.smallest = step->smallest / 2 < SMALLEST_LOOKED_FOR ? SMALLEST_LOOKED_FOR
                                                                : step->smallest / 2;
    if (!step->finder)
        status = mexpr_face_finder_create(scope->context, &options, &step->finder);
    if (status == MEXPR_OK && !step->aligner)
        status = mexpr_aligner_create(scope->context, &aligning, &step->aligner);
    return status == MEXPR_OK
               ? MEXPR_OK
               : mx_fail(scope, status, "%s", mexpr_context_last_error(scope->context));
}

void mx_face_step_release(mx_face_step *step)
{
    mexpr_aligner_destroy(&step->aligner);
    mexpr_face_finder_destroy(&step->finder);
}

static mexpr_status fail_finder(mx_scope *scope, mexpr_status status, mx_face_step *step)
{
    return mx_fail(scope, status, "%s", mexpr_face_finder_last_error(step->finder));
}

static mexpr_status fail_aligner(mx_scope *scope, mexpr_status status, mx_face_step *step)
{
    return mx_fail(scope, status, "%s", mexpr_aligner_last_error(step->aligner));
}

/* The face with the largest box; box[2] is 0 when there is none. */
static mexpr_status find_largest(mx_scope *scope, mx_face_step *step,
    const mexpr_image *frame, mexpr_face *largest, int32_t *n)
{
    *largest = (mexpr_face)MEXPR_FACE_INIT;
    mexpr_status status = mexpr_face_finder_run(step->finder, frame, n);
    for (int32_t i = 0; i < *n && status == MEXPR_OK; i++) {
        mexpr_face face = MEXPR_FACE_INIT;
        status = mexpr_face_finder_face(step->finder, i, &face);
        if (face.box[2] > largest->box[2])
            *largest = face;
    }
    return status == MEXPR_OK ? MEXPR_OK : fail_finder(scope, status, step);
}

mexpr_status mx_face_step_onset(
    mx_scope *scope, mx_face_step *step, const mexpr_image *onset)
{
    mexpr_status status = prepare(scope, step);
    if (status == MEXPR_OK)
        status = find_largest(scope, step, onset, &step->face, &step->n_faces);
    if (status != MEXPR_OK)
        return status;
    if (step->n_faces == 0)
        return mx_fail(scope, MEXPR_E_NOT_FOUND,
            "there is no face of %d px or more in the onset frame of %d×%d px; give "
            "frames "
            "that show one, a face box, or face crops",
            (int)step->smallest, (int)mexpr_image_width(onset),
            (int)mexpr_image_height(onset));
    if (step->face.box[2] < step->smallest)
        return mx_fail(scope, MEXPR_E_RANGE,
            "the largest face in the onset frame is %.0f px wide; %d are needed to see "
            "micro-expressions: enlarge nothing, record the face larger",
            step->face.box[2], (int)step->smallest);
    if (step->n_faces > 1)
        mx_log(scope->context, MEXPR_LOG_WARNING,
            "there are %d faces in the onset frame; the largest is taken",
            (int)step->n_faces);
    status = mexpr_aligner_begin(step->aligner, onset, step->face.landmarks);
    return status == MEXPR_OK ? MEXPR_OK : fail_aligner(scope, status, step);
}

static mexpr_status push(
    mx_scope *scope, mx_face_step *step, const mexpr_image *frame, const float *landmarks)
{
    step->alignment = (mexpr_alignment)MEXPR_ALIGNMENT_INIT;
    const mexpr_status status =
        mexpr_aligner_push(step->aligner, frame, landmarks, &step->alignment);
    return status == MEXPR_OK ? MEXPR_OK : fail_aligner(scope, status, step);
}

mexpr_status mx_face_step_follow(
    mx_scope *scope, mx_face_step *step, const mexpr_image *frame)
{
    mexpr_face face;
    int32_t n = 0;
    mexpr_status status = push(scope, step, frame, NULL);
    if (status != MEXPR_OK || !step->alignment.is_lost)
        return status;
    status = find_largest(scope, step, frame, &face, &n);
    if (status == MEXPR_OK && n > 0)
        status = push(scope, step, frame, face.landmarks);
    if (status != MEXPR_OK || !step->alignment.is_lost)
        return status;
    return mx_fail(scope, MEXPR_E_NOT_FOUND,
        "the face of the onset frame is not found again in a later frame");
}

const mexpr_image *mx_face_step_crop(mx_face_step *step)
{
    const mexpr_image *crop = NULL;
    return mexpr_aligner_frame(step->aligner, &crop) == MEXPR_OK ? crop : NULL;
}
