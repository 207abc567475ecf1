/* SPDX-License-Identifier: MIT */
/*
 * The drawn face, from the outside in:
 *
 *   clip       frames, profile, head pose         image pixels <-> face units
 *   field      facial actions                     m = phi(c) = c - p(t) sum_i d_i w_i(c)
 *   paint      the neutral face                   grey and distance to outline at m
 *
 * A frame is drawn by sampling the neutral face at the material point m behind every
 * sample, so no picture is ever interpolated, and the flow from t0 to t1 follows from
 * the same phi: the point m = phi0(c0) lies at the c1 with phi1(c1) = m.
 */
#include "face_render.h"

#include <math.h>
#include <stddef.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct point {
    double x, y;
};

/* ---- Small numbers ---------------------------------------------------------------- */

static double mix(double a, double b, double t)
{
    return a + (b - a) * t;
}

static double larger(double a, double b)
{
    return a > b ? a : b;
}

static double smaller(double a, double b)
{
    return a < b ? a : b;
}

static double clamp(double v, double low, double high)
{
    return v < low ? low : v > high ? high : v;
}

static double square(double v)
{
    return v * v;
}

/* Cubic step from 0 at t <= 0 to 1 at t >= 1. */
static double step(double t)
{
    t = clamp(t, 0.0, 1.0);
    return t * t * (3.0 - 2.0 * t);
}

/* Coverage of a shape at signed distance d (negative inside) with an edge 2w wide. */
static double cover(double d, double w)
{
    return step((w - d) / (2.0 * w));
}

/* A hill of radius 1: (1 - r^2)^3, twice differentiable, zero outside. */
static double hill(double x, double y)
{
    double k = 1.0 - x * x - y * y;
    return k > 0.0 ? k * k * k : 0.0;
}

static double hill1(double x)
{
    return hill(x, 0.0);
}

/* ---- Random numbers and noise ----------------------------------------------------- */

