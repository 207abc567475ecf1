/* SPDX-License-Identifier: MIT */
#include "landmark_augment.h"

#include <math.h>
#include <string.h>

static float normal(mx_rng *rng, double deviation)
{
    return (float)(deviation * mx_rng_normal(rng));
}

static float between(mx_rng *rng, double low, double high)
{
    return (float)(low + (high - low) * mx_rng_uniform(rng));
}

static bool chance(mx_rng *rng, double share)
{
    return mx_rng_uniform(rng) < share;
}

/* --- poses ------------------------------------------------------------------------- */

/* Moves a pose by (dx, dy) in units of its side, then resizes and rolls it. */
static mx_landmark_pose disturbed(
    const mx_landmark_pose *pose, float dx, float dy, float growth, float roll)
{
    const float c = expf(growth) * cosf(roll), s = expf(growth) * sinf(roll);
    return (mx_landmark_pose){pose->x + pose->a * dx - pose->b * dy,
        pose->y + pose->b * dx + pose->a * dy, c * pose->a - s * pose->b,
        s * pose->a + c * pose->b};
}

/* The box of the face in the picture rolled by `roll`, as a pose of the picture. */
static mx_landmark_pose rolled_box(const float *points, float roll)
{
    const mx_landmark_pose turn = {0.0f, 0.0f, cosf(roll), sinf(roll)};
    float upright[2 * MX_FACE_POINTS];
    mx_landmark_pose_remove(&turn, points, upright);
    const mx_face_box box = mx_face_box_around(upright);
    const mx_landmark_pose pose = mx_landmark_pose_of_box(&box);
    return (mx_landmark_pose){turn.a * pose.x - turn.b * pose.y,
        turn.b * pose.x + turn.a * pose.y, turn.a * pose.a, turn.b * pose.a};
}

mx_landmark_pose landmark_draw_pose(mx_rng *rng, int stage, const float *shape,
    const float *points, enum landmark_kind kind)
{
    mx_landmark_pose pose;
    if (stage == 0) {
        const float roll =
            chance(rng, 0.25) ? between(rng, -0.5, 0.5) : normal(rng, 0.12);
        pose = rolled_box(points, roll);
        const float dx = normal(rng, 0.065), dy = normal(rng, 0.04);
        pose = disturbed(&pose, dx, dy, normal(rng, 0.08), 0.0f);
    } else {
        const double s = chance(rng, 0.25) ? 2.5 : 1.0;
        pose = mx_landmark_pose_fit(shape, points);
        const float dx = normal(rng, s * 0.025), dy = normal(rng, s * 0.025);
        const float growth = normal(rng, s * 0.04);
        pose = disturbed(&pose, dx, dy, growth, normal(rng, s * 0.06));
    }
    if (kind == LANDMARK_FAR) {
        const float dx = between(rng, -0.7, 0.7), dy = between(rng, -0.7, 0.7);
        const float growth = between(rng, -0.8, 0.8);
        pose = disturbed(&pose, dx, dy, growth, between(rng, -0.7, 0.7));
    }
    return pose;
}

static mx_landmark_pose other_pose(mx_rng *rng, const mx_face_view *view)
{
    const float width = (float)view->width;
    const float height = (float)view->height;
    const float side = expf(between(rng, log(30.0), log(0.9 * fminf(width, height))));
    const float x = between(rng, 0.0, width), y = between(rng, 0.0, height);
    const float roll = between(rng, -0.5, 0.5);
    return (mx_landmark_pose){x, y, side * cosf(roll), side * sinf(roll)};
}

/* --- light, blur, noise, covers ---------------------------------------------------- */

static void mirror_crop(float *crop, int side)
{
    for (int y = 0; y < side; y++, crop += side) {
        for (int x = 0; x < side / 2; x++) {
            const float pixel = crop[x];
            crop[x] = crop[side - 1 - x];
            crop[side - 1 - x] = pixel;
        }
    }
}

/* A bend of the tone curve and a light from one side. */
static void relight(mx_rng *rng, float *crop, int side)
{
    const float bend = between(rng, -0.8, 0.8);
    const float across = normal(rng, 0.25) / (float)side * 2.0f;
    const float down = normal(rng, 0.15) / (float)side * 2.0f;
    for (int y = 0; y < side; y++) {
        for (int x = 0; x < side; x++) {
            float *pixel = &crop[y * side + x];
            const float z = *pixel / 255.0f;
            const float light = 1.0f + across * ((float)x - 0.5f * (float)side) +
                                down * ((float)y - 0.5f * (float)side);
            *pixel = 255.0f * light * (z + bend * z * (1.0f - z));
        }
    }
}

