/* SPDX-License-Identifier: MIT */
/* Finders and trackers: options and pictures in, faces out. The work is done by the parts
 * of face_parts.h. */
#include <math.h>
#include <string.h>

#include "base/option.h"
#include "face/face_parts.h"
#include "image/picture.h"
#include "microexpr/face.h"

enum { MAX_FACES = 64, STANDARD_FACES = 16, MAX_SEARCH = 1000 };

static const float same_face = 0.5f; /* overlap of boxes */

static const double least_side = 16, most_side = 1e5, standard_smallest = 40;
static const double least_box = 8;
/* Of `confidence`. What is followed has no detector that speaks for it. */
static const double found_confidence = 0.15, followed_confidence = 0.25;

/* What finders and trackers have in common. */
typedef struct seer {
    mx_scope scope; /* its context is retained */
    mexpr_face_options options;
    mx_face_detector *detector;
    mx_face_landmarker *landmarker;
    uint8_t *grey; /* a picture that was not 8-bit grey */
    size_t grey_capacity;
    int32_t n;
    mexpr_face faces[MAX_FACES];
} seer;

struct mexpr_face_finder {
    seer seer;
};

struct mexpr_face_tracker {
    seer seer;
    mx_face_tracker *tracker;
};

/* --- life -------------------------------------------------------------------------- */

static mexpr_status check_side(
    mx_scope *scope, const char *name, double *side, double standard)
{
    if (*side == 0)
        *side = standard;
    if (!(*side >= least_side && *side <= most_side))
        return mx_fail(scope, MEXPR_E_RANGE, "option %s is %g; it must be %g to %g px",
            name, *side, least_side, most_side);
    return MEXPR_OK;
}

static mexpr_status take_options(mx_scope *scope, const mexpr_face_options *given,
    double confidence, mexpr_face_options *o)
{
    *o = (mexpr_face_options)MEXPR_FACE_OPTIONS_INIT;
    mexpr_status status = mx_options_copy(scope, given, sizeof *o, o, sizeof *o);
    if (status == MEXPR_OK)
        status = mx_option_reserved(scope, o->reserved);
    if (status == MEXPR_OK)
        status = check_side(scope, "smallest", &o->smallest, standard_smallest);
    if (status == MEXPR_OK)
        status = check_side(scope, "largest", &o->largest, most_side);
    if (status == MEXPR_OK && o->largest < o->smallest)
        status = mx_fail(scope, MEXPR_E_RANGE,
            "option largest is %g, which is less than smallest, %g", o->largest,
            o->smallest);
    if (status == MEXPR_OK)
        status = mx_option_i32(
            scope, "max_faces", &o->max_faces, STANDARD_FACES, 1, MAX_FACES);
    if (status == MEXPR_OK)
        status = mx_option_i32(scope, "search", &o->search, 0, 0, MAX_SEARCH);
    if (status == MEXPR_OK)
        status = mx_option_f64(scope, "confidence", &o->confidence, confidence, 0, 1);
    if (o->threshold == 0 && !o->threshold_set)
        o->threshold = (double)mx_face_detector_threshold();
    if (status == MEXPR_OK && !isfinite(o->threshold))
        status = mx_fail(scope, MEXPR_E_RANGE, "option threshold is not a finite number");
    return status;
}

static mexpr_status seer_init(
    mexpr_context *context, const mexpr_face_options *options, double confidence, seer *s)
{
    mx_scope *scope = mx_context_scope(context);
    mexpr_status status = take_options(scope, options, confidence, &s->options);
    if (status == MEXPR_OK)
        status = mx_face_detector_create(scope, &s->detector);
    if (status == MEXPR_OK)
        status = mx_face_landmarker_create(scope, &s->landmarker);
    return status;
}

static void seer_release(seer *s)
{
    mexpr_context *context = s->scope.context;
    mx_free(context, s->grey);
    mx_face_landmarker_destroy(context, &s->landmarker);
    mx_face_detector_destroy(context, &s->detector);
}

