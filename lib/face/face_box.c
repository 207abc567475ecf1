/* SPDX-License-Identifier: MIT */
/* Boxes of faces. */
#include "face/face_parts.h"

mx_face_box mx_face_box_around(const float points[2 * MX_FACE_POINTS])
{
    float left = points[0], right = points[0], top = points[1], bottom = points[1];
    for (int i = 1; i < MX_FACE_POINTS; i++) {
        float x = points[2 * i], y = points[2 * i + 1];
        left = x < left ? x : left;
        right = x > right ? x : right;
        top = y < top ? y : top;
        bottom = y > bottom ? y : bottom;
    }
    top -= 0.25f * (bottom - top);
    float width = right - left, height = bottom - top;
    float size = width > height ? width : height;
    return (mx_face_box){
        0.5f * (left + right - size), 0.5f * (top + bottom - size), size, 0};
}

static float shared(float a, float a_size, float b, float b_size)
{
    float from = a > b ? a : b;
    float a_end = a + a_size, b_end = b + b_size;
    float to = a_end < b_end ? a_end : b_end;
    return to > from ? to - from : 0;
}

float mx_face_box_overlap(const mx_face_box *a, const mx_face_box *b)
{
    float both =
        shared(a->x, a->size, b->x, b->size) * shared(a->y, a->size, b->y, b->size);
    float all = a->size * a->size + b->size * b->size - both;
    return all > 0 ? both / all : 0;
}
