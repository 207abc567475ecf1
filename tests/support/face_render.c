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
#include "face_render_parts.h"

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
    face_place_landmarks(&model->id, model->landmarks);
    face_build_shapes(model);
    face_build_relief(model);
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
    face_build_field(
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
    double body = face_body_grey(&moment->model, rest, &alpha);
    if (alpha >= 1.0)
        return body;
    return mix(
        face_wall_grey(clip->background_seed, x * unit, y * unit, unit), body, alpha);
}

/* One sample of the scene: the head in front of the backdrop. */
static double sample(const struct moment *moment, double x, double y)
{
    struct point m = face_to_material(&moment->field, to_face(moment, x, y));
    const struct model *model = &moment->model;
    struct outline d = face_outline_at(model, m);
    double head = cover(d.head, face_edge(model, 0.008));
    if (head <= 0.0)
        return backdrop_grey(moment, x, y);
    double grey = face_head_grey(model, m, &d);
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
    struct point m = face_to_material(&moment->field, to_face(moment, x, y));
    return moment->scale * face_outline_at(&moment->model, m).head;
}

static enum face_pixel classify(
    const struct moment *from, const struct moment *to, struct point a, struct point b)
{
    const double w = from->clip->width - 1, h = from->clip->height - 1;
    double margin = 1.5 + face_edge(&from->model, 0.008) * from->scale;
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
            struct point m = face_to_material(&from.field, to_face(&from, x, y));
            if (face_outline_at(&from.model, m).head <= 0.0)
                b = to_image(&to, face_from_material(&to.field, m));
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
        struct point c = face_from_material(&moment.field, moment.model.landmarks[i]);
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
