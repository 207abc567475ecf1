/* SPDX-License-Identifier: MIT */
#include "landmark_cases.h"

#include <math.h>
#include <stdlib.h>

mx_face_box landmark_case_box(mx_rng *rng, const float *points)
{
    mx_face_box box = mx_face_box_around(points);
    const float side = box.size;
    box.size *= expf(0.07f * (float)mx_rng_normal(rng));
    box.x += 0.06f * side * (float)mx_rng_normal(rng) + 0.5f * (side - box.size);
    box.y += 0.035f * side * (float)mx_rng_normal(rng) + 0.5f * (side - box.size);
    return box;
}

double landmark_case_error(const float *points, const float *truth)
{
    double sum = 0.0;
    for (int i = 0; i < MX_FACE_POINTS; i++)
        sum += hypot(points[2 * i] - truth[2 * i], points[2 * i + 1] - truth[2 * i + 1]);
    return sum / MX_FACE_POINTS /
           hypot(truth[2 * 45] - truth[2 * 36], truth[2 * 45 + 1] - truth[2 * 36 + 1]);
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

landmark_errors landmark_errors_of(double *errors, int n)
{
    landmark_errors result = {0.0, 0.0};
    for (int i = 0; i < n; i++)
        result.mean += errors[i] / n;
    qsort(errors, (size_t)n, sizeof *errors, by_value);
    result.p95 = n ? errors[(int)(0.95 * (n - 1))] : 0.0;
    return result;
}

bool landmark_cases_read(
    mexpr_context *context, const char *folder, landmark_cases *cases)
{
    *cases = (landmark_cases){.n_faces = 0};
    if (!face_data_load(context, folder, &cases->data))
        return false;
    cases->faces = calloc((size_t)cases->data.n + 1, sizeof *cases->faces);
    cases->others = calloc((size_t)cases->data.n + 1, sizeof *cases->others);
    if (!cases->faces || !cases->others) {
        landmark_cases_free(cases);
        return false;
    }
    for (int i = 0; i < cases->data.n; i++) {
        const face_picture *picture = &cases->data.pictures[i];
        if (picture->part != FACE_HELD_OUT)
            continue;
        if (picture->has_face)
            cases->faces[cases->n_faces++] = picture;
        else
            cases->others[cases->n_others++] = picture;
    }
    return true;
}

void landmark_cases_free(landmark_cases *cases)
{
    face_data_free(&cases->data);
    free(cases->faces);
    free(cases->others);
    *cases = (landmark_cases){.n_faces = 0};
}
