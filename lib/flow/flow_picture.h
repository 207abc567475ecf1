/* SPDX-License-Identifier: MIT */
#ifndef MX_FLOW_FLOW_PICTURE_H
#define MX_FLOW_FLOW_PICTURE_H

#include "flow/field.h"

/* mexpr_flow_picture() for arguments that are already checked. */
mexpr_status mx_flow_picture(mx_scope *scope, const mexpr_field *field, mexpr_strain kind,
    int32_t width, int32_t height, mexpr_image **out);

#endif