/* A bijection of 64 bits (the finaliser of splitmix64). */
static uint64_t mix64(uint64_t h)
{
    h += UINT64_C(0x9e3779b97f4a7c15);
    h = (h ^ (h >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    h = (h ^ (h >> 27)) * UINT64_C(0x94d049bb133111eb);
    return h ^ (h >> 31);
}

static uint32_t mix32(uint32_t h)
{
    h = (h ^ (h >> 16)) * UINT32_C(0x7feb352d);
    h = (h ^ (h >> 15)) * UINT32_C(0x846ca68b);
    return h ^ (h >> 16);
}

/* Uniform in [low, high); advances the state. */
static double draw(uint64_t *state, double low, double high)
{
    *state = mix64(*state);
    return low + (high - low) * (double)(*state >> 11) * 0x1p-53;
}

static double lattice(uint32_t row, int32_t column)
{
    uint32_t h = row + (uint32_t)column * UINT32_C(0x9e3779b1);
    h = (h ^ (h >> 15)) * UINT32_C(0x846ca68b);
    return (double)(int32_t)h * 0x1p-31;
}

static int32_t floor_to_int(double v)
{
    int32_t i = (int32_t)v;
    return i - (v < (double)i);
}

/* Value noise in [-1, 1] with cell size 1, interpolated by the quintic fade. */
static double noise(uint32_t seed, double x, double y)
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
static double sensor_noise(uint64_t seed, int t, int x, int y)
{
    uint64_t h = mix64(seed ^ ((uint64_t)(uint32_t)t << 32));
    h = mix64(h ^ ((uint64_t)(uint32_t)y << 32 | (uint32_t)x));
    double sum = (double)(h & 0xffff) + (double)(h >> 16 & 0xffff) +
                 (double)(h >> 32 & 0xffff) + (double)(h >> 48);
    return (sum / 65535.0 - 2.0) * 1.7320508075688772;
}

/* ---- Identity --------------------------------------------------------------------- */

struct face_identity face_identity_from_seed(uint64_t seed)
{
    uint64_t state = mix64(seed);
    uint64_t *s = &state;
    struct face_identity id = {.seed = mix64(seed ^ UINT64_C(0x66616365))};

    id.skin_tone = draw(s, 0.52, 0.84);
    id.hair_tone = draw(s, 0.07, 0.34);
    id.brow_tone = id.hair_tone * draw(s, 0.75, 1.0) + 0.03;
    id.iris_tone = draw(s, 0.10, 0.28);
    id.lip_tone = draw(s, 0.70, 0.80);

    id.half_width = draw(s, 0.46, 0.505);
    id.jaw_square = draw(s, 0.15, 0.50);
    id.chin_y = draw(s, 0.475, 0.53);
    id.hairline_y = draw(s, -0.82, -0.70);
    id.hair_volume = draw(s, 0.03, 0.09);
    id.hair_end_y = draw(s, 0.0, 1.0) < 0.6 ? draw(s, -0.14, -0.02) : draw(s, 0.2, 0.7);
    id.hair_part_x = draw(s, -0.22, 0.22);

    id.eye_x = draw(s, 0.200, 0.220);
    id.eye_y = draw(s, -0.29, -0.26);
    id.eye_half_width = draw(s, 0.085, 0.098);
    id.eye_open = draw(s, 0.052, 0.072);
    id.eye_tilt = draw(s, -0.004, 0.012);
    id.iris_radius = draw(s, 0.036, 0.041);

    id.brow_y = draw(s, -0.435, -0.405);
    id.brow_arch = draw(s, 0.015, 0.040);
    id.brow_thickness = draw(s, 0.030, 0.058);
    id.brow_half_length = draw(s, 0.135, 0.155);

    id.nose_half_width = draw(s, 0.078, 0.105);
    id.nose_y = draw(s, 0.02, 0.06);
    id.nose_height = draw(s, 0.036, 0.052);

    id.mouth_y = draw(s, 0.225, 0.262);
    id.mouth_half_width = draw(s, 0.155, 0.192);
    id.mouth_bend = draw(s, -0.010, 0.014);
    id.lip_upper = draw(s, 0.026, 0.044);
    id.lip_lower = draw(s, 0.040, 0.060);

    id.texture = draw(s, 0.8, 1.25);
    id.freckles = larger(0.0, draw(s, -0.6, 1.0));
    id.stubble = larger(0.0, draw(s, -1.0, 1.0));
    return id;
}

/* ---- The neutral face: lines ------------------------------------------------------ */

/* The widest place of the outline, where jaw and skull meet. */
#define TEMPLE_Y (-0.27)

/* The point of the lower face's outline at height v in [0, 1] from temple to chin. */
static double jaw_half_width(const struct face_identity *id, double v)
{
    return id->half_width * sqrt((1.0 - v * v) / (1.0 - id->jaw_square * v * v));
}

/* Height of the upper (sign -1) or lower (+1) lid at s in [-1, 1], inner to outer. */
static double lid_y(const struct face_identity *id, double s, double sign)
{
    double share = sign < 0.0 ? 0.69 + 0.07 * s : 0.43;
    double y = id->eye_y - id->eye_tilt * s;
    return y + sign * share * id->eye_open * (1.0 - s * s);
}

/* The middle line of a brow at s in [0, 1], inner to outer, and its half thickness. */
static double brow_line_y(const struct face_identity *id, double s)
{
    return id->brow_y - id->brow_arch * (1.0 - square((s - 0.62) / 0.62)) +
           0.3 * id->brow_thickness;
}

static double brow_half_thickness(const struct face_identity *id, double s)
{
    return 0.5 * id->brow_thickness * (1.0 - 0.72 * s * s) *
           (0.75 + 0.25 * step(s * 6.0));
}

static double brow_inner_x(const struct face_identity *id)
{
    return id->eye_x + 0.035 - id->brow_half_length;
}

/* The line between the lips and the outer edges of the lips at s in [-1, 1]. */
static double lip_line_y(const struct face_identity *id, double s)
{
    return id->mouth_y - id->mouth_bend * s * s + 0.004 * hill1(s / 0.3);
}

static double lip_top_y(const struct face_identity *id, double s)
{
    double bow = 1.0 - 0.20 * hill1(s / 0.22);
    return lip_line_y(id, s) - id->lip_upper * (1.0 - s * s) * bow;
}

static double lip_bottom_y(const struct face_identity *id, double s)
{
    double k = 1.0 - s * s;
    return lip_line_y(id, s) + id->lip_lower * k * (0.35 + 0.65 * k);
}

#define LIP_GAP 0.0045 /* half the dark line between closed lips */

/* ---- The neutral face: landmarks -------------------------------------------------- */

static void place_outline(const struct face_identity *id, struct point *p)
{
    const double pi = 3.14159265358979323846;
    for (int i = 0; i <= 16; i++) {
        double v = sin(pi * i / 16.0);
        double x = i == 8 ? 0.0 : jaw_half_width(id, v);
        p[i].x = i < 8 ? -x : x;
        p[i].y = mix(TEMPLE_Y, id->chin_y, v);
    }
}

static void place_brows(const struct face_identity *id, struct point *p)
{
    for (int i = 0; i < 5; i++) {
        double s = i / 4.0;
        double x = brow_inner_x(id) + 2.0 * id->brow_half_length * s;
        double y = brow_line_y(id, s) - brow_half_thickness(id, s);
        p[22 + i] = (struct point){x, y};
        p[21 - i] = (struct point){-x, y};
    }
}

static void place_nose(const struct face_identity *id, struct point *p)
{
    static const double lower_x[5] = {-0.85, -0.45, 0.0, 0.45, 0.85};
    static const double lower_y[5] = {0.40, 0.62, 0.75, 0.62, 0.40};
    for (int i = 0; i < 4; i++)
        p[27 + i] = (struct point){0.0, mix(id->eye_y, id->nose_y - 0.02, i / 3.0)};
    for (int i = 0; i < 5; i++) {
        p[31 + i].x = lower_x[i] * id->nose_half_width;
        p[31 + i].y = id->nose_y + lower_y[i] * id->nose_height;
    }
}

static void place_eyes(const struct face_identity *id, struct point *p)
{
    static const double s[6] = {-1.0, -0.35, 0.35, 1.0, 0.35, -0.35};
    static const int mirror[6] = {39, 38, 37, 36, 41, 40};
    for (int i = 0; i < 6; i++) {
        double x = id->eye_x + s[i] * id->eye_half_width;
        double y = lid_y(id, s[i], i < 3 ? -1.0 : 1.0);
        p[42 + i] = (struct point){x, y};
        p[mirror[i]] = (struct point){-x, y};
    }
}

static void place_mouth(const struct face_identity *id, struct point *p)
{
    static const double outer[12] = {
        -1.0, -0.62, -0.22, 0.0, 0.22, 0.62, 1.0, 0.62, 0.3, 0.0, -0.3, -0.62};
    static const double inner[8] = {-0.85, -0.35, 0.0, 0.35, 0.85, 0.35, 0.0, -0.35};
    static const double gap[8] = {0.0, -1.0, -1.0, -1.0, 0.0, 1.0, 1.0, 1.0};
    for (int i = 0; i < 12; i++) {
        p[48 + i].x = outer[i] * id->mouth_half_width;
        p[48 + i].y = i <= 6 ? lip_top_y(id, outer[i]) : lip_bottom_y(id, outer[i]);
    }
    for (int i = 0; i < 8; i++) {
        p[60 + i].x = inner[i] * id->mouth_half_width;
        p[60 + i].y = lip_line_y(id, inner[i]) + gap[i] * LIP_GAP;
    }
}

static void place_landmarks(const struct face_identity *id, struct point *p)
{
    place_outline(id, p);
    place_brows(id, p);
    place_nose(id, p);
    place_eyes(id, p);
    place_mouth(id, p);
}

/* ---- Facial actions --------------------------------------------------------------- */

/*
 * How each action unit moves the left half of the face: hills anchored at a landmark
 * plus an offset, with their radii and the displacement at their middle, x away from
 * the midline, y downward, all in face units.  The right half mirrors it.  Muscles as
 * in the FACS manual; the sum of all of them at intensity 1 has a Lipschitz constant of
 * about 0.6, so that the inverse exists and its iteration converges.
 */
struct muscle {
    int au;
    int anchor;
    double x, y;
    double rx, ry;
    double dx, dy;
};

static const struct muscle muscles[] = {
    /* inner brow raiser: frontalis, inner part */
    {1, 22, 0.02, 0.01, 0.18, 0.16, 0.000, -0.019},
    {1, 22, 0.01, -0.13, 0.16, 0.16, 0.000, -0.007},
    /* outer brow raiser: frontalis, outer part */
    {2, 25, 0.02, 0.01, 0.19, 0.15, 0.002, -0.019},
    {2, 25, 0.00, -0.12, 0.17, 0.16, 0.000, -0.006},
    /* brow lowerer: corrugator and its neighbours */
    {4, 22, 0.02, 0.01, 0.14, 0.13, -0.012, 0.014},
    {4, 24, 0.00, 0.01, 0.15, 0.12, -0.003, 0.008},
    /* upper lid raiser */
    {5, 43, 0.03, 0.00, 0.12, 0.060, 0.000, -0.010},
    /* cheek raiser: orbicularis oculi, outer part */
    {6, 45, -0.04, 0.15, 0.19, 0.15, -0.004, -0.016},
    {6, 46, -0.02, 0.01, 0.12, 0.070, 0.000, -0.008},
    {6, 45, 0.06, 0.00, 0.10, 0.12, -0.008, 0.000},
    /* lid tightener */
    {7, 47, 0.03, 0.01, 0.12, 0.060, -0.002, -0.007},
    {7, 43, 0.03, -0.01, 0.12, 0.055, 0.000, 0.004},
    /* nose wrinkler */
    {9, 35, 0.02, -0.02, 0.13, 0.13, 0.002, -0.014},
    {9, 28, 0.06, 0.00, 0.11, 0.13, -0.002, -0.008},
    {9, 22, 0.00, 0.03, 0.12, 0.11, -0.004, 0.007},
    /* upper lip raiser */
    {10, 52, 0.045, -0.02, 0.18, 0.11, 0.002, -0.011},
    {10, 35, 0.07, 0.03, 0.13, 0.13, 0.000, -0.007},
    /* lip corner puller: zygomatic major */
    {12, 54, 0.01, 0.00, 0.16, 0.14, 0.014, -0.015},
    {12, 54, 0.08, -0.15, 0.18, 0.15, 0.004, -0.008},
    /* dimpler */
    {14, 54, 0.01, 0.00, 0.12, 0.10, 0.014, 0.000},
    /* lip corner depressor */
    {15, 54, 0.00, 0.01, 0.14, 0.12, 0.003, 0.017},
    {15, 54, -0.02, 0.13, 0.14, 0.11, 0.000, 0.004},
    /* lower lip depressor */
    {16, 56, 0.02, 0.00, 0.12, 0.10, 0.003, 0.010},
    /* chin raiser: mentalis */
    {17, 8, 0.05, -0.10, 0.17, 0.12, 0.000, -0.009},
    {17, 57, 0.05, -0.01, 0.12, 0.08, 0.000, -0.005},
    /* lip stretcher: risorius */
    {20, 54, 0.00, 0.01, 0.18, 0.12, 0.019, 0.003},
    /* lip tightener */
    {23, 54, -0.03, 0.00, 0.14, 0.10, -0.011, 0.000},
    /* lip pressor */
    {24, 51, 0.07, 0.00, 0.13, 0.055, 0.000, 0.004},
    {24, 57, 0.07, 0.00, 0.13, 0.065, 0.000, -0.005},
    /* lips part */
    {25, 62, 0.05, -0.035, 0.13, 0.050, 0.000, -0.003},
    {25, 66, 0.05, 0.050, 0.14, 0.075, 0.000, 0.006},
    /* jaw drop */
    {26, 66, 0.05, 0.050, 0.14, 0.085, 0.000, 0.005},
    {26, 8, 0.10, -0.04, 0.30, 0.22, 0.000, 0.009},
};

bool face_action_unit(int i, int *au)
{
    int last = 0;
    for (size_t k = 0; k < COUNT(muscles); k++) {
        if (muscles[k].au == last)
            continue;
        last = muscles[k].au;
        if (i-- == 0) {
            *au = last;
            return true;
        }
    }
    return false;
}

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

static void add_pull(struct field *field, const struct muscle *m, struct point anchor,
    double sign, double w)
{
    struct pull *p = &field->pull[field->n++];
    p->x = sign * (anchor.x + m->x);
    p->y = anchor.y + m->y;
    p->inverse_rx = 1.0 / m->rx;
    p->inverse_ry = 1.0 / m->ry;
    p->dx = sign * m->dx * w;
    p->dy = m->dy * w;
}

static void build_field(struct field *field, const struct face_clip_options *clip,
    const struct point *landmarks, double profile)
{
    field->n = 0;
    if (profile <= 0.0)
        return;
    for (int i = 0; i < clip->n_actions; i++) {
        const struct face_action *action = &clip->actions[i];
        double w = action->intensity * profile;
        for (size_t k = 0; k < COUNT(muscles); k++) {
            const struct muscle *m = &muscles[k];
            if (m->au != action->au)
                continue;
            if (action->side != FACE_RIGHT)
                add_pull(field, m, landmarks[m->anchor], 1.0, w);
            if (action->side != FACE_LEFT)
                add_pull(field, m, landmarks[m->anchor], -1.0, w);
        }
    }
}

/* The displacement carried by the deformed face at c: sum of d_i (1 - r_i^2)^3. */
static struct point field_at(const struct field *field, struct point c)
{
    struct point d = {0.0, 0.0};
    for (int i = 0; i < field->n; i++) {
        const struct pull *p = &field->pull[i];
        double w = hill((c.x - p->x) * p->inverse_rx, (c.y - p->y) * p->inverse_ry);
        d.x += w * p->dx;
        d.y += w * p->dy;
    }
    return d;
}

/* phi: the material point of the neutral face now seen at c. */
static struct point to_material(const struct field *field, struct point c)
{
    struct point d = field_at(field, c);
    return (struct point){c.x - d.x, c.y - d.y};
}

/* The inverse of phi: c = m + d(c) by fixed-point iteration, d being a contraction. */
static struct point from_material(const struct field *field, struct point m)
{
    struct point c = m;
    for (int i = 0; i < 200; i++) {
        struct point d = field_at(field, c);
        double change = fabs(m.x + d.x - c.x) + fabs(m.y + d.y - c.y);
        c = (struct point){m.x + d.x, m.y + d.y};
        if (change < 1e-9)
            break;
    }
    return c;
}

/* ---- The neutral face: rounded boxes ---------------------------------------------- */

/* A shape with half axes a, b and squareness k, kept as 1 / a^2, 1 / b^2 and k. */
struct box {
    double wide, high, k;
};

static struct box make_box(double a, double b, double k)
{
    return (struct box){1.0 / (a * a), 1.0 / (b * b), k};
}

/*
 * A rounded box (squircle) in units of its half axes: u^2 + v^2 - k u^2 v^2 = 1, an
 * ellipse for k = 0 and a box for k = 1; beyond the axes the product stops growing, or
 * the curve would have further branches.  Returns a signed distance to first order,
 * F / |grad F|, bounded near the centre.
 */
static double box_distance(const struct box *box, double x, double y)
{
    double u2 = x * x * box->wide, v2 = y * y * box->high;
    double cu = u2 < 1.0 ? u2 : 1.0, cv = v2 < 1.0 ? v2 : 1.0;
    double f = u2 + v2 - box->k * cu * cv - 1.0;
    double gx = 2.0 * x * box->wide * (1.0 - box->k * cv);
    double gy = 2.0 * y * box->high * (1.0 - box->k * cu);
    return f / sqrt(gx * gx + gy * gy + 1.0);
}

/* ---- The neutral face: relief ----------------------------------------------------- */

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

static void add_bump(
    struct model *model, double x, double y, double rx, double ry, double height)
{
    model->relief[model->n_relief++] = (struct bump){x, y, 1.0 / rx, 1.0 / ry, height};
}

static void add_bumps(
    struct model *model, double x, double y, double rx, double ry, double height)
{
    add_bump(model, x, y, rx, ry, height);
    add_bump(model, -x, y, rx, ry, height);
}

static void build_relief(struct model *model)
{
    const struct face_identity *id = &model->id;
    double nose = id->nose_y, mouth = id->mouth_y;
    double bridge = mix(id->eye_y, nose, 0.45);

    model->n_relief = 0;
    /* forehead, brow ridges, sockets and eyeballs */
    add_bump(model, 0.0, -0.62, 0.45, 0.26, 0.030);
    add_bumps(model, id->eye_x + 0.02, id->brow_y + 0.02, 0.22, 0.09, 0.016);
    add_bumps(model, id->eye_x - 0.05, id->eye_y - 0.015, 0.16, 0.11, -0.034);
    add_bumps(model, id->eye_x, id->eye_y, 0.13, 0.095, 0.026);
    add_bumps(model, id->eye_x, id->eye_y + 0.075, 0.12, 0.035, -0.005);
    /* nose: bridge, tip, wings */
    add_bump(model, 0.0, bridge, 0.080, 0.25, 0.040);
    add_bump(model, 0.0, nose - 0.015, 0.085, 0.085, 0.044);
    add_bumps(model, id->nose_half_width * 0.72, nose + 0.010, 0.050, 0.055, 0.022);
    /* cheeks, and the fold beside the mouth */
    add_bumps(model, 0.27, -0.05, 0.22, 0.20, 0.042);
    add_bumps(model, 0.23, 0.13, 0.10, 0.16, 0.010);
    /* muzzle, lips, chin */
    add_bump(model, 0.0, mouth - 0.02, 0.24, 0.21, 0.040);
    add_bump(model, 0.0, mix(nose, mouth, 0.62), 0.024, 0.060, -0.004);
    add_bump(model, 0.0, mouth - 0.018, 0.17, 0.035, 0.007);
    add_bump(model, 0.0, mouth + id->lip_lower * 0.55, 0.13, 0.042, 0.014);
    add_bump(model, 0.0, mouth + id->lip_lower + 0.045, 0.15, 0.050, -0.014);
    add_bump(model, 0.0, id->chin_y - 0.085, 0.15, 0.11, 0.026);
}

/*
 * Light on the relief z(x, y): a dome plus the bumps, Lambert's law with n proportional
 * to (-dz/dx, -dz/dy, 1), an ambient part and a weak highlight.  The gradient of a bump
 * h (1 - r^2)^3 is -6 h (1 - r^2)^2 (x / rx^2, y / ry^2).
 */
static double shade(const struct model *model, struct point m)
{
    double gx = -2.9 * m.x * (0.55 + 1.6 * m.x * m.x);
    double gy = -0.85 * (m.y + 0.12);

    for (int i = 0; i < model->n_relief; i++) {
        const struct bump *b = &model->relief[i];
        double x = (m.x - b->x) * b->inverse_rx;
        double y = (m.y - b->y) * b->inverse_ry;
        double k = 1.0 - x * x - y * y;
        if (k <= 0.0)
            continue;
        k *= -6.0 * b->height * k;
        gx += k * x * b->inverse_rx;
        gy += k * y * b->inverse_ry;
    }
    double norm = 1.0 / sqrt(gx * gx + gy * gy + 1.0);
    double lambert = norm * (model->light_z - gx * model->light_x - gy * model->light_y);
    double diffuse = lambert > 0.0 ? lambert : 0.0;
    double shine = square(square(square(diffuse)));
    return 0.40 + 0.62 * diffuse + 0.10 * shine * shine;
}

/* ---- The neutral face: paint ------------------------------------------------------ */

/* Half the width of an edge: as drawn, but never sharper than the pixels can show. */
static double edge(const struct model *model, double width)
{
    return larger(width, 0.9 * model->pixel);
}

/* Noise with cells of the given size, fading out where pixels cannot carry it. */
static double grain(const struct model *model, uint32_t salt, struct point m, double cell)
{
    double strength = clamp((cell * model->size - 1.6) * (1.0 / 1.4), 0.0, 1.0);
    if (strength <= 0.0)
        return 0.0;
    return strength * noise(model->seed + salt, m.x * (1.0 / cell), m.y * (1.0 / cell));
}

/* At most one soft round spot in each cell of a grid: 0 outside, up to 1 inside.  Spots
 * too small for the pixels are drawn larger and as much fainter. */
static double spots(
    const struct model *model, uint32_t salt, struct point m, double cell, double share)
{
    double x = m.x * (1.0 / cell), y = m.y * (1.0 / cell);
    int32_t ix = floor_to_int(x), iy = floor_to_int(y);
    uint32_t h = mix32(model->seed + salt + (uint32_t)iy * UINT32_C(0x9e3779b1));
    h = mix32(h + (uint32_t)ix);
    if ((h & 0xff) >= share * 256.0)
        return 0.0;
    double radius = 0.18 + 0.14 * (double)(h >> 8 & 0xff) / 255.0;
    double shown = smaller(larger(radius, 1.7 * model->pixel / cell), 0.5);
    double faint = (0.4 + 1.5 * radius) * square(radius / shown);
    double room = 0.5 - shown;
    double cx = 0.5 + room * ((double)(h >> 16 & 0xff) / 127.5 - 1.0);
    double cy = 0.5 + room * ((double)(h >> 24) / 127.5 - 1.0);
    double k = hill((x - ix - cx) / shown, (y - iy - cy) / shown);
    return k * faint;
}

/* Relative albedo of the skin: blotches, pores, freckles, the odd mole, stubble. */
static double skin_pattern(const struct model *model, struct point m)
{
    const struct face_identity *id = &model->id;
    double p = 0.035 * grain(model, 1, m, 0.130) + 0.040 * grain(model, 2, m, 0.055) +
               0.048 * grain(model, 3, m, 0.026) + 0.030 * grain(model, 4, m, 0.012);
    double middle = id->freckles * hill(m.x / 0.5, (m.y + 0.12) / 0.35);
    if (middle > 0.0)
        p -= 0.28 * spots(model, 5, m, 0.042, 0.75 * middle);
    p -= 0.45 * spots(model, 6, m, 0.090, 0.05);
    p -= 0.05 * hill((fabs(m.x) - 0.27) / 0.17, m.y / 0.17);
    if (id->stubble > 0.0 && m.y > 0.0) {
        double beard =
            step((m.y - 0.06) / 0.12) *
            step((fabs(m.x) + 0.5 * m.y - 0.02 + 2.0 * larger(m.y - 0.06, 0.0)) / 0.12);
        p -= id->stubble * beard * (0.10 + 0.07 * grain(model, 7, m, 0.018));
    }
    return 1.0 + id->texture * p;
}

/* A dark or light line along x = f(y), or any other offset d, fading over its width. */
static void stroke(double *grey, double d, double width, double strength)
{
    *grey *= 1.0 - strength * hill1(d / width);
}

static void paint_folds(const struct model *model, struct point m, double *grey)
{
    const struct face_identity *id = &model->id;
    double ax = fabs(m.x);
    double from = id->nose_y - 0.02, to = id->mouth_y + 0.04;
    double s = (m.y - from) / (to - from);
    if (s > 0.0 && s < 1.0) {
        double x = mix(id->nose_half_width + 0.025, id->mouth_half_width + 0.055, s);
        stroke(grey, ax - x - 0.02 * s * (1.0 - s), 0.035, 0.16 * hill1(2.0 * s - 1.0));
    }
    s = (ax - id->eye_x + 0.01) / 0.11; /* the fold under the eye */
    if (s > -1.0 && s < 1.0) {
        double y = id->eye_y + 0.085 - 0.035 * s * s;
        stroke(grey, m.y - y, 0.028, 0.13 * hill1(s));
    }
    s = m.x / 0.42; /* two faint lines on the forehead */
    if (m.y < -0.45 && s > -1.0 && s < 1.0) {
        double bend = 0.03 * s * s + 0.012 * noise(model->seed + 8, m.x * 6.0, 0.0);
        stroke(grey, m.y + 0.59 - bend, 0.016, 0.06 * hill1(s));
        stroke(grey, m.y + 0.66 - bend, 0.016, 0.05 * hill1(s));
    }
}

static void paint_nose(const struct model *model, struct point m, double *grey)
{
    const struct face_identity *id = &model->id;
    double ax = fabs(m.x), w = id->nose_half_width;
    double y = m.y - id->nose_y;
    if (ax > w + 0.06 || y < -0.10 || y > 0.10)
        return;
    /* the shadow below the tip, the crease of the wings, the nostrils */
    *grey *= 1.0 - 0.26 * hill(m.x / (1.15 * w), (y - 0.80 * id->nose_height) / 0.036);
    double r = sqrt(square((ax - 0.66 * w) / (0.40 * w)) + square((y - 0.006) / 0.050));
    double outer = step((ax - 0.70 * w) / (0.2 * w));
    stroke(grey, (r - 1.0) * 0.04, 0.018, 0.24 * outer);
    double tilt = 0.30 * (ax - 0.46 * w);
    *grey *= 1.0 - 0.78 * hill((ax - 0.46 * w) / (0.32 * w),
                              (y - 0.62 * id->nose_height + tilt) / 0.018);
}

static void paint_mouth(const struct model *model, struct point m, double *grey)
{
    const struct face_identity *id = &model->id;
    double s = m.x / id->mouth_half_width;
    double y = m.y - id->mouth_y;
    if (fabs(s) > 1.25 || y < -0.12 || y > 0.16)
        return;
    double inside = clamp(s, -1.0, 1.0);
    double line = lip_line_y(id, inside);
    double d = larger(lip_top_y(id, inside) - m.y, m.y - lip_bottom_y(id, inside));
    d = larger(d, (fabs(s) - 1.0) * id->mouth_half_width);
    double lips = cover(d, edge(model, 0.008));
    if (lips > 0.0) {
        double tone = m.y < line ? id->lip_tone * 0.90 : id->lip_tone;
        double crease = noise(model->seed + 9, m.x / 0.020, m.y / 0.06);
        double wet = hill(m.x / 0.08, (m.y - line - 0.45 * id->lip_lower) / 0.018);
        *grey = mix(*grey, *grey * (tone + 0.035 * crease) + 0.05 * wet, lips);
    }
    /* the dark line between the lips, and the corners of the mouth */
    double gap = fabs(m.y - line) - LIP_GAP * (0.4 + 0.6 * (1.0 - inside * inside));
    double ends = cover(fabs(s) - 1.02, 0.05);
    *grey = mix(
        *grey, 0.10 * id->skin_tone + 0.06, 0.86 * ends * cover(gap, edge(model, 0.006)));
    *grey *= 1.0 - 0.30 * hill((fabs(m.x) - id->mouth_half_width) / 0.032,
                              (m.y - lip_line_y(id, 1.0)) / 0.026);
}

/* The ball between the lids: white, iris with a dark rim, pupil, a glint of light. */
static double eyeball(const struct model *model, double x, double y, double upper)
{
    const struct face_identity *id = &model->id;
    double cy = id->eye_y - 0.005;
    double r = sqrt(square(x) + square(y - cy));
    double iris = id->iris_radius;
    double grey = 0.80 - 8.0 * x * x;
    grey -= 0.35 * hill1((y - upper) / 0.045);
    double tone = id->iris_tone * (0.9 + 0.35 * step((y - cy) / iris + 0.2));
    tone *= 1.0 - 0.45 * hill1((r - iris) / (0.4 * iris));
    grey = mix(grey, tone, cover(r - iris, edge(model, 0.006)));
    grey = mix(grey, 0.03, cover(r - 0.42 * iris, edge(model, 0.005)));
    double gx = x - 1.1 * iris * model->light_x, gy = y - cy + 0.48 * iris;
    double glint = larger(0.011, 2.2 * model->pixel);
    return grey + 0.80 * hill(gx / glint, gy / glint);
}

static void paint_eye(const struct model *model, struct point m, double *grey)
{
    const struct face_identity *id = &model->id;
    double side = m.x < 0.0 ? -1.0 : 1.0;
    double x = side * m.x - id->eye_x;
    double y = m.y - id->eye_y;
    double s = x / id->eye_half_width;
    if (fabs(s) > 1.6 || y < -0.13 || y > 0.10)
        return;
    double inside = clamp(s, -1.0, 1.0);
    double upper = lid_y(id, inside, -1.0), lower = lid_y(id, inside, 1.0);
    double beyond = (fabs(s) - 1.0) * id->eye_half_width;

    /* the lid: a crease above, a soft shadow around */
    double k = hill1(s / 1.35);
    stroke(grey, m.y - upper + 0.024 + 0.008 * k, 0.016, 0.30 * k);
    *grey *= 1.0 - 0.14 * hill(s / 1.6, y / 0.10);

    double slope = 2.0 * id->eye_open * 0.65 * inside / id->eye_half_width;
    double lean = 1.0 / sqrt(1.0 + slope * slope);
    double d = larger(larger(upper - m.y, m.y - lower) * lean, beyond);
    double open = cover(d, edge(model, 0.006));
    if (open > 0.0)
        *grey = mix(*grey, eyeball(model, side * x, m.y, upper), open);

    /* lashes: dark along the upper lid and stronger outward, faint along the lower */
    double ends = cover(beyond - 0.004, edge(model, 0.012));
    double lash = 0.62 + 0.20 * inside;
    double reach = edge(model, 0.010) * 1.5;
    *grey = mix(*grey, 0.07, lash * ends * hill1((m.y - upper + 0.003) * lean / reach));
    *grey = mix(*grey, 0.20, 0.38 * ends * hill1((m.y - lower - 0.002) * lean / reach));
}

static void paint_brow(const struct model *model, struct point m, double *grey)
{
    const struct face_identity *id = &model->id;
    double side = m.x < 0.0 ? -1.0 : 1.0;
    double ax = side * m.x;
    double s = (ax - brow_inner_x(id)) / (2.0 * id->brow_half_length);
    if (s < -0.25 || s > 1.25 || fabs(m.y - id->brow_y) > 0.13)
        return;
    double inside = clamp(s, 0.0, 1.0);
    double along = (fabs(s - 0.5) - 0.5) * 2.0 * id->brow_half_length;
    double across = fabs(m.y - brow_line_y(id, inside)) - brow_half_thickness(id, inside);
    double hair = noise(model->seed + 10, m.x / 0.022 + side * m.y / 0.028, m.y / 0.05);
    double d = larger(across, along) + 0.006 * hair;
    double dense = 0.80 - 0.22 * hill1(inside / 0.35) + 0.18 * hair;
    *grey = mix(*grey, id->brow_tone, dense * cover(d, edge(model, 0.014)));
}

static double skin_grey(const struct model *model, struct point m)
{
    double grey = model->id.skin_tone * shade(model, m) * skin_pattern(model, m);
    paint_folds(model, m, &grey);
    paint_nose(model, m, &grey);
    paint_mouth(model, m, &grey);
    paint_eye(model, m, &grey);
    paint_brow(model, m, &grey);
    return grey;
}

/* Strands fall away from the parting: a noise in polar-like coordinates around it. */
static double hair_grey(const struct model *model, struct point m)
{
    const struct face_identity *id = &model->id;
    double depth = larger(m.y + 1.25, 0.12);
    double fall = (m.x - id->hair_part_x) / (0.25 + 0.75 * smaller(depth, 0.9));
    double strand = noise(model->seed + 11, fall / 0.045, m.y / 0.22) +
                    0.7 * noise(model->seed + 12, fall / 0.095, m.y / 0.40);
    double gloss = hill((m.x - 0.4 * model->light_x) / 0.50, (m.y + 0.93) / 0.17);
    double round = 1.0 - 0.45 * square(m.x / 0.62);
    return id->hair_tone * round * (1.0 + 0.30 * strand) +
           0.10 * gloss * (1.0 + 0.6 * strand);
}

/* ---- The neutral face: shapes ----------------------------------------------------- */

/* Signed distances at a point to the parts of the head and to their union. */
struct outline {
    double face, ear, hair, head;
};

static void build_shapes(struct model *model)
{
    const struct face_identity *id = &model->id;
    double a = id->half_width, volume = id->hair_volume;
    model->skull = make_box(a, 0.80, 0.15);
    model->jaw = make_box(a, id->chin_y - TEMPLE_Y, id->jaw_square);
    model->ear = make_box(0.048, 0.125, 0.0);
    model->hair = make_box(a + volume, 0.80 + volume, 0.25);
    model->opening = make_box(a - 0.025, TEMPLE_Y - id->hairline_y, 0.45);
    model->collar = make_box(0.42, 0.22, 0.0);
}

static double face_distance(const struct model *model, struct point m)
{
    double y = m.y - TEMPLE_Y;
    return box_distance(y < 0.0 ? &model->skull : &model->jaw, m.x, y);
}

static double ear_distance(const struct model *model, struct point m)
{
    double x = fabs(m.x) - model->id.half_width - 0.012 + 0.12 * (m.y + 0.17);
    return box_distance(&model->ear, x, m.y + 0.17);
}

/* Short hair closes behind the ears; long hair falls in a wave. */
static double hair_distance(const struct model *model, struct point m)
{
    const struct face_identity *id = &model->id;
    double y = m.y - TEMPLE_Y, a = id->half_width + id->hair_volume;
    if (y < 0.0)
        return box_distance(&model->hair, m.x, y);
    if (id->hair_end_y < 0.1) {
        double close = (id->hair_volume + 0.03) * step(y / (id->hair_end_y - TEMPLE_Y));
        return larger(fabs(m.x) - a + close, m.y - id->hair_end_y);
    }
    double wave = 0.010 * sin(14.0 * m.y) * step(y / 0.2);
    double ends = 0.04 * sin(9.0 * m.x);
    return larger(fabs(m.x) - a - wave - 0.05 * y, m.y - id->hair_end_y - ends);
}

/* Distance to the opening of the hair through which the face shows. */
static double opening_distance(const struct model *model, struct point m)
{
    const struct face_identity *id = &model->id;
    double y = m.y - TEMPLE_Y;
    if (y >= 0.0)
        return fabs(m.x) - (id->half_width - 0.025) - 0.02 * step(y / 0.15);
    double sweep = 0.12 * larger(m.x - id->hair_part_x, 0.0) * step(-y / 0.4);
    return box_distance(&model->opening, m.x, y - sweep);
}

/* Deep in the face, below the forehead, the other parts are only known to be far; so
 * is all of the head away from it. */
static struct outline outline_at(const struct model *model, struct point m)
{
    struct outline d = {1.0, 1.0, 1.0, 1.0};
    if (fabs(m.x) > 0.8 || m.y < -1.3 || m.y > 0.9)
        return d;
    d.face = face_distance(model, m);
    if (d.face > -0.15 || m.y < -0.5) {
        d.ear = ear_distance(model, m);
        d.hair = hair_distance(model, m);
    }
    d.head = smaller(d.face, smaller(d.ear, d.hair));
    return d;
}

static double ear_grey(const struct model *model, struct point m, double d)
{
    double x = fabs(m.x) - model->id.half_width;
    double hollow = hill((x - 0.018) / 0.030, (m.y + 0.18) / 0.080);
    double rim = 0.60 - 0.25 * hollow + 0.10 * hill1((d + 0.012) / 0.014);
    return model->id.skin_tone * rim * (1.0 + 0.04 * grain(model, 13, m, 0.03));
}

/* How much hair lies in front of the face: outside the opening, above the ears. */
static double fringe(const struct model *model, struct point m, double hair, double w)
{
    double end = smaller(model->id.hair_end_y, -0.02);
    if (hair >= w || m.y > end + 0.05)
        return 0.0;
    double opening = opening_distance(model, m);
    if (opening < -0.06)
        return 0.0;
    opening += 0.012 * noise(model->seed + 14, m.x / 0.05, m.y / 0.09);
    double front = 1.0 - cover(opening, edge(model, 0.016));
    return front * cover(hair, w) * cover(m.y - end, 0.05);
}

/* The turn of the cheek away from the viewer darkens the last bit of skin. */
static double turned_skin(const struct model *model, struct point m, double face)
{
    return skin_grey(model, m) * (1.0 - 0.30 * hill1(smaller(face, 0.0) / 0.07));
}

/* The head at a material point, from back to front: hair, ears, face, fringe. */
static double head_grey(
    const struct model *model, struct point m, const struct outline *d)
{
    double w = edge(model, 0.006);
    double face = cover(d->face, w), behind = cover(d->hair, w), ear = 0.0;
    double front = fringe(model, m, d->hair, w);
    double hair = face < 1.0 || front > 0.0 ? hair_grey(model, m) : 0.0;
    double grey = hair;

    if (face < 1.0) {
        bool hidden = model->id.hair_end_y > 0.1;
        ear = larger(hidden ? 0.0 : cover(d->ear, w), 1.0 - behind);
        if (ear > 0.0)
            grey = mix(hair, ear_grey(model, m, d->ear), ear);
    }
    if (face > 0.0 && front < 1.0)
        grey = mix(grey, turned_skin(model, m, d->face), face);
    return mix(grey, hair, front * (1.0 - ear * (1.0 - face)));
}

/* ---- The background --------------------------------------------------------------- */

/* A wall with soft light, a picture rail and a frame; x, y relative to the height. */
static double wall_grey(uint64_t seed, double x, double y, double pixel)
{
    uint32_t salt = (uint32_t)mix64(seed);
    double base = 0.42 + 0.25 * (double)(salt >> 24) / 255.0;
    double grey = base + 0.10 * (0.5 - y) + 0.05 * noise(salt, x * 2.2, y * 2.2) +
                  0.03 * noise(salt + 1, x * 9.0, y * 9.0) +
                  0.02 * noise(salt + 2, x * 28.0, y * 28.0);
    double w = larger(0.010, pixel);
    double panel = 0.15 + 0.7 * (double)(salt >> 16 & 0xff) / 255.0;
    grey *= 1.0 - 0.10 * cover(panel - x, w);
    double fx = x - 0.12 - 0.3 * (double)(salt >> 8 & 0xff) / 255.0;
    double d = larger(fabs(fx) - 0.13, fabs(y - 0.17) - 0.11);
    double inner = 0.30 + 0.12 * noise(salt + 3, x * 14.0, y * 14.0);
    grey = mix(grey, 0.22, cover(d, w));
    return mix(grey, inner, cover(d + 0.02, w));
}

/* Neck, shoulders and clothes, in the face units of the resting head; they stay. */
static double body_grey(const struct model *model, struct point c, double *alpha)
{
    const struct face_identity *id = &model->id;
    double w = edge(model, 0.010);
    double ax = fabs(c.x);
    double drop = larger(c.y - 0.62, 0.0);
    double half = 0.33 - 0.03 * hill1((c.y - 0.45) / 0.3) + 1.35 * drop / (0.5 + drop);
    *alpha = cover(larger(ax - half, 0.1 - c.y), w);
    if (*alpha <= 0.0)
        return 0.0;

    double turn = 1.0 - 0.50 * square(c.x / 0.36) * (1.0 - 0.4 * step(c.y / 0.2 - 3.2));
    double chin = 1.0 - 0.45 * cover(c.y - 0.62 + 0.5 * c.x * c.x, 0.13);
    double skin = id->skin_tone * 0.80 * larger(turn, 0.35) * chin;
    skin *= 1.0 + 0.04 * grain(model, 15, c, 0.05);
    skin *=
        1.0 - 0.12 * hill((ax - 0.12 + 0.15 * (c.y - 0.5)) / 0.05, (c.y - 0.68) / 0.25);

    double cloth = 0.16 + 0.5 * (double)(model->seed >> 24) / 255.0;
    cloth *= 1.0 - 0.25 * square(c.x / 1.3) + 0.10 * grain(model, 16, c, 0.16) +
             0.10 * grain(model, 17, c, 0.035);
    double collar = box_distance(&model->collar, c.x, drop);
    cloth *= 1.0 - 0.25 * hill1((collar - 0.03) / 0.035);
    return mix(cloth, skin, cover(collar, w));
}

/* ---- A moment of a clip ----------------------------------------------------------- */

/* Everything that one frame needs: image = origin + scale R(angle) face. */
struct moment {
    const struct face_clip_options *clip;
    struct model model;
    struct field field;
    struct point origin;
    double cosine, sine, scale, inverse_scale;
};

static struct face_pose pose_at(const struct face_clip_options *clip, int t)
{
    struct face_pose pose = {
        .dx = clip->drift.dx * t,
        .dy = clip->drift.dy * t,
        .angle = clip->drift.angle * t,
        .zoom = clip->drift.zoom * t,
    };
    if (clip->path) {
        pose.dx += clip->path[t].dx;
        pose.dy += clip->path[t].dy;
        pose.angle += clip->path[t].angle;
        pose.zoom += clip->path[t].zoom;
    }
    return pose;
}

static void build_model(struct model *model, const struct face_clip_options *clip)
{
    double length = sqrt(square(clip->light_x) + square(clip->light_y) + 1.0);
    model->id = clip->identity;
    model->light_x = clip->light_x / length;
    model->light_y = clip->light_y / length;
    model->light_z = 1.0 / length;
    model->size = clip->face_size;
    model->pixel = 1.0 / clip->face_size;
    model->seed = (uint32_t)clip->identity.seed;
    place_landmarks(&model->id, model->landmarks);
    build_shapes(model);
    build_relief(model);
}

static void build_moment(
    struct moment *moment, const struct face_clip_options *clip, int t)
{
    struct face_pose pose = pose_at(clip, t);
    moment->clip = clip;
    moment->origin.x = clip->face_x + pose.dx;
    moment->origin.y = clip->face_y + pose.dy;
    moment->scale = clip->face_size * (1.0 + pose.zoom);
    moment->inverse_scale = 1.0 / moment->scale;
    moment->cosine = cos(pose.angle);
    moment->sine = sin(pose.angle);
    build_model(&moment->model, clip);
    build_field(
        &moment->field, clip, moment->model.landmarks, face_clip_profile(clip, t));
}

static struct point to_face(const struct moment *moment, double x, double y)
{
    double dx = (x - moment->origin.x) * moment->inverse_scale;
    double dy = (y - moment->origin.y) * moment->inverse_scale;
    return (struct point){
        moment->cosine * dx + moment->sine * dy, moment->cosine * dy - moment->sine * dx};
}

static struct point to_image(const struct moment *moment, struct point c)
{
    double dx = moment->cosine * c.x - moment->sine * c.y;
    double dy = moment->sine * c.x + moment->cosine * c.y;
    return (struct point){
        moment->origin.x + moment->scale * dx, moment->origin.y + moment->scale * dy};
}

/* Wall and body at an image point. */
static double backdrop_grey(const struct moment *moment, double x, double y)
{
    const struct face_clip_options *clip = moment->clip;
    double unit = 1.0 / clip->height;
    struct point rest = {
        (x - clip->face_x) / clip->face_size, (y - clip->face_y) / clip->face_size};
    double alpha;
    double body = body_grey(&moment->model, rest, &alpha);
    if (alpha >= 1.0)
        return body;
    return mix(wall_grey(clip->background_seed, x * unit, y * unit, unit), body, alpha);
}

/* One sample of the scene: the head in front of the backdrop. */
static double sample(const struct moment *moment, double x, double y)
{
    struct point m = to_material(&moment->field, to_face(moment, x, y));
    const struct model *model = &moment->model;
    struct outline d = outline_at(model, m);
    double head = cover(d.head, edge(model, 0.008));
    if (head <= 0.0)
        return backdrop_grey(moment, x, y);
    double grey = head_grey(model, m, &d);
    return head >= 1.0 ? grey : mix(backdrop_grey(moment, x, y), grey, head);
}

/* The mean of n x n samples of the pixel, in grey levels after lighting and noise. */
static double pixel_grey(const struct moment *moment, int t, int x, int y)
{
    const struct face_clip_options *clip = moment->clip;
    int n = clip->supersample > 0 ? clip->supersample : 1;
    double sum = 0.0;
    for (int j = 0; j < n; j++)
        for (int i = 0; i < n; i++)
            sum += sample(moment, x + (i + 0.5) / n - 0.5, y + (j + 0.5) / n - 0.5);
    double light =
        clip->light_gain * (1.0 + clip->light_slope_x * ((double)x / clip->width - 0.5) +
                               clip->light_slope_y * ((double)y / clip->height - 0.5));
    double grey = 255.0 * light * sum / (n * n);
    if (clip->noise_sigma > 0.0)
        grey += clip->noise_sigma * sensor_noise(clip->noise_seed, t, x, y);
    return grey;
}

/* ---- The public functions --------------------------------------------------------- */

struct face_clip_options face_clip_defaults(uint64_t seed)
{
    struct face_clip_options clip = {
        .identity = face_identity_from_seed(seed),
        .n_frames = 30,
        .onset = 5,
        .apex = 14,
        .offset = 24,
        .light_x = -0.35,
        .light_y = -0.45,
        .light_gain = 1.0,
        .noise_seed = mix64(seed ^ UINT64_C(0x6e6f697365)),
        .background_seed = mix64(seed ^ UINT64_C(0x77616c6c)),
        .supersample = 2,
    };
    face_clip_resize(&clip, 140, 170);
    return clip;
}

void face_clip_resize(struct face_clip_options *clip, int width, int height)
{
    clip->width = width;
    clip->height = height;
    clip->face_x = 0.5 * (width - 1);
    clip->face_y = 0.57 * (height - 1);
    clip->face_size = smaller(0.88 * width, 0.725 * height);
}

bool face_clip_add_action(
    struct face_clip_options *clip, int au, enum face_side side, double intensity)
{
    if (clip->n_actions >= FACE_MAX_ACTIONS)
        return false;
    for (int i = 0, known; face_action_unit(i, &known); i++) {
        if (known != au)
            continue;
        clip->actions[clip->n_actions++] = (struct face_action){au, side, intensity};
        return true;
    }
    return false;
}

/* Raised cosine: (1 - cos(pi s)) / 2 up to the apex and back down to the offset. */
double face_clip_profile(const struct face_clip_options *clip, int t)
{
    const double pi = 3.14159265358979323846;
    if (t <= clip->onset || t >= clip->offset)
        return 0.0;
    double s = t <= clip->apex ? (double)(t - clip->onset) / (clip->apex - clip->onset)
                               : (double)(clip->offset - t) / (clip->offset - clip->apex);
    return 0.5 - 0.5 * cos(pi * s);
}

void face_clip_frame(
    const struct face_clip_options *clip, int t, uint8_t *grey, int stride)
{
    struct moment moment;
    build_moment(&moment, clip, t);
    for (int y = 0; y < clip->height; y++)
        for (int x = 0; x < clip->width; x++) {
            double v = clamp(pixel_grey(&moment, t, x, y) + 0.5, 0.0, 255.0);
            grey[(ptrdiff_t)y * stride + x] = (uint8_t)v;
        }
}

void face_clip_frame_float(
    const struct face_clip_options *clip, int t, float *grey, int stride)
{
    struct moment moment;
    build_moment(&moment, clip, t);
    for (int y = 0; y < clip->height; y++)
        for (int x = 0; x < clip->width; x++)
            grey[(ptrdiff_t)y * stride + x] = (float)pixel_grey(&moment, t, x, y);
}

/* Distance in pixels to the head's outline at an image point; negative inside. */
static double outline_pixels(const struct moment *moment, double x, double y)
{
    struct point m = to_material(&moment->field, to_face(moment, x, y));
    return moment->scale * outline_at(&moment->model, m).head;
}

static enum face_pixel classify(
    const struct moment *from, const struct moment *to, struct point a, struct point b)
{
    const double w = from->clip->width - 1, h = from->clip->height - 1;
    double margin = 1.5 + edge(&from->model, 0.008) * from->scale;
    double d = outline_pixels(from, a.x, a.y);
    if (d > margin)
        return outline_pixels(to, a.x, a.y) > margin ? FACE_PIXEL_BACKGROUND
                                                     : FACE_PIXEL_UNKNOWN;
    bool in_picture = b.x >= 0.0 && b.x <= w && b.y >= 0.0 && b.y <= h;
    return d < -margin && in_picture ? FACE_PIXEL_HEAD : FACE_PIXEL_UNKNOWN;
}

void face_clip_flow(const struct face_clip_options *clip, int t0, int t1, float *u,
    float *v, uint8_t *kind)
{
    struct moment from, to;
    build_moment(&from, clip, t0);
    build_moment(&to, clip, t1);
    for (int y = 0; y < clip->height; y++)
        for (int x = 0; x < clip->width; x++) {
            ptrdiff_t i = (ptrdiff_t)y * clip->width + x;
            struct point a = {x, y}, b = a;
            struct point m = to_material(&from.field, to_face(&from, x, y));
            if (outline_at(&from.model, m).head <= 0.0)
                b = to_image(&to, from_material(&to.field, m));
            u[i] = (float)(b.x - a.x);
            v[i] = (float)(b.y - a.y);
            if (kind)
                kind[i] = (uint8_t)classify(&from, &to, a, b);
        }
}

void face_clip_landmarks(
    const struct face_clip_options *clip, int t, float xy[2 * FACE_LANDMARKS])
{
    struct moment moment;
    build_moment(&moment, clip, t);
    for (int i = 0; i < FACE_LANDMARKS; i++) {
        struct point c = from_material(&moment.field, moment.model.landmarks[i]);
        struct point p = to_image(&moment, c);
        xy[2 * i] = (float)p.x;
        xy[2 * i + 1] = (float)p.y;
    }
}

void face_clip_box(const struct face_clip_options *clip, int t, float box[4])
{
    struct face_pose pose = pose_at(clip, t);
    double side = clip->face_size * (1.0 + pose.zoom);
    box[0] = (float)(clip->face_x + pose.dx - 0.5 * side);
    box[1] = (float)(clip->face_y + pose.dy - 0.5 * side);
    box[2] = box[3] = (float)side;
}
