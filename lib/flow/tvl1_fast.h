/* SPDX-License-Identifier: MIT */
/* TV-L1 flow by the Chambolle-Pock scheme: a method of the
 * estimator; see flow_method.h. */
#ifndef MX_FLOW_TVL1_FAST_H
#define MX_FLOW_TVL1_FAST_H

#include "microexpr/flow.h"

mexpr_status mx_fast_prepare(mexpr_flow *flow, int width, int height);
float *mx_fast_input(mexpr_flow *flow, int which);
mexpr_status mx_fast_solve(mexpr_flow *flow, float *u, float *v);
void mx_fast_release(mexpr_flow *flow);

#endif
