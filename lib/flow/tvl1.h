/* SPDX-License-Identifier: MIT */
/* One level of TV-L1 flow. */
#ifndef MX_FLOW_TVL1_H
#define MX_FLOW_TVL1_H

#include "flow/flow_estimator.h"

/* Solves a level whose flow is initialised and whose dual variable is 0. Called by all
 * of the level's team at once, each with its own worker. Up to `most` iterations are done
 * at once where it seems that none before the last will be the one to stop after. False,
 * for all of the team: one was; initialise the level again and do one at once. */
bool mx_tvl1_level(mx_flow_worker *worker, int most);

#endif
