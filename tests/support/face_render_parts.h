/* SPDX-License-Identifier: MIT */
/* What the files of the drawn face share: face_identity.c has its lines and landmarks,
 * face_action.c moves it, face_paint.c paints the neutral one, face_render.c makes frames
 * of a clip. */
#ifndef FACE_RENDER_PARTS_H
#define FACE_RENDER_PARTS_H

#include "face_render.h"

#include <math.h>
#include <stddef.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct point {
    double x, y;
};

/* ---- Small numbers ---------------------------------------------------------------- */

static inline double mix(double a, double b, double t)
{
    return a + (b - a) * t;
}

static inline double larger(double a, double b)
{
    return a > b ? a : b;
}

static inline double smaller(double a, double b)
{
    return a < b ? a : b;
}

static inline double clamp(double v, double low, double high)
{
    return v < low ? low : v > high ? high : v;
}

static inline double square(double v)
{
    return v * v;
}

/* Cubic step from 0 at t <= 0 to 1 at t >= 1. */
static inline double step(double t)
{
    t = clamp(t, 0.0, 1.0);
    return t * t * (3.0 - 2.0 * t);
}

/* Coverage of a shape at signed distance d (negative inside) with an edge 2w wide. */
static inline double cover(double d, double w)
{
    return step((w - d) / (2.0 * w));
}

/* A hill of radius 1: (1 - r^2)^3, twice differentiable, zero outside. */
static inline double hill(double x, double y)
{
    double k = 1.0 - x * x - y * y;
    return k > 0.0 ? k * k * k : 0.0;
}

static inline double hill1(double x)
{
    return hill(x, 0.0);
}

/* ---- Random numbers and noise ----------------------------------------------------- */

