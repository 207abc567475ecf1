/* SPDX-License-Identifier: MIT */
/* The field from inside. */
#ifndef MX_FLOW_FIELD_H
#define MX_FLOW_FIELD_H

#include <math.h>

#include "base/scope.h"
#include "microexpr/flow.h"

struct mexpr_field {
    mexpr_context *context; /* retained */
    int32_t width;
    int32_t height;
    float *u; /* behind this struct; v follows */
    float *v;
};

/* A field of zeros. */
mexpr_status mx_field_new(
    mx_scope *scope, int64_t width, int64_t height, mexpr_field **out);

static inline size_t mx_field_size(const mexpr_field *field)
{
    return (size_t)field->width * (size_t)field->height;
}

/* Middlebury's rule. */
static inline bool mx_field_is_known(float u, float v)
{
    return fabsf(u) < MEXPR_FIELD_UNKNOWN_THRESHOLD &&
           fabsf(v) < MEXPR_FIELD_UNKNOWN_THRESHOLD;
}

#endif
