/* SPDX-License-Identifier: MIT */
/* The 36 MDMO regions from 68 landmarks (docs/features.md). A table of the picture's left
 * half; the right half is its mirror image. */
#include "face/region.h"

#include <stdbool.h>
#include <string.h>

enum { N_LANDMARKS = MEXPR_LANDMARKS_68, N_HALF = 16, N_MIDDLE = 4, MAX_CORNERS = 8 };

/* Points between the landmarks, numbered after them: place(a) + t (place(c) - place(b)).
 * Those of the left half come in the order of this list, then those of the right. */
enum {
    FOREHEAD_OUTER = N_LANDMARKS, /* over the outer end of the brow */
    FOREHEAD_MIDDLE,
    FOREHEAD_INNER,
    LID_OUTER, /* under the lower lid: outer corner, ... */
    LID_41,
    LID_40,
    LID_INNER,
    CHEEK_UPPER, /* half way from the jaw to the nostril */
    CHEEK_LOWER, /* half way from the jaw to the corner of the mouth */
    RIDGE_UPPER, /* half way up the side of the nose: its root, ... */
    RIDGE_LOWER,
    CHIN_SIDE, /* half way from the lower lip to the jaw */
    N_LEFT,
    CHIN_MIDDLE = N_LEFT + (N_LEFT - N_LANDMARKS),
    N_POINTS
};

typedef struct construction {
    unsigned char a, b, c;
    float t;
} construction;

static const construction left_points[N_LEFT - N_LANDMARKS] = {
    {17, 33, 27, 0.6f},
    {19, 33, 27, 0.6f},
    {21, 33, 27, 0.6f},
    {36, 27, 33, 0.2f},
    {41, 27, 33, 0.2f},
    {40, 27, 33, 0.2f},
    {39, 27, 33, 0.2f},
    {2, 2, 31, 0.5f},
    {4, 4, 48, 0.5f},
    {27, 27, 39, 0.4f},
    {29, 33, 31, 0.5f},
    {6, 6, 59, 0.5f},
};

static const construction chin_middle = {8, 8, 57, 0.5f};

const unsigned char mx_landmark_mirror[MEXPR_LANDMARKS_68] = {16, 15, 14, 13, 12, 11, 10,
    9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 27, 28, 29, 30,
    35, 34, 33, 32, 31, 45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40, 54, 53, 52, 51,
    50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65};

typedef struct region {
    unsigned char n;
    unsigned char corner[MAX_CORNERS];
} region;

static const region half[N_HALF] = {
    /* forehead over the brow: outer, inner half */
    {5, {FOREHEAD_OUTER, FOREHEAD_MIDDLE, 19, 18, 17}},
    {5, {FOREHEAD_MIDDLE, FOREHEAD_INNER, 21, 20, 19}},
    /* between brow and eye: outer, inner half */
    {5, {17, 18, 19, 37, 36}},
    {6, {19, 20, 21, 39, 38, 37}},
    /* beside the eye; lower lid */
    {5, {0, 17, 36, LID_OUTER, 1}},
    {8, {36, 41, 40, 39, LID_INNER, LID_40, LID_41, LID_OUTER}},
    /* upper cheek: outer, inner */
    {5, {1, LID_OUTER, LID_41, CHEEK_UPPER, 2}},
    {5, {LID_41, LID_40, LID_INNER, 31, CHEEK_UPPER}},
    /* wing of the nose, side of the nose */
    {5, {RIDGE_LOWER, 31, 32, 33, 30}},
    {5, {RIDGE_UPPER, 39, LID_INNER, 31, RIDGE_LOWER}},
    /* lower cheek: outer, towards the mouth */
    {5, {2, CHEEK_UPPER, CHEEK_LOWER, 4, 3}},
    {4, {CHEEK_UPPER, 31, 48, CHEEK_LOWER}},
    /* between nose and upper lip; upper lip; lower lip */
    {7, {31, 32, 33, 51, 50, 49, 48}},
    {7, {48, 49, 50, 51, 62, 61, 60}},
    {7, {48, 60, 67, 66, 57, 58, 59}},
    /* between the corner of the mouth and the jaw */
    {6, {4, CHEEK_LOWER, 48, 59, 6, 5}},
};

#define RIGHT(point) ((point) + (N_LEFT - N_LANDMARKS))

static const region middle[N_MIDDLE] = {
    {5, {FOREHEAD_INNER, RIGHT(FOREHEAD_INNER), 22, 27, 21}}, /* between the brows */
    {6, {27, RIDGE_UPPER, RIDGE_LOWER, 30, RIGHT(RIDGE_LOWER), RIGHT(RIDGE_UPPER)}},
    {8, {59, 58, 57, 56, 55, RIGHT(CHIN_SIDE), CHIN_MIDDLE, CHIN_SIDE}},
    {8, {CHIN_SIDE, CHIN_MIDDLE, RIGHT(CHIN_SIDE), 10, 9, 8, 7, 6}},
};

static int mirrored(int point)
{
    return point < N_LANDMARKS ? mx_landmark_mirror[point] : RIGHT(point);
}

static void construct(float *xy, int to, const construction *how, bool right)
{
    const int a = right ? mirrored(how->a) : how->a,
              b = right ? mirrored(how->b) : how->b;
    const int c = right ? mirrored(how->c) : how->c;
    for (int axis = 0; axis < 2; axis++)
        xy[2 * to + axis] =
            xy[2 * a + axis] + how->t * (xy[2 * c + axis] - xy[2 * b + axis]);
}

static void construct_points(const float *landmarks, float xy[2 * N_POINTS])
{
    memcpy(xy, landmarks, 2 * N_LANDMARKS * sizeof *xy);
    for (int i = 0; i < N_LEFT - N_LANDMARKS; i++) {
        construct(xy, N_LANDMARKS + i, &left_points[i], false);
        construct(xy, N_LEFT + i, &left_points[i], true);
    }
    construct(xy, CHIN_MIDDLE, &chin_middle, false);
}

/* Writes the corners of one region; returns the place behind them. */
static float *put_region(const region *r, bool right, const float *points, float *xy)
{
    for (int k = 0; k < r->n; k++) {
        const int point = right ? mirrored(r->corner[k]) : r->corner[k];
        *xy++ = points[2 * point];
        *xy++ = points[2 * point + 1];
    }
    return xy;
}

void mx_regions_mdmo(const float *landmarks, float *xy, int32_t *corners)
{
    float points[2 * N_POINTS];
    construct_points(landmarks, points);
    for (int i = 0; i < MEXPR_MDMO_REGIONS; i++) {
        const bool right = i >= N_HALF && i < 2 * N_HALF;
        const region *r = i < 2 * N_HALF ? &half[i % N_HALF] : &middle[i - 2 * N_HALF];
        corners[i] = r->n;
        xy = put_region(r, right, points, xy);
    }
}
