/* SPDX-License-Identifier: MIT */
#include "face/landmark_pose.h"

#include <math.h>
#include <string.h>

#include "face/region.h"

mx_landmark_pose mx_landmark_pose_of_box(const mx_face_box *box)
{
    return (mx_landmark_pose){
        box->x + 0.5f * box->size, box->y + 0.5f * box->size, box->size, 0.0f};
}

float mx_landmark_pose_side(const mx_landmark_pose *pose)
{
    return sqrtf(pose->a * pose->a + pose->b * pose->b);
}

static void centroid(const float *points, double *x, double *y)
{
    *x = *y = 0.0;
    for (int i = 0; i < MX_FACE_POINTS; i++) {
        *x += points[2 * i];
        *y += points[2 * i + 1];
    }
    *x /= MX_FACE_POINTS;
    *y /= MX_FACE_POINTS;
}

/* With both centroids at 0 the least squares similarity is, as a complex number, the sum
 * of conj(shape) * points over the sum of |shape|^2. */
mx_landmark_pose mx_landmark_pose_fit(const float *shape, const float *points)
{
    double sx, sy, px, py, along = 0.0, across = 0.0, square = 0.0;
    centroid(shape, &sx, &sy);
    centroid(points, &px, &py);
    for (int i = 0; i < MX_FACE_POINTS; i++) {
        const double u = shape[2 * i] - sx, v = shape[2 * i + 1] - sy;
        const double x = points[2 * i] - px, y = points[2 * i + 1] - py;
        along += u * x + v * y;
        across += u * y - v * x;
        square += u * u + v * v;
    }
    const double a = along / square, b = across / square;
    return (mx_landmark_pose){
        (float)(px - a * sx + b * sy), (float)(py - b * sx - a * sy), (float)a, (float)b};
}

void mx_landmark_pose_apply(const mx_landmark_pose *pose, const float *points, float *out)
{
    for (int i = 0; i < MX_FACE_POINTS; i++) {
        const float u = points[2 * i], v = points[2 * i + 1];
        out[2 * i] = pose->x + pose->a * u - pose->b * v;
        out[2 * i + 1] = pose->y + pose->b * u + pose->a * v;
    }
}

void mx_landmark_pose_remove(
    const mx_landmark_pose *pose, const float *points, float *out)
{
    const float square = pose->a * pose->a + pose->b * pose->b;
    const float a = pose->a / square, b = pose->b / square;
    for (int i = 0; i < MX_FACE_POINTS; i++) {
        const float x = points[2 * i] - pose->x, y = points[2 * i + 1] - pose->y;
        out[2 * i] = a * x + b * y;
        out[2 * i + 1] = a * y - b * x;
    }
}

void mx_landmark_mirror_points(float *points)
{
    float old[2 * MX_FACE_POINTS];
    memcpy(old, points, sizeof old);
    for (int i = 0; i < MX_FACE_POINTS; i++) {
        points[2 * i] = -old[2 * mx_landmark_mirror[i]];
        points[2 * i + 1] = old[2 * mx_landmark_mirror[i] + 1];
    }
}
