/* SPDX-License-Identifier: MIT */
/* The parts a finder and a tracker are made of, and what passes between them.
 *
 * All work on grey pictures of 8 bits; pixel centres have whole coordinates. A part keeps
 * its working memory, which grows with the largest picture it has seen: a call on a
 * picture not larger than one before allocates nothing. One thread at a time. Kernels
 * come from mexpr_context_cpu() of the scope's context. */
#ifndef MX_FACE_FACE_PARTS_H
#define MX_FACE_FACE_PARTS_H

#include "base/scope.h"

enum { MX_FACE_POINTS = 68 };

/* A grey picture of someone else. */
typedef struct mx_face_view {
    const uint8_t *pixels;
    size_t stride; /* bytes from row to row */
    uint32_t width;
    uint32_t height;
} mx_face_view;

/* A square: left and top edge and side in px. A pixel centre (px, py) is inside when
 * x <= px < x + size and the same for y. May reach beyond the picture. */
typedef struct mx_face_box {
    float x;
    float y;
    float size;
    float score; /* the detector's; higher is surer */
} mx_face_box;

/* The box told to users: around the 68 points (x0 y0 x1 y1 ...), the top raised by 25 %
 * of their height, then made square about its centre. Score 0. */
mx_face_box mx_face_box_around(const float points[2 * MX_FACE_POINTS]);

/* Intersection over union of two boxes. */
float mx_face_box_overlap(const mx_face_box *a, const mx_face_box *b);

/* --- detector (face_detector.c) ----------------------------------------------------- */

typedef struct mx_face_detector mx_face_detector;

mexpr_status mx_face_detector_create(mx_scope *scope, mx_face_detector **out);
/* Accepts a pointer to NULL and leaves NULL behind. */
void mx_face_detector_destroy(mexpr_context *context, mx_face_detector **detector);

/* The score that separates best by the detector's own calibration. */
float mx_face_detector_threshold(void);

/* Finds faces whose box side lies in smallest..largest px and whose score is at least
 * `threshold`. Overlapping hits are merged; boxes are sorted by falling score, then y,
 * then x. When there are more than `capacity` the best are kept. Pictures of any size
 * from 1 x 1 on give MEXPR_OK, small ones with no face. */
mexpr_status mx_face_detector_run(mx_scope *scope, mx_face_detector *detector,
    const mx_face_view *view, float smallest, float largest, float threshold,
    mx_face_box *boxes, size_t capacity, size_t *count);

/* --- landmarks (face_landmark.c) ---------------------------------------------------- */

typedef struct mx_face_landmarker mx_face_landmarker;

mexpr_status mx_face_landmarker_create(mx_scope *scope, mx_face_landmarker **out);
void mx_face_landmarker_destroy(mexpr_context *context, mx_face_landmarker **landmarker);

/* The 68 points (iBUG order: x0 y0 x1 y1 ...) of the face in `box`, and how sure they
 * are, 0..1. The box may reach beyond the picture; points may too. */
mexpr_status mx_face_landmarker_run(mx_scope *scope, mx_face_landmarker *landmarker,
    const mx_face_view *view, const mx_face_box *box, float points[2 * MX_FACE_POINTS],
    float *confidence);

/* How sure both together are that a box shows a face, 0..1: the detector's score, and the
 * confidence of the landmarks found in it. 0.5 separates best. */
float mx_face_both_score(float score, float confidence);

/* The score from which a box of the detector may yet reach `threshold` by its landmarks.
 */
float mx_face_weak_score(float threshold);

/* --- tracking (face_track.c) -------------------------------------------------------- */

typedef struct mx_face_tracker mx_face_tracker;

/* How to track; every field is set by the caller. */
typedef struct mx_face_track_options {
    float smallest; /* box side in px, as for the detector */
    float largest;
    float threshold;    /* of mx_face_both_score() */
    float confidence;   /* points less sure than this are a loss */
    uint32_t max_faces; /* at once, 1..64 */
    uint32_t search; /* frames between searches of the whole picture for new faces while
                        some are followed; 0: search only when one was lost or none is
                        there */
    bool filter;     /* the temporal filter of the points */
} mx_face_track_options;

/* One face in one frame. */
typedef struct mx_face_track {
    int64_t id; /* from 0 on, never used again until the tracker is reset */
    mx_face_box
        box; /* mx_face_box_around() of the points; score: both's, when last found */
    float confidence;
    bool followed; /* from the frame before; false: found by the detector in this one */
    float points[2 * MX_FACE_POINTS];
} mx_face_track;

/* Borrows both parts, which must live as long. */
mexpr_status mx_face_tracker_create(mx_scope *scope, mx_face_detector *detector,
    mx_face_landmarker *landmarker, const mx_face_track_options *options,
    mx_face_tracker **out);
void mx_face_tracker_destroy(mexpr_context *context, mx_face_tracker **tracker);

/* The next frame, of any size. Tracks are sorted by id; `tracks` has room for
 * max_faces. */
mexpr_status mx_face_tracker_run(mx_scope *scope, mx_face_tracker *tracker,
    const mx_face_view *view, mx_face_track *tracks, size_t *count);

/* Forgets all faces and ids: the next frame begins another clip. */
void mx_face_tracker_reset(mx_face_tracker *tracker);

#endif
