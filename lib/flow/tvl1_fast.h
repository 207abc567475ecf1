/* SPDX-License-Identifier: MIT */
/* One level of fast TV-L1 flow; a settings.solve_level. */
#ifndef MX_FLOW_TVL1_FAST_H
#define MX_FLOW_TVL1_FAST_H

#include "flow/flow_estimator.h"

/* The time step that gives U of flow_estimator.h the scale that this method needs. */
float mx_fast_tau(float theta);

void mx_fast_level(mx_flow_worker *worker);

#endif
