/* SPDX-License-Identifier: MIT */
/* How facial actions move the drawn face. */
#include "face_render_parts.h"

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

void face_build_field(struct field *field, const struct face_clip_options *clip,
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
struct point face_to_material(const struct field *field, struct point c)
{
    struct point d = field_at(field, c);
    return (struct point){c.x - d.x, c.y - d.y};
}

/* The inverse of phi: c = m + d(c) by fixed-point iteration, d being a contraction. */
struct point face_from_material(const struct field *field, struct point m)
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
