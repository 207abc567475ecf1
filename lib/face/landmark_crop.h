/* SPDX-License-Identifier: MIT */
/* Cutting faces out of a picture at any size and roll. */
#ifndef MX_FACE_LANDMARK_CROP_H
#define MX_FACE_LANDMARK_CROP_H

#include "face/landmark_pose.h"
#include "kernel/landmark_crop_kernel.h"

enum {
    MX_LANDMARK_CROP_SIDE = 64, /* the largest crop */
    /* Pixels under a crop: up to four per sample, times sqrt(2) for the roll, and what
     * smoothing reads around them. */
    MX_LANDMARK_CROP_LEVEL = 384
};

/* Work memory; nothing in it is kept between crops. */
typedef struct mx_landmark_cropper {
    /* First, so that rows begin where lines of the cache do. */
    float pixels[MX_LANDMARK_CROP_LEVEL * MX_LANDMARK_CROP_LEVEL];
    float smooth[MX_LANDMARK_CROP_LEVEL * MX_LANDMARK_CROP_LEVEL];
    mx_landmark_crop_kernels kernels;
    uint32_t *sums; /* of one row, at the picture's resolution */
    size_t n_sums;
} mx_landmark_cropper;

void mx_landmark_cropper_init(mx_landmark_cropper *cropper, uint32_t cpu);
void mx_landmark_cropper_free(mexpr_context *context, mx_landmark_cropper *cropper);

/* out = side x side samples of the square from -extent / 2 to extent / 2 in the pose's
 * frame, side <= MX_LANDMARK_CROP_SIDE. Pixels beyond the edge repeat the edge. The
 * picture is smoothed by a Gaussian of half the distance of samples first: shifting
 * picture and pose by the same part of a pixel leaves the samples what they are, but for
 * some hundredths of their contrast. Allocates when the crop is wider in the picture than
 * any before. */
mexpr_status mx_landmark_crop(mx_scope *scope, mx_landmark_cropper *cropper,
    const mx_face_view *view, const mx_landmark_pose *pose, float extent, int side,
    float *out);

#endif
