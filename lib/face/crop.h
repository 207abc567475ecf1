/* SPDX-License-Identifier: MIT */
/* Crops from inside. */
#ifndef MX_FACE_CROP_H
#define MX_FACE_CROP_H

#include "face/transform.h"

/* "140x170". */
void mx_crop_standard(mexpr_crop *crop);
mexpr_status mx_crop_check(mx_scope *scope, const mexpr_crop *given, mexpr_crop *crop);
/* mexpr_crop_transform() for arguments that are checked. */
mexpr_status mx_crop_transform(
    mx_scope *scope, const mexpr_crop *crop, const float *landmarks, double matrix[6]);

#endif
