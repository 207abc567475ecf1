/* SPDX-License-Identifier: MIT */
/* What the neutral face and its background look like. */
#include "face_render_parts.h"

/* ---- The neutral face: rounded boxes ---------------------------------------------- */

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

void face_build_relief(struct model *model)
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
double face_edge(const struct model *model, double width)
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
    double line = face_lip_line_y(id, inside);
    double d =
        larger(face_lip_top_y(id, inside) - m.y, m.y - face_lip_bottom_y(id, inside));
    d = larger(d, (fabs(s) - 1.0) * id->mouth_half_width);
    double lips = cover(d, face_edge(model, 0.008));
    if (lips > 0.0) {
        double tone = m.y < line ? id->lip_tone * 0.90 : id->lip_tone;
        double crease = noise(model->seed + 9, m.x / 0.020, m.y / 0.06);
        double wet = hill(m.x / 0.08, (m.y - line - 0.45 * id->lip_lower) / 0.018);
        *grey = mix(*grey, *grey * (tone + 0.035 * crease) + 0.05 * wet, lips);
    }
    /* the dark line between the lips, and the corners of the mouth */
    double gap = fabs(m.y - line) - LIP_GAP * (0.4 + 0.6 * (1.0 - inside * inside));
    double ends = cover(fabs(s) - 1.02, 0.05);
    *grey = mix(*grey, 0.10 * id->skin_tone + 0.06,
        0.86 * ends * cover(gap, face_edge(model, 0.006)));
    *grey *= 1.0 - 0.30 * hill((fabs(m.x) - id->mouth_half_width) / 0.032,
                              (m.y - face_lip_line_y(id, 1.0)) / 0.026);
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
    grey = mix(grey, tone, cover(r - iris, face_edge(model, 0.006)));
    grey = mix(grey, 0.03, cover(r - 0.42 * iris, face_edge(model, 0.005)));
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
    double upper = face_lid_y(id, inside, -1.0), lower = face_lid_y(id, inside, 1.0);
    double beyond = (fabs(s) - 1.0) * id->eye_half_width;

    /* the lid: a crease above, a soft shadow around */
    double k = hill1(s / 1.35);
    stroke(grey, m.y - upper + 0.024 + 0.008 * k, 0.016, 0.30 * k);
    *grey *= 1.0 - 0.14 * hill(s / 1.6, y / 0.10);

    double slope = 2.0 * id->eye_open * 0.65 * inside / id->eye_half_width;
    double lean = 1.0 / sqrt(1.0 + slope * slope);
    double d = larger(larger(upper - m.y, m.y - lower) * lean, beyond);
    double open = cover(d, face_edge(model, 0.006));
    if (open > 0.0)
        *grey = mix(*grey, eyeball(model, side * x, m.y, upper), open);

    /* lashes: dark along the upper lid and stronger outward, faint along the lower */
    double ends = cover(beyond - 0.004, face_edge(model, 0.012));
    double lash = 0.62 + 0.20 * inside;
    double reach = face_edge(model, 0.010) * 1.5;
    *grey = mix(*grey, 0.07, lash * ends * hill1((m.y - upper + 0.003) * lean / reach));
    *grey = mix(*grey, 0.20, 0.38 * ends * hill1((m.y - lower - 0.002) * lean / reach));
}

static void paint_brow(const struct model *model, struct point m, double *grey)
{
    const struct face_identity *id = &model->id;
    double side = m.x < 0.0 ? -1.0 : 1.0;
    double ax = side * m.x;
    double s = (ax - face_brow_inner_x(id)) / (2.0 * id->brow_half_length);
    if (s < -0.25 || s > 1.25 || fabs(m.y - id->brow_y) > 0.13)
        return;
    double inside = clamp(s, 0.0, 1.0);
    double along = (fabs(s - 0.5) - 0.5) * 2.0 * id->brow_half_length;
    double across =
        fabs(m.y - face_brow_line_y(id, inside)) - face_brow_half_thickness(id, inside);
    double hair = noise(model->seed + 10, m.x / 0.022 + side * m.y / 0.028, m.y / 0.05);
    double d = larger(across, along) + 0.006 * hair;
    double dense = 0.80 - 0.22 * hill1(inside / 0.35) + 0.18 * hair;
    *grey = mix(*grey, id->brow_tone, dense * cover(d, face_edge(model, 0.014)));
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

void face_build_shapes(struct model *model)
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
struct outline face_outline_at(const struct model *model, struct point m)
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
    double front = 1.0 - cover(opening, face_edge(model, 0.016));
    return front * cover(hair, w) * cover(m.y - end, 0.05);
}

/* The turn of the cheek away from the viewer darkens the last bit of skin. */
static double turned_skin(const struct model *model, struct point m, double face)
{
    return skin_grey(model, m) * (1.0 - 0.30 * hill1(smaller(face, 0.0) / 0.07));
}

/* The head at a material point, from back to front: hair, ears, face, fringe. */
double face_head_grey(const struct model *model, struct point m, const struct outline *d)
{
    double w = face_edge(model, 0.006);
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
double face_wall_grey(uint64_t seed, double x, double y, double pixel)
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
double face_body_grey(const struct model *model, struct point c, double *alpha)
{
    const struct face_identity *id = &model->id;
    double w = face_edge(model, 0.010);
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
