/* SPDX-License-Identifier: MIT */
/* Crops by the eyes. Where the numbers come from: docs/face.md. */
#include "face/crop.h"

#include <string.h>

#include "image/polygon.h"
#include "image/warp.h"

enum { EYE_POINTS = 6, EYE_LEFT = 36, EYE_RIGHT = 42, MIN_SIDE = 8, MAX_SIDE = 8192 };

static const struct {
    const char *name;
    int32_t width, height;
    double eye_distance, eye_y;
} crops[] = {
    {"140x170", 140, 170, 0.50, 0.25},
    {"280x340", 280, 340, 0.50, 0.25},
    {"112", 112, 112, 0.3146, 0.4652},
    {"128", 128, 128, 0.49, 0.29},
    {"224", 224, 224, 0.49, 0.29},
};

enum { N_CROPS = sizeof crops / sizeof crops[0] };

const char *mexpr_crop_name(int32_t index)
{
    return index >= 0 && index < N_CROPS ? crops[index].name : NULL;
}

void mx_crop_standard(mexpr_crop *crop)
{
    *crop = (mexpr_crop){sizeof *crop, crops[0].width, crops[0].height,
        crops[0].eye_distance, crops[0].eye_y};
}

mexpr_status mexpr_crop_find(const char *name, mexpr_crop *crop)
{
    if (!name || !crop)
        return MEXPR_E_ARG;
    if (crop->struct_size < sizeof *crop)
        return MEXPR_E_ABI;
    for (int i = 0; i < N_CROPS; i++) {
        if (strcmp(crops[i].name, name) != 0)
            continue;
        crop->width = crops[i].width;
        crop->height = crops[i].height;
        crop->eye_distance = crops[i].eye_distance;
        crop->eye_y = crops[i].eye_y;
        return MEXPR_OK;
    }
    return MEXPR_E_NOT_FOUND;
}

mexpr_status mx_crop_check(mx_scope *scope, const mexpr_crop *given, mexpr_crop *crop)
{
    if (!given)
        return mx_fail(scope, MEXPR_E_ARG, "crop is NULL");
    *crop = (mexpr_crop)MEXPR_CROP_INIT;
    const mexpr_status status =
        mx_options_copy(scope, given, sizeof *crop, crop, sizeof *crop);
    if (status != MEXPR_OK)
        return status;
    if (crop->width < MIN_SIDE || crop->width > MAX_SIDE || crop->height < MIN_SIDE ||
        crop->height > MAX_SIDE)
        return mx_fail(scope, MEXPR_E_RANGE,
            "a crop of %d×%d px is not possible; sides are %d to %d px", (int)crop->width,
            (int)crop->height, MIN_SIDE, MAX_SIDE);
    if (!(crop->eye_distance > 0 && crop->eye_distance < 1 && crop->eye_y > 0 &&
            crop->eye_y < 1))
        return mx_fail(scope, MEXPR_E_RANGE,
            "the crop's eye_distance is %g and eye_y %g; both must be between 0 and 1",
            crop->eye_distance, crop->eye_y);
    return MEXPR_OK;
}

static void eye_centre(const float *landmarks, int first, float centre[2])
{
    double x = 0, y = 0;
    for (int i = first; i < first + EYE_POINTS; i++) {
        x += landmarks[2 * i];
        y += landmarks[2 * i + 1];
    }
    centre[0] = (float)(x / EYE_POINTS);
    centre[1] = (float)(y / EYE_POINTS);
}

mexpr_status mx_crop_transform(
    mx_scope *scope, const mexpr_crop *crop, const float *landmarks, double matrix[6])
{
    float from[4];
    eye_centre(landmarks, EYE_LEFT, from);
    eye_centre(landmarks, EYE_RIGHT, from + 2);
    const double half = 0.5 * crop->eye_distance * crop->width;
    const double middle = 0.5 * crop->width - 0.5;
    const float y = (float)(crop->eye_y * crop->height - 0.5);
    const float to[4] = {(float)(middle - half), y, (float)(middle + half), y};
    const mexpr_status status = mx_transform_fit(
        scope, MEXPR_TRANSFORM_SIMILARITY, from, to, NULL, NULL, 2, matrix);
    return status == MEXPR_OK ? MEXPR_OK
                              : mx_fail_prefix(scope, status, "the centres of the eyes");
}

mexpr_status mexpr_crop_transform(mexpr_context *context, const mexpr_crop *crop,
    const float *landmarks, double *matrix)
{
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    mexpr_crop known;
    if (!matrix)
        return mx_fail(scope, MEXPR_E_ARG, "matrix is NULL");
    mexpr_status status = mx_crop_check(scope, crop, &known);
    if (status == MEXPR_OK)
        status = mx_check_landmarks(scope, landmarks);
    return status == MEXPR_OK ? mx_crop_transform(scope, &known, landmarks, matrix)
                              : status;
}

mexpr_status mexpr_face_crop(mexpr_context *context, const mexpr_image *image,
    const mexpr_crop *crop, const float *landmarks, mexpr_image **out)
{
    if (!out)
        return MEXPR_E_ARG;
    *out = NULL;
    double matrix[6], back[6];
    const mexpr_status status = mexpr_crop_transform(context, crop, landmarks, matrix);
    if (status != MEXPR_OK)
        return status;
    mx_scope *scope = mx_context_scope(context);
    if (!mx_transform_back(matrix, back))
        return mx_fail(scope, MEXPR_E_RANGE, "the eyes are too far from each other");
    return mexpr_image_warp(context, image, back, crop->width, crop->height, out);
}
