/* SPDX-License-Identifier: MIT */
/* Faces through the frames of a clip. A face is found by the detector once and then
 * followed by the landmarks alone, each frame from the points of the one before. What is
 * no longer sure is lost; its id is remembered for a while, in which every frame is
 * searched for it.
 *
 * The filter smooths the face's own shape and not the motion of the head: points are
 * taken into the frame of the similarity that fits the mean face to them, which averages
 * over 68 points and needs no smoothing, and there each coordinate is the mean (1 2 1) /
 * 4 of three frames. So the head is told without delay, and what the face does one frame
 * late, with the gain cos^2(pi f) at f cycles a frame: -3 dB at 0.182. */
#include "face/face_parts.h"

#include <string.h>

#include "face/face_landmark.h"

enum {
    MOST_FACES = 64,
    MEMORY = 10, /* frames in which a lost face keeps its id */
    COORDINATES = 2 * MX_FACE_POINTS
};

static const float same_face = 0.3f; /* overlap of a box found with one known */

/* A face that is followed, or (lost_for > 0) was. */
typedef struct slot {
    mx_face_track track;
    float points[COORDINATES];   /* before the filter */
    float shape[2][COORDINATES]; /* of the last frame and the one before it */
    uint32_t lost_for;
} slot;

struct mx_face_tracker {
    mexpr_context *context;
    mx_face_detector *detector;
    mx_face_landmarker *landmarker;
    mx_face_track_options options;
    int64_t next_id;
    uint32_t since_search;
    size_t n_slots, room; /* sorted by id */
    slot *slots;
    mx_face_box boxes[MOST_FACES];
};

/* --- life -------------------------------------------------------------------------- */

mexpr_status mx_face_tracker_create(mx_scope *scope, mx_face_detector *detector,
    mx_face_landmarker *landmarker, const mx_face_track_options *options,
    mx_face_tracker **out)
{
    *out = NULL;
    if (options->max_faces < 1 || options->max_faces > MOST_FACES)
        return mx_fail(scope, MEXPR_E_RANGE,
            "%u faces cannot be followed at once; use 1 to %d",
            (unsigned)options->max_faces, (int)MOST_FACES);
    mx_face_tracker *tracker = mx_calloc(scope, 1, sizeof *tracker);
    if (!tracker)
        return MEXPR_E_NOMEM;
    tracker->room = 2 * (size_t)options->max_faces;
    tracker->slots = mx_calloc(scope, tracker->room, sizeof *tracker->slots);
    if (!tracker->slots) {
        mx_free(scope->context, tracker);
        return MEXPR_E_NOMEM;
    }
    tracker->context = scope->context;
    tracker->detector = detector;
    tracker->landmarker = landmarker;
    tracker->options = *options;
    *out = tracker;
    return MEXPR_OK;
}

void mx_face_tracker_destroy(mexpr_context *context, mx_face_tracker **tracker)
{
    if (!*tracker)
        return;
    mx_free(context, (*tracker)->slots);
    mx_free(context, *tracker);
    *tracker = NULL;
}

void mx_face_tracker_reset(mx_face_tracker *tracker)
{
    tracker->n_slots = 0;
    tracker->next_id = 0;
    tracker->since_search = 0;
}

/* --- filter ------------------------------------------------------------------------ */

/* Points of the frame go in, those to be told come out. */
static void filter(const mx_face_tracker *tracker, slot *s)
{
    float *out = s->track.points;
    memcpy(out, s->points, sizeof s->points);
    if (!tracker->options.filter)
        return;
    const mx_landmark_pose pose =
        mx_landmark_pose_fit(mx_face_landmarker_shape(tracker->landmarker), out);
    mx_landmark_pose_remove(&pose, out, out);
    if (!s->track.followed) {
        memcpy(s->shape[0], out, sizeof s->shape[0]);
        memcpy(s->shape[1], out, sizeof s->shape[1]);
    }
    for (int i = 0; i < COORDINATES; i++) {
        const float now = out[i];
        out[i] = 0.25f * (now + s->shape[1][i]) + 0.5f * s->shape[0][i];
        s->shape[1][i] = s->shape[0][i];
        s->shape[0][i] = now;
    }
    mx_landmark_pose_apply(&pose, out, out);
}

/* New points are in `points` and how sure they are in `confidence`. */
static void take(const mx_face_tracker *tracker, slot *s, float confidence, bool followed)
{
    const float score = s->track.box.score;
    s->track.confidence = confidence;
    s->track.followed = followed;
    s->lost_for = 0;
    filter(tracker, s);
    s->track.box = mx_face_box_around(s->track.points);
    s->track.box.score = score;
}

/* --- following --------------------------------------------------------------------- */

static void remove_slot(mx_face_tracker *tracker, size_t i)
{
    tracker->n_slots--;
    memmove(&tracker->slots[i], &tracker->slots[i + 1],
        sizeof *tracker->slots * (tracker->n_slots - i));
}

static bool middle_is_inside(const mx_face_view *view, const float *points)
{
    const mx_face_box box = mx_face_box_around(points);
    const float x = box.x + 0.5f * box.size, y = box.y + 0.5f * box.size;
    return x >= 0.0f && y >= 0.0f && x < (float)view->width && y < (float)view->height;
}

