/* SPDX-License-Identifier: MIT */
/* TV-L1 flow as OpenCV's DualTVL1OpticalFlow computes it: a method of the
 * estimator; see flow_method.h. */
#ifndef MX_FLOW_DUALTVL1_H
#define MX_FLOW_DUALTVL1_H

#include "microexpr/flow.h"

mexpr_status mx_dualtvl1_prepare(mexpr_flow *flow, int width, int height);
float *mx_dualtvl1_input(mexpr_flow *flow, int which);
mexpr_status mx_dualtvl1_solve(mexpr_flow *flow, float *u, float *v);
void mx_dualtvl1_release(mexpr_flow *flow);

#endif
