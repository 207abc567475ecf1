/* SPDX-License-Identifier: MIT */
/* A convolution and what follows it as one node of training: Conv, Relu, batch
 * normalisation, Relu, MaxPool, of which all but the first may be left out. Several of
 * these chains that differ in their weights alone and read the same picture are one
 * block. Inside, the channels of all chains lie side by side, and what is between the
 * operators stays in the cache but for the sums of the convolution, which backward needs.
 */
#ifndef MX_TRAIN_BLOCK_H
#define MX_TRAIN_BLOCK_H

#include "train/back.h"

enum {
    MX_BLOCK_CHAINS = 5,
    /* Inputs: 0 is the picture, 1 + k * MX_BLOCK_INPUTS + MX_BLOCK_* those of chain k;
     * output k is that of chain k. */
    MX_BLOCK_WEIGHTS = 0,
    MX_BLOCK_BIAS,
    MX_BLOCK_SCALE,
    MX_BLOCK_SHIFT,
    MX_BLOCK_MEAN,
    MX_BLOCK_VARIANCE,
    MX_BLOCK_INPUTS
};

typedef struct mx_block {
    mx_node node; /* first: how the net knows it */
    int n_chains;
    const mx_node *convs[MX_BLOCK_CHAINS], *norms[MX_BLOCK_CHAINS]; /* NULL: none */
    const mx_node *pool;                                            /* NULL: none */
    bool is_gated_first; /* Relu before the normalisation, or without one */
    bool is_gated_last;  /* Relu behind the normalisation */
} mx_block;

/* What node->op and mx_back_find() of a block's node are. */
extern const mx_operator mx_block_operator;
extern const mx_back_op mx_block_back;

#endif