mexpr_status mexpr_face_finder_create(
    mexpr_context *context, const mexpr_face_options *options, mexpr_face_finder **out)
{
    if (out)
        *out = NULL;
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!out)
        return mx_fail(scope, MEXPR_E_ARG, "the place for the finder is NULL");
    mexpr_face_finder *finder = mx_calloc(scope, 1, sizeof *finder);
    if (!finder)
        return MEXPR_E_NOMEM;
    mx_scope_init(&finder->seer.scope, mx_context_retain(context));
    const mexpr_status status =
        seer_init(context, options, found_confidence, &finder->seer);
    if (status == MEXPR_OK)
        *out = finder;
    else
        mexpr_face_finder_destroy(&finder);
    return status;
}

void mexpr_face_finder_destroy(mexpr_face_finder **finder)
{
    if (!finder || !*finder)
        return;
    mexpr_context *context = (*finder)->seer.scope.context;
    seer_release(&(*finder)->seer);
    mx_free(context, *finder);
    *finder = NULL;
    mx_context_release(context);
}

const char *mexpr_face_finder_last_error(const mexpr_face_finder *finder)
{
    return finder ? finder->seer.scope.error : "";
}

/* --- pictures and faces ------------------------------------------------------------ */

/* A view of the picture in 8-bit grey, made when it is of another format. */
static mexpr_status see(seer *s, const mexpr_image *image, mx_face_view *view)
{
    const size_t n = (size_t)image->width * (size_t)image->height;
    *view = (mx_face_view){
        image->data, image->stride, (uint32_t)image->width, (uint32_t)image->height};
    if (image->format == MEXPR_FORMAT_GREY8)
        return MEXPR_OK;
    if (n > s->grey_capacity) {
        mx_free(s->scope.context, s->grey);
        s->grey_capacity = 0;
        s->grey = mx_alloc(&s->scope, n, 1);
        if (!s->grey)
            return MEXPR_E_NOMEM;
        s->grey_capacity = n;
    }
    mx_image_to_grey_u8(image, s->grey);
    view->pixels = s->grey;
    view->stride = (size_t)image->width;
    return MEXPR_OK;
}

static void put_box(const mx_face_box *box, mexpr_face *face)
{
    face->box[0] = (double)box->x;
    face->box[1] = (double)box->y;
    face->box[2] = face->box[3] = (double)box->size;
}

static mexpr_status add_landmarks(
    seer *s, const mx_face_view *view, const mx_face_box *box, mexpr_face *face)
{
    float confidence = 0;
    const mexpr_status status = mx_face_landmarker_run(
        &s->scope, s->landmarker, view, box, face->landmarks, &confidence);
    if (status != MEXPR_OK)
        return status;
    const mx_face_box around = mx_face_box_around(face->landmarks);
    put_box(&around, face);
    face->confidence = (double)confidence;
    face->has_landmarks = 1;
    return MEXPR_OK;
}

static bool is_before(const mexpr_face *a, const mexpr_face *b)
{
    if (a->score != b->score)
        return a->score > b->score;
    return a->box[1] != b->box[1] ? a->box[1] < b->box[1] : a->box[0] < b->box[0];
}

static void sort_faces(seer *s)
{
    for (int32_t i = 1; i < s->n; i++) {
        const mexpr_face face = s->faces[i];
        int32_t at = i;
        for (; at > 0 && is_before(&face, &s->faces[at - 1]); at--)
            s->faces[at] = s->faces[at - 1];
        s->faces[at] = face;
    }
}

static mx_face_box box_of(const mexpr_face *face)
{
    return (mx_face_box){
        (float)face->box[0], (float)face->box[1], (float)face->box[2], 0.0f};
}

/* Two boxes of the detector may come to the same landmarks: the better one stays. */
static void drop_doubles(seer *s)
{
    int32_t kept = 0;
    for (int32_t i = 0; i < s->n; i++) {
        const mx_face_box box = box_of(&s->faces[i]);
        bool fresh = kept < s->options.max_faces;
        for (int32_t j = 0; j < kept && fresh; j++) {
            const mx_face_box other = box_of(&s->faces[j]);
            fresh = mx_face_box_overlap(&box, &other) < same_face;
        }
        if (fresh) {
            s->faces[kept] = s->faces[i];
            s->faces[kept].id = kept;
            kept++;
        }
    }
    s->n = kept;
}

