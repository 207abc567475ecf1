/* SPDX-License-Identifier: MIT */
#ifndef MX_SPOT_TIM_H
#define MX_SPOT_TIM_H

#include <stdint.h>

/* The share of frame i of n in the frame that the temporal interpolation model makes at
 * `position`, 0..n-1. The shares of all frames sum to 1. */
double mx_tim_weight(int64_t n, double position, int64_t i);

#endif
