/* SPDX-License-Identifier: MIT */
/* Attention over one axis of N×C×H×W as two nodes of training instead of its parts: the
 * largest and the mean along the axis, side by side as a picture of two channels, and the
 * product of the input with what was made of it. Where networks exchange the axis with
 * that of the channels before and after (Misra, Nalamada, Arasanipalai, Hou: Rotate to
 * attend: convolutional triplet attention module, WACV 2021), nothing is exchanged but
 * the small picture. */
#ifndef MX_TRAIN_GATE_H
#define MX_TRAIN_GATE_H

#include "train/back.h"

typedef struct mx_axis_gate {
    mx_node node;       /* first: how the net knows it */
    int axis;           /* 1 to 3 */
    bool is_mean_first; /* of the two channels */
} mx_axis_gate;

/* What node->op of a gate's nodes is, and mx_back_find() of these. Statistics: input x,
 * output N×2×A×B; product: inputs x and factors, N×1×A×B. A×B is H×W, C×W or H×C. */
extern const mx_operator mx_gate_stats_operator, mx_gate_product_operator;
extern const mx_back_op mx_gate_stats_back, mx_gate_product_back;

#endif
