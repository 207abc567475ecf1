/* SPDX-License-Identifier: MIT */
/* Aligners from inside, for the loop over a clip. */
#ifndef MX_FACE_ALIGN_H
#define MX_FACE_ALIGN_H

#include "base/scope.h"
#include "microexpr/face.h"

mx_scope *mx_aligner_scope(mexpr_aligner *aligner);

/* Puts a finder of the aligner's own where *finder is NULL. */
mexpr_status mx_aligner_finder(mexpr_aligner *aligner, mexpr_face_finder **finder);

/* mexpr_aligner_push() for arguments that are checked. */
mexpr_status mx_aligner_push(mexpr_aligner *aligner, const mexpr_image *frame,
    const float *landmarks, mexpr_alignment *report);

#endif
