/* SPDX-License-Identifier: MIT */
/* Farnebäck's flow as OpenCV's calcOpticalFlowFarneback computes it: a method of the
 * estimator; see flow_method.h. */
#ifndef MX_FLOW_FARNEBACK_H
#define MX_FLOW_FARNEBACK_H

#include "microexpr/flow.h"

enum { MX_FARNEBACK_MAX_N = 31 };

mexpr_status mx_farneback_prepare(mexpr_flow *flow, int width, int height);
float *mx_farneback_input(mexpr_flow *flow, int which);
mexpr_status mx_farneback_solve(mexpr_flow *flow, float *u, float *v);
void mx_farneback_release(mexpr_flow *flow);

#endif
