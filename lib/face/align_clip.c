/* SPDX-License-Identifier: MIT */
/* Aligning a clip: the loop over its frames. */
#include "face/align.h"

#include <string.h>

#include "image/polygon.h"

typedef struct align_job {
    mexpr_aligner *aligner;
    mx_scope *scope;
    mexpr_face_finder *finder; /* NULL until one is needed */
    bool may_find;             /* a finder may be made */
    mexpr_clip *clip;
    mexpr_align_clip_options o;
    mexpr_aligned_fn take;
    mexpr_progress_fn progress;
    void *user;
} align_job;

static mexpr_status fail_clip(align_job *job, mexpr_status status)
{
    return mx_fail(job->scope, status, "%s", mexpr_clip_last_error(job->clip));
}

/* The largest face of a frame; MEXPR_END when there is none. */
static mexpr_status find_largest(
    align_job *job, const mexpr_image *frame, mexpr_face *largest)
{
    int32_t n = 0;
    mexpr_status status = mx_aligner_finder(job->aligner, &job->finder);
    if (status != MEXPR_OK)
        return status;
    status = mexpr_face_finder_run(job->finder, frame, &n);
    largest->box[2] = 0;
    for (int32_t i = 0; i < n && status == MEXPR_OK; i++) {
        mexpr_face face = MEXPR_FACE_INIT;
        status = mexpr_face_finder_face(job->finder, i, &face);
        if (face.has_landmarks && face.box[2] > largest->box[2])
            *largest = face;
    }
    if (status != MEXPR_OK)
        return mx_fail(
            job->scope, status, "%s", mexpr_face_finder_last_error(job->finder));
    return largest->box[2] > 0 ? MEXPR_OK : MEXPR_END;
}

static mexpr_status begin(align_job *job)
{
    const mexpr_image *onset;
    mexpr_face face = MEXPR_FACE_INIT;
    const float *landmarks = job->o.landmarks;
    mexpr_status status = mexpr_clip_frame(job->clip, job->o.onset, &onset);
    if (status == MEXPR_END)
        return mx_fail(job->scope, MEXPR_E_RANGE,
            "the clip has no frame %lld, counted from 0, for the onset",
            (long long)job->o.onset);
    if (status != MEXPR_OK)
        return fail_clip(job, status);
    if (!landmarks) {
        status = find_largest(job, onset, &face);
        if (status == MEXPR_END)
            return mx_fail(job->scope, MEXPR_E_NOT_FOUND,
                "there is no face in frame %lld, counted from 0, the onset",
                (long long)job->o.onset);
        landmarks = face.landmarks;
    }
    return status == MEXPR_OK ? mexpr_aligner_begin(job->aligner, onset, landmarks)
                              : status;
}

/* Aligns a frame, by its face when following lost it. */
static mexpr_status align(
    align_job *job, const mexpr_image *frame, mexpr_alignment *report)
{
    mexpr_face face = MEXPR_FACE_INIT;
    mexpr_status status = mx_aligner_push(job->aligner, frame, NULL, report);
    if (status != MEXPR_OK || !report->is_lost || !job->may_find)
        return status;
    status = find_largest(job, frame, &face);
    if (status != MEXPR_OK)
        return status == MEXPR_END ? MEXPR_OK : status;
    return mx_aligner_push(job->aligner, frame, face.landmarks, report);
}

static mexpr_status give(align_job *job, mexpr_alignment *report, uint64_t total)
{
    const mexpr_image *crop;
    const uint64_t done = (uint64_t)(report->frame - job->o.first) + 1;
    const mexpr_status status = mexpr_aligner_frame(job->aligner, &crop);
    if (status != MEXPR_OK)
        return status;
    if (job->take(job->user, crop, report) != 0 ||
        (job->progress && job->progress(job->user, done, total) != 0))
        return mx_fail(job->scope, MEXPR_E_CANCELLED, "a callback stopped at frame %lld",
            (long long)report->frame);
    return MEXPR_OK;
}

static mexpr_status run(align_job *job)
{
    const int64_t known = mexpr_clip_n_frames(job->clip);
    const int64_t n = job->o.n_frames > 0 ? job->o.n_frames
                      : known < 0         ? INT64_MAX
                                          : known - job->o.first;
    const uint64_t total = n == INT64_MAX ? 0 : (uint64_t)n;
    mexpr_status status = begin(job);
    for (int64_t i = 0; i < n && status == MEXPR_OK; i++) {
        const mexpr_image *frame;
        mexpr_alignment report = MEXPR_ALIGNMENT_INIT;
        status = mexpr_clip_frame(job->clip, job->o.first + i, &frame);
        if (status == MEXPR_END && job->o.n_frames == 0)
            return MEXPR_OK;
        if (status == MEXPR_END)
            return mx_fail(job->scope, MEXPR_E_RANGE, "the clip has no frame %lld",
                (long long)(job->o.first + i));
        if (status != MEXPR_OK)
            return fail_clip(job, status);
        status = align(job, frame, &report);
        report.frame = job->o.first + i;
        if (status == MEXPR_OK)
            status = give(job, &report, total);
    }
    return status;
}

static mexpr_status take_options(align_job *job, const mexpr_align_clip_options *given)
{
    mexpr_align_clip_options *o = &job->o;
    *o = (mexpr_align_clip_options)MEXPR_ALIGN_CLIP_OPTIONS_INIT;
    const mexpr_status status =
        mx_options_copy(job->scope, given, sizeof *o, o, sizeof *o);
    if (status != MEXPR_OK)
        return status;
    if (o->onset < 0 || o->first < 0 || o->n_frames < 0)
        return mx_fail(job->scope, MEXPR_E_RANGE,
            "the options onset, first and n_frames are %lld, %lld and %lld; none may be "
            "negative",
            (long long)o->onset, (long long)o->first, (long long)o->n_frames);
    if (mexpr_clip_is_stream(job->clip) && o->first == 0)
        o->first = o->onset;
    if (mexpr_clip_is_stream(job->clip) && o->first != o->onset)
        return mx_fail(job->scope, MEXPR_E_STATE,
            "a stream is read once: its first frame must be the onset, %lld",
            (long long)o->onset);
    return o->landmarks ? mx_check_landmarks(job->scope, o->landmarks) : MEXPR_OK;
}

mexpr_status mexpr_align_clip(mexpr_aligner *aligner, mexpr_face_finder *finder,
    mexpr_clip *clip, const mexpr_align_clip_options *options, mexpr_aligned_fn take,
    mexpr_progress_fn progress, void *user)
{
    if (!aligner)
        return MEXPR_E_ARG;
    align_job job = {.aligner = aligner,
        .scope = mx_aligner_scope(aligner),
        .finder = finder,
        .clip = clip,
        .take = take,
        .progress = progress,
        .user = user};
    if (!clip || !take)
        return mx_fail(
            job.scope, MEXPR_E_ARG, "%s is NULL", clip ? "the callback" : "the clip");
    const mexpr_status status = take_options(&job, options);
    job.may_find = finder || !job.o.landmarks;
    return status == MEXPR_OK ? run(&job) : status;
}
