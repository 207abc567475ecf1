/* SPDX-License-Identifier: MIT */
/* One level of TV-L1 flow. */
#ifndef MX_FLOW_TVL1_H
#define MX_FLOW_TVL1_H

#include "flow/flow_estimator.h"

/* Solves a level whose flow is initialised and whose dual variable is 0. Called by all
 * of the level's team at once, each with its own worker. */
void mx_tvl1_level(mx_flow_worker *worker);

#endif
