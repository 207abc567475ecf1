/* SPDX-License-Identifier: MIT */
/* Who the drawn face is: its lines and landmarks. */
#include "face_render_parts.h"

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

/* The point of the lower face's outline at height v in [0, 1] from temple to chin. */
static double jaw_half_width(const struct face_identity *id, double v)
{
    return id->half_width * sqrt((1.0 - v * v) / (1.0 - id->jaw_square * v * v));
}

/* Height of the upper (sign -1) or lower (+1) lid at s in [-1, 1], inner to outer. */
double face_lid_y(const struct face_identity *id, double s, double sign)
{
    double share = sign < 0.0 ? 0.69 + 0.07 * s : 0.43;
    double y = id->eye_y - id->eye_tilt * s;
    return y + sign * share * id->eye_open * (1.0 - s * s);
}

/* The middle line of a brow at s in [0, 1], inner to outer, and its half thickness. */
double face_brow_line_y(const struct face_identity *id, double s)
{
    return id->brow_y - id->brow_arch * (1.0 - square((s - 0.62) / 0.62)) +
           0.3 * id->brow_thickness;
}

double face_brow_half_thickness(const struct face_identity *id, double s)
{
    return 0.5 * id->brow_thickness * (1.0 - 0.72 * s * s) *
           (0.75 + 0.25 * step(s * 6.0));
}

double face_brow_inner_x(const struct face_identity *id)
{
    return id->eye_x + 0.035 - id->brow_half_length;
}

/* The line between the lips and the outer edges of the lips at s in [-1, 1]. */
double face_lip_line_y(const struct face_identity *id, double s)
{
    return id->mouth_y - id->mouth_bend * s * s + 0.004 * hill1(s / 0.3);
}

double face_lip_top_y(const struct face_identity *id, double s)
{
    double bow = 1.0 - 0.20 * hill1(s / 0.22);
    return face_lip_line_y(id, s) - id->lip_upper * (1.0 - s * s) * bow;
}

double face_lip_bottom_y(const struct face_identity *id, double s)
{
    double k = 1.0 - s * s;
    return face_lip_line_y(id, s) + id->lip_lower * k * (0.35 + 0.65 * k);
}

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
        double x = face_brow_inner_x(id) + 2.0 * id->brow_half_length * s;
        double y = face_brow_line_y(id, s) - face_brow_half_thickness(id, s);
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
        double y = face_lid_y(id, s[i], i < 3 ? -1.0 : 1.0);
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
        p[48 + i].y =
            i <= 6 ? face_lip_top_y(id, outer[i]) : face_lip_bottom_y(id, outer[i]);
    }
    for (int i = 0; i < 8; i++) {
        p[60 + i].x = inner[i] * id->mouth_half_width;
        p[60 + i].y = face_lip_line_y(id, inner[i]) + gap[i] * LIP_GAP;
    }
}

void face_place_landmarks(const struct face_identity *id, struct point *p)
{
    place_outline(id, p);
    place_brows(id, p);
    place_nose(id, p);
    place_eyes(id, p);
    place_mouth(id, p);
}
