/* SPDX-License-Identifier: MIT */
#ifndef MX_FLOW_FLOW_PICTURE_H
#define MX_FLOW_FLOW_PICTURE_H

#include "flow/field.h"
#include "image/picture.h"

/* Working memory for pictures of one size of fields of one size. Start with {0}. */
typedef struct mx_picture_work {
    mx_resizer *resizer;
    float *plane; /* of the field's size */
    float *small; /* of the picture's size */
    int32_t field_width;
    int32_t field_height;
    int32_t width;
    int32_t height;
} mx_picture_work;

void mx_picture_work_release(mexpr_context *context, mx_picture_work *work);

/* mexpr_flow_picture() for arguments that are already checked. With the sizes of the last
 * call it allocates the picture alone. */
mexpr_status mx_flow_picture(mx_scope *scope, mx_picture_work *work,
    const mexpr_field *field, mexpr_strain kind, int32_t width, int32_t height,
    mexpr_image **out);

#endif