/* A bijection of 64 bits (the finaliser of splitmix64). */
static inline uint64_t mix64(uint64_t h)
{
    h += UINT64_C(0x9e3779b97f4a7c15);
    h = (h ^ (h >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    h = (h ^ (h >> 27)) * UINT64_C(0x94d049bb133111eb);
    return h ^ (h >> 31);
}

static inline uint32_t mix32(uint32_t h)
{
    h = (h ^ (h >> 16)) * UINT32_C(0x7feb352d);
    h = (h ^ (h >> 15)) * UINT32_C(0x846ca68b);
    return h ^ (h >> 16);
}

/* Uniform in [low, high); advances the state. */
static inline double draw(uint64_t *state, double low, double high)
{
    *state = mix64(*state);
    return low + (high - low) * (double)(*state >> 11) * 0x1p-53;
}

static inline double lattice(uint32_t row, int32_t column)
{
    uint32_t h = row + (uint32_t)column * UINT32_C(0x9e3779b1);
    h = (h ^ (h >> 15)) * UINT32_C(0x846ca68b);
    return (double)(int32_t)h * 0x1p-31;
}

static inline int32_t floor_to_int(double v)
{
    int32_t i = (int32_t)v;
    return i - (v < (double)i);
}

/* Value noise in [-1, 1] with cell size 1, interpolated by the quintic fade. */
static inline double noise(uint32_t seed, double x, double y)
{
    int32_t ix = floor_to_int(x), iy = floor_to_int(y);
    double fx = x - ix, fy = y - iy;
    double tx = fx * fx * fx * (fx * (fx * 6.0 - 15.0) + 10.0);
    double ty = fy * fy * fy * (fy * (fy * 6.0 - 15.0) + 10.0);
    uint32_t row0 = mix32(seed ^ ((uint32_t)iy * UINT32_C(0x9e3779b1)));
    uint32_t row1 = mix32(seed ^ ((uint32_t)(iy + 1) * UINT32_C(0x9e3779b1)));
    double top = mix(lattice(row0, ix), lattice(row0, ix + 1), tx);
    double bottom = mix(lattice(row1, ix), lattice(row1, ix + 1), tx);
    return mix(top, bottom, ty);
}

/* The noise of one pixel of one frame: Irwin-Hall sum of four, unit variance. */
static inline double sensor_noise(uint64_t seed, int t, int x, int y)
{
    uint64_t h = mix64(seed ^ ((uint64_t)(uint32_t)t << 32));
    h = mix64(h ^ ((uint64_t)(uint32_t)y << 32 | (uint32_t)x));
    double sum = (double)(h & 0xffff) + (double)(h >> 16 & 0xffff) +
                 (double)(h >> 32 & 0xffff) + (double)(h >> 48);
    return (sum / 65535.0 - 2.0) * 1.7320508075688772;
}

/* ---- Lines and landmarks of the neutral face -------------------------------------- */

/* The widest place of the outline, where jaw and skull meet. */
#define TEMPLE_Y (-0.27)
#define LIP_GAP 0.0045 /* half the dark line between closed lips */

/* Height of the upper (sign -1) or lower (+1) lid at s in [-1, 1], inner to outer. */
double face_lid_y(const struct face_identity *id, double s, double sign);
/* The middle line of a brow at s in [0, 1], inner to outer, and its half thickness. */
double face_brow_line_y(const struct face_identity *id, double s);
double face_brow_half_thickness(const struct face_identity *id, double s);
double face_brow_inner_x(const struct face_identity *id);
/* The line between the lips and the outer edges of the lips at s in [-1, 1]. */
double face_lip_line_y(const struct face_identity *id, double s);
double face_lip_top_y(const struct face_identity *id, double s);
double face_lip_bottom_y(const struct face_identity *id, double s);
void face_place_landmarks(const struct face_identity *id, struct point *p);

/* ---- Facial actions --------------------------------------------------------------- */

/* One hill of the displacement field, placed on a face and scaled to a moment. */
struct pull {
    double x, y;
    double inverse_rx, inverse_ry;
    double dx, dy;
};

struct field {
    int n;
    struct pull pull[FACE_MAX_ACTIONS * 6];
};

void face_build_field(struct field *field, const struct face_clip_options *clip,
    const struct point *landmarks, double profile);
/* phi: the material point of the neutral face now seen at c. */
struct point face_to_material(const struct field *field, struct point c);
/* The inverse of phi: c = m + d(c) by fixed-point iteration, d being a contraction. */
struct point face_from_material(const struct field *field, struct point m);

/* ---- The neutral face ------------------------------------------------------------- */

/* A shape with half axes a, b and squareness k, kept as 1 / a^2, 1 / b^2 and k. */
struct box {
    double wide, high, k;
};

/* A hill of the height field that the light falls on; height towards the viewer. */
struct bump {
    double x, y;
    double inverse_rx, inverse_ry;
    double height;
};

struct model {
    struct face_identity id;
    struct point landmarks[FACE_LANDMARKS];
    struct bump relief[48];
    int n_relief;
    double light_x, light_y, light_z;
    double size;  /* of the face box in pixels */
    double pixel; /* in face units */
    struct box skull, jaw, ear, hair, opening, collar;
    uint32_t seed;
};

/* Signed distances at a point to the parts of the head and to their union. */
struct outline {
    double face, ear, hair, head;
};

void face_build_relief(struct model *model);
/* Half the width of an edge: as drawn, but never sharper than the pixels can show. */
double face_edge(const struct model *model, double width);
void face_build_shapes(struct model *model);
/* Deep in the face, below the forehead, the other parts are only known to be far; so
 * is all of the head away from it. */
struct outline face_outline_at(const struct model *model, struct point m);
/* The head at a material point, from back to front: hair, ears, face, fringe. */
double face_head_grey(const struct model *model, struct point m, const struct outline *d);
/* A wall with soft light, a picture rail and a frame; x, y relative to the height. */
double face_wall_grey(uint64_t seed, double x, double y, double pixel);
/* Neck, shoulders and clothes, in the face units of the resting head; they stay. */
double face_body_grey(const struct model *model, struct point c, double *alpha);

#endif
