/* SPDX-License-Identifier: MIT */
/* TV-L1 flow once more, as the paper is written: double precision, one array per
 * quantity, one loop per equation, nothing shared with the library. */
#ifndef TESTS_FLOW_PLAIN_TVL1_H
#define TESTS_FLOW_PLAIN_TVL1_H

typedef struct plain_tvl1_params {
    double tau, lambda, theta, zoom, epsilon;
    int scales, warps, iterations;
} plain_tvl1_params;

/* Flow from `first` to `second`, planes without gaps, of 16 × 16 pixels or more. */
void plain_tvl1(const plain_tvl1_params *params, const float *first, const float *second,
    int width, int height, double *u, double *v);

#endif