static void blur_line(float *line, int n, int step)
{
    float before = line[0];
    for (int i = 0; i < n; i++) {
        const float here = line[i * step];
        const float after = line[(i + 1 < n ? i + 1 : i) * step];
        line[i * step] = 0.25f * (before + after) + 0.5f * here;
        before = here;
    }
}

static void blur(float *crop, int side)
{
    for (int i = 0; i < side; i++) {
        blur_line(crop + i * side, side, 1);
        blur_line(crop + i, side, side);
    }
}

/* Sums of eight bytes of chance are normal enough. */
static void add_noise(mx_rng *rng, float deviation, float *crop, int n)
{
    const float scale = deviation / 209.0f; /* sqrt(8 * (256^2 - 1) / 12) */
    for (int i = 0; i < n; i++) {
        uint64_t bytes = mx_rng_u64(rng);
        bytes = (bytes & 0x00ff00ff00ff00ffu) + (bytes >> 8 & 0x00ff00ff00ff00ffu);
        bytes += bytes >> 32;
        const int sum = (int)((bytes & 0xffff) + (bytes >> 16 & 0xffff));
        crop[i] += scale * (float)(sum - 1020);
    }
}

static void cover(mx_rng *rng, float *crop, int side)
{
    const float tone = between(rng, 0.0, 255.0);
    const int width = (int)(between(rng, 0.12, 0.45) * (float)side);
    const int height = (int)(between(rng, 0.12, 0.45) * (float)side);
    const int left = (int)(between(rng, -0.1, 0.9) * (float)side);
    const int top = (int)(between(rng, -0.1, 0.9) * (float)side);
    for (int y = top < 0 ? 0 : top; y < side && y < top + height; y++) {
        for (int x = left < 0 ? 0 : left; x < side && x < left + width; x++)
            crop[y * side + x] = tone;
    }
}

static void disturb_picture(mx_rng *rng, float *crop, int side)
{
    relight(rng, crop, side);
    if (chance(rng, 0.25))
        blur(crop, side);
    if (chance(rng, 0.1))
        blur(crop, side);
    if (chance(rng, 0.3))
        cover(rng, crop, side);
    const float noise = between(rng, 0.0, 1.0);
    if (chance(rng, 0.6))
        add_noise(rng, 16.0f * noise * noise * noise, crop, side * side);
}

/* --- crops ------------------------------------------------------------------------- */

float landmark_eyes(const float *points)
{
    return hypotf(
        points[2 * 45] - points[2 * 36], points[2 * 45 + 1] - points[2 * 36 + 1]);
}

static void set_target(const float *points, const mx_landmark_pose *pose,
    enum landmark_kind kind, landmark_target *target)
{
    mx_landmark_pose_remove(pose, points, target->points);
    target->eyes = landmark_eyes(points) / mx_landmark_pose_side(pose);
    target->far = kind == LANDMARK_FAR;
}

mexpr_status landmark_draw(mx_scope *scope, mx_landmark_cropper *cropper, mx_rng *rng,
    int stage, const float *shape, const face_picture *picture, enum landmark_kind kind,
    float *crop, landmark_target *target)
{
    const mx_landmark_plan *plan = &mx_landmark_plans[stage];
    const mx_landmark_pose pose =
        kind == LANDMARK_OTHER
            ? other_pose(rng, &picture->view)
            : landmark_draw_pose(rng, stage, shape, picture->points, kind);
    const mexpr_status status = mx_landmark_crop(
        scope, cropper, &picture->view, &pose, plan->extent, plan->side, crop);
    memset(target, 0, sizeof *target);
    if (kind != LANDMARK_OTHER)
        set_target(picture->points, &pose, kind, target);
    if (chance(rng, 0.5)) {
        mirror_crop(crop, plan->side);
        mx_landmark_mirror_points(target->points);
    }
    if (chance(rng, 0.65))
        disturb_picture(rng, crop, plan->side);
    return status;
}