/* One box of the detector: with landmarks, *good when both are sure enough. */
static mexpr_status judge(seer *s, const mx_face_view *view, const mx_face_box *box,
    mexpr_face *face, bool *good)
{
    const mexpr_face_options *o = &s->options;
    *face = (mexpr_face)MEXPR_FACE_INIT;
    *good = true;
    face->score = (double)box->score;
    put_box(box, face);
    if (o->boxes_only)
        return MEXPR_OK;
    const mexpr_status status = add_landmarks(s, view, box, face);
    face->score = (double)mx_face_both_score(box->score, (float)face->confidence);
    *good = face->confidence >= o->confidence && face->score >= o->threshold;
    return status;
}

static mexpr_status find(seer *s, const mexpr_image *image)
{
    mx_face_view view;
    mx_face_box boxes[MAX_FACES];
    size_t n = 0;
    bool good;
    const mexpr_face_options *o = &s->options;
    const float threshold = (float)o->threshold;
    mexpr_status status = see(s, image, &view);
    if (status == MEXPR_OK)
        status = mx_face_detector_run(&s->scope, s->detector, &view, (float)o->smallest,
            (float)o->largest, o->boxes_only ? threshold : mx_face_weak_score(threshold),
            boxes, MAX_FACES, &n);
    for (size_t i = 0; i < n && status == MEXPR_OK; i++) {
        status = judge(s, &view, &boxes[i], &s->faces[s->n], &good);
        s->n += good;
    }
    if (status != MEXPR_OK)
        s->n = 0;
    sort_faces(s);
    drop_doubles(s);
    return status;
}

mexpr_status mexpr_face_finder_run(
    mexpr_face_finder *finder, const mexpr_image *image, int32_t *n)
{
    if (n)
        *n = 0;
    if (!finder)
        return MEXPR_E_ARG;
    seer *s = &finder->seer;
    s->n = 0;
    if (!image)
        return mx_fail(&s->scope, MEXPR_E_ARG, "image is NULL");
    const mexpr_status status = find(s, image);
    if (n)
        *n = s->n;
    return status;
}

static mexpr_status get_face(seer *s, int32_t index, mexpr_face *face)
{
    mx_scope *scope = &s->scope;
    if (!face)
        return mx_fail(scope, MEXPR_E_ARG, "face is NULL");
    const mexpr_status status =
        mx_out_struct_check(scope, face->struct_size, sizeof *face);
    if (status != MEXPR_OK)
        return status;
    if (index < 0 || index >= s->n)
        return mx_fail(scope, MEXPR_E_RANGE, "there is no face %d; %d were found",
            (int)index, (int)s->n);
    const size_t size = face->struct_size;
    *face = s->faces[index];
    face->struct_size = size;
    return MEXPR_OK;
}

mexpr_status mexpr_face_finder_face(
    mexpr_face_finder *finder, int32_t index, mexpr_face *face)
{
    return finder ? get_face(&finder->seer, index, face) : MEXPR_E_ARG;
}

mexpr_status mexpr_face_finder_refine(mexpr_face_finder *finder, const mexpr_image *image,
    const double *box, mexpr_face *face)
{
    if (!finder)
        return MEXPR_E_ARG;
    seer *s = &finder->seer;
    mx_face_view view;
    if (!image || !box || !face)
        return mx_fail(&s->scope, MEXPR_E_ARG, "%s is NULL",
            !image ? "image"
            : box  ? "face"
                   : "box");
    mexpr_status status = mx_out_struct_check(&s->scope, face->struct_size, sizeof *face);
    if (status != MEXPR_OK)
        return status;
    const double side = fmax(box[2], box[3]);
    if (!(side >= least_box && side <= most_side && box[0] < image->width &&
            box[1] < image->height && box[0] + box[2] > 0 && box[1] + box[3] > 0))
        return mx_fail(&s->scope, MEXPR_E_RANGE,
            "the box %g,%g,%g,%g is not in the picture of %d×%d px, or smaller than %g "
            "px",
            box[0], box[1], box[2], box[3], (int)image->width, (int)image->height,
            least_box);
    const mx_face_box square = {(float)(box[0] + 0.5 * (box[2] - side)),
        (float)(box[1] + 0.5 * (box[3] - side)), (float)side, 0};
    mexpr_face found = MEXPR_FACE_INIT;
    status = see(s, image, &view);
    if (status == MEXPR_OK)
        status = add_landmarks(s, &view, &square, &found);
    if (status == MEXPR_OK) {
        found.struct_size = face->struct_size;
        *face = found;
    }
    return status;
}

