/* SPDX-License-Identifier: MIT */
/* What fusing scores and fusing networks share. */
#ifndef MX_FUSION_FUSE_H
#define MX_FUSION_FUSE_H

#include "base/scope.h"
#include "microexpr/fusion.h"

enum { MX_MAX_FUSED = 1000 };

/* Checks rule and weights (NULL: equal); *total receives the sum of the weights. */
mexpr_status mx_fusion_check(
    mx_scope *scope, int32_t rule, const double *weights, int32_t n, double *total);

#endif
