/* SPDX-License-Identifier: MIT */
#include "detector_score.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 64 };
static const float enough_overlap = 0.4f;

/* The picture turned about the middle of the face, bilinear, its edges going on. */
static void turn(
    const mx_face_view *view, const mx_face_box *box, float angle, uint8_t *out)
{
    const float c = cosf(angle), s = sinf(angle);
    const float cx = box->x + 0.5f * box->size, cy = box->y + 0.5f * box->size;
    for (uint32_t y = 0; y < view->height; y++)
        for (uint32_t x = 0; x < view->width; x++) {
            const float dx = (float)x - cx, dy = (float)y - cy;
            const float fx =
                fminf(fmaxf(cx + c * dx - s * dy, 0), (float)view->width - 1);
            const float fy =
                fminf(fmaxf(cy + s * dx + c * dy, 0), (float)view->height - 1);
            const uint32_t x0 = (uint32_t)fx, y0 = (uint32_t)fy;
            const uint32_t x1 = x0 + 1 < view->width ? x0 + 1 : x0;
            const uint32_t y1 = y0 + 1 < view->height ? y0 + 1 : y0;
            const float u = fx - (float)x0, v = fy - (float)y0;
            const uint8_t *a = view->pixels + y0 * view->stride;
            const uint8_t *b = view->pixels + y1 * view->stride;
            const float value = (1 - v) * ((1 - u) * a[x0] + u * a[x1]) +
                                v * ((1 - u) * b[x0] + u * b[x1]);
            out[y * view->width + x] = (uint8_t)(value + 0.5f);
        }
}

/* The box of the points turned in the same way. */
static mx_face_box turned_box(const face_picture *picture, float angle)
{
    const mx_face_box *box = &picture->box;
    const float c = cosf(angle), s = sinf(angle);
    const float cx = box->x + 0.5f * box->size, cy = box->y + 0.5f * box->size;
    float points[2 * MX_FACE_POINTS];
    for (int i = 0; i < MX_FACE_POINTS; i++) {
        const float x = picture->points[2 * i] - cx, y = picture->points[2 * i + 1] - cy;
        points[2 * i] = cx + c * x + s * y;
        points[2 * i + 1] = cy + c * y - s * x;
    }
    return mx_face_box_around(points);
}

static void count(const face_picture *picture, const mx_face_box *face,
    const mx_face_box *boxes, size_t n, bool say, detector_score *score)
{
    float best = 0;
    int others = (int)n;
    for (size_t i = 0; face && i < n; i++) {
        const float overlap = mx_face_box_overlap(face, &boxes[i]);
        if (overlap >= enough_overlap && best == 0) {
            best = overlap;
            others--;
        }
    }
    score->n_faces += face != NULL;
    score->n_found += best > 0;
    score->overlap += best;
    score->n_others += face == NULL;
    *(face ? &score->false_beside : &score->false_others) += others;
    if (say && face && best == 0)
        printf("missed: %s\n", picture->name);
    for (size_t i = 0; say && i < n; i++)
        if (!face || mx_face_box_overlap(face, &boxes[i]) < enough_overlap)
            printf("false: %s at %.0f, %.0f, %.0f px, score %.4f\n", picture->name,
                (double)boxes[i].x, (double)boxes[i].y, (double)boxes[i].size,
                (double)boxes[i].score);
}

mexpr_status detector_score_run(mx_scope *scope, mx_face_detector *detector,
    const face_data *data, int part, float threshold, detector_harm harm, float amount,
    float angle, bool say, detector_score *score)
{
    mexpr_status status = MEXPR_OK;
    *score = (detector_score){.n_faces = 0};
    for (int i = 0; i < data->n && status == MEXPR_OK; i++) {
        const face_picture *picture = &data->pictures[i];
        if (picture->part != part)
            continue;
        mx_face_box boxes[MOST], face = turned_box(picture, angle);
        mx_face_view view = picture->view;
        size_t n;
        uint8_t *pixels = malloc((size_t)view.width * view.height);
        if (!pixels)
            return MEXPR_E_NOMEM;
        memcpy(pixels, view.pixels, (size_t)view.width * view.height);
        if (angle != 0 && picture->has_face)
            turn(&picture->view, &picture->box, angle, pixels);
        view.pixels = pixels;
        if (harm)
            harm(&view, pixels, picture->has_face ? &face : NULL, amount);
        status = mx_face_detector_run(
            scope, detector, &view, 24, 1e6f, threshold, boxes, MOST, &n);
        if (status == MEXPR_OK)
            count(picture, picture->has_face ? &face : NULL, boxes, n, say, score);
        free(pixels);
    }
    return status;
}