/* --- tracking ---------------------------------------------------------------------- */

static mexpr_status tracker_init(mexpr_context *context, mexpr_face_tracker *tracker)
{
    const mexpr_face_options *o = &tracker->seer.options;
    const mx_face_track_options options = {(float)o->smallest, (float)o->largest,
        (float)o->threshold, (float)o->confidence, (uint32_t)o->max_faces,
        (uint32_t)o->search, !o->no_filter};
    return mx_face_tracker_create(mx_context_scope(context), tracker->seer.detector,
        tracker->seer.landmarker, &options, &tracker->tracker);
}

mexpr_status mexpr_face_tracker_create(
    mexpr_context *context, const mexpr_face_options *options, mexpr_face_tracker **out)
{
    if (out)
        *out = NULL;
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!out)
        return mx_fail(scope, MEXPR_E_ARG, "the place for the tracker is NULL");
    mexpr_face_tracker *tracker = mx_calloc(scope, 1, sizeof *tracker);
    if (!tracker)
        return MEXPR_E_NOMEM;
    mx_scope_init(&tracker->seer.scope, mx_context_retain(context));
    mexpr_status status =
        seer_init(context, options, followed_confidence, &tracker->seer);
    if (status == MEXPR_OK)
        status = tracker_init(context, tracker);
    if (status == MEXPR_OK)
        *out = tracker;
    else
        mexpr_face_tracker_destroy(&tracker);
    return status;
}

void mexpr_face_tracker_destroy(mexpr_face_tracker **tracker)
{
    if (!tracker || !*tracker)
        return;
    mexpr_context *context = (*tracker)->seer.scope.context;
    mx_face_tracker_destroy(context, &(*tracker)->tracker);
    seer_release(&(*tracker)->seer);
    mx_free(context, *tracker);
    *tracker = NULL;
    mx_context_release(context);
}

const char *mexpr_face_tracker_last_error(const mexpr_face_tracker *tracker)
{
    return tracker ? tracker->seer.scope.error : "";
}

static mexpr_status follow(mexpr_face_tracker *tracker, const mexpr_image *frame)
{
    seer *s = &tracker->seer;
    mx_face_view view;
    mx_face_track tracks[MAX_FACES];
    size_t n = 0;
    mexpr_status status = see(s, frame, &view);
    if (status == MEXPR_OK)
        status = mx_face_tracker_run(&s->scope, tracker->tracker, &view, tracks, &n);
    if (status != MEXPR_OK)
        return status;
    for (size_t i = 0; i < n; i++) {
        mexpr_face *face = &s->faces[i];
        *face = (mexpr_face)MEXPR_FACE_INIT;
        face->id = tracks[i].id;
        put_box(&tracks[i].box, face);
        face->score = (double)tracks[i].box.score;
        face->confidence = (double)tracks[i].confidence;
        face->has_landmarks = 1;
        face->followed = tracks[i].followed;
        memcpy(face->landmarks, tracks[i].points, sizeof face->landmarks);
    }
    s->n = (int32_t)n;
    return MEXPR_OK;
}

mexpr_status mexpr_face_tracker_push(
    mexpr_face_tracker *tracker, const mexpr_image *frame, int32_t *n)
{
    if (n)
        *n = 0;
    if (!tracker)
        return MEXPR_E_ARG;
    seer *s = &tracker->seer;
    s->n = 0;
    if (!frame)
        return mx_fail(&s->scope, MEXPR_E_ARG, "the frame is NULL");
    const mexpr_status status = follow(tracker, frame);
    if (n)
        *n = s->n;
    return status;
}

mexpr_status mexpr_face_tracker_face(
    mexpr_face_tracker *tracker, int32_t index, mexpr_face *face)
{
    return tracker ? get_face(&tracker->seer, index, face) : MEXPR_E_ARG;
}

void mexpr_face_tracker_reset(mexpr_face_tracker *tracker)
{
    if (!tracker)
        return;
    mx_face_tracker_reset(tracker->tracker);
    tracker->seer.n = 0;
}