/* A face that leaves the picture, or shrinks to nothing, is lost like any other. */
static mexpr_status follow(
    mx_scope *scope, mx_face_tracker *tracker, const mx_face_view *view, slot *s)
{
    float points[COORDINATES], confidence = 0.0f;
    mexpr_status status = MEXPR_E_ARG;
    if (middle_is_inside(view, s->points))
        status = mx_face_landmarker_follow(
            scope, tracker->landmarker, view, s->points, points, &confidence);
    if (status != MEXPR_OK && status != MEXPR_E_ARG)
        return status;
    if (status != MEXPR_OK || !(confidence >= tracker->options.confidence)) {
        s->lost_for = 1;
        return MEXPR_OK;
    }
    memcpy(s->points, points, sizeof points);
    take(tracker, s, confidence, true);
    return MEXPR_OK;
}

static size_t n_followed(const mx_face_tracker *tracker)
{
    size_t n = 0;
    for (size_t i = 0; i < tracker->n_slots; i++)
        n += tracker->slots[i].lost_for == 0;
    return n;
}

/* Two that have come to the same face: the older id stays. */
static void merge(mx_face_tracker *tracker)
{
    for (size_t i = 0; i < tracker->n_slots; i++) {
        for (size_t j = tracker->n_slots - 1; j > i; j--) {
            const slot *a = &tracker->slots[i], *b = &tracker->slots[j];
            if (a->lost_for == 0 && b->lost_for == 0 &&
                mx_face_box_overlap(&a->track.box, &b->track.box) > 0.5f)
                remove_slot(tracker, j);
        }
    }
}

static mexpr_status follow_all(
    mx_scope *scope, mx_face_tracker *tracker, const mx_face_view *view)
{
    for (size_t i = tracker->n_slots; i-- > 0;) {
        slot *s = &tracker->slots[i];
        if (s->lost_for > 0) {
            if (++s->lost_for > MEMORY)
                remove_slot(tracker, i);
            continue;
        }
        const mexpr_status status = follow(scope, tracker, view, s);
        if (status != MEXPR_OK)
            return status;
    }
    merge(tracker);
    return MEXPR_OK;
}

/* --- searching --------------------------------------------------------------------- */

static bool search_is_due(const mx_face_tracker *tracker)
{
    const size_t n = n_followed(tracker);
    const uint32_t every = tracker->options.search;
    return n == 0 || n < tracker->n_slots || (every && tracker->since_search >= every);
}

/* The known face that a box shows, one that is followed before one that is lost. */
static slot *known(mx_face_tracker *tracker, const mx_face_box *box)
{
    slot *best = NULL;
    float most = same_face;
    for (int lost = 0; lost < 2 && !best; lost++) {
        for (size_t i = 0; i < tracker->n_slots; i++) {
            slot *s = &tracker->slots[i];
            const float overlap = mx_face_box_overlap(box, &s->track.box);
            if ((s->lost_for > 0) == lost && overlap > most) {
                most = overlap;
                best = s;
            }
        }
    }
    return best;
}

/* Room for another id; the one lost for longest makes it. */
static slot *new_slot(mx_face_tracker *tracker)
{
    if (tracker->n_slots == tracker->room) {
        size_t oldest = 0;
        for (size_t i = 1; i < tracker->n_slots; i++) {
            if (tracker->slots[i].lost_for > tracker->slots[oldest].lost_for)
                oldest = i;
        }
        remove_slot(tracker, oldest);
    }
    slot *s = &tracker->slots[tracker->n_slots++];
    memset(s, 0, sizeof *s);
    s->track.id = tracker->next_id++;
    return s;
}

static mexpr_status take_found(mx_scope *scope, mx_face_tracker *tracker,
    const mx_face_view *view, const mx_face_box *box)
{
    float points[COORDINATES], confidence = 0.0f;
    slot *s = known(tracker, box);
    if (s && s->lost_for == 0) {
        s->track.box.score = mx_face_both_score(box->score, s->track.confidence);
        return MEXPR_OK;
    }
    if (n_followed(tracker) == tracker->options.max_faces)
        return MEXPR_OK;
    const mexpr_status status = mx_face_landmarker_run(
        scope, tracker->landmarker, view, box, points, &confidence);
    const float score = mx_face_both_score(box->score, confidence);
    if (status != MEXPR_OK || !(confidence >= tracker->options.confidence) ||
        !(score >= tracker->options.threshold))
        return status;
    const mx_face_box found = mx_face_box_around(points);
    slot *also = known(tracker, &found);
    if (also && also->lost_for == 0)
        return MEXPR_OK;
    s = s ? s : also ? also : new_slot(tracker);
    memcpy(s->points, points, sizeof points);
    s->track.box.score = score;
    take(tracker, s, confidence, false);
    return MEXPR_OK;
}

static mexpr_status search(
    mx_scope *scope, mx_face_tracker *tracker, const mx_face_view *view)
{
    const mx_face_track_options *options = &tracker->options;
    size_t count = 0;
    mexpr_status status = mx_face_detector_run(scope, tracker->detector, view,
        options->smallest, options->largest, mx_face_weak_score(options->threshold),
        tracker->boxes, MOST_FACES, &count);
    for (size_t i = 0; i < count && status == MEXPR_OK; i++)
        status = take_found(scope, tracker, view, &tracker->boxes[i]);
    tracker->since_search = 0;
    return status;
}

mexpr_status mx_face_tracker_run(mx_scope *scope, mx_face_tracker *tracker,
    const mx_face_view *view, mx_face_track *tracks, size_t *count)
{
    *count = 0;
    tracker->since_search++;
    mexpr_status status = follow_all(scope, tracker, view);
    if (status == MEXPR_OK && search_is_due(tracker))
        status = search(scope, tracker, view);
    for (size_t i = 0; i < tracker->n_slots && status == MEXPR_OK; i++) {
        if (tracker->slots[i].lost_for == 0)
            tracks[(*count)++] = tracker->slots[i].track;
    }
    return status;
}
