/* SPDX-License-Identifier: MIT */
/* A recognizer's answer from inside. */
#ifndef MX_RECOGNIZER_RESULT_H
#define MX_RECOGNIZER_RESULT_H

#include "microexpr/recognizer.h"
#include "recognizer/class_names.h"

enum { MX_STAGES = 5 };

struct mexpr_result {
    mexpr_context *context; /* retained */
    mx_class_names names;
    double *scores; /* one for each class, then the logits */
    double *logits;
    int32_t best;
    mexpr_field *field;
    mexpr_image *picture;
    double milliseconds[MX_STAGES]; /* by mexpr_stage - 1 */
    int32_t n_faces;                /* 0: none was looked for, what follows is not set */
    mexpr_face face;
    mexpr_alignment alignment;
    int64_t onset; /* frames of a clip */
    int64_t apex;
};

/* A result with a copy of the names and room for their scores. */
mexpr_status mx_result_create(
    mx_scope *scope, const mx_class_names *names, mexpr_result **out);

/* Takes the network's output over as logits, scores and best class. MEXPR_E_MODEL for NaN
 * or infinity. */
mexpr_status mx_result_set_logits(
    mx_scope *scope, mexpr_result *result, const float *logits);

#endif
