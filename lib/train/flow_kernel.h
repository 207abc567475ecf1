/* SPDX-License-Identifier: MIT */
/* Kernel machines on flow: systems without epochs. */
#ifndef MX_TRAIN_FLOW_KERNEL_H
#define MX_TRAIN_FLOW_KERNEL_H

#include "base/scope.h"
#include "microexpr/train.h"

/* NULL outside of 0..n-1. */
const char *mx_flow_kernel_name(int32_t index);
/* mexpr_train() for one of them; arguments have been checked. */
mexpr_status mx_flow_kernel_train(mx_scope *scope, const char *system,
    const mexpr_tensor_view *inputs, const int32_t *labels, int32_t n_classes,
    const char *names, mexpr_progress_fn progress, void *user, mexpr_model **out);

#endif
