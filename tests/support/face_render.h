/* SPDX-License-Identifier: MIT */
/*
 * A face drawn by formula, for tests and samples.
 *
 * The renderer draws short grey clips of an invented person whose face makes facial
 * actions (FACS action units) and whose head may move, together with the exact truth:
 * landmarks, optical flow and the onset, apex and offset of the expression.  It stands
 * alone on the C library.  Every function is pure: the same arguments give the same
 * bits, there is no global state, and all calls may run in parallel.
 *
 *     struct face_clip_options clip = face_clip_defaults(7);
 *     face_clip_add_action(&clip, 12, FACE_BOTH, 1.0);
 *     for (int t = 0; t < clip.n_frames; t++)
 *         face_clip_frame(&clip, t, grey, clip.width);
 *     face_clip_flow(&clip, clip.onset, clip.apex, u, v, kind);
 *
 * Conventions.  Pixel centres have integer coordinates, x to the right, y downward.
 * "Face units" measure the head: 1 is the side of the face box, the square from the
 * brows to the chin and from ear to ear, and the origin is its centre.  "Left" and
 * "right" are the person's own, so the left half of the face is on the right of the
 * picture.  Frames are counted from 0.
 */
#ifndef FACE_RENDER_H
#define FACE_RENDER_H

#include <stdbool.h>
#include <stdint.h>

#define FACE_LANDMARKS 68
#define FACE_MAX_ACTIONS 32

/* What sets one person apart.  Lengths are in face units, tones in 0 (black) to 1. */
struct face_identity {
    uint64_t seed; /* of the skin, hair and freckle patterns */

    double skin_tone;
    double hair_tone;
    double brow_tone;
    double iris_tone;
    double lip_tone; /* relative to the skin */

    double half_width; /* of the face at the ears */
    double jaw_square; /* 0 an ellipse, towards 1 a box */
    double chin_y;
    double hairline_y;
    double hair_volume; /* beyond the skull */
    double hair_end_y;  /* how far down the hair falls */
    double hair_part_x;

    double eye_x; /* centre of the left eye; the right one mirrors it */
    double eye_y;
    double eye_half_width;
    double eye_open;
    double eye_tilt;
    double iris_radius;

    double brow_y;
    double brow_arch;
    double brow_thickness;
    double brow_half_length;

    double nose_half_width;
    double nose_y;
    double nose_height;

    double mouth_y;
    double mouth_half_width;
    double mouth_bend; /* positive: the corners sit higher than the middle */
    double lip_upper;
    double lip_lower;

    double texture;  /* contrast of the skin, 1 is usual */
    double freckles; /* 0 none, 1 many */
    double stubble;  /* 0 none, 1 a day or two */
};

enum face_side {
    FACE_BOTH,
    FACE_LEFT, /* the person's left: the right of the picture */
    FACE_RIGHT
};

/* One facial action.  Intensity 1 is the largest drawn; micro-expressions lie below. */
struct face_action {
    int au;
    enum face_side side;
    double intensity;
};

/* A change of the head against its place in the options; all zero is none. */
struct face_pose {
    double dx, dy; /* pixels */
    double angle;  /* radians, clockwise in the picture */
    double zoom;   /* relative: 0.01 is one per cent larger */
};

/* A whole clip.  Start from face_clip_defaults() and change what you need. */
struct face_clip_options {
    struct face_identity identity;

    int width, height;
    double face_x, face_y; /* centre of the face box, in pixels */
    double face_size;      /* side of the face box, in pixels */

    int n_frames;
    int onset, apex, offset; /* onset < apex < offset; neutral outside */

    struct face_action actions[FACE_MAX_ACTIONS];
    int n_actions;

    struct face_pose drift;       /* head motion per frame, growing from frame 0 */
    const struct face_pose *path; /* or NULL: one pose per frame, added to the drift */

    double light_x, light_y; /* the light's place: -1 is left, above; 1 right, below */
    double light_gain;       /* multiplies the picture, 1 is neutral */
    double light_slope_x;    /* relative change of the gain across the width */
    double light_slope_y;    /* the same down the height */

    double noise_sigma; /* sensor noise in grey levels, 0 is none */
    uint64_t noise_seed;
    uint64_t background_seed;

    int supersample; /* samples per pixel and axis: 2 is usual, 4 for faces below 60 */
};

/* What a pixel shows in the first of two frames, and whether its flow is the truth. */
enum face_pixel {
    FACE_PIXEL_UNKNOWN = 0,   /* on the outline, covered later, or leaving the picture */
    FACE_PIXEL_HEAD = 1,      /* a point of face, ears or hair seen in both frames */
    FACE_PIXEL_BACKGROUND = 2 /* a point of the still background seen in both frames */
};

/* A person from a number; the same number is always the same person. */
struct face_identity face_identity_from_seed(uint64_t seed);

/* 30 frames of 140x170 pixels around the face of person `seed`: onset 5, apex 14,
 * offset 24, no action yet, a still head, no noise. */
struct face_clip_options face_clip_defaults(uint64_t seed);

/* Makes the picture width x height with the face filling it as in a tight crop.  For a
 * face elsewhere in a larger frame set face_x, face_y and face_size afterwards. */
void face_clip_resize(struct face_clip_options *clip, int width, int height);

/* Adds an action; false when the action unit is not known or the list is full.  Keep
 * the sum of intensities at one place of the face near 1: much more folds the face. */
bool face_clip_add_action(
    struct face_clip_options *clip, int au, enum face_side side, double intensity);

/* The action units that can be drawn: writes the i-th to *au; false past the last. */
bool face_action_unit(int i, int *au);

/* The strength of the expression in frame t, 0 (neutral) to 1 (apex). */
double face_clip_profile(const struct face_clip_options *clip, int t);

/* Draws frame t as 8-bit grey; `stride` is in pixels. */
void face_clip_frame(
    const struct face_clip_options *clip, int t, uint8_t *grey, int stride);

/* The same before rounding and clamping, in grey levels 0 to 255. */
void face_clip_frame_float(
    const struct face_clip_options *clip, int t, float *grey, int stride);

/*
 * The exact flow from frame t0 to frame t1: the point seen at pixel (x, y) of t0 is at
 * (x + u, y + v) in t1, to better than 0.001 pixel.  u, v and kind have width * height
 * entries; kind receives enum face_pixel and may be NULL.  The head moves as a sheet in
 * front of the still background (which includes neck and shoulders).  Where the head
 * covers background in t1, a head point leaves the picture, or a pixel mixes both along
 * the outline, kind is FACE_PIXEL_UNKNOWN; there u and v are those of the layer at the
 * pixel's centre.  Background has flow zero.
 */
void face_clip_flow(const struct face_clip_options *clip, int t0, int t1, float *u,
    float *v, uint8_t *kind);

/* The 68 landmarks of frame t in iBUG order as x0, y0, x1, y1, ...; they move exactly
 * with the flow.  Outline 0-16, brows 17-26, nose 27-35, eyes 36-47, mouth 48-67. */
void face_clip_landmarks(
    const struct face_clip_options *clip, int t, float xy[2 * FACE_LANDMARKS]);

/*
 * The face box of frame t as left, top, width, height.  It is square, as wide as the
 * face at the ears and as high as from the upper edge of the brows to the chin (each to
 * within 0.06 of its side, depending on the person), and follows the head, not the
 * expression.  A rotated head keeps an upright box.
 */
void face_clip_box(const struct face_clip_options *clip, int t, float box[4]);

#endif
