/* SPDX-License-Identifier: MIT */
/* Features of flow pictures for kernel machines, as a graph: docs/train.md. */
#ifndef MX_TRAIN_FLOW_FEATURES_H
#define MX_TRAIN_FLOW_FEATURES_H

#include "system/layers.h"

enum { MX_FLOW_SIDE = 28 };

/* Which features; at 28×28, then the means of 2×2. */
typedef struct mx_flow_feature {
    double sigma; /* u_x, v_x, u_y, v_y after a Gaussian of sigma px; 0: u, v, strain */
} mx_flow_feature;

/* Every clip of `flow` (N×3×28×28: u, v, strain), normalised: u and v lose their median,
 * which stands for zero motion; every plane is divided by its root mean square and
 * limited to ±limit. */
mx_name mx_flow_normalise(mx_layers *l, mx_name flow, float limit);

/* All clips, and behind them all once more, mirrored: 2N×3×28×28, -u being sum - u. */
mx_name mx_flow_both(mx_layers *l, mx_name flow, float sum);

/* A row for each of N normalised clips: N × mx_flow_feature_size(). */
mx_name mx_flow_feature_rows(mx_layers *l, mx_name normalised, mx_flow_feature feature);
/* 784, or 588 of u, v and strain. */
int64_t mx_flow_feature_size(mx_flow_feature feature);

#endif
