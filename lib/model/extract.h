/* SPDX-License-Identifier: MIT */
#ifndef MX_MODEL_EXTRACT_H
#define MX_MODEL_EXTRACT_H

#include "model/model_handle.h"

/* What to take out of a model, by names of its values. */
typedef struct mx_part {
    const char *const *inputs;
    size_t n_inputs;
    const char *const *outputs;
    size_t n_outputs;
    bool drops_unused; /* inputs that no output needs are left out */
} mx_part;

/* mexpr_model_extract() for arguments that are already checked. */
mexpr_status mx_model_extract(
    mx_scope *scope, mexpr_model *model, const mx_part *part, mexpr_model **out);

#endif
